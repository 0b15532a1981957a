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
# # How small is small?
#
# The definition of a sensitivity matrix, and the one choice that it hides
#
# > **After this notebook you can**
# >
# > - read a stack of sensitivity matrices: which sample, which output, which input
# > - say why a step can be too small as well as too large, and choose one
# > - keep a step from vanishing beside a large input
#
# **15 minutes**, and as many for the exercises · builds on "One more milligram" · data: a robot arm, simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A welding robot has two motors, one in the shoulder and one in the elbow. Its program sets angles. The seam it must follow is
# measured in centimetres. *If a motor is a little off, where does the torch go?*
#
# That is four numbers for each pose: two motors, two directions. We can get them by moving each motor a little on the computer. A little:
# how much is that? The slides that this part grew out of take a millionth and say nothing more. Would a billionth not be better?

# %% tags=["setup"]
import numpy as np
import torch

from xaicourse.exercises import definition as exercises
from xaicourse.plotting import lines
from xaicourse.sensitivity import batch_jacobian, finite_differences
from xaicourse.teaching import check, claim, hint, say, show

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The definition
#
# The sensitivity matrix of a function $f$ at one sample $x$ is its Jacobian: output by input,
#
# $$J_{kj}(x) = \frac{\partial f_k}{\partial x_j}(x) \approx \frac{f_k(x + \epsilon e_j) - f_k(x - \epsilon e_j)}{2 \epsilon} .$$
#
# The slides call it a matrix, and their code returns a block with three axes: *sample, output, input*. Both are right. It is one matrix for each
# sample, stacked. Here is their function, with its copies repaired:


# %% tags=["live:the slide's function"]
def sensitivity(func, X, epsilon=1e-6):
    stack = np.zeros((len(X), func(X).shape[1], X.shape[1]))
    for j in range(X.shape[1]):
        X_plus, X_minus = X.copy(), X.copy()
        X_plus[:, j] += epsilon
        X_minus[:, j] -= epsilon
        stack[:, :, j] = (func(X_plus) - func(X_minus)) / (2 * epsilon)
    return stack


# %% tags=["live:the slide's example"]
def example(X):
    return np.column_stack([np.sin(X[:, 0]), np.cos(X[:, 1])])


rng = np.random.default_rng(seed)
X = rng.random((5, 2))
stack = sensitivity(example, X)

# %% [markdown]
# The first output is the sine of the first input and knows nothing of the second, so each matrix must be diagonal:

# %%
exact = np.zeros((5, 2, 2))
exact[:, 0, 0], exact[:, 1, 1] = np.cos(X[:, 0]), -np.sin(X[:, 1])
off = abs(stack - exact).max()

# %%
claim(
    "Five samples, two outputs, two inputs: the stack has the shape "
    "({stack.shape}) and the right entries",
    stack.shape == (5, 2, 2) and off < 1e-8,
    evidence="largest error of an entry: {off:.0e}",
    tolerance=1e-9,
    fails_if="the second output were a sine too",
)

# %% [markdown]
# One trap first. Give the function whole numbers:

# %% tags=["live:whole numbers"]
whole = np.array([[1, 2], [3, 4]])
complaint = ""
try:
    sensitivity(example, whole)
except TypeError as error:
    complaint = type(error).__name__

# %%
claim(
    "An array of integers cannot take a step of a millionth, and NumPy says "
    "so ({complaint})",
    complaint != "",
    fails_if="the integers were floating-point numbers",
)

# %% [markdown]
# The packaged `finite_differences` turns whatever comes in into double precision first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The robot arm
#
# The upper arm is 40 cm long, the forearm 30 cm. With the shoulder at angle $q_1$ and the elbow bent by $q_2$ (in radians) the torch
# stands at two coordinates, and now every output depends on every input.


# %% tags=["live:the arm"]
def torch_at(q):
    """Return east and north of the torch in centimetres, shape (poses, 2)."""
    shoulder, both = q[:, 0], q[:, 0] + q[:, 1]
    east = 40 * np.cos(shoulder) + 30 * np.cos(both)
    north = 40 * np.sin(shoulder) + 30 * np.sin(both)
    return np.column_stack([east, north])


elbow = np.linspace(-np.pi, np.pi, 61)
J = sensitivity(torch_at, np.column_stack([np.zeros(61), elbow]))

# %%
four_entries = lines(
    elbow,
    {
        "East": {"shoulder": J[:, 0, 0], "elbow": J[:, 0, 1]},
        "North": {"shoulder": J[:, 1, 0], "elbow": J[:, 1, 1]},
    },
    x_label="angle of the elbow (radians)",
    y_labels="sensitivity (cm per radian)",
    markers=False,
)

# %%
show(
    four_entries,
    caption="All four entries of the matrix, while the elbow turns and the "
    "shoulder points east. One panel an output, one curve an input; on the "
    "left both lie on each other.",
    alt="Two panels of two curves. East: both curves are the same and zero "
    "when the arm is stretched. North: with the arm stretched the shoulder "
    "has {J[30, 1, 0]:.0f} and the elbow {J[30, 1, 1]:.0f} centimetres per "
    "radian.",
)

# %% [markdown]
# With a stretched arm, at angle zero, both motors move the torch to the side and neither moves it outward: the row of *east* is
# zero. No program can weld in that direction from there. Engineers call such a pose singular, and find it by this matrix.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Autograd needs no step. For a thousand random poses we compare the differences with it, entry by entry.


# %% tags=["live:autograd for a thousand poses"]
def torch_at_in_pytorch(q):
    shoulder, both = q[:, 0], q[:, 0] + q[:, 1]
    east = 40 * shoulder.cos() + 30 * both.cos()
    north = 40 * shoulder.sin() + 30 * both.sin()
    return torch.stack([east, north], dim=1)


poses = rng.uniform(-np.pi, np.pi, size=(1000, 2))
by_differences = finite_differences(torch_at, poses)
by_autograd = batch_jacobian(
    torch_at_in_pytorch, torch.from_numpy(poses)
).numpy()

# %%
apart = abs(by_differences - by_autograd).max()

# %%
claim(
    "For a thousand poses the differences equal autograd's matrices to a "
    "millionth of a centimetre per radian",
    by_differences.shape == (1000, 2, 2) and apart < 1e-6,
    evidence="largest difference: {apart:.0e}",
    tolerance=1e-7,
    fails_if="outputs and inputs were exchanged",
)

# %% [markdown]
# The slides' example would have passed with outputs and inputs exchanged, because its matrices are symmetric. Test with something that is not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too large, too small
#
# Now the step. We know the right answer, so we can watch the error while the step shrinks from a radian to almost nothing. The arm is
# computed in double precision, as NumPy does, and in single precision, as most neural networks do.


# %% tags=["live:shrink the step"]
def in_single_precision(q):
    return torch_at(q.astype(np.float32))


def typical_error(func, epsilon):
    return np.median(abs(sensitivity(func, poses, epsilon) - by_autograd))


steps = np.geomspace(1e-15, 1, 61)
double = np.array([typical_error(torch_at, e) for e in steps])
single = np.array([typical_error(in_single_precision, e) for e in steps])

# %%
cube_root = np.finfo(float).eps ** (1 / 3)
lowest, best = double.min(), steps[double.argmin()]
single_at_a_millionth = single[abs(np.log(steps / 1e-6)).argmin()]
two_vees = lines(
    steps,
    {
        "": {
            "double precision": double,
            "single precision": np.where(single > 0, single, np.nan),
        }
    },
    x_label="step (radians)",
    y_labels="typical error (cm per radian)",
    log_x=True,
    log_y=True,
    markers=False,
    marks={"cube root of machine precision": cube_root},
)

# %%
show(
    two_vees,
    caption="Median error of the four entries over a thousand poses, against "
    "the step. Both axes are logarithmic.",
    alt="Two curves in the shape of a V. In double precision the error falls "
    "to {lowest:.0e} near a step of {best:.0e} and rises on both sides. In "
    "single precision the V is higher and further right, and at a step of a "
    "millionth the error is {single_at_a_millionth:.1f}.",
    tolerance={"best": 2e-5, "lowest": 1e-9, "single_at_a_millionth": 5},
)

# %% [markdown]
# A V. On its right arm the difference quotient is a chord and not yet a tangent: the error grows with the *square* of the step. On its left arm
# the two values agree in almost all their digits. Subtracting them leaves the rounding errors, which are then divided by something tiny.
# Balancing $\epsilon^2$ against $\epsilon_{mach} / \epsilon$ gives $\epsilon \approx \epsilon_{mach}^{1/3}$, where $\epsilon_{mach}$ is the distance from 1 to the next number.


# %% tags=["live:slopes of the V"]
def slope(low, high):
    """Return the slope of the curve for double precision between two steps."""
    there = (steps >= low) & (steps <= high)
    return np.polyfit(np.log(steps[there]), np.log(double[there]), 1)[0]


right, left = slope(1e-4, 0.1), slope(1e-13, 1e-7)

# %% [markdown]
# And what does it cost to miss the best step? We read the error off the curve and count the decimal digits that are lost.

# %%
lost_digits = {
    name: np.log10(np.interp(step, steps, double) / lowest)
    for name, step in {"millionth": 1e-6, "billionth": 1e-9}.items()
}

# %%
claim(
    "The right arm of the V has slope two, the left arm minus one",
    abs(right - 2) < 0.1 and abs(left + 1) < 0.1,
    evidence="right {right:.2f}, left {left:.2f}",
    tolerance=0.02,
    fails_if="the difference were taken on one side only",
)
claim(
    "The best step is within a factor of ten of the cube root of machine "
    "precision",
    0.1 < best / cube_root < 10,
    evidence="best step {best:.1e}, cube root {cube_root:.1e}",
    tolerance=2e-5,
    fails_if="the difference were taken on one side only",
)
say(
    "So the slides' millionth is on the safe side of the best, at the price "
    'of {lost_digits["millionth"]:.1f} digits; a billionth would have cost '
    '{lost_digits["billionth"]:.1f}.',
    tolerance=0.2,
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** You are on the left arm of the V and halve the step. What happens to the error?
#
# <details><summary>It falls to a quarter</summary>
#
# **No.** That is the right arm, where a shorter chord is closer to the tangent and the error goes with the square of the step.
#
# </details>
#
# <details><summary>It halves</summary>
#
# **No.** A smaller step helps as long as the chord is the trouble. Here the trouble is rounding, and the step stands in the
# denominator.
#
# </details>
#
# <details><summary>It doubles</summary>
#
# **Right.** The two values are rounded as coarsely as before, and what rounding leaves of their difference is divided by half
# as much. This is the slope of minus one.
#
# </details>
#
# <details><summary>It stays, since rounding does not depend on the step</summary>
#
# **No.** The rounding of the two values does not. But their difference is divided by twice the step, and the rounding errors
# with it.
#
# </details>

# %% [markdown]
# In single precision, the machine precision is half a billion times coarser, and a millionth is far down the left arm:

# %%
relative = typical_error(in_single_precision, 1e-6) / np.median(
    abs(by_autograd)
)

# %%
claim(
    "In single precision a step of a millionth leaves not even two digits: "
    "the typical error is {relative:.1%} of a typical entry",
    relative > 0.01,
    tolerance=0.02,
    fails_if="single precision had as many digits as double",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** A neural network computes in single precision. You want its sensitivities by central differences. Which step do
# you take?
#
# <details><summary>A millionth, if only inputs and step are held in double precision</summary>
#
# **No.** Even where the inputs move by just that much, the values come back with the digits of single precision, and it is
# their difference that is divided.
#
# </details>
#
# <details><summary>A smaller one, to make up for the coarser numbers</summary>
#
# **No.** The closer the two values, the fewer of their digits differ. A smaller step leaves less signal in the same rounding.
#
# </details>
#
# <details><summary>Any, and then the average over many samples</summary>
#
# **No.** The average of wrong matrices is not the matrix of any sample. And for one sample, repeating gives the same rounding
# errors again: they are not drawn anew.
#
# </details>
#
# <details><summary>A larger one, near the cube root of the machine precision of single precision</summary>
#
# **Right.** The balance is the same, with another machine precision in it: the V moves to the right and up. Its bottom is
# higher, so fewer digits are to be had; where they do not suffice, ask autograd.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A step must grow with its input
#
# A millionth of a radian is small beside a radian. Beside an income of ten billion cents it is *nothing*: double precision holds about sixteen
# digits, so adding it changes no digit. We differentiate $\log x$, whose derivative is $1/x$, at small and large $x$: with
# the fixed step, and with the packaged function, whose step is $\epsilon_{mach}^{1/3} \cdot \max(1, |x|)$.

# %% tags=["live:large inputs"]
large = np.geomspace(1, 1e15, 61)[:, None]


def relative_error(derivative):
    return abs(derivative[:, 0, 0] * large[:, 0] - 1)  # the truth is 1/x


fixed = relative_error(sensitivity(np.log, large))
scaled = relative_error(finite_differences(np.log, large))

# %%
scaled_at_most = scaled.max()
two_steps = lines(
    large[:, 0],
    {
        "Derivative of $\\log x$": {
            "fixed step": fixed,
            "step that grows": scaled,
        }
    },
    x_label="input $x$",
    y_labels="relative error",
    log_x=True,
    log_y=True,
    markers=False,
)

# %%
show(
    two_steps,
    caption="A fixed step of a millionth against one that grows with the "
    "input.",
    alt="Two curves on logarithmic axes. With the fixed step the relative "
    "error climbs from {fixed[0]:.0e} to {fixed[-1]:.0f} at large inputs, "
    "with the growing step it stays below {scaled_at_most:.0e}.",
    tolerance={"fixed[0]": 1e-9, "scaled_at_most": 1e-9},
)
claim(
    "For large inputs the fixed step is lost altogether, the growing one is "
    "not",
    fixed[-1] > 0.5 and scaled_at_most < 1e-8,
    evidence="relative error at the largest input: {fixed[-1]:.2f} with the "
    "fixed step; at most {scaled_at_most:.0e} with the growing one",
    tolerance=1e-9,
    fails_if="the packaged step did not grow either",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** The packaged step grows with $\max(1, |x|)$. Why not simply with $|x|$?
#
# <details><summary>Because an input of zero would not move at all</summary>
#
# **Right.** The step would be zero, and the quotient zero divided by zero. The price: an input much smaller than one gets a
# step made for one, as *Where it breaks* says.
#
# </details>
#
# <details><summary>Because a step in proportion to a small input would be too large</summary>
#
# **No.** It would be small, as the input is. The trouble lies where it ends: an input of zero would get no step at all.
#
# </details>
#
# <details><summary>Because the derivative of the logarithm is 1/x</summary>
#
# **No.** The rule knows nothing of the function. It is about the inputs: how far apart neighbouring numbers lie near them.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Which motor? (difficulty 1, 5 minutes)
# Given a stack of sensitivities of shape (samples, outputs, inputs), return for each sample and output the position of the input
# that matters most. A large negative sensitivity matters as much as a large positive one.


# %% tags=["exercise"]
def strongest_input(stack):
    ### BEGIN SOLUTION
    return abs(stack).argmax(axis=2)
    ### END SOLUTION


check(exercises.which_motor, strongest_input)  # hint(exercises.which_motor) helps, in layers

# %% [markdown]
# ## Exercise 2 — On one side (difficulty 2, 10 minutes)
# Central differences run the model twice for each input. Write the cheaper forward difference, which compares with the unmoved samples:
# $(f(x + \epsilon e_j) - f(x)) / \epsilon$. Return a stack of shape (samples, outputs, inputs), call `func` once more than there are inputs, accept integers, and leave `X` alone.


# %% tags=["exercise"]
def forward(func, X, epsilon=1e-8):
    ### BEGIN SOLUTION
    X = np.array(X, dtype=float)
    start, columns = func(X), []
    for j in range(X.shape[1]):
        moved = X.copy()
        moved[:, j] += epsilon
        columns.append((func(moved) - start) / epsilon)
    return np.stack(columns, axis=2)
    ### END SOLUTION


check(exercises.on_one_side, forward)

# %% [markdown]
# ## Exercise 3 — A simulator with few digits (difficulty 2, 5 minutes)
# A simulator's values are right to a relative error of `noise`, much more than the machine's. Its inputs and its values are of the order of one. Return a good step for the
# central difference. The order of magnitude counts.


# %% tags=["exercise"]
def good_step(noise):
    ### BEGIN SOLUTION
    return noise ** (1 / 3)
    ### END SOLUTION


check(exercises.few_digits, good_step)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A sensitivity matrix is output by input, for one sample. Code returns a stack: sample, output, input. Check it with an example that is not symmetric.
# - The error of a difference against its step is a V. Too large: a chord is no tangent. Too small: rounding.
# - In double precision a central difference wants a step near the cube root of machine precision, times the size of the input.
# - Never difference a model that computes in single precision with a step meant for double.

# %% [markdown]
# ## Where it breaks
#
# - The rule for the step supposes that the function bends over distances of the order of its input. A function that wiggles faster wants
#   a smaller step; one with noise wants a larger one.
# - At a kink or a jump there is no derivative. The V has no bottom then, and what comes out depends on the step.
# - Inputs much smaller than one get a step made for one. Express them in a unit that makes them ordinary numbers.

# %% [markdown]
# ## Further reading
#
# - [Gill et al. (1983)](https://doi.org/10.1137/0904025), *Computing forward-difference intervals for numerical optimization*:
#   how to choose the step when nothing is known about the function.
# - [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184), *Global Sensitivity Analysis: The Primer*, chapter 1:
#   derivatives as the local beginning of sensitivity analysis.
