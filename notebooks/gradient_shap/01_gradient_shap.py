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
# # Why her?
#
# From Shapley's fair division to GradientSHAP
#
# > **After this notebook you can**
# >
# > - say what a Shapley value is, compute it by hand, and say why GradientSHAP is a cheap stand-in for it
# > - explain every prediction of a network, and check the explanation against an axiom, a library and the exact values
# > - choose what a prediction is compared with, and know what the choice changes
# > - average explanations over groups without reading the grouping into them
#
# **30 minutes**, and as many for the exercises · builds on a first course in machine learning · data: Pima Indians Diabetes

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A clinic screens women for diabetes. A network reads eight measurements and calls some of them back for a longer test. One of
# them asks: *why me?* A colleague runs an explanation and says: your glucose. Another one runs the same method with another
# setting and says: your age. Both print neat bars. Whom should the clinic believe, and what did either of them compute?

# %% tags=["setup"]
import itertools
from copy import deepcopy

import numpy as np
import pandas as pd
import torch
from captum.attr import GradientShap
from scipy.stats import norm
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC
from torch import nn

from xaicourse.attribution import (
    gradient_shap,
    sampled_shapley_values,
    shapley_values,
)
from xaicourse.datasets import load_diabetes
from xaicourse.exercises import gradient_shap as exercises
from xaicourse.networks import train_network
from xaicourse.plotting import bars, dots, heat_map, lines
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
    table,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# The table was collected by the US National Institute of Diabetes and Digestive and Kidney Diseases: women of Pima heritage, and
# whether each was found to have diabetes within five years.

# %% tags=["live:load the table"]
diabetes = load_diabetes(seed=seed)
X, y = diabetes.features, diabetes.target.to_numpy()
names = ["pregnancies", "glucose", "blood pressure", "skin fold", "insulin", "body mass", "pedigree", "age"]

# %%
groups = {"healthy": X[y == 0], "diabetes": X[y == 1]}
overview = pd.DataFrame(
    {"missing": X.isna().sum()}
    | {f"median, {name}": rows.median() for name, rows in groups.items()}
).set_axis(names)
share, majority = y.mean(), 1 - y.mean()

# %%
say("{diabetes.origin}")
table(
    overview,
    caption="What the table holds, in each column's own unit.",
    formats="{:g}",
)
say(
    "{share:.0%} of the {y.size} women were found to have diabetes. Whoever "
    "says *no* to all is right for {majority:.0%}.",
)

# %% [markdown]
# In the file, a missing value is written as 0: a living woman with a blood pressure of nought. A network that is fed such zeros
# learns who was measured, next to who is ill. The loader marks them as missing; we fill them with the median of the training rows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A fair division
#
# Explaining one prediction is a problem of sharing: the network says more (or less) for this woman than for an average one.
# How much of the difference is due to each measurement?
#
# Take a function small enough for paper. Start from a reference, put the columns of $x$ in one after another, and write down what
# each one changed. Here are two columns that only count once their sum passes ten:


# %% slideshow={"slide_type": "fragment"} tags=["live:one after another"]
def toy(x):
    total = x.sum(1)
    return np.maximum(total - 10, 0) + 3 * np.maximum(total + 1, 0) - 1


def gains(f, x, reference, order):
    """What each column changes when the columns of x replace those of the reference in this order."""
    point, gained = reference.copy(), np.zeros(len(x))
    for j in order:
        before = f(point[None])[0]
        point[j] = x[j]
        gained[j] = f(point[None])[0] - before
    return gained


x, nothing = np.array([2.0, 10.0, 3.0]), np.zeros(3)
orders = list(itertools.permutations(range(3)))
every_order = np.array([gains(toy, x, nothing, order) for order in orders])

# %%
of_orders = pd.DataFrame(
    every_order,
    index=["-".join(str(j + 1) for j in order) for order in orders],
    columns=["column 1", "column 2", "column 3"],
)

# %%
table(
    of_orders,
    caption="What each column changed, in each of the six orders.",
    formats="{:g}",
)

# %% [markdown]
# Each row adds up to the same total, but the shares differ: who comes late finds the threshold already passed. No order is better
# than another, so Shapley takes them all: **the mean over all orders**.
#
# It is the only division with four properties that one would ask of a fair one (his axioms):
#
# - *efficiency*: the shares add up to what is to be shared;
# - *dummy*: a column that never changes anything receives nothing;
# - *symmetry*: two columns that always do the same receive the same;
# - *linearity*: the shares of a sum of two functions are the sums of the shares.

# %% tags=["live:the mean over all orders"]
by_hand = every_order.mean(0)
packaged = shapley_values(toy, x[None], baselines=nothing[None])

# %%
published = np.allclose(by_hand, [7, 32.5, 10.5])
agrees = np.allclose(packaged.values[0], by_hand)

# %%
claim(
    "The mean over the orders is the published value of this function, "
    "(7, 32.5, 10.5), and what the package computes from coalitions",
    published and agrees,
    evidence="by hand {by_hand:g}; packaged {packaged.values[0]:g}",
    fails_if="only the first order counted",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is an absent measurement?
#
# A model cannot be asked about a woman without an age. So an absent column is filled from other people, the **baselines**: the worth
# of a set $S$ of columns is what the model says on average when those in $S$ are hers and the rest belong to somebody else,
#
# $$v(S) = \frac1B \sum_b f(x_S, b_{\bar S}).$$
#
# Nothing but outputs is needed, so this works for any model. The price: eight columns have $2^8$ sets, each asked with every
# baseline, and every further column doubles it.
#
# ## A straight road instead of all corners
#
# The sets are the corners of a box between $b$ and $x$. A network has gradients, so we may walk through the inside: move straight
# from $b$ to $x$ and collect, step by step, what each column's movement changed. Averaged over baselines and places $\alpha$ on the way:
#
# $$\phi_j(x) = \mathbb E_{b,\ \alpha\sim U(0,1)}\Big[(x_j - b_j)\, \frac{\partial f}{\partial z_j}\Big],
# \qquad z = b + \alpha\,(x - b).$$
#
# This is **GradientSHAP**, or expected gradients. One gradient serves all columns at once. As code:


# %% slideshow={"slide_type": "fragment"} tags=["live:five lines"]
def five_lines(f, x, baselines, n_samples, seed):
    rng = np.random.default_rng(seed)
    b = baselines[rng.integers(len(baselines), size=n_samples)]
    z = b + torch.tensor(rng.random((n_samples, 1)), dtype=b.dtype) * (x - b)
    gradient = torch.autograd.grad(f(z.requires_grad_()).sum(), z)[0]
    return ((x - b) * gradient).mean(0)


# %% [markdown]
# The packaged `gradient_shap` places its draws more evenly, works in batches, and returns what the shares fail to add up to.
# Note what it is not: no input is perturbed to see what happens. It rests on derivatives, and a model without them is refused.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network that has not seen her
#
# Two hidden layers of 64 units, batch normalisation, dropout, and one output: the **logit**, positive for *call her back*. With so
# few women one network is a matter of luck, so five that differ only in their seeds vote: their mean logit decides. To say
# something about all women, each must be new to those who judge her: five folds, and for each a committee that never saw it.
# Columns are standardised by the training rows, or the unit of a column would decide how fast it is learnt.


# %% tags=["live:build the network"]
class AgainstZero(nn.Module):
    """The cross-entropy of the logits (0, z) is the logistic loss of z."""

    def forward(self, z):
        return torch.cat([torch.zeros_like(z), z], 1)


class Committee(nn.Module):
    """The mean logit of several networks."""

    def __init__(self, members):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, rows):
        return torch.stack([member(rows) for member in self.members]).mean(0)


def build():
    first = [nn.Linear(8, 64), nn.ReLU(), nn.BatchNorm1d(64)]
    second = [nn.Linear(64, 64), nn.ReLU(), nn.BatchNorm1d(64), nn.Dropout(0.5)]
    return nn.Sequential(nn.Sequential(*first, *second, nn.Linear(64, 1)), AgainstZero())


# %% tags=["live:prepare the rows"]
def prepared(train):
    """The whole table, filled and standardised with what the training rows say."""
    filled = X.fillna(X.iloc[train].median())
    return torch.tensor(((filled - filled.iloc[train].mean()) / filled.iloc[train].std()).to_numpy(np.float32))


# %% slideshow={"slide_type": "fragment"} tags=["live:train ten networks"]
def train_one(rows, train, epochs, seed):
    labels = torch.tensor(y[train])
    return train_network(build, rows[train], labels, max_epochs=epochs, learning_rate=1e-3, seed=seed)[0]


folds = []
splits = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
for k, (train, test) in enumerate(progress("five committees")(list(splits))):
    rows = prepared(train)
    net = Committee([train_one(rows, train, 5, 1000 * seed + 10 * k + i) for i in range(5)]).eval()
    chosen = np.random.default_rng([seed, k]).choice(train, 50, replace=False)
    folds.append({"net": net, "rows": rows, "train": train, "test": test, "baselines": rows[chosen]})
logit = np.zeros(len(y))
for fold in folds:
    logit[fold["test"]] = fold["net"](fold["rows"][fold["test"]])[:, 0].numpy()

# %%
called = logit > 0
confusion = np.array(
    [
        [np.sum((called == says) & (y == ill)) for says in (0, 1)]
        for ill in (0, 1)
    ]
)
of_decisions = heat_map(
    confusion,
    x_label="what the network says",
    y_label="what was found",
    value_label="women",
    x_ticks=["healthy", "call back"],
    y_ticks=["healthy", "diabetes"],
    height=2.6,
)
right = np.mean(called == (y == 1))
alarmed, missed = confusion[0, 1] / np.sum(y == 0), confusion[1, 0] / y.sum()

# %%
show(
    of_decisions,
    caption="The confusion matrix, every woman judged by a committee that has "
    "not seen her.",
    alt="Two by two. Of the healthy, about {confusion[0, 0]:.0f} are left in "
    "peace and {confusion[0, 1]:.0f} called back; of those with diabetes, "
    "about {confusion[1, 0]:.0f} are missed and {confusion[1, 1]:.0f} called "
    "back.",
    tolerance=12,
)
say(
    "The committees are right for {right:.0%} of the women they have not "
    "seen. Of those with diabetes they miss {missed:.0%}; of the healthy they "
    "call {alarmed:.0%} back.",
    tolerance={"right": 0.015, "missed": 0.04, "alarmed": 0.03},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Explain every woman
#
# Baselines are fifty of the fold's training rows. The layers are in evaluation mode, which `gradient_shap` sees to. We explain the
# logit and not the probability, whose curve flattens where the network is sure.

# %% tags=["live:explain every woman"]
values, delta, expected = np.zeros((len(y), 8)), np.zeros(len(y)), np.zeros(len(y))
for fold in progress("explaining")(folds):
    test, net, baselines = fold["test"], fold["net"], fold["baselines"]
    explained = gradient_shap(net, fold["rows"][test], baselines=baselines, n_samples=400, seed=seed)
    values[test], delta[test] = explained.values.numpy(), explained.delta.numpy()
    expected[test] = net(baselines).mean().item()

# %%
residual = np.abs(values.sum(1) - (logit - expected))
largest, typical = residual.max(), logit.std()

# %%
claim(
    "Efficiency: for every woman the eight shares add up to what the network "
    "says for her minus what it says for the baselines",
    largest < 0.1,
    evidence="largest residual {largest:.3f} logits, typical logit "
    "{typical:.2f}",
    tolerance={"largest": 0.02, "typical": 0.3},
    fails_if="a hundred times fewer samples were drawn",
)

# %% [markdown]
# The woman who asked: of those called back, the one nearest to the border, where an explanation matters most.

# %% tags=["live:why her"]
her = int(np.flatnonzero(called)[logit[called].argmin()])
[home] = [fold for fold in folds if her in fold["test"]]
woman = home["rows"][her][None]
shares = {
    "fifty training rows": home["baselines"],
    "one average woman": home["rows"][home["train"]].mean(0, keepdim=True),
    "fifty healthy women": home["rows"][home["train"][y[home["train"]] == 0][:50]],
}
against = {
    name: gradient_shap(home["net"], woman, baselines=b, n_samples=2000, seed=seed).values[0].numpy()
    for name, b in shares.items()
}

# %%
three_answers = dots(
    against,
    names,
    value_label="contribution to the logit",
    reference=(0.0, "nothing"),
)
adds_up = {name: answer.sum() for name, answer in against.items()}

# %%
show(
    three_answers,
    caption="One woman, one network, one method: three answers, for three "
    "questions.",
    alt="Dots for eight columns and three baselines. The shares add up to "
    '{adds_up["fifty training rows"]:.2f} against training rows, '
    '{adds_up["one average woman"]:.2f} against one average woman and '
    '{adds_up["fifty healthy women"]:.2f} against healthy women.',
    tolerance=0.3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Compared with whom?
#
# The three rows of dots answer different questions: what sets her apart from *women like those in the table*, from *one average woman
# who does not exist*, from *healthy women*. None is wrong; an explanation that does not say which is incomplete. Over all women:

# %%
apart = {"average woman": [], "healthy women": [], "other rows": []}
for fold in folds:
    rows, train, test = fold["rows"], fold["train"], fold["test"]
    others = np.random.default_rng(seed + 99).choice(train, 50, replace=False)
    healthy = train[y[train] == 0][:50]
    average = rows[train].mean(0, keepdim=True)
    for name, b in zip(
        apart, (average, rows[healthy], rows[others]), strict=True
    ):
        other = gradient_shap(
            fold["net"], rows[test], baselines=b, n_samples=200, seed=seed
        ).values.numpy()
        apart[name].append(np.abs((other - values[test]).sum(1)).mean())
shift = {name: float(np.mean(parts)) for name, parts in apart.items()}

# %%
say(
    "Against healthy women instead of training rows, the shares of a woman "
    'add up to {shift["healthy women"]:.2f} logits more or less on average; '
    "another draw of fifty training rows moves the sum by "
    '{shift["other rows"]:.2f}.',
    tolerance=0.12,
)
claim(
    "Whom she is compared with matters more than which fifty rows stand for "
    "them",
    shift["healthy women"] > 1.5 * shift["other rows"],
    evidence='moved by healthy women {shift["healthy women"]:.2f}, by other '
    'rows {shift["other rows"]:.2f} logits',
    control="another draw of fifty training rows",
    tolerance=0.12,
    fails_if="the healthy women were drawn from everybody",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Three checks, with 2,000 samples: the field's library, our five lines, and the exact Shapley values, which eight columns can still afford
# ($2^8$ sets for each of fifty baselines). All three on some women of every fold.

# %% tags=["live:against Captum and the exact values"]
some = [fold["test"][:10] for fold in folds]
ours, exact, captum_mean, captum_error, lined = [], [], [], [], []
with torch.random.fork_rng():
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (Captum draws from the global generators)
    for fold, rows in zip(progress("checking")(folds), some):
        net, women, b = fold["net"], fold["rows"][rows], fold["baselines"]
        ours.append(gradient_shap(net, women, baselines=b, n_samples=2000, seed=seed).values.numpy())
        exact.append(shapley_values(net, women, baselines=b).values.numpy())
        runs = [GradientShap(net).attribute(women, b, n_samples=200, stdevs=0.0).detach().numpy() for _ in range(12)]
        captum_mean.append(np.mean(runs, 0))
        captum_error.append(np.std(runs, 0, ddof=1) / np.sqrt(12))
        lined.append(five_lines(net, women[0], b, 20_000, seed).numpy())
ours, exact, captum_mean, captum_error = map(np.concatenate, (ours, exact, captum_mean, captum_error))

# %%
z = (ours - captum_mean) / captum_error
spread = z.std()
off = np.abs(np.stack(lined) - ours[::10]).max()
rms = float(np.sqrt(np.mean((ours - exact) ** 2)))
size = float(np.sqrt(np.mean(exact**2)))

# %%
claim(
    "GradientSHAP equals Captum's, on {z.size} values, within Captum's own "
    "Monte-Carlo error",
    spread < 1.5 and np.mean(np.abs(z)) < 1.2,
    evidence="spread {spread:.2f} standard errors",
    tolerance={"spread": 0.25},
    fails_if="Captum were given other baselines",
)
say(
    "The five lines, with 20,000 draws, differ from the package by {off:.3f} "
    "logits at most.",
    tolerance=0.03,
)
claim(
    "GradientSHAP with 2,000 samples is within 0.05 logits (root mean square) "
    "of the exact Shapley values: {rms:.3f}, where the values themselves are "
    "{size:.2f}",
    rms < 0.05 and off < 0.1,
    tolerance={"rms": 0.01, "size": 0.06},
    fails_if="the exact values were those of a network twice as steep",
)

# %% [markdown]
# The last claim is a fact about *these* committees, stopped early, and not a theorem. The straight road and the corners of the box agree where a
# function is a sum of single columns and of products of two; the further a network bends away from that, the further the two part.
# More samples do not bring them together, and a single network that was trained for longer is further off:

# %% slideshow={"slide_type": "slide"} tags=["live:train longer"]
fold = folds[0]
epochs = [4, 10, 50]
gap = []
for n in progress("three trainings")(epochs):
    net = train_one(fold["rows"], fold["train"], n, seed)
    women, b = fold["rows"][fold["test"][:20]], fold["baselines"]
    road = gradient_shap(net, women, baselines=b, n_samples=2000, seed=seed).values
    gap.append((road - shapley_values(net, women, baselines=b).values).square().mean().sqrt().item())

# %%
longer = lines(
    epochs,
    {"": {"distance of GradientSHAP from exact Shapley values": gap}},
    x_label="passes over the training rows",
    y_labels="root mean square (logits)",
)

# %%
show(
    longer,
    caption="The longer the training, the more the network bends, the less "
    "the straight road stands in for the corners.",
    alt="A curve that rises from {gap[0]:.3f} logits after four passes to "
    "{gap[-1]:.3f} after fifty.",
    tolerance=0.05,
)
claim(
    "Of one network trained for longer, GradientSHAP is further from the "
    "exact values",
    gap[-1] > 1.4 * gap[0],
    evidence="after four, ten and fifty passes: {gap:.3f} logits",
    tolerance=0.04,
    fails_if="the longest training were the shortest",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Groups, and a trap
#
# It is usual to average attributions over true positives, false positives and so on, and to read the bars as what drives each kind of
# decision. With bootstrap intervals over the women:

# %% tags=["live:average over groups"]
kinds = {"true positives": called & (y == 1), "false positives": called & (y == 0)}
kinds |= {"false negatives": ~called & (y == 1), "true negatives": ~called & (y == 0)}


def bootstrap(rows, n_resamples=1000, level=0.95):
    """Mean over rows, and half-widths of its bootstrap interval, below and above."""
    draws = np.random.default_rng(seed).integers(len(rows), size=(n_resamples, len(rows)))
    low, high = np.quantile(rows[draws].mean(1), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return rows.mean(0), np.stack([rows.mean(0) - low, high - rows.mean(0)])


means = {kind: bootstrap(values[mask]) for kind, mask in kinds.items()}

# %%
group_means = dots(
    {kind: mean for kind, (mean, _) in means.items()},
    names,
    intervals={kind: interval for kind, (_, interval) in means.items()},
    value_label="mean contribution to the logit",
    reference=(0.0, "nothing"),
)
glucose = {
    kind: mean[names.index("glucose")] for kind, (mean, _) in means.items()
}

# %%
show(
    group_means,
    caption="Mean attributions of the four kinds of decisions, with 95 % "
    "bootstrap intervals.",
    alt="Dots for eight columns and four kinds. Glucose leads: "
    '{glucose["true positives"]:.2f} for true positives, '
    '{glucose["true negatives"]:.2f} for true negatives.',
    tolerance=0.15,
)

# %% [markdown]
# Women who are called back have positive bars, the others negative ones. Has the network revealed its reasons? Efficiency says what
# the bars of one woman must add up to: her logit minus that of the baselines. *Called back* means: a positive logit. So we sorted by the
# sum and then found that the sums are sorted. To see how much of the figure is that, destroy the labels: shuffle who is ill, and group again.

# %% slideshow={"slide_type": "slide"} tags=["live:shuffle the labels"]
sums = {kind: values[mask].sum(1).mean() for kind, mask in kinds.items()}
shuffled = [np.random.default_rng([seed, i]).permutation(y) for i in range(200)]
control = {
    "true positives": [values[called & (labels == 1)].sum(1).mean() for labels in shuffled],
    "false positives": [values[called & (labels == 0)].sum(1).mean() for labels in shuffled],
    "false negatives": [values[~called & (labels == 1)].sum(1).mean() for labels in shuffled],
    "true negatives": [values[~called & (labels == 0)].sum(1).mean() for labels in shuffled],
}

# %%
by_shuffle = {kind: np.mean(c) for kind, c in control.items()}
with_control = bars(
    {
        "as found": list(sums.values()),
        "labels shuffled": list(by_shuffle.values()),
    },
    list(kinds),
    intervals={
        "labels shuffled": [1.96 * np.std(c) for c in control.values()]
    },
    value_label="mean sum of the contributions (logits)",
    reference=(0.0, "the baselines"),
)
n_shuffles = len(shuffled)
same_signs = all(
    np.all(np.multiply(c, sums[kind]) > 0) for kind, c in control.items()
)

# %%
show(
    with_control,
    caption="The control: the signs of the groups' sums do not need to know "
    "who is ill.",
    alt='Four pairs of bars. As found: {sums["true positives"]:.1f}, '
    '{sums["false positives"]:.1f}, {sums["false negatives"]:.1f}, '
    '{sums["true negatives"]:.1f}. With shuffled labels the first two stay '
    "positive and the last two negative.",
    tolerance=0.3,
)
claim(
    "The signs of the groups' sums follow from the grouping: with shuffled "
    "labels, in every one of {n_shuffles} shuffles, they are the same",
    same_signs and sums["false positives"] > 0 > sums["false negatives"],
    evidence="mean sums with shuffled labels: {by_shuffle:.2f} logits",
    control="shuffled labels",
    tolerance={"by_shuffle": 0.25},
    fails_if="women were grouped by a coin and not by the prediction",
)

# %% [markdown]
# What may be asked is what the shuffle takes away: *among women who are called back*, do those with diabetes differ from those
# without? Here the grouping knows nothing of the sum, and the shuffled labels say how large a difference chance makes.


# %%
def ill_minus_healthy(labels):
    healthy = values[called & (labels == 0)]
    return values[called & (labels == 1)].mean(0) - healthy.mean(0)


difference = ill_minus_healthy(y)
chance = np.array([ill_minus_healthy(labels) for labels in shuffled]).std(0)
leader = int(np.argmax(np.abs(difference) / chance))

# %%
say(
    "Among those called back, the column that differs most is "
    "{names[leader]}: {difference[leader]:.2f} logits more for the women with "
    "diabetes, where chance alone makes {chance[leader]:.2f} (one standard "
    "deviation).",
    tolerance=0.12,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The switch nobody mentions
#
# In training mode, dropout silences a random half of the units, and batch normalisation measures each woman against the others in her batch. Forget
# to call `eval()` and the explained function is random, and a woman's explanation depends on who else was explained. `gradient_shap` switches the
# mode of a module itself; hidden in a function, we can see what it prevents.

# %% tags=["live:explain in training mode"]
first = folds[0]
forgetful = deepcopy(first["net"]).train()
women = first["rows"][first["test"][:40]]


def explain(function):
    return gradient_shap(
        function, women, baselines=first["baselines"], n_samples=200, seed=seed, internal_batch_size=2000
    )


with torch.random.fork_rng():
    torch.manual_seed(seed)
    in_training = [explain(forgetful.forward) for _ in range(2)]  # a function: its mode is left alone
in_evaluation = [explain(first["net"]) for _ in range(2)]


# %%
def change(calls):
    return (calls[0].values - calls[1].values).square().mean().sqrt().item()


modes = {"training": in_training, "evaluation": in_evaluation}
repeat = {mode: change(calls) for mode, calls in modes.items()}
broken = {m: calls[0].delta.abs().mean().item() for m, calls in modes.items()}
another_answer = repeat["evaluation"] == 0 and repeat["training"] > 0.01

# %%
claim(
    "In training mode the same call gives another answer each time, and the "
    "shares no longer add up",
    another_answer and broken["training"] > 5 * broken["evaluation"],
    evidence='change from call to call {repeat["training"]:.2f}; residual '
    '{broken["training"]:.2f} in training mode, {broken["evaluation"]:.3f} in '
    "evaluation mode",
    control="the same network in evaluation mode",
    tolerance={
        'repeat["training"]': 0.05,
        'broken["training"]': 0.2,
        'broken["evaluation"]': 0.02,
    },
    fails_if="the network were in evaluation mode all along",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trees and kernel machines
#
# One reads that GradientSHAP suits any model. A forest is a staircase: its gradient is zero or does not exist. A kernel machine of another
# library has a gradient in principle, but does not hand it out. For both, go back to Shapley and sample the orders.

# %% tags=["live:a forest and a kernel machine"]
train, rows, woman = first["train"], first["rows"].double().numpy(), first["test"][[0]]
forest = RandomForestClassifier(40, min_samples_leaf=5, random_state=seed).fit(rows[train], y[train])
machine = SVC().fit(rows[train], y[train])
models = {"forest": (forest, 1), "kernel machine": (machine.decision_function, None)}
background = rows[train[:20]]
refused, worst, told = [], {}, {}
for name, (f, target) in models.items():
    try:
        gradient_shap(f, torch.from_numpy(rows[:1]), baselines=background, target=target)
    except (TypeError, ValueError) as error:
        refused.append(str(error))
    sampled = sampled_shapley_values(f, rows[woman], baselines=background, target=target, n_samples=2000, seed=seed)
    reference = shapley_values(f, rows[woman], baselines=background, target=target).values
    worst[name] = float((np.abs(sampled.values - reference) / (sampled.standard_error + 1e-9)).max())
    told[name] = sampled.values[0]

# %%
answer = refused[0] if refused else "nothing"
bound = norm.ppf(1 - 0.001 / 32)  # two times eight values, two-sided

# %%
say("What `gradient_shap` answers: *{answer}*.")
claim(
    "GradientSHAP refuses both, and for both the sampled Shapley values are "
    "within their errors of the exact ones",
    len(refused) == 2 and max(worst.values()) < bound,
    evidence="furthest off, in standard errors: {worst:.2f}",
    tolerance=1.0,
    fails_if="the sampled values were of another woman",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Two players (difficulty 1, 5 minutes)
# Write a function that returns the two Shapley values of a game of two, given what nobody, the first alone, the second alone, and both are worth.


# %% tags=["exercise"]
def two_players(nobody, first, second, both):
    ### BEGIN SOLUTION
    return (first - nobody + both - second) / 2, (second - nobody + both - first) / 2
    ### END SOLUTION


check(exercises.two_players, two_players)  # hint(exercises.two_players) helps, in layers

# %% [markdown]
# ## Exercise 2 — GradientSHAP with NumPy (difficulty 2, 10 minutes)
# Given `gradient(z)`, which returns the gradients at the rows of `z`, one row `x`, an array of `baselines` and a generator `rng`, estimate the
# attributions of `x` from `n` draws. Draw the baselines and the places on the way with `rng`.


# %% tags=["exercise"]
def expected_gradients(gradient, x, baselines, n, rng):
    ### BEGIN SOLUTION
    b = baselines[rng.integers(len(baselines), size=n)]
    z = b + rng.random((n, 1)) * (x - b)
    return ((x - b) * gradient(z)).mean(axis=0)
    ### END SOLUTION


check(exercises.expected_gradients, expected_gradients)

# %% [markdown]
# ## Exercise 3 — A control for groups (difficulty 2, 10 minutes)
# Write the honest comparison as a function: among rows with `called` true, the mean of `score` where `ill` is 1 minus the mean where it is 0, and the same
# difference for each of `n` shuffles of `ill` *among the rows that were called*. Return the difference and the array of the `n` shuffled ones.


# %% tags=["exercise"]
def against_chance(score, called, ill, n, rng):
    ### BEGIN SOLUTION
    score, ill = score[called], ill[called]

    def difference(labels):
        return score[labels == 1].mean() - score[labels == 0].mean()

    return difference(ill), np.array([difference(rng.permutation(ill)) for _ in range(n)])
    ### END SOLUTION


check(exercises.against_chance, against_chance)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A Shapley value is what a column adds, averaged over all orders of joining. It is the only division with four properties that one would ask of a fair one.
# - GradientSHAP walks straight roads from baselines to the row. It is cheap, adds up, and is near the Shapley values where the model bends little.
# - An explanation compares. Say with whom.
# - Averages over groups that were formed by the prediction repeat the prediction. Compare within a group, and shuffle labels to see what chance does.
# - Explain in evaluation mode, the logit, rows the model has not seen.

# %% [markdown]
# ## Where it breaks
#
# - Baselines mix columns of different people: half of her with half of another. Where columns hang together, such as age and pregnancies, the model is
#   asked about women who do not exist.
# - The shares explain the network, not diabetes. Insulin can get a small share because glucose tells the same story.
# - The bootstrap intervals are for new women and these networks; other networks would add their own spread.
# - One table of women of one community, of the 1980s: nothing here is medical advice.

# %% [markdown]
# ## Further reading
#
# - [Shapley (1953)](https://doi.org/10.1515/9781400881970-018), *A value for n-person games*: the division and its axioms, in a
#   dozen pages.
# - [Lundberg and Lee (2017)](https://arxiv.org/abs/1705.07874), *A unified approach to interpreting model predictions*: Shapley
#   values brought to predictions.
# - [Erion et al. (2021)](https://arxiv.org/abs/1906.10670), *Improving performance of deep learning models with axiomatic
#   attribution priors and expected gradients*: the method of this notebook, under its own name.
# - [Smith et al. (1988)](https://pmc.ncbi.nlm.nih.gov/articles/PMC2245318/), *Using the ADAP learning algorithm to forecast the
#   onset of diabetes mellitus*: where the table comes from.
