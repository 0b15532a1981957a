"""Make the site and the slide decks from the stored notebooks; both open from a folder,
without a network.

The module is also a Sphinx extension (`setup`), so that `jupyter-book build` alone
finds MathJax, the style, the map.
"""

from __future__ import annotations

import html
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from xaicourse.teaching.citations import as_roles
from xaicourse.teaching.curriculum import (
    ROOT,
    TEACHING,
    Notebook,
    front_figure,
    notebooks,
    table_of_contents,
)
from xaicourse.teaching.notebooks import is_folded, only_speaks

PAGES = Path(__file__).with_name("pages")

# ---- the site ----


def build_book(folder: Path = ROOT) -> int:
    """Build the site into ``_build/html`` of a folder, warnings being errors, and
    return Jupyter Book's exit status.
    """
    members = notebooks()
    _package("jupyter_book")
    build = folder / "_build"
    source = build / "book_source"
    for old in (source, build / "html", build / ".doctrees"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(PAGES, source, ignore=shutil.ignore_patterns("static", "deck"))
    for name in ("book.yml", "references.bib"):
        shutil.copy2(ROOT / name, source)
    (source / "lectures").mkdir()
    shutil.copy2(TEACHING, source / "lectures")
    for n in members:
        content = as_page(n.content())
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


def as_page(content: Any) -> Any:
    """Return a stored notebook with what the site is to fold, noted in its cells."""
    for cell in content.cells:
        tags = cell.metadata.get("tags", [])
        if is_folded(cell):
            cell.metadata["tags"] = [*tags, "hide-input"]
        if "exercise" in tags:
            cell.metadata["mystnb"] = {
                "code_prompt_show": "Show a solution",
                "code_prompt_hide": "Hide the solution",
            }
    return content


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
    app.connect("source-read", _with_citations)
    app.connect("html-page-context", _without_thebe)
    app.connect("build-finished", _with_mathjax_and_frames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _with_citations(_app: Any, _page: str, source: list[str]) -> None:
    source[0] = as_roles(source[0])


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


def build_slides(folder: Path = ROOT) -> None:
    """Write a deck of every notebook, and a page that lists them, into
    ``_build/html/slides``.
    """
    decks = folder / "_build" / "html" / "slides"
    shutil.rmtree(decks, ignore_errors=True)
    entries = [
        f'<li><a href="{write_deck(n, decks).name}">{html.escape(n.title)}</a> '
        f"<small>{n.minutes} min</small><p>{html.escape(n.question)}</p></li>"
        for n in notebooks()
    ]
    index = (PAGES / "deck" / "decks.html").read_text(encoding="utf-8")
    (decks / "index.html").write_text(
        index.replace("{{ decks }}", "\n".join(entries)), encoding="utf-8"
    )


def write_deck(notebook: Notebook, decks: Path) -> Path:
    """Write the deck of one stored notebook, and what it loads, into a folder, and
    return its file.
    """
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    if not (decks / "mathjax").exists():
        copy_mathjax(decks / "mathjax")
    reveal = _package("sphinx_revealjs") / "_static" / "revealjs"
    (decks / "reveal").mkdir(exist_ok=True)
    for name in ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js"):
        shutil.copy2(reveal / name, decks / "reveal")
    for name in ("deck/deck.css", "deck/deck.js", "static/explore.js"):
        shutil.copy2(PAGES / name, decks)
    copy_frames(notebook, decks)
    style: Any = HtmlFormatter(style="a11y-high-contrast-light")
    colours = style.get_style_defs(".highlight")
    (decks / "code.css").write_text(colours, encoding="utf-8")
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="deck",
        extra_template_basedirs=[str(PAGES)],
        exclude_anchor_links=True,
    )
    content = notebook.content()
    content.cells = list(deck_blocks(content.cells))
    content.metadata |= {"title": notebook.title, "minutes": notebook.minutes}
    page, _ = exporter.from_notebook_node(content)
    file = decks / f"{notebook.path.replace('/', '-')}.html"
    file.write_text(page, encoding="utf-8")
    return file


def deck_blocks(cells: list[Any]) -> Iterator[Any]:
    """Yield the blocks of a deck as cells whose metadata say what each is: ``slide``,
    ``subslide``, ``title``, ``text``, ``code``, ``output`` or ``notes``.

    A deck shows the Markdown that has a slide type or a heading, the code that is typed
    live or has a slide type, and outputs. Markdown without a slide type is what the
    speaker says: it becomes speaker's notes, and so do comments (``<!-- -->``). The
    rest stays in the notebook, and so do solutions. Which blocks share a slide is found
    out by ``deck.js``.
    """
    for cell in cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "")
        tags = cell.metadata.get("tags", [])
        if kind == "skip" or {"setup", "exercise", "gpu"} & set(tags):
            continue
        if cell.cell_type == "markdown":
            heading = re.match(r"#+ .*", cell.source)
            if kind == "notes" or not (kind or heading):
                block = "notes"
            elif not heading:
                block = "subslide" if kind == "subslide" else "text"
            else:
                alone = heading.group() == cell.source.strip() and not kind
                block = "title" if alone else "slide"
            yield _block(block, nbformat.v4.new_markdown_cell(cell.source))
            notes = re.findall(r"<!--(.*?)-->", cell.source, re.DOTALL)
            if "<details>" in cell.source:
                notes.append("Let the room choose before you open an answer.")
            for note in notes:
                yield _block("notes", nbformat.v4.new_markdown_cell(note))
            continue
        steps = [tag.removeprefix("live:") for tag in tags if tag.startswith("live:")]
        if (kind or steps) and not only_speaks(cell.source):
            yield _block("code", nbformat.v4.new_code_cell(cell.source))
        for output in cell.get("outputs", []):
            yield _block("output", nbformat.v4.new_code_cell(outputs=[output]))
        for step in steps:
            note = f"Step to type: *{step.strip()}*"
            yield _block("notes", nbformat.v4.new_markdown_cell(note))


def _block(kind: str, cell: Any) -> Any:
    cell.metadata["block"] = kind
    return cell


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"{name} is missing: pip install 'xaicourse[dev]' brings it", name=name
        )
    return Path(spec.origin).parent
