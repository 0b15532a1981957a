"""What becomes of nonsense: every public function is called with one argument that
makes no sense, the others being right, and its answer is sorted.

`nonsense_cases` holds one right call of each public function. Each of its arguments is
replaced, one at a time, by values that make no sense for an argument of its kind: a
NaN in an array, a masked or complex array, strings, dates, wrong shapes, a negative
count, a rate of NaN, a function that returns None. The answer should be a ValueError or
a TypeError whose first words name the argument.

    python tests/nonsense.py [MODULE or FUNCTION ...]

prints how many answers of each module were so, and what the others were.

Not counted as nonsense, as the package has no say in it: what a model or a function of
the user raises by itself (a network that gets a wrong number of columns), and what is
handed on to it untouched (`additional_forward_args`).
"""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import random
import re
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from xaicourse.datasets import Dataset

LIMIT = 15.0  # seconds of a call, on a busy machine
CLEAR, OTHER, ACCEPTED, SILENT_NAN, HANGS, CHANGED = (
    "clear error",
    "other error",
    "accepted",
    "silent NaN",
    "hangs",
    "changed something",
)
NAN, INF = float("nan"), float("inf")
DAY = np.datetime64("2026-01-31")
WRONG_SHAPE = {
    "a row less",
    "a column less",
    "a further axis",
    "an axis less",
    "a part less",
    "two parts exchanged",
}
"""What is wrong between arguments: the error may name any of them."""

Values = Iterator[tuple[str, Any]]


def _as(valid: Any, array: Any) -> Any:
    """Numbers in the kind of those that are right, where it can hold them."""
    array = np.asanyarray(array)
    masked = isinstance(array, np.ma.MaskedArray)
    if isinstance(valid, Tensor) and array.dtype.kind in "biufc" and not masked:
        kind = valid.dtype if array.dtype.kind == "f" else None
        floating = kind is None or kind.is_floating_point
        return torch.tensor(array, dtype=kind if floating else torch.float64)
    if isinstance(valid, pd.DataFrame) and array.ndim == 2 and not masked:
        named = valid.columns if len(valid.columns) == array.shape[1] else None
        return pd.DataFrame(array, columns=named)
    if isinstance(valid, pd.Series) and array.ndim == 1 and not masked:
        return pd.Series(array)
    return array


def _first(array: Any, value: Any) -> Any:
    changed = np.array(array)
    changed[(0,) * changed.ndim] = value
    return changed


def no_array() -> Values:
    """What is no array of numbers at all."""
    yield "None", None
    yield "a number", 3.5
    yield "a string", "red"
    yield "a mapping", {"a": 1.0}
    yield "a function", len
    yield "ragged lists", [[1.0], [1.0, 2.0]]


def no_numbers(valid: Any) -> Values:
    """Arrays of the right shape that hold no numbers, or not only."""
    shape = np.shape(valid)
    as_is = np.asarray(valid)
    numbers = as_is.astype(float)
    yield "a NaN", _as(valid, _first(numbers, NAN))
    yield "a NaN, as a list", _first(numbers, NAN).tolist()
    yield "infinity", _as(valid, _first(numbers, INF))
    yield "minus infinity", _as(valid, _first(numbers, -INF))
    yield "masked", np.ma.MaskedArray(as_is, _first(np.zeros(shape, bool), True))
    yield "complex", _as(valid, numbers + 1j)
    yield "strings", _as(valid, np.full(shape, "red"))
    yield "numeric strings", _as(valid, as_is.astype(str))
    yield "numeric strings, as objects", as_is.astype(str).astype(object)
    yield "a None inside, as a list", _first(as_is.astype(object), None).tolist()
    yield "a string inside", _as(valid, _first(as_is.astype(object), "1"))
    yield "dates", _as(valid, np.full(shape, DAY))
    yield "durations", np.full(shape, DAY - DAY)
    yield "objects", np.full(shape, object())


def of_rows(valid: Any) -> Values:
    """Numbers, of which there may be more or fewer."""
    array = np.asarray(valid)
    yield from no_numbers(valid)
    yield from no_array()
    yield "none", _as(valid, array[:0])
    yield "a further axis", _as(valid, array[None])
    yield "an axis less", _as(valid, array[0])


def of_array(valid: Any) -> Values:
    """Numbers whose shape the other arguments decide."""
    array = np.asarray(valid)
    yield from of_rows(valid)
    yield "a row less", _as(valid, array[1:])
    if array.ndim > 1:
        yield "a column less", _as(valid, array[:, 1:])


def of_classes(valid: Any) -> Values:
    """Whole numbers, one a row."""
    yield from of_array(valid)
    yield "fractions", _as(valid, np.asarray(valid) + 0.5)


def of_mask(valid: Any) -> Values:
    """True and False."""
    yield from of_array(valid)
    yield "numbers", _as(valid, np.asarray(valid) + 2.5)


def of_numbers_or_one(valid: Any) -> Values:
    """Numbers, or one for all."""
    for label, value in of_array(valid):
        if label != "a number" and not (label == "an axis less" and np.ndim(value) < 1):
            yield label, value
    yield "a NaN alone", NAN
    yield "a complex number", 1j


def of_many(valid: Any) -> Values:
    """Anything, one a row: what is done with it is the user's affair."""
    yield "None", None
    yield "a number", 3.5
    yield "a row less", valid[1:]


def of_tensors(valid: Any) -> Values:
    """Several tensors."""
    first, *rest = valid
    for label, value in no_array():
        yield label, value
        if label not in ("a mapping",):
            yield f"{label} among them", [value, *rest]
    for label, value in of_array(first):
        if label != "a row less":
            yield f"{label}, in the first", [value, *rest]
    yield "none", []
    yield "a part less", rest


def of_environments(valid: Any) -> Values:
    """Pairs of a table and answers."""
    (X, y), *rest = valid
    yield "None", None
    yield "a number", 3
    yield "a string", "red"
    yield "none", []
    yield "one only", valid[:1]
    yield "numbers", [1.0, 2.0]
    yield "a triple", [(X, y, y), *rest]
    yield "Nones", [(None, None), *rest]
    for label, value in of_array(X):
        if label != "a column less":
            yield f"X: {label}", [(value, y), *rest]
    for label, value in of_array(y):
        yield f"y: {label}", [(X, value), *rest]


def of_bounds(valid: Any) -> Values:
    """Lower and upper ends."""
    yield from of_array(valid)
    yield "upside down", np.asarray(valid)[:, ::-1]
    yield "no width", np.asarray(valid) * 0


def of_pair(valid: Any) -> Values:
    """Two numbers, the lower first."""
    yield from of_array(valid)
    yield "three", [*valid, 5.0]


def of_reference(valid: Any) -> Values:
    """A number and its name."""
    yield "a number", 3.0
    yield "a string", "chance"
    yield "one part", (0.5,)
    yield "three parts", (0.5, "a", "b")
    yield "a NaN", (NAN, "chance")
    yield "words", ("half", "chance")
    yield "no name", (0.5, 0.5)


def of_table(valid: Any) -> Values:
    """A DataFrame of which some columns are needed."""
    yield from no_array()
    yield "an array", valid.to_numpy()
    yield "without its columns", valid.iloc[:, :0]
    yield "none", valid.iloc[:0]
    yield "other names", valid.add_suffix("?")


def no_number() -> Values:
    """What is no single number."""
    yield "None", None
    yield "NaN", NAN
    yield "infinity", INF
    yield "minus infinity", -INF
    yield "a string", "red"
    yield "a numeric string", "3"
    yield "a complex number", 2j
    yield "a list", [3]
    yield "a mapping", {}
    yield "a date", date(2026, 1, 31)
    yield "a function", len
    yield "a masked number", np.ma.masked


def of_number(valid: Any) -> Values:
    """A real number."""
    yield from no_number()
    yield "True", True
    yield "two numbers", np.array([0.25, 0.5])


def of_rate(valid: Any) -> Values:
    """A number that is not negative."""
    yield from of_number(valid)
    yield "negative", -0.5


def of_positive(valid: Any) -> Values:
    """A number above zero."""
    yield from of_rate(valid)
    yield "zero", 0.0


def of_share(valid: Any) -> Values:
    """A number from 0 to 1."""
    yield from of_rate(valid)
    yield "above one", 1.5


def of_whole(valid: Any) -> Values:
    """A whole number from 0 on."""
    yield from no_number()
    yield "True", True
    yield "negative", -1
    yield "a fraction", 1.5
    yield "a float", 3.0


def of_count(valid: Any) -> Values:
    """A whole number from 1 on."""
    yield from of_whole(valid)
    yield "zero", 0


def of_seed(valid: Any) -> Values:
    """A seed."""
    for label, value in of_whole(valid):
        if label != "None":
            yield label, value
    yield "a generator of another kind", np.random.RandomState(0)


def of_seed_number(valid: Any) -> Values:
    """A seed that is a number."""
    yield from of_seed(valid)
    yield "None", None


def of_flag(valid: Any) -> Values:
    """True or False."""
    yield "None", None
    yield "a word", "yes"
    yield "two", 2
    yield "NaN", NAN
    yield "a list", []
    yield "an array", np.array([True, False])


def of_choice(valid: Any) -> Values:
    """One of some words."""
    yield "None", None
    yield "another word", "nonsense"
    yield "in capitals", str(valid).upper() + "?"
    yield "a number", 3
    yield "NaN", NAN
    yield "a list", [valid]
    yield "bytes", b"plain"
    yield "a mapping", {}


def of_text(valid: Any) -> Values:
    """Any words."""
    yield "None", None
    yield "a number", 3
    yield "NaN", NAN
    yield "a list", [valid]
    yield "bytes", b"plain"


def of_texts(valid: Any) -> Values:
    """Several words, as many as the other arguments say."""
    yield "None", None
    yield "a number", 3
    yield "a word", "red"
    yield "none", []
    yield "numbers", [1.0] * len(valid)
    yield "Nones", [None] * len(valid)
    yield "a part less", list(valid)[1:]


def of_column(valid: Any) -> Values:
    """A column of a table."""
    yield "None", None
    yield "another", "nonsense"
    yield "out of range", 99
    yield "NaN", NAN
    yield "a list", [valid]
    yield "a mapping", {}


def of_target(valid: Any) -> Values:
    """Outputs to explain, one for all or one a row."""
    yield "negative", -1
    yield "out of range", 99
    yield "a fraction", 1.5
    yield "NaN", NAN
    yield "a string", "0"
    yield "True", True
    yield "complex", 1j
    yield "a mapping", {}
    yield "a function", len
    yield "fractions", [0.5, 0.5, 0.5, 0.5]
    yield "floats", torch.zeros(4)
    yield "booleans", np.zeros(4, bool)
    yield "strings", np.array(["0", "1", "0", "1"])
    yield "as a list, strings", ["0", "1", "0", "1"]
    yield "a NaN inside, as a list", [0, 1, 0, NAN]
    yield "a None inside, as a list", [0, 1, 0, None]
    yield "too few", [0]
    yield "too many", torch.zeros(9, dtype=torch.long)
    yield "two axes", np.zeros((4, 1), int)
    yield "one out of range", [0, 1, 0, 99]
    yield "masked", np.ma.MaskedArray([0, 1, 0, 1], [True, False, False, False])
    yield "dates", np.full(4, DAY)


def of_target_number(valid: Any) -> Values:
    """One output for all."""
    for label, value in of_target(valid):
        if np.ndim(value) == 0:
            yield label, value
    yield "a list", [valid]


def of_positions(valid: Any) -> Values:
    """Different positions, at least one."""
    yield "None", None
    yield "a number", 0
    yield "a string", "red"
    yield "none", []
    yield "negative", [-1]
    yield "out of range", [99]
    yield "twice", [0, 0]
    yield "fractions", [0.5]
    yield "floats", [0.0]
    yield "NaN", [NAN]
    yield "strings", ["0"]
    yield "True", [True]
    yield "Nones", [None]
    yield "lists", [[0]]


def of_widths(valid: Any) -> Values:
    """Widths of layers, or none."""
    yield "None", None
    yield "a number", 4
    yield "a string", "44"
    yield "zero", [0]
    yield "negative", [-1]
    yield "fractions", [1.5]
    yield "NaN", [NAN]
    yield "strings", ["4"]
    yield "Nones", [None]
    yield "lists", [[4]]
    yield "True", [True]


def of_counts(valid: Any) -> Values:
    """Whole numbers from 1 on, at least one."""
    yield from of_widths(valid)
    yield "none", []


def of_count_or_counts(valid: Any) -> Values:
    """A whole number from 1 on, or one for each axis."""
    yield from of_count(valid)
    yield "strings", ["1", "1"]
    yield "fractions", [0.5, 0.5, 0.5]
    yield "many", [1] * 9


def of_seeds(valid: Any) -> Values:
    """One seed a network."""
    yield "None", None
    yield "a number", 0
    yield "a string", "01"
    yield "none", []
    yield "negative", [-1]
    yield "fractions", [1.5]
    yield "NaN", [NAN]
    yield "strings", ["0"]
    yield "True", [True]
    yield "Nones", [None]
    yield "lists", [[0]]


def of_numbers(valid: Any) -> Values:
    """Numbers from 0 on, at least one."""
    yield "None", None
    yield "a number", 1.0
    yield "a string", "01"
    yield "none", []
    yield "negative", [-1.0]
    yield "NaN", [NAN]
    yield "infinity", [INF]
    yield "strings", ["0"]
    yield "True", [True]
    yield "complex", [1j]
    yield "Nones", [None]
    yield "lists", [[0.5]]


def of_progress(valid: Any) -> Values:
    """A wrapper of an iterable."""
    yield "a number", 3
    yield "True", True
    yield "a string", "tqdm"
    yield "a list", []
    yield "returns None", lambda _: None


def of_device(valid: Any) -> Values:
    """Where to compute."""
    yield "None", None
    yield "a word", "nonsense"
    yield "a number", 3.5
    yield "a list", ["cpu"]
    yield "one that is not there", "cuda:99"


def of_jobs(valid: Any) -> Values:
    """How many processes."""
    for label, value in of_count(valid):
        if label != "negative":
            yield label, value


def _changed(output: Any, change: Callable[[Any], Any]) -> Any:
    """What a function returned, changed and in its kind."""
    if isinstance(output, Tensor):
        return change(output)
    found = change(torch.as_tensor(np.asarray(output)).double())
    return found.detach().numpy() if isinstance(found, Tensor) else found


ANSWERS: dict[str, Callable[[Any], Any]] = {
    "returns None": lambda _: None,
    "returns a string": lambda _: "red",
    "returns a mapping": lambda _: {"a": 1},
    "returns an object": lambda _: object(),
    "returns NaN": lambda x: x * NAN,
    "returns infinity": lambda x: x * 0 + INF,
    "returns complex numbers": lambda x: x + 1j,
    "returns two further axes": lambda x: x[..., None, None],
}


def no_function() -> Values:
    """What cannot be called."""
    yield "None", None
    yield "a number", 3
    yield "a string", "red"
    yield "a mapping", {}
    yield "an array", np.zeros((4, 3))


def of_function(valid: Any) -> Values:
    """A function, and what it returns."""
    yield from no_function()
    for label, change in ANSWERS.items():
        yield label, lambda *args, _c=change, **kw: _changed(valid(*args, **kw), _c)


class Changed(nn.Module):
    """A network that says something else."""

    def __init__(self, network: Any, change: Callable[[Any], Any]) -> None:
        super().__init__()
        self.network, self.change = network, change

    def forward(self, *args: Any, **options: Any) -> Any:
        """Change what it says."""
        said = self.network(*args, **options)
        return self.change(getattr(said, "logits", said))


def of_model(valid: Any) -> Values:
    """A network, and what it says."""
    yield from no_function()
    yield "a class", nn.ReLU
    yield "an object", object()
    for label, change in ANSWERS.items():
        yield label, Changed(valid, change)


def of_module(valid: Any) -> Values:
    """A network whose layers are looked at."""
    yield from no_function()
    yield "a class", nn.ReLU
    yield "an object", object()
    yield "a function", len


def of_score(valid: Any) -> Values:
    """A function to one number."""
    yield from no_function()
    for label in ("returns None", "returns a string", "returns a mapping"):
        yield label, lambda *_, _a=ANSWERS[label]: _a(None)
    yield "returns NaN", lambda *_: NAN
    yield "returns infinity", lambda *_: INF
    yield "returns a complex number", lambda *_: 1j
    yield "returns several", lambda *_: np.zeros(4)


def of_object(valid: Any) -> Values:
    """An object of a certain class."""
    yield from no_function()
    yield "a list", []
    yield "bytes", b"red"
    yield "a date", date(2026, 1, 31)


def of_mapping(valid: Any) -> Values:
    """Something by name."""
    yield "None", None
    yield "a number", 3
    yield "a string", "red"
    yield "a list", [1.0]
    yield "a function", len


def of_named_arrays(valid: Any) -> Values:
    """Arrays by name."""
    yield from of_mapping(valid)
    yield "none", {}
    name, *rest = valid
    others = {other: valid[other] for other in rest}
    for label, value in of_array(valid[name]):
        yield f"{label}, in the first", {name: value, **others}


def of_date(valid: Any) -> Values:
    """A day."""
    yield "None", None
    yield "a string", "2026-01-31"
    yield "a moment", datetime(2026, 1, 31, 12)
    yield "a number", 3
    yield "NumPy's", DAY


def of_digest(valid: Any) -> Values:
    """A SHA-256 digest."""
    yield from of_text(valid)
    yield "too short", str(valid)[1:]
    yield "in capitals", "A" * 64
    yield "other letters", "x" * 64


def of_path(valid: Any) -> Values:
    """Where a file is."""
    yield "None", None
    yield "a number", 3.5
    yield "a list", []
    yield "a mapping", {}


def of_ids(valid: Any) -> Values:
    """Word ids."""
    yield from of_array(valid)
    yield "negative", valid * 0 - 1
    yield "out of range", valid * 0 + 999
    yield "booleans", valid > 0


KINDS: dict[str, Callable[[Any], Values]] = {
    name.removeprefix("of_"): kind
    for name, kind in list(globals().items())
    if name.startswith("of_")
}
BY_NAME = {
    "inputs": "rows",
    "X": "rows",
    "y": "classes",
    "target": "target",
    "seed": "seed",
    "seeds": "seeds",
    "progress": "progress",
    "device": "device",
    "hidden": "widths",
    "internal_batch_size": "count",
    "n_jobs": "jobs",
    "learning_rate": "rate",
    "l2": "rate",
    "tol": "rate",
    "bounds": "bounds",
    "environments": "environments",
    "source": "choice",
}
BY_TYPE: list[tuple[Any, str]] = [
    (bool, "flag"),
    (int, "count"),
    (float, "rate"),
    (nn.Module, "model"),
    (Tensor | np.ndarray | pd.Series | pd.DataFrame, "array"),
    (str, "text"),
    (Callable, "function"),
]


@dataclasses.dataclass(frozen=True)
class Case:
    """A right call of a public function.

    `arguments` are right; those that are missing keep their defaults and are replaced
    all the same. `kinds` names the kind of an argument where its name and its value do
    not tell it (`anything`: there is no nonsense), `fine` the nonsense that is none for
    this function, each for a reason that stands beside it.
    """

    module: str
    name: str
    call: Callable[..., Any]
    arguments: Mapping[str, Any]
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fine: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def kind_of(self, argument: str, default: Any) -> str:
        """The kind of an argument."""
        for named in (self.kinds, BY_NAME):
            if argument in named:
                return named[argument]
        value = self.arguments.get(argument, default)
        for types, kind in BY_TYPE:
            if isinstance(value, types):
                return kind
        raise LookupError(f"{self.name}: of which kind is {argument}?")

    def nonsense(self) -> Iterator[tuple[str, str, Any]]:
        """Every argument, what is wrong with it, and its value."""
        for argument, parameter in inspect.signature(self.call).parameters.items():
            default = parameter.default
            kind = self.kind_of(argument, default)
            if kind == "anything":
                continue
            valid = self.arguments.get(argument, default)
            for label, value in KINDS[kind](valid):
                optional = label == "None" and default is None
                if not optional and label not in self.fine.get(argument, ()):
                    yield argument, label, value


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one call came to."""

    case: Case
    argument: str
    label: str
    verdict: str
    said: str


def has_nan(found: Any, depth: int = 0) -> bool:
    """Whether a NaN is anywhere in a result."""
    if isinstance(found, Tensor):
        found = found.detach().numpy()
    if isinstance(found, float | np.floating | np.ndarray | pd.DataFrame | pd.Series):
        return bool(np.any(pd.isna(found)))
    if isinstance(found, nn.Module):
        parts: Any = found.state_dict().values()
    elif isinstance(found, Dataset) or depth > 3:
        parts = []
    elif dataclasses.is_dataclass(found):
        parts = [getattr(found, field.name) for field in dataclasses.fields(found)]
    elif isinstance(found, Mapping):
        parts = found.values()
    else:
        parts = found if isinstance(found, list | tuple) else []
    return any(has_nan(part, depth + 1) for part in parts)


def _global_state() -> bytes:
    return pickle.dumps(
        (np.random.get_state(), random.getstate(), torch.get_rng_state().tolist())  # noqa: NPY002
    )


def _content(value: Any) -> Any:
    """What must not change: numbers as bytes, the rest as it is printed."""
    if isinstance(value, Tensor):
        return value.dtype, value.detach().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.dtype, value.tobytes()
    if isinstance(value, nn.Module):
        tensors = [_content(t) for t in value.state_dict().values()]
        return tensors, [m.training for m in value.modules()]
    if isinstance(value, list | tuple):
        return [_content(v) for v in value]
    return pickle.dumps(value) if isinstance(value, pd.DataFrame) else None


def _names(message: str, arguments: list[str]) -> bool:
    """Whether the first words of a message name one of the arguments."""
    head = message.split(": ", maxsplit=1)[0]
    return any(re.search(rf"(?<!\w){re.escape(a)}(?!\w)", head) for a in arguments)


def _too_long(*_: object) -> None:
    raise TimeoutError


def ask(case: Case, argument: str, label: str, value: Any) -> Answer:
    """Call a function with one argument that makes no sense."""
    arguments = {**case.arguments, argument: value}
    parameters = list(inspect.signature(case.call).parameters)
    before = [_content(v) for v in case.arguments.values()], _global_state()
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        found = call(case, arguments)
    except TimeoutError:
        verdict, said = HANGS, f"more than {LIMIT:g} s"
    except (ValueError, TypeError) as error:
        said = f"{type(error).__name__}: {error}"
        named = (
            parameters
            if label.split(", in ", maxsplit=1)[0] in WRONG_SHAPE
            else [argument]
        )
        verdict = CLEAR if _names(str(error), named) else OTHER
    except Exception as error:
        verdict, said = OTHER, f"{type(error).__name__}: {error}"
    else:
        verdict = SILENT_NAN if has_nan(found) else ACCEPTED
        said = repr(found)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    after = [_content(v) for v in case.arguments.values()], _global_state()
    if before != after:
        verdict = CHANGED
    said = re.sub(r"\s+", " ", said)
    return Answer(case, argument, label, verdict, said[:160])


def call(case: Case, arguments: Mapping[str, Any]) -> Any:
    """Call a function, with arguments by place where it takes no names."""
    parameters = inspect.signature(case.call).parameters
    free = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_ONLY]
    named = {n: value for n, value in arguments.items() if n not in free}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.call(*(arguments[n] for n in free), **named)


def answers(cases: list[Case], every: int = 1, offset: int = 0) -> Iterator[Answer]:
    """Ask all the nonsense of some cases, or each `every`-th."""
    place = offset
    for case in cases:
        # right, and what it imports is there from now on
        gaps = has_nan(call(case, case.arguments))
        for argument, label, value in case.nonsense():
            place += 1
            if place % every == 0:
                answer = ask(case, argument, label, value)
                if gaps and answer.verdict == SILENT_NAN:
                    answer = dataclasses.replace(answer, verdict=ACCEPTED)
                yield answer


def rates(found: list[Answer]) -> pd.DataFrame:
    """How many answers of each kind, for each module and in all."""
    rows: dict[str, Counter[str]] = {}
    for answer in found:
        for module in (answer.case.module, "all"):
            rows.setdefault(module, Counter())[answer.verdict] += 1
    table = pd.DataFrame(rows).T.fillna(0).astype(int)
    for verdict in (CLEAR, OTHER, ACCEPTED, SILENT_NAN, HANGS, CHANGED):
        if verdict not in table:
            table[verdict] = 0
    table = table[[CLEAR, OTHER, ACCEPTED, SILENT_NAN, HANGS, CHANGED]]
    table.insert(0, "calls", table.sum(axis=1))
    table.insert(1, "clear, %", (100 * table[CLEAR] / table["calls"]).round(1))
    return table.loc[[m for m in table.index if m != "all"] + ["all"]]


def main(wanted: list[str]) -> None:
    """Ask, and print what came."""
    from nonsense_cases import CASES

    torch.set_num_threads(1)
    chosen = [c for c in CASES if not wanted or c.module in wanted or c.name in wanted]
    start = time.perf_counter()
    found = list(answers(chosen))
    print(f"{len(found):,} calls in {time.perf_counter() - start:.0f} s\n")
    bad = [a for a in found if a.verdict != CLEAR]
    for a in bad:
        print(
            f"{a.case.module}.{a.case.name}({a.argument}: {a.label}) "
            f"{a.verdict}: {a.said}"
        )
    print(
        "\nworst:", Counter(f"{a.case.name}({a.argument})" for a in bad).most_common(25)
    )
    print("\n" + rates(found).to_string())


if __name__ == "__main__":
    sys.modules["nonsense"] = sys.modules["__main__"]
    main(sys.argv[1:])
