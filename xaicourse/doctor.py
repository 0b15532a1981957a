"""What is installed and at hand, as the command ``xaicourse doctor`` shows it."""

from __future__ import annotations

import importlib.metadata
import io
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

LOCK = Path(__file__).parents[1] / "requirements.lock"
REMEDY = (
    "To repair: rm .venv/ready, then make lab "
    "(without make: python -m pip install -r requirements.lock)."
)


class Finding(NamedTuple):
    """One line of the report.

    `good` is None where there is nothing to be right or wrong about.
    """

    name: str
    found: str
    good: bool | None = None
    wanted: str = ""


def main() -> int:
    """Print the report; return 1 when something is missing or not as locked, else 0."""
    # piped on Windows, it may know no tick
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    bad = 0
    for examine in (machine, packages, pytorch, data, jupyter):
        print(examine.__name__.capitalize())
        try:
            findings = list(examine())
        except (ImportError, RuntimeError) as error:
            findings = [Finding("import", f"failed: {error}", good=False)]
        for name, found, good, wanted in findings:
            mark = {True: "✓", False: "✗", None: " "}[good]
            print(f"  {mark} {name:22} {found:14} {wanted}".rstrip())
            bad += good is False
    print(
        f"Not as it should be: {bad} of the above. {REMEDY}"
        if bad
        else "All that the course needs is here."
    )
    return 1 if bad else 0


def machine() -> Iterator[Finding]:
    """Python and what it runs on."""
    new = sys.version_info >= (3, 11)
    yield Finding("Python", platform.python_version(), new, "3.11 or newer")
    yield Finding("platform", platform.platform())


def packages() -> Iterator[Finding]:
    """What the course builds on, beside the versions it is locked to.

    With no checkout beside the package the ranges are all there is.
    """
    lines = LOCK.read_text(encoding="utf-8").splitlines() if LOCK.is_file() else []
    lock = _versions(line for line in lines if not line.startswith("#"))
    needed = _versions(importlib.metadata.requires("xaicourse") or [])
    for name, versions in needed.items():
        wanted = lock.get(name, versions)
        aim = f"{wanted} locked" if name in lock else str(wanted)
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", False, aim)
            continue
        # a build tag (+cpu, +cu130) makes no other version
        yield Finding(name, found, wanted.contains(found, prereleases=True), aim)


def pytorch() -> Iterator[Finding]:
    """Which build of torch, a GPU or none, and whether torchvision's operators fit."""
    import torch
    import torchvision  # noqa: F401

    from xaicourse import torchvision_guard

    cuda = torch.version.cuda
    yield Finding("build", f"CUDA {cuda}" if cuda else "CPU")
    none = "none: the course needs none, and leaves out the cells made for one"
    there = torch.cuda.is_available()
    yield Finding("GPU", torch.cuda.get_device_name() if there else none)
    declared = "declared (they do not match this build)"
    operators = declared if torchvision_guard.declared else "matched"
    yield Finding("torchvision operators", operators)


def data() -> Iterator[Finding]:
    """Which data sets are real, and which are simulated twins."""
    from xaicourse import datasets

    found = {
        "at hand": ("real", True),
        "absent": ("simulated (for the real rows: xaicourse data list)", None),
        "wrong checksum": ("damaged: xaicourse data fetch replaces it", False),
    }
    try:
        folder = datasets.data_folder()
    except ValueError as error:
        yield Finding("folder", str(error), good=False)
        return
    for name, info in datasets.available().items():
        yield Finding(name, *found[info.state()])
    yield Finding("folder", str(folder))


def jupyter() -> Iterator[Finding]:
    """Whether JupyterLab has what the notebooks want, and this Python behind them."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_core.paths import jupyter_config_path, jupyter_path
    from jupyter_server.services.config import ConfigManager
    from jupyterlab_server.config import get_federated_extensions, get_page_config

    manager: Any = ConfigManager(read_config_path=jupyter_config_path())
    settings = manager.get("jupyter_server_config").get("ServerApp", {})
    served = settings.get("jpserver_extensions", {}).get("jupyterlab_jupytext", False)
    there = get_federated_extensions(jupyter_path("labextensions"))
    off = get_page_config(jupyter_path("labextensions")).get("disabledExtensions", [])
    for name, extension, good in [
        ("jupytext", "jupyterlab-jupytext", served),
        ("widgets", "@jupyter-widgets/jupyterlab-manager", True),
    ]:
        on = good and extension in there and extension not in off
        yield Finding(name, "enabled" if on else "missing or disabled", on)
    kernel = KernelSpecManager().get_kernel_spec("python3").argv[0]
    # "python" stands for the Python that starts it
    yield Finding("kernel python3", kernel, kernel in ("python", sys.executable))


def _versions(lines: Iterable[str]) -> dict[str, SpecifierSet]:
    """Return the versions asked for on this machine, by package name."""
    requirements = [Requirement(line) for line in lines]
    return {
        requirement.name: requirement.specifier
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }
