"""Sentences, claims, tables and figures whose numbers come from the run that shows
them.

Each call shows something and stores, beside the rendered text, its wording and its raw
values with a tolerance. A later run can then be compared with the stored one: wording
exactly, values within tolerance.
"""

from __future__ import annotations

import html
import math
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from xaicourse.teaching.figures import figure_data

Tolerance = float | Mapping[str, float]
VALUE = '<span class="value">{}</span>'  # what a comparison of wordings blanks out
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
        A format string, such as ``"accuracy falls to {share:.0%}"``.
    tolerance : float or mapping of str to float
        By how much (absolutely) each value may differ in another run of the same
        notebook: what a different processor may change in a trained model. Zero leaves
        room for rounding in the last digits only.
    **values
        Finite numbers, strings or arrays; each must be used by ``text``.

    Examples
    --------
    >>> with recording() as statements:
    ...     say("{part:.0%} of {whole} rows", part=0.25, whole=8)
    >>> statements[0].values
    {'part': 0.25, 'whole': 8}
    """
    if unused := set(values) - set(_fields(text)):
        raise ValueError(f"say() got {sorted(unused)}, which its text does not use")
    statement = _statement("say", text, values, tolerance)
    _emit(lambda: {"text/markdown": _fill(text, values)}, statement)


def claim(
    text: str, holds: Any, *, fails_if: str, tolerance: Tolerance = 0.0, **evidence: Any
) -> None:
    """Show a claim with a tick and its evidence, or stop the notebook.

    Parameters
    ----------
    text : str
        The claim, a format string over ``evidence``.
    holds : bool
        What was found.
    fails_if : str
        An alteration under which the claim is seen to fail, such as ``"the labels are
        shuffled"``: a claim that nothing could break says nothing.
    tolerance : float or mapping of str to float
        As in `say`.
    **evidence
        At least one value; those that ``text`` does not use are listed after it.

    Raises
    ------
    ClaimFailed
        When ``holds`` is false.

    Examples
    --------
    >>> claim("Two is even", True, fails_if="two is three")
    Traceback (most recent call last):
    ValueError: claim('Two is even') needs evidence: the values it rests on, as keywords
    """
    if not evidence:
        raise ValueError(
            f"claim({text!r}) needs evidence: the values it rests on, as keywords"
        )
    if not isinstance(holds, bool | np.bool_):
        raise TypeError(
            f"claim({text!r}): holds must be True or False, got {type(holds).__name__}"
        )
    if not fails_if:
        raise ValueError(
            f"claim({text!r}): fails_if must name an alteration under which it fails"
        )
    listed = [name for name in evidence if name not in _fields(text)]
    pattern = text + "".join(
        f"{', ' if i else ' — '}{n.replace('_', ' ')} {{{n}}}"
        for i, n in enumerate(listed)
    )
    statement = _statement(
        "claim", pattern, evidence, tolerance, holds=bool(holds), fails_if=fails_if
    )
    if not holds and _recorder.get() is None:
        raise ClaimFailed(
            f"this claim does not hold in this run: "
            f"{_Plain().vformat(pattern, (), evidence)}"
        )
    mark = "✓" if holds else "✗"
    details = ", ".join(
        f"{n.replace('_', ' ')} {VALUE.format(_readable(evidence[n]))}" for n in listed
    )
    lines = [
        f"> **{mark}** **{_fill(text, evidence)}**",
        *([f"> <small>{details}</small>"] if details else []),
    ]
    lines.append(f"> <small>*It would fail if {fails_if}.*</small>")
    _emit(lambda: {"text/markdown": "  \n".join(lines)}, statement)


def show(
    figure: Figure, *, caption: str, alt: str, tolerance: Tolerance = 0.0, **values: Any
) -> None:
    """Show a figure with its caption and an alternative text; both may hold
    ``{values}`` of this run.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As the functions of `xaicourse.plotting` return it.
    caption : str
        What the figure is.
    alt : str
        What is to be seen in it, for those who cannot see it.
    tolerance, **values
        As in `say`.
    """
    if not caption or not alt:
        raise ValueError("show() needs both a caption and an alternative text (alt)")
    statement = _statement("figure", f"{caption} | {alt}", values, tolerance)
    _emit(
        lambda: figure_data(
            figure,
            alt=_Plain().vformat(alt, (), values),
            caption=_fill(caption, values),
        ),
        statement,
    )


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
        What the table holds, with units.
    formats : str or mapping of str to str
        How numbers are written, for all columns or for each.
    tolerance : float or mapping of str to float
        By how much (absolutely) a number may differ in another run, in all rows or in
        those that are named.
    """
    if frame.empty:
        raise ValueError("frame is empty: there is nothing to show")
    per_column = (
        dict.fromkeys(frame.columns, formats)
        if isinstance(formats, str)
        else dict(formats)
    )
    head = "".join(
        f'<th scope="col">{html.escape(str(c))}</th>' for c in ["", *frame.columns]
    )
    rows = []
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        cells = []
        for column, value in zip(frame.columns, row, strict=True):
            number = isinstance(value, int | float | np.number) and not isinstance(
                value, bool
            )
            text = (
                per_column[column].format(value)
                if number and column in per_column
                else html.escape(str(value))
            )
            cells.append(
                f'<td style="text-align:right">{VALUE.format(text) if number else text}</td>'
            )
        rows.append(
            f'<tr><th scope="row">{html.escape(str(label))}</th>{"".join(cells)}</tr>'
        )
    body = f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
    body += f"<tbody>{''.join(rows)}</tbody></table>"
    values = {
        f"{column}[{label}]": v
        for column in frame
        for label, v in frame[column].items()
    }
    of_row = (
        dict.fromkeys(frame.index, tolerance)
        if isinstance(tolerance, float | int)
        else tolerance
    )
    if unknown := set(of_row) - set(frame.index):
        raise ValueError(
            f"tolerance names {sorted(unknown)}, which are no rows of the table"
        )
    tolerances = {
        f"{column}[{label}]": of_row.get(label, 0.0)
        for column in frame
        for label in frame.index
    }
    statement = _statement("table", caption, values, tolerances)
    _emit(lambda: {"text/html": body}, statement)


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
    """Return what differs between two stored statements beyond their wording's
    tolerance, in words.

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
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            _close(b, a, tolerance) for b, a in zip(before, after, strict=True)
        )
    numbers = all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in (before, after)
    )
    return (
        math.isclose(before, after, rel_tol=1e-6, abs_tol=tolerance + 1e-12)
        if numbers
        else before == after
    )


def _statement(
    kind: str,
    wording: str,
    values: Mapping[str, Any],
    tolerance: Tolerance,
    **more: Any,
) -> Statement:
    plain = {name: _storable(name, value) for name, value in values.items()}
    each = (
        dict(tolerance)
        if isinstance(tolerance, Mapping)
        else dict.fromkeys(plain, float(tolerance))
    )
    if unknown := set(each) - set(plain):
        raise ValueError(
            f"tolerance names {sorted(unknown)}, which are not among the values"
        )
    return Statement(kind, wording, plain, {n: t for n, t in each.items() if t}, **more)


def _storable(name: str, value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return [_storable(name, v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}: a statement needs finite numbers")
    if not isinstance(value, bool | int | float | str):
        raise TypeError(
            f"{name} must be a number, a string or an array, got {type(value).__name__}"
        )
    return value


def _emit(render: Callable[[], dict[str, str]], statement: Statement) -> None:
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


def _fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


class _Plain(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if format_spec else _readable(value)


class _Marked(_Plain):
    def format_field(self, value: Any, format_spec: str) -> str:
        return VALUE.format(super().format_field(value, format_spec))


def _fill(text: str, values: Mapping[str, Any]) -> str:
    return _Marked().vformat(text.replace(" %", "\N{NO-BREAK SPACE}%"), (), values)


def _readable(value: Any) -> str:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return ", ".join(_readable(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
