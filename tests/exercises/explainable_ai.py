"""Right and wrong answers, and alterations: explainable ai."""

from __future__ import annotations

import numpy as np

_TOOLS = {
    "Which pixels of this X-ray speak for pneumonia?": "saliency",
    "Which columns could the insurer not do without?": "importance",
    "Which few rules imitate the network's decisions?": "surrogate",
    "What should this customer change to be accepted?": "counterfactual",
}

HONEST = {
    "which_tool": (
        dict(_TOOLS),
        {question: tool.upper() + " " for question, tool in reversed(_TOOLS.items())},
    ),
    "worth_of_a_cut": (
        lambda signal, background: signal * background**-0.5,
        lambda s, b: (s * 100) / np.sqrt(b * 400) / (100 / 20),
    ),
}

WRONG = {
    "which_tool": {
        "a list": list(_TOOLS.values()),
        "one question only": dict(list(_TOOLS.items())[:1]),
        "saliency for all": dict.fromkeys(_TOOLS, "saliency"),
        "another tool": dict.fromkeys(_TOOLS, "magic"),
        "importance of pixels": _TOOLS
        | {"Which pixels of this X-ray speak for pneumonia?": "importance"},
        "a surrogate for the customer": _TOOLS
        | {"What should this customer change to be accepted?": "surrogate"},
    },
    "worth_of_a_cut": {
        "the change of s / b": lambda signal, background: signal / background,
        "everything under the root": lambda signal, background: np.sqrt(
            signal / background
        ),
        "upside down": lambda signal, background: np.sqrt(background) / signal,
        "the difference": lambda signal, background: signal - np.sqrt(background),
        "the background is ignored": lambda signal, _: signal,
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the hidden groups had been drawn by lot": (
        "return roc_auc_score(hidden[test], model.predict_proba(",
        "return roc_auc_score(np.random.default_rng(1).permutation(hidden[test]), "
        "model.predict_proba(",
    ),
    "the scores had been shuffled": (
        "ranked = roc_auc_score(fresh, ",
        "ranked = roc_auc_score(np.random.default_rng(1).permutation(fresh), ",
    ),
    "the true masks had been turned as well": (
        "aside = (maps",
        'share = (maps["Grad-CAM"] * turned).sum((1, 2)) / maps["Grad-CAM"].sum((1, '
        "2))\naside = (maps",
    ),
    "the trigger had stayed as it was": (
        "new = {name: (e.intensity > 800) |",
        "new = {name: (e.intensity > 650) | (rough[name] < 0) &",
    ),
    "the twins had been exchanged at random": (
        "effect = 100 * (p_twins[1] - p_twins[0])[test]",
        "effect = 100 * (p_twins[1] - p_twins[0])[test] * "
        "np.random.default_rng(1).choice([-1, 1], test.sum())",
    ),
    "the answers had been those before the search": (
        "actionable=free, choices=choices,",
        "actionable=free, ranges=(row[0], row[0]),",
    ),
}
