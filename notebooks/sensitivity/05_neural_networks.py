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
# # How far to the other side?
#
# Input gradients of a neural network, and the smallest step that changes its mind
#
# > **After this notebook you can**
# >
# > - take the gradients of a network with respect to its inputs, for a whole batch at once
# > - avoid three traps: an untrained network, gradients that pile up, one row at a time
# > - measure how vulnerable a prediction is, and check the measurement
#
# **18 minutes**, and as many for the exercises · builds on "Calculating sensitivities" · data: 569 biopsies that ship with scikit-learn

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A needle takes cells from a lump in the breast, a microscope measures their nuclei, and a network says *benign* or *malignant*. No measurement
# is exact. A radius comes out a little larger, an outline a little smoother. *How little is enough to turn the diagnosis round?*
#
# The input gradient points to where the network's answer changes fastest. So it should also point to the nearest other answer. We follow it there.

# %% tags=["setup"]
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from xaicourse.exercises import neural_networks as exercises
from xaicourse.networks import accuracy, mlp, train_mlps
from xaicourse.plotting import lines, scatter_panels
from xaicourse.sensitivity import batch_jacobian, finite_differences
from xaicourse.teaching import check, claim, hint, progress, say, show

seed = 0

# %% [markdown]
# The biopsies are real ([Street, Wolberg and Mangasarian, 1993](https://doi.org/10.1117/12.148698)), thirty measurements each. We
# begin with two, the radius and the dents (*concave points*) of the worst
# nuclei, so that everything can be drawn. Both are standardised, so a step of one is one standard deviation of a measurement.

# %% tags=["live:the biopsies"]
data = load_breast_cancer()
malignant = data.target == 0
rows_train, rows_test, y_train, y_test = train_test_split(
    data.data, malignant, stratify=malignant, random_state=seed
)
centre, spread = rows_train.mean(axis=0), rows_train.std(axis=0)
all_train, all_test = (
    (rows_train - centre) / spread,
    (rows_test - centre) / spread,
)

pair = [
    list(data.feature_names).index(name)
    for name in ("worst radius", "worst concave points")
]
X_train, X_test = all_train[:, pair], all_test[:, pair]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide's network
#
# The slides that this part grew out of build a network with two inputs, five hidden units and one output, and print the gradient for one
# random row. They never train it. Here are two hundred such networks, each with other random weights, and what they say of our patients:


# %% tags=["live:networks without training"]
def fresh_network(number):
    """Return the slide's network; PyTorch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1000 * seed + number)
        return mlp(2, [5]).double()


def mean_gradient(network):
    """Return the sensitivity to each input, averaged over the new patients."""
    return (
        batch_jacobian(network.double(), torch.from_numpy(X_test))[:, 0]
        .mean(0)
        .numpy()
    )


untrained = [fresh_network(i) for i in range(200)]
of_untrained = np.array([mean_gradient(network) for network in untrained])

# %%
share_positive = (of_untrained > 0).mean(axis=0)

# %%
claim(
    "Of two hundred untrained networks, about half say that a larger radius "
    "speaks for malignancy, and half the opposite",
    ((share_positive > 0.3) & (share_positive < 0.7)).all(),
    evidence="positive for the radius: {share_positive[0]:.0%}; for the "
    "dents: {share_positive[1]:.0%}",
    tolerance=0.02,
    fails_if="the networks had been trained",
)

# %% [markdown]
# The gradient of an untrained network explains its random numbers. There is a second trap in the slide's code. `backward()` *adds* to what is
# already there:

# %% tags=["live:gradients pile up"]
network = untrained[0]
x = torch.tensor(X_test[:1], requires_grad=True)
network(x).sum().backward()
first = x.grad.clone()
network(x).sum().backward()
second = x.grad.clone()

# %%
factor = (second.norm() / first.norm()).item()

# %%
claim(
    "Called a second time, the slide's cell returns {factor:.0f} times the "
    "gradient",
    torch.allclose(second, 2 * first) and bool((first != 0).any()),
    fails_if="the gradient had been cleared in between",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train first
#
# Twenty networks of the same shape, trained on three quarters of the patients from different first weights.

# %% tags=["live:train twenty networks"]
networks = train_mlps(
    X_train,
    y_train,
    hidden=[5],
    seeds=range(100 * seed, 100 * seed + 20),
    learning_rate=0.01,
    progress=progress("20 networks"),
)
right = [accuracy(network, X_test, y_test) for network in networks]
of_trained = np.array([mean_gradient(network) for network in networks])

# %%
least_right, most_right = min(right), max(right)
mean_trained, least_trained = of_trained.mean(axis=0), of_trained.min(axis=0)
clouds = {"before training": of_untrained, "after training": of_trained}
two_clouds = scatter_panels(
    {
        title: (*points.T, np.zeros(len(points)))
        for title, points in clouds.items()
    },
    x_label="sensitivity to the radius",
    y_label="sensitivity to the dents",
    classes=["one network"],
)

# %%
say(
    "On new patients they are right for {least_right:.0%} to "
    "{most_right:.0%}.",
    tolerance=0.01,
)
show(
    two_clouds,
    caption="Mean input gradient over the new patients: change of the "
    "log-odds per standard deviation. Each dot is a network. Mind the axes.",
    alt="Two scatter plots. Before training the dots lie around zero in all "
    "directions. After training all lie to the upper right, at about "
    "{mean_trained[0]:.1f} for the radius and {mean_trained[1]:.1f} for the "
    "dents.",
    tolerance=0.2,
)
claim(
    "After training, every network says that larger nuclei and deeper dents "
    "speak for malignancy",
    (of_trained > 0).all(),
    evidence="smallest for the radius: {least_trained[0]:.2f}; for the dents: "
    "{least_trained[1]:.2f}",
    tolerance=0.2,
    fails_if="the networks had been taught to say benign",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A batch at a time
#
# The slide differentiates one row, because `backward()` wants a single number. A loop over patients would do. But no patient's answer depends on another
# patient, so the gradient of the *sum* of all answers holds every patient's gradient, in one pass. That is what `batch_jacobian` does.
# `torch.func` gets there differently: `grad` makes a function that differentiates one row, `vmap` applies it to all rows together.

# %% tags=["live:three ways"]
net = networks[0].double()
patients = torch.from_numpy(X_test)


def log_odds(X):
    """Return the answer for rows of numbers; positive is malignant."""
    return net(torch.from_numpy(X)).numpy()[:, 0]


gradients = batch_jacobian(net, patients)[:, 0].numpy()
by_torch_func = torch.func.vmap(torch.func.grad(lambda row: net(row)[0]))(
    patients
).numpy()
by_differences = finite_differences(log_odds, X_test, step=1e-7)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Differences need double precision, hence the `.double()`. With ReLUs the network is a patchwork of linear pieces, so a chord within a piece is
# exact whatever its length. We take a step of a ten-millionth, short enough to stay within one.

# %%
torch_func_apart = abs(by_torch_func - gradients).max()
differences_apart = abs(by_differences - gradients).max()

# %%
claim(
    "For every new patient the batch equals torch.func, and differences to "
    "five decimals",
    torch_func_apart < 1e-10 and differences_apart < 1e-5,
    evidence="torch.func differs by {torch_func_apart:.0e}, differences by "
    "{differences_apart:.0e}",
    tolerance=1e-6,
    fails_if="every patient got the gradient of another",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The smallest step that flips the diagnosis
#
# For a patient called malignant, walk against the gradient; for one called benign, walk along it. The direction is kept; only the length
# grows, in fiftieths of a standard deviation, until the answer has changed.


# %% tags=["live:walk until it flips"]
def towards_the_other_side(score, gradients):
    """Return the direction of length one in which an answer changes most."""
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    return -np.sign(score)[:, None] * gradients / lengths


def steps_to_flip(answer, X, directions, furthest=10):
    """Return how far each row goes until its answer flips; or infinity."""
    start, found = answer(X) > 0, np.full(len(X), np.inf)
    for length in np.arange(0.02, furthest, 0.02):
        flipped = (answer(X + length * directions) > 0) != start
        found[flipped & np.isinf(found)] = length
    return found


directions = towards_the_other_side(log_odds(X_test), gradients)
needed = steps_to_flip(log_odds, X_test, directions)

# %%
called, arrived = log_odds(X_test) > 0, np.isfinite(needed)
landed = X_test[arrived] + needed[arrived, None] * directions[arrived]


def boundary(across, up):
    rows = np.column_stack([across.ravel(), up.ravel()])
    return log_odds(rows).reshape(across.shape)


before_and_after = scatter_panels(
    {
        "new patients": (*X_test.T, called),
        "after their smallest step": (*landed.T, called[arrived]),
    },
    x_label="radius (standard deviations)",
    y_label="dents (standard deviations)",
    classes=["called benign", "called malignant"],
    boundaries={"the network is undecided": boundary},
)

# %%
n_arrived = arrived.sum()
half_need, tenth_need = np.median(needed), np.quantile(needed, 0.1)

# %%
# folded with the sentence, since it answers the first exercise
guess = abs(log_odds(X_test)) / np.linalg.norm(gradients, axis=1)
half_guess = np.median(guess)
show(
    before_and_after,
    caption="The patients as they are, and moved along their gradients until "
    "the diagnosis just changes. Colours: the first diagnosis.",
    alt="Two scatter plots with the line on which the network is undecided. "
    "Left: benign below, malignant above the line. Right: {n_arrived} "
    "patients lie next to the line, each just beyond it.",
    tolerance=3,
)
say(
    "Half of the patients need no more than {half_need:.2f} standard "
    "deviations; a tenth need no more than {tenth_need:.2f}. From the slope "
    "where they stand one would have guessed {half_guess:.2f} for half of "
    "them: the network bends on the way.",
    tolerance=0.1,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is there a shorter way?
#
# The gradient is a local compass. With two measurements we can afford the truth: try 120 directions for every patient and take the
# shortest step of all.

# %% tags=["live:try every direction"]
angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
around = np.column_stack([np.cos(angles), np.sin(angles)])
every = steps_to_flip(
    log_odds, np.repeat(X_test, 120, axis=0), np.tile(around, (len(X_test), 1))
)
shortest = every.reshape(-1, 120).min(axis=1)

# %%
ratio = needed[arrived] / shortest[arrived]
nearly_shortest = (ratio < 1.1).mean()
median_ratio, longest_ratio = np.median(ratio), ratio.max()

# %%
claim(
    "For most patients the gradient's step is at most a tenth longer than the "
    "shortest of all",
    nearly_shortest > 0.5,
    evidence="share of patients: {nearly_shortest:.0%}; gradient's step over "
    "the shortest: median {median_ratio:.2f}, longest {longest_ratio:.2f}",
    tolerance={
        "nearly_shortest": 0.1,
        "median_ratio": 0.03,
        "longest_ratio": 0.3,
    },
    fails_if="the walk went sideways",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Thirty measurements
#
# With all thirty there are too many directions to try. We compare the gradient with chance instead: a random direction for every patient.

# %% tags=["live:thirty measurements"]
wide = train_mlps(
    all_train, y_train, hidden=[20], seeds=[seed], learning_rate=0.01
)[0].double()


def wide_log_odds(X):
    return wide(torch.from_numpy(X)).numpy()[:, 0]


wide_gradients = batch_jacobian(wide, torch.from_numpy(all_test))[:, 0].numpy()
guided = towards_the_other_side(wide_log_odds(all_test), wide_gradients)
noise = np.random.default_rng(seed).normal(size=all_test.shape)
noise /= np.linalg.norm(noise, axis=1, keepdims=True)
guided_steps = steps_to_flip(wide_log_odds, all_test, guided)
random_steps = steps_to_flip(wide_log_odds, all_test, noise)

# %%
lengths = np.arange(0.1, 6.01, 0.1)
flipped = {
    "along the gradient": [(guided_steps <= s).mean() for s in lengths],
    "in a random direction": [(random_steps <= s).mean() for s in lengths],
}
share_flipped = lines(
    lengths,
    {"": flipped},
    x_label="length of the step (standard deviations)",
    y_labels="share of diagnoses flipped",
    markers=False,
    limits=(0, 1.02),
)

# %%
by_chance = (random_steps <= guided_steps).mean()
median_step = np.median(guided_steps)
per_measurement = median_step / np.sqrt(30)
wide_right = accuracy(wide.float(), all_test, y_test)

# %%
show(
    share_flipped,
    caption="How many diagnoses of new patients change when all thirty "
    "measurements move together.",
    alt="Two rising curves. Along the gradient half of the diagnoses have "
    "changed at a step of {median_step:.1f}. In random directions "
    '{flipped["in a random direction"][-1]:.0%} have changed at a step of '
    "six.",
    tolerance={
        "median_step": 0.2,
        'flipped["in a random direction"][-1]': 0.05,
    },
)
claim(
    "A random step as long as the gradient's flips fewer than one diagnosis "
    "in ten",
    by_chance < 0.1,
    evidence="flipped by chance: {by_chance:.1%}; median step of the "
    "gradient: {median_step:.2f}",
    control="a random direction of the same length",
    tolerance=0.03,
    fails_if="the random directions were the gradient's",
)
say(
    "Spread over thirty measurements, the median step moves each by a mere "
    "{per_measurement:.2f} standard deviations (root mean square). The "
    "network is right for {wide_right:.0%} of new patients all the same.",
    tolerance=0.03,
)

# %% [markdown]
# This is why random noise says little about safety. Random directions are almost all harmless, and a test with noise passes. The
# dangerous direction is one in a crowd, and the gradient finds it at once.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — The slope's guess (difficulty 1, 5 minutes)
# Where the network is linear, the distance to the other side follows from the answer and its gradient. Given `scores` of shape (rows,) and `gradients`
# of shape (rows, inputs), return the guessed length of the step for each row.


# %% tags=["exercise"]
def guessed_step(scores, gradients):
    ### BEGIN SOLUTION
    return abs(scores) / np.linalg.norm(gradients, axis=1)
    ### END SOLUTION


check(exercises.the_slopes_guess, guessed_step)  # hint(exercises.the_slopes_guess) helps, in layers

# %% [markdown]
# ## Exercise 2 — All rows at once (difficulty 2, 10 minutes)
# Write the input gradients yourself: for a tensor `X` of shape (rows, inputs) and a `network` with one output, return a tensor of the same shape. Run
# the network once, leave the `.grad` of its parameters alone, and give the same answer when called twice.


# %% tags=["exercise"]
def input_gradients(network, X):
    ### BEGIN SOLUTION
    X = X.detach().clone().requires_grad_()
    return torch.autograd.grad(network(X).sum(), X)[0]
    ### END SOLUTION


check(exercises.all_rows_at_once, input_gradients)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Train first. The gradient of an untrained network is noise.
# - Rows do not see each other, so the gradient of the summed answers holds every row's gradient. No loop is needed.
# - `backward()` adds up. Ask `torch.autograd.grad` or a function of `torch.func` instead.
# - Vulnerability is a length: the smallest step that changes the answer. The gradient's direction finds a short one; random noise does not.

# %% [markdown]
# ## Where it breaks
#
# - The step found is an upper bound. With two inputs we could check how good it is; with thirty, iterating the gradient finds shorter ones.
# - A step may be impossible. A nucleus cannot become larger and keep its area, and the direction knows nothing of that.
# - Where all hidden units of a ReLU network are switched off the gradient is exactly zero, and points nowhere.
# - Standard deviations are a convenient ruler. Whether a step is small compared with the error of the microscope, only the laboratory can say.

# %% [markdown]
# ## Further reading
#
# - [Moosavi-Dezfooli, Fawzi and Frossard (2016)](https://arxiv.org/abs/1511.04599), *DeepFool: a simple and accurate method to
#   fool deep neural networks*: the same walk, repeated with a new gradient after each step, for images and many classes.
# - [Goodfellow, Shlens and Szegedy (2015)](https://arxiv.org/abs/1412.6572), *Explaining and harnessing adversarial examples*:
#   why even nearly linear networks are fooled when many inputs move a little.
# - [Street, Wolberg and Mangasarian (1993)](https://doi.org/10.1117/12.148698), *Nuclear feature extraction for breast tumor
#   diagnosis*: how the nuclei were measured.
