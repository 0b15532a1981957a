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
from nbgrader.preprocessors import ClearSolutions, DeduplicateIds

from xaicourse.teaching.curriculum import Notebook, course_map, notebooks
from xaicourse.teaching.notebooks import read_source

RECORD = ".xaicourse.json"
# Folders of the course in which a copy would be lost, or taken for the course's own.
OF_THE_COURSE = {
    "lectures", "notebooks", "xaicourse", "tests", "benchmarks", "_build",
}  # fmt: skip
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
# nbgrader's own, except for the second
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "xaicourse.teaching.student.ForgetCopies",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# seconds that a cell may take: an answer or its check, and others, some of which train
c.Execute.timeout_func = lambda cell: 60 if "nbgrader" in cell.metadata else 600
"""


class ClearAnswers(ClearSolutions):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's own, except that a solution which is no function's body leaves ``name
    = ...`` behind.

    There, the usual ``raise NotImplementedError()`` would stop the cell before its
    check could say what is missing.
    """

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> Any:
        """Clear one cell with the stub that matches its solution."""
        bound = [f"{name} = ..." for name in _bound_at_top(cell.source)]
        stub = ["# YOUR CODE HERE", *(bound or ["raise NotImplementedError()"])]
        self.code_stub = {"python": "\n".join(stub)}
        return super().preprocess_cell(cell, resources, cell_index)


class ForgetCopies(DeduplicateIds):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's own, except that a cell which a student has copied becomes a cell like
    any other: what nbgrader leaves in it stops autograding for the whole class.
    """

    def preprocess_cell(
        self, cell: Any, resources: Any, cell_index: int
    ) -> tuple[Any, Any]:
        """Forget what nbgrader knows of a cell if a later one has the same name."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


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
    call = re.search(r"^check\(\s*(?:\w+\.)*(\w+)", source, re.MULTILINE)
    if call is None:
        raise ValueError(f"an exercise without check(exercise, …): {source[:60]!r}")
    return source[: call.start()].rstrip(), source[call.start() :], call[1]


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
    _refuse_the_course(folder)
    record = folder / RECORD
    given = _read(record)
    done = []
    for name, text in fresh.items():
        path = folder / name
        offered = [_fingerprint(name, text), hashlib.sha256(text.encode()).hexdigest()]
        handed_out = given.get(name, offered)
        typed = _typed_in(path)
        if typed == offered[0] and (handed_out == offered or typed != handed_out[0]):
            done.append(f"{name}: up to date")
        elif typed in ("", handed_out[0]):
            done.append(f"{name}: {'updated' if typed else 'new'}")
            _write(path, text)
        else:
            newer = (
                "; the course's has changed since: rename yours and run this again to "
                "have both"
            )
            done.append(
                f"{name}: yours, left alone" + (newer if handed_out != offered else "")
            )
            continue
        if given.get(name) != offered:  # now, as the next file may stop us
            given[name] = offered
            _write(record, json.dumps(given, indent=1) + "\n")
    gone = [name for name in given if name not in fresh]
    return done + [f"{name}: no longer in the course, left alone" for name in gone]


def _refuse_the_course(folder: Path) -> None:
    place = folder.resolve()
    for above in (place, *place.parents):
        inside = place.relative_to(above).parts[:1]
        if (above / "curriculum.yml").exists() and OF_THE_COURSE.issuperset(inside):
            raise ValueError(
                f"{folder} is the course itself or in it; name a folder for the copies"
            )


def _read(record: Path) -> dict[str, list[str]]:
    """Return two hashes for each file that was handed out: of what someone can type,
    and of everything.
    """
    if not record.exists():
        return {}
    try:
        known = json.loads(record.read_text(encoding="utf-8")).items()
        return {name: [typed, whole] for name, (typed, whole) in known}
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"{record} cannot be read; delete it: what is yours stays as it is"
        ) from None


def _write(path: Path, text: str) -> None:
    """Write a whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _typed_in(path: Path) -> str:
    if not path.exists():
        return ""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return _fingerprint(path.name, text)


def _fingerprint(name: str, text: str) -> str:
    """Return the hash of what someone typed: a notebook that was only run has the hash
    it was handed out with, and so has one with another empty cell.
    """
    typed = text
    if name.endswith(".ipynb"):
        try:
            kept = [
                [
                    c["cell_type"],
                    "".join(c["source"]),
                    c.get("attachments"),
                    *map(c["metadata"].get, ("tags", "nbgrader")),
                ]
                for c in json.loads(text)["cells"]
                if "".join(c["source"]).strip()
            ]
            typed = json.dumps(kept, sort_keys=True)
        except (ValueError, KeyError, TypeError):
            pass  # no longer a notebook: whatever it is, somebody made it
    return hashlib.sha256(typed.encode()).hexdigest()
