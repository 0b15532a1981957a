"""Sentences whose decisive words are planted, graded: what did the network hear?

The label is the opinion on the film: its adjective, turned round by a negation if there
is one. A second clause, with an opinion of its own, says nothing. The evidence is one
or two of twelve words. The network reads five words at a time (a convolution over
embeddings), keeps the strongest answer of each of its detectors, and adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaicourse.attribution import (
    gamma_rule,
    layerwise_relevance,
    occlusion,
    token_gradients,
    token_integrated_gradients,
)
from xaicourse.datasets import simulate_sentences
from xaicourse.datasets.sentences import (
    BAD,
    FILM,
    GOOD,
    MEN,
    NEGATIONS,
    OTHER,
    STRESS,
    WOMEN,
)
from xaicourse.evaluation.faithfulness import deletion_insertion
from xaicourse.evaluation.family import (
    ACCURACY,
    NETWORK,
    SEEN,
    Family,
    Grade,
    grade_seen,
    guess,
)
from xaicourse.networks import train_network

TASKS = ("sentences",)
# words of the sentences that are explained, and of the longest there are
LENGTH, LONGEST = 12, 15
WORDS = {
    word: i
    for i, word in enumerate(
        [
            *["[PAD]", "said", "the", "was", "but", "and"],
            *[*WOMEN, *MEN, *FILM, *OTHER, *GOOD, *BAD, *NEGATIONS, *STRESS],
        ]
    )
}


class Reader(nn.Module):
    """Five embeddings at a time to 32 detectors, the strongest answer of each, and 32
    mixtures to two logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.detect, self.mix, self.head = (
            nn.Conv1d(16, 32, 5, padding=2),
            nn.Linear(32, 32),
            nn.Linear(32, 2),
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        """Map embeddings (n, length, 16) to logits (n, 2)."""
        found: Tensor = (
            torch.relu(self.detect(embeddings.transpose(1, 2))).max(2).values
        )
        logits: Tensor = self.head(torch.relu(self.mix(found)))
        return logits


class TextNetwork(nn.Module):
    """A reader behind a table of embeddings, called as a model of `transformers` is;
    padding is a row of zeros.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table, self.read = nn.Embedding(len(WORDS), 16, padding_idx=0), Reader()

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the table."""
        return self.table

    def forward(
        self,
        input_ids: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        # the attribution of tokens cuts the padding off
        attention_mask: Tensor | None = None,  # noqa: ARG002
    ) -> SimpleNamespace:
        """Return an object with ``logits``, of word ids or of embeddings."""
        return SimpleNamespace(
            logits=self.read(
                self.table(input_ids) if inputs_embeds is None else inputs_embeds
            )
        )


Method = Callable[[TextNetwork, Tensor, Tensor, np.random.Generator], Tensor]
METHODS: dict[str, Method] = {  # of a network, word ids, classes and a generator
    "random": lambda _, ids, __, rng: guess(ids.float(), rng),
    "gradient norm": lambda net, ids, y, _: token_gradients(net, ids, target=y).norm,
    "gradient × embedding": lambda net, ids, y, _: (
        token_gradients(net, ids, target=y).times_input
    ),
    "Integrated Gradients": lambda net, ids, y, _: (
        token_integrated_gradients(net, ids, target=y, n_steps=16).values
    ),
    "LRP": lambda net, ids, y, _: layerwise_relevance(
        net.read, net.table(ids), target=y, rule=gamma_rule()
    ).values.sum(2),
    "occlusion": lambda net, ids, y, _: occlusion(
        net.read, net.table(ids), window=(1, 16), target=y
    )[:, :, 0],
}


def draw(n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, NDArray[np.bool_]]:
    """Draw sentences as word ids (n, 15), their labels, and where their decisive words
    stand.

    Examples
    --------
    >>> ids, labels, decisive = draw(200, np.random.default_rng(0))
    >>> ids.shape, bool((ids[decisive] > 5).all())
    (torch.Size([200, 15]), True)
    """
    sentences = simulate_sentences(n, seed=rng)
    ids, decisive = (
        torch.zeros(n, LONGEST, dtype=torch.long),
        np.zeros((n, LONGEST), bool),
    )
    for i, text in enumerate(sentences.texts):
        words = [WORDS[word] for word in text.split()]
        ids[i, : len(words)] = torch.tensor(words)
        decisive[i, list(sentences.truth.decisive[i])] = True
    return ids, torch.from_numpy(sentences.labels), decisive


def grade_seeds(
    task: str, seeds: Sequence[int], *, n_train: int = 1400, n_rows: int = 16
) -> Iterator[Grade]:
    """Train one network a seed, explain its labels by every method, and grade the
    explanations.
    """
    for seed in seeds:
        rng = np.random.default_rng([200 + TASKS.index(task), seed])
        ids, y, _ = draw(n_train, rng)
        net = train_network(
            TextNetwork,
            ids,
            y,
            max_epochs=6,
            batch_size=50,
            learning_rate=1e-2,
            seed=seed,
        )
        ids, y, decisive = draw(400, rng)
        rows = ((ids > 0).sum(1) == LENGTH).nonzero()[:, 0]
        ids, y, decisive = ids[rows, :LENGTH], y[rows], decisive[rows.numpy(), :LENGTH]
        yield (
            seed,
            NETWORK,
            ACCURACY,
            float((net(ids).logits.argmax(1) == y).double().mean()),
        )
        ids, y, decisive = ids[:n_rows], y[:n_rows], decisive[:n_rows]
        gain = partial(_gain, net, ids, y)
        yield from grade_seen(
            seed, net, ids, decisive, METHODS, arguments=(y, rng), gain=gain, rng=rng
        )


def _gain(net: TextNetwork, ids: Tensor, y: Tensor, values: Tensor) -> Tensor:
    """How faithful values are to the network, deleting whole words."""
    embeddings = net.table(ids)
    words = torch.arange(LENGTH)[:, None].expand(embeddings.shape[1:])
    gain: Tensor = deletion_insertion(
        lambda z: net.read(z).softmax(1),
        embeddings,
        # a word's parts are deleted together
        (values / 16)[:, :, None].expand_as(embeddings),
        target=y,
        feature_mask=words,
    ).gain
    return gain


FAMILY = Family(TASKS, tuple(METHODS), SEEN, grade_seeds)
