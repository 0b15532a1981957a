"""Sensitivity at a point: derivatives of outputs with respect to inputs, by differences
and by autograd.

The sensitivities of a row x are its Jacobian J_kj = ∂f_k/∂x_j. Two roads lead there. A
difference quotient asks only for values of f, so f may be anything that computes, and
pays with a step that is too large for the derivative or too small for the digits of the
machine. Autograd needs the code of f to be PyTorch's, and has no step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from xaicourse.attribution.explained import Model, explained, explaining, slopes_of
from xaicourse.validation import (
    Progress,
    as_floats,
    check_choice,
    check_finite,
    check_float,
    check_function,
    shown,
)

Function = Callable[[NDArray[Any]], Any]
Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Truncation grows as step^p, rounding as eps/step; they meet near eps^(1 / (p + 1)). A
# complex step subtracts nothing.
_STEPS = {
    "forward": _EPS ** (1 / 2),
    "central": _EPS ** (1 / 3),
    "richardson": _EPS ** (1 / 5),
    "complex": 1e-20,
}


def finite_differences(
    function: Function,
    inputs: ArrayLike,
    *,
    method: Literal["forward", "central", "complex", "richardson"] = "central",
    step: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Floats:
    """Return the derivative of every output with respect to every feature, from values
    of the function alone.

    With h_j = step · max(1, abs(x_j)) and D(h) = (f(x + h e_j) - f(x - h e_j)) / 2h,
    ∂f/∂x_j is replaced by

    - ``"forward"``: (f(x + h e_j) - f(x)) / h, error ∝ step, d + 1 evaluations;
    - ``"central"``: D(h), error ∝ step², 2 d evaluations;
    - ``"richardson"``: (4 D(h/2) - D(h)) / 3, error ∝ step⁴, 4 d evaluations;
    - ``"complex"``: Im f(x + i h e_j) / h, error ∝ step² and no rounding, d
      evaluations. The function has to take complex numbers and be analytic: built from
      powers, exp, sin and the like, without abs, max or comparisons. Five to seven
      evaluations more see to that: in one direction real differences have to approach
      the complex step's derivative as their step shrinks.

    Parameters
    ----------
    function : callable
        Takes an array like `inputs` (float64, or complex128 with ``"complex"``; a new
        one each time) and returns one number or a vector for a single point, (n,) or
        (n, n_outputs) for rows, each row by itself.
    inputs : array-like, shape (n_features,) or (n, n_features)
        One point, or rows. Integers and single precision become float64.
    method : {"forward", "central", "complex", "richardson"}
        The difference quotient.
    step : float, array-like of shape (n_features,) or None
        In units of max(1, abs(x_j)), for all features or each, where their units differ
        by far; ``None`` takes what balances truncation and
        rounding for a function that is computed to all digits and varies over distances
        of about that unit: eps^(1/2), eps^(1/3), 1e-20, eps^(1/5).
    progress : callable or None
        Wraps the loop over the features, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    ndarray
        The shape of the function's output and one axis more, of length n_features: (n,
        n_outputs, n_features) for rows and a vector function, (n_features,) for one
        point and one number.

    Raises
    ------
    TypeError
        If inputs or outputs are no numbers, or the outputs have fewer digits than
        float64.
    ValueError
        If the inputs or outputs are not finite or have a wrong shape, the function
        mixes rows or gives other values when called again, or (``"complex"``) is not
        made for complex numbers or not analytic. What the function itself raises is
        passed on as it is.

    References
    ----------
    Squire, Trapp: Using complex variables to estimate derivatives of real functions.
    SIAM Review 40, 110 (1998).

    Examples
    --------
    >>> X = [[1, 2], [3, 4]]
    >>> def waves(X):
    ...     return np.column_stack([np.sin(X[:, 0]), np.cos(X[:, 1])])
    >>> finite_differences(waves, X).round(6)
    array([[[ 0.540302, -0.      ],
            [ 0.      , -0.909297]],
           [[-0.989992, -0.      ],
            [ 0.      ,  0.756802]]])
    """
    check_function("function", function)
    x = _check_points(inputs)
    unit = np.maximum(1.0, np.abs(x))
    size: Any = _STEPS[check_choice("method", method, _STEPS)]
    if step is not None:
        one_for_all = np.ndim(step) == 0
        size = (
            check_float("step", step)
            if one_for_all
            else as_floats("step", step, (x.shape[-1],))
        )
    h = unit * size
    if not (h > 0).all() or (method != "complex" and not (x + h > x).all()):
        raise ValueError(
            f"step: got {step!r}, expected a positive number that changes every input "
            f"when added to it"
        )

    # the shape of the first output, which all others must have
    known: list[tuple[int, ...]] = []

    def value(feature: int, weight: Any) -> Floats:
        shifted: NDArray[Any] = x.astype(complex if method == "complex" else float)
        shifted[..., feature] += weight * h[..., feature]
        output = _output(function(shifted), x, complex_step=method == "complex")
        known.append(output.shape)
        if output.shape != known[0]:
            raise ValueError(
                f"function: got outputs of shape {known[0]} and then {output.shape}, "
                f"expected one shape"
            )
        return output

    def central(j: int, part: float) -> Floats:
        # What was really added is a number of the machine, and not quite the step that
        # was asked for.
        width = (x[..., j] + part * h[..., j]) - (x[..., j] - part * h[..., j])
        return _divide(value(j, part) - value(j, -part), width)

    if x.ndim == 2 and len(x) > 1:
        _check_rows(function, x, method)
    start = value(0, 0.0) if method == "forward" else None
    columns = []
    for j in shown(progress, range(x.shape[-1])):
        if method == "complex":
            columns.append(_divide(value(j, 1j), h[..., j]))
        elif start is not None:
            columns.append(
                _divide(value(j, 1.0) - start, (x[..., j] + h[..., j]) - x[..., j])
            )
        elif method == "central":
            columns.append(central(j, 1.0))
        else:
            columns.append((4 * central(j, 0.5) - central(j, 1.0)) / 3)
    if method == "complex":
        _check_analytic(function, x)
    return np.stack(columns, axis=-1)


def batch_jacobian(
    model: Model,
    inputs: Tensor,
    *,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """Return the derivative of every output with respect to every input, row by row, by
    autograd.

    J_ikj = ∂f_k(x_i) / ∂x_ij. As no row sees another, Σ_i f_k(x_i) has the derivative
    of f_k(x_i) with respect to x_i: one backward pass an output serves all rows, and
    the passes of many outputs are made together, or one by one, where an operation of
    the model cannot. The numbers are those of ``torch.func.vmap`` around
    ``torch.func.jacrev``, which takes no model that it cannot rewrite.

    Parameters
    ----------
    model : callable
        Maps a tensor (n, ...) to a tensor (n,) or (n, n_outputs), each row by itself.
        The layers of a module are in evaluation mode meanwhile, and afterwards in the
        mode they were in.
    inputs : Tensor, shape (n, ...)
        Rows, of floating point.
    internal_batch_size : int or None
        Most rows given to the model at once, which bounds the memory; ``None`` takes as
        many as hold 2**18 numbers.
    progress : callable or None
        Wraps the loop over the batches, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Tensor, shape (n, ...) or (n, n_outputs, ...)
        The shape of the model's output and then that of a row, with the type and device
        of `inputs`.

    Raises
    ------
    TypeError
        If the inputs are no floating-point tensor, or the output is none.
    ValueError
        If inputs, outputs or derivatives are not finite, the output has a wrong shape,
        or no gradient.

    References
    ----------
    Baydin, Pearlmutter, Radul, Siskind: Automatic differentiation in machine learning:
    a survey. JMLR 18, 153 (2018), arXiv:1502.05767.

    Examples
    --------
    >>> def model(x):
    ...     return torch.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2], dim=1)
    >>> batch_jacobian(model, torch.tensor([[2.0, 3.0], [1.0, 0.0]]))
    tensor([[[3., 2.],
             [4., 0.]],
            [[0., 1.],
             [2., 0.]]])
    """
    f = explained(model, inputs, internal_batch_size=internal_batch_size, gradient=True)
    with explaining(model), torch.enable_grad():
        for some, _ in f.blocks(progress=progress):
            rows = f.rows[some].detach().requires_grad_()  # the model gets a copy
            output = f.ask([rows], ())
            # each row's outputs depend on that row alone
            slopes = _slopes(output.sum(0).reshape(-1), rows)
            check_finite("model: derivatives", slopes)
            block = slopes.transpose(0, 1) if output.ndim == 2 else slopes[0]
            if some.start == 0:
                alone = len(block) == len(f.rows)
                size = (len(f.rows), *block.shape[1:])
                result = block if alone else block.new_empty(size)
            if not alone:
                result[some] = block
    return result


def elasticities(
    derivatives: ArrayLike, inputs: ArrayLike, outputs: ArrayLike
) -> Floats:
    """Return by how many per cent each output changes when an input grows by one per
    cent.

    E_kj = (x_j / f_k) ∂f_k/∂x_j, which has no unit: inputs in metres, years and dollars
    can be compared.

    Parameters
    ----------
    derivatives : array-like, shape (*outputs.shape, n_features)
        ∂f_k/∂x_j, as `finite_differences` and `batch_jacobian` return them.
    inputs : array-like, shape (n_features,) or (n, n_features)
        Where they were taken: one point, or rows.
    outputs : array-like, any shape for one point, (n,) or (n, n_outputs) for rows
        The function there. Zero has no percentage.

    Raises
    ------
    ValueError
        If a shape does not fit, a number is not finite, or an output is zero.

    Examples
    --------
    The area of a rectangle x y grows by one per cent with each side, however long they
    are.

    >>> elasticities([3.0, 2.0], [2.0, 3.0], 6.0)
    array([1., 1.])
    """
    x, f = _check_points(inputs), as_floats("outputs", outputs)
    if x.ndim == 2 and (f.ndim not in (1, 2) or len(f) != len(x)):
        raise ValueError(
            f"outputs: got shape {f.shape}, expected ({len(x)},) or ({len(x)}, "
            f"n_outputs)"
        )
    slopes = as_floats("derivatives", derivatives, (*f.shape, x.shape[-1]))
    if (f == 0).any():
        raise ValueError(
            "outputs: got zero, which has no percentage; use the derivatives themselves"
        )
    beside = x[:, None, :] if x.ndim == 2 and f.ndim == 2 else x
    return np.asarray(slopes * beside / f[..., None])


def _slopes(totals: Tensor, rows: Tensor) -> Tensor:
    """Gradient of each total with respect to the rows, shape (outputs, rows, ...)."""
    if len(totals) > 1 and totals.requires_grad:
        directions = torch.eye(len(totals), dtype=totals.dtype, device=totals.device)
        try:
            parts = [
                torch.autograd.grad(
                    totals, rows, some, retain_graph=True, is_grads_batched=True
                )[0]
                for some in directions.split(128)  # bounds the memory
            ]
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        except RuntimeError:
            pass  # an operation of the model has no rule for several at once
    return torch.stack([slopes_of(total, [rows], again=True)[0] for total in totals])


def _check_points(inputs: ArrayLike) -> Floats:
    """Inputs as float64: one point (n_features,) or rows (n, n_features)."""
    points = as_floats("inputs", inputs)
    if points.ndim not in (1, 2):
        raise ValueError(
            f"inputs: got shape {points.shape}, expected (n_features,) or (n, "
            f"n_features)"
        )
    return points


def _output(output: Any, x: Floats, *, complex_step: bool) -> Floats:
    """What the function returned, if it fits the inputs: real, or the imaginary part
    after a complex step.
    """
    given = np.asarray(output)
    if given.dtype.kind not in "biufc":
        raise TypeError(
            f"function: got outputs of type {given.dtype}, expected numbers"
        )
    if given.dtype.kind in "fc" and given.dtype.itemsize < (
        16 if given.dtype.kind == "c" else 8
    ):
        raise TypeError(
            f"function: got {given.dtype} outputs, whose rounding would drown the "
            f"differences: compute in float64 "
            "(a network: model.double())"
        )
    if (
        given.ndim not in (x.ndim - 1, x.ndim)
        or given.shape[: x.ndim - 1] != x.shape[:-1]
    ):
        n = len(x)
        wanted = (
            f"({n},) or ({n}, n_outputs), each row by itself"
            if x.ndim == 2
            else "a number or a vector"
        )
        raise ValueError(
            f"function: got outputs of shape {given.shape} for inputs {x.shape}, "
            f"expected {wanted}"
        )
    if (given.dtype.kind == "c") != complex_step:
        expected = (
            "complex numbers from complex inputs" if complex_step else "real numbers"
        )
        raise ValueError(f"function: got {given.dtype} outputs, expected {expected}")
    check_finite("function: outputs", np.abs(given))
    return np.asarray(given.imag if complex_step else given, dtype=np.float64)


def _check_rows(function: Function, x: Floats, method: str) -> None:
    """Require that each row's output depends on that row alone: rows in another order,
    outputs in that order.
    """
    kind = complex if method == "complex" else np.float64
    turned = np.asarray(function(x[::-1].astype(kind)))
    straight = np.asarray(function(x.astype(kind)))
    for output in (turned, straight):
        _output(output, x, complex_step=method == "complex")
    if not np.allclose(
        turned[::-1], straight, rtol=1e-6, atol=1e-9 * float(np.abs(straight).max())
    ):
        raise ValueError(
            "function: got other outputs for the same rows in another order, expected "
            "each row by itself (a function "
            "of one row takes one point at a time) and the same values in every call "
            "(fix its random numbers)"
        )


def _check_analytic(function: Function, x: Floats) -> None:
    """Require that real differences with ever smaller steps approach the derivative by
    a complex step, in a direction that no symmetry of a function knows.
    """
    uneven = np.random.default_rng(0).uniform(0.5, 1.5, x.shape[-1])
    direction = uneven * np.maximum(1.0, np.abs(x))
    tiny = _STEPS["complex"]
    expected = np.asarray(function(x + 1j * tiny * direction)).imag / tiny
    wrong = np.ones(expected.shape, dtype=bool)
    last: Floats | None = None
    for step in (1e-4, 1e-7, 1e-10):
        ahead, behind = (
            np.asarray(function((x + part * direction).astype(complex))).real
            for part in (step, -step)
        )
        error = np.abs((ahead - behind) / (2 * step) - expected)
        rounding = 4 * _EPS * np.maximum(np.abs(ahead), np.abs(behind)) / step
        if last is not None:
            # a step that rounds more than the last one missed tells nothing new
            rounding = np.where(rounding > 2 * last, 0, rounding)
            rounding = np.maximum(rounding, 0.1 * last)
        wrong &= error > np.maximum(1e-3 * np.abs(expected), rounding)
        if last is not None and not wrong.any():
            return
        last = error
    raise ValueError(
        "function: got a complex step that real differences do not approach, expected "
        "an analytic function: without abs, max or comparisons"
    )


def _divide(difference: Floats, width: Floats) -> Floats:
    """Difference over width, row by row."""
    return np.asarray(
        difference / (width if np.ndim(width) == difference.ndim else width[..., None])
    )
