"""What a notebook does differently in front of a reader, in a test, and on a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from IPython.display import Markdown, display
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from xaicourse.teaching.figures import sliding_data
from xaicourse.teaching.narration import emit, statement_of
from xaicourse.teaching.templates import fill, look_up

Result = TypeVar("Result")


def progress(description: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a wrapper of loops that shows a bar while they run and leaves nothing
    behind; what ``progress=`` takes.

    Examples
    --------
    >>> [n**2 for n in progress("squares")(range(3))]
    [0, 1, 4]
    """
    silent = bool(os.environ.get("XAICOURSE_STATIC"))
    return lambda iterable: tqdm(
        iterable, desc=description, leave=False, disable=silent
    )


def run_on_gpu(
    function: Callable[..., Result],
    *,
    shows: str,
    full: Mapping[str, Any],
    tiny: Mapping[str, Any],
) -> Result | None:
    """Call ``function(device="cuda", **full)`` where a GPU is asked for; otherwise say
    what it would show.

    A GPU is asked for by the environment variable ``XAICOURSE_GPU=1``. With
    ``XAICOURSE_GPU=tiny`` the function runs on the CPU with the arguments ``tiny``,
    which is how the tests make sure that the cell works.

    Returns
    -------
    The function's result, or None when it did not run.
    """
    asked = os.environ.get("XAICOURSE_GPU", "")
    if asked == "tiny":
        return function(device="cpu", **tiny)
    if asked == "1":
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError(
                "XAICOURSE_GPU=1 asks for a GPU, but torch finds none; see `xaicourse "
                "doctor`"
            )
        return function(device="cuda", **full)
    display(
        Markdown(
            f"*Skipped: on a GPU, with* `XAICOURSE_GPU=1`*, this cell shows {shows}.*"
        )
    )
    return None


def explore(
    draw: Callable[[Any], tuple[Figure, Mapping[str, Any]]],
    values: Sequence[Any],
    *,
    start: Any,
    label: str,
    unit: str = "",
    caption: str,
    alt: str,
    tolerance: float = 0.0,
) -> None:
    """Show a figure that answers: a slider under it shows what ``draw`` makes of each
    value.

    All frames are drawn when the cell runs, so that a move of the slider takes no time,
    and none of it needs a kernel. A stored notebook keeps them as files beside it,
    where pages and decks load them at the first touch; elsewhere the figure of
    ``start`` stands still.

    Parameters
    ----------
    draw : callable
        Takes a value and returns a figure and the numbers that can be read off it, by
        name.
    values : sequence of numbers or str
        Where the slider can stand; eight to twelve in a stored notebook.
    start : number or str
        Where it stands first, one of ``values``.
    label, unit : str
        What the slider moves.
    caption : str
        What the figure is, wherever the slider stands.
    alt : str
        The alternative text of each frame: a template over ``{value}`` and the numbers
        of that frame.
    tolerance : float
        By how much (absolutely) each number may differ in another run.

    Raises
    ------
    ValueError
        If ``start`` is none of the values, or a number is not finite.

    Examples
    --------
    >>> from xaicourse.plotting import bars
    >>> from xaicourse.teaching import recording
    >>> def area(side):
    ...     figure = bars({"": [side**2]}, [""], value_label="area (m²)")
    ...     return figure, {"area": side**2}
    >>> with recording() as statements:
    ...     explore(area, [1, 2, 3], start=2, label="side", unit="m",
    ...             caption="A square's area.", alt="A bar of {area} square metres.")
    >>> statements[0].values
    {'area at 1': 1, 'area at 2': 4, 'area at 3': 9}
    """
    if start not in values:
        raise ValueError(f"start: got {start!r}, expected one of {list(values)}")
    names = [v if isinstance(v, str) else f"{v:g}" for v in values]
    drawn = [draw(value) for value in values]
    frames = list(zip(names, drawn, strict=True))
    known = [{"value": name, **found} for name, (_, found) in frames]
    numbers = {f"{k} at {v}": n for v, (_, found) in frames for k, n in found.items()}
    statement = statement_of(
        "explore", f"{caption} | {label} | {alt}", numbers, tolerance
    )
    emit(
        lambda: sliding_data(
            [figure for figure, _ in drawn],
            values=names,
            alts=[fill(alt, look_up([alt], n)) for n in known],
            start=list(values).index(start),
            label=label,
            unit=unit,
            caption=caption,
            progress=progress("drawing"),
        ),
        statement,
    )
