"""The students' edition and the nbgrader course: solutions gone, checks there, nothing
of a student's ever lost.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from notebook_runner import code_cells

from xaicourse.cli import main
from xaicourse.teaching import Exercise, NotYet, check, curriculum, student
from xaicourse.teaching.curriculum import Notebook

NOTEBOOKS = curriculum.notebooks()
EVERY = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.path)
C1 = "notebooks/causality/01_environment_shift"


def exercises(content: Any) -> list[Any]:
    return [
        cell for cell in content.cells if "exercise" in cell.metadata.get("tags", [])
    ]


# ---- what a student gets ----


@EVERY
def test_solutions_are_gone_and_all_else_is_there(notebook: Notebook) -> None:
    content, source = (
        student.student_notebook(notebook),
        student.read_source(notebook.source),
    )
    nbformat.validate(content)
    assert [c.id for c in content.cells] == [c.id for c in source.cells]
    for given, written in zip(content.cells, source.cells, strict=True):
        if given.cell_type == "code" and given not in exercises(content):
            assert given.source == written.source
        assert not given.get("outputs")
        assert "SOLUTION" not in given.source
    for given, written in zip(exercises(content), exercises(source), strict=True):
        assert "# YOUR CODE HERE" in given.source
        assert given.source.splitlines()[-1] == written.source.splitlines()[-1]
        assert "check(" in given.source
        solution = re.search(
            r"BEGIN SOLUTION\n(.*?)\s*### END", written.source, re.DOTALL
        )
        assert solution
        assert solution[1] not in given.source
        assert "jupyter" not in given.metadata, "an exercise must not be folded"
        assert given.metadata["tags"] == ["exercise"]


@EVERY
def test_an_untouched_stub_is_told_so_in_one_line(notebook: Notebook) -> None:
    names: dict[str, Any] = {}
    (setup,) = (cell for cell in code_cells(notebook) if "setup" in cell.tags)
    exec(setup.source, names)
    for cell in exercises(student.student_notebook(notebook)):
        with pytest.raises(NotYet, match="no answer yet") as refusal:
            exec(cell.source, names)
        assert len(refusal.value._render_traceback_()) == 1


def test_what_a_library_lacks_is_not_taken_for_a_stub() -> None:
    def answer(x: int) -> None:
        raise NotImplementedError("no kernel for float16")

    exercise = Exercise("Call", lambda f: f(0), ("?",), takes="x")
    with pytest.raises(NotImplementedError, match="float16"):
        check(exercise, answer)


@EVERY
def test_no_markup_of_the_site_is_left(notebook: Notebook) -> None:
    for cell in student.student_notebook(notebook).cells:
        assert cell.cell_type == "code" or not re.search(
            r"\{\w+(?::\w+)?\}`|^(```|:::)\{", cell.source, re.MULTILINE
        ), cell.source


# ---- run again ----


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "my copy"
    assert main(["student", str(folder)]) == 0
    assert {line.split(": ")[1] for line in capsys.readouterr().out.splitlines()} == {
        "new"
    }
    return folder


def again(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["student", str(folder)]) == 0
    return dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())


def change(path: Path, edit: Any) -> None:
    content = json.loads(path.read_text())
    edit(content["cells"])
    path.write_text(json.dumps(content))


def newer_course(monkeypatch: pytest.MonkeyPatch) -> None:
    original = student.student_notebook

    def revised(notebook: Notebook) -> Any:
        content = original(notebook)
        content.cells[1].source += "\nOne more sentence."
        return content

    monkeypatch.setattr(student, "student_notebook", revised)


def test_a_second_run_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert set(again(folder, capsys).values()) == {"up to date"}
    assert {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file()
    } == before


def test_a_newer_course_reaches_only_what_was_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    touched, other = (folder / f"{n.path}.ipynb" for n in (NOTEBOOKS[0], NOTEBOOKS[1]))
    change(touched, lambda cells: cells[-1]["source"].append("\nMy note."))
    run = {"output_type": "stream", "name": "stdout", "text": "1"}
    # run, not written in
    change(other, lambda cells: cells[2].update(outputs=[run], execution_count=1))
    mine = touched.read_bytes()
    done = again(folder, capsys)
    assert done[f"{NOTEBOOKS[0].path}.ipynb"] == "yours, left alone"
    assert done[f"{NOTEBOOKS[1].path}.ipynb"] == "up to date"
    newer_course(monkeypatch)
    for _ in range(2):
        done = again(folder, capsys)
        assert done[f"{NOTEBOOKS[0].path}.ipynb"].startswith(
            "yours, left alone; the course's has changed since"
        )
        assert touched.read_bytes() == mine
        assert "One more sentence." in other.read_text()
    assert done[f"{NOTEBOOKS[1].path}.ipynb"] == "up to date"


def test_what_is_missing_comes_back_and_what_was_there_before_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / f"{C1}.ipynb").unlink()
    (folder / ".xaicourse.json").unlink()
    (folder / "README.md").write_text("My own.")
    done = again(folder, capsys)
    assert done[f"{C1}.ipynb"] == "new"
    assert done["README.md"] == "yours, left alone"
    assert (folder / "README.md").read_text() == "My own."


def test_a_file_that_is_no_notebook_any_more_is_the_students(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / f"{C1}.ipynb").write_text("{")
    newer_course(monkeypatch)
    assert again(folder, capsys)[f"{C1}.ipynb"].startswith("yours, left alone")
    assert (folder / f"{C1}.ipynb").read_text() == "{"


@pytest.mark.parametrize(
    "what", ["the course itself", "a file", "a record that is broken"]
)
def test_a_folder_that_will_not_do_is_refused(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "there"
    if what == "the course itself":
        folder = curriculum.ROOT
    elif what == "a file":
        folder.touch()
    else:
        folder.mkdir()
        (folder / ".xaicourse.json").write_text("[")
    assert main(["student", str(folder)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# ---- nbgrader ----


@EVERY
def test_every_exercise_becomes_an_answer_and_a_locked_check(
    notebook: Notebook,
) -> None:
    content = student.nbgrader_notebook(notebook)
    nbformat.validate(content)
    MetadataValidator().validate_nb(content)
    roles = [c.metadata["nbgrader"] for c in content.cells if "nbgrader" in c.metadata]
    answers, checks = roles[::2], roles[1::2]
    assert (
        len(answers)
        == len(checks)
        == len(exercises(student.read_source(notebook.source)))
    )
    for answer, test in zip(answers, checks, strict=True):
        assert (answer["solution"], answer["grade"], answer["locked"]) == (
            True,
            False,
            False,
        )
        assert (test["solution"], test["grade"], test["locked"]) == (False, True, True)
        assert test["grade_id"] == f"check-{answer['grade_id']}"
        assert answer["grade_id"].isidentifier()
    difficulties = re.findall(
        r"^# ## Exercise .*\(difficulty (\d)", notebook.source.read_text(), re.MULTILINE
    )
    assert [test["points"] for test in checks] == [int(d) for d in difficulties]


class TestNbgrader:
    """The real command: all assignments are made; one is graded."""

    def nbgrader(self, course: Path, *arguments: str) -> None:
        environment = {
            **os.environ,
            "XAICOURSE_STATIC": "1",
            "JUPYTER_CONFIG_DIR": str(course / "no settings"),
        }
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(
            command,
            cwd=course,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr

    def test_full_marks_for_the_solutions_and_none_for_the_stubs(
        self, tmp_path: Path
    ) -> None:
        assert main(["student", "--nbgrader", str(tmp_path)]) == 0
        assignment = Path(C1).name
        source = tmp_path / "source" / assignment / f"{assignment}.ipynb"
        # For speed the graded notebook keeps the cells that exercises rest on; that the
        # others run, nbval proves.
        content = nbformat.read(source, as_version=4)
        content.cells = [
            c
            for c in content.cells
            if c.cell_type == "markdown"
            or "setup" in c.metadata.get("tags", [])
            or "nbgrader" in c.metadata
        ]
        nbformat.write(content, source)
        self.nbgrader(tmp_path, "generate_assignment", "--create", "--assignment=*")
        released = {path.stem for path in (tmp_path / "release").rglob("*.ipynb")}
        assert released == {Path(n.path).name for n in NOTEBOOKS}
        assert not [
            p
            for p in (tmp_path / "release").rglob("*.ipynb")
            if "SOLUTION" in p.read_text()
        ]
        handed_in = {
            "solver": source,
            "blank": tmp_path / "release" / assignment / source.name,
        }
        for name, path in handed_in.items():
            (tmp_path / "submitted" / name / assignment).mkdir(parents=True)
            (tmp_path / "submitted" / name / assignment / source.name).write_bytes(
                path.read_bytes()
            )
        self.nbgrader(tmp_path, "autograde", assignment)
        self.nbgrader(tmp_path, "export")
        with (tmp_path / "grades.csv").open() as file:
            graded = {
                row["student_id"]: (float(row["score"]), float(row["max_score"]))
                for row in csv.DictReader(file)
                if row["assignment"] == assignment
            }
        difficulties = re.findall(
            r"\(difficulty (\d)",
            (curriculum.ROOT / f"{C1}.py").read_text(encoding="utf-8"),
        )
        full = sum(map(int, difficulties))
        assert full > 0
        assert graded == {"solver": (full, full), "blank": (0, full)}
