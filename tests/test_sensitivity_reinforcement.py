"""Sensitivity of returns: gymnasium step for step, the plain loop, exact invariants,
mutants, bad input.
"""

import random

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem
from scipy.stats import t as student

from xaicourse.sensitivity import cart_poles, episode_returns, return_sensitivity


def by_sum(weights=(0, 0, 1, 1), bias=(0, 0, 0, 0)):
    """Return the policy of the slide: push to the side to which the pole leans or
    falls.
    """
    weights, bias = np.asarray(weights, float), np.asarray(bias, float)
    return lambda observations: (
        (observations.astype(float) + bias) @ weights > 0
    ).astype(np.int64)


def plain_cart_pole(start, **physics):
    """Return gymnasium's single CartPole with this physics, placed at a start."""
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    cart = env.unwrapped
    for name, value in physics.items():
        setattr(cart, name, value)
    cart.total_mass = cart.masscart + cart.masspole
    cart.polemass_length = cart.masspole * cart.length
    cart.state = np.array(start)
    return env


def plain_loop(starts, policy, **physics):
    """One episode after another, with gymnasium's single environment and its time
    limit.
    """
    totals = []
    for start in starts:
        env, total, done = plain_cart_pole(start, **physics), 0.0, False
        observation = np.array(start, dtype=np.float32)
        while not done:
            observation, reward, terminated, truncated, _ = env.step(
                int(policy(observation[None])[0])
            )
            total, done = total + reward, terminated or truncated
        totals.append(total)
    return np.array(totals)


def starts_of(n, seed):
    envs = cart_poles(n)
    envs.reset(seed=seed)
    return envs.state.T.copy()


@pytest.mark.parametrize(
    "physics",
    [{}, {"length": 1.5, "masspole": 0.7, "gravity": 3.7}, {"force_mag": 4.0}],
)
def test_every_step_is_that_of_gymnasium(physics):
    envs, rng = cart_poles(5, **physics), np.random.default_rng(0)
    envs.reset(seed=3)
    single = [plain_cart_pole(start, **physics) for start in envs.state.T]
    running = np.ones(5, dtype=bool)
    for _ in range(400):
        actions = rng.integers(0, 2, size=5)
        observations, rewards, terminated, _, _ = envs.step(actions)
        for i in np.flatnonzero(running):
            observation, reward, fell, _, _ = single[i].step(int(actions[i]))
            np.testing.assert_allclose(
                observations[i], observation, rtol=1e-6, atol=1e-7
            )
            assert (rewards[i], terminated[i]) == (reward, fell)
        running &= ~terminated
    assert not running.any()


@pytest.mark.parametrize(
    "physics", [{}, {"length": 0.1}, {"masspole": 2.0, "gravity": 20.0}]
)
def test_returns_are_those_of_the_plain_loop(physics):
    policy = by_sum(bias=(0, 0, 0.15, 0))
    ours = episode_returns(cart_poles(12, **physics), policy, seed=1)
    assert np.array_equal(ours, plain_loop(starts_of(12, 1), policy, **physics))
    assert len(set(ours)) > 3


def test_mutant_that_leaves_the_mass_times_length_stale_fails():
    envs = cart_poles(12)
    envs.masspole = 2.0
    envs.gravity = 20.0
    policy = by_sum(bias=(0, 0, 0.15, 0))
    stale = episode_returns(envs, policy, seed=1)
    assert not np.array_equal(
        stale, plain_loop(starts_of(12, 1), policy, masspole=2.0, gravity=20.0)
    )


def test_any_vectorised_environment_and_nothing_counted_twice():
    sync = gymnasium.make_vec("CartPole-v1", num_envs=6, vectorization_mode="sync")
    policy = by_sum(bias=(0, 0, 0.3, 0))
    totals = episode_returns(sync, policy, seed=4)
    starts = [gymnasium.make("CartPole-v1").reset(seed=4 + i)[0] for i in range(6)]
    # shorter episodes have begun anew meanwhile
    assert np.array_equal(totals, plain_loop(starts, policy))
    assert np.array_equal(episode_returns(sync, policy, seed=4), totals)
    sync.close()
    assert np.array_equal(
        episode_returns(cart_poles(4, max_steps=7), by_sum(), seed=0), [7.0] * 4
    )


def test_same_seed_same_returns_and_no_global_state():
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    runs = [
        episode_returns(cart_poles(20), by_sum(bias=(0, 0, 0.1, 0)), seed=s)
        for s in (0, 0, 1)
    ]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert before[1] == random.getstate()


# --- difference quotients
# --------------------------------------------------------------------------------------


def noisy(slope):
    return lambda x, seed: slope * x + np.random.default_rng(seed).standard_normal(50)


def check_shared_noise_cancels(sensitivity, slope):
    found = sensitivity(noisy(slope), low=-0.25, high=0.5)
    assert found.value == pytest.approx(slope, abs=1e-12)
    assert found.paired_error < 1e-12
    assert found.unpaired_error == pytest.approx(np.sqrt(2 / 50) / 0.75, rel=0.5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(-10, 10))
def test_shared_noise_cancels(slope):
    check_shared_noise_cancels(return_sensitivity, slope)


def test_mutant_with_fresh_noise_fails():
    """The slide evaluates the policy anew, on other episodes, for every difference."""

    def mutant(returns, *, low, high):
        seeds = iter(range(10))
        return return_sensitivity(
            lambda x, _: returns(x, next(seeds)), low=low, high=high
        )

    with pytest.raises(AssertionError):
        check_shared_noise_cancels(mutant, 3.0)


def test_the_two_errors_are_the_textbooks():
    rng = np.random.default_rng(0)
    ends = {0.0: rng.normal(size=30), 0.5: rng.normal(1, 2, size=30)}
    found = return_sensitivity(lambda x, _: ends[x], low=0.0, high=0.5)
    difference = (ends[0.5] - ends[0.0]) / 0.5
    assert found.value == pytest.approx(difference.mean())
    assert found.paired_error == pytest.approx(sem(difference))
    assert found.unpaired_error == pytest.approx(
        np.sqrt(ends[0.0].var(ddof=1) + ends[0.5].var(ddof=1)) / 30**0.5 / 0.5
    )


def test_a_paired_interval_covers_as_often_as_it_says():
    hits = 0
    for seed in range(400):
        found = return_sensitivity(
            lambda x, s: x * (2 + np.random.default_rng(s).standard_normal(20)),
            low=0.0,
            high=1.0,
            seed=seed,
        )
        hits += abs(found.value - 2) < student.ppf(0.975, 19) * found.paired_error
    assert 0.95 - 0.04 < hits / 400 < 0.95 + 0.04


def of_bias(position, n=100):
    return lambda bias, seed: episode_returns(
        cart_poles(n), by_sum(bias=bias * np.eye(4)[position]), seed=seed
    )


def test_what_the_policy_does_not_read_has_no_sensitivity_and_what_it_adds_the_same():
    """The slide's own quotient: a bias of 0.1 on each measurement; the published run
    has -3398.8 for both angles.
    """
    found = [return_sensitivity(of_bias(i), low=0.0, high=0.1) for i in range(4)]
    assert found[0].value == found[1].value == found[0].paired_error == 0.0
    assert found[2].value == found[3].value
    assert np.array_equal(found[2].high, found[3].high)
    assert abs(found[2].value + 3398.8) < 4 * np.hypot(
        found[2].unpaired_error, np.hypot(3.1, 6.3) / 0.1
    )


def test_scales_of_weights_and_of_masses_change_nothing():
    base = episode_returns(cart_poles(50), by_sum(bias=(0, 0, 0.1, 0)), seed=0)
    scaled = episode_returns(
        cart_poles(50), by_sum(weights=(0, 0, 2, 2), bias=(0, 0, 0.1, 0)), seed=0
    )
    # powers of two: exact in floating point
    heavy = cart_poles(50, masscart=2.0, masspole=0.2, force_mag=20.0)
    assert np.array_equal(base, scaled)
    assert np.array_equal(
        base, episode_returns(heavy, by_sum(bias=(0, 0, 0.1, 0)), seed=0)
    )


# --- bad arguments
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"n_episodes": 0},
            ValueError,
            "n_episodes: got 0, expected an integer of at least 1",
        ),
        (
            {"max_steps": 2.5},
            TypeError,
            "max_steps: got 2.5 (float), expected an integer",
        ),
        ({"length": 0}, ValueError, "length: got 0, expected a finite number above 0"),
        (
            {"masspole": -0.1},
            ValueError,
            "masspole: got -0.1, expected a finite number above 0",
        ),
        (
            {"gravity": np.nan},
            ValueError,
            "gravity: got nan, expected a finite number above 0",
        ),
        (
            {"force_mag": "10"},
            TypeError,
            "force_mag: got '10' (str), expected a number",
        ),
    ],
)
def test_bad_arguments_of_cart_poles(bad, error, message):
    with pytest.raises(error) as refusal:
        cart_poles(**({"n_episodes": 2} | bad))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"envs": gymnasium.make("CartPole-v1")},
            TypeError,
            "envs: got TimeLimit, expected a vectorised environment of gymnasium",
        ),
        (
            {"policy": lambda o: np.array([0, 1])},
            ValueError,
            "policy: got array([0, 1]), expected actions in MultiDiscrete([2 2 2])",
        ),
        (
            {"policy": lambda o: np.array([0, 1, 2])},
            ValueError,
            "policy: got array([0, 1, 2]), expected actions in MultiDiscrete([2 2 2])",
        ),
        ({"seed": -1}, ValueError, "seed: got -1, expected an integer of at least 0"),
        ({"seed": None}, TypeError, "seed: got None (NoneType), expected an integer"),
    ],
)
def test_bad_arguments_of_episode_returns(bad, error, message):
    options = {"envs": cart_poles(3), "policy": by_sum()} | bad
    with pytest.raises(error) as refusal:
        episode_returns(options.pop("envs"), options.pop("policy"), **options)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"low": 1.0},
            ValueError,
            "high: got 1.0, expected more than low, which is 1.0",
        ),
        ({"low": np.nan}, ValueError, "low: got nan, expected a finite number"),
        ({"high": None}, TypeError, "high: got None (NoneType), expected a number"),
        ({"seed": 0.5}, TypeError, "seed: got 0.5 (float), expected an integer"),
        (
            {"returns": lambda x, _: np.zeros(int(5 + x))},
            ValueError,
            "returns: got shape (6,), expected (5,)",
        ),
        (
            {"returns": lambda *_: 3.0},
            ValueError,
            "returns: got shape (), expected (any,)",
        ),
        (
            {"returns": lambda *_: [1.0]},
            ValueError,
            "returns: episodes: got 1, expected an integer of at least 2",
        ),
        (
            {"returns": lambda *_: [1.0, np.nan]},
            ValueError,
            "returns: got NaN or infinity, expected finite numbers only",
        ),
    ],
)
def test_bad_arguments_of_return_sensitivity(bad, error, message):
    options = {"returns": noisy(1.0), "low": 0.0, "high": 1.0} | bad
    with pytest.raises(error) as refusal:
        return_sensitivity(options.pop("returns"), **options)
    assert str(refusal.value) == message


def test_the_readers_own_error_comes_through():
    def broken(x, seed):
        raise ZeroDivisionError("in the policy")

    with pytest.raises(ZeroDivisionError, match="in the policy"):
        return_sensitivity(broken, low=0.0, high=1.0)
