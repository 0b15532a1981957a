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
# # Which of the two is better?
#
# A network beside the trees, on the same rows, and what LIME says about it
#
# > **After this notebook you can**
# >
# > - prepare a table for a network without turning holes into numbers
# > - stop a training in time, and keep the best weights rather than the last
# > - compare two models such that the answer means something
# > - explain one prediction by a local linear model, and find out how much of it is chance
#
# **25 minutes**, and as many for the exercises · builds on *What will it be on Monday?* · data: the same simulated portfolio

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# The consultant has a second notebook. It trains a network on the same applications, and concludes that it "does substantially better" than the trees.
# The table below that sentence gives the network a kappa of 65.10. But 65.10 is also what the first notebook prints for the *trees*, and the second
# one's own output says 40.94.
#
# One of the models goes live. Which one? And when an applicant asks why, what will the network answer?

# %% tags=["setup"]
import copy

import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from xaicourse.attribution import lime
from xaicourse.datasets import (
    load_underwriting,
    prepare_underwriting,
    stratified_split,
)
from xaicourse.datasets.underwriting_twin import MISSING_COUNTS
from xaicourse.exercises import network_baseline as exercises
from xaicourse.fairness import fit_cut_offs, ordinal_scores
from xaicourse.plotting import bars, lines
from xaicourse.teaching import check, claim, hint, progress, say, show, table

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same rows
#
# A comparison begins before the models: same files, same division, same test rows as in *What will it be on Monday?*

# %% tags=["live:the same rows"]
data = load_underwriting(seed=seed)
y = data.target.to_numpy()
parts = stratified_split(y, validation=0.2, test=0.2, seed=seed)
holes = data.features[list(MISSING_COUNTS)]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to do with a hole
#
# Thirteen columns have holes. Trees can send a hole its own way. A network needs a number. The consultant writes $-1000$ into every hole, which was meant for
# the trees, and then standardises each column for the network. How much of such a column still is what it was about?

# %% tags=["live:fill holes with -1000"]
filled = holes.fillna(-1000.0)
was_hole = holes.isna().astype(float)
only_the_hole = np.array([np.corrcoef(filled[name], was_hole[name])[0, 1] ** 2 for name in holes])
least_explained = only_the_hole.min()

# %%
say("{data.origin}")
claim(
    "With -1000 in its holes, each of the 13 columns says whether it has a "
    "hole, and next to nothing else",
    least_explained > 0.97,
    evidence="being a hole explains at least {least_explained:.1%} of a "
    "column's variance",
    fails_if="holes were filled by the median",
)

# %% [markdown]
# All values between 0 and 1 have become one value, seen from $-1000$. That a hole is there may matter, so we keep it as a column of its own, and fill the hole with
# the median of the training rows. Then every column is standardised with mean and deviation of the training rows.

# %% tags=["live:prepare for a network"]
X = prepare_underwriting(data.features, train=parts.train, scaled=True).to_numpy()
X.shape

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ten components
#
# The consultant compresses his columns to ten principal components: the ten directions in which the table varies most. Components make training fast.
# They are chosen without a look at the classes.

# %% tags=["live:compress"]
pca = PCA(svd_solver="covariance_eigh").fit(X[parts.train])
kept = np.cumsum(pca.explained_variance_ratio_)
Z = pca.transform(X)[:, :10]

# %%
variance_kept = lines(
    np.arange(1, len(kept) + 1),
    {"": {"share of the variance kept": kept}},
    x_label="components",
    y_labels="share of the variance",
    markers=False,
    marks={"10 components": 10},
    limits=(0, 1.02),
)

# %%
show(
    variance_kept,
    caption="How much of the table's variance the first components keep.",
    alt="A curve that rises slowly from {kept[0]:.0%} with one component. Ten "
    "components keep {kept[9]:.0%}, fifty keep {kept[49]:.0%}.",
    tolerance=0.002,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stop in time
#
# The network has two hidden layers of 64 and 32 units and one output for each class. After each pass over the training rows we look at the loss on the
# validation rows, and stop when five passes have brought nothing better. The consultant stops too, but goes on with the *last* weights. We keep them all, and
# take the best.


# %% slideshow={"slide_type": "fragment"} tags=["live:train with early stopping"]
def train(inputs, patience=5, max_epochs=30):
    """Return the network after each epoch, and its loss on training and validation rows."""
    network = MLPClassifier((64, 32), random_state=seed)
    networks, curve = [], []
    for _ in progress("epochs")(range(max_epochs)):
        network.partial_fit(inputs[parts.train], y[parts.train], classes=np.arange(1, 9))
        networks.append(copy.deepcopy(network))
        curve.append([log_loss(y[p], network.predict_proba(inputs[p])) for p in (parts.train[::3], parts.validation)])
        if len(curve) - 1 - np.argmin([loss for _, loss in curve]) >= patience:
            break
    return networks, np.array(curve)


few, few_curve = train(Z)
every, curve = train(X)

# %% tags=["live:keep the best"]
compressed = few[int(np.argmin(few_curve[:, 1]))]
best = int(np.argmin(curve[:, 1]))
network = every[best]
loss_kept, loss_last = (
    log_loss(y[parts.validation], n.predict_proba(X[parts.validation])) for n in (network, every[-1])
)

# %%
losses = {"10 components": few_curve, "all columns": curve}
lowest = {name: each[:, 1].min() for name, each in losses.items()}
passes = min(len(curve), len(few_curve))
training_loss = curve[passes - 1, 0]
pass_by_pass = lines(
    np.arange(1, passes + 1),
    {
        name: {
            "training rows": each[:passes, 0],
            "validation rows": each[:passes, 1],
        }
        for name, each in losses.items()
    },
    x_label="passes over the training rows",
    y_labels="cross-entropy",
)

# %%
show(
    pass_by_pass,
    caption="Loss of the two networks, pass by pass.",
    alt="Two panels of falling curves. With ten components, training and "
    "validation loss stay together and level off near "
    '{lowest["10 components"]:.2f}. With all columns, the training loss goes '
    "on falling to {training_loss:.2f} while the validation loss turns at "
    '{lowest["all columns"]:.2f}.',
    tolerance=0.03,
)
claim(
    "The weights that are kept have a lower validation loss than the last "
    "ones",
    loss_kept < loss_last and loss_kept == lowest["all columns"],
    evidence="kept {loss_kept:.3f}, last {loss_last:.3f}",
    tolerance=0.02,
    fails_if="the last weights were kept",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All candidates, one table
#
# The trees are those of *What will it be on Monday?*, with the same recipe and thresholds. The network with all columns takes part twice: with its most probable class, and with
# its *mean* class, $\sum_k k\, p_k$, cut by thresholds from the validation rows. Every score is from the same test rows, and every bootstrap draw too.

# %% tags=["live:the trees again"]
recipe = {"eta": 0.05, "max_depth": 7, "min_child_weight": 360, "subsample": 0.85, "colsample_bytree": 0.3}
options = {"objective": "reg:squarederror", "tree_method": "hist", "nthread": 1, "seed": seed}
features = prepare_underwriting(data.features, train=parts.train)
booster = None
for _ in progress("trees")(range(6)):
    booster = xgb.train(
        recipe | options, xgb.DMatrix(features.iloc[parts.train], y[parts.train]), 120, xgb_model=booster
    )
trees = {
    p: booster.predict(xgb.DMatrix(features.iloc[getattr(parts, p)])).astype(float) for p in ("validation", "test")
}

# %% tags=["live:score them together"]
cut_trees = fit_cut_offs(trees["validation"], y[parts.validation])
mean_class = {p: network.predict_proba(X[getattr(parts, p)]) @ np.arange(1, 9) for p in ("validation", "test")}
cut_network = fit_cut_offs(mean_class["validation"], y[parts.validation])
candidates = {
    "always 8": np.full(len(parts.test), 8),
    "network, 10 components": compressed.predict(Z[parts.test]),
    "network, all columns": network.predict(X[parts.test]),
    "network, mean and thresholds": cut_network.classes(mean_class["test"]),
    "trees, rounded": np.clip(np.rint(trees["test"]), 1, 8).astype(int),
    "trees, thresholds": cut_trees.classes(trees["test"]),
}
result = ordinal_scores(y[parts.test], candidates, seed=seed)

# %%
def margins(draws):
    """Return half the widths of 95 % intervals."""
    return {name: 1.96 * values.std() for name, values in draws.items()}


comparison = pd.DataFrame(
    {
        "kappa": result.kappa,
        "± (95 %)": margins(result.kappa_draws),
        "accuracy": result.accuracy,
        "± (95 %) ": margins(result.accuracy_draws),
    }
)

# %%
table(
    comparison,
    caption="Six ways to give classes, scored on the same test rows. "
    "Intervals are bootstrapped.",
    tolerance=0.02,
)


# %% tags=["live:paired differences"]
def at_least(draws, better, worse):
    """Return the lower end of the 99.9 % interval of a paired difference."""
    difference = draws[better] - draws[worse]
    return difference.mean() - 3.29 * difference.std()


# %%
accuracy, kappa = result.accuracy_draws, result.kappa_draws
ten, full = "network, 10 components", "network, all columns"
cut = "trees, thresholds"
ten_ahead = at_least(accuracy, ten, "always 8")
ten_behind = at_least(kappa, cut, ten)
full_ahead = {
    "accuracy": at_least(accuracy, full, ten),
    "kappa": at_least(kappa, full, ten),
}
network_ahead = at_least(accuracy, full, cut)
trees_ahead = at_least(kappa, cut, full)

# %%
claim(
    "With ten components the network is right more often than always saying "
    "8, but far behind the trees' kappa",
    ten_ahead > 0 and ten_behind > 0.03,
    evidence="ahead in accuracy by at least {ten_ahead:.3f}, behind in kappa "
    "by at least {ten_behind:.3f}",
    tolerance=0.02,
    fails_if="the network's answers were shuffled among the rows",
)
claim(
    "The ten components cost accuracy and kappa: all columns are better in "
    "both",
    min(full_ahead.values()) > 0,
    evidence="all columns are ahead by at least: {full_ahead:.3f}",
    tolerance=0.02,
    fails_if="both networks had ten components",
)
claim(
    "Which is better depends on what is asked: the network is ahead in "
    "accuracy, the trees in kappa",
    network_ahead > 0 and trees_ahead > 0,
    evidence="the network by at least {network_ahead:.3f}, the trees by at "
    "least {trees_ahead:.3f}",
    tolerance=0.015,
    fails_if="the trees were plainly rounded",
)

# %% [markdown]
# The row *mean and thresholds* shows why. It is the same network, with the same weights; only the rule that turns probabilities into a class has changed. The most probable
# class is made for accuracy, the mean with thresholds for kappa. Much of what was called a better *model* is a better *rule*.

# %% slideshow={"slide_type": "slide"} tags=["live:what each gives out"]
given = {
    "actual": y[parts.test],
    "network, 10 components": candidates["network, 10 components"],
    "trees, thresholds": candidates["trees, thresholds"],
}
given = {name: np.bincount(c, minlength=9)[1:] / len(c) for name, c in given.items()}
given_out = bars(
    given,
    [f"class {c}" for c in range(1, 9)],
    value_label="share of the test rows",
)

# %%
show(
    given_out,
    caption="Classes on the test rows: as they are, and as two of the "
    "candidates give them.",
    alt="Grouped bars for classes 1 to 8. The network gives "
    '{given["network, 10 components"][7]:.0%} of the rows an 8, against '
    '{given["actual"][7]:.0%} in truth, and hardly ever a 3, 4 or 5. The '
    "trees with thresholds follow the actual shares more closely.",
    tolerance=0.06,
)

# %% [markdown]
# The consultant reads from such a chart that the network matches the classes "much more closely". The chart cannot say so: a model that deals out the right shares at random
# would match it perfectly. Only a comparison row by row tells.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why this class?
#
# An applicant asks. **LIME** answers with a local linear model: move the inputs a little, many times, at random; see what the network says; fit a line, in
# which near points count more. Its slopes are the explanation. We explain the probability of class 8 for one application, in standard deviations of the ten components.


# %% slideshow={"slide_type": "fragment"} tags=["live:LIME in ten lines"]
spread = Z[parts.train].std(0)


def local_slopes(f, row, rng, n_samples=1000):
    """Return the slopes of a weighted linear fit to f around a row, per standard deviation of each input."""
    steps = rng.standard_normal((n_samples, len(row)))
    near = np.exp(-(steps**2).sum(1) / (0.75**2 * len(row)))
    return LinearRegression().fit(steps, f(row + steps * spread), sample_weight=near).coef_


def eight(rows):
    """Probability of class 8."""
    return compressed.predict_proba(rows)[:, 7]


probability = eight(Z[parts.test])
applicant = Z[parts.test[np.argmin(abs(probability - 0.5))]]
local_slopes(eight, applicant, np.random.default_rng(seed)).round(3)

# %% [markdown]
# **Is it right?** For a function that is linear already, the slopes are known: each coefficient times the standard deviation of its input. And `lime` of the package, which
# explains many rows at once and reports how well the line fits ($R^2$), has to give what the ten lines give.

# %% tags=["live:LIME of a line"]
coefficients = np.linspace(-1, 1, 10)
of_a_line = local_slopes(lambda rows: rows @ coefficients, applicant, np.random.default_rng(seed))
error = abs(of_a_line - coefficients * spread).max()
packaged = lime(eight, applicant[None], scale=spread, n_samples=20_000, seed=seed)
by_hand = local_slopes(eight, applicant, np.random.default_rng(seed + 1), n_samples=20_000)
gap = abs(packaged.values[0] - by_hand).max()

# %%
claim(
    "Of a linear function LIME returns the coefficients; of the network, the "
    "ten lines and the package return the same slopes",
    error < 1e-9 and gap < 0.02,
    evidence="largest error of a coefficient {error:.0e}, largest difference "
    "of two slopes {gap:.4f}",
    tolerance={"error": 1e-9, "gap": 0.015},
    fails_if="the function had a bend",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much of it is chance?
#
# LIME draws its points at random. Another seed gives other slopes. How different they are decides whether the answer may be given to an applicant, and the consultant's own
# remark, that LIME's results are extreme and rest on few points, deserves a test. We repeat the explanation with 40 seeds for growing numbers of points.

# %% tags=["live:repeat LIME"]
sizes = np.array([50, 100, 300, 1000, 3000])
repeats = np.array(
    [
        [
            lime(eight, applicant[None], scale=spread, n_samples=int(size), seed=1000 * seed + k).values[0]
            for k in range(40)
        ]
        for size in progress("sizes")(sizes)
    ]
)  # (sizes, seeds, components)
main = np.argsort(-abs(repeats[-1].mean(0)))[:4]
doubt = repeats.std(1)[:, main].mean(1)
ranks = np.argsort(np.argsort(-abs(repeats)))[:, :, main]  # (sizes, seeds, 4): where the four stand for each seed
agree = (ranks < 4).sum(2).mean(1)
decay = -np.polyfit(np.log(sizes[1:]), np.log(doubt[1:]), 1)[0]

# %%
middle = np.percentile(repeats[:, :, main], [2.5, 97.5], axis=1)
slopes = lines(
    sizes,
    {"": {f"component {c + 1}": repeats.mean(1)[:, c] for c in main}},
    x_label="points that LIME draws",
    y_labels="slope (probability per s.d.)",
    bands={
        f"component {c + 1}": middle[:, :, k] for k, c in enumerate(main)
    },
    log_x=True,
)

# %%
show(
    slopes,
    caption="Slopes of the four components with the largest ones; the bands "
    "hold the middle 95 % of 40 seeds.",
    alt="Four curves with bands against the number of points. With {sizes[0]} "
    "points the bands overlap: the standard deviation between seeds is "
    "{doubt[0]:.3f}. With {sizes[-1]:,} points it is {doubt[-1]:.3f}, and the "
    "bands are apart.",
    tolerance=0.02,
)
claim(
    "The doubt shrinks about like one over the root of the number of points: "
    "for half of it, draw four times as many",
    0.35 < decay < 0.65 and doubt[0] > 5 * doubt[-1],
    evidence="it falls with the power {decay:.2f} of the number, from "
    "{doubt[0]:.3f} to {doubt[-1]:.3f}",
    tolerance={"decay": 0.08, "doubt[0]": 0.02, "doubt[-1]": 0.02},
    fails_if="all explanations had the same number of points",
)

# %%
say(
    "Of these four components, a seed has {agree[0]:.1f} on average among its "
    "own first four with {sizes[0]} points, and {agree[-1]:.1f} with "
    "{sizes[-1]:,}. The line explains {packaged.r2[0]:.0%} of how the "
    "probability varies around this applicant.",
    tolerance={"agree[0]": 0.4, "agree[-1]": 0.4, "packaged.r2[0]": 0.05},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From components to columns
#
# "Component 3" is no answer to an applicant. A component is a weighted sum of columns, so a slope on components is a slope on columns: multiply by the weights of the components.

# %% tags=["live:map back to columns"]
names = prepare_underwriting(data.features.iloc[:2000], train=np.arange(2000), scaled=True).columns
answer = repeats[-1].mean(0) / spread
on_columns = pd.Series(answer @ pca.components_[:10], index=names).sort_values(key=abs, ascending=False)

top = on_columns.head(12)
if data.truth:
    importance = data.truth.importance()
    looked_at = {
        *importance.index[importance > 0],
        "BMI_Age", "Medical_History_15_missing",
    }
    strangers = sum(name not in looked_at for name in top.index)
else:
    say("Only a simulated table has a truth: this one's is known to nobody.")

# %%
if data.truth:
    known = top.index.isin(looked_at)
    mapped_back = bars(
        {
            "the underwriter looks at it": top * known,
            "he does not": top * ~known,
        },
        list(top.index),
        value_label="slope of the probability of class 8 (per s.d. of the column)",
        horizontal=True,
        height=4.6,
    )

# %%
if data.truth:
    show(
        mapped_back,
        caption="The local explanation, mapped back to columns: the twelve "
        "largest slopes.",
        alt="Horizontal bars of twelve columns; the first is {top.index[0]}. "
        "{strangers} of the twelve are columns at which the underwriter never "
        "looks.",
        tolerance=5,
    )

# %% [markdown]
# The explanation is faithful to the network, and the network sees only ten sums of columns. It cannot use one column without using all those that move with it. What a model was
# not shown separately, no explanation can separate.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — When to stop (difficulty 1, 10 minutes)
# Given the validation losses of epochs 0, 1, 2, ... and a patience, return the epoch at which the training stops (when `patience` epochs in a row have brought nothing lower
# than the best; else the last one), and the epoch whose weights are kept.


# %% tags=["exercise"]
def when_to_stop(losses, patience):
    ### BEGIN SOLUTION
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best
    ### END SOLUTION


check(exercises.when_to_stop, when_to_stop)  # hint(exercises.when_to_stop) helps, in layers

# %% [markdown]
# ## Exercise 2 — Row by row (difficulty 1, 5 minutes)
# The consultant's function for LIME takes the exponentials' shares over the wrong axis, so that an applicant's probability depends on who else is in the batch. Turn an array of
# logits (applications, classes) into probabilities.


# %% tags=["exercise"]
def probabilities(logits):
    ### BEGIN SOLUTION
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION


check(exercises.row_by_row, probabilities)

# %% [markdown]
# ## Exercise 3 — Better, or luck? (difficulty 2, 10 minutes)
# Two models, `a` and `b`, give classes for the *same* applications. Return the difference of their accuracies (positive where `a` is better), and the half-width of its 99 %
# interval, 2.58 standard errors, without a bootstrap.


# %% tags=["exercise"]
def accuracy_difference(actual, a, b):
    ### BEGIN SOLUTION
    each = (a == actual).astype(float) - (b == actual)
    return each.mean(), 2.58 * each.std() / np.sqrt(len(each))
    ### END SOLUTION


check(exercises.better_or_luck, accuracy_difference)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Compare models on the same rows, none of which they have used, with intervals for the *difference*.
# - Separate the model from the rule that turns its numbers into classes. Changing the rule costs nothing, and may be most of the gain.
# - A hole filled with $-1000$ is a column about holes. Fill with a median, and say in another column that it was a hole.
# - Keep the weights of the best epoch, not of the last one.
# - An explanation that draws at random has a standard error. Draw until it is small, and say what it is.

# %% [markdown]
# ## Where it breaks
#
# - One training run a model. Another seed moves every score a little; later in this part networks are compared over several seeds.
# - Ten components were chosen without the classes. Components or layers that are trained for the task keep more of it.
# - A stable explanation can still be wrong: slopes over a wide neighbourhood are an average over applicants that do not exist.
# - Neither model was asked whom it harms. That is the subject of what follows.

# %% [markdown]
# ## Further reading
#
# - [Ribeiro, Singh and Guestrin (2016)](https://arxiv.org/abs/1602.04938), *"Why should I trust you?": Explaining the predictions
#   of any classifier*: LIME, with the local linear fit that was rebuilt here.
# - [Prechelt (1998)](https://doi.org/10.1007/3-540-49430-8_3), *Early stopping - but when?*: when to stop, compared for many rules.
# - [Adebayo et al. (2018)](https://arxiv.org/abs/1810.03292), *Sanity checks for saliency maps*: why an explanation that looks
#   stable and sensible has not yet been tested.
