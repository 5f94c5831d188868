"""Rows with lists of texts: every text in turn, one drawn by chance, or the first."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.findings import Finding, count
from ststudio.data.guess import Wish
from ststudio.errors import StudioError
from ststudio.settings import get_settings

ROW = "\0row"  # a row's number in its split as it was read, from 1


def in_turn(split: pa.Table, columns: Mapping[str, str], wish: Wish) -> pa.Table:
    """Count the rows from 1, and read the lists of the roles that are expanded or sampled.

    Several expanded lists go side by side, a shorter one again and again: one positive beside
    each of ten negatives, two positives five times each; never every positive with every negative.
    """
    split = split.append_column(ROW, pa.array(np.arange(1, split.num_rows + 1)))
    for role, seed in wish.sampled.items():
        name = columns.get(role, "")
        if _is_list(split, name):
            lists = _lists(split, name)
            drawn = np.random.default_rng(seed).random(len(lists))
            split = _set(split, name, lists, np.arange(len(lists)), drawn * _lengths(lists))
    names = [columns.get(role, "") for role in wish.expanded]
    wide = {name: _lists(split, name) for name in names if _is_list(split, name)}
    if not wide:
        return split
    # A row whose lists are all empty stays, to be left out as a row without text and counted.
    turns = np.maximum(1, np.max([_lengths(lists) for lists in wide.values()], axis=0))
    rows = np.repeat(np.arange(split.num_rows), turns)
    _check_size(len(rows))
    turn = np.arange(len(rows)) - np.repeat(np.cumsum(turns) - turns, turns)
    split = split.take(rows)
    for name, lists in wide.items():
        split = _set(split, name, lists, rows, turn % np.maximum(1, _lengths(lists))[rows])
    return split


def grown(before: int, after: int) -> Iterator[Finding]:
    """Say how many rows the lists made."""
    if after > before:
        said = f"{count(before, 'row')} became {after:,}, one for each text of the lists."
        yield Finding("info", "reshaped", said)


def _check_size(rows: int) -> None:
    most = get_settings().rows
    if rows > most:
        raise StudioError(
            f"A row for each text of the lists makes {rows:,} rows, and {most:,} are the limit "
            "here. Draw one text of each list instead, or use fewer rows."
        )


def _is_list(split: pa.Table, name: str) -> bool:
    return name in split.schema.names and pa.types.is_list(split.schema.field(name).type)


def _lists(split: pa.Table, name: str) -> pa.ListArray:
    column = split[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # a column of no chunk or of several stays chunked
        column = pa.concat_arrays(column.chunks) if column.chunks else pa.array([], column.type)
    return column


def _lengths(lists: pa.ListArray) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)


def _set(
    split: pa.Table, name: str, lists: pa.ListArray, rows: np.ndarray, places: np.ndarray
) -> pa.Table:
    """Put a text of each row's list in the list's place, null where the list is empty."""
    starts = np.asarray(lists.offsets)[:-1][: len(lists)].astype(np.int64)[rows]
    taken = pa.array(starts + places.astype(np.int64), mask=_lengths(lists)[rows] == 0)
    return split.set_column(split.schema.names.index(name), name, lists.values.take(taken))
