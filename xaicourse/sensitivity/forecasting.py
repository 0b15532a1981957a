"""Sensitivity of a forecast to the past: by filtering changed data again, and in closed
form by the π-weights.

Both hold the parameters of the model fixed. They answer "what would the forecast have
been, had this value been another", and not "what would I have fitted".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xaicourse.validation import as_floats, as_numbers, check_int, in_columns_of


@dataclass(frozen=True)
class ForecastSensitivity:
    """How far a one-step forecast moves with each value that it rests on.

    Attributes
    ----------
    forecast : float
        Of the coming value, in units of the series.
    past : ndarray, shape (n_lags,)
        ``past[k - 1]`` is the derivative with respect to the value k steps before the
        coming one; the last value known is the first.
    features : ndarray of shape (n_lags + 1, n_features) or None
        ``features[k]`` is the derivative with respect to the features k steps before
        the coming one; the first row is that of the coming step itself.
    """

    forecast: float
    past: NDArray[np.float64]
    features: NDArray[np.float64] | None


def pi_weights(
    ar: ArrayLike, ma: ArrayLike, *, d: int = 0, n_weights: int = 10
) -> NDArray[np.float64]:
    r"""Write an ARIMA model as an autoregression on its whole past, and return the
    weights of that past.

    :math:`y_t = \sum_{k \ge 1} \pi_k y_{t-k} + \varepsilon_t` (plus a constant, if
    there is one), with :math:`1 - \sum_k \pi_k B^k = (1 - B)^d \phi(B) / \theta(B)`.
    The one-step forecast is this sum, so that :math:`\pi_k` is its derivative with
    respect to :math:`y_{t-k}`. For d ≥ 1 the weights of the infinite past sum to one.

    Parameters
    ----------
    ar, ma : array-like, shapes (p,) and (q,)
        φ₁, φ₂, ... and θ₁, θ₂, ... in statsmodels' signs: φ(B) = 1 - φ₁B - ..., θ(B) =
        1 + θ₁B + ...; may be empty.
    d : int
        How often the series is differenced.
    n_weights : int
        Number of weights.

    Returns
    -------
    ndarray, shape (n_weights,)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or range, or is not finite; if the
        moving average is not invertible: then the weights do not fade, and the past
        cannot be recovered from the series.

    References
    ----------
    Box, Jenkins, Reinsel, Ljung: Time Series Analysis, 5th edition, Wiley (2015),
    section 4.2.

    Examples
    --------
    For ARIMA(1,1,1): π₁ = 1 + φ + θ, π₂ = -φ - θ π₁, and πₖ = -θ πₖ₋₁ from there on.

    >>> pi_weights([0.5], [-0.25], d=1, n_weights=4)
    array([ 1.25     , -0.1875   , -0.046875 , -0.0117188])
    """
    # takes most of a second to import, and only this needs it
    from scipy.signal import lfilter

    autoregression, average = _coefficients("ar", ar), _coefficients("ma", ma)
    d, n_weights = check_int("d", d, minimum=0), check_int("n_weights", n_weights)
    theta = np.r_[1.0, average]
    if len(average) and np.abs(np.roots(theta)).max() >= 1:
        raise ValueError(
            f"ma: got {average.tolist()}, expected an invertible moving average, whose "
            f"weights fade"
        )
    phi = np.r_[1.0, -autoregression]
    for _ in range(d):
        phi = np.convolve(phi, [1.0, -1.0])
    impulse = np.zeros(n_weights + 1)
    impulse[0] = 1.0
    return np.asarray(-lfilter(phi, theta, impulse)[1:])


def forecast_sensitivity(
    results: Any,
    endog: ArrayLike,
    *,
    exog: ArrayLike | None = None,
    next_exog: ArrayLike | None = None,
    n_lags: int = 10,
) -> ForecastSensitivity:
    """Differentiate a one-step forecast by changing one past value at a time and
    filtering again.

    The parameters stay those of `results`. The forecast of a linear Gaussian
    state-space model is an affine function of its data, so that one difference per
    value is the derivative up to rounding, whatever its step; each column is moved by
    its own standard deviation, or, if that is next to none, by its largest value.

    Parameters
    ----------
    results : statsmodels results with ``apply``
        Of a fitted ``ARIMA``, ``SARIMAX`` or other state-space model of one series.
    endog : array-like, shape (n,)
        The series, on its original scale: what the model was fitted to, or any other
        series that it should forecast.
    exog : array-like of shape (n, n_features), optional
        Features, for a model that has them; a single one may have shape (n,). Columns
        of a DataFrame are matched by name with those that the model was fitted to.
    next_exog : array-like of shape (n_features,), optional
        Their values in the coming step; those of a Series are matched by name.
    n_lags : int
        How many of the last values are changed, at most n.

    Returns
    -------
    ForecastSensitivity

    Raises
    ------
    TypeError, ValueError
        If `results` cannot be applied to other data, if an argument has the wrong type
        or shape or is not finite, or if only one of `exog` and `next_exog` is given.

    References
    ----------
    Durbin, Koopman: Time Series Analysis by State Space Methods, 2nd edition, Oxford
    University Press (2012), ch. 4.

    Examples
    --------
    Without fitting, at given parameters (φ = 0.5, and a variance of 1):

    >>> from statsmodels.tsa.arima.model import ARIMA
    >>> series = np.array([1.0, 2.0, 0.0, 4.0])
    >>> results = ARIMA(series, order=(1, 0, 0), trend="n").smooth([0.5, 1.0])
    >>> found = forecast_sensitivity(results, series, n_lags=2)
    >>> found.forecast
    2.0
    >>> found.past.round(6)
    array([0.5, 0. ])
    """
    if not hasattr(results, "apply"):
        raise TypeError(
            f"results: got {type(results).__name__}, expected statsmodels results that "
            f"have `apply`"
        )
    series = as_floats("endog", endog, (None,))
    n = len(series)
    n_lags = check_int("n_lags", n_lags, maximum=n)
    if (exog is None) != (next_exog is None):
        missing = "exog" if exog is None else "next_exog"
        raise ValueError(
            f"{missing}: got None, expected values, since the other of exog and "
            f"next_exog is given"
        )
    features = None
    if exog is not None:
        if hasattr(exog, "columns"):
            next_exog = in_columns_of("next_exog", next_exog, exog)
            fitted: Any = getattr(results.model.data, "orig_exog", None)
            if hasattr(fitted, "columns"):  # those of the trend come first
                fitted = fitted.iloc[:, -len(exog.columns) :]
                next_exog = in_columns_of("next_exog", next_exog, fitted)
                exog = in_columns_of("exog", exog, fitted)
        columns = as_numbers("exog", exog)
        columns = columns[:, None] if columns.ndim == 1 else columns
        columns = as_floats("exog", columns, (n, None))
        coming = np.atleast_1d(as_numbers("next_exog", next_exog))
        coming = as_floats("next_exog", coming, (columns.shape[1],))
        features = np.vstack([columns, coming])
    base, past = _differences(
        lambda table: _forecast(results, table[:, 0], features), series[:, None], n_lags
    )
    if features is None:
        return ForecastSensitivity(base, past[:, 0], None)
    _, moved = _differences(
        lambda table: _forecast(results, series, table), features, n_lags + 1
    )
    return ForecastSensitivity(base, past[:, 0], moved)


def _coefficients(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return one-dimensional finite coefficients, of which there may be none."""
    array = as_numbers(name, values)
    return np.zeros(0) if array.shape == (0,) else as_floats(name, array, (None,))


def _forecast(
    results: Any, series: NDArray[np.float64], features: NDArray[np.float64] | None
) -> float:
    """Return the model's next value; the last row of the features belongs to it."""
    past, coming = (None, None) if features is None else np.split(features, [-1])
    found = results.apply(series, exog=past).forecast(1, exog=coming)
    return float(np.asarray(found)[0])


def _differences(
    forecast: Any, table: NDArray[np.float64], n_last: int
) -> tuple[float, NDArray[np.float64]]:
    """Return forecast(table), and its derivative with respect to each entry of the last
    rows, the last one first.
    """
    base = forecast(table)
    slopes = np.empty((n_last, table.shape[1]))
    for column, values in enumerate(table.T):
        size, spread = float(np.abs(values).max()), float(values.std())
        # of a column that hardly moves, the spread is too small for a difference
        step = spread if spread > 1e-6 * size else size or 1.0
        for lag in range(n_last):
            changed = table.copy()
            changed[-1 - lag, column] += step
            slopes[lag, column] = (forecast(changed) - base) / step
    return base, slopes
