"""How a notebook speaks: sentences and claims with this run's numbers, figures,
exercises, sources.
"""

from xaicourse.teaching.exercise import (
    Exercise,
    NotYet,
    check,
    hint,
    require,
    rounded,
)
from xaicourse.teaching.narration import (
    ClaimFailed,
    claim,
    differences,
    recording,
    say,
    show,
    table,
)
from xaicourse.teaching.running import explore, progress, run_on_gpu
from xaicourse.teaching.sources import show_source

__all__ = [
    "ClaimFailed",
    "Exercise",
    "NotYet",
    "check",
    "claim",
    "differences",
    "explore",
    "hint",
    "progress",
    "recording",
    "require",
    "rounded",
    "run_on_gpu",
    "say",
    "show",
    "show_source",
    "table",
]
