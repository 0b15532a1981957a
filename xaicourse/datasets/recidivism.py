"""COMPAS: who is charged again within two years, and what a score said beforehand
(ProPublica 2016); and a twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.model_selection import train_test_split

from xaicourse.datasets import base
from xaicourse.datasets.base import Dataset, DatasetInfo, RemoteFile
from xaicourse.validation import Seed, check_float, check_int, check_seed

CITATION = (
    "Angwin, J., Larson, J., Mattu, S. and Kirchner, L. (2016). Machine bias. "
    "ProPublica. "
    "https://github.com/propublica/compas-analysis"
)
TARGET = "two_year_recid"
RACES = (
    "African-American",
    "Asian",
    "Caucasian",
    "Hispanic",
    "Native American",
    "Other",
)
_ROWS = 7_214
_ADDRESS = "https://raw.githubusercontent.com/propublica/compas-analysis/master"
_COUNTS = ["juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"]
# What is read; names, dates of birth and case numbers never leave the file.
_READ = [
    "sex",
    "age",
    "race",
    *_COUNTS,
    "days_b_screening_arrest",
    "c_charge_degree",
    "decile_score",
    TARGET,
]


@dataclass(frozen=True)
class _Recidivism(DatasetInfo):
    """ProPublica's table, or, where it lies in its place, the same rows without the
    personal columns.
    """

    reduced: RemoteFile

    def find(self) -> dict[str, Path] | None:
        without = DatasetInfo(
            self.name, self.title, self.rows, (self.reduced,), self.citation, self.terms
        ).find()
        return without or super().find()


RECIDIVISM = _Recidivism(
    name="recidivism",
    title="COMPAS: charged again within two years, Broward County 2013-2014",
    rows=_ROWS,
    files=(
        RemoteFile(
            f"{_ADDRESS}/compas-scores-two-years.csv",
            "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
        ),
    ),
    citation=CITATION,
    terms="no licence is stated; cite ProPublica",
    reduced=RemoteFile(
        "compas-two-years.csv",
        "e27bda78d916fa6ea727416f568704c858cb52ad47db112f2804862faf710d12",
    ),
)
base.register(RECIDIVISM)


@dataclass(frozen=True, eq=False, repr=False)
class RecidivismTruth:
    """Probability of being charged again with which the twin drew each row, and the
    direct effect of race on it.
    """

    probabilities: np.ndarray
    race_effect: float


def load_recidivism(
    source: Literal["auto", "real", "simulated"] = "auto", *, seed: Seed = 0
) -> Dataset:
    """Load the table of ProPublica's study: 7,214 defendants, their COMPAS score, and
    who was charged again.

    Names, dates of birth, case numbers and addresses are
    dropped on reading.

    Parameters
    ----------
    source
        As in `load_census`, whose errors it raises.
    seed : int, numpy.random.Generator or None
        Of the split into training and held-out rows, and of the twin.

    Returns
    -------
    Dataset
        `features`: sex, age (years), race, juv_fel_count, juv_misd_count,
        juv_other_count, priors_count (numbers of earlier charges), c_charge_degree (F
        felony, M misdemeanour), decile_score (COMPAS, 1 to 10), and usual_filter:
        whether the charge is of within 30 days of the screening, as in ProPublica's
        regressions (6,172 rows). `target`: charged again within two years. `test`:
        three tenths of the rows, stratified by race and target.

    References
    ----------
    Angwin, Larson, Mattu, Kirchner: Machine bias. ProPublica, 2016.

    Examples
    --------
    >>> load_recidivism("simulated")
    Dataset('recidivism', 7,214 rows, 10 features, simulated)
    """
    files, rng = RECIDIVISM.choose(source), check_seed(seed)
    if files is None:
        return simulate_recidivism(seed=rng)
    (path,) = files.values()
    table = pd.read_csv(path, usecols=lambda name: name in _READ)
    # an unknown number of days is not
    table["usual_filter"] = table.pop("days_b_screening_arrest").abs() <= 30
    return _dataset(
        table,
        seed=rng,
        source="real",
        origin="The real COMPAS table of ProPublica (Broward County, 2013-2014): 7,214 "
        "people, checksum verified.",
    )


# The twin. Quantiles of age (18 at the least), of African-American and of other
# defendants.
_LEVELS = (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1)
_AGES = (
    (19, 20, 21, 22, 24, 25, 27, 30, 32, 36, 41, 50, 56, 61, 77),
    (19, 20, 21, 23, 25, 28, 31, 34, 38, 44, 49, 55, 59, 66, 90),
)
_RACE_SHARES = (0.512, 0.004, 0.340, 0.088, 0.003, 0.053)
_MEN = (0.824, 0.94, 0.769, 0.838, 0.78, 0.822)
# Coefficients, rounded estimates from the real table, of: one, years under 25 (in
# fives), years from 25 to 60 (in tens), man, African-American, neither African-American
# nor Caucasian, log(1 + priors), log(1 + juvenile charges), felony. Counts are negative
# binomial: the logarithm of their mean, and their dispersion.
_PRIORS = ((0.50, -1.6, 0.10, 0.45, 0.66, -0.10), 1.29)
_JUVENILE = {
    "juv_fel_count": ((-6.0, 0, -1.09, 1.1, 0.66, 0, 1.6), 7.7),
    "juv_misd_count": ((-4.5, 0, -1.84, 0.17, 0.28, 0, 1.71), 2.7),
    "juv_other_count": ((-2.94, 0, -1.62, 0.6, 0, 0, 0.83), 4.3),
}
_FELONY = (-0.07, 1.0, -0.09, 0.14, 0.14, 0, 0.49, -0.21)
# plus normal noise, cut into ten
_SCORE = (0, 0.98, -0.50, -0.10, 0.37, -0.26, 0.75, 0.26, 0.16)
_CUTS = (-0.665, -0.039, 0.366, 0.749, 1.088, 1.432, 1.797, 2.192, 2.783)
_CHARGED_AGAIN = (-0.96, 0.93, -0.25, 0.28, 0, -0.1, 0.68, 0.10, 0.06)  # log-odds
# from 5 on, of African-American and of other people: the score knows more than the
# columns
_PER_DECILE = (0.11, 0.15)


def simulate_recidivism(
    n: int = _ROWS, *, race_effect: float = -0.07, seed: Seed = 0
) -> Dataset:
    """Draw invented defendants from a causal model that is close to the real table.

    Race and sex cause age and earlier charges; these cause the score and, with the
    direct effect `race_effect` of being African-American (log-odds), whether somebody
    is charged again.

    Parameters
    ----------
    n : int
        Number of rows.
    race_effect : float
        Direct effect of race on the target, at a score of 5; the score says less about
        African-American people.
    seed : int, numpy.random.Generator or None
        Of all draws.

    Examples
    --------
    >>> round(float(simulate_recidivism(race_effect=0.0).truth.probabilities.mean()), 1)
    0.4
    """
    n, rng = check_int("n", n, minimum=100), check_seed(seed)
    race_effect = check_float("race_effect", race_effect)
    race = rng.choice(len(RACES), n, p=_RACE_SHARES)
    black, neither = race == 0, (race != 0) & (race != 2)
    man = rng.random(n) < np.array(_MEN)[race]
    level = rng.random(n)
    age = (
        np.where(black, *(np.interp(level, _LEVELS, quantiles) for quantiles in _AGES))
        .round()
        .astype(int)
    )
    causes = [
        np.ones(n),
        np.clip(25 - age, 0, None) / 5,
        (np.clip(age, 25, 60) - 25) / 10,
        man,
        black,
        neither,
    ]
    people: dict[str, np.ndarray] = {
        "priors_count": _count(rng, causes, *_PRIORS).clip(max=38)
    }
    causes.append(np.log1p(people["priors_count"]))
    for name, (weights, dispersion) in _JUVENILE.items():
        people[name] = _count(rng, causes, weights, dispersion).clip(max=20)
    causes.append(np.log1p(sum(people[name] for name in _JUVENILE)))
    felony = rng.random(n) < expit(_sum(causes, _FELONY))
    causes.append(felony)
    decile = 1 + np.searchsorted(_CUTS, _sum(causes, _SCORE) + rng.standard_normal(n))
    probabilities = expit(
        _sum(causes, _CHARGED_AGAIN)
        + race_effect * black
        + np.where(black, *_PER_DECILE) * (decile - 5)
    )
    table = pd.DataFrame(
        {
            "sex": np.where(man, "Male", "Female"),
            "age": age,
            "race": np.array(RACES)[race],
            **{name: people[name] for name in _COUNTS},
            "c_charge_degree": np.where(felony, "F", "M"),
            "decile_score": decile,
            "usual_filter": rng.random(n) < 0.8556,
            TARGET: (rng.random(n) < probabilities).astype(np.int64),
        }
    )
    return _dataset(
        table,
        seed=rng,
        source="simulated",
        origin="A simulated twin of ProPublica's COMPAS table: invented people from a "
        "causal model that is known.",
        truth=RecidivismTruth(probabilities, race_effect),
    )


def _count(
    rng: np.random.Generator,
    causes: list[np.ndarray],
    weights: tuple[float, ...],
    dispersion: float,
) -> np.ndarray:
    """Draw negative binomial counts: Poisson's, whose means vary by a gamma factor."""
    return np.asarray(
        rng.poisson(
            np.exp(_sum(causes, weights))
            * rng.gamma(1 / dispersion, dispersion, len(causes[0]))
        )
    )


def _sum(causes: list[np.ndarray], weights: tuple[float, ...]) -> np.ndarray:
    return np.asarray(sum(w * c for w, c in zip(weights, causes, strict=True)))


def _dataset(
    table: pd.DataFrame,
    *,
    seed: np.random.Generator,
    source: Literal["real", "simulated"],
    origin: str,
    truth: RecidivismTruth | None = None,
) -> Dataset:
    categories = {
        "sex": ["Female", "Male"],
        "race": list(RACES),
        "c_charge_degree": ["F", "M"],
    }
    table = table.astype(
        {name: pd.CategoricalDtype(values) for name, values in categories.items()}
    )
    columns = [
        "sex",
        "age",
        "race",
        *_COUNTS,
        "c_charge_degree",
        "decile_score",
        "usual_filter",
    ]
    three = (
        table["race"]
        .astype(str)
        .where(table["race"].isin(["African-American", "Caucasian"]), "other")
    )
    held_out = train_test_split(
        np.arange(len(table)),
        test_size=0.3,
        random_state=int(seed.integers(2**31)),
        stratify=three + table[TARGET].astype(str),
    )[1]
    return Dataset(
        name=RECIDIVISM.name,
        features=table[columns],
        target=table[TARGET].astype("int64"),
        test=np.isin(np.arange(len(table)), held_out),
        source=source,
        origin=origin,
        citation=CITATION if source == "real" else f"Simulated after {CITATION}",
        truth=truth,
    )
