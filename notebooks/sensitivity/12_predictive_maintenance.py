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
# # Which sensor to buy
#
# Importance measures against a failure rule that we know
#
# > **After this notebook you can**
# >
# > - say which question each importance measure answers: alone, last, shuffled, shared fairly
# > - recognise what impurity importance makes of a useless column
# > - find inputs that are worth something only together
# > - turn importances into money: which sensors to buy, and when to service
#
# **20 minutes**, and as many for the exercises · builds on *Important for what?* · data: simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A plant reads three sensors on each machine once a week: temperature, vibration and pressure. Their licences are due. A random forest
# predicts next week's failures, and its importances fill a bar chart: pressure towers, the other two hardly show. "Keep
# pressure, cancel the rest", says the chart.
#
# Should the plant believe it? And once it knows which sensors to keep: at what risk should a machine be stopped and serviced?

# %% tags=["setup"]
import itertools
import math

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from xaicourse.attribution import permutation_importance
from xaicourse.exercises import predictive_maintenance as exercises
from xaicourse.plotting import bars, dots, lines
from xaicourse.sensitivity import sobol_indices
from xaicourse.teaching import check, claim, hint, progress, say, show

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A plant we know completely
#
# A machine fails when it is hot *and* shakes, or when its pressure is too high. That is the slide's rule.

# %% tags=["live:the failure rule"]
sensors = ["temperature", "vibration", "pressure"]
mean, sd, limit = np.array([60, 0.5, 100]), np.array([10, 0.2, 20]), np.array([75, 0.7, 130])


def fails(readings):
    hot, shaky, pressed = (readings > limit).T
    return hot & shaky | pressed


def plant(n, key):
    """Return readings of n machines, and whether each will fail."""
    readings = np.random.default_rng([seed, key]).normal(mean, sd, (n, 3))
    return readings, fails(readings)


# %% [markdown]
# All that the rule asks of a sensor is whether it is above its limit. So the truth is a table with eight cells, and every quantity below has
# an exact value. Let $v(s)$ be the share of the variance of "fails" that is explained by knowing the sensors in $s$.

# %% tags=["live:the exact truth"]
above = norm.sf(limit, mean, sd)
cells = np.array(list(itertools.product([0, 1], repeat=3)))
weight = np.prod(np.where(cells, above, 1 - above), axis=1)
outcome = fails(np.where(cells, limit + 1, limit - 1)).astype(float)
failure_rate = weight @ outcome
subsets = [s for size in range(4) for s in itertools.combinations(range(3), size)]


def expected(values, s, weight=weight):
    """Return the mean of values given the sensors in s, for each cell."""
    same = (cells[:, None, s] == cells[None, :, s]).all(axis=2) * weight
    return same @ values / same.sum(axis=1)


variance = failure_rate * (1 - failure_rate)
v = {s: weight @ (expected(outcome, s) - failure_rate) ** 2 / variance for s in subsets}
everything = (0, 1, 2)
alone = np.array([v[(j,)] for j in range(3)])
last = np.array([v[everything] - v[tuple(k for k in range(3) if k != j)] for j in range(3)])

# %% [markdown]
# What a sensor explains *alone* is its first-order Sobol index. What is lost when it is *taken away last* is its total index. Both
# can be estimated from nothing but runs of the rule (*What a slope does not see* builds the estimator by hand), and must come out the
# same. The estimator draws from a box, here the unit cube, so the function begins with the normal quantile:

# %% tags=["live:Sobol indices"]
scramblings = 4  # independent parts of the rows, from which the intervals come
indices = sobol_indices(
    lambda U: fails(mean + sd * norm.ppf(U)),
    [(0, 1)] * 3,
    n_samples=2**14,
    n_scramblings=scramblings,
    conf_level=0.999,
    seed=seed,
)

# %%
to_95 = np.divide(*student.ppf([0.975, 0.9995], scramblings - 1))
by_sobol = bars(
    {"alone (first order)": indices.S1, "taken away last (total)": indices.ST},
    sensors,
    intervals={
        "alone (first order)": to_95 * indices.S1_conf,
        "taken away last (total)": to_95 * indices.ST_conf,
    },
    value_label="share of the variance",
)

# %%
show(
    by_sobol,
    caption="Sobol indices of the failure rule, with 95 % intervals.",
    alt="Grouped bars. Alone, temperature explains {alone[0]:.3f}, vibration "
    "{alone[1]:.3f}, pressure {alone[2]:.2f}. Taken away last they cost {last[0]:.2f}, "
    "{last[1]:.2f} and {last[2]:.2f}.",
)
say(
    "{failure_rate:.1%} of the machines fail. Exactly, the three sensors explain "
    "{alone[0]:.4f}, {alone[1]:.4f} and {alone[2]:.4f} alone, and {last[0]:.4f}, "
    "{last[1]:.4f} and {last[2]:.4f} when taken away last.",
)
claim(
    "The estimated indices agree with the exact ones within their 99.9 % intervals",
    np.all(abs(indices.S1 - alone) < indices.S1_conf)
    and np.all(abs(indices.ST - last) < indices.ST_conf),
    evidence="estimated alone {indices.S1:.3f}; taken away last {indices.ST:.3f}",
    fails_if="a machine failed only when all three were too high",
)
claim(
    "Temperature and vibration matter only together: with the other at hand each explains "
    "more than five times what it explains alone",
    np.all(last[:2] > 5 * alone[:2]) and last[2] < 1.1 * alone[2],
    evidence="last over alone: temperature {ratios[0]:.1f}, vibration {ratios[1]:.1f}, "
    "pressure {ratios[2]:.2f}",
    ratios=last / alone,
    fails_if="a machine failed when any of the three was too high",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide's forest
#
# A forest on a thousand machines, and the importances that it carries with it. They are sums over splits: how much purer the training
# rows became. To see what that can mean, we add a column that means nothing, the machine's serial number. As there are few failures in a
# thousand rows, we repeat it with new machines.


# %% tags=["live:impurity importance"]
def brier(y, risk):
    return -np.mean((y - risk) ** 2)


impurity, shuffled, right, caught = [], [], [], []
for key in progress("plants")(range(10, 22)):
    X, y = plant(1000, key)
    X = np.column_stack([X, np.random.default_rng([seed, key]).permutation(1000)])
    forest = RandomForestClassifier(50, random_state=seed + key).fit(X[:800], y[:800])
    impurity.append(forest.feature_importances_)
    shuffled.append(permutation_importance(forest, X[800:], y[800:], score=brier, target=1, seed=seed).mean)
    alarm = forest.predict(X[800:])
    right.append(np.mean(alarm == y[800:]))
    caught.append(np.mean(alarm[y[800:]]))
impurity, shuffled = np.array(impurity), np.array(shuffled) / (2 * variance)

# %%
kinds = {"impurity, training rows": impurity, "shuffled, new rows": shuffled}
two_importances = bars(
    {kind: found.mean(0) for kind, found in kinds.items()},
    [*sensors, "serial number"],
    intervals={kind: 2 * found.std(0) for kind, found in kinds.items()},
    value_label="importance",
)
mean_impurity, mean_shuffled = impurity.mean(0), shuffled.mean(0)
share_right, share_caught = np.mean(right), np.mean(caught)

# %%
show(
    two_importances,
    caption="Two importances of forests on 800 machines; the intervals hold 95 % of the "
    "plants.",
    alt="Grouped bars. Both put pressure first, at {mean_impurity[2]:.2f} and "
    "{mean_shuffled[2]:.2f}. The serial number has an impurity importance of "
    "{mean_impurity[3]:.3f}, and of {mean_shuffled[3]:.4f} when shuffled.",
    tolerance=0.01,
)
say(
    "The forests are right about {share_right:.1%} of the machines, which sounds better "
    "than it is: saying that nothing ever fails is right about {majority:.1%}. They catch "
    "{share_caught:.0%} of the failures.",
    majority=1 - failure_rate,
    tolerance=0.02,
)

# %% [markdown]
# Is that so in every plant, and is the serial number's share more than chance over the plants?

# %%
pressure_first = np.all(impurity.argmax(1) == 2) and np.all(shuffled.argmax(1) == 2)
of_serial = impurity[:, 3]
z = norm.ppf(0.9995) / math.sqrt(len(impurity))
at_least = of_serial.mean() - z * of_serial.std(ddof=1)

# %%
claim(
    "A thousand rows are enough to put pressure first in every plant; and impurity gives a "
    "serial number a share, shuffling does not",
    pressure_first and at_least > 0.005 and abs(mean_shuffled[3]) < 0.003,
    evidence="the serial number's impurity {mean_impurity[3]:.3f}, smallest "
    "{smallest:.3f}; shuffled {mean_shuffled[3]:.4f}",
    smallest=of_serial.min(),
    tolerance=0.005,
    fails_if="old machines failed: the serial number decided",
)

# %% [markdown]
# Impurity is counted on the rows that chose the split. A column with a thousand values offers a thousand places to split, and one
# of them always fits the noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four questions, one forest
#
# Now twenty thousand machines, and forests for every set of sensors. Their explained variance on new machines estimates $v(s)$. From
# these eight numbers:
#
# - **alone**: $v(\{j\})$
# - **taken away last** (drop-column): $v(\text{all}) - v(\text{all but } j)$
# - **Shapley**: the mean of $v(s \cup j) - v(s)$ over all orders in which sensors may be bought
#
# And without retraining, **shuffled**: by how much the squared error rises, over twice the variance. For a perfect model and independent
# sensors that is the total index once more.

# %% slideshow={"slide_type": "fragment"} tags=["live:a forest for each set"]
X, y = plant(20_000, 1)
X_new, y_new = plant(20_000, 2)
recipe = RandomForestClassifier(20, min_samples_leaf=50, max_leaf_nodes=4, max_features=None, random_state=seed)
forests = {s: clone(recipe).fit(X[:, s], y) for s in progress("sensor sets")(subsets[1:])}
risks = {s: forests[s].predict_proba(X_new[:, s])[:, 1] if s else np.full(20_000, y.mean()) for s in subsets}
estimated = {s: 1 - np.mean((y_new - risks[s]) ** 2) / y_new.var() for s in subsets}


# %% tags=["live:three importances"]
def shapley(v):
    """Average what each sensor adds over all orders of buying."""
    shares = np.zeros(3)
    for order in itertools.permutations(range(3)):
        for place, j in enumerate(order):
            before = tuple(sorted(order[:place]))
            shares[j] += (v[tuple(sorted((*before, j)))] - v[before]) / math.factorial(3)
    return shares


def three_importances(v):
    rest = [tuple(k for k in range(3) if k != j) for j in range(3)]
    return np.array([[v[(j,)] for j in range(3)], [v[everything] - v[r] for r in rest], shapley(v)])


# %% tags=["live:and the fourth"]
def luck(old, new):
    """Return the importances found if so many old and new machines fall into each cell, and nothing else goes wrong."""
    errors = {s: np.average((outcome - expected(outcome, s, old)) ** 2, weights=new) for s in subsets}
    rate = np.average(outcome, weights=new)
    return three_importances({s: 1 - errors[s] / (rate * (1 - rate)) for s in subsets})


found, exact = three_importances(estimated), three_importances(v)
draws = np.random.default_rng([seed, 3]).multinomial(20_000, weight, size=(300, 2))
many = np.array([luck(old, new) for old, new in draws])
width = norm.ppf(1 - 0.0005 / 9) * many.std(axis=0, ddof=1)  # nine comparisons at once
beyond_nothing = estimated[everything] - estimated[()]
shuffle = permutation_importance(forests[everything], X_new, y_new, score=brier, target=1, seed=seed)
by_shuffling = shuffle.drops / (2 * y_new.var())

# %%
questions = ["alone", "taken away last", "Shapley"]
three_readings = dots(
    {"exact": exact[:, :2].ravel(), "from forests": found[:, :2].ravel()},
    [f"{name}, {question}" for question in questions for name in sensors[:2]],
    intervals={"exact": 1.96 * many.std(axis=0, ddof=1)[:, :2].ravel()},
    value_label="share of the variance",
)
by_order = found[2]
between = np.all(exact[0] <= exact[2]) and np.all(exact[2] <= exact[1])

# %%
show(
    three_readings,
    caption="Temperature and vibration, in three readings; 95 % of samples of twenty "
    "thousand machines fall within the intervals.",
    alt="Six rows of dots. Alone, both are near zero; taken away last, {found[1, 0]:.2f} "
    "and {found[1, 1]:.2f}; Shapley lies between. The estimates lie near the exact "
    "values.",
    tolerance=0.01,
)
claim(
    "Estimated from forests, alone, taken away last and Shapley agree with the exact "
    "values within 99.9 % intervals",
    np.all(abs(found - exact) < width),
    evidence="exact Shapley values {exact[2]:.3f}; estimated {by_order:.3f}",
    tolerance=0.01,
    fails_if="the forests had been trained on shuffled outcomes",
)
claim(
    "Shapley values share out all that is explained, and each lies between alone and taken "
    "away last",
    abs(by_order.sum() - beyond_nothing) < 1e-12 and between,
    evidence="their sum {shared_out:.3f}",
    shared_out=by_order.sum(),
    tolerance=0.01,
    fails_if="an order of buying were forgotten",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which is second?
#
# Between temperature and vibration the exact total indices differ by a hundredth. A thousand machines cannot tell; with twenty thousand,
# shuffling can, because both sensors are shuffled in the same way. And the impurity that comes with the same forest?

# %% tags=["live:impurity again"]
ahead = by_shuffling[0] - by_shuffling[1]
impurity_all = forests[everything].feature_importances_
impurity_some = clone(recipe).set_params(max_features=1).fit(X, y).feature_importances_

# %%
which_second = bars(
    {
        "exact total index": last[:2],
        "shuffled": by_shuffling.mean(1)[:2],
        "impurity (all)": impurity_all[:2],
        "impurity (one)": impurity_some[:2],
    },
    sensors[:2],
    value_label="importance",
)
lead, lead_exact = ahead.mean(), last[0] - last[1]
half_width = norm.ppf(0.9995) * ahead.std(ddof=1) / math.sqrt(10)

# %%
show(
    which_second,
    caption="Temperature and vibration: the exact total index, shuffling, and impurity in "
    "two forests that differ in one setting, how many columns a split may choose from: "
    "all, or one at random.",
    alt="Grouped bars. Total index {last[0]:.3f} and {last[1]:.3f}; shuffled about the "
    "same. Impurity gives temperature {impurity_all[0]:.3f} and vibration "
    "{impurity_all[1]:.3f} when a split may choose from all columns, "
    "{impurity_some[0]:.3f} and {impurity_some[1]:.3f} when it gets one at random.",
    tolerance=0.01,
)
claim(
    "On twenty thousand machines shuffling puts temperature before vibration, as it is; "
    "impurity in the same forest puts it far behind",
    lead > half_width and impurity_all[1] > 3 * impurity_all[0],
    evidence="ahead by {lead:.4f}, exactly {lead_exact:.4f}; impurity of temperature "
    "{impurity_all[0]:.3f}, of vibration {impurity_all[1]:.3f}",
    tolerance=0.005,
    fails_if="heat were as common as shaking, and shaking as rare as heat",
)

# %% [markdown]
# Impurity books the gain of a pair on whichever sensor is split last. Which one that is depends on a setting of the forest, and says
# nothing about machines.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to buy, and when to service
#
# Money decides. A failure costs ten thousand euros, a service that prevents it one thousand. So a machine should be stopped when its risk
# is above one in ten, as far as the sensors can tell. Licences cost 200 euros a machine and week for pressure, 20 for temperature, 30
# for vibration.

# %% tags=["live:what each set saves"]
failure, service = 10.0, 1.0  # thousand euros
licence = np.array([0.02, 0.03, 0.2])


def weekly_cost(risk):
    """Return the cost of each new machine this week, licences aside, when those at risk are serviced."""
    return np.where(risk > service / failure, service, failure * y_new)


cost = {s: weekly_cost(risks[s]) for s in subsets}
exact_cost = {s: weight @ np.minimum(service, failure * expected(outcome, s)) for s in subsets}
net = {s: 1000 * (exact_cost[()] - exact_cost[s] - licence[list(s)].sum()) for s in subsets}
net_found = {s: 1000 * (cost[()] - cost[s]) - 1000 * licence[list(s)].sum() for s in subsets}

# %%
exact_saved = [net[s] for s in subsets[1:]]
error = {s: net_found[s].std(ddof=1) / math.sqrt(20_000) for s in subsets[1:]}
saved = bars(
    {
        "exact": exact_saved,
        "from forests": [net_found[s].mean() for s in subsets[1:]],
    },
    [" + ".join(sensors[j] for j in s) for s in subsets[1:]],
    intervals={"from forests": [1.96 * error[s] for s in subsets[1:]]},
    value_label="saved per machine and week (euros)",
    horizontal=True,
    height=4.2,
)

# %%
show(
    saved,
    caption="What each set of sensors saves after its licences, with 95 % intervals.",
    alt="Horizontal bars for seven sets. All three sensors save most, "
    "{net[0, 1, 2]:.0f} euros; pressure alone {net[(2,)]:.0f}; pressure with vibration "
    "{net[1, 2]:.0f}; vibration alone {net[(1,)]:.0f}.",
)

# %% [markdown]
# What does vibration add, machine by machine, when pressure is there, and when temperature is there, too?

# %%
bound = norm.ppf(0.9995) / math.sqrt(20_000)
to_pressure = net_found[1, 2] - net_found[(2,)]
to_both = net_found[everything] - net_found[0, 2]
added = {"pressure": to_pressure.mean(), "both": to_both.mean()}
agree = [
    abs(net_found[s].mean() - net[s]) < norm.ppf(1 - 0.0005 / 7) * error[s]
    for s in subsets[1:]
]

# %%
claim(
    "Next to pressure alone vibration is not worth its licence; next to pressure and "
    "temperature it is",
    added["pressure"] + bound * to_pressure.std() < 0
    and added["both"] - bound * to_both.std() > 0,
    evidence='euros that it adds to pressure {added["pressure"]:.1f}, to both '
    '{added["both"]:.1f}',
    tolerance=2.0,
    fails_if="a failure cost thirty thousand euros",
)
claim(
    "The savings found with forests agree with the exact ones within 99.9 % intervals, and "
    "the best set is all three",
    all(agree) and max(net, key=net.get) == everything,
    evidence="exact savings of the seven sets: {exact_saved:.0f}",
    fails_if="a false alarm were free",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How often?
#
# Order machines by risk and service the first few, or many. The lowest point of each curve says how often a plant with these sensors
# should service.

# %% tags=["live:how often"]
share = np.linspace(0, 0.25, 126)


def cost_curve(s):
    """Return euros per machine and week, licences included, when a share of the machines is serviced, riskiest first."""
    first = np.argsort(-risks[s], kind="stable")
    prevented = np.concatenate([[0], np.cumsum(y_new[first])])[(share * 20_000).astype(int)] / 20_000
    return 1000 * (service * share + failure * (y_new.mean() - prevented) + licence[list(s)].sum())


curves = {
    "no sensor": cost_curve(()),
    "temperature + vibration": cost_curve((0, 1)),
    "pressure": cost_curve((2,)),
    "all three": cost_curve(everything),
}

# %%
best_share = share[curves["all three"].argmin()]
lowest = {name: curve.min() for name, curve in curves.items()}
how_often = lines(
    share * 100,
    {"": curves},
    x_label="machines serviced in a week (%)",
    y_labels="euros per machine and week",
    markers=False,
    marks={"those that would fail": 100 * failure_rate},
)

# %%
show(
    how_often,
    caption="Cost of servicing the riskiest machines, licences included, for four sets of "
    "sensors.",
    alt='Four curves. Without sensors the cost rises slowly from '
    '{curves["no sensor"][0]:.0f} euros. With all three it falls to '
    '{lowest["all three"]:.0f} where {best_share:.1%} are serviced, then rises; with '
    'pressure alone to {lowest["pressure"]:.0f}.',
    tolerance={
        'lowest["all three"]': 5.0,
        'lowest["pressure"]': 5.0,
        "best_share": 0.005,
    },
)
say(
    "With all three sensors the plant services {best_share:.1%} of its machines a week, so "
    "that a machine's turn comes every {weeks:.0f} weeks on average, but not by the "
    "calendar.",
    weeks=1 / max(best_share, share[1]),
    tolerance={"best_share": 0.005, "weeks": 1.0},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — What accuracy hides (difficulty 1, 5 minutes)
# Both arrays hold truth values: which machines failed, and for which there was an alarm. Return the share of the failures that came
# without an alarm.


# %% tags=["exercise"]
def share_missed(failed, alarm):
    ### BEGIN SOLUTION
    return np.mean(~alarm[failed])
    ### END SOLUTION


check(exercises.share_missed, share_missed)  # hint(exercises.share_missed) helps, in layers

# %% [markdown]
# ## Exercise 2 — Drop a column (difficulty 2, 10 minutes)
# Return, for each column of `X`, how much the score of `model` on the new rows falls when it is trained and tested without that column.
# Leave `model` itself as it was; `clone(model)` gives a fresh one.


# %% tags=["exercise"]
def drop_columns(model, X, y, X_new, y_new):
    ### BEGIN SOLUTION
    baseline = clone(model).fit(X, y).score(X_new, y_new)
    without = [np.delete(np.arange(X.shape[1]), j) for j in range(X.shape[1])]
    return np.array([baseline - clone(model).fit(X[:, s], y).score(X_new[:, s], y_new) for s in without])
    ### END SOLUTION


check(exercises.drop_columns, drop_columns)

# %% [markdown]
# ## Exercise 3 — A fair price (difficulty 2, 10 minutes)
# Two suppliers sell a sensor each. `v_a` and `v_b` are what the sensors save alone, `v_ab` what they save together. Return the two Shapley
# values: what each supplier may fairly ask.


# %% tags=["exercise"]
def fair_prices(v_a, v_b, v_ab):
    ### BEGIN SOLUTION
    return (v_a + v_ab - v_b) / 2, (v_b + v_ab - v_a) / 2
    ### END SOLUTION


check(exercises.fair_prices, fair_prices)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Alone, taken away last, shuffled, Shapley: each answers another question. Alone is the first-order index; taken away last and, for a good
#   model, shuffled are the total index.
# - Two sensors can be worthless apart and valuable together. A list of single importances cannot say so.
# - Impurity importance rewards columns with many values, and books a pair's gain on one of the two at random.
# - Importance is not worth. Put in what errors and sensors cost, and compare sets.

# %% [markdown]
# ## Where it breaks
#
# - The sensors here are independent. If hot machines also shake, shuffling one of them shows the model machines that do not exist, and
#   taken away last shrinks because the other stands in.
# - With three sensors all eight forests can be trained. With thirty, Shapley values must be sampled.
# - Our failures follow their cause exactly, and a service always helps.

# %% [markdown]
# ## Further reading
#
# - [Strobl et al. (2007)](https://doi.org/10.1186/1471-2105-8-25), *Bias in random forest variable importance measures:
#   Illustrations, sources and a solution*: why impurity favours columns with many values.
# - [Owen (2014)](https://doi.org/10.1137/130936233), *Sobol' indices and Shapley value*: Shapley values of explained variance,
#   and that they lie between the two Sobol indices.
# - [Lundberg and Lee (2017)](https://arxiv.org/abs/1705.07874), *A unified approach to interpreting model predictions*: Shapley
#   values of single predictions.
