"""The command ``xaicourse``; each subcommand imports what it needs when it runs."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import xaicourse

if TYPE_CHECKING:
    from xaicourse.teaching.curriculum import Notebook

Command = Callable[[argparse.Namespace], int]


class UsageError(Exception):
    """The user asked for something that cannot be; the message says what would be
    right.
    """


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line, without the usage."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 could not be done, 2
    wrongly asked for.
    """
    parser = _Parser(prog="xaicourse", description=xaicourse.__doc__)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {xaicourse.__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add(
        commands,
        "doctor",
        _doctor,
        "show what is installed, which torch, and which data are real",
        anywhere=True,
    )
    data = commands.add_parser("data", help="list or download the real data sets")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    _add(
        actions,
        "list",
        _data_list,
        "list the data sets, and whether the real ones are at hand",
        anywhere=True,
    )
    fetch = _add(
        actions,
        "fetch",
        _data_fetch,
        "download and verify real data sets; without NAME, all of them",
        anywhere=True,
    )
    fetch.add_argument("names", nargs="*", metavar="NAME")
    _add(
        commands,
        "lab",
        _lab,
        "open the course in JupyterLab; what follows is for JupyterLab",
        passes_on=True,
    )
    _add(
        commands,
        "test",
        _test,
        "prove the course; paths of notebooks and tests, or options of pytest, choose",
        passes_on=True,
    )
    prove = _add(
        commands,
        "prove",
        _prove,
        "see every claim fail under its alteration, and hold for other seeds",
    )
    prove.add_argument(
        "names", nargs="*", metavar="NAME", help="part of a path; without it, all"
    )
    _add(commands, "check", _check, "check style and types")
    notebooks = _add(
        commands,
        "notebooks",
        _notebooks,
        "run the notebooks that have changed and store their outputs",
    )
    notebooks.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a file, a folder or a part of a path (all)",
    )
    notebooks.add_argument(
        "--force", action="store_true", help="run them even where nothing has changed"
    )
    _add(
        commands,
        "book",
        _book,
        "build the site, decks included, from the stored notebooks",
    )
    _add(commands, "slides", _slides, "build the slide decks alone")
    student = _add(
        commands,
        "student",
        _student,
        "write the students' edition, or bring one up to date",
    )
    student.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("student"),
        metavar="DIR",
        help="where the copies go (student); what was changed there stays",
    )
    student.add_argument(
        "--nbgrader",
        action="store_true",
        help="write an nbgrader course instead, with its solutions",
    )
    live = _add(
        commands, "live", _live, "write a copy whose live-coding steps are empty"
    )
    live.add_argument("name", metavar="NOTEBOOK", help="part of a path")
    live.add_argument(
        "out",
        nargs="?",
        type=Path,
        metavar="OUT",
        help="the file to write (default: live/NOTEBOOK.ipynb)",
    )
    _add_grade(commands)

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may know ASCII alone
    arguments, rest = parser.parse_known_args(argv)
    if rest and not arguments.passes_on:
        print(f"{arguments.prog}: unrecognised: {' '.join(rest)}", file=sys.stderr)
        return 2
    arguments.rest = rest
    run: Command = arguments.run
    try:
        if not arguments.anywhere:
            from xaicourse.teaching import curriculum

            curriculum.notebooks()  # it says so where the course is not around it
        return run(arguments)
    except UsageError as error:
        print(f"{arguments.prog}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(
            f"{arguments.prog}: {error.name} is missing: pip install 'xaicourse[dev]' "
            f"brings it",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    except ValueError as error:
        from xaicourse.teaching.curriculum import CourseError

        if not isinstance(error, CourseError):
            raise
        print(f"{arguments.prog}: {error}", file=sys.stderr)
        return 2


def _add_grade(commands: argparse._SubParsersAction[_Parser]) -> None:
    grade = _add(
        commands,
        "grade",
        _grade,
        "grade every attribution method on tasks whose truth is known",
        anywhere=True,
    )
    grade.add_argument(
        "--seeds",
        type=int,
        default=20,
        metavar="N",
        help="networks a task (default: 20)",
    )
    grade.add_argument(
        "--jobs",
        type=int,
        default=-1,
        metavar="J",
        help="processes here (default: one a core)",
    )
    grade.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="a Dask scheduler instead, such as tcp://10.0.0.1:8786",
    )
    grade.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write every single grade there, as a CSV file",
    )


def _add(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: Command,
    summary: str,
    *,
    passes_on: bool = False,
    anywhere: bool = False,
) -> _Parser:
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(
        run=run, prog=parser.prog, passes_on=passes_on, anywhere=anywhere
    )
    return parser


def _doctor(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    from xaicourse import doctor

    return doctor.main()


def _lab(arguments: argparse.Namespace) -> int:
    import xaicourse.jupyter
    from xaicourse.teaching.curriculum import ROOT

    xaicourse.jupyter.start(ROOT, arguments.rest)
    return 0


def _test(arguments: argparse.Namespace) -> int:
    from xaicourse import testing

    _data_folder()  # refuses a wrong one
    return testing.run_tests(arguments.rest)


def _prove(arguments: argparse.Namespace) -> int:
    from xaicourse import testing

    _data_folder()  # refuses a wrong one
    return testing.prove(_named(arguments.names))


def _check(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    from xaicourse import testing

    return testing.check()


def _data_list(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    from xaicourse import datasets

    folder = _data_folder()
    for info in datasets.available().values():
        print(f"{info.name:12} {info.rows:>9,} rows   {info.state():14}  {info.title}")
    print(
        f"The real data belong in {folder}; `xaicourse data fetch` brings them, and "
        f"until then twins stand in."
    )
    return 0


def _data_fetch(arguments: argparse.Namespace) -> int:
    from xaicourse import datasets

    folder = _data_folder()
    known = datasets.available()
    names = list(dict.fromkeys(arguments.names)) or [
        name for name, info in known.items() if not info.own
    ]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no data set {unknown[0]!r}; there are: {', '.join(known)}")
    failed = 0
    for name in names:
        try:
            files = datasets.fetch(name, progress=sys.stderr.isatty())
        except (ConnectionError, datasets.ChecksumError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
        else:
            print(f"{name}: verified, in {folder / name}: {', '.join(files)}")
    return failed


def _notebooks(arguments: argparse.Namespace) -> int:
    from nbclient.exceptions import CellExecutionError

    from xaicourse.teaching import notebooks

    _data_folder()  # refuses a wrong one
    try:
        return notebooks.main(_named(arguments.names), force=arguments.force)
    except (
        CellExecutionError,
        RuntimeError,
    ) as error:  # says which cell, or what may not be stored
        print(error, file=sys.stderr)
        return 1


def _named(names: Sequence[str]) -> list[Notebook]:
    """Return the notebooks that names mean; without a name, all."""
    from xaicourse.teaching import curriculum

    known = curriculum.notebooks()
    chosen = [] if names else known
    for name in names:
        found = curriculum.matching(name)
        if not found:
            there = ", ".join(n.path for n in known)
            raise UsageError(f"no notebook {name!r}; there are: {there}")
        chosen += [n for n in found if n not in chosen]
    return chosen


def _book(arguments: argparse.Namespace) -> int:
    from xaicourse.teaching import site

    if status := site.build_book():
        return status
    return _slides(arguments)


def _slides(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    from xaicourse.teaching import site

    site.build_slides()
    print("The decks are in _build/html/slides: open index.html there.")
    return 0


def _student(arguments: argparse.Namespace) -> int:
    from xaicourse.teaching import student

    write = student.write_nbgrader if arguments.nbgrader else student.write_students
    try:
        print(*write(arguments.folder), sep="\n")
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    return 0


def _live(arguments: argparse.Namespace) -> int:
    from xaicourse.teaching import live

    try:
        path = live.write_copy(arguments.name, arguments.out)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    print(f"{path}: its steps are empty; in it, %live next brings them one by one")
    return 0


def _grade(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from xaicourse.evaluation import grade
    from xaicourse.evaluation.grading import by_family

    try:
        if arguments.out:  # sooner than after the work
            arguments.out.touch()
        grades = grade(
            seeds=arguments.seeds,
            n_jobs=arguments.jobs,
            dask=arguments.dask,
            progress=tqdm,
        )
    except (ValueError, OSError) as error:  # no such number, or nobody at that address
        raise UsageError(str(error)) from None
    if arguments.out:
        grades.to_csv(arguments.out, index=False)
    for family, table in by_family(grades).items():
        print(f"{family}\n{table.round(3).to_string(na_rep='')}\n")
    return 0


def _data_folder() -> Path:
    from xaicourse.datasets import data_folder

    try:
        return data_folder()
    except ValueError as error:
        raise UsageError(str(error)) from None
