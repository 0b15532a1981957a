"""Sensitivity analysis: how much an output changes when an input does, at a point and over a whole range."""

from xaicourse.sensitivity.forecasting import ForecastSensitivity, forecast_sensitivity, pi_weights
from xaicourse.sensitivity.reinforcement import ReturnSensitivity, cart_poles, episode_returns, return_sensitivity

__all__ = [
    "ForecastSensitivity",
    "ReturnSensitivity",
    "cart_poles",
    "episode_returns",
    "forecast_sensitivity",
    "pi_weights",
    "return_sensitivity",
]
