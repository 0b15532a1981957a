"""Attribution: how much each input contributed to what a model said, or to how well it says it."""

from xaicourse.attribution.path import Attribution, gradient_shap, integrated_gradients
from xaicourse.attribution.perturbation import (
    PartialDependence,
    PermutationImportance,
    partial_dependence,
    permutation_importance,
)

__all__ = [
    "Attribution",
    "PartialDependence",
    "PermutationImportance",
    "gradient_shap",
    "integrated_gradients",
    "partial_dependence",
    "permutation_importance",
]
