"""Tables: rows as a file holds them, parsed in a child process under limits."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ststudio.child import Child, ChildDied
from ststudio.errors import StudioError
from ststudio.settings import get_settings

FACTS = "table.json"  # beside one Arrow file per split
SPREAD = 16  # row groups that a sample of a large Parquet file comes from, at least
MOST_ROUNDS = 100  # of asking for more bytes, before a file counts as unreadable

# What people call the parts of a dataset.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}


@dataclass(frozen=True)
class LeftOut:
    """Rows that were not read, and why."""

    reason: str
    count: int
    lines: tuple[int, ...]  # the first few, counted from 1 as an editor does


@dataclass(frozen=True)
class Retrieval:
    """A corpus, the queries put to it, and which documents answer them."""

    corpus: pa.Table  # id, text
    queries: pa.Table  # id, text
    qrels: dict[str, pa.Table]  # by split: query-id, corpus-id, score


@dataclass(frozen=True)
class Table:
    """Rows as they came, by split: columns flattened to dotted names.

    Values are str, int, float, bool, list[str] or null, one type per column.
    """

    splits: dict[str, pa.Table]  # "train" always; "validation" and "test" where the source has them
    class_names: dict[str, tuple[str, ...]]  # of columns whose integers stand for names
    read: int
    left_out: tuple[LeftOut, ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()  # (finding code, sentence)
    retrieval: Retrieval | None = None
    delimited: bool = False  # rows of text between delimiters: they could be read otherwise

    @property
    def rows(self) -> int:
        """Return how many rows were kept."""
        return sum(split.num_rows for split in self.splits.values())


Span = tuple[int, int]  # bytes of a file: from, and up to
Spans = Mapping[str, Sequence[Span]]  # by the path of a part
Fetch = Callable[[Spans], Sequence["Part"]]  # gets bytes, and returns all parts anew


@dataclass(frozen=True)
class Reading:
    """How text between delimiters is read where a person decided it; None is found by looking."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None  # whether the first row holds the names of the columns


AS_FOUND = Reading()


@dataclass(frozen=True)
class Part:
    """A file on this disk, what people call it, and the split its rows belong to."""

    path: Path
    name: str
    split: str = "train"
    size: int | None = None  # bytes at its source, where only those that it `has` are here
    has: tuple[Span, ...] = ()  # in order, and apart
    from_viewer: bool = False  # an answer of the Hub's dataset viewer

    @property
    def whole(self) -> bool:
        """Tell whether all of it is here."""
        return self.size is None or self.has == ((0, self.size),)


class Missing(Exception):
    """Reading goes no further without bytes that are not here yet."""

    def __init__(self, spans: Spans) -> None:
        super().__init__("more bytes are needed")
        self.spans = spans


def named(parts: Sequence[Part]) -> str:
    """Name the first few files."""
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return ", ".join(part.name for part in parts[:3]) + more


def parse_job(message: dict[str, Any]) -> dict[str, Any]:
    """Parse files into a folder of Arrow files, or say what is missing; runs in the reader."""
    from ststudio.data.formats import parse_files  # the parsers are nothing for the app

    parts = [
        Part(**{**part, "path": Path(part["path"]), "has": tuple(map(tuple, part["has"]))})
        for part in message["parts"]
    ]
    try:
        reading = Reading(**message["reading"])
        table = parse_files(parts, message["limits"], reading, message["sought"])
    except Missing as missing:
        return {"missing": missing.spans}
    save_table(table, Path(message["out"]))
    return {"rows": table.rows}


def reading_limits() -> dict[str, int]:
    """Return the limits that a table is read within."""
    settings = get_settings()
    return {
        "rows": settings.rows,
        "columns": settings.columns,
        "cell_characters": settings.cell_characters,
        "decoded_bytes": settings.decoded_bytes,
        "spread": SPREAD,
    }


def read_file(path: Path, name: str) -> Table:
    """Read one file into a table; only StudioError comes out, within the time limit."""
    with tempfile.TemporaryDirectory(prefix="ststudio-") as folder:
        return read_parts([Part(path, name)], Path(folder) / "table")  # mapped: outlives the folder


def read_parts(
    parts: Sequence[Part],
    out: Path,
    limits: Mapping[str, int] | None = None,
    fetch: Fetch | None = None,
    reading: Reading = AS_FOUND,
    sought: Sequence[str] = (),
) -> Table:
    """Read files into one table, kept in the new folder `out`; only StudioError comes out.

    All rounds of reading together have the time of one.
    Of files that are not whole, `fetch` is asked for the bytes that reading turns out to need.
    Where not all rows can be had, those whose ids are `sought` come first.
    """
    left = seconds = float(get_settings().read_seconds)  # of reading; what it waits for is apart
    names = named(parts)
    message: dict[str, Any] = {
        "out": str(out.resolve()),
        "limits": limits or reading_limits(),
        "reading": asdict(reading),
        "sought": list(sought),
    }
    with tempfile.TemporaryDirectory(prefix="ststudio-") as home:
        child = Child("read", Path(home))
        try:
            for _ in range(MOST_ROUNDS):
                message["parts"] = [
                    {**asdict(part), "path": str(part.path.resolve())} for part in parts
                ]
                began = time.monotonic()
                answer = child.ask(message, left)
                left = max(left - (time.monotonic() - began), 0.0)
                if "missing" not in answer or fetch is None:
                    return open_table(out)
                parts = fetch(answer["missing"])
        except TimeoutError:
            raise StudioError(f"Reading {names} took over {seconds:g} s. Use fewer rows.") from None
        except ChildDied as error:
            raise StudioError(
                f"{names} could not be read; it may be damaged. Save it again as CSV or JSONL. "
                f"({error})"
            ) from None
        finally:
            child.kill()
    raise StudioError(f"{names} could not be read in parts. Save it again as JSONL.")


def save_table(table: Table, folder: Path) -> None:
    """Write a table into a new folder; a retrieval set's judgements are its splits."""
    folder.mkdir(parents=True)
    found = table.retrieval
    searched = {"corpus": found.corpus, "queries": found.queries} if found else {}
    for name, rows in (table.splits | searched).items():
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink:
            with pa.ipc.new_file(sink, rows.schema) as writer:
                writer.write_table(rows)
    facts = {
        "splits": list(table.splits),
        "retrieval": found is not None,
        "class_names": table.class_names,
        "read": table.read,
        "left_out": [asdict(left) for left in table.left_out],
        "assumed": table.assumed,
        "delimited": table.delimited,
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def open_table(folder: Path) -> Table:
    """Open a table that was saved, its rows mapped from the disk."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    splits = {split: _map(folder / f"{split}.arrow") for split in facts["splits"]}
    retrieval = None
    if facts.get("retrieval"):
        retrieval = Retrieval(_map(folder / "corpus.arrow"), _map(folder / "queries.arrow"), splits)
    return Table(
        splits=splits,
        class_names={column: tuple(names) for column, names in facts["class_names"].items()},
        read=facts["read"],
        left_out=tuple(
            LeftOut(left["reason"], left["count"], tuple(left["lines"]))
            for left in facts["left_out"]
        ),
        assumed=tuple((code, sentence) for code, sentence in facts["assumed"]),
        delimited=facts["delimited"],
        retrieval=retrieval,
    )


def _map(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
