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
# # Important for what?
#
# Coefficients, shuffled columns and dropped columns
#
# > **After this notebook you can**
# >
# > - read the coefficients of a linear model without being misled by units
# > - tell what a model *uses* from what it could *do without*
# > - say in advance what correlation does to each answer
#
# **15 minutes**, and as many for the exercises · builds on linear regression · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# An estate agency predicts prices from a table of five columns with a linear regression. Somebody draws a bar for each
# coefficient, the longest bar is declared the most important column, and the shortest ones shall no longer be collected.
#
# Three things could be meant by *important*. Does a change of the column change the prediction? Does the model rely on the column?
# Would we miss the column? The bars answer one of them, and only if the units are right.

# %% tags=["setup"]
import numpy as np
from scipy.stats import t
from sklearn.datasets import make_regression
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from xaicourse.attribution import (
    drop_column_importance,
    permutation_importance,
)
from xaicourse.exercises import why_it_matters as exercises
from xaicourse.plotting import bars, lines
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    show,
    show_source,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The chart of the slides
#
# The slides that this part grew out of fit a regression to a hundred made-up rows and draw the sizes of its coefficients. For a linear
# model $f(x) = b + \sum_j \beta_j x_j$ the sensitivity $\partial f / \partial x_j$ is $\beta_j$ in every row: the matrix has one row, repeated.
#
# Here is their example with what was missing: rows that the model has not seen, and the true coefficients to compare with.

# %% tags=["live:the slide's regression"]
X, y, truth = make_regression(
    n_samples=100, n_features=5, noise=0.1, coef=True, random_state=42 + seed
)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
model = LinearRegression().fit(X_train, y_train)
r2 = model.score(X_test, y_test)

# %%
unexplained = 1 - r2
coefficients_off = abs(model.coef_ - truth).max()

# %%
claim(
    "On new rows the model explains all but {unexplained:.1e} of the "
    "variance, and its coefficients are the true ones",
    unexplained < 0.001 and coefficients_off < 0.2,
    evidence="largest error of a coefficient: {coefficients_off:.3f}",
    fails_if="the rows and their prices were mixed up",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Another unit
#
# The slides' columns have no units: all were drawn with a standard deviation of one. Real columns have units. Suppose the column with the
# longest bar is the distance to the station in kilometres, and a colleague stores it in metres.

# %% tags=["live:store it in metres"]
distance = abs(model.coef_).argmax()
factors = np.ones(5)
factors[distance] = 1000
in_metres = LinearRegression().fit(X_train * factors, y_train)

per_sd = model.coef_ * X_train.std(axis=0)
per_sd_in_metres = in_metres.coef_ * (X_train * factors).std(axis=0)

# %%
names = [f"column {j}" if j != distance else "distance" for j in range(5)]
long, short, equal = abs(model.coef_), abs(in_metres.coef_), abs(per_sd)
three_charts = bars(
    {
        "coefficient, kilometres": long,
        "coefficient, metres": short,
        "per standard deviation, either": equal,
    },
    names,
    value_label="change of the price",
)

# %%
predicted = in_metres.predict(X_test * factors)
predictions_apart = abs(predicted - model.predict(X_test)).max()
unchanged = np.allclose(per_sd, per_sd_in_metres, rtol=1e-6)

# %%
show(
    three_charts,
    caption="Three charts of one model: price per unit of each column, "
    "twice, and per standard deviation.",
    alt="Grouped bars for five columns. In kilometres the distance has the "
    "longest bar, {long[distance]:.0f}; in metres its bar cannot be seen, "
    "{short[distance]:.2f}; per standard deviation it is "
    "{equal[distance]:.0f} in both units.",
)
claim(
    "The same predictions, and the longest bar has become the shortest; per "
    "standard deviation nothing has changed",
    predictions_apart < 1e-6 and short.argmin() == distance and unchanged,
    evidence="predictions apart by {predictions_apart:.0e}; coefficient "
    "{model.coef_[distance]:.1f} in kilometres, "
    "{in_metres.coef_[distance]:.3f} in metres",
    tolerance={"predictions_apart": 1e-8},
    fails_if="the column kept its unit",
)

# %% [markdown]
# A coefficient is a price per kilometre or per metre. Bars of different columns compare different units. Times the standard deviation,
# each bar says how much the price moves when the column moves by what is usual for it. That can be compared.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two more questions
#
# A slope still says nothing about errors. Two experiments do.
#
# - **Shuffle** the column and score the *same* model. The error grows by what the model got from the column.
# - **Drop** the column, fit *again*, and score. The error grows by what the other columns cannot replace.

# %%
show_source(drop_column_importance)

# %% [markdown]
# For a linear model and squared error, both have a formula. Let $\sigma$ be the standard deviation of column $j$.
# Shuffling replaces $x_j$ by the value $x'_j$ of another row, so the error grows by
# $\mathrm{E}[\beta_j^2 (x_j - x'_j)^2] = 2 \beta_j^2 \sigma^2$. After dropping, the refitted model puts the best guess of $x_j$ from the
# other columns in its place. If their correlation with it is $\rho$, a share $1 - \rho^2$ of its variance cannot be guessed, so the error
# grows by $\beta_j^2 \sigma^2 (1 - \rho^2)$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What correlation does
#
# Two columns are now related, as area and rooms are in flats, with a correlation that we can set. The third, age, is unrelated. All have
# a standard deviation of one and a coefficient of one: by slope they are equally important. We fit to 2,000 flats and score on 2,000 others.

# %% tags=["live:a world with correlation"]
beta = np.ones(3)


def flats(n, rho, rng):
    """Return area, rooms and age of n flats, and their prices."""
    area, other, age = rng.standard_normal((3, n))
    rooms = rho * area + np.sqrt(1 - rho**2) * other
    columns = np.column_stack([area, rooms, age])
    return columns, columns @ beta + 0.5 * rng.standard_normal(n)


def fit(X, y):
    return LinearRegression().fit(X, y).predict


def minus_squared_error(y, prediction):
    return -np.mean((y - prediction) ** 2)


# %% tags=["live:both experiments"]
def experiment(rho, rng, groups=None):
    """Return by how much the squared error grows: shuffled, and dropped."""
    X, y = flats(2000, rho, rng)
    X_new, y_new = flats(2000, rho, rng)
    options = {"score": minus_squared_error, "groups": groups}
    shuffled = permutation_importance(
        fit(X, y), X_new, y_new, n_repeats=2, seed=rng, **options
    )
    dropped = drop_column_importance(
        fit, X, y, X_test=X_new, y_test=y_new, **options
    )
    return shuffled.mean, dropped.drop


rhos = np.array([0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95])
rng = np.random.default_rng(seed)
runs = np.array(
    [
        [experiment(rho, rng) for _ in range(30)]
        for rho in progress("correlations")(rhos)
    ]
)
# each (correlations, repetitions, columns)
shuffled, dropped = np.moveaxis(runs, 2, 0)

# %%
shuffled_mean, dropped_mean = shuffled.mean(axis=1), dropped.mean(axis=1)
two_costs = lines(
    rhos,
    {
        "Shuffle": {
            "formula for area": 2 * np.ones(7),
            "area": shuffled_mean[:, 0],
            "age": shuffled_mean[:, 2],
        },
        "Drop and fit again": {
            "formula for area": 1 - rhos**2,
            "area": dropped_mean[:, 0],
            "age": dropped_mean[:, 2],
        },
    },
    x_label="correlation of area and rooms",
    y_labels="growth of the squared error",
    limits=(0, 2.2),
)

# %%
show(
    two_costs,
    caption="Two experiments on models with equal coefficients, each point "
    "the mean of thirty repetitions.",
    alt="Two panels against the correlation from {rhos[0]:.0f} to "
    "{rhos[-1]:.2f}. Shuffling costs about two for area and for age "
    "throughout. Dropping costs one for age throughout, and for area it falls "
    "from {dropped_mean[0, 0]:.2f} to {dropped_mean[-1, 0]:.2f} along the "
    "formula.",
    tolerance=0.01,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# We hold all means against the formulas: seven correlations, three columns. The intervals are wide enough to hold all 21
# means at once, at the course's usual confidence.

# %% tags=["live:hold it against the formulas"]
# the share that cannot be guessed
left_over = np.column_stack([1 - rhos**2, 1 - rhos**2, np.ones(7)])
z = t.ppf(1 - 0.0005 / 21, df=29) / np.sqrt(30)
gap_shuffled = abs(shuffled_mean - 2 * beta**2)
gap_shuffled /= z * shuffled.std(1, ddof=1)
gap_dropped = abs(dropped_mean - beta**2 * left_over)
gap_dropped /= z * dropped.std(1, ddof=1)

# %%
largest_gap = {"shuffle": gap_shuffled.max(), "drop": gap_dropped.max()}
overall = shuffled.mean()

# %%
claim(
    "Shuffling costs $2\\beta^2$, whatever the correlation",
    largest_gap["shuffle"] < 1,
    evidence='largest gap: {largest_gap["shuffle"]:.2f} of half an interval; '
    "mean over all: {overall:.3f}",
    tolerance=0.001,
    fails_if="the errors were absolute instead of squared",
)
claim(
    "Dropping costs $\\beta^2 (1 - \\rho^2)$",
    largest_gap["drop"] < 1,
    evidence='largest gap: {largest_gap["drop"]:.2f} of half an interval; '
    "area at the highest correlation: {dropped_mean[-1, 0]:.3f}",
    tolerance=0.001,
    fails_if="rooms had nothing to do with area",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which columns can go?
#
# At a correlation of nine tenths, look at the columns once more, and at area and rooms taken together.

# %% tags=["live:together"]
groups = {"area": [0], "rooms": [1], "age": [2], "area and rooms": [0, 1]}
closely = np.array([experiment(0.9, rng, groups) for _ in range(30)])
shuffle_cost, drop_cost = closely.mean(axis=0)
half = 1.96 * closely.std(axis=0, ddof=1) / np.sqrt(30)

# %%
alone_and_together = bars(
    {"shuffle": shuffle_cost, "drop and fit again": drop_cost},
    list(groups),
    intervals={"shuffle": half[0], "drop and fit again": half[1]},
    value_label="growth of the squared error",
)
each_alone = shuffle_cost[:3].mean()
area_over_age = shuffle_cost[0] / shuffle_cost[2]
age_over_area = drop_cost[2] / drop_cost[0]
sum_of_parts = drop_cost[0] + drop_cost[1]

# %%
show(
    alone_and_together,
    caption="Columns alone and together, at a correlation of nine tenths; the "
    "intervals are for the mean of thirty repetitions.",
    alt="Grouped bars. Shuffling costs about {each_alone:.1f} for each single "
    "column. Dropping costs {drop_cost[0]:.2f} for area, {drop_cost[1]:.2f} "
    "for rooms, {drop_cost[2]:.2f} for age, and {drop_cost[3]:.1f} for area "
    "and rooms together.",
    tolerance=0.01,
)
claim(
    "The model relies on area as much as on age, but would miss age at least "
    "three times as much",
    0.9 < area_over_age < 1.1 and age_over_area > 3,
    evidence="shuffled, area over age: {area_over_age:.2f}; dropped, age over "
    "area: {age_over_area:.1f}",
    tolerance=0.05,
    fails_if="rooms had nothing to do with area",
)
claim(
    "Area can go, or rooms can go, but not both: together they cost more than "
    "five times the sum of their parts",
    drop_cost[3] > 5 * sum_of_parts,
    evidence="together {drop_cost[3]:.2f}, the sum {sum_of_parts:.2f}",
    tolerance=0.02,
    fails_if="rooms had nothing to do with area",
)

# %% [markdown]
# A chart of single columns cannot show this. Who drops the two shortest bars of the *drop* chart loses the most important thing in the
# table. Group what belongs together first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Drop it by hand (difficulty 2, 10 minutes)
# Without the package: fit least squares with an intercept to (`X`, `y`), with and without one column, and return by how much the mean squared error
# on the new rows (`X_new`, `y_new`) grows without it.


# %% tags=["exercise"]
def cost_of_dropping(X, y, X_new, y_new, column):
    ### BEGIN SOLUTION
    def squared_error(kept):
        model = LinearRegression().fit(X[:, kept], y)
        return np.mean((y_new - model.predict(X_new[:, kept])) ** 2)

    every = list(range(X.shape[1]))
    return squared_error([j for j in every if j != column]) - squared_error(every)
    ### END SOLUTION


check(exercises.drop_by_hand, cost_of_dropping)  # hint(exercises.drop_by_hand) helps, in layers

# %% [markdown]
# ## Exercise 2 — Before you run it (difficulty 2, 5 minutes)
# A column has coefficient `beta`, standard deviation `sd` and correlation `rho` with the best guess from the other columns. Return the expected growth of the
# squared error as a pair: shuffled, dropped.


# %% tags=["exercise"]
def expected_costs(beta, sd, rho):
    ### BEGIN SOLUTION
    variance = (beta * sd) ** 2
    return 2 * variance, variance * (1 - rho**2)
    ### END SOLUTION


check(exercises.before_you_run_it, expected_costs)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A coefficient has units. Before you compare bars, multiply by the standard deviation.
# - Shuffling a column asks what this model uses. Dropping it and fitting again asks what the other columns cannot replace.
# - For independent columns the two differ by a factor of two. Correlation leaves the first alone and takes the second away.
# - Two columns that stand in for each other are each dispensable, and together are not. Ask about groups.

# %% [markdown]
# ## Where it breaks
#
# - The formulas are for linear models and squared error. A forest shares its splits between correlated columns, and its bars shrink in other ways.
# - Shuffling makes flats that do not exist, large ones with one room. A linear model extends to them without harm; other models are asked about a world they never saw.
# - Dropping costs one fit a column, and judges the procedure of fitting rather than the model at hand.
# - None of this is about causes. Building another room does not raise the price by its coefficient.

# %% [markdown]
# ## Further reading
#
# - [Strobl et al. (2008)](https://doi.org/10.1186/1471-2105-9-307), *Conditional variable importance for random forests*: why
#   shuffling favours correlated columns in forests, and a conditional way to shuffle.
# - [Fisher, Rudin and Dominici (2019)](https://arxiv.org/abs/1801.01489), *All models are wrong, but many are useful: learning a
#   variable's importance by studying an entire class of prediction models simultaneously*: what a model relies on, against what
#   any good model has to rely on.
# - [Lei et al. (2018)](https://arxiv.org/abs/1604.04173), *Distribution-free predictive inference for regression*: leaving one
#   covariate out, with intervals that need no assumption about the model.
