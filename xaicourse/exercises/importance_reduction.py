"""Exercises of the notebook on importance reduction, and the alterations under which
its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require


def _check_penalty_of_a_line(answer: Callable[..., Any]) -> None:
    w = np.array([2.0, -1.0, 3.0])
    X = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 3.0, 0.0]])
    kept = X.copy()
    one = answer(w, X, [0])
    require(
        np.ndim(one) == 0,
        f"return one number, the mean over the rows; got something of shape "
        f"{np.shape(one)}",
    )
    require(np.array_equal(X, kept), "the caller's X has changed: work on new arrays")
    require(
        float(answer(np.array([0.0, 5.0, 5.0]), X, [0])) == 0,
        "a column whose weight is zero contributes nothing, so its penalty is zero: "
        "only the chosen columns count",
    )
    # Steps of column 0: -1, 1, 0; of column 1: -3, 0, 3.
    require(
        not np.isclose(one, 4 / 3 / 4),
        "multiply the step from row to row by the weight: a contribution is in logits",
    )
    require(
        np.isclose(one, 8 / 3),
        f"column 0 steps by -1, 1 and 0 from row to row, times its weight 2: mean "
        f"square 8/3, you found {one:.4g}",
    )
    both = float(answer(w, X, [0, 1]))
    require(
        np.isclose(both, 26 / 3),
        f"for two columns the squares add up, 8/3 + 6 = 8.667, you found {both:.4g}: "
        f"square first, then add",
    )


def _contributions(w: Any, X: Any) -> Any:
    return (X - np.roll(X, 1, axis=0)) * w


penalty_of_a_line = Exercise(
    name="The penalty of a line",
    checker=_check_penalty_of_a_line,
    hints=(
        "First the contributions: each column's step from the row before, times its "
        "weight.",
        "`(X - np.roll(X, 1, axis=0)) * w` has the shape of X. Keep the chosen "
        "columns, square, add up along the row.",
        "`np.mean((((X - np.roll(X, 1, axis=0)) * w)[:, columns] ** 2).sum(axis=1))`",
    ),
    honest=(
        lambda w, X, columns: sum(
            np.mean((w[j] * (X[:, j] - np.roll(X[:, j], 1))) ** 2) for j in columns
        ),
    ),
    wrong={
        "all columns": lambda w, X, _: np.mean((_contributions(w, X) ** 2).sum(1)),
        "forgets the weight": lambda w, X, columns: np.mean(
            (_contributions(w != 0, X)[:, columns] ** 2).sum(1)
        ),
        "adds before squaring": lambda w, X, columns: np.mean(
            _contributions(w, X)[:, columns].sum(1) ** 2
        ),
        "sums over the rows": lambda w, X, columns: (
            _contributions(w, X)[:, columns] ** 2
        ).sum(),
        "no mean": lambda w, X, columns: (_contributions(w, X)[:, columns] ** 2).sum(1),
        "from zero instead of from another row": lambda w, X, columns: np.mean(
            ((X * w)[:, columns] ** 2).sum(1)
        ),
    },
)


def _check_where_to_stop(answer: Callable[..., Any]) -> None:
    accuracy, cost = (
        np.array([0.80, 0.795, 0.785, 0.70]),
        np.array([20.0, 9.0, 3.0, 0.1]),
    )
    kept = accuracy.copy(), cost.copy()
    result = answer(accuracy, cost, 0.02)
    require(
        isinstance(result, int | np.integer) and not isinstance(result, bool),
        f"return a position, a whole number; got {result!r}",
    )
    require(
        all(map(np.array_equal, kept, (accuracy, cost))),
        "the caller's arrays have changed: work on copies",
    )
    require(
        result != 3,
        "the last network discriminates least and loses 10 points; only 2 may be lost",
    )
    require(
        result == 2,
        f"networks 0, 1 and 2 lose at most 2 points, and of these number 2 costs "
        f"least; you chose {result}",
    )
    require(
        answer(accuracy, cost, 0.0) == 0,
        "where nothing may be lost, only networks as good as the first remain",
    )
    turned = answer(accuracy, np.array([20.0, -0.5, -8.0, 0.1]), 0.02)
    require(
        turned == 1,
        "a cost of -8 is discrimination too, the other way round: compare sizes, and "
        "take the one nearest to zero",
    )
    better = answer(np.array([0.80, 0.82, 0.79]), np.array([20.0, 5.0, 9.0]), 0.005)
    require(
        better == 1,
        "a network that is better than the first one loses nothing and is allowed",
    )


where_to_stop = Exercise(
    name="Where to stop",
    checker=_check_where_to_stop,
    hints=(
        "Two steps: which networks are allowed, and which of them costs least?",
        "Allowed is `accuracy >= accuracy[0] - most`. Give the others an infinite "
        "cost, then look for the least.",
        "`int(np.argmin(np.where(accuracy >= accuracy[0] - most, np.abs(cost), "
        "np.inf)))`",
    ),
    honest=(
        lambda accuracy, cost, most: min(
            (i for i in range(len(cost)) if accuracy[0] - accuracy[i] <= most),
            key=lambda i: abs(cost[i]),
        ),
    ),
    wrong={
        "never looks at the accuracy": lambda accuracy, cost, most: int(
            np.argmin(np.abs(cost))
        ),  # noqa: ARG005
        "takes the best accuracy": lambda accuracy, cost, most: int(
            np.argmax(accuracy)
        ),  # noqa: ARG005
        "most negative": lambda accuracy, cost, most: int(
            np.argmin(np.where(accuracy >= accuracy[0] - most, cost, np.inf))
        ),
        "returns the cost": lambda accuracy, cost, most: float(
            np.min(np.abs(cost)[accuracy >= accuracy[0] - most])
        ),
        "position among the allowed": lambda accuracy, cost, most: int(
            np.argmin(np.abs(cost)[abs(accuracy - accuracy[0]) <= most])
        ),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the penalised network's bars were the plain network's": (
        '"religion penalised": heard(deaf)',
        '"religion penalised": heard(plain)',
    ),
    "the twins had kept their names and addresses": (
        "portfolio.truth.twins(religion=g).assign(religion=g)",
        "portfolio.customers.assign(religion=g)",
    ),
    "the last network had been the one with the weakest penalty": (
        "for net in ladder\n",
        "for net in [*ladder[:-1], ladder[1]]\n",
    ),
    "the plain network had been compared with itself": (
        "paired = (probability(ladder[-1], X[test])",
        "paired = (probability(plain, X[test])",
    ),
    "nothing had been penalised": (
        'compared.loc[["religion penalised", "proxies penalised"]]',
        'compared.loc[["plain", "plain"]]',
    ),
    "the attribution of sex had been taken from the plain network each time": (
        "net, torch.from_numpy(C_test[:600])",
        'nets["plain"], torch.from_numpy(C_test[:600])',
    ),
    "the differences had been taken with a step of a half": ("h = 1e-5", "h = 0.5"),
}
