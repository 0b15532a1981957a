"""Sensitivity of forecasts: closed forms, statsmodels' own expansion, a published fit,
a mutant, bad input.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.api import ExponentialSmoothing
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.arima_process import arma2ar

from xaicourse.sensitivity import forecast_sensitivity, pi_weights

few = settings(max_examples=25, deadline=None, derandomize=True)
inside = st.floats(-0.9, 0.9)


@pytest.fixture(scope="module")
def walk():
    """Return the simulated series of the slide (its seed, its generator) and the model
    that it fits.
    """
    y = np.cumsum(np.random.RandomState(42).randn(100)) + 100
    return y, ARIMA(y, order=(1, 1, 1)).fit()


# --- π-weights
# --------------------------------------------------------------------------------------


def check_arima111(weights_of, phi, theta):
    """1 + φ + θ, then -φ - θ(1 + φ + θ), then each -θ times the one before."""
    weights = weights_of([phi], [theta], d=1, n_weights=30)
    expected = [1 + phi + theta, -phi - theta * (1 + phi + theta)]
    for _ in range(28):
        expected.append(-theta * expected[-1])
    np.testing.assert_allclose(weights, expected, atol=1e-13)


@few
@given(inside, inside)
def test_closed_form_of_arima111(phi, theta):
    check_arima111(pi_weights, phi, theta)


def test_mutant_with_box_and_jenkins_sign_of_theta_fails():
    def mutant(ar, ma, **options):
        return pi_weights(ar, -np.asarray(ma), **options)

    with pytest.raises(AssertionError):
        check_arima111(mutant, 0.4, -0.4)


def test_the_simplest_models():
    # a random walk
    np.testing.assert_array_equal(pi_weights([], [], d=1, n_weights=3), [1, 0, 0])
    # the last slope goes on
    np.testing.assert_array_equal(pi_weights([], [], d=2, n_weights=3), [2, -1, 0])
    np.testing.assert_array_equal(pi_weights([], [], n_weights=3), [0, 0, 0])
    np.testing.assert_array_equal(
        pi_weights([0.5, -0.25], [], n_weights=3), [0.5, -0.25, 0]
    )
    # Exponential smoothing: ARIMA(0,1,1) with θ = α - 1 weighs the past by α (1 - α)^(k
    # - 1).
    np.testing.assert_allclose(
        pi_weights([], [-0.7], d=1, n_weights=9), 0.3 * 0.7 ** np.arange(9)
    )


@few
@given(st.lists(inside, max_size=2), st.lists(inside, max_size=2), st.integers(1, 2))
def test_weights_of_an_integrated_model_sum_to_one(ar_roots, ma_roots, d):
    ar = -np.poly(ar_roots)[1:] if ar_roots else []
    ma = np.poly(ma_roots)[1:] if ma_roots else []
    assert pi_weights(ar, ma, d=d, n_weights=400).sum() == pytest.approx(1, abs=1e-6)


@few
@given(
    st.lists(inside, min_size=1, max_size=3), st.lists(inside, min_size=1, max_size=3)
)
def test_agrees_with_statsmodels_expansion(ar_roots, ma_roots):
    ar, ma = np.poly(ar_roots), np.poly(ma_roots)
    np.testing.assert_allclose(
        pi_weights(-ar[1:], ma[1:], n_weights=12),
        -arma2ar(ar, ma, lags=13)[1:],
        atol=1e-12,
    )


# --- filtering again
# --------------------------------------------------------------------------------------


def check_every_lag(sensitivity, walk):
    y, results = walk
    found = sensitivity(results, y, n_lags=20)
    expected = pi_weights(results.arparams, results.maparams, d=1, n_weights=20)
    np.testing.assert_allclose(found.past, expected, atol=1e-6, rtol=0)


def test_equals_the_weights_of_the_slides_model(walk):
    check_every_lag(forecast_sensitivity, walk)
    y, results = walk
    np.testing.assert_allclose(results.params[:2], [0.3996, -0.4157], atol=2e-4)
    found = forecast_sensitivity(results, y)
    np.testing.assert_allclose(
        found.past[:4], [0.983929, 0.009390, 0.003903, 0.001623], atol=1e-4
    )
    assert found.forecast == pytest.approx(results.forecast(1)[0])
    assert found.features is None


def test_mutant_with_reversed_lags_fails(walk):
    """The slide draws its bars in reverse: the oldest value comes out on top."""

    def mutant(results, y, n_lags):
        found = forecast_sensitivity(results, y, n_lags=n_lags)
        return type(found)(found.forecast, found.past[::-1], None)

    with pytest.raises(AssertionError):
        check_every_lag(mutant, walk)


def test_every_order_of_model():
    y = np.cumsum(np.random.default_rng(0).standard_normal(150))
    for order, params in (
        ((2, 0, 1), [0.5, -0.3, 0.4, 1.0]),
        ((0, 1, 1), [-0.6, 1.0]),
        ((1, 2, 2), [0.3, 0.2, 0.5, 1.0]),
    ):
        p, d, q = order
        results = ARIMA(y, order=order, trend="n").smooth(params)
        expected = pi_weights(params[:p], params[p : p + q], d=d, n_weights=12)
        np.testing.assert_allclose(
            forecast_sensitivity(results, y, n_lags=12).past, expected, atol=1e-6
        )


def test_a_seasonal_model_by_multiplying_its_polynomials():
    y = np.cumsum(np.random.default_rng(1).standard_normal(200))
    results = ARIMA(y, order=(0, 1, 1), seasonal_order=(0, 0, 1, 4), trend="n").smooth(
        [-0.5, -0.6, 1.0]
    )
    ma = np.convolve([1, -0.5], [1, 0, 0, 0, -0.6])[1:]
    found = forecast_sensitivity(results, y, n_lags=15).past
    np.testing.assert_allclose(found, pi_weights([], ma, d=1, n_weights=15), atol=1e-6)


def test_features_follow_from_the_weights():
    """y = βx + η with η an ARIMA: β for the coming feature, and -β π_k for the one k
    steps before it.
    """
    rng = np.random.default_rng(2)
    x = rng.standard_normal((120, 2)) * [1.0, 100.0]
    beta, phi, theta = np.array([2.0, -0.03]), 0.6, 0.3
    y = x @ beta + np.cumsum(rng.standard_normal(120))
    results = ARIMA(y, exog=x, order=(1, 1, 1)).smooth([*beta, phi, theta, 1.0])
    found = forecast_sensitivity(results, y, exog=x, next_exog=[0.5, 30.0], n_lags=8)
    weights = pi_weights([phi], [theta], d=1, n_weights=8)
    np.testing.assert_allclose(found.past, weights, atol=1e-6)
    np.testing.assert_allclose(
        found.features, np.r_[1, -weights][:, None] * beta, atol=1e-6
    )
    assert found.forecast == pytest.approx(results.forecast(1, exog=[[0.5, 30.0]])[0])
    one = ARIMA(y, exog=x[:, 0], order=(1, 1, 1)).smooth([2.0, phi, theta, 1.0])
    assert forecast_sensitivity(
        one, y, exog=x[:, 0], next_exog=0.5, n_lags=3
    ).features.shape == (4, 1)


def test_another_series_another_container_and_nothing_written_to(walk):
    y, results = walk
    before = y.copy()
    series = pd.Series(y, index=pd.period_range("2023-01-01", periods=100, freq="D"))
    assert np.array_equal(
        forecast_sensitivity(results, series).past,
        forecast_sensitivity(results, y).past,
    )
    np.testing.assert_allclose(
        forecast_sensitivity(results, y[:60] * 7).past[:5],
        forecast_sensitivity(results, y).past[:5],
        atol=1e-6,
    )
    assert np.array_equal(y, before)
    fitted_with_dates = ARIMA(series, order=(1, 1, 1)).smooth(results.params)
    np.testing.assert_allclose(
        forecast_sensitivity(fitted_with_dates, series).past,
        forecast_sensitivity(results, y).past,
        atol=1e-9,
    )


def test_a_constant_series_and_integers():
    results = ARIMA(np.zeros(30), order=(0, 1, 1), trend="n").smooth([-0.5, 1.0])
    expected = pi_weights([], [-0.5], d=1, n_weights=5)
    for series in (np.zeros(30), np.full(30, 5), np.arange(30)):
        np.testing.assert_allclose(
            forecast_sensitivity(results, series, n_lags=5).past, expected, atol=1e-6
        )


Y = np.arange(10.0) ** 1.5
PLAIN = ARIMA(Y, order=(1, 1, 0)).smooth([0.5, 1.0])


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"ar": [[0.5]]}, ValueError, "ar: got shape (1, 1), expected (any,)"),
        ({"ar": 0.5}, ValueError, "ar: got shape (), expected (any,)"),
        (
            {"ma": [np.nan]},
            ValueError,
            "ma: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"ma": [1.0]},
            ValueError,
            "ma: got [1.0], expected an invertible moving average, whose weights fade",
        ),
        (
            {"ma": [0.0, -4.0]},
            ValueError,
            "ma: got [0.0, -4.0], expected an invertible moving average, whose weights "
            "fade",
        ),
        ({"d": -1}, ValueError, "d: got -1, expected an integer of at least 0"),
        ({"d": 1.0}, TypeError, "d: got 1.0 (float), expected an integer"),
        (
            {"n_weights": 0},
            ValueError,
            "n_weights: got 0, expected an integer of at least 1",
        ),
    ],
)
def test_bad_arguments_of_pi_weights(bad, error, message):
    options = {"ar": [0.5], "ma": [0.5]} | bad
    with pytest.raises(error) as refusal:
        pi_weights(options.pop("ar"), options.pop("ma"), **options)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"results": PLAIN.model},
            TypeError,
            "results: got ARIMA, expected statsmodels results that have `apply`",
        ),
        (
            {"endog": Y[:, None]},
            ValueError,
            "endog: got shape (10, 1), expected (any,)",
        ),
        ({"endog": []}, ValueError, "endog: got shape (0,), expected (any,)"),
        (
            {"endog": [np.nan, *Y]},
            ValueError,
            "endog: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"n_lags": 11},
            ValueError,
            "n_lags: got 11, expected an integer of at least 1 and at most 10",
        ),
        (
            {"n_lags": 0},
            ValueError,
            "n_lags: got 0, expected an integer of at least 1 and at most 10",
        ),
        (
            {"exog": Y},
            ValueError,
            "next_exog: got None, expected values, since the other of exog and "
            "next_exog is given",
        ),
        (
            {"next_exog": 1},
            ValueError,
            "exog: got None, expected values, since the other of exog and next_exog is "
            "given",
        ),
        (
            {"exog": Y[1:], "next_exog": 1},
            ValueError,
            "exog: got shape (9, 1), expected (10, any)",
        ),
        (
            {"exog": Y + np.inf, "next_exog": 1},
            ValueError,
            "exog: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"exog": Y, "next_exog": [1, 2]},
            ValueError,
            "next_exog: got shape (2,), expected (1,)",
        ),
        (
            {"exog": Y, "next_exog": np.nan},
            ValueError,
            "next_exog: got NaN or infinity, expected finite numbers only",
        ),
    ],
)
def test_bad_arguments_of_forecast_sensitivity(bad, error, message):
    options = {"results": PLAIN, "endog": Y, "n_lags": 3} | bad
    with pytest.raises(error) as refusal:
        forecast_sensitivity(options.pop("results"), options.pop("endog"), **options)
    assert str(refusal.value) == message


def test_a_model_without_state_space_is_refused():
    smoothed = ExponentialSmoothing(Y, initialization_method="estimated").fit()
    with pytest.raises(
        TypeError,
        match=r"^results: got \w+, expected statsmodels results that have `apply`$",
    ):
        forecast_sensitivity(smoothed, Y)


@pytest.mark.parametrize("jitter", [0.0, 1e-16, 1e-12])
def test_a_feature_that_hardly_moves_has_its_derivative(jitter):
    series = [1.0, 2, 0, 4, 1, 3]
    model = ARIMA(series, exog=np.arange(6.0), order=(1, 0, 0), trend="n")
    found = forecast_sensitivity(
        model.smooth([2, 0.5, 1]),  # a slope of 2, and φ = 1/2
        series,
        exog=np.full(6, 0.1) + jitter * np.arange(6),
        next_exog=[0.1],
        n_lags=1,
    )
    np.testing.assert_allclose(found.features[:, 0], [2, -1], atol=1e-6)


def test_named_features_are_matched_by_name():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["warm", "wet"])
    series = rng.normal(size=30)
    model = ARIMA(series, exog=table, order=(1, 0, 0), trend="c")
    results = model.smooth([0.5, 2.0, -1.0, 0.5, 1.0])
    coming = pd.Series({"warm": 1.0, "wet": 0.0})
    right = forecast_sensitivity(
        results, series, exog=table, next_exog=coming, n_lags=2
    )
    assert right.features[0] == pytest.approx([2, -1])
    turned = forecast_sensitivity(
        results, series, exog=table[["wet", "warm"]], next_exog=coming[::-1], n_lags=2
    )
    assert turned.forecast == right.forecast
    np.testing.assert_array_equal(turned.features, right.features)
    with pytest.raises(ValueError, match=r"^exog: got columns \['wet', 'cold'\]"):
        forecast_sensitivity(
            results,
            series,
            exog=table.rename(columns={"warm": "cold"})[["wet", "cold"]],
            next_exog=[0.0, 1.0],
        )
