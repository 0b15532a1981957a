"""What a model may be, several inputs, extra arguments: the same numbers whichever way
a model comes, and Captum's where it has more than one input.
"""

from functools import partial

import captum.attr
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import nn

import xaicourse.attribution as xa
from xaicourse.evaluation import deletion_insertion

F64 = torch.float64
X = np.random.default_rng(0).normal(size=(12, 3))
BACKGROUND = np.random.default_rng(1).normal(size=(5, 3))
LABELS = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


def close(a, b, atol=1e-12):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=atol, rtol=0)


class Logistic(nn.Module):
    """The probabilities of a fitted logistic regression, in PyTorch."""

    def __init__(self, fitted):
        super().__init__()
        self.linear = nn.Linear(3, 1).double()
        self.drop = nn.Dropout(0.5)
        self.linear.weight.data = torch.from_numpy(fitted.coef_)
        self.linear.bias.data = torch.from_numpy(fitted.intercept_)

    def forward(self, x):
        p = self.linear(self.drop(x)).sigmoid()
        return torch.cat([1 - p, p], 1)


ESTIMATOR = LogisticRegression().fit(X, LABELS)
MODULE = Logistic(ESTIMATOR)


def of_tensors(x):
    assert isinstance(x, torch.Tensor)
    p = torch.sigmoid(x @ MODULE.linear.weight[0] + MODULE.linear.bias)
    return torch.stack([1 - p, p], 1)


def of_arrays(x):
    assert isinstance(x, np.ndarray)
    return ESTIMATOR.predict_proba(x)


def of_frames(x):
    assert list(x.columns) == ["a", "b", "c"]
    return ESTIMATOR.predict_proba(x.to_numpy())


def frame(x):
    return pd.DataFrame(x, columns=["a", "b", "c"])


def as_is(x):
    return x


WITHOUT_GRADIENT = {
    "shapley": lambda f, x, kind: (
        xa.shapley_values(f, x, baselines=kind(BACKGROUND), target=1).values
    ),
    "sampled": lambda f, x, kind: (
        xa.sampled_shapley_values(
            f, x, baselines=kind(BACKGROUND), target=1, n_samples=8
        ).values
    ),
    "occlusion": lambda f, x, kind: xa.occlusion(f, x, target=1, baselines=0.5),
    "lime": lambda f, x, kind: xa.lime(f, x, target=1, scale=[1, 2, 3]).values,
    "deletion": lambda f, x, kind: deletion_insertion(f, x, x, target=1).deletion,
}


def minus_squared_error(y, prediction):
    return -np.mean((y - prediction) ** 2)


def dropped(f, x):
    def fit(rows, y):
        return f if rows.shape[1] == 3 else LogisticRegression().fit(rows, y)

    options = {"X_test": x, "y_test": LABELS, "target": 1}
    found = xa.drop_column_importance(
        fit, x, LABELS, score=minus_squared_error, **options
    )
    return found.drop


OF_TABLES = {
    "permutation": lambda f, x: (
        xa.permutation_importance(
            f, x, LABELS, target=1, score=minus_squared_error
        ).drops
    ),
    "dependence": lambda f, x: (
        xa.partial_dependence(
            f, x, "b" if isinstance(x, pd.DataFrame) else 1, target=1
        ).mean
    ),
    "drop": dropped,
}


@pytest.mark.parametrize("method", WITHOUT_GRADIENT.values(), ids=WITHOUT_GRADIENT)
def test_the_same_numbers_from_every_kind_of_model(method):
    expected = method(of_arrays, X, as_is)
    assert isinstance(expected, np.ndarray)
    for model, kind in (
        (ESTIMATOR, as_is),
        (MODULE, as_is),
        (MODULE, np.ndarray.tolist),
        (of_frames, frame),
        (MODULE, frame),
        (MODULE, torch.from_numpy),
        (of_tensors, torch.from_numpy),
        (ESTIMATOR, torch.from_numpy),
    ):
        if model is of_frames:
            values = method(model, frame(X), frame)
        else:
            values = method(model, kind(X), kind)
        close(values.detach() if isinstance(values, torch.Tensor) else values, expected)
        assert isinstance(values, torch.Tensor) == (kind is torch.from_numpy)
    assert MODULE.training


@pytest.mark.parametrize("method", OF_TABLES.values(), ids=OF_TABLES)
def test_the_same_numbers_from_every_model_of_tables(method):
    expected = method(of_arrays, X)
    for model in (ESTIMATOR, MODULE):
        close(method(model, X), expected)
    for model in (of_frames, MODULE):
        close(method(model, frame(X)), expected)
    named = LogisticRegression().fit(frame(X), LABELS)
    close(method(named, frame(X)), expected)
    assert MODULE.training


def test_estimators_of_one_output_and_modules_in_single_precision():
    fitted = LinearRegression().fit(X, X @ [1.0, 2.0, -1.0])
    close(
        xa.shapley_values(fitted, X, baselines=np.zeros((1, 3))).values, X * [1, 2, -1]
    )

    def correlation(y, prediction):
        return np.corrcoef(y, prediction)[0, 1]

    module = nn.Linear(3, 1)
    module.weight.data = torch.tensor([[1.0, 2.0, -1.0]])
    module.bias.data = torch.zeros(1)
    y = X @ [1.0, 2.0, -1.0]
    ours, theirs = (
        xa.permutation_importance(f, X, y, score=correlation).drops
        for f in (module, fitted)
    )
    close(ours, theirs, atol=1e-6)
    values = xa.integrated_gradients(module, X).values
    assert values.dtype == np.float64
    close(values, X * [1, 2, -1], atol=1e-6)
    close(xa.lime(module, X, scale=np.ones(3)).values[0], [1, 2, -1], atol=1e-5)
    curve = xa.partial_dependence(module, X, 0, grid=[0.0, 1.0])
    close(np.diff(curve.mean), [1.0], atol=1e-6)


GRADIENTS = {
    "saliency": lambda f, x: xa.saliency(f, x, target=1),
    "smooth_grad": lambda f, x: xa.smooth_grad(f, x, target=1),
    "input_x_gradient": lambda f, x: xa.input_x_gradient(f, x, target=1),
    "guided": lambda f, x: xa.guided_backprop(f, x, target=1),
    "ig": lambda f, x: xa.integrated_gradients(f, x, target=1).values,
    "shap": lambda f, x: xa.gradient_shap(f, x, baselines=BACKGROUND, target=1).values,
    "maximum": lambda f, x: xa.maximise_activation(f, x, radius=1.0, target=1).values,
    "tcav": lambda f, x: xa.tcav(f, x, x[:2], x, target=1, n_runs=2, n_random=2).scores,
}


def relus():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).double()


@pytest.mark.parametrize("method", GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_of_modules_and_functions_of_tensors(method):
    net = relus()
    expected = method(net, torch.from_numpy(X))
    close(method(net.forward, torch.from_numpy(X)), expected)
    of_array = method(net, X)
    assert isinstance(of_array, np.ndarray)
    close(of_array, expected)
    close(method(net.float(), X), expected, atol=1e-4)


@pytest.mark.parametrize("method", GRADIENTS.values(), ids=GRADIENTS)
def test_what_has_no_gradient_is_refused_and_told_what_works(method):
    forest = RandomForestClassifier(3, random_state=0).fit(X, LABELS)
    rows = torch.from_numpy(X)
    for model, given, what in (
        (forest, rows, "model: got RandomForestClassifier"),
        (forest, X, "model: got RandomForestClassifier"),
        (of_arrays, X, "inputs: got ndarray, expected a tensor"),
        (
            forest.predict_proba,
            rows,
            "model: got (an output of type nd|a function of )array",
        ),
    ):
        with pytest.raises(TypeError, match=f"{what}.*shapley_values.*need none"):
            method(model, given)


def test_layers_are_read_from_arrays_too():
    net, picture = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten()), X.reshape
    net.append(nn.Linear(8, 2))
    rows = picture(1, 1, 6, 6)[:, :, :4, :4]
    for method in (
        lambda x: xa.grad_cam(net, x, layer=net[0], target=0).values,
        lambda x: xa.layerwise_relevance(net, x, target=0).values,
        lambda x: (
            xa.layerwise_relevance(
                net, x, target=0, rules={net[0]: xa.z_box_rule(-9, 9)}
            ).values
        ),
    ):
        close(method(rows), method(torch.from_numpy(rows).float()), atol=1e-5)


def test_counterfactuals_of_an_array():
    net = relus()
    away = int(net(torch.from_numpy(X[:1])).argmin())
    ours, theirs = (
        xa.counterfactuals(net, x, target=away, max_steps=40)
        for x in (X[:1], torch.from_numpy(X[:1]))
    )
    assert isinstance(ours.values, np.ndarray)
    assert ours.valid.dtype == bool
    close(ours.values, theirs.values)


# --- several inputs, extra arguments, Captum ------------------------------------------


class Two(nn.Module):
    """Reads two inputs, a gain for each row, and a power for all."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.left = nn.Linear(3, 4).double()
            self.right = nn.Conv1d(2, 4, 3).double()

    def forward(self, x, z, gain, power=1):
        both = self.left(x).relu() * self.right(z).amax(2)
        return both.tanh() ** power * gain[:, None]


def inputs(seed, n):
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, 3, generator=g, dtype=F64),
        torch.randn(n, 2, 5, generator=g, dtype=F64),
    )


INPUTS, STARTS, GAIN = inputs(0, 6), inputs(1, 6), torch.arange(1.0, 7, dtype=F64)
EXTRA = {"target": 2, "additional_forward_args": (GAIN, 2)}


@pytest.mark.parametrize("size", [None, 1, 7, 50])
def test_two_inputs_agree_with_captum(size):
    net = Two()
    ours = xa.integrated_gradients(
        net, INPUTS, baselines=STARTS, n_steps=30, internal_batch_size=size, **EXTRA
    )
    theirs, delta = captum.attr.IntegratedGradients(net).attribute(
        INPUTS, baselines=STARTS, n_steps=30, return_convergence_delta=True, **EXTRA
    )
    leaves = tuple(x.clone().requires_grad_() for x in INPUTS)
    grads = captum.attr.Saliency(net).attribute(leaves, abs=False, **EXTRA)
    times = captum.attr.InputXGradient(net).attribute(leaves, **EXTRA)
    options = {"internal_batch_size": size, **EXTRA}
    # The quadrature by hand, in double precision. Captum rounds its weights to single
    # precision, which alone moves its values by 3e-9 and their sums by 4e-9.
    nodes, weights = np.polynomial.legendre.leggauss(30)
    exact = [torch.zeros_like(x) for x in INPUTS]
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        points = [torch.lerp(b, x, node) for b, x in zip(STARTS, INPUTS, strict=True)]
        points = [point.requires_grad_() for point in points]
        slopes = torch.autograd.grad(net(*points, GAIN, 2)[:, 2].sum(), points)
        for total, slope, x, b in zip(exact, slopes, INPUTS, STARTS, strict=True):
            total.add_(weight * slope * (x - b))
    for found, expected, library in zip(ours.values, exact, theirs, strict=True):
        close(found, expected)
        close(found, library.detach(), atol=1e-8)
    for found, expected in (
        (xa.saliency(net, INPUTS, **options), grads),
        (xa.input_x_gradient(net, INPUTS, **options), times),
    ):
        assert isinstance(found, tuple)
        for a, b in zip(found, expected, strict=True):
            close(a, b.detach(), atol=1e-10)
    close(ours.delta, delta.detach(), atol=1e-8)


def test_guided_backprop_of_two_inputs_is_captums():
    net, leaves = Two(), tuple(x.clone().requires_grad_() for x in INPUTS)
    library = captum.attr.GuidedBackprop(Modules(net))
    with pytest.warns(UserWarning, match="backward hooks"):
        theirs = library.attribute(leaves, **EXTRA)
    for a, b in zip(xa.guided_backprop(net, INPUTS, **EXTRA), theirs, strict=True):
        close(a, b.detach())


class Modules(nn.Module):
    """The same with its ReLU as a module, which is what Captum sees."""

    def __init__(self, net):
        super().__init__()
        self.net, self.relu = net, nn.ReLU()

    def forward(self, x, z, gain, power=1):
        both = self.relu(self.net.left(x)) * self.net.right(z).amax(2)
        return both.tanh() ** power * gain[:, None]


def test_gradient_shap_of_two_inputs_draws_rows_together_and_is_complete():
    net, options = Two(), EXTRA | {"n_samples": 4000}
    ours = xa.gradient_shap(net, INPUTS, baselines=STARTS, **options)
    parts = [
        xa.integrated_gradients(
            net,
            INPUTS,
            baselines=tuple(b[i : i + 1] for b in STARTS),
            n_steps=60,
            **EXTRA,
        ).values
        for i in range(6)
    ]
    for k, found in enumerate(ours.values):
        expected = torch.stack([values[k] for values in parts]).mean(0)
        close(found, expected, atol=0.02)
    assert ours.delta.abs().max() < 0.02
    # with the gains of other rows the residual is not small
    wrong = EXTRA | {"additional_forward_args": (GAIN.flip(0), 2), "n_samples": 4000}
    other = xa.gradient_shap(net, INPUTS, baselines=STARTS, **wrong).values
    assert (other[0] - ours.values[0]).abs().max() > 0.1
    few = EXTRA | {"n_samples": 6}
    whole, cut = (
        xa.gradient_shap(net, INPUTS, baselines=STARTS, internal_batch_size=s, **few)
        for s in (None, 4)
    )
    noisy = [
        xa.smooth_grad(net, INPUTS, stdevs=0.2, internal_batch_size=s, **few)
        for s in (None, 4)
    ]
    for k in range(2):
        close(whole.values[k], cut.values[k])
        close(noisy[0][k], noisy[1][k])
    close(whole.delta, cut.delta)


@pytest.mark.parametrize("size", [None, 5])
def test_extra_arguments_of_methods_without_gradient(size):
    def model(x, gain, power):
        return (x**power).sum(1) * gain

    gain = torch.arange(1.0, 13)
    x, b = torch.from_numpy(X), torch.from_numpy(BACKGROUND)
    options = {"additional_forward_args": (gain, 2), "internal_batch_size": size}
    expected = gain[:, None] * (x**2 - (b**2).mean(0))
    exact = xa.shapley_values(model, x, baselines=b, **options)
    close(exact.values, expected)
    close(exact.delta, np.zeros(12))
    sampled = xa.sampled_shapley_values(model, x, baselines=b, n_samples=10, **options)
    close(sampled.values, expected)
    close(sampled.delta, np.zeros(12))
    close(xa.occlusion(model, x, **options), gain[:, None] * x**2)
    reference = captum.attr.FeatureAblation(model).attribute(
        x, additional_forward_args=(gain, 2)
    )
    close(xa.occlusion(model, x, **options), reference, atol=1e-6)


def test_a_bert_reads_pairs_of_sentences():
    from transformers import BertConfig, BertForSequenceClassification

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, initializer_range=0.5,
        )  # fmt: skip
        bert = BertForSequenceClassification(config).double().eval()
    ids = torch.tensor([[2, 5, 3, 6, 3], [2, 4, 3, 7, 3]])
    types = torch.tensor([[0, 0, 0, 1, 1]] * 2)
    mask = torch.ones_like(ids)

    def read(embeddings, mask, types):
        return bert(
            inputs_embeds=embeddings, attention_mask=mask, token_type_ids=types
        ).logits

    embeddings = bert.get_input_embeddings()(ids)
    theirs = captum.attr.IntegratedGradients(read).attribute(
        embeddings, additional_forward_args=(mask, types), target=1, n_steps=20
    )
    options = {"target": 1, "n_steps": 20}
    ours = xa.integrated_gradients(
        read, embeddings, additional_forward_args=(mask, types), **options
    ).values
    # Captum rounds the weights of its quadrature to single precision
    close(ours, theirs.detach(), atol=1e-8)
    paired = xa.token_integrated_gradients(bert, ids, token_type_ids=types, **options)
    close(paired.values, theirs.sum(2).detach(), atol=1e-8)
    named = xa.integrated_gradients(
        bert, {"inputs_embeds": embeddings},
        additional_forward_args={"attention_mask": mask, "token_type_ids": types},
        **options,
    ).values["inputs_embeds"]  # fmt: skip
    close(named, ours)
    alone = xa.token_integrated_gradients(bert, ids, **options)
    assert (alone.values - paired.values).abs().max() > 1e-3
    slopes = xa.token_gradients(bert, ids, token_type_ids=types, target=1)
    slope = xa.saliency(
        read, embeddings, target=1, additional_forward_args=(mask, types)
    )
    close(slopes.norm, slope.norm(dim=2))
    with pytest.raises(ValueError, match=r"token_type_ids: got shape \(2, 4\)"):
        xa.token_gradients(bert, ids, token_type_ids=types[:, :4], target=1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": (INPUTS[0], INPUTS[1][:3])}, ValueError, r"inputs: got shape \(3,"),
        (
            {"inputs": (INPUTS[0].long(), INPUTS[1])},
            TypeError,
            "inputs: got torch.int64",
        ),
        (
            {"baselines": STARTS[:1]},
            ValueError,
            "baselines: got 1, expected one for each",
        ),
        ({"baselines": STARTS[::-1]}, ValueError, "baselines: got shape"),
        ({"target": [0, 1]}, ValueError, r"target: got shape \(2,\)"),
        ({"target": 4}, ValueError, "target: got 4, expected an output from 0 to 3"),
    ],
)
def test_bad_arguments_of_several_inputs(change, error, message):
    options = {"inputs": INPUTS, "baselines": STARTS, **EXTRA} | change
    for method in (xa.integrated_gradients, xa.gradient_shap):
        with pytest.raises(error, match=message):
            method(Two(), **options)


def test_methods_of_one_input_say_so():
    for method in (xa.occlusion, partial(xa.shapley_values, baselines=X)):
        with pytest.raises(
            TypeError, match="inputs: got a tuple, expected the rows of one"
        ):
            method(Two(), INPUTS, **EXTRA)


def test_targets_may_be_lists_and_arrays_and_models_may_work_in_inference_mode():
    net, rows = relus(), torch.from_numpy(X)
    targets = np.arange(12) % 2
    expected = xa.saliency(net, rows, target=torch.from_numpy(targets))
    for target in (targets, targets.tolist()):
        close(xa.saliency(net, rows, target=target), expected)
    with torch.inference_mode():
        given, target = torch.from_numpy(X.copy()), torch.from_numpy(targets.copy())
        given, target = given.clone(), target.clone()
        for method in (
            xa.saliency, xa.guided_backprop, xa.occlusion, xa.input_x_gradient,
            partial(xa.shapley_values, baselines=given),
            partial(xa.sampled_shapley_values, baselines=given, n_samples=4),
            partial(xa.gradient_shap, baselines=given),
            partial(xa.maximise_activation, radius=1.0),
            partial(xa.lime, scale=np.ones(3)), xa.layerwise_relevance,
        ):  # fmt: skip
            method(net, given, target=target)


# --- modes, precisions, types ---------------------------------------------------------


def test_everything_may_be_made_in_inference_mode_but_the_model():
    def model(x, gain):
        return (x**2).sum(1) * gain

    with torch.inference_mode():
        x, gain = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0])
        slopes = xa.saliency(model, x, additional_forward_args=gain)
        named = xa.saliency(model, x, additional_forward_args={"gain": gain})
        values = xa.gradient_shap(
            model, x, baselines=0 * x[:1], n_samples=2, additional_forward_args=gain
        ).values
        made_here = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        with pytest.raises(ValueError, match="model: got one made in inference mode"):
            xa.saliency(made_here, x)
    close(slopes, [[2, 4], [60, 80]])
    close(named, slopes)
    # 2 α x², with α uniform in each half of (0, 1)
    ratio = values / torch.tensor([[1.0, 4.0], [90.0, 160.0]])
    assert (ratio - 1).abs().max() < 0.5


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_the_models_alone(kind):
    net = nn.Linear(2, 1).to(kind)
    net.weight.data = torch.tensor([[96.0, -160.0]], dtype=kind)
    net.bias.data.zero_()
    x = torch.tensor([[1.0, 0.5], [2.0, 4.0]], dtype=kind)
    # a thousand gradients of 96 are more than the greatest number in half precision
    for model in (net, lambda x: x @ net.weight[0]):
        found = xa.smooth_grad(model, x, n_samples=1000)
        assert found.dtype == kind
        close(found.float(), [[96, -160]] * 2)
        values = xa.integrated_gradients(model, x, n_steps=300).values
        assert values.dtype == kind
        close(values.float(), [[96, -80], [192, -640]])
        exact = xa.shapley_values(model, x, baselines=0 * x).values
        close(exact.float(), [[96, -80], [192, -640]])
        close(xa.occlusion(model, x).float(), [[96, -80], [192, -640]])
    curve = xa.partial_dependence(net, x.float().numpy(), 0, grid=[0.0, 1.0])
    close(np.diff(curve.mean), [96])


def test_integers_stay_integers_where_no_gradient_is_asked_for():
    net = nn.Sequential(nn.Embedding(9, 1), nn.Flatten()).double()
    net[0].weight.data = torch.arange(9.0, dtype=F64)[:, None] ** 2
    ids = torch.tensor([[1, 5], [8, 2]])
    # of a sum of squares, each column has its own
    expected = ids.double() ** 2 - 9

    def of_ids(x):
        assert x.dtype == torch.long
        return net(x).sum(1)

    start = torch.full((1, 2), 3)
    close(xa.occlusion(of_ids, ids, baselines=3), expected)
    for method in (xa.shapley_values, partial(xa.sampled_shapley_values, n_samples=4)):
        close(method(of_ids, ids, baselines=start).values, expected)
        with pytest.raises(TypeError, match=r"inputs: got torch.int64.* between integ"):
            method(of_ids, ids, baselines=start + 0.5)
    table = nn.Sequential(net, nn.Linear(2, 1, bias=False).double())
    table[1].weight.data.fill_(1.0)
    close(xa.occlusion(table, ids, baselines=3), expected)
    with pytest.raises(TypeError, match="between integers: expected floating point"):
        xa.lime(of_ids, ids, scale=[1, 1])
    with pytest.raises(TypeError, match=r"inputs: got torch.int64.*have no gradient"):
        xa.saliency(of_ids, ids)


@pytest.mark.parametrize(
    "target",
    [
        (0, 1, 1), np.array([0, 1, 1], np.uint16), np.array([1, 1, 0])[::-1],
        pd.Series([0, 1, 1]), [torch.tensor(0), torch.tensor(1), torch.tensor(1)],
    ],
)  # fmt: skip
def test_targets_of_every_kind(target):
    x = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    close(xa.saliency(torch.square, x, target=target), [[2, 0], [0, 40], [0, 60]])
    close(
        xa.saliency(torch.square, x[:2], target=range(2)),
        [[2, 0], [0, 40]],
    )
    for one in (np.array(1), torch.tensor(1), np.uint8(1)):
        close(xa.occlusion(torch.square, x, target=one)[:, 1], [100, 400, 900])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": ["a", "b"]}, TypeError, "target: got <U1, expected real numbers"),
        ({"target": [[0], [1, 2]]}, TypeError, "target: got list, expected an array"),
        ({"target": {0, 1}}, TypeError, "target: got set, expected real numbers"),
        ({"target": np.array(0.5)}, TypeError, "target: got 0.5"),
        ({"baselines": [[0], [1, 2]]}, TypeError, "baselines: got list, expected an"),
        ({"baselines": {"x": 0}}, TypeError, "baselines: got dict, expected real"),
        ({"inputs": [[0], [1, 2]]}, TypeError, "inputs: got list, expected an array"),
        ({"inputs": ()}, TypeError, "inputs: got (), expected the rows"),
        ({"inputs": None}, TypeError, "inputs: got NoneType"),
    ],
)
def test_one_clear_error(options, error, message):
    given = {"inputs": np.ones((2, 2)), "target": 0, **options}
    with pytest.raises(error) as refusal:
        xa.occlusion(of_two, given.pop("inputs"), **given)
    assert str(refusal.value).startswith(message)


def of_two(x):
    return np.asarray(x) ** 2


def test_results_are_taken_for_their_values():
    x = torch.tensor([[1.0, 2.0, 3.0]])
    found = xa.integrated_gradients(lambda x: (x**2).sum(1), x)
    ours, theirs = (
        deletion_insertion(lambda x: x.sum(1), x, a).deletion
        for a in (found, found.values)
    )
    close(ours, theirs)
    close(ours, [[6, 3, 1, 0]])


def test_arrays_behind_the_inputs_go_with_their_rows():
    # in blocks of as many points as there are rows, a gain must not go by points
    def model(x, gain):
        return x.sum(1) * gain

    gain = np.array([1.0, 10.0, 100.0])
    for given in (gain, {"gain": gain}):
        options = {"additional_forward_args": given, "internal_batch_size": 3}
        found = xa.occlusion(model, np.ones((3, 3)), **options)
        close(found, np.repeat(gain[:, None], 3, 1))


def test_named_inputs():
    net = Two()
    gain = {"gain": GAIN, "power": 2}
    options = {"target": 2, "n_steps": 5}
    expected = xa.integrated_gradients(
        net, INPUTS, baselines=STARTS, additional_forward_args=(GAIN, 2), **options
    )
    named = dict(zip("zx", INPUTS[::-1], strict=True))
    starts = dict(zip("xz", STARTS, strict=True))
    found = xa.integrated_gradients(
        net, named, baselines=starts, additional_forward_args=gain, **options
    )
    assert list(found.values) == ["z", "x"]
    close(found.values["x"], expected.values[0])
    close(found.values["z"], expected.values[1])
    close(found.delta, expected.delta)
    with pytest.raises(
        ValueError, match=r"baselines: got \['x'\], expected \['z', 'x'\]"
    ):
        xa.integrated_gradients(net, named, baselines={"x": STARTS[0]})
    with pytest.raises(TypeError, match="inputs: got a dict, expected the rows of one"):
        xa.occlusion(net, named)
