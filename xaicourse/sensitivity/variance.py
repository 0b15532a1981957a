"""Which inputs an output's variance comes from: Sobol indices, and Morris screening
where evaluations are dear.

Both ask the model for many independent evaluations, a block of rows at a time. The
blocks go through joblib, so that ``n_jobs`` or a backend of the reader's own (``with
joblib.parallel_config("dask")``) spreads them over machines.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from xaicourse.validation import (
    Progress,
    Seed,
    check_bounds,
    check_flag,
    check_function,
    check_int,
    check_jobs,
    check_level,
    check_seed,
    rounding,
    shown,
)

Floats = NDArray[np.float64]
Model = Callable[[Floats], Any]


@dataclass(frozen=True)
class SobolIndices:
    """Shares of an output's variance; the ``_conf`` are half-widths of intervals.

    Attributes
    ----------
    S1, S1_conf : ndarray, shape (d,)
        First order: the share that goes if one input alone is fixed, V(E[f | xᵢ]) /
        V(f).
    ST, ST_conf : ndarray, shape (d,)
        Total: the share that remains if all others are fixed, E[V(f | all but xᵢ)] /
        V(f).
    S2, S2_conf : ndarray of shape (d, d) or None
        Second order: what two inputs add only together; symmetric, with a diagonal of
        zeros.
    mean, variance : float
        Of the output.
    n_evaluations : int
        Rows that the model was asked for.
    """

    S1: Floats
    S1_conf: Floats
    ST: Floats
    ST_conf: Floats
    S2: Floats | None
    S2_conf: Floats | None
    mean: float
    variance: float
    n_evaluations: int


@dataclass(frozen=True)
class MorrisScreening:
    """Elementary effects: changes of the output per step across the whole range of one
    input.

    Attributes
    ----------
    mu, mu_star : ndarray, shape (d,)
        Mean effect, and mean of its absolute value, in units of the output.
    sigma : ndarray, shape (d,)
        Standard deviation of the effects: zero where the output is linear in that input
        and it interacts with none.
    effects : ndarray, shape (n_trajectories, d)
        Each effect.
    n_evaluations : int
        Rows that the model was asked for.
    """

    mu: Floats
    mu_star: Floats
    sigma: Floats
    effects: Floats
    n_evaluations: int


def sobol_indices(
    function: Model,
    bounds: ArrayLike,
    *,
    n_samples: int = 1024,
    second_order: bool = False,
    n_scramblings: int = 4,
    conf_level: float = 0.95,
    seed: Seed = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> SobolIndices:
    """Estimate first-order, total and, if wanted, second-order Sobol indices.

    From two independent samples A and B, and AB⁽ⁱ⁾, which is A with column i of B,

        S1ᵢ = E[f(B) (f(AB⁽ⁱ⁾) - f(A))] / V      (Saltelli)
        STᵢ = E[(f(A) - f(AB⁽ⁱ⁾))²] / 2V         (Jansen)
        S2ᵢⱼ = E[f(BA⁽ⁱ⁾) f(AB⁽ʲ⁾) - f(A) f(B)] / V - S1ᵢ - S1ⱼ.

    A and B are the halves of a Sobol' sequence, scrambled anew for each of a few parts
    of the rows. Within a part the rows depend on each other, and a bootstrap over them
    gives intervals that are many times too wide; the parts are independent, and the
    intervals are Student's, from how far the parts differ.

    Parameters
    ----------
    function : callable
        Maps inputs of shape (n, d) to outputs of shape (n,).
    bounds : array-like, shape (d, 2)
        Lower and upper end of each input's uniform distribution. For another
        distribution take the unit interval, and let the function begin with the inverse
        of its cumulative distribution.
    n_samples : int
        Rows of A, a power of two, for which alone the sequence is balanced. The model
        is evaluated n_samples · (d + 2) times, with `second_order` n_samples · (2d + 2)
        times.
    second_order : bool
        Whether to estimate `S2`.
    n_scramblings : int
        Parts of the rows with a scrambling each, a power of two from 2 to `n_samples`.
        With more of them the intervals of a high level become narrower, and the indices
        less exact.
    conf_level : float
        Of the intervals, between 0 and 1.
    seed : int, numpy.random.Generator or None
        Of the scramblings.
    n_jobs : int or None
        As in joblib: how many blocks are evaluated at once; None is one, or what the
        surrounding ``joblib.parallel_config`` says.
    progress : callable or None
        Wraps the loop over blocks, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    SobolIndices

    Warns
    -----
    UserWarning
        If the output is constant: all indices are zero then. If it varies so rarely
        that it is constant on A and B: the variance is that of all rows then.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or `function` returns something else than a
        finite number a row. What `function` itself raises passes through.

    References
    ----------
    Saltelli et al.: Variance based sensitivity analysis of model output. Computer
    Physics Communications 181, 259-270 (2010). Jansen: Analysis of variance designs for
    model output. The same 117, 35-43 (1999).

    Examples
    --------
    >>> def f(X):
    ...     return X[:, 0] + X[:, 1] * X[:, 2]
    >>> result = sobol_indices(f, [(-1, 1)] * 3, n_samples=2**14)
    >>> result.S1.round(2) + 0, result.ST.round(2), result.n_evaluations
    (array([0.75, 0.  , 0.  ]), array([0.75, 0.25, 0.25]), 81920)
    """
    from scipy.stats import qmc  # most of a second to import, and only this needs it

    low, high = check_bounds(bounds).T
    d = len(low)
    parts = _power_of_two("n_scramblings", n_scramblings, 2)
    n = _power_of_two("n_samples", n_samples, parts)
    second_order = check_flag("second_order", second_order)
    conf_level = check_level("conf_level", conf_level)
    rng = check_seed(seed)
    both = np.concatenate(
        [qmc.Sobol(2 * d, rng=rng).random(n // parts) for _ in range(parts)]
    )
    A, B = low + both[:, :d] * (high - low), low + both[:, d:] * (high - low)

    # (rows, rows of which a column is taken, which): A, B, each AB and, for the second
    # order, each BA
    blocks = [(A, A, 0), (B, B, 0), *((A, B, i) for i in range(d))]
    blocks += [(B, A, i) for i in range(d)] if second_order else []
    mixed = (_with_column(rows, donor, i) for rows, donor, i in shown(progress, blocks))
    outputs = _evaluate(function, mixed, n_jobs)
    if np.ptp(outputs) <= rounding(outputs):
        warnings.warn(
            "function: its output is constant, so that there is no variance to share "
            "out",
            stacklevel=2,
        )
        zero, zeros = np.zeros(d), np.zeros((d, d)) if second_order else None
        return SobolIndices(
            zero,
            zero,
            zero,
            zero,
            zeros,
            zeros,
            float(outputs.mean()),
            0.0,
            outputs.size,
        )
    drawn = outputs[:2]
    if np.ptp(drawn) <= rounding(outputs):
        warnings.warn(
            f"n_samples: got {n}, too few for a function that varies so rarely: its "
            f"output is constant on A and B, so that the indices are mere guesses",
            stacklevel=2,
        )
        drawn = outputs
    mean = float(drawn.mean())

    def of_parts(values: Floats) -> Floats:
        return np.asarray(values.reshape(parts, -1).mean(1))

    a, b, ab, ba = (
        *(outputs[:2] - mean),
        outputs[2 : 2 + d] - mean,
        outputs[2 + d :] - mean,
    )
    pairs = list(itertools.combinations(range(d), 2)) if second_order else []
    first = [of_parts(b * (mixed - a)) for mixed in ab]
    total = [of_parts((a - mixed) ** 2 / 2) for mixed in ab]
    second = [of_parts(ba[i] * ab[j] - a * b) - first[i] - first[j] for i, j in pairs]
    terms = np.array(first + total + second)
    spread = of_parts(((drawn - mean) ** 2).mean(0))
    variance = float(spread.mean())
    estimate = terms.mean(1) / variance
    # An index is a ratio of means: to first order a part moves it by this.
    moved = (terms - estimate[:, None] * spread) / variance
    width = stdtrit(parts - 1, 0.5 + conf_level / 2) * (
        moved.std(1, ddof=1) / np.sqrt(parts)
    )
    matrices = [
        _symmetric(values[2 * d :], d, pairs) if second_order else None
        for values in (estimate, width)
    ]
    return SobolIndices(
        S1=estimate[:d],
        S1_conf=width[:d],
        ST=estimate[d : 2 * d],
        ST_conf=width[d : 2 * d],
        S2=matrices[0],
        S2_conf=matrices[1],
        mean=mean,
        variance=variance,
        n_evaluations=outputs.size,
    )


def morris_screening(
    function: Model,
    bounds: ArrayLike,
    *,
    n_trajectories: int = 20,
    n_levels: int = 4,
    seed: Seed = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> MorrisScreening:
    """Rank inputs by elementary effects along random paths that change one input at a
    time.

    With the inputs scaled to [0, 1] and a step Δ = p / (2 (p - 1)) on a grid of p
    levels, the effect of input i at x is (f(x ± Δ eᵢ) - f(x)) / ±Δ. Each trajectory
    starts anywhere on the grid and moves every input once, in random order:
    n_trajectories · (d + 1) evaluations in all.

    Parameters
    ----------
    function, bounds, seed, n_jobs, progress
        As in `sobol_indices`.
    n_trajectories : int
        Number of trajectories, at least 2.
    n_levels : int
        Number of grid levels p, even, so that all levels are visited equally often.

    Returns
    -------
    MorrisScreening

    Raises
    ------
    TypeError, ValueError
        As `sobol_indices`; and if `n_levels` is odd.

    References
    ----------
    Morris: Factorial sampling plans for preliminary computational experiments.
    Technometrics 33, 161-174 (1991). Campolongo, Cariboni, Saltelli: An effective
    screening design for sensitivity analysis of large models. Environmental Modelling &
    Software 22, 1509-1518 (2007), for mu_star.

    Examples
    --------
    >>> def f(X):
    ...     return 3 * X[:, 0] - X[:, 1]
    >>> result = morris_screening(f, [(0, 1), (0, 2), (0, 1)])
    >>> result.mu.round(6) + 0, result.sigma.round(6), result.n_evaluations
    (array([ 3., -2.,  0.]), array([0., 0., 0.]), 80)
    """
    low, high = check_bounds(bounds).T
    d = len(low)
    n = check_int("n_trajectories", n_trajectories, minimum=2)
    levels = check_int("n_levels", n_levels, minimum=2)
    if levels % 2:
        raise ValueError(f"n_levels: got {levels}, expected an even number")
    rng = check_seed(seed)
    step = levels / (2 * (levels - 1))
    up = rng.random((n, d)) < 0.5
    start = rng.integers(levels // 2, size=(n, d)) / (levels - 1) + np.where(
        up, 0.0, step
    )
    order = np.argsort(rng.random((n, d)), axis=1)
    rank = np.argsort(order, axis=1)  # when each input moves
    moves = np.where(up, step, -step)
    stages = (
        low + (start + np.where(rank < k, moves, 0.0)) * (high - low)
        for k in shown(progress, range(d + 1))
    )
    outputs = _evaluate(function, stages, n_jobs)
    changes = np.diff(outputs, axis=0).T  # (n, d), in the order of moving
    effects = np.take_along_axis(changes, rank, axis=1) / moves
    return MorrisScreening(
        effects.mean(0),
        np.abs(effects).mean(0),
        effects.std(0, ddof=1),
        effects,
        outputs.size,
    )


def _with_column(rows: Floats, donor: Floats, column: int) -> Floats:
    # also where nothing changes: the function may write to what it gets
    mixed = rows.copy()
    mixed[:, column] = donor[:, column]
    return mixed


def _evaluate(function: Model, blocks: Iterable[Floats], n_jobs: int | None) -> Floats:
    """Return the outputs, shape (n_blocks, n)."""
    check_function("function", function)
    return np.stack(
        joblib.Parallel(n_jobs=check_jobs(n_jobs))(
            joblib.delayed(_one_block)(function, block) for block in blocks
        )
    )


def _one_block(function: Model, block: Floats) -> Floats:
    outputs = np.asarray(function(block.copy()))
    if outputs.shape != (len(block),):
        raise ValueError(
            f"function: returned shape {outputs.shape} for inputs of shape "
            f"{block.shape}, expected ({len(block)},), "
            "one number a row; a function f of one point becomes lambda X: "
            "np.array([f(x) for x in X])"
        )
    if outputs.dtype.kind not in "biuf":
        raise TypeError(f"function: returned {outputs.dtype}, expected real numbers")
    bad = np.flatnonzero(~np.isfinite(outputs))
    if len(bad):
        raise ValueError(
            f"function: returned {outputs[bad[0]]} at {block[bad[0]].tolist()}, "
            f"expected finite numbers"
        )
    return outputs.astype(float)


def _power_of_two(name: str, value: int, minimum: int) -> int:
    n = check_int(name, value, minimum=minimum)
    if n & (n - 1):
        below = 1 << (n.bit_length() - 1)
        raise ValueError(
            f"{name}: got {n}, expected a power of two, such as {below} or {2 * below}"
        )
    return n


def _symmetric(values: Floats, d: int, pairs: list[tuple[int, int]]) -> Floats:
    matrix = np.zeros((d, d))
    for (i, j), value in zip(pairs, values, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix
