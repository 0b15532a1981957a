"""Structural causal models against closed forms; bad ones are refused and told why."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xaicourse.causality import StructuralCausalModel

CHAIN = StructuralCausalModel(
    {
        "x": lambda noise: noise,
        "y": lambda x, noise, gain: gain * x + noise,
        "z": lambda y, noise: -y + 0.5 * noise,
    },
    parameters={"gain": 2.0},
)


def test_moments_of_a_linear_model() -> None:
    rows = CHAIN.sample(200_000, seed=1)
    covariance = np.cov(rows[["x", "y", "z"]].to_numpy().T)
    expected = np.array([[1, 2, -2], [2, 5, -5], [-2, -5, 5.25]])
    assert np.allclose(covariance, expected, atol=0.06)


def test_graph_is_read_off_the_arguments() -> None:
    assert CHAIN.edges == (("x", "y"), ("y", "z"))
    assert CHAIN.environment_edges == (("gain", "y"),)
    assert CHAIN.order == ("x", "y", "z")
    backwards = StructuralCausalModel({"b": lambda a: a, "a": lambda noise: noise})
    assert backwards.order == ("a", "b")
    assert list(backwards.sample(3).columns) == ["b", "a"]


@given(gain=st.floats(-5, 5), low=st.floats(-3, 3), high=st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_total_effects_are_products_of_path_coefficients(
    gain: float, low: float, high: float
) -> None:
    world = CHAIN.environment(gain=gain)
    assert world.effect_of(
        "x", on="y", low=low, high=high, n=50
    ).value == pytest.approx(gain * (high - low), abs=1e-9)
    assert world.effect_of(
        "x", on="z", low=low, high=high, n=50
    ).value == pytest.approx(-gain * (high - low), abs=1e-9)
    assert world.effect_of("z", on="x", low=low, high=high, n=50).value == 0.0


def test_an_association_without_an_arrow_is_no_effect() -> None:
    world = StructuralCausalModel(
        {
            "c": lambda noise: noise,
            "a": lambda c: c,
            "b": lambda c, noise: c + 0.1 * noise,
        }
    )
    rows = world.sample(5000)
    assert np.corrcoef(rows["a"], rows["b"])[0, 1] > 0.95
    assert world.effect_of("a", on="b").value == 0.0
    assert world.effect_of("c", on="b", n=1000).value == pytest.approx(1.0)


def test_an_intervention_leaves_the_noise_of_other_variables_alone() -> None:
    """With one stream for all variables, as in the mutant, do(x) would shift the draws
    of those that follow.
    """

    def noise_of_z(rows: object) -> np.ndarray:
        return np.asarray(rows["z"]) + np.asarray(rows["y"])  # type: ignore[index]

    def mutant(model: StructuralCausalModel) -> dict[str, np.ndarray]:
        rng, values = np.random.default_rng(0), {"gain": np.array(2.0)}
        for variable in model.order:
            names = inspect.signature(model.mechanisms[variable]).parameters
            given = {
                a: rng.standard_normal(100) if a == "noise" else values[a]
                for a in names
            }
            values[variable] = model.mechanisms[variable](**given)
        return values

    forced = CHAIN.do(x=0.0)
    assert np.allclose(noise_of_z(CHAIN.sample(100)), noise_of_z(forced.sample(100)))
    assert not np.allclose(noise_of_z(mutant(CHAIN)), noise_of_z(mutant(forced)))


def test_do_takes_a_mechanism_and_leaves_the_model_alone() -> None:
    soft = CHAIN.do(y=lambda x: x**2)
    assert soft.edges == (("x", "y"), ("y", "z"))
    rows = soft.sample(10)
    assert np.array_equal(rows["y"], rows["x"] ** 2)
    assert "gain" in CHAIN.mechanisms["y"].__code__.co_varnames
    assert CHAIN.do(y=3).edges == (("y", "z"),)


def test_seeds() -> None:
    first = CHAIN.sample(20, seed=0)
    assert first.equals(CHAIN.sample(20, seed=0))
    assert not first.equals(CHAIN.sample(20, seed=1))
    assert not CHAIN.sample(20, seed=None).equals(CHAIN.sample(20, seed=None))
    rng = np.random.default_rng(0)
    assert not CHAIN.sample(20, seed=rng).equals(CHAIN.sample(20, seed=rng))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    CHAIN.sample(20)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_other_noise() -> None:
    world = StructuralCausalModel(
        {"x": lambda noise: noise}, noises={"x": lambda rng, n: rng.uniform(2, 3, n)}
    )
    rows = world.sample(1000)["x"]
    assert rows.between(2, 3).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: StructuralCausalModel({}), "mechanisms is empty"),
        (lambda: StructuralCausalModel({"x": lambda w: w}), r"'x' asks for \['w'\]"),
        (
            lambda: StructuralCausalModel({"x": lambda y: y, "y": lambda x: x}),
            "circular",
        ),
        (lambda: StructuralCausalModel({"x": lambda x: x}), "'x' asks for"),
        (
            lambda: StructuralCausalModel({"x": lambda noise: noise}, {"x": 1.0}),
            "names that are taken",
        ),
        (lambda: StructuralCausalModel({"noise": lambda: 1.0}), "names that are taken"),
        (
            lambda: StructuralCausalModel(
                {"x": lambda: 1.0}, noises={"y": lambda rng, n: rng.random(n)}
            ),
            "noises names",
        ),
        (lambda: CHAIN.environment(spread=1.0), "no parameter"),
        (lambda: CHAIN.do(w=1.0), r"do\(\) got"),
        (lambda: CHAIN.do(x=float("nan")).sample(5), r"^do\(x\): got NaN"),
        (lambda: CHAIN.sample(0), "n: got 0, expected an integer of at least 1"),
        (lambda: CHAIN.sample(5, seed=-1), "seed"),
        (lambda: CHAIN.effect_of("x", on="w"), "on: got 'w'"),
        (
            lambda: CHAIN.do(x=lambda noise: noise[:2]).sample(5),
            r"^the mechanism of 'x': got shape \(2,\), expected \(5,\), a value for",
        ),
        (
            lambda: CHAIN.do(x=np.ones(5)).sample(4),
            r"^do\(x\): got shape \(5,\), expected \(4,\), a value for each row, or a",
        ),
        (
            lambda: CHAIN.do(x=["a", None, "b"]).sample(3),
            r"^do\(x\): got a missing value, expected none$",
        ),
        (lambda: CHAIN.do(x=lambda noise: noise * np.inf).sample(5), "NaN or infinity"),
    ],
)
def test_bad_models_are_refused(build: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()  # type: ignore[operator]


def test_a_variable_may_be_set_row_by_row() -> None:
    twice = StructuralCausalModel({"x": lambda noise: noise, "y": lambda x: 2 * x})
    for values in (np.arange(3), [0, 1, 2], pd.Series([0, 1, 2], index=[7, 8, 9])):
        assert twice.do(x=values).sample(3)["y"].tolist() == [0, 2, 4]


def test_variables_may_be_words() -> None:
    world = StructuralCausalModel(
        {
            "colour": lambda noise: np.where(noise > 0, "red", "blue"),
            "grade": lambda noise: pd.Categorical(np.where(noise > 1, "a", "b")),
            "y": lambda colour, noise: 3.0 * (colour == "red") + noise,
        }
    )
    drawn = world.sample(200, seed=1)
    assert set(drawn["colour"]) == {"red", "blue"}
    assert set(drawn["grade"]) == {"a", "b"}
    effect = world.effect_of("colour", on="y", low="blue", high="red", n=50)
    assert effect.value == pytest.approx(3.0, abs=1e-12)
    with pytest.raises(TypeError, match=r"^on: got 'colour', which has no mean"):
        world.effect_of("y", on="colour", n=5)
