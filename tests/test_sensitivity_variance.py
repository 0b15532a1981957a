"""Sobol indices and Morris screening: published values, axioms, SALib, joblib and bad
input.
"""

import dataclasses
import random
import warnings
from collections import deque

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol
from scipy.stats import norm, uniform

from xaicourse.sensitivity import (
    g_function,
    ishigami,
    linear,
    morris_sample,
    morris_screening,
    morris_screening_of,
    sobol_indices,
    sobol_indices_of,
    sobol_sample,
)

few = settings(max_examples=15, deadline=None, derandomize=True)
G = g_function([78.0, 12.0, 0.5, 2.0, 97.0, 33.0])


# --- published values -----------------------------------------------------------------


def check_published(estimate, f, **options):
    # four scramblings of 4,096 rows
    result = estimate(f, f.bounds, n_samples=4 * 4096, seed=0, **options)
    np.testing.assert_allclose(result.S1, f.S1, atol=0.01)
    np.testing.assert_allclose(result.ST, f.ST, atol=0.01)
    assert result.variance == pytest.approx(f.variance, rel=0.01)
    return result


@pytest.mark.parametrize("f", [ishigami(), G, linear([1] * 5), linear([5, 4, 3, 2, 1])])
def test_indices_are_the_published_ones(f):
    result = check_published(sobol_indices, f)
    assert result.n_evaluations == 4 * 4096 * (len(f.bounds) + 2)
    assert result.S2 is result.S2_conf is None


def test_second_order_is_the_published_one():
    f = ishigami()
    result = check_published(sobol_indices, f, second_order=True)
    np.testing.assert_allclose(result.S2, f.S2, atol=0.015)
    np.testing.assert_array_equal(result.S2, result.S2.T)
    assert result.n_evaluations == 4 * 4096 * 8


def test_the_mutant_that_exchanges_first_order_and_total_is_rejected():
    def mutant(function, bounds, **options):
        right = sobol_indices(function, bounds, **options)
        return dataclasses.replace(right, S1=right.ST, ST=right.S1)

    # without interactions the two are the same
    check_published(mutant, linear([1] * 5))
    with pytest.raises(AssertionError):
        check_published(mutant, ishigami())


def missed_and_widths(f, *, seeds, **options):
    """Errors and half-widths of all indices, one row a seed."""
    upper = np.triu_indices(len(f.bounds), 1)
    exact = np.concatenate([f.S1, f.ST, f.S2[upper]])
    rows = []
    for seed in range(seeds):
        r = sobol_indices(f, f.bounds, second_order=True, seed=seed, **options)
        found = np.concatenate([r.S1, r.ST, r.S2[upper]])
        rows.append(
            (found - exact, np.concatenate([r.S1_conf, r.ST_conf, r.S2_conf[upper]]))
        )
    return np.array(rows).swapaxes(0, 1)


@pytest.mark.parametrize("n_scramblings", [1, 4])
@pytest.mark.parametrize("n", [256, 4096])
@pytest.mark.parametrize("f", [ishigami(), g_function([0.0, 1.0, 4.5])])
def test_intervals_hold_the_truth_as_often_as_they_say(f, n, n_scramblings):
    missed, widths = missed_and_widths(
        f, seeds=200, n_samples=n, n_scramblings=n_scramblings
    )
    held = (abs(missed) <= widths).mean(0)  # nominally 0.95
    assert held.min() >= 0.88
    assert 0.9 <= held.mean() <= 0.99


def test_one_scrambling_is_more_exact_than_four_and_its_intervals_are_no_wider():
    for f in (ishigami(), g_function([0.0, 1.0, 4.5])):
        one, four = (
            missed_and_widths(f, seeds=60, n_samples=1024, n_scramblings=k)
            for k in (1, 4)
        )
        error, error_of_four = (np.sqrt((m**2).mean()) for m, _ in (one, four))
        assert error < 0.85 * error_of_four
        assert np.median(one[1]) < 1.1 * np.median(four[1])


def test_the_level_of_the_intervals():
    f = ishigami()
    for n_scramblings, quantiles in ((1, 5.40788 / 2.36462), (4, 12.9240 / 3.18245)):
        # Student's, with seven and with three degrees of freedom
        narrow, wide = (
            sobol_indices(f, f.bounds, n_scramblings=n_scramblings, conf_level=level)
            for level in (0.95, 0.999)
        )
        np.testing.assert_allclose(wide.S1_conf / narrow.S1_conf, quantiles, rtol=1e-5)


def rare(X):
    return (X[:, 0] > 0.97) & (X[:, 1] > 0.97) & (X[:, 2] > 0.5)


def test_a_rare_event_has_finite_indices_or_says_that_none_was_seen():
    seen, unseen = 0, 0
    for seed in range(40):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = sobol_indices(rare, [(0, 1)] * 3, n_samples=512, seed=seed)
        assert np.isfinite([found.S1, found.ST, found.S1_conf, found.ST_conf]).all()
        words = [str(warning.message) for warning in caught]
        assert (found.variance > 0) == (not any("all are the same" in w for w in words))
        few = any(w.startswith("n_samples: got 512, too few") for w in words)
        unseen += few
        seen += found.variance > 0 and not few
    assert seen
    assert unseen


# --- SALib ----------------------------------------------------------------------------


class Recorder:
    """A function that remembers what it was asked, in order."""

    def __init__(self, function):
        self.function, self.blocks = function, []

    def __call__(self, X):
        self.blocks.append(X.copy())
        return self.function(X)


def salib_order(values, d):
    """SALib's rows: for each sample A, AB of each column, BA of each column, B."""
    A, B, *mixed = values
    return np.stack([A, *mixed, B], axis=1).ravel()


def test_the_estimates_are_the_stated_formulas_of_what_was_evaluated():
    recorder = Recorder(lambda X: 5.0 + X[:, 0] * X[:, 1] + X[:, 2] ** 2)
    result = sobol_indices(
        recorder, [(-1, 2), (0, 1), (3, 4)], n_samples=8, second_order=True
    )
    A, B, *mixed = recorder.blocks
    np.testing.assert_array_equal(mixed[1], np.stack([A[:, 0], B[:, 1], A[:, 2]], 1))
    np.testing.assert_array_equal(mixed[5], np.stack([B[:, 0], B[:, 1], A[:, 2]], 1))
    outputs = np.array([recorder.function(X) for X in recorder.blocks])
    mean = outputs[:2].mean()
    variance = outputs[:2].var()
    assert result.mean == pytest.approx(mean)
    assert result.variance == pytest.approx(variance)
    assert result.n_evaluations == 64
    a, b, *rest = outputs - mean
    ab, ba = rest[:3], rest[3:]
    for i in range(3):
        first = np.mean(b * (ab[i] - a)) / variance
        total = np.mean((a - ab[i]) ** 2) / 2 / variance
        assert result.S1[i] == pytest.approx(first)
        assert result.ST[i] == pytest.approx(total)
        for j in range(i):
            pair = np.mean(ba[j] * ab[i] - a * b) / variance
            pair -= result.S1[i] + result.S1[j]
            assert result.S2[i, j] == pytest.approx(pair)
            assert result.S2[j, i] == result.S2[i, j]
        assert result.S2[i, i] == result.S2_conf[i, i] == 0.0


def test_the_effects_of_morris_are_the_stated_formulas_of_what_was_evaluated():
    recorder = Recorder(lambda X: X[:, 0] * X[:, 1] + X[:, 2] ** 2)
    result = morris_screening(
        recorder, [(-1, 2), (0, 1), (3, 5)], n_trajectories=4, n_levels=6
    )
    scaled = [(X - [-1, 0, 3]) / [3, 1, 2] for X in recorder.blocks]
    effects = np.full((4, 3), np.nan)
    for before, after, X, Y in zip(
        scaled, scaled[1:], recorder.blocks, recorder.blocks[1:], strict=False
    ):
        change = recorder.function(Y) - recorder.function(X)
        for row, moved in enumerate(np.abs(after - before).argmax(1)):
            step = after[row, moved] - before[row, moved]
            assert abs(step) == pytest.approx(0.6)  # 6 / (2 (6 - 1))
            effects[row, moved] = change[row] / step
    np.testing.assert_allclose(result.effects, effects, atol=1e-12)
    np.testing.assert_allclose(result.mu, effects.mean(0))
    np.testing.assert_allclose(result.mu_star, np.abs(effects).mean(0))
    np.testing.assert_allclose(result.sigma, effects.std(0, ddof=1))
    assert result.n_evaluations == 16


def test_the_paths_of_morris_begin_anywhere_and_go_in_any_order():
    recorder = Recorder(lambda X: X.sum(1))
    morris_screening(recorder, [(0, 1)] * 2, n_trajectories=400, n_levels=4)
    start, middle, end = recorder.blocks
    first = np.abs(middle - start).argmax(1)
    up = end > start
    for half in (first == 0, up[:, 0], up[:, 1], up[:, 0] == up[:, 1]):
        assert abs(half.mean() - 0.5) < 0.1
    places, counts = np.unique(start.round(9), axis=0, return_counts=True)
    assert len(places) == 16
    assert counts.min() > 8  # of 25


def test_the_stated_defaults():
    f = ishigami()
    stated = {"n_samples": 1024, "second_order": False, "n_scramblings": 1}
    stated |= {"conf_level": 0.95, "seed": 0}
    default, expected = sobol_indices(f, f.bounds), sobol_indices(f, f.bounds, **stated)
    for name, value in vars(default).items():
        np.testing.assert_array_equal(value, getattr(expected, name))
    stated = {"n_trajectories": 20, "n_levels": 4, "seed": 0}
    default = morris_screening(f, f.bounds)
    expected = morris_screening(f, f.bounds, **stated)
    np.testing.assert_array_equal(default.effects, expected.effects)
    assert default.effects.shape == (20, 3)


@pytest.mark.parametrize("f", [ishigami(), G])
def test_the_same_evaluations_give_salibs_indices(f):
    d = len(f.bounds)
    recorder = Recorder(lambda X: 100.0 + f(X))
    ours = sobol_indices(recorder, f.bounds, n_samples=512, second_order=True)
    Y = salib_order([100.0 + f(X) for X in recorder.blocks], d)
    problem = {
        "num_vars": d,
        "names": [f"x{i}" for i in range(d)],
        "bounds": f.bounds.tolist(),
    }
    theirs = salib_sobol.analyze(problem, Y, calc_second_order=True, seed=1)
    upper = np.triu_indices(d, 1)
    # SALib centres with all outputs, we with A and B alone: that moves an estimate by
    # less than its error
    for mine, name in ((ours.S1, "S1"), (ours.ST, "ST"), (ours.S2[upper], None)):
        reference = theirs["S2"][upper] if name is None else theirs[name]
        width = theirs["S2_conf"][upper] if name is None else theirs[name + "_conf"]
        assert np.all(np.abs(mine - reference) <= 0.1 * width + 1e-12)
    np.testing.assert_allclose(ours.ST, theirs["ST"], rtol=1e-10)


def check_against_salib_morris(morris):
    f = ishigami()
    recorder = Recorder(f)
    ours = morris(recorder, f.bounds, n_trajectories=30, n_levels=6)
    X = np.stack(recorder.blocks, axis=1).reshape(-1, 3)  # trajectory after trajectory
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": f.bounds.tolist()}
    theirs = salib_morris.analyze(problem, X, f(X), num_levels=6, seed=1)
    for name in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(
            getattr(ours, name), theirs[name], rtol=1e-9, atol=1e-9
        )


def test_morris_agrees_with_salib():
    check_against_salib_morris(morris_screening)


def test_the_mutant_that_forgets_the_direction_is_rejected():
    def mutant(function, bounds, **options):
        right = morris_screening(function, bounds, **options)
        return dataclasses.replace(right, mu=right.mu_star)

    with pytest.raises(AssertionError):
        check_against_salib_morris(mutant)


# --- axioms ---------------------------------------------------------------------------

coefficients = st.lists(st.integers(-5, 5), min_size=2, max_size=4).filter(any)


@few
@given(coefficients, st.floats(0.1, 100), st.floats(-100, 100))
def test_neither_unit_nor_offset_of_the_output_changes_a_share(c, factor, offset):
    f = linear(c)
    plain = sobol_indices(f, f.bounds, n_samples=64)
    moved = sobol_indices(lambda X: factor * f(X) + offset, f.bounds, n_samples=64)
    for name in ("S1", "ST", "S1_conf", "ST_conf"):
        np.testing.assert_allclose(
            getattr(plain, name), getattr(moved, name), rtol=1e-6, atol=1e-9
        )


@few
@given(coefficients, st.floats(0.1, 100), st.floats(-100, 100))
def test_the_units_of_the_inputs_do_not_matter(c, width, start):
    f = linear(c)
    bounds = start + width * f.bounds
    moved = sobol_indices(lambda X: f((X - start) / width), bounds, n_samples=64)
    plain = sobol_indices(f, f.bounds, n_samples=64)
    np.testing.assert_allclose(moved.ST, plain.ST, rtol=1e-6, atol=1e-9)
    morris = morris_screening(
        lambda X: f((X - start) / width), bounds, n_trajectories=5
    )
    np.testing.assert_allclose(morris.mu, c, atol=1e-9)
    np.testing.assert_allclose(morris.sigma, 0, atol=1e-9)


@few
@given(st.integers(0, 1000))
def test_an_unused_input_has_no_total_index(seed):
    result = sobol_indices(
        lambda X: X[:, 0] * X[:, 2],
        [(0, 1)] * 3,
        n_samples=32,
        second_order=True,
        seed=seed,
    )
    assert result.ST[1] == result.ST_conf[1] == result.S1[1] == 0
    morris = morris_screening(lambda X: X[:, 0] * X[:, 2], [(0, 1)] * 3, seed=seed)
    assert morris.mu_star[1] == morris.sigma[1] == 0


def test_inputs_that_trade_places_trade_indices():
    f = ishigami()
    order = [2, 0, 1]
    plain = sobol_indices(f, f.bounds, n_samples=4096)
    moved = sobol_indices(
        lambda X: f(X[:, np.argsort(order)]), f.bounds[order], n_samples=4096
    )
    np.testing.assert_allclose(moved.ST, plain.ST[order], atol=0.02)


@pytest.mark.parametrize("method", [sobol_indices, morris_screening])
def test_all_evaluations_lie_within_the_bounds(method):
    bounds = np.array([(-2.0, -1.0), (5.0, 5.5)])
    recorder = Recorder(lambda X: X.sum(1))
    method(recorder, bounds)
    X = np.concatenate(recorder.blocks)
    assert np.all(bounds[:, 0] - 1e-12 <= X)
    assert np.all(bounds[:, 1] + 1e-12 >= X)
    assert np.all(np.ptp(X, axis=0) > 0.9 * np.ptp(bounds, axis=1))


def test_morris_moves_each_input_once_and_visits_all_levels():
    recorder = Recorder(lambda X: X.sum(1))
    morris_screening(recorder, [(0, 1)] * 5, n_trajectories=200, n_levels=4)
    path = np.stack(recorder.blocks)  # (6, 200, 5)
    moved = np.abs(np.diff(path, axis=0)) > 1e-12
    assert np.all(moved.sum(2) == 1)
    assert np.all(moved.sum(0) == 1)
    levels, counts = np.unique(path.round(9), return_counts=True)
    np.testing.assert_allclose(levels, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.03)


# --- randomness, parallel work --------------------------------------------------------


def global_state():
    return (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        torch.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("method", [sobol_indices, morris_screening])
def test_seeds(method):
    f = ishigami()
    before = global_state()
    first, again, other = (method(f, f.bounds, seed=seed) for seed in (0, 0, 1))
    # fields by name, so that a new field is compared too
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(again, name))
    assert any(
        not np.array_equal(value, getattr(other, name))
        for name, value in vars(first).items()
    )
    after = global_state()
    assert before == after


@pytest.mark.parametrize("method", [sobol_indices, morris_screening])
def test_parallel_work_changes_nothing(method):
    f = ishigami()
    alone = method(f, f.bounds)
    with joblib.parallel_config("threading", n_jobs=2):
        by_context = method(f, f.bounds)
    with joblib.parallel_config("threading"):
        by_argument = method(f, f.bounds, n_jobs=2)
    for name, value in vars(alone).items():
        np.testing.assert_array_equal(value, getattr(by_context, name))
        np.testing.assert_array_equal(value, getattr(by_argument, name))


class CountingBackend(joblib._parallel_backends.ThreadingBackend):
    """Stands for a reader's own backend."""

    submitted = 0

    def submit(self, func, callback=None):
        type(self).submitted += 1
        return super().submit(func, callback)


def simulator(table):
    """Stands for a program that runs elsewhere."""
    return table["height"] ** 2 * table["leak"] - 3 * table["load"]


TANK = {"height": (1.0, 2.0), "leak": norm(0.1, 0.02), "load": uniform(0, 0.05)}


def test_rows_go_to_a_simulator_elsewhere_and_outputs_come_back_by_files(tmp_path):
    options = {"n_samples": 64, "second_order": True, "seed": 3}
    sobol_sample(TANK, **options).rows.to_csv(tmp_path / "runs.csv")
    runs = pd.read_csv(tmp_path / "runs.csv", index_col=0)
    assert list(runs.columns) == ["height", "leak", "load"]
    assert len(runs) == 64 * 8
    # the cluster finishes in whatever order
    done = simulator(runs).sample(frac=1, random_state=0)
    done.rename("flow").to_csv(tmp_path / "flow.csv")
    # another day: the same arguments stand for the same sample
    outputs = pd.read_csv(tmp_path / "flow.csv", index_col=0)["flow"]
    found = sobol_indices_of(sobol_sample(TANK, **options), outputs)
    expected = sobol_indices(simulator, TANK, **options)
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), value)

    sample = morris_sample(TANK_WITH_ENDS, n_trajectories=5)
    sample.rows.to_csv(tmp_path / "runs.csv", index=False)
    outputs = simulator(pd.read_csv(tmp_path / "runs.csv")).to_numpy()
    found = morris_screening_of(
        morris_sample(TANK_WITH_ENDS, n_trajectories=5), outputs
    )
    expected = morris_screening(simulator, TANK_WITH_ENDS, n_trajectories=5)
    np.testing.assert_array_equal(found.effects, expected.effects)


TANK_WITH_ENDS = TANK | {"leak": uniform(0.1, 0.02)}


def test_named_inputs_have_the_distributions_that_were_given():
    rows = sobol_sample(TANK, n_samples=1024).rows
    half = rows.iloc[:2048]
    np.testing.assert_allclose(half["leak"].mean(), 0.1, atol=1e-4)
    np.testing.assert_allclose(half["leak"].std(), 0.02, rtol=0.01)
    assert half["height"].between(1, 2).all()
    assert half["load"].between(0, 0.05).all()
    # a sum of squares of coefficients times variances: 4 * 0.0004 and 1 / 12
    found = sobol_indices(
        lambda table: table["height"] + 2 * table["leak"],
        TANK | {"leak": norm(0.1, 0.2)},
        n_samples=4096,
    )
    shares = np.array([1 / 12, 0.16, 0]) / (1 / 12 + 0.16)
    np.testing.assert_allclose(found.S1, shares, atol=1e-3)


def test_results_print_themselves_as_tables():
    found = sobol_indices(simulator, TANK, n_samples=64, second_order=True)
    table = found.to_df()
    assert table.loc["leak", "ST"] == found.ST[1]
    assert table.loc["height, load", "S2"] == found.S2[0, 2]
    lines = repr(found).splitlines()
    assert lines[0].split() == [*table.columns]
    assert lines[2].split()[:3] == [
        "leak",
        f"{found.S1[1]:.4f}",
        f"{found.S1_conf[1]:.4f}",
    ]
    assert len(lines) == 7
    assert "NaN" not in repr(found)
    screened = morris_screening(lambda X: 3 * X[:, 0] - X[:, 1], [(0, 1), (0, 2)])
    assert screened.to_df().loc[0, "mu"] == screened.mu[0]
    assert repr(screened).splitlines()[0].split() == ["mu", "mu_star", "sigma"]


def test_outputs_that_are_not_those_of_the_sample_are_refused():
    sample = sobol_sample([(0, 1)] * 2, n_samples=8)
    with pytest.raises(
        ValueError, match=r"^outputs: got shape \(31,\), expected \(32,"
    ):
        sobol_indices_of(sample, np.arange(31.0))
    with pytest.raises(ValueError, match=r"^outputs: got NaN or infinity"):
        sobol_indices_of(sample, np.full(32, np.nan))
    with pytest.raises(ValueError, match=r"^outputs: got another index than that of"):
        sobol_indices_of(sample, pd.Series(range(32), index=range(1, 33)))
    with pytest.raises(TypeError, match=r"^sample: got DataFrame, expected SobolSampl"):
        sobol_indices_of(sample.rows, np.arange(32.0))
    with pytest.raises(
        TypeError, match=r"^second_order: got 'yes', expected True or False$"
    ):
        sobol_sample([(0, 1)] * 2, second_order="yes")
    with pytest.raises(ValueError, match=r"^bounds\[1\]: quantiles: got NaN or inf"):
        morris_sample(TANK)
    with pytest.raises(ValueError, match=r"^bounds\[0\]: quantiles: got NaN or inf"):
        sobol_sample({"a": norm(0, -1)})


def test_a_readers_own_backend_gets_the_work():
    joblib.register_parallel_backend("counting", CountingBackend)
    f = ishigami()
    with joblib.parallel_config("counting", n_jobs=2):
        sobol_indices(f, f.bounds)
    assert CountingBackend.submitted == 5


def test_progress_sees_every_block():
    seen = deque()

    def watch(items):
        for item in items:
            seen.append(item)
            yield item

    f = ishigami()
    sobol_indices(f, f.bounds, n_samples=16, progress=watch)
    assert len(seen) == 5
    morris_screening(f, f.bounds, progress=watch)
    assert len(seen) == 9


def test_a_function_may_write_to_what_it_gets():
    def greedy(X):
        total = X.sum(1)
        X[:] = np.nan
        return total

    bounds = np.array([(0.0, 1.0), (0.0, 1.0)])
    result = sobol_indices(greedy, bounds, n_samples=64)
    clean = sobol_indices(lambda X: X.sum(1), bounds, n_samples=64)
    np.testing.assert_array_equal(result.ST, clean.ST)
    np.testing.assert_array_equal(bounds, [(0, 1), (0, 1)])


def test_the_point_of_an_error_is_what_the_function_was_given():
    def greedy(X):
        total = np.where(X[:, 0] > 0.5, np.nan, X[:, 1])
        X[:] = 7.0
        return total

    with pytest.raises(ValueError, match=r"returned nan at \[0\.[5-9]\d*, 0\.\d*\], "):
        sobol_indices(greedy, [(0, 1)] * 2, n_samples=64)


# --- bad input ------------------------------------------------------------------------


def total(X):
    return X.sum(1)


@pytest.mark.parametrize("constant", [0.0, 3.0, -1e9])
def test_a_constant_model_has_zero_indices_and_says_so(constant):
    with pytest.warns(
        UserWarning,
        match=r"^outputs: all are the same, so that there is no variance to share out$",
    ):
        result = sobol_indices(
            lambda X: np.full(len(X), constant), [(0, 1)] * 2, second_order=True
        )
    for name in ("S1", "ST", "S1_conf", "ST_conf", "S2", "S2_conf", "variance"):
        assert not np.any(getattr(result, name))
    assert result.mean == constant
    assert result.n_evaluations == 1024 * 6
    with pytest.warns(UserWarning, match=r"^outputs: all are the same"):
        result = sobol_indices(lambda X: np.full(len(X), constant), [(0, 1)] * 2)
    assert result.S2 is result.S2_conf is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        morris = morris_screening(lambda X: np.full(len(X), constant), [(0, 1)] * 2)
    assert not np.any(morris.effects)  # for Morris zero is an answer like any other


def test_a_model_that_hardly_varies_is_not_constant():
    f = ishigami()
    plain = sobol_indices(f, f.bounds)
    tiny = sobol_indices(lambda X: 1 + 1e-9 * f(X), f.bounds)
    np.testing.assert_allclose(tiny.ST, plain.ST, atol=1e-4)


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e20])
def test_what_counts_as_constant_does_not_depend_on_the_unit(unit):
    f = ishigami()
    options = {"n_samples": 64}
    plain = sobol_indices(f, f.bounds, **options)
    scaled = sobol_indices(lambda X: unit * f(X), f.bounds, **options)
    np.testing.assert_allclose(scaled.ST, plain.ST)
    with pytest.warns(UserWarning, match=r"^outputs: all are the same"):
        # but for the last digits
        sobol_indices(
            lambda X: unit * (-1 - 1e-15 * (X[:, 0] > 0)), f.bounds, **options
        )


class OwnError(RuntimeError):
    """What a reader's model may raise."""


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("method", [sobol_indices, morris_screening])
def test_the_functions_own_error_is_shown(method, n_jobs):
    calls = deque()

    def breaks(X):
        calls.append(1)
        if len(calls) == 2:
            raise OwnError("the tank ran dry")
        return X.sum(1)

    with (
        joblib.parallel_config("threading"),
        pytest.raises(OwnError, match=r"^the tank ran dry$"),
    ):
        method(breaks, [(0, 1)] * 3, n_jobs=n_jobs)


WRONG_SHAPE = (
    r"function: returned shape {} for inputs of shape \(8, 3\), expected \(8,\), one "
    r"number a row; a function f of one "
    r"point becomes lambda X: np.array\(\[f\(x\) for x in X\]\)"
)
BAD = {
    "n_samples: got 1000, expected a power of two, such as 512 or 1024": {
        "n_samples": 1000
    },
    "n_samples: got 4, expected an integer of at least 8": {"n_samples": 4},
    r"bounds\[1\]: got \(1, -1\), expected the lower end before the upper": {
        "bounds": [(0, 1), (1, -1)]
    },
    r"bounds\[0\]: got \(1, 1\), expected the lower end before the upper": {
        "bounds": [(1, 1), (0, 1)]
    },
    "bounds: got NaN or infinity, expected finite numbers only": {
        "bounds": [(0, np.nan)]
    },
    r"bounds: got shape \(2,\), expected \(any, 2\)": {"bounds": (0, 1)},
    r"bounds: got shape \(0,\), expected \(any, 2\)": {"bounds": []},
    WRONG_SHAPE.format(r"\(3,\)"): {"function": lambda x: x[0] + x[1]},
    WRONG_SHAPE.format(r"\(\)"): {"function": lambda X: 0.5},
    WRONG_SHAPE.format(r"\(8, 1\)"): {"function": lambda X: X[:, :1]},
    r"function: returned nan at \[[-0-9., e]+\], expected finite numbers": {
        "function": lambda X: np.where(X[:, 0] > 0.5, np.nan, X[:, 0])
    },
    "n_scramblings: got 0, expected an integer of at least 1": {"n_scramblings": 0},
    "n_samples: got 8, expected an integer of at least 16": {"n_scramblings": 16},
    "n_scramblings: got 6, expected a power of two, such as 4 or 8": {
        "n_scramblings": 6
    },
    r"conf_level: got 95, expected a number between 0 and 1": {"conf_level": 95},
    r"seed: got -1, expected an integer of at least 0": {"seed": -1},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    options = {"function": total, "bounds": [(0, 1)] * 3, "n_samples": 8} | BAD[message]
    with pytest.raises(ValueError, match=rf"^{message}$"):
        sobol_indices(options.pop("function"), options.pop("bounds"), **options)


def test_complex_output_is_refused():
    with pytest.raises(
        TypeError, match=r"^function: returned complex128, expected real numbers$"
    ):
        sobol_indices(lambda X: X[:, 0] * 1j, [(0, 1)])


def test_bad_input_of_morris_is_named():
    with pytest.raises(ValueError, match=r"^n_levels: got 5, expected an even number$"):
        morris_screening(total, [(0, 1)], n_levels=5)
    with pytest.raises(
        ValueError, match=r"^n_trajectories: got 1, expected an integer of at least 2$"
    ):
        morris_screening(total, [(0, 1)], n_trajectories=1)
    with pytest.raises(
        ValueError,
        match=r"^bounds\[0\]: got \(2, 1\), expected the lower end before the upper$",
    ):
        morris_screening(total, [(2, 1)])


def test_whole_numbers_and_truth_values_are_outputs_too():
    result = sobol_indices(lambda X: X[:, 0] > 0.5, [(0, 1)] * 2, n_samples=256)
    np.testing.assert_allclose(result.ST, [1, 0], atol=0.1)
