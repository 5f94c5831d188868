"""Tables made of tables, before any column has a role."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa

from ststudio.data.addresses import addresses, take
from ststudio.data.findings import count
from ststudio.data.gather import NAME_CHARACTERS
from ststudio.data.rows import UNIT
from ststudio.data.tables import Table
from ststudio.data.values import as_text
from ststudio.errors import StudioError

SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")
LOOKED_AT = 200  # texts, to learn whether a column's make pairs
SENTENCE_CHARACTERS = 20  # shorter pieces are headings, numbers and the ends of abbreviations


def check_column(table: Table, name: str) -> None:
    """Raise StudioError for a column that the table has not."""
    known = addresses(table)
    if name not in known:
        raise StudioError(f'There is no column "{name}". The columns are: {", ".join(known)}.')


def rename_column(table: Table, column: str, name: str) -> Table:
    """Give a column another name, before anything is guessed from names."""
    _check_whole(table, column)
    taken = [known for known in table.splits["train"].schema.names if known != column]
    if not name.strip() or not name.isprintable() or len(name) > NAME_CHARACTERS or name in taken:
        raise StudioError(
            f'"{column}" needs a new name that no other column has, up to {NAME_CHARACTERS} '
            f"characters; {name[:80]!r} will not do."
        )
    splits = {
        split: rows.rename_columns([name if n == column else n for n in rows.schema.names])
        for split, rows in table.splits.items()
    }
    names = {name if key == column else key: value for key, value in table.class_names.items()}
    return replace(table, splits=splits, class_names=names)


def drop_columns(table: Table, columns: list[str]) -> Table:
    """Leave columns out, so that no role, label or finding can come of them."""
    for column in columns:
        _check_whole(table, column)
    shown = [name for name in table.splits["train"].schema.names if not name.startswith("\0")]
    if not set(shown) - set(columns):
        raise StudioError("That would drop every column. Keep the ones to train on.")
    splits = {
        split: rows.drop_columns([n for n in rows.schema.names if n in columns])
        for split, rows in table.splits.items()
    }
    names = {key: value for key, value in table.class_names.items() if key not in columns}
    return replace(table, splits=splits, class_names=names)


def _check_whole(table: Table, column: str) -> None:
    """Raise StudioError for what is no column of its own, or may not change."""
    if table.retrieval is not None:
        raise StudioError("A retrieval set's columns are its queries and documents: they stay.")
    known = [name for name in table.splits["train"].schema.names if not name.startswith("\0")]
    if column not in known:
        raise StudioError(f'There is no column "{column}". The columns are: {", ".join(known)}.')


def triplets_to_texts(table: Table, columns: list[str], label: str) -> Table:
    """Give each text of the named columns a row with the row's class, repeats left out.

    A negative's class is not known, so only anchors and positives belong in `columns`.
    """
    for name in (*columns, label):
        check_column(table, name)
    known = addresses(table)
    splits = {}
    for name, split in table.splits.items():
        parts = [
            pa.table({"text": as_text(take(split, known[column])), label: split[label]})
            for column in columns
        ]
        splits[name] = pa.concat_tables(parts).group_by(["text", label]).aggregate([])
    return _said(table, replace(table, splits=splits), "text")


def _said(before: Table, after: Table, made: str) -> Table:
    """Say how many of what the rows became."""
    said = f"{count(before.rows, 'row')} became {count(after.rows, made)}."
    return replace(after, assumed=(*after.assumed, ("reshaped", said)))


def documents_to_pairs(table: Table, column: str) -> Table:
    """Make pairs of neighbouring sentences, each document a unit that no split parts."""
    check_column(table, column)
    known = addresses(table)
    splits = {}
    for name, split in table.splits.items():
        texts = as_text(take(split, known[column])).to_pylist()
        splits[name] = pa.table(_collect(texts, neighbours))
    if not splits["train"].num_rows:
        raise StudioError(
            f'The texts in "{column}" have no two sentences each, so they make no pairs. '
            "Choose a column with longer texts."
        )
    made = replace(table, splits=splits, class_names={})
    return _said(table, made, "pair")


def _collect(
    texts: list[str | None], pairs: Callable[[str], Iterator[tuple[str, str]]]
) -> dict[str, pa.Array]:
    rows = [
        (*pair, f"document {place}")
        for place, text in enumerate(texts)
        if text
        for pair in pairs(text)
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return {
        name: pa.array(values, pa.string())
        for name, values in zip(("anchor", "positive", UNIT), columns, strict=True)
    }


def holding_neighbours(table: Table, column: str) -> float:
    """Return the share of a column's first texts that hold two sentences or more, 0 to 1."""
    first = table.splits["train"].slice(0, LOOKED_AT)
    texts = [text for text in as_text(take(first, addresses(table)[column])).to_pylist() if text]
    return sum(any(neighbours(text)) for text in texts) / max(len(texts), 1)


def neighbours(text: str) -> Iterator[tuple[str, str]]:
    """Yield the first and second sentence, the third and fourth, and so on: none twice."""
    sentences = [part.strip() for part in SENTENCE_END.split(text) if part]
    sentences = [part for part in sentences if len(part) >= SENTENCE_CHARACTERS]
    yield from zip(sentences[::2], sentences[1::2], strict=False)
