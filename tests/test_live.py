"""Live coding: steps come in order, what was missed is run, and a copy holds everything
but the steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from xaicourse.cli import main
from xaicourse.teaching import curriculum, live
from xaicourse.teaching.notebooks import read_source

C1 = "notebooks/causality/01_environment_shift"
SOURCE = next(n.source for n in curriculum.notebooks() if n.path == C1)


class Kernel:
    """An IPython shell in which cells run, and whose next input can be looked at."""

    def __init__(self) -> None:
        InteractiveShell.clear_instance()
        self.shell = InteractiveShell.instance(history_load_length=0)
        self.shell.history_manager.enabled = False
        self.next = ""
        self.shell.set_next_input = self.bring  # type: ignore[method-assign]
        self.shell.run_line_magic("load_ext", "xaicourse.live")

    def bring(self, text: str) -> None:
        self.next = text

    def live(self, line: str = "") -> None:
        self.shell.run_line_magic("live", line)

    def run(self, source: str) -> None:
        self.shell.run_cell(source).raise_error()


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    yield Kernel()
    InteractiveShell.clear_instance()


def test_steps_come_in_order_and_are_ticked(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel.live(f"use {C1}")
    kernel.live("catchup")  # before any step: the set-up
    assert "np" in kernel.shell.user_ns
    kernel.live("next")
    assert kernel.next.startswith("# live: write the world\nworld = ")
    kernel.run(kernel.next)
    kernel.live("next")
    assert kernel.next.startswith("# live: draw the graph\n")
    kernel.run("# live: draw the graph\ngraph = world  # typed by hand, in another way")
    capsys.readouterr()
    kernel.live()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "✓  1  write the world",
        "✓  2  draw the graph",
        "→  3  sample three hospitals",
        "   4  fit at home and score everywhere",
    ]


def test_an_empty_notebook_is_given_the_set_up_first(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel.live(f"use {C1}")
    kernel.live("next")
    assert "First the set-up" in capsys.readouterr().out
    assert kernel.next.startswith("import numpy as np\n")
    kernel.run(kernel.next)
    kernel.live("next")
    kernel.run(kernel.next)
    assert "world" in kernel.shell.user_ns


def test_a_set_up_that_ran_before_the_magic_came_is_not_brought_again(
    kernel: Kernel,
) -> None:
    kernel.live(f"use {C1}")
    kernel.live("next")
    exec(kernel.next, kernel.shell.user_ns)  # unseen by the magic
    kernel.live("next")
    assert kernel.next.startswith("# live: write the world\n")


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_a_name_may_stand_in_quotes(
    quote: str, kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel.live(f"use {quote}{C1}{quote}")
    kernel.live(f"catchup {quote}draw the graph{quote}")
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "Ran write the world, draw the graph, 1 other cell"


def test_the_deck_is_a_link_away(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(live, "display", shown.append)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    kernel.live(f"use {C1}")
    kernel.live("deck")
    assert f'href="/user/ada/deck/{C1}.ipynb" target="_blank"' in shown[0].data


def test_catching_up_runs_what_was_missed_and_no_more(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel.live(f"use {C1}")
    kernel.live("catchup")
    kernel.live("next fit at home")
    capsys.readouterr()
    kernel.live("catchup")
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(
        "Ran write the world, draw the graph, sample three hospitals, fit at home"
    )
    assert kernel.shell.user_ns["score"]["home"] > 0.99
    assert "exact_accuracy" not in kernel.shell.user_ns
    kernel.live("catchup")
    assert capsys.readouterr().out == "Nothing was missed.\n"


def test_catching_up_stops_where_a_step_fails(kernel: Kernel) -> None:
    kernel.live(f"use {C1}")
    kernel.live("catchup")
    kernel.run("StructuralCausalModel = None")
    with pytest.raises(UsageError, match="stopped at 'write the world': TypeError"):
        kernel.live("catchup 1")


def test_what_cannot_be_is_said(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        UsageError, match=r"which notebook\? Say so once, as in: %live use lectures/"
    ):
        kernel.live()
    with pytest.raises(UsageError, match="no notebook 'nowhere'; there are: lectures/"):
        kernel.live("use nowhere")
    kernel.live(f"use {C1}")
    with pytest.raises(
        UsageError, match="no step 'nothing'; there are: write the world, draw"
    ):
        kernel.live("show nothing")
    with pytest.raises(
        UsageError, match="%live back: no such thing; there are: %live, %live next"
    ):
        kernel.live("back")
    kernel.live("catchup")
    kernel.live("next move the slider")
    capsys.readouterr()
    kernel.live("next")
    assert capsys.readouterr().out == "That was the last step.\n"


@pytest.mark.parametrize(
    "where", ["a copy under another name", "the course's own file"]
)
def test_the_notebook_is_found_by_the_kernels_file(
    where: str,
    kernel: Kernel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = SOURCE.with_suffix(".ipynb")
    if where.startswith("a copy"):
        path = live.write_copy(C1, tmp_path / "today.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    kernel.live("show 1")
    said = capsys.readouterr().out
    assert f"({C1}): " in said


def test_a_copy_keeps_everything_but_the_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "today" / "c1.ipynb"
    assert main(["live", "environment_shift", str(out)]) == 0
    copy, source = nbformat.read(out, as_version=4), read_source(SOURCE)
    nbformat.validate(copy)
    opening, *cells = [c for c in copy.cells if c.cell_type == "code"]
    assert opening.source == "%load_ext xaicourse.live"
    for cell, written in zip(
        cells, [c for c in source.cells if c.cell_type == "code"], strict=True
    ):
        step = live.step_name(written)
        assert cell.source == (f"# live: {step}" if step else written.source)
        assert cell.metadata.get("slideshow") == written.metadata.get("slideshow")
    capsys.readouterr()
    other = tmp_path / "other.ipynb"
    assert main(["live", f"{C1}.ipynb", str(other)]) == 0
    assert other.read_bytes() == out.read_bytes()
    capsys.readouterr()
    for arguments in (["environment_shift", str(out)], ["nowhere"]):
        assert main(["live", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
