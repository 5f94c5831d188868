"""What a file holds, told from its content: Parquet, JSON, JSON lines, or delimited text."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ststudio.data.beir import find_retrieval, read_retrieval
from ststudio.data.contents import (
    PARQUET,
    is_parquet,
    load,
    look_first,
    look_further,
)
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
from ststudio.data.memory import limit_memory
from ststudio.data.own_splits import split_by_column
from ststudio.data.partial import prefix_bytes
from ststudio.data.sampling import Sample, Scope
from ststudio.data.tables import AS_FOUND, Part, Reading, Retrieval, Table, named
from ststudio.data.unfold import unfold
from ststudio.data.viewer import read_viewer
from ststudio.errors import StudioError

ASSIGNMENT = re.compile(r"\A\s*(?:(?:var|let|const)\s+\w+|window(?:\.\w+)+)\s*=\s*(?=[\[{])")
HELD_OUT_SHARE = 4  # a held-out split takes at most this part of the budget
MOST_FILES = 256  # of one split, of text


def parse_files(
    parts: Sequence[Part], limits: Mapping[str, int], reading: Reading = AS_FOUND
) -> Table:
    """Parse files into one table within limits; raise StudioError."""
    limit_memory(limits["decoded_bytes"])
    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more than they use
    collection = Collection(limits, reading)
    # Held-out rows first: they are few, and train takes what is left.
    for split in sorted(dict.fromkeys(part.split for part in parts), key="train".__eq__):
        _read_split([part for part in parts if part.split == split], collection)
    return collection.table(named(parts))


class Collection:
    """The rows of all splits, and what was assumed on the way."""

    def __init__(self, limits: Mapping[str, int], reading: Reading) -> None:
        self.limits, self.reading = limits, reading
        self.delimited = False
        self.splits: dict[str, Gathering] = {}
        self.full: set[str] = set()
        self.scopes: dict[str, Scope] = {}  # by split
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
            delimited=self.delimited,
        )

    def _why(self) -> str:
        reasons = [reason for found in self.splits.values() for reason in found.left_out]
        return f" that can be used: of the first, {reasons[0]}" if reasons else ""

    def _limits_met(self) -> list[tuple[str, str]]:
        sentences = [self._cut_short(split) for split in sorted(self.full & self.splits.keys())]
        if cut := sum(found.cut for found in self.splits.values()):
            most = self.limits["cell_characters"]
            sentences.append(f"{cut:,} cells were cut after {most:,} characters.")
        if more := {name for found in self.splits.values() for name in found.too_many}:
            most = self.limits["columns"]
            named = ", ".join(sorted(more)[:3])
            sentences.append(f"Columns beyond the first {most} were left out ({named}, …).")
        return [("truncated_by_limit", sentence) for sentence in sentences]

    def _cut_short(self, split: str) -> str:
        scope, rows = self.scopes.get(split, Scope()), self.splits[split].rows
        read = f"{rows:,} of {scope.there}" if scope.there else f"{rows:,}"
        if not (scope.there and scope.where):
            read = f"the first {read}"
        return (
            f"Only {read} rows of {split} were read{scope.where}: up to {self.limits['rows']:,} "
            f"rows and {self.limits['decoded_bytes'] / 1e6:,.0f} MB of text are taken in all."
        )


ORDER = ("train", "validation", "test")


def _oddities(gathered: Iterable[Gathering]) -> list[tuple[str, str]]:
    names = {name for found in gathered for name in found.unsupported if name not in found.columns}
    sentence = "Columns that hold no text, numbers or lists of texts were left out: {}."
    return [("nested", sentence.format(", ".join(sorted(names)[:10])))] if names else []


def _read_split(parts: Sequence[Part], collection: Collection) -> None:
    if parts[0].from_viewer:
        gathering = collection.gathering(parts[0].split)
        collection.take(parts[0].split, read_viewer(parts[0].path.read_bytes(), gathering))
        return
    parquets: list[Part] = []
    texts: list[Part] = []
    for part in parts:
        (parquets if is_parquet(part) else texts).append(part)
    if parquets:
        _read_parquets(parquets, parts[0].split, collection)
    if texts:
        _read_texts(texts, collection)


def _read_texts(texts: Sequence[Part], collection: Collection) -> None:
    """Read one file after the other until the budget is used up."""
    split = texts[0].split
    for place, part in enumerate(texts[:MOST_FILES]):
        if split in collection.full:
            break
        look_first(texts[place:], collection.limits)
        _read_part(part, collection)
    if len(texts) > MOST_FILES:
        collection.full.add(split)
    if size := sum(part.size or 0 for part in texts):
        seen = sum(map(prefix_bytes, texts))
        where = f", from the first {seen / 1e6:,.1f} of {size / 1e6:,.1f} MB"
        collection.scopes[split] = Scope(where=where)


def _read_parquets(contents: Sequence[Part | bytes], split: str, collection: Collection) -> None:
    sample = Sample(contents, collection.gathering(split), collection.limits)
    collection.take(split, sample.read())
    sample.check()
    collection.scopes[split] = sample.scope
    if not sample.whole:
        collection.full.add(split)


def _read_part(part: Part, collection: Collection) -> None:
    limits, split = collection.limits, part.split
    content = load(part, limits["decoded_bytes"])
    if content.startswith(PARQUET):
        _read_parquets([content], split, collection)
        return
    refuse_kind(content, part.name)
    over = len(content) > limits["decoded_bytes"]
    cut = over or not part.whole
    text, assumption = decode(content, part.name, cut, collection.reading.encoding)
    if assumption:
        collection.assumed.append(("encoding_assumed", assumption))
    if over:
        collection.full.add(split)
    if cut:
        text = text[: text.rfind("\n") + 1] or text  # the last line is not whole
    try:
        _read_text(text, part, collection, cut)
    except StudioError:
        if over or part.whole:
            raise
        look_further(part, None, limits)  # the rest may mend it
        raise
    if cut and split not in collection.full:
        look_further(part, collection.splits.get(split), limits)
        collection.full.add(split)


def _read_text(text: str, part: Part, collection: Collection, cut: bool) -> None:
    name = part.name.lower().removesuffix(".gz")
    if collection.reading.delimiter is not None:
        _read_cells(text, part, collection)
        return
    text = ASSIGNMENT.sub("", text, count=1)
    named = name.endswith((".jsonl", ".ndjson"))
    if is_json_lines(text, named):
        collection.take(part.split, read_json_lines(text))
        return
    if is_json(text) or (name.endswith(".json") and text.lstrip()[:1] in "{["):
        _read_json(text, part, collection, cut)
        return
    _read_cells(text, part, collection)


def _read_cells(text: str, part: Part, collection: Collection) -> None:
    gathering = collection.gathering(part.split)
    gathering.textual = collection.delimited = True
    try:
        assumed, reading = collection.assumed, collection.reading
        read_delimited(text, part.name, gathering, assumed, reading)
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
