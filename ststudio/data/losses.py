"""Rows that were left out while reading: joined reason by reason, and said."""

from collections.abc import Iterable, Iterator

from ststudio.data.cells import OPEN_QUOTE
from ststudio.data.delimited import NAMES_AGAIN, RAGGED
from ststudio.data.findings import count
from ststudio.data.gather import EMPTY, NAMED_LINES, Gathering
from ststudio.data.jsons import BROKEN, NO_ROW, TOO_DEEP
from ststudio.data.records import NOT_TWO, OUTSIDE
from ststudio.data.tables import LeftOut
from ststudio.data.unfold import NO_ANSWER

# What is said of rows that were left out, by the reason.
LOSSES = {
    RAGGED: "ragged_rows",
    OPEN_QUOTE: "ragged_rows",
    NAMES_AGAIN: "header_repeated",
    EMPTY: "empty_rows",
    BROKEN: "unreadable",
    TOO_DEEP: "unreadable",
    NO_ROW: "unreadable",
    NO_ANSWER: "no_answer",
    NOT_TWO: "ragged_rows",
    OUTSIDE: "ragged_rows",
}


def losses(left_out: Iterable[LeftOut]) -> Iterator[tuple[str, str]]:
    """Say of each reason how many rows were left out, and name the first."""
    for left in left_out:
        lines = ", ".join(f"{line:,}" for line in left.lines[:5]) + " …" * (left.count > 5)
        said = f"{count(left.count, 'row')} left out (line {lines}): {left.reason}."
        yield LOSSES.get(left.reason, "unreadable"), said


def merged(gathered: Iterable[Gathering]) -> tuple[LeftOut, ...]:
    """Join what was left out of each split, reason by reason."""
    merged: dict[str, LeftOut] = {}
    for left in (left for found in gathered for left in found.reasons()):
        before = merged.get(left.reason, LeftOut(left.reason, 0, ()))
        lines = (before.lines + left.lines)[:NAMED_LINES]
        merged[left.reason] = LeftOut(left.reason, before.count + left.count, lines)
    return tuple(merged.values())
