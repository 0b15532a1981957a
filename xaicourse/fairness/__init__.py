"""Fairness: metrics of groups and of ordered classes; less importance by training."""

from xaicourse.fairness.groups import (
    GroupMetrics,
    SmallGroupWarning,
    UndefinedRateWarning,
    group_metrics,
)
from xaicourse.fairness.mitigation import importance_penalty, train_with_less_importance
from xaicourse.fairness.ordinal import (
    CutOffs,
    OrdinalScores,
    fit_cut_offs,
    ordinal_scores,
    quadratic_weighted_kappa,
)

__all__ = [
    "CutOffs",
    "GroupMetrics",
    "OrdinalScores",
    "SmallGroupWarning",
    "UndefinedRateWarning",
    "fit_cut_offs",
    "group_metrics",
    "importance_penalty",
    "ordinal_scores",
    "quadratic_weighted_kappa",
    "train_with_less_importance",
]
