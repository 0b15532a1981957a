"""Causal models: what would happen, not only what goes together."""

from xaicourse.causality.invariance import (
    InvariantPrediction,
    InvariantTraining,
    invariant_causal_prediction,
    invariant_risk_minimisation,
    irm_penalty,
)
from xaicourse.causality.scm import CausalEffect, StructuralCausalModel, standard_normal

__all__ = [
    "CausalEffect",
    "InvariantPrediction",
    "InvariantTraining",
    "StructuralCausalModel",
    "invariant_causal_prediction",
    "invariant_risk_minimisation",
    "irm_penalty",
    "standard_normal",
]
