"""Shapley values: the one fair division of what a model's output changed by, exact or
sampled, for any model.

The players are the columns of a table. A coalition S of them is worth what the model
says on average when the columns in S come from the row that is explained and the others
from rows of a background sample:

    v(S) = mean over the baselines b of f(x_S, b_notS).

This is the interventional game: the columns outside S are set, whatever those in S are,
so rows may be asked about that never occur. Nothing but the model's outputs is needed,
so trees and kernel machines will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import binom
from torch import Tensor, nn

from xaicourse.attribution.explained import (
    Model,
    call,
    check_inputs,
    explaining,
    outputs,
    pick,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_finite,
    check_int,
    check_seed,
    check_shape,
    silent,
)

MOST_FEATURES = 20


@dataclass(frozen=True)
class ShapleyValues:
    """What each column contributed to the model's output. The fields are tensors, or
    arrays if the inputs were.

    Attributes
    ----------
    values : shape (n, n_features)
        Contributions, in units of the model's output.
    standard_error : shape (n, n_features)
        Of `values`, from the spread of the samples; zero for exact values.
    delta : shape (n,)
        Completeness residual: the sum of a row's values minus (f(x) - mean f(b)). Of
        sampled values it is what the baselines that were drawn differ from all; it says
        nothing about the error of the orders, as each order by itself is complete.
    """

    values: Any
    standard_error: Any
    delta: Any


def shapley_values(
    model: Callable[[Any], Any],
    inputs: Any,
    *,
    baselines: Any,
    target: Any = None,
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
    model : callable
        Maps a table (n, n_features) to (n,) or (n, outputs), each row by itself, such
        as ``tree.predict_proba``: a function of arrays if `inputs` is an array, of
        tensors if it is a tensor. Modules are explained in evaluation mode and left in
        the mode they were in.
    inputs : Tensor or ndarray, shape (n, n_features)
        Rows to explain, of at most 20 columns.
    baselines : Tensor or ndarray, shape (n_baselines, n_features)
        Background sample that stands for the columns that are not in a coalition.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
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
        If the model is no function of such a table, or an array is not numeric.
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
    >>> shapley_values(model, np.array([[3.0, 1.0, 5.0]]), baselines=np.zeros((1, 3))).values
    array([[ 1.5,  1.5, 10. ]])
    """
    as_array = isinstance(inputs, np.ndarray)
    model, x, b, targets, size = _check(
        model, inputs, baselines, target, internal_batch_size
    )
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
    values = x.new_zeros(x.shape, dtype=torch.float64)
    n_coalitions = 2**n_features
    together = min(n_coalitions, max(1, size // len(b)))
    n_rows = max(1, size // (len(b) * n_coalitions))
    with explaining(model):
        change, _ = _change(model, x, b, targets, size)
        for first in (progress or silent)(range(0, len(x), n_rows)):
            rows = slice(first, first + n_rows)
            for code in range(0, n_coalitions, together):
                codes = torch.arange(code, min(code + together, n_coalitions))
                joined = (codes[:, None] >> torch.arange(n_features)) & 1 == 1
                n_joined = joined.sum(1, keepdim=True)
                share = torch.where(
                    joined,
                    weight[n_joined - 1],
                    -weight[n_joined.clamp(max=n_features - 1)],
                )
                points = torch.where(
                    joined[:, None].to(x.device), x[rows, None, None], b
                )
                worth = _worth(model, points, targets, rows, size).mean(2)
                values[rows] += worth @ share.to(worth.device)
    return _result(values, torch.zeros_like(values), change, x, as_array)


def sampled_shapley_values(
    model: Callable[[Any], Any],
    inputs: Any,
    *,
    baselines: Any,
    target: Any = None,
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
    The baselines take turns, in a shuffled order and from a random place on.

    Parameters
    ----------
    model, inputs, baselines, target, internal_batch_size, progress
        As in `shapley_values`, with any number of columns.
    n_samples : int
        Number of orders for each row, even and at least 4; each asks the model for
        n_features - 1 rows.
    seed : int, numpy.random.Generator or None
        Of all draws; the same seed gives the same draws whatever the batch size, data
        type and device.

    Returns
    -------
    ShapleyValues
        Unbiased. The standard error treats the pairs of orders as independent. As
        baselines take turns, which a mean profits from, it is too large rather than too
        small: up to several times, where the choice of the baseline matters more than
        the order. `delta` is zero if n_samples / 2 is a multiple of n_baselines.

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

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> shapley = sampled_shapley_values(model, np.array([[3.0, 1.0, 5.0]]), baselines=np.zeros((1, 3)))
    >>> shapley.values
    array([[ 1.5,  1.5, 10. ]])
    """
    as_array = isinstance(inputs, np.ndarray)
    model, x, b, targets, size = _check(
        model, inputs, baselines, target, internal_batch_size
    )
    n_features = x.shape[1]
    if check_int("n_samples", n_samples, minimum=4) % 2:
        raise ValueError(
            f"n_samples: got {n_samples}, expected an even number: each order comes "
            f"with its reverse"
        )
    n_pairs = n_samples // 2
    once, orders = check_seed(seed).spawn(2)
    b = b[torch.from_numpy(once.permutation(len(b))).to(x.device)]
    place = torch.from_numpy(once.integers(len(b), size=(len(x), 1))).to(x.device)
    step = torch.arange(1, n_features, device=x.device)[:, None]
    per_pair = 2 * max(1, n_features - 1)
    together, n_rows = (
        min(n_pairs, max(1, size // per_pair)),
        max(1, size // (per_pair * n_pairs)),
    )
    values, error = x.new_zeros((2, *x.shape), dtype=torch.float64)
    with explaining(model):
        change, at_baselines = _change(model, x, b, targets, size)
        for first in (progress or silent)(range(0, len(x), n_rows)):
            rows = slice(first, min(first + n_rows, len(x)))
            last = pick(
                outputs(model, x[rows], size),
                None if targets is None else targets[rows],
            ).double()
            shift = total = squares = torch.zeros((), device=x.device)
            for pair in range(0, n_pairs, together):
                turn = (
                    place[rows]
                    + torch.arange(pair, min(pair + together, n_pairs), device=x.device)
                ) % len(b)
                # Column j joins at step position[j], from 0: after s steps those before
                # s have. Each draw is read once, row after row, so that the size of the
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
                column = 0 if targets is None else targets[rows, None]
                start = at_baselines[turn, column][:, :, None, None].expand(
                    -1, -1, 2, 1
                )
                worth = _worth(model, points, targets, rows, size)
                worth = torch.cat(
                    [start, worth, last[:, None, None, None].expand_as(start)], 3
                )
                gain = worth.diff(dim=3).gather(3, position).mean(2)
                # around a value near the mean, squares stay small and their difference
                # exact
                if pair == 0:
                    shift = gain[:, :1]
                total = total + (gain - shift).sum(1)
                squares = squares + ((gain - shift) ** 2).sum(1)
            mean = total / n_pairs
            values[rows] = mean + shift[:, 0]
            error[rows] = (
                (squares / n_pairs - mean**2).clamp(min=0) / (n_pairs - 1)
            ).sqrt()
    return _result(values, error, change, x, as_array)


def _check(
    model: Any,
    inputs: Any,
    baselines: Any,
    target: Any,
    internal_batch_size: int | None,
) -> tuple[Model, Tensor, Tensor, Tensor | None, int]:
    """Model as a function of tensors, inputs and baselines as tensors, targets, and the
    number of rows at once.
    """
    if not callable(model):
        raise TypeError(
            f"model: got {type(model).__name__}, which cannot be called; give its "
            f"predict_proba, say"
        )
    if isinstance(inputs, np.ndarray):
        if isinstance(model, nn.Module):
            raise TypeError(
                "inputs: got an array for a torch module, expected a tensor"
            )
        function: Any = model
        model = lambda rows: torch.as_tensor(
            np.array(function(rows.numpy()), dtype=float)
        )
        inputs, baselines = _tensor("inputs", inputs), _tensor("baselines", baselines)
        target = (
            torch.from_numpy(target.copy())
            if isinstance(target, np.ndarray)
            else target
        )
    inputs, targets, size = check_inputs(inputs, target, internal_batch_size)
    if not isinstance(baselines, Tensor):
        raise TypeError(
            f"baselines: got {type(baselines).__name__}, expected a tensor as the "
            f"inputs"
        )
    check_shape("inputs", inputs, (None, None))
    check_shape("baselines", baselines, (None, inputs.shape[1]))
    check_finite("baselines", baselines)
    return model, inputs, baselines.detach().to(inputs), targets, size


def _tensor(name: str, array: Any) -> Tensor:
    """Copy a numeric array to a tensor, integers to double precision."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name}: got {kind}, expected a numeric array")
    return torch.from_numpy(
        array.astype(
            array.dtype if array.dtype in (np.float32, np.float64) else np.float64
        )
    )


def _change(
    model: Model, x: Tensor, b: Tensor, targets: Tensor | None, size: int
) -> tuple[Tensor, Tensor]:
    """What each row's values should add up to, f(x) - mean f(b); and all outputs at the
    baselines.
    """
    at_baselines = outputs(model, b, size).double()
    mean = pick(at_baselines.mean(0).expand(len(x), -1), targets)
    return pick(outputs(model, x, size), targets).double() - mean, at_baselines


def _worth(
    model: Model, points: Tensor, targets: Tensor | None, rows: slice, size: int
) -> Tensor:
    """Explained output at points (rows, ..., n_features), of which at most `size` at
    once: shape (rows, ...).
    """
    flat = points.reshape(-1, points.shape[-1])
    if not len(flat):  # a single column has no steps between the first and the last
        return flat.new_zeros(points.shape[:-1], dtype=torch.float64)
    of_each = (
        None
        if targets is None
        else targets[rows].repeat_interleave(len(flat) // len(points))
    )
    parts = [
        pick(
            call(model, flat[i : i + size]),
            None if of_each is None else of_each[i : i + size],
        )
        for i in range(0, len(flat), size)
    ]
    return torch.cat(parts).double().reshape(points.shape[:-1])


def _result(
    values: Tensor, error: Tensor, change: Tensor, inputs: Tensor, as_array: bool
) -> ShapleyValues:
    """Values, errors and residuals in the type of the inputs."""
    parts = [part.to(inputs.dtype) for part in (values, error, values.sum(1) - change)]
    return ShapleyValues(*([part.numpy() for part in parts] if as_array else parts))
