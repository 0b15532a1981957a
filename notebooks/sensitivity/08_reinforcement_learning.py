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
# # Which tolerance matters?
#
# Sensitivity of a controller's return, with common random numbers
#
# > **After this notebook you can**
# >
# > - measure how the return of a policy answers to its sensors, its machine and its own parameters
# > - compare two runs with common random numbers, and say when that helps and when it no longer does
# > - tell a slope from a step: why a quotient taken on one side can be large where the slope is zero
# > - check a simulation against symmetries that hold to the last bit
#
# **15 minutes**, and 15 for the exercises · builds on difference quotients and standard errors · data: simulated here by gymnasium

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A workshop builds carts that balance a pole. Every fiftieth of a second a controller reads four measurements (the cart's
# position and velocity, the pole's angle and angular velocity) and pushes the cart to the left or to the right. An
# episode ends when the pole leans by more than 12 degrees, when the cart leaves its track, or after 500 steps. The return
# is the number of steps.
#
# Better parts cost money. Which tolerance is worth paying for: the sensor's zero point, the length of the pole, the
# strength of the motor? Or would it be cheaper to change a number in the controller?

# %% tags=["setup"]
import gymnasium
import numpy as np
from scipy.stats import chi2, norm

from xaicourse.exercises import reinforcement_learning as exercises
from xaicourse.plotting import bars, dots, lines
from xaicourse.sensitivity import (
    cart_poles,
    episode_returns,
    return_sensitivity,
)
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    say,
    show,
    show_source,
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A controller, and a thousand carts at once
#
# The slide's controller adds the angle to the angular velocity and pushes to the right when the sum is positive. We write
# it with four weights and four sensor biases, both of which we shall change.


# %% tags=["live:the controller"]
def controller(weights=(0, 0, 1, 1), bias=(0, 0, 0, 0)):
    def push(observations):
        seen = observations.astype(float) + bias
        return (seen @ np.array(weights, float) > 0).astype(int)

    return push


base = episode_returns(cart_poles(1000), controller(), seed=seed)

# %%
episodes, mean_return = len(base), base.mean()
to_the_end = np.mean(base == 500)

# %%
say(
    "Over {episodes:,} episodes it balances the pole for {mean_return:.0f} "
    "steps on average, and {to_the_end:.0%} of the episodes last to the end.",
    tolerance={"mean_return": 1, "to_the_end": 0.005},
)

# %% [markdown]
# `cart_poles` is gymnasium's own vectorised CartPole, with a physics of our choice. All carts move at once, in one array, which is
# many times as fast as one after another. Here is what happens in between:

# %%
show_source(episode_returns)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it right?
#
# The reference is the loop that everyone writes: gymnasium's single cart, one episode after another, from the same starts. The
# angle sensor is off, so that the episodes have many lengths.


# %% tags=["live:the plain loop"]
def plain_return(start, policy):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    env.unwrapped.state = start
    observation, total, done = start.astype(np.float32), 0.0, False
    while not done:
        observation, reward, terminated, truncated, _ = env.step(
            policy(observation[None])[0]
        )
        total, done = total + reward, terminated or truncated
    return total


carts, skewed = cart_poles(20), controller(bias=(0, 0, 0.15, 0))
side_by_side = episode_returns(carts, skewed, seed=seed)
carts.reset(seed=seed)
one_by_one = np.array([plain_return(start, skewed) for start in carts.state.T])

# %%
compared, lengths = len(one_by_one), len(set(one_by_one))

# %%
claim(
    "All {compared} returns are those of gymnasium's single cart, and they "
    "are of {lengths} different lengths",
    np.array_equal(side_by_side, one_by_one) and lengths > 3,
    tolerance={"lengths": 2},
    fails_if="the plain loop were played on the Moon",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide's quotient
#
# The slide shifts one measurement by `epsilon=0.1`, plays again, and divides the difference of the mean returns by `epsilon`. Its
# code no longer runs: `gym` is dead, `reset` and `step` return other things now, and an end by time limit has to be asked for. There
# is a flaw that would stay: each run draws *other* episodes, so that even a bias that changes nothing seems to change something.
#
# We give both runs the same seed. Then episode 17 starts in the same place both times.


# %% slideshow={"slide_type": "fragment"} tags=["live:the slide's quotient"]
def returns_with_bias(position, n_episodes):
    """Return a function of a sensor's bias and a seed."""
    return lambda bias, seed: episode_returns(
        cart_poles(n_episodes),
        controller(bias=bias * np.eye(4)[position]),
        seed=seed,
    )

# %% tags=["live:four sensors"]
measurements = ["position", "velocity", "angle", "angular velocity"]
slide = [return_sensitivity(returns_with_bias(i, 100), low=0.0, high=0.1, seed=seed) for i in range(4)]

# %%
z = norm.ppf(0.9995)
position, velocity, angle, angular = (s.value for s in slide)
four_quotients = bars(
    {"sensitivity": [s.value for s in slide]},
    measurements,
    intervals={"sensitivity": [1.96 * s.paired_error for s in slide]},
    value_label="steps per unit of bias",
)

# %%
show(
    four_quotients,
    caption="The slide's four quotients, from 100 episodes and a bias of 0.1; "
    "95 % intervals.",
    alt="Four bars. Position and velocity: {position:.0f} and {velocity:.0f}. "
    "Angle and angular velocity: both {angle:.0f}.",
    tolerance=150,
)
claim(
    "What the controller does not read has no sensitivity, and the two "
    "measurements that it adds have the same, to the last bit",
    position == velocity == 0 and angle == angular < 0,
    evidence="position {position:.0f}, velocity {velocity:.0f}, angle "
    "{angle:.1f}, angular velocity {angular:.1f} steps per unit",
    tolerance={"angle": 150, "angular": 150},
    fails_if="the second run drew other starts",
)

# %% [markdown]
# Without common random numbers the two zeros would be noise, and nobody could tell that they *are* zeros.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A slope, or a cliff?
#
# Minus three thousand steps per radian is a strange number for a game of 500 steps. Before we believe that it is a slope, look at
# the curve it was taken from, in both directions.

# %% tags=["live:the curve"]
biases = np.array([-0.1, -0.06, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.06, 0.1])
curve = np.array([returns_with_bias(2, 300)(bias, seed) for bias in progress("biases")(biases)])
central = return_sensitivity(returns_with_bias(2, 1000), low=-0.1, high=0.1, seed=seed)
kept = biases[curve.mean(1) >= 0.95 * curve.mean(1).max()]

# %%
mean_curve, top = curve.mean(axis=1), curve.mean(axis=1).max()
half = 1.96 * curve.std(axis=1, ddof=1) / np.sqrt(curve.shape[1])
line = mean_curve[5] + slide[2].value * biases
curve_and_line = lines(
    biases,
    {"": {"mean return": mean_curve, "the slide's quotient": line}},
    x_label="bias of the angle sensor (radians)",
    y_labels="steps balanced",
    bands={"mean return": [mean_curve - half, mean_curve + half]},
    limits=(0, 560),
)

# %%
show(
    curve_and_line,
    caption="Mean return against the bias of the angle sensor, with a 95 % "
    "band, and the line that the slide's quotient stands for.",
    alt="A symmetric curve with a flat top at {top:.0f} steps that falls to "
    "{mean_curve[0]:.0f} and {mean_curve[-1]:.0f} at either end. A straight "
    "line crosses it from above the top left to the right end, and touches it "
    "nowhere as a tangent.",
    tolerance=12,
)

# %% [markdown]
# The curve has a flat top and two flanks. A world seen in a mirror plays by the same rules, so a bias to the left must cost as
# much as one to the right: at zero the slope *is* zero. The slide's number describes a flank, and the half of the story in which
# it is negative.

# %%
cost = mean_curve[5] - mean_curve[[0, -1]].mean()
half_width = z * central.paired_error
lowest_kept, highest_kept = kept.min(), kept.max()

# %%
claim(
    "The central quotient is zero within its 99.9 % interval, although a bias "
    "of either sign costs {cost:.0f} steps",
    abs(central.value) < half_width and cost > 200,
    evidence="central quotient {central.value:.0f} ± {half_width:.0f} steps "
    "per radian",
    tolerance={"cost": 12, "central.value": 60, "half_width": 10},
    fails_if="the quotient were taken on one side",
)
say(
    "For the workshop the curve is the answer: biases from {lowest_kept:.2f} "
    "to {highest_kept:.2f} radians keep 95 % of the return.",
    tolerance=0.01,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What common random numbers buy
#
# Let $R_i$ be the return of episode $i$, before and after. Subtracting pair by pair, only what the change does is left:
#
# $$ \operatorname{Var}(R'_i - R_i) = \operatorname{Var} R'_i + \operatorname{Var} R_i - 2 \operatorname{Cov}(R'_i, R_i). $$
#
# The more an episode resembles its twin, the larger the covariance. How large it is, is an empirical question: the ratio of the
# unpaired to the paired width says how many times narrower the interval became for nothing.

# %% slideshow={"slide_type": "fragment"} tags=["live:the gain"]
steps = np.array([0.001, 0.005, 0.02, 0.1])


def returns_with_part(name, value, n_episodes=2000):
    """Return a function of a factor on one physical quantity, and a seed."""
    return lambda factor, seed: episode_returns(
        cart_poles(n_episodes, **{name: value * factor}), controller(), seed=seed
    )


by_bias = [return_sensitivity(returns_with_bias(2, 4000), low=0.0, high=h, seed=seed) for h in progress("bias")(steps)]
by_length = [return_sensitivity(returns_with_part("length", 0.5, 1000), low=1.0, high=1 + h, seed=seed) for h in steps]
gain = {
    "bias of the angle (radians)": [s.unpaired_error / s.paired_error for s in by_bias],
    "length of the pole (relative)": [s.unpaired_error / s.paired_error for s in by_length],
}

# %%
of_bias, of_length = gain.values()
narrower = lines(
    steps,
    {"": gain},
    x_label="step",
    y_labels="unpaired width / paired width",
    log_x=True,
    limits=(0, None),
)

# %%
show(
    narrower,
    caption="How many times narrower the interval becomes when both runs "
    "share their starts.",
    alt="Two falling lines over steps from {steps[0]:g} to {steps[-1]:g}. For "
    "the bias the ratio falls from {of_bias[0]:.1f} to {of_bias[-1]:.1f}, for "
    "the length of the pole from {of_length[0]:.1f} to {of_length[-1]:.1f}.",
    tolerance=0.8,
)
claim(
    "At a bias of 0.001 pairing makes the interval at least three times as "
    "narrow; at 0.1 it buys next to nothing",
    of_bias[0] >= 3 and of_bias[-1] < 1.3,
    evidence="ratios of the widths, from the small bias to the large: "
    "{of_bias:.1f}",
    tolerance=0.8,
    fails_if="the small step had been compared with other starts",
)

# %% [markdown]
# Why does it stop? Balancing with full pushes is a sequence of sharp decisions. A large change flips one of them early, and from
# then on an episode and its twin have nothing in common but their start. A small change leaves most pairs identical. But the
# quotient divides by the step, and so the width *per unit* grows all the same:

# %%
half_widths = [1.96 * s.paired_error for s in by_bias]

# %%
say(
    "The paired half-width of the quotient is {half_widths[0]:.0f} steps per "
    "radian at a step of {steps[0]:g}, and {half_widths[-1]:.0f} at "
    "{steps[-1]:g}.",
    tolerance={"half_widths[0]": 150, "half_widths[-1]": 10},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is the interval right?
#
# A standard error is a promise about repetitions, so repeat: twenty times 100 episodes from fresh starts. The quotients must
# scatter as much as their paired error says.

# %% tags=["live:repeat it"]
repeats = [
    return_sensitivity(returns_with_bias(2, 100), low=0.0, high=0.01, seed=seed + 100 + k)
    for k in progress("repeats")(range(20))
]
scatter = np.std([r.value for r in repeats], ddof=1)
promised = np.sqrt(np.mean([r.paired_error**2 for r in repeats]))
unpaired = np.sqrt(np.mean([r.unpaired_error**2 for r in repeats]))

# %%
low, high = np.sqrt(chi2.ppf([0.0005, 0.9995], 19) / 19)

# %%
claim(
    "The quotients scatter as their paired error promises, within the 99.9 % "
    "interval of a standard deviation from 20 values",
    low < scatter / promised < high,
    evidence="scatter {scatter:.0f}, paired error {promised:.0f}, unpaired "
    "error {unpaired:.0f} steps per radian",
    tolerance=40,
    fails_if="every repetition had the same starts",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The machine
#
# Now the parts. Their units differ (kilograms, metres, newtons), so we ask for steps per *percent*: make each quantity ten
# percent smaller and ten percent larger, and divide the difference of the returns by twenty.

# %% tags=["live:the parts"]
parts = {"gravity": 9.8, "masscart": 1.0, "masspole": 0.1, "length": 0.5, "force_mag": 10.0}
elasticity = {
    name: return_sensitivity(returns_with_part(name, value), low=0.9, high=1.1, seed=seed)
    for name, value in parts.items()
}

# %%
names = [
    "gravity",
    "mass of the cart",
    "mass of the pole",
    "length of the pole",
    "strength of the push",
]
per_cent = np.array([e.value / 100 for e in elasticity.values()])
width = np.array([e.paired_error / 100 for e in elasticity.values()])
five_parts = dots(
    {"sensitivity": per_cent},
    names,
    intervals={"sensitivity": 1.96 * width},
    value_label="steps per percent",
    reference=(0.0, "no effect"),
)
at_least, at_most = per_cent - z * width, per_cent + z * width

# %%
show(
    five_parts,
    caption="Change of the mean return for one percent of each physical "
    "quantity; 95 % intervals.",
    alt="Dot plot around zero. Gravity {per_cent[0]:.2f} and the cart's mass "
    "{per_cent[1]:.2f} lie on the left, the strength of the push, "
    "{per_cent[4]:.2f}, on the right; the pole's mass is at "
    "{per_cent[2]:.2f} and its length at {per_cent[3]:.2f}.",
    tolerance=0.15,
)
claim(
    "A stronger push helps, a heavier cart and more gravity harm, all beyond "
    "their 99.9 % intervals",
    at_least[4] > 0 and max(at_most[0], at_most[1]) < 0,
    evidence="steps per percent: gravity {per_cent[0]:.2f}, cart "
    "{per_cent[1]:.2f}, push {per_cent[4]:.2f}",
    tolerance=0.15,
    fails_if="every part had been made smaller where it should be larger",
)

# %% [markdown]
# None of these is worth much: a part that is one percent off costs less than a step of 500. (Earth's gravity varies by half a percent
# between the equator and the poles.)
#
# A check that needs no statistics: masses and force enter the equations only as ratios. Double all three, and nothing may
# change. Two is a power of two, so that not even the rounding does.

# %% tags=["live:double everything"]
doubled = episode_returns(
    cart_poles(1000, masscart=2.0, masspole=0.2, force_mag=20.0),
    controller(),
    seed=seed,
)

# %%
claim(
    "With both masses and the push doubled, every one of {episodes} episodes "
    "is as long as before",
    np.array_equal(doubled, base),
    fails_if="the push were not doubled",
)

# %% [markdown]
# A trap on the way: gymnasium computes the total mass and the pole's mass times its length *once*. Whoever sets `env.masspole` or
# `env.length` afterwards gets a cart that obeys no mechanics, and no error. `cart_poles` sets what follows from them, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The controller itself
#
# Last, the four weights, which cost nothing to change. The direction in which they grow together, (0, 0, 1, 1), must do nothing at
# all: only the sign of the sum counts. The other directions are worth asking about.


# %% tags=["live:the weights"]
def returns_with_weight(position, n_episodes=2000):
    """Return a function of a change of one weight, and a seed."""
    return lambda change, seed: episode_returns(
        cart_poles(n_episodes), controller(np.array([0, 0, 1, 1]) + change * np.eye(4)[position]), seed=seed
    )


slopes = [return_sensitivity(returns_with_weight(i), low=-0.1, high=0.1, seed=seed) for i in range(4)]
gradient = np.array([s.value for s in slopes])
weights = np.array([0, 0, 1, 1]) + 0.3 * gradient / np.linalg.norm(gradient)
improvement = return_sensitivity(
    lambda share, s: episode_returns(cart_poles(2000), controller((1 - share) * np.array([0, 0, 1, 1]) + share * weights), seed=s),
    low=0.0, high=1.0, seed=seed + 1,
)  # fmt: skip

# %%
four_weights = bars(
    {"sensitivity": gradient},
    measurements,
    intervals={"sensitivity": [1.96 * s.paired_error for s in slopes]},
    value_label="steps per unit of weight",
)

# %%
show(
    four_weights,
    caption="Sensitivity of the mean return to the controller's weights; 95 % "
    "intervals.",
    alt="Four bars: position {gradient[0]:.0f}, velocity {gradient[1]:.0f}, "
    "angle {gradient[2]:.0f}, angular velocity {gradient[3]:.0f}. The "
    "velocity of the cart, which the controller does not read, is the "
    "longest.",
    tolerance=40,
)

# %% [markdown]
# The two measurements that the controller ignores are those it should listen to. A sensitivity of zero to a *measurement* is no
# reason to leave it out. The pole seldom falls by itself: the cart runs off its track while it balances. One step along this
# gradient, tried on fresh starts:

# %%
before, after = improvement.low.mean(), improvement.high.mean()
margin = z * improvement.paired_error

# %%
claim(
    "A single step along the gradient raises the mean return on fresh starts "
    "from {before:.1f} to {after:.1f}",
    improvement.value > margin and after > 495,
    evidence="difference {improvement.value:.1f} ± {margin:.1f} steps",
    tolerance=3,
    fails_if="the step were taken the other way",
)

# %% tags=["live:the curve again"]
mended = np.array(
    [
        episode_returns(
            cart_poles(300), controller(weights, bias=(0, 0, b, 0)), seed=seed
        )
        for b in biases
    ]
)

# %%
mended_curve = mended.mean(axis=1)
old_and_mended = lines(
    biases,
    {
        "": {
            "the slide's controller": mean_curve,
            "one step along the gradient": mended_curve,
        }
    },
    x_label="bias of the angle sensor (radians)",
    y_labels="steps balanced",
    limits=(0, 560),
)
at_the_ends = {
    "mended": mended_curve[[0, -1]].min(),
    "old": mean_curve[[0, -1]].max(),
}

# %%
show(
    old_and_mended,
    caption="The tolerance for the sensor's zero point, before and after the "
    "weights were changed.",
    alt="Two curves over the bias. The old one falls from "
    "{mean_curve[5]:.0f} in the middle to {mean_curve[-1]:.0f} at the right "
    "end; the new one is at {mended_curve[5]:.0f} in the middle and at "
    "{mended_curve[-1]:.0f} at the right end.",
    tolerance=15,
)
claim(
    "The mended controller also forgives the sensor: at a bias of 0.1, to "
    "either side, it balances for at least "
    '{at_the_ends["mended"]:.0f} steps on average',
    at_the_ends["mended"] > at_the_ends["old"] + 200,
    evidence='the old controller: at most {at_the_ends["old"]:.0f}',
    tolerance=15,
    fails_if="the step were taken the other way",
)

# %% [markdown]
# So the workshop buys the cheap sensor and changes two numbers. That was not to be read off any of the sensitivities to the
# sensors; it came from asking about the weights as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Repair the loop (difficulty 1, 10 minutes)
# Write `play(env, policy, seed)`: it plays *one* episode in an environment of today's gymnasium and returns the sum of its
# rewards. `policy` maps one observation to one action. Start the episode with the seed.


# %% tags=["exercise"]
def play(env, policy, seed):
    ### BEGIN SOLUTION
    observation, _ = env.reset(seed=seed)
    total, done = 0.0, False
    while not done:
        observation, reward, terminated, truncated, _ = env.step(policy(observation))
        total, done = total + reward, terminated or truncated
    return total
    ### END SOLUTION


check(exercises.repair_the_loop, play)  # hint(exercises.repair_the_loop) helps, in layers

# %% [markdown]
# ## Exercise 2 — Paired and central (difficulty 2, 10 minutes)
# `returns(setting, seed)` gives the returns of n episodes. Write `central(returns, step, seed)`: the central difference quotient of
# the mean return at the setting 0, between `-step` and `step`, with common random numbers, and its standard error. Return both.


# %% tags=["exercise"]
def central(returns, step, seed):
    ### BEGIN SOLUTION
    difference = (returns(step, seed) - returns(-step, seed)) / (2 * step)
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))
    ### END SOLUTION


check(exercises.paired_and_central, central)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Give both runs the same random numbers. Zeros become exact, and small changes become visible.
# - Pairing helps only as long as an episode resembles its twin. Look at both widths before you praise it.
# - A difference quotient is not yet a slope. Take it to both sides, and draw the curve.
# - A symmetry is the cheapest test: a scale that cannot matter must not matter, to the last bit.
# - Zero sensitivity to an input means that the model ignores it, and not that it should.

# %% [markdown]
# ## Where it breaks
#
# - The return of one episode is piecewise constant in every setting: its derivative is zero or does not exist. What has a slope is
#   the mean over starts, and small steps estimate it badly however many seeds they share.
# - The return is capped at 500 steps. Near the cap everything looks insensitive; a longer episode would tell more.
# - CartPole draws nothing but its start. Where chance goes on during the episode, each cart needs a stream of its own, or a changed
#   decision moves everybody's luck.
# - One setting was changed at a time. Two tolerances can matter only together.

# %% [markdown]
# ## Further reading
#
# - [Glasserman and Yao (1992)](https://doi.org/10.1287/mnsc.38.6.884), *Some guidelines and guarantees for common random
#   numbers*: when common random numbers provably help, and when they may not.
# - [Barto, Sutton and Anderson (1983)](https://doi.org/10.1109/TSMC.1983.6313077), *Neuronlike adaptive elements that can solve
#   difficult learning control problems*: where the cart and its pole come from.
# - [Towers et al. (2024)](https://arxiv.org/abs/2407.17032), *Gymnasium: a standard interface for reinforcement learning
#   environments*: the interface that replaced `gym`, with its vectorised environments.
