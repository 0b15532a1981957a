"""The references, and citations as words where there is no Sphinx to resolve them: in JupyterLab and on slides."""

from __future__ import annotations

import re
from functools import cache

from xaicourse.teaching.curriculum import ROOT


def plain_citations(source: str) -> str:
    """Return Markdown whose citations are authors and years.

    Examples
    --------
    >>> plain_citations("{cite:t}`kohavi1996scaling`, and others {cite:p}`ding2021retiring,azzolin2023tutorial`")
    'Kohavi (1996), and others (Ding et al., 2021; Azzolin, 2023)'
    """
    return re.sub(r"\{cite:(?P<style>[tp])\}`(?P<keys>[^`]+)`", _in_words, source)


def _in_words(citation: re.Match[str]) -> str:
    cited = [_authors_and_year()[key.strip()] for key in citation["keys"].split(",")]
    if citation["style"] == "t":
        return ", ".join(f"{authors} ({year})" for authors, year in cited)
    return f"({'; '.join(f'{authors}, {year}' for authors, year in cited)})"


@cache
def _authors_and_year() -> dict[str, tuple[str, str]]:
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    found = {}
    for key, entry in parse_file(str(ROOT / "references.bib")).entries.items():
        names = [str(Text.from_latex(" ".join(p.prelast_names + p.last_names))) for p in entry.persons["author"]]
        authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        found[key] = (authors, entry.fields["year"])
    return found
