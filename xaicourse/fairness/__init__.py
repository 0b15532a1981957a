"""Fairness: scores for classes that have an order, what neurons encode, and models that
are held to account.
"""

from xaicourse.fairness.audit import GroupMetrics as GroupMetrics
from xaicourse.fairness.audit import SmallGroupWarning as SmallGroupWarning
from xaicourse.fairness.audit import group_metrics as group_metrics
from xaicourse.fairness.kernel import KernelDrift as KernelDrift
from xaicourse.fairness.kernel import kernel_drift as kernel_drift
from xaicourse.fairness.mitigation import importance_penalty as importance_penalty
from xaicourse.fairness.mitigation import (
    train_with_less_importance as train_with_less_importance,
)
from xaicourse.fairness.modulation import depth_weights as depth_weights
from xaicourse.fairness.modulation import update_factors as update_factors
from xaicourse.fairness.modulation import written_factors as written_factors
from xaicourse.fairness.neurons import Clusters as Clusters
from xaicourse.fairness.neurons import NeuronRegression as NeuronRegression
from xaicourse.fairness.neurons import cluster as cluster
from xaicourse.fairness.neurons import concept_auc as concept_auc
from xaicourse.fairness.neurons import layer_activations as layer_activations
from xaicourse.fairness.neurons import mahalanobis as mahalanobis
from xaicourse.fairness.neurons import neuron_regressions as neuron_regressions
from xaicourse.fairness.node_importance import (
    NodeImportanceTraining as NodeImportanceTraining,
)
from xaicourse.fairness.node_importance import importance_loss as importance_loss
from xaicourse.fairness.node_importance import (
    train_node_importance as train_node_importance,
)
from xaicourse.fairness.ordinal import CutOffs as CutOffs
from xaicourse.fairness.ordinal import OrdinalScores as OrdinalScores
from xaicourse.fairness.ordinal import fit_cut_offs as fit_cut_offs
from xaicourse.fairness.ordinal import ordinal_scores as ordinal_scores
from xaicourse.fairness.ordinal import (
    quadratic_weighted_kappa as quadratic_weighted_kappa,
)
