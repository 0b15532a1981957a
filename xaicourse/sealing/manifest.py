"""What a signer says about a sealed model, and the digests that tie it to a state and
to training rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date as Date  # `date` is the name of a field
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from xaicourse.validation import check_type

LARGEST = 2**30  # bytes of a payload: the most that a signer can make an opener hold
_DIGEST = re.compile("[0-9a-f]{64}")


class SealError(ValueError):
    """A file is not, byte for byte, what its signer sealed for this recipient."""


def fingerprint(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]]) -> str:
    """Return the SHA-256 digest of named arrays, over their names, types, shapes and
    values.

    The digest is that of their safetensors file, which does not depend on the order of
    the names. It serves for a model (``model.state_dict()``: weights and buffers) and
    for the rows it was trained on alike.

    Parameters
    ----------
    tensors : mapping of str to Tensor or numpy.ndarray
        At least one.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    TypeError
        If an entry is no array of numbers, or a masked one.
    ValueError
        If there is none, or safetensors has no way to write one.

    Examples
    --------
    >>> fingerprint({"test": torch.zeros(2, 2, dtype=torch.int32)})[:16]
    '39ff41e20b41c4af'
    """
    return hashlib.sha256(payload_of(tensors)).hexdigest()


def payload_of(tensors: Mapping[str, Any], *, name: str = "tensors") -> bytes:
    """Return the safetensors file of named arrays: the same bytes in whatever order
    they come; see `fingerprint`. Errors call them by `name`.
    """
    check_type(name, tensors, Mapping)
    if not tensors:
        raise ValueError(f"{name}: got none, expected at least one by name")
    copies = {}
    for key, values in tensors.items():
        # A mask would be lost, and with it what is missing.
        if isinstance(values, np.ndarray) and not np.ma.isMaskedArray(values):
            values = torch.from_numpy(np.asarray(values, order="C"))  # noqa: PLW2901
        if (
            not isinstance(key, str)
            or key == "__metadata__"
            or not isinstance(values, Tensor)
        ):
            raise TypeError(
                f"{name}: got {key!r} ({type(values).__name__}), expected arrays by "
                f"name"
            )
        copies[key] = values.detach()
    try:
        # A copy each: safetensors refuses tensors that share memory, as tied weights
        # do.
        copies = {
            key: values.to("cpu", copy=True).contiguous()
            for key, values in copies.items()
        }
        payload = bytes(safetensors.torch.save(copies))
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"{name}: safetensors cannot write them: {error}") from None
    if len(payload) > LARGEST:
        raise ValueError(
            f"{name}: got {len(payload):,} bytes, expected at most {LARGEST:,}"
        )
    return payload


@dataclass(frozen=True)
class Manifest:
    """What the signer says about a sealed model, readable without any private key.

    Attributes
    ----------
    architecture : str
        What the state fits into, in words or as ``str(model)``.
    training_data : str
        `fingerprint` of the rows it was trained on.
    metrics : mapping of str to float
        What the audit measured; finite numbers.
    date : datetime.date
        Of the seal.
    parent : str
        `fingerprint` of the state that this one replaces; empty for the first.
    serial : int
        Number of the seal, counted by its signer from 0 on: it tells a withdrawn file
        from the one that was sealed in its place, on the same day and for the same
        parent.
    state : str
        `fingerprint` of the sealed state.
    payload_bytes : int
        Size of the payload before compression.
    """

    architecture: str
    training_data: str
    metrics: Mapping[str, float]
    date: Date
    parent: str
    serial: int
    state: str
    payload_bytes: int

    def __post_init__(self) -> None:
        check_type("architecture", self.architecture, str)
        for name in ("training_data", "parent", "state"):
            value = getattr(self, name)
            if not (
                isinstance(value, str)
                and (_DIGEST.fullmatch(value) or (name == "parent" and value == ""))
            ):
                raise ValueError(
                    f"{name}: got {value!r}, expected a SHA-256 digest: 64 hexadecimal "
                    f"digits"
                )
        if not isinstance(self.metrics, Mapping) or not all(
            isinstance(k, str) and isinstance(v, int | float) and math.isfinite(v)
            for k, v in self.metrics.items()
        ):
            raise ValueError(
                f"metrics: got {self.metrics!r}, expected finite numbers by name"
            )
        if type(self.date) is not Date:
            raise TypeError(f"date: got {self.date!r}, expected a datetime.date")
        if type(self.serial) is not int or not 0 <= self.serial < 2**53:
            raise ValueError(
                f"serial: got {self.serial!r}, expected a whole number from 0 on"
            )
        if type(self.payload_bytes) is not int or not 0 < self.payload_bytes <= LARGEST:
            raise ValueError(
                f"payload_bytes: got {self.payload_bytes!r}, expected from 1 to "
                f"{LARGEST:,}"
            )
        object.__setattr__(
            self,
            "metrics",
            MappingProxyType({k: float(v) for k, v in self.metrics.items()}),
        )

    def to_bytes(self) -> bytes:
        """Return the one JSON text of this manifest: keys sorted, no spaces, ASCII."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        content |= {"metrics": dict(self.metrics), "date": self.date.isoformat()}
        return json.dumps(
            content, sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode("ascii")

    @classmethod
    def from_bytes(cls, text: bytes) -> Manifest:
        """Read what `to_bytes` wrote, and nothing else.

        Raises
        ------
        SealError
            The text is no manifest, or not written in the one way.
        """
        check_type("text", text, bytes)
        try:
            content = json.loads(text)
            manifest = cls(**{**content, "date": Date.fromisoformat(content["date"])})
            if manifest.to_bytes() != text:
                raise ValueError("not the text that its content is written as")
        except (
            ValueError,
            TypeError,
            KeyError,
            OverflowError,
            RecursionError,
        ) as error:
            raise SealError(f"the manifest cannot be read: {error}") from None
        return manifest
