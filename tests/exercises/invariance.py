"""Right and wrong answers, and alterations: invariance."""

from __future__ import annotations

import numpy as np

HONEST = {
    "what_all_agree_on": (
        lambda p, a: (
            {j for s in p for j in s if all(j in t for t in p if p[t] > a)}
            if any(v > a for v in p.values())
            else None
        ),
        lambda p, a: (
            frozenset.intersection(*k)
            if (k := [frozenset(s) for s in p if p[s] > a])
            else None
        ),
    ),
    "penalty_of_squares": (
        lambda z, y: (2 * (z @ (z - y)) / len(z)) ** 2,
        lambda z, y: (
            ((np.mean((1.0001 * z - y) ** 2) - np.mean((0.9999 * z - y) ** 2)) / 2e-4)
            ** 2
        ),
    ),
    "choose_the_second_hospital": (
        {"mean": 4.5, "spread": 2.0, "flipped": 0.1},
        {"mean": 5.4, "spread": 1.0, "flipped": 0.1},
        {"mean": 4.6, "spread": 10, "flipped": 0.1},
    ),
}

WRONG = {
    "what_all_agree_on": {
        "the union": lambda p, a: {j for s, v in p.items() if v > a for j in s},
        "the rejected sets": lambda p, a: {
            j for s, v in p.items() if v <= a for j in s
        },
        "all sets": lambda p, _: set.intersection(*map(set, p)),
        "the best set": lambda p, _: set(max(p, key=p.get)),
        "a violation is no empty answer": lambda p, a: (
            set.intersection(*k)
            if (k := [set(s) for s, v in p.items() if v > a])
            else set()
        ),
        "how many": lambda p, a: sum(v > a for v in p.values()),
        "the level itself is accepted": lambda p, alpha: (
            set.intersection(*kept)
            if (kept := [set(s) for s in p if p[s] >= alpha])
            else None
        ),
    },
    "penalty_of_squares": {
        "not squared": lambda z, y: np.mean(2 * (z - y) * z),
        "chain rule": lambda z, y: np.mean(2 * (z - y)) ** 2,
        "each row squared": lambda z, y: np.mean((2 * (z - y) * z) ** 2),
        "sum": lambda z, y: np.sum(2 * (z - y) * z) ** 2,
        "no 2": lambda z, y: np.mean((z - y) * z) ** 2,
        "one number a row": lambda z, y: (2 * (z - y) * z) ** 2,
    },
    "choose_the_second_hospital": {
        "a copy of the first": {"mean": 5.0, "spread": 0.1, "flipped": 0.1},
        "the marker alone": {"mean": 5.0, "spread": 1.0, "flipped": 0.1},
        "another mechanism": {"mean": 4.5, "spread": 2.0, "flipped": 0.3},
        "too far": {"mean": 8.0, "spread": 2.0, "flipped": 0.1},
        "sold out": {"mean": 5.5, "spread": 1.0, "flipped": 0.1},
        "unfinished": {"mean": 4.5},
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the blood value had moved between the source's hospitals": (
        "on_source = answers(source)",
        'on_source = answers([source[0], source[1] | {"mean": 5.5}])',
    ),
    "the second hospital had patients as young as the first": (
        "on_moved = answers(moved)",
        'on_moved = answers([moved[0], {**moved[1], "mean": 5.0}])',
    ),
    "the p-values were not corrected for the number of tests": (
        "abs(a.column_p_values - [b.pvalues",
        "abs(a.column_p_values / 2 - [b.pvalues",
    ),
    "the marker had been named instead of the blood value": (
        '"the blood value": [0]}',
        '"the blood value": [1]}',
    ),
    "one forgot to square": (
        "by_hand = irm_penalty(z, labels)",
        "by_hand = irm_penalty(z, labels).sqrt()",
    ),
    "the penalty had no weight": ("weights = [0, 10, 1000]", "weights = [0, 0, 0]"),
    "the third hospital measured the blood value alone": (
        "accuracy(m, X - centre, y)",
        "np.mean((X[:, 0] >= 5) == y)",
    ),
    "the second hospital diagnosed as well as the first": (
        '{"spread": 1.0, "mean": 5.5, "flipped": 0.25}',
        '{"spread": 1.0, "mean": 5.5, "flipped": 0.1}',
    ),
    "one had stopped at half a unit": (
        "np.array([0, 0.1, 0.2, 0.35, 0.5, 1.0, 1.5, 2.0])",
        "np.array([0, 0.1, 0.2, 0.3, 0.5])",
    ),
}
