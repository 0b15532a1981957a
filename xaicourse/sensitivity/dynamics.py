"""Sensitivity of a system of differential equations: how its whole course moves with
its parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xaicourse.sensitivity.local import finite_differences
from xaicourse.validation import as_floats, check_finite, check_function, check_shape

Floats = NDArray[np.float64]
RightHandSide = Callable[[float, Any, Any], Any]


@dataclass(frozen=True)
class Trajectory:
    """A solution, and its derivatives with respect to the parameters.

    Attributes
    ----------
    times : ndarray, shape (n_times,)
        As asked for.
    states : ndarray, shape (n_times, n_states)
        The solution.
    derivatives : ndarray, shape (n_times, n_states, n_parameters)
        Of each state at each time with respect to each parameter.
    """

    times: Floats
    states: Floats
    derivatives: Floats


def forward_sensitivities(
    rhs: RightHandSide,
    start: ArrayLike,
    parameters: ArrayLike,
    times: ArrayLike,
) -> Trajectory:
    """Integrate dx/dt = g(t, x, θ) together with its forward sensitivity equations.

    Differentiating the system with respect to θ gives a linear one for S = dx/dθ, which
    is solved beside it:

        dS/dt = (∂g/∂x) S + ∂g/∂θ,    S(0) = 0.

    The two Jacobians of g are taken by a complex step of 1e-30, which has no rounding
    error and no step size to choose.

    Parameters
    ----------
    rhs : callable
        ``rhs(t, x, θ)`` returns dx/dt, shape (n_states,). It is called with complex x
        and θ, so it has to be made of operations that have complex derivatives (not
        ``abs``; not a conversion to ``float``).
    start : array-like, shape (n_states,)
        State at the first of the times, the same for all parameters.
    parameters : array-like, shape (n_parameters,)
        θ.
    times : array-like, shape (n_times,)
        Increasing.

    Returns
    -------
    Trajectory

    Raises
    ------
    TypeError
        If `rhs` does not return real rates for real arguments and complex ones for
        complex arguments.
    ValueError
        If an argument is not as described, the complex step of `rhs` disagrees with a
        plain difference at the start, or the solver gives up.

    References
    ----------
    Dickinson, Gelinas: Sensitivity analysis of ordinary differential equation systems.
    Journal of Computational Physics 21, 123-143 (1976). Squire, Trapp: Using complex
    variables to estimate derivatives of real functions. SIAM Review 40, 110-112 (1998).

    Examples
    --------
    For dx/dt = -θ x the solution is e^(-θt), and its derivative -t e^(-θt).

    >>> def rates(t, x, theta):
    ...     return -theta * x
    >>> decay = forward_sensitivities(rates, [1.0], [0.5], [0.0, 2.0])
    >>> decay.states[:, 0].round(4), decay.derivatives[:, 0, 0].round(4) + 0
    (array([1.    , 0.3679]), array([ 0.    , -0.7358]))
    """
    from scipy.integrate import solve_ivp  # slow to import, and only this needs it

    check_function("rhs", rhs)
    x0 = as_floats("start", start, (None,))
    theta = as_floats("parameters", parameters, (None,))
    t = as_floats("times", times, (None,))
    if len(t) < 2 or np.any(np.diff(t) <= 0):
        raise ValueError(
            f"times: got {len(t)} times, expected at least two, each later than the "
            f"one before"
        )
    n, p = len(x0), len(theta)
    _check_rhs(rhs, t[0], x0, theta)

    def both(now: float, joined: Floats) -> Floats:
        x, S = joined[:n], joined[n:].reshape(n, p)
        slopes = _jacobian(rhs, now, x, theta)
        moved = slopes[:, :n] @ S + slopes[:, n:]
        return np.concatenate([np.asarray(rhs(now, x, theta), float), moved.ravel()])

    joined = np.concatenate([x0, np.zeros(n * p)])
    # How large states become, and how far parameters move them, in their own units: of
    # this at most, 1e-8 may be wrong.
    reached = np.abs(rhs(t[0], x0, theta)) * (t[-1] - t[0])
    size = np.where(x0 != 0, np.abs(x0), np.where(reached > 0, reached, 1.0))
    moved = size[:, None] / np.where(theta != 0, np.abs(theta), 1.0)
    solution = solve_ivp(
        both,
        (t[0], t[-1]),
        joined,
        method="DOP853",
        t_eval=t,
        rtol=1e-8,
        atol=1e-8 * np.minimum(np.concatenate([size, moved.ravel()]), 1.0),
    )
    if not solution.success or not np.isfinite(solution.y).all():
        raise ValueError(
            f"rhs: could not be integrated to t = {t[-1]:g}: {solution.message}"
        )
    return Trajectory(t, solution.y[:n].T, solution.y[n:].T.reshape(len(t), n, p))


def _jacobian(rhs: RightHandSide, t: float, x: Floats, theta: Floats) -> Floats:
    """Derivatives of the rates by states and then parameters, in complex steps."""
    shifted = np.concatenate([x, theta]) + 1e-30j * np.eye(len(x) + len(theta))
    rates = [rhs(t, z[: len(x)], z[len(x) :]) for z in shifted]
    return np.imag(rates).T / 1e-30


def _check_rhs(rhs: RightHandSide, t: float, x: Floats, theta: Floats) -> None:
    """Require a right-hand side of the right shape whose complex step agrees with an
    ordinary difference.
    """
    rate = np.asarray(rhs(t, x, theta))
    check_shape("rhs", rate, x.shape)
    if np.iscomplexobj(rate) or not np.iscomplexobj(
        rhs(t, x.astype(complex), theta.astype(complex))
    ):
        raise TypeError(
            "rhs: expected real rates for real arguments and complex ones for complex "
            "arguments"
        )
    check_finite("rhs", rate)
    z, n = np.concatenate([x, theta]), len(x)
    exact = _jacobian(rhs, t, x, theta)
    difference = finite_differences(lambda z: rhs(t, z[:n], z[n:]), z)
    # of the terms, which may cancel in the rate itself
    scale = np.abs(rate) + np.abs(exact) @ np.abs(z)
    allowed = 1e-4 * np.abs(exact) + 1e-6 * scale[:, None]
    wrong = (np.abs(difference - exact) > allowed).any(0)
    if wrong.any():
        i = int(wrong.argmax())
        what = f"x[{i}]" if i < n else f"θ[{i - n}]"
        raise ValueError(
            f"rhs: its complex step along {what} gives {exact[:, i].tolist()}, a "
            f"difference {difference[:, i].tolist()}; "
            "does it use abs, a comparison or a conversion?"
        )
