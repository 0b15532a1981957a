"""Exercises of the notebook on the network baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require, rounded

Stop = Callable[[Sequence[float], int], tuple[int, int]]


def _check_when_to_stop(answer: Stop) -> None:
    falling = [1.0, 0.9, 0.8, 0.7]
    result: Any = answer(falling, 2)
    require(
        tuple(result) == (3, 3),
        f"a loss that keeps falling stops nothing: the losses {falling} end at epoch "
        f"3, the best one; got {tuple(result)}. Count epochs from 0",
    )
    bump = [1.0, 0.9, 0.95, 0.92, 0.8, 0.85, 0.9, 0.7]
    result = tuple(answer(bump, 3))
    require(
        result == (7, 7),
        f"for {bump} and a patience of 3, every new best comes in time: expected (7, "
        f"7), got {result}. The count starts afresh with each new best, and a rise is "
        "not yet the end",
    )
    stopped = [1.0, 0.9, 0.95, 0.92, 0.93, 0.5]
    result = tuple(answer(stopped, 3))
    require(
        result[0] != 5,
        f"for {stopped} and a patience of 3 the training ends at epoch 4, before the "
        f"0.5 is ever seen; got {result}",
    )
    require(
        result[1] != result[0],
        f"the last weights are not the best ones: of {stopped}, epoch 1 had the lowest "
        f"loss by then; got {result}",
    )
    require(
        result == (4, 1),
        f"for {stopped} and a patience of 3 expected (4, 1), got {result}",
    )
    require(
        tuple(answer([1.0, 1.0, 1.0], 2)) == (2, 0),
        "an equal loss is not a better one: three times 1.0 with a patience of 2 ends "
        "at epoch 2, and keeps epoch 0",
    )


when_to_stop = Exercise(
    name="When to stop",
    checker=_check_when_to_stop,
    takes="losses, patience",
    returns="two numbers",
    hints=(
        "Remember the epoch with the lowest loss so far. How long ago was it?",
        "Stop as soon as `epoch - best >= patience`; update `best` only where the "
        "loss is lower than `losses[best]`.",
        "Loop over the losses; return `(epoch, best)` when patience is over, and "
        "`(len(losses) - 1, best)` after the loop.",
    ),
)


def _check_row_by_row(answer: Callable[[Any], Any]) -> None:
    logits = np.array(
        [[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [1000.0, 0.0, 0.0], [-2.0, 3.0, 1.0]]
    )
    result = np.asarray(answer(logits))
    require(
        result.shape == logits.shape,
        f"return one probability for each logit, shape (4, 3); got {result.shape}",
    )
    require(
        not np.allclose(result.sum(0), 1),
        "each *column* sums to one: the probabilities of an application would depend "
        "on which others are in the batch",
    )
    require(
        np.allclose(result.sum(1), 1),
        "the probabilities of a row must sum to one; they sum to "
        f"{rounded(result.sum(1))}",
    )
    alone = np.asarray(answer(logits[3:]))
    require(
        alone.shape == (1, 3) and np.allclose(alone[0], result[3]),
        "a row alone must have the probabilities that it has in company",
    )
    require(
        np.allclose(result[1], 1 / 3)
        and result[0, 0] > result[0, 1] > result[0, 2]
        and abs(result[0, 0] - 0.8438) < 1e-3,
        "the logits 2, 0, -1 belong to the probabilities 0.844, 0.114 and 0.042; got "
        f"{rounded(result[0])}",
    )


row_by_row = Exercise(
    name="Row by row",
    checker=_check_row_by_row,
    takes="logits",
    not_finite="Subtract the largest logit of each row before taking exponentials: "
    "those of 1000 are too large for the computer.",
    hints=(
        "Which axis holds the classes of one application?",
        "Subtract `logits.max(axis=1, keepdims=True)` first; the result is the same, "
        "and no exponential overflows.",
        "`powers = np.exp(logits - logits.max(axis=1, keepdims=True))`; divide by "
        "`powers.sum(axis=1, keepdims=True)`.",
    ),
)


def _check_better_or_luck(
    answer: Callable[[Any, Any, Any], tuple[float, float]],
) -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(1, 9, 2000)
    a = np.where(rng.random(2000) < 0.6, actual, rng.integers(1, 9, 2000))
    b = np.where(rng.random(2000) < 0.1, rng.integers(1, 9, 2000), a)
    difference, half = answer(actual, a, b)
    first, second = a == actual, b == actual
    each = first.astype(float) - second
    expected, paired = each.mean(), 2.58 * each.std() / np.sqrt(2000)
    unpaired = 2.58 * np.sqrt((first.var() + second.var()) / 2000)
    require(
        abs(difference + expected) > 1e-9,
        "the first model is right more often, so the difference must be positive; got "
        f"{difference:.4f}",
    )
    require(
        abs(difference - expected) < 1e-9,
        f"expected an accuracy difference of {expected:.4f}; got {difference:.4f}",
    )
    require(
        abs(half - unpaired) > 1e-6,
        "this is the half-width for two different sets of rows; the models saw the "
        "same ones, so take the standard deviation of the difference of each row",
    )
    require(
        abs(half - paired * np.sqrt(2000)) > 1e-6,
        "this is how much single rows vary; the mean of n rows varies by the square "
        "root of n less",
    )
    require(
        abs(half / paired - 1) < 0.01,
        f"expected a half-width of {paired:.4f} (2.58 standard errors of the mean "
        f"difference); got {half:.4f}",
    )
    require(
        np.allclose(answer(actual, b, a), (-difference, half)),
        "with the models exchanged the difference has the other sign, and the "
        "half-width is the same",
    )


better_or_luck = Exercise(
    name="Better or luck?",
    checker=_check_better_or_luck,
    takes="actual, a, b",
    returns="two numbers",
    hints=(
        "For each row, one of three things: only the first is right (1), only the "
        "second (-1), or both or neither (0).",
        "`each = (a == actual).astype(float) - (b == actual)`; the difference is its "
        "mean.",
        "`each.mean(), 2.58 * each.std() / np.sqrt(len(each))`",
    ),
)
