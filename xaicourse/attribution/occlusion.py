"""Occlusion: what the output loses when a patch of the input is covered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from xaicourse.attribution.explained import (
    Model,
    check_inputs,
    explaining,
    outputs,
    pick,
)
from xaicourse.validation import (
    Progress,
    check_finite,
    check_float,
    check_int,
    check_shape,
    silent,
)


def occlusion(
    model: Model,
    inputs: Tensor,
    *,
    window: int | Sequence[int] = 1,
    strides: int | Sequence[int] | None = None,
    baselines: Tensor | float = 0.0,
    target: int | Tensor | None = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """Cover a window of each input, place after place, and see what the output loses.

    Each place's loss is f(x) - f(x with the window from the baseline); an input's value
    is the mean loss over the windows that cover it. No gradient is needed. A covered
    picture is one that the model never saw: part of the loss may be the cover's.

    Parameters
    ----------
    model : callable
        Maps a tensor (n, ...) to (n,) or (n, outputs), each row by itself. Modules are
        explained in evaluation mode and left in the mode they were in.
    inputs : Tensor, shape (n, ...)
        Rows: tables (n, n_features), or pictures (n, channels, height, width), whose
        channels are covered together.
    window, strides : int, or one for each axis
        Size of the window, and how far it moves; ``None`` moves it by its size. The
        axes are those behind the rows, for pictures height and width. The last place
        along an axis ends at its end.
    baselines : Tensor that can stand in for the inputs, or float
        What covers.
    target : int, Tensor of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    internal_batch_size : int or None
        Most rows given to the model at once; ``None`` takes as many as hold 2**18
        numbers.
    progress : callable or None
        Wraps the loop over places, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Tensor, shape of the inputs
        In units of the output.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range or is not finite, or a window is
        larger than the inputs.

    References
    ----------
    Zeiler, Fergus: Visualizing and understanding convolutional networks. ECCV 2014,
    arXiv:1311.2901.

    Examples
    --------
    >>> occlusion(lambda x: x[:, 0] * x[:, 1] + 2 * x[:, 2], torch.tensor([[3.0, 1.0, 5.0]]))
    tensor([[ 3.,  3., 10.]])
    """
    inputs, targets, size = check_inputs(inputs, target, internal_batch_size)
    axes = inputs.shape[2:] if inputs.ndim == 4 else inputs.shape[1:]
    windows = _per_axis("window", window, axes)
    steps = windows if strides is None else _per_axis("strides", strides, axes)
    if any(step > w for step, w in zip(steps, windows, strict=True)):
        raise ValueError(
            f"strides: got {steps}, expected at most the window {windows}, or inputs "
            f"are left out"
        )
    if isinstance(baselines, Tensor):
        check_finite("baselines", baselines)
        rows = 1 if baselines.shape[:1] == (1,) else len(inputs)
        check_shape("baselines", baselines, (rows, *inputs.shape[1:]))
        cover = baselines.detach().to(inputs)
    else:
        cover = inputs.new_tensor(check_float("baselines", baselines))
    cover = cover.expand_as(inputs)
    starts = [
        sorted({*range(0, length - w + 1, step), length - w})
        for length, w, step in zip(axes, windows, steps, strict=True)
    ]
    lost, times = torch.zeros_like(inputs), inputs.new_zeros(axes)
    one_each = (-1, *[1] * (inputs.ndim - 1))
    with explaining(model):
        whole = pick(outputs(model, inputs, size), targets)
        for place in (progress or silent)(list(product(*starts))):
            where: Any = (
                ...,
                *[slice(a, a + w) for a, w in zip(place, windows, strict=True)],
            )
            covered = inputs.clone()
            covered[where] = cover[where]
            lost[where] += (
                whole - pick(outputs(model, covered, size), targets)
            ).reshape(one_each)
            times[where] += 1
    return lost / times


def _per_axis(name: str, value: int | Sequence[int], axes: Sequence[int]) -> list[int]:
    """One number for each axis, none larger than the axis."""
    values = list(value) if isinstance(value, Sequence) else [value] * len(axes)
    if len(values) != len(axes):
        raise ValueError(
            f"{name}: got {len(values)} numbers, expected one for each of the axes "
            f"{tuple(axes)}"
        )
    values = [check_int(name, v) for v in values]
    if any(v > length for v, length in zip(values, axes, strict=True)):
        raise ValueError(
            f"{name}: got {values}, expected at most the axes {tuple(axes)}"
        )
    return values
