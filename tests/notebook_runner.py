"""Run a notebook's .py in this process: whole, or what a change reaches."""

from __future__ import annotations

import ast
import os
import warnings
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import jupytext

from xaicourse.teaching import recording
from xaicourse.teaching.curriculum import Notebook
from xaicourse.teaching.templates import names_spoken


@dataclass(frozen=True)
class Cell:
    """A code cell, the names it reads, and those it writes or may change in place."""

    source: str
    tags: tuple[str, ...]
    reads: frozenset[str] = field(init=False)
    writes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        tree = ast.parse(self.source)
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        writes = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                writes.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                writes |= {
                    (alias.asname or alias.name).split(".")[0] for alias in node.names
                }
            elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(
                node.ctx, ast.Store
            ):
                root = node.value
                while isinstance(root, ast.Subscript | ast.Attribute):
                    root = root.value
                writes |= {root.id} if isinstance(root, ast.Name) else set()
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                # a method called for its effect, such as results.append(...)
                method = node.value.func
                if isinstance(method, ast.Attribute) and isinstance(
                    method.value, ast.Name
                ):
                    writes.add(method.value.id)
        reads = {n.id for n in names if isinstance(n.ctx, ast.Load)}
        object.__setattr__(self, "reads", frozenset(reads | names_spoken(tree)))
        object.__setattr__(self, "writes", frozenset(writes))


def code_cells(notebook: Notebook) -> list[Cell]:
    """Return the code cells of a notebook's source."""
    content = jupytext.read(notebook.source, fmt="py:percent")
    return [
        Cell(c.source, tuple(c.metadata.get("tags", [])))
        for c in content.cells
        if c.cell_type == "code"
    ]


@dataclass
class Run:
    """A complete run: the names after each cell, and what each cell said."""

    cells: list[Cell]
    names_after: list[dict[str, Any]]
    said: list[list[Any]]

    def altered(self, old: str, new: str, *, name: str) -> list[Any]:
        """Return what the claims that fail if ``name`` say when ``old`` is replaced in
        the notebook's code.

        Of the cells that the change reaches, only those run that such a claim needs.
        """
        hits = [i for i, cell in enumerate(self.cells) if old in cell.source]
        assert len(hits) == 1, (
            f"{old!r} stands in {len(hits)} cells; an alteration must hit exactly one"
        )
        start = hits[0]
        cells = [
            *self.cells[:start],
            Cell(self.cells[start].source.replace(old, new), self.cells[start].tags),
        ]
        cells += self.cells[start + 1 :]
        claims = {
            i
            for i, said in enumerate(self.said)
            if any(s.kind == "claim" and s.fails_if == name for s in said)
        }
        needed, wanted = set(claims), frozenset[str]()
        for i in range(len(cells) - 1, start - 1, -1):
            if i in needed or cells[i].writes & wanted:
                needed.add(i)
                wanted |= cells[i].reads
        names = (
            dict(self.names_after[start - 1]) if start else {"__name__": "__notebook__"}
        )
        dirty: frozenset[str] = frozenset()
        statements = [s for i in claims if i < start for s in self.said[i]]
        for i, cell in enumerate(cells[start:], start):
            if i != start and not (cell.reads & dirty):
                names |= {
                    n: self.names_after[i][n]
                    for n in cell.writes
                    if n in self.names_after[i]
                }
                statements += self.said[i] if i in claims else []
                continue
            if i not in needed or "exercise" in cell.tags or "gpu" in cell.tags:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an altered notebook may well complain
                statements += _execute(cell, names)
            dirty |= cell.writes
        return statements


def run(notebook: Notebook, *, seed: int | None = None, snapshots: bool = False) -> Run:
    """Run the whole notebook, with another seed when one is given."""
    cells = code_cells(notebook)
    if seed is not None:
        hits = [i for i, c in enumerate(cells) if "\nseed = 0" in c.source]
        assert len(hits) == 1, (
            "the notebook must set its seed once, as a line `seed = 0`"
        )
        cells[hits[0]] = Cell(
            cells[hits[0]].source.replace("\nseed = 0", f"\nseed = {seed}"),
            cells[hits[0]].tags,
        )
    names: dict[str, Any] = {"__name__": "__notebook__"}
    names_after, said = [], []
    for cell in cells:
        said.append(_execute(cell, names))
        names_after.append(dict(names) if snapshots else {})
    return Run(cells, names_after, said)


def _execute(cell: Cell, names: dict[str, Any]) -> list[Any]:
    with recording() as statements, patch.dict(os.environ, {"XAICOURSE_STATIC": "1"}):
        exec(compile(cell.source, "<cell>", "exec"), names)
    return statements
