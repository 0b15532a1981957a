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
# # What does the alarm listen to?
#
# Sensitivity of an isolation forest's score
#
# > **After this notebook you can**
# >
# > - say why a derivative of a piecewise-constant score depends on nothing but its step
# > - test an importance on data whose two features are interchangeable
# > - split the score of a single alarm among its features, exactly
# > - tell a feature that moves the score from one that reveals the incidents, and improve a detector with that
#
# **15 minutes**, and 15 for the exercises · builds on decision trees · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A data centre watches its servers with an isolation forest. It learns from unlabelled readings what is ordinary, gives every new reading
# a score, and rings when the score is high. It does not say why.
#
# Someone has to get up at night for each alarm. Which measurement rang the bell? And do all the measurements help, or do
# some of them only add noise?

# %% tags=["setup"]
import numpy as np
import pandas as pd
import torch
from captum.attr import ShapleyValues
from scipy.stats import t as student_t
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from xaicourse.attribution import permutation_importance
from xaicourse.exercises import anomaly_detection as exercises
from xaicourse.plotting import bars, dots, lines, scatter_panels
from xaicourse.teaching import check, claim, hint, progress, show, table

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide's detector
#
# The slide draws 1,000 ordinary points from a normal distribution in two dimensions, and 50 anomalies evenly from a square. The
# forest isolates points by random cuts: a tree picks a feature and a threshold at random, again and again, until a point is alone. A
# point far out is alone after few cuts. Its score is near one; that of an ordinary point is below one half.


# %% tags=["live:the slide's detector"]
def slide_data(rng):
    return np.vstack([rng.standard_normal((1000, 2)), rng.uniform(-4, 4, (50, 2))])


def detector(X, seed, columns=(0, 1), n_trees=100):
    """Fit an isolation forest to some columns and return its score, high for anomalies."""
    forest = IsolationForest(n_estimators=n_trees, random_state=seed).fit(X[:, columns])
    return lambda rows: -forest.score_samples(rows[:, columns])


# %% tags=["live:fit it"]
X = slide_data(np.random.RandomState(42 + seed))
score = detector(X, 42 + seed)
base = score(X)
limit = np.quantile(base, 0.95)

# %%
is_anomaly = np.arange(len(X)) >= 1000
found = np.sum(base[is_anomaly] > limit)


def beyond_the_limit(a, b):
    points = np.column_stack([a.ravel(), b.ravel()])
    return score(points).reshape(a.shape) - limit


cloud = scatter_panels(
    {"": (X[:, 0], X[:, 1], is_anomaly)},
    x_label="feature 1",
    y_label="feature 2",
    classes=["ordinary", "anomaly"],
    boundaries={"alarm": beyond_the_limit},
)

# %%
show(
    cloud,
    caption="The slide's data, and the line outside of which the one in twenty "
    "highest scores lie.",
    alt="A round cloud of ordinary points with anomalies scattered over a square. "
    "The line around the cloud is jagged, with horizontal and vertical edges; "
    "{found} of {n_anomalies} anomalies lie outside of it.",
    n_anomalies=int(is_anomaly.sum()),
    tolerance=2,
)

# %% [markdown]
# Looked at closely, the line is made of horizontal and vertical pieces, because every cut is one. Keep that in mind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A quotient that depends on its step
#
# For the importance of a feature the slide adds `0.1` to it in every row and takes the mean absolute change of the score, divided by
# the step. Why `0.1`? Let us try others, in both directions.


# %% slideshow={"slide_type": "fragment"} tags=["live:the profile"]
def quotient(ask, points, column, step):
    """Return the mean change of the score per unit, over both signs, and the share of rows whose score moves."""
    before, shift = ask(points), step * np.eye(points.shape[1])[column]
    change = np.abs([ask(points + shift) - before, ask(points - shift) - before])
    return change.mean() / step, np.mean(change > 0)


# %% tags=["live:other steps"]
steps = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0])
profile = np.array([[quotient(score, X, column, h) for h in steps] for column in (0, 1)])
quotients, moved = profile[:, :, 0], profile[:, :, 1]  # features x steps

# %%
profiles = lines(
    steps,
    {
        "The quotient": dict(zip(["feature 1", "feature 2"], quotients)),
        "Rows whose score moves": dict(zip(["feature 1", "feature 2"], moved)),
    },
    x_label="step",
    y_labels=["change of the score per unit", "share of rows"],
    log_x=True,
)
small_steps = quotients[:, :4].min(), quotients[:, :4].max()
at_a_tenth = quotients[:, 6].mean()

# %%
show(
    profiles,
    caption="The slide's sensitivity for steps from a millionth to one, and how many "
    "rows it rests on.",
    alt="Two panels with a logarithmic step. Left: the quotients of the two features "
    "jump about for small steps, between {small_steps[0]:.2f} and {small_steps[1]:.2f}, "
    "agree near {at_a_tenth:.3f} at a step of 0.1 and stay there. Right: almost no row "
    "moves at the smallest step, all move at 0.1.",
    tolerance=0.02,
)
claim(
    "At a step of a millionth the number rests on next to none of {rows:,} rows; at 0.1 "
    "on nearly all",
    moved[:, 0].max() < 0.005 and moved[:, 6].min() > 0.95,
    evidence="moved, feature 1 and 2: {moved[:, 0]:.2%} at a millionth, "
    "{moved[:, 6]:.1%} at a tenth",
    rows=2 * len(X),
    tolerance=0.005,
    fails_if="the score were smooth",
)

# %% [markdown]
# A forest's score is a staircase. Its derivative is zero almost everywhere, and where it is not, it does not exist. Walk along the first
# feature and look at the steps:

# %% tags=["live:the staircase"]
walk = np.linspace(-0.3, 0.3, 1501)
stairs = score(np.column_stack([walk, np.zeros_like(walk)]))
jumps, height = np.count_nonzero(np.diff(stairs)), np.ptp(stairs)

# %%
staircase = lines(
    walk,
    {"": {"score": stairs}},
    x_label="feature 1 (feature 2 at zero)",
    y_labels="score",
    markers=False,
)

# %%
show(
    staircase,
    caption="The score along a short walk through the middle of the cloud.",
    alt="A staircase that goes up and down {jumps} times within a range of {height:.3f}.",
    tolerance={"jumps": 40, "height": 0.01},
)
claim(
    "The quotient at a hundredth is well above the one at three tenths: small steps add "
    "up stairs that large steps cancel",
    min(quotients[:, 4] / quotients[:, 7]) > 1.4,
    evidence="feature 1 and 2: {quotients[:, 4]:.3f} at a hundredth, "
    "{quotients[:, 7]:.3f} at three tenths",
    tolerance=0.02,
    fails_if="the score were smooth",
)

# %% [markdown]
# So there are three answers. A tiny step meets a stair by luck. A small one counts every stair, up or down: the roughness of the
# forest. One as wide as many stairs measures the slope of the hill that they are built on, which is what we wanted. It should be
# chosen on the scale of the *data*, and the profile shows where the answer has settled.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# There is no library to ask. But the law of the slide's data does not change when the two features trade places, so their
# sensitivities must agree. Not in one forest, where chance has picked the cuts, but on average over data and forests.


# %%
def interval(values, confidence=0.999):
    """Return the mean of independent values and the half-width of its interval, by Student's t."""
    n = len(values)
    return np.mean(values), student_t.ppf((1 + confidence) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n)


# %% tags=["live:are they interchangeable"]
log_ratios = []
for draw in progress("forests")(range(12)):
    again = slide_data(np.random.default_rng([seed, draw]))
    one = detector(again, seed + draw, n_trees=50)
    log_ratios.append(np.log(quotient(one, again, 0, 0.1)[0] / quotient(one, again, 1, 0.1)[0]))
middle, half = interval(log_ratios)
low, ratio, high = np.exp([middle - half, middle, middle + half])

# %%
claim(
    "Over a dozen data sets the ratio of the two sensitivities is one, within its 99.9 % "
    "interval from {low:.3f} to {high:.3f}",
    abs(middle) < min(half, 0.2),
    evidence="ratio {ratio:.3f}",
    tolerance=0.02,
    fails_if="the second feature were written down in a unit three times smaller",
)

# %% [markdown]
# The forest itself would not notice the unit: its cuts follow the range of a feature. The quotient does, since it divides by a step in that
# unit. Before you compare features, bring them to one scale.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One alarm
#
# A mean over a thousand rows does not help the person who has to get up. For a single reading $x$ we want to split the score. Let
# $v(S)$ be the mean score when the features in $S$ are those of $x$ and the others come from ordinary rows. With two features there are
# two orders in which they can be revealed, and the Shapley value is the mean gain over both:
#
# $$ \phi_1 = \tfrac12 \big[ v(1) - v(\emptyset) \big] + \tfrac12 \big[ v(12) - v(2) \big]. $$


# %% slideshow={"slide_type": "fragment"} tags=["live:by coalition"]
def v(known, rows, background):
    """Return the mean score of each row with the known features kept and the others from the background."""
    mixed = np.repeat(background[None], len(rows), axis=0)
    mixed[:, :, known] = rows[:, None, known]
    return score(mixed.reshape(-1, rows.shape[1])).reshape(len(rows), -1).mean(1)


ordinary = X[:1000:10]
alarms = X[np.argsort(-base)[:40]]
none, first, second, both = (v(known, alarms, ordinary) for known in ([], [0], [1], [0, 1]))
shares = np.column_stack([first - none + both - second, second - none + both - first]) / 2
highest = pd.DataFrame(
    np.column_stack([alarms, both, shares])[:4],
    columns=["feature 1", "feature 2", "score", "share of 1", "share of 2"],
    index=[f"alarm {i}" for i in range(1, 5)],
)

# %%
table(
    highest,
    caption="The four highest scores, split. The shares add up to the score's distance from that of an ordinary row.",
    formats="{:.2f}",
    tolerance=0.02,
)


# %% tags=["live:ask Captum"]
def on_tensors(rows):
    return torch.from_numpy(score(rows.numpy()))


pairs = torch.from_numpy(np.repeat(alarms[:5], len(ordinary), axis=0))
library = ShapleyValues(on_tensors).attribute(pairs, torch.from_numpy(np.tile(ordinary, (5, 1))))
library = library.numpy().reshape(5, len(ordinary), 2).mean(1)
off_captum = np.abs(shares[:5] - library).max()

# %% [markdown]
# Two checks: do the shares add up, and does the coordinate that is clearly further out get the larger one?

# %%
residual = np.abs(shares.sum(1) - (score(alarms) - score(ordinary).mean())).max()
distance = np.abs(alarms)
clear = np.abs(distance[:, 0] - distance[:, 1]) > 1
same_order = (shares[:, 0] > shares[:, 1]) == (distance[:, 0] > distance[:, 1])
agree, n_clear = np.mean(same_order[clear]), np.sum(clear)

# %%
claim(
    "The shares add up to the score above the ordinary, and Captum finds the same ones to "
    "a millionth",
    residual < 1e-12 and off_captum < 1e-6,
    evidence="residual {residual:.0e}, off Captum's by at most {off_captum:.0e}",
    tolerance={"residual": 1e-12, "off_captum": 1e-6},
    fails_if="only one of the two orders were counted",
)
claim(
    "Where one coordinate of an alarm is clearly further out, it gets the larger share, in "
    "{agree:.0%} of {n_clear} such alarms",
    agree > 0.9 and n_clear >= 8,
    tolerance={"agree": 0.05, "n_clear": 4},
    fails_if="the alarm and the ordinary rows had been exchanged",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A planted culprit
#
# Now the data centre: five standardised measurements of each server. In an incident the disk's latency is off by three standard
# deviations, up or down, and everything else is ordinary. A technician has confirmed the incidents of the past. We know the answer,
# so we can grade the questions:
#
# - the slide's quotient, over all rows, with a step of one half;
# - the Shapley values of the score, over the confirmed incidents;
# - permutation importance: how much worse are incidents told from ordinary rows when a column is shuffled?
#
# We simulate ten data centres, so as not to praise chance.


# %% tags=["live:a data centre"]
measurements = ["temperature", "load", "memory", "disk", "network"]


def readings(rng, culprit=3, n=800, incidents=40):
    """Return standardised readings of servers, and which of them are incidents."""
    rows, is_incident = rng.standard_normal((n + incidents, 5)), np.arange(n + incidents) >= n
    rows[n:, culprit] += 3 * rng.choice([-1, 1], incidents)
    return rows, is_incident


# %% [markdown]
# With five features there are 120 orders. Thirty random ones, each from another ordinary row, will do; along each order the gains add
# up exactly, as before.


# %% tags=["live:random orders"]
def sampled_shares(ask, row, background, rng, n_orders=30):
    """Return Shapley values of one row's score, from random orders and rows of the background."""
    path = background[rng.integers(len(background), size=n_orders)]
    stages, order = [path.copy()], rng.permuted(np.tile(np.arange(5), (n_orders, 1)), axis=1)
    for stage in range(5):
        path[np.arange(n_orders), order[:, stage]] = row[order[:, stage]]
        stages.append(path.copy())
    gains = np.diff(ask(np.concatenate(stages)).reshape(6, n_orders), axis=0).T
    found = np.zeros((n_orders, 5))
    np.put_along_axis(found, order, gains, axis=1)
    return found.mean(0)


# %% slideshow={"slide_type": "slide"} tags=["live:three questions"]
centres, by_quotient, by_shapley, by_permutation = [], [], [], []
for k in progress("data centres")(range(10)):
    rng = np.random.default_rng([seed, 1, k])
    servers, is_incident = readings(rng)
    watch = detector(servers, seed + k, range(5))
    centres.append((servers, watch))
    by_quotient.append([quotient(watch, servers, j, 0.5)[0] for j in range(5)])
    incidents, ordinary_servers = servers[is_incident], servers[~is_incident]
    by_shapley.append(np.mean([sampled_shares(watch, row, ordinary_servers, rng) for row in incidents[:10]], axis=0))
    shuffled = permutation_importance(watch, servers, is_incident, score=roc_auc_score, n_repeats=2, seed=seed)
    by_permutation.append(shuffled.mean)

# %%
questions = {
    "slide's quotient": np.array(by_quotient),
    "Shapley, incidents": np.array(by_shapley),
    "permutation, detection": np.array(by_permutation),
}
share = {name: a / np.abs(a).sum(1, keepdims=True) for name, a in questions.items()}
mean = {name: s.mean(0) for name, s in share.items()}
importances = bars(
    mean,
    measurements,
    intervals={name: [interval(c, 0.95)[1] for c in s.T] for name, s in share.items()},
    value_label="share of the total",
    reference=(0.2, "all alike"),
)

# %%
show(
    importances,
    caption="Three importances of the same detectors, each as a share of its total; means "
    "over ten data centres with 95 % intervals.",
    alt="Grouped bars. The disk has {mean[\"slide's quotient\"][3]:.0%} by the slide's "
    'quotient, the smallest of the five, {mean["Shapley, incidents"][3]:.0%} by the '
    'Shapley values of the incidents, and {mean["permutation, detection"][3]:.0%} by '
    "permutation.",
    tolerance=0.03,
)

# %% [markdown]
# Ten data centres give ten leads: by how much the disk is ahead of the best of the others, or, for the quotient, of their mean.


# %%
def disk_ahead_of(others, values):
    """Return the mean lead of the disk over the data centres, and its half-width."""
    return interval(values[:, 3] - others(np.delete(values, 3, axis=1), axis=1))


shapley_lead = disk_ahead_of(np.max, share["Shapley, incidents"])
permutation_lead = disk_ahead_of(np.max, share["permutation, detection"])
behind, its_half = disk_ahead_of(np.mean, share["slide's quotient"])

# %%
claim(
    "The planted measurement ranks first by the Shapley values of the incidents and by "
    "permutation, beyond 99.9 % intervals",
    all(lead > half for lead, half in (shapley_lead, permutation_lead)),
    evidence="lead by Shapley values {shapley_lead[0]:.2f} ± {shapley_lead[1]:.2f}, by "
    "permutation {permutation_lead[0]:.2f} ± {permutation_lead[1]:.2f}",
    tolerance=0.05,
    fails_if="nothing were wrong with the disk",
)
claim(
    "By the slide's quotient it ranks below the average of the others",
    behind < -its_half,
    evidence="the disk less the others {behind:.3f} ± {its_half:.3f}",
    tolerance=0.02,
    fails_if="nothing were wrong with the disk",
)

# %% [markdown]
# The slide's quotient gets it backwards, and not by accident. The forest cuts each feature anywhere between its smallest and its largest
# value. Incidents stretch the range of the disk, so fewer cuts fall among the ordinary rows, and ordinary rows are nearly all rows.
# "How much does this feature move the score?" and "which feature gives the incidents away?" are two questions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A better detector
#
# Four of five measurements only blur the picture. Keep the one that the Shapley values put first, fit again, and test on fresh
# readings. And then on fresh readings whose incidents are of another kind: this time it is the load that is off.


# %% tags=["live:keep one"]
def detection(ask, k, culprit):
    """Return how well incidents of one kind are told from ordinary readings, on fresh rows of a data centre."""
    fresh, truth = readings(np.random.default_rng([seed, 2, k]), culprit, incidents=200)
    return roc_auc_score(truth, ask(fresh))


full, refined, blind = [], [], []
for k, (servers, watch) in enumerate(centres):
    best = int(np.argmax(by_shapley[k]))
    narrow = detector(servers, seed + k, [best], n_trees=50)
    full.append(detection(watch, k, culprit=3))
    refined.append(detection(narrow, k, culprit=3))
    blind.append(detection(narrow, k, culprit=1))

# %%
auc, half_widths = np.transpose([interval(a, 0.95) for a in (full, refined, blind)])
detected = dots(
    {"AUC": auc},
    ["all five measurements", "the one that was found", "the same, when the load is off"],
    intervals={"AUC": half_widths},
    value_label="area under the ROC curve, fresh readings",
    reference=(0.5, "a coin"),
)
gain, its_width = interval(np.subtract(refined, full))
above_a_coin, coin_width = interval(np.subtract(blind, 0.5))

# %%
show(
    detected,
    caption="How well incidents are told from ordinary readings: mean over ten data "
    "centres with 95 % intervals.",
    alt="Dot plot. All five measurements reach {auc[0]:.2f}, the one that was found "
    "{auc[1]:.2f}, and the same detector {auc[2]:.2f} on incidents of another kind, next "
    "to the line of a coin at one half.",
    tolerance=0.02,
)
claim(
    "The refined detector is better on fresh incidents of the same kind, and no better "
    "than a coin on another kind",
    gain > its_width and abs(above_a_coin) < coin_width and auc[1] > 0.9,
    evidence="gain {gain:.3f} ± {its_width:.3f}; on another kind above a coin by "
    "{above_a_coin:.3f} ± {coin_width:.3f}",
    tolerance=0.02,
    fails_if="the measurement with the smallest share had been kept",
)

# %% [markdown]
# The refined detector is a specialist. It is right to run it *beside* the old one, with its own limit, and wrong to replace
# the old one by it: an anomaly detector is kept for what nobody has seen yet.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Two shares (difficulty 1, 5 minutes)
# Write `two_shares(none, first, second, both)`. It takes the four mean scores $v(\emptyset)$, $v(1)$, $v(2)$ and $v(12)$ and
# returns the two Shapley values.


# %% tags=["exercise"]
def two_shares(none, first, second, both):
    ### BEGIN SOLUTION
    return (first - none + both - second) / 2, (second - none + both - first) / 2
    ### END SOLUTION


check(exercises.two_shares, two_shares)  # hint(exercises.two_shares) helps, in layers

# %% [markdown]
# ## Exercise 2 — Is the step wide enough? (difficulty 2, 10 minutes)
# Write `share_moved(score, X, column, step)`: the share of rows whose score changes at all when `step` is added to one column.
# Leave the caller's `X` as it was.


# %% tags=["exercise"]
def share_moved(score, X, column, step):
    ### BEGIN SOLUTION
    shifted = X.copy()
    shifted[:, column] += step
    return np.mean(score(shifted) != score(X))
    ### END SOLUTION


check(exercises.wide_enough, share_moved)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A tree has no derivative. A quotient taken from it says as much about the step as about the model, so draw the profile.
# - Where the data make two features interchangeable, an importance must not tell them apart. That test needs no library.
# - The mean over all rows is about ordinary rows. For alarms, explain the alarms.
# - What was found may improve a detector for incidents of that kind, and blinds it for all others.

# %% [markdown]
# ## Where it breaks
#
# - Two of our three questions need confirmed incidents. Without any, one can average the Shapley values of the highest scores, but
#   among them are ordinary rows that are merely extreme, in any feature.
# - Replacing a feature by that of another row makes rows that may not exist. Our measurements were independent; real ones are not.
# - The culprit was a single measurement. An incident that shows only in a *combination* of two would share its credit, and
#   dropping either would hide it.

# %% [markdown]
# ## Further reading
#
# - [Liu, Ting and Zhou (2008)](https://doi.org/10.1109/ICDM.2008.17), *Isolation forest*: the method, with the score used here.
# - [Lundberg and Lee (2017)](https://arxiv.org/abs/1705.07874), *A unified approach to interpreting model predictions*: Shapley
#   values as a common language of explanations, and what "unknown" may mean in $v(S)$.
