"""One right call of each public function, for `nonsense`: small, and seen to work."""

import os
import tempfile
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from nonsense import Case
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor
from torch import nn

import xaicourse.attribution as at
import xaicourse.causality as ca
import xaicourse.datasets as da
import xaicourse.evaluation as ev
import xaicourse.fairness as fa
import xaicourse.networks as ne
import xaicourse.sealing as se
import xaicourse.sensitivity as sn
from xaicourse import plotting, resampling
from xaicourse.datasets.base import Dataset
from xaicourse.datasets.collisions import cell_centres
from xaicourse.datasets.sentences import opinion_on_the_film
from xaicourse.evaluation.tasks_sentences import TextNetwork

CASES: list[Case] = []


def add(module, function, arguments, *, kinds=None, fine=None, name=None):
    name = name or function.__name__
    CASES.append(Case(module, name, function, arguments, kinds or {}, fine or {}))


rng = np.random.default_rng(0)
torch.manual_seed(0)

# A table and what two networks make of it: two outputs a row, and one.
X = rng.standard_normal((12, 3))
Y = np.arange(12) % 2
ROWS = torch.tensor(X[:4])
BACKGROUND = torch.tensor(X[4:])
TARGET = [0, 1, 0, 1]
NETWORK = ne.mlp(3, [4], 2).double().eval()
BINARY = ne.mlp(3, [4], 1).double().eval()
PICTURES = torch.rand(4, 1, 8, 8)
SEEN = ne.small_cnn(2, width=2).eval()
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
ESTIMATOR = LinearRegression().fit(FRAME, Y)


def mean(rows):
    """A function of arrays, one number a row."""
    return np.asarray(rows).mean(1)


def smooth(x):
    """A function that can be differentiated in complex steps."""
    return (x**2).sum(-1)


# --- attribution ---------------------------------------------------------------------

explained = {"model": NETWORK, "inputs": ROWS, "target": TARGET}
free = {"additional_forward_args": "anything"}
of_baselines = {**free, "baselines": "numbers_or_one"}
for method in (
    at.saliency,
    at.input_x_gradient,
    at.guided_backprop,
    at.smooth_grad,
):
    add("attribution", method, explained, kinds=free)
    add("attribution", method, {**explained, "inputs": X[:4]}, kinds=free)
for rows, background in ((ROWS, BACKGROUND), (X[:4], X[4:])):
    given = {**explained, "inputs": rows}
    add(
        "attribution",
        at.integrated_gradients,
        {**given, "baselines": background[:4], "n_steps": 4},
        kinds=of_baselines,
    )
    add(
        "attribution",
        at.gradient_shap,
        {**given, "baselines": background, "n_samples": 4},
        kinds=free,
        # any number of baselines will do
        fine={"baselines": ("a row less",)},
    )
for method in (at.shapley_values, at.sampled_shapley_values, at.kernel_shap):
    for model, inputs, baselines in (
        (NETWORK, ROWS, BACKGROUND),
        (NETWORK, X[:4], X[4:]),
        (ESTIMATOR, FRAME[:4], FRAME[4:]),
    ):
        add(
            "attribution",
            method,
            {
                "model": model,
                "inputs": inputs,
                "baselines": baselines,
                "target": TARGET if model is NETWORK else None,
            },
            kinds={**free, "model": "model" if model is NETWORK else "object"},
            fine={"baselines": ("a row less",)},
        )
add(
    "attribution",
    at.occlusion,
    {
        **explained,
        "baselines": torch.zeros(4, 3).double(),
        "window": 1,
        "strides": [1],
    },
    kinds={**of_baselines, "window": "count_or_counts", "strides": "count_or_counts"},
    # one number for the one axis
    fine={"window": ("a list",), "strides": ("a list",)},
)
for model, inputs in ((NETWORK, ROWS), (ESTIMATOR, FRAME[:4])):
    add(
        "attribution",
        at.lime,
        {
            "model": model,
            "inputs": inputs,
            "target": TARGET if model is NETWORK else None,
            "scale": X.std(0),
            "n_samples": 50,
            "kernel_width": 2.0,
        },
        kinds={
            "kernel_width": "positive",
            "model": "model" if model is NETWORK else "object",
        },
    )
add(
    "attribution",
    at.lime_segments,
    {**explained, "segments": np.array([0, 1, 1]), "baselines": X[:4], "n_samples": 50},
    kinds={
        "segments": "array",
        "baselines": "numbers_or_one",
        "kernel_width": "positive",
    },
)
add(
    "attribution",
    at.maximise_activation,
    {**explained, "radius": 1.0, "n_steps": 3, "bounds": (-9.0, 9.0)},
    kinds={"radius": "positive", "centre": "number", "bounds": "pair"},
    # a row of centres is one for all; no bounds are none
    fine={"centre": ("a list",), "bounds": ("none",)},
)
add(
    "attribution",
    at.counterfactuals,
    {
        "model": BINARY,
        "inputs": ROWS[:1],
        "target": int(BINARY(ROWS[:1]) < 0),
        "n_counterfactuals": 2,
        "actionable": [0, 1, 2],
        "ranges": (np.full(3, -9.0), np.full(3, 9.0)),
        "choices": {2: [0.0, 1.0]},
        "scales": np.ones(3),
        "max_steps": 3,
        "learning_rate": 0.05,
    },
    kinds={
        "target": "target_number",
        "actionable": "positions",
        "ranges": "tensors",
        "categories": "anything",
        "choices": "mapping",
        "learning_rate": "positive",
    },
)
add(
    "attribution",
    at.grad_cam,
    {"model": SEEN, "inputs": PICTURES, "layer": SEEN.maps, "target": TARGET},
    kinds={"layer": "module", "reshape": "object"},
)
add(
    "attribution",
    at.layerwise_relevance,
    {**explained, "rule": at.epsilon_rule(), "rules": {NETWORK[0]: at.flat_rule()}},
    # what a rule returns is for those who write one
    kinds={"rule": "object", "rules": "mapping", "model": "module"},
)
add("attribution", at.epsilon_rule, {})
add("attribution", at.gamma_rule, {})
add("attribution", at.alpha_beta_rule, {})
add(
    "attribution",
    at.z_box_rule,
    {"low": -9.0, "high": 9.0},
    kinds={"low": "number", "high": "number"},
)
add(
    "attribution",
    at.concept_vectors,
    {"concept": BACKGROUND[:4], "others": BACKGROUND[4:]},
    kinds={"ridge": "positive"},
    # any number of rows, in any number of runs
    fine={
        "concept": ("a row less", "a further axis"),
        "others": ("a row less", "a further axis"),
    },
)
add(
    "attribution",
    at.tcav,
    {
        "head": NETWORK,
        "activations": ROWS,
        "concept": BACKGROUND[:2],
        "others": BACKGROUND[2:],
        "target": TARGET,
        "n_runs": 2,
        "n_random": 3,
    },
    kinds={"activations": "rows"},
    fine={"concept": ("a row less",), "others": ("a row less",)},
)
TEXT = TextNetwork().eval()
IDS = torch.tensor([[2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]])
for method in (at.token_gradients, at.token_integrated_gradients):
    arguments = {
        "model": TEXT,
        "input_ids": IDS,
        "attention_mask": torch.ones_like(IDS),
        "target": torch.tensor(TARGET),
        "baselines": torch.zeros_like(IDS),
        "n_steps": 2,
    }
    if method is at.token_gradients:
        del arguments["baselines"], arguments["n_steps"]
    add(
        "attribution",
        method,
        arguments,
        kinds={
            "model": "module",
            "input_ids": "ids",
            "baselines": "ids",
            # the network of this case takes none
            "token_type_ids": "anything",
        },
        # any number of sentences and of words, without a mask
        fine={"input_ids": ("a row less", "a column less")},
    )
add(
    "attribution",
    at.merge_word_pieces,
    {"tokens": ["read", "##ing"], "values": [0.5, 0.25]},
    kinds={"tokens": "texts", "values": "array"},
)
for table, names in ((X, [0, 1, 2]), (FRAME, ["a", "b", "c"])):
    add(
        "attribution",
        at.permutation_importance,
        {
            "model": mean,
            "X": table,
            "y": Y,
            "score": lambda y, p: float(np.mean((p > 0) == y)),
            "n_repeats": 2,
            "groups": {"first": [names[0]], "others": names[1:]},
        },
        kinds={
            "y": "many",
            "score": "score",
            "groups": "mapping",
            "target": "anything",
        },
        # what a table may hold is for the model to say
        fine={
            "X": (
                "a NaN",
                "infinity",
                "minus infinity",
                "strings",
                "numeric strings",
                "numeric strings, as objects",
                "a string inside",
                "dates",
                "durations",
                "complex",
                "objects",
            )
        },
    )
add(
    "attribution",
    at.drop_column_importance,
    {
        "fit": lambda table, y: mean,
        "X": X,
        "y": Y,
        "X_test": X,
        "y_test": Y,
        "score": lambda y, p: float(np.mean((p > 0) == y)),
        "groups": {"first": [0], "others": [1, 2]},
    },
    kinds={
        "fit": "object",
        "X": "anything",
        "X_test": "anything",
        "y": "many",
        "y_test": "many",
        "score": "score",
        "groups": "mapping",
        "target": "anything",
    },
)
add(
    "attribution",
    at.partial_dependence,
    {"model": mean, "X": FRAME, "feature": "a", "grid": [0.0, 1.0]},
    kinds={"X": "anything", "feature": "column", "grid": "array", "target": "anything"},
    # a grid of any length
    fine={"grid": ("a row less",)},
)

# --- sensitivity ---------------------------------------------------------------------

BOUNDS = [(0.0, 1.0), (-1.0, 1.0)]
ISHIGAMI = sn.ishigami()
TREE = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, X[:, 0])
any_number = {"kinds": {"a": "number", "b": "number"}}
add("sensitivity", sn.ishigami, {}, **any_number)
add(
    "sensitivity",
    sn.g_function,
    {"a": [0.0, 1.0]},
    kinds={"a": "array"},
    fine={"a": ("a row less",)},
)
add(
    "sensitivity",
    sn.linear,
    {"coefficients": [1.0, 2.0]},
    kinds={"coefficients": "array"},
    fine={"coefficients": ("a row less",)},
)
add("sensitivity", ISHIGAMI.__call__, {"X": X}, name="AnalyticFunction.__call__")
several = {"n_scramblings": 2, "n_samples": 8}
add(
    "sensitivity",
    sn.sobol_indices,
    {"function": mean, "bounds": BOUNDS, **several},
    kinds={"conf_level": "share"},
    # as many inputs as there are bounds
    fine={"bounds": ("a row less",)},
)
add(
    "sensitivity",
    sn.morris_screening,
    {"function": mean, "bounds": BOUNDS},
    fine={"bounds": ("a row less",)},
)
SOBOL = sn.sobol_sample(BOUNDS, n_samples=8)
MORRIS = sn.morris_sample(BOUNDS, n_trajectories=2)
for draw in (sn.sobol_sample, sn.morris_sample):
    add("sensitivity", draw, {"bounds": BOUNDS}, fine={"bounds": ("a row less",)})
for analyse, sample in (
    (sn.sobol_indices_of, SOBOL),
    (sn.morris_screening_of, MORRIS),
):
    add(
        "sensitivity",
        analyse,
        {"sample": sample, "outputs": np.arange(float(len(sample.rows)))},
        kinds={"sample": "object", "conf_level": "share"},
    )
add(
    "sensitivity",
    sn.grid_anova,
    {"values": X},
    kinds={"values": "rows"},
    # a table of any number of inputs
    fine={"values": ("a further axis", "an axis less")},
)
add(
    "sensitivity",
    sn.forest_anova,
    {"forest": TREE, "bounds": [(-9.0, 9.0)] * 3},
    kinds={"forest": "object"},
)
for method, name in ((None, "central"), ("richardson", "richardson")):
    add(
        "sensitivity",
        sn.finite_differences,
        {
            "function": smooth,
            "inputs": X[:4],
            "method": method or name,
            "step": 1e-4,
        },
        kinds={"method": "choice", "step": "positive"},
        # one point; one step for each input is an array of three
        fine={"inputs": ("an axis less",), "step": ("None",)},
    )
add(
    "sensitivity",
    sn.batch_jacobian,
    {"model": NETWORK, "inputs": ROWS},
    # outputs of any shape have derivatives
    fine={"model": ("returns two further axes",)},
)
add(
    "sensitivity",
    sn.elasticities,
    {"derivatives": X[:4], "inputs": X[:4], "outputs": X[:4, 0]},
    kinds={"inputs": "array"},
    # one point, whose outputs are as many as there were rows
    fine={"inputs": ("an axis less",)},
)
add(
    "sensitivity",
    sn.forward_sensitivities,
    {
        "rhs": lambda t, x, p: -p[0] * x,
        "start": [1.0, 2.0],
        "parameters": [0.5, 1.0],
        "times": [0.0, 1.0, 2.0],
    },
    kinds={
        "rhs": "function",
        "start": "array",
        "parameters": "array",
        "times": "array",
    },
    # a system of any size
    fine={
        "start": ("a row less",),
        "parameters": ("a row less",),
        "times": ("a row less",),
        "rhs": ("returns complex numbers",),
    },
)


class Results:
    """What statsmodels' results are to a forecast."""

    def apply(self, series, *, exog):
        """Return what knows a series."""
        del exog
        return SimpleNamespace(forecast=lambda *_, **__: np.asarray(series)[-1:] / 2)


add(
    "sensitivity",
    sn.forecast_sensitivity,
    {
        "results": Results(),
        "endog": X[:, 0],
        "exog": X,
        "next_exog": X[0],
        "n_lags": 2,
    },
    kinds={"results": "object"},
    # the features decide how many rows; one of them may be a number
    fine={"next_exog": ("a further axis",)},
)
add(
    "sensitivity",
    sn.pi_weights,
    {"ar": [0.5], "ma": [0.25], "d": 0},
    kinds={"ar": "array", "ma": "array", "d": "whole"},
    # no coefficients are none
    fine={"ar": ("a row less", "none"), "ma": ("a row less", "none")},
)
add("sensitivity", sn.cart_poles, {"n_episodes": 2}, kinds=dict.fromkeys(
    ("gravity", "masscart", "masspole", "length", "force_mag"), "positive"
))  # fmt: skip
add(
    "sensitivity",
    sn.episode_returns,
    {
        "envs": sn.cart_poles(2, max_steps=3),
        "policy": lambda seen: np.zeros(2, np.int64),
        "seed": 0,
    },
    kinds={"envs": "object", "seed": "seed_number"},
)
add(
    "sensitivity",
    sn.return_sensitivity,
    {
        "returns": lambda setting, seed: setting * np.arange(4.0),
        "low": 0.0,
        "high": 1.0,
    },
    kinds={
        "returns": "function",
        "low": "number",
        "high": "number",
        "seed": "seed_number",
    },
)

# --- causality -----------------------------------------------------------------------

ENVIRONMENTS = [(X[:6], X[:6, 0] + 1), (X[6:], X[6:, 0] * 2)]
LABELLED = [(X[:6], Y[:6]), (X[6:], Y[6:])]
add(
    "causality",
    ca.invariant_causal_prediction,
    {"environments": ENVIRONMENTS},
    kinds={"alpha": "share", "max_size": "count"},
    # no fewer rows than six in an environment are needed
    fine={"environments": ("X: none",)},
)
add(
    "causality",
    ca.invariant_risk_minimisation,
    {
        "environments": LABELLED,
        "penalty_weight": 1.0,
        "hidden": [2],
        "seeds": [0],
        "max_epochs": 4,
        "warm_up": 1,
    },
    kinds={"warm_up": "whole"},
    # rows of its own for the one seed
    fine={"environments": ("X: a further axis",)},
)
add(
    "causality",
    ca.irm_penalty,
    {"logits": torch.randn(2, 5), "labels": torch.ones(2, 5)},
)
SCM = ca.StructuralCausalModel(
    {"x": lambda noise: noise, "y": lambda x, gain, noise: gain * x + noise},
    parameters={"gain": 2.0},
)
LETTERS = ca.StructuralCausalModel({"x": lambda: "a"})
add(
    "causality",
    ca.StructuralCausalModel,
    {
        "mechanisms": {"x": lambda noise: noise},
        "parameters": {"gain": 2.0},
        "noises": {"x": ca.standard_normal},
    },
    kinds=dict.fromkeys(("mechanisms", "parameters", "noises"), "mapping"),
)
add("causality", SCM.sample, {"n": 3}, name="StructuralCausalModel.sample")
add(
    "causality",
    SCM.effect_of,
    {"cause": "x", "on": "y", "n": 3},
    # what the cause is set to is checked as what `do` sets
    kinds={"cause": "choice", "on": "choice", "low": "anything", "high": "anything"},
    name="StructuralCausalModel.effect_of",
)
add(
    "causality",
    lambda gain: SCM.environment(gain=gain).sample(3),
    {"gain": 3.0},
    kinds={"gain": "number"},
    name="StructuralCausalModel.environment",
)
add(
    "causality",
    lambda x: LETTERS.do(x=x).sample(3),
    {"x": 3.0},
    kinds={"x": "number"},
    # a variable may hold anything, word, date or object, that is one value
    fine={
        "x": (
            "a string",
            "a numeric string",
            "True",
            "a date",
            "a complex number",
            "a mapping",
        )
    },
    name="StructuralCausalModel.do",
)

# --- fairness ------------------------------------------------------------------------

GROUPS = np.array(["a", "b", "c"] * 4)
RATES = fa.group_metrics(Y, 1 - Y, GROUPS, min_rows=0)
for name in ("difference", "ratio"):
    method = getattr(RATES, name)
    add(
        "fairness",
        method,
        {"rate": "base_rate"},
        kinds={"rate": "choice"},
        name=f"GroupMetrics.{name}",
    )
add(
    "fairness",
    fa.group_metrics,
    {"y_true": Y, "y_pred": 1 - Y, "groups": GROUPS},
    kinds={
        "y_true": "classes",
        "y_pred": "classes",
        "groups": "many",
        "level": "share",
        "min_rows": "whole",
    },
)
CLASSES = np.arange(12) % 3 + 1
add(
    "fairness",
    fa.quadratic_weighted_kappa,
    {"actual": CLASSES, "predicted": CLASSES[::-1].copy()},
    kinds={"actual": "classes", "predicted": "classes"},
)
add(
    "fairness",
    fa.fit_cut_offs,
    {"scores": X[:, 0], "actual": CLASSES, "n_classes": 3},
    kinds={"actual": "classes", "method": "choice"},
)
CUTS = fa.fit_cut_offs(X[:, 0], CLASSES, n_classes=3)
add(
    "fairness",
    CUTS.classes,
    {"scores": X[:, 0]},
    kinds={"scores": "rows"},
    name="CutOffs.classes",
)
add(
    "fairness",
    fa.ordinal_scores,
    {"actual": CLASSES, "predictions": {"m": CLASSES, "k": CLASSES}, "n_samples": 3},
    kinds={"actual": "classes", "predictions": "named_arrays"},
)
add(
    "fairness",
    fa.importance_penalty,
    {
        "logits": lambda z: z.sum(-1, keepdim=True),
        "inputs": ROWS[None].float(),
        "columns": [0],
        "alpha": torch.full((4,), 0.5),
    },
    kinds={"columns": "positions", "logits": "object"},
    # any number of networks
    fine={"inputs": ("a row less", "an axis less", "a further axis")},
)
add(
    "fairness",
    fa.train_with_less_importance,
    {
        "X": X,
        "y": Y,
        "columns": [0],
        "strengths": [0.0, 1.0],
        "hidden": [2],
        "max_epochs": 1,
        "batch_size": 6,
    },
    kinds={
        "columns": "positions",
        "strengths": "numbers",
        "max_epochs": "whole",
        "seed": "seed_number",
    },
)

# --- evaluation ----------------------------------------------------------------------

VALUES = rng.random((4, 3))
MASK = np.array([[True, False, False]] * 4)
for method in (ev.pointing_game, ev.relevance_mass, ev.relevance_rank):
    add(
        "evaluation",
        method,
        {"attributions": VALUES, "mask": MASK},
        kinds={"mask": "mask"},
    )
add(
    "evaluation",
    ev.effect_correlation,
    {"attributions": VALUES, "effects": VALUES[::-1].copy()},
)
for rows in (ROWS, X[:4]):
    add(
        "evaluation",
        ev.deletion_insertion,
        {
            **{**explained, "inputs": rows},
            "attributions": torch.tensor(VALUES),
            "baselines": torch.zeros(4, 3).double(),
            "feature_mask": torch.tensor([0, 1, 1]),
        },
        kinds={"baselines": "numbers_or_one", "feature_mask": "classes"},
    )
add(
    "evaluation",
    ev.max_sensitivity,
    {"explain": lambda rows: 2 * rows, "inputs": ROWS, "n_samples": 2},
    kinds={"explain": "function"},
    # an explanation of any number of axes
    fine={"inputs": ("a further axis", "an axis less")},
)
add(
    "evaluation",
    ev.parameter_randomisation,
    {
        "model": NETWORK,
        "explain": lambda model, rows: rows * model[0].weight[0],
        "inputs": ROWS,
        "n_samples": 2,
    },
    kinds={"model": "module", "explain": "function"},
    # the explanation is the user's: of what, and in which shape
    fine={
        "inputs": ("a further axis", "an axis less"),
        "explain": ("returns two further axes",),
    },
)
GRADES = pd.DataFrame(
    {
        "task": "t",
        "measure": "m",
        "method": ["a", "a", "b", "b"],
        "seed": [0, 1, 0, 1],
        "value": [0.5, 0.25, 0.125, 0.5],
    }
)
add(
    "evaluation",
    ev.paired_difference,
    {"grades": GRADES, "first": "a", "second": "b"},
    kinds={"grades": "table", "first": "choice", "second": "choice", "level": "share"},
)
add(
    "evaluation",
    ev.grade,
    {"tasks": ["linear"], "seeds": 1},
    kinds={"tasks": "texts", "seeds": "count", "first_seed": "whole", "dask": "text"},
    fine={"n_jobs": ("None",)},
)

# --- networks ------------------------------------------------------------------------

add("networks", ne.mlp, {"n_inputs": 3, "hidden": [4], "n_outputs": 2})
add("networks", ne.small_cnn, {"n_classes": 2, "width": 2})
add("networks", ne.small_resnet, {"n_classes": 2, "width": 2})
add("networks", ne.efficientnet_lite0, {"n_classes": 2})
add(
    "networks",
    ne.photograph,
    {"image": np.zeros((4, 4), dtype=np.uint8), "size": 2},
    kinds={"image": "object", "size": "count_or_counts"},
    # black on every pixel; height and width
    fine={"size": ("a list",)},
)
READER = SimpleNamespace(last_hidden_state=torch.ones(1, 2, 3))


def pieces_of(sentences, **_):
    """Stands for a tokenizer."""
    ones = torch.ones(len(sentences), 2)
    return {"attention_mask": ones}


add(
    "networks",
    ne.sentence_embeddings,
    {"model": lambda **_: READER, "tokenizer": pieces_of, "sentences": ["a film"]},
    # what transformers makes
    kinds={"model": "anything", "tokenizer": "anything", "sentences": "texts"},
)
LAST = ne.mlp(3, [4], 2).double().eval()
add(
    "networks",
    ne.kernel_drift,
    {"start": NETWORK, "end": LAST, "X": X, "target": 0},
    kinds={"start": "module", "end": "module", "target": "target_number"},
)
add(
    "networks",
    ne.depth_weights,
    {"n_layers": 3, "width": 0.5},
    kinds={"peak": "number", "width": "positive"},
)
drawn = torch.Generator().manual_seed(0)
MATRICES = [torch.randn(2, i, o, generator=drawn) for i, o in ((3, 4), (4, 2))]
SIGNALS = [torch.randn(2, 5, w, generator=drawn) for w in (3, 4, 2)]
REFERENCES = [torch.randn(2, 6, w, generator=drawn) for w in (4, 2)]
DISTANCES = torch.rand(2, 5, 6, generator=drawn)
propagated = {
    "matrices": MATRICES,
    "signals": SIGNALS,
    "references": REFERENCES,
    "distances": DISTANCES,
    "layers": [0, 1],
}
of_tensors = dict.fromkeys(("matrices", "signals", "references"), "tensors")
for method in (ne.written_factors, ne.update_factors):
    add(
        "networks",
        method,
        propagated,
        kinds={
            **of_tensors,
            "layers": "positions",
            "peak": "number",
            "width": "positive",
            "intensity": "number",
        },
        # distances without an axis of networks are the same for all
        fine={"distances": ("an axis less",)},
    )
add(
    "networks",
    ne.importance_loss,
    {
        "signals": SIGNALS[1:],
        "references": REFERENCES,
        "distances": DISTANCES,
        "labels": torch.tensor([[0, 1, 0, 1, 0]] * 2),
    },
    kinds={
        **of_tensors,
        "labels": "classes",
        "alpha": "number",
        "temperature": "positive",
    },
    # what is the same for all networks needs no axis of them
    fine={
        "distances": ("an axis less",),
        "labels": ("an axis less",),
    },
)
add(
    "networks",
    ne.concept_auc,
    {"activations": X, "concepts": np.stack([Y == 1, X[:, 0] > 0], 1)},
    kinds={"concepts": "mask"},
    # any number of neurons and of concepts
    fine={"activations": ("a column less",), "concepts": ("a column less",)},
)
add(
    "networks",
    ne.layer_activations,
    {"network": NETWORK, "X": X},
    kinds={"network": "module"},
)
add(
    "networks",
    ne.mahalanobis,
    {"X": X, "centroids": X[:2], "covariance": np.eye(3)},
    # any number of centroids
    fine={"centroids": ("a row less",)},
)
add(
    "networks",
    ne.neuron_regressions,
    {"activations": X[:, :1], "predictors": X[:, 1:], "held_out": Y == 1},
    kinds={"held_out": "mask"},
    # any number of predictors
    fine={"predictors": ("a column less",)},
)
SINGLE = ne.mlp(3, [4], 1).eval()
add("networks", ne.accuracy, {"model": SINGLE, "X": X, "y": Y})
add("networks", ne.probability, {"model": SINGLE, "X": X})
training = {"X": X, "y": Y, "hidden": [2], "max_epochs": 1, "batch_size": 6}
add(
    "networks",
    ne.train_mlps,
    {**training, "seeds": [0], "penalty": lambda logits, batch: batch.sum((1, 2)) * 0},
    kinds={"max_epochs": "whole", "patience": "whole", "penalty": "function"},
    # what rises by less than -1 never stops
    fine={"tol": ("negative",)},
)
add(
    "networks",
    ne.train_network,
    {
        "build": lambda: nn.Linear(3, 2),
        "inputs": ROWS.float(),
        "labels": torch.tensor(TARGET),
        "max_epochs": 1,
        "batch_size": 2,
    },
    kinds={"build": "object", "labels": "classes", "seed": "seed_number"},
    # a network of one's own takes rows of any shape
    fine={"inputs": ("a further axis", "an axis less")},
)
add(
    "networks",
    ne.train_node_importance,
    {**training, "centroids": X[:2], "method": "update", "layers": [0]},
    kinds={
        "method": "choice",
        "strength": "share",
        "layers": "positions",
        "max_epochs": "whole",
    },
    # any number of centroids
    fine={"centroids": ("a row less",)},
)

# --- sealing -------------------------------------------------------------------------

SIGNER, RECIPIENT = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
ROWS_DIGEST = se.fingerprint({"X": ROWS})
metrics = {"accuracy": 0.75}
said = {
    "architecture": "3 weights",
    "training_data": ROWS_DIGEST,
    "metrics": metrics,
    "date": date(2026, 1, 31),
    "parent": ROWS_DIGEST,
    "serial": 1,
}
of_manifest = {
    "training_data": "digest",
    "metrics": "mapping",
    "date": "date",
    "parent": "digest",
    "serial": "whole",
}
MANIFEST = {**said, "state": ROWS_DIGEST, "payload_bytes": 10}
SEALED = se.seal({"w": ROWS}, **said, signer=SIGNER, recipient=RECIPIENT.public_key())
FOLDER = Path(tempfile.mkdtemp())
KEY = FOLDER / "key"
se.write_private_key(KEY, SIGNER, "a passphrase")
add(
    "sealing",
    se.fingerprint,
    {"tensors": {"w": ROWS}},
    kinds={"tensors": "mapping"},
)
add(
    "sealing",
    se.seal,
    {
        **said,
        "state": {"w": ROWS},
        "signer": SIGNER,
        "recipient": RECIPIENT.public_key(),
    },
    kinds={
        **of_manifest,
        "state": "mapping",
        "signer": "object",
        "recipient": "object",
    },
)
add("sealing", se.Manifest, MANIFEST, kinds={**of_manifest, "state": "digest"})
add(
    "sealing",
    se.Manifest.from_bytes,
    {"text": se.Manifest(**MANIFEST).to_bytes()},
    kinds={"text": "object"},
    name="Manifest.from_bytes",
)
accepted = {
    "sealed": SEALED,
    "signer": SIGNER.public_key(),
    "expected": {"serial": 1},
    "not_before": date(2026, 1, 1),
    "after": 0,
}
of_acceptance = {
    "sealed": "object",
    "signer": "object",
    "expected": "mapping",
    "not_before": "date",
    "after": "whole",
}
add("sealing", se.verify, accepted, kinds=of_acceptance)
add(
    "sealing",
    se.open_sealed,
    {**accepted, "recipient": RECIPIENT},
    kinds={**of_acceptance, "recipient": "object"},
)


def write(path, key, passphrase):
    """Write a key where there is none yet."""
    (FOLDER / "new").unlink(missing_ok=True)
    se.write_private_key(path, key, passphrase)


add(
    "sealing",
    write,
    {"path": FOLDER / "new", "key": SIGNER, "passphrase": "a passphrase"},
    kinds={"path": "path", "key": "object"},
    name="write_private_key",
)
add(
    "sealing",
    se.read_private_key,
    {"path": KEY, "passphrase": "a passphrase"},
    kinds={"path": "path"},
)

# --- datasets ------------------------------------------------------------------------

os.environ.setdefault("XAICOURSE_DATA", str(FOLDER))
for loader in (da.load_census, da.load_diabetes, da.load_recidivism, da.load_reviews):
    add("datasets", loader, {"source": "auto"})
add(
    "datasets",
    da.simulate_census,
    {"n_train": 60, "n_test": 20},
    kinds={"sex_effect": "number"},
)
add("datasets", da.simulate_collisions, {"n": 3}, kinds={
    "signal_share": "share", "min_pt": "positive", "powers": "array", "size": "count",
})  # fmt: skip
add("datasets", da.simulate_diabetes, {"n": 20})
add("datasets", da.simulate_portfolio, {"n": 20}, kinds={
    "against_religion": "number", "against_politics": "number",
})  # fmt: skip
add("datasets", da.simulate_recidivism, {"n": 200}, kinds={"race_effect": "number"})
add("datasets", da.simulate_reviews, {"n": 10})
add(
    "datasets",
    da.simulate_scenes,
    {"n": 3, "stamp_rates": 0.5},
    kinds={"stamp_rates": "share"},
    # one for all, as numbers are where there may be several
    fine={"stamp_rates": ("True",)},
)
add("datasets", da.simulate_sentences, {"n": 3}, kinds={"bias": "share"})
add("datasets", da.simulate_underwriting, {"n": 500})
add("datasets", da.load_underwriting, {"n": 500}, kinds={"path": "path"})
UNDERWRITING = da.simulate_underwriting(500)
add(
    "datasets",
    da.prepare_underwriting,
    {"features": UNDERWRITING.features, "train": np.arange(300)},
    kinds={"features": "table", "train": "positions"},
    # a table of this length has a row 99; rows may be named twice
    fine={"train": ("out of range", "twice")},
)
add(
    "datasets",
    UNDERWRITING.truth.responses,
    {"discrimination": 0.5},
    name="UnderwritingTruth.responses",
)
add(
    "datasets",
    da.stratified_split,
    {"target": Y},
    kinds={"target": "many", "validation": "share", "test": "share"},
    # any number of rows
    fine={"target": ("a row less",)},
)
CENSUS = da.simulate_census(60, 20)
add(
    "datasets",
    CENSUS.truth.log_odds,
    {"features": CENSUS.features},
    kinds={"features": "table"},
    fine={"features": ("none",)},
    name="CensusTruth.log_odds",
)
PORTFOLIO = da.simulate_portfolio(20)
add(
    "datasets",
    PORTFOLIO.truth.twins,
    {"religion": 1, "politics": 0},
    kinds={"religion": "whole", "politics": "whole"},
    name="PortfolioTruth.twins",
)
add(
    "datasets",
    PORTFOLIO.truth.effect,
    {"attribute": "religion"},
    kinds={"attribute": "choice"},
    name="PortfolioTruth.effect",
)
add(
    "datasets",
    da.simulate_reviews(10).truth.log_odds,
    {"text": "a funny film"},
    name="ReviewsTruth.log_odds",
)
add("datasets", opinion_on_the_film, {"text": "anna said the film was good"})
add("datasets", cell_centres, {"size": 8})
add(
    "datasets",
    Dataset,
    {
        "name": "d",
        "features": FRAME,
        "target": pd.Series(Y),
        "test": Y == 1,
        "source": "simulated",
        "origin": "o",
        "citation": "c",
    },
    # made by the loaders alone, which have checked what they were given
    kinds=dict.fromkeys(
        ("name", "features", "target", "source", "origin", "citation", "truth"),
        "anything",
    )
    | {"test": "mask"},
)

# --- plotting ------------------------------------------------------------------------

CURVES = {"a": X[:, 0], "b": X[:, 1]}
PLACES = [f"p{i}" for i in range(12)]
# a missing value is a gap in a curve, and dates and times are axes
gaps = (
    "a NaN, in the first",
    "a NaN, as a list, in the first",
    "a None inside, as a list, in the first",
)
times = (*gaps, "dates, in the first", "durations, in the first")
places = {"labels": "texts", "value_label": "text"}
add(
    "plotting",
    plotting.canvas,
    {"n_panels": 1},
    kinds={"width": "positive", "height": "positive"},
)
for method in (plotting.bars, plotting.dots):
    add(
        "plotting",
        method,
        {
            "groups": CURVES,
            "labels": PLACES,
            "value_label": "v",
            "intervals": {"a": np.abs(X[:, 0])},
            "reference": (0.5, "chance"),
            "limits": (-3.0, 3.0),
        },
        kinds={
            **places,
            "groups": "named_arrays",
            "intervals": "named_arrays",
            "reference": "reference",
            "limits": "pair",
            "height": "positive",
        },
        # an end that is left open
        fine={
            "groups": gaps,
            "intervals": gaps,
            "limits": ("a None inside, as a list",),
        },
    )
axes = {"x_label": "x", "y_label": "y"}
add(
    "plotting",
    plotting.lines,
    {
        "x": X[:, 2],
        "panels": {"p": CURVES},
        "x_label": "x",
        "y_labels": "y",
        "bands": {"a": (X[:, 0] - 1, X[:, 0] + 1)},
        "marks": {"m": 0.5},
        "diagonal": "d",
        "limits": (-3.0, 3.0),
    },
    kinds={
        "panels": "mapping",
        "bands": "mapping",
        "marks": "mapping",
        "limits": "pair",
    },
    # a missing value is a gap; dates and names are axes
    fine={
        "x": (
            "a NaN",
            "a NaN, as a list",
            "a None inside, as a list",
            "dates",
            "durations",
            "strings",
            "numeric strings",
            "numeric strings, as objects",
        ),
        # one label for each panel
        "y_labels": ("a list",),
        # an end that is left open
        "limits": ("a None inside, as a list",),
    },
)
add(
    "plotting",
    plotting.scatter_panels,
    {"panels": {"p": (X[:, 0], X[:, 1], Y)}, **axes, "classes": ["no", "yes"]},
    kinds={"panels": "mapping", "classes": "texts", "boundaries": "mapping"},
    fine={"classes": ("a part less",)},
)
add(
    "plotting",
    plotting.heat_map,
    {
        "matrix": X,
        **axes,
        "value_label": "v",
        "x_ticks": ["a", "b", "c"],
        "y_ticks": PLACES,
    },
    kinds={
        "matrix": "rows",
        "x_ticks": "texts",
        "y_ticks": "texts",
        "height": "positive",
    },
    # a hole in a picture; no ticks are none
    fine={
        "matrix": ("a NaN", "a NaN, as a list", "a None inside, as a list"),
        "x_ticks": ("none", "None"),
        "y_ticks": ("none", "None"),
    },
)
add(
    "plotting",
    plotting.causal_graph,
    {
        "edges": [("x", "y")],
        "positions": {"x": (0, 0), "y": (1, 0)},
        "names": {"x": "cause"},
        "from_outside": ["x"],
    },
    kinds={
        "edges": "texts",
        "positions": "mapping",
        "names": "mapping",
        "from_outside": "texts",
    },
    # no edges; nothing from outside
    fine={"edges": ("none", "a part less"), "from_outside": ("none", "a part less")},
)
GRID = np.linspace(0, 1, 6)
add(
    "plotting",
    plotting.maps,
    {
        "x": GRID,
        "y": GRID,
        "panels": {"p": np.add.outer(GRID, GRID)},
        "x_label": "x",
        "y_label": "y",
        "value_labels": "v",
        "points": {"m": (0.5, 0.5)},
        "levels": [0.0, 1.0, 2.0],
    },
    kinds={
        "y": "array",
        "panels": "named_arrays",
        "arrows": "mapping",
        "points": "mapping",
        "levels": "array",
        "height": "positive",
    },
    # any number of levels; one label for each panel
    fine={"panels": gaps, "levels": ("a row less",), "value_labels": ("a list",)},
)
add(
    "plotting",
    plotting.pictures,
    {"panels": {"p": X, "q": X}, "columns": 2, "titles": ["a", "b"]},
    kinds={"panels": "named_arrays", "columns": "count", "titles": "texts"},
    # pictures of any size, with holes
    fine={
        "panels": (
            *gaps,
            "a row less, in the first",
            "a column less, in the first",
            "a further axis, in the first",
        )
    },
)
add(
    "plotting",
    plotting.histograms,
    {"panels": {"p": CURVES}, **axes},
    kinds={"panels": "mapping"},
)

# --- resampling ----------------------------------------------------------------------

add(
    "resampling",
    lambda rng, n, n_samples: list(resampling.bootstrap_counts(rng, n, n_samples)),
    {"rng": np.random.default_rng(0), "n": 3, "n_samples": 2},
    kinds={"rng": "object"},
    name="bootstrap_counts",
)
