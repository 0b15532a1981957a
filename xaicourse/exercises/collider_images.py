"""Exercises of the notebook on collider pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import beta

from xaicourse.teaching import Exercise, require, rounded


def _check_mass_of(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    intensity, shares, positions = (
        rng.uniform(400, 900, 6),
        rng.dirichlet([2, 2, 1], 6)[:, :2],
        rng.normal(size=(6, 2, 2)),
    )
    result = np.asarray(answer(intensity, shares, positions))
    require(
        result.shape == (6,),
        f"expected one mass for each of the 6 events; got shape {result.shape}",
    )
    apart = np.hypot(*(positions[:, 0] - positions[:, 1]).T)
    z1, z2 = shares.T
    require(
        not np.allclose(result, intensity * z1 * z2 * apart),
        "the mass goes with the root of the product of the shares: two halves of 400 "
        "GeV are 200 GeV each, not 100",
    )
    require(
        not np.allclose(result, np.sqrt(z1 * z2) * apart),
        "this number knows nothing of the momentum: a mass in GeV needs the intensity",
    )
    require(
        not np.allclose(result, intensity * np.sqrt(z1 * z2) * apart**2),
        "the distance enters once: the root of the sum of squares, not the sum of "
        "squares",
    )
    expected = intensity * np.sqrt(z1 * z2) * apart
    require(
        np.allclose(result, expected),
        f"the first event has {expected[0]:.1f} GeV; you found {result[0]:.1f}. Both "
        "shares enter, and the distance between the two places in x and y",
    )
    turned = answer(2 * intensity, shares, positions[::-1])
    require(
        np.allclose(turned, 2 * expected / apart * apart[::-1]),
        "with twice the intensity, and each event's places those of another, the "
        "masses are other ones",
    )


mass_of = Exercise(
    name="Two prongs have a mass",
    checker=_check_mass_of,
    takes="intensity, shares, positions",
    hints=(
        "Three factors. Two are at hand: the intensity, and the root of a product of "
        "two columns.",
        "The distance is the length of `positions[:, 0] - positions[:, 1]`, event by "
        "event.",
        "`intensity * np.sqrt(shares.prod(1)) * np.linalg.norm(positions[:, 0] - "
        "positions[:, 1], axis=1)`",
    ),
)


def _check_efficiency_interval(answer: Callable[..., Any]) -> None:
    for k, n, level in ((7, 40, 0.95), (7, 40, 0.999), (0, 25, 0.95), (25, 25, 0.95)):
        result = np.asarray(answer(k, n, level), float)
        require(
            0 <= result[0] <= result[1] <= 1,
            f"an efficiency lies between 0 and 1; with {k} of {n} you have "
            f"{rounded(result)}",
        )
        half, whole = (
            (
                beta.ppf(tail, k, n - k + 1) if k else 0.0,
                beta.ppf(1 - tail, k + 1, n - k) if k < n else 1.0,
            )
            for tail in ((1 - level) / 2, 1 - level)
        )
        require(
            not np.allclose(result, whole),
            "each end leaves out half of what the level leaves out: the tail is (1 - "
            "level) / 2",
        )
        require(
            np.allclose(result, half, atol=1e-4),
            f"with {k} of {n} at level {level} the ends are {rounded(half)}; yours "
            f"{rounded(result)}. They are quantiles of the beta distributions with k, "
            "n - k + 1 and with k + 1, n - k",
        )


efficiency_interval = Exercise(
    name="How sure is an efficiency?",
    checker=_check_efficiency_interval,
    takes="k, n, level",
    returns="two numbers",
    not_finite="If none passes the lower end is 0, if all pass the upper is 1.",
    hints=(
        "The lower end is the efficiency at which k or more pass with a chance of "
        "only (1 - level) / 2.",
        "That is `beta.ppf(tail, k, n - k + 1)`. With k = 0 the last parameter would "
        "be of no use, and the end is 0. The upper end likewise.",
        "`beta.ppf(tail, k, n - k + 1) if k else 0` and `beta.ppf(1 - tail, k + 1, n "
        "- k) if k < n else 1`, with `tail = (1 - level) / 2`",
    ),
)


def _check_lowest_edge(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    masses, edges = rng.exponential(60, 4000), np.arange(100, 240, 5)
    for upper, budget in ((240, 0.05), (240, 0.02), (200, 0.04)):
        result = float(answer(masses, edges, upper, budget))
        kept = {int(e): float(np.mean((e < masses) & (masses < upper))) for e in edges}
        require(
            result in kept, f"{rounded(result)} is none of the edges that may be chosen"
        )
        require(
            kept[int(result)] <= budget,
            f"with the edge {rounded(result)} and the upper end {upper} the line keeps "
            f"{kept[int(result)]:.4f} of the background, more than the budget of "
            f"{budget}",
        )
        best = min(e for e, share in kept.items() if share <= budget)
        beyond = min(
            (int(e) for e in edges if np.mean(masses > e) <= budget), default=0
        )
        require(
            not (result == beyond and beyond != best),
            "masses above the upper end are not kept and cost nothing: count between "
            "the edge and the upper end",
        )
        require(
            result == best,
            f"{rounded(result)} fits the budget, and so does {best}, which keeps more "
            "signal",
        )


lowest_edge = Exercise(
    name="A line within its budget",
    checker=_check_lowest_edge,
    takes="masses, edges, upper, budget",
    returns="one number",
    hints=(
        "For one edge: which share of the masses lies between it and `upper`?",
        "`np.mean((edge < masses) & (masses < upper))` is that share. Which edges "
        "keep it within the budget?",
        "`min(edge for edge in edges if np.mean((edge < masses) & (masses < upper)) "
        "<= budget)`",
    ),
)
