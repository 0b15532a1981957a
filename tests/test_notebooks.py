"""What every notebook must be: a pair that agrees, fresh, covered, readable by all, and
free of typed-in numbers.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
import yaml
from ipykernel.ipkernel import IPythonKernel
from jupytext.config import load_jupytext_config

from xaicourse.teaching import curriculum, narration
from xaicourse.teaching.curriculum import ROOT, Notebook
from xaicourse.teaching.figures import frames_of
from xaicourse.teaching.notebooks import (
    MAX_BYTES,
    compare_values,
    only_speaks,
    read_source,
    staleness,
)
from xaicourse.teaching.templates import SPEAKING, is_field, names_spoken, spoken

LINE_LENGTH = 79
LONG_LINES = Path(__file__).with_name("long_lines.yml")
NOTEBOOKS = curriculum.notebooks()
OPTIONS = {
    function: set(inspect.signature(getattr(narration, function)).parameters)
    for function in SPEAKING
}
EVERY = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.path)


def stored(notebook: Notebook) -> Any:
    return nbformat.read(notebook.stored, as_version=4)


def cells(notebook: Notebook, kind: str) -> list[Any]:
    return [c for c in stored(notebook).cells if c.cell_type == kind]


def cells_of_code(notebook: Notebook) -> list[Any]:
    """Return the code cells of the source, as it is now."""
    return [c for c in read_source(notebook.source).cells if c.cell_type == "code"]


def outputs(notebook: Notebook) -> list[Any]:
    return [o for c in cells(notebook, "code") for o in c.outputs]


@EVERY
def test_pair_agrees(notebook: Notebook) -> None:
    source = read_source(notebook.source)
    kept = stored(notebook)
    assert [(c.cell_type, c.source, c.id) for c in source.cells] == [
        (c.cell_type, c.source, c.id) for c in kept.cells
    ]
    for ours, theirs in zip(source.cells, kept.cells, strict=True):
        assert dict(ours.metadata) == dict(theirs.metadata)


@EVERY
def test_saving_in_jupyterlab_gives_back_the_source(notebook: Notebook) -> None:
    config = load_jupytext_config(str(notebook.source))
    assert jupytext.writes(
        stored(notebook), fmt="py:percent", config=config
    ) == notebook.source.read_text(encoding="utf-8")


@EVERY
def test_stored_file_is_as_jupyterlab_writes_it(notebook: Notebook) -> None:
    """What it would add, take out or write in another way makes a notebook unsaved
    that was only looked at, or a change of a file that was only saved.
    """
    text = notebook.stored.read_text(encoding="utf-8")
    floats: list[str] = []
    metadata = json.loads(text, parse_float=floats.append)["metadata"]
    assert [x for x in floats if x.endswith(".0")] == []
    assert set(metadata["language_info"]) == set(IPythonKernel.language_info)
    config = load_jupytext_config(str(notebook.source))
    assert metadata["jupytext"] == {
        "cell_metadata_filter": config.cell_metadata_filter,
        "notebook_metadata_filter": config.notebook_metadata_filter,
    }


@EVERY
def test_stored_outputs_are_not_stale(notebook: Notebook) -> None:
    assert staleness(notebook) == "", (
        f"{notebook.path}: {staleness(notebook)}; run `make notebooks`"
    )


@EVERY
def test_stored_file_is_small_and_free_of_errors(notebook: Notebook) -> None:
    assert notebook.stored.stat().st_size < MAX_BYTES
    assert [o for o in outputs(notebook) if o.output_type == "error"] == []
    executed = [c.execution_count for c in cells(notebook, "code")]
    assert executed == list(range(1, len(executed) + 1)), (
        "executed once, from top to bottom"
    )


@EVERY
def test_no_measured_number_is_typed_into_prose(notebook: Notebook) -> None:
    formula_or_quotation = re.compile(
        r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|^>.*?$|\(http[^)]*\)|arXiv:\S+|doi:\S+",
        re.DOTALL | re.MULTILINE,
    )
    allowed = set(quoted(notebook))
    for cell in cells(notebook, "markdown"):
        prose = formula_or_quotation.sub("", cell.source)
        found = set(re.findall(r"\d+(?:\.\d+)? ?%|\d+\.\d+", prose)) - allowed
        assert not found, (
            f"{found} in: {cell.source[:80]!r}; compute them and use say()"
        )


def quoted(notebook: Notebook) -> list[str]:
    """Return numbers that prose may hold because they quote a source or define an
    example, each with its reason.
    """
    reasons = yaml.safe_load((ROOT / "curriculum.yml").read_text())[
        "quoted_numbers"
    ].get(notebook.path, {})
    assert all(reason for reason in reasons.values())
    return list(reasons)


@EVERY
def test_every_figure_has_caption_and_alternative_text(notebook: Notebook) -> None:
    figures = 0
    for output in outputs(notebook):
        data = output.get("data", {})
        page = data.get("text/html", "")
        images = [kind for kind in data if kind.startswith("image/")]
        assert images == ["image/png"] * page.count("<img"), (
            "show a figure with show() or explore(), which need a caption; it is one "
            "picture in the page, and the same as PNG"
        )
        figures += page.count("<img")
        assert page.count("<img") == len(
            re.findall(
                r'<img[^>]* alt="[^"]{20,}"[^>]*>\s*<figcaption>.{5,}</figcaption>',
                page,
            )
        )
        assert not re.search(r"<figcaption>[^<]*\*\w", page), (
            "a caption is HTML: no stars for emphasis"
        )
    assert figures >= 3


@EVERY
def test_the_frames_of_a_figure_that_answers_are_those_of_its_output(
    notebook: Notebook,
) -> None:
    referred = set()
    for output in outputs(notebook):
        known = frames_of(output.get("data", {}).get("text/html", ""))
        if not known:
            continue
        said = output["metadata"]["xaicourse"]
        template = said["wording"].split(" | ")[-1]
        assert 8 <= len(known["frames"]) <= 12
        weight = 0
        for i, frame in enumerate(known["frames"]):
            end = f" at {frame['value']}"
            numbers = {
                name.removesuffix(end): value
                for name, value in said["values"].items()
                if name.endswith(end)
            }
            assert numbers, "each frame has numbers"
            assert frame["alt"] == template.format(value=frame["value"], **numbers)
            if i != known["start"]:
                content = (notebook.stored.parent / frame["src"]).read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                assert digest.startswith(Path(frame["src"]).stem)
                weight += len(content)
                referred.add(notebook.stored.parent / frame["src"])
        assert weight <= 300_000
    assert set(notebook.frames.glob("*")) == referred, "run `make notebooks`"


@EVERY
def test_a_notebook_has_its_parts_in_order(notebook: Notebook) -> None:
    text = "\n".join(c.source for c in cells(notebook, "markdown"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert headings[0] == notebook.title
    assert "The question" in headings
    assert headings[-3:] == ["What to remember", "Where it breaks", "Further reading"]
    assert f"**{notebook.minutes} minutes**" in text
    exercises = [h for h in headings if h.startswith("Exercise")]
    assert 2 <= len(exercises) <= 4
    for number, heading in enumerate(exercises, start=1):
        assert re.fullmatch(
            rf"Exercise {number} — .+ \(difficulty [123], \d+ minutes\)", heading
        ), heading
    tagged = [
        c for c in cells(notebook, "code") if "exercise" in c.metadata.get("tags", [])
    ]
    assert len(tagged) == len(exercises)
    for cell in tagged:
        assert re.search(
            r"### BEGIN SOLUTION\n.*### END SOLUTION\n.*\bcheck\(",
            cell.source,
            re.DOTALL,
        )


@EVERY
def test_a_notebook_can_be_presented_and_typed(notebook: Notebook) -> None:
    content = stored(notebook)
    kinds = [c.metadata.get("slideshow", {}).get("slide_type") for c in content.cells]
    assert kinds[0] == "slide"
    assert kinds.count("slide") >= 6
    steps = [
        t
        for c in content.cells
        for t in c.metadata.get("tags", [])
        if t.startswith("live:")
    ]
    assert len(steps) >= 5
    assert len(set(steps)) == len(steps), "names of live-coding steps must differ"
    for cell in content.cells:
        if any(t.startswith("live:") for t in cell.metadata.get("tags", [])):
            assert len(cell.source.splitlines()) <= 25, (
                f"too long to type: {cell.source[:60]!r}"
            )


@EVERY
def test_gpu_cells_are_declared(notebook: Notebook) -> None:
    tagged = [c for c in cells(notebook, "code") if "gpu" in c.metadata.get("tags", [])]
    assert bool(tagged) == notebook.gpu
    for cell in tagged:
        assert "run_on_gpu(" in cell.source


def test_every_item_of_the_curriculum_has_its_section() -> None:
    covered = {}
    for notebook in NOTEBOOKS:
        headings = {
            line
            for c in cells(notebook, "markdown")
            for line in c.source.splitlines()
            if line.startswith("#")
        }
        for item, heading in notebook.covers.items():
            assert heading in headings, (
                f"{item}: {notebook.path} has no heading {heading!r}"
            )
            assert item not in covered, f"{item} is covered twice"
            covered[item] = notebook
    assert all(n in covered.values() for n in NOTEBOOKS)


def test_every_notebook_of_the_folders_is_in_the_curriculum() -> None:
    listed = {n.stored for n in NOTEBOOKS}
    found = {
        p
        for folder in ("lectures", "notebooks")
        for p in (ROOT / folder).rglob("*.ipynb")
    }
    assert {p for p in found if ".ipynb_checkpoints" not in p.parts} == listed


def test_what_is_made_from_the_curriculum_is_up_to_date() -> None:
    for page in curriculum.WITH_MAP:
        text = page.read_text(encoding="utf-8")
        assert curriculum.course_map() in text, "run `make notebooks`"
    assert (ROOT / "toc.yml").read_text(
        encoding="utf-8"
    ) == curriculum.table_of_contents()
    assert (ROOT / "picture.webp").read_bytes() == curriculum.picture()
    page = curriculum.TEACHING.read_text(encoding="utf-8")
    assert all(curriculum.teaching_plan(name) in page for name in ("weeks", "days")), (
        "run `make notebooks`"
    )


def test_each_of_fourteen_weeks_has_a_theme_and_notebooks() -> None:
    plans = yaml.safe_load((ROOT / "curriculum.yml").read_text())["plans"]
    assert len(plans["weeks"]) == 14
    assert {n.week for n in NOTEBOOKS} == set(range(1, 15))
    items = {item for n in NOTEBOOKS for item in n.covers}
    assert {item for day in plans["days"] for item in day["items"]} <= items


def largest(value: Any) -> float:
    """Return the size of the largest number in a stored value."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return max(map(largest, parts))
    return abs(value)


def moved(value: Any, by: float) -> Any:
    """Return a stored value whose largest number has moved."""
    if isinstance(value, dict):
        return dict(zip(value, moved(list(value.values()), by), strict=True))
    if isinstance(value, list):
        i = max(range(len(value)), key=lambda i: largest(value[i]))
        return [*value[:i], moved(value[i], by), *value[i + 1 :]]
    return value + by


@EVERY
def test_the_comparison_catches_a_stale_sentence(notebook: Notebook) -> None:
    """A changed word, a value beyond its tolerance and a lost sentence are seen; a
    value within tolerance passes.
    """
    said = [
        o
        for o in outputs(notebook)
        if o.get("metadata", {}).get("xaicourse", {}).get("values")
    ]
    trained = [o for o in said if o.metadata["xaicourse"]["tolerance"]]
    original = (trained or said)[0]

    def changed(edit: Any) -> Any:
        copy = nbformat.from_dict(json.loads(json.dumps(original)))
        edit(copy.metadata["xaicourse"])
        return copy

    stored_values = original.metadata["xaicourse"]["values"]
    name = next(n for n, v in stored_values.items() if not isinstance(v, str))
    # What nothing trained has a millionth for rounding.
    rounding = 1e-6 * largest(stored_values[name])
    tolerance = original.metadata["xaicourse"]["tolerance"].get(name, rounding)

    def shift(by: float) -> Any:
        def edit(statement: Any) -> None:
            value = statement["values"][name]
            statement["values"][name] = moved(value, by * tolerance)

        return edit

    assert compare_values([original], [original]) == []
    assert compare_values([original], [changed(shift(0.5))]) == []
    assert compare_values([original], [changed(shift(2.0))]) != []
    assert (
        compare_values(
            [original], [changed(lambda s: s.update(wording=s["wording"] + " indeed"))]
        )
        != []
    )
    assert compare_values([original], []) != []


def test_no_later_cell_uses_what_an_exercise_defines() -> None:
    from notebook_runner import code_cells

    for notebook in NOTEBOOKS:
        own: set[str] = set()
        for cell in code_cells(notebook):
            assert not (cell.reads & own - cell.writes), (
                f"{notebook.path}: {cell.source[:60]!r} needs a student's answer"
            )
            if "exercise" in cell.tags:
                own |= cell.writes


def test_every_sentence_names_what_is_there() -> None:
    """A misspelt name is found without running the notebook."""
    from notebook_runner import code_cells

    for notebook in NOTEBOOKS:
        known = set(dir(builtins))
        for cell in code_cells(notebook):
            known |= cell.writes
            missing = names_spoken(ast.parse(cell.source)) - known
            assert not missing, f"{notebook.path}: a sentence names {missing}"


def test_nothing_is_handed_to_a_sentence_that_it_could_find() -> None:
    for notebook in NOTEBOOKS:
        for cell in cells_of_code(notebook):
            for call, _ in spoken(ast.parse(cell.source)):
                options = OPTIONS[call.func.id]  # type: ignore[attr-defined]
                keywords = [k for k in call.keywords if k.arg not in options]
                superfluous = [
                    k.arg for k in keywords if k.arg is None or is_field(k.value)
                ]
                assert not superfluous, (
                    f"{notebook.path}: {superfluous} in {cell.source[:80]}"
                )


def test_narration_is_less_than_half_of_the_code() -> None:
    """Lines of the cells that end by speaking, among all lines of code."""
    spoken_lines = all_lines = 0
    for notebook in NOTEBOOKS:
        for cell in cells_of_code(notebook):
            lines = [line.strip() for line in cell.source.splitlines()]
            n = sum(bool(line) and not line.startswith("#") for line in lines)
            all_lines += n
            spoken_lines += n if only_speaks(cell.source) else 0
    assert spoken_lines <= 0.45 * all_lines, f"{spoken_lines / all_lines:.1%}"


def test_paths_are_where_the_curriculum_says() -> None:
    for n in NOTEBOOKS:
        assert n.source.exists()
        assert Path(n.path).parts[0] in ("lectures", "notebooks")


@EVERY
def test_code_lines_fit_the_page(notebook: Notebook) -> None:
    """A notebook that has been rewritten has no long line; the others get no worse."""
    lines = [x for cell in cells_of_code(notebook) for x in cell.source.splitlines()]
    found = sum(len(line) > LINE_LENGTH for line in lines)
    recorded = yaml.safe_load(LONG_LINES.read_text())
    assert found == recorded.get(notebook.path, 0), (
        f"{notebook.path}: {found} lines of code over {LINE_LENGTH} columns; shorten "
        f"them, or where they have become fewer, say so in {LONG_LINES.name}"
    )


def test_what_has_no_long_line_is_formatted() -> None:
    recorded = yaml.safe_load(LONG_LINES.read_text())
    rewritten = [str(n.source) for n in NOTEBOOKS if n.path not in recorded]
    command = [sys.executable, "-m", "ruff", "format", "--check", "--quiet"]
    command += ["--line-length", str(LINE_LENGTH), "--no-cache", *rewritten]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not rewritten or done.returncode == 0, done.stdout + done.stderr
