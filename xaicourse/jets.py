"""What an analysis measures in pictures of jets, and what a count is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from xaicourse.datasets.collisions import cell_centres
from xaicourse.validation import as_floats, check_float

Array = NDArray[np.floating]
RADIUS = 0.3  # rad, of a prong
TOWERS = 8  # a side, of what a trigger sees


@dataclass(frozen=True, eq=False)
class TwoProngs:
    """The two brightest places of each picture.

    Attributes
    ----------
    shares : ndarray, shape (n, 2)
        Share of the picture's energy around each, brighter place first.
    positions : ndarray, shape (n, 2, 2)
        Their centres (x, y), rad.
    distance : ndarray, shape (n,)
        Between the two, rad.
    """

    shares: Array
    positions: Array
    distance: Array


def two_prongs(images: Array) -> TwoProngs:
    """Find the two brightest places of pictures, and what lies around each.

    The first is the cell whose neighbourhood of 3 by 3 cells holds most, the cell
    itself counted twice; the cells up to 0.3 rad from it are taken out, and the second
    is found in the rest.

    Parameters
    ----------
    images : ndarray, shape (n, 1, size, size)
        As `simulate_collisions` returns them: shares of the energy.

    Raises
    ------
    ValueError
        If the pictures have another shape, or are not finite.

    Examples
    --------
    >>> picture = np.zeros((1, 1, 8, 8))
    >>> picture[0, 0, 4, 1], picture[0, 0, 4, 5] = 0.75, 0.25
    >>> found = two_prongs(picture)
    >>> found.shares, found.distance.round(6)
    (array([[0.75, 0.25]]), array([1.2]))
    """
    n, size = len(images), images.shape[-1]
    # a copy, from which what is found is taken out
    rest = as_floats("images", images, (None, 1, size, size))[:, 0].copy()
    x, y = (v.ravel() for v in np.meshgrid(cell_centres(size), cell_centres(size)))
    flat = rest.reshape(n, -1)  # the same memory
    shares, positions = np.zeros((n, 2)), np.zeros((n, 2, 2))
    for k in range(2):
        padded = np.pad(rest, ((0, 0), (1, 1), (1, 1)))
        # the cell itself counts twice: it wins over a neighbour that sees the same
        bright = rest.copy()
        for i, j in product(range(3), repeat=2):
            bright += padded[:, i : i + size, j : j + size]
        top = bright.reshape(n, -1).argmax(1)
        near = np.hypot(x - x[top, None], y - y[top, None]) <= RADIUS
        taken = np.where(near, flat, 0)
        shares[:, k] = taken.sum(1)
        positions[:, k] = (taken @ np.stack([x, y], 1)) / np.maximum(
            shares[:, k, None], 1e-12
        )
        flat[near] = 0
    return TwoProngs(
        shares, positions, np.hypot(*(positions[:, 0] - positions[:, 1]).T)
    )


def coarse_mass(
    images: Array, intensity: Array, *, least: float = 0.03
) -> NDArray[np.float64]:
    r"""Return a rough mass of each picture, as a trigger computes it in a microsecond.

    It needs no search. Cells are added up to 8 by 8 towers, towers that hold less than
    `least` of the energy are dropped, and with the shares :math:`f_i` of the energy E
    in the others, at places :math:`r_i`,

    .. math:: m^2 = E^2 \Big( \sum_i f_i r_i^2 - \big| \sum_i f_i r_i \big|^2 \Big) .

    For small angles this is the invariant mass of the towers.

    Parameters
    ----------
    images : ndarray, shape (n, 1, size, size)
        As `simulate_collisions` returns them; the size is a multiple of 8.
    intensity : ndarray, shape (n,)
        Their total energy, GeV.
    least : float
        Least share of a tower that is kept.

    Returns
    -------
    ndarray, shape (n,)
        GeV; 0 where no tower is left.

    Raises
    ------
    TypeError, ValueError
        If shapes disagree, a number is out of range, or something is not finite.

    Examples
    --------
    >>> picture = np.zeros((1, 1, 8, 8))
    >>> picture[0, 0, 4, 1], picture[0, 0, 4, 5] = 0.5, 0.5

    100 GeV, half and half, 1.2 rad apart:

    >>> coarse_mass(picture, np.array([100.0])).round(6)
    array([60.])
    """
    size = images.shape[-1]
    cells = as_floats("images", images, (None, 1, size, size))
    intensity = as_floats("intensity", intensity, (len(images),))
    least = check_float("least", least, minimum=0.0)
    if size % TOWERS:
        raise ValueError(f"images: got {size} cells a side, expected a multiple of 8")
    blocks = (len(images), TOWERS, size // TOWERS, TOWERS, size // TOWERS)
    energy = cells.reshape(blocks).sum((2, 4)).reshape(len(cells), -1)
    energy[energy <= least] = 0
    x, y = (v.ravel() for v in np.meshgrid(cell_centres(TOWERS), cell_centres(TOWERS)))
    kept = energy.sum(1)
    share = energy / np.maximum(kept, 1e-12)[:, None]
    spread = share @ (x**2 + y**2) - (share @ x) ** 2 - (share @ y) ** 2
    return np.asarray(intensity * kept * np.sqrt(np.maximum(spread, 0)), float)


def significance(
    signal: float, background: float, *, uncertainty: float = 0.0
) -> float:
    r"""Return the significance expected of s signal events on top of b of background.

    The median discovery significance in standard deviations, from the likelihood ratio
    of the mean counts (the "Asimov" data); without an uncertainty of the background it
    is :math:`\sqrt{2 ((s + b) \ln (1 + s / b) - s)}`, which is :math:`s / \sqrt b` for
    :math:`s \ll b`.

    Parameters
    ----------
    signal, background : float
        Expected numbers of events, the background's above 0.
    uncertainty : float
        Relative standard deviation to which the background is known.

    Raises
    ------
    TypeError, ValueError
        If a number is none or out of range.

    References
    ----------
    Cowan, Cranmer, Gross, Vitells: Asymptotic formulae for likelihood-based tests of
    new physics. European Physical Journal C 71:1554 (2011), arXiv:1007.1727. The
    uncertainty of the background: Cowan, Discovery sensitivity for a counting
    experiment with background uncertainty (2012).

    Examples
    --------
    >>> round(significance(10, 100), 3)
    0.984
    >>> round(significance(10, 100, uncertainty=0.1), 3)
    0.69
    """
    s, b = (
        check_float("signal", signal, minimum=0.0),
        check_float("background", background, minimum=0.0),
    )
    relative = check_float("uncertainty", uncertainty, minimum=0.0)
    if b == 0:
        raise ValueError(
            "background: got 0, expected a number above 0: without background any "
            "event is a discovery"
        )
    if relative == 0:
        return math.sqrt(max(0.0, 2 * ((s + b) * math.log1p(s / b) - s)))
    v = (relative * b) ** 2
    first = (s + b) * math.log((s + b) * (b + v) / (b**2 + (s + b) * v))
    return math.sqrt(
        max(0.0, 2 * (first - b**2 / v * math.log1p(v * s / (b * (b + v)))))
    )
