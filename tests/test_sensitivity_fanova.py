"""Functional analysis of variance: the literal tree, quadrature by hand, and Optuna."""

import itertools
import tracemalloc
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from optuna.importance._fanova._tree import _FanovaTree
from sklearn.ensemble import (
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from xaicourse.sensitivity import forest_anova, grid_anova

few = settings(max_examples=25, deadline=None, derandomize=True)
tables = hnp.arrays(
    float,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.floats(-10, 10),
)
varied = tables.filter(lambda table: np.ptp(table) > 1e-3)


# --- a grid
# --------------------------------------------------------------------------------------


def check_a_known_table(anova):
    """a + 2 b + 3 a b for a, b in (-1, 1): variances 1, 4 and 9."""
    a, b = np.meshgrid([-1.0, 1.0], [-1.0, 1.0], indexing="ij")
    result = anova(5 + a + 2 * b + 3 * a * b)
    assert result.shares == pytest.approx({(0,): 1 / 14, (1,): 4 / 14, (0, 1): 9 / 14})
    assert (result.mean, result.variance) == pytest.approx((5, 14))
    np.testing.assert_allclose(result.effects[(0,)], [-1, 1], atol=1e-12)
    np.testing.assert_allclose(result.effects[(0, 1)], [[3, -3], [-3, 3]], atol=1e-12)


def test_a_known_table():
    check_a_known_table(grid_anova)


def test_the_mutant_that_keeps_smaller_effects_in_larger_ones_is_rejected():
    def mutant(table):
        right = grid_anova(table)
        shares = right.shares | {(0, 1): 1.0}
        return type(right)(shares, right.effects, right.mean, right.variance)

    with pytest.raises(AssertionError):
        check_a_known_table(mutant)


@few
@given(varied)
def test_shares_add_up_and_effects_rebuild_the_table(table):
    result = grid_anova(table)
    assert sum(result.shares.values()) == pytest.approx(1.0)
    assert all(share >= 0 for share in result.shares.values())
    assert len(result.shares) == 2**table.ndim - 1
    rebuilt = np.full(table.shape, result.mean)
    for subset, effect in result.effects.items():
        rebuilt = rebuilt + effect.reshape(
            [n if axis in subset else 1 for axis, n in enumerate(table.shape)]
        )
        # each effect is zero on average over each of its inputs
        for axis in range(len(subset)):
            np.testing.assert_allclose(effect.mean(axis), 0, atol=1e-9)
    np.testing.assert_allclose(rebuilt, table, atol=1e-9)


@few
@given(varied, st.floats(0.5, 2), st.floats(-10, 10), st.randoms())
def test_neither_units_nor_the_order_of_levels_matter(table, factor, offset, random):
    plain = grid_anova(table).shares
    moved = factor * table + offset
    for axis, n in enumerate(table.shape):
        moved = moved.take(random.sample(range(n), n), axis)
    assert grid_anova(moved).shares == pytest.approx(plain, abs=1e-6)


# --- a tree
# --------------------------------------------------------------------------------------

BOX = [(0, 1), (0, 1), (0, 2)]


def literal_tree():
    """Split f1 at 0.5; its left branch splits f2 at 1.5; leaves 0.1, 0.2 and 0.5."""
    return SimpleNamespace(
        tree_=SimpleNamespace(
            n_features=3,
            children_left=np.array([1, 2, -1, -1, -1]),
            children_right=np.array([4, 3, -1, -1, -1]),
            feature=np.array([1, 2, -2, -2, -2]),
            threshold=np.array([0.5, 1.5, -2, -2, -2]),
            value=np.array([-1.0, -1.0, 0.1, 0.2, 0.5]).reshape(5, 1, 1),
        )
    )


def check_literal_tree(anova):
    shares = anova(literal_tree(), BOX).shares
    assert shares[(0,)] == pytest.approx(0, abs=1e-12)
    assert shares[(1,)] == pytest.approx(0.974026, abs=1e-6)
    assert shares[(2,)] == pytest.approx(0.012987, abs=1e-6)
    assert shares[(1,)] + shares[(2,)] + shares[(1, 2)] == pytest.approx(1.0)
    assert shares[(0, 1)] == pytest.approx(0, abs=1e-12)


def test_the_literal_tree():
    check_literal_tree(forest_anova)


def test_the_mutant_that_counts_corners_instead_of_volumes_is_rejected():
    with pytest.raises(AssertionError):
        check_literal_tree(lambda tree, box: grid_anova([[[0.1, 0.2], [0.5, 0.5]]] * 2))


@pytest.fixture(scope="module")
def forest():
    rng = np.random.default_rng(0)
    X = rng.uniform([0, -1, 5], [1, 1, 9], (150, 3))
    y = X[:, 0] * X[:, 1] + 0.3 * X[:, 2] + 0.05 * rng.normal(size=150)
    return RandomForestRegressor(8, max_depth=6, random_state=0).fit(X, y)


FOREST_BOX = np.array([(0.0, 1.0), (-1.0, 1.0), (5.0, 9.0)])


def check_against_optuna(anova, forest):
    trees = [_FanovaTree(t.tree_, FOREST_BOX) for t in forest.estimators_]
    ours = anova(forest, FOREST_BOX)
    for subset in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]:
        theirs = [
            tree.get_marginal_variance(np.array(subset)) / tree.variance
            for tree in trees
        ]
        mine = sum(
            ours.shares[u]
            for size in (1, 2)
            for u in itertools.combinations(subset, size)
        )
        assert mine == pytest.approx(np.mean(theirs), abs=1e-9)
        if len(subset) == 1:
            assert ours.shares_std[subset] == pytest.approx(np.std(theirs), abs=1e-9)


def test_agrees_with_optunas_trees(forest):
    check_against_optuna(forest_anova, forest)


def test_the_mutant_that_takes_one_tree_for_the_forest_is_rejected(forest):
    def mutant(forest, box):
        return forest_anova(forest.estimators_[0], box)

    with pytest.raises(AssertionError):
        check_against_optuna(mutant, forest)


def test_agrees_with_optunas_evaluator():
    rng = np.random.default_rng(1)
    X, y = rng.random((40, 2)), rng.random(40)
    distributions = {
        "a": optuna.distributions.FloatDistribution(0, 1),
        "b": optuna.distributions.FloatDistribution(0, 1),
    }
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={"a": x[0], "b": x[1]}, distributions=distributions, value=v
            )
            for x, v in zip(X, y, strict=True)
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=20, seed=3)
    theirs = evaluator.evaluate(study)
    forest = RandomForestRegressor(20, max_depth=64, random_state=3).fit(X, y)
    ours = forest_anova(forest, [(0, 1), (0, 1)]).shares
    assert [ours[(0,)], ours[(1,)]] == pytest.approx(
        [theirs["a"], theirs["b"]], abs=1e-9
    )


@few
@given(st.integers(0, 10_000))
def test_a_tree_on_whole_numbers_is_a_table(seed):
    rng = np.random.default_rng(seed)
    shape = (3, 4, 2)
    levels = np.array(list(np.ndindex(shape)))
    tree = DecisionTreeRegressor(max_leaf_nodes=9, random_state=0).fit(
        levels, rng.normal(size=24)
    )
    by_table = grid_anova(tree.predict(levels).reshape(shape)).shares
    del by_table[0, 1, 2]
    by_leaves = forest_anova(tree, [(-0.5, n - 0.5) for n in shape]).shares
    # thresholds lie half-way between neighbouring levels of the node's rows, on a level
    # where one is missing
    whole = np.all(tree.tree_.threshold[tree.tree_.children_left != -1] % 1 == 0.5)
    if whole:
        assert by_leaves == pytest.approx(by_table, abs=1e-9)


def test_leaves_outside_the_box_do_not_count(forest):
    half = FOREST_BOX.copy()
    half[2, 1] = 7.0
    for tree in forest.estimators_[:3]:
        rng = np.random.default_rng(0)
        X = rng.uniform(half[:, 0], half[:, 1], (200_000, 3))
        prediction = tree.predict(X)
        groups = np.floor((X[:, 2] - 5) / 2 * 400).astype(int)
        means = np.bincount(groups, prediction) / np.bincount(groups)
        expected = np.var(means) / np.var(prediction)
        assert forest_anova(tree, half).shares[(2,)] == pytest.approx(
            expected, abs=0.02
        )


def test_extremely_random_trees_are_trees_too():
    X = np.random.default_rng(0).random((60, 2))
    result = forest_anova(
        ExtraTreesRegressor(5, random_state=0).fit(X, X[:, 0]), [(0, 1)] * 2
    )
    assert result.shares[(0,)] > 0.95
    assert result.n_trees == 5


# --- bad input
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [np.full((2, 3), 0.1 + 0.2), np.zeros(4)])
def test_a_constant_table_has_zero_shares_and_says_so(table):
    with pytest.warns(
        UserWarning,
        match=r"^values: the table is constant, so that there is no variance to share "
        r"out$",
    ):
        result = grid_anova(table)
    assert set(result.shares.values()) == {0.0}
    assert result.variance == 0


def test_a_constant_forest_has_zero_shares_and_says_so():
    forest = RandomForestRegressor(3).fit([[0.0, 1.0], [1.0, 0.0]], [0.3, 0.3])
    with pytest.warns(
        UserWarning,
        match=r"^forest: every tree is constant, so that there is no variance to share "
        r"out$",
    ):
        result = forest_anova(forest, [(0, 1)] * 2)
    assert set(result.shares.values()) == set(result.shares_std.values()) == {0.0}
    assert result.n_trees == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda f: grid_anova(3.0),
            ValueError,
            "values: got a single number, expected a table with one axis for each "
            "input",
        ),
        (
            lambda f: grid_anova([]),
            ValueError,
            r"values: got an empty array of shape \(0,\)",
        ),
        (
            lambda f: grid_anova([1.0, np.nan]),
            ValueError,
            "values: got NaN or infinity, expected finite numbers only",
        ),
        (
            lambda f: forest_anova(f, [(0, 1), (1, 0), (0, 1)]),
            ValueError,
            r"bounds\[1\]: got \(1, 0\), expected the lower end before the upper",
        ),
        (
            lambda f: forest_anova(f, [(0, 1)] * 2),
            ValueError,
            r"bounds: got shape \(2, 2\), expected \(3, 2\)",
        ),
        (
            lambda f: forest_anova(f, FOREST_BOX, max_order=3),
            ValueError,
            "max_order: got 3, expected an integer of at least 1 and at most 2",
        ),
        (
            lambda f: forest_anova(RandomForestRegressor(), FOREST_BOX),
            TypeError,
            "forest: got RandomForestRegressor, expected a fitted regression forest or "
            "tree, one output",
        ),
        (
            lambda f: forest_anova(
                RandomForestClassifier(2).fit([[0.0], [1.0]], [0, 1]), [(0, 1)]
            ),
            TypeError,
            "forest: got RandomForestClassifier, expected a fitted regression forest "
            "or tree, one output",
        ),
    ],
)
def test_bad_input_is_named(forest, call, error, message):
    with pytest.raises(error, match=rf"^{message}$"):
        call(forest)


def test_the_memory_of_many_leaves_is_bounded():
    rng = np.random.default_rng(0)
    X = rng.random((4000, 4))
    tree = DecisionTreeRegressor(random_state=0).fit(X, rng.random(4000))
    assert tree.get_n_leaves() > 3900
    tracemalloc.start()
    forest_anova(tree, [(0, 1)] * 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # a table of leaves by intervals would have 4,000 x 1,000 numbers for each input
    assert peak < 60e6
