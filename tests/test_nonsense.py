"""Nonsense is refused by name: a fixed sample of what `nonsense` asks in full, and
whether it would notice.

`python tests/nonsense.py` asks all of it.
"""

import importlib
import inspect
import time

import numpy as np
import pytest
import torch
from nonsense import (
    ACCEPTED,
    CHANGED,
    CLEAR,
    HANGS,
    OTHER,
    SILENT_NAN,
    Case,
    answers,
    ask,
    rates,
)
from nonsense_cases import CASES

MODULES = (
    "attribution",
    "causality",
    "datasets",
    "evaluation",
    "fairness",
    "networks",
    "plotting",
    "resampling",
    "sealing",
    "sensitivity",
)
WITHOUT = {
    # no arguments
    "available",
    "imagenet_classes",
    "load_efficientnet_lite0",
    "load_minilm",
    "data_folder",
    "flat_rule",
    "z_plus_rule",
    # noise: a model asks for it, and has checked
    "standard_normal",
    # a right call of it downloads
    "fetch",
    # decorates what draws
    "styled",
}


def public_functions(module):
    """Names of the functions that a module offers."""
    found = importlib.import_module(f"xaicourse.{module}")
    return {
        name
        for name in getattr(found, "__all__", dir(found))
        if not name.startswith("_")
        and inspect.isfunction(getattr(found, name))
        and getattr(found, name).__module__.startswith(f"xaicourse.{module}")
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_is_asked(module):
    asked = {case.name for case in CASES if case.module == module}
    assert public_functions(module) - asked - WITHOUT == set()


def test_there_is_nonsense_for_every_function():
    asked_ = [sum(1 for _ in case.nonsense()) for case in CASES]
    assert min(asked_) >= 4
    assert sum(asked_) >= 10_000


def test_nonsense_is_refused_by_name():
    found = list(answers(CASES, every=7))
    assert len(found) > 1300
    table = rates(found)
    assert (table["clear, %"] >= 97).all(), table.to_string()
    silent = [a for a in found if a.verdict in (ACCEPTED, SILENT_NAN, HANGS, CHANGED)]
    assert not silent, silent


def asked(function, value, **fine):
    """What becomes of one argument."""
    case = Case("here", "function", function, {"rows": np.ones(3)}, fine=fine)
    return ask(case, "rows", "a NaN", value).verdict


def test_it_would_notice():
    def named(rows):
        raise ValueError(f"rows: got {rows}, expected others")

    def other_name(rows):
        raise ValueError(f"columns: got {rows}, as rows tell")

    def other_kind(rows):
        raise KeyError("rows")

    def slow(rows):
        while True:
            time.sleep(0.01)

    def draws(rows):
        torch.rand(1)
        raise ValueError("rows: got others")

    def writes(rows):
        case.arguments["rows"][0] = 7
        raise ValueError("rows: got others")

    assert asked(named, 1) == CLEAR
    assert asked(other_name, 1) == asked(other_kind, 1) == OTHER
    assert asked(lambda rows: 3.0, 1) == ACCEPTED
    assert asked(lambda rows: {"a": [np.float64("nan")]}, 1) == SILENT_NAN
    assert asked(lambda rows: torch.nn.Linear(1, 1).weight / 0 * 0, 1) == CHANGED
    assert asked(draws, 1) == CHANGED
    case = Case("here", "writes", writes, {"rows": np.ones(3)})
    assert ask(case, "rows", "a NaN", 1).verdict == CHANGED
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nonsense.LIMIT", 0.1)
        assert asked(slow, 1) == HANGS


def test_what_is_fine_is_not_asked():
    rows = {"rows": np.ones(3)}
    case = Case("here", "mean", lambda rows: rows.mean(), rows)
    tolerant = Case("here", "mean", case.call, rows, fine={"rows": ("a NaN", "masked")})
    labels = {label for _, label, _ in case.nonsense()}
    assert labels - {label for _, label, _ in tolerant.nonsense()} == {
        "a NaN",
        "masked",
    }
    [*found] = answers([case])
    assert {a.verdict for a in found} == {ACCEPTED, SILENT_NAN, OTHER}
