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
# # Pay the neurons?
#
# Training with node importance, and what its gain came from
#
# > **After this notebook you can**
# >
# > - turn a sketch of a training method into equations, and code into equations
# > - build the controls that tell an idea from what came along with it
# > - compare training methods over paired seeds, with intervals
# > - say what a method costs, and what single neurons have learnt to tell apart
#
# **30 minutes**, and 35 for the exercises · builds on the baselines of this part · data: a simulated portfolio of applications

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# An insurer sorts applications into eight classes with a small network. The auditor asks what each neuron is there for, and nobody can say.
# A vendor offers a training method that *pays* neurons: one that treats applicants far from a typical group differently from those near to
# it is allowed larger steps. The vendor shows a curve: the loss fell from 1.4980 to 1.4958, and faster.
#
# The method is real: it is that of Brigham (2024). Should the insurer buy it? We have the code, so we can find out
# *what* made the loss fall.

# %% tags=["setup"]
import math
import time

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from scipy.stats import t
from sklearn.cluster import (
    DBSCAN,
    AgglomerativeClustering,
    KMeans,
    MeanShift,
    estimate_bandwidth,
)
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from xaicourse.datasets import load_underwriting
from xaicourse.datasets.underwriting import prepare_underwriting
from xaicourse.exercises import node_importance_training as exercises
from xaicourse.fairness import quadratic_weighted_kappa
from xaicourse.networks import (
    concept_auc,
    depth_weights,
    layer_activations,
    mahalanobis,
    neuron_regressions,
    train_node_importance,
    written_factors,
)
from xaicourse.plotting import (
    COLOURS,
    MARKERS,
    STYLE,
    dots,
    histograms,
    maps,
    scatter_panels,
)
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    run_on_gpu,
    say,
    show,
    show_source,
    table,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Applicants in ten numbers
#
# As in the project, the table is standardised and reduced to ten principal components. All of it is fitted on the training rows.

# %% tags=["live:ten components"]
data = load_underwriting(seed=seed)
train, test = np.flatnonzero(~data.test), np.flatnonzero(data.test)
columns = prepare_underwriting(data.features, train=train, scaled=True).to_numpy()
pca = PCA(10, random_state=0).fit(columns[train])
Z, y = pca.transform(columns), data.target.to_numpy() - 1
rng = np.random.default_rng(seed)
rows = rng.permutation(train)[:12_000]  # what the networks are trained on
some = rows[:3000]
kept = pca.explained_variance_ratio_.sum()

# %%
say(
    "{train.size:,} applications to train on, {test.size:,} held out, "
    "{columns.shape[1]} columns in ten components that keep {kept:.0%} of "
    "their variance. The networks see {rows.size:,} rows, once each: early in "
    "training, where a faster method shows most."
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Groups, four ways
#
# The method needs centroids. The project offers four clusterings; only the first returned centroids there, the others returned labels under
# that name. All four are scikit-learn's, and a centroid is the mean of the rows of its cluster. K-means takes all training rows; Ward's
# method holds all pairs of rows, and gets 3,000 like the other two. DBSCAN's radius is a distance to the twentieth neighbour that nine
# rows in ten have within reach, mean shift's bandwidth an estimate from 500 rows.

# %% tags=["live:four clusterings"]
draws = np.random.default_rng(seed)
first = int(draws.integers(2**31))
pilot = Z[some][draws.permutation(len(some))[:500]]
width = estimate_bandwidth(pilot, quantile=0.2, random_state=first)
reach = NearestNeighbors(n_neighbors=20).fit(Z[some]).kneighbors()[0]
methods = {
    "kmeans": KMeans(6, n_init=4, random_state=first),
    "hierarchical": AgglomerativeClustering(6),  # Ward's
    "dbscan": DBSCAN(eps=np.quantile(reach[:, -1], 0.9), min_samples=20),
    "mean shift": MeanShift(bandwidth=width, seeds=pilot[:50]),
}
clusters = {m: f.fit_predict(Z[some]) for m, f in methods.items()}
clusters["kmeans"] = methods["kmeans"].fit_predict(Z[train])
centroids = methods["kmeans"].cluster_centers_

# %%
summary = pd.DataFrame(
    {
        "clusters": [c.max() + 1 for c in clusters.values()],
        "largest": [np.bincount(c[c >= 0]).max() / len(c) for c in clusters.values()],
        "noise": [np.mean(c < 0) for c in clusters.values()],
    },
    index=list(methods),
)

# %%
table(
    summary,
    caption="Number of clusters, and the shares of rows in the largest and in none.",
    formats={"clusters": "{:.0f}", "largest": "{:.0%}", "noise": "{:.0%}"},
    tolerance=0.02,
)

# %% [markdown]
# DBSCAN and mean shift look for valleys of low density between groups, and choose the number of groups themselves. Where nearly all rows
# end in one group, there are no valleys: k-means cuts a cloud into pieces that nature did not cut.

# %% slideshow={"slide_type": "slide"} tags=["live:the view in space"]
shown = np.flatnonzero(np.isin(train, some))[:900]
names = [f"cluster {i + 1}" for i in range(len(centroids))]
group = clusters["kmeans"][shown]

with mpl.rc_context(STYLE):
    space = Figure(figsize=(6.4, 5.0))
    axes = space.add_subplot(projection="3d")
for i, name in enumerate(names):
    members = Z[train][shown][group == i]
    sign = {"marker": MARKERS[i], "color": COLOURS[i], "linewidths": 0}
    axes.scatter(*members[:, :3].T, s=12, label=name, **sign)
black = {"marker": "x", "color": "black", "linewidths": 2.5}
axes.scatter(
    *centroids[:, :3].T, s=60, label="centroid", depthshade=False, **black
)
axes.set(xlabel="component 1", ylabel="component 2", zlabel="component 3")
legend = space.legend(
    loc="outside lower center", ncols=4, frameon=False, markerscale=1.5
)

# %%
sides = scatter_panels(
    {
        f"components {i + 1} and {j + 1}": (
            Z[train][shown, i],
            Z[train][shown, j],
            clusters["kmeans"][shown],
        )
        for i, j in ((0, 1), (0, 2), (1, 2))
    },
    x_label="first of the two",
    y_label="second of the two",
    classes=names,
)

# %%
show(
    space,
    caption="900 applications in the first three components, and the six "
    "centroids of k-means.",
    alt="A cloud of points in three dimensions, in six colours by cluster, "
    "with {centroids.shape[0]} crosses for the centroids. The colours border "
    "on each other without gaps.",
)
show(
    sides,
    caption="The same from three sides, for those who do not trust "
    "perspective.",
    alt="Three flat views of the same cloud. In each the {centroids.shape[0]} "
    "colours overlap or border on each other.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far from each group?
#
# The Mahalanobis distance counts in standard deviations, along whatever directions the rows vary,
# $d(x, c)^2 = (x - c)^\top \Sigma^{-1} (x - c)$. The project computes one at a time. One triangular solve gives all of them.

# %% tags=["live:all distances"]
distances = mahalanobis(Z[train], centroids)
show_source(mahalanobis)

# %%
reference = cdist(Z[train], centroids, "mahalanobis", VI=np.linalg.inv(np.cov(Z[train].T)))
off_by = abs(distances - reference).max()

# %%
claim(
    "All {distances.size:,} distances are those of SciPy",
    np.allclose(distances, reference, rtol=1e-6),
    evidence="the largest difference is {off_by:.0e}",
    tolerance={"off_by": 1e-6},
    fails_if="the covariance were left out",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The method, as its code has it
#
# The announced loss is $L = L_\text{base} + \lambda e^{\alpha^i} L_\text{layer-wise} + \beta L_\text{contrastive}$. The code
# has no such terms. It takes the plain gradient and multiplies each weight's entry by a factor. For input $i$ and output $o$ of layer $l$:
#
# 1. $D_{cbo}$: the neuron's activation for row $b$ less that for centroid $c$, *before* the ReLU, and for the centroid by the *untrained* network;
# 2. $A_{co}$: the mean over rows of $\tilde m\,\sigma(|D|) + (1 - \tilde m)(1 - \sigma(|D|))$, with the distance $\tilde m$ over the largest;
# 3. $S_{cio}$: the sign of $\sum_b z_{bi} D_{cbo}$;
# 4. $G_{io} = 1 + \tanh\bigl(5\,\eta_l \operatorname{mean}_c\, 3\, \frac{W_{io} S_{cio}}{\sum_{o'} W_{io'} S_{cio'}} A_{co}\bigr)$, with
#    $\eta_l = \exp(-((l-1)/L - p)^2)$ and $p = 3/4$.


# %% slideshow={"slide_type": "slide"} tags=["live:factors before training"]
def before_relu(network, X):
    """Return the rows, then what each linear layer makes of them; a first axis for the one network."""
    signals = [torch.tensor(X, dtype=torch.float32)]
    signal = signals[0]
    for module in network:
        signal = module(signal)
        signals += [signal] if isinstance(module, torch.nn.Linear) else []
    return [s[None].double() for s in signals]


start = train_node_importance(Z[rows], y[rows], centroids=centroids, seeds=[seed], max_epochs=0).networks[0]
matrices = [m.weight.T[None].double() for m in start if isinstance(m, torch.nn.Linear)]
signals, untrained = before_relu(start, Z[rows[:40]]), before_relu(start, centroids)[1:]
near = torch.tensor(mahalanobis(Z[rows], centroids) / mahalanobis(Z[rows], centroids).max())[:40]
factors = written_factors(matrices, signals, untrained, near)

# %%
by_layer = {f"layer {i + 1}": f.numpy().ravel() for i, f in enumerate(factors)}
pooled = np.concatenate(list(by_layer.values()))
median = np.median(pooled)
frozen, doubled = (pooled < 0.1).mean(), (pooled > 1.9).mean()
first_batch = histograms(
    {"": by_layer},
    x_label="factor of the gradient (1: unchanged)",
    y_label="weights",
    n_bins=40,
)

# %%
show(
    first_batch,
    caption="The factors of all weights in the first batch.",
    alt="Histogram of the factors from 0 to 2. The median is {median:.2f}; "
    "{frozen:.1%} of the weights are nearly frozen, below 0.1, and "
    "{doubled:.1%} are nearly doubled, above 1.9.",
    tolerance=0.02,
)

# %% [markdown]
# Both ends have the same cause. The sum in the denominator of step 4 has signs. Where it happens to be near zero, the shares are huge, and tanh sends the
# factor to one end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is it right?
#
# The packaged version has no loops over weights. Written out with them, for one weight at a time:


# %% tags=["live:the slow reference"]
def slow_factor(layer, i, o):
    """Return one weight's factor by the equations, with plain loops."""
    W, before, after, reference = matrices[layer][0], signals[layer][0], signals[layer + 1][0], untrained[layer][0]
    total = 0.0
    for c in range(len(centroids)):
        D = after - reference[c]
        S = torch.sign((before[:, i, None] * D).sum(0))
        A = (
            sum(
                float(near[b, c] * torch.sigmoid(abs(D[b, o])) + (1 - near[b, c]) * (1 - torch.sigmoid(abs(D[b, o]))))
                for b in range(40)
            )
            / 40
        )
        total += float(3 * W[i, o] * S[o] / (W[i] * S).sum()) * A
    return 1 + math.tanh(5 * math.exp(-((layer / 3 - 0.75) ** 2)) * total / len(centroids))


# %%
checked = [
    (layer, i, o)
    for layer, size in enumerate(((10, 64), (64, 32), (32, 8)))
    for i in range(0, size[0], 8)
    for o in range(0, size[1], 8)
]
slow = np.array([slow_factor(*at) for at in checked])
fast = np.array([float(factors[layer][0, i, o]) for layer, i, o in checked])

# %%
claim(
    "The fast factors equal the slow ones for {slow.size} weights of all "
    "three layers",
    np.allclose(fast, slow, atol=1e-8),
    fails_if="the depth were counted from another layer",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The schedule as a surface
#
# How much a weight's share of its neuron's push changes its factor depends on the layer. As written the layers run from 0 to 2/3, and the bump at 3/4 is
# so wide that it hardly matters. A coherent schedule lets depth run from 0 to 1 and has a width.

# %%
depth, share = np.linspace(0, 1, 61), np.linspace(-0.3, 0.3, 61)
surfaces = {
    "as written": 1 + np.tanh(15 * np.exp(-((depth * 2 / 3 - 0.75) ** 2)) * share[:, None]),
    "coherent": 1 + 0.9 * np.tanh(8 * np.exp(-(((depth - 0.75) / 0.5) ** 2)) * share[:, None]),
}
ends = {name: (s[-1, 0], s[-1, -1]) for name, s in surfaces.items()}
schedule = maps(
    depth,
    share,
    surfaces,
    x_label="depth (0: first layer, 1: last)",
    y_label="share × agreement",
    value_labels="factor",
    levels=list(np.linspace(0, 2, 11)),
)
layer_weights = depth_weights(3).round(3)

# %%
show(
    schedule,
    caption="The factor over depth and over what a weight contributes.",
    alt="Two surfaces. As written, the factor at the largest contribution is "
    '{ends["as written"][0]:.2f} in the first layer and '
    '{ends["as written"][1]:.2f} in the last. In the coherent version it is '
    '{ends["coherent"][0]:.2f} and {ends["coherent"][1]:.2f}.',
)
say("The weights of the three layers as written: {layer_weights}.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What else came along?
#
# Reading the code twice pays. For each batch it calls the optimiser *twice*: once with the plain gradient, and once more with
# the modulated one. And the optimiser is Adam, which divides each weight's gradient by its usual size: a constant factor would be divided out again.
#
# So we need controls, each differing from its neighbour in one thing:
#
# | name | steps a batch | what is multiplied |
# |---|---|---|
# | plain | 1 | nothing |
# | two steps | 2 | nothing |
# | as written | 2 | the second gradient |
# | as written, one step | 1 | the gradient |
# | honest | 1 | Adam's step, by a mended factor: current network, after the ReLU, shares of sizes, bounded |
# | shuffled | 1 | Adam's step, by the same factors dealt out at random |
# | loss | 1 | nothing; the announced terms are added to the loss |
# | as written, layer 2 · loss, layer 2 | 2 · 1 | the same in one layer |

# %% slideshow={"slide_type": "slide"} tags=["live:nine variants"]
variants = {
    "plain": {},
    "two steps": {"n_steps": 2},
    "as written": {"method": "written", "n_steps": 2},
    "as written, one step": {"method": "written"},
    "as written, layer 2": {"method": "written", "n_steps": 2, "layers": [1]},
    "honest": {"method": "update"},
    "shuffled": {"method": "shuffled"},
    "loss": {"method": "loss"},
    "loss, layer 2": {"method": "loss", "layers": [1]},
}


# %% tags=["live:train them"]
def train_variants(variants, rows, seeds, **options):
    """Return the networks of every variant, and the seconds of computing they took."""
    networks, seconds = {}, {}
    for name, variant in progress("variants")(variants.items()):
        began = time.process_time()
        run = train_node_importance(Z[rows], y[rows], centroids=centroids, seeds=seeds, **variant, **options)
        networks[name], seconds[name] = run.networks, time.process_time() - began
    return networks, seconds


seeds = range(100 * seed, 100 * seed + 10)
networks, seconds = train_variants(variants, rows, seeds, max_epochs=1)

# %% [markdown]
# Ten networks a variant, from the same ten starts and batches in every variant, so that differences are paired. Each is graded on the held-out
# rows: cross-entropy, accuracy, quadratic kappa; how much of a neuron's activation the row's distances from the centroids explain, or the nearest
# centroid alone (regressions fitted on half of the held-out rows and scored on the other half, where a neuron that they predict worse than its
# mean counts as not explained at all: a neuron that is active in a handful of rows would else decide the mean); and how well the best single neuron tells a planted concept apart (area under the ROC curve).

# %% tags=["live:grade them"]
held_distances = mahalanobis(Z[test], centroids, covariance=np.cov(Z[train].T))
concepts = data.truth.concepts().to_numpy()[test]
groups = np.eye(len(centroids))[held_distances.argmin(1)][:, 1:]  # which centroid is nearest, as columns of 0 and 1
half = np.arange(len(test)) % 2 == 0


def grades(network):
    """Return the measures of one network on the held-out rows."""
    _, second, logits = layer_activations(network, Z[test])
    chances = torch.tensor(logits).softmax(1).numpy()
    guess = logits.argmax(1)
    return {
        "cross-entropy": -np.log(chances[np.arange(len(test)), y[test]]).mean(),
        "accuracy": (guess == y[test]).mean(),
        "kappa": quadratic_weighted_kappa(y[test], guess),
        "R² of distances": neuron_regressions(second, held_distances, held_out=half).explained,
        "R² of groups": neuron_regressions(second, groups, held_out=half).explained,
        "concepts (AUC)": 0.5 + np.abs(concept_auc(second[half], concepts[half]) - 0.5).max(0).mean(),
    }


results = {name: pd.DataFrame([grades(n) for n in nets]) for name, nets in networks.items()}

# %%
table(
    pd.DataFrame({name: frame.mean() for name, frame in results.items()}).T,
    caption="Means over ten seeds, on held-out rows.",
    tolerance=0.03,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What each idea added
#
# Seeds differ more than methods do. What counts is the difference *within* a seed, and its interval.


# %% slideshow={"slide_type": "slide"} tags=["live:paired differences"]
def against(name, other, measure, level=0.999):
    """Return the mean paired difference of two variants, and half the width of its interval."""
    d = (results[name][measure] - results[other][measure]).to_numpy()
    return d.mean(), t.ppf(0.5 + level / 2, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))


compared = [name for name in variants if name != "plain"]
effects = {m: np.array([against(name, "plain", m, 0.95) for name in compared]) for m in results["plain"]}

# %%
of_loss, of_r2 = (
    pd.Series(effects[measure][:, 0], index=compared)
    for measure in ("cross-entropy", "R² of distances")
)
lowest = {"loss": of_loss.min(), "R²": of_r2.min()}
highest = {"loss": of_loss.max(), "R²": of_r2.max()}


def difference_dots(measure, meaning):
    """Draw what each variant changes, with 95 % intervals."""
    return dots(
        {"less plain training": effects[measure][:, 0]},
        compared,
        value_label=f"{measure}, difference ({meaning})",
        intervals={"less plain training": effects[measure][:, 1]},
        reference=(0, "no difference"),
    )


# %%
show(
    difference_dots("cross-entropy", "lower is better"),
    caption="cross-entropy: what each variant changes against plain training. "
    "Paired over ten seeds, 95 % intervals.",
    alt="A dot for each of {of_loss.size} variants, from "
    '{lowest["loss"]:.3f} to {highest["loss"]:.3f}; two plain steps are at '
    '{of_loss["two steps"]:.3f}, the method as written at '
    '{of_loss["as written"]:.3f}.',
    tolerance=0.02,
)
show(
    difference_dots("R² of distances", "higher: neurons follow the groups"),
    caption="R² of distances: what each variant changes against plain "
    "training. Paired over ten seeds, 95 % intervals.",
    alt="A dot for each of {of_r2.size} variants, from "
    '{lowest["R²"]:.3f} to {highest["R²"]:.3f}; two plain steps are at '
    '{of_r2["two steps"]:.3f}, the method as written at '
    '{of_r2["as written"]:.3f}.',
    tolerance=0.02,
)

# %%
gain = against("two steps", "plain", "cross-entropy")
added = against("as written", "two steps", "cross-entropy")

# %%
claim(
    "The gain in cross-entropy comes with the second step: taken twice, the "
    "plain gradient does better, beyond a 99.9 % interval",
    gain[0] + gain[1] < 0,
    evidence="the second step changes it by {gain[0]:+.4f} ± {gain[1]:.4f}",
    tolerance=0.004,
    fails_if="the two steps were graded against themselves",
)
claim(
    "What the modulation adds to the two steps is less than half of that "
    "gain, beyond a 99.9 % interval",
    abs(added[0]) + added[1] < abs(gain[0]) / 2,
    evidence="the modulation changes it by {added[0]:+.4f} ± {added[1]:.4f}",
    control="two plain steps",
    tolerance=0.003,
    fails_if="the method were graded against plain training instead of its control",
)

# %% [markdown]
# So the vendor's curve was no fraud, and no effect of the idea either. It is what Adam does when it is called twice, and a larger learning rate
# does much the same. The modulation by itself, with a single step, is at best no gain: Adam divides most of it out.

# %% slideshow={"slide_type": "slide"}
real = against("honest", "shuffled", "R² of distances")
random = against("honest", "shuffled", "cross-entropy")

# %%
claim(
    "The honest factors gain nothing over the same factors dealt out at "
    "random: at most a quarter of what the second step gains, beyond a "
    "99.9 % interval",
    random[1] - random[0] < abs(gain[0]) / 4,
    evidence="they change cross-entropy by {random[0]:+.4f} ± {random[1]:.4f}",
    control="the same factors, dealt out at random",
    tolerance=0.003,
    fails_if="the honest networks had taken two steps",
)
say(
    "In how much of the neurons the distances explain, they differ by "
    "{real[0]:.3f} ± {real[1]:.3f}.",
    tolerance=0.04,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The stated loss, made real
#
# What if the announced terms *are* put into the loss? Where a row is near a centroid, its activations are drawn to the centroid's; where it is far, they
# are pushed a margin away; rows of one class are drawn together. These gradients know which way is uphill.

# %%
show_source(train_node_importance)

# %%
encoded, price = against("loss", "plain", "R² of distances"), against("loss", "plain", "kappa")
one_layer = {
    measure: against("loss, layer 2", "plain", measure)[0]
    for measure in ("R² of distances", "kappa")
}
told_apart, _ = against("loss", "plain", "concepts (AUC)")
half_closer = np.median(distances / distances.max())

# %%
claim(
    "The real loss costs kappa, and the distances explain *less* of its "
    "neurons than in plain training; both beyond a 99.9 % interval",
    price[0] + price[1] < 0 and encoded[0] + encoded[1] < 0,
    evidence="kappa changes by {price[0]:+.3f} ± {price[1]:.3f}, R² of "
    "distances by {encoded[0]:+.3f} ± {encoded[1]:.3f}",
    tolerance=0.03,
    fails_if="the loss were graded against itself",
)
say(
    'In one layer only, R² changes by {one_layer["R² of distances"]:+.3f} and '
    'kappa by {one_layer["kappa"]:+.3f}. The best single neuron tells planted '
    "concepts apart by {told_apart:+.3f} in area under the curve.",
    tolerance=0.02,
)
say(
    "One reason can be read off the formula. Distances are divided by the "
    "largest in the table, so that half of all pairs of row and centroid "
    "count as closer than {half_closer:.2f}: nearly every row is told to be "
    "like *every* centroid, and groups are drawn together.",
    tolerance=0.005,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Two checks that the project lacked. A method of strength zero must be its baseline, not roughly but bit for bit. And the rows of
# activations and distances must be *the same rows*: the project drew them in two different shuffles, and plotted the coefficients.

# %% tags=["live:strength zero"]
few = rows[:403]  # ten batches of 40, and one of 3


def same_bits(first, second):
    """Return whether two variants give exactly the same weights on a few rows."""
    pair = [
        train_node_importance(Z[few], y[few], centroids=centroids, seeds=[seed], max_epochs=1, **v).networks[0]
        for v in (first, second)
    ]
    return all(torch.equal(a, b) for a, b in zip(*(n.parameters() for n in pair)))


off = np.array(
    [
        same_bits(
            v | {"strength": 0.0, "contrastive": 0.0},
            {"n_steps": v.get("n_steps", 1)},
        )
        for v in variants.values()
    ]
)

# %%
claim(
    "At strength 0 all {off.size} variants are plain training with their "
    "number of steps, bit for bit, last partial batch included",
    off.all(),
    fails_if="strength 0 meant a thousandth",
)

# %%
shuffle = np.random.default_rng(seed).permutation(len(test))
second = layer_activations(networks["plain"][0], Z[test])[1]
aligned, misaligned = (
    neuron_regressions(neurons, held_distances, held_out=half).explained
    for neurons in (second, second[shuffle])
)

# %%
claim(
    "Distances explain {aligned:.0%} of the neurons' variance where rows are "
    "aligned, and {misaligned:.1%} where one side is shuffled",
    aligned > 0.15 and abs(misaligned) < 0.02,
    control="the same rows, shuffled",
    tolerance={"aligned": 0.06, "misaligned": 0.004},
    fails_if="the shuffle were the identity",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What it costs

# %%
ratio = pd.Series(seconds) / seconds["plain"]
times = dots(
    {"time": ratio.to_numpy()},
    list(ratio.index),
    value_label="computing time, relative to plain training",
    reference=(1, "plain"),
)

# %%
show(
    times,
    caption="Seconds of the processor for the same batches. Times vary from "
    "run to run; the order does not.",
    alt="A dot for each of {ratio.size} variants, from plain training at 1 "
    "upwards.",
)

# %% [markdown]
# The project's own code takes more than five times as long as plain training for each step, since it moves every activation to the CPU
# and loops over centroids and layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With more seeds and strengths
#
# On a GPU the same function trains many networks for longer. The question there: does any strength of any form beat the second step?


# %% tags=["gpu"]
def sweep(device, rows, seeds, max_epochs):
    """Return the grades of all strengths of both methods and of their controls, means over the seeds."""
    variants = {"plain": {}, "two steps": {"n_steps": 2}}
    variants |= {f"as written, strength {s:g}": {"method": "written", "n_steps": 2, "strength": s} for s in (1, 3, 10)}
    variants |= {f"honest, strength {s:g}": {"method": "update", "strength": s} for s in (0.3, 0.6, 0.9)}
    swept, _ = train_variants(variants, rows, seeds, max_epochs=max_epochs, device=device)
    return pd.DataFrame({name: pd.DataFrame([grades(n) for n in nets]).mean() for name, nets in swept.items()}).T


swept = run_on_gpu(
    sweep,
    shows="thirty seeds of every strength, trained on all rows for eight epochs",
    full={"rows": train, "seeds": range(30), "max_epochs": 8},
    tiny={"rows": train[:400], "seeds": [0, 1], "max_epochs": 1},
)
if swept is not None:
    print(swept.round(4))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — All distances at once (difficulty 1, 8 minutes)
# Return the Mahalanobis distances of all rows of `X` from all `centroids`, shape (rows, centroids), without a loop over rows. The covariance is that
# of `X`.


# %% tags=["exercise"]
def all_distances(X, centroids):
    ### BEGIN SOLUTION
    D = X[:, None] - centroids
    return np.sqrt(np.einsum("nkd,de,nke->nk", D, np.linalg.inv(np.cov(X.T)), D))
    ### END SOLUTION


check(exercises.all_distances, all_distances)  # hint(exercises.all_distances) helps, in layers

# %% [markdown]
# ## Exercise 2 — A share that cannot explode (difficulty 2, 12 minutes)
# Replace the signed share of step 4 by one that is bounded. `weights` and `signs` have the shape (inputs, outputs). The sizes of one input's
# shares add up to 1, in proportion to the sizes of its weights; each has the sign in `signs`; an input whose weights are all zero gives no NaN.


# %% tags=["exercise"]
def shares(weights, signs):
    ### BEGIN SOLUTION
    size = np.abs(weights)
    return signs * size / (size.sum(axis=1, keepdims=True) + 1e-12)
    ### END SOLUTION


check(exercises.share_of_a_push, shares)

# %% [markdown]
# ## Exercise 3 — A paired interval (difficulty 2, 12 minutes)
# `new` and `old` hold a measure for five seeds, in the same order. Return the two ends of the 99.9 % interval of the mean difference, new less old.


# %% tags=["exercise"]
def interval(new, old):
    ### BEGIN SOLUTION
    d = new - old
    half_width = t.ppf(0.9995, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - half_width, d.mean() + half_width
    ### END SOLUTION


check(exercises.paired_interval, interval)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A new method often comes with a second change that nobody mentions. Give the second change to the baseline, and compare again.
# - A factor on a gradient is not a new goal. It never asks which way is uphill, and Adam divides a steady one out.
# - Writing a wish into the loss is a fair way to train for it, and no proof that it is granted: measure what was wished for.
# - Compare within seeds, report intervals, and let strength zero be the baseline bit for bit.

# %% [markdown]
# ## Where it breaks
#
# - Ten components keep a small part of the table, and the networks have seen each row once. Trained for longer the variants come closer, so
#   that a gain of this kind says little about the end of training.
# - That distances explain an activation does not make a neuron readable: six distances go up and down together.
# - K-means cut a cloud without gaps. Other groups, other distances, other "important" neurons.
# - The honest version is one reading of a sketch; its author may have meant another.

# %% [markdown]
# ## Further reading
#
# - Brigham (2024), *Enforced Fairness for Machine Learning in Insurance, Criminal Justice, and Other Sensitive Environments*: the
#   project, with the formula and the code that this notebook takes apart.
# - [Kingma and Ba (2015)](https://arxiv.org/abs/1412.6980), *Adam: A Method for Stochastic Optimization*: its section on the
#   update rule says what happens when all gradients are rescaled.
# - [Khosla et al. (2020)](https://arxiv.org/abs/2004.11362), *Supervised Contrastive Learning*: the contrastive term, where it
#   came from and what it is good for.
