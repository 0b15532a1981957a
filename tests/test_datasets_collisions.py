"""Collisions: the laws of the simulated physics, and the truth."""

import math
import time

import numpy as np
import pytest
from scipy.stats import kstest

from xaicourse.datasets import simulate_collisions
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
    """Background has events with shares, distance and mass of the signal."""
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
        "signal_share: got 1.5, expected a finite number of at least 0 and at most 1",
    ),
    (
        {"signal_share": math.nan},
        ValueError,
        "signal_share: got nan, expected a finite number of at least 0 and at most 1",
    ),
    (
        {"powers": (8, 1)},
        ValueError,
        "powers: got (8, 1), expected two numbers above 1",
    ),
    (
        {"powers": 8},
        ValueError,
        "powers: got shape (), expected (2,)",
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
