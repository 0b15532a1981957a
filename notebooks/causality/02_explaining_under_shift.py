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
# # What an attribution is about
#
# Two models, three methods, and one intervention
#
# > **After this notebook you can**
# >
# > - put an attribution beside the effect of an intervention, and say why they differ
# > - compute Shapley values exactly, and check them against a closed form
# > - choose between observational and interventional baselines, and say what each is for
# > - stop a colleague who wants to treat what a model finds important
#
# **20 minutes**, and 20 for the exercises · builds on *When the world moves* · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# The classifier of *When the world moves* calls a patient sick, and its explanation says: mostly because of the marker $x_2$. A
# doctor has a drug that lowers the marker. Should she give it?
#
# The explanation was computed by a respected method, and without an error. She still should not. What, then, was the
# explanation about?

# %% tags=["setup"]
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from xaicourse.attribution import (
    gradient_shap,
    permutation_importance,
    shapley_values,
)
from xaicourse.causality import StructuralCausalModel
from xaicourse.exercises import explaining_under_shift as exercises
from xaicourse.networks import train_mlps
from xaicourse.plotting import bars
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
# ## The world and its two models
#
# The disease $y$ is defined by the blood value $x_1$. It raises the marker $x_2$, which is measured with a spread that the hospital's instrument
# decides. The queue $x_3$ has nothing to do with anything.

# %% slideshow={"slide_type": "fragment"} tags=["live:write the world"]
world = StructuralCausalModel(
    {
        "x1": lambda noise: 5 + noise,
        "y": lambda x1: x1 >= 5,
        "x2": lambda y, noise, spread: y + spread * noise,
        "x3": lambda noise: 2.5 + noise,
    },
    parameters={"spread": 0.1},
)
features = ["x1", "x2", "x3"]
labels = ["blood value $x_1$", "marker $x_2$", "queue $x_3$"]


def patients(n, seed, spread=0.1):
    rows = world.environment(spread=spread).sample(n, seed=seed)
    return rows[features].to_numpy(), rows["y"].to_numpy()


X_home, y_home = patients(1000, seed)
X_new, y_new = patients(400, seed + 1)

# %% tags=["live:fit two models"]
logistic = LogisticRegression().fit(X_home, y_home)
[network] = train_mlps(X_home, y_home, hidden=[100], seeds=[seed], progress=progress("network"))


def as_tensor(X):
    return torch.tensor(X, dtype=torch.float32)


linear = torch.nn.Linear(3, 1)
linear.load_state_dict({"weight": as_tensor(logistic.coef_), "bias": as_tensor(logistic.intercept_)})
models = {"logistic regression": linear, "network": network}
right = {name: np.mean((model(as_tensor(X_new)).detach().numpy()[:, 0] > 0) == y_new) for name, model in models.items()}

# %%
say(
    "On new patients of its own hospital the logistic regression is right for "
    '{right["logistic regression"]:.1%}, the network for '
    '{right["network"]:.1%}.',
    tolerance=0.006,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The truth
#
# We know the world, so we ask it. `do` sets one measurement from outside, for everybody, first to a low value and
# then to a high one (the quarters of its distribution at home), and leaves all other equations and all noise as
# they are. By how much does the share of sick patients change?

# %% tags=["live:ask the world"]
low, high = np.quantile(X_home, [0.25, 0.75], axis=0)
truth = np.array(
    [world.effect_of(f, on="y", low=low[j], high=high[j], n=5000, seed=seed).value for j, f in enumerate(features)]
)

# %%
claim(
    "Setting the blood value makes patients sick or healthy; setting the "
    "marker or the queue changes nobody",
    truth[0] > 0.9 and truth[1] == 0 and truth[2] == 0,
    evidence="effect of x1 {truth[0]:.2f}, of x2 {truth[1]:g}, of x3 "
    "{truth[2]:g}",
    fails_if="the disease listened to the marker",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What three methods say
#
# - **Shapley values**: the mean gain of the logit when a measurement joins the others, over all orders of joining. With three
#   measurements there are eight coalitions, so they are exact.
# - **GradientSHAP**: the gradients on the way from a typical patient to this one, times the way.
# - **Permutation**: by how much accuracy falls when one measurement is shuffled among the patients.
#
# The first two explain one patient; we take the mean of their sizes over the patients. Each row is divided by its sum, so that it shows shares.


# %% tags=["live:attribute"]
def shares(values):
    sizes = abs(np.asarray(values))
    sizes = sizes.mean(0) if sizes.ndim == 2 else sizes
    return sizes / sizes.sum()


def share_right(y, logit):
    return np.mean(y == (logit > 0))


x, baselines = as_tensor(X_new), as_tensor(X_home[:100])
exact = {m: shapley_values(model, x, baselines=baselines) for m, model in models.items()}
sampled = {m: gradient_shap(model, x, baselines=baselines, n_samples=400, seed=seed) for m, model in models.items()}
shuffled = {
    m: permutation_importance(f, X_new, y_new, score=share_right, seed=seed) for m, f in models.items()
}

# %%
methods = {
    "Shapley": {m: exact[m].values for m in models},
    "GradientSHAP": {m: sampled[m].values for m in models},
    "permutation": {m: shuffled[m].mean for m in models},
}
found = {
    f"{method} ({m})": shares(result[m])
    for m in models
    for method, result in methods.items()
}
marker = np.array([share[1] for share in found.values()])
of_marker = dict(zip(found, marker))

# %%
rows = {"the world, do()": shares(truth), **found}
three_methods = bars(
    {labels[j]: [r[j] for r in rows.values()] for j in range(3)},
    list(rows),
    value_label="share of the whole",
    horizontal=True,
    limits=(0, 1.02),
    height=6.0,
)

# %%
show(
    three_methods,
    caption="Top: what an intervention in the world changes. Below: what "
    "three methods say of two models.",
    alt="Horizontal bars. In the world all the effect is that of the blood "
    "value. Of the logistic regression the marker has a share of "
    '{of_marker["Shapley (logistic regression)"]:.2f} by Shapley values, of '
    'the network {of_marker["Shapley (network)"]:.2f}. The queue has next to '
    "nothing everywhere.",
    tolerance=0.02,
)
claim(
    "Every method gives the marker, whose effect is zero, a share above a "
    "quarter, for both models",
    marker.min() > 0.25,
    evidence="share of the marker: {of_marker:.2f}",
    tolerance=0.02,
    fails_if="one read the line of the queue instead",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Perhaps the methods are wrong? For a linear model the Shapley value has a closed form: weight times distance from the mean of
# the baselines, $\phi_j = w_j (x_j - \bar b_j)$. And GradientSHAP has to agree with exact Shapley values up to sampling, and up to how
# much the network bends.

# %% tags=["live:closed form"]
by_formula = logistic.coef_[0] * (X_new - X_home[:100].mean(0))
off_formula = abs(exact["logistic regression"].values.numpy() - by_formula).max()
complete = {m: e.delta.abs().max().item() for m, e in exact.items()}
agreement = np.corrcoef(sampled["network"].values[:, 1], exact["network"].values[:, 1])[0, 1]

# %%
claim(
    "The Shapley values of the linear model are those of the formula, and "
    "those of both models add up to the change of the logit",
    off_formula < 1e-3 and max(complete.values()) < 1e-3,
    evidence="off the formula {off_formula:.0e}; left over: {complete:.0e}",
    tolerance=0.001,
    fails_if="the mean of the baselines were forgotten",
)
claim(
    "On the network, GradientSHAP tells the patients' markers apart as exact "
    "Shapley values do",
    agreement > 0.95,
    evidence="correlation {agreement:.3f}",
    tolerance=0.02,
    fails_if="GradientSHAP explained the patients in another order",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Right about the model
#
# So the numbers are correct, and still they are not the truth about the disease. They are the truth about *the model*. We
# intervene once more, but now watch the model instead of the patient: raise everybody's marker from low to high, and count whose
# *diagnosis* and whose *disease* changes.

# %% tags=["live:intervene and watch both"]
worlds = {
    level: world.do(x2=value).sample(5000, seed=seed) for level, value in {"low": low[1], "high": high[1]}.items()
}
disease = {level: w["y"].mean() for level, w in worlds.items()}
diagnosis = {
    m: {level: (f(as_tensor(w[features].to_numpy())) > 0).double().mean().item() for level, w in worlds.items()}
    for m, f in models.items()
}
changes = {"the disease": disease["high"] - disease["low"], **{m: d["high"] - d["low"] for m, d in diagnosis.items()}}

# %%
marker_raised = bars(
    {"": list(changes.values())},
    ["the disease", *[f"the diagnosis of\nthe {m}" for m in models]],
    value_label="change of the share of patients",
    limits=(0, 1),
)

# %%
show(
    marker_raised,
    caption="Everybody's marker is raised. What follows?",
    alt="Three bars. The disease does not change. The diagnosis of the "
    'logistic regression changes for {changes["logistic regression"]:.0%} of '
    'the patients, that of the network for {changes["network"]:.0%}.',
    tolerance=0.03,
)
claim(
    "Raising the marker changes the models' diagnoses, as the attributions "
    "say, and nobody's disease",
    changes["the disease"] == 0 and min(changes[m] for m in models) > 0.2,
    evidence="change of the share of patients: {changes:.0%}",
    tolerance=0.03,
    fails_if="the marker was raised by nothing",
)

# %% [markdown]
# **An attribution says what a model uses. An intervention says what the world does.** The doctor's drug would lower the marker, then the
# model's alarm, and leave the patient as sick as before. It would even remove the warning.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which baseline?
#
# A Shapley value needs to know what the model says when a measurement is *unknown*. There are two ways to fill it in.
#
# - **Interventional**: take it from any patient, whatever the known measurements are. This is what we did. It breaks the link between
#   the measurements, and so asks only what the model *reads*.
# - **Observational**: take it from patients who *resemble* this one in what is known. This keeps the link.
#
# We build the second from 20 nearest neighbours in a large sample, and explain a model that reads the blood value *alone*.


# %% tags=["live:patients who resemble this one"]
def observational_shapley(predict, X, background, k=20):
    """Return Shapley values whose unknown columns come from the k most similar rows of the background."""
    d, scale, worth = X.shape[1], background.std(0), {}
    for code in range(2**d):
        known = [j for j in range(d) if code >> j & 1]
        rows = np.repeat(background[None, :500], len(X), axis=0)
        if known:
            search = NearestNeighbors(n_neighbors=k).fit((background / scale)[:, known])
            rows = background[search.kneighbors((X / scale)[:, known], return_distance=False)]
        rows[:, :, known] = X[:, None, known]
        worth[code] = predict(rows.reshape(-1, d)).reshape(len(X), -1).mean(1)
    weight = {0: 1 / 3, 1: 1 / 6, 2: 1 / 3}  # of three columns: 0, 1 or 2 others have joined before
    return np.stack(
        [
            sum(weight[c.bit_count()] * (worth[c | 1 << j] - worth[c]) for c in worth if not c >> j & 1)
            for j in range(d)
        ],
        axis=1,
    )


# %% tags=["live:a model that reads one column"]
honest = LogisticRegression(C=100).fit(X_home[:, :1], y_home)


def reads_x1_alone(X):
    return honest.predict_proba(X[:, :1])[:, 1]


few = X_new[:100]
two_ways = {
    "interventional": shares(shapley_values(reads_x1_alone, few, baselines=X_home[:300]).values),
    "observational": shares(observational_shapley(reads_x1_alone, few, patients(5000, seed + 7)[0])),
}

# %%
baseline_kinds = bars(
    two_ways, labels, value_label="share of the whole", limits=(0, 1.02)
)
credited = {kind: share[1] for kind, share in two_ways.items()}

# %%
show(
    baseline_kinds,
    caption="Shapley values of the probability of a model that reads the "
    "blood value alone, with two kinds of baselines.",
    alt="Grouped bars. With interventional baselines the blood value has all. "
    'With observational ones it has {two_ways["observational"][0]:.2f}, the '
    "marker, which the model never reads, "
    '{two_ways["observational"][1]:.2f}, and the queue '
    '{two_ways["observational"][2]:.2f}.',
    tolerance=0.02,
)
claim(
    "Observational baselines credit the marker in a model that never reads "
    "it; interventional ones do not",
    credited["observational"] > 0.2 and credited["interventional"] < 1e-9,
    evidence="share of the marker: observational "
    '{credited["observational"]:.2f}, interventional '
    '{credited["interventional"]:.0e}',
    tolerance=0.02,
    fails_if="the neighbours were chosen at random",
)

# %% [markdown]
# Neither is wrong. Observational values answer "what does this measurement *tell* about the score?", and the marker does
# tell where the blood value lies. Interventional ones answer "what does the model *read*?"
# ([Janzing, Minorics and Blöbaum (2020)](https://arxiv.org/abs/1910.13413) argue for
# them; [Sundararajan and Najmi (2020)](https://arxiv.org/abs/1908.08474) show how many Shapley values there are.) Note that
# "interventional" is about the model's
# *inputs*. Neither of the two is an intervention in the world.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same model in another hospital
#
# An attribution also depends on *whom* it is computed for. We explain the same logistic regression in the three hospitals.

# %% tags=["live:three hospitals"]
by_hospital = {}
for name, spread in {
    "home (0.1)": 0.1,
    "second (1)": 1.0,
    "third (10)": 10.0,
}.items():
    there = as_tensor(patients(300, seed + 3, spread)[0])
    explained = shapley_values(linear, there[:200], baselines=there[200:])
    by_hospital[name] = shares(explained.values)
by_hospital = pd.DataFrame(by_hospital, index=features).T

# %%
table(
    by_hospital,
    caption="One logistic regression in three hospitals (spread of the "
    "marker): shares by exact Shapley values",
    formats="{:.2f}",
    tolerance=0.02,
)
claim(
    "The model has not changed, and its explanation has: where the marker is "
    "noisiest it leads by far",
    by_hospital["x2"].iloc[2] > 0.7 > by_hospital["x2"].iloc[0] + 0.1,
    evidence='share of the marker: at home {by_hospital["x2"].iloc[0]:.2f}, '
    'in the third {by_hospital["x2"].iloc[2]:.2f}',
    tolerance=0.02,
    fails_if="the third hospital had the instrument of the first",
)

# %% [markdown]
# This is the warning that one *can* read without knowing the arrows: attributions that move between hospitals while the disease
# does not. What to do about it is the subject of *What stays the same*.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — By the formula (difficulty 1, 5 minutes)
# Write the Shapley values of a linear model with weights `w`, for rows `X` and baselines `B` (arrays of rows). Return an array
# with the shape of `X`.


# %% tags=["exercise"]
def linear_shapley(w, X, B):
    ### BEGIN SOLUTION
    return w * (X - B.mean(axis=0))
    ### END SOLUTION


check(exercises.by_the_formula, linear_shapley)  # hint(exercises.by_the_formula) helps, in layers

# %% [markdown]
# ## Exercise 2 — Do not treat this (difficulty 2, 10 minutes)
# Write a function that protects the doctor. It takes a world, the name of the outcome, and attributions as `{"x1": 0.4, "x2": 0.6}`. It
# returns the set of names whose attribution is at least a tenth of the whole (in size) although setting them to 0 or to 1 changes nothing
# in the outcome. `world.effect_of(name, on=outcome, low=0, high=1).value` helps.


# %% tags=["exercise"]
def do_not_treat(world, outcome, attributions):
    ### BEGIN SOLUTION
    whole = sum(abs(a) for a in attributions.values())
    large = [name for name, a in attributions.items() if abs(a) >= 0.1 * whole]
    return {name for name in large if world.effect_of(name, on=outcome, low=0, high=1).value == 0}
    ### END SOLUTION


check(exercises.do_not_treat_this, do_not_treat)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - An attribution is about the model: what it reads, and how much that moves its answer. It can be exactly right about the model and
#   say nothing about the world.
# - What follows from an action, only an intervention tells: a trial, or a causal model that one has reason to believe.
# - Say which baselines you use. Interventional ones ask what the model reads; observational ones also credit what it could have read.
# - The same model has other attributions among other patients.

# %% [markdown]
# ## Where it breaks
#
# - We could ask the world because we wrote it. In a real hospital the intervention is a trial, and the attribution all one has:
#   a reason to look closer, never a reason to treat.
# - Interventional baselines ask the model about patients who do not exist, such as sick ones with a healthy marker. Far from its data
#   a network may answer anything.
# - Nearest neighbours stand in for a conditional distribution only in few dimensions.
# - Sizes were averaged over patients; a mean can hide patients for whom the order is another.

# %% [markdown]
# ## Further reading
#
# - [Janzing, Minorics and Blöbaum (2020)](https://arxiv.org/abs/1910.13413), *Feature relevance quantification in explainable AI:
#   a causal problem*: why the interventional baseline is the causal one for the question what a model reads.
# - [Sundararajan and Najmi (2020)](https://arxiv.org/abs/1908.08474), *The many Shapley values for model explanation*: with the
#   axioms that each of them breaks.
# - [Lundberg and Lee (2017)](https://arxiv.org/abs/1705.07874), *A unified approach to interpreting model predictions*: the paper
#   that made Shapley values a standard of explanation.
# - [Peters, Janzing and Schölkopf (2017)](https://mitpress.mit.edu/9780262037310/elements-of-causal-inference/), *Elements of
#   Causal Inference: Foundations and Learning Algorithms*: what an intervention is, and why no prediction replaces it.
