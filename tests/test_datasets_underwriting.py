"""The portfolio: the layout of the table it stands in for, a truth that can be checked,
and a reader that refuses.
"""

import time

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from notebook_runner import Cell, code_cells, run
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from xaicourse.cli import main
from xaicourse.datasets import (
    load_underwriting,
    prepare_underwriting,
    simulate_underwriting,
    stratified_split,
)
from xaicourse.datasets.underwriting_twin import (
    CLASS_COUNTS,
    COLUMNS,
    INTEGERS,
    MISSING_COUNTS,
    PROXIES,
    TERMS,
)
from xaicourse.fairness import quadratic_weighted_kappa
from xaicourse.teaching import curriculum

SMALL = simulate_underwriting(4000)


@pytest.fixture(scope="module")
def whole():
    began = time.process_time()
    portfolio = load_underwriting()
    assert time.process_time() - began < 5
    return portfolio


def test_shape_types_ranges_missing_and_classes_are_those_of_the_table(whole):
    assert whole.features.shape == (59_381, 126)  # Id and Response make it 128
    assert whole.features.index.name == "Id"
    assert np.bincount(whole.target)[1:].tolist() == list(CLASS_COUNTS)
    missing = whole.features.isna().sum()
    assert missing[missing > 0].to_dict() == MISSING_COUNTS
    kinds = whole.features.dtypes
    assert all(kinds[name] == "int64" for name in INTEGERS)
    assert sum(kind == "float64" for kind in kinds) == 18
    codes = whole.features["Product_Info_2"]
    assert codes.nunique() == 19
    assert codes.str.fullmatch("[A-E][1-8]").all()
    fractions = whole.features.filter(
        regex="^(Ins_Age|Ht|Wt|BMI|Family_Hist_[2-5]|Employment_Info_[146]|Product_Info_4)$"
    )
    assert fractions.min().min() >= 0
    assert fractions.max().max() <= 1
    months = whole.features[[f"Medical_History_{i}" for i in (1, 10, 15, 24, 32)]]
    assert months.min().min() >= 0
    assert months.max().max() <= 240
    assert whole.features.filter(like="Keyword").isin([0, 1]).all(axis=None)


def test_the_portfolio_is_as_hard_as_the_table_it_stands_for(whole):
    """On new rows of that table boosted trees reach a kappa of 0.597 rounded, and 0.647
    once cut by offsets.
    """
    train, target = np.flatnonzero(~whole.test), whole.target.to_numpy()
    rows = prepare_underwriting(whole.features, train=train)
    recipe = {
        "eta": 0.15,
        "max_depth": 6,
        "min_child_weight": 360,
        "subsample": 0.85,
        "colsample_bytree": 0.3,
    }
    trees = xgb.train(
        recipe | {"nthread": 1, "seed": 0},
        xgb.DMatrix(rows.iloc[train], target[train]),
        120,
    )
    scores = trees.predict(xgb.DMatrix(rows)).astype(float)
    rounded = np.clip(np.rint(scores), 1, 8)
    matched = 1 + np.searchsorted(
        np.quantile(scores[train], np.cumsum(CLASS_COUNTS[:-1]) / len(target)), scores
    )
    assert quadratic_weighted_kappa(
        target[whole.test], rounded[whole.test]
    ) == pytest.approx(0.597, abs=0.02)
    assert quadratic_weighted_kappa(
        target[whole.test], matched[whole.test]
    ) == pytest.approx(0.647, abs=0.02)
    assert (target == 8).mean() == pytest.approx(0.328, abs=0.001)


def test_class_shares_and_missing_rates_do_not_depend_on_the_number_of_rows(whole):
    for n in (500, 4000):
        small = simulate_underwriting(n)
        assert (
            abs(
                np.bincount(small.target)[1:] / n - np.array(CLASS_COUNTS) / 59_381
            ).max()
            <= 1 / n
        )
        assert (
            abs(small.features.isna().mean() - whole.features.isna().mean()).max()
            <= 1 / n
        )


def test_same_seed_same_portfolio_and_another_seed_another():
    again = simulate_underwriting(4000)
    pd.testing.assert_frame_equal(again.features, SMALL.features)
    pd.testing.assert_series_equal(again.target, SMALL.target)
    assert not simulate_underwriting(4000, seed=1).features.equals(SMALL.features)


def test_the_truth_rebuilds_the_classes_from_the_table_alone():
    """Points are functions of the table; with noise, group and cut points they give
    every class.
    """
    truth = SMALL.truth
    points = sum(np.asarray(rule(SMALL.features), float) for _, rule in TERMS.values())
    np.testing.assert_allclose(points, truth.merit, atol=1e-12)
    score = points + truth.noise - 0.5 * truth.group
    assert np.array_equal(1 + (score[:, None] > truth.cut_points).sum(1), SMALL.target)
    assert np.array_equal(truth.responses(discrimination=0.5), SMALL.target)


def test_a_term_looks_at_no_other_column_than_it_says():
    shuffled = SMALL.features.sample(frac=1, random_state=0)
    for term, (columns, rule) in TERMS.items():
        others = shuffled.set_axis(SMALL.features.index).assign(
            **{name: SMALL.features[name] for name in columns}
        )
        assert np.array_equal(rule(others), rule(SMALL.features)), term
        assert not set(columns) & set(PROXIES)


def mean_gap(portfolio):
    group = portfolio.truth.group
    return portfolio.target[~group].mean() - portfolio.target[group].mean()


def test_discrimination_is_an_argument_and_zero_is_none(whole):
    without, more = (
        load_underwriting(discrimination=0.0),
        load_underwriting(discrimination=1.0),
    )
    # the same applicants
    pd.testing.assert_frame_equal(without.features, whole.features)
    error = whole.target.std() / np.sqrt(0.35 * 0.65 * len(whole.target))
    assert abs(mean_gap(without)) < 3.3 * error
    assert 5 * error < mean_gap(whole) < mean_gap(more) - 5 * error
    assert np.array_equal(without.truth.responses(discrimination=0), without.target)
    better = whole.truth.responses(discrimination=0)
    assert (better >= whole.target).all()
    assert np.array_equal(
        (better > whole.target) & ~whole.truth.group, np.zeros(len(better), bool)
    )


def group_auc(portfolio, *, without=()):
    train = np.flatnonzero(~portfolio.test)
    rows = prepare_underwriting(portfolio.features, train=train, scaled=True)
    rows = (
        rows[[name for name in rows if not name.startswith(without)]]
        if without
        else rows
    )
    fit = LogisticRegression(C=0.01).fit(rows.iloc[train], portfolio.truth.group[train])
    return roc_auc_score(
        portfolio.truth.group[portfolio.test],
        fit.decision_function(rows[portfolio.test]),
    )


def test_the_group_shows_through_the_proxies_and_through_nothing_else():
    assert group_auc(SMALL) > 0.75
    assert abs(group_auc(SMALL, without=PROXIES) - 0.5) < 0.07


def test_importance_and_concepts():
    importance = SMALL.truth.importance()
    assert list(importance.index) == COLUMNS
    assert importance.idxmax() == "BMI"
    assert (importance[list(PROXIES)] == 0).all()
    assert (importance > 0).sum() == len(
        {name for columns, _ in TERMS.values() for name in columns}
    )
    concepts = SMALL.truth.concepts()
    assert concepts.shape == (4000, 6)
    assert all(kind == "bool" for kind in concepts.dtypes)
    assert 0.25 < concepts.mean().min() < concepts.mean().max() < 0.4


def table_of(portfolio):
    return portfolio.features.assign(Response=portfolio.target).reset_index()


def test_the_reader_returns_the_file_as_it_is(tmp_path):
    table_of(SMALL).to_csv(tmp_path / "train.csv", index=False)
    read = load_underwriting(tmp_path / "train.csv", seed=0)
    pd.testing.assert_frame_equal(read.features, SMALL.features)
    pd.testing.assert_series_equal(read.target, SMALL.target)
    assert read.source == "real"
    assert read.truth is None
    assert np.array_equal(read.test, SMALL.test)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="BMI"), "absent: \\['BMI'\\]"),
        (lambda t: t.assign(extra=1), "not expected: \\['extra'\\]"),
        (lambda t: t[t.columns[::-1]], "their order"),
        (lambda t: t.assign(Response=9), "one of 1 to 8"),
        (lambda t: t.assign(Wt="heavy"), "Wt"),
        (lambda t: t.assign(Medical_History_4=np.nan), "Medical_History_4"),
        (lambda t: t.assign(Product_Info_2=np.nan), "Product_Info_2"),
    ],
)
def test_the_reader_refuses_another_layout(tmp_path, spoil, says):
    spoil(table_of(SMALL).head(50)).to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(ValueError, match=says):
        load_underwriting(tmp_path / "train.csv")


def test_bad_arguments():
    with pytest.raises(FileNotFoundError):
        load_underwriting("/nowhere/train.csv")
    with pytest.raises(ValueError, match="n: got 10"):
        simulate_underwriting(10)
    with pytest.raises(ValueError, match="discrimination: got -1"):
        simulate_underwriting(500, discrimination=-1)


def test_prepared_columns_and_what_they_are_fitted_on():
    parts = stratified_split(SMALL.target)
    before = SMALL.features.copy()
    trees = prepare_underwriting(SMALL.features, train=parts.train)
    assert trees.shape == (4000, 130)
    assert np.array_equal(
        trees["Med_Keywords_Count"], SMALL.features.filter(like="Keyword").sum(axis=1)
    )
    assert np.allclose(
        trees["BMI_Age"], SMALL.features["BMI"] * SMALL.features["Ins_Age"]
    )
    assert trees["Medical_History_10"].isna().mean() > 0.98
    scaled = prepare_underwriting(SMALL.features, train=parts.train, scaled=True)
    assert scaled.shape == (4000, 130 + 13)
    assert np.isfinite(scaled).all(axis=None)
    np.testing.assert_allclose(scaled.iloc[parts.train].mean(), 0, atol=1e-5)
    spreads = scaled.iloc[parts.train].std(ddof=0)
    assert (np.isclose(spreads, 1, atol=1e-4) | (spreads == 0)).all()
    pd.testing.assert_frame_equal(SMALL.features, before)
    # nothing outside the training rows may move what is made of them
    changed = SMALL.features.copy()
    changed.iloc[parts.test, changed.columns.get_loc("Wt")] = 1.0
    changed.iloc[parts.test, changed.columns.get_loc("Product_Info_2")] = "A0"
    for scaling in (False, True):
        one = prepare_underwriting(
            SMALL.features, train=parts.train, scaled=scaling
        ).iloc[parts.train]
        other = prepare_underwriting(changed, train=parts.train, scaled=scaling).iloc[
            parts.train
        ]
        assert np.array_equal(one, other, equal_nan=True)
    assert (
        prepare_underwriting(changed, train=parts.train)["Product_Info_2"]
        .iloc[parts.test]
        .isna()
        .all()
    )


def test_preparing_on_all_rows_would_be_noticed():
    parts = stratified_split(SMALL.target)
    leaky = prepare_underwriting(SMALL.features, train=np.arange(4000), scaled=True)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(leaky.iloc[parts.train].mean(), 0, atol=1e-5)


@pytest.mark.parametrize("train", [[], [-1], [4000], np.zeros(4000, bool)])
def test_preparing_refuses_rows_that_are_none(train):
    with pytest.raises(ValueError, match=r"^train: (expected positions|got shape)"):
        prepare_underwriting(SMALL.features, train=train)


def test_preparing_refuses_a_table_without_a_column():
    with pytest.raises(ValueError, match="no column BMI"):
        prepare_underwriting(SMALL.features.drop(columns="BMI"), train=[0, 1])


def test_a_split_is_a_partition_with_equal_class_shares():
    target = np.repeat([1, 2, 3], [50, 200, 750])
    parts = stratified_split(target, validation=0.1, test=0.3, seed=4)
    assert np.array_equal(
        np.sort(np.concatenate([parts.train, parts.validation, parts.test])),
        np.arange(1000),
    )
    assert np.bincount(target[parts.test])[1:].tolist() == [15, 60, 225]
    assert np.bincount(target[parts.validation])[1:].tolist() == [5, 20, 75]
    assert np.array_equal(
        parts.test, stratified_split(target, validation=0.1, test=0.3, seed=4).test
    )
    assert not np.array_equal(
        parts.test, stratified_split(target, validation=0.1, test=0.3, seed=5).test
    )
    assert not len(stratified_split(target, validation=0.0, test=0.2).validation)


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        ([], {}, "target: got shape"),
        (np.zeros((3, 2)), {}, "target: got shape"),
        ([1, 1, 1], {"validation": 0.5, "test": 0.5}, "sum below 1"),
        ([1, 1, 1], {"test": -0.1}, "test: got -0.1"),
        ([1, 1, 1], {"test": 0.4, "validation": 0.59}, "too few"),
    ],
)
def test_a_split_refuses(target, options, says):
    with pytest.raises(ValueError, match=says):
        stratified_split(target, **options)


def test_standard_scaler_agrees():
    parts = stratified_split(SMALL.target)
    filled = SMALL.features[["BMI", "Wt", "Medical_History_4"]]
    expected = StandardScaler().fit(filled.iloc[parts.train]).transform(filled)
    ours = prepare_underwriting(SMALL.features, train=parts.train, scaled=True)[
        list(filled)
    ]
    np.testing.assert_allclose(ours, expected, atol=1e-4)


# --- the reader's own table, in the data folder


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An invented file of the contest's layout, where XAICOURSE_DATA names it."""
    (tmp_path / "underwriting").mkdir()
    invented = simulate_underwriting(3000, seed=11)
    table_of(invented).to_csv(tmp_path / "underwriting" / "train.csv", index=False)
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    return invented


def test_the_data_folder_knows_the_readers_table(own, capsys):
    read = load_underwriting("train.csv")
    pd.testing.assert_frame_equal(read.features, own.features)
    assert load_underwriting(n=500).source == "simulated"
    assert main(["data", "list"]) == 0
    [line] = [s for s in capsys.readouterr().out.splitlines() if "Prudential" in s]
    assert line.startswith("underwriting    59,381 rows   at hand ")
    assert main(["data", "fetch", "underwriting"]) == 1
    assert "the course may not pass train.csv on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "unknown"),
    [("boosted_baseline", 2), ("network_baseline", 1), ("activation_analysis", 1)],
)
def test_a_notebook_runs_on_the_readers_table(own, monkeypatch, name, unknown):
    [notebook] = [n for n in curriculum.notebooks() if n.path.endswith(name)]
    cells = [
        Cell(
            c.source.replace("underwriting(seed", 'underwriting("train.csv", seed'),
            c.tags,
        )
        for c in code_cells(notebook)
    ]
    monkeypatch.setattr("notebook_runner.code_cells", lambda _: cells)
    said = [s for of_cell in run(notebook).said for s in of_cell]
    truths = [s for s in said if "known to nobody" in s.wording]
    assert len(truths) == unknown
    orders = [s for s in said if s.fails_if == "the second order were the first"]
    assert all(s.holds for s in orders)
