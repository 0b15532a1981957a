"""Exercises of the notebook on gradients of neural networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaicourse.teaching import Exercise, require, rounded


def _check_the_slopes_guess(answer: Callable[..., Any]) -> None:
    scores, gradients = (
        np.array([10.0, -6.0, 0.0]),
        np.array([[3.0, 4.0], [0.0, -2.0], [1.0, 1.0]]),
    )
    result = np.asarray(answer(scores, gradients), dtype=float)
    require(
        result.shape == (3,),
        "expected one length for each of the three rows, shape (3,); got shape "
        f"{result.shape}",
    )
    require(
        (result >= 0).all(),
        "a length is not negative, on whichever side the row lies; got "
        f"{rounded(result)}",
    )
    require(
        abs(result[1] - 3) < 1e-9,
        "the second row stands at -6 and its score changes by 2 for each unit of "
        f"length, so 3 units are needed; got {rounded(result[1])}",
    )
    require(
        abs(result[0] - 2) < 1e-9,
        "the first row's gradient (3, 4) has the length 5, so 10 / 5 = 2; got "
        f"{rounded(result[0])}",
    )
    require(
        abs(result[2]) < 1e-9,
        f"a row that stands on the line needs no step; got {rounded(result[2])}",
    )
    require(
        np.allclose(answer(-2 * scores[:2], gradients[:2]), [4, 6]),
        "twice as far from the line, on the other side, the step is twice as long",
    )


the_slopes_guess = Exercise(
    name="The slope's guess",
    checker=_check_the_slopes_guess,
    takes="scores, gradients",
    hints=(
        "Walking along the gradient, how much does the score change for each unit of "
        "length?",
        "By the length of the gradient, $\\lVert g \\rVert$. The score has to change "
        "by its own size to reach zero.",
        "`abs(scores) / np.linalg.norm(gradients, axis=1)`",
    ),
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
        not X.requires_grad and X.grad is None,
        "the caller's X now asks for gradients: work on a detached copy",
    )
    require(
        torch.allclose(answer(network, X[:2]).detach(), expected[:2]),
        "a row's gradient must be the same with other rows beside it",
    )


all_rows_at_once = Exercise(
    name="All rows at once",
    checker=_check_all_rows_at_once,
    takes="network, X",
    hints=(
        "What single number has a gradient that holds each row's own gradient?",
        "The sum of the answers. `torch.autograd.grad(number, tensor)` returns "
        "gradients and stores none.",
        "`X = X.detach().clone().requires_grad_()`, then "
        "`torch.autograd.grad(network(X).sum(), X)[0]`",
    ),
)
