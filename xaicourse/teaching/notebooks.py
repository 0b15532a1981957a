"""Make the .ipynb of each pair from its .py: execute it in a clean kernel, store
outputs that no machine shows in.

The .py is what people edit. The .ipynb is stale when anything that its outputs rest on
has changed: the .py, the modules of the package that it imports (directly or not), the
lock file, the data.
"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import importlib
import os
import re
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbclient import NotebookClient
from traitlets.config import Config

from xaicourse.teaching.curriculum import ROOT, CourseError, Notebook, refresh
from xaicourse.teaching.kernels import start_by_forking
from xaicourse.teaching.narration import differences
from xaicourse.teaching.templates import SPEAKING

# What a stored run must not depend on: progress bars, sliders, a GPU, the number of
# cores (sums in another order).
HEADLESS = {"XAICOURSE_STATIC": "1", "XAICOURSE_GPU": "", "OMP_NUM_THREADS": "1"}
FOLDED_TAGS = {"setup", "exercise"}
# A kernel's channels are encrypted where it can, which saves it a warning.
CHANNELS = Config({"KernelManager": {"transport_encryption": "auto"}})
MACHINE = re.compile(
    r"/(?:home|root|tmp|Users|usr|var|opt)/[\w./-]+|[A-Z]:\\\\|\bat "
    r"0x[0-9a-f]{6,}|\b\d+(?:\.\d+)? ?it/s"
)
MAX_BYTES = 500_000
PACKAGE = ROOT / "xaicourse"


def read_source(path: Path) -> Any:
    """Return the notebook that a .py in percent format describes, with an identity for
    each cell, and folded as JupyterLab shows it.

    JupyterLab never writes what a reader folds or opens: the .ipynb keeps this.

    Raises
    ------
    CourseError
        The file is no Python, as where a merge has left its marks in it.
    """
    _parsed(path)
    config = load_jupytext_config(str(path))
    notebook = jupytext.read(path, fmt="py:percent", config=config)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}:{cell.source}".encode()).hexdigest()[
            :12
        ]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if is_folded(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}
    return notebook


def is_folded(cell: Any) -> bool:
    """Whether a page shows what a cell gives and not its code, until that is asked for:
    set-up, exercises, and cells that only speak (`say`, `claim`, `show`, `table`).
    """
    if cell.cell_type != "code":
        return False
    tags = cell.metadata.get("tags", [])
    return bool(FOLDED_TAGS.intersection(tags)) or only_speaks(cell.source)


def fingerprint(notebook: Notebook) -> str:
    """Return the hash of all that the outputs of a notebook rest on, data apart."""
    digest = hashlib.sha256()
    for path in [
        notebook.source,
        *modules_behind(notebook.source),
        ROOT / "requirements.lock",
    ]:
        # Where lines end with CR LF, as on Windows, nothing else has changed.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def modules_behind(source: Path) -> list[Path]:
    """Return the files of the package that define what a file uses, directly or not."""
    found: set[Path] = set()
    waiting = [source]
    while waiting:
        file = waiting.pop()
        new = _imports(file, file.stat().st_mtime_ns) - found
        found |= new
        waiting += new
    return sorted(found)


def data_mode(notebook: Notebook) -> str:
    """Return "real" when all data of a notebook are at hand, "simulated" when a twin
    stands in, "none" without data.
    """
    if not notebook.data:
        return "none"
    datasets = importlib.import_module("xaicourse.datasets")
    return (
        "real"
        if all(
            datasets.available()[name].state() == "at hand" for name in notebook.data
        )
        else "simulated"
    )


def staleness(notebook: Notebook) -> str:
    """Return why the stored notebook is stale, in words, or an empty string when it is
    not.

    Outputs from the real data stay valid on a machine that lacks them.
    """
    if not notebook.stored.exists():
        return "it has never been executed"
    last = _last_run(notebook)
    if not last:
        return "its .ipynb is not what a run has left, as after a merge"
    if last.get("fingerprint") != fingerprint(notebook):
        return "its source, a module it uses or the lock has changed"
    if _inputs(notebook.content()) != _inputs(read_source(notebook.source)):
        return "its cells are not those of its source"
    if data_mode(notebook) == "real" and last.get("data") != "real":
        return "it was executed on simulated data and the real data are at hand"
    return ""


def _inputs(content: Any) -> list[Any]:
    return [(c.cell_type, c.source, c.id, c.metadata) for c in content.cells]


def stored_mode(notebook: Notebook) -> str:
    """Return the kind of data that the stored outputs come from, as `data_mode` says
    it; "none" when never executed.
    """
    return _last_run(notebook).get("data", "none")


def _last_run(notebook: Notebook) -> dict[str, str]:
    try:
        return dict(notebook.content().metadata.get("xaicourse", {}))
    except (FileNotFoundError, CourseError):
        return {}


def compare_values(stored: Sequence[Any], fresh: Sequence[Any]) -> list[str]:
    """Return how the statements in a cell's fresh outputs differ from the stored ones,
    in words.
    """
    before, after = (
        [
            o["metadata"]["xaicourse"]
            for o in outputs
            if "xaicourse" in o.get("metadata", {})
        ]
        for outputs in (stored, fresh)
    )
    if len(before) != len(after):
        return [f"{len(before)} statements became {len(after)}"]
    return [
        problem
        for b, a in zip(before, after, strict=True)
        for problem in differences(b, a)
    ]


def execute(notebook: Notebook) -> float:
    """Execute a notebook from a clean kernel, store it, and return the seconds it took.

    Raises
    ------
    RuntimeError
        When the run left a widget, a warning, a path or a memory address in an output,
        or the file would be too large.
    """
    content = read_source(notebook.source)
    client = NotebookClient(
        content,
        timeout=600,
        kernel_name="python3",
        store_widget_state=False,
        config=CHANNELS,
        resources={"metadata": {"path": str(notebook.source.parent)}},
    )
    with TemporaryDirectory() as scratch:
        frames = Path(scratch, notebook.frames.name)
        here = HEADLESS | {"XAICOURSE_FRAMES": str(frames)}
        start = time.perf_counter()
        asyncio.run(client.async_execute(env=os.environ | here))
        seconds = time.perf_counter() - start
        text = _as_stored(notebook, content)
        notebook.stored.write_text(text, encoding="utf-8")
        shutil.rmtree(notebook.frames, ignore_errors=True)
        if frames.exists():
            shutil.copytree(frames, notebook.frames)
    return seconds


def _as_stored(notebook: Notebook, content: Any) -> str:
    """Return an executed notebook as its file holds it, or refuse it."""
    for cell in content.cells:
        cell.metadata.pop("execution", None)  # timings
        for output in cell.get("outputs", []):
            _refuse_traces(notebook.path, output)
            if "metadata" in output:
                output["metadata"] = _as_browsers_write(output["metadata"])
    # which JupyterLab takes out, as the .py has it
    content.metadata["jupytext"].pop("text_representation")
    content.metadata["xaicourse"] = {
        "fingerprint": fingerprint(notebook),
        "data": data_mode(notebook),
    }
    text: str = nbformat.writes(content) + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise RuntimeError(
            f"{notebook.path}: {len(text.encode()):,} bytes to store; at most "
            f"{MAX_BYTES:,} are allowed"
        )
    return text


def _as_browsers_write(value: Any) -> Any:
    """Return a value of JSON in which a whole number is never a float, such as 1.0: a
    browser that saves the notebook would write 1.
    """
    if isinstance(value, dict):
        return {key: _as_browsers_write(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_browsers_write(entry) for entry in value]
    # from 1e21 on, a browser writes powers of ten, too
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e21
    return int(value) if whole else value


def main(chosen: Sequence[Notebook], *, force: bool = False) -> int:
    """Execute those notebooks that are stale, or all, one a core at a time; refresh
    what ``curriculum.yml`` decides.
    """
    stale = []
    for n in chosen:
        reason = "asked for" if force else staleness(n)
        mode = data_mode(n)
        doing = "executing" + (f" on {mode} data" if mode != "none" else "")
        print(
            f"{n.path}: {reason}; {doing}" if reason else f"{n.path}: up to date",
            flush=True,
        )
        stale += [n] if reason else []
    if stale:
        start_by_forking(HEADLESS)
    # A kernel computes in one thread, and this process only waits for it.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(execute, n): n for n in stale}
        for done in as_completed(running):
            outcome = "stopped" if done.exception() else f"{done.result():.1f} s"
            print(f"{running[done].path}: {outcome}", flush=True)
    for done in running:
        done.result()  # raises what stopped it
    refresh()
    return 0


def only_speaks(source: str) -> bool:
    """Whether a cell ends in a call that speaks, be it under an `if`: what comes before
    only prepares the sentence.
    """
    statements = ast.parse(source).body
    while statements and isinstance(statements[-1], ast.If):
        statements = statements[-1].body
    match statements[-1:]:
        case [ast.Expr(value=ast.Call(func=ast.Name(id=name)))]:
            return name in {*SPEAKING, "explore"}
    return False


@cache
def _imports(source: Path, _changed: int) -> frozenset[Path]:
    """Return the files of the package that define what a file imports."""
    found = set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Import):
            found |= {_file(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_defining(node.module, alias.name) for alias in node.names}
    return frozenset(path for path in found if path.is_relative_to(PACKAGE))


def _defining(module: str, name: str) -> Path:
    """Return the file that defines a name, followed through what packages import."""
    if (inside := _file(f"{module}.{name}")).exists():
        return inside
    file = _file(module)
    if file.name == "__init__.py":
        for node in _parsed(file).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return _defining(node.module, alias.name)
    return file


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        line = f"{error.msg}: {(error.text or '').strip()}"
        raise CourseError(f"{path}, line {error.lineno}: {line}") from None


def _file(module: str) -> Path:
    base = ROOT.joinpath(*module.split("."))
    package = base / "__init__.py"
    return package if package.exists() else base.with_suffix(".py")


def _refuse_traces(path: str, output: Any) -> None:
    if output.output_type == "stream" and output.name == "stderr":
        raise RuntimeError(
            f"{path}: a cell wrote to stderr, a warning perhaps: {output.text[:500]}"
        )
    if any("widget" in kind for kind in output.get("data", {})):
        raise RuntimeError(
            f"{path}: an output holds a widget or a progress bar, which no reader of "
            f"the file could see"
        )
    texts = [output.get("text", "")] + [
        v for k, v in output.get("data", {}).items() if k.startswith("text/")
    ]
    for text in texts:
        visible = re.sub(r"data:image/webp;base64,[^\"]*", "", text)
        if trace := MACHINE.search(visible):
            raise RuntimeError(
                f"{path}: an output holds a trace of this machine: {trace.group()!r}"
            )
