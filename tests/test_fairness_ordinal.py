"""Kappa against its definition, scikit-learn and a closed form; cut-offs against a
search of all; paired bootstraps.
"""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import cohen_kappa_score

from xaicourse.fairness import (
    CutOffs,
    fit_cut_offs,
    ordinal_scores,
    quadratic_weighted_kappa,
)
from xaicourse.resampling import bootstrap_counts

RNG = np.random.default_rng(7)
CLASSES = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=2, max_size=60
).filter(lambda pairs: len({value for pair in pairs for value in pair}) > 1)


def test_literal_values():
    assert quadratic_weighted_kappa([1, 2, 3], [1, 2, 3]) == 1
    assert quadratic_weighted_kappa([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert quadratic_weighted_kappa([1, 2, 3], [2, 2, 2]) == 0
    # By hand: squared differences 1 and 4 in six rows; means 2 and 11/6, variances 4/6
    # and 17/36.
    a, p = [1, 1, 2, 2, 3, 3], [1, 2, 2, 2, 3, 1]
    observed, by_chance = 5 / 6, 4 / 6 + 17 / 36 + (1 / 6) ** 2
    assert quadratic_weighted_kappa(a, p) == pytest.approx(1 - observed / by_chance)


@settings(max_examples=200, deadline=None)
@given(CLASSES)
def test_equals_scikit_learn_and_the_definition(pairs):
    a, p = np.array(pairs).T
    ours = quadratic_weighted_kappa(a, p)
    # without labels it counts ranks
    theirs = cohen_kappa_score(a, p, weights="quadratic", labels=range(1, 9))
    assert ours == pytest.approx(theirs, abs=1e-12)
    # the fast form that cut-offs and bootstraps use
    fast = ordinal_scores(a, {"it": p}, n_samples=1).kappa["it"]
    assert fast == pytest.approx(theirs, abs=1e-12)
    by_chance = np.mean((a[:, None] - p) ** 2)
    assert ours == pytest.approx(1 - np.mean((a - p) ** 2) / by_chance, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(CLASSES)
def test_symmetric_and_blind_to_where_the_scale_begins_and_which_way_it_runs(pairs):
    a, p = np.array(pairs).T
    ours = quadratic_weighted_kappa(a, p)
    for other in ((p, a), (a + 100, p + 100), (9 - a, 9 - p)):
        assert quadratic_weighted_kappa(*other) == pytest.approx(ours, abs=1e-9)


def test_a_mutant_with_linear_weights_is_noticed():
    a, p = np.array([1, 1, 2, 2, 3, 3]), np.array([1, 2, 2, 2, 3, 1])
    mutant = 1 - np.abs(a - p).mean() / np.abs(a[:, None] - p).mean()
    assert mutant == pytest.approx(cohen_kappa_score(a, p, weights="linear"))
    assert abs(mutant - quadratic_weighted_kappa(a, p)) > 0.02


@pytest.mark.parametrize(
    ("actual", "predicted", "says"),
    [
        ([1, 2], [1, 2, 3], "predicted: got shape"),
        ([], [], "actual: got shape"),
        ([1.5, 2], [1, 2], "actual: got fractions, expected classes as"),
        ([1, 2], [np.nan, 2], "predicted: got NaN"),
        (["a", "b"], [1, 2], "actual: got <U1"),
        ([3, 3], [3, 3], "both are always 3"),
    ],
)
def test_kappa_refuses(actual, predicted, says):
    with pytest.raises((ValueError, TypeError), match=says):
        quadratic_weighted_kappa(actual, predicted)


def best_of_all_thresholds(scores, actual, k):
    """Try every way to cut the sorted scores between rows."""
    ordered = np.sort(scores)
    between = np.concatenate(
        [[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]]
    )
    cuts = (
        CutOffs("thresholds", np.array(c), 0.0)
        for c in combinations_with_replacement(between, k - 1)
    )
    return max(quadratic_weighted_kappa(actual, cut.classes(scores)) for cut in cuts)


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_come_close_to_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    actual = np.r_[1, 2, 3, 4, rng.integers(1, 5, 12)]
    scores = 2.5 + 0.5 * (actual - 2.5) + rng.normal(0, 0.6, 16)
    found = fit_cut_offs(scores, actual, n_classes=4)
    best = best_of_all_thresholds(scores, actual, 4)
    assert best - 0.06 < found.kappa <= best + 1e-12
    assert found.kappa == pytest.approx(
        quadratic_weighted_kappa(actual, found.classes(scores))
    )


def shrunken(n=4000, seed=0):
    """Classes, and a regression of them that shrinks towards the mean."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=n)
    actual = 1 + np.searchsorted([-1.2, -0.8, -0.7, -0.6, -0.3, 0.1, 0.4], latent)
    return 5.6 + 1.0 * (
        0.65 * latent + np.sqrt(1 - 0.65**2) * rng.normal(size=n)
    ) * 0.65 * 2.4, actual


@pytest.mark.parametrize("method", ["thresholds", "offsets"])
def test_cut_offs_chosen_on_one_half_raise_kappa_on_the_other(method):
    scores, actual = shrunken()
    cut = fit_cut_offs(scores[:2000], actual[:2000], method=method)
    rounded = np.clip(np.rint(scores), 1, 8)
    plain = quadratic_weighted_kappa(actual[2000:], rounded[2000:])
    assert (
        quadratic_weighted_kappa(actual[2000:], cut.classes(scores[2000:]))
        > plain + 0.01
    )
    assert cut.kappa >= quadratic_weighted_kappa(actual[:2000], rounded[:2000])
    assert set(cut.classes(scores)) <= set(range(1, 9))
    assert len(cut.values) == (7 if method == "thresholds" else 8)


def test_thresholds_grow_and_offsets_of_zero_are_rounding():
    scores, actual = shrunken(500)
    assert (np.diff(fit_cut_offs(scores, actual).values) >= 0).all()
    plain = CutOffs("offsets", np.zeros(8), 0.0)
    extremes = np.array([-3.0, 0.2, 1.4, 4.6, 8.4, 8.7, 11.0])
    assert plain.classes(extremes).tolist() == [1, 1, 1, 5, 8, 8, 8]
    # the outer ones reach the outer scores
    moved = CutOffs("offsets", np.array([1.0, 0, 0, 0, 0, 0, 0, -2.0]), 0.0)
    assert moved.classes(extremes).tolist() == [1, 1, 2, 5, 6, 7, 8]


def test_fitting_cut_offs_writes_to_nothing_and_repeats():
    scores, actual = shrunken(500)
    before = scores.copy(), actual.copy()
    one, two = fit_cut_offs(scores, actual), fit_cut_offs(scores, actual)
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(scores, before[0])
    assert np.array_equal(actual, before[1])


@pytest.mark.parametrize(
    ("scores", "actual", "options", "says"),
    [
        ([1.0, 2.0], [1, 2, 3], {}, "actual: got shape"),
        ([1.0, np.nan], [1, 2], {}, "scores: got NaN"),
        ([[1.0], [2.0]], [1, 2], {}, "scores: got shape"),
        ([1.0, 2.0], [0, 2], {}, "actual: got classes from 0 to 2, expected 1 to 8"),
        ([1.0, 2.0], [1, 9], {}, "expected 1 to 8"),
        ([1.0, 2.0], [2, 2], {}, "actual: got class 2 only"),
        ([1.0, 2.0], [1, 2], {"method": "guess"}, "method: got 'guess'"),
        ([1.0, 2.0], [1, 2], {"n_classes": 1}, "n_classes: got 1"),
        ([1.0, 2.0], [1, 2], {"max_rounds": 0}, "max_rounds: got 0"),
    ],
)
def test_cut_offs_refuse(scores, actual, options, says):
    with pytest.raises(ValueError, match=says):
        fit_cut_offs(scores, actual, **options)


def test_bootstrap_draws_are_those_of_resampled_rows():
    actual = RNG.integers(1, 9, 200)
    models = {
        "a": np.clip(actual + RNG.integers(-2, 3, 200), 1, 8),
        "b": RNG.integers(1, 9, 200),
    }
    scores = ordinal_scores(actual, models, n_samples=20, seed=3)
    [counts] = bootstrap_counts(np.random.default_rng(3), 200, 20)
    for i in (0, 7):
        rows = np.repeat(np.arange(200), counts[i].astype(int))
        for name, predicted in models.items():
            expected = cohen_kappa_score(
                actual[rows], predicted[rows], weights="quadratic"
            )
            assert scores.kappa_draws[name][i] == pytest.approx(expected)
            assert scores.accuracy_draws[name][i] == pytest.approx(
                (actual[rows] == predicted[rows]).mean()
            )
    assert scores.kappa["a"] == pytest.approx(
        quadratic_weighted_kappa(actual, models["a"])
    )


def test_bootstrap_interval_has_the_width_of_the_normal_one():
    actual, predicted = RNG.integers(1, 9, 3000), RNG.integers(1, 9, 3000)
    scores = ordinal_scores(actual, {"m": predicted}, n_samples=400)
    share = scores.accuracy["m"]
    assert scores.accuracy_draws["m"].std() == pytest.approx(
        np.sqrt(share * (1 - share) / 3000), rel=0.15
    )


def test_scores_repeat_are_paired_and_refuse():
    actual = RNG.integers(1, 9, 50)
    one = ordinal_scores(
        actual, {"m": actual[::-1], "same": actual[::-1]}, n_samples=30, seed=0
    )
    two = ordinal_scores(actual, {"m": actual[::-1]}, n_samples=30, seed=0)
    assert np.array_equal(one.kappa_draws["m"], two.kappa_draws["m"])
    assert np.array_equal(one.kappa_draws["m"], one.kappa_draws["same"])
    with pytest.raises(ValueError, match="predictions: got none"):
        ordinal_scores(actual, {})
    with pytest.raises(ValueError, match=r"predictions\['m'\]: got shape"):
        ordinal_scores(actual, {"m": [1, 2]})
    with pytest.raises(ValueError, match="n_samples: got 0"):
        ordinal_scores(actual, {"m": actual}, n_samples=0)


def test_bootstrap_counts_sum_to_the_rows_and_come_in_bounded_pieces():
    pieces = list(bootstrap_counts(np.random.default_rng(0), 500_000, 20))
    assert sum(len(piece) for piece in pieces) == 20
    assert max(piece.size for piece in pieces) <= 4_000_000
    assert all((piece.sum(1) == 500_000).all() for piece in pieces)


def test_cuts_that_have_not_converged_say_so():
    rng = np.random.default_rng(0)
    actual = rng.integers(1, 9, size=500)
    scores = 4 + 0.4 * (actual - 4) + 0.8 * rng.normal(size=500)
    with pytest.warns(ConvergenceWarning, match=r"^max_rounds: got 1, after which"):
        fit_cut_offs(scores, actual, max_rounds=1)
    fit_cut_offs(scores, actual)  # a warning would be an error
