"""Grading measures against closed forms, their chance levels, and libraries; a wrong
version is seen to fail.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from xaicourse.evaluation import (
    deletion_insertion,
    effect_correlation,
    max_sensitivity,
    parameter_randomisation,
    pointing_game,
    relevance_mass,
    relevance_rank,
)
from xaicourse.networks import mlp

MASK = np.zeros((4000, 4, 5), bool)
MASK[:, 1:3, 1:4] = True
LOCAL = [pointing_game, relevance_mass, relevance_rank]


@pytest.mark.parametrize("measure", LOCAL)
def test_chance_is_the_share_of_the_mask(measure) -> None:
    draws = np.random.default_rng(0).random(MASK.shape)
    scores = measure(draws, MASK)
    z = 3.3 * scores.std() / len(scores) ** 0.5
    assert abs(scores.mean() - 6 / 20) < z
    # what says nothing scores at chance
    assert np.allclose(measure(np.ones((2, 4, 5)), MASK[:2]), 6 / 20)
    assert np.allclose(measure(np.zeros((2, 4, 5)), MASK[:2]), 6 / 20)


@pytest.mark.parametrize("measure", LOCAL)
def test_the_truth_scores_one_and_its_opposite_nothing(measure) -> None:
    assert np.array_equal(measure(MASK[:2], MASK[:2]), [1, 1])
    assert np.array_equal(measure(~MASK[:2], MASK[:2]), [0, 0])


def test_literal_values() -> None:
    values = np.array([[4.0, -1.0, 3.0, 2.0, 0.0, 1.0]])
    mask = np.array([[True, True, False, True, False, False]])
    assert pointing_game(values, mask) == 1
    assert relevance_mass(values, mask) == pytest.approx(0.6)
    assert relevance_rank(values, mask) == pytest.approx(2 / 3)
    assert effect_correlation(
        [[1.0, -2.0, 3.0, 4.0]], [[1.0, 2.0, 4.0, -3.0]]
    ) == pytest.approx(0.8)


def test_the_first_of_tied_places_would_be_a_biased_rule() -> None:
    """Argmax takes the first of equal values: a constant map would win whenever the
    mask lies at the start.
    """
    mask = np.array([[True, False, False, False]])
    mutant = np.take_along_axis(mask, np.argmax(np.ones((1, 4)), axis=1)[:, None], 1)
    assert mutant.mean() == 1.0
    assert pointing_game(np.ones((1, 4)), mask) == 0.25


@given(st.integers(0, 10**6), st.integers(3, 12))
@settings(max_examples=25, deadline=None)
def test_correlation_is_scipys_and_scores_ignore_units(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-4, 5, (2, 3, d)).astype(float)
    a[:, 0], b[:, 0] = 9, 8  # never constant
    expected = [spearmanr(abs(x), abs(y)).statistic for x, y in zip(a, b, strict=True)]
    assert np.allclose(effect_correlation(a, b), expected)
    mask = np.zeros((3, d), bool)
    mask[:, : d // 2] = True
    for measure in LOCAL:
        assert np.allclose(measure(abs(a), mask), measure(7 * abs(a), mask))


def test_curves_of_a_sum_and_of_a_random_order() -> None:
    x = torch.tensor([[3.0, 1.0, 2.0]], dtype=torch.float64)
    best = deletion_insertion(lambda rows: rows.sum(1), x, x)
    assert best.deletion.tolist() == [[6, 3, 1, 0]]
    assert best.insertion.tolist() == [[0, 3, 5, 6]]
    assert best.gain.item() == pytest.approx((3 + 5 + 3 - 3 - 1 - 3) / 3)
    worst = deletion_insertion(lambda rows: rows.sum(1), x, -x)
    assert worst.gain.item() == pytest.approx(-best.gain.item())
    every = torch.tensor(
        [[2.0, 1, 0], [2, 0, 1], [1, 2, 0], [0, 2, 1], [1, 0, 2], [0, 1, 2]]
    )
    gains = deletion_insertion(
        lambda rows: rows.prod(1) + rows[:, 0] ** 2,
        x.expand(6, 3),
        every,
        baselines=0.5,
    ).gain
    # the mean over all orders: chance is exactly 0
    assert gains.mean().item() == pytest.approx(0, abs=1e-12)


def test_sensitivity_of_a_linear_explanation() -> None:
    """Φ(x) = x changes by at most r in each of d places."""
    x = torch.tensor([[3.0, 4.0]])
    found = max_sensitivity(lambda rows: rows, x, radius=0.1, n_samples=400).item()
    assert 0.9 * 0.1 * 2**0.5 / 5 < found <= 0.1 * 2**0.5 / 5


def test_randomisation_tells_the_gradient_from_the_input() -> None:
    torch.manual_seed(0)
    model = mlp(30, [20])
    x = torch.randn(6, 30)
    before = {k: v.clone() for k, v in model.state_dict().items()}

    def gradient(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        leaf = rows.clone().requires_grad_()
        return torch.autograd.grad(network(leaf).sum(), leaf)[0]

    assert abs(parameter_randomisation(model, gradient, x).mean()) < 0.25
    assert np.allclose(parameter_randomisation(model, lambda _, rows: rows, x), 1)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    again = [parameter_randomisation(model, gradient, x, seed=3) for _ in range(2)]
    assert np.array_equal(*again)


def gradient_of(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    leaf = rows.clone().requires_grad_()
    return torch.autograd.grad(network(leaf).sum(), leaf)[0]


def test_randomisation_starts_each_layer_as_training_does() -> None:
    """Norm layers that never trained have weights of 1 and no spread: the normal draw
    of that spread would be a dead network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.LayerNorm(16),
            nn.Linear(16, 1),
        ).eval()  # fmt: skip
    x = torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    seen = []

    def explain(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        seen.append(network)
        return gradient_of(network, rows)

    state = torch.get_rng_state()
    alike = parameter_randomisation(model, explain, x, n_samples=40)
    assert torch.equal(torch.get_rng_state(), state)
    assert (alike != 0).all()
    assert abs(alike.mean()) < 0.2
    fresh = [network for network in seen if network is not model]
    assert len(fresh) == 40
    for network in fresh:
        assert torch.equal(network[1].weight, torch.ones(16))
        assert 0.9 * 8**-0.5 < network[0].weight.abs().max() <= 8**-0.5
        assert not torch.equal(network[0].weight, model[0].weight)


def test_randomisation_shuffles_what_has_no_initialisation() -> None:
    class Scales(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.arange(1.0, 7))

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows @ self.weight

    seen = []

    def explain(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        seen.append(network.weight.detach().clone())
        return gradient_of(network, rows)

    parameter_randomisation(Scales(), explain, torch.ones(1, 6), n_samples=3)
    assert all(w.sort().values.tolist() == [1, 2, 3, 4, 5, 6] for w in seen)
    assert not torch.equal(seen[0], seen[1])


def test_what_is_zero_in_both_explanations_does_not_make_them_alike() -> None:
    """A picture that is dark in nine places of ten, as the explanation of two networks
    whose maps agree by 1/2 where there is light.
    """
    lit = torch.zeros(1, 30)
    lit[0, [4, 11, 29]] = 1.0
    maps = iter([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])

    def explain(_: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        found = rows.clone()
        found[rows > 0] = torch.tensor(next(maps))
        return found

    alike = parameter_randomisation(nn.Linear(30, 1), explain, lit, n_samples=1)
    assert alike == pytest.approx([0.5])
    one = torch.zeros(1, 30)
    one[0, 7] = 3.0
    found = parameter_randomisation(nn.Linear(30, 1), lambda _, rows: rows, one)
    assert found == pytest.approx([1.0])


@pytest.mark.parametrize("rows", [1, 5])
def test_curves_take_no_more_memory_than_a_batch(rows: int) -> None:
    class Largest(TorchDispatchMode):
        size = 0

        def __torch_dispatch__(self, func, _types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                self.size = max(self.size, out.numel())
            return out

    x = torch.randn(rows, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    with Largest() as largest:
        curves = deletion_insertion(
            lambda z: z.flatten(1).sum(1), x, x, internal_batch_size=4
        )
    assert largest.size <= 2 * max(rows, 4) * 1201
    assert curves.deletion.shape == (rows, 1201)


ONES = np.ones((2, 3))
X = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pointing_game(ONES, np.ones((2, 2), bool)),
            "mask: got shape (2, 2), expected (2, 3)",
        ),
        (
            lambda: pointing_game(ONES * np.nan, ONES > 0),
            "attributions: got NaN or infinity",
        ),
        (lambda: relevance_mass(ONES, ONES > 0), "mask: got one that is empty or full"),
        (lambda: relevance_rank(ONES, ONES < 0), "mask: got one that is empty or full"),
        (
            lambda: relevance_rank(ONES, ONES),
            "mask: got float64, expected True and False",
        ),
        (lambda: effect_correlation(ONES, ONES[:1]), "effects: got shape (1, 3)"),
        (
            lambda: effect_correlation([0.1, -0.9, 0.4], [1.0, 3.0, 2.0]),
            "attributions: got shape (3,), expected rows (n, ...)",
        ),
        (
            lambda: pointing_game([0.1, -0.9, 0.4], [True, False, False]),
            "attributions: got shape (3,), expected rows (n, ...)",
        ),
        (
            lambda: parameter_randomisation(
                nn.Linear(3, 1), lambda _, x: torch.zeros_like(x), X
            ),
            "explain: got an explanation of one size, such as zeros",
        ),
        (
            lambda: deletion_insertion(lambda x: x.sum(1), X, X[:1]),
            "attributions: got shape (1, 3)",
        ),
        (lambda: max_sensitivity(lambda x: x[:1], X), "explain: got shape (1, 3)"),
        (
            lambda: max_sensitivity(torch.zeros_like, X),
            "explain: got an explanation of zeros",
        ),
        (
            lambda: parameter_randomisation(
                nn.Linear(3, 1), lambda _, x: x, torch.rand(2, 3), n_samples=0
            ),
            "n_samples: got 0",
        ),
    ],
)
def test_bad_arguments(call, message) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()
