"""The dataset viewer, over what the datasets hold."""

from __future__ import annotations

import io
import json

import httpx2
from pyarrow import parquet

from tests.hub.conftest import ROWS
from tests.hub.server import Hub


def test_the_viewer_shows_what_is_in_the_files(hub: Hub) -> None:
    files = {"data/train.jsonl": ROWS, "data/dev.csv": b"anchor\nx\n"}
    hub.add_repo("dataset", "alice/rows", files)
    query = {"dataset": "alice/rows"}

    splits = httpx2.get(f"{hub.viewer_url}/splits", params=query).json()["splits"]
    assert [(s["config"], s["split"]) for s in splits] == [
        ("default", "train"),
        ("default", "validation"),
    ]
    query |= {"config": "default", "split": "train"}
    rows = httpx2.get(f"{hub.viewer_url}/first-rows", params=query).json()
    assert [row["row"] for row in rows["rows"]] == [json.loads(line) for line in ROWS.splitlines()]
    assert [(f["name"], f["type"]["dtype"]) for f in rows["features"]] == [
        ("anchor", "string"),
        ("score", "float64"),
    ]
    converted = httpx2.get(f"{hub.viewer_url}/parquet", params=query).json()["parquet_files"]
    table = parquet.read_table(io.BytesIO(httpx2.get(converted[0]["url"]).content))
    assert table.column("anchor").to_pylist() == ["a cat", "a dog"]
    hub.add_repo("dataset", "alice/hidden", {"a.csv": b"a\n1\n"}, private=True)
    query["dataset"] = "alice/hidden"
    assert httpx2.get(f"{hub.viewer_url}/splits", params=query).status_code == 401
