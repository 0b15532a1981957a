"""Fairness: scores for classes that have an order, and models that are held to account for them."""

from xaicourse.fairness.ordinal import CutOffs as CutOffs
from xaicourse.fairness.ordinal import OrdinalScores as OrdinalScores
from xaicourse.fairness.ordinal import fit_cut_offs as fit_cut_offs
from xaicourse.fairness.ordinal import ordinal_scores as ordinal_scores
from xaicourse.fairness.ordinal import quadratic_weighted_kappa as quadratic_weighted_kappa
