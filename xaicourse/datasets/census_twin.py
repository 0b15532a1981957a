"""A simulated twin of the census table: invented people, drawn from a causal model that
is known.

The file reads from top to bottom as the model does. `CAUSES` is the causal graph. Each
column is then drawn from its direct causes by a table of percentages, all of them
rounded aggregate facts of UCI Adult. Last, `log_odds` decides who earns more than
50,000 dollars a year; its coefficients are rounded estimates from UCI Adult too.
Whatever an explanation says about a model trained on the twin can therefore be held
against the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from xaicourse.datasets.base import Dataset
from xaicourse.validation import (
    Seed,
    as_floats,
    check_float,
    check_int,
    check_seed,
    check_type,
)

TARGET = "income_over_50k"
CITATION = (
    "Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C5XW20"
)

_POWER = (
    "age", "education_num", "marital_status", "relationship", "workclass", "occupation",
    "hours_per_week", "race", "native_country",
)  # fmt: skip

# The causal graph: each column and its direct causes, in the order of the published
# file.
CAUSES: dict[str, tuple[str, ...]] = {
    "age": ("sex",),
    "workclass": ("age", "sex", "occupation"),
    "fnlwgt": (),
    "education": ("education_num",),  # the same fact, spelled out
    "education_num": ("age", "sex", "race", "native_country"),
    "marital_status": ("age", "sex", "race"),
    "occupation": ("age", "sex", "education_num"),
    "relationship": ("age", "sex", "marital_status"),
    "race": ("sex",),
    "sex": (),
    "capital_gain": _POWER,
    "capital_loss": (*_POWER, "capital_gain"),
    "hours_per_week": (
        "age",
        "sex",
        "marital_status",
        "relationship",
        "occupation",
        "workclass",
    ),
    "native_country": ("race",),
    TARGET: (*_POWER, "sex", "capital_gain", "capital_loss"),
}
COLUMNS = [name for name in CAUSES if name != TARGET]


class _Table:
    """Percentages: one row an outcome, one column a condition, rescaled to sum to one.

    A wide table comes in blocks of columns.
    """

    def __init__(self, *blocks: str) -> None:
        lines = [[line.split() for line in b.strip().splitlines()[1:]] for b in blocks]
        self.outcomes = np.array([row[0] for row in lines[0]], dtype=object)
        weights = np.hstack([np.array(rows)[:, 1:].astype(float) for rows in lines]).T
        self.totals = weights.sum(axis=1)
        self.shares = weights / self.totals[:, None]


MEN = 0.668  # share of the rows

# Age in years by sex, in per cent: the first age of each band, and ages are uniform
# within a band; 90 is the last.
AGE = _Table("""
       men  women
17      5.7   10.9
21      8.5   12.6
25      9.5   10.9
29     13.5   12.4
34     14.2   11.8
39     17.4   14.7
46     18.0   14.9
56      6.8    5.5
62      2.9    2.6
66      1.9    1.9
71      1.0    1.1
76      0.8    0.7
""")

RACE = _Table("""
                     men  women
Amer-Indian-Eskimo   0.9    1.1
Asian-Pac-Islander   3.1    3.2
Black                7.3   14.3
Other                0.8    1.0
White               88.0   80.5
""")

# Region of birth by race, in the order above; "?" is an unknown one.
REGION = _Table("""
                native  asian  black  other  white
?                  0.0    8.4    2.8    5.9    1.4
Latin-America      2.8    0.3    1.0   40.1    3.9
Caribbean          0.0    0.5    4.2    1.0    0.0
Asia               0.9   61.6    0.3    4.9    0.3
Europe-Canada      0.2    1.0    0.6    1.5    2.2
United-States     96.1   28.2   91.1   46.6   92.2
""")

# Country within its region, per thousand, in the spellings of the census.
COUNTRIES = {
    "Latin-America": {"Mexico": 510, "Puerto-Rico": 99, "El-Salvador": 83, "Cuba": 74,
        "Dominican-Republic": 55, "Guatemala": 47, "Columbia": 46, "Nicaragua": 26,
        "Peru": 25, "Ecuador": 24, "Honduras": 11},
    "Caribbean": {"Jamaica": 459, "Haiti": 324, "Trinadad&Tobago": 117,
        "Outlying-US(Guam-USVI-etc)": 100},
    "Asia": {"Philippines": 269, "India": 138, "China": 111, "South": 105, "Japan": 84,
        "Vietnam": 78, "Taiwan": 59, "Iran": 54, "Hong": 28, "Thailand": 27,
        "Cambodia": 26, "Laos": 21},
    "Europe-Canada": {"Germany": 214, "Canada": 189, "England": 132, "Italy": 109,
        "Poland": 90, "Portugal": 70, "Greece": 51, "France": 40, "Ireland": 38,
        "Yugoslavia": 24, "Scotland": 22, "Hungary": 20, "Holand-Netherlands": 1},
}  # fmt: skip

# Education, lowest first: the place in this list is education_num. Columns: anyone
# under 21 and under 25; men from 25, 45 and 65 years; women likewise; black men and
# women; people born in Latin America; people born elsewhere abroad.
EDUCATION = _Table("""
             <21 <25 m25 m45 m65 w25 w45 w65  bm  bw latin abroad
Preschool     .1  .1   0  .1  .1  .1   0  .2  .2  .1   2.4     .4
1st-4th        0  .1   0  .3  .2   0  .2  .5  .6  .5     8    1.2
5th-6th       .1  .1  .1  .7 2.3  .1  .4  .7 1.2  .3    15    2.3
7th-8th       .6  .7  .9 3.0   9  .6 2.0   7 2.5 2.1     7    2.7
9th          1.8  .9 1.0 1.6 2.4  .7 1.5 2.3 2.8 1.8     7    1.5
10th           8 2.0 1.9 2.9 4.4 1.8 2.5 3.8 4.1 3.8   4.1    1.6
11th          17 2.8 2.5 2.2 3.9 1.8 2.3 2.3 4.8   5   4.8    1.6
12th           6 1.2  .9  .8  .8  .5  .6  .5 2.0 1.4   2.7    1.4
HS-grad       28  31  35  32  30  30  38  44  39  38    24     25
Some-college  37  38  20  18  15  23  22  18  20  23    13     14
Assoc-voc     .5 3.8   5 3.9 2.2   6 4.1   6 3.4 4.5   1.9    3.6
Assoc-acdm    .5 3.7 3.9 2.6 1.2   5 3.1 2.3 2.9 4.5   1.3    3.3
Bachelors     .1  16  21  17  15  22  13   7  12  11     6     25
Masters       .1  .7   5   9   5   7   9 4.9 3.5 3.3   1.8     10
Prof-school    0   0 2.2 3.0 4.7 1.4  .8  .2  .6  .4    .8    3.5
Doctorate      0   0 1.0 2.5 2.8  .8 1.5  .9  .3  .3    .3    3.9
""")

# Marital status by sex and age, from the years in the header; black people are married
# half as often.
MARITAL = _Table(
    """
                      m17 m21 m25 m29 m34 m39 m46 m56 m66
Married-civ-spouse      3  18  39  59  69  73  79  83  79
Never-married          96  79  54  30  18  11   6   4   5
Divorced               .2 1.6   4   8  10  12  11   9   4
Separated              .2 1.0   2   2   2   2 1.7 1.4  .8
Widowed                .1  .1  .1  .1  .2  .3  .9   2  10
Married-spouse-absent  .3  .5  .7 1.3 1.0 1.1 1.3  .9 1.2
Married-AF-spouse       0   0  .1  .1   0   0   0   0   0
""",
    """
                      w17 w21 w25 w29 w34 w39 w46 w56 w66
Married-civ-spouse    1.7   7  14  20  22  21  20  16   7
Never-married          96  85  67  47  32  22  14  10   9
Divorced               .9   4  12  23  33  42  44  35  18
Separated              .6   2   4   8   8   8   9   5 1.7
Widowed                 0  .1  .3  .9   2   4  12  32  62
Married-spouse-absent  .5 1.3   2 1.7   3   2   3 1.9 1.7
Married-AF-spouse      .2  .1  .2  .3  .2  .1   0  .1  .2
""",
)
BLACK_MARRIED = 0.5

# Place in the household: married men and women; never married, by sex and from the ages
# in the header; once married ("o"), by sex, under and from 40 years.
RELATIONSHIP = _Table("""
                 Mm   Mw Nm17 Nm21 Nm25 Nm30 Nw17 Nw21 Nw25 Nw30   Om Om40   Ow Ow40
Husband        99.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0
Wife            0.0 92.9  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0  0.0
Not-in-family   0.1  0.3 12.6 35.0 54.2 68.7 15.3 35.8 53.1 58.9 63.5 71.0 31.7 50.3
Own-child       0.4  2.9 78.5 53.7 31.8 19.8 76.0 51.1 28.7 15.8 15.0  4.9 10.2  2.7
Unmarried       0.0  0.0  1.6  5.0  6.3  6.6  3.1  8.1 13.8 20.6 17.3 20.7 55.1 43.0
Other-relative  0.5  3.8  7.3  6.3  7.7  4.9  5.5  5.0  4.4  4.8  4.3  3.4  3.1  4.0
""")

# Share with no occupation ("?", in workclass too), men and women, from 17, 21, 25, 46,
# 56, 62 and 66 years.
IDLE = np.array(
    [
        [0.17, 0.07, 0.016, 0.024, 0.06, 0.18, 0.25],
        [0.18, 0.10, 0.048, 0.039, 0.08, 0.13, 0.24],
    ]
)
NEVER_WORKED = 0.01  # share of the idle under 25 whose workclass says so

# Occupation by sex and education: no diploma, high school, some college, associate,
# bachelor, higher.
OCCUPATION = _Table("""
                  m-no m-HS m-col m-as m-BA m-MA w-no w-HS w-col w-as w-BA w-MA
Adm-clerical       2.5  5.8   8.9  7.2  6.5  2.5  9.6 30.7  34.6 30.4 17.5  4.8
Armed-Forces       0.0  0.0   0.1  0.0  0.0  0.1  0.0  0.0   0.0  0.0  0.0  0.0
Craft-repair      24.1 26.8  19.0 22.9  5.8  1.5  2.7  3.4   1.7  2.4  0.8  0.4
Exec-managerial    3.2  7.9  13.5 13.6 28.3 24.9  2.7  8.1  11.7 13.4 21.1 19.3
Farming-fishing    9.7  5.4   3.6  4.7  1.9  0.7  1.5  0.5   0.8  0.5  0.3  0.1
Handlers-cleaners 12.6  7.9   5.7  3.1  1.3  0.2  3.3  2.9   1.1  0.7  0.3  0.0
Machine-op-inspct 12.3 11.1   5.9  5.4  1.5  0.3 14.0  8.4   3.2  2.0  0.8  0.4
Other-service     14.7  8.2   8.2  5.4  2.5  0.7 37.6 23.3  17.4 11.7  5.1  2.3
Priv-house-serv    0.2  0.0   0.0  0.0  0.0  0.0  5.6  1.9   0.7  0.5  0.4  0.2
Prof-specialty     1.2  2.0   6.1  9.2 25.5 58.8  2.1  3.0   6.7 19.2 36.2 66.6
Protective-serv    1.2  2.9   4.3  4.8  2.3  0.7  0.9  0.7   1.1  0.7  1.0  0.1
Sales              5.6  9.2  14.8 11.7 18.5  6.9 18.0 13.4  15.3  8.7 11.4  4.2
Tech-support       0.3  1.6   3.8  8.0  4.2  2.1  0.9  2.2   5.0  9.2  4.9  1.7
Transport-moving  12.3 11.2   6.1  3.8  1.6  0.7  1.2  1.5   0.7  0.5  0.2  0.0
""")

# Employer by occupation, in the order above; self-employment rises with age, and faster
# for men.
WORKCLASS = _Table("""
                  Adm  Arm  Cra  Exe  Far  Han  Mac  Oth  Pri  Prf  Prt  Sal  Tec  Tra
Federal-gov         9  100    2    4    1    2    1    1    0    4    5    0    7    2
Local-gov           8    0    3    5    3    3    1    6    0   17   46    0    4    7
Private            75    0   78   66   45   93   95   82  100   55   30   81   80   80
Self-emp-inc        1    0    3   10    6    0    1    1    0    4    1    8    1    2
Self-emp-not-inc    1    0   13   10   43    1    2    6    0    9    1   11    3    8
State-gov           7    0    2    5    2    1    1    4    0   10   18    0    6    3
Without-pay       0.1    0    0    0  0.6    0    0    0    0    0    0    0    0    0
""")
# What multiplies both shares of self-employment, for each year of age.
SELF_EMPLOYED_PER_YEAR = {"Male": 1.1 / 40, "Female": 0.6 / 40}

# Hours a week: the shares of the values, per thousand. A normal score, moved by the
# effects below (in its standard deviations), says where in this ranking a person
# stands; hence the spike at 40 for everyone.
HOURS = {
    4: 6, 6: 4, 8: 6, 10: 10, 12: 6, 15: 14, 16: 6, 18: 4, 20: 39, 24: 9, 25: 20, 28: 4,
    30: 35, 32: 9, 35: 42, 36: 7, 37: 5, 38: 16, 40: 467, 42: 8, 43: 5, 44: 6, 45: 57,
    46: 3, 47: 2, 48: 16, 50: 88, 52: 5, 55: 23, 56: 4, 60: 46, 65: 8, 70: 9, 72: 2,
    75: 2, 80: 5, 84: 2, 90: 1, 99: 3,
}  # fmt: skip
HOURS_NOISE = 0.84
HOURS_BY_AGE = (
    (17, -1.3),
    (20, -0.6),
    (24, -0.2),
    (30, 0.0),
    (55, -0.1),
    (62, -0.3),
    (68, -1.1),
    (90, -1.2),
)
HOURS_EFFECTS = {
    "sex": {"Male": 0.25},
    "marital_status": {"Married-civ-spouse": 0.15},
    "relationship": {"Wife": -0.35},
    "workclass": {"Self-emp-inc": 0.45, "Self-emp-not-inc": 0.15},
    "occupation": {"?": -0.3, "Adm-clerical": -0.1, "Exec-managerial": 0.2,
        "Farming-fishing": 0.3, "Sales": 0.05, "Handlers-cleaners": -0.15,
        "Other-service": -0.3, "Priv-house-serv": -0.2, "Tech-support": -0.1,
        "Transport-moving": 0.15},
}  # fmt: skip

# Who has capital gains or losses: per cent of those certain to earn much and of those
# certain not to; the others lie between, by `_power`. Nobody has both.
MONEY = _Table("""
            much  little
none          70    92.0
large-gain    19     0.0
small-gain     0     5.0
good-loss     11     0.0
bad-loss       0     3.0
""")
# The amounts in dollars, and how many rows of UCI Adult have each.
AMOUNTS = {
    "large-gain": {5178: 146, 7298: 364, 7688: 410, 8614: 82, 10520: 64, 13550: 42,
        14084: 49, 15024: 513, 20051: 49, 27828: 58, 99999: 244},
    "small-gain": {594: 52, 1055: 37, 2174: 74, 2829: 42, 3103: 60, 3137: 51, 3325: 81,
        3908: 42, 4064: 54, 4650: 63, 5013: 117},
    "good-loss": {1848: 67, 1887: 233, 1902: 304, 1977: 253, 2415: 72},
    "bad-loss": {1408: 35, 1590: 62, 1602: 62, 1672: 50, 1719: 38, 1740: 58, 2001: 35,
        2002: 33, 2051: 29},
}  # fmt: skip

# The log-odds of earning more than 50,000 dollars. Steps: the effect from each amount
# on (the loss steps go up and down, as in the census). Curves: straight between the
# points.
SEX_EFFECT = 0.9  # men against women, everything else equal
INTERCEPT = -3.45
STEPS = {
    "capital_gain": ((0, 0.0), (1, -2.5), (5100, 6.0)),
    "capital_loss": ((0, 0.0), (1, -3.0), (1820, 4.0), (1980, -3.0), (2230, 4.0)),
}
CURVES = {
    "age": (
        (17, -4.5),
        (22, -2.5),
        (27, -1.2),
        (32, -0.5),
        (40, 0.0),
        (50, 0.3),
        (58, 0.2),
        (65, -0.2),
        (90, -1.0),
    ),
    "education_num": (
        (1, -1.9),
        (8, -0.5),
        (9, 0.0),
        (10, 0.4),
        (12, 0.6),
        (13, 1.2),
        (14, 1.6),
        (15, 2.5),
        (16, 2.5),
    ),
    "hours_per_week": (
        (1, -1.1),
        (20, -1.1),
        (35, -0.4),
        (40, 0.0),
        (50, 0.6),
        (60, 0.5),
        (99, 0.3),
    ),
}
EFFECTS = {
    "marital_status": {"Married-civ-spouse": 2.5, "Married-AF-spouse": 2.5,
        "Widowed": 0.6},
    "relationship": {"Husband": -0.7, "Wife": 0.8, "Own-child": -1.0, "Unmarried": -0.5,
        "Other-relative": -1.0},
    "workclass": {"Federal-gov": 0.5, "Self-emp-inc": 0.4, "Self-emp-not-inc": -0.4,
        "Local-gov": -0.2, "State-gov": -0.4, "Without-pay": -3.0,
        "Never-worked": -1.0},
    "occupation": {"?": -0.5, "Exec-managerial": 1.0, "Farming-fishing": -0.9,
        "Handlers-cleaners": -0.8, "Machine-op-inspct": -0.5, "Other-service": -1.0,
        "Priv-house-serv": -2.0, "Prof-specialty": 0.6, "Protective-serv": 0.7,
        "Sales": 0.3, "Tech-support": 0.6, "Transport-moving": -0.2,
        "Armed-Forces": -0.9},
    "race": {"Amer-Indian-Eskimo": -0.5, "Asian-Pac-Islander": -0.2, "Black": -0.2,
        "Other": -0.5},
    "native_country": dict.fromkeys(COUNTRIES["Latin-America"], -0.6),
}  # fmt: skip

CATEGORIES: dict[str, list[str]] = {
    "workclass": sorted([*WORKCLASS.outcomes, "Never-worked", "?"]),
    "education": sorted(EDUCATION.outcomes),
    "marital_status": sorted(MARITAL.outcomes),
    "occupation": sorted([*OCCUPATION.outcomes, "?"]),
    "relationship": sorted(RELATIONSHIP.outcomes),
    "race": sorted(RACE.outcomes),
    "sex": ["Female", "Male"],
    "native_country": sorted(
        [
            "United-States",
            "?",
            *(name for names in COUNTRIES.values() for name in names),
        ]
    ),
}


@dataclass(frozen=True, eq=False)
class CensusTruth:
    """How the target of the simulated census came about.

    Attributes
    ----------
    sex_effect : float
        Direct effect of being a man on the log-odds, everything else equal.
    probabilities : numpy.ndarray
        True probability of the target for each row of the data set, shape (rows,).
    """

    sex_effect: float
    probabilities: np.ndarray

    def log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Return the true log-odds of earning more than 50,000 dollars, shape (rows,),
        for any rows.

        Columns outside `CAUSES["income_over_50k"]` change nothing (`education` does
        not, `education_num` does).

        Raises
        ------
        ValueError
            A column is absent, holds an unknown category, or a number that is not
            finite.
        """
        return _log_odds(features, self.sex_effect)


def simulate_census(
    n_train: int = 32_561,
    n_test: int = 16_281,
    seed: Seed = 0,
    *,
    sex_effect: float = SEX_EFFECT,
) -> Dataset:
    r"""Draw a census table from the known causal model of this file.

    The target is 1 with probability :math:`1 / (1 + e^{-\eta})`, where :math:`\eta`
    adds up an intercept, curves of age, education and hours, steps of capital gain and
    loss, effects of the categories, and `sex_effect` for men. Sex also acts through
    other columns (marital status, occupation, hours), which `sex_effect` leaves as they
    are.

    Parameters
    ----------
    n_train, n_test : int
        Number of training and of test rows.
    seed : int, numpy.random.Generator or None
        Seed; the same seed gives the same rows. The features do not depend on
        `sex_effect`.
    sex_effect : float
        Direct effect of being a man on the log-odds of the target; 0 removes it.

    Returns
    -------
    Dataset
        With a `CensusTruth` as its `truth`.

    Raises
    ------
    TypeError, ValueError
        A number of rows is no positive integer, `sex_effect` is not finite, or `seed`
        is no seed.

    References
    ----------
    Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository.

    Examples
    --------
    >>> twin = simulate_census()
    >>> twin.features.loc[1, ["age", "occupation", "education_num"]].to_dict()
    {'age': 22, 'occupation': 'Prof-specialty', 'education_num': 13}
    >>> twin.truth.probabilities[:3].round(4)
    array([0.0022, 0.19  , 0.0794])
    >>> woman = twin.features.head(1).assign(sex="Female")
    >>> man = woman.assign(sex="Male")
    >>> (twin.truth.log_odds(man) - twin.truth.log_odds(woman)).round(6)
    array([0.9])
    """
    n = check_int("n_train", n_train) + check_int("n_test", n_test)
    sex_effect, rng = check_float("sex_effect", sex_effect), check_seed(seed)

    man = rng.random(n) < MEN
    woman = 1 - man  # 0 and 1: the column of a table, or half of its columns
    starts = np.append(AGE.outcomes.astype(int), 91)
    band = _choose(rng, AGE.shares[woman])
    age = rng.integers(starts[band], starts[band + 1])
    race = _choose(rng, RACE.shares[woman])
    region = REGION.outcomes[_choose(rng, REGION.shares[race])]
    country = region.copy()
    for name, countries in COUNTRIES.items():
        country[region == name] = _amounts(rng, int((region == name).sum()), countries)

    black, latin = RACE.outcomes[race] == "Black", region == "Latin-America"
    abroad = ~latin & (region != "United-States")
    columns = [latin, age < 21, age < 25, abroad, black]
    grown = 2 + 3 * woman + _band(age, 45, 65)
    level = _choose(
        rng, EDUCATION.shares[np.select(columns, [10, 0, 1, 11, 8 + woman], grown)]
    )
    rarer = np.where(MARITAL.outcomes == "Married-civ-spouse", BLACK_MARRIED, 1.0)
    by_age = MARITAL.shares[9 * woman + _band(age, 21, 25, 29, 34, 39, 46, 56, 66)]
    marital = MARITAL.outcomes[
        _choose(rng, by_age * np.where(black[:, None], rarer, 1.0))
    ]
    married, never = (
        np.isin(marital, ["Married-civ-spouse", "Married-AF-spouse"]),
        marital == "Never-married",
    )
    never_column, once_column = (
        2 + 4 * woman + _band(age, 21, 25, 30),
        10 + 2 * woman + (age >= 40),
    )
    place = _choose(
        rng,
        RELATIONSHIP.shares[
            np.select([married, never], [woman, never_column], once_column)
        ],
    )

    idle = rng.random(n) < IDLE[woman, _band(age, 21, 25, 46, 56, 62, 66)]
    job = _choose(
        rng, OCCUPATION.shares[6 * woman + _band(level + 1, 9, 10, 11, 13, 14)]
    )
    own = np.char.startswith(WORKCLASS.outcomes.astype(str), "Self-emp")
    more = age * np.where(
        man, SELF_EMPLOYED_PER_YEAR["Male"], SELF_EMPLOYED_PER_YEAR["Female"]
    )
    employer = WORKCLASS.outcomes[
        _choose(rng, WORKCLASS.shares[job] * np.where(own, more[:, None], 1.0))
    ]
    no_employer = np.where(
        (age < 25) & (rng.random(n) < NEVER_WORKED), "Never-worked", "?"
    )

    people = pd.DataFrame(
        {
            "age": age,
            "workclass": np.where(idle, no_employer, employer),
            "fnlwgt": _weights(rng, n),
            "education": EDUCATION.outcomes[level],
            "education_num": level + 1,
            "marital_status": marital,
            "occupation": np.where(idle, "?", OCCUPATION.outcomes[job]),
            "relationship": RELATIONSHIP.outcomes[place],
            "race": RACE.outcomes[race],
            "sex": np.where(man, "Male", "Female"),
            "capital_gain": 0,
            "capital_loss": 0,
            "hours_per_week": 0,
            "native_country": country,
        }
    ).astype({name: pd.CategoricalDtype(names) for name, names in CATEGORIES.items()})

    score = (
        _curve(people["age"], HOURS_BY_AGE)
        + _effects(people, HOURS_EFFECTS)
        + HOURS_NOISE * rng.standard_normal(n)
    )
    shares = np.cumsum(list(HOURS.values())) / sum(HOURS.values())
    people["hours_per_week"] = np.array(list(HOURS))[
        np.searchsorted(shares[:-1], norm.cdf(score))
    ]

    # the same average effect of sex for everyone: sex is no direct cause of gains and
    # losses, and the features stay as they are when sex_effect changes
    much = expit(_power(people) + SEX_EFFECT * MEN)[:, None]
    kind = MONEY.outcomes[
        _choose(rng, much * MONEY.shares[0] + (1 - much) * MONEY.shares[1])
    ]
    for name, amounts in AMOUNTS.items():
        column = "capital_gain" if name.endswith("gain") else "capital_loss"
        people.loc[kind == name, column] = _amounts(
            rng, int((kind == name).sum()), amounts
        )

    probabilities = expit(_log_odds(people, sex_effect))
    return Dataset(
        name="census",
        features=people,
        target=pd.Series(rng.random(n) < probabilities, name=TARGET).astype("int64"),
        test=np.arange(n) >= n_train,
        source="simulated",
        origin="A simulated twin of UCI Adult: invented people, drawn from a causal "
        "model that is known.",
        citation=f"Simulated after {CITATION}",
        truth=CensusTruth(sex_effect=float(sex_effect), probabilities=probabilities),
    )


def _log_odds(features: pd.DataFrame, sex_effect: float) -> np.ndarray:
    check_type("features", features, pd.DataFrame)
    absent = set(CAUSES[TARGET]) - set(features)
    if absent:
        raise ValueError(f"features: got none of the columns {sorted(absent)}")
    for name in CAUSES[TARGET]:
        if name not in CATEGORIES:
            as_floats(f"features[{name!r}]", features[name])
        elif not features[name].isin(CATEGORIES[name]).all():
            raise ValueError(f"features[{name!r}] must hold only {CATEGORIES[name]}")
    log_odds: np.ndarray = _power(features) + sex_effect * (
        features["sex"] == "Male"
    ).to_numpy(dtype=float)
    for name, points in STEPS.items():
        starts, effects = zip(*points, strict=True)
        band = _band(features[name].to_numpy(dtype=float), *starts[1:])
        log_odds += np.array(effects)[band]
    return log_odds


def _power(people: pd.DataFrame) -> np.ndarray:
    """Log-odds without sex, capital gain and capital loss."""
    power = INTERCEPT + _effects(people, EFFECTS)
    for name, points in CURVES.items():
        power += _curve(people[name], points)
    return power


def _effects(
    people: pd.DataFrame, effects: Mapping[str, Mapping[str, float]]
) -> np.ndarray:
    total = np.zeros(len(people))
    for column, table in effects.items():
        for category, effect in table.items():
            total += effect * (people[column] == category).to_numpy()
    return total


def _curve(values: pd.Series[int], points: Sequence[tuple[float, float]]) -> np.ndarray:
    x, y = zip(*points, strict=True)
    return np.asarray(np.interp(values.to_numpy(dtype=float), x, y))


def _band(values: np.ndarray, *starts: float) -> np.ndarray:
    """Position of the band each value falls in; the first band lies below starts[0]."""
    return np.asarray(np.searchsorted(starts, values, side="right"))


def _choose(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """One position a row, with chances in proportion to the weights of that row."""
    cumulative = np.cumsum(weights, axis=1)
    u = rng.random((len(weights), 1)) * cumulative[:, -1:]
    return np.asarray((u >= cumulative[:, :-1]).sum(axis=1))


def _amounts(
    rng: np.random.Generator, n: int, table: Mapping[str, int] | Mapping[int, int]
) -> np.ndarray:
    weights = np.array(list(table.values()), dtype=float)
    return rng.choice(np.array(list(table)), size=n, p=weights / weights.sum())


def _weights(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw fnlwgt, which causes nothing and is caused by nothing, from its quantiles in
    UCI Adult (thousands).
    """
    levels = (0, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.9995, 1)
    quantiles = (
        12.3, 27.2, 39.6, 65.7, 117.6, 178.1, 237.6, 328.5, 379.5, 509.5, 800, 1490,
    )  # fmt: skip
    return (1000 * np.interp(rng.random(n), levels, quantiles)).astype(np.int64)
