"""Forward sensitivity equations: closed forms, differences of the solver's own
solutions, bad input.
"""

import numpy as np
import pytest
import scipy.differentiate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from xaicourse.sensitivity import elasticities, forward_sensitivities

few = settings(max_examples=15, deadline=None, derandomize=True)


def logistic(t, x, theta):
    r, K = theta
    return r * x * (1 - x / K)


def predator_prey(t, x, theta):
    r, K, a, b, m = theta
    prey, predators = x
    caught = a * prey * predators
    return np.array([r * prey * (1 - prey / K) - caught, b * caught - m * predators])


THETA = np.array([1.5, 1000.0, 0.01, 0.1, 0.3])
TIMES = np.linspace(0, 60, 61)


def check_logistic(solve):
    """x(t) = K / (1 + c e^(-rt)) with c = K / x0 - 1."""
    r, K, x0 = 0.7, 50.0, 5.0
    t = np.linspace(0, 12, 13)
    result = solve(logistic, [x0], [r, K], t)
    decay = np.exp(-r * t)
    below = 1 + (K / x0 - 1) * decay
    np.testing.assert_allclose(result.states[:, 0], K / below, rtol=1e-7)
    by_r = K * (K / x0 - 1) * t * decay / below**2
    by_K = 1 / below - K * decay / x0 / below**2
    np.testing.assert_allclose(
        result.derivatives[:, 0], np.stack([by_r, by_K], 1), rtol=1e-6, atol=1e-6
    )


def test_logistic_growth_in_closed_form():
    check_logistic(forward_sensitivities)


def test_the_mutant_that_drops_the_state_jacobian_is_rejected():
    def mutant(rhs, start, theta, times):
        """The right equations without the term (∂g/∂x) S, on a fine grid."""
        right = forward_sensitivities(rhs, start, theta, times)
        x, (r, K) = right.states, theta
        direct = np.concatenate([x * (1 - x / K), r * x**2 / K**2], 1)
        steps = np.diff(times)[:, None] * (direct[1:] + direct[:-1]) / 2
        S = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, 0)])
        return type(right)(right.times, right.states, S[:, None, :])

    with pytest.raises(AssertionError):
        check_logistic(mutant)


def final_state(theta):
    return solve_ivp(
        predator_prey,
        (0, 60),
        [300.0, 10.0],
        args=(theta,),
        method="DOP853",
        rtol=1e-12,
        atol=1e-12,
    ).y[:, -1]


def test_predator_prey_agrees_with_differences_of_solutions():
    result = forward_sensitivities(predator_prey, [300.0, 10.0], THETA, TIMES)
    for j, value in enumerate(THETA):
        step = 1e-4 * value
        up, down = THETA.copy(), THETA.copy()
        up[j], down[j] = value + step, value - step
        difference = (final_state(up) - final_state(down)) / (2 * step)
        np.testing.assert_allclose(
            result.derivatives[-1, :, j], difference, rtol=1e-4, atol=1e-6
        )


def test_agrees_with_scipy_differentiate():
    """SciPy chooses its own steps; the second parameter, K, as an example."""

    def predators(K):
        return np.vectorize(
            lambda k: final_state(THETA * [1, 0, 1, 1, 1] + [0, k, 0, 0, 0])[1]
        )(K)

    theirs = scipy.differentiate.derivative(
        predators, 1000.0, initial_step=20.0, tolerances={"rtol": 1e-7}
    )
    ours = forward_sensitivities(
        predator_prey, [300.0, 10.0], THETA, TIMES
    ).derivatives[-1, 1, 1]
    assert ours == pytest.approx(float(theirs.df), rel=1e-5)


def test_at_rest_derivatives_are_those_of_the_equilibrium():
    """Prey m/(ab), predators r/a (1 - m/(abK)): after a long time the start is
    forgotten.
    """
    result = forward_sensitivities(predator_prey, [300.0, 10.0], THETA, [0.0, 200.0])
    r, K, a, b, m = THETA
    prey, predators = m / (a * b), r / a * (1 - m / (a * b * K))
    np.testing.assert_allclose(result.states[-1], [prey, predators], rtol=1e-6)
    found = elasticities(result.derivatives[-1], THETA, result.states[-1])
    rest = prey / K / (1 - prey / K)
    np.testing.assert_allclose(
        found, [[0, 0, -1, -1, 1], [1, rest, rest - 1, rest, -rest]], atol=1e-5
    )


@few
@given(st.floats(0.1, 2), st.floats(0.1, 10))
def test_a_linear_system_scales_with_its_source(rate, source):
    """dx/dt = s - k x from 0: x = s/k (1 - e^(-kt)), so that the elasticity to s is one
    at any time.
    """
    result = forward_sensitivities(
        lambda t, x, p: p[1] - p[0] * x, [0.0], [rate, source], np.linspace(0, 3, 7)
    )
    found = elasticities(
        result.derivatives[1:, 0], [rate, source], result.states[1:, 0]
    )
    np.testing.assert_allclose(found[:, 1], 1, rtol=1e-6)


@few
@given(st.lists(st.floats(0.5, 2), min_size=2, max_size=4), st.floats(0.1, 10))
def test_units_do_not_change_an_elasticity(x, factor):
    """A product of powers: the exponents, in whatever unit."""
    powers = np.arange(1, len(x) + 1) - 2.0
    y = np.prod(np.array(x) ** powers)
    dy = powers * y / np.array(x)
    np.testing.assert_allclose(elasticities(dy, x, y), powers, atol=1e-12)
    np.testing.assert_allclose(
        elasticities(dy / factor, np.array(x) * factor, y), powers, atol=1e-12
    )


def test_inputs_are_left_alone():
    start, theta, times = np.array([300.0, 10.0]), THETA.copy(), TIMES.copy()
    forward_sensitivities(predator_prey, start, theta, times)
    np.testing.assert_array_equal(start, [300, 10])
    np.testing.assert_array_equal(theta, THETA)
    np.testing.assert_array_equal(times, TIMES)


# --- bad input
# --------------------------------------------------------------------------------------


def solve(rhs=logistic, start=(5.0,), theta=(0.7, 50.0), times=(0.0, 1.0), **options):
    return forward_sensitivities(rhs, start, theta, times, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"start": [np.nan]},
            "start: got NaN or infinity, expected finite numbers only",
        ),
        ({"start": 5.0}, r"start: got shape \(\), expected \(any,\)"),
        ({"theta": []}, r"parameters: got shape \(0,\), expected \(any,\)"),
        (
            {"times": [0.0, 2.0, 1.0]},
            "times: got 3 times, expected at least two, each later than the one before",
        ),
        (
            {"times": [1.0]},
            "times: got 1 times, expected at least two, each later than the one before",
        ),
        (
            {"rhs": lambda t, x, p: 1.0},
            r"rhs: got shape \(\), expected \(1,\)",
        ),
        (
            {"rhs": lambda t, x, p: x * np.nan},
            "rhs: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"rhs": lambda t, x, p: -p[0] * abs(x) * x},
            r"rhs: its complex step along x\[0\] gives \[-3.5\], a difference "
            r"\[[-.0-9]+\]; does it use abs, a "
            r"comparison or a conversion\?",
        ),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=rf"^{message}$"):
        solve(**options)


def test_a_right_hand_side_that_drops_complex_numbers_is_refused():
    message = (
        "^rhs: expected real rates for real arguments and complex ones for complex "
        "arguments$"
    )
    with pytest.raises(TypeError, match=message):
        solve(rhs=lambda t, x, p: np.abs(x))
    with pytest.raises(TypeError, match=message):
        solve(rhs=lambda t, x, p: x + 0j)


def test_a_solution_that_explodes_is_refused():
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"^rhs: could not be integrated to t = 1: "),
    ):
        solve(rhs=lambda t, x, p: p[0] * x**2, start=[5.0])


def test_the_right_hand_sides_own_error_is_shown():
    class OwnError(RuntimeError):
        pass

    def breaks(t, x, p):
        if t > 0.5:
            raise OwnError("the pond froze")
        return p[0] * x

    with pytest.raises(OwnError, match=r"^the pond froze$"):
        solve(rhs=breaks)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_the_units_of_a_state_do_not_matter(unit):
    found = forward_sensitivities(
        lambda t, x, theta: theta[0] * x * (1 - x / unit), [0.1 * unit], [1.5], [0, 2]
    )
    grown = np.exp(3.0)
    exact = 0.1 * grown / (0.9 + 0.1 * grown)
    assert found.states[-1, 0] / unit == pytest.approx(exact, rel=1e-6)
    slope = 2 * exact * (1 - exact)
    assert found.derivatives[-1, 0, 0] / unit == pytest.approx(slope, rel=1e-6)
