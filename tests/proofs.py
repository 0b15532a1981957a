"""What has been proven of a notebook's claims need not be proven in every run.

A notebook is proven when each claim fails under its alteration and all claims hold for
its other seeds (`test_claims`). The run that sees this writes it to ``tests/proofs/``:
one file a notebook, one line for each kind of data it was proven on, with a hash of
all that the proof rests on. A notebook without a valid proof is proven in every run,
and beside it every tenth one anew, chosen by the hash of the commit: a false entry
is found within about ten commits.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from xaicourse.teaching.curriculum import ROOT, Notebook
from xaicourse.teaching.notebooks import data_mode, fingerprint

HERE = Path(__file__).parent
FOLDER = HERE / "proofs"
METHOD = ["notebook_runner.py", "test_claims.py"]  # how it is proven
ONE_IN = 10


def alterations(notebook: Notebook) -> dict[str, tuple[str, str]]:
    """Return the named alterations of the notebook, from beside its answers."""
    imports = [
        line
        for line in notebook.source.read_text(encoding="utf-8").splitlines()
        if "from xaicourse.exercises import" in line
    ]
    module = importlib.import_module("exercises." + imports[0].split()[3])
    return dict(module.ALTERATIONS)


def digest(notebook: Notebook) -> str:
    """Return the hash of all that a proof rests on: what the outputs rest on, the
    alterations, the number of seeds and how they are tried.
    """
    known = sorted(alterations(notebook).items())
    made_of = [fingerprint(notebook), repr(known), str(notebook.other_seeds)]
    made_of += [(HERE / name).read_text(encoding="utf-8") for name in METHOD]
    return hashlib.sha256("\0".join(made_of).encode()).hexdigest()


def parts(notebook: Notebook) -> int:
    """Return how many tests make a proof: alterations, seeds and the GPU's cells."""
    return len(alterations(notebook)) + notebook.other_seeds + 1


def recorded(notebook: Notebook) -> dict[str, str]:
    """Return the hashes under which a notebook was proven, by the kind of data."""
    file = _file(notebook)
    return yaml.safe_load(file.read_text()) if file.exists() else {}


def record(notebook: Notebook) -> None:
    """Write that a notebook has been proven as it stands, on the data at hand."""
    known = recorded(notebook) | {data_mode(notebook): digest(notebook)}
    FOLDER.mkdir(exist_ok=True)
    _file(notebook).write_text(yaml.safe_dump(known))


def _file(notebook: Notebook) -> Path:
    return FOLDER / f"{notebook.path.replace('/', '-')}.yml"


def to_prove(known: Sequence[Notebook], commit: str) -> list[Notebook]:
    """Return the notebooks without a valid proof, and one in ten of the others."""
    proven = [n for n in known if recorded(n).get(data_mode(n)) == digest(n)]
    order = sorted(
        proven, key=lambda n: hashlib.sha256(f"{commit} {n.title}".encode()).digest()
    )
    again = order[: math.ceil(len(proven) / ONE_IN)]
    return [n for n in known if n in again or n not in proven]


def asked_for(known: Sequence[Notebook]) -> list[Notebook]:
    """Return what this run proves: what XAICOURSE_PROVE names, if it does."""
    if wanted := os.environ.get("XAICOURSE_PROVE", "").split():
        return [n for n in known if n.path in wanted]
    return to_prove(known, current_commit())


def current_commit() -> str:
    """Return the hash of the commit, or an empty string outside a repository."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
