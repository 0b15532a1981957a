"""Sensitivity analysis: how much an output changes when an input does, at a point and
over a whole range.
"""

from xaicourse.sensitivity.benchmark_functions import (
    AnalyticFunction,
    g_function,
    ishigami,
    linear,
)
from xaicourse.sensitivity.dynamics import Trajectory, forward_sensitivities
from xaicourse.sensitivity.fanova import Anova, ForestAnova, forest_anova, grid_anova
from xaicourse.sensitivity.forecasting import (
    ForecastSensitivity,
    forecast_sensitivity,
    pi_weights,
)
from xaicourse.sensitivity.local import batch_jacobian, elasticities, finite_differences
from xaicourse.sensitivity.reinforcement import (
    ReturnSensitivity,
    cart_poles,
    episode_returns,
    return_sensitivity,
)
from xaicourse.sensitivity.variance import (
    MorrisSample,
    MorrisScreening,
    SobolIndices,
    SobolSample,
    morris_sample,
    morris_screening,
    morris_screening_of,
    sobol_indices,
    sobol_indices_of,
    sobol_sample,
)

__all__ = [
    "AnalyticFunction",
    "Anova",
    "ForecastSensitivity",
    "ForestAnova",
    "MorrisSample",
    "MorrisScreening",
    "ReturnSensitivity",
    "SobolIndices",
    "SobolSample",
    "Trajectory",
    "batch_jacobian",
    "cart_poles",
    "elasticities",
    "episode_returns",
    "finite_differences",
    "forecast_sensitivity",
    "forest_anova",
    "forward_sensitivities",
    "g_function",
    "grid_anova",
    "ishigami",
    "linear",
    "morris_sample",
    "morris_screening",
    "morris_screening_of",
    "pi_weights",
    "return_sensitivity",
    "sobol_indices",
    "sobol_indices_of",
    "sobol_sample",
]
