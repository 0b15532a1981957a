"""Exercises of the notebook on ways to calculate sensitivities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded


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
        f"two calls with the same step {rounded(calls[0])} say the same thing: take "
        "two steps",
    )
    require(
        abs(result - 5) < abs(parabola(min(map(abs, calls[:2]))) - 5),
        "the derivative is 5. D at the smaller of your steps gives "
        f"{rounded(parabola(min(map(abs, calls[:2]))))}, and your combination "
        f"{rounded(result)} is no better: with half the step, by what factor does the "
        "error shrink?",
    )
    require(
        abs(result - 5) < 1e-9,
        "the derivative is 5 and the error 7 h²; your combination gives "
        f"{rounded(result)}, so a part of h² is left",
    )
    error = [abs(float(answer(lambda h: np.sinh(h) / h, h)) - 1) for h in (0.4, 0.2)]
    require(
        12 < error[0] / error[1] < 20,
        "for sinh, half the step should leave a sixteenth of the error; got "
        f"{rounded(error)}",
    )


cancel_the_error = Exercise(
    name="Cancel the error",
    checker=_check_cancel_the_error,
    takes="D, h",
    returns="one number",
    hints=(
        "Write down $D(h) = f' + c h^2$ and $D(h/2) = f' + c h^2 / 4$. Which "
        "multiples make $c$ disappear?",
        "Four times the second minus the first has no $c$ left. How many times $f'$ "
        "is it?",
        "`(4 * D(h / 2) - D(h)) / 3`",
    ),
)


def _check_a_direction(answer: Callable[..., Any]) -> None:
    calls = []

    def func(x: Any) -> Any:
        calls.append(x)
        return x[0] ** 2 * x[1] + np.exp(x[2])

    x, v = np.array([2, 3, 0]), np.array([1, -2, 4])  # gradient (12, 4, 1)
    result = answer(func, x, v)
    require(
        not np.iscomplexobj(result),
        "return a real number, the imaginary part over the step; got "
        f"{rounded(result)}",
    )
    require(
        len(calls) == 1,
        "one run is enough: put the whole direction into the imaginary part at once. "
        f"You made {len(calls)}",
    )
    require(
        not np.isclose(float(result), 8 / np.sqrt(21)),
        "you have made v a vector of length one, but the settings are turned by v "
        "itself",
    )
    require(
        abs(float(result) - 8) < 1e-9,
        "the gradient at (2, 3, 0) is (12, 4, 1), so along (1, -2, 4) the change is 8 "
        f"to all digits; got {rounded(result, 12)}",
    )
    back = float(answer(func, x, -2 * v))
    require(
        abs(back + 16) < 1e-9,
        "twice as far the other way the change is -16: keep the sign, and the length; "
        f"got {rounded(back, 12)}",
    )


a_direction = Exercise(
    name="A direction",
    checker=_check_a_direction,
    takes="func, x, v",
    returns="one number",
    hints=(
        "What does $f(x + i h v)$ look like to first order in $h$?",
        "$f(x + ihv) = f(x) + i h \\sum_j v_j \\partial f / \\partial x_j$: the sum "
        "stands in the imaginary part.",
        "`np.imag(func(x + 1j * h * v)) / h` with a tiny `h`",
    ),
)
