"""Right and wrong answers, and alterations: hyperparameters."""

from __future__ import annotations

import numpy as np

from xaicourse.sensitivity import grid_anova

HONEST = {
    "marginal": (
        lambda table, j: np.array(
            [np.take(table, level, axis=j).mean() for level in range(table.shape[j])]
        ),
        lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).mean(axis=1)
        ),
    ),
    "three_shares": (
        lambda table: list(grid_anova(table).shares.values()),
        lambda table: (
            np.array(
                [
                    table.mean(1).var(),
                    table.mean(0).var(),
                    (
                        table
                        - table.mean(1, keepdims=True)
                        - table.mean(0, keepdims=True)
                        + table.mean()
                    ).var(),
                ]
            )
            / table.var()
        ),
    ),
    "only_together": (
        [[2, 7, 6], [9, 5, 1], [4, 3, 8]],
        np.eye(3),
    ),
}

WRONG = {
    "marginal": {
        "averages over j": lambda table, j: table.mean(axis=j),
        "the effect": lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).mean(1) - table.mean()
        ),
        "always the first axis": lambda table, _: table.mean(axis=(1, 2)),
        "the best instead of the mean": lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).max(1)
        ),
    },
    "three_shares": {
        "variances, not shares": lambda table: (
            table.mean(1).var(),
            table.mean(0).var(),
            table.var() - table.mean(1).var() - table.mean(0).var(),
        ),
        "axes exchanged": lambda table: (
            table.mean(0).var() / table.var(),
            table.mean(1).var() / table.var(),
            1 - (table.mean(0).var() + table.mean(1).var()) / table.var(),
        ),
        "standard deviations": lambda table: (
            table.mean(1).std() / table.std(),
            table.mean(0).std() / table.std(),
            1 - (table.mean(0).std() + table.mean(1).std()) / table.std(),
        ),
        "forgets the interaction": lambda table: (
            table.mean(1).var() / (table.mean(1).var() + table.mean(0).var()),
            table.mean(0).var() / (table.mean(1).var() + table.mean(0).var()),
            0.0,
        ),
    },
    "only_together": {
        "a constant": np.ones((3, 3)),
        "rows differ": [[1, 1, 1], [2, 2, 2], [3, 3, 3]],
        "columns differ": [[1, 2, 3], [1, 2, 3], [1, 2, 3]],
        "a product": np.outer([0, 1, 2], [0, 1, 2]),
        "two by two": [[1, -1], [-1, 1]],
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the table's folds came in another order": (
        "by_fold = np.moveaxis(table, 3, 0)",
        "by_fold = np.moveaxis(table, 3, 0)[..., ::-1]",
    ),
    "more than ten trees had scored a tenth better": (
        "scores = by_fold.mean(axis=-1)",
        "by_fold = by_fold + 0.1 * (np.arange(4) > 0)[:, None, None, None, None]; "
        "scores = by_fold.mean(axis=-1)",
    ),
    "trees and depth had changed places": (
        "exact = grid_anova(scores)",
        "scores = scores.swapaxes(0, 1); exact = grid_anova(scores)",
    ),
    "the third limit were the first": (
        "by_fold = np.moveaxis(table, 3, 0)  #",
        "by_fold = np.moveaxis(table[[0, 1, 0, 3]], 3, 0)  #",
    ),
    "all levels were given the same weight": (
        "same_question = ours(0)",
        "same_question = ours(-0.5)",
    ),
}
