"""Run ``make bench``: each line pairs what the course does with the alternative that a
reader would compare it with.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial

import gymnasium
import numpy as np
import optuna
import shap
import torch
from captum.attr import GradientShap, IntegratedGradients
from SALib.analyze import sobol as salib_sobol
from SALib.sample import sobol as salib_sample
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance as sklearn_permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.neural_network import MLPClassifier
from torch.nn.functional import cross_entropy

from xaicourse.attribution import (
    gradient_shap,
    integrated_gradients,
    permutation_importance,
    shapley_values,
)
from xaicourse.causality import StructuralCausalModel
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
    g_function,
    grid_anova,
    sobol_indices,
)

Work = Callable[[], object]


def twenty_networks() -> tuple[Work, Work]:
    """Twenty networks of 100 units at once, against scikit-learn's one after another
    (40 epochs each).
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 1000, 3))
    y = X[:, :, 0] + 0.3 * rng.normal(size=(20, 1000)) > 0

    def one_by_one() -> None:
        # forty epochs are meant to be all
        warnings.simplefilter("ignore", ConvergenceWarning)
        for k in range(20):
            MLPClassifier(
                (100,), max_iter=40, tol=0, n_iter_no_change=100, random_state=k
            ).fit(X[k], y[k])

    return lambda: train_mlps(
        X, y, seeds=range(20), max_epochs=40, patience=40
    ), one_by_one


def a_network_and_rows(
    width: int = 64,
) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return (
        mlp(100, [width, width]).eval(),
        torch.randn(1000, 100),
        torch.randn(100, 100),
    )


def attribution_of_rows() -> tuple[Work, Work]:
    """GradientSHAP of 1,000 rows of 100 features with 50 samples, against Captum's."""
    model, inputs, baselines = a_network_and_rows()
    library = GradientShap(model)
    return (
        lambda: gradient_shap(model, inputs, baselines=baselines, n_samples=50),
        lambda: library.attribute(inputs, baselines, n_samples=50, stdevs=0.0),
    )


def integrated_gradients_of_rows() -> tuple[Work, Work]:
    """Integrated Gradients of 1,000 rows of 100 features with 64 steps, against
    Captum's.
    """
    model, inputs, _ = a_network_and_rows()
    library = IntegratedGradients(model)
    return (
        lambda: integrated_gradients(model, inputs, n_steps=64),
        lambda: library.attribute(inputs, n_steps=64, internal_batch_size=2621),
    )


def integrated_gradients_and_its_passes(width: int = 64) -> tuple[Work, Work]:
    """Integrated Gradients of 1,000 rows with 64 steps, against the passes it needs
    through two layers of 64 units.
    """
    model, inputs, _ = a_network_and_rows(width)
    return lambda: integrated_gradients(model, inputs, n_steps=64), lambda: bare_passes(
        model, inputs, 64
    )


def integrated_gradients_and_its_passes_if_wide() -> tuple[Work, Work]:
    """The same through two layers of 256 units."""
    return integrated_gradients_and_its_passes(256)


def gradient_shap_and_its_passes(width: int = 64) -> tuple[Work, Work]:
    """GradientSHAP of 1,000 rows with 50 samples, against the passes it needs through
    two layers of 64 units.
    """
    model, inputs, baselines = a_network_and_rows(width)
    return (
        lambda: gradient_shap(model, inputs, baselines=baselines, n_samples=50),
        lambda: bare_passes(model, inputs, 50),
    )


def gradient_shap_and_its_passes_if_wide() -> tuple[Work, Work]:
    """The same through two layers of 256 units."""
    return gradient_shap_and_its_passes(256)


def bare_passes(model: torch.nn.Module, inputs: torch.Tensor, n_points: int) -> None:
    """Gradients at as many points as a path method takes, in batches of as many
    numbers, and nothing else.
    """
    points = inputs.repeat(n_points, 1)
    for rows in points.split(2**18 // inputs.shape[1]):
        torch.autograd.grad(model(rows.requires_grad_()).sum(), rows)


def exact_shapley_of_ten_columns() -> tuple[Work, Work]:
    """Exact Shapley values of 20 rows of 10 columns with 100 baselines, against shap's
    exact explainer.
    """
    rng = np.random.default_rng(0)
    weights, background, rows = (
        rng.normal(size=(10, 64)),
        rng.normal(size=(100, 10)),
        rng.normal(size=(20, 10)),
    )

    def model(X: np.ndarray) -> np.ndarray:
        return np.tanh(X @ weights) @ weights[0]

    explainer = shap.explainers.ExactExplainer(
        model, shap.maskers.Independent(background, max_samples=100)
    )
    assert np.allclose(
        explainer(rows, silent=True).values,
        shapley_values(model, rows, baselines=background).values,
    )
    return lambda: shapley_values(model, rows, baselines=background), lambda: explainer(
        rows, silent=True
    )


def importance_of_columns() -> tuple[Work, Work]:
    """Permutation importance of 20 columns of 20,000 rows, against scikit-learn's."""
    X = np.random.default_rng(0).normal(size=(20_000, 20))
    y = X @ np.arange(20)
    model = LinearRegression().fit(X, y)
    score = make_scorer(mean_squared_error, greater_is_better=False)
    return (
        lambda: permutation_importance(
            model.predict, X, y, score=lambda y, p: -np.mean((y - p) ** 2)
        ),
        lambda: sklearn_permutation_importance(
            model, X, y, scoring=score, n_repeats=10
        ),
    )


def jacobians_of_rows() -> tuple[Work, Work]:
    """Derivatives of a network at 1,000 rows of 256 inputs, against a loop of central
    differences over the inputs.
    """
    torch.manual_seed(0)
    model = mlp(256, [64]).double().eval()
    inputs = torch.randn(1000, 256, dtype=torch.float64)
    X = inputs.numpy()

    def function(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(rows)).numpy()

    def feature_loop() -> np.ndarray:
        sensitivity = np.zeros((len(X), function(X).shape[1], X.shape[1]))
        for i in range(X.shape[1]):
            up, down = X.copy(), X.copy()
            up[:, i] += 1e-6
            down[:, i] -= 1e-6
            sensitivity[:, :, i] = (function(up) - function(down)) / 2e-6
        return sensitivity

    assert np.allclose(batch_jacobian(model, inputs).numpy(), feature_loop(), atol=1e-7)
    return lambda: batch_jacobian(model, inputs), feature_loop


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
        return np.column_stack(
            [x1, y, y + 0.1 * rng.standard_normal(n), 2.5 + rng.standard_normal(n)]
        )

    return lambda: world.sample(100_000, seed=0), by_hand


def sobol_of_twenty_inputs() -> tuple[Work, Work]:
    """Sobol indices, with second order, of 20 inputs from 1,024 rows, against SALib's
    with 100 resamples.
    """
    f = g_function(np.arange(20.0))
    problem = {
        "num_vars": 20,
        "names": [f"x{i}" for i in range(20)],
        "bounds": f.bounds.tolist(),
    }

    def library() -> None:
        X = salib_sample.sample(problem, 1024, calc_second_order=True, seed=1)
        salib_sobol.analyze(
            problem, f(X), calc_second_order=True, num_resamples=100, seed=1
        )

    return lambda: sobol_indices(
        f, f.bounds, n_samples=1024, second_order=True
    ), library


def importance_of_hyperparameters() -> tuple[Work, Work]:
    """Functional ANOVA of a search over 4 x 4 x 3 x 3 settings, exact on the table,
    against Optuna's forest.
    """
    table = np.random.default_rng(0).normal(0.9, 0.01, (4, 4, 3, 3))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    levels = {
        f"p{i}": optuna.distributions.IntDistribution(0, n - 1)
        for i, n in enumerate(table.shape)
    }
    study = optuna.create_study(direction="maximize")
    for at in np.ndindex(table.shape):
        params = {f"p{i}": level for i, level in enumerate(at)}
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=levels, value=table[at]
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return lambda: grid_anova(table), lambda: evaluator.evaluate(study)


def playing_episodes() -> tuple[Work, Work]:
    """Steps per second of 100 episodes of CartPole at once, against gymnasium's one
    after another.
    """

    def policy(observations: np.ndarray) -> np.ndarray:
        return (observations[:, 2] + observations[:, 3] > 0).astype(np.int64)

    def one_by_one() -> None:
        env = gymnasium.make("CartPole-v1")
        for seed in range(100):
            observation, _ = env.reset(seed=seed)
            done = False
            while not done:
                observation, _, terminated, truncated, _ = env.step(
                    int(observation[2] + observation[3] > 0)
                )
                done = terminated or truncated

    return lambda: episode_returns(cart_poles(100), policy), one_by_one


def memory_of_gradient_shap() -> float:
    """Megabytes that GradientSHAP of 200,000 rows of 100 features needs above its data,
    the values included.
    """
    torch.manual_seed(0)
    model, inputs = mlp(100, [64, 64]).eval(), torch.randn(200_000, 100)
    # what the first call needs
    gradient_shap(model, inputs[:5000], baselines=inputs[:100], n_samples=5)
    before = peak_megabytes()
    gradient_shap(model, inputs, baselines=inputs[:100], n_samples=5)
    return peak_megabytes() - before


def peak_megabytes() -> float:
    """Return the largest size that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )


def distances_from_centroids() -> tuple[Work, Work]:
    """Mahalanobis distances of 47,504 rows of 10 columns from 6 centroids, against the
    project's loop over both.
    """
    rng = np.random.default_rng(0)
    X, centroids = rng.normal(size=(47_504, 10)), rng.normal(size=(6, 10))
    rows, centres = (
        torch.tensor(X, dtype=torch.float32),
        torch.tensor(centroids, dtype=torch.float32),
    )

    def loop() -> list[list[torch.Tensor]]:
        inverse = torch.inverse(torch.cov(rows.T))
        return [
            [torch.sqrt((row - c) @ inverse @ (row - c)) for c in centres]
            for row in rows
        ]

    return lambda: mahalanobis(X, centroids), loop


def regressions_of_neurons() -> tuple[Work, Work]:
    """All 32 regressions of activations on 6 distances, 47,504 rows, against gathering
    and fitting neuron by neuron.
    """
    rng = np.random.default_rng(0)
    D, batches = (
        rng.normal(size=(47_504, 6)),
        torch.tensor(rng.normal(size=(47_504, 32))).split(40),
    )
    A = torch.cat(batches).numpy()

    def loop() -> list[np.ndarray]:
        coefficients = []
        for i in range(32):
            node = [value for batch in batches for value in batch[:, i]]
            coefficients.append(LinearRegression().fit(D, np.array(node)).coef_)
        return coefficients

    return lambda: neuron_regressions(A, D), loop


def steps_of_node_importance() -> tuple[Work, Work]:
    """Training with the modulation as written, five networks at once, against plain
    training of the same five.
    """
    X, y, centroids = some_customers()
    written, plain = (
        partial(
            train_node_importance,
            X,
            y,
            centroids=centroids,
            method=method,
            seeds=range(5),
            max_epochs=2,
        )
        for method in ("written", "plain")
    )
    return written, plain


def steps_of_node_importance_and_torchs() -> tuple[Work, Work]:
    """The same for one network, against PyTorch's own plain steps: a module, `backward`
    and `torch.optim.Adam`.
    """
    X, y, centroids = some_customers()
    rows, classes = torch.tensor(X, dtype=torch.float32), torch.tensor(y)

    def plain() -> None:
        network = mlp(10, [64, 32], 8)
        optimiser = torch.optim.Adam(network.parameters())
        for _ in range(2):
            for batch in torch.randperm(len(rows)).split(40):
                optimiser.zero_grad()
                cross_entropy(network(rows[batch]), classes[batch]).backward()
                optimiser.step()

    return partial(
        train_node_importance, X, y, centroids=centroids, method="written", max_epochs=2
    ), plain


def some_customers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(4000, 10)),
        rng.integers(8, size=4000),
        rng.normal(size=(6, 10)),
    )


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _digits(ratio: float) -> str:
    """Write a ratio with three digits that count."""
    return f"{float(f'{ratio:.3g}'):,.10g}"


def main(repeats: int = 5) -> None:
    megabytes = memory_of_gradient_shap()  # first, as a peak never falls again
    print(f"{memory_of_gradient_shap.__doc__} **{megabytes:.0f}**\n")
    print(
        "| what | against it, the course is | lowest and highest ratio |\n|---|---|---|"
    )
    benchmarks = (
        twenty_networks,
        attribution_of_rows,
        gradient_shap_and_its_passes,
        gradient_shap_and_its_passes_if_wide,
        integrated_gradients_of_rows,
        integrated_gradients_and_its_passes,
        integrated_gradients_and_its_passes_if_wide,
        exact_shapley_of_ten_columns,
        jacobians_of_rows,
        importance_of_columns,
        sampling_a_world,
        sobol_of_twenty_inputs,
        importance_of_hyperparameters,
        playing_episodes,
        distances_from_centroids,
        regressions_of_neurons,
        steps_of_node_importance,
        steps_of_node_importance_and_torchs,
    )
    for benchmark in benchmarks:
        ours, other = benchmark()
        ours(), other()  # what only the first call pays for
        ratios = sorted(seconds(other) / seconds(ours) for _ in range(repeats))
        what = (benchmark.__doc__ or "").rstrip(".")
        print(
            f"| {what} | {_digits(statistics.median(ratios))} times as fast | "
            f"{_digits(ratios[0])} to {_digits(ratios[-1])} |",
            flush=True,
        )


main()
