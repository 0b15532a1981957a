"""Right and wrong answers, and alterations: activation analysis."""

from __future__ import annotations

from typing import Any

import numpy as np


def _by_hand(h: Any, W: Any, k: int) -> Any:
    out = []
    for j in range(h.shape[1]):
        without = h.copy()
        without[:, j] = h[:, j].mean()
        out.append(np.abs(h @ W[k] - without @ W[k]).mean())
    return out


HONEST = {
    "back_to_columns": (
        lambda b, s, V: sum(b[i] / s[i] * V[i] for i in range(len(b))),
        lambda b, s, V: ((b / s) @ V).tolist(),
    ),
    "concept_score": (
        lambda g, c, o: (
            sum(float(row @ (c.mean(0) - o.mean(0))) > 0 for row in g) / len(g)
        ),
        lambda g, c, o: np.heaviside(g @ (c.mean(0) - o.mean(0)), 0).mean(),
    ),
    "effect_of_each": (_by_hand,),
}

WRONG = {
    "back_to_columns": {
        "the spread left in": lambda b, _, V: V.T @ b,
        "times the spread": lambda b, s, V: V.T @ (b * s),
        "still components": lambda b, s, _: b / s,
        "sizes only": lambda b, s, V: abs(V).T @ (b / s),
    },
    "concept_score": {
        "the other way": lambda g, c, o: np.mean(g @ (o.mean(0) - c.mean(0)) > 0),
        "without the others": lambda g, c, _: np.mean(g @ c.mean(0) > 0),
        "the mean slope": lambda g, c, o: 5 * np.mean(g @ (c.mean(0) - o.mean(0))),
        "one for each row": lambda g, c, o: g @ (c.mean(0) - o.mean(0)) > 0,
        "the share of units": lambda g, c, o: np.mean(g * (c.mean(0) - o.mean(0)) > 0),
        "ties count": lambda g, c, o: float(np.mean(g @ (c.mean(0) - o.mean(0)) >= 0)),
    },
    "effect_of_each": {
        "set to zero": lambda h, W, k: np.abs(h * W[k]).mean(0),
        "signed": lambda h, W, k: ((h - h.mean(0)) * W[k]).mean(0),
        "the weights alone": lambda _, W, k: np.abs(W[k]),
        "another class": lambda h, W, k: np.abs((h - h.mean(0)) * W[k - 1]).mean(0),
        "one number": lambda h, W, k: np.abs((h - h.mean(0)) * W[k]).mean(),
        "always the second class": lambda h, w, _: np.abs((h - h.mean(0)) * w[1]).mean(
            0
        ),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the second order were the first": (
        "other_order = np.random.default_rng(seed + 1).permutation(len(test))",
        "other_order = np.arange(len(test))",
    ),
    "the standardisation were not undone": (
        "pd.Series(pca.components_.T @ slopes",
        'pd.Series(pca.components_.T @ on_inputs["plain"].coefficients[:, best]',
    ),
    "the concepts were those of other people": (
        "concepts[concept].to_numpy()[pool]",
        "concepts[concept].to_numpy()[::-1][pool]",
    ),
    "the bias were forgotten": ("(relevance.delta + bias[name])", "relevance.delta"),
    "the relevances were given to other neurons": (
        '"LRP": relevance.values.abs().mean(0).numpy()',
        '"LRP": relevance.values.abs().mean(0).numpy()[::-1]',
    ),
    "the ball had twice the radius": (
        "exact = radius * first_layer",
        "exact = 2 * radius * first_layer",
    ),
    "the networks were compared with themselves": (
        "kernel_drift(beginning, network,",
        "kernel_drift(network, network,",
    ),
}
