"""Templates say what they hold, and refuse what cannot be read without running it."""

from __future__ import annotations

import ast

import numpy as np
import pandas as pd
import pytest

from xaicourse.teaching.templates import (
    fields,
    fill,
    is_field,
    look_up,
    names_spoken,
)

NAMES = {
    "score": {"home": 0.99, "a:b": 2},
    "fit": pd.Series([1.5, 2.5], index=["x", "y"]),
    "table": pd.DataFrame({"n": [1, 2]}, index=["first", "second"]),
    "weights": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "name": "home",
}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('{score["home"]:.1%}', "99.0%"),
        ('{score["a:b"]}', "2"),
        ("{score[name]:.2f}", "0.99"),
        ("{weights[-1, 0]:.1f}", "3.0"),
        ("{weights[:, 1]:.0f}", "2, 4"),
        ('{table.loc["second", "n"]}', "2"),
        ("{fit:.1f}", "x 1.5, y 2.5"),
        ("{fit.size} of {{n}}", "2 of {n}"),
        ("{score}", "home 0.99, a:b 2"),
    ],
)
def test_a_field_is_found_by_name(template: str, said: str) -> None:
    assert fill(template, look_up([template], NAMES)) == said


def test_the_key_is_the_text_of_the_field() -> None:
    assert look_up(['{score["home"]:.1%} {name}'], NAMES) == {
        'score["home"]': 0.99,
        "name": "home",
    }


@pytest.mark.parametrize("field", ["len(fit)", "fit * 2", "a if b else c", "not fit"])
def test_a_field_is_no_computation(field: str) -> None:
    with pytest.raises(ValueError, match="a name of its own"):
        look_up([f"{{{field}}}"], NAMES)


def test_a_field_is_an_expression() -> None:
    with pytest.raises(ValueError, match="expected the name of a value"):
        look_up(["{a b}"], NAMES)
    with pytest.raises(ValueError, match="expected the name of a value"):
        look_up(["{}"], NAMES)


def test_a_misspelt_name_is_an_error() -> None:
    with pytest.raises(NameError, match="scor"):
        look_up(['{scor["home"]}'], NAMES)


def test_names_are_read_where_they_are_spoken() -> None:
    code = """
if ready:
    say('{fit.coef_[0]:.1f} of {n}' if n else "{other[place]}", n=3)
claim("so", True, evidence="{lead:.1f}", fails_if="{not} a template")
show(figure, caption="{top}", alt="{low[1]}")
print("{ignored}")
"""
    assert names_spoken(ast.parse(code)) == {
        "fit", "other", "place", "lead", "top", "low",
    }  # fmt: skip
    assert fields("{a} {a:.1f} {b}") == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "can"),
    [
        ("a", True),
        ("a.b[0]['c']", True),
        ("a[i]", True),
        ("a()", False),
        ("a[f(1)]", False),
    ],
)
def test_what_could_stand_in_a_template(code: str, can: bool) -> None:
    assert is_field(ast.parse(code, mode="eval").body) == can
