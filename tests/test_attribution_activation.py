"""Activation maximisation and concept vectors: closed forms, axioms, mutants, bad
input, a model left as it was.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from test_attribution_path import F64, Breaking, close, mlp, rows_of, same, snapshot

from xaicourse.attribution import concept_vectors, maximise_activation, tcav

few = settings(max_examples=6, deadline=None, derandomize=True)


# --- activation maximisation ----------------------------------------------------------


def check_linear(climb, seed=0, d=5, radius=2.0):
    """A linear unit on a ball has its maximum at c + r w / |w|."""
    w, c = rows_of(seed, 1, d)[0], rows_of(seed + 1, 1, d)
    best = climb(
        lambda x: x @ w,
        c.expand(3, d) + 0.1 * rows_of(seed + 2, 3, d),
        radius=radius,
        centre=c,
    )
    close(best, (c + radius * w / w.norm()).expand(3, d), atol=1e-5)


@few
@given(seed=st.integers(0, 10**6), d=st.integers(1, 12), radius=st.floats(0.1, 50))
def test_a_linear_unit_has_its_maximum_in_the_direction_of_its_weights(seed, d, radius):
    w = rows_of(seed, 1, d)[0]
    from_the_centre = maximise_activation(
        lambda x: x @ w, torch.zeros(1, d, dtype=F64), radius=radius, n_steps=3
    )
    close(from_the_centre.values[0], radius * w / w.norm(), rtol=1e-9)
    close(from_the_centre.activation[0], radius * w.norm(), rtol=1e-9)
    close(from_the_centre.start, torch.zeros(1, dtype=F64))


def test_it_is_found_from_elsewhere_and_the_mutant_without_a_ball_is_rejected():
    check_linear(
        lambda *args, **options: (
            maximise_activation(*args, n_steps=400, **options).values
        )
    )

    def without(model, inputs, radius, centre):
        x = inputs.clone().requires_grad_()
        for _ in range(50):
            x = x + 0.1 * torch.autograd.grad(model(x).sum(), x)[0]
        return x.detach()

    with pytest.raises(AssertionError):
        check_linear(without)


def test_a_quadratic_unit_is_maximised_inside_the_ball_and_on_its_rim():
    peak = torch.tensor([[3.0, 4.0]], dtype=F64)
    start = torch.zeros(1, 2, dtype=F64)
    close(
        maximise_activation(
            lambda x: -((x - peak) ** 2).sum(1), start, radius=9.0
        ).values,
        peak,
        atol=0.1,
    )
    close(
        maximise_activation(
            lambda x: -((x - peak) ** 2).sum(1), start, radius=1.0
        ).values,
        peak / 5,
        atol=1e-3,
    )


@few
@given(seed=st.integers(0, 10**6), unit=st.integers(0, 2))
def test_it_never_falls_below_its_start_and_never_leaves_the_ball_or_the_bounds(
    seed, unit
):
    net, starts = mlp(), rows_of(seed, 4, 6)
    result = maximise_activation(
        net, starts, target=unit, radius=1.5, centre=0.1, bounds=(-0.9, 0.8), n_steps=8
    )
    assert (result.activation >= result.start).all()
    assert (result.values - 0.1).norm(dim=1).max() <= 1.5 + 1e-9
    assert result.values.min() >= -0.9
    assert result.values.max() <= 0.8
    close(net.eval()(result.values)[:, unit], result.activation)


def test_pictures_rows_of_targets_and_batches():
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU()).double()
    torch.nn.init.uniform_(
        net[0].weight, -0.3, 0.3, generator=torch.Generator().manual_seed(3)
    )
    # the second map is off everywhere
    net[0].bias.data = torch.tensor([1.0, -9.0, 1.0], dtype=F64)
    starts = torch.rand(
        3, 2, 6, 6, generator=torch.Generator().manual_seed(0), dtype=F64
    )
    whole, parts = (
        maximise_activation(
            lambda x: net(x).mean((2, 3)),
            starts,
            target=torch.tensor([2, 0, 1]),
            radius=3.0,
            centre=0.5,
            bounds=(0, 1),
            n_steps=10,
            internal_batch_size=size,
        )
        for size in (None, 2)
    )
    close(whole.values, parts.values)
    assert whole.values.shape == starts.shape
    assert (whole.activation[:2] > whole.start[:2]).all()
    assert whole.activation[2] == 0


def test_a_unit_that_is_off_stays_where_it_is():
    result = maximise_activation(
        lambda x: (x[:, 0] - 9).relu(), torch.ones(1, 2), radius=5.0
    )
    assert torch.equal(result.values, torch.ones(1, 2))


@pytest.mark.parametrize("fail_at", [None, 1, 2, 5])
def test_model_inputs_and_global_state_are_left_alone(fail_at):
    model, inputs = Breaking(fail_at), rows_of(7, 4, 6).requires_grad_()
    model.net[0].weight.grad = torch.ones_like(model.net[0].weight)
    before = snapshot(model, inputs)
    if fail_at is None:
        maximise_activation(model, inputs, target=1, radius=1.0, n_steps=4)
    else:
        with pytest.raises(ArithmeticError, match="broken on purpose"):
            maximise_activation(model, inputs, target=1, radius=1.0, n_steps=4)
    assert same(before, snapshot(model, inputs))


X = rows_of(0, 3, 6)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"inputs": X.numpy()}, TypeError, "inputs: got ndarray"),
        ({"inputs": X * torch.nan}, ValueError, "inputs: got NaN"),
        ({"radius": 0.0}, ValueError, "radius: got 0"),
        ({"radius": -1}, ValueError, "radius: got -1"),
        ({"radius": torch.inf}, ValueError, "radius: got inf"),
        ({"centre": X[:2]}, ValueError, r"centre: got shape \(2, 6\)"),
        ({"centre": torch.nan}, ValueError, "centre: got nan"),
        ({"bounds": (1, 2)}, ValueError, "bounds: got"),
        ({"n_steps": 0}, ValueError, "n_steps: got 0"),
        ({"target": None}, ValueError, "target: got None"),
        ({"target": 3}, ValueError, "target: got 3"),
        ({"model": lambda x: x.detach()[:, :3]}, ValueError, "has no gradient"),
        ({"model": lambda x: (x[:, :3] * 0).sqrt()}, ValueError, "gradient: got NaN"),
    ],
)
def test_bad_arguments_of_the_maximum(bad, error, message):
    options = {
        "model": lambda x: x[:, :3] ** 2,
        "inputs": X,
        "target": 0,
        "radius": 1.0,
    } | bad
    with pytest.raises(error, match=message):
        maximise_activation(options.pop("model"), options.pop("inputs"), **options)


# --- concept vectors ------------------------------------------------------------------


def cloud(seed, n, d=4, at=0.0):
    return at + torch.randn(
        n, d, generator=torch.Generator().manual_seed(seed), dtype=F64
    )


def test_the_vector_is_that_of_linear_discriminant_analysis():
    concept, others = cloud(0, 60, at=torch.tensor([1.0, 0, -0.5, 0])), cloud(1, 60)
    concept[:, 1] += 2 * concept[:, 0]
    vector, accuracy = concept_vectors(concept, others, ridge=1e-9)
    X, y = torch.cat([concept, others]).numpy(), np.repeat([1, 0], 60)
    library = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y)
    np.testing.assert_allclose(
        vector, library.coef_[0] / np.linalg.norm(library.coef_[0]), atol=1e-7
    )
    assert float(accuracy) == pytest.approx(library.score(X, y))


def test_many_pairs_at_once_are_those_one_by_one():
    concepts, others = (
        torch.stack([cloud(s + k, 30) for s in range(5)]) for k in (0, 50)
    )
    vectors, accuracy = concept_vectors(concepts, others)
    for i in range(5):
        alone = concept_vectors(concepts[i], others[i])
        close(vectors[i], alone[0])
        close(accuracy[i], alone[1])


def head(a):
    return torch.nn.functional.logsigmoid(a[:, 0] * a[:, 1].exp() - a[:, 2])


def test_tcav_finds_what_the_head_uses_with_its_sign_and_nothing_else():
    pool, rows = cloud(1, 600), cloud(2, 200)
    for unit, score in ((0, 1.0), (2, 0.0)):
        found = tcav(
            head, rows, cloud(3 + unit, 50, at=2 * torch.eye(4, dtype=F64)[unit]), pool
        )
        assert abs(found.score - score) < 0.1
        assert found.p_value <= 0.02
        assert found.accuracy > 0.75
        assert (found.slope > 0) == (score == 1)
    unused = tcav(head, rows, cloud(9, 50, at=2 * torch.eye(4, dtype=F64)[3]), pool)
    assert unused.p_value > 0.05
    assert len(unused.scores) == 20
    assert len(unused.null_scores) == 199


@pytest.mark.parametrize("n_runs", [1, 5, 20])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_clearest_concept_has_the_smallest_p_value(n_runs, sign):
    """A linear head has one gradient, and each run a score of 0 or 1."""
    rows, concept = cloud(2, 50), cloud(3, 50, at=6 * torch.eye(4, dtype=F64)[0])

    def tested(head):
        return tcav(head, rows, concept, cloud(1, 400), n_runs=n_runs, n_random=99)

    found = tested(lambda a: sign * a[:, 0])
    assert found.accuracy > 0.99
    assert found.score == (sign == 1)
    assert found.p_value == 0.01
    assert tested(lambda a: a[:, 1]).p_value > 0.1


def test_a_random_concept_keeps_the_level_at_a_linear_head():
    check_level(
        [
            tcav(
                lambda a: a[:, 0],
                cloud(3 * i + 1, 20),
                cloud(3 * i + 2, 40),
                cloud(3 * i + 3, 300),
                n_runs=4,
                n_random=19,
                seed=i,
            ).p_value
            for i in range(60)
        ]
    )


def test_the_vector_does_not_depend_on_units():
    concept, others = cloud(0, 60, at=1.0), cloud(1, 60)
    vector, _ = concept_vectors(concept, others)
    for unit in (2.0**-40, 2.0**60):
        close(concept_vectors(unit * concept, unit * others)[0], vector)
    same = torch.ones(3, 4, dtype=F64)
    close(concept_vectors(3 * same, same)[0], 0.5 * same[0])


def check_level(p_values):
    """Where the concept is one more random set, at most one test in twenty may call it
    a finding.
    """
    assert (
        stats.binomtest(
            int(np.sum(np.array(p_values) <= 0.05)), len(p_values), 0.05, "greater"
        ).pvalue
        > 1e-3
    )


def test_a_random_concept_keeps_the_level_and_the_t_test_does_not():
    # The published procedure compares the runs of one concept with those of others by a
    # t-test.
    W = cloud(0, 24, 12)
    results = [
        tcav(
            lambda a: (a @ W).relu().sum(1).log1p(),
            cloud(3 * i + 1, 60, 24),
            cloud(3 * i + 2, 40, 24),
            cloud(3 * i + 3, 300, 24),
            n_runs=8,
            n_random=19,
            seed=i,
        )
        for i in range(30)
    ]
    check_level([r.p_value for r in results])
    with pytest.raises(AssertionError):
        check_level(
            [
                stats.ttest_ind(r.scores, r.null_scores, equal_var=False).pvalue
                for r in results
            ]
        )


def test_same_seed_same_bits_and_state_untouched():
    model, rows = Breaking(None), rows_of(7, 40, 6)
    options = {"target": 1, "n_runs": 3, "n_random": 5}
    before = snapshot(model, rows)
    first, again, other = (
        tcav(model, rows, rows[:9], rows_of(8, 90, 6), seed=s, **options)
        for s in (0, 0, 1)
    )
    assert same(before, snapshot(model, rows))
    np.testing.assert_array_equal(first.null_scores, again.null_scores)
    assert not np.array_equal(first.null_scores, other.null_scores)
    broken = Breaking(1)
    before = snapshot(broken, rows)
    with pytest.raises(ArithmeticError):
        tcav(broken, rows, rows[:9], rows, **options)
    assert same(before, snapshot(broken, rows))


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            {"activations": X * torch.nan},
            ValueError,
            "activations: got NaN|inputs: got NaN",
        ),
        ({"activations": X.numpy()}, TypeError, "got ndarray"),
        ({"concept": X[:, :5]}, ValueError, r"concept: got shape \(3, 5\)"),
        ({"concept": X * torch.inf}, ValueError, "concept: got NaN"),
        (
            {"others": X},
            ValueError,
            "others: got 3 rows, expected at least twice the 3",
        ),
        ({"target": 6}, ValueError, "target: got 6"),
        ({"n_runs": 0}, ValueError, "n_runs: got 0"),
        ({"n_random": 0}, ValueError, "n_random: got 0"),
        ({"seed": -1}, ValueError, "seed: got -1"),
        ({"head": lambda a: (a * 0).sqrt()}, ValueError, "gradient: got NaN"),
    ],
)
def test_bad_arguments_of_tcav(bad, error, message):
    options = {
        "head": lambda a: a**2,
        "activations": X,
        "concept": X,
        "others": rows_of(1, 9, 6),
        "target": 0,
    } | bad
    arguments = [
        options.pop(name) for name in ("head", "activations", "concept", "others")
    ]
    with pytest.raises(error, match=message):
        tcav(*arguments, **options)


def test_bad_arguments_of_concept_vectors():
    with pytest.raises(ValueError, match="others: got shape"):
        concept_vectors(X, X[:, :2])
    with pytest.raises(ValueError, match="ridge: got 0"):
        concept_vectors(X, X, ridge=0)
