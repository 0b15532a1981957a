"""Right and wrong answers, and alterations: time series."""

from __future__ import annotations

from typing import Any

import numpy as np

from xaicourse.sensitivity import pi_weights


def _recursion(phi: float, theta: float, n: int, *, second: Any = None) -> list[float]:
    found = [1 + phi + theta]
    while len(found) < n:
        found.append(-theta * found[-1] - (phi if len(found) == 1 else 0))
    if second is not None and n > 1:
        found[1] = second(phi, theta)
    return found


def _of_the_size(phi: float, theta: float, n: int) -> list[float]:
    found = [1 + phi + theta, -phi - theta * (1 + phi + theta)]
    while len(found) < n:
        found.append(abs(theta) * found[-1])
    return found[:n]


HONEST = {
    "two_misread_years": (
        lambda weights, errors: np.dot(
            [weights[k - 1] for k in errors], list(errors.values())
        ),
    ),
    "weights_without_a_library": (
        _recursion,
        lambda phi, theta, n: pi_weights([phi], [theta], d=1, n_weights=n),
    ),
}

WRONG = {
    "two_misread_years": {
        "counts lags from zero": lambda w, errors: sum(
            np.r_[w, 0][lag] * e for lag, e in errors.items()
        ),
        "counts from the end": lambda w, errors: sum(
            w[-lag] * e for lag, e in errors.items()
        ),
        "takes sizes": lambda w, errors: sum(
            abs(w[lag - 1] * e) for lag, e in errors.items()
        ),
        "averages": lambda w, errors: np.mean(
            [w[lag - 1] * e for lag, e in errors.items()]
        ),
        "corrects instead": lambda w, errors: (
            -sum(w[lag - 1] * e for lag, e in errors.items())
        ),
    },
    "weights_without_a_library": {
        "the other sign of θ": lambda phi, theta, n: _recursion(phi, -theta, n),
        "oldest first": lambda phi, theta, n: (
            _recursion(phi, theta, n)[::-1] if (phi, theta) != (0, 0) else [1, 0, 0]
        ),
        "no differencing": lambda phi, theta, n: pi_weights(
            [phi], [theta], d=0, n_weights=n
        ),
        "forgets φ in the second": lambda phi, theta, n: _recursion(
            phi, theta, n, second=lambda phi, theta: -theta * (1 + phi + theta)
        ),
        "always two at least": lambda phi, theta, n: _recursion(phi, theta, max(n, 2)),
        "the size of theta": _of_the_size,
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the bars were drawn in the order in which they were computed": (
        "drawn = by_hand[::-1]",
        "drawn = by_hand",
    ),
    "θ were read with Box and Jenkins' sign": (
        "weights = pi_weights([phi], [theta], d=1",
        "weights = pi_weights([phi], [-theta], d=1",
    ),
    "the model had not taken differences": (
        "closed = pi_weights(river.arparams, river.maparams, d=1",
        "closed = pi_weights(river.arparams, river.maparams, d=0",
    ),
    "only the years since 1960 were raised": (
        "river.apply(nile + 100)",
        "river.apply(nile + 100 * (years >= 1960))",
    ),
    "the parameters were kept": (
        ".fit(start_params=river.params).forecast",
        ".smooth(river.params).forecast",
    ),
    "the past features had the sign of the coming one": (
        "abs(features - np.r_[beta, -beta * pi]).max()",
        "abs(features - np.r_[beta, beta * pi]).max()",
    ),
    "only the past quarters were counted": (
        "level = both.features[:, 0].sum()",
        "level = both.features[1:, 0].sum()",
    ),
}
