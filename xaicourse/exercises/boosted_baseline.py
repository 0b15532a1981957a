"""Exercises of the notebook on the boosted baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from xaicourse.fairness import CutOffs, fit_cut_offs, quadratic_weighted_kappa
from xaicourse.teaching import Exercise, require, rounded

Pairs = Callable[[Any, Any], float]


def _check_kappa_by_hand(answer: Pairs) -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(1, 9, 300)
    predicted = np.clip(actual + rng.integers(-2, 3, 300), 1, 8)
    result = answer(actual, actual)
    require(abs(result - 1) < 1e-9, f"perfect agreement must give 1; got {result:.3f}")
    constant = answer(actual, np.full(300, 8))
    require(
        abs(constant) < 1e-9,
        "always saying 8 agrees no better than chance, so its kappa is 0; got "
        f"{constant:.3f}",
    )
    expected, got = (
        quadratic_weighted_kappa(actual, predicted),
        answer(actual, predicted),
    )
    require(
        abs(got - cohen_kappa_score(actual, predicted, weights="linear")) > 1e-9,
        "this is the kappa with weights |i - j|; square them, so that a miss by two "
        "counts four times as much",
    )
    require(
        abs(got - cohen_kappa_score(actual, predicted)) > 1e-9,
        "this is Cohen's kappa without weights: every miss counts the same, and the "
        "order of the classes is lost",
    )
    require(
        abs(got - expected) < 1e-6,
        f"expected {expected:.4f} on 300 rows; got {got:.4f}. Compare the mean squared "
        "difference of the pairs with that of every actual class against every "
        "predicted one",
    )
    sparse = np.array([1, 1, 7, 8]), np.array([1, 7, 8, 8])
    require(
        abs(answer(*sparse) - quadratic_weighted_kappa(*sparse)) < 1e-6,
        "with only the classes 1, 7 and 8 present the result changes: you count ranks "
        "among the classes that occur, but from 1 to 7 it is six steps",
    )


kappa_by_hand = Exercise(
    name="Kappa by hand",
    checker=_check_kappa_by_hand,
    takes="actual, predicted",
    returns="one number",
    hints=(
        "Two means of squared differences: one over the rows, one over all pairs of "
        "an actual and a predicted class.",
        "`actual[:, None] - predicted[None, :]` holds the difference of every actual "
        "class and every predicted one.",
        "`1 - np.mean((a - p) ** 2) / np.mean((a[:, None] - p[None, :]) ** 2)`",
    ),
)


def _check_mend_the_loop(answer: Callable[[Any, Any], Any]) -> None:
    scores = np.array([-0.4, 0.7, 1.2, 2.3, 4.6, 7.4, 8.2, 8.9, 9.6])
    none = np.asarray(answer(scores, np.zeros(8)))
    require(
        none.shape == scores.shape,
        f"return one class for each score, shape (9,); got shape {none.shape}",
    )
    require(
        set(np.unique(none)) <= set(range(1, 9)),
        f"with offsets of zero you return {sorted(set(none.tolist()))}; classes are "
        "the whole numbers from 1 to 8",
    )
    plain = CutOffs("offsets", np.zeros(8), 0.0).classes(scores)
    require(
        np.array_equal(none, plain),
        f"offsets of zero are plain rounding, {rounded(plain)}; got {rounded(none)}. "
        "Round, rather than cut off the decimals",
    )
    top = np.asarray(answer(scores, np.r_[np.zeros(7), -3.0]))
    require(
        not np.array_equal(top, none),
        "the last offset changes nothing: no score from 8 upwards is shifted, which "
        "is the mistake that the loop had",
    )
    low = np.asarray(answer(scores, np.r_[2.0, np.zeros(7)]))
    require(
        low[2] == 3,
        "the first offset belongs to scores whose whole part is 1: 1.2 + 2 gives "
        f"class 3; got {low[2]}. Mind that Python counts from 0",
    )
    offsets = np.array([2.0, -0.6, 0.4, 0.5, -1.0, 0.3, -0.2, -3.0])
    expected = CutOffs("offsets", offsets, 0.0).classes(scores)
    got = np.asarray(answer(scores, offsets))
    require(
        np.array_equal(got, expected),
        f"for the scores {rounded(scores)} and offsets {rounded(offsets)} expected "
        f"{rounded(expected)}, got {rounded(got)}. Scores below 1 take the first "
        "offset, those above 8 the last",
    )


mend_the_loop = Exercise(
    name="Mend the loop",
    checker=_check_mend_the_loop,
    takes="scores, offsets",
    hints=(
        "Which whole parts can a score have, and which of them does `range(8)` reach?",
        "`np.clip(scores.astype(int), 1, 8)` is the class of the offset that a score "
        "takes; it stands one place back.",
        "`part = np.clip(scores.astype(int), 1, 8)`, then round `scores + "
        "offsets[part - 1]` and clip it to 1 to 8.",
    ),
)


def _drawn(
    seed: int,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.int64]]]:
    """Draw scores that fit the training rows better than the others, and classes."""
    rng = np.random.default_rng(seed)
    scores, actual = {}, {}
    for part, (n, noise) in {
        "train": (400, 0.5),
        "validation": (150, 1.3),
        "test": (150, 1.3),
    }.items():
        latent = rng.normal(size=n)
        actual[part] = 1 + np.searchsorted(
            [-1.2, -0.8, -0.7, -0.6, -0.3, 0.1, 0.4], latent
        )
        scores[part] = 5 + 0.9 * (latent + noise * rng.normal(size=n))
    return scores, actual


def _kappa(
    scores: Mapping[str, Any], actual: Mapping[str, Any], on: str, scored: str
) -> float:
    cut = fit_cut_offs(scores[on], actual[on])
    return quadratic_weighted_kappa(actual[scored], cut.classes(scores[scored]))


def _check_honest_score(
    answer: Callable[[Mapping[str, Any], Mapping[str, Any]], float],
) -> None:
    scores, actual = _drawn(0)
    got = answer(scores, actual)
    mistakes = {
        (
            "test",
            "test",
        ): "the cut-offs were chosen on the test rows, so that these are no longer new "
        "to them",
        (
            "validation",
            "validation",
        ): "this is the kappa on the rows on which the cut-offs were chosen: report "
        "another part",
        (
            "train",
            "train",
        ): "this is the kappa on the training rows, which the model knows by heart",
        (
            "train",
            "test",
        ): "chosen on the training rows, where the model's scores are too good: choose "
        "on rows it was not fitted to",
        (
            "validation",
            "train",
        ): "scored on the training rows, which the model was fitted to",
    }
    for (on, scored), message in mistakes.items():
        require(abs(got - _kappa(scores, actual, on, scored)) > 1e-9, message)
    plain = np.clip(np.rint(scores["test"]), 1, 8)
    require(
        abs(got - quadratic_weighted_kappa(actual["test"], plain)) > 1e-9,
        "these are the plainly rounded scores: choose cut-offs first, and use them",
    )
    for seed in (0, 1):
        expected = _kappa(*_drawn(seed), "validation", "test")
        got = answer(*_drawn(seed))
        require(
            abs(got - expected) < 1e-9,
            f"expected a kappa of {expected:.4f} on drawn rows; got {got:.4f}",
        )


honest_score = Exercise(
    name="An honest score",
    checker=_check_honest_score,
    takes="scores, actual",
    returns="one number",
    hints=(
        "Three parts, three jobs: fit the model, choose the cut-offs, report. The "
        "model is fitted already.",
        "`fit_cut_offs(scores[part], actual[part])` chooses; its `.classes(...)` "
        "turns other scores into classes.",
        'Choose on `"validation"`; return `quadratic_weighted_kappa(actual["test"], '
        'cut.classes(scores["test"]))`.',
    ),
)
