"""The diabetes table: the published facts, the twin's likeness, and its known
mechanism.
"""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xaicourse.datasets import load_diabetes, simulate_diabetes
from xaicourse.datasets.diabetes import DIABETES, EFFECTS


@pytest.fixture(scope="module")
def real():
    if DIABETES.state() != "at hand":
        pytest.skip(
            "the real diabetes table is not at hand: `xaicourse data fetch diabetes`, "
            "or set XAICOURSE_DATA"
        )
    return load_diabetes("real")


def filled(data):
    return data.features.fillna(data.features.median())


def portrait(data):
    X, y = filled(data), data.target
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    forest = RandomForestClassifier(40, min_samples_leaf=5, random_state=0)
    return {
        "base rate": y.mean(),
        "logistic accuracy": cross_val_score(logistic, X, y, cv=10).mean(),
        "forest accuracy": cross_val_score(forest, X, y, cv=5).mean(),
        "area under the curve": cross_val_score(
            logistic, X, y, cv=10, scoring="roc_auc"
        ).mean(),
    }


def test_the_real_table_is_the_published_one(real):
    assert repr(real) == "Dataset('diabetes', 768 rows, 8 features, real)"
    assert np.bincount(real.target).tolist() == [500, 268]
    assert real.features.isna().sum().tolist() == [0, 5, 35, 227, 374, 11, 0, 0]
    assert (real.features["pregnancies"] == 0).sum() == 111  # a zero that is one
    assert real.features.loc[0].dropna().tolist() == [6, 148, 72, 35, 33.6, 0.627, 50]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_twin_is_within_two_points(real, seed):
    assert portrait(simulate_diabetes(8000, seed=seed)) == pytest.approx(
        portrait(real), abs=0.02
    )


def test_columns_missing_entries_and_dependences_are_alike(real):
    twin = simulate_diabetes(20_000, seed=0)
    assert list(twin.features) == list(real.features)
    assert (twin.features.dtypes == real.features.dtypes).all()
    assert (twin.target.dtype, twin.target.name) == (
        real.target.dtype,
        real.target.name,
    )
    assert (
        np.abs(twin.features.isna().mean() - real.features.isna().mean()).max() < 0.01
    )
    apart = twin.features.corr(method="spearman") - real.features.corr(
        method="spearman"
    )
    assert np.abs(apart.to_numpy()).max() < 0.13
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        difference = twin.features.quantile(level) - real.features.quantile(level)
        assert (difference.abs() < 0.1 * real.features.std()).all()
    assert (twin.features.min() >= 0).all()
    rng = np.random.default_rng(0)
    shuffled = twin.features.apply(lambda column: rng.permutation(column.to_numpy()))
    lost = shuffled.corr(method="spearman") - real.features.corr(method="spearman")
    # the check sees a table without dependences
    assert np.abs(lost.to_numpy()).max() > 0.13


def test_the_mechanism_is_found_again():
    twin = simulate_diabetes(100_000, seed=3)
    X = twin.truth.measured
    deviations = np.array(
        [EFFECTS[name][1] if name in EFFECTS else X[name].std() for name in X]
    )
    found = (
        LogisticRegression(C=1e6, max_iter=1000)
        .fit((X - X.mean()) / deviations, twin.target)
        .coef_[0]
    )
    expected = [EFFECTS[name][2] if name in EFFECTS else 0.0 for name in X]
    np.testing.assert_allclose(found, expected, atol=0.06)
    assert (X.notna().all()).all()
    assert (
        X.to_numpy()[twin.features.notna()]
        == twin.features.to_numpy()[twin.features.notna()]
    ).all()


def test_seeds():
    a, b, c = (simulate_diabetes(seed=s).features for s in (0, 0, 1))
    assert a.equals(b)
    assert not a.equals(c)
