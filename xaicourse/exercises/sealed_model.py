"""Exercises of the notebook on sealed models."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from torch import Tensor

from xaicourse.sealing import SealError, fingerprint, seal
from xaicourse.teaching import Exercise, require

State = Mapping[str, Tensor]


def _check_everything_under_the_hash(answer: Callable[[State], Any]) -> None:
    state = {
        "first": torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "second": torch.tensor([[5.0, 6.0], [7.0, 8.0]]),
    }
    whole = answer(state)
    large = torch.arange(2048.0) / 7
    require(
        len(answer({"large": large})) == len(whole) >= 64,
        "a hash has the same length whatever it is of, and 256 bits or more, which "
        f"are 64 hexadecimal digits: yours has {len(whole)} characters for a small "
        f"state and {len(answer({'large': large}))} for a large one",
    )
    require(
        answer(dict(state)) == whole,
        "the same state must have the same hash each time it is computed",
    )
    require(
        answer(dict(reversed(state.items()))) == whole,
        "the same entries in another order are the same state: bring the names into "
        "an order first",
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
    for place in (0, 1280, 2047):
        nearly = large.clone()
        nearly[place] = torch.nextafter(large[place], torch.tensor(torch.inf))
        require(
            answer({"large": nearly}) != answer({"large": large}),
            f"the hash is the same although number {place} of 2,048 was changed in its "
            "last digit: hash all bytes of the values, which a printed form leaves out",
        )
    require(
        answer({"large": large}) != answer({"large": large.flip(0)}),
        "the hash is the same although the values stand in another order",
    )


everything_under_the_hash = Exercise(
    name="Everything under the hash",
    checker=_check_everything_under_the_hash,
    takes="state",
    returns="a string",
    hints=(
        "Four things describe an entry. Write all four into the digest, entry after "
        "entry, in a fixed order.",
        "`for name in sorted(state)`, and `digest.update(...)` with the name, "
        "`str(tensor.dtype)`, `tuple(tensor.shape)` and the bytes of the values.",
        "`digest.update(repr((name, str(t.dtype), tuple(t.shape))).encode() + "
        "t.numpy().tobytes())`",
    ),
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
                "return False for a file that is refused, rather than raise "
                f"({refusal})",
            )
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
    half = len(current) // 2
    for other, what in {
        "": "this file is a first model, which replaces none",
        current[:half] + rows[half:]: "this file's parent only begins like `current`",
        rows[:half] + current[half:]: "this file's parent only ends like `current`",
    }.items():
        require(
            not asked(update(parent=other)),
            f"{what}, and you would install it: compare the whole hash",
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


the_current_model = Exercise(
    name="The current model",
    checker=_check_the_current_model,
    takes="file, signer, current, since",
    returns="True or False",
    hints=(
        "`verify` raises a `SealError` for every file that you should not install, if "
        "you tell it all that you expect.",
        'It takes `expected={"parent": ...}` and `not_before=...`.',
        "`try: verify(file, signer=signer, expected=..., not_before=...)`, then "
        "`except SealError: return False`, then `return True`.",
    ),
)


def _check_the_signers_word(answer: Callable[[float, int, int], Any]) -> None:
    fits, high, low = (
        answer(0.5, 505, 1000),
        answer(0.5, 700, 1000),
        answer(0.5, 300, 1000),
    )
    require(
        not fits,
        "505 of 1,000 do not contradict a stated share of 0.5: the interval is wider "
        "than that",
    )
    require(
        high,
        "700 of 1,000 contradict a stated share of 0.5: True means that both cannot "
        "be right",
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
        not answer(0.5, 5160, 10_000) and answer(0.5, 5170, 10_000),
        "5,160 of 10,000 are 3.2 standard errors away and 5,170 are 3.4: the line "
        "between them is at 3.29",
    )
    require(
        not answer(0.5, 7, 10),
        "7 of 10 contradict nothing: with fewer customers the interval is wider",
    )
    require(
        answer(0.02, 40, 1000),
        "a stated share of 0.02 has a small standard error: its own share is under "
        "the root",
    )


the_signers_word = Exercise(
    name="The signer's word",
    checker=_check_the_signers_word,
    takes="stated, k, n",
    returns="True or False",
    hints=(
        "Compare the distance between the two shares with 3.29 standard errors.",
        "The standard error of the share, if the statement is right: `(stated * (1 - "
        "stated) / n) ** 0.5`.",
        "`return abs(k / n - stated) > 3.29 * (stated * (1 - stated) / n) ** 0.5`",
    ),
)
