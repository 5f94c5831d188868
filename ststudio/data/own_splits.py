"""A column that says which rows are for training: it becomes the splits."""

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.tables import SPLIT_NAMES


def split_by_column(rows: pa.Table) -> tuple[dict[str, pa.Table], str]:
    """Return rows by split and the column that told them apart, "" where there is none.

    A row whose cell is empty is learned from.
    """
    for name in rows.schema.names:
        parts = _parts(rows[name])
        if "train" in parts and len(set(parts)) > 1:
            rest = rows.drop_columns([name])
            told = pa.array([part or "train" for part in parts])
            found = [part for part in dict.fromkeys(SPLIT_NAMES.values()) if part in parts]
            return {part: rest.filter(pc.equal(told, part)) for part in found}, name
    return {"train": rows}, ""


def _parts(column: pa.ChunkedArray) -> list[str | None]:
    """Return what split each cell names; nothing where any names none."""
    if not pa.types.is_string(column.type):
        return []
    words = {word: (word or "").strip().lower() for word in pc.unique(column).to_pylist()}
    if any(word and word not in SPLIT_NAMES for word in words.values()):
        return []
    return [SPLIT_NAMES.get(words[word]) for word in column.to_pylist()]
