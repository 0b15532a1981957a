"""The students' edition of the notebooks, and the nbgrader course, both made from what
authors write.

Solutions stand between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, as nbgrader has
it, and nbgrader's own preprocessor takes them out. A small record in the student's
folder says what was handed out, so that a later run brings what is new and leaves alone
what the student has worked on.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import ClearSolutions

from xaicourse.teaching.curriculum import Notebook, course_map, notebooks
from xaicourse.teaching.notebooks import read_source

RECORD = ".xaicourse.json"
WELCOME = """# Your copy of the course

{map}

Every notebook ends with exercises. Put your answer in place of `YOUR CODE HERE` and run
the cell: a tick says that it is right, a sentence says what to look at when it is not
yet, and `hint(...)` helps in layers.

These files are yours. When your copy is brought up to date, what you have worked on
stays as it is; to begin a notebook anew, delete or rename it first.
"""
CONFIG = """# nbgrader's settings for the course, from `xaicourse student --nbgrader`.
import os
import sys

c = get_config()
# nbgrader calls a helper, alembic, by its bare name: let it be found when .venv is not
# activated.
here = os.path.dirname(sys.executable)
os.environ["PATH"] = here + os.pathsep + os.environ.get("PATH", "")
c.CourseDirectory.course_id = "xaicourse"
c.ClearSolutions.code_stub = {
    "python": "# YOUR CODE HERE\\nraise NotImplementedError()"
}
# nbgrader's own, with stubs that match the solutions
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "xaicourse.teaching.student.ClearAnswers",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
]
c.Execute.timeout = 600  # seconds a cell may take: some of them train
"""


class ClearAnswers(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's own, except that a solution which is no function's body leaves ``name
    = ...`` behind.

    There, the usual ``raise NotImplementedError()`` would stop the cell before its
    check could say what is missing.
    """

    code_stub: dict[str, str]

    def preprocess_cell(
        self, cell: Any, resources: Any, cell_index: int
    ) -> tuple[Any, Any]:
        """Clear one cell with the stub that matches its solution."""
        usual = self.code_stub
        if names := list(_bound_at_top(cell.source)):
            stub = "\n".join(["# YOUR CODE HERE", *(f"{name} = ..." for name in names)])
            self.code_stub = {**usual, "python": stub}
        try:
            cleared: tuple[Any, Any] = super().preprocess_cell(
                cell, resources, cell_index
            )
        finally:
            self.code_stub = usual
        return cleared


def student_notebook(notebook: Notebook) -> Any:
    """Return a notebook as a student gets it: no solutions, no outputs, exercises in
    the open, its checks intact.
    """
    content = copy_of(notebook)
    content, _ = ClearAnswers(enforce_metadata=False).preprocess(content, {})
    return content


def copy_of(notebook: Notebook) -> Any:
    """Return a notebook without outputs, as a copy to work in: it knows its origin, and
    reads well in JupyterLab.

    Exercises are not folded.
    """
    content = read_source(notebook.source)
    content.metadata["jupytext"] = {"formats": "ipynb"}  # a copy is not one of a pair
    content.metadata["language_info"] = {"name": "python"}
    content.metadata["xaicourse"] = {"notebook": notebook.path}
    for cell in content.cells:
        if "exercise" in cell.metadata.get("tags", []):
            cell.metadata.pop("jupyter", None)
    return content


def write_students(folder: Path) -> list[str]:
    """Write the students' edition into a folder, or bring it up to date, and return
    what was done, a line a file.

    Raises
    ------
    ValueError
        When the folder is the course itself, or its record cannot be read.
    """
    fresh = {f"{n.path}.ipynb": _as_text(student_notebook(n)) for n in notebooks()}
    fresh["README.md"] = WELCOME.format(map="\n".join(course_map().splitlines()[1:-1]))
    return _hand_out(folder, fresh)


def write_nbgrader(folder: Path) -> list[str]:
    """Write the nbgrader course into a folder, or bring it up to date, and return what
    was done, a line a file.

    Each notebook is an assignment of its own, under ``source/``.
    """
    fresh = {"nbgrader_config.py": CONFIG}
    for n in notebooks():
        name = Path(n.path).name
        fresh[f"source/{name}/{name}.ipynb"] = _as_text(nbgrader_notebook(n))
    return _hand_out(folder, fresh)


def nbgrader_notebook(notebook: Notebook) -> Any:
    """Return a notebook as nbgrader's source: each exercise split into an answer cell
    and a locked cell with its check.

    The points are the exercise's difficulty; the cells are named after the exercise, so
    that grades survive a change of the text around it.
    """
    content = copy_of(notebook)
    cells, points = [], 1
    for cell in content.cells:
        if heading := re.search(
            r"^## Exercise .*\(difficulty (\d)", cell.source, re.MULTILINE
        ):
            points = int(heading[1])
        if "exercise" not in cell.metadata.get("tags", []):
            cells.append(cell)
            continue
        answer, test, name = _split(cell.source)
        graded = nbformat.v4.new_code_cell(test, id=f"check-{name}"[:64])
        graded.metadata["nbgrader"] = _role(f"check-{name}", grade=True, points=points)
        cell.source, cell.id = answer, name[:64]
        cell.metadata["nbgrader"] = _role(name, solution=True)
        cells += [cell, graded]
    content.cells = cells
    return content


def _role(
    name: str, *, grade: bool = False, solution: bool = False, **more: int
) -> dict[str, Any]:
    role = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": grade,
        "task": False,
    }
    return role | more


def _split(source: str) -> tuple[str, str, str]:
    """Split an exercise into the answer, its check, and the exercise's name: what
    check() is first given.
    """
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "check"
        ):
            lines = source.splitlines()
            above, below = lines[: statement.lineno - 1], lines[statement.lineno - 1 :]
            return (
                "\n".join(above).rstrip(),
                "\n".join(below),
                ast.unparse(call.args[0]).split(".")[-1],
            )
    raise ValueError(f"an exercise without check(exercise, answer): {source[:60]!r}")


def _bound_at_top(source: str) -> Iterator[str]:
    """Yield the names that a solution binds when it is no function's body: what its
    stub must bind as well.
    """
    for region in re.findall(
        r"^### BEGIN SOLUTION\n(.*?)^### END SOLUTION", source, re.MULTILINE | re.DOTALL
    ):
        for statement in ast.parse(region).body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                yield statement.name
            elif isinstance(statement, ast.Assign):
                yield from (
                    n.id
                    for t in statement.targets
                    for n in ast.walk(t)
                    if isinstance(n, ast.Name)
                )


def _as_text(content: Any) -> str:
    return str(nbformat.writes(content)) + "\n"


def _hand_out(folder: Path, fresh: dict[str, str]) -> list[str]:
    if (folder / "curriculum.yml").exists():
        raise ValueError(f"{folder} is the course itself; name a folder for the copies")
    record = folder / RECORD
    try:
        given: dict[str, list[str]] = (
            json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
        )
    except ValueError as error:
        raise ValueError(f"{record} cannot be read: {error}") from None
    done = []
    for name, text in fresh.items():
        path = folder / name
        typed = (
            _fingerprint(name, path.read_text(encoding="utf-8", errors="replace"))
            if path.exists()
            else None
        )
        offered = [_fingerprint(name, text), hashlib.sha256(text.encode()).hexdigest()]
        handed_out = given.get(name, offered)
        if typed is None:
            done.append(f"{name}: new")
        elif typed != handed_out[0]:
            newer = (
                "; the course's has changed since: rename yours and run this again to "
                "have both"
            )
            done.append(
                f"{name}: yours, left alone" + (newer if handed_out != offered else "")
            )
            continue
        elif handed_out == offered:
            done.append(f"{name}: up to date")
            given[name] = offered
            continue
        else:
            done.append(f"{name}: updated")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        given[name] = offered
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(given, indent=1) + "\n", encoding="utf-8")
    gone = [name for name in given if name not in fresh]
    return done + [f"{name}: no longer in the course, left alone" for name in gone]


def _fingerprint(name: str, text: str) -> str:
    """Return the hash of what someone typed: a notebook that was only run has the hash
    it was handed out with.
    """
    typed = text
    if name.endswith(".ipynb"):
        try:
            cells = json.loads(text)["cells"]
            kept = [
                [
                    c["cell_type"],
                    "".join(c["source"]),
                    c.get("attachments"),
                    *map(c["metadata"].get, ("tags", "nbgrader")),
                ]
                for c in cells
            ]
            typed = json.dumps(kept, sort_keys=True)
        except (ValueError, KeyError, TypeError):
            pass  # no longer a notebook: whatever it is, somebody made it
    return hashlib.sha256(typed.encode()).hexdigest()
