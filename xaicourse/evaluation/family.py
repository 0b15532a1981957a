"""What the families of tasks share: their form, scores above chance, the guesser, and
sums in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaicourse.evaluation.faithfulness import Explain, parameter_randomisation
from xaicourse.evaluation.localisation import (
    pointing_game,
    relevance_mass,
    relevance_rank,
)

Grade = tuple[int, str, str, float]  # seed, method, measure, value
NETWORK, ACCURACY = "(the network)", "accuracy"
"""Beside the grades of the methods, one row a network: how many held-out rows it gets
right.
"""


@dataclass(frozen=True)
class Family:
    """Tasks of one kind, and how they are graded.

    Attributes
    ----------
    tasks, methods : tuple of str
        Names.
    measures : mapping of str to float or None
        Measures and their chance levels; ``None`` where less is better and chance means
        nothing.
    grade : callable
        Takes a task and seeds; yields seed, method, measure and value.
    """

    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    measures: Mapping[str, float | None]
    grade: Callable[[str, Sequence[int]], Iterator[Grade]]


LOCATED = {
    "points at the evidence": pointing_game,
    "finds the evidence": relevance_rank,
    "relevance on the evidence": relevance_mass,
}


def located(sizes: Tensor, mask: NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
    """Grade where the relevance lies, by three measures on a scale of 0 for chance and
    1 for all of it inside.

    Examples
    --------
    >>> mask = np.array([[True, False, False, False]])
    >>> for name, value in located(torch.tensor([[4.0, 2.0, 1.0, 1.0]]), mask):
    ...     print(name, round(value, 2))
    points at the evidence 1.0
    finds the evidence 1.0
    relevance on the evidence 0.33
    >>> [value for _, value in located(torch.ones(1, 4), mask)]
    [0.0, 0.0, 0.0]
    """
    chance = mask.reshape(len(mask), -1).mean(1)
    for name, measure in LOCATED.items():
        yield (
            name,
            float(np.mean((measure(sizes.numpy(), mask) - chance) / (1 - chance))),
        )


SEEN = {
    **dict.fromkeys(LOCATED, 0.0),
    "faithful to the model": 0.0,
    "ignores the weights": None,
}
"""Measures of what can be looked at, pictures and sentences, and their chance levels;
of the last, less is better.
"""


def asking(method: Callable[..., Tensor], *arguments: object) -> Explain:
    """Return `method` as a function of a network and rows, with the other `arguments`
    given.
    """
    return lambda network, x: method(network, x, *arguments).detach()


def knowing(explain: Explain, network: nn.Module, x: Tensor, values: Tensor) -> Explain:
    """Return `explain`, which need not explain the rows `x` of the network again."""

    def asked(model: nn.Module, rows: Tensor) -> Tensor:
        return (
            values
            if model is network and torch.equal(rows, x)
            else explain(model, rows)
        )

    return asked


def grade_seen(
    seed: int,
    network: nn.Module,
    rows: Tensor,
    mask: NDArray[np.bool_],
    methods: Mapping[str, Callable[..., Tensor]],
    *,
    arguments: Sequence[object],
    gain: Callable[[Tensor], Tensor],
    rng: np.random.Generator,
) -> Iterator[Grade]:
    """Explain rows by each method; yield the mean grade for each measure of `SEEN`.

    `mask` is where the evidence lies, `arguments` what the methods are given behind the
    rows, and `gain` grades how faithful values are to the network.
    """
    for name, method in methods.items():
        explain = asking(method, *arguments)
        values = explain(network, rows)
        for measure, value in located(values.abs(), mask):
            yield seed, name, measure, value
        yield seed, name, "faithful to the model", float(gain(values).mean())
        # a map of one size, such as Grad-CAM's where nothing speaks for the class, has
        # no order to be kept
        sizes = values.abs().flatten(1)
        ordered = (sizes != sizes[:, :1]).any(1)
        if ordered.any():
            again = partial(
                _some, knowing(explain, network, rows, values), rows, ordered
            )
            alike = parameter_randomisation(
                network, again, rows[ordered], n_samples=1, seed=rng
            )
            yield seed, name, "ignores the weights", float(alike.mean())


def _some(
    explain: Explain, rows: Tensor, some: Tensor, model: nn.Module, _: Tensor
) -> Tensor:
    """Some rows' explanations, of a method that explains all rows together."""
    return explain(model, rows)[some]


def guess(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Attributions drawn by lot: what every method has to beat."""
    return torch.from_numpy(rng.standard_normal(tuple(x.shape))).to(x)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order, wherever this runs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
