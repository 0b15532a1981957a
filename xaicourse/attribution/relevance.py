"""Layer-wise relevance propagation: what a model said is handed back, layer after
layer, down to the inputs.

A layer that computed z_k = Σ_j x_j w_jk + b_k shares the relevance R_k of each output
among its inputs, in proportion to what each contributed. What counts as a contribution
is the layer's rule; the plain one is the product x_j w_jk. With c_k = R_k / z_k,
sharing out is one backward pass, R_j = x_j Σ_k w_jk c_k. So here autograd does the
sharing: every layer is given, for the time of the call, an output with the same value
and the rule in its gradient. Between the layers c is what autograd passes on: unchanged
through a sum (a residual block's too), through a ReLU where it is on, through a maximum
to its winner. Through any other activation a = g(z) it becomes c a / z, so that the
relevance of z is that of a.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.overrides import TorchFunctionMode

from xaicourse.attribution.explained import (
    HALF,
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
    x, z : Tensor
        Input and output of the layer, in autograd's graph.
    weight, bias : Tensor
        Of the layer, with a batch normalisation that follows folded in.
    apply : callable
        ``apply(x, weight, bias)`` is the layer's output; ``bias`` may be ``None``.
    leaf : callable or None
        Only where `x` is the model's input: ``leaf(value)`` makes a tensor of its
        shape that a rule may let relevance flow to instead.
    """

    x: Tensor
    z: Tensor
    weight: Tensor
    bias: Tensor
    apply: Apply
    leaf: Callable[[float], Tensor] | None


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
        z = layer.z.detach()
        return [(1.0, layer.z + torch.full_like(z, epsilon).copysign_(z))]

    return rule


def gamma_rule(gamma: float = 0.25) -> Rule:
    """R_j = Σ_k (p_jk + γ p_jkˢ) / Σ_j (...) R_k, p_jk = x_j w_jk, s the sign of z_k:
    products that agree with their sum count more, so that no denominator vanishes.
    """
    gamma = check_float("gamma", gamma, minimum=0.0)

    def rule(layer: Layer) -> list[tuple[float, Tensor]]:
        agreeing = torch.where(layer.z < 0, _part(layer, -1), _part(layer, 1))
        return [(1.0, layer.z + gamma * agreeing)]

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
        ones = _leaf(layer, 1.0)
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
        bottom, top = _leaf(layer, low), _leaf(layer, high)
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
    rules: Mapping[nn.Module | type[nn.Module], Rule] | None = None,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Propagate the relevance of an output, layer by layer, back to the inputs (LRP).

    Linear and convolutional layers follow their rule; a batch normalisation right after
    one is folded into it, and stands for a layer of its own elsewhere. Activations
    (ReLU, ReLU6, tanh, sigmoid, SiLU, hard swish, GELU, ELU), pooling, sums and changes
    of shape may be modules or functions, and used often. The relevance of a hidden
    layer is that of the inputs of the rest of the model.

    Parameters
    ----------
    model : nn.Module
        Maps (n, ...) to (n,) or (n, outputs), best logits. Explained in evaluation
        mode; its mode, hooks and gradients are afterwards as they were. One in half
        precision is explained by a copy in single precision, since rounding in half
        precision is larger than many a sum that relevance is divided by.
    inputs : Tensor or array, shape (n, ...)
        Rows to explain, of floating point.
    target : int, integers of shape (n,) or None
        The output to explain, for all rows or row by row; ``None`` if there is only
        one.
    rule : Rule or None
        Of every layer: `epsilon_rule` (the default), `gamma_rule`, `alpha_beta_rule`,
        `z_plus_rule`, `flat_rule`, `z_box_rule`.
    rules : mapping of modules or types to Rules, or None
        Of single layers, and of kinds of layers, where they differ:
        ``{model[0]: z_box_rule(0, 1), nn.Conv2d: gamma_rule()}``. A layer's own rule
        comes first, then that of its type, then that of the next parent class.
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
        positive ones -β R_k. An activation hands all its relevance to the sum
        it reads, whatever its slope; only what it says of a sum of exactly 0 (a
        sigmoid's half) is lost.

    Raises
    ------
    TypeError
        If the model is no module, or the inputs are not floating-point tensors.
    ValueError
        If the model computes something that relevance has no rule for (a softmax,
        attention, a linear layer that is no module, a layer whose own forward does more
        than sum products), a rule for inputs is given to another layer, or an argument
        does not fit.

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
    check_type("rules", single, Mapping)
    present = set(model.modules())
    for key, value in (*single.items(), (None, default)):
        kind = key if isinstance(key, type) else type(key)
        if key is not None and not (
            issubclass(kind, _LINEAR) and (key is kind or key in present)
        ):
            raise ValueError(
                f"rules: got {kind.__name__}, expected a linear layer of the model, or "
                f"a type of linear layers"
            )
        check_function("rule", value)

    def rule_of(module: nn.Module) -> Rule:
        keys: tuple[Any, ...] = (module, *type(module).__mro__)
        return next((single[key] for key in keys if key in single), default)

    if any(p.dtype in HALF for p in model.parameters()):
        given, model = model.modules(), deepcopy(model).float()
        copies: dict[Any, Any] = dict(zip(given, model.modules(), strict=True))
        single = {copies.get(key, key): value for key, value in single.items()}
    f = explained(
        model, inputs, target=target, internal_batch_size=internal_batch_size,
        gradient=True,
    )  # fmt: skip
    x = f.rows
    with explaining(model), torch.enable_grad():
        values, outputs = torch.zeros_like(x), []
        for some, _ in f.blocks(progress=progress):
            leaves = [x[some].clone().requires_grad_()]
            with _ruled(model, leaves, rule_of) as layers:
                output = f.at(some, leaves[0])
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
    up, down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
    if sign < 0:
        up, down = down, up
    bias = layer.bias.clamp(min=0) if sign > 0 else layer.bias.clamp(max=0)
    if layer.x.min() >= 0:
        return layer.apply(layer.x, up, bias)
    positive, negative = layer.x.clamp(min=0), layer.x.clamp(max=0)
    return layer.apply(positive, up, bias) + layer.apply(negative, down, None)


def _leaf(layer: Layer, value: float) -> Tensor:
    if layer.leaf is None:
        raise ValueError(
            "rules: got a flat or box rule for a layer that does not read the model's "
            "inputs"
        )
    return layer.leaf(value)


def _over(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide, to 0 where there is nothing to divide by."""
    return (numerator / denominator).masked_fill_(denominator == 0, 0.0)


class _Followed(torch.autograd.Function):
    """The output z of a layer, with the gradient of its rule: z times each share over
    what it is divided by.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, shares: list[float], *totals: Tensor) -> Tensor:
        pairs = zip(shares, totals, strict=True)
        ctx.save_for_backward(*[_over(s * z if s != 1 else z, t) for s, t in pairs])
        return z.clone()

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> Any:
        return None, None, *[gradient[0] * ratio for ratio in ctx.saved_tensors]


class _Passed(torch.autograd.Function):
    """The output a = g(z) of an activation, with the gradient a / z."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, activated: Callable[[], Tensor]) -> Tensor:
        a = activated()  # no argument itself, which would have to be copied
        ctx.save_for_backward(_over(a, z))
        return a

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> Any:
        return gradient[0] * ctx.saved_tensors[0], None


_ACTIVATIONS = {
    *["tanh", "sigmoid", "relu6", "hardtanh", "clamp", "elu", "silu", "hardswish"],
    "gelu",
}


class _Activations(TorchFunctionMode):
    """Lets activations pass relevance on, be they modules, functions or methods."""

    def __torch_function__(
        self, func: Any, _types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").rstrip("_") not in _ACTIVATIONS:
            return func(*args, **kwargs)
        # one input, and numbers beside it
        z, *rest = args or (None,)
        tensors = any(isinstance(a, Tensor) for a in (*rest, *kwargs.values()))
        if z is None or tensors or not z.requires_grad:
            return func(*args, **kwargs)
        copied = z.detach().clone()
        a = func(copied, *rest, **kwargs)
        passed = _Passed.apply(z, lambda: a)  # type: ignore[no-untyped-call]
        return z.copy_(passed) if a is copied else passed


@contextmanager
def _ruled(
    model: nn.Module, leaves: list[Tensor], rule_of: Callable[[nn.Module], Rule]
) -> Iterator[dict[Any, Tensor]]:
    """Give each linear layer its rule; yield, from nodes of the graph, the inputs of
    their layers. What rules let relevance flow to besides the inputs joins `leaves`.
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

    def leaf(value: float) -> Tensor:
        leaves.append(torch.full_like(leaves[0], value, requires_grad=True))
        return leaves[-1].to(entered[-1][0])

    def follow(module: Any, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():  # which is for the model, not for rules
            return ruled(module, given, output)

    def ruled(module: Any, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        [x] = given
        rule = rule_of(module)
        weight, bias, apply = _linear(module, x, output)
        if (
            isinstance(module, _BatchNorm)
            and id(x) in before
            and as_met(x, *before[id(x)][2:])
        ):
            linear, above, *_ = before[id(x)]
            rule = rule_of(linear)
            layer = replace(
                above,
                z=apply(above.z, weight, bias),
                weight=above.weight
                * weight.reshape(-1, *[1] * (above.weight.ndim - 1)),
                bias=above.bias * weight.flatten() + bias.flatten(),
            )
        else:
            reads_inputs = as_met(x, *entered[-1])
            layer = Layer(
                x, output, weight, bias, apply, leaf if reads_inputs else None
            )
        shares, totals = zip(*rule(layer), strict=True)
        result = _Followed.apply(  # type: ignore[no-untyped-call]
            output.detach(), shares, *totals
        )
        layers[result.grad_fn] = layer.x
        if not isinstance(module, _BatchNorm):
            before[id(result)] = (module, layer, result, result._version)
        return result  # type: ignore[no-any-return]

    watched = [
        m
        for m in model.modules()
        if isinstance(m, _LINEAR) and not isinstance(m, _ConvTransposeNd)
    ]
    handles = [module.register_forward_hook(follow) for module in watched]
    handles.append(model.register_forward_pre_hook(enter))
    try:
        with _Activations():
            yield layers
    finally:
        for handle in handles:
            handle.remove()


def _linear(module: Any, x: Tensor, output: Tensor) -> tuple[Tensor, Tensor, Apply]:
    """Weight and bias of a layer, and what it does with them to its input."""
    apply: Apply = _times
    methods = [module.forward]
    if isinstance(module, nn.Linear | _ConvNd):
        weight, bias = module.weight.detach(), module.bias
        bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
        apply = linear
        if isinstance(module, _ConvNd):
            apply = module._conv_forward
            methods.append(apply)
    else:
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
        weight, bias = scale.reshape(along), shift.reshape(along)
    if all(method.__module__.startswith("torch.nn.") for method in methods):
        return weight, bias, apply
    if apply is not _times:
        apply = _as_its_own(module)
    with torch.no_grad():
        layer = Layer(x, output, weight, bias, apply, None)
        positive, negative = _part(layer, 1), _part(layer, -1)
        rounding = torch.finfo(x.dtype).eps ** 0.5 * (positive - negative).max()
        if (positive + negative - output).abs().max() > rounding:
            raise ValueError(
                f"model: got {type(module).__name__}, whose forward is its own and no "
                f"sum of inputs times weights, so that relevance has no rule for it"
            )
    return weight, bias, apply


def _as_its_own(module: Any) -> Apply:
    """What a layer whose forward is its own does with an input, weight and bias."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        other = copy(module)
        zeros = None if module.bias is None else torch.zeros_like(module.bias)
        other._parameters = {**module._parameters, "weight": weight, "bias": zeros}
        output: Tensor = other.forward(x)
        if bias is None:
            return output
        places = output.ndim - 2 if isinstance(module, _ConvNd) else 0
        return output + bias.reshape(-1, *[1] * places)

    return apply


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
    *["MaxPool2DWithIndices", "MaxPool3DWithIndices", "Copy", "_Passed"],
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
