"""Pictures of collisions in a calorimeter whose truth is known: a rare heavy particle
among common jets.

A collision throws a narrow spray of particles, a jet, into the calorimeter, which
measures energy in cells. Its transverse momentum pT (GeV) follows a falling power law.
Directions are small angles, in radians or nearly so.

- The **new particle** has one mass m and decays into two quarks, in every direction of
  its own frame alike. Seen from the detector they are two prongs with shares z and 1 -
  z of the momentum, at a distance R = m / (pT √(z (1 - z))).
- The **background** is a quark or a gluon. In six cases of ten it splits so that two
  prongs can be told apart, with the law of the strong interaction: chances as dz / z
  and dR / R, so mostly unequal and close. Some of its splittings have the shares, the
  distance and the mass of the signal: nothing separates the two by construction.
- **Radiation** turns a prong into twenty particles around it; a gluon's spread further.
  Forty soft particles of other collisions lie everywhere.
- The **calorimeter** moves each particle sideways, measures its energy with an error of
  80 % / √(E / GeV), adds up what falls into a cell, and drops cells below its
  threshold.

The sum of a picture is the measured momentum. It tells how an event was produced and
not what it looks like: the pictures are divided by it, and it is kept beside them. The
rates are a course's: few enough background events that they can be simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaicourse.validation import Seed, as_floats, check_float, check_int, check_seed

LUMINOSITY = 10.0  # 1 / ab
# ab, of events with pT above MIN_PT
CROSS_SECTIONS = {"signal": 10.0, "background": 550.0}
MASS = 180.0  # GeV, of the new particle
MIN_PT = 400.0  # GeV
HALF_WIDTH = 1.2  # rad, of the picture
_POWERS = (8.0, 6.0)  # of the falling spectra of background and signal
_N_PARTICLES, _N_SOFT = 40, 40
_SPREADS = (0.06, 0.10)  # rad, of the radiation of a quark and of a gluon
# rad, sqrt(GeV), GeV, GeV
_SHOWER, _RESOLUTION, _THRESHOLD, _SOFT_ENERGY = 0.03, 0.8, 1.0, 1.0
_CHUNK = 4096  # events simulated at once, which bounds the memory
_N_DRAWS = 7 + 6 * _N_PARTICLES + 3 * _N_SOFT  # uniform numbers an event is made from

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CollisionTruth:
    """What happened in each collision, before the calorimeter.

    Attributes
    ----------
    prongs : ndarray of float32, shape (n, 2, 2)
        Positions (x, y) of the harder and of the weaker prong, rad; the same twice
        where nothing split.
    shares : ndarray of float32, shape (n, 2)
        Of the momentum, harder prong first; (1, 0) where nothing split.
    pt, mass : ndarray of float32, shape (n,)
        Momentum of the jet and mass of its two prongs, GeV; mass 0 where nothing split.
    masks : ndarray of bool, shape (n, size, size)
        Cells whose centre is at most 0.2 rad from a prong.
    """

    prongs: Array
    shares: Array
    pt: Array
    mass: Array
    masks: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Collisions:
    """Pictures of collisions, without their total intensity, which stands beside them.

    Attributes
    ----------
    images : ndarray of float32, shape (n, 1, size, size)
        Share of the energy in each cell; the sum of a picture is 1. Rows are y, columns
        x, from -1.2 to 1.2 rad.
    intensity : ndarray of float32, shape (n,)
        Total energy of each picture, GeV: the measured momentum.
    labels : ndarray of int64, shape (n,)
        1 for the new particle, 0 for background.
    truth : CollisionTruth
    """

    images: Array
    intensity: Array
    labels: NDArray[np.int64]
    truth: CollisionTruth

    def __repr__(self) -> str:
        n, size, signal = len(self.images), self.images.shape[2], self.labels.sum()
        return f"Collisions({n:,} of {size} cells a side, {signal:,} signal)"


def cell_centres(size: int) -> NDArray[np.float64]:
    """Return the coordinates of the cells of a picture along one side, in rad, shape
    (size,).

    Examples
    --------
    >>> cell_centres(4)
    array([-0.9, -0.3,  0.3,  0.9])
    """
    return ((np.arange(check_int("size", size)) + 0.5) / size * 2 - 1) * HALF_WIDTH


def simulate_collisions(
    n: int,
    *,
    signal_share: float = 0.5,
    min_pt: float = MIN_PT,
    powers: tuple[float, float] = _POWERS,
    size: int = 32,
    seed: Seed = 0,
) -> Collisions:
    """Simulate collisions and what a calorimeter sees of them; the module's text is the
    physics.

    Parameters
    ----------
    n : int
        Number of collisions.
    signal_share : float
        Chance of each to be signal, from 0 to 1. With the same seed, the signal of a
        smaller share is part of the signal of a larger one.
    min_pt : float
        Simulate only momenta above this one, GeV, at least 400.
    powers : (float, float)
        The spectra of background and signal fall as pT to minus this power, which is
        above 1.
    size : int
        Cells a side, at least 8.
    seed : int, numpy.random.Generator or None
        Of all draws; the first events of a larger `n` are those of a smaller one.

    Returns
    -------
    Collisions

    Raises
    ------
    TypeError, ValueError
        If a number is none or out of range.

    Examples
    --------
    >>> some = simulate_collisions(1000, seed=1)
    >>> some
    Collisions(1,000 of 32 cells a side, 505 signal)
    >>> mass = some.truth.mass[some.labels == 1]
    >>> float(mass.min().round()), float(mass.max().round())
    (180.0, 180.0)
    """
    n, size = check_int("n", n), check_int("size", size, minimum=8)
    share = check_float("signal_share", signal_share, minimum=0.0, maximum=1.0)
    falls = as_floats("powers", powers, (2,)).astype(np.float32)
    if falls.min() <= 1:
        raise ValueError(f"powers: got {tuple(powers)}, expected two numbers above 1")
    lowest, rng = check_float("min_pt", min_pt, minimum=MIN_PT), check_seed(seed)
    sizes = [min(_CHUNK, n - start) for start in range(0, n, _CHUNK)]
    chunks = [
        _simulate(rng.random((k, _N_DRAWS), np.float32), share, lowest, falls, size)
        for k in sizes
    ]
    images, intensity, labels, *truth = (
        np.concatenate(parts) for parts in zip(*chunks, strict=True)
    )
    return Collisions(images, intensity, labels, CollisionTruth(*truth))


def _simulate(
    u: Array, share: float, min_pt: float, falls: Array, size: int
) -> tuple[NDArray[np.generic], ...]:
    """Make events from uniform numbers (n, _N_DRAWS): images, intensities, labels, and
    the parts of the truth.
    """
    labels = (u[:, 0] < share).astype(np.int64)
    pt = (min_pt * (1 - u[:, 1]) ** (-1 / (falls[labels] - 1))).astype(np.float32)
    weaker, distance, gluon = _decay(labels == 1, pt, u[:, 2:6])
    shares = np.stack([1 - weaker, weaker], 1)
    angle = 2 * np.pi * u[:, 6]
    axis = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1).astype(
        np.float32
    )
    # the momentum points to the centre
    prongs = np.stack([axis * -weaker[:, None], axis * (1 - weaker[:, None])], 1)
    energy, x, y = _particles(pt, shares, prongs, gluon, u[:, 7:])
    images = _measure(energy, x, y, size)
    intensity = images.sum((1, 2))
    images /= intensity[:, None, None]
    mass = pt * np.sqrt(weaker * (1 - weaker)) * distance
    centres = cell_centres(size).astype(np.float32)
    off = [
        (centres - p[:, :1])[:, None, :] ** 2 + (centres - p[:, 1:])[:, :, None] ** 2
        for p in prongs.swapaxes(0, 1)
    ]
    return (
        images[:, None],
        intensity,
        labels,
        prongs,
        shares,
        pt,
        mass,
        np.minimum(*off) <= 0.2**2,
    )


def _decay(
    signal: NDArray[np.bool_], pt: Array, u: Array
) -> tuple[Array, Array, Array]:
    """Draw the weaker prong's share of the momentum, the distance of the prongs, and
    how gluon-like they radiate.
    """
    # Signal: all directions alike, so cos is uniform; those whose prongs would leave
    # the jet are not in the sample.
    cos = u[:, 0] * np.sqrt(1 - (2 * MASS / (pt * HALF_WIDTH * 0.95)) ** 2)
    z_signal = (1 - cos) / 2
    # Background: dz/z from 0.03 to 1/2 and dR/R from 0.08 to 1.1, or no splitting at
    # all.
    z_jet = np.where(u[:, 1] < 0.6, 0.03 * (0.5 / 0.03) ** u[:, 0], 0)
    r_jet = np.where(u[:, 1] < 0.6, 0.08 * (1.1 / 0.08) ** u[:, 2], 0)
    z = np.where(signal, z_signal, z_jet).astype(np.float32)
    r = np.where(
        signal, MASS / (pt * np.sqrt(z_signal * (1 - z_signal))), r_jet
    ).astype(np.float32)
    return z, r, (~signal & (u[:, 3] < 0.6)).astype(np.float32)


def _particles(
    pt: Array, shares: Array, prongs: Array, gluon: Array, u: Array
) -> tuple[Array, Array, Array]:
    """Radiate: energies after the calorimeter's error and positions after its sideways
    spread, (n, particles).
    """
    n, k = len(pt), _N_PARTICLES
    draws = u[:, : 6 * k].reshape(n, 6, 2, k // 2)  # the last two axes: prong, particle
    part = -np.log1p(-draws[:, 0])
    part *= (pt[:, None] * shares / part.sum(2))[:, :, None]
    spread = np.float32(_SPREADS[0]) + gluon * np.float32(_SPREADS[1] - _SPREADS[0])
    away = -np.log1p(-draws[:, 1]) * spread[:, None, None]
    turn = 2 * np.pi * draws[:, 2]
    # Box and Muller: two normal numbers from two uniform ones.
    shower, around = (
        _SHOWER * np.sqrt(-2 * np.log1p(-draws[:, 3])),
        2 * np.pi * draws[:, 4],
    )
    x = prongs[:, :, :1] + away * np.cos(turn) + shower * np.cos(around)
    y = prongs[:, :, 1:] + away * np.sin(turn) + shower * np.sin(around)
    # The error of an energy: the logistic distribution, nearly normal, has an inverse
    # in closed form.
    logit = np.log((draws[:, 5] + 1e-7) / (1 - draws[:, 5] + 1e-7)) * np.float32(
        math.sqrt(3) / math.pi
    )
    energy = np.maximum(part + _RESOLUTION * np.sqrt(part) * logit, 0)
    soft = u[:, 6 * k :].reshape(n, 3, _N_SOFT)
    return (
        np.concatenate(
            [energy.reshape(n, k), -np.log1p(-soft[:, 0]) * np.float32(_SOFT_ENERGY)], 1
        ),
        np.concatenate([x.reshape(n, k), (2 * soft[:, 1] - 1) * HALF_WIDTH], 1),
        np.concatenate([y.reshape(n, k), (2 * soft[:, 2] - 1) * HALF_WIDTH], 1),
    )


def _measure(energy: Array, x: Array, y: Array, size: int) -> Array:
    """Add up what falls into each cell, GeV, and drop what is below the threshold."""
    n = len(energy)
    column, row = (
        np.floor((v / HALF_WIDTH + 1) / 2 * size).astype(np.int64) for v in (x, y)
    )
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    cell = (np.arange(n)[:, None] * size + row) * size + column
    images = (
        np.bincount(cell[inside], energy[inside], n * size * size)
        .astype(np.float32)
        .reshape(n, size, size)
    )
    images[images < _THRESHOLD] = 0
    return images
