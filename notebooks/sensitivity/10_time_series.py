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
# # How far back does a forecast remember?
#
# Sensitivity of an ARIMA forecast to its past
#
# > **After this notebook you can**
# >
# > - measure how a forecast answers to each past value, by filtering changed data again
# > - get the same numbers in closed form from the parameters, and read a model's memory off them
# > - do so for features, too
# > - say what the answer leaves out: the parameters were fitted to the same past
#
# **15 minutes**, and 15 for the exercises · builds on regression on past values · data: the Nile at Aswan and the US economy, both from statsmodels, and a simulated walk

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# For a hundred years, from 1871 to 1970, the discharge of the Nile was measured at Aswan. A hydrologist forecasts the next year
# from the record. Then a note turns up: one of the entries may have been misread by a hundred units. Which year would be a
# disaster, and which would not matter?
#
# In other words: which past values does the forecast rest on, and how far back does it remember?

# %% tags=["setup"]
import numpy as np
import statsmodels.api as sm
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.arima_process import arma2ar

from xaicourse.exercises import time_series as exercises
from xaicourse.plotting import bars, canvas, lines
from xaicourse.sensitivity import forecast_sensitivity, pi_weights
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
# ## The slide's walk
#
# We begin with the slide's own example: a hundred days of a random walk, and an ARIMA(1,1,1). This model says that the daily change
# $\Delta y_t = y_t - y_{t-1}$ depends on the last change and on the last surprise:
#
# $$ \Delta y_t = \varphi \, \Delta y_{t-1} + \varepsilon_t + \theta \, \varepsilon_{t-1}. $$

# %% tags=["live:fit the walk"]
walk = np.cumsum(np.random.RandomState(42 + seed).randn(100)) + 100
fitted = ARIMA(walk, order=(1, 1, 1)).fit(start_params=[0.1, 0.1, 1.0])
phi, theta = fitted.arparams[0], fitted.maparams[0]

# %%
say("The fit finds φ = {phi:.3f} and θ = {theta:.3f}.", tolerance=0.005)

# %% [markdown]
# To ask what the forecast owes to a past value, change the value and forecast again. The slide calls `forecast(steps=1, y=changed)`,
# which raises a `TypeError`: a fitted model forecasts from the data that it was given. The way is `apply`. It keeps the
# parameters and runs the model's filter over other data.


# %% slideshow={"slide_type": "fragment"} tags=["live:change and forecast again"]
def next_value(series):
    return fitted.apply(series).forecast(1)[0]


by_hand = np.empty(10)
for lag in range(1, 11):
    changed = walk.copy()
    changed[-lag] += 0.1
    by_hand[lag - 1] = (next_value(changed) - next_value(walk)) / 0.1

# %%
drawn = by_hand[::-1]
two_orders = bars(
    {"as computed": by_hand, "as the slide draws it": drawn},
    [str(lag) for lag in range(1, 11)],
    value_label="change of the forecast per unit",
)
largest_of_others = abs(by_hand[1:]).max()

# %%
show(
    two_orders,
    caption="Sensitivity of tomorrow's forecast to the last ten values. The "
    "slide reverses the bars and keeps the labels.",
    alt="Bars over lags one to ten. As computed, lag one has {by_hand[0]:.2f} "
    "and all others are near zero. As the slide draws it, the same bar stands "
    "at lag ten.",
    tolerance=0.02,
)
claim(
    "The forecast rests on the last value, and the slide's picture says that "
    "it rests on the value of ten days ago",
    abs(by_hand).argmax() == 0 and abs(drawn).argmax() == 9,
    evidence="sensitivity to the last value: {by_hand[0]:.2f}; to all others "
    "at most {largest_of_others:.2f}",
    tolerance=0.02,
    fails_if="the bars were drawn in the order in which they were computed",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Surprises are not observed, but each is a combination of past values. Solve for it, put it in, and repeat: the forecast
# becomes a weighted sum of the whole past, $\sum_k \pi_k \, y_{t-k}$. With $B$ for *one step back*,
#
# $$ 1 - \sum_{k \ge 1} \pi_k B^k = \frac{(1 - B)(1 - \varphi B)}{1 + \theta B}, \qquad
# \pi_1 = 1 + \varphi + \theta, \quad \pi_2 = -\varphi - \theta \pi_1, \quad \pi_k = -\theta \pi_{k-1}. $$
#
# These are the sensitivities, without a single difference. The package has the same for any model of the family:

# %%
show_source(pi_weights)

# %% tags=["live:the closed form"]
weights = pi_weights([phi], [theta], d=1, n_weights=10)
recursion = [1 + phi + theta, -phi - theta * (1 + phi + theta)]
for _ in range(8):
    recursion.append(-theta * recursion[-1])
library = -arma2ar(np.convolve([1, -1], [1, -phi]), [1, theta], lags=11)[1:]

# %%
others = {
    "differences": by_hand,
    "recursion": recursion,
    "library": library,
}
off = {name: abs(weights - other).max() for name, other in others.items()}

# %%
claim(
    "Differences, closed form and the library's expansion agree to a "
    "millionth at every lag",
    max(off.values()) < 1e-6,
    evidence="off the closed form by: {off:.0e}",
    tolerance=1e-7,
    fails_if="θ were read with Box and Jenkins' sign",
)

# %% [markdown]
# Books differ in the sign of $\theta$: Box and Jenkins write $\varepsilon_t - \theta \varepsilon_{t-1}$, statsmodels writes a plus. A
# formula copied from one and fed by the other is wrong at every lag, and looks plausible.
#
# Why is there almost nothing behind the first lag? The true walk has $\varphi = \theta = 0$. Where $\theta = -\varphi$ the two factors
# $1 - \varphi B$ and $1 + \theta B$ cancel, and a walk is left whatever $\varphi$ is. The fit cannot tell these pairs apart. So the
# *parameters* mean little here, and the *weights* say what the model does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The Nile
#
# The same model, on the record from Aswan. `forecast_sensitivity` is the loop from above with its checks.

# %% tags=["live:the Nile"]
record = sm.datasets.nile.load_pandas().data
years, nile = (
    record["year"].to_numpy().astype(int),
    record["volume"].to_numpy(),
)
river = ARIMA(nile, order=(1, 1, 1)).fit()
memory = forecast_sensitivity(river, nile, n_lags=len(nile))
interval = river.get_forecast(1).conf_int(alpha=0.05)[0]

# %%
shares = memory.past[::-1]  # the oldest year first, as in the record
half_width = (interval[1] - interval[0]) / 2

last_hundred_years, (axes,) = canvas(width=9)
axes.plot(years, nile, color="#999999", linewidth=1)
axes.scatter(
    years,
    nile,
    s=300 * shares / shares.max(),
    alpha=0.7,
    label="area: weight in the forecast",
)
axes.errorbar(
    1971,
    memory.forecast,
    half_width,
    fmt="D",
    color="black",
    capsize=4,
    label="forecast for 1971, 95 %",
)
axes.set(xlabel="year", ylabel="discharge at Aswan (10⁸ m³)")
legend = axes.legend(frameon=False)

# %%
show(
    last_hundred_years,
    caption="A hundred years of the Nile. The area of a point is its weight "
    "in the forecast for 1971.",
    alt="A jagged line from 1871 to 1970. The last point, 1970, is large, "
    "with {memory.past[0]:.0%} of the weight; the points before it shrink "
    "slowly and vanish around 1940. The forecast for 1971 is "
    "{memory.forecast:.0f}.",
    tolerance={"memory.past[0]": 0.005, "memory.forecast": 2},
)

# %%
moved = 100 * memory.past  # by an error of a hundred units
most_of_it = np.cumsum(memory.past) >= 0.9
years_of_memory = most_of_it.argmax() + 1
closed = pi_weights(river.arparams, river.maparams, d=1, n_weights=100)
closed_off = abs(memory.past - closed).max()

# %%
say(
    "An error of a hundred units in 1970 moves the forecast by "
    "{moved[0]:.0f}, in 1969 by {moved[1]:.1f}, in 1960 by {moved[10]:.1f}, "
    "in 1940 by {moved[30]:.2f}. The last {years_of_memory} years hold 90 % "
    "of the weight.",
    tolerance={
        "moved[0]": 0.5,
        "moved[1]": 0.3,
        "moved[10]": 0.1,
        "moved[30]": 0.02,
        "years_of_memory": 1,
    },
)
claim(
    "On the real record, too, refiltering and closed form agree to a "
    "millionth, over a hundred years",
    closed_off < 1e-6,
    evidence="off by {closed_off:.0e} at most",
    tolerance=5e-7,
    fails_if="the model had not taken differences",
)

# %% [markdown]
# Behind the first lag the weights fall by the factor $-\theta$, here close to one: the forecast is a compromise between last year
# and a slowly fading mean. That is the whole of the model's character.
#
# One property needs no data at all. Put $B = 1$ into the formula: the factor $1 - B$ makes the right-hand side zero, so the weights
# of a differenced model sum to one. Raise every entry by a hundred, and the forecast rises by a hundred.

# %% tags=["live:raise the river"]
raised = river.apply(nile + 100).forecast(1)[0] - memory.forecast

# %%
sum_of_weights = memory.past.sum()

# %%
claim(
    "A gauge that always read a hundred units too little would shift the "
    "forecast by a hundred",
    abs(raised - 100) < 0.01 and abs(sum_of_weights - 1) < 1e-4,
    evidence="shift {raised:.3f}; sum of the weights {sum_of_weights:.5f}",
    tolerance=1e-3,
    fails_if="only the years since 1960 were raised",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What was held fixed
#
# The parameters. But they were fitted to the same record, and whoever corrects an entry will fit again. So correct, refit, forecast,
# for entries all over the century.

# %% tags=["live:fit again"]
lags = np.array(
    [1, 2, 4, 7, 11, 16, 23, 29, 36, 45, 54, 63, 72, 80, 87, 93, 98]
)


def refitted(lag, error):
    entry = nile.copy()
    entry[-lag] += error
    again = ARIMA(entry, order=(1, 1, 1))
    return again.fit(start_params=river.params).forecast(1)[0]


total = np.array(
    [
        (refitted(lag, 50) - refitted(lag, -50)) / 100
        for lag in progress("refits")(lags)
    ]
)

# %%
kept = memory.past[lags - 1]
recent = lags < 4
kept_or_refitted = lines(
    1971 - lags,
    {
        "All entries": {"parameters kept": kept, "fitted again": total},
        "The same, enlarged": {
            "parameters kept": np.where(recent, np.nan, kept),
            "fitted again": np.where(recent, np.nan, total),
        },
    },
    x_label="year of the entry",
    y_labels="change of the forecast per unit",
)
old = total[lags > 40]
lowest_old, highest_old = old.min(), old.max()
weight_1873, weight_1955 = memory.past[97], memory.past[15]
again_1873 = total[-1]

# %%
show(
    kept_or_refitted,
    caption="What an error in one entry does to the forecast, with the "
    "parameters kept and with the model fitted again.",
    alt="Two panels. Left: both curves rise steeply at the end, to "
    "{memory.past[0]:.2f} and {total[0]:.2f}. Right, without the last three "
    "years: with the parameters kept the curve is zero before 1930; fitted "
    "again it wavers around zero, between {lowest_old:.3f} and "
    "{highest_old:.3f}.",
    tolerance=0.004,
)
claim(
    "An entry from 1873 has no weight left, and yet an error in it moves the "
    "refitted forecast more than one in 1955 by its weight alone",
    weight_1873 < 1e-5 and abs(again_1873) > weight_1955,
    evidence="1873: weight {weight_1873:.0e}, fitted again {again_1873:.4f}; "
    "1955: weight {weight_1955:.4f}",
    tolerance={"again_1873": 0.003, "weight_1955": 0.001, "weight_1873": 1e-5},
    fails_if="the parameters were kept",
)

# %% [markdown]
# The two curves answer two questions. "Which readings does *this model* look at?" has the weights as its answer. "Which readings does my
# *procedure* depend on?" needs the refit. For the hydrologist the recent years matter either way; a forgotten year can still
# move the parameters a little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A feature
#
# Forecasts often lean on a second series. Arthur Okun noted that US unemployment falls when output grows. An ARIMAX puts
# the feature into a regression whose errors follow an ARIMA:
#
# $$ y_t = \beta x_t + \eta_t, \qquad \eta_t \sim \text{ARIMA}(1,1,1). $$
#
# $y$ is the unemployment rate in percent, $x$ a hundred times the logarithm of real output, each quarter from 1959 to 2009. One unit
# of $x$ is one percent of output. The last quarter on record is the third of 2009; suppose that output grows by half a percent in the
# fourth.

# %% tags=["live:unemployment and output"]
economy = sm.datasets.macrodata.load_pandas().data
unemployment = economy["unemp"].to_numpy()
output = 100 * np.log(economy["realgdp"].to_numpy())
okun = ARIMA(unemployment, exog=output, order=(1, 1, 1)).fit()
next_output = output[-1] + 0.5
both = forecast_sensitivity(
    okun, unemployment, exog=output, next_exog=next_output, n_lags=10
)
beta, pi = (
    okun.params[0],
    pi_weights(okun.arparams, okun.maparams, d=1, n_weights=10),
)

# %%
past, features = both.past, both.features[:, 0]
unemployment_and_output = bars(
    {
        "unemployment (points per point)": [0, *past[:4]],
        "output (points per percent)": features[:5],
    },
    ["coming quarter", "1 quarter back", "2 back", "3 back", "4 back"],
    value_label="change of the forecast",
)

# %%
show(
    unemployment_and_output,
    caption="Sensitivity of the forecast unemployment rate to past "
    "unemployment and to output.",
    alt="Grouped bars. Unemployment one quarter back has {past[0]:.2f}, two "
    "back {past[1]:.2f}. Output in the coming quarter has {features[0]:.2f}, "
    "one back {features[1]:.2f}, two back {features[2]:.2f}. Everything older "
    "is near zero.",
    tolerance=0.01,
)

# %% [markdown]
# In the equation the forecast is $\beta x_{T+1} + \sum_k \pi_k (y_{T+1-k} - \beta x_{T+1-k})$. So the coming feature must have the
# sensitivity $\beta$ and the one $k$ quarters back $-\beta \pi_k$.

# %%
features_off = abs(features - np.r_[beta, -beta * pi]).max()
past_off = abs(past - pi).max()
level = both.features[:, 0].sum()
size_of_beta = abs(beta)
revision = 0.1 * past[0]  # a tenth of a point

# %%
claim(
    "Refiltering finds β for the coming quarter and -βπₖ for each past one, "
    "to a millionth",
    features_off < 1e-6 and past_off < 1e-6,
    evidence="features off by {features_off:.0e}, past off by {past_off:.0e}",
    tolerance=1e-7,
    fails_if="the past features had the sign of the coming one",
)
claim(
    "They sum to zero: more output in every quarter alike changes nothing, "
    "only growth counts",
    abs(level) < 1e-6 and size_of_beta > 0.05,
    evidence="sum of the sensitivities {level:.0e}, β {beta:.3f}",
    tolerance={"beta": 0.003, "level": 1e-7},
    fails_if="only the past quarters were counted",
)
say(
    "The forecast for the next quarter is {both.forecast:.1f} %. The last "
    "rate has a weight of {past[0]:.2f}, more than one, and the one before it "
    "{past[1]:.2f}: the model carries the latest change on. A revision of the "
    "last rate by a tenth of a point matters more than a whole percent of "
    "growth in the coming quarter ({revision:.2f} against {size_of_beta:.2f} "
    "points).",
    tolerance={
        "both.forecast": 0.02,
        "past[0]": 0.02,
        "past[1]": 0.02,
        "revision": 0.005,
        "size_of_beta": 0.003,
    },
)

# %% [markdown]
# The sign of the second bar surprises: *more* output a quarter ago raises the forecast? Yes, with the coming quarter held
# fixed it means less growth from then to now. A sensitivity always says "all else equal", and here all else includes the next value.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three memories
#
# One order, ARIMA(1,1,1), and three characters.

# %%
three_memories = lines(
    np.arange(1, 11),
    {
        "": {
            "simulated walk": weights,
            "Nile": memory.past[:10],
            "US unemployment": both.past,
        }
    },
    x_label="lag (days, years, quarters)",
    y_labels="weight in the forecast",
)

# %%
show(
    three_memories,
    caption="The weights of three fitted models of the same order.",
    alt="Three curves over lags one to ten. The walk: {weights[0]:.2f} at lag "
    "one, then zero. The Nile: {memory.past[0]:.2f} at lag one, then a slow "
    "decline. Unemployment: {both.past[0]:.2f}, then {both.past[1]:.2f}, then "
    "zero.",
    tolerance=0.02,
)

# %% [markdown]
# The walk repeats the last value. The Nile averages, and forgets slowly. Unemployment has momentum: the last value, plus a share of the
# last change.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Two misread years (difficulty 1, 5 minutes)
# `weights[0]` is the weight of the last value, `weights[1]` that of the one before, and so on. `errors` is a dictionary from a lag (1 for
# the last value) to how much too *high* the entry is. Write a function that returns by how much the forecast is too high.


# %% tags=["exercise"]
def forecast_error(weights, errors):
    ### BEGIN SOLUTION
    return sum(weights[lag - 1] * error for lag, error in errors.items())
    ### END SOLUTION


check(exercises.two_misread_years, forecast_error)  # hint(exercises.two_misread_years) helps, in layers

# %% [markdown]
# ## Exercise 2 — Weights without a library (difficulty 2, 10 minutes)
# Write `first_weights(phi, theta, n)`: the first `n` weights of an ARIMA(1,1,1) in statsmodels' signs, the last value first.


# %% tags=["exercise"]
def first_weights(phi, theta, n):
    ### BEGIN SOLUTION
    found = [1 + phi + theta, -phi - theta * (1 + phi + theta)]
    while len(found) < n:
        found.append(-theta * found[-1])
    return found[:n]
    ### END SOLUTION


check(exercises.weights_without_a_library, first_weights)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - To differentiate a forecast, change a past value and *filter again*. Asking a fitted model to forecast does not show it new data.
# - For a linear model the answer has a closed form, the π-weights. They are the model's memory, and easier to read than its
#   parameters.
# - The weights of a differenced model sum to one, and those of a feature to zero: levels do not count, changes do.
# - Weights with parameters kept explain a model. To explain a procedure, fit again.

# %% [markdown]
# ## Where it breaks
#
# - The closed form is that of an infinite past. Where $\theta$ is close to minus one the weights fade so slowly that a hundred values
#   are not enough, and the filter's first guess shows.
# - The Nile is not that stationary: its level dropped around 1899, when the first dam at Aswan was begun. The slow memory is in part
#   the model's way to live with that. After 1970 the High Dam ended the natural record, and with it the forecast's subject.
# - Sensitivity is not accuracy. A forecast can rest firmly on values that are no good.
# - The forecast of a linear model answers to its data in straight lines. For a network on past values the slope would change
#   with the past itself.

# %% [markdown]
# ## Further reading
#
# - [Box et al. (2015)](https://www.wiley.com/en-us/9781118675021), *Time series analysis: forecasting and control*, chapter 4:
#   the model in its three forms, one of them the weights of this notebook.
# - [Durbin and Koopman (2012)](https://doi.org/10.1093/acprof:oso/9780199641178.001.0001), *Time series analysis by state space
#   methods*: the filter that `apply` runs, with the Nile as the standing example.
# - [Cobb (1978)](https://doi.org/10.1093/biomet/65.2.243), *The problem of the Nile: conditional solution to a changepoint
#   problem*: the year in which the Nile's level changed.
