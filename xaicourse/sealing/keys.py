"""Private keys at rest: encrypted under a passphrase, in a file that only its owner may
read.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from xaicourse.sealing.manifest import SealError
from xaicourse.validation import as_path, check_type

MAGIC = b"XAIKEY\x01"
_NONCE = bytes(12)  # always the same: the salt makes a new key for each file


def write_private_key(
    path: str | Path, key: Ed25519PrivateKey | X25519PrivateKey, passphrase: str
) -> None:
    """Write a private key to a new file that only its owner may read, encrypted under a
    passphrase (scrypt).

    Raises
    ------
    FileExistsError
        If there is one already: a key is never overwritten.
    TypeError
        If the key is of another kind.
    ValueError
        If the passphrase is empty.
    """
    if not isinstance(key, Ed25519PrivateKey | X25519PrivateKey):
        raise TypeError(
            f"key: got {type(key).__name__}, expected an Ed25519 or X25519 private key"
        )
    path, salt = as_path("path", path), os.urandom(16)
    kind = MAGIC + type(key.public_key()).__name__[:2].upper().encode()
    secret = _stretched(passphrase, salt).encrypt(_NONCE, key.private_bytes_raw(), kind)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as file:
        file.write(kind + salt + secret)


def read_private_key(
    path: str | Path, passphrase: str
) -> Ed25519PrivateKey | X25519PrivateKey:
    """Read what `write_private_key` wrote.

    Raises
    ------
    SealError
        If others may read the file, it holds no key, or the passphrase is another one.
    """
    path = as_path("path", path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise SealError(
            f"{path}: others may read this private key; chmod 600 it, and think of "
            f"making a new one"
        )
    content = path.read_bytes()
    kind, salt, secret = content[:9], content[9:25], content[25:]
    if kind not in (MAGIC + b"ED", MAGIC + b"X2") or len(secret) != 32 + 16:
        raise SealError(f"{path}: no private key of this course, version 1")
    try:
        raw = _stretched(passphrase, salt).decrypt(_NONCE, secret, kind)
    except InvalidTag:
        raise SealError(
            f"{path}: the passphrase is wrong, or the file was changed"
        ) from None
    return (
        Ed25519PrivateKey if kind.endswith(b"ED") else X25519PrivateKey
    ).from_private_bytes(raw)


def _stretched(passphrase: str, salt: bytes) -> ChaCha20Poly1305:
    check_type("passphrase", passphrase, str)
    if not passphrase:
        raise ValueError("passphrase: got an empty one")
    # An é is one character or two, as the keyboard will have it (RFC 8265).
    secret = unicodedata.normalize("NFC", passphrase).encode()
    return ChaCha20Poly1305(
        Scrypt(salt=salt, length=32, n=2**15, r=8, p=3).derive(secret)
    )
