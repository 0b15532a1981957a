"""Occlusion: what the output loses when a patch of the input is covered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from xaicourse.attribution.explained import (
    ALL,
    Inputs,
    Model,
    beside,
    explained,
    explaining,
)
from xaicourse.validation import Progress, check_int


def occlusion(
    model: Model,
    inputs: Inputs,
    *,
    window: int | Sequence[int] = 1,
    strides: int | Sequence[int] | None = None,
    baselines: Any = 0.0,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Cover a window of each input, place after place, and see what the output loses.

    Each place's loss is f(x) - f(x with the window from the baseline); an input's value
    is the mean loss over the windows that cover it. No gradient is needed. A covered
    picture is one that the model never saw: part of the loss may be the cover's.

    Parameters
    ----------
    model : nn.Module, function of tensors or of arrays, or fitted estimator
        Maps rows (n, ...) to (n,) or (n, outputs), each row by itself. Modules are
        explained in evaluation mode and left in the mode they were in.
    inputs : Tensor or array, shape (n, ...)
        Rows: tables (n, n_features), or pictures (n, channels, height, width), whose
        channels are covered together.
    window, strides : int, or one for each axis
        Size of the window, and how far it moves; ``None`` moves it by its size. The
        axes are those behind the rows, for pictures height and width. The last place
        along an axis ends at its end.
    baselines : Tensor or array of shape (n, ...) or (1, ...), or float
        What covers.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    additional_forward_args : anything, or a tuple
        What the model is given behind the inputs. Tensors with a row for each row of
        the inputs are repeated with them.
    internal_batch_size : int or None
        Most covered rows given to the model at once; ``None`` takes as many as hold
        2**18 numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Tensor or array, shape of the inputs
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
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> occlusion(model, torch.tensor([[3.0, 1.0, 5.0]]))
    tensor([[ 3.,  3., 10.]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size,
    )  # fmt: skip
    x = f.rows
    axes = x.shape[2:] if x.ndim == 4 else x.shape[1:]
    windows = _per_axis("window", window, axes)
    steps = windows if strides is None else _per_axis("strides", strides, windows)
    cover = beside("baselines", baselines, x)
    starts = [
        sorted({*range(0, length - w + 1, step), length - w})
        for length, w, step in zip(axes, windows, steps, strict=True)
    ]
    places = list(product(*starts))
    # all colours are covered together
    shape = (*[1] * (x.ndim - 1 - len(axes)), *axes)
    with explaining(model):
        lost, times = x.new_zeros(len(x), *shape), x.new_zeros(shape)
        whole = f.at(ALL, x)
        for rows, some in f.blocks(len(places), progress=progress):
            hidden = x.new_zeros(len(places[some]), *shape)
            for mask, place in zip(hidden, places[some], strict=True):
                ends = zip(place, windows, strict=True)
                mask[(..., *[slice(a, a + w) for a, w in ends])] = 1
            covered = torch.where(hidden > 0, cover[rows, None], x[rows, None])
            loss = (whole[rows, None] - f.at(rows, covered)).to(x)
            lost[rows] += torch.tensordot(loss, hidden, 1)
            if rows.start == 0:
                times += hidden.sum(0)
        return f.as_given((lost / times).expand_as(x).clone())


def _per_axis(name: str, value: int | Sequence[int], axes: Sequence[int]) -> list[int]:
    """One number for each axis, none larger than the axis or window."""
    values = list(value) if isinstance(value, Sequence) else [value] * len(axes)
    if len(values) != len(axes):
        raise ValueError(
            f"{name}: got {len(values)} numbers, expected one for each of the axes "
            f"{tuple(axes)}"
        )
    pairs = zip(values, axes, strict=True)
    return [check_int(name, v, maximum=most) for v, most in pairs]
