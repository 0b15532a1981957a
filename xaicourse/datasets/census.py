"""UCI Adult, an extract of the 1994 US census: who earns more than 50,000 dollars a
year.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from xaicourse.datasets import base
from xaicourse.datasets.base import Dataset, DatasetInfo, RemoteFile
from xaicourse.datasets.census_twin import (
    CATEGORIES,
    CITATION,
    COLUMNS,
    TARGET,
    simulate_census,
)
from xaicourse.validation import Seed, check_seed

_ADDRESS = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"
_TRAIN_ROWS, _TEST_ROWS = 32_561, 16_281

CENSUS = base.register(
    DatasetInfo(
        name="census",
        title="UCI Adult: income above 50,000 dollars, from the 1994 US census",
        rows=_TRAIN_ROWS + _TEST_ROWS,
        files=(
            RemoteFile(
                f"{_ADDRESS}/adult.data",
                "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            ),
            RemoteFile(
                f"{_ADDRESS}/adult.test",
                "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            ),
        ),
        citation=CITATION,
        terms="CC BY 4.0",
    )
)


def load_census(
    source: Literal["auto", "real", "simulated"] = "auto", *, seed: Seed = 0
) -> Dataset:
    """Load the census table: 48,842 adults, 14 columns, and whether they earn more than
    50,000 dollars a year.

    The network is never used. Missing entries are the category "?", as in the file.

    Parameters
    ----------
    source : {"auto", "real", "simulated"}
        "auto" takes the real rows when their files are at hand, else the simulated
        twin.
    seed : int, numpy.random.Generator or None
        Seed of the twin; the real rows do not depend on it.

    Returns
    -------
    Dataset
        `features` has numbers (age in years, hours_per_week, capital_gain and
        capital_loss in dollars, education_num from 1 to 16, fnlwgt: the number of
        people the row stands for) and categories; `target` is 1 above 50,000 dollars;
        `test` marks the 16,281 rows of the official test file.

    Raises
    ------
    ValueError
        `source` is none of the three; or (ChecksumError) a file is there but is not the
        published one.
    FileNotFoundError
        The real rows are asked for and are not at hand.

    References
    ----------
    Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository.

    Examples
    --------
    >>> census = load_census("simulated")
    >>> census
    Dataset('census', 48,842 rows, 14 features, simulated)
    """
    files, rng = CENSUS.choose(source), check_seed(seed)
    if files is None:
        return simulate_census(seed=rng)
    frames = [
        pd.read_csv(
            files[file.name],
            names=[*COLUMNS, TARGET],
            skiprows=comment_lines,
            skipinitialspace=True,
            na_filter=False,
        )
        for file, comment_lines in zip(CENSUS.files, (0, 1), strict=True)
    ]
    table = pd.concat(frames, ignore_index=True)
    return Dataset(
        name=CENSUS.name,
        features=table[COLUMNS].astype(
            {name: pd.CategoricalDtype(CATEGORIES[name]) for name in CATEGORIES}
        ),
        # the test file writes ">50K."
        target=table[TARGET].str.startswith(">50K").astype("int64"),
        test=table.index.to_numpy() >= len(frames[0]),
        source="real",
        origin="The real UCI Adult table (1994 US census): 32,561 training and 16,281 "
        "test rows, checksum verified.",
        citation=CITATION,
    )
