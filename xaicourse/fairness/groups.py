"""Group metrics: how often a decision is right, and wrong, for each group.

The rates are those of fairlearn's ``MetricFrame``, counted in one pass over the rows,
and the intervals are statsmodels'. Where a group has no row to take a share of,
fairlearn's rates are 0, and its differences skip the group; here they are NaN, with a
warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from xaicourse.validation import (
    as_binary,
    check_choice,
    check_int,
    check_level,
    check_shape,
)

Mask = NDArray[np.bool_]


class SmallGroupWarning(UserWarning):
    """A rate rests on few rows: a difference of extremes is mostly chance."""


class UndefinedRateWarning(UserWarning):
    """A group has no row that a rate could be a share of, so that the result is NaN."""


@dataclass(frozen=True, eq=False)
class GroupMetrics:
    """Rates of each group, with intervals, and what they differ by.

    Attributes
    ----------
    rates : pandas.DataFrame, one row a group
        base_rate P(y = 1), selection_rate P(ŷ = 1), true_positive_rate P(ŷ = 1 | y =
        1), false_positive_rate P(ŷ = 1 | y = 0) and precision P(y = 1 | ŷ = 1). NaN
        where a group has no row to take a share of.
    low, high : pandas.DataFrame
        Ends of Wilson's intervals.
    rows : pandas.DataFrame
        Number of rows that each rate is a share of.
    """

    rates: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    rows: pd.DataFrame

    def difference(self, rate: str) -> float:
        """Return the largest minus the smallest of a rate.

        Of selection_rate it is the demographic parity difference. NaN, with an
        `UndefinedRateWarning`, where a group's rate is undefined.
        """
        values = self._values(rate)
        return float(values.max() - values.min())

    def ratio(self, rate: str) -> float:
        """Return the smallest over the largest of a rate; 1 where all are zero.

        (Nobody is treated otherwise then.) NaN as in `difference`.
        """
        values = self._values(rate)
        return 1.0 if values.max() == 0 else float(values.min() / values.max())

    @property
    def equalized_odds_difference(self) -> float:
        """The larger of the differences in true and false positive rates."""
        rates = ("true_positive_rate", "false_positive_rate")
        return float(np.max([self.difference(rate) for rate in rates]))

    def _values(self, rate: str) -> NDArray[np.float64]:
        check_choice("rate", rate, list(map(str, self.rates)))
        values = self.rates[rate]
        if values.isna().any():
            _warn_undefined(values.index[values.isna()], rate)
        return values.to_numpy()


def group_metrics(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    groups: ArrayLike | pd.DataFrame | Mapping[str, Any] | Sequence[Any],
    *,
    level: float = 0.95,
    min_rows: int = 30,
) -> GroupMetrics:
    r"""Measure a yes-or-no decision group by group.

    A rate is a share p = k/n; its interval is Wilson's, :math:`\left(p +
    \tfrac{z^2}{2n} \pm z \sqrt{\tfrac{p (1 - p)}{n} + \tfrac{z^2}{4 n^2}}\right) / (1
    + z^2 / n)`, which stays between 0 and 1 and holds for small groups too.

    Parameters
    ----------
    y_true, y_pred : array of shape (n,)
        What happened and what was decided: 0 or 1.
    groups : array of shape (n,) or (n, columns), DataFrame, mapping or list of arrays
        The group of each row, not missing; a list of n tuples counts as rows. Of
        several columns, the groups are the intersections that somebody belongs to.
    level : float
        Coverage of the intervals, between 0 and 1.
    min_rows : int
        A rate over fewer rows than these is warned of.

    Raises
    ------
    ValueError
        When shapes differ, a label is neither 0 nor 1, a group is missing, or there is
        only one group.

    Warns
    -----
    SmallGroupWarning
        When a rate rests on fewer than `min_rows` rows, which are named.
    UndefinedRateWarning
        When a rate rests on no row at all and is NaN.

    References
    ----------
    Hardt, Price, Srebro: Equality of opportunity in supervised learning. NIPS 2016,
    arXiv:1610.02413.

    Wilson: Probable inference, the law of succession, and statistical inference. JASA
    22, 209 (1927).

    Examples
    --------
    >>> y, said, groups = [1, 0, 1, 0], [1, 1, 1, 0], ["a", "a", "b", "b"]
    >>> found = group_metrics(y, said, groups, min_rows=0)
    >>> found.rates["selection_rate"].to_dict()
    {'a': 1.0, 'b': 0.5}
    >>> found.difference("selection_rate"), found.equalized_odds_difference
    (0.5, 1.0)
    """
    happened = as_binary("y_true", y_true, (None,))
    decided = as_binary("y_pred", y_pred, happened.shape)
    table = _columns(groups, len(happened))
    fewest = check_int("min_rows", min_rows, minimum=0)
    alpha = 1 - check_level("level", level)

    everybody = np.ones_like(happened)
    # What each rate counts, and of which rows it is a share.
    shares = {
        "base_rate": (happened, everybody),
        "selection_rate": (decided, everybody),
        "true_positive_rate": (happened & decided, happened),
        "false_positive_rate": (~happened & decided, ~happened),
        "precision": (happened & decided, decided),
    }
    keys = [table[name] for name in table]
    hits, rows = (
        pd.DataFrame({name: pair[i] for name, pair in shares.items()})
        .groupby(keys)
        .sum()
        for i in range(2)
    )
    if len(rows) < 2:
        raise ValueError(
            f"groups: got only {rows.index[0]!r}, expected at least two to compare"
        )
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is NaN, and warned of
        rates = hits / rows
        ends = proportion_confint(
            hits.to_numpy(), rows.to_numpy(), alpha=alpha, method="wilson"
        )
    for name in shares:
        if (rows[name] == 0).any():
            _warn_undefined(rows.index[rows[name] == 0], name)
    few = [
        f"{group}: {name} ({n})"
        for group, counted in rows.iterrows()
        for name, n in counted.items()
        if 0 < n < fewest
    ]
    if few:
        warnings.warn(
            f"these rest on fewer than {min_rows} rows: {', '.join(few)}",
            SmallGroupWarning,
            stacklevel=2,
        )
    low, high = (pd.DataFrame(end, rows.index, rows.columns) for end in ends)
    return GroupMetrics(rates, low, high, rows)


def _columns(groups: Any, n: int) -> pd.DataFrame:
    """Return the groups as columns of objects, none missing."""
    listed = isinstance(groups, list | tuple) and len(groups) > 0
    if listed and isinstance(groups[0], tuple) and len(groups) == n:
        groups = pd.DataFrame(list(groups))
    elif isinstance(groups, np.ndarray) and groups.ndim == 2:
        groups = pd.DataFrame(groups)
    if isinstance(groups, pd.DataFrame | Mapping):
        columns = dict(groups.items())
    elif listed and np.ndim(groups[0]):
        columns = dict(enumerate(groups))
    else:
        columns = {"group": groups}
    table = {}
    for name, column in columns.items():
        # A list with NaN would become words as an array, and the NaN one of them.
        values = column if isinstance(column, np.ndarray) else pd.Series(column)
        check_shape("groups", values, (n,))
        table[str(name)] = pd.Series(np.asarray(values, object))
    found = pd.DataFrame(table)
    if found.isna().any(axis=None):
        raise ValueError(
            f"groups: got {int(found.isna().sum().sum())} missing ones; make them a "
            f"group of their own"
        )
    return found


def _warn_undefined(groups: pd.Index, rate: str) -> None:
    warnings.warn(
        f"{rate} is undefined, and NaN, for {', '.join(map(str, groups))}: there is no "
        f"row to take a share of",
        UndefinedRateWarning,
        stacklevel=4,
    )
