"""Exercises of the notebook on importance in linear models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

from xaicourse.teaching import Exercise, require, rounded


def _error(X: Any, y: Any, X_new: Any, y_new: Any, kept: Any, **options: Any) -> float:
    model = LinearRegression(**options).fit(X[:, kept], y)
    return float(np.mean((y_new - model.predict(X_new[:, kept])) ** 2))


def _check_drop_by_hand(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(2, 300, 3))
    X[:, 1], X_new[:, 1] = X[:, 0] + 0.5 * X[:, 1], X_new[:, 0] + 0.5 * X_new[:, 1]
    y, y_new = (
        10 + Z @ [1.0, 1.0, 3.0] + 0.1 * rng.normal(size=300) for Z in (X, X_new)
    )
    costs = []
    for j in range(3):
        cost = answer(X, y, X_new, y_new, j)
        costs.append(float(cost))
    require(
        min(costs) > 0,
        "each of these columns is missed, so its cost is positive: without minus "
        f"with; got {rounded(costs)}",
    )
    expected = [
        _error(X, y, X_new, y_new, np.delete(np.arange(3), j))
        - _error(X, y, X_new, y_new, [0, 1, 2])
        for j in range(3)
    ]
    stale = LinearRegression().fit(X, y)
    frozen = [
        float(np.mean((X_new[:, j] - X[:, j].mean()) ** 2) * stale.coef_[j] ** 2)
        for j in range(3)
    ]
    require(
        costs[0] < 2 * expected[0] or costs[0] < 0.5 * frozen[0],
        "column 1 can stand in for most of column 0, so dropping column 0 costs "
        f"little ({expected[0]:.2f}); you found {costs[0]:.2f}. Has the smaller model "
        "been fitted again?",
    )
    require(
        abs(costs[2] - expected[2]) < 0.05 * expected[2],
        f"dropping column 2 costs {expected[2]:.2f} on the new rows; you found "
        f"{costs[2]:.2f}. Look at the rows you fit to, the rows you score on, and the "
        "intercept",
    )
    require(
        np.allclose(costs, expected, rtol=1e-6),
        f"expected {rounded(expected)}, got {rounded(costs)}",
    )


drop_by_hand = Exercise(
    name="Drop it by hand",
    checker=_check_drop_by_hand,
    takes="X, y, X_new, y_new, column",
    returns="one number",
    hints=(
        "Four steps twice: choose columns, fit, predict the new rows, average the "
        "squared errors.",
        "`[j for j in range(X.shape[1]) if j != column]` chooses the columns of both "
        "tables.",
        "For a list `c` of columns, `model = LinearRegression().fit(X[:, c], y)` has "
        "the error `np.mean((y_new - model.predict(X_new[:, c])) ** 2)`: that without "
        "the column, minus that with all.",
    ),
)


def _check_before_you_run_it(answer: Callable[[float, float, float], Any]) -> None:
    pair = answer(3.0, 2.0, 0.5)
    shuffled, dropped = (float(v) for v in pair)
    require(
        shuffled != 36,
        "shuffling puts another row's value in place, which varies as well: two "
        "variances, not one",
    )
    require(
        abs(shuffled - 72) < 1e-9,
        "with β = 3 and a standard deviation of 2, shuffling costs 2 · 3² · 2² = 72; "
        f"got {rounded(shuffled)}. The correlation has no part in it, the unit of the "
        "column has",
    )
    require(
        abs(float(answer(3.0, 2.0, 0.0)[1]) - 36) < 1e-9,
        "without correlation, dropping leaves the variance β² σ² = 36 unexplained; "
        f"got {rounded(answer(3.0, 2.0, 0.0)[1])}",
    )
    require(
        abs(dropped - 27) < 1e-9,
        "a correlation of 0.5 explains a share 0.25 of the column, so 0.75 · 36 = 27 "
        f"is left; got {rounded(dropped)}",
    )
    pair = [float(v) for v in answer(-1.5, 0.4, -0.8)]
    require(
        np.allclose(pair, [0.72, 0.1296]),
        "for β = -1.5, a standard deviation of 0.4 and a correlation of -0.8 expected "
        f"2 · 0.6² = 0.72 and 0.36 · 0.6² = 0.1296; got {rounded(pair)}",
    )


before_you_run_it = Exercise(
    name="Before you run it",
    checker=_check_before_you_run_it,
    takes="beta, sd, rho",
    returns="two numbers",
    hints=(
        "What counts is $\\beta\\sigma$, the movement of the prediction, squared.",
        "Shuffled: the difference of two independent values has twice the variance. "
        "Dropped: what cannot be guessed.",
        "`2 * (beta * sd) ** 2, (beta * sd) ** 2 * (1 - rho**2)`",
    ),
)
