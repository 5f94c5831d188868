"""The encoder process: holds a few models and corpora, embeds, ranks exactly."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from sentence_transformers import SentenceTransformer

from ststudio.compare.map_job import MODELS as SIDES
from ststudio.compare.map_job import read_vectors
from ststudio.compare.neighbourhood import neighbours_job, place
from ststudio.errors import StudioError
from ststudio.settings import GB

Scores = npt.NDArray[np.float32]
T = TypeVar("T")

# Two threads embed one short query 13 % faster on idle cores; on busy ones they wait for each
# other: two models' p95 was 423 ms with two threads and 50 ms with one.
torch.set_num_threads(1)

MODEL_BYTES = 2 * GB  # of weights held: over twenty small models, or two of the largest allowed
CORPUS_BYTES = 1 * GB  # of vectors and texts held: two corpora of 100,000 texts


class Memory(Generic[T]):
    """Keep what was loaded from disk, the least recently used out first, by bytes.

    What is gone from the disk, or another than it was, is forgotten at the next call: a deleted
    run is deleted here too.
    """

    def __init__(self, budget: int, load: Callable[..., tuple[T, int]]) -> None:
        self.budget = budget
        self.load = load
        self.kept: OrderedDict[tuple[Path, ...], tuple[tuple[int, ...], T, int]] = OrderedDict()

    def get(self, *paths: Path) -> T:
        """Return what was loaded from these paths, loading it where it is not held."""
        for old in [old for old, (stamp, _, _) in self.kept.items() if stamps(old) != stamp]:
            del self.kept[old]
        if paths not in self.kept:
            self.kept[paths] = (stamps(paths), *self.load(*paths))
        self.kept.move_to_end(paths)
        while len(self.kept) > 1 and sum(size for *_, size in self.kept.values()) > self.budget:
            self.kept.popitem(last=False)
        return self.kept[paths][1]


def stamps(paths: tuple[Path, ...]) -> tuple[int, ...]:
    """Return when each of these last changed, 0 where there is nothing."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@dataclass(frozen=True)
class Corpus:
    """A run's corpus: texts, both models' [texts, width] unit vectors, and what is relevant."""

    ids: list[str]
    texts: list[str]
    base: Scores
    tuned: Scores
    relevant: Mapping[str, frozenset[str]]  # by the text of a test query


def load_model(folder: Path) -> tuple[SentenceTransformer, int]:
    """Load a model from a folder of ours, in float32 on the CPU, and count its bytes."""
    model = SentenceTransformer(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "weights_only": True, "dtype": "float32"},
    )
    model.eval()
    return model, sum(weight.numel() * weight.element_size() for weight in model.parameters())


def load_corpus(points_file: Path, queries_file: Path) -> tuple[Corpus, int]:
    """Read a run's points, keep those of its corpus, and count their bytes."""
    points = pq.read_table(points_file, columns=["id", "text", "kind"])
    rows = np.flatnonzero(np.asarray(points["kind"].to_pylist(), dtype=object) == "corpus")
    if len(rows) == 0:
        raise StudioError("This run has no corpus to search. Train on a dataset with more texts.")
    kept = points.take(rows)
    base, tuned = (
        read_vectors(points_file.with_name(f"{name}.npy"))[rows] for name in ("base", "tuned")
    )
    corpus = Corpus(
        ids=kept["id"].to_pylist(),
        texts=kept["text"].to_pylist(),
        base=base,
        tuned=tuned,
        relevant=load_relevant(queries_file),
    )
    return corpus, base.nbytes + tuned.nbytes + kept.nbytes


def load_relevant(queries_file: Path) -> dict[str, frozenset[str]]:
    """Read which documents are relevant to each test query, by the query's text."""
    queries: pa.Table = pq.read_table(queries_file)
    relevant: pa.Table = pq.read_table(queries_file.with_name("relevant.parquet"))
    documents: dict[str, set[str]] = defaultdict(set)
    for pair in relevant.to_pylist():
        documents[pair["query"]].add(pair["doc"])
    found: dict[str, set[str]] = defaultdict(set)
    for query in queries.to_pylist():
        found[query["text"].strip()] |= documents[query["id"]]
    return {text: frozenset(ids) for text, ids in found.items()}


MODELS = Memory(MODEL_BYTES, load_model)
CORPORA = Memory(CORPUS_BYTES, load_corpus)


def query_vector(model: SentenceTransformer, query: str, prompt: str | None) -> Scores:
    """Embed a query, of unit length; raise StudioError where that gives no numbers."""
    vector = model.encode_query(
        query, prompt=prompt, normalize_embeddings=True, show_progress_bar=False
    )
    if not np.isfinite(vector).all():
        raise StudioError("The model gave no usable vector for this query. Try another wording.")
    return np.asarray(vector, dtype=np.float32)


def query_scores(
    model: SentenceTransformer, query: str, vectors: Scores, prompt: str | None
) -> Scores:
    """Return the cosine of a query with [texts, width] unit vectors."""
    scores: Scores = vectors @ query_vector(model, query, prompt)
    return scores


def best(scores: Scores, count: int) -> npt.NDArray[np.intp]:
    """Return the rows of the best scores, best first, the earlier row first where equal."""
    count = min(count, len(scores))
    last = -np.partition(-scores, count - 1)[count - 1]
    rows = np.flatnonzero(scores >= last)  # a full sort of 100,000 takes fifteen times as long
    return rows[np.argsort(-scores[rows], kind="stable")][:count]


def rank(scores: Scores, row: int) -> int:
    """Return a row's rank among all, from 1, in the order of `best`."""
    better = int(np.count_nonzero(scores > scores[row]))  # JSON knows no NumPy numbers
    return 1 + better + int(np.count_nonzero(scores[:row] == scores[row]))


def hits(
    corpus: Corpus, scores: Scores, order: npt.NDArray[np.intp], query: str
) -> list[dict[str, Any]]:
    """Describe the rows of `order`, the best first."""
    relevant = corpus.relevant.get(query)
    return [
        {
            "rank": place,
            "id": corpus.ids[row],
            "text": corpus.texts[row],
            "score": round(float(scores[row]), 6),
            "relevant": None if relevant is None else corpus.ids[row] in relevant,
        }
        for place, row in enumerate(order, start=1)
    ]


def search_job(message: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rank a run's corpus by both models for one query."""
    points_file = Path(message["embeddings"]) / "points.parquet"
    corpus = CORPORA.get(points_file, Path(message["examples"]) / "queries.parquet")
    query, top_k = message["query"], message["top_k"]
    base, tuned_model = MODELS.get(Path(message["base"])), MODELS.get(Path(message["tuned"]))
    # The run measured both models with the same prompts, its recipe's; the fine-tuned one has them.
    prompt = tuned_model.prompts.get("query")
    before = query_scores(base, query, corpus.base, prompt)
    after = query_scores(tuned_model, query, corpus.tuned, prompt)
    rows = best(after, top_k)
    tuned = [
        {**hit, "base_rank": rank(before, row)}
        for hit, row in zip(hits(corpus, after, rows, query), rows, strict=True)
    ]
    return {"base": hits(corpus, before, best(before, top_k), query), "tuned": tuned}


def place_job(message: dict[str, Any]) -> dict[str, Any]:
    """Find a query's place in a map of both models, embedded as for a search."""
    models = [MODELS.get(Path(message[name])) for name in SIDES]
    prompt = models[-1].prompts.get("query")
    folder, method = Path(message["embeddings"]), message["method"]
    return {
        name: place(folder, method, name, query_vector(model, message["query"], prompt))
        for name, model in zip(SIDES, models, strict=True)
    }


def vectors_job(message: dict[str, Any]) -> list[list[float]]:
    """Embed texts as the model does it by itself: no prompt added, nothing normalised."""
    model = MODELS.get(Path(message["model"]))
    vectors = model.encode(message["texts"], show_progress_bar=False)
    return [[float(number) for number in vector] for vector in vectors]


WORK: dict[str, Callable[[dict[str, Any]], Any]] = {
    "search": search_job,
    "vectors": vectors_job,
    "neighbours": neighbours_job,
    "place": place_job,
}


def encode_job(message: dict[str, Any]) -> Any:  # noqa: ANN401
    """Do what a message asks for."""
    return WORK[message["do"]](message)
