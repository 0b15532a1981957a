"""Does an attribution describe its model? Faithfulness, robustness, and whether the
model's weights matter at all.

None of these needs a known truth, which is their strength, and none replaces it: a
method can be faithful to a model that is wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaicourse.attribution.explained import (
    Inputs,
    Model,
    beside,
    explained,
    explaining,
    tensor,
)
from xaicourse.evaluation.localisation import effect_correlation
from xaicourse.validation import (
    Seed,
    check_finite,
    check_float,
    check_function,
    check_int,
    check_seed,
    check_shape,
    check_type,
)

Explain = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True)
class Curves:
    """What a model says while a row loses, or gains, its features in the order of an
    attribution: tensors if the inputs are, and arrays otherwise.

    Attributes
    ----------
    deletion, insertion : shape (n, features + 1)
        The output from the whole row to the baseline, and from the baseline to the
        whole row.
    gain : shape (n,)
        Mean of `insertion` minus mean of `deletion` (ends count half). For an order at
        random its expectation is exactly 0; the larger, the sooner the attribution
        names what holds the output up.
    """

    deletion: Any
    insertion: Any
    gain: Any


def deletion_insertion(
    model: Model,
    inputs: Inputs,
    attributions: Any,
    *,
    baselines: Any = 0.0,
    target: Any = None,
    feature_mask: Tensor | None = None,
    internal_batch_size: int | None = None,
) -> Curves:
    """Delete and insert the features of each row, the most important first, and watch
    the output.

    Parameters
    ----------
    model : nn.Module, function of tensors or of arrays, or fitted estimator
        Maps rows (n, ...) to (n,) or (n, outputs). A module's layers are in evaluation
        mode meanwhile.
    inputs, attributions : Tensor or array, shape (n, ...)
        Rows, and what speaks for the output in each: with sign, if the method has one.
        Of equal ones the first goes first.
    baselines : Tensor or array of shape (n, ...) or (1, ...), or float
        What a deleted feature is set to.
    feature_mask : Tensor of integers, shape (...), or None
        Which numbers of a row are deleted together: the pixels of a patch, the
        embedding of a token. Groups are counted from 0, and the attribution of one is
        the sum of its parts'. ``None``: each number by itself.
    target, internal_batch_size
        As in `xaicourse.attribution.integrated_gradients`.

    Returns
    -------
    Curves

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range or is not finite.

    References
    ----------
    Petsiuk, Das, Saenko: RISE: randomized input sampling for explanation of black-box
    models. BMVC 2018, arXiv:1806.07421.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0, 3.0]])
    >>> curves = deletion_insertion(lambda rows: rows.sum(1), x, x)
    >>> curves.deletion, curves.insertion
    (tensor([[6., 3., 1., 0.]]), tensor([[0., 3., 5., 6.]]))
    >>> curves.gain
    tensor([1.3333])
    >>> pairs = torch.tensor([0, 0, 1])
    >>> deletion_insertion(lambda x: x.sum(1), x, x, feature_mask=pairs).deletion
    tensor([[6., 3., 0.]])
    """
    f = explained(model, inputs, target=target, internal_batch_size=internal_batch_size)
    attributions = tensor("attributions", attributions, tuple(f.rows.shape))
    x, start = f.rows, beside("baselines", baselines, f.rows)
    groups = _groups(feature_mask, x)
    d = int(groups.max()) + 1
    steps = torch.arange(d + 1, device=x.device)[:, None]
    with explaining(model):
        worth = attributions.new_zeros(len(x), d)
        worth.index_add_(1, groups, attributions.reshape(len(x), -1))
        order = worth.argsort(stable=True, dim=1, descending=True)
        # when each feature's turn comes
        place = order.argsort(dim=1)[:, None, groups]
        curves = x.new_zeros(2, len(x), d + 1)
        for rows, some in f.blocks(d + 1):
            gone = place[rows] < steps[some]
            gone = gone.view(*gone.shape[:2], *x.shape[1:])
            for curve, (hides, shows) in zip(
                curves, ((start, x), (x, start)), strict=True
            ):
                points = torch.where(gone, hides[rows, None], shows[rows, None])
                curve[rows, some] = f.at(rows, points).to(x)
        area = torch.trapezoid(curves, dim=2) / d
        return Curves(*map(f.as_given, (*curves, area[1] - area[0])))


def _groups(feature_mask: Tensor | None, inputs: Tensor) -> Tensor:
    """Return the group of each number of a row."""
    if feature_mask is None:
        return torch.arange(inputs[0].numel(), device=inputs.device)
    check_type("feature_mask", feature_mask, Tensor)
    mask = tensor("feature_mask", feature_mask, tuple(inputs.shape[1:]))
    if mask.is_floating_point() or mask.dtype == torch.bool:
        raise TypeError(f"feature_mask: got {mask.dtype}, expected integers")
    groups = mask.flatten().to(inputs.device)
    if groups.unique().tolist() != list(range(int(groups.max()) + 1)):
        raise ValueError(
            "feature_mask: got groups with a gap or below 0, expected 0, 1, 2 and so on"
        )
    return groups


def max_sensitivity(
    explain: Callable[[Tensor], Tensor],
    inputs: Tensor,
    *,
    radius: float = 0.02,
    n_samples: int = 10,
    seed: Seed = 0,
) -> Tensor:
    r"""Return the largest relative change of an explanation within a small cube around
    each row.

    :math:`\max_{\lVert y - x \rVert_\infty \le r} \lVert \Phi(y) - \Phi(x) \rVert /
    \lVert \Phi(x) \rVert`, the maximum taken over random points; so it is a lower
    bound. A constant explanation has 0.

    Parameters
    ----------
    explain : callable
        Maps inputs (n, ...) to attributions of the same shape.
    inputs : Tensor, shape (n, ...)
        Rows.
    radius : float
        In units of the inputs.
    n_samples : int
        Points around each row.
    seed : int, numpy.random.Generator or None
        Of the points.

    Returns
    -------
    Tensor, shape (n,)

    References
    ----------
    Yeh, Hsieh, Suggala, Inouye, Ravikumar: On the (in)fidelity and sensitivity of
    explanations. NeurIPS 2019, arXiv:1901.09392.

    Examples
    --------
    >>> max_sensitivity(lambda x: torch.ones_like(x), torch.zeros(2, 3))
    tensor([0., 0.])
    """
    check_function("explain", explain)
    inputs = _rows(inputs)
    radius = check_float("radius", radius, minimum=0.0)
    n_samples, rng = check_int("n_samples", n_samples), check_seed(seed)
    shape = tuple(inputs.shape)
    here = tensor("explain", explain(inputs.clone()), shape)
    size = here.reshape(len(here), -1).norm(dim=1)
    largest = torch.zeros_like(size)
    for _ in range(n_samples):
        step = radius * torch.from_numpy(rng.uniform(-1, 1, shape)).to(inputs)
        change = tensor("explain", explain(inputs + step), shape) - here
        largest = torch.maximum(largest, change.reshape(len(here), -1).norm(dim=1))
    if (size == 0).any():
        raise ValueError(
            "explain: got an explanation of zeros, whose relative change is not defined"
        )
    relative: Tensor = largest / size
    return relative


def parameter_randomisation(
    model: nn.Module,
    explain: Explain,
    inputs: Tensor,
    *,
    n_samples: int = 5,
    seed: Seed = 0,
) -> NDArray[np.float64]:
    """Return how alike explanations of a model and of the model with random weights
    are; about 0 if weights matter.

    Each layer is initialised anew by its own rule (``reset_parameters``); the numbers
    of a parameter that has none are shuffled. The measure is the mean, over several
    such models, of the rank correlation of the sizes, over the places where one of the
    two explanations is not zero: what both leave out, such as the dark of a picture,
    says nothing about the rest. Near 1, the method shows the input and not the model.

    Parameters
    ----------
    model : nn.Module
        Left as it is: copies get the random weights.
    explain : callable
        Maps a model and inputs (n, ...) to attributions of the same shape.
    inputs : Tensor, shape (n, ...)
        Rows.
    n_samples : int
        Random models.
    seed : int, numpy.random.Generator or None
        Of the weights.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        If the explanation of a row has one size only, such as zero, and so no order
        that could be kept.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim: Sanity checks for saliency maps.
    NeurIPS 2018, arXiv:1810.03292.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0, 3.0]])
    >>> parameter_randomisation(nn.Linear(3, 1), lambda _, x: x, x)
    array([1.])
    """
    check_type("model", model, nn.Module)
    check_function("explain", explain)
    inputs = _rows(inputs)
    rng = check_seed(seed)
    n_samples = check_int("n_samples", n_samples)
    here = _sizes(explain(model, inputs))
    if (here == here[:, :1]).all(1).any():
        raise ValueError(
            "explain: got an explanation of one size, such as zeros, expected an order"
        )
    alike = np.zeros(len(here))
    for _ in range(n_samples):
        there = _sizes(explain(_initialised(model, rng), inputs))
        check_shape("explain", there, here.shape)
        alike += list(map(_rank_correlation, here, there))
    return alike / n_samples


def _initialised(model: nn.Module, rng: np.random.Generator) -> nn.Module:
    """Return a copy of the model with the weights that training starts from."""
    other = copy.deepcopy(model)
    on_gpu = {p.device for p in other.parameters() if p.is_cuda}
    with torch.random.fork_rng(on_gpu), torch.no_grad():
        torch.manual_seed(int(rng.integers(2**63)))
        for layer in other.modules():
            reset: Any = getattr(layer, "reset_parameters", None)
            if reset is not None:
                reset()
                continue
            for weights in layer.parameters(recurse=False):
                order = torch.from_numpy(rng.permutation(weights.numel()))
                weights.copy_(weights.flatten()[order].view_as(weights))
    return other


def _rows(inputs: Any) -> Tensor:
    """Rows, which may be word ids."""
    rows = tensor("inputs", inputs)
    check_finite("inputs", rows)
    if rows.ndim == 0:
        raise ValueError("inputs: got a single number, expected rows (n, ...)")
    return rows


def _sizes(explanation: Any) -> NDArray[np.float64]:
    found = tensor("explain", explanation)
    check_finite("explain", found)
    return found.abs().flatten(1).cpu().double().numpy()


def _rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Of two rows, over the places where one of them is not zero."""
    some = (a > 0) | (b > 0)
    a, b = a[some], b[some]
    if np.ptp(a) == np.ptp(b) == 0:  # both name these places, all alike
        return 1.0
    return float(effect_correlation(a[None], b[None])[0])
