"""Packed texts: each reads itself alone, and nothing runs for padding."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ststudio.model_shape import PACKED_KINDS
from ststudio.training.bucketing import bucketed
from ststudio.training.models import load_guide
from ststudio.training.packing import Layout, packed_tokens
from tests.training.tiny import KINDS, tiny_model

TEXTS = ["one", "a few more words", "b c d e", "the printer is out of paper again " * 4, "two"]
CPU = torch.device("cpu")


@pytest.mark.parametrize("lengths", [[7], [5, 5, 5], [9, 4, 4, 2, 1], [40, 39, 3, 3, 2]])
def test_each_text_attends_to_itself_alone(lengths: list[int]) -> None:
    torch.manual_seed(0)
    told = tuple(torch.randn(sum(lengths), 2, 8, requires_grad=True) for _ in range(3))
    attended = Layout.of(lengths, CPU).attend(*told)
    alone = torch.cat(
        [
            F.scaled_dot_product_attention(*(values.transpose(0, 1) for values in of)).transpose(
                0, 1
            )
            for of in zip(*(values.split(lengths) for values in told), strict=True)
        ]
    )
    torch.testing.assert_close(attended, alone, atol=1e-6, rtol=0)
    weights = torch.randn_like(alone)
    found, expected = (
        torch.autograd.grad((values * weights).sum(), told) for values in (attended, alone)
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_on_the_cpu_attention_is_float32_under_autocast_too() -> None:
    torch.manual_seed(0)
    lengths = [9, 4, 4, 2]
    told = [torch.randn(sum(lengths), 2, 8).bfloat16() for _ in range(3)]
    whole = Layout.of(lengths, CPU).attend(*(values.float() for values in told))
    with torch.autocast("cpu", torch.bfloat16):
        attended = Layout.of(lengths, CPU).attend(*told)
    assert attended.dtype == torch.bfloat16
    torch.testing.assert_close(attended, whole.bfloat16(), atol=0, rtol=0)


def test_texts_far_apart_in_length_do_not_share_their_padding() -> None:
    layout = Layout.of([400] * 4 + [5] * 60, CPU)
    assert [(group.width, group.padding) for group in layout.groups] == [(400, None), (5, None)]


@pytest.mark.parametrize("kind", PACKED_KINDS)
def test_packed_vectors_are_those_of_the_whole_batch(tmp_path: Path, kind: str) -> None:
    model = tiny_model(tmp_path, kind=kind)
    model.eval()
    whole = model(model.preprocess(TEXTS))["sentence_embedding"]
    shapes = []
    model[0].register_forward_hook(lambda _, args, __: shapes.append(args[0]["input_ids"].shape))
    features = model.preprocess(TEXTS)
    with bucketed(model):
        packed = model(features)["sentence_embedding"]
    torch.testing.assert_close(packed, whole, atol=1e-5, rtol=0)
    assert shapes == [(1, int(features["attention_mask"].sum()))]
    assert model[0].model.config._attn_implementation == "sdpa"


def test_queries_and_documents_are_packed_as_well(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    whole = [model.encode_query(TEXTS), model.encode_document(TEXTS)]
    shapes = []
    model[0].register_forward_hook(lambda _, args, __: shapes.append(args[0]["input_ids"].shape))
    with bucketed(model):
        packed = [model.encode_query(TEXTS), model.encode_document(TEXTS)]
    np.testing.assert_allclose(packed, whole, atol=1e-5)
    assert [shape[0] for shape in shapes] == [1, 1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in PACKED_KINDS])
def test_kinds_that_look_at_the_distance_of_tokens_are_never_packed(
    tmp_path: Path, kind: str
) -> None:
    with bucketed(tiny_model(tmp_path, kind=kind)) as forward:
        assert not forward.packs


def test_a_model_that_was_not_taken_over_refuses_packed_texts(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    with pytest.raises(AssertionError):
        packed_tokens(model[0], model.preprocess(["a b c"]), [5])


def test_a_guide_reads_each_text_alone(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    model.save_pretrained(str(tmp_path / "whole"))
    expected = model.eval()(model.preprocess(TEXTS))["sentence_embedding"]
    guide = load_guide(tmp_path / "whole")
    features = guide.preprocess(TEXTS)
    for name in ("input_ids", "token_type_ids", "attention_mask"):
        features[name] = features[name].to(guide.device)
    found = guide(features)["sentence_embedding"].cpu()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_dropout_reaches_attention_while_training(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    for layer in model[0].model.encoder.layer:
        layer.attention.self.dropout.p = 0.5
    exact = model.eval().encode(TEXTS)
    with bucketed(model):
        model.train()
        noisy = model(model.preprocess(TEXTS))["sentence_embedding"].detach().numpy()
        assert np.abs(noisy - exact).max() > 1e-4
        np.testing.assert_allclose(model.eval().encode(TEXTS), exact, atol=1e-5)


def test_a_text_without_a_token_is_no_harm(tmp_path: Path) -> None:
    model = tiny_model(tmp_path).eval()
    features = model.preprocess(TEXTS)
    features["attention_mask"][0] = 0
    with bucketed(model):
        found = model(features)["sentence_embedding"]
    assert torch.isfinite(found).all()
