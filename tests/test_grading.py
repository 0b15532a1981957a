"""The grading gives the same numbers here, in parallel and on a cluster that loses a worker; chance and truth hold."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xaicourse.cli import main
from xaicourse.evaluation import grade, grading, paired_difference

TASKS = ["linear", "interaction, twins"]


@pytest.fixture(scope="module")
def grades() -> pd.DataFrame:
    return grade(seeds=3, tasks=TASKS)


def test_every_method_is_graded_by_every_measure(grades: pd.DataFrame) -> None:
    assert len(grades) == len(TASKS) * len(grading.METHODS) * len(grading.MEASURES) * 3
    assert np.isfinite(grades["value"]).all()
    assert not grades.duplicated(["task", "method", "measure", "seed"]).any()


def test_methods_beat_the_guesser(grades: pd.DataFrame) -> None:
    means = grades.pivot_table(index="method", columns="measure", values="value")
    for measure in ("finds the causes", "orders by effect", "faithful to the model"):
        assert means[measure].drop("random").min() > means.loc["random", measure] + 0.1


def test_true_effects() -> None:
    """At the mean of all columns a linear effect has the mean size of a normal number; only three columns have any."""
    effects = grading.true_effects("linear", np.zeros((1, 8)), n_draws=20_000)[0]
    assert np.allclose(effects[:3], np.array([3, 2, 1]) * (2 / np.pi) ** 0.5, atol=0.05)
    assert not effects[3:].any()
    product = grading.true_effects("interaction", np.array([[0.0, 1, 0, 0, 0, 0, 0, 0]]))[0]
    assert product[1] == 0  # the other factor is zero: nothing that the second does is felt
    assert product[0] > 1


def test_twins_are_correlated_and_decide_nothing() -> None:
    X, y = grading.draw("linear, twins", 20_000, np.random.default_rng(0))
    assert np.allclose(np.corrcoef(X[:, :3].T, X[:, 4:7].T)[:3, 3:].diagonal(), 0.9, atol=0.01)
    assert np.allclose(X.std(0), 1, atol=0.03)
    assert 0.45 < y.mean() < 0.55


def test_paired_difference_is_the_t_interval() -> None:
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    frame = pd.DataFrame(
        [("t", name, "m", s, v) for name, values in {"a": a, "b": b}.items() for s, v in enumerate(values)],
        columns=["task", "method", "measure", "seed", "value"],
    )
    found = paired_difference(frame, "a", "b", level=0.95)
    low, high = ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    with pytest.raises(ValueError, match="grades: got none of 'c'"):
        paired_difference(frame, "a", "c")


def test_no_such_task_and_no_seed() -> None:
    with pytest.raises(ValueError, match="tasks: got 'nothing'"):
        grade(tasks=["nothing"])
    with pytest.raises(ValueError, match="seeds: got 0"):
        grade(seeds=0)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_numbers(grades: pd.DataFrame, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster, set_as_default=False) as client:
        found: list[pd.DataFrame] = []
        address = cluster.scheduler_address
        working = threading.Thread(target=lambda: found.append(grade(seeds=3, tasks=TASKS, dask=address)))
        victim = next(iter(client.run(os.getpid).values()))
        working.start()
        while working.is_alive() and not any(client.processing().values()):
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)
        working.join()
    pd.testing.assert_frame_equal(found[0], grades, check_exact=True)


def test_in_parallel_the_same_numbers(grades: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(grade(seeds=3, tasks=TASKS, n_jobs=2), grades, check_exact=True)


def test_the_command_writes_every_grade(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], grades: pd.DataFrame
) -> None:
    asked: dict[str, object] = {}

    def graded(**options: object) -> pd.DataFrame:
        asked.update(options)
        return grades

    monkeypatch.setattr("xaicourse.evaluation.grade", graded)
    out = tmp_path / "grades.csv"
    assert main(["grade", "--seeds", "3", "--dask", "tcp://here:1", "--out", str(out)]) == 0
    assert (asked["seeds"], asked["dask"]) == (3, "tcp://here:1")
    assert "permutation" in capsys.readouterr().out
    assert len(pd.read_csv(out)) == len(grades)
    monkeypatch.undo()
    assert main(["grade", "--seeds", "0"]) == 2
    assert "seeds: got 0" in capsys.readouterr().err
