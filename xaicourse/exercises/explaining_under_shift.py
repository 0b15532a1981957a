"""Exercises of the notebook on explaining under shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.causality import StructuralCausalModel
from xaicourse.teaching import Exercise, require, rounded


def _check_formula(answer: Callable[..., Any]) -> None:
    w = np.array([2.0, -1.0, 0.5])
    X = np.array([[1.0, 2.0, 3.0], [4.0, 0.0, -2.0]])
    B = np.array([[0.0, 1.0, 1.0], [2.0, 1.0, 3.0], [4.0, 1.0, 2.0], [0.0, 3.0, 6.0]])
    found = np.asarray(answer(w, X, B), float)
    require(
        found.shape == X.shape,
        f"one value a row and a column, shape {X.shape}; got shape {found.shape}",
    )
    require(
        not np.allclose(found, w * X),
        "that is weight times value: a Shapley value counts from what is typical, the "
        "mean of the baselines",
    )
    require(
        not np.allclose(found, X - B.mean(0)),
        "that is the distance from the mean of the baselines; the model multiplies "
        "each column by its weight",
    )
    require(
        np.allclose(found.sum(1), (X - B.mean(0)) @ w),
        "the values of a row must add up to f(x) - mean f(b), here "
        f"{rounded((X - B.mean(0)) @ w)}; yours give {rounded(found.sum(1))}",
    )
    require(
        np.allclose(found, w * (X - B.mean(0))),
        "the sum is right, but each column must keep its own part of it",
    )
    require(
        np.allclose(answer(w, B, X), w * (B - X.mean(0))),
        "with rows and baselines exchanged the values are other ones",
    )


by_the_formula = Exercise(
    name="By the formula",
    checker=_check_formula,
    takes="w, X, B",
    hints=(
        "In a linear model a column adds the same whatever the others are: the order "
        "of joining does not matter.",
        "Column $j$ moves from the mean of the baselines to $x_j$; the model "
        "multiplies by $w_j$.",
        "`w * (X - B.mean(axis=0))`",
    ),
)

_WORLD = StructuralCausalModel(
    {
        "cause": lambda noise: noise,
        "y": lambda cause, brake, noise: cause - brake + 0.1 * noise,
        "brake": lambda noise: noise,
        "effect": lambda y, noise: y + 0.1 * noise,
        "twin": lambda cause, noise: cause + 0.1 * noise,
        "idle": lambda noise: noise,
    }
)


def _check_treat(answer: Callable[..., Any]) -> None:
    attributions = {
        "cause": 0.3,
        "brake": -0.5,
        "effect": 0.9,
        "twin": -0.4,
        "idle": 0.02,
    }
    found = answer(_WORLD, "y", dict(attributions))
    found = set(found)
    require(
        "idle" not in found,
        "idle changes nothing, but its attribution is tiny: nobody would treat it, "
        "and nobody needs a warning",
    )
    require(
        not found & {"cause", "brake"},
        f"{sorted(found & {'cause', 'brake'})} does change y when it is set: a "
        "negative effect is an effect, too",
    )
    require(
        "effect" in found,
        "the effect of y leads the attributions, and setting it does nothing to y: "
        "warn of it",
    )
    require(
        "twin" in found,
        "a large negative attribution misleads as well as a positive one: compare "
        "sizes",
    )
    small = {"cause": 0.05, "effect": -0.02, "twin": 0.01, "idle": 0.008}
    found = set(answer(_WORLD, "y", small))
    require(
        found == {"effect", "twin"},
        f"of {small} the effect (-0.02) and the twin (0.01) are at least a tenth of "
        f"the whole, 0.088, and idle (0.008) is not; you return {sorted(found)}. The "
        "whole is the sum of the sizes: neither 1 nor the largest",
    )
    signed = {"cause": 0.5, "effect": -0.45, "idle": 0.06}
    found = set(answer(_WORLD, "y", signed))
    require(
        found == {"effect"},
        f"of {signed} the whole is 1.01 and not 0.11: add up sizes, or large ones "
        f"cancel; you return {sorted(found)}",
    )


do_not_treat_this = Exercise(
    name="Do not treat this",
    checker=_check_treat,
    takes="world, outcome, attributions",
    returns="a set of names",
    hints=(
        "Two conditions: the attribution is large, and the intervention does nothing.",
        "Large means `abs(a) >= 0.1 * whole`, with the whole a sum of sizes. Nothing: "
        "an effect of exactly 0.",
        "`{n for n in large if world.effect_of(n, on=outcome, low=0, high=1).value == "
        "0}`, with `large` as above.",
    ),
)
