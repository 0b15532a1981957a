"""Grad-CAM: where in a convolutional layer's maps the evidence for an output lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from xaicourse.attribution.explained import Inputs, explained, explaining
from xaicourse.validation import Progress, check_finite, check_shape, check_type


@dataclass(frozen=True)
class GradCam:
    """Where a layer's maps speak for an output: tensors if the inputs are.

    Attributes
    ----------
    values : shape (n, height, width)
        The positive part of `coarse`, enlarged to the size of the inputs by bilinear
        interpolation.
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
    target: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> GradCam:
    """Weight the maps of a convolutional layer by the mean gradients of an output, and
    add them up.

    With A_k the k-th map of the layer and the mean going over its places (i, j),

        L(i, j) = Σ_k α_k A_k(i, j),   α_k = mean over (i, j) of df/dA_k(i, j).

    The layer is watched by one forward hook for the time of the call, and the gradient
    is taken with respect to its output: no other module is touched, so activations may
    be functional, in place, or one module used often.

    Parameters
    ----------
    model : nn.Module
        Maps (n, channels, height, width) to (n,) or (n, outputs), best logits.
        Explained in evaluation mode; its mode, hooks and gradients are afterwards as
        they were.
    inputs : Tensor or array, shape (n, channels, height, width)
        Pictures to explain.
    layer : nn.Module
        Module of the model whose output is (n, maps, h, w), usually the last one that
        is; called once in each pass.
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
        If the layer is not called once in a pass, or has an output that is
        no stack of maps or that the explained output does not depend on; or an argument
        has a wrong shape or range or is not finite.

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
    f = explained(
        model, inputs, target=target, internal_batch_size=internal_batch_size,
        gradient=True,
    )  # fmt: skip
    check_shape("inputs", f.rows, (None,) * 4)
    parts = []
    with explaining(model), torch.enable_grad():
        for rows, _ in f.blocks(progress=progress):
            with _watched(layer) as seen:
                output = f.at(rows, f.rows[rows])
            parts.append(_weighted_sum(seen, output))
    coarse = torch.cat(parts)
    check_finite("model: relevance", coarse)
    values = interpolate(
        coarse.relu()[:, None], f.rows.shape[2:], mode="bilinear", align_corners=False
    )[:, 0]
    return GradCam(f.as_given(values), f.as_given(coarse))


def _weighted_sum(seen: list[Tensor], output: Tensor) -> Tensor:
    """Add up a batch's maps (n, maps, h, w), each weighted by the mean gradient of the
    output.
    """
    if len(seen) != 1:
        raise ValueError(
            f"layer: got one that is called {len(seen)} times in a pass, expected once"
        )
    [maps] = seen
    check_shape("layer: output", maps, (len(output), None, None, None))
    gradient = None
    if output.requires_grad:
        (gradient,) = torch.autograd.grad(output.sum(), maps, allow_unused=True)
    if gradient is None:
        raise ValueError("layer: got one on which the explained output does not depend")
    return (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1)


@contextmanager
def _watched(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the layer's outputs, cut off from what comes before: the graph holds only
    what comes after.

    The model goes on with a copy, so that what works in place on the output does not
    change what was collected.
    """
    seen: list[Tensor] = []

    def collect(_module: nn.Module, _inputs: object, output: Any) -> Tensor:
        check_type("layer: output", output, Tensor)
        seen.append(output.detach().requires_grad_())
        return seen[-1].clone()

    handle = layer.register_forward_hook(collect)
    try:
        yield seen
    finally:
        handle.remove()
