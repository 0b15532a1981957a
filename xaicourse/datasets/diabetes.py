"""Pima Indians Diabetes: eight measurements of 768 women, and who was found to have
diabetes within five years.

The women are of Pima heritage, at least 21 years old, and lived near Phoenix, Arizona.
The file writes 0 where glucose, blood pressure, skin thickness, insulin or body mass
index was not measured; here such entries are missing (NaN). The twin invents women with
the same columns from a mechanism that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from xaicourse.datasets import base
from xaicourse.datasets.base import Dataset, DatasetInfo, RemoteFile
from xaicourse.validation import Seed, check_int, check_seed

ROWS, TARGET = 768, "diabetes"
# Column, unit, and the share of rows in which it is missing.
COLUMNS = {
    "pregnancies": ("number", 0.0),
    "glucose": ("mg/dl, two hours after a drink of sugar", 0.007),
    "blood_pressure": ("mm Hg, diastolic", 0.046),
    "skin_thickness": ("mm, fold at the upper arm", 0.296),
    "insulin": ("µU/ml, two hours after a drink of sugar", 0.487),
    "bmi": ("kg/m²", 0.014),
    "pedigree": ("score of diabetes among relatives", 0.0),
    "age": ("years", 0.0),
}
CITATION = (
    "Smith, J. W., Everhart, J. E., Dickson, W. C., Knowler, W. C., Johannes, R. S. "
    "(1988). Using the ADAP learning "
    "algorithm to forecast the onset of diabetes mellitus. Proceedings of the "
    "Symposium on Computer Applications and "
    "Medical Care, 261-265."
)

DIABETES = base.register(
    DatasetInfo(
        name="diabetes",
        title="Pima Indians Diabetes: who was found to have diabetes within five years",
        rows=ROWS,
        files=(
            RemoteFile(
                "https://raw.githubusercontent.com/jbrownlee/Datasets/master/pima-indians-diabetes.csv",
                "6bfe5d0f379d17a0e0819b996407e3c09bf80febd4287f2ed212190dfff154af",
            ),
        ),
        citation=CITATION,
        terms="public domain (National Institute of Diabetes and Digestive and Kidney "
        "Diseases)",
    )
)

# Values below which these shares of the measured rows lie: rounded facts of the real
# table.
_LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_QUANTILES = {
    "pregnancies": (-0.5, -0.3, 1.0, 3.0, 6.2, 10.4, 15.0),
    "glucose": (56, 80, 99, 117, 141, 181, 199),
    "blood_pressure": (38, 52, 64, 72, 80, 92, 114),
    "skin_thickness": (7, 13, 22, 29, 36, 46, 63),
    "insulin": (14, 42, 76, 125, 190, 395, 750),
    "bmi": (18.2, 22.2, 27.5, 32.3, 36.6, 44.5, 59.4),
    "pedigree": (0.08, 0.14, 0.24, 0.37, 0.63, 1.13, 2.2),
    "age": (20.6, 21, 24, 29, 41, 58, 75),
}
# Each column's direct causes, and how strongly they pull, on the scale of a standard
# normal.
CAUSES: dict[str, dict[str, float]] = {
    "age": {},
    "pedigree": {},
    "bmi": {"age": 0.10, "pedigree": 0.13},
    "pregnancies": {"age": 0.60},
    "blood_pressure": {"age": 0.34, "bmi": 0.27},
    "skin_thickness": {"bmi": 0.66, "age": 0.12},
    "glucose": {"age": 0.27, "bmi": 0.19, "pedigree": 0.07},
    "insulin": {"glucose": 0.62, "bmi": 0.14},
}
# Mean, standard deviation, and how much a standard deviation adds to the log-odds of
# diabetes.
EFFECTS = {
    "glucose": (121.7, 30.5, 1.08),
    "bmi": (32.5, 6.9, 0.58),
    "pregnancies": (3.8, 3.4, 0.38),
    "pedigree": (0.47, 0.33, 0.26),
    "age": (33.2, 11.8, 0.15),
}
INTERCEPT = -0.96


@dataclass(frozen=True, eq=False)
class DiabetesTruth:
    """Mechanism of the twin.

    Attributes
    ----------
    measured : DataFrame
        All columns as they were before entries went missing.
    log_odds : ndarray, shape (n,)
        Log-odds of diabetes, linear in five columns: skin thickness, insulin and blood
        pressure have no effect.
    """

    measured: pd.DataFrame
    log_odds: NDArray[np.float64]


def load_diabetes(
    source: Literal["auto", "real", "simulated"] = "auto", *, seed: Seed = 0
) -> Dataset:
    """Load the diabetes table: 768 women, 8 numbers each, and whether they were found
    to have diabetes.

    Parameters
    ----------
    source, seed
        As in `load_census`, whose errors it raises.

    Returns
    -------
    Dataset
        `features` in the units of `COLUMNS`, NaN where the file has a 0 that no body
        can have; `target` is 1 for diabetes. There is no official test part.

    References
    ----------
    Smith, Everhart, Dickson, Knowler, Johannes: Using the ADAP learning algorithm to
    forecast the onset of diabetes mellitus. Proceedings of the Symposium on Computer
    Applications and Medical Care, 261 (1988).

    Examples
    --------
    >>> load_diabetes("simulated")
    Dataset('diabetes', 768 rows, 8 features, simulated)
    """
    files, rng = DIABETES.choose(source), check_seed(seed)
    if files is None:
        return simulate_diabetes(seed=rng)
    table = pd.read_csv(files[DIABETES.files[0].name], names=[*COLUMNS, TARGET])
    features = table[list(COLUMNS)].astype(float)
    unmeasured = [name for name, (_, missing) in COLUMNS.items() if missing]
    features[unmeasured] = features[unmeasured].replace(0.0, np.nan)
    return Dataset(
        name=DIABETES.name,
        features=features,
        target=table[TARGET].astype("int64"),
        test=np.zeros(len(table), dtype=bool),
        source="real",
        origin="The real Pima Indians Diabetes table: 768 women of Pima heritage, "
        "checksum verified.",
        citation=CITATION,
    )


def simulate_diabetes(n: int = ROWS, *, seed: Seed = 0) -> Dataset:
    """Invent women with the columns, the marginals and the dependences of the real
    table.

    Parameters
    ----------
    n : int
        Number of rows.
    seed : int, numpy.random.Generator or None
        Of the draws.

    Returns
    -------
    Dataset
        Its `truth` is a `DiabetesTruth`.

    Examples
    --------
    >>> simulate_diabetes(1000, seed=1).truth.log_odds.shape
    (1000,)
    """
    n, rng = check_int("n", n), check_seed(seed)
    latent: dict[str, NDArray[np.float64]] = {}
    for name, causes in CAUSES.items():
        pull = sum(
            (weight * latent[cause] for cause, weight in causes.items()), np.zeros(n)
        )
        rest = 1 - float(np.var(pull)) if causes else 1.0
        latent[name] = pull + np.sqrt(rest) * rng.standard_normal(n)
    values = {
        name: np.interp(norm.cdf(latent[name]), _LEVELS, _QUANTILES[name]).round(
            3 if name == "pedigree" else 1 if name == "bmi" else 0
        )
        for name in COLUMNS
    }
    measured = pd.DataFrame(values) + 0.0  # no negative zero
    log_odds = np.full(n, INTERCEPT)
    for name, (mean, deviation, effect) in EFFECTS.items():
        log_odds += effect * (measured[name].to_numpy() - mean) / deviation
    y = (rng.random(n) < expit(log_odds)).astype(np.int64)
    features = measured.copy()
    # Who has no skin fold has, with few exceptions, no insulin either.
    skin = rng.random(n) < COLUMNS["skin_thickness"][1]
    both = COLUMNS["skin_thickness"][1]
    insulin = skin | (rng.random(n) < (COLUMNS["insulin"][1] - both) / (1 - both))
    for name, (_, missing) in COLUMNS.items():
        gone = {"skin_thickness": skin, "insulin": insulin}.get(
            name, rng.random(n) < missing
        )
        features.loc[gone, name] = np.nan
    return Dataset(
        name=DIABETES.name,
        features=features,
        target=pd.Series(y, name=TARGET),
        test=np.zeros(n, dtype=bool),
        source="simulated",
        origin=f"A simulated twin of the Pima Indians Diabetes table: {n:,} invented "
        f"women.",
        citation=CITATION,
        truth=DiabetesTruth(measured, log_odds),
    )
