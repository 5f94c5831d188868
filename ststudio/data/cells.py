"""Lines of text into rows of cells, whatever their quotes do."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ststudio.data.gather import Gathering

LONGEST_ROW = 1_000  # lines, after which a quote counts as never closed
MOST_OPEN_QUOTES = 20  # then quotes are characters like any other
OPEN_QUOTE = "its quote is never closed"

csv.field_size_limit(2**31 - 1)  # bytes are budgeted before they get here


class _OpenQuote(Exception):
    """A quoted cell that goes on for too long."""


@dataclass(frozen=True)
class Dialect:
    """How the cells of a row are told apart."""

    delimiter: str  # "" for one cell a line
    quote: str = '"'
    spaced: bool = False  # blanks around delimiters are no part of the cells


def read_cells(
    lines: Sequence[str], dialect: Dialect, gathering: Gathering | None, start: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Give every row with its line number; a quote that is never closed costs one line."""
    if not dialect.delimiter:
        yield from ((n, [line.rstrip("\r\n")]) for n, line in enumerate(lines[start:], start + 1))
        return
    open_quotes = 0
    while start < len(lines):
        feed = _Feed(lines, start)
        reader = _reader(feed, dialect, quoted=open_quotes < MOST_OPEN_QUOTES)
        try:
            for cells in reader:
                several = feed.next - feed.row > 1
                if feed.ended or several and not _closes(lines[feed.row : feed.next], dialect):
                    raise _OpenQuote
                yield feed.row + 1, [cell.strip() for cell in cells] if dialect.spaced else cells
                feed.row = feed.next
            return
        except (_OpenQuote, csv.Error):
            open_quotes += 1
            start = feed.row + 1
            yield from _literally(lines[feed.row], feed.row + 1, dialect, gathering)


def _reader(
    lines: Iterable[str], dialect: Dialect, quoted: bool, strict: bool = False
) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        skipinitialspace=dialect.spaced,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=strict,
    )


def _closes(lines: Sequence[str], dialect: Dialect) -> bool:
    """Tell whether a quote that spans lines ends where its cell does, not at another inch mark."""
    try:
        list(_reader(lines, dialect, quoted=True, strict=True))
    except csv.Error:
        return False
    return True


def _literally(
    line: str, number: int, dialect: Dialect, gathering: Gathering | None
) -> Iterator[tuple[int, list[str]]]:
    """Read one line whose quote is a character like any other, as an inch mark is."""
    try:
        yield number, next(_reader([line], dialect, quoted=False))
    except csv.Error:
        if gathering is not None:
            gathering.leave_out(number, OPEN_QUOTE)


class _Feed:
    """Lines for csv.reader, which asks for more of them inside quotes."""

    def __init__(self, lines: Sequence[str], start: int) -> None:
        self.lines = lines
        self.row = start  # where the row being read began
        self.next = start
        self.ended = False

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.next >= len(self.lines):
            self.ended = self.row < self.next
            raise StopIteration
        if self.next - self.row >= LONGEST_ROW:
            raise _OpenQuote
        self.next += 1
        return self.lines[self.next - 1]
