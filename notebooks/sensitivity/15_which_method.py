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
# # Which method, when?
#
# Slide 15: resources, and a judgement on them
#
# > **After this notebook you can**
# >
# > - choose a sensitivity analysis for a model, a question and a budget
# > - say of each method what it cannot see
# > - find the literature, and tell a reference that exists from one that does not
#
# **20 minutes**, and as many for the exercises · builds on the notebooks of this part · data: four models with known truth

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A colleague brings a model as a function: three numbers in, one number out, and each evaluation costs money. "Which of the
# three matters?" You know half a dozen methods that answer, and they do not give the same answer. Which one do you run?
#
# One can learn a table by heart. Better to make it: run every method on models of which the truth is known, and write down what
# each of them misses and what it costs.

# %% tags=["setup"]
import numpy as np
import pandas as pd

from xaicourse.exercises import which_method as exercises
from xaicourse.plotting import bars, heat_map, lines
from xaicourse.sensitivity import (
    ishigami,
    morris_screening,
    sobol_indices,
)
from xaicourse.teaching import check, claim, hint, say, show, table

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four models that differ in kind
#
# - **additive**: every input acts on its own, in proportion;
# - **together**: the first two act only as a product;
# - **switch**: nothing happens until an input passes a threshold;
# - **Ishigami**: waves, and a third input that acts only by stretching the first.
#
# The truth is the *total* share of each input: of all the variance of the output, how much would remain if only this input were
# left unknown. A share above a tenth means that the input matters.

# %% tags=["live:four models"]
models = {
    "additive": lambda X: 4 * X[:, 0] + 2 * X[:, 1] + X[:, 2],
    "together": lambda X: X[:, 0] * X[:, 1] + 0.3 * X[:, 2],
    "switch": lambda X: (X[:, 0] > 0.3) + 0.5 * (X[:, 1] > 0.3),
    "Ishigami": ishigami(),
}
box = {name: ishigami().bounds if name == "Ishigami" else np.array([(-1.0, 1.0)] * 3) for name in models}
product = np.array([1 / 9, 1 / 9, 0.3**2 / 3])
truth = {
    "additive": np.array([16, 4, 1]) / 21,
    "together": product / (1 / 9 + 0.3**2 / 3),
    "switch": np.array([0.8, 0.2, 0.0]),
    "Ishigami": ishigami().ST,
}

# %%
shares = bars(
    {f"$x_{i + 1}$": [truth[name][i] for name in models] for i in range(3)},
    list(models),
    value_label="total share of the variance",
    reference=(0.1, "matters"),
    limits=(0, 1),
)

# %%
show(
    shares,
    caption="The truth. Where inputs act together, what they share is counted for each of "
    "them.",
    alt='Grouped bars for four models. Additive: {truth["additive"]:.2f}. Together: the '
    'first two inputs {truth["together"][0]:.2f} each. Switch: the third input has no bar. '
    "Ishigami: all three matter.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Six methods
#
# Two look from the centre of the box: the **gradient** there, and **one at a time**, which moves each input from one end to the other
# while the others stay. One averages squared **slopes** over the box. **Morris** averages coarse steps taken from many places.
# The **first-order** and the **total** Sobol index divide the variance.


# %% tags=["live:from the centre"]
def gradient_at_centre(f, bounds):
    centre, step = bounds.mean(axis=1), 1e-4 * np.eye(3) * np.ptp(bounds, axis=1)
    return abs(f(centre + step) - f(centre - step))


def one_at_a_time(f, bounds):
    low, high = (np.where(np.eye(3, dtype=bool), end, bounds.mean(axis=1)) for end in bounds.T)
    return abs(f(high) - f(low))


# %% slideshow={"slide_type": "fragment"} tags=["live:over the box"]
def mean_squared_slope(f, bounds):
    rows = np.random.default_rng(seed).uniform(*bounds.T, size=(128, 3))
    steps = 1e-4 * np.eye(3) * np.ptp(bounds, axis=1)
    return np.array([np.mean((f(rows + step) - f(rows - step)) ** 2) for step in steps])


def morris(f, bounds):
    return morris_screening(f, bounds, n_trajectories=40, seed=seed).mu_star


def first_order(f, bounds):
    return sobol_indices(f, bounds, n_samples=4096, seed=seed).S1


def total(f, bounds):
    return sobol_indices(f, bounds, n_samples=4096, seed=seed).ST


# %% [markdown]
# We count what each evaluates, and divide what it finds by its largest value, so that only *which inputs it names* is compared.


# %% tags=["live:run them all"]
def counted(method, f, bounds):
    """Return what a method finds, in units of its largest value, and how many rows it evaluated."""
    rows = []

    def watched(X):
        rows.append(len(X))
        return f(X)

    found = abs(np.asarray(method(watched, bounds)))
    return found / max(found.max(), 1e-12), sum(rows)


methods = {
    "gradient at the centre": gradient_at_centre,
    "one at a time": one_at_a_time,
    "mean squared slope": mean_squared_slope,
    "Morris": morris,
    "first-order index": first_order,
    "total index": total,
}
runs = {m: {name: counted(find, models[name], box[name]) for name in models} for m, find in methods.items()}
found = {method: {name: run[0] for name, run in by_model.items()} for method, by_model in runs.items()}
rows_needed = {method: by_model["additive"][1] for method, by_model in runs.items()}

# %%
what_is_found = heat_map(
    [np.concatenate([by_model[name] for name in models]) for by_model in found.values()],
    x_label="inputs $x_1, x_2, x_3$ of the four models",
    y_label="",
    y_ticks=list(found),
    x_ticks=[
        f"$x_{i}$\n{name}" if i == 2 else f"$x_{i}$" for name in models for i in (1, 2, 3)
    ],
    value_label="found, relative\nto the largest",
    height=3.2,
)
coloured = sum(np.sum(by > 0.1) for by in found["total index"].values())

# %%
show(
    what_is_found,
    caption="What each method finds. White means: this input does not matter.",
    alt="A heat map with six rows, one a method, and three columns for each of four models. "
    "The row of the total index has {coloured} coloured fields; the gradient at the centre "
    "has white fields in every model but the additive one.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who missed what
#
# An input is *missed* when it matters and a method gives it less than a tenth of what it gives the strongest.

# %% tags=["live:count what was missed"]
missed = pd.DataFrame(
    {
        name: {method: int(((truth[name] > 0.1) & (by_model[name] < 0.1)).sum()) for method, by_model in found.items()}
        for name in models
    }
)

# %%
by_gradient, by_slopes, by_first_order = (
    missed.loc[method]
    for method in ("gradient at the centre", "mean squared slope", "first-order index")
)
by_any_on_additive = missed["additive"].sum()
by_both = missed.loc["Morris"].sum() + missed.loc["total index"].sum()

# %%
table(
    missed.assign(evaluations=pd.Series(rows_needed)),
    caption="Inputs that matter and were missed, and rows evaluated (three inputs)",
    formats="{:,.0f}",
)

# %%
claim(
    "On the additive model any method will do",
    by_any_on_additive == 0,
    evidence="missed by all methods together: {by_any_on_additive}",
    fails_if="the first input of the additive model were squared",
)
claim(
    "The gradient at the centre misses something in each of the other models",
    all(by_gradient[name] > 0 for name in ("together", "switch", "Ishigami")),
    evidence="missed: {by_gradient}",
    fails_if="one looked from a place off the centre",
)
claim(
    "Slopes over the whole box still miss a switch: wherever one looks, it is flat",
    by_slopes["switch"] > 0 and by_slopes["Ishigami"] == 0,
    evidence="missed: {by_slopes}",
    fails_if="the switches were turned gradually",
)
claim(
    "First-order indices miss inputs that act only together",
    by_first_order["together"] == 2 and by_first_order["Ishigami"] == 1,
    evidence="missed: {by_first_order}",
    fails_if="the product were a sum",
)
claim(
    "Morris and the total index miss nothing",
    by_both == 0,
    evidence="missed by both: {by_both}",
    fails_if="the total index were taken near the centre only",
)

# %% [markdown]
# The failures are not bugs: each method answered a question, though not ours. A gradient says what a *small* change does *here*;
# a first-order index says what one would learn from knowing *this input alone*.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does precision cost?
#
# Morris names the inputs that matter for a small fraction of the evaluations. Its numbers are no shares, though. How many rows does a
# total index need before its second digit can be trusted? We repeat the estimate for the Ishigami function with
# twenty scramblings of the sample and look at the error.

# %% tags=["live:error against rows"]
sizes = 2 ** np.arange(5, 13)
estimates = np.array(
    [[sobol_indices(ishigami(), box["Ishigami"], n_samples=int(n), seed=seed + r).ST for r in range(20)] for n in sizes]
)
error = np.sqrt(((estimates - truth["Ishigami"]) ** 2).mean(axis=(1, 2)))
evaluations = sizes * 5
by_chance = error[0] * np.sqrt(sizes[0] / sizes)

# %%
falling = lines(
    evaluations,
    {"": {"total index": error, "what independent draws would give": by_chance}},
    x_label="rows evaluated",
    y_labels="error (root mean square)",
    log_x=True,
    log_y=True,
)
gain, gain_by_chance = error[0] / error[-1], by_chance[0] / by_chance[-1]

# %%
show(
    falling,
    caption="Error of the total indices of the Ishigami function over repeated "
    "scramblings.",
    alt="Two falling lines on logarithmic axes. The error of the total index falls from "
    "{error[0]:.2f} to {error[-1]:.4f}, faster than the line for independent draws.",
)
say(
    "From {evaluations[0]:,} to {evaluations[-1]:,} rows the error falls {gain:.0f}-fold, "
    "where independent draws would gain a factor of {gain_by_chance:.0f}: the points of a "
    "Sobol' sequence avoid one another. It falls in jumps, so trust the interval of an "
    'estimate and not the rule. Forty trajectories of Morris need {rows_needed["Morris"]} '
    "rows.",
)
claim(
    "A balanced sample beats independent draws",
    gain > 1.5 * gain_by_chance,
    evidence="error at the fewest rows {error[0]:.3f}, at the most {error[-1]:.5f}",
    fails_if="the sample had stopped growing half-way",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The table
#
# Three questions choose the method: *here or everywhere? a change or a share of the variance? can I call the model, or do I only have
# rows?*

# %% [markdown]
# For $d$ inputs; "row" is one evaluation of the model.
#
# | You ask | Run | Rows | It cannot see | Worked in |
# |---|---|---|---|---|
# | What does a small change do, here? | autograd; central differences | one pass; $2d$ | anything not near here | [2](02_definition.ipynb), [4](04_calculating.ipynb), [5](05_neural_networks.ipynb) |
# | Which pixel, which word, for this input? | saliency, Integrated Gradients, Grad-CAM | 1 to 100 passes | whether the region is *right* | [6](06_images.ipynb), [7](07_language.ipynb) |
# | Which parameter moves the trajectory? | forward sensitivity equations | one larger integration | far-away parameter values | [13](13_environmental_impact.ipynb) |
# | Which past value moves the forecast? | refiltering; π-weights | one a value; none | another model's memory | [10](10_time_series.ipynb) |
# | Which inputs can I ignore? | Morris | $r(d + 1)$, $r$ about 20 | shares; which inputs interact with which | this one |
# | How is the variance shared? | Sobol indices | $n(d + 2)$ | dependence between inputs | [14](14_limitations.ipynb) |
# | How, if all I have is a finished search? | functional ANOVA on a grid or a forest | none | what was not searched | [9](09_hyperparameters.ipynb) |
# | What does *this data set's* accuracy rest on? | permutation, drop-column | $d$ passes, $d$ fits | which of two twins deserves it | [3](03_why_it_matters.ipynb), [12](12_predictive_maintenance.ipynb) |
# | The model has steps | finite shifts, permutation, Shapley | many | derivatives: there are none | [11](11_anomaly_detection.ipynb) |
# | The output is noisy | the same random numbers for both runs | pairs | nothing, but the gain fades with the step | [8](08_reinforcement_learning.ipynb) |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide's reading list, checked
#
# The deck ends with five references. We looked each of them up. Two of five sent the reader to something else than they promised: a
# reference is a claim, too; follow it before you pass it on.

# %% [markdown]
# | As printed | What we found |
# |---|---|
# | Saltelli et al., *Sensitivity Analysis in Practice* (2004) | [Saltelli et al. (2004)](https://doi.org/10.1002/0470870958): as printed |
# | Saltelli et al., *Global Sensitivity Analysis: The Primer* (2008) | [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184): as printed |
# | Iooss and Lemaître, *An Introduction to Sensitivity Analysis*, arXiv:1404.2405 | the number is right, the title is not: [Iooss and Lemaître (2015)](https://arxiv.org/abs/1404.2405) |
# | Chang et al., *Sensitivity Analysis for Machine Learning*, arXiv:2003.01747 | no such paper; the number belongs to [Veitch and Zaveri (2020)](https://arxiv.org/abs/2003.01747), on hidden confounders: another meaning of the words |
# | Ribeiro et al., *Explaining the Predictions of Any Classifier*, arXiv:1602.04938 | the title is cut: [Ribeiro, Singh and Guestrin (2016)](https://arxiv.org/abs/1602.04938) |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — The bill (difficulty 1, 5 minutes)
# Before anybody pays, say what it will cost. Write a function that returns how many rows a `method` evaluates for `d` inputs:
# `"central differences"`, `"morris"` with `n` trajectories, or `"sobol"` (first-order and total indices) with samples of `n` rows.


# %% tags=["exercise"]
def bill(method, d, n):
    ### BEGIN SOLUTION
    return {"central differences": 2 * d, "morris": n * (d + 1), "sobol": n * (d + 2)}[method]
    ### END SOLUTION


check(exercises.the_bill, bill)  # hint(exercises.the_bill) helps, in layers

# %% [markdown]
# ## Exercise 2 — Fool the first-order index (difficulty 2, 10 minutes)
# Write a model of three inputs in $[-1, 1]$ whose second input has a first-order index below a twentieth and a total index
# above a half, although its first input alone explains at least a tenth of the variance.


# %% tags=["exercise"]
def deceptive(X):
    ### BEGIN SOLUTION
    return 0.4 * X[:, 0] + X[:, 1] * X[:, 2]
    ### END SOLUTION


check(exercises.fool_the_first_order_index, deceptive)

# %% [markdown]
# ## Exercise 3 — Self-test (difficulty 2, 15 minutes)
# Which method would you run first? Fill in a letter for each situation:
#
# 1. A climate code with 60 parameters; you can afford 1,500 runs, and want to know which 50 to leave alone.
# 2. A trained network and one image: which pixels moved this decision?
# 3. A boosted-tree model on a table; you may not assume that the columns are independent, and the question is whether a column could be saved.
# 4. A cheap formula with five independent inputs; a report needs shares of variance with intervals.
# 5. 300 finished trials of a hyper-parameter search and no budget for more.
# 6. An isolation forest's score; somebody reports that its gradient is zero everywhere.
#
# **a** Sobol indices · **b** Morris screening · **c** gradients of the output with respect to the input · **d** functional ANOVA
# on a forest · **e** retrain without the column · **f** shift the inputs by finite steps, or permute them

# %% tags=["exercise"]
### BEGIN SOLUTION
choices = {1: "b", 2: "c", 3: "e", 4: "a", 5: "d", 6: "f"}
### END SOLUTION

check(exercises.self_test, choices)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Sensitivity methods disagree because they answer different questions: here or everywhere, a change or a share of variance.
# - Local methods are blind to what happens elsewhere, first-order indices to what inputs do together, derivatives to steps.
# - To find what can be ignored, screen with Morris; to say how much each input matters, estimate total indices.
# - Test a method on a function whose answer you know before you believe it on one whose answer you do not.

# %% [markdown]
# ## Where it breaks
#
# - All of this samples inputs independently. With dependent inputs, variance no longer divides into shares that add up, and a
#   permuted row may be one that cannot exist.
# - Four models are a panel, not a proof: a model whose effect hides between Morris's levels would fool it, too.
# - Variance is one measure of "matters". For a question about tails or thresholds, take the variance of *that* output.

# %% [markdown]
# ## Further reading
#
# - [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184), *Global Sensitivity Analysis: The Primer*: the textbook of
#   global methods; start here.
# - [Iooss and Lemaître (2015)](https://arxiv.org/abs/1404.2405), *A review on global sensitivity analysis methods*: screening,
#   variance-based and metamodel methods, compared by cost.
# - [Saltelli et al. (2004)](https://doi.org/10.1002/0470870958), *Sensitivity Analysis in Practice: A Guide to Assessing
#   Scientific Models*: worked examples, and how to set the question before the method.
