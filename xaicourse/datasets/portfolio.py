"""An insurer's customers, whose discrimination is planted with a known size.

Every customer is drawn from a causal model, each line from its causes and a noise of
its own:

    age, gender                                    of themselves religion
    (hidden)  <- age             minorities are younger education                   <-
    age politics          (hidden)  <- education, age, gender name_origin, name_length,
    name_per_million     <- religion district, rent                                 <-
    religion; rent <- district, education exercise, smoker, bmi, blood_pressure, chronic
    <- age, education, each other; never religion or politics friends, night_posts,
    pages_slant              <- age; the slant of the pages followed <- politics
    deductible                                     chosen by the customer claims
    <- expected claims <- age, gender, smoker, bmi, blood_pressure, chronic, exercise,
    deductible accepted          <- expected claims, religion, politics

Religion and politics reach the decision along one arrow each, whose strength is an
argument. No column holds either; name and address tell the first, education, age,
gender and the pages followed the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import gamma, norm, poisson

from xaicourse.validation import Seed, check_choice, check_float, check_int, check_seed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_N_DRAWS = 24  # uniform numbers a customer is made from
_ORIGINS = ("north", "coast", "hills", "plain", "islands", "south")
_ORIGIN_SHARES = np.array(
    [[0.30, 0.26, 0.22, 0.14, 0.05, 0.03], [0.03, 0.04, 0.06, 0.10, 0.37, 0.40]]
)
_DISTRICTS = tuple(f"D{i}" for i in range(1, 9))
_DISTRICT_SHARES = np.array(
    [
        [0.18, 0.17, 0.15, 0.15, 0.13, 0.10, 0.07, 0.05],
        [0.03, 0.04, 0.05, 0.08, 0.13, 0.17, 0.24, 0.26],
    ]
)
_RENT = np.array([16.5, 15.5, 14.5, 13.5, 14.0, 12.5, 11.0, 10.5])
_DEDUCTIBLES = np.array([0, 250, 500, 1000, 2000])
_DEDUCTIBLE_SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])


@dataclass(frozen=True, eq=False, repr=False)
class PortfolioTruth:
    """What an auditor would like to know, and only a simulation knows.

    Attributes
    ----------
    religion, politics : ndarray of int64, shape (n,)
        The hidden groups: 1 is the religious minority, and the political orientation
        that underwriters disliked.
    against_religion, against_politics : float
        Planted discrimination: what belonging to the group takes from the log-odds of
        being accepted.
    expected_claims : ndarray, shape (n,)
        Mean of the yearly claims given everything that causes them, euros.
    acceptance : ndarray, shape (n,)
        Probability with which the underwriters accepted the customer.
    fair : ndarray of int64, shape (n,)
        The same decisions, with the same chance events, had nothing been planted.
    """

    religion: Ints
    politics: Ints
    against_religion: float
    against_politics: float
    expected_claims: Floats
    acceptance: Floats
    fair: Ints
    _draws: Floats = field(default_factory=lambda: np.empty((0, _N_DRAWS)))

    def twins(
        self, *, religion: int | None = None, politics: int | None = None
    ) -> pd.DataFrame:
        """Return the customers as they would be with another religion or politics, and
        all chance events as before.

        Parameters
        ----------
        religion, politics : {0, 1} or None
            The intervention; ``None`` leaves the attribute as it is.

        Raises
        ------
        ValueError
            If one of them is something else.
        """
        return _customers(
            self._draws,
            _check_group("religion", religion),
            _check_group("politics", politics),
        )[0]

    def effect(self, attribute: str) -> float:
        """Return the interventional effect on the chance of being accepted by the
        underwriters.

        E[accepted | do(attribute = 1)] - E[accepted | do(attribute = 0)], over these
        customers. Medical columns do not listen to either attribute, so this is all
        discrimination.

        Parameters
        ----------
        attribute : {"religion", "politics"}

        Raises
        ------
        ValueError
            If it is neither.
        """
        strengths = {
            "religion": self.against_religion,
            "politics": self.against_politics,
        }
        check_choice("attribute", attribute, strengths)
        score = logit(self.acceptance) + strengths[attribute] * getattr(self, attribute)
        return float(np.mean(expit(score - strengths[attribute]) - expit(score)))


@dataclass(frozen=True, eq=False, repr=False)
class Portfolio:
    """Customers, what they claimed, whether they were accepted, and the truth behind
    it.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row a customer. Categories: name_origin, district, gender. Numbers:
        name_length (letters), name_per_million (bearers), rent (euros a square metre),
        education (1 to 5), age (years), smoker (0 or 1), bmi (kg/m²), blood_pressure
        (mmHg), chronic (conditions), exercise (hours a week), friends (on the network),
        night_posts (a week), pages_slant (-1 to 1), deductible (euros).
    claims : pandas.Series
        Euros claimed in a year.
    accepted : pandas.Series of int64
        1 where the underwriters accepted the application.
    test : ndarray of bool
        Held-out rows: the last three tenths, as rows are drawn independently.
    truth : PortfolioTruth
    """

    customers: pd.DataFrame
    claims: pd.Series[float]
    accepted: pd.Series[int]
    test: NDArray[np.bool_]
    truth: PortfolioTruth

    def __repr__(self) -> str:
        rows, columns = self.customers.shape
        share = f"{self.accepted.mean():.0%} accepted"
        return f"Portfolio({rows:,} customers, {columns} columns, {share})"


def simulate_portfolio(
    n: int = 20_000,
    *,
    against_religion: float = 1.5,
    against_politics: float = 0.8,
    seed: Seed = 0,
) -> Portfolio:
    r"""Draw customers of an insurer, some of whom its underwriters treated worse.

    .. math::

        \operatorname{logit} P(\text{accepted}) = 0.9 - 1.5 \ln\frac{\text{expected
        claims}}{1000\ \text{euros}}
        - \delta_r\,\text{religion} - \delta_p\,\text{politics}

    Parameters
    ----------
    n : int
        Number of customers.
    against_religion, against_politics : float
        Planted discrimination δ, log-odds; zero plants none. They change no column and
        no claim, only decisions: with the same seed two portfolios are pairs that
        differ in nothing else.
    seed : int, numpy.random.Generator or None
        Of all draws; the first customers of a larger `n` are those of a smaller one.

    Returns
    -------
    Portfolio

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer, a strength no finite number, or the seed none.

    Examples
    --------
    >>> portfolio = simulate_portfolio(1000)
    >>> portfolio
    Portfolio(1,000 customers, 17 columns, 61% accepted)
    >>> round(portfolio.truth.effect("religion"), 2)
    -0.25
    >>> simulate_portfolio(1000, against_religion=0).truth.effect("religion")
    0.0
    """
    n = check_int("n", n)
    strengths = {
        "against_religion": check_float("against_religion", against_religion),
        "against_politics": check_float("against_politics", against_politics),
    }
    u = check_seed(seed).random((n, _N_DRAWS))
    customers, religion, politics = _customers(u)
    expected = _expected_claims(customers)
    merit = 0.9 - 1.5 * np.log(expected / 1000)
    planted = (
        strengths["against_religion"] * religion
        + strengths["against_politics"] * politics
    )
    acceptance = expit(merit - planted)
    # One accident a year on average for 600 euros of expected claims; each costs what a
    # skewed law says.
    accidents = poisson.ppf(u[:, 20], expected / 600)
    claims: Floats = np.where(
        accidents > 0, gamma.ppf(u[:, 21], np.maximum(2 * accidents, 1), scale=300), 0.0
    )
    chance = u[:, 22]
    truth = PortfolioTruth(
        religion,
        politics,
        **strengths,
        expected_claims=expected,
        acceptance=acceptance,
        fair=(chance < expit(merit)).astype(np.int64),
        _draws=u,
    )
    return Portfolio(
        customers,
        pd.Series(claims, name="claims", dtype="float64"),
        pd.Series(
            (chance < acceptance).astype(np.int64), name="accepted", dtype="int64"
        ),
        np.arange(n) >= round(0.7 * n),
        truth,
    )


def _customers(
    u: Floats, religion: int | None = None, politics: int | None = None
) -> tuple[pd.DataFrame, Ints, Ints]:
    """Columns, religion and politics made from uniform draws; an intervention replaces
    an attribute's own equation.
    """
    z = norm.ppf(np.clip(u, 1e-12, 1 - 1e-12))
    age = 18 + 62 * u[:, 0] ** 1.1
    old = (age - 45) / 15
    man = u[:, 1] < 0.5
    faith = (u[:, 2] < expit(-1.2 - 0.6 * old)).astype(np.int64)
    faith = faith if religion is None else np.full(len(u), religion)
    education = np.clip(np.round(3.1 - 0.35 * old + 1.1 * z[:, 3]), 1, 5)
    party = (
        u[:, 4] < expit(-0.3 + 1.0 * old - 1.3 * (education - 3) + 1.6 * (man - 0.5))
    ).astype(np.int64)
    party = party if politics is None else np.full(len(u), politics)
    origin = _choose(_ORIGIN_SHARES[faith], u[:, 5])
    district = _choose(_DISTRICT_SHARES[faith], u[:, 6])
    exercise = np.clip(2.5 + 0.4 * (education - 3) + 1.8 * z[:, 7], 0, 12)
    smoker = u[:, 8] < expit(-1.1 - 0.35 * (education - 3) - 0.2 * old)
    bmi = np.clip(26 + 0.8 * old - 0.5 * (exercise - 2.5) + 3.6 * z[:, 9], 16, 48)
    pressure = 122 + 6 * old + 0.9 * (bmi - 26) + 9 * z[:, 10]
    chronic = poisson.ppf(
        u[:, 11], np.exp(-1.0 + 0.5 * old + 0.5 * smoker + 0.04 * (bmi - 26))
    )
    columns = {
        "name_origin": _category(origin, _ORIGINS),
        "name_length": np.clip(np.round(11 + 2.0 * faith + 2.2 * z[:, 12]), 4, 24),
        "name_per_million": np.round(np.exp(4.5 - 1.2 * faith + z[:, 13])),
        "district": _category(district, _DISTRICTS),
        "rent": np.round(_RENT[district] + 0.5 * (education - 3) + 1.3 * z[:, 14], 1),
        "education": education,
        "age": np.floor(age),
        "gender": _category(man.astype(np.int64), ("woman", "man")),
        "smoker": smoker.astype(float),
        "bmi": np.round(bmi, 1),
        "blood_pressure": np.round(pressure),
        "chronic": np.minimum(chronic, 5),
        "exercise": np.round(exercise, 1),
        "friends": np.round(np.exp(5.2 - 0.35 * old + 0.6 * z[:, 15])),
        "pages_slant": np.round(np.tanh(0.45 * (2 * party - 1) + 0.7 * z[:, 16]), 2),
        "night_posts": poisson.ppf(u[:, 18], np.exp(0.8 - 0.5 * old)),
        "deductible": _DEDUCTIBLES[_choose(_DEDUCTIBLE_SHARES, u[:, 17])].astype(float),
    }
    return pd.DataFrame(columns), faith, party


def _expected_claims(customers: pd.DataFrame) -> Floats:
    """Mean yearly claims, euros: of age, gender, medical columns, exercise and
    deductible alone.
    """
    c = customers
    logarithm = (
        np.log(600)
        + 0.35 * (c["age"] - 45) / 15
        + 0.15 * (c["gender"] == "man")
        + 0.55 * (c["smoker"] - 0.25)
        + 0.04 * (c["bmi"] - 26)
        + 0.012 * (c["blood_pressure"] - 122)
        + 0.3 * (c["chronic"] - 0.5)
        - 0.06 * (c["exercise"] - 2.5)
        - 0.4 * (c["deductible"] - 600) / 1000
    )
    return np.asarray(np.exp(logarithm.to_numpy(float)))


def _choose(shares: Floats, u: Floats) -> Ints:
    """Index drawn with the given shares: a row for all customers, or one each."""
    steps = np.cumsum(np.atleast_2d(shares), axis=1)
    return np.asarray((u[:, None] >= steps[:, :-1]).sum(1), np.int64)


def _category(codes: Ints, names: tuple[str, ...]) -> pd.Series[str]:
    return pd.Series(np.array(names)[codes], dtype=pd.CategoricalDtype(list(names)))


def _check_group(name: str, value: int | None) -> int | None:
    return None if value is None else check_int(name, value, minimum=0, maximum=1)
