"""Run ``make bench``: each line pairs what the course does with the alternative that a reader would compare it with."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable

import gymnasium
import numpy as np
import torch
from captum.attr import GradientShap
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance as sklearn_permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.neural_network import MLPClassifier

from xaicourse.attribution import gradient_shap, permutation_importance
from xaicourse.causality import StructuralCausalModel
from xaicourse.models import mlp
from xaicourse.sensitivity import cart_poles, episode_returns
from xaicourse.training import train_mlps

Work = Callable[[], object]


def twenty_networks() -> tuple[Work, Work]:
    """Twenty networks of 100 units at once, against scikit-learn's one after another (40 epochs each)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 1000, 3))
    y = X[:, :, 0] + 0.3 * rng.normal(size=(20, 1000)) > 0

    def one_by_one() -> None:
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty epochs are meant to be all
        for k in range(20):
            MLPClassifier((100,), max_iter=40, tol=0, n_iter_no_change=100, random_state=k).fit(X[k], y[k])

    return lambda: train_mlps(X, y, seeds=range(20), max_epochs=40, tol=-np.inf), one_by_one


def attribution_of_rows() -> tuple[Work, Work]:
    """GradientSHAP of 1,000 rows of 100 features with 50 samples, against Captum's."""
    torch.manual_seed(0)
    model = mlp(100, [64, 64]).eval()
    inputs, baselines = torch.randn(1000, 100), torch.randn(100, 100)
    library = GradientShap(model)
    return (
        lambda: gradient_shap(model, inputs, baselines=baselines, n_samples=50),
        lambda: library.attribute(inputs, baselines, n_samples=50, stdevs=0.0),
    )


def importance_of_columns() -> tuple[Work, Work]:
    """Permutation importance of 20 columns of 20,000 rows, against scikit-learn's."""
    X = np.random.default_rng(0).normal(size=(20_000, 20))
    y = X @ np.arange(20)
    model = LinearRegression().fit(X, y)
    score = make_scorer(mean_squared_error, greater_is_better=False)
    return (
        lambda: permutation_importance(model.predict, X, y, score=lambda y, p: -np.mean((y - p) ** 2)),
        lambda: sklearn_permutation_importance(model, X, y, scoring=score, n_repeats=10),
    )


def sampling_a_world() -> tuple[Work, Work]:
    """Draw 100,000 rows from a causal model, against the same four lines of NumPy."""
    world = StructuralCausalModel(
        {
            "x1": lambda noise: 5 + noise,
            "y": lambda x1: x1 >= 5,
            "x2": lambda y, noise: y + 0.1 * noise,
            "x3": lambda noise: 2.5 + noise,
        }
    )

    def by_hand() -> np.ndarray:
        rng, n = np.random.default_rng(0), 100_000
        x1 = 5 + rng.standard_normal(n)
        y = x1 >= 5
        return np.column_stack([x1, y, y + 0.1 * rng.standard_normal(n), 2.5 + rng.standard_normal(n)])

    return lambda: world.sample(100_000, seed=0), by_hand


def playing_episodes() -> tuple[Work, Work]:
    """Steps per second of 100 episodes of CartPole at once, against gymnasium's one after another."""

    def policy(observations: np.ndarray) -> np.ndarray:
        return (observations[:, 2] + observations[:, 3] > 0).astype(np.int64)

    def one_by_one() -> None:
        env = gymnasium.make("CartPole-v1")
        for seed in range(100):
            observation, _ = env.reset(seed=seed)
            done = False
            while not done:
                observation, _, terminated, truncated, _ = env.step(int(observation[2] + observation[3] > 0))
                done = terminated or truncated

    return lambda: episode_returns(cart_poles(100), policy), one_by_one


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(repeats: int = 5) -> None:
    print("| what | against it, the course is | lowest and highest ratio |\n|---|---|---|")
    for benchmark in (
        twenty_networks,
        attribution_of_rows,
        importance_of_columns,
        sampling_a_world,
        playing_episodes,
    ):
        ours, other = benchmark()
        ours(), other()  # what only the first call pays for
        ratios = sorted(seconds(other) / seconds(ours) for _ in range(repeats))
        what = (benchmark.__doc__ or "").rstrip(".")
        print(
            f"| {what} | {statistics.median(ratios):.1f} times as fast | {ratios[0]:.1f} to {ratios[-1]:.1f} |",
            flush=True,
        )


main()
