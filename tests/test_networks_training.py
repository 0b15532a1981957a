"""Training many networks at once is training each one, with the recipe of the libraries
that it stands in for.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch import nn

from xaicourse.networks import (
    accuracy,
    kernel_drift,
    mlp,
    probability,
    small_resnet,
    train_mlps,
    train_network,
    train_node_importance,
)
from xaicourse.networks.stacking import Adam
from xaicourse.networks.training import epochs


def moons(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] ** 2 + X[:, 1] > 0.8


def test_together_equals_one_by_one() -> None:
    data = [moons(s) for s in range(3)]
    together = train_mlps(
        [X for X, _ in data],
        [y for _, y in data],
        hidden=[8, 4],
        seeds=[5, 6, 7],
        max_epochs=30,
    )
    for (X, y), seed, network in zip(data, [5, 6, 7], together, strict=True):
        [alone] = train_mlps(X, y, hidden=[8, 4], seeds=[seed], max_epochs=30)
        assert np.allclose(probability(alone, X), probability(network, X), atol=1e-4)


def test_shared_rows_equal_repeated_rows() -> None:
    X, y = moons(0)
    shared = train_mlps(X, y, hidden=[5], seeds=[1, 2], max_epochs=20)
    repeated = train_mlps([X, X], [y, y], hidden=[5], seeds=[1, 2], max_epochs=20)
    for a, b in zip(shared, repeated, strict=True):
        assert np.allclose(probability(a, X), probability(b, X), atol=1e-5)


def test_same_seed_same_bits_and_global_state_untouched() -> None:
    X, y = moons(0)
    torch.manual_seed(3)
    before = torch.get_rng_state().clone()
    first, second = (
        train_mlps(X, y, hidden=[6], seeds=[0], max_epochs=5)[0] for _ in range(2)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    [other] = train_mlps(X, y, hidden=[6], seeds=[1], max_epochs=5)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_adam_is_torchs() -> None:
    rng = torch.Generator().manual_seed(0)
    ours = [
        torch.randn(3, 2, generator=rng),
        torch.randn(4, generator=rng),
        torch.randn(5, 3, generator=rng).t(),
    ]
    theirs = [w.clone().requires_grad_() for w in ours]
    reference = torch.optim.Adam(theirs, lr=0.01)
    optimiser = Adam(ours)
    for _ in range(49):
        # in another order in memory
        gradients = [torch.randn(*w.shape[::-1], generator=rng).t() for w in ours]
        for weight, gradient in zip(theirs, gradients, strict=True):
            weight.grad = gradient.clone()
        reference.step()
        optimiser.step(gradients, 0.01)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b.detach(), atol=1e-6)


def test_factors_multiply_the_steps_of_adam() -> None:
    start = torch.ones(4)
    plain, halved, held = (start.clone() for _ in range(3))
    Adam([plain]).step([start], 0.1)
    Adam([halved, held]).step(
        [start, start], 0.1, factors=[torch.full((4,), 0.5), torch.zeros(4)]
    )
    assert torch.allclose(halved - start, (plain - start) / 2)
    assert torch.equal(held, start)
    with pytest.raises(ValueError, match="zip"):
        Adam([plain, held]).step([start, start], 0.1, factors=[None])


def test_it_learns_what_scikit_learns_network_learns() -> None:
    X, y = moons(1, 600)
    X_new, y_new = moons(2, 4000)
    ours = [
        accuracy(n, X_new, y_new)
        for n in train_mlps(X, y, hidden=[30], seeds=range(6), max_epochs=2000)
    ]
    theirs = [
        MLPClassifier((30,), max_iter=2000, random_state=s)
        .fit(X, y)
        .score(X_new, y_new)
        for s in range(3)
    ]
    assert abs(np.mean(ours) - np.mean(theirs)) < 0.02
    mutant = [
        accuracy(n, X_new, y_new)
        for n in train_mlps(X, y, hidden=[30], seeds=range(3), max_epochs=3)
    ]
    assert abs(np.mean(mutant) - np.mean(theirs)) > 0.02


def test_the_penalty_shrinks_the_weights() -> None:
    X, y = moons(0)
    [free] = train_mlps(X, y, hidden=[10], max_epochs=100, l2=0.0, tol=-1.0)
    [held] = train_mlps(X, y, hidden=[10], max_epochs=100, l2=30.0, tol=-1.0)
    assert held[0].weight.norm() < 0.8 * free[0].weight.norm()


def test_the_networks_come_back_frozen_and_in_evaluation_mode() -> None:
    X, y = moons(0)
    [network] = train_mlps(X, y, hidden=[3], max_epochs=1)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert network(torch.zeros(5, 2)).shape == (5, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": []}, "seeds: got none"),
        ({"X": np.zeros(4)}, r"X: got shape \(4,\), expected \(n, d\)"),
        ({"y": np.zeros(3)}, r"y: got shape \(3,\), expected \(4,\)"),
        (
            {"X": np.zeros((2, 4, 2)), "y": np.zeros((2, 4)), "seeds": [0]},
            "X: got rows for 2 networks, expected 1",
        ),
        ({"X": np.full((4, 2), np.nan)}, "X: got NaN"),
        ({"y": np.array([0, 1, 2, 1])}, "y: got other values than 0 and 1"),
        ({"y": np.ones(4)}, "y: got one class only"),
        ({"hidden": [0]}, "hidden: got 0, expected an integer of at least 1"),
        ({"seeds": [-1]}, "seeds: got -1"),
        ({"max_epochs": -1}, "max_epochs: got -1"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"learning_rate": np.nan}, "learning_rate: got nan"),
        ({"learning_rate": -1.0}, "learning_rate: got -1"),
        ({"learning_rate": 1e30, "max_epochs": 3}, "loss is no longer finite"),
        ({"l2": np.inf}, "l2: got inf"),
        ({"tol": np.nan}, "tol: got nan"),
        ({"patience": -1}, "patience: got -1"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], message: str) -> None:
    arguments = {
        "X": np.eye(4, 2),
        "y": np.array([0, 1, 0, 1]),
        "seeds": [0],
        "max_epochs": 1,
    } | change
    with pytest.raises(ValueError, match=message):
        train_mlps(arguments.pop("X"), arguments.pop("y"), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_epochs": 0}, "max_epochs: got 0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"learning_rate": np.nan}, "learning_rate: got nan"),
        ({"seed": -1}, "seed: got -1"),
    ],
)
def test_bad_settings_of_a_network_are_named(
    change: dict[str, object], message: str
) -> None:
    settings = {"max_epochs": 1} | change
    with pytest.raises(ValueError, match=message):
        train_network(
            lambda: nn.Linear(1, 2),
            torch.zeros(4, 1),
            torch.tensor([0, 1, 0, 1]),
            **settings,  # type: ignore[arg-type]
        )


def test_seeds_may_be_an_array_and_settings_must_be_of_their_type() -> None:
    X, y = moons(0, n=60)
    several = train_mlps(X, y, hidden=[3], seeds=np.arange(3), max_epochs=2)
    for network, seed in zip(several, (0, 1, 2), strict=True):
        [alone] = train_mlps(X, y, hidden=[3], seeds=[seed], max_epochs=2)
        for a, b in zip(network.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(a, b)
    with pytest.raises(TypeError, match=r"seeds: got 0\.5"):
        train_mlps(X, y, seeds=[0.5])
    with pytest.raises(TypeError, match=r"max_epochs: got 1\.5"):
        train_mlps(X, y, max_epochs=1.5)  # type: ignore[arg-type]


def test_the_loop_deals_every_row_once_an_epoch_and_adds_up_what_is_lost() -> None:
    seen: list[list[int]] = []

    def step(rows: torch.Tensor) -> torch.Tensor:
        seen.extend(rows.T.tolist())
        return torch.tensor([1.0, rows[1].double().mean()])

    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    loop = epochs(
        step, 10, generators=generators, max_epochs=5, batch_size=4, learning_rate=0.1
    )
    total = next(loop)
    assert total.tolist() == [10, 45]
    assert [sorted(network) for network in zip(*seen, strict=True)] == [
        [*range(10)]
    ] * 2
    order = torch.Generator().manual_seed(1)
    assert [b for _, b in seen] == torch.randperm(10, generator=order).tolist()
    loop.close()  # whoever iterates may stop early
    assert len(seen) == 10


def test_mlp_shapes() -> None:
    assert [tuple(p.shape) for p in mlp(4, [3], 2).parameters()] == [
        (3, 4),
        (3,),
        (2, 3),
        (2,),
    ]
    assert len(mlp(4, [])) == 1


def pictures(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Return small pictures that are brighter in class 1."""
    labels = torch.arange(n) % 2
    rng = torch.Generator().manual_seed(0)
    return torch.rand((n, 3, 32, 32), generator=rng) + labels[
        :, None, None, None
    ], labels


def with_dropout() -> nn.Module:
    return nn.Sequential(small_resnet(2, width=4), nn.Dropout(0.3))


def test_a_network_is_trained_to_the_same_bits_and_the_global_state_is_untouched() -> (
    None
):
    x, labels = pictures()
    before, rows = torch.get_rng_state().clone(), x.clone()
    first, second, other = (
        train_network(
            with_dropout, x, labels, max_epochs=2, batch_size=4, seed=seed
        ).state_dict()
        for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(rows, x)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["0.head.weight"], other["0.head.weight"])


def test_a_trained_network_comes_back_frozen_in_evaluation_mode_and_has_learnt() -> (
    None
):
    x, labels = pictures(32)
    seen: list[int] = []
    network = train_network(
        with_dropout,
        x,
        labels,
        max_epochs=15,
        batch_size=8,
        progress=lambda epochs: (seen.append(e) or e for e in epochs),
    )
    assert not any(module.training for module in network.modules())
    assert not any(p.requires_grad for p in network.parameters())
    assert len(seen) == 15
    assert (network(x).argmax(1) == labels).float().mean() > 0.9
    untrained = train_network(
        with_dropout, x, labels, max_epochs=1, batch_size=32, learning_rate=0.0
    )
    assert (untrained(x).argmax(1) == labels).float().mean() < 0.9


def test_training_that_cannot_work_says_why() -> None:
    x, labels = pictures()
    with pytest.raises(
        ValueError, match="labels: got 5, expected one for each row of inputs"
    ):
        train_network(with_dropout, x, labels[:5], max_epochs=1)
    with pytest.raises(
        ValueError,
        match=r"learning_rate: got 0\.1, with which the loss is no longer finite",
    ):
        train_network(with_dropout, 1e38 * x, labels, max_epochs=1, learning_rate=0.1)
    state = torch.get_rng_state().clone()
    with pytest.raises(ZeroDivisionError):
        train_network(lambda: 1 // 0, x, labels, max_epochs=1)  # type: ignore[arg-type,return-value]
    assert torch.equal(state, torch.get_rng_state())


def test_small_resnet_ends_in_maps_of_8_by_8() -> None:
    network = small_resnet(5, width=8).eval()
    x = torch.zeros(2, 3, 64, 64)
    assert network.blocks(network.stem(x)).shape == (2, 32, 8, 8)
    assert network(x).shape == (2, 5)
    with pytest.raises(ValueError, match="width: got 0"):
        small_resnet(3, width=0)


def test_labels_of_another_shape_do_not_broadcast() -> None:
    x = np.array([[-1.0], [2.0], [3.0]])
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.zero_()
    assert accuracy(model, x, [0, 1, 0]) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"^y: got shape \(3, 1\), expected \(3,\)$"):
        accuracy(model, x, [[0], [1], [0]])
    with pytest.raises(ValueError, match=r"^model: outputs: got shape \(3, 2\)"):
        probability(nn.Linear(1, 2), x)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        # cross_entropy leaves rows of class -100 out without a word
        ([0, 1, -100, 1], "labels: got torch.int64 from -100 on"),
        ([0, 1, 2, 1], "labels: got class 2, expected one of the network's 2"),
        ([0.0, 1.0, 1.0, 1.0], "labels: got torch.float32"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        train_network(
            lambda: nn.Linear(2, 2),
            torch.randn(4, 2),
            torch.tensor(labels),
            max_epochs=1,
        )


def test_seeds_are_a_sequence_of_integers() -> None:
    x = np.linspace(-1, 1, 20)[:, None]
    options = {"hidden": [3], "max_epochs": 1}
    arrays, lists = (
        train_mlps(x, x[:, 0] > 0, seeds=seeds, **options)
        for seeds in (np.arange(3), [0, 1, 2])
    )
    for ours, theirs in zip(arrays, lists, strict=True):
        assert torch.equal(ours[0].weight, theirs[0].weight)
    for seeds in (0, None, "12"):
        with pytest.raises(TypeError, match=r"^seeds: got .*, expected a sequence"):
            train_mlps(x, x[:, 0] > 0, seeds=seeds, **options)


def test_arrays_that_are_read_only_are_taken_without_a_warning() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.float32)
    for array in (x, y):
        array.flags.writeable = False
    network = train_mlps(x, y, hidden=[3], max_epochs=1)[0]
    accuracy(network, x, y)
    centroids = x[:2].astype(float)
    for array in (table := x.astype(float), centroids):
        array.flags.writeable = False
    train_node_importance(
        table, y.astype(int), centroids=centroids, hidden=[3], max_epochs=1
    )
    kernel_drift(network.double(), network.double(), table)
