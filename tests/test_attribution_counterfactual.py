"""Counterfactuals: the loss is DiCE's, answers are valid, near, apart and possible, and
the model stays as it was.
"""

import dataclasses
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xaicourse.attribution import counterfactuals
from xaicourse.attribution.counterfactual import diversity, margin

F64 = torch.float64


def plane(x):
    return x[:, 0] + 2 * x[:, 1] - x[:, 2] - 2


def network(n_outputs=1, d=6):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(d, 12), nn.Tanh(), nn.Dropout(0.5), nn.Linear(12, n_outputs)
        ).double()
        with torch.no_grad():
            net[0].weight *= 2
            net[3].weight *= 6
    return net.requires_grad_(requires_grad=False)


ROW = torch.tensor([[0.3, -0.2, 0.8, 1.0, 0.0, 0.0]], dtype=F64)


# --- the loss -------------------------------------------------------------------------


def check_determinant(det):
    assert float(
        det(torch.tensor([[0.0], [1.0]], dtype=F64), torch.ones(1, dtype=F64))
    ) == pytest.approx(0.75020001)


def test_diversity_is_the_published_number():
    check_determinant(diversity)
    check_determinant(lambda rows, scales: diversity(5 * rows, 5 * scales))


def test_the_mutant_without_the_diagonal_is_rejected():
    with pytest.raises(AssertionError):
        check_determinant(
            lambda rows, scales: torch.det(
                1 / (1 + (rows[:, None] - rows).abs().sum(2))
            )
        )


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=2, max_size=5)
)
@settings(max_examples=40, deadline=None)
def test_diversity_lies_between_equal_rows_and_rows_far_apart(values):
    rows, k = torch.tensor(values, dtype=F64), len(values)
    ones = torch.ones(3, dtype=F64)
    least = float(diversity(rows[:1].expand(k, 3), ones))
    assert least == pytest.approx((1e-4) ** (k - 1) * (k + 1e-4), rel=1e-3)
    assert least * (1 - 1e-3) <= float(diversity(rows, ones)) <= 1.0001**k * (1 + 1e-9)
    assert float(
        diversity(rows * 1e9 + torch.arange(k)[:, None] * 1e12, ones)
    ) == pytest.approx(1.0001**k)
    assert float(diversity(rows.flip(0), ones)) == pytest.approx(
        float(diversity(rows, ones)), rel=1e-6
    )


def test_margins():
    one, three = torch.tensor([[2.0], [-1.0]]), torch.tensor([[1.0, 3.0, 2.0]])
    assert margin(one, 1).tolist() == [2, -1]
    assert margin(one, 0).tolist() == [-2, 1]
    assert [margin(three, c).item() for c in range(3)] == [-2, 1, -1]


# --- the answers ----------------------------------------------------------------------


def test_without_diversity_a_plane_is_crossed_by_the_column_that_does_it_cheapest():
    # Per unit of distance the second column moves the logit twice as far; it pays for
    # the hinge's margin too.
    found = counterfactuals(
        plane,
        torch.zeros(1, 3, dtype=F64),
        target=1,
        n_counterfactuals=3,
        diversity_weight=0.0,
    )
    assert found.valid.all()
    assert found.stopped == "converged"
    assert (found.values[:, 1] >= 1).all()
    assert (plane(found.values) < 1.2).all()
    assert (found.values[:, [0, 2]] == 0).all()
    dear = counterfactuals(
        plane,
        torch.zeros(1, 3, dtype=F64),
        target=1,
        n_counterfactuals=3,
        diversity_weight=0.0,
        scales=torch.tensor([1.0, 0.1, 1.0], dtype=F64),
    )
    assert dear.valid.all()
    # where a unit of it is ten times as far, another column does it
    assert (dear.values[:, 1].abs() < 0.2).all()


def linear_cases():
    """Linear models of six columns, and the least change that crosses each: of the
    column that does most for its distance.
    """
    for seed in range(20):
        draw = torch.Generator().manual_seed(seed)
        weights = torch.randn(6, generator=draw, dtype=F64)
        yield seed, lambda x, w=weights: x @ w - 2, 2 / float(weights.abs().max())


def test_answers_change_about_as_little_as_a_linear_model_needs():
    x, ratios = torch.zeros(1, 6, dtype=F64), []
    for seed, model, least in linear_cases():
        found = counterfactuals(model, x, target=1, n_counterfactuals=1, seed=seed)
        assert found.valid.all()
        ratios.append(float(found.values.abs().sum()) / least)
    assert min(ratios) > 1 - 1e-9
    assert np.median(ratios) < 1.02
    assert max(ratios) < 1.7


def test_no_changed_column_can_move_back_and_no_two_answers_are_alike():
    x = torch.zeros(1, 6, dtype=F64)
    for seed, model, _ in linear_cases():
        found = counterfactuals(model, x, target=1, n_counterfactuals=3, seed=seed)
        distance = torch.cdist(found.values, found.values, p=1)
        assert (distance + torch.eye(3) > 9e-4).all()
        for i, row in enumerate(found.values):
            others = torch.cat([found.values[:i], found.values[i + 1 :]])
            for j in torch.nonzero(row).flatten():
                back = row.clone()
                back[j] *= 0.99
                # an answer of the same column alone holds the place
                rest = torch.arange(6) != j
                held = ((others - row)[:, rest].abs().sum(1) < 2e-3).any()
                assert model(back[None]).item() <= 0 or held


def test_columns_exist_at_their_choices_only_and_validity_is_that_of_the_answer():
    menu = [0.0, 0.25, 0.5, 1.0, 2.0]
    row = torch.tensor([[0.3, 0.1, 0.0]], dtype=F64)
    for seed in range(5):
        found = counterfactuals(
            plane, row, target=1, n_counterfactuals=3, seed=seed,
            choices={0: menu, 1: menu}, ranges=([-3, 0, -3], [3, 2, 3]),
            actionable=[0, 1],
        )  # fmt: skip
        assert set(found.values[:, 0].tolist()) <= {*menu, 0.3}
        assert set(found.values[:, 1].tolist()) <= {*menu, 0.1}
        assert found.valid.all()
        assert torch.equal(found.valid, plane(found.values) > 0)


def test_of_two_choices_that_suffice_the_nearer_is_told():
    model, x = lambda x: x[:, 0] - 827, torch.zeros(1, 1, dtype=F64)
    found = counterfactuals(
        model, x, target=1, n_counterfactuals=1, scales=[1000.0], max_steps=300,
        choices={0: [0, 250, 500, 1000, 2000]}, learning_rate=50.0,
    )  # fmt: skip
    assert found.values.tolist() == [[1000.0]]
    free = counterfactuals(
        model, x, target=1, n_counterfactuals=1, scales=[1000.0], max_steps=300,
        learning_rate=50.0,
    )  # fmt: skip
    assert 827 < free.values.item() < 828
    none = counterfactuals(
        model, x, target=1, n_counterfactuals=1, scales=[1000.0], max_steps=30,
        choices={0: [0, 250, 500]}, learning_rate=50.0,
    )  # fmt: skip
    assert not none.valid.any()


def test_diversity_spreads_the_answers():
    spread = [
        float(
            diversity(
                counterfactuals(
                    plane, torch.zeros(1, 3, dtype=F64), target=1, diversity_weight=w
                ).values,
                torch.ones(3, dtype=F64),
            )
        )
        for w in (0.0, 1.0)
    ]
    assert spread[1] > spread[0] + 0.1


def check_possible(found, row, actionable, *, low, high, block):
    fixed = [j for j in range(row.shape[1]) if j not in actionable]
    assert torch.equal(
        found.values[:, fixed], row.expand(len(found.values), -1)[:, fixed]
    )
    assert (found.values[:, actionable] >= low[actionable]).all()
    assert (found.values[:, actionable] <= high[actionable]).all()
    assert (
        found.values[:, block].sort(1).values == torch.tensor([0.0, 0.0, 1.0])
    ).all()


@pytest.mark.parametrize("actionable", [[0, 1], [1, 3, 4, 5], [0, 1, 2, 3, 4, 5]])
@pytest.mark.parametrize("seed", [0, 1])
def test_only_actionable_columns_change_within_their_ranges(actionable, seed):
    low, high = torch.full((6,), -3.0, dtype=F64), torch.full((6,), 3.0, dtype=F64)
    net = network()
    found = counterfactuals(
        net,
        ROW,
        target=int(net.eval()(ROW).item() < 0),
        actionable=actionable,
        categories=[[3, 4, 5]],
        ranges=(low, high),
        max_steps=150,
        seed=seed,
    )
    check_possible(found, ROW, actionable, low=low, high=high, block=[3, 4, 5])
    assert torch.equal(
        found.valid, margin(net(found.values), int(net(ROW).item() < 0)) > 0
    )
    moved = dataclasses.replace(found, values=found.values + 7)
    with pytest.raises(AssertionError):
        check_possible(moved, ROW, actionable, low=low, high=high, block=[3, 4, 5])


def test_every_class_of_three_can_be_asked_for():
    net = network(3).eval()
    said = int(net(ROW).argmax())
    with pytest.raises(ValueError, match=f"the model already decides {said}"):
        counterfactuals(net, ROW, target=said)
    for target in {0, 1, 2} - {said}:
        found = counterfactuals(
            net,
            ROW,
            target=target,
            n_counterfactuals=2,
            diversity_weight=0.1,
            max_steps=200,
        )
        assert (net(found.values).argmax(1) == target).all()
        assert found.valid.all()
        assert found.outputs.shape == (2, 3)


def test_best_effort_says_that_it_is_none():
    tight = torch.full((3,), -0.1, dtype=F64), torch.full((3,), 0.1, dtype=F64)
    found = counterfactuals(
        plane, torch.zeros(1, 3, dtype=F64), target=1, ranges=tight, max_steps=60
    )
    assert not found.valid.any()
    assert found.stopped == "max_steps"
    assert found.n_steps == 60


def test_no_column_changes_in_vain():
    found = counterfactuals(
        network(), ROW, target=1, n_counterfactuals=3, max_steps=150
    )
    net = network().eval()
    for row, valid in zip(found.values, found.valid, strict=True):
        changed = [j for j in range(6) if row[j] != ROW[0, j]]
        last = (
            min(changed, key=lambda j: abs(row[j] - ROW[0, j]))
            if len(changed) > 1
            else None
        )
        if valid and last is not None:
            back = row.clone()
            back[last] = ROW[0, last]
            same = (found.values == back).all(1).any()
            assert net(back[None]).item() <= 0 or same


def test_same_seed_same_bits_and_zero_is_a_seed():
    first, again, other = (
        counterfactuals(network(), ROW, target=1, max_steps=30, seed=s).values
        for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# --- what stays as it was -------------------------------------------------------------


class Breaking(nn.Module):
    def __init__(self, fail_at):
        super().__init__()
        self.net, self.calls, self.fail_at = network(), 0, fail_at

    def forward(self, x):
        self.calls += 1
        if self.calls == self.fail_at:
            raise ArithmeticError("broken on purpose")
        return self.net(x)


@pytest.mark.parametrize("fail_at", [None, 1, 2, 9])
def test_model_inputs_and_global_state_are_left_alone(fail_at):
    model, row = Breaking(fail_at).train(), ROW.clone().requires_grad_()
    model.net[0].eval()
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    modes = [m.training for m in model.modules()]
    options = {"target": 1, "max_steps": 12, "n_counterfactuals": 2}
    if fail_at is None:
        assert not counterfactuals(model, row, **options).values.requires_grad
    else:
        with pytest.raises(ArithmeticError, match="broken on purpose"):
            counterfactuals(model, row, **options)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(row.detach(), ROW)
    assert row.grad is None
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state[0])
    assert random.getstate() == state[1]
    assert (np.random.get_state()[1] == state[2]).all()  # noqa: NPY002


X = torch.zeros(1, 3, dtype=F64)
BAD = [
    ({"inputs": X[0]}, ValueError, r"inputs: got shape \(3,\), expected \(1, any\)"),
    ({"inputs": X.expand(2, 3)}, ValueError, r"inputs: got shape \(2, 3\)"),
    ({"inputs": X * torch.nan}, ValueError, "inputs: got NaN"),
    ({"inputs": X.long()}, TypeError, "inputs: got torch.int64"),
    (
        {"target": 2},
        ValueError,
        "target: got 2, expected an integer of at least 0 and at most 1",
    ),
    ({"target": True}, TypeError, "target: got True"),
    ({"n_counterfactuals": 0}, ValueError, "n_counterfactuals: got 0"),
    (
        {"actionable": [3]},
        ValueError,
        r"actionable: got \[3\], expected different positions from 0 to 2",
    ),
    ({"actionable": []}, ValueError, r"actionable: got \[\]"),
    (
        {"actionable": [0], "categories": [[0, 1]]},
        ValueError,
        "actionable: got a part of a one-hot block",
    ),
    ({"categories": [[0, 0]]}, ValueError, r"categories: got \[0, 0\]"),
    (
        {"ranges": (X[0] + 1, X[0] + 2)},
        ValueError,
        r"ranges: the row lies outside of them in columns \[0, 1, 2\]",
    ),
    ({"ranges": (X, X)}, ValueError, r"ranges: got shape \(1, 3\), expected \(3,\)"),
    ({"inputs": X + 5}, ValueError, "inputs: got a row for which the model already"),
    ({"choices": {3: [0.0]}}, ValueError, "choices: got 3"),
    ({"choices": {"a": [0.0]}}, TypeError, "choices: got 'a'"),
    ({"choices": {0: "a"}}, TypeError, "choices: got str"),
    ({"choices": {0: [torch.nan]}}, ValueError, "choices: got NaN"),
    (
        {"choices": {0: [1.0]}, "actionable": [1]},
        ValueError,
        "choices: got column 0, expected an actionable one",
    ),
    (
        {"choices": {0: [1.0]}, "ranges": (X[0] - 0.5, X[0] + 0.5)},
        ValueError,
        "choices: column 0 has values outside of its range",
    ),
    ({"scales": X[0]}, ValueError, "scales: got 0, expected positive numbers"),
    ({"scales": "one"}, TypeError, "scales: got str"),
    ({"scales": [1, 1]}, ValueError, r"scales: got shape \(2,\)"),
    ({"proximity_weight": -1}, ValueError, "proximity_weight: got -1"),
    ({"diversity_weight": "none"}, TypeError, "diversity_weight: got 'none'"),
    ({"max_steps": 0}, ValueError, "max_steps: got 0"),
    ({"seed": -1}, ValueError, "seed: got -1"),
    (
        {"model": lambda x: x.detach()[:, 0]},
        ValueError,
        "model: got an output that has no gradient",
    ),
    (
        {"model": lambda x: x[:, 0] / 0},
        ValueError,
        "model: outputs: got NaN or infinity",
    ),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {"model": plane, "inputs": X, "target": 1, "max_steps": 3} | bad
    with pytest.raises(error, match=message):
        counterfactuals(options.pop("model"), options.pop("inputs"), **options)
