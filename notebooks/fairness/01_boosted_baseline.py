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
# # What will it be on Monday?
#
# Boosted trees for ordered classes, and a score that can be believed
#
# > **After this notebook you can**
# >
# > - score ordered classes with the quadratic weighted kappa, and say what it does not see
# > - turn a regression into classes by cut-offs, chosen on rows that nothing else has used
# > - tell a score on known rows from one on new rows, and say how large the difference is
# > - hold a model's importances against what truly decided
#
# **25 minutes**, and as many for the exercises · builds on regression trees · data: a simulated portfolio of 59,381 applications

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A life insurer sorts applications into eight classes, from 1 (declined or very dear) to 8 (the standard offer). A consultant has
# trained a model on the files of the past. His notebook prints a kappa of 0.70 and an accuracy of 28 %. The model goes live on
# Monday, and the head of underwriting asks one question: *what will it be on Monday's applications?*
#
# The notebook does not say. Both numbers are scores on the rows that the model was fitted to. And is 28 % not very little?

# %% tags=["setup"]
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.metrics import cohen_kappa_score

from xaicourse.datasets import (
    load_underwriting,
    prepare_underwriting,
    stratified_split,
)
from xaicourse.exercises import boosted_baseline as exercises
from xaicourse.fairness import (
    fit_cut_offs,
    ordinal_scores,
    quadratic_weighted_kappa,
)
from xaicourse.plotting import bars, lines
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
# ## The files
#
# The consultant's table is that of a public contest: 128 columns with names such as `Medical_History_4`, and no word on what they
# mean. We simulate a portfolio of the same shape, so that the truth is known. (`load_underwriting("train.csv", seed=seed)` reads
# the contest's own table, if you have it; its truth is known to nobody, and the cells that ask for it say so.)

# %% tags=["live:load the files"]
data = load_underwriting(seed=seed)
y = data.target.to_numpy()
shares = np.bincount(y, minlength=9)[1:] / len(y)
data.features.iloc[:3, :5]

# %%
classes = [f"class {c}" for c in range(1, 9)]
how_often = bars(
    {"applications": shares}, classes, value_label="share of the applications"
)

# %%
say("{data.origin}")
show(
    how_often,
    caption="How often each class was given. The classes are ordered, and "
    "very unequal.",
    alt="Eight bars. Class 8 has {shares[7]:.0%} of the applications, class 3 "
    "only {shares[2]:.1%}.",
)

# %% [markdown]
# Whoever always says 8 is right in a third of the cases. Keep that number: it is what an accuracy has to beat.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First divide, then fit
#
# The rows get three jobs before anything is fitted. Three fifths **train** the model. A fifth is for choices that come later
# (**validation**). The last fifth, the **test** rows, are Monday: they are scored, and used for nothing else.
#
# The features come next: the letter and the digit of the product code, the body mass index times the age, the number of medical
# keywords. Whatever is estimated on the way (which codes exist, a median, a mean) is estimated on the training rows.

# %% tags=["live:divide and prepare"]
parts = stratified_split(y, validation=0.2, test=0.2, seed=seed)
rows = {"train": parts.train, "validation": parts.validation, "test": parts.test}
actual = {part: y[r] for part, r in rows.items()}
features = prepare_underwriting(data.features, train=parts.train)
features.shape

# %%
show_source(prepare_underwriting)

# %% [markdown]
# Is it true that the test rows have no say? We spoil them: all get a weight of 1, the largest. If anything about them leaks into the
# training rows, these change.

# %% tags=["live:spoil the test rows"]
spoilt = data.features.copy()
spoilt.iloc[parts.test, spoilt.columns.get_loc("Wt")] = 1.0
before, after = (
    prepare_underwriting(t, train=parts.train, scaled=True).iloc[parts.train] for t in (data.features, spoilt)
)
leak = abs(before.to_numpy() - after.to_numpy()).max()

# %%
claim(
    "Spoilt test rows change nothing in the training rows",
    leak == 0,
    evidence="the largest change of a training row: {leak:g}",
    fails_if="scales were taken from all rows",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The model
#
# The consultant's recipe: gradient boosting with squared error, 720 trees of depth 7, a rate of 0.05. It *regresses* the class, as if 1 to 8
# were amounts of something. We keep the recipe (and XGBoost's `hist` method, which is fast), and score every 120 trees.

# %% slideshow={"slide_type": "fragment"} tags=["live:boost"]
recipe = {"eta": 0.05, "max_depth": 7, "min_child_weight": 360, "subsample": 0.85, "colsample_bytree": 0.3}
options = {"objective": "reg:squarederror", "tree_method": "hist", "nthread": 1, "seed": seed}
tables = {part: xgb.DMatrix(features.iloc[r], actual[part]) for part, r in rows.items()}
booster, path = None, []
for _ in progress("trees")(range(120, 721, 120)):
    booster = xgb.train(recipe | options, tables["train"], 120, xgb_model=booster)
    scores = {part: booster.predict(t).astype(float) for part, t in tables.items()}
    rounded = {part: np.clip(np.rint(s), 1, 8).astype(int) for part, s in scores.items()}
    path.append([quadratic_weighted_kappa(actual[part], rounded[part]) for part in rows])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A score for ordered classes
#
# A 7 instead of an 8 is a small mistake, a 1 instead of an 8 a large one. Accuracy counts both as one mistake. The **quadratic weighted kappa**
# counts the square of the distance, and compares with chance:
#
# $$\kappa = 1 - \frac{\sum_{ij} (i-j)^2\, O_{ij}}{\sum_{ij} (i-j)^2\, E_{ij}}$$
#
# $O_{ij}$ is the share of rows of class $i$ that were given class $j$. $E_{ij}$ is the product of the two shares: what chance would give. Perfect
# agreement has $\kappa = 1$. Always saying 8 has $\kappa = 0$.

# %% tags=["live:kappa by its definition"]
i, j = np.mgrid[1:9, 1:9]
observed = np.zeros((8, 8))
np.add.at(observed, (actual["test"] - 1, rounded["test"] - 1), 1 / len(actual["test"]))
by_chance = np.outer(observed.sum(1), observed.sum(0))
weights = (i - j) ** 2
kappa = 1 - (weights * observed).sum() / (weights * by_chance).sum()

# %% [markdown]
# **Is it right?** The package computes $\kappa$ from means, variances and a covariance, without any table; scikit-learn has its own way.

# %%
packaged = quadratic_weighted_kappa(actual["test"], rounded["test"])
library = cohen_kappa_score(
    actual["test"], rounded["test"], weights="quadratic", labels=range(1, 9)
)

# %%
claim(
    "The definition, the package and scikit-learn agree on the test rows",
    np.allclose([kappa, library], packaged, atol=1e-9),
    evidence="by its definition, kappa is {kappa:.4f}",
    tolerance=0.005,
    fails_if="the distances were not squared",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Known rows and new rows

# %%
path = np.array(path)
memory = lines(
    np.arange(120, 721, 120),
    {"": {"training rows": path[:, 0], "test rows": path[:, 2]}},
    x_label="trees",
    y_labels="quadratic weighted kappa",
)

# %%
show(
    memory,
    caption="The kappa of the rounded predictions, while trees are added.",
    alt="Two curves against the number of trees. On training rows kappa rises "
    "from {path[0, 0]:.2f} to {path[-1, 0]:.2f} and goes on rising; on test "
    "rows it ends at {path[-1, 2]:.2f}, hardly more than the "
    "{path[2, 2]:.2f} it had half way.",
    tolerance=0.006,
)

# %% [markdown]
# The upper curve rewards trees for memory. Only the lower one says anything about Monday. How sure are we of the difference? A **bootstrap** draws the
# rows of each part again and again, with replacement, and scores every draw.

# %% tags=["live:bootstrap both"]
known = ordinal_scores(actual["train"], {"rounded": rounded["train"]}, n_samples=400, seed=seed)
new = ordinal_scores(actual["test"], {"rounded": rounded["test"]}, n_samples=400, seed=seed)
gap = known.kappa["rounded"] - new.kappa["rounded"]
spread = [s.kappa_draws["rounded"].std() for s in (known, new)]
gap_at_least = gap - 3.29 * np.hypot(*spread)  # 99.9 %

# %%
claim(
    'Training rows flatter: kappa {known.kappa["rounded"]:.2f} on them, '
    '{new.kappa["rounded"]:.2f} on test rows',
    gap_at_least > 0.02,
    evidence="the difference is at least {gap_at_least:.3f}",
    tolerance=0.006,
    fails_if="training rows stood in for the test rows",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Below the majority?
#
# The consultant's 28 % is the accuracy of rounded predictions. We compare with saying 8 to everybody, on all rows that the model was not fitted to.

# %% tags=["live:accuracy against always 8"]
right = np.concatenate([rounded[part] == actual[part] for part in ("validation", "test")])
eight = np.concatenate([actual[part] == 8 for part in ("validation", "test")])
accuracy = {"rounded": right.mean(), "always 8": eight.mean()}
behind = eight.astype(float) - right
behind_at_least = behind.mean() - 3.29 * behind.std() / np.sqrt(len(right))

# %%
claim(
    'Rounded, the model is right for {accuracy["rounded"]:.1%} of new '
    "applications; always saying 8 is right for "
    '{accuracy["always 8"]:.1%}',
    behind_at_least > 0,
    evidence="the model is behind by at least {behind_at_least:.1%}",
    tolerance=0.006,
    fails_if="a miss by one class counted as right",
)

# %% [markdown]
# A useless model, then? No. A regression predicts a *mean*. For an applicant who will get an 8 or a 1, it says 6, which is wrong either way and yet
# the best answer for squared error. Look at what it gives out.

# %% slideshow={"slide_type": "slide"} tags=["live:what it gives out"]
given = {"actual": actual["test"], "rounded": rounded["test"]}
given = {name: np.bincount(c, minlength=9)[1:] / len(c) for name, c in given.items()}
outer = {name: s[0] + s[7] for name, s in given.items()}

# %%
say(
    'Of the test rows {outer["actual"]:.0%} are of class 1 or 8. Rounding '
    'gives these two classes to {outer["rounded"]:.1%}.',
    tolerance=0.006,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where to cut
#
# The order of the predictions may be good although their size is not. So let us not round at 1.5, 2.5 and so on, but choose the seven
# **thresholds** for which kappa is largest. Kappa jumps when a row changes its class and has no slope, so we use Powell's method,
# which moves one threshold at a time and needs none. The thresholds are chosen on the validation rows.

# %% tags=["live:choose thresholds"]
cut = fit_cut_offs(scores["validation"], actual["validation"])
offsets = fit_cut_offs(scores["validation"], actual["validation"], method="offsets")
cut.values.round(2)

# %% [markdown]
# The consultant uses **offsets**: eight numbers, one for each whole part of a prediction, added before it is rounded. We choose them in the same way.
# Now all candidates meet on the test rows. The bootstrap draws are shared, so that a difference is one of the same rows.

# %% tags=["live:score on the same test rows"]
candidates = {
    "always 8": np.full(len(parts.test), 8),
    "rounded": rounded["test"],
    "offsets": offsets.classes(scores["test"]),
    "thresholds": cut.classes(scores["test"]),
}
result = ordinal_scores(actual["test"], candidates, seed=seed)


# %%
on_training = {
    "always 8": 0.0,
    "rounded": known.kappa["rounded"],
    "offsets": quadratic_weighted_kappa(
        actual["train"], offsets.classes(scores["train"])
    ),
    "thresholds": quadratic_weighted_kappa(
        actual["train"], cut.classes(scores["train"])
    ),
}


def margins(draws):
    """Return half the widths of 95 % intervals."""
    return {name: 1.96 * values.std() for name, values in draws.items()}


# %%
comparison = pd.DataFrame(
    {
        "kappa, training rows": on_training,
        "kappa, test rows": result.kappa,
        "± (95 %)": margins(result.kappa_draws),
        "accuracy, test rows": result.accuracy,
        "± (95 %) ": margins(result.accuracy_draws),
    }
)
rise = result.kappa_draws["thresholds"] - result.kappa_draws["rounded"]
rise_at_least = rise.mean() - 3.29 * rise.std()  # 99.9 %

# %%
table(
    comparison,
    caption="One model, four ways to give classes. Intervals are bootstrapped "
    "over the test rows.",
    tolerance=0.015,
)

# %%
claim(
    "Thresholds chosen on validation rows raise the kappa of the test rows "
    'from {result.kappa["rounded"]:.3f} to {result.kappa["thresholds"]:.3f}',
    rise_at_least > 0.01,
    evidence="the rise is at least {rise_at_least:.3f}",
    tolerance=0.008,
    fails_if="the thresholds were not used",
)

# %% slideshow={"slide_type": "slide"} tags=["live:before and after"]
given["thresholds"] = np.bincount(candidates["thresholds"], minlength=9)[1:] / len(parts.test)
spread_out = bars(given, classes, value_label="share of the test rows")

# %%
show(
    spread_out,
    caption="Classes on the test rows: as they are, as rounding gives them, "
    "and as the thresholds give them.",
    alt="Grouped bars for classes 1 to 8. Rounding gives "
    '{given["rounded"][7]:.1%} of the rows an 8 and heaps them on 5 to 7; '
    'thresholds give {given["thresholds"][7]:.0%} an 8, against '
    '{given["actual"][7]:.0%} in truth.',
    tolerance=0.03,
)

# %% [markdown]
# The middle colour is the trouble with rounding: it hardly uses the outer classes. The thresholds spread the same predictions over all classes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The consultant's loop
#
# His way to apply offsets is a loop. It looks harmless.


# %% tags=["live:the loop as it was"]
def apply_as_written(scores, offsets):
    """Apply offsets as the consultant's notebook does; `offsets[j]` is for scores whose whole part is j."""
    shifted, part = scores.copy(), scores.astype(int)
    for j in range(8):
        shifted[part == j] = scores[part == j] + offsets[j]
    return np.clip(np.rint(shifted), 1, 8)


high = np.concatenate([s[s >= 8] for s in scores.values()])
lowered = apply_as_written(high, np.full(8, -3.0))

# %%
claim(
    "Asked to lower every score by three classes, the loop leaves all those "
    "from 8 upwards where they were",
    high.size > 0 and np.array_equal(lowered, np.full(high.size, 8)),
    evidence="{high.size} scores from 8 upwards",
    tolerance=60,
    fails_if="the loop ran over the parts 1 to 8",
)

# %% [markdown]
# Python counts from 0 to 7, the classes run from 1 to 8. No error, no warning; the best applications are simply never moved. His search has a second
# fault: the objective writes into the array that is scored afterwards, which then holds the *last* offset tried, not the best. And
# all of it was chosen and scored on training rows. A function that returns new values, and a validation set, rule out all three.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does it go by?
#
# Each prediction is a sum: a base value and a contribution of every column (TreeSHAP, exact for trees). Their mean size ranks the columns. Here we can
# grade that ranking: the simulated underwriter looked at 13 of the 126 columns, and we know which.

# %% tags=["live:credit for each column"]
sample = np.random.default_rng(seed).choice(parts.test, 400, replace=False)
contributions = booster.predict(xgb.DMatrix(features.iloc[sample]), pred_contribs=True)[:, :-1]
credit = pd.Series(abs(contributions).mean(0), index=features.columns, dtype=float).sort_values(ascending=False)

if data.truth:
    importance = data.truth.importance()
    looked_at = {
        *importance.index[importance > 0],
        "BMI_Age", "Product_Info_2_char", "Product_Info_2_num",
    }
    proxies = set(data.truth.proxies)
else:
    say("Only a simulated table has a truth: this one's is known to nobody.")

# %%
if data.truth:
    top = credit.head(20)
    kinds = {
        "the underwriter looks at it": top.index.isin(looked_at),
        "proxy of the protected group": top.index.isin(proxies),
        "neither": ~top.index.isin(looked_at | proxies),
    }
    most_credit = bars(
        {kind: top * marks for kind, marks in kinds.items()},
        list(top.index),
        value_label="mean size of the contribution (classes)",
        horizontal=True,
        height=6.0,
    )
    hits = credit.index[:10].isin(looked_at).sum()

# %%
if data.truth:
    show(
        most_credit,
        caption="The 20 columns with most credit, by what they are in truth.",
        alt="Horizontal bars. {top.index[0]} leads with {top.iloc[0]:.2f} "
        "classes. Nearly all long bars are of columns that the underwriter "
        "looks at. Among the short ones stand proxies of the protected group.",
        tolerance={"top.iloc[0]": 0.05},
    )

# %%
if data.truth:
    claim(
        "Of the ten columns with most credit, at least nine are among those "
        "that the underwriter looks at",
        hits >= 9,
        evidence="{hits} of the ten; there are {credit.size} columns in all",
        tolerance={"hits": 1},
        fails_if="the credit were dealt out by lot",
    )

# %% [markdown]
# The ranking finds what decided. It is not free of strangers: `Wt`, the weight, gets credit although the underwriter never looks at it. It stands in for
# the body mass index. And there are the proxies.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the bars do not say
#
# The underwriter of the simulation took half a point from everybody of a **protected group**. No column says who belongs to it. Five columns, such as
# the occupation code, are related to it; he looked at none of them. Apart from that, both groups have the same risks.

# %% tags=["live:the two groups"]
if data.truth:
    protected = data.truth.group[parts.test]
    gaps, widths = {}, {}
    for name, values in {"actual": actual["test"], "predicted": scores["test"]}.items():
        others, group = values[~protected], values[protected]
        gaps[name] = others.mean() - group.mean()
        widths[name] = 3.29 * np.sqrt(others.var() / len(others) + group.var() / len(group))
    predicted_at_least = gaps["predicted"] - widths["predicted"]
    proxy_share = credit[list(proxies)].sum() / credit.sum()
else:
    say("Only a simulated table has a truth: this one's is known to nobody.")

# %%
if data.truth:
    claim(
        "The model passes the discrimination on: it predicts "
        '{gaps["predicted"]:.2f} classes less for the protected group, which '
        'in fact got {gaps["actual"]:.2f} less',
        predicted_at_least > 0,
        evidence="predicted are at least {predicted_at_least:.2f} classes less",
        tolerance=0.03,
        fails_if="the groups were drawn by lot",
    )
    say(
        "The five proxies have {proxy_share:.0%} of all credit. No bar is "
        "long, no column is named after the group, and the gap is there.",
        tolerance=0.02,
    )

# %% [markdown]
# A ranking of columns answers *what is used*. It does not answer *who is harmed*. For that question somebody has to know the group; the
# later notebooks of this part start there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Kappa by hand (difficulty 2, 10 minutes)
# Return the quadratic weighted kappa of two arrays of classes, from its definition, in numpy alone. Mind that a class which does not occur still takes its place.


# %% tags=["exercise"]
def kappa_of(actual, predicted):
    ### BEGIN SOLUTION
    missed = np.mean((actual - predicted) ** 2)
    by_chance = np.mean((actual[:, None] - predicted[None, :]) ** 2)
    return 1 - missed / by_chance
    ### END SOLUTION


check(exercises.kappa_by_hand, kappa_of)  # hint(exercises.kappa_by_hand) helps, in layers

# %% [markdown]
# ## Exercise 2 — Mend the loop (difficulty 2, 10 minutes)
# Apply eight offsets as they were meant: the first belongs to scores whose whole part is 1 (or less), the last to those from 8 upwards. Add, round, and
# stay within 1 to 8. Leave the caller's array alone.


# %% tags=["exercise"]
def apply_offsets(scores, offsets):
    ### BEGIN SOLUTION
    part = np.clip(scores.astype(int), 1, 8)
    return np.clip(np.rint(scores + np.asarray(offsets)[part - 1]), 1, 8)
    ### END SOLUTION


check(exercises.mend_the_loop, apply_offsets)

# %% [markdown]
# ## Exercise 3 — An honest score (difficulty 1, 5 minutes)
# `scores` and `actual` are dictionaries with the parts `"train"`, `"validation"` and `"test"`; the model was fitted to the first. Choose thresholds with
# `fit_cut_offs`, and return the kappa that you would report for Monday.


# %% tags=["exercise"]
def honest_kappa(scores, actual):
    ### BEGIN SOLUTION
    cut = fit_cut_offs(scores["validation"], actual["validation"])
    return quadratic_weighted_kappa(actual["test"], cut.classes(scores["test"]))
    ### END SOLUTION


check(exercises.honest_score, honest_kappa)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Three parts, three jobs: fit, choose, report. Only the third says what Monday will be.
# - Put every score beside that of a rule that knows nothing. An accuracy below the majority class is a hint that the model answers another question.
# - A regression of ordered classes shrinks to the middle. Thresholds, chosen on rows of their own, undo that, and the gain is real.
# - Importances can rank the columns well and still not show that a group is treated worse.

# %% [markdown]
# ## Where it breaks
#
# - The portfolio is simulated. It was made such that this recipe scores about as on the contest's own table, where the consultant's code, given four
#   fifths of the rows, was seen to reach a kappa of 0.60 on the others, and 0.65 with offsets. On other data the gap may be larger or smaller.
# - Kappa depends on how often each class occurs. Two portfolios with different shares cannot be compared by it.
# - "New" here means drawn from the same portfolio. Next year's applicants may differ from all of them.
# - Squared distances say that a miss by two classes is four times as bad as a miss by one. Whether that is so for an applicant, no formula knows.

# %% [markdown]
# ## Further reading
#
# - [Cohen (1968)](https://doi.org/10.1037/h0026256), *Weighted kappa: nominal scale agreement with provision for scaled
#   disagreement or partial credit*: where the weighted kappa comes from, and why weights are a judgement.
# - [Chen and Guestrin (2016)](https://doi.org/10.1145/2939672.2939785), *XGBoost: a scalable tree boosting system*: how the trees
#   are grown.
# - [Lundberg et al. (2020)](https://doi.org/10.1038/s42256-019-0138-9), *From local explanations to global understanding with
#   explainable AI for trees*: the contributions that were used here, exact for trees.
