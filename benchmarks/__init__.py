"""Speed, as ratios measured in one run: absolute seconds differ from machine to
machine, ratios less.
"""

from collections.abc import Callable

Work = Callable[[], object]
"""One side of a pair: what it does when called."""
