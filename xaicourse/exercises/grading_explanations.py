"""Exercises of the notebook on grading explanations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded


def _check_pointing(answer: Callable[..., Any]) -> None:
    clear = float(answer(np.array([0.1, 0.9, 0.3]), np.array([False, True, False])))
    require(
        clear == 1,
        "the only largest value lies inside the mask, so the score is 1; got "
        f"{rounded(clear)}",
    )
    outside = float(answer(np.array([0.9, 0.1, 0.3]), np.array([False, True, True])))
    require(
        outside == 0,
        "the only largest value lies outside the mask, so the score is 0; got "
        f"{rounded(outside)}",
    )
    flat = [
        float(answer(np.ones(4), m))
        for m in (np.array([True, False, False, False]), np.array([False, True] * 2))
    ]
    require(
        flat != [1.0, 0.0],
        "on a constant attribution your answer depends on which place comes first: "
        "that is what argmax does",
    )
    require(
        np.allclose(flat, [0.25, 0.5]),
        "with four equal values each is drawn one time in four: expected 0.25 and "
        f"0.5, got {rounded(flat)}",
    )
    tied = float(
        answer(np.array([0.5, 0.5, 0.1, 0.0]), np.array([True, False, True, True]))
    )
    require(
        np.isclose(tied, 0.5),
        "two values are the largest and one of them is inside: expected 0.5, got "
        f"{rounded(tied)}; the others have no say",
    )
    close = float(answer(np.array([0.5, 0.49]), np.array([False, True])))
    require(
        close == 0,
        "0.5 and 0.49 are no tie: the first is the largest, and the score 0; got "
        f"{rounded(close)}",
    )
    negative = float(
        answer(np.array([-0.9, -0.1, -0.11]), np.array([True, False, True]))
    )
    require(
        negative == 0,
        "of -0.9, -0.1 and -0.11 the largest is -0.1, outside the mask, so the score "
        f"is 0; got {rounded(negative)}: the largest value, not the largest size, and "
        "no other one, however near",
    )


score_at_chance = Exercise(
    name="Score at chance",
    checker=_check_pointing,
    takes="values, mask",
    returns="one number",
    hints=(
        "Which places hold the largest value? If one of them is drawn by lot, how "
        "often is it inside?",
        "`values == values.max()` marks the places; the mean of the mask over them is "
        "the answer.",
        "`np.mean(mask[values == values.max()])`",
    ),
)


def _check_pairs(answer: Callable[..., Any]) -> None:
    for n in (25, 16):
        _check_pairs_of(answer, n)


def _check_pairs_of(answer: Callable[..., Any], n: int) -> None:
    noise = np.random.default_rng(n).standard_normal((3, n))
    a, b = 1 + 3 * noise[0] + 0.1 * noise[1], 3 * noise[0] + 0.1 * noise[2]
    root = np.sqrt(n)
    found, right = float(answer(a, b, 2.0)), 2.0 * (a - b).std(ddof=1) / root
    apart = 2.0 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / n)
    require(
        found < apart / 2,
        f"{found:.3f} is as wide as if the seeds were not shared ({apart:.3f}): "
        "subtract seed by seed first",
    )
    require(
        not np.isclose(found, right * root),
        "that is the spread of one difference: the mean of n of them is more precise "
        "by the root of n",
    )
    require(
        not np.isclose(found, right / root),
        "divide by the root of n, not by n: variances add up, not spreads",
    )
    require(
        not np.isclose(found, right / 2),
        "that is the standard error itself: the half-width is the quantile times that",
    )
    require(
        np.isclose(found, right, rtol=1e-6),
        f"expected {right:.5f}, got {found:.5f}: take the standard deviation with n - "
        "1 (ddof=1)",
    )


in_pairs = Exercise(
    name="In pairs",
    checker=_check_pairs,
    takes="a, b, quantile",
    returns="one number",
    hints=(
        "A hard seed is hard for both methods. What cancels if you subtract seed by "
        "seed?",
        "The standard error of a mean of n differences is their standard deviation "
        "(with `ddof=1`) over the root of n.",
        "`quantile * (a - b).std(ddof=1) / np.sqrt(len(a))`",
    ),
)
