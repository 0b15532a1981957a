"""Questions with several answers: one fold an answer, in plain Markdown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from xaicourse.teaching.curriculum import Notebook, notebooks
from xaicourse.teaching.notebooks import read_source

WITH_QUESTIONS = (
    "notebooks/causality/01_environment_shift",
    "notebooks/sensitivity/02_definition",
)
QUESTION = re.compile(
    r"\*\*Question\.\*\* (?P<text>[^<]+\?)\n"
    r"(?P<answers>(\n<details><summary>.+</summary>\n\n[^<]+\n\n</details>\n?)+)"
)
ANSWER = re.compile(r"<summary>(.+)</summary>\n\n([^<]+)\n\n</details>")


def folds(notebook: Notebook) -> list[Any]:
    """Return the cells that hold a fold."""
    return [c for c in read_source(notebook.source).cells if "<details" in c.source]


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda n: n.path)
def test_a_question_has_one_right_answer_and_a_reply_to_each(
    notebook: Notebook,
) -> None:
    for cell in folds(notebook):
        question = QUESTION.fullmatch(cell.source)
        assert question, f"not the form of a question: {cell.source[:200]!r}"
        answers = ANSWER.findall(question["answers"])
        assert 3 <= len(answers) <= 4
        assert len({answer for answer, _ in answers}) == len(answers)
        for answer, reply in answers:
            assert not set("*`$_") & set(answer), "a summary is not read as Markdown"
            assert re.match(r"\*\*(Right|No)\.\*\* [A-Z].{30}", reply, re.DOTALL)
        right = [a for a, reply in answers if reply.startswith("**Right.**")]
        assert len(right) == 1
        # on a slide of its own, which is no fold of the site's
        assert cell.cell_type == "markdown"
        assert cell.metadata["slideshow"]["slide_type"] == "subslide"
        assert not cell.metadata.get("tags")


def test_two_or_three_questions_in_the_notebooks_that_have_some() -> None:
    counts = {n.path: len(folds(n)) for n in notebooks() if folds(n)}
    assert set(WITH_QUESTIONS) <= set(counts)
    assert set(counts.values()) <= {2, 3}


def test_the_right_answer_has_no_place_of_its_own() -> None:
    places = {
        [reply.startswith("**Right.**") for _, reply in ANSWER.findall(c.source)].index(
            True
        )
        for n in notebooks()
        for c in folds(n)
    }
    assert len(places) >= 3
