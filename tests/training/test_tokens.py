"""What a model reads of a text is the same whether it was tokenized now or before."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ststudio.training.tokens import Tokens
from tests.training.tiny import KINDS, tiny_model

TEXTS = ["The printer is out of paper", "two", "blinks red since Monday morning", "two", ""]
BATCHES = (TEXTS[:2], TEXTS[1:4], TEXTS[::-1])


def told(features: dict[str, Any]) -> dict[str, Any]:
    """Return features with their tensors as lists."""
    return {key: value.tolist() if isinstance(value, Tensor) else value
            for key, value in features.items()}  # fmt: skip


@pytest.mark.parametrize("prompt", [None, "query: "])
@pytest.mark.parametrize("kind", KINDS)
def test_every_batch_is_what_the_model_itself_reads(
    tmp_path: Path, kind: str, prompt: str | None
) -> None:
    model = tiny_model(tmp_path, kind=kind)
    tokens = Tokens(model)
    for texts in BATCHES * 2:
        assert told(tokens(texts, prompt=prompt)) == told(model.preprocess(texts, prompt=prompt))
    assert {text for _, text in tokens.rows} == set(TEXTS)


def test_each_text_is_tokenized_once_for_each_prompt(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    tokens, asked = Tokens(model), []
    plain = tokens.preprocess
    tokens.preprocess = lambda texts, **told: asked.append(list(texts)) or plain(texts, **told)
    for _ in range(2):
        tokens(TEXTS[:2])
        tokens(TEXTS[:3], prompt="query: ")
    assert asked == [TEXTS[:2], TEXTS[:3]]


def test_long_texts_end_where_the_model_stops_reading(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    model.max_seq_length = 6
    assert Tokens(model)(["paper " * 40, "two"])["input_ids"].shape == (2, 6)


def test_a_tokenizer_that_pads_on_the_left_is_left_alone(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    model.tokenizer.padding_side = "left"
    tokens = Tokens(model)
    assert told(tokens(TEXTS[:2])) == told(model.preprocess(TEXTS[:2]))
    assert not tokens.know(TEXTS) and not tokens.rows


def test_more_text_than_is_kept_is_still_read(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    tokens = Tokens(model, most=100)
    assert tokens.know(TEXTS)
    many = ["paper " * 20, "two"]
    assert told(tokens(many)) == told(model.preprocess(many))
    assert torch.equal(tokens(TEXTS)["input_ids"], model.preprocess(TEXTS)["input_ids"])
    assert not tokens.know(many)
