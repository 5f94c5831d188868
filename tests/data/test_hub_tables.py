"""Datasets of the Hub read in parts: the bytes are counted at the loopback Hub."""

import gzip
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ststudio.data.first_rows import first_rows, viewer_address
from ststudio.data.hub_listing import list_dataset
from ststudio.data.sources import open_source, pin_source
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from ststudio.settings import Settings
from tests.data.test_sources import card, counted, from_hub
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("folder")

MB = 1_000_000
CLASSES = ("no", "yes", "maybe", "never")
FEATURES = {
    "text": {"dtype": "string", "_type": "Value"},
    "label": {"names": list(CLASSES), "_type": "ClassLabel"},
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub with one person, and send the app there; its viewer is down."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add_user("alice", "hf_alice")
        yield hub


@pytest.fixture
def viewer(hub: Hub, monkeypatch: pytest.MonkeyPatch, limits: Callable[..., None]) -> Hub:
    """Name the Hub's viewer, too."""
    monkeypatch.setenv("STSTUDIO_VIEWER", hub.viewer_url)
    limits()
    return hub


def sent(hub: Hub) -> int:
    """Count the bytes that the Hub has sent, in answers of any kind."""
    return sum(request.sent for request in hub.requests)


def truncated(table: Table) -> str:
    """Return what was said about limits."""
    return " ".join(said for code, said in table.assumed if code == "truncated_by_limit")


def sorted_by_class(rows: int, characters: int, row_group: int) -> bytes:
    """Write a large Parquet file whose rows come class by class, its texts stored as they are."""
    filler = "some words that were said before " * (characters // 33 + 1)
    table = pa.table(
        {
            "text": [f"{n} {filler}"[:characters] for n in range(rows)],
            "label": pa.array([n * len(CLASSES) // rows for n in range(rows)], pa.int64()),
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})
    sink = io.BytesIO()
    parquet.write_table(
        table, sink, row_group_size=row_group, compression="none", use_dictionary=False
    )
    return sink.getvalue()


def plausible(rows: int, row_group: int) -> bytes:
    """Write triplets of plausible words as libraries do by default: large pages, compressed."""
    words = np.array([f"{first}{last}" for first in SYLLABLES for last in SYLLABLES])
    chosen = words[(np.random.default_rng(1).random((3, rows, 12)) ** 2 * len(words)).astype(int)]
    columns = ([" ".join(text) for text in column] for column in chosen)
    sink = io.BytesIO()
    table = pa.table(dict(zip(("anchor", "positive", "negative"), columns, strict=True)))
    parquet.write_table(table, sink, row_group_size=row_group)
    return sink.getvalue()


SYLLABLES = (
    "an be con di er for ga ho in je ka lo me no on per qua re so to un ve wa xi ya zo".split()
)
LINE = b'{"anchor": "how do I %06d", "positive": "%s"}\n'


def many_lines(megabytes: int) -> bytes:
    """Write that many megabytes of JSON lines."""
    block = b"".join(LINE % (n, b"like this, " * 20) for n in range(1_000))
    return block * (megabytes * MB // len(block))


# What there is


def test_subsets_and_splits_are_listed_before_anything_is_downloaded(hub: Hub) -> None:
    configs = [
        {"config_name": name, "data_files": [{"split": s, "path": f"{name}/{s}.jsonl"} for s in sp]}
        for name, sp in (("pair", ("train", "test")), ("triplet", ("train",)))
    ]
    info = [{"config_name": "pair", "splits": [{"name": "train", "num_examples": 90}, {"name": 3}]}]
    files = {f"{name}.jsonl": b"{}\n" * 90 for name in ("pair/train", "pair/test", "triplet/train")}
    readme = card(configs=configs, dataset_info=info, license="mit")
    sha = hub.add_repo("dataset", "alice/data", {"README.md": readme, **files})

    listing = list_dataset("alice/data")

    assert (listing.revision, listing.licence) == (sha, "mit")
    assert {s.name: [(p.name, p.bytes, p.rows) for p in s.splits] for s in listing.subsets} == {
        "pair": [("train", 270, 90), ("test", 270, None)],
        "triplet": [("train", 270, None)],
    }
    assert not any("/resolve/" in request.path for request in hub.requests)


def test_a_script_is_listed_by_its_conversion(hub: Hub) -> None:
    info = {"splits": [{"name": "train", "num_examples": 7}]}
    hub.add_repo("dataset", "alice/data", {"data.py": b"x", "README.md": card(dataset_info=info)})
    files = {"default/train/0000.parquet": sorted_by_class(7, 20, 7)}
    sha = hub.add_repo("dataset", "alice/data", files, branch="refs/convert/parquet")

    listing = list_dataset("alice/data")

    assert listing.revision == sha
    assert [(s.name, s.rows) for s in listing.subsets[0].splits] == [("train", 7)]
    assert first_rows(from_hub(revision=listing.revision)).rows == 7


CLOSED: dict[str, tuple[str, str]] = {
    "gated, by a stranger": ("alice/gated", "hf_bob"),
    "gated, by nobody": ("alice/gated", ""),
    "private, by a stranger": ("alice/private", "hf_bob"),
    "private, by nobody": ("alice/private", ""),
    "missing, by nobody": ("alice/missing", ""),
    "empty, by nobody": ("alice/empty", ""),
    "of empty files, by nobody": ("alice/hollow", ""),
    "script, by nobody": ("alice/script", ""),
}
WORDS = {
    "alice/gated": "gated.+accept its terms.+sign in",
    "alice/private": "no such thing.+[Cc]heck the spelling.+if it is private, sign in as",
    "alice/missing": "no such thing.+[Cc]heck the spelling",
    "alice/empty": "is empty. Choose another",
    "alice/hollow": "are empty. Choose another",
    "alice/script": "loading script.+Choose a copy in Parquet",
}


@pytest.mark.parametrize("who", CLOSED)
@pytest.mark.parametrize(
    "door", [lambda source, token: list_dataset(source["id"], None, token), first_rows, open_source]
)
def test_what_cannot_be_read_is_explained(who: str, door: Callable[..., Any], viewer: Hub) -> None:
    viewer.add_user("bob", "hf_bob")
    lines = {"train.jsonl": many_lines(1)}
    viewer.add_repo("dataset", "alice/gated", lines, gated=True)
    viewer.add_repo("dataset", "alice/private", lines, private=True)
    viewer.add_repo("dataset", "alice/empty", {".gitattributes": b"x", "README.md": card()})
    viewer.add_repo("dataset", "alice/hollow", {"train.csv": b""})
    viewer.add_repo("dataset", "alice/script", {"script.py": b"x"})
    repo_id, token = CLOSED[who]

    with pytest.raises(StudioError, match=f"(?i){WORDS[repo_id]}") as caught:
        door(from_hub(repo_id), token or None)
    assert len(str(caught.value)) < 250


# First rows


def test_first_rows_come_from_the_viewer_with_the_names_of_classes(viewer: Hub) -> None:
    data = sorted_by_class(300, 50, 100)
    files = {"data/train.parquet": data, "data/test.parquet": data}
    sha = viewer.add_repo("dataset", "alice/data", files)

    for source in (from_hub(), from_hub(revision=sha)):
        table = first_rows(source)
        assert counted(table) == {"train": 30, "test": 10}
        assert table.class_names == {"label": CLASSES}
        assert table.splits["train"]["label"].to_pylist() == [0] * 30
    assert not any("/resolve/" in request.path for request in viewer.requests)


def test_the_viewer_is_not_asked_about_an_older_commit(viewer: Hub) -> None:
    old = viewer.add_repo("dataset", "alice/data", {"train.csv": b"text\nthe old row\n"})
    viewer.add_repo("dataset", "alice/data", {"train.csv": b"text\nthe new row\n"})

    table = first_rows(from_hub(revision=old))

    assert table.splits["train"]["text"].to_pylist() == ["the old row"]


def test_the_public_viewer_never_hears_of_another_hub(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, limits: Callable[..., None]
) -> None:
    assert viewer_address() == ""  # since HF_ENDPOINT names another
    monkeypatch.setenv("STSTUDIO_VIEWER", f"{hub.viewer_url}/")
    limits()
    assert viewer_address() == hub.viewer_url
    monkeypatch.delenv("STSTUDIO_VIEWER")
    monkeypatch.delenv("HF_ENDPOINT")
    limits()
    assert viewer_address() == Settings.viewer


@pytest.mark.parametrize(
    "trouble",
    [{"hang_seconds": 30}, {"status": 500}, {"status": 429, "retry_after": 60}, {"reset": True},
     {"truncate": True}],
    ids=lambda trouble: next(iter(trouble)),
)  # fmt: skip
def test_a_viewer_in_trouble_costs_a_few_seconds(trouble: dict[str, Any], viewer: Hub) -> None:
    viewer.add_repo("dataset", "alice/data", {"train.parquet": sorted_by_class(300, 50, 100)})
    viewer.fail("/viewer/", times=None, **trouble)
    started = time.monotonic()

    table = first_rows(from_hub())

    assert time.monotonic() - started < 10  # of which three are the viewer's
    assert counted(table) == {"train": 40}
    assert table.class_names == {"label": CLASSES}


def test_private_first_rows_are_shown_and_not_kept(viewer: Hub, folder: Any) -> None:
    viewer.add_repo("dataset", "alice/data", {"train.csv": b"text\nmine\n"}, private=True)
    assert first_rows(from_hub(), "hf_alice").rows == 1
    assert not [path for path in folder.rglob("*") if path.is_file()]


LARGE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "lines": lambda: ("train.jsonl", many_lines(200)),
    "an array": lambda: ("train.json", b"[" + b",".join([b'{"text": "some words"}'] * 2 * MB)),
    "cells": lambda: ("train.csv", b"text,label\n" + b"some words here,1\n" * 2 * MB),
    "packed": lambda: ("train.csv.gz", gzip.compress(b"text,label\n" + b"a word,1\n" * 9 * MB, 1)),
    "many groups": lambda: ("train.parquet", sorted_by_class(100_000, 1_000, 1_000)),
    "one group": lambda: ("train.parquet", plausible(100_000, 100_000)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_first_rows_of_a_large_dataset_take_less_than_two_megabytes(kind: str, hub: Hub) -> None:
    path, data = LARGE[kind]()
    hub.add_repo("dataset", "alice/data", {path: data})

    table = first_rows(from_hub())

    assert table.rows == 40
    assert sent(hub) < 2 * MB


def of_files(hub: Hub) -> int:
    """Count the bytes of files that were sent."""
    return sum(request.sent for request in hub.requests if "/resolve/" in request.path)


def test_an_answer_that_is_too_long_to_use_counts_as_bytes_received(viewer: Hub) -> None:
    data = sorted_by_class(300, 30_000, 10)  # three megabytes in the viewer's answer
    viewer.add_repo("dataset", "alice/data", {"train.parquet": data})

    table = first_rows(from_hub())

    assert any("/first-rows" in request.path for request in viewer.requests)
    assert table.rows > 0
    assert 0 < of_files(viewer) < MB


def test_files_listed_in_vain_count_as_bytes_received(hub: Hub) -> None:
    files = {f"pictures/{n:05d}.png": b"x" for n in range(3_200)}
    hub.add_repo("dataset", "alice/data", {"data.py": b"x", **files})
    converted = {"default/train/0000.parquet": sorted_by_class(300, 30_000, 10)}
    hub.add_repo("dataset", "alice/data", converted, branch="refs/convert/parquet")

    assert first_rows(from_hub()).rows > 0
    assert 0 < of_files(hub) < MB


# As many bytes as the rows need


@pytest.mark.parametrize("row_group", [1_000, 200_000])
def test_a_large_parquet_gives_rows_from_all_over_it(row_group: int, hub: Hub) -> None:
    data = sorted_by_class(200_000, 400, row_group)
    hub.add_repo("dataset", "alice/data", {"train.parquet": data})

    table = open_source(from_hub())

    assert table.rows == 20_000
    assert "20,000 of 200,000 rows of train were read" in truncated(table)
    assert sent(hub) < len(data) / 7
    if row_group == 1_000:
        assert set(table.splits["train"]["label"].to_pylist()) == {0, 1, 2, 3}
        assert "in 20 pieces from all over its file" in truncated(table)


def test_a_few_large_pieces_are_not_fetched_for_a_few_rows_each(hub: Hub) -> None:
    data = plausible(200_000, 25_000)
    hub.add_repo("dataset", "alice/data", {"train.parquet": data})

    table = open_source(from_hub())

    assert table.rows == 20_000
    assert "in 4 pieces from all over its file" in truncated(table)
    assert sent(hub) < len(data) / 2


def test_many_files_give_rows_from_several(hub: Hub, limits: Callable[..., None]) -> None:
    limits(ROWS=1_000, DECODED_BYTES=4 * MB)
    data = sorted_by_class(10_000, 400, 1_000)
    files = {f"data/train-{n:05d}-of-00012.parquet": data for n in range(12)}
    hub.add_repo("dataset", "alice/data", files | {"data/test-0.parquet": data})

    table = open_source(from_hub())

    assert counted(table) == {"train": 750, "test": 250}
    assert set(table.splits["train"]["label"].to_pylist()) == {0, 1, 2, 3}
    assert "of over 40,000 rows of train were read, in 16 pieces" in truncated(table)
    assert "from all over 4 of its 12 files" in truncated(table)
    assert sent(hub) < 12 * MB  # a page each of 26 groups, of 52 MB


def test_columns_that_hold_no_text_are_not_fetched(hub: Hub) -> None:
    picture = {"image": {"bytes": bytes(200_000), "path": "x.png"}, "text": "a cat"}
    sink = io.BytesIO()
    parquet.write_table(
        pa.Table.from_pylist([picture] * 50), sink, compression="none", use_dictionary=False
    )
    hub.add_repo("dataset", "alice/data", {"train.parquet": sink.getvalue()})

    table = open_source(from_hub())

    assert table.splits["train"]["text"].to_pylist() == ["a cat"] * 50
    assert sent(hub) < MB < len(sink.getvalue()) / 9


@pytest.mark.parametrize("kind", ["lines", "cells", "packed", "an array"])
def test_a_large_text_is_fetched_as_far_as_the_rows_need(kind: str, hub: Hub) -> None:
    path, data = LARGE[kind]()
    hub.add_repo("dataset", "alice/data", {path: data})

    table = open_source(from_hub())

    assert table.rows == 20_000 and table.left_out == ()
    assert "Only the first 20,000 rows of train were read, from the first" in truncated(table)
    assert sent(hub) < 12 * MB
    assert truncated(open_source(from_hub())) == truncated(table)


def test_a_corpus_beyond_the_budget_is_said(hub: Hub, limits: Callable[..., None]) -> None:
    limits(ROWS=100)
    configs = [
        {"config_name": name, "data_files": [{"split": name, "path": f"{name}.jsonl"}]}
        for name in ("corpus", "queries")
    ]
    corpus = "\n".join(json.dumps({"_id": str(n), "text": f"document {n}"}) for n in range(9_000))
    files = {"README.md": card(configs=configs), "corpus.jsonl": corpus.encode()}
    files["queries.jsonl"] = b'{"_id": "q1", "text": "a claim"}\n'
    hub.add_repo("dataset", "alice/data", files)
    hub.add_repo(
        "dataset", "alice/data-qrels", {"t.tsv": b"query-id\tcorpus-id\tscore\nq1\t3\t1\n"}
    )

    table = open_source(from_hub())

    assert "Only the first 100 rows of the corpus were read" in truncated(table)
    assert first_rows(from_hub()).splits["train"]["text"].to_pylist()[0] == "document 0"


# A Hub that does not do as it is asked


def test_a_server_without_ranges_sends_no_gigabytes(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/lines", {"train.jsonl": many_lines(200)})
    hub.add_repo("dataset", "alice/rows", {"train.parquet": sorted_by_class(80_000, 1_000, 1_000)})
    hub.add_repo("dataset", "alice/few", {"train.parquet": sorted_by_class(4_000, 1_000, 1_000)})
    hub.fail("/resolve/", times=None, whole=True)

    assert open_source(from_hub("alice/lines")).rows == 20_000
    assert sent(hub) < 40 * MB  # what was on its way when the connection was closed
    with pytest.raises(StudioError, match="only as a whole.+Choose a smaller subset"):
        open_source(from_hub("alice/rows"))
    assert open_source(from_hub("alice/few")).rows == 4_000


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": many_lines(20)})
    hub.fail("/resolve/", truncate=True)
    assert open_source(from_hub()).rows == 20_000
    assert sent(hub) < 12 * MB


def test_pieces_that_arrive_damaged_are_noticed_where_they_make_a_whole(hub: Hub) -> None:
    data = sorted_by_class(2_000, 400, 1_000)
    sha = hub.add_repo("dataset", "alice/data", {"train.parquet": data})
    file = hub.repo("dataset", "alice/data").file("train.parquet")
    file.__dict__["sha256"] = "0" * 64  # what the Hub announces
    with pytest.raises(StudioError, match="arrived damaged"):
        open_source(from_hub(revision=sha))


@pytest.mark.parametrize("where", ["footer", "middle"])
def test_a_large_file_that_is_no_parquet_is_explained(where: str, hub: Hub) -> None:
    data = bytearray(sorted_by_class(20_000, 400, 20_000))
    if where == "footer":
        data[-5_000:-8] = bytes(4_992)
    else:
        data[1_000_000:1_100_000] = b"\xff" * 100_000
    hub.add_repo("dataset", "alice/data", {"train.parquet": bytes(data)})
    with pytest.raises(StudioError, match="train.parquet"):
        open_source(from_hub())


def test_what_was_read_in_parts_is_kept_for_its_commit(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": many_lines(20)})
    pinned = pin_source(from_hub())
    first_rows(pinned)
    open_source(pinned)
    hub.close()
    assert open_source(pinned).rows == 20_000
