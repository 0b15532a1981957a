"""Gradients with respect to the inputs: saliency, input x gradient, guided
backpropagation, SmoothGrad.

A gradient says how the output would answer to a small change of each input. It says
nothing about how much of the output the input accounts for: it promises no sum, and so
there is no residual to return.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from xaicourse.attribution.explained import (
    Explained,
    Inputs,
    Model,
    explained,
    explaining,
    graph,
    sum_of_gradients,
)
from xaicourse.validation import (
    Progress,
    Seed,
    check_finite,
    check_float,
    check_int,
    check_seed,
)


def saliency(
    model: Model,
    inputs: Inputs,
    *,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Return the gradient of a model's output with respect to each input.

    M_j(x) = df/dx_j. For a map of a picture, take its size and then the largest of the
    colours: ``saliency(...).abs().amax(1)``.

    Parameters
    ----------
    model : nn.Module or function of tensors
        Maps rows (n, ...) to (n,) or (n, outputs), each row by itself; best the logits,
        as the gradient of a probability vanishes where the model is sure. Modules are
        explained in evaluation mode and left in the mode they were in.
    inputs : Tensor of floating point, shape (n, ...), or a tuple of such
        Rows to explain; a tuple for a model of several inputs. A module may also be
        given arrays.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    additional_forward_args : anything, or a tuple
        What the model is given behind the inputs and is not explained. Tensors with a
        row for each row of the inputs are repeated with them.
    internal_batch_size : int or None
        Most rows given to the model at once, which bounds the memory; ``None`` takes as
        many as hold 2**18 numbers.
    progress : callable or None
        Wraps the outer loop, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Tensor, shape of the inputs, or a tuple of such
        With sign, in units of the output per unit of the input.

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
    Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks: visualising image
    classification models and saliency maps. ICLR workshop 2014, arXiv:1312.6034.

    Examples
    --------
    >>> saliency(lambda x: x[:, 0] ** 2 - 3 * x[:, 1], torch.tensor([[2.0, 1.0]]))
    tensor([[ 4., -3.]])
    """
    return smooth_grad(
        model,
        inputs,
        target=target,
        additional_forward_args=additional_forward_args,
        n_samples=1,
        stdevs=0.0,
        internal_batch_size=internal_batch_size,
        progress=progress,
    )


def smooth_grad(
    model: Model,
    inputs: Inputs,
    *,
    target: Any = None,
    additional_forward_args: Any = None,
    n_samples: int = 25,
    stdevs: float = 0.1,
    seed: Seed = 0,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Average the gradient over noisy copies of each row.

    M_j(x) = 1/n Σ_s df/dx_j (x + ε_s), ε_s ~ N(0, stdevs²): the gradient of the model
    blurred by a Gaussian.

    Parameters
    ----------
    model, inputs, target, additional_forward_args, progress
        As in `saliency`.
    n_samples : int
        Number of noisy copies, and of gradients, of each row.
    stdevs : float
        Standard deviation of the noise, in units of the inputs (the paper: a tenth to a
        fifth of their range).
    seed : int, numpy.random.Generator or None
        Of the noise; the same seed gives the same draws whatever the batch size, data
        type and device.
    internal_batch_size : int or None
        Most copies given to the model at once; ``None`` takes as many as hold 2**18
        numbers.

    Returns
    -------
    Tensor, shape of the inputs, or a tuple of such
        With sign, in units of the output per unit of the input.

    Raises
    ------
    TypeError, ValueError
        As in `saliency`.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas, Wattenberg: SmoothGrad: removing noise by adding
    noise. arXiv:1706.03825.

    Examples
    --------
    The gradient of a step's corner, 0 on one side and 1 on the other, becomes the
    normal distribution function.

    >>> corner = torch.tensor([[0.0], [0.1]])
    >>> smooth_grad(torch.relu, corner, n_samples=100_000).round(decimals=2)
    tensor([[0.5000],
            [0.8400]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size, gradient=True,
    )  # fmt: skip
    n_samples = check_int("n_samples", n_samples)
    stdevs = check_float("stdevs", stdevs, minimum=0.0)
    # One stream for each input, read row after row and sample after sample: where a
    # batch ends, the next goes on, so that the size of the batches changes no draw.
    streams = check_seed(seed).spawn(len(f.inputs)) if stdevs > 0 else []

    def copies(rows: slice, samples: slice) -> tuple[list[Tensor], list[Tensor]]:
        noisy, weights = _copies(f, rows, samples)
        for copy, stream in zip(noisy, streams, strict=False):
            noise = torch.from_numpy(stream.standard_normal(copy.shape))
            copy.add_(noise.to(copy), alpha=stdevs)
        return noisy, weights

    with explaining(model):
        values = sum_of_gradients(
            f, copies, n_samples, times=lambda _: [1 / n_samples] * len(f.inputs),
            progress=progress,
        )  # fmt: skip
    return f.like_inputs(values)


def input_x_gradient(
    model: Model,
    inputs: Inputs,
    *,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Multiply each input by the gradient with respect to it.

    M_j(x) = x_j df/dx_j, what the output would lose, to first order, if the input
    shrank to zero. The sum over j is f(x) for a network of ReLUs without biases, and in
    general no fixed number: hence no residual.

    Parameters
    ----------
    model, inputs, target, additional_forward_args, internal_batch_size, progress
        As in `saliency`.

    Returns
    -------
    Tensor, shape of the inputs, or a tuple of such
        In units of the output.

    Raises
    ------
    TypeError, ValueError
        As in `saliency`.

    References
    ----------
    Shrikumar, Greenside, Shcherbina, Kundaje: Not just a black box: learning important
    features through propagating activation differences. arXiv:1605.01713.

    Examples
    --------
    >>> x = torch.tensor([[2.0, 1.0]])
    >>> input_x_gradient(lambda x: x[:, 0] ** 2 - 3 * x[:, 1], x)
    tensor([[ 8., -3.]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size, gradient=True,
    )  # fmt: skip
    with explaining(model):
        values = sum_of_gradients(
            f, partial(_copies, f), 1, times=lambda rows: [x[rows] for x in f.inputs],
            progress=progress,
        )  # fmt: skip
    return f.like_inputs(values)


def guided_backprop(
    model: Model,
    inputs: Inputs,
    *,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Go back through the model as the gradient does, but let no negative signal pass a
    ReLU.

    At each ReLU the signal from above passes where the input was positive and the
    signal itself is: its picture is sharp because it follows strong edges, and it
    hardly changes when the upper layers are made random. The ReLUs are found in
    autograd's graph, so they may be modules or functions, in place, and used often.

    Parameters
    ----------
    model, inputs, target, additional_forward_args, internal_batch_size, progress
        As in `saliency`. ReLUs written in other words, such as ``x.clamp(min=0)``, are
        not recognised.

    Returns
    -------
    Tensor, shape of the inputs, or a tuple of such

    Raises
    ------
    TypeError
        As in `saliency`.
    ValueError
        As in `saliency`; also if the model uses no ReLU, as the result would be the
        plain gradient.

    References
    ----------
    Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for simplicity: the all
    convolutional net. ICLR workshop 2015, arXiv:1412.6806.

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim: Sanity checks for saliency maps.
    NeurIPS 2018, arXiv:1810.03292.

    Examples
    --------
    The gradient of the difference is (1, -1); its second half does not pass.

    >>> x = torch.tensor([[2.0, 1.0]])
    >>> guided_backprop(lambda x: torch.relu(x[:, 0]) - torch.relu(x[:, 1]), x)
    tensor([[1., 0.]])
    """
    f = explained(
        model, inputs, target=target, additional_forward_args=additional_forward_args,
        internal_batch_size=internal_batch_size, gradient=True,
    )  # fmt: skip
    with explaining(model), torch.enable_grad():
        values = [torch.zeros_like(x) for x in f.inputs]
        for rows, _ in f.blocks(progress=progress):
            some = [x[rows].clone().requires_grad_() for x in f.inputs]
            output = f.at(rows, *some)
            relus = [
                node for node in graph(output, {}) if node.name() == "ReluBackward0"
            ]
            if not relus:
                raise ValueError(
                    "model: got one without a ReLU, expected at least one on the way "
                    "to the output"
                )
            for relu in relus:
                # of this graph, which is gone after the pass
                relu.register_hook(_no_negative)
            signals = torch.autograd.grad(output.sum(), some, materialize_grads=True)
            for value, signal in zip(values, signals, strict=True):
                value[rows] = signal
    for value in values:
        check_finite("model: signals", value)
    return f.like_inputs(values)


def _copies(
    f: Explained, rows: slice, samples: slice
) -> tuple[list[Tensor], list[Tensor]]:
    """Some copies of some rows, of each input, and a weight of one."""
    n = samples.stop - samples.start
    copies = [x[rows, None].repeat_interleave(n, 1) for x in f.inputs]
    return copies, [x.new_ones(()) for x in copies]


def _no_negative(
    passed: tuple[Tensor | None, ...], _above: object
) -> tuple[Tensor | None, ...]:
    return tuple(None if signal is None else signal.clamp(min=0) for signal in passed)
