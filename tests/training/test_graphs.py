"""Packed texts of fixed shapes: the same vectors and gradients, and on a GPU replayed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from ststudio.model_shape import PACKED_KINDS
from ststudio.training.bucketing import Bucketed, bucketed
from ststudio.training.graphs import TOKENS, WIDTH, Graphs, step_of
from ststudio.training.models import device
from tests.training.tiny import tiny_model

COLUMNS = [
    ["one", "a few more words", "b c d e"],
    ["the printer is out of paper again " * 4, "two", "it blinks"],
]
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


def trained_here(folder: Path, **kinds: Any) -> SentenceTransformer:  # noqa: ANN401
    """Return a tiny model in training where models are trained on this machine."""
    return tiny_model(folder, **kinds).to(device()).train()


@contextmanager
def fixed(model: SentenceTransformer, bf16: bool = False) -> Iterator[Bucketed]:
    """Let a model run by fixed shapes wherever it is; only on a GPU is anything recorded."""
    with bucketed(model, bf16) as forward:
        forward.graphs = Graphs(model, bf16)
        yield forward


def moved(features: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {key: value.to(device) if isinstance(value, Tensor) else value
            for key, value in features.items()}  # fmt: skip


def embedded(model: SentenceTransformer, forward: Bucketed, texts: list[list[str]]) -> Tensor:
    """Return the vectors of all columns, as a step of training embeds them."""
    columns = [model.preprocess(column) for column in texts]
    packed = forward.pack(columns)
    assert packed is not None
    there = [moved(column, model.device) for column in columns]
    found = forward.together(there, moved(packed, model.device))
    return torch.cat([column["sentence_embedding"] for column in found])


def gradients(model: SentenceTransformer, vectors: Tensor) -> dict[str, Tensor]:
    """Return each weight's gradient of a function that no two texts enter alike."""
    model.zero_grad()
    (vectors * torch.linspace(-1, 1, vectors.numel()).view_as(vectors).to(vectors)).sum().backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()
            if weight.grad is not None}  # fmt: skip


@pytest.mark.parametrize("kind", PACKED_KINDS)
def test_vectors_and_gradients_are_those_of_padded_texts(tmp_path: Path, kind: str) -> None:
    model = trained_here(tmp_path, kind=kind)
    whole = torch.cat(
        [model(moved(model.preprocess(texts), model.device))["sentence_embedding"]
         for texts in COLUMNS]
    )  # fmt: skip
    expected = gradients(model, whole)
    with fixed(model) as forward:
        for _ in range(3):  # run, recorded and replayed, where there is a GPU
            vectors = embedded(model, forward, COLUMNS)
            torch.testing.assert_close(vectors, whole, atol=1e-5, rtol=0)
            found = gradients(model, vectors)
            for name, gradient in expected.items():
                torch.testing.assert_close(found[name], gradient, atol=1e-4, rtol=1e-3)


def test_what_fills_up_is_finite_and_teaches_nothing(tmp_path: Path) -> None:
    model = trained_here(tmp_path)
    with fixed(model) as forward:
        few = embedded(model, forward, COLUMNS)
        weights = gradients(model, few)
    assert all(bool(torch.isfinite(gradient).all()) for gradient in weights.values())
    words = weights["0.model.embeddings.word_embeddings.weight"]
    used = torch.cat([model.preprocess(texts)["input_ids"].flatten() for texts in COLUMNS])
    taught = words.abs().sum(1).nonzero().flatten().tolist()
    assert set(taught) <= set(used.tolist()) and 0 not in taught  # 0 fills up


def test_batches_of_about_the_same_length_share_a_size(tmp_path: Path) -> None:
    model = trained_here(tmp_path)
    with fixed(model) as forward:
        for texts in (COLUMNS, COLUMNS[::-1], [["one"] * 3, COLUMNS[1]]):
            embedded(model, forward, texts)
        assert forward.graphs is not None and len(forward.graphs.forwards) == 1
        embedded(model, forward, [COLUMNS[0] * 20, COLUMNS[1] * 20])
        assert len(forward.graphs.forwards) == 2


@pytest.mark.parametrize("count", [1, 17, 128, 129, 1000, 2048, 2049, 5000])
def test_little_is_filled_up(count: int) -> None:
    for least, parts in (TOKENS, WIDTH):
        step = step_of(count, least, parts)
        filled = -(-count // step) * step - count
        assert filled < max(least, 2 * count / parts)


def test_texts_of_which_other_things_are_said_are_not_packed_together(tmp_path: Path) -> None:
    model = trained_here(tmp_path, include_prompt=False)
    with fixed(model) as forward:
        plain = [model.preprocess(texts) for texts in COLUMNS]
        prompted = [model.preprocess(texts, prompt="query: ") for texts in COLUMNS]
        assert forward.pack([plain[0], prompted[0]]) is None
        assert forward.pack(plain) is not None
        assert forward.pack(prompted) is None  # recorded for texts without a prompt


def test_a_text_without_a_token_is_left_to_the_padded_way(tmp_path: Path) -> None:
    model = trained_here(tmp_path)
    features = model.preprocess(COLUMNS[0])
    features["attention_mask"][1] = 0
    with fixed(model) as forward:
        assert forward.pack([features]) is None


def test_without_a_gpu_nothing_is_laid_out(tmp_path: Path) -> None:
    model = trained_here(tmp_path)
    with bucketed(model) as forward:
        packed = forward.pack([model.preprocess(texts) for texts in COLUMNS])
    assert (packed is None) == (model.device.type == "cpu")


@on_gpu
@pytest.mark.parametrize("bf16", [False, True])
def test_a_size_that_comes_again_is_replayed_to_the_same_vectors(
    tmp_path: Path, bf16: bool
) -> None:
    model = trained_here(tmp_path)
    with fixed(model, bf16) as forward:
        # No gradient may be awaited while a graph is recorded; replays write to one place.
        first, again, replayed = (
            embedded(model, forward, COLUMNS).detach().clone() for _ in range(3)
        )
        assert forward.graphs is not None
        assert len(forward.graphs.recorded) == 1, forward.graphs.failures
        torch.testing.assert_close(again, first, atol=1e-2 if bf16 else 1e-5, rtol=0)
        torch.testing.assert_close(replayed, again, atol=0, rtol=0)


@on_gpu
def test_a_layer_that_waits_for_the_gpu_is_run_as_it_is(tmp_path: Path) -> None:
    model = trained_here(tmp_path)
    sums: list[float] = []
    model[1].register_forward_hook(
        lambda _, __, told: sums.append(told["sentence_embedding"].sum().item())
    )
    with fixed(model) as forward:
        first, again, once_more = (
            embedded(model, forward, COLUMNS).detach().clone() for _ in range(3)
        )
        assert forward.graphs is not None and forward.graphs.failures
        torch.testing.assert_close(again, first)
        torch.testing.assert_close(once_more, first)
