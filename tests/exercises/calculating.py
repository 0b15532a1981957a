"""Right and wrong answers, and alterations: calculating."""

from __future__ import annotations

import numpy as np

HONEST = {
    "cancel_the_error": (
        lambda D, h: np.dot([4 / 3, -1 / 3], [D(h / 2), D(h)]),
        lambda D, h: (9 * D(h / 3) - D(h)) / 8,
        lambda D, h: (4 * D(h) - D(2 * h)) / 3,
    ),
    "a_direction": (
        lambda func, x, v: func(np.add(x, 1e-100j * np.array(v))).imag * 1e100,
        lambda func, x, v: float(
            np.imag(func(np.array(x, complex) + 1j * 1e-12 * v)) / 1e-12
        ),
    ),
}

WRONG = {
    "cancel_the_error": {
        "the mean": lambda D, h: (D(h) + D(h / 2)) / 2,
        "as for forward differences": lambda D, h: 2 * D(h / 2) - D(h),
        "forgets to divide": lambda D, h: 4 * D(h / 2) - D(h),
        "the smaller step alone": lambda D, h: D(h / 2),
        "the wrong way round": lambda D, h: (4 * D(h) - D(h / 2)) / 3,
        "the same step twice": lambda D, h: (4 * D(h) - D(h)) / 3,
    },
    "a_direction": {
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
        "sizes": lambda f, x, v: float(abs(np.imag(f(x + 1e-20j * v))) / 1e-20),
    },
}

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
