"""Occlusion: what the output loses when a patch of the input is covered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

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
        Rows: tables (n, n_features), series (n, channels, length), pictures (n,
        channels, height, width) or volumes (n, channels, depth, height, width), whose
        channels are covered together.
    window, strides : int, or one for each axis
        Size of the window, and how far it moves; ``None`` moves it by its size. An
        integer stands for every axis behind the channels; several are for the last
        axes, and what lies before those is covered together: (1, 16) covers one word
        after another of sentences (n, words, 16). The last place along an axis ends at
        its end.
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
        2**18 numbers, and at least 16.
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
    if internal_batch_size is None:
        # without gradients nothing is kept, and one picture a pass is slow
        f = replace(f, size=max(f.size, 16))
    x = f.rows
    given = [v for v in (window, strides) if isinstance(v, Sequence)]
    n_axes = len(given[0]) if given else max(1, x.ndim - 2)
    if not 1 <= n_axes < x.ndim:
        name = "window" if given and given[0] is window else "strides"
        raise ValueError(
            f"{name}: got {n_axes} numbers, expected one for each of the last axes of "
            f"inputs of shape {tuple(x.shape)}"
        )
    axes = x.shape[-n_axes:]
    windows = _per_axis("window", window, axes)
    steps = windows if strides is None else _per_axis("strides", strides, windows)
    cover = beside("baselines", baselines, x)
    masks = [
        _masks(length, w, step).to(x.device)
        for length, w, step in zip(axes, windows, steps, strict=True)
    ]
    grid, between = [len(mask) for mask in masks], [1] * (x.ndim - 1 - n_axes)
    with explaining(model):
        whole = f.at(ALL, x)
        kind = torch.promote_types(x.dtype, whole.dtype)
        loss = x.new_zeros(len(x), math.prod(grid), dtype=kind)
        for rows, some in f.blocks(loss.shape[1], progress=progress):
            # the window of each place is the product of one mask for each axis
            places = torch.arange(some.start, some.stop, device=x.device)
            hidden = torch.ones(len(places), dtype=torch.bool, device=x.device)
            for mask, at in zip(masks, torch.unravel_index(places, grid), strict=True):
                along = mask[at].view(len(at), *[1] * (hidden.ndim - 1), -1)
                hidden = hidden[..., None] & along
            hidden = hidden.view(len(places), *between, *axes)
            covered = torch.where(hidden, cover[rows, None], x[rows, None])
            loss[rows, some] = (whole[rows, None] - f.at(rows, covered)).to(kind)
        values = loss.view(len(x), *grid)
        for mask in masks:
            # the mean over the places that cover each position of this axis
            share = mask.to(kind) / mask.sum(0)
            values = torch.tensordot(values, share, ([1], [0]))
        values = values.view(len(x), *between, *axes)
        return f.as_given(values.expand_as(x).clone())


def _masks(length: int, window: int, step: int) -> Tensor:
    """What a window covers of an axis: a row for each of its places."""
    starts = torch.arange(0, length - window + step, step).clamp(max=length - window)
    beyond = torch.arange(length) - starts[:, None]
    return (beyond >= 0) & (beyond < window)


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
