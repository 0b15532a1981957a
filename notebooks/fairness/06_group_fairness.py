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
# # Both sides were right
#
# Group fairness: measured, proven impossible, and enforced
#
# > **After this notebook you can**
# >
# > - measure a decision group by group, with intervals, and choose the rates that a question is about
# > - explain why precision and error rates cannot be equal in two groups that differ in their base rates
# > - enforce equal selection rates in training and after it, and say what that costs
# > - say what an enforced bound promises about people whom nobody has seen yet
#
# **25 minutes**, and 20 for the exercises · builds on a first course in machine learning · data: COMPAS, or its simulated twin, and simulated customers of an insurer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# In 2016 journalists of ProPublica looked at COMPAS, a score from 1 to 10 that tells American judges how likely a defendant is to be
# charged again. Among those who were *not* charged again, Black defendants had been called risky about twice as often as white ones.
# The maker of the score answered: among those whom the score calls risky, as many Black as white defendants *are* charged again.
# So the score is fair.
#
# A court asks you to settle it, and to repair the score if it must be repaired. Who is right? And can it be repaired?

# %% tags=["setup"]
import warnings

import numpy as np
import pandas as pd
from fairlearn.metrics import (
    demographic_parity_difference,
    equalized_odds_difference,
)
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import DemographicParity, ExponentiatedGradient
from scipy.stats import norm, t
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from xaicourse.datasets import load_recidivism
from xaicourse.datasets.portfolio import simulate_portfolio
from xaicourse.exercises import group_fairness as exercises
from xaicourse.fairness import group_metrics
from xaicourse.plotting import dots, lines
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# We take the two groups of the dispute; the others are small. Race, and the score itself, will be no inputs of our models.

# %% tags=["live:load the table"]
compas = load_recidivism(seed=seed)
dispute = compas.features["race"].isin(["African-American", "Caucasian"]).to_numpy()
people = compas.features[dispute]
again = compas.target.to_numpy()[dispute]
race = people["race"].astype(str).to_numpy()
risky = (people["decile_score"] >= 5).to_numpy(int)
charged_again = {g: again[race == g].mean() for g in np.unique(race)}

# %%
say("{compas.origin}")
say(
    "{people.shape[0]:,} people of the two groups: "
    '{charged_again["African-American"]:.1%} of the African-American and '
    '{charged_again["Caucasian"]:.1%} of the Caucasian ones were charged '
    "again within two years."
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measure it
#
# A yes-or-no decision has several rates in each group. Of those who were not charged again, how many were called risky: the *false
# positive rate*. Of those who were, how many were called harmless: the *false negative rate*. Of those called risky, how many were charged
# again: the *precision*.

# %% slideshow={"slide_type": "fragment"} tags=["live:measure the score"]
score_rates = group_metrics(again, risky, race)
groups = list(score_rates.rates.index)

# %%
asked = {
    "false positive rate": "false_positive_rate",
    "true positive rate": "true_positive_rate",
    "precision": "precision",
    "selection rate": "selection_rate",
}
rates, low, high = (
    frame[list(asked.values())]
    for frame in (score_rates.rates, score_rates.low, score_rates.high)
)
fpr, tpr, precision, selected = rates.to_numpy().T
by_group = dots(
    {g: rates.loc[g] for g in groups},
    list(asked),
    intervals={
        g: [(rates - low).loc[g], (high - rates).loc[g]] for g in groups
    },
    value_label="share",
    limits=(0, 1),
)

# %%
show(
    by_group,
    caption="A score of 5 or more as a decision, by group, with 95 % "
    "intervals.",
    alt="Dots for two groups. False positive rate {fpr[0]:.0%} and "
    "{fpr[1]:.0%}, true positive rate {tpr[0]:.0%} and {tpr[1]:.0%}, "
    "precision {precision[0]:.0%} and {precision[1]:.0%}, selection rate "
    "{selected[0]:.0%} and {selected[1]:.0%}; the African-American group "
    "comes first.",
)

# %%
z = norm.ppf(0.9995)


def lead(rate):
    """African-American minus Caucasian, and its standard error."""
    p, n = score_rates.rates[rate].to_numpy(), score_rates.rows[rate].to_numpy()
    return p[0] - p[1], np.sqrt((p * (1 - p) / n).sum())


fpr_lead, fpr_error = lead("false_positive_rate")
precision_lead, precision_error = lead("precision")
lead_at_least = fpr_lead - z * fpr_error
closer_by = abs(fpr_lead) - abs(precision_lead)
closer_by_at_least = closer_by - z * np.hypot(fpr_error, precision_error)

# %%
claim(
    "Both sides were right: the false positive rates are far apart, and the "
    "precisions are much closer",
    lead_at_least > 0.1 and closer_by_at_least > 0,
    evidence="the false positive rates differ by {fpr_lead:.3f}, the "
    "precisions by {precision_lead:.3f}",
    fails_if="the groups were shuffled among the people",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# The field's library for such rates is fairlearn.

# %%
ours = [score_rates.difference("selection_rate"), score_rates.equalized_odds_difference]
library = [f(again, risky, sensitive_features=race) for f in (demographic_parity_difference, equalized_odds_difference)]
deviation = abs(np.subtract(ours, library)).max()

# %%
claim(
    "Our differences are fairlearn's",
    np.allclose(ours, library, rtol=0, atol=1e-12),
    evidence="demographic parity difference {ours[0]:.4f}, equalised odds "
    "difference {ours[1]:.4f}; they deviate by {deviation:.0e} at most",
    fails_if="the library were given the decisions of another threshold",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why they cannot all be equal
#
# Count a group's people in a table of two by two, with base rate $p$, precision PPV, false negative rate FNR and false positive
# rate FPR. The four are tied to each other ([Chouldechova, 2017](https://arxiv.org/abs/1703.00056)):
#
# $$\mathrm{FPR} = \frac{p}{1-p} \; \frac{1-\mathrm{PPV}}{\mathrm{PPV}} \; (1 - \mathrm{FNR}).$$
#
# Two groups with the same precision and the same false negative rate, and different base rates, *must* have different false positive
# rates. This is arithmetic. No model, no law and no amount of data changes it.


# %% slideshow={"slide_type": "fragment"} tags=["live:the identity"]
def implied_fpr(base_rate, precision, true_positive_rate):
    """The false positive rate that the other three leave."""
    return base_rate / (1 - base_rate) * (1 - precision) / precision * true_positive_rate


r = score_rates.rates
identity_error = float(
    abs(implied_fpr(r["base_rate"], r["precision"], r["true_positive_rate"]) - r["false_positive_rate"]).max()
)

# %%
claim(
    "The identity holds for both groups, to rounding",
    identity_error < 1e-12,
    evidence="the largest deviation is {identity_error:.0e}",
    fails_if="the identity forgot the base rate",
)

# %% [markdown]
# Now suppose that a perfect repair gave both groups the precision and the false negative rate that the score has over all. What would the false
# positive rates be?

# %% tags=["live:make precision and misses equal"]
overall_precision, overall_tpr = again[risky == 1].mean(), risky[again == 1].mean()
left_over = implied_fpr(r["base_rate"].to_numpy(), overall_precision, overall_tpr)
grid = np.linspace(0.2, 0.6, 81)

# %%
implied = implied_fpr(grid, overall_precision, overall_tpr)
follows = lines(
    grid,
    {"": {"implied false positive rate": implied}},
    x_label="base rate of the group",
    y_labels="false positive rate",
    markers=False,
    marks={
        g.replace("-", "-\n"): float(r.loc[g, "base_rate"]) for g in groups
    },
    limits=(0, 0.75),
)
rng = np.random.default_rng(seed)
base, n = r["base_rate"].to_numpy(), score_rates.rows["base_rate"].to_numpy()
redrawn = implied_fpr(rng.binomial(n, base, (4000, 2)) / n, overall_precision, overall_tpr)
least_gap = np.quantile(redrawn[:, 0] - redrawn[:, 1], 0.0005)

# %%
show(
    follows,
    caption="With precision and misses the same for all, the false positive "
    "rate follows from the base rate.",
    alt="A rising curve. At the base rate of the Caucasian group it stands at "
    "{left_over[1]:.0%}, at that of the African-American group at "
    "{left_over[0]:.0%}.",
)
claim(
    "With equal precision and equal misses, the false positive rates of the "
    "two groups would be {left_over[0]:.0%} and {left_over[1]:.0%}; sampling "
    "does not explain the gap",
    least_gap > 0.05,
    evidence="the gap is at least {least_gap:.1%}",
    fails_if="the two groups had the same base rate",
)

# %% [markdown]
# So the court has to choose which of the rates shall be equal, and no statistics can choose for it. The choice says who carries the
# errors. (And the base rates are *arrests*, not crimes. If one group is arrested more for the same acts, they are biased themselves.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Enforce it
#
# Suppose that the choice is: both groups are to be called risky equally often, up to a small $\varepsilon$. (That is *demographic parity*; other
# choices are enforced the same way.) There are two places to do it:
#
# - **in training**: exponentiated gradient ([Agarwal et al., 2018](https://arxiv.org/abs/1803.02453)) reweights the rows until a
#   randomised mixture of models keeps the
#   bound. Race is needed to train, not to decide.
# - **after it**: the threshold optimiser ([Hardt, Price and Srebro, 2016](https://arxiv.org/abs/1610.02413)) leaves the model
#   alone and gives each group thresholds of its own.
#   Race is needed to decide.
#
# fairlearn bounds each group against *everybody*, so that two groups can be $2 \varepsilon$ apart.

# %% tags=["live:enforce it twice"]
epsilon = 0.02


def enforce(X, y, member, split_seed):
    """Chance of a yes, of every row, from three models; and which rows are held out."""
    rows = np.arange(len(y))
    held = np.isin(rows, train_test_split(rows, test_size=0.3, random_state=split_seed, stratify=2 * y + member)[1])
    Z = StandardScaler().fit(X[~held]).transform(X)
    fit_to = Z[~held], y[~held]
    plain = LogisticRegression().fit(*fit_to)
    in_training = ExponentiatedGradient(LogisticRegression(), DemographicParity(difference_bound=epsilon), nu=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fairlearn's use of pandas
        in_training.fit(*fit_to, sensitive_features=member[~held])
    after = ThresholdOptimizer(estimator=plain, prefit=True, predict_method="predict_proba")
    after.fit(*fit_to, sensitive_features=member[~held])
    yes = {
        "plain": plain.predict(Z).astype(float),
        "in training": in_training._pmf_predict(Z)[:, 1],
        "after it": after._pmf_predict(Z, sensitive_features=member)[:, 1],
    }
    return yes, held


# %% [markdown]
# Two tables: COMPAS, and an insurer's customers whose underwriters turned down a religious minority by a planted amount. A model there
# predicts who is accepted. Each is split anew several times.

# %% tags=["live:two tables"]
X_compas = pd.get_dummies(people.drop(columns=["race", "decile_score", "usual_filter"])).astype(float)
X_compas["priors_count"] = np.log1p(X_compas["priors_count"])
portfolio = simulate_portfolio(6000, against_religion=3.0, against_politics=0.0, seed=seed)
religion = portfolio.truth.religion == 1
tables = {
    "COMPAS": (X_compas.to_numpy(), again, race == "African-American"),
    "insurer": (pd.get_dummies(portfolio.customers).to_numpy(float), portfolio.accepted.to_numpy(), religion),
}
n_splits = 6
runs = {
    name: [enforce(*columns, seed + s) for s in progress(name)(range(n_splits))] for name, columns in tables.items()
}


# %% tags=["live:measure what was enforced"]
def parity_gap(yes, member):
    return abs(yes[member].mean() - yes[~member].mean())


gaps, right = {}, {}
for name, (_, y, member) in tables.items():
    for model in ("plain", "in training", "after it"):
        gaps[name, model] = np.array(
            [[parity_gap(yes[model][part], member[part]) for part in (~held, held)] for yes, held in runs[name]]
        )
        right[name, model] = np.array(
            [np.mean(np.where(y, yes[model], 1 - yes[model])[held]) for yes, held in runs[name]]
        )

# %%
names = [(name, model) for name in tables for model in ("plain", "in training", "after it")]
spread = t.ppf(0.975, n_splits - 1) / np.sqrt(n_splits)
labels = [f"{name}, {model}" for name, model in names]
parts = ["training rows", "held-out rows"]
means = pd.DataFrame([gaps[key].mean(0) for key in names], labels, parts)
stds = pd.DataFrame([gaps[key].std(0, ddof=1) for key in names], labels, parts)
promised = dots(
    {part: means[part] for part in parts},
    labels,
    intervals={part: spread * stds[part] for part in parts},
    value_label="difference of the groups' selection rates",
    reference=(2 * epsilon, "2ε"),
)

# %%
bound = 2 * epsilon
worst = max(gaps[key][:, 0].max() for key in names if key[1] != "plain")
on_training, on_held_out = means["training rows"], means["held-out rows"]

# %%
show(
    promised,
    caption="What enforcement promises and what it keeps: means over the "
    "splits with 95 % intervals.",
    alt='Dots. On COMPAS the gap of {on_training["COMPAS, plain"]:.2f} on '
    'training rows falls to {on_training["COMPAS, in training"]:.3f} in '
    'training and {on_training["COMPAS, after it"]:.3f} after it; on held-out '
    'rows {on_held_out["COMPAS, plain"]:.2f} becomes '
    '{on_held_out["COMPAS, in training"]:.3f} and '
    '{on_held_out["COMPAS, after it"]:.3f}. At the insurer '
    '{on_held_out["insurer, plain"]:.2f} becomes '
    '{on_held_out["insurer, in training"]:.3f} and '
    '{on_held_out["insurer, after it"]:.3f} on held-out rows.',
    tolerance=0.01,
)
claim(
    "On the training rows both methods keep the bound of 2ε = {bound} in "
    "every split of both tables",
    worst <= bound,
    evidence="the largest gap is {worst:.4f}",
    tolerance={"worst": 0.005},
    fails_if="the plain models had to keep it",
)

# %%
wide = t.ppf(0.9995, n_splits - 1) / np.sqrt(n_splits)
falls, above = {}, {}
for key in names:
    if key[1] != "plain":
        label = f"{key[0]}, {key[1]}"
        falls[label] = (gaps[key[0], "plain"] - gaps[key])[:, 1]
        above[label] = np.mean(gaps[key][:, 1] > epsilon)
mean_fall = {label: fall.mean() for label, fall in falls.items()}
least_fall = {
    label: fall.mean() - wide * fall.std(ddof=1)
    for label, fall in falls.items()
}

# %%
claim(
    "On held-out rows the gap falls too, in both tables and by both methods",
    min(least_fall.values()) > 0,
    evidence="mean falls: {mean_fall:.3f}; lower ends of their intervals: "
    "{least_fall:.3f}",
    tolerance=0.03,
    fails_if="the plain model were compared with itself",
)
say(
    "But it often stays above $\\varepsilon$. In training: in "
    '{above["COMPAS, in training"]:.0%} of the splits of COMPAS and '
    '{above["insurer, in training"]:.0%} of the insurer\'s; after it: '
    '{above["COMPAS, after it"]:.0%} and {above["insurer, after it"]:.0%}. '
    "The bound is a promise about the rows that were seen. New rows bring "
    "their own chance, and they bring it to each group.",
    tolerance=0.34,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What it costs, and what it repairs
#
# Equal selection rates cost agreement with the records. On COMPAS that is all that we can measure. At the insurer the truth is known: we can
# ask how often each model decides as the underwriters would have, *had nobody been treated worse for their religion*.

# %% tags=["live:against the fair decisions"]
fair = portfolio.truth.fair
with_fair = {
    model: np.array([np.mean(np.where(fair, yes[model], 1 - yes[model])[held]) for yes, held in runs["insurer"]])
    for model in ("plain", "in training", "after it")
}

# %%
models = ["plain", "in training", "after it"]
shown = {
    "COMPAS, records": {m: right["COMPAS", m] for m in models},
    "insurer, records": {m: right["insurer", m] for m in models},
    "insurer, fair decisions": with_fair,
}
agree = pd.DataFrame(shown).map(np.mean)
stds = pd.DataFrame(shown).map(lambda values: values.std(ddof=1))
repaired = dots(
    {name: agree[name] for name in shown},
    models,
    intervals={name: spread * stds[name] for name in shown},
    value_label="share of held-out decisions that agree",
    limits=(0.5, 0.8),
)
gain = {m: with_fair[m] - with_fair["plain"] for m in models[1:]}
mean_gain = {m: g.mean() for m, g in gain.items()}
least_gain = {m: g.mean() - wide * g.std(ddof=1) for m, g in gain.items()}

# %%
show(
    repaired,
    caption="Agreement with the records, and at the insurer with the "
    "decisions that a fair underwriter would have made.",
    alt='Dots. COMPAS: {agree["COMPAS, records"]:.0%}. Insurer\'s records: '
    '{agree["insurer, records"]:.0%}. Fair decisions: '
    '{agree["insurer, fair decisions"]:.0%}.',
    tolerance=0.02,
)
claim(
    "Where discrimination was planted, enforcing parity in training brings "
    "the decisions nearer to the fair ones",
    least_gain["in training"] > 0,
    evidence="gains in agreement: {mean_gain:.3f}; lower ends of their "
    "intervals: {least_gain:.3f}",
    tolerance=0.02,
    fails_if="the fair decisions were the recorded ones",
)

# %% [markdown]
# On COMPAS the price in training is high. The mixture may not look at race, and hardly any column there is free of it: to bring the
# groups together it gives up much of what it knows. The thresholds after training use race, and pay less.
#
# Parity is not the truth. At the insurer the minority is younger and claims less, and fair underwriters accept it *more* often than the others. Equal
# rates are a step towards that, and not there. And a smaller discrimination can hide altogether:

# %% tags=["live:a gap of nothing"]
hidden = simulate_portfolio(20_000, against_religion=0.7, against_politics=0.0, seed=seed)
minority = hidden.truth.religion == 1
recorded, deserved = (
    [who[minority == g].mean() for g in (False, True)] for who in (hidden.accepted.to_numpy(), hidden.truth.fair)
)
recorded_gap, planted = abs(recorded[0] - recorded[1]), -hidden.truth.effect("religion")

# %%
claim(
    "Records whose groups differ by {recorded_gap:.1%} (percentage points) "
    "hide a discrimination of {planted:.1%}",
    recorded_gap < 0.05 and planted > 0.08,
    evidence="fair underwriters accept {deserved[0]:.1%} of the majority and "
    "{deserved[1]:.1%} of the minority",
    fails_if="nothing had been planted",
)

# %% [markdown]
# An audit of selection rates would have let this insurer pass. A rate compares groups that differ in many things; discrimination is about
# the same person in another group. Where no simulation gives that person, causal assumptions must.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — A rate that you need (difficulty 1, 5 minutes)
# Write a function that returns the false *negative* rate of each group as a dictionary: of those with `y = 1`, the share with `said = 0`.


# %% tags=["exercise"]
def false_negative_rates(y, said, groups):
    ### BEGIN SOLUTION
    y, said, groups = np.asarray(y), np.asarray(said), np.asarray(groups)
    return {g: np.mean(said[(groups == g) & (y == 1)] == 0) for g in np.unique(groups)}
    ### END SOLUTION


check(exercises.false_negatives, false_negative_rates)  # hint(exercises.false_negatives) helps, in layers

# %% [markdown]
# ## Exercise 2 — The price of equal error rates (difficulty 2, 15 minutes)
# Turn the identity round. A repair gives two groups the same true positive rate and the same false positive rate. Return the precision that a
# group with base rate `p` then has.


# %% tags=["exercise"]
def precision_left(p, true_positive_rate, false_positive_rate):
    ### BEGIN SOLUTION
    found = p * true_positive_rate
    return found / (found + (1 - p) * false_positive_rate)
    ### END SOLUTION


check(exercises.precision_left, precision_left)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - "Fair" has several meanings, each a rate. With different base rates, precision, misses and false alarms cannot all be equal: arithmetic, not malice.
# - Which rate counts is a choice about who carries the errors. Make it before you look for a method.
# - An enforced bound is a bound on the rows it was enforced on. Report the held-out gap, with its interval.
# - Equal rates are not the absence of discrimination, and different rates are no proof of it.

# %% [markdown]
# ## Where it breaks
#
# - Being charged again is not the same as offending again. All rates here inherit what the police did and did not see.
# - The records of an insurer show whom it accepted, so a model of them learns its habits. No enforcement repairs what was not recorded.
# - Both methods decide at random for some people. Two people with the same file may get different answers; ask whether that can be defended.
# - Thresholds by group use race to decide, which the law may forbid even where it helps.

# %% [markdown]
# ## Further reading
#
# - [Chouldechova (2017)](https://arxiv.org/abs/1703.00056), *Fair prediction with disparate impact: a study of bias in recidivism
#   prediction instruments*: the identity, with this very data; short.
# - [Kleinberg, Mullainathan and Raghavan (2017)](https://arxiv.org/abs/1609.05807), *Inherent trade-offs in the fair
#   determination of risk scores*: the same for scores instead of decisions.
# - [Hardt, Price and Srebro (2016)](https://arxiv.org/abs/1610.02413), *Equality of opportunity in supervised learning*: error
#   rates as a notion of fairness, and thresholds that give them.
# - [Angwin et al. (2016)](https://www.propublica.org/article/machine-bias-risk-assessments-in-criminal-sentencing), *Machine
#   bias*: the article that began the dispute.
