"""Exercises of the notebook on language, and the alterations under which its claims
fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require

Score = Callable[[str], float]


def _check_pieces(answer: Callable[[Any, Any], Any]) -> None:
    tokens = [
        "[CLS]",
        "a",
        "wonder",
        "##ful",
        "un",
        "##for",
        "##get",
        "##table",
        "film",
        "[SEP]",
        "[PAD]",
    ]
    values = [9.0, 0.5, 2.0, -0.5, 1.0, 2.0, 4.0, 8.0, 3.0, 7.0, 1.0]
    result = [
        (str(word), float(value)) for word, value in answer(list(tokens), list(values))
    ]
    words = [word for word, _ in result]
    require(
        not any(w.startswith("[") for w in words),
        f"special tokens are no words; got {words}",
    )
    require(
        not any("#" in w for w in words),
        f"a piece belongs to the word before, without its ##; got {words}",
    )
    require(
        words == ["a", "wonderful", "unforgettable", "film"],
        f"there are four words; you returned {words}",
    )
    sums = [value for _, value in result]
    require(
        np.allclose(sums, [0.5, 1.5, 15.0, 3.0]),
        f"the values of the pieces are added up: {words[1]} has 2 - 0.5, and so on; "
        f"you returned {sums}",
    )


def _merge(
    tokens: Any, values: Any, join: Callable[[float, float], float], skip: bool = True
) -> list[Any]:
    words: list[Any] = []
    for token, value in zip(tokens, values, strict=True):
        if token.startswith("##"):
            words[-1] = (words[-1][0] + token[2:], join(words[-1][1], value))
        elif not (skip and token.startswith("[")):
            words.append((token, value))
    return words


pieces = Exercise(
    name="Put the pieces together",
    checker=_check_pieces,
    hints=(
        "Go through tokens and values together and keep a list of what you have; which "
        "entry does a piece change?",
        "A piece changes the last entry, `words[-1]`; its text without the first two "
        "characters is `token[2:]`.",
        "`words[-1] = (words[-1][0] + token[2:], words[-1][1] + value)`; else append, "
        "unless the token is special.",
    ),
    honest=(
        lambda tokens, values: _merge(tokens, values, lambda a, b: a + b),
        lambda tokens, values: [
            list(pair) for pair in _merge(tokens, np.array(values), lambda a, b: a + b)
        ],
    ),
    wrong={
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
    },
)


def _toy_score(text: str) -> float:
    words = text.split()
    weights = {"good": 2.0, "bad": -3.0, "she": -0.5, "her": -0.25}
    turned = -1.0 if "not" in words else 1.0
    return turned * sum(weights.get(word, 0.0) for word in words)


def _check_leave_out(answer: Callable[[Score, str], Any]) -> None:
    result = np.asarray(answer(_toy_score, "the film was not good"), dtype=float)
    require(
        result.shape == (5,),
        f"expected one number for each of the 5 words; got shape {result.shape}",
    )
    expected = np.array([0.0, 0, 0, -4, -2])
    require(
        not np.allclose(result, -expected),
        "the sign is the wrong way round: what the score loses is score(text) - "
        "score(text without the word)",
    )
    require(
        not np.allclose(result, [0, 0, 0, 0, 2]),
        "you scored each word by itself, so that the negation had nothing to negate: "
        "score the text without the word",
    )
    require(
        np.allclose(result, expected),
        f"for 'the film was not good' the score falls by {expected.tolist()}; you "
        f"found {result.round(2).tolist()}",
    )
    twice = np.asarray(answer(_toy_score, "good good film"), dtype=float)
    require(
        np.allclose(twice, [2, 2, 0]),
        f"a word that stands twice is left out once at a time: [2, 2, 0] for 'good "
        f"good film', not {twice.tolist()}",
    )


def _without(text: str, i: int) -> str:
    words = text.split()
    return " ".join(words[:i] + words[i + 1 :])


leave_out = Exercise(
    name="Leave one out",
    checker=_check_leave_out,
    hints=(
        "Which text do you score for the third word? All words but the third.",
        '`words[:i] + words[i + 1 :]` are the others; `" ".join(...)` makes a text of '
        "them.",
        "`[score(text) - score(' '.join(words[:i] + words[i + 1 :])) for i in "
        "range(len(words))]`",
    ),
    honest=(
        lambda score, text: np.array(
            [score(text) - score(_without(text, i)) for i in range(len(text.split()))]
        ),
        lambda score, text: [
            score(text)
            - score(" ".join(w for j, w in enumerate(text.split()) if j != i))
            for i in range(len(text.split()))
        ],
    ),
    wrong={
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
)


def _check_swap(answer: Callable[[Score, Any, Any], Any]) -> None:
    texts = ["she is good", "the film is bad", "there she saw her"]
    swaps = {"she": "he", "her": "him"}
    result = float(answer(_toy_score, list(texts), dict(swaps)))
    require(np.isfinite(result), f"expected a number; got {result}")
    require(
        not np.isclose(result, -0.625),
        "the sign is the wrong way round: the swapped text comes first",
    )
    require(
        not np.isclose(result, 1.25 / 3),
        "texts without any of the words cannot change, and thin out the mean: leave "
        "them aside",
    )
    require(
        not np.isclose(result, 1.25),
        "the mean over the texts is asked for, not the sum",
    )
    require(
        np.isclose(result, 0.625),
        f"the two texts with such words gain 0.5 and 0.75, so the mean is 0.625; you "
        f"found {result:.3f}. Swap whole "
        "words, all that are in `swaps`",
    )
    turned = float(answer(_toy_score, ["she saw he"], {"she": "he", "he": "she"}))
    require(
        np.isclose(turned, 0),
        f"swapped both ways at once 'she saw he' keeps its score; you found "
        f"{turned:.3f}",
    )


def _swapped(text: str, swaps: dict[str, str]) -> str:
    return " ".join(swaps.get(word, word) for word in text.split())


def _one_after_the_other(text: str, swaps: dict[str, str]) -> str:
    for old, new in swaps.items():
        text = text.replace(old, new)
    return text


def _gap(score: Score, texts: Any, swap: Callable[[str], str]) -> Any:
    return np.mean([score(swap(t)) - score(t) for t in texts if swap(t) != t])


swap = Exercise(
    name="Swap and compare",
    checker=_check_swap,
    hints=(
        "For one text: split it, put another word in the place of each that is in "
        "`swaps`, join, score.",
        "`swaps.get(word, word)` is the other word, or the word itself. Which texts "
        "has this changed?",
        '`new = " ".join(swaps.get(w, w) for w in text.split())`; take the mean of '
        "`score(new) - score(text)` where "
        "`new != text`.",
    ),
    honest=(
        lambda score, texts, swaps: _gap(score, texts, lambda t: _swapped(t, swaps)),
        lambda score, texts, swaps: float(
            sum(score(_swapped(t, swaps)) - score(t) for t in texts)
            / sum(bool(set(t.split()) & set(swaps)) for t in texts)
        ),
    ),
    wrong={
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
)

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
