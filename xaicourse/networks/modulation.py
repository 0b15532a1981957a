r"""Node importance as a modulation of training: a factor for each weight.

The idea is Brigham's (2024): a neuron earns its weights larger steps when it treats
rows that are far from a cluster's centroid differently from the centroid, and rows that
are near like it. For a batch of rows b, centroids c, and a layer with weights from unit
i to unit o:

- :math:`\tilde m_{cb}` is the Mahalanobis distance of row b from centroid c over the
  largest distance in training;
- :math:`D_{cbo}` is the unit's activation for row b less its activation for centroid c;
- :math:`s_{cbo}`, between 0 and 1, says how large that difference is;
- :math:`\bar A_{co}`, the mean over b of :math:`\tilde m s + (1 - \tilde m)(1 - s)`, is
  high for a unit that agrees with the distances, and :math:`\operatorname{sign} \sum_b
  a_{bi} D_{cbo}` says which way a weight pushes.

`written_factors` computes what the project's code computes, `update_factors` what it
could mean. Both work on several networks at once: all tensors have a first axis, of
networks, whose length is k below.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaicourse.validation import (
    check_array,
    check_float,
    check_int,
    check_items,
    check_positions,
    check_shape,
)


def depth_weights(
    n_layers: int, *, peak: float = 0.75, width: float | None = None
) -> NDArray[np.float64]:
    r"""Return how much each layer counts, first to last.

    Parameters
    ----------
    n_layers : int
        Number of linear layers L.
    peak : float
        p, the depth that counts most, from 0 (first layer) to 1 (last).
    width : float, optional
        w of :math:`\exp(-((l-1)/(L-1) - p)^2 / w^2)`. Without it, as in the project,
        :math:`\exp(-((l-1)/L - p)^2)`, which never reaches depth 1 and hardly falls
        off.

    Examples
    --------
    >>> depth_weights(3).round(4)
    array([0.5698, 0.8406, 0.9931])
    >>> depth_weights(3, peak=1.0, width=0.5).round(4)
    array([0.0183, 0.3679, 1.    ])
    """
    n_layers, peak = check_int("n_layers", n_layers), check_float("peak", peak)
    if width is None:
        return np.exp(-((np.arange(n_layers) / n_layers - peak) ** 2))
    depth = np.arange(n_layers) / max(n_layers - 1, 1)
    return np.exp(-(((depth - peak) / check_float("width", width, minimum=1e-6)) ** 2))


def written_factors(
    matrices: Sequence[Tensor],
    signals: Sequence[Tensor],
    references: Sequence[Tensor],
    distances: Tensor,
    *,
    strength: float = 3.0,
    intensity: float = 5.0,
    peak: float = 0.75,
    layers: Sequence[int] | None = None,
) -> list[Tensor]:
    r"""Return the factors of the gradients exactly as the project's code computes them.

    With :math:`s = \sigma(|D|)`, :math:`S_{cio} = \operatorname{sign} \sum_b z_{bi}
    D_{cbo}` and the depth's weight η,

    .. math:: G_{io} = 1 + \tanh\Bigl(\text{intensity} \cdot \frac{\eta}{K} \sum_c
              \text{strength} \cdot \frac{W_{io} S_{cio}}{\sum_{o'} W_{io'} S_{cio'}}
              \bar A_{co}\Bigr).

    The sum in the denominator has signs: it may be near zero, and the factor then jumps
    to 0 or 2. (Where it is exactly zero, the project divides by zero; here the share is
    then 0.)

    Parameters
    ----------
    matrices : sequence of Tensor, shape (k, inputs, outputs)
        The weights of each layer, first to last, of k networks.
    signals : sequence of Tensor, shape (k, batch, units)
        The rows, then what each layer makes of them *before* its ReLU: one more than
        there are layers.
    references : sequence of Tensor, shape (k, centroids, outputs)
        What each layer made of the centroids, before its ReLU, in the untrained
        network.
    distances : Tensor, shape (batch, centroids) or (k, batch, centroids)
        Mahalanobis distances of the rows from the centroids, over the largest in
        training.
    strength, intensity, peak : float
        The project's adj_weight, intensity_val and percent_way_through_model_emphasize.
    layers : sequence of int, optional
        Those that factors are wanted for, from 0; all by default.

    Returns
    -------
    list of Tensor, shape (k, inputs, outputs)
        Between 0 and 2, for each of those layers; 1 everywhere at strength 0.
    """
    strength = check_float("strength", strength, minimum=0.0)
    intensity = check_float("intensity", intensity)
    near, chosen = _check(matrices, signals, references, distances, layers)
    weighing, floor = _weighing(near)
    factors = []
    eta = depth_weights(len(matrices), peak=peak)
    for layer in chosen:
        matrix, reference = matrices[layer], references[layer]
        before, after = signals[layer], signals[layer + 1]
        apart = (after.unsqueeze(1) - reference.unsqueeze(2)).abs_().sigmoid_()
        agreement = weighing @ apart + floor
        sign = _sign(before, after, reference)
        total = (matrix.unsqueeze(1) * sign).sum(3)
        inverse = total.masked_fill_(total == 0, torch.inf).reciprocal_()
        # W is the same for every centroid, so it is multiplied in after the mean over
        # them.
        push = matrix * sign.mul_(agreement).mul_(inverse.unsqueeze(3)).mean(1)
        factors.append(
            1 + torch.tanh(push * (intensity * strength * float(eta[layer])))
        )
    return factors


def update_factors(
    matrices: Sequence[Tensor],
    signals: Sequence[Tensor],
    references: Sequence[Tensor],
    distances: Tensor,
    *,
    strength: float = 0.9,
    peak: float = 0.75,
    width: float = 0.5,
    layers: Sequence[int] | None = None,
) -> list[Tensor]:
    r"""Return factors for Adam's steps.

    (Not for the gradients, whose scale Adam divides out.)

    The same idea with its faults mended: activations after the ReLU and of the network
    as it is now; differences on each unit's own scale, :math:`s = 1 - \exp(-D^2 /
    \operatorname{var}_b(h))`, 0 for equal activations; shares of |W|, which cannot
    explode, times the layer's width, so that wide layers are not left out; and a
    bounded strength:

    .. math:: G_{io} = 1 + \text{strength} \cdot \tanh\Bigl(\frac{\eta}{K} \sum_c
              \frac{n_{out} |W_{io}|}{\sum_{o'} |W_{io'}| + \epsilon} S_{cio} \bar
              A_{co}\Bigr).

    Parameters
    ----------
    matrices, distances
        As in `written_factors`.
    signals, references : sequence of Tensor
        As there, but *after* the ReLUs (of the last layer, which has none, the
        outputs), both from the network as it is.
    strength : float
        From 0 (every factor is 1, to the bit) to below 1.
    peak, width : float
        Of `depth_weights`.
    layers : sequence of int, optional
        Those that factors are wanted for, from 0; all by default.

    Returns
    -------
    list of Tensor, shape (k, inputs, outputs)
        Between 1 - strength and 1 + strength.
    """
    strength = check_float("strength", strength, minimum=0.0)
    near, chosen = _check(matrices, signals, references, distances, layers)
    weighing, floor = _weighing(near)
    factors = []
    eta = depth_weights(len(matrices), peak=peak, width=check_float("width", width))
    for layer in chosen:
        matrix, reference = matrices[layer], references[layer]
        before, after = signals[layer], signals[layer + 1]
        # What is below is the rounding of a neuron that never moves.
        least = (16 * torch.finfo(after.dtype).eps * after.abs().amax(1)).square()
        tiny = torch.finfo(after.dtype).tiny
        scale = after.var(1, correction=0).maximum(least).clamp(min=tiny)[:, None, None]
        apart = (
            1
            - (after.unsqueeze(1) - reference.unsqueeze(2))
            .square_()
            .div_(-scale)
            .exp_()
        )
        agreement = weighing @ apart + floor
        size = matrix.abs()
        share = matrix.shape[2] * size / size.sum(2, keepdim=True).clamp(min=tiny)
        push = _sign(before, after, reference).mul_(agreement).mean(1) * share
        factors.append(1 + strength * torch.tanh(push * float(eta[layer])))
    return factors


def _weighing(near: Tensor) -> tuple[Tensor, Tensor]:
    """Split the mean over the batch of m s + (1 - m)(1 - s) into a product with s, and
    what does not depend on s.
    """
    m = near.mT.unsqueeze(2)  # (k, centroids, 1, batch)
    return (2 * m - 1) / m.shape[3], (1 - m).mean(3, keepdim=True)


def _sign(before: Tensor, after: Tensor, reference: Tensor) -> Tensor:
    """Sign of sum_b a_bi (z_bo - c_o), with one sum over b for all centroids; (k,
    centroids, inputs, outputs).
    """
    together = before.mT @ after
    return (
        together.unsqueeze(1)
        .sub(before.sum(1)[:, None, :, None] * reference.unsqueeze(2))
        .sign_()
    )


def check_states(
    signals: Sequence[Tensor],
    references: Sequence[Tensor],
    distances: Tensor,
    *,
    first: int,
) -> tuple[list[int], Tensor]:
    """Check what layers make of rows and of centroids, and how far these are apart;
    return the layers' widths, and the distances with an axis of networks.

    The references belong to the signals from the `first` on.
    """
    (k, rows), widths = _sizes("signals", signals)
    (same, centroids), theirs = _sizes("references", references)
    if same != k or theirs != widths[first:]:
        raise ValueError(
            f"references: got {same} networks and widths {theirs}, expected {k} and "
            f"{widths[first:]}, as in the signals"
        )
    check_array("distances", distances, Tensor)
    near = distances if distances.ndim == 3 else distances.unsqueeze(0)
    # The project compared one batch with another, row by row, until the last, smaller
    # batch broke it.
    check_shape("distances", near, (k if near is distances else 1, rows, centroids))
    return widths, near


def _sizes(name: str, states: Sequence[Tensor]) -> tuple[tuple[int, ...], list[int]]:
    """Check tensors (k, rows, units), at least one; return k and rows, and the units of
    each.
    """
    found = check_items(name, states, at_least=1)
    shape: tuple[int | None, ...] = (None, None, None)
    for i, state in enumerate(found):
        check_array(f"{name}[{i}]", state, Tensor, shape)
        shape = (*state.shape[:2], None)
    return tuple(found[0].shape[:2]), [state.shape[2] for state in found]


def _check(
    matrices: Sequence[Tensor],
    signals: Sequence[Tensor],
    references: Sequence[Tensor],
    distances: Tensor,
    layers: Sequence[int] | None,
) -> tuple[Tensor, list[int]]:
    """Return the distances with an axis of networks, and the layers that are meant."""
    widths, near = check_states(signals, references, distances, first=1)
    n = len(check_items("matrices", matrices))
    if n != len(widths) - 1:
        raise ValueError(
            f"matrices: got {n}, expected {len(widths) - 1}, one less than signals"
        )
    for i, (matrix, pair) in enumerate(zip(matrices, pairwise(widths), strict=True)):
        check_array(f"matrices[{i}]", matrix, Tensor, (len(signals[0]), *pair))
    return near, check_positions("layers", range(n) if layers is None else layers, n)
