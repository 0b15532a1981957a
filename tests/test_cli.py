import io
import sys
from pathlib import Path

import pytest

from xaicourse import __version__, datasets, doctor
from xaicourse.cli import main
from xaicourse.teaching import notebooks
from xaicourse.teaching.curriculum import Notebook


def status_of(argv: list[str]) -> int:
    """Exit status, whether `main` returned it or argparse exited with it."""
    try:
        return main(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "COMMAND"),
        (["bogus"], "bogus"),
        (["data"], "ACTION"),
        (["doctor", "now"], "now"),
        (
            ["notebooks", "census_income", "nowhere"],
            "no notebook 'nowhere'; there are: ",
        ),
        (["data", "fetch", "census", "nowhere"], "no data set 'nowhere'; there are: "),
    ],
)
def test_wrong_use_is_told_in_one_line(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("xaicourse")
    assert says in err
    assert err.count("\n") == 1


def test_wrong_data_folder_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path / "absent"))
    for action in ["list", "fetch"]:
        assert status_of(["data", action]) == 2
        err = capsys.readouterr().err
        assert "XAICOURSE_DATA names no folder" in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [["doctor"], ["data"], ["data", "list"], ["data", "fetch"], ["notebooks"], []],
)
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of([*command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(" ".join(["usage: xaicourse", *command]))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out == f"xaicourse {__version__}\n"


def test_notebooks_passes_on_what_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def run(chosen: list[Notebook], *, force: bool) -> int:
        asked.extend([[n.path for n in chosen], force])
        raise RuntimeError("a warning in an output")

    monkeypatch.setattr(notebooks, "main", run)
    names = ["lectures/census_income.ipynb", "census_income"]
    assert main(["notebooks", "--force", *names]) == 1
    assert asked == [["lectures/census_income"], True]
    assert capsys.readouterr().err == "a warning in an output\n"


def test_what_runs_on_real_data_is_not_told_from_a_wrong_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path / "absent"))
    assert main(["notebooks", "--on-real-data"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_a_terminal_that_knows_ascii_alone_gets_what_it_can_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["doctor"]) == 0
    terminal.flush()
    assert b"? Python" in terminal.buffer.getvalue()


def test_a_conflict_in_a_source_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(chosen: list[Notebook], *, force: bool) -> int:
        (tmp_path / "a.py").write_text("<<<<<<< HEAD\n")
        notebooks.read_source(tmp_path / "a.py")
        return 0

    monkeypatch.setattr(notebooks, "main", broken)
    assert main(["notebooks"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"xaicourse notebooks: {tmp_path / 'a.py'}, line 1: ")
    assert said.count("\n") == 1


def test_data_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(datasets.available()) + 1
    assert all("absent" in line for line in lines[:-1])
    assert str(tmp_path) in lines[-1]


def test_data_fetch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: list[str] = []

    def fetch(name: str, *, progress: bool) -> dict[str, Path]:
        asked.append(name)
        return {"a.csv": tmp_path / "a.csv"}

    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    monkeypatch.setattr(datasets, "fetch", fetch)
    assert main(["data", "fetch", "census", "census"]) == 0
    assert asked == ["census"]
    assert (
        capsys.readouterr().out
        == f"census: verified, in {tmp_path / 'census'}: a.csv\n"
    )
    asked.clear()
    assert main(["data", "fetch"]) == 0
    assert asked == list(datasets.available())


@pytest.mark.parametrize(
    "error", [ConnectionError("no network"), datasets.ChecksumError("other bytes")]
)
def test_a_failed_fetch_is_told_in_one_line(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fetch(name: str, *, progress: bool) -> dict[str, Path]:
        raise error

    monkeypatch.setattr(datasets, "fetch", fetch)
    assert main(["data", "fetch", "census"]) == 1
    assert capsys.readouterr().err == f"census: {error}\n"


def test_doctor_finds_all_well_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    status = main(["doctor"])
    report = capsys.readouterr().out
    assert status == 0, report
    assert "✗" not in report
    for line in [
        "✓ Python ",
        "✓ numpy ",
        "✓ torch ",
        "  build ",
        "  GPU ",
        "✓ jupytext ",
        "✓ widgets ",
    ]:
        assert f"\n  {line}" in report
    assert "census                 simulated" in report


def test_doctor_says_what_is_wrong_and_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nnumpy==0.0.1\nnumpy==0.0.2 ; python_version < '3'\n")
    real_version = doctor.importlib.metadata.version

    def version(name: str) -> str:
        if name == "captum":
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return real_version(name)

    monkeypatch.setattr(doctor, "LOCK", lock)
    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path / "absent"))
    assert main(["doctor"]) == 1
    report = capsys.readouterr().out.splitlines()
    wrong = [line.split()[1] for line in report if "✗" in line]
    assert wrong == ["captum", "numpy", "folder"]
    assert any("✗ numpy" in line and line.endswith("0.0.1 locked") for line in report)
    assert report[-1].startswith("Not as it should be: 3 of the above.")
    assert "make lab" in report[-1]


def test_doctor_without_a_lock_beside_it_goes_by_the_ranges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "LOCK", tmp_path / "absent")
    findings = list(doctor.packages())
    assert findings
    assert all(finding.good for finding in findings)
    assert any(finding.wanted.startswith(">=") for finding in findings)


def test_without_the_course_around_it_the_package_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xaicourse.teaching.curriculum.ROOT", tmp_path)
    assert main(["live", "census"]) == 2
    assert capsys.readouterr().err == (
        "xaicourse live: the notebooks are not here: "
        "only a copy of the whole course has them, set up in its folder by `make lab`\n"
    )
