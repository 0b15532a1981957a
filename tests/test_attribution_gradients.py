"""Saliency and SmoothGrad: derivatives that are known, Captum, and what must not be
touched.
"""

import math
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, InputXGradient, NoiseTunnel, Saliency
from hypothesis import given, settings
from hypothesis import strategies as st
from test_attribution_path import (
    F64,
    Breaking,
    close,
    mlp,
    row,
    rows_of,
    same,
    smooth,
    snapshot,
)
from torch import nn

from xaicourse.attribution import (
    guided_backprop,
    input_x_gradient,
    saliency,
    smooth_grad,
)

few = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

# --- known derivatives ----------------------------------------------------------------


def check_sines(attribute):
    """The source deck's own function: at (1, 2) its gradient is (cos 1, -sin 2)."""
    values = attribute(lambda x: x[:, 0].sin() + x[:, 1].cos(), row(1, 2))
    close(values, row(math.cos(1), -math.sin(2)), atol=1e-12)


def test_saliency_of_sine_and_cosine():
    check_sines(saliency)
    check_sines(partial(smooth_grad, stdevs=0.0, n_samples=3))


def test_the_mutants_of_saliency_are_rejected():
    def without_sign(model, inputs):
        return saliency(model, inputs).abs()

    def forward_difference(model, inputs, h=1e-3):
        steps = h * torch.eye(inputs.shape[1], dtype=F64)
        return torch.stack(
            [(model(inputs + step) - model(inputs)) / h for step in steps], dim=1
        )

    def integers(model, inputs):
        return saliency(model, inputs.round()) + 1e-6

    for mutant in (without_sign, forward_difference, integers):
        with pytest.raises(AssertionError):
            check_sines(mutant)


def check_blur(attribute):
    """Over noise of variance v, x² has the mean derivative 2x, and x³ 3x² + 3v."""
    options = {"n_samples": 400, "stdevs": 0.5, "seed": 0}
    inputs = torch.full((400, 1), 2.0, dtype=F64)
    squares = attribute(lambda x: x**2, inputs, **options)
    cubes = attribute(lambda x: x**3, inputs, **options)
    for values, expected, spread in ((squares, 4.0, 2 * 0.5), (cubes, 12.75, 12 * 0.5)):
        close(values.mean(), torch.tensor(expected, dtype=F64), atol=4 * spread / 400)
        close(values.std(), torch.tensor(spread / 20, dtype=F64), rtol=0.2, atol=0)


def test_smooth_grad_blurs_the_gradient():
    check_blur(smooth_grad)


def test_the_mutants_of_smooth_grad_are_rejected():
    def one_sample(model, inputs, *, n_samples, **options):
        return smooth_grad(model, inputs, n_samples=1, **options)

    def variance_for_deviation(model, inputs, *, stdevs, **options):
        return smooth_grad(model, inputs, stdevs=stdevs**2, **options)

    def one_noise_for_all_rows(model, inputs, *, n_samples, stdevs, seed):
        noise = stdevs * torch.from_numpy(
            np.random.default_rng(seed).standard_normal((n_samples, 1))
        )
        return torch.stack([saliency(model, inputs + e) for e in noise]).mean(0)

    for mutant in (one_sample, variance_for_deviation, one_noise_for_all_rows):
        with pytest.raises(AssertionError):
            check_blur(mutant)


# --- axioms ---------------------------------------------------------------------------


@few
@given(seed=seeds, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_linearity_and_dummy(seed, a, b):
    f, g, inputs = (
        smooth(seed, dead=(1,)),
        smooth(seed + 1, dead=(1,)),
        rows_of(seed + 2),
    )
    for explain in (saliency, partial(smooth_grad, n_samples=5)):
        together = explain(lambda x: a * f(x) + b * g(x), inputs)
        close(together, a * explain(f, inputs) + b * explain(g, inputs), atol=1e-11)
        assert (together[:, 1] == 0).all()


@few
@given(seed=seeds)
def test_a_linear_model_has_its_weights_as_gradient_whatever_the_noise(seed):
    weights = rows_of(seed, 1)[0]
    for explain in (saliency, partial(smooth_grad, n_samples=3, stdevs=10.0)):
        close(
            explain(lambda x: x @ weights, rows_of(seed + 1)),
            weights.expand(3, 4),
            atol=1e-11,
        )


# --- Captum ---------------------------------------------------------------------------


def check_against_captum(attribute):
    net, inputs, target = mlp(), rows_of(5, 8, 6), torch.arange(8) % 3
    values = attribute(net, inputs, target=target)
    net.eval()
    close(
        values,
        Saliency(net).attribute(inputs.requires_grad_(), target=target, abs=False),
        atol=1e-12,
    )


def test_saliency_agrees_with_captum_and_mutants_do_not():
    check_against_captum(saliency)

    def in_training_mode(model, inputs, *, target):
        with torch.random.fork_rng():
            return saliency(model.forward, inputs, target=target)

    def of_another_class(model, inputs, *, target):
        return saliency(model, inputs, target=(target + 1) % 3)

    for mutant in (
        in_training_mode,
        of_another_class,
        partial(smooth_grad, n_samples=50),
    ):
        with pytest.raises(AssertionError):
            check_against_captum(mutant)


def test_smooth_grad_agrees_with_captum_within_monte_carlo_error():
    net, inputs = mlp(), rows_of(5, 4, 6)
    runs = torch.stack(
        [
            smooth_grad(net, inputs, target=1, n_samples=100, stdevs=0.3, seed=s)
            for s in range(20)
        ]
    )
    net.eval()
    numpy_state = np.random.get_state()  # noqa: NPY002 (Captum draws from the global generators)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        reference = NoiseTunnel(Saliency(net)).attribute(
            inputs.requires_grad_(),
            target=1,
            nt_samples=8000,
            nt_samples_batch_size=500,
            stdevs=0.3,
            abs=False,
        )
    np.random.set_state(numpy_state)  # noqa: NPY002
    error = runs.std(0) / math.sqrt(len(runs)) * math.sqrt(1 + 2000 / 8000)
    assert ((runs.mean(0) - reference).abs() / error).max() < 4.5
    assert ((saliency(net, inputs, target=1) - reference).abs() / error).max() > 4.5


# --- draws, batches, and what stays as it was -----------------------------------------


@pytest.mark.parametrize("n_samples", [1, 6, 11])
def test_same_draws_for_any_internal_batch_size(n_samples):
    net, inputs = mlp(), rows_of(5, 5, 6)
    options = {"target": torch.arange(5) % 3, "n_samples": n_samples, "stdevs": 0.2}
    whole = smooth_grad(net, inputs, **options)
    for size in (1, 4, 7, n_samples, 3 * n_samples, 10**6):
        close(
            smooth_grad(net, inputs, internal_batch_size=size, **options),
            whole,
            atol=0.0,
            rtol=1e-12,
        )
    assert not torch.equal(smooth_grad(net, inputs, seed=1, **options), whole)
    assert torch.equal(
        smooth_grad(net, inputs, seed=np.random.default_rng(0), **options), whole
    )


def test_the_noise_is_one_stream_read_row_after_row():
    x = rows_of(0, 3, 2)
    [stream] = np.random.default_rng(5).spawn(1)
    noise = 0.5 * torch.from_numpy(stream.standard_normal((3, 4, 2)))
    for size in (None, 3):
        options = {"n_samples": 4, "stdevs": 0.5, "seed": 5}
        found = smooth_grad(torch.square, x[:, :1], internal_batch_size=size, **options)
        [stream] = np.random.default_rng(5).spawn(1)
        alone = 0.5 * torch.from_numpy(stream.standard_normal((3, 4, 1)))
        close(found, 2 * (x[:, :1] + alone.mean(1)))
        found = smooth_grad(
            lambda x: (x**2).sum(1), x, internal_batch_size=size, **options
        )
        close(found, 2 * (x + noise.mean(1)))


def test_the_model_never_sees_more_rows_than_allowed():
    seen = []

    def model(x):
        seen.append(len(x))
        return x.flatten(1).sum(1)

    smooth_grad(model, rows_of(0, 10), n_samples=7, internal_batch_size=5)
    assert max(seen) == 5
    seen.clear()
    saliency(model, torch.zeros(40, 2**14))
    assert max(seen) == 16  # by default 2**18 numbers


@pytest.mark.parametrize("fail_at", [None, 1, 2])
@pytest.mark.parametrize(
    "explain",
    [saliency, partial(smooth_grad, n_samples=9)],
    ids=["saliency", "smooth_grad"],
)
def test_model_inputs_and_global_state_are_left_alone(explain, fail_at):
    model = Breaking(fail_at)
    model.net[1].eval()
    model.net[0].weight.grad = torch.ones_like(model.net[0].weight)
    inputs = rows_of(7, 4, 6).requires_grad_()
    before = snapshot(model, inputs)
    if fail_at is None:
        assert not explain(model, inputs, target=1, internal_batch_size=2).requires_grad
    else:
        with pytest.raises(ArithmeticError, match="broken on purpose"):
            explain(model, inputs, target=1, internal_batch_size=2)
    assert same(before, snapshot(model, inputs))


def test_models_that_work_in_place_and_callers_without_gradients():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 1)).double()
    inputs = rows_of(0)
    copy = inputs.clone()
    expected = saliency(net, inputs)
    assert torch.equal(inputs, copy)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert torch.equal(saliency(net, rows_of(0)), expected)


X = rows_of(0, 3, 6)
BAD = [
    ({"inputs": X * torch.nan}, ValueError, "inputs: got NaN or infinity, expected "
        "finite numbers only"),
    ({"inputs": torch.ones(3, 6, dtype=torch.long)}, TypeError,
     "inputs: got torch.int64, expected floating point: integers, such as the ids of "
     "tokens, have no gradient "
     "(explain the embeddings instead)"),
    ({"target": None}, ValueError, "target: got None, expected one of the model's 3 "
        "outputs"),
    ({"target": 3}, ValueError, "target: got 3, expected an output from 0 to 2"),
    ({"n_samples": 0}, ValueError, "n_samples: got 0, expected an integer of at least "
        "1"),
    ({"stdevs": -0.1}, ValueError, "stdevs: got -0.1, expected a finite number of at "
        "least 0"),
    ({"seed": -1}, ValueError, "seed: got -1, expected an integer of at least 0"),
    ({"internal_batch_size": 0}, ValueError, "internal_batch_size: got 0, expected an "
        "integer of at least 1"),
    ({"model": lambda x: x.detach()[:, :3]}, ValueError,
     "model: got an output that has no gradient with respect to the inputs"),
    ({"model": lambda x: (x[:, :3] * 0).sqrt()}, ValueError,
     "model: gradient: got NaN or infinity, expected finite numbers only"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {"model": lambda x: x[:, :3] ** 2, "inputs": X, "target": 0} | bad
    with pytest.raises(error) as refusal:
        smooth_grad(options.pop("model"), options.pop("inputs"), **options)
    assert str(refusal.value) == message


# --- input x gradient, guided backpropagation -----------------------------------------


def relu_network(relu=None):
    """Convolutions, batch normalisation and three ReLUs: modules, or one function used
    three times.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.ModuleList(
            [
                nn.Conv2d(2, 4, 3),
                nn.BatchNorm2d(4),
                nn.Conv2d(4, 3, 3),
                nn.Linear(48, 6),
            ]
        )
        last = nn.Linear(6, 3)
    if relu is None:
        parts = [
            *layers[:2],
            nn.ReLU(),
            layers[2],
            nn.ReLU(),
            nn.Flatten(),
            layers[3],
            nn.ReLU(),
            last,
        ]
        return nn.Sequential(*parts).double()

    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.last = layers, last

        def forward(self, x):
            x = relu(self.layers[1](self.layers[0](x)))
            return self.last(relu(self.layers[3](relu(self.layers[2](x)).flatten(1))))

    return Functional().double()


def check_guided(attribute, relu=None):
    x, target = (
        torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2, 8, 8))),
        torch.arange(5) % 3,
    )
    values = attribute(relu_network(relu), x, target=target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = GuidedBackprop(relu_network().eval()).attribute(
            x.clone().requires_grad_(), target=target
        )
    close(values, reference, atol=1e-12)


@pytest.mark.parametrize(
    "relu", [None, torch.relu, torch.nn.functional.relu_, nn.ReLU(inplace=True)]
)
def test_guided_backprop_agrees_with_captum_also_where_relus_are_functions(relu):
    check_guided(guided_backprop, relu)
    check_guided(partial(guided_backprop, internal_batch_size=2), relu)


def test_the_mutants_of_guided_backprop_are_rejected():
    def deconvolution(model, inputs, target):
        """Passes what is positive above, whatever came from below."""
        grad = saliency(model, inputs, target=target)
        return grad.clamp(min=0)

    for mutant in (saliency, deconvolution):
        with pytest.raises(AssertionError):
            check_guided(mutant)


def test_guided_backprop_needs_a_relu_and_leaves_the_model_alone():
    with pytest.raises(ValueError, match="without a ReLU"):
        guided_backprop(lambda x: x.clamp(min=0), row(1))
    with pytest.raises(ValueError, match="without a ReLU"):
        guided_backprop(lambda x: torch.zeros(len(x)), row(1))
    net, x = (
        relu_network().train(),
        torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2, 8, 8))),
    )
    before = snapshot(net, x)
    guided_backprop(net, x, target=0)
    with pytest.raises(ValueError, match="target: got 9"):
        guided_backprop(net, x, target=9)
    assert same(snapshot(net, x), before)


def test_input_x_gradient():
    net, x = mlp(), rows_of(5, 4, 6)
    values = input_x_gradient(net, x, target=1)
    net.eval()
    close(
        values,
        InputXGradient(net).attribute(x.clone().requires_grad_(), target=1),
        atol=1e-12,
    )
    close(
        input_x_gradient(lambda x: 2 * x[:, 0] + 3 * x[:, 1] + 7, row(1, 5)),
        row(2, 15),
        atol=1e-12,
    )
