"""Right and wrong answers, and alterations: sensitivity matrices."""

from __future__ import annotations

import numpy as np

from xaicourse.exercises.sensitivity_matrices import _logistic

HONEST = {
    "predict_every_patient": (
        lambda matrix, changes: np.einsum("ij,ij->i", matrix, changes),
        lambda matrix, changes: np.diag(matrix @ changes.T),
        lambda matrix, changes: [
            sum(m * c for m, c in zip(*pair, strict=True))
            for pair in zip(matrix, changes, strict=True)
        ],
    ),
    "another_bend": (
        lambda X, W: np.exp(-(X @ W)) / (1 + np.exp(-(X @ W))) ** 2 * W.ravel(),
        lambda X, W: (1 - np.tanh((X @ W) / 2) ** 2) / 4 * W.T,
    ),
}

WRONG = {
    "predict_every_patient": {
        "everybody with everybody": lambda matrix, changes: matrix @ changes.T,
        "does not add up": lambda matrix, changes: matrix * changes,
        "adds up the patients": lambda matrix, changes: (matrix * changes).sum(axis=0),
        "sizes only": lambda matrix, changes: abs(matrix * changes).sum(axis=1),
        "the mean of the drugs": lambda matrix, changes: (matrix * changes).mean(
            axis=1
        ),
    },
    "another_bend": {
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
}

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
