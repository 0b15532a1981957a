"""Exercises of the notebook on anomaly detection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

Shares = Callable[[float, float, float, float], Any]
Moved = Callable[..., Any]


def _check_two_shares(answer: Shares) -> None:
    result = np.asarray(answer(0.0, 1.0, 2.0, 8.0), dtype=float)
    first, second = result
    require(
        np.isclose(first + second, 8),
        "the shares must add up to v(12) - v(∅) = 8; yours add up to "
        f"{rounded(first + second)}",
    )
    require(
        not np.allclose(result, [1, 7]) and not np.allclose(result, [6, 2]),
        "that is the gain in one order. There are two orders: take the mean over both",
    )
    require(
        first < second,
        "the second feature gains more in either order, and must get more; got "
        f"{rounded(first)} and {rounded(second)}",
    )
    require(
        np.allclose(result, [3.5, 4.5]),
        f"for v = 0, 1, 2, 8 expected 3.5 and 4.5; got {rounded(first)} and "
        f"{rounded(second)}. What does each feature gain when it comes first, and when "
        "it comes last?",
    )
    shifted = np.asarray(answer(10.0, 11.0, 12.0, 18.0), dtype=float)
    require(
        np.allclose(shifted, [3.5, 4.5]),
        "adding 10 to all four scores must not change the shares; got "
        f"{rounded(shifted[0])} and {rounded(shifted[1])}",
    )
    falling = np.asarray(answer(0.0, -1.0, 4.0, 1.0), dtype=float)
    require(
        np.allclose(falling, [-2, 3]),
        "for v = 0, -1, 4, 1 the first feature loses 1 when it comes first and 3 when "
        f"it comes last, so its share is -2 and the other's 3; got {rounded(falling)}",
    )


two_shares = Exercise(
    name="Two shares",
    checker=_check_two_shares,
    takes="none, first, second, both",
    returns="two numbers",
    hints=(
        "In the order 1, 2 the first feature gains v(1) - v(∅). What does it gain in "
        "the order 2, 1?",
        "Mean over both orders: half of v(1) - v(∅) plus half of v(12) - v(2). The "
        "other feature likewise.",
        "`(first - none + both - second) / 2, (second - none + both - first) / 2`",
    ),
)


def _stairs(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a score with a stair at each whole number of the first column, and none in
    the second.
    """
    return np.asarray(np.floor(rows[:, 0]), dtype=float)


def _check_wide_enough(answer: Moved) -> None:
    X = np.column_stack([np.arange(100) / 100 + 0.005, np.linspace(-1, 1, 100)])
    tenth = answer(_stairs, X, 0, 0.1)
    require(
        float(tenth) <= 1,
        f"a share lies between 0 and 1; got {rounded(float(tenth))}. Is it the number "
        "of rows?",
    )
    require(
        float(answer(_stairs, X, 1, 0.1)) == 0,
        "this score does not listen to the second column, and no row moves when that "
        "alone is shifted",
    )
    require(
        np.isclose(float(answer(_stairs, X, 0, -0.1)), 0.1),
        "rows whose score goes down have moved, too: any change counts",
    )
    require(
        np.isclose(float(answer(_stairs, X, 0, 2.0)), 1),
        "after a step of two stairs every row has moved once: count rows, whatever "
        "the size of the change",
    )
    require(
        np.isclose(float(tenth), 0.1),
        "of 100 rows spread evenly over one stair, a step of a tenth lifts 10 onto "
        f"the next; got a share of {rounded(tenth)}",
    )


wide_enough = Exercise(
    name="Is the step wide enough?",
    checker=_check_wide_enough,
    takes="score, X, column, step",
    returns="one number",
    hints=(
        "Two scores for each row, before and after. What does `!=` make of two "
        "arrays, and `np.mean` of that?",
        "Copy first: `shifted = X.copy()`, then `shifted[:, column] += step`.",
        "`np.mean(score(shifted) != score(X))`",
    ),
)
