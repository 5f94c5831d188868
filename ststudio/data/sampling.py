"""Rows from all over the Parquet files of a split, from as few bytes of them as they need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ststudio.data.gather import Gathering
from ststudio.data.parquets import ParquetFile
from ststudio.data.partial import need
from ststudio.data.row_groups import Choice, Plan, evenly, plan_rows, row_bytes, spans_of
from ststudio.data.tables import Missing, Part, Span

MOST_FILES = 64  # opened of one split
SMALL = 1 << 20  # bytes of a file that is not worth fetching in parts
SPREAD_BYTES = 8 << 20  # that may be fetched for more variety: each piece begins with dictionaries
TAIL = 64 << 10  # bytes at the end, where files describe themselves


@dataclass(frozen=True)
class Scope:
    """What the rows of a split were taken from."""

    there: str = ""  # how many there are, where that is known
    where: str = ""  # a phrase


class Sample:
    """As many rows of some Parquet files as may be read."""

    def __init__(
        self, contents: Sequence[Part | bytes], gathering: Gathering, limits: Mapping[str, int]
    ) -> None:
        self.gathering, self._offered = gathering, len(contents)
        self._spread, self._text_bytes = limits["spread"], limits["decoded_bytes"]
        count = _enough([part.size for part in contents if isinstance(part, Part)], limits)
        chosen = [contents[place] for place in evenly(len(contents), count)]
        self._files = [ParquetFile(content) for content in chosen]
        self._plan = Plan((), 0)
        self.assumed: list[tuple[str, str]] = []

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give numbered rows; raise StudioError, or Missing for what must be here first."""
        self._open()
        self._plan = self._choose()
        yield from self._rows()

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        plan = self._plan
        for done, choice in enumerate(plan.choices):
            before = self.gathering.bytes_left
            # Where the bytes run short, each group gives its share.
            share = before if plan.whole else before // (len(plan.choices) - done)
            file = self._files[choice.file]
            for numbered in file.rows(choice, self.gathering.cell_characters):
                yield numbered
                if before - self.gathering.bytes_left > share:
                    break

    def check(self) -> None:
        """Raise Missing for what turned out to be missing."""
        if missed := self._missed():
            raise Missing(missed)

    def _missed(self) -> dict[str, list[Span]]:
        return {
            str(file.holed.part.path): file.holed.missed
            for file in self._files
            if file.holed and file.holed.missed
        }

    @property
    def whole(self) -> bool:
        """Tell whether every row was to be read."""
        return self._plan.whole and len(self._files) == self._offered

    @property
    def scope(self) -> Scope:
        """Say which of how many rows these are."""
        rows, opened, pieces = f"{self._plan.rows:,}", len(self._files), len(self._plan.choices)
        if self.whole or pieces == 1 == self._offered:
            return Scope(rows)
        files = f"{opened} of its {self._offered} files" if self._offered > 1 else "its file"
        there = rows if opened == self._offered else f"over {rows}"
        return Scope(there, f", in {pieces:,} pieces from all over {files}")

    def _open(self) -> None:
        """Read what the files say of themselves."""
        small = min(SMALL, self._text_bytes // 4)
        need(
            (file.holed.part, [_tail(file.holed.part, small)]) for file in self._files if file.holed
        )
        for file in self._files:
            file.open(self.gathering)
        self.check()

    def _choose(self) -> Plan:
        """Choose rows, and raise Missing where their bytes are not here."""
        plan = self._planned(self._spread, any(file.holed for file in self._files))
        need(found for choice in plan.choices for found in self._spans(choice))
        return plan

    def _planned(self, spread: int, fetched: bool) -> Plan:
        """Choose rows; where they are to be fetched, as far as bytes allow, and not too widely."""
        described = [file.file.metadata for file in self._files]
        plan = plan_rows(described, self.gathering.rows_left, spread)
        if not fetched:
            return plan
        size = 0.0
        for choice in plan.choices:
            file = self._files[choice.file]
            with file.explaining():
                group = file.file.metadata.row_group(choice.group)
                size += choice.rows * row_bytes(group, file.columns)
        share = self.gathering.bytes_left / max(size, 1)
        if share < 1:  # what could not be kept is not fetched
            plan = replace(plan, choices=tuple(_cut(plan.choices, share)))
        spans = [span for c in plan.choices for _, found in self._spans(c) for span in found]
        if spread > 1 and sum(stop - start for start, stop in spans) > size + SPREAD_BYTES:
            return self._planned(spread // 2, fetched)
        return plan

    def _spans(self, choice: Choice) -> Iterator[tuple[Part, list[Span]]]:
        file = self._files[choice.file]
        if file.holed is None:
            return
        with file.explaining():
            group = file.file.metadata.row_group(choice.group)
            yield file.holed.part, spans_of(group, file.columns, choice.rows, file.holed.size)


def _enough(sizes: Sequence[int | None], limits: Mapping[str, int]) -> int:
    """Count the files that hold enough bytes, or a few more: a sorted dataset shows all of it."""
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or not known:
        return max(len(sizes), 1)
    usual = sum(known) / len(known)
    enough = int(limits["decoded_bytes"] / max(usual, 1)) + 1
    return min(max(enough, limits["spread"] // 4, 1), len(known), MOST_FILES)


def _tail(part: Part, small: int) -> Span:
    size = part.size or 0
    return (0 if size <= small else max(size - TAIL, 0), size)


def _cut(choices: Sequence[Choice], share: float) -> Iterator[Choice]:
    for choice in choices:
        yield replace(choice, rows=max(int(choice.rows * share), 1))
