"""Grad-CAM: where in a layer's maps, or among its tokens, the evidence for an output
lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from xaicourse.attribution.explained import Inputs, explained, explaining
from xaicourse.validation import (
    Progress,
    check_finite,
    check_function,
    check_shape,
    check_type,
)


@dataclass(frozen=True)
class GradCam:
    """Where a layer's maps speak for an output: tensors if the inputs are.

    Attributes
    ----------
    values : shape (n, height, width)
        The positive part of `coarse`, enlarged to the size of the inputs by linear
        interpolation along each axis.
    coarse : shape (n, h, w)
        The weighted sum of the maps in the layer's own resolution, with sign: where it
        is negative, the layer speaks against the output.
    """

    values: Any
    coarse: Any


def grad_cam(
    model: nn.Module,
    inputs: Inputs,
    *,
    layer: nn.Module,
    reshape: Callable[[Tensor], Tensor] | None = None,
    target: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> GradCam:
    """Add up a layer's maps, each weighted by the mean gradient of an output.

    With A_k the k-th map of the layer and the mean going over its places (i, j),

        L(i, j) = Σ_k α_k A_k(i, j),   α_k = mean over (i, j) of df/dA_k(i, j).

    The layer is watched by one forward hook for the time of the call, and the gradient
    is taken with respect to its output: no other module is touched, so activations may
    be functional, in place, or one module used often.

    Places have one axis in series, (n, channels, length), and three in volumes. Of a
    vision transformer the maps are the columns of the tokens (n, tokens, width): one
    for each patch, row by row, and perhaps a class token before them, which has no
    place and is left out.

    Parameters
    ----------
    model : nn.Module
        Maps (n, channels, height, width) to (n,) or (n, outputs), best logits.
        Explained in evaluation mode; its mode, hooks and gradients are afterwards as
        they were.
    inputs : Tensor or array, shape (n, channels, height, width)
        Pictures to explain, series or volumes.
    layer : nn.Module
        Module of the model whose output is (n, maps, h, w), usually the last one that
        is; called once in each pass. Of a vision transformer that answers from its
        class token, the first normalisation of the last block: no other token of that
        block's output reaches the answer.
    reshape : callable or None
        Makes maps (n, maps, h, w) of an output in another order, such as (n, h, w,
        maps): ``lambda x: x.permute(0, 3, 1, 2)``.
    target : int, integers of shape (n,) or None
        The output to explain, for all pictures or one by one; ``None`` if there is only
        one.
    internal_batch_size : int or None
        Most pictures given to the model at once; ``None`` takes as many as hold 2**18
        numbers.
    progress : callable or None
        Wraps the loop over batches, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    GradCam

    Raises
    ------
    TypeError
        If the model or the layer is no module, or the inputs are not floating-point
        tensors.
    ValueError
        If the layer is not called once in a pass, or has an output that is no stack of
        maps or that the explained output does not depend on; or an argument has a wrong
        shape or range or is not finite.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM: visual explanations
    from deep networks via gradient-based localization. ICCV 2017, arXiv:1610.02391.

    Examples
    --------
    A layer that passes the picture on, and an output that adds up its left column: the
    weight is the share of places in that column.

    >>> layer = nn.Identity()
    >>> model = nn.Sequential(layer, nn.Flatten(), nn.Linear(4, 1, bias=False))
    >>> model[2].weight.data = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    >>> grad_cam(model, torch.tensor([[[[2.0, 4.0], [6.0, -8.0]]]]), layer=layer).values
    tensor([[[1., 2.],
             [3., 0.]]])
    """
    check_type("model", model, nn.Module)
    check_type("layer", layer, nn.Module)
    if reshape is not None:
        check_function("reshape", reshape)
    f = explained(
        model, inputs, target=target, internal_batch_size=internal_batch_size,
        gradient=True,
    )  # fmt: skip
    places = f.rows.ndim - 2
    if places not in _MODES:
        raise ValueError(
            f"inputs: got shape {tuple(f.rows.shape)}, expected (n, channels) and one "
            f"to three axes of places"
        )
    parts = []
    with explaining(model):
        for rows, _ in f.blocks(progress=progress):
            with _watched(layer) as seen:
                output = f.at(rows, f.rows[rows])
            maps, gradient = _maps_and_gradients(seen, output)
            if reshape is not None:
                maps, gradient = reshape(maps), reshape(gradient)
            elif maps.ndim == 3 < f.rows.ndim:
                maps, gradient = _of_patches(maps, gradient, f.rows.shape[2:])
            check_shape("layer: output", maps, (len(output), *[None] * (1 + places)))
            weights = gradient.flatten(2).mean(2)
            parts.append(torch.einsum("nk...,nk->n...", maps, weights))
    coarse = torch.cat(parts)
    check_finite("model: relevance", coarse)
    values = interpolate(
        coarse.relu()[:, None], f.rows.shape[2:], mode=_MODES[places],
        align_corners=False,
    )[:, 0]  # fmt: skip
    return GradCam(f.as_given(values), f.as_given(coarse))


_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def _maps_and_gradients(seen: list[Tensor], output: Tensor) -> tuple[Tensor, Tensor]:
    """What the layer put out, and the gradient of the explained output by it."""
    if len(seen) != 1:
        raise ValueError(
            f"layer: got one that is called {len(seen)} times in a pass, expected once"
        )
    [maps] = seen
    gradient = None
    if output.requires_grad:
        (gradient,) = torch.autograd.grad(
            output, maps, torch.ones_like(output), allow_unused=True
        )
    if gradient is None:
        raise ValueError("layer: got one on which the explained output does not depend")
    return maps.detach(), gradient


def _of_patches(
    tokens: Tensor, gradient: Tensor, size: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Lay the tokens of a picture's patches, (n, tokens, width), out as maps."""
    grids = (
        [length // patch for length in size]
        for patch in range(1, min(size) + 1)
        if not any(length % patch for length in size)
    )
    n = tokens.shape[1]
    grid = next((g for g in grids if n - math.prod(g) in (0, 1)), None)
    if grid is None:
        raise ValueError(
            f"layer: output: got {n} tokens, expected one for each square patch of "
            f"{tuple(size)}, perhaps with one before them (for others: reshape=)"
        )
    of_patches = slice(n - math.prod(grid), None)
    if not gradient[:, of_patches].any():
        raise ValueError(
            "layer: got one on whose patches the explained output does not depend; "
            "take one before the last attention: the first normalisation of its block"
        )
    maps, gradients = (
        x[:, of_patches].transpose(1, 2).unflatten(2, grid) for x in (tokens, gradient)
    )
    return maps, gradients


@contextmanager
def _watched(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the layer's outputs; autograd records only what comes after.

    The model goes on with a copy, so that what works in place on the output does not
    change what was collected.
    """
    seen: list[Tensor] = []

    def collect(_module: nn.Module, _inputs: object, output: Any) -> Tensor:
        check_type("layer: output", output, Tensor)
        torch.set_grad_enabled(True)
        seen.append(output.detach().requires_grad_())
        return seen[-1].clone()

    handle = layer.register_forward_hook(collect)
    try:
        with torch.no_grad():  # until the layer is reached
            yield seen
    finally:
        handle.remove()
