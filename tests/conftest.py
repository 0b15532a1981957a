"""What has been proven of a notebook in this run is written down for the next."""

from __future__ import annotations

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from proofs import parts, record

    from xaicourse.teaching.curriculum import notebooks

    passed = Counter(
        notebook
        for report in terminalreporter.getreports("passed")
        for name, notebook in report.user_properties
        if name == "proves" and report.when == "call"
    )
    proven = [n for n in notebooks() if passed[n.path] and passed[n.path] == parts(n)]
    for notebook in proven:
        record(notebook)
    if proven:
        names = ", ".join(n.path for n in proven)
        terminalreporter.write_line(f"claims proven anew, see tests/proofs: {names}")
