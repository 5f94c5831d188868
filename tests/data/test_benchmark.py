"""The benchmark's rows are fetched once, and where the Hub has none nothing happens."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ststudio.data.benchmark import KEPT_PAIRS, fetch_benchmark, fetch_benchmark_soon
from ststudio.data.general import STSB
from ststudio.errors import StudioError
from tests.hub.server import Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def publish(hub: Hub, rows: pa.Table) -> None:
    files = {}
    for split, table in (("train", rows.slice(0, 3)), ("test", rows)):
        sink = io.BytesIO()
        pq.write_table(table, sink)
        files[f"data/{split}-00000-of-00001.parquet"] = sink.getvalue()
    hub.add_repo("dataset", STSB, files)


def made(pairs: int = 400, score: float = 0.25) -> pa.Table:
    return pa.table(
        {
            "sentence1": [f"what was said {number % 350}" for number in range(pairs)],
            "sentence2": [f"what was answered {number}" for number in range(pairs)],
            "score": [score] * pairs,
        }
    )


def test_some_test_rows_are_kept_the_same_ones_each_time(hub: Hub, tmp_path: Path) -> None:
    publish(hub, made())
    for name in ("a", "b"):
        fetch_benchmark(tmp_path / name / "general.parquet")
    first, second = (pq.read_table(tmp_path / name / "general.parquet") for name in ("a", "b"))
    assert first.equals(second) and first.num_rows == KEPT_PAIRS
    assert first.column_names == ["sentence1", "sentence2", "score"]
    assert len(first["sentence1"].unique()) == KEPT_PAIRS
    assert not first.equals(made().slice(0, KEPT_PAIRS))


def test_what_is_here_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    publish(hub, made(score=0.75))
    file = tmp_path / "general.parquet"
    fetch_benchmark_soon(file).join(30)
    before = file.read_bytes()
    publish(hub, made(score=0.5))
    fetch_benchmark_soon(file).join(30)
    assert file.read_bytes() == before


def test_where_the_hub_has_none_there_is_none_and_nothing_fails(hub: Hub, tmp_path: Path) -> None:
    thread = fetch_benchmark_soon(tmp_path / "general.parquet")
    thread.join(30)
    assert not thread.is_alive() and list(tmp_path.iterdir()) == []


def test_rows_that_are_not_the_benchmarks_are_refused(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "general.parquet"
    publish(hub, made(score=4.5))
    with pytest.raises(StudioError, match="between 0 and 1"):
        fetch_benchmark(file)
    publish(hub, made().rename_columns(["text1", "text2", "score"]))
    with pytest.raises(StudioError, match="no rows of sentence1, sentence2, score"):
        fetch_benchmark(file)
    assert not file.exists()
