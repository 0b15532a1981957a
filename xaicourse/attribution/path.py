"""Attributions that follow a path from a baseline to the input: Integrated Gradients
and GradientSHAP.

By the fundamental theorem of calculus, the gradients met on the straight line from a
baseline x' to an input x add up to what the model gained on the way:

    sum_j (x_j - x'_j) ∫_0^1 df/dx_j (x' + α (x - x')) dα = f(x) - f(x').

Integrated Gradients cuts this sum into its features, for one baseline and by a
quadrature over α. GradientSHAP (expected gradients) averages it over a distribution of
baselines, and draws α at random. Both are one weighted sum over the points of a path,
`sum_of_gradients`; they differ in where they place the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.special import roots_legendre
from torch import Tensor

from xaicourse.attribution.explained import (
    Model,
    check_inputs,
    explaining,
    outputs,
    pick,
    sum_of_gradients,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_choice,
    check_finite,
    check_float,
    check_int,
    check_seed,
    check_shape,
)

_WHERE = "on the way from baselines to inputs"


@dataclass(frozen=True)
class Attribution:
    """What each input contributed to the model's output, and what the contributions
    fail to explain.

    Attributes
    ----------
    values : Tensor
        Contributions, in units of the model's output, with the shape of the inputs.
    delta : Tensor, shape (n,)
        Completeness residual of each row: the sum of its contributions minus the change
        of the output that they should add up to. Small beside that change, or the
        approximation needs more steps or samples.
    """

    values: Tensor
    delta: Tensor


def integrated_gradients(
    model: Model,
    inputs: Tensor,
    *,
    baselines: Tensor | float | None = None,
    target: int | Tensor | None = None,
    n_steps: int = 64,
    method: Literal["gausslegendre", "midpoint", "trapezoid"] = "gausslegendre",
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute a model's output to its inputs along the straight line from a baseline.

    IG_j(x) = (x_j - x'_j) ∫_0^1 df/dx_j (x' + α (x - x')) dα, the integral replaced by
    the weighted sum of a quadrature whose weights add up to one, so that a linear model
    is attributed exactly by any number of steps.

    Parameters
    ----------
    model : callable
        Maps a tensor (n, ...) to a tensor (n,) or (n, outputs), each row by itself. The
        layers of a module are in evaluation mode while it is explained (dropout would
        make the function random, and batch normalisation make a row depend on its
        neighbours) and afterwards in the mode they were in; of a function that calls a
        module, only the caller can do the same.
    inputs : Tensor, shape (n, ...)
        Rows to explain, of floating point.
    baselines : Tensor of shape (n, ...) or (1, ...), float or None
        Where the paths start, in the units of the inputs; ``None`` is zero.
    target : int, Tensor of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    n_steps : int
        Number of points, and of gradients, on each path (with ``"trapezoid"`` of
        intervals: one point more).
    method : {"gausslegendre", "midpoint", "trapezoid"}
        Quadrature. Gauss-Legendre is exact for polynomials of degree 2 n_steps - 1 and
        best for smooth models; for ReLU networks, whose gradients jump, all three
        converge as 1/n_steps.
    internal_batch_size : int or None
        Most points given to the model at once, which bounds the memory; ``None`` takes
        as many as hold 2**18 numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Attribution
        `values`, and `delta` = sum of the values - (f(x) - f(x')), the error of the
        quadrature.

    Raises
    ------
    TypeError
        If the inputs are not floating-point tensors (token ids have no gradient), or
        the output is no tensor.
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
    inputs, targets, size = check_inputs(inputs, target, internal_batch_size)
    if isinstance(baselines, Tensor):
        rows = 1 if baselines.shape[:1] == (1,) else len(inputs)
        check_shape("baselines", baselines, (rows, *inputs.shape[1:]))
        check_finite("baselines", baselines)
        baselines = baselines.detach().to(inputs)
    else:
        start = 0.0 if baselines is None else check_float("baselines", baselines)
        baselines = torch.full_like(inputs[:1], start)
    baselines = baselines.expand_as(inputs)
    difference = inputs - baselines
    nodes, weights = _quadrature(method, check_int("n_steps", n_steps))
    alpha, weight = _beside(nodes, inputs), torch.from_numpy(weights).to(inputs)

    def path(rows: slice, steps: slice) -> tuple[Tensor, Tensor]:
        return torch.addcmul(
            baselines[rows, None], alpha[steps], difference[rows, None]
        ), weight[steps]

    with explaining(model):
        change = pick(
            outputs(model, inputs, size) - outputs(model, baselines, size), targets
        )
        values = sum_of_gradients(
            model,
            inputs,
            targets,
            path,
            len(nodes),
            times=difference,
            size=size,
            where=_WHERE,
            progress=progress,
        )
    return Attribution(values, values.reshape(len(inputs), -1).sum(1) - change)


def gradient_shap(
    model: Model,
    inputs: Tensor,
    *,
    baselines: Tensor,
    target: int | Tensor | None = None,
    n_samples: int = 50,
    stdevs: float = 0.0,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute a model's output to its inputs along random points of the lines from
    many baselines.

    φ_j(x) = E[(x_j - x'_j) df/dz_j] at z = x' + α (x + ε - x'), with x' drawn from the
    baselines, α ~ U(0, 1) and ε_j ~ N(0, stdevs²): Integrated Gradients averaged over
    the baselines (and, with noise, over a neighbourhood of the input).

    The mean over samples is unbiased, and less noisy than one of independent draws: the
    s-th of n_samples has α in the s-th of as many equal slices of (0, 1), and takes the
    baseline after that of sample s - 1, in a shuffled order, from a random place on.
    Each sample by itself still takes any baseline with equal chance.

    Parameters
    ----------
    model, inputs, target, progress
        As in `integrated_gradients`.
    baselines : Tensor, shape (n_baselines, ...)
        A sample of the distribution of baselines, for instance training rows.
    n_samples : int
        Number of points, and of gradients, for each row.
    stdevs : float
        Standard deviation of the noise on the inputs, in their units.
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
        drawn. Without noise its expectation is zero, and its size the Monte-Carlo error
        of the row: of the α between 0 and 1, and, unless n_samples is a multiple of
        n_baselines, of the choice of baselines. With noise it also holds a bias, as z
        then ends at x + ε (Captum multiplies by x + ε - x' instead, which adds the
        noise to the contributions).

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
    inputs, targets, size = check_inputs(inputs, target, internal_batch_size)
    if not isinstance(baselines, Tensor):
        raise TypeError(
            f"baselines: got {type(baselines).__name__}, expected a tensor "
            f"(n_baselines, ...)"
        )
    check_shape("baselines", baselines, (None, *inputs.shape[1:]))
    check_finite("baselines", baselines)
    n_samples = check_int("n_samples", n_samples)
    stdevs = check_float("stdevs", stdevs, minimum=0.0)
    # Each stream is read once, row after row and sample after sample: where a batch
    # ends, the next goes on, so that the size of the batches changes no draw. One
    # stream for two purposes would be cut differently.
    once, uniform, normal = check_seed(seed).spawn(3)
    baselines = baselines.detach().to(inputs)[
        torch.from_numpy(once.permutation(len(baselines)))
    ]
    place = torch.from_numpy(once.integers(len(baselines), size=len(inputs)))
    # Each row's baselines follow one another on this circle, from its place on.
    circle = baselines[torch.arange(len(baselines) + n_samples - 1) % len(baselines)]

    def path(rows: slice, samples: slice) -> tuple[Tensor, Tensor]:
        x, s = inputs[rows, None], np.arange(n_samples)[samples]
        start = (
            circle[samples.start :]
            .unfold(0, len(s), 1)
            .movedim(-1, 1)
            .index_select(0, place[rows])
        )
        difference = torch.sub(x, start, out=start)
        alpha = (s + uniform.random((len(x), len(s)))) / n_samples
        # From the input backwards: x' + α (x - x') = x + (α - 1) (x - x').
        z = torch.addcmul(x, _beside(alpha - 1, inputs), difference)
        if stdevs > 0:
            noise = torch.from_numpy(normal.standard_normal(z.shape)).to(inputs)
            z.addcmul_(_beside(alpha * stdevs, inputs), noise)
        return z, difference

    with explaining(model):
        change = pick(
            outputs(model, inputs, size) - outputs(model, baselines, size).mean(0),
            targets,
        )
        values = sum_of_gradients(
            model,
            inputs,
            targets,
            path,
            n_samples,
            times=1 / n_samples,
            size=size,
            where=_WHERE,
            progress=progress,
        )
    return Attribution(values, values.reshape(len(inputs), -1).sum(1) - change)


def _quadrature(method: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [0, 1], and weights that add up to one."""
    check_choice("method", method, ["gausslegendre", "midpoint", "trapezoid"])
    if method == "midpoint":
        nodes, weights = (np.arange(n) + 0.5) / n, np.ones(n)
    elif method == "trapezoid":
        nodes, weights = np.linspace(0, 1, n + 1), np.r_[0.5, np.ones(n - 1), 0.5]
    else:
        nodes, weights = roots_legendre(n)
        nodes = (nodes + 1) / 2
    return nodes, weights / weights.sum()


def _beside(numbers: np.ndarray, inputs: Tensor) -> Tensor:
    """Tensor of `numbers` with an axis of length one more for each axis of a row of
    `inputs`.
    """
    return torch.from_numpy(numbers).to(inputs)[(..., *[None] * (inputs.ndim - 1))]
