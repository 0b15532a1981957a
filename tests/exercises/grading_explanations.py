"""Right and wrong answers, and alterations: grading explanations."""

from __future__ import annotations

import numpy as np

HONEST = {
    "score_at_chance": (
        lambda v, m: (m & (v == v.max())).sum() / (v == v.max()).sum(),
        lambda v, m: float(np.mean([m[i] for i in range(len(v)) if v[i] == max(v)])),
    ),
    "in_pairs": (
        lambda a, b, q: q * np.sqrt(np.var(a - b, ddof=1) / len(a)),
        lambda a, b, q: q * np.std(b - a, ddof=1) / len(b) ** 0.5,
    ),
}

WRONG = {
    "score_at_chance": {
        "argmax": lambda v, m: float(m[np.argmax(v)]),
        "any of them": lambda v, m: float((m & (v == v.max())).any()),
        "share of the mask": lambda v, m: (
            float(m[v == v.max()].all()) if np.ptp(v) else float(m.mean())
        ),
        "always chance": lambda _v, m: float(m.mean()),
        "mass": lambda v, m: float(v[m].sum() / v.sum()),
        "sizes": lambda v, m: float(m[abs(v) == abs(v).max()].mean()),
        "nearly the largest": lambda v, m: float(m[v >= 0.9 * v.max()].mean()),
    },
    "in_pairs": {
        "unpaired": lambda a, b, q: (
            q * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
        ),
        "no root": lambda a, b, q: q * (a - b).std(ddof=1) / len(a),
        "spread of one": lambda a, b, q: q * (a - b).std(ddof=1),
        "no quantile": lambda a, b, _: (a - b).std(ddof=1) / np.sqrt(len(a)),
        "ddof 0": lambda a, b, q: q * (a - b).std() / np.sqrt(len(a)),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "one order were left out": ("[1, 0, 2], [0, 1, 2]])", "[1, 0, 2], [1, 0, 2]])"),
    "the guesser had looked at the gradient": (
        'off = {m: means.loc["random", m]',
        'off = {m: means.loc["saliency", m]',
    ),
    "both questions were graded by the first measure": (
        'faithful = beats("faithful to the model",',
        'faithful = beats("finds the causes",',
    ),
    "the methods had changed places": (
        'beats("orders by effect", "Integrated Gradients", m, task="switches") for m',
        'beats("orders by effect", m, "Integrated Gradients", task="switches") for m',
    ),
    "one compared a method with itself": (
        '"GradientSHAP", "Shapley (exact)")',
        '"Shapley (exact)", "Shapley (exact)")',
    ),
    "one compared two plain gradients": (
        '"input × gradient", "saliency")',
        '"SmoothGrad", "saliency")',
    ),
    "one compared an insurer with itself": (
        "of_one.assign(method=of_one.task), insurers[1], insurers[0])",
        "of_one.assign(method=of_one.task), insurers[1], insurers[1])",
    ),
    "accuracy above that of a coin had been taken for accuracy": (
        "surely.min() > 0.6,",
        "surely.min() - 0.5 > 0.6,",
    ),
    "the guesser had looked at the picture": (
        'guessed = seen[seen.method == "random"]',
        'guessed = seen[seen.method == "the picture itself"]',
    ),
    "it were asked of the scenes": (
        '"the picture itself", "Integrated Gradients", task="prongs", graded=seen)',
        '"the picture itself", "Integrated Gradients", task="scenes", graded=seen)',
    ),
    "it were asked of the prongs": (
        'm, "the picture itself", task="scenes", graded=seen)',
        'm, "the picture itself", task="prongs", graded=seen)',
    ),
    "the two had changed places": (
        '"occlusion", "gradient × embedding", task="sentences", graded=seen)',
        '"gradient × embedding", "occlusion", task="sentences", graded=seen)',
    ),
}
