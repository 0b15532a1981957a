"""The portfolio: its truth is what a regression finds, zero plants nothing, and twins
differ where the model says.
"""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from xaicourse.datasets import simulate_portfolio

PORTFOLIO = simulate_portfolio(20_000, seed=1)
MEDICAL = [
    "smoker",
    "bmi",
    "blood_pressure",
    "chronic",
    "exercise",
    "deductible",
    "age",
    "education",
    "gender",
]


def recovered(portfolio):
    """Log-odds against religion and politics, found by a regression on merit and both,
    and their standard errors.
    """
    truth = portfolio.truth
    X = np.column_stack([np.log(truth.expected_claims), truth.religion, truth.politics])
    fit = LogisticRegression(C=np.inf, max_iter=1000).fit(X, portfolio.accepted)
    p = fit.predict_proba(X)[:, 1]
    design = np.column_stack([np.ones(len(X)), X])
    error = np.sqrt(np.diag(np.linalg.inv(design.T * (p * (1 - p)) @ design)))
    return -fit.coef_[0, 1:], error[2:]


@pytest.mark.parametrize("planted", [(1.5, 0.8), (0.0, 0.0), (0.7, 0.0), (-0.5, 0.3)])
def test_a_regression_recovers_what_was_planted(planted):
    found, error = recovered(
        simulate_portfolio(
            20_000, against_religion=planted[0], against_politics=planted[1]
        )
    )
    assert (abs(found - planted) < 4 * error).all()


def test_a_portfolio_that_plants_half_of_what_it_says_is_noticed():
    found, error = recovered(simulate_portfolio(20_000, against_religion=0.75))
    assert abs(found[0] - 1.5) > 4 * error[0]


def test_the_effect_is_the_difference_of_two_interventions():
    truth = PORTFOLIO.truth
    merit = 0.9 - 1.5 * np.log(truth.expected_claims / 1000)
    at = [expit(merit - 1.5 * r - 0.8 * truth.politics).mean() for r in (0, 1)]
    assert truth.effect("religion") == pytest.approx(at[1] - at[0], abs=1e-12)
    assert truth.acceptance == pytest.approx(
        expit(merit - 1.5 * truth.religion - 0.8 * truth.politics)
    )
    assert truth.effect("politics") < -0.1
    nothing = simulate_portfolio(500, against_religion=0, against_politics=0)
    assert nothing.truth.effect("religion") == nothing.truth.effect("politics") == 0
    assert np.array_equal(nothing.accepted, nothing.truth.fair)


def test_planting_changes_decisions_only_and_only_downwards():
    plain = simulate_portfolio(3000, against_religion=0, against_politics=0, seed=4)
    planted = simulate_portfolio(3000, seed=4)
    assert plain.customers.equals(planted.customers)
    assert plain.claims.equals(planted.claims)
    assert np.array_equal(plain.accepted, planted.truth.fair)
    assert (planted.accepted <= plain.accepted).all()
    touched = planted.accepted != plain.accepted
    assert not touched[
        (planted.truth.religion == 0) & (planted.truth.politics == 0)
    ].any()


def test_twins_differ_only_in_effects_of_the_attribute():
    customers, truth = PORTFOLIO.customers, PORTFOLIO.truth
    assert truth.twins().equals(customers)
    for group in (0, 1):
        same = truth.religion == group
        assert truth.twins(religion=group)[same].equals(customers[same])
    differ = truth.twins(religion=0).ne(truth.twins(religion=1)).any()
    assert set(differ.index[differ]) == {
        "name_origin",
        "name_length",
        "name_per_million",
        "district",
        "rent",
    }
    differ = truth.twins(politics=0).ne(truth.twins(politics=1)).any()
    assert set(differ.index[differ]) == {"pages_slant"}


def test_proxies_tell_the_hidden_groups_and_medical_columns_do_not_tell_religion():
    customers, truth, test = PORTFOLIO.customers, PORTFOLIO.truth, PORTFOLIO.test

    def told(columns, hidden):
        trees = HistGradientBoostingClassifier(
            categorical_features="from_dtype", max_iter=30, learning_rate=0.2
        )
        trees.fit(customers.loc[~test, columns], hidden[~test])
        return roc_auc_score(
            hidden[test], trees.predict_proba(customers.loc[test, columns])[:, 1]
        )

    assert told(["name_origin", "district"], truth.religion) > 0.9
    assert told(["education", "age", "gender"], truth.politics) > 0.8
    assert told(MEDICAL, truth.religion) < 0.72  # through age, on which it depends


def test_claims_have_the_expected_mean_and_groups_are_underwritten_by_the_same_risk():
    truth = PORTFOLIO.truth
    error = PORTFOLIO.claims.std() / np.sqrt(len(PORTFOLIO.claims))
    assert abs(PORTFOLIO.claims.mean() - truth.expected_claims.mean()) < 4 * error
    ratio = PORTFOLIO.claims / truth.expected_claims
    for hidden in (truth.religion, truth.politics):
        gap = ratio[hidden == 1].mean() - ratio[hidden == 0].mean()
        assert abs(gap) < 4 * np.hypot(
            *[ratio[hidden == g].std() / np.sqrt((hidden == g).sum()) for g in (0, 1)]
        )


def test_shapes_prefixes_and_seeds():
    assert PORTFOLIO.customers.shape == (20_000, 17)
    assert PORTFOLIO.test.sum() == 6000
    assert repr(PORTFOLIO).startswith("Portfolio(20,000 customers, 17 columns, ")
    assert simulate_portfolio(50, seed=1).customers.equals(PORTFOLIO.customers[:50])
    assert not simulate_portfolio(50, seed=2).customers.equals(PORTFOLIO.customers[:50])
    assert not PORTFOLIO.customers.isna().any().any()
    assert logit(PORTFOLIO.truth.acceptance).max() < 12


BAD = [
    ({"n": 0}, ValueError, "n: got 0, expected an integer of at least 1"),
    (
        {"against_religion": np.nan},
        ValueError,
        "against_religion: got nan, expected a finite number",
    ),
    (
        {"against_politics": "much"},
        TypeError,
        "against_politics: got 'much' (str), expected a number",
    ),
    ({"seed": -1}, ValueError, "seed: got -1, expected an integer of at least 0"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    with pytest.raises(error) as refusal:
        simulate_portfolio(**({"n": 10} | bad))
    assert str(refusal.value) == message


def test_bad_questions_to_the_truth():
    truth = simulate_portfolio(10).truth
    with pytest.raises(ValueError, match=r"attribute: got 'gender', expected one of"):
        truth.effect("gender")
    with pytest.raises(
        ValueError,
        match=r"religion: got 2, expected an integer of at least 0 and at most 1",
    ):
        truth.twins(religion=2)
