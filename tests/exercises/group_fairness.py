"""Right and wrong answers, and alterations: group fairness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.exercises.group_fairness import Rates
from xaicourse.fairness import group_metrics


def _rates(share: Callable[[Any, Any], float]) -> Rates:
    def rates(y: Any, said: Any, groups: Any) -> dict[Any, float]:
        y, said, groups = np.asarray(y), np.asarray(said), np.asarray(groups)
        return {g: share(y[groups == g], said[groups == g]) for g in np.unique(groups)}

    return rates


def _from_metrics(y: Any, said: Any, groups: Any) -> dict[Any, float]:
    rates = group_metrics(y, said, groups, min_rows=0).rates["true_positive_rate"]
    return dict(1 - rates)


HONEST = {
    "false_negatives": (
        _from_metrics,
        _rates(lambda y, said: float(1 - said[y == 1].mean())),
    ),
    "precision_left": (lambda p, tpr, fpr: 1 / (1 + (1 - p) / p * fpr / tpr),),
}

WRONG = {
    "false_negatives": {
        "the true positive rate": _rates(lambda y, said: float(said[y == 1].mean())),
        "of all rows": _rates(lambda y, said: float(((y == 1) & (said == 0)).mean())),
        "of those called harmless": _rates(
            lambda y, said: float((y[said == 0] == 1).mean())
        ),
        "the same for all": lambda y, said, groups: dict.fromkeys(
            np.unique(groups), float(np.mean(np.asarray(said)[np.asarray(y) == 1] == 0))
        ),
        "one number": lambda y, said, groups: 0.25,
    },
    "precision_left": {
        "forgets the base rate": lambda p, tpr, fpr: tpr / (tpr + fpr),
        "base rate the wrong way round": lambda p, tpr, fpr: (
            (1 - p) * tpr / ((1 - p) * tpr + p * fpr)
        ),
        "odds instead of a share": lambda p, tpr, fpr: (
            p * tpr / max((1 - p) * fpr, 1e-9)
        ),
        "the share called risky": lambda p, tpr, fpr: p * tpr + (1 - p) * fpr,
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the groups were shuffled among the people": (
        "score_rates = group_metrics(again, risky, race)",
        "score_rates = group_metrics(again, risky, "
        "np.random.default_rng(seed).permutation(race))",
    ),
    "the library were given the decisions of another threshold": (
        "[f(again, risky, sensitive_features=race)",
        "[f(again, (people['decile_score'] >= 6).to_numpy(int), "
        "sensitive_features=race)",
    ),
    "the identity forgot the base rate": (
        "return base_rate / (1 - base_rate) * (1 - precision)",
        "return 0 * base_rate + (1 - precision)",
    ),
    "the two groups had the same base rate": (
        'base, n = r["base_rate"].to_numpy(),',
        "base, n = np.full(2, again.mean()),",
    ),
    "the plain models had to keep it": (
        'max() for key in names if key[1] != "plain")',
        'max() for key in names if key[1] == "plain")',
    ),
    "the plain model were compared with itself": (
        '(gaps[key[0], "plain"] - gaps[key])[:, 1]',
        '(gaps[key[0], "plain"] - gaps[key[0], "plain"])[:, 1]',
    ),
    "the fair decisions were the recorded ones": (
        "fair = portfolio.truth.fair",
        "fair = portfolio.accepted.to_numpy()",
    ),
    "nothing had been planted": (
        "simulate_portfolio(20_000, against_religion=0.7,",
        "simulate_portfolio(20_000, against_religion=0.0,",
    ),
}
