"""Attribution: how much each input contributed to what a model said, or to how well it says it."""

from xaicourse.attribution.counterfactual import Counterfactuals, counterfactuals
from xaicourse.attribution.gradcam import GradCam, grad_cam
from xaicourse.attribution.gradients import saliency, smooth_grad
from xaicourse.attribution.path import Attribution, gradient_shap, integrated_gradients
from xaicourse.attribution.perturbation import (
    DropColumnImportance,
    PartialDependence,
    PermutationImportance,
    drop_column_importance,
    partial_dependence,
    permutation_importance,
)
from xaicourse.attribution.tokens import TokenGradients, merge_word_pieces, token_gradients, token_integrated_gradients

__all__ = [
    "Attribution",
    "Counterfactuals",
    "DropColumnImportance",
    "GradCam",
    "PartialDependence",
    "PermutationImportance",
    "TokenGradients",
    "counterfactuals",
    "drop_column_importance",
    "grad_cam",
    "gradient_shap",
    "integrated_gradients",
    "merge_word_pieces",
    "partial_dependence",
    "permutation_importance",
    "saliency",
    "smooth_grad",
    "token_gradients",
    "token_integrated_gradients",
]
