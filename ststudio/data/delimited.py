"""Rows of text between delimiters: CSV, TSV and their kin, as people really write them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ststudio.data.gather import Gathering
from ststudio.data.headers import CONSISTENT, NAME, SPACED, distinct, find_header, invent_header
from ststudio.data.tables import AS_FOUND, Reading

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 200  # rows, to find delimiter and header
OF_A_HEADER = 0.3  # the same, where the first row looks like names
LONGEST_ROW = 1_000  # lines, after which a quote counts as never closed
MOST_OPEN_QUOTES = 20  # then quotes are characters like any other
DECIMAL = re.compile(r"(?<=\d),(?=\d)")
RAGGED = "it has another number of cells than the header"
OPEN_QUOTE = "its quote is never closed"

csv.field_size_limit(2**31 - 1)  # bytes are budgeted before they get here


class _OpenQuote(Exception):
    """A quoted cell that goes on for too long."""


@dataclass(frozen=True)
class Layout:
    """How the cells of a file are told apart, and what they are called."""

    delimiter: str  # "" for one cell a line
    header: list[str] | None  # None: the first row is data already


def read_delimited(
    text: str, name: str, gathering: Gathering, reading: Reading = AS_FOUND
) -> list[tuple[str, str]]:
    """Gather rows from delimited text; return what was assumed, raising Full."""
    lines = io.StringIO(text, newline="").readlines()
    layout = find_layout(lines, name, reading)
    rows = _rows(lines, layout.delimiter, gathering)
    first = next(((line, cells) for line, cells in rows if any(cells)), None)
    assumed = _assumptions(layout, name, reading)
    if first is None:
        return assumed
    header = layout.header or invent_header(len(first[1]), layout.delimiter)
    if layout.header is None:
        _add(gathering, first[0], first[1], header)
    for line, cells in rows:
        if cells:  # an empty line is no row
            _add(gathering, line, cells, header)
    if OPEN_QUOTE in gathering.left_out or RAGGED in gathering.left_out:
        count = sum(map(len, gathering.left_out.values()))
        sentence = f"{count:,} rows of {name} were left out: their cells do not fit the header."
        assumed.append(("ragged_rows", sentence))
    return assumed


def _add(gathering: Gathering, line: int, cells: list[str], header: list[str]) -> None:
    while len(cells) > len(header) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) == len(header):
        gathering.add(line, dict(zip(header, (cell or None for cell in cells), strict=True)))
    else:
        gathering.leave_out(line, RAGGED)


def find_layout(lines: Sequence[str], name: str, reading: Reading = AS_FOUND) -> Layout:
    """Find delimiter and header by how rows line up, unless a person decided them."""
    lines = lines[: 5 * LOOKED_AT]
    delimiter = reading.delimiter
    if delimiter is None:
        delimiter = _find_delimiter(lines, name)
    sample = _sample(lines, delimiter)
    if reading.header is None:
        return Layout(delimiter, find_header(sample))
    first = [cell.strip() for cell in sample[0]] if sample else []
    return Layout(delimiter, distinct(first) if reading.header and first else None)


def _find_delimiter(lines: Sequence[str], name: str) -> str:
    scores = {delimiter: _consistency(_sample(lines, delimiter)) for delimiter in DELIMITERS}
    if max(score for delimiter, score in scores.items() if delimiter != ",") >= CONSISTENT:
        # Where something else fits too, "0,5" is one number.
        scores[","] = _consistency(_sample([DECIMAL.sub(".", line) for line in lines], ","))
    if _plain_name(name).endswith(".tsv"):
        scores["\t"] *= 1.2
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] else ""


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for _, cells in _rows(lines, delimiter, None):
        if any(cells):
            rows.append(cells)
        if len(rows) >= LOOKED_AT:
            break
    return rows


def _consistency(rows: list[list[str]]) -> float:
    """Rate a delimiter: the share of rows with as many cells as the header, or as most rows."""
    if not rows:
        return 0.0
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width > 1 and count >= CONSISTENT * len(rows):
        return count / len(rows) + width / 1000  # of two that fit, the one with more cells
    first = len(rows[0])
    cells = [cell.strip() for cell in rows[0]]
    named = first > 1 and all(NAME.fullmatch(c) and not SPACED.search(c) for c in cells)
    share = widths[first] / len(rows)
    return share if named and share >= OF_A_HEADER else 0.0


def _assumptions(layout: Layout, name: str, reading: Reading) -> list[tuple[str, str]]:
    assumed = []
    usual = "\t" if _plain_name(name).endswith(".tsv") else ","
    if reading.delimiter is None and layout.delimiter and layout.delimiter != usual:
        sentence = f"The cells of {name} are separated by {DELIMITERS[layout.delimiter]}."
        assumed.append(("delimiter_assumed", sentence))
    if reading.header is None and layout.header is None:
        sentence = f"{name} has no row of names, so its columns were named here."
        assumed.append(("header_assumed", sentence))
    return assumed


def _rows(
    lines: Sequence[str], delimiter: str, gathering: Gathering | None
) -> Iterator[tuple[int, list[str]]]:
    """Give every row with its line number; a quote that is never closed costs one line."""
    if not delimiter:
        yield from ((n, [line.rstrip("\r\n")]) for n, line in enumerate(lines, 1))
        return
    start, open_quotes = 0, 0
    while start < len(lines):
        feed = _Feed(lines, start)
        if open_quotes < MOST_OPEN_QUOTES:
            reader = csv.reader(feed, delimiter=delimiter)
        else:
            reader = csv.reader(feed, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        try:
            for cells in reader:
                if feed.ended:
                    raise _OpenQuote
                yield feed.row + 1, cells
                feed.row = feed.next
            return
        except (_OpenQuote, csv.Error):
            open_quotes += 1
            start = feed.row + 1
            yield from _literally(lines[feed.row], feed.row + 1, delimiter, gathering)


def _literally(
    line: str, number: int, delimiter: str, gathering: Gathering | None
) -> Iterator[tuple[int, list[str]]]:
    """Read one line whose quote is a character like any other, as an inch mark is."""
    try:
        yield number, next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE))
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
