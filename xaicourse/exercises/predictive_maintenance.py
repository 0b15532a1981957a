"""Exercises of the notebook on predictive maintenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from xaicourse.teaching import Exercise, require, rounded


def _check_share_missed(answer: Callable[..., Any]) -> None:
    failed = np.array([True] * 10 + [False] * 90)
    alarm = np.zeros(100, dtype=bool)
    alarm[7:25] = True  # three of the ten failures, and fifteen false alarms
    share = answer(failed, alarm)
    what = (
        "of ten failures seven came without an alarm, so the share is 0.7; yours is "
        f"{rounded(share)}"
    )
    require(
        not np.isclose(share, 0.07), f"{what}. A share of what? Not of all machines"
    )
    require(not np.isclose(share, 0.3), f"{what}. That is the share that was caught")
    require(
        not np.isclose(share, 7 / 82),
        f"{what}. You divide by the machines without an alarm",
    )
    require(np.isclose(share, 0.7), f"{what}. Look at the failed machines alone")
    require(
        np.isclose(answer(failed[2:], alarm[2:]), 5 / 8),
        "of eight failures five came without an alarm, so the share is 5 / 8",
    )


share_missed = Exercise(
    name="What accuracy hides",
    checker=_check_share_missed,
    takes="failed, alarm",
    returns="one number",
    hints=(
        "First keep the machines that failed. Then ask which of those had no alarm.",
        "`alarm[failed]` are the alarms of the failed machines; `~` turns truth "
        "values round.",
        "`np.mean(~alarm[failed])`",
    ),
)


class _Watched(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """A regression that remembers the tables on which it was fitted."""

    fitted: list[Any] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any) -> _Watched:
        type(self).fitted.append(np.array(X))
        super().fit(X, y)
        return self


def _check_drop_columns(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(2, 2000, 3))
    X[:, 2] += X[:, 1]
    X_new[:, 2] += X_new[:, 1]  # the third stands in for the second, in part
    y, y_new = (rows[:, 0] + rows[:, 1] for rows in (X, X_new))
    model = _Watched()
    _Watched.fitted = []
    drops = np.asarray(answer(model, X, y, X_new, y_new), dtype=float)
    require(
        not hasattr(model, "coef_"), "the caller's model was fitted: fit a clone of it"
    )
    require(
        drops.shape == (3,),
        f"expected one number for each of the three columns, got shape {drops.shape}",
    )
    require(
        any(table.shape[1] == 2 for table in _Watched.fitted),
        "train again without the column: the model was never fitted to two columns",
    )
    full = clone(model).fit(X, y).score(X_new, y_new)
    truth = []
    for j in range(3):
        rest = [k for k in range(3) if k != j]
        truth.append(
            full - clone(model).fit(X[:, rest], y).score(X_new[:, rest], y_new)
        )
    require(
        drops[0] > 0,
        "without the first column the score falls, which counts as positive; got "
        f"{drops[0]:.3f}",
    )
    require(
        np.allclose(drops, truth, atol=1e-6),
        f"on new rows the falls are {rounded(truth)}; yours are {rounded(drops)}. "
        "Score with the columns that remain, on the new rows, and subtract from the "
        "score with all columns",
    )
    turned = answer(model, X[:, ::-1], y, X_new[:, ::-1], y_new)
    require(
        np.allclose(turned, truth[::-1], atol=1e-6),
        "with the columns the other way round the falls are the other way round",
    )


drop_columns = Exercise(
    name="Drop a column",
    checker=_check_drop_columns,
    takes="model, X, y, X_new, y_new",
    hints=(
        "Four fits for three columns: one with all of them, and one without each.",
        "`np.delete(X, j, axis=1)` is `X` without column `j`. The new rows lose it, "
        "too.",
        "For each `j`: the score of `clone(model).fit(X, y)` on `X_new`, minus that "
        "of a clone without `j`.",
    ),
)


def _check_fair_prices(answer: Callable[..., Any]) -> None:
    for v_a, v_b, v_ab in [(3.0, 1.0, 10.0), (5.0, 5.0, 5.0), (0.0, 4.0, 4.0)]:
        prices = answer(v_a, v_b, v_ab)
        a, b = (float(p) for p in prices)
        what = (
            f"alone the sensors save {v_a:g} and {v_b:g}, together {v_ab:g}; you ask "
            f"{rounded(a)} and {rounded(b)}"
        )
        require(np.isclose(a + b, v_ab), f"{what}, which is not {rounded(v_ab)} in all")
        require(
            v_a != v_b or np.isclose(a, b),
            f"{what}: equal sensors deserve equal prices",
        )
        require(
            v_a != 0 or v_ab != v_b or np.isclose(a, 0),
            f"{what}: a sensor that never adds anything is worth nothing",
        )
        require(
            np.isclose(a, (v_a + v_ab - v_b) / 2),
            f"{what}. Bought first, the first sensor adds {rounded(v_a)}; bought "
            f"second, {rounded(v_ab - v_b)}. Take the mean",
        )


fair_prices = Exercise(
    name="A fair price",
    checker=_check_fair_prices,
    takes="v_a, v_b, v_ab",
    returns="two numbers",
    hints=(
        "There are two orders of buying. What does sensor a add in each?",
        "First: `v_a`. Second: `v_ab - v_b`. The Shapley value is the mean of the two.",
        "`(v_a + v_ab - v_b) / 2, (v_b + v_ab - v_a) / 2`",
    ),
)
