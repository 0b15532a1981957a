"""Data sets: the files are found, verified and fetched as promised; the real table is
the published one; the twin is close to it and its truth is true.

The real rows are used where XAICOURSE_DATA or the user's cache holds them.
"""

import dataclasses
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from xaicourse.datasets import (
    ChecksumError,
    Dataset,
    available,
    census_twin,
    data_folder,
    fetch,
    load_census,
)
from xaicourse.datasets.base import RemoteFile
from xaicourse.datasets.census import CENSUS
from xaicourse.datasets.census_twin import (
    CATEGORIES,
    CAUSES,
    TARGET,
    CensusTruth,
    simulate_census,
)
from xaicourse.validation import check_seed


@cache
def real_census() -> Dataset:
    return load_census("real")


@pytest.fixture
def real() -> Dataset:
    if CENSUS.state() == "absent":  # a damaged file is an error, not a reason to skip
        pytest.skip(
            "the real census table is not at hand: `xaicourse data fetch census`, or "
            "set XAICOURSE_DATA"
        )
    return real_census()


@cache
def twin_of(seed: int) -> Dataset:
    return simulate_census(seed=seed)


@pytest.fixture
def twin() -> Dataset:
    return twin_of(0)


# --- finding and verifying files
# -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path))
    (tmp_path / "census").mkdir()
    return tmp_path


def test_without_files_auto_is_the_twin_and_real_says_what_to_do(folder: Path) -> None:
    assert CENSUS.state() == "absent"
    assert load_census().source == "simulated"
    with pytest.raises(FileNotFoundError, match="xaicourse data fetch census"):
        load_census("real")


@pytest.mark.parametrize("source", ["auto", "real"])
def test_a_damaged_file_is_an_error_and_no_silent_twin(
    folder: Path, source: str
) -> None:
    (folder / "census" / "adult.data").write_text("39, State-gov\n")
    assert CENSUS.state() == "wrong checksum"
    with pytest.raises(
        ChecksumError,
        match=r"adult\.data has SHA-256 \w{12}\.\.\., expected 5b0026463\w+",
    ):
        load_census(source)  # type: ignore[arg-type]
    assert load_census("simulated").source == "simulated"


def test_one_file_of_two_counts_as_absent(folder: Path) -> None:
    content = b"a,b\n"
    files = (
        RemoteFile("http://nowhere.invalid/one", hashlib.sha256(content).hexdigest()),
        CENSUS.files[1],
    )
    (folder / "census" / "one").write_bytes(content)
    assert dataclasses.replace(CENSUS, files=files).state() == "absent"
    assert dataclasses.replace(CENSUS, files=files[:1]).state() == "at hand"


def test_the_variable_must_name_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAICOURSE_DATA", str(tmp_path / "nothing"))
    for source in ("auto", "real"):
        with pytest.raises(ValueError, match="XAICOURSE_DATA names no folder"):
            load_census(source)


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_the_cache_is_used(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("XAICOURSE_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("XAICOURSE_DATA", value)
    assert "xaicourse" in data_folder().parts[-2:] or data_folder().name == "xaicourse"


def test_source_is_checked() -> None:
    with pytest.raises(
        ValueError,
        match="source: got 'fake', expected one of 'auto', 'real', 'simulated'",
    ):
        load_census("fake")  # type: ignore[arg-type]


def test_available_describes_every_data_set() -> None:
    assert available()["census"].rows == 48_842
    for name, info in available().items():
        assert info.name == name
        assert all((info.citation, info.terms, info.title))
        for file in info.files:
            assert file.url.startswith("https://")
            assert info.own or len(file.sha256 or "") == 64


# --- fetching, from a server of this machine
# -------------------------------------------------------------------------

BODY = b"17, Private\n" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.endswith("absent"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[:100] if self.path.endswith("broken") else BODY)
        self.server.served.append(self.path)  # type: ignore[attr-defined]

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Iterator[tuple[Callable[..., None], list[str]]]:
    """Make the census a download of the named file from a local server; the list fills
    with what was served.
    """
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.served = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()

    def offer(name: str, digest: str = DIGEST) -> None:
        files = (RemoteFile(f"http://127.0.0.1:{server.server_port}/{name}", digest),)
        registry = {"census": dataclasses.replace(CENSUS, files=files)}
        monkeypatch.setattr("xaicourse.datasets.base._registry", registry)

    yield offer, server.served  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetch_downloads_once_and_repairs(
    served: tuple[Callable[..., None], list[str]],
    folder: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    offer, log = served
    offer("whole")
    assert fetch("census")["whole"].read_bytes() == BODY
    assert available()["census"].state() == "at hand"
    fetch("census")
    assert log == ["/whole"], "a verified file was downloaded again"
    assert capfd.readouterr() == ("", ""), "silent unless progress is asked for"
    (folder / "census" / "whole").write_bytes(b"damaged")
    fetch("census", progress=True)
    assert available()["census"].state() == "at hand"
    assert "100%" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "digest", "error"),
    [
        (
            "whole",
            "0" * 64,
            pytest.raises(ChecksumError, match=r"not the published file .* login page"),
        ),
        (
            "broken",
            DIGEST,
            pytest.raises(ConnectionError, match="could not download http"),
        ),
        ("absent", DIGEST, pytest.raises(ConnectionError, match="404")),
    ],
)
def test_a_failed_download_leaves_nothing(
    served: tuple[Callable[..., None], list[str]],
    folder: Path,
    name: str,
    digest: str,
    error: AbstractContextManager[object],
) -> None:
    served[0](name, digest)
    with error:
        fetch("census")
    assert list((folder / "census").iterdir()) == []


@pytest.mark.parametrize("proxy", ["http://:bad", "htp://there", "there:no-port"])
def test_a_mistake_in_a_proxy_is_no_falsified_file(
    proxy: str,
    served: tuple[Callable[..., None], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    served[0]("whole")
    with pytest.raises(ConnectionError, match="could not download http"):
        fetch("census")


def test_fetch_names_what_there_is() -> None:
    with pytest.raises(
        ValueError, match=r"name: got 'titanic', expected one of .*census"
    ):
        fetch("titanic")


# --- the real table
# --------------------------------------------------------------------------------------


def test_the_real_table_is_the_published_one(real: Dataset) -> None:
    assert list(real.features) == [name for name in CAUSES if name != TARGET]
    assert real.target.name == TARGET
    assert real.source == "real"
    assert real.truth is None
    assert (len(real.train_features), len(real.test_features)) == (32_561, 16_281)
    assert (real.train_target.sum(), real.test_target.sum()) == (7_841, 3_846)
    assert (real.train_features == "?").to_numpy().any(axis=1).sum() == 2_399
    assert not real.features.isna().to_numpy().any()
    first, first_test = real.features.iloc[0], real.test_features.iloc[0]
    assert (first["age"], first["workclass"], first["native_country"]) == (
        39,
        "State-gov",
        "United-States",
    )
    assert (first_test["age"], first_test["workclass"], first_test["fnlwgt"]) == (
        25,
        "Private",
        226_802,
    )


# --- the twin is close to the real table
# -----------------------------------------------------------------------------


def sex_auc(data: Dataset) -> float:
    """How well sex is predicted from the other columns."""
    man = (data.features["sex"] == "Male").to_numpy()
    others = data.features.drop(columns="sex")
    model = HistGradientBoostingClassifier(
        max_iter=40, categorical_features="from_dtype", random_state=0
    )
    model.fit(others[~data.test], man[~data.test])
    return float(
        roc_auc_score(man[data.test], model.predict_proba(others[data.test])[:, 1])
    )


@cache
def portrait(data: Dataset) -> dict[str, float]:
    """What the lectures say about the census, measured."""
    categories = list(CATEGORIES)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        remainder=StandardScaler(),
    )
    logistic = make_pipeline(encode, LogisticRegression(solver="newton-cholesky"))
    logistic.fit(data.train_features, data.train_target)
    boosted = HistGradientBoostingClassifier(
        max_iter=60, categorical_features="from_dtype", random_state=0
    )
    boosted.fit(data.train_features, data.train_target)
    said, truth = logistic.predict(data.test_features), data.test_target.to_numpy()
    measured = {
        "logistic accuracy": (said == truth).mean(),
        "boosted accuracy": boosted.score(data.test_features, truth),
        "base rate": data.target.mean(),
        "sex AUC": sex_auc(data),
    }
    for sex in ("Male", "Female"):
        here = (data.test_features["sex"] == sex).to_numpy()
        measured[f"base rate {sex}"] = data.target[data.features["sex"] == sex].mean()
        measured[f"selection rate {sex}"] = said[here].mean()
        measured[f"true positive rate {sex}"] = said[here & (truth == 1)].mean()
    return {name: float(value) for name, value in measured.items()}


def test_the_portrait_of_the_real_table(real: Dataset) -> None:
    known = {
        "logistic accuracy": 0.853,
        "boosted accuracy": 0.872,
        "sex AUC": 0.934,
        "selection rate Male": 0.252,
        "selection rate Female": 0.076,
        "true positive rate Male": 0.612,
        "true positive rate Female": 0.525,
    }
    measured = portrait(real)
    assert {name: measured[name] for name in known} == pytest.approx(known, abs=0.005)


# More rows than the census has, so that the comparison is of the twin's law and not of
# one draw: with the official sizes, the sampling error of the women's true positive
# rate alone is two points.
@pytest.mark.parametrize("seed", [0, 1])
def test_the_twin_is_within_two_points(real: Dataset, seed: int) -> None:
    assert portrait(simulate_census(50_000, 60_000, seed)) == pytest.approx(
        portrait(real), abs=0.02
    )


def test_the_portrait_can_tell_an_unlike_twin(real: Dataset) -> None:
    """The comparison fails when the direct effect of sex, or the tie between sex and
    the rest, is taken out.
    """
    expected = portrait(real)
    no_effect = simulate_census(sex_effect=0)
    men = no_effect.features["sex"] == "Male"
    assert abs(no_effect.target[men].mean() - expected["base rate Male"]) > 0.02
    twin = twin_of(0)
    shuffled = twin.features.assign(
        sex=check_seed(0).permutation(twin.features["sex"].to_numpy())
    )
    assert (
        abs(sex_auc(dataclasses.replace(twin, features=shuffled)) - expected["sex AUC"])
        > 0.02
    )


def test_columns_types_and_categories_are_the_same(
    real: Dataset, twin: Dataset
) -> None:
    assert list(twin.features) == list(real.features)
    assert twin.features.dtypes.to_dict() == real.features.dtypes.to_dict()
    assert (twin.target.dtype, twin.target.name) == (
        real.target.dtype,
        real.target.name,
    )
    assert (twin.test == real.test).all()
    for name, categories in CATEGORIES.items():
        assert set(real.features[name]) == set(categories)
        assert set(twin.features[name]) <= set(categories)
    pairs = ["education", "education_num"]
    assert set(twin.features[pairs].itertuples(index=False)) == set(
        real.features[pairs].itertuples(index=False)
    )


def test_missing_entries_follow_the_same_pattern(real: Dataset, twin: Dataset) -> None:
    for name in ("workclass", "occupation", "native_country"):
        shares = [(data.features[name] == "?").mean() for data in (real, twin)]
        assert shares[1] == pytest.approx(shares[0], abs=0.005)
    for data in (real, twin):
        employer, job = data.features["workclass"], data.features["occupation"]
        assert (job[employer.isin(["?", "Never-worked"])] == "?").all()
        assert employer[job == "?"].isin(["?", "Never-worked"]).all()


def test_values_are_plausible(twin: Dataset) -> None:
    rows = twin.features
    assert (rows["age"].min(), rows["age"].max()) == (17, 90)
    assert rows["hours_per_week"].between(1, 99).all()
    assert (rows["hours_per_week"] == 40).mean() == pytest.approx(0.467, abs=0.02)
    assert (rows["capital_gain"] == 0).mean() == pytest.approx(0.917, abs=0.01)
    assert (rows["capital_loss"] == 0).mean() == pytest.approx(0.953, abs=0.01)
    assert {7688, 15024, 99999} <= set(rows["capital_gain"])
    assert rows["fnlwgt"].between(12_285, 1_490_400).all()
    assert (rows["sex"][rows["relationship"] == "Husband"] == "Male").all()
    assert (rows["sex"][rows["relationship"] == "Wife"] == "Female").all()
    partners = rows["relationship"].isin(["Husband", "Wife"])
    assert (
        rows["marital_status"][partners]
        .isin(["Married-civ-spouse", "Married-AF-spouse"])
        .all()
    )


# --- the twin's truth
# --------------------------------------------------------------------------------------


def truth_of(data: Dataset) -> CensusTruth:
    assert isinstance(data.truth, CensusTruth)
    return data.truth


def test_the_true_probabilities_are_those_of_the_rows(twin: Dataset) -> None:
    truth = truth_of(twin)
    np.testing.assert_allclose(
        expit(truth.log_odds(twin.features)), truth.probabilities, rtol=1e-12
    )
    # calibration in ten bins: each observed share within four standard errors of the
    # expected one
    bins = pd.qcut(truth.probabilities, 10, labels=False)
    for k in range(10):
        p = truth.probabilities[bins == k]
        error = np.sqrt((p * (1 - p)).sum()) / len(p)
        assert abs(twin.target[bins == k].mean() - p.mean()) < 4 * error


def test_the_direct_effect_of_sex_is_the_one_asked_for() -> None:
    none, some = (
        simulate_census(2000, 1000, seed=3, sex_effect=effect) for effect in (0, 1.5)
    )
    pd.testing.assert_frame_equal(none.features, some.features)
    man = (none.features["sex"] == "Male").to_numpy()
    difference = truth_of(some).log_odds(some.features) - truth_of(none).log_odds(
        none.features
    )
    np.testing.assert_allclose(difference, 1.5 * man, atol=1e-12)
    assert none.target[man].mean() < some.target[man].mean()
    pd.testing.assert_series_equal(none.target[~man], some.target[~man])
    for data, effect in ((none, 0), (some, 1.5)):
        as_men = truth_of(data).log_odds(data.features.assign(sex="Male"))
        as_women = truth_of(data).log_odds(data.features.assign(sex="Female"))
        np.testing.assert_allclose(as_men - as_women, effect, atol=1e-12)
        assert truth_of(data).sex_effect == effect


def test_the_log_odds_move_with_the_declared_causes_and_nothing_else(
    twin: Dataset,
) -> None:
    truth, rows = truth_of(twin), twin.features.head(2000)
    before = truth.log_odds(rows)
    for name in CAUSES.keys() - {TARGET}:
        other = rows.assign(**{name: rows[name].to_numpy()[::-1]})
        assert (truth.log_odds(other) != before).any() == (name in CAUSES[TARGET]), name


def test_the_causal_graph_is_acyclic() -> None:
    known: set[str] = set()
    while layer := {
        name
        for name, causes in CAUSES.items()
        if name not in known and known.issuperset(causes)
    }:
        known |= layer
    assert known == set(CAUSES)


def test_the_truth_takes_any_rows_and_refuses_what_it_does_not_know(
    twin: Dataset,
) -> None:
    truth, row = truth_of(twin), twin.features.head(1)
    plain = row.astype(dict.fromkeys(CATEGORIES, object))
    assert truth.log_odds(plain) == truth.log_odds(row)
    with pytest.raises(
        ValueError, match=r"features: got none of the columns \['age', 'race'\]"
    ):
        truth.log_odds(row.drop(columns=["race", "age"]))
    with pytest.raises(ValueError, match=r"'sex'.* must hold only .*'Female', 'Male'"):
        truth.log_odds(plain.assign(sex="male"))
    with pytest.raises(ValueError, match=r"'age'\]: got NaN or infinity"):
        truth.log_odds(row.assign(age=np.nan))


def test_the_same_seed_gives_the_same_rows_and_leaves_the_global_state_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index] # noqa: NPY002
    first, again, other = (
        simulate_census(500, 100, seed=seed)
        for seed in (7, np.random.default_rng(7), 8)
    )
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index] # noqa: NPY002
    pd.testing.assert_frame_equal(first.features, again.features)
    pd.testing.assert_series_equal(first.target, again.target)
    assert not first.features.equals(other.features)
    assert not simulate_census(500, 100, None).features.equals(
        simulate_census(500, 100, None).features
    )
    assert load_census("simulated", seed=1).features.equals(twin_of(1).features)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_train": 0}, ValueError, "n_train: got 0, expected an integer"),
        ({"n_test": 2.5}, TypeError, r"n_test: got 2.5 \(float\), expected"),
        (
            {"sex_effect": float("nan")},
            ValueError,
            "sex_effect: got nan, expected a finite number",
        ),
        ({"seed": -1}, ValueError, "seed: got -1, expected an integer of at least 0"),
        ({"seed": "zero"}, TypeError, "seed: got 'zero' .*expected an integer"),
    ],
)
def test_bad_arguments_are_named(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        simulate_census(**arguments)  # type: ignore[arg-type]


def test_the_parts_of_a_dataset_and_its_checks(twin: Dataset) -> None:
    small = simulate_census(30, 20)
    assert [len(part) for part in (small.train_features, small.train_target)] == [
        30,
        30,
    ]
    assert [len(part) for part in (small.test_features, small.test_target)] == [20, 20]
    assert repr(small) == "Dataset('census', 50 rows, 14 features, simulated)"
    for change, error, message in (
        ({"target": small.target.head(3)}, ValueError, r"target: got shape \(3,\)"),
        ({"test": small.test.astype(int)}, TypeError, "test: got int64"),
        ({"test": small.test[:3]}, ValueError, r"test: got shape \(3,\)"),
    ):
        with pytest.raises(error, match=message):
            dataclasses.replace(small, **change)


def test_the_tables_of_the_twin_are_percentages() -> None:
    """A mistyped table shows: every column sums to one hundred, up to rounding."""
    tables = {
        name: t
        for name, t in vars(census_twin).items()
        if isinstance(t, census_twin._Table)
    }
    assert len(tables) == 9
    for name, table in tables.items():
        np.testing.assert_allclose(table.totals, 100, atol=2.5, err_msg=name)
