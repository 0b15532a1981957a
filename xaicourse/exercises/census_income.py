"""Exercises of the notebook on the census."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded

Answer = Callable[..., Any]


def _check_how_many_rows(answer: Answer) -> None:
    result = answer(0.85, 0.01)
    require(
        float(result) == int(result),
        f"there are no fractions of rows: round up; got {rounded(result)}",
    )
    four_times = answer(0.85, 0.005) / result
    require(
        abs(four_times - 4) < 0.01,
        "half the width needs four times the rows (the error falls with their root); "
        f"yours: {four_times:.2f} times",
    )
    require(
        answer(0.5, 0.01) > result,
        "an accuracy of one half is harder to pin down than one of 0.85: the variance "
        "of a coin is p (1 - p)",
    )
    for share, width in ((0.85, 0.01), (0.9, 0.02), (0.3, 0.05)):
        expected = int(np.ceil(share * (1 - share) * (1.96 / width) ** 2))
        found = int(answer(share, width))
        require(
            found != expected - 1,
            f"for {share:g} within {width:g} {found:,} rows are not quite enough: "
            "round up",
        )
        require(
            found == expected,
            f"for {share:g} within {width:g} you need {expected:,} rows; got "
            f"{found:,}. Is your half-width 1.96 errors?",
        )


how_many_rows = Exercise(
    name="How many rows?",
    checker=_check_how_many_rows,
    takes="share, half_width",
    returns="one number",
    hints=(
        "Each row is a coin that lands on *right* with probability $p$. What is the "
        "variance of the mean of $n$ coins?",
        r"The half-width is $1.96 \sqrt{p (1 - p) / n}$. Solve for $n$.",
        "`np.ceil(share * (1 - share) * (1.96 / half_width) ** 2)`",
    ),
)


def _check_right_when_yes(answer: Answer) -> None:
    y = np.array([1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0])
    said = np.array([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]) == 1
    group = np.array(["a"] * 6 + ["b"] * 6)
    result = answer(y, said, group)
    require(
        set(result) == {"a", "b"},
        f"one entry per group, here a and b; got {sorted(map(str, result))}",
    )
    a, b = float(result["a"]), float(result["b"])
    require(
        not np.isclose(a, 3 / 4),
        "you divided by those who do earn more; the bank pays for those it says yes "
        "to, so divide by them",
    )
    require(
        not np.isclose(a, 2 / 5),
        "that is the share of offers that are wasted; return those that are not",
    )
    require(
        np.isclose(a, 3 / 5) and np.isclose(b, 1 / 4),
        "in a test with 5 offers in group a, 3 of them to high earners, and 4 in "
        f"group b, 1 of them to a high earner, expected 0.6 and 0.25; got {a:.2f} and "
        f"{b:.2f}. Look only at rows with said_yes, and average y there",
    )
    only = answer(y[6:], said[6:], group[6:])
    require(
        set(only) == {"b"} and np.isclose(float(only["b"]), 1 / 4),
        "another table has other groups: take them from group",
    )


right_when_yes = Exercise(
    name="Right when it says yes?",
    checker=_check_right_when_yes,
    takes="y, said_yes, group",
    returns="a dictionary of numbers",
    hints=(
        "Whom does the bank pay for? Only they belong into the denominator.",
        "Mask the rows twice: the group, and `said_yes`. What is the mean of `y` "
        "there?",
        "`{g: y[(group == g) & said_yes].mean() for g in np.unique(group)}`",
    ),
)


def _check_set_for_everyone(answer: Answer) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))

    def predict(rows: Any) -> Any:
        return rows[:, 0] ** 2 + 3 * rows[:, 1] + rows[:, 1] ** 2 * rows[:, 2] ** 2

    grid = np.array([-1.0, 0.0, 2.0])
    result = np.asarray(answer(predict, X, 0, grid))
    require(
        result.shape == (3,),
        f"expected one mean per grid value, shape (3,); got {result.shape}",
    )
    expected = grid**2 + (3 * X[:, 1] + X[:, 1] ** 2 * X[:, 2] ** 2).mean()
    require(
        np.allclose(np.diff(result), np.diff(expected)),
        "for a model x0² + ... the curve over x0 should rise and fall like x0², by "
        f"{rounded(np.diff(expected))}; yours changes by {rounded(np.diff(result))}",
    )
    require(
        np.allclose(result, expected),
        f"the shape is right, the level is not: expected {rounded(expected)}, got "
        f"{rounded(result)}; average the predictions over all rows, with their other "
        "columns as they are",
    )
    third = np.asarray(answer(predict, X, 2, grid[1:]))
    expected = (X[:, 0] ** 2 + 3 * X[:, 1]).mean() + grid[1:] ** 2 * (
        X[:, 1] ** 2
    ).mean()
    require(
        np.allclose(third, expected),
        f"over x2 the curve should be {rounded(expected)}; got {rounded(third)}",
    )


set_for_everyone = Exercise(
    name="Set it for everyone",
    checker=_check_set_for_everyone,
    takes="predict, X, column, grid",
    hints=(
        "One pass over the grid; in each, how many rows does the model see?",
        "Copy the table, overwrite one column of the copy with the value, predict all "
        "rows, take the mean.",
        "`changed = X.copy(); changed[:, column] = value; "
        "means.append(predict(changed).mean())`",
    ),
)
