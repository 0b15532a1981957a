"""Exercises of the notebook on hyper-parameters, and the alterations under which its
claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.sensitivity import grid_anova
from xaicourse.teaching import Exercise, require


def _check_marginal(answer: Callable[..., Any]) -> None:
    table = np.arange(24.0).reshape(2, 3, 4) ** 1.5
    for j in (1, 0, 2):
        curve = np.asarray(answer(table, j), dtype=float)
        n = table.shape[j]
        require(
            curve.ndim == 1,
            f"a curve has one axis; yours has shape {curve.shape}: average over *all* "
            f"other axes",
        )
        require(
            curve.shape == (n,),
            f"axis {j} has {n} levels; you return {curve.size} numbers: which axes "
            f"should go, which stay?",
        )
        truth = np.array([np.take(table, level, j).mean() for level in range(n)])
        require(
            not np.allclose(curve, truth - table.mean()),
            "that is the effect, whose mean is zero: leave the mean in",
        )
        require(
            np.allclose(curve, truth),
            f"at axis {j} the curve should be {truth.round(2)}; yours is "
            f"{curve.round(2)}",
        )


marginal = Exercise(
    name="A marginal curve",
    checker=_check_marginal,
    hints=(
        "Each point of the curve is a mean over everything that has this level.",
        "`table.mean(axis=...)` takes a tuple of axes: all but `j`.",
        "`table.mean(axis=tuple(axis for axis in range(table.ndim) if axis != j))`",
    ),
    honest=(
        lambda table, j: np.array(
            [np.take(table, level, axis=j).mean() for level in range(table.shape[j])]
        ),
        lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).mean(axis=1)
        ),
    ),
    wrong={
        "averages over j": lambda table, j: table.mean(axis=j),
        "the effect": lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).mean(1) - table.mean()
        ),
        "always the first axis": lambda table, _: table.mean(axis=(1, 2)),
        "the best instead of the mean": lambda table, j: (
            np.moveaxis(table, j, 0).reshape(table.shape[j], -1).max(1)
        ),
    },
)


def _check_three_shares(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for table in (
        np.add.outer([0.0, 1, 2], [0.0, 3, 3, 0]),
        rng.normal(size=(3, 4)) + np.arange(4),
    ):
        shares = answer(table.copy())
        require(np.shape(shares) == (3,), f"return three numbers; got {shares!r}")
        found = np.asarray(shares, dtype=float)
        exact = grid_anova(table).shares
        truth = np.array([exact[(0,)], exact[(1,)], exact[(0, 1)]])
        what = f"for a table of shape {table.shape} the shares are {truth.round(3)}; yours are {found.round(3)}"
        require(
            np.isclose(found.sum(), 1),
            f"{what}, which do not add up to one: divide by the variance of all scores",
        )
        require(
            not np.allclose(found, truth[[1, 0, 2]]),
            f"{what}: averaging over axis 1 leaves the *first* setting",
        )
        require(
            np.allclose(found, truth),
            f"{what}: a share is the variance of a marginal curve, as a share of all",
        )


three_shares = Exercise(
    name="Main effects and the rest",
    checker=_check_three_shares,
    hints=(
        "The marginal curve of the first setting is the table averaged over the "
        "second. What is its variance?",
        "`table.mean(axis=1).var() / table.var()` is the first share; the interaction "
        "is what is left of one.",
        "Both main shares in this way, with `axis=1` and `axis=0`, and one minus their "
        "sum.",
    ),
    honest=(
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
    wrong={
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
)


def _check_only_together(answer: Any) -> None:
    table = np.asarray(answer, dtype=float)
    require(
        table.shape == (3, 3),
        f"expected a table of three by three scores, got shape {table.shape}",
    )
    require(np.isfinite(table).all(), "scores must be finite numbers")
    require(
        table.std() > 1e-9, "the scores do not vary at all: there is nothing to explain"
    )
    for axis, name in ((1, "first"), (0, "second")):
        curve = table.mean(axis=axis)
        require(
            np.ptp(curve) < 1e-9 * max(1.0, float(abs(table).max())),
            f"the {name} setting has a main effect: its marginal curve is "
            f"{curve.round(3)}",
        )


only_together = Exercise(
    name="Matters only together",
    checker=_check_only_together,
    hints=(
        "All rows need the same mean, and all columns, too.",
        "Start with zeros. Raise one corner, and mend its row and its column.",
        "`[[1, 0, -1], [0, 0, 0], [-1, 0, 1]]`",
    ),
    honest=(
        [[2, 7, 6], [9, 5, 1], [4, 3, 8]],
        np.eye(3),
    ),
    wrong={
        "a constant": np.ones((3, 3)),
        "rows differ": [[1, 1, 1], [2, 2, 2], [3, 3, 3]],
        "columns differ": [[1, 2, 3], [1, 2, 3], [1, 2, 3]],
        "a product": np.outer([0, 1, 2], [0, 1, 2]),
        "two by two": [[1, -1], [-1, 1]],
    },
)

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
