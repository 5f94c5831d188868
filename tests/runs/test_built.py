"""A run that builds its model: refused before it costs, honest about its base, gone on from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.compare.encoder import get_encoder
from ststudio.errors import StudioError
from ststudio.hub.card import card, metadata
from ststudio.runs.admission import start_run
from ststudio.runs.built import notes
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from ststudio.tabs.verdict import verdict_words
from ststudio.training.recipe import Recipe
from tests.conftest import Training, wait
from tests.hub.server import Hub
from tests.runs.conftest import MODEL
from tests.training.built import KINDS, LENT
from tests.training.test_zero import plain_transformer  # noqa: F401  (a fixture)

SOURCE = {"kind": "builtin", "id": "sample-pair"}
SHORT = {"max_steps": 3, "eval_steps": 3, "max_seconds": 5}


@pytest.fixture(autouse=True)
def queue_closed_in_the_end(training: Training) -> None:
    """Share the queue with the tests that train: it is closed when all are done."""


def ended(**recipe: Any) -> Run:
    run = wait(start_run({"source": SOURCE, **SHORT, **recipe})[0])
    assert run.state["state"] == "finished", run.state
    return run


@pytest.fixture(scope="module")
def static(training: Training) -> Run:
    """Return a run of static embeddings from zero, long enough to learn something."""
    return ended(modules=KINDS["static"], max_steps=60, eval_steps=20, max_seconds=10)


@pytest.mark.slow
def test_a_model_from_zero_learns_and_is_measured_against_itself_before(static: Run) -> None:
    report = static.report
    assert report is not None and report["baseline"] < 0.1  # it knew nothing
    losses = [entry["loss"] for entry in static.log() if "loss" in entry]
    assert losses[-1] < losses[0]
    tuned, base = (
        SentenceTransformer(str(folder), device="cpu")
        for folder in (static.model_dir, static.built_dir)
    )
    assert static.base_dir == static.built_dir
    assert not np.allclose(tuned.encode("printer"), base.encode("printer"))
    vectors = np.load(static.embeddings_dir / "base.npy")
    assert vectors.shape[1] == 16


@pytest.mark.slow
def test_what_the_gain_is_over_stands_beside_it_on_page_and_card(static: Run) -> None:
    for text in (verdict_words(static), card(static)):
        assert "random weights know nothing" in text
        assert "not that it beats" in text
    assert static.facts["base_model"]["origin"] == "zero"
    assert "base_model" not in metadata(static)  # it stems from no model of the Hub
    assert "started from random weights" in card(static)
    assert "language, length limit" not in card(static)


@pytest.mark.slow
def test_both_models_search_what_was_trained_from_zero(static: Run) -> None:
    found = get_encoder().search(static, "the printer blinks", 3)
    assert len(found["base"]) == len(found["tuned"]) == 3
    assert np.isfinite([hit["score"] for hit in found["base"] + found["tuned"]]).all()


@pytest.mark.slow
def test_it_goes_on_from_a_model_that_was_built_from_zero(static: Run) -> None:
    run = ended(base_model=f"run:{static.id}", max_steps=2)
    assert run.report is not None and static.report is not None
    assert run.report["baseline"] == pytest.approx(static.report["score"], abs=1e-3)
    with pytest.raises(StudioError, match="no Transformer whose weights LoRA could adapt"):
        start_run({"source": SOURCE, "base_model": f"run:{static.id}", "lora": {"r": 4}})
    with pytest.raises(StudioError, match="no Transformer whose parts"):
        start_run({"source": SOURCE, "base_model": f"run:{static.id}", "modules": KINDS["static"]})


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(set(KINDS) - {"static"}), *LENT])
def test_every_kind_runs_to_its_report(name: str) -> None:
    run = ended(modules={**KINDS, **LENT}[name])
    assert run.has_model and run.report is not None
    found = get_encoder().search(run, "the printer blinks", 3)
    assert len(found["base"]) == len(found["tuned"]) == 3
    again = ended(base_model=f"run:{run.id}", max_steps=1)
    assert again.has_model


@pytest.mark.slow
def test_lora_runs_to_a_model_without_adapters(training: Training) -> None:
    run = ended(lora={"r": 4})
    assert run.recipe["learning_rate"] == pytest.approx(1e-3)
    assert not list(run.model_dir.rglob("adapter*"))
    assert any("LoRA of rank 4" in note for note in run.facts["notes"])
    plain = training.run("pair").report
    assert run.report is not None and plain is not None
    assert run.report["baseline"] == pytest.approx(plain["baseline"], abs=0.05)


@pytest.mark.slow
def test_a_plain_transformer_of_the_hub_is_trained_with_mean_pooling_or_another(
    plain_transformer: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Hub() as hub:
        hub.add_repo("model", "google-bert/bert-base-uncased", plain_transformer)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        plain = ended(base_model="google-bert/bert-base-uncased")
        model = SentenceTransformer(str(plain.model_dir), device="cpu")
        assert model[1].pooling_mode == "mean"
        named = {"type": "Transformer", "id": "google-bert/bert-base-uncased"}
        run = ended(modules=[named, {"type": "Pooling", "mode": "max"}])
        assert run.recipe["base_model"]["id"] == "google-bert/bert-base-uncased"
        model = SentenceTransformer(str(run.model_dir), device="cpu")
        assert model[1].pooling_mode == "max"
        assert metadata(run)["base_model"] == "google-bert/bert-base-uncased"


@pytest.mark.slow
def test_from_zero_only_the_tokenizer_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        name: (MODEL / name).read_bytes()
        for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "modules.json")
    }
    files["1_Pooling/config.json"] = (MODEL / "1_Pooling" / "config.json").read_bytes()
    files["model.safetensors"] = b"weights that nobody reads"
    with Hub() as hub:
        hub.add_repo("model", "alice/words", files)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        run = ended(base_model="alice/words", modules=KINDS["transformer"])
        assert run.has_model
        facts = [finding["code"] for finding in run.facts["findings"]]
        assert "too_long" not in facts


def test_what_cannot_be_built_makes_no_run() -> None:
    before = len(list(get_queue().store))
    for asked, said in (
        ({"modules": [{"type": "Transformer"}]}, "Put Pooling behind"),
        ({"modules": KINDS["words"], "max_seq_length": 64}, "counts all words"),
        ({"modules": KINDS["static"], "lora": {"r": 4}}, "starts from random weights"),
    ):
        with pytest.raises(StudioError, match=said):
            start_run({"source": SOURCE, **asked})
    assert len(list(get_queue().store)) == before


def test_an_earlier_run_s_id_is_not_told_by_the_notes() -> None:
    name = f"run:{'0' * 32}"
    recipe = Recipe.from_json(
        {"source": SOURCE, "base_model": name, "modules": LENT["other pooling"]}
    )
    said = " ".join(notes(recipe, {"id": name, "origin": "run"}))
    assert "an earlier run's model" in said and name not in said
