"""Exercises of the insurance audit, and the alterations under which its claims fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require


def _check_good_ones_refused(answer: Callable[..., Any]) -> None:
    good = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    accepted = np.array([0, 1, 1, 1, 1, 0, 0, 0, 1, 0])
    group = np.array(["a", "a", "a", "a", "a", "b", "b", "b", "b", "b"])
    result = answer(good, accepted, group)
    require(
        isinstance(result, dict),
        f"return a dictionary, a share for each group; got {type(result).__name__}",
    )
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
        "you counted which of the refused were good; the question is which of the good "
        "were refused",
    )
    require(
        np.allclose([a, b], [0.25, 1.0]),
        f"1 of 4 good customers of group a is refused, 0.25, and 2 of 2 of group b, 1. "
        f"You found {a:.3g} and {b:.3g}",
    )
    only = answer(good[:4], accepted[:4], group[:4])
    require(
        set(only) == {"a"},
        "another table has other groups: take them from group, not from memory",
    )


good_ones_refused = Exercise(
    name="Good ones refused",
    checker=_check_good_ones_refused,
    hints=(
        "Which customers is the share of? Only those whom the company should have "
        "wanted.",
        "For one group: take the rows with `good == 1` and `group == g`, and average "
        "whether `accepted` is 0 there.",
        "`{g: np.mean(accepted[(good == 1) & (group == g)] == 0) for g in "
        "np.unique(group)}`",
    ),
    honest=(
        lambda good, accepted, group: {
            g: 1 - accepted[np.logical_and(good, group == g)].mean()
            for g in set(group.tolist())
        },
    ),
    wrong={
        "share of all customers": lambda good, accepted, group: {
            g: np.mean(((good == 1) & (accepted == 0))[group == g])
            for g in np.unique(group)
        },
        "share of the refused": lambda good, accepted, group: {
            g: np.mean(good[(accepted == 0) & (group == g)]) for g in np.unique(group)
        },
        "good ones accepted": lambda good, accepted, group: {
            g: np.mean(accepted[(good == 1) & (group == g)]) for g in np.unique(group)
        },
        "one number for all": lambda good, accepted, _: float(
            np.mean(accepted[good == 1] == 0)
        ),
        "groups by heart": lambda good, accepted, group: {
            g: np.mean(accepted[(good == 1) & (group == g)] == 0)
            if (group == g).any()
            else 0.0
            for g in ("a", "b")
        },
    },
)


def _overlap(labels: Any, clusters: Any) -> float:
    return float(np.mean(np.asarray(labels) == np.asarray(clusters)))


def _check_by_chance(answer: Callable[..., Any]) -> None:
    labels = np.repeat([0, 1], 20)
    kept = labels.copy()
    perfect = answer(_overlap, labels, labels, 99, np.random.default_rng(0))
    require(
        isinstance(perfect, int | float | np.floating),
        f"return one number, a share; got {type(perfect).__name__}",
    )
    require(
        np.array_equal(labels, kept),
        "the caller's labels have changed: shuffle a copy (rng.permutation makes one)",
    )
    require(
        perfect > 0,
        "the answer is 0, as if such a match were impossible: count the table you have "
        "as one of n + 1",
    )
    require(
        perfect < 0.5,
        f"a perfect match is rarer than almost any shuffled one, but you say "
        f"{perfect:.2f}: which side did you count?",
    )
    require(
        abs(perfect - 0.01) < 1e-9,
        f"with 99 shuffles, none as good, the share is 1 of 100; you found "
        f"{perfect:.4f}",
    )
    always = answer(lambda *_: 1.0, labels, labels, 9, np.random.default_rng(0))
    require(
        abs(always - 1) < 1e-9,
        f"where every shuffle scores the same as the table, all are at least as "
        f"extreme: 1; you found {always:.2f}",
    )
    again = [
        answer(_overlap, labels, np.roll(labels, 8), 50, np.random.default_rng(3))
        for _ in range(2)
    ]
    require(
        again[0] == again[1],
        "the same generator must give the same answer: draw with rng, not with "
        "np.random",
    )


def _test(
    score: Any,
    labels: Any,
    clusters: Any,
    n: int,
    rng: Any,
    *,
    strict: bool = False,
    plus: int = 1,
    low: bool = False,
) -> float:
    seen = score(labels, clusters)
    null = np.array([score(rng.permutation(labels), clusters) for _ in range(n)])
    hits = null <= seen if low else (null > seen if strict else null >= seen)
    return float((plus + hits.sum()) / (n + plus))


def _shuffles(labels: Any, n: int, rng: Any) -> list[Any]:
    return [rng.permutation(labels) for _ in range(n)]


by_chance = Exercise(
    name="How often by chance?",
    checker=_check_by_chance,
    hints=(
        "What would the score be if labels and clusters had nothing to do with one "
        "another? Shuffling makes it so.",
        "Compare `score(rng.permutation(labels), clusters)`, n times, with the score "
        "you have; ties count.",
        "`(1 + sum(s >= seen for s in null)) / (n + 1)`",
    ),
    honest=(
        lambda score, labels, clusters, n, rng: float(
            np.mean(
                [
                    score(labels, clusters) <= score(x, clusters)
                    for x in [labels, *_shuffles(labels, n, rng)]
                ]
            )
        ),
    ),
    wrong={
        "never counts the table": lambda *a: _test(*a, plus=0),
        "counts the smaller ones": lambda *a: _test(*a, low=True),
        "ties do not count": lambda *a: _test(*a, strict=True),
        "ignores the generator": lambda score, labels, clusters, n, _: _test(
            score, labels, clusters, n, np.random.default_rng()
        ),
        "returns the list": lambda score, labels, clusters, n, rng: [
            score(rng.permutation(labels), clusters) for _ in range(n)
        ],
    },
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
        before = dict(she)
        result = answer(she, she | change, limits)
        require(
            isinstance(result, bool | np.bool_), f"return True or False; got {result!r}"
        )
        require(
            she == before, "the customer's own values have changed: only compare them"
        )
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


def _within(answer: Any, limits: Any) -> bool:
    return all(low <= answer[c] <= high for c, (low, high) in limits.items())


may_be_told = Exercise(
    name="May she be told?",
    checker=_check_may_be_told,
    hints=(
        "First list the columns that differ. Everything you have to check concerns "
        "them alone.",
        "A changed column has to be a key of `limits`, and its new value between the "
        "two ends.",
        "`all(c in limits and limits[c][0] <= answer[c] <= limits[c][1] for c in "
        "changed)`",
    ),
    honest=(
        lambda she, answer, limits: (
            not [
                c
                for c in she
                if she[c] != answer[c]
                and not (c in limits and limits[c][0] <= answer[c] <= limits[c][1])
            ]
        ),
    ),
    wrong={
        "looks at limits only": lambda _, answer, limits: _within(answer, limits),
        "looks at names only": lambda she, answer, limits: all(
            c in limits for c in she if she[c] != answer[c]
        ),
        "leaves out the ends": lambda she, answer, limits: all(
            c in limits and limits[c][0] < answer[c] < limits[c][1]
            for c in she
            if she[c] != answer[c]
        ),
        "any instead of all": lambda she, answer, limits: any(
            c in limits and limits[c][0] <= answer[c] <= limits[c][1]
            for c in she
            if she[c] != answer[c]
        ),
        "checks what did not change too": lambda she, answer, limits: (
            all(c in limits for c in she if she[c] != answer[c])
            and _within(answer, limits)
        ),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the minority had paid twice as much": (
        "r = claims[rows].sum() / premium[rows].sum()",
        "r = claims[rows].sum() / premium[rows].sum() / (1 + "
        "religion[test][rows].mean())",
    ),
    "the network's answers had been handed to the wrong customers": (
        "right = ((p_box > 0.5) == accepted)[test]",
        "right = ((p_box[::-1] > 0.5) == accepted)[test]",
    ),
    "the two had been compared on the network's answers to other customers": (
        "box_says = p_box[test] > 0.5\nagree",
        "box_says = np.random.default_rng(0).permutation(p_box[test] > 0.5)\nagree",
    ),
    "the importances of the data's trees stood for all three": (
        "pd.DataFrame(importance, index=customers.columns)",
        'pd.DataFrame(dict.fromkeys(ask, importance["trees fitted to the data"]), '
        "index=customers.columns)",
    ),
    "religion had been drawn by lot": (
        "hidden = religion\n",
        "hidden = np.random.default_rng(0).permutation(religion)\n",
    ),
    "the clusters had been dealt out at random": (
        '"religion": (religion, found), "politics": (politics, camp),',
        '"religion": (religion, rng.permutation(found)), "politics": (politics, '
        "rng.permutation(camp)),",
    ),
    "the groups had been drawn by lot": (
        "in_group = religion[test]",
        "in_group = np.random.default_rng(0).permutation(religion[test])",
    ),
    "the audit had been told nothing about age and health": (
        'may_decide = ["age", "smoker", "bmi", "blood_pressure", "chronic", '
        '"exercise", "deductible", "education"]',
        'may_decide = ["education"]',
    ),
    "the auditor had compared the groups whatever their age": (
        "bins = age.astype(int) // 5",
        "bins = age.astype(int) // 100",
    ),
    "every column had been free to change": (
        "target=1, actionable=actionable, ranges=(low, high), scales=scales,",
        "target=1, scales=scales,",
    ),
    "the diagonal had been left alone": ("epsilon = 1e-4", "epsilon = 0.0"),
}
