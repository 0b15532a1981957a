"""Exercises of the notebook on a controller's return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.teaching import Exercise, require, rounded

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
            "0 or 1",
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
        "expected [7]",
    )
    require(
        total == 6,
        "a walk that is paid 1, 2 and 3 and then ends has a return of 6; got "
        f"{rounded(total)}. Every reward counts, and the last one too",
    )
    back = answer(_Corridor(), lambda observation: int(observation[0] < 0), 0)
    require(
        back == -3,
        "paid -1, 0, -1, 0, -1 until its time is up, a walk has a return of -3; got "
        f"{rounded(back)}. Does the policy see the newest observation?",
    )


repair_the_loop = Exercise(
    name="Repair the loop",
    checker=_check_repair_the_loop,
    takes="env, policy, seed",
    returns="one number",
    hints=(
        "`reset` returns two things and `step` five. Which of the five say that the "
        "episode is over?",
        "`observation, _ = env.reset(seed=seed)`, then a loop until `terminated or "
        "truncated`.",
        "`observation, reward, terminated, truncated, _ = "
        "env.step(policy(observation))`; add `reward` before you look at the ends.",
    ),
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

    result = answer(returns, 0.25, 4)
    require(
        {seed for _, seed in calls} == {4},
        "common random numbers: both runs must get the seed 4; they got "
        f"{sorted({seed for _, seed in calls})}",
    )
    require(
        {setting for setting, _ in calls} == {0.25, -0.25},
        "central: compare the settings -0.25 and 0.25; you played "
        f"{rounded(sorted({setting for setting, _ in calls}))}",
    )
    noise = np.random.default_rng(4).standard_normal((2, 400))[1]
    value, error = (float(number) for number in result)
    require(
        np.isclose(value, 3 + noise.mean()),
        f"the quotient should be {3 + noise.mean():.3f}; got {value:.3f}. How far "
        "apart are the two settings?",
    )
    expected = noise.std(ddof=1) / 20
    require(
        error < 1,
        f"the standard error should be about {expected:.3f}; got {error:.3f}. The "
        "noise is shared: subtract episode by episode first, and take the spread of "
        "the differences",
    )
    require(
        abs(error / expected - 1) < 1e-6,
        f"the standard error should be {expected:.5f}; got {error:.5f}. It is that of "
        "a mean of 400 differences, each divided by the distance of the settings, "
        "with n - 1 in their standard deviation (ddof=1)",
    )
    other = answer(returns, 0.5, 5)[0]
    noise = np.random.default_rng(5).standard_normal((2, 400))[1]
    require(
        np.isclose(float(other), 3 + noise.mean()),
        f"with a step of 0.5 the quotient should be {3 + noise.mean():.3f}; got "
        f"{float(other):.3f}",
    )


paired_and_central = Exercise(
    name="Paired and central",
    checker=_check_paired_and_central,
    takes="returns, step, seed",
    returns="two numbers",
    hints=(
        "Two runs with the same seed. Subtract them before you average: what do you "
        "get for each episode?",
        "Each difference belongs to a distance of `2 * step`. The error of a mean is "
        "the standard deviation over √n.",
        "`d = (returns(step, seed) - returns(-step, seed)) / (2 * step)`, then "
        "`d.mean()` and `d.std(ddof=1) / np.sqrt(len(d))`.",
    ),
)
