"""Gradients, paths and Shapley values, against Captum, shap and the bare passes through
the network that a method cannot do without.

The networks: narrow, 100-64-64-1; wide, 256-1024-1024-1; and a residual network of nine
convolutions on pictures of 3 x 32 x 32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import shap
import torch
from captum.attr import GradientShap, IntegratedGradients, NoiseTunnel, Saliency
from torch import Tensor, nn

from benchmarks import Work
from xaicourse.attribution import (
    gradient_shap,
    integrated_gradients,
    kernel_shap,
    saliency,
    sampled_shapley_values,
    shapley_values,
    smooth_grad,
)
from xaicourse.networks import mlp

BATCH = 2**18
"""Numbers in a batch, of ours and of the others."""


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations behind both."""
        return torch.relu(self.convolutions(x) + self.shortcut(x))


def network(kind: str, n: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network of one output, n rows, and 100 baselines."""
    torch.manual_seed(0)
    if kind == "resnet":
        net = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(),
            Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1),
        )  # fmt: skip
        return net.eval(), torch.randn(n, 3, 32, 32), torch.randn(100, 3, 32, 32)
    d, width = (100, 64) if kind == "narrow" else (256, 1024)
    return mlp(d, [width, width]).eval(), torch.randn(n, d), torch.randn(100, d)


def bare_passes(net: nn.Module, x: Tensor, n_points: int, noise: float = 0.0) -> None:
    """Gradients at n_points copies of each row, in batches, and nothing else."""
    points = x.repeat_interleave(n_points, 0)
    for rows in points.split(BATCH // x[0].numel()):
        some = rows + noise * torch.randn_like(rows) if noise else rows
        torch.autograd.grad(net(some.requires_grad_()).sum(), some)


def of_integrated_gradients(kind: str, n: int) -> tuple[Work, Work]:
    """Integrated Gradients with 64 steps and its residual, against Captum's with its
    residual.
    """
    net, x, _ = network(kind, n)
    theirs = IntegratedGradients(net)
    options = {"internal_batch_size": BATCH // x[0].numel()}
    return (
        partial(integrated_gradients, net, x, n_steps=64),
        lambda: theirs.attribute(
            x, n_steps=64, return_convergence_delta=True, **options
        ),
    )


def of_integrated_gradients_and_passes(kind: str, n: int) -> tuple[Work, Work]:
    """Integrated Gradients with 64 steps, against bare passes through 64 points."""
    net, x, _ = network(kind, n)
    return (
        partial(integrated_gradients, net, x, n_steps=64),
        partial(bare_passes, net, x, 64),
    )


def of_gradient_shap(kind: str, n: int) -> tuple[Work, Work]:
    """GradientSHAP with 50 samples of 100 baselines and its residual, against Captum's
    with its residual.
    """
    net, x, baselines = network(kind, n)
    theirs = GradientShap(net)
    options = {"n_samples": 50, "stdevs": 0.0, "return_convergence_delta": True}
    return (
        partial(gradient_shap, net, x, baselines=baselines, n_samples=50),
        lambda: theirs.attribute(x, baselines, **options),
    )


def of_gradient_shap_of_many_baselines(kind: str, n: int) -> tuple[Work, Work]:
    """GradientSHAP with 50 samples of 10,000 baselines and its residual, against
    Captum's with its residual.
    """
    net, x, _ = network(kind, n)
    baselines, theirs = torch.randn(10_000, x.shape[1]), GradientShap(net)
    options = {"n_samples": 50, "stdevs": 0.0, "return_convergence_delta": True}
    return (
        partial(gradient_shap, net, x, baselines=baselines, n_samples=50),
        lambda: theirs.attribute(x, baselines, **options),
    )


def of_smooth_grad(kind: str, n: int) -> tuple[Work, Work]:
    """SmoothGrad with 25 copies, against Captum's."""
    net, x, _ = network(kind, n)
    theirs = NoiseTunnel(Saliency(net))
    options = {"nt_samples": 25, "stdevs": 0.1, "abs": False}
    return (
        partial(smooth_grad, net, x, n_samples=25),
        lambda: theirs.attribute(x.requires_grad_(), **options),
    )


def of_smooth_grad_and_passes(kind: str, n: int) -> tuple[Work, Work]:
    """SmoothGrad with 2 copies, against bare passes through as many noisy points (noise
    in single precision; ours is drawn in double, to be the same in all types).
    """
    net, x, _ = network(kind, n)
    return (
        partial(smooth_grad, net, x, n_samples=2),
        partial(bare_passes, net, x, 2, 0.1),
    )


def of_saliency(kind: str, n: int) -> tuple[Work, Work]:
    """Saliency, against Captum's."""
    net, x, _ = network(kind, n)
    theirs = Saliency(net)
    return (
        partial(saliency, net, x),
        lambda: theirs.attribute(x.requires_grad_(), abs=False),
    )


def table(d: int, n: int) -> tuple[Callable[..., np.ndarray], np.ndarray, np.ndarray]:
    """Return a function of d columns, 100 baselines and n rows."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(d, 64))

    def model(X: np.ndarray) -> np.ndarray:
        y: np.ndarray = np.tanh(X @ weights) @ weights[0]
        return y

    return model, rng.normal(size=(100, d)), rng.normal(size=(n, d))


def of_exact_shapley(d: int, n: int) -> tuple[Work, Work]:
    """Exact Shapley values with 100 baselines, against shap's exact explainer."""
    model, background, rows = table(d, n)
    masker = shap.maskers.Independent(background, max_samples=100)
    theirs = shap.explainers.ExactExplainer(model, masker)
    ours = partial(shapley_values, model, rows, baselines=background)
    assert np.allclose(theirs(rows, silent=True).values, ours().values)
    return ours, lambda: theirs(rows, silent=True)


def of_exact_shapley_and_calls(d: int, n: int) -> tuple[Work, Work]:
    """Exact Shapley values, against bare calls of the model with as many rows."""
    model, background, rows = table(d, n)
    points = np.tile(background, (2**d, 1))

    def calls() -> None:
        for _ in range(n):
            for some in np.array_split(points, max(1, points.size // BATCH)):
                model(some)

    return partial(shapley_values, model, rows, baselines=background), calls


def of_sampled_shapley(d: int, n: int) -> tuple[Work, Work]:
    """Sampled Shapley values with errors, against shap's permutation explainer with as
    many calls of the model: 1,000 orders, each of one baseline, against 10 of all 100.
    """
    model, background, rows = table(d, n)
    masker = shap.maskers.Independent(background, max_samples=100)
    theirs = shap.explainers.PermutationExplainer(model, masker)
    ours = partial(
        sampled_shapley_values, model, rows, baselines=background, n_samples=1000
    )
    return ours, lambda: theirs(rows, max_evals=5 * (2 * d + 1), silent=True)


def of_kernel_shap(d: int, n: int) -> tuple[Work, Work]:
    """Kernel SHAP of 512 coalitions with errors, against shap's kernel explainer, which
    states none.
    """
    model, background, rows = table(d, n)
    theirs = shap.KernelExplainer(model, background)
    ours = partial(kernel_shap, model, rows, baselines=background, n_samples=512)
    options = {"nsamples": 510, "silent": True, "l1_reg": False}
    return ours, lambda: theirs.shap_values(rows, **options)


NETWORKS = {"narrow": (10, 300, 1000), "wide": (1, 10, 40), "resnet": (1, 2, 6)}

PAIRS = [
    *[
        partial(method, kind, n)
        for method in (
            of_integrated_gradients,
            of_integrated_gradients_and_passes,
            of_gradient_shap,
        )
        for kind, sizes in NETWORKS.items()
        for n in sizes
    ],
    *[
        partial(of_gradient_shap_of_many_baselines, kind, n)
        for kind in ("narrow", "wide")
        for n in (1, 10, 100)
    ],
    *[
        partial(method, kind, n)
        for method in (of_smooth_grad, of_smooth_grad_and_passes, of_saliency)
        for kind, sizes in {
            "narrow": (10, 1000, 2000 if method is of_smooth_grad else 20_000),
            "wide": (1, 10, 100),
            "resnet": (1, 4, 12),
        }.items()
        for n in sizes
    ],
    *[
        partial(method, d, n)
        for method in (of_exact_shapley, of_exact_shapley_and_calls)
        for d, n in ((6, 20), (10, 2), (12, 1))
    ],
    *[
        partial(method, d, n)
        for method in (of_sampled_shapley, of_kernel_shap)
        for d, n in ((6, 5), (12, 5), (30, 5))
    ],
]
