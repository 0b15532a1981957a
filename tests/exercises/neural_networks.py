"""Right and wrong answers, and alterations: neural networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


def _backward(network: nn.Module, X: Tensor) -> Tensor | None:
    copy = X.detach().clone().requires_grad_()
    network(copy).sum().backward()
    return copy.grad


def _on_the_callers_tensor(network: nn.Module, X: Tensor) -> Tensor:
    return torch.autograd.grad(network(X.requires_grad_()).sum(), X)[0]


def _row_by_row(network: nn.Module, X: Tensor) -> Tensor:
    rows = [row[None].clone().requires_grad_() for row in X.detach()]
    return torch.cat([torch.autograd.grad(network(row).sum(), row)[0] for row in rows])


def _piles_up(network: nn.Module, X: Tensor) -> Tensor | None:
    X.requires_grad_()
    network(X).sum().backward()
    return X.grad


def _of(reduce: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Tensor], Tensor]:
    def gradients(network: nn.Module, X: Tensor) -> Tensor:
        copy = X.detach().clone().requires_grad_()
        return torch.autograd.grad(reduce(network(copy)), copy)[0]

    return gradients


HONEST = {
    "the_slopes_guess": (
        lambda scores, gradients: np.sqrt(scores**2 / (gradients**2).sum(axis=1)),
        lambda scores, gradients: [
            abs(s) / np.hypot(*g) for s, g in zip(scores, gradients, strict=True)
        ],
    ),
    "all_rows_at_once": (
        _of(lambda output: output[:, 0].sum()),
        lambda network, X: torch.autograd.functional.jacobian(
            lambda Z: network(Z).sum(), X
        ),
    ),
}

WRONG = {
    "the_slopes_guess": {
        "keeps the sign": lambda scores, gradients: (
            scores / np.linalg.norm(gradients, axis=1)
        ),
        "the sum of the sizes": lambda scores, gradients: (
            abs(scores) / abs(gradients).sum(axis=1)
        ),
        "the square of the length": lambda scores, gradients: (
            abs(scores) / (gradients**2).sum(axis=1)
        ),
        "one length for all rows": lambda scores, gradients: (
            abs(scores) / np.linalg.norm(gradients)
        ),
        "along the rows": lambda scores, gradients: (
            abs(scores)[:2] / np.linalg.norm(gradients, axis=0)
        ),
        "times instead of divided by": lambda scores, gradients: (
            abs(scores) * np.linalg.norm(gradients, axis=1)
        ),
    },
    "all_rows_at_once": {
        "backward, which also fills the parameters": _backward,
        "row by row": _row_by_row,
        "the mean": _of(lambda output: output.mean()),
        "the caller's own tensor": _on_the_callers_tensor,
        "piles up": _piles_up,
        "the first row only": _of(lambda output: output[0, 0]),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the networks had been trained": (
        "untrained = [fresh_network(i) for i in range(200)]",
        "untrained = train_mlps(X_train, y_train, hidden=[5], seeds=[0], "
        "learning_rate=0.01)",
    ),
    "the gradient had been cleared in between": (
        "first = x.grad.clone()\n",
        "first = x.grad.clone()\nx.grad = None\n",
    ),
    "the networks had been taught to say benign": (
        "malignant = data.target == 0",
        "malignant = data.target == 1",
    ),
    "every patient got the gradient of another": (
        "batch_jacobian(net, patients)[:, 0].numpy()",
        "batch_jacobian(net, patients.flip(0))[:, 0].numpy()",
    ),
    "the walk went sideways": (
        "steps_to_flip(log_odds, X_test, directions)",
        "steps_to_flip(log_odds, X_test, directions[:, ::-1] * [1, -0.5])",
    ),
    "the random directions were the gradient's": (
        "noise = np.random.default_rng(seed).normal(size=all_test.shape)",
        "noise = guided.copy()",
    ),
}
