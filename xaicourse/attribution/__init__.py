"""Attribution: how much each input contributed to what a model said, or to how well it says it."""

from xaicourse.attribution.activation import ActivationMaximum, maximise_activation
from xaicourse.attribution.concepts import ConceptSensitivity, concept_vectors, tcav
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
    "ActivationMaximum",
    "Attribution",
    "ConceptSensitivity",
    "DropColumnImportance",
    "GradCam",
    "PartialDependence",
    "PermutationImportance",
    "TokenGradients",
    "concept_vectors",
    "drop_column_importance",
    "grad_cam",
    "gradient_shap",
    "integrated_gradients",
    "maximise_activation",
    "merge_word_pieces",
    "partial_dependence",
    "permutation_importance",
    "saliency",
    "smooth_grad",
    "tcav",
    "token_gradients",
    "token_integrated_gradients",
]
