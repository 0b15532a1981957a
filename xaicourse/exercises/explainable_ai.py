"""Questions to the room of the lecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded

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
    tools = {
        "Which pixels of this X-ray speak for pneumonia?": "saliency",
        "Which columns could the insurer not do without?": "importance",
        "Which few rules imitate the network's decisions?": "surrogate",
        "What should this customer change to be accepted?": "counterfactual",
    }
    missing = [question for question in tools if question not in answer]
    require(
        not missing,
        f"no tool is given for {len(missing)} of the four questions: "
        f"{'; '.join(missing)}",
    )
    for question, tool in tools.items():
        given = str(answer[question]).strip().lower()
        require(
            given in _WHY, f"{given!r} is none of the four tools: {', '.join(_WHY)}"
        )
        require(given == tool, f"{question} Not {given}: {_WHY[tool]}")


which_tool = Exercise(
    name="Which tool for which question?",
    checker=_check_which_tool,
    returns="a dictionary",
    hints=(
        "For each question: is it about one case or about all, and does it ask what "
        "*is* or what *would be*?",
        "One case, what is: saliency. One case, what would be: counterfactual. All "
        "cases: the other two.",
        "Pixels: saliency. Columns: importance. Rules: surrogate. What a customer "
        "should change: counterfactual.",
    ),
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
            "its noise goes with",
        )
        require(
            not np.isclose(result, np.sqrt(signal / background))
            or np.isclose(expected, result),
            f"{case}: only the background stands under the root, as only it makes the "
            "noise",
        )
        require(
            not np.isclose(result * expected, 1) or np.isclose(expected, result),
            f"{case} you give the inverse: more than 1 has to mean that the cut helps",
        )
        require(
            np.isclose(result, expected),
            f"{case} s grows by {rounded(signal)} and √b by √{rounded(background)}: "
            f"the factor is {expected:.3f}, not {result:.3f}",
        )


worth_of_a_cut = Exercise(
    name="What is a cut worth?",
    checker=_check_worth_of_a_cut,
    takes="signal, background",
    returns="one number",
    hints=(
        "After the cut there are signal · s events on background · b.",
        "Put both into s / √b, and divide by what it was before: s and b cancel.",
        "`signal / np.sqrt(background)`: half of the signal on a hundredth of the "
        "background is worth a factor 5.",
    ),
)
