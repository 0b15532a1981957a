"""Show the code of a helper in the notebook that uses it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import Markdown, display


def show_source(function: Callable[..., Any]) -> None:
    """Show the source of a function, with the summary of its docstring, and the file
    that holds it.

    The rest of the docstring is one `help(function)` away and would push the code off
    the screen.
    """
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    lines = source.splitlines()
    first = definition.body[0]  # type: ignore[attr-defined]  # has a body
    if documentation := ast.get_docstring(definition):  # type: ignore[arg-type]
        summary = " ".join(documentation.split("\n\n")[0].split())
        lines[first.lineno - 1 : first.end_lineno] = [f'    """{summary}"""']
    module = function.__module__.replace(".", "/") + ".py"
    origin = f"*From* `{module}`; `help({function.__name__})` *says more.*"
    display(Markdown("```python\n" + "\n".join(lines) + f"\n```\n{origin}"))
