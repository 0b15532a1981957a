"""Networks: their shapes, how they are trained, and what their neurons encode."""

from xaicourse.networks.architectures import (
    efficientnet_lite0,
    mlp,
    small_cnn,
    small_resnet,
)
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
from xaicourse.networks.pretrained import (
    imagenet_classes,
    load_efficientnet_lite0,
    load_minilm,
    photograph,
    sentence_embeddings,
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
    "efficientnet_lite0",
    "imagenet_classes",
    "importance_loss",
    "kernel_drift",
    "layer_activations",
    "load_efficientnet_lite0",
    "load_minilm",
    "mahalanobis",
    "mlp",
    "neuron_regressions",
    "photograph",
    "probability",
    "sentence_embeddings",
    "small_cnn",
    "small_resnet",
    "train_mlps",
    "train_network",
    "train_node_importance",
    "update_factors",
    "written_factors",
]
