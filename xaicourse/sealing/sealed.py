"""Seal a trained model in a file, and open it again.

A sealed file, version 2, numbers big-endian:

    magic (7) | version (1) | length of manifest (4) | length of file (8) | manifest |
    ephemeral key (32) | payload, compressed and encrypted | signature (64)

The payload is the model's state as safetensors: names, types, shapes and bytes, and no
code. The manifest is JSON and readable by anybody; it names the payload's SHA-256. The
signature (Ed25519) covers every byte before it and is checked before anything that it
covers is used. Encryption is ECIES: X25519 with a fresh key for each file, HKDF,
ChaCha20-Poly1305.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # `date` is an argument

import safetensors.torch
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from torch import Tensor

from xaicourse.sealing.manifest import Manifest, SealError, payload_of
from xaicourse.validation import check_int, check_type

MAGIC, VERSION = b"XAISEAL", 2
_HEAD = struct.Struct(">7sBIQ")
_PUBLIC, _TAG, _SIGNATURE = 32, 16, 64
_NONCE = bytes(12)  # always the same: each key encrypts once


@dataclass(frozen=True)
class Opened:
    """The state of an opened model, for ``model.load_state_dict``, and what its signer
    said about it.
    """

    state: dict[str, Tensor]
    manifest: Manifest


def seal(
    state: Mapping[str, Tensor],
    *,
    architecture: str,
    training_data: str,
    metrics: Mapping[str, float],
    date: Date,
    parent: str = "",
    serial: int = 0,
    signer: Ed25519PrivateKey,
    recipient: X25519PublicKey,
) -> bytes:
    """Return a model's state as the bytes of a sealed file.

    Parameters
    ----------
    state : mapping of str to Tensor
        ``model.state_dict()``. It is copied, never changed.
    architecture, training_data, metrics, date, parent, serial
        What the `Manifest` will say.
    signer : Ed25519PrivateKey
        Whose word the manifest is.
    recipient : X25519PublicKey
        Who alone can open it.

    Raises
    ------
    TypeError, ValueError
        If the state cannot be written as safetensors, or an entry of the manifest is
        not what it must be.

    References
    ----------
    Bernstein, Duif, Lange, Schwabe, Yang: High-speed high-security signatures. J.
    Cryptogr. Eng. 2, 77 (2012).

    Examples
    --------
    >>> import datetime, torch
    >>> from xaicourse.sealing import fingerprint
    >>> signer, recipient = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    >>> sealed = seal(
    ...     {"weight": torch.tensor([0.5, -2.0])},
    ...     architecture="2 weights",
    ...     training_data=fingerprint({"X": torch.eye(2)}),
    ...     metrics={"accuracy": 0.75},
    ...     date=datetime.date(2026, 1, 31),
    ...     signer=signer,
    ...     recipient=recipient.public_key(),
    ... )
    >>> open_sealed(sealed, recipient=recipient, signer=signer.public_key()).state
    {'weight': tensor([ 0.5000, -2.0000])}
    """
    check_type("signer", signer, Ed25519PrivateKey)
    check_type("recipient", recipient, X25519PublicKey)
    payload = payload_of(state, name="state")
    digest = hashlib.sha256(payload).hexdigest()
    manifest = Manifest(
        architecture,
        training_data,
        metrics,
        date,
        parent,
        serial,
        digest,
        len(payload),
    )
    return _assemble(manifest.to_bytes(), zlib.compress(payload), signer, recipient)


def verify(
    sealed: bytes,
    *,
    signer: Ed25519PublicKey,
    expected: Mapping[str, str] | None = None,
    not_before: Date | None = None,
    after: int | None = None,
) -> Manifest:
    """Check a sealed file without opening it, and return its manifest; no private key
    is needed.

    Parameters
    ----------
    sealed : bytes
        The whole file.
    signer : Ed25519PublicKey
        Whose signature is expected. Get it from the signer, not from where the file
        came from.
    expected : mapping of str to str, optional
        What entries of the manifest must be, such as ``{"parent": digest}`` for the
        state that is to be replaced. An old file of the same signer is as well signed
        as a new one: only this, `not_before` and `after` tell them apart.
    not_before : datetime.date, optional
        The earliest date that is accepted.
    after : int, optional
        The ``serial`` of the last file that was accepted, or withdrawn; only a larger
        one is accepted.

    Raises
    ------
    SealError
        If a byte was changed, the file is cut or of another version, or a check fails.
    """
    manifest, *_ = _verified(sealed, signer, expected, not_before, after)
    return manifest


def open_sealed(
    sealed: bytes,
    *,
    recipient: X25519PrivateKey,
    signer: Ed25519PublicKey,
    expected: Mapping[str, str] | None = None,
    not_before: Date | None = None,
    after: int | None = None,
) -> Opened:
    """Verify a sealed file, then decrypt it and return the state, bit for bit as it was
    sealed.

    No code of the file is run, for it holds none. Beside the file, memory is bounded
    by three times the size that the manifest states, which is read after the signature
    was found right: what is decrypted, and what it is decompressed to, in pieces and
    as a whole.

    Parameters
    ----------
    recipient : X25519PrivateKey
        The key that it was sealed for.
    sealed, signer, expected, not_before, after
        As in `verify`.

    Raises
    ------
    SealError
        As in `verify`, or if it was sealed for somebody else, or its content is not
        what its manifest says.
    """
    check_type("recipient", recipient, X25519PrivateKey)
    manifest, head, ephemeral, encrypted = _verified(
        sealed, signer, expected, not_before, after
    )
    try:
        shared = recipient.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        cipher = _cipher(shared, ephemeral, recipient.public_key(), signer)
        compressed = cipher.decrypt(_NONCE, encrypted, head)
    except (InvalidTag, ValueError):
        raise SealError(
            "recipient: this private key does not open the file; it was sealed for "
            "another one"
        ) from None
    del encrypted
    inflate = zlib.decompressobj()
    try:
        # never more than was signed, and one
        payload = inflate.decompress(compressed, manifest.payload_bytes + 1)
    except zlib.error as error:
        raise SealError(f"the payload cannot be decompressed: {error}") from None
    del compressed
    if not inflate.eof or inflate.unused_data or len(payload) != manifest.payload_bytes:
        raise SealError(
            f"the payload does not have the {manifest.payload_bytes:,} bytes that its "
            f"manifest states"
        )
    if hashlib.sha256(payload).hexdigest() != manifest.state:
        raise SealError("the payload is not the state that its manifest names")
    try:
        # it comes in no order
        state = dict(sorted(safetensors.torch.load(payload).items()))
    except Exception as error:  # whatever its parser finds wrong with signed nonsense
        raise SealError(f"the payload is no safetensors file: {error}") from None
    return Opened(state, manifest)


def _assemble(
    manifest: bytes,
    compressed: bytes,
    signer: Ed25519PrivateKey,
    recipient: X25519PublicKey,
) -> bytes:
    fresh = X25519PrivateKey.generate()
    ephemeral = fresh.public_key().public_bytes_raw()
    length = _HEAD.size + len(manifest) + _PUBLIC + len(compressed) + _TAG + _SIGNATURE
    head = _HEAD.pack(MAGIC, VERSION, len(manifest), length) + manifest
    cipher = _cipher(
        fresh.exchange(recipient), ephemeral, recipient, signer.public_key()
    )
    body = head + ephemeral + cipher.encrypt(_NONCE, compressed, head)
    return body + signer.sign(body)


def _verified(
    sealed: bytes,
    signer: Ed25519PublicKey,
    expected: Mapping[str, str] | None,
    not_before: Date | None,
    after: int | None,
) -> tuple[Manifest, bytes, bytes, bytes]:
    """Manifest, all that precedes the encrypted part, ephemeral key and encrypted part
    of a file in order.
    """
    check_type("signer", signer, Ed25519PublicKey)
    check_type("sealed", sealed, bytes)
    if not_before is not None and type(not_before) is not Date:
        raise TypeError(f"not_before: got {not_before!r}, expected a datetime.date")
    if len(sealed) < _HEAD.size or not sealed.startswith(MAGIC):
        raise SealError("this is no sealed model, or only the beginning of one")
    _, version, n_manifest, length = _HEAD.unpack_from(sealed)
    if version != VERSION:
        raise SealError(
            f"the file says that it is of version {version}; this reader knows version "
            f"{VERSION} only"
        )
    if length != len(sealed):
        raise SealError(
            f"the file has {len(sealed):,} bytes and should have {length:,}: it is "
            f"cut, or extended"
        )
    try:
        signer.verify(sealed[-_SIGNATURE:], sealed[:-_SIGNATURE])
    except InvalidSignature:
        raise SealError(
            "the signature is wrong: the file was changed, or somebody else has signed "
            "it"
        ) from None
    end = _HEAD.size + n_manifest
    if end + _PUBLIC + _TAG + _SIGNATURE > len(sealed):
        raise SealError("the manifest cannot be read: it would end behind the file")
    manifest = Manifest.from_bytes(sealed[_HEAD.size : end])
    wanted = {} if expected is None else expected
    check_type("expected", wanted, Mapping)
    for name, value in wanted.items():
        if not hasattr(manifest, name):
            raise ValueError(f"expected: got {name!r}, which is no entry of a manifest")
        if getattr(manifest, name) != value:
            raise SealError(
                f"{name}: the manifest says {getattr(manifest, name)!r}, expected was "
                f"{value!r}"
            )
    if not_before is not None and manifest.date < not_before:
        raise SealError(
            f"date: the seal is of {manifest.date}, accepted are seals from "
            f"{not_before} on"
        )
    if after is not None and manifest.serial <= check_int("after", after, minimum=0):
        raise SealError(
            f"serial: the seal is number {manifest.serial}, accepted are seals after "
            f"number {after}"
        )
    return (
        manifest,
        sealed[:end],
        sealed[end : end + _PUBLIC],
        sealed[end + _PUBLIC : -_SIGNATURE],
    )


def _cipher(
    shared: bytes,
    ephemeral: bytes,
    recipient: X25519PublicKey,
    signer: Ed25519PublicKey,
) -> ChaCha20Poly1305:
    """Cipher of one file; its key is bound to both parties, so that nobody can sign
    another's secret as their own.
    """
    parties = ephemeral + recipient.public_bytes_raw() + signer.public_bytes_raw()
    return ChaCha20Poly1305(
        HKDF(SHA256(), 32, salt=None, info=MAGIC + bytes([VERSION]) + parties).derive(
            shared
        )
    )
