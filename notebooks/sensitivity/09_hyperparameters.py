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
from_table = [by_fold[positions[i]] for i in small]
identical = all(map(np.array_equal, from_table, direct))
mean_from_table = np.mean(from_table, axis=1)
mean_of_fits = np.mean(direct, axis=1)
lowest, highest, forests = scores.min(), scores.max(), len(grown)
setting_to_setting = scores.std()
fold_to_fold = by_fold.std(axis=-1, ddof=1).mean()

# %%
claim(
    "Growing once and scoring as it grows gives the scores of separate fits, "
    "fold by fold",
    identical,
    evidence="means from the table: {mean_from_table:.4f}; fitted separately: "
    "{mean_of_fits:.4f}",
    tolerance=0.01,
    fails_if="the table's folds came in another order",
)
say(
    "{scores.size} combinations, {forests} forests a fold. The scores lie "
    "between {lowest:.3f} and {highest:.3f}; their standard deviation is "
    "{setting_to_setting:.4f}. The standard deviation from fold to fold, for "
    "one and the same combination, is {fold_to_fold:.4f}.",
    tolerance={
        "lowest": 0.005,
        "highest": 0.005,
        "setting_to_setting": 0.001,
        "fold_to_fold": 0.002,
        "forests": 3,
    },
)
claim(
    "The folds differ more than the settings do",
    fold_to_fold > setting_to_setting,
    evidence="fold to fold {fold_to_fold:.4f}, setting to setting "
    "{setting_to_setting:.4f}",
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
by_trees = exact.mean + np.array(exact.effects[(0,)])
by_depth = exact.mean + np.array(exact.effects[(1,)])
depth_range = np.ptp(by_depth)
two_marginals = lines(
    range(4),
    {names[0]: {"": by_trees}, names[1]: {"": by_depth}},
    x_label="level, from the smallest",
    y_labels="mean accuracy",
    limits=(exact.mean - 0.02, exact.mean + 0.02),
)

# %%
show(
    two_marginals,
    caption="Marginal curves: the mean score at each level, over all other "
    "settings. Left 10, 50, 100 and 200 trees, right depths of 10, 20, 30 and "
    "no limit.",
    alt="Two curves. With more trees accuracy goes from {by_trees[0]:.3f} to "
    "{by_trees[-1]:.3f}; with more depth it stays within {depth_range:.4f}.",
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
six = sets[:6]
six_shares = [exact.shares[subset] for subset in six]
six_floors = [floor[subset] for subset in six]
largest_shares = bars(
    {"share": six_shares, "noise floor": six_floors},
    [label(subset) for subset in six],
    value_label="share of the variance",
    horizontal=True,
    height=3.8,
)
leader, highest_other_floor = label(six[0]), max(six_floors[1:])

# %%
of_trees, of_depth = exact.shares[(0,)], exact.shares[(1,)]
floor_of_trees, all_floors = floor[(0,)], sum(floor.values())
whole = sum(exact.shares.values())
deepest = max(depth for _, depth in grown.values())
change_of_limit = abs(by_fold[:, 2] - by_fold[:, 3]).max()

# %%
show(
    largest_shares,
    caption="The six largest of fifteen exact shares, and what chance alone "
    "would give them.",
    alt="Horizontal bars. {leader} leads with {six_shares[0]:.2f} over a "
    "floor of {six_floors[0]:.2f}; the others have {six_shares[1]:.2f} at "
    "most, beside floors of {highest_other_floor:.2f} at most.",
    tolerance=0.05,
)
claim(
    "All shares add up to one, and the number of trees has more than all "
    "others together, more than its noise floor",
    abs(whole - 1) < 1e-9 and of_trees > 0.5 and of_trees > floor_of_trees,
    evidence="share of n_estimators: {of_trees:.2f}; its noise floor: "
    "{floor_of_trees:.2f}; all noise floors together: {all_floors:.2f}",
    control="the scatter from fold to fold",
    tolerance=0.1,
    fails_if="trees and depth had changed places",
)
say(
    "The deepest tree has {deepest} levels. So a limit of 30 is none, and one "
    "of 20 hardly ever: `max_depth` has a share of {of_depth:.3f} because "
    "three of its four levels are nearly one and the same.",
    tolerance={"deepest": 2, "of_depth": 0.02},
)
claim(
    "Whether the depth is limited to 30 or not at all changes no score",
    deepest <= 30 and change_of_limit == 0,
    evidence="largest change: {change_of_limit:.0f}",
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
main_effects = np.array([exact.shares[(j,)] for j in range(4)])
mean_of = {n: found.mean(axis=0) for n, found in estimates.items()}
spread_of = {n: 2 * e.std(axis=0, ddof=1) for n, e in estimates.items()}
from_few_trials = dots(
    {
        "exact": main_effects,
        "20 trials": mean_of[20],
        "60 trials": mean_of[60],
        "all 144": surrogate_of_all,
    },
    names,
    intervals={f"{n} trials": spread_of[n] for n in draws},
    value_label="main effect (share of the variance)",
)

# %%
error = {n: abs(found - main_effects).mean() for n, found in estimates.items()}
error["all"] = abs(np.array(surrogate_of_all) - main_effects).mean()
closer = max(error[60], error["all"]) < error[20]

# %%
show(
    from_few_trials,
    caption="Main effects from a forest on some of the trials; the intervals "
    "hold 95 % of ten random searches.",
    alt="Dots for four settings. The number of trees has "
    "{main_effects[0]:.2f} exactly; from 20 trials {mean_of[20][0]:.2f} give "
    "or take {spread_of[20][0]:.2f}, from 60 {mean_of[60][0]:.2f} give or "
    "take {spread_of[60][0]:.2f}. The other settings stay below a quarter.",
    tolerance=0.1,
)
claim(
    "Even from twenty trials the number of trees comes first on average; more "
    "trials come closer to the exact shares",
    mean_of[20].argmax() == 0 and closer,
    evidence="mean error: {error[20]:.3f} from 20 trials, {error[60]:.3f} "
    'from 60, {error["all"]:.3f} from all',
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
optunas = np.array([theirs[name] for name in names])
levels_alike = ours(-0.5)

# %%
claim(
    "Asked the same question, our decomposition and Optuna's agree",
    abs(same_question - optunas).max() < 1e-6,
    evidence="Optuna {optunas:.3f}; ours {same_question:.3f}; ours with all "
    "levels alike {levels_alike:.3f}",
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
