"""Exercises of the notebook on the definition of a sensitivity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

Floats = NDArray[np.float64]


def _check_which_motor(answer: Callable[[Floats], Any]) -> None:
    stack = np.array(
        [[[1.0, -3.0, 2.0], [0.5, 0.1, 0.0]], [[0.0, 1.0, 4.0], [-9.0, 8.0, 7.0]]]
    )
    result = np.asarray(answer(stack))
    require(
        result.shape == (2, 2),
        "expected a position for each sample and output, shape (2, 2); got shape "
        f"{result.shape}. Which axis of (samples, outputs, inputs) has to go?",
    )
    require(
        np.issubdtype(result.dtype, np.integer),
        "return positions, whole numbers, rather than the sensitivities",
    )
    require(
        result[0, 0] == 1 and result[1, 1] == 0,
        "of the sensitivities 1, -3 and 2 the second is the strongest, position 1, "
        f"and of -9, 8, 7 the first; you chose {result[0, 0]} and {result[1, 1]}",
    )
    turned = stack[..., [2, 0, 1]]
    for some, expected in ((stack, [[1, 0], [2, 0]]), (turned, [[2, 1], [0, 1]])):
        found = np.asarray(answer(some))
        require(
            np.array_equal(found, expected),
            f"expected {expected} for {rounded(some)}; got {rounded(found)}",
        )


which_motor = Exercise(
    name="Which motor?",
    checker=_check_which_motor,
    takes="stack",
    hints=(
        "Strength has no sign. What do you do to the stack first?",
        "`argmax` takes an axis. The inputs are the last of the three.",
        "`abs(stack).argmax(axis=2)`",
    ),
)


def _check_on_one_side(answer: Callable[..., Any]) -> None:
    calls: list[Floats] = []

    def func(X: Floats) -> Floats:
        calls.append(np.array(X))
        return np.column_stack(
            [X[:, 0] ** 2 * X[:, 1], X[:, 1] + 2 * X[:, 2], X[:, 2] ** 3, X[:, 0]]
        )

    X = np.array([[1, 2, 3], [2, 0, 1]])
    result = np.asarray(answer(func, X, 0.01), dtype=float)
    require(
        result.shape == (2, 4, 3),
        "two samples, four outputs, three inputs make a stack of shape (2, 4, 3); got "
        f"{result.shape}",
    )
    require(
        not np.allclose(result, 0),
        "every sensitivity is zero: X came as integers, and a step below one is cut "
        "off. Make it floating-point first",
    )
    require(
        abs(result[0, 2, 2] - 27) > 0.01,
        "the result has no trace of the step, so both sides were used: compare with "
        "the unmoved samples",
    )
    expected = np.array([4.02, 1.0, 2.0, 27.0901])
    found = np.array(
        [result[0, 0, 0], result[0, 0, 1], result[0, 1, 2], result[0, 2, 2]]
    )
    require(
        np.allclose(found, expected, atol=1e-6),
        "with a step of 0.01 the forward differences of x0² x1, x0² x1, x1 + 2 x2, "
        f"x2³ at the first sample are {rounded(expected)} (with respect to x0, x1, x2, "
        f"x2); got {rounded(found)}",
    )
    require(
        len(calls) == 4,
        "three inputs need four calls of the function, one of them for the unmoved "
        f"samples; you made {len(calls)}",
    )
    second = np.array([[0, 4, 0], [0, 1, 2], [0, 0, 3.0301], [1, 0, 0]])
    swapped = np.asarray(answer(func, X[::-1], 0.01), dtype=float)
    require(
        np.allclose([result[1], swapped[0]], second)
        and np.allclose(swapped[1], result[0]),
        f"at the second sample the differences are {rounded(second)}; got "
        f"{rounded(result[1])}. Is each row compared with its own start?",
    )


on_one_side = Exercise(
    name="On one side",
    checker=_check_on_one_side,
    takes="func, X, epsilon",
    hints=(
        "Call the function on the unmoved samples before the loop, and once in each "
        "turn of it.",
        "`np.array(X, dtype=float)` is a copy that can take small steps. Start each "
        "turn from a fresh copy of it.",
        "Collect `(func(moved) - start) / epsilon`, each of shape (samples, outputs), "
        "and put them beside each other with `np.stack(columns, axis=2)`.",
    ),
)


def _check_few_digits(answer: Callable[[float], Any]) -> None:
    for noise in (1e-6, 1e-9, 1e-12):
        step = float(answer(noise))
        require(
            step > 0,
            f"a step is a positive number; for a noise of {rounded(noise)} you "
            f"returned {rounded(step)}",
        )
        require(
            step > 3 * noise,
            f"with a noise of {rounded(noise)} your step {rounded(step)} is as small "
            "as the noise itself: the two values could not be told apart",
        )
        best = noise ** (1 / 3)
        side = (
            "left arm of the V: noise divided by a small step"
            if step < best
            else "right arm: a chord, no tangent"
        )
        require(
            best / 5 < step < best * 5,
            f"for a noise of {rounded(noise)}, a step of {step:.1e} is on the {side}. "
            "Where do step² and noise / step meet?",
        )


few_digits = Exercise(
    name="A simulator with few digits",
    checker=_check_few_digits,
    takes="noise",
    returns="one number",
    hints=(
        "Nothing changes in the argument for the bottom of the V but the size of the "
        "rounding.",
        "The two errors are about step² and noise / step. Set them equal.",
        "`noise ** (1 / 3)`",
    ),
)
