"""Right and wrong answers, and alterations: environment shift."""

from __future__ import annotations

from typing import Any

import numpy as np

from xaicourse.causality import StructuralCausalModel


def _lost(predict: Any, X: Any, y: Any, shuffled: Any) -> float:
    return float(np.mean(predict(X) == y) - np.mean(predict(shuffled) == y))


def _with_column(X: Any, column: int, values: Any) -> Any:
    changed = X.copy()
    changed[:, column] = values
    return changed


def _in_place(predict: Any, X: Any, y: Any, column: int, rng: Any) -> float:
    right = np.mean(predict(X) == y)
    rng.shuffle(X[:, column])
    return float(right - np.mean(predict(X) == y))


HONEST = {
    "another_unit": (
        lambda weights, factors: [w / f for w, f in zip(weights, factors, strict=True)],
        lambda weights, factors: weights * (1 / factors),
    ),
    "shuffle_one_column": (
        lambda predict, X, y, column, rng: _lost(
            predict, X, y, _with_column(X, column, X[rng.permutation(len(X)), column])
        ),
    ),
    "turn_the_arrow": (
        StructuralCausalModel(
            {
                "x1": lambda noise: noise,
                "x2": lambda x1, noise: x1 + noise,
                "dose": lambda x2: 3 * x2,
                "y": lambda dose, x1, noise: dose + x1 + noise > 1,
            }
        ),
    ),
}

WRONG = {
    "another_unit": {
        "multiplies": lambda weights, factors: weights * factors,
        "changes nothing": lambda weights, _: weights,
        "divides all by the same number": lambda weights, factors: (
            weights / factors.mean()
        ),
        "takes sizes only": lambda weights, factors: abs(weights) / factors,
        "the score instead of the weights": lambda weights, factors: (
            weights @ (1 / factors)
        ),
        "sizes of the weights": lambda w, f: w / abs(f),
    },
    "shuffle_one_column": {
        "changes the caller's data": _in_place,
        "shuffles whole rows": lambda predict, X, y, _, rng: _lost(
            predict, X, y, rng.permutation(X)
        ),
        "sign the wrong way round": lambda predict, X, y, column, rng: (
            -_lost(
                predict, X, y, _with_column(X, column, rng.permutation(X[:, column]))
            )
        ),
        "draws new values": lambda predict, X, y, column, rng: _lost(
            predict, X, y, _with_column(X, column, rng.normal(size=len(X)))
        ),
        "returns what is left, not what is lost": lambda predict, X, y, column, rng: (
            float(
                np.mean(
                    predict(_with_column(X, column, rng.permutation(X[:, column]))) == y
                )
            )
        ),
        "ignores the generator": lambda predict, X, y, column, _: _lost(
            predict,
            X,
            y,
            _with_column(X, column, np.random.default_rng().permutation(X[:, column])),
        ),
        "share of errors afterwards": lambda predict, X, y, column, rng: float(
            np.mean(
                predict(_with_column(X, column, rng.permutation(X[:, column]))) != y
            )
        ),
    },
    "turn_the_arrow": {
        "the arrow still points the old way": StructuralCausalModel(
            {"y": lambda noise: noise > 0, "x2": lambda y, noise: y + 0.1 * noise}
        ),
        "a common cause instead of an arrow": StructuralCausalModel(
            {"x1": lambda noise: noise, "x2": lambda x1: x1, "y": lambda x1: x1 > 0}
        ),
        "the marker protects": StructuralCausalModel(
            {"x2": lambda noise: noise, "y": lambda x2, noise: x2 + noise < 0.5}
        ),
        "the disease is a number": StructuralCausalModel(
            {"x2": lambda noise: noise, "y": lambda x2, noise: x2 + noise}
        ),
        "too weak": StructuralCausalModel(
            {"x2": lambda noise: noise, "y": lambda x2, noise: 0.1 * x2 + noise > 0}
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "every hospital had the instrument of the first": (
        '"second": 1.0, "third": 10.0',
        '"second": 0.1, "third": 0.1',
    ),
    "the integral forgot the marker's spread": (
        "np.hypot(w2 * spread, w3)",
        "np.hypot(w2 * 0.1, w3)",
    ),
    "the second hospital's instrument were twice as bad": (
        '"second": 1.0',
        '"second": 2.0',
    ),
    "the home instrument were as coarse as the second": (
        '{"home": 0.1, ',
        '{"home": 1.0, ',
    ),
    "the marker were written down in a unit ten times smaller": (
        "lambda y, noise, spread: y + spread * noise",
        "lambda y, noise, spread: 10 * (y + spread * noise)",
    ),
    "the diagnoses were shuffled among the patients of every hospital": (
        'return rows[features].to_numpy(), rows["y"].to_numpy()',
        "return rows[features].to_numpy(), "
        'np.random.default_rng(seed).permutation(rows["y"].to_numpy())',
    ),
    "the arrow between the disease and the marker pointed the other way": (
        """"y": lambda x1: x1 >= 5,
        "x2": lambda y, noise, spread: y + spread * noise,""",
        """"y": lambda x2: x2 >= 0.5,
        "x2": lambda x1, noise, spread: (x1 >= 5) + spread * noise,""",
    ),
}
