"""How notebooks cite: in words that every renderer shows, which agree with
``references.bib`` and become citations on the site.
"""

from __future__ import annotations

import json
import re

import pytest

from xaicourse.teaching.citations import LINK, as_roles, cited_keys, references
from xaicourse.teaching.curriculum import Notebook, notebooks
from xaicourse.teaching.notebooks import read_source

EVERY = pytest.mark.parametrize("notebook", notebooks(), ids=lambda n: n.path)
NOT_ONLINE = {"brigham2024enforced"}  # the project of a course


def prose(notebook: Notebook) -> str:
    """Return a notebook's Markdown, without its line ends."""
    cells = read_source(notebook.source).cells
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return re.sub(r"[^\S\n]*\n[^\S\n]*(?=[^\s#>|-])", " ", text)


@EVERY
def test_what_only_sphinx_understands_is_left_to_the_site(notebook: Notebook) -> None:
    source = notebook.source.read_text(encoding="utf-8")
    assert "{cite" not in source, "cite as [Authors (year)](address)"
    assert not re.search(r"(```|:::)\{", source), (
        "JupyterLab and slides show such a fence as code"
    )


@EVERY
def test_every_citation_agrees_with_the_bibliography(notebook: Notebook) -> None:
    by_address = {r.address: r for r in references().values() if r.address}
    for link in LINK.finditer(prose(notebook)):
        assert link["address"] in by_address, f"{link[0]} is not in references.bib"
        reference = by_address[link["address"]]
        in_parentheses = f"{reference.authors}, {reference.year}"
        assert link["words"] in (reference.words, in_parentheses)


@EVERY
def test_further_reading_says_author_year_title_and_why(notebook: Notebook) -> None:
    _, listed = prose(notebook).split("## Further reading")
    items = re.findall(r"^- (.*)$", listed, re.MULTILINE)
    assert 2 <= len(items) <= 4
    for item in items:
        (key,) = cited_keys(item)
        reference = references()[key]
        link = f"[{reference.words}]({reference.address})"
        words = link if reference.address else reference.words
        begin = f"{words}, *{reference.title}*"
        assert item.startswith(begin), f"begin with {begin}"
        assert re.match(r"(, chapters? [\d to]+)?: .{10}", item.removeprefix(begin))


def test_every_reference_is_cited_and_can_be_followed() -> None:
    texts = [n.source.read_text(encoding="utf-8") for n in notebooks()]
    cited = {key for text in texts for key in cited_keys(text)}
    assert cited == set(references())
    addresses = {key: r.address for key, r in references().items()}
    assert {key for key, address in addresses.items() if not address} == NOT_ONLINE
    online = [address for address in addresses.values() if address]
    assert len(set(online)) == len(online)
    assert all(re.fullmatch(r"https://[\w./:%-]+", address) for address in online)


def test_names_and_years_come_from_the_bibliography() -> None:
    words = {key: r.words for key, r in references().items()}
    assert words["kohavi1996scaling"] == "Kohavi (1996)"
    assert words["chen2016xgboost"] == "Chen and Guestrin (2016)"
    assert words["peters2016causal"] == "Peters, Bühlmann and Meinshausen (2016)"
    assert words["deoliveira2016jet"] == "de Oliveira et al. (2016)"
    assert words["towers2024gymnasium"] == "Towers et al. (2024)"  # "and others"


def test_the_site_gets_roles_from_words_of_a_stored_notebook() -> None:
    text = (
        "As [Chen and Guestrin (2016)](https://doi.org/10.1145/2939672.2939785) and "
        'Brigham (2024) "say" ([Kohavi, 1996]'
        "(https://www.aaai.org/Papers/KDD/1996/KDD96-033.pdf)); see [here](https://x.y)"
    )
    assert json.loads(as_roles(json.dumps({"source": [text]})))["source"] == [
        "As {cite:t}`chen2016xgboost` and {cite:t}`brigham2024enforced` "
        '"say" ({cite:alp}`kohavi1996scaling`); see [here](https://x.y)'
    ]
    assert "Someone (2020)" in as_roles("[Someone (2020)](https://elsewhere.org)")
