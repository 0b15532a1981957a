"""Every exercise accepts its solution and honest variants, and refuses plausible
mistakes with a message that helps.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

import xaicourse.exercises
from xaicourse.exercises import environment_shift
from xaicourse.teaching import Exercise, NotYet, check, hint, require

EXERCISES = [
    pytest.param(exercise, id=f"{module.name}.{name}")
    for module in pkgutil.iter_modules(xaicourse.exercises.__path__)
    for name, exercise in vars(
        importlib.import_module(f"xaicourse.exercises.{module.name}")
    ).items()
    if isinstance(exercise, Exercise)
]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_honest_answers_pass(exercise: Exercise) -> None:
    assert exercise.honest
    for answer in exercise.honest:
        exercise.checker(answer)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_wrong_answers_are_refused_with_different_help(exercise: Exercise) -> None:
    assert len(exercise.wrong) >= 3
    messages = {}
    for mistake, answer in exercise.wrong.items():
        with pytest.raises(NotYet) as refusal:
            exercise.checker(answer)
        messages[mistake] = str(refusal.value)
    assert all(len(message) > 30 for message in messages.values())
    assert len(set(messages.values())) >= 3, (
        f"the same message for every mistake: {messages}"
    )


@pytest.mark.parametrize("exercise", EXERCISES)
def test_hints_come_in_layers(
    exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(exercise.hints) >= 2
    for layer in range(1, len(exercise.hints) + 1):
        hint(exercise, layer)
    with pytest.raises(ValueError, match="layer"):
        hint(exercise, len(exercise.hints) + 1)


def test_an_empty_answer_is_told_so() -> None:
    exercise = Exercise(
        "Nothing", checker=lambda _: None, hints=("?",), honest=(1,), wrong={}
    )
    for empty in (None, ...):
        with pytest.raises(NotYet, match="no answer yet"):
            check(exercise, empty)


def test_a_refusal_shows_its_message_alone() -> None:
    with pytest.raises(NotYet) as refusal:
        require(False, "look at the sign")
    assert refusal.value._render_traceback_() == ["✗ look at the sign"]


def test_the_students_own_error_is_not_hidden() -> None:
    exercise = Exercise(
        "Divide", checker=lambda f: f(0), hints=("?",), honest=(abs,), wrong={}
    )
    with pytest.raises(ZeroDivisionError):
        check(exercise, lambda x: 1 / x)


def test_an_error_in_the_answer_is_shown_without_the_checkers_frames() -> None:
    def answer(*_: Any) -> Any:
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as failure:
        check(environment_shift.another_unit, answer)
    functions = [entry.name for entry in failure.traceback]
    assert functions[-1] == "answer"
    assert "_check_another_unit" not in functions
