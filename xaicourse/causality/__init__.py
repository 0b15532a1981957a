"""Causal models: what would happen, not only what goes together."""

from xaicourse.causality.scm import CausalEffect, StructuralCausalModel, standard_normal

__all__ = ["CausalEffect", "StructuralCausalModel", "standard_normal"]
