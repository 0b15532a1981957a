"""Shapley values: the one fair division of what a model's output changed by, exact,
from sampled orders, or from sampled coalitions (Kernel SHAP), for any model.

The players are the columns of a table. A coalition S of them is worth what the model
says on average when the columns in S come from the row that is explained and the others
from rows of a background sample:

    v(S) = mean over the baselines b of f(x_S, b_notS).

This is the interventional game: the columns outside S are set, whatever those in S are,
so rows may be asked about that never occur. Nothing but the model's outputs is needed,
so trees and kernel machines will do.

Banzhaf values share out the same game, but weigh all coalitions alike: they are the
slopes of the line that least squares (``np.linalg.lstsq``) fits to v(S) of all 2^M of
them, and do not add up to what the output changed by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import binom
from torch import Tensor

from xaicourse.attribution.explained import (
    ALL,
    Explained,
    Inputs,
    Model,
    explained,
    explaining,
    pick,
    tensor,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_int,
    check_seed,
    check_shape,
)

MOST_FEATURES = 20


@dataclass(frozen=True)
class ShapleyValues:
    """What each column contributed to the model's output. The fields are tensors if the
    inputs were, and arrays otherwise.

    Attributes
    ----------
    values : shape (n, n_features)
        Contributions, in units of the model's output.
    standard_error : shape (n, n_features)
        Of `values`, from the spread of the samples; zero for exact values.
    delta : shape (n,)
        Completeness residual: the sum of a row's values minus (f(x) - mean f(b)). Of
        sampled orders it is what the baselines that were drawn differ from all; it says
        nothing about the error of the orders, as each order by itself is complete. For
        Kernel SHAP it is rounding.
    """

    values: Any
    standard_error: Any
    delta: Any


def shapley_values(
    model: Model,
    inputs: Inputs,
    *,
    baselines: Any,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> ShapleyValues:
    """Compute the interventional Shapley values of each column exactly, from all
    coalitions.

    φ_j = Σ_{S without j} |S|! (M - |S| - 1)! / M! · (v(S ∪ {j}) - v(S)), which is the
    mean gain when column j joins, over all orders in which M columns can join. The
    model is asked for 2^M · n_baselines rows for each row.

    Parameters
    ----------
    model : nn.Module, function of tensors or of arrays, or fitted estimator
        Maps rows (n, n_features) to (n,) or (n, outputs), each row by itself. Modules
        are explained in evaluation mode and left in the mode they were in.
    inputs : Tensor, array or DataFrame, shape (n, n_features)
        Rows to explain, of at most 20 columns; tensors of integers if the baselines
        are, too.
    baselines : Tensor, array or DataFrame, shape (n_baselines, n_features)
        Background sample that stands for the columns that are not in a coalition.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    additional_forward_args : anything, or a tuple or dict
        What the model is given behind the inputs, by name if it is a dict. Tensors and
        arrays with a row for each row of the inputs are repeated with them.
    internal_batch_size : int or None
        Most rows given to the model at once, which bounds the memory; ``None`` takes as
        many as hold 2**18 numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    ShapleyValues
        Of which `delta` is rounding.

    Raises
    ------
    TypeError
        If the model is none, or an array is not numeric.
    ValueError
        If an argument has a wrong shape or range or is not finite, there are too many
        columns, or `target` does not fit the outputs.

    References
    ----------
    Shapley: A value for n-person games. Contributions to the Theory of Games II,
    Princeton 1953.

    Lundberg, Lee: A unified approach to interpreting model predictions. NeurIPS 2017,
    arXiv:1705.07874.

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> x, zero = np.array([[3.0, 1.0, 5.0]]), np.zeros((1, 3))
    >>> shapley_values(model, x, baselines=zero).values
    array([[ 1.5,  1.5, 10. ]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size,
    )  # fmt: skip
    x, b = f.rows, _background(f, baselines)
    n_features = x.shape[1]
    if n_features > MOST_FEATURES:
        raise ValueError(
            f"inputs: got {n_features} columns, expected at most {MOST_FEATURES}: "
            f"sample their orders"
        )
    # What a column adds to the s before it has the weight w(s); one that is in counts
    # its gain, one outside its loss.
    weight = torch.from_numpy(
        1 / (n_features * binom(n_features - 1, np.arange(n_features)))
    )
    with explaining(model):
        values = x.new_zeros(x.shape, dtype=torch.float64)
        change = _change(f, f.at_baselines(b))
        for rows, some in f.blocks(2**n_features, width=len(b), progress=progress):
            codes = torch.arange(some.start, some.stop)
            joined = (codes[:, None] >> torch.arange(n_features)) & 1 == 1
            n_joined = joined.sum(1, keepdim=True)
            share = torch.where(
                joined,
                weight[n_joined - 1],
                -weight[n_joined.clamp(max=n_features - 1)],
            )
            points = torch.where(joined[:, None].to(x.device), x[rows, None, None], b)
            worth = f.at(rows, points).double().mean(2)
            values[rows] += worth @ share.to(worth.device)
    return _result(f, values, torch.zeros_like(values), change)


def sampled_shapley_values(
    model: Model,
    inputs: Inputs,
    *,
    baselines: Any,
    target: Any = None,
    additional_forward_args: Any = None,
    n_samples: int = 200,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> ShapleyValues:
    """Estimate the interventional Shapley values of each column from random orders of
    joining.

    φ_j = E[f(b with the columns up to j in the order from x) - f(b with those before j
    from x)]: start from a baseline b and replace its columns by those of x one after
    another, in a random order. Each order is followed by its reverse from the same
    baseline (antithetic), so that what comes early in one comes late in the other: of a
    model in which only pairs of columns interact, each such pair of orders is exact.
    The baselines take turns, in a shuffled order and from a random place on. The values
    are the mean over the baselines of the mean over the orders that met them.

    Parameters
    ----------
    model, inputs, baselines, target, additional_forward_args
    internal_batch_size, progress
        As in `shapley_values`, with any number of columns.
    n_samples : int
        Number of orders for each row, even and at least 4; each asks the model for
        n_features - 1 rows. If fewer than a quarter of the baselines would be met by a
        second pair, pairs are added: they tell how much the orders matter.
    seed : int, numpy.random.Generator or None
        Of all draws; the same seed gives the same draws whatever the batch size, data
        type and device.

    Returns
    -------
    ShapleyValues
        Unbiased. The variance has two parts: that of the orders, from the spread around
        each baseline's mean, and that of the choice of baselines, which vanishes where
        each has its turn. `delta` is zero there, too: from n_samples = 2 n_baselines
        on.

    Raises
    ------
    TypeError, ValueError
        As in `shapley_values`.

    References
    ----------
    Castro, Gómez, Tejada: Polynomial calculation of the Shapley value based on
    sampling. Computers & Operations Research 36, 1726 (2009).

    Štrumbelj, Kononenko: Explaining prediction models and individual predictions with
    feature contributions. Knowledge and Information Systems 41, 647 (2014).

    Cochran: Sampling techniques. 3rd edition, Wiley 1977, chapter 10 (the variance of
    sampling in two stages).

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> x, zero = np.array([[3.0, 1.0, 5.0]]), np.zeros((1, 3))
    >>> sampled_shapley_values(model, x, baselines=zero).values
    array([[ 1.5,  1.5, 10. ]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size,
    )  # fmt: skip
    x, b = f.rows, _background(f, baselines)
    n_features = x.shape[1]
    if check_int("n_samples", n_samples, minimum=4) % 2:
        raise ValueError(
            f"n_samples: got {n_samples}, expected an even number: each order comes "
            f"with its reverse"
        )
    # Of each baseline that is met there is one pair of orders, of some another.
    n_met = min(len(b), n_samples // 2)
    n_pairs = max(n_samples // 2, n_met + max(2, n_met // 4))
    once, orders = check_seed(seed).spawn(2)
    b = b[torch.from_numpy(once.permutation(len(b))).to(x.device)]
    place = torch.from_numpy(once.integers(len(b), size=(len(x), 1))).to(x.device)
    step = torch.arange(1, n_features, device=x.device)[:, None]
    with explaining(model):
        values, error = x.new_zeros((2, *x.shape), dtype=torch.float64)
        everywhere = f.at_baselines(b).double()
        change, last = _change(f, everywhere), f.at(ALL, x).double()
        everywhere = everywhere.expand(len(x), -1, -1)
        width = 2 * max(1, n_features - 1)
        gains: list[Tensor] = []
        for rows, some in f.blocks(n_pairs, width=width, progress=progress):
            pairs = torch.arange(some.start, some.stop, device=x.device)
            turn = (place[rows] + pairs % n_met) % len(b)
            # Column j joins at step position[j], from 0: after s steps those before s
            # have. Each draw is read once, row after row, so that the size of the
            # blocks changes none.
            position = torch.from_numpy(
                orders.random((*turn.shape, n_features)).argsort(2)
            ).to(x.device)
            position = torch.stack([position, n_features - 1 - position], 2)
            # rows, pairs, two directions, steps, columns
            joined = position[..., None, :] < step
            points = torch.where(
                joined, x[rows, None, None, None], b[turn][:, :, None, None]
            )
            first = everywhere[rows].take_along_dim(turn[..., None], 1)
            first = pick(first, None if f.target is None else f.target[rows])
            first = first[:, :, None, None].expand(-1, -1, 2, 1)
            worth = [first, last[rows, None, None, None].expand_as(first)]
            if n_features > 1:
                worth.insert(1, f.at(rows, points).double())
            gains.append(torch.cat(worth, 3).diff(dim=3).gather(3, position).mean(2))
            if some.stop == n_pairs:
                values[rows], error[rows] = _in_two_stages(
                    torch.cat(gains, 1), n_met, n_met / len(b)
                )
                gains.clear()
    return _result(f, values, error, change)


def kernel_shap(
    model: Model,
    inputs: Inputs,
    *,
    baselines: Any,
    target: Any = None,
    additional_forward_args: Any = None,
    n_samples: int = 2048,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> ShapleyValues:
    """Estimate the interventional Shapley values of each column by a weighted
    least-squares fit to the worths of coalitions: Kernel SHAP.

    φ minimises Σ_S π(S) (v(S) - v(∅) - Σ_{j in S} φ_j)² under Σ_j φ_j = v(all) - v(∅),
    with π(S) = (M - 1) / (binom(M, |S|) |S| (M - |S|)). Over all coalitions that is the
    Shapley value. If they are more than n_samples, coalitions are drawn with chances in
    proportion to π, each with its complement, the same ones for all rows, and count
    alike.

    Parameters
    ----------
    model, inputs, baselines, target, additional_forward_args
    internal_batch_size, progress
        As in `shapley_values`, with any number of columns.
    n_samples : int
        Number of coalitions, even; each asks the model for n_baselines rows for each
        row. All coalitions are taken, and the values exact, from 2^M on.
    seed : int, numpy.random.Generator or None
        Of the coalitions.

    Returns
    -------
    ShapleyValues
        The standard error is that of least squares whose errors may differ in size.

    Raises
    ------
    TypeError, ValueError
        As in `shapley_values`; also if n_samples is odd, or too few to tell the columns
        apart.

    References
    ----------
    Lundberg, Lee: A unified approach to interpreting model predictions. NeurIPS 2017,
    arXiv:1705.07874.

    Covert, Lee: Improving KernelSHAP: practical Shapley value estimation via linear
    regression. AISTATS 2021, arXiv:2012.01536.

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> x, zero = np.array([[3.0, 1.0, 5.0]]), np.zeros((1, 3))
    >>> kernel_shap(model, x, baselines=zero).values
    array([[ 1.5,  1.5, 10. ]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size,
    )  # fmt: skip
    x, b = f.rows, _background(f, baselines)
    n_features, rng = x.shape[1], check_seed(seed)
    if check_int("n_samples", n_samples, minimum=2) % 2:
        raise ValueError(
            f"n_samples: got {n_samples}, expected an even number: each coalition "
            f"comes with its complement"
        )
    if n_samples >= 2**n_features:
        return shapley_values(
            model, inputs, baselines=baselines, target=target,
            additional_forward_args=additional_forward_args,
            internal_batch_size=internal_batch_size, progress=progress,
        )  # fmt: skip
    sizes, n_pairs = np.arange(1, n_features), n_samples // 2
    chances = 1 / (sizes * (n_features - sizes))
    size = rng.choice(sizes, n_pairs, p=chances / chances.sum())
    places = rng.random((n_pairs, n_features)).argsort(1).argsort(1)
    joined = torch.from_numpy(places < size[:, None]).to(x.device)
    # Of a coalition and its complement only the difference of their worths tells of φ:
    # v(S) - v(not S) = Σ_j ±φ_j, with + for j in S.
    sign = joined.double() * 2 - 1
    if torch.linalg.matrix_rank(sign) < n_features:
        raise ValueError(
            f"n_samples: got {n_samples}, too few coalitions to tell {n_features} "
            f"columns apart"
        )
    inverse = torch.linalg.inv(sign.T @ sign)
    even = inverse.sum(0) / inverse.sum()
    share = sign @ (inverse - inverse.sum(0) * even[:, None])
    with explaining(model):
        change = _change(f, f.at_baselines(b))
        apart = x.new_zeros(len(x), n_pairs, dtype=torch.float64)
        for rows, some in f.blocks(n_pairs, width=2 * len(b), progress=progress):
            both = torch.stack([joined[some], ~joined[some]], 1)
            points = torch.where(both[..., None, :], x[rows, None, None, None], b)
            worth = f.at(rows, points).double().mean(3)
            apart[rows, some] = worth[..., 0] - worth[..., 1]
    values = apart @ share + change[:, None] * even
    left = (apart - values @ sign.T) ** 2 * n_pairs / (n_pairs - n_features + 1)
    return _result(f, values, (left @ share**2).sqrt(), change)


def _background(f: Explained, baselines: Any) -> Tensor:
    """Baselines in the type of the rows, which have to be those of a table."""
    check_shape("inputs", f.rows, (None, None))
    return tensor("baselines", baselines, (None, f.rows.shape[1])).to(f.rows)


def _in_two_stages(gain: Tensor, n_met: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Mean over baselines of the mean over their pairs of orders, and its standard
    error; `gain` is (rows, pairs, columns), and pair p met baseline p % n_met.
    """
    n_rows, n_pairs, n_features = gain.shape
    turn = torch.arange(n_pairs, device=gain.device) % n_met
    times = turn.bincount()[:, None]
    mean = gain.new_zeros(n_rows, n_met, n_features).index_add_(1, turn, gain) / times
    spread = ((gain - mean[:, turn]) ** 2).sum(1) / (n_pairs - n_met)
    variance = fraction * spread * (1 / times).sum() / n_met**2
    if fraction < 1:
        variance += (1 - fraction) * mean.var(1) / n_met
    return mean.mean(1), variance.sqrt()


def _change(f: Explained, everywhere: Tensor) -> Tensor:
    """What each row's values should add up to, f(x) - mean f(b)."""
    mean = everywhere.double().mean(1).expand(len(f.rows), -1)
    return f.at(ALL, f.rows).double() - pick(mean, f.target)


def _result(
    f: Explained, values: Tensor, error: Tensor, change: Tensor
) -> ShapleyValues:
    """Values, errors and residuals in the type of the inputs."""
    parts = (values, error, values.sum(1) - change)
    return ShapleyValues(*[f.as_given(part.to(f.rows.dtype)) for part in parts])
