"""Exercises of the notebook on forecasts, and the alterations under which its claims
fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaicourse.sensitivity import pi_weights
from xaicourse.teaching import Exercise, require

ForecastError = Callable[[Any, Mapping[int, float]], Any]
Weights = Callable[[float, float, int], Any]


def _check_two_misread_years(answer: ForecastError) -> None:
    weights = np.array([0.5, -0.25, 0.125, 0.0625])
    last = answer(weights, {1: 8.0})
    require(np.ndim(last) == 0 and last is not None, f"return one number; got {last!r}")
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
        f"8 units too high, with a weight of 0.5, make the forecast 4 too high; got "
        f"{last}",
    )
    two = float(answer(weights, {1: 8.0, 2: 8.0}))
    require(
        two != 6,
        "a negative weight lowers the forecast when the entry is too high: do not take "
        "sizes",
    )
    require(
        two == 2,
        f"with the entry before it 8 too high as well, weight -0.25, expected 4 - 2 = "
        f"2; got {two:g}",
    )
    mixed = float(answer(weights, {3: -8.0, 4: 16.0}))
    require(
        mixed == 0,
        f"errors of -8 and 16 with weights 0.125 and 0.0625 cancel; got {mixed:g}",
    )


two_misread_years = Exercise(
    name="Two misread years",
    checker=_check_two_misread_years,
    hints=(
        "The forecast is a weighted sum. What does a sum do with an error in one of "
        "its terms?",
        "Each error contributes its weight times itself. The weight of lag k is "
        "`weights[k - 1]`.",
        "`sum(weights[lag - 1] * error for lag, error in errors.items())`",
    ),
    honest=(
        lambda weights, errors: np.dot(
            [weights[k - 1] for k in errors], list(errors.values())
        ),
    ),
    wrong={
        "counts lags from zero": lambda w, errors: sum(
            np.r_[w, 0][lag] * e for lag, e in errors.items()
        ),
        "counts from the end": lambda w, errors: sum(
            w[-lag] * e for lag, e in errors.items()
        ),
        "takes sizes": lambda w, errors: sum(
            abs(w[lag - 1] * e) for lag, e in errors.items()
        ),
        "averages": lambda w, errors: np.mean(
            [w[lag - 1] * e for lag, e in errors.items()]
        ),
        "corrects instead": lambda w, errors: (
            -sum(w[lag - 1] * e for lag, e in errors.items())
        ),
    },
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
        f"a random walk (both parameters zero) repeats its last value: weights 1, 0, "
        f"0; got {walk}",
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
        f"for φ = 0.5 and θ = -0.25 expected {expected.round(4)}; got "
        f"{found.round(4)}. The first two are "
        "special, then each is -θ times the one before",
    )


def _recursion(phi: float, theta: float, n: int, *, second: Any = None) -> list[float]:
    found = [1 + phi + theta]
    while len(found) < n:
        found.append(-theta * found[-1] - (phi if len(found) == 1 else 0))
    if second is not None and n > 1:
        found[1] = second(phi, theta)
    return found


weights_without_a_library = Exercise(
    name="Weights without a library",
    checker=_check_weights_without_a_library,
    hints=(
        "The formula stands in the notebook, under *Is it right?* How many weights are "
        "special?",
        "Start with 1 + φ + θ and -φ - θπ₁, then multiply by -θ until there are n.",
        "`found.append(-theta * found[-1])` in a loop; return `found[:n]`, since n may "
        "be 1.",
    ),
    honest=(
        _recursion,
        lambda phi, theta, n: pi_weights([phi], [theta], d=1, n_weights=n),
    ),
    wrong={
        "the other sign of θ": lambda phi, theta, n: _recursion(phi, -theta, n),
        "oldest first": lambda phi, theta, n: (
            _recursion(phi, theta, n)[::-1] if (phi, theta) != (0, 0) else [1, 0, 0]
        ),
        "no differencing": lambda phi, theta, n: pi_weights(
            [phi], [theta], d=0, n_weights=n
        ),
        "forgets φ in the second": lambda phi, theta, n: _recursion(
            phi, theta, n, second=lambda phi, theta: -theta * (1 + phi + theta)
        ),
        "always two at least": lambda phi, theta, n: _recursion(phi, theta, max(n, 2)),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the bars were drawn in the order in which they were computed": (
        "drawn = by_hand[::-1]",
        "drawn = by_hand",
    ),
    "θ were read with Box and Jenkins' sign": (
        "weights = pi_weights([phi], [theta], d=1",
        "weights = pi_weights([phi], [-theta], d=1",
    ),
    "the model had not taken differences": (
        "closed = pi_weights(river.arparams, river.maparams, d=1",
        "closed = pi_weights(river.arparams, river.maparams, d=0",
    ),
    "only the years since 1960 were raised": (
        "river.apply(nile + 100)",
        "river.apply(nile + 100 * (years >= 1960))",
    ),
    "the parameters were kept": (
        ".fit(start_params=river.params).forecast",
        ".smooth(river.params).forecast",
    ),
    "the past features had the sign of the coming one": (
        "abs(features - np.r_[beta, -beta * pi]).max()",
        "abs(features - np.r_[beta, beta * pi]).max()",
    ),
    "only the past quarters were counted": (
        "level = both.features[:, 0].sum()",
        "level = both.features[1:, 0].sum()",
    ),
}
