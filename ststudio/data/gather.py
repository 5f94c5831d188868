"""Rows into columns within a budget: flattened, cleaned, cut, typed, counted."""

import ast
import datetime
import decimal
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ststudio.data.tables import LeftOut

Value = str | int | float | bool | list[str] | None

UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, and halves of characters: neither is text
WHOLE = re.compile(r"\s*[-+]?(0|[1-9]\d{0,17})\s*", re.ASCII)  # "007" is a name, not a number
NUMBER = re.compile(
    r"\s*[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[-+]?\d{1,3})?\s*", re.ASCII | re.IGNORECASE
)
TRUTH = {"true": True, "false": False}
DEEPEST = 8  # levels of nesting that become dotted names; below, JSON text
NAME_CHARACTERS = 200
NAMED_LINES = 10
EMPTY = "it is empty"
CELL_BYTES = 8  # counted for a value that is no text
IDS = ("_id", "id", "corpus-id", "query-id")  # columns that name a text of a retrieval set


class Full(Exception):
    """The budget of rows or bytes is used up."""


class Unsupported(Exception):
    """A value that has no place in a table of texts."""


@dataclass
class Gathering:
    """The rows of one split, as they come."""

    rows_left: int
    bytes_left: int
    columns_most: int
    cell_characters: int
    textual: bool = False  # cells came as text: numbers are still to be told from words
    rows: int = 0
    bytes: int = 0
    columns: dict[str, list[Value]] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)  # lines, by reason
    cut: int = 0  # cells
    too_many: set[str] = field(default_factory=set)  # columns beyond the limit
    unsupported: set[str] = field(default_factory=set)  # columns
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sought: dict[str, None] = field(default_factory=dict)  # ids for whose rows room is kept
    passed_over: int = 0  # rows, for the sake of those

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Take one row in, raising Full when there is no room for it."""
        if self.sought and not self._has_place(row):
            self.passed_over += 1
            return
        cells: dict[str, Value] = {}
        for name, value in row.items():
            self._flatten(str(name), _unwritten(value) if self.textual else value, cells, 0)
        if not any(value not in (None, "", []) for value in cells.values()):
            self.leave_out(line, EMPTY)
            return
        size = sum(_bytes(value) for value in cells.values())
        if self.rows_left < 1 or self.bytes_left < size:
            raise Full
        self.rows_left -= 1
        self.bytes_left -= size
        self.bytes += size
        for name, value in cells.items():
            self._column(name).append(value)
        self.rows += 1
        for column in self.columns.values():
            if len(column) < self.rows:
                column.append(None)

    def _has_place(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is sought, or leaves enough room for those that are."""
        key = next((str(row[name]) for name in IDS if name in row), "")
        if key in self.sought:
            del self.sought[key]
            return True
        kept = len(self.sought) + 1
        usual = self.bytes / max(self.rows, 1)
        return self.rows_left >= kept and self.bytes_left >= kept * usual

    def leave_out(self, line: int, reason: str) -> None:
        """Count one row that is not taken in."""
        self.left_out.setdefault(reason, []).append(line)

    def _column(self, name: str) -> list[Value]:
        if name not in self.columns:
            self.columns[name] = [None] * self.rows
        return self.columns[name]

    def _flatten(self, name: str, value: object, cells: dict[str, Value], depth: int) -> None:
        if isinstance(value, Mapping) and value and depth < DEEPEST:
            for key, inner in value.items():
                self._flatten(f"{name}.{key}", inner, cells, depth + 1)
            return
        if isinstance(value, list) and depth < DEEPEST and (keys := _shared_keys(value)):
            for key in keys:
                self._flatten(f"{name}.{key}", _field(value, key), cells, depth + 1)
            return
        name = UNPRINTABLE.sub("", name)[:NAME_CHARACTERS].strip() or "column"
        if name not in self.columns and len(self.columns.keys() | cells) >= self.columns_most:
            if len(self.too_many) < self.columns_most:
                self.too_many.add(name)
            return
        try:
            cells[name] = self._value(value)
        except Unsupported:
            self.unsupported.add(name)

    def _value(self, value: object) -> Value:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return value if -(2**63) <= value < 2**63 else self._text(str(value))
        if isinstance(value, float | decimal.Decimal):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, datetime.date | datetime.time):
            return value.isoformat()
        if isinstance(value, Mapping):
            return self._text(_json(value)) if value else None
        if isinstance(value, list | tuple):
            return self._list(value)
        raise Unsupported

    def _list(self, values: list[Any] | tuple[Any, ...]) -> list[str]:
        if values and all(isinstance(v, int | float) for v in values):
            raise Unsupported  # a vector, not text
        return [
            self._text(value if isinstance(value, str) else _json(value))
            for value in values
            if value is not None
        ]

    def _text(self, value: str) -> str:
        if len(value) > self.cell_characters:
            value = value[: self.cell_characters]
            self.cut += 1
        return UNPRINTABLE.sub("", value)

    def table(self) -> pa.Table:
        """Return the rows, each column of one type."""
        cells = {name: _typed(values, self.textual) for name, values in self.columns.items()}
        return pa.table(cells)

    def reasons(self) -> list[LeftOut]:
        """Return what was left out, the first lines named."""
        return [
            LeftOut(reason, len(lines), tuple(lines[:NAMED_LINES]))
            for reason, lines in self.left_out.items()
        ]

    @property
    def read(self) -> int:
        """Return how many rows were looked at."""
        return self.rows + sum(len(lines) for lines in self.left_out.values())


def _unwritten(cell: object) -> object:
    """Return the lists and objects that pandas wrote into a cell: ["a", "b"], {'text': ['a']}."""
    if not isinstance(cell, str) or cell[:1] + cell[-1:] not in ("[]", "{}"):
        return cell
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        texts = isinstance(value, list) and all(isinstance(item, str | dict) for item in value)
        return value if texts or isinstance(value, dict) else cell
    return cell


def _shared_keys(values: list[Any]) -> list[str]:
    """Return the keys of a list's objects, none where it holds anything else."""
    if not all(isinstance(value, Mapping) for value in values):
        return []
    return list(dict.fromkeys(key for value in values for key in value))


def _field(objects: list[Any], key: str) -> Any:  # noqa: ANN401
    """Return one field of a list's objects: one annotation's one result is no list."""
    found = [each[key] for each in objects if each.get(key) is not None]
    return found[0] if len(found) == 1 and isinstance(found[0], list | Mapping) else found


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise Unsupported from None


def _bytes(value: Value) -> int:
    if isinstance(value, str):
        return len(value) + CELL_BYTES
    if isinstance(value, list):
        return sum(map(len, value)) + CELL_BYTES * (len(value) + 1)
    return CELL_BYTES


def _typed(values: list[Value], textual: bool) -> pa.Array:
    """Return a column as the one type that holds all its values."""
    kinds = {type(value) for value in values if value is not None}
    if textual and kinds == {str}:
        return _told(values)
    if not kinds or kinds == {str}:
        return pa.array(values, pa.string())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())  # type: ignore[arg-type]
    if list in kinds:
        lists = [v if v is None or isinstance(v, list) else [_word(v)] for v in values]
        return pa.array(lists, pa.list_(pa.string()))
    return pa.array([None if v is None else _word(v) for v in values], pa.string())


def _word(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _told(values: list[Any]) -> pa.Array:
    """Tell numbers and truth values from words, where every cell is one."""
    filled = [value for value in values if value is not None]
    if all(WHOLE.fullmatch(value) for value in filled):
        return pa.array([None if v is None else int(v) for v in values], pa.int64())
    if all(NUMBER.fullmatch(value) for value in filled):
        numbers = [None if v is None else float(v) for v in values]
        if all(number is None or math.isfinite(number) for number in numbers):
            return pa.array(numbers, pa.float64())
    if all(value.strip().lower() in TRUTH for value in filled):
        words = [None if v is None else TRUTH[v.strip().lower()] for v in values]
        return pa.array(words, pa.bool_())
    return pa.array(values, pa.string())
