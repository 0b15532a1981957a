"""Right and wrong answers, and alterations: importance reduction."""

from __future__ import annotations

from typing import Any

import numpy as np


def _contributions(w: Any, X: Any) -> Any:
    return (X - np.roll(X, 1, axis=0)) * w


HONEST = {
    "penalty_of_a_line": (
        lambda w, X, columns: sum(
            np.mean((w[j] * (X[:, j] - np.roll(X[:, j], 1))) ** 2) for j in columns
        ),
    ),
    "where_to_stop": (
        lambda accuracy, cost, most: min(
            (i for i in range(len(cost)) if accuracy[0] - accuracy[i] <= most),
            key=lambda i: abs(cost[i]),
        ),
    ),
}

WRONG = {
    "penalty_of_a_line": {
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
    "where_to_stop": {
        "never looks at the accuracy": lambda accuracy, cost, most: int(
            np.argmin(np.abs(cost))
        ),
        "takes the best accuracy": lambda accuracy, cost, most: int(
            np.argmax(accuracy)
        ),
        "most negative": lambda accuracy, cost, most: int(
            np.argmin(np.where(accuracy >= accuracy[0] - most, cost, np.inf))
        ),
        "returns the cost": lambda accuracy, cost, most: float(
            np.min(np.abs(cost)[accuracy >= accuracy[0] - most])
        ),
        "position among the allowed": lambda accuracy, cost, most: int(
            np.argmin(np.abs(cost)[abs(accuracy - accuracy[0]) <= most])
        ),
        "less than the best": lambda a, c, m: int(
            np.argmin(np.where(a >= a.max() - m, np.abs(c), np.inf))
        ),
        "a share of the first": lambda a, c, m: int(
            np.argmin(np.where(a >= a[0] * (1 - m), np.abs(c), np.inf))
        ),
        "may not lose all of it": lambda a, c, m: int(
            np.argmin(np.where(a > a[0] - m, np.abs(c), np.inf))
        ),
    },
}

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
