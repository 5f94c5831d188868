"""Test queries whose results changed most, on vectors whose ranks are known by hand."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ststudio.compare.changes import BLOCK, by_rank, changes, changes_job
from ststudio.errors import StudioError
from tests.compare.conftest import ComparedRun

DOCUMENTS = 30
QUERIES = 2 * BLOCK + 3


def turned(angle: float) -> list[float]:
    return [np.cos(angle), np.sin(angle)]


@pytest.fixture
def run(tmp_path: Path) -> ComparedRun:
    """Return a run whose documents lie on a circle: the nearest by angle is the nearest."""
    run = ComparedRun(tmp_path)
    for folder in (run.model_dir, run.examples_dir, run.embeddings_dir):
        folder.mkdir()
    corpus = [turned(0.05 * place) for place in range(DOCUMENTS)]
    # Query n asks for document n % 30: the base looks at the first one, the tuned model at it.
    before = [turned(-0.01) for _ in range(QUERIES)]
    after = [turned(0.05 * (number % DOCUMENTS)) for number in range(QUERIES)]
    after[7] = turned(0.05 * 29)  # except for this one
    for name, queries in (("base", before), ("tuned", after)):
        np.save(run.embeddings_dir / f"{name}.npy", np.float32([*queries, *corpus]))
    points = {
        "id": [f"test-{n}" for n in range(QUERIES)] + [f"d{n}" for n in range(DOCUMENTS)],
        "text": [f"query {n}" for n in range(QUERIES)] + [f"text {n}" for n in range(DOCUMENTS)],
        "group": [""] * (QUERIES + DOCUMENTS),
        "kind": ["test"] * QUERIES + ["corpus"] * DOCUMENTS,
    }
    pq.write_table(pa.table(points), run.embeddings_dir / "points.parquet")
    write_relevant(run, [(f"q{n}", f"d{n % DOCUMENTS}") for n in range(QUERIES - 2)])
    return run


def write_relevant(run: ComparedRun, pairs: list[tuple[str, str]]) -> None:
    queries = {
        "id": [f"q{n}" for n in range(QUERIES)],
        "text": [f"query {n}" for n in range(QUERIES)],
    }
    pq.write_table(pa.table(queries), run.examples_dir / "queries.parquet")
    found = {"query": [q for q, _ in pairs], "doc": [d for _, d in pairs]}
    relevant = pa.table(found, schema=pa.schema([("query", pa.string()), ("doc", pa.string())]))
    pq.write_table(relevant, run.examples_dir / "relevant.parquet")


def found_in(run: ComparedRun) -> dict[str, object]:
    folders = {"embeddings": str(run.embeddings_dir), "examples": str(run.examples_dir)}
    return changes_job(folders)


def test_ranks_are_those_of_the_whole_corpus_and_the_most_changed_come_first(
    run: ComparedRun,
) -> None:
    found = found_in(run)
    assert found["better"][0] == {"query": "query 29", "base_rank": 30, "tuned_rank": 1}
    assert [row["base_rank"] for row in found["better"]][:6] == [30, 30, 30, 30, 29, 29]
    assert found["worse"] == [{"query": "query 7", "base_rank": 8, "tuned_rank": 23}]
    first_ones = sum(n % DOCUMENTS == 0 for n in range(QUERIES - 2))
    assert found["counts"] == {
        "better": QUERIES - 2 - first_ones - 1,
        "worse": 1,
        "same": first_ones,
        "unknown": 2,
    }


def test_of_several_answers_the_best_one_counts(run: ComparedRun) -> None:
    write_relevant(run, [("q5", "d20"), ("q5", "d4"), ("q5", "gone")])
    assert found_in(run)["better"] == [{"query": "query 5", "base_rank": 5, "tuned_rank": 2}]


def test_without_answers_the_first_ten_are_compared(run: ComparedRun) -> None:
    write_relevant(run, [])
    found = found_in(run)
    assert found["by"] == "overlap" and found["counts"]["of"] == 10
    assert found["apart"][0]["shared"] == 0
    assert found["counts"]["queries"] == QUERIES


def test_from_14_to_1_is_more_than_from_900_to_700() -> None:
    found = by_rank(["far", "near", "none"], [900, 14, None], [700, 1, 3])
    assert [row["query"] for row in found["better"]] == ["near", "far"]
    assert found["counts"]["unknown"] == 1


def test_it_is_found_once_and_then_kept(run: ComparedRun) -> None:
    found = changes(run)
    assert found == found_in(run)
    kept = run.embeddings_dir / "changes.json"
    kept.write_text(json.dumps({**found, "by": "seen"}), encoding="utf-8")
    assert changes(run)["by"] == "seen"


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="no fine-tuned model"):
        changes(ComparedRun(tmp_path))
