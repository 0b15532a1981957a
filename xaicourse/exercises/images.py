"""Exercises of the notebook on pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaicourse.teaching import Exercise, require


def _check_points_at(answer: Callable[[Any, Any], Any]) -> None:
    rng = np.random.default_rng(0)
    maps = rng.random((50, 6, 9))
    masks = rng.random((50, 6, 9)) < 0.3
    expected = [masks[i][np.unravel_index(maps[i].argmax(), (6, 9))] for i in range(50)]
    result = np.asarray(answer(maps, masks))
    require(
        result.shape == (50,),
        f"expected one answer for each of the 50 maps, got shape {result.shape}",
    )
    require(
        set(np.unique(result).tolist()) <= {0, 1},
        "each answer is a yes or a no: read the mask at the brightest pixel",
    )
    wrong = int(np.sum(result.astype(bool) != expected))
    require(
        wrong == 0,
        f"{wrong} of 50 answers are wrong. For each map by itself: where is its "
        "largest value, and is the mask of the same number true just there?",
    )
    shifted = np.asarray(answer(maps - 5, masks))
    require(
        np.array_equal(shifted, result),
        "a map whose values are all negative has a largest value, too",
    )
    require(
        np.array_equal(answer(maps, ~masks), ~np.array(expected)),
        "with each mask turned into its opposite the answers are the opposite",
    )


points_at = Exercise(
    name="Did it point at it?",
    checker=_check_points_at,
    takes="maps, masks",
    hints=(
        "`argmax` of one flattened map gives a position. How do you ask the mask "
        "about the same position?",
        "Flatten both to `(n, height * width)`; `argmax(1)` gives one position a row, "
        "`np.arange(n)` the rows.",
        "`masks.reshape(n, -1)[np.arange(n), maps.reshape(n, -1).argmax(1)]`",
    ),
)


def _check_class_map(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    activations, gradients = torch.randn(
        2, 3, 4, 5, 6, generator=generator, dtype=torch.float64
    )
    result = answer(activations, gradients)
    require(
        isinstance(result, Tensor), f"expected a tensor, got {type(result).__name__}"
    )
    require(
        result.shape == (3, 5, 6),
        "expected one map for each picture, shape (3, 5, 6); got "
        f"{tuple(result.shape)}: the layer's maps are added up",
    )
    require(float(result.min()) >= 0, "the negative part of the sum has to go: .relu()")
    weights = gradients.mean((2, 3), keepdim=True)
    require(
        not torch.allclose(result, (gradients * activations).sum(1).relu()),
        "each map has one weight, the same at all its places: take the mean of the "
        "gradient over them first",
    )
    require(
        not torch.allclose(result, (weights * activations).relu().sum(1)),
        "maps that speak against the output must be able to cancel others: first add "
        "up, then drop what is negative",
    )
    expected = (weights * activations).sum(1).relu()
    require(
        torch.allclose(result, expected),
        f"the first place should be {float(expected[0, 0, 0]):.3f} and is "
        f"{float(result[0, 0, 0]):.3f}. The weight of a map is the mean of its "
        "gradient over height and width, with its sign",
    )
    require(
        torch.allclose(
            answer(activations, -gradients), (-weights * activations).sum(1).relu()
        ),
        "for the opposite output the map shows what speaks for that",
    )


class_map = Exercise(
    name="From maps to a map",
    checker=_check_class_map,
    takes="activations, gradients",
    hints=(
        "How many weights are there for a picture? As many as the layer has maps.",
        "`gradients.mean((2, 3), keepdim=True)` has the shape (n, maps, 1, 1) and can "
        "be multiplied with the maps.",
        "`(gradients.mean((2, 3), keepdim=True) * activations).sum(1).relu()`",
    ),
)


def _check_cover_it_up(answer: Callable[..., Any]) -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, 3, 5, 5, generator=generator)
    masks = torch.rand(4, 5, 5, generator=generator) < 0.4
    weights = torch.randn(75, 3, generator=generator)
    linear = nn.Linear(75, 3)
    with torch.no_grad():
        linear.weight.copy_(weights.T)
    model = nn.Sequential(nn.Flatten(), linear)
    result = answer(model, images, masks, 1)
    result = torch.as_tensor(result).detach()
    require(
        result.shape == (4,),
        "expected one number for each of the 4 pictures; got shape "
        f"{tuple(result.shape)}",
    )
    expected = ((images * masks[:, None]).flatten(1) @ weights)[:, 1]
    require(
        not torch.allclose(result, -expected, atol=1e-4),
        "the sign is the wrong way round: a logit that falls has lost something, "
        "which is a positive number",
    )
    outside = ((images * ~masks[:, None]).flatten(1) @ weights)[:, 1]
    require(
        not torch.allclose(result, outside, atol=1e-4),
        "you covered everything except the mask",
    )
    require(
        torch.allclose(result, expected, atol=1e-4),
        f"the first logit falls by {float(expected[0]):.3f}, but you found "
        f"{float(result[0]):.3f}. Take the logit of `target` before and after, and "
        "cover all three colours of the masked pixels",
    )
    first = torch.as_tensor(answer(model, images, masks, 0)).detach()
    require(
        torch.allclose(
            first, ((images * masks[:, None]).flatten(1) @ weights)[:, 0], atol=1e-4
        ),
        "for target 1 this is right and for target 0 it is not",
    )


cover_it_up = Exercise(
    name="Cover it up",
    checker=_check_cover_it_up,
    takes="model, images, masks, target",
    hints=(
        "Two calls of the model: on the pictures, and on covered copies of them.",
        "`masks[:, None]`, of shape (n, 1, height, width), reaches all three colours; "
        "`masked_fill` makes a copy.",
        "`model(images)[:, target] - model(images.masked_fill(masks[:, None], "
        "0.0))[:, target]`",
    ),
)
