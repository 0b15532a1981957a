"""Right and wrong answers, and alterations: definition."""

from __future__ import annotations

from typing import Any

import numpy as np


def _differences(
    func: Any,
    X: Any,
    epsilon: float,
    *,
    sign: int = 1,
    each: bool = False,
    keep: bool = False,
) -> Any:
    X = np.array(X, dtype=float)
    start, columns, moved = func(X), [], X.copy()
    for j in range(X.shape[1]):
        moved = moved if keep else X.copy()
        moved[:, j] += sign * epsilon
        columns.append((func(moved) - (func(X) if each else start)) / (sign * epsilon))
    return np.stack(columns, axis=2)


def _central(func: Any, X: Any, epsilon: float) -> Any:
    X = np.array(X, dtype=float)
    shifts = epsilon * np.eye(X.shape[1])
    return np.stack(
        [(func(X + s) - func(X - s)) / (2 * epsilon) for s in shifts], axis=2
    )


def _integers(func: Any, X: Any, epsilon: float) -> Any:
    columns = []
    for j in range(X.shape[1]):
        moved = X.copy()
        moved[:, j] = moved[:, j] + epsilon
        columns.append((func(moved) - func(X)) / epsilon)
    return np.stack(columns, axis=2)


def _at_once(func: Any, X: Any, epsilon: float) -> Any:
    X = np.asarray(X, dtype=float)
    moved = np.array([func(X + shift) for shift in epsilon * np.eye(X.shape[1])])
    return np.moveaxis(moved - func(X), 0, 2) / epsilon


def _from_the_first_row(func: Any, X: Any, epsilon: float) -> Any:
    return _differences(func, X, epsilon) + (func(X) - func(X)[0])[..., None] / epsilon


HONEST = {
    "which_motor": (
        lambda stack: np.argsort(stack**2, axis=-1)[..., -1],
        lambda stack: [
            [max(range(len(row)), key=lambda j: abs(row[j])) for row in matrix]
            for matrix in stack
        ],
    ),
    "on_one_side": (_at_once,),
    "few_digits": (
        lambda noise: np.cbrt(3 * noise),
        lambda noise: (1.5 * noise) ** (1 / 3),
    ),
}

WRONG = {
    "which_motor": {
        "forgets the sign": lambda stack: stack.argmax(axis=2),
        "along the outputs": lambda stack: abs(stack).argmax(axis=1),
        "the sensitivity itself": lambda stack: abs(stack).max(axis=2),
        "counts from one": lambda stack: abs(stack).argmax(axis=2) + 1,
        "the weakest": lambda stack: abs(stack).argmin(axis=2),
    },
    "on_one_side": {
        "both sides": _central,
        "integers": _integers,
        "backward": lambda func, X, epsilon: _differences(func, X, epsilon, sign=-1),
        "inputs before outputs": lambda func, X, epsilon: _differences(
            func, X, epsilon
        ).transpose(0, 2, 1),
        "the start anew in each turn": lambda func, X, epsilon: _differences(
            func, X, epsilon, each=True
        ),
        "steps that pile up": lambda func, X, epsilon: _differences(
            func, X, epsilon, keep=True
        ),
        "starts from the first row alone": _from_the_first_row,
    },
    "few_digits": {
        "the machine's": lambda _: np.finfo(float).eps ** (1 / 3),
        "that of the forward difference": lambda noise: noise**0.5,
        "the noise itself": lambda noise: noise,
        "always a thousandth": lambda _: 1e-3,
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the second output were a sine too": ("np.cos(X[:, 1])])", "np.sin(X[:, 1])])"),
    "the integers were floating-point numbers": (
        "np.array([[1, 2], [3, 4]])",
        "np.array([[1.0, 2], [3, 4]])",
    ),
    "outputs and inputs were exchanged": (
        "finite_differences(torch_at, poses)",
        "finite_differences(torch_at, poses).transpose(0, 2, 1)",
    ),
    "the difference were taken on one side only": (
        "(func(X_plus) - func(X_minus)) / (2 * epsilon)",
        "(func(X_plus) - func(X)) / epsilon",
    ),
    "single precision had as many digits as double": (
        "q.astype(np.float32)",
        "q.astype(np.float64)",
    ),
    "the packaged step did not grow either": (
        "finite_differences(np.log, large)",
        "sensitivity(np.log, large)",
    ),
}
