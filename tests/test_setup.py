"""Set-up: the ranges, the lock and the conda file agree, and the Makefile says in one
line what is missing.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from jupytext.cli import jupytext as jupytext_main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TARGETS = [
    "lab",
    "test",
    "prove",
    "notebooks",
    "book",
    "slides",
    "student",
    "check",
    "bench",
    "clean",
]
SETUP_FILES = [
    "Makefile",
    ".ci/setup",
    ".ci/run",
    "requirements.lock",
    "environment.yml",
    "pyproject.toml",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if not line.startswith("#")
]
MACHINES = [
    {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.7",
        "sys_platform": system,
    }
    for minor in (11, 12, 13)
    for system in ("linux", "darwin", "win32")
]

PAIR = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # A title

# %% tags=["exercise"]
x = 1
"""

ODD = 'Übung d\'été, "a" $HOME'
"""A name of a folder, with all that a shell may stumble over."""

needs_make = pytest.mark.skipif(
    shutil.which("make") is None, reason="there is no make here"
)


def pin(requirement: Requirement) -> Version:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def holds(requirement: Requirement, machine: dict[str, str] | None = None) -> bool:
    """Whether a machine, this one if none is named, is asked for the requirement."""
    return requirement.marker is None or requirement.marker.evaluate(machine)


# ---- the files agree ----


@pytest.mark.parametrize(
    "text",
    [
        *PROJECT["dependencies"],
        *(
            text
            for extra in PROJECT["optional-dependencies"].values()
            for text in extra
        ),
    ],
)
def test_every_range_has_a_pin_inside_it(text: str) -> None:
    requirement = Requirement(text)
    pins = [
        locked for locked in LOCK if locked.name == canonicalize_name(requirement.name)
    ]
    wanted = [machine for machine in MACHINES if holds(requirement, machine)]
    assert wanted, "asked for on no machine"
    assert all(any(holds(locked, machine) for locked in pins) for machine in wanted), (
        "run make lock"
    )
    assert all(pin(locked) in requirement.specifier for locked in pins), "run make lock"


def test_lock_is_exact_and_for_every_platform() -> None:
    assert [locked.name for locked in LOCK] == sorted(
        canonicalize_name(locked.name) for locked in LOCK
    )
    assert all(pin(locked).local is None for locked in LOCK)
    here = [locked.name for locked in LOCK if holds(locked)]
    assert len(here) == len(set(here)), "two pins of one package hold at once"
    assert [str(locked) for locked in LOCK if locked.name == "torch"] == [
        "torch==2.13.0"
    ]
    assert not [
        locked.name
        for locked in LOCK
        if locked.name.startswith(("nvidia-", "cuda-", "triton"))
    ]


def test_what_is_installed_is_what_is_locked() -> None:
    wanted = {locked.name: pin(locked).public for locked in LOCK if holds(locked)}
    # Not all of sys.path: importing nbgrader adds setuptools' own copies of some
    # packages to it.
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    found = metadata.distributions(path=list(dict.fromkeys(folders)))
    installed = {
        canonicalize_name(package.name): Version(package.version).public
        for package in found
    }
    differing = {
        name: (installed.get(name), version)
        for name, version in wanted.items()
        if installed.get(name) != version
    }
    assert not differing, "installed, locked: run make"


def test_conda_installs_the_lock_and_the_course_and_nothing_else() -> None:
    python, pip, packages = yaml.safe_load((ROOT / "environment.yml").read_text())[
        "dependencies"
    ]
    name, version = python.split("=")
    assert (name, pip) == ("python", "pip")
    assert (
        Version(version) in Requirement(f"python{PROJECT['requires-python']}").specifier
    )
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}


@pytest.mark.parametrize("name", SETUP_FILES)
def test_no_host_and_no_machine_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(
        r"https?://|file:/|--(?:extra-)?index-url[ =]\S|--find-links[ =]\S", text
    )
    assert not re.findall(r"(?<![\w.])/(?:opt|home|root|work|tmp)/", text)


def test_pairs_keep_only_what_authors_write(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            },
            "widgets": {},
        },
        cells=[
            nbformat.v4.new_markdown_cell(
                "# A title", metadata={"slideshow": {"slide_type": "slide"}}
            ),
            nbformat.v4.new_code_cell(
                "x = 1",
                metadata={"tags": ["exercise"], "collapsed": True, "editable": True},
            ),
        ],
    )
    nbformat.write(notebook, tmp_path / "pair.ipynb")
    assert jupytext_main(["--quiet", "--sync", str(tmp_path / "pair.ipynb")]) == 0
    text = (tmp_path / "pair.py").read_text()
    assert text == PAIR
    (tmp_path / "pair.py").write_text(text.replace("x = 1", "x = 2"))
    assert jupytext_main(["--quiet", "--sync", str(tmp_path / "pair.py")]) == 0
    assert (
        nbformat.read(tmp_path / "pair.ipynb", as_version=4).cells[1].source == "x = 2"
    )


# ---- make, in a copy of its files ----


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / ODD
    for name in SETUP_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(
    folder: Path, *arguments: str, user: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, without the settings of a make that may be running
    these tests.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "PIP_", "UV_"))
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        user=user,
        group=user,
    )


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line said beside make's own."""
    assert result.returncode != 0
    (line,) = [
        line for line in result.stderr.splitlines() if not line.startswith("make:")
    ]
    return line


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@needs_make
def test_make_alone_lists_the_targets(checkout: Path) -> None:
    result = make(checkout)
    assert result.returncode == 0
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert [target for _, target, _ in lines] == TARGETS
    assert all(first == "make" and text for first, _, text in lines)
    assert not (checkout / ".venv").exists()


@needs_make
def test_an_old_python_is_refused(checkout: Path) -> None:
    # Answers as Python 3.8 would: prints its version, and fails the question whether it
    # is new enough.
    script(checkout / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.8.10')
    result = make(
        checkout, "lab", PATH=f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    )
    line = refusal(result)
    assert line.startswith(
        "The course needs Python 3.11 or newer, and python3 is Python 3.8.10:"
    )
    assert "make lab PYTHON=python3.12" in line
    assert not (checkout / ".venv").exists()


@needs_make
def test_no_python_is_refused(checkout: Path) -> None:
    line = refusal(make(checkout, "lab", "PYTHON=python-of-nowhere"))
    assert line.startswith(
        "The course needs Python 3.11 or newer, and there is no python-of-nowhere here:"
    )


@needs_make
def test_a_python_without_venv_is_refused(checkout: Path) -> None:
    python = script(
        checkout / "it's" / "python", 'case "$*" in *ensurepip*) exit 1;; esac'
    )
    assert "apt-get install python3-venv" in refusal(
        make(checkout, "check", f"PYTHON={python.relative_to(checkout)}")
    )
    assert not (checkout / ".venv").exists()


def environment_in(folder: Path, *, whole: bool = True) -> Path:
    """Return a .venv in a folder: a real Python, and a uv that finds all of the lock in
    it, or something missing.
    """
    command = [sys.executable, "-m", "venv", "--without-pip", folder / ".venv"]
    subprocess.run(command, check=True)
    missing = "" if whole else 'case "$*" in *--no-index*) exit 1;; esac'
    script(folder / ".venv" / "bin" / "uv", missing)
    (folder / ".venv" / "kept").touch()
    (folder / ".venv" / "ready").write_text(f"{folder}\n")
    return folder / ".venv"


def maker(folder: Path, *, then: str = ":", pip: str = ":") -> Path:
    """Return a Python that makes environments as quickly as a test wants them.

    They get a real Python. Its pip does what ``pip`` says and brings a uv, which does
    what ``then`` says when it is to install the lock.
    """
    uv = f'case "$*" in *--no-index*) ;; *requirements.lock*) {then};; esac'
    made = f"""case "$*" in
    "-m pip install"*) {pip}
        printf '#!/bin/sh\\n%s\\n' '{uv}' > "${{0%/*}}/uv"
        chmod +x "${{0%/*}}/uv";;
    "-m pip"* | "-m venv"*) ;;
    *) exec '{sys.executable}' "$@";;
esac"""
    template = script(folder / "template", made)
    python = folder / "maker"
    return script(
        python,
        f"""case "$*" in
    "-m venv"*) mkdir -p _build/venv/bin; cp '{template.name}' _build/venv/bin/python;;
esac""",
    )


@needs_make
def test_without_a_network_nothing_half_made_is_left(checkout: Path) -> None:
    python = maker(checkout, pip="exit 1")
    result = make(checkout, "lab", f"PYTHON=./{python.name}")
    assert refusal(result).startswith(
        "Could not download the packages: set-up needs the network. Is it up?"
    )
    assert not (checkout / ".venv").exists()
    assert not (checkout / "_build" / "venv").exists()


@needs_make
def test_what_works_is_kept_until_its_successor_is_whole(checkout: Path) -> None:
    old = environment_in(checkout, whole=False)
    os.utime(old / "ready", (0, 0))  # older than the lock
    failing = maker(checkout, then="exit 1")
    result = make(checkout, ".venv/ready", f"PYTHON=./{failing.name}")
    assert refusal(result).startswith("Could not install the packages: set-up needs")
    assert (old / "kept").exists()
    assert not list((checkout / "_build").glob("venv*"))
    # Cut short, as by a power cut, and begun again.
    killed = maker(checkout, then="kill -9 $PPID")
    assert make(checkout, ".venv/ready", f"PYTHON=./{killed.name}").returncode != 0
    assert (old / "kept").exists()
    good = maker(checkout)
    result = make(checkout, ".venv/ready", f"PYTHON=./{good.name}")
    assert result.returncode == 0, result.stderr
    assert not (checkout / ".venv" / "kept").exists()
    assert (checkout / ".venv" / "ready").read_text() == f"{checkout}\n"
    assert not list((checkout / "_build").glob("venv*"))


@needs_make
def test_a_whole_successor_takes_its_place_when_the_cut_came_before(
    checkout: Path,
) -> None:
    environment_in(checkout)
    (checkout / "_build").mkdir()
    (checkout / ".venv").rename(checkout / "_build" / "venv")
    result = make(checkout, ".venv/ready", "PYTHON=python-of-nowhere")
    assert result.returncode == 0, result.stderr
    assert (checkout / ".venv" / "kept").exists()


@needs_make
def test_a_folder_that_has_moved_is_repaired_in_place(checkout: Path) -> None:
    venv = environment_in(checkout)
    python, says = venv / "bin" / "python", "import sys; print(sys.prefix)"
    heads = {
        "plain": f"#!{python}\n",
        "quoted": f"""#!/bin/sh\n'''exec' "{python}" "$0" "$@"\n' '''\n""",
        "quoted-otherwise": f"""#!/bin/sh\n'''exec' '{python}' "$0" "$@"\n' '''\n""",
        "new": "#!/there/_build/venv/bin/python3\n",
    }
    for name, head in heads.items():
        script(venv / "bin" / name, "").write_text(f"{head}{says}\n")
    other = script(venv / "bin" / "other", "echo a script of another kind")
    before = other.read_bytes()
    moved = checkout.rename(checkout.with_name(f"moved {ODD}"))
    # No Python but its own is asked, and no network.
    result = make(moved, ".venv/ready", "PYTHON=python-of-nowhere")
    assert result.returncode == 0, result.stderr
    for name in heads:
        run = [moved / ".venv" / "bin" / name]
        said = subprocess.run(run, capture_output=True, text=True, check=True)
        assert said.stdout == f"{moved / '.venv'}\n"
    assert (moved / ".venv" / "bin" / "other").read_bytes() == before
    assert (moved / ".venv" / "kept").exists()
    assert (moved / ".venv" / "ready").read_text() == f"{moved}\n"
    for name in ["pyvenv.cfg", "bin/activate"]:
        text = (moved / ".venv" / name).read_text()
        assert f"{checkout.parent}/moved" in text
        assert f"{checkout}/" not in text


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder that every user may reach, but only its owner may write to."""
    with TemporaryDirectory() as folder:
        for name in SETUP_FILES:
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, Path(folder) / name)
        Path(folder).chmod(0o555)
        yield Path(folder)
        Path(folder).chmod(0o755)


NOBODY = 65534 if os.geteuid() == 0 else None


@needs_make
def test_a_folder_that_cannot_be_written_to_is_told_in_a_line(shared: Path) -> None:
    line = refusal(make(shared, "lab", user=NOBODY))
    assert line == (
        f"You may not write to {shared}: clone or copy the course into a folder of "
        "your own, and run the same command there."
    )


@needs_make
@pytest.mark.skipif(NOBODY is None, reason="only the superuser can be two users")
def test_what_another_user_has_made_is_left_to_them(
    shared: Path, tmp_path: Path
) -> None:
    shared.chmod(0o777)
    # pytest lets nobody else into its folders
    python = script(tmp_path / "python", f'exec {sys.executable} "$@"')
    (shared / ".venv" / "bin").mkdir(parents=True)
    (shared / ".venv" / "bin" / "python").symlink_to(python)
    (shared / ".venv").chmod(0o777)
    line = refusal(make(shared, "lab", user=NOBODY))
    assert line.startswith("The .venv here was made by somebody else, and you cannot")
    assert (shared / ".venv" / "bin" / "python").is_symlink()


def test_the_wheel_changes_nothing_of_an_installation_but_adds_the_package(
    tmp_path: Path,
) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"xaicourse"}
    assert not [name for name in names if ".data/" in name]
    assert "xaicourse/jupyter/config/jupyter_lab_config.json" in names


def test_torch_may_be_any_that_the_tests_have_seen() -> None:
    ranges = {r.name: r.specifier for r in map(Requirement, PROJECT["dependencies"])}
    # 2.6 is the oldest that transformers 5 works with
    assert "2.6.0" in ranges["torch"]
    assert "2.5.1" not in ranges["torch"]
    assert "0.21.0" in ranges["torchvision"]


@needs_make
def test_set_up_runs_once_and_again_when_it_must(checkout: Path) -> None:
    script(
        checkout / ".ci" / "setup",
        "mkdir -p .venv/bin; cp python .venv/bin; pwd -P > .venv/ready; echo set up",
    )
    script(checkout / "python", "exit 0")

    def runs(folder: Path) -> int:
        result = make(folder, "notebooks")
        assert result.returncode == 0, result.stderr
        return result.stdout.count("set up")

    assert runs(checkout) == 1
    assert runs(checkout) == 0
    (checkout / ".venv" / "bin" / "python").unlink()
    assert runs(checkout) == 1
    later = (checkout / ".venv" / "ready").stat().st_mtime + 10
    os.utime(checkout / "requirements.lock", (later, later))
    assert runs(checkout) == 1
    moved = checkout.rename(checkout.with_name("moved"))
    os.utime(moved / "requirements.lock", (0, 0))
    assert runs(moved) == 1
    assert runs(moved) == 0


@needs_make
def test_clean_keeps_what_was_not_generated(checkout: Path) -> None:
    kept = [
        checkout / name
        for name in [
            ".venv/lib/__pycache__/a.pyc",
            "student/a.ipynb",
            "data/a.csv",
            "notebooks/a.py",
        ]
    ]
    gone = [
        checkout / name
        for name in [
            "_build/a.html",
            "tests/__pycache__/a.pyc",
            ".mypy_cache/a",
            ".ruff_cache/a",
        ]
    ]
    for path in [*kept, *gone]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make(checkout, "clean").returncode == 0
    assert all(path.exists() for path in kept)
    assert not any(path.parent.exists() for path in gone)
