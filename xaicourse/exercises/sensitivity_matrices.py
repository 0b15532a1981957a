"""Exercises of the notebook on sensitivity matrices, and the alterations under which
its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require

Combine = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]


def _check_predict_every_patient(answer: Combine) -> None:
    matrix = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    changes = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    result = np.asarray(answer(matrix, changes), dtype=float)
    require(
        result.shape != (3, 3),
        "you have nine numbers, each patient's sensitivities with each patient's "
        "change: only a patient's own belong "
        "together",
    )
    require(
        result.shape == (3,),
        f"expected one number for each of the three patients, shape (3,); got shape "
        f"{result.shape}. "
        "The contributions of the drugs add up",
    )
    require(
        result[2] < 0,
        "the third patient takes less of the stronger drug, so the prediction must be "
        "negative: keep the signs",
    )
    require(
        np.allclose(result, [1, 20, -24]),
        f"expected [1, 20, -24] for the sensitivities {matrix.tolist()} and the "
        f"changes {changes.tolist()}; got "
        f"{result.round(3).tolist()}",
    )


predict_every_patient = Exercise(
    name="Predict every patient",
    checker=_check_predict_every_patient,
    hints=(
        "For one patient: so much more of drug A times its sensitivity, plus the same "
        "for drug B.",
        "Multiply the two tables entry by entry; what then has to be added up, rows or "
        "columns?",
        "`(matrix * changes).sum(axis=1)`",
    ),
    honest=(
        lambda matrix, changes: np.einsum("ij,ij->i", matrix, changes),
        lambda matrix, changes: np.diag(matrix @ changes.T),
        lambda matrix, changes: [
            sum(m * c for m, c in zip(*pair, strict=True))
            for pair in zip(matrix, changes, strict=True)
        ],
    ),
    wrong={
        "everybody with everybody": lambda matrix, changes: matrix @ changes.T,
        "does not add up": lambda matrix, changes: matrix * changes,
        "adds up the patients": lambda matrix, changes: (matrix * changes).sum(axis=0),
        "sizes only": lambda matrix, changes: abs(matrix * changes).sum(axis=1),
        "the mean of the drugs": lambda matrix, changes: (matrix * changes).mean(
            axis=1
        ),
    },
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
        f"W.T has the shape (1, 3)",
    )
    require(
        (np.sign(result) == np.sign(W.T)).all(),
        "the logistic function always rises, so each entry has the sign of its weight; "
        "some of yours have not",
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
        f"differences give {expected[0].round(4).tolist()} for the first row, your "
        f"formula "
        f"{result[0].round(4).tolist()}",
    )


another_bend = Exercise(
    name="Another bend",
    checker=_check_another_bend,
    hints=(
        "Only the first factor of the chain rule changes: the derivative of the bend "
        "at $z$.",
        "The derivative of the logistic function can be written with its value: $s'(z) "
        "= s(z)\\,(1 - s(z))$.",
        "`s = 1 / (1 + np.exp(-(X @ W)))`, then `s * (1 - s) * W.T`.",
    ),
    honest=(
        lambda X, W: np.exp(-(X @ W)) / (1 + np.exp(-(X @ W))) ** 2 * W.ravel(),
        lambda X, W: (1 - np.tanh((X @ W) / 2) ** 2) / 4 * W.T,
    ),
    wrong={
        "the derivative of tanh": lambda X, W: (1 - _logistic(X @ W) ** 2) * W.T,
        "forgets the weights": lambda X, W: (
            _logistic(X @ W) * (1 - _logistic(X @ W)) * np.sign(W.T)
        ),
        "with respect to the weights": lambda X, W: (
            _logistic(X @ W) * (1 - _logistic(X @ W)) * X
        ),
        "one number a row": lambda X, W: _logistic(X @ W) * (1 - _logistic(X @ W)),
        "the value instead of the slope": lambda X, W: _logistic(X @ W) * W.T,
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "it were asked for differences between rows": (
        "np.gradient(effect, doses)",
        "np.gradient(effect, axis=0)",
    ),
    "the derivative by hand forgot the weights": (
        "(1 - effect**2) * W.T",
        "(1 - effect**2) * np.ones((1, 2))",
    ),
    "the nudge were a tenth instead of a few millionths": (
        "finite_differences(lambda X: np.tanh(X @ V), X)",
        "finite_differences(lambda X: np.tanh(X @ V), X, step=0.1)",
    ),
    "the response did not level off": ("return np.tanh(X @ W)", "return X @ W"),
    "both drugs had the same weight": ("[[0.1], [0.2]]", "[[0.1], [0.1]]"),
    "the matrix had only half its size": (
        "by_hand.sum(axis=1)",
        "by_hand.mean(axis=1)",
    ),
}
