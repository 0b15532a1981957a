"""Exercises of the notebook on predictive maintenance, and the alterations under which
its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from xaicourse.teaching import Exercise, require


def _check_share_missed(answer: Callable[..., Any]) -> None:
    failed = np.array([True] * 10 + [False] * 90)
    alarm = np.zeros(100, dtype=bool)
    alarm[7:25] = True  # three of the ten failures, and fifteen false alarms
    share = answer(failed.copy(), alarm.copy())
    require(
        isinstance(share, int | float | np.floating),
        f"return one number; got {share!r}",
    )
    what = f"of ten failures seven came without an alarm, so the share is 0.7; yours is {share:.3g}"
    require(
        not np.isclose(share, 0.07), f"{what}. A share of what? Not of all machines"
    )
    require(not np.isclose(share, 0.3), f"{what}. That is the share that was caught")
    require(
        not np.isclose(share, 7 / 82),
        f"{what}. You divide by the machines without an alarm",
    )
    require(np.isclose(share, 0.7), f"{what}. Look at the failed machines alone")


share_missed = Exercise(
    name="What accuracy hides",
    checker=_check_share_missed,
    hints=(
        "First keep the machines that failed. Then ask which of those had no alarm.",
        "`alarm[failed]` are the alarms of the failed machines; `~` turns truth values "
        "round.",
        "`np.mean(~alarm[failed])`",
    ),
    honest=(
        lambda failed, alarm: 1 - alarm[failed].mean(),
        lambda failed, alarm: (failed & ~alarm).sum() / failed.sum(),
    ),
    wrong={
        "of all machines": lambda failed, alarm: np.mean(failed & ~alarm),
        "the share caught": lambda failed, alarm: np.mean(alarm[failed]),
        "of those without an alarm": lambda failed, alarm: np.mean(failed[~alarm]),
        "all errors": lambda failed, alarm: np.mean(failed != alarm),
    },
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
    before = X.copy(), X_new.copy()
    drops = np.asarray(answer(model, X, y, X_new, y_new), dtype=float)
    require(
        np.array_equal(X, before[0]) and np.array_equal(X_new, before[1]),
        "the caller's tables have changed",
    )
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
        f"without the first column the score falls, which counts as positive; got "
        f"{drops[0]:.3f}",
    )
    require(
        np.allclose(drops, truth, atol=1e-6),
        f"on new rows the falls are {np.round(truth, 3)}; yours are {drops.round(3)}. "
        f"Score with the columns that "
        "remain, on the new rows, and subtract from the score with all columns",
    )


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


drop_columns = Exercise(
    name="Drop a column",
    checker=_check_drop_columns,
    hints=(
        "Four fits for three columns: one with all of them, and one without each.",
        "`np.delete(X, j, axis=1)` is `X` without column `j`. The new rows lose it, "
        "too.",
        "For each `j`: the score of `clone(model).fit(X, y)` on `X_new`, minus that of "
        "a clone without `j`.",
    ),
    honest=(_drops,),
    wrong={
        "sets the column to zero": _zeroed,
        "the sign": lambda *data: _drops(*data, sign=-1),
        "keeps one instead of dropping one": lambda *data: _drops(*data, kept=True),
        "on the training rows": lambda model, X, y, *_: _drops(model, X, y, X, y),
        "fits the caller's model": _refits,
    },
)


def _check_fair_prices(answer: Callable[..., Any]) -> None:
    for v_a, v_b, v_ab in [(3.0, 1.0, 10.0), (5.0, 5.0, 5.0), (0.0, 4.0, 4.0)]:
        prices = answer(v_a, v_b, v_ab)
        require(np.shape(prices) == (2,), f"return two numbers; got {prices!r}")
        a, b = (float(p) for p in prices)
        what = f"alone the sensors save {v_a:g} and {v_b:g}, together {v_ab:g}; you ask {a:.3g} and {b:.3g}"
        require(np.isclose(a + b, v_ab), f"{what}, which is not {v_ab:g} in all")
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
            f"{what}. Bought first, the first sensor adds {v_a:g}; bought second, "
            f"{v_ab - v_b:g}. Take the mean",
        )


fair_prices = Exercise(
    name="A fair price",
    checker=_check_fair_prices,
    hints=(
        "There are two orders of buying. What does sensor a add in each?",
        "First: `v_a`. Second: `v_ab - v_b`. The Shapley value is the mean of the two.",
        "`(v_a + v_ab - v_b) / 2, (v_b + v_ab - v_a) / 2`",
    ),
    honest=(
        lambda v_a, v_b, v_ab: [
            v_a + (v_ab - v_a - v_b) / 2,
            v_b + (v_ab - v_a - v_b) / 2,
        ],
        lambda v_a, v_b, v_ab: np.array([v_ab + v_a - v_b, v_ab + v_b - v_a]) / 2,
    ),
    wrong={
        "what each adds last": lambda v_a, v_b, v_ab: (v_ab - v_b, v_ab - v_a),
        "half each": lambda _, __, v_ab: (v_ab / 2, v_ab / 2),
        "in proportion to alone": lambda v_a, v_b, v_ab: (
            v_ab * v_a / (v_a + v_b),
            v_ab * v_b / (v_a + v_b),
        ),
        "what each saves alone": lambda v_a, v_b, _: (v_a, v_b),
        "the first takes the surplus": lambda _, v_b, v_ab: (v_ab - v_b, v_b),
    },
)

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
