"""The networks of the course that more than one notebook uses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def mlp(n_inputs: int, hidden: Sequence[int], n_outputs: int = 1) -> nn.Sequential:
    """Return a multilayer perceptron: linear layers with ReLUs between them, and no activation at the end.

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
    widths = [n_inputs, *hidden, n_outputs]
    if any(not isinstance(w, int) or w < 1 for w in widths):
        raise ValueError(f"n_inputs, hidden and n_outputs must be whole numbers of at least 1, got {widths}")
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
