"""What every method that asks for gradients does with the model it explains: call it,
differentiate, put it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from xaicourse.validation import Progress, check_finite, check_int, check_shape, silent

Model = Callable[[Tensor], Tensor]
Points = Callable[[slice, slice], tuple[Tensor, Tensor]]


@contextmanager
def explaining(model: Model) -> Iterator[None]:
    """Evaluation mode, and gradients only where `gradient` asks for them; at the end
    all as it was.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    try:
        for module in modules:
            # not .eval(), which a model may override to do more than that
            module.training = False
        with torch.inference_mode(False), torch.no_grad():
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


def check_inputs(
    inputs: Tensor, target: int | Tensor | None, internal_batch_size: int | None
) -> tuple[Tensor, Tensor | None, int]:
    """Inputs apart from their graph, a target for each row (or None), and the number of
    points at once.
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs: got {type(inputs).__name__}, expected a tensor")
    if not inputs.is_floating_point():
        raise TypeError(
            f"inputs: got {inputs.dtype}, expected floating point: integers, such as "
            f"the ids of tokens, have no "
            "gradient (explain the embeddings instead)"
        )
    if inputs.ndim == 0:
        raise ValueError("inputs: got a single number, expected rows (n, ...)")
    check_finite("inputs", inputs)
    if isinstance(target, Tensor):
        if (
            target.is_floating_point()
            or target.is_complex()
            or target.dtype == torch.bool
        ):
            raise TypeError(f"target: got {target.dtype}, expected integers")
        check_shape("target", target, (len(inputs),))
        target = target.to(inputs.device, torch.long)
    elif target is not None:
        target = torch.full(
            (len(inputs),), check_int("target", target, minimum=0), device=inputs.device
        )
    if internal_batch_size is None:
        internal_batch_size = max(1, 2**18 // inputs[0].numel())
    return (
        inputs.detach(),
        target,
        check_int("internal_batch_size", internal_batch_size),
    )


def gradient(model: Model, rows: Tensor, target: Tensor | None) -> Tensor:
    """Gradient of each row's output with respect to that row; of nothing else, so no
    ``.grad`` is filled.
    """
    with torch.enable_grad():
        rows.requires_grad_()
        output = pick(call(model, rows), target)
        gradient = None
        if output.requires_grad:
            (gradient,) = torch.autograd.grad(output.sum(), rows, allow_unused=True)
    if gradient is None:
        raise ValueError(
            "model: got an output that has no gradient with respect to the inputs"
        )
    return gradient


def sum_of_gradients(
    model: Model,
    inputs: Tensor,
    target: Tensor | None,
    points: Points,
    n_points: int,
    *,
    times: Tensor | float,
    size: int,
    where: str,
    progress: Progress | None,
) -> Tensor:
    """`times` the sum, over the points that belong to each row, of weight times
    gradient; shape of the inputs.

    `points` gives points, (rows, points, ...), of a block of rows and points, and
    weights: of their shape, or (points,) if they are the same for all rows; they are
    overwritten. `where` says in the error for a gradient that is not finite what the
    points are.
    """
    values = torch.zeros_like(inputs)
    # Blocks of several rows with all their points, or of one row and some of its
    # points: at most `size` points, and in the order row after row, point after point.
    n_rows, n_together = max(1, size // n_points), min(size, n_points)
    for first in (progress or silent)(range(0, len(inputs), n_rows)):
        rows = slice(first, min(first + n_rows, len(inputs)))
        for point in range(0, n_points, n_together):
            z, weight = points(rows, slice(point, min(point + n_together, n_points)))
            of_each = (
                None if target is None else target[rows].repeat_interleave(z.shape[1])
            )
            slopes = gradient(model, z.flatten(0, 1), of_each).view_as(z)
            # A product of matrices reads the gradients once and writes no array of
            # their size.
            summed = (
                weight @ slopes.reshape(*z.shape[:2], -1)
                if weight.ndim == 1
                else weight.mul_(slopes).sum(1)
            )
            values[rows] += summed.view_as(values[rows])
    values *= times
    if not values.isfinite().all():
        raise ValueError(f"model: got a gradient that is NaN or infinite {where}")
    return values


def outputs(model: Model, inputs: Tensor, size: int) -> Tensor:
    """Outputs of all rows, shape (n, outputs), from at most `size` rows at once."""
    return torch.cat(
        [call(model, inputs[i : i + size]) for i in range(0, len(inputs), size)]
    )


def call(model: Model, rows: Tensor) -> Tensor:
    """Outputs of the model, shape (n, outputs)."""
    # a model that works in place must reach neither the user's rows nor a leaf
    output = model(rows.clone())
    if not isinstance(output, Tensor):
        raise TypeError(
            f"model: got an output of type {type(output).__name__}, expected a tensor"
        )
    if output.ndim not in (1, 2) or len(output) != len(rows):
        n = len(rows)
        raise ValueError(
            f"model: got outputs of shape {tuple(output.shape)}, expected ({n},) or "
            f"({n}, outputs)"
        )
    check_finite("model: outputs", output)
    return output.reshape(len(rows), -1)


def pick(output: Tensor, target: Tensor | None) -> Tensor:
    """Explained output of each row: (n, outputs) to (n,)."""
    n_outputs = output.shape[1]
    if target is None:
        if n_outputs != 1:
            raise ValueError(
                f"target: got None, expected one of the model's {n_outputs} outputs"
            )
        return output[:, 0]
    if target.min() < 0 or target.max() >= n_outputs:
        wrong = target.min() if target.min() < 0 else target.max()
        raise ValueError(
            f"target: got {wrong}, expected an output from 0 to {n_outputs - 1}"
        )
    return output.gather(1, target[:, None])[:, 0]


def graph(output: Tensor, skip: Mapping[Any, Any]) -> Iterator[Any]:
    """Each operation that led to the output, once; those in `skip` are left out, and
    what they stand for comes next.
    """
    seen, ahead = set(), [output.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in skip:
            ahead.append(skip[node])
        else:
            yield node
            ahead.extend(parent for parent, _ in node.next_functions)
