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
# # What a conservation budget should buy
#
# Elasticities and Sobol indices of an ecosystem
#
# > **After this notebook you can**
# >
# > - differentiate the whole course of a differential equation with respect to its parameters
# > - compare parameters in different units by their elasticities
# > - turn elasticities into a spending plan, and see where the plan goes wrong
# > - tell what to change from what to measure
#
# **20 minutes**, and as many for the exercises · builds on *Calculating sensitivities* and differential equations · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A nature reserve has thirty thousand hares and ten lynx, and wants more lynx. It may spend sixty thousand euros. Four measures are on
# offer. Meadows make the hares multiply faster. Land gives room for more hares. Hedges let hares hide, so that they are caught less
# often. Guarded dens let more lynx grow up from the same catch.
#
# A model of the reserve says which parameter matters most per euro. The reserve follows it, spends all the money there, and loses
# most of its lynx. How can a correct sensitivity give such advice?

# %% tags=["setup"]
import itertools

import numpy as np
from SALib.analyze import sobol as salib_analyze
from SALib.sample import sobol as salib_sample
from scipy.integrate import solve_ivp
from scipy.stats import norm
from scipy.stats import t as student

from xaicourse.exercises import environmental_impact as exercises
from xaicourse.plotting import bars, lines, maps
from xaicourse.sensitivity import (
    elasticities,
    forward_sensitivities,
    sobol_indices,
)
from xaicourse.teaching import check, claim, hint, say, show, show_source

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The model on the slide
#
# Four parameters: growth rate $r$, carrying capacity $K$, predation rate $a$, conversion efficiency $b$. Each is raised by a tenth in
# turn, and the mean of prey plus predators over a hundred years is compared.

# %% tags=["live:the model on the slide"]
names = ["growth $r$", "capacity $K$", "predation $a$", "conversion $b$"]
baseline = np.array([1.5, 1000.0, 0.01, 0.1])
t = np.linspace(0, 100, 1000)


def slide_prey_and_predators(parameters):
    r, K, a, b = parameters
    return r * t * (1 - t / K) - a * t, b * a * t - 0.1 * t


def slide_model(parameters):
    return sum(np.mean(animals) for animals in slide_prey_and_predators(parameters))


raised = baseline * (1 + 0.1 * np.eye(4))
slide_slopes = np.array([slide_model(p) - slide_model(baseline) for p in raised]) / (0.1 * baseline)

# %% [markdown]
# The formula is simple enough to differentiate on paper: with $\bar t$ and $\overline{t^2}$ the means of $t$ and $t^2$,

# %% tags=["live:on paper"]
mean_t, mean_t2 = t.mean(), (t**2).mean()
r, K, a, b = baseline
on_paper = np.array([mean_t - mean_t2 / K, r * mean_t2 / K**2, (b - 1) * mean_t, a * mean_t])
slide_elasticities = elasticities(on_paper, baseline, slide_model(baseline))

# %%
rest_of_them = [0, 2, 3]
too_small = on_paper[1] / slide_slopes[1]
unmoved = np.allclose(slide_slopes[rest_of_them], on_paper[rest_of_them])
fewest_predators = slide_prey_and_predators(baseline)[1].min()

# %%
say(
    "The slopes are {on_paper[0]:.3f}, {on_paper[1]:.5f}, {on_paper[2]:.1f} and "
    "{on_paper[3]:.2f}. In one bar chart the second cannot be seen, though raising the "
    "capacity by a per cent does ten times as much as lowering predation by one: the "
    "elasticities are {slide_elasticities[0]:.3f}, {slide_elasticities[1]:.4f}, "
    "{slide_elasticities[2]:.5f} and {slide_elasticities[3]:.5f}.",
)
claim(
    "A step of a tenth to one side makes the slope of the capacity too small by a tenth, "
    "and leaves the other three alone",
    np.isclose(too_small, 1.1) and unmoved,
    evidence="with the step {slide_slopes:.4g}; on paper {on_paper:.4g}",
    fails_if="the parameters were raised by a millionth",
)
claim(
    "And it is no ecosystem: there are fewer than no predators, and the prey do not notice",
    fewest_predators < -5,
    evidence="fewest predators {fewest_predators:.2f}",
    fails_if="predators were born at the rate at which they die",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A model in which somebody eats somebody
#
# Let $x$ be the hares, in hundreds, and $y$ the lynx. Hares multiply, up to the capacity; each lynx catches a share $a$ of the hares a
# year; of the catch, a share $b$ becomes young lynx; three lynx in ten die.
#
# $$\frac{dx}{dt} = r x \left(1 - \frac{x}{K}\right) - a x y, \qquad \frac{dy}{dt} = b a x y - m y$$
#
# The four numbers are still those of the slide. Only the death rate $m$ is ours.

# %% tags=["live:who eats whom"]
death_rate = 0.3
start = np.array([300.0, 10.0])
years = np.linspace(0, 30, 301)


def reserve(_, animals, parameters):
    hares, lynx = animals
    r, K, a, b = parameters
    caught = a * hares * lynx
    return np.array([r * hares * (1 - hares / K) - caught, b * caught - death_rate * lynx])


course = forward_sensitivities(reserve, start, baseline, years)

# %%
hares, lynx = course.states.T
most_hares, least_hares = hares.max(), hares[years > 5].min()
most_lynx = lynx.max()
thirty_years = lines(
    years,
    {"Hares": {"hares": hares}, "Lynx": {"lynx": lynx}},
    x_label="years from now",
    y_labels=["hares, in hundreds", "lynx"],
    markers=False,
)

# %%
show(
    thirty_years,
    caption="Thirty years of the reserve if nothing is done.",
    alt="Two curves. Hares rise from {hares[0]:.0f} hundred to {most_hares:.0f} hundred, "
    "fall to {least_hares:.0f} and settle at {hares[-1]:.0f}. Lynx rise from ten to "
    "{most_lynx:.0f} and settle at {lynx[-1]:.0f}.",
    tolerance=1e-3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Differentiate the whole course
#
# How do the lynx of year 12 depend on $a$? Differentiate both sides of the system with respect to its parameters $\theta$. The
# derivatives $S = d(x, y)/d\theta$ follow a differential equation of their own, which runs beside the first:
#
# $$\frac{dS}{dt} = \frac{\partial g}{\partial (x, y)}\, S + \frac{\partial g}{\partial \theta}, \qquad S(0) = 0.$$

# %%
show_source(forward_sensitivities)

# %% slideshow={"slide_type": "fragment"} tags=["live:elasticity of the lynx"]
lynx_elasticity = elasticities(course.derivatives[:, 1], baseline, course.states[:, 1])

of_the_lynx = lines(
    years,
    {"": dict(zip(names, lynx_elasticity.T))},
    x_label="years from now",
    y_labels="change of the lynx\n(% for 1 %)",
    markers=False,
)

# %%
show(
    of_the_lynx,
    caption="By how many per cent the number of lynx in a year changes when a parameter is "
    "raised by one per cent from now on.",
    alt="Four curves that begin at zero and swing before they settle. Predation swings up "
    "to {highest_of_predation:.1f} and then settles below zero, at {lynx_elasticity[-1, 2]:.2f}; growth "
    "settles at {lynx_elasticity[-1, 0]:.2f}, capacity and conversion near "
    "{lynx_elasticity[-1, 1]:.2f}.",
    highest_of_predation=lynx_elasticity[:, 2].max(),
    tolerance=1e-3,
)

# %% [markdown]
# Look at predation. In the first years more hunting success means more lynx. Later it means fewer: they eat the hares that would have
# had young. A measure that is right for five years can be wrong for thirty.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Two checks. The mean number of lynx over the thirty years, differentiated by the equations and by differences of two solutions. And
# the far future, where hares rest at $m/(ab)$ and lynx at $\frac{r}{a}\left(1 - \frac{m}{abK}\right)$, which can be differentiated on
# paper.


# %% tags=["live:solve many reserves"]
def mean_lynx(parameters):
    """Return the mean number of lynx over thirty years, one number for each row of parameters."""
    rows = np.atleast_2d(parameters)
    first = np.repeat(start[:, None], len(rows), axis=1)
    joined = solve_ivp(
        lambda t, animals: reserve(t, animals.reshape(2, -1), rows.T).ravel(),
        (0, 30), first.ravel(), t_eval=years, method="DOP853", rtol=1e-9, atol=1e-9,
    )  # fmt: skip
    return np.trapezoid(joined.y.reshape(2, len(rows), -1)[1], years, axis=1) / 30


# %% tags=["live:two checks"]
today = mean_lynx(baseline)[0]
by_equations = np.trapezoid(course.derivatives[:, 1], years, axis=0) / 30 * baseline / today
nudge = 1e-4 * np.eye(4)
by_differences = (mean_lynx(baseline * (1 + nudge)) - mean_lynx(baseline * (1 - nudge))) / 2e-4 / today

later = forward_sensitivities(reserve, start, baseline, [0, 200])
at_rest = elasticities(later.derivatives[-1, 1], baseline, later.states[-1, 1])
rest = death_rate / (a * b * K)
formula = np.array([1, rest / (1 - rest), rest / (1 - rest) - 1, rest / (1 - rest)])

# %%
gap = abs(by_equations - by_differences).max()
claim(
    "The sensitivity equations and differences of solutions agree",
    gap < 1e-5,
    evidence="elasticities by the equations {by_equations:.4f}; largest gap {gap:.0e}",
    tolerance=1e-5,
    fails_if="the hares' derivatives were taken for those of the lynx",
)
claim(
    "In the far future they are the derivatives of the state of rest",
    abs(at_rest - formula).max() < 1e-5,
    evidence="elasticities after 200 years {at_rest:.4f}; at rest {formula:.4f}",
    tolerance=1e-5,
    fails_if="five years were the far future",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Spend the money
#
# What does a per cent cost, in thousands of euros? Faster growth 4, more room 3, *less* predation 1, better dens 4. Gain per euro is
# the elasticity over the price:

# %% tags=["live:gain per euro"]
measures = ["meadows ($r$ up)", "land ($K$ up)", "hedges ($a$ down)", "dens ($b$ up)"]
price = np.array([4.0, 3.0, 1.0, 4.0])
direction = np.array([1, 1, -1, 1])
budget = 60
gain_per_euro = direction * by_equations * today / 100 / price


def after_spending(money, parameters=baseline):
    """Return the parameters after money, in thousands, was spent on the four measures."""
    return parameters * (1 + direction * np.asarray(money) / price / 100)


all_on_one = mean_lynx(after_spending(budget * np.eye(4)))

# %%
promised = today + budget * gain_per_euro
others = np.delete(all_on_one, 2)
all_the_money = bars(
    {"promised by the elasticity": promised, "what the model then does": all_on_one},
    measures,
    value_label="mean number of lynx",
    reference=(today, "nothing is spent"),
)

# %%
show(
    all_the_money,
    caption="The whole budget on one measure: promised and simulated mean number of lynx "
    "over thirty years.",
    alt="Grouped bars around a line at {today:.0f} lynx. Hedges promise most, "
    "{promised[2]:.0f}, and leave {all_on_one[2]:.0f}. The other three keep about what "
    "they promise, at most {all_on_one[0]:.0f}, for meadows.",
    tolerance=1e-3,
)
claim(
    "The measure with the largest gain for the first euro is the ruin of the lynx when it "
    "gets them all",
    gain_per_euro.argmax() == 2
    and all_on_one[2] < 0.5 * today
    and others.min() > today,
    evidence="lynx: nothing {today:.1f}, hedges {all_on_one[2]:.1f}, the other measures "
    "{others:.1f}",
    tolerance=1e-3,
    fails_if="hedges cost four times as much",
)

# %% [markdown]
# The elasticity was right, for the first euro. Sixty per cent less predation is no small step. When lynx catch so little that they
# cannot feed their young, hares are no longer what they lack.
#
# So try every way to split the budget in steps of five thousand. For the picture, what is not spent on hedges or meadows buys land.

# %% slideshow={"slide_type": "slide"} tags=["live:every split"]
splits = 5.0 * np.array([s for s in itertools.product(range(13), repeat=4) if sum(s) == 12])
outcome = mean_lynx(after_spending(splits))
best = splits[outcome.argmax()]

axis = np.linspace(0, 60, 31)
hedges, meadows = np.meshgrid(axis, axis)
land = budget - hedges - meadows
money = np.stack([meadows, land, hedges, 0 * land], axis=-1)
lynx_map = np.full(land.shape, np.nan)
lynx_map[land >= 0] = mean_lynx(after_spending(money[land >= 0]))

# %%
map_of_splits = maps(
    axis,
    axis,
    {"": lynx_map},
    x_label="spent on hedges (thousand euros)",
    y_label="spent on meadows (thousand euros)",
    value_labels="mean number of lynx",
    points={
        "elasticity's advice": (60, 0),
        "best split": (best[2], best[0]),
        "meadows only": (0, 60),
    },
    levels=[20, 40, 60, 80, 90, 95, 98, 100, 102, 104, 105, 106, 107, 108],
    height=4.4,
)
most = outcome.max()

# %%
show(
    map_of_splits,
    caption="Mean number of lynx for each way to spend sixty thousand euros; what is left "
    "of a point's two sums buys land.",
    alt="A triangle of colours. Lynx are many, above a hundred, along its left side and "
    "vanish towards the right corner, where all money goes into hedges and "
    "{all_on_one[2]:.0f} are left. The best split, with {most:.0f}, lies at "
    "{best[2]:.0f} thousand for hedges and {best[0]:.0f} thousand for meadows.",
    tolerance=1e-3,
)
say(
    "Of {n} splits the best is {best[0]:.0f} thousand for meadows, {best[1]:.0f} for land, "
    "{best[2]:.0f} for hedges and {best[3]:.0f} for dens: {most:.1f} lynx, against "
    "{all_on_one[0]:.1f} if meadows get everything.",
    n=len(splits),
    tolerance=1e-3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What if the parameters are wrong?
#
# Nobody knows them to a per cent. Say each may be off by a fifth, up or down. Which of the four makes the forecast uncertain? That is
# a question about the whole range. **Sobol indices** answer it: the share of the forecast's variance that would go if one parameter were
# known (*first order*), and the share that would stay if all others were (*total*). *What a slope does not see* builds them by hand.

# %% tags=["live:what to measure"]
doubt = 0.2
bounds = np.stack([baseline * (1 - doubt), baseline * (1 + doubt)], axis=1)
scramblings = 4  # independent parts of the rows, from which the intervals come
indices = sobol_indices(
    mean_lynx,
    bounds,
    n_samples=512,
    n_scramblings=scramblings,
    conf_level=0.999,
    seed=seed,
)

problem = {"num_vars": 4, "names": ["r", "K", "a", "b"], "bounds": bounds.tolist()}
rows = salib_sample.sample(problem, 512, calc_second_order=False, seed=seed + 1)
salib = salib_analyze.analyze(problem, mean_lynx(rows), calc_second_order=False, conf_level=0.999, seed=seed + 1)

# %%
# Ours are Student's, SALib's normal.
to_95 = np.divide(*student.ppf([0.975, 0.9995], scramblings - 1))
salib_to_95 = norm.ppf(0.975) / norm.ppf(0.9995)
uncertainty = bars(
    {"first order": indices.S1, "total": indices.ST, "total, by SALib": salib["ST"]},
    names,
    intervals={
        "first order": to_95 * indices.S1_conf,
        "total": to_95 * indices.ST_conf,
        "total, by SALib": salib_to_95 * salib["ST_conf"],
    },
    value_label="share of the variance",
)
S1_gap, ST_gap = abs(indices.S1 - salib["S1"]), abs(indices.ST - salib["ST"])
S1_width = np.hypot(indices.S1_conf, salib["S1_conf"])
ST_width = np.hypot(indices.ST_conf, salib["ST_conf"])

# %%
show(
    uncertainty,
    caption="Where the uncertainty of the forecast comes from, with 95 % intervals.",
    alt="Grouped bars. Total indices of growth {indices.ST[0]:.2f}, capacity "
    "{indices.ST[1]:.2f}, predation {indices.ST[2]:.2f}, conversion "
    "{indices.ST[3]:.2f}; SALib's are about the same.",
    tolerance=1e-3,
)
claim(
    "Our indices and SALib's, from other rows, agree within their intervals",
    np.all(S1_gap < S1_width) and np.all(ST_gap < ST_width),
    evidence='first order: ours {indices.S1:.3f}; SALib\'s {salib["S1"]:.3f}',
    tolerance=1e-3,
    fails_if="SALib were told that the growth rate is known exactly",
)

# %% [markdown]
# Elasticities say what to *change*; Sobol indices say what to *measure* before one forecasts. And does the plan survive the doubt? We
# draw two thousand reserves that the measurements allow, and spend the money in each.

# %% slideshow={"slide_type": "slide"} tags=["live:two thousand reserves"]
worlds = baseline * np.random.default_rng(seed).uniform(1 - doubt, 1 + doubt, (2000, 4))
untouched = mean_lynx(worlds)
plans = {"best split": best, "meadows only": [60, 0, 0, 0]}
gain = {name: mean_lynx(after_spending(plan, worlds)) - untouched for name, plan in plans.items()}
edges = np.linspace(-10, 30, 41)
harmed = {name: np.mean(g < 0) for name, g in gain.items()}
least = {name: g.min() for name, g in gain.items()}
most_gained = {name: g.max() for name, g in gain.items()}
mean_gain = {name: g.mean() for name, g in gain.items()}

# %%
gains = lines(
    (edges[1:] + edges[:-1]) / 2,
    {"": {name: np.histogram(g, edges)[0] / len(g) for name, g in gain.items()}},
    x_label="lynx gained",
    y_labels="share of the reserves",
    markers=False,
    marks={"nothing gained": 0.0},
)

# %%
show(
    gains,
    caption="Gain in two thousand reserves that are all compatible with what is known.",
    alt='Two curves. Meadows gain between {least["meadows only"]:.0f} and '
    '{most_gained["meadows only"]:.0f} lynx. The best split is spread wider, from '
    '{least["best split"]:.0f} to {most_gained["best split"]:.0f}.',
    tolerance=1e-2,
)
claim(
    "The best split on paper does harm in some of the reserves; meadows alone do none",
    least["best split"] < 0 < least["meadows only"],
    evidence='share harmed {harmed["best split"]:.1%}; mean gain of the best split '
    '{mean_gain["best split"]:.2f}, of meadows {mean_gain["meadows only"]:.2f}',
    tolerance=2e-3,
    fails_if="the parameters were known to one per cent",
)

# %% [markdown]
# On average the two plans gain about the same, so the reserve will buy meadows. And if it pays for one study, then for one of how
# fast hares multiply: that is where most of the forecast's uncertainty comes from.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — An elasticity (difficulty 1, 5 minutes)
# `f` takes an array of parameters and returns one number. Return its elasticity with respect to parameter number `j` at `x`, by a central
# difference with a step of `share` times that parameter. Leave `x` as it was.


# %% tags=["exercise"]
def elasticity(f, x, j, share=1e-4):
    ### BEGIN SOLUTION
    up, down = x.copy(), x.copy()
    up[j] *= 1 + share
    down[j] *= 1 - share
    return (f(up) - f(down)) / (2 * share) / f(x)
    ### END SOLUTION


check(exercises.elasticity, elasticity)  # hint(exercises.elasticity) helps, in layers

# %% [markdown]
# ## Exercise 2 — How much hunting is best? (difficulty 2, 10 minutes)
# At rest there are $\frac{r}{a}\left(1 - \frac{m}{abK}\right)$ lynx. Return the predation rate $a$ at which they are most.


# %% tags=["exercise"]
def best_predation_rate(K, b, m):
    ### BEGIN SOLUTION
    return 2 * m / (b * K)
    ### END SOLUTION


check(exercises.best_predation, best_predation_rate)

# %% [markdown]
# ## Exercise 3 — A sensitivity equation (difficulty 3, 15 minutes)
# Hares alone grow as $\frac{dx}{dt} = r x (1 - x/K)$. Return the right-hand side of the equation for $s = \partial x / \partial r$, given
# $x$ and $s$.


# %% tags=["exercise"]
def rate_of_sensitivity(x, s, r, K):
    ### BEGIN SOLUTION
    return r * (1 - 2 * x / K) * s + x * (1 - x / K)
    ### END SOLUTION


check(exercises.sensitivity_equation, rate_of_sensitivity)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Parameters in different units are compared by elasticities: per cent of output for a per cent of input.
# - The derivatives of a trajectory follow a differential equation of their own. They change with time, and even their sign may.
# - An elasticity is about the first euro. For a whole budget, run the model.
# - Elasticities say what to change, Sobol indices what to measure. A plan should hold in all the worlds that the measurements allow.

# %% [markdown]
# ## Where it breaks
#
# - Real lynx are sated when hares are many. With that in the model more room for hares can make both species swing until they
#   die out, which is known as the paradox of enrichment.
# - A model in which numbers are never quite zero knows no extinction. Three lynx are not three per cent of a hundred.
# - Prices per cent do not stay constant either: the tenth hedge hides fewer hares than the first.
# - We drew the four parameters independently. Fitted to the same counts, they would be correlated.

# %% [markdown]
# ## Further reading
#
# - [Dickinson and Gelinas (1976)](https://doi.org/10.1016/0021-9991%2876%2990007-3), *Sensitivity analysis of ordinary
#   differential equation systems: A direct method*: the sensitivity equations, for chemical kinetics.
# - [Rosenzweig (1971)](https://doi.org/10.1126/science.171.3969.385), *Paradox of enrichment: Destabilization of exploitation
#   ecosystems in ecological time*: why feeding the prey can kill the predator.
# - [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184), *Global Sensitivity Analysis: The Primer*, chapter 4:
#   variance-based indices, with examples from the environment.
