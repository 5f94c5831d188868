"""Rows of the STS benchmark, fetched once in the background: no run waits for them."""

import threading
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ststudio.data.general import STSB, shuffled
from ststudio.data.sources import open_source
from ststudio.errors import StudioError

COLUMNS = ["sentence1", "sentence2", "score"]
KEPT_PAIRS = 300  # of 1,379 test rows: a model embeds them in about a second


def fetch_benchmark(file: Path) -> None:
    """Fetch some of the benchmark's test rows into a file; raise StudioError."""
    (rows,) = open_source({"kind": "hub", "id": STSB, "split": "test"}).splits.values()
    _check(rows)
    kept = shuffled(_distinct(rows.select(COLUMNS))).slice(0, KEPT_PAIRS)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}")
    pq.write_table(kept, half)
    half.replace(file)


def _check(rows: pa.Table) -> None:
    """Raise StudioError where rows are not what the benchmark's are."""
    if not set(COLUMNS) <= set(rows.column_names) or rows.num_rows == 0:
        raise StudioError(f"{STSB} has no rows of {', '.join(COLUMNS)}.")
    score = rows["score"]
    known = pa.types.is_floating(score.type) and score.null_count == 0
    if not known or not 0 <= pc.min(score).as_py() <= pc.max(score).as_py() <= 1:
        raise StudioError(f"The scores of {STSB} do not lie between 0 and 1.")


def _distinct(rows: pa.Table) -> pa.Table:
    """Keep one row of each first sentence, so that a row is a unit."""
    places = {text: place for place, text in enumerate(rows["sentence1"].to_pylist())}
    return rows.take(list(places.values()))


def fetch_benchmark_soon(file: Path) -> threading.Thread:
    """Fetch the file in the background unless it is here; where the Hub is away there is none."""

    def fetch() -> None:
        with suppress(StudioError, OSError):
            if not file.exists():
                fetch_benchmark(file)

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    return thread
