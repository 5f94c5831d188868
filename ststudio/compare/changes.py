"""Test queries whose results changed most: the rank of what answers them, before and after."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.child import ask_once
from ststudio.compare.points import load_relevant, read_vectors, rows_of
from ststudio.compare.sides import Compared, check_compared
from ststudio.errors import StudioError
from ststudio.runs.documents import read_json, write_json

Scores = npt.NDArray[np.float32]

LISTED = 10  # on each side
NEAREST = 10  # texts whose overlap is taken where nothing says what answers a query
BLOCK = 64  # queries at a time: 64 scores each of 100,000 texts are 26 MB
SECONDS = 60.0
FILE = "changes.json"


def changes(run: Compared) -> dict[str, Any]:
    """Return how test queries fare under both models, found once and then kept.

    Where answers are known, `by` is "rank": `better` and `worse` list {query, base_rank,
    tuned_rank}, most changed first. Else `by` is "overlap": `apart` lists {query, shared}, how
    many of the first ten both models have.
    """
    check_compared(run)
    file = run.embeddings_dir / FILE
    found: dict[str, Any] | None = read_json(file)
    if found is None:
        message = {"embeddings": str(run.embeddings_dir), "examples": str(run.examples_dir)}
        late = "Comparing the test queries took too long. Try again when the machine is less busy."
        found = ask_once("changes", message, SECONDS, late, "Comparing the test queries failed.")
        write_json(file, found)
    return found


def changes_job(message: dict[str, Any]) -> dict[str, Any]:
    """Rank a run's test queries by both models; they are embedded already, as queries."""
    os.nice(10)
    folder = Path(message["embeddings"])
    points = pq.read_table(folder / "points.parquet", columns=["id", "text", "kind"])
    tests, corpus = rows_of(points, "test"), rows_of(points, "corpus")
    if not len(tests) or not len(corpus):
        raise StudioError("This run has no test queries, or no texts to search.")
    vectors = [read_vectors(folder / f"{name}.npy") for name in ("base", "tuned")]
    queries = points["text"].take(pa.array(tests)).to_pylist()
    places = {key: row for row, key in enumerate(points["id"].take(pa.array(corpus)).to_pylist())}
    relevant = load_relevant(Path(message["examples"]) / "queries.parquet")
    answers = [
        np.asarray(sorted(places[key] for key in relevant.get(q.strip(), ()) if key in places), int)
        for q in queries
    ]
    sides = [(each[tests], each[corpus]) for each in vectors]
    if any(map(len, answers)):
        ranks = [best_ranks(*side, answers) for side in sides]
        return by_rank(queries, *ranks)
    return by_overlap(queries, [nearest(*side) for side in sides])


def best_ranks(queries: Scores, corpus: Scores, answers: list[Any]) -> list[int | None]:
    """Return the rank, from 1, of the best answer to each query; None where none is known."""
    ranks: list[int | None] = []
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ corpus.T
        for row, rows in zip(scores, answers[start : start + BLOCK], strict=True):
            if not len(rows):
                ranks.append(None)
                continue
            first = rows[row[rows].argmax()]
            better = np.count_nonzero(row > row[first])
            ranks.append(int(1 + better + np.count_nonzero(row[:first] == row[first])))
    return ranks


def nearest(queries: Scores, corpus: Scores) -> list[frozenset[int]]:
    """Return the rows of each query's ten nearest texts."""
    most = min(NEAREST, len(corpus))
    found: list[frozenset[int]] = []
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ corpus.T
        rows = np.argpartition(-scores, most - 1, axis=1)[:, :most]
        found += [frozenset(row) for row in rows.tolist()]
    return found


def by_rank(queries: list[str], base: list[int | None], tuned: list[int | None]) -> dict[str, Any]:
    """List the queries whose best answer moved most, by the ratio of its ranks.

    From 14 to 1 is more than from 900 to 700: the first is seen by whoever searches.
    """
    rows = [
        {"query": query, "base_rank": before, "tuned_rank": after}
        for query, before, after in zip(queries, base, tuned, strict=True)
        if before is not None and after is not None
    ]
    better = sorted((row for row in rows if _gain(row) > 0), key=_gain, reverse=True)
    worse = sorted((row for row in rows if _gain(row) < 0), key=_gain)
    counts = {"better": len(better), "worse": len(worse)}
    counts["same"] = len(rows) - counts["better"] - counts["worse"]
    counts["unknown"] = len(queries) - len(rows)
    return {"by": "rank", "counts": counts, "better": better[:LISTED], "worse": worse[:LISTED]}


def _gain(row: dict[str, Any]) -> float:
    return float(np.log(row["base_rank"] / row["tuned_rank"]))


def by_overlap(queries: list[str], found: list[list[frozenset[int]]]) -> dict[str, Any]:
    """List the queries whose first ten texts changed most."""
    shared = [len(before & after) for before, after in zip(*found, strict=True)]
    fewest = sorted(zip(shared, queries, strict=True), key=lambda pair: pair[0])
    rows = [{"query": query, "shared": number} for number, query in fewest[:LISTED]]
    most = max((len(each) for each in found[0]), default=0)
    counts = {"queries": len(queries), "of": most, "mean": round(float(np.mean(shared)), 2)}
    return {"by": "overlap", "counts": counts, "apart": rows}
