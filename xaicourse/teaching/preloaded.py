"""Importing this imports all that the notebooks import; `kernels` forks afterwards."""

from __future__ import annotations

import ast
import contextlib

import ipykernel.kernelapp  # noqa: F401

from xaicourse.teaching.curriculum import notebooks

for _notebook in notebooks():
    for _node in ast.parse(_notebook.source.read_text(encoding="utf-8")).body:
        if isinstance(_node, ast.Import | ast.ImportFrom):
            with contextlib.suppress(ImportError):  # the notebook will tell
                exec(ast.unparse(_node), {})
