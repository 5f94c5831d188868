"""What a role may be given: a column, or one place in a column of lists."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.tables import Table

LIST_PARTS = 5  # a list of up to five texts is also read as "set.0", "set.1", …


def addresses(table: Table) -> dict[str, tuple[str, int | None]]:
    """Return every name that a role may be given: name → (column, place in its list)."""
    found: dict[str, tuple[str, int | None]] = {}
    for name, kind in zip(
        table.splits["train"].schema.names, table.splits["train"].schema.types, strict=True
    ):
        if name.startswith("\0"):
            continue  # ours, not the source's
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            parts = _parts(table.splits["train"][name])
            found |= {f"{name}.{place}": (name, place) for place in range(parts)}
            found.setdefault(name, (name, 0))
        else:
            found[name] = (name, None)
    return found


def _parts(lists: pa.ChunkedArray) -> int:
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    if not len(lengths):
        return 0
    # A few short lists do not hide the parts that nearly all rows have.
    return min(int(np.quantile(lengths, 0.1, method="lower")), LIST_PARTS)


def longest(lists: pa.ChunkedArray) -> int:
    """Return how many texts the longest list holds."""
    return pc.max(pc.list_value_length(lists)).as_py() or 0


def take(split: pa.Table, address: tuple[str, int | None]) -> pa.ChunkedArray:
    """Return a column, or one place of a list column, null where the list is too short."""
    name, place = address
    if name not in split.schema.names:
        return pa.chunked_array([pa.nulls(split.num_rows, pa.string())])
    column = split[name]
    if place is None or not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return column
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):  # a column of no chunk or of several stays chunked
        lists = pa.concat_arrays(lists.chunks) if lists.chunks else pa.array([], column.type)
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    places = pc.add(lists.offsets.slice(0, len(lists)), place)
    places = pc.if_else(pc.greater(lengths, place), places, pa.scalar(None, places.type))
    return pa.chunked_array([lists.values.take(places)])
