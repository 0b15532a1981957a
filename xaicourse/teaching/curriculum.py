"""Read ``curriculum.yml``, the one list of notebooks, and make what repeats it: the
README's map, the contents.
"""

from __future__ import annotations

import base64
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
# Pages of the site beside the notebooks.
PAGES = (
    "xaicourse/teaching/pages/introduction",
    "xaicourse/teaching/pages/student",
    "xaicourse/teaching/pages/reader",
    "lectures/teaching",
    "xaicourse/teaching/pages/which_method",
    "xaicourse/teaching/pages/notation",
    "xaicourse/teaching/pages/glossary",
    "xaicourse/teaching/pages/threat_model",
    "xaicourse/teaching/pages/bibliography",
)
WITH_MAP = (ROOT / "README.md", ROOT / "start.md")
TEACHING = ROOT / "lectures" / "teaching.md"
MAP_START, MAP_END = "<!-- map: made from curriculum.yml -->", "<!-- end of map -->"


class CourseError(ValueError):
    """The course is not around the package, or a file of it cannot be read; the message
    says which.
    """


@dataclass(frozen=True)
class Notebook:
    """One pair of files: ``path`` ending in .py (edited) and .ipynb (executed)."""

    part: str
    path: str
    title: str
    question: str
    minutes: int
    week: int
    covers: dict[str, str]
    data: tuple[str, ...]
    gpu: bool
    other_seeds: int

    @property
    def source(self) -> Path:
        """The .py that people edit."""
        return ROOT / f"{self.path}.py"

    @property
    def stored(self) -> Path:
        """The .ipynb that carries the outputs."""
        return ROOT / f"{self.path}.ipynb"

    @property
    def frames(self) -> Path:
        """The folder of the pictures that its figures with sliders show."""
        return self.stored.parent / "frames" / self.stored.stem

    def content(self) -> Any:
        """Return what is stored (an `nbformat` notebook).

        Raises
        ------
        CourseError
            The file is no notebook, as where a merge has left its marks in it.
        """
        import nbformat  # here, so that commands which read none start faster

        try:
            return nbformat.read(self.stored, as_version=4)
        except ValueError:
            raise CourseError(
                f"{self.stored} is no notebook; did a merge leave its marks there? "
                f"`xaicourse notebooks {self.path}` makes it anew"
            ) from None


def notebooks() -> list[Notebook]:
    """Return all notebooks of the course, in reading order."""
    return [
        Notebook(part=part["title"], **{**entry, "data": tuple(entry["data"])})
        for part in _curriculum()["parts"]
        for entry in part["notebooks"]
    ]


def matching(name: str) -> list[Notebook]:
    """Return the notebooks that a name means: a file of a pair with or without its
    suffix, a folder, or a part of their paths in the course.
    """
    plain = re.sub(r"(?<=\w)\.(py|ipynb)?$", "", name)
    place = Path(plain).resolve()
    known = notebooks()
    inside = [n for n in known if (ROOT / n.path).is_relative_to(place)]
    return inside or [n for n in known if plain in n.path]


def course_map() -> str:
    """Return the table of notebooks (Markdown) of the README and of the page on which
    JupyterLab opens.
    """
    lines = [MAP_START, "| | notebook | asks | minutes |", "|---|---|---|---|"]
    part = ""
    for n in notebooks():
        first = f"**{n.part}**" if n.part != part else ""
        part = n.part
        lines.append(
            f"| {first} | [{n.title}]({n.path}.ipynb) | {n.question} | {n.minutes} |"
        )
    return "\n".join([*lines, MAP_END])


def teaching_plan(name: str) -> str:
    """Return one of the plans for teachers (Markdown), as it stands on the teachers'
    page.
    """
    plan = _curriculum()["plans"][name]
    if name == "weeks":
        blocks = [
            (theme, [n for n in notebooks() if n.week == week])
            for week, theme in enumerate(plan, start=1)
        ]
    else:
        home = {item: n for n in notebooks() for item in n.covers}
        blocks = [(day["theme"], [home[i] for i in day["items"]]) for day in plan]
    first = {"weeks": "week", "days": "half-day"}[name]
    lines = [
        f"<!-- {name}: made from curriculum.yml -->",
        f"| {first} | theme | notebooks | minutes |",
        "|--:|---|---|--:|",
    ]
    for number, (theme, read) in enumerate(blocks, start=1):
        cells = [
            f"[{n.title}]({posixpath.relpath(n.path, TEACHING.parent.name)}.ipynb)"
            for n in read
        ]
        lines.append(
            f"| {number} | {theme} | {' · '.join(cells)} | "
            f"{sum(n.minutes for n in read)} |"
        )
    return "\n".join([*lines, f"<!-- end of {name} -->"])


def table_of_contents() -> str:
    """Return ``toc.yml`` for Jupyter Book."""
    parts: dict[str, list[dict[str, str]]] = {}
    for n in notebooks():
        parts.setdefault(n.part, []).append({"file": n.path})
    toc = {
        "format": "jb-book",
        "root": "README",
        "parts": [
            *(
                {"caption": title, "chapters": chapters}
                for title, chapters in parts.items()
            ),
            {
                "caption": "Using the course",
                "chapters": [{"file": page} for page in PAGES],
            },
        ],
    }
    return "# Made from curriculum.yml by `make notebooks`.\n" + yaml.safe_dump(
        toc, sort_keys=False
    )


def front_figure() -> str | None:
    """Return the figure of the README and the front page (HTML), as a notebook stored
    it; None while there is none.
    """
    wanted = _curriculum()["picture"]
    [notebook] = matching(wanted["notebook"])
    if not notebook.stored.exists():
        return None
    for cell in notebook.content().cells:
        for output in cell.get("outputs", []):
            page: str = output.get("data", {}).get("text/html", "")
            if f"<figcaption>{wanted['caption']}" in page:
                return page
    raise ValueError(
        f"curriculum.yml: no figure of {wanted['notebook']} has a caption that begins "
        f"{wanted['caption']!r}"
    )


def picture() -> bytes | None:
    """Return the README's picture (WebP)."""
    figure = front_figure()
    return (
        base64.b64decode(re.findall(r'base64,([^"]+)"', figure)[0]) if figure else None
    )


def refresh() -> None:
    """Write what ``curriculum.yml`` decides anew: the map and picture of the README,
    the map of ``start.md``, ``toc.yml``, the teachers' plans.
    """
    for file in WITH_MAP:
        before, rest = file.read_text(encoding="utf-8").split(MAP_START)
        after = rest.split(MAP_END)[1]
        file.write_text(before + course_map() + after, encoding="utf-8")
    (ROOT / "toc.yml").write_text(table_of_contents(), encoding="utf-8")
    if drawn := picture():
        (ROOT / "picture.webp").write_bytes(drawn)
    page = TEACHING.read_text(encoding="utf-8")
    for name in ("weeks", "days"):
        block = re.compile(f"<!-- {name}: .*<!-- end of {name} -->", re.DOTALL)
        page = block.sub(lambda _, name=name: teaching_plan(name), page)  # type: ignore[misc]
    TEACHING.write_text(page, encoding="utf-8")


def _curriculum() -> dict[str, Any]:
    path = ROOT / "curriculum.yml"
    if not path.exists():
        raise CourseError(
            "the notebooks are not here: only a copy of the whole course has them, set "
            "up in its folder by `make lab`"
        )
    with path.open(encoding="utf-8") as file:
        try:
            return dict(yaml.safe_load(file))
        except yaml.YAMLError as error:  # it names the file and the line, on four lines
            raise CourseError(" ".join(str(error).split())) from None
