"""Claims can fail, and hold for other seeds: each one's named alteration is made and
seen to break it.

A notebook's own seed is executed as it stands by nbval, where a claim that does not
hold is an error. So the run whose claims are broken here is one with another seed.
Which notebooks are proven here, `proofs` says.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from notebook_runner import Run, run
from proofs import alterations, asked_for

from xaicourse.teaching.curriculum import Notebook, notebooks

ANOTHER_SEED = 1
PROVED_HERE = asked_for(notebooks())


@functools.lru_cache(maxsize=1)  # a run keeps all that its cells made
def complete_run(path: str) -> Run:
    (notebook,) = [n for n in notebooks() if n.path == path]
    return run(notebook, seed=ANOTHER_SEED, snapshots=True)


class Claims:
    """What is proven of a notebook; one class a notebook is made from it below."""

    notebook: Notebook

    @pytest.fixture(autouse=True)
    def _a_part_of_its_proof(
        self, record_property: Callable[[str, object], None]
    ) -> None:
        record_property("proves", self.notebook.path)

    def test_claims_hold_for_another_seed(self, seed: int) -> None:
        first = seed == ANOTHER_SEED
        whole = (
            complete_run(self.notebook.path) if first else run(self.notebook, seed=seed)
        )
        said = [s for cell in whole.said for s in cell]
        claims = [s for s in said if s.kind == "claim"]
        assert len(claims) >= 5
        assert {c.fails_if for c in claims} <= set(alterations(self.notebook))
        broken = [f"{s.wording} {s.values}" for s in said if not s.holds]
        assert not broken, "\n".join(broken)

    def test_a_claim_fails_under_its_alteration(self, name: str) -> None:
        whole = complete_run(self.notebook.path)
        claims = [s for said in whole.said for s in said if s.kind == "claim"]
        named = [c.wording for c in claims if c.fails_if == name]
        assert named, "an alteration that no claim names"
        altered = whole.altered(*alterations(self.notebook)[name], name=name)
        holding = {s.wording for s in altered if s.kind == "claim" and s.holds}
        assert set(named) <= {s.wording for s in altered}
        assert not holding & set(named), f"{holding} hold although {name}"

    def test_gpu_cells_run_tiny_on_the_cpu(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XAICOURSE_GPU", "tiny")
        whole = complete_run(self.notebook.path)
        gpu_cells = [i for i, cell in enumerate(whole.cells) if "gpu" in cell.tags]
        assert bool(gpu_cells) == self.notebook.gpu
        for i in gpu_cells:
            exec(
                compile(whole.cells[i].source, "<gpu cell>", "exec"),
                dict(whole.names_after[i - 1]),
            )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    notebook: Any = getattr(metafunc.cls, "notebook", None)
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", list(alterations(notebook)))
    elif "seed" in metafunc.fixturenames:
        seeds = range(ANOTHER_SEED, notebook.other_seeds + 1)
        metafunc.parametrize("seed", seeds)


for entry in PROVED_HERE:
    title = "".join(part.title() for part in entry.path.replace("/", "_").split("_"))
    globals()[f"TestClaimsOf{title}"] = type(
        f"TestClaimsOf{title}", (Claims,), {"notebook": entry}
    )


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda n: n.path)
def test_alterations_are_those_that_claims_name(notebook: Notebook) -> None:
    source = notebook.source.read_text(encoding="utf-8")
    assert all(f'fails_if="{name}"' in source for name in alterations(notebook))
