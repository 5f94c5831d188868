"""The cross-encoder's column, and its endpoint on the served app with the loopback Hub."""

import time
from pathlib import Path
from typing import Any

import pytest
from gradio.exceptions import Error

from ststudio.tabs.reranking import rerank_query, result_html
from ststudio.tabs.scoping import OWN
from ststudio.tabs.session import Session
from tests.crossed import cross_encoder
from tests.hub.server import Hub
from tests.served import App, Refused

HIT = {"id": "d1", "text": "<i>lamp</i>", "relevant": True, "score": 3.2}
FOUND = {
    "model": "cross-encoder/ms-marco-MiniLM-L6-v2@abc1234",
    "hits": [{**HIT, "rank": 1, "tuned_rank": 3}, {**HIT, "rank": 2, "tuned_rank": 1}],
    "cost": {"pairs": 2, "ms": 24.0, "ms_per_pair": 12.0, "corpus": 600, "corpus_seconds": 7.2},
}


def test_the_column_says_what_moved_and_what_it_cost() -> None:
    said = result_html(FOUND)
    assert "▲2" in said and "▼1" in said and "relevant" in said
    assert "12.0 ms a pair" in said and "All 600 texts that were searched would take 7.2 s" in said
    assert "<i>lamp" not in said and "&lt;i&gt;lamp" in said


def test_without_a_run_there_is_nothing_to_rerank() -> None:
    with pytest.raises(Error, match="Fine-tune tab"):
        list(rerank_query(Session(), OWN, "lamp", "a/b", 20))


def test_a_program_can_rerank(
    app: App, served_hub: Hub, served_run: dict[str, Any], tmp_path: Path
) -> None:
    served_hub.add_repo("model", "ada/crossed", cross_encoder(tmp_path / "crossed"))
    asked = {"run": served_run["run"], "query": "my lamp is gone", "model": "ada/crossed"}
    found = app.call("rerank", **asked, top_k=8)
    scores = [hit["score"] for hit in found["hits"]]
    assert len(scores) == 8 and scores == sorted(scores, reverse=True)
    assert found["model"].startswith("ada/crossed@")
    cost = found["cost"]
    assert cost["pairs"] == 8 and cost["corpus"] > 8


def test_it_reads_the_texts_that_were_searched(
    app: App, served_hub: Hub, served_run: dict[str, Any], tmp_path: Path
) -> None:
    served_hub.add_repo("model", "ada/crossed", cross_encoder(tmp_path / "crossed"))
    lines = [f"Shelf {n} holds lamp number {n}" for n in range(12)]
    run, corpus = served_run["run"], app.call("add_corpus", texts=lines)["corpus"]
    scope = {"corpus": corpus, "contains": "holds lamp number 1"}
    state = app.call("embed_corpus", run=run, scope=scope)
    while state["state"] in ("waiting", "running"):
        time.sleep(0.2)
        state = app.call("embedding_state", run=run, scope=scope)
    asked = {"run": run, "query": "my lamp is gone", "model": "ada/crossed", "scope": scope}
    found = app.call("rerank", **asked, top_k=8)
    assert sorted(hit["text"] for hit in found["hits"]) == sorted(
        line for line in lines if "number 1" in line
    )
    assert found["cost"]["corpus"] == 12
    with pytest.raises(Refused, match="No hit is left"):
        app.call("rerank", **{**asked, "scope": {"contains": "a word that no text has"}}, top_k=8)


def test_what_will_not_do_is_explained(app: App, served_run: dict[str, Any]) -> None:
    asked = {"run": served_run["run"], "query": "my lamp is gone"}
    with pytest.raises(Refused, match="no such thing as the model 'ada/nothing'"):
        app.call("rerank", **asked, model="ada/nothing")
    with pytest.raises(Refused, match="from 2 to 50"):
        app.call("rerank", **asked, top_k=500)
