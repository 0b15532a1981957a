"""Evaluation: grading an explanation against a known truth, and against the model that
it explains.
"""

from xaicourse.evaluation.faithfulness import (
    Curves,
    deletion_insertion,
    max_sensitivity,
    parameter_randomisation,
)
from xaicourse.evaluation.grading import PairedDifference, grade, paired_difference
from xaicourse.evaluation.localisation import (
    effect_correlation,
    pointing_game,
    relevance_mass,
    relevance_rank,
)

__all__ = [
    "Curves",
    "PairedDifference",
    "deletion_insertion",
    "effect_correlation",
    "grade",
    "max_sensitivity",
    "paired_difference",
    "parameter_randomisation",
    "pointing_game",
    "relevance_mass",
    "relevance_rank",
]
