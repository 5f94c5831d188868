"""Only the rows in use are trained: all others stay what they were, and nothing else is changed."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ststudio.training.tokens import Tokens
from ststudio.training.vocabulary import UsedRows, used_vocabulary
from tests.training.tiny import tiny_model

TEXTS = ["the printer blinks red", "paper will not feed"]
OTHER = ["an aardvark dances", "the printer sings"]


def test_other_texts_read_the_rows_that_are_not_trained(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    exact = model.encode(TEXTS + OTHER)
    with used_vocabulary(Tokens(model), {"": TEXTS}):
        assert isinstance(model[0].model.get_input_embeddings(), UsedRows)
        weights = sum(weight.numel() for weight in model.parameters())
        assert np.allclose(model.encode(TEXTS + OTHER), exact, atol=1e-6)
    assert weights < sum(weight.numel() for weight in model.parameters()) / 10
    assert np.allclose(model.encode(TEXTS + OTHER), exact, atol=1e-6)


def test_trained_rows_go_back_to_their_places_and_no_other_row_moves(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    before = model[0].model.get_input_embeddings().weight.detach().clone()
    tokens = Tokens(model)
    with used_vocabulary(tokens, {"": TEXTS, "query: ": TEXTS}):
        rows = model[0].model.get_input_embeddings()
        with torch.no_grad():
            rows.weight += 1.0
        inside = model.encode(TEXTS + OTHER)
    whole = model[0].model.get_input_embeddings()
    assert type(whole) is nn.Embedding
    moved = (whole.weight - before).abs().sum(1) > 0
    assert moved.nonzero().squeeze(1).tolist() == tokens.ids().tolist()
    assert np.allclose(model.encode(TEXTS + OTHER), inside, atol=1e-6)
    assert {"query", ":"} <= set(model.tokenizer.convert_ids_to_tokens(tokens.ids().tolist()))


def test_padding_gets_no_gradient(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    with used_vocabulary(Tokens(model), {"": TEXTS}):
        rows = model[0].model.get_input_embeddings()
        model(model.preprocess([*TEXTS, "red"]))["sentence_embedding"][:, 0].sum().backward()
        assert rows.weight.grad[rows.padding_idx].abs().max() == 0
        assert rows.weight.grad.abs().max() > 0


def test_more_text_than_is_worth_looking_up_trains_every_row(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    with used_vocabulary(Tokens(model, most=10), {"": TEXTS}):
        assert type(model[0].model.get_input_embeddings()) is nn.Embedding
