"""Exercises of the notebook on hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.sensitivity import grid_anova
from xaicourse.teaching import Exercise, require, rounded


def _check_marginal(answer: Callable[..., Any]) -> None:
    table = np.arange(24.0).reshape(2, 3, 4) ** 1.5
    for j in (1, 0, 2):
        curve = np.asarray(answer(table, j), dtype=float)
        n = table.shape[j]
        require(
            curve.ndim == 1,
            f"a curve has one axis; yours has shape {curve.shape}: average over *all* "
            "other axes",
        )
        require(
            curve.shape == (n,),
            f"axis {j} has {n} levels; you return {curve.size} numbers: which axes "
            "should go, which stay?",
        )
        truth = np.array([np.take(table, level, j).mean() for level in range(n)])
        require(
            not np.allclose(curve, truth - table.mean()),
            "that is the effect, whose mean is zero: leave the mean in",
        )
        require(
            np.allclose(curve, truth),
            f"at axis {j} the curve should be {rounded(truth)}; yours is "
            f"{rounded(curve)}",
        )


marginal = Exercise(
    name="A marginal curve",
    checker=_check_marginal,
    takes="table, j",
    hints=(
        "Each point of the curve is a mean over everything that has this level.",
        "`table.mean(axis=...)` takes a tuple of axes: all but `j`.",
        "`table.mean(axis=tuple(axis for axis in range(table.ndim) if axis != j))`",
    ),
)


def _check_three_shares(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for table in (
        np.add.outer([0.0, 1, 2], [0.0, 3, 3, 0]),
        rng.normal(size=(3, 4)) + np.arange(4),
    ):
        shares = answer(table)
        found = np.asarray(shares, dtype=float)
        exact = grid_anova(table).shares
        truth = np.array([exact[(0,)], exact[(1,)], exact[(0, 1)]])
        what = (
            f"for a table of shape {table.shape} the shares are {rounded(truth)}; "
            f"yours are {rounded(found)}"
        )
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
    takes="table",
    returns="three numbers",
    hints=(
        "The marginal curve of the first setting is the table averaged over the "
        "second. What is its variance?",
        "`table.mean(axis=1).var() / table.var()` is the first share; the interaction "
        "is what is left of one.",
        "`first, second = (table.mean(axis=axis).var() / table.var() for axis in (1, "
        "0))`, then `first, second, 1 - first - second`",
    ),
)


def _check_only_together(answer: Any) -> None:
    table = np.asarray(answer, dtype=float)
    require(
        table.shape == (3, 3),
        f"expected a table of three by three scores, got shape {table.shape}",
    )
    require(
        table.std() > 1e-9, "the scores do not vary at all: there is nothing to explain"
    )
    for axis, name in ((1, "first"), (0, "second")):
        curve = table.mean(axis=axis)
        require(
            np.ptp(curve) < 1e-9 * max(1.0, float(abs(table).max())),
            f"the {name} setting has a main effect: its marginal curve is "
            f"{rounded(curve)}",
        )


only_together = Exercise(
    name="Matters only together",
    checker=_check_only_together,
    hints=(
        "All rows need the same mean, and all columns, too.",
        "Start with zeros. Raise one corner, and mend its row and its column.",
        "`[[1, 0, -1], [0, 0, 0], [-1, 0, 1]]`",
    ),
)
