"""Pictures whose evidence is known, graded: scenes with a patterned object, and
collisions with two prongs.

- **scenes**: is the object striped or dotted? Only its pattern tells; the photograph
  behind it and the plain object say nothing. The evidence is the object's mask. A few
  scenes are cut and turned in several ways, as pictures are dear.
- **prongs**: is this a new particle? What tells are its two prongs; the cells around
  them are radiation and noise.

Each network is small, trained from scratch in a second, and explained on pictures that
it has not seen. Two of the methods ask no network: one guesses, and one shows the
picture itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaicourse.attribution import (
    gamma_rule,
    grad_cam,
    gradient_shap,
    guided_backprop,
    input_x_gradient,
    integrated_gradients,
    layerwise_relevance,
    occlusion,
    saliency,
    smooth_grad,
)
from xaicourse.datasets import simulate_collisions, simulate_scenes
from xaicourse.evaluation.faithfulness import deletion_insertion
from xaicourse.evaluation.family import (
    ACCURACY,
    NETWORK,
    SEEN,
    Family,
    Grade,
    grade_seen,
    guess,
)
from xaicourse.networks import train_network

TASKS = ("scenes", "prongs")
PATCH = {"scenes": 6, "prongs": 2}  # pixels a side of what is deleted at once
CUTS = 8  # training pictures from each scene
EPOCHS = {"scenes": 10, "prongs": 6}

Method = Callable[[nn.Sequential, Tensor, Tensor, Tensor, np.random.Generator], Tensor]
# of a network, pictures, their classes, a background and a generator
METHODS: dict[str, Method] = {
    "random": lambda _, x, __, ___, rng: guess(x, rng),
    "the picture itself": lambda _, x, __, ___, ____: x,
    "saliency": lambda net, x, y, _, __: saliency(net, x, target=y).abs(),
    "SmoothGrad": lambda net, x, y, _, rng: smooth_grad(
        net, x, target=y, n_samples=10, stdevs=0.3, seed=rng
    ).abs(),
    "guided backpropagation": lambda net, x, y, _, __: guided_backprop(
        net, x, target=y
    ).abs(),
    "input × gradient": lambda net, x, y, _, __: input_x_gradient(net, x, target=y),
    "Integrated Gradients": lambda net, x, y, _, __: (
        integrated_gradients(net, x, target=y, n_steps=12).values
    ),
    "GradientSHAP": lambda net, x, y, background, rng: (
        gradient_shap(
            net, x, baselines=background, target=y, n_samples=12, seed=rng
        ).values
    ),
    "LRP": lambda net, x, y, _, __: (
        layerwise_relevance(net, x, target=y, rule=gamma_rule()).values
    ),
    "occlusion": lambda net, x, y, _, __: occlusion(
        net, x, window=4, strides=x.shape[2] // 6, target=y
    ),
    "Grad-CAM": lambda net, x, y, _, __: grad_cam(
        net, x, layer=net[0], target=y
    ).values[:, None],
}


def draw(
    task: str, n: int, rng: np.random.Generator, *, cuts: int = 1
) -> tuple[Tensor, Tensor, NDArray[np.bool_]]:
    """Draw pictures (n, 1, side, side), their classes, and masks of their evidence.

    Parameters
    ----------
    task : {"scenes", "prongs"}
    n : int
        How many pictures.
    rng : numpy.random.Generator
    cuts : int
        Pictures that are cut from each scene; of collisions, each is drawn anew.

    Examples
    --------
    >>> x, y, mask = draw("prongs", 40, np.random.default_rng(0))
    >>> x.shape, mask.shape
    (torch.Size([40, 1, 16, 16]), (40, 1, 16, 16))
    """
    if task == "prongs":
        some = simulate_collisions(n, min_pt=625, size=16, seed=rng)
        return (
            5 * torch.from_numpy(np.sqrt(some.images)),
            torch.from_numpy(some.labels),
            some.truth.masks[:, None],
        )
    scenes = simulate_scenes(-(-3 * n // (2 * cuts)) + 1, size=48, seed=rng)
    # striped or dotted, in turn
    kept = np.tile(np.flatnonzero(scenes.labels != 1), cuts)[:n]
    grey, masks = scenes.images.mean(1), scenes.truth.object
    x, mask = np.empty((n, 1, 24, 24), np.float32), np.empty((n, 1, 24, 24), bool)
    for i, scene in enumerate(kept):
        middle = np.argwhere(masks[scene]).mean(0) - 12 + rng.uniform(-4, 4, 2)
        (top, left), turns = (
            np.clip(middle.round().astype(int), 0, 24),
            int(rng.integers(4)),
        )
        here = slice(top, top + 24), slice(left, left + 24)
        x[i, 0], mask[i, 0] = (
            np.rot90(grey[scene][here], turns),
            np.rot90(masks[scene][here], turns),
        )
    return torch.from_numpy(2 * x - 1), torch.from_numpy(scenes.labels[kept] // 2), mask


def network() -> nn.Sequential:
    """Return two convolutions with batch normalisation, an average over places, and a
    head for two classes.
    """
    maps = nn.Sequential(
        nn.Conv2d(1, 8, 5, 2, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    )  # fmt: skip
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(OrderedDict(maps=maps, pool=pool, head=nn.Linear(16, 2)))


def grade_seeds(
    task: str, seeds: Sequence[int], *, n_train: int = 400, n_rows: int = 6
) -> Iterator[Grade]:
    """Train one network a seed, explain its true classes by every method, and grade the
    explanations.
    """
    for seed in seeds:
        rng = np.random.default_rng([100 + TASKS.index(task), seed])
        x, y, _ = draw(task, n_train, rng, cuts=CUTS)
        net = train_network(
            network,
            x,
            y,
            max_epochs=EPOCHS[task],
            batch_size=40,
            learning_rate=3e-2,
            seed=seed,
        )
        new, classes, mask = draw(task, 48, rng)
        yield (
            seed,
            NETWORK,
            ACCURACY,
            float((net(new).argmax(1) == classes).double().mean()),
        )
        # of the new particle
        rows = (
            torch.arange(n_rows) if task == "scenes" else classes.nonzero()[:n_rows, 0]
        )
        explained, true = new[rows], classes[rows]
        yield from grade_seen(
            seed,
            net,
            explained,
            mask[rows.numpy()],
            METHODS,
            arguments=(true, x[:16], rng),
            gain=partial(_gain, task, net, explained, true),
            rng=rng,
        )


def _gain(task: str, net: nn.Module, x: Tensor, y: Tensor, values: Tensor) -> Tensor:
    """How faithful values are to the network, deleting whole patches."""
    side, step = x.shape[2], PATCH[task]
    place = torch.arange(side) // step
    patches = (place[:, None] * (side // step) + place)[None]
    gain: Tensor = deletion_insertion(
        lambda z: net(z).softmax(1), x, values, target=y, feature_mask=patches
    ).gain
    return gain


FAMILY = Family(TASKS, tuple(METHODS), SEEN, grade_seeds)
