"""The names of columns: whether the first row holds them, and what they are."""

import re
import statistics
from itertools import zip_longest

from ststudio.data.gather import NUMBER

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
CONSISTENT = 0.8  # share of rows with the same number of cells that makes a rule


def find_header(rows: list[list[str]]) -> list[str] | None:
    """Return the names in the first row, or None where it is data."""
    if not rows:
        return None
    first = [cell.strip() for cell in rows[0]]
    rest = [row for row in rows[1:] if row != rows[0]]  # files joined end to end repeat it
    longer = [row for row in rest if len(row) == len(first) + 1]
    # A column of row names without a name of its own; not a delimiter at the end of rows.
    unnamed = int(len(longer) > CONSISTENT * len(rest) and any(row[-1] for row in longer))
    first = [""] * unnamed + first
    return distinct(first) if _looks_like_names(first, rest, unnamed) else None


def _looks_like_names(first: list[str], rest: list[list[str]], unnamed: int) -> bool:
    named = [cell for cell in first[unnamed:] if cell]
    if not named or any(NUMBER.fullmatch(cell) and len(cell) > 2 for cell in named):
        return False
    if any(cell in column for cell, *column in zip_longest(first, *rest) if cell):
        return False  # it returns below, as classes do
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


def invent_header(width: int, delimiter: str) -> list[str]:
    """Name the columns of a file that does not."""
    if not delimiter:
        return ["text"]
    return [f"column{position}" for position in range(1, width + 1)]
