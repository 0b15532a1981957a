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
# # Why did it decide so?
#
# The lecture on explainable AI, every figure of it computed here
#
# > **After this lecture you can**
# >
# > - say why a high accuracy is not enough, for people and for science
# > - name four kinds of explanation, and the question that each answers
# > - follow two stories from a black box to a decision: a particle, and a letter
#
# **45 minutes**, and 10 for the exercises · builds on a first course in machine learning · data: simulated here

# %% [markdown] slideshow={"slide_type": "notes"}
# Do not say yet what the lecture is about. Show the next slide, and wait.

# %% tags=["setup"]

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from xaicourse.attribution import (
    counterfactuals,
    grad_cam,
    permutation_importance,
    saliency,
)
from xaicourse.datasets import simulate_collisions, simulate_portfolio
from xaicourse.datasets.collisions import CROSS_SECTIONS, LUMINOSITY, MASS
from xaicourse.exercises import explainable_ai as exercises
from xaicourse.jets import coarse_mass, significance, two_prongs
from xaicourse.networks import (
    probability,
    small_cnn,
    train_mlps,
    train_network,
)
from xaicourse.plotting import bars, lines, pictures
from xaicourse.teaching import check, claim, hint, progress, say, show, table

seed = 0
z999 = norm.ppf(0.9995)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# Two people apply for an insurance. A network decides. The same age, the same health.

# %%
portfolio = simulate_portfolio(20_000, seed=seed)
customers, accepted, test = portfolio.customers, portfolio.accepted.to_numpy(), portfolio.test
words = ["name_origin", "district"]
numbers = [c for c in customers if c not in [*words, "gender"]]
encoder = make_column_transformer(
    (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), words), verbose_feature_names_out=False
).fit(customers[~test])


def box(frame):
    """Return the black box's probability of accepting each customer."""
    return probability(black_box, encoder.transform(frame))


X = encoder.transform(customers).astype(np.float32)
[black_box] = train_mlps(X[~test], accepted[~test], hidden=[32], seeds=[seed], max_epochs=12)

# %%
twins = [portfolio.truth.twins(religion=g) for g in (0, 1)]
p_twins = np.array([box(frame) for frame in twins])
# A pair at the edge of what the underwriters would accept, twins apart in
# name and address: one in, one out.
names_differ = (twins[0]["name_origin"] == "plain") & (
    twins[1]["name_origin"] == "south"
)
moved = twins[0]["district"] != twins[1]["district"]
edge = abs(0.75 - 0.9 + 1.5 * np.log(portfolio.truth.expected_claims / 1000))
split = test & names_differ & moved & (p_twins[0] > 0.5) & (p_twins[1] < 0.5)
case = int(np.argmin(np.where(split, edge, np.inf)))

# %%
shown = ["age", "smoker", "bmi", "chronic", "name_origin", "district"]
pair = pd.DataFrame(
    [frame.iloc[case][shown] for frame in twins],
    index=["Customer A", "Customer B"],
).T
pair.loc["decision"] = ["accepted", "refused"]
table(
    pair,
    caption="Two applications and what the network made of them.",
    formats="{:.0f}",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Let them read it. Do not comment on names and districts: somebody will.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Customer B writes a letter
#
# *Why?*
#
# **To the room:** you trained this network. What do you answer? You have one minute.

# %% [markdown] slideshow={"slide_type": "notes"}
# Collect three answers. Usually: "the network said so", "it is accurate", "the data say so". Keep them on the board; the last part of the
# lecture comes back to them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## "But it is accurate"
#
# On benchmark data we got used to nine right answers in ten, and to call that a good job.

# %%
right = (probability(black_box, X) > 0.5) == accepted
share_right = right[test].mean()
acceptance = portfolio.truth.acceptance[test]
best = np.maximum(acceptance, 1 - acceptance).mean()

# %%
say(
    "This network is right for {share_right:.0%} of new customers. The "
    "underwriters whom it learnt from decide partly by mood: nobody could be "
    "right for more than {best:.0%}. It is as good as it gets, and it says "
    "nothing of *why*, nor for *whom* it is wrong.",
    tolerance=0.01,
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Accuracy is an average over people. A letter comes from one of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What machine learning does to science
#
# - beats people in their highest strategic games
# - speeds up computations by factors of millions and more
# - handles symbols and formulas
# - solves inverse problems that were called impossible
# - finds symmetries that nobody had seen

# %% [markdown] slideshow={"slide_type": "notes"}
# One example of your own field for each, half a minute in all. The question to plant: which of these has told us something that we now
# *know*, beyond an answer that we now *have*?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What it does to people
#
# - follows and identifies hundreds of people at once, with a camera and a small computer
# - reads the mood of a country from its posts
# - sorts households by the electricity they use
# - guesses what somebody never said, from a few clicks

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A few clicks
#
# <!-- Ask which columns the room would leave out to keep religion from being read. -->
#
# No column of our insurer holds religion or politics. Can they be read all the same?


# %% tags=["live:read what nobody wrote down"]
def read(columns, hidden):
    """Say how well a logistic regression reads a hidden attribute from some columns of new customers (AUC)."""
    words = [c for c in columns if customers[c].dtype == "category"]
    prepare = make_column_transformer((OneHotEncoder(), words), remainder=StandardScaler())
    model = make_pipeline(prepare, LogisticRegression(max_iter=500)).fit(customers.loc[~test, columns], hidden[~test])
    return roc_auc_score(hidden[test], model.predict_proba(customers.loc[test, columns])[:, 1])


name, address = ["name_origin", "name_length", "name_per_million"], ["district", "rent"]
auc = {
    "religion": read(name + address, portfolio.truth.religion),
    "without origin": read(name[1:] + address, portfolio.truth.religion),
    "politics": read(["pages_slant"], portfolio.truth.politics),
}

# %%
hidden_read = bars(
    {"": list(auc.values())},
    [
        "religion,\nfrom name and address",
        "religion,\nwithout the name's origin",
        "politics,\nfrom pages followed",
    ],
    value_label="area under the ROC curve",
    reference=(0.5, "a coin"),
    limits=(0.4, 1),
)

# %%
show(
    hidden_read,
    caption="How well hidden attributes are read from ordinary columns of "
    "customers whom the model has not seen.",
    alt='Three bars above one half: religion {auc["religion"]:.2f} from name '
    'and address, {auc["without origin"]:.2f} without the origin of the name, '
    'politics {auc["politics"]:.2f} from the pages followed.',
    tolerance=0.003,
)

# %% slideshow={"slide_type": "skip"}
truth = portfolio.truth
fewest = min(truth.religion[test].sum(), truth.politics[test].sum())
half_width = z999 * 0.5 / np.sqrt(fewest)

# %% slideshow={"slide_type": "skip"}
claim(
    "Religion and politics can be read from columns that do not name them, "
    "also without the most telling one",
    min(auc.values()) - half_width > 0.5,
    evidence="area under the ROC curve: {auc:.2f}",
    tolerance=0.003,
    fails_if="the hidden groups had been drawn by lot",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two reasons to ask why
#
# We cannot hold its hand, close our eyes, and jump.
#
# 1. **Ethics:** decisions must comply with what people have agreed on. *AI is a tool, not an aim.*
# 2. **Practice:** breakthroughs come from poking around big solid castles. *What it found can help us find more.*

# %% [markdown] slideshow={"slide_type": "notes"}
# This is where the lecture gets its name: explainable AI. Both reasons get a story today. Ask which of the two brought people here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Policy and law
#
# - European data protection (2016): who is judged by a machine alone may ask for a human, and for the logic involved
# - European Court, *Test-Achats* (2011): gender may not set an insurance premium
# - European AI Act (2024): life and health insurance and credit are *high risk*, to be documented and overseen
# - Religion, politics, origin are protected: a proxy is no excuse
#
# **To the room:** which of these does our network break?

# %% [markdown] slideshow={"slide_type": "notes"}
# General Data Protection Regulation, articles 15 and 22; case C-236/09; AI Act, annex III. This is a physics lecture, not legal advice:
# the point is that "the network said so" is no answer before a court.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four questions, four tools
#
# | the question | a tool |
# |---|---|
# | *Where* in this input? | saliency, Grad-CAM |
# | *Which columns*, on average? | permutation importance |
# | *What rule* imitates it? | a surrogate, such as boosted trees |
# | *What would have to differ?* | a counterfactual |
#
# None of them answers the question of another.

# %% [markdown] slideshow={"slide_type": "notes"}
# The table returns as the first exercise. Saliency and counterfactuals speak of one case, the other two of many.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A particle that is too rare
#
# A collision is a picture: energy in the cells of a calorimeter. A new particle would leave two clusters. So does background, sometimes.

# %% tags=["live:draw collisions"]
background = simulate_collisions(16_000, signal_share=0, seed=10 * seed + 1)
signal = simulate_collisions(3000, signal_share=1, seed=10 * seed + 2)

# %%
first = [
    np.sqrt(events.images[i, 0])
    for events in (signal, background)
    for i in range(5)
]
ten_events = pictures(
    {str(i): picture for i, picture in enumerate(first)},
    columns=5,
    titles=["event 0", "1", "2", "3", "4"],
)
between = signal.truth.prongs[:, 0] - signal.truth.prongs[:, 1]
apart = np.hypot(*between.T).mean()

# %%
show(
    ten_events,
    caption="Above, new particles; below, background.",
    alt="Ten small dark pictures with bright cells. The upper five show two "
    "clusters, {apart:.2f} rad apart on average; most of the lower five show "
    "one.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Count before you cheer
#
# A trigger writes only collisions with a momentum above 650 GeV: tape is limited.

# %%
events = {"background": background, "signal": signal}
produced = {name: CROSS_SECTIONS[name] * LUMINOSITY for name in events}
old = {name: e.intensity > 650 for name, e in events.items()}


def count(passed):
    """Return expected signal, background, and their significance."""
    b, s = (produced[name] * np.mean(passed[name]) for name in events)
    return s, b, significance(s, b, uncertainty=0.1)


s, b, z = count(old)

# %%
say(
    'In ten inverse attobarns the accelerator makes {produced["signal"]:.0f} '
    "new particles. The trigger writes {s:.0f} of them, and {b:.0f} of "
    "background. Worth: {z:.1f} standard deviations. A discovery needs five.",
    tolerance={"s": 0.1, "b": 1.0, "z": 0.01},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Super-good, but not good enough
#
# A small convolutional network learns to tell them apart, in seconds.


# %% tags=["live:train the network"]
def tensors(images):
    return 5 * torch.from_numpy(np.sqrt(images))


lesson = simulate_collisions(5000, min_pt=625, seed=10 * seed + 3)
network = train_network(
    lambda: small_cnn(2), tensors(lesson.images), torch.from_numpy(lesson.labels), max_epochs=7, learning_rate=8e-3,
    seed=seed, progress=progress("training"),
)  # fmt: skip
with torch.no_grad():
    logits = {name: network(tensors(e.images[old[name]])) for name, e in events.items()}
score = {name: (out[:, 1] - out[:, 0]).numpy() for name, out in logits.items()}

# %%
fresh = np.repeat([0, 1], [len(x) for x in score.values()])
ranked = roc_auc_score(fresh, np.concatenate(list(score.values())))
cut = np.quantile(score["signal"], 0.5)
by_network = {name: kept.copy() for name, kept in old.items()}
for name, p in by_network.items():
    p[p] = score[name] > cut
kept_s, kept_b, kept_z = count(by_network)

# %%
say(
    "It ranks {ranked:.0%} of new pairs rightly. Keep the better half of the "
    "signal: {kept_s:.1f} events on {kept_b:.1f}, {kept_z:.1f} standard "
    "deviations.",
    tolerance={"ranked": 0.04, "kept_s": 0.1, "kept_b": 6.0, "kept_z": 0.6},
)

# %% slideshow={"slide_type": "skip"}
spread = np.sqrt(ranked * (1 - ranked) / len(score["signal"]))
ranked_at_least = ranked - z999 * spread

# %% slideshow={"slide_type": "skip"}
claim(
    "The network is good (AUC above 0.8) and not good enough: below three "
    "standard deviations",
    ranked_at_least > 0.8 and kept_z < 3,
    evidence="AUC {ranked:.2f}, {kept_z:.1f} standard deviations",
    tolerance={"ranked": 0.04, "kept_z": 0.6},
    fails_if="the scores had been shuffled",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What else could it do for you?
#
# It became very good at finding a new phenomenon. So it must have *seen* something in the data.
#
# **To the room:** how would you find out what?

# %% [markdown] slideshow={"slide_type": "notes"}
# Wait for "look at its weights" (too many), "cover parts of the picture" (occlusion, good), "change a pixel and see" (that is the gradient).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A saliency map
#
# How much does the answer change with each cell? One gradient tells it for all of them.

# %% tags=["live:saliency and Grad-CAM"]
some = np.flatnonzero(by_network["signal"])[:150]
x, masks = tensors(signal.images[some]), signal.truth.masks[some]
maps = {
    "saliency": saliency(network, x, target=1).abs()[:, 0].numpy(),
    "Grad-CAM": grad_cam(network, x, layer=network.maps, target=1).values.numpy(),
}

# %%
panels = {}
for i in range(3):
    panels[f"picture {i}"] = np.sqrt(signal.images[some[i], 0])
    panels[f"saliency {i}"] = maps["saliency"][i]
saliencies = pictures(panels, columns=6, titles=["picture", "saliency"] * 3)
total = maps["saliency"].sum((1, 2))
on_clusters = ((maps["saliency"] * masks).sum((1, 2)) / total).mean()

# %%
show(
    saliencies,
    caption="Three new particles, and the gradient of the logit of the new "
    "particle.",
    alt="Three pairs of a picture and its saliency map: rings of speckles "
    "around the clusters, which hold {on_clusters:.2f} of the map.",
    tolerance=0.15,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Grad-CAM
#
# The maps inside the last convolution, each weighed by how much the answer depends on it.

# %%
panels = {}
for i in range(3):
    panels[f"picture {i}"] = np.sqrt(signal.images[some[i], 0])
    panels[f"Grad-CAM {i}"] = maps["Grad-CAM"][i]
cams = pictures(panels, columns=6, titles=["picture", "Grad-CAM"] * 3)
total = np.maximum(maps["Grad-CAM"].sum((1, 2)), 1e-12)
share = (maps["Grad-CAM"] * masks).sum((1, 2)) / total
on_prongs = share.mean()

# %%
show(
    cams,
    caption="The same three, and their Grad-CAM: calmer and coarser.",
    alt="Three pairs of a picture and its Grad-CAM map: smooth blobs near the "
    "clusters, which hold {on_prongs:.2f} of the map.",
    tolerance=0.15,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it point at anything?
#
# Every network has such a map, a bad one too. Here we know where the two prongs are, and can grade it.

# %%
turned = np.rot90(masks, axes=(1, 2))
aside = (maps["Grad-CAM"] * turned).sum((1, 2)) / total
on_prongs, on_turned, chance = share.mean(), aside.mean(), masks.mean()
pointing = bars(
    {"": [on_prongs, on_turned, chance]},
    [
        "on the true prongs",
        "on the prongs turned by 90°",
        "by chance (their area)",
    ],
    value_label="share of Grad-CAM",
)

# %%
show(
    pointing,
    caption="Where Grad-CAM lies.",
    alt="Three bars: {on_prongs:.2f} on the true prongs, {on_turned:.2f} on "
    "the mask turned by a right angle, {chance:.3f} by chance.",
    tolerance={"on_prongs": 0.15, "on_turned": 0.15, "chance": 0.005},
)


# %% slideshow={"slide_type": "skip"}
def half_width_of(x):
    return z999 * x.std(ddof=1) / np.sqrt(len(x))


more_than_turned = on_prongs - on_turned > half_width_of(share - aside)
twice_chance = on_prongs - half_width_of(share) > 2 * chance

# %% slideshow={"slide_type": "skip"}
claim(
    "Grad-CAM lies on the true prongs more than on the turned ones, and more "
    "than twice as much as by chance",
    more_than_turned and twice_chance,
    evidence="on the true prongs {on_prongs:.2f} of it, on the turned ones "
    "{on_turned:.2f}, by chance {chance:.3f}",
    control="the same masks, turned by a right angle",
    tolerance={"on_prongs": 0.15, "on_turned": 0.15, "chance": 0.005},
    fails_if="the true masks had been turned as well",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who uses such maps?
#
# - **Detectors:** at CMS, networks watch the muon chambers for faults; maps show which layer looked wrong
#   ([Pol et al., 2019](https://arxiv.org/abs/1808.00911))
# - **Medicine:** Grad-CAM on X-rays shows a doctor what to look at again
# - and it has caught networks out: one read *which hospital* from a metal token in the corner
#   ([Zech et al., 2018](https://arxiv.org/abs/1807.00431))

# %% [markdown] slideshow={"slide_type": "notes"}
# The last one is the best argument of the lecture: accuracy was excellent, in the hospital where it was trained. The map raised the
# suspicion; moving to another hospital proved it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a map to a quantity
#
# Two prongs: that can be measured. Two momenta at a distance have a **mass**.


# %% tags=["live:the mass of two prongs"]
def mass(e, kept):
    prongs = two_prongs(e.images[kept])
    return e.intensity[kept] * np.sqrt(prongs.shares.prod(1)) * prongs.distance


masses = {name: mass(e, old[name]) for name, e in events.items()}

# %%
edges = np.linspace(0, 300, 21)
spectra = lines(
    (edges[:-1] + edges[1:]) / 2,
    {
        "": {
            name: np.histogram(m, edges)[0] / len(m)
            for name, m in masses.items()
        }
    },
    x_label="mass, GeV",
    y_labels="share of events in 15 GeV",
    markers=False,
)
near_peak = np.mean(abs(masses["signal"] / MASS - 1) < 0.1)

# %%
show(
    spectra,
    caption="The mass of the two brightest places.",
    alt="Background falls from zero; the signal is a narrow peak, with "
    "{near_peak:.2f} of it within a tenth of 180 GeV.",
    tolerance=0.005,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a quantity to a trigger
#
# Now the trigger can be told what to keep: a rough mass, from coarse towers, instead of more and more momentum.

# %% tags=["live:a new line in the menu"]
rough = {name: coarse_mass(e.images, e.intensity) for name, e in events.items()}
new = {name: (e.intensity > 800) | ((rough[name] > 180) & (rough[name] < 240)) for name, e in events.items()}
stages = {"trigger": old, "network": by_network}
for title, kept in {"mass window": old, "new trigger + mass window": new}.items():
    stages[title] = {name: k.copy() for name, k in kept.items()}
    for name, k in stages[title].items():
        k[k] = abs(mass(events[name], kept[name]) - MASS) < 16

# %%
worth = {title: count(passed) for title, passed in stages.items()}
ratio = {title: s / b for title, (s, b, _) in worth.items()}
gained = {title: z for title, (_, _, z) in worth.items()}
steps = bars(
    {"": list(gained.values())},
    list(worth),
    value_label="expected significance, standard deviations",
    reference=(5, "discovery"),
    horizontal=True,
)
s_new, s_old = (
    worth[w][0] for w in ("new trigger + mass window", "mass window")
)

# %%
show(
    steps,
    caption="What each step is worth. Signal over background goes from "
    '{ratio["trigger"]:.2f} to {ratio["new trigger + mass window"]:.2f}, and '
    "the new trigger keeps {s_new:.0f} new particles instead of {s_old:.0f}.",
    alt='Four bars: S/B is {ratio["trigger"]:.2f} after the trigger, '
    '{ratio["network"]:.2f} with the network, {ratio["mass window"]:.2f} with '
    'the mass window, {ratio["new trigger + mass window"]:.2f} with the new '
    "trigger, which keeps {s_new:.0f} new particles instead of {s_old:.0f}.",
    tolerance={
        'ratio["trigger"]': 0.002,
        'ratio["network"]': 0.3,
        'ratio["mass window"]': 0.1,
        'ratio["new trigger + mass window"]': 0.1,
        "s_new": 0.5,
        "s_old": 0.5,
    },
)

# %% slideshow={"slide_type": "skip"}
before, after = ratio["trigger"], ratio["new trigger + mass window"]
more = gained["new trigger + mass window"] - gained["network"]
writes_less = new["background"].mean() < old["background"].mean()

# %% slideshow={"slide_type": "skip"}
claim(
    "From S/B far below 1 to about 1: the new trigger with one cut on the "
    "mass is worth more than the network on the old one, and writes less",
    before < 0.06 and after > 0.6 and more > 0.5 and writes_less,
    evidence="S/B {before:.2f} before, {after:.2f} after; "
    "standard deviations: {gained:.1f}",
    tolerance={"before": 0.1, "after": 0.1, "gained": 0.6},
    fails_if="the trigger had stayed as it was",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# The full search, with cuts chosen on other events and intervals, is in the notebook *What did the network see?* There S/B goes well above
# one. Ask: what can an analysis never bring back? What the trigger did not write.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Back to the letter
#
# $X$: name, date of birth, address, education, gender, medical history, friends on a network. $y$: the history of claims.
#
# You get extremely good at predicting $y$, and can compute the most *fair* premium. Then it is used to accept and refuse. Then comes the
# letter, and after it the audit.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How would you audit it?
#
# - fit **boosted trees** and read their feature importance: but fit them to the *black box*, not to the data
# - **drop columns** and train again: but the information may stay, in the columns beside them
# - **principal components** and **clusters**: groups that nobody recorded
# - errors **by group**: and say first which error

# %% [markdown] slideshow={"slide_type": "notes"}
# These are the steps of the original lecture, each with its catch. The notebook *Who was refused, and why?* does all of them on customers whose
# discrimination was planted, so that the audit itself can be graded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does it go by?

# %% tags=["live:permutation importance"]
few = customers[test].head(1200)
importance = permutation_importance(
    box, few, box(few), score=lambda a, b: -np.mean(abs(a - b)), n_repeats=2, seed=seed
).mean
top = np.argsort(-importance)[:8]

# %%
shuffled_columns = bars(
    {"": 100 * importance[top]},
    [customers.columns[i] for i in top],
    value_label="mean change of the probability (points)",
    horizontal=True,
)
by_origin = 100 * importance[list(customers.columns).index("name_origin")]

# %%
show(
    shuffled_columns,
    caption="How far the black box's answers move when a column is shuffled.",
    alt="Horizontal bars for eight columns. Shuffling the origin of the name "
    "moves the probability by {by_origin:.1f} points.",
    tolerance=1.5,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is that discrimination?
#
# Customers A and B were **twins**: one person, computed twice, born into another religion. Here we can do that for everybody.

# %%
effect = 100 * (p_twins[1] - p_twins[0])[test]
mean_effect = effect.mean()
share_of = np.histogram(effect, np.arange(-60, 21, 5))[0] / len(effect)
of_birth = lines(
    np.arange(-57.5, 20, 5),
    {"": {"customers": share_of}},
    x_label="twin in the minority minus twin in the majority "
    "(points of probability)",
    y_labels="share of customers",
    marks={"no difference": 0.0},
    markers=False,
)

# %%
show(
    of_birth,
    caption="What being born into the minority does to the answer of a "
    "network that never saw religion: {mean_effect:.0f} points on average.",
    alt="A curve over the difference of the twins, nearly all of it below "
    "zero; the mean is {mean_effect:.1f} points.",
    tolerance=2.0,
)

# %% slideshow={"slide_type": "skip"}
planted = 100 * portfolio.truth.effect("religion")
at_most = mean_effect + half_width_of(effect)

# %% slideshow={"slide_type": "skip"}
claim(
    "The black box, which never saw religion, takes from the minority: the "
    "mean over twins lies below zero beyond a 99.9 % interval",
    at_most < -3,
    evidence="mean {mean_effect:.1f} points; planted in the underwriters' "
    "law: {planted:.1f}",
    tolerance={"mean_effect": 2.0},
    fails_if="the twins had been exchanged at random",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# So one has to conclude that the company takes discriminatory decisions on protected characteristics, and breaks the law. It did not intend to;
# it was good at predicting what its underwriters had always done.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What do you tell customer B?
#
# A **counterfactual**: small changes, of what *can* change, to values that *exist*, after which she is accepted
# ([Mothilal, Sharma and Tan, 2020](https://arxiv.org/abs/1905.07697)).

# %% tags=["live:a counterfactual"]
columns = list(encoder.get_feature_names_out())
menus = {
    "bmi": np.arange(20, 35.5, 0.5),
    "exercise": np.arange(0, 8.5, 0.5),
    "deductible": np.array([0, 250, 500, 1000, 2000]),
}
free = [columns.index(c) for c in menus]
scaler = encoder.named_transformers_["standardscaler"]
choices = {
    i: (menu - scaler.mean_[i]) / scaler.scale_[i]
    for i, menu in zip(free, menus.values())
}
row = torch.from_numpy(encoder.transform(twins[1].iloc[[case]]).astype(np.float32))
found = counterfactuals(
    black_box, row, target=1, actionable=free, choices=choices, n_counterfactuals=2, max_steps=150, seed=seed
)

# %%
told = scaler.inverse_transform(np.r_[row, found.values][:, : len(numbers)])
ways = pd.DataFrame(
    (told[:, free] / [1, 1, 100]).T,
    index=[
        "bmi (kg/m²)",
        "exercise (hours a week)",
        "deductible (hundred euros)",
    ],
    columns=["she is", "one way", "another"],
)

# %%
table(
    ways,
    caption="Two ways for customer B.",
    formats="{:.1f}",
    tolerance=dict(zip(ways.index, (2.0, 1.5, 3.0))),
)

# %% slideshow={"slide_type": "skip"}
fixed = [i for i in range(len(columns)) if i not in free]
as_before = bool((found.values[:, fixed] == row[:, fixed]).all())
n_ways = len(found.valid)

# %% slideshow={"slide_type": "skip"}
claim(
    "Both ways lead to an acceptance and leave everything else as it is",
    bool(found.valid.all()) and as_before,
    evidence="{n_ways} ways found",
    fails_if="the answers had been those before the search",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# It is useful, and it is a little shameful: customer A got in without any of it. An explanation can be true and hide the point.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Which tool for which question? (difficulty 1, 5 minutes)
# Give each question its tool: `"saliency"`, `"importance"`, `"surrogate"` or `"counterfactual"`.
#
# - Which pixels of this X-ray speak for pneumonia?
# - Which columns could the insurer not do without?
# - Which few rules imitate the network's decisions?
# - What should this customer change to be accepted?

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = {
    "Which pixels of this X-ray speak for pneumonia?": "saliency",
    "Which columns could the insurer not do without?": "importance",
    "Which few rules imitate the network's decisions?": "surrogate",
    "What should this customer change to be accepted?": "counterfactual",
}
### END SOLUTION
check(exercises.which_tool, answer)  # hint(exercises.which_tool) helps, in layers

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 2 — What is a cut worth? (difficulty 1, 5 minutes)
# A cut keeps the share `signal` of the signal and the share `background` of the background. By which factor does $s / \sqrt b$ change?
# Is a network that keeps half of the signal and one in a hundred of the background worth having?


# %% tags=["exercise"]
def worth_of_a_cut(signal, background):
    ### BEGIN SOLUTION
    return signal / np.sqrt(background)
    ### END SOLUTION


check(exercises.worth_of_a_cut, worth_of_a_cut)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Accuracy is an average. Explanations are for the case, the cause, and the court.
# - Ask the question first, then choose the tool. Grade the tool where the truth is known.
# - In science an explanation becomes a quantity; in society it becomes an answer that one has to stand up for.
#
# **Today:** the notebook *What 85 % means*. The US census, salaries above 50,000 dollars, a logistic regression and a shallow network. Is 85 % good?

# %% [markdown] slideshow={"slide_type": "notes"}
# No break at half past twelve. Open `lectures/census_income`. From now on everybody works on the project of their choice.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where it breaks
#
# - Both stories are simulated, so that the truth is known. Real ones have no twins and no true prongs.
# - A map shows where, not why. A surrogate is faithful only as far as it was tested.
# - A short deck uses small samples: the worked examples repeat it all with cuts chosen on other events, and intervals.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Further reading
#
# - [Pol et al. (2019)](https://arxiv.org/abs/1808.00911), *Detector monitoring with artificial neural networks at the CMS
#   experiment at the CERN Large Hadron Collider*: networks that watch a detector, and how their answers are looked into.
# - [Zech et al. (2018)](https://arxiv.org/abs/1807.00431), *Variable generalization performance of a deep learning model to
#   detect pneumonia in chest radiographs: a cross-sectional study*: the hospital in the corner of the picture.
# - [Mothilal, Sharma and Tan (2020)](https://arxiv.org/abs/1905.07697), *Explaining machine learning classifiers through diverse
#   counterfactual explanations*: counterfactuals that differ from each other.
# - [Selvaraju et al. (2017)](https://arxiv.org/abs/1610.02391), *Grad-CAM: visual explanations from deep networks via
#   gradient-based localization*: with tests on people.
