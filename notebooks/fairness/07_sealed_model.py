# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # What a seal proves
#
# Hash, signature and encryption of an audited model
#
# > **After this notebook you can**
# >
# > - say what a hash, a signature and encryption each prove about a model, and what none of them does
# > - find the hole in a scheme by attacking it
# > - seal a model, verify the seal without a key, and open it without running anybody's code
# > - tie a model to the rows it was trained on and to the model that it replaces
#
# **20 minutes**, and 25 for the exercises · builds on a first course in machine learning · data: simulated customers of an insurer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# In March an auditor examines the model by which an insurer accepts customers, and finds that it does not treat a
# religious minority worse than everybody else. In June a customer of that minority is turned down, and goes to court. The insurer hands over a file and
# says: this is the model that was audited.
#
# Is it? And if it is, was the customer treated fairly? These are two questions, and this notebook is about the distance between
# them. A student's project on fair insurance answered them in one breath:
#
# > Here we are going to save the model that we have trained in an encrypted file so that it is not able to be tampered with.
# > Additionally, we are able to hash the model to figure out whether it has been trained beyond some verifiable state of
# > unbiased nature.

# %% tags=["setup"]
import datetime
import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from scipy.stats import norm
from torch import nn

from xaicourse.datasets.portfolio import simulate_portfolio
from xaicourse.exercises import sealed_model as exercises
from xaicourse.networks import mlp, train_mlps
from xaicourse.plotting import bars, dots, heat_map, pictures
from xaicourse.sealing import (
    SealError,
    fingerprint,
    open_sealed,
    read_private_key,
    seal,
    verify,
    write_private_key,
)
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
    table,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The audited model
#
# The customers are invented, so the truth is known: in the records of this portfolio nobody was treated worse for their
# religion, and religion is in no column. (Names and districts tell it all the same.) A small network learns the decisions. It
# standardises the columns with means and scales that are *buffers*: part of the model, and no parameters.
#
# The audit takes every held-out customer twice: once with what a member of the majority would have written into the form, once with
# what a member of the minority would have, all else and all chance being equal. Only a simulation can do that.


# %% tags=["live:train the model"]
class Standardised(nn.Module):
    """A network and the standardisation of its inputs."""

    def __init__(self, network, mean, scale):
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x):
        return self.network((x - self.mean) / self.scale)[:, 0]


def numbers(customers):
    """A column for each number and each category."""
    return pd.get_dummies(customers).to_numpy(np.float32)


def train(X, y):
    """The same rows give the same network: all chance comes from the seed."""
    mean, scale = X.mean(0), X.std(0) + 1e-6
    [network] = train_mlps((X - mean) / scale, y, hidden=[16], seeds=[seed], max_epochs=6, batch_size=128)
    return Standardised(network, torch.from_numpy(mean), torch.from_numpy(scale))


# %% tags=["live:audit it"]
portfolio = simulate_portfolio(against_religion=0.0, against_politics=0.0, seed=seed)
X, y, test = numbers(portfolio.customers), portfolio.accepted.to_numpy(np.int64), portfolio.test
of_majority, of_minority = (numbers(portfolio.truth.twins(religion=r))[test] for r in (0, 1))
model = train(X[~test], y[~test])


def scores(net, of=None):
    """Log-odds of being accepted, of the held-out customers as they are, or as given."""
    with torch.no_grad():
        return net(torch.from_numpy(X[test] if of is None else of)).numpy()


def accepts(net, of=None):
    """Whom a model accepts among them."""
    return scores(net, of) > 0


def gap(net):
    """By how much less the same customers are accepted when taken for the minority, and the standard error."""
    each = accepts(net, of_majority).astype(float) - accepts(net, of_minority)
    return each.mean(), each.std() / np.sqrt(len(each))


audited_accuracy, (audited_gap, audited_error) = np.mean(accepts(model) == y[test]), gap(model)

# %%
n_test = test.sum()
accepted_as = {
    "majority": accepts(model, of_majority).mean(),
    "minority": accepts(model, of_minority).mean(),
}

# %%
say(
    "On {n_test:,} held-out customers the model agrees with the records in "
    "{audited_accuracy:.1%} of the cases. Taken for members of the majority, "
    '{accepted_as["majority"]:.1%} of the customers are accepted; taken for '
    'members of the minority, {accepted_as["minority"]:.1%} of the same '
    "customers are.",
    tolerance=0.01,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A fingerprint
#
# A cryptographic hash turns any file into 256 bits. Nobody knows how to find two files with the same hash. We hash the model's
# state: names, types, shapes and values of all weights and buffers, written as a *safetensors* file. Then we change one weight by
# the smallest amount that its number format knows.

# %% slideshow={"slide_type": "fragment"} tags=["live:change the last bit"]
state = model.state_dict()
weight = state["network.0.weight"].clone()
weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(torch.inf))
touched = state | {"network.0.weight": weight}

bits = np.array(
    [np.unpackbits(np.frombuffer(bytes.fromhex(fingerprint(s)), np.uint8)) for s in (state, touched)], dtype=int
)
n_changed = int((bits[0] != bits[1]).sum())
step = float(abs(weight - state["network.0.weight"]).max())

# %%
two_hashes = pictures(
    {
        "audited model": bits[0].reshape(16, 16),
        "one weight touched": bits[1].reshape(16, 16),
        "where the two differ": (bits[0] != bits[1]).reshape(16, 16),
    }
)

# %%
show(
    two_hashes,
    caption="The 256 bits of two hashes in rows of 16, and where they differ "
    "(bright).",
    alt="Three squares of 16 by 16 bits: two that look random, and their "
    "difference, which looks random too: {n_changed} of 256 bits differ.",
    tolerance=40,
)

# %%
claim(
    "A change of one weight in its last bit changes about half of the hash",
    abs(n_changed - 128) < norm.ppf(0.9995) * 8 + 1 and 0 < step < 1e-6,
    evidence="{n_changed} of 256 bits change, the weight by {step:.0e}",
    tolerance={"n_changed": 40, "step": 1e-6},
    fails_if="the weight were written back as it was",
)

# %% [markdown]
# The hash tells us *that* something changed, and nothing about how much or what for: a touch that no decision will notice and another
# model look alike.
#
# ### What must be under the hash
#
# The project hashed the bytes of `model.parameters()`. Suppose that somebody changes a buffer: the mean age from which the
# network counts.

# %% tags=["live:hash as the project did"]


def project_hash(net):
    digest = hashlib.sha256()
    for parameter in net.parameters():
        digest.update(parameter.detach().numpy())
    return digest.hexdigest()


age = list(pd.get_dummies(portfolio.customers).columns).index("age")
shifted = Standardised(model.network, model.mean.clone(), model.scale)
shifted.mean[age] -= 30  # everybody counts as 30 years older
turned = np.mean(accepts(shifted) != accepts(model))

# %%
characters = zip(project_hash(shifted), project_hash(model))
project_differs = sum(a != b for a, b in characters)
state_before, state_after = model.state_dict(), shifted.state_dict()
state_differs = fingerprint(state_after) != fingerprint(state_before)

# %%
claim(
    "With another mean age the model decides otherwise for {turned:.0%} of "
    "the customers; the hash of the parameters does not notice, that of the "
    "state does",
    turned > 0.02 and project_differs == 0 and state_differs,
    evidence="{project_differs} characters of the project's hash differ",
    tolerance={"turned": 0.03},
    fails_if="the project had hashed the buffers too",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A seal
#
# A hash in the same file as the model proves nothing: whoever changes the model writes a new hash beside it. It must be *signed*. With a
# private key the signer computes 64 bytes that only this key can make, and that anybody can check with the public key.
#
# What is signed is a whole file: a *manifest* in the clear (what the model is, the hash of its training rows, what the audit measured,
# the date, the hash of the model that it replaces) and the state, compressed and encrypted for one recipient.

# %% slideshow={"slide_type": "fragment"} tags=["live:seal the model"]
auditor, court = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()


def sealed_by_auditor(net, date, **more):
    """Seal a network with what the audit found."""
    about = {
        "architecture": str(net),
        "training_data": fingerprint({"X": X[~test], "y": y[~test]}),
        "metrics": {"accuracy": audited_accuracy, "gap": audited_gap},
        "date": date,
        "signer": auditor,
        "recipient": court.public_key(),
    }
    return seal(net.state_dict(), **(about | more))


march = sealed_by_auditor(model, datetime.date(2026, 3, 1))
opened = open_sealed(march, recipient=court, signer=auditor.public_key())

# %%
manifest_bytes = len(opened.manifest.to_bytes())
state_bytes = len(march) - 20 - manifest_bytes - 32 - 64
contents = bars(
    {"bytes": [20, manifest_bytes, 32, state_bytes, 64]},
    [
        "head: version, lengths",
        "manifest, in the clear",
        "one-time key",
        "state, encrypted",
        "signature",
    ],
    value_label="bytes",
    horizontal=True,
    height=2.6,
)

# %%
show(
    contents,
    caption="What is in a sealed file. Only the state is secret, and "
    "everything is signed.",
    alt="Horizontal bars: head 20 bytes, manifest {manifest_bytes}, one-time "
    "key 32, encrypted state {state_bytes:,}, signature 64.",
    tolerance=200,
)

# %%
back = Standardised(mlp(X.shape[1], [16]), torch.zeros(X.shape[1]), torch.ones(X.shape[1]))
back.load_state_dict(opened.state)
difference = float(abs(scores(back) - scores(model)).max())
hash_back, hash_before = fingerprint(back.state_dict()), fingerprint(state)
hash_differs = sum(a != b for a, b in zip(hash_back, hash_before))

# %%
claim(
    "The opened model is the sealed one to the last bit",
    difference == 0 and hash_back == opened.manifest.state == hash_before,
    evidence="its outputs differ by {difference:g} at most, its hash in "
    "{hash_differs} characters",
    fails_if="the opened state were rounded to half precision",
)

# %% [markdown]
# Opening runs no code of the file. The project used `pickle`, where loading a file can execute whatever its author wrote into it; a
# safetensors file holds names, types, shapes and numbers, and nothing to execute.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# A reader of sealed files must refuse every file but the sealed one. We flip each byte, one at a time, and cut the file at every
# length. (The package's tests do more: signed lies about lengths, and a minute of fuzzing.)

# %% slideshow={"slide_type": "slide"} tags=["live:flip every byte"]


def verdict(file, **checks):
    """Open a file and return the first words of the refusal, or "opened"."""
    try:
        open_sealed(file, **({"recipient": court, "signer": auditor.public_key()} | checks))
    except SealError as refusal:
        return str(refusal).split(":")[0]
    return "opened"


def flipped(file, place):
    return file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]


verdicts = {
    "one byte flipped": [verdict(flipped(march, i)) for i in progress("flipping")(range(len(march)))],
    "cut": [verdict(march[:n]) for n in range(len(march))],
    "another recipient": [verdict(march, recipient=X25519PrivateKey.generate())],
    "another signer": [verdict(march, signer=Ed25519PrivateKey.generate().public_key())],
    "another version": [verdict(march[:7] + b"\x03" + march[8:])],
}

# %%
n_opened = {name: found.count("opened") for name, found in verdicts.items()}
readings = pd.DataFrame(
    {
        "files": {name: len(found) for name, found in verdicts.items()},
        "opened": {name: f"{n or 'none'}" for name, n in n_opened.items()},
        "most frequent answer": {
            name: max(set(found), key=found.count)
            for name, found in verdicts.items()
        },
    }
)
all_opened = sum(n_opened.values())

# %%
table(
    readings,
    caption="Files that are not the sealed one, how many of them were opened, "
    "and what the reader says.",
    formats="{:,}",
    tolerance=200,
)
claim(
    "Every single flipped byte and every cut is refused",
    all_opened == 0 and verdict(march) == "opened",
    evidence="{all_opened} of the files were opened",
    fails_if="a flip left the byte as it was",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Attack it
#
# A scheme is judged by its attackers. Six of them try to pass off a file, against four ways to protect it. We run every pair. The
# weakest way is the project's: encryption with the recipient's *public* key, which, as its name says, anybody has.

# %% tags=["live:encrypt as the project did"]


def encrypt_only(content, public_key):
    """What the project did: encrypted and authenticated, and signed by nobody."""
    fresh = X25519PrivateKey.generate()
    key = ChaCha20Poly1305(fresh.exchange(public_key))
    return fresh.public_key().public_bytes_raw() + key.encrypt(bytes(12), content, None)


def opens_encrypted(file):
    try:
        key = court.exchange(X25519PublicKey.from_public_bytes(file[:32]))
        ChaCha20Poly1305(key).decrypt(bytes(12), file[32:], None)
    except (InvalidTag, ValueError):
        return False
    return True


# %% [markdown]
# The attackers need a model of their own. The insurer trains one on the decisions of another year, in which underwriters did
# treat the minority worse.

# %% tags=["live:train an unfair model"]
unfair_portfolio = simulate_portfolio(against_religion=1.5, against_politics=0.0, seed=seed)
X_unfair, y_unfair = numbers(unfair_portfolio.customers), unfair_portfolio.accepted.to_numpy(np.int64)
unfair = train(X_unfair[~test], y_unfair[~test])
unfair_gap, unfair_error = gap(unfair)
february = sealed_by_auditor(unfair, datetime.date(2026, 2, 1))  # an older model, honestly sealed, since replaced
swindler = Ed25519PrivateKey.generate()
forgery = sealed_by_auditor(unfair, datetime.date(2026, 3, 1), signer=swindler)

# %% tags=["live:six attackers"]
other_state = unfair.state_dict()
encrypted, replaced = (encrypt_only(fingerprint(s).encode(), court.public_key()) for s in (state, other_state))
attacks = {  # what is handed over: a state with its hash beside it, an encrypted file, a sealed file
    "flips a byte": (touched, flipped(encrypted, 40), flipped(march, 900)),
    "cuts the file": (dict(list(state.items())[:-1]), encrypted[:-1], march[:-1]),
    "copies the signature": (other_state, replaced, forgery[:-64] + march[-64:]),
    "signs with a key of his own": (other_state, replaced, forgery),
    "replays an older seal": (other_state, replaced, february),
    "had an unfair model sealed": (other_state, replaced, sealed_by_auditor(unfair, datetime.date(2026, 3, 1))),
}


def who_notices(handed_over, encrypted, sealed):
    """Four ways to look at what was handed over."""
    hash_beside = fingerprint(handed_over)  # the attacker computes it anew
    return {
        "hash beside": fingerprint(handed_over) != hash_beside,
        "encryption alone": not opens_encrypted(encrypted),
        "signature": verdict(sealed) != "opened",
        "signature and date": verdict(sealed, not_before=datetime.date(2026, 3, 1)) != "opened",
    }


noticed = pd.DataFrame({name: who_notices(*files) for name, files in attacks.items()}).T.astype(int)

# %%
n_noticed = noticed.sum()
attackers = heat_map(
    noticed.to_numpy(),
    x_label="protection",
    y_label="",
    value_label="1 = noticed",
    x_ticks=[
        "hash beside\nthe model",
        "encryption\nalone",
        "signature",
        "signature\nand a date",
    ],
    y_ticks=list(noticed.index),
    height=3.4,
)

# %%
show(
    attackers,
    caption="Who is noticed by what: every attack was run against every "
    "protection.",
    alt="Six attackers in rows, four protections in columns. A hash beside "
    'the model notices {n_noticed["hash beside"]} attacks, encryption alone '
    '{n_noticed["encryption alone"]}, a signature {n_noticed["signature"]}, '
    'and with an expected date {n_noticed["signature and date"]}. The last '
    "row, an unfair model that was sealed, is noticed by nothing.",
)
claim(
    "Encryption alone notices damage and no forgery, a signature notices "
    "forgeries too, and only what the opener expects notices a replay",
    n_noticed.tolist() == [0, 2, 4, 5],
    evidence="attacks noticed, of six: {n_noticed}",
    fails_if="the opener accepted seals of February too",
)

# %% [markdown]
# An old seal is as genuine as a new one. The file cannot say that it has been replaced; the opener must know what is current: a date, or
# better the hash of the model that the file is to replace, which the manifest names as its `parent`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What no seal proves
#
# The last row of the figure is the customer's second question. The unfair model was sealed, and opens without complaint.

# %% tags=["live:measure both"]
z = norm.ppf(0.9995)
opened_rate, opened_error = {}, {}
for name, file in {"audited in March": march, "also well sealed": attacks["had an unfair model sealed"][2]}.items():
    back.load_state_dict(open_sealed(file, recipient=court, signer=auditor.public_key()).state)
    groups = [accepts(back, of_majority), accepts(back, of_minority)]
    opened_rate[name] = [g.mean() for g in groups]
    opened_error[name] = [1.96 * np.sqrt(g.var() / len(g)) for g in groups]

# %%
both_sealed = dots(
    opened_rate,
    ["as majority", "as minority"],
    intervals=opened_error,
    value_label="share of the held-out customers accepted",
    limits=(0.5, 1),
)
larger = unfair_gap - audited_gap
by_chance = z * np.hypot(unfair_error, audited_error)

# %%
show(
    both_sealed,
    caption="Two models whose seals are in perfect order, with 95 % intervals.",
    alt="Dots. The model audited in March accepts "
    '{opened_rate["audited in March"][0]:.1%} of the customers taken for the '
    'majority and {opened_rate["audited in March"][1]:.1%} of the same '
    "customers taken for the minority; the other one "
    '{opened_rate["also well sealed"][0]:.1%} and '
    '{opened_rate["also well sealed"][1]:.1%}.',
    tolerance=0.02,
)
claim(
    "A model whose gap is larger by {larger:.1%} (percentage points) has a "
    "seal in perfect order",
    larger > by_chance + 0.02
    and verdict(attacks["had an unfair model sealed"][2]) == "opened",
    evidence="by chance it could be larger by {by_chance:.1%} at most",
    tolerance=0.03,
    fails_if="the other model were the audited one",
)

# %% [markdown]
# A matching hash says *unchanged*. Whether what has not changed is fair, only an audit says: groups, metrics, intervals, on rows that
# are like those to come. The manifest carries the auditor's numbers, and they are the auditor's word: whoever has the file and the rows can
# measure again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Tied to its training
#
# There is one thing more that a hash can do. The manifest names the hash of the training rows. If training is deterministic, anybody who
# has the rows and the recipe trains again and compares.

# %% slideshow={"slide_type": "fragment"} tags=["live:train again"]
again = train(X[~test], y[~test])
y_other = y[~test].copy()
y_other[0] = 1 - y_other[0]  # one decision among all
other = train(X[~test], y_other)

# %%
same_state = fingerprint(again.state_dict()) == opened.manifest.state
same_rows = fingerprint({"X": X[~test], "y": y[~test]}) == opened.manifest.training_data
other_state_differs = fingerprint(other.state_dict()) != opened.manifest.state
moved = float(abs(scores(other) - scores(model)).max())

# %%
claim(
    "Training again from the audited rows gives the audited hash; with one "
    "decision of {y_other.size:,} changed it gives another, and moves a score "
    "by {moved:.3f} at most",
    same_state and same_rows and other_state_differs,
    tolerance={"moved": 3},
    fails_if="one row were missing when training again",
)

# %% [markdown]
# So the chain from rows to recipe to state to file can be checked link by link. A bad link shows; that the rows themselves were
# fair, again, does not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Keys
#
# All of this rests on private keys that stay private. The project wrote its private key, unencrypted, into the folder of the model. Here
# a key at rest is encrypted under a passphrase, and its file is closed to everybody else.

# %% tags=["live:put the key away"]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "auditor.key"
    write_private_key(path, auditor, "a long sentence that nobody else would think of")
    mode = f"{path.stat().st_mode & 0o777:03o}"
    n_bytes = len(path.read_bytes())
    taken_up = read_private_key(path, "a long sentence that nobody else would think of")

# %%
say(
    "The key's file has {n_bytes} bytes and the permissions {mode}: its owner "
    "may read and write it, nobody else may do anything."
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Everything under the hash (difficulty 2, 10 minutes)
# Write a hash of a model's state without safetensors. It must change when a name, a type, a shape or a value changes, and must not change
# when the same entries come in another order. `state` maps names to tensors; return a string. (`tensor.numpy().tobytes()` gives the bytes.)


# %% tags=["exercise"]
def hash_of_state(state):
    ### BEGIN SOLUTION
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        head = repr((name, str(tensor.dtype), tuple(tensor.shape))).encode()
        digest.update(len(head).to_bytes(8, "big") + head + tensor.numpy().tobytes())
    return digest.hexdigest()
    ### END SOLUTION


check(exercises.everything_under_the_hash, hash_of_state)  # hint(exercises.everything_under_the_hash) helps, in layers

# %% [markdown]
# ## Exercise 2 — The current model (difficulty 2, 10 minutes)
# A hospital runs a model whose state has the hash `current`. A file arrives. Write a function that returns True when it is an update
# that may be installed: signed by `signer`, sealed on the day `since` or later, and made to replace the model that is running. It
# returns False for every other file, and never raises. (`verify` needs no private key.)


# %% tags=["exercise"]
def may_install(file, signer, current, since):
    ### BEGIN SOLUTION
    try:
        verify(file, signer=signer, expected={"parent": current}, not_before=since)
    except SealError:
        return False
    return True
    ### END SOLUTION


check(exercises.the_current_model, may_install)

# %% [markdown]
# ## Exercise 3 — The signer's word (difficulty 2, 10 minutes)
# A manifest says that the share accepted in a group is `stated`. You open the model, run it on `n` fresh customers of that group and see it
# accept `k`. Write a function that returns True when the statement and your count cannot both be right: when `stated` lies outside the
# 99.9 % interval around your own share, $k/n \pm 3.29 \sqrt{s (1 - s) / n}$, with the stated share $s$ under the root.


# %% tags=["exercise"]
def contradicts(stated, k, n):
    ### BEGIN SOLUTION
    return abs(k / n - stated) > 3.29 * (stated * (1 - stated) / n) ** 0.5
    ### END SOLUTION


check(exercises.the_signers_word, contradicts)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A hash says whether something has changed, if everything that matters is under it. It does not say what changed, or whether it was good.
# - Encryption keeps a model secret; it does not say who made it. A signature does, to those who have the right public key from the right source.
# - An old seal stays valid. What is current, the opener must know.
# - Unchanged is not unbiased. A seal carries an audit's word through time; the audit has to be good on its own.

# %% [markdown]
# ## Where it breaks
#
# - A file that was withdrawn and the one that was sealed in its place, on the same day and for the same parent, both pass exercise 2. A
#   signer who counts the seals (`serial=`) lets an opener ask for one `after=` the last.
# - Who holds the private key can seal anything. A stolen key has to be revoked, and nothing here does that.
# - Training again gives the same bits on the same machine with the same libraries. Another processor may round otherwise, and then the hash
#   differs although nothing is wrong: compare decisions there.
# - The recipient reads the weights, and can copy them. The manifest is public, and with it the hash: who has a guess of the
#   weights can confirm it.
# - The model that is sealed need not be the model that runs. For that the *service* must be checked, not the file.
# - The page *Threat model* of the course lists who can do what to a sealed file, and who cannot.

# %% [markdown]
# ## Further reading
#
# - [Bernstein et al. (2012)](https://doi.org/10.1007/s13389-012-0027-1), *High-speed high-security signatures*: the signature
#   that is used here, by its authors.
# - [Mitchell et al. (2019)](https://arxiv.org/abs/1810.03993), *Model cards for model reporting*: the idea that a model should
#   travel with what is known about it.
# - [Raji et al. (2020)](https://arxiv.org/abs/2001.00973), *Closing the AI accountability gap: defining an end-to-end framework
#   for internal algorithmic auditing*: what an audit has to look at, of which a file is the last and smallest part.
