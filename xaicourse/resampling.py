"""Bootstrap samples as counts: an estimate that is a ratio of means over rows is then
one product with a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xaicourse.validation import check_int, check_type


def bootstrap_counts(
    rng: np.random.Generator, n: int, n_samples: int
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each bootstrap sample draws each of `n` rows, some samples at a
    time to bound memory.

    Parameters
    ----------
    rng : numpy.random.Generator
        Moves on.
    n, n_samples : int
        Number of rows, and of samples.

    Yields
    ------
    ndarray, shape (some samples, n)
        Each row sums to `n`; at most four million numbers at once.

    Examples
    --------
    >>> [counts] = bootstrap_counts(np.random.default_rng(0), 3, 2)
    >>> counts
    array([[0., 1., 2.],
           [2., 1., 0.]])
    """
    check_type("rng", rng, np.random.Generator)
    n, n_samples = check_int("n", n), check_int("n_samples", n_samples)
    at_once = max(1, 4_000_000 // n)
    for first in range(0, n_samples, at_once):
        size = min(at_once, n_samples - first)
        drawn = rng.integers(n, size=(size, n)) + np.arange(size)[:, None] * n
        yield (
            np.bincount(drawn.ravel(), minlength=size * n)
            .reshape(size, n)
            .astype(float)
        )
