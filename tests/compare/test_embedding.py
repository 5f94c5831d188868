"""Embedding a corpus as a job: real tiny models in a real process."""

import time
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.child import Child
from ststudio.compare.corpora import KeptCorpus, keep_corpus
from ststudio.compare.embed import BLOCK
from ststudio.compare.embedding import Embedder, Job, _message
from ststudio.compare.encoder import Encoder
from ststudio.compare.scope import _kept
from ststudio.compare.sides import Side
from ststudio.errors import StudioError
from tests.training.tiny import tiny_model

WORDS = ("printer", "train", "bread", "invoice", "lamp", "door", "paper", "soup")


def texts(count: int, salt: str) -> list[str]:
    """Return texts of very different lengths, the long ones among the short ones."""
    return [
        f"{salt} {n}: " + " ".join(WORDS[(n + k) % 8] for k in range(1 + n * 7 % 23))
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Side:
    folder = tmp_path_factory.mktemp("model")
    tiny_model(folder / "made").save_pretrained(str(folder / "model"), create_model_card=False)
    return Side("Tiny", folder / "model", "ask: ", "read: ")


@pytest.fixture
def embedder(tmp_path: Path) -> Embedder:
    return Embedder(tmp_path)


def ended(embedder: Embedder, corpus: KeptCorpus, side: Side) -> dict[str, object]:
    deadline = time.monotonic() + 120
    while (state := embedder.state(corpus, [side]))["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


def expected(side: Side, corpus: list[str]) -> np.ndarray:
    model = SentenceTransformer(str(side.model), device="cpu")
    return model.encode(corpus, prompt=side.document, normalize_embeddings=True)


@pytest.mark.slow
def test_two_models_come_forward_together_and_the_same_texts_are_embedded_once(
    embedder: Embedder, side: Side, tmp_path: Path
) -> None:
    tiny_model(tmp_path / "made", kind="mpnet").save_pretrained(str(tmp_path / "other"))
    other = Side("Other", tmp_path / "other", max_seq_length=8)
    given = texts(2 * BLOCK + 50, "two")
    corpus, seen = keep_corpus(given), set()
    none = {"state": "none", "done": 0, "total": len(given), "reason": None}
    assert embedder.state(corpus, [side, other]) == none
    embedder.start(corpus, [side, other])
    deadline = time.monotonic() + 120
    while (state := embedder.state(corpus, [side, other]))["state"] != "finished":
        assert state["state"] in ("waiting", "running") and time.monotonic() < deadline, state
        seen.add((corpus.done(side), corpus.done(other)))
        time.sleep(0.01)
    assert all(abs(left - right) <= BLOCK for left, right in seen)

    model = SentenceTransformer(str(other.model), device="cpu")
    model.max_seq_length = 8
    wanted = model.encode(given, normalize_embeddings=True)
    assert np.allclose(np.load(corpus.vectors_file(other)), wanted, atol=1e-5)
    assert np.allclose(np.load(corpus.vectors_file(side)), expected(side, given), atol=1e-5)

    after_a_restart = Embedder()
    after_a_restart.start(keep_corpus(given), [side, other])
    assert after_a_restart.state(corpus, [side, other])["state"] == "finished"
    assert not after_a_restart._jobs


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_embedded_which_is_searched_and_gone_on_from(
    embedder: Embedder, encoder: Encoder, side: Side, tmp_path: Path
) -> None:
    given = texts(8 * BLOCK, "killed")
    corpus = keep_corpus(given)
    child = Child("embed", tmp_path)
    child.send(_message(Job(corpus, (side,))))
    while corpus.done(side) < BLOCK:
        time.sleep(0.01)
    child.kill()
    done = corpus.done(side)
    assert BLOCK <= done < len(given)
    assert np.load(corpus.vectors_file(side)).shape == (len(given), 32)

    view = {
        "texts": str(corpus.texts_file),
        "queries": None,
        "sides": [_kept(corpus, side)] * 2,
        "filters": {},
    }
    found = encoder.search(None, "printer bread", 5, view)  # type: ignore[arg-type]
    model = SentenceTransformer(str(side.model), device="cpu")
    query = model.encode("ask: printer bread", normalize_embeddings=True)
    wanted = expected(side, given[:done]) @ query
    assert found["searched"] == done and found["texts"] == len(given)
    assert [hit["score"] for hit in found["base"]] == pytest.approx(
        np.sort(wanted)[::-1][:5], abs=1e-5
    )
    assert all(hit["text"] in given[:done] for hit in found["tuned"])
    assert {hit["relevant"] for hit in found["base"]} == {None}

    first = np.load(corpus.vectors_file(side))[:done].copy()
    embedder.start(corpus, [side])
    assert ended(embedder, corpus, side)["state"] == "finished"
    vectors = np.load(corpus.vectors_file(side))
    assert (vectors[:done] == first).all()  # not embedded again
    assert np.allclose(vectors, expected(side, given), atol=1e-5)
    view["sides"] = [_kept(corpus, side)] * 2
    whole = encoder.search(None, "printer bread", 5, view)  # type: ignore[arg-type]
    assert set(whole) == {"base", "tuned"}


def test_a_job_is_cancelled_and_what_it_did_is_kept(embedder: Embedder, side: Side) -> None:
    corpus = keep_corpus(texts(60 * BLOCK, "cancelled"))
    waits = keep_corpus(texts(9, "waits"))
    embedder.start(corpus, [side])
    embedder.start(waits, [side])
    assert embedder.state(waits, [side])["state"] == "waiting"
    embedder.stop(waits, [side])
    assert embedder.state(waits, [side])["state"] == "stopped"
    while corpus.done(side) == 0:
        time.sleep(0.01)
    embedder.stop(corpus, [side])
    state = ended(embedder, corpus, side)
    assert state["state"] == "stopped" and 0 < int(str(state["done"])) < 60 * BLOCK
    assert waits.done(side) == 0


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_told_and_the_next_job_comes_to_its_turn(
    embedder: Embedder, side: Side, tmp_path: Path
) -> None:
    corpus, broken = keep_corpus(texts(5, "broken")), Side("Broken", tmp_path / "nothing")
    embedder.start(corpus, [broken])
    embedder.start(corpus, [side])
    state = ended(embedder, corpus, broken)
    assert state["state"] == "failed" and "Start it again" in str(state["reason"])
    assert ended(embedder, corpus, side)["state"] == "finished"


def test_too_many_jobs_are_refused(embedder: Embedder, side: Side) -> None:
    with pytest.raises(StudioError, match="wait to be embedded"):
        for number in range(20):
            embedder.start(keep_corpus(texts(3 * BLOCK, f"many {number}")), [side])
    for job in list(embedder._jobs.values()):
        embedder.stop(job.corpus, job.sides)


def test_vectors_of_other_prompts_lengths_or_files_are_other_vectors(side: Side) -> None:
    kin = [
        side,
        Side("Other words", side.model, "ask: ", "text: "),
        Side("Shorter", side.model, "ask: ", "read: ", 16),
        Side("Another", side.model.parent / "made", "ask: ", "read: "),
    ]
    assert len({each.key for each in kin}) == 4
    assert Side("Renamed", side.model, "another question: ", "read: ").key == side.key
