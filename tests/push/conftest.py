"""A loopback Hub with people of all kinds, and runs that have a real model to push."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ststudio.compare.encoder import get_encoder
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.settings import get_settings
from ststudio.shelf import packaged_model
from tests.hub.server import Hub

MakeRun = Callable[..., Run]

ALICE, BOB = "hf_aliceAliceAlice", "hf_bobBobBob"
READER, EXPIRED = "hf_readerReader", "hf_expiredExpired"
FINE = "hf_fineFineFine"

RECIPE = {
    "source": {"kind": "hub", "id": "acme/tickets", "subset": None, "revision": "a" * 40},
    "case": "pair",
    "columns": {"anchor": "ticket", "positive": "reply"},
    "fixes": [],
    "base_model": {"id": "sentence-transformers/all-MiniLM-L6-v2", "revision": "c" * 40},
    "loss": "MultipleNegativesRankingLoss",
    "loss_settings": {},
    "prompts": None,
    "learning_rate": 5e-05,
    "seed": 42,
}
FACTS = {
    "title": "Help desk · tickets and their replies",
    "case": "pair",
    "loss": "MultipleNegativesRankingLoss",
    "base_model": {**RECIPE["base_model"], "origin": "packaged"},  # type: ignore[dict-item]
    "source": RECIPE["source"],
    "licence": "MIT",
    "counts": {"train": 400, "dev": 50, "test": 150, "corpus": 220},
    "dropped": {"leak": 3, "duplicate": 0},
    "notes": ["Searched within 220 documents."],
    "preview": [{"anchor": f"secret row {n}", "positive": "x" * 5_000} for n in range(9)],
}
REPORT = {
    "metric": "cosine_ndcg@10",
    "n": 150,
    "baseline": 0.612,
    "score": 0.742,
    "delta": 0.13,
    "interval": [0.08, 0.18],
    "verdict": "WIN",
    "metrics": {"cosine_ndcg@10": [0.612, 0.742], "cosine_mrr@10": [0.55, float("nan")]},
    "rows_used": 400,
    "train_seconds": 31.0,
    "seconds": 50.0,
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub that the app finds, and a folder of the test's own."""
    with Hub() as hub:
        hub.add_user("alice", ALICE, orgs={"acme": "write", "lookers": "read"})
        hub.add_user("alice", READER, role="read")
        hub.add_user("alice", EXPIRED, expired=True)
        hub.add_user("alice", FINE, role="fineGrained", orgs={"acme": "admin"}, writes=("acme",))
        hub.add_user("bob", BOB)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("STSTUDIO_DATA", str(tmp_path / "studio"))
        monkeypatch.setenv("STSTUDIO_HUB_SECONDS", "2")
        get_settings.cache_clear()
        yield hub


@pytest.fixture(scope="session")
def whole_model() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2."""
    folder = packaged_model()
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def tiny_model(whole_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real model whose weights are few and random."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    bare, folder = tmp_path_factory.mktemp("bare"), tmp_path_factory.mktemp("models") / "tiny"
    size = {"hidden_size": 16, "intermediate_size": 16}
    layers = {"num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**size, **layers)).save_pretrained(bare)
    AutoTokenizer.from_pretrained(whole_model).save_pretrained(bare)
    model = SentenceTransformer(modules=[Transformer(str(bare)), Pooling(16)])
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Lay out a finished run as training does."""

    def make(model: Path, state: str = "finished", report: Any = REPORT, **facts: Any) -> Run:
        store = RunStore(tmp_path / "studio" / "runs")
        recipe = facts.pop("recipe", RECIPE)
        run, _ = store.create(recipe, {**FACTS, **facts})
        shutil.copytree(model, run.model_dir)
        run.embeddings_dir.mkdir()
        (run.embeddings_dir / "tuned.npy").touch()
        if report is not None:
            run.write("report", report)
        run.update(state=state)
        return run

    return make


@pytest.fixture
def make_bare(tmp_path: Path) -> Any:
    """A run's directory without a model, which a card needs nothing of."""

    def make(facts: dict[str, Any], recipe: Any = RECIPE, report: Any = REPORT) -> Run:
        run, _ = RunStore(tmp_path).create(recipe, facts)
        if report is not None:
            run.write("report", report)
        return run

    return make


@pytest.fixture
def run(make_run: MakeRun, tiny_model: Path) -> Run:
    """A run whose model is small."""
    return make_run(tiny_model)


@pytest.fixture(autouse=True, scope="session")
def encoder() -> Iterator[None]:
    """End the encoder when the tests are over."""
    yield
    get_encoder().close()
