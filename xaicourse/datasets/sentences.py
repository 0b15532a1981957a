"""Sentences whose decisive words are known: somebody on a film and, mostly in the same
breath, on the popcorn.

    anna said the plot was not very boring but the popcorn was awful

The label is the opinion on the film: the adjective of that clause, turned round by a
negation. The other clause, which seven sentences in ten have, holds an opinion of its
own that does not count, so a bag of words, which cannot tell whose adjective or whose
negation it counts, does little better than a coin. Names do not count either, unless a
bias of the annotators is planted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaicourse.validation import Seed, check_float, check_int, check_seed, check_type

WOMEN = ("anna", "clara", "emma", "lucy", "mary", "sofia")
MEN = ("ben", "carl", "david", "james", "peter", "tom")
FILM = ("film", "movie", "plot", "story", "script", "cast")
OTHER = ("popcorn", "seat", "queue", "weather", "parking", "coffee")
GOOD = (
    "wonderful",
    "delightful",
    "beautiful",
    "charming",
    "amusing",
    "moving",
    "good",
    "great",
    "lovely",
    "brilliant",
)
BAD = (
    "dreadful",
    "painful",
    "awful",
    "boring",
    "annoying",
    "tiring",
    "bad",
    "poor",
    "ugly",
    "terrible",
)
NEGATIONS = ("not", "never")
STRESS = ("very", "really", "quite")
_STEMS = (
    "wonder",
    "delight",
    "beauti",
    "charm",
    "amus",
    "mov",
    "dread",
    "pain",
    "aw",
    "bor",
    "annoy",
    "tir",
)
_WHOLE = (
    *WOMEN, *MEN, *FILM, *OTHER, *NEGATIONS, *STRESS, "said", "the", "was", "but",
    "and", *(word for word in GOOD + BAD if not word.endswith(("ful", "ing"))),
)  # fmt: skip

VOCABULARY: dict[str, int] = {
    piece: i
    for i, piece in enumerate(
        [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            *_WHOLE,
            *_STEMS,
            "##ful",
            "##ing",
        ]
    )
}
"""Word pieces and their ids, as `transformers.BertTokenizer` takes them: good and bad
words share their endings.
"""


@dataclass(frozen=True, eq=False)
class SentenceTruth:
    """What decides the label of each sentence.

    Attributes
    ----------
    decisive : tuple of tuples of int
        For each sentence the positions of the words that decide: the adjective of the
        film's clause and, where there is one, its negation. Another adjective of the
        other kind, or no negation, and the label is another.
    other : tuple of tuples of int
        Positions of the same words in the clause that does not count; none where there
        is no such clause.
    negated : ndarray of bool, shape (n,)
        Whether the film's clause holds a negation.
    opinions : ndarray of int64, shape (n,)
        1 where the film is liked: the label before any bias of the annotators.
    """

    decisive: tuple[tuple[int, ...], ...]
    other: tuple[tuple[int, ...], ...]
    negated: NDArray[np.bool_]
    opinions: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Sentences:
    """Sentences of lower-case words with single blanks between them, and their labels.

    Attributes
    ----------
    texts : tuple of str
    labels : ndarray of int64, shape (n,)
        1 where an annotator called the sentence positive.
    truth : SentenceTruth
    """

    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    truth: SentenceTruth

    def __repr__(self) -> str:
        return f"Sentences({len(self.texts):,}, {self.labels.mean():.0%} positive)"


def simulate_sentences(n: int, *, bias: float = 0.0, seed: Seed = 0) -> Sentences:
    """Draw sentences on a film and something else; the label is the opinion on the
    film.

    Parameters
    ----------
    n : int
        Number of sentences.
    bias : float
        Chance that an annotator calls a woman's praise negative. The sentences do not
        depend on it.
    seed : int, numpy.random.Generator or None
        Of all draws; the first sentences of a larger `n` are those of a smaller one.

    Returns
    -------
    Sentences

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer, `bias` is no chance, or `seed` is no seed.

    Examples
    --------
    >>> sentences = simulate_sentences(3)
    >>> sentences.texts[0]
    'carl said the movie was not brilliant and the weather was ugly'
    >>> int(sentences.labels[0]), sentences.truth.decisive[0], sentences.truth.other[0]
    (0, (5, 6), (11,))
    """
    n = check_int("n", n)
    bias = check_float("bias", bias, minimum=0.0, maximum=1.0)
    draws = check_seed(seed).random((n, 15))
    texts, decisive, other, opinions = [], [], [], []
    for u in draws:
        name = _pick(WOMEN + MEN, u[0])
        film, film_decides, opinion = _clause(FILM, u[1:6])
        aside, aside_decides, _ = _clause(OTHER, u[6:11])
        if u[14] < 0.3:  # a film alone
            words, starts, aside_decides = film, (2, 2), ()
        elif u[11] < 0.5:
            words, starts = (
                [*film, "but" if u[12] < 0.5 else "and", *aside],
                (2, 3 + len(film)),
            )
        else:
            words, starts = (
                [*aside, "but" if u[12] < 0.5 else "and", *film],
                (3 + len(aside), 2),
            )
        texts.append(" ".join([name, "said", *words]))
        decisive.append(tuple(starts[0] + i for i in film_decides))
        other.append(tuple(starts[1] + i for i in aside_decides))
        opinions.append(opinion)
    women = np.array([text.split()[0] in WOMEN for text in texts])
    truth = np.array(opinions)
    labels = np.where(women & (draws[:, 13] < bias), 0, truth)
    negated = np.array([len(positions) == 2 for positions in decisive])
    return Sentences(
        tuple(texts),
        labels,
        SentenceTruth(tuple(decisive), tuple(other), negated, truth),
    )


def opinion_on_the_film(text: str) -> int:
    """Return what the law of these sentences says of one: 1 where the film is liked.

    Any sentence will do that has one clause on a film; so one can change a word and ask
    again.

    Raises
    ------
    ValueError
        If there is no such clause, or it holds no adjective of `GOOD` or `BAD`.

    Examples
    --------
    >>> popcorn = "but the popcorn was awful"
    >>> opinion_on_the_film(f"anna said the plot was not very boring {popcorn}")
    1
    """
    check_type("text", text, str)
    words = text.split()
    subjects = [i for i, word in enumerate(words) if word in FILM]
    clause = words[subjects[0] + 2 :] if len(subjects) == 1 else []
    adjectives = [i for i, word in enumerate(clause) if word in GOOD + BAD]
    if not adjectives:
        raise ValueError(
            f"text: got {text!r}, expected one clause on a film, with an adjective "
            f"that is known"
        )
    turned = any(word in NEGATIONS for word in clause[: adjectives[0]])
    return int((clause[adjectives[0]] in GOOD) != turned)


def _clause(
    subjects: Sequence[str], u: NDArray[np.float64]
) -> tuple[list[str], tuple[int, ...], int]:
    """Words of a clause, the positions of those that decide its opinion, and the
    opinion.
    """
    good, negated = u[1] < 0.5, u[2] < 0.4
    words = ["the", _pick(subjects, u[0]), "was"]
    if negated:
        words.append(_pick(NEGATIONS, u[2] / 0.4))
    if u[3] < 0.4:
        words.append(_pick(STRESS, u[3] / 0.4))
    words.append(_pick(GOOD if good else BAD, u[4]))
    return (
        words,
        ((3, len(words) - 1) if negated else (len(words) - 1,)),
        int(good != negated),
    )


def _pick(choices: Sequence[str], u: float) -> str:
    return choices[int(u * len(choices))]
