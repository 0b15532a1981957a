"""Permutation and drop-column importance, partial dependence, ICE: closed forms,
scikit-learn, tables of every kind.
"""

import random
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn.inspection
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, r2_score

from xaicourse.attribution import (
    drop_column_importance,
    partial_dependence,
    permutation_importance,
)

few = settings(max_examples=25, deadline=None, derandomize=True)


def negative_mse(y, prediction):
    return -float(np.mean((np.asarray(y) - prediction) ** 2))


def normal(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def standardised(X):
    return (X - X.mean(0)) / X.std(0, ddof=1)


@pytest.fixture(scope="module")
def fitted():
    X = normal(300, 4)
    y = X[:, 0] ** 2 + X[:, 0] * X[:, 1] + 0.5 * X[:, 2] + 0.1 * normal(300, 1, 1)[:, 0]
    return (
        GradientBoostingRegressor(n_estimators=30, random_state=0).fit(
            X[:200], y[:200]
        ),
        X[200:],
        y[200:],
    )


# --- permutation importance -----------------------------------------------------------

BETA = np.array([2.0, -1.0, 0.5, 0.0])


def check_closed_form(importance, n):
    """2 β² for unit variances (of the sample, so that the rows add no error), to four
    standard errors.
    """
    X = standardised(normal(n, 4))
    result = importance(
        lambda X: X @ BETA, X, X @ BETA, score=negative_mse, n_repeats=400
    )
    error = result.drops.std(1, ddof=1) / np.sqrt(400)
    assert np.all(np.abs(result.drops.mean(1) - 2 * BETA**2) <= 4 * error)
    assert np.all(error < 0.1)


@pytest.mark.parametrize("n", [8, 1000])
def test_linear_model_drops_by_twice_beta_squared(n):
    check_closed_form(permutation_importance, n)


def test_the_mutant_that_leaves_some_rows_where_they_are_is_rejected():
    class Result:
        def __init__(self, drops):
            self.drops = drops

    def plain_shuffle(predict, X, y, *, score, n_repeats):
        rng = np.random.default_rng(0)
        drops = np.empty((X.shape[1], n_repeats))
        for j, repeat in np.ndindex(*drops.shape):
            shuffled = X.copy()
            shuffled[:, j] = rng.permutation(X[:, j])
            drops[j, repeat] = score(y, predict(X)) - score(y, predict(shuffled))
        return Result(drops)

    check_closed_form(plain_shuffle, 1000)  # one row in a thousand does not show
    with pytest.raises(AssertionError):
        check_closed_form(plain_shuffle, 8)


def check_against_sklearn(importance, fitted):
    model, X, y = fitted
    ours = importance(model.predict, X, y, score=r2_score, n_repeats=60)
    theirs = sklearn.inspection.permutation_importance(
        model, X, y, scoring="r2", n_repeats=60, random_state=0
    )
    error = np.hypot(ours.std, theirs.importances.std(1, ddof=1)) / np.sqrt(60)
    assert ours.baseline == r2_score(y, model.predict(X))
    # scikit-learn's plain shuffle leaves one row in n in place, here one in a hundred
    assert np.all(
        np.abs(ours.mean * (1 - 1 / len(X)) - theirs.importances_mean) < 4 * error
    )


def test_agrees_with_sklearn_within_monte_carlo_error(fitted):
    check_against_sklearn(permutation_importance, fitted)


def test_the_mutant_that_never_puts_a_column_back_is_rejected(fitted):
    def keeps_the_last(predict, X, y, **options):
        table = X.copy()

        def stale(changed):
            moved = (changed != X).any(0)
            table[:, moved] = changed[:, moved]
            return predict(table)

        return permutation_importance(stale, X, y, **options)

    with pytest.raises(AssertionError):
        check_against_sklearn(keeps_the_last, fitted)


def test_result_is_consistent(fitted):
    model, X, y = fitted
    result = permutation_importance(model.predict, X, y, score=r2_score, n_repeats=5)
    assert result.names == (0, 1, 2, 3)
    assert result.drops.shape == (4, 5)
    np.testing.assert_allclose(result.mean, result.drops.sum(1) / 5, rtol=1e-12)
    np.testing.assert_allclose(
        result.std**2,
        ((result.drops - result.mean[:, None]) ** 2).sum(1) / 4,
        rtol=1e-12,
    )


def test_an_unused_column_is_exactly_zero():
    X = normal(50, 3)
    result = permutation_importance(lambda X: X[:, 1], X, X[:, 1], score=negative_mse)
    assert np.all(result.drops[[0, 2]] == 0)
    assert np.all(result.drops[1] > 0)


@few
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_every_row_receives_the_value_of_another_row(n, seed):
    X = np.arange(2.0 * n).reshape(n, 2)
    tables = []

    def predict(table):
        tables.append(table.copy())
        return table[:, 0]

    permutation_importance(
        predict, X, X[:, 0], score=negative_mse, n_repeats=2, seed=seed
    )
    assert np.array_equal(tables[0], X)
    for i, table in enumerate(tables[1:]):
        moved, kept = i % 2, 1 - i % 2
        assert np.all(table[:, moved] != X[:, moved])
        assert np.array_equal(np.sort(table[:, moved]), X[:, moved])
        assert np.array_equal(table[:, kept], X[:, kept])
    # the same permutation for both columns
    assert np.array_equal(tables[1][:, 0] + 1, tables[2][:, 1])


def test_the_donor_of_a_row_is_any_other_row_with_equal_chance():
    X = np.arange(4.0)[:, None]
    counts = np.zeros((4, 4))

    def predict(table):
        counts[np.arange(4), table[:, 0].astype(int)] += 1
        return table[:, 0]

    permutation_importance(predict, X, X[:, 0], score=negative_mse, n_repeats=3000)
    counts[np.diag_indices(4)] -= 1  # the call for the baseline
    assert np.all(np.diag(counts) == 0)
    assert np.all(
        np.abs(counts[~np.eye(4, dtype=bool)] - 1000) < 4 * np.sqrt(3000 * 2 / 9)
    )


def test_groups_are_permuted_together():
    X = standardised(normal(2000, 1)).repeat(2, axis=1)  # two copies of one column
    options = {"score": negative_mse, "n_repeats": 20}
    both = permutation_importance(
        lambda X: X.sum(1), X, X.sum(1), groups={"both": [0, 1]}, **options
    )
    single = permutation_importance(lambda X: X.sum(1), X, X.sum(1), **options)
    assert both.names == ("both",)
    # β = 2 on one column of unit variance
    np.testing.assert_allclose(both.mean, [8], rtol=0.05)
    np.testing.assert_allclose(single.mean, [2, 2], rtol=0.05)
    only = permutation_importance(
        lambda X: X.sum(1), X, X.sum(1), groups={"right": [1]}, **options
    )
    assert np.array_equal(only.drops[0], single.drops[1])  # whatever else is looked at


def mixed_frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.standard_normal(200),
            "count": rng.integers(0, 5, 200),
            "colour": pd.Categorical(
                rng.choice(["red", "green"], 200), categories=["red", "green", "blue"]
            ),
            "name": rng.choice(["ada", "bob"], 200),
            7: np.where(rng.random(200) < 0.1, np.nan, 1.0),
        },
        index=rng.permutation(200) + 1000,
    )


def judge(table):
    assert list(table.columns) == ["size", "count", "colour", "name", 7]
    assert table["colour"].dtype == mixed_frame()["colour"].dtype
    return (
        2.0 * (table["colour"] == "red")
        + table["size"]
        + table["count"]
        + 0.0 * table[7].fillna(0)
    )


def test_a_frame_is_permuted_by_name_with_its_types_and_whatever_its_index():
    X = mixed_frame()
    before = X.copy(deep=True)
    y = judge(X).to_numpy()
    result = permutation_importance(
        lambda t: judge(t).to_numpy(), X, y, score=negative_mse, n_repeats=50
    )
    pd.testing.assert_frame_equal(X, before)
    assert result.names == ("size", "count", "colour", "name", 7)
    variances = [
        X["size"].var(),
        X["count"].var(),
        4 * (X["colour"] == "red").var(),
        0,
        0,
    ]
    np.testing.assert_allclose(result.mean, 2 * np.array(variances), rtol=0.1)
    assert np.all(result.drops[3:] == 0)
    same = permutation_importance(
        lambda X: X @ BETA, normal(50, 4), normal(50, 4) @ BETA, score=negative_mse
    )
    framed = permutation_importance(
        lambda X: X.to_numpy() @ BETA,
        pd.DataFrame(normal(50, 4)),
        normal(50, 4) @ BETA,
        score=negative_mse,
    )
    np.testing.assert_allclose(same.drops, framed.drops, rtol=1e-12)


def test_labels_and_text_as_truth():
    X = pd.DataFrame({"a": ["no", "yes"] * 20, "b": ["x"] * 40})
    result = permutation_importance(
        lambda X: X["a"], X, ["no", "yes"] * 20, score=accuracy_score, seed=3
    )
    assert result.baseline == 1
    assert 0.3 < result.mean[0] < 0.7
    assert result.mean[1] == 0


# --- drop-column importance -----------------------------------------------------------


def least_squares(X, y):
    return LinearRegression().fit(X, y).predict


def check_against_algebra(importance, seed, rho):
    """On the rows of the fit itself the drop is known: β_j² times what the other
    columns leave of column j.
    """
    X = normal(40, 3, seed) @ np.array(
        [[1, rho, 0], [0, np.sqrt(1 - rho**2), 0.3], [0, 0, 2]]
    )
    y = X @ [2.0, -1.0, 0.5] + normal(40, 1, seed + 1)[:, 0]
    result = importance(least_squares, X, y, X_test=X, y_test=y, score=negative_mse)
    beta = LinearRegression().fit(X, y).coef_
    others = [np.delete(X, j, axis=1) for j in range(3)]
    left = [
        np.mean((X[:, j] - least_squares(others[j], X[:, j])(others[j])) ** 2)
        for j in range(3)
    ]
    np.testing.assert_allclose(result.drop, beta**2 * left, rtol=1e-9)


@few
@given(st.integers(0, 2**31), st.floats(-0.95, 0.95))
def test_dropping_a_column_of_least_squares_costs_what_the_others_cannot_replace(
    seed, rho
):
    check_against_algebra(drop_column_importance, seed, rho)


def test_the_mutants_of_drop_column_importance_are_rejected():
    # the column set to its mean, in a model that keeps it
    def not_refitted(fit, X, y, *, X_test, **options):
        predict = fit(X, y)

        def keeps(rows, _):
            return lambda _: predict(
                np.where(np.isin(X[0], rows[0]), X_test, X_test.mean(0))
            )

        return drop_column_importance(keeps, X, y, X_test=X_test, **options)

    for mutant in (
        not_refitted,
        lambda *a, y_test, **o: permutation_of(*a, y_test=y_test, **o),
    ):
        with pytest.raises(AssertionError):
            check_against_algebra(mutant, 0, 0.8)


def permutation_of(fit, X, y, *, X_test, y_test, score):
    class Result:
        drop = permutation_importance(fit(X, y), X_test, y_test, score=score).mean

    return Result()


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_permutation_and_drop_column_on_correlated_columns(rho):
    """2 β² against β² (1 - ρ²), within 4 standard errors of the 20 repetitions."""
    beta, drops, shuffles = np.array([2.0, 1.0]), [], []
    for seed in range(20):
        z = normal(4000, 2, seed)
        X = np.column_stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]])
        y = X @ beta + 0.1 * normal(4000, 1, seed + 100)[:, 0]
        half = slice(2000), slice(2000, None)
        options = {"X_test": X[half[1]], "y_test": y[half[1]], "score": negative_mse}
        drops.append(
            drop_column_importance(
                least_squares, X[half[0]], y[half[0]], **options
            ).drop
        )
        predict = least_squares(X[half[0]], y[half[0]])
        shuffles.append(
            permutation_importance(
                predict, X[half[1]], y[half[1]], score=negative_mse, n_repeats=2
            ).mean
        )
    for found, expected in ((drops, beta**2 * (1 - rho**2)), (shuffles, 2 * beta**2)):
        error = np.std(found, axis=0, ddof=1) / np.sqrt(20)
        assert np.all(np.abs(np.mean(found, axis=0) - expected) < 4 * error)
        assert np.all(error < 0.1)


def test_drop_column_takes_frames_and_groups_and_leaves_the_data_alone():
    X = pd.DataFrame(normal(60, 3), columns=["a", "b", "c"])
    y = X.to_numpy() @ [1.0, 2.0, 0.0]
    before, seen = X.copy(), []

    def fit(rows, truth):
        seen.append(list(rows.columns))
        # a model that writes to its data reaches a copy only
        rows["a" if "a" in rows else "c"] = 0.0
        return lambda new: np.zeros(len(new))

    options = {"X_test": X, "y_test": y, "score": negative_mse}
    result = drop_column_importance(
        fit, X, y, groups={"first two": ["a", "b"], "last": ["c"]}, **options
    )
    assert seen == [["a", "b", "c"], ["c"], ["a", "b"]]
    assert result.names == ("first two", "last")
    assert result.drop.tolist() == [0, 0]
    pd.testing.assert_frame_equal(X, before)
    whole = drop_column_importance(least_squares, X, y, **options)
    array = drop_column_importance(
        least_squares,
        X.to_numpy(),
        y,
        X_test=X.to_numpy(),
        y_test=y,
        score=negative_mse,
        progress=list,
    )
    assert whole.names == ("a", "b", "c")
    np.testing.assert_allclose(whole.drop, array.drop, rtol=1e-12)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"X": [[1.0]]},
            TypeError,
            "^X: got list, expected a DataFrame or a NumPy array$",
        ),
        (
            {"X_test": np.zeros(6)},
            ValueError,
            r"^X_test: got shape \(6,\), expected \(n, n_columns\), neither of them "
            r"zero$",
        ),
        (
            {"y": np.zeros(5)},
            ValueError,
            "^y: got 5 values, expected one for each of the 6 rows$",
        ),
        (
            {"y_test": np.zeros(5)},
            ValueError,
            "^y_test: got 5 values, expected one for each of the 6 rows$",
        ),
        (
            {"X_test": np.zeros((6, 3))},
            ValueError,
            r"^X_test: got the columns \[0, 1, 2\], expected those of X, \[0, 1\]$",
        ),
        (
            {"groups": {"g": [0, 1]}},
            ValueError,
            r"^groups\['g'\]: got every column of X, expected at least one to be left$",
        ),
        (
            {"groups": {"g": [2]}},
            ValueError,
            r"^groups\['g'\]: got 2, which stands for 0 of the columns \[0, 1\]$",
        ),
        (
            {"score": lambda *_: np.nan},
            ValueError,
            "^score: got nan, expected a finite number$",
        ),
    ],
)
def test_bad_arguments_of_drop_column_importance(bad, error, message):
    table = normal(6, 2)
    options = {
        "X": table,
        "y": table[:, 0],
        "X_test": table,
        "y_test": table[:, 0],
        "score": negative_mse,
    } | bad
    with pytest.raises(error, match=message):
        drop_column_importance(
            least_squares, options.pop("X"), options.pop("y"), **options
        )


# --- partial dependence ---------------------------------------------------------------


def check_dependence(dependence, fitted):
    model, X, _ = fitted
    for feature in range(4):
        theirs = sklearn.inspection.partial_dependence(
            model, X, [feature], method="brute", kind="both", grid_resolution=15
        )
        ours = dependence(
            model.predict, X, feature, grid=theirs["grid_values"][0], ice=True
        )
        np.testing.assert_allclose(ours.mean, theirs["average"][0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            ours.individual, theirs["individual"][0], rtol=0, atol=1e-12
        )


def test_equals_sklearn(fitted):
    check_dependence(partial_dependence, fitted)


def test_the_mutants_of_partial_dependence_are_rejected(fitted):
    def of_integers(predict, X, feature, *, grid, ice):
        return partial_dependence(predict, X, feature, grid=np.floor(grid), ice=ice)

    # one average row instead of the average over rows
    def at_the_mean(predict, X, feature, **options):
        return partial_dependence(
            lambda t: np.full(len(X), predict(t.mean(0)[None])[0]),
            X,
            feature,
            **options,
        )

    for mutant in (of_integers, at_the_mean):
        with pytest.raises(AssertionError):
            check_dependence(mutant, fitted)


def test_linear_model_gives_its_slope():
    X = normal(100, 2)
    model = LinearRegression().fit(X, X @ [3.0, -1.0] + 2)
    curve = partial_dependence(model.predict, X, 0, grid=[-1.0, 0.0, 2.0])
    np.testing.assert_allclose(
        curve.mean, 2 + 3 * np.array([-1, 0, 2]) - X[:, 1].mean(), rtol=1e-12
    )
    assert curve.individual is None


def test_ice_shows_what_the_average_hides():
    X = np.column_stack([np.linspace(-1, 1, 101), np.r_[np.ones(50), 0, -np.ones(50)]])
    curve = partial_dependence(lambda X: X[:, 0] * X[:, 1], X, 0, ice=True)
    np.testing.assert_allclose(curve.mean, 0, atol=1e-15)
    np.testing.assert_allclose(curve.individual, np.outer(X[:, 1], curve.grid))
    np.testing.assert_allclose(curve.individual.mean(0), curve.mean, atol=1e-15)


def test_default_grid():
    X = np.column_stack(
        [np.arange(101.0), np.arange(101) % 3, np.r_[np.nan, np.arange(100.0)]]
    )
    grid_of = partial(partial_dependence, lambda X: X[:, 0], X)
    np.testing.assert_allclose(grid_of(0, grid=4).grid, [5, 35, 65, 95])
    np.testing.assert_allclose(grid_of(0).grid, np.linspace(5, 95, 20))
    np.testing.assert_array_equal(grid_of(1).grid, [0, 1, 2])
    np.testing.assert_allclose(grid_of(2, grid=2).grid, [4.95, 94.05])


def test_integers_do_not_cut_off_the_fractions_of_a_grid():
    whole = np.arange(12).reshape(6, 2)
    for X, feature in ((whole, 1), (pd.DataFrame(whole, columns=["a", "b"]), "b")):
        curve = partial_dependence(
            lambda t: np.asarray(t)[:, 1] * 1.0, X, feature, grid=[0.25, 0.5]
        )
        np.testing.assert_array_equal(curve.mean, [0.25, 0.5])
    single = normal(5, 2).astype(np.float32)
    net = torch.nn.Linear(2, 1, bias=False)
    curve = partial_dependence(
        lambda t: net(torch.from_numpy(t)).detach(), single, 0, grid=[0.1, 0.2]
    )
    assert curve.grid.dtype == np.float32


def test_partial_dependence_of_a_frame():
    X = mixed_frame()
    before = X.copy(deep=True)
    for feature, grid in (
        ("colour", ["red", "green"]),
        ("name", ["ada", "bob"]),
        ("count", [0, 1, 2, 3, 4]),
    ):
        assert partial_dependence(judge, X, feature).grid.tolist() == grid
    curve = partial_dependence(judge, X, "colour", grid=["red", "blue"], ice=True)
    np.testing.assert_allclose(
        curve.mean, (X["size"] + X["count"]).mean() + np.array([2, 0])
    )
    np.testing.assert_allclose(curve.individual[:, 1], X["size"] + X["count"])
    pd.testing.assert_frame_equal(X, before)


# --- seeds, global state, progress, bad arguments -------------------------------------


def test_seeds_and_global_state(fitted):
    model, X, y = fitted
    run = partial(
        permutation_importance, model.predict, X, y, score=r2_score, n_repeats=3
    )
    before = (
        X.copy(),
        torch.get_rng_state(),
        np.random.get_state()[1].copy(),  # noqa: NPY002
        random.getstate(),
    )
    first = run().drops
    assert np.array_equal(first, run(seed=0).drops)
    assert np.array_equal(first, run(seed=np.random.default_rng(0)).drops)
    assert not np.array_equal(first, run(seed=1).drops)
    assert not np.array_equal(run(seed=None).drops, run(seed=None).drops)
    partial_dependence(model.predict, X, 1)
    assert np.array_equal(before[0], X)
    assert torch.equal(before[1], torch.get_rng_state())
    assert np.array_equal(before[2], np.random.get_state()[1])  # noqa: NPY002
    assert before[3] == random.getstate()


def test_curves_over_dates_and_durations():
    """Evenly spaced between the quantiles, set in the column's own type."""
    days = pd.to_timedelta(np.arange(101), unit="D")
    start = pd.Timestamp("2020-01-01")
    frame = pd.DataFrame({"day": start + days, "lasts": days, "x": np.arange(101.0)})
    frame["abroad"] = frame["day"].dt.tz_localize("Europe/Vienna")

    def model(table):
        passed = (table["day"] - start) / pd.Timedelta(days=1)
        hours = table["abroad"].dt.hour
        return (passed + 2 * table["lasts"].dt.days + hours).to_numpy() + table["x"]

    curve = partial_dependence(model, frame, "day", grid=3)
    middle = pd.to_datetime(["2020-01-06", "2020-02-20", "2020-04-05"])
    assert list(curve.grid) == list(middle)
    assert curve.mean.tolist() == [155.0, 200.0, 245.0]
    lasting = partial_dependence(model, frame, "lasts", grid=3, ice=True)
    assert list(lasting.grid) == list(pd.to_timedelta([5, 50, 95], unit="D"))
    assert lasting.individual[:2].tolist() == [[10.0, 100, 190], [12.0, 102, 192]]
    given = partial_dependence(model, frame, "day", grid=["2020-01-01", "2020-01-11"])
    assert given.mean.tolist() == [150.0, 160.0]
    zoned = [pd.Timestamp("2020-01-01 07:30", tz="Europe/Vienna")]
    assert partial_dependence(model, frame, "abroad", grid=zoned).mean == [207.0]
    with pytest.raises(ValueError, match=r"grid: got \['soon'\], expected values of"):
        partial_dependence(model, frame, "day", grid=["soon"])
    array = days.to_numpy()[:, None]
    found = partial_dependence(lambda X: X[:, 0].astype(float), array, 0, grid=2)
    assert list(found.grid) == list(pd.to_timedelta([5, 95], unit="D"))


def test_permutations_take_one_copy_of_the_table():
    X = normal(20_000, 20)
    beta = np.arange(20.0)
    tracemalloc.start()
    try:
        permutation_importance(
            lambda X: X @ beta, X, X[:, 0], score=negative_mse, n_repeats=10
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * X.nbytes  # a permutation is a twentieth of the table


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_numbers_reach_a_function_in_the_precision_of_the_table(kind):
    X = normal(20, 2).astype(kind)

    def model(rows):
        assert rows.dtype == kind
        return rows @ np.array([2.0, -1.0], kind)

    curve = partial_dependence(model, X, 0, grid=[0.0, 1.0])
    np.testing.assert_allclose(np.diff(curve.mean), 2, rtol=1e-6)
    permutation_importance(model, X, X[:, 0], score=negative_mse, n_repeats=2)


def test_progress():
    lengths = []

    def bar(iterable):
        lengths.append(len(iterable))
        yield from iterable

    X = normal(30, 2)
    permutation_importance(
        lambda X: X[:, 0], X, X[:, 0], score=negative_mse, n_repeats=3, progress=bar
    )
    partial_dependence(lambda X: X[:, 0], X, 0, grid=7, progress=bar)
    assert lengths == [3, 7]


TABLE = normal(6, 2)
FRAME = pd.DataFrame({"a": pd.Categorical(["x", "y"] * 3), "b": TABLE[:, 0]})
TWICE = pd.DataFrame(TABLE, columns=["a", "a"])


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"X": TABLE.tolist()}, TypeError, "X: got list"),
        ({"X": TABLE[:, 0]}, ValueError, r"X: got shape \(6,\)"),
        ({"X": TABLE[:0]}, ValueError, r"X: got shape \(0, 2\)"),
        ({"X": TABLE[:1], "y": [0.0]}, ValueError, "X: rows: got 1"),
        ({"X": TWICE}, ValueError, "'a', which stands for 2 of the columns"),
        (
            {"y": np.zeros(5)},
            ValueError,
            "y: got 5 values, expected one for each of the 6 rows",
        ),
        (
            {"groups": {"g": [2]}},
            ValueError,
            r"groups\['g'\]: got 2, which stands for 0",
        ),
        ({"groups": {"g": [-1]}}, ValueError, "got -1"),
        (
            {"X": FRAME, "groups": {"g": ["c"]}},
            ValueError,
            "'c', which stands for 0 of the columns",
        ),
        ({"n_repeats": 1}, ValueError, "n_repeats: got 1"),
        ({"n_repeats": 2.0}, TypeError, "n_repeats: got 2.0"),
        ({"seed": "0"}, TypeError, "seed: got '0'"),
        ({"seed": True}, TypeError, "seed: got True"),
        ({"score": lambda *_: np.nan}, ValueError, "score: got nan"),
        ({"score": lambda y, p: y - p}, TypeError, "score: got array"),
    ],
)
def test_bad_arguments_of_permutation_importance(bad, error, message):
    options = {"X": TABLE, "y": TABLE[:, 0], "score": negative_mse} | bad
    with pytest.raises(error, match=message):
        permutation_importance(
            lambda X: np.asarray(X)[:, -1],
            options.pop("X"),
            options.pop("y"),
            **options,
        )


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"X": TABLE.tolist()}, TypeError, "X: got list"),
        ({"X": TABLE[:0]}, ValueError, r"X: got shape \(0, 2\)"),
        ({"feature": 2}, ValueError, "feature: got 2"),
        ({"feature": "a"}, ValueError, "feature: got 'a'"),
        ({"X": TWICE, "feature": "a"}, ValueError, "stands for 2"),
        (
            {"X": FRAME, "feature": "a", "grid": ["x", "z"]},
            ValueError,
            r"grid: got \['z'\], expected values of a column of category",
        ),
        ({"grid": []}, ValueError, r"grid: got shape \(0,\)"),
        ({"grid": [[1.0]]}, ValueError, r"grid: got shape \(1, 1\)"),
        ({"grid": 0}, ValueError, "grid: got 0"),
        ({"grid": [0.0, np.inf]}, ValueError, "grid: got NaN or infinity"),
        ({"X": TABLE * np.nan}, ValueError, r"grid: got shape \(0,\)"),
        (
            {"model": lambda X: X},
            ValueError,
            "target: got None, expected one of the model's 2 outputs",
        ),
        (
            {"model": lambda *_: 1.0},
            ValueError,
            r"model: got outputs of shape \(\)",
        ),
        ({"model": lambda X: X[:, 0] * np.nan}, ValueError, "model: outputs: got NaN"),
        ({"model": lambda X: X, "target": 2}, ValueError, "target: got 2"),
    ],
)
def test_bad_arguments_of_partial_dependence(bad, error, message):
    options = {"model": lambda X: X[:, 0], "X": TABLE, "feature": 0} | bad
    with pytest.raises(error, match=message):
        partial_dependence(
            options.pop("model"), options.pop("X"), options.pop("feature"), **options
        )


def test_curves_of_a_single_neuron():
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ).double()
    X = normal(7, 3)
    curves = partial_dependence(
        lambda X: net[:2](torch.from_numpy(X))[:, 2].detach().numpy(),
        X,
        1,
        grid=np.array([-1.0, 0.0, 2.0]),
        ice=True,
    )
    weight, bias = net[0].weight[2].detach().numpy(), net[0].bias[2].item()
    rest = X[:, [0, 2]] @ weight[[0, 2]] + bias
    expected = np.maximum(rest[:, None] + weight[1] * np.array([-1.0, 0.0, 2.0]), 0)
    np.testing.assert_allclose(curves.individual, expected, atol=1e-12)
    np.testing.assert_allclose(curves.mean, expected.mean(0), atol=1e-12)


@pytest.mark.parametrize("column", ["answers", "outputs"])
def test_a_column_is_not_compared_with_a_row(column):
    X = np.arange(6.0)[:, None]
    y, outputs = X[:, 0], X[:, 0]
    if column == "answers":
        y = y[:, None]
    else:
        outputs = outputs[:, None]
    with pytest.raises(ValueError, match=r"^y: got shape \(6,"):
        permutation_importance(
            lambda rows: outputs, X, y, score=lambda y, p: float(np.mean(y == p))
        )
