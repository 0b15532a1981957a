"""Argument checks that every method shares: each says which argument was wrong, what
came, what was expected.

A check returns the value it has accepted, in the type that the method works with.
Arrays may be NumPy arrays or PyTorch tensors: only what both can do is asked of them,
so that this file needs neither kind of model.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[Iterable[Any]], Iterable[Any]]
"""What ``progress=`` takes: a wrapper of an iterable that yields its items unchanged,
as ``tqdm.tqdm`` is.
"""


Seed = int | np.random.Generator | None
"""What ``seed=`` takes; see `check_seed`."""


def silent(iterable: Iterable[Any]) -> Iterable[Any]:
    """Yield the items and show nothing: the wrapper that stands in for
    ``progress=None``.
    """
    return iterable


def check_int(
    name: str, value: object, *, minimum: int = 1, maximum: float = math.inf
) -> int:
    """Return `value` as an ``int`` from `minimum` to `maximum`.

    Raises
    ------
    TypeError
        If it is no integer; a float with an integer value and a bool are none.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> check_int("n_steps", 64)
    64
    >>> check_int("n_steps", 0)
    Traceback (most recent call last):
    ValueError: n_steps: got 0, expected an integer of at least 1
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        kind = type(value).__name__
        raise TypeError(
            f"{name}: got {value!r} ({kind}), expected an integer"
        ) from None
    if not minimum <= number <= maximum:
        upper = "" if maximum == math.inf else f" and at most {maximum}"
        raise ValueError(
            f"{name}: got {number}, expected an integer of at least {minimum}{upper}"
        )
    return number


def check_float(
    name: str,
    value: object,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    positive: bool = False,
) -> float:
    """Return `value` as a finite ``float`` from `minimum` to `maximum`, or above 0.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is NaN, infinite or out of range.

    Examples
    --------
    >>> check_float("stdevs", 0, minimum=0)
    0.0
    >>> check_float("stdevs", float("nan"))
    Traceback (most recent call last):
    ValueError: stdevs: got nan, expected a finite number
    """
    if isinstance(value, bool) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(
            f"{name}: got {value!r} ({type(value).__name__}), expected a number"
        )
    inside = minimum <= value <= maximum and not (positive and value <= 0)
    if not math.isfinite(value) or not inside:
        bound = "" if minimum == -math.inf else f" of at least {minimum:g}"
        bound += "" if maximum == math.inf else f" and at most {maximum:g}"
        bound += " above 0" if positive else ""
        raise ValueError(f"{name}: got {value}, expected a finite number{bound}")
    return float(value)


def check_level(name: str, value: object) -> float:
    """Return `value`, a level of confidence or of a test, between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If it is no number, or none between them.

    Examples
    --------
    >>> check_level("alpha", 1.0)
    Traceback (most recent call last):
    ValueError: alpha: got 1.0, expected a number between 0 and 1
    """
    level = check_float(name, value)
    if not 0 < level < 1:
        raise ValueError(f"{name}: got {value}, expected a number between 0 and 1")
    return level


def check_type(name: str, value: object, kind: type) -> None:
    """Require an instance of a class.

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> check_type("sealed", "text", bytes)
    Traceback (most recent call last):
    TypeError: sealed: got str, expected bytes
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name}: got {type(value).__name__}, expected {kind.__name__}")


def check_choice(name: str, value: object, choices: Collection[str]) -> str:
    """Return `value`, which has to be one of the strings in `choices`.

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> check_choice("method", "simpson", ["midpoint", "trapezoid"])
    Traceback (most recent call last):
    ValueError: method: got 'simpson', expected one of 'midpoint', 'trapezoid'
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{name}: got {value!r}, expected one of {', '.join(map(repr, choices))}"
        )
    return value


def check_shape(name: str, array: Any, expected: tuple[int | None, ...]) -> None:
    """Require an array of shape `expected`; ``None`` stands for any length but zero.

    Raises
    ------
    ValueError
        If the shape is another one, or an axis is empty.

    Examples
    --------
    >>> check_shape("baselines", np.zeros((5, 3)), (None, 4))
    Traceback (most recent call last):
    ValueError: baselines: got shape (5, 3), expected (any, 4)
    """
    shape = tuple(array.shape)
    if len(shape) != len(expected) or any(
        have == 0 or want not in (None, have)
        for have, want in zip(shape, expected, strict=True)
    ):
        words = ", ".join("any" if want is None else str(want) for want in expected)
        comma = "," if len(expected) == 1 else ""
        raise ValueError(f"{name}: got shape {shape}, expected ({words}{comma})")


def check_finite(name: str, array: Any) -> None:
    """Require an array that is not empty and holds no NaN and no infinity.

    Raises
    ------
    ValueError
        If it is empty or holds one.

    Examples
    --------
    >>> check_finite("inputs", np.array([1.0, np.nan]))
    Traceback (most recent call last):
    ValueError: inputs: got NaN or infinity, expected finite numbers only
    """
    if 0 in array.shape:
        raise ValueError(f"{name}: got an empty array of shape {tuple(array.shape)}")
    # NaN and infinity both survive in one of the extremes, and the extremes need no
    # memory: isfinite(array) would build a mask (and with PyTorch a copy of the data).
    ends = array.aminmax() if hasattr(array, "aminmax") else (array.min(), array.max())
    if not all(math.isfinite(end.item()) for end in ends):
        raise ValueError(f"{name}: got NaN or infinity, expected finite numbers only")


def rounding(array: Any, axis: int | None = None) -> Any:
    """Return what rounding may make of equal numbers of this size: 16 units in the last
    place of the largest.

    Examples
    --------
    >>> column = np.full(6, 0.1)
    >>> column.std() > 0, column.std() > rounding(column)
    (np.True_, np.False_)
    """
    return 16 * np.finfo(float).eps * np.abs(array).max(axis)


def as_floats(
    name: str, values: Any, shape: tuple[int | None, ...] | None = None
) -> NDArray[np.float64]:
    """Return finite real numbers as an array in double precision, of a given `shape`
    (as in `check_shape`) if there is one; it may be the one that came.

    Raises
    ------
    TypeError
        If they are no real numbers.
    ValueError
        If the shape is another one, or a number is not finite.

    Examples
    --------
    >>> as_floats("times", [0, 1], (None,))
    array([0., 1.])
    >>> as_floats("times", ["0", "1"], (None,))
    Traceback (most recent call last):
    TypeError: times: got <U1, expected real numbers
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biufO":
        raise TypeError(f"{name}: got {array.dtype}, expected real numbers")
    floats = np.asarray(array, dtype=np.float64)
    if shape is not None:
        check_shape(name, floats, shape)
    check_finite(name, floats)
    return floats


def in_columns_of(name: str, table: Any, first: Any) -> Any:
    """Return `table` with its columns in the order of those of `first`, where both
    have names (a DataFrame's columns, or a Series' labels that are words); as it came
    where one has none.

    Raises
    ------
    ValueError
        If the names are others, or one comes twice.

    Examples
    --------
    >>> import pandas as pd
    >>> first = pd.DataFrame({"a": [1], "b": [2]})
    >>> in_columns_of("X", pd.DataFrame({"b": [3], "a": [4]}), first).columns.tolist()
    ['a', 'b']
    """
    have, wanted = _names(table), _names(first)
    if have is None or wanted is None or have == wanted:
        return table
    if len(set(have)) < len(have) or sorted(map(str, have)) != sorted(map(str, wanted)):
        raise ValueError(f"{name}: got columns {have}, expected {wanted}")
    return table[wanted]


def _names(table: Any) -> list[Any] | None:
    if hasattr(table, "columns"):
        return list(table.columns)
    names = (
        list(table.index) if hasattr(table, "index") and hasattr(table, "iloc") else []
    )
    return names if names and all(isinstance(n, str) for n in names) else None


def check_bounds(bounds: Any, n: int | None = None) -> NDArray[np.float64]:
    """Return the lower and upper ends of `n` inputs, shape (n, 2), as an array.

    Raises
    ------
    ValueError
        If it has another shape, an end is not finite, or the lower is not the first.

    Examples
    --------
    >>> check_bounds([(1, 0)])
    Traceback (most recent call last):
    ValueError: bounds[0]: got (1, 0), expected the lower end before the upper
    """
    pairs = as_floats("bounds", bounds, (n, 2))
    for i, (low, high) in enumerate(pairs):
        if not low < high:
            raise ValueError(
                f"bounds[{i}]: got ({low:g}, {high:g}), expected the lower end before "
                f"the upper"
            )
    return pairs


def check_positions(name: str, positions: Iterable[int], n: int) -> list[int]:
    """Return `positions` as a list of different integers from 0 to n - 1, at least one.

    Raises
    ------
    TypeError, ValueError
        If one is no integer or out of range, one comes twice, or there is none.

    Examples
    --------
    >>> check_positions("columns", (2, 0), 3)
    [2, 0]
    >>> check_positions("columns", [3], 3)
    Traceback (most recent call last):
    ValueError: columns: got [3], expected different positions from 0 to 2
    """
    found = [check_int(name, position, minimum=0) for position in positions]
    if not found or max(found) >= n or len(set(found)) != len(found):
        raise ValueError(
            f"{name}: got {found}, expected different positions from 0 to {n - 1}"
        )
    return found


def check_seed(seed: Seed) -> np.random.Generator:
    """Return the random generator that `seed` stands for; the global generators stay
    untouched.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        A non-negative integer (0 is one like any other) always starts the same stream;
        a generator is used as it is, and moves on; ``None`` takes fresh entropy from
        the system.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or negative.

    Examples
    --------
    >>> float(check_seed(0).random())
    0.6369616873214543
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    return np.random.default_rng(check_int("seed", seed, minimum=0))
