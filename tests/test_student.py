"""The students' edition and the nbgrader course: solutions gone, checks there, nothing
of a student's ever lost.
"""

from __future__ import annotations

import copy
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
from nbgrader.preprocessors import Execute
from notebook_runner import code_cells
from traitlets.config.loader import PyFileConfigLoader

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


def test_an_update_that_stops_half_way_is_taken_up_where_it_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = folder / f"{NOTEBOOKS[-1].path}.ipynb"
    kept = last.read_bytes()
    last.unlink()
    last.mkdir()  # nothing can be written there
    newer_course(monkeypatch)
    assert main(["student", str(folder)]) == 2
    assert "One more sentence." in (folder / f"{C1}.ipynb").read_text()
    last.rmdir()
    last.write_bytes(kept)
    monkeypatch.undo()
    newer_course(monkeypatch)
    newer_course(monkeypatch)  # by another sentence
    capsys.readouterr()
    done = again(folder, capsys)
    assert {done[f"{n.path}.ipynb"] for n in NOTEBOOKS} == {"updated"}


def test_what_equals_the_course_is_up_to_date_and_recorded(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / ".xaicourse.json").read_bytes()
    newer_course(monkeypatch)
    again(folder, capsys)
    (folder / ".xaicourse.json").write_bytes(before)  # stopped before it was written
    assert set(again(folder, capsys).values()) == {"up to date"}
    assert (folder / ".xaicourse.json").read_bytes() != before


def test_a_file_is_written_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder / f"{NOTEBOOKS[0].path}.ipynb"
    before = first.read_bytes()

    def full(path: Path, text: str, **options: Any) -> None:
        path.write_bytes(text.encode()[:100])
        raise OSError(28, "No space left on device")

    newer_course(monkeypatch)
    monkeypatch.setattr(Path, "write_text", full)
    assert main(["student", str(folder)]) == 2
    assert first.read_bytes() == before
    assert json.loads((folder / ".xaicourse.json").read_bytes())


@pytest.mark.parametrize("name", [f"{C1}.ipynb", "README.md"])
def test_a_byte_order_mark_and_other_line_ends_are_no_change(
    name: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = (folder / name).read_bytes().replace(b"\n", b"\r\n")
    (folder / name).write_bytes(b"\xef\xbb\xbf" + content)
    assert again(folder, capsys)[name] == "up to date"


def test_an_empty_last_cell_is_no_change(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"cell_type": "code", "metadata": {}, "source": [], "outputs": []}
    change(folder / f"{C1}.ipynb", lambda cells: cells.append(empty))
    assert again(folder, capsys)[f"{C1}.ipynb"] == "up to date"
    newer_course(monkeypatch)
    assert again(folder, capsys)[f"{C1}.ipynb"] == "updated"
    change(folder / f"{C1}.ipynb", lambda cells: cells[-1].update(source=[]))
    assert again(folder, capsys)[f"{C1}.ipynb"] == "yours, left alone"


@pytest.mark.parametrize("inside", ["", "notebooks", "lectures/new", "_build/copies"])
def test_no_copy_goes_into_the_course(
    inside: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "curriculum.yml").touch()
    folder = tmp_path / inside
    folder.mkdir(parents=True, exist_ok=True)
    assert main(["student", str(folder)]) == 2
    assert "is the course itself or in it" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.ipynb"))


def test_a_folder_of_its_own_in_the_course_will_do(tmp_path: Path) -> None:
    (tmp_path / "curriculum.yml").touch()
    assert main(["student", str(tmp_path / "student")]) == 0


@pytest.mark.parametrize(
    "record", ["[", "[]", "null", '{"README.md": 3}', '{"README.md": ["a"]}']
)
def test_a_record_that_is_broken_is_told_in_one_line(
    record: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".xaicourse.json").write_text(record)
    assert main(["student", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert f"{tmp_path / '.xaicourse.json'} cannot be read; delete it" in said


def test_a_file_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").touch()
    assert main(["student", str(tmp_path / "there")]) == 2
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
        released_one = tmp_path / "release" / assignment / source.name
        handed_in = {
            "a copier": self.with_copies(content),
            "blank": nbformat.read(released_one, as_version=4),
            "solver": content,
        }
        for name, notebook in handed_in.items():
            path = tmp_path / "submitted" / name / assignment / source.name
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)
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
        assert graded == {
            "a copier": (full, full),
            "blank": (0, full),
            "solver": (full, full),
        }

    def with_copies(self, content: Any) -> Any:
        """Return a notebook in which a student has copied each answer and check."""
        content = copy.deepcopy(content)
        cells = []
        for cell in content.cells:
            if "nbgrader" in cell.metadata:
                cells.append(copy.deepcopy(cell))
                cells[-1].id = f"copy-{len(cells)}"
            cells.append(cell)
        content.cells = cells
        return content

    def test_a_cell_of_an_exercise_has_a_minute_and_others_have_ten(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "nbgrader_config.py").write_text(student.CONFIG)
        config = PyFileConfigLoader("nbgrader_config.py", str(tmp_path)).load_config()
        execute = Execute(config=config)
        notebook = student.nbgrader_notebook(NOTEBOOKS[0])
        graded = [c for c in notebook.cells if "nbgrader" in c.metadata]
        others = [c for c in notebook.cells if "nbgrader" not in c.metadata]
        assert {execute._get_timeout(cell) for cell in graded} == {60}
        assert {execute._get_timeout(cell) for cell in others} == {600}
