"""Reranking by a real cross-encoder in its own process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file
from sentence_transformers import CrossEncoder

from ststudio.compare.encoder import get_encoder
from ststudio.compare.reranking import Reranker, clean_hits, rerank
from ststudio.errors import StudioError
from tests.compare.conftest import QUERY, ComparedRun
from tests.crossed import cross_encoder


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield cross_encoder(tmp_path_factory.mktemp("crossed") / "model")
    get_encoder().close()


@pytest.mark.slow
def test_the_best_hits_are_read_again_in_the_order_of_their_scores(
    compared: ComparedRun, crossed: Path
) -> None:
    found = rerank(compared, QUERY, crossed, 12)
    hits = found["hits"]
    assert [hit["rank"] for hit in hits] == list(range(1, 13))
    assert sorted(hit["tuned_rank"] for hit in hits) == list(range(1, 13))
    assert any(hit["rank"] != hit["tuned_rank"] for hit in hits)
    own = CrossEncoder(str(crossed), device="cpu").predict([(QUERY, hit["text"]) for hit in hits])
    assert [hit["score"] for hit in hits] == pytest.approx(own.tolist(), abs=1e-5)
    assert list(own) == sorted(own, reverse=True)
    cost = found["cost"]
    assert cost["pairs"] == 12 and cost["ms_per_pair"] == pytest.approx(cost["ms"] / 12)
    assert cost["corpus"] == 120
    assert cost["corpus_seconds"] == pytest.approx(0.12 * cost["ms_per_pair"])


@pytest.mark.slow
def test_its_process_is_kept_for_the_next_query_and_not_for_ever(crossed: Path) -> None:
    reranker = Reranker(idle_seconds=2.0)
    first = reranker.score(crossed, "lamp", ["a lamp", "a printer"])
    assert reranker.alive
    second = reranker.score(crossed, "lamp", ["a lamp", "a printer"])
    assert second["scores"] == first["scores"]
    assert second["load_seconds"] < first["load_seconds"]
    deadline = time.monotonic() + 30
    while reranker.alive:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert reranker.score(crossed, "lamp", ["a lamp"])["scores"] == pytest.approx(
        first["scores"][:1], abs=1e-5
    )
    reranker.close()


@pytest.mark.slow
def test_scores_that_are_no_numbers_are_refused(crossed: Path, tmp_path: Path) -> None:
    broken = cross_encoder(tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["classifier.bias"] = weights["classifier.bias"] * float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    reranker = Reranker()
    with pytest.raises(StudioError, match="no usable scores"):
        reranker.score(broken, "lamp", ["a lamp"])
    with pytest.raises(StudioError, match="Reranking failed"):
        reranker.score(tmp_path / "gone", "lamp", ["a lamp"])
    reranker.close()


@pytest.mark.parametrize("top_k", [0, 1, 51, 2.5, float("nan"), "20", None, True])
def test_an_odd_number_of_hits_is_refused(top_k: object) -> None:
    with pytest.raises(StudioError, match="from 2 to 50"):
        clean_hits(top_k)
    assert clean_hits(20.0) == 20
