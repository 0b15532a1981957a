"""How much each input contributed to what a model said, or to how well it says it.

DeepLIFT is not here: with the rescale rule it is ``captum.attr.DeepLift``, and what is
nearest to it are `layerwise_relevance` and `integrated_gradients`.
"""

from xaicourse.attribution.activation import ActivationMaximum, maximise_activation
from xaicourse.attribution.concepts import ConceptSensitivity, concept_vectors, tcav
from xaicourse.attribution.counterfactual import Counterfactuals, counterfactuals
from xaicourse.attribution.explained import Attribution
from xaicourse.attribution.gradcam import GradCam, grad_cam
from xaicourse.attribution.gradients import (
    guided_backprop,
    input_x_gradient,
    saliency,
    smooth_grad,
)
from xaicourse.attribution.lime import Lime, lime, lime_segments
from xaicourse.attribution.occlusion import occlusion
from xaicourse.attribution.path import gradient_shap, integrated_gradients
from xaicourse.attribution.perturbation import (
    DropColumnImportance,
    PartialDependence,
    PermutationImportance,
    drop_column_importance,
    partial_dependence,
    permutation_importance,
)
from xaicourse.attribution.relevance import (
    alpha_beta_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
    layerwise_relevance,
    z_box_rule,
    z_plus_rule,
)
from xaicourse.attribution.shapley import (
    ShapleyValues,
    kernel_shap,
    sampled_shapley_values,
    shapley_values,
)
from xaicourse.attribution.tokens import (
    TokenGradients,
    merge_word_pieces,
    token_gradients,
    token_integrated_gradients,
)

__all__ = [
    "ActivationMaximum",
    "Attribution",
    "ConceptSensitivity",
    "Counterfactuals",
    "DropColumnImportance",
    "GradCam",
    "Lime",
    "PartialDependence",
    "PermutationImportance",
    "ShapleyValues",
    "TokenGradients",
    "alpha_beta_rule",
    "concept_vectors",
    "counterfactuals",
    "drop_column_importance",
    "epsilon_rule",
    "flat_rule",
    "gamma_rule",
    "grad_cam",
    "gradient_shap",
    "guided_backprop",
    "input_x_gradient",
    "integrated_gradients",
    "kernel_shap",
    "layerwise_relevance",
    "lime",
    "lime_segments",
    "maximise_activation",
    "merge_word_pieces",
    "occlusion",
    "partial_dependence",
    "permutation_importance",
    "saliency",
    "sampled_shapley_values",
    "shapley_values",
    "smooth_grad",
    "tcav",
    "token_gradients",
    "token_integrated_gradients",
    "z_box_rule",
    "z_plus_rule",
]
