"""A simulated portfolio of life insurance applications, drawn from a causal model that
is known.

The file reads from top to bottom as the model does. A person belongs to a protected
group or not, and has an age, wealth, illness, a build, and insurance bought before; no
column holds any of it outright. Columns follow from them (`CAUSES`). The underwriter
adds up what some columns say (`TERMS`), subtracts `discrimination` from everyone of the
protected group, and cuts the sum into eight classes. Names, types, ranges, missing
rates and class shares are those of the Prudential Life Insurance Assessment, as far as
they are public facts; what a column *means* is invented.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xaicourse.datasets.base import Dataset
from xaicourse.datasets.splits import stratified_split
from xaicourse.validation import Seed, check_float, check_int, check_seed

CITATION = (
    "Prudential Life Insurance Assessment (2015). Kaggle. "
    "https://www.kaggle.com/c/prudential-life-insurance-assessment"
)
ROWS, TARGET = 59_381, "Response"
CLASS_COUNTS = (6207, 6552, 1013, 1428, 5432, 11233, 8027, 19489)
MISSING_COUNTS = {
    "Employment_Info_1": 19, "Employment_Info_4": 6779, "Employment_Info_6": 10854,
    "Insurance_History_5": 25396, "Family_Hist_2": 28656, "Family_Hist_3": 34241,
    "Family_Hist_4": 19184, "Family_Hist_5": 41811, "Medical_History_1": 8889,
    "Medical_History_10": 58824, "Medical_History_15": 44596,
    "Medical_History_24": 55580, "Medical_History_32": 58274,
}  # fmt: skip
COLUMNS = [
    *(f"Product_Info_{i}" for i in range(1, 8)), "Ins_Age", "Ht", "Wt", "BMI",
    *(f"Employment_Info_{i}" for i in range(1, 7)),
    *(f"InsuredInfo_{i}" for i in range(1, 8)), *(f"Insurance_History_{i}" for i in (1,
        2, 3, 4, 5, 7, 8, 9)), *(f"Family_Hist_{i}" for i in range(1, 6)),
    *(f"Medical_History_{i}" for i in range(1, 42)),
    *(f"Medical_Keyword_{i}" for i in range(1, 49)),
]  # fmt: skip
# complete, but no whole numbers
_FRACTIONS = ("Product_Info_4", "Ins_Age", "Ht", "Wt", "BMI")
INTEGERS = [
    name
    for name in COLUMNS
    if name not in (*MISSING_COUNTS, *_FRACTIONS, "Product_Info_2")
]

PROTECTED_SHARE = 0.35
# Product codes and their shares, per cent.
_PRODUCTS = {
    "A1": 4, "A2": 3, "A3": 2, "A4": 1, "A5": 1.3, "A6": 3.5, "A7": 2.5, "A8": 11.5,
    "B1": 0.1, "B2": 1.9, "C1": 0.5, "C2": 0.3, "C3": 0.5, "C4": 0.4,
    "D1": 11, "D2": 10.5, "D3": 23.9, "D4": 18.1, "E1": 4.5,
}  # fmt: skip

# Codes of the nominal medical columns: {code: share}, and how illness moves the code (+
# raises it, - lowers it).
_MEDICAL: dict[int, tuple[dict[int, float], float]] = {
    3: ({2: 0.90, 3: 0.10}, 0.3), 4: ({1: 0.35, 2: 0.65}, -0.75), 5: ({1: 0.993,
        2: 0.007}, 0.2), 6: ({1: 0.055, 3: 0.945}, -0.5), 7: ({2: 0.977, 3: 0.023},
        0.2), 8: ({2: 0.82, 3: 0.18}, 0.0), 9: ({1: 0.23, 2: 0.77}, 0.0), 11: ({2: 0.01,
        3: 0.99}, -0.3), 12: ({2: 0.94, 3: 0.06}, 0.0), 13: ({1: 0.115, 3: 0.885},
        -0.6), 14: ({1: 0.015, 3: 0.985}, -0.2), 16: ({1: 0.84, 3: 0.16}, 0.2),
    17: ({2: 0.02, 3: 0.98}, 0.0), 18: ({1: 0.946, 2: 0.054}, 0.4), 19: ({1: 0.966,
        2: 0.034}, 0.2), 20: ({1: 0.015, 2: 0.985}, -0.2), 21: ({1: 0.89, 2: 0.11},
        0.0), 22: ({1: 0.018, 2: 0.982}, -0.3), 23: ({1: 0.235, 3: 0.765}, -0.75),
    25: ({1: 0.82, 2: 0.17, 3: 0.01}, 0.0), 26: ({1: 0.01, 2: 0.17, 3: 0.82}, 0.0),
    27: ({1: 0.01, 3: 0.99}, -0.2), 28: ({1: 0.93, 2: 0.065, 3: 0.005}, 0.2),
    29: ({1: 0.23, 3: 0.77}, 0.0), 30: ({2: 0.96, 3: 0.04}, 0.6), 31: ({1: 0.007,
        3: 0.993}, -0.2), 33: ({1: 0.098, 3: 0.902}, -0.4), 34: ({1: 0.155, 3: 0.845},
        0.0), 35: ({1: 0.998, 2: 0.001, 3: 0.001}, 0.0), 36: ({1: 0.05, 2: 0.72,
        3: 0.23}, 0.0), 37: ({1: 0.062, 2: 0.938}, 0.0), 38: ({1: 0.995, 2: 0.005},
        0.3), 39: ({1: 0.085, 3: 0.915}, -0.6), 40: ({1: 0.016, 3: 0.984}, -0.3),
    41: ({1: 0.68, 3: 0.32}, 0.0),
}  # fmt: skip
# three columns about one and the same visit to a doctor
_VISIT = {25: 0.95, 26: -0.95, 36: 0.9}
_KEYWORD_SHARES = (
    4.2, 0.9, 4.9, 1.5, 0.9, 1.3, 1.4, 1.0, 0.7, 3.7, 5.8, 1.0, 0.6, 0.8, 19.1, 1.3,
    0.9, 0.8, 0.9, 0.8, 1.5, 3.7, 9.8, 1.9, 8.9, 1.4, 1.2, 1.5, 1.2, 2.5, 1.1, 2.1, 2.3,
    2.1, 0.7, 1.1, 6.7, 0.7, 1.4, 5.8, 1.0, 4.6, 1.1, 0.7, 1.4, 0.8, 2.0, 5.4,
)  # fmt: skip

# The causal graph: what each column listens to. Columns that are not listed have no
# cause and no effect.
CAUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Employment_Info_1", "Employment_Info_6"), ("wealth", "group")),
    **dict.fromkeys(
        ("Employment_Info_2", "InsuredInfo_3", "Product_Info_3"), ("group",)
    ),
    **dict.fromkeys(
        ("Employment_Info_3", "Employment_Info_5", "Employment_Info_4"), ("wealth",)
    ),
    **dict.fromkeys(("Product_Info_2", "Product_Info_4"), ("wealth",)),
    "Ins_Age": ("age",),
    "Wt": ("Ht", "build"),
    "BMI": ("Ht", "Wt"),
    **dict.fromkeys(
        (f"Insurance_History_{i}" for i in (1, 2, 3, 4, 7, 8, 9)), ("bought",)
    ),
    **dict.fromkeys((f"Family_Hist_{i}" for i in range(1, 6)), ("age",)),
    **{
        f"Medical_History_{i}": ("illness",)
        for i, (_, moves) in _MEDICAL.items()
        if moves
    },
    **dict.fromkeys((f"Medical_History_{i}" for i in (10, 15, 24, 32)), ("illness",)),
    **dict.fromkeys((f"Medical_History_{i}" for i in _VISIT), ("visit",)),
    **dict.fromkeys((f"Medical_Keyword_{i}" for i in range(1, 49)), ("illness",)),
    "illness": ("age",),
    "build": ("age",),
}
PROXIES = tuple(name for name, causes in CAUSES.items() if "group" in causes)


def _overweight(table: pd.DataFrame) -> pd.Series[float]:
    return (table["BMI"] - 0.45).clip(lower=0)


# What the underwriter adds up: the columns a term looks at, and its points as a
# function of the table.
TERMS: dict[str, tuple[tuple[str, ...], Callable[[pd.DataFrame], pd.Series[float]]]] = {
    "overweight": (("BMI",), lambda t: -5.0 * _overweight(t)),
    "overweight at a higher age": (
        ("BMI", "Ins_Age"),
        lambda t: -10.0 * _overweight(t) * (t["Ins_Age"] - 0.4),
    ),
    "age": (("Ins_Age",), lambda t: -0.8 * t["Ins_Age"]),
    "finding 4": (
        ("Medical_History_4",),
        lambda t: 0.8 * (t["Medical_History_4"] == 2),
    ),
    "finding 23": (
        ("Medical_History_23",),
        lambda t: 0.7 * (t["Medical_History_23"] == 3),
    ),
    "recent treatment": (
        ("Medical_History_15",),
        lambda t: (t["Medical_History_15"] / 240 - 1).fillna(0) * 0.9,
    ),
    "sum insured": (("Product_Info_4",), lambda t: 0.8 * t["Product_Info_4"]),
    "product": (
        ("Product_Info_2",),
        lambda t: 0.3 * t["Product_Info_2"].isin(["D3", "D4"]),
    ),
    "keyword 3": (("Medical_Keyword_3",), lambda t: -1.0 * t["Medical_Keyword_3"]),
    "keyword 15": (("Medical_Keyword_15",), lambda t: -0.5 * t["Medical_Keyword_15"]),
    "finding 30": (
        ("Medical_History_30",),
        lambda t: -1.0 * (t["Medical_History_30"] == 3),
    ),
    "finding 39": (
        ("Medical_History_39",),
        lambda t: -0.5 * (t["Medical_History_39"] == 1),
    ),
    "finding 13": (
        ("Medical_History_13",),
        lambda t: -0.5 * (t["Medical_History_13"] == 1),
    ),
    "status 7": (("InsuredInfo_7",), lambda t: -1.5 * (t["InsuredInfo_7"] == 3)),
}
# What the file does not say: mostly little, but some decisions rest on grounds of their
# own.
NOISE, NOISE_ELSEWHERE, SHARE_ELSEWHERE = 0.1, 3.2, 0.38


@dataclass(frozen=True, eq=False)
class UnderwritingTruth:
    """How the classes of the simulated portfolio came about.

    Attributes
    ----------
    group : ndarray of bool, shape (n,)
        Who belongs to the protected group. No column says so.
    discrimination : float
        Points that the underwriter takes from them.
    points : DataFrame, shape (n, n_terms)
        What each of `TERMS` adds to the score of each row. None of them depends on the
        group.
    noise : ndarray, shape (n,)
        What else entered the score.
    cut_points : ndarray, shape (7,)
        A score above the k-th of them gives a class above k.
    traits : DataFrame, shape (n, 5)
        Age, wealth, illness, build and insurance bought before, in standard deviations.
    """

    group: NDArray[np.bool_]
    discrimination: float
    points: pd.DataFrame
    noise: NDArray[np.float64]
    cut_points: NDArray[np.float64]
    traits: pd.DataFrame

    @property
    def proxies(self) -> tuple[str, ...]:
        """Columns that listen to the group; the underwriter looks at none of them."""
        return PROXIES

    @property
    def merit(self) -> NDArray[np.float64]:
        """Sum of the points, shape (n,): all that a fair underwriter goes by."""
        return self.points.sum(axis=1).to_numpy()

    def responses(self, *, discrimination: float) -> NDArray[np.int64]:
        """Return the classes, shape (n,), that the same applicants would have been
        given by the same cut points.
        """
        check_float("discrimination", discrimination, minimum=0)
        score = self.merit + self.noise - discrimination * self.group
        return 1 + np.searchsorted(self.cut_points, score)

    def importance(self) -> pd.Series[float]:
        """Return, for each of the 126 columns, the standard deviation of the sum of the
        terms that look at it.
        """
        using = {
            name: [term for term, (columns, _) in TERMS.items() if name in columns]
            for name in COLUMNS
        }
        return pd.Series(
            {
                name: float(self.points[terms].sum(axis=1).std(ddof=0))
                for name, terms in using.items()
            }
        )

    def concepts(self) -> pd.DataFrame:
        """Return yes or no for each row and planted concept: what a neuron may be asked
        whether it encodes.
        """
        return pd.DataFrame(
            {
                "protected group": self.group,
                **{name: self.traits[name] > 0.5 for name in self.traits},
            }
        )


def simulate_underwriting(
    n: int = ROWS, *, discrimination: float = 0.5, seed: Seed = 0
) -> Dataset:
    """Draw a portfolio of applications from the causal model of this file.

    Parameters
    ----------
    n : int
        Number of applications, at least 500. Class shares and missing rates are those
        of the full portfolio.
    discrimination : float
        Points taken from the score of everyone in the protected group, at least 0; the
        points of all terms together have a standard deviation of about 1.3. With the
        same seed, portfolios of two sizes of discrimination have the same applicants;
        at 0 the class does not depend on the group.
    seed : int, numpy.random.Generator or None
        The same seed gives the same portfolio.

    Returns
    -------
    Dataset
        As from `load_underwriting`, with an `UnderwritingTruth` as its `truth`.

    Examples
    --------
    >>> portfolio = simulate_underwriting(1000)
    >>> portfolio.target.value_counts().sort_index().tolist()
    [105, 110, 17, 24, 91, 190, 135, 328]
    >>> portfolio.truth.proxies[-1]
    'Product_Info_3'
    """
    n, discrimination = (
        check_int("n", n, minimum=500),
        check_float("discrimination", discrimination, minimum=0),
    )
    rng = check_seed(seed)
    group = rng.random(n) < PROTECTED_SHARE
    traits = _traits(n, rng)
    columns = _columns(group, traits, rng)
    for name, count in MISSING_COUNTS.items():
        propensity = columns.pop(f"{name} is missing", rng.random(n))
        columns[name] = np.where(
            _largest(propensity, round(count * n / ROWS)), np.nan, columns[name]
        )
    table = pd.DataFrame(
        {name: columns[name] for name in COLUMNS},
        index=pd.RangeIndex(1, n + 1, name="Id"),
    )
    points = pd.DataFrame(
        {term: rule(table).to_numpy(float) for term, (_, rule) in TERMS.items()}
    )
    elsewhere = rng.random(n) < SHARE_ELSEWHERE
    noise = rng.normal(size=n) * np.where(elsewhere, NOISE_ELSEWHERE, NOISE)
    ordered = np.sort(points.sum(axis=1).to_numpy() + noise - discrimination * group)
    last = np.round(np.cumsum(CLASS_COUNTS) * n / ROWS).astype(int)[:-1]
    truth = UnderwritingTruth(
        group,
        discrimination,
        points,
        noise,
        (ordered[last - 1] + ordered[last]) / 2,
        pd.DataFrame(traits),
    )
    target = pd.Series(
        truth.responses(discrimination=discrimination),
        index=table.index,
        name=TARGET,
        dtype="int64",
    )
    by_number = seed is not None and not isinstance(seed, np.random.Generator)
    held_out = stratified_split(target, seed=seed if by_number else 0).test
    return Dataset(
        name="underwriting",
        features=table,
        target=target,
        test=np.isin(np.arange(n), held_out),
        source="simulated",
        origin=f"A simulated portfolio of {n:,} applications in the layout of the "
        f"Prudential Life Insurance "
        "Assessment: invented people, drawn from a causal model that is known.",
        citation=f"Simulated after {CITATION}",
        truth=truth,
    )


def _traits(n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Draw what no column holds, in standard deviations; illness and build come with
    age.
    """
    age, wealth, illness, build, bought = rng.normal(size=(5, n))
    illness, build = 0.35 * age + 0.94 * illness, 0.2 * age + 0.98 * build
    return {
        "age": age,
        "wealth": wealth,
        "illness": illness,
        "build": build,
        "bought": bought,
    }


def _columns(
    group: NDArray[np.bool_],
    traits: dict[str, NDArray[np.float64]],
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """Draw every column from its causes, and under "... is missing" who is most likely
    to lack an entry.
    """
    n = len(group)
    age, wealth, illness, build, bought = traits.values()

    def listen(loading: float, trait: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mix a trait with noise such that the variance stays 1."""
        return loading * trait + math.sqrt(1 - loading**2) * rng.normal(size=n)

    def squash(
        z: NDArray[np.float64], middle: float, spread: float
    ) -> NDArray[np.float64]:
        return np.clip(middle + spread * z, 0, 1)

    poorer = wealth - 0.7 * group
    visit = rng.normal(size=n)
    products = np.array(list(_PRODUCTS.values()))
    years = np.round(67 * np.clip(0.4 + 0.2 * age, 0, 1))
    height, kilos = rng.normal(171, 10, n), np.empty(n)
    bmi = np.clip(28 + 5.2 * build + 0.9 * np.clip(build, 0, None) ** 2 - 0.4, 14, 55)
    kilos = bmi * (height / 100) ** 2
    out: dict[str, NDArray[Any]] = {
        "Product_Info_1": _codes(rng.normal(size=n), {1: 0.974, 2: 0.026}),
        "Product_Info_2": np.array(list(_PRODUCTS), dtype=object)[
            _codes(listen(0.3, wealth), dict(enumerate(products / products.sum())))
        ],
        "Product_Info_3": _codes(
            rng.normal(size=n) + 0.8 * group,
            {10: 0.11, 15: 0.02, 26: 0.73, 29: 0.09, 37: 0.05},
        ),
        "Product_Info_4": np.round(squash(listen(0.4, wealth), 0.33, 0.29), 3),
        "Product_Info_5": _codes(rng.normal(size=n), {2: 0.993, 3: 0.007}),
        "Product_Info_6": _codes(rng.normal(size=n), {1: 0.163, 3: 0.837}),
        "Product_Info_7": _codes(rng.normal(size=n), {1: 0.978, 2: 0.001, 3: 0.021}),
        "Ins_Age": years / 67,
        "Ht": squash((height - 171) / 10, 0.707, 0.074),
        "Wt": np.clip((kilos - 16) / 225, 0, 1),
        "BMI": np.clip((bmi - 7) / 45, 0, 1),
        "Employment_Info_1": np.clip(0.06 * np.exp(0.6 * listen(0.7, poorer)), 0, 1),
        "Employment_Info_2": _codes(
            rng.normal(size=n) + 0.9 * group,
            {
                1: 0.09,
                3: 0.09,
                9: 0.43,
                11: 0.07,
                12: 0.17,
                14: 0.11,
                15: 0.02,
                32: 0.02,
            },
        ),
        "Employment_Info_3": _codes(listen(-0.6, wealth), {1: 0.85, 3: 0.15}),
        "Employment_Info_4": np.clip(0.006 * np.exp(listen(0.5, wealth)), 0, 1),
        "Employment_Info_5": _codes(listen(-0.4, wealth), {2: 0.86, 3: 0.14}),
        "Employment_Info_6": squash(listen(0.6, poorer), 0.4, 0.33),
        "Employment_Info_4 is missing": listen(-0.3, wealth),
        "Employment_Info_6 is missing": listen(-0.3, wealth),
        "InsuredInfo_1": _codes(rng.normal(size=n), {1: 0.80, 2: 0.193, 3: 0.007}),
        "InsuredInfo_2": _codes(rng.normal(size=n), {2: 0.993, 3: 0.007}),
        "InsuredInfo_3": _codes(
            rng.normal(size=n) + 0.9 * group,
            {1: 0.06, 2: 0.09, 3: 0.24, 4: 0.08, 6: 0.17, 7: 0.06, 8: 0.24, 11: 0.06},
        ),
        "InsuredInfo_4": _codes(rng.normal(size=n), {2: 0.116, 3: 0.884}),
        "InsuredInfo_5": _codes(rng.normal(size=n), {1: 0.986, 3: 0.014}),
        "InsuredInfo_6": _codes(rng.normal(size=n), {1: 0.59, 2: 0.41}),
        "InsuredInfo_7": _codes(rng.normal(size=n), {1: 0.96, 3: 0.04}),
        "Insurance_History_1": _codes(listen(0.5, bought), {1: 0.27, 2: 0.73}),
        "Insurance_History_2": _codes(listen(0.3, bought), {1: 0.97, 3: 0.03}),
        "Insurance_History_3": _codes(listen(-0.95, bought), {1: 0.43, 3: 0.57}),
        "Insurance_History_4": _codes(
            listen(0.95, bought), {1: 0.45, 2: 0.14, 3: 0.41}
        ),
        "Insurance_History_5": np.clip(0.0015 * np.exp(listen(0.3, wealth)), 0, 1),
        "Insurance_History_7": _codes(
            listen(0.95, bought), {1: 0.54, 2: 0.02, 3: 0.44}
        ),
        "Insurance_History_8": _codes(
            listen(-0.8, bought), {1: 0.28, 2: 0.39, 3: 0.33}
        ),
        "Insurance_History_9": _codes(listen(0.8, bought), {1: 0.02, 2: 0.55, 3: 0.43}),
        "Insurance_History_5 is missing": listen(-0.97, bought),
        "Family_Hist_1": _codes(listen(0.3, age), {1: 0.02, 2: 0.27, 3: 0.71}),
        "Medical_History_1": np.round(np.clip(240 * rng.random(n) ** 18, 0, 240)),
        "Medical_History_2": rng.integers(1, 649, n),
    }
    for i, (middle, spread, loading) in enumerate(
        ((0.47, 0.15, 0.8), (0.50, 0.14, 0.7), (0.44, 0.16, 0.8), (0.48, 0.13, 0.7)),
        start=2,
    ):
        out[f"Family_Hist_{i}"] = squash(listen(loading, age), middle, spread)
    mother, father = (
        listen(0.6, age),
        listen(0.6, age),
    )  # above a limit a parent has died, and the other column is filled
    for i, propensity in enumerate((mother, -mother, father, -father), start=2):
        out[f"Family_Hist_{i} is missing"] = propensity
    for i in (10, 15, 24, 32):  # months since an event, which the healthy never had
        out[f"Medical_History_{i}"] = np.round(240 * rng.random(n))
        out[f"Medical_History_{i} is missing"] = listen(-0.7, illness)
    for i, (shares, loading) in _MEDICAL.items():
        out[f"Medical_History_{i}"] = _codes(
            listen(_VISIT.get(i, loading), visit if i in _VISIT else illness), shares
        )
    for i, per_cent in enumerate(_KEYWORD_SHARES, start=1):
        out[f"Medical_Keyword_{i}"] = _codes(
            listen(0.5, illness), {0: 1 - per_cent / 100, 1: per_cent / 100}
        )
    return out


def _codes(
    propensity: NDArray[np.float64], shares: dict[int, float]
) -> NDArray[np.int64]:
    """Cut a propensity where its quantiles leave each code the share of the rows it
    should have.
    """
    limits = np.quantile(propensity, np.cumsum(list(shares.values()))[:-1])
    return np.asarray(np.array(list(shares))[np.searchsorted(limits, propensity)])


def _largest(values: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Mark the `count` largest values."""
    mark = np.zeros(len(values), bool)
    mark[np.argsort(values, kind="stable")[len(values) - count :]] = True
    return mark
