"""Imports of the package point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "xaicourse"
METHODS = {"attribution", "sensitivity", "causality", "fairness", "sealing"}
TOOLS = {"validation", "resampling", "torchvision_guard"}
NOTHING: frozenset[str] = frozenset()
BELOW = {
    **dict.fromkeys((*TOOLS, "plotting", "teaching", "datasets"), NOTHING),
    "networks": NOTHING,
    "jets": {"datasets"},
    **dict.fromkeys(METHODS, frozenset({"datasets", "networks", *METHODS})),
    "evaluation": {"datasets", "networks", *METHODS},
    "exercises": {"datasets", "networks", *METHODS, "evaluation", "teaching"},
    "live": {"teaching"},
    "jupyter": {"teaching"},
    "doctor": {"datasets"},
    "testing": {"teaching"},
    "cli": {"datasets", "evaluation", "teaching", "doctor", "jupyter", "testing"},
}
"""What the files of each folder may import from others, the tools of all apart."""


def family(module: str) -> str:
    """Return the folder or file of the package that a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def imports() -> set[tuple[str, str, str]]:
    """Return who imports whom, by family, and the file that does."""
    found = set()
    for file in sorted(PACKAGE.rglob("*.py")):
        inside = file.relative_to(PACKAGE).with_suffix("").parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "xaicourse":
                names = [f"xaicourse.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            own = [family(name) for name in names if name.split(".")[0] == "xaicourse"]
            found |= {(inside[0], other, "/".join(inside)) for other in own if other}
    return found


def test_imports_point_one_way() -> None:
    wrong = [
        f"{file} imports {other}"
        for one, other, file in sorted(imports())
        if one not in ("__init__", "__main__", other)
        and other not in BELOW[one] | TOOLS
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_files_import_each_other() -> None:
    edges: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        edges[name] = {
            n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module
        }

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            for other in edges.get(ahead.pop(), set()) - seen:
                seen.add(other)
                ahead.append(other)
        return seen

    assert [name for name in edges if name in reached(name)] == []


@pytest.mark.parametrize("quiet", sorted(METHODS))
def test_a_method_neither_prints_nor_plots(quiet: str) -> None:
    for file in (PACKAGE / quiet).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "matplotlib" not in text, f"{file.name} plots"
        calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        printed = [c for c in calls if getattr(c.func, "id", "") == "print"]
        assert not printed, f"{file.name} prints"
