"""Argument checks that every method shares: each says which argument was wrong, what
came, what was expected.

A check returns the value it has accepted, in the type that the method works with.
Arrays may be NumPy arrays or PyTorch tensors: only what both can do is asked of them,
so that this file needs neither kind of model.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from decimal import Decimal
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[Iterable[Any]], Iterable[Any]]
"""What ``progress=`` takes: a wrapper of an iterable that yields its items unchanged,
as ``tqdm.tqdm`` is.
"""


Seed = int | np.random.Generator | None
"""What ``seed=`` takes; see `check_seed`."""


def shown(progress: Progress | None, items: Iterable[Any]) -> Iterable[Any]:
    """Return the items as `progress` wraps them, or as they are for ``None``.

    Raises
    ------
    TypeError
        If `progress` is no function, or gives nothing to go through.

    Examples
    --------
    >>> list(shown(None, range(3)))
    [0, 1, 2]
    """
    if progress is None:
        return items
    check_function("progress", progress)
    found = progress(items)
    if not isinstance(found, Iterable):
        raise TypeError(
            f"progress: got one that returns {type(found).__name__}, expected the "
            f"items it is given"
        )
    return found


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


def check_ints(
    name: str, values: object, *, minimum: int = 1, maximum: float = math.inf
) -> list[int]:
    """Return `values` as a list of ``int`` from `minimum` to `maximum`, or none.

    Raises
    ------
    TypeError, ValueError
        If they are no sequence, or one is no such integer.

    Examples
    --------
    >>> check_ints("hidden", (64, 32))
    [64, 32]
    """
    return [
        check_int(name, value, minimum=minimum, maximum=maximum)
        for value in check_items(name, values)
    ]


def check_items(name: str, values: Any, *, at_least: int = 0) -> list[Any]:
    """Return what is in a list, a tuple, an array or the like; words and sets, which
    have no order, are none.

    Raises
    ------
    TypeError
        If there is nothing to go through.
    ValueError
        If there are too few.

    Examples
    --------
    >>> check_items("seeds", range(2))
    [0, 1]
    >>> check_items("seeds", 2)
    Traceback (most recent call last):
    TypeError: seeds: got int, expected a sequence
    """
    if isinstance(values, str | bytes | Mapping | Set) or not np.iterable(values):
        raise TypeError(f"{name}: got {type(values).__name__}, expected a sequence")
    items = list(values)
    if len(items) < at_least:
        raise ValueError(
            f"{name}: got {len(items) or 'none'}, expected at least {at_least}"
        )
    return items


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
    if isinstance(value, bool | np.timedelta64) or not isinstance(
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


def check_flag(name: str, value: object) -> bool:
    """Return `value`, which has to be True or False.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> check_flag("ice", "no")
    Traceback (most recent call last):
    TypeError: ice: got 'no', expected True or False
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: got {value!r}, expected True or False")
    return bool(value)


def check_function(name: str, value: object) -> None:
    """Require something that can be called.

    Raises
    ------
    TypeError
        If it cannot.

    Examples
    --------
    >>> check_function("score", "accuracy")
    Traceback (most recent call last):
    TypeError: score: got str, expected a function
    """
    if not callable(value):
        raise TypeError(f"{name}: got {type(value).__name__}, expected a function")


def check_jobs(n_jobs: Any) -> int | None:
    """Return ``n_jobs=``, a number of processes as joblib takes it: None, positive, or
    negative for all but some.

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or zero.

    Examples
    --------
    >>> check_jobs(-1)
    -1
    """
    if n_jobs is None:
        return None
    if number := check_int("n_jobs", n_jobs, minimum=-(2**31)):
        return number
    raise ValueError("n_jobs: got 0, expected a number of processes, or -1 for all")


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


def as_path(name: str, path: object) -> Path:
    """Return where a file is, from words or a path.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> as_path("path", 3)
    Traceback (most recent call last):
    TypeError: path: got int, expected a path
    """
    if not isinstance(path, str | PathLike):
        raise TypeError(f"{name}: got {type(path).__name__}, expected a path")
    return Path(path)


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
    TypeError
        If it is no array.
    ValueError
        If the shape is another one, or an axis is empty.

    Examples
    --------
    >>> check_shape("baselines", np.zeros((5, 3)), (None, 4))
    Traceback (most recent call last):
    ValueError: baselines: got shape (5, 3), expected (any, 4)
    """
    shape = _shape(name, array)
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
    TypeError
        If it is no array of real numbers.
    ValueError
        If it is empty or holds one.

    Examples
    --------
    >>> check_finite("inputs", np.array([1.0, np.nan]))
    Traceback (most recent call last):
    ValueError: inputs: got NaN or infinity, expected finite numbers only
    """
    shape = _shape(name, array)
    if 0 in shape:
        raise ValueError(f"{name}: got an empty array of shape {shape}")
    # NaN and infinity both survive in one of the extremes, and the extremes need no
    # memory: isfinite(array) would build a mask (and with PyTorch a copy of the data).
    try:
        both = hasattr(array, "aminmax")
        ends = array.aminmax() if both else (array.min(), array.max())
        finite = all(math.isfinite(end.item()) for end in ends)
    except (TypeError, ValueError, AttributeError, RuntimeError):  # no order, or names
        kind = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name}: got {kind}, expected real numbers") from None
    if not finite:
        raise ValueError(f"{name}: got NaN or infinity, expected finite numbers only")


def _shape(name: str, array: Any) -> tuple[int, ...]:
    shape = getattr(array, "shape", None)
    if shape is None or np.ma.is_masked(array):
        kind = "masked numbers" if shape else type(array).__name__
        raise TypeError(f"{name}: got {kind}, expected an array of numbers")
    return tuple(shape)


def check_array(
    name: str,
    array: Any,
    kind: type,
    expected: tuple[int | None, ...] | None = None,
) -> None:
    """Require finite numbers in an array of a class, of a shape (as in `check_shape`)
    if one is expected.

    Raises
    ------
    TypeError, ValueError
        If it is of another class or shape, or holds NaN or infinity.

    Examples
    --------
    >>> check_array("weights", [1.0], np.ndarray)
    Traceback (most recent call last):
    TypeError: weights: got list, expected ndarray
    """
    check_type(name, array, kind)
    if expected is not None:
        check_shape(name, array, expected)
    check_finite(name, array)


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
    floats = np.asarray(as_numbers(name, values), dtype=np.float64)
    if shape is not None:
        check_shape(name, floats, shape)
    check_finite(name, floats)
    return floats


def as_mask(name: str, values: Any, shape: tuple[int | None, ...]) -> NDArray[np.bool_]:
    """Return True and False as an array of a given `shape` (as in `check_shape`).

    Raises
    ------
    TypeError
        If they are something else.
    ValueError
        If the shape is another one.

    Examples
    --------
    >>> as_mask("mask", [True, False], (2,))
    array([ True, False])
    >>> as_mask("mask", [1, 0], (2,))
    Traceback (most recent call last):
    TypeError: mask: got int64, expected True and False
    """
    mask = as_numbers(name, values)
    if mask.dtype != np.bool_:
        raise TypeError(f"{name}: got {mask.dtype}, expected True and False")
    check_shape(name, mask, shape)
    return mask


def as_binary(
    name: str, labels: Any, shape: tuple[int | None, ...]
) -> NDArray[np.bool_]:
    """Return labels 0 and 1 as booleans, of a given `shape` (as in `check_shape`).

    Raises
    ------
    TypeError, ValueError
        If they are others, or the shape is another one.

    Examples
    --------
    >>> as_binary("y", [1.0, 0.0], (2,))
    array([ True, False])
    """
    values = as_numbers(name, labels)
    check_shape(name, values, shape)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name}: got other values than 0 and 1")
    return values.astype(bool)


def as_classes(
    name: str, classes: Any, shape: tuple[int | None, ...]
) -> NDArray[np.int64]:
    """Return classes, whole numbers, as integers of a given `shape` (as in
    `check_shape`).

    Raises
    ------
    TypeError, ValueError
        If they are no whole numbers, or the shape is another one.

    Examples
    --------
    >>> as_classes("y", [2.0, 0.0], (None,))
    array([2, 0])
    """
    values = as_floats(name, classes, shape)
    if (values != np.rint(values)).any():
        raise ValueError(f"{name}: got fractions, expected classes as whole numbers")
    return values.astype(np.int64)


def as_numbers(name: str, values: Any) -> NDArray[Any]:
    """Return real numbers as an array in their own type, or in double precision if
    they have none in common; it may be the one that came. A ``None`` among them becomes
    a NaN.

    Raises
    ------
    TypeError
        If they are words, dates, complex, masked, or no numbers at all.

    Examples
    --------
    >>> as_numbers("weights", [1, True])
    array([1, 1])
    >>> as_numbers("weights", {1: 0.5})
    Traceback (most recent call last):
    TypeError: weights: got dict, expected real numbers
    """
    if np.ma.is_masked(values):
        raise TypeError(f"{name}: got masked numbers, expected real numbers")
    try:
        array = np.asarray(values.detach() if hasattr(values, "detach") else values)
    except (TypeError, ValueError, RuntimeError):
        given = type(values).__name__
        raise TypeError(
            f"{name}: got {given}, expected an array of real numbers"
        ) from None
    if array.dtype.kind == "O" and array.ndim and all(map(_real, array.flat)):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        kind = array.dtype if array.ndim else type(values).__name__
        raise TypeError(f"{name}: got {kind}, expected real numbers")
    return array


def _real(value: object) -> bool:
    return value is None or isinstance(value, Real | Decimal | np.bool_)


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


def check_positions(name: str, positions: object, n: int) -> list[int]:
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
    found = check_ints(name, positions, minimum=0)
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
