"""Exercises of the notebook on a conservation budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

Floats = NDArray[np.float64]


def _check_elasticity(answer: Callable[..., Any]) -> None:
    def f(x: Floats) -> float:
        return float(7 * x[0] ** 2 / x[1] + 0 * x[2])

    x = np.array([3.0, 40.0, 5.0])
    values = []
    for j, (power, name) in enumerate(
        [(2, "the square of x[0]"), (-1, "one over x[1]"), (0, "no x[2] at all")]
    ):
        value = answer(f, x, j)
        values.append(float(value))
        what = (
            f"f holds {name}, so the elasticity is {power}; yours is {rounded(value)}"
        )
        slope = power * f(x) / x[j]
        require(
            power == 0 or abs(value - slope) > 1e-3 * abs(slope),
            f"{what}. That is the slope. How many per cent is it?",
        )
        require(
            power == 0 or value * power > 0,
            f"{what}. Look at the order of the two terms of the difference",
        )
        require(
            abs(value - power) < 1e-2,
            f"{what}. What is the change of f as a share of f, for a share of x?",
        )
    require(
        abs(values[0] - 2) < 1e-5 and abs(values[1] + 1) < 1e-5,
        "close, but a central difference would be closer than "
        f"{rounded(max(abs(values[0] - 2), abs(values[1] + 1)))}",
    )
    sides = [(f, x * [-1, 1, 1]), (lambda x: -f(x), x)]
    below = [float(answer(func, at, 0)) for func, at in sides]
    require(
        np.allclose(below, 2, atol=1e-2),
        "of x[0]² the elasticity is 2 where x[0] is negative, too, and for -f as for "
        f"f; yours are {rounded(below)}. Shares keep their signs",
    )


elasticity = Exercise(
    name="An elasticity",
    checker=_check_elasticity,
    takes="f, x, j",
    returns="one number",
    hints=(
        "By how many per cent does `f` change when parameter `j` rises by one per "
        "cent?",
        "`up` and `down` are copies of `x` in which entry `j` is multiplied by `1 + "
        "share` and `1 - share`.",
        "`(f(up) - f(down)) / (2 * share) / f(x)`: the value of the parameter itself "
        "cancels.",
    ),
)


def _check_best_predation(answer: Callable[..., Any]) -> None:
    for r, K, b, m in [(1.5, 1000.0, 0.1, 0.3), (0.8, 500.0, 0.2, 0.1)]:
        a = answer(K, b, m)
        require(
            a > 0,
            f"return a positive number; got {rounded(a)}",
        )

        def lynx(
            rate: float, r: float = r, K: float = K, b: float = b, m: float = m
        ) -> float:
            return r / rate * (1 - m / (rate * b * K))

        where = (
            f"with K = {K:g}, b = {b:g} and m = {m:g} your rate {rounded(a)} leaves "
            f"{rounded(lynx(a))} lynx at rest"
        )
        require(
            lynx(a) > 1e-9 * r / a,
            f"{where}. Below m / (bK) they cannot live even on as many hares as there "
            "is room for",
        )
        for share in (0.99, 1.01):
            more = "less" if share < 1 else "more"
            require(
                lynx(a * share) <= lynx(a),
                f"{where}, and a little {more} hunting would leave more of them",
            )


best_predation = Exercise(
    name="How much hunting is best?",
    checker=_check_best_predation,
    takes="K, b, m",
    returns="one number",
    hints=(
        "Where a smooth function is largest its derivative is zero. Write it as $r/a "
        "- r m / (a^2 b K)$.",
        "The derivative is $-r/a^2 + 2 r m / (a^3 b K)$.",
        "Zero at $a = 2m/(bK)$: `2 * m / (b * K)`",
    ),
)


def _check_sensitivity_equation(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, s, r, K = rng.uniform([1, -5, 0.2, 50], [100, 5, 2, 200])
        require(
            np.isclose(answer(x, 0.0, r, K), x * (1 - x / K)),
            "at first s = 0, and the rate is what r does directly, x (1 - x/K) = "
            f"{rounded(x * (1 - x / K))}; yours is {rounded(answer(x, 0.0, r, K))}",
        )
        indirect, truth = (
            answer(x, s, r, K) - answer(x, 0.0, r, K),
            r * (1 - 2 * x / K) * s,
        )
        require(
            np.isclose(indirect, truth),
            "the second way is through x: hares that are there already multiply. At x "
            f"= {rounded(x)}, s = {rounded(s)} it should add {rounded(truth)}, yours "
            f"adds {rounded(indirect)}. Differentiate r x (1 - x/K) with respect to x",
        )


sensitivity_equation = Exercise(
    name="A sensitivity equation",
    checker=_check_sensitivity_equation,
    takes="x, s, r, K",
    returns="one number",
    hints=(
        "The rate $g = r x (1 - x/K)$ depends on $r$ in two ways: directly, and "
        "through $x$, which $r$ has changed.",
        "$\\frac{ds}{dt} = \\frac{\\partial g}{\\partial x} s + "
        "\\frac{\\partial g}{\\partial r}$.",
        "$\\partial g/\\partial x = r (1 - 2x/K)$ and $\\partial g / \\partial r = x "
        "(1 - x/K)$: `r * (1 - 2 * x / K) * s + x * (1 - x / K)`",
    ),
)
