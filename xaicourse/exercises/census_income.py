"""Exercises of the notebook on the census, and the alterations under which its claims fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require

Answer = Callable[..., Any]


def _check_how_sure(answer: Answer) -> None:
    result = answer(850, 1000)
    require(np.shape(result) == (2,), f"return two numbers, the lower and the upper end; got {result!r}")
    low, high = (float(end) for end in result)
    require(low < high, f"the lower end comes first; got {low:.4f} and {high:.4f}")
    require(abs((low + high) / 2 - 0.85) < 1e-6, "the interval must lie around the share of right answers, here 0.85")
    wide = np.ptp(answer(85, 100))
    require(
        abs(wide / (high - low) - 10**0.5) < 0.05,
        "with a tenth of the rows the interval must be √10 times as wide: divide the variance by the number of rows",
    )
    expected = 1.96 * (0.85 * 0.15 / 1000) ** 0.5
    require(
        abs((high - low) / 2 - expected) < 1e-4,
        f"for 850 of 1,000 the half-width should be {expected:.4f}; got {(high - low) / 2:.4f}",
    )


def _around(share: float, half: float) -> tuple[float, float]:
    return share - half, share + half


how_sure = Exercise(
    name="How sure is an accuracy?",
    checker=_check_how_sure,
    hints=(
        "Each row is a coin that lands on *right* with probability $p$. What is the variance of the mean of $n$ coins?",
        "The variance of one coin is $p (1 - p)$; of the mean of $n$, that divided by $n$. 95 % of a normal "
        "distribution lie within 1.96 standard deviations.",
        "`half = 1.96 * (share * (1 - share) / n_rows) ** 0.5`",
    ),
    honest=(
        lambda n_right, n: _around(n_right / n, 1.959964 * np.sqrt(n_right * (n - n_right) / n**3)),
        lambda n_right, n: np.array(_around(n_right / n, 1.96 * np.std(np.arange(n) < n_right) / np.sqrt(n))),
    ),
    wrong={
        "forgets to divide by n": lambda k, n: _around(k / n, 1.96 * (k / n * (1 - k / n)) ** 0.5),
        "forgets the root": lambda k, n: _around(k / n, 1.96 * (k / n * (1 - k / n)) / n),
        "one standard error": lambda k, n: _around(k / n, (k / n * (1 - k / n) / n) ** 0.5),
        "half-width only": lambda k, n: 1.96 * (k / n * (1 - k / n) / n) ** 0.5,
        "ends swapped": lambda k, n: _around(k / n, -1.96 * (k / n * (1 - k / n) / n) ** 0.5),
    },
)


def _check_found_or_overlooked(answer: Answer) -> None:
    y = np.array([1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0])
    said = np.array([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]) == 1
    group = np.array(["a"] * 6 + ["b"] * 6)
    result = answer(y, said, group)
    require(isinstance(result, dict), f"return a dictionary from group to share; got {type(result).__name__}")
    require(set(result) == {"a", "b"}, f"one entry a group, here a and b; got {sorted(map(str, result))}")
    a, b = float(result["a"]), float(result["b"])
    require(
        not np.isclose(a, 0.25),
        "that is the share who are overlooked; return the share who are found",
    )
    require(
        np.isclose(a, 3 / 4) and np.isclose(b, 1 / 2),
        "in a test with 4 high earners in group a, 3 of them found, and 2 in group b, 1 of them found, expected "
        f"0.75 and 0.5; got {a:.2f} and {b:.2f}. Look only at rows with y == 1, and count said_yes among them",
    )


found_or_overlooked = Exercise(
    name="Found or overlooked?",
    checker=_check_found_or_overlooked,
    hints=(
        "Which people may be *overlooked*? Only they belong into the denominator.",
        "Mask the rows twice: the group, and `y == 1`. What is the mean of `said_yes` there?",
        "`{g: said_yes[(group == g) & (y == 1)].mean() for g in np.unique(group)}`",
    ),
    honest=(
        lambda y, said, group: {
            g: np.sum(said & (y == 1) & (group == g)) / np.sum((y == 1) & (group == g)) for g in set(group)
        },
    ),
    wrong={
        "precision": lambda y, said, group: {g: y[(group == g) & said].mean() for g in np.unique(group)},
        "selection rate": lambda _, said, group: {g: said[group == g].mean() for g in np.unique(group)},
        "accuracy": lambda y, said, group: {g: (said == y)[group == g].mean() for g in np.unique(group)},
        "overlooked": lambda y, said, group: {g: 1 - said[(group == g) & (y == 1)].mean() for g in np.unique(group)},
        "one number": lambda y, said, _: said[y == 1].mean(),
    },
)


def _check_set_for_everyone(answer: Answer) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    before = X.copy()

    def predict(rows: Any) -> Any:
        return rows[:, 0] ** 2 + 3 * rows[:, 1]

    grid = np.array([-1.0, 0.0, 2.0])
    result = np.asarray(answer(predict, X, 0, grid))
    require(np.array_equal(X, before), "the caller's table has changed: work on a copy")
    require(result.shape == (3,), f"expected one mean a grid value, shape (3,); got {result.shape}")
    expected = grid**2 + 3 * X[:, 1].mean()
    require(
        np.allclose(np.diff(result), np.diff(expected)),
        f"for a model x0² + 3 x1 the curve over x0 should rise and fall like x0², by {np.diff(expected)}; "
        f"yours changes by {np.diff(result)}",
    )
    require(
        np.allclose(result, expected),
        f"the shape is right, the level is not: expected {expected.round(3)}, got {result.round(3)}; "
        "average the predictions over all rows, with their other columns as they are",
    )


def _means(predict: Any, X: Any, column: int, grid: Any, reduce: Any = np.mean) -> Any:
    changed = [X.copy() for _ in grid]
    for table, value in zip(changed, grid, strict=True):
        table[:, column] = value
    return np.array([reduce(predict(table)) for table in changed])


def _in_place(predict: Any, X: Any, column: int, grid: Any) -> Any:
    means = []
    for value in grid:
        X[:, column] = value
        means.append(predict(X).mean())
    return np.array(means)


set_for_everyone = Exercise(
    name="Set it for everyone",
    checker=_check_set_for_everyone,
    hints=(
        "One pass over the grid; in each, how many rows does the model see?",
        "Copy the table, overwrite one column of the copy with the value, predict all rows, take the mean.",
        "`changed = X.copy(); changed[:, column] = value; means.append(predict(changed).mean())`",
    ),
    honest=(
        lambda predict, X, column, grid: [
            float(predict(np.column_stack([np.full(len(X), v) if j == column else X[:, j] for j in range(3)])).mean())
            for v in grid
        ],
    ),
    wrong={
        "changes the caller's table": _in_place,
        "the average person": lambda predict, X, column, grid: _means(predict, 0 * X, column, grid),
        "adds instead of setting": lambda predict, X, column, grid: np.array(
            [predict(X + v * (np.arange(3) == column)).mean() for v in grid]
        ),
        "one row": lambda predict, X, column, grid: _means(predict, X[:1], column, grid),
        "the wrong column": lambda predict, X, column, grid: _means(predict, X, column + 1, grid),
        "sum instead of mean": lambda predict, X, column, grid: _means(predict, X, column, grid, np.sum),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by what.
ALTERATIONS = {
    "the training labels had been shuffled": (
        "y_train, y_test = census.train_target.to_numpy(), census.test_target.to_numpy()",
        "y_test = census.test_target.to_numpy()\n"
        "y_train = np.random.default_rng(1).permutation(census.train_target.to_numpy())",
    ),
    "the boosted trees were a single stump": (
        'HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)',
        'HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=1, max_leaf_nodes=2)',
    ),
    "one of the two shuffled the labels instead": (
        "theirs = sklearn_permutation_importance(small, X_test[:, :5], y_test,",
        "theirs = sklearn_permutation_importance(small, X_test[:, :5], np.random.default_rng(1).permutation(y_test),",
    ),
    "the largest share of each person were dropped": (
        "residual = attribution.delta.abs().numpy()",
        "residual = (attribution.delta - attribution.values.abs().max(1).values).abs().numpy()",
    ),
    "the mean of the starting people were taken to be zero": (
        "start_mean = starts.double().mean(dim=0)",
        "start_mean = 0 * starts.double().mean(dim=0)",
    ),
    "the walk started from the average person alone": (
        "library = GradientShap(networks[0]).attribute(explained, starts,",
        "library = GradientShap(networks[0]).attribute(explained, starts.mean(0, keepdim=True),",
    ),
    "the network's columns were listed in a random order": (
        "agreement = spearmanr(law.mean, found.mean).statistic",
        "agreement = spearmanr(law.mean, np.random.default_rng(1).permutation(found.mean)).statistic",
    ),
    "every log-odds were doubled": (
        "miss = {}\nfor model, p in predicted.items():",
        "miss = {}\nfor model, p in {m: q**2 / (q**2 + (1 - q) ** 2) for m, q in predicted.items()}.items():",
    ),
    "the two groups had been drawn by lot": (
        'sex = census.test_features["sex"].to_numpy()',
        'sex = np.random.default_rng(1).permutation(census.test_features["sex"].to_numpy())',
    ),
    "the columns that give it away were dropped as well": (
        'if c != "sex" for i in positions',
        'if c not in ("sex", "relationship", "marital_status", "occupation") for i in positions',
    ),
}
