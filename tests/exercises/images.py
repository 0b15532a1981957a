"""Right and wrong answers, and alterations: images."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


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


HONEST = {
    "points_at": (
        lambda maps, masks: [
            bool(k[np.unravel_index(m.argmax(), m.shape)])
            for m, k in zip(maps, masks, strict=True)
        ],
        lambda maps, masks: (masks & (maps == maps.max((1, 2), keepdims=True))).any(
            (1, 2)
        ),
    ),
    "class_map": (
        lambda a, g: torch.einsum("nk,nkhw->nhw", g.mean(dim=(2, 3)), a).clamp(min=0),
        lambda a, g: torch.stack(
            [
                (m * d.mean((1, 2))[:, None, None]).sum(0).relu()
                for m, d in zip(a, g, strict=True)
            ]
        ),
    ),
    "cover_it_up": (
        lambda model, images, masks, target: (
            model(images) - model(_cover(images, masks))
        )[:, target],
        lambda model, images, masks, target: (
            model(images)[:, target]
            - model(torch.where(masks[:, None], 0.0, images))[:, target]
        ).detach(),
    ),
}

WRONG = {
    "points_at": {
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
    "class_map": {
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
    "cover_it_up": {
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
        "the last logit": lambda model, x, m, _: (
            model(x)[:, -1] - model(x.masked_fill(m[:, None], 0.0))[:, -1]
        ),
    },
}

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
