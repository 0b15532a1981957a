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
# # What is in a neuron?
#
# Ten ways to look into a network, and what each can see
#
# > **After this notebook you can**
# >
# > - regress activations on what they might encode, with rows that belong together, and bring components back to columns
# > - test whether a concept matters, with a test whose errors are as rare as it says
# > - rank neurons in several ways, and check the ranking by taking neurons out
# > - say whether a network has learnt features at all, or stayed near its start
#
# **35 minutes**, and 30 for the exercises · builds on "Pay the neurons?" · data: a simulated portfolio of applications, and drawn scenes

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# The auditor has read that node importance does not help the loss. "That is not my question," she says. "You have three networks: the plain one, the
# one trained with node importance, and one where a single layer was trained so. I must sign that you know what is *in* them. Open them."
#
# The project of Brigham (2024) lists ten analyses for this. Some it ran on rows that did not belong together, some it only announced. We run
# all ten, for all three networks.

# %% tags=["setup"]
import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score

from xaicourse.attribution import (
    layerwise_relevance,
    maximise_activation,
    partial_dependence,
    tcav,
)
from xaicourse.datasets import load_underwriting, simulate_scenes
from xaicourse.datasets.scenes import PATTERNS
from xaicourse.datasets.underwriting import prepare_underwriting
from xaicourse.exercises import activation_analysis as exercises
from xaicourse.networks import (
    kernel_drift,
    layer_activations,
    mahalanobis,
    neuron_regressions,
    small_resnet,
    train_network,
    train_node_importance,
)
from xaicourse.plotting import (
    bars,
    canvas,
    dots,
    histograms,
    lines,
    pictures,
)
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
    show_source,
    table,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three networks
#
# The data and the layers are those of the last notebook: ten principal components, 64 and 32 neurons, eight classes.

# %% tags=["live:train three networks"]
data = load_underwriting(seed=seed)
train, test = np.flatnonzero(~data.test), np.flatnonzero(data.test)
prepared = prepare_underwriting(data.features, train=train, scaled=True)
columns = prepared.to_numpy()
pca = PCA(10, random_state=0).fit(columns[train])
Z, y = pca.transform(columns), data.target.to_numpy() - 1
start = int(np.random.default_rng(seed).integers(2**31))
k_means = KMeans(6, n_init=4, random_state=start)
centroids = k_means.fit(Z[train]).cluster_centers_
rows = np.random.default_rng(seed).permutation(train)[:16_000]
variants = {
    "plain": {"n_steps": 2},
    "node importance": {"method": "written", "n_steps": 2},
    "single layer": {"method": "written", "n_steps": 2, "layers": [1]},
}


def trained(variant, max_epochs=1):
    """Return one network of a variant, from the seed's start."""
    return train_node_importance(
        Z[rows], y[rows], centroids=centroids, seeds=[seed], max_epochs=max_epochs, **variant
    ).networks[0]


networks = {name: trained(variant) for name, variant in progress("networks")(variants.items())}

# %%
activations = {name: layer_activations(network, Z[test]) for name, network in networks.items()}
right = {name: (a[-1].argmax(1) == y[test]).mean() for name, a in activations.items()}
majority = np.bincount(y[test]).max() / len(test)

# %%
say(
    "All three take two steps a batch, so that they differ in the modulation "
    'alone. They are right for {right["plain"]:.0%}, '
    '{right["node importance"]:.0%} and {right["single layer"]:.0%} of '
    "{test.size:,} held-out applications; always saying the largest class "
    "would be right for {majority:.0%}.",
    tolerance={f'right["{name}"]': 0.015 for name in networks},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Activations against distances
#
# If a neuron encodes how far an applicant is from each group, a regression of its activation on the six Mahalanobis distances finds out. All 32 neurons
# of the second layer share the predictors, so one solve serves all. The rows are in one order on both sides.

# %% tags=["live:regress on distances"]
distances = mahalanobis(Z[test], centroids, covariance=np.cov(Z[train].T))
half = np.arange(len(test)) % 2 == 0
on_distances = {name: neuron_regressions(a[1], distances, held_out=half) for name, a in activations.items()}

# %%
largest = {
    name: abs(fit.coefficients).max(0) for name, fit in on_distances.items()
}
typical = np.median(largest["plain"])
r2 = {name: fit.explained for name, fit in on_distances.items()}
coefficients = histograms(
    {
        "all coefficients": {
            name: fit.coefficients.ravel()
            for name, fit in on_distances.items()
        },
        "largest of each neuron": largest,
    },
    x_label="standardised coefficient",
    y_label="count",
    n_bins=20,
)

# %%
show(
    coefficients,
    caption="Coefficients of the activations on the distances, second layer, "
    "three networks.",
    alt="Two histograms for three networks. The coefficients lie around 0, "
    "the largest of each neuron around {typical:.2f} in the plain network; "
    "the three outlines overlap.",
    tolerance=0.2,
)
say(
    "On the half of the rows that the fit has not seen, the distances explain "
    '{r2["plain"]:.0%}, {r2["node importance"]:.0%} and '
    '{r2["single layer"]:.0%} of the neurons\' variance, on average.',
    tolerance=0.05,
)

# %% tags=["live:two shuffles"]
other_order = np.random.default_rng(seed + 1).permutation(len(test))
mixed = neuron_regressions(activations["plain"][1][other_order], distances, held_out=half)
mixed_r2 = mixed.explained
steepest = {
    "one": abs(on_distances["plain"].coefficients).max(),
    "two": abs(mixed.coefficients).max(),
}

# %%
claim(
    "With rows in two different orders, as in the project, the same "
    "regression explains nothing: its plots showed noise",
    mixed_r2 < min(0.02, r2["plain"] / 5)
    and steepest["two"] < steepest["one"] / 3,
    evidence='R² is {r2["plain"]:.2f} with rows in one order and '
    "{mixed_r2:.4f} with rows in two; the steepest coefficient is "
    '{steepest["one"]:.1f} and {steepest["two"]:.1f}',
    tolerance={
        'r2["plain"]': 0.05,
        "mixed_r2": 0.004,
        'steepest["one"]': 0.4,
        'steepest["two"]': 0.1,
    },
    fails_if="the second order were the first",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Activations against inputs, and back to columns
#
# The inputs are components, and "component 4 matters" tells an auditor nothing. But components are sums of columns, $z = V(x - \bar x)$. A linear
# function of components with slopes $b$ is the linear function of columns with slopes $V^\top b$, exactly.

# %% tags=["live:back to columns"]
on_inputs = {name: neuron_regressions(a[1], Z[test], held_out=half) for name, a in activations.items()}
best = int(on_inputs["plain"].r2.argmax())
spread = Z[test][~half].std(0)
slopes = on_inputs["plain"].coefficients[:, best] / spread  # undo the standardisation of the components
by_column = pd.Series(pca.components_.T @ slopes, index=prepared.columns)
through_columns = (columns[test] - pca.mean_) @ by_column.to_numpy()

# %%
strongest = by_column.reindex(by_column.abs().sort_values(ascending=False).index)[:8]
low, high = strongest.min(), strongest.max()
off_by = abs(through_columns - Z[test] @ slopes).max()
in_columns = bars(
    {"slope": strongest.to_numpy()},
    [name.replace("_", " ") for name in strongest.index],
    value_label="standardised slope",
    horizontal=True,
)

# %%
show(
    in_columns,
    caption="The neuron that its inputs explain best, in terms of columns.",
    alt="Bars for the eight columns with the steepest slopes, all between "
    "{low:.2f} and {high:.2f}.",
    tolerance=0.1,
)
claim(
    "The slopes of the columns give every row the same value as the slopes of "
    "the components",
    np.allclose(through_columns, Z[test] @ slopes, atol=1e-4),
    evidence="the largest difference is {off_by:.0e}",
    tolerance=1e-4,
    fails_if="the standardisation were not undone",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which group is nearest?

# %%
nearest = distances.argmin(1)
euclidean = ((Z[test][:, None] - centroids) ** 2).sum(2).argmin(1)
counts = {"Mahalanobis": np.bincount(nearest, minlength=6), "Euclid (k-means)": np.bincount(euclidean, minlength=6)}
by_distance = bars(
    counts,
    [f"group {i + 1}" for i in range(6)],
    value_label="held-out applications",
)
disagree = (nearest != euclidean).mean()

# %%
show(
    by_distance,
    caption="How many applications each centroid is nearest to, by two "
    "distances.",
    alt="Two bars for each of six groups. The two distances disagree for "
    "{disagree:.0%} of the applications.",
    tolerance=0.01,
)

# %% [markdown]
# The project finds groups by one distance and assigns rows by another. Where the two disagree, "near" has no meaning of its own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do activations form groups?
#
# Activation clustering asks the neurons themselves: k-means on the second layer's activations. Do its groups match the classes (what the network should say), or the
# groups of the inputs? The adjusted mutual information is 0 by chance and 1 for the same groups.

# %% tags=["live:cluster the activations"]
found = {n: k_means.fit_predict(a[1][:4000]) for n, a in activations.items()}
said = {name: a[-1].argmax(1)[:4000] for name, a in activations.items()}
match = {
    "what the network says": [adjusted_mutual_info_score(said[n], found[n]) for n in networks],
    "groups of the inputs": [adjusted_mutual_info_score(nearest[:4000], found[n]) for n in networks],
    "true classes": [adjusted_mutual_info_score(y[test][:4000], found[n]) for n in networks],
}

# %%
agreements = bars(
    match, list(networks), value_label="adjusted mutual information"
)

# %%
show(
    agreements,
    caption="What the groups of activations agree with.",
    alt="Three bars for each network. In the plain one the groups agree with "
    'its own answers by {match["what the network says"][0]:.2f}, with groups '
    'of inputs by {match["groups of the inputs"][0]:.2f}, with true classes '
    'by {match["true classes"][0]:.2f}.',
    tolerance=0.15,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does a concept matter?
#
# Nobody told the networks about illness or build. The simulation knows both. A *concept vector* points, among the first layer's activations, from random
# applicants to those who have the concept; the score of TCAV ([Kim et al., 2018](https://arxiv.org/abs/1711.11279)) is the share
# of rows in which a step that way raises the chance of class 8, the best.

# %%
show_source(tcav)

# %% tags=["live:test concepts"]
concepts = data.truth.concepts().iloc[test] if data.truth else {}
pool = np.random.default_rng(seed + 2).permutation(len(test))


def concept_test(network, concept):
    """Return TCAV of class 8 for a planted concept, in the first layer."""
    first = torch.tensor(layer_activations(network, Z[test])[0], dtype=torch.float32)
    having = pool[concepts[concept].to_numpy()[pool]][:500]
    others, studied = pool[:3000], pool[-500:]
    return tcav(
        lambda a: network[2:](a).log_softmax(1),
        first[studied],
        first[having],
        first[others],
        target=7,
        n_runs=5,
        n_random=99,
        seed=seed,
    )


tests = {
    name: {c: concept_test(network, c) for c in concepts} for name, network in progress("concepts")(networks.items())
}

# %%
if data.truth:
    tested = pd.DataFrame(
        {
            f"{name}: {result}": [getattr(t, result) for t in of.values()]
            for name, of in tests.items()
            for result in ("score", "p_value")
        },
        index=list(concepts),
    )
    ill = {name: of["illness"] for name, of in tests.items()}
    ill_scores = {name: t.score for name, t in ill.items()}
    ill_p_values = {name: t.p_value for name, t in ill.items()}

# %%
if data.truth:
    table(
        tested,
        caption="TCAV of class 8: the score, and the share of random sets "
        "that are as extreme.",
        formats="{:.2f}",
        tolerance=0.25,
    )
    claim(
        "In all three networks a step towards illness lowers the chance of "
        "class 8 in nearly every row, which few random sets do",
        max(ill_scores.values()) < 0.2 and max(ill_p_values.values()) <= 0.05,
        evidence="scores: {ill_scores:.2f}; p-values: {ill_p_values:.2f}",
        control="random sets of applicants",
        tolerance=0.05,
        fails_if="the concepts were those of other people",
    )
    say(
        "Build decides classes in the simulation too, and the vector tells "
        "people of large build from others in "
        '{tests["plain"]["build"].accuracy:.0%} of the cases, against '
        '{tests["plain"]["illness"].accuracy:.0%} for illness. Yet its score '
        "in the plain network is "
        '{tests["plain"]["build"].score:.2f}, no finding. A test that finds '
        "nothing does not show that there is nothing: the vector is one of "
        "many directions that tell the two apart, and the network may go by "
        "another. Nor is a single small p-value among six concepts a "
        "surprise.",
        tolerance={
            'tests["plain"]["build"].accuracy': 0.03,
            'tests["plain"]["illness"].accuracy': 0.03,
            'tests["plain"]["build"].score': 0.15,
        },
    )
else:
    say("Only a simulated table has a truth: this one's is known to nobody.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which neurons carry the answer?
#
# Four rankings of the 32 neurons, for the logit of class 8: LRP hands the logit back to the neurons; the correlation of an activation with the logit; that correlation
# times the weight that leads there; and the coefficient from the distances. What happens when a neuron is taken out decides between them.

# %%
studied = slice(0, 2000)


def rankings(network):
    """Return four measures of the second layer's neurons, and what taking each out does to the logit of class 8."""
    _, second, logits = (a[studied] for a in layer_activations(network, Z[test]))
    weight = network[4].weight[7].double().numpy()
    logit = logits[:, 7]
    varies = np.where(second.std(0) > 0, second.std(0), 1)
    correlation = ((second - second.mean(0)) * (logit - logit.mean())[:, None]).mean(0) / varies / logit.std()
    relevance = layerwise_relevance(network[4:], torch.tensor(second, dtype=torch.float32), target=7)
    fit = neuron_regressions(second, distances[studied])
    measures = {
        "LRP": relevance.values.abs().mean(0).numpy(),
        "correlation": abs(correlation),
        "weight × correlation": abs(weight * correlation),
        "distances": abs(fit.coefficients).max(0),
    }
    # Taken out: the logits lose what the neuron hands on, and the chance of class 8 changes.
    handed_on = second[:, :, None] * network[4].weight.T.double().numpy()
    chance = (
        torch.tensor(logits[:, None] - handed_on).log_softmax(2)[..., 7]
        - torch.tensor(logits[:, None]).log_softmax(2)[..., 7]
    )
    without = chance.abs().mean(0).numpy()
    return measures, without, relevance


# %% tags=["live:rank the neurons"]
ranked = {name: rankings(network) for name, network in networks.items()}
agreement = {m: [spearmanr(of[m], without)[0] for of, without, _ in ranked.values()] for m in ranked["plain"][0]}

# %%
foreseen = dots(
    {n: [of[i] for of in agreement.values()] for i, n in enumerate(networks)},
    list(agreement),
    value_label="rank correlation with the effect of taking the neuron out",
    limits=(0, 1.02),
)
bias = {name: float(network[4].bias[7]) for name, network in networks.items()}
lost = {}
for name, (_, _, relevance) in ranked.items():  # at a logit of nearly zero the rule's ε shows
    clear = abs(layer_activations(networks[name], Z[test])[2][studied, 7]) > 0.01
    lost[name] = float((relevance.delta + bias[name])[torch.from_numpy(clear)].abs().max())
most_lost = max(lost.values())

# %%
show(
    foreseen,
    caption="How well each ranking foresees what happens without a neuron.",
    alt="Dots for four rankings and three networks. LRP is at "
    '{agreement["LRP"][0]:.2f}; correlation at '
    '{agreement["correlation"][0]:.2f}, weight times correlation at '
    '{agreement["weight × correlation"][0]:.2f} and distances at '
    '{agreement["distances"][0]:.2f} in the plain network.',
    tolerance=0.25,
)
claim(
    "LRP conserves relevance: what is missing from the logit is what the bias "
    "took, wherever the logit is not nearly zero",
    most_lost < 1e-3,
    evidence="the largest gap is {most_lost:.0e}",
    tolerance=1e-3,
    fails_if="the bias were forgotten",
)
claim(
    "LRP foresees what happens without a neuron better than correlation does, "
    "in all three networks",
    all(np.greater(agreement["LRP"], agreement["correlation"]))
    and min(agreement["LRP"]) > 0.5,
    evidence='rank correlations with the effect: {agreement["LRP"]:.2f} for '
    'LRP, {agreement["correlation"]:.2f} for correlation',
    tolerance=0.25,
    fails_if="the relevances were given to other neurons",
)

# %% [markdown]
# A neuron may go up and down with the answer because another one that does the work goes up and down with it. Only what a neuron hands on counts.

# %% slideshow={"slide_type": "slide"} tags=["live:draw the network"]
drawn = networks["plain"]
importance = [
    on_inputs["plain"].coefficients.__abs__().mean(1),
    layerwise_relevance(drawn[2:], torch.tensor(activations["plain"][0][studied], dtype=torch.float32), target=7)
    .values.abs()
    .mean(0)
    .numpy(),
    ranked["plain"][0]["LRP"],
    np.ones(8),
]
top = np.sort(importance[2])[::-1]
first_eight = top[:8].sum() / top.sum()

# %%
weights = [m.weight.numpy() for m in drawn if isinstance(m, torch.nn.Linear)]
heights = [np.linspace(1, 0, len(i) + 2)[1:-1] for i in importance]
picture, (axes,) = canvas(width=9, height=5.4)
axes.set(xlim=(-0.45, 3.35), ylim=(0, 1.1))
axes.axis("off")
for layer, matrix in enumerate(weights):
    largest = np.argsort(-abs(matrix), axis=None)[:40]
    for out, into in zip(*np.unravel_index(largest, matrix.shape)):
        ends = heights[layer][into], heights[layer + 1][out]
        weight = matrix[out, into] / abs(matrix).max()
        colour = "#B2182B" if weight > 0 else "#2166AC"
        style = {"color": colour, "linewidth": 2.5 * abs(weight), "alpha": 0.7}
        axes.plot([layer, layer + 1], ends, **style)

# %%
titles = ["10 components", "64 neurons", "32 neurons", "8 classes"]
for layer, (name, height) in enumerate(zip(titles, heights)):
    size = 12 + 110 * importance[layer] / importance[layer].max()
    at = np.full(len(height), layer)
    axes.scatter(at, height, size, "#f2f2f2", edgecolors="#333333", zorder=3)
    axes.text(layer, 1.03, name, ha="center")
for i, height in enumerate(heights[0]):
    axes.text(-0.06, height, f"component {i + 1}", ha="right", va="center")
for i, height in enumerate(heights[-1]):
    axes.text(3.06, height, f"class {i + 1}", va="center")

# %%
show(
    picture,
    caption="The plain network. Neurons are sized by their relevance for "
    "class 8; of each layer the 40 strongest weights are drawn, red positive, "
    "blue negative.",
    alt="Four columns of circles joined by lines. Few neurons of the second "
    "layer are large: the first eight of 32 hold {first_eight:.0%} of its "
    "relevance.",
    tolerance=0.12,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What moves a neuron?
#
# Partial dependence sets one input to each value of a grid, in all rows, and averages the activation. For the most relevant neuron of each network, along the input that
# moves it most:


# %% tags=["live:partial dependence"]
def response(name):
    """Return the partial dependence of the most relevant neuron on the input that moves it most."""
    j = int(ranked[name][0]["LRP"].argmax())
    feature = int(abs(on_inputs[name].coefficients[:, j]).argmax())
    curve = partial_dependence(
        networks[name][:4], Z[test][:1000], feature, target=j, grid=np.linspace(-3, 3, 13)
    )
    return curve


curves = {name: response(name) for name in networks}

# %%
means = {name: curve.mean for name, curve in curves.items()}
lowest = min(mean.min() for mean in means.values())
highest = max(mean.max() for mean in means.values())
responses = lines(
    np.linspace(-3, 3, 13),
    {"": means},
    x_label="value of the component that moves the neuron most",
    y_labels="mean activation",
)

# %%
show(
    responses,
    caption="Partial dependence of the neuron most relevant for class 8.",
    alt="Three curves over the value of a component. They are bent like a "
    "ReLU and range from {lowest:.2f} to {highest:.2f}.",
    tolerance=0.6,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which applicant would a neuron like best?
#
# Activation maximisation climbs the activation inside a ball, here as far from the mean as a typical applicant is. Without the ball the climb would never end. For a linear unit $w \cdot x + b$ the
# answer is known, $r\,w / \lVert w \rVert$, and a neuron of the first layer is linear where it is on.

# %% tags=["live:climb"]
radius = float(np.median(np.linalg.norm(Z[train], axis=1)))
first_layer, starts = drawn[0], torch.zeros(1, 10)
climbed = torch.cat([maximise_activation(first_layer, starts, target=j, radius=radius).values for j in range(8)])
exact = radius * first_layer.weight[:8] / first_layer.weight[:8].norm(dim=1, keepdim=True)
j = int(ranked["plain"][0]["LRP"].argmax())
many = torch.tensor(Z[test][:64], dtype=torch.float32)
peak = maximise_activation(drawn[:4], many, target=j, radius=radius)
likes = pd.Series(pca.components_.T @ peak.values[peak.activation.argmax()].double().numpy(), index=prepared.columns)

# %%
reached = float(peak.activation.max())
within = np.linalg.norm(Z[test], axis=1) <= radius
real = activations["plain"][1][within, j].max()
widest = likes.abs().sort_values(ascending=False)
of_ten = (widest[:10] ** 2).sum() / (widest**2).sum()

# %%
claim(
    "For linear units the climb ends at r w / |w|",
    torch.allclose(climbed, exact, atol=1e-4),
    evidence="{exact.shape[0]} units of the first layer",
    fails_if="the ball had twice the radius",
)
say(
    "The most relevant neuron of the second layer reaches {reached:.2f} from "
    "the best of 64 starts; the highest activation among the real applicants "
    "within the ball is {real:.2f}. In columns, the applicant that it likes "
    "best differs from the average in few: ten of them hold {of_ten:.0%} of "
    "the squared difference.",
    tolerance={"reached": 1.0, "real": 1.0, "of_ten": 0.15},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And a unit that looks at pictures?
#
# The same function, and a network that sorts drawn scenes by the pattern of an object. Climbing pixels one by one gives noise that only a network can love. So the climb goes over a coarse grid of colours that is enlarged to
# the picture: smoothness is built in, as it is into real pictures.

# %% tags=["live:a unit of a picture network"]
scenes = simulate_scenes(500, size=32, seed=seed)


def coarse(grid):
    """Enlarge a grid of colours (rows, 3, 8, 8) to pictures of 32 pixels around grey."""
    return torch.nn.functional.interpolate(grid, scale_factor=4, mode="bilinear")


eyes = train_network(
    lambda: small_resnet(3),
    torch.from_numpy(scenes.images) - 0.5,
    torch.from_numpy(scenes.labels),
    max_epochs=5,
    seed=seed,
    progress=progress("a picture network"),
)
noise = 0.05 * torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
dreams = [
    maximise_activation(lambda g: eyes(coarse(g)), noise, target=k, radius=4.0, bounds=(-0.5, 0.5), n_steps=40)
    for k in range(3)
]

# %%
dreamt = pictures(
    {
        PATTERNS[k]: (coarse(dream.values)[0] + 0.5).permute(1, 2, 0).numpy()
        for k, dream in enumerate(dreams)
    }
)
least_raised = min(float(d.activation - d.start) for d in dreams)

# %%
show(
    dreamt,
    caption="What raises each of the three logits most, within a ball.",
    alt="Three pictures of coloured texture. Each raises its logit, by "
    "{least_raised:.1f} at least.",
    tolerance=1.0,
)

# %% [markdown]
# None of them looks like a scene. What a unit likes best is far from anything it was shown; it says what the unit *could* answer to, not what it did answer to.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Have the networks learnt features at all?
#
# A network that hardly moves from its start is *lazy*: it is a linear model in its gradients at the start, and its neurons are
# random features ([Chizat, Oyallon and Bach, 2019](https://arxiv.org/abs/1812.07956)). Looking into
# such neurons would be looking into noise. Three numbers say how far training went: the distance of the weights, how much the tangent kernel $J J^\top$ turned, and the error of the linearisation.

# %% tags=["live:measure the drift"]
beginning = trained(variants["plain"], max_epochs=0)
drifts = {name: kernel_drift(beginning, network, Z[test][:400], target=7) for name, network in networks.items()}

# %%
drift_table = pd.DataFrame(
    {
        name: {
            "weights moved": drift.movement,
            "kernel alignment": drift.alignment,
            "error of the linearisation": drift.linear_error,
        }
        for name, drift in drifts.items()
    }
).T
errors = drift_table["error of the linearisation"]
alignments = drift_table["kernel alignment"]

# %%
table(
    drift_table,
    caption="Relative distance of the weights, alignment of the kernels (1: "
    "unchanged), error over the spread of the output.",
    tolerance=0.12,
)
claim(
    "None of the three is lazy: the linearised network misses the trained one "
    "by more than a tenth of its output's spread, and the kernel has turned",
    (errors > 0.1).all() and (alignments < 0.99).all(),
    evidence="errors: {errors:.2f}; alignments: {alignments:.2f}",
    tolerance=0.15,
    fails_if="the networks were compared with themselves",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Back to columns (difficulty 2, 10 minutes)
# A neuron was regressed on *standardised* components: `coefficients` has one number for each, `spread` their standard deviations. `components` has a row for each component (as
# `PCA.components_`). Return the slope of each column.


# %% tags=["exercise"]
def back_to_columns(coefficients, spread, components):
    ### BEGIN SOLUTION
    return components.T @ (coefficients / spread)
    ### END SOLUTION


check(exercises.back_to_columns, back_to_columns)  # hint(exercises.back_to_columns) helps, in layers

# %% [markdown]
# ## Exercise 2 — The score of a concept (difficulty 1, 8 minutes)
# `gradients` holds, row by row, the gradient of the output with respect to a layer's activations; `concept` and `others` hold activations of examples. Take the
# difference of their means as the concept's vector, and return the share of rows in which a step along it raises the output.


# %% tags=["exercise"]
def concept_score(gradients, concept, others):
    ### BEGIN SOLUTION
    vector = concept.mean(axis=0) - others.mean(axis=0)
    return np.mean(gradients @ vector > 0)
    ### END SOLUTION


check(exercises.concept_score, concept_score)

# %% [markdown]
# ## Exercise 3 — Take a neuron out (difficulty 2, 12 minutes)
# The last layer is linear: logit $= h W^\top + b$, with `weights` of shape (classes, neurons). Return, for each neuron, the mean absolute change of the logit of class `k` when its
# activation is set to its *mean* over the rows (rather than to zero, which may be far from anything the neuron does).


# %% tags=["exercise"]
def effect_of_each(h, weights, k):
    ### BEGIN SOLUTION
    return np.abs((h - h.mean(axis=0)) * weights[k]).mean(axis=0)
    ### END SOLUTION


check(exercises.effect_of_each, effect_of_each)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Rows that do not belong together give plots that look like any others. Check alignment where it must matter: shuffle one side, and see the result vanish.
# - A vector exists for any set of examples. Only against random sets that go through all the same steps does a score mean something.
# - Judge rankings of neurons by taking neurons out. Correlation alone is fooled by neurons that go along.
# - Before you look into neurons, find out whether training moved them.

# %% [markdown]
# ## Where it breaks
#
# - Ten components hide most of the table: what they dropped no neuron can hold, however it was trained.
# - Linear regressions see what is linear. A neuron that answers to *either* extreme of a distance looks empty to them.
# - The t-test of the original TCAV takes runs that share the concept's examples for independent, and finds far too much; the test here is
#   honest about chance, but a concept that goes along with a cause is found as readily as the cause.
# - One network a variant is an example, not a comparison. For that see the last notebook.

# %% [markdown]
# ## Further reading
#
# - [Kim et al. (2018)](https://arxiv.org/abs/1711.11279), *Interpretability Beyond Feature Attribution: Quantitative Testing with
#   Concept Activation Vectors (TCAV)*: concept vectors, with the experiments that made them known.
# - [Bach et al. (2015)](https://doi.org/10.1371/journal.pone.0130140), *On Pixel-Wise Explanations for Non-Linear Classifier
#   Decisions by Layer-Wise Relevance Propagation*: where relevance propagation and its conservation come from.
# - [Chizat, Oyallon and Bach (2019)](https://arxiv.org/abs/1812.07956), *On Lazy Training in Differentiable Programming*: the
#   lazy regime, and why a network in it has not learnt features.
# - Brigham (2024), *Enforced Fairness for Machine Learning in Insurance, Criminal Justice, and Other Sensitive Environments*: the
#   list of analyses that this notebook carries out.
