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
# # Calculating sensitivities
#
# Five ways to a derivative, what each costs, and how many digits it gives
#
# > **After this notebook you can**
# >
# > - choose among forward, central, extrapolated and complex differences and autograd
# > - say beforehand how often each will run your model
# > - recognise two ways in which a derivative comes out wrong without a word
#
# **15 minutes**, and as many for the exercises · builds on "How small is small?" · data: a function with a known derivative

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# An engineer wants to know which settings of a pump change its power. She has a simulator. One run takes a minute, and the pump has
# two settings today, two hundred next year. *How many runs does she pay for, and how many correct digits does she get for them?*
#
# Today's stand-in for the simulator is the function of the slides that this part grew out of, because we know its derivative:
# $f(x) = \sin x_0 + \cos x_1$ at the point $(1, 2)$, with the gradient $(\cos 1, -\sin 2)$.

# %% tags=["setup"]
import numpy as np
import pandas as pd
import torch

from xaicourse.exercises import calculating as exercises
from xaicourse.plotting import bars, lines
from xaicourse.sensitivity import batch_jacobian, finite_differences
from xaicourse.teaching import check, claim, hint, say, show, table

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four hundred thousand
#
# The function of the slides, with its copies repaired. Once it is given the point as whole numbers, once with decimal points.


# %% tags=["live:the slide's gradient"]
def numerical_gradient(func, x, epsilon=1e-6):
    grad = np.zeros_like(x)
    for i in range(len(x)):
        x_plus, x_minus = x.copy(), x.copy()
        x_plus[i] += epsilon
        x_minus[i] -= epsilon
        grad[i] = (func(x_plus) - func(x_minus)) / (2 * epsilon)
    return grad


def model(x):
    return np.sin(x[0]) + np.cos(x[1])


of_integers = numerical_gradient(model, np.array([1, 2]))
of_floats = numerical_gradient(model, np.array([1.0, 2.0]))

# %%
claim(
    "For whole numbers the slide's function returns {of_integers[0]:,} and "
    "{of_integers[1]:,}, and no error",
    abs(of_integers).min() > 100_000,
    fails_if="the point had decimal points",
)
claim(
    "With decimal points it returns the right numbers, 0.540302 and -0.909297 "
    "on paper",
    abs(of_floats - [0.540302, -0.909297]).max() < 1e-6,
    evidence="found: {of_floats:.6f}",
    fails_if="the difference were divided by one step instead of two",
)

# %% [markdown]
# Changing a *column* of an integer array by a fraction is refused. Changing *one* entry is not: the entry is cut off silently. So $1 + \epsilon$ stays 1,
# and $1 - \epsilon$ becomes 0. The two points lie a whole unit apart, and their difference is divided by two millionths. Finally the result is cut off
# as well, since `zeros_like` made room for integers. Make the point floating-point before anything else.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five ways
#
# | way | formula for input $j$ | runs for $d$ inputs |
# |---|---|---|
# | forward | $(f(x + h e_j) - f(x)) / h$ | $d + 1$ |
# | central | $D(h) = (f(x + h e_j) - f(x - h e_j)) / 2h$ | $2 d$ |
# | Richardson | $(4 D(h/2) - D(h)) / 3$ | $4 d$ |
# | complex step | $\mathrm{Im} f(x + i h e_j) / h$ | $d$, and 5 to see whether the model is analytic |
# | autograd | the chain rule, backwards through the code | one, and one backward pass |
#
# Richardson uses that the error of $D(h)$ is proportional to $h^2$: half the step has a quarter of the error, so the two can be combined to cancel it. The complex
# step uses $f(x + ih) = f(x) + i h f'(x) - \ldots$: the derivative stands in the imaginary part, and *nothing is subtracted*.

# %% tags=["live:count the runs"]
calls = []


def counted(x):
    """Return the model's value, and take note of the call."""
    calls.append(x)
    return model(x)


methods = ["forward", "central", "richardson", "complex"]
cost = {}
for method in methods:
    calls.clear()
    finite_differences(counted, [1.0, 2.0], method=method)
    cost[method] = len(calls)

# %%
claim(
    "For two inputs the model is run 3, 4, 8 and 7 times: 2 for the complex "
    "step, and 5 to see whether the model is analytic",
    list(cost.values()) == [3, 4, 8, 2 + 5],
    evidence="counted: {cost}",
    fails_if="the pump had three settings",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right? How many digits?
#
# One point may be lucky. We take 200 random points, each way with its own default step, and compare with the gradient on paper.


# %% tags=["live:errors at 200 points"]
def in_pytorch(x):
    return x[:, 0].sin() + x[:, 1].cos()


points = np.random.default_rng(seed).uniform(-3, 3, size=(200, 2))
on_paper = np.column_stack([np.cos(points[:, 0]), -np.sin(points[:, 1])])


def rows(X):
    return model(X.T)


error = {
    m: abs(finite_differences(rows, points, method=m) - on_paper).max(axis=1)
    for m in methods
}
error["autograd"] = abs(
    batch_jacobian(in_pytorch, torch.from_numpy(points)).numpy() - on_paper
).max(axis=1)
eps = np.finfo(float).eps
typical = {m: max(np.median(e), eps) for m, e in error.items()}
digits = {m: -np.log10(e) for m, e in typical.items()}

# %%
names = ["forward", "central", "Richardson", "complex step", "autograd"]
runs = [*cost.values(), 1]
correct_decimals = bars(
    {"digits": list(digits.values())},
    [f"{name}\n{n} run{'s' * (n > 1)}" for name, n in zip(names, runs)],
    value_label="correct decimals",
    reference=(-np.log10(eps), "what a double can hold"),
    limits=(0, 18),
)

# %%
most_digits = min(digits["complex"], digits["autograd"])
tenfold = [10**k * typical[m] for k, m in enumerate(methods)]

# %%
show(
    correct_decimals,
    caption="Correct decimals of each way (median of 200 points), and what it "
    "costs with two inputs.",
    alt='Bars: forward {digits["forward"]:.0f}, central '
    '{digits["central"]:.0f}, Richardson {digits["richardson"]:.0f} correct '
    "decimals; complex step and autograd reach the dashed line at "
    "{most_digits:.0f}.",
    tolerance=0.3,
)
claim(
    "From forward to central to Richardson to the complex step, each way "
    "gains at least a factor of ten",
    (np.diff(tenfold) < 0).all() and typical["autograd"] < 1e-15,
    evidence="typical errors: {typical:.0e}",
    tolerance=1e-8,
    fails_if="every way took the step of the forward difference",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every way has its own V
#
# The last notebook watched the error of the central difference while the step shrank. Here are the others.

# %% tags=["live:four V's"]
steps = np.geomspace(1e-14, 0.3, 55)
curves = {
    m: [
        np.median(
            abs(finite_differences(rows, points, method=m, step=h) - on_paper)
        )
        for h in steps
    ]
    for m in methods
}
curves = {m: np.maximum(c, eps) for m, c in curves.items()}

# %%
lowest = {m: curve.min() for m, curve in curves.items()}
four_vees = lines(
    steps,
    {"": dict(zip(names, curves.values()))},
    x_label="step, in units of max(1, |x|)",
    y_labels="typical error",
    log_x=True,
    log_y=True,
    markers=False,
)

# %%
show(
    four_vees,
    caption="Median error over 200 points against the step, on logarithmic "
    "axes.",
    alt="Three V-shaped curves and one that only falls. The forward "
    'difference bottoms out at {lowest["forward"]:.0e}, the central one at '
    '{lowest["central"]:.0e}, Richardson\'s at {lowest["richardson"]:.0e}. '
    "The complex step falls to the machine's precision and stays there.",
    tolerance={
        'lowest["forward"]': 1e-8,
        'lowest["central"]': 1e-10,
        'lowest["richardson"]': 1e-12,
    },
)

# %% tags=["live:orders"]
def order(method, low, high):
    """Return the slope of a curve between two steps, on logarithmic axes."""
    there = (steps > low) & (steps < high)
    x, y = np.log(steps[there]), np.log(curves[method][there])
    return np.polyfit(x, y, 1)[0]


orders = [
    order("forward", 1e-6, 1e-2),
    order("central", 1e-4, 0.1),
    order("richardson", 1e-2, 0.3),
]

# %%
claim(
    "On the right arms the error grows with the first, second and fourth "
    "power of the step",
    np.allclose(orders, [1, 2, 4], rtol=0, atol=0.15),
    evidence="forward {orders[0]:.2f}, central {orders[1]:.2f}, Richardson "
    "{orders[2]:.2f}",
    tolerance=0.03,
    fails_if="all differences were taken on one side",
)

# %% [markdown]
# A higher order pays twice: the error is smaller, and the best step is larger, so rounding hurts less.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A step of nearly nothing
#
# The complex step has no left arm. By hand, with a step that no difference could survive:


# %% tags=["live:complex step by hand"]
def complex_step(func, x, h):
    shifts = 1j * h * np.eye(len(x))
    return np.array([np.imag(func(x + shift)) / h for shift in shifts])


tiny = complex_step(model, np.array([1.0, 2.0]), 1e-200)

# %%
off = abs(tiny - [np.cos(1), -np.sin(2)]).max()

# %%
claim(
    "With a step of $10^{{-200}}$ the complex step is right to the last digit",
    off < 1e-15,
    evidence="error: {off:.0e}",
    tolerance=1e-15,
    fails_if="it took a difference instead of the imaginary part",
)

# %% [markdown]
# It asks a lot of the model. Every operation has to accept complex numbers and to be *analytic*. The absolute value, a maximum or a comparison
# is not. `abs` of a complex number is its length, a real number, and the derivative that stood in the imaginary part is gone:

# %% tags=["live:an absolute value"]
lost = complex_step(lambda x: abs(x[0]), np.array([3.0]), 1e-20)[0]
complaint = ""
try:
    finite_differences(lambda x: abs(x[0]), [3.0], method="complex")
except ValueError as error_message:
    complaint = str(error_message)

# %%
claim(
    "By hand the slope of $|x|$ at 3 comes out as {lost:.0f} instead of one. "
    "The packaged function stops: “{complaint}”",
    lost == 0 and "complex" in complaint,
    fails_if="the absolute value were written as a root of a square",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two hundred settings
#
# Each difference costs runs in proportion to the inputs. Autograd goes once forward and once backward, whatever their number: the backward pass
# carries the sensitivity of the *one* output to all inputs at once. We count.


# %% tags=["live:more and more inputs"]
def runs_needed(d, method):
    """Return how often a function of d inputs runs for its gradient."""
    evaluated = []

    def pump(x):
        evaluated.append(1)
        return x.sin().sum(1) if method == "autograd" else np.sin(x).sum()

    if method == "autograd":
        batch_jacobian(pump, torch.ones(1, d))
    else:
        finite_differences(pump, np.ones(d), method=method)
    return len(evaluated)


sizes = np.array([2, 5, 10, 20, 50, 100, 200])
needed = {
    m: [runs_needed(d, m) for d in sizes] for m in [*methods, "autograd"]
}

# %%
cost_of_a_gradient = lines(
    sizes,
    {"": dict(zip(names, needed.values()))},
    x_label="inputs",
    y_labels="runs for one gradient",
    log_x=True,
    log_y=True,
)
at_200 = {m: counts[-1] for m, counts in needed.items()}
fewest = min(at_200[m] for m in methods)
most = max(at_200[m] for m in methods)
hours = {m: n / 60 for m, n in at_200.items()}

# %%
formulas = {
    "forward": sizes + 1,
    "central": 2 * sizes,
    "richardson": 4 * sizes,
    "complex": sizes + 5,  # 5 to see whether the model is analytic
    "autograd": 0 * sizes + 1,
}
as_promised = all((formulas[m] == needed[m]).all() for m in needed)

# %%
show(
    cost_of_a_gradient,
    caption="What one gradient costs, counted. Autograd adds one backward "
    "pass, which costs a few runs more.",
    alt="Five lines on logarithmic axes. The four differences rise in "
    "proportion to the inputs, to between {fewest} and {most} runs at 200 "
    'inputs; autograd stays at {at_200["autograd"]}.',
)
say(
    "With 200 settings and a minute a run, central differences take "
    '{hours["central"]:.1f} hours, the complex step {hours["complex"]:.1f}, '
    'and Richardson {hours["richardson"]:.0f}.'
)
claim(
    "The runs are d + 1, 2d, 4d and d + 5 for every number of inputs, and one "
    "for autograd",
    as_promised,
    evidence="at 200 inputs: {at_200}",
    fails_if="autograd had to start anew for each input",
)

# %% [markdown]
# Backwards is cheap because the output is one number. With many outputs and few inputs it is the other way round: one backward pass an *output*.

# %%
needs = ["values", "values", "values, few kinks"]
needs += ["complex code", "code in PyTorch"]
which_when = pd.DataFrame(
    {
        "runs": ["d + 1", "2 d", "4 d", "d + 5", "1, and back"],
        "typical error here": list(typical.values()),
        "needs": needs,
    },
    index=names,
)

# %%
table(
    which_when,
    caption="Which way when.",
    formats={"typical error here": "{:.0e}"},
    tolerance=1e-8,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Cancel the error (difficulty 2, 8 minutes)
# `D(h)` returns the central difference of some function at some point. Its error is $c\, h^2$ and higher powers. Combine two calls so
# that the $h^2$ cancels, and return the better value.


# %% tags=["exercise"]
def extrapolated(D, h):
    ### BEGIN SOLUTION
    return (4 * D(h / 2) - D(h)) / 3
    ### END SOLUTION


check(exercises.cancel_the_error, extrapolated)  # hint(exercises.cancel_the_error) helps, in layers

# %% [markdown]
# ## Exercise 2 — A direction (difficulty 2, 8 minutes)
# The engineer will turn all settings at once, in proportion to a vector `v`. She needs only the change along it, $\sum_j v_j\, \partial f / \partial x_j$, and not the
# gradient. Return it from *one* run of `func`, which is analytic and takes complex numbers. Integers may come in.


# %% tags=["exercise"]
def along(func, x, v):
    ### BEGIN SOLUTION
    h = 1e-20
    return np.imag(func(np.asarray(x) + 1j * h * np.asarray(v))) / h
    ### END SOLUTION


check(exercises.a_direction, along)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Values only: central differences. A factor of two in runs over forward differences buys several digits.
# - A smooth model and few inputs: Richardson gives more digits for twice the runs.
# - Code that takes complex numbers: the complex step has no rounding and no step to choose.
# - Code in PyTorch and one output: autograd. Its price does not grow with the number of inputs.
# - A gradient of hundreds of thousands may be a step among integers, one of exact zeros an absolute value in a complex step. Neither raises an error.

# %% [markdown]
# ## Where it breaks
#
# - The digits here are those of a smooth function computed to the last bit. A simulator that iterates until a tolerance is reached has fewer, and wants larger steps.
# - At a kink a central difference returns the mean of two slopes, autograd one of them, and neither says so.
# - A derivative can be right to sixteen digits and still tell little about the next valley. That is the subject of a later notebook.

# %% [markdown]
# ## Further reading
#
# - [Martins, Sturdza and Alonso (2003)](https://doi.org/10.1145/838250.838251), *The complex-step derivative approximation*: what
#   the step asks of a program, and how to meet it.
# - [Baydin et al. (2018)](https://arxiv.org/abs/1502.05767), *Automatic differentiation in machine learning: a survey*: forward
#   and reverse mode, and when each is cheap.
# - [Gill et al. (1983)](https://doi.org/10.1137/0904025), *Computing forward-difference intervals for numerical optimization*:
#   choosing steps when the function has few digits.
