"""One style for every figure, and what several notebooks draw.

The style is readable at half width, safe for colour-blind readers, on a light ground.
A figure of one notebook is drawn in it, on a `canvas`. Each function takes plain arrays
and returns a `matplotlib.figure.Figure` that no global state knows, so that nothing is
shown twice, nothing needs closing, and a test can look at what was drawn.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from numpy.typing import ArrayLike, NDArray

from xaicourse.validation import (
    as_floats,
    as_numbers,
    check_choice,
    check_flag,
    check_float,
    check_function,
    check_int,
    check_items,
    check_shape,
    check_type,
)

# Okabe & Ito's colours, told apart with any colour vision; black last, for references.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("solid", "dashed", "dotted", "dashdot")
STYLE: Any = {  # Any: matplotlib names its settings one by one in its type
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    # ships with matplotlib: the same letters on every machine
    "font.family": "DejaVu Sans",
    "lines.linewidth": 2,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "figure.constrained_layout.use": True,
}
Parameters = ParamSpec("Parameters")
Drawn = TypeVar("Drawn")


def _check_words(name: str, words: Any, *, at_least: int = 0) -> None:
    for word in check_items(name, words, at_least=at_least):
        check_type(name, word, str)


def _check_labels(name: str, labels: Any) -> None:
    _check_words(name, [labels] if isinstance(labels, str) else labels)


def _check_named(name: str, named: Any) -> None:
    check_type(name, named, Mapping)
    check_items(name, list(named), at_least=1)


def _check_limits(name: str, limits: Any) -> None:
    for end in check_items(name, limits, at_least=2):
        if end is not None:  # is left to matplotlib
            check_float(name, end)


def _check_reference(name: str, reference: Any) -> None:
    position, *names = check_items(name, reference, at_least=2)
    check_float(name, position)
    _check_words(name, names)


# Arguments mean the same in every function here, so one check of each is enough.
# Arrays are checked where they are drawn, as the others say how long they must be.
_CHECKS: dict[str, Callable[[str, Any], object]] = {
    **dict.fromkeys(("n_panels", "columns", "n_bins"), check_int),
    **dict.fromkeys(("width", "height"), partial(check_float, positive=True)),
    **dict.fromkeys(("share_y", "horizontal", "log_x", "log_y", "markers"), check_flag),
    **dict.fromkeys(
        ("x_label", "y_label", "value_label", "diagonal"), partial(check_type, kind=str)
    ),
    **dict.fromkeys(("y_labels", "value_labels"), _check_labels),
    **dict.fromkeys(("labels", "classes"), partial(_check_words, at_least=1)),
    **dict.fromkeys(("titles", "from_outside", "x_ticks", "y_ticks"), _check_words),
    **dict.fromkeys(("groups", "panels", "positions"), _check_named),
    **dict.fromkeys(("intervals", "bands", "marks", "arrows"), _check_named),
    **dict.fromkeys(("points", "names", "boundaries"), _check_named),
    "edges": check_items,
    "levels": partial(as_floats, shape=(None,)),
    "limits": _check_limits,
    "reference": _check_reference,
}


def styled(draw: Callable[Parameters, Drawn]) -> Callable[Parameters, Drawn]:
    """Check what is drawn, draw it in the course's style, and leave the reader's own
    settings alone.
    """
    signature = inspect.signature(draw)

    @wraps(draw)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Drawn:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            optional = signature.parameters[name].default is None
            if name in _CHECKS and not (optional and value is None):
                _CHECKS[name](name, value)
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def _numbers(
    name: str, values: Any, shape: tuple[int | None, ...] | None = None
) -> NDArray[Any]:
    """Return numbers to draw, of a given shape if there is one; NaN is a gap."""
    numbers = as_numbers(name, values)
    check_shape(name, numbers, (None,) * numbers.ndim if shape is None else shape)
    if np.isinf(numbers).any():
        raise ValueError(f"{name}: got infinity, expected finite numbers")
    return numbers


def _curves(
    name: str, curves: Any, shape: tuple[int | None, ...] | None = None
) -> dict[str, NDArray[Any]]:
    """Return numbers to draw, by name."""
    _check_named(name, curves)
    return {
        key: _numbers(f"{name}[{key!r}]", values, shape)
        for key, values in curves.items()
    }


def _half_widths(
    intervals: Mapping[str, ArrayLike] | None, name: str, n: int
) -> NDArray[Any] | None:
    """Return the intervals of a group, if it has some."""
    if intervals is None or name not in intervals:
        return None
    widths = _numbers(f"intervals[{name!r}]", intervals[name])
    check_shape(f"intervals[{name!r}]", widths, (n,) if widths.ndim == 1 else (2, n))
    return widths


@styled
def canvas(
    n_panels: int = 1, *, width: float = 7.0, height: float = 3.4, share_y: bool = False
) -> tuple[Figure, Any]:
    """Return an empty figure in the course's style, to draw on with matplotlib.

    Parameters
    ----------
    n_panels : int
        Side by side.
    width, height : float
        Inches.
    share_y : bool
        One vertical axis for all panels.

    Returns
    -------
    figure : matplotlib.figure.Figure
        It belongs to no window, so that a notebook shows it once, by ``show``.
    axes : array of matplotlib.axes.Axes, shape (n_panels,)

    Examples
    --------
    >>> figure, (axes,) = canvas()
    >>> [line] = axes.plot([1, 2, 3], [2, 4, 8], label="doubling")
    >>> legend = axes.legend()
    """
    figure = Figure(figsize=(width, height))
    return figure, np.atleast_1d(figure.subplots(1, n_panels, sharey=share_y))


@styled
def bars(
    groups: Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    value_label: str,
    intervals: Mapping[str, ArrayLike] | None = None,
    reference: tuple[float, str] | None = None,
    horizontal: bool = False,
    limits: tuple[float, float] | None = None,
    height: float = 3.4,
) -> Figure:
    """Draw one bar a label, side by side for each group, with intervals.

    Parameters
    ----------
    groups : mapping of str to array of shape (n_labels,)
        The heights; the key is the group's name in the legend.
    labels : sequence of str
        What stands under the bars.
    value_label : str
        The values' axis, with units.
    intervals : mapping of str to array of shape (n_labels,) or (2, n_labels), optional
        Half-widths, or distances below and above.
    reference : (float, str), optional
        A dashed line and its name.
    horizontal : bool
        Lay the bars down: for long labels.
    limits : (float, float), optional
        Of the values' axis.
    """
    n = len(labels)
    figure, (axes,) = canvas(height=height)
    positions, thickness = np.arange(n), 0.8 / len(groups)
    for i, (name, values) in enumerate(_curves("groups", groups, (n,)).items()):
        at = positions + (i - (len(groups) - 1) / 2) * thickness
        error = _half_widths(intervals, name, n)
        options = {
            "label": name,
            "color": COLOURS[i],
            "error_kw": {"elinewidth": 1.5, "capsize": 3},
        }
        if horizontal:
            axes.barh(at, values, height=thickness * 0.92, xerr=error, **options)
        else:
            axes.bar(at, values, width=thickness * 0.92, yerr=error, **options)
    _label_values(axes, labels, value_label, limits, reference, horizontal=horizontal)
    if horizontal:
        axes.invert_yaxis()
    return figure


def _label_values(
    axes: Axes,
    labels: Sequence[str],
    value_label: str,
    limits: tuple[float, float] | None,
    reference: tuple[float, str] | None,
    *,
    horizontal: bool,
) -> None:
    """Name the places along one axis and the values along the other, and add a
    reference and the legend.
    """
    places = np.arange(len(labels))
    if horizontal:
        axes.set_yticks(places, labels)
        axes.set(xlabel=value_label, xlim=limits)
    else:
        axes.set_xticks(places, labels)
        axes.set(ylabel=value_label, ylim=limits)
    axes.grid(visible=False, axis="y" if horizontal else "x")
    if reference:
        position, name = reference
        draw_line = axes.axvline if horizontal else axes.axhline
        draw_line(position, color="black", linestyle="--", linewidth=1.2, label=name)
    _legend(axes, where="outside upper center")


def _legend(
    *panels: Axes, where: Any = "outside lower center", at_least: int = 2
) -> None:
    """Name what the panels of a figure show, each name once, if there are several."""
    named = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(named) >= at_least:
        panels[0].figure.legend(named.values(), named.keys(), loc=where, ncols=4)


@styled
def dots(
    groups: Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    value_label: str,
    intervals: Mapping[str, ArrayLike] | None = None,
    reference: tuple[float, str] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one dot a label and group on a common scale, which need not begin at zero.

    Parameters are those of `bars`.
    """
    n = len(labels)
    figure, (axes,) = canvas(height=1.2 + 0.45 * n)
    positions = np.arange(n)
    for i, (name, values) in enumerate(_curves("groups", groups, (n,)).items()):
        at = positions + (i - (len(groups) - 1) / 2) * 0.22
        axes.errorbar(
            values,
            at,
            xerr=_half_widths(intervals, name, n),
            fmt=MARKERS[i],
            color=COLOURS[i],
            label=name,
            capsize=3,
            markersize=7,
        )
    _label_values(axes, labels, value_label, limits, reference, horizontal=True)
    axes.set_ylim(n - 0.5, -0.5)
    return figure


@styled
def lines(
    x: ArrayLike,
    panels: Mapping[str, Mapping[str, ArrayLike]],
    *,
    x_label: str,
    y_labels: str | Sequence[str],
    bands: Mapping[str, ArrayLike] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = True,
    marks: Mapping[str, float] | None = None,
    diagonal: str | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw curves in one panel or several.

    Parameters
    ----------
    x : array of shape (n,)
        Common to all curves.
    panels : mapping of panel title to mapping of curve name to array of shape (n,)
        A curve that appears in two panels keeps its colour.
    x_label, y_labels : str
        Axes, with units; one for all panels or one each.
    bands : mapping of curve name to array of shape (2, n), optional
        Lower and upper ends of an interval.
    log_x, log_y : bool
        Logarithmic axes.
    marks : mapping of str to float, optional
        Named vertical lines.
    diagonal : str, optional
        Draw y = x under this name.
    """
    across = np.asanyarray(x)  # dates and words are axes too
    check_shape("x", across, (None,))
    if across.dtype.kind in "biufc":
        across = _numbers("x", across)
    drawn = {t: _curves(f"panels[{t!r}]", c, across.shape) for t, c in panels.items()}
    between = {} if bands is None else _curves("bands", bands, (2, len(across)))
    at = {} if marks is None else _curves("marks", marks, ())
    figure, every = canvas(len(panels), width=7.0 if len(panels) < 3 else 9.0)
    names = list(dict.fromkeys(name for curves in drawn.values() for name in curves))
    for panel, (axes, (title, curves)) in enumerate(
        zip(every, drawn.items(), strict=True)
    ):
        axes.set_yscale("log" if log_y else "linear")
        for name, y in curves.items():
            i = names.index(name)
            axes.plot(
                across,
                y,
                color=COLOURS[i],
                marker=MARKERS[i] if markers else "",
                label=name,
                markersize=5,
            )
            if name in between:
                low, high = between[name]
                axes.fill_between(
                    across, low, high, color=COLOURS[i], alpha=0.2, linewidth=0
                )
        for name, position in at.items():
            axes.axvline(position, color="#555555", linestyle=":", linewidth=1.2)
            axes.annotate(
                name,
                (position, 1.0),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=9,
            )
        if diagonal:
            axes.axline(
                (0, 0),
                slope=1,
                color="black",
                linestyle="--",
                linewidth=1.2,
                label=diagonal,
            )
        axes.set(
            xlabel=x_label,
            ylabel=y_labels if isinstance(y_labels, str) else y_labels[panel],
            ylim=limits,
        )
        axes.set_title(title, pad=18 if marks else None)
        if log_x:
            axes.set_xscale("log")
    _legend(*every)
    return figure


@styled
def scatter_panels(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    *,
    x_label: str,
    y_label: str,
    classes: Sequence[str],
    boundaries: Mapping[
        str, Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], ArrayLike]
    ]
    | None = None,
    share_y: bool = False,
) -> Figure:
    """Draw labelled points in panels side by side, and where given scores are zero.

    Parameters
    ----------
    panels : mapping of title to (x, y, label), each of shape (n,)
        ``label`` holds whole numbers, indices into ``classes``.
    x_label, y_label : str
        Axes, with units.
    classes : sequence of str
        Names of the classes.
    boundaries : mapping of str to callable, optional
        A score of (x, y) grids; its zero line is drawn under this name.
    """
    figure, every = canvas(
        len(panels), width=max(4.5, 3.1 * len(panels)), share_y=share_y
    )
    for axes, (title, panel) in zip(every, panels.items(), strict=True):
        name = f"panels[{title!r}]"
        if len(parts := check_items(name, panel)) != 3:
            raise ValueError(
                f"{name}: got {len(parts)} arrays, expected x, y and label"
            )
        x = _numbers(name, parts[0], (None,))
        y, label = (_numbers(name, part, x.shape) for part in parts[1:])
        for c, group in enumerate(classes):
            rows = label == c
            sign = {"marker": MARKERS[c], "color": COLOURS[c], "linewidths": 0}
            points = x[rows], y[rows]
            axes.scatter(*points, s=14, alpha=0.55, label=group, **sign)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        across, up = np.meshgrid(
            np.linspace(left, right, 200), np.linspace(bottom, top, 200)
        )
        for i, (name, score) in enumerate((boundaries or {}).items()):
            check_function(f"boundaries[{name!r}]", score)
            axes.contour(
                across,
                up,
                _numbers(f"boundaries[{name!r}]", score(across, up), across.shape),
                [0.0],
                colors="black",
                linestyles=DASHES[i],
            )
            axes.plot([], [], color="black", linestyle=DASHES[i], label=name)
        axes.set(title=title, xlabel=x_label)
    every[0].set_ylabel(y_label)
    _legend(*every)
    return figure


@styled
def heat_map(
    matrix: ArrayLike,
    *,
    x_label: str,
    y_label: str,
    value_label: str,
    x_ticks: Sequence[str] = (),
    y_ticks: Sequence[str] = (),
    height: float = 2.2,
) -> Figure:
    """Draw a matrix; blue is negative, red positive, white zero."""
    values = _numbers("matrix", matrix, (None, None))
    for name, ticks, n in zip(
        ("y_ticks", "x_ticks"), (y_ticks, x_ticks), values.shape, strict=True
    ):
        if len(ticks) not in (0, n):
            raise ValueError(f"{name}: got {len(ticks)}, expected {n}")
    figure, (axes,) = canvas(height=height)
    bound = float(np.nanmax(np.abs(values))) or 1.0
    colours, least = ("RdBu_r", -bound) if np.nanmin(values) < 0 else ("Reds", 0.0)
    picture = axes.imshow(
        values,
        cmap=colours,
        vmin=least,
        vmax=bound,
        aspect="auto",
        interpolation="nearest",
    )
    axes.grid(visible=False)
    axes.set(xlabel=x_label, ylabel=y_label)
    if x_ticks:
        axes.set_xticks(range(len(x_ticks)), x_ticks)
    if y_ticks:
        axes.set_yticks(range(len(y_ticks)), y_ticks)
    figure.colorbar(picture, ax=axes, label=value_label)
    return figure


@styled
def causal_graph(
    edges: Sequence[tuple[str, str]],
    positions: Mapping[str, tuple[float, float]],
    *,
    names: Mapping[str, str] | None = None,
    from_outside: Sequence[str] = (),
) -> Figure:
    """Draw a causal graph: an arrow from each cause to its effect.

    Parameters
    ----------
    edges : sequence of (cause, effect)
    positions : mapping of node to (column, row)
        Where each node stands; rows count upwards.
    names : mapping of str to str, optional
        What is written in a node, when not its own name.
    from_outside : sequence of str
        Nodes that are not variables, such as the environment: drawn as dashed boxes.
    """
    places = _curves("positions", positions, (2,))
    for nodes in edges:
        for node in check_items("edges", nodes):
            check_choice("edges", node, positions)
    for name in (*(names or {}), *from_outside):
        check_choice("names, from_outside", name, positions)
    columns, rows = np.array(list(places.values()), float).T
    figure, (axes,) = canvas(
        width=1.9 * float(np.ptp(columns)) + 2.4, height=1.5 * float(np.ptp(rows)) + 1.4
    )
    boxes = {}
    for node, (x, y) in positions.items():
        outside = node in from_outside
        box = {
            "boxstyle": "square,pad=0.5"
            if outside
            else "round,pad=0.5,rounding_size=0.8",
            "facecolor": "#f2f2f2" if outside else "#dcebf5",
            "edgecolor": "#555555" if outside else COLOURS[0],
            "linestyle": "dashed" if outside else "solid",
            "linewidth": 1.5,
        }
        boxes[node] = axes.text(
            x,
            y,
            (names or {}).get(node, node),
            ha="center",
            va="center",
            fontsize=11,
            bbox=box,
            zorder=3,
        )
    for cause, effect in edges:
        arrow = FancyArrowPatch(
            positions[cause],
            positions[effect],
            patchA=boxes[cause].get_bbox_patch(),
            patchB=boxes[effect].get_bbox_patch(),
            shrinkA=2,
            shrinkB=2,
            arrowstyle="-|>",
            mutation_scale=18,
            linewidth=1.8,
            color="#333333",
            linestyle="dashed" if cause in from_outside else "solid",
        )
        axes.add_patch(arrow)
    axes.set(
        xlim=(columns.min() - 0.6, columns.max() + 0.6),
        ylim=(rows.min() - 0.5, rows.max() + 0.5),
    )
    axes.axis("off")
    return figure


@styled
def maps(
    x: ArrayLike,
    y: ArrayLike,
    panels: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    value_labels: str | Sequence[str],
    arrows: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    points: Mapping[str, tuple[float, float]] | None = None,
    levels: Sequence[float] | None = None,
    height: float = 3.6,
) -> Figure:
    """Draw values over a plane in panels side by side, with contours.

    Parameters
    ----------
    x, y : array of shape (n_x,), (n_y,)
        The axes of the plane.
    panels : mapping of title to array of shape (n_y, n_x)
        Values, rows along y, each panel with its own colours.
    x_label, y_label, value_labels : str
        Axes, with units; one label of the values for all panels or one each.
    arrows : mapping of title to (along x, along y), optional
        Directions, shapes as the panel's; about twelve a side are drawn, of equal
        length.
    points : mapping of name to (x, y), optional
        Marks that are drawn in every panel.
    levels : sequence of float, optional
        Where one colour ends and the next begins; twenty equal steps if not given.
    """
    across, up = as_floats("x", x, (None,)), as_floats("y", y, (None,))
    shape = len(up), len(across)
    drawn = _curves("panels", panels, shape)
    along = {} if arrows is None else _curves("arrows", arrows, (2, *shape))
    at = {} if points is None else _curves("points", points, (2,))
    figure, every = canvas(
        len(panels), width=4.6 if len(panels) == 1 else 3.9 * len(panels), height=height
    )
    for panel, (axes, (title, z)) in enumerate(zip(every, drawn.items(), strict=True)):
        norm = BoundaryNorm(levels, 256) if levels else None
        picture = axes.contourf(
            across, up, z, levels=levels or 20, norm=norm, cmap="viridis"
        )
        label = value_labels if isinstance(value_labels, str) else value_labels[panel]
        figure.colorbar(picture, ax=axes, label=label)
        if title in along:
            rows, columns = (
                slice(3, None, max(1, len(up) // 12)),
                slice(3, None, max(1, len(across) // 12)),
            )
            u, v = along[title][:, rows, columns]
            length = np.hypot(u, v) + 1e-300
            axes.quiver(
                across[columns],
                up[rows],
                u / length,
                v / length,
                color="white",
                scale=22,
                width=0.006,
            )
        for i, (name, (right, top)) in enumerate(at.items()):
            sign = {"color": COLOURS[(1, 3, 4, 5)[i]], "markeredgecolor": "white"}
            place = right, top, MARKERS[i]
            axes.plot(*place, markersize=10, label=name, clip_on=False, **sign)
        axes.set(
            title=title,
            xlabel=x_label,
            xlim=(across.min(), across.max()),
            ylim=(up.min(), up.max()),
        )
        axes.grid(visible=False)
    every[0].set_ylabel(y_label)
    _legend(*every, at_least=1)
    return figure


@styled
def pictures(
    panels: Mapping[str, ArrayLike],
    *,
    columns: int | None = None,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draw pictures in a grid: colours as they are, each map from dark to bright.

    Parameters
    ----------
    panels : mapping of title to array of shape (height, width, 3) or (height, width)
        Colours from 0 to 1, or a map.
    columns : int, optional
        Pictures in a row; all in one by default.
    titles : sequence of str, optional
        What stands over the first row, instead of a title over each picture.
    """
    drawn = _curves("panels", panels)
    n_columns = columns or len(panels)
    if titles is not None and len(titles) < min(n_columns, len(panels)):
        raise ValueError(f"titles: got {len(titles)}, expected {n_columns}")
    n_rows = -(-len(panels) // n_columns)
    width = min(9.0, 3.4 * n_columns)
    figure = Figure(
        figsize=(width, width / n_columns * n_rows + 0.3 * (1 if titles else n_rows))
    )
    every = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for i, (axes, (title, picture)) in enumerate(
        zip(every, drawn.items(), strict=False)
    ):
        if picture.ndim not in (2, 3):
            raise ValueError(
                f"panels[{title!r}]: got shape {picture.shape}, expected (height, "
                f"width), or (height, width, 3)"
            )
        axes.imshow(
            picture,
            cmap=None if picture.ndim == 3 else "magma",
            interpolation="nearest",
        )
        if titles is None or i < n_columns:
            axes.set_title(title if titles is None else titles[i], fontsize=10)
    for axes in every:
        axes.axis("off")
    return figure


@styled
def histograms(
    panels: Mapping[str, Mapping[str, ArrayLike]],
    *,
    x_label: str,
    y_label: str,
    n_bins: int = 30,
) -> Figure:
    """Draw distributions of groups of numbers as outlines on common bins.

    Parameters
    ----------
    panels : mapping of panel title to mapping of group name to array
        A group that appears in two panels keeps its colour.
    x_label, y_label : str
        Axes, with units.
    n_bins : int
        Of equal width, over the range of all groups of a panel.
    """
    drawn = {t: _curves(f"panels[{t!r}]", groups) for t, groups in panels.items()}
    figure, every = canvas(len(panels), width=7.0 if len(panels) < 3 else 9.0)
    names = list(dict.fromkeys(name for groups in drawn.values() for name in groups))
    for axes, (title, groups) in zip(every, drawn.items(), strict=True):
        edges = np.histogram_bin_edges(
            np.concatenate([np.ravel(v) for v in groups.values()]), n_bins
        )
        for name, values in groups.items():
            i = names.index(name)
            counts, dash = np.histogram(values, edges)[0], DASHES[i % 4]
            style = {"color": COLOURS[i], "linestyle": dash, "linewidth": 2}
            axes.stairs(counts, edges, label=name, **style)
        axes.set(title=title, xlabel=x_label)
    every[0].set_ylabel(y_label)
    _legend(*every)
    return figure
