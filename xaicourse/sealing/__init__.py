"""Sealing: hash, sign, encrypt, verify and open a trained model."""

from xaicourse.sealing.keys import read_private_key, write_private_key
from xaicourse.sealing.manifest import Manifest, SealError, fingerprint
from xaicourse.sealing.sealed import Opened, open_sealed, seal, verify

__all__ = [
    "Manifest",
    "Opened",
    "SealError",
    "fingerprint",
    "open_sealed",
    "read_private_key",
    "seal",
    "verify",
    "write_private_key",
]
