"""Layer-wise relevance propagation: what a model said is handed back, layer after
layer, down to the inputs.

A layer that computed z_k = Σ_j x_j w_jk + b_k shares the relevance R_k of each output
among its inputs, in proportion to what each contributed. What counts as a contribution
is the layer's rule; the plain one is the product x_j w_jk. With c_k = R_k / z_k,
sharing out is one backward pass, R_j = x_j Σ_k w_jk c_k. So here autograd does the
sharing: every layer is given, for the time of the call, an output with the same value
and the rule in its gradient. Between the layers c is what autograd passes on: unchanged
through a sum (a residual block's too), through a ReLU where it is on, through a maximum
to its winner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from xaicourse.attribution.explained import (
    Attribution,
    Inputs,
    explained,
    explaining,
    graph,
)
from xaicourse.validation import (
    Progress,
    check_finite,
    check_float,
    check_function,
    check_type,
)

Apply = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Layer:
    """A layer that is linear in its input, as a rule sees it.

    Attributes
    ----------
    x : Tensor
        Input of the layer.
    weight, bias : Tensor
        Of the layer, with a batch normalisation that follows folded in.
    apply : callable
        ``apply(x, weight, bias)`` is the layer's output; ``bias`` may be ``None``.
    low, high : Tensor or None
        Only where `x` is the model's input: leaves of its shape that a rule may let
        relevance flow to instead.
    """

    x: Tensor
    weight: Tensor
    bias: Tensor
    apply: Apply
    low: Tensor | None
    high: Tensor | None


Rule = Callable[[Layer], list[tuple[float, Tensor]]]
"""From a layer to shares (which add up to one) and what each is divided by: sums over j
of the contributions.
"""


def epsilon_rule(epsilon: float = 1e-6) -> Rule:
    """R_j = Σ_k x_j w_jk / (z_k + ε sign z_k) R_k: the products themselves; ε takes
    away what is weak.
    """
    epsilon = check_float("epsilon", epsilon, minimum=0.0)

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        z = layer.apply(layer.x, layer.weight, layer.bias)
        return [(1.0, z + epsilon * torch.where(z < 0, -1.0, 1.0))]

    return rule


def gamma_rule(gamma: float = 0.25) -> Rule:
    """R_j = Σ_k (p_jk + γ p_jkˢ) / Σ_j (...) R_k, p_jk = x_j w_jk, s the sign of z_k:
    products that agree with their sum count more, so that no denominator vanishes.
    """
    gamma = check_float("gamma", gamma, minimum=0.0)

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        z = layer.apply(layer.x, layer.weight, layer.bias)
        agreeing = torch.where(z < 0, _part(layer, -1), _part(layer, 1))
        return [(1.0, z + gamma * agreeing)]

    return rule


def alpha_beta_rule(alpha: float = 2.0, beta: float = 1.0) -> Rule:
    """R_j = Σ_k (α p_jk⁺ / Σ_j p_jk⁺ - β p_jk⁻ / Σ_j p_jk⁻) R_k, α - β = 1: both signs
    by themselves.
    """
    alpha, beta = (
        check_float("alpha", alpha, minimum=0.0),
        check_float("beta", beta, minimum=0.0),
    )
    if abs(alpha - beta - 1) > 1e-9:
        raise ValueError(
            f"alpha, beta: got {alpha:g} and {beta:g}, expected alpha - beta = 1, or "
            f"relevance is made"
        )

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        negative = [(-beta, _part(layer, -1))] if beta else []
        return [(alpha, _part(layer, 1)), *negative]

    return rule


def z_plus_rule() -> Rule:
    """R_j = Σ_k p_jk⁺ / Σ_j p_jk⁺ R_k: the αβ rule with α = 1, β = 0."""
    return alpha_beta_rule(1.0, 0.0)


def flat_rule() -> Rule:
    """R_j = Σ_k 1 / n_k R_k: to each of the n_k inputs alike. For a layer that reads
    the model's inputs.
    """

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        ones = _filled(layer.low, 1.0, layer)
        return [(1.0, layer.apply(ones, torch.ones_like(layer.weight), None))]

    return rule


def z_box_rule(low: float, high: float) -> Rule:
    """R_j = Σ_k (x_j w_jk - l w_jk⁺ - h w_jk⁻) / Σ_j (...) R_k, for inputs between l
    and h, such as pixels.
    """
    low, high = check_float("low", low), check_float("high", high)
    if low >= high:
        raise ValueError(f"low, high: got {low:g} and {high:g}, expected low < high")

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        bottom, top = _filled(layer.low, low, layer), _filled(layer.high, high, layer)
        if layer.x.min() < low or layer.x.max() > high:
            raise ValueError(
                f"inputs: got values outside of the box from {low:g} to {high:g}"
            )
        up, down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
        # no term is negative: near a corner of the box the sum is small, not cancelled
        above = layer.apply(layer.x - bottom, up, None)
        return [(1.0, above + layer.apply(layer.x - top, down, None))]

    return rule


def layerwise_relevance(
    model: nn.Module,
    inputs: Inputs,
    *,
    target: Any = None,
    rule: Rule | None = None,
    rules: Mapping[nn.Module, Rule] | None = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Propagate the relevance of an output, layer by layer, back to the inputs (LRP).

    Linear and convolutional layers follow their rule; a batch normalisation right after
    one is folded into it, and stands for a layer of its own elsewhere. ReLUs, pooling,
    sums and changes of shape may be modules or functions, and used often. The relevance
    of a hidden layer is that of the inputs of the rest of the model.

    Parameters
    ----------
    model : nn.Module
        Maps (n, ...) to (n,) or (n, outputs), best logits. Explained in evaluation
        mode; its mode, hooks and gradients are afterwards as they were.
    inputs : Tensor or array, shape (n, ...)
        Rows to explain, of floating point.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    rule : Rule or None
        Of every layer: `epsilon_rule` (the default), `gamma_rule`, `alpha_beta_rule`,
        `z_plus_rule`, `flat_rule`, `z_box_rule`.
    rules : mapping of modules to Rules, or None
        Of single layers, where they differ: ``{model[0]: z_box_rule(0, 1)}``.
    internal_batch_size : int or None
        Most rows given to the model at once; ``None`` takes as many as hold 2**18
        numbers.
    progress : callable or None
        Wraps the loop over batches, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    Attribution
        `values`, and `delta` = sum of the values - f(x). It is what the biases, as
        terms of z_k, and ε took, and zero without them, for the ε, γ and z_plus rules
        (z_plus: where a unit that is on has a positive product). The flat and box rules
        give the biases' share to the inputs too. The αβ rule conserves only at units
        with products of both signs: without negative ones it hands down α R_k, without
        positive ones -β R_k.

    Raises
    ------
    TypeError
        If the model is no module, or the inputs are not floating-point tensors.
    ValueError
        If the model computes something that relevance has no rule for (a sigmoid,
        attention, a linear layer that is no module), a rule for inputs is given to
        another layer, or an argument does not fit.

    References
    ----------
    Bach, Binder, Montavon, Klauschen, Müller, Samek: On pixel-wise explanations for
    non-linear classifier decisions by layer-wise relevance propagation. PLoS ONE 10,
    e0130140 (2015).

    Montavon, Binder, Lapuschkin, Samek, Müller: Layer-wise relevance propagation: an
    overview. In: Explainable AI, Springer 2019.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> model.weight.data = torch.tensor([[1.0, -1.0]])
    >>> model.bias.data = torch.tensor([-1.0])
    >>> layerwise_relevance(model, torch.ones(1, 2), rule=alpha_beta_rule(2, 1)).values
    tensor([[-2.0000,  0.5000]])
    """
    check_type("model", model, nn.Module)
    default = epsilon_rule() if rule is None else rule
    single = {} if rules is None else rules
    check_function("rule", default)
    check_type("rules", single, Mapping)
    for module in single:
        if not isinstance(module, _LINEAR) or all(
            module is not other for other in model.modules()
        ):
            raise ValueError(
                f"rules: got {type(module).__name__}, expected a linear layer of the "
                f"model"
            )
    f = explained(
        model, inputs, target=target, internal_batch_size=internal_batch_size,
        gradient=True,
    )  # fmt: skip
    with explaining(model), torch.enable_grad():
        values, outputs = torch.zeros_like(f.rows), []
        for some, _ in f.blocks(progress=progress):
            x = f.rows[some].clone().requires_grad_()
            # A rule that does not go by products lets relevance flow to these: for
            # each, value times gradient.
            leaves = [
                x,
                torch.zeros_like(x, requires_grad=True),
                torch.zeros_like(x, requires_grad=True),
            ]
            with _ruled(
                model, leaves, lambda module: single.get(module, default)
            ) as layers:
                output = f.at(some, x)
            _check_graph(output, layers)
            gradients = torch.autograd.grad(
                output.sum(), leaves, materialize_grads=True
            )
            for leaf, gradient in zip(leaves, gradients, strict=True):
                values[some] += (leaf * gradient).detach()
            outputs.append(output.detach())
    check_finite("model: relevance", values)
    return f.attribution([values], torch.cat(outputs))


_LINEAR = (nn.Linear, _ConvNd, _BatchNorm)


def _part(layer: Layer, sign: int) -> Tensor:
    """Sum of the products of one sign. A product is positive also where both factors
    are negative.
    """
    positive, negative = layer.x.clamp(min=0), layer.x.clamp(max=0)
    up, down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
    if sign < 0:
        up, down = down, up
    bias = layer.bias.clamp(min=0) if sign > 0 else layer.bias.clamp(max=0)
    return layer.apply(positive, up, bias) + layer.apply(negative, down, None)


def _filled(leaf: Tensor | None, value: float, layer: Layer) -> Tensor:
    """Give a leaf a value, in the type of the layer's input."""
    if leaf is None:
        raise ValueError(
            "rules: got a flat or box rule for a layer that does not read the model's "
            "inputs"
        )
    with torch.no_grad():
        leaf.fill_(value)
    return leaf.to(layer.x)


def _follow(rule: Rule, layer: Layer, z: Tensor) -> Tensor:
    """Return z, with the gradient of the rule."""
    shared = torch.zeros_like(z)
    for share, total in rule(layer):
        value = total.detach()
        shared = (
            shared
            + torch.where(
                value == 0, 0.0, share * z / torch.where(value == 0, 1.0, value)
            )
            * total
        )
    return shared + (z - shared).detach()


@contextmanager
def _ruled(
    model: nn.Module, leaves: list[Tensor], rule_of: Callable[[nn.Module], Rule]
) -> Iterator[dict[Any, Tensor]]:
    """Give each linear layer its rule; yield, from nodes of the graph, the inputs of
    their layers.
    """
    # What a tensor was when it was met. An operation in place makes another value of
    # the same object, and counts up its version.
    entered: list[tuple[Tensor, int]] = []
    # by the id of a layer's output, which it keeps alive
    before: dict[int, tuple[nn.Module, Layer, Tensor, int]] = {}
    layers: dict[Any, Tensor] = {}

    def enter(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
        entered.append((given[0], given[0]._version))

    def as_met(x: Tensor, met: Tensor, version: int) -> bool:
        return x is met and x._version == version

    def follow(module: Any, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        [x] = given
        z, rule = output.detach().clone(), rule_of(module)
        weight, bias, apply = _linear(module, x)
        if (
            isinstance(module, _BatchNorm)
            and id(x) in before
            and as_met(x, *before[id(x)][2:])
        ):
            linear, above, *_ = before[id(x)]
            scale = weight.reshape(-1, *[1] * (above.weight.ndim - 1))
            folded = (
                above.weight * scale,
                above.bias * weight.flatten() + bias.flatten(),
            )
            layer = replace(above, weight=folded[0], bias=folded[1])
            rule = rule_of(linear)
        else:
            low, high = leaves[1:] if as_met(x, *entered[-1]) else (None, None)
            layer = Layer(x, weight, bias, apply, low, high)
        result = _follow(rule, layer, z)
        layers[result.grad_fn] = layer.x
        if not isinstance(module, _BatchNorm):
            before[id(result)] = (module, layer, result, result._version)
        return result

    watched = [
        m
        for m in model.modules()
        if isinstance(m, _LINEAR) and not isinstance(m, _ConvTransposeNd)
    ]
    handles = [module.register_forward_hook(follow) for module in watched]
    handles.append(model.register_forward_pre_hook(enter))
    try:
        yield layers
    finally:
        for handle in handles:
            handle.remove()


def _linear(module: Any, x: Tensor) -> tuple[Tensor, Tensor, Apply]:
    """Weight and bias of a layer, and what it does with them to its input."""
    if not isinstance(module, nn.Linear | _ConvNd):
        if module.running_mean is None:
            raise ValueError(
                "model: got a batch normalisation without running statistics, expected "
                "one that keeps them"
            )
        along = (1, -1, *[1] * (x.ndim - 2))
        scale = (module.running_var + module.eps).rsqrt()
        scale = scale if module.weight is None else scale * module.weight.detach()
        shift = -module.running_mean * scale
        shift = shift if module.bias is None else shift + module.bias.detach()
        return scale.reshape(along), shift.reshape(along), _times
    weight, bias = module.weight.detach(), module.bias
    bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
    apply = module._conv_forward if isinstance(module, _ConvNd) else linear
    return weight, bias, apply


def _times(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x * weight if bias is None else x * weight + bias


# Operations whose output is a sum of their inputs times what autograd says; with
# "Backward" behind, names of its nodes.
_HOMOGENEOUS = {
    *["AccumulateGrad", "Add", "Sub", "Neg", "Mean", "Sum", "Relu", "LeakyRelu"],
    *["Max", "Gather", "Slice", "Select", "Index", "Cat", "Stack", "ConstantPadNd"],
    *["View", "ReshapeAlias", "UnsafeView", "Unsqueeze", "Squeeze", "Permute"],
    *["Transpose", "Expand", "Clone", "Alias", "ToCopy", "AsStrided"],
    *["AvgPool1D", "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool2D", "AdaptiveAvgPool3D"],
    *["MaxPool2DWithIndices", "MaxPool3DWithIndices"],
}


def _check_graph(output: Tensor, layers: dict[Any, Tensor]) -> None:
    """Require that between layers there is only what passes relevance on as autograd
    passes gradients.
    """
    for node in graph(output, {node: x.grad_fn for node, x in layers.items()}):
        name = node.name().split("Backward")[0].removeprefix("torch::autograd::")
        parents = [parent is not None for parent, _ in node.next_functions]
        by_a_constant = (name == "Mul" and sum(parents) == 1) or (
            name == "Div" and parents[1:] == [False]
        )
        if name not in _HOMOGENEOUS and not by_a_constant:
            raise ValueError(
                f"model: got the operation {name}, which relevance has no rule for "
                f"(linear layers have to be modules)"
            )
