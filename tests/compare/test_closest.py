"""The closest pair: found exactly, among texts that differ, and passes timed on real networks."""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from ststudio.compare import closest as module
from ststudio.compare.closest import (
    closest,
    embed,
    fitting,
    own_network,
    pair_lengths,
    passes,
    sentences,
)
from ststudio.compare.watched import Sign
from ststudio.data.examples import Examples
from ststudio.tabs.headline import looked
from tests.conftest import Training
from tests.training.tiny import BERT, tiny_model


def quiet(share: float, words: str) -> None:
    assert 0 <= share <= 1 and words


@pytest.mark.parametrize("n", [2, 5, module.BLOCK, module.BLOCK + 1, 2 * module.BLOCK + 77])
def test_the_pair_is_the_one_that_comparing_all_would_find(n: int) -> None:
    vectors = torch.nn.functional.normalize(torch.randn(n, 12, generator=torch.manual_seed(n)))
    cosines = vectors @ vectors.T - 9 * torch.eye(n)
    first, second, cosine = closest(vectors)
    assert first < second
    assert cosine == pytest.approx(float(cosines.max()), abs=1e-6)
    assert float(cosines[first, second]) == pytest.approx(cosine, abs=1e-6)


def examples(*texts: str) -> Examples:
    def table(some: tuple[str, ...]) -> pa.Table:
        return pa.table({"anchor": list(some), "positive": list(some)})

    corpus = pa.table({"id": ["d0"], "text": [texts[0]], "group": [""]})
    none = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())})
    pairs = pa.table({"query": pa.array([], pa.string()), "doc": pa.array([], pa.string())})
    return Examples("pair", table(texts), table(texts[:1]), table(texts[1:]), corpus, none, pairs)


def test_texts_that_a_reader_cannot_tell_apart_count_once() -> None:
    assert sentences(examples("My lamp is gone", "my lamp  is gone ", "another")) == [
        "My lamp is gone",
        "another",
    ]


def test_vectors_come_back_in_the_order_of_the_texts(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    texts = ["a", "a much longer sentence about lamps", "two words", "the printer is on fire again"]
    said: list[float] = []
    vectors = embed(model, texts, lambda share, words: said.append(share))
    wanted = model.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(vectors.cpu().numpy(), wanted, atol=1e-5)
    assert said[-1] == 1.0


def test_what_does_not_fit_the_time_is_left_out(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    texts = [f"sentence number {number}" for number in range(300)]
    assert sorted(fitting(model, texts, 1e6)) == sorted(texts)
    assert len(fitting(model, texts, 0.0)) == 2


def test_pairs_are_as_long_as_the_models_tokenizer_says(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    assert set(pair_lengths(model, ["the printer", "the printer"])) == {2 + 2 + 3}
    assert set(pair_lengths(model, ["lamp " * 400])) == {512}  # as much as BERT reads


def test_passes_are_counted_and_timed(tmp_path: Path) -> None:
    config = AutoConfig.for_model("bert", **BERT, num_labels=1)
    network = AutoModelForSequenceClassification.from_config(config)
    rate = passes(network, [5, 9, 30, 7] * 10, config.vocab_size, quiet)
    assert rate.passes == 40 and rate.tokens == pytest.approx(12.75)
    assert rate.json["per_second"] == pytest.approx(40 / rate.seconds)


def test_other_work_on_the_machine_makes_passes_no_slower(tmp_path: Path) -> None:
    config = AutoConfig.for_model("bert", **BERT, num_labels=1)
    network = AutoModelForSequenceClassification.from_config(config)

    def slow(share: float, words: str) -> None:
        time.sleep(0.2)  # the process waits, as it would for a core

    assert passes(network, [8] * 48, config.vocab_size, slow).seconds < 0.5


def test_a_models_own_transformer_is_timed_where_it_has_one(tmp_path: Path) -> None:
    assert own_network(tiny_model(tmp_path)).config.hidden_size == 32
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    static = SentenceTransformer(
        modules=[StaticEmbedding(tiny_model(tmp_path / "b").tokenizer, embedding_dim=8)]
    )
    assert own_network(static) is None
    assert set(pair_lengths(static, ["the printer"])) == {7}


@pytest.mark.slow
def test_a_run_finds_its_pair_and_times_real_passes(training: Training) -> None:
    *signs, found = looked(training.run("pair"))
    assert isinstance(found, dict)
    assert {sign.words for sign in signs if isinstance(sign, Sign)} >= {
        "Timing 256 cross-encoder passes"
    }
    n = found["n"]
    assert found["pairs"] == n * (n - 1) // 2 and n <= found["known"]
    assert found["pair"][0] != found["pair"][1] and 0.5 < found["cosine"] <= 1.0001
    assert found["bert"]["passes"] >= 48
    assert found["own"]["per_second"] > found["bert"]["per_second"] > 0
