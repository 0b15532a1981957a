"""Invariant Causal Prediction against published values and causalicp; Invariant Risk
Minimisation against autograd.
"""

from __future__ import annotations

import re

import causalicp
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import fdtr
from sklearn.exceptions import ConvergenceWarning
from torch.nn.functional import binary_cross_entropy_with_logits

from xaicourse.causality import (
    invariance,
    invariant_causal_prediction,
    invariant_risk_minimisation,
    irm_penalty,
)
from xaicourse.networks import accuracy

# The data of causalicp's docstring; the last column is the response.
PUBLISHED = [
    np.array([[0.46274901, -0.19975643, 0.76993618, 2.65949677],
              [0.3749258, -0.98625196, -0.1806925, 1.23991796],
              [-0.39597772, -1.79540294, -0.39718702, -1.31775062],
              [2.39332284, -3.22549743, 0.15317657, 1.60679175],
              [-0.56982823, 0.5084231, 0.41380479, 1.19607095]]),
    np.array([[1.45648798, 8.29977262, 1.05992289, 7.49191164],
              [-1.35654212, 13.59077259, -1.14624494, 5.76580633],
              [-0.48800913, 11.15112687, 0.48421499, 7.20695569],
              [2.74901219, 8.82465628, 1.49619723, 12.48016441],
              [5.35033726, 12.91847915, 1.69812062, 19.40468998]]),
    np.array([[-11.73619893, -6.87502658, -6.71775898, -28.2782561],
              [-16.24118216, -11.26774231, -9.22041168, -42.09076079],
              [-14.85266731, -11.02688079, -8.71264951, -40.37471919],
              [-16.08519052, -11.73497156, -10.58198058, -42.55646184],
              [-17.07817707, -11.29005529, -10.04063011, -45.01702447]]),
]  # fmt: skip
P_VALUES = {
    (): 6.8529852769059795e-06,
    (0,): 0.043550405609324994,
    (1,): 6.10963528362226e-06,
    (2,): 0.009731028782704005,
    (0, 1): 0.9107055098714101,
    (0, 2): 0.004160395025223608,
    (1, 2): 1.0,
    (0, 1, 2): 1.0,
}


def split(tables):
    return [(table[:, :-1], table[:, -1]) for table in tables]


def chain(seed, *, shift=3.0, change=1.0, n=300):
    """Two environments of x0 -> y -> x1: the second moves x0, and multiplies the noise
    of y by `change`.
    """
    rng = np.random.default_rng(seed)
    tables = []
    for mean, factor, spread in ((0.0, 1.0, 0.5), (shift, change, 2.0)):
        x0 = mean + rng.normal(size=n)
        y = 2 * x0 + factor * rng.normal(size=n)
        tables.append(
            np.column_stack(
                [x0, y + spread * rng.normal(size=n), rng.normal(size=n), y]
            )
        )
    return tables


def test_published_values() -> None:
    found = invariant_causal_prediction(split(PUBLISHED))
    assert found.p_values == pytest.approx(P_VALUES, rel=1e-9)
    assert found.causes == (1,)
    assert found.accepted == ((0, 1), (1, 2), (0, 1, 2))
    assert found.column_p_values == pytest.approx(
        [1, 0.043550405609324994, 0.9107055098714101], rel=1e-9
    )
    assert found.intervals is not None
    assert np.allclose(
        found.intervals,
        [[0, 2.3531227], [0.37617783, 0.89116407], [0, 4.25277329]],
        atol=1e-8,
    )


def test_with_an_f_test_of_one_side_the_published_values_are_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invariance, "fdtr", lambda *given: fdtr(*given) / 2)
    found = invariant_causal_prediction(split(PUBLISHED))
    assert found.p_values != pytest.approx(P_VALUES, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_causalicp(seed: int) -> None:
    tables = (
        PUBLISHED if seed == 0 else [*chain(seed, n=60), *chain(seed + 50, n=40)[:seed]]
    )
    theirs = causalicp.fit(tables, tables[0].shape[1] - 1, alpha=0.05, precompute=False)
    ours = invariant_causal_prediction(split(tables))
    assert (None if ours.causes is None else set(ours.causes)) == theirs.estimate
    assert {frozenset(s) for s in ours.accepted} == {
        frozenset(s) for s in theirs.accepted_sets
    }
    d = tables[0].shape[1] - 1
    assert np.allclose(
        ours.column_p_values, [theirs.pvalues[j] for j in range(d)], rtol=0, atol=1e-9
    )
    if theirs.conf_intervals is not None:
        assert ours.intervals is not None
        assert np.allclose(
            ours.intervals.T, theirs.conf_intervals[:, :d], rtol=0, atol=1e-9
        )


def test_coverage_and_violation() -> None:
    """The estimate holds a column that is no cause at most as often as the level says;
    a new mechanism is noticed.
    """
    found = [invariant_causal_prediction(split(chain(seed))) for seed in range(40)]
    # binomial(40, 0.05): 99.9 % are below 8
    assert sum(not set(r.causes or ()) <= {0} for r in found) <= 7
    assert sum(r.causes == (0,) for r in found) >= 30
    assert invariant_causal_prediction(split(chain(0, change=3.0))).causes is None


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=8, deadline=None)
def test_units_and_order_do_not_matter(seed: int, unit: float, origin: float) -> None:
    tables = chain(seed, n=50)
    plain = invariant_causal_prediction(split(tables))
    moved = invariant_causal_prediction(
        split([t * [unit, 1, 1, 1] + [origin, 0, 0, 0] for t in reversed(tables)])
    )
    assert moved.p_values == pytest.approx(plain.p_values, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_no_unit_makes_columns_look_dependent(unit: float) -> None:
    plain = invariant_causal_prediction(split(chain(0)))
    moved = invariant_causal_prediction(
        [(X * [unit, 1, 1], y) for X, y in split(chain(0))]
    )
    assert moved.accepted == plain.accepted
    np.testing.assert_allclose(
        moved.intervals * np.array([[unit], [1], [1]]), plain.intervals, rtol=1e-6
    )


def test_named_columns_are_matched_by_name() -> None:
    names = ["cause", "effect", "noise"]
    plain = [(pd.DataFrame(X, columns=names), y) for X, y in split(chain(0))]
    turned = [plain[0], (plain[1][0][names[::-1]], plain[1][1])]
    expected = invariant_causal_prediction(split(chain(0)))
    found = invariant_causal_prediction(turned)
    assert found.causes == (0,)
    assert found.p_values == expected.p_values
    others = plain[1][0].rename(columns={"noise": "queue"})
    with pytest.raises(ValueError, match=r"^environments\[1\]: X: got columns \['cau"):
        invariant_causal_prediction([plain[0], (others, plain[1][1])])


def test_training_matches_named_columns_by_name() -> None:
    (X, y), (Z, z) = coins(0, 0.9, 100), coins(1, 0.8, 100)
    names = ["cause", "effect"]
    options = {"penalty_weight": 0, "max_epochs": 1000}
    plain, named = (
        invariant_risk_minimisation(rows, **options).networks[0][0].weight
        for rows in (
            [(X, y), (Z, z)],
            [
                (pd.DataFrame(X, columns=names), y),
                (pd.DataFrame(Z, columns=names)[names[::-1]], z),
            ],
        )
    )
    assert torch.equal(plain, named)


def test_moments_are_enough_but_where_rounding_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environments = split([*chain(0), *chain(1, shift=5.0)])
    refitted = []
    rows = invariance._regression
    monkeypatch.setattr(
        invariance,
        "_regression",
        lambda X, y, columns: refitted.append(columns) or rows(X, y, columns),
    )
    by_moments = invariant_causal_prediction(environments)
    assert refitted == []
    monkeypatch.setattr(invariance, "ROUNDED", np.inf)
    by_rows = invariant_causal_prediction(environments)
    assert len(refitted) == 8
    assert by_moments.p_values == pytest.approx(by_rows.p_values, rel=0, abs=1e-9)
    np.testing.assert_allclose(by_moments.intervals, by_rows.intervals, rtol=1e-9)
    monkeypatch.setattr(invariance, "ROUNDED", 1e-5)
    # a column that is y to nine digits: its sets alone need the rows
    near = [(np.column_stack([X, y + 1e-9 * X[:, 0]]), y) for X, y in environments]
    refitted.clear()
    invariant_causal_prediction(near)
    assert {3} <= set.intersection(*map(set, refitted))


def test_limit_of_the_size() -> None:
    environments = split(chain(0))
    every = invariant_causal_prediction(environments)
    small = invariant_causal_prediction(environments, max_size=1)
    assert list(small.p_values) == [(), (0,), (1,), (2,)]
    assert all(small.p_values[s] == every.p_values[s] for s in small.p_values)
    assert len(every.p_values) == 8


def test_a_set_without_residuals_is_invariant() -> None:
    exact = [
        (x := np.random.default_rng(e).normal(e, 1, (20, 2)), 3 * x[:, 0])
        for e in range(2)
    ]
    assert invariant_causal_prediction(exact).causes == (0,)
    steps = [
        (np.full((4, 1), 1.0) + np.arange(4)[:, None], np.full(4, float(e)))
        for e in range(2)
    ]
    assert invariant_causal_prediction(steps).causes is None


@given(st.integers(0, 10**6), st.integers(2, 30))
@settings(max_examples=20, deadline=None)
def test_the_penalty_is_the_squared_derivative_by_a_common_factor(
    seed: int, n: int
) -> None:
    rng = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, generator=rng, dtype=torch.float64)
    labels = (torch.rand(n, generator=rng) < 0.5).double()
    factor = torch.ones((), dtype=torch.float64, requires_grad=True)
    [slope] = torch.autograd.grad(
        binary_cross_entropy_with_logits(factor * logits, labels), factor
    )
    assert torch.allclose(irm_penalty(logits, labels), slope**2, atol=1e-12)


def test_the_penalty_knows_calibrated_logits() -> None:
    """Of 4 rows that score log 3, 3 are positive: no factor improves on that. Half the
    score, and one would.
    """
    labels, logits = (
        torch.tensor([1.0, 1.0, 1.0, 0.0]),
        torch.full((4,), np.log(3.0), dtype=torch.float64),
    )
    assert irm_penalty(logits, labels.double()) < 1e-20
    assert irm_penalty(logits / 2, labels.double()) > 1e-3
    both = irm_penalty(
        torch.stack([logits, logits / 2]), torch.stack([labels, labels]).double()
    )
    assert both.shape == (2,)


def coins(seed, agrees, n=2000):
    """The first bit is right for 3 of 4 rows everywhere; the second agrees with y as
    often as is told.
    """
    rng = np.random.default_rng(seed)
    cause = rng.choice([-1.0, 1.0], n)
    y = np.where(rng.random(n) < 0.25, -cause, cause) > 0
    effect = np.where(rng.random(n) < agrees, 1, -1) * np.where(y, 1.0, -1.0)
    return np.column_stack([cause, effect]), y


def test_it_drops_what_changes_and_pooling_does_not() -> None:
    environments = [coins(0, 0.9), coins(1, 0.8)]
    turned = coins(2, 0.1)
    options = {"hidden": [8], "seeds": [0, 1], "max_epochs": 300, "warm_up": 100}
    pooled = invariant_risk_minimisation(environments, penalty_weight=0, **options)
    with pytest.warns(ConvergenceWarning, match="2 of 2 networks"):
        invariant = invariant_risk_minimisation(
            environments, penalty_weight=1000, **options
        )
    assert all(accuracy(m, *turned) < 0.3 for m in pooled.networks)
    assert all(accuracy(m, *turned) > 0.65 for m in invariant.networks)
    assert (pooled.moved < 0.01).all()
    assert (invariant.moved > 0.01).all()


def gaussian(scale, rng, n=5000):
    """P(y = 1 | x1) = σ(2 x1) everywhere; x2 is an effect of y."""
    x1 = rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-2 * x1))
    return np.column_stack([x1, scale * (2 * y - 1) + rng.normal(size=n)]), y


stopped_early = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def test_training_that_has_not_converged_says_so() -> None:
    rng = np.random.default_rng(0)
    environments = [gaussian(scale, rng) for scale in (2, 0.5)]
    message = r"^max_epochs: after 800 steps 1 of 1 networks had not converged: in "
    with pytest.warns(ConvergenceWarning, match=message):
        found = invariant_risk_minimisation(environments, penalty_weight=1000)
    [network] = found.networks
    # the invariant weights are (2, 0)
    assert abs(network[0].weight[0, 1]) > 1
    penalties = [
        irm_penalty(
            network(torch.tensor(X).float())[:, 0], torch.from_numpy(y).float()
        ).item()
        for X, y in environments
    ]
    assert found.penalties[0] == pytest.approx(np.mean(penalties), rel=1e-4)
    # and one that has says nothing: a warning would be an error here
    alone = invariant_risk_minimisation(environments, penalty_weight=0, max_epochs=1500)
    assert alone.moved[0] < 0.01


@stopped_early
def test_networks_do_not_see_one_another() -> None:
    data = [
        [coins(10 * e + i, a, 200) for i in range(2)] for e, a in enumerate((0.9, 0.8))
    ]
    stacked = [tuple(map(np.stack, zip(*pairs, strict=True))) for pairs in data]
    options = {"penalty_weight": 10.0, "hidden": (4,), "max_epochs": 60, "warm_up": 20}
    together = invariant_risk_minimisation(stacked, seeds=[3, 4], **options).networks
    for i in range(2):
        [alone] = invariant_risk_minimisation(
            [pairs[i] for pairs in data], seeds=[3 + i], **options
        ).networks
        for a, b in zip(alone.parameters(), together[i].parameters(), strict=True):
            assert torch.allclose(a, b, atol=1e-4)


@stopped_early
def test_same_seed_same_bits_and_global_state_untouched() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state().clone()
    environments = [coins(0, 0.9, 100), coins(1, 0.8, 100)]
    kept = [(X.copy(), y.copy()) for X, y in environments]
    one, two = (
        invariant_risk_minimisation(
            environments, penalty_weight=10, hidden=[3], max_epochs=10
        ).networks[0]
        for _ in range(2)
    )
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.parameters(), two.parameters(), strict=True)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(
        np.array_equal(a, b)
        for e, k in zip(environments, kept, strict=True)
        for a, b in zip(e, k, strict=True)
    )


X, Y = np.arange(12.0).reshape(6, 2) ** 2, np.array([0.0, 1, 1, 0, 1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: invariant_causal_prediction([(X, Y)]),
            "environments: got 1, expected at least 2",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y), (X[:, :1], Y)]),
            "environments[1]: X: got shape (6, 1)",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y), (X, Y[:5])]),
            "environments[1]: y: got shape (5,), expected",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y), (X[:1], Y[:1])]),
            "environments[1]: rows: got 1, expected",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y), (X * np.nan, Y)]),
            "environments[1]: X: got NaN or infinity",
        ),
        (
            lambda: invariant_causal_prediction([(X, 0 * Y), (X, 0 * Y)]),
            "y is constant",
        ),
        (
            lambda: invariant_causal_prediction([(X[:, [0, 0]], Y)] * 2),
            "columns (0, 1) are linearly dependent",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y)] * 2, alpha=1.0),
            "alpha: got 1.0",
        ),
        (
            lambda: invariant_causal_prediction([(X, Y)] * 2, max_size=0),
            "max_size: got 0",
        ),
        (
            lambda: invariant_risk_minimisation([(X, Y)], penalty_weight=1),
            "environments: got 1",
        ),
        (
            lambda: invariant_risk_minimisation([(X, Y)] * 2, penalty_weight=-1),
            "penalty_weight: got -1",
        ),
        (
            lambda: invariant_risk_minimisation([(X, Y + 1)] * 2, penalty_weight=1),
            "y: got other values than 0 and 1",
        ),
        (lambda: irm_penalty(torch.zeros(3), torch.zeros(2)), "labels: got shape (2,)"),
        (
            lambda: irm_penalty(torch.tensor([np.inf]), torch.zeros(1)),
            "logits: got NaN or infinity",
        ),
    ],
)
def test_bad_arguments(call, message) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
