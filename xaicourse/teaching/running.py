"""What a notebook does differently in front of a reader, in a test, and on a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import ipywidgets
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from xaicourse.teaching.narration import figure_html

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
    draw: Callable[..., Figure], *, alt: str, **sliders: ipywidgets.Widget
) -> None:
    """Show ``draw(**values)`` under sliders in a live notebook; say where they stand in
    a stored one.

    Parameters
    ----------
    draw : callable
        Takes the sliders' values by name and returns a figure.
    alt : str
        Alternative text of the figure.
    **sliders : ipywidgets.Widget
        One control an argument of ``draw``.
    """
    if os.environ.get("XAICOURSE_STATIC"):
        names = ", ".join(name.replace("_", " ") for name in sliders)
        display(
            Markdown(
                f"*In JupyterLab a slider ({names}) stands here; the figure above is "
                f"its still picture.*"
            )
        )
        return
    output = ipywidgets.HTML()

    def redraw(_: Any = None) -> None:
        figure = draw(**{name: widget.value for name, widget in sliders.items()})
        output.value = figure_html(figure, alt=alt)

    for widget in sliders.values():
        widget.observe(redraw, names="value")
    redraw()
    display(ipywidgets.VBox([*sliders.values(), output]))
