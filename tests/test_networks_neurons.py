"""What neurons encode: SciPy, scikit-learn and closed forms as references, and the
misaligned rows as the mutant.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from torch import nn

from xaicourse.networks import (
    concept_auc,
    kernel_drift,
    layer_activations,
    mahalanobis,
    mlp,
    neuron_regressions,
    train_node_importance,
)

few = settings(max_examples=15, deadline=None, derandomize=True)


@few
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5))
def test_mahalanobis_is_scipys(seed, d, k):
    rng = np.random.default_rng(seed)
    X, centroids = (
        rng.normal(size=(40, d)) @ rng.normal(size=(d, d)) + 5,
        rng.normal(size=(k, d)),
    )
    inverse = np.linalg.inv(np.atleast_2d(np.cov(X.T)))
    np.testing.assert_allclose(
        mahalanobis(X, centroids),
        cdist(X, centroids, "mahalanobis", VI=inverse),
        rtol=1e-6,
    )


def test_the_mean_square_of_a_gaussians_distance_is_its_dimension():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    X = rng.normal(size=(100_000, 4)) @ root.T
    d = mahalanobis(X, np.zeros((1, 4)), covariance=root @ root.T)
    assert abs((d**2).mean() - 4) < 4 * np.sqrt(8 / 100_000)
    euclidean = cdist(X, np.zeros((1, 4)))
    assert abs((euclidean**2).mean() - 4) > 0.1  # the mutant without the covariance


def test_bad_covariances():
    with pytest.raises(ValueError, match="positive definite"):
        mahalanobis(np.ones((5, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="centroids: got shape"):
        mahalanobis(np.eye(2), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="covariance: got shape"):
        mahalanobis(np.eye(2), np.zeros((1, 2)), covariance=np.eye(3))


def test_activations_are_those_after_the_relus_in_the_rows_order():
    torch.manual_seed(0)
    network = mlp(4, [5, 3], 2)
    X = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    first, second, last = layer_activations(network, X)
    np.testing.assert_allclose(first, network[:2](torch.tensor(X)).detach(), rtol=1e-6)
    np.testing.assert_allclose(second, network[:4](torch.tensor(X)).detach(), rtol=1e-6)
    np.testing.assert_allclose(last, network(torch.tensor(X)).detach(), rtol=1e-6)


def check_aligned(regress):
    rng = np.random.default_rng(0)
    D = rng.normal(size=(4000, 5))
    A = D @ rng.normal(size=(5, 8)) + rng.normal(size=(4000, 8))
    r2 = regress(A, D).r2
    expected = [LinearRegression().fit(D, a).score(D, a) for a in A.T]
    np.testing.assert_allclose(r2, expected, rtol=1e-6)


def test_all_regressions_are_those_one_by_one_and_misaligned_rows_explain_nothing():
    check_aligned(neuron_regressions)
    rng = np.random.default_rng(1)

    def misaligned(A, D):
        return neuron_regressions(rng.permutation(A), D)

    with pytest.raises(AssertionError):
        check_aligned(misaligned)
    D = rng.normal(size=(4000, 5))
    assert misaligned(D @ rng.normal(size=(5, 8)), D).r2.max() < 0.01


def test_held_out_rows_coefficients_and_dead_neurons():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(500, 3)) * [1, 10, 0.1] + 4
    A = np.column_stack([D @ [2.0, 0.1, 0], np.zeros(500), rng.normal(size=500)])
    held_out = np.arange(500) >= 300
    fit = neuron_regressions(A, D, held_out=held_out)
    z = (A[:300, 0] - A[:300, 0].mean()) / A[:300, 0].std()
    library = LinearRegression().fit((D[:300] - D[:300].mean(0)) / D[:300].std(0), z)
    np.testing.assert_allclose(fit.coefficients[:, 0], library.coef_, atol=1e-9)
    assert fit.r2[0] == pytest.approx(1)
    assert fit.r2[1] == 0
    assert not fit.coefficients[:, 1].any()
    assert fit.r2[2] == pytest.approx(
        LinearRegression().fit(D[:300], A[:300, 2]).score(D[300:], A[300:, 2]), abs=0.02
    )


def test_one_rare_neuron_does_not_move_what_is_explained_of_a_network():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(4000, 3))
    A = D @ rng.normal(size=(3, 9)) + rng.normal(size=(4000, 9))
    held_out = np.arange(4000) % 2 == 0
    D[1], rare = 5.0, np.zeros(4000)
    rare[1] = 100.0  # a row of the fit, far out
    usual = neuron_regressions(A, D, held_out=held_out)
    both = neuron_regressions(np.column_stack([A, rare]), D, held_out=held_out)
    assert both.r2[-1] < -10
    assert usual.explained == usual.r2.mean() > 0.5
    assert both.explained == pytest.approx(0.9 * usual.explained)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_what_a_neuron_encodes_does_not_depend_on_its_unit(unit):
    rng = np.random.default_rng(0)
    D = rng.normal(size=(200, 2))
    A = np.column_stack([D @ [2.0, 1.0] + rng.normal(size=200), np.full(200, 0.1)])
    plain = neuron_regressions(A, D)
    scaled = neuron_regressions(unit * A, D)
    np.testing.assert_allclose(scaled.r2, plain.r2, rtol=1e-9)
    np.testing.assert_allclose(scaled.coefficients, plain.coefficients, rtol=1e-9)
    assert plain.r2[0] > 0.5
    assert plain.r2[1] == 0
    assert not scaled.coefficients[:, 1].any()


@few
@given(st.integers(0, 10**6))
def test_concept_auc_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    A = rng.integers(0, 5, size=(60, 4)).astype(float)  # many ties
    marks = rng.random((60, 2)) < 0.4
    expected = [
        [roc_auc_score(marks[:, c], A[:, j]) for c in range(2)] for j in range(4)
    ]
    np.testing.assert_allclose(concept_auc(A, marks), expected)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_constant_and_dependent_columns_have_no_distance_in_any_unit(unit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    near = mahalanobis(X * [unit, 1], X[:1] * [unit, 1])
    np.testing.assert_allclose(near, mahalanobis(X, X[:1]), atol=1e-9)
    for extra in (np.full(60, 0.1), X @ [1.0, 0.3]):
        rows = unit * np.column_stack([X, extra])
        with pytest.raises(ValueError, match="covariance: expected a symmetric, pos"):
            mahalanobis(rows, rows[:1])


def test_a_covariance_that_is_not_symmetric_is_none():
    with pytest.raises(ValueError, match="covariance: expected a symmetric"):
        mahalanobis(np.eye(2), np.eye(2), covariance=[[2.0, 0.0], [1.0, 2.0]])


def test_named_columns_of_centroids_are_matched_by_name():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 2)) * [1, 5], columns=["a", "b"])
    plain = mahalanobis(X.to_numpy(), X[:3].to_numpy())
    turned = X[["b", "a"]]
    np.testing.assert_array_equal(mahalanobis(X, turned[:3]), plain)
    np.testing.assert_allclose(
        mahalanobis(X, turned[:3], covariance=turned.cov()), plain, atol=1e-12
    )
    with pytest.raises(ValueError, match=r"^centroids: got columns \['b', 'c'\]"):
        mahalanobis(X, turned.rename(columns={"a": "c"}))


def test_bad_neurons():
    A = np.ones((4, 2))
    with pytest.raises(
        ValueError, match=r"predictors: got shape \(3, 2\), expected \(4, any\)"
    ):
        neuron_regressions(A, np.ones((3, 2)))
    with pytest.raises(ValueError, match="expected fewer"):
        neuron_regressions(A, np.ones((4, 4)))
    with pytest.raises(TypeError, match="held_out: got int64, expected True and"):
        neuron_regressions(A, A, held_out=[1, 0, 0, 0])
    with pytest.raises(TypeError, match="concepts: got float64, expected True and"):
        concept_auc(A, np.ones((4, 1)))
    with pytest.raises(ValueError, match="each needs rows"):
        concept_auc(A, np.ones((4, 1), bool))


# --- the lazy regime
# --------------------------------------------------------------------------------------


def test_the_jacobian_behind_the_drift_is_autograds():
    torch.manual_seed(0)
    start, end = mlp(3, [6, 5], 2).double(), mlp(3, [6, 5], 2).double()
    X = np.random.default_rng(0).normal(size=(9, 3))
    rows = []
    for x in torch.tensor(X):
        start.zero_grad()
        start(x)[1].backward()
        rows.append(torch.cat([p.grad.flatten() for p in start.parameters()]))
    J = torch.stack(rows).numpy()
    moved = torch.cat(
        [
            (b - a).flatten()
            for a, b in zip(start.parameters(), end.parameters(), strict=True)
        ]
    ).detach()
    f0, f1 = (n(torch.tensor(X))[:, 1].detach().numpy() for n in (start, end))
    drift = kernel_drift(start, end, X, target=1)
    assert drift.linear_error == pytest.approx(
        np.sqrt(np.mean((f0 + J @ moved.numpy() - f1) ** 2)) / f1.std()
    )


def test_a_linear_model_is_lazy_and_a_network_leaves_the_lazy_regime_as_it_trains():
    a, b = (
        nn.Sequential(nn.Linear(3, 2)).double(),
        nn.Sequential(nn.Linear(3, 2)).double(),
    )
    X = np.random.default_rng(0).normal(size=(60, 3))
    drift = kernel_drift(a, b, X)
    assert drift.alignment == pytest.approx(1)
    assert drift.linear_error < 1e-6
    assert drift.movement > 0.1
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    options = {"centroids": X[:2], "learning_rate": 1e-3}
    start, little, much = (
        train_node_importance(X, y, hidden=(16,), max_epochs=e, **options).networks[0]
        for e in (0, 2, 200)
    )
    near, far = kernel_drift(start, little, X), kernel_drift(start, much, X)
    assert near.movement < far.movement
    assert near.linear_error < 0.1 < far.linear_error
    assert near.alignment > 0.999 > far.alignment


def test_bad_drifts():
    constant = nn.Sequential(nn.Linear(2, 1))
    nn.init.zeros_(constant[0].weight)
    nn.init.constant_(constant[0].bias, 0.1)
    with pytest.raises(ValueError, match="X: got rows with one output at the end"):
        kernel_drift(nn.Sequential(nn.Linear(2, 1)), constant, np.eye(2))
    with pytest.raises(ValueError, match="target: got 2"):
        kernel_drift(mlp(2, [3], 2), mlp(2, [3], 2), np.eye(2), target=2)
    with pytest.raises(ValueError, match="end: expected"):
        kernel_drift(mlp(2, [3], 2), mlp(2, [4], 2), np.eye(2))
