"""Fairness: training that shapes what neurons encode, what came of it, and how groups fare."""

from xaicourse.fairness.modulation import depth_weights, update_factors, written_factors
from xaicourse.fairness.neurons import (
    Clusters,
    KernelDrift,
    NeuronRegression,
    cluster,
    concept_auc,
    kernel_drift,
    layer_activations,
    mahalanobis,
    neuron_regressions,
)
from xaicourse.fairness.node_importance import NodeImportanceTraining, importance_loss, train_node_importance

__all__ = [
    "Clusters",
    "KernelDrift",
    "NeuronRegression",
    "NodeImportanceTraining",
    "cluster",
    "concept_auc",
    "depth_weights",
    "importance_loss",
    "kernel_drift",
    "layer_activations",
    "mahalanobis",
    "neuron_regressions",
    "train_node_importance",
    "update_factors",
    "written_factors",
]
