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
# # What a slope does not see
#
# Axes, steps, interactions and the price of many inputs
#
# > **After this notebook you can**
# >
# > - take a gradient on a grid with the right axes and the right spacing
# > - say what the size of a step does to a sensitivity
# > - find inputs that matter only together with others, which no slope at a point shows
# > - choose a method by what it costs when inputs are many
#
# **20 minutes**, and as many for the exercises · builds on "Calculating sensitivities" · data: functions with known answers

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A workshop has a furnace with two knobs and a model of its yield. Somebody has drawn a map of the model's sensitivity, with
# an arrow at every point that says which way to turn the knobs. The operators follow the arrows, and about every other time the
# yield falls.
#
# The map is wrong in a way that a look at it does not show. And when it is mended, there are three more things that it cannot show
# at all. Which are they?

# %% tags=["setup"]
import numpy as np
from scipy.stats import t as student

from xaicourse.exercises import limitations as exercises
from xaicourse.plotting import bars, lines, maps
from xaicourse.sensitivity import (
    g_function,
    ishigami,
    morris_screening,
    sobol_indices,
)
from xaicourse.teaching import check, claim, hint, say, show

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A surface and its slopes
#
# The model is $f(x, y) = \sin x \cos y + e^{-(x-2)^2 - (y-2)^2}$: waves, and one hill. We know it, so we know its slopes.


# %% tags=["live:the surface"]
def surface(x, y):
    return np.sin(x) * np.cos(y) + np.exp(-((x - 2) ** 2) - (y - 2) ** 2)


def slopes(x, y):
    """Return the exact derivatives along x and along y."""
    hill = np.exp(-((x - 2) ** 2) - (y - 2) ** 2)
    return np.cos(x) * np.cos(y) - 2 * (x - 2) * hill, -np.sin(x) * np.sin(y) - 2 * (y - 2) * hill


x = y = np.linspace(-5, 5, 100)
X, Y = np.meshgrid(x, y)
Z = surface(X, Y)
true_x, true_y = slopes(X, Y)

# %% [markdown]
# Here is how the map was made: `dx, dy = np.gradient(Z)`. Two things are wrong with that line. `meshgrid` puts $y$ along the
# *first* axis of `Z`, so the first array that comes back is the slope along $y$. And nobody told `np.gradient` how far apart the
# points are, so it takes them to be one apart.

# %% tags=["live:two gradients"]
source_dx, source_dy = np.gradient(Z)
dZ_dy, dZ_dx = np.gradient(Z, y, x)

# %%
steepness = {
    "as it was drawn": np.hypot(source_dx, source_dy),
    "with axes and spacing": np.hypot(dZ_dx, dZ_dy),
}
two_maps = maps(
    x,
    y,
    steepness,
    x_label="first knob $x$",
    y_label="second knob $y$",
    value_labels="steepness",
    arrows={
        "as it was drawn": (source_dx, source_dy),
        "with axes and spacing": (dZ_dx, dZ_dy),
    },
)
steepest = {name: slope.max() for name, slope in steepness.items()}

# %%
show(
    two_maps,
    caption="Steepness of the surface; arrows point where each version says that the yield "
    "rises fastest.",
    alt="Two maps with the same pattern of colours. The arrows point in different "
    'directions, and the colour bar of the first ends at {steepest["as it was drawn"]:.2f}, '
    'that of the second at {steepest["with axes and spacing"]:.2f}.',
)

# %% [markdown]
# The colours agree, because steepness does not care which slope is which and both axes happen to have the same spacing. That is why
# nobody noticed. The numbers on the colour bar and the arrows do not agree.

# %% slideshow={"slide_type": "slide"} tags=["live:compare with the truth"]
mistaken = np.corrcoef(source_dx.ravel(), true_x.ravel())[0, 1]
exchanged = np.corrcoef(source_dx.ravel(), true_y.ravel())[0, 1]
too_small = steepest["with axes and spacing"] / steepest["as it was drawn"]
downhill = np.mean(source_dx * true_x + source_dy * true_y < 0)

# %%
say(
    "A step along the drawn arrow leads downhill at {downhill:.0%} of the points, and the "
    "steepness is {too_small:.1f} times too small: ninety-nine gaps of a tenth, taken for "
    "gaps of one.",
)
claim(
    "What was called the slope along x is the slope along y",
    exchanged > 0.999 and abs(mistaken) < 0.2,
    evidence="correlation with the slope along y {exchanged:.5f}, along x {mistaken:.3f}",
    fails_if="the grid were laid out with x along the first axis",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# Inside the grid `np.gradient` takes central differences. Their error is at most $\frac{h^2}{6} \max|f'''|$, where $h$ is the
# spacing. At the edges it looks to one side only, and the error is of order $h$.

# %% tags=["live:grid accuracy"]
h = x[1] - x[0]
third = np.abs(np.diff(surface(*np.meshgrid(np.linspace(-5, 5, 1001), y)), n=3, axis=1)).max() / 0.01**3
error = np.abs(dZ_dx - true_x)
inside, at_the_edges = error[:, 1:-1].max(), error[:, [0, -1]].max()
bound = h**2 / 6 * third

# %%
claim(
    "Inside the grid the mended gradient is as exact as its spacing allows",
    inside <= bound * 1.001,
    evidence="largest error {inside:.5f}, bound {bound:.5f}; at the edges "
    "{at_the_edges:.4f}",
    fails_if="the gradient took the points to be one apart",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How long is a step?
#
# A slope is what an infinitely small step sees. Nobody turns a knob by an infinitely small step. And a real display shows two
# decimals, so a very small step shows nothing at all. At one point we take central differences with steps of all sizes, once with the exact
# model and once with a display that rounds.

# %% tags=["live:steps of all sizes"]
steps = np.geomspace(1e-6, 3, 200)
at = (0.5, 2.0)


def difference(f):
    return (f(at[0] + steps, at[1]) - f(at[0] - steps, at[1])) / (2 * steps)


seen = {"exact model": difference(surface), "display of two decimals": difference(lambda x, y: surface(x, y).round(2))}
slope = slopes(*at)[0]

# %%
all_sizes = lines(
    steps,
    {"": seen},
    x_label="step of the first knob",
    y_labels="change of the yield per unit",
    log_x=True,
    markers=False,
)
small, small_rounded = (differences[steps < 1e-3] for differences in seen.values())
most = seen["exact model"].max()

# %%
show(
    all_sizes,
    caption="Central differences at one point of the surface, against the size of the "
    "step.",
    alt="Two curves against the step. The exact model's curve is flat at {slope:.3f} for "
    "small steps, rises above zero for steps near one and reaches {most:.3f}. The rounded "
    "one is zero up to a step of two hundredths, then jumps about the other until a step "
    "of about a half.",
)
claim(
    "The slope is negative, a step of one and more finds a rise, and behind a rounded "
    "display a small step finds nothing",
    abs(small - slope).max() < 1e-6
    and slope < 0
    and seen["exact model"][steps > 1].max() > 0.05
    and np.all(small_rounded == 0),
    evidence="slope {slope:.3f}; largest difference {most:.3f}, rounded {found:.3f}",
    found=small_rounded.max(),
    fails_if="the point lay on the long flank of a wave",
)

# %% [markdown]
# None of these numbers is wrong: each answers for its own step. So a sensitivity needs its step beside it, and the step should be
# one that somebody might take.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only together
#
# Ishigami's function has three inputs, each between $-\pi$ and $\pi$: $\sin x_1 + 7 \sin^2 x_2 + 0.1\, x_3^4 \sin x_1$. We stand in
# the middle, at zero, and turn one knob at a time, all the way.

# %% tags=["live:one at a time"]
f = ishigami()
sweep = np.linspace(-np.pi, np.pi, 101)
profiles = {f"$x_{i + 1}$": f(np.outer(sweep, np.eye(3)[i])) for i in range(3)}
gradient_at_zero = (f(1e-6 * np.eye(3)) - f(-1e-6 * np.eye(3))) / 2e-6

along_the_axes = lines(
    sweep,
    {"": profiles},
    x_label="the input that is moved",
    y_labels="output",
    markers=False,
)

# %%
show(
    along_the_axes,
    caption="Ishigami's function along its three axes; the other two inputs stay at zero.",
    alt="Three curves. x1 gives a sine wave of height one, x2 two humps of height "
    "{top:.0f}, x3 a flat line at zero.",
    top=profiles["$x_2$"].max(),
)

# %% [markdown]
# Nothing seems to depend on $x_3$. Now let all three vary at once, and ask where the variance of the output comes from. The
# **first-order index** $S_i$ is the share that goes if input $i$ alone is fixed. The **total index** $S_{Ti}$ is the share that
# stays if everything else is fixed. What lies between them is interaction.
#
# To estimate them, draw two independent tables of inputs, A and B, and a third that is A with one column of B. Rows of A and of
# the third differ in that column alone: the squared gap between their outputs gives the total index. Rows of B and of the third
# share that column alone: how far their outputs go together gives the first order.


# %% slideshow={"slide_type": "fragment"} tags=["live:by hand"]
def indices_by_hand(f, n, rng):
    A, B = rng.uniform(*f.bounds.T, size=(2, n, 3))
    first, total = np.empty(3), np.empty(3)
    for i in range(3):
        mixed = A.copy()
        mixed[:, i] = B[:, i]
        first[i] = np.mean(f(B) * (f(mixed) - f(A))) / f(A).var()
        total[i] = np.mean((f(A) - f(mixed)) ** 2) / 2 / f(A).var()
    return first, total


by_hand = indices_by_hand(f, 4096, np.random.default_rng(seed))

# %% [markdown]
# The packaged function does the same on a Sobol' sequence, which fills the space more evenly than chance. A bootstrap would treat its
# rows as independent draws, which they are not. So the rows come in a few parts, each scrambled by itself, and how far these differ
# gives the interval.

# %% slideshow={"slide_type": "fragment"} tags=["live:all at once"]
scramblings = 4
indices = sobol_indices(f, f.bounds, n_samples=4096, n_scramblings=scramblings, conf_level=0.999, seed=seed)

# %%
exact = np.array([f.S1, f.ST])
miss_by_hand = abs(by_hand - exact).max()
miss_even = abs(np.array([indices.S1, indices.ST]) - exact).max()

# %%
say(
    "From {n} rows the loop by hand misses the exact indices by up to {miss_by_hand:.3f}, "
    "the even sequence by up to {miss_even:.4f}.",
    n=4096,
)

# %%
to_95 = np.divide(*student.ppf([0.975, 0.9995], scramblings - 1))
beside_the_exact = bars(
    {
        "first order, estimated": indices.S1,
        "exact": f.S1,
        "total, estimated": indices.ST,
        "exact total": f.ST,
    },
    ["$x_1$", "$x_2$", "$x_3$"],
    intervals={
        "first order, estimated": to_95 * indices.S1_conf,
        "total, estimated": to_95 * indices.ST_conf,
    },
    value_label="share of the variance",
)
swept = np.ptp(profiles["$x_3$"])
at_least = indices.ST[2] - indices.ST_conf[2]

# %%
show(
    beside_the_exact,
    caption="Sobol indices of Ishigami's function, with 95 % intervals, beside the exact "
    "values.",
    alt="Grouped bars. First order: {f.S1[0]:.2f}, {f.S1[1]:.2f} and about zero. Total: "
    "{f.ST[0]:.2f}, {f.ST[1]:.2f} and {f.ST[2]:.2f}. Estimates and exact values can "
    "hardly be told apart.",
)
claim(
    "No slope and no sweep from the middle sees the third input, which has a quarter of "
    "the variance in its hand",
    swept == 0 and abs(gradient_at_zero[1:]).max() < 1e-9 and at_least > 0.15,
    evidence="slopes at zero {gradient_at_zero:.3f}; total indices {indices.ST:.3f}",
    tolerance=1e-6,
    fails_if="the three inputs did not interact",
)
claim(
    "All six estimated indices agree with the exact ones within their 99.9 % intervals",
    np.all(abs(indices.S1 - f.S1) < indices.S1_conf)
    and np.all(abs(indices.ST - f.ST) < indices.ST_conf),
    evidence="largest error {miss_even:.4f}",
    fails_if="the model read the second input where it should read the third",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The price of many inputs
#
# How often must the model be run for $d$ inputs?
#
# - a gradient by differences: $d + 1$ runs, for one point
# - Morris screening, which averages differences over $r$ random paths: $r\,(d + 1)$
# - Sobol indices from $N$ rows: $N (d + 2)$, and $N (2d + 2)$ for all pairs
# - a full grid of $k$ levels: $k^d$
#
# Only a gradient by reverse-mode differentiation does not grow with $d$: it walks once through the model and once back. We write
# both walks for a network with one hidden layer, and count multiplications.


# %% tags=["live:there and back"]
def there_and_back(row, W, v):
    """Return a small network's output, its gradient, and how many multiplications each walk took."""
    hidden = np.tanh(row @ W)
    output = hidden @ v
    there = W.size + v.size
    slope_of_hidden = v * (1 - hidden**2)
    gradient = W @ slope_of_hidden
    back = 2 * v.size + W.size
    return output, gradient, there, back


# %% tags=["live:count the work"]
d = np.array([2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
rng = np.random.default_rng(seed)
reverse, gap = [], []
for n in d:
    row, W, v = rng.normal(size=n), rng.normal(size=(n, 32)) / np.sqrt(n), rng.normal(size=32)
    _, gradient, there, back = there_and_back(row, W, v)
    reverse.append((there + back) / there)
    shift = 1e-5 * np.eye(n)[0]
    difference_quotient = (np.tanh((row + shift) @ W) - np.tanh((row - shift) @ W)) @ v / 2e-5
    gap.append(abs(gradient[0] - difference_quotient))

# %%
costs = {
    "reverse mode": np.array(reverse),
    "differences": d + 1,
    "Morris": 10 * (d + 1),
    "Sobol": 1024 * (d + 2),
    "grid": np.where(d <= 8, 10.0 ** np.minimum(d, 8), np.nan),
}

price = lines(
    d,
    {"": costs},
    x_label="number of inputs",
    y_labels="runs of the model",
    log_x=True,
    log_y=True,
)

# %%
show(
    price,
    caption="Runs of the model against the number of its inputs, on logarithmic axes: a "
    "gradient at one point by reverse mode and by differences, Morris with 10 paths, Sobol "
    "with 1,024 rows, a grid of 10 levels.",
    alt="Five lines. Reverse mode stays flat at {reverse[-1]:.0f} runs. Differences, Morris "
    "and Sobol rise in proportion to the number of inputs, at {d[-1]} inputs to "
    '{costs["differences"][-1]}, {costs["Morris"][-1]} and {costs["Sobol"][-1]} runs. The '
    "grid leaves the picture at eight inputs.",
)
claim(
    "A gradient by reverse mode costs about two runs, whatever the number of inputs",
    max(reverse) < 2.5 and max(gap) < 1e-6,
    evidence="from {least:.2f} to {most:.2f} runs; at most {farthest:.0e} from a "
    "difference",
    least=min(reverse),
    most=max(reverse),
    farthest=max(gap),
    tolerance=1e-7,
    fails_if="the walk back were made once for each input",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Screen first
#
# Suppose forty inputs, of which four matter, and a model that takes a minute a run. Sobol indices from 1,024 rows would take a
# month. Morris screening with ten paths takes an afternoon. It does not give shares of variance; it says which inputs can be left out of
# the expensive analysis. Our stand-in is Sobol's G-function, whose exact indices we know.

# %% tags=["live:forty inputs"]
four = [3, 11, 20, 33]
a = np.full(40, 99.0)
a[four] = [0.0, 0.5, 1.0, 2.0]
big = g_function(a)
screening = morris_screening(big, big.bounds, n_trajectories=10, seed=seed)

# %%
effect = screening.mu_star
rest = np.delete(effect, four).max()
first_four = np.sort(np.argsort(-effect)[:4])
forty = bars(
    {
        "Morris: mean size of an effect": effect / effect.max(),
        "exact total index": big.ST,
    },
    [str(i) if i % 3 == 0 else "" for i in range(40)],
    value_label="largest effect = 1; share of variance",
)

# %%
show(
    forty,
    caption="Forty inputs: elementary effects, scaled to the largest, beside the exact "
    "total indices.",
    alt="Bars for forty inputs. Four stand out in both colours; the largest of the others "
    "has {scaled:.2f} of the largest effect.",
    scaled=rest / effect.max(),
)
say(
    "Screening took {screening.n_evaluations} runs; Sobol indices from 1,024 rows would "
    "take {sobol}.",
    sobol=1024 * 42,
)
claim(
    "Ten paths are enough to find the four inputs that matter among forty",
    set(first_four) == set(four) and rest < 0.2 * effect[four].min(),
    evidence="first four {first_four}; smallest effect of them {smallest:.3f}, largest of "
    "the rest {rest:.3f}",
    smallest=effect[four].min(),
    fails_if="the four inputs mattered no more than the rest",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Two slopes (difficulty 1, 5 minutes)
# Write a function that returns the slopes along $x$ and along $y$, in that order, of a table `Z` that was made with
# `np.meshgrid(x, y)`. The spacing along the two axes may differ.


# %% tags=["exercise"]
def two_slopes(Z, x, y):
    ### BEGIN SOLUTION
    along_y, along_x = np.gradient(Z, y, x)
    return along_x, along_y
    ### END SOLUTION


check(exercises.two_slopes, two_slopes)  # hint(exercises.two_slopes) helps, in layers

# %% [markdown]
# ## Exercise 2 — A total index (difficulty 2, 10 minutes)
# `f_A` holds a model's outputs on random rows. `f_AB` holds its outputs on the same rows after *one* column was replaced by fresh
# random values. Return the total index of that column.


# %% tags=["exercise"]
def total_index(f_A, f_AB):
    ### BEGIN SOLUTION
    return np.mean((f_A - f_AB) ** 2) / 2 / np.var(f_A)
    ### END SOLUTION


check(exercises.total_index, total_index)

# %% [markdown]
# ## Exercise 3 — Hide from the sweeps (difficulty 2, 10 minutes)
# Invent a function of arrays $x$ and $y$, both between $-1$ and $1$, that is constant along both axes through the middle and yet
# varies elsewhere: whoever moves one input at a time from $(0, 0)$ must conclude that nothing matters.


# %% tags=["exercise"]
def hidden(x, y):
    ### BEGIN SOLUTION
    return x * y
    ### END SOLUTION


check(exercises.hide, hidden)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A gradient on a grid needs the axes in the right order and the spacing. A picture of its size can hide both mistakes.
# - A sensitivity belongs to a step. Say which, and take one that somebody might take.
# - Moving one input at a time from one point sees neither interactions nor what happens elsewhere. The gap between the total and
#   the first-order index is what it misses.
# - Reverse mode gives one gradient at the price of two runs. For a whole range screen with Morris first, then spend on Sobol
#   indices of the inputs that are left.

# %% [markdown]
# ## Where it breaks
#
# - Sobol indices as computed here take the inputs to be independent. With correlated inputs the shares overlap.
# - A share of variance is a share of *this* variance: other bounds, other shares. And variance is a poor summary of an output
#   with a rare catastrophe.
# - Morris averages effects on a coarse grid. An input that acts only in a narrow valley between the levels is missed.
# - Reverse mode needs a model that can be differentiated. A tree, a rounded display or a simulator with events cannot.

# %% [markdown]
# ## Further reading
#
# - [Saltelli et al. (2008)](https://doi.org/10.1002/9780470725184), *Global Sensitivity Analysis: The Primer*: the textbook;
#   chapter 1 on why one input at a time is not enough.
# - [Saltelli et al. (2010)](https://doi.org/10.1016/j.cpc.2009.09.018), *Variance based sensitivity analysis of model output.
#   Design and estimator for the total sensitivity index*: the estimators used here, and why they are laid out as they are.
# - [Morris (1991)](https://doi.org/10.1080/00401706.1991.10484804), *Factorial sampling plans for preliminary computational
#   experiments*: screening, from the days when a run was dear, which they still are.
# - [Iooss and Lemaître (2015)](https://arxiv.org/abs/1404.2405), *A review on global sensitivity analysis methods*: which method
#   when, with the costs.
