"""The encoder, with real models in a real child process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.compare.encoder import Encoder, clean_query, clean_top_k
from ststudio.compare.maps import Maps
from ststudio.compare.scope import own_view
from ststudio.errors import StudioError
from tests.compare.conftest import BASE_MODEL, OTHER_QUERY, QUERY, ComparedRun

ROOT = Path(__file__).resolve().parents[2]


def child_id(encoder: Encoder) -> int:
    encoder.start()
    assert encoder._child is not None
    return encoder._child.process.pid


@pytest.mark.parametrize("side", ["base", "tuned"])
def test_hits_are_the_best_by_cosine_in_the_whole_corpus(
    encoder: Encoder, compared: ComparedRun, side: str
) -> None:
    folder = {"base": compared.base_dir, "tuned": compared.model_dir}[side]
    model = SentenceTransformer(str(folder), device="cpu")
    corpus = np.load(compared.embeddings_dir / f"{side}.npy")[2:]  # two test texts come first
    # The recipe's prompt, which only the fine-tuned model's files hold, is put before both.
    scores = corpus @ model.encode("question: cheap hotel", normalize_embeddings=True)
    hits = encoder.search(compared, "cheap hotel", 7)[side]
    assert [hit["id"] for hit in hits] == [f"c{row}" for row in np.argsort(-scores)[:7]]
    assert [hit["score"] for hit in hits] == pytest.approx(sorted(scores)[::-1][:7], abs=1e-5)
    assert [hit["rank"] for hit in hits] == list(range(1, 8))


def test_a_tuned_hit_carries_its_rank_under_the_base(
    encoder: Encoder, compared: ComparedRun
) -> None:
    found = encoder.search(compared, "cheap hotel", 100)
    whole = {hit["id"]: hit["rank"] for hit in found["base"]}
    assert len(found["tuned"]) == 100
    for hit in found["tuned"]:
        assert hit["base_rank"] == whole.get(hit["id"], hit["base_rank"])
        assert 1 <= hit["base_rank"] <= 120
    assert {hit["base_rank"] for hit in found["tuned"]} - set(range(1, 101))  # beyond what is shown
    assert all("base_rank" not in hit for hit in found["base"])


def test_relevance_is_known_for_test_queries_only(encoder: Encoder, compared: ComparedRun) -> None:
    known = encoder.search(compared, f"  {QUERY} ", 30)
    for hit in known["base"] + known["tuned"]:
        assert hit["relevant"] is (int(hit["id"][1:]) < 20)
    other = encoder.search(compared, OTHER_QUERY, 100)["base"]
    assert [hit["id"] for hit in other if hit["relevant"]] == ["c30"]
    unknown = encoder.search(compared, "paper jams", 5)
    assert {hit["relevant"] for hit in unknown["base"] + unknown["tuned"]} == {None}


def narrowed(encoder: Encoder, run: ComparedRun, query: str, **filters: Any) -> Any:  # noqa: ANN401
    return encoder.search(run, query, 100, {**own_view(run), "filters": filters})


def test_filters_leave_out_hits_and_never_change_a_rank(
    encoder: Encoder, compared: ComparedRun
) -> None:
    whole = encoder.search(compared, QUERY, 100)
    for side in ("base", "tuned"):
        ranks = {hit["id"]: hit["rank"] for hit in whole[side]}
        for filters, passes in (
            ({"contains": "PRINTER"}, lambda hit: "printer" in hit["text"].lower()),
            ({"group": "printer"}, lambda hit: int(hit["id"][1:]) < 30),
            ({"relevant": True}, lambda hit: int(hit["id"][1:]) < 20),
            ({"min_score": 0.3}, lambda hit: hit["score"] >= 0.3),
            ({"contains": "jam", "relevant": True}, lambda hit: int(hit["id"][1:]) < 10),
        ):
            hits = narrowed(encoder, compared, QUERY, **filters)[side]
            assert hits and all(map(passes, hits)), filters
            assert {hit["id"] for hit in whole[side] if passes(hit)} <= {h["id"] for h in hits}
            assert all(ranks.get(hit["id"], hit["rank"]) == hit["rank"] for hit in hits)
            assert [hit["rank"] for hit in hits] == sorted(hit["rank"] for hit in hits)
    nothing = narrowed(encoder, compared, QUERY, contains="no such word")
    assert nothing == {"base": [], "tuned": []}


def test_a_filter_that_nothing_is_known_for_is_told(
    encoder: Encoder, compared: ComparedRun
) -> None:
    with pytest.raises(StudioError, match="held-out queries only"):
        narrowed(encoder, compared, "paper jams", relevant=True)


def test_vectors_are_the_models_own(encoder: Encoder, compared: ComparedRun) -> None:
    model = SentenceTransformer(str(compared.model_dir), device="cpu")
    texts = ["one text", "another, a little longer text"]
    expected = model.encode(texts)
    assert np.allclose(encoder.vectors(compared.model_dir, texts), expected, atol=1e-5)


def test_a_dead_child_is_replaced(encoder: Encoder, compared: ComparedRun) -> None:
    before = encoder.search(compared, QUERY, 3)
    first = child_id(encoder)
    os.kill(first, signal.SIGKILL)
    assert encoder.search(compared, QUERY, 3) == before
    assert child_id(encoder) != first


@pytest.mark.slow
def test_a_child_that_dies_at_work_is_asked_again(encoder: Encoder, compared: ComparedRun) -> None:
    encoder.search(compared, QUERY, 1)
    first = child_id(encoder)
    os.kill(first, signal.SIGSTOP)  # it holds the question and never answers
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(encoder.search, compared, QUERY, 1)
        time.sleep(0.3)
        os.kill(first, signal.SIGKILL)
        assert len(answer.result(timeout=60)["base"]) == 1


def test_threads_get_their_own_answers(encoder: Encoder, compared: ComparedRun) -> None:
    queries = [f"{word} bread" for word in ("red", "old", "green", "small")] * 3
    alone = [encoder.search(compared, query, 3) for query in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: encoder.search(compared, query, 3), queries))
    assert together == alone


def test_two_threads_start_one_child(tmp_path: Path) -> None:
    encoder = Encoder(tmp_path)
    gate = threading.Barrier(4)

    def start(_: int) -> int:
        gate.wait()
        return child_id(encoder)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1
    encoder.close()


def test_a_fault_over_there_is_a_sentence_here(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Comparing failed"):
        encoder.vectors(tmp_path / "nothing", ["text"])


@pytest.mark.parametrize("query", [None, 3, "", " \n ", "x" * 2_001])
def test_a_query_that_is_none_is_refused(query: Any) -> None:  # noqa: ANN401
    with pytest.raises(StudioError, match="query"):
        clean_query(query)


@pytest.mark.parametrize("top_k", [0, 101, -1, 2.5, float("nan"), float("inf"), True, "10", None])
def test_a_top_k_out_of_range_is_refused(top_k: Any) -> None:  # noqa: ANN401
    with pytest.raises(StudioError, match="1 to 100"):
        clean_top_k(top_k)


def test_odd_but_fair_values_pass(encoder: Encoder, compared: ComparedRun) -> None:
    assert clean_top_k(10.0) == 10
    assert clean_query("x" * 2_000) == "x" * 2_000
    assert clean_query(" \ud83d\ude00 \ud800 ") == "😀 \ufffd"
    assert encoder.search(compared, "lone \ud800 surrogate and \x00", 1.0)["base"]


def test_a_run_without_a_model_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    run = ComparedRun(tmp_path)
    with pytest.raises(StudioError, match="no fine-tuned model"):
        encoder.search(run, QUERY)
    with pytest.raises(StudioError, match="no fine-tuned model"):
        encoder.neighbours(run, [0])


def test_vectors_that_are_no_numbers_are_told(
    encoder: Encoder, compared: ComparedRun, tmp_path: Path
) -> None:
    run = ComparedRun(tmp_path / "run")
    shutil.copytree(compared.path, run.path)
    vectors = np.load(run.embeddings_dir / "tuned.npy")
    vectors[5, 7] = np.nan
    np.save(run.embeddings_dir / "tuned.npy", vectors)
    (run.embeddings_dir / "map-pca.json").unlink(missing_ok=True)
    maps = Maps(tmp_path / "home")
    for ask in (lambda: encoder.search(run, QUERY), lambda: maps.layout(run)):
        with pytest.raises(StudioError, match="diverged"):
            ask()


def test_a_changed_model_is_loaded_anew(
    encoder: Encoder, compared: ComparedRun, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BASE_MODEL, folder)
    before = encoder.vectors(folder, ["text"])
    shutil.rmtree(folder)
    shutil.copytree(compared.model_dir, folder)
    os.utime(folder)
    assert not np.allclose(encoder.vectors(folder, ["text"]), before, atol=1e-3)


def test_the_app_imports_no_model_code() -> None:
    code = (
        "import sys, ststudio.compare.encoder, ststudio.compare.figures; "
        "sys.exit(', '.join({'torch', 'sentence_transformers', 'transformers', 'sklearn', 'umap', "
        " 'scipy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
