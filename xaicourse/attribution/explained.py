"""What is explained: a model, the rows it is asked about, and one output of each row.

A *model* is a torch module, a function of tensors, a function of arrays or DataFrames,
or a fitted estimator. Every method takes any of them, and they are told apart here:

- a module is given tensors, of the type and on the device of its weights; integers,
  such as the ids of tokens, remain what they are;
- an estimator (what has ``predict`` and is no function) is given arrays, or DataFrames
  if the inputs are one; its outputs are the columns of ``predict_proba``, or, as it is
  no classifier, what ``predict`` returns;
- a function is given what the inputs are: tensors, arrays (lists count as such) or
  DataFrames.

The outputs are (n,) or (n, outputs), or an object whose ``logits`` are. Only modules
and functions of tensors have gradients. Results are tensors if the inputs are, and
arrays otherwise.

Methods themselves compute with tensors, in at least single precision, and ask for the
explained output, and for its gradient, at *points*: (rows, ..., shape of a row), some
for each of some rows. Only the model computes in half precision, if it was given so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
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
"""Rows: a tensor, array, DataFrame or list; for several inputs a tuple of them, or a
dict if the model takes them by name.
"""

Points = Callable[[slice, slice], tuple[Sequence[Tensor], Sequence[Tensor]]]

ALL = slice(None)
HALF = torch.float16, torch.bfloat16
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
        tuple or dict if the inputs are one.
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
        Rows apart from their graph, one tensor for each input of the model, of floating
        point and at least single precision.
    extra : tuple
        What the model is given behind the inputs.
    target : Tensor, shape (n,), or None
        The explained output of each row; ``None`` is the only one.
    size : int
        Most points given to the model at once.
    given : as the user gave them
        The inputs, for the kind of the results.
    each : tuple
        The same one by one.
    ask : callable
        From tensors of rows, and extra arguments, to outputs (n,) or (n, outputs).
    """

    inputs: tuple[Tensor, ...]
    extra: tuple[Any, ...]
    target: Tensor | None
    size: int
    given: Any
    each: tuple[Any, ...]
    ask: Callable[[Sequence[Tensor], Sequence[Any]], Tensor]

    @property
    def rows(self) -> Tensor:
        """The one input of a method that takes no more."""
        if isinstance(self.given, tuple | Mapping):
            kind = type(self.given).__name__
            raise TypeError(f"inputs: got a {kind}, expected the rows of one input")
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
        row = np.arange(*rows.indices(n)).repeat(n_points // before[0])
        repeated = [a[row] if _of_rows(a, n) else a for a in self.extra]
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

    @property
    def n_told_apart(self) -> int:
        """Number of rows that an extra argument tells apart; 1 if there is none."""
        n = len(self.inputs[0])
        return n if any(_of_rows(a, n) for a in self.extra) else 1

    def at_baselines(self, *baselines: Tensor) -> Tensor:
        """All outputs at every baseline: (n_told_apart, n_baselines, outputs)."""
        return torch.cat(
            [
                self.outputs(slice(i, i + 1), *[b[None] for b in baselines])
                for i in range(self.n_told_apart)
            ]
        )

    def as_given(self, values: Any, given: Any = None) -> Any:
        """Values in the kind of an input as it was given, or of the first: tensors of
        its type, or arrays.
        """
        given = self.each[0] if given is None else given
        if isinstance(given, Tensor):
            values = torch.as_tensor(values)
            exact = given.is_floating_point() and values.is_floating_point()
            return values.to(given if exact else given.device)
        return values.cpu().numpy() if isinstance(values, Tensor) else values

    def like_inputs(self, values: Sequence[Tensor]) -> Any:
        """Values for each input in the kind of the inputs."""
        found = tuple(map(self.as_given, values, self.each))
        if isinstance(self.given, Mapping):
            return dict(zip(self.given, found, strict=True))
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
        As this file says; a tuple of inputs, or a dict of named ones, for a module or a
        function of tensors.
    target : int, integers of shape (n,) or None
        The output to explain.
    additional_forward_args : anything, or a tuple or dict
        What the model is given behind the inputs, by name if it is a dict. Tensors and
        arrays with as many rows as the inputs are cut and repeated with them; the rest
        is passed on as it is.
    internal_batch_size : int or None
        Most points given to the model at once; ``None``: as many as hold 2**18 numbers,
        and no more than 2**13, so that what a model makes of them stays near.
    gradient : bool
        Whether the method differentiates the model.
    """
    names, several = _named((inputs,) if inputs is None else inputs)
    more, extra = _named(additional_forward_args)
    if not several:
        raise TypeError(f"inputs: got {inputs!r}, expected the rows of at least one")
    if gradient and (isinstance(model, type) or not callable(model)):
        raise TypeError(f"model: got {type(model).__name__}, which {_NONE_NEEDED}")
    tensors = all(isinstance(x, Tensor) for x in several)
    if gradient and not tensors and not isinstance(model, nn.Module):
        raise TypeError(
            f"inputs: got {type(several[0]).__name__}, expected a tensor: a function "
            f"of arrays {_NONE_NEEDED}"
        )
    rows = tuple(_rows(x, gradient) for x in several)
    n = len(rows[0])
    for x in rows[1:]:
        check_shape("inputs", x, (n, *x.shape[1:]))
    if internal_batch_size is None:
        numbers = sum(x[0].numel() for x in rows)
        internal_batch_size = min(max(1, 2**18 // numbers), 2**13)
    return Explained(
        inputs=rows,
        extra=tuple(map(_of_autograd, extra)),
        target=_target(target, n, rows[0].device),
        size=check_int("internal_batch_size", internal_batch_size),
        given=inputs,
        each=several,
        ask=_asking(model, several, names + more, gradient),
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
    checked: Tensor = output.float() if output.dtype in HALF else output
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
    model: Model, each: Sequence[Any], names: Sequence[str | None], gradient: bool
) -> Callable[[Sequence[Tensor], Sequence[Any]], Tensor]:
    """The model as a function of tensors; `each` input is as it was given, and what it
    takes by name has one in `names`.
    """
    function, weight = function_of(model), None
    if isinstance(model, nn.Module):
        numbers = chain(model.parameters(), model.buffers())
        weight = next((w for w in numbers if w.is_floating_point()), None)

    # a model that works in place must reach neither the user's rows nor a leaf
    def copied(rows: Tensor, given: Any) -> Any:
        if isinstance(model, nn.Module) or (
            callable(model) and isinstance(given, Tensor)
        ):
            like = rows if weight is None else weight
            integers = isinstance(given, Tensor) and not given.is_floating_point()
            alone = isinstance(given, Tensor) and weight is None
            kind = given.dtype if integers or alone else like.dtype
            copy = rows.to(like.device, kind, copy=True)
            if integers and (copy.to(rows) != rows).any():
                raise TypeError(
                    f"inputs: got {kind}, but the method, or its baselines, ask about "
                    f"numbers between integers: expected floating point"
                )
            return copy
        array = rows.clone().cpu().numpy()
        if isinstance(given, pd.DataFrame):
            return pd.DataFrame(array, columns=given.columns)
        return array

    def ask(rows: Sequence[Tensor], extra: Sequence[Any]) -> Tensor:
        values = [*map(copied, rows, each), *extra]
        pairs = list(zip(names, values, strict=True))
        named = {name: value for name, value in pairs if name is not None}
        try:
            output = function(*[v for name, v in pairs if name is None], **named)
        except RuntimeError as error:
            if "Inference tensors" in str(error):
                raise ValueError(
                    "model: got one made in inference mode, through which autograd "
                    "does not go: make it outside"
                ) from error
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


def _named(given: Any) -> tuple[tuple[str | None, ...], tuple[Any, ...]]:
    """Names of what is given to a model, or ``None`` where the place tells, and the
    values.
    """
    if isinstance(given, Mapping):
        return tuple(given), tuple(given.values())
    values = given if isinstance(given, tuple) else () if given is None else (given,)
    return (None,) * len(values), values


def _rows(given: Any, gradient: bool) -> Tensor:
    """Rows as a tensor apart from its graph, in at least single precision."""
    rows = tensor("inputs", given)
    if not rows.is_floating_point() and (gradient or rows.is_complex()):
        raise TypeError(
            f"inputs: got {rows.dtype}, expected floating point: integers, such as the "
            f"ids of tokens, have no gradient (explain the embeddings instead)"
        )
    if rows.ndim == 0:
        raise ValueError("inputs: got a single number, expected rows (n, ...)")
    check_finite("inputs", rows)
    if not rows.is_floating_point():
        return rows.double()
    return rows.float() if rows.dtype in HALF else rows


@torch.inference_mode(False)
def _target(target: Any, n: int, device: torch.device) -> Tensor | None:
    """The output of each row."""
    if target is None:
        return None
    targets = target if isinstance(target, Tensor) else _array("target", target)
    if targets.ndim == 0:
        targets = np.full(n, check_int("target", targets.item(), minimum=0))
    if "int" not in str(targets.dtype):
        raise TypeError(f"target: got {targets.dtype}, expected integers")
    check_shape("target", targets, (n,))
    if not isinstance(targets, Tensor):
        targets = torch.from_numpy(targets.astype(np.int64))
    # autograd refuses what was made in inference mode, but not its copy
    return targets.to(device, torch.long, copy=True)


def _of_rows(argument: Any, n: int) -> bool:
    """Whether an extra argument has one row for each row of the inputs."""
    return isinstance(argument, Tensor | np.ndarray) and argument.shape[:1] == (n,)


@torch.inference_mode(False)
def _of_autograd(argument: Any) -> Any:
    """The same, or its copy if it is a tensor that was made in inference mode, which
    autograd refuses.
    """
    made_so = isinstance(argument, Tensor) and argument.is_inference()
    return argument.clone() if made_so else argument


def _array(name: str, numbers: Any) -> NDArray[Any]:
    """Numbers of any kind, or a result that holds such `values`, as an array."""
    if is_dataclass(numbers):
        numbers = getattr(numbers, "values", None)
    return as_numbers(name, numbers)


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
        array = _array(name, numbers)
        exact = array.dtype in (np.float32, np.float64)
        found = torch.from_numpy(array.astype(array.dtype if exact else np.float64))
    if shape is not None:
        check_shape(name, found, shape)
        check_finite(name, found)
    return found


def beside(name: str, value: Any, rows: Tensor) -> Tensor:
    """Return a number, one row for all or a row for each, in the shape of the rows."""
    given = value if isinstance(value, Tensor) else _array(name, value)
    if given is not value and given.ndim == 0:
        # one number in memory, whatever the number of rows
        number = rows.new_tensor(check_float(name, given.item()))
        return number.expand_as(rows)
    n = 1 if given.shape[:1] == (1,) else len(rows)
    return tensor(name, given, (n, *rows.shape[1:])).to(rows).expand_as(rows)


def one_each(name: str, values: Any, f: Explained) -> Sequence[Any]:
    """Return a value for each input: those of a tuple or dict, or the same for all."""
    if isinstance(values, Mapping) and isinstance(f.given, Mapping):
        if values.keys() != f.given.keys():
            raise ValueError(f"{name}: got {list(values)}, expected {list(f.given)}")
        return [values[key] for key in f.given]
    if not isinstance(values, tuple):
        return [values] * len(f.inputs)
    if len(values) != len(f.inputs):
        n = len(f.inputs)
        raise ValueError(
            f"{name}: got {len(values)}, expected one for each of {n} inputs"
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
    times: Callable[[slice], Sequence[Tensor | float]],
    progress: Progress | None,
) -> list[Tensor]:
    """`times` the sum, over the points that belong to each row, of weight times
    gradient, for each input.

    `points` gives points, (rows, points, ...), of a block of rows and points, and
    weights, for each input: of their shape, (points,) if they are the same for all
    rows, or one number; they are overwritten. `times` gives a factor for some rows of
    each input.
    """
    values = [torch.zeros_like(x) for x in f.inputs]
    for rows, some in f.blocks(n_points, progress=progress):
        z, weights = points(rows, some)
        for value, slope, weight in zip(
            values, f.gradient(rows, *z), weights, strict=True
        ):
            if weight.ndim > 1:
                summed = weight.mul_(slope).sum(1)
            elif weight.ndim == 0:
                summed = slope.sum(1) if slope.shape[1] > 1 else slope
                summed = summed * weight
            else:
                # A product of matrices reads the gradients once and writes no array of
                # their size.
                summed = weight @ slope.reshape(*slope.shape[:2], -1)
            value[rows] += summed.view_as(value[rows])
        if some.stop == n_points:
            for value, factor in zip(values, times(rows), strict=True):
                value[rows] *= factor
    for value in values:
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
