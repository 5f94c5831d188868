"""Rows in the terms of a case: a table's columns read into roles and labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.addresses import addresses, take
from ststudio.data.cases import CASES
from ststudio.data.columns import shared_words
from ststudio.data.findings import Finding, Label
from ststudio.data.guess import Guess, Wish
from ststudio.data.labels import NO_CLASS, Labels, read_classes, read_scores
from ststudio.data.lists import ROW, grown, in_turn
from ststudio.data.tables import LeftOut, Table
from ststudio.data.values import as_text
from ststudio.errors import StudioError

LINES_NAMED = 10  # rows named by number among those left out
UNIT = "\0unit"  # a table's own units, where a reshape made them: the document a pair came from
LABEL_NAME = {"score": "score", "class": "label"}  # what the trainer takes for a label

Masks = Mapping[str, np.ndarray]  # by split: one bool a row


@dataclass(frozen=True)
class Rows:
    """Rows by split: the case's columns in order, score or label, unit and row.

    `unit` is what a split never parts; `row` counts from 1 in the split as it was read.
    """

    case: str
    columns: dict[str, str]  # role: source column
    label: Label | None
    splits: dict[str, pa.Table]
    class_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()  # what was read otherwise than written
    left_out: tuple[LeftOut, ...] = ()

    @property
    def label_name(self) -> str | None:
        """Return the label's column, as the trainer names it."""
        kind = CASES[self.case].label
        return LABEL_NAME[kind] if kind else None

    @property
    def kept(self) -> int:
        """Return how many rows there are in all splits."""
        return sum(split.num_rows for split in self.splits.values())

    @cached_property
    def codes(self) -> dict[str, np.ndarray]:
        """Return one number for each text, int32 [rows, roles]: equal for texts that read alike."""
        roles = CASES[self.case].columns
        chunks = [
            chunk
            for split in self.splits.values()
            for role in roles
            for chunk in split[role].chunks
        ]
        keys = text_keys(pa.chunked_array(chunks, pa.string()))
        numbers = keys.combine_chunks().dictionary_encode()
        if isinstance(numbers, pa.ChunkedArray):
            numbers = numbers.unify_dictionaries().combine_chunks()
        flat = numbers.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        coded, start = {}, 0
        for name, split in self.splits.items():
            size = split.num_rows * len(roles)
            block = flat[start : start + size].reshape(len(roles), split.num_rows)
            coded[name] = np.ascontiguousarray(block.T)
            start += size
        return coded

    def labels(self, split: str) -> np.ndarray | None:
        """Return the labels of a split, None where the case has none."""
        name = self.label_name
        return self.splits[split][name].to_numpy() if name else None

    def without(self, masks: Masks, reason: str) -> "Rows":
        """Drop the masked rows and count them under a reason."""
        lines: list[int] = []
        for name, mask in masks.items():
            lines += self.splits[name]["row"].filter(pa.array(mask)).to_pylist()
        if not lines:
            return self
        kept = {
            name: split.filter(pa.array(~masks[name])) if name in masks else split
            for name, split in self.splits.items()
        }
        left = LeftOut(reason, len(lines), tuple(lines[:LINES_NAMED]))
        return replace(self, splits=kept, left_out=(*self.left_out, left))


def text_keys(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without case, punctuation and spacing: equal for what reads alike."""
    keys = pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pN\pM]+", " ")
    keys = pc.utf8_trim_whitespace(keys)
    return pc.if_else(pc.equal(keys, ""), texts, keys)  # "?!" and emoji are their own key


def read_rows(table: Table, guess: Guess, wish: Wish) -> Rows:
    """Read a table as a guess says; rows without a text or a label are left out, counted."""
    case = CASES[guess.case]
    wide = {name: in_turn(split, guess.columns, wish) for name, split in table.splits.items()}
    known = addresses(table)
    texts = {
        name: {role: as_text(take(split, known[column])) for role, column in guess.columns.items()}
        for name, split in wide.items()
    }
    labels = _read_labels(table, wide, texts, guess, wish)
    splits = {}
    for name, split in wide.items():
        columns = {role: texts[name][role] for role in case.columns}
        if case.label:
            columns[LABEL_NAME[case.label]] = pa.chunked_array([labels.values[name]])
        columns["unit"] = split[UNIT] if UNIT in split.schema.names else columns[case.unit]
        columns["row"] = split[ROW]
        splits[name] = pa.table(columns)
    rows = Rows(guess.case, guess.columns, guess.label, splits, labels.class_names)
    return _complete(replace(rows, findings=(*labels.findings, *grown(table.rows, rows.kept))))


def _read_labels(
    table: Table,
    splits: Mapping[str, pa.Table],
    texts: Mapping[str, Mapping[str, pa.ChunkedArray]],
    guess: Guess,
    wish: Wish,
) -> Labels:
    if guess.label is None:
        return Labels({})
    name = guess.label.column
    address = addresses(table)[name]
    columns = {split: take(rows, address) for split, rows in splits.items()}
    if any(pa.types.is_list(column.type) for column in columns.values()):
        raise StudioError(f'"{name}" holds lists, which no label can be. Choose another label.')
    if guess.label.kind == "score":
        return read_scores(columns, name)

    def closer(one: str, other: str) -> str:
        labels = pc.utf8_trim_whitespace(as_text(columns["train"]))
        first, second = [*texts["train"].values()][:2]

        def overlap(value: str) -> float:
            chosen = pc.fill_null(pc.equal(labels, value), False)
            return shared_words(first.filter(chosen), second.filter(chosen))

        return max((other, one), key=overlap)

    names = table.class_names.get(name, ())
    return read_classes(guess.case, columns, name, tuple(names), wish.classes, closer)


def _complete(rows: Rows) -> Rows:
    """Leave out the rows that lack a text or a label."""
    rows = rows.without(_by_text(rows, pc.is_null), "no text")
    rows = rows.without(_by_text(rows, _blank), "empty text")
    if rows.label_name is None:
        return rows
    unlabelled = {}
    for name in rows.splits:
        labels = rows.labels(name)
        assert labels is not None
        unlabelled[name] = np.isnan(labels) if labels.dtype.kind == "f" else labels == NO_CLASS
    return rows.without(unlabelled, "no label")


def _by_text(rows: Rows, wanting: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> Masks:
    """Mask the rows of which any text is wanting."""
    return {
        name: np.logical_or.reduce(
            [wanting(split[role]).to_numpy().astype(bool) for role in CASES[rows.case].columns]
        )
        for name, split in rows.splits.items()
    }


def _blank(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.equal(pc.utf8_trim_whitespace(texts), "")
