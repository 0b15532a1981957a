"""Exercises of the notebook on importance reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded


def _check_penalty_of_a_line(answer: Callable[..., Any]) -> None:
    w = np.array([2.0, -1.0, 3.0])
    X = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 3.0, 0.0]])
    one = answer(w, X, [0])
    require(
        float(answer(np.array([0.0, 5.0, 5.0]), X, [0])) == 0,
        "a column whose weight is zero contributes nothing, so its penalty is zero: "
        "only the chosen columns count",
    )
    # Steps of column 0: -1, 1, 0; of column 1: -3, 0, 3.
    require(
        not np.isclose(one, 4 / 3 / 4),
        "multiply the step from row to row by the weight: a contribution is in logits",
    )
    require(
        np.isclose(one, 8 / 3),
        "column 0 steps by -1, 1 and 0 from row to row, times its weight 2: mean "
        f"square 8/3, you found {rounded(one)}",
    )
    both = float(answer(w, X, [0, 1]))
    require(
        np.isclose(both, 26 / 3),
        "for two columns the squares add up, 8/3 + 6 = 8.667, you found "
        f"{rounded(both)}: square first, then add",
    )


penalty_of_a_line = Exercise(
    name="The penalty of a line",
    checker=_check_penalty_of_a_line,
    takes="w, X, columns",
    returns="one number",
    hints=(
        "First the contributions: each column's step from the row before, times its "
        "weight.",
        "`(X - np.roll(X, 1, axis=0)) * w` has the shape of X. Keep the chosen "
        "columns, square, add up along the row.",
        "`np.mean((((X - np.roll(X, 1, axis=0)) * w)[:, columns] ** 2).sum(axis=1))`",
    ),
)


def _check_where_to_stop(answer: Callable[..., Any]) -> None:
    accuracy, cost = (
        np.array([0.80, 0.795, 0.785, 0.70]),
        np.array([20.0, 9.0, 3.0, 0.1]),
    )
    result = answer(accuracy, cost, 0.02)
    require(
        isinstance(result, int | np.integer) and not isinstance(result, bool),
        f"return a position, a whole number; got {result!r}",
    )
    require(
        result != 3,
        "the last network discriminates least and loses 10 points; only 2 may be lost",
    )
    require(
        result == 2,
        "networks 0, 1 and 2 lose at most 2 points, and of these number 2 costs "
        f"least; you chose {result}",
    )
    require(
        answer(accuracy, cost, 0.0) == 0,
        "where nothing may be lost, only networks as good as the first remain",
    )
    turned = answer(accuracy, np.array([20.0, -0.5, -8.0, 0.1]), 0.02)
    require(
        turned == 1,
        "a cost of -8 is discrimination too, the other way round: compare sizes, and "
        "take the one nearest to zero",
    )
    better = answer(np.array([0.80, 0.82, 0.79]), np.array([20.0, 5.0, 9.0]), 0.005)
    require(
        better == 1,
        "a network that is better than the first one loses nothing and is allowed",
    )
    below = np.array([0.75, 0.875, 0.5, 0.25])
    costs = np.array([20.0, 5.0, 3.0, 1.0])
    least = answer(below, costs, 0.25)
    require(
        least != 1,
        "what is lost counts from the first network, not from the best one, and a "
        "network that loses just as much as may be lost is allowed",
    )
    require(
        least == 2,
        "from 0.75 at most 0.25 may be lost, so 0.5 is allowed and 0.25 is not; you "
        f"chose network {least}",
    )
    require(
        answer(np.array([0.8, 0.782]), np.array([2.0, 1.0]), 0.02) == 1,
        "from 0.8 to 0.782 less than 0.02 is lost: `most` is a difference, not a share "
        "of the first accuracy",
    )


where_to_stop = Exercise(
    name="Where to stop",
    checker=_check_where_to_stop,
    takes="accuracy, cost, most",
    returns="one number",
    hints=(
        "Two steps: which networks are allowed, and which of them costs least?",
        "Allowed is `accuracy >= accuracy[0] - most`. Give the others an infinite "
        "cost, then look for the least.",
        "`int(np.argmin(np.where(accuracy >= accuracy[0] - most, np.abs(cost), "
        "np.inf)))`",
    ),
)
