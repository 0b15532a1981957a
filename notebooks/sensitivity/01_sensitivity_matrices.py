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
# # One more milligram
#
# Sensitivity matrices: by hand, by differences, by autograd
#
# > **After this notebook you can**
# >
# > - read a sensitivity matrix: which output, which input, per which unit
# > - compute one in three ways, and use each to check the others
# > - say how far its prediction carries
#
# **12 minutes**, and as many for the exercises · builds on derivatives of one variable · data: three patients, given below

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# Three patients take two drugs. A small network says how strong the effect is, from zero to one. The doctor does not ask for
# the effect. She asks: *what would one more milligram do, for this patient, of this drug?*
#
# That is one number for each patient and drug: a table of sensitivities. Where does it come from, and can it be trusted?

# %% tags=["setup"]
import numpy as np
import torch

from xaicourse.exercises import sensitivity_matrices as exercises
from xaicourse.plotting import heat_map, lines
from xaicourse.sensitivity import batch_jacobian, finite_differences
from xaicourse.teaching import check, claim, hint, say, show

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A response that levels off
#
# The network has one layer: it weighs the two doses, adds them up and bends the sum with a hyperbolic tangent. It is the one
# of the slides that this part of the course grew out of, with their weights and their three rows.


# %% tags=["live:the network"]
def response(X, W):
    return np.tanh(X @ W)


# milligrams of drug A and drug B, one row a patient
doses = np.array([[1, 2], [3, 4], [5, 6]])
W = np.array([[0.1], [0.2]])
effect = response(doses, W)

# %%
total = np.linspace(0, 3, 61)
weighted = (doses @ W).ravel()
slope = 1 - np.tanh(weighted) ** 2
levels_off = lines(
    total,
    {
        "The response": {"tanh": np.tanh(total)},
        "Its slope": {"tanh": 1 - np.tanh(total) ** 2},
    },
    x_label="weighted dose",
    y_labels=["effect", "added effect per unit"],
    markers=False,
    marks=dict(zip("123", weighted)),
)

# %%
show(
    levels_off,
    caption="The response to the weighted dose, and its slope. Dotted: "
    "patients 1, 2 and 3.",
    alt="Two panels. The effect rises steeply and levels off near one. Its "
    "slope falls from one towards zero: it is {slope[0]:.2f} at the first "
    "patient and {slope[2]:.2f} at the third.",
)

# %% [markdown]
# The curve answers half of the question before any matrix: the third patient is almost at the top, where more changes little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The line that does not run
#
# The slides ask NumPy for the gradient of the output with respect to the input, like this:

# %% tags=["live:try the slide's line"]
refusal = ""
try:
    np.gradient(effect, doses)
except TypeError as error:
    refusal = str(error)

# %%
claim(
    "The slide's line stops with the message “{refusal}”",
    refusal != "",
    fails_if="it were asked for differences between rows",
)

# %% [markdown]
# The message hides the real misunderstanding. `np.gradient` never sees the network. It takes the numbers in an array and
# divides differences of *neighbours* by their distance. Neighbours here are different patients. A sensitivity compares one patient
# with the same patient on another dose, so somebody has to run the network again, or know its formula.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First way: by hand
#
# The derivative of $\tanh z$ is $1 - \tanh^2 z$, and $z = 0.1\, a + 0.2\, b$ changes by a weight for each milligram. The chain rule gives
#
# $$J_{ij} = \frac{\partial\, \text{effect}_i}{\partial\, \text{dose}_{ij}} = (1 - \text{effect}_i^2)\; w_j .$$

# %% slideshow={"slide_type": "fragment"} tags=["live:by hand"]
by_hand = (1 - effect**2) * W.T
by_hand

# %% [markdown]
# A row is a patient, a column a drug, an entry the effect of one more milligram. This table is the **sensitivity matrix**.

# %%
matrix_of_three = heat_map(
    by_hand,
    x_label="one more milligram of",
    y_label="for",
    x_ticks=["drug A", "drug B"],
    y_ticks=["patient 1", "patient 2", "patient 3"],
    value_label="added effect",
    height=2.6,
)
largest, largest_of_third = by_hand.max(), by_hand[2].max()

# %%
show(
    matrix_of_three,
    caption="The sensitivity matrix of the three patients.",
    alt="Heat map of three rows and two columns, all red. The darkest cell, "
    "{largest:.3f}, is drug B for patient 1; the row of patient 3 is almost "
    "white, at most {largest_of_third:.3f}.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Second way: by differences
#
# No formula? Then do what the question says, with a change much smaller than a milligram: raise one dose a little, lower it a little,
# run the network twice, divide. The doses must be floating-point numbers first. In an array of integers a small change is cut off.

# %% slideshow={"slide_type": "fragment"} tags=["live:by differences"]
by_differences = np.zeros((3, 2))
nudge = 1e-5
for j in range(2):
    more, less = doses.astype(float), doses.astype(float)
    more[:, j] += nudge
    less[:, j] -= nudge
    added = response(more, W) - response(less, W)
    by_differences[:, j] = added[:, 0] / (2 * nudge)

# %% [markdown]
# All three patients are nudged in the same call, since no patient's effect depends on another's dose.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Third way: by autograd
#
# PyTorch records what the network does and applies the chain rule to the record. `batch_jacobian` returns the derivatives
# for all rows at once. Its shape is (patients, outputs, doses), with one output here.

# %% slideshow={"slide_type": "fragment"} tags=["live:by autograd"]
by_autograd = batch_jacobian(
    lambda X: torch.tanh(X @ torch.from_numpy(W)),
    torch.from_numpy(doses.astype(float)),
).numpy()
by_autograd.shape

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Three ways that share no code should give one table. We also hold them against the six numbers that were
# worked out on paper for these patients.

# %%
on_paper = np.array(
    [[0.078645, 0.157290], [0.035920, 0.071840], [0.012501, 0.025002]]
)
apart = max(
    abs(by_differences - by_hand).max(),
    abs(by_autograd[:, 0] - by_hand).max(),
)
from_paper = abs(by_hand - on_paper).max()

# %%
claim(
    "The three ways agree to a millionth, and with the numbers on paper to "
    "their six digits",
    apart < 1e-6 and from_paper < 1e-6,
    evidence="largest difference: {apart:.0e}; from paper: {from_paper:.0e}",
    tolerance=1e-9,
    fails_if="the derivative by hand forgot the weights",
)

# %% [markdown]
# One network could agree by luck. Here are a hundred others, with random weights, random doses and three outputs each,
# for which nobody worked out anything:


# %% tags=["live:a hundred networks"]
def largest_gap(V, X):
    """Return by how much the three ways differ for one network."""
    exact = (1 - np.tanh(X @ V) ** 2)[:, :, None] * V.T
    differences = finite_differences(lambda X: np.tanh(X @ V), X)
    autograd = batch_jacobian(
        lambda X: torch.tanh(X @ torch.from_numpy(V)), torch.from_numpy(X)
    ).numpy()
    return max(abs(differences - exact).max(), abs(autograd - exact).max())


rng = np.random.default_rng(seed)
gaps = [
    largest_gap(rng.normal(size=(2, 3)), rng.normal(size=(5, 2)))
    for _ in range(100)
]
widest_gap = max(gaps)

# %%
claim(
    "For a hundred random networks the three ways agree to a millionth as "
    "well",
    widest_gap < 1e-6,
    evidence="largest difference: {widest_gap:.0e}",
    tolerance=1e-8,
    fails_if="the nudge were a tenth instead of a few millionths",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the doctor reads
#
# Down a column: who gains most from this drug? Along a row: which drug does more for this patient?

# %%
first_over_third = by_differences[0] / by_differences[2]
b_over_a = by_differences[:, 1] / by_differences[:, 0]

# %%
say(
    "One more milligram of drug B adds {by_differences[0, 1]:.3f} to the "
    "effect for the first patient and {by_differences[2, 1]:.3f} for the "
    "third."
)
claim(
    "The first patient gains more than five times as much as the third, from "
    "either drug",
    (first_over_third > 5).all(),
    evidence="times as much, from A and from B: {first_over_third:.1f}",
    fails_if="the response did not level off",
)
claim(
    "A milligram of drug B does twice as much as one of drug A, for every "
    "patient",
    np.allclose(b_over_a, 2, rtol=1e-6),
    evidence="B over A, patient by patient: {b_over_a:.4f}",
    fails_if="both drugs had the same weight",
)

# %% [markdown]
# The first statement is about patients: it comes from the bend. The second is about the weights: it holds everywhere, because
# this network adds the drugs up before it bends. Most networks do not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far does it carry?
#
# The matrix gives slopes at today's doses. For a change $d$ of the doses it predicts an added effect of $J d$, as if the curve were
# straight. We raise both doses by the same amount, small and large, and compare with the network itself.

# %% tags=["live:predict a change"]
change = np.geomspace(0.01, 3, 24)  # milligrams more, of both drugs
truth = np.array([response(doses + c, W) - effect for c in change])[:, :, 0]
predicted = change[:, None] * by_hand.sum(axis=1)
error = abs(predicted - truth)

# %%
promise = lines(
    change,
    {
        "Added effect of patient 1": {
            "network": truth[:, 0],
            "matrix": predicted[:, 0],
        },
        "Error of the matrix": {
            f"patient {i}": error[:, i - 1] for i in (1, 2, 3)
        },
    },
    x_label="milligrams more of both drugs",
    y_labels=["added effect", "error of the prediction"],
    log_x=True,
    log_y=True,
    markers=False,
)

# %% [markdown]
# On logarithmic axes a power is a straight line, and the power is its slope. We fit one for each patient, where the change is small:

# %%
small = change < 0.3
growth = np.polyfit(np.log(change[small]), np.log(error[small]), deg=1)[0]

# %%
show(
    promise,
    caption="What the matrix predicts and what the network does, on "
    "logarithmic axes.",
    alt="Two panels on logarithmic axes. Left: prediction and truth lie on "
    "each other for small changes and part at a few milligrams, where the "
    "matrix says {predicted[-1, 0]:.2f} and the network {truth[-1, 0]:.2f}. "
    "Right: the errors are straight, parallel lines.",
)
claim(
    "Twice the change, four times the error: the lines on the right have "
    "slope two",
    (abs(growth - 2) < 0.1).all(),
    evidence="slopes of the three patients: {growth:.3f}",
    fails_if="the matrix had only half its size",
)

# %% [markdown]
# What the tangent misses is the bend, and the bend grows with the square of the change. For a small change
# the matrix is as good as the network. For three milligrams it promises effects that are not there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Predict every patient (difficulty 1, 5 minutes)
# Each patient gets a change of doses of their own: row $i$ of `changes` belongs to row $i$ of the sensitivity `matrix`. Return the predicted
# added effect of each patient, one number a row.


# %% tags=["exercise"]
def added_effect(matrix, changes):
    ### BEGIN SOLUTION
    return (matrix * changes).sum(axis=1)
    ### END SOLUTION


check(exercises.predict_every_patient, added_effect)  # hint(exercises.predict_every_patient) helps, in layers

# %% [markdown]
# ## Exercise 2 — Another bend (difficulty 2, 8 minutes)
# Replace the hyperbolic tangent by the logistic function $s(z) = 1 / (1 + e^{-z})$. Write the sensitivity matrix by hand: for `X` of shape
# (rows, inputs) and `W` of shape (inputs, 1) return an array of shape (rows, inputs).


# %% tags=["exercise"]
def logistic_sensitivity(X, W):
    ### BEGIN SOLUTION
    s = 1 / (1 + np.exp(-(X @ W)))
    return s * (1 - s) * W.T
    ### END SOLUTION


check(exercises.another_bend, logistic_sensitivity)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A sensitivity is a derivative of a model's output with respect to an input. It compares a row with itself, not with its neighbours.
# - A matrix of them says, for each row and input, what one more unit does. It has units: effect per milligram.
# - By hand, by differences and by autograd give the same numbers. Use one to check another.
# - The matrix is a tangent. Its error grows with the square of the change.

# %% [markdown]
# ## Where it breaks
#
# - A sensitivity describes the model. Whether patients respond as the network says is another question, and no derivative answers it.
# - Near the top of the curve a sensitivity is small although the drugs matter: without them there would be no effect at all.
# - Columns in different units cannot be compared. Here both doses are in milligrams.

# %% [markdown]
# ## Further reading
#
# - [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184), *Global Sensitivity Analysis: The Primer*, chapter 1: what
#   sensitivity analysis is for, and why derivatives are only its beginning.
# - [Baydin et al. (2018)](https://arxiv.org/abs/1502.05767), *Automatic differentiation in machine learning: a survey*: how
#   autograd works, and how it differs from formulas and from differences.
