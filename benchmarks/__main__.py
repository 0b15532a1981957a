"""Run ``make bench``: what the course does beside what a user would take instead.

Each pair is timed in turn, eleven times, by the processor time of this process, on one
thread; the ratio of a turn is that of the other to ours. ``make bench ARGS=layers``
runs one part, ``make bench ARGS="layers occlusion"`` the pairs of it with that word in
their names.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

PARTS = ("gradients", "layers", "tables", "sensitivity")
TURNS = 11
LEAST = 0.02  # seconds that a side is run for in a turn, in as many calls as that takes


def processor_seconds(work: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - start) / calls


def ratios(pair: Callable[[], tuple[Any, Any]]) -> tuple[list[float], float]:
    """Return the sorted ratios of the turns, and the median seconds of our side."""
    ours, other = pair()
    ours(), other()  # what only the first call pays for
    calls = max(1, round(LEAST / max(processor_seconds(ours, 1), 1e-6)))
    found, mine = [], []
    for turn in range(TURNS):
        sides = (ours, other) if turn % 2 else (other, ours)
        seconds = {side: processor_seconds(side, calls) for side in sides}
        found.append(seconds[other] / seconds[ours])
        mine.append(seconds[ours])
    return sorted(found), statistics.median(mine)


def described(pair: Callable[..., object]) -> str:
    """Return what a pair compares, and at which size."""
    function, size = pair, ""
    if isinstance(pair, partial):
        function = pair.func
        size = ", ".join(
            [str(a) for a in pair.args]
            + [f"{name} {value}" for name, value in pair.keywords.items()]
        )
    text = " ".join((function.__doc__ or "").split()).rstrip(".")
    return f"{text} ({size})" if size else text


def digits(number: float) -> str:
    """Write a number with three digits that count."""
    return f"{float(f'{number:.3g}'):,.10g}"


def main(chosen: list[str]) -> None:
    import torch

    torch.set_num_threads(1)
    parts = [part for part in PARTS if part in chosen] or PARTS
    words = [word for word in chosen if word not in PARTS]
    print("| what | ratio | lowest and highest | ours, ms |\n|---|---|---|---|")
    for part in parts:
        for pair in importlib.import_module(f"benchmarks.{part}").PAIRS:
            name = getattr(pair, "func", pair).__name__
            if words and not any(word in name for word in words):
                continue
            found, mine = ratios(pair)
            print(
                f"| {described(pair)} | {digits(statistics.median(found))} "
                f"| {digits(found[0])} to {digits(found[-1])} | {digits(1e3 * mine)} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
