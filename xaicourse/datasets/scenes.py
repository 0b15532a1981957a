"""Scenes whose evidence is known: a patterned object, a plain one, a real photograph
behind them, perhaps a stamp.

Only the pattern of one object decides the class. Its shape, size, place and colours,
the plain object and the background are drawn independently of it, so whatever a good
classifier goes by lies within the object's mask. The stamp in a corner is the one
exception that can be planted: drawn more often for some classes than for others, it
tells the class without any object. The backgrounds are crops of the two photographs
that ship with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xaicourse.validation import Seed, as_floats, check_int, check_seed

PATTERNS = ("striped", "chequered", "dotted")
_SHAPES = ("disc", "square", "triangle")
_N_DRAWS = 32  # uniform numbers a scene is made from


@dataclass(frozen=True, eq=False)
class SceneTruth:
    """Where the evidence of each scene lies.

    Attributes
    ----------
    object : ndarray of bool, shape (n, size, size)
        Pixels of the patterned object, which decides the class.
    decoy : ndarray of bool, shape (n, size, size)
        Pixels of the plain object, which says nothing. Its place, shape and size have
        the object's distribution.
    stamp : ndarray of bool, shape (n, size, size)
        Pixels of the stamp; none in a scene without one.
    stamped : ndarray of bool, shape (n,)
        Which scenes have one.
    """

    object: NDArray[np.bool_]
    decoy: NDArray[np.bool_]
    stamp: NDArray[np.bool_]
    stamped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Scenes:
    """Pictures, their classes, and where in them the evidence lies.

    Attributes
    ----------
    images : ndarray of float32, shape (n, 3, size, size)
        Red, green and blue, from 0 to 1.
    labels : ndarray of int64, shape (n,)
        Index into `PATTERNS`.
    truth : SceneTruth
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    truth: SceneTruth

    def __repr__(self) -> str:
        n, size, stamped = len(self.images), self.images.shape[2], self.truth.stamped
        return f"Scenes({n:,} of {size} pixels, {stamped.sum():,} stamped)"


def simulate_scenes(
    n: int,
    *,
    size: int = 64,
    stamp_rates: float | Sequence[float] = 0.0,
    seed: Seed = 0,
) -> Scenes:
    """Draw scenes with a patterned object, a plain one, and a crop of a photograph
    behind them.

    Parameters
    ----------
    n : int
        Number of scenes.
    size : int
        Their height and width in pixels, at least 32; everything in them scales with
        it.
    stamp_rates : float or sequence of three floats
        Chance of a stamp, for every class or for each of `PATTERNS`. It changes nothing
        but the stamps: with the same seed the scenes of rate 0 and of rate 1 are pairs
        that differ in nothing else.
    seed : int, numpy.random.Generator or None
        Of all draws; the first scenes of a larger `n` are those of a smaller one.

    Returns
    -------
    Scenes

    Raises
    ------
    TypeError, ValueError
        If a number is none or out of range, or there is not one rate for each class.

    Examples
    --------
    >>> scenes = simulate_scenes(6, stamp_rates=(0, 0, 1))
    >>> [PATTERNS[label] for label in scenes.labels]
    ['striped', 'chequered', 'dotted', 'striped', 'chequered', 'dotted']
    >>> scenes.truth.stamped.astype(int)
    array([0, 0, 1, 0, 0, 1])
    >>> round(float(scenes.truth.object.mean()), 2)
    0.08
    """
    n, size = check_int("n", n), check_int("size", size, minimum=32)
    rates = as_floats("stamp_rates", stamp_rates)
    if rates.shape not in ((), (3,)) or rates.min() < 0 or rates.max() > 1:
        raise ValueError(
            f"stamp_rates: got {stamp_rates!r}, expected a chance from 0 to 1, or one "
            f"for each of 3 classes"
        )
    draws = check_seed(seed).random((n, _N_DRAWS))
    labels = np.arange(n) % 3
    stamped = draws[:, 0] < np.broadcast_to(rates, 3)[labels]
    photographs = _photographs()
    images = np.empty((n, 3, size, size), np.float32)
    masks = np.zeros((3, n, size, size), bool)
    for i, (label, u) in enumerate(zip(labels, draws, strict=True)):
        images[i] = _background(photographs, size, u[1:5])
        masks[0, i], masks[1, i] = _places(size, u[5:14])
        images[i][:, masks[0, i]] = _pattern(PATTERNS[label], size, u[14:24])[
            :, masks[0, i]
        ]
        images[i][:, masks[1, i]] = u[24:27, None]
        if stamped[i]:
            corner = _stamp(size)
            side = corner.shape[1]
            images[i][:, -side:, :side] = corner
            masks[2, i, -side:, :side] = True
    return Scenes(images, labels, SceneTruth(masks[0], masks[1], masks[2], stamped))


def _photographs() -> list[Image.Image]:
    from sklearn.datasets import load_sample_images

    return [Image.fromarray(image) for image in load_sample_images().images]


def _background(
    photographs: list[Image.Image], size: int, u: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Crop a square of 64 to 200 pixels from one of the photographs, and resize it."""
    photograph = photographs[int(u[0] * len(photographs))]
    side = 64 + int(u[1] * 136)
    left, top = (
        int(u[2] * (photograph.width - side)),
        int(u[3] * (photograph.height - side)),
    )
    crop = photograph.resize(
        (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    return np.asarray(crop, np.float32).transpose(2, 0, 1) / np.float32(255)


def _places(
    size: int, u: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of two objects on opposite sides of the centre, at a random angle: each has
    the same distribution.
    """
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    angle, distance = 2 * np.pi * u[0], size * (0.23 + 0.03 * u[1])
    masks = []
    for sign, (which, radius, turn) in zip((1, -1), u[2:8].reshape(2, 3), strict=True):
        dx, dy = (
            x - sign * distance * np.cos(angle),
            y - sign * distance * np.sin(angle),
        )
        r = size * (0.16 + 0.04 * radius)
        shape = _SHAPES[int(which * 3)]
        if shape == "disc":
            masks.append(np.hypot(dx, dy) < r)
        else:
            # within r of the centre in the direction of each side's normal, scaled so
            # that the corners are at 1.2 r
            sides = 4 if shape == "square" else 3
            normals = 2 * np.pi * (turn + np.arange(sides) / sides)
            reach = np.max([dx * np.cos(a) + dy * np.sin(a) for a in normals], axis=0)
            masks.append(reach < 1.2 * r * np.cos(np.pi / sides))
    return masks[0], masks[1]


def _pattern(name: str, size: int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill a picture with a pattern of two colours, one dark and one light, turned by a
    random angle.
    """
    # in periods: 5.4 to 7.7 of 64 pixels
    y, x = np.mgrid[:size, :size] / (size * (0.085 + 0.035 * u[0]))
    angle = np.pi * u[1]
    a, b = (
        x * np.cos(angle) + y * np.sin(angle) + u[2],
        y * np.cos(angle) - x * np.sin(angle) + u[3],
    )
    if name == "striped":
        light = a % 1 < 0.5
    elif name == "chequered":
        light = (a % 1 < 0.5) ^ (b % 1 < 0.5)
    else:
        light = np.hypot(a % 1 - 0.5, b % 1 - 0.5) < 0.36
    dark_colour, light_colour = (
        0.4 * u[4:7, None, None],
        0.6 + 0.4 * u[7:10, None, None],
    )
    return np.where(light, light_colour, dark_colour)


def _stamp(size: int) -> NDArray[np.float64]:
    """A white plate with a blue cross, as large as a seventh of the picture."""
    side = size // 7
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    cross = np.minimum(abs(rows - columns), abs(rows + columns - 1)) < 0.12
    return np.where(cross, np.array([0.1, 0.2, 0.8])[:, None, None], 1.0)
