"""Sentences of film reviews, each from a good or a bad one (Pang and Lee 2005), and a
simulated twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xaicourse.datasets import base
from xaicourse.datasets.base import Dataset, DatasetInfo, RemoteFile
from xaicourse.validation import Seed, check_int, check_seed, check_type

CITATION = (
    "Pang, B. and Lee, L. (2005). Seeing stars: exploiting class relationships for "
    "sentiment categorization with "
    "respect to rating scales. ACL 2005."
)
_ADDRESS = "https://raw.githubusercontent.com/dennybritz/cnn-text-classification-tf/master/data/rt-polaritydata"
_ROWS, _TEST_ROWS = 5_331, 533  # of each class

REVIEWS = base.register(
    DatasetInfo(
        name="reviews",
        title="Sentences of film reviews, positive and negative",
        rows=2 * _ROWS,
        files=(
            RemoteFile(
                f"{_ADDRESS}/rt-polarity.pos",
                "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58",
            ),
            RemoteFile(
                f"{_ADDRESS}/rt-polarity.neg",
                "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd",
            ),
        ),
        citation=CITATION,
        terms="research use, with citation",
    )
)

# The twin: words that speak for a good or a bad review, by strength, and words that say
# nothing.
_STRONG_FOR = [
    "engrossing", "touching", "wonderful", "moving", "heartwarming", "delightful",
    "powerful", "refreshing", "captivating", "vividly",
]  # fmt: skip
_FOR = [
    "funny", "warm", "entertaining", "smart", "sweet", "honest", "solid", "fascinating",
    "beautiful", "best", "charming", "intelligent", "fun", "enjoyable", "portrait",
    "world", "performances", "clever", "tender", "lively", "subtle", "humor", "vivid",
    "rich", "journey", "gentle",
]  # fmt: skip
_STRONG_AGAINST = [
    "dull", "boring", "tedious", "unfunny", "pointless", "lifeless", "mediocre",
    "stupid", "flat", "worst",
]  # fmt: skip
_AGAINST = [
    "bad", "too", "nothing", "only", "predictable", "minutes", "plot", "silly", "tired",
    "contrived", "worse", "fails", "shallow", "lacks", "less", "clumsy", "formula",
    "thin", "loud", "problem", "stale", "noisy", "awkward", "muddled", "empty",
    "excuse",
]  # fmt: skip
_NEGATIONS = ("not", "never", "hardly")
_SAYS_NOTHING = [
    "the",
    "a",
    "and",
    "of",
    "to",
    "is",
    "in",
    "that",
    "it",
    "with",
    "as",
    "but",
    "its",
    "this",
    "for",
    "an",
    "film",
    "movie",
    "you",
    "be",
    "on",
    "by",
    "has",
    "more",
    "one",
    "at",
    "than",
    "from",
    "about",
    "his",
    "are",
    "so",
    "like",
    "or",
    "have",
    "all",
    "their",
    "into",
    "story",
    "who",
    "what",
    "out",
    "if",
    "up",
    "most",
    "even",
    "when",
    "comedy",
    "can",
    "good",
    "some",
    "there",
] + [
    first + last
    for first in [
        "ba",
        "ce",
        "di",
        "fo",
        "gu",
        "ha",
        "je",
        "ki",
        "lo",
        "mu",
        "na",
        "pe",
        "qui",
        "ro",
        "su",
        "ta",
        "ve",
        "wi",
        "yo",
        "za",
        "bri",
        "cla",
        "dro",
        "fle",
        "gra",
    ]
    for last in [
        "ler",
        "nas",
        "mint",
        "dor",
        "vel",
        "rick",
        "som",
        "ton",
        "bar",
        "ley",
        "gan",
        "rit",
        "pel",
        "mon",
        "dis",
        "wick",
        "tas",
        "nor",
        "fen",
        "lid",
    ]
]  # invented words, for the many rare ones of real text


@dataclass(frozen=True, eq=False)
class ReviewsTruth:
    """How the labels of the twin came about.

    Attributes
    ----------
    weights : dict of str to float
        What each word adds to the log-odds of a good review; after a negation it counts
        the other way round. Words that are not listed add nothing.
    probabilities : ndarray, shape (rows,)
        True probability of a good review for each sentence.
    """

    weights: dict[str, float]
    probabilities: NDArray[np.float64]

    def log_odds(self, text: str) -> float:
        """Return the true log-odds of a good review for any sentence of lower-case
        words between blanks.
        """
        check_type("text", text, str)
        words = text.split()
        return sum(
            self.weights.get(word, 0.0)
            * (-1 if i and words[i - 1] in _NEGATIONS else 1)
            for i, word in enumerate(words)
        )


def load_reviews(
    source: Literal["auto", "real", "simulated"] = "auto", *, seed: Seed = 0
) -> Dataset:
    """Load 10,662 sentences of film reviews, half of them from good ones.

    Parameters
    ----------
    source, seed
        As in `load_census`, whose errors it raises.

    Returns
    -------
    Dataset
        `features` has one column, `text`; `target` is 1 for a good review; `test` marks
        the last 533 sentences of either class. (There is no official division. The last
        ones together, and not some drawn by lot, because neighbouring sentences may
        come from the same review.)

    References
    ----------
    Pang, B. and Lee, L. (2005). Seeing stars: exploiting class relationships for
    sentiment categorization with respect to rating scales. ACL 2005, arXiv:cs/0506075.

    Examples
    --------
    >>> load_reviews("simulated")
    Dataset('reviews', 10,662 rows, 1 features, simulated)
    """
    files, rng = REVIEWS.choose(source), check_seed(seed)
    if files is None:
        return simulate_reviews(seed=rng)
    texts = [
        files[file.name].read_text(encoding="utf-8").splitlines()
        for file in REVIEWS.files
    ]
    return _dataset(
        [text.strip() for lines in texts for text in lines],
        np.repeat([1, 0], _ROWS),
        last=_TEST_ROWS,
        source="real",
        origin="Real sentences of film reviews (Pang and Lee 2005): 5,331 from good "
        "and 5,331 from bad ones, "
        "checksum verified.",
    )


def simulate_reviews(n: int = _ROWS, *, seed: Seed = 0) -> Dataset:
    """Draw sentences from a known law: words that say nothing, and a few that speak for
    or against the film.

    Parameters
    ----------
    n : int
        Number of sentences of each class; a tenth of them are for testing.
    seed : int, numpy.random.Generator or None
        The same seed gives the same sentences.

    Returns
    -------
    Dataset
        With a `ReviewsTruth` as its `truth`.

    Examples
    --------
    >>> twin = simulate_reviews(100)
    >>> float(twin.target.mean())
    0.5
    """
    n, rng = check_int("n", n, minimum=10), check_seed(seed)
    weights = {
        **dict.fromkeys(_STRONG_FOR, 2.2), **dict.fromkeys(_FOR, 1.1),
        **dict.fromkeys(_STRONG_AGAINST, -2.2), **dict.fromkeys(_AGAINST, -1.1),
    }  # fmt: skip
    truth = ReviewsTruth(weights, np.empty(0))
    opinions = list(weights)
    strength = np.abs(list(weights.values())) ** -1
    rarity = 1 / (3 + np.arange(len(_SAYS_NOTHING)))  # Zipf's law
    kept: dict[int, list[tuple[str, float]]] = {1: [], 0: []}
    fillers = iter(
        rng.choice(_SAYS_NOTHING, size=130 * n, p=rarity / rarity.sum()).tolist()
    )
    signs = np.sign(list(weights.values()))
    leaning = {
        lean: np.cumsum(strength * np.where(signs == lean, 0.8, 0.2))
        for lean in (1, -1)
    }
    while min(map(len, kept.values())) < n:
        lean = int(rng.choice([1, -1]))  # a sentence mostly has opinions of one kind
        words = [next(fillers) for _ in range(max(3, int(rng.normal(18.6, 9))))]
        for u in rng.random(1 + int(rng.poisson(1.4))):
            word = opinions[int(np.searchsorted(leaning[lean], u * leaning[lean][-1]))]
            where = int(rng.integers(len(words) + 1))
            words[where:where] = (
                [_NEGATIONS[int(40 * u) % 3], word] if rng.random() < 0.06 else [word]
            )
        text = " ".join(words)
        probability = float(1 / (1 + np.exp(-truth.log_odds(text))))
        label = int(rng.random() < probability)
        if len(kept[label]) < n:
            kept[label].append((text, probability))
    rows = kept[1] + kept[0]
    return _dataset(
        [text for text, _ in rows],
        np.repeat([1, 0], n),
        last=n // 10,
        source="simulated",
        origin="A simulated twin of the film reviews: invented sentences, drawn from a "
        "law that is known.",
        truth=ReviewsTruth(weights, np.array([p for _, p in rows])),
    )


def _dataset(
    texts: list[str],
    target: NDArray[np.int64],
    *,
    last: int,
    source: Literal["real", "simulated"],
    origin: str,
    truth: ReviewsTruth | None = None,
) -> Dataset:
    half = len(texts) // 2
    return Dataset(
        name=REVIEWS.name,
        features=pd.DataFrame({"text": texts}),
        target=pd.Series(target, name="good").astype("int64"),
        test=np.arange(len(texts)) % half >= half - last,
        source=source,
        origin=origin,
        citation=CITATION if source == "real" else f"Simulated after {CITATION}",
        truth=truth,
    )
