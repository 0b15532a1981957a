"""The importance penalty: value and gradient are the formula's, strength 0 is plain
training, and attribution falls.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xaicourse.attribution import gradient_shap
from xaicourse.fairness import importance_penalty, train_with_less_importance
from xaicourse.networks import accuracy, train_mlps

F64 = torch.float64


def rows_of(seed, n=7, d=4):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)))


ALPHA = torch.linspace(0, 1, 7, dtype=F64)


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_a_linear_model_has_a_closed_form_whatever_the_places(w, seed):
    weights, x = torch.tensor(w, dtype=F64), rows_of(seed)
    found = importance_penalty(lambda z: z @ weights, x, columns=[0, 2], alpha=ALPHA)
    step = x - x.roll(1, 0)
    expected = ((step * weights)[:, [0, 2]] ** 2).sum(1).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


def test_columns_that_the_model_does_not_hear_cost_nothing():
    assert (
        importance_penalty(
            lambda z: z[..., 0] ** 2 + z[..., 3],
            rows_of(0),
            columns=[1, 2],
            alpha=ALPHA,
        )
        == 0
    )


def check_gradient(penalty):
    """The gradient with respect to the weights agrees with central differences."""
    weights = torch.from_numpy(
        np.random.default_rng(1).normal(size=(4, 5))
    ).requires_grad_()
    x = rows_of(2)

    def value(w):
        return penalty(lambda z: torch.tanh(z @ w).sum(-1), x)

    (slope,) = torch.autograd.grad(value(weights), weights, allow_unused=True)
    assert slope is not None
    numeric = torch.zeros_like(weights)
    for i in np.ndindex(*weights.shape):
        h = torch.zeros_like(weights)
        h[i] = 1e-5
        numeric[i] = (
            value(weights.detach() + h) - value(weights.detach() - h)
        ).detach() / 2e-5
    assert torch.allclose(slope, numeric, atol=1e-7)


def test_second_derivatives_agree_with_differences():
    check_gradient(lambda f, x: importance_penalty(f, x, columns=[1], alpha=ALPHA))


def test_the_mutant_that_forgets_the_second_derivative_is_rejected():
    def forgetful(f, x):
        value = importance_penalty(f, x, columns=[1], alpha=ALPHA)
        return value.detach() + 0 * f(x).sum()

    with pytest.raises(AssertionError):
        check_gradient(forgetful)


def data(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    # says much of what column 0 says
    X[:, 2] = 0.9 * X[:, 0] + 0.44 * rng.normal(size=n)
    return X, (X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=n) > 0)


X, Y = data()


def contribution(net, column):
    x = torch.from_numpy(X[:200]).float()
    return float(
        gradient_shap(net, x, baselines=x, n_samples=20).values[:, column].abs().mean()
    )


def test_strength_zero_is_plain_training_to_the_bit():
    options = {"hidden": [8], "max_epochs": 4}
    plain = train_mlps(X, Y, seeds=[3], patience=4, **options)[0].state_dict()
    for strengths in ([0.0], [0.0, 2.0]):
        net = train_with_less_importance(
            X, Y, columns=[0], strengths=strengths, seed=3, **options
        )[0].state_dict()
        assert all(
            torch.allclose(net[k], plain[k], atol=0 if len(strengths) == 1 else 1e-6)
            for k in plain
        )


def test_more_strength_less_attribution_and_the_proxy_takes_over():
    nets = train_with_less_importance(
        X, Y, columns=[0], strengths=[0, 0.3, 10], max_epochs=20
    )
    heard = [contribution(net, 0) for net in nets]
    assert heard[0] > 2 * heard[1] > 4 * heard[2]
    assert heard[0] > 10 * heard[2]
    assert contribution(nets[2], 2) > 10 * heard[2]
    assert accuracy(nets[2], X, Y) > 0.8


def test_same_seed_same_bits_and_the_global_state_is_left_alone():
    state = torch.get_rng_state()
    options = {"columns": [0], "strengths": [1.0], "hidden": [4], "max_epochs": 1}
    first, again, other = (
        train_with_less_importance(X, Y, seed=s, **options)[0][0].weight
        for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


BAD = [
    ({"columns": []}, ValueError, r"columns: got \[\]"),
    (
        {"columns": [3]},
        ValueError,
        r"columns: got \[3\], expected different positions from 0 to 2",
    ),
    ({"columns": [1, 1]}, ValueError, r"columns: got \[1, 1\]"),
    ({"columns": [0.5]}, TypeError, "columns: got 0.5"),
    ({"strengths": []}, ValueError, "strengths: got none"),
    ({"strengths": [-1]}, ValueError, "strengths: got -1"),
    ({"strengths": [np.nan]}, ValueError, "strengths: got nan"),
    ({"seed": -1}, ValueError, "seed: got -1"),
    ({"X": X * np.nan}, ValueError, "X: got NaN"),
    ({"y": np.zeros(len(X))}, ValueError, "y: got one class only"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {"X": X, "y": Y, "columns": [0], "max_epochs": 1} | bad
    with pytest.raises(error, match=message):
        train_with_less_importance(options.pop("X"), options.pop("y"), **options)


def test_bad_places():
    with pytest.raises(ValueError, match=r"alpha: got shape \(3,\), expected \(7,\)"):
        importance_penalty(
            lambda z: z.sum(-1), rows_of(0), columns=[0], alpha=torch.zeros(3)
        )
