"""The test functions: published indices, and their own definition by quadrature."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from SALib.test_functions import Ishigami, Sobol_G

from xaicourse.sensitivity import g_function, grid_anova, ishigami, linear

G = [78.0, 12.0, 0.5, 2.0, 97.0, 33.0]
few = settings(max_examples=20, deadline=None, derandomize=True)


def check_published(f, variance, S1, ST):
    assert f.variance == pytest.approx(variance, abs=2e-6)
    np.testing.assert_allclose(f.S1, S1, atol=1e-6)
    np.testing.assert_allclose(f.ST, ST, atol=1e-6)


ISHIGAMI = (13.844588, (0.313905, 0.442411, 0), (0.557589, 0.442411, 0.243684))


def test_ishigami_is_as_published():
    check_published(ishigami(), *ISHIGAMI)
    assert ishigami().S2[0, 2] == pytest.approx(0.243684, abs=1e-6)


def test_the_mutant_with_the_other_constant_is_rejected():
    with pytest.raises(AssertionError):
        # the second constant that the literature uses
        check_published(ishigami(b=0.05), *ISHIGAMI)


def test_g_function_is_as_published():
    first = (0.000276, 0.010195, 0.765743, 0.191436, 0.000179, 0.00149)
    total = (0.000329, 0.012143, 0.795970, 0.220313, 0.000214, 0.001778)
    f = g_function(G)
    assert f.variance == pytest.approx(0.19347, abs=1e-5)
    np.testing.assert_allclose(f.S1, first, atol=1e-6)
    np.testing.assert_allclose(f.ST, total, atol=1e-6)


def test_linear_is_as_published():
    np.testing.assert_allclose(linear([1] * 5).S1, 0.2)
    np.testing.assert_allclose(
        linear([5, 4, 3, 2, 1]).S1, np.array([25, 16, 9, 4, 1]) / 55
    )


def test_values_equal_salibs():
    rng = np.random.default_rng(0)
    X = rng.uniform(-np.pi, np.pi, (50, 3))
    np.testing.assert_allclose(ishigami()(X), Ishigami.evaluate(X))
    U = rng.random((50, 6))
    np.testing.assert_allclose(g_function(G)(U), Sobol_G.evaluate(U, a=np.array(G)))


def check_by_quadrature(f, nodes=40):
    """Take every mean by Gauss and Legendre's rule, on a full grid of nodes."""
    x, w = leggauss(nodes)
    d = len(f.bounds)
    points = np.array(list(itertools.product(x, repeat=d)))
    values = f(
        f.bounds[:, 0] + (points + 1) / 2 * (f.bounds[:, 1] - f.bounds[:, 0])
    ).reshape([nodes] * d)

    def mean(table, axes):
        for axis in sorted(axes, reverse=True):
            table = np.tensordot(table, w / 2, axes=([axis], [0]))
        return table

    every = range(d)
    centre = float(mean(values, every))
    variance = float(mean((values - centre) ** 2, every))
    assert f.variance == pytest.approx(variance, rel=1e-6)
    for i in every:
        rest = [j for j in every if j != i]
        alone = mean(values, rest)
        assert f.S1[i] == pytest.approx(
            float(mean((alone - centre) ** 2, [0]) / variance), abs=1e-6
        )
        within = mean((values - np.expand_dims(mean(values, [i]), i)) ** 2, every)
        assert f.ST[i] == pytest.approx(float(within / variance), abs=1e-6)


@pytest.mark.parametrize(
    "f", [ishigami(), ishigami(a=2.0, b=0.3), linear([1.0, -2.0, 3.0])]
)
def test_indices_are_those_of_the_function(f):
    check_by_quadrature(f)


def test_the_mutant_with_total_and_first_order_exchanged_is_rejected():
    f = ishigami()
    with pytest.raises(AssertionError):
        check_by_quadrature(dataclasses.replace(f, S1=f.ST, ST=f.S1))


@few
@given(st.lists(st.floats(0, 50), min_size=1, max_size=3))
def test_g_function_agrees_with_a_fine_grid(a):
    f = g_function(a)
    # midpoints that are symmetric about the kink: the mean is exact, the variance
    # nearly
    n = 100
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n] * len(a), indexing="ij")
    anova = grid_anova(f(np.stack(axes, -1).reshape(-1, len(a))).reshape([n] * len(a)))
    assert anova.mean == pytest.approx(1.0)
    assert anova.variance == pytest.approx(f.variance, rel=1e-3)
    np.testing.assert_allclose(
        [anova.shares[(i,)] for i in range(len(a))], f.S1, rtol=1e-3
    )


@few
@given(st.lists(st.floats(0, 50), min_size=2, max_size=6))
def test_shares_are_shares(a):
    f = g_function(a)
    assert f.S1.sum() <= 1 + 1e-12
    assert np.all(f.ST >= f.S1 - 1e-12)
    np.testing.assert_array_equal(f.S2, f.S2.T)
    if len(a) == 2:
        assert f.S1.sum() + f.S2[0, 1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: g_function([]), r"a: got shape \(0,\), expected \(any,\)"),
        (
            lambda: g_function([1.0, -0.5]),
            r"a: got -0.5, expected numbers of at least 0",
        ),
        (
            lambda: g_function([np.nan]),
            "a: got NaN or infinity, expected finite numbers only",
        ),
        (
            lambda: linear([0.0, 0.0]),
            "coefficients: got zeros only, expected one that is not: a constant has no "
            "shares",
        ),
        (lambda: ishigami(a=np.inf), "a: got inf, expected a finite number"),
        (
            lambda: ishigami()([1.0, 2.0, 3.0]),
            r"X: got shape \(3,\), expected \(any, 3\)",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=rf"^{message}$"):
        call()
