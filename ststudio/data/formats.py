"""What a file holds, told from its content: Parquet, JSON, JSON lines, or delimited text."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from ststudio.data.beir import find_retrieval, read_retrieval
from ststudio.data.collection import Collection
from ststudio.data.contents import (
    PARQUET,
    is_parquet,
    load,
    look_everywhere,
    look_first,
    look_further,
)
from ststudio.data.delimited import read_delimited
from ststudio.data.encodings import decode
from ststudio.data.frugal import FrugalSample
from ststudio.data.gather import Full
from ststudio.data.json_objects import rows_by_split
from ststudio.data.jsons import (
    is_array,
    is_json,
    is_json_lines,
    parse_json,
    read_array,
    read_json_lines,
)
from ststudio.data.judgements import lost_judgements
from ststudio.data.kinds import refuse_kind
from ststudio.data.memory import limit_memory
from ststudio.data.partial import prefix_bytes
from ststudio.data.records import read_records
from ststudio.data.sampling import Sample, Scope
from ststudio.data.sought import SoughtSample
from ststudio.data.tables import AS_FOUND, Part, Reading, Table, named
from ststudio.data.viewer import read_viewer
from ststudio.errors import StudioError

ASSIGNMENT = re.compile(r"\A\s*(?:(?:var|let|const)\s+\w+|window(?:\.\w+)+)\s*=\s*(?=[\[{])")
MOST_FILES = 256  # of one split, of text


def parse_files(
    parts: Sequence[Part],
    limits: Mapping[str, int],
    reading: Reading = AS_FOUND,
    sought: Sequence[str] = (),
) -> Table:
    """Parse files into one table within limits, first what is sought; raise StudioError."""
    limit_memory(limits["decoded_bytes"])
    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more than they use
    collection = Collection(limits, reading, sought)
    # Held-out rows first: they are few, and train takes what is left.
    for split in sorted(dict.fromkeys(part.split for part in parts), key="train".__eq__):
        _read_split([part for part in parts if part.split == split], collection)
    return collection.table(named(parts))


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
        found = collection.splits.get(split)
        if found and found.sought:
            look_everywhere(texts, collection.limits)
            if not part.whole and not part.has:
                collection.full.add(split)
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
    gathering = collection.gathering(split)
    kind = FrugalSample if "fetched_bytes" in collection.limits else Sample
    kind = SoughtSample if gathering.sought else kind
    sample = kind(contents, gathering, collection.limits)
    collection.take(split, sample.read())
    sample.check()
    collection.assumed += sample.assumed
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
    tabular = name.endswith((".csv", ".tsv"))
    if not tabular and (records := read_records(text)) is not None:
        rows, told = records
        collection.assumed.append(("records_assumed", f"A row of {part.name} is {told}."))
        collection.delimited = True  # a delimiter can still be decided on
        collection.take(part.split, rows)
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
        try:
            found_rows = rows_by_split(value, collection.assumed)
        except StudioError as error:
            raise StudioError(f"{part.name} cannot be read: {error}") from None
        for split, rows in found_rows.items():
            collection.take(split or part.split, rows)
        return
    read = read_retrieval(parts, part.name, collection.limits)
    collection.retrieval, full, collection.unjudged = read
    if full:
        found = collection.retrieval
        sentence = (
            f"Only {found.corpus.num_rows:,} documents and {found.queries.num_rows:,} queries of "
            f"{part.name} were read, first those that are judged."
        )
        collection.assumed += [("truncated_by_limit", sentence), *lost_judgements(found)]
