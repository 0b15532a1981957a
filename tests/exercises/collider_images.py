"""Right and wrong answers, and alterations: collider images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

Array = NDArray[np.float64]


def _apart(positions: Array) -> Array:
    return np.asarray(np.hypot(*(positions[:, 0] - positions[:, 1]).T))


def _exact(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    return low, float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0


HONEST = {
    "mass_of": (
        lambda e, z, p: (
            e * np.sqrt(z[:, 0] * z[:, 1]) * np.hypot(*(p[:, 0] - p[:, 1]).T)
        ),
        lambda e, z, p: [
            a * (b * c) ** 0.5 * np.linalg.norm(q[1] - q[0])
            for a, (b, c), q in zip(e, z, p, strict=True)
        ],
    ),
    "efficiency_interval": (
        _exact,
        lambda k, n, level=0.95: (
            np.nan_to_num(beta.ppf((1 - level) / 2, k, n - k + 1), nan=0.0),
            np.nan_to_num(beta.ppf((1 + level) / 2, k + 1, n - k), nan=1.0),
        ),
    ),
    "lowest_edge": (
        lambda m, edges, upper, budget: next(
            e for e in sorted(edges) if ((m > e) & (m < upper)).mean() <= budget
        ),
        lambda m, edges, upper, budget: edges[
            np.argmax([np.sum((m > e) & (m < upper)) <= budget * len(m) for e in edges])
        ],
    ),
}

WRONG = {
    "mass_of": {
        "no root": lambda e, z, p: e * z.prod(1) * _apart(p),
        "no momentum": lambda _, z, p: np.sqrt(z.prod(1)) * _apart(p),
        "the squared distance": lambda e, z, p: e * np.sqrt(z.prod(1)) * _apart(p) ** 2,
        "one mass for all": lambda e, z, p: float(
            (e * np.sqrt(z.prod(1)) * _apart(p)).mean()
        ),
        "the mean of the shares": lambda e, z, p: e * z.mean(1) * _apart(p),
        "the distance in x alone": lambda e, z, p: (
            e * np.sqrt(z.prod(1)) * abs(p[:, 0, 0] - p[:, 1, 0])
        ),
    },
    "efficiency_interval": {
        "the normal approximation": lambda k, n, level=0.95: (
            np.clip(
                k / n - norm.ppf((1 + level) / 2) * np.sqrt(k / n * (1 - k / n) / n),
                0,
                1,
            ),
            np.clip(
                k / n + norm.ppf((1 + level) / 2) * np.sqrt(k / n * (1 - k / n) / n),
                0,
                1,
            ),
        ),
        "the whole tail at each end": lambda k, n, level=0.95: _exact(
            k, n, 2 * level - 1
        ),
        "counts instead of shares": lambda k, n, level=0.95: tuple(
            n * end for end in _exact(k, n, level)
        ),
        "no care for none and all": lambda k, n, level=0.95: (
            beta.ppf((1 - level) / 2, k, n - k + 1),
            beta.ppf((1 + level) / 2, k + 1, n - k),
        ),
        "the level is ignored": lambda k, n, level=0.95: _exact(k, n, 0.95 + 0 * level),
    },
    "lowest_edge": {
        "the highest edge": lambda m, edges, upper, budget: max(
            e for e in edges if ((m > e) & (m < upper)).mean() <= budget
        ),
        "the upper end is forgotten": lambda m, edges, _, budget: min(
            e for e in edges if (m > e).mean() <= budget
        ),
        "over the budget": lambda m, edges, upper, budget: max(
            e for e in edges if ((m > e) & (m < upper)).mean() > budget
        ),
        "a mass that is no edge": lambda m, _, __, budget: float(
            np.quantile(m, 1 - budget)
        ),
        "below the edge": lambda m, edges, _, budget: min(
            e for e in edges if (m < e).mean() >= 1 - 2 * budget
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the background were ten times rarer": (
        "produced = [CROSS_SECTIONS[name] * LUMINOSITY for name in names]",
        'produced = [CROSS_SECTIONS[name] * LUMINOSITY / (10 if name == "background" '
        "else 1) for name in names]",
    ),
    "it were s over the root of b": (
        "formula = [significance(s, b) for s, b in cases]",
        "formula = [s / np.sqrt(b) for s, b in cases]",
    ),
    "the scores were shuffled": (
        'np.concatenate(score["judge"]))',
        'np.random.default_rng(0).permutation(np.concatenate(score["judge"])))',
    ),
    "the maps were noise": (
        "graded = {name: (on(m, masks), on(m, turned)) for name, m in maps.items()}",
        "graded = {k: (on(r := np.random.default_rng(1).random(m.shape), masks), on(r, "
        "turned)) "
        "for k, m in maps.items()}",
    ),
    "the hole were beside the prong both times": (
        '{"weaker prong": weaker, "beside it": side}',
        '{"weaker prong": side, "beside it": side}',
    ),
    "the intensity were not put back": (
        "by_formula = truth.pt *",
        "by_formula = truth.pt.mean() *",
    ),
    "the mass were left out of the selection": (
        '(abs(o["mass"] - MASS) < width)',
        '(o["mass"] > 0)',
    ),
    "the old line had stayed as well": (
        'cost = new["judge"][0].astype(float)',
        'cost = (new["judge"][0] | old["judge"][0]).astype(float)',
    ),
    "the trigger had stayed as it was": (
        'by_trigger = judge(select("judge", new, again, best_selection(new, again)))',
        "by_trigger = by_analysis",
    ),
    "the pictures had been normalised after all": (
        "scores(shortcut, raw(e)), ",
        "scores(network, e.images), ",
    ),
}
