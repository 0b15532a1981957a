"""Relevance propagation: published values, conservation, sums over products by hand,
Captum, and untouched models.
"""

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from xaicourse.attribution import (
    alpha_beta_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
    input_x_gradient,
    layerwise_relevance,
    z_box_rule,
    z_plus_rule,
)
from xaicourse.networks import small_resnet

few = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
F64 = torch.float64


def close(a, b, atol=1e-4):
    torch.testing.assert_close(a, b, atol=atol, rtol=0.0)


def row(*numbers):
    return torch.tensor([numbers], dtype=F64)


def linear(weight, bias=None):
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight, dtype=F64))
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias))
    return layer


def m5(corner=2.0):
    first = [[2.0] * 3 for _ in range(3)]
    first[0][0] = corner
    return nn.Sequential(linear(first), nn.ReLU(), linear([[3.0, 3.0, 3.0]]))


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


# --- published values -----------------------------------------------------------------


def test_epsilon_on_m5():
    close(layerwise_relevance(m5(), row(1, 2, 3)).values, row(18, 36, 54))


def test_gamma_layer_by_layer_on_m5():
    net = m5(-2.0)
    rules = {net[0]: gamma_rule(1.0), net[2]: gamma_rule(0.25)}
    close(
        layerwise_relevance(net, row(1, 2, 3), rules=rules).values,
        row(28 / 3, 104 / 3, 52),
    )


def test_alpha_1_beta_0_on_m5():
    for rule in (alpha_beta_rule(1, 0), z_plus_rule()):
        close(
            layerwise_relevance(m5(-2.0), row(1, 2, 3), rule=rule).values,
            row(12, 33.6, 50.4),
        )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(alpha_beta_rule(1, 0), (-1, 0)), (alpha_beta_rule(2, 1), (-2, 0.5))],
)
def test_equation_60_of_bach_et_al(rule, expected):
    close(
        layerwise_relevance(linear([[1.0, -1.0]], [-1.0]), row(1, 1), rule=rule).values,
        row(*expected),
    )


# --- rules, by hand -------------------------------------------------------------------


def of_one_layer(rule, weight, x, bias=None):
    result = layerwise_relevance(linear([weight], bias), row(*x), rule=rule)
    return result.values[0].tolist()


@pytest.mark.parametrize(
    ("rule", "weight", "x", "expected"),
    [
        # z = 3, 1/2 and -3, each one further from 0
        (epsilon_rule(1.0), [1.0, 1.0], (1, 2), (0.75, 1.5)),
        (epsilon_rule(1.0), [1.0, 1.0], (0.25, 0.25), (1 / 12, 1 / 12)),
        (epsilon_rule(1.0), [-1.0, -1.0], (1, 2), (-0.75, -1.5)),
        (epsilon_rule(0.0), [1.0, 1.0], (0.25, 0.75), (0.25, 0.75)),
        (epsilon_rule(), [1.0], (1,), (1 / (1 + 1e-6),)),
        # products 2 and -1, weighted 2.5 and -1
        (gamma_rule(), [1.0, -1.0], (2, 1), (5 / 3, -2 / 3)),
        (gamma_rule(1.0), [1.0, -1.0], (2, 1), (4 / 3, -1 / 3)),
        (alpha_beta_rule(), [1.0, -1.0], (2, 1), (2, -1)),
        (alpha_beta_rule(3.0, 2.0), [2.0, -1.0], (2, 1), (9, -6)),
        # no product is positive: nothing to share among
        (z_plus_rule(), [-1.0, -1.0], (1, 2), (0, 0)),
        (flat_rule(), [3.0, -1.0], (1, 1), (1, 1)),
        # both ends of the box: 1 - 0 and 0 - (-1)
        (z_box_rule(0.0, 1.0), [1.0, -1.0], (1, 0), (0.5, 0.5)),
        # 2 + 1 and -1/2 + 4, of z = 3/2
        (z_box_rule(-0.5, 2.0), [2.0, -2.0], (1, 0.25), (9 / 13, 21 / 26)),
    ],
)
def test_a_rule_on_one_layer_by_hand(rule, weight, x, expected):
    assert of_one_layer(rule, weight, x) == pytest.approx(expected, abs=1e-12)


def test_the_bias_takes_its_share():
    # products 2 and -1, weighted 2.5 and -1, and a bias of 1, weighted 1.25, of z = 2
    values = of_one_layer(gamma_rule(), [1.0, -1.0], (2, 1), [1.0])
    assert values == pytest.approx((20 / 11, -8 / 11), abs=1e-12)


def test_what_no_rule_could_share_is_lost_and_said_so():
    result = layerwise_relevance(linear([[-1.0]]), row(2), rule=z_plus_rule())
    assert result.delta.tolist() == [2.0]


def batch_norm(make=nn.BatchNorm1d, *, affine=True):
    """x becomes 2 x - 1: (x - 1) / 2, times 4, plus 1; or (x - 1/2) / (1/2)."""
    layer = make(1, eps=3.0 if affine else 0.125, affine=affine).double().eval()
    layer.running_mean.fill_(1.0 if affine else 0.5)
    layer.running_var.fill_(1.0 if affine else 0.125)
    if affine:
        layer.weight.data.fill_(4.0)
        layer.bias.data.fill_(1.0)
    return layer


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # 2 x = 6, of z = 5
        (epsilon_rule(0.0), 6.0),
        (epsilon_rule(1.0), 5.0),
        (gamma_rule(1.0), 60 / 11),
        (flat_rule(), 5.0),
        (z_box_rule(0.0, 4.0), 5.0),
    ],
)
def test_batch_normalisation_by_hand(rule, expected, affine):
    net = batch_norm(affine=affine)
    result = layerwise_relevance(net, row(3), rule=rule)
    close(result.values, row(expected), atol=1e-12)
    close(result.delta, row(expected - 5)[0], atol=1e-12)


def test_batch_normalisation_behind_a_linear_layer_follows_its_rule():
    # z = 2 x1 - x2 = 3 and then 2 z - 1: products 8 and -2 and a bias of -1, of 5
    first = linear([[2.0, -1.0]])
    net = nn.Sequential(first, batch_norm())
    values = layerwise_relevance(net, row(2, 1), rules={first: gamma_rule(1.0)}).values
    close(values, row(16, -2) * 5 / 13, atol=1e-12)


def test_batch_normalisation_of_pictures_that_stands_alone():
    # channels become 2 x - 1 and 6 x - 1
    norm = nn.BatchNorm2d(2, eps=1 / 72, affine=False).double()
    norm.running_mean.copy_(torch.tensor([1 / 2, 1 / 6], dtype=F64))
    norm.running_var.copy_(torch.tensor([1 / 4, 1 / 36], dtype=F64) - 1 / 72)
    net = nn.Sequential(nn.ReLU(), norm, nn.Flatten(), linear([[1.0] * 4]))
    x = torch.tensor([[[[3.0, -1.0]], [[2.0, 1.0]]]], dtype=F64)
    result = layerwise_relevance(net, x, rule=epsilon_rule(0.0))
    close(result.values, torch.tensor([[[[6.0, 0.0]], [[12.0, 6.0]]]]).to(x))
    close(result.delta, row(4)[0])


# --- rules, by their formulas ---------------------------------------------------------

RULES = {
    "epsilon": epsilon_rule(),
    "gamma": gamma_rule(0.5),
    "alpha_beta": alpha_beta_rule(2, 1),
    "z_plus": z_plus_rule(),
    "flat": flat_rule(),
    "z_box": z_box_rule(-4, 5),
}


def share(name, x, w, b, relevance):
    """The rule as a table of products, one row for each input and one column for each
    output.
    """
    p, bias = x[:, None] * w.T, b
    up, down = p.clamp(min=0), p.clamp(max=0)
    if name == "gamma":
        below = p.sum(0) + bias < 0
        p = p + 0.5 * torch.where(below, down, up)
        bias = bias + 0.5 * torch.where(below, bias.clamp(max=0), bias.clamp(min=0))
    if name == "z_plus":
        p, bias = up, bias.clamp(min=0)
    if name == "flat":
        p, bias = torch.ones_like(p), 0
    if name == "z_box":
        p, bias = p + 4 * w.T.clamp(min=0) - 5 * w.T.clamp(max=0), 0
    if name == "alpha_beta":
        positive, negative = up.sum(0) + b.clamp(min=0), down.sum(0) + b.clamp(max=0)
        return (2 * up / positive - down / negative) @ relevance
    return (p / (p.sum(0) + bias)) @ relevance


def check_by_hand(name, seed, relevance_of):
    """A layer that reads inputs of both signs, and one that reads what comes out of a
    ReLU.
    """
    net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(normal(seed + i, *p.shape))
    x = normal(seed + 9, 1, 5)
    hidden = net[:2](x)[0].detach()
    above = share(
        "epsilon",
        hidden,
        net[2].weight.detach(),
        net[2].bias.detach(),
        net(x)[0].detach(),
    )
    expected = share(name, x[0], net[0].weight.detach(), net[0].bias.detach(), above)
    torch.testing.assert_close(relevance_of(net, x)[0], expected, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", [0, 20, 40])
def test_each_rule_on_inputs_of_both_signs(name, seed):
    check_by_hand(
        name,
        seed,
        lambda net, x: layerwise_relevance(net, x, rules={net[0]: RULES[name]}).values,
    )


@pytest.mark.parametrize("name", ["gamma", "z_plus", "alpha_beta"])
def test_the_mutant_that_splits_weights_and_not_products_is_rejected(name, monkeypatch):
    import xaicourse.attribution.relevance as module

    def of_weights(layer, sign):
        keep = {"min": 0} if sign > 0 else {"max": 0}
        return layer.apply(
            layer.x, layer.weight.clamp(**keep), layer.bias.clamp(**keep)
        )

    monkeypatch.setattr(module, "_part", of_weights)
    with pytest.raises(AssertionError):
        check_by_hand(
            name,
            0,
            lambda net, x: (
                layerwise_relevance(net, x, rules={net[0]: RULES[name]}).values
            ),
        )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (epsilon_rule(0.0), (3, -4)),
        (epsilon_rule(1.0), (1.5, -2)),
        (gamma_rule(0.25), (1.5, -2.5)),
        (gamma_rule(1 / 3), (9 / 7, -16 / 7)),
        (gamma_rule(1e6), (0, -1)),
        (alpha_beta_rule(2, 1), (-2, 1)),
        (z_plus_rule(), (-1, 0)),
        (flat_rule(), (-0.5, -0.5)),
        (z_box_rule(0, 5), (-0.75, -0.25)),
    ],
)
def test_each_rule_where_the_output_is_negative(rule, expected):
    result = layerwise_relevance(linear([[1.0, -1.0]]), row(3, 4), rule=rule)
    close(result.values, row(*expected), atol=1e-5)


def test_gamma_at_a_negative_pre_activation_that_is_passed_on():
    # The hidden units are 3 - 8 = -5 and 9 - 2 = 7, and so are their relevances.
    net = nn.Sequential(linear([[1.0, -1.0], [3.0, -0.25]]), linear([[1.0, 1.0]]))
    result = layerwise_relevance(
        net, row(3, 8), rule=epsilon_rule(0.0), rules={net[0]: gamma_rule(1.0)}
    )
    by_hand = row(-5 * 3 / -13 + 7 * 18 / 16, -5 * -16 / -13 + 7 * -2 / 16)
    close(result.values, by_hand, atol=1e-9)


@pytest.mark.parametrize("gamma", [0.01, 1 / 3, 100.0])
def test_no_denominator_of_gamma_vanishes(gamma):
    layer, x = linear(normal(1, 1, 4).tolist()), normal(0, 500, 4)
    result = layerwise_relevance(layer, x, rule=gamma_rule(gamma))
    products = (x * layer.weight.detach()).abs().sum(1)
    assert (result.values.abs().sum(1) <= (1 + 1e-9) * products).all()
    close(result.delta, torch.zeros(500, dtype=F64), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_box_rule_in_a_corner_of_the_box(seed):
    # The first unit's terms are all zero, though rounding says otherwise; the second's
    # are as wide as the box.
    weight = torch.randn(5, generator=torch.Generator().manual_seed(seed))
    net = nn.Sequential(nn.Linear(5, 2, bias=False), nn.Linear(2, 1, bias=False))
    net[0].weight.data = torch.stack([weight, -0.5 * weight])
    net[1].weight.data = torch.ones(1, 2)
    x = torch.where(weight > 0, -0.1, 0.7)[None]
    result = layerwise_relevance(net, x, rules={net[0]: z_box_rule(-0.1, 0.7)})
    expected = weight.abs() / weight.abs().sum() * net[0](x)[0, 1].detach()
    close(result.values[0], expected, atol=1e-4)


# --- conservation ---------------------------------------------------------------------


def without_biases(n_out=3):
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(5, n_out, bias=False),
    ).double()


@pytest.mark.parametrize("name", RULES)
def test_relevance_is_conserved(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = without_biases()
    x = normal(1, 3, 2, 10, 10).clamp(-4, 5)
    for target in (1, torch.tensor([0, 1, 2])):
        rules = {net[0]: RULES[name]}
        result = layerwise_relevance(
            net, x, target=target, rule=epsilon_rule(1e-9), rules=rules
        )
        close(result.delta, torch.zeros(3, dtype=F64), atol=1e-7)
        assert result.values.shape == x.shape


def test_alpha_beta_conserves_only_what_has_products_of_both_signs():
    # Each of the two layers hands down α times its relevance.
    ones = nn.Sequential(linear([[1.0, 1.0], [1.0, 1.0]]), linear([[1.0, 1.0]]))
    result = layerwise_relevance(ones, row(1, 1), rule=alpha_beta_rule(2, 1))
    close(result.values, row(8, 8))
    close(result.delta, torch.tensor([12.0], dtype=F64))
    both = linear([[3.0, -1.0]])
    result = layerwise_relevance(both, row(1, 1), rule=alpha_beta_rule(2, 1))
    close(result.values, row(4, -2))
    negative = layerwise_relevance(linear([[-1.0]]), row(1), rule=z_plus_rule())
    close(negative.values, row(0))


@few
@given(seeds)
def test_without_biases_plain_relevance_is_input_times_gradient(seed):
    net = nn.Sequential(
        nn.Linear(4, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False)
    ).double()
    x = normal(seed, 3, 4)
    plain = layerwise_relevance(net, x, target=1, rule=epsilon_rule(0.0)).values
    close(plain, input_x_gradient(net, x, target=1), atol=1e-10)


def fold(net, x, target, rule):
    """The network whose batch normalisations are gone into the layers before them."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    first = fuse_conv_bn_eval(net.eval()[0], net[1])
    return layerwise_relevance(
        nn.Sequential(first, *net[2:]), x, target=target, rule=rule
    ).values


@pytest.mark.parametrize(
    "rule", [epsilon_rule(0.1), gamma_rule(), alpha_beta_rule(2, 1), z_plus_rule()]
)
def test_batch_normalisation_is_folded(rule):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(2, 3, 3),
            nn.BatchNorm2d(3),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(48, 2),
        ).double()
        for _ in range(3):
            net(1 + 2 * torch.randn(8, 2, 6, 6, dtype=F64))
        nn.init.normal_(net[1].weight)
        nn.init.normal_(net[1].bias)
    x = normal(3, 4, 2, 6, 6)
    ours = layerwise_relevance(net.train(), x, target=1, rule=rule).values
    close(ours, fold(net, x, 1, rule), atol=1e-9)
    for layer in (net[1],):
        layer.bias.data += 0.5  # the check sees a difference
    with pytest.raises(AssertionError):
        close(ours, fold(net, x, 1, rule), atol=1e-9)


def test_batch_normalisation_behind_a_relu_is_a_layer_of_its_own():
    net = nn.Sequential(
        linear([[1.0, 0.0], [0.0, 1.0]]),
        nn.ReLU(),
        nn.BatchNorm1d(2),
        linear([[1.0, 1.0]]),
    ).double()
    net[2].running_mean.copy_(torch.tensor([0.0, 1.0]))
    net[2].weight.data = torch.tensor([3.0, 2.0], dtype=F64) * (1 + net[2].eps) ** 0.5
    # The second unit, 4, becomes 2 (4 - 1) = 6: the product 8 of it, and a bias of -2
    # that takes its own share.
    result = layerwise_relevance(net, row(2, 4))
    close(result.values, row(6, 8))
    close(result.delta, torch.tensor([2.0], dtype=F64))


class InPlace(nn.Module):
    """A batch normalisation of what was a linear layer's output before `change`."""

    def __init__(self, change):
        super().__init__()
        self.first, self.change = linear([[1.0]]), change
        self.norm = nn.BatchNorm1d(1, eps=0.0).double()
        self.norm.bias.data.fill_(1.0)

    def forward(self, x):
        return self.norm(self.change(self.first(x[:, :1]), x[:, 1:]))


@pytest.mark.parametrize(
    ("in_place", "apart"),
    [
        (lambda y, x: y.add_(x), lambda y, x: y + x),
        (lambda y, _: y.relu_(), lambda y, _: y.relu()),
        (lambda y, _: nn.ReLU(inplace=True)(y), lambda y, _: y.relu()),
        (lambda y, _: y.mul_(2), lambda y, _: y * 2),
    ],
)
@pytest.mark.parametrize("rule", [epsilon_rule(0.5), gamma_rule(1.0)])
def test_no_batch_normalisation_is_folded_over_a_change_in_place(in_place, apart, rule):
    x = row(1, 3), row(-2, 5), row(3, -7)
    ours, right = (
        layerwise_relevance(InPlace(change), torch.cat(x), rule=rule).values
        for change in (in_place, apart)
    )
    close(ours, right, atol=1e-12)


def test_batch_normalisation_of_a_sum_in_place():
    net = InPlace(lambda y, x: y.add_(x))
    net.norm.bias.data.zero_()
    close(layerwise_relevance(net, row(1, 3)).values, row(1, 3))


def test_a_layer_that_reads_changed_inputs_does_not_read_the_inputs():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = linear([[1.0, 1.0]])

        def forward(self, x):
            return self.last(x.add_(x.flip(1)))

    with pytest.raises(ValueError, match="does not read the model's inputs"):
        layerwise_relevance(Shifted(), row(1, 3), rule=flat_rule())


class Functional(nn.Module):
    """The block of a residual network with functional, in-place and re-used ReLUs."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = (
            nn.Linear(4, 4, bias=False).double() for _ in range(3)
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.a(x))
        y = F.relu(self.b(y) + x)
        return self.out(self.relu(0.5 * y.clone()))


def test_residual_blocks_share_between_both_ways():
    net, x = Functional(), normal(0, 5, 4)
    result = layerwise_relevance(net, x, target=2, rule=epsilon_rule(0.0))
    close(result.values, input_x_gradient(net, x, target=2), atol=1e-10)
    close(result.delta, torch.zeros(5, dtype=F64), atol=1e-10)
    for rule in (gamma_rule(), z_plus_rule()):
        result = layerwise_relevance(
            net, x.abs(), target=2, rule=epsilon_rule(1e-12), rules={net.a: rule}
        )
        close(result.delta, torch.zeros(5, dtype=F64), atol=1e-6)


def test_small_resnet():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = small_resnet(3, width=4).double()
        for _ in range(3):
            net(torch.randn(8, 3, 32, 32, dtype=F64))
    nn.init.zeros_(net.head.bias)
    for module in net.modules():  # no shift, so that nothing is lost to it
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.zero_()
    x = normal(1, 2, 3, 32, 32)
    result = layerwise_relevance(
        net, x, target=torch.tensor([0, 2]), rule=epsilon_rule(1e-9)
    )
    close(result.delta, torch.zeros(2, dtype=F64), atol=1e-5)
    close(
        result.values, input_x_gradient(net, x, target=torch.tensor([0, 2])), atol=1e-5
    )
    plus = layerwise_relevance(
        net,
        x,
        target=0,
        rule=gamma_rule(),
        rules={net.stem[0]: z_box_rule(-6, 6), net.head: epsilon_rule(1e-9)},
    )
    assert plus.values.isfinite().all()
    assert net.training


# --- activations ----------------------------------------------------------------------


ACTIVATIONS = {
    "tanh": (nn.Tanh(), torch.tanh, Tensor.tanh_),
    "sigmoid": (nn.Sigmoid(), torch.sigmoid, Tensor.sigmoid_),
    "relu6": (nn.ReLU6(), F.relu6, lambda x: F.relu6(x, inplace=True)),
    "clamp": (nn.Hardtanh(-1, 3), lambda x: x.clamp(-1, 3), lambda x: x.clamp_(-1, 3)),
    "elu": (nn.ELU(), F.elu, nn.ELU(inplace=True)),
    "silu": (nn.SiLU(), F.silu, nn.SiLU(inplace=True)),
    "hardswish": (nn.Hardswish(), F.hardswish, nn.Hardswish(inplace=True)),
    "gelu": (nn.GELU(), F.gelu, lambda x: F.gelu(x, approximate="none")),
}


class Between(nn.Module):
    """Two layers and an activation."""

    def __init__(self, first, activation, last):
        super().__init__()
        self.first, self.activation, self.last = first, activation, last

    def forward(self, x):
        return self.last(self.activation(self.first(x)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_hands_all_its_relevance_to_its_sum(name):
    # the hidden sums are 2 - 1 = 1, -8 and 8, each shared in its own proportions
    first = linear([[2.0, -1.0], [-3.0, -5.0], [8.0, 0.0]])
    last = linear([[1.0, -2.0, 3.0]])
    for activation in ACTIVATIONS[name]:
        net = Between(first, activation, last)
        a = ACTIVATIONS[name][1](torch.tensor([1.0, -8, 8], dtype=F64))
        relevance = a * torch.tensor([1.0, -2, 3], dtype=F64)
        by_hand = torch.stack(
            [
                2 * relevance[0] + 3 / 8 * relevance[1] + relevance[2],
                -relevance[0] + 5 / 8 * relevance[1],
            ]
        )
        result = layerwise_relevance(net, row(1, 1), rule=epsilon_rule(0.0))
        close(result.values, by_hand[None], atol=1e-12)
        close(result.delta, torch.zeros(1, dtype=F64), atol=1e-12)


def test_what_a_saturated_unit_says_is_not_lost():
    # in single precision tanh(50) is 1 and its slope 0
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh())
    net[0].weight.data.fill_(50.0)
    close(layerwise_relevance(net, torch.ones(1, 1)).values, torch.ones(1, 1))


def test_a_sigmoid_of_nothing_loses_its_half_and_says_so():
    net = nn.Sequential(linear([[1.0, -1.0]]), nn.Sigmoid())
    result = layerwise_relevance(net, row(2, 2))
    close(result.values, row(0, 0))
    close(result.delta, torch.tensor([-0.5], dtype=F64))


def test_an_activation_in_place_changes_what_is_read_later():
    class Later(nn.Module):
        def __init__(self, activation):
            super().__init__()
            self.first, self.activation = linear([[1.0]]), activation

        def forward(self, x):
            z = self.first(x)
            return self.activation(z) + 2 * z

    values = [
        layerwise_relevance(Later(activation), row(9)).values
        for activation in (nn.ReLU6(inplace=True), nn.ReLU6())
    ]
    close(values[0], row(6 + 12))
    close(values[1], row(6 + 18))


def test_the_gradient_is_not_what_an_activation_hands_down():
    net = Between(linear([[3.0]]), nn.Tanh(), linear([[1.0]]))
    ours = layerwise_relevance(net, row(1), rule=epsilon_rule(0.0)).values
    with pytest.raises(AssertionError):
        close(ours, input_x_gradient(net, row(1)))


# --- layers whose forward is their own ------------------------------------------------


class Padded(nn.Conv1d):
    """A convolution that pads its input by one more place at the end."""

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1)))


class Standardised(nn.Conv1d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight / weight.norm(), bias)


class Activated(nn.Linear):
    def forward(self, x):
        return super().forward(x).relu()


class Scaled(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x).abs()


def own(layer, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    return layer.double()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", RULES)
def test_a_layer_with_padding_of_its_own_is_a_padded_one(name, bias):
    layer = own(Padded(1, 2, 2))
    plain = nn.Conv1d(1, 2, 2).double()
    plain.load_state_dict(layer.state_dict())
    if not bias:
        layer.bias = plain.bias = None
    x, head = normal(1, 2, 1, 4), linear([[1.0] * 8])
    net = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), head)
    ours = layerwise_relevance(net, x, rules={layer: RULES[name]}).values
    # The zeros belong to the layer: the flat rule gives them nothing, where a padded
    # input would take a share. So for that one the sums are written out.
    padded = nn.Sequential(nn.ConstantPad1d((0, 1), 0.0), plain, *net[1:])
    if name not in ("flat", "z_box"):
        theirs = layerwise_relevance(padded, x, rules={plain: RULES[name]}).values
        close(ours, theirs, atol=1e-12)
        return
    above = net[:2](x).detach()
    x_of = torch.stack([x[:, 0], F.pad(x[:, 0, 1:], (0, 1))], 1)
    w = layer.weight[:, 0].detach()
    there = torch.ones(4, 2, dtype=F64)
    there[3, 1] = 0
    terms = torch.ones(2, 2, 4, 2, dtype=F64)
    if name == "z_box":
        products = x_of.transpose(1, 2)[:, None] * w[None, :, None]
        terms = products + 4 * w.clamp(min=0)[None, :, None]
        terms = terms - 5 * w.clamp(max=0)[None, :, None]
    terms = terms * there
    shares = above[..., None] * terms / terms.sum(3, keepdim=True)
    expected = shares[..., 0].sum(1)
    expected[:, 1:] += shares[..., :-1, 1].sum(1)
    close(ours[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Standardised(1, 2, 2), (3, 1, 4)),
        (Activated(4, 2), (3, 4)),
        (Scaled(4), (3, 4)),
    ],
)
def test_a_layer_that_does_more_than_it_is_called_is_refused_by_name(layer, shape):
    net = nn.Sequential(own(layer), nn.Flatten())
    name = type(layer).__name__
    with pytest.raises(
        ValueError, match=f"model: got {name}, whose forward is its own"
    ):
        layerwise_relevance(net, normal(3, *shape), target=0)


def test_a_forward_replaced_on_the_object_is_seen():
    layer = nn.Linear(2, 1).double()
    layer.forward = lambda x: F.linear(x, layer.weight, layer.bias) ** 2
    with pytest.raises(ValueError, match="model: got Linear, whose forward is its own"):
        layerwise_relevance(nn.Sequential(layer), row(1, 2))


# --- rules for types, half precision --------------------------------------------------


def test_a_rule_for_a_type_of_layers():
    class Special(nn.Linear):
        pass

    net = nn.Sequential(
        nn.Conv1d(1, 2, 2), nn.ReLU(), nn.Conv1d(2, 2, 2), nn.ReLU(), nn.Flatten(),
        nn.Linear(4, 3), nn.ReLU(), Special(3, 2),
    ).double()  # fmt: skip
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(normal(i, *p.shape))
    x, (a, b, c, d) = normal(0, 3, 1, 4), (net[0], net[2], net[5], net[7])
    gamma, plus, weak = gamma_rule(1.0), z_plus_rule(), epsilon_rule(0.5)
    flat = flat_rule()

    def values(rules):
        return layerwise_relevance(net, x, target=1, rule=weak, rules=rules).values

    by_type = {nn.Conv1d: gamma, nn.Linear: plus, a: flat}
    close(values(by_type), values({a: flat, b: gamma, c: plus, d: plus}))
    by_type = {nn.modules.conv._ConvNd: gamma, nn.Linear: plus, Special: weak}
    close(values(by_type), values({a: gamma, b: gamma, c: plus}))
    # what the model has none of is no mistake: one mapping serves many models
    close(values({nn.Conv2d: gamma, nn.BatchNorm1d: plus}), values({}))
    with pytest.raises(AssertionError):
        close(values({nn.Linear: plus}), values({c: plus}))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rule", [None, gamma_rule(), z_plus_rule(), alpha_beta_rule()])
def test_half_precision_is_explained_in_single_precision(kind, rule):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = small_resnet(3, width=4).eval()
    net = net.to(kind)
    same = small_resnet(3, width=4).eval()
    same.load_state_dict({k: v.float() for k, v in net.state_dict().items()})
    x = normal(0, 2, 3, 16, 16).to(kind)
    # so that it has to be found in the copy
    rules = {net.head: epsilon_rule(0.1)}
    ours = layerwise_relevance(net, x, target=1, rule=rule, rules=rules)
    theirs = layerwise_relevance(
        same, x.float(), target=1, rule=rule, rules={same.head: epsilon_rule(0.1)}
    )
    assert ours.values.dtype == kind
    close(ours.values, theirs.values.to(kind))
    assert {p.dtype for p in net.parameters()} == {kind}


# --- Captum, where it is right --------------------------------------------------------


def test_agrees_with_captum():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)
        ).double()
    x = normal(1, 20, 6).requires_grad_()
    result = layerwise_relevance(net, x, target=1, rule=epsilon_rule(1e-9))
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.rule = EpsilonRule()
    reference, delta = LRP(net).attribute(x, target=1, return_convergence_delta=True)
    close(result.values, reference.detach(), atol=1e-6)
    close(result.delta.abs(), delta.detach().abs(), atol=1e-6)
    other = layerwise_relevance(net, x, target=1, rule=gamma_rule()).values
    with pytest.raises(AssertionError):
        close(other, reference.detach(), atol=1e-3)


# --- what stays as it was, what is refused --------------------------------------------


def test_batches_and_state():
    net, x = Functional().train(), normal(0, 5, 4).requires_grad_()
    whole = layerwise_relevance(net, x, target=0).values
    close(
        layerwise_relevance(net, x, target=0, internal_batch_size=2).values,
        whole,
        atol=1e-12,
    )
    with pytest.raises(ValueError, match="target: got 9"):
        layerwise_relevance(net, x, target=9)
    state = torch.get_rng_state()
    assert all(m.training and not m._forward_hooks for m in net.modules())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert x.grad is None
    assert torch.equal(x.detach(), normal(0, 5, 4))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_result_carries_no_graph():
    result = layerwise_relevance(m5(), row(1, 2, 3).requires_grad_())
    assert not result.values.requires_grad
    assert not result.delta.requires_grad


def test_batches_are_bounded_and_progress_sees_them():
    seen, lengths = [], []
    net = m5()
    net.register_forward_hook(lambda module, given, output: seen.append(len(output)))

    def bar(blocks):
        lengths.append(len(blocks))
        yield from blocks

    x = row(1, 2, 3).expand(5, 3)
    layerwise_relevance(net, x, internal_batch_size=2, progress=bar)
    assert seen == [2, 2, 1]
    assert lengths == [3]


class By(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4).double(), last

    def forward(self, x):
        return self.last(self.first(x))


@pytest.mark.parametrize(
    "last",
    [
        torch.erf,
        lambda x: x.clamp(torch.zeros(4, dtype=F64)),
        lambda x: x.softmax(1),
        lambda x: x * x,
        lambda x: 1 / x,
        lambda x: torch.ones(4, dtype=F64) / x,
        lambda x: x / (x + 9),
        lambda x: F.conv_transpose1d(x[:, None], torch.ones(1, 1, 1, dtype=F64))[:, 0],
        nn.Sequential(
            nn.Unflatten(1, (4, 1)), nn.ConvTranspose1d(4, 4, 1).double(), nn.Flatten()
        ),
        lambda x: x @ x.T,
    ],
)
def test_what_has_no_rule_is_refused(last):
    with pytest.raises(ValueError, match="which relevance has no rule for"):
        layerwise_relevance(By(last), normal(0, 4, 4), target=0)


@pytest.mark.parametrize(
    "last",
    [
        torch.relu,
        F.leaky_relu,
        lambda x: x / 2 - 1,
        lambda x: x / torch.full((4,), 2.0, dtype=F64),
        lambda x: x * torch.full((4,), 2.0, dtype=F64),
        lambda x: x.reshape(-1, 2, 2).mean(2),
    ],
)
def test_what_passes_relevance_on_is_accepted(last):
    assert (
        layerwise_relevance(By(last), normal(0, 4, 4), target=0).values.isfinite().all()
    )


X = normal(0, 4, 4)


def test_bad_input():
    net = m5()
    for make, message in (
        (lambda: alpha_beta_rule(2, 2), "alpha - beta = 1"),
        (lambda: epsilon_rule(-1), "epsilon: got -1"),
        (lambda: gamma_rule(-1), "gamma: got -1"),
        (lambda: alpha_beta_rule(-1, -2), "alpha: got -1"),
        (lambda: alpha_beta_rule(0.5, -0.5), "beta: got -0.5"),
        (lambda: z_box_rule(1, 0), "expected low < high"),
        (lambda: z_box_rule(1, 1), "expected low < high"),
        (lambda: z_box_rule(torch.nan, 1), "low: got nan"),
        (
            lambda: layerwise_relevance(net, row(1, 2, 3), rule=flat_rule()),
            "does not read the model's inputs",
        ),
        (
            lambda: layerwise_relevance(
                net, row(1, 2, 3), rules={net[0]: z_box_rule(0, 2)}
            ),
            "outside of the box",
        ),
        (
            lambda: layerwise_relevance(
                net, row(1, 2, 3), rules={net[0]: z_box_rule(2, 4)}
            ),
            "outside of the box",
        ),
        (
            lambda: layerwise_relevance(
                nn.BatchNorm1d(4, track_running_stats=False), X
            ),
            "without running statistics",
        ),
        (
            # of an output of 1e100 with a gradient of 1e400
            lambda: layerwise_relevance(
                nn.Sequential(linear([[1e200]]), linear([[1e200]])),
                row(1e-300),
                rule=epsilon_rule(0.0),
            ),
            "relevance: got NaN or infinity",
        ),
        (
            lambda: layerwise_relevance(net, row(1, 2, 3), rules={net[1]: flat_rule()}),
            "rules: got ReLU",
        ),
        (
            lambda: layerwise_relevance(
                net, row(1, 2, 3), rules={nn.ReLU: flat_rule()}
            ),
            "rules: got ReLU",
        ),
        (
            lambda: layerwise_relevance(net, row(1, 2, 3), rules={"0": flat_rule()}),
            "rules: got str",
        ),
        (
            lambda: layerwise_relevance(
                net, row(1, 2, 3), rules={nn.Linear(1, 1): flat_rule()}
            ),
            "rules: got Linear",
        ),
        (lambda: layerwise_relevance(net, row(1, 2, torch.nan)), "inputs: got NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="expected Module"):
        layerwise_relevance(torch.relu, row(1, 2, 3))
    with pytest.raises(TypeError, match="rules: got list, expected Mapping"):
        layerwise_relevance(net, row(1, 2, 3), rules=[flat_rule()])
    with pytest.raises(TypeError, match="rule: got str, expected a function"):
        layerwise_relevance(net, row(1, 2, 3), rule="epsilon")
    with pytest.raises(TypeError, match="an output of type ndarray"):
        layerwise_relevance(By(lambda x: x.detach().numpy()), X)
