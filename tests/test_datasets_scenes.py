"""Scenes: the masks are where the evidence is, the stamp is the only thing a rate
changes, and the lots are fair.
"""

import numpy as np
import pytest

from xaicourse.datasets import simulate_scenes
from xaicourse.datasets.scenes import PATTERNS

SCENES = simulate_scenes(240, seed=3)
STAMPED = simulate_scenes(240, stamp_rates=1, seed=3)


def test_shapes_ranges_and_balance():
    assert SCENES.images.shape == (240, 3, 64, 64)
    assert SCENES.images.dtype == np.float32
    assert SCENES.images.min() >= 0
    assert SCENES.images.max() <= 1
    assert np.bincount(SCENES.labels).tolist() == [80, 80, 80]
    assert repr(STAMPED) == "Scenes(240 of 64 pixels, 240 stamped)"


def check_pairs(with_stamp, without):
    """Only the stamp's pixels differ between the scenes of two rates."""
    differ = (with_stamp.images != without.images).any(1)
    assert not (differ & ~with_stamp.truth.stamp).any()
    assert (differ.sum((1, 2)) > 0.6 * with_stamp.truth.stamp.sum((1, 2))).all()
    for mask in ("object", "decoy"):
        assert np.array_equal(
            getattr(with_stamp.truth, mask), getattr(without.truth, mask)
        )


def test_scenes_of_two_rates_are_pairs_and_those_of_two_seeds_are_not():
    check_pairs(STAMPED, SCENES)
    with pytest.raises(AssertionError):
        check_pairs(STAMPED, simulate_scenes(240, seed=4))


def test_masks_do_not_touch_and_lie_within_the_picture():
    truth = STAMPED.truth
    assert not (truth.object & truth.decoy).any()
    assert not (truth.stamp & (truth.object | truth.decoy)).any()
    for mask in (truth.object, truth.decoy):
        area = mask.mean((1, 2))
        assert area.min() > 0.03
        assert area.max() < 0.16
        assert not mask[:, [0, -1]].any()
        assert not mask[:, :, [0, -1]].any()


def test_the_evidence_lies_within_the_objects_mask():
    """Two colours inside the object, one inside the decoy, and the class cannot be read
    off the rest.
    """
    for image, inside, decoy in zip(
        SCENES.images, SCENES.truth.object, SCENES.truth.decoy, strict=True
    ):
        assert len(np.unique(image[:, inside], axis=1).T) == 2
        assert len(np.unique(image[:, decoy], axis=1).T) == 1
    light = [
        np.mean(
            [
                len(np.unique(image[0][mask]))
                for image, mask in zip(SCENES.images, m, strict=True)
            ]
        )
        for m in (SCENES.truth.object, SCENES.truth.decoy)
    ]
    assert light == [2, 1]


def test_object_and_decoy_have_the_same_distribution():
    centres = [
        np.array([np.argwhere(m).mean(0) for m in masks])
        for masks in (SCENES.truth.object, SCENES.truth.decoy)
    ]
    areas = [masks.sum((1, 2)) for masks in (SCENES.truth.object, SCENES.truth.decoy)]
    assert abs(centres[0].mean(0) - centres[1].mean(0)).max() < 4.5 * 2 * 11 / np.sqrt(
        240
    )
    assert abs(areas[0].mean() - areas[1].mean()) < 4.5 * np.hypot(
        *[a.std() for a in areas]
    ) / np.sqrt(240)


def test_rates_by_class_and_prefixes():
    some = simulate_scenes(600, stamp_rates=(0, 0.5, 1), seed=1)
    rates = [some.truth.stamped[some.labels == c].mean() for c in range(len(PATTERNS))]
    assert rates[0] == 0
    assert rates[2] == 1
    assert abs(rates[1] - 0.5) < 4.5 * 0.5 / np.sqrt(200)
    fewer = simulate_scenes(6, stamp_rates=(0, 0.5, 1), seed=1)
    assert np.array_equal(fewer.images, some.images[:6])
    assert simulate_scenes(3, size=32).images.shape == (3, 3, 32, 32)


BAD = [
    ({"n": 0}, ValueError, "n: got 0, expected an integer of at least 1"),
    ({"size": 31}, ValueError, "size: got 31, expected an integer of at least 32"),
    ({"seed": -1}, ValueError, "seed: got -1, expected an integer of at least 0"),
    (
        {"stamp_rates": 1.5},
        ValueError,
        "stamp_rates: got 1.5, expected a chance from 0 to 1, or one for each of 3 "
        "classes",
    ),
    (
        {"stamp_rates": (0, 1)},
        ValueError,
        "stamp_rates: got (0, 1), expected a chance from 0 to 1, or one for each of 3 "
        "classes",
    ),
    (
        {"stamp_rates": "often"},
        TypeError,
        "stamp_rates: got str, expected real numbers",
    ),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {"n": 3} | bad
    with pytest.raises(error) as refusal:
        simulate_scenes(options.pop("n"), **options)
    assert str(refusal.value) == message
