"""Right and wrong answers, and alterations: explaining under shift."""

from __future__ import annotations

import numpy as np

HONEST = {
    "by_the_formula": (
        lambda w, X, B: np.mean([w * (X - b) for b in B], axis=0),
        lambda w, X, B: X * w - (B * w).mean(0),
    ),
    "do_not_treat_this": (
        lambda w, y, a: [
            k
            for k in a
            if abs(a[k]) / sum(map(abs, a.values())) > 0.1
            and abs(w.effect_of(k, on=y, n=500).value) < 1e-9
        ],
    ),
}

WRONG = {
    "by_the_formula": {
        "no baseline": lambda w, X, _: w * X,
        "no weight": lambda _, X, B: X - B.mean(0),
        "the first baseline": lambda w, X, B: w * (X - B[0]),
        "one mean for all columns": lambda w, X, B: w * (X - B.mean()),
        "sizes": lambda w, X, B: abs(w * (X - B.mean(0))),
        "evenly": lambda w, X, B: np.repeat(
            (((X - B.mean(0)) @ w) / 3)[:, None], 3, axis=1
        ),
        "a row for all": lambda w, X, B: (w * (X - B.mean(0))).mean(0),
    },
    "do_not_treat_this": {
        "large is enough": lambda _w, _y, a: {k for k in a if abs(a[k]) > 0.2},
        "no effect is enough": lambda w, y, a: {
            k for k in a if w.effect_of(k, on=y).value == 0
        },
        "signs": lambda w, y, a: {
            k for k in a if a[k] > 0.2 and w.effect_of(k, on=y).value == 0
        },
        "negative effects": lambda w, y, a: {
            k for k in a if abs(a[k]) > 0.2 and w.effect_of(k, on=y).value <= 0
        },
        "the other way round": lambda w, y, a: {
            k for k in a if abs(a[k]) > 0.2 and w.effect_of(y, on=k).value == 0
        },
        "no names": lambda _w, _y, a: len(a),
        "a whole that cancels": lambda w, y, a: {
            n
            for n in a
            if abs(a[n]) >= 0.1 * abs(sum(a.values()))
            and w.effect_of(n, on=y, low=0, high=1).value == 0
        },
        "a tenth of one": lambda w, y, a: {
            n
            for n in a
            if abs(a[n]) >= 0.1 and w.effect_of(n, on=y, low=0, high=1).value == 0
        },
        "a tenth of the largest": lambda w, y, a: {
            n
            for n in a
            if abs(a[n]) >= 0.1 * max(map(abs, a.values()))
            and w.effect_of(n, on=y, low=0, high=1).value == 0
        },
    },
}

# The named alteration of each claim: what to replace in the notebook's code, and by
# what.
ALTERATIONS = {
    "the disease listened to the marker": (
        "[world.effect_of(f, on=",
        "[world.do(y=lambda x2: x2 >= 0.5, x2=lambda noise: noise).effect_of(f, on=",
    ),
    "one read the line of the queue instead": (
        "marker = np.array([share[1]",
        "marker = np.array([share[2]",
    ),
    "the mean of the baselines were forgotten": (
        "(X_new - X_home[:100].mean(0))",
        "X_new",
    ),
    "GradientSHAP explained the patients in another order": (
        'sampled["network"].values[:, 1], exact',
        'sampled["network"].values.flip(0)[:, 1], exact',
    ),
    "the marker was raised by nothing": ('"high": high[1]}', '"high": low[1]}'),
    "the neighbours were chosen at random": (
        "search.kneighbors((X / scale)[:, known], return_distance=False)",
        "np.random.default_rng(0).integers(len(background), size=(len(X), k))",
    ),
    "the third hospital had the instrument of the first": (
        '"third (10)": 10.0',
        '"third (10)": 0.1',
    ),
}
