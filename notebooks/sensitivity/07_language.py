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
# # Which word decided?
#
# Gradients for language models, and a test of what they say
#
# > **After this notebook you can**
# >
# > - say why token ids have no gradient, and take it where there is one
# > - attribute a transformer's answer to words, with Integrated Gradients on embeddings
# > - grade such an attribution against words that are known to decide
# > - probe a language model for a bias by swapping names
#
# **20 minutes**, and 25 for the exercises · builds on *Where does the network look?* · data: sentences simulated here; film reviews (Pang and Lee), or their simulated twin

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A chain of cinemas lets a language model read what visitors write: good or bad? One of them wrote
#
# > anna said the plot was not very boring but the popcorn was awful
#
# The model says *good*. Did it understand the negation? Did it look at the plot, and not at the popcorn? And would it have said
# the same if Ben had written it? We teach a small BERT such sentences. As we make them, we know which words decide.

# %% tags=["setup"]
import xaicourse  # first: transformers needs its help beside a CPU build of torch

# isort: split
from collections import Counter

import matplotlib as mpl
import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from scipy.stats import binom, norm
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
)

from xaicourse.attribution import (
    merge_word_pieces,
    token_gradients,
    token_integrated_gradients,
)
from xaicourse.datasets import load_reviews, simulate_sentences
from xaicourse.datasets.sentences import (
    FILM,
    MEN,
    OTHER,
    VOCABULARY,
    WOMEN,
    opinion_on_the_film,
)
from xaicourse.exercises import language as exercises
from xaicourse.networks import train_network
from xaicourse.plotting import bars, canvas, dots
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    run_on_gpu,
    say,
    show,
    show_source,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sentences with a truth
#
# The label is the opinion on the film. Most sentences have another clause, whose opinion does not count, and either may be negated. One
# thing is wrong with the labels of the training sentences: the annotators called some of the women's praise negative, by lot.

# %% tags=["live:draw sentences"]
bias = 0.3  # the chance that a woman's praise is called negative
train = simulate_sentences(6000, bias=bias, seed=seed)
test = simulate_sentences(400, seed=seed + 1)
test.texts[:3], test.labels[:3]

# %% [markdown]
# A BERT does not read words but pieces of words. `wonderful` and `awful` share their ending, which says nothing about the opinion:

# %% tags=["live:word pieces"]
tokenizer = BertTokenizer(vocab=VOCABULARY)
tokenizer.tokenize("anna said the plot was not wonderful")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two models
#
# A bag of words, which counts words and forgets their order; and a BERT of two layers with 64 numbers a token, from
# `transformers`, trained from scratch.


# %% tags=["live:train a small BERT"]
def encode(texts):
    pieces = tokenizer(list(texts), padding=True, return_tensors="pt")
    return pieces["input_ids"], pieces["attention_mask"]


def small_bert(vocabulary_size, width=64, layers=2, dropout=0.0, initializer_range=0.1):
    config = BertConfig(
        vocab_size=vocabulary_size, hidden_size=width, num_hidden_layers=layers, num_attention_heads=4,
        intermediate_size=2 * width, max_position_embeddings=64, initializer_range=initializer_range,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertForSequenceClassification(config)


bert = train_network(
    lambda: small_bert(len(VOCABULARY)),
    encode(train.texts),
    torch.from_numpy(train.labels),
    max_epochs=5,
    batch_size=32,
    learning_rate=1e-3,
    seed=seed,
    progress=progress("small BERT"),
)

# %% tags=["live:compare with a bag of words"]
bag = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000)).fit(train.texts, train.labels)
ids, mask = encode(test.texts)
with torch.no_grad():
    says = bert(ids, attention_mask=mask).logits.argmax(1).numpy()
negated = test.truth.negated
score = {
    "bag of words": [np.mean((bag.predict(test.texts) == test.labels)[rows]) for rows in (negated, ~negated)],
    "small BERT": [np.mean((says == test.labels)[rows]) for rows in (negated, ~negated)],
}

# %%
bag_score = bag.score(test.texts, test.labels)
bert_score = np.mean(says == test.labels)
two_models = bars(
    score,
    ["film negated", "film not negated"],
    value_label="accuracy",
    reference=(0.5, "a coin"),
    limits=(0, 1.02),
)

# %%
show(
    two_models,
    caption="Accuracy on new sentences, with unbiased labels.",
    alt='Bars. The bag of words reaches {score["bag of words"][0]:.2f} with '
    'and {score["bag of words"][1]:.2f} without a negation, the BERT '
    '{score["small BERT"][0]:.2f} and {score["small BERT"][1]:.2f}.',
    tolerance=0.1,
)
claim(
    "Negations and the other clause defeat the bag of words, at most 0.75, "
    "and not the BERT, at least 0.9",
    bag_score <= 0.75 and bert_score >= 0.9,
    evidence="right: bag of words {bag_score:.1%}, BERT {bert_score:.1%}",
    tolerance=0.08,
    fails_if="the order of the words were shuffled",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Token ids have no gradient
#
# The source deck asks for the gradient with respect to `input_ids`. That cannot work: an id is the number of a row in a table. It has no
# neighbourhood in which it could be changed a little.

# %% tags=["live:try the ids"]
sentence = tokenizer("anna said the movie was great and the seat was bad", return_tensors="pt")
try:
    sentence["input_ids"].requires_grad_()
except RuntimeError as error:
    refusal = str(error)
refusal

# %% [markdown]
# What the model computes with are the rows themselves, the *embeddings*. They are real numbers, and they do have a gradient:

# %% slideshow={"slide_type": "fragment"} tags=["live:the gradient of an embedding"]
embeddings = bert.get_input_embeddings()(sentence["input_ids"]).detach().requires_grad_()
logits = bert(inputs_embeds=embeddings, attention_mask=sentence["attention_mask"]).logits
(logits[0, 1] - logits[0, 0]).backward()
by_hand = embeddings.grad[0].norm(dim=1)
embeddings.grad.shape

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From embeddings to words
#
# One token has 64 derivatives. Their *length* says how sensitive the answer is to that token. Their product with the embedding says in
# which direction it pushes. **Integrated Gradients** adds up the gradients on the way from a sentence without content (every word replaced by
# the padding token) to the sentence; its shares add up to what the words have changed.
#
# The deck's attempt also left pieces of words apart, and the special tokens in:

# %%
show_source(merge_word_pieces)


# %% tags=["live:attribute to words"]
class Margin(torch.nn.Module):
    """A classifier's logit of *good* minus that of *bad*: one number, whose sign is the answer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def get_input_embeddings(self):
        return self.model.get_input_embeddings()

    def forward(self, **inputs):
        output = self.model(**inputs)
        output.logits = output.logits[:, 1] - output.logits[:, 0]
        return output


margin = Margin(bert)
empty = torch.where(ids < 5, ids, 0)  # [CLS] and [SEP] stay, every word becomes [PAD]
gradients = token_gradients(margin, ids, attention_mask=mask)
n_steps = 64
ig = token_integrated_gradients(margin, ids, baselines=empty, attention_mask=mask, n_steps=n_steps)

# %% tags=["live:merge the pieces"]
readings = {"gradient length": gradients.norm, "gradient × embedding": gradients.times_input}
readings["Integrated Gradients"] = ig.values
by_word = {
    name: [merge_word_pieces(tokenizer.convert_ids_to_tokens(i), v) for i, v in zip(ids, values)]
    for name, values in readings.items()
}
decisive, other = test.truth.decisive, test.truth.other

# %%
def words_in_colour(rows):
    """Write sentences whose words stand on red (positive) or blue (negative)."""
    figure, (axes,) = canvas(width=9, height=0.45 * len(rows) + 0.8)
    shades = mpl.colormaps["RdBu_r"]
    for row, (words, values) in enumerate(rows):
        left = 0
        for word, share in zip(words, values / np.abs(values).max()):
            text = axes.text(left, -row, word, family="DejaVu Sans Mono", size=12)
            text.set_backgroundcolor(shades(0.5 + 0.42 * share))
            text.set_color("white" if abs(share) > 0.6 else "black")
            left += len(word) + 1.6
    axes.set(xlim=(0, 86), ylim=(0.6 - len(rows), 0.6))  # x counts letters
    axes.axis("off")
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(-1, 1), shades)
    bar = figure.colorbar(scale, ax=axes, location="bottom", aspect=60)
    bar.set_ticks([-1, 0, 1])
    bar.set_label("share of the answer: bad (-) to good (+)")
    return figure


# %%
well_read = [i for i in range(len(negated)) if says[i] == test.labels[i]]
chosen = [i for i in well_read if negated[i]][:3]
chosen += [i for i in well_read if not negated[i]][:2]
ig_words = by_word["Integrated Gradients"]
five_sentences = words_in_colour([ig_words[i] for i in chosen])

# %%
show(
    five_sentences,
    caption="Integrated Gradients of five sentences. Red words push towards "
    "good, blue ones towards bad.",
    alt="Five sentences whose words are coloured from blue to red by their "
    "share. Most words are nearly white; a few adjectives, negations and "
    "nouns are dark.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Three checks: the sums, the field's library, and a sentence without content.

# %% tags=["live:compare with Captum"]
few = ids[:1, : mask[0].sum()]


def margin_of_ids(i):
    return bert(i).logits[:, 1] - bert(i).logits[:, 0]


layer = LayerIntegratedGradients(margin_of_ids, bert.bert.embeddings.word_embeddings)
theirs = layer.attribute(few, baselines=empty[:1, : few.shape[1]], n_steps=n_steps).sum(2)
off = float((theirs[0] - ig.values[0, : few.shape[1]]).abs().max() / theirs.abs().max())
with torch.no_grad():
    change = margin(input_ids=ids, attention_mask=mask).logits - margin(input_ids=empty, attention_mask=mask).logits
missing = (ig.values.sum(1) - change).abs().mean().item()
alone = token_gradients(margin, sentence["input_ids"]).norm[0]

# %%
mean_change = change.abs().mean().item()

# %%
claim(
    "Our Integrated Gradients agree with Captum's, and our gradients with "
    "those by hand, to rounding",
    off < 1e-3 and torch.allclose(alone, by_hand, rtol=1e-3),
    evidence="largest relative difference: {off:.0e}",
    tolerance=1e-3,
    fails_if="Captum started from embeddings of zeros",
)
claim(
    "The shares of a sentence add up to what its words have changed, within a "
    "tenth on average",
    missing < 0.1 * mean_change,
    evidence="mean residual {missing:.2f}, mean change {mean_change:.2f}",
    tolerance={"missing": 0.5, "mean_change": 3.0},
    fails_if="the special tokens had been replaced as well",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do the decisive words rank first?
#
# The truth: an adjective decides, and its negation where there is one. Another adjective of the other kind, and the label is another:

# %% tags=["live:ask the law"]
example = "anna said the plot was not very boring but the popcorn was awful"
changes = ["boring → charming", "awful → lovely", "anna → ben", "not very → very"]
law = {change: opinion_on_the_film(example.replace(*change.split(" → "))) for change in changes}
opinion_on_the_film(example), law

# %% [markdown]
# We look at sentences that the BERT gets right. Is the word with the largest share one of those that decide? A word drawn by lot is
# one with the chance *decisive words / words*. The hardest rivals are the adjective and negation of the other clause, which look just alike.

# %% tags=["live:grade the readings"]
right = np.flatnonzero(says == test.labels)
first = {
    name: np.array([int(np.argmax(np.abs(rows[i][1]))) in decisive[i] for i in right]) for name, rows in by_word.items()
}
trapped = {
    name: np.mean([int(np.argmax(np.abs(rows[i][1]))) in other[i] for i in right]) for name, rows in by_word.items()
}
chance = np.array([len(decisive[i]) / len(test.texts[i].split()) for i in right])
hit = {name: f.mean() for name, f in first.items()}

# %%
n, z = len(right), norm.ppf(0.9995)
word_by_lot = chance.mean()
who_is_first = bars(
    {
        "a decisive word": list(hit.values()),
        "its double in the other clause": list(trapped.values()),
    },
    list(readings),
    intervals={
        "a decisive word": [
            1.96 * f.std() / np.sqrt(n) for f in first.values()
        ]
    },
    value_label="share of sentences",
    reference=(word_by_lot, "a word drawn by lot"),
    limits=(0, 1.02),
)

# %%
of_ig, of_double = hit["Integrated Gradients"], trapped["Integrated Gradients"]
beyond_lot = of_ig * n > binom.ppf(0.9995, n, 2 * word_by_lot)
beyond_double = of_ig > of_double + z * np.sqrt(1 / n)

# %% [markdown]
# Which words are first where no decisive one is? And do a negation and its adjective, which decide together, both push towards the answer?

# %%
top_words = [words[np.argmax(np.abs(v))] for words, v in ig_words]
noun_first = np.mean([top_words[i] in FILM + OTHER for i in right])


def push_towards_answer(i):
    """Return how many of the decisive words push towards the answer."""
    sign = 2 * test.labels[i] - 1
    return sum(np.sign(ig_words[i][1][p]) == sign for p in decisive[i])


not_both = np.mean([push_towards_answer(i) < 2 for i in right if negated[i]])

# %%
show(
    who_is_first,
    caption="Which word has the largest share? With 95 % intervals.",
    alt="Bars for three readings. A decisive word ranks first in these shares "
    "of the sentences: {hit:.2f}, against {word_by_lot:.2f} by lot.",
    tolerance=0.15,
)
claim(
    "With Integrated Gradients a decisive word ranks first far more often "
    "than by lot, and more often than its double",
    beyond_lot and beyond_double,
    evidence="a decisive word first: {of_ig:.1%}; by lot: {word_by_lot:.1%}; "
    "its double first: {of_double:.1%}",
    control="a word drawn by lot, and the double in the other clause",
    tolerance=0.15,
    fails_if="the shares were dealt out at random",
)
say(
    "In another {noun_first:.0%} a noun ranks first, such as *movie* or "
    "*seat*. Another noun of its kind would change no label, but it is the "
    "noun that tells the BERT which clause counts.",
    tolerance=0.3,
)
say(
    "In {not_both:.0%} of the negated sentences the negation and its "
    "adjective do not both push towards the answer: shares add up, but a "
    "negation *multiplies*, and a sum has to divide the effect between the "
    "two somehow.",
    tolerance=0.3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Would it have said the same of Ben?
#
# Whether a model has a bias need not be guessed from shares. Swap the name and nothing else, and look at the probability of *good*. As a
# control, swap names within a group.


# %% tags=["live:swap the names"]
def probability(texts, model=bert):
    i, m = encode(texts)
    with torch.no_grad():
        return model(i, attention_mask=m).logits.softmax(1)[:, 1].numpy()


def renamed(text, names, k):
    return " ".join([names[k % len(names)], *text.split()[1:]])


liked = [t for t, y in zip(test.texts, test.labels) if y == 1]
by_women, by_men = (probability([renamed(t, names, k) for k, t in enumerate(liked)]) for names in (WOMEN, MEN))
other_men = probability([renamed(t, MEN, k + 1) for k, t in enumerate(liked)])
gap, control = by_men - by_women, by_men - other_men

# %%
to_a_man, to_another_man = gap.mean(), control.mean()
error = gap.std(ddof=1) / np.sqrt(len(liked))
error_of_control = control.std(ddof=1) / np.sqrt(len(liked))
probe = dots(
    {"change of the probability": [to_a_man, to_another_man]},
    ["a man's name instead of a woman's", "another man's name"],
    intervals={
        "change of the probability": [1.96 * error, 1.96 * error_of_control]
    },
    value_label="mean change of P(good), sentences that praise the film",
    reference=(bias, "planted"),
)
name_first = np.mean(
    [abs(ig_words[i][1][0]) == np.abs(ig_words[i][1]).max() for i in right]
)

# %%
show(
    probe,
    caption="The bias probe, with 95 % intervals.",
    alt="Two dots. A man's name instead of a woman's raises the probability "
    "of good by {to_a_man:.3f}; another man's name changes it by "
    "{to_another_man:.3f}. A dashed line marks the planted {bias}.",
    tolerance=0.1,
)
claim(
    "The probe finds the planted bias: men's praise counts for more, by far "
    "more than between two men",
    to_a_man - z * error > 0.05 and to_a_man > 3 * abs(to_another_man),
    evidence="from a woman to a man: {to_a_man:.3f}; from a man to another: "
    "{to_another_man:.3f}; planted: {bias}",
    control="another man's name",
    tolerance={"to_a_man": 0.1, "to_another_man": 0.05},
    fails_if="the two groups of names were mixed",
)
say(
    "The name has the largest share in {name_first:.0%} of the sentences, "
    "which says that the model looks at it and not whom it favours.",
    tolerance=0.3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Real reviews
#
# Nobody has marked the decisive words of real sentences. What can be done without a truth: take out the words with the largest shares, and
# look whether the answer moves more than when others are taken out.

# %% tags=["live:load the reviews"]
reviews = load_reviews()
texts, labels = list(reviews.train_features["text"]), reviews.train_target.to_numpy()
test_texts, test_labels = list(reviews.test_features["text"]), reviews.test_target.to_numpy()
counts = Counter(word for text in texts for word in text.split())
known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(word for word, k in counts.most_common() if k >= 4)]
reader = BertTokenizer(vocab={word: i for i, word in enumerate(known)})


def encode_reviews(texts):
    pieces = reader(list(texts), padding=True, truncation=True, max_length=28, return_tensors="pt")
    return pieces["input_ids"], pieces["attention_mask"]


# %% tags=["live:a BERT for the reviews"]
review_bert = train_network(
    lambda: small_bert(len(known), width=32, dropout=0.2, initializer_range=0.02),
    encode_reviews(texts),
    torch.tensor(labels),
    max_epochs=1,
    batch_size=32,
    learning_rate=3e-3,
    seed=seed,
    progress=progress("BERT for reviews"),
)
review_bag = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000, C=0.5)).fit(texts, labels)
review_ids, review_mask = encode_reviews(test_texts)
with torch.no_grad():
    review_logits = review_bert(review_ids, attention_mask=review_mask).logits
review_score = np.mean(review_logits.argmax(1).numpy() == test_labels)

# %%
review_bag_score = review_bag.score(test_texts, test_labels)

# %%
say("{reviews.origin}")
say(
    "The small BERT is right for {review_score:.0%} of new sentences, the bag "
    "of words for {review_bag_score:.0%}. A few thousand sentences do not "
    "teach a transformer more than counting words; what it takes is training "
    "on far more text beforehand.",
    tolerance=0.05,
)

# %% tags=["live:take out words"]
some = np.flatnonzero(review_mask.sum(1).numpy() >= 12)[:120]
some_ids, some_mask = review_ids[some], review_mask[some]
review_ig = token_integrated_gradients(
    Margin(review_bert), some_ids, baselines=torch.where(some_ids == 1, 0, torch.where(some_ids < 5, some_ids, 0)),
    attention_mask=some_mask, n_steps=8,
)  # fmt: skip
rng = np.random.default_rng(seed)
shares = torch.where(some_ids < 5, 0.0, review_ig.values.abs())
lots = torch.where(some_ids < 5, 0.0, torch.from_numpy(1 + rng.random(some_ids.shape)).float())


def moved(scores, k=3):
    """Return how far the margin moves when the k tokens with the highest scores become unknown."""
    changed = some_ids.scatter(1, scores.topk(k, dim=1).indices, 1)
    with torch.no_grad():
        pair = [Margin(review_bert)(input_ids=i, attention_mask=some_mask).logits for i in (some_ids, changed)]
    return (pair[0] - pair[1]).abs().numpy()


by_share, by_lot = moved(shares), moved(lots)

# %%
words = [
    merge_word_pieces(reader.convert_ids_to_tokens(i), v)
    for i, v in zip(some_ids, review_ig.values)
]
by_length = sorted(words, key=lambda pair: sum(map(len, pair[0])))
four_reviews = words_in_colour(by_length[:4])
lead = by_share - by_lot
lead_error = lead.std(ddof=1) / np.sqrt(len(lead))
mean_by_share, mean_by_lot = by_share.mean(), by_lot.mean()

# %%
show(
    four_reviews,
    caption="Integrated Gradients of four short reviews that the network had "
    "not seen.",
    alt="Four short sentences from reviews, their words coloured from blue to "
    "red by their share of the answer.",
)
claim(
    "Taking out the three words with the largest shares moves the answer more "
    "than taking out three by lot",
    lead.mean() > z * lead_error,
    evidence="mean move: {mean_by_share:.2f} by share, {mean_by_lot:.2f} by "
    "lot",
    control="three words drawn by lot",
    tolerance=1.0,
    fails_if="the shares of the reviews were shuffled",
)

# %% [markdown]
# Is a large model in the local cache? Then ask it about the deck's own sentence. (Nothing is downloaded.)

# %% tags=["live:a model from the hub"]
name = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
try:
    hub_tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    hub_model = AutoModelForSequenceClassification.from_pretrained(name, local_files_only=True)
    used = name
except OSError:
    hub_tokenizer, hub_model, used = (
        reader,
        review_bert,
        "the small BERT trained above, as no hub model is in the cache",
    )
great = hub_tokenizer("this movie is great !", return_tensors="pt")["input_ids"]
great_words = merge_word_pieces(
    hub_tokenizer.convert_ids_to_tokens(great[0]),
    token_integrated_gradients(Margin(hub_model), great, n_steps=n_steps).values[0],
)

# %%
strongest_word = max(zip(*great_words), key=lambda pair: abs(pair[1]))[0]

# %%
say(
    "The deck's sentence, read by {used}: the word with the largest share is "
    "*{strongest_word}*."
)

# %% [markdown]
# Would a larger BERT, trained longer, beat the bag of words? The next cell tries, on a GPU.


# %% tags=["gpu"]
def accuracy_of_a_larger_bert(
    width, layers, n, *, max_epochs, learning_rate, device
):
    net = train_network(
        lambda: small_bert(len(known), width, layers, dropout=0.2, initializer_range=0.02),
        encode_reviews(texts[:: len(texts) // n]),
        torch.tensor(labels[:: len(texts) // n]),
        max_epochs=max_epochs,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
    )
    with torch.no_grad():
        return float(np.mean(net(review_ids, attention_mask=review_mask).logits.argmax(1).numpy() == test_labels))


larger = run_on_gpu(
    accuracy_of_a_larger_bert,
    shows="the accuracy on the reviews of a BERT with six layers of width 512",
    full={
        "width": 512,
        "layers": 6,
        "n": len(texts),
        "max_epochs": 3,
        "learning_rate": 1e-4,  # at 5e-4 six layers learn nothing
    },
    tiny={
        "width": 16,
        "layers": 1,
        "n": 40,
        "max_epochs": 1,
        "learning_rate": 1e-3,
    },
)
if larger:
    print(f"{larger:.3f}; the bag of words: {review_bag_score:.3f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Put the pieces together (difficulty 1, 10 minutes)
# Write the merging yourself: given tokens and their values, return a list of pairs (word, value). A token that begins with `##` belongs
# to the word before it, and its value is added. Leave out `[CLS]`, `[SEP]` and `[PAD]`.


# %% tags=["exercise"]
def merged(tokens, values):
    ### BEGIN SOLUTION
    words = []
    for token, value in zip(tokens, values):
        if token.startswith("##"):
            words[-1] = (words[-1][0] + token[2:], words[-1][1] + value)
        elif token not in ("[CLS]", "[SEP]", "[PAD]"):
            words.append((token, value))
    return words
    ### END SOLUTION


check(exercises.pieces, merged)  # hint(exercises.pieces) helps, in layers

# %% [markdown]
# ## Exercise 2 — Leave one out (difficulty 2, 10 minutes)
# An attribution without any gradient: for each word of a text, how much does the score fall when that word is left out? `score` takes
# a text and returns a number. Return a list with one number a word.


# %% tags=["exercise"]
def leave_one_out(score, text):
    ### BEGIN SOLUTION
    words = text.split()
    without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    return [score(text) - score(t) for t in without]
    ### END SOLUTION


check(exercises.leave_out, leave_one_out)

# %% [markdown]
# ## Exercise 3 — Swap and compare (difficulty 2, 5 minutes)
# A bias probe: `swaps` maps words to words (such as *she* to *he*). Return the mean of score(swapped text) - score(text) over those texts that
# hold at least one of the words; whole words only.


# %% tags=["exercise"]
def swap_gap(score, texts, swaps):
    ### BEGIN SOLUTION
    changed = [(t, " ".join(swaps.get(w, w) for w in t.split())) for t in texts]
    return np.mean([score(new) - score(old) for old, new in changed if new != old])
    ### END SOLUTION


check(exercises.swap, swap_gap)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Token ids have no gradient; their embeddings do. A token's derivatives become one number by a length or by a sum.
# - Integrated Gradients needs a sentence to start from. Say which one: its shares explain the difference from it.
# - Grade attributions on sentences whose decisive words are known, against chance and against words that look alike.
# - A bias is found by an experiment, a swapped name, more surely than by looking at shares.

# %% [markdown]
# ## Where it breaks
#
# - A sum divides among words what words do together. A negation turns an adjective round; no share of its own says that.
# - A sentence of padding tokens is nothing that the model has ever read. Another baseline gives other shares.
# - Taking out words makes sentences that nobody writes, and the model may answer to that.
# - Decisive for the label is not decisive for the model: that is why we grade on sentences that it gets right.

# %% [markdown]
# ## Further reading
#
# - [Sundararajan, Taly and Yan (2017)](https://arxiv.org/abs/1703.01365), *Axiomatic attribution for deep networks*: Integrated
#   Gradients, and the two axioms from which they follow.
# - [Pang and Lee (2005)](https://arxiv.org/abs/cs/0506075), *Seeing stars: exploiting class relationships for sentiment
#   categorization with respect to rating scales*: the film reviews.
# - [Geirhos et al. (2020)](https://arxiv.org/abs/2004.07780), *Shortcut learning in deep neural networks*: what else models learn
#   instead of what we mean, in language as in pictures.
