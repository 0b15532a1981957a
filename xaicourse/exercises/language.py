"""Exercises of the notebook on language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded

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
    result = [(str(word), float(value)) for word, value in answer(tokens, values)]
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
        f"you returned {rounded(sums)}",
    )
    odd = ["[CLS]", "[UNK]", "[", "film", "]", "[film]", "[SEP]"]
    words = [word for word, _ in answer(odd, [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0])]
    require(
        words == odd[1:-1],
        "square brackets alone make no special token: [UNK] stands for a word that the "
        f"tokenizer does not know, and people type brackets. Of {' '.join(odd)} you "
        f"keep {' '.join(words)}",
    )


pieces = Exercise(
    name="Put the pieces together",
    checker=_check_pieces,
    takes="tokens, values",
    returns="pairs of a word and a number",
    hints=(
        "Go through tokens and values together and keep a list of what you have; "
        "which entry does a piece change?",
        "A piece changes the last entry, `words[-1]`; its text without the first two "
        "characters is `token[2:]`.",
        "`words[-1] = (words[-1][0] + token[2:], words[-1][1] + value)`; else append, "
        "unless the token is special.",
    ),
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
        f"for 'the film was not good' the score falls by {rounded(expected)}; you "
        f"found {rounded(result)}",
    )
    twice = np.asarray(answer(_toy_score, "good good film"), dtype=float)
    require(
        np.allclose(twice, [2, 2, 0]),
        "a word that stands twice is left out once at a time: [2, 2, 0] for 'good "
        f"good film', not {rounded(twice)}",
    )


leave_out = Exercise(
    name="Leave one out",
    checker=_check_leave_out,
    takes="score, text",
    hints=(
        "Which text do you score for the third word? All words but the third.",
        '`words[:i] + words[i + 1 :]` are the others; `" ".join(...)` makes a text of '
        "them.",
        "`[score(text) - score(' '.join(words[:i] + words[i + 1 :])) for i in "
        "range(len(words))]`",
    ),
)


def _check_swap(answer: Callable[[Score, Any, Any], Any]) -> None:
    texts = ["she is good", "the film is bad", "there she saw her"]
    swaps = {"she": "he", "her": "him"}
    result = float(answer(_toy_score, texts, swaps))
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
        "the two texts with such words gain 0.5 and 0.75, so the mean is 0.625; you "
        f"found {result:.3f}. Swap whole words, all that are in `swaps`",
    )
    turned = float(answer(_toy_score, ["she saw he"], {"she": "he", "he": "she"}))
    require(
        np.isclose(turned, 0),
        "swapped both ways at once 'she saw he' keeps its score; you found "
        f"{turned:.3f}",
    )


swap = Exercise(
    name="Swap and compare",
    checker=_check_swap,
    takes="score, texts, swaps",
    returns="one number",
    not_finite="Of how many texts do you take the mean?",
    hints=(
        "For one text: split it, put another word in the place of each that is in "
        "`swaps`, join, score.",
        "`swaps.get(word, word)` is the other word, or the word itself. Which texts "
        "has this changed?",
        '`new = " ".join(swaps.get(w, w) for w in text.split())`; take the mean of '
        "`score(new) - score(text)` where "
        "`new != text`.",
    ),
)
