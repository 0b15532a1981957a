"""Group metrics: how often a decision is right, and wrong, for each group, and how sure
one can be of that.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from xaicourse.validation import Seed, check_float, check_int, check_seed, check_shape

Floats = NDArray[np.float64]
RATES = (
    "base_rate",
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "precision",
)


class SmallGroupWarning(UserWarning):
    """A rate rests on few rows: its interval is wide, and a difference of extremes is
    mostly chance.
    """


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
        """Return the largest minus the smallest of a rate; for selection_rate, the
        demographic parity difference.
        """
        values = self.rates[rate].dropna()
        return float(values.max() - values.min())

    def ratio(self, rate: str) -> float:
        """Return the smallest over the largest of a rate; 1 where all are zero, as
        nobody is treated otherwise.
        """
        values = self.rates[rate].dropna()
        return float(values.min() / values.max()) if values.max() > 0 else 1.0

    @property
    def equalized_odds_difference(self) -> float:
        """The larger of the differences in true and false positive rates."""
        return max(
            self.difference("true_positive_rate"),
            self.difference("false_positive_rate"),
        )

    @property
    def equalized_odds_ratio(self) -> float:
        """The smaller of the ratios of true and false positive rates."""
        return min(self.ratio("true_positive_rate"), self.ratio("false_positive_rate"))

    def difference_interval(
        self, rate: str, *, level: float = 0.95, n_samples: int = 4000, seed: Seed = 0
    ) -> tuple[float, float]:
        """Return a bootstrap interval of `difference`, each group drawn anew within
        itself.

        A largest minus a smallest is never negative and grows with the noise, so that
        the interval of equal groups lies above zero as well: compare it with what
        shuffled groups give.

        Parameters
        ----------
        rate : str
            A column of `rates`.
        level : float
            Coverage, between 0 and 1.
        n_samples : int
            Number of bootstrap samples.
        seed : int, numpy.random.Generator or None
            Of the draws.
        """
        known = self.rates[rate].notna()
        n, p = (
            self.rows.loc[known, rate].to_numpy(),
            self.rates.loc[known, rate].to_numpy(),
        )
        drawn = (
            check_seed(seed).binomial(
                n, p, size=(check_int("n_samples", n_samples), len(n))
            )
            / n
        )
        tail = (1 - _check_level(level)) / 2
        low, high = np.quantile(drawn.max(1) - drawn.min(1), [tail, 1 - tail])
        return float(low), float(high)


def group_metrics(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    groups: ArrayLike,
    *,
    level: float = 0.95,
    min_rows: int = 30,
) -> GroupMetrics:
    r"""Measure a yes-or-no decision group by group.

    A rate is a share k/n; its interval is Wilson's, :math:`\left(p + \tfrac{z^2}{2n}
    \pm z \sqrt{\tfrac{p (1 - p)}{n} + \tfrac{z^2}{4 n^2}}\right) / (1 + z^2 / n)`,
    which stays between 0 and 1 and holds for small groups too.

    Parameters
    ----------
    y_true, y_pred : array of shape (n,)
        What happened and what was decided: 0 or 1.
    groups : array of shape (n,)
        The group of each row; not missing.
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
        When a rate rests on fewer than `min_rows` rows; it says which.

    References
    ----------
    Hardt, Price, Srebro: Equality of opportunity in supervised learning. NIPS 2016,
    arXiv:1610.02413.

    Wilson: Probable inference, the law of succession, and statistical inference. JASA
    22, 209 (1927).

    Examples
    --------
    >>> found = group_metrics([1, 0, 1, 0], [1, 1, 1, 0], ["a", "a", "b", "b"], min_rows=0)
    >>> found.rates["selection_rate"].to_dict()
    {'a': 1.0, 'b': 0.5}
    >>> found.difference("selection_rate"), found.equalized_odds_difference
    (0.5, 1.0)
    """
    happened, decided = _binary("y_true", y_true), _binary("y_pred", y_pred)
    check_shape("y_pred", decided, happened.shape)
    column = pd.Series(np.asarray(groups))
    check_shape("groups", column, happened.shape)
    if column.isna().any():
        raise ValueError(
            f"groups: got {int(column.isna().sum())} missing ones; make them a group "
            f"of their own"
        )
    names = sorted(column.unique())
    if len(names) < 2:
        raise ValueError(
            f"groups: got only {names[0]!r}, expected at least two to compare"
        )
    z = norm.ppf(0.5 + _check_level(level) / 2)
    everybody = np.ones(len(happened), bool)
    shares = {  # of which rows, and among which
        "base_rate": (happened, everybody),
        "selection_rate": (decided, everybody),
        "true_positive_rate": (decided, happened),
        "false_positive_rate": (decided, ~happened),
        "precision": (happened, decided),
    }
    members = [(column == name).to_numpy() for name in names]
    n = np.array([[(among & m).sum() for _, among in shares.values()] for m in members])
    k = np.array(
        [
            [(which & among & m).sum() for which, among in shares.values()]
            for m in members
        ]
    )
    p = np.divide(k, n, out=np.full(n.shape, np.nan), where=n > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, spread = (
            p + z**2 / (2 * n),
            z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)),
        )
        ends = [(middle - spread) / (1 + z**2 / n), (middle + spread) / (1 + z**2 / n)]
    few = [f"{name}: {rate} ({n[i, j]})" for i, name in enumerate(names) for j, rate in enumerate(shares)
           if n[i, j] < check_int("min_rows", min_rows, minimum=0)]  # fmt: skip
    if few:
        warnings.warn(
            f"these rest on fewer than {min_rows} rows: {', '.join(few)}",
            SmallGroupWarning,
            stacklevel=2,
        )
    rates, low, high, rows = (
        pd.DataFrame(a, index=names, columns=list(RATES)) for a in (p, *ends, n)
    )
    return GroupMetrics(rates, low, high, rows)


def _binary(name: str, labels: ArrayLike) -> NDArray[np.bool_]:
    values = np.asarray(labels)
    check_shape(name, values, (None,))
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name}: got other values than 0 and 1")
    return values.astype(bool)


def _check_level(level: float) -> float:
    if not 0 < check_float("level", level) < 1:
        raise ValueError(f"level: got {level}, expected a number between 0 and 1")
    return level
