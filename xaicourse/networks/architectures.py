"""The networks of the course that more than one notebook uses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from xaicourse.validation import check_int, check_ints


def mlp(n_inputs: int, hidden: Sequence[int], n_outputs: int = 1) -> nn.Sequential:
    """Return a multilayer perceptron: linear layers with ReLUs between them.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Numbers of features and of outputs (logits).
    hidden : sequence of int
        The widths of the hidden layers, first to last; empty for a linear model.

    Examples
    --------
    >>> sum(p.numel() for p in mlp(3, [100]).parameters())
    501
    """
    widths = [
        check_int("n_inputs", n_inputs),
        *check_ints("hidden", hidden),
        check_int("n_outputs", n_outputs),
    ]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def small_cnn(n_classes: int, *, width: int = 8) -> nn.Sequential:
    """Return three convolutions, an average over places, and a head.

    They are for pictures of one channel and 32 pixels or so. The first convolution
    halves the picture; the others keep its 16 by 16 places, which `grad_cam` can look
    at: ``network.maps``.

    Parameters
    ----------
    n_classes : int
        Number of outputs (logits).
    width : int
        Maps of the first layer; the others have twice as many.

    Examples
    --------
    >>> sum(p.numel() for p in small_cnn(2).parameters())
    3730
    """
    n_classes, narrow = check_int("n_classes", n_classes), check_int("width", width)
    wide = 2 * narrow
    maps = nn.Sequential(
        nn.Conv2d(1, narrow, 5, 2, 2), nn.ReLU(),
        nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU(),
        nn.Conv2d(wide, wide, 3, padding=1), nn.ReLU(),
    )  # fmt: skip
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    head = nn.Linear(wide, n_classes)
    return nn.Sequential(OrderedDict(maps=maps, pool=pool, head=head))


def small_resnet(n_classes: int, *, width: int = 8) -> nn.Sequential:
    """Return a residual network of four of torchvision's basic blocks.

    It is for pictures of 64 pixels or so. A stem halves the picture, and the second and
    third block halve it again, so that 64 pixels end in maps of 8 by 8, which
    `grad_cam` can look at: ``network.blocks``. (torchvision's ``resnet18`` would end in
    2 by 2.)

    Parameters
    ----------
    n_classes : int
        Number of outputs (logits).
    width : int
        Channels of the stem; the last blocks have four times as many.

    Examples
    --------
    >>> network = small_resnet(3)
    >>> sum(p.numel() for p in network.parameters())
    38283
    """
    # takes a while, and most notebooks need none
    from torchvision.models.resnet import BasicBlock

    n_classes = check_int("n_classes", n_classes)
    widths = [check_int("width", width) * factor for factor in (1, 1, 2, 4, 4)]
    blocks = nn.Sequential()
    for (fan_in, fan_out), stride in zip(pairwise(widths), (1, 2, 2, 1), strict=True):
        shortcut = None
        if fan_in != fan_out or stride != 1:
            match = nn.Conv2d(fan_in, fan_out, 1, stride, bias=False)
            shortcut = nn.Sequential(match, nn.BatchNorm2d(fan_out))
        blocks.append(BasicBlock(fan_in, fan_out, stride, shortcut))
    parts = {
        "stem": nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        ),
        "blocks": blocks,
        "pool": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "head": nn.Linear(widths[-1], n_classes),
    }
    network = nn.Sequential(OrderedDict(parts))
    # the faster order on a CPU
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": n places become ceil(n / stride).

    The zeros that this takes are shared by both sides, an odd one at the end, so that
    they depend on the size of the picture.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad, and convolve."""
        missing = []
        for axis in (-1, -2):
            length, stride = input.shape[axis], self.stride[axis]
            reach = (length - 1) // stride * stride + self.kernel_size[axis]
            zeros = max(reach - length, 0)
            missing += [zeros // 2, zeros - zeros // 2]
        return super().forward(pad(input, missing))


class Residual(nn.Sequential):
    """Layers one after another, whose output is added to their input."""

    def forward(self, input: Tensor) -> Tensor:
        """Return x + layers(x)."""
        output = input
        for layer in self:
            output = layer(output)
        return input + output


def efficientnet_lite0(n_classes: int = 1000) -> nn.Sequential:
    """Return EfficientNet-Lite0 without its weights (`load_efficientnet_lite0` has
    them).

    Sixteen blocks, each of which widens its input, convolves every channel by itself
    and narrows again, with a batch normalisation behind each convolution and ReLU6s
    between; no squeeze-and-excitation. Pictures (n, 3, height, width) of any size end
    in maps of a 32nd of it, rounded up, which `grad_cam` can look at: ``network.maps``.

    Parameters
    ----------
    n_classes : int
        Number of outputs (logits).

    References
    ----------
    Tan, Le: EfficientNet: rethinking model scaling for convolutional neural networks.
    ICML 2019, arXiv:1905.11946.

    Examples
    --------
    >>> sum(p.numel() for p in efficientnet_lite0().parameters())
    4652008
    """
    n_classes = check_int("n_classes", n_classes)
    blocks, fan_in = nn.Sequential(), 32
    for widening, fan_out, repeats, kernel, first_stride in (
        (1, 16, 1, 3, 1),
        (6, 24, 2, 3, 2),
        (6, 40, 2, 5, 2),
        (6, 80, 3, 3, 2),
        (6, 112, 3, 5, 1),
        (6, 192, 4, 5, 2),
        (6, 320, 1, 3, 1),
    ):
        for stride in (first_stride, *[1] * (repeats - 1)):
            wide = widening * fan_in
            layers = [
                *(_convolution(fan_in, wide) if widening > 1 else []),
                *_convolution(wide, wide, kernel, stride, groups=wide),
                *_convolution(wide, fan_out)[:-1],
            ]
            same = fan_in == fan_out and stride == 1
            blocks.append(Residual(*layers) if same else nn.Sequential(*layers))
            fan_in = fan_out
    parts = {
        "stem": nn.Sequential(*_convolution(3, 32, 3, 2)),
        "blocks": blocks,
        "maps": nn.Sequential(*_convolution(fan_in, 1280)),
        "pool": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)),
        "head": nn.Linear(1280, n_classes),
    }
    return nn.Sequential(OrderedDict(parts))


def _convolution(
    fan_in: int, fan_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution, its batch normalisation, and a ReLU6."""
    if stride == 1:
        convolution = nn.Conv2d(
            fan_in, fan_out, kernel, padding=kernel // 2, groups=groups, bias=False
        )
    else:
        convolution = SameConv2d(
            fan_in, fan_out, kernel, stride, groups=groups, bias=False
        )
    norm = nn.BatchNorm2d(fan_out, eps=1e-3, momentum=0.01)
    return [convolution, norm, nn.ReLU6(inplace=True)]
