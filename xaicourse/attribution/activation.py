"""Activation maximisation: the input, among all of a given size, that a unit answers to
most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from xaicourse.attribution.explained import (
    ALL,
    Inputs,
    Model,
    beside,
    explained,
    explaining,
)
from xaicourse.validation import (
    Progress,
    as_floats,
    check_finite,
    check_float,
    check_int,
)


@dataclass(frozen=True)
class ActivationMaximum:
    """The best inputs that were found, and what the unit makes of them.

    Attributes
    ----------
    values : as the inputs
        The inputs with the highest activation met from each start; shape of the inputs.
    activation : shape (n,)
        The unit's activation there.
    start : shape (n,)
        The unit's activation where the search began.
    """

    values: Any
    activation: Any
    start: Any


def maximise_activation(
    model: Model,
    inputs: Inputs,
    *,
    radius: float,
    target: Any = None,
    centre: Any = 0.0,
    bounds: tuple[float, float] | None = None,
    n_steps: int = 100,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> ActivationMaximum:
    r"""Climb a unit's activation within a ball around a centre, from each row of the
    inputs.

    .. math:: \max_x f(x) \quad\text{subject to}\quad \lVert x - c \rVert_2 \le r

    by projected gradient ascent: steps of length :math:`r (1 - t/T)` along the
    gradient's direction, each followed by the projection onto the ball. Without the
    ball nothing would end the climb: a ReLU network grows without limit. A linear unit
    has its maximum at :math:`c + r\,w/\lVert w\rVert`, and the first step from the
    centre finds it. For any other unit it is a local maximum: start from several rows
    and compare.

    Parameters
    ----------
    model : nn.Module or function of tensors
        Maps rows (n, ...) to the units' activations (n,) or (n, units), each row by
        itself: a network, its first layers (``network[:2]``), or a function such as the
        mean over the places of a convolutional map.
    inputs : Tensor, shape (n, ...), or, for a module, an array
        Where the searches start, brought into the ball first. Where a unit is flat (a
        ReLU that is off), it stays.
    radius : float
        Of the ball, in units of the inputs, above zero.
    target : int, integers of shape (n,) or None
        The unit, for all rows or row by row; ``None`` if there is only one.
    centre : Tensor of shape (1, ...) or (n, ...), or float
        Of the ball.
    bounds : (float, float), optional
        Least and greatest value of each input, such as those of a pixel; they must
        include the centre.
    n_steps : int
        Number of gradients for each start.
    internal_batch_size : int or None
        Most rows given to the model at once; ``None`` takes as many as hold 2**18
        numbers.
    progress : callable or None
        Wraps the loop over blocks of rows, as ``tqdm.tqdm`` does; ``None`` is silent.

    Raises
    ------
    TypeError
        If the inputs are no floating-point tensor.
    ValueError
        If an argument has a wrong shape or range or is not finite, the bounds leave the
        centre out, or the output has no finite gradient.

    References
    ----------
    Erhan, Bengio, Courville, Vincent: Visualizing higher-layer features of a deep
    network. Technical report 1341, University of Montreal (2009).

    Examples
    --------
    >>> weights = torch.tensor([3.0, 4.0])
    >>> start = torch.zeros(1, 2)
    >>> maximise_activation(lambda x: x @ weights, start, radius=10.0).values
    tensor([[6., 8.]])
    """
    f = explained(
        model, inputs, target=target, internal_batch_size=internal_batch_size,
        gradient=True,
    )  # fmt: skip
    radius = check_float("radius", radius, positive=True)
    middle = beside("centre", centre, f.rows)
    low, high = -torch.inf, torch.inf
    if bounds is not None:
        low, high = as_floats("bounds", bounds, (2,)).tolist()
    if not (low < high and (middle >= low).all() and (middle <= high).all()):
        raise ValueError(
            f"bounds: got ({low:g}, {high:g}), expected a range that includes the "
            f"centre"
        )
    n_steps = check_int("n_steps", n_steps)

    def into(x: Tensor, c: Tensor) -> Tensor:
        # The centre is within the bounds, so that clamping brings no coordinate further
        # away from it.
        length = (
            (x - c)
            .flatten(1)
            .norm(dim=1)
            .clamp(min=radius)
            .view(-1, *[1] * (x.ndim - 1))
        )
        return torch.clamp(c + (x - c) * (radius / length), low, high)

    with explaining(model):
        best = into(f.rows, middle)
        start = f.at(ALL, best)
        highest = start.clone()
        for rows, _ in f.blocks(progress=progress):
            x = best[rows].clone()
            for step in range(n_steps):
                [slope] = f.gradient(rows, x)
                check_finite("model: gradient", slope)
                least = torch.finfo(slope.dtype).tiny
                direction = normalize(slope.flatten(1), eps=least).view_as(slope)
                ahead = x.detach() + direction * (radius * (1 - step / n_steps))
                x = into(ahead, middle[rows])
                now = f.at(rows, x)
                better = now > highest[rows]
                highest[rows] = now.where(better, highest[rows])
                best[rows] = x.where(better.view(-1, *[1] * (x.ndim - 1)), best[rows])
    return ActivationMaximum(*map(f.as_given, (best, highest, start)))
