"""Group metrics: published values, fairlearn, intervals that cover, and a warning for
small groups.
"""

import warnings

import fairlearn.metrics as reference
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score
from statsmodels.stats.proportion import proportion_confint

from xaicourse.fairness import (
    SmallGroupWarning,
    UndefinedRateWarning,
    group_metrics,
)

Y = [0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
SAID = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0]
GROUP = list("bbabbcccaacabccbcc")


def check_published(metrics):
    rates = metrics.rates
    assert rates["true_positive_rate"].to_dict() == pytest.approx(
        {"a": 0.5, "b": 0.6, "c": 0.4}
    )
    assert rates["false_positive_rate"].to_dict() == pytest.approx(
        {"a": 1, "b": 0, "c": 2 / 3}
    )
    assert rates["selection_rate"].to_dict() == pytest.approx(
        {"a": 0.75, "b": 0.5, "c": 0.5}
    )
    assert metrics.difference("selection_rate") == pytest.approx(0.25)
    assert metrics.ratio("selection_rate") == pytest.approx(2 / 3)
    assert metrics.equalized_odds_difference == pytest.approx(1)


def test_the_published_case():
    check_published(group_metrics(Y, SAID, GROUP, min_rows=0))


def test_the_published_case_sees_a_mutant():
    """Labels and decisions exchanged."""
    with pytest.raises(AssertionError):
        check_published(group_metrics(SAID, Y, GROUP, min_rows=0))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_agreement_with_fairlearn_and_statsmodels(seed, n_groups):
    rng = np.random.default_rng(seed)
    groups = np.r_[np.repeat(np.arange(n_groups), 4), rng.integers(n_groups, size=200)]
    y, said = (
        np.r_[np.tile([0, 0, 1, 1], n_groups), rng.integers(2, size=200)] for _ in "ab"
    )
    said[: 4 * n_groups] = np.tile([0, 1, 0, 1], n_groups)
    found = group_metrics(y, said, groups, min_rows=0)
    metrics = {
        "selection_rate": reference.selection_rate,
        "true_positive_rate": reference.true_positive_rate,
        "false_positive_rate": reference.false_positive_rate,
        "precision": precision_score,
    }
    frame = reference.MetricFrame(
        metrics=metrics, y_true=y, y_pred=said, sensitive_features=groups
    )
    np.testing.assert_allclose(found.rates[list(metrics)], frame.by_group, rtol=1e-12)
    for ours, theirs in {
        found.difference("selection_rate"): reference.demographic_parity_difference,
        found.ratio("selection_rate"): reference.demographic_parity_ratio,
        found.equalized_odds_difference: reference.equalized_odds_difference,
    }.items():
        assert ours == pytest.approx(
            theirs(y, said, sensitive_features=groups), abs=1e-12
        )
    for group in range(n_groups):
        at = groups == group
        low, high = proportion_confint(
            said[at].sum(), at.sum(), alpha=0.05, method="wilson"
        )
        assert found.low.loc[group, "selection_rate"] == pytest.approx(low)
        assert found.high.loc[group, "selection_rate"] == pytest.approx(high)


def test_small_groups_are_warned_of_by_name():
    with pytest.warns(
        SmallGroupWarning, match=r"fewer than 30 rows: a: base_rate \(4\)"
    ):
        group_metrics(Y, SAID, GROUP)
    groups = np.repeat(["a", "b"], 200)
    y = np.tile([0, 1], 200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group_metrics(y, y, groups)


UNDEFINED = r"true_positive_rate is undefined, and NaN, for b"


@pytest.mark.parametrize("min_rows", [0, 30])
def test_what_one_group_leaves_undefined_is_nan_and_said(min_rows):
    """Two groups of a hundred, b without a positive: fairlearn's rate is 0 there."""
    y = np.r_[np.tile([0, 1], 50), np.zeros(100)]
    said = np.tile([1, 1, 0, 1], 50)
    groups = np.repeat(["a", "b"], 100)
    with pytest.warns(UndefinedRateWarning, match=UNDEFINED):
        found = group_metrics(y, said, groups, min_rows=min_rows)
    assert np.isnan(found.rates.loc["b", "true_positive_rate"])
    assert np.isnan(found.low.loc["b", "true_positive_rate"])
    assert found.rates.loc["a", "true_positive_rate"] == 1
    for measure in (
        lambda: found.difference("true_positive_rate"),
        lambda: found.ratio("true_positive_rate"),
        lambda: found.equalized_odds_difference,
    ):
        with pytest.warns(UndefinedRateWarning, match=UNDEFINED):
            assert np.isnan(measure())
    assert reference.true_positive_rate(y[100:], said[100:]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found.difference("false_positive_rate") == pytest.approx(0.25)


def test_where_all_rates_are_zero_nobody_is_treated_otherwise():
    y, groups = np.tile([0, 1], 4), np.repeat(["a", "b"], 4)
    with pytest.warns(UndefinedRateWarning, match="precision is undefined"):
        nobody = group_metrics(y, np.zeros(8), groups, min_rows=0)
    assert nobody.ratio("selection_rate") == 1
    assert nobody.difference("selection_rate") == 0
    with pytest.raises(ValueError, match="rate: got 'tpr'"):
        nobody.difference("tpr")


def test_several_columns_make_their_intersections():
    """As fairlearn's frame has them; b and z never meet, and are no group."""
    columns = {"first": np.repeat(["a", "a", "b"], 40), "second": np.tile([*"xy"], 60)}
    table = pd.DataFrame(columns)
    table.loc[:5, "second"] = "z"
    y, said = np.tile([0, 0, 1, 1, 1], 24), np.tile([0, 1, 1], 40)
    found = group_metrics(y, said, table, min_rows=0)
    expected = [("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "y")]
    assert found.rates.index.tolist() == expected
    assert found.rates.index.names == ["first", "second"]
    for first, second in expected:
        at = (table["first"] == first) & (table["second"] == second)
        assert found.rates.loc[(first, second), "base_rate"] == y[at].mean()
        assert found.rows.loc[(first, second), "precision"] == said[at].sum()
    for groups in (
        [table["first"], table["second"]],
        dict(table.items()),
        list(zip(table["first"], table["second"], strict=True)),
        table.to_numpy(),
        table.astype("string"),
    ):
        other = group_metrics(pd.array(y, "Int64"), said, groups, min_rows=0)
        assert other.rates.index.tolist() == expected
        np.testing.assert_array_equal(other.rates, found.rates)
        np.testing.assert_array_equal(other.low, found.low)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 2], [0, 1], ["a", "b"]), "y_true: got other values than 0 and 1"),
        (([0, np.nan], [0, 1], ["a", "b"]), "y_true: got other values"),
        (([0, 1], [0, 1, 1], ["a", "b"]), r"y_pred: got shape \(3,\)"),
        (([0, 1], [0, 1], ["a"]), "groups: got shape"),
        (([0, 1], [0, 1], ["a", None]), "groups: got 1 missing"),
        (([0, 1, 0], [0, 1, 0], ["a", "b", float("nan")]), "groups: got 1 missing"),
        (([0, 1], [0, 1], [["a", "b"], ["c", None]]), "groups: got 1 missing"),
        (([0, 1], [0, 1], ["a", "a"]), "groups: got only 'a'"),
        (([], [], []), "y_true: got shape"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        group_metrics(*arguments)
    with pytest.raises(ValueError, match=r"level: got 1\.0"):
        group_metrics(Y, SAID, GROUP, level=1.0)


def test_inputs_are_not_written_to():
    y, said, groups = np.array(Y), np.array(SAID), np.array(GROUP)
    group_metrics(y, said, groups, min_rows=0)
    assert (y.tolist(), said.tolist(), groups.tolist()) == (Y, SAID, GROUP)
