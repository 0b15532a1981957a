"""Figures hold the data they were given, are styled without touching the reader's
settings, and can be told apart.
"""

from __future__ import annotations

import io
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from xaicourse import plotting


def draw(figure: Figure) -> Figure:
    figure.savefig(io.BytesIO(), format="png")
    return figure


def test_bars_have_the_heights_and_intervals_given() -> None:
    figure = draw(
        plotting.bars(
            {"a": [1, 2], "b": [3, 4]},
            ["x", "y"],
            value_label="v (m)",
            intervals={"a": [0.1, 0.2]},
            reference=(2.5, "r"),
        )
    )
    axes = figure.axes[0]
    assert [p.get_height() for p in axes.patches] == [1, 2, 3, 4]
    assert axes.get_ylabel() == "v (m)"
    segments = axes.collections[0].get_segments()
    assert np.allclose([s[:, 1] for s in segments], [[0.9, 1.1], [1.8, 2.2]])


def test_horizontal_bars_read_from_the_top() -> None:
    axes = draw(
        plotting.bars({"a": [1, 2]}, ["x", "y"], value_label="v", horizontal=True)
    ).axes[0]
    assert [p.get_width() for p in axes.patches] == [1, 2]
    assert axes.yaxis_inverted()


def test_dots_and_lines_hold_their_data() -> None:
    axes = draw(
        plotting.dots(
            {"a": [0.7, 0.8]}, ["x", "y"], value_label="v", reference=(0.75, "r")
        )
    ).axes[0]
    assert np.allclose(axes.lines[0].get_xdata(), [0.7, 0.8])
    figure = draw(
        plotting.lines(
            [1, 10],
            {"one": {"a": [1, 2], "b": [3, 4]}, "two": {"b": [5, 6]}},
            x_label="x (s)",
            y_labels=["u", "w"],
            bands={"a": [[0, 1], [2, 3]]},
            log_x=True,
            marks={"here": 3.0},
            diagonal="even",
        )
    )
    one, two = figure.axes
    assert np.allclose(one.lines[1].get_ydata(), [3, 4])
    assert one.lines[1].get_color() == two.lines[0].get_color(), (
        "a curve keeps its colour from panel to panel"
    )
    assert (one.get_xscale(), two.get_ylabel()) == ("log", "w")
    falling = plotting.lines(
        [1, 2], {"": {"a": [1, 0.01]}}, x_label="x", y_labels="error", log_y=True
    )
    assert (falling.axes[0].get_xscale(), falling.axes[0].get_yscale()) == (
        "linear",
        "log",
    )


def test_scatter_panels_draw_points_and_boundaries() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50))
    figure = draw(
        plotting.scatter_panels(
            {"p": (x, y, x > 0)},
            x_label="x",
            y_label="y",
            classes=["no", "yes"],
            boundaries={"line": lambda u, v: u},
        )
    )
    points = [
        c
        for c in figure.axes[0].collections
        if len(c.get_offsets()) and c.get_label() in ("no", "yes")
    ]
    assert sum(len(c.get_offsets()) for c in points) == 50
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "no",
        "yes",
        "line",
    ]


def test_heat_map_and_graph() -> None:
    axes = draw(
        plotting.heat_map(
            [[1, -2], [0, 1]],
            x_label="unit",
            y_label="feature",
            value_label="w",
            y_ticks=["a", "b"],
        )
    ).axes[0]
    assert axes.images[0].get_clim() == (-2, 2)
    figure = draw(
        plotting.causal_graph(
            [("a", "b"), ("e", "b")],
            {"a": (0, 0), "b": (1, 0), "e": (1, 1)},
            from_outside=["e"],
        )
    )
    assert len(figure.axes[0].patches) == 2
    assert {t.get_text() for t in figure.axes[0].texts} == {"a", "b", "e"}


def test_the_readers_own_style_is_left_alone() -> None:
    before = dict(mpl.rcParams)
    plotting.bars({"a": [1]}, ["x"], value_label="v")
    assert dict(mpl.rcParams) == before


def test_a_canvas_is_in_the_courses_style_whatever_the_readers() -> None:
    with mpl.rc_context({"axes.facecolor": "red", "axes.grid": False}):
        _, axes = plotting.canvas(2)
        with mpl.rc_context(plotting.STYLE):
            _, plain = plotting.canvas()
    for drawn in [*axes, *plain]:
        assert not drawn.spines["top"].get_visible()
        assert drawn.xaxis.get_gridlines()[0].get_visible()
        assert drawn.plot([0, 1])[0].get_color() == plotting.COLOURS[0]


def luminance_and_hues(colour: str, vision: np.ndarray) -> np.ndarray:
    return vision @ np.array(to_rgb(colour)) ** 2.2


@pytest.mark.parametrize(
    "vision",
    [
        np.eye(3),
        # protanopia
        np.array(
            [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
        ),
        # deuteranopia
        np.array(
            [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
        ),
    ],
    ids=["ordinary", "protanopia", "deuteranopia"],
)
def test_colours_can_be_told_apart(vision: np.ndarray) -> None:
    """Simulated as Machado, Oliveira and Fernandes (2009); matplotlib's own colours
    fail.
    """

    def nearest(colours: tuple[str, ...]) -> float:
        seen = [luminance_and_hues(c, vision) for c in colours]
        return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))

    assert nearest(plotting.COLOURS) > 0.1
    if not np.array_equal(vision, np.eye(3)):
        assert nearest(tuple(f"C{i}" for i in range(7))) < 0.1


def test_pictures_show_what_they_are_given_and_leave_no_empty_axes() -> None:
    colours, field = (
        np.random.default_rng(0).random((4, 5, 3)),
        np.arange(20.0).reshape(4, 5),
    )
    figure = draw(
        plotting.pictures(
            {"a": colours, "b": field, "c": field + 1},
            columns=2,
            titles=["scene", "map"],
        )
    )
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert all(
        np.allclose(a, b)
        for a, b in zip(shown, [colours, field, field + 1], strict=True)
    )
    assert [axes.get_title("left") for axes in figure.axes] == [
        "scene",
        "map",
        "",
        "",
    ], "titles stand over the first row"
    assert not any(axes.axison for axes in figure.axes), (
        "neither ticks nor an empty frame"
    )
    assert [
        axes.get_title("left")
        for axes in plotting.pictures({"a": field, "b": field}).axes
    ] == ["a", "b"]


def test_a_heat_map_names_its_columns_and_rows() -> None:
    figure = plotting.heat_map(
        np.eye(2),
        x_label="x",
        y_label="y",
        value_label="v",
        x_ticks=["a", "b"],
        y_ticks=["c", "d"],
    )
    axes = draw(figure).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["c", "d"]


def test_histograms_count_on_common_bins() -> None:
    figure = draw(
        plotting.histograms(
            {"one": {"a": [0, 0, 1], "b": [1, 1, 1]}, "two": {"b": [0, 2]}},
            x_label="x (s)",
            y_label="count",
            n_bins=2,
        )
    )
    one, two = figure.axes
    assert [list(p.get_data().values) for p in one.patches] == [[2, 1], [0, 3]]
    assert two.patches[0].get_edgecolor() == one.patches[1].get_edgecolor()
    assert one.get_ylabel() == "count"
