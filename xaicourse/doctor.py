"""What is installed and at hand, as the command ``xaicourse doctor`` shows it."""

from __future__ import annotations

import importlib.metadata
import io
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

LOCK = Path(__file__).parents[1] / "requirements.lock"
REMEDY = "To repair: make lab (with conda: conda env update --file environment.yml)."


class Finding(NamedTuple):
    """One line of the report; `good` is None where there is nothing to be right or
    wrong about.
    """

    name: str
    found: str
    good: bool | None = None
    wanted: str = ""


def main() -> int:
    """Print the report and return 1 when something that the course needs is missing or
    not as locked, else 0.
    """
    # piped on Windows, it may know no tick
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "Machine": machine,
        "Packages": packages,
        "PyTorch": pytorch,
        "Data": data,
        "Jupyter": jupyter,
    }
    bad = 0
    for title, examine in sections.items():
        findings: list[Finding] = []
        try:
            findings.extend(examine())
        except (ImportError, RuntimeError) as error:
            findings.append(Finding("import", f"failed: {error}", good=False))
        bad += sum(finding.good is False for finding in findings)
        print(title)
        for name, found, good, wanted in findings:
            mark = {True: "✓", False: "✗", None: " "}[good]
            print(f"  {mark} {name:22} {found:14} {wanted}".rstrip())
    print(
        f"Not as it should be: {bad} of the above. {REMEDY}"
        if bad
        else "All that the course needs is here."
    )
    return 1 if bad else 0


def machine() -> Iterator[Finding]:
    """Python and what it runs on."""
    yield Finding(
        "Python",
        platform.python_version(),
        sys.version_info >= (3, 11),
        "3.11 or newer",
    )
    yield Finding("platform", platform.platform())
    yield Finding("cores", str(_cores()))


def packages() -> Iterator[Finding]:
    """What the course builds on, beside the versions it is locked to."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    lock = locked() if LOCK.is_file() else {}
    for text in importlib.metadata.requires("xaicourse") or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted = lock.get(requirement.name)
        try:
            version = Version(importlib.metadata.version(requirement.name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                requirement.name, "missing", False, f"{wanted} locked" if wanted else ""
            )
            continue
        # no checkout beside the package: the ranges are all there is
        if wanted is None:
            good, aim = version in requirement.specifier, str(requirement.specifier)
        else:  # a build tag (+cpu, +cu130) makes no other version
            good, aim = version.public == wanted, f"{wanted} locked"
        yield Finding(requirement.name, str(version), good, aim)


def locked() -> dict[str, str]:
    """Versions in the lock that hold on this machine, by package name."""
    from packaging.requirements import Requirement

    lines = [
        line
        for line in LOCK.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    requirements = [Requirement(line) for line in lines]
    return {
        requirement.name: next(iter(requirement.specifier)).version
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }


def pytorch() -> Iterator[Finding]:
    """Which build of torch, whether there is a GPU, and whether torchvision's operators
    match it.
    """
    import torch
    import torchvision  # noqa: F401

    from xaicourse import torchvision_guard

    yield Finding(
        "build", f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    )
    if torch.cuda.is_available():
        yield Finding("GPU", torch.cuda.get_device_name())
    else:
        yield Finding(
            "GPU", "none: the course needs none, and leaves out the cells made for one"
        )
    matched = not torchvision_guard.declared
    yield Finding(
        "torchvision operators",
        "matched" if matched else "declared (they do not match this build)",
    )


def data() -> Iterator[Finding]:
    """Which data sets are real, and which are simulated twins."""
    from xaicourse import datasets

    found = {
        "at hand": "real",
        "absent": "simulated (for the real rows: xaicourse data fetch)",
        "wrong checksum": "a file is damaged: xaicourse data fetch replaces it",
    }
    try:
        folder = datasets.data_folder()
    except ValueError as error:
        yield Finding("folder", str(error), good=False)
        return
    for name, info in datasets.available().items():
        state = info.state()
        yield Finding(
            name, found[state], None if state == "absent" else state == "at hand"
        )
    yield Finding("folder", str(folder))


def jupyter() -> Iterator[Finding]:
    """Whether JupyterLab would start with all that the notebooks want, and this Python
    behind them.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_core.paths import jupyter_config_path, jupyter_path
    from jupyter_server.services.config import ConfigManager
    from jupyterlab_server.config import get_federated_extensions, get_page_config

    manager: Any = ConfigManager(read_config_path=jupyter_config_path())
    server = (
        manager.get("jupyter_server_config")
        .get("ServerApp", {})
        .get("jpserver_extensions", {})
    )
    lab = get_federated_extensions(jupyter_path("labextensions"))
    off = get_page_config(jupyter_path("labextensions")).get("disabledExtensions", [])
    for name, server_extension, lab_extension in [
        ("jupytext", "jupyterlab_jupytext", "jupyterlab-jupytext"),
        ("widgets", None, "@jupyter-widgets/jupyterlab-manager"),
    ]:
        there = lab_extension in lab and (
            server_extension is None or server_extension in server
        )
        on = (
            there
            and lab_extension not in off
            and (server_extension is None or server[server_extension])
        )
        yield Finding(
            name, "enabled" if on else "disabled" if there else "missing", good=on
        )
    kernel = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    # "python" stands for the Python that starts it
    good = kernel in {Path("python"), Path(sys.executable)}
    yield Finding("kernel python3", sys.executable if good else str(kernel), good)


def _cores() -> int:
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
