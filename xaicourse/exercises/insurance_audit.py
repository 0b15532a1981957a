"""Exercises of the insurance audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded


def _check_good_ones_refused(answer: Callable[..., Any]) -> None:
    good = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    accepted = np.array([0, 1, 1, 1, 1, 0, 0, 0, 1, 0])
    group = np.array(["a", "a", "a", "a", "a", "b", "b", "b", "b", "b"])
    result = answer(good, accepted, group)
    require(
        set(result) == {"a", "b"},
        f"the groups are a and b; your dictionary has {sorted(map(str, result))}",
    )
    a, b = (float(result[g]) for g in "ab")
    require(
        not np.allclose([a, b], [1 / 5, 2 / 5]),
        "divide by the number of good customers of the group, and not by all of its "
        "customers",
    )
    require(
        not np.allclose([a, b], [1 / 2, 2 / 3]),
        "you counted which of the refused were good; the question is which of the "
        "good were refused",
    )
    require(
        np.allclose([a, b], [0.25, 1.0]),
        "1 of 4 good customers of group a is refused, 0.25, and 2 of 2 of group b, 1. "
        f"You found {rounded(a)} and {rounded(b)}",
    )
    only = answer(good[:4], accepted[:4], group[:4])
    require(
        set(only) == {"a"},
        "another table has other groups: take them from group, not from memory",
    )


good_ones_refused = Exercise(
    name="Good ones refused",
    checker=_check_good_ones_refused,
    takes="good, accepted, group",
    returns="a dictionary of numbers",
    hints=(
        "Which customers is the share of? Only those whom the company should have "
        "wanted.",
        "For one group: take the rows with `good == 1` and `group == g`, and average "
        "whether `accepted` is 0 there.",
        "`{g: np.mean(accepted[(good == 1) & (group == g)] == 0) for g in "
        "np.unique(group)}`",
    ),
)


def _overlap(labels: Any, clusters: Any) -> float:
    return float(np.mean(np.asarray(labels) == np.asarray(clusters)))


def _check_by_chance(answer: Callable[..., Any]) -> None:
    labels = np.repeat([0, 1], 20)
    perfect = answer(_overlap, labels, labels, 99, np.random.default_rng(0))
    require(
        perfect > 0,
        "the answer is 0, as if such a match were impossible: count the table you "
        "have as one of n + 1",
    )
    require(
        perfect < 0.5,
        "a perfect match is rarer than almost any shuffled one, but you say "
        f"{perfect:.2f}: which side did you count?",
    )
    require(
        abs(perfect - 0.01) < 1e-9,
        "with 99 shuffles, none as good, the share is 1 of 100; you found "
        f"{perfect:.4f}",
    )
    always = answer(lambda *_: 1.0, labels, labels, 9, np.random.default_rng(0))
    require(
        abs(always - 1) < 1e-9,
        "where every shuffle scores the same as the table, all are at least as "
        f"extreme: 1; you found {always:.2f}",
    )
    worst = answer(_overlap, labels, 1 - labels, 99, np.random.default_rng(0))
    require(
        worst == 1,
        "no match is worse than the opposite of one, so each shuffle is at least as "
        f"good: 1; you found {worst:.2f}. Extreme is a high score here, not a low one",
    )
    uneven = np.repeat([0, 1], [35, 5])
    seen: list[Any] = []

    def score(labels: Any, clusters: Any) -> float:
        seen.append(sorted(labels))
        return _overlap(labels, clusters)

    answer(score, uneven, uneven, 20, np.random.default_rng(0))
    require(
        all(some == sorted(uneven) for some in seen),
        "shuffled labels are the same labels in another order: five of forty, and not "
        "now four and now seven",
    )
    again = [
        # a single share of 50 is often the same by chance
        [
            answer(_overlap, labels, np.roll(labels, shift), 50, generator)
            for shift in range(5, 11)
        ]
        for generator in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    require(
        again[0] == again[1],
        "the same generator must give the same answer: draw with rng, not with "
        "np.random",
    )


by_chance = Exercise(
    name="How often by chance?",
    checker=_check_by_chance,
    takes="score, labels, clusters, n, rng",
    returns="one number",
    hints=(
        "What would the score be if labels and clusters had nothing to do with one "
        "another? Shuffling makes it so.",
        "Compare `score(rng.permutation(labels), clusters)`, n times, with the score "
        "you have; ties count.",
        "`(1 + sum(s >= seen for s in null)) / (n + 1)`",
    ),
)


def _check_may_be_told(answer: Callable[..., Any]) -> None:
    she: dict[str, float] = {"age": 30, "bmi": 29.0, "smoker": 1, "deductible": 0}
    limits = {"bmi": (18.5, 35), "smoker": (0, 1), "deductible": (0, 2000)}
    cases: list[tuple[dict[str, float], bool, str]] = [
        (
            {},
            True,
            "she is told nothing new: no column differs, so nothing speaks against it",
        ),
        ({"smoker": 0}, True, "a value at the end of its limits is within them"),
        (
            {"bmi": 25.0, "deductible": 2000},
            True,
            "both columns are actionable and within their limits",
        ),
        (
            {"age": 50},
            False,
            "age differs, and nobody can act on it: it is not in limits",
        ),
        ({"bmi": 15.0}, False, "a bmi of 15 lies below its limits"),
        (
            {"bmi": 25.0, "deductible": 5000},
            False,
            "each changed column has to lie within its limits, not only the first",
        ),
    ]
    for change, expected, why in cases:
        result = answer(she, she | change, limits)
        require(
            bool(result) == expected,
            f"for the change {change} you said {bool(result)}: {why}",
        )
    heavy = she | {"bmi": 40.0}
    require(
        bool(answer(heavy, heavy | {"smoker": 0}, limits)),
        "a column that does not differ may lie outside its limits: it is as she is, "
        "and nothing is asked of it",
    )


may_be_told = Exercise(
    name="May she be told?",
    checker=_check_may_be_told,
    takes="she, answer, limits",
    returns="True or False",
    hints=(
        "First list the columns that differ. Everything you have to check concerns "
        "them alone.",
        "A changed column has to be a key of `limits`, and its new value between the "
        "two ends.",
        "`all(c in limits and limits[c][0] <= answer[c] <= limits[c][1] for c in "
        "changed)`",
    ),
)
