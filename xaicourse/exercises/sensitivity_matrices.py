"""Exercises of the notebook on sensitivity matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

Combine = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]


def _check_predict_every_patient(answer: Combine) -> None:
    matrix = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    changes = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    result = np.asarray(answer(matrix, changes), dtype=float)
    require(
        result.shape != (3, 3),
        "you have nine numbers, each patient's sensitivities with each patient's "
        "change: only a patient's own belong together",
    )
    require(
        result.shape == (3,),
        "expected one number for each of the three patients, shape (3,); got shape "
        f"{result.shape}. The contributions of the drugs add up",
    )
    require(
        result[2] < 0,
        "the third patient takes less of the stronger drug, so the prediction must be "
        "negative: keep the signs",
    )
    require(
        np.allclose(result, [1, 20, -24]),
        f"expected [1, 20, -24] for the sensitivities {rounded(matrix)} and the "
        f"changes {rounded(changes)}; got {rounded(result)}",
    )
    two = np.asarray(answer(matrix[1:], changes[:2]), dtype=float)
    require(
        np.allclose(two, [2, 30]),
        f"for the last two patients, with the first two changes, expected [2, 30]; got "
        f"{rounded(two)}",
    )


predict_every_patient = Exercise(
    name="Predict every patient",
    checker=_check_predict_every_patient,
    takes="matrix, changes",
    hints=(
        "For one patient: so much more of drug A times its sensitivity, plus the same "
        "for drug B.",
        "Multiply the two tables entry by entry; what then has to be added up, rows "
        "or columns?",
        "`(matrix * changes).sum(axis=1)`",
    ),
)


def _logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _check_another_bend(answer: Combine) -> None:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(4, 3)), np.array([[0.5], [-1.0], [2.0]])
    result = np.asarray(answer(X, W), dtype=float)
    require(
        result.shape == (4, 3),
        f"expected one number a row and input, shape (4, 3); got shape {result.shape}. "
        "W.T has the shape (1, 3)",
    )
    require(
        (np.sign(result) == np.sign(W.T)).all(),
        "the logistic function always rises, so each entry has the sign of its "
        "weight; some of yours have not",
    )
    s = _logistic(X @ W)
    require(
        not np.allclose(result, (1 - s**2) * W.T),
        "1 - s² belongs to the hyperbolic tangent; the logistic function has another "
        "derivative",
    )
    require(
        not np.allclose(result, s * (1 - s) * np.ones((1, 3)))
        and not np.allclose(result, s * (1 - s) * np.sign(W.T)),
        "the bend is right, but one unit more of an input moves z by that input's "
        "weight",
    )
    step = 1e-6 * np.eye(3)
    expected = np.stack(
        [(_logistic((X + d) @ W) - _logistic((X - d) @ W))[:, 0] / 2e-6 for d in step],
        axis=1,
    )
    require(
        np.allclose(result, expected, atol=1e-6),
        f"differences give {rounded(expected[0])} for the first row, your formula "
        f"{rounded(result[0])}",
    )
    require(
        np.allclose(answer(-X[:1], -W), -result[:1]),
        "with rows and weights of the other sign the bend is the same and the slopes "
        "have the other sign",
    )


another_bend = Exercise(
    name="Another bend",
    checker=_check_another_bend,
    takes="X, W",
    hints=(
        "Only the first factor of the chain rule changes: the derivative of the bend "
        "at $z$.",
        "The derivative of the logistic function can be written with its value: "
        "$s'(z) = s(z)\\,(1 - s(z))$.",
        "`s = 1 / (1 + np.exp(-(X @ W)))`, then `s * (1 - s) * W.T`.",
    ),
)
