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
# # Which explanation to believe
#
# Tables, customers, pictures and sentences; known truths, twenty seeds
#
# > **After this notebook you can**
# >
# > - grade an explanation against a known truth, and against chance
# > - tell apart four questions: what matters, what this decision rests on, what is stable, what depends on the model
# > - compare two methods by a paired test over seeds
# > - choose a method for a question, and defend the choice with a table
#
# **35 minutes**, and as many for the exercises · builds on the whole course · data: tables, customers, pictures and sentences
# simulated here, whose truth is known

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A network refused a loan. Ten methods of this course explain why, and they do not agree. The customer, the bank and the
# regulator each quote the one that suits them. Which one is right?
#
# On the customer's data nobody can know. So we do what one does with any instrument: calibrate it where the truth is known, many times,
# and beside an instrument that guesses.

# %% tags=["setup"]
import numpy as np
import pandas as pd
import torch
from scipy.stats import t

from xaicourse.evaluation import (
    deletion_insertion,
    effect_correlation,
    grade,
    paired_difference,
    relevance_rank,
)
from xaicourse.evaluation.family import ACCURACY, NETWORK, SEEN
from xaicourse.evaluation.grading import by_family
from xaicourse.evaluation.tasks_tables import (
    DECISIVE,
    MEASURES,
    METHODS,
    draw,
    true_effects,
)
from xaicourse.exercises import grading_explanations as exercises
from xaicourse.plotting import COLOURS, canvas, dots, heat_map
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    show,
    show_source,
    table,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Tasks with a truth
#
# Of eight columns, three decide. How they do differs from task to task:
#
# - **linear**: the log-odds are a weighted sum;
# - **switches**: a sum of steep steps, flat nearly everywhere, so that slopes see little;
# - **interaction**: two columns act only as a product;
# - **interaction, twins**: and each of the three has a twin, strongly correlated with it, that decides nothing.
#
# The true effect of a column in a row: by how much do the log-odds change, on average, if this column alone is drawn anew?

# %% tags=["live:tasks with a truth"]
tasks = ["linear", "switches", "interaction", "interaction, twins"]
effects = {}
for task in tasks:
    X, _ = draw(task, 400, np.random.default_rng(seed))
    effects[task] = true_effects(task, X).mean(0)
effects = pd.DataFrame(effects, index=[f"x{j}" for j in range(8)]).T

linear = effects.loc["linear"]
truth = heat_map(
    effects.to_numpy(),
    x_label="column",
    y_label="",
    x_ticks=list(effects.columns),
    y_ticks=list(effects.index),
    value_label="mean true effect\n(log-odds)",
)

# %%
show(
    truth,
    caption="The truth: mean effect of each column on the log-odds. Five columns have "
    "none.",
    alt="A heat map of four tasks by eight columns. Only x0, x1 and x2 are coloured; in the "
    'linear task their mean effects are {linear["x0"]:.1f}, {linear["x1"]:.1f} and '
    '{linear["x2"]:.1f}.',
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four questions, four measures
#
# - **Finds the causes**: of the three largest attributions of a row, how many belong to the three columns that decide
#   ([Arras, Osman and Samek, 2022](https://arxiv.org/abs/2003.07258))? By chance three eighths.
# - **Orders by effect**: the rank correlation with the row's true effects. By chance zero.
# - **Faithful to the model**: delete columns in the order of the attribution, then insert them, and compare the areas under the model's
#   probability ([Petsiuk, Das and Saenko, 2018](https://arxiv.org/abs/1806.07421)). By chance *exactly* zero: deleting in a
#   random order is inserting in a random order,
#   backwards. This one knows no truth but the model.
# - **Changes nearby** ([Yeh et al., 2019](https://arxiv.org/abs/1901.09392)) and **ignores the weights**
#   ([Adebayo et al., 2018](https://arxiv.org/abs/1810.03292)): the largest change of the
#   explanation close by, and how alike it is when the network is one that has not been trained. Less is better.

# %%
show_source(relevance_rank)

# %% slideshow={"slide_type": "fragment"} tags=["live:chance is exactly zero"]
rng = np.random.default_rng(seed)
row = torch.tensor(rng.standard_normal((1, 3)))
orders = torch.tensor([[2.0, 1, 0], [2, 0, 1], [1, 2, 0], [0, 2, 1], [1, 0, 2], [0, 1, 2]])
by_order = deletion_insertion(lambda x: torch.sin(3 * x).prod(1) + x[:, 0] ** 2, row.expand(6, 3), orders).gain
at_the_mean = np.zeros((1, 8))
closed_form = np.array([3, 2, 1]) * np.sqrt(2 / np.pi)  # mean size of a normal number
measured = true_effects("linear", at_the_mean, n_draws=20_000)[0, list(DECISIVE)]

# %%
over_all_orders, largest = by_order.mean().item(), by_order.abs().max().item()
off_closed_form = abs(measured - closed_form).max()
claim(
    "The measures are what they should be: over all orders the faithfulness of any model "
    "averages to zero, and a linear effect is its closed form",
    abs(over_all_orders) < 1e-12 and largest > 1e-4 and off_closed_form < 0.05,
    evidence="largest gain of a single order {largest:.3f}; effects {measured:.3f}, in "
    "closed form {closed_form:.3f}",
    fails_if="one order were left out",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The grading
#
# For each task and seed: draw rows, train a network, explain rows it has not seen by each method, grade. The first method **guesses**.
# The whole is one function, `grade`, so that the same grading with a hundred seeds can run overnight on many machines (`xaicourse grade
# --seeds 100`).

# %% tags=["live:grade them all"]
grades = grade(seeds=20, tasks=tasks, first_seed=100 * seed, progress=progress("grading"))
by_seed = grades[grades.method != NETWORK].pivot_table(
    index=["measure", "method"], columns="seed", values="value", sort=False
)

# %%
means = by_seed.mean(axis=1).unstack("measure", sort=False)[list(MEASURES)]
half = t.ppf(0.9995, 19) * by_seed.std(axis=1, ddof=1) / 20**0.5
graded = [m for m, chance in MEASURES.items() if chance is not None]
off = {m: means.loc["random", m] - MEASURES[m] for m in graded}
half_of_random = {m: half[m, "random"] for m in graded}

# %%
table(
    means,
    caption="Mean grades over four tasks and twenty seeds; chance: 3/8, 3/8, 0, 0, and of the last two less is better",
    formats="{:.2f}",
    tolerance=0.03,
)
claim(
    "A random attribution scores at chance on all four measures that have a chance level",
    all(abs(off[m]) < half_of_random[m] for m in graded),
    evidence="off by {off:.3f}; half-widths: {half_of_random:.3f}",
    tolerance=0.01,
    fails_if="the guesser had looked at the gradient",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The picture to remember
#
# Across: does the method find what decides in the *world*? Up: does it say what holds up *this decision of this model*?

# %%
across, up = "finds the causes", "faithful to the model"
finding, faithfulness = means[across], means[up]
narrow = t.ppf(0.975, 19) / t.ppf(0.9995, 19) * half
order = sorted(METHODS, key=lambda method: means.loc[method, up])
colours = dict(zip(order, COLOURS[:6] * 2))

map_of_methods, (axes,) = canvas(height=4.8)
axes.set_xlabel("finds the causes (share of the top three)")
axes.set_ylabel("faithful to the model (area gained)")
chance = {"color": "black", "linestyle": "--", "linewidth": 1}
axes.axvline(3 / 8, **chance)
axes.axhline(0, **chance)
for method, colour in colours.items():
    x, y = means.loc[method, [across, up]]
    error = {"xerr": narrow[(across, method)], "yerr": narrow[(up, method)]}
    axes.errorbar(x, y, **error, fmt="o", color=colour, capsize=2)

# %% [markdown]
# The names stand in a column at the right, from the top down, each far enough below the last to be read.

# %%
place, apart = np.inf, 0.06 * np.ptp(axes.get_ylim())
for method in reversed(order):
    place = min(means.loc[method, up], place - apart)
    axes.annotate(
        method,
        xy=means.loc[method, [across, up]],
        xytext=(1.04, place),
        textcoords=axes.get_yaxis_transform(),  # along the width, in the data
        arrowprops={"arrowstyle": "-", "color": colours[method], "shrinkB": 6},
        va="center",
        annotation_clip=False,
    )

# %%
show(
    map_of_methods,
    caption="Ten methods and a guesser on two measures; mean over four tasks, with 95 % "
    "intervals over twenty seeds.",
    alt="A scatter of ten methods and a guesser. Random sits where the chance lines cross. "
    'Permutation is far to the right ({finding["permutation"]:.2f}) and low '
    '({faithfulness["permutation"]:.2f}); Integrated Gradients is high '
    '({faithfulness["Integrated Gradients"]:.2f}) and further to the left '
    '({finding["Integrated Gradients"]:.2f}). No method is in the upper right corner.',
    tolerance=0.03,
)


# %% tags=["live:compare in pairs"]
def beats(measure, first, second, *, task=None, graded=grades):
    """Return the paired difference of two methods on a measure, seed by seed, with its 99.9 % interval."""
    chosen = graded[(graded.measure == measure) & (graded.task.eq(task) if task else True)]
    return paired_difference(chosen, first, second)


causes = beats("finds the causes", "permutation", "Integrated Gradients")
faithful = beats("faithful to the model", "Integrated Gradients", "permutation")

# %%
claim(
    "No method wins both: permutation finds the causes better than Integrated Gradients, "
    "which are more faithful to the decision",
    causes.low > 0 and faithful.low > 0,
    evidence="permutation ahead in finding by {causes.mean:.2f}; Integrated Gradients in "
    "faithfulness by {faithful.mean:.2f}",
    tolerance=0.03,
    fails_if="both questions were graded by the first measure",
)

# %% [markdown]
# They answer different questions. Permutation looks at many rows *and their labels* and says what matters in general; it says the same of
# every row, so it cannot know that for this customer the large column happened to be near its mean. The methods that multiply by
# the input answer just that: a column at its mean holds nothing up, however much it could.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where slopes fail
#
# On the switches the network is flat nearly everywhere. A gradient taken *at the row* sees little; gradients on the *way* to the row
# see the step.

# %% tags=["live:flat places"]
on_switches = {m: beats("orders by effect", "Integrated Gradients", m, task="switches") for m in ["input × gradient"]}
flat = on_switches["input × gradient"]
sampling = beats("changes nearby", "GradientSHAP", "Shapley (exact)")
weights_blind = beats("ignores the weights", "input × gradient", "saliency")

# %%
by_task = grades[grades.measure == "orders by effect"].pivot_table(
    index="task", columns="method", values="value", sort=False
)
shown = ["saliency", "input × gradient", "Integrated Gradients", "permutation"]
switches = by_task.loc["switches"]
task_by_task = dots(
    {m: by_task.loc[tasks, m].to_numpy() for m in shown},
    tasks,
    value_label="orders by effect (rank correlation with the truth)",
    reference=(0.0, "chance"),
    limits=(-0.05, 1),
)

# %%
show(
    task_by_task,
    caption="Four methods task by task: how well they order the columns of a row by their "
    "true effects.",
    alt="Dots for four methods on four tasks. On the switches input × gradient has "
    '{switches["input × gradient"]:.2f} and Integrated Gradients '
    '{switches["Integrated Gradients"]:.2f}.',
    tolerance=0.04,
)
claim(
    "On flat ground the way there tells more than the slope: Integrated Gradients order "
    "better than input × gradient",
    flat.low > 0,
    evidence="ahead by {flat.mean:.2f}, at least {flat.low:.2f}",
    tolerance=0.03,
    fails_if="the methods had changed places",
)
claim(
    "Sampling costs stability: GradientSHAP changes more from a row to its neighbour than "
    "exact Shapley values",
    sampling.low > 0,
    evidence="difference {sampling.mean:.2f}",
    tolerance=0.05,
    fails_if="one compared a method with itself",
)
claim(
    "What is multiplied by the input keeps some of its looks when the weights are random; "
    "the plain gradient keeps less",
    weights_blind.low > 0,
    evidence="difference {weights_blind.mean:.2f}",
    tolerance=0.08,
    fails_if="one compared two plain gradients",
)

# %% [markdown]
# The last is the warning of the sanity checks: an explanation may look right because the *input* shines through it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A cause, or a proxy of one?
#
# The insurer's customers again. The law of the decision reads eight columns, and also religion and politics, which no column holds.
# Seven other columns are proxies: names, rents and the pages followed carry news of religion and politics. A second insurer sees the same
# customers and does not discriminate.

# %% tags=["live:causes and proxies"]
insurers = ["portfolio", "portfolio, nothing planted"]
customers = grade(seeds=20, tasks=insurers, first_seed=100 * seed, progress=progress("customers"))
on_causes = customers[customers.measure == "relevance on the causes"]
by_insurer = on_causes.pivot_table(index="method", columns="task", values="value", sort=False)
of_one = on_causes[on_causes.method == "Integrated Gradients"]
drawn_away = paired_difference(of_one.assign(method=of_one.task), insurers[1], insurers[0])

# %%
table(
    by_insurer,
    caption="Share of the relevance on the eight columns that the law reads, of fifteen; the rest goes to proxies",
    formats="{:.2f}",
    tolerance=0.03,
)
claim(
    "Where discrimination is planted, proxies draw relevance away from the causes, although "
    "the law reads no proxy: Integrated Gradients are right about the network, and name "
    "what is no cause",
    drawn_away.low > 0,
    evidence="drawn away {drawn_away.mean:.3f}, at least {drawn_away.low:.3f}",
    tolerance=0.02,
    fails_if="one compared an insurer with itself",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pictures and sentences
#
# - **scenes**: is the object striped or dotted? The evidence is the object's mask; photograph and plain object say nothing.
# - **prongs**: is this collision a new particle? The evidence are the cells at its two prongs.
# - **sentences**: did they like the film? The evidence is the adjective of its clause, and the negation; the other clause says nothing.
#
# One guesser is not enough here. Beside it stands a second method that asks no network: **the picture itself**, bright pixels first. All
# scores are now on a scale from 0, chance, to 1: everything inside the evidence.

# %% tags=["live:grade pictures and sentences"]
kinds = ["scenes", "prongs", "sentences"]
seen = grade(seeds=20, tasks=kinds, first_seed=100 * seed, progress=progress("pictures and sentences"))
accuracy = seen[seen.measure == ACCURACY].pivot_table(index="seed", columns="task", values="value")[kinds]
surely = accuracy.mean() - t.ppf(0.9995, 19) * accuracy.std(ddof=1) / 20**0.5

# %%
guessed = seen[seen.method == "random"].pivot_table(index="seed", columns="measure", values="value")[
    [m for m, chance in SEEN.items() if chance is not None]
]
mean_accuracy, mean_guessed = accuracy.mean(), guessed.mean()
wide = t.ppf(0.9995, 19) * guessed.std(ddof=1) / 20**0.5

# %%
claim(
    "The networks learned their tasks, of two classes each, far better than a coin",
    surely.min() > 0.6,
    evidence="accuracy: {mean_accuracy:.2f}",
    tolerance=0.06,
    fails_if="accuracy above that of a coin had been taken for accuracy",
)
claim(
    "A random attribution scores at chance for pictures and sentences too",
    (mean_guessed.abs() < wide).all(),
    evidence="off by: {mean_guessed:.3f}; half-widths: {wide:.3f}",
    tolerance=0.03,
    fails_if="the guesser had looked at the picture",
)

# %%
finds = seen[seen.measure == "finds the evidence"]
found = finds.pivot_table(index="method", columns="task", values="value", sort=False)[kinds]
spread = finds.pivot_table(index="method", columns="task", values="value", sort=False, aggfunc="std")[kinds]
half_found = t.ppf(0.975, 19) / 20**0.5 * spread
evidence_found = dots(
    {kind: found[kind].to_numpy() for kind in kinds},
    list(found.index),
    value_label="finds the evidence (1: all of it inside)",
    intervals={kind: half_found[kind].to_numpy() for kind in kinds},
    reference=(0.0, "chance"),
)

# %%
show(
    evidence_found,
    caption="How well each method finds the evidence in pictures and sentences; means and "
    "95 % intervals over twenty seeds.",
    alt="Dots for each method and task. On the prongs the picture itself has "
    '{found.loc["the picture itself", "prongs"]:.2f}, more than Integrated Gradients with '
    '{found.loc["Integrated Gradients", "prongs"]:.2f}; on the scenes it has '
    '{found.loc["the picture itself", "scenes"]:.2f}, and Integrated Gradients '
    '{found.loc["Integrated Gradients", "scenes"]:.2f}. On sentences occlusion has '
    '{found.loc["occlusion", "sentences"]:.2f}.',
    tolerance=0.06,
)

# %%
on_prongs = seen[(seen.task == "prongs") & (seen.method != NETWORK)]
table(
    by_family(on_prongs)["pictures"][list(SEEN)],
    caption="The prongs in full; chance: 0 in all, and of the last less is better",
    formats="{:.2f}",
    tolerance=0.06,
)

# %% tags=["live:the picture itself"]
without_asking = beats("finds the evidence", "the picture itself", "Integrated Gradients", task="prongs", graded=seen)
asking = beats("faithful to the model", "Integrated Gradients", "the picture itself", task="prongs", graded=seen)
on_scenes = [
    beats("finds the evidence", m, "the picture itself", task="scenes", graded=seen)
    for m in ["Integrated Gradients", "LRP", "Grad-CAM"]
]
leave_out = beats("finds the evidence", "occlusion", "gradient × embedding", task="sentences", graded=seen)

# %%
claim(
    "To find the evidence is no proof that the network uses it: on the prongs the picture "
    "itself finds more than Integrated Gradients, and it is less faithful to the model",
    without_asking.low > 0 and asking.low > 0,
    evidence="the picture ahead in finding by {without_asking.mean:.2f}; Integrated "
    "Gradients in faithfulness by {asking.mean:.2f}",
    tolerance=0.06,
    fails_if="it were asked of the scenes",
    control="the picture itself, bright pixels first",
)
claim(
    "Where bright pixels are no evidence one has to ask the network: on the scenes "
    "Integrated Gradients, LRP and Grad-CAM find the object, the picture itself does not",
    min(one.low for one in on_scenes) > 0,
    evidence="ahead by {on_scenes[0].mean:.2f}, {on_scenes[1].mean:.2f} and "
    "{on_scenes[2].mean:.2f}",
    tolerance=0.08,
    fails_if="it were asked of the prongs",
    control="the picture itself, bright pixels first",
)
claim(
    "For words, leaving each out finds the decisive ones better than gradient times "
    "embedding",
    leave_out.low > 0,
    evidence="ahead by {leave_out.mean:.2f}",
    tolerance=0.08,
    fails_if="the two had changed places",
)

# %% [markdown]
# In a collision the energy *is* where the prongs are. What multiplies by the input is zero where the picture is dark, and among
# the lit cells, which alone are counted in the last column of the table, it keeps much of its order when the weights are
# random. A network learns "adjective of the film, unless negated", in which words act together; a slope
# at the sentence sees less of that than striking out a word.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Advice that the tables support
#
# | You ask | Believe first | Why, from the tables |
# |---|---|---|
# | What matters in general? | permutation importance, on held-out rows | finds the causes best; but one answer for all rows |
# | What holds up this decision of this model? | Integrated Gradients, occlusion, LRP or Shapley values | most faithful, and close together (so is input × gradient on networks as smooth as these); they count what a column *does* here |
# | The model is flat, or has steps | Integrated Gradients or Shapley values, no plain gradient times input | the slope at the row sees no step |
# | Which words decided? | leave each word out | finds more of them than gradient times embedding |
# | Where in the picture is the evidence? | a map that beats the picture itself | bright pixels may find it without any network |
# | Is this column a cause, or a proxy of one? | none of them | a proxy that the network uses gets its share |
# | Does the method look at the model at all? | randomise the weights and look again | what multiplies by the input changes less |
# | What should we *do*? | none of them | see *What an attribution is about*: this needs an intervention |
#
# And always: put a guesser beside the methods, and use more than one seed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Score at chance (difficulty 1, 5 minutes)
# A student grades with "the largest attribution is in the mask", by `argmax`. On constant attributions this gives 1 or 0 by accident.
# Write a function that takes attributions of *one* row and its mask, and returns the *expected* score when ties are broken by lot.


# %% tags=["exercise"]
def fair_pointing(values, mask):
    ### BEGIN SOLUTION
    largest = np.asarray(values) == np.max(values)
    return np.mean(np.asarray(mask)[largest])
    ### END SOLUTION


check(exercises.score_at_chance, fair_pointing)  # hint(exercises.score_at_chance) helps, in layers

# %% [markdown]
# ## Exercise 2 — In pairs (difficulty 2, 10 minutes)
# Two methods were graded on the same seeds: arrays `a` and `b`. Return the half-width of the interval of the mean difference `a - b`, with
# `quantile` (such as 3.9) times the standard error. Use that they share their seeds.


# %% tags=["exercise"]
def half_width(a, b, quantile):
    ### BEGIN SOLUTION
    difference = np.asarray(a) - np.asarray(b)
    return quantile * difference.std(ddof=1) / np.sqrt(len(difference))
    ### END SOLUTION


check(exercises.in_pairs, half_width)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Explanations can be graded: on tasks whose truth is known, against chance, over many seeds, in pairs.
# - What matters in the world and what holds up a decision are two questions. No method here is best at both.
# - A method that guesses belongs into every comparison. So do the picture itself and a model with random weights.
# - Before you ask which explanation is right, ask: right about what?

# %% [markdown]
# ## Where it breaks
#
# - The networks and their tasks are small, one kind for each kind of data: the order of the methods changes from task to task already here.
# - A mask says where the evidence *can* be. A network may use a part of it, or be wrong; then a faithful map loses points.
# - "Faithful" by deletion shows the network rows that do not exist, and favours methods that use the same baseline.
# - The methods ran with one setting each: LIME with few samples, SmoothGrad with one width. A setting can matter more than a method.
#   And LIME gives slopes here; multiplied by the input they would be contributions, and more faithful.
# - The intervals are over seeds, not over tasks: these tasks are a choice, not a sample.

# %% [markdown]
# ## Further reading
#
# - [Arras, Osman and Samek (2022)](https://arxiv.org/abs/2003.07258), *CLEVR-XAI: a benchmark dataset for the ground truth
#   evaluation of neural network explanations*: grading against known truth for pictures, with the two measures of relevance.
# - [Petsiuk, Das and Saenko (2018)](https://arxiv.org/abs/1806.07421), *RISE: randomized input sampling for explanation of
#   black-box models*: deletion and insertion.
# - [Yeh et al. (2019)](https://arxiv.org/abs/1901.09392), *On the (in)fidelity and sensitivity of explanations*: infidelity and
#   sensitivity, and how smoothing trades one for the other.
# - [Adebayo et al. (2018)](https://arxiv.org/abs/1810.03292), *Sanity checks for saliency maps*: what happens to famous maps when
#   the weights are random.
