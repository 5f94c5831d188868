"""Cross-encoders from the Hub: found, refused with the reason, fetched, and scoring as they did."""

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import CrossEncoder
from transformers import AutoModel

from ststudio.errors import StudioError
from ststudio.rerankers import DEFAULT_RERANKER, download_reranker, resolve_reranker
from ststudio.settings import get_settings
from tests.crossed import ACTIVATION, change, cross_encoder
from tests.hub.server import Hub
from tests.training.tiny import tiny_model

PAIRS = [("my badge", "The door stays shut"), ("my badge", "Toner is empty"), ("a", "b c d")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cross_encoder(tmp_path_factory.mktemp("crossed") / "plain")


def copied(plain: Path, folder: Path, **values: object) -> Path:
    """Copy a cross-encoder, its configuration changed."""
    folder.mkdir()
    for file in plain.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    change(folder, **values)
    return folder


def fetch(own_hub: Hub, folder: Path, name: str = "alice/crossed") -> Path:
    own_hub.add_repo("model", name, folder)
    return download_reranker(resolve_reranker(name))


def refused(own_hub: Hub, folder: Path, says: str) -> None:
    with pytest.raises(StudioError, match=says) as refusal:
        fetch(own_hub, folder)
    assert DEFAULT_RERANKER in str(refusal.value)
    kept = get_settings().folder / "rerankers" / "alice--crossed"
    assert not kept.is_dir() or not list(kept.iterdir())


def weights_asked_for(own_hub: Hub) -> bool:
    return any(request.path.endswith(".safetensors") for request in own_hub.requests)


def test_it_scores_as_its_authors_have_it(own_hub: Hub, plain: Path) -> None:
    found = CrossEncoder(str(fetch(own_hub, plain)), device="cpu")
    wanted = CrossEncoder(str(plain), device="cpu")
    assert np.ptp(wanted.predict(PAIRS)) > 0.01
    np.testing.assert_allclose(found.predict(PAIRS), wanted.predict(PAIRS), rtol=1e-6)


def test_one_saved_by_sentence_transformers_6_scores_the_same(
    own_hub: Hub, plain: Path, tmp_path: Path
) -> None:
    model = CrossEncoder(str(plain), device="cpu")
    model.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    assert (tmp_path / "saved" / "modules.json").exists()
    folder = fetch(own_hub, tmp_path / "saved")
    assert not (folder / "modules.json").exists()
    found = CrossEncoder(str(folder), device="cpu")
    np.testing.assert_allclose(found.predict(PAIRS), model.predict(PAIRS), rtol=1e-6)


def test_only_what_is_known_is_fetched_and_kept(own_hub: Hub, plain: Path, tmp_path: Path) -> None:
    folder = copied(plain, tmp_path / "more", architectures_note="x", sentence_transformers=None)
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    kept = fetch(own_hub, folder)
    names = {path.name for path in kept.iterdir()}
    assert not names & {"modeling.py", "pytorch_model.bin", "README.md"}
    told = json.loads((kept / "config.json").read_text())
    assert told["id2label"] == {"0": "LABEL_0"} and "architectures_note" not in told
    count = len(own_hub.requests)
    assert download_reranker(resolve_reranker("alice/crossed")) == kept  # fetched once
    assert not any(r.path.endswith(".safetensors") for r in own_hub.requests[count:])


def test_a_function_that_is_no_activation_is_never_called(
    own_hub: Hub, plain: Path, tmp_path: Path
) -> None:
    asked = {"activation_fn": "torch.hub.list"}
    kept = fetch(own_hub, copied(plain, tmp_path / "bad", sentence_transformers=asked))
    assert "sentence_transformers" not in json.loads((kept / "config.json").read_text())
    own = json.loads((fetch(own_hub, plain, "alice/good") / "config.json").read_text())
    assert own["sentence_transformers"] == {"activation_fn": ACTIVATION}


def test_several_classes_are_refused_before_anything_is_fetched(
    own_hub: Hub, plain: Path, tmp_path: Path
) -> None:
    names = {"0": "contradiction", "1": "entailment", "2": "neutral"}
    refused(own_hub, copied(plain, tmp_path / "nli", id2label=names), "3 classes .contradiction")
    assert not weights_asked_for(own_hub)


def test_what_says_nothing_of_its_classes_has_two(
    own_hub: Hub, plain: Path, tmp_path: Path
) -> None:
    refused(own_hub, copied(plain, tmp_path / "two", id2label=None, label2id=None), "2 classes")


def test_a_model_without_a_head_is_refused(own_hub: Hub, plain: Path, tmp_path: Path) -> None:
    bare = copied(plain, tmp_path / "bare", architectures=["BertModel"])
    refused(own_hub, bare, "names BertModel")
    assert not weights_asked_for(own_hub)


def test_a_sentence_transformer_is_refused(own_hub: Hub, tmp_path: Path) -> None:
    tiny_model(tmp_path / "parts").save_pretrained(str(tmp_path / "st"), create_model_card=False)
    refused(own_hub, tmp_path / "st", "embeds texts one by one")


def test_a_head_that_is_only_claimed_is_refused(own_hub: Hub, plain: Path, tmp_path: Path) -> None:
    """The library would make one up at random, and say so in its log only."""
    folder = copied(plain, tmp_path / "headless")
    AutoModel.from_pretrained(plain).save_pretrained(tmp_path / "body")
    weights = (tmp_path / "body" / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights)
    refused(own_hub, folder, "no head that gives one score is among its weights")


def test_a_head_of_three_scores_that_claims_one_is_refused(
    own_hub: Hub, plain: Path, tmp_path: Path
) -> None:
    three = cross_encoder(tmp_path / "three", labels=3)
    change(three, id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0})
    refused(own_hub, three, "no head that gives one score")


def test_code_and_pickles_are_refused(own_hub: Hub, plain: Path, tmp_path: Path) -> None:
    coded = copied(plain, tmp_path / "coded", auto_map={"AutoModel": "modeling.Model"})
    own_hub.add_repo("model", "alice/coded", coded)
    with pytest.raises(StudioError, match="can run code"):
        resolve_reranker("alice/coded")
    pickled = copied(plain, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    own_hub.add_repo("model", "alice/pickled", pickled)
    with pytest.raises(StudioError, match="pickles"):
        resolve_reranker("alice/pickled")


def test_without_the_hub_what_was_fetched_before_serves(
    own_hub: Hub, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fetch(own_hub, plain)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert download_reranker(resolve_reranker("alice/crossed")) == kept
    with pytest.raises(StudioError, match="comes from the Hub.*search itself needs no"):
        resolve_reranker(DEFAULT_RERANKER)


def test_what_is_no_id_is_refused(own_hub: Hub) -> None:
    for name in ("../etc", "/tmp/model", "", None):
        with pytest.raises(StudioError, match="not the id of a model"):
            resolve_reranker(name)
