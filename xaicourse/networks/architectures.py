"""The networks of the course that more than one notebook uses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

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
