"""Attributions that change a column of the data: permutation and drop-column
importance, PDP and ICE.

None needs a gradient, so any function of a table will do. Permutation, PDP and ICE
watch a fitted model on values that may never occur together in the world (a summer
temperature in a winter row): where columns depend on each other, they describe the
model and not the world. Dropping a column and fitting again describes what the other
columns cannot replace.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xaicourse.attribution.explained import Model, as_outputs, pick, predictor
from xaicourse.validation import (
    Progress,
    Seed,
    as_numbers,
    check_finite,
    check_flag,
    check_float,
    check_function,
    check_int,
    check_items,
    check_seed,
    check_shape,
    check_type,
    shown,
)

Table = pd.DataFrame | NDArray[Any]
Column = Hashable


@dataclass(frozen=True)
class PermutationImportance:
    """How much worse a model scores once a column no longer belongs to its rows.

    Attributes
    ----------
    names : tuple of length n_features
        Columns, or the names of groups of columns, in the order of the arrays.
    mean : ndarray, shape (n_features,)
        Mean drop of the score, in its units.
    std : ndarray, shape (n_features,)
        Standard deviation of the drop from one permutation to the next (with n_repeats
        - 1). Divided by √n_repeats it is the standard error of `mean` for these rows;
        it does not say how `mean` would change with other rows or another fit.
    drops : ndarray, shape (n_features, n_repeats)
        Each drop: `baseline` minus the score with the column permuted.
    baseline : float
        Score on the data as they are.
    """

    names: tuple[Column, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    drops: NDArray[np.float64]
    baseline: float


@dataclass(frozen=True)
class DropColumnImportance:
    """How much worse a model scores that was fitted without a column.

    Attributes
    ----------
    names : tuple of length n_features
        Columns, or the names of groups of columns, in the order of `drop`.
    drop : ndarray, shape (n_features,)
        `baseline` minus the score of the model fitted without the column, in the
        score's units; negative where the column did harm.
    baseline : float
        Score of the model fitted with all columns.
    """

    names: tuple[Column, ...]
    drop: NDArray[np.float64]
    baseline: float


@dataclass(frozen=True)
class PartialDependence:
    """What a model predicts on average when one column is set to a value.

    Attributes
    ----------
    grid : ndarray, shape (n_grid,)
        Values of the column.
    mean : ndarray, shape (n_grid,)
        Mean prediction over the rows (PDP).
    individual : ndarray of shape (n, n_grid) or None
        Prediction for each row (ICE), if asked for.
    """

    grid: NDArray[Any]
    mean: NDArray[np.float64]
    individual: NDArray[np.float64] | None


def permutation_importance(
    model: Model,
    X: Table,
    y: Any,
    *,
    score: Callable[[Any, Any], float],
    target: int | None = None,
    groups: Mapping[Any, Sequence[Column]] | None = None,
    n_repeats: int = 10,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> PermutationImportance:
    """Measure how much a model's score drops when a column is permuted among the rows.

    importance_j = score(y, f(X)) - E[score(y, f(X with column j from other rows))].

    Each permutation is one random cycle through all rows, so that every row receives
    the value of another row, each with equal chance. A plain shuffle leaves one row in
    n on average where it was, and underestimates by that share. All columns of one
    repeat are moved by the same permutation: their drops can be compared pair by pair,
    and do not change with what other columns are looked at.

    Parameters
    ----------
    model : nn.Module, function of tables, or fitted estimator
        Maps a table like `X`, without writing to it, to outputs (n,) or (n, outputs);
        a function may return whatever `score` takes. What missing values mean is its
        own business.
    X : DataFrame or ndarray, shape (n, n_columns)
        Rows, best held out ones: on training rows a model values what it has memorised.
    y : array-like of length n
        Truth, handed to `score` as it is.
    score : callable
        ``score(y, prediction)``, higher is better (so the negative of an error).
    target : int or None
        Which of the model's outputs is scored; ``None`` is all that it returns.
    groups : mapping of names to sequences of columns, or None
        Columns that are permuted together, such as those of a one-hot code; labels for
        a DataFrame, positions for an array. ``None`` takes every column by itself.
    n_repeats : int
        Number of permutations, at least 2.
    seed : int, numpy.random.Generator or None
        Of the permutations.
    progress : callable or None
        Wraps the loop over permutations, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    PermutationImportance

    Raises
    ------
    TypeError
        If `X` is no table.
    ValueError
        If there are fewer than two rows or repeats, lengths differ, a column is unknown
        or ambiguous, or a score is not finite.

    References
    ----------
    Breiman: Random forests. Machine Learning 45, 5 (2001).

    Fisher, Rudin, Dominici: All models are wrong, but many are useful. JMLR 20, 177
    (2019), arXiv:1801.01489.

    Examples
    --------
    For a linear model, squared error and a column of unit variance the drop is 2 β² on
    average.

    >>> X = np.random.default_rng(0).standard_normal((20_000, 3))
    >>> y = X @ [2.0, 1.0, 0.0]
    >>> def minus_squared_error(y, prediction):
    ...     return -np.mean((y - prediction) ** 2)
    >>> importance = permutation_importance(
    ...     lambda X: X @ [2.0, 1.0, 0.0], X, y, score=minus_squared_error
    ... )
    >>> importance.mean.round(1)
    array([8., 2., 0.])
    """
    _check_answers(X, y)
    check_function("score", score)
    predict, n = predictor(model, target), len(X)
    check_int("X: rows", n, minimum=2)
    groups = _groups(X, groups)
    n_repeats = check_int("n_repeats", n_repeats, minimum=2)
    rng = check_seed(seed)

    table = X.copy()
    baseline = _scored(score, y, predict(table))
    drops = np.empty((len(groups), n_repeats))
    for repeat in shown(progress, range(n_repeats)):
        donors = _cycle(rng, n)
        for feature, columns in enumerate(groups.values()):
            for column in columns:
                _set(table, column, _values(X, column)[donors])
            drops[feature, repeat] = baseline - _scored(score, y, predict(table))
            for column in columns:
                _set(table, column, _values(X, column))
    return PermutationImportance(
        tuple(groups), drops.mean(1), drops.std(1, ddof=1), drops, baseline
    )


def drop_column_importance(
    fit: Callable[[Any, Any], Model],
    X: Table,
    y: Any,
    *,
    X_test: Table,
    y_test: Any,
    score: Callable[[Any, Any], float],
    target: int | None = None,
    groups: Mapping[Any, Sequence[Column]] | None = None,
    progress: Progress | None = None,
) -> DropColumnImportance:
    """Measure how much the score on new rows drops when a model has to be fitted
    without a column.

    importance_j = score(y', f(X')) - score(y', f₋ⱼ(X'₋ⱼ)), with f fitted to (X, y) and
    f₋ⱼ to the other columns. A column whose information the others hold too costs
    nothing, however much the full model used it.

    Parameters
    ----------
    fit : callable
        ``fit(X, y)`` fits a new model and returns it, as `permutation_importance` takes
        it. One that draws random numbers should draw the same each time, or their noise
        adds to every drop.
    X, y : table of shape (n, n_columns), array-like of length n
        Rows to fit to, DataFrame or ndarray.
    X_test, y_test : table of shape (n_test, n_columns), array-like of length n_test
        New rows to score on, with the same columns.
    score : callable
        ``score(y, prediction)``, higher is better (so the negative of an error).
    target : int or None
        Which of the models' outputs is scored; ``None`` is all that they return.
    groups : mapping of names to sequences of columns, or None
        Columns that are left out together; labels for a DataFrame, positions for an
        array. ``None`` takes every column by itself.
    progress : callable or None
        Wraps the loop over columns or groups, as ``tqdm.tqdm`` does; ``None`` is
        silent.

    Returns
    -------
    DropColumnImportance

    Raises
    ------
    TypeError
        If `X` or `X_test` is no table.
    ValueError
        If lengths or columns differ, a column is unknown or ambiguous, a group leaves
        no column, or a score is not finite.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman: Distribution-free predictive inference
    for regression. JASA 113, 1094 (2018), arXiv:1604.04173, who call it LOCO.

    Examples
    --------
    For a linear model, squared error, unit variance and correlation ρ with the other
    column: β² (1 - ρ²).

    >>> z = np.random.default_rng(0).standard_normal((2, 20_000, 2))
    >>> Z = np.stack([z[..., 0], 0.8 * z[..., 0] + 0.6 * z[..., 1]], axis=-1)
    >>> def fit(X, y):
    ...     beta = np.linalg.lstsq(X, y)[0]
    ...     return lambda rows: rows @ beta
    >>> drop_column_importance(
    ...     fit, Z[0], Z[0] @ [2.0, 1.0], X_test=Z[1], y_test=Z[1] @ [2.0, 1.0],
    ...     score=lambda y, p: -np.mean((y - p) ** 2),
    ... ).drop.round(2)
    array([1.44, 0.36])
    """
    _check_answers(X, y)
    _check_answers(X_test, y_test, "_test")
    check_function("fit", fit)
    check_function("score", score)
    columns, theirs = _labels(X), _labels(X_test)
    if columns != theirs:
        raise ValueError(
            f"X_test: got the columns {theirs}, expected those of X, {columns}"
        )
    groups = _groups(X, groups)
    for name, group in groups.items():
        if set(group) >= set(columns):
            raise ValueError(
                f"groups[{name!r}]: got every column of X, expected at least one to be "
                f"left"
            )

    def scored(kept: list[Any]) -> float:
        predict = predictor(fit(_columns(X, kept), y), target)
        return _scored(score, y_test, predict(_columns(X_test, kept)), "_test")

    baseline = scored(columns)
    losses = [
        baseline - scored([c for c in columns if c not in group])
        for group in shown(progress, groups.values())
    ]
    return DropColumnImportance(tuple(groups), np.array(losses), baseline)


def partial_dependence(
    model: Model,
    X: Table,
    feature: Column,
    *,
    target: int | None = None,
    grid: int | ArrayLike = 20,
    ice: bool = False,
    progress: Progress | None = None,
) -> PartialDependence:
    """Average a model's prediction over the rows, with one column set to each value of
    a grid.

    PD(v) = 1/n Σ_i f(x_i with column `feature` set to v); the curves of the single rows
    i are called ICE. They show what the average hides: an effect that goes up in one
    half of the rows and down in the other.

    Parameters
    ----------
    model : nn.Module, function of tables, or fitted estimator
        Maps a table like `X` to (n,) or (n, outputs): the probabilities of the classes,
        say, or what the neurons of a network's first layers do, ``network[:2]``.
    X : DataFrame or ndarray, shape (n, n_columns)
        Rows to average over.
    feature : label of a column of the DataFrame, or position of a column of the array
        Column that is set.
    target : int or None
        The output to explain; ``None`` if there is only one.
    grid : int or array-like of shape (n_grid,)
        Values to set, or their number: then evenly spaced from the 5th to the 95th
        percentile of numbers, dates or durations. A column with no more distinct values
        than that, or of something else, is set to each value that it has.
    ice : bool
        Whether to return the curve of each row.
    progress : callable or None
        Wraps the loop over the grid, as ``tqdm.tqdm`` does; ``None`` is silent.

    Returns
    -------
    PartialDependence

    Raises
    ------
    TypeError
        If `X` is no table.
    ValueError
        If the column is unknown or ambiguous, the grid is empty, not finite or holds
        what the column cannot, such as an unknown category, or the outputs are not
        finite, or not fit by `target`.

    References
    ----------
    Friedman: Greedy function approximation. Annals of Statistics 29, 1189 (2001).

    Goldstein, Kapelner, Bleich, Pitkin: Peeking inside the black box. Journal of
    Computational and Graphical Statistics 24, 44 (2015), arXiv:1309.6392.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 3.0]])
    >>> def model(X):
    ...     return X[:, 0] * X[:, 1]
    >>> curve = partial_dependence(model, X, 0, grid=[0.0, 1.0], ice=True)
    >>> curve.mean
    array([0., 2.])
    >>> curve.individual
    array([[0., 1.],
           [0., 3.]])
    """
    _check_table(X)
    ice = check_flag("ice", ice)
    _check_column("feature", X, feature)
    values = _grid(_values(X, feature), grid)
    settings: Any = values
    # An array of integers has to make room for a grid of fractions, which it would
    # otherwise round down.
    frame = isinstance(X, pd.DataFrame)
    table: Any = X.copy()
    dtype = _values(X, feature).dtype
    if not frame:
        table = table.astype(np.result_type(table, values), copy=False)
    elif not pd.api.types.is_numeric_dtype(dtype):
        settings = _of_type(dtype, values)
        values = np.asarray(settings)
    predict = predictor(model, target)
    curves = np.empty((len(values), len(X) if ice else 1))
    for i in shown(progress, range(len(values))):
        _set(table, feature, settings[[i]].repeat(len(X)) if frame else settings[i])
        outputs = as_outputs(predict(table), len(X)).reshape(len(X), -1)
        prediction = pick(outputs, None).detach().double().numpy()
        curves[i] = prediction if ice else prediction.mean()
    return PartialDependence(values, curves.mean(1), curves.T if ice else None)


def _check_table(X: Table, which: str = "") -> None:
    """Require rows of a table."""
    if not isinstance(X, pd.DataFrame | np.ndarray):
        raise TypeError(
            f"X{which}: got {type(X).__name__}, expected a DataFrame or a NumPy array"
        )
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"X{which}: got shape {X.shape}, expected (n, n_columns), neither of them "
            f"zero"
        )
    if np.ma.is_masked(X):
        raise TypeError(
            f"X{which}: got masked values, expected NaN where one is missing"
        )


def _check_answers(X: Table, y: Any, which: str = "") -> None:
    """Require rows of a table, and one answer for each."""
    _check_table(X, which)
    if len(check_items(f"y{which}", y)) != len(X):
        raise ValueError(
            f"y{which}: got {len(y)} values, expected one for each of the {len(X)} rows"
        )


def _scored(
    score: Callable[[Any, Any], float], y: Any, prediction: Any, which: str = ""
) -> float:
    """Score a prediction that does not broadcast with the answers."""
    shape, expected = np.shape(y), np.shape(prediction)
    if len(shape) != len(expected) and np.size(y) == np.size(prediction):
        raise ValueError(
            f"y{which}: got shape {shape}, expected {expected}, as the model's outputs"
        )
    return check_float("score", score(y, prediction))


def _labels(X: Table) -> list[Any]:
    """Labels of a DataFrame's columns, positions of an array's."""
    return list(X.columns if isinstance(X, pd.DataFrame) else range(X.shape[1]))


def _check_column(name: str, X: Table, column: Column) -> None:
    """Require a label that stands for one column of the DataFrame, or a position in the
    array.
    """
    labels = _labels(X)
    if (found := labels.count(column)) != 1:
        raise ValueError(
            f"{name}: got {column!r}, which stands for {found} of the columns {labels}"
        )


def _groups(
    X: Table, groups: Mapping[Any, Sequence[Column]] | None
) -> Mapping[Any, Sequence[Column]]:
    """Groups whose columns are there; without any, each column by itself."""
    if groups is None:
        groups = {name: [name] for name in _labels(X)}
    check_type("groups", groups, Mapping)
    for name, columns in groups.items():
        for column in check_items(f"groups[{name!r}]", columns):
            _check_column(f"groups[{name!r}]", X, column)
    return groups


def _cycle(rng: np.random.Generator, n: int) -> NDArray[np.intp]:
    """For each of n rows the one that it takes values from: a random cycle."""
    order = rng.permutation(n)
    donors = np.empty_like(order)
    donors[order] = np.roll(order, 1)
    return donors


def _columns(X: Table, columns: list[Any]) -> Table:
    """Copy of some of the columns."""
    return X[columns].copy() if isinstance(X, pd.DataFrame) else X[:, columns]


def _values(X: Table, column: Any) -> Any:
    """Values of one column, with their type (a category stays one) and without an
    index.
    """
    return X[column].array if isinstance(X, pd.DataFrame) else X[:, column]


def _set(X: Table, column: Any, values: Any) -> None:
    """Replace one column in place, row by row whatever the index."""
    if isinstance(X, pd.DataFrame):
        X[column] = values
    else:
        X[:, column] = values


def _grid(column: Any, grid: int | ArrayLike) -> NDArray[Any]:
    """Values that a column is set to."""
    dtype, values = column.dtype, np.asarray(grid)
    if isinstance(grid, int | np.integer):
        n_grid = check_int("grid", grid)
        known = pd.Series(column).dropna()
        numbers = pd.api.types.is_numeric_dtype(dtype)
        # most columns of many values show it in their first rows
        first = known.iloc[: 100 * n_grid]
        many = any(len(some.unique()) > n_grid for some in (first, known))
        if many and numbers:
            low, high = np.quantile(known.to_numpy(float), [0.05, 0.95])
            values = np.linspace(low, high, n_grid)
        elif many and known.dtype.kind in "mM":
            low, high = known.quantile([0.05, 0.95])
            places = np.linspace(0, 1, n_grid)
            values = pd.Series([low + p * (high - low) for p in places]).to_numpy()
        else:
            values = known.drop_duplicates().sort_values().to_numpy()
    elif pd.api.types.is_numeric_dtype(dtype):
        values = as_numbers("grid", grid)
    check_shape("grid", values, (None,))
    if values.dtype.kind in "biuf":
        check_finite("grid", values)
    if (
        isinstance(dtype, np.dtype)
        and dtype.kind == "f"
        and values.dtype.kind in "biuf"
    ):
        values = values.astype(dtype)  # a model in single precision takes nothing else
    return values


def _of_type(dtype: Any, values: NDArray[Any]) -> Any:
    """Values of a column that is not of numbers, in its type."""
    unknown = []
    if isinstance(dtype, pd.CategoricalDtype):  # pandas would set them to missing
        unknown = [v for v in values.tolist() if v not in dtype.categories]
    try:
        found = pd.array(values[:0] if unknown else values, dtype=dtype)
    except (TypeError, ValueError):
        unknown = values.tolist()
    if unknown:
        raise ValueError(f"grid: got {unknown}, expected values of a column of {dtype}")
    return found
