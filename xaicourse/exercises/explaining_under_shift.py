"""Exercises of the notebook on explaining under shift, and the alterations under which
its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.causality import StructuralCausalModel
from xaicourse.teaching import Exercise, require


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
        f"the values of a row must add up to f(x) - mean f(b), here "
        f"{(X - B.mean(0)) @ w}; yours give {found.sum(1)}",
    )
    require(
        np.allclose(found, w * (X - B.mean(0))),
        "the sum is right, but each column must keep its own part of it",
    )


by_the_formula = Exercise(
    name="By the formula",
    checker=_check_formula,
    hints=(
        "In a linear model a column adds the same whatever the others are: the order "
        "of joining does not matter.",
        "Column $j$ moves from the mean of the baselines to $x_j$; the model "
        "multiplies by $w_j$.",
        "`w * (X - B.mean(axis=0))`",
    ),
    honest=(
        lambda w, X, B: np.mean([w * (X - b) for b in B], axis=0),
        lambda w, X, B: X * w - (B * w).mean(0),
    ),
    wrong={
        "no baseline": lambda w, X, _: w * X,
        "no weight": lambda _, X, B: X - B.mean(0),
        "the first baseline": lambda w, X, B: w * (X - B[0]),
        "one mean for all columns": lambda w, X, B: w * (X - B.mean()),
        "sizes": lambda w, X, B: abs(w * (X - B.mean(0))),
        "evenly": lambda w, X, B: np.repeat(
            (((X - B.mean(0)) @ w) / 3)[:, None], 3, axis=1
        ),
        "a row for all": lambda w, X, B: (w * (X - B.mean(0))).mean(0),
    },
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
    require(
        isinstance(found, set | frozenset | list | tuple),
        f"return a set of names, such as {{'x2'}}, of what should not be treated; got "
        f"{found!r}",
    )
    found = set(found)
    require(
        "idle" not in found,
        "idle changes nothing, but its attribution is tiny: nobody would treat it, and "
        "nobody needs a warning",
    )
    require(
        not found & {"cause", "brake"},
        f"{sorted(found & {'cause', 'brake'})} does change y when it is set: a "
        f"negative effect is an effect, too",
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


do_not_treat_this = Exercise(
    name="Do not treat this",
    checker=_check_treat,
    hints=(
        "Two conditions: the attribution is large, and the intervention does nothing.",
        "Large means `abs(a) >= 0.1 * whole`, with the whole a sum of sizes. Nothing: "
        "an effect of exactly 0.",
        "`{n for n in large if world.effect_of(n, on=outcome, low=0, high=1).value == "
        "0}`, with `large` as above.",
    ),
    honest=(
        lambda w, y, a: [
            k
            for k in a
            if abs(a[k]) / sum(map(abs, a.values())) > 0.1
            and abs(w.effect_of(k, on=y, n=500).value) < 1e-9
        ],
    ),
    wrong={
        "large is enough": lambda _w, _y, a: {k for k in a if abs(a[k]) > 0.2},
        "no effect is enough": lambda w, y, a: {
            k for k in a if w.effect_of(k, on=y).value == 0
        },
        "signs": lambda w, y, a: {
            k for k in a if a[k] > 0.2 and w.effect_of(k, on=y).value == 0
        },
        "negative effects": lambda w, y, a: {
            k for k in a if abs(a[k]) > 0.2 and w.effect_of(k, on=y).value <= 0
        },
        "the other way round": lambda w, y, a: {
            k for k in a if abs(a[k]) > 0.2 and w.effect_of(y, on=k).value == 0
        },
        "no names": lambda _w, _y, a: len(a),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the disease listened to the marker": (
        "[world.effect_of(f, on=",
        "[world.do(y=lambda x2: x2 >= 0.5, x2=lambda noise: noise).effect_of(f, on=",
    ),
    "one read the line of the queue instead": (
        "marker = np.array([share[1]",
        "marker = np.array([share[2]",
    ),
    "the mean of the baselines were forgotten": (
        "(X_new - X_home[:100].mean(0))",
        "X_new",
    ),
    "GradientSHAP explained the patients in another order": (
        'sampled["network"].values[:, 1], exact',
        'sampled["network"].values.flip(0)[:, 1], exact',
    ),
    "the marker was raised by nothing": ('"high": high[1]}', '"high": low[1]}'),
    "the neighbours were chosen at random": (
        "search.kneighbors((X / scale)[:, known], return_distance=False)",
        "np.random.default_rng(0).integers(len(background), size=(len(X), k))",
    ),
    "the third hospital had the instrument of the first": (
        '"third (10)": 10.0',
        '"third (10)": 0.1',
    ),
}
