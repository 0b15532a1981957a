"""Right and wrong answers, and alterations: why it matters."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

from xaicourse.exercises.why_it_matters import _error


def _lstsq(X: Any, y: Any, X_new: Any, y_new: Any, column: int) -> float:
    def error(A: Any, B: Any) -> float:
        A, B = (np.column_stack([np.ones(len(Z)), Z]) for Z in (A, B))
        return float(np.mean((y_new - B @ np.linalg.lstsq(A, y)[0]) ** 2))

    return error(
        np.delete(X, column, axis=1), np.delete(X_new, column, axis=1)
    ) - error(X, X_new)


def _cost(X: Any, y: Any, X_new: Any, y_new: Any, column: int, **options: Any) -> float:
    kept = np.delete(np.arange(X.shape[1]), column)
    return _error(X, y, X_new, y_new, kept, **options) - _error(
        X, y, X_new, y_new, np.arange(X.shape[1]), **options
    )


def _not_refitted(X: Any, y: Any, X_new: Any, y_new: Any, column: int) -> float:
    model, gone = LinearRegression().fit(X, y), X_new.copy()
    gone[:, column] = X[:, column].mean()
    return float(
        np.mean((y_new - model.predict(gone)) ** 2)
        - np.mean((y_new - model.predict(X_new)) ** 2)
    )


def _root(X: Any, y: Any, X_new: Any, y_new: Any, column: int) -> float:
    kept = np.delete(np.arange(3), column)
    return float(
        _error(X, y, X_new, y_new, kept) ** 0.5
        - _error(X, y, X_new, y_new, [0, 1, 2]) ** 0.5
    )


HONEST = {
    "drop_by_hand": (_lstsq, _cost),
    "before_you_run_it": (
        lambda beta, sd, rho: np.array([2.0, 1 - rho**2]) * beta**2 * sd**2,
        lambda beta, sd, rho: [
            2 * beta * beta * sd * sd,
            beta**2 * (sd**2 - (rho * sd) ** 2),
        ],
    ),
}

WRONG = {
    "drop_by_hand": {
        "the model is not fitted again": _not_refitted,
        "scores on the rows of the fit": lambda X, y, *rest: _cost(
            X, y, X, y, rest[-1]
        ),
        "with minus without": lambda *args: -_cost(*args),
        "no intercept": lambda *args: _cost(*args, fit_intercept=False),
        "the root of the error": _root,
    },
    "before_you_run_it": {
        "one variance": lambda beta, sd, rho: (
            (beta * sd) ** 2,
            (beta * sd) ** 2 * (1 - rho**2),
        ),
        "forgets the unit": lambda beta, _, rho: (2 * beta**2, beta**2 * (1 - rho**2)),
        "correlation, not its square": lambda beta, sd, rho: (
            2 * (beta * sd) ** 2,
            (beta * sd) ** 2 * (1 - rho),
        ),
        "the other way round": lambda beta, sd, rho: (
            (beta * sd) ** 2 * (1 - rho**2),
            2 * (beta * sd) ** 2,
        ),
        "correlation in both": lambda beta, sd, rho: tuple(
            c * (beta * sd) ** 2 * (1 - rho**2) for c in (2, 1)
        ),
        "dropping costs twice as well": lambda beta, sd, rho: tuple(
            2 * (beta * sd) ** 2 * c for c in (1, 1 - rho**2)
        ),
        "one spread for the two": lambda beta, sd, rho: (
            beta**2 * sd**3,
            (beta * sd) ** 2 * (1 - rho**2),
        ),
        "half the correlation": lambda beta, sd, rho: (
            2 * (beta * sd) ** 2,
            (beta * sd) ** 2 * (1 - rho / 2),
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the rows and their prices were mixed up": (
        "LinearRegression().fit(X_train, y_train)",
        "LinearRegression().fit(X_train, y_train[::-1])",
    ),
    "the column kept its unit": ("factors[distance] = 1000", "factors[distance] = 1"),
    "the errors were absolute instead of squared": (
        "return -np.mean((y - prediction) ** 2)",
        "return -np.mean(abs(y - prediction))",
    ),
    "rooms had nothing to do with area": (
        "rooms = rho * area + np.sqrt(1 - rho**2) * other",
        "rooms = other",
    ),
}
