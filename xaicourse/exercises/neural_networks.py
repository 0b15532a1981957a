"""Exercises of the notebook on gradients of neural networks, and the alterations under
which its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaicourse.teaching import Exercise, require


def _check_the_slopes_guess(answer: Callable[..., Any]) -> None:
    scores, gradients = (
        np.array([10.0, -6.0, 0.0]),
        np.array([[3.0, 4.0], [0.0, -2.0], [1.0, 1.0]]),
    )
    result = np.asarray(answer(scores, gradients), dtype=float)
    require(
        result.shape == (3,),
        f"expected one length for each of the three rows, shape (3,); got shape "
        f"{result.shape}",
    )
    require(
        (result >= 0).all(),
        f"a length is not negative, on whichever side the row lies; got "
        f"{result.tolist()}",
    )
    require(
        abs(result[1] - 3) < 1e-9,
        f"the second row stands at -6 and its score changes by 2 for each unit of "
        f"length, so 3 units are needed; got "
        f"{result[1]:g}",
    )
    require(
        abs(result[0] - 2) < 1e-9,
        f"the first row's gradient (3, 4) has the length 5, so 10 / 5 = 2; got "
        f"{result[0]:g}",
    )
    require(
        abs(result[2]) < 1e-9,
        f"a row that stands on the line needs no step; got {result[2]:g}",
    )


the_slopes_guess = Exercise(
    name="The slope's guess",
    checker=_check_the_slopes_guess,
    hints=(
        "Walking along the gradient, how much does the score change for each unit of "
        "length?",
        "By the length of the gradient, $\\lVert g \\rVert$. The score has to change "
        "by its own size to reach zero.",
        "`abs(scores) / np.linalg.norm(gradients, axis=1)`",
    ),
    honest=(
        lambda scores, gradients: np.sqrt(scores**2 / (gradients**2).sum(axis=1)),
        lambda scores, gradients: [
            abs(s) / np.hypot(*g) for s, g in zip(scores, gradients, strict=True)
        ],
    ),
    wrong={
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
)


class _Counted(nn.Module):
    """A small smooth network that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.first = nn.Parameter(torch.from_numpy(rng.normal(size=(3, 4))))
        self.last = nn.Parameter(torch.from_numpy(rng.normal(size=(4, 1))))
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return torch.tanh(x @ self.first) @ self.last


def _check_all_rows_at_once(answer: Callable[[nn.Module, Tensor], Any]) -> None:
    network, X = (
        _Counted(),
        torch.from_numpy(np.random.default_rng(1).normal(size=(5, 3))),
    )
    before = X.clone()
    result = answer(network, X)
    require(isinstance(result, Tensor), f"return a tensor; got {type(result).__name__}")
    require(
        result.shape == (5, 3),
        f"expected one gradient a row, shape (5, 3); got {tuple(result.shape)}",
    )
    bend = 1 - torch.tanh(X @ network.first) ** 2
    expected = ((bend * network.last.T) @ network.first.T).detach()
    require(
        not torch.allclose(result, expected / 5),
        "every gradient is a fifth of what it should be: the mean of the answers "
        "divides by the rows, the sum does not",
    )
    require(
        torch.allclose(result.detach(), expected),
        "the gradients differ from those worked out by hand",
    )
    calls = network.calls
    require(
        torch.allclose(answer(network, X), expected),
        "called a second time it gives another answer: something has piled up in a "
        ".grad",
    )
    require(
        calls == 1, f"one run of the network is enough for all rows; yours took {calls}"
    )
    require(
        all(p.grad is None for p in network.parameters()),
        "the network's parameters now have a .grad, which would spoil the next "
        "training step: ask for the inputs' only",
    )
    require(
        torch.equal(X, before) and not X.requires_grad and X.grad is None,
        "the caller's X has been changed, or now asks for gradients: work on a "
        "detached copy",
    )


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


all_rows_at_once = Exercise(
    name="All rows at once",
    checker=_check_all_rows_at_once,
    hints=(
        "What single number has a gradient that holds each row's own gradient?",
        "The sum of the answers. `torch.autograd.grad(number, tensor)` returns "
        "gradients and stores none.",
        "`X = X.detach().clone().requires_grad_()`, then "
        "`torch.autograd.grad(network(X).sum(), X)[0]`",
    ),
    honest=(
        _of(lambda output: output[:, 0].sum()),
        lambda network, X: torch.autograd.functional.jacobian(
            lambda Z: network(Z).sum(), X
        ),
    ),
    wrong={
        "backward, which also fills the parameters": _backward,
        "row by row": _row_by_row,
        "the mean": _of(lambda output: output.mean()),
        "the caller's own tensor": _on_the_callers_tensor,
        "piles up": _piles_up,
        "the first row only": _of(lambda output: output[0, 0]),
    },
)

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
