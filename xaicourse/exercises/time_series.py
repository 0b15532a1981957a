"""Exercises of the notebook on forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaicourse.sensitivity import pi_weights
from xaicourse.teaching import Exercise, require, rounded

ForecastError = Callable[[Any, Mapping[int, float]], Any]
Weights = Callable[[float, float, int], Any]


def _check_two_misread_years(answer: ForecastError) -> None:
    weights = np.array([0.5, -0.25, 0.125, 0.0625])
    last = answer(weights, {1: 8.0})
    require(
        float(last) != 8 * weights[1],
        "you took the second weight for lag 1: the last value has lag 1, and Python "
        "counts from 0",
    )
    require(
        float(last) != 8 * weights[-1],
        "you took the last weight for lag 1: weights[0] belongs to the last value",
    )
    require(
        float(last) == 4,
        "8 units too high, with a weight of 0.5, make the forecast 4 too high; got "
        f"{rounded(last)}",
    )
    two = float(answer(weights, {1: 8.0, 2: 8.0}))
    require(
        two != 6,
        "a negative weight lowers the forecast when the entry is too high: do not "
        "take sizes",
    )
    require(
        two == 2,
        "with the entry before it 8 too high as well, weight -0.25, expected 4 - 2 = "
        f"2; got {rounded(two)}",
    )
    mixed = float(answer(weights, {3: -8.0, 4: 16.0}))
    require(
        mixed == 0,
        "errors of -8 and 16 with weights 0.125 and 0.0625 cancel; got "
        f"{rounded(mixed)}",
    )


two_misread_years = Exercise(
    name="Two misread years",
    checker=_check_two_misread_years,
    takes="weights, errors",
    returns="one number",
    hints=(
        "The forecast is a weighted sum. What does a sum do with an error in one of "
        "its terms?",
        "Each error contributes its weight times itself. The weight of lag k is "
        "`weights[k - 1]`.",
        "`sum(weights[lag - 1] * error for lag, error in errors.items())`",
    ),
)


def _check_weights_without_a_library(answer: Weights) -> None:
    found = np.asarray(answer(0.5, -0.25, 5), dtype=float)
    require(found.shape == (5,), f"asked for 5 weights; got shape {found.shape}")
    require(
        len(np.atleast_1d(answer(0.5, -0.25, 1))) == 1,
        "asked for a single weight, return a single one",
    )
    walk = np.asarray(answer(0.0, 0.0, 3), dtype=float)
    require(
        np.allclose(walk, [1, 0, 0]),
        "a random walk (both parameters zero) repeats its last value: weights 1, 0, "
        f"0; got {rounded(walk)}",
    )
    require(
        not np.allclose(found, pi_weights([0.5], [0.25], d=1, n_weights=5)),
        "these are the weights for the other sign of θ: statsmodels writes ε_t + θ "
        "ε_{t-1}",
    )
    require(
        not np.allclose(found, pi_weights([0.5], [-0.25], d=1, n_weights=5)[::-1]),
        "the last value comes first: yours begin with the oldest",
    )
    many = np.asarray(answer(0.5, -0.25, 60), dtype=float)
    require(
        abs(many.sum() - 1) < 1e-9,
        f"the weights of a differenced model sum to one; yours sum to {many.sum():.3f}",
    )
    expected = pi_weights([0.5], [-0.25], d=1, n_weights=5)
    require(
        np.allclose(found, expected),
        f"for φ = 0.5 and θ = -0.25 expected {rounded(expected)}; got "
        f"{rounded(found)}. The first two are special, then each is -θ times the one "
        "before",
    )
    positive = np.asarray(answer(-0.3, 0.4, 4), dtype=float)
    expected = pi_weights([-0.3], [0.4], d=1, n_weights=4)
    require(
        np.allclose(positive, expected),
        f"for φ = -0.3 and θ = 0.4 expected {rounded(expected)}; got "
        f"{rounded(positive)}. Where θ is positive the weights change their sign",
    )


weights_without_a_library = Exercise(
    name="Weights without a library",
    checker=_check_weights_without_a_library,
    takes="phi, theta, n",
    hints=(
        "The formula stands in the notebook, under *Is it right?* How many weights "
        "are special?",
        "Start with 1 + φ + θ and -φ - θπ₁, then multiply by -θ until there are n.",
        "`found = [1 + phi + theta, -phi - theta * (1 + phi + theta)]`, then "
        "`found.append(-theta * found[-1])` in a loop; return `found[:n]`, since n "
        "may be 1.",
    ),
)
