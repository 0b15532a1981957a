"""Which explanation to believe? The methods of the course, on tasks whose truth is
known, graded over many seeds.

There are families of tasks, each with the methods that can explain its networks and the
measures that fit its truth: tables (`tasks_tables`), a portfolio of customers
(`tasks_portfolio`), pictures (`tasks_pictures`) and sentences (`tasks_sentences`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.stats import t

from xaicourse.evaluation import (
    tasks_pictures,
    tasks_portfolio,
    tasks_sentences,
    tasks_tables,
)
from xaicourse.evaluation.family import one_thread
from xaicourse.validation import (
    Progress,
    check_choice,
    check_int,
    check_items,
    check_jobs,
    check_level,
    check_type,
    shown,
)

FAMILIES = {
    "tables": tasks_tables.FAMILY,
    "portfolio": tasks_portfolio.FAMILY,
    "pictures": tasks_pictures.FAMILY,
    "sentences": tasks_sentences.FAMILY,
}
TASKS = tuple(task for family in FAMILIES.values() for task in family.tasks)
# seeds that are computed together: always the same ones, so that no result depends on
# who computes what
BLOCK = 10


def grade_block(task: str, seeds: Sequence[int]) -> pd.DataFrame:
    """Train one network a seed, explain it by every method, and grade the explanations;
    one row a grade.
    """
    [family] = [family for family in FAMILIES.values() if task in family.tasks]
    with one_thread():
        found = [
            (task, method, measure, seed, value)
            for seed, method, measure, value in family.grade(task, seeds)
        ]
    return pd.DataFrame(found, columns=["task", "method", "measure", "seed", "value"])


def grade(
    *,
    seeds: int = 20,
    tasks: Sequence[str] = TASKS,
    first_seed: int = 0,
    n_jobs: int | None = 1,
    dask: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Grade every method on every task over many seeds, here or on a Dask cluster.

    The work is cut into blocks of a task and ten seeds, always the same ones; so the
    numbers are the same whoever computes them. A block whose worker is lost is computed
    again by another.

    Parameters
    ----------
    seeds : int
        How many.
    tasks : sequence of str
        Of `TASKS`.
    first_seed : int
        The first of them.
    n_jobs : int
        Processes on this machine; -1 for one a core.
    dask : str, optional
        Address of a Dask scheduler, such as "tcp://10.0.0.1:8786"; its workers need
        this package.
    progress : callable, optional
        Wraps the blocks, as ``tqdm`` does. Silent by default.

    Returns
    -------
    DataFrame
        Columns task, method, measure, seed, value. Beside the grades of the methods
        stands the accuracy of each network, on rows it has not seen, with the method
        `family.NETWORK`.

    Raises
    ------
    ValueError
        If there is no seed, or no such task.

    Examples
    --------
    >>> grades = grade(seeds=1, tasks=["sentences"])
    >>> list(grades.columns)
    ['task', 'method', 'measure', 'seed', 'value']
    >>> sorted(grades["measure"].unique())[:2]
    ['accuracy', 'faithful to the model']
    """
    tasks, n_jobs = check_items("tasks", tasks, at_least=1), check_jobs(n_jobs)
    if dask is not None:
        check_type("dask", dask, str)
    if unknown := [task for task in tasks if task not in TASKS]:
        raise ValueError(
            f"tasks: got {unknown[0]!r}, expected some of {', '.join(map(repr, TASKS))}"
        )
    start = check_int("first_seed", first_seed, minimum=0)
    numbers = range(start, start + check_int("seeds", seeds))
    blocks = [
        (task, numbers[first : first + BLOCK])
        for task in tasks
        for first in range(0, seeds, BLOCK)
    ]
    watched = shown(progress, blocks)
    if dask is not None:
        from distributed import Client

        connect: Any = Client
        with connect(dask, set_as_default=False) as client:
            waiting = [
                client.submit(grade_block, task, list(block), pure=False, retries=2)
                for task, block in blocks
            ]
            parts = [
                future.result() for _, future in zip(watched, waiting, strict=True)
            ]
    else:
        from joblib import Parallel, delayed

        parts = Parallel(n_jobs=n_jobs)(
            delayed(grade_block)(task, list(block)) for task, block in watched
        )
    grades: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return grades


def by_family(grades: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the mean grades of each family that was graded: a row a method, a column a
    measure.

    Examples
    --------
    >>> list(by_family(grade(seeds=1, tasks=["sentences"]))["sentences"].index)[:3]
    ['(the network)', 'random', 'gradient norm']
    """
    tables = {}
    for name, family in FAMILIES.items():
        chosen = grades[grades["task"].isin(family.tasks)]
        if len(chosen):
            tables[name] = chosen.pivot_table(
                index="method", columns="measure", values="value", sort=False
            )
    return tables


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference over the seeds, and its interval."""

    mean: float
    low: float
    high: float


def paired_difference(
    grades: pd.DataFrame, first: str, second: str, *, level: float = 0.999
) -> PairedDifference:
    """Return by how much one method beats another, seed by seed: grades of one measure,
    averaged over tasks.

    Examples
    --------
    >>> grades = pd.DataFrame({"method": list("xxyy"), "value": [3, 4, 1, 2]})
    >>> grades = grades.assign(task="linear", measure="a", seed=[0, 1, 0, 1])
    >>> paired_difference(grades, "x", "y")
    PairedDifference(mean=2.0, low=2.0, high=2.0)
    """
    check_type("grades", grades, pd.DataFrame)
    if absent := {"seed", "method", "measure", "value"} - set(grades):
        raise ValueError(
            f"grades: got no column {min(absent)!r}, expected those of grade"
        )
    level = check_level("level", level)
    if grades["measure"].nunique() != 1:
        raise ValueError(
            f"grades: got {grades['measure'].nunique()} measures, expected one"
        )
    by_seed = grades.pivot_table(index="seed", columns="method", values="value")
    for name, method in (("first", first), ("second", second)):
        check_choice(name, method, list(map(str, by_seed)))
    difference = (by_seed[first] - by_seed[second]).to_numpy()
    n = check_int("seeds in grades", len(difference), minimum=2)
    half = float(t.ppf((1 + level) / 2, n - 1) * difference.std(ddof=1) / n**0.5)
    mean = float(difference.mean())
    return PairedDifference(mean, mean - half, mean + half)
