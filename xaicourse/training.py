"""Train several small networks at once: one claim needs many seeds, and many seeds need
to be cheap.

``k`` networks of the same shape are one network whose weights have one more axis, so
that a layer of all of them is a single batched matrix product. Twenty networks then
take about as long as two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from xaicourse.stacking import Adam, forward, glorot_weights, stacked_rows, unstacked
from xaicourse.validation import Progress, check_int, silent

Network = TypeVar("Network", bound=nn.Module)
Penalty = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""What ``penalty=`` takes: of the networks' logits, (k, rows, d) to (k, rows), and a
batch (k, rows, d); gives (k,).
"""


def train_mlps(
    X: ArrayLike,
    y: ArrayLike,
    *,
    hidden: Sequence[int] = (100,),
    seeds: Sequence[int] = (0,),
    max_epochs: int = 700,
    batch_size: int = 200,
    learning_rate: float = 1e-3,
    l2: float = 1e-4,
    tol: float = 1e-4,
    patience: int = 10,
    penalty: Penalty | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[nn.Sequential]:
    r"""Train one binary classifier a seed, all together, with the recipe of
    scikit-learn's ``MLPClassifier``.

    Adam minimises, batch by batch, the cross-entropy of the logit plus a penalty,
    :math:`\frac1B \sum_b \mathrm{CE}(f(x_b), y_b) + \frac{l_2}{2B} \lVert W \rVert^2`.
    A network stops when the mean loss of an epoch has not fallen by ``tol`` for more
    than ``patience`` epochs, at the weights it then has.

    Parameters
    ----------
    X : array of shape (n, d) or (k, n, d)
        Features: the same rows for every network, or rows of its own for each of the
        ``k`` seeds.
    y : array of shape (n,) or (k, n)
        Labels, 0 or 1.
    hidden : sequence of int
        Widths of the hidden layers.
    seeds : sequence of int
        One network a seed; the seed decides its first weights (Glorot, uniform) and the
        order of its batches.
    max_epochs, batch_size, learning_rate, l2, tol, patience
        As in ``MLPClassifier`` (``l2`` is its ``alpha``).
    penalty : callable, optional
        What is added to each network's loss on a batch; it may differentiate the logits
        it is given.
    device : str
        Where to train; the networks come back on the CPU.
    progress : callable, optional
        Wraps the epochs, as ``tqdm`` does. Silent by default.

    Returns
    -------
    list of nn.Sequential
        In evaluation mode; each maps (rows, d) to logits of shape (rows, 1).

    Raises
    ------
    ValueError
        When shapes disagree, X is not finite, y is not 0 or 1 or holds one class only,
        or there is no seed.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> [network] = train_mlps(X, X[:, 0] > 0.2, hidden=[16], seeds=[0], max_epochs=200)
    >>> accuracy(network, X, X[:, 0] > 0.2) > 0.95
    True
    """
    k = len(seeds)
    inputs, labels = stacked_rows(X, y, k)
    n = inputs.shape[1]
    batch_size = min(batch_size, n)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    weights = glorot_weights(inputs.shape[2], hidden, generators, device)
    inputs, labels = inputs.to(device), labels.to(device)
    optimiser = Adam(weights)
    best, stale = np.full(k, np.inf), np.zeros(k, int)
    finished: dict[int, list[Tensor]] = {}
    own = torch.arange(k, device=device).unsqueeze(1) if len(inputs) == k else 0
    for _ in (progress or silent)(range(max_epochs)):
        order = torch.stack([torch.randperm(n, generator=g) for g in generators]).to(
            device
        )
        total = torch.zeros(k, device=device)
        batches = zip(
            *(rows[own, order].split(batch_size, dim=1) for rows in (inputs, labels)),
            strict=True,
        )
        for batch, answers in batches:
            logits = forward(weights, batch)
            losses = binary_cross_entropy_with_logits(
                logits, answers, reduction="none"
            ).mean(1)
            losses = losses + l2 / (2 * batch.shape[1]) * sum(
                w.square().sum((1, 2)) for w in weights[::2]
            )
            if penalty is not None:
                losses = losses + penalty(lambda z: forward(weights, z), batch)
            # A network's gradient sees only its own loss: the losses can be added up.
            optimiser.step(torch.autograd.grad(losses.sum(), weights), learning_rate)
            total += losses.detach() * batch.shape[1]
        loss = total.cpu().numpy() / n
        stale = np.where(loss > best - tol, stale + 1, 0)
        best = np.minimum(best, loss)
        for i in np.flatnonzero(stale > patience):
            finished.setdefault(int(i), [w[i].detach().clone() for w in weights])
        if len(finished) == k:
            break
    return [
        unstacked(finished.get(i) or [w[i].detach() for w in weights]) for i in range(k)
    ]


def train_network(
    build: Callable[[], Network],
    inputs: Tensor | Sequence[Tensor],
    labels: Tensor,
    *,
    max_epochs: int,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Network:
    """Build a network and train it as a classifier: Adam on the cross-entropy, with a
    rate that rises and falls.

    The rate rises over the first tenth of the steps to `learning_rate` and then falls
    in a straight line to zero. The global random state is left as it was: all draws, of
    first weights, batches and dropout, come from `seed`.

    Parameters
    ----------
    build : callable
        Returns a new network that maps its inputs to logits (rows, n_classes), or to an
        object that has ``logits``.
    inputs : Tensor (rows, ...) or sequence of such
        What the network is called with.
    labels : Tensor of int64, shape (rows,)
        Classes.
    max_epochs, batch_size : int
        How often each row is seen, and how many at once.
    learning_rate : float
        The highest rate.
    seed : int
        Of everything random.
    device : str
        Where to train; the network comes back on the CPU.
    progress : callable, optional
        Wraps the epochs, as ``tqdm`` does. Silent by default.

    Returns
    -------
    nn.Module
        The network, in evaluation mode, its weights fixed.

    Raises
    ------
    ValueError
        When there is not one label a row, or the loss is no longer finite.

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> line = train_network(lambda: nn.Linear(1, 2), x, (x[:, 0] > 0).long(), max_epochs=60, batch_size=16)
    >>> float((line(x).argmax(1) == (x[:, 0] > 0)).float().mean()) > 0.9
    True
    """
    columns = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    n = len(labels)
    if any(len(column) != n for column in columns):
        raise ValueError(
            f"labels: got {n}, expected one for each of the {len(columns[0])} rows of "
            f"inputs"
        )
    max_epochs, batch_size = (
        check_int("max_epochs", max_epochs),
        check_int("batch_size", batch_size),
    )
    steps = max_epochs * -(-n // batch_size)
    with torch.random.fork_rng(
        devices=[torch.device(device)] if device != "cpu" else []
    ):
        torch.manual_seed(check_int("seed", seed, minimum=0))
        network = build().to(device).train()
        weights = [p for p in network.parameters() if p.requires_grad]
        optimiser = Adam(weights)
        columns, labels = [column.to(device) for column in columns], labels.to(device)
        step = 0
        for _ in (progress or silent)(range(max_epochs)):
            for batch in torch.randperm(n).to(device).split(batch_size):
                output = network(*(column[batch] for column in columns))
                loss = cross_entropy(getattr(output, "logits", output), labels[batch])
                step += 1
                rate = learning_rate * min(
                    10 * step / steps, (steps - step + 1) / (0.9 * steps), 1.0
                )
                optimiser.step(torch.autograd.grad(loss, weights), rate)
            if not loss.isfinite():
                raise ValueError(
                    f"learning_rate: got {learning_rate}, with which the loss is no "
                    f"longer finite"
                )
    return network.cpu().eval().requires_grad_(False)


def accuracy(model: nn.Module, X: ArrayLike, y: ArrayLike) -> float:
    """Return the share of rows whose class (logit above 0) is right."""
    with torch.no_grad():
        logits = model(torch.tensor(np.asarray(X), dtype=torch.float32)).flatten()
    return float(np.mean((logits.numpy() > 0) == (np.asarray(y) > 0)))


def probability(
    model: nn.Module, X: ArrayLike
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the probability of class 1 of every row, shape (n,)."""
    with torch.no_grad():
        logits = model(torch.tensor(np.asarray(X), dtype=torch.float32)).flatten()
    return torch.sigmoid(logits.double()).numpy()
