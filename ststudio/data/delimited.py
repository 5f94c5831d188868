"""Rows of text between delimiters: CSV, TSV and their kin, as people really write them."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ststudio.data.cells import Dialect, read_cells
from ststudio.data.dialects import (
    UNIT,
    comments_above,
    is_spaced,
    quote_mark,
    rewritten,
    titles_above,
)
from ststudio.data.findings import count, quoted
from ststudio.data.gather import Gathering
from ststudio.data.headers import (
    CONSISTENT,
    NAME,
    SPACED,
    distinct,
    find_header,
    invent_header,
    is_commented_header,
    is_second_header,
)
from ststudio.data.tables import AS_FOUND, Reading

DELIMITERS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    "^": "carets",
    "~": "tildes",
    "\x01": "control characters",
    UNIT: "marks of several characters",
}
NEVER = "\x1e"  # in rows of one cell
LOOKED_AT = 200  # rows, to find delimiter and header
NAMED = 0.15  # worth of a first row of names, in shares of rows
OF_A_HEADER = 0.3  # the same, where the first row looks like names
DECIMAL = re.compile(r"(?<=\d),(?=\d)")
RAGGED = "it has another number of cells than the header"
NAMES_AGAIN = "it holds names of columns, not a row"


@dataclass(frozen=True)
class Layout:
    """How the cells of a file are told apart, and what they are called."""

    dialect: Dialect
    header: list[str] | None  # None: the first row is data already
    skipped: int = 0  # lines above the table


def read_delimited(
    text: str,
    name: str,
    gathering: Gathering,
    assumed: list[tuple[str, str]],
    reading: Reading = AS_FOUND,
) -> None:
    """Gather rows from delimited text and add what was assumed, raising Full."""
    decided = reading.delimiter not in (None, UNIT)
    lines, told = rewritten(io.StringIO(text, newline="").readlines(), decided)
    layout = find_layout(lines, name, reading)
    rows = read_cells(lines, layout.dialect, gathering, layout.skipped)
    first = next(((line, cells) for line, cells in rows if any(cells)), None)
    assumed += [(code, said.replace("{name}", name)) for code, said in told]
    assumed += _assumptions(layout, name, reading, bool(told))
    if first is None:
        return
    header = layout.header or invent_header(len(first[1]))
    if layout.header is None:
        _add(gathering, first[0], first[1], header)
    names = [[cell.strip() for cell in first[1]]] if layout.header else []
    repeated = {cell for row in names for cell in row if cell and row.count(cell) > 1}
    if repeated:
        said = f"{name} has several columns called {quoted(sorted(repeated))}: they were numbered."
        assumed.append(("names_repeated", said))
    below = _sample(lines[layout.skipped :], layout.dialect)[1:]
    if layout.header and is_second_header(below):
        names.append([cell.strip() for cell in below[0]])
    for line, cells in rows:
        if names and [cell.strip() for cell in cells] in names:
            gathering.leave_out(line, NAMES_AGAIN)
        elif cells:  # an empty line is no row
            _add(gathering, line, cells, header)


def _add(gathering: Gathering, line: int, cells: list[str], header: list[str]) -> None:
    while len(cells) > len(header) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) == len(header):
        gathering.add(line, dict(zip(header, (cell or None for cell in cells), strict=True)))
    else:
        gathering.leave_out(line, RAGGED)


def find_layout(lines: Sequence[str], name: str, reading: Reading = AS_FOUND) -> Layout:
    """Find delimiter, quotes and header by how rows line up, unless a person decided them."""
    skipped = comments_above(lines)
    if skipped and is_commented_header(*lines[skipped - 1 : skipped + 1]):
        skipped -= 1
    lines = lines[skipped : skipped + 5 * LOOKED_AT]
    dialect = _find_dialect(lines, name, reading.delimiter)
    titles = _titles(lines, dialect)
    sample = _sample(lines[titles:], dialect)
    header = find_header(sample)
    if reading.header is not None:
        first = [cell.strip() for cell in sample[0]] if sample else []
        header = distinct(first) if reading.header and first else None
    return Layout(dialect, header, skipped + titles)


def _find_dialect(lines: Sequence[str], name: str, decided: str | None) -> Dialect:
    quote = quote_mark(lines[:LOOKED_AT])
    spaced = is_spaced(lines[:LOOKED_AT], quote)
    dialects = {delimiter: Dialect(delimiter, quote, spaced) for delimiter in DELIMITERS}
    if decided is not None:
        return dialects[decided]
    scores = {mark: _consistency(_sample(lines, dialect)) for mark, dialect in dialects.items()}
    if max(score for delimiter, score in scores.items() if delimiter != ",") >= CONSISTENT:
        # Where something else fits too, "0,5" is one number.
        pointed = [DECIMAL.sub(".", line) for line in lines]
        scores[","] = _consistency(_sample(pointed, dialects[","]))
    # No text holds a tab by chance, as it does commas.
    scores["\t"] *= 1.2 if _plain_name(name).endswith(".tsv") else 1.05
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return dialects[best] if scores[best] else Dialect(_one_cell(lines))


def _one_cell(lines: Sequence[str]) -> str:
    """Return the delimiter of rows of one cell: none, or one that never comes where some quote."""
    quoted = any(line[0] == line.rstrip()[-1] == '"' for line in lines if len(line.strip()) > 1)
    return NEVER if quoted else ""


def _titles(lines: Sequence[str], dialect: Dialect) -> int:
    """Return how many lines above the first row of the table are titles."""
    rows = [row for row in read_cells(lines[:LOOKED_AT], dialect, None) if any(row[1])]
    above = titles_above(rows)
    return rows[above][0] - 1 if above else 0


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")


def _sample(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
    rows: list[list[str]] = []
    for _, cells in read_cells(lines, dialect, None):
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
    first = len(rows[0])
    cells = [cell.strip() for cell in rows[0]]
    named = first > 1 and all(NAME.fullmatch(c) and not SPACED.search(c) for c in cells)
    if width > 1 and count >= CONSISTENT * len(rows):
        # Of two that fit, the one in which the first row is names, then the one with more cells.
        return count / len(rows) + NAMED * (named and first == width) + width / 1000
    share = widths[first] / len(rows)
    return share if named and share >= OF_A_HEADER else 0.0


def _assumptions(layout: Layout, name: str, reading: Reading, told: bool) -> list[tuple[str, str]]:
    assumed = []
    usual = "\t" if _plain_name(name).endswith(".tsv") else ","
    delimiter = layout.dialect.delimiter
    found = delimiter in DELIMITERS and delimiter != usual
    if found and reading.delimiter is None and not told:
        sentence = f"The cells of {name} are separated by {DELIMITERS[delimiter]}."
        assumed.append(("delimiter_assumed", sentence))
    if reading.header is None and layout.header is None:
        sentence = f"{name} has no row of names, so its columns were named here."
        assumed.append(("header_assumed", sentence))
    if layout.skipped:
        lines = count(layout.skipped, "line")
        sentence = f"The first {lines} of {name} stand above the table and were skipped."
        assumed.append(("lines_skipped", sentence))
    return assumed
