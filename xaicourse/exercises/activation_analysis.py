"""Exercises of the notebook on the analysis of activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded

Answer = Callable[..., Any]


def _check_back_to_columns(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(5, 3)))[0].T
    coefficients, spread = np.array([1.0, -2.0, 0.5]), np.array([3.0, 0.5, 1.5])
    result = np.asarray(answer(coefficients, spread, components), dtype=float)
    require(
        result.shape == (5,),
        f"expected one slope for each of the 5 columns; got shape {result.shape}",
    )
    require(
        not np.allclose(result, components.T @ coefficients),
        "the coefficients are per standard deviation of a component; bring them to "
        "its own units first",
    )
    require(
        not np.allclose(result, components.T @ (coefficients * spread)),
        "a slope per unit of a component with a large spread is smaller than one per "
        "standard deviation, not larger",
    )
    rows = rng.normal(size=(20, 5))
    expected = (rows @ components.T / spread) @ coefficients
    require(
        np.allclose(rows @ result, expected),
        f"for a row of columns the neuron's fit is {expected[0]:.3f}; your slopes give "
        f"{rows[0] @ result:.3f}",
    )
    require(
        np.allclose(
            answer(2 * coefficients, spread, components[:, ::-1]), 2 * result[::-1]
        ),
        "with coefficients twice as large and the columns the other way round, the "
        "slopes must be twice as large and the other way round",
    )


back_to_columns = Exercise(
    name="Back to columns",
    checker=_check_back_to_columns,
    takes="coefficients, spread, components",
    hints=(
        "Which two steps lead from a column to what the regression was given: a "
        "product with `components`, and then?",
        "A slope per standard deviation becomes one per unit when it is divided by "
        "that deviation. Then turn it: a component is a sum of columns.",
        "`components.T @ (coefficients / spread)`",
    ),
)


def _check_concept_score(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal([0.8, 0, 0, 0], size=(200, 4))
    concept, others = (
        rng.normal([2, 0, 0, 5], size=(30, 4)),
        rng.normal([0, 0, 0, 5], size=(60, 4)),
    )
    vector = concept.mean(0) - others.mean(0)
    result = answer(gradients, concept, others)
    value, expected = float(result), float(np.mean(gradients @ vector > 0))
    require(
        0 <= value <= 1,
        f"a share lies between 0 and 1; got {value:.3f}. Count rows rather than adding "
        "slopes.",
    )
    require(
        abs(value - (1 - expected)) > 1e-9,
        "that is the share of rows in which the step *away* from the concept raises "
        "the output: mind the order",
    )
    require(
        abs(value - float(np.mean(gradients @ concept.mean(0) > 0))) > 1e-9,
        "what the examples of the concept share with everybody is no part of it: take "
        "the others' mean away",
    )
    require(
        abs(value - expected) < 1e-9,
        f"the step raises the output in {expected:.1%} of rows; you found {value:.1%}",
    )
    level = float(answer(np.array([[1.0, 0], [0, 1], [0, -1]]), *np.eye(2)[:, None]))
    flat = float(answer(np.zeros((4, 4)), concept, others))
    require(
        flat == 0 and abs(level - 2 / 3) < 1e-9,
        "where a step changes nothing it raises nothing: of four rows with no gradient "
        f"none counts; you found {flat:.1%}",
    )


concept_score = Exercise(
    name="The score of a concept",
    checker=_check_concept_score,
    takes="gradients, concept, others",
    returns="one number",
    hints=(
        "The derivative along a vector is a product of the gradient with it. One "
        "product a row, then only its sign.",
        "The vector is `concept.mean(axis=0) - others.mean(axis=0)`; its length does "
        "not matter for a sign.",
        "`np.mean(gradients @ (concept.mean(axis=0) - others.mean(axis=0)) > 0)`",
    ),
)


def _check_effect_of_each(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    h, weights = (
        np.maximum(rng.normal([0, 0, 9, 0], size=(300, 4)), 0),
        rng.normal(size=(3, 4)),
    )
    h[:, 3] = 2.0  # a neuron that says the same of everybody
    result = np.asarray(answer(h, weights, 1), dtype=float)
    require(
        result.shape == (4,),
        f"expected one number for each of the 4 neurons; got shape {result.shape}",
    )
    expected = np.abs((h - h.mean(0)) * weights[1]).mean(0)
    require(
        not np.allclose(result, np.abs(h * weights[1]).mean(0)),
        "these neurons were set to zero. The third one never is near zero: set each "
        "to its mean instead.",
    )
    require(
        bool((result >= 0).all()) and not np.allclose(result, 0),
        "take the absolute change row by row, before the mean: the changes themselves "
        "average to nothing",
    )
    require(
        abs(result[3]) < 1e-9,
        "a neuron that always says the same changes nothing when it is set to its "
        "mean: expected 0",
    )
    require(
        np.allclose(result, expected),
        f"expected {rounded(expected)}, got {rounded(result)}; is it the row k of W?",
    )
    require(
        np.allclose(
            answer(h, weights, 2), np.abs((h - h.mean(0)) * weights[2]).mean(0)
        ),
        "for k = 1 this is right and for k = 2 it is not: each class has its own row",
    )


effect_of_each = Exercise(
    name="Take a neuron out",
    checker=_check_effect_of_each,
    takes="h, weights, k",
    hints=(
        "The logit is a sum over neurons, so replacing one of them changes one term "
        "of the sum.",
        "That term is $h_j W_{kj}$; with the mean in place of $h_j$ it changes by "
        "$(h_j - \\bar h_j) W_{kj}$.",
        "`np.abs((h - h.mean(axis=0)) * weights[k]).mean(axis=0)`",
    ),
)
