"""Structural causal models: mechanisms, environments and interventions.

A model is a set of equations, one a variable, each computing the variable from its
direct causes, an independent noise and, perhaps, parameters that the environment sets.
The arrows of the causal graph are not drawn by hand: they are the arguments of the
equations.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xaicourse.validation import (
    Seed,
    check_choice,
    check_finite,
    check_int,
    check_seed,
)

Mechanism = Callable[..., Any]
NoiseSampler = Callable[[np.random.Generator, int], NDArray[Any]]


def standard_normal(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw the default noise: independent, mean 0, standard deviation 1."""
    return rng.standard_normal(n)


@dataclass(frozen=True)
class CausalEffect:
    """A difference of means between two interventions, and its standard error (both in
    units of the outcome).
    """

    value: float
    standard_error: float


@dataclass(frozen=True)
class StructuralCausalModel:
    r"""Equations :math:`x_i = f_i(\text{parents}_i, \text{noise}_i;
    \text{parameters})`.

    Parameters
    ----------
    mechanisms : mapping of str to callable
        One function a variable. Its argument names say what it listens to: other
        variables (its parents), the word ``noise`` (its own independent noise, an array
        of one draw a row), and names of ``parameters``. It is called once with arrays
        and returns an array (or a number, which is repeated).
    parameters : mapping of str to float
        What the environment sets.
    noises : mapping of str to callable, optional
        Samplers ``(generator, n) -> array`` for variables whose noise is not standard
        normal.

    Raises
    ------
    ValueError
        When an argument of a mechanism is neither a variable, nor ``noise``, nor a
        parameter; when the equations are circular; when a name is used twice.

    References
    ----------
    Pearl, *Causality*, 2nd ed., Cambridge University Press 2009, chapter 1.

    Examples
    --------
    >>> world = StructuralCausalModel(
    ...     {
    ...         "x": lambda noise: noise,
    ...         "y": lambda x, noise, gain: gain * x + noise,
    ...         "trace": lambda y: y + 1,
    ...     },
    ...     parameters={"gain": 2.0},
    ... )
    >>> world.edges
    (('x', 'y'), ('y', 'trace'))
    >>> world.effect_of("x", on="trace", low=0, high=1, n=10, seed=0).value
    2.0
    >>> elsewhere = world.environment(gain=3.0)
    >>> elsewhere.effect_of("x", on="trace", low=0, high=1, n=10, seed=0).value
    3.0
    >>> world.effect_of("trace", on="y", low=0, high=1, n=10, seed=0).value
    0.0
    """

    mechanisms: Mapping[str, Mechanism]
    parameters: Mapping[str, float] = field(default_factory=dict)
    noises: Mapping[str, NoiseSampler] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.mechanisms:
            raise ValueError("mechanisms is empty: a model needs at least one variable")
        if clash := ({"noise"} | set(self.parameters)) & set(self.mechanisms):
            raise ValueError(
                f"mechanisms uses names that are taken: {sorted(clash)} (noise, or a "
                f"parameter)"
            )
        if unknown := set(self.noises) - set(self.mechanisms):
            raise ValueError(
                f"noises names {sorted(unknown)}, which mechanisms does not have"
            )
        for name, mechanism in self.mechanisms.items():
            known = {*self.mechanisms, *self.parameters, "noise"} - {name}
            if unknown := set(_arguments(mechanism)) - known:
                raise ValueError(
                    f"the mechanism of {name!r} asks for {sorted(unknown)}; "
                    f"it may ask for {sorted(known)}: other variables, noise and "
                    f"parameters"
                )
        for attribute in ("mechanisms", "parameters", "noises"):
            frozen = MappingProxyType(dict(getattr(self, attribute)))
            object.__setattr__(self, attribute, frozen)
        _ = self.order  # circular equations are refused here, not at the first sample

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The direct causes of each variable, in the order of its mechanism's
        arguments.
        """
        return {
            v: tuple(a for a in _arguments(f) if a in self.mechanisms)
            for v, f in self.mechanisms.items()
        }

    @property
    def order(self) -> tuple[str, ...]:
        """The variables, causes before effects."""
        try:
            return tuple(TopologicalSorter(self.parents).static_order())
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            raise ValueError(
                f"mechanisms is circular: {circle}; a cause cannot wait for its effect"
            ) from None

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """The arrows (cause, effect) between variables."""
        return tuple(
            (cause, effect)
            for effect, causes in self.parents.items()
            for cause in causes
        )

    @property
    def environment_edges(self) -> tuple[tuple[str, str], ...]:
        """The arrows (parameter, variable) by which the environment acts."""
        return tuple(
            (a, v)
            for v, f in self.mechanisms.items()
            for a in _arguments(f)
            if a in self.parameters
        )

    def environment(self, **parameters: float) -> StructuralCausalModel:
        """Return the same mechanisms in another environment: ``parameters`` replace
        those of the same name.
        """
        if unknown := set(parameters) - set(self.parameters):
            raise ValueError(
                f"environment has no parameter {sorted(unknown)}; it has "
                f"{sorted(self.parameters)}"
            )
        return replace(self, parameters={**self.parameters, **parameters})

    def do(self, **interventions: Any) -> StructuralCausalModel:
        """Return the model in which the named variables are set from outside.

        A value, or an array of one for each row that will be drawn, cuts every arrow
        into the variable; a function is a new mechanism in place of the old one.
        """
        if unknown := set(interventions) - set(self.mechanisms):
            raise ValueError(
                f"do() got {sorted(unknown)}; the variables are "
                f"{sorted(self.mechanisms)}"
            )
        forced = {
            v: f if callable(f) else _constant(v, f) for v, f in interventions.items()
        }
        return replace(self, mechanisms={**self.mechanisms, **forced})

    def sample(self, n: int, *, seed: Seed = 0) -> pd.DataFrame:
        """Draw ``n`` independent rows, one column a variable, in the order of
        ``mechanisms``.

        Each variable's noise comes from a stream of its own. The same integer seed
        therefore gives every variable the same noise in every environment and under
        every intervention: two samples differ only by what was changed.

        Raises
        ------
        ValueError
            When ``n`` is not positive, or a mechanism returns (or `do` was given) the
            wrong number of values, NaN, infinity or a missing value.
        """
        n = check_int("n", n)
        entropy = _entropy(seed)
        values: dict[str, Any] = {}
        for variable in self.order:
            mechanism = self.mechanisms[variable]
            wanted = _arguments(mechanism)
            given = {
                a: values[a] if a in values else self.parameters[a]
                for a in wanted
                if a != "noise"
            }
            if "noise" in wanted:
                stream = np.random.SeedSequence(
                    entropy, spawn_key=(zlib.crc32(variable.encode()),)
                )
                draw = self.noises.get(variable, standard_normal)
                given["noise"] = draw(np.random.default_rng(stream), n)
            name = getattr(mechanism, "name", f"the mechanism of {variable!r}")
            values[variable] = _column(name, mechanism(**given), n)
        return pd.DataFrame({v: values[v] for v in self.mechanisms})

    def effect_of(
        self,
        cause: str,
        *,
        on: str,
        low: Any = 0.0,
        high: Any = 1.0,
        n: int = 10_000,
        seed: Seed = 0,
    ) -> CausalEffect:
        r"""Return the total effect of setting a variable, :math:`E[y \mid do(x=high)] -
        E[y \mid do(x=low)]`.

        Both worlds share their noise, so that an effect that is not there comes out as
        exactly zero.
        """
        check_choice("on", on, self.mechanisms)
        entropy = _entropy(seed)
        outcomes = [
            self.do(**{cause: x}).sample(n, seed=entropy)[on] for x in (high, low)
        ]
        if not all(map(pd.api.types.is_numeric_dtype, outcomes)):
            raise TypeError(f"on: got {on!r}, which has no mean, expected numbers")
        difference = outcomes[0].to_numpy(float) - outcomes[1].to_numpy(float)
        spread = float(difference.std(ddof=1)) if n > 1 else float("inf")
        return CausalEffect(float(difference.mean()), spread / n**0.5)


def _arguments(mechanism: Mechanism) -> tuple[str, ...]:
    return tuple(inspect.signature(mechanism).parameters)


def _constant(variable: str, value: Any) -> Mechanism:
    def constant() -> Any:
        return value

    constant.name = f"do({variable})"  # type: ignore[attr-defined]
    return constant


def _entropy(seed: Seed) -> int:
    return int(check_seed(seed).integers(2**63))


def _column(name: str, value: Any, n: int) -> NDArray[Any]:
    column = np.asarray(value)
    if column.dtype == object:  # numbers, perhaps, or words
        column = (
            pd.Series(column.ravel()).infer_objects().to_numpy().reshape(column.shape)
        )
    if column.ndim > 1 or (column.ndim == 1 and len(column) != n):
        raise ValueError(
            f"{name}: got shape {column.shape}, expected ({n},), a value for each row, "
            f"or a single value"
        )
    if column.dtype.kind in "biufc":
        check_finite(name, column)
    elif pd.isna(column).any():
        raise ValueError(f"{name}: got a missing value, expected none")
    return np.broadcast_to(column, (n,)).copy()
