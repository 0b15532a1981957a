"""Claims can fail, and hold for other seeds: each one's named alteration is made and seen to break it."""

from __future__ import annotations

import functools

import pytest
from notebook_runner import Run, alterations, run

from xaicourse.teaching.curriculum import Notebook, notebooks

NOTEBOOKS = {n.path: n for n in notebooks()}
C1 = NOTEBOOKS["notebooks/causality/01_environment_shift"]
L4 = NOTEBOOKS["lectures/census_income"]


@functools.cache
def complete_run(path: str) -> Run:
    return run(NOTEBOOKS[path], snapshots=True)


def see_alterations_break(notebook: Notebook) -> None:
    """Make every alteration that a claim names, and see every claim that names it fail."""
    whole = complete_run(notebook.path)
    claims = [s for said in whole.said for s in said if s.kind == "claim"]
    assert all(c.holds for c in claims), [c.wording for c in claims if not c.holds]
    known = alterations(notebook)
    unused = set(known) - {c.fails_if for c in claims}
    assert not unused or all(name in notebook.source.read_text(encoding="utf-8") for name in unused)
    assert {c.fails_if for c in claims} <= set(known), "an alteration is named but not described"
    survived = []
    for name in dict.fromkeys(c.fails_if for c in claims):
        altered = {s.wording: s for s in whole.altered(*known[name]) if s.kind == "claim"}
        survived += [
            f"{c.wording!r} holds although {name}" for c in claims if c.fails_if == name and altered[c.wording].holds
        ]
    assert not survived, "\n".join(survived)


def test_claims_of_environment_shift_can_fail() -> None:
    see_alterations_break(C1)


class TestCensus:
    """A class of its own, so that another worker takes it."""

    def test_claims_can_fail(self) -> None:
        see_alterations_break(L4)

    def test_gpu_cell_runs_tiny_on_the_cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run_gpu_cells_tiny(L4, monkeypatch)


class TestFirstSeeds:
    @pytest.mark.parametrize("seed", range(1, 11))
    def test_claims_of_environment_shift_hold(self, seed: int) -> None:
        claims_hold(C1, seed)


class TestMoreSeeds:
    @pytest.mark.parametrize("seed", range(11, 21))
    def test_claims_of_environment_shift_hold(self, seed: int) -> None:
        claims_hold(C1, seed)

    def test_claims_of_the_census_hold(self) -> None:
        claims_hold(L4, 1)


def claims_hold(notebook: Notebook, seed: int) -> None:
    said = [s for cell in run(notebook, seed=seed).said for s in cell]
    broken = [f"{s.wording} {s.values}" for s in said if not s.holds]
    assert not broken, "\n".join(broken)
    assert sum(s.kind == "claim" for s in said) >= 5


def run_gpu_cells_tiny(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what only a GPU would run, small, with the names that the notebook has at that point."""
    monkeypatch.setenv("XAICOURSE_GPU", "tiny")
    whole = complete_run(notebook.path)
    gpu_cells = [i for i, cell in enumerate(whole.cells) if "gpu" in cell.tags]
    assert gpu_cells
    for i in gpu_cells:
        exec(compile(whole.cells[i].source, "<gpu cell>", "exec"), dict(whole.names_after[i - 1]))
