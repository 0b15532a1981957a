"""The references, and citations as words where there is no Sphinx to resolve them: in
JupyterLab and on slides.
"""

from __future__ import annotations

import re
from functools import cache

from xaicourse.teaching.curriculum import ROOT

CITATION = re.compile(r"\{cite:(?P<style>[tp])\}`(?P<keys>[^`]+)`")
"""How a notebook cites: ``{cite:t}`key``` for authors (year), ``{cite:p}`key, key```
for (authors, year).
"""


def plain_citations(source: str) -> str:
    """Return Markdown whose citations are authors and years.

    Examples
    --------
    >>> plain_citations("{cite:t}`kohavi1996scaling`, and others {cite:p}`ding2021retiring,azzolin2023tutorial`")
    'Kohavi (1996), and others (Ding et al., 2021; Azzolin, 2023)'
    """
    return CITATION.sub(_in_words, source)


def cited_keys(source: str) -> list[str]:
    """Return the keys of all references that a text cites, in its order.

    Examples
    --------
    >>> cited_keys("{cite:t}`kohavi1996scaling`, and others {cite:p}`ding2021retiring, azzolin2023tutorial`")
    ['kohavi1996scaling', 'ding2021retiring', 'azzolin2023tutorial']
    """
    return [key for citation in CITATION.finditer(source) for key in _keys(citation)]


def _keys(citation: re.Match[str]) -> list[str]:
    return [key.strip() for key in citation["keys"].split(",")]


def _in_words(citation: re.Match[str]) -> str:
    cited = [_authors_and_year()[key] for key in _keys(citation)]
    if citation["style"] == "t":
        return ", ".join(f"{authors} ({year})" for authors, year in cited)
    return f"({'; '.join(f'{authors}, {year}' for authors, year in cited)})"


@cache
def _authors_and_year() -> dict[str, tuple[str, str]]:
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    found = {}
    for key, entry in parse_file(str(ROOT / "references.bib")).entries.items():
        names = [
            str(Text.from_latex(" ".join(p.prelast_names + p.last_names)))
            for p in entry.persons["author"]
        ]
        authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        found[key] = (authors, entry.fields["year"])
    return found
