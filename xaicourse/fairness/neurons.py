"""What a neuron encodes: clusters of rows and distances from them, and how activations
follow from those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.stats import rankdata
from torch import Tensor, nn

from xaicourse.validation import (
    Seed,
    check_choice,
    check_finite,
    check_int,
    check_seed,
    check_shape,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """Groups of rows, whichever method found them.

    Attributes
    ----------
    centroids : ndarray, shape (n_clusters, d)
        Mean of the rows of each cluster.
    labels : ndarray of int, shape (n,)
        The cluster of each row; -1 for rows that DBSCAN left out as noise.
    """

    centroids: Floats
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class NeuronRegression:
    """One linear regression a neuron.

    Attributes
    ----------
    coefficients : ndarray, shape (n_predictors, n_neurons)
        Standardised: standard deviations of the activation for one of the predictor.
    r2 : ndarray, shape (n_neurons,)
        Share of the variance explained in the held-out rows, or in all rows if none are
        held out. Below 0 where the mean would have been better; 0 for a neuron that
        never moves.
    """

    coefficients: Floats
    r2: Floats


def cluster(
    X: ArrayLike, *, method: str = "kmeans", n_clusters: int = 6, seed: Seed = 0
) -> Clusters:
    """Group rows by one of four methods, and return centroids and labels from each.

    Parameters
    ----------
    X : array of shape (n, d)
        Rows. Hierarchical clustering (Ward) holds all n² distances: give it a few
        thousand.
    method : {"kmeans", "hierarchical", "dbscan", "mean shift"}
        DBSCAN's radius is the 90 % quantile of the distances to the 2d-th neighbour,
        which is also its least count; mean shift's bandwidth is estimated from the 20 %
        quantile of distances. These two choose the number of clusters themselves. Mean
        shift starts from at most 50 rows.
    n_clusters : int
        For the first two methods.
    seed : int, numpy.random.Generator or None
        Of k-means' starts and mean shift's.

    Raises
    ------
    ValueError
        If X is no finite table, there are fewer rows than clusters, or DBSCAN calls
        every row noise.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> sorted(cluster(X, n_clusters=2).centroids.ravel().tolist())
    [0.5, 10.5]
    """
    from sklearn.cluster import (
        DBSCAN,
        AgglomerativeClustering,
        KMeans,
        MeanShift,
        estimate_bandwidth,
    )
    from sklearn.neighbors import NearestNeighbors

    rows = table_of("X", X)
    check_choice("method", method, ("kmeans", "hierarchical", "dbscan", "mean shift"))
    if check_int("n_clusters", n_clusters) > len(rows):
        raise ValueError(
            f"n_clusters: got {n_clusters}, expected at most one for each of the "
            f"{len(rows)} rows"
        )
    rng = check_seed(seed)
    draw = int(rng.integers(2**31))
    if method == "kmeans":
        labels = KMeans(n_clusters, n_init=4, random_state=draw).fit_predict(rows)
    elif method == "hierarchical":
        labels = AgglomerativeClustering(n_clusters).fit_predict(rows)
    elif method == "dbscan":
        count = min(2 * rows.shape[1], len(rows) - 1)
        reach = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors()[0][:, -1]
        labels = DBSCAN(
            eps=max(float(np.quantile(reach, 0.9)), 1e-12), min_samples=count
        ).fit_predict(rows)
    else:
        some = rng.permutation(len(rows))[:500]
        bandwidth = (
            estimate_bandwidth(rows[some], quantile=0.2, random_state=draw) or 1.0
        )
        labels = MeanShift(bandwidth=bandwidth, seeds=rows[some[:50]]).fit_predict(rows)
    names = np.unique(labels[labels >= 0])
    if not len(names):
        raise ValueError("X: DBSCAN found no cluster, only noise")
    return Clusters(
        np.array([rows[labels == name].mean(0) for name in names]),
        labels.astype(np.int64),
    )


def mahalanobis(
    X: ArrayLike, centroids: ArrayLike, *, covariance: ArrayLike | None = None
) -> Floats:
    r"""Return the distance of every row from every centroid, in standard deviations.

    :math:`d(x, c) = \sqrt{(x - c)^\top \Sigma^{-1} (x - c)}`. With :math:`\Sigma = L
    L^\top` it is the Euclidean distance of :math:`L^{-1} x` and :math:`L^{-1} c`: one
    triangular solve for all rows, and no n x n matrix for the sake of its diagonal.

    Parameters
    ----------
    X : array of shape (n, d)
    centroids : array of shape (n_centroids, d)
    covariance : array of shape (d, d), optional
        Σ, symmetric and positive definite; by default that of X.

    Returns
    -------
    ndarray, shape (n, n_centroids)

    Raises
    ------
    ValueError
        If shapes disagree, a value is not finite, or the covariance is not positive
        definite (constant or dependent columns).

    Examples
    --------
    >>> mahalanobis([[2.0, 0.0], [0.0, 3.0]], [[0.0, 0.0]], covariance=[[4.0, 0.0], [0.0, 1.0]])
    array([[1.],
           [3.]])
    """
    rows, centres = table_of("X", X), table_of("centroids", centroids)
    check_shape("centroids", centres, (None, rows.shape[1]))
    sigma = np.atleast_2d(
        np.cov(rows.T) if covariance is None else np.asarray(covariance, float)
    )
    check_shape("covariance", sigma, (rows.shape[1], rows.shape[1]))
    try:
        lower = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        raise ValueError(
            "covariance: expected a positive definite matrix; is a column constant, or "
            "a sum of others?"
        ) from None
    white, middle = (
        solve_triangular(lower, part.T, lower=True) for part in (rows, centres)
    )
    # |a - b|² from differences, centroid by centroid: |a|² + |b|² - 2ab would lose the
    # small distances to rounding.
    difference = np.empty_like(white)
    distances = np.empty((len(rows), len(centres)))
    for k in range(len(centres)):
        np.subtract(white, middle[:, k : k + 1], out=difference)
        distances[:, k] = np.einsum("dn,dn->n", difference, difference)
    return np.sqrt(distances, out=distances)


def layer_activations(network: nn.Sequential, X: ArrayLike) -> list[Floats]:
    """Return what each linear layer of a network says of every row, after its ReLU;
    shapes (n, units), in the order of X.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> [a.shape for a in layer_activations(network, np.ones((5, 2)))]
    [(5, 3), (5, 1)]
    """
    signal = torch.as_tensor(table_of("X", X)).to(next(network.parameters()))
    layers: list[Tensor] = []
    with torch.no_grad():
        for module in network:
            signal = module(signal)
            if isinstance(module, nn.Linear):
                layers.append(signal)
            elif layers:
                layers[-1] = signal
    return [layer.double().cpu().numpy() for layer in layers]


def neuron_regressions(
    activations: ArrayLike, predictors: ArrayLike, *, held_out: ArrayLike | None = None
) -> NeuronRegression:
    """Regress every neuron on the same predictors, all in one solve.

    Row i of the activations must belong to row i of the predictors. (The project
    compared two different shuffles.)

    Parameters
    ----------
    activations : array of shape (n, n_neurons)
    predictors : array of shape (n, n_predictors)
        Such as distances from centroids, or the inputs. Distances go up and down
        together, so coefficients alone are unstable: read them with `r2`.
    held_out : array of bool, shape (n,), optional
        Rows that are kept from the fit and give `r2`.

    Examples
    --------
    >>> x = np.arange(6.0)[:, None]
    >>> fit = neuron_regressions(np.hstack([2 * x + 1, -x]), x)
    >>> fit.coefficients.round(6), fit.r2.round(6)
    (array([[ 1., -1.]]), array([1., 1.]))
    """
    neurons, columns = (
        table_of("activations", activations),
        table_of("predictors", predictors),
    )
    if len(neurons) != len(columns):
        raise ValueError(
            f"predictors: got {len(columns)} rows for {len(neurons)} rows of "
            f"activations; are they aligned?"
        )
    held = np.zeros(len(neurons), bool) if held_out is None else np.asarray(held_out)
    if (
        held.shape != (len(neurons),)
        or held.dtype != np.bool_
        or (held_out is not None and not held.any())
    ):
        raise ValueError(
            f"held_out: expected one True or False for each of the {len(neurons)} "
            f"rows, at least one True"
        )
    A, B = (columns, neurons) if held_out is None else (columns[~held], neurons[~held])
    A, B = A - A.mean(0), B - B.mean(0)
    if len(A) <= A.shape[1]:
        raise ValueError(
            f"predictors: got {A.shape[1]} for {len(A)} rows to fit, expected fewer"
        )
    # The normal equations: one pass over the rows for all neurons, and then only small
    # matrices.
    cross, total = A.T @ B, np.einsum("ij,ij->j", B, B)
    slopes = np.linalg.lstsq(A.T @ A, cross, rcond=None)[0]
    spread, scale = A.std(0), np.sqrt(total / len(B))
    if held_out is None:
        left = total - (slopes * cross).sum(0)
    else:
        # Around the means of the rows that were fitted: the held-out rows must not tell
        # theirs.
        outside = neurons[held] - neurons[~held].mean(0)
        total = np.einsum("ij,ij->j", outside, outside)
        outside -= (columns[held] - columns[~held].mean(0)) @ slopes
        left = np.einsum("ij,ij->j", outside, outside)
    moves = total > 1e-12 * len(neurons)
    r2 = np.where(moves, 1 - left / np.where(moves, total, 1.0), 0.0)
    return NeuronRegression(
        slopes * spread[:, None] / np.where(scale > 1e-6, scale, np.inf), r2
    )


def concept_auc(activations: ArrayLike, concepts: ArrayLike) -> Floats:
    """Return how well each neuron alone tells each concept's rows from the others: the
    area under its ROC curve.

    Parameters
    ----------
    activations : array of shape (n, n_neurons)
    concepts : array of bool, shape (n, n_concepts)
        Whether each row has the concept; some must and some must not.

    Returns
    -------
    ndarray, shape (n_neurons, n_concepts)
        1/2 for a neuron that says nothing (ties count half), near 1 or near 0 for one
        that tells them apart.

    Examples
    --------
    >>> concept_auc([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], [[False], [False], [True]])
    array([[1. ],
           [0.5]])
    """
    neurons, marks = table_of("activations", activations), np.asarray(concepts)
    if marks.ndim != 2 or len(marks) != len(neurons) or marks.dtype != np.bool_:
        raise ValueError(
            f"concepts: got {marks.dtype} {marks.shape}, expected booleans "
            f"({len(neurons)}, n_concepts)"
        )
    count = marks.sum(0)
    if (count == 0).any() or (count == len(marks)).any():
        raise ValueError("concepts: each needs rows that have it and rows that do not")
    ranks = rankdata(neurons, axis=0)
    area: Floats = (ranks.T @ marks - count * (count + 1) / 2) / (
        count * (len(marks) - count)
    )
    return area


def table_of(name: str, values: ArrayLike) -> Floats:
    """Return values as a finite table of rows and columns, or say which argument,
    `name`, is none.
    """
    array = np.asarray(values, float)
    check_shape(name, array, (None, None))
    check_finite(name, array)
    return array
