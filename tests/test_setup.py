"""Set-up: the ranges, the lock and the conda file agree, and the Makefile says in one
line what is missing.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from jupytext.cli import jupytext as jupytext_main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TARGETS = [
    "lab",
    "test",
    "notebooks",
    "book",
    "slides",
    "student",
    "check",
    "bench",
    "clean",
]
SETUP_FILES = [
    "Makefile",
    ".ci/setup",
    ".ci/run",
    "requirements.lock",
    "environment.yml",
    "pyproject.toml",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if not line.startswith("#")
]
MACHINES = [
    {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.7",
        "sys_platform": system,
    }
    for minor in (11, 12, 13)
    for system in ("linux", "darwin", "win32")
]

PAIR = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # A title

# %% tags=["exercise"]
x = 1
"""

needs_make = pytest.mark.skipif(
    shutil.which("make") is None, reason="there is no make here"
)


def pin(requirement: Requirement) -> Version:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def holds(requirement: Requirement, machine: dict[str, str] | None = None) -> bool:
    """Whether a machine, this one if none is named, is asked for the requirement."""
    return requirement.marker is None or requirement.marker.evaluate(machine)


# ---- the files agree ----


@pytest.mark.parametrize(
    "text",
    [
        *PROJECT["dependencies"],
        *(
            text
            for extra in PROJECT["optional-dependencies"].values()
            for text in extra
        ),
    ],
)
def test_every_range_has_a_pin_inside_it(text: str) -> None:
    requirement = Requirement(text)
    pins = [
        locked for locked in LOCK if locked.name == canonicalize_name(requirement.name)
    ]
    wanted = [machine for machine in MACHINES if holds(requirement, machine)]
    assert wanted, "asked for on no machine"
    assert all(any(holds(locked, machine) for locked in pins) for machine in wanted), (
        "run make lock"
    )
    assert all(pin(locked) in requirement.specifier for locked in pins), "run make lock"


def test_lock_is_exact_and_for_every_platform() -> None:
    assert [locked.name for locked in LOCK] == sorted(
        canonicalize_name(locked.name) for locked in LOCK
    )
    assert all(pin(locked).local is None for locked in LOCK)
    here = [locked.name for locked in LOCK if holds(locked)]
    assert len(here) == len(set(here)), "two pins of one package hold at once"
    assert [str(locked) for locked in LOCK if locked.name == "torch"] == [
        "torch==2.13.0"
    ]
    assert not [
        locked.name
        for locked in LOCK
        if locked.name.startswith(("nvidia-", "cuda-", "triton"))
    ]


def test_what_is_installed_is_what_is_locked() -> None:
    wanted = {locked.name: pin(locked).public for locked in LOCK if holds(locked)}
    # Not all of sys.path: importing nbgrader adds setuptools' own copies of some
    # packages to it.
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    found = metadata.distributions(path=list(dict.fromkeys(folders)))
    installed = {
        canonicalize_name(package.name): Version(package.version).public
        for package in found
    }
    differing = {
        name: (installed.get(name), version)
        for name, version in wanted.items()
        if installed.get(name) != version
    }
    assert not differing, "installed, locked: run make"


def test_conda_installs_the_lock_and_the_course_and_nothing_else() -> None:
    python, pip, packages = yaml.safe_load((ROOT / "environment.yml").read_text())[
        "dependencies"
    ]
    name, version = python.split("=")
    assert (name, pip) == ("python", "pip")
    assert (
        Version(version) in Requirement(f"python{PROJECT['requires-python']}").specifier
    )
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}


@pytest.mark.parametrize("name", SETUP_FILES)
def test_no_host_and_no_machine_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(
        r"https?://|file:/|--(?:extra-)?index-url[ =]\S|--find-links[ =]\S", text
    )
    assert not re.findall(r"(?<![\w.])/(?:opt|home|root|work|tmp)/", text)


def test_pairs_keep_only_what_authors_write(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            },
            "widgets": {},
        },
        cells=[
            nbformat.v4.new_markdown_cell(
                "# A title", metadata={"slideshow": {"slide_type": "slide"}}
            ),
            nbformat.v4.new_code_cell(
                "x = 1",
                metadata={"tags": ["exercise"], "collapsed": True, "editable": True},
            ),
        ],
    )
    nbformat.write(notebook, tmp_path / "pair.ipynb")
    assert jupytext_main(["--quiet", "--sync", str(tmp_path / "pair.ipynb")]) == 0
    text = (tmp_path / "pair.py").read_text()
    assert text == PAIR
    (tmp_path / "pair.py").write_text(text.replace("x = 1", "x = 2"))
    assert jupytext_main(["--quiet", "--sync", str(tmp_path / "pair.py")]) == 0
    assert (
        nbformat.read(tmp_path / "pair.ipynb", as_version=4).cells[1].source == "x = 2"
    )


# ---- make, in a copy of its files ----


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"  # the space is meant
    for name in SETUP_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, without the settings of a make that may be running
    these tests.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "PIP_", "UV_"))
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line said beside make's own."""
    assert result.returncode != 0
    (line,) = [
        line for line in result.stderr.splitlines() if not line.startswith("make:")
    ]
    return line


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@needs_make
def test_make_alone_lists_the_targets(checkout: Path) -> None:
    result = make(checkout)
    assert result.returncode == 0
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert [target for _, target, _ in lines] == TARGETS
    assert all(first == "make" and text for first, _, text in lines)
    assert not (checkout / ".venv").exists()


@needs_make
def test_an_old_python_is_refused(checkout: Path) -> None:
    # Answers as Python 3.8 would: prints its version, and fails the question whether it
    # is new enough.
    script(checkout / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.8.10')
    result = make(
        checkout, "lab", PATH=f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    )
    line = refusal(result)
    assert line.startswith(
        "The course needs Python 3.11 or newer, and python3 is Python 3.8.10:"
    )
    assert "make lab PYTHON=python3.12" in line
    assert not (checkout / ".venv").exists()


@needs_make
def test_no_python_is_refused(checkout: Path) -> None:
    line = refusal(make(checkout, "lab", "PYTHON=python-of-nowhere"))
    assert line.startswith(
        "The course needs Python 3.11 or newer, and there is no python-of-nowhere here:"
    )


@needs_make
def test_a_python_without_venv_is_refused(checkout: Path) -> None:
    python = script(
        checkout / "bin" / "python", 'case "$*" in *ensurepip*) exit 1;; esac'
    )
    assert "apt-get install python3-venv" in refusal(
        make(checkout, "check", f"PYTHON={python.relative_to(checkout)}")
    )
    assert not (checkout / ".venv").exists()


@needs_make
def test_without_a_network_nothing_half_made_is_left(checkout: Path) -> None:
    closed = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
    }
    result = make(checkout, "lab", f"PYTHON={sys.executable}", **closed)
    assert refusal(result).startswith(
        "Could not download the packages: set-up needs the network. Is it up?"
    )
    assert not (checkout / ".venv").exists()


@needs_make
def test_set_up_runs_once_and_again_when_it_must(checkout: Path) -> None:
    script(
        checkout / ".ci" / "setup",
        "mkdir -p .venv/bin; cp python .venv/bin; pwd -P > .venv/ready; echo set up",
    )
    script(checkout / "python", "exit 0")

    def runs(folder: Path) -> int:
        result = make(folder, "notebooks")
        assert result.returncode == 0, result.stderr
        return result.stdout.count("set up")

    assert runs(checkout) == 1
    assert runs(checkout) == 0
    (checkout / ".venv" / "bin" / "python").unlink()
    assert runs(checkout) == 1
    later = (checkout / ".venv" / "ready").stat().st_mtime + 10
    os.utime(checkout / "requirements.lock", (later, later))
    assert runs(checkout) == 1
    moved = checkout.rename(checkout.with_name("moved"))
    os.utime(moved / "requirements.lock", (0, 0))
    assert runs(moved) == 1
    assert runs(moved) == 0


@needs_make
def test_clean_keeps_what_was_not_generated(checkout: Path) -> None:
    kept = [
        checkout / name
        for name in [
            ".venv/lib/__pycache__/a.pyc",
            "student/a.ipynb",
            "data/a.csv",
            "notebooks/a.py",
        ]
    ]
    gone = [
        checkout / name
        for name in [
            "_build/a.html",
            "tests/__pycache__/a.pyc",
            ".mypy_cache/a",
            ".ruff_cache/a",
        ]
    ]
    for path in [*kept, *gone]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make(checkout, "clean").returncode == 0
    assert all(path.exists() for path in kept)
    assert not any(path.parent.exists() for path in gone)
