"""Exercises of the notebook on node importance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm, t

from xaicourse.networks import mahalanobis
from xaicourse.teaching import Exercise, require, rounded

Answer = Callable[..., Any]


def _check_all_distances(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    X, centroids = (
        rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)),
        rng.normal(size=(4, 3)),
    )
    result = np.asarray(answer(X, centroids), dtype=float)
    require(
        result.shape == (50, 4),
        "expected a distance for each row and centroid, shape (50, 4); got "
        f"{result.shape}",
    )
    expected = mahalanobis(X, centroids)
    euclidean = np.sqrt(((X[:, None] - centroids) ** 2).sum(2))
    require(
        not np.allclose(result, euclidean),
        "these are Euclidean distances: they count a direction in which rows hardly "
        "differ like one in which they differ a lot. The covariance of X has to come "
        "in.",
    )
    require(
        not np.allclose(result, expected**2),
        "these are the squares of the distances: take the root at the end",
    )
    require(
        np.allclose(result, expected, rtol=1e-6),
        f"the first row is {rounded(expected[0])} standard deviations from the four "
        f"centroids; you found {rounded(result[0])}. Is it the inverse of the "
        "covariance that stands between the two differences?",
    )
    require(
        np.allclose(answer(X[:20], centroids[:1]), mahalanobis(X[:20], centroids[:1])),
        "the covariance is that of the rows that are given",
    )


all_distances = Exercise(
    name="All distances at once",
    checker=_check_all_distances,
    takes="X, centroids",
    hints=(
        "`X[:, None] - centroids` has the shape (rows, centroids, columns): all "
        "differences at once.",
        "Between two copies of the differences stands `np.linalg.inv(np.cov(X.T))`; "
        "`np.einsum` sums over both.",
        '`D = X[:, None] - centroids`, then `np.sqrt(np.einsum("nkd,de,nke->nk", D, '
        "np.linalg.inv(np.cov(X.T)), D))`.",
    ),
)


def _check_share_of_a_push(answer: Answer) -> None:
    weights = np.array([[3.0, -1.0, 4.0], [1.0, 1.0, -2.0]])
    signs = np.array([[1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]])
    result = np.asarray(answer(weights, signs), dtype=float)
    require(
        result.shape == (2, 3),
        f"expected a share for each weight, shape (2, 3); got {result.shape}",
    )
    require(
        np.allclose(np.sign(result), signs),
        "the share must carry the sign of the push: the size comes from the weight, "
        "the direction from `signs`",
    )
    total = np.abs(result).sum(1)
    require(
        not np.allclose(np.abs(result).sum(0), 1),
        "yours add up to one over the inputs; a push of one input is shared among the "
        "outputs it goes to, the columns",
    )
    require(
        np.allclose(total, 1),
        "the sizes of one input's shares must add up to 1; yours add up to "
        f"{rounded(total)}",
    )
    require(
        np.allclose(
            result, np.abs(weights) * signs / np.abs(weights).sum(1, keepdims=True)
        ),
        "the shares of one input must be in proportion to the sizes of its weights",
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        idle = np.asarray(answer(np.zeros((1, 3)), np.array([[1.0, 1.0, -1.0]])))
    require(
        idle.shape == (1, 3) and np.abs(idle).max() <= 1,
        "an input whose weights are all zero has shares too, none larger than 1; got "
        f"{rounded(idle)}",
    )


share_of_a_push = Exercise(
    name="A share that cannot explode",
    checker=_check_share_of_a_push,
    takes="weights, signs",
    not_finite="An input whose weights are all zero must not give NaN: add a little "
    "below.",
    hints=(
        "What can be near zero in the project's denominator, and what of the weights "
        "never is negative?",
        "Divide sizes by the sum of sizes, along the outputs; put the sign back "
        "afterwards; guard against 0 / 0.",
        "`size = np.abs(weights)`, then `signs * size / (size.sum(axis=1, "
        "keepdims=True) + 1e-12)`.",
    ),
)


def _interval(difference: Any, quantile: float) -> tuple[float, float]:
    mean, half = (
        difference.mean(),
        quantile * difference.std(ddof=1) / np.sqrt(len(difference)),
    )
    return mean - half, mean + half


def _check_paired_interval(answer: Answer) -> None:
    rng = np.random.default_rng(1)
    seeds = 10 * rng.normal(size=5)
    new, old = seeds + 1 + 0.1 * rng.normal(size=5), seeds
    low, high = (float(end) for end in answer(new, old))
    expected = _interval(new - old, t.ppf(0.9995, 4))
    require(low < high, "return the lower end first, then the upper one")
    require(
        high - low < 10,
        "your interval is as wide as the seeds differ. Both methods started from the "
        "same seeds: look at the differences, seed by seed.",
    )
    require(
        not np.allclose((low, high), _interval(new - old, norm.ppf(0.9995))),
        "five differences do not tell their spread well; the normal quantile does not "
        "know that, Student's t does",
    )
    middle = (low + high) / 2
    require(
        bool(np.isclose(middle, (new - old).mean())),
        "the interval should lie around the mean difference, new less old, "
        f"{(new - old).mean():.3f}; it lies around {middle:.3f}",
    )
    require(
        np.allclose((low, high), expected),
        f"expected half a width of {(expected[1] - expected[0]) / 2:.3f}, got "
        f"{(high - low) / 2:.3f}: the standard error of a mean of five, and a quantile "
        "that leaves 0.05 % on each side",
    )
    require(
        np.allclose(answer(old, new), [-high, -low]),
        "with the methods exchanged the interval must be the same with the other sign",
    )


paired_interval = Exercise(
    name="A paired interval",
    checker=_check_paired_interval,
    takes="new, old",
    returns="two numbers",
    hints=(
        "What do two networks of the same seed share, and how can that be taken out "
        "before anything is averaged?",
        "Mean of the differences, plus and minus a quantile times their standard "
        "deviation over the root of the count.",
        "`d = new - old`; half a width is `t.ppf(0.9995, len(d) - 1) * d.std(ddof=1) "
        "/ np.sqrt(len(d))`.",
    ),
)
