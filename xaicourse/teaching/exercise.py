"""Exercises: a check that explains what is wrong, and hints in layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.display import Markdown, display

_CHECKERS = (Path(__file__).parent, Path(__file__).parents[1] / "exercises")


class NotYet(AssertionError):
    """An answer that is not right yet; its message says what to look at."""

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: a student's traceback through the checker would teach
        nothing.
        """
        return [f"✗ {self}"]


@dataclass(frozen=True)
class Exercise:
    """One exercise, with what its tests need to know.

    Attributes
    ----------
    name : str
        What is asked, in a few words.
    checker : callable
        Takes the answer; raises `NotYet` with a message that helps when it is not
        right.
    hints : tuple of str
        Markdown, from a nudge to nearly the solution.
    honest : tuple
        Answers written differently that must be accepted.
    wrong : mapping of str to Any
        Plausible wrong answers, by a word on the mistake; each must be refused.
    """

    name: str
    checker: Callable[[Any], None]
    hints: tuple[str, ...]
    honest: tuple[Any, ...]
    wrong: dict[str, Any]


def check(exercise: Exercise, answer: Any) -> None:
    """Check an answer: show a tick, or stop with a message that says what to look at.

    An answer that raises an error of its own shows that error, since it is the
    student's code that must be mended. A stub that nobody has filled in raises
    `NotImplementedError` without a word, and is told so in one line.
    """
    missing = f"{exercise.name}: there is no answer yet. Put yours in place of YOUR CODE HERE."
    if answer is None or answer is ...:
        raise NotYet(missing)
    try:
        exercise.checker(answer)
    except NotImplementedError as stub:
        if stub.args:  # a library's, which says what it lacks
            raise
        raise NotYet(missing) from None
    except NotYet:
        raise
    except Exception as error:
        raise error.with_traceback(
            _from_the_answer_on(error.__traceback__)
        ) from error.__cause__
    display(Markdown(f"> **✓** {exercise.name}: right."))


def _from_the_answer_on(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback without the checker's frames: all of it where the answer's
    own code was never reached.
    """
    frames = traceback
    while frames and Path(frames.tb_frame.f_code.co_filename).parent in _CHECKERS:
        frames = frames.tb_next
    return frames or traceback


def hint(exercise: Exercise, layer: int = 1) -> None:
    """Show one hint; the first only nudges, each next one says more."""
    if not 1 <= layer <= len(exercise.hints):
        raise ValueError(
            f"layer must be between 1 and {len(exercise.hints)}, got {layer}"
        )
    more = (
        f" There is more: `hint(..., {layer + 1})`."
        if layer < len(exercise.hints)
        else " This is the last hint."
    )
    display(Markdown(f"> **Hint {layer}.** {exercise.hints[layer - 1]}{more}"))


def require(condition: Any, message: str) -> None:
    """Raise `NotYet` with ``message`` unless ``condition`` holds: the one line that
    checkers are made of.
    """
    if not condition:
        raise NotYet(message)
