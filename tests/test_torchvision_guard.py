"""The guard acts at import, once a process: each test runs a fresh Python, warnings as
errors.
"""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

FINDERS = (
    "[finder for finder in sys.meta_path "
    "if type(finder).__module__ == 'xaicourse.torchvision_guard']"
)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def output(code: str, **environment: str) -> str:
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("module", ["xaicourse", "xaicourse.cli"])
def test_import_loads_only_the_standard_library(module: str) -> None:
    code = f"""
        import sys
        before = set(sys.modules)
        import {module}
        loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
        print(sorted(loaded - set(sys.stdlib_module_names) - {{"xaicourse"}}))
    """
    assert output(code) == "[]"


@pytest.fixture(scope="module")
def lacking() -> str:
    """What torchvision cannot do without here, seen by importing it bare; and that a
    failed import can be repeated.
    """
    code = """
        try:
            import torchvision
            lacking = []
        except RuntimeError as error:
            assert "operator torchvision::nms does not exist" in str(error)
            lacking = ["nms", "qnms"]
        import xaicourse, torchvision
        print(torchvision.models.resnet18.__name__, lacking)
    """
    name, _, lacking = output(code).partition(" ")
    assert name == "resnet18"
    return lacking


def test_what_the_course_uses_works_and_no_more_is_declared_than_lacking(
    lacking: str,
) -> None:
    code = f"""
        import sys, xaicourse, transformers
        from transformers import BertModel
        import torch, torchvision, torchvision as again
        declared = xaicourse.torchvision_guard.declared
        answers = torchvision.models.resnet18()(torch.zeros(1, 3, 64, 64))
        print(answers.shape, {FINDERS}, declared)
        if declared:  # and no more than that: refused in torchvision's own words
            try:
                torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
            except RuntimeError as error:
                assert "Couldn't load custom C++ ops" in str(error)
            else:
                raise AssertionError("an operator without an implementation ran")
    """
    assert output(code) == f"torch.Size([1, 1000]) [] {lacking}"


@pytest.mark.parametrize(
    ("own", "declared"), [(["nms", "qnms"], []), (["nms"], ["qnms"])]
)
def test_only_missing_operators_are_declared(
    tmp_path: Path, own: list[str], declared: list[str]
) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from . import extension, _meta_registrations")
    (package / "_meta_registrations.py").write_text(
        "import torch; torch.ops.torchvision.nms, torch.ops.torchvision.qnms"
    )
    (package / "extension.py").write_text(
        dedent(f"""
            import torch
            from xaicourse.torchvision_guard import _SCHEMAS
            library = torch.library.Library("torchvision", "FRAGMENT")
            for name in {own}:
                library.define(_SCHEMAS[name])
            def _has_ops(): ...
        """)
    )
    code = (
        "import xaicourse, torchvision; "
        "print(torchvision.__file__, xaicourse.torchvision_guard.declared)"
    )
    assert (
        output(code, PYTHONPATH=str(tmp_path))
        == f"{package / '__init__.py'} {declared}"
    )


@pytest.mark.parametrize("absent", ["torch", "torchvision"])
def test_harmless_where_torch_or_torchvision_is_absent(absent: str) -> None:
    code = f"""
        import sys
        sys.modules["{absent}"] = None
        import xaicourse
        try:
            import torchvision
        except ModuleNotFoundError as error:
            print(error.name)
    """
    assert output(code) == absent


def test_is_installed_once() -> None:
    code = (
        "import importlib, sys, xaicourse; importlib.reload(xaicourse); "
        f"print(len({FINDERS}))"
    )
    assert output(code) == "1"
