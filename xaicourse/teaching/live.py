"""Live coding: a notebook's named steps, brought one by one while the room watches."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.display import HTML, Code, display
from IPython.utils.capture import capture_output

from xaicourse.teaching.curriculum import Notebook, matching, notebooks
from xaicourse.teaching.notebooks import read_source

TAG = "live:"
COMMENT = "# live: "
ONLY_WHEN_ASKED = {"exercise", "gpu"}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magic ``%live``; IPython calls this."""
    magics = LiveMagics(shell)
    shell.register_magics(magics)
    shell.events.register("post_run_cell", magics.notice)


def find(name: str) -> Notebook:
    """Return the notebook whose path ends ``name``, as that of a copy does, or which
    `matching` finds.

    Raises
    ------
    ValueError
        When none does, or several do.
    """
    known = {n.path: n for n in notebooks()}
    file = Path(name).with_suffix("").as_posix()
    found = [path for path in known if file.endswith(path)]
    found = found or [n.path for n in matching(name)]
    return known[_only(name, found, list(known), "notebook")]


def _only(name: str, found: list[str], known: list[str], kind: str) -> str:
    if len(found) != 1:
        raise ValueError(
            f"{'several' if found else 'no'} {kind}{'s' * bool(found)} {name!r}; "
            f"there are: {', '.join(found or known)}"
        )
    return found[0]


def write_copy(name: str, out: Path | None = None) -> Path:
    """Write a copy of a notebook whose live-coding steps are empty, without outputs,
    and return its path.

    Raises
    ------
    ValueError
        When there is no such notebook, or the file exists already.
    """
    from xaicourse.teaching.student import copy_of

    notebook = find(name)
    path = out or Path("live", notebook.source.with_suffix(".ipynb").name)
    if path.exists():
        raise ValueError(
            f"{path} exists already; name another file, or delete it first"
        )
    content = copy_of(notebook)
    for cell in content.cells:
        if step := step_name(cell):
            cell.source = f"{COMMENT}{step}"
    first = next(i for i, cell in enumerate(content.cells) if cell.cell_type == "code")
    opening = nbformat.v4.new_code_cell(
        "%load_ext xaicourse.live", id="live-coding", metadata={"tags": ["live-coding"]}
    )
    content.cells.insert(first, opening)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(content) + "\n", encoding="utf-8")
    return path


def step_name(cell: Any) -> str:
    """Return the name of a cell's live-coding step, or an empty string."""
    tags = cell.metadata.get("tags", [])
    return next((tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG)), "")


@magics_class
class LiveMagics(Magics):
    """The magic ``%live`` and what it remembers: the notebook, the step it is at, the
    cells that ran.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._kernel = shell
        self._path = ""
        self._cells: list[Any] = []
        # name of a step, and its place among the code cells
        self._steps: dict[str, int] = {}
        # the step that was last brought or run, as a place among the code cells
        self._at = -1
        self._ran: set[int] = set()
        self._seen: list[str] = []  # what ran before the notebook was known

    @line_magic
    def live(self, line: str) -> None:
        """Code live from a notebook of the course.

        %live                 list the steps: ✓ ran, → comes next
        %live next [NAME]     bring the next step (or the named one) as a new cell
        %live show NAME       show a step's code
        %live catchup [NAME]  run what was missed, up to the last step that was brought
                              (or the named one)
        %live deck            link to the notebook's slides
        %live use NOTEBOOK    say which notebook, where the file's name does not tell
        """
        word, _, rest = line.strip().partition(" ")
        actions = {
            "": self._list,
            "next": self._next,
            "show": self._show,
            "catchup": self._catch_up,
            "deck": self._deck,
            "use": self._use,
        }
        if word not in actions:
            raise UsageError(
                f"%live {word}: no such thing; there are: %live, "
                f"{', '.join(f'%live {a}' for a in actions if a)}"
            )
        try:
            if word != "use" and not self._cells:
                self._use("")
            actions[word](rest.strip().strip("\"'"))
        except ValueError as error:
            raise UsageError(str(error)) from None

    def notice(self, result: Any) -> None:
        """Remember that a cell ran without an error; IPython calls this after each
        cell.
        """
        # ipykernel's own cells may have no source
        source = getattr(result.info, "raw_cell", None)
        if result.success and source:
            self._seen.append(source)
            self._tick(source)

    def _tick(self, source: str) -> None:
        first, _, rest = source.strip().partition("\n")
        name = first.removeprefix(COMMENT).strip()
        if first.startswith(COMMENT) and name in self._steps and rest.strip():
            places = [self._steps[name]]  # typed by hand perhaps, and still this step
        else:
            sources = [cell.source.strip() for cell in self._cells]
            places = [i for i, s in enumerate(sources) if s == source.strip()]
        self._ran.update(places)
        self._at = max({self._at, *set(places) & set(self._steps.values())})

    def _use(self, name: str) -> None:
        try:
            notebook = find(name or _origin(self._kernel))
        except ValueError:
            if name:
                raise
            raise UsageError(
                "which notebook? Say so once, as in: %live use " + notebooks()[0].path
            ) from None
        cells = read_source(notebook.source).cells
        self._path = notebook.path
        self._cells = [cell for cell in cells if cell.cell_type == "code"]
        self._steps = {
            step: i for i, cell in enumerate(self._cells) if (step := step_name(cell))
        }
        self._at, self._ran = -1, set()
        for source in self._seen:
            self._tick(source)
        print(f"{notebook.title} ({notebook.path}): {len(self._steps)} steps")

    def _list(self, _: str) -> None:
        coming = self._coming()
        for number, (step, place) in enumerate(self._steps.items(), start=1):
            mark = "✓" if place in self._ran else "→" if step == coming else " "
            print(f"{mark} {number:2}  {step}")

    def _next(self, name: str) -> None:
        step = self._named(name) if name else self._coming()
        if not step:
            print("That was the last step.")
            return
        for place, cell in enumerate(self._cells[: self._steps[step]]):
            # It may have run before this notebook was known: its names tell.
            there = place in self._ran or _binds(cell) <= self._kernel.user_ns.keys()
            if "setup" in cell.metadata.get("tags", []) and not there:
                print("First the set-up: run it, and then %live next again.")
                self._kernel.set_next_input(cell.source)
                return
        self._at = self._steps[step]
        self._kernel.set_next_input(f"{COMMENT}{step}\n{self._cells[self._at].source}")

    def _show(self, name: str) -> None:
        source = self._cells[self._steps[self._named(name)]].source
        display(Code(source, language="python"))

    def _catch_up(self, name: str) -> None:
        if name:
            self._at = self._steps[self._named(name)]
        # Before any step: what stands above the first one.
        end = self._at if self._at >= 0 else min(self._steps.values(), default=0) - 1
        ran = []
        for place, cell in enumerate(self._cells[: end + 1]):
            asked = ONLY_WHEN_ASKED & set(cell.metadata.get("tags", []))
            if place in self._ran or _only_shows(cell) or asked:
                continue
            label = step_name(cell) or cell.source.splitlines()[0]
            with capture_output():  # the room has seen it, or will
                result = self._kernel.run_cell(cell.source, store_history=False)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                raise UsageError(
                    f"stopped at {label!r}: {type(error).__name__}: {error}"
                )
            self._ran.add(place)
            ran.append(label)
        steps = [label for label in ran if label in self._steps]
        others = len(ran) - len(steps)
        parts = steps + ([f"{others} other cell{'s' * (others > 1)}"] if others else [])
        print("Ran " + ", ".join(parts) if parts else "Nothing was missed.")

    def _deck(self, _: str) -> None:
        # Where the server listens: a hub gives each user a place of their own.
        base = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
        address = f"{base}deck/{self._path}.ipynb"
        display(HTML(f'<a href="{address}" target="_blank">The slides, in a tab</a>'))

    def _coming(self) -> str:
        return next(
            (step for step, place in self._steps.items() if place > self._at), ""
        )

    def _named(self, name: str) -> str:
        """Return the step whose name or number is given, or whose name alone contains
        it.
        """
        steps = list(self._steps)
        if name.isdecimal() and 1 <= int(name) <= len(steps):
            return steps[int(name) - 1]
        found = [s for s in steps if name and name in s]
        return name if name in steps else _only(name, found, steps, "step")


def _binds(cell: Any) -> set[str]:
    """Return the names that a cell imports or assigns."""
    nodes = list(ast.walk(ast.parse(cell.source)))
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    stored = [n for n in nodes if isinstance(n, ast.Name)]
    return imported | {n.id for n in stored if isinstance(n.ctx, ast.Store)}


def _only_shows(cell: Any) -> bool:
    """Whether nothing after a cell can depend on it: it calls something and keeps no
    name.
    """
    return all(
        isinstance(statement, ast.Expr) for statement in ast.parse(cell.source).body
    )


def _origin(shell: InteractiveShell) -> str:
    """Return the course's path of the notebook file that a kernel was started for where
    the file tells, as a copy does, or else where the file is.
    """
    # Jupyter Server, VS Code
    file = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    try:
        content = json.loads(Path(str(file)).read_text(encoding="utf-8"))
        return str(content["metadata"]["xaicourse"]["notebook"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(file)
