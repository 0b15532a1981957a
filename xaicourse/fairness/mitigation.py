"""Less importance by training: a penalty on what chosen inputs contribute.

Along the straight line from another row x' to a row x, the column j contributes (x_j -
x'_j) df/dx_j to the change of the logit f (the integrand of Integrated Gradients; its
mean over x' and the place on the line is GradientSHAP). Training adds the mean square
of the chosen columns' contributions to the cross-entropy,

    L = CE + λ E[ sum_{j in S} ((x_j - x'_j) df/dx_j(x' + α (x - x')))² ],   α ~ U(0,
    1), x and x' from the batch.

It is zero only where f does not listen to the columns S at all, so a small value leaves
small attributions. The gradient of a gradient comes from autograd. What other columns
say instead, the penalty does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from xaicourse.networks import train_mlps
from xaicourse.validation import (
    Progress,
    as_numbers,
    check_array,
    check_float,
    check_function,
    check_int,
    check_items,
    check_positions,
    check_shape,
)


def importance_penalty(
    logits: Callable[[Tensor], Tensor],
    inputs: Tensor,
    *,
    columns: Sequence[int],
    alpha: Tensor,
) -> Tensor:
    """Return the mean square of what some columns contribute to the logit.

    The contributions are those between neighbouring rows.

    Parameters
    ----------
    logits : callable
        Maps (..., rows, d) to (..., rows), each row by itself.
    inputs : Tensor, shape (..., rows, d)
        A batch in random order; each row's x' is the row before it, and the first row's
        the last.
    columns : sequence of int
        The columns S.
    alpha : Tensor, shape (rows,)
        Places on the lines, from 0 to 1.

    Returns
    -------
    Tensor, shape (...)
        Differentiable with respect to whatever `logits` depends on.

    Raises
    ------
    ValueError
        If `columns` is empty or out of range, or `alpha` has another shape.

    References
    ----------
    Ross, Hughes, Doshi-Velez: Right for the right reasons. IJCAI 2017,
    arXiv:1703.03717. Erion et al.: Improving performance of deep learning models with
    axiomatic attribution priors and expected gradients. Nature Machine Intelligence 3,
    620 (2021), arXiv:1906.10670.

    Examples
    --------
    A linear model contributes 3 (x - x') by its first column, whatever alpha:

    >>> rows = torch.tensor([[0.0, 5.0], [2.0, 1.0]])
    >>> alpha = torch.tensor([0.1, 0.9])
    >>> def logits(x):
    ...     return x @ torch.tensor([3.0, 1.0])
    >>> importance_penalty(logits, rows, columns=[0], alpha=alpha)
    tensor(36.)
    """
    check_function("logits", logits)
    for name, numbers in (("inputs", inputs), ("alpha", alpha)):
        check_array(name, numbers, Tensor)
    chosen = check_positions("columns", columns, inputs.shape[-1])
    check_shape("alpha", alpha, (inputs.shape[-2],))
    with torch.enable_grad():
        other = inputs.detach().roll(1, dims=-2)
        step = inputs.detach() - other
        z = (other + alpha[:, None] * step).requires_grad_()
        (slope,) = torch.autograd.grad(logits(z).sum(), z, create_graph=True)
        return (step * slope)[..., chosen].square().sum(-1).mean(-1)


def train_with_less_importance(
    X: ArrayLike,
    y: ArrayLike,
    *,
    columns: Sequence[int],
    strengths: Sequence[float] = (0.0, 1.0),
    hidden: Sequence[int] = (32,),
    max_epochs: int = 10,
    batch_size: int = 200,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[nn.Sequential]:
    """Train one binary classifier for each strength λ of `importance_penalty`.

    They are trained together and differ in λ only: first weights, batches and the
    places on the lines are the same, so that they can be compared in pairs. Strength 0
    is `train_mlps` to the bit.

    Parameters
    ----------
    X : array of shape (n, d)
        Features, best standardised.
    y : array of shape (n,)
        Labels, 0 or 1.
    columns : sequence of int
        Columns whose contributions shall be small: a protected attribute, or its
        proxies too.
    strengths : sequence of float
        One network a strength, in units of the loss per squared logit.
    hidden, max_epochs, batch_size, learning_rate, progress
        As in `train_mlps`.
    seed : int
        Of first weights, batches and places.

    Returns
    -------
    list of nn.Sequential
        In the order of `strengths`; each maps (rows, d) to logits (rows, 1).

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = X[:, 0] + X[:, 1] > 0
    >>> free, bound = train_with_less_importance(
    ...     X, y, columns=[1], strengths=[0, 5], max_epochs=60
    ... )
    >>> def step(network):
    ...     here, there = network(torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    ...     return float((there - here).abs())
    >>> step(bound) < 0.2 * step(free)
    True
    """
    d = as_numbers("X", X).shape[-1:]
    chosen = check_positions("columns", columns, d[0] if d else 0)
    max_epochs = check_int("max_epochs", max_epochs, minimum=0)
    given = check_items("strengths", strengths, at_least=1)
    weights = torch.tensor([check_float("strengths", s, minimum=0.0) for s in given])
    generator = torch.Generator().manual_seed(check_int("seed", seed, minimum=0))

    def penalty(logits: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
        alpha = torch.rand(batch.shape[-2], generator=generator)
        # One set of rows serves all networks; each has its own logits of it.
        rows = batch.expand(len(weights), *batch.shape[-2:])
        return weights * importance_penalty(logits, rows, columns=chosen, alpha=alpha)

    return train_mlps(
        X,
        y,
        hidden=hidden,
        seeds=[seed] * len(weights),
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=max_epochs,
        penalty=penalty if weights.any() else None,
        progress=progress,
    )
