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
    p_values, pieces = {}, []
    for columns in (
        s for size in range(largest + 1) for s in combinations(range(d), size)
    ):
        design = [np.column_stack([rows[:, columns], np.ones(len(rows))]) for rows in X]
        residuals, interval = _regression(design, y, columns, alpha)
        p_values[columns] = _equal_residuals(residuals, np.concatenate(y))
        if p_values[columns] > alpha:
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


def _regression(
    design: list[Array], y: list[Array], columns: Columns, alpha: float
) -> tuple[list[Array], Array]:
    """Residuals of the pooled regression in each environment, and intervals (size, 2)
    of the coefficients.
    """
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
    residuals = [
        target - (rows / unit) @ scaled for rows, target in zip(design, y, strict=True)
    ]
    degrees = len(b) - A.shape[1]
    variance = np.sum((b - A @ scaled) ** 2) / degrees if degrees else 0.0
    inverse = np.linalg.inv(np.linalg.qr(A, mode="r"))
    half = ndtri(1 - alpha / 4) * np.sqrt(variance * (inverse**2).sum(1))
    ends = np.stack([scaled - half, scaled + half], axis=1) / unit[:, None]
    return residuals, ends[:-1]


def _equal_residuals(residuals: list[Array], y: Array) -> float:
    """Corrected p-value of equal means and variances in all environments."""
    if max(np.abs(r).max() for r in residuals) < 1e-12 * np.abs(y).max():
        return 1.0  # what is left is rounding
    smallest = 1.0
    for e, here in enumerate(residuals):
        others = np.concatenate([r for i, r in enumerate(residuals) if i != e])
        (a, b), n = (r.var(ddof=1) for r in (here, others)), (len(here), len(others))
        if max(a, b) == 0:
            # constant in each, and, as their mean is zero, not the same constant
            return 0.0
        squared = a / n[0] + b / n[1]
        # Welch's
        degrees = squared**2 / (
            (a / n[0]) ** 2 / (n[0] - 1) + (b / n[1]) ** 2 / (n[1] - 1)
        )
        means = 2 * stdtr(degrees, -abs(here.mean() - others.mean()) / np.sqrt(squared))
        below = fdtr(n[0] - 1, n[1] - 1, a / b) if b else 1.0
        smallest = min(smallest, float(means), 2 * float(min(below, 1 - below)))
    return min(1.0, 2 * (len(residuals) - 1) * smallest)
