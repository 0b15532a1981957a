"""Sensitivity analysis: how much an output changes when an input does, at a point and over a whole range."""

from xaicourse.sensitivity.dynamics import Trajectory, forward_sensitivities
from xaicourse.sensitivity.fanova import Anova, ForestAnova, forest_anova, grid_anova
from xaicourse.sensitivity.local import batch_jacobian, elasticities, finite_differences
from xaicourse.sensitivity.test_functions import AnalyticFunction, g_function, ishigami, linear
from xaicourse.sensitivity.variance import MorrisScreening, SobolIndices, morris_screening, sobol_indices

__all__ = [
    "AnalyticFunction",
    "Anova",
    "ForestAnova",
    "MorrisScreening",
    "SobolIndices",
    "Trajectory",
    "batch_jacobian",
    "elasticities",
    "finite_differences",
    "forest_anova",
    "forward_sensitivities",
    "g_function",
    "grid_anova",
    "ishigami",
    "linear",
    "morris_screening",
    "sobol_indices",
]
