"""Classes that have an order: how well they agree, and where to cut a number."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import cohen_kappa_score

from xaicourse.resampling import bootstrap_counts
from xaicourse.validation import (
    Seed,
    as_classes,
    as_floats,
    check_choice,
    check_int,
    check_seed,
    check_type,
)


def quadratic_weighted_kappa(actual: ArrayLike, predicted: ArrayLike) -> float:
    r"""Return how well two sequences of ordered classes agree, beyond chance.

    .. math:: \kappa = 1 - \frac{\sum_{ij} (i-j)^2 O_{ij}}{\sum_{ij} (i-j)^2 E_{ij}}
              = \frac{2\,\mathrm{cov}(a, p)}{\mathrm{var}(a) + \mathrm{var}(p) + (\bar a
              - \bar p)^2}

    with the shares :math:`O_{ij}` of rows of class i that were given class j, and the
    shares :math:`E_{ij}` that would be seen if the two had nothing to do with each
    other. 1 is perfect, 0 is chance. It is scikit-learn's ``cohen_kappa_score`` over
    all whole numbers from the lowest class to the highest.

    Parameters
    ----------
    actual, predicted : array of int, shape (n,)
        Classes, as whole numbers. Their differences count: a class that nobody has
        still takes its place.

    Raises
    ------
    ValueError
        When shapes differ, or a class is not a whole number, or both sequences are one
        and the same constant.

    References
    ----------
    Cohen, J. (1968). Weighted kappa: nominal scale agreement with provision for scaled
    disagreement or partial credit. Psychological Bulletin 70(4), 213-220.

    Examples
    --------
    >>> quadratic_weighted_kappa([1, 2, 3, 4], [1, 2, 4, 4])
    0.9166666666666666
    """
    a = as_classes("actual", actual, (None,))
    p = as_classes("predicted", predicted, a.shape)
    if (a == a[0]).all() and (p == a[0]).all():
        raise ValueError(
            f"actual and predicted: both are always {a[0]}, so that there is no "
            f"agreement to measure"
        )
    both = np.concatenate([a, p])
    labels = np.arange(both.min(), both.max() + 1)
    return float(cohen_kappa_score(a, p, labels=labels, weights="quadratic"))


@dataclass(frozen=True, eq=False)
class CutOffs:
    """How a number is turned into a class from 1 to K.

    Attributes
    ----------
    method : {"thresholds", "offsets"}
        What `values` are.
    values : ndarray
        K - 1 increasing thresholds: the class is one more than the number of thresholds
        below the score. Or K offsets: the one of the score's whole part (at least 1, at
        most K) is added to it before it is rounded.
    kappa : float
        Quadratic weighted kappa on the rows they were chosen on; not a score to report.
    """

    method: str
    values: NDArray[Any]
    kappa: float

    def classes(self, scores: ArrayLike) -> NDArray[np.int64]:
        """Return the class, from 1 to K, of every score, shape (n,)."""
        return _cut(as_floats("scores", scores, (None,)), self.method, self.values)


def fit_cut_offs(
    scores: ArrayLike,
    actual: ArrayLike,
    *,
    n_classes: int = 8,
    method: str = "thresholds",
    max_rounds: int = 10,
) -> CutOffs:
    """Choose where to cut scores into classes for a large quadratic weighted kappa.

    A regression of the class shrinks towards the mean, so that rounding it gives too
    few of the outer classes. Powell's method moves one cut after the other, again and
    again. It starts from the class shares of `actual` (thresholds) or from plain
    rounding (offsets), and what is returned is never worse than its start.

    Parameters
    ----------
    scores : array, shape (n,)
        What a model predicts for rows that it was not fitted to.
    actual : array of int, shape (n,)
        Their classes, from 1 to `n_classes`.
    n_classes : int
        Number of classes, K.
    method : {"thresholds", "offsets"}
        See `CutOffs`.
    max_rounds : int
        How often all cuts are moved.

    Returns
    -------
    CutOffs

    Warns
    -----
    ConvergenceWarning
        If the last round still found better cuts. (scikit-learn's.)

    Raises
    ------
    TypeError, ValueError
        When shapes differ, scores are not finite, a class is out of range, or all rows
        have the same class.

    References
    ----------
    Powell, M. J. D. (1964). An efficient method for finding the minimum of a function
    of several variables without calculating derivatives. The Computer Journal 7(2),
    155-162.

    Examples
    --------
    >>> scores, actual = [1.8, 1.9, 2.0, 2.2, 2.3, 2.9], [1, 1, 2, 2, 3, 3]
    >>> cut = fit_cut_offs(scores, actual, n_classes=3)
    >>> cut.classes([1.5, 2.1, 2.5]).tolist()
    [1, 2, 3]
    >>> cut.kappa
    1.0
    """
    x = as_floats("scores", scores, (None,))
    y = as_classes("actual", actual, x.shape)
    k = check_int("n_classes", n_classes, minimum=2)
    method = check_choice("method", method, ("thresholds", "offsets"))
    if y.min() < 1 or y.max() > k:
        raise ValueError(
            f"actual: got classes from {y.min()} to {y.max()}, expected 1 to {k}"
        )
    if y.min() == y.max():
        raise ValueError(
            f"actual: got class {y[0]} only, expected at least two classes"
        )
    weights = np.full((1, len(x)), 1 / len(x))

    def loss(values: NDArray[Any]) -> float:
        return -float(_kappa(weights, y, _cut(x, method, values))[0])

    shares = np.cumsum(np.bincount(y, minlength=k + 1)[1:-1]) / len(y)
    start = np.quantile(x, shares) if method == "thresholds" else np.zeros(k)
    options: Any = {
        "xtol": 1e-3,
        "ftol": 1e-6,
        "maxiter": check_int("max_rounds", max_rounds),
    }
    found = minimize(loss, start, method="Powell", options=options)
    if not found.success:
        warnings.warn(
            f"max_rounds: got {max_rounds}, after which the cuts had not converged",
            ConvergenceWarning,
            stacklevel=2,
        )
    values: NDArray[Any] = found.x if loss(found.x) < loss(start) else start
    return CutOffs(
        method, np.sort(values) if method == "thresholds" else values, -loss(values)
    )


@dataclass(frozen=True, eq=False)
class OrdinalScores:
    """Accuracy and kappa of several models, with bootstrap draws that they share.

    Attributes
    ----------
    accuracy, kappa : dict of str to float
        On the rows as they are.
    accuracy_draws, kappa_draws : dict of str to ndarray, shape (n_samples,)
        On resampled rows; draw i is of the same rows for every model, so that
        differences of draws are paired.
    """

    accuracy: dict[str, float]
    kappa: dict[str, float]
    accuracy_draws: dict[str, NDArray[np.float64]]
    kappa_draws: dict[str, NDArray[np.float64]]


def ordinal_scores(
    actual: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    *,
    n_samples: int = 1000,
    seed: Seed = 0,
) -> OrdinalScores:
    """Score several models on the same rows, and on bootstrap samples of these rows.

    Parameters
    ----------
    actual : array of int, shape (n,)
        Classes.
    predictions : mapping of str to array of int, shape (n,)
        What each model gives.
    n_samples : int
        Number of bootstrap samples.
    seed : int, numpy.random.Generator or None
        Of the samples.

    Returns
    -------
    OrdinalScores
        The kappa of a model that always gives the same class is 0.

    Raises
    ------
    ValueError
        When shapes differ, or there is no model.

    Examples
    --------
    >>> given = {"model": [1, 2, 4, 4], "always 4": [4, 4, 4, 4]}
    >>> scores = ordinal_scores([1, 2, 3, 4], given, n_samples=10)
    >>> scores.accuracy
    {'model': 0.75, 'always 4': 0.25}
    >>> {name: round(value, 3) for name, value in scores.kappa.items()}
    {'model': 0.917, 'always 4': 0.0}
    """
    a, rng = as_classes("actual", actual, (None,)), check_seed(seed)
    check_type("predictions", predictions, Mapping)
    if not predictions:
        raise ValueError("predictions: got none, expected at least one model")
    given = {
        name: as_classes(f"predictions[{name!r}]", p, a.shape)
        for name, p in predictions.items()
    }
    n, n_samples = len(a), check_int("n_samples", n_samples)
    accuracy: dict[str, list[NDArray[np.float64]]] = {name: [] for name in given}
    kappa: dict[str, list[NDArray[np.float64]]] = {name: [] for name in given}
    # first the rows as they are
    for counts in chain([np.ones((1, n))], bootstrap_counts(rng, n, n_samples)):
        for name, p in given.items():
            accuracy[name].append(counts @ (a == p) / n)
            kappa[name].append(_kappa(counts / n, a, p))
    return OrdinalScores(
        {name: float(parts[0][0]) for name, parts in accuracy.items()},
        {name: float(parts[0][0]) for name, parts in kappa.items()},
        {name: np.concatenate(parts[1:]) for name, parts in accuracy.items()},
        {name: np.concatenate(parts[1:]) for name, parts in kappa.items()},
    )


def _kappa(
    weights: NDArray[np.float64], a: NDArray[np.int64], p: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the kappa by its second form, of rows of weights that sum to one.

    The cut-offs ask for thousands, the bootstrap for one a sample: this is two hundred
    times as fast as `quadratic_weighted_kappa`. It is 0 where both are one constant.
    """
    middle = a.mean()  # moments about a middle value lose fewer digits
    x, y = a - middle, p - middle
    mean_x, mean_y, xx, yy, xy = (weights @ v for v in (x, y, x * x, y * y, x * y))
    below = xx + yy - 2 * mean_x * mean_y
    above = 2 * (xy - mean_x * mean_y)
    return np.asarray(
        np.divide(above, below, out=np.zeros_like(below), where=below > 1e-12)
    )


def _cut(
    scores: NDArray[np.float64], method: str, values: NDArray[Any]
) -> NDArray[np.int64]:
    if method == "thresholds":
        return np.asarray(np.searchsorted(np.sort(values), scores) + 1)
    # the last part is open above, the first below
    part = np.clip(scores.astype(np.int64), 1, len(values))
    moved = np.rint(scores + values[part - 1])
    return np.asarray(np.clip(moved, 1, len(values)), dtype=np.int64)
