"""LIME: a linear model that imitates another one around a row.

The slopes depend on how wide "around" is and on which points were drawn. The paper's
package hides both; here the local R² comes with every explanation. Repeat it with other
seeds and widths before believing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from xaicourse.attribution.explained import (
    Inputs,
    Model,
    explained,
    explaining,
    tensor,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_float,
    check_int,
    check_seed,
    check_shape,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lime:
    """A weighted linear model of another model's outputs around each row. The fields
    are tensors if the inputs were, and arrays otherwise.

    Attributes
    ----------
    values : shape (n, n_features)
        Slopes, in units of the output for each standard deviation `scale` of the
        column.
    intercept : shape (n,)
        The linear model's output at the row itself.
    r2 : shape (n,)
        Share of the (weighted) variance of the output around the row that the linear
        model explains. Where it is low there is no line to speak of; NaN-free: 1 where
        the output does not vary at all.
    """

    values: Any
    intercept: Any
    r2: Any


def lime(
    model: Model,
    inputs: Inputs,
    *,
    scale: ArrayLike,
    target: Any = None,
    kernel_width: float | None = None,
    n_samples: int = 1000,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Lime:
    """Fit a linear model to a model's outputs around each row, near points counting
    more.

    Points z = x + scale · N(0, 1) are drawn, and with π(z) = exp(-d² / width²), d the
    distance in units of `scale`, the line minimises Σ π(z) (f(z) - a - b·(z - x) /
    scale)².

    Parameters
    ----------
    model : nn.Module, function of tensors or of arrays, or fitted estimator
        Maps rows (n, n_features) to (n,) or (n, outputs).
    inputs : array, DataFrame or Tensor, shape (n, n_features)
        Rows to explain.
    scale : array, shape (n_features,)
        Standard deviation of the draws, usually that of each column in the training
        data.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    kernel_width : float or None
        What is near, in units of `scale`; ``None`` is 0.75 √n_features, as in the
        paper's package.
    n_samples : int
        Points drawn around each row, more than n_features + 1.
    seed : int, numpy.random.Generator or None
        Of the draws: every row has the same ones around it.
    internal_batch_size : int or None
        Most points given to the model at once; ``None`` takes as many as hold 2**18
        numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Lime

    Raises
    ------
    ValueError
        If an argument has a wrong shape or range or is not finite, or the kernel is so
        narrow that fewer points than slopes count.

    References
    ----------
    Ribeiro, Singh, Guestrin: "Why should I trust you?" Explaining the predictions of
    any classifier. KDD 2016, arXiv:1602.04938.

    Examples
    --------
    >>> def model(x):
    ...     return 3 * x[:, 0] - x[:, 1]
    >>> explanation = lime(model, np.array([[1.0, 2.0]]), scale=[1.0, 2.0])
    >>> explanation.values.round(6) + 0
    array([[ 3., -2.]])
    >>> explanation.r2.round(6)
    array([1.])
    """
    f = explained(model, inputs, target=target, internal_batch_size=internal_batch_size)
    check_shape("inputs", f.rows, (None, None))
    n, n_features = f.rows.shape
    scale = tensor("scale", scale, (n_features,)).cpu().double().numpy()
    if scale.min() <= 0:
        raise ValueError(
            f"scale: got {scale.min()}, expected positive numbers (leave out a column "
            f"that is constant)"
        )
    width = (
        0.75 * np.sqrt(n_features)
        if kernel_width is None
        else check_float("kernel_width", kernel_width, positive=True)
    )
    n_samples = check_int("n_samples", n_samples, minimum=n_features + 2)

    draws = check_seed(seed).standard_normal((n_samples, n_features))
    nearness = np.exp(-(draws**2).sum(1) / width**2)
    # As many points as count: all of them if all weigh the same, one if one outweighs
    # the others.
    effective = nearness.sum() ** 2 / (nearness**2).sum() if nearness.any() else 0.0
    if effective < n_features + 2:
        raise ValueError(
            f"kernel_width: got {width:g}, at which {effective:.1f} of {n_samples} "
            f"points count, expected at least "
            f"{n_features + 2}: widen it or draw more"
        )
    design = np.column_stack([np.ones(n_samples), draws])
    solve = np.linalg.solve(design.T * nearness @ design, design.T * nearness)
    lines, r2 = np.empty((n, n_features + 1)), np.empty(n)
    with explaining(model):
        for rows, _ in f.blocks(width=n_samples, progress=progress):
            middles = f.rows[rows, None].cpu().double().numpy()
            points = torch.from_numpy(middles + scale * draws).to(f.rows)
            answers = f.at(rows, points).cpu().double().numpy()
            # row by row, so that the size of the blocks changes no sum
            for i, y in enumerate(answers, rows.start):
                lines[i] = solve @ y
                # from one of the answers on, or the rounding of a large one that hardly
                # varies would pass for its variance
                rises = y - y[0]
                mean = np.average(rises, weights=nearness)
                spread = nearness @ (rises - mean) ** 2
                missed = nearness @ (rises - design @ (solve @ rises)) ** 2
                r2[i] = 1 - missed / spread if spread > 0 else 1.0
    return Lime(*map(f.as_given, (lines[:, 1:], lines[:, 0], r2)))
