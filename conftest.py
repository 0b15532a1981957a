"""What pytest needs to know about notebooks: how they run without a reader, and how
their values are compared.

nbval compares every output exactly, with numbers and pictures blanked out; here the
numbers follow, each within the tolerance that its sentence declared.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from unittest.mock import patch

import pytest

from xaicourse.teaching.kernels import start_by_forking
from xaicourse.teaching.notebooks import HEADLESS

collect_ignore_glob = ["lectures/*.py", "notebooks/*/*.py", "benchmarks/*"]


def _is_cell(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Do not compare text that rests on data that are not here: the claims must hold
    all the same.
    """
    if not any(_is_cell(item) for item in items):
        return
    from xaicourse.teaching.curriculum import notebooks
    from xaicourse.teaching.notebooks import data_mode, stored_mode

    on_twin = {
        n.stored
        for n in notebooks()
        if stored_mode(n) == "real" and data_mode(n) == "simulated"
    }
    for item in items:
        if _is_cell(item) and item.path in on_twin:
            item.options["check"] = False  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which notebooks ran without the real data that their stored outputs come
    from.
    """
    passed = {str(r.nodeid) for r in terminalreporter.getreports("passed")}
    ran_files = {name.split("::")[0] for name in passed if ".ipynb::" in name}
    if not ran_files:
        return
    from xaicourse.teaching.curriculum import notebooks
    from xaicourse.teaching.notebooks import data_mode

    for n in notebooks():
        ran = f"{n.path}.ipynb" in ran_files
        if n.data and ran:
            compared = (
                "outputs compared"
                if data_mode(n) == "real"
                else "claims checked, outputs not compared"
            )
            terminalreporter.write_line(
                f"{n.path}: ran on {data_mode(n)} data, {compared}"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Start a notebook's kernel, which happens before its first cell, as it was started
    for the stored outputs.
    """
    # whose fixtures may change the environment for longer than their set-up
    if not _is_cell(item):
        return (yield)
    start_by_forking(HEADLESS)
    with patch.dict(os.environ, HEADLESS):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After nbval's exact comparison of a cell, compare its numbers within their
    tolerances.
    """
    yield
    if _is_cell(item) and item.options["check"]:  # type: ignore[attr-defined]
        from xaicourse.teaching.notebooks import compare_values

        problems = compare_values(item.cell.outputs, item.test_outputs)  # type: ignore[attr-defined]
        assert not problems, f"{Path(item.path).name}, {item.name}: " + "; ".join(
            problems
        )
