"""Collisions: the laws of the simulated physics, the truth, and the observables against
closed forms.
"""

import math
import time

import numpy as np
import pytest
from scipy.stats import kstest, norm, poisson

from xaicourse.datasets import simulate_collisions
from xaicourse.datasets.collision_analysis import coarse_mass, significance, two_prongs
from xaicourse.datasets.collisions import HALF_WIDTH, MASS, MIN_PT, cell_centres

SIGNAL = simulate_collisions(6000, signal_share=1, seed=3)
BACKGROUND = simulate_collisions(6000, signal_share=0, seed=4)


def test_shapes_ranges_and_normalised_pictures():
    some = simulate_collisions(50, signal_share=0.3, size=24, seed=1)
    assert some.images.shape == (50, 1, 24, 24)
    assert some.images.dtype == np.float32
    assert some.images.min() >= 0
    np.testing.assert_allclose(some.images.sum((1, 2, 3)), 1, rtol=1e-5)
    assert (
        repr(some) == f"Collisions(50 of 24 cells a side, {some.labels.sum()} signal)"
    )
    assert SIGNAL.labels.all()
    assert not BACKGROUND.labels.any()


def test_momenta_fall_with_their_powers():
    """The survival function of a spectrum pT^-k above p0 is (p0 / pT)^(k - 1)."""
    for events, power in ((BACKGROUND, 8), (SIGNAL, 6)):
        assert (
            kstest(1 - (MIN_PT / events.truth.pt) ** (power - 1), "uniform").pvalue
            > 1e-4
        )
        assert (
            kstest(1 - (MIN_PT / events.truth.pt) ** (power - 2), "uniform").pvalue
            < 1e-4
        )
    high = simulate_collisions(2000, min_pt=600, seed=1)
    assert high.truth.pt.min() >= 600


def test_the_truth_obeys_kinematics():
    t = SIGNAL.truth
    np.testing.assert_allclose(t.mass, MASS, rtol=1e-5)
    distance = np.hypot(*(t.prongs[:, 0] - t.prongs[:, 1]).T)
    np.testing.assert_allclose(
        t.pt * np.sqrt(t.shares.prod(1)) * distance, MASS, rtol=1e-4
    )
    for truth in (t, BACKGROUND.truth):
        np.testing.assert_allclose(
            (truth.shares[:, :, None] * truth.prongs).sum(1), 0, atol=1e-6
        )
        assert (truth.shares[:, 0] >= truth.shares[:, 1]).all()
        assert np.abs(truth.prongs).max() < HALF_WIDTH


def test_background_splits_as_the_strong_interaction_does():
    weaker = BACKGROUND.truth.shares[:, 1]
    split = weaker > 0
    assert abs(split.mean() - 0.6) < 4.5 * math.sqrt(0.24 / 6000)
    assert (
        kstest(np.log(weaker[split] / 0.03) / np.log(0.5 / 0.03), "uniform").pvalue
        > 1e-4
    )
    assert kstest(weaker[split] / 0.5, "uniform").pvalue < 1e-4


def test_nothing_separates_by_construction():
    """Background has events with the shares, the distance and the mass of the signal."""
    like = (abs(BACKGROUND.truth.mass - MASS) < 10) & (
        BACKGROUND.truth.shares[:, 1] > 0.2
    )
    assert like.sum() > 10


def test_the_energy_lies_on_the_prongs_and_the_masks_there():
    inside = (SIGNAL.images[:, 0] * SIGNAL.truth.masks).sum((1, 2))
    assert 0.85 < inside.mean() < 0.97
    transposed = (SIGNAL.images[:, 0] * SIGNAL.truth.masks.swapaxes(1, 2)).sum((1, 2))
    assert transposed.mean() < 0.6
    column, row = (
        abs(SIGNAL.truth.prongs[:, :, :, None] - cell_centres(32))
        .argmin(3)
        .transpose(2, 0, 1)
    )
    assert SIGNAL.truth.masks[np.arange(6000)[:, None], row, column].all()


def test_the_calorimeter_measures_with_an_error():
    ratio = SIGNAL.intensity / SIGNAL.truth.pt
    assert 1.0 < ratio.mean() < 1.1  # soft particles of other collisions come on top
    assert 0.02 < ratio.std() < 0.06


def test_prefixes_chunks_and_seeds():
    many = simulate_collisions(5000, seed=2)
    few = simulate_collisions(40, seed=2)
    assert np.array_equal(few.images, many.images[:40])
    assert np.array_equal(few.truth.prongs, many.truth.prongs[:40])
    assert not np.array_equal(few.images, simulate_collisions(40, seed=0).images)
    assert not np.array_equal(
        simulate_collisions(5, seed=None).images,
        simulate_collisions(5, seed=None).images,
    )


def test_it_is_fast():
    start = time.process_time()
    simulate_collisions(10_000, seed=1)
    assert time.process_time() - start < 2


BAD = [
    ({"n": 0}, ValueError, "n: got 0, expected an integer of at least 1"),
    (
        {"signal_share": 1.5},
        ValueError,
        "signal_share: got 1.5, expected a chance from 0 to 1",
    ),
    (
        {"signal_share": math.nan},
        ValueError,
        "signal_share: got nan, expected a finite number of at least 0",
    ),
    (
        {"powers": (8, 1)},
        ValueError,
        "powers: got (8, 1), expected two numbers above 1",
    ),
    (
        {"powers": 8},
        ValueError,
        "powers: got 8, expected two numbers, of background and signal",
    ),
    (
        {"min_pt": 300},
        ValueError,
        "min_pt: got 300, expected a finite number of at least 400",
    ),
    ({"size": 4}, ValueError, "size: got 4, expected an integer of at least 8"),
    ({"seed": 0.5}, TypeError, "seed: got 0.5 (float), expected an integer"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {"n": 3} | bad
    with pytest.raises(error) as refusal:
        simulate_collisions(options.pop("n"), **options)
    assert str(refusal.value) == message


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
    (lambda: two_prongs(np.ones((2, 1, 8, 8)), radius=0), "radius: got 0"),
    (lambda: coarse_mass(np.ones((2, 1, 8, 8)), np.ones(3)), "intensity: got shape"),
    (
        lambda: coarse_mass(np.ones((2, 1, 8, 8)), np.ones(2), towers=3),
        "towers: got 3, expected a divisor of the 8",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD_PICTURES)
def test_bad_pictures(call, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        call()
