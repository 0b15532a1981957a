"""Exercises of the notebook on GradientSHAP, and the alterations under which its claims
fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require

Array = NDArray[np.float64]


def _check_two_players(answer: Callable[..., Any]) -> None:
    result = answer(1.0, 4.0, 3.0, 10.0)
    require(
        isinstance(result, tuple | list) and len(result) == 2,
        f"return two numbers, the share of the first player and of the second; got "
        f"{result!r}",
    )
    a, b = (float(number) for number in result)
    require(
        abs(a + b - 9.0) < 1e-9,
        f"the two shares must add up to what both are worth beyond nobody, 10 - 1 = 9; "
        f"yours add up to {a + b:g}",
    )
    alone, last = (3.0, 6.0), (7.0, 2.0)
    require(
        (a, b) != alone,
        "these are the gains when the first player comes first: only one of the two "
        "orders",
    )
    require(
        abs(a - 5.0) < 1e-9 and abs(b - 4.0) < 1e-9,
        f"for worths 1, 4, 3 and 10 the first gains 3 when she comes first and "
        f"{last[0]:g} when she comes last; "
        f"your share for her is {a:g}. What is the mean over the two orders?",
    )
    same = answer(0.0, 2.0, 2.0, 4.0)
    require(
        abs(float(same[0]) - float(same[1])) < 1e-9,
        "two players who are worth the same must get the same",
    )


two_players = Exercise(
    name="Two players",
    checker=_check_two_players,
    hints=(
        "There are two orders: the first joins first, or the second does. What does "
        "the first add in each?",
        "The first adds `first - nobody` when she comes first, and `both - second` "
        "when she comes last.",
        "The mean of the two: `(first - nobody + both - second) / 2`; the other player "
        "likewise.",
    ),
    honest=(
        lambda n, a, b, ab: [
            0.5 * (a - n) + 0.5 * (ab - b),
            0.5 * (b - n) + 0.5 * (ab - a),
        ],
        lambda n, a, b, ab: (
            (a - n) + (ab - a - b + n) / 2,
            (b - n) + (ab - a - b + n) / 2,
        ),
    ),
    wrong={
        "each alone": lambda n, a, b, _both: (a - n, b - n),
        "one order": lambda n, a, _b, ab: (a - n, ab - a),
        "forgets what nobody is worth": lambda _n, a, b, ab: (
            (a + ab - b) / 2,
            (b + ab - a) / 2,
        ),
        "equal parts": lambda n, _a, _b, ab: ((ab - n) / 2, (ab - n) / 2),
        "one number": lambda n, a, b, ab: (a - n + ab - b) / 2,
    },
)


def _check_expected_gradients(answer: Callable[..., Any]) -> None:
    def slope(z: Array) -> Array:
        return np.asarray(2 * z * np.array([1.0, -1.0]))  # of z1² - z2²

    x, baselines = np.array([3.0, 2.0]), np.array([[0.0, 1.0], [2.0, 0.0], [1.0, -1.0]])
    before = baselines.copy()
    result = np.asarray(
        answer(slope, x, baselines, 40_000, np.random.default_rng(0)), dtype=float
    )
    require(
        result.shape == (2,),
        f"expected one attribution for each column, shape (2,); got shape "
        f"{result.shape}",
    )
    require(
        np.array_equal(before, baselines),
        "the caller's baselines have changed: make new arrays",
    )
    # a sum of single columns: each keeps its own change
    expected = x**2 * [1, -1] - (baselines**2 * [1, -1]).mean(0)
    at_end = (x - baselines.mean(0)) * slope(x[None])[0]
    require(
        not np.allclose(result, at_end, rtol=0.02),
        "these are gradients at x itself: they belong at points on the way from a "
        "baseline to x",
    )
    require(
        np.sign(result[0]) == np.sign(expected[0]),
        f"the first column goes up, and the function with it: it must be positive, got "
        f"{result[0]:.2f}",
    )
    require(
        np.allclose(result, expected, atol=0.12),
        f"the function gains {expected[0]:.2f} by its first column and "
        f"{expected[1]:.2f} by its second; you found "
        f"{result.round(2)}. Is each gradient multiplied by the distance from its own "
        f"baseline, and is it a mean?",
    )
    again = np.asarray(answer(slope, x, baselines, 50, np.random.default_rng(5)))
    require(
        np.array_equal(
            again, np.asarray(answer(slope, x, baselines, 50, np.random.default_rng(5)))
        ),
        "the same generator must give the same answer: draw with rng, not with "
        "np.random",
    )


def _draws(baselines: Array, n: int, rng: Any) -> tuple[Array, Array]:
    return baselines[rng.integers(len(baselines), size=n)], rng.random((n, 1))


def _one_by_one(gradient: Any, x: Array, baselines: Array, n: int, rng: Any) -> Array:
    total = np.zeros(len(x))
    for _ in range(n):
        b = baselines[rng.integers(len(baselines))]
        total += (x - b) * gradient((b + rng.random() * (x - b))[None])[0]
    return total / n


def _expected(gradient: Any, x: Array, baselines: Array, n: int, rng: Any) -> Array:
    b, alpha = _draws(baselines, n, rng)
    mean: Array = ((x - b) * gradient(b + alpha * (x - b))).mean(0)
    return mean


def _mean_first(gradient: Any, x: Array, baselines: Array, n: int, rng: Any) -> Any:
    b, alpha = _draws(baselines, n, rng)
    return (x - b).mean(0) * gradient(b + alpha * (x - b)).mean(0)


expected_gradients = Exercise(
    name="GradientSHAP with NumPy",
    checker=_check_expected_gradients,
    hints=(
        "For each sample: draw a baseline, draw a place between 0 and 1, and take the "
        "gradient there.",
        "`b = baselines[rng.integers(len(baselines), size=n)]` draws the baselines; "
        "`rng.random((n, 1))` the places.",
        "`z = b + rng.random((n, 1)) * (x - b)`, and the mean over the rows of `(x - "
        "b) * gradient(z)`.",
    ),
    honest=(
        _one_by_one,
        _expected,
    ),
    wrong={
        "the gradient at x": lambda gradient, x, b, _n, _rng: (
            (x - b.mean(0)) * gradient(x[None])[0]
        ),
        "no distance": lambda gradient, x, b, n, rng: gradient(
            _draws(b, n, rng)[0] + rng.random((n, 1)) * (x - b[0])
        ).mean(0),
        "a sum, not a mean": lambda *a: _expected(*a) * a[3],
        "the wrong sign": lambda *a: -_expected(*a),
        "mean distance times mean gradient": _mean_first,
        "its own randomness": lambda gradient, x, b, n, _rng: _expected(
            gradient, x, b, n, np.random.default_rng()
        ),
    },
)


def _check_against_chance(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    called = rng.random(400) < 0.5
    ill = (rng.random(400) < np.where(called, 0.7, 0.1)).astype(int)
    score = rng.normal(size=400) + np.where(called, 3.0, -3.0) + 0.8 * ill * called
    expected = score[called & (ill == 1)].mean() - score[called & (ill == 0)].mean()
    result = answer(
        score.copy(), called.copy(), ill.copy(), 300, np.random.default_rng(1)
    )
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
        f"shuffled labels should make no difference on average; yours make "
        f"{chance.mean():.2f}",
    )
    spread = score[called].std() * np.sqrt(
        1 / (called & (ill == 1)).sum() + 1 / (called & (ill == 0)).sum()
    )
    require(
        0.8 < chance.std() / spread < 1.25,
        f"chance should make a difference of about {spread:.2f}; yours spreads by "
        f"{chance.std():.2f}. Shuffle only "
        "among the rows that were called, so that the groups keep their sizes",
    )


def _against(score: Array, called: Any, ill: Any, n: int, rng: Any) -> Any:
    first, second = called & (ill == 1), called & (ill == 0)
    pool, k = score[called], int(first.sum())
    shuffled = []
    for _ in range(n):
        order = rng.permutation(len(pool))
        shuffled.append(pool[order[:k]].mean() - pool[order[k:]].mean())
    return score[first].mean() - score[second].mean(), np.array(shuffled)


def _shuffled_everywhere(score: Array, called: Any, ill: Any, n: int, rng: Any) -> Any:
    everywhere = [rng.permutation(ill) for _ in range(n)]
    return (
        _against(score, called, ill, 1, rng)[0],
        np.array([score[s == 1].mean() - score[s == 0].mean() for s in everywhere]),
    )


def _coin(score: Array, called: Any, ill: Any, n: int, rng: Any) -> Any:
    pool = score[called]
    coins = [rng.random(len(pool)) < 0.05 for _ in range(n)]
    return _against(score, called, ill, 1, rng)[0], np.array(
        [pool[c].mean() - pool[~c].mean() for c in coins]
    )


against_chance = Exercise(
    name="A control for groups",
    checker=_check_against_chance,
    hints=(
        "First throw away the rows that were not called: neither the difference nor "
        "the shuffles need them.",
        "Write a small function of the labels that returns the difference; call it "
        "with `ill` and its permutations.",
        "`rng.permutation(ill[called])` keeps the number of ill rows; collect the "
        "difference of `n` such shuffles.",
    ),
    honest=(_against,),
    wrong={
        "nobody is left out": lambda s, c, i, n, rng: _against(
            s, np.ones_like(c), i, n, rng
        ),
        "shuffles everywhere": _shuffled_everywhere,
        "does not shuffle": lambda s, c, i, n, rng: (
            _against(s, c, i, 1, rng)[0],
            np.full(n, _against(s, c, i, 1, rng)[0]),
        ),
        "one shuffle for all": lambda s, c, i, n, rng: (
            _against(s, c, i, 1, rng)[0],
            np.zeros(n),
        ),
        "labels by a coin": _coin,
        "only the difference": lambda s, c, i, n, rng: _against(s, c, i, n, rng)[0],
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "only the first order counted": (
        "by_hand = every_order.mean(0)",
        "by_hand = every_order[0]",
    ),
    "a hundred times fewer samples were drawn": (
        'fold["rows"][test], baselines=baselines, n_samples=400',
        'fold["rows"][test], baselines=baselines, n_samples=4',
    ),
    "the healthy women were drawn from everybody": (
        "    healthy = train[y[train] == 0][:50]",
        "    healthy = np.random.default_rng(seed + 7).choice(train, 50, "
        "replace=False)",
    ),
    "Captum were given other baselines": (
        ".attribute(women, b, n_samples",
        ".attribute(women, b[:10], n_samples",
    ),
    "the exact values were those of a network twice as steep": (
        "exact.append(shapley_values(net, women, baselines=b).values.numpy())",
        "exact.append(shapley_values(lambda rows: 2 * net(rows), women, "
        "baselines=b).values.numpy())",
    ),
    "the longest training were the shortest": (
        "epochs = [4, 10, 50]",
        "epochs = [4, 10, 4]",
    ),
    "women were grouped by a coin and not by the prediction": (
        "sums = {kind: values[mask].sum(1).mean()",
        "called = np.random.default_rng(seed).random(len(y)) < 0.4\nsums = {kind: "
        "values[mask].sum(1).mean()",
    ),
    "the network were in evaluation mode all along": (
        'deepcopy(first["net"]).train()',
        'deepcopy(first["net"])',
    ),
    "the sampled values were of another woman": (
        "sampled = sampled_shapley_values(f, rows[woman]",
        "sampled = sampled_shapley_values(f, rows[woman + 1]",
    ),
}
