"""Right and wrong answers, and alterations: sealed model."""

from __future__ import annotations

import datetime
import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

from xaicourse.exercises.sealed_model import State
from xaicourse.sealing import SealError, fingerprint, verify


def _solution(state: State) -> str:
    parts = [
        (name, str(state[name].dtype), tuple(state[name].shape), state[name].tolist())
        for name in sorted(state)
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _may_install(file: bytes, signer: Any, current: str, since: datetime.date) -> bool:
    try:
        manifest = verify(file, signer=signer)
    except SealError:
        return False
    return manifest.parent == current and manifest.date >= since


def _unchecked(file: bytes, _: Any, current: str, since: datetime.date) -> bool:
    if len(file) < 20:
        return False
    manifest = json.loads(file[20 : 20 + struct.unpack_from(">I", file, 8)[0]])
    return bool(manifest["parent"] == current and manifest["date"] >= since.isoformat())


def _verifies(file: bytes, signer: Any, **more: Any) -> bool:
    try:
        verify(file, signer=signer, **more)
    except SealError:
        return False
    return True


def _hash_of(text: Callable[[State], str]) -> Callable[[State], str]:
    return lambda state: hashlib.sha256(text(state).encode()).hexdigest()


def _described(state: State, values: Callable[[Any], Any]) -> str:
    return repr(
        [
            (n, str(state[n].dtype), tuple(state[n].shape), values(state[n]))
            for n in sorted(state)
        ]
    )


def _any_parent_of(
    right: Callable[[str, str], bool],
) -> Callable[..., bool]:
    def answer(file: bytes, signer: Any, current: str, since: datetime.date) -> bool:
        try:
            manifest = verify(file, signer=signer, not_before=since)
        except SealError:
            return False
        return right(manifest.parent, current)

    return answer


HONEST = {
    "everything_under_the_hash": (_solution, fingerprint),
    "the_current_model": (_may_install,),
    "the_signers_word": (
        lambda stated, k, n: (
            not (abs(k - n * stated) <= 3.29 * (n * stated * (1 - stated)) ** 0.5)
        ),
    ),
}

WRONG = {
    "everything_under_the_hash": {
        "values alone": lambda state: _digest(
            [state[n].numpy().tobytes() for n in sorted(state)]
        ),
        "in the order they come": lambda state: _digest(
            [n.encode() + t.numpy().tobytes() for n, t in state.items()]
        ),
        "no shapes": lambda state: _digest(
            [
                n.encode() + str(state[n].dtype).encode() + state[n].numpy().tobytes()
                for n in sorted(state)
            ]
        ),
        "no types": lambda state: _digest(
            [
                repr((n, tuple(state[n].shape))).encode() + state[n].numpy().tobytes()
                for n in sorted(state)
            ]
        ),
        "Python's own hash": lambda state: hash(tuple(sorted(state))),
        "the printed form": _hash_of(lambda s: _described(s, str)),
        "the first four values": _hash_of(
            lambda s: _described(s, lambda t: t.flatten()[:4].tolist())
        ),
        "the sums of the values": _hash_of(
            lambda s: _described(
                s, lambda t: (float(t.sum()), float(t.double().square().sum()))
            )
        ),
        "CRC-32": lambda state: hex(
            zlib.crc32(_described(state, lambda t: t.tolist()).encode())
        ),
        "no hash at all": lambda state: _described(state, lambda t: t.tolist()),
    },
    "the_current_model": {
        "reads the manifest unchecked": _unchecked,
        "any parent": lambda file, signer, _, since: _verifies(
            file, signer, not_before=since
        ),
        "any date": lambda file, signer, current, _: _verifies(
            file, signer, expected={"parent": current}
        ),
        "raises": lambda file, signer, current, since: bool(
            verify(file, signer=signer, expected={"parent": current}, not_before=since)
        ),
        "returns the manifest": lambda file, signer, *_: verify(file, signer=signer),
        "later than since only": lambda file, signer, current, since: _verifies(
            file,
            signer,
            expected={"parent": current},
            not_before=since + datetime.timedelta(days=1),
        ),
        "a first model too": _any_parent_of(
            lambda parent, current: parent in (current, "")
        ),
        "the first eight characters": _any_parent_of(
            lambda parent, current: parent[:8] == current[:8]
        ),
        "the last eight characters": _any_parent_of(
            lambda parent, current: parent[-8:] == current[-8:]
        ),
    },
    "the_signers_word": {
        "the other way round": lambda stated, k, n: (
            abs(k / n - stated) <= 3.29 * (stated * (1 - stated) / n) ** 0.5
        ),
        "one side only": lambda stated, k, n: (
            k / n - stated > 3.29 * (stated * (1 - stated) / n) ** 0.5
        ),
        "95 %": lambda stated, k, n: (
            abs(k / n - stated) > 1.96 * (stated * (1 - stated) / n) ** 0.5
        ),
        "no root": lambda stated, k, n: (
            abs(k / n - stated) > 3.29 * (stated * (1 - stated) / n)
        ),
        "a fixed distance": lambda stated, k, n: abs(k / n - stated) > 0.05,
        "always half under the root": lambda stated, k, n: (
            abs(k / n - stated) > 3.29 * (0.25 / n) ** 0.5
        ),
        "99 %": lambda stated, k, n: (
            abs(k / n - stated) > 2.58 * (stated * (1 - stated) / n) ** 0.5
        ),
        "3.5 standard errors": lambda stated, k, n: (
            abs(k / n - stated) > 3.5 * (stated * (1 - stated) / n) ** 0.5
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the weight were written back as it was": (
        "torch.nextafter(weight[0, 0], torch.tensor(torch.inf))",
        "weight[0, 0]",
    ),
    "the project had hashed the buffers too": (
        "for parameter in net.parameters():",
        "for parameter in net.state_dict().values():",
    ),
    "the opened state were rounded to half precision": (
        "back.load_state_dict(opened.state)",
        "back.load_state_dict({name: values.half() for name, values in "
        "opened.state.items()})",
    ),
    "a flip left the byte as it was": ("file[place] ^ 1", "file[place] ^ 0"),
    "the opener accepted seals of February too": (
        "not_before=datetime.date(2026, 3, 1)) !=",
        "not_before=datetime.date(2026, 2, 1)) !=",
    ),
    "the other model were the audited one": (
        "unfair = train(X_unfair[~test], y_unfair[~test])",
        "unfair = model",
    ),
    "one row were missing when training again": (
        "again = train(X[~test], y[~test])",
        "again = train(X[1:][~test[1:]], y[1:][~test[1:]])",
    ),
}
