"""Right and wrong answers, and alterations: environmental impact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xaicourse.exercises.environmental_impact import Floats


def _moved(x: Floats, j: int, factor: float) -> Floats:
    return x * np.where(np.arange(len(x)) == j, factor, 1.0)


def _in_place(
    f: Callable[[Floats], float], x: Floats, j: int, share: float = 1e-4
) -> float:
    base = f(x)
    x[j] *= 1 + share
    return (f(x) - base) / share / base


def _by_size(f: Callable[[Floats], float], x: Floats, j: int) -> float:
    up, down = x.copy(), x.copy()
    up[j] *= 1.0001
    down[j] *= 0.9999
    return float((f(up) - f(down)) / 2e-4 / abs(f(x)))


HONEST = {
    "elasticity": (
        lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 + share)) - f(_moved(x, j, 1 - share)))
            / (2 * share * f(x))
        ),
        lambda f, x, j, share=1e-4: (
            np.log(f(_moved(x, j, 1 + share)) / f(_moved(x, j, 1 - share)))
            / np.log((1 + share) / (1 - share))
        ),
    ),
    "best_predation": (
        lambda K, b, m: m / (0.5 * b * K),
        lambda K, b, m: 2 / (b * K / m),
    ),
    "sensitivity_equation": (
        lambda x, s, r, K: x - x**2 / K + s * r - 2 * s * r * x / K,
        lambda x, s, r, K: r * s * (1 - x / K) - r * x * s / K + x * (1 - x / K),
    ),
}

WRONG = {
    "elasticity": {
        "the slope": lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 + share)) - f(_moved(x, j, 1 - share)))
            / (2 * share * x[j])
        ),
        "the change, not as a share": lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 + share)) - f(_moved(x, j, 1 - share))) / (2 * share)
        ),
        "the order of the terms": lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 - share)) - f(_moved(x, j, 1 + share)))
            / (2 * share * f(x))
        ),
        "changes the caller's array": _in_place,
        "to one side only": lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 + share)) - f(x)) / share / f(x)
        ),
        "forgets the two": lambda f, x, j, share=1e-4: (
            (f(_moved(x, j, 1 + share)) - f(_moved(x, j, 1 - share))) / share / f(x)
        ),
        "the size of f": _by_size,
    },
    "best_predation": {
        "where the lynx die out": lambda K, b, m: m / (b * K),
        "of the slide": lambda *_: 0.01,
        "forgets the conversion": lambda K, _, m: 2 * m / K,
        "half instead of double": lambda K, b, m: m / (2 * b * K),
        "as little as possible": lambda *_: 0.0,
    },
    "sensitivity_equation": {
        "the direct effect alone": lambda x, _, __, K: x * (1 - x / K),
        "through x alone": lambda x, s, r, K: r * (1 - 2 * x / K) * s,
        "a wrong derivative": lambda x, s, r, K: r * (1 - x / K) * s + x * (1 - x / K),
        "the growth itself": lambda x, _, r, K: r * x * (1 - x / K),
        "forgets to multiply by s": lambda x, _, r, K: (
            r * (1 - 2 * x / K) + x * (1 - x / K)
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the parameters were raised by a millionth": (
        "raised = baseline * (1 + 0.1 * np.eye(4))",
        "raised = baseline * (1 + 1e-6 * np.eye(4))",
    ),
    "predators were born at the rate at which they die": (
        "b * a * t - 0.1 * t",
        "b * a * t",
    ),
    "the hares' derivatives were taken for those of the lynx": (
        "by_equations = np.trapezoid(course.derivatives[:, 1]",
        "by_equations = np.trapezoid(course.derivatives[:, 0]",
    ),
    "five years were the far future": ("[0, 200]", "[0, 5]"),
    "hedges cost four times as much": ("[4.0, 3.0, 1.0, 4.0]", "[4.0, 3.0, 4.0, 4.0]"),
    "SALib were told that the growth rate is known exactly": (
        '"bounds": bounds.tolist()}',
        '"bounds": [[1.499, 1.501], *bounds.tolist()[1:]]}',
    ),
    "the parameters were known to one per cent": (
        "uniform(1 - doubt, 1 + doubt",
        "uniform(0.99, 1.01",
    ),
}
