"""What is explained: a model, the rows it is asked about, and one output of each row.

A *model* is a torch module, a function of tensors, a function of arrays or DataFrames,
or a fitted estimator. Every method takes any of them, and they are told apart here:

- a module is given tensors, of the type and on the device of its weights;
- an estimator (what has ``predict`` and is no function) is given arrays, or DataFrames
  if the inputs are one; its outputs are the columns of ``predict_proba``, or, as it is
  no classifier, what ``predict`` returns;
- a function is given what the inputs are: tensors, arrays (lists count as such) or
  DataFrames.

The outputs are (n,) or (n, outputs), or an object whose ``logits`` are. Only modules
and functions of tensors have gradients. Results are tensors if the inputs are, and
arrays otherwise.

Methods themselves compute with tensors, and ask for the explained output, and for its
gradient, at *points*: (rows, ..., shape of a row), some for each of some rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from xaicourse.validation import (
    Progress,
    as_numbers,
    check_finite,
    check_float,
    check_int,
    check_shape,
    shown,
)

Model = Any
Inputs = Any
"""Rows: a tensor, array, DataFrame or list; for several inputs a tuple of them."""

Points = Callable[[slice, slice], tuple[Sequence[Tensor], Sequence[Tensor]]]

ALL = slice(None)
_NONE_NEEDED = (
    "has no gradient (shapley_values, sampled_shapley_values, occlusion, lime, "
    "permutation_importance and partial_dependence need none)"
)


@dataclass(frozen=True)
class Attribution:
    """What each input contributed to the model's output, and what the contributions
    fail to explain.

    Attributes
    ----------
    values : as the inputs
        Contributions, in units of the model's output, with the shape of the inputs; a
        tuple if there are several.
    delta : shape (n,)
        Completeness residual of each row: the sum of its contributions minus the change
        of the output that they should add up to. Small beside that change, or the
        approximation needs more steps or samples.
    """

    values: Any
    delta: Any


@dataclass(frozen=True)
class Explained:
    """One output of each row, as a function of the row.

    Attributes
    ----------
    inputs : tuple of Tensor, shape (n, ...) each
        Rows apart from their graph, one tensor for each input of the model.
    extra : tuple
        What the model is given behind the inputs.
    target : Tensor, shape (n,), or None
        The explained output of each row; ``None`` is the only one.
    size : int
        Most points given to the model at once.
    given : as the user gave them
        The inputs, for the kind of the results.
    ask : callable
        From tensors of rows, and extra arguments, to outputs (n,) or (n, outputs).
    """

    inputs: tuple[Tensor, ...]
    extra: tuple[Any, ...]
    target: Tensor | None
    size: int
    given: Any
    ask: Callable[[Sequence[Tensor], Sequence[Any]], Tensor]

    @property
    def rows(self) -> Tensor:
        """The one input of a method that takes no more."""
        if isinstance(self.given, tuple):
            raise TypeError("inputs: got a tuple, expected the rows of one input")
        return self.inputs[0]

    def blocks(
        self, n_points: int = 1, *, width: int = 1, progress: Progress | None = None
    ) -> Iterator[tuple[slice, slice]]:
        """Yield rows, and some of their `n_points` points, that go to the model
        together: several rows with all their points, or one row and some of its points.

        Points come row after row, and for each in their order, whatever the size of the
        blocks. A point stands for `width` calls.
        """
        n_rows = max(1, self.size // (n_points * width))
        together = min(n_points, max(1, self.size // width))
        n = len(self.inputs[0])
        for first in shown(progress, range(0, n, n_rows)):
            rows = slice(first, min(first + n_rows, n))
            for point in range(0, n_points, together):
                yield rows, slice(point, min(point + together, n_points))

    def outputs(self, rows: slice, *points: Tensor) -> Tensor:
        """All outputs at points of some rows: shape (rows, ..., outputs)."""
        before = points[0].shape[: points[0].ndim - self.inputs[0].ndim + 1]
        pairs = zip(points, self.inputs, strict=True)
        flat = [p.reshape(-1, *x.shape[1:]) for p, x in pairs]
        n, n_points = len(self.inputs[0]), len(flat[0])
        repeated = [
            a[rows].repeat_interleave(n_points // before[0], 0) if _of_rows(a, n) else a
            for a in self.extra
        ]
        parts = []
        for first in range(0, n_points, self.size):
            some = slice(first, first + self.size)
            extra = [
                a if a is given else a[some]
                for a, given in zip(repeated, self.extra, strict=True)
            ]
            # autograd would copy the gradient of a slice
            at_once = flat if n_points <= self.size else [x[some] for x in flat]
            parts.append(self.ask(at_once, extra))
        return (parts[0] if len(parts) == 1 else torch.cat(parts)).view(*before, -1)

    def at(self, rows: slice, *points: Tensor) -> Tensor:
        """The explained output at points of some rows: shape (rows, ...)."""
        target = None if self.target is None else self.target[rows]
        return pick(self.outputs(rows, *points), target)

    def gradient(self, rows: slice, *points: Tensor) -> list[Tensor]:
        """Gradient of the output at each point with respect to that point; of nothing
        else, so no ``.grad`` is filled.
        """
        with torch.enable_grad():
            for point in points:
                point.requires_grad_()
            return slopes_of(self.at(rows, *points).sum(), points)

    def at_baselines(self, *baselines: Tensor) -> Tensor:
        """All outputs at every baseline, (n, n_baselines, outputs), or (1, ...) where
        no extra argument tells the rows apart.
        """
        n = len(self.inputs[0])
        told_apart = any(_of_rows(a, n) for a in self.extra)
        return torch.cat(
            [
                self.outputs(slice(i, i + 1), *[b[None] for b in baselines])
                for i in range(n if told_apart else 1)
            ]
        )

    def as_given(self, values: Any) -> Any:
        """Values in the kind of the inputs: tensors of their type, or arrays."""
        if isinstance(self.given, Tensor):
            values = torch.as_tensor(values)
            return values.to(self.given) if values.is_floating_point() else values
        if isinstance(self.given, tuple) or not isinstance(values, Tensor):
            return values
        return values.cpu().numpy()

    def like_inputs(self, values: Sequence[Tensor]) -> Any:
        """Values for each input in the kind of the inputs."""
        found = tuple(map(self.as_given, values))
        return found if isinstance(self.given, tuple) else found[0]

    def attribution(self, values: Sequence[Tensor], change: Tensor) -> Attribution:
        """Contributions, and by how much their sums miss the change of the output."""
        sums = [v.reshape(len(v), -1).sum(1) for v in values]
        delta = torch.stack(sums).sum(0) - change
        return Attribution(self.like_inputs(values), self.as_given(delta))


def explained(
    model: Model,
    inputs: Inputs,
    *,
    target: Any = None,
    additional_forward_args: Any = None,
    internal_batch_size: int | None = None,
    gradient: bool = False,
) -> Explained:
    """Check what every method is given, and return what it explains.

    Parameters
    ----------
    model, inputs
        As this file says; a tuple of inputs for a module or a function of tensors.
    target : int, integers of shape (n,) or None
        The output to explain.
    additional_forward_args : anything, or a tuple
        What the model is given behind the inputs. Tensors with as many rows as the
        inputs are cut and repeated with them; the rest is passed on as it is.
    internal_batch_size : int or None
        Most points given to the model at once; ``None``: as many as hold 2**18 numbers.
    gradient : bool
        Whether the method differentiates the model.
    """
    several = inputs if isinstance(inputs, tuple) else (inputs,)
    if gradient and (isinstance(model, type) or not callable(model)):
        raise TypeError(f"model: got {type(model).__name__}, which {_NONE_NEEDED}")
    tensors = all(isinstance(x, Tensor) for x in several)
    if gradient and not tensors and not isinstance(model, nn.Module):
        raise TypeError(
            f"inputs: got {type(several[0]).__name__}, expected a tensor: a function "
            f"of arrays {_NONE_NEEDED}"
        )
    rows = tuple(_rows(x) for x in several)
    n = len(rows[0])
    for x in rows[1:]:
        check_shape("inputs", x, (n, *x.shape[1:]))
    if internal_batch_size is None:
        numbers = sum(x[0].numel() for x in rows)
        internal_batch_size = max(1, 2**18 // numbers)
    extra = additional_forward_args
    if not isinstance(extra, tuple):
        extra = () if extra is None else (extra,)
    return Explained(
        inputs=rows,
        extra=extra,
        target=_target(target, n, rows[0].device),
        size=check_int("internal_batch_size", internal_batch_size),
        given=inputs,
        ask=_asking(model, several[0], gradient),
    )


def predictor(model: Model, target: int | None) -> Callable[[Any], Any]:
    """Return the model as a function of arrays and DataFrames to one of its outputs, or
    to all of them, which a function returns as it likes.
    """

    def predict(table: Any) -> Any:
        if isinstance(model, nn.Module):
            f = explained(model, table)
            with explaining(model):
                found: Any = f.outputs(ALL, f.rows).squeeze(1).cpu().numpy()
        else:
            found = function_of(model)(table)
        if target is None:
            check_outputs(found, len(table))
            return found
        outputs = as_outputs(found, len(table)).detach().reshape(len(table), -1)
        return pick(outputs, _target(target, len(table), outputs.device)).cpu().numpy()

    return predict


def check_outputs(found: Any, n: int) -> None:
    """Require one output a row, and finite ones where they are numbers."""
    said = np.asarray(found.detach() if isinstance(found, Tensor) else found)
    if said.shape[:1] != (n,):
        raise ValueError(
            f"model: got outputs of shape {said.shape}, expected ({n}, ...)"
        )
    if said.dtype.kind not in "OUS":  # a function may name classes
        check_finite("model: outputs", as_numbers("model: outputs", said))


def as_outputs(output: Any, n: int) -> Tensor:
    """Return what a model says of `n` rows as a tensor (n,) or (n, outputs)."""
    if not isinstance(output, Tensor):
        output = torch.from_numpy(np.array(as_numbers("model: outputs", output), float))
    if output.ndim not in (1, 2) or len(output) != n:
        raise ValueError(
            f"model: got outputs of shape {tuple(output.shape)}, expected ({n},) or "
            f"({n}, outputs)"
        )
    check_finite("model: outputs", output)
    checked: Tensor = output
    return checked


def function_of(model: Model) -> Callable[..., Any]:
    """Return what is called: the model itself, or an estimator's prediction."""
    if callable(model):
        return model  # type: ignore[no-any-return]
    if hasattr(model, "predict_proba"):
        return model.predict_proba  # type: ignore[no-any-return]
    if hasattr(model, "predict") and not hasattr(model, "classes_"):
        return model.predict  # type: ignore[no-any-return]
    raise TypeError(
        f"model: got {type(model).__name__}, expected a module, a function, or a "
        f"fitted estimator with predict_proba (a classifier) or predict (a regressor)"
    )


def _asking(
    model: Model, first: Any, gradient: bool
) -> Callable[[Sequence[Tensor], Sequence[Any]], Tensor]:
    """The model as a function of tensors; `first` are the rows as they were given."""
    function, weight = function_of(model), None
    tensors = callable(model) and isinstance(first, Tensor)
    if isinstance(model, nn.Module):
        numbers = chain(model.parameters(), model.buffers())
        weight = next((w for w in numbers if w.is_floating_point()), None)
        tensors = True

    def converted(rows: Tensor) -> Any:
        if tensors:
            return rows if weight is None else rows.to(weight)
        array = rows.cpu().numpy()
        if isinstance(first, pd.DataFrame):
            return pd.DataFrame(array, columns=first.columns)
        return array

    def ask(rows: Sequence[Tensor], extra: Sequence[Any]) -> Tensor:
        # a model that works in place must reach neither the user's rows nor a leaf
        try:
            output = function(*[converted(x.clone()) for x in rows], *extra)
        except RuntimeError as error:
            if "numpy() on Tensor that requires grad" not in str(error):
                raise
            raise TypeError(
                f"model: got a function of arrays, which {_NONE_NEEDED}"
            ) from error
        output = getattr(output, "logits", output)
        if gradient and not isinstance(output, Tensor):
            raise TypeError(
                f"model: got an output of type {type(output).__name__}, which "
                f"{_NONE_NEEDED}"
            )
        return as_outputs(output, len(rows[0])).to(rows[0].device)

    return ask


def _rows(given: Any) -> Tensor:
    """Rows as a tensor apart from its graph."""
    rows = tensor("inputs", given)
    if not rows.is_floating_point():
        raise TypeError(
            f"inputs: got {rows.dtype}, expected floating point: integers, such as the "
            f"ids of tokens, have no gradient (explain the embeddings instead)"
        )
    if rows.ndim == 0:
        raise ValueError("inputs: got a single number, expected rows (n, ...)")
    check_finite("inputs", rows)
    return rows


@torch.inference_mode(False)
def _target(target: Any, n: int, device: torch.device) -> Tensor | None:
    """The output of each row."""
    if target is None:
        return None
    if not isinstance(target, Tensor | np.ndarray | list):
        target = np.full(n, check_int("target", target, minimum=0))
    elif not isinstance(target, Tensor):
        target = as_numbers("target", target)
    targets = torch.as_tensor(target)
    kind = targets.dtype
    if kind.is_floating_point or kind.is_complex or kind == torch.bool:
        raise TypeError(f"target: got {kind}, expected integers")
    check_shape("target", targets, (n,))
    # autograd refuses what was made in inference mode, but not its copy
    return targets.to(device, torch.long, copy=True)


def _of_rows(argument: Any, n: int) -> bool:
    """Whether an extra argument has one row for each row of the inputs."""
    return isinstance(argument, Tensor) and argument.shape[:1] == (n,)


@torch.inference_mode(False)
def tensor(
    name: str, numbers: Any, shape: tuple[int | None, ...] | None = None
) -> Tensor:
    """Return numbers of any kind as a tensor, integers of arrays in double precision;
    finite ones, if their shape is given.
    """
    if isinstance(numbers, Tensor):
        # autograd refuses what was made in inference mode, but not its copy
        found = numbers.clone() if numbers.is_inference() else numbers.detach()
    else:
        array = as_numbers(name, numbers)
        exact = array.dtype in (np.float32, np.float64)
        found = torch.from_numpy(array.astype(array.dtype if exact else np.float64))
    if shape is not None:
        check_shape(name, found, shape)
        check_finite(name, found)
    return found


def beside(name: str, value: Any, rows: Tensor) -> Tensor:
    """Return a number, one row for all or a row for each, in the shape of the rows."""
    found = tensor(name, value)
    if found.ndim == 0 and not isinstance(value, Tensor):
        return torch.full_like(rows, check_float(name, value))
    n = 1 if found.shape[:1] == (1,) else len(rows)
    return tensor(name, found, (n, *rows.shape[1:])).to(rows).expand_as(rows)


def one_each(name: str, values: Any, inputs: Sequence[Tensor]) -> Sequence[Any]:
    """Return a value for each input: those of a tuple, or the same for all."""
    if not isinstance(values, tuple):
        return [values] * len(inputs)
    if len(values) != len(inputs):
        raise ValueError(
            f"{name}: got {len(values)}, expected one for each of {len(inputs)} inputs"
        )
    return values


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


def sum_of_gradients(
    f: Explained,
    points: Points,
    n_points: int,
    *,
    times: Sequence[Tensor | float],
    progress: Progress | None,
) -> list[Tensor]:
    """`times` the sum, over the points that belong to each row, of weight times
    gradient, for each input.

    `points` gives points, (rows, points, ...), of a block of rows and points, and
    weights, for each input: of their shape, or (points,) if they are the same for all
    rows; they are overwritten.
    """
    values = [torch.zeros_like(x) for x in f.inputs]
    for rows, some in f.blocks(n_points, progress=progress):
        z, weights = points(rows, some)
        for value, slope, weight in zip(
            values, f.gradient(rows, *z), weights, strict=True
        ):
            # A product of matrices reads the gradients once and writes no array of
            # their size.
            summed = (
                weight @ slope.reshape(*slope.shape[:2], -1)
                if weight.ndim == 1
                else weight.mul_(slope).sum(1)
            )
            value[rows] += summed.view_as(value[rows])
    for value, factor in zip(values, times, strict=True):
        value.mul_(factor)
        check_finite("model: gradient", value)
    return values


def slopes_of(
    total: Tensor, points: Sequence[Tensor], *, again: bool = False
) -> list[Tensor]:
    """Gradient of a number with respect to points; `again` if the graph is needed."""
    found: Sequence[Tensor | None] = [None]
    if total.requires_grad:
        found = torch.autograd.grad(
            total, points, retain_graph=again, allow_unused=True
        )
    if all(slope is None for slope in found):
        raise ValueError(
            "model: got an output that has no gradient with respect to the inputs"
        )
    return [
        torch.zeros_like(point) if slope is None else slope
        for slope, point in zip(found, points, strict=True)
    ]


def pick(output: Tensor, target: Tensor | None) -> Tensor:
    """Explained output of each row: (n, ..., outputs) to (n, ...)."""
    n_outputs = output.shape[-1]
    if target is None:
        if n_outputs != 1:
            raise ValueError(
                f"target: got None, expected one of the model's {n_outputs} outputs"
            )
        return output[..., 0]
    wrong = target[(target < 0) | (target >= n_outputs)]
    if len(wrong):
        raise ValueError(
            f"target: got {wrong[0]}, expected an output from 0 to {n_outputs - 1}"
        )
    index = target.view(-1, *[1] * (output.ndim - 1)).expand(*output.shape[:-1], 1)
    return output.gather(-1, index)[..., 0]


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
