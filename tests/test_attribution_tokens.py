"""Token attributions: a bag of embeddings that can be solved by hand, Captum, padding,
and what must not be touched.
"""

from types import SimpleNamespace

import pytest
import torch
from captum.attr import LayerIntegratedGradients
from test_attribution_path import close, same, snapshot
from torch import nn

import xaicourse  # noqa: F401 (lets transformers import torchvision)
from xaicourse.attribution import (
    merge_word_pieces,
    token_gradients,
    token_integrated_gradients,
)

F64 = torch.float64


class Bag(nn.Module):
    """Adds up w·e over the tokens of a sentence, for two outputs: every attribution is
    known.
    """

    def __init__(self, fail_at=None):
        super().__init__()
        self.table, self.head, self.drop = (
            nn.Embedding(8, 3).double(),
            nn.Linear(3, 2).double(),
            nn.Dropout(0.5),
        )
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.table.weight.copy_(torch.randn(8, 3, generator=generator, dtype=F64))
            self.head.weight.copy_(torch.randn(2, 3, generator=generator, dtype=F64))
        self.calls, self.fail_at = 0, fail_at

    def get_input_embeddings(self):
        return self.table

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None):
        self.calls += 1
        if self.calls == self.fail_at:
            raise ArithmeticError("broken on purpose")
        e = self.drop(self.table(input_ids) if inputs_embeds is None else inputs_embeds)
        return SimpleNamespace(logits=self.head((e * attention_mask[..., None]).sum(1)))


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=12, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=16, initializer_range=0.5,
        )  # fmt: skip
        return BertForSequenceClassification(config).double()


IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 4, 3, 0, 0], [2, 6, 5, 3, 0]])
MASK = (IDS > 0).long()
EMPTY = torch.where(IDS < 4, IDS, 0)

# --- attributions that are known ------------------------------------------------------


def check_bag(gradients, integrated):
    model = Bag()
    e, w = model.table.weight.detach(), model.head.weight.detach()[1]
    result = gradients(model, IDS, attention_mask=MASK, target=1)
    close(result.norm, MASK * w.norm(), atol=1e-12)
    close(result.times_input, MASK * (e[IDS] @ w), atol=1e-12)
    values = integrated(
        model, IDS, baselines=EMPTY, attention_mask=MASK, target=1, n_steps=2
    ).values
    close(values, MASK * ((e[IDS] - e[EMPTY]) @ w), atol=1e-12)


def test_a_bag_of_embeddings():
    check_bag(token_gradients, token_integrated_gradients)
    close(
        token_integrated_gradients(Bag(), IDS, attention_mask=MASK, target=0).values,
        token_gradients(Bag(), IDS, attention_mask=MASK, target=0).times_input,
    )


def test_the_mutants_are_rejected():
    def padding_counts(function):
        def mutant(model, ids, *, attention_mask, **options):
            return function(model, ids, **options)

        return mutant

    def of_the_other_output(function):
        return lambda model, ids, *, target, **options: function(
            model, ids, target=1 - target, **options
        )

    def from_zero(model, ids, *, baselines, **options):
        return token_integrated_gradients(model, ids, **options)

    both = token_gradients, token_integrated_gradients
    for pair in (
        [padding_counts(f) for f in both],
        [of_the_other_output(f) for f in both],
        (both[0], from_zero),
    ):
        with pytest.raises(AssertionError):
            check_bag(*pair)


def test_completeness_and_what_does_not_change_contributes_nothing():
    model = bert()
    result = token_integrated_gradients(
        model, IDS, baselines=EMPTY, attention_mask=MASK, target=1, n_steps=200
    )
    model.eval()
    with torch.no_grad():
        gained = (
            model(IDS, attention_mask=MASK).logits
            - model(EMPTY, attention_mask=MASK).logits
        )[:, 1]
    close(result.values.sum(1), gained, atol=1e-4)
    close(result.delta, result.values.sum(1) - gained, atol=1e-9)
    assert (result.values[IDS == EMPTY] == 0).all()


# --- Captum ---------------------------------------------------------------------------


def test_agrees_with_captum_sentence_by_sentence():
    model = bert().train()
    ours = token_integrated_gradients(
        model, IDS, baselines=EMPTY, attention_mask=MASK, target=1, n_steps=20
    ).values
    model.eval()
    layer = LayerIntegratedGradients(
        lambda ids: model(ids).logits, model.get_input_embeddings()
    )
    for row, length in enumerate(MASK.sum(1)):
        ids, start = IDS[row : row + 1, :length], EMPTY[row : row + 1, :length]
        reference = layer.attribute(ids, baselines=start, target=1, n_steps=20).sum(2)[
            0
        ]
        close(ours[row, :length], reference, atol=1e-6)
        assert (ours[row, length:] == 0).all()


def test_gradients_agree_with_a_backward_pass_on_the_padded_batch():
    model = bert().eval()
    result = token_gradients(
        model, IDS, attention_mask=MASK, target=torch.tensor([0, 1, 0])
    )
    e = model.get_input_embeddings()(IDS).detach().requires_grad_()
    logits = model(inputs_embeds=e, attention_mask=MASK).logits
    [gradient] = torch.autograd.grad(logits[[0, 1, 2], [0, 1, 0]].sum(), e)
    close(result.norm, gradient.norm(dim=2), atol=1e-10)
    close(result.times_input, (e * gradient).sum(2).detach(), atol=1e-10)


# --- merging --------------------------------------------------------------------------


def test_merging_keeps_the_sum_of_the_words():
    tokens = ["[CLS]", "un", "##for", "##get", "film", "[", "]", "[SEP]", "[PAD]"]
    values = torch.arange(9.0)
    assert merge_word_pieces(tokens, values) == (
        ["unforget", "film", "[", "]"],
        [6.0, 4.0, 5.0, 6.0],
    )
    with pytest.raises(
        ValueError, match=r"^values: got shape \(2,\), expected \(3,\)$"
    ):
        merge_word_pieces(["a", "b", "c"], [1.0, 2.0])
    with pytest.raises(
        ValueError,
        match=r"^tokens: got '##ful' first, expected the beginning of its word before "
        r"it$",
    ):
        merge_word_pieces(["[CLS]", "##ful"], [1.0, 2.0])


# --- what stays as it was, and bad arguments ------------------------------------------


@pytest.mark.parametrize("fail_at", [None, 1, 2])
@pytest.mark.parametrize("explain", [token_gradients, token_integrated_gradients])
def test_model_ids_and_global_state_are_left_alone(explain, fail_at):
    model = Bag(fail_at).train()
    model.head.weight.grad = torch.ones_like(model.head.weight)
    ids = IDS.clone()
    before = snapshot(model, ids)
    if fail_at is None:
        explain(model, ids, attention_mask=MASK, target=1)
    else:
        with pytest.raises(ArithmeticError, match="broken on purpose"):
            explain(model, ids, attention_mask=MASK, target=1)
    assert same(before, snapshot(model, ids))


def test_works_where_the_caller_has_switched_gradients_off():
    model = Bag()
    expected = token_gradients(model, IDS, attention_mask=MASK, target=1).norm
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            options = {"attention_mask": MASK.clone(), "target": 1}
            close(token_gradients(model, IDS.clone(), **options).norm, expected)
            token_integrated_gradients(
                model, IDS.clone(), baselines=EMPTY.clone(), **options
            )


BAD = [
    ({"model": nn.Linear(2, 2)}, TypeError,
     "model: got Linear, expected a module whose get_input_embeddings() is a table"),
    ({"input_ids": IDS.double()}, TypeError, "input_ids: got torch.float64, expected "
        "integers"),
    ({"input_ids": [["film"]]}, TypeError, "input_ids: got <U4, expected real numbers"),
    ({"input_ids": IDS[0]}, ValueError, "input_ids: got shape (5,), expected (any, "
        "any)"),
    ({"input_ids": IDS + 6}, ValueError, "input_ids: got 13, expected ids from 0 to 7"),
    ({"input_ids": IDS - 1}, ValueError, "input_ids: got -1, expected ids from 0 to 7"),
    ({"attention_mask": MASK[:2]}, ValueError, "attention_mask: got shape (2, 5), "
        "expected (3, 5)"),
    ({"attention_mask": MASK.flip(1)}, ValueError,
     "attention_mask: got other than ones with zeros behind them, at least one of them "
     "one"),
    ({"attention_mask": 0 * MASK}, ValueError,
     "attention_mask: got other than ones with zeros behind them, at least one of them "
     "one"),
    ({"target": None}, ValueError, "target: got None, expected one of the model's 2 "
        "outputs"),
    ({"target": 2}, ValueError, "target: got 2, expected an output from 0 to 1"),
    ({"target": torch.tensor([0, 1])}, ValueError, "target: got shape (2,), expected "
        "(3,)"),
    ({"baselines": EMPTY[:, :3]}, ValueError, "baselines: got shape (3, 3), expected "
        "(3, 5)"),
    ({"baselines": EMPTY + 8}, ValueError, "baselines: got 11, expected ids from 0 to "
        "7"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_bad_arguments(bad, error, message):
    options = {
        "model": Bag(),
        "input_ids": IDS,
        "attention_mask": MASK,
        "target": 1,
        "baselines": EMPTY,
    } | bad
    with pytest.raises(error) as refusal:
        token_integrated_gradients(
            options.pop("model"), options.pop("input_ids"), **options
        )
    assert str(refusal.value) == message


def test_no_word_that_was_typed_is_dropped():
    tokens = ["[CLS]", "great", "[UNK]", "[movie]", "##s", "[MASK]", "[SEP]", "[PAD]"]
    words, values = merge_word_pieces(tokens, [9.0, 1, 2, 3, 4, 5, 9, 0])
    assert words == ["great", "[UNK]", "[movie]s", "[MASK]"]
    assert values == [1, 2, 7, 5]


def of_kind(kind, **size):
    import transformers

    config = getattr(transformers, f"{kind}Config")(vocab_size=12, **size)
    return getattr(transformers, f"{kind}ForSequenceClassification")(config)


SMALL = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
DISTILLED = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}


@pytest.mark.parametrize(
    ("model", "longest"),
    [
        (("Bert", SMALL | {"hidden_size": 8, "max_position_embeddings": 16}), 16),
        (("Roberta", SMALL | {"hidden_size": 8, "max_position_embeddings": 18}), 16),
        (("DistilBert", DISTILLED | {"max_position_embeddings": 16}), 16),
    ],
)
def test_more_tokens_than_positions(model, longest):
    """RoBERTa counts positions from behind the id of padding on."""
    kind, size = model
    model = of_kind(kind, **size)
    ids = torch.full((1, longest + 1), 5)
    assert token_gradients(model, ids[:, 1:], target=1).norm.shape == (1, longest)
    for method in (token_gradients, token_integrated_gradients):
        with pytest.raises(
            ValueError,
            match=f"^input_ids: got {longest + 1} tokens, expected at most {longest}, ",
        ):
            method(model, ids, target=1)


def test_lists_count_as_tensors_of_ids():
    model = bert()
    arguments = {
        "attention_mask": MASK,
        "token_type_ids": (IDS == 7).long(),
        "target": torch.tensor([0, 1, 1]),
    }
    expected = token_gradients(model, IDS, **arguments)
    listed = token_gradients(
        model, IDS.tolist(), **{name: v.tolist() for name, v in arguments.items()}
    )
    same(listed.norm, expected.norm)
    whole = token_gradients(
        model, IDS, **arguments | {"token_type_ids": torch.zeros_like(IDS)}
    )
    assert not torch.equal(whole.norm, expected.norm)


@pytest.mark.parametrize(
    ("types", "error", "message"),
    [
        (7 * MASK, ValueError, "token_type_ids: got 7, expected ids from 0 to 1"),
        (MASK.float(), TypeError, "token_type_ids: got torch.float32, expected"),
        (MASK[:, :3], ValueError, r"token_type_ids: got shape \(3, 3\)"),
    ],
)
def test_bad_token_types(types, error, message):
    with pytest.raises(error, match=message):
        token_gradients(bert(), IDS, token_type_ids=types, target=0)
