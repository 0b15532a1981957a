"""Does an attribution point at what is known to matter? Measures against a mask, a set
of columns, or true effects.

Each takes attributions of n rows and the truth of the same shape, and returns one
number a row. Ties, of which a constant or a sparse map has many, are counted by their
expectation, so that an attribution that says nothing scores at chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from xaicourse.validation import as_floats, as_mask

Array = NDArray[np.float64]


def pointing_game(attributions: ArrayLike, mask: ArrayLike) -> Array:
    """Return whether the largest value lies inside the mask; chance: the share of the
    mask.

    That is the chance of values dealt to all places by lot. Of a map that is zero where
    the input is, it is the share of the mask among the other places: beside such a map
    belongs the input itself.

    Parameters
    ----------
    attributions : array, shape (n, ...)
        Larger is more important: take sizes first where a sign means for or against.
    mask : array of bool, shape (n, ...)
        True where the evidence lies; neither empty nor all of a row.

    Returns
    -------
    ndarray, shape (n,)
        0 or 1; where several values are the largest, the share of them inside.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, or a mask is empty or full.

    References
    ----------
    Zhang, Bargal, Lin, Brandt, Shen, Sclaroff: Top-down neural attention by excitation
    backprop. International Journal of Computer Vision 126, 1084 (2018),
    arXiv:1608.00507.

    Examples
    --------
    >>> mask = [[False, True, False], [True, False, False]]
    >>> pointing_game([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]], mask)
    array([1. , 0.5])
    """
    values, inside = _flat(attributions, mask)
    largest = values == values.max(1, keepdims=True)
    return np.asarray((largest & inside).sum(1) / largest.sum(1))


def relevance_mass(attributions: ArrayLike, mask: ArrayLike) -> Array:
    """Return the share of the positive relevance that lies inside the mask; chance: the
    share of the mask.

    Parameters
    ----------
    attributions, mask
        As in `pointing_game`; what is negative counts as nothing. A row without
        positive relevance has its chance.

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    Arras, Osman, Samek: CLEVR-XAI: a benchmark dataset for the ground truth evaluation
    of neural network explanations. Information Fusion 81, 14 (2022), arXiv:2003.07258.

    Examples
    --------
    >>> relevance_mass([[1.0, 3.0, -2.0]], [[False, True, True]])
    array([0.75])
    """
    values, inside = _flat(attributions, mask)
    positive = np.maximum(values, 0)
    positive[positive.sum(1) == 0] = 1.0
    return np.asarray((positive * inside).sum(1) / positive.sum(1))


def relevance_rank(attributions: ArrayLike, mask: ArrayLike) -> Array:
    """Return how many of the K largest values lie inside a mask of K places, as a
    share; chance: the share of the mask.

    For columns instead of pixels this is the overlap of the top k with the k columns
    that matter.

    Parameters
    ----------
    attributions, mask
        As in `pointing_game`.

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    Arras, Osman, Samek: CLEVR-XAI, as in `relevance_mass`.

    Examples
    --------
    >>> relevance_rank([[0.9, 0.1, 0.5, 0.4]], [[True, True, False, False]])
    array([0.5])
    """
    values, inside = _flat(attributions, mask)
    wanted = inside.sum(1, keepdims=True)
    cut = np.take_along_axis(-np.sort(-values, axis=1), wanted - 1, axis=1)
    above, tied = values > cut, values == cut
    # of a tied place to be taken
    chance = (wanted - above.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)
    return np.asarray(((above + chance * tied) * inside).sum(1) / wanted[:, 0])


def effect_correlation(attributions: ArrayLike, effects: ArrayLike) -> Array:
    """Return Spearman's correlation of the sizes of attributions with the sizes of true
    effects; chance: 0.

    Equal sizes share their mean rank. Where most effects are zero, the correlation is
    mostly about telling those from the others, and less about the order of these.

    Parameters
    ----------
    attributions, effects : array, shape (n, ...)

    Returns
    -------
    ndarray, shape (n,)
        From -1 to 1. Where all sizes of a row are one, 0: they order nothing.

    Raises
    ------
    ValueError
        If shapes differ or have no axis of features, or a number is not finite.

    References
    ----------
    Spearman: The proof and measurement of association between two things. American
    Journal of Psychology 15, 72 (1904).

    Examples
    --------
    >>> effect_correlation([[0.1, -0.9, 0.4]], [[1.0, 3.0, 2.0]])
    array([1.])
    """
    values = _rows("attributions", attributions)
    truth = as_floats("effects", effects, values.shape)
    ranks = [rankdata(np.abs(a).reshape(len(a), -1), axis=1) for a in (values, truth)]
    centred = [r - r.mean(1, keepdims=True) for r in ranks]
    scale = np.sqrt(np.prod([(r**2).sum(1) for r in centred], axis=0))
    return np.asarray(
        (centred[0] * centred[1]).sum(1) / np.where(scale == 0, 1.0, scale)
    )


def _rows(name: str, values: ArrayLike) -> Array:
    rows = as_floats(name, values)
    if rows.ndim < 2:
        raise ValueError(f"{name}: got shape {rows.shape}, expected rows (n, ...)")
    return rows


def _flat(attributions: ArrayLike, mask: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    values = _rows("attributions", attributions)
    inside = as_mask("mask", mask, values.shape)
    values, inside = values.reshape(len(values), -1), inside.reshape(len(inside), -1)
    if not inside.any(1).all() or inside.all(1).any():
        raise ValueError(
            "mask: got one that is empty or full, expected some places of every row, "
            "not all"
        )
    return values, inside
