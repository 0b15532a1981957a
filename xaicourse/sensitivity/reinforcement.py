"""Sensitivity of the return of a policy: episodes side by side, and the same random
numbers before and after a change.

The return of an episode is random because its start is. Two runs from the same starts
differ by the change alone: the noise they share cancels in the difference (common
random numbers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaicourse.validation import (
    as_floats,
    check_float,
    check_function,
    check_int,
    check_shape,
)

Policy = Callable[[NDArray[Any]], NDArray[Any]]
Returns = Callable[[float, int], NDArray[np.float64]]


@dataclass(frozen=True)
class ReturnSensitivity:
    """A difference quotient of mean returns, and how sure it is.

    Attributes
    ----------
    value : float
        Change of the mean return per unit of the change that caused it.
    paired_error : float
        Its standard error: what is left when each episode is compared with itself.
    unpaired_error : float
        The standard error that as many episodes from other starts would give.
    low, high : ndarray, shape (n_episodes,)
        The returns at both ends; the same place is the same start.
    """

    value: float
    paired_error: float
    unpaired_error: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def cart_poles(
    n_episodes: int,
    *,
    gravity: float = 9.8,
    masscart: float = 1.0,
    masspole: float = 0.1,
    length: float = 0.5,
    force_mag: float = 10.0,
    max_steps: int = 500,
) -> Any:
    """Return gymnasium's vectorised CartPole with this physics.

    Gymnasium computes the total mass and the pole's mass times its length once, when it
    is made: setting ``masspole`` or ``length`` afterwards leaves them stale, and makes
    a machine that obeys no mechanics. Here they follow.

    Parameters
    ----------
    n_episodes : int
        Number of carts side by side.
    gravity : float
        In m/s².
    masscart, masspole : float
        In kg.
    length : float
        From the joint to the middle of the pole, in m: half of its length.
    force_mag : float
        Of a push, in N.
    max_steps : int
        Steps of 0.02 s after which an episode is cut off.

    Returns
    -------
    gymnasium.vector.VectorEnv

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive number.

    References
    ----------
    Barto, Sutton, Anderson: Neuronlike adaptive elements that can solve difficult
    learning control problems. IEEE Transactions on Systems, Man, and Cybernetics 13,
    834 (1983).

    Towers et al.: Gymnasium: a standard interface for reinforcement learning
    environments. arXiv:2407.17032 (2024).

    Examples
    --------
    >>> carts = cart_poles(2, length=1.0)
    >>> carts.num_envs, carts.polemass_length
    (2, 0.1)
    """
    from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

    physics = {
        "gravity": gravity,
        "masscart": masscart,
        "masspole": masspole,
        "length": length,
        "force_mag": force_mag,
    }
    for name, value in physics.items():
        check_float(name, value, positive=True)
    carts = CartPoleVectorEnv(
        check_int("n_episodes", n_episodes), check_int("max_steps", max_steps)
    )
    for name, value in physics.items():
        setattr(carts, name, float(value))
    carts.total_mass = carts.masspole + carts.masscart
    carts.polemass_length = carts.masspole * carts.length
    return carts


def episode_returns(envs: Any, policy: Policy, *, seed: int = 0) -> NDArray[np.float64]:
    """Play one episode in each environment, side by side, and return the sum of rewards
    of each.

    Parameters
    ----------
    envs : gymnasium.vector.VectorEnv
        Whose environments end, by themselves or by a time limit. What happens in one
        after its first end does not count.
    policy : callable
        Maps observations, shape (n, ...), to n actions.
    seed : int
        Handed to ``envs.reset``. It is an integer, and no generator, because the same
        one has to be usable twice: the same seed gives the same starts. (CartPole draws
        nothing but its start. Where chance goes on during an episode, use
        ``gymnasium.make_vec(..., vectorization_mode="sync")``: each environment has its
        own stream.)

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    TypeError, ValueError
        If `envs` is not vectorised, `seed` is no integer of at least 0, or the first
        actions are not allowed ones.

    Examples
    --------
    Pushing to the right whatever happens loses the pole within a few steps.

    >>> def always_right(observations):
    ...     return np.ones(len(observations), dtype=int)
    >>> episode_returns(cart_poles(3), always_right)
    array([9., 9., 9.])
    """
    if not hasattr(envs, "num_envs"):
        raise TypeError(
            f"envs: got {type(envs).__name__}, expected a vectorised environment of "
            f"gymnasium"
        )
    check_function("policy", policy)
    observations, _ = envs.reset(seed=check_int("seed", seed, minimum=0))
    first = policy(observations)
    if not envs.action_space.contains(first):
        raise ValueError(
            f"policy: got {first!r}, expected actions in {envs.action_space}"
        )
    running, total = np.ones(envs.num_envs, dtype=bool), np.zeros(envs.num_envs)
    actions = first
    while True:
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        total += np.where(running, rewards, 0.0)
        running &= ~(terminated | truncated)
        if not running.any():
            return total
        actions = policy(observations)


def return_sensitivity(
    returns: Returns, *, low: float, high: float, seed: int = 0
) -> ReturnSensitivity:
    r"""Estimate how the mean return changes between two settings, with common random
    numbers.

    :math:`S = \frac{1}{n} \sum_i \frac{R_i(\text{high}) - R_i(\text{low})}{\text{high}
    - \text{low}}`, where :math:`R_i` is the return of episode i and both runs get the
    same seed. With (0, h) it is a one-sided difference quotient, with (-h, h) a central
    one. Pairing helps as long as an episode resembles its twin, which a large change
    ends.

    Parameters
    ----------
    returns : callable
        ``returns(setting, seed)`` gives the returns of n episodes, shape (n,); see
        `episode_returns`.
    low, high : float
        The two settings, in the unit of whatever is changed; low < high.
    seed : int
        Of both runs.

    Returns
    -------
    ReturnSensitivity

    Raises
    ------
    TypeError, ValueError
        If the settings are not finite numbers in this order, `seed` is no integer of at
        least 0, or the returns are not finite, fewer than two, or of different numbers.

    References
    ----------
    Glasserman, Yao: Some guidelines and guarantees for common random numbers.
    Management Science 38, 884 (1992).

    Examples
    --------
    The noise is shared, and so it cancels to the last digit:

    >>> def noisy(x, seed):
    ...     return 3 * x + np.random.default_rng(seed).standard_normal(100)
    >>> found = return_sensitivity(noisy, low=0.0, high=0.5)
    >>> round(found.value, 9), found.paired_error < 1e-9, round(found.unpaired_error, 2)
    (3.0, True, 0.27)
    """
    check_function("returns", returns)
    low, high = check_float("low", low), check_float("high", high)
    if low >= high:
        raise ValueError(f"high: got {high}, expected more than low, which is {low}")
    seed = check_int("seed", seed, minimum=0)
    ends = [
        as_floats("returns", returns(setting, seed), (None,)) for setting in (low, high)
    ]
    check_shape("returns", ends[1], ends[0].shape)
    check_int("returns: episodes", len(ends[0]), minimum=2)
    step, root = high - low, np.sqrt(len(ends[0]))
    difference = ends[1] - ends[0]
    return ReturnSensitivity(
        value=float(difference.mean() / step),
        paired_error=float(difference.std(ddof=1) / root / step),
        unpaired_error=float(
            np.hypot(ends[0].std(ddof=1), ends[1].std(ddof=1)) / root / step
        ),
        low=ends[0],
        high=ends[1],
    )
