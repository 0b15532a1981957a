"""Exercises of the notebook on the census, and the alterations under which its claims
fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaicourse.teaching import Exercise, require

Answer = Callable[..., Any]


def _check_how_many_rows(answer: Answer) -> None:
    result = answer(0.85, 0.01)
    require(
        np.ndim(result) == 0 and result is not None,
        f"return one number of rows; got {result!r}",
    )
    require(
        float(result) == int(result),
        f"there are no fractions of rows: round up; got {result}",
    )
    four_times = answer(0.85, 0.005) / result
    require(
        abs(four_times - 4) < 0.01,
        f"half the width needs four times the rows (the error falls with their root); "
        f"yours: {four_times:.2f} times",
    )
    require(
        answer(0.5, 0.01) > result,
        "an accuracy of one half is harder to pin down than one of 0.85: the variance "
        "of a coin is p (1 - p)",
    )
    expected = int(np.ceil(0.85 * 0.15 * (1.96 / 0.01) ** 2))
    require(
        abs(int(result) - expected) <= 1,
        f"for 0.85 within 0.01 you need {expected:,} rows; got {int(result):,}. Is "
        f"your half-width 1.96 errors?",
    )


how_many_rows = Exercise(
    name="How many rows?",
    checker=_check_how_many_rows,
    hints=(
        "Each row is a coin that lands on *right* with probability $p$. What is the "
        "variance of the mean of $n$ coins?",
        r"The half-width is $1.96 \sqrt{p (1 - p) / n}$. Solve for $n$.",
        "`np.ceil(share * (1 - share) * (1.96 / half_width) ** 2)`",
    ),
    honest=(
        lambda share, half: -int(-(share - share**2) * 1.96**2 // half**2),
        lambda share, half: float(
            np.ceil((1.96 * np.sqrt(share * (1 - share)) / half) ** 2)
        ),
    ),
    wrong={
        "forgets the square": lambda share, half: np.ceil(
            share * (1 - share) * 1.96 / half
        ),
        "one standard error": lambda share, half: np.ceil(
            share * (1 - share) / half**2
        ),
        "the width of the whole interval": lambda share, half: np.ceil(
            4 * share * (1 - share) * (1.96 / half) ** 2
        ),
        "share instead of variance": lambda share, half: np.ceil(
            share * (1.96 / half) ** 2
        ),
        "not rounded": lambda share, half: (
            share * (1 - share) * (1.96 / half) ** 2 + 0.123
        ),
    },
)


def _check_right_when_yes(answer: Answer) -> None:
    y = np.array([1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0])
    said = np.array([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]) == 1
    group = np.array(["a"] * 6 + ["b"] * 6)
    result = answer(y, said, group)
    require(
        isinstance(result, dict),
        f"return a dictionary from group to share; got {type(result).__name__}",
    )
    require(
        set(result) == {"a", "b"},
        f"one entry per group, here a and b; got {sorted(map(str, result))}",
    )
    a, b = float(result["a"]), float(result["b"])
    require(
        not np.isclose(a, 3 / 4),
        "you divided by those who do earn more; the bank pays for those it says yes "
        "to, so divide by them",
    )
    require(
        not np.isclose(a, 2 / 5),
        "that is the share of offers that are wasted; return those that are not",
    )
    require(
        np.isclose(a, 3 / 5) and np.isclose(b, 1 / 4),
        "in a test with 5 offers in group a, 3 of them to high earners, and 4 in group "
        "b, 1 of them to a high earner, "
        f"expected 0.6 and 0.25; got {a:.2f} and {b:.2f}. Look only at rows with "
        f"said_yes, and average y there",
    )


right_when_yes = Exercise(
    name="Right when it says yes?",
    checker=_check_right_when_yes,
    hints=(
        "Whom does the bank pay for? Only they belong into the denominator.",
        "Mask the rows twice: the group, and `said_yes`. What is the mean of `y` "
        "there?",
        "`{g: y[(group == g) & said_yes].mean() for g in np.unique(group)}`",
    ),
    honest=(
        lambda y, said, group: {
            g: np.sum(said & (y == 1) & (group == g)) / np.sum(said & (group == g))
            for g in set(group)
        },
    ),
    wrong={
        "true positive rate": lambda y, said, group: {
            g: said[(group == g) & (y == 1)].mean() for g in np.unique(group)
        },
        "selection rate": lambda _, said, group: {
            g: said[group == g].mean() for g in np.unique(group)
        },
        "accuracy": lambda y, said, group: {
            g: (said == y)[group == g].mean() for g in np.unique(group)
        },
        "wasted offers": lambda y, said, group: {
            g: 1 - y[(group == g) & said].mean() for g in np.unique(group)
        },
        "one number": lambda y, said, _: y[said].mean(),
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
    require(
        result.shape == (3,),
        f"expected one mean per grid value, shape (3,); got {result.shape}",
    )
    expected = grid**2 + 3 * X[:, 1].mean()
    require(
        np.allclose(np.diff(result), np.diff(expected)),
        f"for a model x0² + 3 x1 the curve over x0 should rise and fall like x0², by "
        f"{np.diff(expected)}; "
        f"yours changes by {np.diff(result)}",
    )
    require(
        np.allclose(result, expected),
        f"the shape is right, the level is not: expected {expected.round(3)}, got "
        f"{result.round(3)}; "
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
        "Copy the table, overwrite one column of the copy with the value, predict all "
        "rows, take the mean.",
        "`changed = X.copy(); changed[:, column] = value; "
        "means.append(predict(changed).mean())`",
    ),
    honest=(
        lambda predict, X, column, grid: [
            float(
                predict(
                    np.column_stack(
                        [
                            np.full(len(X), v) if j == column else X[:, j]
                            for j in range(3)
                        ]
                    )
                ).mean()
            )
            for v in grid
        ],
    ),
    wrong={
        "changes the caller's table": _in_place,
        "the average person": lambda predict, X, column, grid: _means(
            predict, 0 * X, column, grid
        ),
        "adds instead of setting": lambda predict, X, column, grid: np.array(
            [predict(X + v * (np.arange(3) == column)).mean() for v in grid]
        ),
        "one row": lambda predict, X, column, grid: _means(
            predict, X[:1], column, grid
        ),
        "the wrong column": lambda predict, X, column, grid: _means(
            predict, X, column + 1, grid
        ),
        "sum instead of mean": lambda predict, X, column, grid: _means(
            predict, X, column, grid, np.sum
        ),
    },
)

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the training labels had been shuffled": (
        "y_train, y_test = census.train_target.to_numpy(), "
        "census.test_target.to_numpy()",
        "y_test = census.test_target.to_numpy()\n"
        "y_train = np.random.default_rng(1).permutation(census.train_target.to_numpy())",
    ),
    "the boosted trees were a single stump": (
        'HistGradientBoostingClassifier(categorical_features="from_dtype", '
        "random_state=seed)",
        'HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=1, '
        "max_leaf_nodes=2)",
    ),
    "one of the two shuffled the labels instead": (
        "theirs = sklearn_permutation_importance(small, X_test[:, :5], y_test,",
        "theirs = sklearn_permutation_importance(small, X_test[:, :5], "
        "np.random.default_rng(1).permutation(y_test),",
    ),
    "the largest share of each person were dropped": (
        "residual = attribution.delta.abs().numpy()",
        "residual = (attribution.delta - "
        "attribution.values.abs().max(1).values).abs().numpy()",
    ),
    "the mean of the starting people were taken to be zero": (
        "start_mean = starts.double().mean(dim=0)",
        "start_mean = 0 * starts.double().mean(dim=0)",
    ),
    "the walk started from the average person alone": (
        "library = GradientShap(networks[0]).attribute(explained, starts,",
        "library = GradientShap(networks[0]).attribute(explained, starts.mean(0, "
        "keepdim=True),",
    ),
    "one of the two were read from the last column to the first": (
        "groups=twin_groups,",
        "groups=dict(reversed(twin_groups.items())),",
    ),
    "the column were shifted instead of set": (
        "curve = partial_dependence(small, small_people, 0,",
        "curve = partial_dependence(lambda X: small.predict_proba(X + small_people), "
        "small_people, 0,",
    ),
    "every log-odds were doubled": (
        "curves, miss = {}, {}\nfor model, p in predicted.items():",
        "curves, miss = {}, {}\nfor model, p in [(m, q**2 / (q**2 + (1 - q) ** 2)) for "
        "m, q in predicted.items()]:",
    ),
    "the two groups had been drawn by lot": (
        'sex = census.test_features["sex"].to_numpy()',
        'sex = np.random.default_rng(1).permutation(census.test_features["sex"].to_numpy())',
    ),
    "most of what hangs together with it were dropped as well": (
        'if c != "sex" for i in positions',
        'if c not in ("sex", "relationship", "marital_status", "occupation") for i in '
        "positions",
    ),
}
