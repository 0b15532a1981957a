"""Right and wrong answers, and alterations: node importance training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm, t

from xaicourse.exercises.node_importance_training import Answer, _interval
from xaicourse.networks import mahalanobis


def _whitened(X: Any, centroids: Any) -> Any:
    root = np.linalg.cholesky(np.linalg.inv(np.cov(X.T)))
    return np.linalg.norm((X @ root)[:, None] - centroids @ root, axis=2)


def _with(matrix: Callable[[Any], Any], power: float = 0.5) -> Answer:
    def distances(X: Any, centroids: Any) -> Any:
        D = X[:, None] - centroids
        return abs(np.einsum("nkd,de,nke->nk", D, matrix(X), D)) ** power

    return distances


HONEST = {
    "all_distances": (
        _whitened,
        lambda X, centroids: mahalanobis(X, centroids).tolist(),
    ),
    "share_of_a_push": (
        lambda W, S: np.array(
            [s * abs(w) / max(abs(w).sum(), 1e-9) for w, s in zip(W, S, strict=True)]
        ),
    ),
    "paired_interval": (
        lambda new, old: list(
            t.interval(0.999, 4, (new - old).mean(), (new - old).std(ddof=1) / 5**0.5)
        ),
    ),
}

WRONG = {
    "all_distances": {
        "Euclidean": _with(lambda X: np.eye(X.shape[1])),
        "squares": _with(lambda X: np.linalg.inv(np.cov(X.T)), 1.0),
        "the covariance instead of its inverse": _with(lambda X: np.cov(X.T)),
        "only the variances": _with(lambda X: np.diag(1 / X.var(0, ddof=1))),
        "the centroids' distances first": lambda X, centroids: (
            mahalanobis(X, centroids).T
        ),
    },
    "share_of_a_push": {
        "the signed sum of the project": lambda W, S: (
            W * S / ((W * S).sum(1, keepdims=True) + 1e-12)
        ),
        "over the inputs": lambda W, S: S * abs(W) / (abs(W).sum(0) + 1e-12),
        "without the sign": lambda W, _: (
            abs(W) / (abs(W).sum(1, keepdims=True) + 1e-12)
        ),
        "equal shares": lambda _, S: S / 3,
        "no guard": lambda W, S: S * abs(W) / abs(W).sum(1, keepdims=True),
    },
    "paired_interval": {
        "unpaired": lambda new, old: tuple(
            new.mean()
            - old.mean()
            + k * t.ppf(0.9995, 8) * np.sqrt((new.var(ddof=1) + old.var(ddof=1)) / 5)
            for k in (-1, 1)
        ),
        "the normal quantile": lambda new, old: _interval(new - old, norm.ppf(0.9995)),
        "95 %": lambda new, old: _interval(new - old, t.ppf(0.975, 4)),
        "no root of the number": lambda new, old: _interval(
            new - old, t.ppf(0.9995, 4) * 5**0.5
        ),
        "the other way round": lambda new, old: _interval(old - new, t.ppf(0.9995, 4)),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the covariance were left out": (
        "distances = mahalanobis(Z[train], centroids)",
        "distances = mahalanobis(Z[train], centroids, covariance=np.eye(10))",
    ),
    "the depth were counted from another layer": (
        "((layer / 3 - 0.75)",
        "(((layer + 1) / 3 - 0.75)",
    ),
    "the two steps were graded against themselves": (
        'against("two steps", "plain", "cross-entropy")',
        'against("two steps", "two steps", "cross-entropy")',
    ),
    "the method were graded against plain training instead of its control": (
        'against("as written", "two steps", "cross-entropy")',
        'against("as written", "plain", "cross-entropy")',
    ),
    "the honest networks had taken two steps": (
        'against("honest", "shuffled", "cross-entropy")',
        'against("two steps", "shuffled", "cross-entropy")',
    ),
    "the loss were graded against itself": (
        'against("loss", "plain", "kappa")',
        'against("loss", "loss", "kappa")',
    ),
    "strength 0 meant a thousandth": (
        '"strength": 0.0, "contrastive": 0.0',
        '"strength": 0.001, "contrastive": 0.0',
    ),
    "the shuffle were the identity": (
        "shuffle = np.random.default_rng(seed).permutation(len(test))",
        "shuffle = np.arange(len(test))",
    ),
}
