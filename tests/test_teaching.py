"""Sentences, claims, figures and tables say what they were given, store it, and refuse
what cannot be checked.
"""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path
from typing import Any

import mistune
import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image

from xaicourse import plotting
from xaicourse.teaching import (
    ClaimFailed,
    claim,
    differences,
    explore,
    figures,
    narration,
    progress,
    recording,
    run_on_gpu,
    running,
    say,
    show,
    show_source,
    sources,
    table,
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect what would be displayed: the data, and the metadata where there are."""
    collected: list[Any] = []

    def display(data: Any, metadata: Any = None, raw: bool = False) -> None:
        collected.append((data, metadata))

    for module in (narration, running, sources):
        monkeypatch.setattr(module, "display", display)
    return collected


def test_say_finds_its_numbers_marks_them_and_stores_them(shown: list[Any]) -> None:
    names = {"say": say, "part": {"a": np.float64(0.256)}}
    text = '{part["a"]:.0%} of $x_1$ in {b}'
    exec(f"""say({text!r}, b=7, tolerance={{'part["a"]': 0.01}})""", names)
    [(data, metadata)] = shown
    assert data == {
        "text/markdown": '<span class="value">26%</span> of $x_1$ in <span '
        'class="value">7</span>'
    }
    stored = metadata["xaicourse"]
    assert stored["wording"] == '{part["a"]:.0%} of $x_1$ in {b}'
    assert stored["values"] == {'part["a"]': 0.256, "b": 7}
    assert stored["tolerance"] == {'part["a"]': 0.01}


HOSTILE = {
    "price": "$5",
    "script": "<script>alert(1)</script>",
    "stars": "*a* _b_ **c** ~~d~~",
    "link": "[a](b)",
    "code": "`c` {{map}}",
    "lines": "a\n\n# heading",
    "column": "feed_in|out",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("call", ["say", "claim", "evidence"])
def test_no_value_forms_markup(call: str, name: str, shown: list[Any]) -> None:
    """What a reader sees is the value, in two renderers of Markdown."""
    value = HOSTILE[name]
    if call == "say":
        say("From {a} to {b}", a=value, b="$10")
    elif call == "claim":
        claim("From {a} to {b}", True, a=value, b="$10", fails_if="x")
    else:
        claim("So", True, evidence="{a} to {b}", a=value, b="$10", fails_if="x")
    text = shown[0][0]["text/markdown"]
    commonmark: Any = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    commonmark.use(dollarmath_plugin)
    for page in (commonmark.render(text), str(mistune.html(text))):
        [seen, last] = re.findall('<span class="value">(.*?)</span>', page)
        assert html.unescape(seen) == value.replace("\n", " ")
        assert last == "$10"
        assert "math" not in page


def test_captions_and_alternative_texts_are_escaped(shown: list[Any]) -> None:
    figure = plotting.bars({"a": [1]}, ["x"], value_label="v")
    show(figure, caption="From {a}", alt="From {a}", a="<b>")
    page = shown[0][0]["text/html"]
    assert '<figcaption>From <span class="value">&lt;b&gt;</span></figcaption>' in page
    assert 'alt="From &lt;b&gt;"' in page
    names = {"table": table, "frame": pd.DataFrame({"n": [1]}), "a": "<b>"}
    exec("table(frame, caption='{a}')", names)
    page = shown[1][0]["text/html"]
    assert '<caption><span class="value">&lt;b&gt;</span></caption>' in page


def test_what_is_given_stands_before_the_notebooks_names(shown: list[Any]) -> None:
    exec('say("{n} of {m}", n=2)', {"say": say, "n": 1, "m": 3})
    assert shown[0][1]["xaicourse"]["values"] == {"n": 2, "m": 3}


def test_a_claim_shows_a_tick_its_evidence_and_what_would_break_it(
    shown: list[Any],
) -> None:
    claim(
        "{n} is small",
        np.bool_(True),
        evidence="errors: {errors:.2f}",
        n=3,
        errors={"mean": 0.123456, "most": 2.0},
        fails_if="it were large",
        control="a coin",
    )
    text = shown[0][0]["text/markdown"]
    assert re.sub(r"<[^>]+>", "", text).splitlines() == [
        "> **✓** **3 is small**  ",
        "> errors: mean 0.12, most 2.00  ",
        "> What would break it, and its controlIt would fail if it were large. "
        "Control: a coin.",
    ]
    assert "<details>" in text
    stored = shown[0][1]["xaicourse"]
    assert stored["wording"] == "{n} is small — errors: {errors:.2f}"
    assert stored["values"] == {"n": 3, "errors": {"mean": 0.123456, "most": 2.0}}


def test_a_claim_that_fails_shows_its_numbers_as_the_text_formats_them() -> None:
    with pytest.raises(
        ClaimFailed, match=r"does not hold in this run: 12% are right — rows 5$"
    ):
        claim(
            "{share:.0%} are right",
            False,
            evidence="rows {rows}",
            share=0.123,
            rows=5,
            fails_if="the labels are shuffled",
        )


def test_a_claim_that_does_not_hold_stops_the_notebook(shown: list[Any]) -> None:
    with pytest.raises(ClaimFailed, match=r"does not hold in this run: Two is odd: 0"):
        claim("Two is odd: {rest}", 2 % 2 == 1, rest=0, fails_if="two were three")
    assert shown == []


def test_recording_collects_without_stopping() -> None:
    with recording() as statements:
        claim("{two} is odd", False, two=2, fails_if="two were three")
        say("{x}", x=1.5)
    assert [(s.kind, s.holds) for s in statements] == [("claim", False), ("say", True)]
    with pytest.raises(ClaimFailed):
        claim("{two} is odd", False, two=2, fails_if="two were three")


@pytest.mark.parametrize(
    ("speak", "error", "message"),
    [
        (
            lambda: say("nothing", x=1),
            ValueError,
            r"\['x'\], which its text does not use",
        ),
        (lambda: say("{x}", x=float("nan")), ValueError, "x is nan"),
        (lambda: say("{y}"), NameError, "'y' is not defined"),
        (lambda: claim("So", True, x=1, fails_if="not"), ValueError, "does not use"),
        (lambda: say("{x}", x=[1.0, np.inf]), ValueError, "x is inf"),
        (lambda: say("{x}", x=object()), TypeError, "x must be a number"),
        (lambda: say("{x}", x=1, tolerance={"y": 1.0}), ValueError, "tolerance names"),
        (lambda: claim("So it is", True, fails_if="not"), ValueError, "needs evidence"),
        (
            lambda: claim("So is {x}", 1, x=1, fails_if="not"),
            TypeError,
            "True or False",
        ),
        (lambda: claim("So is {x}", True, x=1, fails_if=""), ValueError, "fails_if"),
        (
            lambda: show(
                plotting.bars({"a": [1]}, ["x"], value_label="v"), caption="c", alt=""
            ),
            ValueError,
            "both",
        ),
        (lambda: table(pd.DataFrame(), caption="c"), ValueError, "frame is empty"),
        (
            lambda: table(pd.DataFrame({"a": [1, 2]}, index=["b", "b"]), caption="c"),
            ValueError,
            "two rows",
        ),
        (
            lambda: table(pd.DataFrame({"a": [1, 2]}, index=[1, "1"]), caption="c"),
            ValueError,
            "two rows",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused(
    speak: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        speak()


def test_a_figure_carries_picture_caption_and_alternative_text(
    shown: list[Any],
) -> None:
    figure = plotting.bars({"a": [1, 2]}, ["x", "y"], value_label="v")
    show(
        figure,
        caption="Rising to {top:.1f}.",
        alt='Two bars, "y" at {top:.1f}.',
        top=2.0,
    )
    data = shown[0][0]
    assert set(data) == {"text/html", "image/png"}
    page = data["text/html"]
    assert 'alt="Two bars, &quot;y&quot; at 2.0."' in page
    assert '<figcaption>Rising to <span class="value">2.0</span>.</figcaption>' in page
    wide = figure.get_figwidth()
    inside = Image.open(
        io.BytesIO(base64.b64decode(re.findall(r'base64,([^"]+)"', page)[0]))
    )
    assert (inside.format, inside.size[0]) == ("WEBP", round(wide * 192))
    beside = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert (beside.format, beside.size[0]) == ("PNG", round(wide * 96))


def test_small_signs_keep_their_colour_beside_large_areas() -> None:
    figure, (axes,) = plotting.canvas()
    noise = np.random.default_rng(0).random((60, 60))
    axes.imshow(noise, cmap="magma", aspect="auto")
    names = [axes.plot([], [], "o", color=c, label=c)[0] for c in plotting.COLOURS]
    figure.legend(handles=names, loc="outside right upper")
    drawn = np.asarray(Image.open(io.BytesIO(figures.webp(figure, colours=128))), int)
    for colour in plotting.COLOURS:
        wanted = 255 * np.array(to_rgb(colour))
        assert np.abs(drawn - wanted).max(-1).min() < 20, colour


def test_a_table_has_headers_caption_and_values(shown: list[Any]) -> None:
    frame = pd.DataFrame(
        {"share": [0.5, 0.25], "who": ["<b>", "c"]}, index=["first", "second"]
    )
    table(frame, caption="Shares", formats={"share": "{:.1%}"}, tolerance=0.01)
    page, stored = shown[0][0]["text/html"], shown[0][1]["xaicourse"]
    assert '<th scope="col">share</th>' in page
    assert '<th scope="row">second</th>' in page
    assert '<span class="value">25.0%</span>' in page
    assert "&lt;b&gt;" in page
    assert stored["values"]["share[second]"] == 0.25
    assert stored["tolerance"]["share[second]"] == 0.01
    table(frame, caption="Shares", tolerance={"first": 0.1})
    assert shown[1][1]["xaicourse"]["tolerance"]["share[first]"] == 0.1
    assert "share[second]" not in shown[1][1]["xaicourse"]["tolerance"]
    with pytest.raises(
        ValueError, match=r"tolerance names \['third'\], which are no rows"
    ):
        table(frame, caption="Shares", tolerance={"third": 0.1})


def test_a_tables_caption_finds_its_numbers_by_name(shown: list[Any]) -> None:
    names = {"table": table, "frame": pd.DataFrame({"n": [1]}), "rows": {"all": 3}}
    exec("""table(frame, caption='{rows["all"]} rows, 1 < 2')""", names)
    page, stored = shown[0][0]["text/html"], shown[0][1]["xaicourse"]
    assert '<caption><span class="value">3</span> rows, 1 &lt; 2</caption>' in page
    assert stored["values"] == {"n[0]": 1, 'rows["all"]': 3}


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "wording": "{a}",
        "values": {"a": 1.0, "b": [1, 2.0], "c": "x"},
        "tolerance": {"a": 0.1},
    } | changes


@pytest.mark.parametrize(
    ("fresh", "found"),
    [
        (statement(), []),
        (statement(values={"a": 1.09, "b": [1, 2.0], "c": "x"}), []),
        (
            statement(values={"a": 1.2, "b": [1, 2.0], "c": "x"}),
            ["a: 1.0 became 1.2 (tolerance 0.1)"],
        ),
        (
            statement(values={"a": 1.0, "b": [1, 2.001], "c": "x"}),
            ["b: [1, 2.0] became [1, 2.001] (tolerance 0)"],
        ),
        (
            statement(values={"a": 1.0, "b": [1], "c": "x"}),
            ["b: [1, 2.0] became [1] (tolerance 0)"],
        ),
        (
            statement(values={"a": 1.0, "b": [1, 2.0], "c": "y"}),
            ["c: x became y (tolerance 0)"],
        ),
        (
            statement(values={"a": 1.0, "b": {"x": 1.0}, "c": "x"}),
            ["b: [1, 2.0] became {'x': 1.0} (tolerance 0)"],
        ),
        (statement(values={"a": 1.0}), ["values: ['a', 'b', 'c'] became ['a']"]),
        (statement(wording="{a}!"), ["wording: '{a}' became '{a}!'"]),
    ],
)
def test_differences(fresh: dict[str, Any], found: list[str]) -> None:
    assert differences(statement(), fresh) == found


def test_the_order_of_named_numbers_is_that_of_the_file() -> None:
    before = statement(values={"a": {"x": 1.0, "y": 2.0}}, tolerance={"a": 0.1})
    assert differences(before, statement(values={"a": {"y": 2.05, "x": 1.0}})) == []
    assert differences(before, statement(values={"a": {"y": 1.0, "x": 2.0}})) != []


def test_show_source_shows_the_code_and_one_line_of_docstring(shown: list[Any]) -> None:
    show_source(differences)
    text = shown[0][0].data
    assert text.startswith("```python\ndef differences(")
    assert '    """Return, in words, where two stored statements differ' in text
    assert "Parameters" not in text
    assert "found.append" in text
    assert "xaicourse/teaching/narration.py" in text


def test_progress_wraps_and_is_silent_in_stored_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("XAICOURSE_STATIC", "1")
    assert list(progress("counting")(range(3))) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


class TestExplore:
    """A bar of area 1, 4 or 9."""

    def explore(self, **changes: Any) -> None:
        def area(side: int) -> tuple[Figure, dict[str, int]]:
            figure = plotting.bars({"": [side**2]}, [""], value_label="m²")
            return figure, {"area": side**2}

        told = {"start": 2, "label": "side", "unit": "m", "caption": "A square's area."}
        explore(area, [1, 2, 3], alt="{value} makes {area:.1f}.", **told | changes)

    def test_a_live_notebook_carries_frames_and_script(
        self, shown: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XAICOURSE_STATIC", raising=False)
        self.explore()
        [(data, metadata)] = shown
        known = figures.frames_of(data["text/html"])
        assert (known["label"], known["unit"], known["start"]) == ("side", "m", 1)
        alts = [frame["alt"] for frame in known["frames"]]
        assert alts == ["1 makes 1.0.", "2 makes 4.0.", "3 makes 9.0."]
        assert 'alt="2 makes 4.0."' in data["text/html"]
        addresses = [frame.get("src", "") for frame in known["frames"]]
        assert [a.startswith("data:image/webp;base64,") for a in addresses] == [
            True,
            False,
            True,
        ]
        assert data["text/html"].count("<script>") == 1
        assert metadata["xaicourse"]["values"] == {
            "area at 1": 1,
            "area at 2": 4,
            "area at 3": 9,
        }

    def test_a_stored_one_has_files_beside_it(
        self, shown: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XAICOURSE_STATIC", "1")
        monkeypatch.setenv("XAICOURSE_FRAMES", str(tmp_path / "sample"))
        self.explore()
        page = shown[0][0]["text/html"]
        assert "<script" not in page
        addresses = [f.get("src") for f in figures.frames_of(page)["frames"]]
        assert addresses[1] is None, "the page has the first one"
        assert sorted(filter(None, addresses)) == sorted(
            f"frames/sample/{path.name}" for path in (tmp_path / "sample").iterdir()
        )
        before = {p.name: p.read_bytes() for p in (tmp_path / "sample").iterdir()}
        self.explore()
        after = {p.name: p.read_bytes() for p in (tmp_path / "sample").iterdir()}
        assert after == before, "the same numbers make the same files"

    def test_a_test_writes_nothing_and_draws_the_start_alone(
        self, shown: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XAICOURSE_STATIC", "1")
        monkeypatch.delenv("XAICOURSE_FRAMES", raising=False)
        monkeypatch.chdir(tmp_path)
        drawn: list[int] = []
        draw = figures.webp
        monkeypatch.setattr(
            figures,
            "webp",
            lambda f, colours: drawn.append(1) or draw(f, colours=colours),
        )
        self.explore()
        assert (len(shown), len(drawn)) == (1, 1)
        assert list(tmp_path.iterdir()) == []

    def test_a_start_that_is_no_value_is_refused(self) -> None:
        with pytest.raises(
            ValueError, match=r"start: got 5, expected one of \[1, 2, 3\]"
        ):
            self.explore(start=5)


class TestGpu:
    def run(self) -> Any:
        return run_on_gpu(
            lambda **given: given,
            shows="a wide network",
            full={"n": 1000},
            tiny={"n": 2},
        )

    def test_says_what_it_would_show(
        self, shown: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XAICOURSE_GPU", raising=False)
        assert self.run() is None
        assert "a wide network" in shown[0][0].data

    def test_runs_tiny_on_the_cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XAICOURSE_GPU", "tiny")
        assert self.run() == {"device": "cpu", "n": 2}

    @pytest.mark.parametrize("there", [True, False])
    def test_runs_in_full_only_where_a_gpu_is(
        self, there: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XAICOURSE_GPU", "1")
        monkeypatch.setattr("torch.cuda.is_available", lambda: there)
        if there:
            assert self.run() == {"device": "cuda", "n": 1000}
        else:
            with pytest.raises(RuntimeError, match="torch finds none"):
                self.run()
