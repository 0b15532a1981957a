"""Sentences, claims, tables and figures whose numbers come from the run that shows
them.

Each call shows something and stores, beside the rendered text, its wording and its raw
values with a tolerance. A later run can then be compared with the stored one: wording
exactly, values within tolerance.
"""

from __future__ import annotations

import html
import math
import re
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from xaicourse.teaching.figures import figure_data
from xaicourse.teaching.templates import fill, look_up, names_in, plain

Tolerance = float | Mapping[str, float]
VALUE = '<span class="value">{}</span>'  # what a comparison of wordings blanks out
# What Markdown would take for its own: an underscore within a word it does not.
MARKUP = re.compile(r"[\\`*\[\]{}$~|]|(?<![^\W_])_|_(?![^\W_])")
_recorder: ContextVar[list[Statement] | None] = ContextVar("recorder", default=None)


class ClaimFailed(AssertionError):
    """A claim of the course did not hold in this run."""


@dataclass(frozen=True)
class Statement:
    """What one call said: its kind, wording, raw values, tolerances and, for a claim,
    whether it held.
    """

    kind: str
    wording: str
    values: dict[str, Any]
    tolerance: dict[str, float]
    holds: bool = True
    fails_if: str = ""


def say(text: str, *, tolerance: Tolerance = 0.0, **values: Any) -> None:
    """Show a Markdown sentence with its numbers filled in from this run.

    Parameters
    ----------
    text : str
        A template, such as ``'it falls to {score["abroad"]:.0%}'``. Its fields are
        names, attributes and subscripts, looked up among `values` and then among the
        names of the notebook; an array or a mapping is written entry by entry.
    tolerance : float or mapping of str to float
        By how much (absolutely) each value may differ in another run of the same
        notebook: what a different processor may change in a trained model. The key of a
        value is its field, as it is written. Zero leaves room for rounding in the last
        digits only.
    **values
        What has no name in the notebook; each must be used by `text`.

    Raises
    ------
    NameError
        If a field names nothing.
    TypeError, ValueError
        If a value is not used, or is no finite number, string, array or mapping of
        such, or a field holds more than names, attributes and subscripts.

    Examples
    --------
    >>> share = {"right": 0.25}
    >>> with recording() as statements:
    ...     say('{share["right"]:.0%} of {rows} rows', rows=8)
    >>> statements[0].values
    {'share["right"]': 0.25, 'rows': 8}
    """
    found = _found("say", [text], values, sys._getframe(1).f_globals)
    statement = statement_of("say", text, found, tolerance)
    emit(lambda: {"text/markdown": _marked(text, found)}, statement)


def claim(
    text: str,
    holds: Any,
    *,
    evidence: str = "",
    fails_if: str,
    control: str = "",
    tolerance: Tolerance = 0.0,
    **values: Any,
) -> None:
    """Show a claim with a tick and its evidence, or stop the notebook.

    Parameters
    ----------
    text : str
        The claim, a template as in `say`.
    holds : bool
        What was found.
    evidence : str
        A template that names and rounds what the claim rests on, such as
        ``'right: {score:.1%}; by chance {chance:.1%}'``.
    fails_if : str
        An alteration under which the claim is seen to fail, such as ``"the labels are
        shuffled"``: a claim that nothing could break says nothing.
    control : str
        What never saw the model, knows everything that is easy to know, and was put to
        the same test, such as ``"the picture's edges"``.
    tolerance, **values
        As in `say`.

    Raises
    ------
    ClaimFailed
        When `holds` is false.
    NameError, TypeError, ValueError
        As `say`, and when neither `text` nor `evidence` holds a value.

    Examples
    --------
    >>> claim("Two is even", True, fails_if="two is three")
    Traceback (most recent call last):
    ValueError: claim('Two is even'): a claim needs evidence, the values it rests on
    """
    found = _found("claim", [text, evidence], values, sys._getframe(1).f_globals)
    if not found:
        raise ValueError(
            f"claim({text!r}): a claim needs evidence, the values it rests on"
        )
    if not isinstance(holds, bool | np.bool_):
        raise TypeError(
            f"claim({text!r}): holds must be True or False, got {type(holds).__name__}"
        )
    if not fails_if:
        raise ValueError(
            f"claim({text!r}): fails_if must name an alteration under which it fails"
        )
    wording = f"{text} — {evidence}" if evidence else text
    statement = statement_of(
        "claim", wording, found, tolerance, holds=bool(holds), fails_if=fails_if
    )
    if not holds and _recorder.get() is None:
        raise ClaimFailed(
            f"this claim does not hold in this run: {fill(wording, found)}"
        )
    lines = [f"> **{'✓' if holds else '✗'}** **{_marked(text, found)}**"]
    if evidence:
        lines.append(f"> <small>{_marked(evidence, found)}</small>")
    what, why = "What would break it", f"It would fail if {fails_if}."
    if control:
        what, why = f"{what}, and its control", f"{why} Control: {control}."
    lines.append(
        f"> <details><summary><small>{what}</small></summary>"
        f"<small>{why}</small></details>"
    )
    emit(lambda: {"text/markdown": "  \n".join(lines)}, statement)


def show(
    figure: Figure, *, caption: str, alt: str, tolerance: Tolerance = 0.0, **values: Any
) -> None:
    """Show a figure with its caption and an alternative text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn in the notebook, or by a function of `xaicourse.plotting`.
    caption : str
        What the figure is; a template as in `say`.
    alt : str
        What is to be seen in it, for those who cannot see it; a template, too.
    tolerance, **values
        As in `say`.
    """
    if not caption or not alt:
        raise ValueError("show() needs both a caption and an alternative text (alt)")
    found = _found("show", [caption, alt], values, sys._getframe(1).f_globals)
    statement = statement_of("figure", f"{caption} | {alt}", found, tolerance)
    picture = {"alt": fill(alt, found), "caption": _marked(caption, found, in_html)}
    emit(lambda: figure_data(figure, **picture), statement)


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    formats: str | Mapping[str, str] = "{:.3f}",
    tolerance: Tolerance = 0.0,
) -> None:
    """Show a small table; its numbers are stored with a tolerance like those of `say`.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows and columns as they shall be read; the index names the rows.
    caption : str
        What the table holds, with units; a template as in `say`.
    formats : str or mapping of str to str
        How numbers are written, for all columns or for each.
    tolerance : float or mapping of str to float
        By how much (absolutely) a number may differ in another run, in all rows or in
        those that are named.
    """
    if frame.empty:
        raise ValueError("frame is empty: there is nothing to show")
    if any(axis.astype(str).has_duplicates for axis in frame.axes):
        raise ValueError(
            "frame has two rows or two columns of one name: name them apart"
        )
    of_row = (
        dict.fromkeys(frame.index, tolerance)
        if isinstance(tolerance, float | int)
        else tolerance
    )
    if unknown := set(of_row) - set(frame.index):
        raise ValueError(
            f"tolerance names {sorted(unknown)}, which are no rows of the table"
        )
    per_column = (
        dict.fromkeys(frame.columns, formats)
        if isinstance(formats, str)
        else dict(formats)
    )
    found = _found("table", [caption], {}, sys._getframe(1).f_globals)
    cells = {f"{c}[{label}]": v for c in frame for label, v in frame[c].items()}
    tolerances = {f"{c}[{label}]": t for c in frame for label, t in of_row.items()}
    head = "".join(_header("col", column) for column in ["", *frame.columns])
    body = ""
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        body += f"<tr>{_header('row', label)}"
        for column, value in zip(frame.columns, row, strict=True):
            body += _cell(value, per_column.get(column))
        body += "</tr>"
    title = _marked(html.escape(caption, quote=False), found, in_html)
    page = (
        f"<table><caption>{title}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    statement = statement_of("table", caption, cells | found, tolerances)
    emit(lambda: {"text/html": page}, statement)


def _header(scope: str, name: Any) -> str:
    return f'<th scope="{scope}">{html.escape(str(name))}</th>'


def _cell(value: Any, number_format: str | None) -> str:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    text = html.escape(str(value))
    if number and number_format:
        text = number_format.format(value)
    return f'<td style="text-align:right">{VALUE.format(text) if number else text}</td>'


@contextmanager
def recording() -> Iterator[list[Statement]]:
    """Collect statements instead of showing them; a claim that does not hold is
    recorded, and nothing stops.
    """
    statements: list[Statement] = []
    token = _recorder.set(statements)
    try:
        yield statements
    finally:
        _recorder.reset(token)


def differences(stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """Return, in words, where two stored statements differ beyond their tolerances.

    Parameters
    ----------
    stored, fresh : mapping
        The ``xaicourse`` entry of an output's metadata, from the notebook's file and
        from a new run.
    """
    found = []
    if stored["wording"] != fresh["wording"]:
        found.append(f"wording: {stored['wording']!r} became {fresh['wording']!r}")
    if set(stored["values"]) != set(fresh["values"]):
        return [
            *found,
            f"values: {sorted(stored['values'])} became {sorted(fresh['values'])}",
        ]
    for name, before in stored["values"].items():
        after, tolerance = fresh["values"][name], stored["tolerance"].get(name, 0.0)
        if not _close(before, after, tolerance):
            found.append(f"{name}: {before} became {after} (tolerance {tolerance:g})")
    return found


def _close(before: Any, after: Any, tolerance: float) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):  # files sort their keys
        return before.keys() == after.keys() and all(
            _close(before[key], after[key], tolerance) for key in before
        )
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(
            _close(b, a, tolerance) for b, a in pairs
        )
    numbers = all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in (before, after)
    )
    if not numbers:
        return bool(before == after)
    return math.isclose(before, after, rel_tol=1e-6, abs_tol=tolerance + 1e-12)


def statement_of(
    kind: str,
    wording: str,
    values: Mapping[str, Any],
    tolerance: Tolerance,
    **more: Any,
) -> Statement:
    """Return what one call says; see `Statement`."""
    stored = {name: _storable(name, value) for name, value in values.items()}
    each = (
        dict(tolerance)
        if isinstance(tolerance, Mapping)
        else dict.fromkeys(stored, float(tolerance))
    )
    if unknown := set(each) - set(stored):
        raise ValueError(
            f"tolerance names {sorted(unknown)}, which are not among the values"
        )
    return Statement(
        kind, wording, stored, {n: t for n, t in each.items() if t}, **more
    )


def _storable(name: str, value: Any) -> Any:
    value = plain(value)
    if isinstance(value, Mapping):
        return {str(key): _storable(name, v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(name, v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}: a statement needs finite numbers")
    if not isinstance(value, bool | int | float | str):
        raise TypeError(
            f"{name} must be a number, a string or an array, got {type(value).__name__}"
        )
    return value


def emit(render: Callable[[], dict[str, str]], statement: Statement) -> None:
    """Show what is rendered, and store the statement beside it; or record it."""
    statements = _recorder.get()
    if statements is not None:
        statements.append(statement)
        return
    stored = {
        "kind": statement.kind,
        "wording": statement.wording,
        "values": statement.values,
    }
    display(
        render(),
        metadata={"xaicourse": stored | {"tolerance": statement.tolerance}},
        raw=True,
    )


def _found(
    caller: str,
    templates: Sequence[str],
    given: Mapping[str, Any],
    notebook: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the value of each field, from what was given and from the notebook."""
    used = {name for template in templates for name in names_in(template)}
    if unused := set(given) - used:
        raise ValueError(
            f"{caller}() got {sorted(unused)}, which its text does not use"
        )
    return look_up(templates, ChainMap(dict(given), dict(notebook)))


def in_html(text: str) -> str:
    """Return a value as it stands in HTML."""
    return html.escape(text, quote=False)


def in_markdown(text: str) -> str:
    """Return a value as it stands in Markdown, whatever signs it holds.

    Examples
    --------
    >>> in_markdown("*feed_in* < $5")
    '&#42;feed_in&#42; &lt; &#36;5'
    """
    one_line = in_html(text.replace("\n", " "))
    return MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", one_line)


def _marked(
    template: str,
    found: Mapping[str, Any],
    escape: Callable[[str], str] = in_markdown,
) -> str:
    filled = fill(template, found, lambda text: VALUE.format(escape(text)))
    return filled.replace(" %", "\N{NO-BREAK SPACE}%")
