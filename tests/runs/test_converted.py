"""A run from a model as its authors left it: pickles that the Hub converted, pieces for words."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.conversion import BOT
from ststudio.data.doctor import diagnose
from ststudio.data.sources import open_source
from ststudio.hub.card import card
from ststudio.runs.admission import start_run
from ststudio.runs.model_facts import diagnosis_json
from ststudio.tabs.verdict import base_words
from tests.conftest import Training, wait
from tests.hub.server import Hub
from tests.pieces import deberta_files, deberta_weights

SOURCE = {"kind": "builtin", "id": "sample-pair"}
NAME = "microsoft/deberta-v3-small"


@pytest.mark.slow
def test_deberta_is_converted_counted_trained_saved_and_loaded(
    training: Training, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        commit = hub.add_repo("model", NAME, deberta_files())
        whole = {"model.safetensors": deberta_weights(tmp_path)}
        pull = hub.add_pull_request(NAME, whole, BOT)

        seen = diagnosis_json(diagnose(open_source(SOURCE)), NAME)
        assert seen["lengths"]["limit"] == 128
        assert all(role["quantiles"]["50"] > 3 for role in seen["lengths"]["roles"].values())

        recipe = {"source": SOURCE, "base_model": NAME, "max_steps": 2, "max_seconds": 10}
        run = wait(start_run(recipe)[0])
        assert run.state["state"] == "finished", run.state
    pinned = {"id": NAME, "revision": commit, "weights_revision": pull}
    assert run.recipe["base_model"] == pinned
    assert run.facts["base_model"] == {**pinned, "origin": "hub"}
    for text in (base_words(run), card(run)):
        assert f"as the Hub converted them at {pull[:7]}" in text
    model = SentenceTransformer(str(run.model_dir), device="cpu")
    assert model[1].pooling_mode == "mean"
    base = SentenceTransformer(str(run.base_dir), device="cpu")
    texts = ["the printer blinks red", "my badge"]
    assert model.tokenizer(texts)["input_ids"] == base.tokenizer(texts)["input_ids"]
    assert not np.allclose(model.encode(texts), base.encode(texts))
