"""Training: one loop over epochs and batches, and what it trains.

One claim needs many seeds, and many seeds need to be cheap: ``k`` networks of the same
shape are one network whose weights have one more axis, so that a layer of all of them
is a single batched matrix product. Twenty networks then take about as long as two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from xaicourse.networks.stacking import (
    Adam,
    check_device,
    forward,
    generators_of,
    glorot_weights,
    stacked_rows,
    unstacked,
)
from xaicourse.validation import (
    Progress,
    as_binary,
    as_floats,
    check_array,
    check_float,
    check_function,
    check_int,
    check_items,
    check_shape,
    check_type,
    shown,
)

Network = TypeVar("Network", bound=nn.Module)
Penalty = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""What ``penalty=`` takes: of the networks' logits, (k, rows, d) to (k, rows), and a
batch (k, rows, d); gives (k,).
"""


def epochs(
    step: Callable[[Tensor], Tensor],
    n: int,
    *,
    generators: Sequence[torch.Generator],
    max_epochs: int,
    batch_size: int,
    learning_rate: float,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """Go through the rows epoch by epoch, batch by batch, and yield what was lost.

    It is the loop of every training here; who iterates over it may stop early.

    Parameters
    ----------
    step : callable
        Changes the weights once. It is given the positions (k, rows) of a batch, and
        returns the mean loss of each network on it, shape (k,).
    n : int
        Number of rows.
    generators : sequence of torch.Generator
        One a network: it shuffles the rows before each epoch.
    max_epochs : int
        Most epochs; none is allowed.
    batch_size : int
        Rows of a step; the last batch of an epoch may have fewer.
    learning_rate : float
        What `step` uses, named when the loss is no longer finite.
    device, progress
        As in `train_mlps`.

    Yields
    ------
    ndarray, shape (k,)
        The sum over rows of each network's loss in an epoch.

    Raises
    ------
    TypeError, ValueError
        If a setting has a wrong type or range, or the loss is no longer finite.
    """
    batch_size = check_int("batch_size", batch_size)
    check_float("learning_rate", learning_rate, minimum=0.0)
    n_epochs = check_int("max_epochs", max_epochs, minimum=0)
    for _ in shown(progress, range(n_epochs)):
        order = torch.stack([torch.randperm(n, generator=g) for g in generators])
        total = torch.zeros(len(generators), device=device)
        for batch in order.to(device).split(batch_size, dim=1):
            total += step(batch) * batch.shape[1]
        if not total.isfinite().all():
            raise ValueError(
                f"learning_rate: got {learning_rate}, with which the loss is no longer "
                f"finite"
            )
        yield total.cpu().numpy()


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
    r"""Train one binary classifier a seed, all together.

    The recipe is that of scikit-learn's ``MLPClassifier``. Adam minimises, batch by
    batch, the cross-entropy of the logit plus a penalty,
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
    TypeError, ValueError
        When shapes disagree, X is not finite, y is not 0 or 1 or holds one class only,
        there is no seed, a setting has a wrong type or range, or the loss is no longer
        finite.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> [network] = train_mlps(X, X[:, 0] > 0.2, hidden=[16], seeds=[0], max_epochs=200)
    >>> accuracy(network, X, X[:, 0] > 0.2) > 0.95
    True
    """
    generators = generators_of(seeds)
    check_device(device)
    l2, tol = check_float("l2", l2, minimum=0.0), check_float("tol", tol)
    patience = check_int("patience", patience, minimum=0)
    if penalty is not None:
        check_function("penalty", penalty)
    k = len(generators)
    inputs, labels = stacked_rows(X, y, k)
    n = inputs.shape[1]
    weights = glorot_weights(inputs.shape[2], hidden, generators, device)
    inputs, labels = inputs.to(device), labels.to(device)
    optimiser = Adam(weights)
    # One long table: a row is found faster by one position than by two.
    first = n * torch.arange(k, device=device).unsqueeze(1) if len(inputs) == k else 0
    inputs, labels = inputs.flatten(0, 1), labels.flatten()

    def step(rows: Tensor) -> Tensor:
        batch, answers = inputs[first + rows], labels[first + rows]
        losses = binary_cross_entropy_with_logits(
            forward(weights, batch), answers, reduction="none"
        ).mean(1)
        squares = sum(w.square().sum((1, 2)) for w in weights[::2])
        losses = losses + l2 / (2 * batch.shape[1]) * squares
        if penalty is not None:
            more = penalty(lambda z: forward(weights, z), batch)
            check_array("penalty: result", more, Tensor, (k,))
            losses = losses + more
        # A network's gradient sees only its own loss: the losses can be added up.
        optimiser.step(torch.autograd.grad(losses.sum(), weights), learning_rate)
        return losses.detach()

    best, stale = np.full(k, np.inf), np.zeros(k, int)
    finished: dict[int, list[Tensor]] = {}
    for total in epochs(
        step,
        n,
        generators=generators,
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        device=device,
        progress=progress,
    ):
        loss = total / n
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
    """Build a network and train it as a classifier, by Adam on the cross-entropy.

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
    TypeError, ValueError
        When there is not one label a row, a setting has a wrong type or range, or the
        loss is no longer finite.

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> above = (x[:, 0] > 0).long()
    >>> line = train_network(
    ...     lambda: nn.Linear(1, 2), x, above, max_epochs=60, batch_size=16
    ... )
    >>> float((line(x).argmax(1) == above).float().mean()) > 0.9
    True
    """
    check_function("build", build)
    check_device(device)
    given = [inputs] if isinstance(inputs, Tensor) else inputs
    columns = check_items("inputs", given, at_least=1)
    check_array("labels", labels, Tensor, (None,))
    n, highest = len(labels), int(labels.max())
    if labels.dtype != torch.int64 or labels.min() < 0:
        raise ValueError(
            f"labels: got {labels.dtype} from {labels.min().item()} on, expected "
            f"classes 0, 1, 2, ... as integers"
        )
    for column in columns:
        check_array("inputs", column, Tensor)
        if column.shape[:1] != (n,):
            raise ValueError(
                f"labels: got {n}, expected one for each row of inputs, which are of "
                f"shape {tuple(column.shape)}"
            )
    max_epochs = check_int("max_epochs", max_epochs)
    steps = max_epochs * -(-n // check_int("batch_size", batch_size))
    with torch.random.fork_rng(
        devices=[torch.device(device)] if device != "cpu" else []
    ):
        torch.manual_seed(check_int("seed", seed, minimum=0))
        network = build()
        check_type("build: result", network, nn.Module)
        network.to(device).train()
        weights = [p for p in network.parameters() if p.requires_grad]
        optimiser = Adam(weights)
        columns, labels = [column.to(device) for column in columns], labels.to(device)
        counter = count(1)

        def step(rows: Tensor) -> Tensor:
            output = network(*(column[rows[0]] for column in columns))
            logits = getattr(output, "logits", output)
            check_shape("build: logits", logits, (rows.shape[1], None))
            if highest >= logits.shape[1]:
                raise ValueError(
                    f"labels: got class {highest}, expected one of the network's "
                    f"{logits.shape[1]}"
                )
            loss = cross_entropy(logits, labels[rows[0]])
            i = next(counter)
            rate = learning_rate * min(
                10 * i / steps, (steps - i + 1) / (0.9 * steps), 1.0
            )
            optimiser.step(torch.autograd.grad(loss, weights), rate)
            return loss.detach()

        for _ in epochs(
            step,
            n,
            generators=[torch.default_generator],
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            device=device,
            progress=progress,
        ):
            pass
    return network.cpu().eval().requires_grad_(False)


def accuracy(model: nn.Module, X: ArrayLike, y: ArrayLike) -> float:
    """Return the share of rows whose class (logit above 0) is right; y is 0 or 1."""
    logits = _logits(model, X)
    return float(np.mean((logits.numpy() > 0) == as_binary("y", y, (len(logits),))))


def probability(
    model: nn.Module, X: ArrayLike
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the probability of class 1 of every row, shape (n,)."""
    return torch.sigmoid(_logits(model, X).double()).numpy()


@torch.no_grad()
def _logits(model: nn.Module, X: ArrayLike) -> Tensor:
    """One finite number a row."""
    check_type("model", model, nn.Module)
    rows = torch.tensor(as_floats("X", X), dtype=torch.float32)
    if rows.ndim < 2:
        raise ValueError(f"X: got shape {tuple(rows.shape)}, expected rows (n, ...)")
    logits: Tensor = model(rows)
    check_array("model: outputs", logits, Tensor)
    check_shape("model: outputs", logits, (len(rows), 1)[: logits.ndim])
    return logits.flatten()
