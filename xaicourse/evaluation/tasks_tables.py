"""Tables whose truth is known, graded: of eight columns three decide, and twins of the
three decide nothing.

Columns 0, 1 and 2 decide. In the tasks "..., twins" each of the three has a twin, a
column that is correlated with it. A network is trained for each task and seed, each
method explains it on rows it has not seen, and each measure grades the explanations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaicourse.attribution import (
    gamma_rule,
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    layerwise_relevance,
    lime,
    occlusion,
    permutation_importance,
    saliency,
    shapley_values,
    smooth_grad,
)
from xaicourse.evaluation.faithfulness import (
    deletion_insertion,
    max_sensitivity,
    parameter_randomisation,
)
from xaicourse.evaluation.family import (
    ACCURACY,
    NETWORK,
    Family,
    Grade,
    asking,
    guess,
    knowing,
)
from xaicourse.evaluation.localisation import (
    effect_correlation,
    relevance_mass,
    relevance_rank,
)
from xaicourse.networks import accuracy, train_mlps

Array = NDArray[np.float64]

N_COLUMNS, DECISIVE, TWIN_CORRELATION = 8, (0, 1, 2), 0.9
LOGITS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda X: 3 * X[:, 0] - 2 * X[:, 1] + X[:, 2],
    "switches": lambda X: (
        3 * np.tanh(5 * X[:, 0]) - 2 * np.tanh(5 * X[:, 1]) + np.tanh(5 * X[:, 2])
    ),
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


@dataclass(frozen=True)
class Rows:
    """What a method may see beside the rows that it explains."""

    background: Tensor
    X: Tensor
    y: NDArray[np.bool_]


def _permutation(
    model: nn.Module, x: Tensor, rows: Rows, rng: np.random.Generator
) -> Tensor:
    """One importance a column, the same for every row."""
    found = permutation_importance(
        model, rows.X.numpy(), rows.y, n_repeats=5, seed=rng,
        score=lambda y, logit: float(np.mean(y == (logit > 0))),
    )  # fmt: skip
    return torch.from_numpy(found.mean).to(x).expand_as(x)


Method = Callable[[nn.Module, Tensor, Rows, np.random.Generator], Tensor]
METHODS: dict[str, Method] = {
    "random": lambda _, x, __, rng: guess(x, rng),
    "saliency": lambda model, x, _, __: saliency(model, x).abs(),
    "SmoothGrad": lambda model, x, _, rng: smooth_grad(
        model, x, n_samples=20, stdevs=0.3, seed=rng
    ).abs(),
    "input × gradient": lambda model, x, _, __: input_x_gradient(model, x),
    "Integrated Gradients": lambda model, x, _, __: (
        integrated_gradients(model, x, n_steps=20).values
    ),
    "GradientSHAP": lambda model, x, rows, rng: (
        gradient_shap(
            model, x, baselines=rows.background, n_samples=40, seed=rng
        ).values
    ),
    "LRP": lambda model, x, _, __: (
        layerwise_relevance(model, x, rule=gamma_rule()).values
    ),
    "Shapley (exact)": lambda model, x, rows, _: (
        shapley_values(model, x, baselines=rows.background).values
    ),
    "occlusion": lambda model, x, _, __: occlusion(model, x),
    # coefficients of a straight line fitted to the model around each row
    "LIME": lambda model, x, rows, rng: (
        lime(model, x, scale=rows.X.std(0), n_samples=200, seed=rng).values
    ),
    "permutation": _permutation,
}
# sizes; the others speak for or against
SIGNLESS = ("saliency", "SmoothGrad", "LIME", "permutation")


def draw(
    task: str, n: int, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Draw n rows of a task (columns of mean 0 and variance 1) and their labels."""
    X = rng.standard_normal((n, N_COLUMNS))
    if task.endswith("twins"):
        own = (1 - TWIN_CORRELATION**2) ** 0.5
        X[:, 4:7] = TWIN_CORRELATION * X[:, :3] + own * X[:, 4:7]
    return X, rng.random(n) < 1 / (1 + np.exp(-LOGITS[task.removesuffix(", twins")](X)))


def true_effects(task: str, X: Array, *, n_draws: int = 64) -> Array:
    """Return by how much the log-odds of each row change, on average, when one column
    is drawn anew: the truth.
    """
    logit = LOGITS[task.removesuffix(", twins")]
    before, effects = logit(X), np.zeros_like(X)
    for j in DECISIVE:
        for value in np.random.default_rng(0).standard_normal(n_draws):
            changed = X.copy()
            changed[:, j] = value
            effects[:, j] += abs(logit(changed) - before) / n_draws
    return effects


def grade_seeds(
    task: str, seeds: Sequence[int], *, n_train: int = 1000, n_rows: int = 8
) -> Iterator[Grade]:
    """Train one network a seed, all together, explain them by every method, and grade
    the explanations.
    """
    drawn = [np.random.default_rng([TASKS.index(task), seed]) for seed in seeds]
    train, held_out = ([draw(task, n, rng) for rng in drawn] for n in (n_train, 300))
    networks = train_mlps(
        [X for X, _ in train], [y for _, y in train], hidden=[32], seeds=seeds,
        max_epochs=60, batch_size=200, learning_rate=1e-2,
    )  # fmt: skip
    mask = np.zeros((n_rows, N_COLUMNS), bool)
    mask[:, DECISIVE] = True
    for seed, network, (X, y), rng in zip(
        seeds, networks, held_out, drawn, strict=True
    ):
        yield seed, NETWORK, ACCURACY, accuracy(network, X, y)
        truth = mask, true_effects(task, X[:n_rows])
        yield from grade_network(seed, network, (X, y), truth, METHODS, rng=rng)


def grade_network(
    seed: int,
    network: nn.Module,
    table: tuple[Array, NDArray[np.bool_]],
    truth: tuple[NDArray[np.bool_], Array],
    methods: Mapping[str, Method],
    *,
    rng: np.random.Generator,
    probe: bool = True,
) -> Iterator[Grade]:
    """Explain the first rows of a table by each method, and yield the mean grades.

    The truth, a mask of the causes and the effects, is that of the rows to explain. The
    rows after them are the methods' background and, with their labels, what permutation
    importance asks about. Without `probe` the network is explained once, and the two
    measures that ask again are left out.
    """
    X, y = table
    mask, effects = truth
    n_rows = len(effects)
    x = torch.tensor(X, dtype=torch.float32)
    rows, explained = Rows(x[n_rows : n_rows + 16], x[n_rows:], y[n_rows:]), x[:n_rows]
    side = network(explained).sign()
    chosen = (side[:, 0] > 0).long()

    def said(z: Tensor) -> Tensor:
        """Return the probabilities of both classes."""
        positive = torch.sigmoid(network(z))
        return torch.cat([1 - positive, positive], dim=1)

    for name, method in methods.items():
        explain = asking(method, rows, rng)
        values = explain(network, explained)
        sizes = values.abs().double().numpy()
        towards = values if name in SIGNLESS else values * side
        yield seed, name, "finds the causes", float(relevance_rank(sizes, mask).mean())
        yield (
            seed,
            name,
            "relevance on the causes",
            float(relevance_mass(sizes, mask).mean()),
        )
        yield (
            seed,
            name,
            "orders by effect",
            float(effect_correlation(sizes, effects).mean()),
        )
        curves = deletion_insertion(said, explained, towards, target=chosen)
        yield seed, name, "faithful to the model", float(curves.gain.mean())
        if probe:
            again = knowing(explain, network, explained, values)
            near = max_sensitivity(partial(again, network), explained, n_samples=2)
            yield seed, name, "changes nearby", float(near.mean())
            alike = parameter_randomisation(network, again, explained, n_samples=1)
            yield seed, name, "ignores the weights", float(alike.mean())


FAMILY = Family(TASKS, tuple(METHODS), MEASURES, grade_seeds)
