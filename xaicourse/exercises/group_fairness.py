"""Exercises of the notebook on group fairness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require

Rates = Callable[[Any, Any, Any], Mapping[Any, float]]


def _check_false_negatives(answer: Rates) -> None:
    y = [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0]
    said = [0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0]
    groups = ["a"] * 6 + ["b"] * 6
    found = answer(y, said, groups)
    require(
        set(found) == {"a", "b"},
        f"expected one rate for each of the groups a and b; got {sorted(found)}",
    )
    a, b = float(found["a"]), float(found["b"])
    require(
        not np.isclose(a, 0.75),
        "group a: you count those who were found; asked for are those who were missed",
    )
    require(
        not np.isclose(a, 1 / 6),
        "group a: one of *four* with y = 1 was missed; the rows with y = 0 do not "
        "count",
    )
    require(
        not np.isclose(a, 0.5),
        "group a: a share of those with said = 0; take it of those with y = 1",
    )
    require(
        not np.isclose(a, b),
        "the two groups have other rates than each other: is each computed from its "
        "own rows alone?",
    )
    require(
        np.isclose(a, 0.25) and np.isclose(b, 0.5),
        f"expected 0.25 for a and 0.5 for b; got {a:.3f} and {b:.3f}",
    )
    others = answer(y, said, ["b"] * 6 + ["c"] * 6)
    require(
        set(others) == {"b", "c"} and np.isclose(float(others["b"]), 0.25),
        "another table has other groups: take them from groups",
    )


false_negatives = Exercise(
    name="A rate that you need",
    checker=_check_false_negatives,
    takes="y, said, groups",
    returns="a dictionary of numbers",
    hints=(
        "Who is counted: the rows of the group with `y = 1`. What is counted among "
        "them: `said = 0`.",
        "`(groups == g) & (y == 1)` picks the rows; `np.mean(said[...] == 0)` is a "
        "share.",
        "`{g: np.mean(said[(groups == g) & (y == 1)] == 0) for g in "
        "np.unique(groups)}`, with arrays.",
    ),
)


def _check_precision_left(answer: Callable[[float, float, float], float]) -> None:
    even = float(answer(0.5, 0.6, 0.2))
    require(0 <= even <= 1, f"a precision lies between 0 and 1; got {even:.3f}")
    require(
        np.isclose(even, 0.75),
        "of 100 people half are positive: 30 are rightly called risky and 10 wrongly, "
        f"so 0.75; got {even:.3f}",
    )
    rare = float(answer(0.2, 0.6, 0.2))
    require(
        not np.isclose(rare, even),
        "in a group with another base rate the precision is another, with the same "
        "error rates: that is the point",
    )
    require(
        np.isclose(rare, 3 / 7),
        "of 100 people 20 are positive: 12 rightly and 16 wrongly called risky, so "
        f"0.429; got {rare:.3f}",
    )
    require(
        np.isclose(float(answer(0.3, 0.7, 0.0)), 1),
        "without false alarms everyone called risky is positive",
    )


precision_left = Exercise(
    name="The price of equal error rates",
    checker=_check_precision_left,
    takes="p, true_positive_rate, false_positive_rate",
    returns="one number",
    hints=(
        "Take a group of 100 people. How many are called risky rightly, and how many "
        "wrongly?",
        "Rightly: $p$ times the true positive rate. Wrongly: $(1 - p)$ times the "
        "false positive rate.",
        "`p * tpr / (p * tpr + (1 - p) * fpr)`",
    ),
)
