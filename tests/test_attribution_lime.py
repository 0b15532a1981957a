"""LIME and occlusion: closed forms, Captum, shares of variance, bad input."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, Occlusion
from sklearn.linear_model import LinearRegression
from torch import nn

from xaicourse.attribution import lime, lime_segments, occlusion

ONE = np.ones(3)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# --- LIME -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.6, 2.0, 100.0])
def test_a_linear_model_is_found_again(width):
    result = lime(
        lambda x: x @ [1.0, -2.0, 0.0] + 5,
        normal(0, 4, 3),
        scale=np.array([1, 2, 3.0]),
        kernel_width=width,
    )
    np.testing.assert_allclose(result.values, np.tile([1, -4, 0], (4, 1)), atol=1e-9)
    np.testing.assert_allclose(
        result.intercept, normal(0, 4, 3) @ [1, -2, 0] + 5, atol=1e-9
    )
    np.testing.assert_allclose(result.r2, 1, atol=1e-9)


@pytest.mark.parametrize("level", [0.7, -1e9, 1e-300])
def test_a_constant_model_is_explained_whole(level):
    result = lime(lambda x: np.full(len(x), level), normal(0, 3, 3), scale=ONE)
    assert result.r2.tolist() == [1, 1, 1]


@pytest.mark.parametrize("level", [0.7, 1e6, 1e15])
def test_a_share_of_variance_is_one_whatever_it_varies_about(level):
    result = lime(
        lambda x: level + np.spacing(level) * (x[:, 0] > 0), np.zeros((1, 2)),
        scale=ONE[:2], seed=3,
    )  # fmt: skip
    small = lime(lambda x: 1.0 * (x[:, 0] > 0), np.zeros((1, 2)), scale=ONE[:2], seed=3)
    assert result.r2[0] == pytest.approx(small.r2[0], abs=1e-9)
    assert 0.5 < small.r2[0] < 0.7


def check_sine(explain):
    """With π = exp(-t²/w²), points N(0, 1) weigh as N(0, s²), 1/s² = 1 + 2/w²; the best
    slope of sin at 0 is e^(-s²/2).

    And R² = s² e^(-s²) / Var sin = s² e^(-s²) / ((1 - e^(-2 s²)) / 2).
    """
    for width in (0.5, 1.0, 3.0):
        s2 = 1 / (1 + 2 / width**2)
        result = explain(lambda x: np.sin(x[:, 0]), np.zeros((1, 1)), width)
        assert result.values[0, 0] == pytest.approx(np.exp(-s2 / 2), abs=0.01)
        assert result.r2[0] == pytest.approx(
            2 * s2 * np.exp(-s2) / (1 - np.exp(-2 * s2)), abs=0.01
        )


def test_the_slope_of_a_sine_in_closed_form():
    check_sine(
        lambda f, x, w: lime(f, x, scale=np.ones(1), kernel_width=w, n_samples=100_000)
    )


def test_the_mutants_of_the_kernel_are_rejected():
    # no kernel at all, and exp(-d²/(2 w²))
    for wrong in (lambda w: 1e6, lambda w: w * np.sqrt(2)):
        with pytest.raises(AssertionError):
            check_sine(
                lambda f, x, w, k=wrong: lime(
                    f, x, scale=np.ones(1), kernel_width=k(w), n_samples=100_000
                )
            )


def test_agrees_with_scikit_learns_weighted_least_squares():
    f, x, scale = (
        (lambda x: np.tanh(x[:, 0]) * x[:, 1] + x[:, 2]),
        normal(1, 1, 3),
        np.array([1.0, 0.5, 2.0]),
    )
    draws = np.random.default_rng(4).standard_normal((200, 3))
    reference = LinearRegression().fit(
        draws, f(x + scale * draws), np.exp(-(draws**2).sum(1) / 1.5**2)
    )
    ours = lime(f, x, scale=scale, kernel_width=1.5, n_samples=200, seed=4)
    np.testing.assert_allclose(ours.values[0], reference.coef_, atol=1e-9)
    np.testing.assert_allclose(ours.intercept[0], reference.intercept_, atol=1e-9)


def test_r2_says_where_there_is_no_line():
    f = lambda x: x[:, 0] ** 2  # noqa: E731
    bottom, slope = lime(f, np.array([[0.0, 0, 0], [20.0, 0, 0]]), scale=ONE).r2
    assert bottom < 0.05
    assert slope > 0.95
    assert lime(lambda x: np.ones(len(x)), np.zeros((1, 3)), scale=ONE).r2.tolist() == [
        1.0
    ]


def test_lime_batches_seeds_and_untouched_inputs():
    X, f = normal(0, 2, 3), (lambda x: np.sin(x).sum(1))
    X.flags.writeable = False
    whole = lime(f, X, scale=ONE).values
    np.testing.assert_array_equal(
        lime(f, X, scale=ONE, internal_batch_size=7).values, whole
    )
    assert (lime(f, X, scale=ONE, seed=1).values != whole).any()
    assert lime(f, X[:1], scale=ONE).values.tolist() == whole[:1].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.ones(3)}, "inputs: got shape"),
        ({"inputs": np.full((1, 3), np.nan)}, "inputs: got NaN"),
        ({"scale": np.ones(2)}, "scale: got shape"),
        ({"scale": np.array([1.0, 0, 1])}, "scale: got 0.0"),
        ({"kernel_width": 0}, "kernel_width: got 0"),
        ({"kernel_width": 0.01}, "points count"),
        ({"n_samples": 4}, "n_samples: got 4"),
        ({"model": lambda x: x[:1]}, "model: got outputs of shape"),
        ({"model": lambda x: x}, "target: got None, expected one of the model's 3"),
        ({"model": lambda x: x, "target": 3}, "target: got 3"),
        ({"model": lambda x: x[:, 0] * np.nan}, "model: outputs: got NaN"),
    ],
)
def test_bad_input_to_lime(change, message):
    arguments = {
        "model": lambda x: x.sum(1),
        "inputs": np.ones((2, 3)),
        "scale": ONE,
    } | change
    with pytest.raises(ValueError, match=message):
        lime(**arguments)


def test_rows_of_lime_are_numbers():
    with pytest.raises(TypeError, match="inputs: got <U1, expected real numbers"):
        lime(lambda x: x[:, 0], np.array([["a"]]), scale=np.ones(1))


# --- occlusion ------------------------------------------------------------------------


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(2, 3, 3),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(),
            nn.Linear(72, 4),
        ).double()


# --- segments


def test_segments_of_a_linear_model_are_found_again():
    """A superpixel's value is its own part of the sum, whatever is drawn."""
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.normal(size=(2, 3, 4, 6)))
    weights = torch.from_numpy(rng.normal(size=(3, 4, 6)))
    segments = np.repeat([[0, 1, 2]], 4, axis=0).repeat(2, axis=1)
    found = lime_segments(
        lambda x: (x * weights).sum((1, 2, 3)) + 5,
        pictures,
        segments=segments,
        baselines=0.5,
        n_samples=64,
        internal_batch_size=10,
    )
    parts = (pictures - 0.5) * weights
    expected = torch.stack([parts[..., i : i + 2].sum((1, 2, 3)) for i in (0, 2, 4)], 1)
    torch.testing.assert_close(found.values, expected)
    torch.testing.assert_close(found.intercept, (0.5 * weights.sum() + 5).expand(2))
    torch.testing.assert_close(found.r2, torch.ones(2, dtype=torch.float64))


def test_coalitions_agree_with_scikit_learns_weighted_least_squares():
    """The draws, the cosine kernel and the fit, each written again."""

    def model(z):
        return z[:, 0] * z[:, 1] - 2 * z[:, 2] + z[:, 0] * z[:, 2] * z[:, 3]

    found = lime_segments(model, np.ones((1, 4)), segments=range(4), seed=3)
    z = np.random.default_rng(3).integers(2, size=(1000, 4))
    whole = np.ones(4) / 2
    cosines = [c @ whole / max(np.linalg.norm(c), 1e-9) for c in z]
    weights = np.exp(-((1 - np.array(cosines)) ** 2) / 0.25**2)
    line = LinearRegression().fit(z, model(z), sample_weight=weights)
    np.testing.assert_allclose(found.values[0], line.coef_, atol=1e-12)
    np.testing.assert_allclose(found.intercept[0], line.intercept_, atol=1e-12)
    np.testing.assert_allclose(
        found.r2[0], line.score(z, model(z), weights), atol=1e-12
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"segments": [0.0, 1.0]}, TypeError, "segments: got float64"),
        ({"segments": [0, 2]}, ValueError, "segments: got 2 labels from 0 to 2"),
        ({"segments": [0, 1, 2]}, ValueError, r"segments: got shape \(3,\)"),
        ({"n_samples": 3}, ValueError, "n_samples: got 3"),
        ({"kernel_width": 1e-3}, ValueError, "kernel_width: got 0.001"),
        ({"baselines": [1.0]}, ValueError, "baselines: got shape"),
    ],
)
def test_bad_input_to_segments(change, error, message):
    options = {"segments": [0, 1]} | change
    with pytest.raises(error, match=message):
        lime_segments(lambda z: z[:, 0], np.ones((1, 2)), **options)


def test_occlusion_of_m4():
    def m4(x):
        s = x.sum(1)
        return torch.relu(s - 10) + 3 * torch.relu(s + 1) - 1

    x = torch.tensor([[20.0, 50, 30], [2, 10, 3]])
    torch.testing.assert_close(
        occlusion(m4, x), torch.tensor([[80.0, 200, 120], [8, 35, 12]])
    )


def check_against_captum(method):
    net, x = network(), torch.from_numpy(normal(0, 3, 2, 6, 8))
    values = method(net, x, target=torch.tensor([0, 1, 3]))
    reference = Occlusion(net.eval()).attribute(
        x, (2, 2, 2), strides=(2, 1, 2), baselines=0.3, target=torch.tensor([0, 1, 3])
    )
    # Captum answers in single precision
    torch.testing.assert_close(values.float(), reference, atol=1e-6, rtol=0)


def test_occlusion_agrees_with_captum_on_pictures():
    check_against_captum(
        lambda net, x, target: occlusion(
            net, x, window=2, strides=[1, 2], baselines=0.3, target=target
        )
    )
    with pytest.raises(AssertionError):
        check_against_captum(
            lambda net, x, target: occlusion(
                net, x, window=2, strides=[1, 2], target=target
            )
        )


def test_occlusion_agrees_with_captums_ablation_on_rows():
    net, x, base = (
        nn.Linear(5, 2).double(),
        torch.from_numpy(normal(0, 3, 5)),
        torch.from_numpy(normal(1, 1, 5)),
    )
    reference = FeatureAblation(net).attribute(x, baselines=base, target=1)
    torch.testing.assert_close(
        occlusion(net, x, baselines=base, target=1).to(reference),
        reference,
        atol=1e-6,
        rtol=0,
    )


def test_occlusion_covers_every_input_and_leaves_all_as_it_was():
    net, x = network().train(), torch.from_numpy(normal(0, 2, 2, 6, 8))
    before = x.clone()
    # the last place along 6 and 8 ends at the edge
    whole = occlusion(net, x, window=3, strides=2, target=0)
    torch.testing.assert_close(
        occlusion(net, x, window=3, strides=2, target=0, internal_batch_size=1),
        whole,
        atol=1e-12,
        rtol=0,
    )
    assert whole.isfinite().all()
    assert net.training
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("make", "places"), [(nn.Conv1d, (7,)), (nn.Conv3d, (5, 3, 5))]
)
def test_occlusion_agrees_with_captum_on_series_and_volumes(make, places):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(make(2, 3, 2), nn.ReLU(), nn.Flatten(2)).double()
        net.append(nn.AdaptiveAvgPool1d(1)).append(nn.Flatten())
    x = torch.from_numpy(normal(0, 3, 2, *places))
    # windows that end at the edge, as Captum cuts others off
    for window, strides in ((1, None), (2, 1), (3, 2), ([3] * len(places), 2)):
        ours = occlusion(net, x, window=window, strides=strides, target=1)
        size = window[0] if isinstance(window, list) else window
        shape = (2, *[size] * len(places))
        theirs = Occlusion(net).attribute(
            x, shape, strides=(2, *[strides or size] * len(places)), target=1
        )
        assert ours.shape == x.shape
        torch.testing.assert_close(ours.float(), theirs, atol=1e-6, rtol=0)


def test_occlusion_of_a_series_by_hand():
    # f = 2 x2 + x4 of the first channel, and windows of two from 1, 2, 3
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0], [9.0, 9.0, 9.0, 9.0]]])

    def f(x):
        return 2 * x[:, 0, 1] + x[:, 0, 3]

    values = occlusion(f, x, window=2, strides=1)
    expected = torch.tensor([4.0, (4 + 4) / 2, (4 + 4) / 2, 4.0])
    torch.testing.assert_close(values, expected.expand(1, 2, 4))
    # numbers for the last two axes cover channels apart
    apart = occlusion(f, x, window=(1, 2), strides=1)
    torch.testing.assert_close(apart[:, :1], values[:, :1])
    assert not apart[:, 1].any()


def test_occlusion_fills_a_pass_and_changes_nothing_by_it():
    seen = []

    def f(x):
        seen.append(len(x))
        return (x**2).flatten(1).sum(1)

    x = torch.from_numpy(normal(0, 1, 3, 300, 300))
    values = occlusion(f, x, window=100)
    assert seen == [1, 9]
    seen.clear()
    few = occlusion(f, x, window=100, internal_batch_size=4)
    assert seen == [1, 4, 4, 1]
    torch.testing.assert_close(values, few, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 9}, "window: got"),
        ({"window": [1, 1, 1]}, "window: got 3 numbers"),
        ({"window": []}, "window: got 0 numbers"),
        ({"window": [1], "strides": [1, 1]}, "strides: got 2 numbers"),
        ({"strides": [1, 1]}, "strides: got 2 numbers"),
        ({"strides": 2}, "strides: got"),
        ({"baselines": torch.zeros(3)}, "baselines: got shape"),
        ({"baselines": torch.nan * torch.zeros(1, 4)}, "baselines: got NaN"),
        ({"target": None}, "target: got None"),
    ],
)
def test_bad_input_to_occlusion(change, message):
    with pytest.raises(ValueError, match=message):
        occlusion(lambda x: x[:, :2], torch.ones(2, 4), **({"target": 0} | change))
