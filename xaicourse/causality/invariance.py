"""Learning what stays: Invariant Causal Prediction and Invariant Risk Minimisation.

Where environments differ by anything but the equation of y itself, the law of y given
its direct causes is the same in all of them; the law of y given its effects, in
general, is not. Both methods turn this round and look for what stays the same.
Invariant Causal Prediction tests every set of columns; Invariant Risk Minimisation
trains one model that is the best in every environment at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtr, ndtri, stdtr
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from xaicourse.networks.stacking import (
    Adam,
    forward,
    generators_of,
    glorot_weights,
    stacked_rows,
    unstacked,
)
from xaicourse.validation import (
    Progress,
    as_floats,
    check_array,
    check_float,
    check_int,
    check_items,
    check_level,
    check_shape,
    in_columns_of,
    shown,
)

Environments = Sequence[tuple[ArrayLike, ArrayLike]]
Columns = tuple[int, ...]
Array = NDArray[np.float64]
Fit = tuple[Array, Array, Array, Array]
ROUNDED = 1e-5  # a share of a sum of squares below which its rounding might be seen
STILL_MOVES = 0.01  # of the logits, in the last quarter of the steps


@dataclass(frozen=True)
class InvariantPrediction:
    """What survives in every environment.

    Attributes
    ----------
    causes : tuple of int or None
        Columns that every accepted set holds; with probability 1 - alpha or more, all
        of them are causes of y. ``None`` if no set was accepted: an assumption is
        violated.
    p_values : mapping of tuple of int to float
        For each set of columns the p-value of "its residuals have the same mean and
        variance everywhere", corrected for the number of tests.
    accepted : tuple of tuples of int
        Sets whose p-value is above alpha.
    column_p_values : ndarray, shape (d,)
        For each column the largest p-value of a set without it: small where no set can
        do without the column. One for all if no set was accepted.
    intervals : ndarray of shape (d, 2) or None
        Of each column's coefficient, in the units of y per unit of the column, the
        union of its intervals over the accepted sets, which is zero alone for a set
        without the column.
    """

    causes: Columns | None
    p_values: Mapping[Columns, float]
    accepted: tuple[Columns, ...]
    column_p_values: Array
    intervals: Array | None


def invariant_causal_prediction(
    environments: Environments, *, alpha: float = 0.05, max_size: int | None = None
) -> InvariantPrediction:
    r"""Find columns that no invariant linear prediction of y can do without.

    For each set S of columns, y is regressed on :math:`X_S` in all environments
    together. The residuals of each environment are compared with those of the others:
    their means by Welch's test, their variances by an F test, both two-sided. The set
    is accepted when :math:`p_S = \min(1, 2(E - 1) \min_{e, test} p_{S,e,test}) >
    \alpha`, and

    .. math:: \hat S = \bigcap_{S : p_S > \alpha} S.

    Parameters
    ----------
    environments : sequence of (X, y)
        Two or more; arrays of shape (n, d) and (n,), the same columns everywhere: in
        one order, or, in DataFrames, under one name.
    alpha : float
        Level of the tests, between 0 and 1.
    max_size : int or None
        Most columns in a set; ``None`` tests all :math:`2^d` sets.

    Returns
    -------
    InvariantPrediction

    Raises
    ------
    ValueError
        With fewer than two environments or two rows in one; where shapes disagree, a
        number is not finite, y is constant, or the columns of a set are linearly
        dependent.

    Notes
    -----
    The factor 2(E - 1) and the normal quantile of the intervals, at alpha / 4, are
    those of the authors' R package. With two environments each test is made twice with
    one answer, so the factor is Bonferroni's; with more, his is 2E.

    A set without residuals in any environment has the p-value 1.

    References
    ----------
    Peters, Bühlmann, Meinshausen: Causal inference by using invariant prediction:
    identification and confidence intervals. Journal of the Royal Statistical Society B
    78, 947 (2016), arXiv:1501.01332.

    Examples
    --------
    The first column causes y, the second is an effect of it, and the second environment
    moved both of them.

    >>> rng = np.random.default_rng(0)
    >>> def draw(mean, noise, n=500):
    ...     cause = mean + rng.normal(size=n)
    ...     y = 2 * cause + rng.normal(size=n)
    ...     return np.column_stack([cause, y + noise * rng.normal(size=n)]), y
    >>> found = invariant_causal_prediction([draw(0, 0.5), draw(3, 2)])
    >>> found.causes, found.accepted
    ((0,), ((0,),))
    >>> found.intervals[0]
    array([1.97, 2.05])
    """
    X, y = _check_environments(environments)
    alpha = check_level("alpha", alpha)
    d = X[0].shape[1]
    largest = d if max_size is None else min(d, check_int("max_size", max_size))
    moments = _Moments.of(X, y)
    p_values, pieces = {}, []
    for columns in (
        s for size in range(largest + 1) for s in combinations(range(d), size)
    ):
        found = moments.regression(columns) or _regression(X, y, columns)
        fit, n, means, variances = found
        p_values[columns] = _equal_residuals(n, means, variances)
        if p_values[columns] > alpha:
            half = ndtri(1 - alpha / 4) * fit[1]
            interval = np.stack([fit[0] - half, fit[0] + half], axis=1)
            piece = np.zeros((d, 2))
            piece[list(columns)] = interval
            pieces.append(piece)
    accepted = tuple(s for s, p in p_values.items() if p > alpha)
    if not accepted:
        return InvariantPrediction(None, p_values, (), np.ones(d), None)
    causes = tuple(sorted(set(range(d)).intersection(*map(set, accepted))))
    without = np.array(
        [max(p for s, p in p_values.items() if j not in s) for j in range(d)]
    )
    intervals = np.stack([np.min(pieces, 0)[:, 0], np.max(pieces, 0)[:, 1]], axis=1)
    return InvariantPrediction(causes, p_values, accepted, without, intervals)


@dataclass(frozen=True)
class InvariantTraining:
    """Networks, and whether their training had come to an end.

    Attributes
    ----------
    networks : list of nn.Sequential
        One a seed, in evaluation mode; each maps (rows, d) to logits of shape (rows,
        1).
    penalties : ndarray, shape (n_seeds,)
        `irm_penalty` of each at the end, mean over the environments.
    moved : ndarray, shape (n_seeds,)
        How far the logits moved in the last quarter of the steps: their root mean
        square change, over their own root mean square at the end.
    """

    networks: list[nn.Sequential]
    penalties: Array
    moved: Array


def irm_penalty(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Return how far a common factor could improve each network in an environment.

    Put a factor w behind the network's logits z. In an environment where they cannot be
    improved by such a factor, the mean cross-entropy R(w z) has derivative zero at w =
    1; its square is the penalty,

    .. math:: \Big(\frac{dR}{dw}\Big|_{w=1}\Big)^2
              = \Big(\frac1n \sum_i (\sigma(z_i) - y_i)\, z_i\Big)^2.

    Parameters
    ----------
    logits : Tensor, shape (..., n)
        Of an environment's rows, for one network or several.
    labels : Tensor, shape (..., n)
        Zeros and ones.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        If the shapes differ or a number is not finite.

    References
    ----------
    Arjovsky, Bottou, Gulrajani, Lopez-Paz: Invariant risk minimization.
    arXiv:1907.02893 (2019), equation IRMv1.

    Examples
    --------
    >>> irm_penalty(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.0]))
    tensor(0.7758)
    """
    for name, numbers in (("logits", logits), ("labels", labels)):
        check_array(name, numbers, Tensor)
    check_shape("labels", labels, tuple(logits.shape))
    return ((torch.sigmoid(logits) - labels) * logits).mean(-1).square()


def invariant_risk_minimisation(
    environments: Environments,
    *,
    penalty_weight: float,
    hidden: Sequence[int] = (),
    seeds: Sequence[int] = (0,),
    max_epochs: int = 800,
    warm_up: int = 200,
    learning_rate: float = 0.01,
    l2: float = 1e-4,
    progress: Progress | None = None,
) -> InvariantTraining:
    r"""Train binary classifiers that no environment could improve by a factor.

    Adam minimises, on all rows at once, the mean over environments of the cross-entropy
    plus penalties, :math:`\frac1E \sum_e [R_e(f) + \lambda P_e(f)] + \frac{l_2}{2}
    \lVert W \rVert^2`, with :math:`P_e` of `irm_penalty`. After the warm-up, where λ is
    at most 1, the sum is divided by max(λ, 1), as the paper's code does, so that the
    size of the steps stays the same. With weight 0 this is ordinary training on the
    pooled rows.

    Parameters
    ----------
    environments : sequence of (X, y)
        Two or more. Arrays of shapes (n, d) and (n,), or (k, n, d) and (k, n) with rows
        of its own for each seed; the number of rows may differ between environments.
        Columns of DataFrames are matched by name.
        Standardise the columns first: with one scale for all environments, or their
        differences are lost.
    penalty_weight : float
        λ, at least 0.
    hidden : sequence of int
        Widths of the hidden layers; empty for a linear model.
    seeds : sequence of int
        One network a seed, of its first weights.
    max_epochs, warm_up : int
        Number of steps, and how many of them before the penalty has its full weight. A
        large weight makes a narrow valley, along which several thousand may be needed.
    learning_rate, l2 : float
        Of Adam, and of the weights.
    progress : callable, optional
        Wraps the steps, as ``tqdm`` does. Silent by default.

    Returns
    -------
    InvariantTraining

    Warns
    -----
    ConvergenceWarning
        If the logits of a network moved by more than 1 % in the last quarter of the
        steps: it is on its way somewhere else. (scikit-learn's.)

    Raises
    ------
    ValueError
        With fewer than two environments, no seed, or rows and labels as
        `train_mlps` refuses them.

    References
    ----------
    Arjovsky, Bottou, Gulrajani, Lopez-Paz: Invariant risk minimization.
    arXiv:1907.02893 (2019).

    Examples
    --------
    >>> x = np.linspace(-1, 1, 50)
    >>> y = x * np.cos(7 * x) > 0
    >>> rows = [(np.column_stack([x, sign * x]), y) for sign in (1, -1)]
    >>> found = invariant_risk_minimisation(rows, penalty_weight=10, max_epochs=2000)
    >>> found.networks[0]
    Sequential(
      (0): Linear(in_features=2, out_features=1, bias=True)
    )
    >>> bool(found.moved[0] < 0.01), bool(found.penalties[0] < 1e-4)
    (True, True)
    """
    weight = check_float("penalty_weight", penalty_weight, minimum=0.0)
    rate = check_float("learning_rate", learning_rate, minimum=0.0)
    l2 = check_float("l2", l2, minimum=0.0)
    warm_up = check_int("warm_up", warm_up, minimum=0)
    generators = generators_of(seeds)
    data = [
        stacked_rows(X, y, len(seeds), of=f"environments[{e}]: ")
        for e, (X, y) in enumerate(_in_one_order(environments))
    ]
    weights = glorot_weights(data[0][0].shape[2], hidden, generators, "cpu")
    optimiser = Adam(weights)
    n_epochs = check_int("max_epochs", max_epochs)

    @torch.no_grad()
    def answers() -> list[Tensor]:
        each = [inputs.expand(len(seeds), *inputs.shape[1:]) for inputs, _ in data]
        return [forward(weights, rows) for rows in each]

    for epoch in shown(progress, range(n_epochs)):
        if epoch == 3 * n_epochs // 4:
            earlier = answers()
        now = min(weight, 1.0) if epoch < warm_up else weight
        losses = torch.zeros(len(seeds))
        for inputs, labels in data:
            logits = forward(weights, inputs.expand(len(seeds), *inputs.shape[1:]))
            own = labels.expand_as(logits)
            losses = losses + binary_cross_entropy_with_logits(
                logits, own, reduction="none"
            ).mean(1)
            losses = losses + now * irm_penalty(logits, own)
        penalty = l2 / 2 * sum(w.square().sum((1, 2)) for w in weights[::2])
        # a network's gradient sees its own loss alone
        total = (losses / len(data) + penalty).sum() / max(now, 1.0)
        optimiser.step(torch.autograd.grad(total, weights), rate)
    last = answers()
    penalties = [
        irm_penalty(z, labels.expand_as(z))
        for z, (_, labels) in zip(last, data, strict=True)
    ]
    change, size = (
        torch.cat(z, dim=1).norm(dim=1)
        for z in ([b - a for a, b in zip(earlier, last, strict=True)], last)
    )
    # logits that are all zero have not moved, or without end
    moved = (change / size.clamp(min=torch.finfo(size.dtype).tiny)).double().numpy()
    if moved.max() > STILL_MOVES:
        warnings.warn(
            f"max_epochs: after {n_epochs} steps {(moved > STILL_MOVES).sum()} of "
            f"{len(seeds)} networks had not converged: in the last quarter of the "
            f"steps logits moved by up to {moved.max():.0%}",
            ConvergenceWarning,
            stacklevel=2,
        )
    networks = [unstacked([w[i].detach() for w in weights]) for i in range(len(seeds))]
    mean = torch.stack(penalties).mean(0).double().numpy()
    return InvariantTraining(networks, mean, moved)


def _in_one_order(environments: Environments) -> list[tuple[ArrayLike, ArrayLike]]:
    """Check pairs (X, y), and match named columns with those of the first."""
    pairs = check_items("environments", environments, at_least=2)
    if any(len(check_items("environments", pair)) != 2 for pair in pairs):
        raise ValueError("environments: got one that is no pair, expected (X, y) each")
    first = pairs[0][0]
    return [
        (in_columns_of(f"environments[{e}]: X", X, first), y)
        for e, (X, y) in enumerate(pairs)
    ]


def _check_environments(environments: Environments) -> tuple[list[Array], list[Array]]:
    X: list[Array] = []
    y: list[Array] = []
    for e, (rows, target) in enumerate(_in_one_order(environments)):
        columns = X[0].shape[1] if X else None
        X.append(as_floats(f"environments[{e}]: X", rows, (None, columns)))
        y.append(as_floats(f"environments[{e}]: y", target, (len(X[e]),)))
        check_int(f"environments[{e}]: rows", len(X[e]), minimum=2)
    if np.ptp(np.concatenate(y)) == 0:
        raise ValueError("environments: y is constant, so there is nothing to predict")
    return X, y


@dataclass(frozen=True)
class _Moments:
    """Sums of products in each environment, of which every regression can be made.

    Attributes
    ----------
    n : ndarray, shape (E,)
        Rows.
    sums : ndarray, shape (E, d + 1)
        Of the columns and y, around their common means and in units of `unit`.
    products : ndarray, shape (E, d + 1, d + 1)
        Of each two of them.
    unit : ndarray, shape (d + 1,)
        Powers of two.
    """

    n: Array
    sums: Array
    products: Array
    unit: Array

    @classmethod
    def of(cls, X: list[Array], y: list[Array]) -> _Moments:
        """Return those of some environments."""
        # in one layout, so that the same numbers give the same bits
        tables = [
            np.ascontiguousarray(np.column_stack(pair))
            for pair in zip(X, y, strict=True)
        ]
        n = np.array([len(t) for t in tables], float)
        middle = sum(t.sum(0) for t in tables) / n.sum()
        size = np.max([np.abs(t - middle).max(0) for t in tables], axis=0)
        unit = np.exp2(np.frexp(np.where(size > 0, size, 1.0))[1])
        tables = [(t - middle) / unit for t in tables]
        return cls(
            n,
            np.array([t.sum(0) for t in tables]),
            np.array([t.T @ t for t in tables]),
            unit,
        )

    def regression(self, columns: Columns) -> Fit | None:
        """Return what `_regression` does, or nothing where rounding might be seen."""
        S, d = list(columns), len(self.unit) - 1
        pooled = self.products.sum(0)
        spread = np.sqrt(pooled.diagonal())
        if not spread[[*S, d]].all():
            return None
        likeness = (pooled / spread / spread[:, None])[np.ix_(S, S)]
        if S and np.linalg.eigvalsh(likeness)[0] < ROUNDED:
            return None
        inverse = np.linalg.inv(pooled[np.ix_(S, S)])
        weights = np.zeros(d + 1)
        weights[S], weights[d] = -inverse @ pooled[S, d], 1.0
        means = self.sums @ weights / self.n
        around = self.products @ weights @ weights - self.n * means**2
        variances = around / (self.n - 1)
        left = weights @ pooled @ weights
        if min(variances) * self.n.sum() < ROUNDED * pooled[d, d]:
            return None
        degrees = self.n.sum() - len(S) - 1
        errors = np.sqrt(left / degrees * inverse.diagonal())
        scale = self.unit[d] / self.unit[S]
        fit = np.array([-weights[S] * scale, errors * scale])
        return fit, self.n, means * self.unit[d], variances * self.unit[d] ** 2


def _regression(X: list[Array], y: list[Array], columns: Columns) -> Fit:
    """Coefficients and their standard errors of the pooled regression, shape (2, size),
    and number, mean and variance of its residuals in each environment.
    """
    design = [np.column_stack([rows[:, columns], np.ones(len(rows))]) for rows in X]
    A, b = np.concatenate(design), np.concatenate(y)
    # A power of two a column: no unit makes it look dependent, no bit is lost.
    unit = np.exp2(np.frexp(np.abs(A).max(0))[1])
    A = A / unit
    scaled, _, rank, _ = np.linalg.lstsq(A, b)
    if rank < A.shape[1]:
        raise ValueError(
            f"environments: columns {columns} are linearly dependent, or more than the "
            f"rows can tell apart"
        )
    residuals = b - A @ scaled
    degrees = len(b) - A.shape[1]
    variance = np.sum(residuals**2) / degrees if degrees else 0.0
    inverse = np.linalg.inv(np.linalg.qr(A, mode="r"))
    errors = np.sqrt(variance * (inverse**2).sum(1))
    if np.abs(residuals).max() < 1e-12 * np.abs(b).max():
        residuals[:] = 0.0  # what is left is rounding
    n = np.array([len(target) for target in y])
    own = np.split(residuals, np.cumsum(n)[:-1])
    means, variances = (
        np.array(v) for v in zip(*[(r.mean(), r.var(ddof=1)) for r in own], strict=True)
    )
    return (
        (np.array([scaled, errors]) / unit)[:, :-1],
        n.astype(float),
        means,
        variances,
    )


def _equal_residuals(n: Array, means: Array, variances: Array) -> float:
    """Corrected p-value of equal means and variances of residuals in all environments,
    each compared with all others together.
    """
    if not means.any() and not variances.any():
        return 1.0
    others = 1 - np.eye(len(n))
    n_others = others @ n
    means_others = others @ (n * means) / n_others
    apart = (means - means_others[:, None]) ** 2
    around = (others * ((n - 1) * variances + n * apart)).sum(1)
    variances_others = around / (n_others - 1)
    if not np.maximum(variances, variances_others).all():
        # constant in each, and, as their mean is zero, not the same constant
        return 0.0
    a, b = variances / n, variances_others / n_others
    # Welch's
    degrees = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (n_others - 1))
    equal_means = 2 * stdtr(degrees, -np.abs(means - means_others) / np.sqrt(a + b))
    ratio = np.divide(
        variances,
        variances_others,
        out=np.full(len(n), np.inf),
        where=variances_others > 0,
    )
    below = fdtr(n - 1, n_others - 1, ratio)
    smallest = min(equal_means.min(), 2 * np.minimum(below, 1 - below).min())
    return min(1.0, 2 * (len(n) - 1) * float(smallest))
