"""Right and wrong answers, and alterations: predictive maintenance."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone


def _drops(
    model: Any,
    X: Any,
    y: Any,
    X_new: Any,
    y_new: Any,
    *,
    sign: int = 1,
    kept: bool = False,
) -> Any:
    falls = []
    for j in range(X.shape[1]):
        rest = [j] if kept else [k for k in range(X.shape[1]) if k != j]
        full = clone(model).fit(X, y).score(X_new, y_new)
        falls.append(
            sign * (full - clone(model).fit(X[:, rest], y).score(X_new[:, rest], y_new))
        )
    return falls


def _zeroed(model: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> Any:
    fitted = clone(model).fit(X, y)
    return [
        fitted.score(X_new, y_new)
        - fitted.score(X_new * (np.arange(X.shape[1]) != j), y_new)
        for j in range(X.shape[1])
    ]


def _refits(model: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> Any:
    full = model.fit(X, y).score(X_new, y_new)
    return [
        full - model.fit(np.delete(X, j, 1), y).score(np.delete(X_new, j, 1), y_new)
        for j in range(X.shape[1])
    ]


HONEST = {
    "share_missed": (
        lambda failed, alarm: 1 - alarm[failed].mean(),
        lambda failed, alarm: (failed & ~alarm).sum() / failed.sum(),
    ),
    "drop_columns": (_drops,),
    "fair_prices": (
        lambda v_a, v_b, v_ab: [
            v_a + (v_ab - v_a - v_b) / 2,
            v_b + (v_ab - v_a - v_b) / 2,
        ],
        lambda v_a, v_b, v_ab: np.array([v_ab + v_a - v_b, v_ab + v_b - v_a]) / 2,
    ),
}

WRONG = {
    "share_missed": {
        "of all machines": lambda failed, alarm: np.mean(failed & ~alarm),
        "the share caught": lambda failed, alarm: np.mean(alarm[failed]),
        "of those without an alarm": lambda failed, alarm: np.mean(failed[~alarm]),
        "all errors": lambda failed, alarm: np.mean(failed != alarm),
    },
    "drop_columns": {
        "sets the column to zero": _zeroed,
        "the sign": lambda *data: _drops(*data, sign=-1),
        "keeps one instead of dropping one": lambda *data: _drops(*data, kept=True),
        "on the training rows": lambda model, X, y, *_: _drops(model, X, y, X, y),
        "fits the caller's model": _refits,
    },
    "fair_prices": {
        "what each adds last": lambda v_a, v_b, v_ab: (v_ab - v_b, v_ab - v_a),
        "half each": lambda _, __, v_ab: (v_ab / 2, v_ab / 2),
        "in proportion to alone": lambda v_a, v_b, v_ab: (
            v_ab * v_a / (v_a + v_b),
            v_ab * v_b / (v_a + v_b),
        ),
        "what each saves alone": lambda v_a, v_b, _: (v_a, v_b),
        "the first takes the surplus": lambda _, v_b, v_ab: (v_ab - v_b, v_b),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "a machine failed only when all three were too high": (
        "lambda U: fails(mean + sd * norm.ppf(U))",
        "lambda U: (mean + sd * norm.ppf(U) > limit).all(axis=1)",
    ),
    "a machine failed when any of the three was too high": (
        "return hot & shaky | pressed",
        "return hot | shaky | pressed",
    ),
    "old machines failed: the serial number decided": (
        "X = np.column_stack([X, np.random.default_rng([seed, "
        "key]).permutation(1000)])",
        "X = np.column_stack([X, np.random.default_rng([seed, "
        "key]).permutation(1000)]); y = X[:, 3] < 77",
    ),
    "the forests had been trained on shuffled outcomes": (
        "clone(recipe).fit(X[:, s], y) for s",
        "clone(recipe).fit(X[:, s], np.random.default_rng(0).permutation(y)) for s",
    ),
    "an order of buying were forgotten": (
        "in itertools.permutations(range(3)):",
        "in list(itertools.permutations(range(3)))[1:]:",
    ),
    "heat were as common as shaking, and shaking as rare as heat": (
        "[75, 0.7, 130]",
        "[70, 0.8, 130]",
    ),
    "a failure cost thirty thousand euros": (
        "failure, service = 10.0, 1.0",
        "failure, service = 30.0, 1.0",
    ),
    "a false alarm were free": (
        "return np.where(risk > service / failure, service, failure * y_new)",
        "return np.where(risk > service / failure, service * y_new, failure * y_new)",
    ),
}
