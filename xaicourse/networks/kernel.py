"""How far training moves a network: its tangent kernel, and its linearisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from xaicourse.networks.neurons import Floats
from xaicourse.validation import as_floats, check_int, check_type, rounding


@dataclass(frozen=True)
class KernelDrift:
    """How far training has left the lazy regime.

    In it a network is its linearisation at the start.

    Attributes
    ----------
    movement : float
        Distance of the parameters from their start, over their length at the start.
    alignment : float
        Centred cosine (CKA) of the tangent kernels at start and end; 1 in the lazy
        regime.
    linear_error : float
        Root mean square difference of network and linearisation at the end, over the
        spread of the network's outputs.
    """

    movement: float
    alignment: float
    linear_error: float


def kernel_drift(
    start: nn.Sequential, end: nn.Sequential, X: ArrayLike, *, target: int = 0
) -> KernelDrift:
    r"""Compare a trained network with the start of its training.

    Has it learnt features, or only reweighted fixed ones? In the lazy regime a network
    stays its linearisation :math:`f_0(x) + J_0(x) (\theta - \theta_0)`, and its tangent
    kernel :math:`K(x, x') = J(x) J(x')^\top` does not change.

    Parameters
    ----------
    start, end : nn.Sequential
        Linear layers with ReLUs between them, of the same shapes.
    X : array of shape (n, d)
        Rows to compare on; the kernels hold n² numbers.
    target : int
        The output.

    References
    ----------
    Chizat, Oyallon, Bach: On lazy training in differentiable programming. NeurIPS 2019,
    arXiv:1812.07956.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 1)).double()
    >>> kernel_drift(network, network, np.eye(2)).movement
    0.0
    """
    check_type("start", start, nn.Module)
    check_type("end", end, nn.Module)
    rows = torch.tensor(as_floats("X", X, (None, None)))
    jacobians, outputs = zip(
        *(_jacobian(network, rows, target) for network in (start, end)), strict=True
    )
    if jacobians[0].shape != jacobians[1].shape:
        raise ValueError("end: expected a network of the same shapes as start")
    theta = [
        np.concatenate(
            [p.detach().double().cpu().numpy().ravel() for p in n.parameters()]
        )
        for n in (start, end)
    ]
    moved = theta[1] - theta[0]
    centred = [j - j.mean(0) for j in jacobians]
    kernels = [j @ j.T for j in centred]
    alignment = (kernels[0] * kernels[1]).sum() / np.prod(
        [np.linalg.norm(kernel) for kernel in kernels]
    )
    spread = outputs[1].std()
    if np.ptp(outputs[1]) <= rounding(outputs[1]):
        raise ValueError(
            "X: got rows with one output at the end, expected outputs that differ"
        )
    error = (
        np.sqrt(np.mean((outputs[0] + jacobians[0] @ moved - outputs[1]) ** 2)) / spread
    )
    return KernelDrift(
        float(np.linalg.norm(moved) / np.linalg.norm(theta[0])),
        float(alignment),
        float(error),
    )


def _jacobian(
    network: nn.Sequential, rows: Tensor, target: int
) -> tuple[Floats, Floats]:
    """Derivatives of an output with respect to every parameter, row by row, and the
    output itself.
    """
    weights = {name: p.detach().double() for name, p in network.named_parameters()}
    rows = rows.to(next(iter(weights.values())))
    n_outputs = functional_call(network, weights, rows[:1]).shape[1]
    check_int("target", target, minimum=0, maximum=n_outputs - 1)

    def output(given: dict[str, Tensor], row: Tensor) -> Any:
        return functional_call(network, given, row)[target]

    slopes, outputs = vmap(grad_and_value(output), (None, 0))(weights, rows)
    jacobian = torch.cat([slope.flatten(1) for slope in slopes.values()], dim=1)
    return jacobian.cpu().numpy(), outputs.cpu().numpy()
