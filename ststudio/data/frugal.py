"""Rows of Parquet files within a budget of bytes: what does not fit is left out, and said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ststudio.data.findings import quoted
from ststudio.data.gather import Gathering
from ststudio.data.parquets import ParquetFile
from ststudio.data.partial import gaps
from ststudio.data.row_groups import Choice, Plan, evenly, groups_of, spans_of
from ststudio.data.sampling import Sample
from ststudio.data.tables import Missing, Part, Span
from ststudio.errors import StudioError

NOT_SHOWN = "columns_not_shown"
FEWER = (20, 10, 5)  # rows that are tried before a column is given up,
FEWEST = (2, 1)  # and before the last one is
BLOCKS_SHARE = 8  # a column asks for at most this part of its share beyond what it needs
LEAST_BLOCK = 16 << 10  # bytes: the header of a page is looked for in as many
MOST_GROUPS = 32  # that are compared


class FrugalSample(Sample):
    """A few rows of some Parquet files, for no more bytes than `fetched_bytes`."""

    def __init__(
        self, contents: Sequence[Part | bytes], gathering: Gathering, limits: Mapping[str, int]
    ) -> None:
        super().__init__(contents, gathering, limits)
        parts = [part for part in contents if isinstance(part, Part)]
        self._left = limits["fetched_bytes"] - sum(
            stop - start for part in parts for start, stop in part.has
        )
        self._fetched = limits["fetched_bytes"]
        self._without: dict[str, None] = {}  # columns

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give numbered rows of the columns that fit; raise StudioError where none does."""
        self._open()
        self._plan = self._choose()
        while True:
            rows = list(self._rows())
            missed = self._missed()
            if not missed:
                break
            if _size(missed) <= self._left:
                raise Missing(missed)
            rows = self._fewer(missed)
            if rows:
                break
            self._give_up(missed)
        if names := list(self._without):
            said = f"These columns come in pieces too large for a first look: {quoted(names)}."
            self.assumed.append((NOT_SHOWN, said))
        yield from rows

    def check(self) -> None:
        """Raise Missing for what turned out to be missing, as far as it may be fetched."""
        missed = self._missed()
        if _size(missed) > self._left:
            raise StudioError(
                f"What {self._files[0].name} says of itself is too long for a first look. "
                "Read all of it, or choose another subset."
            )
        if missed:
            raise Missing(missed)

    def _choose(self) -> Plan:
        """Choose the first rows, or those of the group of which the most columns fit."""
        for file in self._files:
            if file.holed:
                most = self._fetched // (BLOCKS_SHARE * max(len(file.columns), 1))
                file.holed.block = max(min(file.holed.block, most), LEAST_BLOCK)
        plan = self._planned(1, fetched=True)
        wanted = self._wanted(plan)
        if _size(wanted) <= self._left:
            if wanted:
                raise Missing(wanted)
            return plan
        groups = self._groups(max(choice.rows for choice in plan.choices))
        chosen = max(groups, key=lambda choice: len(self._fitting(choice)))  # the first such
        file = self._files[chosen.file]
        fitting = self._fitting(chosen)
        self._without = dict.fromkeys(name for name in file.columns if name not in fitting)
        file.columns = [name for name in file.columns if name in fitting]
        if not file.columns:
            self._refuse()
        plan = replace(plan, choices=(chosen,))
        if wanted := self._wanted(plan):
            raise Missing(wanted)
        return plan

    def _groups(self, rows: int) -> list[Choice]:
        """Return the first rows of each group, of some from all over where there are very many."""
        described = [file.file.metadata for file in self._files]
        groups = [replace(group, rows=min(rows, group.of)) for group in groups_of(described)]
        return [groups[at] for at in evenly(len(groups), min(len(groups), MOST_GROUPS))]

    def _fitting(self, choice: Choice) -> list[str]:
        """Return the columns that fit, the cheapest first."""
        file = self._files[choice.file]
        costs = sorted((self._cost(choice, name), name) for name in file.columns)
        left, fitting = self._left, []
        for cost, name in costs:
            left -= cost
            if left < 0:
                break
            fitting.append(name)
        return fitting

    def _cost(self, choice: Choice, column: str) -> int:
        """Count the bytes that are still to be fetched of a column."""
        file = self._files[choice.file]
        if file.holed is None:
            return 0
        has = file.holed.part.has
        spans = self._spans_of(file, choice, [column])
        return sum(stop - start for span in spans for start, stop in gaps(span, has))

    def _spans_of(self, file: ParquetFile, choice: Choice, columns: Sequence[str]) -> list[Span]:
        assert file.holed is not None
        with file.explaining():
            group = file.file.metadata.row_group(choice.group)
            return spans_of(group, columns, choice.rows, file.holed.size)
        return []

    def _wanted(self, plan: Plan) -> dict[str, list[Span]]:
        """Return what is not here of a plan, without what lies between."""
        wanted: dict[str, list[Span]] = {}
        for choice in plan.choices:
            for part, spans in self._spans(choice):
                missing = [gap for span in spans for gap in gaps(span, part.has)]
                if missing:
                    wanted.setdefault(str(part.path), []).extend(missing)
        return wanted

    def _fewer(self, missed: Mapping[str, list[Span]]) -> list[tuple[int, dict[str, Any]]]:
        """Try with fewer rows, for which no more bytes are needed."""
        plan = self._plan
        last = len(self._files[plan.choices[0].file].columns) == 1
        for count in (*FEWER, *FEWEST) if last else FEWER:
            first = replace(plan.choices[0], rows=min(count, plan.choices[0].rows))
            self._plan = replace(plan, choices=(first,))
            self._forget()
            rows = list(self._rows())
            if not self._missed():
                return rows
        self._plan = plan
        return []

    def _give_up(self, missed: Mapping[str, list[Span]]) -> None:
        """Leave out the column that asks for more than there is."""
        (start, _), *_ = next(iter(missed.values()))
        for choice in self._plan.choices:
            file = self._files[choice.file]
            for name in list(file.columns) if file.holed else ():
                group = file.file.metadata.row_group(choice.group)
                spans = spans_of(group, [name], group.num_rows, file.holed.size)  # type: ignore[union-attr]
                if str(file.holed.part.path) in missed and any(a <= start < b for a, b in spans):  # type: ignore[union-attr]
                    self._drop(name)
                    return
        self._refuse()

    def _drop(self, name: str) -> None:
        self._without[name] = None
        self._forget()
        for file in self._files:
            file.columns = [column for column in file.columns if column != name]
        if not all(file.columns for file in self._files):
            self._refuse()

    def _forget(self) -> None:
        for file in self._files:
            if file.holed:
                file.holed.missed = []

    def _refuse(self) -> None:
        raise StudioError(
            f"{self._files[0].name} keeps its rows in pieces too large for a first look."
        )


def _size(spans: Mapping[str, Sequence[Span]]) -> int:
    return sum(stop - start for found in spans.values() for start, stop in found)
