"""Sensitivity analysis: how much an output changes when an input does, at a point and over a whole range."""

from xaicourse.sensitivity.local import batch_jacobian, elasticities, finite_differences

__all__ = ["batch_jacobian", "elasticities", "finite_differences"]
