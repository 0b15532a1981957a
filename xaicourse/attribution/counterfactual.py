"""Counterfactuals: what would have to be different for the model to decide otherwise,
said in several ways.

One row c of a counterfactual answer is the explained row x with some columns changed. A
set c_1 .. c_k is good if each gets the wanted decision, each stays near x, and they
differ from one another. DiCE puts the three into one loss,

    L = 1/k sum_i hinge(c_i) + 0.5 * 1/k sum_i mean_j |c_ij - x_j| / s_j - 1.0 * det K +
    0.1 * sum_i categories(c_i),

with hinge = max(0, 1 - margin of the wanted decision, in logits), s_j a scale of column
j (its median absolute deviation), K_ij = 1 / (1 + sum_j |c_ij - c_i'j| / s_j), and
categories = (sum of a one-hot block - 1)². The determinant is small when two rows are
alike. Gradient descent on the columns that may change does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xaicourse.attribution.explained import (
    ALL,
    Explained,
    Inputs,
    Model,
    explained,
    explaining,
    tensor,
)
from xaicourse.networks.stacking import Adam
from xaicourse.validation import (
    Progress,
    Seed,
    check_float,
    check_int,
    check_items,
    check_positions,
    check_seed,
    check_shape,
    check_type,
    shown,
)


@dataclass(frozen=True)
class Counterfactuals:
    """Rows near an explained row, and whether they get the wanted decision: tensors if
    the row is, and arrays otherwise.

    Attributes
    ----------
    values : shape (k, d)
        The rows; columns that may not change have the very values of the explained row,
        categories are one-hot.
    valid : bool, shape (k,)
        Whether the model decides for each of these rows as wanted. Where not, the row
        is the best that was found.
    outputs : shape (k, outputs)
        What the model says of them.
    n_steps : int
        Gradient steps taken.
    stopped : {"converged", "max_steps"}
        Why there were no more.
    """

    values: Any
    valid: Any
    outputs: Any
    n_steps: int
    stopped: str


def counterfactuals(
    model: Model,
    inputs: Inputs,
    *,
    target: int,
    n_counterfactuals: int = 4,
    actionable: Sequence[int] | None = None,
    ranges: tuple[Any, Any] | None = None,
    categories: Sequence[Sequence[int]] = (),
    choices: Mapping[int, Any] | None = None,
    scales: Any = None,
    proximity_weight: float = 0.5,
    diversity_weight: float = 1.0,
    max_steps: int = 500,
    learning_rate: float = 0.05,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Counterfactuals:
    """Search for several rows near one row that the model decides as wanted.

    At each step the rows are also read with their categories rounded to one-hot and
    their `choices` to the nearest; the best set that was met is kept (most valid rows
    first, then the least loss). At the end changed columns, those first that win the
    least margin for their distance, are put back where the row stays valid without the
    change, so that an answer names no column in vain; and what is still changed moves
    back as far as the row stays valid. No row becomes like another by that.

    Parameters
    ----------
    model : nn.Module or function of tensors
        Maps (n, d) to one logit (n,) or (n, 1), class 1 where it is positive, or to
        logits (n, classes).
    inputs : Tensor, shape (1, d), or, for a module, an array
        The row to explain, of floating point, with categories one-hot.
    target, n_counterfactuals : int
        The wanted class, and the number of rows k.
    actionable : sequence of int or None
        Positions that may change; ``None`` lets all. A one-hot block may change whole
        or not at all.
    ranges : two Tensors or arrays of shape (d,), or None
        Least and largest value of each column; of actionable columns, the row itself
        has to lie between.
    categories : sequence of sequences of int
        Positions of each one-hot block.
    choices : mapping of int to array, or None
        Values at which an actionable column exists, such as the deductibles on offer:
        of these, and of the row itself, are its values in the answers. Other columns
        take any value in their range.
    scales : Tensor or array of shape (d,), or None
        Unit of distance of each column: the median absolute deviation (with 1 for
        categories), by default 1.
    proximity_weight, diversity_weight : float
        The 0.5 and 1.0 of the loss; zero diversity makes k answers alike.
    max_steps, learning_rate
        Of Adam, which stops earlier when all rows are valid and the loss has not fallen
        by 1e-4 for 50 steps.
    seed : int, numpy.random.Generator or None
        Of the starting points: x plus a uniform draw within one scale, or within the
        range if that is closer.
    progress : callable or None
        Wraps the steps, as ``tqdm.tqdm`` does; ``None`` is silent.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range, the row already has the wanted
        decision, or the model has no gradient.

    References
    ----------
    Mothilal, Sharma, Tan: Explaining machine learning classifiers through diverse
    counterfactual explanations. FAT* 2020, arXiv:1905.07697. Wachter, Mittelstadt,
    Russell: Counterfactual explanations without opening the black box. Harvard Journal
    of Law and Technology 31, 841 (2018), arXiv:1711.00399.

    Examples
    --------
    >>> def model(x):
    ...     return x[:, 0] + x[:, 1] - 2
    >>> found = counterfactuals(
    ...     model, torch.zeros(1, 3), target=1, n_counterfactuals=2, actionable=[0]
    ... )
    >>> found.valid, found.values[:, 0] > 2, found.values[:, 1:].abs().max()
    (tensor([True, True]), tensor([True, True]), tensor(0.))
    """
    f = explained(model, inputs, gradient=True)
    rows = f.rows
    check_shape("inputs", rows, (1, None))
    k = check_int("n_counterfactuals", n_counterfactuals)
    menus = {} if choices is None else choices
    check_type("choices", menus, Mapping)
    space = _space(
        rows, actionable=actionable, ranges=ranges, categories=categories,
        choices=menus, scales=scales,
    )  # fmt: skip
    scale = space.scale
    near = check_float("proximity_weight", proximity_weight, minimum=0.0)
    apart = check_float("diversity_weight", diversity_weight, minimum=0.0)
    max_steps = check_int("max_steps", max_steps)
    rate = check_float("learning_rate", learning_rate, positive=True)
    stopped, stale, step = "max_steps", 0, 0
    draws = torch.from_numpy(check_seed(seed).uniform(-1, 1, (k, rows.shape[1])))
    c = space.within(rows + draws.to(rows) * scale).requires_grad_()
    optimiser = Adam([c])
    best, least = (-1, -math.inf, c), math.inf
    with explaining(model):
        if margin(f.outputs(ALL, rows), target) > 0:
            raise ValueError(
                f"inputs: got a row for which the model already decides {target}"
            )
        for step in shown(progress, range(1, max_steps + 1)):
            with torch.enable_grad():
                logits = f.outputs(ALL, c)
                close = ((c - rows).abs() / scale).mean()
                loss = (
                    (1 - margin(logits, target)).relu().mean()
                    + near * close
                    + 0.1 * space.categories(c)
                )
                loss = loss - apart * diversity(c, scale) if apart else loss
                if step == 1 and not logits.requires_grad:
                    raise ValueError(
                        "model: got an output that has no gradient with respect to the "
                        "inputs"
                    )
                (slope,) = torch.autograd.grad(loss, c)
            value = float(loss)
            point = c.detach()  # the same numbers in memory
            rounded, read = space.possible(point), logits
            if space.blocks or space.menus:
                read = f.outputs(ALL, rounded)
            n_valid = int((margin(read, target) > 0).sum())
            best = max(best, (n_valid, -value, rounded), key=lambda found: found[:2])
            stale = 0 if value < least - 1e-4 else stale + 1
            least = min(least, value)
            if stale > 50 and n_valid == k:
                stopped = "converged"
                break
            optimiser.step([slope], rate)
            point.copy_(space.within(point))
        values = _decided(f, best[2], space, target)
        values = _nearer(f, values, space, target)
        outputs = f.outputs(ALL, values)
    valid = margin(outputs, target) > 0
    return Counterfactuals(
        f.as_given(values), f.as_given(valid), f.as_given(outputs), step, stopped
    )


def margin(logits: Tensor, target: int) -> Tensor:
    """Return by how much the wanted class leads, in logits: (n, outputs) to (n,)."""
    n_classes = max(2, logits.shape[1])
    check_int("target", target, minimum=0, maximum=n_classes - 1)
    if logits.shape[1] == 1:
        return logits[:, 0] * (1 if target else -1)
    others = torch.cat([logits[:, :target], logits[:, target + 1 :]], dim=1)
    return logits[:, target] - others.max(1).values


def diversity(rows: Tensor, scales: Tensor) -> Tensor:
    """Return det K of k rows, K_ij = 1 / (1 + distance), 1e-4 added to its diagonal so
    that equal rows have a gradient.

    Examples
    --------
    >>> round(float(diversity(torch.tensor([[0.0], [1.0]]).double(), torch.ones(1))), 8)
    0.75020001
    """
    distance = ((rows[:, None] - rows[None]).abs() / scales).sum(2)
    return torch.det(1 / (1 + distance) + 1e-4 * torch.eye(len(rows)).to(rows))


@dataclass(frozen=True)
class _Space:
    """What a counterfactual row may be: its columns' freedom, values and units."""

    row: Tensor
    free: Tensor
    low: Tensor
    high: Tensor
    blocks: list[list[int]]
    menus: dict[int, Tensor]
    scale: Tensor

    def within(self, c: Tensor) -> Tensor:
        """Rows brought into the ranges, with the columns that may not change."""
        return torch.where(self.free, torch.clamp(c, self.low, self.high), self.row)

    def possible(self, c: Tensor) -> Tensor:
        """Rows with categories and choices at the nearest of their values."""
        rounded = c.clone()
        for block in self.blocks:
            rounded[:, block] = torch.nn.functional.one_hot(
                c[:, block].argmax(1), len(block)
            ).to(c)
        for j, menu in self.menus.items():
            rounded[:, j] = menu[(c[:, j, None] - menu).abs().argmin(1)]
        return rounded

    def categories(self, c: Tensor) -> Tensor:
        """Sum over one-hot blocks that may change of (sum - 1)²."""
        squares = [
            (c[:, block].sum(1) - 1).square().sum()
            for block in self.blocks
            if self.free[block].all()
        ]
        return sum(squares, torch.zeros(())).to(c)


def _space(
    row: Tensor,
    *,
    actionable: Sequence[int] | None,
    ranges: tuple[Any, Any] | None,
    categories: Sequence[Sequence[int]],
    choices: Mapping[int, Any],
    scales: Any,
) -> _Space:
    d = row.shape[1]
    blocks = [check_positions("categories", block, d) for block in categories]
    free = torch.zeros(d, dtype=torch.bool, device=row.device)
    free[
        check_positions("actionable", range(d) if actionable is None else actionable, d)
    ] = True
    if any(bool(free[block].any()) != bool(free[block].all()) for block in blocks):
        raise ValueError(
            "actionable: got a part of a one-hot block of categories, expected all or "
            "none of its columns"
        )
    low, high = _ranges(row, free, ranges)
    menus = {}
    for column, values in choices.items():
        j = check_int("choices", column, minimum=0, maximum=d - 1)
        menu = tensor("choices", values, (None,)).to(row)
        if not free[j] or any(j in block for block in blocks):
            raise ValueError(
                f"choices: got column {j}, expected an actionable one outside of the "
                f"categories"
            )
        if menu.min() < low[j] or menu.max() > high[j]:
            raise ValueError(f"choices: column {j} has values outside of its range")
        menus[j] = torch.cat([menu, row[0, j : j + 1]])
    scale = torch.ones_like(row[0])
    if scales is not None:
        scale = tensor("scales", scales, (d,)).to(row)
    if scale.min() <= 0:
        raise ValueError(
            f"scales: got {scale.min().item():g}, expected positive numbers (1 for a "
            f"column without spread)"
        )
    return _Space(row, free, low, high, blocks, menus, scale)


def _accepted(c: Tensor, tried: Tensor, space: _Space, better: Tensor) -> Tensor:
    """Rows exchanged where another is better and not like one of the rest."""
    c = c.clone()
    for row in torch.nonzero(better).flatten():
        others = torch.cat([c[:row], c[row + 1 :]])
        apart = ((others - tried[row]).abs() / space.scale).sum(1)
        if (apart > 1e-3).all():
            c[row] = tried[row]
    return c


def _decided(f: Explained, c: Tensor, space: _Space, target: int) -> Tensor:
    """Let rows that are not decided as wanted, perhaps for being rounded, take the
    choices that bring them furthest.
    """
    for _ in space.menus:
        ahead = margin(f.outputs(ALL, c), target)
        refused, furthest = ahead <= 0, c.clone()
        for j, menu in space.menus.items() if refused.any() else ():
            for value in menu:
                tried = c.clone()
                tried[:, j] = value
                now = margin(f.outputs(ALL, tried), target)
                furthest[now > ahead] = tried[now > ahead]
                ahead = torch.maximum(ahead, now)
        c = _accepted(c, furthest, space, refused)
    return c


def _nearer(f: Explained, c: Tensor, space: _Space, target: int) -> Tensor:
    """Put changed columns (blocks whole) back to x where a row stays valid, then move
    those that are left towards it; no row becomes like another.
    """
    grouped = {j for block in space.blocks for j in block}
    single = [[j] for j in range(c.shape[1]) if j not in grouped]
    groups, x = [*space.blocks, *single], space.row

    def lead(rows: Tensor) -> Tensor:
        return margin(f.outputs(ALL, rows), target)

    def moved(c: Tensor, which: Tensor, share: Tensor) -> Tensor:
        """Rows with one group each at a share of its change."""
        tried = c.clone()
        for row, of_row in enumerate(which):
            some = groups[of_row]
            tried[row, some] = x[0, some] + share[row] * (c[row, some] - x[0, some])
        return space.possible(tried)

    def orders(c: Tensor) -> list[Tensor]:
        """Groups of each row, those first that win the least margin for their distance;
        only as far as a row has changed ones.
        """
        distance, won = c.new_zeros(2, len(c), len(groups))
        for i, group in enumerate(groups):
            distance[:, i] = ((c - x).abs() / space.scale)[:, group].sum(1)
            if distance[:, i].any():
                every = torch.full((len(c),), i)
                won[:, i] = lead(c) - lead(moved(c, every, none))
        worth = torch.where(distance > 0, won / distance, torch.inf)
        return list(worth.argsort(1).T[: int((distance > 0).sum(1).max())])

    none, whole = torch.zeros_like(c[:, 0]), torch.ones_like(c[:, 0])
    valid = lead(c) > 0
    for which in orders(c):
        back = moved(c, which, none)
        c = _accepted(c, back, space, valid & (lead(back) > 0))
    for which in orders(c):
        refused, kept = none, whole
        for _ in range(20):  # bisection, to a millionth of the change
            middle = (refused + kept) / 2
            enough = lead(moved(c, which, middle)) > 0
            refused = torch.where(enough, refused, middle)
            kept = torch.where(enough, middle, kept)
        c = _accepted(c, moved(c, which, kept), space, valid & (kept < 1))
    return c


def _ranges(
    x: Tensor, free: Tensor, ranges: tuple[Any, Any] | None
) -> tuple[Tensor, Tensor]:
    if ranges is None:
        return torch.full_like(x[0], -torch.inf), torch.full_like(x[0], torch.inf)
    ends = check_items("ranges", ranges)
    if len(ends) != 2:
        raise ValueError(f"ranges: got {len(ends)} ends, expected the low and the high")
    low, high = (tensor("ranges", part, (x.shape[1],)).to(x) for part in ends)
    if outside := [
        j
        for j in torch.nonzero(free).flatten().tolist()
        if not low[j] <= x[0, j] <= high[j]
    ]:
        raise ValueError(f"ranges: the row lies outside of them in columns {outside}")
    return low, high
