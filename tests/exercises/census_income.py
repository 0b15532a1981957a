"""Right and wrong answers, and alterations: census income."""

from __future__ import annotations

from typing import Any

import numpy as np


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


def _average_person(predict: Any, X: Any, column: int, grid: Any) -> Any:
    rows = np.repeat(X.mean(0)[None], len(grid), axis=0)
    rows[:, column] = grid
    return predict(rows)


HONEST = {
    "how_many_rows": (
        lambda share, half: -int(-(share - share**2) * 1.96**2 // half**2),
        lambda share, half: float(
            np.ceil((1.96 * np.sqrt(share * (1 - share)) / half) ** 2)
        ),
    ),
    "right_when_yes": (
        lambda y, said, group: {
            g: np.sum(said & (y == 1) & (group == g)) / np.sum(said & (group == g))
            for g in set(group)
        },
    ),
    "set_for_everyone": (
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
}

WRONG = {
    "how_many_rows": {
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
        "cut off": lambda p, h: int(p * (1 - p) * (1.96 / h) ** 2),
        "one more": lambda p, h: int(p * (1 - p) * (1.96 / h) ** 2) + 2,
    },
    "right_when_yes": {
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
    "set_for_everyone": {
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
        "the model asked about the mean of the rows": _average_person,
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the training labels had been shuffled": (
        "y_train, y_test = census.train_target.to_numpy(), "
        "census.test_target.to_numpy()",
        "y_test = census.test_target.to_numpy()\n"
        "y_train = np.random.default_rng(1).permutation("
        "census.train_target.to_numpy())",
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
        "sex = np.random.default_rng(1).permutation("
        'census.test_features["sex"].to_numpy())',
    ),
    "most of what hangs together with it were dropped as well": (
        'if c != "sex" for i in positions',
        'if c not in ("sex", "relationship", "marital_status", "occupation") for i in '
        "positions",
    ),
}
