"""Exercises of the notebook on which sensitivity method to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaicourse.sensitivity import sobol_indices
from xaicourse.teaching import Exercise, require


def _check_bill(answer: Callable[[str, int, int], int]) -> None:
    require(
        answer("central differences", 7, 100) == 14,
        "central differences take two rows an input, one on each side, whatever `n` "
        f"is: for seven inputs 14; got {answer('central differences', 7, 100)}",
    )
    require(
        answer("morris", 5, 20) != 100,
        "a trajectory of Morris takes one step an input, but it also has to start "
        "somewhere: one row more",
    )
    require(
        answer("morris", 5, 20) == 120,
        "20 trajectories of Morris over five inputs take 20 times six rows, 120; got "
        f"{answer('morris', 5, 20)}",
    )
    require(
        answer("sobol", 5, 64) != 64 * 12,
        "you counted the samples that second-order indices need; first-order and "
        "total ones do with A, B and one mixture an input",
    )
    require(
        answer("sobol", 5, 64) == 64 * 7,
        "Sobol indices evaluate two samples, and one mixture of them an input: 64 "
        f"rows times seven for five inputs, 448; got {answer('sobol', 5, 64)}",
    )


the_bill = Exercise(
    name="The bill",
    checker=_check_bill,
    takes="method, d, n",
    returns="one number",
    hints=(
        "How many rows does each method look at for *one* input? And how many once, "
        "for all inputs together?",
        "Morris walks: a start, then a step an input. Sobol: samples A and B, then "
        "for each input A with that column of B.",
        "$2d$, $n(d+1)$, $n(d+2)$.",
    ),
)


def _check_fool(answer: Callable[[Any], Any]) -> None:
    rows = np.random.default_rng(0).uniform(-1, 1, (8, 3))
    values = np.asarray(answer(rows))
    require(
        values.shape == (8,),
        f"return one number a row, shape (8,) for eight rows; got shape {values.shape}",
    )
    require(
        np.ptp(values) > 0, "your model is constant: there is no variance to explain"
    )
    found = sobol_indices(answer, [(-1, 1)] * 3, n_samples=4096)
    first, total = found.S1, found.ST
    require(
        total[1] > 0.5,
        f"the second input must matter: its total index is {max(total[1], 0):.2f}, and "
        "should pass 0.5. Let it act on more of the output",
    )
    require(
        abs(first[1]) < 0.05,
        f"the first-order index still sees the second input ({first[1]:.2f}): its "
        "average effect must be zero, so let another input decide its sign",
    )
    require(
        first[0] > 0.1,
        f"the first input alone explains {max(first[0], 0):.2f} of the variance, and "
        "should explain at least a tenth: give it a term of its own",
    )


fool_the_first_order_index = Exercise(
    name="Fool the first-order index",
    checker=_check_fool,
    takes="X",
    hints=(
        "A first-order index averages over the other inputs. What effect averages to "
        "zero and is still there?",
        "Multiply the second input by the third: on average over the third, nothing "
        "is left. Then give the first a term of its own.",
        "`a * X[:, 0] + X[:, 1] * X[:, 2]`, with `a` small enough for the product to "
        "lead.",
    ),
)

_WHY = {
    1: "60 parameters and 1,500 runs are 25 runs a parameter: enough to screen, not to "
    "divide variance",
    2: "one image and one decision is a local question about a differentiable model",
    3: "when columns depend on one another, a permuted or resampled row may not exist; "
    "whether a column can be "
    "saved is seen by saving it",
    4: "independent inputs, cheap rows, and shares with intervals wanted: that is what "
    "variance-based indices are for",
    5: "no more runs: a surrogate of the finished trials has to stand in for the model",
    6: "a derivative that is zero everywhere is no answer: take steps long enough to "
    "cross a threshold",
}


def _check_self_test(answer: Mapping[int, str]) -> None:
    letters = {1: "b", 2: "c", 3: "e", 4: "a", 5: "d", 6: "f"}
    unanswered = [k for k in letters if k not in answer]
    require(not unanswered, f"situations {unanswered} have no letter yet")
    wrong = [
        k for k, letter in letters.items() if str(answer[k]).strip().lower() != letter
    ]
    require(
        not wrong,
        f"{len(letters) - len(wrong)} of {len(letters)} fit. Think again about "
        f"situation {wrong[:1]}: {_WHY.get((wrong or [1])[0])}",
    )


self_test = Exercise(
    name="Self-test",
    checker=_check_self_test,
    returns="a dictionary",
    hints=(
        "Here or everywhere? A change or a share? Can the model still be called? Each "
        "situation says.",
        "Count the runs a parameter in the first; look for words like *independent*, "
        "*finished* and *zero* in the others.",
        "Screening first, pixels by gradients, a column by doing without it, shares "
        "by Sobol, trials by a forest, steps by steps: b, c, e, a, d, f.",
    ),
)
