"""Grad-CAM: a network whose map is known, Captum, and a model that is left exactly as
it was.
"""

import pytest
import torch
from captum.attr import LayerGradCam
from hypothesis import given, settings
from hypothesis import strategies as st
from test_attribution_path import F64, close, same, snapshot
from torch import nn
from torch.nn.functional import relu

from xaicourse.attribution import grad_cam
from xaicourse.networks import small_resnet

few = settings(max_examples=15, deadline=None, derandomize=True)


class Net(nn.Module):
    """A convolutional network with a ReLU module that is used twice, and a functional
    one that works in place.
    """

    def __init__(self, fail_at=None):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = (
                nn.Conv2d(2, 4, 3, padding=1).double(),
                nn.Conv2d(4, 5, 3, stride=2).double(),
            )
            self.norm, self.head = nn.BatchNorm2d(5).double(), nn.Linear(5, 3).double()
        self.act, self.drop, self.unused = nn.ReLU(), nn.Dropout(0.5), nn.Identity()
        self.calls, self.fail_at = 0, fail_at

    def forward(self, x):
        self.calls += 1
        if self.calls == self.fail_at:
            raise ArithmeticError("broken on purpose")
        x = self.act(self.first(x))
        x = relu(self.norm(self.second(x)), inplace=True)
        return self.head(self.drop(self.act(x - 0.1)).mean((2, 3)))


class InPlaceAfterTheLayer(Net):
    def forward(self, x):
        maps = self.second(relu(self.first(x)))
        return self.head(torch.relu_(maps).mean((2, 3)))


def pictures(n=3, seed=1, size=9):
    return torch.randn(
        n, 2, size, size, generator=torch.Generator().manual_seed(seed), dtype=F64
    )


# --- a map that is known --------------------------------------------------------------


def check_two_maps(attribute):
    """f = 3 mean(A_1) - 2 mean(A_2) over 4 places: the weights are 3/4 and -2/4, and
    the map is their sum.
    """
    layer = nn.Conv2d(2, 2, 1, bias=False).double()
    layer.weight.data = torch.tensor([[1.0, 0], [0, 2.0]], dtype=F64)[..., None, None]
    head = nn.Linear(2, 1, bias=False).double()
    head.weight.data = torch.tensor([[3.0, -2.0]], dtype=F64)
    model = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    inputs = torch.tensor([[[[4.0, 0], [8, 0]], [[0, 1.0], [4, 0]]]], dtype=F64)
    result = attribute(model, inputs, layer=layer)
    close(result.coarse, torch.tensor([[[3.0, -1.0], [2.0, 0.0]]], dtype=F64))
    close(result.values, torch.tensor([[[3.0, 0.0], [2.0, 0.0]]], dtype=F64))


def test_grad_cam_of_two_maps():
    check_two_maps(grad_cam)


def test_the_mutants_of_grad_cam_are_rejected():
    from xaicourse.attribution.gradcam import GradCam

    def sizes_of_the_weights(model, inputs, *, layer):
        maps = layer(inputs).detach().requires_grad_()
        [gradient] = torch.autograd.grad(model[1:](maps).sum(), maps)
        coarse = (gradient.mean((2, 3), keepdim=True).abs() * maps.detach()).sum(1)
        return GradCam(coarse.relu(), coarse)

    def sum_instead_of_mean(model, inputs, *, layer):
        coarse = 4 * grad_cam(model, inputs, layer=layer).coarse
        return GradCam(coarse.relu(), coarse)

    def unsigned(model, inputs, *, layer):
        result = grad_cam(model, inputs, layer=layer)
        return GradCam(result.values, result.values)

    for mutant in (sizes_of_the_weights, sum_instead_of_mean, unsigned):
        with pytest.raises(AssertionError):
            check_two_maps(mutant)


def test_values_are_the_positive_part_in_the_size_of_the_inputs():
    result = grad_cam(net := Net(), pictures(), layer=net.second, target=0)
    assert result.values.shape == (3, 9, 9)
    assert result.coarse.shape == (3, 4, 4)
    assert result.values.min() >= 0
    assert result.coarse.min() < 0


@few
@given(seed=st.integers(0, 2**31), scale=st.floats(0.1, 10))
def test_a_scaled_output_scales_the_map_and_a_constant_changes_nothing(seed, scale):
    net = Net()
    before = grad_cam(net, pictures(seed=seed), layer=net.second, target=1).coarse
    with torch.no_grad():
        net.head.weight.mul_(scale)
        net.head.bias.add_(5)
    close(
        grad_cam(net, pictures(seed=seed), layer=net.second, target=1).coarse,
        scale * before,
        atol=1e-9,
    )


# --- Captum ---------------------------------------------------------------------------


def check_against_captum(attribute, net, layer, inputs, n_outputs):
    target = torch.arange(len(inputs)) % n_outputs
    ours = attribute(net, inputs, layer=layer, target=target).coarse
    net.eval()
    reference = LayerGradCam(net, layer).attribute(inputs, target=target)[:, 0]
    close(ours, reference, atol=1e-6)
    return ours


@pytest.mark.parametrize("kind", [Net, InPlaceAfterTheLayer])
def test_agrees_with_captum(kind):
    net = kind().train()
    check_against_captum(
        grad_cam, net, net.second if kind is Net else net.first, pictures(), 3
    )


def test_agrees_with_captum_on_a_residual_network_which_uses_each_relu_twice():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = small_resnet(3, width=4).double()
    images = torch.rand(
        4, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=F64
    )
    maps = check_against_captum(grad_cam, net, net.blocks, images, 3)
    assert maps.shape == (4, 4, 4)
    with pytest.raises(
        ValueError,
        match="layer: got one that is called 2 times in a pass, expected once",
    ):
        grad_cam(net, images, layer=net.blocks[0].relu, target=0)

    def of_the_next_class(model, inputs, *, layer, target):
        return grad_cam(model, inputs, layer=layer, target=(target + 1) % 3)

    def in_training_mode(model, inputs, *, layer, target):
        class Frozen(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = model

            def forward(self, x):
                return self.inner.train()(x)

        return grad_cam(Frozen(), inputs, layer=layer, target=target)

    for mutant in (of_the_next_class, in_training_mode):
        with pytest.raises(AssertionError):
            check_against_captum(mutant, net, net.blocks, images, 3)


def test_what_works_in_place_on_the_layers_output_does_not_change_the_map():
    plain, in_place = Net().eval(), InPlaceAfterTheLayer().eval()
    plain.forward = lambda x: plain.head(
        plain.second(relu(plain.first(x))).relu().mean((2, 3))
    )
    close(
        grad_cam(in_place, pictures(), layer=in_place.second, target=2).coarse,
        grad_cam(plain, pictures(), layer=plain.second, target=2).coarse,
    )


# --- other places than a picture's ----------------------------------------------------


CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@pytest.mark.parametrize("axes", CONVOLUTIONS)
def test_series_and_volumes_agree_with_captum(axes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        make = CONVOLUTIONS[axes]
        net = nn.Sequential(
            make(2, 4, 3, stride=2), nn.ReLU(), make(4, 5, 2), nn.Flatten(2)
        ).double()
        net.append(nn.AdaptiveAvgPool1d(1)).append(nn.Flatten())
        x = torch.randn(3, 2, *[9] * axes, dtype=F64)
    ours = grad_cam(net, x, layer=net[0], target=2)
    theirs = LayerGradCam(net, net[0]).attribute(x, target=2)
    close(ours.coarse, theirs[:, 0].detach(), atol=1e-12)
    larger = LayerGradCam.interpolate(
        theirs.detach().relu(),
        (9,) * axes,
        ("linear", "bilinear", "trilinear")[axes - 1],
    )
    close(ours.values, larger[:, 0], atol=1e-12)


def test_a_series_by_hand():
    """f = sum of the first map - sum of the second; linear interpolation to four."""
    layer = nn.Conv1d(1, 2, 2, stride=2, bias=False).double()
    layer.weight.data = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]], dtype=F64)
    head = nn.Linear(4, 1, bias=False).double()
    head.weight.data = torch.tensor([[1.0, 1.0, -1.0, -1.0]], dtype=F64)
    net = nn.Sequential(layer, nn.Flatten(), head)
    x = torch.tensor([[[5.0, 1.0, 2.0, 6.0]]], dtype=F64)
    result = grad_cam(net, x, layer=layer)
    close(result.coarse, torch.tensor([[4.0, -4.0]], dtype=F64))
    close(result.values, torch.tensor([[4.0, 3.0, 1.0, 0.0]], dtype=F64))


def transformer(size=32, **options):
    from torchvision.models import VisionTransformer

    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = VisionTransformer(
            image_size=size, patch_size=8, num_layers=2, num_heads=2, hidden_dim=12,
            mlp_dim=24, num_classes=3, **options,
        ).double()  # fmt: skip
        nn.init.normal_(net.heads.head.weight)
    return net


def test_a_vision_transformer_as_the_tokens_say():
    """The tokens behind the class token are the patches, row by row, as the transform
    in pytorch-grad-cam's documentation lays them out.
    """
    net = transformer().eval()
    layer = net.encoder.layers[-1].ln_1
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=F64)
    result = grad_cam(net, x, layer=layer, target=1)
    kept = []
    handle = layer.register_forward_hook(lambda *args: kept.append(args[-1]))
    output = net(x)[:, 1].sum()
    handle.remove()
    [gradient] = torch.autograd.grad(output, kept)
    expected = torch.zeros(2, 4, 4, dtype=F64)
    for i in range(4):
        for j in range(4):
            token = kept[0][:, 1 + 4 * i + j]
            expected[:, i, j] = (gradient[:, 1:].mean(1) * token).sum(1).detach()
    close(result.coarse, expected, atol=1e-12)
    assert result.values.shape == (2, 32, 32)
    by_hand = grad_cam(
        net, x, layer=layer, target=1,
        reshape=lambda t: t[:, 1:].reshape(len(t), 4, 4, 12).permute(0, 3, 1, 2),
    )  # fmt: skip
    close(by_hand.coarse, expected, atol=1e-12)


def test_a_wide_picture_has_a_wide_grid():
    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.norm = nn.Conv2d(1, 2, 4, 4).double(), nn.Identity()
            self.head = nn.Linear(16, 1).double()

        def forward(self, x):
            return self.head(
                self.norm(self.patch(x).flatten(2).transpose(1, 2)).flatten(1)
            )

    net = Patches()
    x = torch.rand(1, 1, 8, 16, generator=torch.Generator().manual_seed(0), dtype=F64)
    close(
        grad_cam(net, x, layer=net.norm).coarse,
        grad_cam(net, x, layer=net.patch).coarse,
        atol=1e-12,
    )


def test_tokens_that_are_no_maps_are_refused():
    net, x = transformer(), torch.ones(1, 3, 32, 32, dtype=F64)
    with pytest.raises(ValueError, match="on whose patches the explained output"):
        grad_cam(net, x, layer=net.encoder.layers[-1], target=0)
    odd = nn.Sequential(
        nn.Flatten(2),
        nn.Linear(1024, 6).double(),
        nn.Flatten(),
        nn.Linear(18, 1).double(),
    )
    with pytest.raises(ValueError, match=r"got 3 tokens, expected one for each square"):
        grad_cam(odd, x, layer=odd[1])


# --- what stays as it was -------------------------------------------------------------


@pytest.mark.parametrize("fail_at", [None, 1, 2])
def test_model_inputs_and_global_state_are_left_alone(fail_at):
    model = Net(fail_at).train()
    model.norm.eval()
    model.first.weight.grad = torch.ones_like(model.first.weight)
    model.second.register_forward_hook(lambda *_: None)
    model.head.requires_grad_(False)
    inputs = pictures().requires_grad_()
    before = snapshot(model, inputs)
    if fail_at is None:
        result = grad_cam(
            model, inputs, layer=model.second, target=1, internal_batch_size=2
        )
        assert not result.values.requires_grad
    else:
        with pytest.raises(ArithmeticError, match="broken on purpose"):
            grad_cam(model, inputs, layer=model.second, target=1, internal_batch_size=2)
    assert same(before, snapshot(model, inputs))


def test_a_frozen_model_callers_without_gradients_and_batches_change_nothing():
    net = Net()
    expected = grad_cam(
        net, pictures(5), layer=net.second, target=torch.arange(5) % 3
    ).coarse
    net.requires_grad_(False)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            options = {
                "layer": net.second,
                "target": torch.arange(5) % 3,
                "internal_batch_size": 2,
            }
            close(grad_cam(net, pictures(5), **options).coarse, expected)


def test_progress_wraps_the_batches():
    lengths = []

    def bar(iterable):
        lengths.append(len(iterable))
        yield from iterable

    grad_cam(
        net := Net(),
        pictures(5),
        layer=net.second,
        target=0,
        internal_batch_size=2,
        progress=bar,
    )
    assert lengths == [3]


BAD = [
    ({"model": lambda x: x}, TypeError, "model: got function, expected Module"),
    ({"reshape": (4, 4)}, TypeError, "reshape: got tuple, expected a function"),
    ({"layer": "nothing"}, TypeError, "layer: got str, expected Module"),
    ({"layer": nn.ReLU()}, ValueError, "layer: got one that is called 0 times in a "
        "pass, expected once"),
    ({"layer": "unused"}, ValueError, "layer: got one that is called 0 times in a "
        "pass, expected once"),
    ({"layer": "act"}, ValueError, "layer: got one that is called 2 times in a pass, "
        "expected once"),
    ({"layer": "head"}, ValueError, "layer: output: got shape (3, 3), expected "
        "(3, any, any, any)"),
    ({"inputs": torch.ones(3, 2, dtype=F64)}, ValueError,
     "inputs: got shape (3, 2), expected (n, channels) and one to three axes of "
     "places"),
    ({"inputs": torch.ones(3, 2, 9, 9, dtype=torch.uint8)}, TypeError,
     "inputs: got torch.uint8, expected floating point: integers, such as the ids of "
     "tokens, have no gradient "
     "(explain the embeddings instead)"),
    ({"inputs": pictures() * torch.nan}, ValueError, "inputs: got NaN or infinity, "
        "expected finite numbers only"),
    ({"target": 3}, ValueError, "target: got 3, expected an output from 0 to 2"),
    ({"target": None}, ValueError, "target: got None, expected one of the model's 3 "
        "outputs"),
    ({"internal_batch_size": 0}, ValueError, "internal_batch_size: got 0, expected an "
        "integer of at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    net = Net()
    options = {"model": net, "inputs": pictures(), "layer": "second", "target": 0} | bad
    if hasattr(net, str(options["layer"])):
        options["layer"] = getattr(net, options["layer"])
    with pytest.raises(error) as refusal:
        grad_cam(options.pop("model"), options.pop("inputs"), **options)
    assert str(refusal.value) == message


def test_a_layer_off_the_way_to_the_output_is_told():
    class Aside(Net):
        def forward(self, x):
            self.second(self.first(x))
            return self.head(x.mean((2, 3)) @ torch.ones(2, 5, dtype=F64))

    net = Aside()
    with pytest.raises(
        ValueError, match="layer: got one on which the explained output does not depend"
    ):
        grad_cam(net, pictures(), layer=net.second, target=0)
