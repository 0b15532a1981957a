"""Exercises of the notebook on environment shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.causality import StructuralCausalModel
from xaicourse.teaching import Exercise, require, rounded

Weigh = Callable[[Any, NDArray[np.float64]], Any]
Lose = Callable[..., float]


def _check_another_unit(answer: Weigh) -> None:
    X = np.array([[0.0, 10.0], [2.0, 30.0], [4.0, 50.0], [2.0, -30.0]])
    weights, factors = np.array([3.0, -0.5]), np.array([1000.0, 0.25])
    result = np.asarray(answer(weights, factors), dtype=float)
    require(
        result.shape == (2,),
        f"expected one weight per feature, shape (2,); got shape {result.shape}",
    )
    require(
        np.array_equal(np.sign(result), np.sign(weights)),
        "a feature that lowered the score must go on lowering it: keep the sign",
    )
    require(
        not np.allclose(result, weights),
        "the weights have not changed, but the numbers they are multiplied with are "
        "others now",
    )
    before, after = X @ weights, (X * factors) @ result
    require(
        np.allclose(before, after),
        f"the patients' scores were {rounded(before)}; with your weights and the new "
        f"units they are {rounded(after)}. What happens to a slope per gram when the "
        "column is written in milligrams?",
    )
    turned = np.asarray(answer(weights, np.array([2.0, -1.0])), dtype=float)
    require(
        np.allclose(turned, [1.5, 0.5]),
        "a column that is written with the other sign needs a weight with the other "
        f"sign: for factors 2 and -1 expected [1.5, 0.5], got {rounded(turned)}",
    )


another_unit = Exercise(
    name="Another unit",
    checker=_check_another_unit,
    takes="weights, factors",
    hints=(
        "A score is a sum of weight times feature. If the feature is a thousand times "
        "larger, what must the weight be?",
        "Only the product counts: $w_j x_j = w'_j \\, (f_j x_j)$. Solve for $w'_j$.",
        "Divide: `weights / factors`.",
    ),
)


def _check_shuffle_one_column(answer: Lose) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3))
    y = (X[:, 0] > 0) ^ (rng.random(4000) < 0.2)  # the model is right in four of five
    seen: list[NDArray[np.float64]] = []

    def predict(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        seen.append(np.array(rows))
        return rows[:, 0] > 0

    unused = answer(predict, X, y, 2, np.random.default_rng(1))
    require(
        abs(float(unused)) < 0.05,
        "a column that the model does not use costs nothing when shuffled, but you "
        f"found {unused:.3f}",
    )
    del seen[:]
    decisive = float(answer(predict, X, y, 0, np.random.default_rng(1)))
    require(
        decisive > 0,
        "shuffling the only column that the model uses must cost accuracy, a positive "
        f"number; got {decisive:.3f}",
    )
    require(
        abs(decisive - 0.3) < 0.05,
        "the model goes from four right answers of five to a coin, so the loss should "
        f"be near 0.3; got {decisive:.3f}. What was lost, and not what is left",
    )
    kept = any(
        np.array_equal(np.sort(rows[:, 0]), np.sort(X[:, 0]))
        and not np.array_equal(rows[:, 0], X[:, 0])
        for rows in seen
    )
    require(
        kept,
        "shuffle the column: the same values in another order, rather than new values",
    )
    first = [rows[:, 0] for rows in seen]
    del seen[:]
    answer(predict, X, y, 0, np.random.default_rng(1))
    again = [rows[:, 0] for rows in seen]
    require(
        np.array_equal(first, again),
        "the same generator must give the same answer: draw with rng, not with "
        "np.random",
    )


shuffle_one_column = Exercise(
    name="Shuffle one column",
    checker=_check_shuffle_one_column,
    takes="predict, X, y, column, rng",
    returns="one number",
    hints=(
        "Two accuracies: before and after. What exactly differs between the two "
        "tables?",
        "`X.copy()` first; then replace one column of the copy by `rng.permutation` "
        "of itself.",
        "`changed = X.copy(); changed[:, column] = rng.permutation(X[:, column])`, "
        "then the difference of the two `np.mean(predict(...) == y)`: before minus "
        "after.",
    ),
)


def _check_turn_the_arrow(answer: StructuralCausalModel) -> None:
    require(
        isinstance(answer, StructuralCausalModel),
        f"expected a StructuralCausalModel, got {type(answer).__name__}",
    )
    for name in ("x2", "y"):
        require(
            name in answer.mechanisms,
            f"the world needs a variable {name}; it has {sorted(answer.mechanisms)}",
        )
    sick = answer.sample(2000, seed=0)["y"]
    require(
        set(np.unique(sick)) <= {0, 1},
        "the disease is a yes or no: let its equation end in a comparison",
    )
    forward = answer.effect_of("x2", on="y", low=0, high=1, n=20_000).value
    require(
        forward != 0,
        "do(x2) does not move y at all: an association is not enough, the equation of "
        "y must ask for x2 (or for something that listens to it)",
    )
    require(
        forward >= 0.2,
        "a marker of 1 must make 20 more of 100 patients sick than one of 0; here it "
        f"makes {100 * forward:.0f}",
    )
    backward = answer.effect_of("y", on="x2", low=0, high=1, n=2000).value
    require(
        backward == 0,
        f"do(y) still moves the marker, by {backward:.2f}: nothing must point from y "
        "to x2",
    )


turn_the_arrow = Exercise(
    name="Turn the arrow round",
    checker=_check_turn_the_arrow,
    returns="a StructuralCausalModel",
    hints=(
        "In `StructuralCausalModel` an arrow is an argument: `y` listens to `x2` when "
        "its function asks for `x2`.",
        "Give `x2` an equation that asks for `noise` alone, and let `y` compare `x2` "
        "plus some noise with a number.",
        '`StructuralCausalModel({"x2": lambda noise: noise, "y": lambda x2, noise: x2 '
        "+ noise >= 0.5})`",
    ),
)
