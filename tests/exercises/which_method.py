"""Right and wrong answers, and alterations: which method."""

from __future__ import annotations

import numpy as np

_RIGHT = {1: "b", 2: "c", 3: "e", 4: "a", 5: "d", 6: "f"}

HONEST = {
    "the_bill": (
        lambda method, d, n: (
            2 * d
            if method == "central differences"
            else n * (d + 1 + (method == "sobol"))
        ),
        lambda method, d, n: {"c": d + d, "m": n + n * d, "s": 2 * n + n * d}[
            method[0]
        ],
    ),
    "fool_the_first_order_index": (
        lambda X: 0.4 * X[:, 0] + X[:, 1] * X[:, 2],
        lambda X: 0.8 * X[:, 0] + np.sign(X[:, 1]) * np.sign(X[:, 2]),
        lambda X: X[:, 0] * (1 + 2 * X[:, 1]),
    ),
    "self_test": (_RIGHT, {k: v.upper() for k, v in _RIGHT.items()}),
}

WRONG = {
    "the_bill": {
        "forward differences": lambda method, d, n: {
            "c": d + 1,
            "m": n * (d + 1),
            "s": n * (d + 2),
        }[method[0]],
        "no start": lambda method, d, n: {"c": 2 * d, "m": n * d, "s": n * (d + 2)}[
            method[0]
        ],
        "second order": lambda method, d, n: {
            "c": 2 * d,
            "m": n * (d + 1),
            "s": n * (2 * d + 2),
        }[method[0]],
        "one sample only": lambda method, d, n: {
            "c": 2 * d,
            "m": n * (d + 1),
            "s": n * (d + 1),
        }[method[0]],
        "per row": lambda method, d, n: {"c": 2 * d, "m": d + 1, "s": d + min(n, 2)}[
            method[0]
        ],
    },
    "fool_the_first_order_index": {
        "additive": lambda X: X[:, 0] + 2 * X[:, 1],
        "a square": lambda X: 0.2 * X[:, 0] + X[:, 1] ** 2,
        "product only": lambda X: X[:, 1] * X[:, 2],
        "first input leads": lambda X: 4 * X[:, 0] + X[:, 1] * X[:, 2],
        "one number for all": lambda X: float(np.mean(X)),
    },
    "self_test": {
        "Sobol for everything": dict.fromkeys(_RIGHT, "a"),
        "permutes dependent columns": _RIGHT | {3: "f"},
        "more runs than there are": _RIGHT | {5: "a"},
        "gradient of steps": _RIGHT | {6: "c"},
        "unfinished": {1: "b"},
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the first input of the additive model were squared": (
        "lambda X: 4 * X[:, 0] +",
        "lambda X: 4 * X[:, 0] ** 2 +",
    ),
    "one looked from a place off the centre": (
        "centre, step = bounds.mean(axis=1)",
        "centre, step = bounds @ [0.3, 0.7]",
    ),
    "the switches were turned gradually": (
        "(X[:, 0] > 0.3) + 0.5 * (X[:, 1] > 0.3)",
        "np.tanh(3 * X[:, 0] - 1) + 0.5 * np.tanh(3 * X[:, 1] - 1)",
    ),
    "the product were a sum": ("X[:, 0] * X[:, 1] + 0.3", "X[:, 0] + X[:, 1] + 0.3"),
    "the total index were taken near the centre only": (
        "return sobol_indices(f, bounds, n_samples=4096, seed=seed).ST",
        "return sobol_indices(f, bounds / 100, n_samples=4096, seed=seed).ST",
    ),
    "the sample had stopped growing half-way": (
        "n_samples=int(n)",
        "n_samples=min(int(n), 256)",
    ),
}
