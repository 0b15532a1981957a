"""Right and wrong answers, and alterations: boosted baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from xaicourse.exercises.boosted_baseline import _kappa
from xaicourse.fairness import quadratic_weighted_kappa


def _by_definition(actual: Any, predicted: Any) -> float:
    a, p = np.asarray(actual), np.asarray(predicted)
    return float(1 - np.mean((a - p) ** 2) / np.mean((a[:, None] - p[None, :]) ** 2))


def _mended(scores: Any, offsets: Any) -> Any:
    part = np.clip(np.trunc(scores).astype(int), 1, 8)
    return np.clip(np.rint(scores + np.asarray(offsets)[part - 1]), 1, 8)


def _loop(scores: Any, offsets: Any) -> Any:
    shifted = np.array(scores, float)
    for j in range(8):
        shifted[scores.astype(int) == j] = scores[scores.astype(int) == j] + offsets[j]
    return np.clip(np.rint(shifted), 1, 8)


def _in_place(scores: Any, offsets: Any) -> NDArray[np.float64]:
    scores += np.asarray(offsets)[np.clip(scores.astype(int), 1, 8) - 1]
    np.clip(np.rint(scores, out=scores), 1, 8, out=scores)
    return np.asarray(scores)


def _looped_right(scores: Any, offsets: Any) -> list[int]:
    return [
        int(np.clip(round(float(s + offsets[min(max(int(s), 1), 8) - 1])), 1, 8))
        for s in scores
    ]


def _chosen(on: str, scored: str) -> Callable[[Any, Any], float]:
    return lambda scores, actual: _kappa(scores, actual, on, scored)


HONEST = {
    "kappa_by_hand": (
        _by_definition,
        lambda a, p: float(
            2
            * np.cov(a, p, ddof=0)[0, 1]
            / (np.var(a) + np.var(p) + (np.mean(a) - np.mean(p)) ** 2)
        ),
    ),
    "mend_the_loop": (_mended, _looped_right),
    "honest_score": (_chosen("validation", "test"),),
}

WRONG = {
    "kappa_by_hand": {
        "linear weights": lambda a, p: float(
            1 - np.mean(abs(a - p)) / np.mean(abs(a[:, None] - p[None, :]))
        ),
        "no weights": lambda a, p: float(
            1 - np.mean(a != p) / np.mean(a[:, None] != p[None, :])
        ),
        "accuracy": lambda a, p: float(np.mean(a == p)),
        "ranks of the classes that occur": lambda a, p: float(
            cohen_kappa_score(a, p, weights="quadratic")
        ),
        "compares with the variance of the actual classes": lambda a, p: float(
            1 - np.mean((a - p) ** 2) / np.var(a)
        ),
    },
    "mend_the_loop": {
        "the loop as it was": _loop,
        "writes into the caller's scores": _in_place,
        "does not stop at 8": lambda s, o: np.rint(
            s + np.asarray(o)[np.clip(s.astype(int), 1, 8) - 1]
        ),
        "cuts the decimals off": lambda s, o: np.clip(
            (s + np.asarray(o)[np.clip(s.astype(int), 1, 8) - 1]).astype(int), 1, 8
        ),
        "rounds before it looks up": lambda s, o: np.clip(
            np.rint(s + np.asarray(o)[np.clip(np.rint(s).astype(int), 1, 8) - 1]), 1, 8
        ),
        "off by one": lambda s, o: np.clip(
            np.rint(s + np.asarray(o)[np.clip(s.astype(int), 0, 7)]), 1, 8
        ),
    },
    "honest_score": {
        "chooses and scores on the test rows": _chosen("test", "test"),
        "scores where it chose": _chosen("validation", "validation"),
        "as in the source": _chosen("train", "train"),
        "chooses on the training rows": _chosen("train", "test"),
        "forgets the cut-offs": lambda s, a: quadratic_weighted_kappa(
            a["test"], np.clip(np.rint(s["test"]), 1, 8)
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "scales were taken from all rows": (
        "train=parts.train, scaled=True",
        "train=np.arange(len(y)), scaled=True",
    ),
    "the distances were not squared": (
        "weights = (i - j) ** 2",
        "weights = abs(i - j)",
    ),
    "training rows stood in for the test rows": (
        'ordinal_scores(actual["test"], {"rounded": rounded["test"]}',
        'ordinal_scores(actual["train"], {"rounded": rounded["train"]}',
    ),
    "a miss by one class counted as right": (
        "rounded[part] == actual[part]",
        "abs(rounded[part] - actual[part]) <= 1",
    ),
    "the thresholds were not used": (
        '"thresholds": cut.classes(scores["test"]),',
        '"thresholds": rounded["test"],',
    ),
    "the loop ran over the parts 1 to 8": (
        """for j in range(8):
        shifted[part == j] = scores[part == j] + offsets[j]""",
        """for j in range(1, 9):
        shifted[part == j] = scores[part == j] + offsets[j - 1]""",
    ),
    "the credit were dealt out by lot": (
        "index=features.columns, dtype=float)",
        "index=np.random.default_rng(1).permutation(features.columns), dtype=float)",
    ),
    "the groups were drawn by lot": (
        "protected = data.truth.group[parts.test]",
        "protected = np.random.default_rng(1).permutation("
        "data.truth.group[parts.test])",
    ),
}
