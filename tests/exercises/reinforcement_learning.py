"""Right and wrong answers, and alterations: reinforcement learning."""

from __future__ import annotations

from typing import Any

import numpy as np


def _loop(
    env: Any,
    policy: Any,
    seed: int,
    *,
    ended: Any,
    count_last: bool = True,
    look: bool = True,
) -> float:
    observation, _ = env.reset(seed=seed)
    total = 0.0
    while True:
        new, reward, terminated, truncated, _ = env.step(policy(observation))
        observation = new if look else observation
        done = ended(terminated, truncated)
        total += reward if count_last or not done else 0
        if done:
            return total


def _unseeded(env: Any, policy: Any, _: int) -> float:
    return _loop(env, policy, None, ended=lambda *ends: any(ends))  # type: ignore[arg-type]


def _quotient(high: Any, low: Any, distance: float) -> tuple[float, float]:
    difference = (high - low) / distance
    return float(difference.mean()), float(
        difference.std(ddof=1) / np.sqrt(len(difference))
    )


def _of_differences(by: float, ddof: int) -> Any:
    def answer(returns: Any, step: float, seed: int) -> tuple[float, float]:
        d = (returns(step, seed) - returns(-step, seed)) / (by * step or 1.0)
        return d.mean(), d.std(ddof=ddof) / np.sqrt(len(d))

    return answer


HONEST = {
    "repair_the_loop": (
        lambda env, policy, seed: _loop(env, policy, seed, ended=lambda a, b: a or b),
    ),
    "paired_and_central": (
        lambda returns, step, seed: _quotient(
            returns(step, seed), returns(-step, seed), 2 * step
        ),
        lambda returns, step, seed: np.array(
            _quotient(returns(-step, seed), returns(step, seed), -2 * step)
        ),
    ),
}

WRONG = {
    "repair_the_loop": {
        "ignores the time limit": lambda env, policy, seed: _loop(
            env, policy, seed, ended=lambda a, _: a
        ),
        "ignores the fall": lambda env, policy, seed: _loop(
            env, policy, seed, ended=lambda _, b: b
        ),
        "leaves out the last reward": lambda env, policy, seed: _loop(
            env, policy, seed, ended=lambda a, b: a or b, count_last=False
        ),
        "acts on the first observation for ever": lambda env, policy, seed: _loop(
            env, policy, seed, ended=lambda a, b: a or b, look=False
        ),
        "forgets the seed": _unseeded,
    },
    "paired_and_central": {
        "two seeds": lambda returns, step, seed: _quotient(
            returns(step, seed), returns(-step, seed + 1), 2 * step
        ),
        "one side": lambda returns, step, seed: _quotient(
            returns(step, seed), returns(0.0, seed), step
        ),
        "half the distance": lambda returns, step, seed: _quotient(
            returns(step, seed), returns(-step, seed), step
        ),
        "unpaired error": lambda returns, step, seed: (
            float((returns(step, seed) - returns(-step, seed)).mean() / (2 * step)),
            float(
                np.hypot(returns(step, seed).std(), returns(-step, seed).std())
                / 20
                / (2 * step)
            ),
        ),
        "spread of one episode": lambda returns, step, seed: (
            _quotient(returns(step, seed), returns(-step, seed), 2 * step)[0],
            float(((returns(step, seed) - returns(-step, seed)) / (2 * step)).std()),
        ),
        "error of the undivided difference": lambda returns, step, seed: (
            _quotient(returns(step, seed), returns(-step, seed), 2 * step)[0],
            _quotient(returns(step, seed), returns(-step, seed), 4 * step)[1],
        ),
        "no distance": _of_differences(0.0, 1),
        "the spread divides by n": _of_differences(2.0, 0),
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the plain loop were played on the Moon": (
        "env.unwrapped.state = start",
        "env.unwrapped.state, env.unwrapped.gravity = start, 1.6",
    ),
    "the second run drew other starts": (
        "[return_sensitivity(returns_with_bias(i, 100), low=0.0",
        "[return_sensitivity(lambda b, s, i=i: returns_with_bias(i, 100)(b, s + (b > "
        "0)), low=0.0",
    ),
    "the quotient were taken on one side": (
        "return_sensitivity(returns_with_bias(2, 1000), low=-0.1",
        "return_sensitivity(returns_with_bias(2, 1000), low=0.0",
    ),
    "the small step had been compared with other starts": (
        "return_sensitivity(returns_with_bias(2, 4000), low=0.0, high=h, seed=seed)",
        "return_sensitivity(lambda b, s: returns_with_bias(2, 400)(b, s + (b > 0)), "
        "low=0.0, high=h, seed=seed)",
    ),
    "every repetition had the same starts": (
        "seed=seed + 100 + k)",
        "seed=seed + 100)",
    ),
    "every part had been made smaller where it should be larger": (
        "name: return_sensitivity(returns_with_part(name, value), low",
        "name: return_sensitivity(lambda f, s, p=(name, value): "
        "returns_with_part(*p)(1 / f, s), low",
    ),
    "the push were not doubled": (
        "masspole=0.2, force_mag=20.0",
        "masspole=0.2, force_mag=10.0",
    ),
    "the step were taken the other way": ("+ 0.3 * gradient", "- 0.3 * gradient"),
}
