"""Concept activation vectors: does what people have a word for matter to a network, and
which way?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaicourse.attribution.explained import Model, explained, explaining, tensor
from xaicourse.validation import (
    Seed,
    check_finite,
    check_float,
    check_int,
    check_seed,
)


@dataclass(frozen=True)
class ConceptSensitivity:
    """How often a concept raises an output, and how often sets of random examples do.

    Attributes
    ----------
    score : float
        TCAV: the share of rows in which a step towards the concept raises the output,
        mean over the runs.
    scores : ndarray, shape (n_runs,)
        The share in each run, that is for each set of random examples the concept was
        told apart from.
    null_scores : ndarray, shape (n_random,)
        The same mean for sets of random examples in the place of the concept's.
    slope : float
        Mean derivative of the output along the concept's unit vector, over rows and
        runs.
    p_value : float
        How often a random set is as extreme, with one added above and below: its score
        is further from 1/2, or as far while its own mean derivative is at least as
        large.
    accuracy : float
        Share of examples on their side of the vectors' boundaries, mean over the runs;
        near 1/2 the layer does not hold the concept at all, and the score means
        nothing.
    """

    score: float
    scores: NDArray[np.float64]
    null_scores: NDArray[np.float64]
    slope: float
    p_value: float
    accuracy: float


def concept_vectors(
    concept: Tensor, others: Tensor, *, ridge: float = 0.01
) -> tuple[Tensor, Tensor]:
    r"""Return the unit vectors from random examples towards a concept, and how well
    each tells them apart.

    The normal of Fisher's linear discriminant, :math:`v \propto (S + \lambda \bar s
    I)^{-1} (\mu_c - \mu_o)`, with the pooled covariance S within the two sets and its
    mean variance :math:`\bar s`: a closed form, for many pairs at once.

    Parameters
    ----------
    concept, others : Tensor, shape (..., n_c, d) and (..., n_o, d)
        A layer's activations for examples of the concept, and for examples of anything.
    ridge : float
        λ, above zero: the layer may have more units than there are examples.

    Returns
    -------
    vectors : Tensor, shape (..., d)
    accuracy : Tensor, shape (...)
        Share of the examples on the right side of the plane half-way between the means.

    Examples
    --------
    >>> there = torch.tensor([[3.0, 0.0], [5.0, 0.0]])
    >>> elsewhere = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    >>> concept_vectors(there, elsewhere)
    (tensor([1., 0.]), tensor(1.))
    """
    for name, rows in (("concept", concept), ("others", others)):
        check_finite(name, rows)
        if rows.ndim < 2 or rows.shape[-1] != concept.shape[-1]:
            raise ValueError(
                f"{name}: got shape {tuple(rows.shape)}, expected (..., rows, "
                f"{concept.shape[-1]})"
            )
    ridge = check_float("ridge", ridge, minimum=1e-12)
    means = concept.mean(-2), others.mean(-2)
    within = torch.cat(
        [
            rows - mean.unsqueeze(-2)
            for rows, mean in zip((concept, others), means, strict=True)
        ],
        -2,
    )
    covariance = within.mT @ within / within.shape[-2]
    scale = covariance.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    # without any variance the direction is that from mean to mean
    scale = torch.where(scale == 0, 1.0, scale)
    penalty = (
        ridge
        * scale
        * torch.eye(concept.shape[-1], dtype=concept.dtype, device=concept.device)
    )
    vectors = torch.linalg.solve(covariance + penalty, means[0] - means[1])
    length = vectors.norm(dim=-1, keepdim=True)
    vectors = vectors / torch.where(length == 0, 1.0, length)
    middle = ((means[0] + means[1]) / 2).unsqueeze(-2)
    sides = [
        ((rows - middle) @ vectors.unsqueeze(-1)).squeeze(-1)
        for rows in (concept, others)
    ]
    right = torch.cat([sides[0] > 0, sides[1] < 0], -1)
    return vectors, right.to(concept.dtype).mean(-1)


def tcav(
    head: Model,
    activations: Tensor,
    concept: Tensor,
    others: Tensor,
    *,
    target: Any = None,
    n_runs: int = 20,
    n_random: int = 199,
    seed: Seed = 0,
) -> ConceptSensitivity:
    r"""Test whether a concept matters to a network's output (TCAV).

    With the layer's activations :math:`a(x)` and the concept's unit vector v, the
    derivative of the output f along the concept is :math:`\nabla_a f(a(x)) \cdot v`,
    and the score is the share of rows in which it is positive.

    A vector exists for any set of examples, so the score must be compared with those of
    random sets. Kim et al. draw new random counterparts for one concept and put the
    runs' scores into a t-test; but the runs share the concept's examples and are not
    independent, so that the test finds far too much. Here the random sets go through
    all that the concept goes through, each with `n_runs` counterparts of its own, and
    the p-value is the concept's rank among them. Of equal scores, which are frequent
    where the gradient has one sign in all rows, the mean derivative along the vector
    tells which is the more extreme.

    Parameters
    ----------
    head : nn.Module or function of tensors
        The rest of the network: maps the layer's activations (n, d) to outputs (n,) or
        (n, outputs). The logarithm of a probability is better than a logit, whose
        gradient may be the same for all rows.
    activations : Tensor, shape (n, d)
        The layer's activations for the rows under study, such as those of one class.
    concept : Tensor, shape (n_c, d)
        Its activations for examples of the concept.
    others : Tensor, shape (n_o, d)
        Its activations for a pool of examples of anything; at least twice as many as of
        the concept.
    target : int, integers of shape (n,) or None
        The output; ``None`` if there is only one.
    n_runs : int
        Random counterparts of the concept.
    n_random : int
        Random sets in the concept's place; the smallest possible p-value is 1 /
        (n_random + 1).
    seed : int, numpy.random.Generator or None
        Of the sets.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or shape, is not finite, or the pool is too
        small.

    References
    ----------
    Kim et al.: Interpretability beyond feature attribution: quantitative testing with
    concept activation vectors (TCAV). ICML 2018, arXiv:1711.11279.

    Examples
    --------
    >>> draw = torch.Generator().manual_seed(0)
    >>> pool = torch.randn(400, 2, generator=draw)
    >>> def head(a):
    ...     return (a[:, 0] + 0.5 * a[:, 0].sin()).tanh()
    >>> result = tcav(head, pool, pool[pool[:, 0] > 1], pool, n_runs=5, n_random=19)
    >>> result.score > 0.9
    True
    """
    # which `explained` calls inputs
    tensor("activations", activations, (None, None))
    f = explained(head, activations, target=target, gradient=True)
    shape = (None, f.rows.shape[1])
    concept, others = tensor("concept", concept, shape), tensor("others", others, shape)
    n = len(concept)
    if len(others) < 2 * n:
        raise ValueError(
            f"others: got {len(others)} rows, expected at least twice the {n} rows of "
            f"the concept"
        )
    n_runs, n_random = check_int("n_runs", n_runs), check_int("n_random", n_random)
    rng = check_seed(seed)
    with explaining(head):
        slopes = torch.cat(
            [f.gradient(rows, f.rows[rows].clone())[0] for rows, _ in f.blocks()]
        )
        check_finite("head: gradient", slopes)

        def runs(examples: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
            """Score, slope, accuracy of each run; without examples, of a random set."""
            draws = torch.from_numpy(
                np.stack([rng.permutation(len(others))[: 2 * n] for _ in range(n_runs)])
            )
            if examples is None:
                own = torch.from_numpy(rng.permutation(len(others))[:n])
                examples = others[own]
                # A counterpart must not hold the rows it is to be told apart from.
                draws = torch.stack([d[~torch.isin(d, own)][:n] for d in draws])
            vectors, accuracy = concept_vectors(
                examples.expand(n_runs, -1, -1), others[draws[:, :n]]
            )
            along = slopes @ vectors.T
            return (along > 0).to(along).mean(0), along.mean(0), accuracy

        scores, slope, accuracy = runs(concept)
        random = [runs(None) for _ in range(n_random)]
    null = torch.stack([of_random.mean() for of_random, _, _ in random])
    steepness = torch.stack([along.mean().abs() for _, along, _ in random])
    score = float(scores.mean())
    ahead = abs(null - 0.5) - abs(score - 0.5)
    # two scores that differ do so by one row of one run
    tied = ahead.abs() < 0.5 / (len(slopes) * n_runs)
    as_extreme = torch.where(tied, steepness >= slope.mean().abs(), ahead > 0)
    return ConceptSensitivity(
        score=score,
        scores=scores.double().cpu().numpy(),
        null_scores=null.double().cpu().numpy(),
        slope=float(slope.mean()),
        p_value=(1 + int(as_extreme.sum())) / (1 + n_random),
        accuracy=float(accuracy.mean()),
    )
