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
# # Which setting matters?
#
# Functional analysis of variance of a hyper-parameter search
#
# > **After this notebook you can**
# >
# > - say what share of a search's ups and downs each setting explains, and each pair
# > - read marginal curves
# > - tell what a setting does from what the folds do by chance
# > - get the same from a few trials and a forest, and say how far to trust it
#
# **20 minutes**, and as many for the exercises · builds on random forests and cross-validation · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A student has tuned a random forest: four settings, twenty random combinations, each tried on several folds. The best one scores a little
# better than the rest. Next week the data will be ten times larger, and there will be time to tune one setting only. Which?
#
# The search has an attribute `mean_test_score` that looks like the answer. It is not. But the twenty scores contain one, if one asks them
# properly.

# %% tags=["setup"]
from itertools import product

import numpy as np
import optuna
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import (
    ParameterSampler,
    StratifiedKFold,
    cross_val_score,
)

from xaicourse.exercises import hyperparameters as exercises
from xaicourse.plotting import bars, dots, lines
from xaicourse.sensitivity import forest_anova, grid_anova
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
    show_source,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The search on the slide
#
# A thousand rows, twenty columns, and this space:

# %% tags=["live:the space"]
X, y = make_classification(n_samples=1000, n_features=20, random_state=42 + seed)
space = {
    "n_estimators": [10, 50, 100, 200],
    "max_depth": [10, 20, 30, None],
    "min_samples_split": [2, 5, 10],
    "min_samples_leaf": [1, 2, 4],
}
names = list(space)
shape = tuple(len(levels) for levels in space.values())

# %% [markdown]
# The slide drew the twenty mean scores over the four names, which are four. Had it worked, each bar would have been the score of one
# *combination*, under the name of one *setting*.
#
# The space has no more than a hundred and forty-four combinations. So we need not guess: we can have them all. Two observations make it
# cheap. A forest of ten trees is the first ten of a forest of two hundred, so each forest is grown once, and scored as it grows. And
# some combinations are the same forest by another name:
#
# - a leaf of at least 4 rows cannot come from a split of fewer than 8
# - a limit on the depth that no tree reaches is no limit
#
# What remains has nothing to wait for: each core of the machine grows forests of its own. And we take three folds, where the slide has five, to save time.


# %% slideshow={"slide_type": "fragment"} tags=["live:grow once"]
folds = list(StratifiedKFold(3).split(X, y))


def grow(max_depth, min_samples_split, min_samples_leaf):
    """Return the scores of 10, 50, ... trees in each fold, and the depth of the deepest tree."""
    settings = {"min_samples_split": min_samples_split, "min_samples_leaf": min_samples_leaf}
    scores, deepest = [], 0
    for train, test in folds:
        forest = RandomForestClassifier(200, max_depth=max_depth, random_state=42 + seed, **settings)
        trees = forest.fit(X[train], y[train]).estimators_
        rows = X[test].astype(np.float32)  # as the trees want them
        votes = np.cumsum([tree.tree_.predict(rows)[:, 1] for tree in trees], axis=0)
        scores.append([np.mean((votes[n - 1] > n / 2) == y[test]) for n in space["n_estimators"]])
        deepest = max(deepest, *(tree.get_depth() for tree in trees))
    return np.transpose(scores), deepest


# %% tags=["live:grow them all"]
def on_all_cores(several):
    """Grow several forests, each in a process of its own: they know nothing of each other."""
    return dict(zip(several, Parallel(n_jobs=-1)(delayed(grow)(*one) for one in progress("forests")(several))))


pairs = list(product(space["min_samples_split"], space["min_samples_leaf"]))
same = {(split, leaf): (max(split, 2 * leaf), leaf) for split, leaf in pairs}
grown = on_all_cores(sorted({(None, *other) for other in same.values()}))
limits = [depth for depth in space["max_depth"] if depth]
grown |= on_all_cores([(d, *pair) for (_, *pair), (_, deepest) in grown.items() for d in limits if d < deepest])


# %% tags=["live:the complete table"]
def all_scores(max_depth, split, leaf):
    unlimited, limited = (None, *same[split, leaf]), (max_depth, *same[split, leaf])
    return grown.get(limited, grown[unlimited])[0]


table = np.array([[all_scores(depth, *pair) for pair in pairs] for depth in space["max_depth"]])
table = table.reshape(*shape[1:], *table.shape[2:])  # depth, split, leaf, trees, fold
by_fold = np.moveaxis(table, 3, 0)  # trees, depth, split, leaf, fold
scores = by_fold.mean(axis=-1)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# The table must hold exactly what scikit-learn's own search would have found. Three of the slide's random combinations, fitted
# again without any tricks:

# %% tags=["live:three by themselves"]
drawn = list(ParameterSampler(space, 20, random_state=42 + seed))
positions = [tuple(space[name].index(candidate[name]) for name in names) for candidate in drawn]
small = sorted(range(20), key=lambda i: drawn[i]["n_estimators"])[:3]
direct = [cross_val_score(RandomForestClassifier(random_state=42 + seed, **drawn[i]), X, y, cv=3) for i in small]

# %%
claim(
    "Growing once and scoring as it grows gives the scores of separate fits, fold by fold",
    all(np.array_equal(by_fold[positions[i]], scores_of_one) for i, scores_of_one in zip(small, direct)),
    from_the_table=[by_fold[positions[i]].mean() for i in small],
    fitted_separately=[scores_of_one.mean() for scores_of_one in direct],
    tolerance=0.01,
    fails_if="the table's folds came in another order",
)
say(
    "{n} combinations, {forests} forests a fold. The scores lie between {low:.3f} and {high:.3f}; their standard deviation is {spread:.4f}. The "
    "standard deviation from fold to fold, for one and the same combination, is {noise:.4f}.",
    n=scores.size,
    forests=len(grown),
    low=scores.min(),
    high=scores.max(),
    spread=scores.std(),
    noise=by_fold.std(axis=-1, ddof=1).mean(),
    tolerance={"low": 0.005, "high": 0.005, "spread": 0.001, "noise": 0.002, "forests": 3},
)
claim(
    "The folds differ more than the settings do",
    by_fold.std(axis=-1, ddof=1).mean() > scores.std(),
    fold_to_fold=by_fold.std(axis=-1, ddof=1).mean(),
    setting_to_setting=scores.std(),
    tolerance=0.002,
    fails_if="more than ten trees had scored a tenth better",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Share out the variance
#
# Average the table over all settings but one, and what is left is that setting's marginal curve. Its variance is the setting's
# **main effect**. Average over all but two, subtract the two main effects, and the rest is the pair's **interaction**. And so on; all
# shares add up to one. This is the functional analysis of variance.

# %%
show_source(grid_anova)

# %% tags=["live:the exact shares"]
exact = grid_anova(scores)
of_fold = [grid_anova(by_fold[..., k]) for k in range(3)]
sets = sorted(exact.shares, key=exact.shares.get, reverse=True)


def label(subset):
    return " × ".join(["trees", "depth", "split", "leaf"][j] for j in subset)


# %%
show(
    lines(
        range(4),
        {
            names[0]: {"": exact.mean + np.array(exact.effects[(0,)])},
            names[1]: {"": exact.mean + np.array(exact.effects[(1,)])},
        },
        x_label="level, from the smallest",
        y_labels="mean accuracy",
        limits=(exact.mean - 0.02, exact.mean + 0.02),
    ),
    caption="Marginal curves: the mean score at each level, over all other settings. Left 10, 50, 100 and 200 trees, right depths of 10, 20, 30 "
    "and no limit.",
    alt="Two curves. With more trees accuracy goes from {a:.3f} to {b:.3f}; with more depth it stays within {d:.4f}.",
    a=exact.mean + exact.effects[(0,)][0],
    b=exact.mean + exact.effects[(0,)][-1],
    d=np.ptp(exact.effects[(1,)]),
    tolerance=0.004,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the folds do by chance
#
# Other folds would give another table, and a table of pure chance would give shares, too. How large would they be? Each fold alone
# gives every effect once. If an effect is real, the three agree. If it is chance, they scatter about zero, and the variance of their
# mean is a third of the scatter. That third is the **noise floor**.


# %% tags=["live:the noise floor"]
def noise_floor(subset):
    """Return the share that fold-to-fold scatter alone would give a set of settings."""
    effects = np.array([anova.effects[subset] for anova in of_fold])
    return effects.var(axis=0, ddof=1).mean() / len(folds) / exact.variance


floor = {subset: noise_floor(subset) for subset in sets}

# %%
show(
    bars(
        {"share": [exact.shares[s] for s in sets[:6]], "noise floor": [floor[s] for s in sets[:6]]},
        [label(s) for s in sets[:6]],
        value_label="share of the variance",
        horizontal=True,
        height=3.8,
    ),
    caption="The six largest of fifteen exact shares, and what chance alone would give them.",
    alt="Horizontal bars. {first} leads with {share:.2f} over a floor of {floor:.2f}; the others have {second:.2f} at most, beside floors of {f2:.2f} at most.",
    f2=max(floor[s] for s in sets[1:6]),
    first=label(sets[0]),
    share=exact.shares[sets[0]],
    floor=floor[sets[0]],
    second=exact.shares[sets[1]],
    tolerance=0.05,
)
claim(
    "All shares add up to one, and the number of trees has more than all others together, more than its noise floor",
    abs(sum(exact.shares.values()) - 1) < 1e-9 and exact.shares[(0,)] > 0.5 and exact.shares[(0,)] > floor[(0,)],
    n_estimators=exact.shares[(0,)],
    floor=floor[(0,)],
    sum_of_all_floors=sum(floor.values()),
    tolerance=0.1,
    fails_if="trees and depth had changed places",
)
deepest = max(depth for _, depth in grown.values())
say(
    "The deepest tree has {deepest} levels. So a limit of 30 is none, and one of 20 hardly ever: `max_depth` has a share of {share:.3f} because "
    "three of its four levels are nearly one and the same.",
    deepest=deepest,
    share=exact.shares[(1,)],
    tolerance={"deepest": 2, "share": 0.02},
)
claim(
    "Whether the depth is limited to 30 or not at all changes no score",
    deepest <= 30 and np.array_equal(by_fold[:, 2], by_fold[:, 3]),
    largest_change=abs(by_fold[:, 2] - by_fold[:, 3]).max(),
    fails_if="the third limit were the first",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When the table is not complete
#
# With ten settings nobody has the whole table. The usual way out is to fit a regression forest to the trials and to decompose *it*. A
# tree is constant on boxes, so that its shares can be computed exactly, without sampling.

# %%
show_source(forest_anova)

# %% [markdown]
# We encode each setting by the position of its level ("no limit" is the largest depth), and give the forest the slide's twenty trials, then
# sixty, then all.


# %% tags=["live:from a few trials"]
levels = np.array(list(np.ndindex(shape)))
box = [(-0.5, n - 0.5) for n in shape]
flat = scores.ravel()


def shares_from(rows):
    surrogate = RandomForestRegressor(32, random_state=seed).fit(levels[rows], flat[rows])
    shares = forest_anova(surrogate, box, max_order=1).shares  # main effects are all we ask for
    return [shares[(j,)] for j in range(4)]


rng = np.random.default_rng(seed)
draws = {n: [rng.choice(flat.size, n, replace=False) for _ in range(10)] for n in (20, 60)}
estimates = {n: np.array([shares_from(rows) for rows in draws[n]]) for n in draws}
surrogate_of_all = shares_from(np.arange(flat.size))

# %%
show(
    dots(
        {
            "exact": [exact.shares[(j,)] for j in range(4)],
            "20 trials": estimates[20].mean(0),
            "60 trials": estimates[60].mean(0),
            "all 144": surrogate_of_all,
        },
        names,
        intervals={f"{n} trials": 2 * estimates[n].std(0, ddof=1) for n in draws},
        value_label="main effect (share of the variance)",
    ),
    caption="Main effects from a forest on some of the trials; the intervals hold 95 % of ten random searches.",
    alt="Dots for four settings. The number of trees has {e:.2f} exactly; from 20 trials {a:.2f} give or take {wa:.2f}, from 60 {b:.2f} give or "
    "take {wb:.2f}. The other settings stay below a quarter.",
    e=exact.shares[(0,)],
    a=estimates[20][:, 0].mean(),
    wa=2 * estimates[20][:, 0].std(ddof=1),
    b=estimates[60][:, 0].mean(),
    wb=2 * estimates[60][:, 0].std(ddof=1),
    tolerance=0.1,
)
error = {n: abs(estimates[n] - [exact.shares[(j,)] for j in range(4)]).mean() for n in draws}
full_error = np.mean([abs(surrogate_of_all[j] - exact.shares[(j,)]) for j in range(4)])
claim(
    "Even from twenty trials the number of trees comes first on average; more trials come closer to the exact shares",
    estimates[20].mean(0).argmax() == 0 and error[60] < error[20] and full_error < error[20],
    mean_error_20_trials=error[20],
    mean_error_60=error[60],
    mean_error_all=full_error,
    tolerance=0.05,
    fails_if="trees and depth had changed places",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Against Optuna
#
# Optuna has the same method as `FanovaImportanceEvaluator` (its default is another one). On the same trials it must give the same
# numbers, with one difference in what is asked: it takes a whole number between 0 and 3 as a position anywhere *between* 0 and
# 3, so that the first and the last level get half the weight of the others.

# %% tags=["live:against Optuna"]
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(direction="maximize")
ranges = {name: optuna.distributions.IntDistribution(0, n - 1) for name, n in zip(names, shape)}
for position in positions:
    study.add_trial(
        optuna.trial.create_trial(params=dict(zip(names, position)), distributions=ranges, value=scores[position])
    )
theirs = optuna.importance.FanovaImportanceEvaluator(n_trees=64, seed=seed).evaluate(study)
# Optuna sorts by name, and a forest depends on the order of its columns.
order = sorted(range(4), key=names.__getitem__)
same_forest = RandomForestRegressor(64, max_depth=64, random_state=seed)
same_forest.fit(np.array(positions)[:, order], [scores[p] for p in positions])


def ours(low):
    """Return our main effects, in the order of the names, on ranges that begin at low."""
    shares = forest_anova(same_forest, [(low, shape[j] - 1 - low) for j in order]).shares
    return np.array([shares[(order.index(j),)] for j in range(4)])


same_question = ours(0)

# %%
claim(
    "Asked the same question, our decomposition and Optuna's agree",
    abs(same_question - [theirs[name] for name in names]).max() < 1e-6,
    optuna=[theirs[name] for name in names],
    ours=same_question,
    all_levels_alike=ours(-0.5),
    tolerance=0.1,
    fails_if="all levels were given the same weight",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — A marginal curve (difficulty 1, 5 minutes)
# `table` has one axis for each setting. Return the mean score at each level of the setting on axis `j`.


# %% tags=["exercise"]
def marginal_curve(table, j):
    ### BEGIN SOLUTION
    return table.mean(axis=tuple(axis for axis in range(table.ndim) if axis != j))
    ### END SOLUTION


check(exercises.marginal, marginal_curve)  # hint(exercises.marginal) helps, in layers

# %% [markdown]
# ## Exercise 2 — Main effects and the rest (difficulty 2, 10 minutes)
# For a table with two axes, return the three shares: of the first setting, of the second, and of what they do only together.


# %% tags=["exercise"]
def three_shares(table):
    ### BEGIN SOLUTION
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    first, second = rows.var() / table.var(), columns.var() / table.var()
    return first, second, 1 - first - second
    ### END SOLUTION


check(exercises.three_shares, three_shares)

# %% [markdown]
# ## Exercise 3 — Matters only together (difficulty 2, 10 minutes)
# Make a table of scores, three levels by three, in which neither setting has a main effect and yet the scores vary.

# %% tags=["exercise"]
### BEGIN SOLUTION
together = np.array([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])
### END SOLUTION

check(exercises.only_together, together)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A score belongs to a combination, an importance to a setting. The one is not the other.
# - The variance of a complete table can be shared out exactly among settings, pairs and larger sets.
# - Compare each share with what the folds do by chance. Here the folds differ more than the settings.
# - A forest on a few trials estimates the same shares. It is a model of the scores, and has its own error.

# %% [markdown]
# ## Where it breaks
#
# - A share is a share of *this* space. Leave out ten trees, and the number of trees no longer matters.
# - An important setting is one that can do harm. Near the best combination the order may be another.
# - Our folds share training rows, so that their scatter says somewhat too little about the chance in their mean.
# - A random search covers the space evenly; a clever one crowds around its favourites, and a forest on its trials knows little of the rest.

# %% [markdown]
# ## Further reading
#
# - [Hutter, Hoos and Leyton-Brown (2014)](https://proceedings.mlr.press/v32/hutter14.html), *An efficient approach for assessing
#   hyperparameter importance*: functional analysis of variance from forests, exact and fast.
# - [Hoeffding (1948)](https://doi.org/10.1214/aoms/1177730196), *A class of statistics with asymptotically normal distribution*:
#   where the decomposition comes from.
# - [Bergstra and Bengio (2012)](https://jmlr.org/papers/v13/bergstra12a.html), *Random search for hyper-parameter optimization*:
#   why few settings matter in most searches, and random search finds them.
