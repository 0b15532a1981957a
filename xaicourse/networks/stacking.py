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
from xaicourse.validation import check_finite, check_int


def generators_of(seeds: Sequence[int], *, beyond: int = 0) -> list[torch.Generator]:
    """Return one generator a seed, or of the number that lies `beyond` it."""
    if np.ndim(seeds) != 1:
        raise TypeError(
            f"seeds: got {seeds!r}, expected a sequence of integers, one a network"
        )
    if not len(seeds):
        raise ValueError("seeds: got none, expected one for each network")
    numbers = [check_int("seeds", seed, minimum=0) for seed in seeds]
    return [torch.Generator().manual_seed(number + beyond) for number in numbers]


def stacked_rows(X: ArrayLike, y: ArrayLike, k: int) -> tuple[Tensor, Tensor]:
    """Check rows and 0/1 labels for k networks.

    Their shapes are then (1 or k, n, d) and (1 or k, n): 1 where all share one set.
    """
    features, labels = np.asarray(X, np.float32), np.asarray(y, np.float32)
    if features.ndim not in (2, 3) or labels.shape != features.shape[:-1]:
        raise ValueError(
            f"X must be (n, d) with y (n,), or (k, n, d) with y (k, n); got "
            f"{features.shape}, {labels.shape}"
        )
    if features.ndim == 3 and len(features) != k:
        raise ValueError(
            f"X holds rows for {len(features)} networks, but seeds names {k}"
        )
    check_finite("X", features)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("y must hold 0 and 1 only")
    if (labels.min(-1) == labels.max(-1)).any():
        raise ValueError("y holds one class only: there is nothing to tell apart")
    if features.ndim == 2:
        features, labels = features[None], labels[None]
    return torch.from_numpy(features), torch.from_numpy(labels)


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
    widths = [n_inputs, *hidden, n_outputs]
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
