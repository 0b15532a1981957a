"""What a neuron encodes: distances from centroids, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from torch import Tensor, nn

from xaicourse.validation import as_floats, as_mask, check_type, in_columns_of, rounding

Floats = NDArray[np.float64]


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

    @property
    def explained(self) -> float:
        """The mean of `r2` over the neurons, each bounded below at 0.

        A neuron that is predicted worse than by its mean is not explained at all.
        Without the bound, one that is active in a few rows alone can be at any negative
        number, and decide the mean of all.
        """
        return float(np.maximum(self.r2, 0.0).mean())


def mahalanobis(
    X: ArrayLike, centroids: ArrayLike, *, covariance: ArrayLike | None = None
) -> Floats:
    r"""Return the distance of every row from every centroid, in standard deviations.

    :math:`d(x, c) = \sqrt{(x - c)^\top \Sigma^{-1} (x - c)}`. With :math:`\Sigma = L
    L^\top` it is the Euclidean distance of :math:`L^{-1} x` and :math:`L^{-1} c`.

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
    >>> spread = [[4.0, 0.0], [0.0, 1.0]]
    >>> mahalanobis([[2.0, 0.0], [0.0, 3.0]], [[0.0, 0.0]], covariance=spread)
    array([[1.],
           [3.]])
    """
    rows = as_floats("X", X, (None, None))
    centroids = in_columns_of("centroids", centroids, X)
    centres = as_floats("centroids", centroids, (None, rows.shape[1]))
    for _ in range(2):  # its columns, then its rows
        if hasattr(covariance, "columns"):
            covariance = in_columns_of("covariance", covariance, X).T
    d = rows.shape[1]
    sigma = as_floats(
        "covariance",
        np.cov(rows.T).reshape(d, d) if covariance is None else covariance,
        (d, d),
    )
    try:
        if np.abs(sigma - sigma.T).max() > 1e-8 * np.abs(sigma).max():
            raise np.linalg.LinAlgError
        lower = np.linalg.cholesky(sigma)
        # The share of each column's variance that the columns before it do not explain.
        new = np.diag(lower) ** 2 / np.diag(sigma)
        constant = np.ptp(rows, 0) <= rounding(rows, 0)
        if new.min() <= rounding(np.ones(1)) or (covariance is None and constant.any()):
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        raise ValueError(
            "covariance: expected a symmetric, positive definite matrix; is a column "
            "constant, or a sum of others?"
        ) from None
    white, middle = (
        solve_triangular(lower, part.T, lower=True).T for part in (rows, centres)
    )
    return np.asarray(cdist(white, middle))


def layer_activations(network: nn.Sequential, X: ArrayLike) -> list[Floats]:
    """Return what each linear layer says of every row, after its ReLU: (n, units).

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> [a.shape for a in layer_activations(network, np.ones((5, 2)))]
    [(5, 3), (5, 1)]
    """
    check_type("network", network, nn.Sequential)
    signal = torch.as_tensor(as_floats("X", X, (None, None))).to(
        next(network.parameters())
    )
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
    neurons = as_floats("activations", activations, (None, None))
    columns = as_floats("predictors", predictors, (len(neurons), None))
    held = np.zeros(len(neurons), bool)
    if held_out is not None:
        held = as_mask("held_out", held_out, (len(neurons),))
        if not held.any():
            raise ValueError("held_out: got no row, expected at least one")
    fitted = slice(None) if held_out is None else ~held
    # Around the means of the rows that were fitted: the held-out rows must not tell
    # theirs.
    middle, level = columns[fitted].mean(0), neurons[fitted].mean(0)
    A, B = columns[fitted] - middle, neurons[fitted] - level
    if len(A) <= A.shape[1]:
        raise ValueError(
            f"predictors: got {A.shape[1]} for {len(A)} rows to fit, expected fewer"
        )
    # The normal equations: one pass over the rows for all neurons, and then only small
    # matrices.
    cross, total = A.T @ B, np.einsum("ij,ij->j", B, B)
    slopes = np.linalg.lstsq(A.T @ A, cross, rcond=None)[0]
    spread, scale = A.std(0), np.sqrt(total / len(B))
    still = rounding(neurons, 0)
    left = total - (slopes * cross).sum(0)
    if held_out is not None:
        outside = neurons[held] - level
        total = np.einsum("ij,ij->j", outside, outside)
        outside -= (columns[held] - middle) @ slopes
        left = np.einsum("ij,ij->j", outside, outside)
    moves = total > len(neurons) * still**2
    r2 = np.where(moves, 1 - left / np.where(moves, total, 1.0), 0.0)
    return NeuronRegression(
        slopes * spread[:, None] / np.where(scale > still, scale, np.inf), r2
    )


def concept_auc(activations: ArrayLike, concepts: ArrayLike) -> Floats:
    """Return how well each neuron alone tells each concept's rows from the others.

    It is the area under the ROC curve.

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
    neurons = as_floats("activations", activations, (None, None))
    marks = as_mask("concepts", concepts, (len(neurons), None))
    count = marks.sum(0)
    if (count == 0).any() or (count == len(marks)).any():
        raise ValueError("concepts: each needs rows that have it and rows that do not")
    ranks = rankdata(neurons, axis=0)
    wins = ranks.T @ marks - count * (count + 1) / 2
    return np.asarray(wins / (count * (len(marks) - count)))
