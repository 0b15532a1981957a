"""Every exercise accepts honest answers, refuses plausible mistakes with a message that
helps, and knows the usual slips.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import re
import signal
import threading
import time
from copy import deepcopy
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from notebook_runner import code_cells

import xaicourse.exercises
from xaicourse.exercises import environment_shift, hyperparameters
from xaicourse.teaching import (
    Exercise,
    NotYet,
    check,
    curriculum,
    hint,
    require,
    rounded,
)
from xaicourse.teaching import exercise as machinery

MODULES = {
    module.name: importlib.import_module(f"xaicourse.exercises.{module.name}")
    for module in pkgutil.iter_modules(xaicourse.exercises.__path__)
}
MATERIAL = {name: importlib.import_module(f"exercises.{name}") for name in MODULES}
ALL = [
    (module, name, exercise)
    for module, contents in MODULES.items()
    for name, exercise in vars(contents).items()
    if isinstance(exercise, Exercise)
]
FUNCTIONS = [(m, n, e) for m, n, e in ALL if e.takes]


def each(exercises: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("module", "name", "exercise"),
        [pytest.param(m, n, e, id=f"{m}.{n}") for m, n, e in exercises],
    )


def refusal(exercise: Exercise, answer: Any) -> str:
    with pytest.raises(NotYet) as refused:
        check(exercise, answer)
    message = str(refused.value)
    assert "\n" not in message
    assert len(message) > 30
    return message


# ---- answers ----


@each(ALL)
def test_honest_answers_pass(module: str, name: str, exercise: Exercise) -> None:
    honest = MATERIAL[module].HONEST[name]
    assert honest
    for answer in honest:
        check(exercise, answer)


@each(ALL)
def test_wrong_answers_are_refused_with_different_help(
    module: str, name: str, exercise: Exercise
) -> None:
    wrong = MATERIAL[module].WRONG[name]
    assert len(wrong) >= 3
    messages = {mistake: refusal(exercise, answer) for mistake, answer in wrong.items()}
    assert len(set(messages.values())) >= 3, f"too few different messages: {messages}"
    for message in messages.values():
        assert not re.search(r"np\.\w+\(|array\(|\de\+0|\.\d{13}", message), message


@each(FUNCTIONS)
def test_an_argument_returned_is_no_answer(
    module: str, name: str, exercise: Exercise
) -> None:
    for i in range(exercise.takes.count(",") + 1):
        with pytest.raises(NotYet):
            check(exercise, lambda *arguments, i=i: arguments[i])


@each(FUNCTIONS)
def test_what_is_right_once_is_not_right_always(
    module: str, name: str, exercise: Exercise
) -> None:
    first: list[Any] = []

    def answer(*arguments: Any) -> Any:
        first.append(MATERIAL[module].HONEST[name][0](*arguments))
        return first[0]

    refusal(exercise, answer)


@each(FUNCTIONS)
def test_an_answer_must_not_change_what_it_is_given(
    module: str, name: str, exercise: Exercise
) -> None:
    honest, changed = MATERIAL[module].HONEST[name][0], []
    for i in range(exercise.takes.count(",") + 1):

        def answer(*arguments: Any, i: int = i) -> Any:
            result, given = honest(*arguments), arguments[i]
            if isinstance(given, np.ndarray | torch.Tensor):
                result = deepcopy(getattr(result, "detach", lambda: result)())
                opposite = given.dtype in (bool, torch.bool)
                given[...] = not given.any() if opposite else 7
                changed.append(i)
            elif isinstance(given, list | dict):
                given.clear()
                changed.append(i)
            return result

        with contextlib.suppress(NotYet):
            check(exercise, answer)
        if i in changed:
            assert "your function changes the caller's" in refusal(exercise, answer)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_in_the_package_gives_an_answer_away(module: str) -> None:
    exercises = {n: e for n, e in vars(MODULES[module]).items() if type(e) is Exercise}
    material = MATERIAL[module]
    assert set(exercises) == set(material.HONEST) == set(material.WRONG)
    assert material.ALTERATIONS
    assert not {"HONEST", "WRONG", "ALTERATIONS"} & set(vars(MODULES[module]))
    for value in vars(MODULES[module]).values():
        home = getattr(value, "__module__", MODULES[module].__name__)
        if home == MODULES[module].__name__ and not isinstance(value, type):
            for exercise in exercises.values():
                with pytest.raises(Exception):  # noqa: B017, PT011
                    check(exercise, value)


def test_an_exercise_holds_its_checker_and_hints_alone() -> None:
    assert {f.name for f in fields(Exercise)} == {
        "name",
        "checker",
        "hints",
        "takes",
        "returns",
        "not_finite",
    }


@pytest.mark.parametrize("notebook", curriculum.notebooks(), ids=lambda n: n.path)
def test_the_parameters_are_those_of_the_stub(notebook: Any) -> None:
    cells = code_cells(notebook)
    imports = [
        line.split()[3]
        for cell in cells
        for line in cell.source.splitlines()
        if line.startswith("from xaicourse.exercises import")
    ]
    for cell in cells:
        for name, answer in re.findall(
            r"^check\(exercises\.(\w+), (\w+)", cell.source, re.M
        ):
            names: dict[str, Any] = {"np": np}
            takes = getattr(MODULES[imports[0]], name).takes
            stub = re.search(rf"^(def {answer}\(.*?\)):", cell.source, re.M | re.S)
            assert bool(takes) == bool(stub)
            if stub:
                exec(f"{stub[1]}: pass", names)
                parameters = list(inspect.signature(names[answer]).parameters)
                assert takes.split(", ") == parameters[: len(takes.split(", "))]


# ---- hints ----


@each(ALL)
def test_hints_come_in_layers_and_the_last_is_the_solution(
    module: str, name: str, exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    machinery_display = machinery.display
    machinery.display = lambda markdown: shown.append(markdown.data)
    try:
        for layer in range(1, len(exercise.hints) + 1):
            hint(exercise, layer)
    finally:
        machinery.display = machinery_display
    assert len(shown) >= 2
    assert ["this is the solution" in text for text in shown] == [False] * (
        len(shown) - 1
    ) + [True]
    with pytest.raises(ValueError, match="layer"):
        hint(exercise, len(exercise.hints) + 1)


# ---- the usual slips, in every exercise ----


@each(FUNCTIONS)
def test_a_forgotten_return(module: str, name: str, exercise: Exercise) -> None:
    assert "is a `return` missing?" in refusal(exercise, lambda *_: None)


@each(FUNCTIONS)
def test_the_result_in_place_of_the_function(
    module: str, name: str, exercise: Exercise
) -> None:
    for result in (3.5, "3.5", [1, 2], np.ones((2, 3)), torch.ones(2), {"a": 1}, True):
        message = refusal(exercise, result)
        assert "pass the function itself" in message
        assert exercise.takes in message


@each(FUNCTIONS)
def test_another_number_of_parameters(
    module: str, name: str, exercise: Exercise
) -> None:
    n = exercise.takes.count(",") + 1
    for wrong in (n - 1, n + 1):
        parameters = ", ".join("abcdefgh"[:wrong])
        message = refusal(exercise, eval(f"lambda {parameters}: 0"))
        assert f"is called with {n} argument" in message
        assert f"({exercise.takes})" in message
        assert f"has {wrong} parameter" in message


@each(FUNCTIONS)
def test_the_checker_calls_with_as_many_arguments(
    module: str, name: str, exercise: Exercise
) -> None:
    counts = set()

    def answer(*arguments: Any) -> Any:
        counts.add(len(arguments))
        return MATERIAL[module].HONEST[name][0](*arguments)

    check(exercise, answer)
    assert counts == {exercise.takes.count(",") + 1}


NOT_FINITE = {
    "one number": np.float64,
    "two numbers": lambda bad: (1.0, bad),
    "three numbers": lambda bad: [1.0, bad, 0.0],
    "numbers": lambda bad: np.array([bad, 2.0]),
    "a dictionary of numbers": lambda bad: {"a": bad, "b": 0.5},
    "pairs of a word and a number": lambda bad: [("film", bad)],
}


@each([(m, n, e) for m, n, e in FUNCTIONS if e.returns in NOT_FINITE])
def test_nan_and_infinity(module: str, name: str, exercise: Exercise) -> None:
    returned = NOT_FINITE[exercise.returns]
    for bad, said in ((np.nan, "NaN"), (-np.inf, "infinity")):
        message = refusal(exercise, lambda *_, bad=bad: returned(bad))
        assert f"returns {said}" in message
        assert exercise.not_finite in message


@each(FUNCTIONS)
def test_another_kind_of_thing_returned(
    module: str, name: str, exercise: Exercise
) -> None:
    things: list[tuple[Any, str]] = [
        ("seven" if exercise.returns != "a string" else 7, "seven|7"),
        (len, "a function"),
        (object(), "of type object"),
    ]
    for thing, said in things:
        message = refusal(exercise, lambda *_, thing=thing: thing)
        assert re.search(said, message)
        assert f"expected {exercise.returns}" in message


THINGS: list[Any] = [
    *([], (), {}, set(), -1, 0.0, "", True, 1 + 2j, np.zeros((2, 3, 4))),
    *([[1.0, 2], [3.0]], {"x": 1.0}, {"a": "b"}, np.array(["a", "b"]), [None, 1.0]),
    *(np.zeros(0), torch.ones(2, requires_grad=True), [(1, 2, 3)], {"mean": None}),
]


@each(FUNCTIONS)
def test_no_result_whatever_ends_in_the_checkers_traceback(
    module: str, name: str, exercise: Exercise
) -> None:
    for thing in THINGS:
        with pytest.raises(NotYet):
            check(exercise, lambda *_, thing=thing: thing)


@each([(m, n, e) for m, n, e in ALL if not e.takes])
def test_another_kind_of_value(module: str, name: str, exercise: Exercise) -> None:
    for value in ("seven", lambda: 1, object(), [], 3.0, [["a", "b"]], {1: {2: 3}}):
        message = refusal(exercise, value)
        assert "array" not in message


# ---- a loop without end ----


def endless(weights: Any, factors: Any) -> Any:
    total = 0.0
    while total < 1:
        with contextlib.suppress(Exception):
            total *= 2
    return weights


def endless_generator(weights: Any, factors: Any) -> Any:
    while True:
        yield 1.0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machinery, "_SECONDS", 0.3)


def refused_in_time(answer: Any) -> str:
    start = time.monotonic()
    message = refusal(environment_shift.another_unit, answer)
    assert time.monotonic() - start < 3
    assert "was stopped" in message
    assert "■" in message
    assert "I, I" in message
    return message


def test_ten_seconds_are_allowed() -> None:
    assert machinery._SECONDS == 10


@pytest.mark.usefixtures("hasty")
def test_a_loop_without_end_is_stopped_and_named() -> None:
    before = signal.getsignal(signal.SIGALRM)
    assert re.search(
        r"at `(while total < 1:|total \*= 2|with contextlib.*)`",
        refused_in_time(endless),
    )
    refused_in_time(endless_generator)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("where", ["another thread", "a system without alarms"])
def test_a_loop_without_end_is_stopped_without_an_alarm(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []

    def run() -> None:
        messages.append(refused_in_time(endless))
        time.sleep(0.5)  # nothing comes later

    threads = threading.active_count()
    if where == "another thread":
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(10)
    else:
        monkeypatch.delattr(signal, "setitimer")
        run()
    assert len(messages) == 1
    assert threading.active_count() == threads


@pytest.mark.usefixtures("hasty")
def test_a_table_or_a_world_without_end_is_stopped() -> None:
    class Endless:
        def __array__(self, *_: Any, **__: Any) -> Any:
            while True:
                pass

    exercise = Exercise(
        "Sum", lambda a: require(np.sum(a) > 0, "?"), ("?",), returns="?"
    )
    with pytest.raises(NotYet, match="was stopped"):
        check(exercise, Endless())


@pytest.mark.usefixtures("hasty")
def test_the_checkers_own_time_does_not_count() -> None:
    def checker(answer: Any) -> None:
        for _ in range(4):
            time.sleep(0.1)
            answer(1)

    check(Exercise("Wait", checker, ("?",), takes="x"), lambda x: x)


@pytest.mark.usefixtures("hasty")
def test_the_time_of_all_calls_together_counts() -> None:
    def slow(weights: Any, factors: Any) -> Any:
        time.sleep(0.1)
        return weights / factors

    def checker(answer: Any) -> None:
        for _ in range(100):
            answer(1.0, 2.0)

    with pytest.raises(NotYet, match="was stopped"):
        check(Exercise("Wait", checker, ("?",), takes="x, y"), slow)


def test_somebody_elses_alarm_still_comes() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        check(
            hyperparameters.marginal, MATERIAL["hyperparameters"].HONEST["marginal"][0]
        )
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.3
        time.sleep(0.5)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- what is shown ----


def test_numbers_are_rounded_for_a_person() -> None:
    assert rounded(-0.31200000000000006) == "-0.312"
    assert rounded(np.array([-0.312, 5.99999906e06, 0, 1e-7, 123.456])) == (
        "[-0.312, 5999999, 0, 1e-07, 123.5]"
    )
    assert rounded([[1, 2.50001], [np.nan, 3.0]]) == "[[1, 2.5], [nan, 3]]"
    assert rounded(torch.ones(2, requires_grad=True)) == "[1, 1]"
    assert rounded(range(20)) == "[0, 1, 2, 3, 4, 5, 6, 7, …]"
    assert rounded(99999.6) == "100000"
    assert rounded(8.0000001, 12) == "8.0000001"
    assert rounded([True, False]) == "[True, False]"


def test_an_empty_answer_is_told_so() -> None:
    for empty in (None, ...):
        with pytest.raises(NotYet, match="no answer yet"):
            check(environment_shift.another_unit, empty)


def test_a_refusal_shows_its_message_alone() -> None:
    with pytest.raises(NotYet) as refused:
        require(False, "look at the sign")
    assert refused.value._render_traceback_() == ["✗ look at the sign"]


def test_the_students_own_error_is_not_hidden() -> None:
    exercise = Exercise("Divide", lambda f: f(0), ("?",), takes="x")
    with pytest.raises(ZeroDivisionError):
        check(exercise, lambda x: 1 / x)


def test_an_error_in_the_answer_is_shown_without_the_checkers_frames() -> None:
    def answer(*_: Any) -> Any:
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as failure:
        check(environment_shift.another_unit, answer)
    functions = [entry.name for entry in failure.traceback]
    assert functions[-1] == "answer"
    assert not {"_check_another_unit", "__call__", "run"} & set(functions)


def test_an_error_in_a_world_is_shown_too() -> None:
    from xaicourse.causality import StructuralCausalModel

    world = StructuralCausalModel({"x2": lambda noise: noise, "y": lambda x2: x2 / "a"})
    with pytest.raises(TypeError) as failure:
        check(environment_shift.turn_the_arrow, world)
    assert failure.traceback[-1].name == "<lambda>"
