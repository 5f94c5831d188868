"""The names of columns: whether the first row holds them, and what they are."""

import re
import statistics
from itertools import zip_longest

from ststudio.data.gather import NUMBER
from ststudio.data.names import names_a_role

NAME = re.compile(r"#? ?[^\W\d][\w .,'’\-/()#?%:&*]{0,63}|#\d{1,2}( [^\W\d]{1,30})?|\d{1,2}|[#№]")
WRITTEN = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+) ?%?")  # a number, or what people write for one
OTHER_NAMES = frozenset(
    "id description doc lang language name paragraph source subject tags title timestamp date url "
    "author user index nr no idx uuid created_at".split()
)
SENTENCE = re.compile(r"(\S+\s+){3,}\S+[?!.]")
NAME_CHARACTERS = 30  # of a name; texts are longer
SPACED = re.compile(r"\S\s+\S")
CONSISTENT = 0.8  # share of rows with the same number of cells that makes a rule


def find_header(rows: list[list[str]]) -> list[str] | None:
    """Return the names in the first row, or None where it is data."""
    if not rows:
        return None
    first = [cell.strip().strip('"').strip() for cell in rows[0]]
    rest = [row for row in rows[1:] if row != rows[0]]  # files joined end to end repeat it
    longer = [row for row in rest if len(row) == len(first) + 1]
    # A column of row names without a name of its own; not a delimiter at the end of rows.
    unnamed = int(len(longer) > CONSISTENT * len(rest) and any(row[-1] for row in longer))
    first = [""] * unnamed + first
    on_one_line = [" ".join(cell.split()) for cell in first]
    return distinct(first) if _looks_like_names(on_one_line, rest, unnamed) else None


def _looks_like_names(first: list[str], rest: list[list[str]], unnamed: int) -> bool:
    named = [cell for cell in first[unnamed:] if cell]
    if not named or any(NUMBER.fullmatch(cell) and len(cell) > 2 for cell in named):
        return False
    returning = [cell for cell, *column in zip_longest(first, *rest) if cell and cell in column]
    others = [cell for cell in named if cell not in returning]
    if len(set(named)) == 1 and len(named) > 1 and not _is_known(named[0]):
        return False
    if returning and not (len(returning) == 1 and others and all(map(_is_known, others))):
        return False  # it returns below, as classes do
    if any(map(_is_known, named)):
        return True
    empty = sum(not cell and not any(column) for cell, *column in zip_longest(first, *rest))
    if not all(map(NAME.fullmatch, named)) or len(named) < len(first) - empty - 1 - unnamed:
        return False
    return _differs(first, rest)


def _is_known(cell: str) -> bool:
    """Tell whether a cell reads like a column's name that people use."""
    short = len(cell) <= NAME_CHARACTERS and bool(NAME.fullmatch(cell)) and "." not in cell
    return short and (cell.lower() in OTHER_NAMES or names_a_role(cell.lstrip("# ")))


def is_commented_header(line: str, below: str) -> bool:
    """Tell whether a line that begins as a comment does names the columns of the row below it."""
    for mark in "\t,;|":
        cells = line.strip().split(mark)
        if len(cells) > 1 and len(cells) == len(below.split(mark)):
            return all(_is_known(cell.strip()) for cell in cells)
    return False


def is_second_header(rows: list[list[str]]) -> bool:
    """Tell whether the first row below the header is another header: names over numbers."""
    if len(rows) < 3 or not any(rows[0]):
        return False
    first = [cell.strip() for cell in rows[0]]
    if len([cell for cell in first if cell]) > 1 and all(_is_known(c) for c in first if c):
        return True
    over_numbers = False
    for cell, *below in zip_longest(first, *rows[1:], fillvalue=""):
        numbers = [_is_number(value) for value in below if value]
        if cell and numbers and all(numbers) and len(numbers) > 2:
            over_numbers = over_numbers or not _is_number(cell)
        elif cell in below or not _is_short(cell, [value for value in below if value]):
            return False
    return over_numbers


def _is_short(cell: str, below: list[str]) -> bool:
    usual = statistics.median(map(_width, below)) if below else 0
    return len(cell) <= NAME_CHARACTERS and (usual <= 20 or 2 * _width(cell) < usual)


def _differs(first: list[str], rest: list[list[str]]) -> bool:
    """Tell whether the first row is unlike the others: a word over numbers, short over long."""
    short: list[bool] = []
    for column, cell in enumerate(first):
        below = [row[column] for row in rest if len(row) > column and row[column]]
        if not below:
            continue
        if _names_numbers(cell, below):
            return True
        usual = statistics.median(map(_width, below))
        if usual > 20:
            short.append(_width(cell) * 2 < usual and not SENTENCE.fullmatch(cell))
    if short and all(short):
        return True
    if len(first) > 1 and all(cell.endswith("?") for cell in first):  # of a survey
        return not any(cell.endswith("?") for row in rest for cell in row)
    if any(map(SPACED.search, first)):
        return False
    spaced = sum(any(map(SPACED.search, row)) for row in rest)
    return not rest or spaced * 2 > len(rest) or any("_" in cell for cell in first)


def _names_numbers(cell: str, below: list[str]) -> bool:
    """Tell whether a word stands over numbers, or over dates and codes that are written alike."""
    if not NUMBER.fullmatch(cell) and all(map(_is_number, below)):
        return True
    shapes = {_shape(value) for value in below}
    alike = len(shapes) == 1 and len(below) > 2 and "0" in next(iter(shapes))
    return alike and _shape(cell) not in shapes


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell) or WRITTEN.fullmatch(cell.strip()))


def _shape(cell: str) -> str:
    """Return how a cell is written: "2024-03-01" and "1999-12-31" alike."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "0", cell.strip()))


def _width(cell: str) -> int:
    """Return the length of a text, Chinese and its like counted as wide as they print."""
    return len(cell) + sum(letter >= "\u1100" for letter in cell)


def distinct(names: list[str]) -> list[str]:
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


def invent_header(width: int) -> list[str]:
    """Name the columns of a file that does not."""
    if width == 1:
        return ["text"]
    return [f"column{position}" for position in range(1, width + 1)]
