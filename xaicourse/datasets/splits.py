"""Rows for training, for choosing and for the final score, drawn once and before
anything is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xaicourse.validation import Seed, check_float, check_seed, check_shape


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the rows of each part, in increasing order.

    Attributes
    ----------
    train : ndarray of int64
        What models, scalers and encoders are fitted on.
    validation : ndarray of int64
        What choices are made on: when to stop, where to cut.
    test : ndarray of int64
        What scores are reported on, and nothing else.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def stratified_split(
    target: ArrayLike, *, validation: float = 0.2, test: float = 0.2, seed: Seed = 0
) -> Split:
    """Divide rows at random such that every part has the same share of each class.

    Within a class of :math:`n_c` rows, ``round(test * n_c)`` are drawn for testing and,
    of the others, ``round(validation * n_c)`` for validation.

    Parameters
    ----------
    target : array of shape (n,)
        Classes.
    validation, test : float
        Shares of the rows; together less than 1. Either may be 0.
    seed : int, numpy.random.Generator or None
        The same seed gives the same parts.

    Returns
    -------
    Split

    Raises
    ------
    TypeError, ValueError
        If a share is no number, is out of range, or leaves some class without a row to
        train on; or `target` is not a sequence of classes.

    Examples
    --------
    >>> parts = stratified_split([0] * 5 + [1] * 10, seed=0)
    >>> parts.test.tolist()
    [2, 7, 8]
    >>> len(parts.train), len(parts.validation)
    (9, 3)
    """
    classes = np.asarray(target)
    check_shape("target", classes, (None,))
    validation, test = (
        check_float("validation", validation, minimum=0),
        check_float("test", test, minimum=0),
    )
    if validation + test >= 1:
        raise ValueError(
            f"validation and test: got {validation:g} and {test:g}, expected a sum "
            f"below 1"
        )
    rng = check_seed(seed)
    part = np.zeros(len(classes), np.int8)
    for value in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == value))
        n_test, n_validation = round(test * len(rows)), round(validation * len(rows))
        if n_test + n_validation >= len(rows):
            raise ValueError(
                f"target: class {value} has {len(rows)} rows, too few for shares "
                f"{validation:g} and {test:g}"
            )
        part[rows[:n_test]] = 2
        part[rows[n_test : n_test + n_validation]] = 1
    return Split(*(np.flatnonzero(part == code) for code in range(3)))
