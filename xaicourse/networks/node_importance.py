"""Training with node importance: as written, as it could be meant, and its controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from xaicourse.networks.modulation import check_states, update_factors, written_factors
from xaicourse.networks.neurons import mahalanobis
from xaicourse.networks.stacking import (
    Adam,
    check_device,
    generators_of,
    glorot_weights,
    unstacked,
)
from xaicourse.networks.training import epochs
from xaicourse.validation import (
    Progress,
    as_classes,
    as_floats,
    check_array,
    check_choice,
    check_float,
    check_int,
    check_ints,
    check_positions,
    check_shape,
    in_columns_of,
)

STRENGTHS = {"plain": 0.0, "written": 3.0, "update": 0.9, "shuffled": 0.9, "loss": 0.1}


@dataclass(frozen=True)
class NodeImportanceTraining:
    """The trained networks, and the loss they were trained on.

    Attributes
    ----------
    networks : list of nn.Sequential
        One a seed, in evaluation mode; each maps (rows, d) to logits (rows, classes).
    losses : ndarray, shape (n_seeds, max_epochs)
        Mean cross-entropy of each epoch, on the batches as they came.
    """

    networks: list[nn.Sequential]
    losses: NDArray[np.float64]


def importance_loss(
    signals: Sequence[Tensor],
    references: Sequence[Tensor],
    distances: Tensor,
    labels: Tensor,
    *,
    layer_wise: float = 0.1,
    contrastive: float = 0.1,
    alpha: float = 0.5,
    margin: float = 1.0,
    temperature: float = 0.5,
) -> Tensor:
    r"""Return the stated loss beyond the cross-entropy, made real, of each network.

    .. math:: \lambda \sum_l e^{\alpha l} L^l_\text{layer-wise}
              + \beta \sum_l L^l_\text{contrastive},

    with :math:`L^l_\text{layer-wise} = \operatorname{mean}_{b,c} [(1 - \tilde m) d^2 +
    \tilde m \max(0, \mu - d)^2]`: where a row is near a centroid its activations are
    drawn towards the centroid's, where it is far they are pushed at least the margin μ
    away; d is the root mean square over the layer's units. The contrastive part is the
    supervised one of Khosla et al.: rows of one class are drawn together, on the
    sphere.

    Parameters
    ----------
    signals : sequence of Tensor, shape (k, batch, units)
        Activations of the layers, first to last; only those of the layers meant, so
        that l counts from 1 there.
    references : sequence of Tensor, shape (k, centroids, units)
        Those of the centroids, in the same network.
    distances : Tensor, shape (batch, centroids) or (k, batch, centroids)
        :math:`\tilde m`, between 0 and 1.
    labels : Tensor, shape (batch,) or (k, batch)
        Classes.
    layer_wise, contrastive, alpha, margin, temperature : float
        λ, β, α, μ, and the temperature of the contrastive part.

    Returns
    -------
    Tensor, shape (k,)

    References
    ----------
    Khosla et al.: Supervised contrastive learning. NeurIPS 2020, arXiv:2004.11362.
    """
    settings = {
        "layer_wise": layer_wise,
        "contrastive": contrastive,
        "margin": margin,
    }
    for name, value in settings.items():
        check_float(name, value, minimum=0.0)
    alpha = check_float("alpha", alpha)
    check_float("temperature", temperature, positive=True)
    _, near = check_states(signals, references, distances, first=0)
    check_array("labels", labels, Tensor)
    classes = labels if labels.ndim == 2 else labels.unsqueeze(0)
    k = len(signals[0]) if labels.ndim == 2 else 1
    check_shape("labels", classes, (k, near.shape[1]))
    if classes.is_floating_point():
        raise TypeError(f"labels: got {classes.dtype}, expected classes as integers")
    itself = torch.eye(classes.shape[1], dtype=torch.bool, device=classes.device)
    same = (classes.unsqueeze(1) == classes.unsqueeze(2)) & ~itself
    count = same.sum(2)
    total = signals[0].new_zeros(len(signals[0]))
    for depth, (h, reference) in enumerate(
        zip(signals, references, strict=True), start=1
    ):
        lengths = h.square().sum(2, keepdim=True) + reference.square().sum(2).unsqueeze(
            1
        )
        square = (lengths - 2 * h @ reference.mT).clamp(min=0) / h.shape[2]
        # the root has no slope at 0
        short = (margin - (square + 1e-12).sqrt()).clamp(min=0)
        part = ((1 - near) * square + near * short.square()).mean((1, 2))
        direction = normalize(h, dim=2, eps=1e-6)
        likeness = (direction @ direction.mT / temperature).masked_fill(itself, -1e9)
        log_share = likeness - likeness.logsumexp(2, keepdim=True)
        anchors = -(log_share * same).sum(2) / count.clamp(min=1)
        total = (
            total
            + layer_wise * math.exp(alpha * depth) * part
            + contrastive * anchors.mean(1)
        )
    return total


def train_node_importance(
    X: ArrayLike,
    y: ArrayLike,
    *,
    centroids: ArrayLike,
    method: str = "plain",
    strength: float | None = None,
    contrastive: float = 0.1,
    n_steps: int = 1,
    layers: Sequence[int] | None = None,
    hidden: Sequence[int] = (64, 32),
    seeds: Sequence[int] = (0,),
    max_epochs: int = 8,
    batch_size: int = 40,
    learning_rate: float = 1e-3,
    device: str = "cpu",
    progress: Progress | None = None,
) -> NodeImportanceTraining:
    """Train one classifier a seed, all together, with a form of node importance.

    Parameters
    ----------
    X : array of shape (n, d)
        Features, the same rows for every network.
    y : array of int, shape (n,)
        Classes from 0.
    centroids : array of shape (n_centroids, d)
        Of the clusters that neurons are to tell apart.
    method : {"plain", "written", "update", "shuffled", "loss"}
        ``"plain"`` is Adam on the cross-entropy. ``"written"`` multiplies gradients by
        `written_factors`; ``"update"`` multiplies Adam's steps by `update_factors`, and
        ``"shuffled"`` by the same numbers dealt out at random among the weights of a
        layer. ``"loss"`` adds `importance_loss` to the cross-entropy.
    strength : float, optional
        Of the method; at 0 it is plain training bit for bit. By default 3 as written,
        0.9 for updates, 0.1 for the loss.
    contrastive : float
        β of `importance_loss`.
    n_steps : {1, 2}
        Steps of Adam a batch. With 2 the first takes the plain gradient and the second
        the same gradient again, modulated if the method does so: the project's code
        does that, without saying so. As there, the factors as written compare the
        weights after the first step with activations of before it; those of updates
        take both from the network as it then is.
    layers : sequence of int, optional
        The linear layers that are modulated, from 0; all by default.
    hidden, seeds, max_epochs, batch_size, learning_rate, device, progress
        As in `train_mlps`; the number of epochs is fixed, and 0 gives untrained
        networks.

    Returns
    -------
    NodeImportanceTraining

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range, or the loss is no longer
        finite.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> middles = [[-1.0, 0.0], [1.0, 0.0]]
    >>> trained = train_node_importance(
    ...     X, X[:, 0] > 0, centroids=middles, hidden=[8], max_epochs=5
    ... )
    >>> bool(trained.losses[0, -1] < trained.losses[0, 0])
    True
    """
    features, labels, centres = _arrays(X, y, centroids)
    hidden = check_ints("hidden", hidden)
    contrastive = check_float("contrastive", contrastive, minimum=0.0)
    check_device(device)
    power, chosen = _settings(method, strength, n_steps, layers, len(hidden) + 1)
    generators, dealers = generators_of(seeds), generators_of(seeds, beyond=2**31)
    k = len(generators)
    distances = mahalanobis(features, centres)
    near = torch.from_numpy(distances / distances.max()).float().to(device)
    rows = torch.tensor(features, dtype=torch.float32, device=device)
    classes = torch.tensor(labels, device=device)
    middle = torch.tensor(centres).float().to(device).expand(k, -1, -1)
    weights = glorot_weights(
        rows.shape[1], hidden, generators, device, n_outputs=int(labels.max()) + 1
    )
    optimiser = Adam(weights)
    with torch.no_grad():
        untrained = [z.clone() for z in _signals(weights, middle)[1:]]

    @torch.no_grad()
    def factors(given: Sequence[Tensor], batch: Tensor) -> list[Tensor | None]:
        """Return one for each of the weights, by either reading of the idea."""
        matrices = weights[::2]
        found: list[Tensor | None] = [None] * len(weights)
        if method == "written":
            computed = written_factors(
                matrices, given, untrained, near[batch], strength=power, layers=chosen
            )
        else:
            now = _after_relu(_signals(weights, middle))[1:]
            # a first step has changed what the network says of the rows
            said = given if n_steps == 1 else _signals(weights, rows[batch])
            computed = update_factors(
                matrices,
                _after_relu(said),
                now,
                near[batch],
                strength=power,
                layers=chosen,
            )
        for i, factor in zip(chosen, computed, strict=True):
            found[2 * i] = _dealt(factor, dealers) if method == "shuffled" else factor
        return found

    def step(batch: Tensor) -> Tensor:
        given = _signals(weights, rows[batch])
        # Flat, so that the gradient has the same layout, and so the same bits, whatever
        # is added to the loss.
        logits, own = given[-1].flatten(0, 1), classes[batch]
        fit = cross_entropy(logits, own.flatten(), reduction="none").view_as(own)
        objective = fit = fit.mean(1)
        if method == "loss":
            after = _after_relu(given)[1:]
            reference = _after_relu(_signals(weights, middle))[1:]
            objective = fit + importance_loss(
                [after[i] for i in chosen],
                [reference[i] for i in chosen],
                near[batch],
                own,
                layer_wise=power,
                contrastive=contrastive,
            )
        gradients = torch.autograd.grad(objective.sum(), weights)
        if n_steps == 2:
            optimiser.step(gradients, learning_rate)
        if method in ("plain", "loss"):
            optimiser.step(gradients, learning_rate)
        elif method == "written":
            pairs = zip(gradients, factors(given, batch), strict=True)
            scaled = [g if f is None else g * f for g, f in pairs]
            optimiser.step(scaled, learning_rate)
        else:
            optimiser.step(gradients, learning_rate, factors=factors(given, batch))
        return fit.detach()

    losses = [
        total.astype(float) / len(rows)
        for total in epochs(
            step,
            len(rows),
            generators=generators,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            device=device,
            progress=progress,
        )
    ]
    networks = [unstacked([w[i].detach().cpu() for w in weights]) for i in range(k)]
    return NodeImportanceTraining(networks, np.array(losses).reshape(-1, k).T)


def _settings(
    method: str,
    strength: float | None,
    n_steps: int,
    layers: Sequence[int] | None,
    n_layers: int,
) -> tuple[float, list[int]]:
    check_choice("method", method, tuple(STRENGTHS))
    power = (
        STRENGTHS[method]
        if strength is None
        else check_float("strength", strength, minimum=0.0)
    )
    if method in ("update", "shuffled") and power >= 1:
        raise ValueError(
            f"strength: got {power:g}, expected below 1: a weight must not be driven "
            f"uphill"
        )
    check_int("n_steps", n_steps, maximum=2)
    return power, check_positions(
        "layers", range(n_layers) if layers is None else layers, n_layers
    )


def _arrays(
    X: ArrayLike, y: ArrayLike, centroids: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    features = as_floats("X", X, (None, None))
    centroids = in_columns_of("centroids", centroids, X)
    centres = as_floats("centroids", centroids, (None, features.shape[1]))
    whole = as_classes("y", y, (len(features),))
    if whole.min() < 0 or whole.min() == whole.max():
        raise ValueError("y: expected classes 0, 1, 2, ..., at least two of them")
    return features, whole, centres


def _signals(weights: Sequence[Tensor], inputs: Tensor) -> list[Tensor]:
    """Inputs, and what every layer makes of them before its ReLU."""
    signals = [inputs]
    for layer in range(0, len(weights), 2):
        into = signals[-1] if layer == 0 else signals[-1].relu()
        signals.append(torch.baddbmm(weights[layer + 1], into, weights[layer]))
    return signals


def _after_relu(signals: Sequence[Tensor]) -> list[Tensor]:
    return [signals[0], *(z.relu() for z in signals[1:-1]), signals[-1]]


def _dealt(factor: Tensor, dealers: Sequence[torch.Generator]) -> Tensor:
    """Deal a layer's factors out at random among its weights, network by network."""
    flat = factor.flatten(1)
    order = torch.stack(
        [torch.randperm(flat.shape[1], generator=g) for g in dealers]
    ).to(flat.device)
    return flat.gather(1, order).view_as(factor)
