"""Make the site and the slide decks from the stored notebooks; both open from a folder,
without a network.

The module is also a Sphinx extension (`setup`), so that `jupyter-book build` alone
finds MathJax, the style, the map.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import math
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from xaicourse.teaching.citations import plain_citations
from xaicourse.teaching.curriculum import (
    ROOT,
    TEACHING,
    Notebook,
    front_figure,
    notebooks,
    table_of_contents,
)

PAGES = Path(__file__).with_name("pages")

# ---- the site ----


def build_book(folder: Path = ROOT) -> int:
    """Build the site into ``_build/html`` of a folder, warnings being errors, and
    return Jupyter Book's exit status.
    """
    build = folder / "_build"
    source = build / "book_source"
    for old in (source, build / "html", build / ".doctrees"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(PAGES, source, ignore=shutil.ignore_patterns("static", "deck"))
    for name in ("book.yml", "references.bib"):
        shutil.copy2(ROOT / name, source)
    (source / "lectures").mkdir()
    shutil.copy2(TEACHING, source / "lectures")
    for n in notebooks():
        content = nbformat.read(n.stored, as_version=4)
        for cell in content.cells:
            if "exercise" in cell.metadata.get("tags", []):
                cell.metadata["mystnb"] = {
                    "code_prompt_show": "Show a solution",
                    "code_prompt_hide": "Hide the solution",
                }
        target = source / f"{n.path}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(content, target)
    # Pages move to the top, for addresses that a reader would type, and a page of its
    # own stands before the README.
    contents = table_of_contents().replace(f"{PAGES.relative_to(ROOT).as_posix()}/", "")
    (source / "toc.yml").write_text(
        contents.replace("root: README", "root: index"), encoding="utf-8"
    )
    # the package cannot be run by -m
    book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", book, "build", "-W", "--keep-going", "--quiet"]
    options = [
        "--config",
        str(source / "book.yml"),
        "--toc",
        str(source / "toc.yml"),
        "--path-output",
        str(folder),
    ]
    return subprocess.run(
        [*command, *options, str(source)], check=False, cwd=ROOT
    ).returncode


def setup(app: Any) -> dict[str, Any]:
    """Give Sphinx what the pages need: local MathJax, the style sheet, the map and the
    figure of the front page.
    """
    app.config.html_static_path.append(str(PAGES / "static"))
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.config.myst_substitutions = {
        "map": course_map(),
        "glance": course_at_a_glance(),
        "figure": front_figure(),
    }
    app.add_css_file("course.css")
    app.add_js_file("explore.js", loading_method="defer")
    # the theme would make buttons that lead nowhere
    if not app.config.html_theme_options.get("repository_url"):
        app.config.html_theme_options.pop("launch_buttons", None)
    app.connect("html-page-context", _without_thebe)
    app.connect("build-finished", _with_mathjax_and_frames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _without_thebe(
    _app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any
) -> None:
    """Take out what would run cells on a remote server; Jupyter Book puts it into every
    page, wanted or not, twice.
    """
    scripts = context.get("script_files", [])
    context["script_files"] = [
        s for s in scripts if "thebe" not in f"{s.filename} {s.attributes}"
    ]


def _with_mathjax_and_frames(app: Any, error: Exception | None) -> None:
    if error is None:
        copy_mathjax(Path(app.outdir) / "_static" / "mathjax")
        for n in notebooks():
            copy_frames(n, (Path(app.outdir) / n.path).parent)


def copy_frames(notebook: Notebook, folder: Path) -> None:
    """Copy what a notebook's sliders show beside a page of it."""
    if notebook.frames.exists():
        target = folder / "frames" / notebook.frames.name
        shutil.copytree(notebook.frames, target, dirs_exist_ok=True)


def course_map() -> str:
    """Return the map of the course as Markdown for a page of the site."""
    lines: list[str] = []
    part = ""
    for n in notebooks():
        if n.part != part:
            part = n.part
            lines += ["", f"**{part}**", ""]
        lines.append(
            f"- [{n.title}](/{n.path}.ipynb) · {n.minutes} min  \n  {n.question}"
        )
    return "\n".join(lines).strip()


def course_at_a_glance() -> str:
    """Return the map with nothing but titles, so that the whole course fits on the
    front page's first screen.
    """
    parts: dict[str, list[Notebook]] = {}
    for n in notebooks():
        parts.setdefault(n.part, []).append(n)
    lines = [
        f"**{part}** · {sum(n.minutes for n in members)} min  \n"
        + " · ".join(f"[{n.title}](/{n.path}.ipynb)" for n in members)
        for part, members in parts.items()
    ]
    return "\n\n".join(lines)


def copy_mathjax(target: Path) -> None:
    """Copy the part of MathJax that pages load: one script and its fonts."""
    source = _package("sphinx-mathjax-offline") / "static" / "mathjax"
    fonts = Path("output/chtml/fonts/woff-v2")
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
    shutil.copy2(source / "tex-chtml.js", target)


# ---- the decks ----

# pixels of height that a slide has for its content; the page shrinks what an estimate
# got wrong
ROOM = 640.0
CHARACTERS, LINE = 84, 38.0  # of text, in a line and its height


def build_slides(folder: Path = ROOT) -> None:
    """Write a deck of every notebook that has slides, and a page that lists them, into
    ``_build/html/slides``.
    """
    from nbconvert import SlidesExporter
    from pygments.formatters import HtmlFormatter

    decks = folder / "_build" / "html" / "slides"
    shutil.rmtree(decks, ignore_errors=True)
    reveal = _package("sphinx_revealjs") / "_static" / "revealjs"
    for name in ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js"):
        target = decks / "reveal" / Path(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(reveal / name, target)
    copy_mathjax(decks / "mathjax")
    for name in ("deck/deck.css", "deck/deck.js", "static/explore.js"):
        shutil.copy2(PAGES / name, decks)
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(
        ".highlight"
    )
    (decks / "code.css").write_text(colours, encoding="utf-8")

    exporter: Any = SlidesExporter(  # type: ignore[no-untyped-call]
        template_name="deck",
        extra_template_basedirs=[str(PAGES)],
        exclude_anchor_links=True,
    )
    entries = []
    for n in notebooks():
        content = nbformat.read(n.stored, as_version=4)
        if not any(_slide_type(cell) for cell in content.cells):
            continue
        content.cells = list(deck_cells(content.cells))
        content.metadata["title"] = n.title
        page, _ = exporter.from_notebook_node(content)
        name = n.path.replace("/", "-") + ".html"
        (decks / name).write_text(page, encoding="utf-8")
        copy_frames(n, decks)
        slides = sum(
            _slide_type(cell) in ("slide", "subslide") for cell in content.cells
        )
        entries.append(_entry(n, name, slides))
    index = (PAGES / "deck" / "decks.html").read_text(encoding="utf-8")
    (decks / "index.html").write_text(
        index.replace("{{ decks }}", "\n".join(entries)), encoding="utf-8"
    )


def deck_cells(cells: list[Any]) -> Iterator[Any]:
    """Yield the cells of a deck, one block each: what does not fit on a slide goes on
    one below it.

    A deck shows the Markdown that has a slide type or a heading, the code that is typed
    live or has a slide type, and outputs. Markdown without a slide type is what the
    speaker says: it becomes speaker's notes. The rest stays in the notebook, and so do
    solutions.
    """
    title, room = "", 0.0
    for cell in cells:
        kind, tags = _slide_type(cell), cell.metadata.get("tags", [])
        steps = [
            tag.removeprefix("live:").strip() for tag in tags if tag.startswith("live:")
        ]
        if kind == "skip" or {"setup", "exercise", "gpu"} & set(tags):
            continue
        heading = None
        if cell.cell_type == "markdown":
            text = plain_citations(cell.source)
            heading = re.match(r"#+ (.*)", text)
            if kind == "notes" or not (kind or heading):
                yield _notes(text)
                continue
            # what follows may not be for slides
            if heading and not kind and heading.group() == text.strip():
                title, room = heading.group(1), 0.0
                continue
            blocks = [nbformat.v4.new_markdown_cell(text)]
        else:
            blocks = list(_code_and_outputs(cell, shown=bool(kind or steps)))
        for i, block in enumerate(blocks):
            height = _height(block)
            if height > ROOM and not (heading or block.source):
                yield _notes("*The notebook shows more here than a slide holds.*")
                continue
            if heading:
                title, room = heading.group(1), ROOM
                yield _typed(block, "slide")
            elif height > room or (i == 0 and kind in ("slide", "subslide")):
                yield _typed(
                    nbformat.v4.new_markdown_cell(
                        f'<p class="kicker">{html.escape(title)}</p>'
                    ),
                    "subslide",
                )
                yield _typed(block, "-")
                room = ROOM - LINE
            else:
                yield _typed(
                    block, "fragment" if i == 0 and kind == "fragment" else "-"
                )
            room -= height
        yield from (_notes(f"Step to type: *{step}*") for step in steps)


def _code_and_outputs(cell: Any, *, shown: bool) -> Iterator[Any]:
    if shown:
        yield nbformat.v4.new_code_cell(cell.source)
    for output in cell.get("outputs", []):
        block = nbformat.v4.new_code_cell("", outputs=[output])
        block.metadata["hide_input"] = True
        yield block


def _height(cell: Any) -> float:
    """Return about how many pixels of a slide a cell takes."""
    if cell.cell_type == "code" and cell.source:
        return _code_height(cell.source)
    if cell.cell_type == "markdown":
        return _text_height(cell.source)
    (output,) = cell.outputs
    data = output.get("data", {})
    page = str(data.get("text/html", ""))
    if picture := data.get("image/png"):
        width, height = struct.unpack(">II", base64.b64decode(picture[:48])[16:24])
        slider = 50 * page.count("data-frames=")
        return min(350.0, 1080.0 * float(height) / float(width)) + 50 + slider
    if page:
        return 36.0 * page.count("<tr") + 60
    return _text_height(
        str(data.get("text/markdown", data.get("text/plain", output.get("text", ""))))
    )


def _code_height(code: str) -> float:
    """Return the height of a block of code, whose letters get smaller when a line is
    long.
    """
    lines = code.splitlines()
    return 27.5 * len(lines) * min(1.0, 90 / max(len(line) for line in lines)) + 40


def _text_height(text: str) -> float:
    if text.startswith("```"):
        return _code_height(text) - 55
    height = 0.0
    for paragraph in re.split(r"\n\s*\n", re.sub(r"<[^>]*>", "", text)):
        lines = paragraph.splitlines()
        # where line breaks count
        if any(line.startswith(("```", "> ", "- ", "#")) for line in lines):
            height += (
                sum(LINE * math.ceil(max(len(line), 1) / CHARACTERS) for line in lines)
                + 20
            )
            height += 40 * sum(line.startswith("#") for line in lines)
        else:
            height += LINE * math.ceil(len(paragraph) / CHARACTERS) + 16
    return height


def _typed(cell: Any, kind: str) -> Any:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _notes(text: str) -> Any:
    return _typed(nbformat.v4.new_markdown_cell(text), "notes")


def _slide_type(cell: Any) -> str:
    kind = str(cell.metadata.get("slideshow", {}).get("slide_type", ""))
    return "" if kind == "-" else kind


def _entry(notebook: Notebook, file: str, slides: int) -> str:
    title, question = html.escape(notebook.title), html.escape(notebook.question)
    return f'<li><a href="{file}">{title}</a> <small>{slides} slides</small><p>{question}</p></li>'


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"the package {name}, which the site and the decks are made with, is "
            f"missing: run make"
        )
    return Path(spec.origin).parent
