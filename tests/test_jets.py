"""Jets: observables against the truth and closed forms, a count against Poisson's."""

import math

import numpy as np
import pytest
from scipy.stats import norm, poisson

from xaicourse.datasets import simulate_collisions
from xaicourse.datasets.collisions import MASS, cell_centres
from xaicourse.jets import coarse_mass, significance, two_prongs

SIGNAL = simulate_collisions(6000, signal_share=1, seed=3)
BACKGROUND = simulate_collisions(6000, signal_share=0, seed=4)


def check_mass(mass):
    """Half of the signal lies within a tenth of the true mass, and the middle is
    unbiased.
    """
    assert abs(np.median(mass) / MASS - 1) < 0.06
    assert np.mean(abs(mass / MASS - 1) < 0.1) > 0.5


def test_two_prongs_find_the_true_ones():
    found = two_prongs(SIGNAL.images)
    off = np.linalg.norm(found.positions - SIGNAL.truth.prongs, axis=2)
    swapped = np.linalg.norm(found.positions[:, ::-1] - SIGNAL.truth.prongs, axis=2)
    assert np.median(np.minimum(off.max(1), swapped.max(1))) < 0.06
    check_mass(SIGNAL.intensity * np.sqrt(found.shares.prod(1)) * found.distance)
    with pytest.raises(AssertionError):  # without the intensity there is no mass
        check_mass(
            SIGNAL.intensity.mean() * np.sqrt(found.shares.prod(1)) * found.distance
        )
    single = two_prongs(BACKGROUND.images[BACKGROUND.truth.mass == 0])
    assert np.median(single.shares[:, 1]) < 0.06


def test_the_coarse_mass_is_the_invariant_mass_of_the_towers():
    check_mass(coarse_mass(SIGNAL.images, SIGNAL.intensity))
    rng = np.random.default_rng(0)
    images = rng.dirichlet(np.ones(64), 3).reshape(3, 1, 8, 8)
    x, y = np.meshgrid(cell_centres(8), cell_centres(8))
    share, place = images.reshape(3, 64), np.stack([x.ravel(), y.ravel()], 1)
    apart = ((place[:, None] - place[None]) ** 2).sum(2)
    # the sum over pairs
    expected = 100 * np.sqrt(np.einsum("ni,nj,ij->n", share, share, apart) / 2)
    np.testing.assert_allclose(
        coarse_mass(images, np.full(3, 100.0), least=0.0), expected
    )
    assert coarse_mass(images, np.full(3, 100.0), least=0.9).tolist() == [0, 0, 0]


def test_pictures_are_not_written_to():
    images = SIGNAL.images[:5].copy()
    two_prongs(images)
    coarse_mass(images, SIGNAL.intensity[:5])
    assert np.array_equal(images, SIGNAL.images[:5])


def test_significance_is_the_poisson_one_and_its_limits():
    for s, b in ((20, 50), (30, 400), (12, 9)):
        exact = norm.isf((poisson.sf(s + b - 1, b) + poisson.sf(s + b, b)) / 2)
        assert abs(significance(s, b) - exact) < 0.06
    # s / sqrt(b) is far too optimistic
    assert 12 / math.sqrt(9) - significance(12, 9) > 0.5
    assert abs(significance(1e-2, 1e4) - 1e-4) < 1e-8
    assert abs(significance(10, 100, uncertainty=1e-4) - significance(10, 100)) < 1e-4
    assert abs(significance(1, 1e4, uncertainty=0.1) - 1 / math.sqrt(1e4 + 1e6)) < 1e-5
    assert significance(0, 5, uncertainty=0.1) == 0
    with pytest.raises(ValueError, match="without background any event is a discovery"):
        significance(1, 0)


BAD_PICTURES = [
    (lambda: two_prongs(np.ones((2, 8, 8))), "images: got shape"),
    (lambda: two_prongs(np.full((2, 1, 8, 8), np.nan)), "images: got NaN"),
    (lambda: coarse_mass(np.ones((2, 1, 8, 8)), np.ones(3)), "intensity: got shape"),
    (
        lambda: coarse_mass(np.ones((2, 1, 9, 9)), np.ones(2)),
        "images: got 9 cells a side, expected a multiple of 8",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD_PICTURES)
def test_bad_pictures(call, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        call()
