"""Right and wrong answers, and alterations: gradient shap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.exercises.gradient_shap import Array


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


def _one_place_a_column(
    gradient: Any, x: Array, baselines: Array, n: int, rng: Any
) -> Array:
    b, alpha = _draws(baselines, n, rng)[0], rng.random((n, len(x)))
    mean: Array = ((x - b) * gradient(b + alpha * (x - b))).mean(0)
    return mean


def _mixed_baselines(
    gradient: Any, x: Array, baselines: Array, n: int, rng: Any
) -> Array:
    picked = rng.integers(len(baselines), size=(n, len(x)))
    b = np.take_along_axis(baselines, picked, axis=0)
    mean: Array = ((x - b) * gradient(b + rng.random((n, 1)) * (x - b))).mean(0)
    return mean


def _half_way(gradient: Any, x: Array, baselines: Array, n: int, rng: Any) -> Array:
    b = _draws(baselines, n, rng)[0]
    mean: Array = ((x - b) * gradient((b + x) / 2)).mean(0)
    return mean


def _labels_drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Right but for the labels, which are not shuffled but drawn."""

    def answer(score: Array, called: Any, ill: Any, n: int, rng: Any) -> Any:
        pool = score[called]
        drawn = [draw(rng, ill[called]) for _ in range(n)]
        return _against(score, called, ill, 1, rng)[0], np.array(
            [pool[i == 1].mean() - pool[i == 0].mean() for i in drawn]
        )

    return answer


HONEST = {
    "two_players": (
        lambda n, a, b, ab: [
            0.5 * (a - n) + 0.5 * (ab - b),
            0.5 * (b - n) + 0.5 * (ab - a),
        ],
        lambda n, a, b, ab: (
            (a - n) + (ab - a - b + n) / 2,
            (b - n) + (ab - a - b + n) / 2,
        ),
    ),
    "expected_gradients": (
        _one_by_one,
        _expected,
    ),
    "against_chance": (_against,),
}

WRONG = {
    "two_players": {
        "each alone": lambda n, a, b, _both: (a - n, b - n),
        "one order": lambda n, a, _b, ab: (a - n, ab - a),
        "forgets what nobody is worth": lambda _n, a, b, ab: (
            (a + ab - b) / 2,
            (b + ab - a) / 2,
        ),
        "equal parts": lambda n, _a, _b, ab: ((ab - n) / 2, (ab - n) / 2),
        "one number": lambda n, a, b, ab: (a - n + ab - b) / 2,
    },
    "expected_gradients": {
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
        "one place for each column": _one_place_a_column,
        "columns of different baselines": _mixed_baselines,
        "half-way": _half_way,
    },
    "against_chance": {
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
        "with replacement": _labels_drawn(lambda rng, ill: rng.choice(ill, len(ill))),
        "rolls": _labels_drawn(lambda rng, ill: np.roll(ill, rng.integers(len(ill)))),
    },
}

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
