"""Which row groups of Parquet files to read, how much of each, and which bytes hold that."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyarrow import parquet

from ststudio.data.tables import Span

MARK = 4  # bytes at the beginning of every file
PADDING = 100  # bytes: old writers left the header of a dictionary out of a chunk's length
PAGES_SHARE = 1.25  # of the bytes that so many rows should take: pages are read whole
FIRST_PAGE = 32 << 10  # bytes of a chunk's pages fetched at least,
FIRST_PAGES = 1 << 20  # shared by all columns of a wide table


@dataclass(frozen=True)
class Choice:
    """The first rows of one row group."""

    file: int  # position among the files
    group: int
    first: int  # rows of the file before it
    rows: int  # that are taken
    of: int  # rows that it holds


@dataclass(frozen=True)
class Plan:
    """The row groups that are read of several files."""

    choices: tuple[Choice, ...]
    rows: int  # in all of the files

    @property
    def whole(self) -> bool:
        """Tell whether nothing is left out."""
        return sum(choice.rows for choice in self.choices) == self.rows


def plan_rows(files: Sequence[parquet.FileMetaData], rows: int, spread: int) -> Plan:
    """Take so many rows from the front of row groups that lie evenly over all files.

    A dataset sorted by class shows all of its classes that way. At least `spread` groups are
    used, if there are as many.
    """
    groups = groups_of(files)
    held = sum(group.of for group in groups)
    count = len(groups)
    if held > rows:
        usual = held / count
        count = min(count, max(spread, -int(-rows // usual)))
    chosen = [groups[place] for place in evenly(len(groups), count)]
    shares = level([choice.of for choice in chosen], rows)
    choices = (
        Choice(group.file, group.group, group.first, share, group.of)
        for group, share in zip(chosen, shares, strict=True)
        if share
    )
    return Plan(tuple(choices), held)


def evenly(among: int, count: int) -> list[int]:
    """Return so many places from the first to the last."""
    return [place * (among - 1) // max(count - 1, 1) for place in range(count)]


def groups_of(files: Sequence[parquet.FileMetaData]) -> list[Choice]:
    """Return all row groups, each with all of its rows."""
    found = []
    for place, metadata in enumerate(files):
        first = 0
        for group in range(metadata.num_row_groups):
            rows = max(metadata.row_group(group).num_rows, 0)
            if rows:
                found.append(Choice(place, group, first, rows, rows))
            first += rows
    return found


def level(sizes: Sequence[int], most: int) -> list[int]:
    """Share `most` among heaps of these sizes evenly: what small ones lack, large ones give."""
    shares = [0] * len(sizes)
    for done, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[place] = min(sizes[place], most // (len(sizes) - done))
        most -= shares[place]
    return shares


def row_bytes(group: parquet.RowGroupMetaData, columns: Sequence[str]) -> float:
    """Estimate the unpacked bytes of a row in these columns; dictionaries may hide more."""
    chunks = _chunks(group, columns)
    return sum(chunk.total_uncompressed_size for chunk in chunks) / max(group.num_rows, 1)


def range_of(group: parquet.RowGroupMetaData, column: str) -> tuple[str, str] | None:
    """Return the first and the last text of a column in a row group, None where it is not said."""
    for chunk in _chunks(group, [column]):
        said = chunk.statistics
        if said is not None and said.has_min_max and isinstance(said.min, str):
            return said.min, said.max
    return None


def _chunks(
    group: parquet.RowGroupMetaData, columns: Sequence[str]
) -> list[parquet.ColumnChunkMetaData]:
    chunks = [group.column(place) for place in range(group.num_columns)]
    return [
        chunk
        for chunk in chunks
        if any(f"{chunk.path_in_schema}.".startswith(f"{name}.") for name in columns)
    ]


def spans_of(
    group: parquet.RowGroupMetaData, columns: Sequence[str], rows: int, size: int
) -> list[Span]:
    """Return the bytes that should hold the first rows of a row group, in a file of `size`."""
    chunks = _chunks(group, columns)
    least = min(FIRST_PAGE, FIRST_PAGES // max(len(chunks), 1))
    spans = []
    for chunk in chunks:
        start, pages = _start(chunk), max(chunk.data_page_offset, 0)
        stop = start + chunk.total_compressed_size
        if rows < group.num_rows:
            share = PAGES_SHARE * rows / group.num_rows
            stop = min(stop, pages + max(int((stop - pages) * share), least))
        # The mark at the beginning comes along: what is whole in the end can be checked as such.
        span = (min(start, size) if start > MARK else 0, min(stop + PADDING, size))
        if span[0] < span[1]:
            spans.append(span)
    return spans


def _start(chunk: parquet.ColumnChunkMetaData) -> int:
    """Return where a chunk begins: at its dictionary, which some writers do not mention."""
    offsets = (chunk.dictionary_page_offset, chunk.data_page_offset)
    return min((offset for offset in offsets if offset and offset > 0), default=0)
