"""Exercises of the notebook on GradientSHAP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

Array = NDArray[np.float64]


def _check_two_players(answer: Callable[..., Any]) -> None:
    result = answer(1.0, 4.0, 3.0, 10.0)
    a, b = (float(number) for number in result)
    require(
        abs(a + b - 9.0) < 1e-9,
        "the two shares must add up to what both are worth beyond nobody, 10 - 1 = 9; "
        f"yours add up to {rounded(a + b)}",
    )
    alone, last = (3.0, 6.0), (7.0, 2.0)
    require(
        (a, b) != alone,
        "these are the gains when the first player comes first: only one of the two "
        "orders",
    )
    require(
        abs(a - 5.0) < 1e-9 and abs(b - 4.0) < 1e-9,
        "for worths 1, 4, 3 and 10 the first gains 3 when she comes first and "
        f"{rounded(last[0])} when she comes last; your share for her is {rounded(a)}. "
        "What is the mean over the two orders?",
    )
    same = answer(0.0, 2.0, 2.0, 4.0)
    require(
        abs(float(same[0]) - float(same[1])) < 1e-9,
        "two players who are worth the same must get the same",
    )


two_players = Exercise(
    name="Two players",
    checker=_check_two_players,
    takes="nobody, first, second, both",
    returns="two numbers",
    hints=(
        "There are two orders: the first joins first, or the second does. What does "
        "the first add in each?",
        "The first adds `first - nobody` when she comes first, and `both - second` "
        "when she comes last.",
        "The mean of the two: `(first - nobody + both - second) / 2`; the other "
        "player likewise.",
    ),
)


def _check_expected_gradients(answer: Callable[..., Any]) -> None:
    def slope(z: Array) -> Array:
        return np.stack([4 * z[:, 0] ** 3 * z[:, 1], z[:, 0] ** 4], 1)  # of z1⁴ z2

    # the columns act together, and those of a baseline belong together
    x, baselines = np.array([1.5, 1.0]), np.array([[0.0, 0.0], [1.0, -1.0]])
    result = np.asarray(
        answer(slope, x, baselines, 40_000, np.random.default_rng(0)), dtype=float
    )
    require(
        result.shape == (2,),
        "expected one attribution for each column, shape (2,); got shape "
        f"{result.shape}",
    )
    places, weights = np.polynomial.legendre.leggauss(3)  # exact for such slopes
    expected = sum(
        weight / 2 * (x - b) * slope((b + (1 + place) / 2 * (x - b))[None])[0]
        for place, weight in zip(places, weights, strict=True)
        for b in baselines
    ) / len(baselines)
    at_end = (x - baselines.mean(0)) * slope(x[None])[0]
    require(
        not np.allclose(result, at_end, rtol=0.02),
        "these are gradients at x itself: they belong at points on the way from a "
        "baseline to x",
    )
    require(
        np.sign(result[0]) == np.sign(expected[0]),
        "the first column goes up, and the function with it: it must be positive, got "
        f"{result[0]:.2f}",
    )
    require(
        np.allclose(result, expected, atol=0.12),
        f"the function gains {expected[0]:.2f} by its first column and "
        f"{expected[1]:.2f} by its second; you found {rounded(result)}. Is each "
        "gradient multiplied by the distance from its own baseline, and taken at a "
        "place of its own, one for both columns? Is it a mean?",
    )
    still = answer(slope, x, x[None], 50, np.random.default_rng(5))
    require(
        np.allclose(still, 0),
        "from a baseline that is the row itself there is no way to go: the "
        f"attributions are 0, and yours {rounded(still)}",
    )
    again = np.asarray(answer(slope, x, baselines, 50, np.random.default_rng(5)))
    require(
        np.array_equal(
            again, np.asarray(answer(slope, x, baselines, 50, np.random.default_rng(5)))
        ),
        "the same generator must give the same answer: draw with rng, not with "
        "np.random",
    )


expected_gradients = Exercise(
    name="GradientSHAP with NumPy",
    checker=_check_expected_gradients,
    takes="gradient, x, baselines, n, rng",
    hints=(
        "For each sample: draw a baseline, draw a place between 0 and 1, and take the "
        "gradient there.",
        "`b = baselines[rng.integers(len(baselines), size=n)]` draws the baselines; "
        "`rng.random((n, 1))` the places.",
        "`z = b + rng.random((n, 1)) * (x - b)`, and the mean over the rows of `(x - "
        "b) * gradient(z)`.",
    ),
)


def _check_against_chance(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    called = rng.random(400) < 0.5
    ill = (rng.random(400) < np.where(called, 0.7, 0.1)).astype(int)
    score = rng.normal(size=400) + np.where(called, 3.0, -3.0) + 0.8 * ill * called
    expected = score[called & (ill == 1)].mean() - score[called & (ill == 0)].mean()
    result = answer(score, called, ill, 300, np.random.default_rng(1))
    require(
        isinstance(result, tuple | list) and len(result) == 2,
        "return the difference and the shuffled ones",
    )
    found, chance = float(result[0]), np.asarray(result[1], dtype=float)
    require(
        abs(found - expected) < 1e-9,
        f"among the rows called the difference is {expected:.2f}; you found "
        f"{found:.2f}. Are the others left out?",
    )
    require(
        chance.shape == (300,),
        f"expected one difference for each of 300 shuffles; got shape {chance.shape}",
    )
    require(
        chance.std() > 0,
        "the shuffled differences are all the same: draw a new permutation each time",
    )
    require(
        abs(chance.mean()) < 0.1,
        "shuffled labels should make no difference on average; yours make "
        f"{chance.mean():.2f}",
    )
    spread = score[called].std() * np.sqrt(
        1 / (called & (ill == 1)).sum() + 1 / (called & (ill == 0)).sum()
    )
    require(
        0.8 < chance.std() / spread < 1.25,
        f"chance should make a difference of about {spread:.2f}; yours spreads by "
        f"{chance.std():.2f}. Shuffle only among the rows that were called, so that "
        "the groups keep their sizes",
    )
    # three rows with a score, so that a shuffle makes one of eight differences
    few, possible = np.r_[1.0, 2, 4, np.zeros(18)], (2 * np.arange(8) - 7) / 10
    half, some = np.repeat([1, 0, 1], [10, 10, 1]), np.arange(21) < 20
    shuffled = np.asarray(answer(few, some, half, 300, rng)[1], dtype=float)
    distances = abs(shuffled[:, None] - possible)
    strange = shuffled[distances.min(1) > 1e-9]
    require(
        len(strange) == 0,
        "with ten of twenty ill, a shuffle leaves ten ill, and for scores 1, 2, 4 and "
        f"0 for all others the difference is one of {rounded(possible)}; yours is also "
        f"{rounded(np.unique(strange))}. Draw an order, not labels",
    )
    require(
        (distances.min(0) < 1e-9).all(),
        f"for scores 1, 2, 4 and 0 for all others a shuffle makes {rounded(possible)}, "
        "and some of these never come in 300 of yours: each order must be possible",
    )


against_chance = Exercise(
    name="A control for groups",
    checker=_check_against_chance,
    takes="score, called, ill, n, rng",
    hints=(
        "First throw away the rows that were not called: neither the difference nor "
        "the shuffles need them.",
        "Write a small function of the labels that returns the difference; call it "
        "with `ill` and its permutations.",
        "`rng.permutation(ill[called])` keeps the number of ill rows; collect the "
        "difference of `n` such shuffles.",
    ),
)
