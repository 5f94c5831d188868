"""Nasty files: what people really hand in, each with what a right reader finds in it.

Every file is made here from the built-in sample's texts, or written by hand. What is expected is
what an expert would want of it, whatever the code does.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ststudio.data.builtin import topics

N = 60  # rows, where nothing else is said


@dataclass(frozen=True)
class Nasty:
    """One file, and what a right reader finds in it."""

    name: str
    data: bytes
    case: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    read: int = N
    kept: int = N
    codes: tuple[str, ...] = ()  # findings that must be there
    never: tuple[str, ...] = ()  # findings that must not
    errors: tuple[str, ...] = ()  # exactly those that block
    stuck: tuple[str, ...] = ()  # of those, the ones that only other rows would mend
    first: Mapping[str, Any] = field(default_factory=dict)  # of the first row, by role
    splits: Mapping[str, int] = field(default_factory=dict)  # else everything is train
    lines: tuple[int, ...] | None = None  # named among those left out
    refused: str = ""  # instead of all that: what the refusal says


TOPICS = list(topics().values())
_ASKED = [
    (ticket, reply)
    for number in range(12)
    for topic in TOPICS
    for ticket, reply in [(topic.tickets[number], topic.replies[number])]
    if ticket.endswith("?") and not reply.endswith("?")
]
QUESTIONS = [ticket for ticket, _ in _ASKED]
ANSWERS = [reply for _, reply in _ASKED]
TOLD = [t for number in range(12) for t in (x.tickets[number] for x in TOPICS) if t[-1] != "?"]
SIX = [topic for topic in TOPICS if topic.area in ("Anvil", "Lantern", "Marl")][:6]
CLASSED = [(topic.replies[n], topic.area) for n in range(12) for topic in TOPICS]
AREAS = ("Anvil", "Lantern", "Marl")
TEXTS = [(text, area) for text, area in CLASSED if area in AREAS]
DOCUMENTS = [" ".join(topic.articles) for topic in TOPICS]
ALIKE = [(x.tickets[n], x.tickets[n + 1]) for n in (0, 2, 4) for x in TOPICS]
APART = [
    (x.tickets[n], TOPICS[p - 9].tickets[n + 1]) for n in (0, 2, 4) for p, x in enumerate(TOPICS)
]

Row = Sequence[object]


def lines(rows: Iterable[Row], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    """Write rows as a spreadsheet does, with its line ends."""
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return sink.getvalue()


def asked(rows: int = N) -> list[Row]:
    """Return questions with their answers."""
    return list(zip(QUESTIONS[:rows], ANSWERS[:rows], strict=True))


def judged(rows: int = N) -> list[tuple[str, str, int]]:
    """Return pairs that are alike (1) and not (0), in turn."""
    return [(*(ALIKE, APART)[i % 2][i], 1 - i % 2) for i in range(rows)]


def scored(rows: int = N, steps: int = 50) -> list[tuple[str, str, float]]:
    """Return pairs with a score from 0 to 1, in so many steps."""
    return [(TOLD[i], TOLD[-1 - i], (i * 7 % (steps + 1)) / steps) for i in range(rows)]


def classed(rows: int = N) -> list[tuple[str, str]]:
    """Return texts with their class in words, three of them."""
    return TEXTS[:rows]


def triplets(rows: int = N) -> list[tuple[str, str, str]]:
    """Return questions, their answers, and others' answers."""
    return [(QUESTIONS[i], ANSWERS[i], ANSWERS[-1 - i]) for i in range(rows)]


def nli(rows: int = N) -> list[tuple[str, str, int]]:
    """Return premises with hypotheses of three kinds."""
    return [(TOLD[i // 3], TOLD[-1 - i], i % 3) for i in range(rows)]
