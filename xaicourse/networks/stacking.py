"""Networks of one shape, stacked: one product serves all of them.

Weights have a first axis of networks. They are a list that alternates matrices (k,
fan_in, fan_out) and biases (k, 1, fan_out), first layer to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.optim.adam import adam

from xaicourse.networks.architectures import mlp
from xaicourse.validation import (
    as_binary,
    as_numbers,
    check_finite,
    check_ints,
    check_items,
)


def generators_of(seeds: Sequence[int], *, beyond: int = 0) -> list[torch.Generator]:
    """Return one generator a seed, or of the number that lies `beyond` it."""
    numbers = check_ints("seeds", check_items("seeds", seeds, at_least=1), minimum=0)
    return [torch.Generator().manual_seed(number + beyond) for number in numbers]


def stacked_rows(
    X: ArrayLike, y: ArrayLike, k: int, *, of: str = ""
) -> tuple[Tensor, Tensor]:
    """Check rows and 0/1 labels for k networks; errors say whose they are.

    Their shapes are then (1 or k, n, d) and (1 or k, n): 1 where all share one set.
    """
    features = np.asarray(as_numbers(f"{of}X", X), np.float32)
    check_finite(f"{of}X", features)
    if features.ndim not in (2, 3):
        raise ValueError(
            f"{of}X: got shape {features.shape}, expected (n, d), or (k, n, d) with y "
            f"(k, n)"
        )
    if features.ndim == 3 and len(features) != k:
        raise ValueError(
            f"{of}X: got rows for {len(features)} networks, expected {k}, as there are "
            f"seeds"
        )
    labels = as_binary(f"{of}y", y, features.shape[:-1]).astype(np.float32)
    if (labels.min(-1) == labels.max(-1)).any():
        raise ValueError(f"{of}y: got one class only, expected both 0 and 1")
    if features.ndim == 2:
        features, labels = features[None], labels[None]
    return torch.tensor(features), torch.tensor(labels)


def check_device(device: str) -> None:
    """Require the name of a place where torch can compute."""
    try:
        torch.empty(0, device=torch.device(device))
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"device: got {device!r}, expected one that is here: {reason}"
        ) from None


def glorot_weights(
    n_inputs: int,
    hidden: Sequence[int],
    generators: list[torch.Generator],
    device: str,
    *,
    n_outputs: int = 1,
) -> list[Tensor]:
    """Draw weights and biases, uniform within sqrt(6 / (fan_in + fan_out))."""
    tensors = []
    widths = [n_inputs, *check_ints("hidden", hidden), n_outputs]
    for fan_in, fan_out in pairwise(widths):
        bound = (6 / (fan_in + fan_out)) ** 0.5
        for rows in (fan_in, 1):
            draws = [
                torch.rand(rows, fan_out, generator=g) * 2 * bound - bound
                for g in generators
            ]
            tensors.append(torch.stack(draws).to(device).requires_grad_())
    return tensors


def forward(weights: list[Tensor], inputs: Tensor) -> Tensor:
    """Logits (k, rows) of k networks with one output, of each one's (k, rows, d)."""
    activation = inputs
    for layer in range(0, len(weights), 2):
        if layer:
            # in place: memory for many large activations costs more than the sums
            activation = activation.relu_()
        activation = torch.bmm(activation, weights[layer]).add_(weights[layer + 1])
    return activation.squeeze(2)


class Adam:
    """The optimiser of `torch.optim.Adam`, fused.

    (Its own first step would import a compiler for two seconds.)
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = list(weights)
        self.means, self.squares = (
            [torch.zeros_like(w) for w in self.weights] for _ in range(2)
        )
        self.steps = [torch.zeros((), device=w.device) for w in self.weights]

    @torch.no_grad()
    def step(
        self,
        gradients: Sequence[Tensor],
        rate: float,
        *,
        factors: Sequence[Tensor | None] | None = None,
    ) -> None:
        """Change the weights in place.

        `factors` multiply the steps, weight by weight: a factor of the gradient would
        be divided out by its own size.
        """
        each = factors or [None] * len(self.weights)
        chosen = [
            (w, w.clone(), f)
            for w, f in zip(self.weights, each, strict=True)
            if f is not None
        ]
        # The fused step walks through memory: a gradient laid out in another order
        # would reach the wrong weights.
        laid_out = [
            g if g.stride() == w.stride() else torch.empty_like(w).copy_(g)
            for g, w in zip(gradients, self.weights, strict=True)
        ]
        adam(
            self.weights,
            laid_out,
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            maximize=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate,
            weight_decay=0.0,
            eps=1e-8,
        )
        for weight, before, factor in chosen:
            weight.copy_(before.lerp(weight, factor))


def unstacked(tensors: list[Tensor]) -> nn.Sequential:
    """Return one network, in evaluation mode and on the CPU, of weights without their
    first axis.
    """
    widths = [tensors[0].shape[0], *(bias.shape[1] for bias in tensors[1::2])]
    with torch.device("meta"):  # no weights are drawn, which are replaced at once
        network = mlp(widths[0], widths[1:-1], widths[-1])
    names = network.state_dict()
    parts = [
        (m.T.contiguous() if i % 2 == 0 else m[0]).cpu() for i, m in enumerate(tensors)
    ]
    network.load_state_dict(dict(zip(names, parts, strict=True)), assign=True)
    return network.eval().requires_grad_(False)
