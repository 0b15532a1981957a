"""Life insurance applications and the class each was given: the reader's own table, or
a simulated portfolio.

The layout is that of the Prudential Life Insurance Assessment (Kaggle, 2015): 59,381
applications, 128 columns with anonymous names, and an ordinal `Response` from 1 to 8.
The course does not pass that table on: a reader who has it names the file.
`simulate_underwriting` draws a portfolio of the same shape from a causal model that is
known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from xaicourse.datasets.base import (
    Dataset,
    DatasetInfo,
    RemoteFile,
    data_folder,
    register,
)
from xaicourse.datasets.splits import stratified_split
from xaicourse.datasets.underwriting_twin import (
    CITATION,
    COLUMNS,
    INTEGERS,
    MISSING_COUNTS,
    ROWS,
    TARGET,
    simulate_underwriting,
)
from xaicourse.validation import (
    Seed,
    as_numbers,
    as_path,
    check_flag,
    check_int,
    check_shape,
    check_type,
)

UNDERWRITING = register(
    DatasetInfo(
        name="underwriting",
        title="Prudential Life Insurance Assessment: your own train.csv, named to "
        "load_underwriting",
        rows=ROWS,
        files=(
            RemoteFile(
                "https://www.kaggle.com/c/prudential-life-insurance-assessment/"
                "data/train.csv",
                None,
            ),
        ),
        citation=CITATION,
        terms="those of the contest, which every reader accepts",
    )
)


def load_underwriting(
    path: str | Path | None = None,
    *,
    n: int = ROWS,
    discrimination: float = 0.5,
    seed: Seed = 0,
) -> Dataset:
    """Load 59,381 applications for life insurance with 126 columns each, and the class
    each was given.

    The network is never used.

    Parameters
    ----------
    path : str or Path, optional
        The reader's own `train.csv` of the Prudential Life Insurance Assessment, here
        or in the folder `underwriting` of the data folder. Without a name the portfolio
        is simulated.
    n, discrimination, seed
        Of the simulated portfolio, see `simulate_underwriting`; `seed` also draws the
        test rows of a reader's table.

    Returns
    -------
    Dataset
        `features` has the 126 columns between `Id`, which is its index, and `Response`;
        `target` is `Response`, 1 to 8; `test` marks a fifth of the rows, with the same
        share of each class (those of `stratified_split` for `seed`).

    Raises
    ------
    FileNotFoundError
        There is no file at `path`.
    ValueError
        Its columns are not those of the table, a value is no number where one belongs,
        or a class is not one of 1 to 8.

    References
    ----------
    Prudential Life Insurance Assessment (2015). Kaggle.

    Examples
    --------
    >>> load_underwriting(n=2000)
    Dataset('underwriting', 2,000 rows, 126 features, simulated)
    """
    if path is None:
        return simulate_underwriting(n, discrimination=discrimination, seed=seed)
    path = as_path("path", path)
    if not path.is_file():
        at_hand = data_folder() / UNDERWRITING.name / path
        path = at_hand if at_hand.is_file() else path
    table = pd.read_csv(path)
    expected = ["Id", *COLUMNS, TARGET]
    if list(table.columns) != expected:
        absent, surplus = (
            set(expected) - set(table.columns),
            set(table.columns) - set(expected),
        )
        named = (
            f"absent: {sorted(absent)[:5]}, not expected: {sorted(surplus)[:5]}"
            if absent | surplus
            else "their order"
        )
        raise ValueError(
            f"path: the columns of {path} are not those of the Prudential training "
            f"table ({named})"
        )
    words = [
        name
        for name in COLUMNS
        if name != "Product_Info_2" and not pd.api.types.is_numeric_dtype(table[name])
    ]
    holes = [
        name for name in INTEGERS if name not in words and table[name].isna().any()
    ]
    if words or holes:
        raise ValueError(
            f"path: {path} holds something else than whole numbers in "
            f"{[*words, *holes][:5]}"
        )
    if (
        table["Product_Info_2"].isna().any()
        or not table[TARGET].isin(range(1, 9)).all()
    ):
        raise ValueError(
            f"path: {path} lacks a Product_Info_2, or has a {TARGET} that is not one "
            f"of 1 to 8"
        )
    table = table.set_index("Id")
    held_out = stratified_split(table[TARGET], seed=seed).test
    return Dataset(
        name="underwriting",
        features=table[COLUMNS].copy(),  # in one piece, for columns to be added
        target=table[TARGET].astype("int64"),
        test=np.isin(np.arange(len(table)), held_out),
        source="real",
        origin=f"The reader's own file with {len(table):,} applications in the layout "
        f"of the Prudential Life Insurance "
        "Assessment. It is not checked against a published checksum, and the course "
        "claims no result on it.",
        citation=CITATION,
    )


def prepare_underwriting(
    features: pd.DataFrame, *, train: np.ndarray, scaled: bool = False
) -> pd.DataFrame:
    """Turn the columns of `load_underwriting` into numbers, with all that is estimated
    taken from the training rows.

    Four columns are added: the letter and the digit of the product code
    (`Product_Info_2_char`, `Product_Info_2_num`), `BMI_Age` (the product of `BMI` and
    `Ins_Age`) and `Med_Keywords_Count`. Product codes become their rank among those of
    the training rows; one that these do not have is missing.

    Parameters
    ----------
    features : DataFrame, shape (n, 126)
        As loaded; not written to.
    train : ndarray of int, shape (n_train,)
        Positions of the training rows.
    scaled : bool
        For networks: fill what is missing by the column's training median, add a column
        `..._missing` of 0 and 1 for each of the 13 columns that may lack a value, and
        standardise by training mean and standard deviation (a column that is constant
        in the training rows becomes 0). For trees leave it False: missing stays NaN.

    Returns
    -------
    DataFrame of float32, shape (n, 130), or (n, 143) if `scaled`

    Raises
    ------
    ValueError
        If a column is absent, or `train` is empty or points outside the table.

    Examples
    --------
    >>> data = load_underwriting(n=1000)
    >>> train = np.flatnonzero(~data.test)
    >>> prepare_underwriting(data.features, train=train).shape
    (1000, 130)
    >>> scaled = prepare_underwriting(data.features, train=train, scaled=True)
    >>> bool(abs(scaled.iloc[train].mean()).max() < 1e-4)
    True
    """
    check_type("features", features, pd.DataFrame)
    scaled = check_flag("scaled", scaled)
    absent = [name for name in COLUMNS if name not in features.columns]
    if absent:
        raise ValueError(
            f"features: got no column {absent[0]}, expected all of load_underwriting's"
        )
    check_int("features: rows", len(features))
    rows = as_numbers("train", train)
    check_shape("train", rows, (None,))
    if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(features):
        raise ValueError(
            f"train: expected positions of rows from 0 to {len(features) - 1}, at "
            f"least one"
        )
    code = features["Product_Info_2"].astype(str)
    table = features[COLUMNS].assign(
        Product_Info_2=_ranks(code, rows),
        Product_Info_2_char=_ranks(code.str[0], rows),
        Product_Info_2_num=_ranks(code.str[1:], rows),
        BMI_Age=features["BMI"] * features["Ins_Age"],
        Med_Keywords_Count=features.filter(like="Medical_Keyword_").sum(axis=1),
    )
    if not scaled:
        return table.astype("float32")
    missing = table[list(MISSING_COUNTS)].isna().astype(float).add_suffix("_missing")
    # 0: a column that no training row has
    filled = table.fillna(table.iloc[rows].median()).fillna(0.0)
    table = pd.concat([filled, missing], axis=1)
    fitted = table.iloc[rows]
    # a constant column's standard deviation may be rounding
    spread = fitted.std(ddof=0).mask(fitted.max() == fitted.min(), np.inf)
    return ((table - fitted.mean()) / spread).astype("float32")


def _ranks(values: pd.Series[str], rows: np.ndarray) -> pd.Series[float]:
    known = sorted(values.iloc[rows].unique())
    return values.map({value: float(rank) for rank, value in enumerate(known)})
