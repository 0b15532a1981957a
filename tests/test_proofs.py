"""A proof holds for what it was made of, and a false one is found."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import proofs
import pytest
import test_claims

from xaicourse.teaching.curriculum import Notebook

WEAK = """\
# %%
from xaicourse.exercises import invented as exercises
from xaicourse.teaching import claim

# %%
total = 2 + 2
seed = 0

# %%
claim("Four.", total > SMALLEST, evidence="{total}", fails_if="one were taken away")
"""


def invented(folder: Path, name: str, smallest: int) -> Notebook:
    source = WEAK.replace("SMALLEST", str(smallest))
    (folder / f"{name}.py").write_text("\n" + source)
    return Notebook(
        part="",
        path=str(folder / name),
        title=name,
        question="",
        minutes=1,
        week=1,
        covers={},
        data=(),
        gpu=False,
        other_seeds=1,
    )


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Notebook]:
    """Twenty notebooks of one claim, all recorded as proven; the first one is not:
    its claim holds whatever its alteration does.
    """
    material = ModuleType("exercises.invented")
    known = {"one were taken away": ("2 + 2", "2 + 1")}
    material.ALTERATIONS = known  # type: ignore[attr-defined]
    for name in (material.__name__, "xaicourse.exercises.invented"):
        monkeypatch.setitem(sys.modules, name, material)
    monkeypatch.setattr(proofs, "FOLDER", tmp_path / "proofs")
    course = [invented(tmp_path, f"n{i}", 3 if i else 2) for i in range(20)]
    monkeypatch.setattr(test_claims, "notebooks", lambda: course)
    for notebook in course:
        proofs.record(notebook)
    return course


def prove(notebook: Notebook) -> None:
    claims = test_claims.Claims()
    claims.notebook = notebook
    claims.test_a_claim_fails_under_its_alteration("one were taken away")


def test_a_false_entry_is_found_within_about_ten_commits(
    course: list[Notebook],
) -> None:
    found = []
    for commit in range(100):
        again = proofs.to_prove(course, f"commit {commit}")
        assert len(again) == 2, "one in ten"
        found += [commit] if course[0] in again else []
    waits = [later - earlier for earlier, later in pairwise([-1, *found, 100])]
    assert sum(waits) / len(waits) < 13
    assert max(waits) < 60
    prove(course[1])
    with pytest.raises(AssertionError, match="although one were taken away"):
        prove(course[0])


def test_a_proof_holds_for_what_it_was_made_of(
    course: list[Notebook], monkeypatch: pytest.MonkeyPatch
) -> None:
    def needed() -> set[str]:
        """What is proven whatever the commit."""
        runs = [proofs.to_prove(course, f"commit {i}") for i in range(5)]
        return set.intersection(*({n.path for n in run} for run in runs))

    one, other = course[:2]
    assert needed() == set()
    one.source.write_text(one.source.read_text() + "\n")
    assert needed() == {one.path}
    proofs.record(one)
    assert needed() == set()
    course[1] = replace(other, other_seeds=2)
    assert needed() == {other.path}
    monkeypatch.setattr(proofs, "data_mode", lambda notebook: "simulated")
    assert needed() == {n.path for n in course}
    for notebook in course:
        proofs.record(notebook)
    assert needed() == set()
    monkeypatch.setattr(proofs, "data_mode", lambda notebook: "none")
    assert needed() == {other.path}, "a proof on other data leaves this one"
    known = sys.modules["exercises.invented"].ALTERATIONS
    monkeypatch.setitem(known, "one were taken away", ("2 + 2", "3"))
    assert needed() == {n.path for n in course}
