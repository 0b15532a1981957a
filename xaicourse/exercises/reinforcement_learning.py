"""Exercises of the notebook on a controller's return, and the alterations under which
its claims fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require

Play = Callable[[Any, Any, int], float]
Central = Callable[[Any, float, int], Any]


class _Corridor:
    """An environment in gymnasium's interface whose ends are known: a walk that pays
    its position at each step.

    Going right for three steps ends it (terminated); otherwise its time is up after
    five (truncated).
    """

    def __init__(self) -> None:
        self.seeds: list[Any] = []
        self.position = self.steps = 0

    def reset(
        self, *, seed: int | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self.seeds.append(seed)
        self.position = self.steps = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(
        self, action: int
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        require(
            self.steps < 5,
            "you went on after the time was up: an episode is over when it is "
            "terminated *or* truncated",
        )
        require(self.position < 3, "you went on after the episode was terminated")
        require(
            action in (0, 1),
            f"the environment was given the action {action!r}; policy(observation) is "
            f"0 or 1",
        )
        self.steps += 1
        self.position += 1 if action == 1 else -1
        observation = np.array([self.position], dtype=np.float32)
        return (
            observation,
            float(self.position),
            self.position == 3,
            self.steps == 5,
            {},
        )


def _check_repair_the_loop(answer: Play) -> None:
    walk = _Corridor()
    total = answer(walk, lambda observation: int(observation[0] >= 0), 7)
    require(
        walk.seeds == [7],
        f"reset the environment once, with the seed; its seeds were {walk.seeds}, "
        f"expected [7]",
    )
    require(
        isinstance(total, int | float | np.floating),
        f"return one number, the sum of the rewards; got {total!r}",
    )
    require(
        total == 6,
        f"a walk that is paid 1, 2 and 3 and then ends has a return of 6; got "
        f"{total:g}. Every reward counts, and the "
        "last one too",
    )
    back = answer(_Corridor(), lambda observation: int(observation[0] < 0), 0)
    require(
        back == -3,
        f"paid -1, 0, -1, 0, -1 until its time is up, a walk has a return of -3; got "
        f"{back:g}. Does the policy see the "
        "newest observation?",
    )


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


repair_the_loop = Exercise(
    name="Repair the loop",
    checker=_check_repair_the_loop,
    hints=(
        "`reset` returns two things and `step` five. Which of the five say that the "
        "episode is over?",
        "`observation, _ = env.reset(seed=seed)`, then a loop until `terminated or "
        "truncated`.",
        "`observation, reward, terminated, truncated, _ = "
        "env.step(policy(observation))`; add `reward` before you look "
        "at the ends.",
    ),
    honest=(
        lambda env, policy, seed: _loop(env, policy, seed, ended=lambda a, b: a or b),
    ),
    wrong={
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
)


def _check_paired_and_central(answer: Central) -> None:
    calls: list[tuple[float, int]] = []

    def returns(setting: float, seed: int) -> NDArray[np.float64]:
        calls.append((setting, seed))
        noise = np.random.default_rng(seed).standard_normal((2, 400))
        made: NDArray[np.float64] = (
            100 * noise[0] + (3 + noise[1]) * setting + 40 * setting**2
        )
        return made

    result = answer(returns, 0.5, 4)
    require(
        isinstance(result, tuple | list | np.ndarray) and len(result) == 2,
        f"return two numbers, the quotient and its standard error; got {result!r}",
    )
    require(
        {seed for _, seed in calls} == {4},
        f"common random numbers: both runs must get the seed 4; they got "
        f"{sorted({seed for _, seed in calls})}",
    )
    require(
        {setting for setting, _ in calls} == {0.5, -0.5},
        f"central: compare the settings -0.5 and 0.5; you played "
        f"{sorted({setting for setting, _ in calls})}",
    )
    noise = np.random.default_rng(4).standard_normal((2, 400))[1]
    value, error = (float(number) for number in result)
    require(
        np.isclose(value, 3 + noise.mean()),
        f"the quotient should be {3 + noise.mean():.3f}; got {value:.3f}. How far "
        f"apart are the two settings?",
    )
    expected = noise.std() / 20
    require(
        error < 1,
        f"the standard error should be about {expected:.3f}; got {error:.3f}. The "
        f"noise is shared: subtract episode by "
        "episode first, and take the spread of the differences",
    )
    require(
        abs(error / expected - 1) < 0.01,
        f"the standard error should be about {expected:.3f}; got {error:.3f}. It is "
        f"that of a mean of 400 differences, "
        "each divided by the distance of the settings",
    )


def _quotient(high: Any, low: Any, distance: float) -> tuple[float, float]:
    difference = (high - low) / distance
    return float(difference.mean()), float(
        difference.std(ddof=1) / np.sqrt(len(difference))
    )


paired_and_central = Exercise(
    name="Paired and central",
    checker=_check_paired_and_central,
    hints=(
        "Two runs with the same seed. Subtract them before you average: what do you "
        "get for each episode?",
        "Each difference belongs to a distance of `2 * step`. The error of a mean is "
        "the standard deviation over √n.",
        "`d = (returns(step, seed) - returns(-step, seed)) / (2 * step)`, then "
        "`d.mean()` and "
        "`d.std(ddof=1) / np.sqrt(len(d))`.",
    ),
    honest=(
        lambda returns, step, seed: _quotient(
            returns(step, seed), returns(-step, seed), 2 * step
        ),
        lambda returns, step, seed: np.array(
            _quotient(returns(-step, seed), returns(step, seed), -2 * step)
        ),
    ),
    wrong={
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
    },
)

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
