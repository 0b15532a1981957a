"""Right and wrong answers, and alterations: anomaly detection."""

from __future__ import annotations

from typing import Any

import numpy as np


def _shift(X: Any, column: int, step: float) -> Any:
    shifted = X.copy()
    shifted[:, column] += step
    return shifted


def _in_place(score: Any, X: Any, column: int, step: float) -> float:
    before = score(X)
    X[:, column] += step
    return float(np.mean(score(X) != before))


HONEST = {
    "two_shares": (
        lambda none, first, second, both: (
            np.array([first - second, second - first]) / 2 + (both - none) / 2
        ),
        lambda none, first, second, both: [
            0.5 * (first - none) + 0.5 * (both - second),
            0.5 * (second - none) + 0.5 * (both - first),
        ],
    ),
    "wide_enough": (
        lambda score, X, column, step: np.mean(
            abs(score(X + step * np.eye(X.shape[1])[column]) - score(X)) > 0
        ),
        lambda score, X, column, step: (
            sum(score(_shift(X, column, step)) != score(X)) / len(X)
        ),
    ),
}

WRONG = {
    "two_shares": {
        "one order": lambda none, first, _, both: (first - none, both - first),
        "the other order": lambda none, _, second, both: (both - second, second - none),
        "each alone": lambda none, first, second, _: (first - none, second - none),
        "halves": lambda none, _first, _second, both: (
            (both - none) / 2,
            (both - none) / 2,
        ),
        "exchanged": lambda none, first, second, both: (
            (second - none + both - first) / 2,
            (first - none + both - second) / 2,
        ),
        "forgets the ordinary score": lambda _, first, second, both: (
            (first + both - second) / 2,
            (second + both - first) / 2,
        ),
    },
    "wide_enough": {
        "changes the caller's data": _in_place,
        "counts rows": lambda score, X, column, step: np.sum(
            score(_shift(X, column, step)) != score(X)
        ),
        "shifts every column": lambda score, X, _, step: np.mean(
            score(X + step) != score(X)
        ),
        "counts rises only": lambda score, X, column, step: np.mean(
            score(_shift(X, column, step)) > score(X)
        ),
        "takes the mean change": lambda score, X, column, step: np.mean(
            abs(score(_shift(X, column, step)) - score(X))
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the score were smooth": (
        "score = detector(X, 42 + seed)",
        "score = lambda rows: np.linalg.norm(rows, axis=1)",
    ),
    "the second feature were written down in a unit three times smaller": (
        "again = slide_data(np.random.default_rng([seed, draw]))",
        "again = slide_data(np.random.default_rng([seed, draw])) * [1, 3]",
    ),
    "only one of the two orders were counted": (
        "shares = np.column_stack([first - none + both - second, second - none + both "
        "- first]) / 2",
        "shares = np.column_stack([first - none, both - first])",
    ),
    "the alarm and the ordinary rows had been exchanged": (
        "in ([], [0], [1], [0, 1]))",
        "in ([0, 1], [1], [0], []))",
    ),
    "nothing were wrong with the disk": (
        "rows[n:, culprit] += 3 *",
        "rows[n:, culprit] += 0 *",
    ),
    "the measurement with the smallest share had been kept": (
        "best = int(np.argmax(by_shapley[k]))",
        "best = int(np.argmin(by_shapley[k]))",
    ),
}
