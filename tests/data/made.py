"""Tables made for tests, and the real sets where their folder is named."""

import csv
import gzip
import json
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.data.tables import Retrieval, Table

REAL = os.environ.get("STSTUDIO_REAL_DATA", "")
WORDS = (
    "the printer lantern will not connect after this update my claim was sent back please reset "
    "badge door opens slowly in winter parcel held at customs logger shows wrong time colleague "
    "calendar room booking invoice supplier limit screen flickers keyboard spills coffee stairs"
).split()


class Writer:
    """Writes sentences that do not repeat, the same ones in every test."""

    def __init__(self, seed: int = 1) -> None:
        """Start from a seed."""
        self.random = random.Random(seed)

    def say(self, words: int = 8) -> str:
        """Write a statement."""
        chosen = [self.random.choice(WORDS) for _ in range(words)]
        return " ".join(chosen).capitalize() + "."

    def ask(self, words: int = 8) -> str:
        """Write a question."""
        return self.say(words)[:-1] + "?"


def make(row: Callable[[int, Writer], dict[str, Any]], rows: int = 60, seed: int = 1) -> Table:
    """Make a table of one split from a function of the row's number and a writer."""
    writer = Writer(seed)
    return table([row(number, writer) for number in range(rows)])


def table(
    rows: Iterable[dict[str, Any]],
    class_names: dict[str, tuple[str, ...]] | None = None,
    **more: list[dict[str, Any]],
) -> Table:
    """Make a table of train and, by keyword, of validation and test."""
    splits = {"train": pa.Table.from_pylist([flat(row) for row in rows])}
    for name, rows_of in more.items():
        schema = splits["train"].schema
        splits[name] = pa.Table.from_pylist([flat(row) for row in rows_of], schema=schema)
    read = sum(split.num_rows for split in splits.values())
    return Table(splits=splits, class_names=class_names or {}, read=read)


def flat(row: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Flatten nested objects to dotted names, as the reader does."""
    flattened: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flattened |= flat(value, f"{path}{name}.")
        else:
            flattened[path + name] = value
    return flattened


def real_parquet(folder: str) -> Table:
    """Read a real set in the Hub's Parquet layout."""
    splits: dict[str, pa.Table] = {}
    names: dict[str, tuple[str, ...]] = {}
    for split in ("train", "validation", "test"):
        for path in sorted((Path(REAL) / folder).glob(f"{split}-*")):
            splits[split] = pq.read_table(path)
            features = json.loads(splits[split].schema.metadata[b"huggingface"])["info"]["features"]
            names |= {k: tuple(f["names"]) for k, f in features.items() if f.get("names")}
    return Table(splits, names, sum(split.num_rows for split in splits.values()))


def real_jsonl(train: str, test: str) -> Table:
    """Read a real set of gzipped JSON lines."""
    parts = [
        [json.loads(line) for line in gzip.open(Path(REAL) / name, "rt", encoding="utf-8")]
        for name in (train, test)
    ]
    return table(parts[0], test=parts[1])


def real_retrieval() -> Table:
    """Read SciFact as BEIR lays it out: corpus, queries, judgements."""
    root = Path(REAL)
    corpus = pq.read_table(next((root / "scifact/corpus").glob("*.parquet")))
    queries = pq.read_table(next((root / "scifact/queries").glob("*.parquet")))
    texts = [
        f"{title} {text}".strip()
        for title, text in zip(corpus["title"].to_pylist(), corpus["text"].to_pylist(), strict=True)
    ]
    qrels = {}
    for split in ("train", "test"):
        with open(root / "scifact-qrels" / f"{split}.tsv", encoding="utf-8") as file:
            qrels[split] = pa.Table.from_pylist(list(csv.DictReader(file, delimiter="\t")))
    retrieval = Retrieval(
        pa.table({"id": corpus["_id"].cast(pa.string()), "text": texts}),
        pa.table({"id": queries["_id"].cast(pa.string()), "text": queries["text"]}),
        qrels,
    )
    read = sum(judged.num_rows for judged in qrels.values())
    return Table(dict(qrels), {}, read, retrieval=retrieval)


REAL_SETS: dict[str, Callable[[], Table]] = {
    "stsb": lambda: real_parquet("stsb/data"),
    "trec": lambda: real_parquet("trec/data"),
    "banking77": lambda: real_parquet("banking77/data"),
    "snli": lambda: real_parquet("snli/plain_text"),
    "QQP_triplets": lambda: real_jsonl(
        "QQP_triplets/QQP_triplets.jsonl.gz", "QQP_triplets/QQP_triplets_test.jsonl.gz"
    ),
    "sentence-compression": lambda: real_jsonl(
        "sentence-compression/sentence-compression_compressed.jsonl.gz",
        "sentence-compression/sentence-compression_test.jsonl.gz",
    ),
    "scifact": real_retrieval,
}
