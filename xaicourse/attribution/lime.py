"""LIME: a linear model that imitates another one around a row, of its columns or of
its segments (superpixels of a picture, words of a text) being there or not.

The slopes depend on how wide "around" is and on which points were drawn. The paper's
package hides both; here the local R² comes with every explanation. Repeat it with other
seeds and widths before believing it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from xaicourse.attribution.explained import (
    Explained,
    Inputs,
    Model,
    beside,
    explained,
    explaining,
    tensor,
)
from xaicourse.validation import (
    Progress,
    Seed,
    as_numbers,
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
    values : shape (n, n_features) or (n, n_segments)
        Slopes, in units of the output for each standard deviation `scale` of the
        column; of segments, what the output gains by each.
    intercept : shape (n,)
        The linear model's output at the row itself; of segments, without any of them.
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
    n_features = f.rows.shape[1]
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
    line = _Line(draws, np.exp(-(draws**2).sum(1) / width**2), width)
    steps = torch.from_numpy(scale * draws)

    def around(rows: slice, some: slice) -> Tensor:
        return (f.rows[rows, None].cpu().double() + steps[some]).to(f.rows)

    return line.fitted(f, model, around, progress)


def lime_segments(
    model: Model,
    inputs: Inputs,
    *,
    segments: ArrayLike,
    baselines: Any = 0.0,
    target: Any = None,
    kernel_width: float = 0.25,
    n_samples: int = 1000,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Lime:
    r"""Fit a linear model to what a model says of a row with some of its segments taken
    out: superpixels of a picture, words of a text.

    Coalitions z of the m segments are drawn, each in or out with equal chance, and the
    line minimises Σ π(z) (f(x_z) - a - b·z)², where x_z has the baseline in the
    place of segments that are out, and :math:`\pi(z) = \exp(-(1 - \sqrt{|z| / m})^2 /
    \mathrm{width}^2)`, of the cosine distance between z and all segments.

    Parameters
    ----------
    model, target, n_samples, seed, internal_batch_size, progress
        As in `lime`.
    inputs : array or Tensor, shape (n, ...)
        Rows to explain, such as pictures (n, channels, height, width). For a text: one
        row of ones, a segment each, and a model that makes texts of rows of 0 and 1.
    segments : integers that fit the last axes of a row
        A label from 0 on for each number of a row, or for each pixel of all channels
        alike, such as scikit-image's ``slic`` makes (``start_label=0``).
    baselines : float, or array or Tensor of the shape of a row or of `inputs`
        What stands where a segment is out.
    kernel_width : float
        What is near, as a cosine distance; 0.25 as in the paper's package.

    Returns
    -------
    Lime

    Raises
    ------
    TypeError, ValueError
        As `lime`; also if the segments are no integers from 0 on without a gap, or too
        few draws tell them apart.

    References
    ----------
    Ribeiro, Singh, Guestrin: "Why should I trust you?" Explaining the predictions of
    any classifier. KDD 2016, arXiv:1602.04938.

    Examples
    --------
    >>> words = ["not", "a", "good", "film"]
    >>> def score(coalitions):
    ...     texts = [{w for w, z in zip(words, c) if z} for c in coalitions]
    ...     return np.array([("good" in t) - 3.0 * ("not" in t) for t in texts])
    >>> lime_segments(score, np.ones((1, 4)), segments=range(4)).values.round(6) + 0
    array([[-3.,  0.,  1.,  0.]])
    """
    f = explained(model, inputs, target=target, internal_batch_size=internal_batch_size)
    labels = as_numbers("segments", segments)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"segments: got {labels.dtype}, expected integers")
    n_segments = len(np.unique(labels))
    row = tuple(f.rows.shape[1:])
    if labels.shape != row[len(row) - labels.ndim :] or labels.ndim == 0:
        raise ValueError(
            f"segments: got shape {labels.shape}, expected that of a row, {row}, or of "
            f"its last axes"
        )
    if labels.min() != 0 or labels.max() != n_segments - 1:
        raise ValueError(
            f"segments: got {n_segments} labels from {labels.min()} to {labels.max()}, "
            f"expected all integers from 0 on without a gap"
        )
    width = check_float("kernel_width", kernel_width, positive=True)
    n_samples = check_int("n_samples", n_samples, minimum=n_segments + 2)
    base = beside("baselines", baselines, f.rows)
    draws = check_seed(seed).integers(2, size=(n_samples, n_segments)).astype(float)
    distances = 1 - np.sqrt(draws.mean(1))
    line = _Line(draws, np.exp(-((distances / width) ** 2)), width)
    inside = torch.from_numpy(draws).bool().to(f.rows.device)
    where = torch.from_numpy(labels.astype(np.int64)).to(f.rows.device)

    def without(rows: slice, some: slice) -> Tensor:
        kept = inside[some][:, where]
        kept = kept.view(len(kept), *[1] * (len(row) - labels.ndim), *labels.shape)
        return torch.where(kept, f.rows[rows, None], base[rows, None])

    return line.fitted(f, model, without, progress)


class _Line:
    """The weighted least squares of all rows: they have the same draws."""

    def __init__(self, draws: Array, nearness: Array, width: float) -> None:
        n_samples, n = draws.shape
        # As many points as count: all of them if all weigh the same, one if one
        # outweighs the others.
        counted = nearness.sum() ** 2 / (nearness**2).sum() if nearness.any() else 0.0
        self.nearness = nearness
        self.design = np.column_stack([np.ones(n_samples), draws])
        weighted = self.design.T * nearness
        square = weighted @ self.design
        if counted < n + 2 or np.linalg.matrix_rank(square, hermitian=True) <= n:
            raise ValueError(
                f"kernel_width: got {width:g}, at which {counted:.1f} of {n_samples} "
                f"points count, expected at least {n + 2} that tell all {n} apart: "
                f"widen it or draw more"
            )
        self.solve = np.linalg.solve(square, weighted)

    def fitted(
        self,
        f: Explained,
        model: Model,
        points: Callable[[slice, slice], Tensor],
        progress: Progress | None,
    ) -> Lime:
        """Fit it to what the model says of the points around each row."""
        n_samples, n = self.design.shape
        answers = np.empty((len(f.rows), n_samples))
        with explaining(model):
            for rows, some in f.blocks(n_samples, progress=progress):
                found = f.at(rows, points(rows, some))
                answers[rows, some] = found.cpu().double().numpy()
        lines, r2 = np.empty((len(answers), n)), np.empty(len(answers))
        for i, y in enumerate(answers):
            lines[i] = self.solve @ y
            # from one of the answers on, or the rounding of a large one that hardly
            # varies would pass for its variance
            rises = y - y[0]
            mean = np.average(rises, weights=self.nearness)
            spread = self.nearness @ (rises - mean) ** 2
            missed = self.nearness @ (rises - self.design @ (self.solve @ rises)) ** 2
            r2[i] = 1 - missed / spread if spread > 0 else 1.0
        return Lime(*map(f.as_given, (lines[:, 1:], lines[:, 0], r2)))
