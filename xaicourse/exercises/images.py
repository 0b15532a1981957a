"""Exercises of the notebook on pictures, and the alterations under which its claims
fail.
"""

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
    result = np.asarray(answer(maps.copy(), masks.copy()))
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
        f"largest value, and is the mask of the "
        "same number true just there?",
    )
    shifted = np.asarray(answer(maps - 5, masks))
    require(
        np.array_equal(shifted, result),
        "a map whose values are all negative has a largest value, too",
    )


points_at = Exercise(
    name="Did it point at it?",
    checker=_check_points_at,
    hints=(
        "`argmax` of one flattened map gives a position. How do you ask the mask about "
        "the same position?",
        "Flatten both to `(n, height * width)`; `argmax(1)` gives one position a row, "
        "`np.arange(n)` the rows.",
        "`masks.reshape(n, -1)[np.arange(n), maps.reshape(n, -1).argmax(1)]`",
    ),
    honest=(
        lambda maps, masks: [
            bool(k[np.unravel_index(m.argmax(), m.shape)])
            for m, k in zip(maps, masks, strict=True)
        ],
        lambda maps, masks: (masks & (maps == maps.max((1, 2), keepdims=True))).any(
            (1, 2)
        ),
    ),
    wrong={
        "one answer for all": lambda maps, masks: masks.ravel()[maps.argmax()],
        "the share of the map within the mask": lambda maps, masks: (
            (maps * masks).sum((1, 2)) / maps.sum((1, 2))
        ),
        "the darkest pixel": lambda maps, masks: masks.reshape(50, -1)[
            np.arange(50), maps.reshape(50, -1).argmin(1)
        ],
        "the largest product": lambda maps, masks: (
            (maps * masks).max((1, 2)) >= maps.max((1, 2))
        ),
        "the mean inside against outside": lambda maps, masks: (
            (maps * masks).sum((1, 2)) / masks.sum((1, 2))
            > (maps * ~masks).sum((1, 2)) / (~masks).sum((1, 2))
        ),
    },
)


def _check_class_map(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    activations, gradients = torch.randn(
        2, 3, 4, 5, 6, generator=generator, dtype=torch.float64
    )
    before = activations.clone()
    result = answer(activations, gradients)
    require(
        isinstance(result, Tensor), f"expected a tensor, got {type(result).__name__}"
    )
    require(
        result.shape == (3, 5, 6),
        f"expected one map for each picture, shape (3, 5, 6); got "
        f"{tuple(result.shape)}: the layer's maps are added up",
    )
    require(
        torch.equal(activations, before),
        "the activations have changed: work on a new tensor",
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
        f"{float(result[0, 0, 0]):.3f}. "
        "The weight of a map is the mean of its gradient over height and width, with "
        "its sign",
    )


class_map = Exercise(
    name="From maps to a map",
    checker=_check_class_map,
    hints=(
        "How many weights are there for a picture? As many as the layer has maps.",
        "`gradients.mean((2, 3), keepdim=True)` has the shape (n, maps, 1, 1) and can "
        "be multiplied with the maps.",
        "`(gradients.mean((2, 3), keepdim=True) * activations).sum(1).relu()`",
    ),
    honest=(
        lambda a, g: torch.einsum("nk,nkhw->nhw", g.mean(dim=(2, 3)), a).clamp(min=0),
        lambda a, g: torch.stack(
            [
                (m * d.mean((1, 2))[:, None, None]).sum(0).relu()
                for m, d in zip(a, g, strict=True)
            ]
        ),
    ),
    wrong={
        "gradient times map, place by place": lambda a, g: (g * a).sum(1).relu(),
        "the negative part stays": lambda a, g: (g.mean((2, 3), keepdim=True) * a).sum(
            1
        ),
        "relu before the sum": lambda a, g: (
            (g.mean((2, 3), keepdim=True) * a).relu().sum(1)
        ),
        "the maps are not added up": lambda a, g: (
            g.mean((2, 3), keepdim=True) * a
        ).relu(),
        "weights without sign": lambda a, g: (
            (g.abs().mean((2, 3), keepdim=True) * a).sum(1).relu()
        ),
        "the maximum of the gradient": lambda a, g: (
            (g.amax((2, 3), keepdim=True) * a).sum(1).relu()
        ),
    },
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
    before = images.clone()
    result = answer(model, images, masks, 2)
    require(
        torch.equal(images, before), "the caller's pictures have changed: cover a copy"
    )
    result = torch.as_tensor(result).detach()
    require(
        result.shape == (4,),
        f"expected one number for each of the 4 pictures; got shape "
        f"{tuple(result.shape)}",
    )
    expected = ((images * masks[:, None]).flatten(1) @ weights)[:, 2]
    require(
        not torch.allclose(result, -expected, atol=1e-4),
        "the sign is the wrong way round: a logit that falls has lost something, which "
        "is a positive number",
    )
    outside = ((images * ~masks[:, None]).flatten(1) @ weights)[:, 2]
    require(
        not torch.allclose(result, outside, atol=1e-4),
        "you covered everything except the mask",
    )
    require(
        torch.allclose(result, expected, atol=1e-4),
        f"the first logit falls by {float(expected[0]):.3f}, but you found "
        f"{float(result[0]):.3f}. Take the logit of "
        "`target` before and after, and cover all three colours of the masked pixels",
    )


def _cover(images: Tensor, masks: Tensor) -> Tensor:
    return images * ~masks[:, None]


def _in_place(model: Any, images: Tensor, masks: Tensor, target: int) -> Tensor:
    before = model(images)[:, target]
    images[masks[:, None].expand_as(images)] = 0
    lost: Tensor = before - model(images)[:, target]
    return lost


def _one_colour(model: Any, images: Tensor, masks: Tensor, target: int) -> Tensor:
    covered = images.clone()
    covered[:, 0][masks] = 0
    lost: Tensor = model(images)[:, target] - model(covered)[:, target]
    return lost


cover_it_up = Exercise(
    name="Cover it up",
    checker=_check_cover_it_up,
    hints=(
        "Two calls of the model: on the pictures, and on covered copies of them.",
        "`masks[:, None]`, of shape (n, 1, height, width), reaches all three colours; "
        "`masked_fill` makes a copy.",
        "`model(images)[:, target] - model(images.masked_fill(masks[:, None], 0.0))[:, "
        "target]`",
    ),
    honest=(
        lambda model, images, masks, target: (
            model(images) - model(_cover(images, masks))
        )[:, target],
        lambda model, images, masks, target: (
            model(images)[:, target]
            - model(torch.where(masks[:, None], 0.0, images))[:, target]
        ).detach(),
    ),
    wrong={
        "changes the caller's pictures": _in_place,
        "sign the wrong way round": lambda model, images, masks, target: (
            model(_cover(images, masks)) - model(images)
        )[:, target],
        "covers everything else": lambda model, images, masks, target: (
            model(images) - model(_cover(images, ~masks))
        )[:, target],
        "one colour only": _one_colour,
        "all classes": lambda model, images, masks, _: (
            model(images) - model(_cover(images, masks))
        ),
        "the largest logit": lambda model, images, masks, _: (
            model(images).amax(1) - model(_cover(images, masks)).amax(1)
        ),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the gradients were taken of the next class": (
        "few, few_targets = x[:6].clone().requires_grad_(), target[:6]",
        "few, few_targets = x[:6].clone().requires_grad_(), (target[:6] + 1) % 3",
    ),
    "SmoothGrad averaged one sample": (
        "many = smooth_grad(network, x[:6], target=few_targets, n_samples=64,",
        "many = smooth_grad(network, x[:6], target=few_targets, n_samples=1,",
    ),
    "Integrated Gradients used a single step": (
        "residual = ig.delta.abs().mean().item()",
        "residual = integrated_gradients(network, x, target=target, "
        "n_steps=1).delta.abs().mean().item()",
    ),
    "the maps were noise": (
        "graded = {name: m[good] for name, m in maps.items()}",
        "graded = {name: np.random.default_rng(1).random(m[good].shape, np.float32) "
        "for name, m in maps.items()}",
    ),
    "the weights were left as they are": (
        "weight.copy_(weight.flatten()[torch.randperm(",
        "(weight.flatten()[torch.randperm(",
    ),
    "the masks of stamp and object were exchanged": (
        'where = {"stamp": held_out.truth.stamp[dotted], "object": '
        "held_out.truth.object[dotted]}",
        'where = {"stamp": held_out.truth.object[dotted], "object": '
        "held_out.truth.stamp[dotted]}",
    ),
    "the stamp were not changed": (
        '{"archive": held_out, "no stamps": plain, "stamps everywhere": stamped}',
        '{"archive": held_out, "no stamps": held_out, "stamps everywhere": held_out}',
    ),
}
