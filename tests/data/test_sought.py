"""Corpora too large to be read: the judged documents are looked for; bytes are counted."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ststudio.data.doctor import diagnose
from ststudio.data.judgements import LOST
from ststudio.data.sources import open_source
from ststudio.data.tables import Table, read_file
from tests.data.test_sources import card, from_hub
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("folder")

MB = 1_000_000
WORDS = "said before that somebody would see the lamp at night by the old harbour wall".split()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub, and send the app there."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def documents(count: int, words: int = 40) -> list[str]:
    """Write documents that differ, and do not compress to nothing."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 10**6, (count, words // 2))
    return [" ".join(f"{WORDS[n % len(WORDS)]} {n}" for n in row) for row in numbers.tolist()]


def as_parquet(table: pa.Table, row_group: int) -> bytes:
    """Write a table in groups of so many rows."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, row_group_size=row_group, use_dictionary=False)
    return sink.getvalue()


def beir(hub: Hub, judged: dict[str, Sequence[int]], corpus: dict[str, bytes]) -> None:
    """Publish a retrieval set: a query for each document that is judged."""
    configs = [
        {"config_name": name, "data_files": [{"split": name, "path": f"{name}/*"}]}
        for name in ("corpus", "queries")
    ]
    asked = sorted({n for numbers in judged.values() for n in numbers})
    queries = pa.table({"_id": [f"q{n}" for n in asked], "text": [f"claim {n}" for n in asked]})
    files = {"README.md": card(configs=configs), **corpus}
    files["queries/q.parquet"] = as_parquet(queries, 1_000)
    hub.add_repo("dataset", "alice/data", files)
    qrels = {
        f"{split}.tsv": "query-id\tcorpus-id\tscore\n"
        + "".join(f"q{n}\td{n:07d}\t1\n" for n in numbers)
        for split, numbers in judged.items()
    }
    written = {name: text.encode() for name, text in qrels.items()}
    hub.add_repo("dataset", "alice/data-qrels", written)


def ids(count: int) -> list[str]:
    """Name documents as BEIR does."""
    return [f"d{n:07d}" for n in range(count)]


def kept(table: Table, numbers: Sequence[int]) -> float:
    """Return the share of judged documents that were read."""
    assert table.retrieval is not None
    found = set(table.retrieval.corpus["id"].to_pylist())
    return sum(f"d{n:07d}" in found for n in numbers) / len(numbers)


def lost(table: Table) -> str:
    """Return what was said of judgements that are lost."""
    return dict(table.assumed).get(LOST, "")


def corpus_bytes(hub: Hub) -> int:
    """Count the bytes of the corpus that were sent."""
    return sum(request.sent for request in hub.requests if "/corpus/" in request.path)


def test_judged_documents_of_a_large_parquet_are_all_read(
    hub: Hub, limits: Callable[..., None]
) -> None:
    limits(ROWS=1_000, DECODED_BYTES=8 * MB)
    table = pa.table({"_id": ids(100_000), "title": ["T"] * 100_000, "text": documents(100_000)})
    data = as_parquet(table, 1_000)
    judged = {"train": range(70_000, 70_200), "test": range(31_400, 31_500)}
    beir(hub, judged, {"corpus/c.parquet": data})

    found = open_source(from_hub())

    assert found.retrieval is not None
    assert kept(found, judged["test"]) == kept(found, judged["train"]) == 1
    assert lost(found) == ""
    assert found.retrieval.corpus.num_rows > 800  # the others distract
    assert found.retrieval.corpus["text"].to_pylist()[0].startswith("T ")
    assert corpus_bytes(hub) < len(data) / 5
    assert diagnose(found).rows["kept"] == 300


def test_where_they_are_not_within_reach_it_is_said_how_many_are_lost(
    hub: Hub, limits: Callable[..., None]
) -> None:
    limits(ROWS=1_000, DECODED_BYTES=2 * MB)
    shuffled = np.random.default_rng(5).permutation(100_000)
    names = [f"d{n:07d}" for n in shuffled]
    data = as_parquet(pa.table({"_id": names, "text": documents(100_000)}), 1_000)
    judged = {"test": range(0, 100_000, 1_000)}
    beir(hub, judged, {"corpus/c.parquet": data})

    found = open_source(from_hub())

    share = kept(found, judged["test"])
    assert 0.05 < share < 0.9
    missing = 100 - round(100 * share)
    assert f"{missing} of 100 judgements are lost" in lost(found)
    assert corpus_bytes(hub) < 8 * MB < len(data)
    said = [finding for finding in diagnose(found).findings if finding.code == LOST]
    assert [finding.level for finding in said] == ["warning"]


def large_beir(hub: Hub, limits: Callable[..., None]) -> dict[str, Sequence[int]]:
    """Publish more documents than may be read, some of them judged in either part; return which."""
    limits(ROWS=400, DECODED_BYTES=8 * MB)
    data = as_parquet(pa.table({"_id": ids(20_000), "text": documents(20_000)}), 1_000)
    judged: dict[str, Sequence[int]] = {"train": range(300), "test": range(15_000, 15_090)}
    beir(hub, judged, {"corpus/c.parquet": data})
    return judged


def test_what_is_measured_on_comes_before_what_is_learned_from(
    hub: Hub, limits: Callable[..., None]
) -> None:
    judged = large_beir(hub, limits)

    found = open_source(from_hub())

    assert kept(found, judged["test"]) == 1
    assert kept(found, judged["train"]) < 1
    assert "judgements are lost: " in lost(found)


def lines(count: int) -> bytes:
    """Write documents as JSON lines."""
    rows = zip(ids(count), documents(count, 20), strict=True)
    return "".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in rows).encode()


def test_judged_documents_of_lines_are_looked_for_as_far_as_bytes_go(
    hub: Hub, limits: Callable[..., None]
) -> None:
    limits(ROWS=1_000, DECODED_BYTES=3 * MB)
    data = lines(50_000)
    judged = {"test": [*range(9_000, 9_100), *range(49_000, 49_050)]}
    beir(hub, judged, {"corpus/c.jsonl": data})

    found = open_source(from_hub())

    assert kept(found, range(9_000, 9_100)) == 1  # far beyond the first thousand
    assert kept(found, range(49_000, 49_050)) == 0
    assert "50 of 150 judgements are lost" in lost(found)
    assert found.retrieval is not None and found.retrieval.corpus.num_rows > 900
    assert corpus_bytes(hub) < 4 * MB < len(data)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_judged_documents_are_looked_for_in_every_file(
    kind: str, hub: Hub, limits: Callable[..., None]
) -> None:
    limits(ROWS=200, DECODED_BYTES=2 * MB)
    rows = list(zip(ids(30_000), documents(30_000, 20), strict=True))
    line = {
        "jsonl": lambda key, text: json.dumps({"_id": key, "text": text}),
        "csv": lambda key, text: f"{key},{text}",
    }[kind]
    header = "_id,text\n" if kind == "csv" else ""
    shards = {
        f"corpus/c{n:05d}.{kind}": header + "\n".join(line(*row) for row in rows[n : n + 3_000])
        for n in range(0, 30_000, 3_000)
    }
    judged = {"test": [*range(500, 520), *range(8_500, 8_520), *range(29_500, 29_520)]}
    beir(hub, judged, {name: text.encode() for name, text in shards.items()})

    found = open_source(from_hub())

    assert kept(found, range(500, 520)) == kept(found, range(8_500, 8_520)) == 1
    assert kept(found, range(29_500, 29_520)) == 0  # beyond the bytes that may be read
    assert "20 of 60 judgements are lost" in lost(found)
    assert "Only 180 rows of the corpus were read" in dict(found.assumed)["truncated_by_limit"]
    assert corpus_bytes(hub) < 3 * MB < sum(map(len, shards.values()))


def test_a_set_in_one_file_keeps_what_is_judged(
    limits: Callable[..., None], tmp_path: Path
) -> None:
    limits(ROWS=200)
    whole = {
        "corpus": {f"d{n}": f"document {n}" for n in range(5_000)},
        "queries": {f"q{n}": f"claim {n}" for n in range(5_000)},
        "qrels": {"test": {f"q{n}": {f"d{n}": 1} for n in range(4_000, 4_080)}},
    }
    path = tmp_path / "set.json"
    path.write_text(json.dumps(whole))
    found = read_file(path, "set.json")
    assert found.retrieval is not None
    assert found.retrieval.corpus.num_rows == 200
    assert diagnose(found).rows["kept"] == 80
    assert lost(found) == ""


def test_the_same_corpus_is_kept_for_each_choice_of_judgements(
    hub: Hub, limits: Callable[..., None]
) -> None:
    judged = large_beir(hub, limits)
    qrels = {"id": "alice/data-qrels"}

    first = open_source(from_hub(qrels={**qrels, "split": "test"}))
    second = open_source(from_hub(qrels={**qrels, "split": "train"}))

    assert kept(first, judged["test"]) == 1 and kept(first, range(200, 300)) < 0.5
    assert kept(second, range(200)) == 1 and kept(second, judged["test"]) < 0.5
    before = corpus_bytes(hub)
    assert open_source(from_hub(qrels={**qrels, "split": "test"})).rows == first.rows
    assert corpus_bytes(hub) == before
