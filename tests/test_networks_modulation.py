"""Node importance: a reference in loops, closed forms, finite differences, plain
training bit for bit, and mutants.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xaicourse.networks import (
    depth_weights,
    importance_loss,
    train_node_importance,
    update_factors,
    written_factors,
)

F64 = torch.float64
few = settings(max_examples=8, deadline=None, derandomize=True)


def case(seed, k=2, batch=5, centroids=3, widths=(4, 5, 3, 2)):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    matrices = [draw(k, i, o) for i, o in pairwise(widths)]
    signals = [draw(k, batch, w) for w in widths]
    references = [draw(k, centroids, w) for w in widths[1:]]
    distances = torch.rand(k, batch, centroids, generator=g, dtype=F64)
    return matrices, signals, references, distances


def written_in_loops(matrices, signals, references, distances):
    """The project's equations, index by index."""
    n_layers, strength, intensity, p = len(matrices), 3.0, 5.0, 0.75
    result = []
    for layer in range(n_layers):
        W, before, after, reference = (
            t[layer] for t in (matrices, signals, [*signals[1:]], references)
        )
        k, n_in, n_out = W.shape
        n_centroids, batch = reference.shape[1], before.shape[1]
        eta = math.exp(-((layer / n_layers - p) ** 2))
        G = np.zeros((k, n_in, n_out))
        for net in range(k):
            for i in range(n_in):
                T = np.zeros(n_out)
                for c in range(n_centroids):
                    S, A = np.zeros(n_out), np.zeros(n_out)
                    for o in range(n_out):
                        D = [
                            float(after[net, b, o] - reference[net, c, o])
                            for b in range(batch)
                        ]
                        S[o] = np.sign(
                            sum(float(before[net, b, i]) * D[b] for b in range(batch))
                        )
                        for b in range(batch):
                            m, s = (
                                float(distances[net, b, c]),
                                1 / (1 + math.exp(-abs(D[b]))),
                            )
                            A[o] += (m * s + (1 - m) * (1 - s)) / batch
                    total = sum(float(W[net, i, o]) * S[o] for o in range(n_out))
                    for o in range(n_out):
                        T[o] += (
                            strength
                            * float(W[net, i, o])
                            * S[o]
                            / total
                            * A[o]
                            / n_centroids
                        )
                G[net, i] = 1 + np.tanh(intensity * eta * T)
        result.append(G)
    return result


@few
@given(st.integers(0, 10**6))
def test_written_factors_equal_the_loops(seed):
    for factor, expected in zip(
        written_factors(*case(seed)), written_in_loops(*case(seed)), strict=True
    ):
        np.testing.assert_allclose(factor, expected, atol=1e-9)


def test_a_mutant_that_sums_sizes_instead_of_signed_shares_is_rejected():
    matrices, *rest = case(0)
    mutant = written_factors([m.abs() for m in matrices], *rest)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(
            mutant[1], written_in_loops(matrices, *rest)[1], atol=1e-9
        )


def test_update_factors_of_one_weight_by_hand():
    # One unit in, one out, two rows, one centroid: h = (1, 3), the centroid's 1,
    # variance 1, D = (0, 2).
    one = torch.ones(1, 1, 1, dtype=F64)
    before, after = (
        torch.tensor([[[1.0], [1.0]]], dtype=F64),
        torch.tensor([[[1.0], [3.0]]], dtype=F64),
    )
    near = torch.tensor([[0.0], [1.0]], dtype=F64)
    # the near row is like the centroid, the far one is not
    agreement = (1.0 + (1 - math.exp(-4))) / 2
    (factor,) = update_factors(
        [-2 * one], [before, after], [one], near, strength=0.5, peak=0.0
    )
    assert float(factor) == pytest.approx(1 + 0.5 * math.tanh(agreement), abs=1e-9)


@few
@given(st.integers(0, 10**6), st.floats(0, 0.99))
def test_ranges_and_strength_zero(seed, strength):
    arguments = case(seed)
    for factor in update_factors(*arguments, strength=strength):
        assert factor.min() >= 1 - strength - 1e-12
        assert factor.max() <= 1 + strength + 1e-12
    for factor in written_factors(*arguments):
        assert factor.min() >= 0
        assert factor.max() <= 2
    for factor in (
        *update_factors(*arguments, strength=0.0),
        *written_factors(*arguments, strength=0.0),
    ):
        assert torch.equal(factor, torch.ones_like(factor))


def test_a_column_whose_signs_cancel_gives_no_nan_and_layers_can_be_chosen():
    one = torch.ones(1, 1, 2, dtype=F64)
    zero = torch.zeros(1, 3, 2, dtype=F64)
    (factor,) = written_factors(
        [one], [zero[:, :, :1], zero], [zero], torch.rand(3, 3, dtype=F64)
    )
    assert torch.equal(factor, torch.ones_like(factor))
    arguments = case(3)
    for compute in (written_factors, update_factors):
        assert torch.equal(compute(*arguments, layers=[1])[0], compute(*arguments)[1])


def test_depth_weights():
    # the project's, by its formula
    np.testing.assert_allclose(depth_weights(3), [0.5698, 0.8406, 0.9931], atol=5e-5)
    assert depth_weights(5, peak=0.5, width=0.2).argmax() == 2
    with pytest.raises(ValueError, match="width: got 0"):
        depth_weights(3, width=0)


# --- the loss -------------------------------------------------------------------------


def loss_in_loops(signals, references, distances, labels):
    layer_wise, contrastive, alpha, margin, temperature = OPTIONS.values()
    total = 0.0
    for depth, (activations, of_centroids) in enumerate(
        zip(signals, references, strict=True), start=1
    ):
        h, reference = activations[0].numpy(), of_centroids[0].numpy()
        part = 0.0
        for b in range(len(h)):
            for c in range(len(reference)):
                d2 = np.mean((h[b] - reference[c]) ** 2)
                m = float(distances[b, c])
                part += (1 - m) * d2 + m * max(0, margin - math.sqrt(d2)) ** 2
        total += layer_wise * math.exp(alpha * depth) * part / (len(h) * len(reference))
        z = h / np.linalg.norm(h, axis=1, keepdims=True)
        for i in range(len(h)):
            others = [a for a in range(len(h)) if a != i]
            alike = [a for a in others if labels[a] == labels[i]]
            bottom = sum(math.exp(z[i] @ z[a] / temperature) for a in others)
            parts = [
                math.log(math.exp(z[i] @ z[a] / temperature) / bottom) for a in alike
            ]
            total -= contrastive * (np.mean(parts) if parts else 0.0) / len(h)
    return total


OPTIONS = {
    "layer_wise": 0.3,
    "contrastive": 0.2,
    "alpha": 0.5,
    "margin": 1.2,
    "temperature": 0.5,
}


def test_the_loss_equals_the_loops():
    _, signals, references, distances = case(1, k=1, batch=6)
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    loss = importance_loss(signals[1:], references, distances[0], labels, **OPTIONS)
    assert float(loss) == pytest.approx(
        loss_in_loops(signals[1:], references, distances[0], labels)
    )


def test_its_gradients_equal_finite_differences():
    _, signals, references, distances = case(
        2, k=1, batch=4, centroids=2, widths=(2, 3, 2)
    )
    leaves = [t.requires_grad_() for t in (*signals[1:], *references)]
    labels = torch.tensor([0, 0, 1, 1])

    def loss(*tensors):
        return importance_loss(tensors[:2], tensors[2:], distances, labels, **OPTIONS)

    assert torch.autograd.gradcheck(loss, leaves, atol=1e-6)


def test_the_loss_of_several_networks_is_that_of_each():
    _, signals, references, distances = case(4, k=2, batch=6)
    labels = torch.tensor([[0, 0, 1, 1, 1, 2], [2, 1, 1, 0, 2, 0]])
    loss = importance_loss(signals[1:], references, distances, labels, **OPTIONS)
    for i in range(2):
        parts = ([t[i : i + 1] for t in group] for group in (signals[1:], references))
        alone = loss_in_loops(*parts, distances[i], labels[i])
        assert float(loss[i]) == pytest.approx(alone)
    assert loss.shape == (2,)


def test_the_loss_by_its_stated_defaults():
    _, signals, references, distances = case(1, k=1, batch=4)
    labels = torch.tensor([0, 0, 1, 1])
    arguments = signals[1:], references, distances[0], labels
    stated = {"layer_wise": 0.1, "contrastive": 0.1, "alpha": 0.5}
    stated |= {"margin": 1.0, "temperature": 0.5}
    expected = importance_loss(*arguments, **stated)
    assert torch.equal(importance_loss(*arguments), expected)


def test_the_loss_of_rows_on_a_centroid_and_of_silent_units_is_finite():
    # 0.1 squared is no number of single precision: the squared distance comes out
    # below 0 for some of these rows, and must count as 0
    h = (0.1 + torch.rand(1, 40, 7, generator=torch.Generator().manual_seed(0))) * 30
    h[:, :5] = 0.0
    h.requires_grad_()
    labels = torch.arange(40) % 2
    loss = importance_loss([h], [h.detach()], torch.full((40, 40), 0.5), labels)
    (slope,) = torch.autograd.grad(loss.sum(), h)
    assert loss.isfinite().all()
    assert slope.isfinite().all()


# --- training -------------------------------------------------------------------------


def toy(n=83):  # 83 rows in batches of 40: the last batch has 3
    X = np.random.default_rng(0).normal(size=(n, 4))
    return (
        X,
        (X[:, 0] > 0).astype(int) + (X[:, 1] > 0),
        np.random.default_rng(1).normal(size=(3, 4)),
    )


def trained(**options):
    X, y, centroids = toy()
    options = {"hidden": (6, 5), "max_epochs": 2, "seeds": (0, 1)} | options
    return train_node_importance(X, y, centroids=centroids, **options)


def weights_of(result):
    return [p for network in result.networks for p in network.parameters()]


@pytest.mark.parametrize(
    ("options", "baseline"),
    [
        ({"method": "written", "n_steps": 2}, {"n_steps": 2}),
        ({"method": "written"}, {}),
        ({"method": "update"}, {}),
        ({"method": "shuffled"}, {}),
        ({"method": "loss", "contrastive": 0.0}, {}),
    ],
)
def test_strength_zero_is_the_baseline_bit_for_bit(options, baseline):
    # The widths are the project's: matrix products of other sizes may take the same way
    # by luck.
    size = {"hidden": (64, 32), "max_epochs": 1}
    zero, plain = trained(**options, **size, strength=0.0), trained(**baseline, **size)
    full = trained(**options | {"contrastive": 0.1}, **size)
    assert all(
        torch.equal(a, b)
        for a, b in zip(weights_of(zero), weights_of(plain), strict=True)
    )
    np.testing.assert_array_equal(zero.losses, plain.losses)
    assert not all(
        torch.equal(a, b)
        for a, b in zip(weights_of(full), weights_of(plain), strict=True)
    )
    assert np.isfinite(full.losses).all()


@pytest.mark.parametrize("method", ["plain", "written", "update", "shuffled", "loss"])
def test_a_network_does_not_notice_its_neighbours(method):
    together, alone = trained(method=method), trained(method=method, seeds=(1,))
    for a, b in zip(
        together.networks[1].parameters(), alone.networks[0].parameters(), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_a_single_layer_changes_itself_first():
    # one batch: after one step only the modulated layer differs
    X, y, centroids = toy(40)
    options = {"hidden": (6, 5), "max_epochs": 1, "centroids": centroids}
    one, plain = (
        train_node_importance(X, y, **options, **more)
        for more in ({"method": "update", "layers": [1]}, {})
    )
    differs = [
        not torch.equal(a, b)
        for a, b in zip(weights_of(one), weights_of(plain), strict=True)
    ]
    assert differs == [False, False, True, False, False, False]


def test_two_steps_are_two_steps():
    X, y, centroids = toy(40)
    start, one, two = (
        train_node_importance(
            X, y, centroids=centroids, hidden=(6,), max_epochs=e, n_steps=s
        )
        for e, s in ((0, 1), (1, 1), (1, 2))
    )
    first, second = (
        torch.cat(
            [
                (b - a).flatten()
                for a, b in zip(weights_of(start), weights_of(r), strict=True)
            ]
        )
        for r in (one, two)
    )
    # Adam takes a repeated gradient as it is
    torch.testing.assert_close(second, 2 * first, atol=1e-4, rtol=1e-3)
    assert start.losses.shape == (1, 0)


# --- one training by hand -------------------------------------------------------------

RATE = 0.05


class TrainingByHand:
    """One hidden layer, and all rows in a batch, in double precision."""

    def __init__(self, start, X, y, centroids):
        first, second = start[0], start[2]
        self.weights = [p.detach().double() for p in (first.weight.T, first.bias)]
        self.weights += [p.detach().double() for p in (second.weight.T, second.bias)]
        self.means = [torch.zeros_like(w) for w in self.weights]
        self.squares = [torch.zeros_like(w) for w in self.weights]
        self.n_steps = 0
        self.X, self.y, self.centroids = torch.tensor(X), torch.tensor(y), centroids
        inverse = np.linalg.inv(np.cov(X.T))
        d = np.array(
            [[(x - c) @ inverse @ (x - c) for c in centroids.numpy()] for x in X]
        )
        self.near = torch.from_numpy(np.sqrt(d / d.max()))
        self.untrained = self.layers(centroids)

    def layers(self, rows):
        """What the two layers make of rows, before a ReLU."""
        a, b, c, d = self.weights
        hidden = rows @ a + b
        return [hidden, hidden.relu() @ c + d]

    def loss(self):
        shares = self.layers(self.X)[1].softmax(1)
        return -shares[torch.arange(len(self.y)), self.y].log().mean()

    def slopes(self, objective):
        for w in self.weights:
            w.requires_grad_()
        slopes = torch.autograd.grad(objective(), self.weights)
        self.weights = [w.detach() for w in self.weights]
        return slopes

    def adam(self, slopes, factors):
        self.n_steps += 1
        for i, (g, factor) in enumerate(zip(slopes, factors, strict=True)):
            self.means[i] = 0.9 * self.means[i] + 0.1 * g
            self.squares[i] = 0.999 * self.squares[i] + 0.001 * g**2
            mean = self.means[i] / (1 - 0.9**self.n_steps)
            square = self.squares[i] / (1 - 0.999**self.n_steps)
            self.weights[i] = self.weights[i] - factor * RATE * mean / (
                square.sqrt() + 1e-8
            )

    def factors(self, method, strength, layers, before):
        # as written, what the batch looked like before the first of two steps
        hidden, output = before if method == "written" else self.layers(self.X)
        matrices = [w[None] for w in self.weights[::2]]
        if method == "written":
            rows, references = [self.X, hidden, output], self.untrained
            compute = written_factors
        else:
            now = self.layers(self.centroids)
            rows = [self.X, hidden.relu(), output]
            references = [now[0].relu(), now[1]]
            compute = update_factors
        found = compute(
            matrices,
            [r[None] for r in rows],
            [r[None] for r in references],
            self.near,
            strength=strength,
        )
        return [
            found[0][0] if 0 in layers else 1.0,
            1.0,
            found[1][0] if 1 in layers else 1.0,
            1.0,
        ]

    def with_importance(self, strength, contrastive, layers):
        rows, references = self.layers(self.X), self.layers(self.centroids)
        activations = [[rows[0].relu()[None], rows[1][None]]]
        activations += [[references[0].relu()[None], references[1][None]]]
        extra = importance_loss(
            *([signals[i] for i in layers] for signals in activations),
            self.near,
            self.y,
            layer_wise=strength,
            contrastive=contrastive,
        )
        return self.loss() + extra.sum()

    def epoch(self, *, method, strength, layers, n_steps=1, contrastive=0.0):
        if method == "loss":
            slopes = self.slopes(
                lambda: self.with_importance(strength, contrastive, layers)
            )
        else:
            slopes = self.slopes(self.loss)
        plain, before = [1.0] * 4, self.layers(self.X)
        if n_steps == 2:
            self.adam(slopes, plain)
        factors = plain
        if method in ("written", "update"):
            factors = self.factors(method, strength, layers, before)
        if method == "written":
            slopes, factors = (
                [g * f for g, f in zip(slopes, factors, strict=True)],
                plain,
            )
        self.adam(slopes, factors)


PLAIN = {"method": "plain", "strength": 0.0}
LOSS = {"method": "loss", "strength": 2.0, "contrastive": 1.5}
BY_HAND = [
    PLAIN,
    PLAIN | {"n_steps": 2},
    {"method": "written", "strength": 3.0},
    {"method": "written", "strength": 3.0, "n_steps": 2},
    {"method": "update", "strength": 0.9},
    {"method": "update", "strength": 0.9, "n_steps": 2},
    LOSS,
    LOSS | {"n_steps": 2},
]


@pytest.mark.parametrize("layers", [[0, 1], [0], [1]])
@pytest.mark.parametrize("method", BY_HAND)
def test_two_epochs_of_each_method_by_hand(method, layers):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 2)), np.array([0, 1, 2, 0, 1, 2, 0, 1, 1])
    centroids = rng.normal(size=(3, 2))
    common = {"centroids": centroids, "hidden": (4,)}
    (start,) = train_node_importance(X, y, **common, max_epochs=0).networks
    by_hand = TrainingByHand(start, X, y, torch.from_numpy(centroids))
    options = {"layers": layers, "max_epochs": 2, "learning_rate": RATE}
    result = train_node_importance(X, y, **common, **options, **method)
    losses = []
    for _ in range(2):
        losses.append(float(by_hand.loss()))
        by_hand.epoch(layers=layers, **method)
    np.testing.assert_allclose(result.losses, [losses], rtol=1e-5)
    a, b, c, d = by_hand.weights
    for found, expected in zip(weights_of(result), (a.T, b, c.T, d), strict=True):
        torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=0.0)


def test_shuffled_steps_are_those_of_the_update_dealt_out_again():
    X, y, centroids = toy(40)
    options = {"centroids": centroids, "hidden": (6,), "seeds": (0, 1)}
    start, plain, update, shuffled = (
        weights_of(train_node_importance(X, y, **options, **more))
        for more in (
            {"max_epochs": 0},
            {"max_epochs": 1, "learning_rate": 0.1},
            {"max_epochs": 1, "learning_rate": 0.1, "method": "update"},
            {"max_epochs": 1, "learning_rate": 0.1, "method": "shuffled"},
        )
    )
    for w, p, u, s in zip(start, plain, update, shuffled, strict=True):
        if w.ndim == 1:
            assert torch.equal(u, p)
            assert torch.equal(s, p)
        else:
            own, dealt = ((v - w) / (p - w) for v in (u, s))
            assert not torch.allclose(own, dealt, atol=1e-2)
            own, dealt = (v.flatten().sort().values for v in (own, dealt))
            torch.testing.assert_close(own, dealt, atol=1e-4, rtol=0.0)


@pytest.mark.parametrize(
    ("method", "strength"),
    [
        ("plain", 0.0),
        ("written", 3.0),
        ("update", 0.9),
        ("shuffled", 0.9),
        ("loss", 0.1),
    ],
)
def test_training_by_its_stated_defaults(method, strength):
    X, y, centroids = toy(41)
    stated = {"strength": strength, "contrastive": 0.1, "n_steps": 1}
    stated |= {"layers": [0, 1, 2], "hidden": (64, 32), "seeds": (0,), "max_epochs": 8}
    stated |= {"batch_size": 40, "learning_rate": 1e-3, "device": "cpu"}
    default = train_node_importance(X, y, centroids=centroids, method=method)
    expected = train_node_importance(X, y, centroids=centroids, method=method, **stated)
    np.testing.assert_array_equal(default.losses, expected.losses)
    for a, b in zip(weights_of(default), weights_of(expected), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad
    assert default.losses.shape == (1, 8)


def test_progress_sees_each_epoch():
    lengths = []

    def bar(epochs):
        lengths.append(len(epochs))
        yield from epochs

    trained(max_epochs=3, progress=bar)
    assert lengths == [3]


def test_same_seed_same_bits_and_the_global_state_is_left_alone():
    before = torch.get_rng_state()
    first, again = trained(method="shuffled"), trained(method="shuffled")
    assert torch.equal(before, torch.get_rng_state())
    assert all(
        torch.equal(a, b)
        for a, b in zip(weights_of(first), weights_of(again), strict=True)
    )


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"method": "magic"}, ValueError, "method: got 'magic'"),
        (
            {"method": "update", "strength": 1.0},
            ValueError,
            "strength: got 1, expected below 1",
        ),
        ({"strength": -1.0}, ValueError, "strength: got -1"),
        ({"n_steps": 3}, ValueError, "n_steps: got 3"),
        ({"layers": [3]}, ValueError, r"layers: got \[3\]"),
        ({"layers": []}, ValueError, r"layers: got \[\]"),
        ({"seeds": ()}, ValueError, "seeds: got none"),
        ({"batch_size": 0}, ValueError, "batch_size: got 0"),
        ({"max_epochs": -1}, ValueError, "max_epochs: got -1"),
        ({"learning_rate": 1e30}, ValueError, "no longer finite"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate: got nan"),
        ({"batch_size": 1.5}, TypeError, "batch_size: got 1.5"),
    ],
)
def test_bad_options(bad, error, message):
    with pytest.raises(error, match=message):
        trained(**bad)


def test_bad_arrays():
    X, y, centroids = toy()
    for bad, message in (
        ((X * np.nan, y, centroids), "X: got NaN"),
        ((X, y[:-1], centroids), "y: got shape"),
        ((X, y + 0.5, centroids), "y: got fractions"),
        ((X, np.r_[0.5, y[1:]], centroids), "y: got fractions"),
        ((X, 0 * y, centroids), "y: expected classes"),
        ((X, y - 1, centroids), "y: expected classes"),
        ((X, y, centroids[:, :2]), "centroids: got shape"),
    ):
        with pytest.raises(ValueError, match=message):
            train_node_importance(bad[0], bad[1], centroids=bad[2])
    matrices, signals, references, distances = case(0)
    with pytest.raises(ValueError, match="distances: got shape"):
        written_factors(matrices, signals, references, distances[:, :4])
    with pytest.raises(ValueError, match="references: got 2 networks and widths"):
        update_factors(matrices, signals[1:], references, distances)


@pytest.mark.parametrize("which", ["signals", "references", "distances"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_number_hides_behind_a_sign_or_a_clamp(which, bad):
    _, *states = case(0)
    names = ("signals", "references", "distances")
    given = dict(zip(names, states, strict=True))
    given["signals"] = given["signals"][1:]
    given["labels"] = torch.arange(given["signals"][0].shape[1]) % 2
    tensor = given[which] if which == "distances" else given[which][0]
    tensor[0, 0, 0] = bad
    with pytest.raises(ValueError, match=rf"^{which}.*: got NaN or infinity"):
        importance_loss(**given)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_the_unit_of_the_activations_does_not_change_the_factors_of_updates(unit):
    draw = torch.Generator().manual_seed(0)
    matrix = torch.rand((1, 3, 4), generator=draw).double()
    before = torch.rand((1, 6, 3), generator=draw).double()
    after = torch.rand((1, 6, 4), generator=draw).double()
    after[..., 0] = 0.1  # a neuron that never moves
    centres, near = torch.rand((1, 2, 4), generator=draw).double(), torch.rand((6, 2))
    centres[..., 0] = 0.3
    plain, scaled = (
        update_factors([k * matrix], [before, k * after], [k * centres], near.double())
        for k in (1.0, unit)
    )
    assert torch.allclose(plain[0], scaled[0], rtol=1e-9)
