"""A run's points on disk: which of them are searched, and what answers the test queries."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.errors import StudioError

Rows = npt.NDArray[np.intp]


def rows_of(points: pa.Table, kind: str) -> Rows:
    """Return the rows of one kind of points: "test", or "corpus"."""
    return np.flatnonzero(np.asarray(points["kind"].to_pylist(), dtype=object) == kind)


def read_corpus(points_file: Path) -> tuple[pa.Table, Rows]:
    """Return what is searched (id, text, group), and which rows of the run's vectors are its."""
    points = pq.read_table(points_file, columns=["id", "text", "group", "kind"])
    rows = rows_of(points, "corpus")
    if len(rows) == 0:
        raise StudioError("This run has no corpus to search. Train on a dataset with more texts.")
    return points.take(rows).select(["id", "text", "group"]).combine_chunks(), rows


def corpus_texts(points_file: Path) -> list[str]:
    """Return the texts that are searched, in their order."""
    texts: list[str] = read_corpus(points_file)[0]["text"].to_pylist()
    return texts


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


def read_vectors(file: Path) -> npt.NDArray[np.float32]:
    """Return a run's [points, width] vectors, raising StudioError where the model diverged."""
    vectors: npt.NDArray[np.float32] = np.load(file, allow_pickle=False)
    vectors = vectors.astype(np.float32, copy=False)
    if not np.isfinite(vectors).all():
        raise StudioError(
            "The model's vectors are not numbers: it diverged while it trained. "
            "Train again with a lower learning rate."
        )
    return vectors
