"""Derivatives at a point: published values, axioms, SciPy and torch.func, wrong
versions, and input that is refused.
"""

import math

import numpy as np
import pytest
import scipy.differentiate
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xaicourse.networks import mlp
from xaicourse.sensitivity import batch_jacobian, elasticities, finite_differences

F64 = torch.float64
METHODS = ("forward", "central", "complex", "richardson")
ACCURACY = {"forward": 1e-6, "central": 1e-8, "complex": 1e-12, "richardson": 1e-10}
few = settings(max_examples=25, deadline=None, derandomize=True)
numbers = st.floats(-100, 100, allow_subnormal=False)
seeds = st.integers(0, 2**31)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def waves(X):
    return np.column_stack([np.sin(X[:, 0]), np.cos(X[:, 1])])


def network(seed, n_inputs=4, n_outputs=3):
    """A random smooth network, for arrays and for tensors."""
    first, last = normal(seed, n_inputs, 5), normal(seed + 1, 5, n_outputs)
    return (
        lambda X: np.tanh(X @ first) @ last,
        lambda X: torch.tanh(X @ torch.from_numpy(first)) @ torch.from_numpy(last),
    )


# --- published values
# --------------------------------------------------------------------------------------


def check_tanh(derivative):
    """The network of the sensitivity slides, tanh(X W): (1 - tanh²(XW)) Wᵀ."""
    W = np.array([[0.1], [0.2]])
    found = derivative(lambda X: np.tanh(X @ W), [[1, 2], [3, 4], [5, 6]])
    expected = [[[0.078645, 0.157290]], [[0.035920, 0.071840]], [[0.012501, 0.025002]]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def check_point(derivative):
    found = derivative(lambda x: np.sin(x[0]) + np.cos(x[1]), [1, 2])
    np.testing.assert_allclose(found, [math.cos(1), -math.sin(2)], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_published_values(method):
    check_tanh(lambda f, X: finite_differences(f, X, method=method))
    check_point(lambda f, x: finite_differences(f, x, method=method))


def test_published_values_by_autograd():
    X, W = (
        torch.tensor([[1.0, 2], [3, 4], [5, 6]], dtype=F64),
        torch.tensor([[0.1], [0.2]], dtype=F64),
    )
    check_tanh(lambda *_: batch_jacobian(lambda X: torch.tanh(X @ W), X))
    found = batch_jacobian(
        lambda x: torch.sin(x[:, 0]) + torch.cos(x[:, 1]),
        torch.tensor([[1.0, 2.0]], dtype=F64),
    )
    assert found.shape == (1, 2)
    check_point(lambda *_: found[0])


def test_the_mutants_are_rejected():
    # the slides' own code: the shifts and the result are cut to whole numbers
    def of_integers(f, x):
        x = np.array(x)
        gradient = np.zeros_like(x)
        for i in range(len(x)):
            up, down = x.copy(), x.copy()
            up[i] += 1e-6
            down[i] -= 1e-6
            gradient[i] = (f(up) - f(down)) / 2e-6
        return gradient

    # numpy.gradient differentiates along the axes of an array
    def along_the_rows(f, X):
        return np.gradient(f(np.array(X)), axis=0)[..., None] * np.ones(2)

    def wrong_width(f, x):
        return 2 * finite_differences(f, x)

    with pytest.raises(AssertionError):
        check_point(of_integers)
    with pytest.raises(AssertionError):
        check_tanh(along_the_rows)
    with pytest.raises(AssertionError):
        check_tanh(wrong_width)


def test_elasticities_of_the_slide_on_ecosystems():
    """Y = mean of r t (1 - t/K) - a t + (b a - 0.1) t over 0 ≤ t ≤ 100; derivatives and
    elasticities by hand.
    """
    t = np.linspace(0, 100, 1000)

    def mean_of_both(p):
        r, K, a, b = p
        return np.mean(r * t * (1 - t / K) - a * t) + np.mean(b * a * t - 0.1 * t)

    at = [1.5, 1000, 0.01, 0.1]
    slopes = finite_differences(mean_of_both, at)
    np.testing.assert_allclose(slopes, [46.665, 0.0050025, -45.0, 0.5], rtol=1e-4)
    np.testing.assert_allclose(
        elasticities(slopes, at, mean_of_both(at)),
        [1.084, 0.0775, -0.00697, 0.00077],
        rtol=0,
        atol=5e-4,
    )


# --- axioms
# --------------------------------------------------------------------------------------


@few
@given(st.sampled_from(METHODS), st.lists(numbers, min_size=6, max_size=6), seeds)
def test_a_linear_function_is_exact(method, coefficients, seed):
    A, X = np.reshape(coefficients, (2, 3)), normal(seed, 4, 3)
    # whatever the step
    found = finite_differences(lambda X: X @ A.T + 1, X, method=method, step=0.5)
    np.testing.assert_allclose(
        found, np.broadcast_to(A, (4, 2, 3)), rtol=1e-12, atol=1e-12
    )


@few
@given(st.sampled_from(METHODS), seeds, numbers, numbers)
def test_derivatives_add_up(method, seed, a, b):
    (f, _), (g, _), X = network(seed), network(seed + 7), normal(seed, 3, 4)
    both = finite_differences(lambda X: a * f(X) + b * g(X), X, method=method)
    apart = a * finite_differences(f, X, method=method) + b * finite_differences(
        g, X, method=method
    )
    size = 1 + abs(a) + abs(b)
    np.testing.assert_allclose(both, apart, rtol=0, atol=ACCURACY[method] * 10 * size)


@few
@given(
    st.sampled_from(METHODS),
    seeds,
    st.lists(st.floats(0.25, 4), min_size=4, max_size=4),
)
def test_another_unit_divides_the_derivative(method, seed, factors):
    (f, _), X, c = network(seed), normal(seed, 3, 4), np.array(factors)
    scaled = finite_differences(lambda Z: f(Z / c), X * c, method=method)
    np.testing.assert_allclose(
        scaled, finite_differences(f, X, method=method) / c, atol=200 * ACCURACY[method]
    )


@few
@given(st.sampled_from(METHODS), seeds, st.permutations(range(4)))
def test_the_order_of_features_and_of_rows_does_not_matter(method, seed, order):
    (f, torch_f), X = network(seed), normal(seed, 3, 4)
    back = np.argsort(order)
    J = finite_differences(f, X, method=method)
    np.testing.assert_allclose(
        finite_differences(lambda Z: f(Z[:, back]), X[:, order], method=method),
        J[..., order],
    )
    np.testing.assert_allclose(
        finite_differences(f, X[::-1].copy(), method=method), J[::-1], atol=1e-6
    )
    by_autograd = batch_jacobian(
        lambda Z: torch_f(Z[:, back.tolist()]), torch.from_numpy(X[:, order])
    )
    np.testing.assert_allclose(
        by_autograd,
        batch_jacobian(torch_f, torch.from_numpy(X)).numpy()[..., order],
        rtol=1e-12,
    )


@few
@given(seeds, st.lists(st.floats(0.25, 4), min_size=4, max_size=4))
def test_elasticities_have_no_unit(seed, factors):
    (f, _), X, c = network(seed), normal(seed, 3, 4), np.array(factors)
    J, F = finite_differences(f, X, method="complex"), f(X)
    there = elasticities(J, X, F)
    np.testing.assert_allclose(elasticities(7 * J / c, X * c, 7 * F), there, rtol=1e-9)
    for i, k in np.ndindex(F.shape):
        np.testing.assert_allclose(
            elasticities(J[i, k], X[i], F[i, k]), there[i, k], rtol=1e-12
        )


def test_each_method_is_of_its_order():
    """A step ten times smaller leaves an error 10, 10², 10⁴ times smaller."""
    step = {"forward": 1e-4, "central": 1e-3, "richardson": 3e-2, "complex": 1e-3}
    for method, order in {
        "forward": 1,
        "central": 2,
        "richardson": 4,
        "complex": 2,
    }.items():
        large, small = (
            finite_differences(
                lambda x: np.exp(x[0]) * np.sin(x[0]), [0.7], method=method, step=s
            )[0]
            - math.exp(0.7) * (math.sin(0.7) + math.cos(0.7))
            for s in (step[method], step[method] / 10)
        )
        assert math.log10(large / small) == pytest.approx(order, abs=0.15), method


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_evaluations(method):
    calls = []

    def counted(x):
        calls.append(x)
        return np.sin(x).sum()

    finite_differences(counted, np.zeros(5), method=method)
    assert (
        len(calls)
        == {"forward": 6, "central": 10, "richardson": 20, "complex": 10}[method]
    )


def test_the_step_grows_with_the_value():
    for x in (1e-3, 1.0, 1e6, 1e12):
        found = finite_differences(
            lambda x: np.log(x[0]), [x], step=1e-6 if x < 1 else None
        )[0]
        assert found == pytest.approx(1 / x, rel=1e-6)
    fixed = (np.log(1e12 + 1e-6) - np.log(1e12 - 1e-6)) / 2e-6
    assert fixed == 0  # a step that does not grow is lost among the digits


# --- references
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scipy_and_with_torch_func(method, seed):
    (f, torch_f), X = network(seed), normal(seed, 6, 4)
    ours = finite_differences(f, X, method=method)
    theirs = scipy.differentiate.jacobian(
        lambda x: np.moveaxis(f(np.moveaxis(x, 0, -1)), -1, 0),
        X.T,
        tolerances={"rtol": 1e-12},
    ).df  # (outputs, features, rows)
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(
        ours, np.moveaxis(theirs, -1, 0), rtol=0, atol=ACCURACY[method] * 10 * scale
    )
    rows = torch.from_numpy(X)
    by_autograd = batch_jacobian(torch_f, rows, internal_batch_size=4)
    by_torch_func = torch.func.vmap(torch.func.jacrev(lambda x: torch_f(x[None])[0]))(
        rows
    )
    torch.testing.assert_close(by_autograd, by_torch_func, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        ours, by_autograd, rtol=0, atol=ACCURACY[method] * 10 * scale
    )


def test_images_and_single_outputs_keep_their_shapes():
    images = torch.from_numpy(normal(0, 5, 2, 3, 3))
    kernel = torch.from_numpy(normal(1, 4, 18))
    assert batch_jacobian(lambda x: x.flatten(1) @ kernel.T, images).shape == (
        5,
        4,
        2,
        3,
        3,
    )
    one = batch_jacobian(
        lambda x: x.flatten(1).square().sum(1), images, internal_batch_size=2
    )
    torch.testing.assert_close(one, 2 * images)
    assert finite_differences(lambda x: x.sum(), [1, 2]).shape == (2,)
    assert finite_differences(lambda x: np.outer(x, x)[0], [1.0, 2.0]).shape == (2, 2)
    assert finite_differences(lambda X: X[:, 0], [[1, 2]]).shape == (1, 2)


# --- what must not be touched
# -----------------------------------------------------------------------------------


def test_a_model_is_explained_as_it_predicts_and_put_back():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(4, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(8, 2),
        )
    net[1].running_mean.fill_(0.3)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    X = torch.from_numpy(normal(0, 6, 4)).float()
    before, generator = X.clone(), torch.get_rng_state()
    whole = batch_jacobian(net, X)
    torch.testing.assert_close(whole, batch_jacobian(net, X, internal_batch_size=1))
    with torch.no_grad():
        torch.testing.assert_close(whole, batch_jacobian(net, X))
    assert net.training
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(X, before)
    assert not X.requires_grad
    assert torch.equal(generator, torch.get_rng_state())


def test_inputs_are_not_written_to_and_may_be_anything():
    def writes(X):
        X[:] = np.sin(X)
        return X.sum(-1)

    single = np.array([[1, 2], [3, 4]], np.float32)
    single.flags.writeable = False
    expected = np.cos([[1.0, 2], [3, 4]])
    for inputs in (
        single,
        single.tolist(),
        single.astype(int),
        torch.tensor(single.tolist()),
    ):
        np.testing.assert_allclose(
            finite_differences(writes, inputs), expected, atol=1e-9
        )


def test_progress():
    lengths = []

    def bar(iterable):
        lengths.append(len(iterable))
        yield from iterable

    finite_differences(lambda X: X.sum(1), np.zeros((4, 3)), progress=bar)
    batch_jacobian(
        lambda x: x.square().sum(1),
        torch.zeros(4, 3),
        internal_batch_size=3,
        progress=bar,
    )
    assert lengths == [3, 2]


def test_one_batch_of_rows_at_a_time():
    sizes = []

    def model(x):
        sizes.append(len(x))
        return x.square().sum(1)

    batch_jacobian(model, torch.zeros(7, 3), internal_batch_size=3)
    assert sizes == [3, 3, 1]


# --- bad input
# --------------------------------------------------------------------------------------

ROWS = normal(0, 3, 3)
OTHER_ROWS = (
    "function: got other outputs for the same rows in another order, expected each row "
    "by itself (a function of one "
    "row takes one point at a time) and the same values in every call (fix its random "
    "numbers)"
)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"inputs": [[1.0, np.nan]]},
            ValueError,
            "inputs: got NaN or infinity, expected finite numbers only",
        ),
        ({"inputs": []}, ValueError, "inputs: got an empty array of shape (0,)"),
        (
            {"inputs": 1.0},
            ValueError,
            "inputs: got shape (), expected (n_features,) or (n, n_features)",
        ),
        ({"inputs": ["a"]}, TypeError, "inputs: got <U1, expected real numbers"),
        (
            {"method": "backward"},
            ValueError,
            "method: got 'backward', expected one of 'forward', 'central', "
            "'richardson', 'complex'",
        ),
        (
            {"step": 0.0},
            ValueError,
            "step: got 0.0, expected a positive number that changes every input when "
            "added to it",
        ),
        (
            {"step": 1e-20},
            ValueError,
            "step: got 1e-20, expected a positive number that changes every input when "
            "added to it",
        ),
        ({"step": np.nan}, ValueError, "step: got nan, expected a finite number"),
        (
            # of one row, and as many rows as columns: the shape looks right
            {"function": lambda X: X[0]},
            ValueError,
            OTHER_ROWS,
        ),
        (
            {"function": lambda X: np.random.default_rng().normal(size=len(X))},
            ValueError,
            OTHER_ROWS,
        ),
        (
            {
                "function": lambda X: np.sin(X[0]) + np.cos(X[1]),
                "inputs": normal(0, 5, 2),
            },
            ValueError,
            "function: got outputs of shape (2,) for inputs (5, 2), expected (5,) or "
            "(5, n_outputs), each row "
            "by itself",
        ),
        (
            {"function": lambda x: np.outer(x, x), "inputs": [1.0, 2.0]},
            ValueError,
            "function: got outputs of shape (2, 2) for inputs (2,), expected a number "
            "or a vector",
        ),
        (
            {"function": lambda X: X[:, 0] / 0 * 0},
            ValueError,
            "function: outputs: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"function": lambda X: X.sum(1).astype(np.float32)},
            TypeError,
            "function: got float32 outputs, whose rounding would drown the "
            "differences: compute in float64 (a network: "
            "model.double())",
        ),
        (
            {"function": lambda X: None},
            TypeError,
            "function: got outputs of type object, expected numbers",
        ),
        (
            {"function": lambda X: abs(X).sum(1), "method": "complex"},
            ValueError,
            "function: got float64 outputs, expected complex numbers from complex "
            "inputs",
        ),
        (
            {"function": lambda X: X.sum(1) * 1j},
            ValueError,
            "function: got complex128 outputs, expected real numbers",
        ),
        (
            {"function": lambda x: x[x > 0], "inputs": [0.0, 1.0]},
            ValueError,
            "function: got outputs of shape (2,) and then (1,), expected one shape",
        ),
    ],
)
def test_bad_arguments_of_finite_differences(bad, error, message):
    options = {"function": lambda X: X.sum(1), "inputs": ROWS} | bad
    with np.errstate(all="ignore"), pytest.raises(error) as refusal:
        finite_differences(options.pop("function"), options.pop("inputs"), **options)
    assert str(refusal.value) == message


def test_a_function_that_raises_half_way_shows_its_own_error():
    calls = []

    def breaks(X):
        calls.append(1)
        if len(calls) == 5:
            raise ZeroDivisionError("row 17 has no mass")
        return X.sum(1)

    with pytest.raises(ZeroDivisionError, match=r"^row 17 has no mass$"):
        finite_differences(breaks, ROWS)
    with pytest.raises(IndexError, match="out of bounds"):
        finite_differences(lambda X: X[:, 9], ROWS)


def raises(message):
    def model(_):
        raise RuntimeError(message)

    return model


T = torch.from_numpy(ROWS)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"inputs": ROWS},
            TypeError,
            "inputs: got ndarray, expected a tensor: a function of arrays has no "
            "gradient (shapley_values, sampled_shapley_values, occlusion, lime, "
            "permutation_importance and partial_dependence need none)",
        ),
        (
            {"inputs": T.long()},
            TypeError,
            "inputs: got torch.int64, expected floating point: integers, such as the "
            "ids of tokens, have no gradient "
            "(explain the embeddings instead)",
        ),
        (
            {"inputs": T * math.nan},
            ValueError,
            "inputs: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"internal_batch_size": 0},
            ValueError,
            "internal_batch_size: got 0, expected an integer of at least 1",
        ),
        (
            {"model": lambda x: x.sum()},
            ValueError,
            "model: got outputs of shape (), expected (3,) or (3, outputs)",
        ),
        (
            {"model": lambda x: x.tolist()},
            TypeError,
            "model: got an output of type list, which has no gradient "
            "(shapley_values, sampled_shapley_values, occlusion, lime, "
            "permutation_importance and partial_dependence need none)",
        ),
        (
            {"model": lambda x: x.detach()},
            ValueError,
            "model: got an output that has no gradient with respect to the inputs",
        ),
        (
            {
                "model": lambda x: (
                    x.detach() @ torch.ones(3, 1, dtype=F64, requires_grad=True)
                )
            },
            ValueError,
            "model: got an output that has no gradient with respect to the inputs",
        ),
        (
            {"model": lambda x: x / 0},
            ValueError,
            "model: outputs: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"model": lambda x: (x * 0).sqrt()},
            ValueError,
            "model: derivatives: got NaN or infinity, expected finite numbers only",
        ),
        ({"model": raises("no such layer")}, RuntimeError, "no such layer"),
    ],
)
def test_bad_arguments_of_batch_jacobian(bad, error, message):
    options = {"model": lambda x: x.square(), "inputs": T} | bad
    with pytest.raises(error) as refusal:
        batch_jacobian(options.pop("model"), options.pop("inputs"), **options)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            {"outputs": 0.0},
            "outputs: got zero, which has no percentage; use the derivatives "
            "themselves",
        ),
        ({"outputs": [1.0, 2.0]}, "derivatives: got shape (2,), expected (2, 2)"),
        ({"derivatives": [1.0]}, "derivatives: got shape (1,), expected (2,)"),
        (
            {"derivatives": [1.0, np.inf]},
            "derivatives: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"inputs": [1.0, np.nan]},
            "inputs: got NaN or infinity, expected finite numbers only",
        ),
        (
            {"inputs": [[1.0, 2.0]], "outputs": 3.0},
            "outputs: got shape (), expected (1,) or (1, n_outputs)",
        ),
    ],
)
def test_bad_arguments_of_elasticities(bad, message):
    options = {"derivatives": [1.0, 2.0], "inputs": [1.0, 2.0], "outputs": 3.0} | bad
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the whole message is compared)
        elasticities(**options)
    assert str(refusal.value) == message


def test_a_network_of_the_course():
    """ReLU networks have kinks; away from them the two roads meet in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = mlp(3, [8], 2).double()
    X = normal(3, 20, 3)
    away = (net[0](torch.from_numpy(X)).abs() > 1e-3).all(1).numpy()
    by_differences = finite_differences(
        lambda X: net(torch.from_numpy(X)).detach().numpy(), X
    )
    by_autograd = batch_jacobian(net, torch.from_numpy(X)).numpy()
    assert away.sum() > 15
    np.testing.assert_allclose(by_differences[away], by_autograd[away], atol=1e-9)


# --- the complex step is for analytic functions, and a step for each feature ----------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: abs(x) * x,
        lambda x: abs(x) ** 2 + 0j,
        lambda x: np.conj(x) * np.exp(x),
        lambda x: np.where(abs(x) > 0, abs(x), x) + 0j,
        lambda x: np.sqrt(x * np.conj(x)),
        lambda x: 1e6 + 1e-3 * abs(x) * x,
    ],
)
def test_a_function_that_is_not_analytic_is_refused(function):
    for inputs in ([1.0, -2.0], [[1.0, -2.0], [0.3, 4.0]]):
        with pytest.raises(ValueError, match="expected an analytic function"):
            finite_differences(function, inputs, method="complex")
    slopes = finite_differences(lambda x: abs(x) * x, [1.0, -2.0])
    np.testing.assert_allclose(np.diag(slopes), [2, 4], atol=1e-8)


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: 1 + x**3, 0.0, 0.0),
        (lambda x: np.sin(1e8 * x), 1e-9, 1e8 * np.cos(0.1)),
        (np.exp, 20.0, np.exp(20.0)),
        (lambda x: 1e12 + x, 1.0, 1.0),
        (lambda x: 0 * x, 1.0, 0.0),
        (lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3), 1.5, 3.6220337007),
        (lambda x: np.tanh(50 * x), 0.01, 50 / np.cosh(0.5) ** 2),
    ],
)
def test_an_analytic_function_is_not_refused(function, x, slope):
    found = finite_differences(function, [x], method="complex")
    np.testing.assert_allclose(found, [[slope]], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("step", [1e-200, 1e-3, 0.5])
def test_no_step_makes_an_analytic_function_suspicious(step):
    rows = np.random.default_rng(0).normal(size=(200, 2))
    found = finite_differences(
        lambda x: np.sin(x[:, 0]) + np.cos(x[:, 1]), rows, method="complex", step=step
    )
    h = step * np.maximum(1.0, np.abs(rows))
    right = np.column_stack([np.cos(rows[:, 0]), -np.sin(rows[:, 1])])
    np.testing.assert_allclose(found, right * np.sinh(h) / h, rtol=1e-9)


def test_a_step_for_each_feature():
    """A column that varies over 1e-6 beside one that varies over 1e6."""

    def function(x):
        return np.sin(1e6 * x[..., 0]) + np.sin(1e-6 * x[..., 1])

    inputs = np.array([1e-6, 0.5])
    right = [1e6 * np.cos(1.0), 1e-6 * np.cos(5e-7)]
    found = finite_differences(function, inputs, step=[6e-12, 6.0])
    np.testing.assert_allclose(found, right, rtol=1e-7)
    for one in (6e-12, 6.0):
        alone = finite_differences(function, inputs, step=one)
        assert not np.allclose(alone, right, rtol=1e-7, atol=0)
    rows = finite_differences(function, [inputs, inputs], step=[6e-12, 6.0])
    np.testing.assert_array_equal(rows, [found, found])
    with pytest.raises(ValueError, match=r"step: got shape \(3,\), expected \(2,\)"):
        finite_differences(function, inputs, step=[1e-6] * 3)
    with pytest.raises(ValueError, match="expected a positive number"):
        finite_differences(function, inputs, step=[1e-6, 0])


class Cubed(torch.autograd.Function):
    """Its derivative leaves PyTorch, so that no several can be taken together."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        return torch.from_numpy(3 * x.detach().numpy() ** 2 * slope.numpy())


@pytest.mark.parametrize("cube", [Cubed.apply, lambda x: x**3])
def test_derivatives_of_a_model_that_takes_one_pass_at_a_time(cube):
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    found = batch_jacobian(lambda x: cube(x) @ torch.tensor([[1.0, 0], [2, 1]]), x)
    # x1^3 + 2 x2^3 and x2^3
    expected = [[[3.0, 24.0], [0.0, 12.0]], [[27.0, 6.0], [0.0, 3.0]]]
    assert found.tolist() == expected


def test_the_passes_of_all_outputs_are_made_together():
    passes = []

    class Watched(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return 2 * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(_, slope):
            passes.append(1)
            return 2 * slope

    batch_jacobian(lambda x: Watched.apply(x) @ torch.ones(3, 50), torch.ones(4, 3))
    assert len(passes) == 1
