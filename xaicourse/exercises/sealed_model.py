"""Exercises of the notebook on sealed models, and the alterations under which its
claims fail.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from torch import Tensor

from xaicourse.sealing import SealError, fingerprint, seal, verify
from xaicourse.teaching import Exercise, require

State = Mapping[str, Tensor]


def _check_everything_under_the_hash(answer: Callable[[State], Any]) -> None:
    state = {
        "first": torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "second": torch.tensor([[5.0, 6.0], [7.0, 8.0]]),
    }
    whole = answer(state)
    require(
        isinstance(whole, str) and whole,
        f"return the hash as a string; got {type(whole).__name__}",
    )
    require(
        answer(dict(state)) == whole,
        "the same state must have the same hash each time it is computed",
    )
    require(
        answer(dict(reversed(state.items()))) == whole,
        "the same entries in another order are the same state: bring the names into an "
        "order first",
    )
    changed = {
        "a value was changed": state | {"second": state["second"] + 1e-6},
        "an entry has another name": {
            "first": state["first"],
            "third": state["second"],
        },
        "two entries had changed places": {
            "first": state["second"],
            "second": state["first"],
        },
        "a matrix of 2 by 2 became a row of 4 with the same numbers": state
        | {"second": state["second"].reshape(4)},
        "the same bytes are read as another type": state
        | {"second": state["second"].view(torch.int32)},
        "an entry was left out": {"first": state["first"]},
    }
    for what, other in changed.items():
        require(answer(other) != whole, f"the hash is the same although {what}")


def _solution(state: State) -> str:
    parts = [
        (name, str(state[name].dtype), tuple(state[name].shape), state[name].tolist())
        for name in sorted(state)
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


everything_under_the_hash = Exercise(
    name="Everything under the hash",
    checker=_check_everything_under_the_hash,
    hints=(
        "Four things describe an entry. Write all four into the digest, entry after "
        "entry, in a fixed order.",
        "`for name in sorted(state)`, and `digest.update(...)` with the name, "
        "`str(tensor.dtype)`, "
        "`tuple(tensor.shape)` and the bytes of the values.",
        "`digest.update(repr((name, str(t.dtype), tuple(t.shape))).encode() + "
        "t.numpy().tobytes())`",
    ),
    honest=(_solution, fingerprint),
    wrong={
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
    },
)


def _check_the_current_model(answer: Callable[..., Any]) -> None:
    signer, swindler, recipient = (
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )
    rows = fingerprint({"X": torch.ones(2)})
    current, since = fingerprint({"w": torch.zeros(1)}), datetime.date(2026, 3, 1)

    def update(
        parent: str = current, day: int = 5, by: Ed25519PrivateKey = signer
    ) -> bytes:
        return seal(
            {"w": torch.ones(1)},
            architecture="one weight",
            training_data=rows,
            metrics={},
            date=datetime.date(2026, 3, day) if day > 0 else datetime.date(2026, 2, 28),
            parent=parent,
            signer=by,
            recipient=recipient.public_key(),
        )

    def asked(file: bytes) -> bool:
        try:
            said = answer(file, signer.public_key(), current, since)
        except SealError as refusal:
            require(
                False,
                f"return False for a file that is refused, rather than raise "
                f"({refusal})",
            )
        require(isinstance(said, bool), f"return True or False; got {said!r}")
        return bool(said)

    require(
        asked(update()),
        "a file in perfect order, signed and made to replace the current model, was "
        "refused",
    )
    require(
        asked(update(day=1)), "a file sealed on the very day `since` may be installed"
    )
    require(
        not asked(update(by=swindler)),
        "somebody else has signed this file, and you would install it: has the "
        "signature been checked?",
    )
    changed = update()
    require(
        not asked(changed[:-70] + bytes([changed[-70] ^ 1]) + changed[-69:]),
        "one byte of this file was changed, and you would install it: has the "
        "signature been checked?",
    )
    require(
        not asked(update(parent=rows)),
        "this file replaces another model than the one that is running: what does its "
        "manifest say about its parent?",
    )
    require(
        not asked(update(day=0)),
        "this file was sealed before `since`: an old seal is as well signed as a new "
        "one",
    )
    require(
        not asked(b"not a model"),
        "this is no sealed file at all, and you would install it",
    )


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


the_current_model = Exercise(
    name="The current model",
    checker=_check_the_current_model,
    hints=(
        "`verify` raises a `SealError` for every file that you should not install, if "
        "you tell it all that you expect.",
        'It takes `expected={"parent": ...}` and `not_before=...`.',
        "`try: verify(file, signer=signer, expected=..., not_before=...)`, then "
        "`except SealError: return False`, then "
        "`return True`.",
    ),
    honest=(_may_install,),
    wrong={
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
    },
)


def _check_the_signers_word(answer: Callable[[float, int, int], Any]) -> None:
    fits, high, low = (
        answer(0.5, 505, 1000),
        answer(0.5, 700, 1000),
        answer(0.5, 300, 1000),
    )
    require(
        isinstance(fits, bool) or type(fits).__name__ == "bool",
        f"return True or False; got {type(fits).__name__}",
    )
    require(
        not fits,
        "505 of 1,000 do not contradict a stated share of 0.5: the interval is wider "
        "than that",
    )
    require(
        high,
        "700 of 1,000 contradict a stated share of 0.5: True means that both cannot be "
        "right",
    )
    require(
        low,
        "300 of 1,000 contradict a stated share of 0.5: a share can be too low as well",
    )
    require(
        not answer(0.5, 540, 1000),
        "540 of 1,000 lie inside the 99.9 % interval; it is 3.29 standard errors wide",
    )
    require(
        answer(0.5, 560, 1000),
        "560 of 1,000 lie outside: the standard error is a root, 0.0158 here",
    )
    require(
        not answer(0.5, 7, 10),
        "7 of 10 contradict nothing: with fewer customers the interval is wider",
    )
    require(
        answer(0.02, 40, 1000),
        "a stated share of 0.02 has a small standard error: its own share is under the "
        "root",
    )


the_signers_word = Exercise(
    name="The signer's word",
    checker=_check_the_signers_word,
    hints=(
        "Compare the distance between the two shares with 3.29 standard errors.",
        "The standard error of the share, if the statement is right: `(stated * (1 - "
        "stated) / n) ** 0.5`.",
        "`return abs(k / n - stated) > 3.29 * (stated * (1 - stated) / n) ** 0.5`",
    ),
    honest=(
        lambda stated, k, n: (
            not (abs(k - n * stated) <= 3.29 * (n * stated * (1 - stated)) ** 0.5)
        ),
    ),
    wrong={
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
    },
)

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
