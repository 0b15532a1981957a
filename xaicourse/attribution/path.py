"""Attributions that follow a path from a baseline to the input: Integrated Gradients
and GradientSHAP.

By the fundamental theorem of calculus, the gradients met on the straight line from a
baseline x' to an input x add up to what the model gained on the way:

    sum_j (x_j - x'_j) ∫_0^1 df/dx_j (x' + α (x - x')) dα = f(x) - f(x').

Integrated Gradients cuts this sum into its features, for one baseline and by a
quadrature over α. GradientSHAP (expected gradients) averages it over a distribution of
baselines, and draws α at random. Both are one weighted sum over the points of a path,
`sum_of_gradients`; they differ in where they place the points.

DeepLIFT, which shares out the same change without walking a path, is
``captum.attr.DeepLift``; its rescale rule equals Integrated Gradients where only one
layer bends, and takes one pass instead of `n_steps`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.special import roots_legendre
from torch import Tensor

from xaicourse.attribution.explained import (
    ALL,
    Attribution,
    Inputs,
    Model,
    beside,
    explained,
    explaining,
    one_each,
    pick,
    sum_of_gradients,
    tensor,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_int,
    check_seed,
    check_shape,
)


def integrated_gradients(
    model: Model,
    inputs: Inputs,
    *,
    baselines: Any = None,
    target: Any = None,
    additional_forward_args: Any = None,
    n_steps: int = 64,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute a model's output to its inputs along the straight line from a baseline.

    IG_j(x) = (x_j - x'_j) ∫_0^1 df/dx_j (x' + α (x - x')) dα, the integral replaced by
    the weighted sum of Gauss and Legendre, which is exact for polynomials of degree
    2 n_steps - 1: a linear model is attributed exactly by any number of steps. For ReLU
    networks, whose gradients jump, the error falls as 1/n_steps.

    Parameters
    ----------
    model : nn.Module or function of tensors
        Maps rows (n, ...) to (n,) or (n, outputs), each row by itself. The layers of a
        module are in evaluation mode while it is explained (dropout would make the
        function random, and batch normalisation make a row depend on its neighbours)
        and afterwards in the mode they were in; of a function that calls a module, only
        the caller can do the same.
    inputs : Tensor of floating point, shape (n, ...), or a tuple of such
        Rows to explain; a tuple for a model of several inputs. A module may also be
        given arrays.
    baselines : Tensor of shape (n, ...) or (1, ...), float, tuple of such or None
        Where the paths start, in the units of the inputs; ``None`` is zero.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    additional_forward_args : anything, or a tuple
        What the model is given behind the inputs and is not explained. Tensors with a
        row for each row of the inputs are repeated with them.
    n_steps : int
        Number of points, and of gradients, on each path.
    internal_batch_size : int or None
        Most points given to the model at once, which bounds the memory; ``None`` takes
        as many as hold 2**18 numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Attribution
        `values`, for each input if there are several, and `delta` = sum of the values
        - (f(x) - f(x')), the error of the quadrature.

    Raises
    ------
    TypeError
        If the inputs are not of floating point (token ids have no gradient), or the
        model is an estimator or a function of arrays, which have no gradient.
    ValueError
        If an argument has a wrong shape or range or is not finite, `target` does not
        fit the outputs, or the output has no (finite) gradient with respect to the
        inputs.

    References
    ----------
    Sundararajan, Taly, Yan: Axiomatic attribution for deep networks. ICML 2017,
    arXiv:1703.01365.

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] * x[:, 1] + 2 * x[:, 2]
    >>> integrated_gradients(model, torch.tensor([[3.0, 1.0, 5.0]])).values
    tensor([[ 1.5000,  1.5000, 10.0000]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size, gradient=True,
    )  # fmt: skip
    baselines = one_each("baselines", baselines, f)
    starts = [
        beside("baselines", 0.0 if b is None else b, x)
        for b, x in zip(baselines, f.inputs, strict=True)
    ]
    n_steps = check_int("n_steps", n_steps)
    nodes, weights = roots_legendre(n_steps)
    nodes, weights = (nodes + 1) / 2, weights / weights.sum()

    def differences(rows: slice) -> list[Tensor]:
        return [x[rows] - b[rows] for x, b in zip(f.inputs, starts, strict=True)]

    def path(rows: slice, steps: slice) -> tuple[list[Tensor], list[Tensor]]:
        # a baseline that is one number in memory would be slow to add
        z = [
            torch.addcmul(
                b[rows, None].contiguous(),
                _column(nodes[steps], b),
                difference[:, None],
            )
            for b, difference in zip(starts, differences(rows), strict=True)
        ]
        return z, [torch.from_numpy(weights[steps]).to(x) for x in z]

    with explaining(model):
        change = f.at(ALL, *f.inputs) - f.at(ALL, *starts)
        values = sum_of_gradients(
            f, path, n_steps, times=differences, progress=progress
        )
    return f.attribution(values, change)


def gradient_shap(
    model: Model,
    inputs: Inputs,
    *,
    baselines: Any,
    target: Any = None,
    additional_forward_args: Any = None,
    n_samples: int = 50,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute a model's output to its inputs along random points of the lines from
    many baselines.

    φ_j(x) = E[(x_j - x'_j) df/dz_j] at z = x' + α (x - x'), with x' drawn from the
    baselines and α ~ U(0, 1): Integrated Gradients averaged over the baselines.

    The mean over samples is unbiased, and less noisy than one of independent draws: the
    s-th of n_samples has α in the s-th of as many equal slices of (0, 1), and takes the
    baseline after that of sample s - 1, in a shuffled order, from a random place on.
    Each sample by itself still takes any baseline with equal chance.

    Parameters
    ----------
    model, inputs, target, additional_forward_args, progress
        As in `integrated_gradients`.
    baselines : Tensor, shape (n_baselines, ...), or a tuple of such
        A sample of the distribution of baselines, for instance training rows; of
        several inputs, those of one row are drawn together.
    n_samples : int
        Number of points, and of gradients, for each row.
    seed : int, numpy.random.Generator or None
        Of all draws; the same seed gives the same draws whatever the batch size, data
        type and device.
    internal_batch_size : int or None
        Most points given to the model at once, which bounds the memory; ``None`` takes
        as many as hold 2**18 numbers.

    Returns
    -------
    Attribution
        `values`, and `delta` = sum of the values - (f(x) - mean f(x')), where the mean
        goes once over each of the given baselines, not over those that happened to be
        drawn. Its expectation is zero, and its size the Monte-Carlo error of the row:
        of the α between 0 and 1, and, unless n_samples is a multiple of n_baselines, of
        the choice of baselines. Where to ask about them all would take more points than
        the values (n_baselines > n · n_samples), the mean goes over those drawn for the
        row, and the residual tells of α alone.

    Raises
    ------
    TypeError, ValueError
        As in `integrated_gradients`.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg, Lee: Improving performance of deep learning
    models with axiomatic attribution priors and expected gradients. Nature Machine
    Intelligence 3, 620 (2021), arXiv:1906.10670.

    Lundberg, Lee: A unified approach to interpreting model predictions. NeurIPS 2017,
    arXiv:1705.07874.

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] + 2 * x[:, 1]
    >>> baselines = torch.tensor([[0.0, 0.0], [2.0, 4.0]])
    >>> gradient_shap(model, torch.tensor([[3.0, 1.0]]), baselines=baselines).values
    tensor([[ 2., -2.]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size, gradient=True,
    )  # fmt: skip
    given = one_each("baselines", baselines, f)
    starts = [
        tensor("baselines", b, (None, *x.shape[1:])).to(x)
        for b, x in zip(given, f.inputs, strict=True)
    ]
    n_baselines = len(starts[0])
    for b in starts:
        check_shape("baselines", b, (n_baselines, *b.shape[1:]))
    n, n_samples = len(f.inputs[0]), check_int("n_samples", n_samples)
    # Each stream is read once, row after row and sample after sample: where a batch
    # ends, the next goes on, so that the size of the batches changes no draw. One
    # stream for two purposes would be cut differently.
    once, uniform = check_seed(seed).spawn(2)
    order = torch.from_numpy(once.permutation(n_baselines))
    place = torch.from_numpy(once.integers(n_baselines, size=n))
    # Each row's baselines follow one another on this circle, from its place on; of many
    # baselines only those that are drawn are on it, row after row.
    turns = torch.arange(n_baselines + n_samples - 1)
    if n * n_samples < n_baselines:
        turns = (place[:, None] + torch.arange(n_samples)).flatten()
        place = torch.arange(n) * n_samples
    turns = order[turns % n_baselines]
    circles = [b.index_select(0, turns.to(b.device)) for b in starts]
    few = n_baselines * f.n_told_apart > n * n_samples

    def path(rows: slice, samples: slice) -> tuple[list[Tensor], list[Tensor]]:
        s = np.arange(n_samples)[samples]
        alpha = (s + uniform.random((len(place[rows]), len(s)))) / n_samples
        drawn = [
            circle[samples.start :]
            .unfold(0, len(s), 1)
            .movedim(-1, 1)
            .index_select(0, place[rows].to(circle.device))
            for circle in circles
        ]
        if few:
            before[rows] += f.at(rows, *drawn).sum(1) / n_samples
        z = []
        for whole, start in zip(f.inputs, drawn, strict=True):
            x = whole[rows, None]
            difference = torch.sub(x, start, out=start)
            # From the input backwards: x' + α (x - x') = x + (α - 1) (x - x').
            z.append(torch.addcmul(x, _column(alpha - 1, x[:, 0]), difference))
        return z, drawn

    with explaining(model):
        before = f.inputs[0].new_zeros(n)
        if not few:
            expected = f.at_baselines(*starts).mean(1).expand(n, -1)
            before += pick(expected, f.target)
        values = sum_of_gradients(
            f, path, n_samples, times=lambda _: [1 / n_samples] * len(starts),
            progress=progress,
        )  # fmt: skip
        change = f.at(ALL, *f.inputs) - before
    return f.attribution(values, change)


def _column(numbers: np.ndarray, rows: Tensor) -> Tensor:
    """Tensor of `numbers` with an axis of length one more for each axis of a row."""
    return torch.from_numpy(numbers).to(rows)[(..., *[None] * (rows.ndim - 1))]
