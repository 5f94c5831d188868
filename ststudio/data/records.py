"""Rows of several lines: "Q: …" and "A: …", headings and what they are about, paragraphs."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ststudio.data.findings import quoted

Rows = Iterator[tuple[int, Any]]  # (line, dict), or (line, the reason why it is no row)

CHARACTERS = 40_000  # looked at
CELL = re.compile(
    r"[-*\s]{0,6}\**([^\W\d][^\W_]{0,20}(?:[ _-][^\W_]{1,20}){0,2}) ?\**[:：]\**\s+(\S.*)"
)
QUOTED = re.compile(r'"[,;\t]\S|[,;\t]"\S')  # between two cells; a sentence goes on with a blank
NUMBERED = re.compile(r" ?\d+$")
NUMBER = re.compile(r"^\s*(\d+[.)]|[-*•])\s+")
HEADING = re.compile(r"#{1,6} +(?=\S)")
HEADED = 0.2  # of the lines are headings
NEARLY_ALL = 0.9  # of the blocks between empty lines have two lines
LEAST_ROWS = 5  # before two lines between empty ones are no chance
NOT_TWO = "it has more or fewer than two lines"
OUTSIDE = "it stands between two rows and belongs to none"
WIDEST = 120  # characters of a line that prose is broken to
FULL = 0.7  # of that width is used, but for the last line of a paragraph
GOES_ON = 0.4  # of the lines begin amid a sentence
MOST_NAMES = 8
OFTEN = 0.5  # as often as the name that comes most: other words before a colon are no names
ALIKE = 0.8  # of the rows have the same names
NAMED = 0.5  # of the lines are named; the others go on with the cell above


def read_records(text: str) -> tuple[Rows, str] | None:
    """Return the rows of a text that is written so and how they were told, None of any other."""
    cut = len(text) > CHARACTERS
    sample = text[:CHARACTERS].splitlines()
    if not sample:
        return None
    if names := _names(sample):
        return _named(text.splitlines(), names), f"the lines that begin with {quoted(names)}"
    if _share(filter(str.strip, sample), HEADING.match) >= HEADED and HEADING.match(sample[0]):
        return _headed(text.splitlines()), "a heading and what stands below it"
    blocks = _blocks(sample, cut)
    quotes = any(line.startswith('"') for line in sample)  # an empty line may be inside a cell
    if not quotes and sum(len(block) == 2 for _, block in blocks) >= NEARLY_ALL * len(blocks):
        return _paired(text.splitlines()), "two lines between empty ones"
    if not any(map(QUOTED.search, sample)) and _are_paragraphs([block for _, block in blocks]):
        return _joined(text.splitlines()), "a paragraph: the lines between empty ones"
    return None


def _share(lines: Iterable[str], holds: Callable[[str], object]) -> float:
    held = [bool(holds(line)) for line in lines]
    return sum(held) / max(1, len(held)) if len(held) >= 2 * LEAST_ROWS else 0.0


def _names(sample: Sequence[str]) -> list[str]:
    """Return the names that cells stand behind, none where the text is not written so."""
    lines = [line for line in sample if line.strip()]
    cells = [_cell(line) for line in lines]
    said = Counter(cell[0] for cell in cells if cell)
    most = max(said.values(), default=0)
    names = [name for name, count in said.items() if count >= max(2, OFTEN * most)]
    if not 2 <= len(names) <= MOST_NAMES or not cells[0] or cells[0][0] != names[0]:
        return []
    named = sum(1 for cell in cells if cell and cell[0] in names)
    rows = [tuple(row) for _, row in _named(lines, names) if isinstance(row, dict)]
    alike = Counter(rows).most_common(1)[0][1]
    return names if named >= NAMED * len(lines) and alike >= ALIKE * len(rows) else []


def _cell(line: str) -> tuple[str, str] | None:
    """Return name and text of a cell; a number behind the name counts the rows."""
    found = CELL.match(line)
    return (NUMBERED.sub("", found[1]), found[2].strip()) if found else None


def _headed(lines: Sequence[str]) -> Rows:
    """Give each heading with what stands below it."""
    heading, began, below = "", 0, ""
    for number, line in enumerate(lines, 1):
        if HEADING.match(line):
            if heading:
                yield began, {"heading": heading, "text": below}
            heading, began, below = HEADING.sub("", line).strip(), number, ""
        elif line.strip():
            below = f"{below} {line.strip()}".strip()
    if heading:
        yield began, {"heading": heading, "text": below}


def _blocks(lines: Sequence[str], cut: bool = False) -> list[tuple[int, list[str]]]:
    """Return the lines between empty ones, with the number of the first; the last may be cut."""
    blocks: list[tuple[int, list[str]]] = []
    inside = False
    for number, line in enumerate(lines, 1):
        if line.strip():
            if not inside:
                blocks.append((number, []))
            blocks[-1][1].append(line.strip())
        inside = bool(line.strip())
    return (blocks[:-1] if cut else blocks) if len(blocks) > LEAST_ROWS else [(0, [])]


def _are_paragraphs(blocks: Sequence[Sequence[str]]) -> bool:
    """Tell whether lines are broken at a width and go on below, amid a sentence."""
    ended = [line for block in blocks for line in block[:-1]]
    begun = [line for block in blocks for line in block[1:]]
    if 2 * len(ended) < sum(map(len, blocks)) or any("\t" in line for line in ended):
        return False
    width = max(map(len, ended), default=0)
    return (
        width <= WIDEST
        and _share(ended, lambda line: len(line) >= FULL * width) >= ALIKE
        and _share(begun, lambda line: line[0].islower()) >= GOES_ON
    )


def _joined(lines: Sequence[str]) -> Rows:
    for number, block in _blocks(lines):
        yield number, {"text": " ".join(block)}


def _paired(lines: Sequence[str]) -> Rows:
    for number, block in _blocks(lines):
        if len(block) == 2:
            yield number, {"column1": NUMBER.sub("", block[0]), "column2": block[1]}
        else:
            yield number, NOT_TWO


def _named(lines: Sequence[str], names: Sequence[str]) -> Rows:
    """Give the rows; one begins where a name returns, and ends below an empty line once whole."""
    row: dict[str, str] = {}
    began, last = 1, ""
    for number, line in enumerate(lines, 1):
        cell = _cell(line)
        if cell and cell[0] in names:
            if cell[0] in row:
                yield began, row
                row = {}
            began = began if row else number
            last = cell[0]
            row[last] = cell[1]
        elif not line.strip():
            if len(row) == len(names):
                yield began, row
                row, last = {}, ""
        elif not last:
            yield number, OUTSIDE
        else:
            row[last] = f"{row[last]} {line.strip()}"
    if row:
        yield began, row
