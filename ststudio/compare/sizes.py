"""How small vectors may be: dimensions, precision, quality, latency and bytes, side by side."""

import os
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from ststudio.compare.points import read_vectors
from ststudio.compare.precisions import PRECISIONS, Floats, Index, Rows, search
from ststudio.errors import StudioError
from ststudio.runs.documents import write_json

K = 10  # hits that are looked at
SHARES = (1.0, 0.75, 0.5, 0.25, 0.125)  # of the dimensions, where a run was trained for none
QUERIES = 1_000  # at most
BATCH = 128  # queries whose scores lie in memory at once
SCALED = 100_000  # texts, to which a smaller corpus is filled up to be timed
TIMED, WARM = 15, 3  # queries
MOST_LOSS = 0.02  # nDCG: with few queries a standard error would allow more
MOST_OTHERS = 0.1  # of the ten hits, where nothing is known to be relevant
NICE = 10

MODELS = ("base", "tuned")


def cut(vectors: Floats, dims: int) -> Floats:
    """Keep the first dimensions of unit vectors and make them unit vectors again."""
    kept = vectors[:, :dims]
    norms = np.linalg.norm(kept, axis=1, keepdims=True)
    return np.ascontiguousarray(kept / np.where(norms == 0, 1, norms), dtype=np.float32)


@dataclass(frozen=True)
class Embedded:
    """Queries and corpus as unit vectors of one model, and which rows answer which query."""

    queries: Floats
    corpus: Floats


def gains(found: Rows, relevant: Sequence[frozenset[int]]) -> Floats:
    """Return nDCG of each query's found rows (Järvelin and Kekäläinen 2002), binary relevance."""
    discount = 1 / np.log2(np.arange(2, K + 2))
    values = np.empty(len(found))
    for place, (rows, wanted) in enumerate(zip(found, relevant, strict=True)):
        hits = np.isin(rows, list(wanted))
        values[place] = hits @ discount[: len(hits)] / discount[: len(wanted)].sum()
    return values


def overlaps(found: Rows, full: Rows) -> Floats:
    """Return the share of each query's rows that are among those of the whole vectors."""
    shared = [np.isin(some, whole).mean() for some, whole in zip(found, full, strict=True)]
    return np.asarray(shared)


def sensible(rows: Sequence[dict[str, Any]], who: str, allowed: float) -> int:
    """Return which row is the smallest that loses at most `allowed` of the first one's quality."""
    least = rows[0]["quality"][who] - allowed
    enough = [place for place, row in enumerate(rows) if row["quality"][who] >= least - 1e-9]
    return min(enough, key=lambda place: (rows[place]["mb"], -rows[place]["quality"][who]))


def milliseconds(index: Index, queries: Floats) -> float:
    """Return the median time of one search by one thread, in milliseconds."""
    taken = []
    with threadpool_limits(1):
        for number in range(WARM + TIMED):
            query = queries[number % len(queries)][None]
            start = time.perf_counter()
            search(index, query, K)
            taken.append(1_000 * (time.perf_counter() - start))
    return float(np.median(taken[WARM:]))


def filled(index: Index, texts: int) -> Index:
    """Return an index filled up with random rows of itself: what they hold changes no time."""
    some = len(index.vectors)
    more = np.random.default_rng(0).integers(0, some, max(0, texts - some))
    larger = copy(index)
    larger.vectors = np.concatenate([index.vectors, index.vectors[more]])
    return larger


@dataclass(frozen=True)
class Kept:
    """What a run kept: both models' vectors, and what answers which query where that is known."""

    models: dict[str, Embedded]
    relevant: list[frozenset[int]] | None
    of: int  # queries there are

    @classmethod
    def read(cls, embeddings: Path, examples: Path) -> "Kept":
        """Read the vectors of test queries and corpus; raise StudioError where one is missing."""
        points = pq.read_table(embeddings / "points.parquet", columns=["id", "text", "kind"])
        kinds = np.asarray(points["kind"].to_pylist(), dtype=object)
        tests, documents = (np.flatnonzero(kinds == kind) for kind in ("test", "corpus"))
        if len(tests) == 0 or len(documents) <= K:
            raise StudioError(
                f"This run has {len(tests):,} test queries and a corpus of {len(documents):,} "
                f"texts; over {K} texts are needed. Train on a dataset with more rows."
            )
        relevant = _relevant(points.take(documents)["id"].to_pylist(), examples)
        texts = points["text"].to_pylist()
        judged = [row for row in tests if relevant.get(texts[row].strip())]
        asked = np.asarray(judged if judged else tests)
        of = len(asked)
        if of > QUERIES:
            asked = np.sort(np.random.default_rng(0).permutation(asked)[:QUERIES])
        models = {}
        for who in MODELS:
            vectors = read_vectors(embeddings / f"{who}.npy")
            models[who] = Embedded(vectors[asked], vectors[documents])
        known = [relevant[texts[row].strip()] for row in asked] if judged else None
        return cls(models, known, of)


def _relevant(ids: list[str], examples: Path) -> dict[str, frozenset[int]]:
    """Read which rows of the corpus answer each query, by the query's text."""
    rows = {key: row for row, key in enumerate(ids)}
    queries: pa.Table = pq.read_table(examples / "queries.parquet")
    texts = {query["id"]: query["text"].strip() for query in queries.to_pylist()}
    found: dict[str, set[int]] = {}
    for pair in pq.read_table(examples / "relevant.parquet").to_pylist():
        if pair["doc"] in rows and pair["query"] in texts:
            found.setdefault(texts[pair["query"]], set()).add(rows[pair["doc"]])
    return {text: frozenset(some) for text, some in found.items()}


def dimensions(width: int, trained: Sequence[int] | None) -> list[int]:
    """Return the dimensions to cut to, the whole vector first."""
    if trained:
        return sorted({width, *(dim for dim in trained if dim < width)}, reverse=True)
    return sorted({max(1, int(width * share)) for share in SHARES}, reverse=True)


def _found(model: Embedded, dims: int, precision: str) -> tuple[Index, Floats, Rows]:
    """Search a model's corpus at one size; return the index, the queries and what was found."""
    queries = cut(model.queries, dims)
    index = PRECISIONS[precision](cut(model.corpus, dims))
    parts = [search(index, queries[at : at + BATCH], K) for at in range(0, len(queries), BATCH)]
    return index, queries, np.concatenate(parts)


def measure(
    kept: Kept, trained: Sequence[int] | None, tell: Callable[[float, str], None]
) -> dict[str, Any]:
    """Measure every size of both models' vectors; the first row is the whole one in float32."""
    width = kept.models["tuned"].corpus.shape[1]
    sizes = [(dims, name) for dims in dimensions(width, trained) for name in PRECISIONS]
    values: dict[str, Floats] = {}
    full: dict[str, Rows] = {}
    rows: list[dict[str, Any]] = []
    for place, (dims, name) in enumerate(sizes):
        tell(place / len(sizes), f"{name} of {dims:,} dimensions")
        quality = {}
        for who, model in kept.models.items():
            index, queries, found = _found(model, dims, name)
            full.setdefault(who, found)
            judged = gains(found, kept.relevant) if kept.relevant else overlaps(found, full[who])
            values.setdefault(who, judged)
            quality[who] = float(judged.mean())
        row = {"dims": dims, "precision": name, "mb": PRECISIONS[name].bytes(dims)}
        row |= {"quality": quality, "ms": milliseconds(index, queries)}  # of the last, fine-tuned
        small = len(index.vectors) < SCALED
        scaled = milliseconds(filled(index, SCALED), queries) if small else None
        rows.append(row | {"ms_scaled": scaled})
    return {"rows": rows, **_facts(kept, values, rows), "trained": list(trained or [])}


def _facts(kept: Kept, values: dict[str, Floats], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say on what was measured, how much may be lost, and which size that makes the sensible."""
    n = len(kept.models["tuned"].queries)
    errors = {
        who: float(found.std(ddof=1) / np.sqrt(n)) if n > 1 else MOST_LOSS
        for who, found in values.items()
    }
    allowed = {
        who: min(error, MOST_LOSS) if kept.relevant else MOST_OTHERS
        for who, error in errors.items()
    }
    return {
        "n": n,
        "of": kept.of,
        "texts": len(kept.models["tuned"].corpus),
        "scaled": SCALED,
        "relevance": kept.relevant is not None,
        "errors": errors,
        "allowed": allowed,
        "choice": {who: sensible(rows, who, allowed[who]) for who in MODELS},
    }


def sizes_job(message: dict[str, Any]) -> dict[str, Any]:
    """Measure the sizes of a run's vectors; say in a file how far it has come."""
    os.nice(NICE)
    file = Path(message["progress"])
    kept = Kept.read(Path(message["embeddings"]), Path(message["examples"]))
    return measure(kept, message["trained"], lambda share, words: write_json(file, [share, words]))
