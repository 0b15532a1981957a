"""Sensitivity, causality and networks: what a method costs beside what a user would
pick instead.

Each function returns what the course does and what the other does; its sizes are
keywords, of which `PAIRS` names three sets each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import causalicp
import gymnasium
import numpy as np
import optuna
import torch
from optuna.importance._fanova._tree import _FanovaTree
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol
from SALib.sample import morris as salib_morris_sample
from SALib.sample import sobol as salib_sample
from scipy.spatial.distance import cdist
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier
from statsmodels.tsa.arima.model import ARIMA
from torch.func import jacrev, vmap
from torch.nn.functional import cross_entropy

from benchmarks import Work
from xaicourse.causality import StructuralCausalModel, invariant_causal_prediction
from xaicourse.networks import (
    mahalanobis,
    mlp,
    neuron_regressions,
    train_mlps,
    train_node_importance,
)
from xaicourse.sensitivity import (
    batch_jacobian,
    cart_poles,
    episode_returns,
    forecast_sensitivity,
    forest_anova,
    g_function,
    grid_anova,
    morris_screening,
    sobol_indices,
)


def jacobians(
    n: int = 1000, d: int = 256, width: int = 64, n_outputs: int = 10
) -> tuple[Work, Work]:
    """Derivatives of every output of a network with respect to every input, checked to
    be finite, against `torch.func.vmap(jacrev)`.
    """
    torch.manual_seed(0)
    model, inputs = mlp(d, [width], n_outputs).eval(), torch.randn(n, d)
    theirs = vmap(jacrev(model))
    assert torch.allclose(batch_jacobian(model, inputs), theirs(inputs), atol=1e-5)
    return lambda: batch_jacobian(model, inputs), lambda: theirs(inputs)


def invariant_prediction(n: int = 3000, d: int = 4) -> tuple[Work, Work]:
    """Invariant causal prediction from three environments, against causalicp's."""
    rng = np.random.default_rng(0)
    tables = []
    for shift in range(3):
        X = rng.normal(size=(n, d)) + shift
        tables.append(np.column_stack([X, X[:, 0] + rng.normal(size=n)]))
    pairs = [(table[:, :-1], table[:, -1]) for table in tables]
    return (
        lambda: invariant_causal_prediction(pairs),
        lambda: causalicp.fit(tables, d, alpha=0.05, precompute=True),
    )


def pooled_regressions(n: int = 3000, d: int = 4) -> tuple[Work, Work]:
    """Invariant causal prediction from three environments, against as many plain
    regressions of all rows as there are sets of columns, without any test.
    """
    rng = np.random.default_rng(0)
    pairs = []
    for shift in range(3):
        X = rng.normal(size=(n, d)) + shift
        pairs.append((X, X[:, 0] + rng.normal(size=n)))
    X, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))

    def plain() -> None:
        for chosen in range(1, 2**d):
            columns = [j for j in range(d) if chosen >> j & 1]
            LinearRegression().fit(X[:, columns], y)

    return lambda: invariant_causal_prediction(pairs), plain


def sobol(n: int = 1024, d: int = 20) -> tuple[Work, Work]:
    """Sobol indices with second order, against SALib's with 100 resamples."""
    f = g_function(np.arange(float(d)))
    problem = salib_problem(f.bounds)

    def library() -> None:
        X = salib_sample.sample(problem, n, calc_second_order=True, seed=1)
        salib_sobol.analyze(problem, f(X), num_resamples=100, seed=1)

    return lambda: sobol_indices(f, f.bounds, n_samples=n, second_order=True), library


def morris(n: int = 40, d: int = 20) -> tuple[Work, Work]:
    """Elementary effects along random trajectories, against SALib's."""
    f = g_function(np.arange(float(d)))
    problem = salib_problem(f.bounds)

    def library() -> None:
        X = salib_morris_sample.sample(problem, n, seed=1)
        salib_morris.analyze(problem, X, f(X), seed=1)

    return lambda: morris_screening(f, f.bounds, n_trajectories=n), library


def salib_problem(bounds: np.ndarray) -> dict[str, Any]:
    names = [f"x{i}" for i in range(len(bounds))]
    return {"num_vars": len(bounds), "names": names, "bounds": bounds.tolist()}


def forest_shares(n: int = 300, d: int = 4, n_trees: int = 4) -> tuple[Work, Work]:
    """Main effects and interactions of a forest's inputs, against the main effects
    alone by Optuna's trees of the same forest.
    """
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    y = np.sin(5 * X[:, 0]) * X[:, 1] + X[:, 2] + 0.1 * rng.normal(size=n)
    forest = RandomForestRegressor(n_trees, random_state=0).fit(X, y)
    box = np.array([(0.0, 1.0)] * d)

    def library() -> None:
        for tree in forest.estimators_:
            theirs = _FanovaTree(tree.tree_, box)
            for i in range(d):
                theirs.get_marginal_variance(np.array([i]))

    return lambda: forest_anova(forest, box), library


def table_shares(n_levels: int = 4) -> tuple[Work, Work]:
    """Main effects of a complete search over four settings, exact on the table, against
    a forest of 8 trees that Optuna fits to it (64 are its default).
    """
    table = np.random.default_rng(0).normal(0.9, 0.01, (n_levels, 4, 3, 3))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    levels = {
        f"p{i}": optuna.distributions.IntDistribution(0, k - 1)
        for i, k in enumerate(table.shape)
    }
    study = optuna.create_study(direction="maximize")
    for at in np.ndindex(table.shape):
        params = {f"p{i}": level for i, level in enumerate(at)}
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=levels, value=table[at]
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=8, seed=0)
    return lambda: grid_anova(table), lambda: evaluator.evaluate(study)


def forecast(n: int = 200, n_lags: int = 10) -> tuple[Work, Work]:
    """Derivatives of an ARIMA forecast by the last values, against a loop of central
    differences over statsmodels' own forecasts.
    """
    series = np.cumsum(np.random.default_rng(0).normal(size=n))
    results = ARIMA(series, order=(1, 1, 1)).smooth([0.5, -0.25, 1.0])

    def central() -> np.ndarray:
        slopes = np.empty(n_lags)
        for lag in range(n_lags):
            up, down = series.copy(), series.copy()
            up[-1 - lag] += 0.5
            down[-1 - lag] -= 0.5
            ends = [results.apply(s).forecast(1)[0] for s in (up, down)]
            slopes[lag] = ends[0] - ends[1]
        return slopes

    assert np.allclose(
        central(), forecast_sensitivity(results, series, n_lags=n_lags).past
    )
    return lambda: forecast_sensitivity(results, series, n_lags=n_lags), central


def episodes(n: int = 100) -> tuple[Work, Work]:
    """Returns of episodes of CartPole side by side, against the same loop over
    gymnasium's `make_vec`.
    """

    def policy(observations: np.ndarray) -> np.ndarray:
        return (observations[:, 2] + observations[:, 3] > 0).astype(np.int64)

    def library() -> np.ndarray:
        envs = gymnasium.make_vec(
            "CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point"
        )
        observations, _ = envs.reset(seed=0)
        running, total = np.ones(n, bool), np.zeros(n)
        while running.any():
            observations, rewards, ended, cut, _ = envs.step(policy(observations))
            total += rewards * running
            running &= ~(ended | cut)
        return total

    return lambda: episode_returns(cart_poles(n), policy), library


def distances(n: int = 10_000, d: int = 10) -> tuple[Work, Work]:
    """Mahalanobis distances of rows from six centroids, their covariance included,
    against scipy's `cdist` with NumPy's covariance.
    """
    rng = np.random.default_rng(0)
    X, centroids = rng.normal(size=(n, d)), rng.normal(size=(6, d))

    def library() -> np.ndarray:
        inverse = np.linalg.inv(np.cov(X.T))
        return cdist(X, centroids, "mahalanobis", VI=inverse)

    assert np.allclose(mahalanobis(X, centroids), library())
    return lambda: mahalanobis(X, centroids), library


def regressions(n: int = 10_000, n_neurons: int = 32) -> tuple[Work, Work]:
    """Standardised coefficients and explained shares of all neurons' activations by six
    distances, against one LinearRegression of all neurons and its r2.
    """
    rng = np.random.default_rng(0)
    D, A = rng.normal(size=(n, 6)), rng.normal(size=(n, n_neurons))

    def library() -> object:
        fit = LinearRegression().fit(D, A)
        left = ((A - fit.predict(D)) ** 2).mean(0)
        return fit.coef_ * D.std(0) / A.std(0)[:, None], 1 - left / A.var(0)

    return lambda: neuron_regressions(A, D), library


def networks(
    n: int = 1000, n_networks: int = 20, epochs: int = 10
) -> tuple[Work, Work]:
    """Networks of 100 units at once, against scikit-learn's one after another, as many
    epochs.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_networks, n, 3))
    y = X[:, :, 0] + 0.3 * rng.normal(size=(n_networks, n)) > 0

    def one_by_one() -> None:
        # the epochs are meant to be all
        warnings.simplefilter("ignore", ConvergenceWarning)
        for k in range(n_networks):
            MLPClassifier(
                (100,), max_iter=epochs, tol=0, n_iter_no_change=epochs, random_state=k
            ).fit(X[k], y[k])

    return lambda: train_mlps(
        X, y, seeds=range(n_networks), max_epochs=epochs, patience=epochs
    ), one_by_one


def customers(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(n, 10)),
        np.arange(n) % 8,
        rng.normal(size=(6, 10)),
    )


def modulated_steps(n: int = 1000, n_networks: int = 5) -> tuple[Work, Work]:
    """Training with the modulation as written, which a plain step does not have,
    against plain training of the same networks.
    """
    X, y, centroids = customers(n)
    written, plain = (
        partial(
            train_node_importance,
            X,
            y,
            centroids=centroids,
            method=method,
            seeds=range(n_networks),
            max_epochs=1,
        )
        for method in ("written", "plain")
    )
    return written, plain


def plain_steps(n: int = 1000) -> tuple[Work, Work]:
    """Plain training of one network, against PyTorch's own: a module, `backward` and
    `torch.optim.Adam`.
    """
    X, y, centroids = customers(n)
    rows, classes = torch.tensor(X, dtype=torch.float32), torch.tensor(y)

    def plain() -> None:
        network = mlp(10, [64, 32], 8)
        optimiser = torch.optim.Adam(network.parameters())
        for batch in torch.randperm(len(rows)).split(40):
            optimiser.zero_grad()
            cross_entropy(network(rows[batch]), classes[batch]).backward()
            optimiser.step()

    return partial(
        train_node_importance, X, y, centroids=centroids, max_epochs=1
    ), plain


def draws(n: int = 10_000) -> tuple[Work, Work]:
    """Rows from a causal model, against the same four lines of NumPy."""
    world = StructuralCausalModel(
        {
            "x1": lambda noise: 5 + noise,
            "y": lambda x1: x1 >= 5,
            "x2": lambda y, noise: y + 0.1 * noise,
            "x3": lambda noise: 2.5 + noise,
        }
    )

    def by_hand() -> np.ndarray:
        rng = np.random.default_rng(0)
        x1 = 5 + rng.standard_normal(n)
        y = x1 >= 5
        return np.column_stack(
            [x1, y, y + 0.1 * rng.standard_normal(n), 2.5 + rng.standard_normal(n)]
        )

    return lambda: world.sample(n, seed=0), by_hand


PAIRS: list[Callable[[], tuple[Work, Work]]] = [
    *(partial(jacobians, n_outputs=k) for k in (1, 10, 100)),
    *(partial(jacobians, n=n, d=20, width=32) for n in (10, 1000, 20_000)),
    *(partial(invariant_prediction, n=n) for n in (300, 3000, 30_000)),
    *(partial(pooled_regressions, n=n) for n in (300, 3000, 30_000)),
    *(partial(sobol, n=n, d=d) for n, d in ((64, 3), (1024, 8), (1024, 20))),
    *(partial(morris, n=n, d=d) for n, d in ((10, 3), (40, 20), (100, 60))),
    *(partial(forest_shares, n=n) for n in (30, 100, 300)),
    *(partial(table_shares, n_levels=k) for k in (2, 4, 8)),
    *(partial(forecast, n=n) for n in (50, 200, 1000)),
    *(partial(episodes, n=n) for n in (10, 100, 1000)),
    *(partial(distances, n=n) for n in (1000, 10_000, 50_000)),
    *(partial(regressions, n=n) for n in (1000, 10_000, 50_000)),
    *(partial(networks, n_networks=k) for k in (1, 5, 20)),
    *(partial(modulated_steps, n=n) for n in (200, 1000, 4000)),
    *(partial(plain_steps, n=n) for n in (200, 1000, 4000)),
    *(partial(draws, n=n) for n in (1000, 10_000, 100_000)),
]
