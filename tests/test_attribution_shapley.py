"""Shapley values: published values, axioms, shap, trees and kernel machines, and what
must not be touched.
"""

import itertools
import math
import random
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC, SVR
from torch import nn

from xaicourse.attribution import (
    gradient_shap,
    kernel_shap,
    sampled_shapley_values,
    shapley_values,
)
from xaicourse.attribution.shapley import _in_two_stages

with warnings.catch_warnings():  # shap with matplotlib 3.11
    warnings.simplefilter("ignore")
    import shap

few = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
F64 = torch.float64


def both(*args, **options):
    """Each method in turn."""
    yield shapley_values(*args, **options)
    yield sampled_shapley_values(*args, n_samples=200, **options)


def row(*numbers):
    return np.array([numbers], dtype=float)


def m4(x):
    s = x.sum(1)
    return np.maximum(s - 10, 0) + 3 * np.maximum(s + 1, 0) - 1


def rough(seed, n_features=4, n_outputs=1, dead=()):
    """A function with interactions of every order and steps; columns in `dead` do not
    enter.
    """
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(n_features, 6))
    weights[list(dead)] = 0
    out = rng.normal(size=(6, n_outputs))
    return lambda x: (np.tanh(x @ weights) + (x @ weights > 0.3)) @ out


def normal(seed, n, d=4):
    return np.random.default_rng(seed).normal(size=(n, d))


# --- published values -----------------------------------------------------------------


def check_m4(method):
    for at, base, expected in (
        ((20, 50, 30), (0, 0, 0), (76.6667, 196.6667, 116.6667)),
        ((2, 10, 3), (0, 0, 0), (7, 32.5, 10.5)),
        ((20, 50, 30), (10, 20, 10), (40, 120, 80)),
    ):
        result = method(m4, row(*at), baselines=row(*base))
        np.testing.assert_allclose(result.values, [expected], atol=1e-4)
        np.testing.assert_allclose(result.delta, 0, atol=1e-9)


def test_m4():
    check_m4(shapley_values)


def test_the_mutants_on_m4_are_rejected():
    def with_weight(weight):
        def method(model, inputs, *, baselines):
            values = np.zeros_like(inputs)
            for size, j in itertools.product(range(3), range(3)):
                for others in itertools.combinations({0, 1, 2} - {j}, size):
                    without = baselines.copy()
                    without[:, others] = inputs[:, others]
                    joined = without.copy()
                    joined[:, j] = inputs[:, j]
                    values[:, j] += weight(size) * (model(joined) - model(without))
            return type("Result", (), {"values": values, "delta": 0.0})

        return method

    check_m4(with_weight(lambda s: math.factorial(s) * math.factorial(2 - s) / 6))
    # Banzhaf, alone, last
    for wrong in (lambda s: 1 / 4, lambda s: float(s == 0), lambda s: float(s == 2)):
        with pytest.raises(AssertionError):
            check_m4(with_weight(wrong))


def test_sampled_values_of_m4_are_within_their_errors():
    result = sampled_shapley_values(
        m4, row(20, 50, 30), baselines=row(0, 0, 0), n_samples=20_000
    )
    exact = shapley_values(m4, row(20, 50, 30), baselines=row(0, 0, 0)).values
    assert (np.abs(result.values - exact) <= 4 * result.standard_error + 1e-9).all()
    assert result.standard_error.max() < 0.1


def test_a_sum_of_pairs_is_shared_in_halves():
    x0, x1, x2, x3 = 2.0, 3.0, 5.0, 7.0

    def f(x):
        return x[:, 0] * x[:, 2] + x[:, 1] + x[:, 2] + x[:, 2] * x[:, 3]

    expected = [[x0 * x2 / 2, x1, x2 + x0 * x2 / 2 + x2 * x3 / 2, x2 * x3 / 2]]
    # orders in pairs are exact here
    for result in both(f, row(x0, x1, x2, x3), baselines=np.zeros((1, 4))):
        np.testing.assert_allclose(result.values, expected, atol=1e-12)
        np.testing.assert_allclose(result.standard_error, 0, atol=1e-12)


def test_linear_model():
    X, background = normal(0, 5, 2), normal(1, 20, 2)
    expected = (X - background.mean(0)) * [1, 2]
    for result in both(lambda x: x[:, 0] + 2 * x[:, 1], X, baselines=background):
        np.testing.assert_allclose(result.values, expected, atol=1e-12)


# --- axioms ---------------------------------------------------------------------------


@few
@given(seeds)
def test_completeness_and_dummies(seed):
    X, background, f = normal(seed, 3), normal(seed + 1, 5), rough(seed, dead=[1])
    for result in both(f, X, baselines=background):
        gained = f(X)[:, 0] - f(background).mean()
        np.testing.assert_allclose(result.values.sum(1) - gained, 0, atol=1e-12)
        np.testing.assert_allclose(result.delta, 0, atol=1e-12)
        np.testing.assert_allclose(result.values[:, 1], 0, atol=1e-12)


@few
@given(seeds)
def test_symmetry(seed):
    X, background, f = normal(seed, 2), normal(seed + 1, 5), rough(seed)
    X[:, 1], background[:, 1] = X[:, 0], background[:, 0]
    values = shapley_values(
        lambda x: f(x) + f(x[:, [1, 0, 2, 3]]), X, baselines=background
    ).values
    np.testing.assert_allclose(values[:, 0], values[:, 1], atol=1e-12)


@few
@given(seeds)
def test_linearity(seed):
    X, background = normal(seed, 2), normal(seed + 1, 5)
    f, g = rough(seed), rough(seed + 7)
    for a, b, c in zip(
        both(f, X, baselines=background),
        both(g, X, baselines=background),
        both(lambda x: 2 * f(x) - 3 * g(x), X, baselines=background),
        strict=True,
    ):
        np.testing.assert_allclose(c.values, 2 * a.values - 3 * b.values, atol=1e-11)


def test_by_its_definition_over_all_orders():
    f, x, background = rough(3), normal(4, 1), normal(5, 6)
    expected = np.zeros((1, 4))
    for order in itertools.permutations(range(4)):
        table = background.copy()
        for j in order:
            before = f(table).mean()
            table[:, j] = x[0, j]
            expected[0, j] += (f(table).mean() - before) / 24
    np.testing.assert_allclose(
        shapley_values(f, x, baselines=background).values, expected, atol=1e-12
    )


# --- the field's library --------------------------------------------------------------


@pytest.fixture(scope="module")
def forest():
    X = normal(0, 300, 5)
    y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int) + (X[:, 3] > 1)
    return RandomForestClassifier(10, max_depth=5, random_state=0).fit(X, y), X


def explained_by_shap(f, X, background):
    masker = shap.maskers.Independent(background, max_samples=len(background))
    return shap.explainers.ExactExplainer(f, masker)(X).values


def test_agrees_with_shap_on_trees(forest):
    model, X = forest
    theirs = explained_by_shap(model.predict_proba, X[:3], X[100:130])
    for target in range(3):
        ours = shapley_values(
            model.predict_proba, X[:3], baselines=X[100:130], target=target
        ).values
        np.testing.assert_allclose(ours, theirs[:, :, target], atol=1e-12)
    each = shapley_values(
        model.predict_proba, X[:3], baselines=X[100:130], target=np.arange(3)
    ).values
    np.testing.assert_allclose(
        each, np.stack([theirs[i, :, i] for i in range(3)]), atol=1e-12
    )
    other = shapley_values(
        model.predict_proba, X[:3], baselines=X[100:129], target=0
    ).values
    assert np.abs(other - theirs[:, :, 0]).max() > 1e-3


def test_agrees_with_shap_on_a_kernel_machine(forest):
    _, X = forest
    model = SVR().fit(X, X[:, 0] * X[:, 1] + X[:, 4])
    theirs = explained_by_shap(model.predict, X[:4], X[100:130])
    np.testing.assert_allclose(
        shapley_values(model.predict, X[:4], baselines=X[100:130]).values,
        theirs,
        atol=1e-12,
    )
    sampled = sampled_shapley_values(
        model.predict, X[:4], baselines=X[100:130], n_samples=3000
    )
    z = (sampled.values - theirs) / sampled.standard_error
    assert np.abs(z).max() < 4
    assert np.abs(sampled.values - theirs).max() < 0.02


def test_gradient_shap_refuses_what_has_no_gradient(forest):
    model, X = forest
    rows = torch.from_numpy(X[:2])
    with pytest.raises(TypeError, match="model: got an output of type ndarray"):
        gradient_shap(model.predict_proba, rows, baselines=rows, target=0)
    with pytest.raises(ValueError, match="no gradient"):
        gradient_shap(
            lambda x: torch.from_numpy(model.predict_proba(x.detach())),
            rows,
            baselines=rows,
            target=0,
        )


# --- samples --------------------------------------------------------------------------


def check_errors(method, n_baselines=1, n_samples=80):
    """Of 400 runs the spread must be what the standard errors say: in 40 orders of the
    baselines, which the ten rows of one call share.
    """
    f, x, background = rough(0), normal(1, 1), normal(2, n_baselines)
    exact = shapley_values(f, x, baselines=background).values
    runs = [
        method(
            f, np.repeat(x, 10, 0), baselines=background, n_samples=n_samples, seed=s
        )
        for s in range(40)
    ]
    error = np.concatenate([run.values for run in runs]) - exact
    stated = np.concatenate([run.standard_error for run in runs])
    assert (np.abs(error.mean(0)) < 5 * error.std(0) / math.sqrt(400)).all()
    ratio = error.std(0) / np.sqrt((stated**2).mean(0))
    assert (np.abs(ratio - 1) < 0.17).all()
    return np.abs(error) / stated


@pytest.mark.parametrize("n_baselines", [1, 7, 40, 150])
def test_sampled_values_are_unbiased_and_their_errors_honest(n_baselines):
    check_errors(sampled_shapley_values, n_baselines)


def test_intervals_cover_the_exact_values():
    # one pair of orders for each of 100 baselines, and of every fourth another
    z = check_errors(sampled_shapley_values, 100, 200)
    assert 0.9 < (z < 2).mean() < 0.97
    z = check_errors(sampled_shapley_values, 100, 400)
    assert 0.93 < (z < 2).mean() < 0.98


def test_the_error_of_one_row_by_hand():
    """Two baselines, three pairs: the first baseline is met twice."""
    gain = torch.tensor([[[1.0], [5.0], [4.0]]], dtype=torch.float64)
    mean, error = _in_two_stages(gain, 2, 1.0)
    # means 2.5 and 5; spread (1.5² + 1.5²) / 1 = 4.5 of a pair, (1/2 + 1) / 4 of it
    assert mean.item() == 3.75
    assert error.item() == pytest.approx(math.sqrt(4.5 * 1.5 / 4), abs=1e-12)
    # half of the baselines were met: half of the above, and half of 3.125 / 2
    _, error = _in_two_stages(gain, 2, 0.5)
    expected = 0.5 * 4.5 * 1.5 / 4 + 0.5 * 3.125 / 2
    assert error.item() == pytest.approx(math.sqrt(expected), abs=1e-12)


def test_the_mutants_with_wrong_errors_or_orders_are_rejected():
    def small_errors(*args, **options):
        result = sampled_shapley_values(*args, **options)
        return type(
            "Result",
            (),
            {"values": result.values, "standard_error": result.standard_error / 1.3},
        )

    def always_the_same_order(model, inputs, *, baselines, **options):
        result = sampled_shapley_values(model, inputs, baselines=baselines, **options)
        values, table = np.zeros_like(inputs), baselines.copy()
        for j in range(inputs.shape[1]):
            before = model(table).mean()
            table[:, j] = inputs[0, j]
            values[:, j] = model(table).mean() - before
        return type(
            "Result", (), {"values": values, "standard_error": result.standard_error}
        )

    for mutant in (small_errors, always_the_same_order):
        with pytest.raises(AssertionError):
            check_errors(mutant)


def test_a_reversed_order_makes_it_more_exact():
    f, X, background = rough(0), np.repeat(normal(1, 1), 300, 0), normal(2, 1)
    exact = shapley_values(f, X[:1], baselines=background).values
    antithetic = (
        sampled_shapley_values(f, X, baselines=background, n_samples=4).values - exact
    )
    rng, independent = np.random.default_rng(0), np.zeros_like(X)
    for i, _ in itertools.product(range(300), range(4)):
        table = background.copy()
        for j in rng.permutation(4):
            before = f(table)[0, 0]
            table[:, j] = X[0, j]
            independent[i, j] += (f(table)[0, 0] - before) / 4
    assert (antithetic**2).mean() < 0.7 * ((independent - exact) ** 2).mean()


@pytest.mark.parametrize("target", [0, np.arange(5) % 3])
def test_same_draws_and_values_for_any_internal_batch_size(target):
    f, X, background = rough(0, n_outputs=3), normal(1, 5), normal(2, 7)
    for method, options in (
        (shapley_values, {}),
        (sampled_shapley_values, {"n_samples": 10}),
    ):
        whole = method(f, X, baselines=background, target=target, **options)
        for size in (1, 5, 30, 61, 10**6):
            part = method(
                f,
                X,
                baselines=background,
                target=target,
                internal_batch_size=size,
                **options,
            )
            np.testing.assert_allclose(part.values, whole.values, rtol=1e-12)
            np.testing.assert_allclose(
                part.standard_error, whole.standard_error, rtol=1e-9
            )


def test_same_seed_same_bits():
    f, X, background = rough(0), normal(1, 3), normal(2, 7)
    a, b, c = (
        sampled_shapley_values(f, X, baselines=background, n_samples=8, seed=s).values
        for s in (0, 0, 1)
    )
    assert (a == b).all()
    assert (a != c).any()


def test_the_model_never_sees_more_rows_than_allowed():
    seen = []

    def model(x):
        seen.append(len(x))
        return x.sum(1)

    shapley_values(model, normal(0, 3), baselines=normal(1, 20), internal_batch_size=6)
    sampled_shapley_values(
        model,
        normal(0, 3),
        baselines=normal(1, 20),
        n_samples=40,
        internal_batch_size=6,
    )
    assert max(seen) == 6
    seen.clear()
    sampled_shapley_values(
        model, normal(0, 3, 1000), baselines=normal(1, 2, 1000), n_samples=4
    )
    assert max(seen) <= 2**18 // 1000


# --- Kernel SHAP ----------------------------------------------------------------------


def test_kernel_shap_of_all_coalitions_is_exact_and_shaps():
    f, X, background = rough(0), normal(1, 3), normal(2, 6)
    ours = kernel_shap(f, X, baselines=background, n_samples=16)
    exact = shapley_values(f, X, baselines=background)
    np.testing.assert_array_equal(ours.values, exact.values)
    theirs = shap.KernelExplainer(lambda x: f(x)[:, 0], background)
    found = theirs.shap_values(X, l1_reg=False, silent=True)
    np.testing.assert_allclose(ours.values, found, atol=1e-9)


def kernel_task():
    """Ten columns, of which 1,024 coalitions would tell all."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(10, 16)) / 2

    def f(x):
        return np.tanh(x @ weights) @ weights[0]

    return f, rng.normal(size=(2, 10)), rng.normal(size=(5, 10))


def test_kernel_shap_of_some_coalitions():
    f, X, background = kernel_task()
    exact = shapley_values(f, X, baselines=background).values
    runs = [
        kernel_shap(f, X, baselines=background, n_samples=200, seed=s)
        for s in range(200)
    ]
    error = np.stack([run.values for run in runs]) - exact
    stated = np.stack([run.standard_error for run in runs])
    assert (np.abs(error.mean(0)) < 5 * error.std(0) / math.sqrt(200)).all()
    ratio = np.sqrt((error**2).mean((0, 1)) / (stated**2).mean((0, 1)))
    assert (np.abs(ratio - 1) < 0.17).all()
    assert 0.9 < (np.abs(error) < 2 * stated).mean() < 0.97
    assert max(np.abs(run.delta).max() for run in runs) < 1e-12
    # shap's, which takes whole sizes of coalitions first, is not far more exact
    theirs = shap.KernelExplainer(f, background)
    others = []
    for s in range(10):
        options = {"nsamples": 200, "l1_reg": False, "silent": True}
        with torch.random.fork_rng():
            state = np.random.get_state()  # noqa: NPY002 (shap draws from it)
            np.random.seed(s)  # noqa: NPY002
            others.append(theirs.shap_values(X, **options) - exact)
            np.random.set_state(state)  # noqa: NPY002
    assert error.std() < 2 * np.std(others)


def test_kernel_shap_by_least_squares():
    """The weighted least squares of the coalitions that were drawn, by hand."""
    f, X, background = kernel_task()
    asked = []

    def watched(x):
        asked.append(x.copy())
        return f(x)

    ours = kernel_shap(watched, X[:1], baselines=background, n_samples=60, seed=3)
    points = np.concatenate(asked[-1:]).reshape(60, 5, 10)
    z = (points == X[0]).all(1).astype(float)
    assert ((z[::2] + z[1::2]) == 1).all()
    nothing, everything = f(background).mean(), f(X[:1])[0]
    worth = f(points.reshape(-1, 10)).reshape(60, 5).mean(1) - nothing
    # the last value is what the others leave
    total = everything - nothing
    solved, *_ = np.linalg.lstsq(z[:, :9] - z[:, 9:], worth - total * z[:, 9])
    np.testing.assert_allclose(ours.values[0, :9], solved, atol=1e-10)
    np.testing.assert_allclose(ours.values.sum(), total, atol=1e-10)


def test_kernel_shap_of_a_linear_model_is_exact_and_has_no_error():
    X, background = normal(0, 5, 30), normal(1, 20, 30)
    weights = np.arange(30.0)
    result = kernel_shap(lambda x: x @ weights, X, baselines=background, n_samples=400)
    expected = (X - background.mean(0)) * weights
    np.testing.assert_allclose(result.values, expected, atol=1e-9)
    np.testing.assert_allclose(result.standard_error, 0, atol=1e-9)
    one = kernel_shap(lambda x: x[:, 0] ** 2, [[3.0]], baselines=[[1.0]])
    np.testing.assert_allclose(one.values, [[8.0]])


def test_kernel_shap_keeps_its_draws_and_refuses_what_is_too_little():
    f, X, background = kernel_task()
    options = {"baselines": background, "n_samples": 60}
    whole = kernel_shap(f, X, **options)
    for size in (1, 7, 100):
        part = kernel_shap(f, X, internal_batch_size=size, **options)
        np.testing.assert_allclose(part.values, whole.values, rtol=1e-10)
        np.testing.assert_allclose(part.standard_error, whole.standard_error)
    assert (kernel_shap(f, X, seed=1, **options).values != whole.values).all()
    with pytest.raises(ValueError, match="n_samples: got 7, expected an even"):
        kernel_shap(f, X, baselines=background, n_samples=7)
    with pytest.raises(ValueError, match="n_samples: got 12, too few coalitions"):
        kernel_shap(f, X, baselines=background, n_samples=12)


# --- tables of every kind -------------------------------------------------------------


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(4, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(8, 2),
        ).double()


def test_tensors_and_arrays_agree_and_keep_their_types():
    net, X, background = (
        network(),
        torch.from_numpy(normal(0, 3)),
        torch.from_numpy(normal(1, 4)),
    )
    net.eval()

    def as_array(rows):
        with torch.no_grad():
            return net(torch.from_numpy(rows)).numpy()

    for ours, arrays in zip(
        both(net, X, baselines=background, target=1),
        both(as_array, X.numpy(), baselines=background.numpy(), target=1),
        strict=True,
    ):
        assert isinstance(ours.values, torch.Tensor)
        assert isinstance(arrays.values, np.ndarray)
        np.testing.assert_array_equal(ours.values.numpy(), arrays.values)
    single = shapley_values(
        net.float(), X.float(), baselines=background.float(), target=1
    )
    assert single.values.dtype == single.delta.dtype == torch.float32


def test_one_column_and_integers():
    for result in both(
        lambda x: x[:, 0] ** 2, np.array([[3]]), baselines=np.array([[1], [2]])
    ):
        np.testing.assert_allclose(result.values, [[6.5]])
    frozen = normal(0, 3)
    frozen.flags.writeable = False
    for result in both(lambda x: x.sum(1), frozen, baselines=frozen):
        assert np.isfinite(result.values).all()


def test_model_and_inputs_are_left_alone_even_after_an_exception():
    net, X = network().train(), torch.from_numpy(normal(0, 3))
    X.requires_grad_()
    calls = 0

    def breaking(x):
        nonlocal calls
        calls += 1
        if calls > 3:
            raise ArithmeticError("broken on purpose")
        x[:] = 0  # a model may write to what it is given
        return x[:, :1]

    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    before, values = (
        {k: v.clone() for k, v in net.state_dict().items()},
        X.detach().clone(),
    )
    for method in (shapley_values, sampled_shapley_values):
        method(net, X, baselines=X, target=0)
        calls = 0
        with pytest.raises(ArithmeticError):
            method(breaking, X, baselines=X, internal_batch_size=2)
    assert all(m.training for m in net.modules())
    assert all((v == before[k]).all() for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert X.requires_grad
    assert X.grad is None
    assert torch.equal(X, values)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert random.getstate() == states[2]


LABELLED = np.eye(3), [0, 1, 1]
GOOD = {"model": m4, "inputs": np.ones((2, 3)), "baselines": np.zeros((4, 3))}


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            {"model": "forest"},
            TypeError,
            "model: got str, expected a module, a function",
        ),
        ({"model": SVC().fit(*LABELLED)}, TypeError, "model: got SVC, expected"),
        (
            {"model": lambda x: x},
            ValueError,
            "target: got None, expected one of the model's 3 outputs",
        ),
        ({"model": lambda x: x[:1]}, ValueError, "model: got outputs of shape"),
        ({"model": lambda x: x[:, 0] * np.nan}, ValueError, "model: outputs: got NaN"),
        ({"inputs": (np.ones((2, 3)),)}, TypeError, "inputs: got a tuple"),
        (
            {"inputs": np.array([["a", "b", "c"]])},
            TypeError,
            "inputs: got <U1",
        ),
        ({"inputs": np.ones((2, 3)) * np.nan}, ValueError, "inputs: got NaN"),
        ({"inputs": np.ones((0, 3))}, ValueError, "inputs: got"),
        ({"inputs": np.ones((2, 3, 1))}, ValueError, "inputs: got shape"),
        ({"baselines": np.zeros((4, 2))}, ValueError, "baselines: got shape"),
        ({"baselines": np.zeros((0, 3))}, ValueError, "baselines: got shape"),
        ({"baselines": np.full((1, 3), np.inf)}, ValueError, "baselines: got NaN"),
        ({"baselines": 0.0}, ValueError, r"baselines: got shape \(\)"),
        ({"baselines": "zero"}, TypeError, "baselines: got str"),
        ({"target": 1}, ValueError, "target: got 1"),
        ({"target": -1}, ValueError, "target: got -1"),
        ({"target": np.array([0.5, 1])}, TypeError, "target: got float64"),
        ({"internal_batch_size": 0}, ValueError, "internal_batch_size: got 0"),
    ],
)
def test_bad_input(change, kind, message):
    arguments = GOOD | change
    model, inputs = arguments.pop("model"), arguments.pop("inputs")
    for method in (shapley_values, sampled_shapley_values, kernel_shap):
        with pytest.raises(kind, match=message):
            method(model, inputs, **arguments)


def test_bad_numbers_of_samples_and_columns():
    for n_samples in (2, 5):
        with pytest.raises(ValueError, match=f"n_samples: got {n_samples}"):
            sampled_shapley_values(
                m4, GOOD["inputs"], baselines=GOOD["baselines"], n_samples=n_samples
            )
    with pytest.raises(ValueError, match="inputs: got 21 columns, expected at most 20"):
        shapley_values(m4, np.ones((1, 21)), baselines=np.ones((1, 21)))
