"""Sentences with known decisive words, and the film reviews with their twin."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from xaicourse.datasets import (
    ChecksumError,
    load_reviews,
    simulate_reviews,
    simulate_sentences,
)
from xaicourse.datasets.reviews import REVIEWS
from xaicourse.datasets.sentences import (
    BAD,
    GOOD,
    NEGATIONS,
    VOCABULARY,
    WOMEN,
    opinion_on_the_film,
)

SENTENCES = simulate_sentences(1000, seed=2)


# --- sentences
# --------------------------------------------------------------------------------------


def check_decisive(positions_of):
    """Turning a decisive word turns the label; turning the same words of the other
    clause, or the name, does not.
    """
    turned = {
        **dict.fromkeys(GOOD, "awful"),
        **dict.fromkeys(BAD, "lovely"),
        **dict.fromkeys(NEGATIONS, "really"),
    }
    for text, opinion, positions in zip(
        SENTENCES.texts,
        SENTENCES.truth.opinions,
        positions_of(SENTENCES.truth),
        strict=True,
    ):
        for i in positions:
            words = text.split()
            words[i] = turned[words[i]]
            assert opinion_on_the_film(" ".join(words)) != opinion


def test_the_law_agrees_with_the_labels_and_the_decisive_words_decide():
    assert [
        opinion_on_the_film(t) for t in SENTENCES.texts
    ] == SENTENCES.truth.opinions.tolist()
    assert np.array_equal(SENTENCES.labels, SENTENCES.truth.opinions)
    check_decisive(lambda truth: truth.decisive)
    with pytest.raises(AssertionError):
        check_decisive(lambda truth: truth.other)
    for text, other in zip(SENTENCES.texts, SENTENCES.truth.other, strict=True):
        words = text.split()
        words[0] = "ben"
        for i in other:
            words[i] = "lovely"
        assert opinion_on_the_film(" ".join(words)) == opinion_on_the_film(text)


def test_negations_are_marked_and_balanced():
    truth = SENTENCES.truth
    assert abs(truth.negated.mean() - 0.4) < 4.5 * np.sqrt(0.24 / 1000)
    assert abs(truth.opinions.mean() - 0.5) < 4.5 * 0.5 / np.sqrt(1000)
    for text, positions, negated in zip(
        SENTENCES.texts, truth.decisive, truth.negated, strict=True
    ):
        assert (text.split()[positions[0]] in NEGATIONS) == negated


def test_the_bias_touches_womens_praise_alone():
    biased = simulate_sentences(4000, bias=0.3, seed=2)
    assert biased.texts[:1000] == SENTENCES.texts
    changed = biased.labels != biased.truth.opinions
    praise = np.array([t.split()[0] in WOMEN for t in biased.texts]) & (
        biased.truth.opinions == 1
    )
    assert not changed[~praise].any()
    assert abs(changed[praise].mean() - 0.3) < 4.5 * np.sqrt(0.21 / praise.sum())


def test_a_bag_of_words_learns_little():
    train = simulate_sentences(4000, seed=5)
    bag = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000)).fit(
        train.texts, train.labels
    )
    assert bag.score(SENTENCES.texts, SENTENCES.labels) < 0.7


def test_bert_reads_every_word():
    from transformers import BertTokenizer

    import xaicourse  # noqa: F401 (lets transformers import torchvision)

    tokenizer = BertTokenizer(vocab=VOCABULARY)
    ids = tokenizer(list(SENTENCES.texts))["input_ids"]
    assert all(1 not in row for row in ids)
    assert tokenizer.tokenize("wonderful boring good") == [
        "wonder",
        "##ful",
        "bor",
        "##ing",
        "good",
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: simulate_sentences(0),
            ValueError,
            "n: got 0, expected an integer of at least 1",
        ),
        (
            lambda: simulate_sentences(3, bias=1.5),
            ValueError,
            "bias: got 1.5, expected a finite number of at least 0 and at most 1",
        ),
        (
            lambda: simulate_sentences(3, bias=-1),
            ValueError,
            "bias: got -1, expected a finite number of at least 0 and at most 1",
        ),
        (
            lambda: simulate_sentences(3, seed=-1),
            ValueError,
            "seed: got -1, expected an integer of at least 0",
        ),
        (
            lambda: opinion_on_the_film("the seat was bad"),
            ValueError,
            "text: got 'the seat was bad', expected one clause on a film, with an "
            "adjective that is known",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as refusal:
        call()
    assert str(refusal.value) == message


# --- reviews
# --------------------------------------------------------------------------------------

TWIN = simulate_reviews()


@pytest.fixture
def real():
    if REVIEWS.state() == "absent":
        pytest.skip(
            "the real reviews are not at hand: `xaicourse data fetch reviews`, or set "
            "XAICOURSE_DATA"
        )
    return load_reviews("real")


def accuracy_of_a_bag(data):
    bag = make_pipeline(CountVectorizer(), LogisticRegression(C=0.5, max_iter=1000))
    bag.fit(data.train_features["text"], data.train_target)
    return bag.score(data.test_features["text"], data.test_target)


def test_the_real_sentences_are_the_published_ones(real):
    assert real.features["text"].str.len().min() > 0
    assert (
        real.features["text"]
        .iloc[0]
        .startswith("the rock is destined to be the 21st century's new")
    )
    assert real.features["text"].iloc[5331] == "simplistic , silly and tedious ."
    check_division(real)


def test_the_twin_is_divided_alike():
    check_division(TWIN)
    assert TWIN.truth.probabilities.shape == (10_662,)


def check_division(data):
    assert len(data.features) == 10_662
    assert data.target.tolist() == [1] * 5331 + [0] * 5331
    assert data.test.sum() == 1066
    assert data.test_target.mean() == 0.5
    assert data.test[5330]
    assert data.test[-533:].all()
    assert not data.test[5331]


def test_the_twin_is_close_to_the_real_sentences(real):
    lengths = [data.features["text"].str.split().str.len() for data in (real, TWIN)]
    assert abs(lengths[0].mean() - lengths[1].mean()) < 1
    assert abs(lengths[0].std() - lengths[1].std()) < 1
    twin = np.mean([accuracy_of_a_bag(simulate_reviews(seed=s)) for s in range(2)])
    assert abs(accuracy_of_a_bag(real) - twin) < 0.02


def test_the_truth_of_the_twin_is_true():
    truth = TWIN.truth
    assert truth.log_odds("a dull film") == -2.2
    assert truth.log_odds("not dull but hardly warm") == pytest.approx(2.2 - 1.1)
    odds = np.array([truth.log_odds(text) for text in TWIN.features["text"]])
    assert np.allclose(1 / (1 + np.exp(-odds)), truth.probabilities)
    right = np.mean((odds > 0) == TWIN.target)
    assert (
        abs(right - np.maximum(truth.probabilities, 1 - truth.probabilities).mean())
        < 0.02
    )


def test_the_twin_draws_from_its_seed_alone():
    a, b, c = (
        simulate_reviews(20, seed=1),
        simulate_reviews(20, seed=1),
        simulate_reviews(20, seed=2),
    )
    assert a.features.equals(b.features)
    assert not a.features.equals(c.features)


def test_without_files_auto_is_the_twin_and_damage_is_an_error(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    assert load_reviews().source == "simulated"
    with pytest.raises(
        FileNotFoundError, match="fetch them once with `xaicourse data fetch reviews`"
    ):
        load_reviews("real")
    with pytest.raises(
        ValueError,
        match="source: got 'fake', expected one of 'auto', 'real', 'simulated'",
    ):
        load_reviews("fake")
    (tmp_path / "reviews").mkdir()
    (tmp_path / "reviews" / "rt-polarity.pos").write_text("fine\n")
    with pytest.raises(ChecksumError, match=r"rt-polarity\.pos has SHA-256"):
        load_reviews()
