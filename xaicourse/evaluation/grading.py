"""Which explanation to believe? Every method for tables, on tasks whose truth is known, graded over many seeds.

Of eight columns three decide (0, 1 and 2). In the tasks "..., twins" each of the three has a twin, a column that is
correlated with it and decides nothing. A network is trained for each task and seed, each method explains it on rows it
has not seen, and each measure grades the explanations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import t
from torch import Tensor, nn

from xaicourse.attribution import (
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    lime,
    occlusion,
    permutation_importance,
    saliency,
    shapley_values,
    smooth_grad,
)
from xaicourse.evaluation.faithfulness import deletion_insertion, max_sensitivity, parameter_randomisation
from xaicourse.evaluation.localisation import effect_correlation, relevance_mass, relevance_rank
from xaicourse.training import train_mlps
from xaicourse.validation import Progress, check_int, silent

Array = NDArray[np.float64]

N_COLUMNS, DECISIVE, TWIN_CORRELATION = 8, (0, 1, 2), 0.9
LOGITS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda X: 3 * X[:, 0] - 2 * X[:, 1] + X[:, 2],
    "switches": lambda X: 3 * np.tanh(5 * X[:, 0]) - 2 * np.tanh(5 * X[:, 1]) + np.tanh(5 * X[:, 2]),
    "interaction": lambda X: 3 * X[:, 0] * X[:, 1] + 2 * X[:, 2],
}
TASKS = tuple(f"{name}{twins}" for twins in ("", ", twins") for name in LOGITS)
MEASURES = {
    "finds the causes": 3 / 8,
    "relevance on the causes": 3 / 8,
    "orders by effect": 0.0,
    "faithful to the model": 0.0,
    "changes nearby": None,
    "ignores the weights": None,
}
"""Measures and their chance levels; of the last two, less is better."""

BLOCK = 10  # seeds that are trained together: always the same ones, so that no result depends on who computes what


@dataclass(frozen=True)
class Rows:
    """What a method may see beside the rows that it explains."""

    background: Tensor
    X: Tensor
    y: NDArray[np.bool_]


def _random(_model: nn.Module, x: Tensor, _rows: Rows, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(x.shape))).to(x)


def _lime(model: nn.Module, x: Tensor, rows: Rows, rng: np.random.Generator) -> Tensor:
    """Coefficients of a straight line fitted to the model around each row."""

    def outputs(X: Array) -> Array:
        said: Array = model(torch.from_numpy(X).float()).detach().double().numpy()[:, 0]
        return said

    scale = rows.X.std(0).double().numpy()
    return torch.from_numpy(
        np.asarray(lime(outputs, x.double().numpy(), scale=scale, n_samples=200, seed=rng).values)
    ).to(x)


def _permutation(model: nn.Module, x: Tensor, rows: Rows, rng: np.random.Generator) -> Tensor:
    """One importance a column, the same for every row."""
    found = permutation_importance(
        lambda X: model(torch.from_numpy(X)).detach().numpy()[:, 0] > 0,
        rows.X.numpy(), rows.y, score=lambda y, said: float(np.mean(y == said)), n_repeats=5, seed=rng,
    )  # fmt: skip
    return torch.from_numpy(found.mean).to(x).expand_as(x)


Method = Callable[[nn.Module, Tensor, Rows, np.random.Generator], Tensor]
METHODS: dict[str, Method] = {
    "random": _random,
    "saliency": lambda model, x, _, __: saliency(model, x).abs(),
    "SmoothGrad": lambda model, x, _, rng: smooth_grad(model, x, n_samples=20, stdevs=0.3, seed=rng).abs(),
    "input × gradient": lambda model, x, _, __: input_x_gradient(model, x),
    "Integrated Gradients": lambda model, x, _, __: integrated_gradients(model, x, n_steps=20).values,
    "GradientSHAP": lambda model, x, rows, rng: (
        gradient_shap(model, x, baselines=rows.background, n_samples=40, seed=rng).values
    ),
    "Shapley (exact)": lambda model, x, rows, _: shapley_values(model, x, baselines=rows.background).values,
    "occlusion": lambda model, x, _, __: occlusion(model, x),
    "LIME": _lime,
    "permutation": _permutation,
}
SIGNLESS = ("saliency", "SmoothGrad", "LIME", "permutation")  # sizes; the others speak for or against


def draw(task: str, n: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Draw n rows of a task (columns of mean 0 and variance 1) and their labels."""
    X = rng.standard_normal((n, N_COLUMNS))
    if task.endswith("twins"):
        own = (1 - TWIN_CORRELATION**2) ** 0.5
        X[:, 4:7] = TWIN_CORRELATION * X[:, :3] + own * X[:, 4:7]
    return X, rng.random(n) < 1 / (1 + np.exp(-LOGITS[task.removesuffix(", twins")](X)))


def true_effects(task: str, X: Array, *, n_draws: int = 64) -> Array:
    """Return by how much the log-odds of each row change, on average, when one column is drawn anew: the truth."""
    logit = LOGITS[task.removesuffix(", twins")]
    before, effects = logit(X), np.zeros_like(X)
    for j in DECISIVE:
        for value in np.random.default_rng(0).standard_normal(n_draws):
            changed = X.copy()
            changed[:, j] = value
            effects[:, j] += abs(logit(changed) - before) / n_draws
    return effects


def grade_block(task: str, seeds: Sequence[int], *, n_train: int = 1000, n_rows: int = 8) -> pd.DataFrame:
    """Train one network a seed, explain it by every method, and grade the explanations; one row a grade."""
    drawn = [np.random.default_rng([TASKS.index(task), seed]) for seed in seeds]
    train, held_out = ([draw(task, n, rng) for rng in drawn] for n in (n_train, 300))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order, wherever this runs
    try:
        networks = train_mlps(
            [X for X, _ in train], [y for _, y in train], hidden=[32], seeds=seeds, max_epochs=60, batch_size=200,
            learning_rate=1e-2,
        )  # fmt: skip
        grades = [
            (task, method, measure, seed, value)
            for seed, network, (X, y), rng in zip(seeds, networks, held_out, drawn, strict=True)
            for method, measure, value in _grade(task, network, X, y, n_rows=n_rows, rng=rng)
        ]
    finally:
        torch.set_num_threads(threads)
    return pd.DataFrame(grades, columns=["task", "method", "measure", "seed", "value"])


def grade(
    *,
    seeds: int = 20,
    tasks: Sequence[str] = TASKS,
    first_seed: int = 0,
    n_jobs: int = 1,
    dask: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Grade every method on every task over many seeds, here or on a Dask cluster.

    The work is cut into blocks of a task and ten seeds, always the same ones; so the numbers are the same whoever
    computes them. A block whose worker is lost is computed again by another.

    Parameters
    ----------
    seeds : int
        How many.
    tasks : sequence of str
        Of `TASKS`.
    first_seed : int
        The first of them.
    n_jobs : int
        Processes on this machine; -1 for one a core.
    dask : str, optional
        Address of a Dask scheduler, such as "tcp://10.0.0.1:8786"; its workers need this package.
    progress : callable, optional
        Wraps the blocks, as ``tqdm`` does. Silent by default.

    Returns
    -------
    DataFrame
        Columns task, method, measure, seed, value.

    Raises
    ------
    ValueError
        If there is no seed, or no such task.

    Examples
    --------
    >>> grades = grade(seeds=1, tasks=["linear"])
    >>> list(grades.columns), len(grades) == len(METHODS) * len(MEASURES)
    (['task', 'method', 'measure', 'seed', 'value'], True)
    """
    if unknown := [task for task in tasks if task not in TASKS]:
        raise ValueError(f"tasks: got {unknown[0]!r}, expected some of {', '.join(map(repr, TASKS))}")
    start = check_int("first_seed", first_seed, minimum=0)
    numbers = range(start, start + check_int("seeds", seeds))
    blocks = [(task, numbers[first : first + BLOCK]) for task in tasks for first in range(0, seeds, BLOCK)]
    watched = (progress or silent)(blocks)
    if dask is not None:
        from distributed import Client

        with Client(dask, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            waiting = [client.submit(grade_block, task, list(block), pure=False, retries=2) for task, block in blocks]
            parts = [future.result() for _, future in zip(watched, waiting, strict=True)]
    elif n_jobs == 1:
        parts = [grade_block(task, block) for task, block in watched]
    else:
        from joblib import Parallel, delayed

        parts = Parallel(n_jobs=n_jobs)(delayed(grade_block)(task, list(block)) for task, block in watched)
    grades: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return grades


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference over the seeds, and its interval."""

    mean: float
    low: float
    high: float


def paired_difference(grades: pd.DataFrame, first: str, second: str, *, level: float = 0.999) -> PairedDifference:
    """Return by how much one method beats another, seed by seed: grades of one measure, averaged over tasks.

    Examples
    --------
    >>> rows = [("linear", m, "a", s, v) for m, vs in {"x": (3, 4), "y": (1, 2)}.items() for s, v in enumerate(vs)]
    >>> grades = pd.DataFrame(rows, columns=["task", "method", "measure", "seed", "value"])
    >>> paired_difference(grades, "x", "y")
    PairedDifference(mean=2.0, low=2.0, high=2.0)
    """
    if grades["measure"].nunique() != 1:
        raise ValueError(f"grades: got {grades['measure'].nunique()} measures, expected one")
    by_seed = grades.pivot_table(index="seed", columns="method", values="value")
    if missing := [method for method in (first, second) if method not in by_seed]:
        raise ValueError(f"grades: got none of {missing[0]!r}")
    difference = (by_seed[first] - by_seed[second]).to_numpy()
    n = check_int("seeds in grades", len(difference), minimum=2)
    half = float(t.ppf((1 + level) / 2, n - 1) * difference.std(ddof=1) / n**0.5)
    mean = float(difference.mean())
    return PairedDifference(mean, mean - half, mean + half)


def _grade(
    task: str, network: nn.Module, X: Array, y: NDArray[np.bool_], *, n_rows: int, rng: np.random.Generator
) -> Iterator[tuple[str, str, float]]:
    """Name, measure and mean grade of every method on the first rows."""
    x = torch.tensor(X, dtype=torch.float32)
    rows, explained = Rows(x[n_rows : n_rows + 16], x[n_rows:], y[n_rows:]), x[:n_rows]
    side = network(explained).sign()
    chosen = (side[:, 0] > 0).long()
    mask = np.zeros((n_rows, N_COLUMNS), bool)
    mask[:, DECISIVE] = True
    effects = true_effects(task, X[:n_rows])

    def said(z: Tensor) -> Tensor:
        """Return the probabilities of both classes."""
        positive = torch.sigmoid(network(z))
        return torch.cat([1 - positive, positive], dim=1)

    for name, method in METHODS.items():
        explain: Any = partial(_explain, method, rows, rng)
        values = explain(network, explained)
        sizes = values.abs().double().numpy()
        towards = values if name in SIGNLESS else values * side
        yield name, "finds the causes", float(relevance_rank(sizes, mask).mean())
        yield name, "relevance on the causes", float(relevance_mass(sizes, mask).mean())
        yield name, "orders by effect", float(effect_correlation(sizes, effects).mean())
        yield (
            name,
            "faithful to the model",
            float(deletion_insertion(said, explained, towards, target=chosen).gain.mean()),
        )
        yield name, "changes nearby", float(max_sensitivity(partial(explain, network), explained, n_samples=2).mean())
        yield (
            name,
            "ignores the weights",
            float(parameter_randomisation(network, explain, explained, n_samples=1).mean()),
        )


def _explain(method: Method, rows: Rows, rng: np.random.Generator, model: nn.Module, x: Tensor) -> Tensor:
    return method(model, x, rows, rng).detach()
