"""The site and the decks, built once and opened from the file system in a real browser,
as a reader opens them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from xaicourse.teaching import site
from xaicourse.teaching.curriculum import notebooks

NOTEBOOKS = [f"{n.path}.html" for n in notebooks()]
DECKS = [f"slides/{n.path.replace('/', '-')}.html" for n in notebooks()]
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
NO_BROWSER = "The site is tested in a browser: install chromium (Debian, Ubuntu: apt-get install chromium)"


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
        .filter(e => !e.closest('.pst-scrollable-table-container'))  // a table scrolls in its own box
        .filter(e => e.getBoundingClientRect().right > 390.5).map(e => e.outerHTML.slice(0, 90))"""
    assert page.evaluate(wide) == []
    page.set_viewport_size(WINDOW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@each("index.html", *NOTEBOOKS, DECKS[0], "slides/index.html")
def test_accessible(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    # the rest is the same in the dark
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
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
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


@each(*DECKS)
def test_every_slide_fits_and_the_keyboard_moves_them(page: Page) -> None:
    sizes: list[Any] = page.evaluate("""Reveal.getSlides().map(section => {
        const {h, v} = Reveal.getIndices(section);
        Reveal.slide(h, v);
        const inside = [...section.querySelectorAll('p, li, pre, figure, blockquote, table')];
        const bottom = Math.max(...inside.filter(e => !e.closest('aside')).map(e => e.getBoundingClientRect().bottom));
        const title = section.textContent.trim().slice(0, 40);
        return [title, section.scrollHeight, section.scrollWidth, bottom, section.style.fontSize];
    })""")
    assert len(sizes) >= 15
    for title, height, width, bottom, shrunk in sizes:
        assert height <= 720, title
        assert width <= 1280, title
        assert bottom <= 700, title
        assert not shrunk or int(shrunk.removesuffix("%")) >= 75, (
            f"{title} is too full to be read"
        )
    page.keyboard.press("Home")
    seen = []
    for key in ("Space", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        seen.append(page.evaluate("JSON.stringify(Reveal.getIndices())"))
    assert len(set(seen)) >= 2


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
            c.metadata.slideshow.slide_type,
            c.source or c.outputs[0].data["text/markdown"],
        )
        for c in site.deck_cells(
            [
                cell("markdown", "# Title", "slide"),
                cell("code", "import numpy", tags=("setup",)),
                cell("markdown", "A detail."),
                cell("code", "fit()", "fragment", ("live:fit",)),
                cell("code", "say()", tags=("hide-input",), shown="It is 5."),
                cell("code", "pages\n" * 25, tags=("live:long",)),
                cell("code", "tiny", "skip", shown="no"),
                cell("markdown", "## On a GPU"),
                cell("code", "big()", tags=("gpu",), shown="no"),
                cell("markdown", "## Exercise 1\nWrite."),
                cell("code", "solution", tags=("exercise",), shown="right"),
            ]
        )
    ]
    assert deck == [
        ("slide", "# Title"),
        ("notes", "A detail."),
        ("fragment", "fit()"),
        ("notes", "Step to type: *fit*"),
        ("-", "It is 5."),
        ("subslide", '<p class="kicker">Title</p>'),
        ("-", "pages\n" * 25),
        ("notes", "Step to type: *long*"),
        ("slide", "## Exercise 1\nWrite."),
    ]


def test_citations_are_words_on_a_slide() -> None:
    (title,) = site.deck_cells(
        [
            cell(
                "markdown",
                "# T\n\nAs {cite:t}`ding2021retiring` {cite:p}`azzolin2023tutorial`",
                "slide",
            )
        ]
    )
    assert title.source == "# T\n\nAs Ding et al. (2021) (Azzolin, 2023)"
