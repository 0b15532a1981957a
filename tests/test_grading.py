"""The grading gives the same numbers here, in parallel and on a cluster that loses a
worker; chance and truth hold.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from xaicourse.cli import main
from xaicourse.evaluation import (
    grade,
    paired_difference,
    tasks_pictures,
    tasks_portfolio,
    tasks_sentences,
    tasks_tables,
)
from xaicourse.evaluation.family import ACCURACY, LOCATED, NETWORK, located
from xaicourse.evaluation.grading import FAMILIES, by_family

TASKS = ["linear", "portfolio", "prongs", "sentences"]  # one of each family


@pytest.fixture(scope="module")
def grades() -> pd.DataFrame:
    return grade(seeds=3, tasks=TASKS)


@pytest.fixture(scope="module")
def of_one_seed() -> pd.DataFrame:
    return grade(seeds=1, tasks=TASKS)


@pytest.mark.parametrize(("family", "task"), list(zip(FAMILIES, TASKS, strict=True)))
def test_every_method_is_graded_by_every_measure(
    grades: pd.DataFrame, family: str, task: str
) -> None:
    found = grades[grades["task"] == task]
    expected = pd.MultiIndex.from_product(
        [FAMILIES[family].methods, FAMILIES[family].measures, range(3)]
    )
    network = pd.MultiIndex.from_product([[NETWORK], [ACCURACY], range(3)])
    assert set(found.set_index(["method", "measure", "seed"]).index) == set(
        expected
    ) | set(network)
    assert np.isfinite(found["value"]).all()
    assert not found.duplicated(["method", "measure", "seed"]).any()
    assert task in FAMILIES[family].tasks
    assert list(by_family(found)) == [family]


def test_the_networks_learned_their_tasks(grades: pd.DataFrame) -> None:
    accuracy = grades[grades["measure"] == ACCURACY].groupby("task")["value"].mean()
    assert (
        accuracy
        > pd.Series(
            {"linear": 0.8, "portfolio": 0.65, "prongs": 0.75, "sentences": 0.85}
        )
    ).all()


@pytest.mark.parametrize(("family", "task"), list(zip(FAMILIES, TASKS, strict=True)))
def test_the_guesser_scores_at_chance(
    grades: pd.DataFrame, family: str, task: str
) -> None:
    mine = grades[(grades["task"] == task) & (grades["method"] == "random")]
    for measure, chance in FAMILIES[family].measures.items():
        if chance is not None:
            assert mine[mine["measure"] == measure]["value"].mean() == pytest.approx(
                chance, abs=0.15
            )


@pytest.mark.parametrize(
    ("task", "measure", "method"),
    [
        ("linear", "finds the causes", "permutation"),
        ("linear", "orders by effect", "Shapley (exact)"),
        ("portfolio", "relevance on the causes", "permutation"),
        ("portfolio", "faithful to the model", "Integrated Gradients"),
        ("prongs", "finds the evidence", "LRP"),
        ("prongs", "faithful to the model", "Integrated Gradients"),
        ("sentences", "finds the evidence", "occlusion"),
        ("sentences", "faithful to the model", "Integrated Gradients"),
    ],
)
def test_methods_that_ought_to_beat_the_guesser(
    grades: pd.DataFrame, task: str, measure: str, method: str
) -> None:
    of_one = grades[(grades["task"] == task) & (grades["measure"] == measure)]
    means = of_one.groupby("method")["value"].mean()
    assert means[method] > means["random"] + 0.1


def test_chance_is_taken_off_by_the_share_of_each_mask() -> None:
    """The mutant, which takes off no chance, calls a constant map a find."""
    mask = np.zeros((2, 4, 4), bool)
    mask[:, :2, :2] = True
    nothing, all_of_it = (
        torch.as_tensor(a, dtype=torch.float64) for a in (np.ones(mask.shape), mask)
    )
    assert dict(located(nothing, mask)) == pytest.approx(dict.fromkeys(LOCATED, 0.0))
    assert dict(located(all_of_it, mask)) == pytest.approx(dict.fromkeys(LOCATED, 1.0))
    mutant = {
        name: measure(nothing.numpy(), mask).mean() for name, measure in LOCATED.items()
    }
    assert min(mutant.values()) == 0.25


def test_evidence_of_scenes() -> None:
    """Only the object is patterned: within the mask the grey values differ more than
    outside it, in every cut.
    """
    x, classes, mask = tasks_pictures.draw(
        "scenes", 60, np.random.default_rng(0), cuts=3
    )
    assert x.shape == (60, 1, 24, 24)
    assert x.abs().max() <= 1
    assert 20 <= classes.sum() <= 40
    inside = np.array(
        [picture[where].std() for picture, where in zip(x.numpy(), mask, strict=True)]
    )
    outside = np.array(
        [picture[~where].std() for picture, where in zip(x.numpy(), mask, strict=True)]
    )
    assert (inside > outside).mean() > 0.8
    assert 0.2 < mask.mean() < 0.5


def test_evidence_of_sentences() -> None:
    """A sentence whose decisive words are struck out loses its label, and only then."""
    ids, labels, decisive = tasks_sentences.draw(300, np.random.default_rng(0))
    words = np.array(list(tasks_sentences.WORDS))[ids.numpy()]
    good = np.isin(words, tasks_sentences.GOOD) & decisive
    negated = np.isin(words, tasks_sentences.NEGATIONS) & decisive
    assert np.array_equal(good.any(1) != negated.any(1), labels.numpy() == 1)
    assert set(decisive.sum(1)) == {1, 2}


def test_effects_of_the_portfolio_are_its_law() -> None:
    """The ratio of two effects is that of the simulator's weights; nothing planted
    changes decisions, no customer.
    """
    X, accepted, effects = tasks_portfolio.draw(
        "portfolio", 4000, np.random.default_rng(0)
    )
    fair_X, fair, same = tasks_portfolio.draw(
        "portfolio, nothing planted", 4000, np.random.default_rng(0)
    )
    assert np.array_equal(X, fair_X)
    assert np.array_equal(effects, same)
    assert accepted.mean() < fair.mean() - 0.05
    raw = {"age": 0.35 / 15, "smoker": 0.55}  # of the logarithm of the expected claims
    from xaicourse.datasets import simulate_portfolio

    table = simulate_portfolio(4000, seed=np.random.default_rng(0)).customers.astype(
        {"age": float, "smoker": float}
    )
    spread = {
        name: (table[name] - table[name].mean()) / table[name].std() for name in raw
    }
    for column, name in ((0, "age"), (2, "smoker")):
        assert np.allclose(X[:, column], spread[name])
    mean = {
        c: effects[:, c].mean() / np.abs(X[:, c, None] - X[:200, c]).mean()
        for c in (0, 2)
    }
    expected = raw["age"] * table["age"].std() / (raw["smoker"] * table["smoker"].std())
    assert mean[0] / mean[2] == pytest.approx(expected, rel=0.15)


def test_true_effects() -> None:
    """At the mean of all columns a linear effect has the mean size of a normal number;
    only three columns have any.
    """
    effects = tasks_tables.true_effects("linear", np.zeros((1, 8)), n_draws=20_000)[0]
    assert np.allclose(effects[:3], np.array([3, 2, 1]) * (2 / np.pi) ** 0.5, atol=0.05)
    assert not effects[3:].any()
    product = tasks_tables.true_effects(
        "interaction", np.array([[0.0, 1, 0, 0, 0, 0, 0, 0]])
    )[0]
    # the other factor is zero: nothing that the second does is felt
    assert product[1] == 0
    assert product[0] > 1


def test_twins_are_correlated_and_decide_nothing() -> None:
    X, y = tasks_tables.draw("linear, twins", 20_000, np.random.default_rng(0))
    assert np.allclose(
        np.corrcoef(X[:, :3].T, X[:, 4:7].T)[:3, 3:].diagonal(), 0.9, atol=0.01
    )
    assert np.allclose(X.std(0), 1, atol=0.03)
    assert 0.45 < y.mean() < 0.55


def test_paired_difference_is_the_t_interval() -> None:
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    frame = pd.DataFrame(
        [
            ("t", name, "m", s, v)
            for name, values in {"a": a, "b": b}.items()
            for s, v in enumerate(values)
        ],
        columns=["task", "method", "measure", "seed", "value"],
    )
    found = paired_difference(frame, "a", "b", level=0.95)
    low, high = ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    with pytest.raises(ValueError, match="second: got 'c', expected one of"):
        paired_difference(frame, "a", "c")


def test_no_such_task_and_no_seed() -> None:
    with pytest.raises(ValueError, match="tasks: got 'nothing'"):
        grade(tasks=["nothing"])
    with pytest.raises(ValueError, match="seeds: got 0"):
        grade(seeds=0)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_numbers(
    of_one_seed: pd.DataFrame,
) -> None:
    from distributed import Client, LocalCluster

    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
    }
    with (
        LocalCluster(**options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        found: list[pd.DataFrame] = []
        address = cluster.scheduler_address
        working = threading.Thread(
            target=lambda: found.append(grade(seeds=1, tasks=TASKS, dask=address))
        )
        victim = next(iter(client.run(os.getpid).values()))
        working.start()
        while working.is_alive() and not any(client.processing().values()):
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)
        working.join()
    pd.testing.assert_frame_equal(found[0], of_one_seed, check_exact=True)


def test_in_parallel_the_same_numbers(of_one_seed: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        grade(seeds=1, tasks=TASKS, n_jobs=2), of_one_seed, check_exact=True
    )


def test_the_command_writes_every_grade(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    grades: pd.DataFrame,
) -> None:
    asked: dict[str, object] = {}

    def graded(**options: object) -> pd.DataFrame:
        asked.update(options)
        return grades

    monkeypatch.setattr("xaicourse.evaluation.grade", graded)
    out = tmp_path / "grades.csv"
    assert (
        main(["grade", "--seeds", "3", "--dask", "tcp://here:1", "--out", str(out)])
        == 0
    )
    assert (asked["seeds"], asked["dask"]) == (3, "tcp://here:1")
    assert "permutation" in capsys.readouterr().out
    assert len(pd.read_csv(out)) == len(grades)

    def broken(_: pd.DataFrame) -> dict[str, pd.DataFrame]:
        raise UnicodeEncodeError("ascii", "×", 0, 1, "a terminal that cannot show it")

    out.unlink()
    monkeypatch.setattr("xaicourse.evaluation.grading.by_family", broken)
    with pytest.raises(UnicodeEncodeError):
        main(["grade", "--out", str(out)])
    assert len(pd.read_csv(out)) == len(grades), "written before it is shown"
    asked.clear()
    assert main(["grade", "--out", str(tmp_path / "nowhere" / "grades.csv")]) == 2
    assert not asked, "refused before the work"
    capsys.readouterr()
    monkeypatch.undo()
    assert main(["grade", "--seeds", "0"]) == 2
    assert "seeds: got 0" in capsys.readouterr().err
