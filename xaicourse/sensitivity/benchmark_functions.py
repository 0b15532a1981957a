"""Functions whose global sensitivity is known in closed form: what an estimator is
tested with.

The inputs are independent and uniform between their bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xaicourse.validation import as_floats, check_float

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnalyticFunction:
    """A function of a table of inputs, with its exact variance and Sobol indices.

    Attributes
    ----------
    function : callable
        Maps inputs of shape (n, d) to outputs of shape (n,); calling the object calls
        it.
    bounds : ndarray, shape (d, 2)
        Lower and upper end of each input's uniform distribution.
    variance : float
        Of the output.
    S1, ST : ndarray, shape (d,)
        First-order and total indices.
    S2 : ndarray, shape (d, d)
        Second-order indices, symmetric, with a diagonal of zeros.
    """

    function: Callable[[Floats], Floats]
    bounds: Floats
    variance: float
    S1: Floats
    ST: Floats
    S2: Floats

    def __call__(self, X: ArrayLike) -> Floats:
        """Return the outputs, shape (n,), of inputs of shape (n, d)."""
        return self.function(as_floats("X", X, (None, len(self.bounds))))


def ishigami(*, a: float = 7.0, b: float = 0.1) -> AnalyticFunction:
    """Return Ishigami's function, sin x₁ + a sin² x₂ + b x₃⁴ sin x₁ on [-π, π]³.

    x₃ has no effect of its own, S1 = 0, and yet matters: it stretches the effect of x₁.

    Raises
    ------
    TypeError, ValueError
        If `a` or `b` is no finite number.

    References
    ----------
    Ishigami, Homma: An importance quantification technique in uncertainty analysis for
    computer models. ISUMA (1990).

    Examples
    --------
    >>> f = ishigami()
    >>> round(f.variance, 6), f.S1.round(4), f.ST.round(4)
    (13.844588, array([0.3139, 0.4424, 0.    ]), array([0.5576, 0.4424, 0.2437]))
    """
    a, b = check_float("a", a), check_float("b", b)
    main = np.array([0.5 * (1 + b * math.pi**4 / 5) ** 2, a**2 / 8, 0.0])
    pair = b**2 * math.pi**8 * (1 / 18 - 1 / 50)
    variance = float(main.sum() + pair)
    S2 = np.zeros((3, 3))
    S2[0, 2] = S2[2, 0] = pair / variance

    def function(X: Floats) -> Floats:
        x1, x2, x3 = X.T
        return np.asarray(np.sin(x1) * (1 + b * x3**4) + a * np.sin(x2) ** 2)

    bounds = np.tile([-math.pi, math.pi], (3, 1))
    return AnalyticFunction(
        function, bounds, variance, main / variance, main / variance + S2.sum(1), S2
    )


def g_function(a: ArrayLike) -> AnalyticFunction:
    """Return Sobol's G-function, ∏ (|4 xᵢ - 2| + aᵢ) / (1 + aᵢ) on the unit cube.

    The larger aᵢ, the less xᵢ matters: with vᵢ = 1 / (3 (1 + aᵢ)²) the variance is ∏ (1
    + vᵢ) - 1, and each set u of inputs contributes the product of its vᵢ.

    Parameters
    ----------
    a : array-like, shape (d,)
        Non-negative.

    Raises
    ------
    ValueError
        If `a` is empty, negative or not finite.

    References
    ----------
    Saltelli, Sobol: About the use of rank transformation in sensitivity analysis of
    model output. Reliability Engineering and System Safety 50, 225-239 (1995).

    Examples
    --------
    >>> f = g_function([0.0, 9.0])
    >>> f([[0.5, 0.5], [1.0, 0.5]]).round(3), f.S1.round(4)
    (array([0. , 1.8]), array([0.9868, 0.0099]))
    """
    a = as_floats("a", a, (None,))
    if a.min() < 0:
        raise ValueError(f"a: got {a.min():g}, expected numbers of at least 0")
    v = 1 / (3 * (1 + a) ** 2)
    product = float(np.prod(1 + v))
    variance = product - 1
    S2 = np.outer(v, v) / variance
    np.fill_diagonal(S2, 0.0)

    def function(X: Floats) -> Floats:
        return np.asarray(np.prod((np.abs(4 * X - 2) + a) / (1 + a), axis=1))

    bounds = np.tile([0.0, 1.0], (len(a), 1))
    return AnalyticFunction(
        function, bounds, variance, v / variance, v * product / (1 + v) / variance, S2
    )


def linear(coefficients: ArrayLike) -> AnalyticFunction:
    """Return f(x) = c · x on the unit cube: no interactions, and shares cᵢ² / Σ cⱼ².

    Raises
    ------
    ValueError
        If `coefficients` are empty, not finite, or all zero: a constant has no shares.

    Examples
    --------
    >>> linear([5, 4, 3, 2, 1]).ST * 55
    array([25., 16.,  9.,  4.,  1.])
    """
    c = as_floats("coefficients", coefficients, (None,))
    if not c.any():
        raise ValueError(
            "coefficients: got zeros only, expected one that is not: a constant has no "
            "shares"
        )
    shares = c**2 / (c**2).sum()
    bounds = np.tile([0.0, 1.0], (len(c), 1))
    nothing = np.zeros((len(c), len(c)))
    return AnalyticFunction(
        lambda X: X @ c,
        bounds,
        float((c**2).sum() / 12),
        shares,
        shares.copy(),
        nothing,
    )
