"""Sealing: every changed byte is refused, lies cost no memory, nothing but its own
error comes out, and bits stay bits.

`XAICOURSE_FUZZ_SECONDS=60 pytest tests/test_sealing.py -k fuzz` fuzzes for as long.
"""

import datetime
import hashlib
import json
import os
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xaicourse.sealing import (
    Manifest,
    SealError,
    fingerprint,
    open_sealed,
    read_private_key,
    seal,
    verify,
    write_private_key,
)
from xaicourse.sealing.manifest import payload_of
from xaicourse.sealing.sealed import _assemble

SIGNER, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
RECIPIENT, STRANGER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
TRAINING = fingerprint({"X": np.eye(3), "y": np.arange(3)})
MB = 2**20


def sealed_file(state=None, signer=SIGNER, recipient=RECIPIENT, **more):
    entries = {
        "architecture": "mlp(3, [2])",
        "training_data": TRAINING,
        "metrics": {"accuracy": 0.75, "gap": 0.02},
        "date": datetime.date(2026, 2, 1),
    }
    state = {"w": torch.tensor([[1.0, -2.0]])} if state is None else state
    return seal(
        state, **(entries | more), signer=signer, recipient=recipient.public_key()
    )


def opened(sealed, **more):
    return open_sealed(
        sealed, **({"recipient": RECIPIENT, "signer": SIGNER.public_key()} | more)
    )


def forged(payload=None, compressed=None, text=None, **lies):
    """A file whose signature is right although its content is not: what a careless or
    hostile signer may make.
    """
    payload = payload_of({"w": torch.ones(3)}) if payload is None else payload
    compressed = zlib.compress(payload) if compressed is None else compressed
    honest = {
        "architecture": "",
        "training_data": TRAINING,
        "metrics": {},
        "date": "2026-02-01",
        "parent": "",
        "serial": 0,
        "state": hashlib.sha256(payload).hexdigest(),
        "payload_bytes": len(payload),
    }
    if text is None:
        text = json.dumps(honest | lies, sort_keys=True, separators=(",", ":")).encode()
    return _assemble(text, compressed, SIGNER, RECIPIENT.public_key())


def resigned(body):
    """The file with its length and signature put right again."""
    body = body[:12] + struct.pack(">Q", len(body) + 64) + body[20:]
    return body + SIGNER.sign(body)


def network():
    """Weights, buffers, and a counter of another type."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)
        )
        for _ in range(3):
            net(torch.randn(8, 3) + 5)
    return net


# --- published bytes
# --------------------------------------------------------------------------------------


def test_the_payload_is_the_published_safetensors_file():
    expected = (
        b'@\0\0\0\0\0\0\0{"test":{"dtype":"I32","shape":[2,2],'
        b'"data_offsets":[0,16]}}    ' + bytes(16)
    )
    zeros = torch.zeros(2, 2, dtype=torch.int32)
    assert payload_of({"test": zeros}) == expected
    assert fingerprint({"test": zeros}) == hashlib.sha256(expected).hexdigest()
    assert payload_of({"test": zeros.float()}) != expected, (
        "a mutant that forgot the type would be seen"
    )


# --- the fingerprint
# --------------------------------------------------------------------------------------


def test_the_fingerprint_covers_names_types_shapes_values_and_buffers():
    state = network().state_dict()
    whole = fingerprint(state)
    assert whole == fingerprint(dict(reversed(state.items()))), (
        "the order of the names is no content"
    )
    others = {
        "a weight in its last bit": state
        | {"0.bias": torch.nextafter(state["0.bias"], torch.tensor(torch.inf))},
        "a buffer": state | {"1.running_mean": state["1.running_mean"] + 1},
        "a counter": state
        | {"1.num_batches_tracked": state["1.num_batches_tracked"] + 1},
        "a type": state | {"0.bias": state["0.bias"].double()},
        "a shape": state
        | {"0.weight": state["0.weight"].T.contiguous().view(3, 4).reshape(2, 6)},
        "two names": {**state, "0.bias": state["1.bias"], "1.bias": state["0.bias"]},
    }
    assert (
        len({whole, *(fingerprint(other) for other in others.values())})
        == len(others) + 1
    )


def test_the_sources_hash_misses_what_ours_sees():
    """The mutant: raw bytes of the parameters, as the source hashed them."""

    def source_hash(net):
        digest = hashlib.sha256()
        for parameter in net.parameters():
            digest.update(parameter.data.numpy())
        return digest.hexdigest()

    one, two = network(), network()
    two[1].running_var.mul_(100)
    assert source_hash(one) == source_hash(two)
    assert fingerprint(one.state_dict()) != fingerprint(two.state_dict())


def test_arrays_and_tensors_have_one_fingerprint():
    table = np.arange(6.0).reshape(2, 3)
    assert fingerprint({"X": table}) == fingerprint({"X": torch.from_numpy(table)})
    assert fingerprint({"X": table[:, ::-1]}) == fingerprint(
        {"X": table[:, ::-1].copy()}
    )


def test_the_fingerprint_tells_a_number_from_a_list_of_one_and_refuses_masks():
    alone, listed = (
        fingerprint({"a": np.array(3.0)}),
        fingerprint({"a": np.array([3.0])}),
    )
    assert alone == fingerprint({"a": torch.tensor(3.0, dtype=torch.float64)})
    assert listed == fingerprint({"a": torch.tensor([3.0], dtype=torch.float64)})
    assert alone != listed
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(TypeError, match=r"got 'a' \(MaskedArray\), expected arrays"):
        fingerprint({"a": masked})


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ({}, ValueError, "tensors: got none"),
        ({"a": 1.0}, TypeError, "expected arrays by name"),
        ({"__metadata__": torch.ones(1)}, TypeError, "'__metadata__'"),
        ({3: torch.ones(1)}, TypeError, "got 3"),
        ({"a": np.array(["x"])}, TypeError, "can't convert"),
        (
            {"a": torch.ones(2, 2).to_sparse()},
            ValueError,
            "safetensors cannot write them",
        ),
        (
            {"a": torch.ones(2, dtype=torch.complex128)},
            ValueError,
            "safetensors cannot write them",
        ),
    ],
)
def test_what_cannot_be_hashed_is_named(tensors, error, message):
    with pytest.raises(error, match=message):
        fingerprint(tensors)


# --- the round trip
# --------------------------------------------------------------------------------------

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int8,
    torch.uint8,
    torch.bool,
]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 4), max_size=3),
)
def test_the_round_trip_is_exact_to_the_bit(seed, dtype, shape):
    """Random bits: NaNs with a payload, infinities and negative zeros among them."""
    size = torch.empty(0, dtype=dtype).element_size()
    raw = np.random.default_rng(seed).integers(
        0, 2 if dtype == torch.bool else 256, size=size * int(np.prod(shape))
    )
    tensor = (
        torch.from_numpy(raw.astype(np.uint8)).view(dtype).reshape(shape)
        if raw.size
        else torch.empty(shape)
    )
    back = opened(sealed_file({"a": tensor, "b.c": tensor[..., None]})).state
    assert list(back) == ["a", "b.c"]
    assert (back["a"].dtype, back["a"].shape) == (tensor.dtype, tensor.shape)
    assert payload_of(back) == payload_of({"a": tensor, "b.c": tensor[..., None]})


def test_a_network_comes_back_and_the_original_is_untouched():
    net = network().train()
    net[0].weight.grad = torch.ones(4, 3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    random = torch.get_rng_state()
    file = opened(sealed_file(net.state_dict(), architecture=str(net)))
    assert torch.equal(torch.get_rng_state(), random)
    assert net.training
    assert torch.equal(net[0].weight.grad, torch.ones(4, 3))
    assert all(
        torch.equal(value, before[name]) for name, value in net.state_dict().items()
    )
    other = network()
    nn.init.zeros_(other[0].weight)
    other.load_state_dict(file.state)
    assert (
        fingerprint(other.state_dict())
        == file.manifest.state
        == fingerprint(net.state_dict())
    )
    rows = torch.randn(5, 3)
    assert torch.equal(other.eval()(rows), net.eval()(rows))


def test_tied_and_transposed_weights_can_be_sealed():
    weight = torch.arange(6.0).reshape(2, 3)
    back = opened(
        sealed_file({"encoder": weight, "decoder": weight, "turned": weight.T})
    ).state
    assert torch.equal(back["encoder"], weight)
    assert torch.equal(back["decoder"], weight)
    assert torch.equal(back["turned"], weight.T)


def test_the_manifest_is_readable_and_complete_without_a_key():
    state, parent = {"w": torch.ones(2)}, fingerprint({"w": torch.zeros(2)})
    file = sealed_file(state, parent=parent)
    assert verify(file, signer=SIGNER.public_key()) == opened(file).manifest
    assert verify(file, signer=SIGNER.public_key()) == Manifest(
        architecture="mlp(3, [2])",
        training_data=TRAINING,
        metrics={"accuracy": 0.75, "gap": 0.02},
        date=datetime.date(2026, 2, 1),
        parent=parent,
        serial=0,
        state=fingerprint(state),
        payload_bytes=len(payload_of(state)),
    )


def test_the_same_state_is_never_the_same_file_and_holds_no_weight_in_the_clear():
    state = {"secret_layer": torch.full((100,), 1.5)}
    one, two = sealed_file(state), sealed_file(state)
    assert one != two
    assert b"secret_layer" not in one
    assert b"secret_layer" in payload_of(state)


# --- tampering
# --------------------------------------------------------------------------------------


def test_every_flipped_bit_pattern_of_every_byte_is_refused():
    file = sealed_file()
    opened(file)
    for place in range(len(file)):
        for flip in (0x01, 0x80, 0xFF):
            changed = file[:place] + bytes([file[place] ^ flip]) + file[place + 1 :]
            with pytest.raises(SealError):
                opened(changed)
            with pytest.raises(SealError):
                verify(changed, signer=SIGNER.public_key())


def test_every_truncation_and_an_extension_are_refused_by_name():
    file = sealed_file()
    for length in range(len(file)):
        with pytest.raises(SealError, match=r"no sealed model|it is cut"):
            opened(file[:length])
    for more in (b"\0", file[-64:], file):
        with pytest.raises(SealError, match="extended"):
            opened(file + more)


def sections(file):
    end = 20 + struct.unpack_from(">I", file, 8)[0]
    return [
        file[:20],
        file[20:end],
        file[end : end + 32],
        file[end + 32 : -64],
        file[-64:],
    ]


def test_swapped_sections_are_refused_even_when_signed_again():
    one, two = sealed_file(), sealed_file({"w": torch.tensor([[9.0, 9.0]])})
    for i in range(1, 5):
        mixed = sections(one)
        mixed[i] = sections(two)[i]
        with pytest.raises(SealError, match=r"signature is wrong|it is cut"):
            opened(b"".join(mixed))
        # the manifest, the key and the content are bound to one another by the cipher
        # too
        if i in (1, 2, 3):
            with pytest.raises(SealError, match="does not open"):
                opened(resigned(b"".join(mixed[:4])))
    for i, j in ((1, 2), (2, 3), (3, 4)):
        mixed = sections(one)
        mixed[i], mixed[j] = mixed[j], mixed[i]
        with pytest.raises(SealError):
            opened(b"".join(mixed))


def test_a_wrong_key_a_wrong_signer_and_a_newer_version_are_named():
    file = sealed_file()
    with pytest.raises(SealError, match="recipient: this private key does not open"):
        opened(file, recipient=STRANGER)
    with pytest.raises(SealError, match="somebody else has signed"):
        opened(file, signer=OTHER.public_key())
    with pytest.raises(SealError, match="somebody else has signed"):
        opened(sealed_file(signer=OTHER))
    for version in (0, 1, 3):
        with pytest.raises(
            SealError, match=f"of version {version}; this reader knows version 2 only"
        ):
            opened(file[:7] + bytes([version]) + file[8:])
    for nothing in (b"", b"XAISEAL", b"PK\x03\x04" + bytes(100)):
        with pytest.raises(SealError, match="no sealed model"):
            opened(nothing)


def test_nobody_can_sign_anothers_secret_as_their_own():
    body = sealed_file()[:-64]
    with pytest.raises(SealError, match="does not open"):
        opened(body + OTHER.sign(body), signer=OTHER.public_key())


def test_an_ephemeral_key_of_low_order_is_refused():
    parts = sections(sealed_file())
    parts[2] = bytes(32)  # every exchange with this point gives the same secret: zero
    with pytest.raises(SealError, match="does not open"):
        opened(resigned(b"".join(parts[:4])))


def test_a_replayed_file_is_well_signed_and_refused_by_what_the_opener_expects():
    first = sealed_file({"w": torch.zeros(2)}, date=datetime.date(2026, 1, 1))
    old = opened(first).manifest
    second = sealed_file({"w": torch.ones(2)}, parent=old.state)
    current = {
        "expected": {"parent": old.state},
        "not_before": datetime.date(2026, 2, 1),
    }
    opened(second, **current)
    opened(first)  # nothing in the file itself says that it has been replaced
    with pytest.raises(SealError, match="parent: the manifest says ''"):
        opened(first, expected=current["expected"])
    with pytest.raises(
        SealError,
        match="date: the seal is of 2026-01-01, accepted are seals from 2026-02-01",
    ):
        opened(first, not_before=current["not_before"])
    with pytest.raises(SealError, match="training_data"):
        verify(second, signer=SIGNER.public_key(), expected={"training_data": "0" * 64})
    with pytest.raises(ValueError, match="expected: got 'colour', which is no entry"):
        opened(first, expected={"colour": "red"})


def test_a_withdrawn_file_is_told_from_its_replacement_by_its_number():
    same = {"parent": "a" * 64, "date": datetime.date(2026, 3, 1)}
    withdrawn = sealed_file({"w": torch.zeros(2)}, serial=4, **same)
    replacement = sealed_file({"w": torch.ones(2)}, serial=5, **same)
    current = {"expected": {"parent": same["parent"]}, "not_before": same["date"]}
    for file in (withdrawn, replacement):
        opened(file, **current)
    assert opened(replacement, after=4, **current).manifest.serial == 5
    with pytest.raises(
        SealError,
        match="serial: the seal is number 4, accepted are seals after number 4",
    ):
        opened(withdrawn, after=4, **current)
    with pytest.raises(ValueError, match="serial: got -1, expected a whole number"):
        sealed_file(serial=-1)


def test_a_moment_is_no_date():
    moment = datetime.datetime(2026, 1, 1)
    with pytest.raises(TypeError, match=r"^not_before: got datetime.datetime\("):
        opened(sealed_file(), not_before=moment)


def test_opening_takes_three_times_the_stated_size_beside_the_file():
    random = np.random.default_rng(0).integers(256, size=8 * MB, dtype=np.uint8)
    file = sealed_file({"w": torch.from_numpy(random)})
    tracemalloc.start()
    opened(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.1 * 8 * MB  # four times, were what has been used not let go


# --- lies about lengths
# --------------------------------------------------------------------------------------


def memory_of(call):
    tracemalloc.start()
    with pytest.raises(SealError) as refusal:
        call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, str(refusal.value)


LIE = 100 * MB
PAYLOAD = payload_of({"w": torch.ones(3)})
HEADER = b'{"w":{"dtype":"U8","shape":[104857600],"data_offsets":[0,104857600]}}'
LIARS = {
    "length of the file": lambda file: file[:12] + struct.pack(">Q", LIE) + file[20:],
    "length of the manifest": lambda file: (
        file[:8] + struct.pack(">I", LIE) + file[12:]
    ),
    "length of the manifest, signed": lambda file: resigned(
        file[:8] + struct.pack(">I", LIE) + file[12:-64]
    ),
    "size of the payload, signed": lambda _: forged(payload_bytes=LIE),
    "an absurd size, signed": lambda _: forged(payload_bytes=2**80),
    "length of the header of safetensors, signed": lambda _: forged(
        struct.pack("<Q", LIE) + PAYLOAD[8:]
    ),
    "shape of a tensor, signed": lambda _: forged(
        struct.pack("<Q", len(HEADER)) + HEADER
    ),
}


@pytest.mark.parametrize("lie", LIARS)
def test_a_lie_of_100_mb_costs_no_memory(lie):
    file = LIARS[lie](sealed_file())
    peak, message = memory_of(lambda: opened(file))
    assert peak < MB, f"{peak / MB:.1f} MB: {message}"


def test_a_bomb_costs_no_more_than_what_was_signed_and_the_measure_would_see_it():
    bomb = zlib.compress(PAYLOAD + bytes(LIE))
    file = forged(PAYLOAD, bomb, payload_bytes=len(PAYLOAD))
    peak, message = memory_of(lambda: opened(file))
    assert peak < MB, f"{peak / MB:.1f} MB: {message}"

    def carelessly():
        raise SealError(len(zlib.decompress(bomb)))

    assert memory_of(carelessly)[0] > LIE


# --- a signer who cannot be trusted with the format
# ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (lambda: forged(payload=b"no safetensors"), "is no safetensors file"),
        (lambda: forged(compressed=b"no zlib"), "cannot be decompressed"),
        (
            lambda: forged(
                compressed=zlib.compress(payload_of({"w": torch.ones(3)})) + b"more"
            ),
            "does not have",
        ),
        (
            lambda: forged(
                compressed=zlib.compress(payload_of({"w": torch.ones(3)}))[:-5]
            ),
            "does not have",
        ),
        (lambda: forged(state="0" * 64), "not the state that its manifest names"),
        (lambda: forged(text=b"[" * 60_000), "manifest cannot be read"),
        (lambda: forged(text=b"\xff"), "manifest cannot be read"),
        (lambda: forged(text=b"7"), "manifest cannot be read"),
        (lambda: forged(more=1), "manifest cannot be read"),
        (lambda: forged(date="2026-W05-7"), "not the text"),
        (lambda: forged(date=20260201), "manifest cannot be read"),
        (lambda: forged(metrics={"a": float("nan")}), "metrics"),
        (lambda: forged(metrics={"a": 10**400}), "manifest cannot be read"),
        (lambda: forged(metrics=[1]), "metrics"),
        (lambda: forged(parent="abc"), "parent"),
        (lambda: forged(payload_bytes=-1), "payload_bytes"),
        (lambda: forged(payload_bytes=True), "payload_bytes"),
    ],
)
def test_signed_nonsense_is_an_error_of_ours(file, message):
    with pytest.raises(SealError, match=message):
        opened(file())


def mutated(rng, data):
    """`data` with a few bytes changed, removed, doubled or inserted."""
    changed = bytearray(data)
    while changed == data:
        for _ in range(rng.integers(1, 4)):
            place, many = int(rng.integers(len(changed) or 1)), int(rng.integers(1, 9))
            kind = rng.integers(4)
            if kind == 0 and changed:
                changed[place] ^= int(rng.integers(1, 256))
            elif kind == 1:
                del changed[place : place + many]
            else:
                changed[place:place] = (
                    changed[place : place + many] if kind == 2 else rng.bytes(many)
                )
    return bytes(changed)


def test_fuzzing_finds_nothing_but_the_readers_own_error():
    """From outside, and, signed each time, in every layer: file, manifest, compressed
    and plain payload.
    """
    seconds = float(os.environ.get("XAICOURSE_FUZZ_SECONDS", "2"))
    rng = np.random.default_rng(None if seconds > 2 else 0)
    state = {
        "w": torch.arange(6.0).reshape(2, 3),
        "n": torch.tensor(3),
        "b": torch.ones(2, dtype=torch.bfloat16),
    }
    payload = payload_of(state)
    manifest = opened(sealed_file(state)).manifest.to_bytes()
    layers = {
        "file": lambda: mutated(rng, sealed_file(state)),
        "signed file": lambda: resigned(
            mutated(rng, sealed_file(state)[:-64]).ljust(20, b"\0")
        ),
        "manifest": lambda: forged(payload, text=mutated(rng, manifest)),
        "compressed": lambda: forged(payload, mutated(rng, zlib.compress(payload))),
        "payload": lambda: forged(mutated(rng, payload)),
        "header": lambda: forged(
            mutated(rng, payload[: 8 + payload[0]]) + payload[8 + payload[0] :]
        ),
    }
    tried, refused = dict.fromkeys(layers, 0), dict.fromkeys(layers, 0)
    end = time.process_time() + seconds
    while time.process_time() < end:
        for name, make in layers.items():
            file = make()
            tried[name] += 1
            try:
                opened(file)
            except SealError:
                refused[name] += 1
    print(f"fuzzing: tried {tried}, refused {refused}")
    assert min(tried.values()) > 20
    assert refused["file"] == tried["file"]


# --- what may not be sealed
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            {"training_data": "adult.data"},
            ValueError,
            "training_data: got 'adult.data', expected a SHA-256",
        ),
        ({"parent": "1"}, ValueError, "parent"),
        ({"metrics": {"accuracy": float("nan")}}, ValueError, "metrics: got"),
        ({"metrics": {"accuracy": "high"}}, ValueError, "metrics: got"),
        ({"date": "2026-02-01"}, TypeError, "date: got '2026-02-01'"),
        ({"date": datetime.datetime(2026, 2, 1)}, TypeError, "date: got"),
        ({"architecture": None}, TypeError, "architecture: got NoneType"),
        ({"state": {}}, ValueError, "state: got none"),
        (
            {"signer": SIGNER.public_key()},
            TypeError,
            "signer: got Ed25519PublicKey, expected Ed25519PrivateKey",
        ),
    ],
)
def test_a_bad_manifest_cannot_be_sealed(wrong, error, message):
    with pytest.raises(error, match=message):
        sealed_file(**wrong)


def test_arguments_of_the_wrong_kind_are_named():
    file = sealed_file()
    with pytest.raises(TypeError, match="sealed: got str, expected bytes"):
        opened("file")
    with pytest.raises(
        TypeError, match="recipient: got X25519PublicKey, expected X25519PrivateKey"
    ):
        opened(file, recipient=RECIPIENT.public_key())
    with pytest.raises(
        TypeError, match="signer: got Ed25519PrivateKey, expected Ed25519PublicKey"
    ):
        verify(file, signer=SIGNER)


# --- keys at rest
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [SIGNER, RECIPIENT])
def test_a_private_key_comes_back_from_a_file_that_is_closed_to_others(tmp_path, key):
    path = tmp_path / "key"
    umask = os.umask(0)
    try:
        write_private_key(path, key, "correct horse")
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.private_bytes_raw() not in path.read_bytes()
    back = read_private_key(path, "correct horse")
    assert type(back) is type(key)
    assert back.private_bytes_raw() == key.private_bytes_raw()


def test_a_key_is_not_overwritten_and_not_read_when_others_can(tmp_path):
    path = tmp_path / "key"
    write_private_key(path, SIGNER, "one")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_private_key(path, OTHER, "two")
    assert path.read_bytes() == before
    with pytest.raises(SealError, match="the passphrase is wrong"):
        read_private_key(path, "two")
    with pytest.raises(ValueError, match="passphrase: got an empty one"):
        write_private_key(tmp_path / "other", OTHER, "")
    assert not (tmp_path / "other").exists()
    path.chmod(0o644)
    with pytest.raises(SealError, match="others may read this private key"):
        read_private_key(path, "one")


def test_a_damaged_key_is_refused(tmp_path):
    path = tmp_path / "key"
    write_private_key(path, SIGNER, "one")
    good = path.read_bytes()
    for place in (0, 6, 8, 12, 30, len(good) - 1):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(SealError, match=r"no private key|was changed"):
            read_private_key(path, "one")
    path.write_bytes(good[:-1])
    with pytest.raises(SealError, match="no private key"):
        read_private_key(path, "one")


def test_a_key_that_could_not_be_read_is_not_written(tmp_path):
    message = r"^key: got Ed448PrivateKey, expected an Ed25519"
    with pytest.raises(TypeError, match=message):
        write_private_key(tmp_path / "key", Ed448PrivateKey.generate(), "secret")
    assert not (tmp_path / "key").exists()


def test_a_passphrase_is_the_same_in_one_character_or_two(tmp_path):
    write_private_key(tmp_path / "key", SIGNER, "caf\u00e9")
    read = read_private_key(tmp_path / "key", "cafe\u0301")
    assert read.private_bytes_raw() == SIGNER.private_bytes_raw()
    with pytest.raises(SealError, match="the passphrase is wrong"):
        read_private_key(tmp_path / "key", "cafe")
