"""Exercises of the notebook on invariance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaicourse.causality import StructuralCausalModel, invariant_causal_prediction
from xaicourse.teaching import Exercise, require, rounded


def _check_agreed(answer: Callable[..., Any]) -> None:
    sets = {(): 0.01, (0,): 0.4, (1,): 0.001, (0, 2): 0.3, (0, 1, 2): 0.2}
    found = answer(dict(sets), 0.05)
    require(
        found is not None,
        "three sets have a p-value above the level, and your function returns None: "
        "is a `return` missing? Return what these sets have in common",
    )
    found = set(found)
    require(
        found != {0, 1, 2},
        "you took every column that stands in some accepted set; ask for those in all "
        "of them",
    )
    require(
        found != set(),
        "the sets that are rejected have no say; keep those whose p-value is above "
        "the level",
    )
    require(
        found == {0},
        "the accepted sets are (0,), (0, 2) and (0, 1, 2), whose common column is 0; "
        f"got {found}",
    )
    none = answer({(): 0.01, (0,): 0.02}, 0.05)
    require(
        none is None,
        f"where no set is accepted there is no answer: return None, not {none!r}",
    )
    empty = answer({(): 0.2, (0,): 0.3}, 0.05)
    require(
        empty is not None and set(empty) == set(),
        "the empty set may be accepted; then nothing is agreed: set()",
    )
    level = answer({(1,): 0.1, (0, 2): 0.05, (0, 1): 0.2}, 0.05)
    require(
        level is not None and set(level) == {1},
        "a set whose p-value is the level itself is not accepted: it has to be above",
    )


what_all_agree_on = Exercise(
    name="What do all agree on?",
    checker=_check_agreed,
    takes="p_values, alpha",
    returns="a set of columns, or None",
    hints=(
        "First keep the sets whose p-value is above `alpha`. Then look for what they "
        "share.",
        "`set.intersection(*sets)` gives what all of several sets hold. It needs at "
        "least one set.",
        "`accepted = [set(s) for s, p in p_values.items() if p > alpha]`, then "
        "`set.intersection(*accepted) if accepted else None`",
    ),
)


def _check_squares(answer: Callable[..., Any]) -> None:
    z, y = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.5, -1.0, 1.0, 2.0])
    slope = np.mean(2 * (z - y) * z)
    found = np.asarray(answer(z, y), float)
    value = float(found)
    require(
        not np.isclose(value, slope),
        "that is the derivative itself: the penalty is its square",
    )
    require(
        not np.isclose(value, np.mean(2 * (z - y)) ** 2),
        "the derivative of (w z - y)² by w brings down a factor z (the chain rule)",
    )
    require(
        not np.isclose(value, np.mean((2 * (z - y) * z) ** 2)),
        "square the mean, not each row: rows may pull in opposite directions as long "
        "as the environment does not",
    )
    require(
        np.isclose(value, slope**2),
        f"for z = {rounded(z)} and y = {rounded(y)} expected {slope**2:.4f}, got "
        f"{value:.4f}: mind the factor 2, and take the mean",
    )
    require(
        np.isclose(answer(y[:2], z[:2]), np.mean(2 * (y - z)[:2] * y[:2]) ** 2),
        "with z and y exchanged, and two rows, the penalty is another one",
    )


penalty_of_squares = Exercise(
    name="The penalty of squares",
    checker=_check_squares,
    takes="z, y",
    returns="one number",
    hints=(
        "Differentiate $(w z - y)^2$ by $w$; then put $w = 1$.",
        "The derivative of one row is $2 (z_i - y_i) z_i$. Take the mean over the "
        "rows, and square it.",
        "`np.mean(2 * (z - y) * z) ** 2`",
    ),
)

_WORLD = StructuralCausalModel(
    {
        "x1": lambda noise, mean: mean + noise,
        "flip": lambda noise, flipped: noise < flipped,
        "y": lambda x1, flip: (x1 >= 5) ^ flip,
        "x2": lambda y, noise, spread: y + spread * noise,
    },
    parameters={"mean": 5.0, "spread": 0.1, "flipped": 0.1},
    noises={"flip": lambda rng, n: rng.random(n)},
)


def _check_hospital(answer: Mapping[str, float]) -> None:
    require(
        set(answer) == {"mean", "spread", "flipped"},
        "give a dictionary with the three numbers mean, spread and flipped",
    )
    require(
        answer["spread"] > 0 and 0 <= answer["flipped"] <= 1,
        "a spread is positive, and flipped a share: 0 to 1",
    )
    require(
        answer["mean"] != 5.5,
        "a hospital with the mean 5.5 is sold out: find another distance or direction",
    )
    found = []
    for draw in range(20):
        tables = [
            world.sample(1000, seed=10 * draw + i)
            for i, world in enumerate([_WORLD, _WORLD.environment(**answer)])
        ]
        pairs = [(t[["x1", "x2"]].to_numpy(), t["y"].to_numpy(float)) for t in tables]
        found.append(invariant_causal_prediction(pairs).causes)
    good, nothing, none = (found.count(c) for c in ((0,), (), None))
    if good >= 15:
        return
    require(
        nothing < 10,
        f"{nothing} of 20 draws give the empty set: more than one set fits. What must "
        "differ between the hospitals so that both the empty set and the marker fail?",
    )
    require(
        answer["flipped"] == 0.1,
        f"{none} of 20 draws accept no set: the second hospital diagnoses otherwise, "
        "so the mechanism of y has changed",
    )
    require(
        False,
        f"{none} of 20 draws accept no set, {nothing} the empty one and {good} name "
        "x1: how far may the blood value move before a straight line no longer fits a "
        "step?",
    )


choose_the_second_hospital = Exercise(
    name="Choose the second hospital",
    checker=_check_hospital,
    returns="a dictionary of numbers",
    hints=(
        "Each knob has a job: one must rule out the empty set, one the marker, and "
        "one must stay as it is.",
        "Move the mean by about half a unit, and give the marker another spread.",
        '`{"mean": 4.5, "spread": 2.0, "flipped": 0.1}`',
    ),
)
