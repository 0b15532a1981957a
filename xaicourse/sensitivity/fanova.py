"""Functional analysis of variance, exactly: of a complete table of results, and of a
random forest.

A function of independent inputs is a sum of a mean, an effect of each input, one of
each pair, and so on; the effects are uncorrelated, so that their variances add up to
that of the function. Here inputs are the settings of a search, and the function is the
score.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xaicourse.validation import as_floats, check_bounds, check_int, rounding

Floats = NDArray[np.float64]
Subset = tuple[int, ...]


@dataclass(frozen=True)
class Anova:
    """How a function's variance is shared out among sets of inputs.

    Attributes
    ----------
    shares : dict of tuple of int to float
        For each set of inputs, by position, the share of what they add only together;
        (0,) is a main effect, (0, 2) an interaction.
    effects : dict of tuple of int to ndarray
        What is shared out: for each set the effect at each combination of its levels.
    mean, variance : float
        Of the function.
    """

    shares: dict[Subset, float]
    effects: dict[Subset, Floats]
    mean: float
    variance: float


@dataclass(frozen=True)
class ForestAnova:
    """Shares of variance in each tree of a forest.

    Attributes
    ----------
    shares, shares_std : dict of tuple of int to float
        Mean share of each set of inputs, and standard deviation from tree to tree.
    n_trees : int
        Trees that vary at all; only these have shares.
    """

    shares: dict[Subset, float]
    shares_std: dict[Subset, float]
    n_trees: int


def grid_anova(values: ArrayLike) -> Anova:
    """Decompose a complete table, one axis an input, all combinations equally likely.

    The effect of a set u of inputs is what the mean over all others leaves after the
    effects of the smaller sets, f_u = E[f | x_u] - Σ f_w over w ⊂ u, and its share is
    E[f_u²] / V(f). The shares of all sets add up to one.

    Parameters
    ----------
    values : array-like, shape (n_levels_1, ..., n_levels_d)
        The function at each combination of levels. Levels need no order and no number.

    Returns
    -------
    Anova

    Warns
    -----
    UserWarning
        If the table is constant: all shares are zero then.

    Raises
    ------
    TypeError, ValueError
        If `values` are no numbers, empty, not finite or a single number.

    References
    ----------
    Hoeffding: A class of statistics with asymptotically normal distribution. Annals of
    Mathematical Statistics 19, 293-325 (1948). Hutter, Hoos, Leyton-Brown: An efficient
    approach for assessing hyperparameter importance. ICML 2014, PMLR 32, 754-762.

    Examples
    --------
    >>> grid_anova([[0, 0], [0, 4]]).shares
    {(0,): 0.333, (1,): 0.333, (0, 1): 0.333}
    """
    table = as_floats("values", values)
    if table.ndim == 0:
        raise ValueError(
            "values: got a single number, expected a table with one axis for each input"
        )
    d = table.ndim
    mean, variance = float(table.mean()), float(table.var())
    constant = np.ptp(table) <= rounding(table)
    if constant:
        warnings.warn(
            "values: the table is constant, so that there is no variance to share out",
            stacklevel=2,
        )
    # axes of length one, so that effects broadcast
    found: dict[Subset, Floats] = {(): np.full((1,) * d, mean)}
    for subset in _subsets(d, d):
        others = tuple(axis for axis in range(d) if axis not in subset)
        smaller = [
            found[w]
            for size in range(len(subset))
            for w in itertools.combinations(subset, size)
        ]
        found[subset] = table.mean(axis=others, keepdims=True) - sum(smaller)
    del found[()]
    shares = {
        subset: 0.0 if constant else float((e**2).mean() / variance)
        for subset, e in found.items()
    }
    shapes = {subset: [table.shape[axis] for axis in subset] for subset in found}
    effects = {subset: e.reshape(shapes[subset]) for subset, e in found.items()}
    return Anova(shares, effects, mean, 0.0 if constant else variance)


def forest_anova(forest: Any, bounds: ArrayLike, *, max_order: int = 2) -> ForestAnova:
    """Decompose each tree of a regression forest over a box of inputs, and average the
    shares.

    A tree is constant on boxes, its leaves. So the mean over all inputs but u, at a
    point x_u, is the sum of the values of the leaves that contain x_u, each times the
    share of the remaining volume that it takes up, without sampling.

    Parameters
    ----------
    forest : fitted scikit-learn regression forest, or a single tree
        With one output.
    bounds : array-like, shape (d, 2)
        Lower and upper end of each input's uniform distribution. Whole numbers from 0
        to k - 1 that stand for equally likely levels have the bounds (-0.5, k - 0.5).
    max_order : int
        Largest set of inputs that is looked at, 1 or 2.

    Returns
    -------
    ForestAnova

    Warns
    -----
    UserWarning
        If every tree is constant: all shares are zero then.

    Raises
    ------
    TypeError, ValueError
        If `forest` holds no trees, `bounds` do not fit them, or `max_order` is not 1 or
        2.

    References
    ----------
    Hutter, Hoos, Leyton-Brown: An efficient approach for assessing hyperparameter
    importance. ICML 2014, PMLR 32, 754-762.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> tree = DecisionTreeRegressor().fit(corners, [0, 0, 0, 4])
    >>> forest_anova(tree, [(-0.5, 1.5), (-0.5, 1.5)]).shares
    {(0,): 0.333, (1,): 0.333, (0, 1): 0.333}
    """
    trees = [
        t.tree_ for t in getattr(forest, "estimators_", [forest]) if hasattr(t, "tree_")
    ]
    if not trees or trees[0].value.shape[1:] != (1, 1):
        raise TypeError(
            f"forest: got {type(forest).__name__}, expected a fitted regression forest "
            f"or tree, one output"
        )
    box = check_bounds(bounds, trees[0].n_features)
    order = check_int("max_order", max_order, maximum=2)
    each = [shares for tree in trees if (shares := _tree_shares(tree, box, order))]
    subsets = _subsets(len(box), order)
    if not each:
        warnings.warn(
            "forest: every tree is constant, so that there is no variance to share out",
            stacklevel=2,
        )
        return ForestAnova(dict.fromkeys(subsets, 0.0), dict.fromkeys(subsets, 0.0), 0)
    table = np.array([[shares[subset] for subset in subsets] for shares in each])
    mean, std = table.mean(0).tolist(), table.std(0).tolist()
    return ForestAnova(
        dict(zip(subsets, mean, strict=True)),
        dict(zip(subsets, std, strict=True)),
        len(each),
    )


def _subsets(d: int, order: int) -> list[Subset]:
    return [
        subset
        for size in range(1, order + 1)
        for subset in itertools.combinations(range(d), size)
    ]


def _leaves(tree: Any, box: Floats) -> tuple[Floats, Floats]:
    """Return the boxes of the leaves inside `box`, shape (n_leaves, d, 2), and their
    values.
    """
    nodes, boxes = np.zeros(1, dtype=int), box[None]
    found = []
    while len(nodes):
        leaf = tree.children_left[nodes] == -1
        found.append((boxes[leaf], tree.value[nodes[leaf], 0, 0]))
        nodes, boxes = nodes[~leaf], boxes[~leaf]
        at = np.arange(len(nodes)), tree.feature[nodes]
        threshold = tree.threshold[nodes]
        below, above = boxes.copy(), boxes.copy()
        below[(*at, 1)] = np.minimum(below[(*at, 1)], threshold)
        above[(*at, 0)] = np.maximum(above[(*at, 0)], threshold)
        children = [tree.children_left[nodes], tree.children_right[nodes]]
        inside = [part[(*at, 0)] < part[(*at, 1)] for part in (below, above)]
        nodes = np.concatenate([c[i] for c, i in zip(children, inside, strict=True)])
        boxes = np.concatenate([below[inside[0]], above[inside[1]]])
    return np.concatenate([b for b, _ in found]), np.concatenate([v for _, v in found])


def _tree_shares(tree: Any, box: Floats, order: int) -> dict[Subset, float]:
    """Return the share of each subset, or nothing where the tree is constant."""
    leaves, values = _leaves(tree, box)
    # (n_leaves, d)
    width = (leaves[:, :, 1] - leaves[:, :, 0]) / (box[:, 1] - box[:, 0])
    volume = width.prod(1)
    mean = float(volume @ values)
    values = values - mean
    variance = float(volume @ values**2)
    if np.ptp(values) <= rounding(values + mean):
        return {}
    # Between two neighbouring ends of leaves nothing changes along a feature: where
    # does each leaf begin and end among these intervals, and how long are they?
    ends, length = [], []
    for feature, (low, high) in enumerate(box):
        places, numbers = np.unique(leaves[:, feature], return_inverse=True)
        ends.append(numbers.reshape(-1, 2).T)
        length.append(np.diff(places) / (high - low))
    shares: dict[Subset, float] = {}
    for subset in _subsets(len(box), order):
        rest = values * volume / width[:, subset].prod(1)
        # A leaf adds its value from where it begins, and takes it away from where it
        # ends: sums along each feature then hold what covers each interval.
        shape = [len(length[i]) + 1 for i in subset]
        marginal = np.zeros(shape)
        for which in itertools.product((0, 1), repeat=len(subset)):
            corner = [ends[i][end] for i, end in zip(subset, which, strict=True)]
            cells = np.ravel_multi_index(corner, shape)
            signed = (-1) ** sum(which) * rest
            marginal += np.bincount(cells, signed, marginal.size).reshape(shape)
        mean_square: Any = marginal
        for axis in range(len(subset)):
            np.cumsum(mean_square, axis=axis, out=mean_square)
        mean_square **= 2
        for i in subset:
            mean_square = length[i] @ mean_square[:-1]
        main = sum(shares[(i,)] for i in subset) if len(subset) == 2 else 0.0
        shares[subset] = float(mean_square / variance) - main
    return shares
