"""The site and the decks, built once and opened from the file system in a real browser,
as a reader opens them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from xaicourse.cli import main
from xaicourse.teaching import site
from xaicourse.teaching.citations import references
from xaicourse.teaching.curriculum import notebooks

NOTEBOOKS = [f"{n.path}.html" for n in notebooks()]
DECKS = [f"slides/{n.path.replace('/', '-')}.html" for n in notebooks()]
C1 = "notebooks/causality/01_environment_shift"
C1_DECK = f"slides/{C1.replace('/', '-')}.html"
USING = ["student.html", "reader.html", "lectures/teaching.html"]
WORDS = [
    "introduction.html",
    "which_method.html",
    "notation.html",
    "glossary.html",
    "threat_model.html",
]
PAGES = ["index.html", *USING, *WORDS, "bibliography.html", "slides/index.html"]
WINDOW, SLIDE = (
    ViewportSize(width=1280, height=800),
    ViewportSize(width=1280, height=720),
)
NO_BROWSER = (
    "The site is tested in a browser: install chromium "
    "(Debian, Ubuntu: apt-get install chromium)"
)


@dataclass
class Site:
    """The built site and a browser that writes down what goes wrong."""

    folder: Path
    browser: Browser

    def open(self, name: str, *, query: str = "") -> Page:
        context = self.browser.new_context(
            viewport=SLIDE if name in DECKS else WINDOW,
            color_scheme="light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.trouble = []  # type: ignore[attr-defined]
        note = page.trouble.append  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda m: note(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: note(str(error)))
        page.on("requestfailed", lambda request: note(f"not loaded: {request.url}"))
        page.on(
            "request",
            lambda r: (
                note(r.url)
                if not r.url.startswith(("file:", "data:", "blob:"))
                else None
            ),
        )
        page.goto((self.folder / name).as_uri() + query)
        if name in DECKS:
            page.wait_for_function("window.Reveal && Reveal.isReady()")
        elif name in NOTEBOOKS:
            # Only pages with formulas load MathJax.
            page.wait_for_function(
                "!document.querySelector('script[src*=mathjax]') || "
                "window.MathJax?.startup?.promise"
            )
            page.evaluate("window.MathJax?.startup?.promise.then(() => true)")
        return page


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    chromium = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if chromium is None:
        pytest.skip(NO_BROWSER)
    folder = tmp_path_factory.mktemp("site")
    assert site.build_book(folder) == 0
    site.build_slides(folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield Site(folder / "_build" / "html", browser)
        browser.close()


@pytest.fixture(scope="module")
def page(built: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, opened once: pytest runs all tests of one page before the next."""
    opened = built.open(request.param)
    yield opened
    opened.context.close()


def each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", names, indirect=True, scope="module")


@each(*PAGES, *NOTEBOOKS, *DECKS, "search.html")
def test_pages_load_whole_and_from_here_alone(page: Page) -> None:
    assert page.trouble == []  # type: ignore[attr-defined]
    assert page.locator("h1").first.inner_text().strip()


def has_formulas(url: str) -> bool:
    names = zip(notebooks(), NOTEBOOKS, DECKS, strict=True)
    (source,) = [
        n.source
        for n, *shown in names
        if url.endswith(tuple(f"/{name}" for name in shown))
    ]
    return (
        re.search(r"^#.*\$", source.read_text(encoding="utf-8"), re.MULTILINE)
        is not None
    )


@each(*NOTEBOOKS, *DECKS)
def test_mathematics_and_figures_are_there(page: Page) -> None:
    assert (
        page.evaluate("document.querySelectorAll('mjx-container').length") > 0
    ) == has_formulas(page.url)
    assert page.evaluate("document.querySelectorAll('mjx-merror').length") == 0
    assert "$" not in page.evaluate(
        "[...document.querySelectorAll('main p')].filter(p => "
        "!p.closest('aside')).map(p => p.textContent).join(' ')"
    )
    page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
    images = page.evaluate(
        "[...document.images].map(image => [image.alt, image.naturalWidth])"
    )
    assert len(images) >= 3
    assert all(len(alt) > 20 and width > 300 for alt, width in images)


@each("index.html")
def test_the_front_page_is_one_screen(page: Page) -> None:
    for seen in [
        ".promise",
        "figure img",
        ".front a",
        *(f".sd-card:has-text('{d}')" for d in ("Student", "Instructor")),
    ]:
        box = page.locator(seen).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    for n in notebooks():
        assert page.locator(f".front a:has-text('{n.title}')").count() == 1
    for door in USING:
        assert page.locator(f".sd-card a[href='{door}']").count() == 1


def test_search_finds_a_word(built: Site) -> None:
    page = built.open("search.html", query="?q=hospital")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results a[href*='01_environment_shift']").count() >= 1
    assert page.trouble == []  # type: ignore[attr-defined]
    page.context.close()


@each(*NOTEBOOKS)
def test_further_reading_leads_to_the_bibliography(page: Page) -> None:
    links = page.locator("#further-reading li a.reference.internal")
    assert links.count() >= page.locator("#further-reading li").count() >= 2
    for link in links.all():
        assert "bibliography.html#id" in str(link.get_attribute("href"))


@each("bibliography.html")
def test_the_bibliography_leads_to_the_sources(page: Page) -> None:
    entries = page.locator(".citation")
    assert entries.count() == len(references())
    links = page.locator(".citation a.external")
    found = links.evaluate_all("links => links.map(a => a.getAttribute('href'))")
    online = {unquote(r.address) for r in references().values() if r.address}
    assert online <= {unquote(address) for address in found}


@each(f"{C1}.html")
def test_a_question_can_be_answered_without_a_mouse(page: Page) -> None:
    answers = page.locator("details:not([class]):has(strong:text-is('Right.'))")
    assert answers.count() == 3
    reply = answers.first.locator("p")
    assert not reply.is_visible()
    answers.first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert reply.is_visible()
    page.keyboard.press("Enter")
    assert not reply.is_visible()


@each(*NOTEBOOKS)
def test_solutions_are_folded_and_results_are_not(page: Page) -> None:
    assert page.locator("details.hide[open]").count() == 0
    solutions = page.locator("details.hide:has-text('### BEGIN SOLUTION')")
    assert solutions.count() >= 2
    assert not any(pre.is_visible() for pre in solutions.locator("pre").all())
    assert page.locator("blockquote:has-text('✓')").first.is_visible()
    assert page.locator("figure img").first.is_visible()


@each(*PAGES, *NOTEBOOKS)
def test_nothing_overflows_on_a_telephone(page: Page) -> None:
    page.set_viewport_size(ViewportSize(width=390, height=844))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = """['p', 'figure', 'img', 'blockquote', 'details', 'h1', 'h2']
        .flatMap(tag => [...document.querySelectorAll(`main ${tag}`)])
        .filter(e => !e.closest('.pst-scrollable-table-container'))  // it scrolls
        .filter(e => e.getBoundingClientRect().right > 390.5)
        .map(e => e.outerHTML.slice(0, 90))"""
    assert page.evaluate(wide) == []
    page.set_viewport_size(WINDOW)


@each("index.html", *NOTEBOOKS, DECKS[0], "slides/index.html")
def test_accessible(page: Page) -> None:
    assert_accessible(page)


# One page of each template: what is dark is decided there, not in a notebook.
@each("index.html", f"{C1}.html", DECKS[0], "slides/index.html")
def test_accessible_in_the_dark(page: Page) -> None:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert_accessible(page, runOnly=["color-contrast"])
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def assert_accessible(page: Page, **rules: list[str]) -> None:
    # alike, and slow
    page.evaluate(
        "[...document.querySelectorAll('.highlight')].slice(8).forEach(e => e.remove())"
    )
    results = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response
    serious = [
        f"{v['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for v in results["violations"]
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]
    assert serious == []


# What may break the rules for a while: for each deck, in how many slides at most.
TO_DO = yaml.safe_load(Path(__file__).with_name("decks_to_do.yml").read_text())
BROKEN = Path(__file__).with_name("deck_rules.js").read_text()


@each(*DECKS)
def test_slides_keep_the_rules(page: Page) -> None:
    assert page.evaluate("Reveal.getTotalSlides()") >= 15
    broken = page.evaluate(BROKEN)
    (allowed,) = [
        TO_DO.get(n.path, {})
        for n, deck in zip(notebooks(), DECKS, strict=True)
        if page.url.partition("#")[0].endswith(deck)
    ]
    for rule, slides in broken.items():
        assert len(slides) <= allowed.get(rule, 0), f"{rule}: {slides}"
    met = set(allowed) - set(broken)
    assert not met, f"take {met} of this deck off tests/decks_to_do.yml"


def test_the_list_of_what_is_to_do_holds_two_rules_of_known_decks() -> None:
    assert set(TO_DO) < {n.path for n in notebooks()}, "C1 keeps all rules"
    assert {rule for rules in TO_DO.values() for rule in rules} == {
        "code alone",
        "nothing but minutes",
    }
    assert all(n > 0 for rules in TO_DO.values() for n in rules.values())


@pytest.mark.parametrize("key", ["ArrowRight", "PageDown", "Space"])
def test_one_key_goes_through_every_slide(built: Site, key: str) -> None:
    page = built.open(C1_DECK)
    order = page.evaluate("Reveal.getSlides().map(s => Reveal.getIndices(s))")
    seen = []
    for _ in order:
        seen.append(page.evaluate("Reveal.getIndices(Reveal.getCurrentSlide())"))
        page.keyboard.press(key)
    assert seen == order, "every slide once, in order"
    page.keyboard.press("ArrowLeft")
    left = page.evaluate("Reveal.getIndices(Reveal.getCurrentSlide())")
    assert left == order[-2]
    page.context.close()


def test_a_question_on_a_slide_answers_to_the_keyboard(built: Site) -> None:
    page = built.open(C1_DECK)
    page.evaluate("""() => {
        const slide = document.querySelector('details p').closest('section');
        const {h, v} = Reveal.getIndices(slide);
        Reveal.slide(h, v);
    }""")
    first, second = page.locator("section.present details:has(p)").all()[:2]
    for answer in (first, second):
        answer.locator("summary").focus()
        page.keyboard.press("Space")
        assert answer.evaluate("answer => answer.open")
        assert answer.locator("p").is_visible()
    assert not first.evaluate("answer => answer.open"), "one at a time"
    page.context.close()


def test_the_minutes_of_a_deck_are_those_of_its_notebook(built: Site) -> None:
    page = built.open(C1_DECK)
    seconds = page.evaluate("""Reveal.getSlides()
        .filter(s => !s.textContent.includes('Exercise'))
        .reduce((sum, s) => sum + Number(s.dataset.timing), 0)""")
    (minutes,) = [n.minutes for n in notebooks() if n.path == C1]
    assert seconds / 60 == pytest.approx(minutes, abs=0.5)
    page.context.close()


ANSWERS = "notebooks/causality/01_environment_shift"
SLIDER = "figure[data-frames] input[type=range]"


@each(f"{ANSWERS}.html", f"slides/{ANSWERS.replace('/', '-')}.html")
def test_a_figure_answers_and_gives_the_keys_back(page: Page) -> None:
    slider = page.locator(SLIDER)
    picture = page.locator("figure[data-frames] img")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    place = "window.Reveal ? JSON.stringify(Reveal.getIndices()) : location.hash"
    page.evaluate(
        "selector => window.Reveal && Reveal.slide(...Object.values(Reveal.getIndices("
        "document.querySelector(selector).closest('section'))))",
        SLIDER,
    )
    before = page.evaluate(place)
    first = slider.get_attribute("aria-valuetext"), picture.get_attribute("alt")
    assert not asked, "frames wait for the first touch"
    slider.focus()
    page.keyboard.press("ArrowRight")
    second = slider.get_attribute("aria-valuetext"), picture.get_attribute("alt")
    assert page.evaluate(
        "selector => document.querySelector(selector).decode().then(() => true)",
        "figure[data-frames] img",
    )
    assert len(asked) >= 7
    assert all("/frames/" in url for url in asked)
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert page.evaluate(place) == before, "the arrow was the slider's"
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == first[0]
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == first[0]
    assert (page.evaluate(place) != before) == (page.url.find("/slides/") > 0)


@each(DECKS[0])
def test_the_speaker_sees_notes(page: Page) -> None:
    noted = page.evaluate(
        "Reveal.getSlides().filter(s => Reveal.getSlideNotes(s)).map(s => "
        "Reveal.getIndices(s))"
    )
    assert len(noted) >= 8
    page.evaluate("({h, v}) => Reveal.slide(h, v)", noted[0])
    with page.context.expect_page() as window:
        page.keyboard.press("s")
    notes = window.value.locator(".speaker-controls-notes .value")
    notes.wait_for(timeout=5000)
    assert len(notes.inner_text()) > 10


# ---- what makes a deck ----


def cell(
    kind: str, source: str, slide: str = "", tags: tuple[str, ...] = (), shown: str = ""
) -> Any:
    made = (
        nbformat.v4.new_markdown_cell(source)
        if kind == "markdown"
        else nbformat.v4.new_code_cell(source)
    )
    made.metadata.update(
        tags=list(tags), **({"slideshow": {"slide_type": slide}} if slide else {})
    )
    if shown:
        made.outputs = [
            nbformat.v4.new_output("display_data", {"text/markdown": shown})
        ]
    return made


def test_a_deck_shows_steps_and_results_and_leaves_prose_to_the_speaker() -> None:
    deck = [
        (
            c.metadata.block,
            c.source or c.outputs[0].data["text/markdown"],
        )
        for c in site.deck_blocks(
            [
                cell("markdown", "# Title", "slide"),
                cell("code", "import numpy", tags=("setup",)),
                cell("markdown", "A detail."),
                cell("code", "fit()", "fragment", ("live:fit",)),
                cell("code", "say()", tags=("hide-input",), shown="It is 5."),
                cell("code", "tiny", "skip", shown="no"),
                cell("markdown", "## On a GPU"),
                cell("code", "big()", tags=("gpu",), shown="no"),
                cell("markdown", "## Exercise 1\nWrite.\n<!-- Five of ten do. -->"),
                cell("code", "solution", tags=("exercise",), shown="right"),
                cell("markdown", "Which?\n\n<details>...</details>", "subslide"),
            ]
        )
    ]
    assert deck == [
        ("slide", "# Title"),
        ("notes", "A detail."),
        ("code", "fit()"),
        ("notes", "Step to type: *fit*"),
        ("output", "It is 5."),
        ("title", "## On a GPU"),
        ("slide", "## Exercise 1\nWrite.\n<!-- Five of ten do. -->"),
        ("notes", " Five of ten do. "),
        ("subslide", "Which?\n\n<details>...</details>"),
        ("notes", "Let the room choose before you open an answer."),
    ]


def test_what_the_site_is_made_with_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for command, missing in [("book", "jupyter_book"), ("slides", "sphinx")]:
        assert main([command]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"xaicourse {command}: {missing}")
        assert said.endswith(" is missing: pip install 'xaicourse[dev]' brings it\n")
