"""Exercises of the notebook on the limits of slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.sensitivity import ishigami
from xaicourse.teaching import Exercise, require, rounded


def _check_two_slopes(answer: Callable[..., Any]) -> None:
    x, y = np.linspace(0, 3, 31), np.linspace(-1, 1, 11)
    X, Y = np.meshgrid(x, y)
    Z = 3 * X - 5 * Y
    result = answer(Z, x, y)
    require(
        isinstance(result, tuple | list) and len(result) == 2,
        f"return two arrays, one slope each; got {type(result).__name__}",
    )
    along_x, along_y = (np.asarray(part, dtype=float) for part in result)
    require(
        along_x.shape == along_y.shape == Z.shape,
        f"both slopes have the shape of Z, {Z.shape}; got {along_x.shape} and "
        f"{along_y.shape}",
    )
    found = (float(along_x.mean()), float(along_y.mean()))
    what = f"Z = 3 x - 5 y has slopes 3 and -5; yours average {rounded(found)}"
    require(
        not np.allclose(found, (-5, 3)), f"{what}: which axis of Z does y lie along?"
    )
    scaled = np.allclose(found, (0.3, -1)) or np.allclose(found, (-1, 0.3))
    require(
        not scaled,
        f"{what}: those are changes from point to point. How far apart are the points?",
    )
    require(np.allclose(along_x, 3) and np.allclose(along_y, -5), what)
    x, y = np.linspace(0, 2, 9), np.linspace(-1, 1, 11)
    X, Y = np.meshgrid(x, y)
    slopes = 2 * X * Y**2, 2 * X**2 * Y
    parts = answer(X**2 * Y**2, x, y)
    for part, slope, name in zip(parts, slopes, "xy", strict=True):
        inside, yours = slope[1:-1, 1:-1], np.asarray(part, dtype=float)[1:-1, 1:-1]
        require(
            np.allclose(yours, inside),
            f"the slope of x² y² along {name} is another at each point: in a row "
            f"{rounded(inside[0])}, you have {rounded(yours[0])}",
        )


two_slopes = Exercise(
    name="Two slopes",
    checker=_check_two_slopes,
    takes="Z, x, y",
    hints=(
        "Look at `Z.shape` when `x` and `y` have different lengths. Which axis is "
        "which?",
        "`np.gradient(Z, a, b)` takes the coordinates of the first and of the second "
        "axis, and returns in that order.",
        "`along_y, along_x = np.gradient(Z, y, x)`, then return them the other way "
        "round.",
    ),
)


def _check_total_index(answer: Callable[..., Any]) -> None:
    f = ishigami()
    rng = np.random.default_rng(0)
    A, B = (rng.uniform(-np.pi, np.pi, (100_000, 3)) for _ in range(2))
    for column in (2, 0, 1):
        mixed = A.copy()
        mixed[:, column] = B[:, column]
        result = answer(f(A), f(mixed))
        got = (
            f"the total index of x{column + 1} of Ishigami's function is "
            f"{rounded(f.ST[column])}; yours is {rounded(result)}"
        )
        require(
            abs(result - 2 * f.ST[column]) > 0.03,
            f"{got}. Two independent draws differ by twice the variance",
        )
        require(
            abs(result - f.ST[column] * f.variance) > 0.1,
            f"{got}. A share is measured in units of the variance",
        )
        require(
            abs(result - (1 - f.ST[column])) > 0.03 or column == 1,
            f"{got}. That is what the *other* columns account for",
        )
        require(
            abs(result - f.ST[column]) < 0.02,
            f"{got}. How far do f_A and f_AB lie apart, on average, squared?",
        )


total_index = Exercise(
    name="A total index",
    checker=_check_total_index,
    takes="f_A, f_AB",
    returns="one number",
    hints=(
        "Between `f_A` and `f_AB` nothing changed but the one column. So their "
        "difference is all its doing.",
        "For two independent draws $u, v$ of the same thing, $E[(u - v)^2] = "
        "2\\,V(u)$.",
        "Half the mean squared difference, divided by the variance of `f_A`.",
    ),
)


def _check_hide(answer: Callable[..., Any]) -> None:
    t = np.linspace(-1, 1, 201)
    for name, outputs in (("x", answer(t, 0 * t)), ("y", answer(0 * t, t))):
        line = np.broadcast_to(np.asarray(outputs, dtype=float), t.shape)
        require(
            np.ptp(line) < 1e-9,
            f"a sweep of {name} through the middle finds you: the output moves by "
            f"{rounded(np.ptp(line))} along it",
        )
    values = np.asarray(
        answer(*np.random.default_rng(0).uniform(-1, 1, (2, 10_000))), dtype=float
    )
    require(
        values.shape == (10_000,) and np.var(values) > 1e-6,
        "this function hides well because there is nothing to hide: away from the "
        "axes it must vary",
    )


hide = Exercise(
    name="Hide from the sweeps",
    checker=_check_hide,
    takes="x, y",
    hints=(
        "On the two axes one of the inputs is zero. What is zero whenever one of two "
        "numbers is?",
        "A product. It need not be a plain one.",
        "`x * y`",
    ),
)
