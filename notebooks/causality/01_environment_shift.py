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
# # When the world moves
#
# A structural causal model under environment shift
#
# > **After this notebook you can**
# >
# > - write down a small causal model, sample from it, and intervene in it
# > - tell a model that rests on a cause from one that rests on an effect, even when both are perfect at home
# > - read a model's weights without being misled by their units
# > - find out what a network relies on when its weights cannot be read
#
# **25 minutes**, and as many for the exercises · builds on a first course in machine learning · data: simulated here
#
# <!-- Ask who has met a model that was excellent in the laboratory and failed in use. Keep one of the stories for the end. -->

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A hospital trains a classifier that finds sick patients from three measurements. On new patients of the same
# hospital it makes no mistakes. Two other hospitals buy it. In one of them it is wrong for about one patient in five.
# In the other, one might as well toss a coin.
#
# Nothing about the disease has changed. So what did the classifier learn, and could anyone have seen it coming?
#
# <!-- Collect guesses on the board, and come back to them after the weights. -->

# %% tags=["setup"]
import numpy as np
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xaicourse.attribution import permutation_importance
from xaicourse.causality import StructuralCausalModel
from xaicourse.exercises import environment_shift as exercises
from xaicourse.networks import accuracy, probability, train_mlps
from xaicourse.plotting import (
    bars,
    causal_graph,
    heat_map,
    lines,
    scatter_panels,
)
from xaicourse.teaching import (
    check,
    claim,
    explore,
    hint,
    progress,
    say,
    show,
    show_source,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A world we know completely
#
# To judge an explanation we need to know the truth, so we write the world ourselves. Each measurement is an
# equation, and the arguments of the equation are its causes:
#
# - $x_1$, a blood value, varies around 5 from patient to patient;
# - $y$, the disease, is defined by it: a patient is sick when $x_1 \ge 5$;
# - $x_2$, a marker, rises by 1 *because* the patient is sick; how precisely it is measured depends on the
#   hospital's instrument, and that is all that differs between hospitals;
# - $x_3$, the length of the queue, has nothing to do with anything.
#
# In the equations, `noise` is a fresh standard normal number for each patient and variable, and `spread` is the hospital's
# parameter. Half of all patients are sick, which is why tossing a coin is the floor.
#
# <!-- Let the room draw the arrows before the next slides do. -->

# %% slideshow={"slide_type": "fragment"} tags=["live:write the world"]
world = StructuralCausalModel(
    {
        "x1": lambda noise: 5 + noise,
        "y": lambda x1: x1 >= 5,
        "x2": lambda y, noise, spread: y + spread * noise,
        "x3": lambda noise: 2.5 + noise,
    },
    parameters={"spread": 0.1},
)
world.sample(3, seed=seed)

# %% [markdown]
# The arrows come out of the equations. Drawn, with the hospital as a dashed box:

# %% slideshow={"slide_type": "slide"} tags=["live:draw the graph"]
graph = causal_graph(
    [*world.edges, *world.environment_edges],
    positions={"x1": (0, 0), "y": (1, 0), "x2": (2, 0), "spread": (2, 1), "x3": (3, 0)},
    names={
        "x1": "$x_1$\nblood value",
        "y": "$y$\nsick",
        "x2": "$x_2$\nmarker",
        "x3": "$x_3$\nqueue",
        "spread": "hospital",
    },
    from_outside=["spread"],
)

# %%
show(
    graph,
    caption="The causal graph. Only the marker listens to the hospital.",
    alt="Graph with arrows from x1 to y, from y to x2, and a dashed arrow "
    "from the hospital to x2; x3 stands alone.",
)

# %% [markdown]
# The head of an arrow listens to its tail. The marker $x_2$ is an *effect* of the disease, not a cause: it is associated
# with $y$, in the first hospital almost perfectly, and yet changing it would cure nobody.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three hospitals
#
# An environment is the same set of equations with another value of `spread`. The first hospital has a fine
# instrument, the second an average one, the third a bad one.
#
# <!-- Which equation changes, and which stay? Only that of the marker. -->

# %% tags=["live:sample three hospitals"]
spreads = {"home": 0.1, "second": 1.0, "third": 10.0}
features = ["x1", "x2", "x3"]


def patients(spread, n, seed):
    """Return measurements and diagnoses of n new patients of a hospital."""
    rows = world.environment(spread=spread).sample(n, seed=seed)
    return rows[features].to_numpy(), rows["y"].to_numpy()


X_home, y_home = patients(spreads["home"], 1000, seed)
new = {name: patients(spread, 5000, seed + 1) for name, spread in spreads.items()}

# %%
same_patients = scatter_panels(
    {name: (*X[:600, :2].T, y[:600]) for name, (X, y) in new.items()},
    x_label="blood value $x_1$",
    y_label="marker $x_2$",
    classes=["healthy", "sick"],
)
marker_in_third = new["third"][0][:600, 1]
lowest, highest = marker_in_third.min(), marker_in_third.max()

# %%
show(
    same_patients,
    caption="The same 600 patients, measured in three hospitals. Mind the "
    "vertical axes: the spread grows tenfold each time.",
    alt="Three scatter plots. The classes part at a blood value of 5 in all "
    "three. In the first the marker separates them too, in the second it "
    "overlaps, in the third it is noise between {lowest:.0f} and "
    "{highest:.0f}.",
)

# %% [markdown]
# In every panel a vertical line at $x_1 = 5$ separates the classes without error. At home a horizontal line at
# $x_2 = 1/2$ does so too, and nothing in the home data says which of the two will last.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A perfect classifier
#
# We fit a logistic regression at home and score it on *new* patients everywhere. (Scoring it on the patients it
# was fitted to would flatter it.)

# %% tags=["live:fit at home and score everywhere"]
logistic = LogisticRegression().fit(X_home, y_home)
score = {name: logistic.score(X, y) for name, (X, y) in new.items()}

# %%
say(
    'It is right for {score["home"]:.1%} of new patients at home, '
    '{score["second"]:.1%} in the second hospital and {score["third"]:.1%} in '
    "the third.",
    tolerance=0.002,
)
claim(
    "A classifier that is nearly perfect at home is little better than a coin "
    "in the third hospital",
    score["home"] > 0.99
    and 0.7 < score["second"] < 0.9
    and score["third"] < 0.6,
    evidence="right: {score:.1%}",
    tolerance=0.002,
    fails_if="every hospital had the instrument of the first",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** The classifier is right for new patients at home and little better than a coin in the third hospital. What could
# have warned the first hospital, before anybody bought it?
#
# <details><summary>A larger test set of its own patients</summary>
#
# **No.** They come out of the same equations. More of them measure the same accuracy more exactly, and it is the accuracy at
# home.
#
# </details>
#
# <details><summary>Cross-validation, which shows that the classifier has overfitted</summary>
#
# **No.** It has not: it was scored on patients whom it had never seen. Overfitting is a gap between the rows of the fit and new
# rows *of the same hospital*; here the gap is between hospitals.
#
# </details>
#
# <details><summary>The knowledge that the marker is an effect, and that others measure it with other instruments</summary>
#
# **Right.** The home data fit both rules equally well. Which of the two survives a move is decided by the arrow from the
# hospital to the marker, and that arrow is not in the data.
#
# </details>
#
# <details><summary>The probabilities that it gives: an unsure classifier is a warning</summary>
#
# **No.** At home it is sure, and right. In the third hospital it is sure and wrong: a marker far from both classes moves the
# score far from zero, so noise looks like certainty.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# The world is simple enough to compute the accuracy without sampling. Given the patient's $z = x_1 - 5$, the score
# $w_1 x_1 + w_2 x_2 + w_3 x_3 + b$ is normal, and its sign is right with a probability that the normal distribution
# function $\Phi$ gives. Averaging over $z \sim N(0, 1)$ leaves one integral, taken in two pieces because the
# diagnosis jumps at $z = 0$.
#
# <!-- Why check an accuracy at all? A mistake in the sampling would look like a shift of the world. -->


# %% tags=["live:the exact accuracy"]
def exact_accuracy(weights, intercept, spread):
    """Return the probability that a linear classifier is right in a hospital, by integrating over x1."""
    w1, w2, w3 = weights
    noise = np.hypot(w2 * spread, w3)  # standard deviation of what x2 and x3 add to the score

    def right(z):
        sick = z >= 0
        mean = w1 * (5 + z) + w2 * sick + w3 * 2.5 + intercept
        return norm.pdf(z) * norm.cdf((1 if sick else -1) * mean / noise)

    return quad(right, -8, 0)[0] + quad(right, 0, 8)[0]


exact = {name: exact_accuracy(logistic.coef_[0], logistic.intercept_[0], s) for name, s in spreads.items()}

# %%
error = {name: abs(score[name] - exact[name]) for name in spreads}
allowed = {
    name: norm.ppf(0.9995) * np.sqrt(p * (1 - p) / 5000) + 2 / 5000
    for name, p in exact.items()
}

# %%
claim(
    "In all three hospitals the sampled accuracy agrees with the integral "
    "within its 99.9 % interval",
    all(error[name] < allowed[name] for name in spreads),
    evidence="exact: {exact:.1%}; sampled: {score:.1%}",
    tolerance=0.002,
    fails_if="the integral forgot the marker's spread",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it a fluke?
#
# One draw of patients is one number. We repeat the experiment with many draws, for the logistic regression and for
# a network with one hidden layer of 100 units (twenty of them, trained at once by the recipe of scikit-learn's
# `MLPClassifier`). A third model, on the networks' draws, shows what was possible: a regression that is given $x_1$ alone.
#
# <!-- Vote first on whether the network does better abroad than the regression. -->

# %% slideshow={"slide_type": "slide"} tags=["live:repeat it"]
draws = range(seed + 1000, seed + 1100)
homes = [patients(spreads["home"], 1000, d) for d in draws]
fresh = [{name: patients(s, 5000, d + 100_000) for name, s in spreads.items()} for d in draws]

fits = [LogisticRegression().fit(X, y) for X, y in progress("logistic")(homes)]
cause_only = [LogisticRegression().fit(X[:, :1], y) for X, y in homes[:20]]
networks = train_mlps(
    [X for X, _ in homes[:20]],
    [y for _, y in homes[:20]],
    hidden=[100],
    seeds=draws[:20],
    progress=progress("20 networks"),
)

# %%
accuracies = {
    "logistic": np.array([[fit.score(*f[name]) for name in spreads] for fit, f in zip(fits, fresh)]),
    "network": np.array([[accuracy(net, *f[name]) for name in spreads] for net, f in zip(networks, fresh)]),
    "logistic on $x_1$ alone": np.array(
        [[fit.score(f[name][0][:, :1], f[name][1]) for name in spreads] for fit, f in zip(cause_only, fresh)]
    ),
}
mean = {model: a.mean(0) for model, a in accuracies.items()}
spread_of = {model: a.std(0, ddof=1) for model, a in accuracies.items()}
middle = {model: abs(np.percentile(a, [2.5, 97.5], axis=0) - a.mean(0)) for model, a in accuracies.items()}

# %%
over_draws = bars(
    mean,
    [f"{name}\n(spread {s:g})" for name, s in spreads.items()],
    intervals=middle,
    value_label="accuracy on new patients",
    reference=(0.5, "a coin"),
    limits=(0, 1.02),
)
at_home = min(m[0] for m in mean.values())
by_marker = {s: norm.cdf(0.5 / spreads[s]) for s in ("second", "third")}

# %%
show(
    over_draws,
    caption="Mean accuracy over repeated draws; the intervals hold the middle "
    "95 % of the draws.",
    alt="Grouped bars. At home all three models reach at least {at_home:.3f}. "
    'Logistic regression falls to {mean["logistic"][1]:.2f} and '
    '{mean["logistic"][2]:.2f}, the network to {mean["network"][1]:.2f} and '
    '{mean["network"][2]:.2f}; the regression on x1 alone stays where it was.',
    tolerance=0.004,
)
say(
    "The regression on $x_1$ alone misses a little because its penalty keeps "
    "the threshold slightly off 5. The network behaves as if it looked at the "
    "marker alone: the rule $x_2 \\ge 1/2$ is right for "
    '{by_marker["second"]:.1%} in the second hospital and '
    '{by_marker["third"]:.1%} in the third; the networks are right for '
    '{mean["network"][1]:.1%} and {mean["network"][2]:.1%}.',
    tolerance={'mean["network"][1]': 0.004, 'mean["network"][2]': 0.004},
)

# %% [markdown]
# The tutorial that this notebook grew out of ([Azzolin, 2023](https://github.com/steveazzolin/gdl_tutorial_turinginst)) ran the
# experiment unseeded. One stored run of it says:
#
# > env 2: 0.823, env 3: 0.547 (logistic regression); env 2: 0.713, env 3: 0.547 (network)
#
# and another run says something else. Are these ordinary draws from our world? And do our means agree with those that other code
# found for the same experiment?

# %%
printed = {
    "logistic": np.array([0.823, 0.547]),
    "network": np.array([0.713, 0.547]),
}
# Mean and standard deviation over 100 (logistic) and 20 (network) draws,
# computed with other code.
reference = {
    "logistic": (np.array([0.8205, 0.5393]), np.array([0.0055, 0.0063]), 100),
    "network": (np.array([0.709, 0.524]), np.array([0.005, 0.007]), 20),
}

# %%
z = norm.ppf(0.9995)
agrees, typical, off = [], [], {}
for model, (centre, sd, n) in reference.items():
    ours, our_sd = mean[model][1:], spread_of[model][1:]
    width = z * np.sqrt((sd**2 + our_sd**2) / n)
    agrees += list(abs(ours - centre) < width + 0.0005)
    # The tutorial scored on 1,000 patients.
    one_draw = np.sqrt(our_sd**2 + ours * (1 - ours) / 1000)
    off[model] = abs(printed[model] - ours)
    typical += list(off[model] < z * one_draw)
perfect_at_home = min(mean["logistic"][0], mean["network"][0]) > 0.999

# %%
claim(
    "Our means agree with the means that other code found, within 99.9 % "
    "intervals, for both models",
    all(agrees) and perfect_at_home,
    evidence='home, second, third: logistic {mean["logistic"]:.1%}; network '
    '{mean["network"]:.1%}',
    tolerance=0.004,
    fails_if="the second hospital's instrument were twice as bad",
)
claim(
    "Each number that the tutorial printed is an ordinary draw from ours",
    all(typical),
    evidence='second and third: logistic off by {off["logistic"]:.3f}; '
    'network off by {off["network"]:.3f}',
    tolerance=0.004,
    fails_if="the second hospital's instrument were twice as bad",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the weights say
#
# A logistic regression can be read: its score is $w_1 x_1 + w_2 x_2 + w_3 x_3 + b$. The tutorial looked at $w$ and
# concluded that the model "gave a large importance to $x_2$". But a weight is a slope *per unit*, and the two
# measurements have different units. Multiplied by the standard deviation of its feature, a weight says how much the
# feature moves the score from patient to patient.
#
# <!-- Kilograms or grams: ask what happens to the weight of a weight. -->

# %% slideshow={"slide_type": "fragment"} tags=["live:read the weights"]
raw = np.array([fit.coef_[0] for fit in fits])
standardised = np.array([fit.coef_[0] * X.std(axis=0) for fit, (X, _) in zip(fits, homes)])

# %%
read_twice = bars(
    {
        "raw weight (per unit)": raw.mean(0),
        "weight × standard deviation": standardised.mean(0),
    },
    ["blood value $x_1$", "marker $x_2$", "queue $x_3$"],
    intervals={
        "raw weight (per unit)": 1.96 * raw.std(0),
        "weight × standard deviation": 1.96 * standardised.std(0),
    },
    value_label="change of the score (log-odds)",
)
per_unit = dict(zip(features, raw.mean(0)))
per_sd = dict(zip(features, standardised.mean(0)))

# %%
show(
    read_twice,
    caption="The same 100 models, read in two ways; the intervals hold 95 % "
    "of the models.",
    alt='Grouped bars. Raw weights: x1 {per_unit["x1"]:.1f}, x2 '
    '{per_unit["x2"]:.1f}. Multiplied by the standard deviation: x1 '
    '{per_sd["x1"]:.1f}, x2 {per_sd["x2"]:.1f}. The weight of x3 is close to '
    "zero both times.",
    tolerance=0.05,
)

# %%
lead_raw = raw[:, 1] - raw[:, 0]
lead_standardised = standardised[:, 0] - standardised[:, 1]
marker_first, blood_first = (
    lead.mean() > z * lead.std(ddof=1) / 10
    for lead in (lead_raw, lead_standardised)
)
queue_silent = abs(per_sd["x3"]) < 0.05 * per_sd["x1"]

# %%
claim(
    "For these fits, raw weights put the marker first, weights per standard "
    "deviation the blood value; neither gives the queue a say",
    marker_first and blood_first and queue_silent,
    evidence="raw weights: {per_unit:.2f}; per standard deviation: "
    "{per_sd:.2f}",
    tolerance=0.05,
    fails_if="the marker were written down in a unit ten times smaller",
)

# %% [markdown]
# Is the blood value first, then? Standardise the columns *before* fitting, as one is taught, and see:

# %% tags=["live:standardise first"]
before = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_home, y_home)
first_x1, first_x2, _ = before[-1].coef_[0]

# %%
claim(
    "Standardised before fitting, the marker leads again",
    first_x2 > 1.3 * first_x1,
    evidence="weights: x1 {first_x1:.2f}, x2 {first_x2:.2f}",
    tolerance=0.05,
    fails_if="the home instrument were as coarse as the second",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Multiplied by the standard deviations *after* the fit, the blood value leads; standardised *before* it, the
# marker does. Which column is the more important one?
#
# <details><summary>The marker, since one should standardise before fitting</summary>
#
# **No.** That is good advice for the penalty, which then treats all columns alike. But it gives another model: the weights tell
# what *that* model does, and nothing about the first.
#
# </details>
#
# <details><summary>The blood value, since it is the cause of the disease</summary>
#
# **No.** That is a fact about the world. A model may lean on an effect and leave the cause aside; nothing in the fit asks which
# way an arrow points.
#
# </details>
#
# <details><summary>Nobody can say, since the weights change from draw to draw</summary>
#
# **No.** They hardly do: look at the intervals in the figure. The two readings differ because they belong to two models, not
# because either is uncertain.
#
# </details>
#
# <details><summary>The question has no answer as it stands</summary>
#
# **Right.** At home many lines part the classes, and the units decide which of them the penalty picks. Say first for what a
# column shall be important: for the score, for the decisions, or in another hospital.
#
# </details>

# %% [markdown]
# At home many lines separate the classes; the regression's penalty picks one, and presses on other numbers when the units are
# others. So "which weight is largest" has no answer here. What all readings share is weaker: **the model uses both, and
# not the queue.** That is enough to ruin it. In another hospital the marker keeps its weight, but is noisier.

# %% tags=["live:noise in the score"]
signal = logistic.coef_[0][0]  # x1 moves the score by this much for each standard deviation
noise = {name: abs(logistic.coef_[0][1]) * s for name, s in spreads.items()}

# %%
say(
    "A standard deviation of the blood value moves the score by {signal:.1f}. "
    'The marker\'s noise moves it by {noise["home"]:.1f} at home, '
    '{noise["second"]:.1f} in the second hospital and {noise["third"]:.0f} in '
    "the third, where it drowns everything else.",
    tolerance=0.1,
)


# %% slideshow={"slide_type": "skip"} tags=["live:draw the line"]
def three_hospitals(home_spread):
    """Fit at home with this spread; draw where the model changes its mind there and elsewhere."""
    fit = LogisticRegression().fit(*patients(home_spread, 1000, seed))
    (w1, w2, w3), b = fit.coef_[0], fit.intercept_[0]
    places = {**new, "home": patients(home_spread, 5000, seed + 1)}
    right = {name: fit.score(X, y) for name, (X, y) in places.items()}
    figure = scatter_panels(
        {f"{name}: {right[name]:.1%} right": (X[:400, 0], X[:400, 1], y[:400]) for name, (X, y) in places.items()},
        x_label="blood value $x_1$",
        y_label="marker $x_2$",
        classes=["healthy", "sick"],
        boundaries={f"{w1:.1f} $x_1$ + {w2:.1f} $x_2$ + ... = 0": lambda x1, x2: w1 * x1 + w2 * x2 + w3 * 2.5 + b},
    )
    return figure, {**right, "w1": w1, "w2": w2}


with_the_fine_instrument, _ = three_hospitals(0.1)

# %%
show(
    with_the_fine_instrument,
    caption="The model fitted with the fine instrument, at home and "
    "elsewhere.",
    alt="Three scatter plots with the line on which the model changes its "
    "mind. At home the slanted line separates the classes. In the third "
    "hospital, whose axis is much longer, the same line is almost flat and "
    "cuts through both.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A model that cannot be read
#
# The networks fail in the same way. Their weights can be looked at, too; here is the first of the twenty:

# %% tags=["live:one network"]
network = networks[0]
hidden = network[0].weight.numpy().T

# %%
first_layer = heat_map(
    hidden,
    x_label="hidden unit",
    y_label="feature",
    y_ticks=["$x_1$", "$x_2$", "$x_3$"],
    value_label="weight",
)
n_parameters = sum(weight.numel() for weight in network.parameters())

# %%
show(
    first_layer,
    caption="The first layer of one network. A second layer with as many "
    "weights as there are columns follows.",
    alt="Heat map of three rows and {hidden.shape[1]} columns of red and blue "
    "stripes. The row of x2 is the most colourful.",
)
say("These are {hidden.size} of its {n_parameters} parameters.")

# %% [markdown]
# The row of $x_2$ is the darkest, which is suggestive, but what reaches the output also depends on the second layer and on
# which units are switched on, and with more layers even the suggestion is lost.
#
# But we can ask the model, as we would ask any black box: *how much worse do you get when one column no longer
# belongs to its rows?* Shuffle the column, score again. This is permutation importance, and it needs no weights.


# %% slideshow={"slide_type": "fragment"} tags=["live:shuffle a column"]
def share_right(y, prediction):
    return np.mean(y == prediction)


answers = {"logistic": logistic.predict, "network": lambda X: probability(network, X) > 0.5}
drops = {
    name: permutation_importance(answer, *new["home"], score=share_right, seed=seed) for name, answer in answers.items()
}

# %%
shuffled = bars(
    {name: drop.mean for name, drop in drops.items()},
    ["blood value $x_1$", "marker $x_2$", "queue $x_3$"],
    intervals={name: 1.96 * drop.std for name, drop in drops.items()},
    value_label="accuracy lost at home",
)
lost = {name: dict(zip(features, drop.mean)) for name, drop in drops.items()}

# %%
show(
    shuffled,
    caption="Accuracy lost on new patients at home when one column is "
    "shuffled; the intervals hold 95 % of the shuffles.",
    alt="Bars. Shuffling x1 costs the logistic regression "
    '{lost["logistic"]["x1"]:.2f} and the network '
    '{lost["network"]["x1"]:.2f}; shuffling x2 costs '
    '{lost["logistic"]["x2"]:.2f} and {lost["network"]["x2"]:.2f}; shuffling '
    "x3 costs next to nothing.",
    tolerance=0.02,
)

# %%
both_used = min(lost["logistic"][x] for x in ("x1", "x2")) > 0.1
mostly_marker = lost["network"]["x2"] > 0.35 and lost["network"]["x1"] < 0.1
queue_unused = all(abs(of_model["x3"]) < 0.02 for of_model in lost.values())

# %%
claim(
    "The regression leans on the blood value and on the marker; the network "
    "on the marker almost alone; neither on the queue",
    both_used and mostly_marker and queue_unused,
    evidence='accuracy lost by the regression: {lost["logistic"]:.2f}; by the '
    'network: {lost["network"]:.2f}',
    tolerance=0.02,
    fails_if="the diagnoses were shuffled among the patients of every hospital",
)

# %% [markdown]
# For the regression the order is not that of its weights per standard deviation. Those say how far the score moves; shuffling
# says how many decisions flip. Before you call a feature important, say *for what*.
#
# The network leans on one of two perfect rules, and not on the one that lasts: that is why it falls further. Seen from home this is
# the warning: a model leans on something that *we know* to be an effect. Home data alone, without further
# assumptions, cannot tell a cause from an effect; the arrows do.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Shuffling the marker costs the network far more accuracy than shuffling the blood value. What follows?
#
# <details><summary>The marker has more to do with the disease than the blood value</summary>
#
# **No.** The disease is *defined* by the blood value. The network could use either at home, and took the marker; shuffling
# finds out what it took.
#
# </details>
#
# <details><summary>The marker is a cause of the disease, or it could not help to predict it</summary>
#
# **No.** Effects predict, too, and often better: a fever predicts an infection. Prediction needs that the two go together,
# whichever way the arrow points.
#
# </details>
#
# <details><summary>The network is safe wherever the marker is measured</summary>
#
# **No.** The third hospital measures it, badly, and there the network is hardly better than a coin. It relies on the marker *as
# it is at home*.
#
# </details>
#
# <details><summary>This network relies on the marker; nothing follows about the disease</summary>
#
# **Right.** Shuffling asks the model. What follows for a patient when the marker is changed is a question to the world, and it
# comes next.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What would really change the disease?
#
# Ask the world instead of the model: give every patient a marker of 0, then a marker of 1, and look at the disease.
# `do` puts a new equation in the place of $x_2$'s and leaves every other equation and all noise alone:

# %%
show_source(StructuralCausalModel.do)

# %% [markdown]
# The two worlds differ in nothing else, so the answer is exact.

# %% tags=["live:do(x2)"]
true_effect = world.effect_of("x2", on="y", low=0, high=1, n=5000, seed=seed).value


def share_called_sick(marker):
    rows = world.do(x2=marker).sample(5000, seed=seed)
    return logistic.predict(rows[features].to_numpy()).mean()


believed_effect = share_called_sick(1) - share_called_sick(0)

# %%
claim(
    "Changing the marker cures nobody, yet the model changes its diagnosis "
    "for many patients",
    true_effect == 0 and believed_effect > 0.2,
    evidence="true effect {true_effect:g}, believed effect "
    "{believed_effect:.2f}",
    tolerance=0.01,
    fails_if="the arrow between the disease and the marker pointed the other way",
)

# %% [markdown]
# The model is not wrong about the association: it answers "what do patients with this marker have, at home?" Who treats
# asks "what if we change the marker?", and who diagnoses elsewhere asks "what if it is measured differently?" Both are
# questions about another world, and `do` and `environment` write them down.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move the world yourself
#
# Suppose the *home* instrument had been worse. Refit at home for a range of spreads, and watch the weights and the
# accuracy in the two other hospitals.
#
# <!-- Vote first on what a worse instrument at home does to the model abroad. -->

# %% tags=["live:a noisier home"]
home_spreads = np.geomspace(0.03, 10, 16)
refits = [LogisticRegression().fit(*patients(s, 5000, seed + 2)) for s in home_spreads]
use = np.array([fit.coef_[0] * patients(s, 5000, seed + 2)[0].std(axis=0) for fit, s in zip(refits, home_spreads)])
worst = np.array([[fit.score(*new[name]) for name in ("second", "third")] for fit in refits])

# %%
noisier_home = lines(
    home_spreads,
    {
        "What the model uses": {"$x_1$": use[:, 0], "$x_2$": use[:, 1]},
        "Where it works": {
            "second hospital": worst[:, 0],
            "third hospital": worst[:, 1],
        },
    },
    x_label="spread of the marker at home",
    y_labels=["weight × standard deviation", "accuracy"],
    log_x=True,
)

# %%
show(
    noisier_home,
    caption="One logistic regression for each spread. Once the marker is "
    "noisy at home, the model stops leaning on it.",
    alt="Two panels against the spread of the marker at home, from fine to "
    "coarse. Left: the use of x2 falls from {use[0, 1]:.1f} to "
    "{use[-1, 1]:.1f} while that of x1 rises. Right: accuracy in the third "
    "hospital rises from {worst[0, 1]:.2f} to {worst[-1, 1]:.2f}.",
    tolerance=0.05,
)

# %% tags=["live:move the slider"]
explore(
    three_hospitals,
    [0.03, 0.1, 0.2, 0.3, 0.5, 1, 2, 4, 10],
    start=0.1,
    label="spread of the marker at home",
    caption="The model refitted at home. Move the spread, and watch the line turn and the accuracies in the titles.",
    alt="Three scatter plots with the line on which the model changes its mind. Fitted at home with a spread of {value}, it "
    "weighs the blood value by {w1:.1f} and the marker by {w2:.1f}, and is right for {home:.1%} of the patients at home, "
    "{second:.1%} in the second hospital and {third:.1%} in the third.",
    tolerance=0.05,
)

# %%
claim(
    "A worse instrument at home makes a better model abroad",
    use[-1, 1] < 0.5 * use[0, 1] and worst[-1, 1] - worst[0, 1] > 0.3,
    evidence="from the finest to the coarsest: use of the marker "
    "{use[0, 1]:.1f} and {use[-1, 1]:.1f}, accuracy in the third "
    "{worst[0, 1]:.1%} and {worst[-1, 1]:.1%}",
    tolerance=0.05,
    fails_if="the diagnoses were shuffled among the patients of every hospital",
)

# %% [markdown]
# It got better because a noisy marker is not worth using while the blood value decides everything. The remedies of this part do
# not wait for such luck: they *compare* environments, and keep what holds in all of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Another unit (difficulty 1, 5 minutes)
# A laboratory changes its units: column $j$ of the table is multiplied by `factors[j]`. Write a function that returns the weights
# which give every patient the same score as before.
#
# <!-- Good as homework. Whoever is stuck tries one patient and one column. -->


# %% tags=["exercise"]
def in_new_units(weights, factors):
    ### BEGIN SOLUTION
    return np.asarray(weights) / np.asarray(factors)
    ### END SOLUTION


check(exercises.another_unit, in_new_units)  # hint(exercises.another_unit) helps, in layers

# %% [markdown]
# ## Exercise 2 — Shuffle one column (difficulty 2, 10 minutes)
# Permutation importance without a library: return how much accuracy is lost when the values of one column of the array `X`
# are shuffled among the rows. `column` is its position. Leave the caller's `X` as it was, and draw with the generator `rng`.
#
# <!-- The usual slip is to shuffle the caller's array in place. -->


# %% tags=["exercise"]
def accuracy_lost(predict, X, y, column, rng):
    ### BEGIN SOLUTION
    shuffled = X.copy()
    shuffled[:, column] = rng.permutation(shuffled[:, column])
    return np.mean(predict(X) == y) - np.mean(predict(shuffled) == y)
    ### END SOLUTION


check(exercises.shuffle_one_column, accuracy_lost)

# %% [markdown]
# ## Exercise 3 — Turn the arrow round (difficulty 2, 10 minutes)
# Write a world with variables `x2` and `y` in which `x2` *causes* the disease: giving every patient a marker of 1
# instead of 0 must make more patients sick, by at least 20 of 100, and making patients sick must leave the marker alone.
# The disease stays a yes or no.
#
# <!-- For those who are quick: what does permutation importance say in this world? -->

# %% tags=["exercise"]
### BEGIN SOLUTION
turned = StructuralCausalModel({"x2": lambda noise: noise, "y": lambda x2, noise: x2 + noise >= 0.5})
### END SOLUTION

check(exercises.turn_the_arrow, turned)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A model that is perfect on its own data may rest on an effect of what it predicts. It breaks where that effect
#   is produced differently, even though nothing about the causes has changed.
# - An environment is a change of some equations and not of others. Which ones, the causal graph says; the home data do not.
# - A weight is a slope per unit, chosen with the help of a penalty; its size is no measure of importance. Before you call
#   a feature important, say for what.
# - Shuffling a column asks any model what it relies on. Setting a variable with `do` asks the world what follows.
#
# <!-- Back to the guesses on the board: which of them hold? -->

# %% [markdown]
# ## Where it breaks
#
# - The disease here is an exact function of $x_1$, so a separating line exists and only the penalty keeps the weights
#   finite. Real labels are noisy.
# - Permutation importance breaks the link between columns and so shows the model patients that its own hospital never
#   sees (a healthy blood value with a sick marker). Here that is a gain, since the other hospitals are full of them; in
#   general it measures the model outside its data.
# - We knew the arrows because we wrote them. Learning them from data is harder, and needs assumptions.
#
# <!-- Ask for the assumption that is most doubtful where the listeners work. -->

# %% [markdown]
# ## Further reading
#
# - [Peters, Janzing and Schölkopf (2017)](https://mitpress.mit.edu/9780262037310/elements-of-causal-inference/), *Elements of
#   Causal Inference: Foundations and Learning Algorithms*, chapters 1 to 3: structural causal models, interventions, and why they
#   are not regressions.
# - [Geirhos et al. (2020)](https://arxiv.org/abs/2004.07780), *Shortcut learning in deep neural networks*: shortcuts of the same
#   kind in networks for images and language, with a good taxonomy.
# - [Arjovsky et al. (2019)](https://arxiv.org/abs/1907.02893), *Invariant Risk Minimization*: the proposal to learn what is
#   invariant across environments; tried later in this part.
# - [Azzolin (2023)](https://github.com/steveazzolin/gdl_tutorial_turinginst), *Hands-on tutorial on XAI (introduction)*: the
#   tutorial whose experiment this notebook repeats.
#
# <!-- The first chapters of the book are short, free, and enough for this part. -->
