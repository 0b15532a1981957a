"""Attributions for language models: with respect to the embeddings of tokens, as their
ids have no gradient.

An id is a name and not a quantity: id 7 is not more than id 6. What the model computes
with are the vectors that the ids stand for, its embeddings, and of these an output does
have a gradient. Each token then has as many numbers as an embedding has; they are added
up, or their length is taken, to one number a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaicourse.attribution.explained import Attribution, explaining
from xaicourse.attribution.gradients import saliency
from xaicourse.attribution.path import integrated_gradients
from xaicourse.validation import (
    Progress,
    as_floats,
    as_numbers,
    check_items,
    check_shape,
    check_type,
    shown,
)


@dataclass(frozen=True)
class TokenGradients:
    """Two readings of the gradient with respect to each token's embedding e.

    Attributes
    ----------
    norm : Tensor, shape (n, length)
        ‖df/de‖: how strongly the output would answer to a small change of the embedding
        in the worst direction.
    times_input : Tensor, shape (n, length)
        e · df/de: to first order, what the output would lose if the embedding shrank to
        zero.
    """

    norm: Tensor
    times_input: Tensor


def token_gradients(
    model: Any,
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    target: int | Tensor | None = None,
    progress: Progress | None = None,
) -> TokenGradients:
    """Differentiate an output of a transformers model with respect to the embedding of
    each token.

    Parameters
    ----------
    model : transformers.PreTrainedModel or nn.Module
        Has ``get_input_embeddings()``, and is called as ``model(inputs_embeds=...,
        attention_mask=...)``; its output has ``logits`` of shape (n, outputs).
        Explained in evaluation mode and left as it was.
    input_ids : Tensor of integers, shape (n, length)
        Sentences as token ids.
    attention_mask : Tensor, shape (n, length), or None
        Ones, and behind them zeros where a sentence is padded; ``None`` is all ones.
    token_type_ids : Tensor, shape (n, length), or None
        Which sentence of a pair each token belongs to, if the model is to be told.
    target : int, Tensor of shape (n,) or None
        The output to explain, for all sentences or one by one; ``None`` if there is
        only one.
    progress : callable or None
        Wraps the loop over lengths of sentences, as ``tqdm.tqdm`` does; ``None`` is
        silent.

    Returns
    -------
    TokenGradients
        Zero at padding, which is cut off before the model sees the sentence.

    Raises
    ------
    TypeError
        If the ids are no integers, or the model is no module with embeddings.
    ValueError
        If an id, the mask or the target is out of range or has a wrong shape, or a
        sentence has more tokens than the model has positions for.

    References
    ----------
    Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks. ICLR workshop
    2014, arXiv:1312.6034.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> config = BertConfig(
    ...     vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=2
    ... )
    >>> model = BertForSequenceClassification(config)
    >>> token_gradients(model, torch.tensor([[2, 7, 3]]), target=1).norm.shape
    torch.Size([1, 3])
    """
    table = _table(model)
    input_ids = _ids("input_ids", input_ids, table.num_embeddings)
    with explaining(model):
        norm, times_input = table.weight.new_zeros(2, *input_ids.shape)
        for rows, length, options in _by_length(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            target=target,
            n_types=_stated(model, "type_vocab_size") or 2,
            progress=progress,
        ):
            embeddings = table(input_ids[rows, :length])
            gradient = saliency(partial(_read, model), embeddings, **options)
            norm[rows, :length] = gradient.norm(dim=2)
            times_input[rows, :length] = (embeddings * gradient).sum(2)
    return TokenGradients(norm, times_input)


def token_integrated_gradients(
    model: Any,
    input_ids: Tensor,
    *,
    baselines: Tensor | None = None,
    attention_mask: Tensor | None = None,
    token_type_ids: Tensor | None = None,
    target: int | Tensor | None = None,
    n_steps: int = 32,
    internal_batch_size: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute an output of a transformers model to its tokens, along the line from
    the embeddings of other tokens.

    The Integrated Gradients of each embedding, added up over its components: the
    tokens' values add up to what the model gained on the way from the baseline to the
    sentence.

    Parameters
    ----------
    model, input_ids, attention_mask, token_type_ids, target, progress
        As in `token_gradients`.
    baselines : Tensor of integers, shape (n, length), or None
        Token ids to start from, for instance the same sentences with every word
        replaced by ``[PAD]`` and ``[CLS]`` and ``[SEP]`` kept; ``None`` starts from
        embeddings of zeros, which are no token at all.
    n_steps, internal_batch_size
        As in `integrated_gradients`.

    Returns
    -------
    Attribution
        `values` of shape (n, length), zero at padding; `delta`, the error of the
        quadrature, of shape (n,).

    Raises
    ------
    TypeError, ValueError
        As in `token_gradients`; also if the baselines have not the shape of the
        sentences.

    References
    ----------
    Sundararajan, Taly, Yan: Axiomatic attribution for deep networks. ICML 2017,
    arXiv:1703.01365.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> config = BertConfig(
    ...     vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=2
    ... )
    >>> model = BertForSequenceClassification(config)
    >>> ids = torch.tensor([[2, 7, 3]])
    >>> empty = torch.tensor([[2, 0, 3]])
    >>> attribution = token_integrated_gradients(model, ids, baselines=empty, target=1)
    >>> attribution.values[0, [0, 2]]  # what does not change contributes nothing
    tensor([0., 0.])
    """
    table = _table(model)
    input_ids = _ids("input_ids", input_ids, table.num_embeddings)
    if baselines is not None:
        baselines = _ids("baselines", baselines, table.num_embeddings)
        check_shape("baselines", baselines, tuple(input_ids.shape))
    with explaining(model):
        values = table.weight.new_zeros(input_ids.shape)
        delta = table.weight.new_zeros(len(input_ids))
        for rows, length, options in _by_length(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            target=target,
            n_types=_stated(model, "type_vocab_size") or 2,
            progress=progress,
        ):
            attribution = integrated_gradients(
                partial(_read, model),
                table(input_ids[rows, :length]),
                baselines=None
                if baselines is None
                else table(baselines[rows, :length]),
                n_steps=n_steps,
                internal_batch_size=internal_batch_size,
                **options,
            )
            values[rows, :length] = attribution.values.sum(2)
            delta[rows] = attribution.delta
    return Attribution(values, delta)


def merge_word_pieces(
    tokens: Sequence[str], values: Sequence[float] | Tensor
) -> tuple[list[str], list[float]]:
    """Put the pieces of each word together and add up their values; what the tokenizer
    puts around the sentence is left out.

    Parameters
    ----------
    tokens : sequence of str
        As ``tokenizer.convert_ids_to_tokens`` gives them: a piece that goes on with a
        word begins with ``##``, and a special token stands in square brackets.
    values : sequence of float or Tensor, same length
        Contributions of the tokens.

    Returns
    -------
    (list of str, list of float)
        Words and their values.

    Raises
    ------
    ValueError
        If lengths differ, or a piece has no beginning.

    Examples
    --------
    >>> tokens = ["[CLS]", "not", "wonder", "##ful", "[SEP]"]
    >>> merge_word_pieces(tokens, [9.0, -1.0, 2.0, 0.5, 9.0])
    (['not', 'wonderful'], [-1.0, 2.5])
    """
    for token in check_items("tokens", tokens):
        check_type("tokens", token, str)
    values = as_floats("values", values, (len(tokens),)).tolist()
    words: list[str] = []
    sums: list[float] = []
    for token, value in zip(tokens, values, strict=True):
        if token.startswith("##"):
            if not words:
                raise ValueError(
                    f"tokens: got {token!r} first, expected the beginning of its word "
                    f"before it"
                )
            words[-1] += token[2:]
            sums[-1] += value
        elif token not in {"[CLS]", "[SEP]", "[PAD]"}:
            words.append(token)
            sums.append(value)
    return words, sums


def _read(model: Any, embeddings: Tensor, types: Tensor | None = None) -> Any:
    """What the model says of embeddings (n, length, width), none of them padding."""
    shape, device = embeddings.shape[:2], embeddings.device
    mask = torch.ones(shape, dtype=torch.long, device=device)
    options = {} if types is None else {"token_type_ids": types}
    try:
        return model(inputs_embeds=embeddings, attention_mask=mask, **options)
    except (IndexError, RuntimeError) as error:
        longest = _positions(model)
        if longest is None or shape[1] <= longest:
            raise
        raise ValueError(
            f"input_ids: got {shape[1]} tokens, expected at most {longest}, as many as "
            f"the model has positions for"
        ) from error


def _positions(model: Any) -> int | None:
    """The most tokens a model has embeddings of positions for, if it says so. RoBERTa
    counts from behind the id of padding on.
    """
    longest = _stated(model, "max_position_embeddings")
    before = [
        module.padding_idx + 1
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and module.padding_idx is not None
    ]
    return longest if longest is None else longest - sum(before)


def _stated(model: Any, name: str) -> int | None:
    """A number that a transformers model states in its configuration."""
    return getattr(getattr(model, "config", None), name, None)


def _table(model: Any) -> nn.Embedding:
    """Return the embeddings of all tokens."""
    embeddings = getattr(model, "get_input_embeddings", None)
    table = embeddings() if isinstance(model, nn.Module) and embeddings else None
    if isinstance(table, nn.Embedding):
        return table
    raise TypeError(
        f"model: got {type(model).__name__}, expected a module whose "
        f"get_input_embeddings() is a table"
    )


def _tensor(name: str, numbers: Any) -> Tensor:
    if isinstance(numbers, Tensor):
        return numbers
    return torch.tensor(as_numbers(name, numbers))


def _ids(name: str, ids: Any, n: int) -> Tensor:
    """Return integers of shape (rows, length) from 0 to n - 1 as a tensor."""
    found = _tensor(name, ids)
    if "int" not in str(found.dtype):
        raise TypeError(f"{name}: got {found.dtype}, expected integers")
    check_shape(name, found, (None, None))
    worst = found.min() if found.min() < 0 else found.max()
    if not 0 <= worst < n:
        raise ValueError(f"{name}: got {worst}, expected ids from 0 to {n - 1}")
    return found


def _by_length(
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None,
    token_type_ids: Tensor | None,
    target: int | Tensor | None,
    n_types: int,
    progress: Progress | None,
) -> Iterator[tuple[Tensor, int, dict[str, Any]]]:
    """Rows of the same length without padding, that length, and what a method is told
    of them: padding never meets the model.
    """
    shape = tuple(input_ids.shape)
    lengths = torch.full(shape[:1], shape[1])
    if attention_mask is not None:
        attention_mask = _tensor("attention_mask", attention_mask)
        check_shape("attention_mask", attention_mask, shape)
        lengths = attention_mask.sum(1).long().cpu()
        padded_behind = torch.arange(shape[1]) < lengths[:, None]
        if (
            not torch.equal(attention_mask.cpu() == 1, padded_behind)
            or lengths.min() == 0
        ):
            raise ValueError(
                "attention_mask: got other than ones with zeros behind them, at least "
                "one of them one"
            )
    if token_type_ids is not None:
        token_type_ids = _ids("token_type_ids", token_type_ids, n_types)
        check_shape("token_type_ids", token_type_ids, shape)
    if isinstance(target, Tensor | np.ndarray | list):
        target = _tensor("target", target)
        check_shape("target", target, shape[:1])
    for length in shown(progress, lengths.unique().tolist()):
        rows = (lengths == length).nonzero()[:, 0]
        types = None if token_type_ids is None else token_type_ids[rows, :length]
        yield (
            rows,
            length,
            {
                "target": target[rows] if isinstance(target, Tensor) else target,
                "additional_forward_args": types,
            },
        )
