"""Who stands left and right: a run's own models, another run's, or one of the Hub."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ststudio.compare.corpora import own_corpus
from ststudio.compare.embedding import Embedder
from ststudio.compare.encoder import Encoder
from ststudio.compare.scope import Scope, compared, embedding, view
from ststudio.compare.sides import find_side, own_sides
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from tests.compare.conftest import BASE_MODEL, QUERY, ComparedRun
from tests.compare.test_embedding import ended
from tests.hub.server import Hub
from tests.training.tiny import tiny_model


def stored(compared_run: ComparedRun, title: str, **recipe: object) -> Run:
    """Put a run where the app looks for runs."""
    run, _ = get_store().create(recipe, {"title": title})
    shutil.copytree(compared_run.path, run.path, dirs_exist_ok=True)
    run.write_base(BASE_MODEL)
    return run


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest) -> Run:
    return stored(request.getfixturevalue("compared"), "desk", max_seq_length=64)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    model = tiny_model(tmp_path / "made")
    model.prompts = {"query": "ask: ", "passage": "read: "}
    model.save_pretrained(str(tmp_path / "model"), create_model_card=False)
    with Hub() as hub:
        hub.add_repo("model", "ada/tiny-prompted", tmp_path / "model")
        family = tmp_path / "model" / "config_sentence_transformers.json"
        family.write_text(json.dumps(json.loads(family.read_text()) | {"prompts": {}}))
        hub.add_repo("model", "intfloat/e5-small", tmp_path / "model")
        hub.add_user("bob", "hf_bob")
        hub.add_repo("model", "bob/private", tmp_path / "model", private=True)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_a_runs_two_models_read_texts_as_they_were_measured(run: Run) -> None:
    sides = own_sides(run)
    assert [side.title for side in sides.values()] == ["Base", "Fine-tuned"]
    for side in sides.values():
        assert (side.query, side.document, side.max_seq_length) == ("question: ", "", 64)
    assert sides["base"].model == BASE_MODEL and sides["base"].is_base


def test_another_runs_model_is_found_by_its_id(run: Run, compared: ComparedRun) -> None:
    other = stored(compared, "other")
    side = find_side(run, f"run:{other.id}")
    assert side.model == other.model_dir and side.title == f"other, run {other.id[:6]}"
    assert side.query == "question: " and side.vectors is None


def test_a_model_of_the_hub_is_fetched_and_reads_as_its_own_files_say(run: Run, hub: Hub) -> None:
    side = find_side(run, " ada/tiny-prompted ")
    assert (side.query, side.document) == ("ask: ", "read: ")
    assert (side.model / "model.safetensors").is_file()
    asked = len(hub.requests)
    assert find_side(run, "ada/tiny-prompted") == side
    assert len(hub.requests) - asked <= 3  # none, unless a minute has just passed


def test_a_model_whose_files_say_nothing_reads_as_its_family_was_trained(
    run: Run, hub: Hub
) -> None:
    side = find_side(run, "intfloat/e5-small")
    assert (side.query, side.document) == ("query: ", "passage: ")


def test_a_private_model_is_only_for_whom_the_hub_lets_in(run: Run, hub: Hub) -> None:
    assert find_side(run, "bob/private", "hf_bob").title == "bob/private"
    with pytest.raises(StudioError, match="bob/private"):
        find_side(run, "bob/private")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (None, "base, tuned, run:<id>"),
        ("", "base, tuned, run:<id>"),
        ("run:../..", "32 hexadecimal"),
        ("run:" + "0" * 32, "There is no run"),
        ("../../etc", "etc"),
    ],
)
def test_what_is_no_model_is_refused(run: Run, name: object, says: str) -> None:
    with pytest.raises(StudioError, match=says):
        find_side(run, name)


@pytest.mark.slow
def test_another_model_searches_a_runs_own_texts_once_it_has_embedded_them(
    run: Run, encoder: Encoder, tmp_path: Path, hub: Hub
) -> None:
    scope = Scope(left="tuned", right="ada/tiny-prompted")
    with pytest.raises(StudioError, match="embedded none of these 120 texts"):
        view(run, scope)
    corpus, sides = compared(run, scope)
    assert corpus == own_corpus(run.embeddings_dir / "points.parquet")
    assert embedding(scope, sides) == [sides[1]]  # a run has embedded its own
    embedder = Embedder(tmp_path)
    embedder.start(corpus, [sides[1]])
    assert ended(embedder, corpus, sides[1])["state"] == "finished"
    found = encoder.search(run, QUERY, 100, view(run, scope))
    own = encoder.search(run, QUERY, 100)
    assert found["base"] == [
        {name: value for name, value in hit.items() if name != "base_rank"} for hit in own["tuned"]
    ]
    assert {hit["id"] for hit in found["tuned"] if hit["relevant"]} <= {f"c{n}" for n in range(20)}
    model = tiny_model(tmp_path / "made")
    query = model.encode(f"ask: {QUERY}", normalize_embeddings=True)
    documents = model.encode(
        [f"read: {hit['text']}" for hit in found["tuned"][:5]], normalize_embeddings=True
    )
    assert [hit["score"] for hit in found["tuned"][:5]] == pytest.approx(
        list(np.asarray(documents) @ query), abs=1e-5
    )
