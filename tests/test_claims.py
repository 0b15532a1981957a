"""Claims can fail, and hold for other seeds: each one's named alteration is made and
seen to break it.

A notebook's own seed is executed as it stands by nbval, where a claim that does not
hold is an error. So the run whose claims are broken here is one with another seed.
"""

from __future__ import annotations

import functools

import pytest
from notebook_runner import Run, alterations, run

from xaicourse.teaching.curriculum import Notebook, notebooks

ANOTHER_SEED = 1
SEEDS_A_CLASS = 5  # a worker takes a class at a time: small ones share the load evenly


@functools.cache
def complete_run(notebook_path: str) -> Run:
    return run(
        {n.path: n for n in notebooks()}[notebook_path],
        seed=ANOTHER_SEED,
        snapshots=True,
    )


class ClaimsCanFail:
    """What is tested of each notebook; one class a notebook is made from it below."""

    notebook: Notebook

    def test_every_claim_fails_under_its_alteration(self) -> None:
        whole = complete_run(self.notebook.path)
        claims = [s for said in whole.said for s in said if s.kind == "claim"]
        assert len(claims) >= 5
        broken = [
            f"{s.wording} {s.values}"
            for said in whole.said
            for s in said
            if not s.holds
        ]
        assert not broken, "\n".join(broken)
        known = alterations(self.notebook)
        assert {c.fails_if for c in claims} <= set(known), (
            "an alteration is named but not described"
        )
        survived = []
        for name in dict.fromkeys(c.fails_if for c in claims):
            altered = {
                s.wording: s
                for s in whole.altered(*known[name], name=name)
                if s.kind == "claim"
            }
            named = [c for c in claims if c.fails_if == name]
            survived += [
                f"{c.wording!r} holds although {name}"
                for c in named
                if altered[c.wording].holds
            ]
        assert not survived, "\n".join(survived)

    def test_every_alteration_is_named_by_a_claim(self) -> None:
        source = self.notebook.source.read_text(encoding="utf-8")
        assert all(
            f'fails_if="{name}"' in source for name in alterations(self.notebook)
        )

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


class ClaimsHoldForOtherSeeds:
    """What is tested of each notebook and further seed."""

    notebook: Notebook

    def test_claims_hold(self, seed: int) -> None:
        said = [s for cell in run(self.notebook, seed=seed).said for s in cell]
        broken = [f"{s.wording} {s.values}" for s in said if not s.holds]
        assert not broken, "\n".join(broken)
        assert sum(s.kind == "claim" for s in said) >= 5


# the last of the course takes longest: no worker shall wait for it at the end
for entry in reversed(notebooks()):
    title = "".join(part.title() for part in entry.path.replace("/", "_").split("_"))
    globals()[f"TestClaimsOf{title}"] = type(
        f"TestClaimsOf{title}", (ClaimsCanFail,), {"notebook": entry}
    )
    for first in range(ANOTHER_SEED + 1, entry.other_seeds + 1, SEEDS_A_CLASS):
        seeds = range(first, min(first + SEEDS_A_CLASS, entry.other_seeds + 1))
        name = f"TestSeedsFrom{first}Of{title}"
        made = type(name, (ClaimsHoldForOtherSeeds,), {"notebook": entry})
        globals()[name] = pytest.mark.parametrize("seed", seeds)(made)
del made
