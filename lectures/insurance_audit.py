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
# # Who was refused, and why?
#
# The audit of an insurer's black box
#
# > **After this notebook you can**
# >
# > - explain a black box with a surrogate, and say why a model of the data is none
# > - find hidden groups in the columns that stand for them, and show that dropping one column hides nothing
# > - say for whom a model is wrong, in a metric you chose before you looked
# > - measure discrimination, with an interval, and check the audit on a portfolio where the size is known, zero included
# > - tell a refused customer what could change, and only what can
#
# **40 minutes**, and 25 for the exercises · builds on the notebook on census income · data: customers simulated here, from a causal model that is known

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# An insurer lets a model decide who is accepted. The model was trained on what its underwriters decided over the years, and
# it is good at it. Nobody asks customers for their religion or for whom they vote: both are protected, and no column holds them.
#
# Then a letter comes. A customer was refused, her neighbour was not, and she wants to know why. The regulator wants to know too,
# and gives the company until Friday. You are handed the model, the table, and a survey in which customers told an independent
# office their religion and political orientation. What can you say by Friday, and how would you know that it is true?

# %% tags=["setup"]
import numpy as np
import pandas as pd
import statsmodels.api as sm
import torch
from scipy.stats import norm
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.metrics import adjusted_mutual_info_score, roc_auc_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from xaicourse.attribution import counterfactuals, permutation_importance
from xaicourse.attribution.counterfactual import diversity
from xaicourse.datasets import simulate_portfolio
from xaicourse.exercises import insurance_audit as exercises
from xaicourse.networks import probability, train_mlps
from xaicourse.plotting import bars, causal_graph, dots, lines, scatter_panels
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
z = norm.ppf(0.9995)  # half-width of a 99.9 % interval, in standard errors

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The customers
#
# We write the portfolio ourselves, because an audit can be trusted only after it has found what was hidden on purpose. The
# underwriters took `against_religion` from the log-odds of every member of a religious minority, and `against_politics` from
# those of one political camp. Both are arguments, and both can be zero.

# %% slideshow={"slide_type": "fragment"} tags=["live:draw the portfolio"]
portfolio = simulate_portfolio(40_000, against_religion=1.5, against_politics=0.8, seed=seed)
customers, accepted, test = portfolio.customers, portfolio.accepted.to_numpy(), portfolio.test
religion, politics = portfolio.truth.religion, portfolio.truth.politics  # the survey: kept away from every model

# %%
first = [
    int(np.argmax(mask))
    for mask in (accepted == 1, accepted == 0, customers["smoker"] == 1)
]
decision = np.where(accepted[first], "accepted", "refused")
example = customers.iloc[first].assign(decision=decision).T
example.columns = ["customer 1", "customer 2", "customer 3"]
accepted_share, n_test = accepted.mean(), test.sum()

# %%
table(
    example,
    caption="Three customers: the first who was accepted, the first who was "
    "refused, the first who smokes.",
    formats="{:g}",
)
say(
    "{customers.shape[0]:,} customers, {customers.shape[1]} columns; "
    "{accepted_share:.0%} were accepted. The last {n_test:,} are held out: no "
    "model below is fitted to them.",
)

# %% [markdown]
# Where do the hidden groups touch the table? The causal model, in outline (`help(simulate_portfolio)` writes it out):

# %% slideshow={"slide_type": "slide"}
graph = causal_graph(
    [
        ("age", "religion"), ("age", "education"), ("education", "politics"), ("age", "health"), ("age", "politics"),
        ("religion", "name"), ("religion", "district"), ("politics", "pages"), ("health", "accepted"),
        ("religion", "accepted"), ("politics", "accepted"),
    ],
    positions={
        "age": (1, 2), "education": (2, 2), "religion": (0, 1), "health": (1, 1), "politics": (2, 1),
        "name": (-1, 1), "district": (-1, 0), "accepted": (1, 0), "pages": (3, 1),
    },
    names={"age": "age,\ngender", "name": "name", "district": "address", "pages": "pages\nfollowed", "health": "risk\n(with health)"},
    from_outside=["religion", "politics"],
)  # fmt: skip

# %%
show(
    graph,
    caption="The portfolio's causes. Dashed boxes are hidden; their arrows "
    "into 'accepted' are what was planted.",
    alt="Causal graph. Age points to religion, education, politics and risk; "
    "education to politics; religion to name, address and accepted; politics "
    "to pages followed and accepted; risk to accepted.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First, a premium
#
# The first model predicts claims. What a customer claims depends on age, gender, health and the deductible, and on neither of
# the hidden groups. A premium learnt from claims should then be right for both. We check what that means: over a year, a
# group should claim about what it pays.

# %% tags=["live:predict the claims"]
train_rows = np.flatnonzero(~test)
premium_model = HistGradientBoostingRegressor(
    loss="poisson", categorical_features="from_dtype", max_iter=60, random_state=seed
).fit(customers[~test], portfolio.claims[~test])
premium = premium_model.predict(customers[test])
claims = portfolio.claims[test].to_numpy()


# %%
def ratio(rows):
    """Claims per euro of premium, and the standard error of it."""
    r = claims[rows].sum() / premium[rows].sum()
    off = (claims[rows] - r * premium[rows]).std()
    return r, off * np.sqrt(rows.sum()) / premium[rows].sum()


paid = {
    name: ratio(religion[test] == g)
    for g, name in enumerate(["majority", "minority"])
}
about_one = all(abs(r - 1) < z * e + 0.05 for r, e in paid.values())

# %%
claim(
    "The premium discriminates against nobody: both religious groups claim "
    "about a euro for each euro they pay",
    about_one,
    evidence='claims per euro: majority {paid["majority"][0]:.2f}, minority '
    '{paid["minority"][0]:.2f}; standard errors {paid["majority"][1]:.3f} and '
    '{paid["minority"][1]:.3f}',
    tolerance=0.03,
    fails_if="the minority had paid twice as much",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Then, accepted or refused
#
# The black box is a network that was trained on past decisions. Its vendor left out `gender`, as the law demands for insurers,
# and calls the result unbiased. We train it, and beside it a second one, for later: the same customers, decided by the same
# underwriters on a good day, with nothing planted.

# %% tags=["live:train the black box"]
words = ["name_origin", "district"]
numbers = [c for c in customers if c not in [*words, "gender"]]
encoder = make_column_transformer(
    (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), words), verbose_feature_names_out=False
).fit(customers[~test])


def encode(frame):
    return encoder.transform(frame).astype(np.float32)


X = encode(customers)
decisions = np.stack([accepted, portfolio.truth.fair])[:, ~test]
black_box, fair_box = train_mlps(
    np.stack([X[~test]] * 2), decisions, hidden=[32], seeds=[seed, seed], max_epochs=8, progress=progress("2 networks")
)  # fmt: skip

# %%
p_box = probability(black_box, X)
right = ((p_box > 0.5) == accepted)[test]
accuracy = right.mean()
majority = max(accepted[test].mean(), 1 - accepted[test].mean())

# %%
claim(
    "The black box predicts the underwriters better than always saying the "
    "same",
    accuracy - majority > z * np.sqrt(0.25 / n_test),
    evidence="accuracy {accuracy:.1%}, always the same {majority:.1%}",
    tolerance=0.006,
    fails_if="the network's answers had been handed to the wrong customers",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Boosted trees explain the data
#
# The lecture's recipe says: run the same data over boosted trees, and read their feature importance. That explains how the
# *underwriters* can be predicted. It need not be what the *network* does. A surrogate has to be fitted to the network's own
# answers; how often the two agree on new customers is its **fidelity**.

# %% tags=["live:fit trees to the data and to the box"]
options = {"categorical_features": "from_dtype", "max_iter": 80, "random_state": seed}
of_data = HistGradientBoostingClassifier(**options).fit(customers[~test], accepted[~test])
target = np.log(p_box / (1 - p_box))  # the network's logit
surrogate = HistGradientBoostingRegressor(**options).fit(customers[~test], target[~test])

# %%
box_says = p_box[test] > 0.5
agree = {
    "data": (of_data.predict(customers[test]) == box_says).astype(float),
    "box": (surrogate.predict(customers[test]) > 0) == box_says,
}
fidelity = {fitted_to: a.mean() for fitted_to, a in agree.items()}
lead = agree["box"] - agree["data"]

# %%
claim(
    "Trees fitted to the black box agree with it more often than trees fitted "
    "to the data",
    lead.mean() > z * lead.std() / np.sqrt(len(lead)),
    evidence='fitted to the black box {fidelity["box"]:.1%}, to the data '
    '{fidelity["data"]:.1%}',
    control="trees that never saw the black box",
    tolerance=0.01,
    fails_if="the two had been compared on the network's answers to other customers",
)

# %% [markdown]
# Does the difference matter for the story? Permutation importance asks the same question of the three models: how far do the
# answers move when a column no longer belongs to its customers?

# %% slideshow={"slide_type": "slide"} tags=["live:importance of three models"]
ask = {
    "trees fitted to the data": lambda frame: of_data.predict_proba(frame)[:, 1],
    "black box": lambda frame: probability(black_box, encode(frame)),
    "trees fitted to the black box": lambda frame: 1 / (1 + np.exp(-surrogate.predict(frame))),
}
some = customers[test].head(2000)
importance = {
    name: permutation_importance(f, some, f(some), score=lambda a, b: -np.mean(abs(a - b)), n_repeats=2, seed=seed).mean
    for name, f in ask.items()
}
importance = pd.DataFrame(importance, index=customers.columns).sort_values("black box", ascending=False)

# %%
shown = [*importance.index[:9], "gender"]
go_by = bars(
    {name: 100 * importance.loc[shown, name] for name in importance},
    shown,
    value_label="mean change of the probability (points)",
    horizontal=True,
    height=5.4,
)
of_gender = 100 * importance.loc["gender"]
accused = of_gender["trees fitted to the data"]
unseen = of_gender["black box"] == 0
cleared = of_gender["trees fitted to the black box"] < accused / 3

# %%
show(
    go_by,
    caption="What three models go by. The vendor left gender out; only the "
    "middle model can know that.",
    alt="Horizontal bars for ten columns and three models. Name and address "
    "columns, age and health lead. Gender moves the trees on the data by "
    '{of_gender["trees fitted to the data"]:.1f} points, the black box by '
    '{of_gender["black box"]:.1f}, its surrogate by '
    '{of_gender["trees fitted to the black box"]:.1f}.',
    tolerance=0.6,
)
claim(
    "Trees of the data accuse the black box of using gender; it never saw the "
    "column, and its surrogate says so",
    accused > 1 and unseen and cleared,
    evidence="points: {of_gender:.1f}",
    tolerance=0.6,
    fails_if="the importances of the data's trees stood for all three",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Drop a column, and where its information goes
#
# `name_origin` is near the top. The company's first idea is to drop it and train again. We drop more and more, and ask three
# things on held-out customers: how well decisions are still predicted, how well **religion** can still be read from the columns
# that are left, and how much being of the minority costs with the new model.
#
# For the last one the simulation has an exact answer. `twins(religion=1)` are the same customers with every chance event as
# before, had they been born into the minority: names and addresses change, health does not. The mean difference between what a
# model says of them and of the twins in the majority is its **interventional effect**.

# %% tags=["live:drop and retrain"]
name = ["name_origin", "name_length", "name_per_million"]
address = ["district", "rent"]
dropped = {"nothing": [], "name_origin": ["name_origin"], "all of the name": name, "name and address": name + address}
twins = {g: portfolio.truth.twins(religion=g)[test] for g in (0, 1)}
rows = []
hidden = religion
for without in progress("retraining")(dropped.values()):
    left = customers.drop(columns=without)
    options["max_iter"] = 50
    again = HistGradientBoostingClassifier(**options).fit(left[~test], accepted[~test])
    p, p_majority, p_minority = (again.predict_proba(f[left.columns])[:, 1] for f in (left[test], twins[0], twins[1]))
    reader = HistGradientBoostingClassifier(**options).fit(left[~test], hidden[~test])
    rows.append(
        {
            "decisions": roc_auc_score(accepted[test], p),
            "religion": roc_auc_score(hidden[test], reader.predict_proba(left[test])[:, 1]),
            "effect": np.mean(p_minority - p_majority),
        }
    )
after = pd.DataFrame(rows, index=list(dropped))

# %%
retrained = bars(
    {
        "decisions predicted": after["decisions"],
        "religion read from what is left": after["religion"],
    },
    list(dropped),
    value_label="area under the ROC curve",
    reference=(0.5, "a coin"),
    limits=(0.4, 1.0),
)
still_read = after["religion"].iloc[1] > 0.8
effect, decisions = after["effect"], after["decisions"]
still_there = effect.iloc[1] < 0.5 * effect.iloc[0] < -0.03
points = 100 * abs(effect)
harder = decisions.iloc[0] - decisions.iloc[3]

# %%
show(
    retrained,
    caption="Retrained without some columns: how well decisions and religion "
    "can still be told, on held-out customers.",
    alt='Grouped bars. Religion is told with {after["religion"].iloc[0]:.2f} '
    'from all columns, {after["religion"].iloc[1]:.2f} without name_origin, '
    '{after["religion"].iloc[2]:.2f} without the name and '
    '{after["religion"].iloc[3]:.2f} without name and address. Decisions are '
    "predicted with {decisions.iloc[0]:.2f} at first and "
    "{decisions.iloc[3]:.2f} at last.",
    tolerance=0.01,
)
claim(
    "Without name_origin religion is still there to be read, and most of its "
    "effect on decisions remains",
    still_read and still_there,
    evidence="before and after: religion read "
    '{after["religion"].iloc[0]:.2f}, {after["religion"].iloc[1]:.2f}; effect '
    "on decisions {effect.iloc[0]:.3f}, {effect.iloc[1]:.3f}",
    tolerance=0.02,
    fails_if="religion had been drawn by lot",
)
say(
    "Being of the minority costs {points.iloc[0]:.1f} points of probability "
    "with all columns, {points.iloc[1]:.1f} without `name_origin`, "
    "{points.iloc[2]:.1f} without the name and {points.iloc[3]:.1f} without "
    "name and address. Along this way the decisions become only {harder:.3f} "
    "harder to predict (of {decisions.iloc[0]:.3f}): a column that can be "
    "spared is not a column that was not used.",
    tolerance={
        "points.iloc[0]": 1.5,
        "points.iloc[1]": 1.5,
        "points.iloc[2]": 1.5,
        "points.iloc[3]": 0.5,
        "harder": 0.01,
        "decisions.iloc[0]": 0.01,
    },
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Groups that nobody recorded
#
# Could the company have known without a survey? We take the columns of name and address alone, without any label: principal
# components, then two clusters. The survey is opened only afterwards, to score them by adjusted mutual information (0 is chance, 1 perfect). The
# null is the same score after the survey's answers were shuffled, many times.


# %% tags=["live:PCA and clusters"]
def clusters_of(columns):
    parts = [i for i, c in enumerate(encoder.get_feature_names_out()) if c.startswith(tuple(columns))]
    scaled = StandardScaler().fit_transform(X[:, parts])
    plane = PCA(2).fit_transform(scaled)
    return plane, KMeans(2, n_init=5, random_state=seed).fit_predict(plane)


by_address, found = clusters_of([*words, *name, "rent"])
camp_columns = np.column_stack([X[:, [numbers.index(c) for c in ("education", "age", "pages_slant")]],
                                customers["gender"] == "man"])  # fmt: skip
camp = KMeans(2, n_init=5, random_state=seed).fit_predict(
    PCA(2).fit_transform(StandardScaler().fit_transform(camp_columns))
)
rng = np.random.default_rng(seed)
matches = {
    "religion": (religion, found), "politics": (politics, camp),
}  # fmt: skip
matches = {g: (truth[:8000], cluster[:8000]) for g, (truth, cluster) in matches.items()}
score = {g: adjusted_mutual_info_score(truth, cluster) for g, (truth, cluster) in matches.items()}
null = {
    g: [adjusted_mutual_info_score(rng.permutation(truth), cluster) for _ in range(100)]
    for g, (truth, cluster) in matches.items()
}

# %%
few = slice(0, 800)
# Clusters have no names: call the one with more of the minority 1.
swap = np.mean(found == religion) < 0.5
clouds = scatter_panels(
    {
        "clusters": (*by_address[few].T, (found ^ swap)[few]),
        "the survey": (*by_address[few].T, religion[few]),
    },
    x_label="first component",
    y_label="second component",
    classes=["majority", "minority"],
    share_y=True,
)
same_label = np.mean((found ^ swap) == religion)
best_shuffled = {g: max(n) for g, n in null.items()}

# %%
show(
    clouds,
    caption="Customers by the first two components of name and address: "
    "clusters found without labels, and what the survey says.",
    alt="Two scatter plots of the same 800 customers. The two clusters part "
    "the cloud along the first component; in the survey's panel "
    "{same_label:.0%} of all customers have the label of their cluster.",
    tolerance=0.02,
)
claim(
    "Clusters of name and address match religion, and clusters of education, "
    "age, gender and pages match politics, better than any of 100 shuffled "
    "surveys",
    all(score[g] > best_shuffled[g] + 0.02 for g in score),
    evidence="adjusted mutual information: {score:.2f}; "
    "best of the shuffled: {best_shuffled:.4f}",
    control="100 shuffled surveys",
    tolerance=0.02,
    fails_if="the clusters had been dealt out at random",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## For whom is it wrong?
#
# *Predictions for minorities were substantially worse*, says the lecture. Worse in what? Three shares of held-out customers,
# measured against the underwriters' record: of all, those whom the black box judges differently; of the accepted, those it would
# refuse; of the refused, those it would accept. We choose them before we look.

# %% tags=["live:error by group"]
in_group = religion[test]
y, says = accepted[test], box_says
kinds = {
    "judged\ndifferently": (np.ones(len(y), bool), says != y),
    "accepted ones\nrefused": (y == 1, ~says),
    "refused ones\naccepted": (y == 0, says),
}


def rate(kind, group):
    """Share of wrong decisions among the customers of a group that the kind of error is about."""
    asked, wrong = kinds[kind]
    there = asked & (in_group == group)
    share = wrong[there].mean()
    return share, np.sqrt(share * (1 - share) / there.sum())


errors = {g: np.array([rate(kind, i) for kind in kinds]).T for i, g in enumerate(["majority", "minority"])}
difference = errors["minority"][0] - errors["majority"][0]
noise = np.hypot(errors["minority"][1], errors["majority"][1])

# %%
three_errors = bars(
    {g: 100 * e[0] for g, e in errors.items()},
    list(kinds),
    intervals={g: 196 * e[1] for g, e in errors.items()},
    value_label="share of customers (%)",
)
more = difference > z * noise
merit = portfolio.truth.fair[test] == 1
turned_away = {
    g: np.mean(~says[merit & (in_group == i)]) for i, g in enumerate(errors)
}

# %%
show(
    three_errors,
    caption="Three errors of one model on held-out customers, with 95 % "
    "intervals.",
    alt="Grouped bars, majority against minority. Judged differently: "
    '{errors["majority"][0, 0]:.0%} and {errors["minority"][0, 0]:.0%}. '
    'Accepted ones refused: {errors["majority"][0, 1]:.0%} and '
    '{errors["minority"][0, 1]:.0%}. Refused ones accepted: '
    '{errors["majority"][0, 2]:.0%} and {errors["minority"][0, 2]:.0%}.',
    tolerance=0.03,
)
claim(
    "The black box judges the minority wrongly more often, and yet does not "
    "refuse more of its accepted members: who has the worse model depends on "
    "the metric",
    more[0] and more[2] and not more[1],
    evidence="minority minus majority: judged differently "
    "{difference[0]:+.1%}, accepted ones refused {difference[1]:+.1%}, "
    "refused ones accepted {difference[2]:+.1%}; standard errors {noise:.1%}",
    tolerance=0.03,
    fails_if="the groups had been drawn by lot",
)
say(
    "Against its record the black box even looks kind to the minority. But "
    "the record is what is in question. Of the customers who *deserved* to be "
    "accepted, and only a simulation knows them, it refuses "
    '{turned_away["majority"]:.1%} in the majority and '
    '{turned_away["minority"]:.1%} in the minority.',
    tolerance=0.02,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How large is it?
#
# Unequal errors are not yet discrimination: groups may differ in what may decide. Members of the minority are younger, and
# young customers are cheap. So we compare customers who are alike in all that causes claims. A logistic regression of the
# *underwriters'* decisions on those columns and on the two hidden groups gives the log-odds that belonging costs, with an interval.
#
# Does that find what was planted? We try four portfolios, from nothing to more than ours.

# %% slideshow={"slide_type": "slide"} tags=["live:the audit"]
may_decide = ["age", "smoker", "bmi", "blood_pressure", "chronic", "exercise", "deductible", "education"]


def audit(book):
    """Return the log-odds that religion and politics cost with the underwriters, and their standard errors."""
    X_legal = StandardScaler().fit_transform(book.customers[may_decide].assign(man=book.customers["gender"] == "man"))
    columns = np.column_stack([X_legal, book.truth.religion, book.truth.politics])
    fit = sm.Logit(book.accepted.to_numpy(), sm.add_constant(columns)).fit(disp=0)
    return -fit.params[-2:], fit.bse[-2:]


planted = np.array([0.0, 0.5, 1.0, 1.5])
books = [
    simulate_portfolio(20_000, against_religion=p, against_politics=p / 2, seed=seed + i) for i, p in enumerate(planted)
]
cost, cost_error = np.array([audit(book) for book in books]).transpose(1, 2, 0)

# %%
audits = lines(
    planted,
    {"": {"against religion": cost[0]}},
    bands={
        "against religion": cost[0]
        + np.array([[-1.96], [1.96]]) * cost_error[0]
    },
    x_label="planted (log-odds)",
    y_labels="found by the audit (log-odds)",
    diagonal="found = planted",
)
all_hold = np.all(abs(cost - [planted, planted / 2]) < z * cost_error)

# %%
show(
    audits,
    caption="Four portfolios: discrimination against the religious minority, "
    "planted and found, with a 95 % band.",
    alt="Points on the diagonal. Planted 0, 0.5, 1 and 1.5; found "
    "{cost[0, 0]:.2f}, {cost[0, 1]:.2f}, {cost[0, 2]:.2f} and "
    "{cost[0, 3]:.2f}.",
)
claim(
    "In all four portfolios the audit's 99.9 % intervals hold what was "
    "planted against both groups, zero included",
    all_hold,
    evidence="found against religion {cost[0]:.2f}, against politics "
    "{cost[1]:.2f}; standard errors in the first {cost_error[:, 0]:.2f}",
    fails_if="the audit had been told nothing about age and health",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And the black box?
#
# The network has no religion to use, only names and addresses. How much of the underwriters' habit did it learn? The twins know.
# An auditor has no twins. She compares groups at equal age, the one column that causes religion, and averages over ages.


# %% tags=["live:effect on the black box"]
def at_equal_age(p, age):
    """Mean difference between minority and majority within five-year bins of age, and its standard error."""
    bins = age.astype(int) // 5
    cells = pd.DataFrame({"bin": bins, "group": religion, "p": p}).groupby(["bin", "group"])["p"]
    m, variance = cells.mean().unstack(), (cells.var() / cells.size()).unstack()
    weight = np.bincount(bins, minlength=bins.max() + 1)[m.index] / len(bins)
    return weight @ (m[1] - m[0]), np.sqrt(weight**2 @ (variance[0] + variance[1]))


boxes = {"black box": black_box, "black box (nothing planted)": fair_box}
as_minority, as_majority = (encode(portfolio.truth.twins(religion=g)) for g in (1, 0))
true_effect = {b: np.mean(probability(f, as_minority) - probability(f, as_majority)) for b, f in boxes.items()}
audited = {b: at_equal_age(probability(f, X), customers["age"].to_numpy()) for b, f in boxes.items()}
raw = {b: probability(f, X)[religion == 1].mean() - probability(f, X)[religion == 0].mean() for b, f in boxes.items()}

# %%
three_answers = dots(
    {
        "twins (truth)": [100 * t for t in true_effect.values()],
        "at equal age": [100 * a for a, _ in audited.values()],
        "raw gap": [100 * r for r in raw.values()],
    },
    list(boxes),
    intervals={"at equal age": [196 * e for _, e in audited.values()]},
    value_label="minority minus majority (points of probability)",
    reference=(0.0, "none"),
)

# %%
at_age = {b: a for b, (a, _) in audited.items()}
audit_error = {b: e for b, (_, e) in audited.items()}
truth_held = all(
    abs(at_age[b] - true_effect[b]) < z * audit_error[b] for b in boxes
)
human = -100 * portfolio.truth.effect("religion")
box_points = -100 * true_effect["black box"]
taken_on = box_points / human

# %%
show(
    three_answers,
    caption="What the minority loses with each black box: the truth by "
    "intervention, the auditor's estimate (95 % interval), and the raw gap.",
    alt='Dot plot. Black box: twins {true_effect["black box"]:.1%}, at equal '
    'age {at_age["black box"]:.1%}, raw gap {raw["black box"]:.1%}. Nothing '
    "planted: twins "
    '{true_effect["black box (nothing planted)"]:.1%}, at equal age '
    '{at_age["black box (nothing planted)"]:.1%}, raw gap '
    '{raw["black box (nothing planted)"]:.1%}, on the other side of zero.',
    tolerance=0.01,
)
claim(
    "For both black boxes the auditor's 99.9 % interval holds the true "
    "interventional effect",
    truth_held,
    evidence="twins: {true_effect:.1%}; at equal age: {at_age:.1%}; standard "
    "errors: {audit_error:.2%}",
    tolerance=0.015,
    fails_if="the auditor had compared the groups whatever their age",
)
say(
    "The underwriters took {human:.1f} points from the chance of the "
    "minority; the network, which never saw religion, takes {box_points:.1f}, "
    "that is {taken_on:.0%} of it. The raw gap shows next to nothing of it, "
    "and praises the insurer where nothing was planted: the minority is "
    "young.",
    tolerance={"box_points": 1.5, "taken_on": 0.07},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to tell her
#
# The customer who wrote the letter wants something she can use. A **counterfactual** is a nearby customer whom the black box
# accepts. *Move to another district* is no answer that an insurer should give, and *be forty* none that she can follow. So
# only some columns are actionable, each at values that exist (a deductible is one of those on sale), and several
# different answers leave her a choice
# ([Mothilal, Sharma and Tan, 2020](https://arxiv.org/abs/1905.07697)).

# %% tags=["live:counterfactuals"]
columns = list(encoder.get_feature_names_out())
menus = {
    "smoker": np.array([0, 1]),
    "bmi": np.arange(20, 35.5, 0.5),
    "exercise": np.arange(0, 8.5, 0.5),
    "deductible": np.array([0, 250, 500, 1000, 2000]),
}
limits = {c: (menu.min(), menu.max()) for c, menu in menus.items()}
actionable = [columns.index(c) for c in menus]
train_X = X[~test]
spread = np.median(abs(train_X - np.median(train_X, axis=0)), axis=0)
scales = torch.tensor(np.where(spread > 0, spread, 1.0), dtype=torch.float32)
scaler = encoder.named_transformers_["standardscaler"]
choices = {
    i: (menu - scaler.mean_[i]) / scaler.scale_[i]
    for i, menu in zip(actionable, menus.values())
}


def inside(row):
    return all(least <= row[c] <= most for c, (least, most) in limits.items())


# %% tags=["live:ask for four answers"]
refused = np.flatnonzero(test & (religion == 1) & (p_box > 0.25) & (p_box < 0.45))
letters = [i for i in refused if inside(customers.iloc[i])][:5]
answers = {
    i: counterfactuals(
        black_box, torch.from_numpy(X[[i]]), target=1, actionable=actionable, choices=choices, scales=scales,
        max_steps=150, seed=seed,
    )
    for i in progress("letters")(letters)
}  # fmt: skip

# %%
her = letters[0]
rows_of_her = np.r_[X[[her]], answers[her].values.numpy()]
numeric = scaler.inverse_transform(rows_of_her[:, : len(numbers)])
told = pd.DataFrame(numeric, columns=numbers)[list(limits)].T
told.columns = ["she is", *(f"answer {i + 1}" for i in range(4))]

# %%
table(
    told,
    caption="One refused customer and four nearby ones whom the black box "
    "accepts (smoker 0 or 1, kg/m², hours a week, euros).",
    formats="{:.1f}",
    tolerance=dict(zip(limits, (0.1, 2.0, 1.5, 300.0))),
)

# %%
fixed = [i for i in range(len(columns)) if i not in actionable]
untouched = [
    bool((a.values[:, fixed] == torch.from_numpy(X[[i]])[:, fixed]).all())
    for i, a in answers.items()
]
valid = np.concatenate([a.valid for a in answers.values()])
n_answers, n_valid = len(valid), int(valid.sum())
as_majority_born = portfolio.truth.twins(religion=0).iloc[letters]
born = probability(black_box, encode(as_majority_born))
n_letters, n_born_in = len(letters), int((born > 0.5).sum())

# %%
claim(
    "Each of the letters' answers is accepted by the black box and changes "
    "actionable columns only",
    all(untouched) and n_valid == n_answers,
    evidence="of {n_answers} answers {n_valid} are accepted",
    fails_if="every column had been free to change",
)
say(
    "There is an answer that she cannot be given. Of these {n_letters} "
    "customers, {n_born_in} would have been accepted unchanged, had they been "
    "born into the majority.",
    tolerance={"n_born_in": 2},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# What keeps the answers apart is a determinant: $\det K$ with $K_{ij} = 1 / (1 + d_{ij})$ is near 0 when two answers are alike, and
# near 1 when all are far apart. For two answers at distance 1, and a small number $\epsilon$ on the diagonal, it is
# $(1 + \epsilon)^2 - 1/4$.

# %%
epsilon = 1e-4
by_hand = (1 + epsilon) ** 2 - 1 / 4
pair = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
ours = float(diversity(pair, torch.ones(1, dtype=torch.float64)))
plane = torch.tensor([0.5, 2.0, 1.0])
crossing = counterfactuals(
    lambda x: x @ plane - 2,
    torch.zeros(1, 3),
    target=1,
    n_counterfactuals=2,
    diversity_weight=0.0,
).values
others_stay = bool((crossing[:, [0, 2]] == 0).all())
steepest_moves = bool((crossing[:, 1] >= 1).all())

# %%
claim(
    "The determinant is the one worked out by hand, and on a plane the search "
    "changes the steepest column alone",
    abs(ours - by_hand) < 1e-12 and others_stay and steepest_moves,
    evidence="determinant {ours:.6f}, by hand {by_hand:.6f}",
    fails_if="the diagonal had been left alone",
)

# %%
show_source(diversity)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Good ones refused (difficulty 1, 5 minutes)
# Write a function that returns, for each group that occurs in `group`, the share of good customers (`good` is 1) whom the model
# refused (`accepted` is 0), as a dictionary.


# %% tags=["exercise"]
def good_ones_refused(good, accepted, group):
    ### BEGIN SOLUTION
    return {g: np.mean(accepted[(good == 1) & (group == g)] == 0) for g in np.unique(group)}
    ### END SOLUTION


check(exercises.good_ones_refused, good_ones_refused)  # hint(exercises.good_ones_refused) helps, in layers

# %% [markdown]
# ## Exercise 2 — How often by chance? (difficulty 2, 10 minutes)
# Write a permutation test: the share of tables at least as extreme as the one you have, when `labels` are shuffled
# `n` times with the generator `rng`. `score(labels, clusters)` is higher for a better match. Count the table you have among them, so
# that the answer is never zero.


# %% tags=["exercise"]
def by_chance(score, labels, clusters, n, rng):
    ### BEGIN SOLUTION
    seen = score(labels, clusters)
    null = [score(rng.permutation(labels), clusters) for _ in range(n)]
    return (1 + sum(s >= seen for s in null)) / (n + 1)
    ### END SOLUTION


check(exercises.by_chance, by_chance)

# %% [markdown]
# ## Exercise 3 — May she be told? (difficulty 2, 10 minutes)
# Write a function that says whether an answer may be given: only columns named in `limits` differ from what she is, and each of
# those lies within its limits, ends included. `she` and `answer` are dictionaries with the same keys; `limits` maps a name to (least, most).


# %% tags=["exercise"]
def may_be_told(she, answer, limits):
    ### BEGIN SOLUTION
    changed = [c for c in she if answer[c] != she[c]]
    return all(c in limits and limits[c][0] <= answer[c] <= limits[c][1] for c in changed)
    ### END SOLUTION


check(exercises.may_be_told, may_be_told)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Trees fitted to the labels explain the labels. To explain a model, fit the surrogate to the model and report its fidelity.
# - A protected attribute need not be in the table. Name and address, or education, age and gender, can stand for it, and clusters find it.
# - Dropping a column, and losing nothing, does not show that the model is blind. It shows that other columns say the same.
# - One model can be worse for a group in one error and better in another. Choose the error before you look.
# - Discrimination is a difference at equal merit. Measure it with an interval, and try your audit first where the answer is known.

# %% [markdown]
# ## Where it breaks
#
# - The audit held constant what causes claims, and we knew which columns those are. With a cause unrecorded, its interval would be
#   narrow and in the wrong place.
# - The survey was complete and honest. Real ones are neither; with guessed groups the estimate shrinks towards zero.
# - Politics reaches the network through education, age and gender too. No twin shows this, as these are causes of politics, not effects:
#   a proxy may be used without any path from the protected attribute to it.
# - A counterfactual changes columns of a table. That a customer who loses weight is accepted in the model does not say that she can.
# - Answers are kept apart from one another. So one of them may ask for more than another already does.

# %% [markdown]
# ## Further reading
#
# - [Mothilal, Sharma and Tan (2020)](https://arxiv.org/abs/1905.07697), *Explaining machine learning classifiers through diverse
#   counterfactual explanations*: the loss of the counterfactuals above, and how to judge them.
# - [Wachter, Mittelstadt and Russell (2018)](https://arxiv.org/abs/1711.00399), *Counterfactual explanations without opening the
#   black box: automated decisions and the GDPR*: why a counterfactual may be what the law asks for, and what it leaves out.
# - [Barocas, Hardt and Narayanan (2023)](https://fairmlbook.org/), *Fairness and Machine Learning: Limitations and
#   Opportunities*: causal and statistical views of discrimination, with the cases that shaped them.
