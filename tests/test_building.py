"""Making the .ipynb: clean outputs, honest staleness, derived folding."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from xaicourse.teaching import curriculum, site
from xaicourse.teaching import notebooks as building
from xaicourse.teaching.curriculum import ROOT, CourseError, Notebook

SOURCE = """# %% [markdown]
# # Title

# %% tags=["setup"]
from xaicourse.teaching import say
from xaicourse.networks import mlp

# %%
x = 1
print("beside a sentence")

# %%
say("{x} and {half}", x=1.0, half=0.5)

# %% tags=["exercise"]
x = 2
"""

FOLDED = [False, True, False, True, True]

EXPLORED = """
from xaicourse.plotting import bars
from xaicourse.teaching import explore


def area(side):
    figure = bars({"": [side**2]}, [""], value_label="area (m²)")
    return figure, {"area": side**2}


explore(area, [1, 2, 3], start=2, label="side", caption="A square.", alt="{area} m²")
"""


@pytest.fixture
def pair(tmp_path: Path) -> Notebook:
    (tmp_path / "sample.py").write_text(SOURCE)
    return Notebook(
        "Part",
        str(tmp_path / "sample"),
        "Title",
        "?",
        1,
        1,
        {},
        (),
        gpu=False,
        other_seeds=0,
    )


def execute(pair: Notebook, body: str) -> None:
    pair.source.write_text(f"# %%\n{body}\n")
    building.execute(pair)


class TestExecution:
    """One class, one worker: each test starts a kernel."""

    def test_outputs_are_stored_and_repeat_to_the_byte(self, pair: Notebook) -> None:
        assert building.staleness(pair) == "it has never been executed"
        building.execute(pair)
        assert building.staleness(pair) == ""
        first = pair.stored.read_bytes()
        building.execute(pair)
        assert pair.stored.read_bytes() == first
        content = nbformat.read(pair.stored, as_version=4)
        nbformat.validate(content)
        cells = content.cells
        assert [
            c.metadata.get("jupyter", {}).get("source_hidden", False) for c in cells
        ] == FOLDED
        tags = [c.metadata.get("tags", []) for c in cells]
        assert ["exercise"] in tags
        assert not any("hide-input" in t for t in tags), "the site's own"
        (said,) = cells[3].outputs
        values = said.metadata["xaicourse"]["values"]
        assert json.dumps(values) == '{"half": 0.5, "x": 1}', "as a browser writes it"
        shown = site.as_page(nbformat.read(pair.stored, as_version=4)).cells
        assert ["hide-input" in c.metadata.get("tags", []) for c in shown] == FOLDED
        pair.source.write_text(SOURCE + "\n# %%\nx = 3\n")
        assert "has changed" in building.staleness(pair)

    def test_frames_follow_the_notebook(self, pair: Notebook) -> None:
        execute(pair, EXPLORED)
        first = {path.name: path.read_bytes() for path in pair.frames.iterdir()}
        assert len(first) == 2
        text = pair.stored.read_text()
        assert all(f"frames/sample/{name}" in text for name in first)
        execute(pair, EXPLORED)
        again = {path.name: path.read_bytes() for path in pair.frames.iterdir()}
        assert again == first, "the same numbers make the same files"
        execute(pair, EXPLORED.replace("side**2", "side**2 + 5"))
        changed = {path.name for path in pair.frames.iterdir()}
        assert len(changed) == 2
        assert not changed & set(first)
        execute(pair, "x = 1")
        assert not pair.frames.exists()

    @pytest.mark.parametrize(
        ("body", "trace"),
        [
            ("import warnings; warnings.warn('beware')", "stderr"),
            ("print(object())", "at 0x"),
            ("import tempfile; print(tempfile.mkdtemp())", "trace of this machine"),
            ("import ipywidgets; ipywidgets.IntSlider()", "a widget"),
            ("print('x' * 600_000)", "bytes to store"),
        ],
    )
    def test_what_must_not_be_stored_is_refused(
        self, pair: Notebook, body: str, trace: str
    ) -> None:
        with pytest.raises(RuntimeError, match=trace):
            execute(pair, body)
        assert not pair.stored.exists()

    def test_only_the_stale_run_and_a_failure_does_not_stop_the_rest(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        course = [
            Notebook(
                "Part",
                str(tmp_path / n),
                n,
                "?",
                1,
                1,
                {},
                (),
                gpu=False,
                other_seeds=0,
            )
            for n in "abc"
        ]
        monkeypatch.setattr(building, "refresh", lambda: None)
        for pair, body in zip(course, ["print(1)", "1 / 0", "print(3)"], strict=True):
            pair.source.write_text(f"# %%\n{body}\n")
        assert building.main(course[:1]) == 0
        with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
            building.main(course)
        assert [pair.stored.exists() for pair in course] == [True, False, True]
        said = capsys.readouterr().out
        assert f"{course[0].path}: up to date" in said
        assert f"{course[1].path}: stopped" in said
        assert said.count("it has never been executed; executing") == 3


def test_modules_behind_a_notebook_are_followed_through_imports(pair: Notebook) -> None:
    found = {str(p.relative_to(ROOT)) for p in building.modules_behind(pair.source)}
    assert {
        "xaicourse/networks/architectures.py",
        "xaicourse/teaching/narration.py",
    } <= found
    assert not found & {"xaicourse/causality/scm.py", "xaicourse/teaching/student.py"}


@pytest.mark.parametrize(
    ("file", "users"),
    [
        ("attribution/relevance.py", 2),
        ("attribution/path.py", 7),
        ("sensitivity/variance.py", 4),
        ("causality/invariance.py", 1),
    ],
)
def test_a_changed_file_makes_only_those_stale_that_use_it(
    file: str, users: int
) -> None:
    path = ROOT / "xaicourse" / file
    uses = [
        n.path
        for n in curriculum.notebooks()
        if path in building.modules_behind(n.source)
    ]
    assert len(uses) == users, uses


def test_a_changed_module_or_lock_makes_it_stale(
    pair: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = building.fingerprint(pair)
    module = tmp_path / "module.py"
    module.write_text("a = 1")
    monkeypatch.setattr(building, "modules_behind", lambda _: [module])
    first = building.fingerprint(pair)
    module.write_text("a = 2")
    assert len({before, first, building.fingerprint(pair)}) == 3


def test_a_stored_notebook_that_is_not_its_source_is_stale(pair: Notebook) -> None:
    """As when it was edited alone, or when its file has an older form."""
    content = building.read_source(pair.source)
    content.metadata["xaicourse"] = {
        "fingerprint": building.fingerprint(pair),
        "data": "none",
    }
    nbformat.write(content, pair.stored)
    assert building.staleness(pair) == ""
    source = content.cells[2].source
    content.cells[2].source = "x = 2"
    nbformat.write(content, pair.stored)
    assert "not those of its source" in building.staleness(pair)
    content.cells[2].source = source
    content.cells[3].metadata["tags"] = ["hide-input"]
    nbformat.write(content, pair.stored)
    assert "not those of its source" in building.staleness(pair)


def test_real_outputs_stay_valid_without_the_data_but_not_the_other_way(
    pair: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(mode: str) -> None:
        content = building.read_source(pair.source)
        content.metadata["xaicourse"] = {
            "fingerprint": building.fingerprint(pair),
            "data": mode,
        }
        nbformat.write(content, pair.stored)

    for stored, here, stale in [
        ("real", "simulated", False),
        ("real", "real", False),
        ("simulated", "real", True),
    ]:
        store(stored)
        monkeypatch.setattr(building, "data_mode", lambda _, here=here: here)
        assert bool(building.staleness(pair)) == stale


def test_line_ends_make_nothing_stale(
    pair: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module.py"
    module.write_bytes(b"a = 1\n")
    monkeypatch.setattr(building, "modules_behind", lambda _: [module])
    before = building.fingerprint(pair)
    for path in (module, pair.source):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert building.fingerprint(pair) == before


def test_what_windows_may_check_out_ends_its_lines_as_here() -> None:
    command = ["git", "check-attr", "eol", ".ci/setup", ".ci/run", "Makefile"]
    command += [str(n.source) for n in curriculum.notebooks()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split(": ")[-1] for line in done.stdout.splitlines()} == {"lf"}


CONFLICT = "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n"


def test_a_merges_marks_in_the_ipynb_make_it_stale(pair: Notebook) -> None:
    pair.stored.write_text('{"cells": [\n' + CONFLICT + "]}")
    assert "as after a merge" in building.staleness(pair)
    assert building.stored_mode(pair) == "none"
    with pytest.raises(CourseError, match=r"sample\.ipynb is no notebook"):
        pair.content()


@pytest.mark.parametrize("above", ["", SOURCE])
def test_a_merges_marks_in_a_source_are_told_with_file_and_line(
    above: str, pair: Notebook
) -> None:
    pair.source.write_text(above + CONFLICT)
    line = above.count("\n") + 1
    said = rf"sample\.py, line {line}: invalid syntax: <<<<<<< HEAD$"
    with pytest.raises(CourseError, match=said):
        building.read_source(pair.source)
    with pytest.raises(CourseError, match=said):
        building.fingerprint(pair)


def test_a_merges_marks_in_the_curriculum_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "curriculum.yml").write_text("parts:\n" + CONFLICT)
    monkeypatch.setattr(curriculum, "ROOT", tmp_path)
    with pytest.raises(CourseError, match=r"curriculum\.yml\", line 2") as refused:
        curriculum.notebooks()
    assert "\n" not in str(refused.value)


C1 = "notebooks/causality/01_environment_shift"
CAUSALITY = [n.path for n in curriculum.notebooks() if "/causality/" in n.path]


@pytest.mark.parametrize(
    ("name", "where", "found"),
    [
        (f"{C1}.ipynb", "", [C1]),
        (f"{C1}.py", "", [C1]),
        (f"{C1}.", "", [C1]),
        (f"./{C1}", "", [C1]),
        (str(ROOT / f"{C1}.ipynb"), "tests", [C1]),
        ("01_environment_shift.ipynb", "notebooks/causality", [C1]),
        ("environment_shift", "", [C1]),
        ("notebooks/causality", "", CAUSALITY),
        ("./notebooks/causality/", "", CAUSALITY),
        ("causality/0", "", CAUSALITY),
        (".", "notebooks/causality", CAUSALITY),
        ("notebooks/causality/nowhere.ipynb", "", []),
    ],
)
def test_a_name_is_a_file_a_folder_or_a_part_of_a_path(
    name: str, where: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / where)
    assert [n.path for n in curriculum.matching(name)] == found
