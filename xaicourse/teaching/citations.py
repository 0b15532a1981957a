"""The references, and how notebooks cite them: in words and with a link, which every
renderer shows; the site turns them into citations that lead to its bibliography.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from xaicourse.teaching.curriculum import ROOT

LINK = re.compile(
    r"\[(?P<words>[^][]+(?: \(\d{4}\)|, \d{4}))\]\((?P<address>https://[^)\s]+)\)"
)
"""A citation: ``[Authors (year)](address)``, or ``([Authors, year](address))``."""


@dataclass(frozen=True)
class Reference:
    """An entry of ``references.bib``; ``address`` is empty where nothing is online."""

    key: str
    authors: str
    year: str
    title: str
    address: str

    @property
    def words(self) -> str:
        """Authors and year, as they stand in a sentence."""
        return f"{self.authors} ({self.year})"


@cache
def references() -> dict[str, Reference]:
    """Return the entries of ``references.bib`` by their keys.

    The address is that of the preprint where there is one, since everybody may read it.

    Examples
    --------
    >>> references()["ding2021retiring"].words
    'Ding et al. (2021)'
    >>> references()["ding2021retiring"].address
    'https://arxiv.org/abs/2108.04884'
    """
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    sites = {
        "eprint": "https://arxiv.org/abs/",
        "doi": "https://doi.org/",
        "url": "",
    }
    found = {}
    for key, entry in parse_file(str(ROOT / "references.bib")).entries.items():
        *names, last = [
            str(Text.from_latex(" ".join(p.prelast_names + p.last_names)))
            for p in entry.persons["author"]
        ]
        authors = f"{', '.join(names)} and {last}" if names else last
        if len(names) > 2 or last == "others":
            authors = f"{names[0]} et al."
        fields = entry.fields
        addresses = [
            site + fields[name] for name, site in sites.items() if name in fields
        ]
        address = addresses[0] if addresses else ""
        found[key] = Reference(
            key,
            authors,
            fields["year"],
            str(Text.from_latex(fields["title"])),
            address.replace("(", "%28").replace(")", "%29"),
        )
    return found


def cited_keys(source: str) -> list[str]:
    """Return the keys of all references that a text cites, in its order.

    Examples
    --------
    >>> cited_keys("[Ding et al. (2021)](https://arxiv.org/abs/2108.04884) and others")
    ['ding2021retiring']
    """
    return re.findall(r"\{cite:\w+\}`([^`]+)`", as_roles(source))


def as_roles(source: str) -> str:
    """Return Markdown whose citations are Sphinx's, so that they lead to the site's
    bibliography.

    What is not online is recognised by its words.

    Examples
    --------
    >>> as_roles("It retires ([Ding et al., 2021](https://arxiv.org/abs/2108.04884)).")
    'It retires ({cite:alp}`ding2021retiring`).'
    """
    keys = {r.address: r.key for r in references().values() if r.address}

    def role(link: re.Match[str]) -> str:
        key = keys.get(link["address"])
        style = "t" if link["words"].endswith(")") else "alp"
        return f"{{cite:{style}}}`{key}`" if key else link[0]

    source = LINK.sub(role, source)
    for reference in references().values():
        if not reference.address:
            source = source.replace(reference.words, f"{{cite:t}}`{reference.key}`")
    return source
