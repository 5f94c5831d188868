"""Rows of text between delimiters: CSV, TSV and their kin, as people really write them."""

import csv
import io
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ststudio.data.gather import NUMBER, Gathering

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 200  # rows, to find delimiter and header
CONSISTENT = 0.8  # share of rows with the same number of cells that makes a delimiter
OF_A_HEADER = 0.3  # the same, where the first row looks like names
LONGEST_ROW = 1_000  # lines, after which a quote counts as never closed
MOST_OPEN_QUOTES = 20  # then quotes are characters like any other
NAME = re.compile(r"[^\W\d][\w .\-/()#?]{0,63}|\d{1,2}", re.UNICODE)
KNOWN_NAMES = frozenset(
    """
    anchor answer category class content corpus doc document description entailment_label hypothesis
    id intent label labels lang language name neg negative paragraph passage pos positive premise
    query question score scores sentence sentence1 sentence2 sentence_1 sentence_2 similarity source
    subject tag tags target text text1 text2 text_a text_b title topic
    """.split()
)
SPACED = re.compile(r"\S\s+\S")
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


def read_delimited(text: str, name: str, gathering: Gathering) -> list[tuple[str, str]]:
    """Gather rows from delimited text; return what was assumed, raising Full."""
    lines = io.StringIO(text, newline="").readlines()
    layout = find_layout(lines, name)
    rows = _rows(lines, layout.delimiter, gathering)
    first = next(((line, cells) for line, cells in rows if any(cells)), None)
    assumed = _assumptions(layout, name)
    if first is None:
        return assumed
    header = layout.header or _invented(len(first[1]), layout.delimiter)
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


def find_layout(lines: Sequence[str], name: str) -> Layout:
    """Find delimiter and header by how rows line up."""
    lines = lines[: 5 * LOOKED_AT]
    scores = {delimiter: _consistency(_sample(lines, delimiter)) for delimiter in DELIMITERS}
    if max(score for delimiter, score in scores.items() if delimiter != ",") >= CONSISTENT:
        # Where something else fits too, "0,5" is one number.
        scores[","] = _consistency(_sample([DECIMAL.sub(".", line) for line in lines], ","))
    if _plain_name(name).endswith(".tsv"):
        scores["\t"] *= 1.2
    best = max(scores, key=lambda delimiter: scores[delimiter])
    delimiter = best if scores[best] else ""
    return Layout(delimiter, _header(_sample(lines, delimiter)))


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
    named = first > 1 and all(NAME.fullmatch(cell.strip()) for cell in rows[0])
    share = widths[first] / len(rows)
    return share if named and share >= OF_A_HEADER else 0.0


def _header(rows: list[list[str]]) -> list[str] | None:
    """Return the names in the first row, or None where it is data."""
    if not rows:
        return None
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    longer = [row for row in rest if len(row) == len(first) + 1]
    # A column of row names without a name of its own; not a delimiter at the end of rows.
    unnamed = int(len(longer) > CONSISTENT * len(rest) and any(row[-1] for row in longer))
    first = [""] * unnamed + first
    return _distinct(first) if _looks_like_names(first, rest, unnamed) else None


def _looks_like_names(first: list[str], rest: list[list[str]], unnamed: int) -> bool:
    named = [cell for cell in first[unnamed:] if cell]
    if not named or any(NUMBER.fullmatch(cell) and len(cell) > 2 for cell in named):
        return False
    if any(cell.lower() in KNOWN_NAMES for cell in named):
        return True
    if not all(NAME.fullmatch(cell) for cell in named) or len(named) < len(first) - 1 - unnamed:
        return False
    return _differs(first, rest)


def _differs(first: list[str], rest: list[list[str]]) -> bool:
    """Tell whether the first row is unlike the others: a word over numbers, short over long."""
    for column, cell in enumerate(first):
        below = [row[column] for row in rest if len(row) > column and row[column]]
        if not below:
            continue
        if not NUMBER.fullmatch(cell) and all(NUMBER.fullmatch(value) for value in below):
            return True
        usual = statistics.median(map(len, below))
        if usual > 20 and len(cell) * 2 < usual:
            return True
    if any(map(SPACED.search, first)):
        return False
    spaced = sum(any(map(SPACED.search, row)) for row in rest)
    return not rest or spaced * 2 > len(rest) or any("_" in cell for cell in first)


def _distinct(names: list[str]) -> list[str]:
    """Name the unnamed, and number repeated names."""
    taken: set[str] = set()
    result = []
    for position, name in enumerate(names, 1):
        name = unnumbered = name or f"column{position}"
        number = 2
        while name in taken:
            name, number = f"{unnumbered}_{number}", number + 1
        taken.add(name)
        result.append(name)
    return result


def _invented(width: int, delimiter: str) -> list[str]:
    if not delimiter:
        return ["text"]
    return [f"column{position}" for position in range(1, width + 1)]


def _assumptions(layout: Layout, name: str) -> list[tuple[str, str]]:
    assumed = []
    usual = "\t" if _plain_name(name).endswith(".tsv") else ","
    if layout.delimiter and layout.delimiter != usual:
        sentence = f"The cells of {name} are separated by {DELIMITERS[layout.delimiter]}."
        assumed.append(("delimiter_assumed", sentence))
    if layout.header is None:
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
