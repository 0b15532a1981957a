"""Exercises: a check that explains what is wrong, and hints in layers."""

from __future__ import annotations

import ctypes
import inspect
import math
import reprlib
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from IPython.display import Markdown, display
from numpy.typing import NDArray

_CHECKERS = (Path(__file__).parent, Path(__file__).parents[1] / "exercises")
_SECONDS = 10.0  # of its own that an answer may take


class NotYet(AssertionError):
    """An answer that is not right yet; its message says what to look at."""

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: a student's traceback through the checker would teach
        nothing.
        """
        return [f"✗ {self}"]


@dataclass(frozen=True)
class Exercise:
    """One exercise: how its answer is checked, and what helps to find it.

    Attributes
    ----------
    name : str
        What is asked, in a few words.
    checker : callable
        Takes the answer; raises `NotYet` with a message that helps when it is not
        right.
    hints : tuple of str
        Markdown, from a nudge to the solution.
    takes : str
        The parameters of the function that is asked for, as in its stub; empty when the
        answer is a value.
    returns : str
        What the function returns or the value is: one of the kinds that `check` knows,
        or in words what the checker looks at itself.
    not_finite : str
        What to look at when a number of the answer is NaN or infinite.
    """

    name: str
    checker: Callable[[Any], None]
    hints: tuple[str, ...]
    takes: str = ""
    returns: str = "numbers"
    not_finite: str = "Is something divided by zero, or a mean taken of no numbers?"


def check(exercise: Exercise, answer: Any) -> None:
    """Check an answer: show a tick, or stop with a message that says what to look at.

    The usual slips have messages of their own, in every exercise: no ``return``, the
    result in place of the function, other parameters, a result of another kind, NaN, a
    loop without end, an argument that has changed. An answer that raises an error of
    its own shows that error, since it is the student's code that must be mended. A stub
    that nobody has filled in raises `NotImplementedError` without a word, and is told
    so in one line.
    """
    missing = (
        f"{exercise.name}: there is no answer yet. Put yours in place of YOUR CODE "
        f"HERE."
    )
    if answer is None or answer is ...:
        raise NotYet(missing)
    watched = _Watched(exercise, answer)
    try:
        watched.run()
    except NotImplementedError as stub:
        if stub.args:  # a library's, which says what it lacks
            raise
        raise NotYet(missing) from None
    except NotYet:
        raise
    except _TooLongError as stopped:
        raise NotYet(
            f"this ran for {_SECONDS:g} seconds and was stopped{watched.at(stopped)}. "
            "Does each loop end? Look at what its condition compares, and whether that "
            "changes in every turn. (You can stop a running cell yourself, with ■ "
            "above the notebook or the keys I, I.)"
        ) from None
    except Exception as error:
        own = _from_the_answer_on(error.__traceback__)
        if error is watched.error or (own and not exercise.takes):
            raise error.with_traceback(own or error.__traceback__) from error.__cause__
        raise NotYet(
            f"{watched.subject} {_described(watched.latest)}, with which the check "
            f"cannot work ({error}); expected {exercise.returns}"
        ) from None
    display(Markdown(f"> **✓** {exercise.name}: right."))


def hint(exercise: Exercise, layer: int = 1) -> None:
    """Show one hint; the first only nudges, the last is the solution."""
    if not 1 <= layer <= len(exercise.hints):
        raise ValueError(
            f"layer must be between 1 and {len(exercise.hints)}, got {layer}"
        )
    if layer < len(exercise.hints):
        label, more = f"Hint {layer}.", f" There is more: `hint(..., {layer + 1})`."
    else:
        label, more = f"Hint {layer}, the last: this is the solution.", ""
    display(Markdown(f"> **{label}** {exercise.hints[layer - 1]}{more}"))


def require(condition: Any, message: str) -> None:
    """Raise `NotYet` with ``message`` unless ``condition`` holds: the one line that
    checkers are made of.
    """
    if not condition:
        raise NotYet(message)


def rounded(values: Any, digits: int = 4) -> str:
    """Return a number, or an array of them, as a person would write it in a message.

    Examples
    --------
    >>> rounded([-0.312, 5.99999906e06, 1 / 3, 2])
    '[-0.312, 5999999, 0.3333, 2]'
    >>> rounded(1.23456e-7)
    '1.235e-07'
    """
    array = _as_array(values)
    if array.ndim:
        shown = [rounded(value, digits) for value in array[:8]]
        return f"[{', '.join(shown)}{', …' if len(array) > len(shown) else ''}]"
    number = array.item()
    if not isinstance(number, float | complex):
        return str(number)
    if isinstance(number, complex) or not 1e-4 <= abs(number) < 1e9:
        return f"{number:.{digits}g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(number))), 0)
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


class _TooLongError(BaseException):
    """Raised in an answer that does not end; no ``except Exception`` catches it."""


class _Watched:
    """An answer as its checker gets it: each call of a function is watched."""

    def __init__(self, exercise: Exercise, answer: Any) -> None:
        self.exercise, self.answer, self.latest = exercise, answer, answer
        self.subject = "your function returns" if exercise.takes else "your answer is"
        self.error: Exception | None = None
        self.left = _SECONDS

    def run(self) -> None:
        if self.exercise.takes:
            self.require_a_function()
            self.exercise.checker(self)
        else:
            with _stopped_after(_SECONDS):
                self.look_at(self.answer)
                self.exercise.checker(self.answer)

    def __call__(self, *arguments: Any) -> Any:
        before = [[leaf.copy() for leaf in _leaves(a)] for a in arguments]
        start = time.monotonic()
        try:
            with _stopped_after(max(self.left, 0.01)):
                result = self.answer(*arguments)
                if isinstance(result, Iterator):
                    result = list(result)
        except Exception as error:
            self.error = error
            raise
        finally:
            self.left -= time.monotonic() - start
        for name, argument, kept in zip(
            self.exercise.takes.split(", "), arguments, before, strict=True
        ):
            require(
                _same(kept, list(_leaves(argument))),
                f"your function changes the caller's {name}: work on a copy",
            )
        self.look_at(result)
        return result

    def require_a_function(self) -> None:
        require(
            callable(self.answer),
            f"pass the function itself, by its name and without calling it: a function "
            f"of ({self.exercise.takes}) is expected, and this is "
            f"{_described(self.answer)}",
        )
        try:
            signature = inspect.signature(self.answer)
        except ValueError:  # of some functions written in C nothing is known
            return
        takes = self.exercise.takes.split(", ")
        try:
            signature.bind(*takes)
        except TypeError:
            raise NotYet(
                f"your function is called with {len(takes)} arguments, "
                f"({self.exercise.takes}), and has {len(signature.parameters)} "
                f"parameters: {signature}"
            ) from None

    def look_at(self, result: Any) -> None:
        """Refuse what no checker could work with: nothing, another kind, NaN."""
        self.latest = result
        expected = self.exercise.returns
        require(
            result is not None or expected.endswith("or None"),
            f"your function returns nothing: is a `return` missing? Expected "
            f"{expected}.",
        )
        require(
            _KINDS.get(expected, _anything)(result),
            f"{self.subject} {_described(result)}; expected {expected}",
        )
        for numbers in filter(_is_numeric, _leaves(result)):
            bad = numbers[~np.isfinite(numbers)]
            require(
                not bad.size,
                f"{self.subject} {'NaN' if np.isnan(bad).any() else 'infinity'}, which "
                f"is no number to compare. {self.exercise.not_finite}",
            )

    def at(self, stopped: _TooLongError) -> str:
        """Return the line of the answer that was running."""
        code = getattr(self.answer, "__code__", None)
        lines = [
            entry.line
            for entry in traceback.extract_tb(stopped.__traceback__)
            if code and entry.filename == code.co_filename and entry.line
        ]
        return f" at `{lines[-1]}`" if lines else ""


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Raise `_TooLongError` in what takes longer: by an alarm where the system has one
    and this is the main thread, else from another thread.
    """
    main = threading.current_thread() is threading.main_thread()
    if main and hasattr(signal, "setitimer"):
        limit = _by_alarm(seconds)
    else:
        limit = _by_thread(seconds)
    with limit:
        yield


@contextmanager
def _by_alarm(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        # Should the alarm come at the very end, nobody else may be there to restore it.
        signal.signal(signal.SIGALRM, before)
        raise _TooLongError

    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop) or signal.SIG_DFL
    due, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if due:  # somebody else's alarm, which was waiting
            rest = max(due - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    here = ctypes.c_ulong(threading.get_ident())
    stop = ctypes.py_object(_TooLongError)
    timer = threading.Timer(seconds, raise_in, (here, stop))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        raise_in(here, None)  # takes back what was raised too late to be seen


def _from_the_answer_on(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback without the checker's frames: None where nothing is left."""
    frames = traceback
    while frames and Path(frames.tb_frame.f_code.co_filename).parent in _CHECKERS:
        frames = frames.tb_next
    return frames


def _as_array(values: Any) -> NDArray[Any]:
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def _leaves(result: Any) -> Iterator[NDArray[Any]]:
    """Yield the arrays and single values of which a result is made."""
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, list | tuple | Set):
        for part in result:
            yield from _leaves(part)
    else:
        yield _as_array(result)


def _same(before: list[NDArray[Any]], after: list[NDArray[Any]]) -> bool:
    return len(before) == len(after) and all(map(np.array_equal, before, after))


def _is_numeric(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "biufc"


def _described(thing: Any) -> str:
    kind = type(thing).__name__
    if inspect.isroutine(thing):
        return "a function"
    if getattr(thing, "shape", ()):
        return f"something of type {kind} and shape {tuple(thing.shape)}"
    number = isinstance(thing, int | float | complex | np.number)
    shown = rounded(thing) if number else " ".join(reprlib.repr(thing).split())
    return f"{shown}, of type {kind}"


def _numbers(result: Any) -> bool:
    return not isinstance(result, Mapping) and all(map(_is_numeric, _leaves(result)))


def _this_many(*shape: int) -> Callable[[Any], bool]:
    return lambda result: _numbers(result) and np.shape(result) == shape


def _anything(_: Any) -> bool:
    return True


_KINDS: dict[str, Callable[[Any], bool]] = {
    "numbers": _numbers,
    "one number": _this_many(),
    "two numbers": _this_many(2),
    "three numbers": _this_many(3),
    "a dictionary of numbers": lambda r: (
        isinstance(r, Mapping) and all(map(_is_numeric, _leaves(r)))
    ),
    "a dictionary": lambda r: isinstance(r, Mapping),
    "a set of names": lambda r: isinstance(r, Set | list | tuple),
    "a set of columns, or None": lambda r: (
        r is None or isinstance(r, Set | list | tuple)
    ),
    "a string": lambda r: isinstance(r, str),
    "True or False": lambda r: isinstance(r, bool | np.bool_),
    "pairs of a word and a number": lambda r: (
        isinstance(r, list | tuple)
        and all(np.ndim(pair) == 1 and len(pair) == 2 for pair in r)
    ),
}
