import io
import os
import sys
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_config_path
from jupyter_server.services.config import ConfigManager
from jupyterlab.labapp import LabApp
from jupyterlab_server.config import get_page_config
from jupyterlab_server.settings_utils import _get_overrides

import xaicourse
from xaicourse import __version__, datasets, doctor, testing
from xaicourse.cli import main
from xaicourse.teaching import curriculum, notebooks
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


@pytest.mark.parametrize("command", ["test", "prove", "notebooks"])
def test_nothing_is_proven_with_a_wrong_folder_of_data(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path / "absent"))
    assert main([command]) == 2
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
    assert asked == [n for n in datasets.available() if n != "underwriting"]


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


@pytest.mark.parametrize(
    "command",
    [
        ["lab"],
        ["test"],
        ["check"],
        ["notebooks"],
        ["book"],
        ["slides"],
        ["student", "there"],
        ["live", "census"],
    ],
)
def test_without_the_course_around_it_the_package_says_so(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("xaicourse.teaching.curriculum.ROOT", tmp_path)
    # a package installed without its extra "dev"
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "xaicourse.teaching.student", None)
    monkeypatch.setitem(sys.modules, "xaicourse.teaching.site", None)
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"xaicourse {command[0]}: the notebooks are not here: "
        "only a copy of the whole course has them, set up in its folder by `make lab`\n"
    )
    assert not list(tmp_path.iterdir())


# ---- test, check, lab ----

BUOYS = "notebooks/sensitivity/06_images"


@pytest.mark.parametrize(
    ("arguments", "options", "paths"),
    [
        (["tests/test_scm.py"], [], ["tests/test_scm.py"]),
        (
            ["-x", "tests/test_scm.py::test_a[b c]"],
            ["-x"],
            ["tests/test_scm.py::test_a[b c]"],
        ),
        ([f"{BUOYS}.py"], [], [f"{BUOYS}.ipynb"]),
        ([f"{BUOYS}.ipynb"], [], [f"{BUOYS}.ipynb"]),
        ([f"{BUOYS}."], [], [f"{BUOYS}.ipynb"]),
        ([f"./{BUOYS}.py::Cell 3"], [], [f"{BUOYS}.ipynb::Cell 3"]),
        ([str(curriculum.ROOT / f"{BUOYS}.py")], [], [f"{BUOYS}.ipynb"]),
        (["tests", "xaicourse/jets.py"], [], ["tests", "xaicourse/jets.py"]),
        # a word is no path, be there a folder that is called so
        (["-k", "notebooks", "--lf"], ["-k", "notebooks", "--lf"], []),
        (["tests/test_nowhere.py"], [], ["tests/test_nowhere.py"]),
    ],
)
def test_paths_are_told_from_options(
    arguments: list[str],
    options: list[str],
    paths: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(curriculum.ROOT)
    assert testing.selected(arguments) == (options, paths)


def test_paths_are_those_of_the_folder_that_one_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(curriculum.ROOT / "notebooks" / "sensitivity")
    assert testing.selected(["06_images.py"]) == ([], [f"{BUOYS}.ipynb"])


Started = list[tuple[list[str], dict[str, str]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Start nothing; return what would have been started, and with which settings."""
    started: Started = []

    def run(*command: str, **environment: str) -> int:
        started.append((list(command), environment))
        return int("FAILING" in command)

    monkeypatch.setattr(testing, "_run", run)
    monkeypatch.chdir(curriculum.ROOT)
    return started


def test_what_is_named_alone_is_run_alone(started: Started) -> None:
    assert main(["test", f"{BUOYS}.py", "-x", "-k", "Cell"]) == 0
    ((command, environment),) = started
    assert command[:2] == ["pytest", "--numprocesses=0"]
    assert command[-4:] == ["-x", "-k", "Cell", f"{BUOYS}.ipynb"]
    assert set(testing.EVERYTHING).isdisjoint(command)
    assert environment == {"OMP_NUM_THREADS": "1"}


def test_a_word_chooses_from_everything(started: Started) -> None:
    assert main(["test", "-k", "a or b", "FAILING"]) == 1
    ((command, _),) = started
    assert command[-7:] == ["-k", "a or b", "FAILING", *testing.EVERYTHING]


@pytest.mark.parametrize("mode", ["real", "simulated"])
def test_everything_is_style_types_tests_notebooks_and_twins(
    started: Started, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(notebooks, "data_mode", lambda n: mode if n.data else "none")
    assert main(["test"]) == 0
    assert [command[0] for command, _ in started[:3]] == ["ruff", "ruff", "mypy"]
    command, environment = started[3]
    assert command[-4:] == ["tests", "xaicourse", "lectures", "notebooks"]
    assert "XAICOURSE_DATA" not in environment
    on_data = [f"{n.path}.ipynb" for n in curriculum.notebooks() if n.data]
    assert len(on_data) >= 5
    again = [command[-len(on_data) :] for command, _ in started[4:]]
    assert again == ([on_data] if mode == "real" else [])
    if again:
        folder = Path(started[4][1]["XAICOURSE_DATA"])
        assert folder.is_dir()
        assert not list(folder.iterdir())


def test_nothing_follows_a_failure(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "EVERYTHING", ("FAILING",))
    assert main(["test"]) == 1
    assert len(started) == 4
    started.clear()
    assert main(["check"]) == 0
    assert len(started) == 3


def test_programs_run_in_the_folder_of_the_course(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.py").write_text(
        "import os, sys\n"
        "print(os.getcwd(), *sys.argv[1:], os.environ['A'])\n"
        "sys.exit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert testing._run("said", "one word", A="b c") == 3
    assert capfd.readouterr().out == f"{curriculum.ROOT} one word b c\n"


def test_lab_gives_jupyterlab_its_settings_for_this_start_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", lambda *, argv: started.append(argv))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "--no-browser", "--ServerApp.port=1"]) == 0
    assert started[0][-2:] == ["--no-browser", "--ServerApp.port=1"]
    assert Path.cwd() == curriculum.ROOT
    config = f"{Path(xaicourse.__file__).parent / 'jupyter' / 'config'}"
    assert os.environ["JUPYTER_CONFIG_PATH"] == f"{config}{os.pathsep}{tmp_path}"
    # and Jupyter finds them there
    manager = ConfigManager(read_config_path=jupyter_config_path())
    server = manager.get("jupyter_server_config")["ServerApp"]["jpserver_extensions"]
    assert server["xaicourse.jupyter"]
    assert not server["nbgrader.server_extensions.formgrader"]
    assert "@jupyter/nbgrader" in get_page_config([])["disabledExtensions"]
    overrides, error = _get_overrides(str(tmp_path))
    assert not error
    viewers = overrides["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert viewers["markdown"] == "Markdown Preview"


def test_a_proof_is_made_on_the_real_data_and_on_their_twins(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    census = "lectures/census_income"
    real = [n for n in curriculum.notebooks() if n.path == census]
    monkeypatch.setattr(testing, "_on_real_data", lambda: real)
    assert main(["prove"]) == 0
    assert main(["prove", f"{census}.py"]) == 0
    assert main(["prove", "sensitivity/01"]) == 0
    assert main(["prove", "no/such"]) == 2
    asked = [
        (e["XAICOURSE_PROVE"], "XAICOURSE_DATA" in e, "tests/test_claims.py" in command)
        for command, e in started
    ]
    assert asked == [
        (" ".join(n.path for n in curriculum.notebooks()), False, True),
        (census, True, True),
        (census, False, True),
        (census, True, True),
        ("notebooks/sensitivity/01_sensitivity_matrices", False, True),
    ]
