"""Questions to the room of the lecture, and the alterations under which its claims
fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require

_TOOLS = {
    "Which pixels of this X-ray speak for pneumonia?": "saliency",
    "Which columns could the insurer not do without?": "importance",
    "Which few rules imitate the network's decisions?": "surrogate",
    "What should this customer change to be accepted?": "counterfactual",
}
_WHY = {
    "saliency": "pixels of one picture are asked for: that needs a map over the input, "
    "a gradient for instance",
    "importance": "columns are asked for, over all customers: shuffle each, and see "
    "what is lost",
    "surrogate": "rules that imitate a network are a second, simpler model, fitted to "
    "the network's answers",
    "counterfactual": "a change that leads to another decision is asked for: a nearby "
    "case with the other answer",
}


def _check_which_tool(answer: Any) -> None:
    require(
        isinstance(answer, dict),
        f"expected a dictionary from question to tool, got {type(answer).__name__}",
    )
    missing = [question for question in _TOOLS if question not in answer]
    require(
        not missing,
        f"no tool is given for {len(missing)} of the four questions: "
        f"{'; '.join(missing)}",
    )
    for question, tool in _TOOLS.items():
        given = str(answer[question]).strip().lower()
        require(
            given in _WHY, f"{given!r} is none of the four tools: {', '.join(_WHY)}"
        )
        require(given == tool, f"{question} Not {given}: {_WHY[tool]}")


which_tool = Exercise(
    name="Which tool for which question?",
    checker=_check_which_tool,
    hints=(
        "For each question: is it about one case or about all, and does it ask what "
        "*is* or what *would be*?",
        "One case, what is: saliency. One case, what would be: counterfactual. All "
        "cases: the other two.",
        "A surrogate is itself a model; importance is a number for each column.",
    ),
    honest=(
        dict(_TOOLS),
        {question: tool.upper() + " " for question, tool in reversed(_TOOLS.items())},
    ),
    wrong={
        "a list": list(_TOOLS.values()),
        "one question only": dict(list(_TOOLS.items())[:1]),
        "saliency for all": dict.fromkeys(_TOOLS, "saliency"),
        "another tool": dict.fromkeys(_TOOLS, "magic"),
        "importance of pixels": _TOOLS
        | {"Which pixels of this X-ray speak for pneumonia?": "importance"},
        "a surrogate for the customer": _TOOLS
        | {"What should this customer change to be accepted?": "surrogate"},
    },
)


def _check_worth_of_a_cut(answer: Callable[[float, float], float]) -> None:
    for signal, background in ((0.5, 0.01), (0.8, 0.3), (1.0, 1.0), (0.3, 0.2)):
        result, expected = (
            float(answer(signal, background)),
            signal / np.sqrt(background),
        )
        case = f"with {signal:g} of the signal and {background:g} of the background"
        require(
            not np.isclose(result, signal / background) or np.isclose(expected, result),
            f"{case} you give the change of s / b: the root of the background is what "
            f"its noise goes with",
        )
        require(
            not np.isclose(result, np.sqrt(signal / background))
            or np.isclose(expected, result),
            f"{case}: only the background stands under the root, as only it makes the "
            f"noise",
        )
        require(
            not np.isclose(result * expected, 1) or np.isclose(expected, result),
            f"{case} you give the inverse: more than 1 has to mean that the cut helps",
        )
        require(
            np.isclose(result, expected),
            f"{case} s grows by {signal:g} and √b by √{background:g}: the factor is "
            f"{expected:.3f}, not {result:.3f}",
        )


worth_of_a_cut = Exercise(
    name="What is a cut worth?",
    checker=_check_worth_of_a_cut,
    hints=(
        "After the cut there are signal · s events on background · b.",
        "Put both into s / √b, and divide by what it was before: s and b cancel.",
        "`signal / np.sqrt(background)`: half of the signal on a hundredth of the "
        "background is worth a factor 5.",
    ),
    honest=(
        lambda signal, background: signal * background**-0.5,
        lambda s, b: (s * 100) / np.sqrt(b * 400) / (100 / 20),
    ),
    wrong={
        "the change of s / b": lambda signal, background: signal / background,
        "everything under the root": lambda signal, background: np.sqrt(
            signal / background
        ),
        "upside down": lambda signal, background: np.sqrt(background) / signal,
        "the difference": lambda signal, background: signal - np.sqrt(background),
        "the background is ignored": lambda signal, _: signal,
    },
)

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
        "actionable=free, ranges=limits,",
        "actionable=free, ranges=(row[0], row[0]),",
    ),
}
