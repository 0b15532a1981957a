"""Attribution: how much each input contributed to what a model said, or to how well it says it."""

from xaicourse.attribution.path import Attribution, gradient_shap, integrated_gradients
from xaicourse.attribution.perturbation import (
    DropColumnImportance,
    PartialDependence,
    PermutationImportance,
    drop_column_importance,
    partial_dependence,
    permutation_importance,
)

__all__ = [
    "Attribution",
    "DropColumnImportance",
    "PartialDependence",
    "PermutationImportance",
    "drop_column_importance",
    "gradient_shap",
    "integrated_gradients",
    "partial_dependence",
    "permutation_importance",
]
