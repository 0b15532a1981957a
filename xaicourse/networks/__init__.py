"""Networks: their shapes, how they are trained, and what their neurons encode."""

from xaicourse.networks.architectures import mlp, small_cnn, small_resnet
from xaicourse.networks.kernel import KernelDrift, kernel_drift
from xaicourse.networks.modulation import (
    depth_weights,
    update_factors,
    written_factors,
)
from xaicourse.networks.neurons import (
    NeuronRegression,
    concept_auc,
    layer_activations,
    mahalanobis,
    neuron_regressions,
)
from xaicourse.networks.node_importance import (
    NodeImportanceTraining,
    importance_loss,
    train_node_importance,
)
from xaicourse.networks.training import (
    accuracy,
    probability,
    train_mlps,
    train_network,
)

__all__ = [
    "KernelDrift",
    "NeuronRegression",
    "NodeImportanceTraining",
    "accuracy",
    "concept_auc",
    "depth_weights",
    "importance_loss",
    "kernel_drift",
    "layer_activations",
    "mahalanobis",
    "mlp",
    "neuron_regressions",
    "probability",
    "small_cnn",
    "small_resnet",
    "train_mlps",
    "train_network",
    "train_node_importance",
    "update_factors",
    "written_factors",
]
