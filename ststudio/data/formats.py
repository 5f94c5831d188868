"""What a file holds, told from its content: Parquet, JSON, JSON lines, or delimited text."""

import gzip
import re
import resource
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ststudio.data.beir import find_retrieval, read_retrieval
from ststudio.data.delimited import read_delimited
from ststudio.data.encodings import decode
from ststudio.data.gather import Full, Gathering
from ststudio.data.jsons import (
    is_array,
    is_json,
    is_json_lines,
    parse_json,
    read_array,
    read_json_lines,
    rows_by_split,
)
from ststudio.data.kinds import refuse_kind
from ststudio.data.losses import losses, merged
from ststudio.data.own_splits import split_by_column
from ststudio.data.parquets import read_parquet
from ststudio.data.tables import Part, Retrieval, Table
from ststudio.data.unfold import unfold
from ststudio.errors import StudioError

GZIP = b"\x1f\x8b"
ASSIGNMENT = re.compile(r"\A\s*(?:(?:var|let|const)\s+\w+|window(?:\.\w+)+)\s*=\s*(?=[\[{])")
PARQUET = b"PAR1"
HELD_OUT_SHARE = 4  # a held-out split takes at most this part of the budget
ROOM = 768 << 20  # bytes of address space beside what the data needs
ROOM_PER_BYTE = 10  # a Python string and its place in a list, for each decoded byte, at worst


def parse_files(parts: Sequence[Part], limits: Mapping[str, int]) -> Table:
    """Parse files into one table within limits; raise StudioError."""
    limit_memory(limits["decoded_bytes"])
    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more than they use
    collection = Collection(limits)
    # Held-out rows first: they are few, and train takes what is left.
    for part in sorted(parts, key=lambda part: part.split == "train"):
        if part.split not in collection.full:
            _read_part(part, collection)
    return collection.table(", ".join(part.name for part in parts))


def limit_memory(decoded_bytes: int) -> None:
    """Make allocations fail, not the machine, where a file expands to more than it may."""
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = used * resource.getpagesize() + ROOM + ROOM_PER_BYTE * decoded_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


class Collection:
    """The rows of all splits, and what was assumed on the way."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = limits
        self.splits: dict[str, Gathering] = {}
        self.full: set[str] = set()
        self.assumed: list[tuple[str, str]] = []
        self.retrieval: Retrieval | None = None

    def gathering(self, split: str) -> Gathering:
        """Return the gathering of one split, made with its share of the budget."""
        if split not in self.splits:
            share = 1 if split == "train" else HELD_OUT_SHARE
            others = self.splits.values()
            rows, size = self.limits["rows"], self.limits["decoded_bytes"]
            self.splits[split] = Gathering(
                min(rows // share, rows - sum(other.rows for other in others)),
                min(size // share, size - sum(other.bytes for other in others)),
                self.limits["columns"],
                self.limits["cell_characters"],
            )
        return self.splits[split]

    def take(self, split: str, rows: Iterable[tuple[int, Any]]) -> None:
        """Gather numbered rows until they end or the budget does."""
        gathering = self.gathering(split)
        try:
            for line, row in ((line, each) for line, found in rows for each in unfold(found)):
                if isinstance(row, Mapping):
                    gathering.add(line, row)
                else:
                    gathering.leave_out(line, str(row))
        except Full:
            self.full.add(split)

    def table(self, names: str) -> Table:
        """Return everything as one table; raise StudioError where nothing was gathered."""
        if self.retrieval is not None:
            qrels = self.retrieval.qrels
            judged = sum(rows.num_rows for rows in qrels.values())
            return Table(qrels, {}, judged, (), tuple(self.assumed), self.retrieval)
        splits = {name: found for name, found in self.splits.items() if found.rows}
        if not splits:
            raise StudioError(f"{names} holds no rows{self._why()}. Choose a file with rows in it.")
        if "train" not in splits:  # somebody's only split is what there is to learn from
            first = next(iter(splits))
            splits = {"train": splits.pop(first), **splits}
        gathered = list(splits.values())
        tables = {name: splits[name].table() for name in sorted(splits, key=ORDER.index)}
        if list(tables) == ["train"]:
            tables, column = split_by_column(tables["train"])
            if column:
                said = ", ".join(f"{rows.num_rows:,} {name}" for name, rows in tables.items())
                self.assumed.append(("split_column", f'"{column}" tells the splits apart: {said}.'))
        left_out = merged(self.splits.values())
        assumed = [*self.assumed, *self._limits_met(), *losses(left_out), *_oddities(gathered)]
        return Table(
            splits=tables,
            class_names={k: v for found in gathered for k, v in found.class_names.items()},
            read=sum(found.read for found in self.splits.values()),
            left_out=left_out,
            assumed=tuple(dict.fromkeys(assumed)),
        )

    def _why(self) -> str:
        reasons = [reason for found in self.splits.values() for reason in found.left_out]
        return f" that can be used: of the first, {reasons[0]}" if reasons else ""

    def _limits_met(self) -> list[tuple[str, str]]:
        sentences = [
            f"Only the first {self.splits[split].rows:,} rows of {split} were read: up to "
            f"{self.limits['rows']:,} rows and {self.limits['decoded_bytes'] / 1e6:,.0f} MB of "
            "text are taken in all."
            for split in sorted(self.full)
        ]
        if cut := sum(found.cut for found in self.splits.values()):
            most = self.limits["cell_characters"]
            sentences.append(f"{cut:,} cells were cut after {most:,} characters.")
        if more := {name for found in self.splits.values() for name in found.too_many}:
            most = self.limits["columns"]
            named = ", ".join(sorted(more)[:3])
            sentences.append(f"Columns beyond the first {most} were left out ({named}, …).")
        return [("truncated_by_limit", sentence) for sentence in sentences]


ORDER = ("train", "validation", "test")


def _oddities(gathered: Iterable[Gathering]) -> list[tuple[str, str]]:
    names = {name for found in gathered for name in found.unsupported if name not in found.columns}
    sentence = "Columns that hold no text, numbers or lists of texts were left out: {}."
    return [("nested", sentence.format(", ".join(sorted(names)[:10])))] if names else []


def _read_part(part: Part, collection: Collection) -> None:
    content = _load(part, collection.limits["decoded_bytes"])
    if isinstance(content, Path) or content.startswith(PARQUET):
        gathering = collection.gathering(part.split)
        collection.take(part.split, read_parquet(content, part.name, gathering))
        return
    cut = len(content) > collection.limits["decoded_bytes"]
    refuse_kind(content, part.name)
    text, assumption = decode(content, part.name, cut)
    if assumption:
        collection.assumed.append(("encoding_assumed", assumption))
    if cut:
        collection.full.add(part.split)
        text = text[: text.rfind("\n") + 1] or text  # the last line is not whole
    _read_text(text, part, collection, cut)


def _load(part: Part, most: int) -> bytes | Path:
    """Return a file's content, unpacked, up to one byte more than allowed; or a Parquet's path."""
    with part.path.open("rb") as file:
        head = file.read(len(GZIP))
        file.seek(0)
        if head != GZIP:
            is_parquet = file.read(len(PARQUET)) == PARQUET
            file.seek(0)
            return part.path if is_parquet else file.read(most + 1)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                content = unpacked.read(most + 1)
        except (OSError, EOFError, zlib.error):
            raise StudioError(f"{part.name} is damaged: it cannot be unpacked.") from None
    if content.startswith(GZIP) or (content.startswith(PARQUET) and len(content) > most):
        raise StudioError(
            f"{part.name} unpacks to what cannot be read within {most / 1e6:,.0f} MB. "
            "Unpack it, and choose a smaller part."
        )
    return content


def _read_text(text: str, part: Part, collection: Collection, cut: bool) -> None:
    name = part.name.lower().removesuffix(".gz")
    text = ASSIGNMENT.sub("", text, count=1)
    named = name.endswith((".jsonl", ".ndjson"))
    if is_json_lines(text, named):
        collection.take(part.split, read_json_lines(text))
        return
    if is_json(text) or (name.endswith(".json") and text.lstrip()[:1] in "{["):
        _read_json(text, part, collection, cut)
        return
    gathering = collection.gathering(part.split)
    gathering.textual = True
    try:
        read_delimited(text, part.name, gathering, collection.assumed)
    except Full:
        collection.full.add(part.split)


def _read_json(text: str, part: Part, collection: Collection, cut: bool) -> None:
    if is_array(text):
        collection.take(part.split, read_array(text, part.name, cut))
        return
    value = parse_json(text, part.name, cut)
    parts = find_retrieval(value)
    if parts is None:
        for split, rows in rows_by_split(value).items():
            collection.take(split or part.split, rows)
        return
    collection.retrieval, full = read_retrieval(parts, part.name, collection.limits)
    if full:
        sentence = f"Only the first {collection.limits['rows']:,} texts of {part.name} were read."
        collection.assumed.append(("truncated_by_limit", sentence))
