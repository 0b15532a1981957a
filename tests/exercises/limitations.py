"""Right and wrong answers, and alterations: limitations."""

from __future__ import annotations

from typing import Any

import numpy as np


def _from_end_to_end(Z: Any, x: Any, y: Any) -> Any:
    along_x = (Z[:, -1:] - Z[:, :1]) / (x[-1] - x[0]) + 0 * Z
    along_y = (Z[-1:] - Z[:1]) / (y[-1] - y[0]) + 0 * Z
    return along_x, along_y


HONEST = {
    "two_slopes": (
        lambda Z, x, y: (np.gradient(Z, x, axis=1), np.gradient(Z, y, axis=0)),
        lambda Z, x, y: np.gradient(Z, y, x)[::-1],
        lambda Z, x, y: (
            np.gradient(Z, axis=1) / (x[1] - x[0]),
            np.gradient(Z, axis=0) / (y[1] - y[0]),
        ),
    ),
    "total_index": (
        lambda f_A, f_AB: np.var(f_A - f_AB) / (2 * np.var(f_A)),
        lambda f_A, f_AB: 1 - np.corrcoef(f_A, f_AB)[0, 1],
    ),
    "hide": (
        lambda x, y: 3 + x**2 * np.sin(y),
        lambda x, y: np.minimum(abs(x), abs(y)),
        lambda x, y: (abs(x) > 0.1) & (abs(y) > 0.1),
    ),
}

WRONG = {
    "two_slopes": {
        "axes exchanged": lambda Z, x, y: np.gradient(Z, y, x),
        "no spacing": lambda Z, *_: np.gradient(Z)[::-1],
        "neither": lambda Z, *_: np.gradient(Z),
        "the steepness": lambda Z, x, y: np.hypot(*np.gradient(Z, y, x)),
        "the spacing of the other axis": lambda Z, x, y: (
            np.gradient(Z, axis=1) / (y[1] - y[0]),
            np.gradient(Z, axis=0) / (x[1] - x[0]),
        ),
        "from end to end": _from_end_to_end,
    },
    "total_index": {
        "forgets the half": lambda f_A, f_AB: np.mean((f_A - f_AB) ** 2) / np.var(f_A),
        "forgets the variance": lambda f_A, f_AB: np.mean((f_A - f_AB) ** 2) / 2,
        "the correlation": lambda f_A, f_AB: np.corrcoef(f_A, f_AB)[0, 1],
        "sizes instead of squares": lambda f_A, f_AB: (
            np.mean(abs(f_A - f_AB)) / np.std(f_A)
        ),
        "one number a row": lambda f_A, f_AB: (f_A - f_AB) ** 2 / 2 / np.var(f_A),
    },
    "hide": {
        "a sum": lambda x, y: x + y,
        "flat at the middle only": lambda x, y: x**2 + y**2,
        "one axis only": lambda x, y: x * (1 + y),
        "a constant": lambda x, _: np.ones_like(x),
        "the other axis only": lambda x, y: y * (1 + x),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the grid were laid out with x along the first axis": (
        "source_dy = np.gradient(Z)",
        "source_dy = np.gradient(Z.T)",
    ),
    "the gradient took the points to be one apart": (
        "dZ_dy, dZ_dx = np.gradient(Z, y, x)",
        "dZ_dy, dZ_dx = np.gradient(Z)",
    ),
    "the point lay on the long flank of a wave": (
        "at = (0.5, 2.0)",
        "at = (-2.5, 0.0)",
    ),
    "the three inputs did not interact": ("f = ishigami()", "f = ishigami(b=0.0)"),
    "the model read the second input where it should read the third": (
        "indices = sobol_indices(f, f.bounds,",
        "indices = sobol_indices(lambda X: f(X[:, [0, 1, 1]]), f.bounds,",
    ),
    "the walk back were made once for each input": (
        "back = 2 * v.size + W.size",
        "back = (2 * v.size + W.size) * len(row)",
    ),
    "the four inputs mattered no more than the rest": (
        "a[four] = [0.0, 0.5, 1.0, 2.0]",
        "a[four] = 99.0",
    ),
}
