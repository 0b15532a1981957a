"""Right and wrong answers, and alterations: network baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def _stop(losses: Sequence[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def _stop_at_first_rises(losses: Sequence[float], patience: int) -> tuple[int, int]:
    rises = 0
    for epoch in range(1, len(losses)):
        rises += losses[epoch] >= losses[epoch - 1]
        if rises >= patience:
            return epoch, int(np.argmin(losses[: epoch + 1]))
    return len(losses) - 1, int(np.argmin(losses))


def _softmax(logits: Any, axis: int = 1) -> Any:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _overflowing(logits: Any) -> Any:
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        return powers / powers.sum(axis=1, keepdims=True)


def _paired(actual: Any, a: Any, b: Any) -> tuple[float, float]:
    each = (a == actual).astype(float) - (b == actual)
    return float(each.mean()), float(2.58 * each.std() / np.sqrt(len(each)))


def _unpaired(actual: Any, a: Any, b: Any) -> tuple[float, float]:
    x, y = a == actual, b == actual
    return float(x.mean() - y.mean()), float(
        2.58 * np.sqrt((x.var() + y.var()) / len(x))
    )


HONEST = {
    "when_to_stop": (_stop, lambda losses, patience: list(_stop(losses, patience))),
    "row_by_row": (
        _softmax,
        lambda logits: np.array([_softmax(row[None])[0] for row in logits]),
    ),
    "better_or_luck": (
        _paired,
        lambda y, a, b: (
            _paired(y, a, b)[0],
            _paired(y, a, b)[1] * np.sqrt(2000 / 1999),
        ),
    ),
}

WRONG = {
    "when_to_stop": {
        "keeps the last weights": lambda losses, patience: (
            (_stop(losses, patience)[0],) * 2
        ),
        "looks at all losses": lambda losses, _: (
            len(losses) - 1,
            int(np.argmin(losses)),
        ),
        "counts every rise": _stop_at_first_rises,
        "one epoch too late": lambda losses, patience: _stop(losses, patience + 1),
        "returns the best alone": lambda losses, patience: _stop(losses, patience)[1],
    },
    "row_by_row": {
        "over the rows, as in the source": lambda logits: _softmax(logits, axis=0),
        "over everything": lambda logits: (
            np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        ),
        "overflows": _overflowing,
        "shares of the logits": lambda logits: (
            abs(logits) / abs(logits).sum(axis=1, keepdims=True)
        ),
    },
    "better_or_luck": {
        "as if on different rows": _unpaired,
        "the wrong way round": lambda y, a, b: (
            -_paired(y, a, b)[0],
            _paired(y, a, b)[1],
        ),
        "forgets the number of rows": lambda y, a, b: (
            _paired(y, a, b)[0],
            _paired(y, a, b)[1] * np.sqrt(len(y)),
        ),
        "95 % instead of 99 %": lambda y, a, b: (
            _paired(y, a, b)[0],
            _paired(y, a, b)[1] * 1.96 / 2.58,
        ),
        "how often the models differ": lambda y, a, b: (
            float(np.mean(a != b)),
            _paired(y, a, b)[1],
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "holes were filled by the median": ("fillna(-1000.0)", "fillna(holes.median())"),
    "the last weights were kept": (
        "best = int(np.argmin(curve[:, 1]))",
        "best = len(curve) - 1",
    ),
    "the network's answers were shuffled among the rows": (
        "compressed.predict(Z[parts.test]),",
        "np.random.default_rng(0).permutation(compressed.predict(Z[parts.test])),",
    ),
    "both networks had ten components": (
        "network.predict(X[parts.test]),",
        "compressed.predict(Z[parts.test]),",
    ),
    "the trees were plainly rounded": (
        'cut_trees.classes(trees["test"]),',
        'np.clip(np.rint(trees["test"]), 1, 8).astype(int),',
    ),
    "the function had a bend": (
        "lambda rows: rows @ coefficients",
        "lambda rows: abs(rows @ coefficients)",
    ),
    "all explanations had the same number of points": (
        "n_samples=int(size)",
        "n_samples=300",
    ),
}
