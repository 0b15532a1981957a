"""Methods of tables, words and groups beside what a reader would use instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import fairlearn.metrics as fair
import numpy as np
import torch
from captum.attr import FeatureAblation, LayerIntegratedGradients
from captum.attr import Lime as CaptumLime
from sklearn.inspection import partial_dependence as sklearn_partial_dependence
from sklearn.inspection import permutation_importance as sklearn_permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import cohen_kappa_score, make_scorer, mean_squared_error
from sklearn.metrics import precision_score as precision
from statsmodels.stats.proportion import proportion_confint

from benchmarks import Work
from xaicourse.attribution import (
    counterfactuals,
    lime,
    lime_segments,
    partial_dependence,
    permutation_importance,
    token_gradients,
    token_integrated_gradients,
)
from xaicourse.evaluation import deletion_insertion
from xaicourse.fairness import group_metrics, quadratic_weighted_kappa


def _table(n: int) -> tuple[np.ndarray, np.ndarray, LinearRegression]:
    X = np.random.default_rng(0).normal(size=(n, 20))
    y = X @ np.arange(20)
    return X, y, LinearRegression().fit(X, y)


def importance_of_columns(n: int = 20_000) -> tuple[Work, Work]:
    """Permutation importance of 20 columns, against scikit-learn's."""
    X, y, model = _table(n)
    score = make_scorer(mean_squared_error, greater_is_better=False)
    return (
        lambda: permutation_importance(
            model.predict, X, y, score=lambda y, p: -np.mean((y - p) ** 2)
        ),
        lambda: sklearn_permutation_importance(
            model, X, y, scoring=score, n_repeats=10
        ),
    )


def dependence_of_the_mean(n: int = 10_000) -> tuple[Work, Work]:
    """Partial dependence at 20 values, against scikit-learn's brute force."""
    X, _, model = _table(n)
    return (
        lambda: partial_dependence(model, X, 3),
        lambda: sklearn_partial_dependence(
            model, X, [3], grid_resolution=20, method="brute"
        ),
    )


def dependence_of_each_row(n: int = 10_000) -> tuple[Work, Work]:
    """ICE curves at 20 values, against scikit-learn's."""
    X, _, model = _table(n)
    return (
        lambda: partial_dependence(model, X, 3, ice=True),
        lambda: sklearn_partial_dependence(
            model, X, [3], grid_resolution=20, method="brute", kind="individual"
        ),
    )


def lime_of_rows(n: int = 20, d: int = 10) -> tuple[Work, Work]:
    """LIME with 1,000 points a row, against a loop over rows with scikit-learn's
    weighted least squares.
    """
    rng = np.random.default_rng(0)
    X, scale, width = rng.normal(size=(n, d)), np.ones(d), 0.75 * np.sqrt(d)

    def model(rows: np.ndarray) -> np.ndarray:
        return np.tanh(rows @ np.linspace(-1, 1, d))

    def by_hand() -> list[np.ndarray]:
        found = []
        for x in X:
            steps = np.random.default_rng(0).standard_normal((1000, d))
            weights = np.exp(-(steps**2).sum(1) / width**2)
            answers = model(x + steps * scale)
            line = LinearRegression().fit(steps, answers, sample_weight=weights)
            line.score(steps, answers, weights)
            found.append(line.coef_)
        return found

    return lambda: lime(model, X, scale=scale), by_hand


def lime_of_pictures(size: int = 32) -> tuple[Work, Work]:
    """LIME on 16 superpixels of one picture with 500 coalitions, against Captum's with
    least squares.
    """
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(8 * (size - 2) ** 2, 2),
    ).eval()  # fmt: skip
    picture = torch.randn(1, 3, size, size)
    side = torch.arange(size) * 4 // size
    segments = 4 * side[:, None] + side
    captums = CaptumLime(model, _least_squares())
    return (
        lambda: lime_segments(
            model, picture, segments=segments, target=1, n_samples=500
        ),
        lambda: captums.attribute(
            picture, target=1, feature_mask=segments.expand(1, 3, -1, -1),
            n_samples=500, perturbations_per_eval=64,
        ),
    )  # fmt: skip


def _least_squares() -> object:
    from captum._utils.models.linear_model import SkLearnLinearRegression

    return SkLearnLinearRegression()


def _sentences(n: int, length: int) -> tuple[torch.nn.Module, torch.Tensor]:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=100, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=128,
    )  # fmt: skip
    return BertForSequenceClassification(config).eval(), torch.randint(
        5, 100, (n, length)
    )


def tokens_along_a_line(n: int = 8, length: int = 16) -> tuple[Work, Work]:
    """Integrated gradients of tokens in 32 steps, against Captum's for the layer of
    embeddings; both return the error of the quadrature.
    """
    model, ids = _sentences(n, length)
    layer = model.bert.embeddings.word_embeddings  # type: ignore[union-attr]
    captums = LayerIntegratedGradients(
        lambda ids: model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits,
        layer,
    )
    empty = torch.zeros_like(ids)
    return (
        lambda: token_integrated_gradients(model, ids, baselines=empty, target=1),
        lambda: captums.attribute(
            ids, baselines=empty, target=1, n_steps=32, return_convergence_delta=True
        ),
    )


def slopes_of_tokens(n: int = 32, length: int = 16) -> tuple[Work, Work]:
    """Gradients of tokens, against autograd by hand."""
    model, ids = _sentences(n, length)
    mask = torch.ones_like(ids)

    def by_hand() -> tuple[torch.Tensor, torch.Tensor]:
        e = model.get_input_embeddings()(ids).detach().requires_grad_()  # type: ignore[operator]
        answer = model(inputs_embeds=e, attention_mask=mask).logits[:, 1].sum()
        (slope,) = torch.autograd.grad(answer, e)
        return slope.norm(dim=2), (slope * e).sum(2)

    return lambda: token_gradients(model, ids, target=1), by_hand


def other_decisions(d: int = 10) -> tuple[Work, Work]:
    """Four counterfactuals of a network in 300 steps, against DiCE's loss and Adam
    written out, as many steps; ours also reads the rows at each step, keeps the best
    and, at the end, moves changed columns back.
    """
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(d, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
    )
    row = torch.randn(1, d)
    with torch.no_grad():
        target = int(model(row).item() <= 0)
    sign = 2 * target - 1

    def by_hand() -> torch.Tensor:
        c = (row + torch.rand(4, d) * 2 - 1).requires_grad_()
        adam = torch.optim.Adam([c], lr=0.05)
        for _ in range(300):
            adam.zero_grad()
            hinge = (1 - sign * model(c)[:, 0]).relu().mean()
            near = (c - row).abs().mean()
            apart = 1 / (1 + (c[:, None] - c).abs().sum(2))
            loss = hinge + 0.5 * near - torch.linalg.det(apart)
            loss.backward(inputs=[c])
            adam.step()
        return c.detach()

    return (
        lambda: counterfactuals(model, row, target=target, max_steps=300),
        by_hand,
    )


def rates_of_groups(n: int = 20_000) -> tuple[Work, Work]:
    """Five rates of six groups with Wilson's intervals, against fairlearn's frame and
    statsmodels' intervals.
    """
    rng = np.random.default_rng(0)
    y, said, groups = *rng.integers(2, size=(2, n)), rng.integers(6, size=n)

    def frame() -> object:
        rates = {
            "base": fair.mean_prediction, "selected": fair.selection_rate,
            "found": fair.true_positive_rate, "false": fair.false_positive_rate,
            "precision": precision, "n": fair.count,
        }  # fmt: skip
        found = fair.MetricFrame(
            metrics=rates, y_true=y, y_pred=said, sensitive_features=groups
        ).by_group
        return [
            proportion_confint(found[r] * found["n"], found["n"], method="wilson")
            for r in rates
        ]

    return lambda: group_metrics(y, said, groups), frame


def agreement_of_classes(n: int = 20_000) -> tuple[Work, Work]:
    """Quadratic weighted kappa of eight classes, against scikit-learn's."""
    a, b = np.random.default_rng(0).integers(1, 9, size=(2, n))
    return (
        lambda: quadratic_weighted_kappa(a, b),
        lambda: cohen_kappa_score(a, b, weights="quadratic", labels=range(1, 9)),
    )


def curves_of_deletion(n: int = 10, size: int = 8) -> tuple[Work, Work]:
    """Deletion and insertion curves of small pictures, against a loop over steps."""
    torch.manual_seed(0)
    x = torch.randn(n, 1, size, size)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(size**2, 64),
                                torch.nn.ReLU(), torch.nn.Linear(64, 1))  # fmt: skip
    worth = FeatureAblation(model).attribute(x)

    def by_hand() -> list[torch.Tensor]:
        order = worth.flatten(1).argsort(dim=1, descending=True, stable=True)
        full, empty = x.flatten(1).clone(), torch.zeros(n, size**2)
        found = []
        with torch.no_grad():
            for step in range(size**2 + 1):
                if step:
                    place = order[:, step - 1 : step]
                    empty.scatter_(1, place, x.flatten(1).gather(1, place))
                    full.scatter_(1, place, 0.0)
                found += [model(full)[:, 0], model(empty)[:, 0]]
        return found

    return lambda: deletion_insertion(model, x, worth), by_hand


def _sizes(pair: Callable[..., tuple[Work, Work]], **sizes: list[int]) -> list[partial]:
    return [
        partial(pair, **dict(zip(sizes, some, strict=True)))
        for some in zip(*sizes.values(), strict=True)
    ]


PAIRS: list[Callable[[], tuple[Work, Work]]] = [
    *_sizes(importance_of_columns, n=[1000, 20_000, 50_000]),
    *_sizes(dependence_of_the_mean, n=[1000, 10_000, 100_000]),
    *_sizes(dependence_of_each_row, n=[1000, 10_000, 100_000]),
    *_sizes(lime_of_rows, n=[1, 20, 200], d=[5, 10, 30]),
    *_sizes(lime_of_pictures, size=[16, 32, 64]),
    *_sizes(tokens_along_a_line, n=[1, 8, 16], length=[8, 16, 32]),
    *_sizes(slopes_of_tokens, n=[1, 32, 128], length=[8, 16, 32]),
    *_sizes(other_decisions, d=[3, 10, 50]),
    *_sizes(rates_of_groups, n=[1000, 20_000, 50_000]),
    *_sizes(agreement_of_classes, n=[1000, 20_000, 500_000]),
    *_sizes(curves_of_deletion, n=[1, 10, 100], size=[8, 8, 16]),
]
