"""Rows of Parquet files that are named by their ids: ids are read first, then what holds them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.gather import IDS, Gathering
from ststudio.data.parquets import ParquetFile
from ststudio.data.partial import need
from ststudio.data.row_groups import Choice, Plan, evenly, groups_of, level, range_of, spans_of
from ststudio.data.sampling import MOST_FILES, Sample
from ststudio.data.tables import Part, Span

IDS_SHARE = 0.5  # of the bytes of text that may be kept: so many are fetched to look for ids,
TEXTS_SHARE = 2.0  # and so many to read the rows that were found
MOST_PIECES = 256  # fetched of each: every one is a request
ID_ROWS = 65_536  # at once


@dataclass(frozen=True)
class _Found:
    """A row group, and where in it the rows are that were sought."""

    group: Choice
    places: tuple[int, ...]  # in order
    keys: tuple[str, ...]
    worth: int  # the more, the more wanted they are


class SoughtSample(Sample):
    """The rows that a gathering seeks, as far as bytes allow, among others beside them."""

    def __init__(
        self, contents: Sequence[Part | bytes], gathering: Gathering, limits: Mapping[str, int]
    ) -> None:
        super().__init__(contents, gathering, limits)
        count = min(len(contents), MOST_FILES)
        self._files = [ParquetFile(contents[place]) for place in evenly(len(contents), count)]
        sought = list(gathering.sought)
        self._worth = {key: len(sought) - place for place, key in enumerate(sought)}
        self._bytes = limits["decoded_bytes"]

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give numbered rows, those that are sought and others of the same row groups."""
        self._open()
        usual = self._planned(self._spread, any(file.holed for file in self._files))
        chosen = [] if usual.whole else self._affordable(list(self._look()), usual)
        self.check()
        if not usual.whole:  # room is kept only for what will come
            self.gathering.sought = dict.fromkeys(key for found in chosen for key in found.keys)
        if not chosen:
            yield from super().read()
            return
        need(spans for found in chosen for spans in self._spans(found.group))
        places = self._places(chosen)
        groups = [replace(f.group, rows=len(rows)) for f, rows in zip(chosen, places, strict=True)]
        self._plan = Plan(tuple(groups), usual.rows)
        for found, taken in zip(chosen, places, strict=True):
            file = self._files[found.group.file]
            yield from file.rows(found.group, self.gathering.cell_characters, taken)

    def _places(self, chosen: Sequence[_Found]) -> list[list[int]]:
        """Return which rows of each group are taken: what is sought, and others that distract."""
        left = self.gathering.rows_left - sum(len(found.places) for found in chosen)
        others = level([found.group.rows - len(found.places) for found in chosen], max(left, 0))
        taken = []
        for found, share in zip(chosen, others, strict=True):
            sought = set(found.places)
            beside = (place for place in range(found.group.rows) if place not in sought)
            taken.append(sorted([*sought, *islice(beside, share)]))
        return taken

    def _look(self) -> Iterator[_Found]:
        """Read the ids of the row groups that may hold what is sought."""
        groups = self._promising()
        need(spans for group in groups for spans in self._spans(group, self._id_of(group)))
        wanted = pa.array(list(self._worth), pa.string())
        for group in groups:
            file, places, keys, start = self._files[group.file], [], [], 0
            with file.explaining():
                for batch in file.file.iter_batches(
                    ID_ROWS, [group.group], self._id_of(group), use_threads=False
                ):
                    ids = batch.column(0).cast(pa.string())
                    here = np.flatnonzero(pc.is_in(ids, value_set=wanted).to_numpy(False))
                    keys += ids.take(here).to_pylist()
                    places += (here + start).tolist()
                    start += batch.num_rows
            if places:
                worth = sum(self._worth[key] for key in keys)
                held = replace(group, rows=places[-1] + 1)
                yield _Found(held, tuple(places), tuple(keys), worth)

    def _id_of(self, group: Choice) -> list[str]:
        columns = self._files[group.file].columns
        return [name for name in IDS if name in columns][:1]

    def _promising(self) -> list[Choice]:
        """Return the groups whose ids are worth reading, the likeliest first, in the file's order.

        A file says from which to which id each of its groups goes.
        """
        ordered = sorted(self._worth)
        likely: list[tuple[float, Choice]] = []
        for group in groups_of([file.file.metadata for file in self._files]):
            column = self._id_of(group)
            file = self._files[group.file]
            with file.explaining():
                described = file.file.metadata.row_group(group.group)
                lies = range_of(described, column[0]) if column else ("", "")
                inside = len(ordered) if lies is None else _between(ordered, *lies)
                if column and inside:
                    likely.append((inside / group.of, group))
        likely.sort(key=lambda pair: -pair[0])
        kept = list(self._within([group for _, group in likely], IDS_SHARE, ids=True))
        return sorted(kept, key=lambda group: (group.file, group.group))

    def _affordable(self, found: list[_Found], usual: Plan) -> list[_Found]:
        """Return what gives the most of what is sought for its bytes, then some of all others.

        A corpus of little but answers would make every search look easy.
        """
        found.sort(key=lambda one: -one.worth / max(self._cost(one.group, False), 1))
        there = {(one.group.file, one.group.group) for one in found}
        others = [c for c in usual.choices if (c.file, c.group) not in there] if found else []
        every = [*found, *(_Found(choice, (), (), 0) for choice in others)]
        kept = set(self._within([one.group for one in every], TEXTS_SHARE, ids=False))
        return [one for one in every if one.group in kept]

    def _within(self, groups: Sequence[Choice], share: float, ids: bool) -> Iterator[Choice]:
        left, pieces = self._bytes * share, MOST_PIECES
        for group in groups:
            cost = self._cost(group, ids)
            if cost <= left and pieces:
                left -= cost
                pieces -= cost > 0
                yield group

    def _cost(self, group: Choice, ids: bool) -> int:
        columns = self._id_of(group) if ids else self._files[group.file].columns
        return sum(b - a for _, found in self._spans(group, columns) for a, b in found)

    def _spans(
        self, choice: Choice, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[Part, list[Span]]]:
        file = self._files[choice.file]
        if file.holed is None:
            return
        with file.explaining():
            group = file.file.metadata.row_group(choice.group)
            names = file.columns if columns is None else columns
            yield file.holed.part, spans_of(group, names, choice.rows, file.holed.size)


def _between(ordered: Sequence[str], low: str, high: str) -> int:
    return int(np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left"))
