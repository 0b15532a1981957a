"""An insurer's customers, graded: does a method tell a cause of the decision from a
proxy of one?

The law of the decision reads eight columns, those that decide the expected claims, and
two things that no column holds: religion and politics. Names, rents and the pages
followed carry news of these two, and the law does not read them: they are proxies. A
cause, here, is a column that the law reads; so a method that reports the network's use
of a proxy is right about the network and wrong about the world, and is graded as such.
In the task "portfolio, nothing planted" the same customers are decided upon without
discrimination, and no proxy carries any news.

Numbers and gender are used, fifteen columns; origin and district, categories with many
values, are left out: the letters and bearers of the name and the rent tell of religion
what they tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from xaicourse.attribution import sampled_shapley_values
from xaicourse.datasets import simulate_portfolio
from xaicourse.evaluation import tasks_tables
from xaicourse.evaluation.family import ACCURACY, NETWORK, Family, Grade
from xaicourse.networks import accuracy, train_mlps

Array = NDArray[np.float64]

TASKS = ("portfolio", "portfolio, nothing planted")
CAUSES = (
    "age",
    "gender",
    "smoker",
    "bmi",
    "blood_pressure",
    "chronic",
    "exercise",
    "deductible",
)
PROXIES = (
    "name_length",
    "name_per_million",
    "rent",
    "education",
    "friends",
    "night_posts",
    "pages_slant",
)
COLUMNS = CAUSES + PROXIES
MEASURES = {
    "finds the causes": len(CAUSES) / len(COLUMNS),
    "relevance on the causes": len(CAUSES) / len(COLUMNS),
    "orders by effect": 0.0,
    "faithful to the model": 0.0,
}


METHODS: dict[str, tasks_tables.Method] = {
    name: method
    for name, method in tasks_tables.METHODS.items()
    if name != "Shapley (exact)"
} | {  # fifteen columns are too many for the exact sum
    "Shapley (sampled)": lambda model, x, rows, rng: (
        sampled_shapley_values(
            model, x, baselines=rows.background, n_samples=20, seed=rng
        ).values
    )
}


def draw(
    task: str, n: int, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_], Array]:
    """Draw customers: standardised columns, the decisions, and the true effect of each
    column on the log-odds.

    The law is linear in its columns on the scale of the log-odds, so least squares find
    its weights exactly.

    Examples
    --------
    >>> X, accepted, effects = draw("portfolio", 500, np.random.default_rng(0))
    >>> X.shape, effects.shape, bool((effects[:, len(CAUSES):] == 0).all())
    ((500, 15), (500, 15), True)
    """
    planted = (
        {} if task == TASKS[0] else {"against_religion": 0.0, "against_politics": 0.0}
    )
    portfolio = simulate_portfolio(n, **planted, seed=rng)
    table = portfolio.customers.assign(gender=portfolio.customers["gender"] == "man")[
        list(COLUMNS)
    ].astype(float)
    X = ((table - table.mean()) / table.std()).to_numpy()
    law = np.column_stack([np.ones(n), X[:, : len(CAUSES)]])
    weights = np.zeros(len(COLUMNS))
    merit = -1.5 * np.log(portfolio.truth.expected_claims)
    weights[: len(CAUSES)] = np.linalg.lstsq(law, merit, rcond=None)[0][1:]
    others = X[rng.integers(n, size=64)]
    effects = np.abs(weights) * np.abs(X[:, None] - others).mean(1)
    return X, portfolio.accepted.to_numpy() == 1, effects


def grade_seeds(
    task: str, seeds: Sequence[int], *, n_train: int = 1500, n_rows: int = 8
) -> Iterator[Grade]:
    """Train one network a seed, all together, explain them by every method, and grade
    the explanations.
    """
    # in both tasks the same customers
    drawn = [np.random.default_rng([300, seed]) for seed in seeds]
    portfolios = [draw(task, n_train + 300, rng) for rng in drawn]
    networks = train_mlps(
        [X[300:] for X, _, _ in portfolios], [y[300:] for _, y, _ in portfolios],
        hidden=[32], seeds=seeds, max_epochs=20, batch_size=200, learning_rate=1e-2,
        l2=1.0,
    )  # fmt: skip
    mask = np.tile(np.arange(len(COLUMNS)) < len(CAUSES), (n_rows, 1))
    for seed, network, (X, y, effects), rng in zip(
        seeds, networks, portfolios, drawn, strict=True
    ):
        yield seed, NETWORK, ACCURACY, accuracy(network, X[:300], y[:300])
        table, truth = (X[:300], y[:300]), (mask, effects[:n_rows])
        yield from tasks_tables.grade_network(
            seed, network, table, truth, METHODS, rng=rng, probe=False
        )


FAMILY = Family(TASKS, tuple(METHODS), MEASURES, grade_seeds)
