"""Exercises of the notebook on ways to calculate sensitivities, and the alterations
under which its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require


def _check_cancel_the_error(answer: Callable[..., Any]) -> None:
    calls: list[float] = []

    def parabola(h: float) -> float:
        calls.append(h)
        return 5.0 + 7.0 * h**2

    result = float(answer(parabola, 0.2))
    require(
        len(calls) == 2, f"two calls of D are enough and needed; you made {len(calls)}"
    )
    require(
        len(set(calls)) == 2,
        f"two calls with the same step {calls[0]:g} say the same thing: take two steps",
    )
    require(
        abs(result - 5) < abs(parabola(min(map(abs, calls[:2]))) - 5),
        f"the derivative is 5. D at the smaller of your steps gives "
        f"{parabola(min(map(abs, calls[:2]))):g}, and your "
        f"combination {result:g} is no better: with half the step, by what factor does "
        f"the error shrink?",
    )
    require(
        abs(result - 5) < 1e-9,
        f"the derivative is 5 and the error 7 h²; your combination gives {result:g}, "
        f"so a part of h² is left",
    )
    error = [abs(float(answer(lambda h: np.sinh(h) / h, h)) - 1) for h in (0.4, 0.2)]
    require(
        12 < error[0] / error[1] < 20,
        f"for sinh, half the step should leave a sixteenth of the error; got {error}",
    )


cancel_the_error = Exercise(
    name="Cancel the error",
    checker=_check_cancel_the_error,
    hints=(
        "Write down $D(h) = f' + c h^2$ and $D(h/2) = f' + c h^2 / 4$. Which multiples "
        "make $c$ disappear?",
        "Four times the second minus the first has no $c$ left. How many times $f'$ is "
        "it?",
        "`(4 * D(h / 2) - D(h)) / 3`",
    ),
    honest=(
        lambda D, h: np.dot([4 / 3, -1 / 3], [D(h / 2), D(h)]),
        lambda D, h: (9 * D(h / 3) - D(h)) / 8,
        lambda D, h: (4 * D(h) - D(2 * h)) / 3,
    ),
    wrong={
        "the mean": lambda D, h: (D(h) + D(h / 2)) / 2,
        "as for forward differences": lambda D, h: 2 * D(h / 2) - D(h),
        "forgets to divide": lambda D, h: 4 * D(h / 2) - D(h),
        "the smaller step alone": lambda D, h: D(h / 2),
        "the wrong way round": lambda D, h: (4 * D(h) - D(h / 2)) / 3,
        "the same step twice": lambda D, h: (4 * D(h) - D(h)) / 3,
    },
)


def _check_a_direction(answer: Callable[..., Any]) -> None:
    calls = []

    def func(x: Any) -> Any:
        calls.append(x)
        return x[0] ** 2 * x[1] + np.exp(x[2])

    x, v = np.array([2, 3, 0]), np.array([1, -2, 4])  # gradient (12, 4, 1)
    result = answer(func, x, v)
    require(
        np.ndim(result) == 0,
        f"the change along one direction is one number; got shape {np.shape(result)}",
    )
    require(
        not np.iscomplexobj(result),
        f"return a real number, the imaginary part over the step; got {result!r}",
    )
    require(np.array_equal(x, [2, 3, 0]), "the caller's x has changed: work on a copy")
    require(
        len(calls) == 1,
        f"one run is enough: put the whole direction into the imaginary part at once. "
        f"You made {len(calls)}",
    )
    require(
        not np.isclose(float(result), 8 / np.sqrt(21)),
        "you have made v a vector of length one, but the settings are turned by v "
        "itself",
    )
    require(
        abs(float(result) - 8) < 1e-9,
        f"the gradient at (2, 3, 0) is (12, 4, 1), so along (1, -2, 4) the change is 8 "
        f"to all digits; got {result}",
    )


a_direction = Exercise(
    name="A direction",
    checker=_check_a_direction,
    hints=(
        "What does $f(x + i h v)$ look like to first order in $h$?",
        "$f(x + ihv) = f(x) + i h \\sum_j v_j \\partial f / \\partial x_j$: the sum "
        "stands in the imaginary part.",
        "`np.imag(func(x + 1j * h * v)) / h` with a tiny `h`",
    ),
    honest=(
        lambda func, x, v: func(np.add(x, 1e-100j * np.array(v))).imag * 1e100,
        lambda func, x, v: float(
            np.imag(func(np.array(x, complex) + 1j * 1e-12 * v)) / 1e-12
        ),
    ),
    wrong={
        "a run for each input": lambda func, x, v: sum(
            v[j] * np.imag(func(x + 1e-20j * np.eye(3)[j])) / 1e-20 for j in range(3)
        ),
        "forgets the step": lambda func, x, v: np.imag(func(x + 1e-20j * v)),
        "the real part": lambda func, x, v: np.real(func(x + 1e-20j * v)) / 1e-20,
        "a unit vector": lambda func, x, v: (
            np.imag(func(x + 1e-20j * v / np.linalg.norm(v))) / 1e-20
        ),
        "still complex": lambda func, x, v: func(x + 1e-20j * v) / 1e-20,
        "a large step": lambda func, x, v: np.imag(func(x + 0.1j * v)) / 0.1,
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the point had decimal points": ("np.array([1, 2]))", "np.array([1.0, 2]))"),
    "the difference were divided by one step instead of two": (
        "(2 * epsilon)",
        "epsilon",
    ),
    "the pump had three settings": (
        "finite_differences(counted, [1.0, 2.0]",
        "finite_differences(counted, [1.0, 2.0, 3.0]",
    ),
    "every way took the step of the forward difference": (
        "finite_differences(rows, points, method=m) - on_paper",
        "finite_differences(rows, points, method=m, step=1e-8) - on_paper",
    ),
    "all differences were taken on one side": (
        "method=m, step=h) - on_paper",
        "method='forward', step=h) - on_paper",
    ),
    "it took a difference instead of the imaginary part": (
        "np.imag(func(x + shift)) / h",
        "np.real(func(x + shift.imag) - func(x)) / h",
    ),
    "the absolute value were written as a root of a square": (
        "complex_step(lambda x: abs(x[0]),",
        "complex_step(lambda x: np.sqrt(x[0] ** 2),",
    ),
    "autograd had to start anew for each input": (
        "batch_jacobian(pump, torch.ones(1, d))",
        "[batch_jacobian(pump, torch.ones(1, d)) for _ in range(d)]",
    ),
}
