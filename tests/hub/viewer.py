"""The dataset viewer's routes, answered from the files that a dataset holds."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet
from pyarrow import json as jsonl

from tests.hub.store import Commit, File, Repo
from tests.hub.wire import Answer, Call, Refusal

CONVERT = "refs/convert/parquet"
FIRST_ROWS = 100  # what the real viewer shows
HIDDEN = (
    "The dataset does not exist, or is not accessible without authentication (private or gated)."
    " Please check the spelling of the dataset name or retry with authentication."
)
SPLIT_WORDS = {
    "test": {"test", "testing", "eval", "evaluation"},
    "validation": {"validation", "valid", "dev", "val"},
    "train": {"train", "training"},
}
Layout = dict[str, dict[str, list[File]]]  # configuration, split, its files


def splits(call: Call) -> Answer:
    """List configurations and splits."""
    repo = _dataset(call)
    found = [
        {"dataset": repo.id, "config": config, "split": split}
        for config, files in layout(repo).items()
        for split in files
    ]
    return Answer.of({"splits": found, "pending": [], "failed": []})


def first_rows(call: Call) -> Answer:
    """Show the first rows of one split, whole, with the types of its columns."""
    repo = _dataset(call)
    config, split = call.first("config"), call.first("split")
    files = layout(repo).get(config, {}).get(split)
    if not files:
        raise Refusal(404, "The split does not exist.", "SplitNotFoundError")
    table = read(files)
    rows = [
        {"row_idx": index, "row": row, "truncated_cells": []}
        for index, row in enumerate(table.slice(0, FIRST_ROWS).to_pylist())
    ]
    columns = features(table.schema).items()
    data = {
        "dataset": repo.id,
        "config": config,
        "split": split,
        "features": [
            {"feature_idx": i, "name": name, "type": kind} for i, (name, kind) in enumerate(columns)
        ],
        "rows": rows,
        "truncated": table.num_rows > FIRST_ROWS,
    }
    return Answer.of(data, headers={"X-Revision": repo.resolve().sha})


def parquet_files(call: Call) -> Answer:
    """List the Parquet files on the convert branch, which is made if it is not there."""
    repo = _dataset(call)
    with call.store.lock:
        if CONVERT not in repo.refs:
            repo.add(Commit(convert(repo), "Update parquet", author="parquet-converter"), CONVERT)
    root = f"{call.store.url}/datasets/{repo.id}/resolve/refs%2Fconvert%2Fparquet"
    found = []
    for path, file in repo.resolve(CONVERT).files.items():
        if path.count("/") == 2 and path.endswith(".parquet"):
            config, split, name = path.split("/")
            place = {"dataset": repo.id, "config": config, "split": split}
            found.append(place | {"url": f"{root}/{path}", "filename": name, "size": file.size})
    return Answer.of({"parquet_files": found, "pending": [], "failed": [], "partial": False})


def _dataset(call: Call) -> Repo:
    id = call.first("dataset")
    if not id:
        raise Refusal(422, "Parameter 'dataset' is required", "MissingRequiredParameter")
    repo = call.store.repos.get(("dataset", id))
    if repo is not None and repo.open_to(call.visitor) and repo.lets_in(call.visitor):
        return repo
    if call.visitor is None:
        raise Refusal(401, HIDDEN, "ExternalUnauthenticatedError")
    raise Refusal(404, HIDDEN, "ExternalAuthenticatedError")


def layout(repo: Repo) -> Layout:
    """Sort the data files into configurations and splits, by the card or else by their names."""
    data = {path: file for path, file in repo.resolve().files.items() if _suffix(path) in READERS}
    declared = [config for config in repo.card().get("configs", []) if "data_files" in config]
    if not declared:
        return {"default": _by_name(data.values())}
    return {
        config["config_name"]: {
            split: [file for path, file in data.items() if _matches(path, patterns)]
            for split, patterns in _declared_splits(config["data_files"])
        }
        for config in declared
    }


def _declared_splits(data_files: Any) -> Iterable[tuple[str, list[str]]]:
    if isinstance(data_files, list) and data_files and isinstance(data_files[0], dict):
        return [(part["split"], _listed(part["path"])) for part in data_files]
    return [("train", _listed(data_files))]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _matches(path: str, patterns: list[str]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def _by_name(files: Iterable[File]) -> dict[str, list[File]]:
    found: dict[str, list[File]] = {}
    for file in files:
        words = set(re.split(r"[^a-z]+", file.path.lower()))
        split = next((name for name, known in SPLIT_WORDS.items() if words & known), "train")
        found.setdefault(split, []).append(file)
    order = ["train", "validation", "test"]
    return {split: found[split] for split in sorted(found, key=order.index)}


def _suffix(path: str) -> str:
    return path[path.rfind(".") :]


def _read_json(source: io.BytesIO) -> pa.Table:
    data = source.getvalue().lstrip()
    if data.startswith(b"["):
        return pa.Table.from_pylist(json.loads(data))
    return jsonl.read_json(io.BytesIO(data))


READERS: dict[str, Callable[[io.BytesIO], pa.Table]] = {
    ".parquet": parquet.read_table,
    ".jsonl": _read_json,
    ".json": _read_json,
    ".csv": csv.read_csv,
}


def read(files: Iterable[File]) -> pa.Table:
    """Read the files of one split as one table."""
    return pa.concat_tables(READERS[_suffix(file.path)](io.BytesIO(file.data)) for file in files)


def convert(repo: Repo) -> dict[str, File]:
    """Write every split as one Parquet file, as the Hub's converter does."""
    files = {}
    for config, by_split in layout(repo).items():
        for split, sources in by_split.items():
            sink = io.BytesIO()
            parquet.write_table(read(sources), sink)
            path = f"{config}/{split}/0000.parquet"
            files[path] = File(path, sink.getvalue())
    if not files:
        raise Refusal(501, "No (supported) data files found", "EmptyDatasetError")
    return files


def features(schema: pa.Schema) -> dict[str, Any]:
    """Describe the columns as `datasets` does: from its own note in the file, or from the types."""
    note = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    known = note.get("info", {}).get("features")
    return known or {column.name: _feature(column.type) for column in schema}


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {column.name: _feature(column.type) for column in kind}
    name = {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}
