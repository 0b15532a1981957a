# The commands of the course. `make` lists them; the first one that needs it makes .venv.
#
#   PYTHON=python3.12    the Python that .venv is made with (3.11 or newer)
#   ARGS=--no-browser    passed on to the program that the target starts
#
# pip's settings are honoured (a mirror, a folder of wheels), and so are uv's: UV_TORCH_BACKEND=cpu, say,
# takes the small CPU build of torch where the default is the large one for GPUs.

export PYTHON ?= python3
ARGS   ?=
PY     := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help lab test prove notebooks book slides student check bench clean lock FORCE

help:
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' $(firstword $(MAKEFILE_LIST)) | while read -r target text; do \
		printf 'make %-10s %s\n' "$$target" "$$text"; done

lab: .venv/ready ## open the course in JupyterLab (without a browser: make lab ARGS=--no-browser)
	@exec $(PY) -m xaicourse lab $(ARGS)

test: .venv/ready ## prove the course; a part of it: make test ARGS=FILE, or ARGS="-k WORD"
	@$(PY) -m xaicourse test $(ARGS)

prove: .venv/ready ## see every claim fail and hold, whatever was proven before (tests/proofs); ARGS names notebooks
	@$(PY) -m xaicourse prove $(ARGS)

notebooks: .venv/ready ## run the notebooks that have changed and store their outputs
	@$(PY) -m xaicourse notebooks $(ARGS)

book: .venv/ready ## build the site, slide decks included, into _build/html
	@$(PY) -m xaicourse book

slides: .venv/ready ## build the slide decks alone, into _build/html/slides
	@$(PY) -m xaicourse slides

student: .venv/ready ## make the students' edition, solutions taken out (in student/; ARGS names another folder)
	@$(PY) -m xaicourse student $(ARGS)

check: .venv/ready ## quick checks only: style and types
	@$(PY) -m xaicourse check

bench: .venv/ready ## time the methods
	$(PY) -m benchmarks $(ARGS)

clean: ## remove what was generated: built pages and caches; .venv, students' copies and data stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up, once: again when the lock or the ranges change, and when the folder has moved.
.venv/ready: requirements.lock pyproject.toml
	@sh .ci/setup

ifneq ($(shell [ -x $(PY) ] && [ "$$(cat .venv/ready 2>/dev/null)" = "$$(pwd -P)" ] && echo yes),yes)
.venv/ready: FORCE
FORCE:
endif

# For maintainers. Pins move only where the ranges ask for it; make lock ARGS=--upgrade moves them all. What torch's
# builds for GPUs bring along is left out: torch pins it itself, and a CPU build does without.
lock: .venv/ready
	env -u UV_FIND_LINKS -u UV_TORCH_BACKEND .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--all-extras --no-annotate --no-header $(ARGS) --output-file requirements.lock pyproject.toml
	@mkdir -p _build
	echo '# Made from pyproject.toml by make lock: one set of exact versions for every platform and Python.' > _build/lock
	grep -Ev '^(nvidia-|cuda-|triton)' requirements.lock >> _build/lock && mv _build/lock requirements.lock
