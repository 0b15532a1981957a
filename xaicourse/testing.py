"""The commands ``xaicourse check``, ``test`` and ``prove``: all proofs, or some."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from xaicourse.teaching.curriculum import ROOT, Notebook, matching, notebooks

EVERYTHING = ("tests", "xaicourse", "lectures", "notebooks")
FLAGS = (
    "--dist=loadscope",
    "--doctest-modules",
    "--nbval",
    "--nbval-current-env",
    "--nbval-sanitize-with=tests/nbval_sanitize.cfg",
)
# A third for two cores, as one often waits for a browser or a kernel.
WORKERS = "--numprocesses=3"


def check() -> int:
    """Check style and types, and return the status of the first that finds fault."""
    return _run("ruff", "check") or _run("ruff", "format", "--check") or _run("mypy")


def run_tests(arguments: Sequence[str]) -> int:
    """Prove the course, or run what arguments for pytest choose; return the status.

    Without arguments that is style, types, every test and every notebook, those on real
    data once more on their twins.
    """
    if arguments:
        options, paths = selected(arguments)
        return _pytest(*options, *(paths or EVERYTHING), alone=len(paths) == 1)
    if status := check() or _pytest(*EVERYTHING):
        return status
    twins = [_from_root(n.stored) for n in _on_real_data()]
    return _on_twins(*twins) if twins else 0


def prove(chosen: Sequence[Notebook]) -> int:
    """Prove the claims of notebooks, whatever was proven before; then of those on real
    data once more on their twins.
    """
    claims = "tests/test_claims.py"
    status = _pytest(claims, XAICOURSE_PROVE=" ".join(n.path for n in chosen))
    twins = [n.path for n in _on_real_data() if n in chosen]
    return status or (_on_twins(claims, proving=" ".join(twins)) if twins else 0)


def selected(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options and the paths among arguments, as pytest takes them in ROOT.

    Either file of a notebook, and what a shell completes, stands for the stored one.
    """
    options, paths = [], []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, *inside = argument.split("::")
        path = Path(name).resolve()
        named = name.endswith((".py", ".ipynb", ".")) or path.exists()
        if before in ("-k", "-m") or name.startswith("-") or not named:
            options.append(argument)
            continue
        files = [] if path.is_dir() else [n.stored for n in matching(name)]
        paths += ["::".join([_from_root(f), *inside]) for f in files or [path]]
    return options, paths


def _pytest(*arguments: str, alone: bool = False, **environment: str) -> int:
    # One thread a worker, so that they do not fight over two cores. A single file is
    # not worth the start of workers.
    environment = {"OMP_NUM_THREADS": "1"} | environment
    workers = "--numprocesses=0" if alone else WORKERS
    return _run("pytest", workers, *FLAGS, *arguments, **environment)


def _on_real_data() -> list[Notebook]:
    from xaicourse.teaching.notebooks import data_mode

    return [n for n in notebooks() if data_mode(n) == "real"]


def _on_twins(*arguments: str, proving: str = "") -> int:
    print("Once more without the real data:", *arguments, flush=True)
    empty = ROOT / "_build" / "no-data"
    empty.mkdir(parents=True, exist_ok=True)
    return _pytest(*arguments, XAICOURSE_PROVE=proving, XAICOURSE_DATA=str(empty))


def _run(module: str, *arguments: str, **environment: str) -> int:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | environment) as program:
        try:
            return program.wait()
        except (
            KeyboardInterrupt
        ):  # which it got, too: it has yet to say how far it came
            return program.wait()


def _from_root(path: Path) -> str:
    return Path(os.path.relpath(path, ROOT)).as_posix()
