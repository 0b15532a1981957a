"""Right and wrong answers, and alterations: insurance audit."""

from __future__ import annotations

from typing import Any

import numpy as np


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


def _within(answer: Any, limits: Any) -> bool:
    return all(low <= answer[c] <= high for c, (low, high) in limits.items())


def _drawn_with_replacement(
    score: Any, labels: Any, clusters: Any, n: int, rng: Any
) -> float:
    seen = score(labels, clusters)
    null = [score(rng.choice(labels, len(labels)), clusters) for _ in range(n)]
    return float((1 + sum(s >= seen for s in null)) / (n + 1))


def _two_sided(score: Any, labels: Any, clusters: Any, n: int, rng: Any) -> float:
    seen = score(labels, clusters)
    null = np.array([score(rng.permutation(labels), clusters) for _ in range(n)])
    far = abs(null - null.mean()) >= abs(seen - null.mean())
    return float((1 + far.sum()) / (n + 1))


HONEST = {
    "good_ones_refused": (
        lambda good, accepted, group: {
            g: 1 - accepted[np.logical_and(good, group == g)].mean()
            for g in set(group.tolist())
        },
    ),
    "by_chance": (
        lambda score, labels, clusters, n, rng: float(
            np.mean(
                [
                    score(labels, clusters) <= score(x, clusters)
                    for x in [labels, *_shuffles(labels, n, rng)]
                ]
            )
        ),
    ),
    "may_be_told": (
        lambda she, answer, limits: (
            not [
                c
                for c in she
                if she[c] != answer[c]
                and not (c in limits and limits[c][0] <= answer[c] <= limits[c][1])
            ]
        ),
    ),
}

WRONG = {
    "good_ones_refused": {
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
    "by_chance": {
        "never counts the table": lambda *a: _test(*a, plus=0),
        "counts the smaller ones": lambda *a: _test(*a, low=True),
        "ties do not count": lambda *a: _test(*a, strict=True),
        "ignores the generator": lambda score, labels, clusters, n, _: _test(
            score, labels, clusters, n, np.random.default_rng()
        ),
        "returns the list": lambda score, labels, clusters, n, rng: [
            score(rng.permutation(labels), clusters) for _ in range(n)
        ],
        "with replacement": _drawn_with_replacement,
        "further from the mean": _two_sided,
    },
    "may_be_told": {
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
}

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
        "target=1, actionable=actionable, choices=choices, scales=scales,",
        "target=1, scales=scales,",
    ),
    "the diagonal had been left alone": ("epsilon = 1e-4", "epsilon = 0.0"),
}
