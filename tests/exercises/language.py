"""Right and wrong answers, and alterations: language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.exercises.language import Score


def _merge(
    tokens: Any, values: Any, join: Callable[[float, float], float], skip: bool = True
) -> list[Any]:
    words: list[Any] = []
    for token, value in zip(tokens, values, strict=True):
        if token.startswith("##"):
            words[-1] = (words[-1][0] + token[2:], join(words[-1][1], value))
        elif not (skip and token in ("[CLS]", "[SEP]", "[PAD]")):
            words.append((token, value))
    return words


def _without(text: str, i: int) -> str:
    words = text.split()
    return " ".join(words[:i] + words[i + 1 :])


def _swapped(text: str, swaps: dict[str, str]) -> str:
    return " ".join(swaps.get(word, word) for word in text.split())


def _one_after_the_other(text: str, swaps: dict[str, str]) -> str:
    for old, new in swaps.items():
        text = text.replace(old, new)
    return text


def _gap(score: Score, texts: Any, swap: Callable[[str], str]) -> Any:
    return np.mean([score(swap(t)) - score(t) for t in texts if swap(t) != t])


HONEST = {
    "pieces": (
        lambda tokens, values: _merge(tokens, values, lambda a, b: a + b),
        lambda tokens, values: [
            list(pair) for pair in _merge(tokens, np.array(values), lambda a, b: a + b)
        ],
    ),
    "leave_out": (
        lambda score, text: np.array(
            [score(text) - score(_without(text, i)) for i in range(len(text.split()))]
        ),
        lambda score, text: [
            score(text)
            - score(" ".join(w for j, w in enumerate(text.split()) if j != i))
            for i in range(len(text.split()))
        ],
    ),
    "swap": (
        lambda score, texts, swaps: _gap(score, texts, lambda t: _swapped(t, swaps)),
        lambda score, texts, swaps: float(
            sum(score(_swapped(t, swaps)) - score(t) for t in texts)
            / sum(bool(set(t.split()) & set(swaps)) for t in texts)
        ),
    ),
}

WRONG = {
    "pieces": {
        "special tokens stay": lambda tokens, values: _merge(
            tokens, values, lambda a, b: a + b, skip=False
        ),
        "pieces stay apart": lambda tokens, values: [
            p for p in zip(tokens, values, strict=True) if not p[0].startswith("[")
        ],
        "pieces are dropped": lambda tokens, values: [
            p
            for p in zip(tokens, values, strict=True)
            if not p[0].startswith(("[", "##"))
        ],
        "the largest piece": lambda tokens, values: _merge(tokens, values, max),
        "the mean of two": lambda tokens, values: _merge(
            tokens, values, lambda a, b: (a + b) / 2
        ),
        "all that stands in brackets": lambda tokens, values: [
            pair
            for pair in _merge(tokens, values, lambda a, b: a + b)
            if not pair[0].startswith("[")
        ],
    },
    "leave_out": {
        "sign the wrong way round": lambda score, text: [
            score(_without(text, i)) - score(text) for i in range(len(text.split()))
        ],
        "each word by itself": lambda score, text: [
            score(word) for word in text.split()
        ],
        "all of its kind at once": lambda score, text: [
            score(text) - score(" ".join(w for w in text.split() if w != word))
            for word in text.split()
        ],
        "one word less": lambda score, text: [
            score(text) - score(_without(text, i)) for i in range(1, len(text.split()))
        ],
        "everything after the word": lambda score, text: [
            score(text) - score(" ".join(text.split()[:i]))
            for i in range(len(text.split()))
        ],
    },
    "swap": {
        "sign the wrong way round": lambda score, texts, swaps: (
            -_gap(score, texts, lambda t: _swapped(t, swaps))
        ),
        "all texts count": lambda score, texts, swaps: np.mean(
            [score(_swapped(t, swaps)) - score(t) for t in texts]
        ),
        "the sum": lambda score, texts, swaps: sum(
            score(_swapped(t, swaps)) - score(t) for t in texts
        ),
        "one swap after the other": lambda score, texts, swaps: _gap(
            score, texts, lambda t: _one_after_the_other(t, swaps)
        ),
        "the first pair only": lambda score, texts, swaps: _gap(
            score, texts, lambda t: _swapped(t, dict(list(swaps.items())[:1]))
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the order of the words were shuffled": (
        "bert_score = np.mean(says == test.labels)",
        "shuffle = np.random.default_rng(1).permutation\n"
        'i, m = encode([" ".join(shuffle(text.split())) for text in test.texts])\n'
        "bert_score = np.mean(bert(i, attention_mask=m).logits.argmax(1).numpy() == "
        "test.labels)",
    ),
    "Captum started from embeddings of zeros": (
        "baselines=empty[:1, : few.shape[1]], n_steps=n_steps).sum(2)",
        "baselines=0 * few + 4, n_steps=n_steps).sum(2)",
    ),
    "the special tokens had been replaced as well": (
        "margin(input_ids=empty, attention_mask=mask).logits",
        "margin(input_ids=0 * empty + 4, attention_mask=mask).logits",
    ),
    "the shares were dealt out at random": (
        'readings["Integrated Gradients"] = ig.values',
        'readings["Integrated Gradients"] = '
        "torch.from_numpy(np.random.default_rng(1).normal(size=ids.shape))",
    ),
    "the two groups of names were mixed": (
        "for names in (WOMEN, MEN))",
        "for names in (WOMEN[:3] + MEN[:3], MEN[3:] + WOMEN[3:]))",
    ),
    "the shares of the reviews were shuffled": (
        "shares = torch.where(some_ids < 5, 0.0, review_ig.values.abs())",
        "shares = torch.where(some_ids < 5, 0.0, torch.from_numpy(1 + "
        "rng.random(some_ids.shape)).float())",
    ),
}
