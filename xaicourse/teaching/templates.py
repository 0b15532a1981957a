"""Templates: sentences whose numbers are found by name where they are shown.

A field is written as in an f-string, ``{score["home"]:.1%}``, and holds names,
attributes and subscripts only: a value that needs more has a name of its own. So the
names that a sentence rests on can be read without running it.
"""

from __future__ import annotations

import ast
import string
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

SPEAKING = {
    "say": ("text",),
    "claim": ("text", "evidence"),
    "show": ("caption", "alt"),
    "table": ("caption",),
}
"""The calls that speak, and their arguments that are templates."""
_ALLOWED = (
    ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Slice,
    ast.Tuple, ast.UnaryOp, ast.USub, ast.Load,
)  # fmt: skip


def fields(template: str) -> list[str]:
    """Return the expressions of a template, each once, in its order.

    Examples
    --------
    >>> fields('from {score["home"]:.0%} to {score["abroad"]:.0%}, {n} rows')
    ['score["home"]', 'score["abroad"]', 'n']
    """
    found = (field for _, field, _, _ in string.Formatter().parse(template))
    return list(dict.fromkeys(field for field in found if field is not None))


def look_up(templates: Iterable[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every field of the templates, found among `names`.

    Raises
    ------
    ValueError
        If a field holds more than names, attributes and subscripts.
    NameError
        If a name is none of `names`.
    """
    expressions = dict.fromkeys(f for template in templates for f in fields(template))
    return {e: eval(_compiled(e), {"__builtins__": {}}, names) for e in expressions}


def fill(
    template: str, found: Mapping[str, Any], shown: Callable[[str], str] = str
) -> str:
    """Return a template with the values of its fields, each as `shown` shows its text.

    A format applies to every entry of an array or a list; the entries of a mapping
    stand behind their keys.

    Examples
    --------
    >>> fill("{share:.0%} right", {"share": {"home": 0.991, "abroad": 0.52}})
    'home 99%, abroad 52% right'
    """
    parts = []
    for text, field, spec, _ in string.Formatter().parse(template):
        parts.append(text)
        if field is not None:
            parts.append(shown(written(found[field], spec or "")))
    return "".join(parts)


def plain(value: Any) -> Any:
    """Return an array as a list, a series as a dict, a scalar as Python's own."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.tolist() if hasattr(value, "tolist") else value


def written(value: Any, spec: str = "") -> str:
    """Return a value as it is read: without a format, floats have four digits."""
    value = plain(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {written(v, spec)}" for key, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(written(v, spec) for v in value)
    return format(value, spec or (".4g" if isinstance(value, float) else ""))


def names_spoken(tree: ast.AST) -> set[str]:
    """Return the names that the sentences in a piece of code will look up.

    Examples
    --------
    >>> names_spoken(ast.parse('say("{fit.coef_[0]:.1f} of {n}", n=3)'))
    {'fit'}
    """
    found = set()
    for call, template in spoken(tree):
        given = {keyword.arg for keyword in call.keywords}
        found |= names_in(template) - given
    return found


def names_in(template: str) -> set[str]:
    """Return the names that the fields of a template begin with or hold."""
    nodes = chain(*(ast.walk(_parsed(field)) for field in fields(template)))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def spoken(tree: ast.AST) -> list[tuple[ast.Call, str]]:
    """Return the calls that speak in a piece of code, with each of their templates."""
    found = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        arguments = SPEAKING.get(call.func.id, ())
        given = [k.value for k in call.keywords if k.arg in arguments]
        given += call.args[:1] if "text" in arguments else []
        parts = [[n.body, n.orelse] if isinstance(n, ast.IfExp) else [n] for n in given]
        constants = [n.value for n in chain(*parts) if isinstance(n, ast.Constant)]
        found += [(call, text) for text in constants if isinstance(text, str)]
    return found


def is_field(node: ast.AST) -> bool:
    """Whether an expression could stand in a template."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and all(
        isinstance(part, _ALLOWED) for part in ast.walk(node)
    )


def _parsed(field: str) -> ast.Expression:
    try:
        tree = ast.parse(field, mode="eval")
    except SyntaxError:
        raise ValueError(f"{{{field}}}: expected the name of a value") from None
    if not is_field(tree.body):
        raise ValueError(
            f"{{{field}}}: a field holds names, attributes and subscripts only; give "
            "the value a name of its own"
        )
    return tree


@cache
def _compiled(field: str) -> Any:
    return compile(_parsed(field), "<template>", "eval")
