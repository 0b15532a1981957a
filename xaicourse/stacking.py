"""Networks of one shape, stacked: weights have a first axis of networks, so that one
product serves all of them.

Weights are a list that alternates matrices (k, fan_in, fan_out) and biases (k, 1,
fan_out), first layer to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.optim.adam import adam

from xaicourse.models import mlp


def stacked_rows(X: ArrayLike, y: ArrayLike, k: int) -> tuple[Tensor, Tensor]:
    """Check rows and 0/1 labels for k networks; return (1 or k, n, d) and (1 or k, n),
    shared if there is one set.
    """
    features, labels = np.asarray(X, np.float32), np.asarray(y, np.float32)
    if k == 0:
        raise ValueError("seeds is empty: give one seed a network")
    if features.ndim not in (2, 3) or labels.shape != features.shape[:-1]:
        raise ValueError(
            f"X must be (n, d) with y (n,), or (k, n, d) with y (k, n); got "
            f"{features.shape}, {labels.shape}"
        )
    if features.ndim == 3 and len(features) != k:
        raise ValueError(
            f"X holds rows for {len(features)} networks, but seeds names {k}"
        )
    if not np.isfinite(features).all():
        raise ValueError("X holds NaN or infinity")
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
    """Draw weights (k, fan_in, fan_out) and biases (k, 1, fan_out), uniform within
    sqrt(6 / (fan_in + fan_out)).
    """
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
    """Logits (k, rows) of k networks with one output, each of its own rows (k, rows,
    d).
    """
    activation = inputs
    for layer in range(0, len(weights), 2):
        if layer:
            # in place: memory for many large activations costs more than the sums
            activation = activation.relu_()
        activation = torch.bmm(activation, weights[layer]).add_(weights[layer + 1])
    return activation.squeeze(2)


class Adam:
    """The optimiser of `torch.optim.Adam`, fused, whose own first step would import a
    compiler for two seconds.
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
            self.weights, laid_out, self.means, self.squares, [], self.steps, fused=True, amsgrad=False,
            maximize=False, beta1=0.9, beta2=0.999, lr=rate, weight_decay=0.0, eps=1e-8,
        )  # fmt: skip
        for weight, before, factor in chosen:
            weight.copy_(before.lerp(weight, factor))


def unstacked(tensors: list[Tensor]) -> nn.Sequential:
    """Put one network's weights, without their first axis, into an ordinary module,
    frozen and in evaluation mode.
    """
    matrices, biases = tensors[::2], tensors[1::2]
    with torch.random.fork_rng(
        devices=[]
    ):  # nn.Linear draws weights that are replaced at once
        network = mlp(
            matrices[0].shape[0],
            [m.shape[1] for m in matrices[:-1]],
            matrices[-1].shape[1],
        )
    with torch.no_grad():
        linears = [m for m in network if isinstance(m, nn.Linear)]
        for linear, matrix, bias in zip(linears, matrices, biases, strict=True):
            linear.weight.copy_(matrix.T)
            linear.bias.copy_(bias[0])
    return network.eval().requires_grad_(False)
