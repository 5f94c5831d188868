"""Rows in a JSON object: by split, by column, by class or by key, and inside of other objects."""

from itertools import zip_longest
from typing import Any

from ststudio.data.jsons import NAME_CHARACTERS, Rows, as_row
from ststudio.data.names import names_a_role
from ststudio.data.tables import SPLIT_NAMES

FEW_KEYS = 5  # an object of so few texts is a row
DEEPEST = 3  # objects around the rows
MANY_CLASSES = 4  # lists as long as each other: fewer may as well be columns


def rows_by_split(value: Any) -> dict[str | None, Rows]:  # noqa: ANN401
    """Find the rows in a value by split, None where it names none."""
    inner = list(value.values()) if isinstance(value, dict) else []
    nested = [part for part in inner if _names_splits(part)]
    if len(nested) == 1 and not _names_splits(value):
        return rows_by_split(nested[0])
    if _names_splits(value):
        splits: dict[str | None, list[tuple[int, Any]]] = {}
        for key in sorted(value, key=lambda key: SPLIT_NAMES[key.lower()] == "train"):
            splits.setdefault(SPLIT_NAMES[key.lower()], []).extend(_numbered(value[key]))
        return {split: iter(rows) for split, rows in splits.items()}
    return {None: iter(_numbered(value))}


def _names_splits(value: Any) -> bool:  # noqa: ANN401
    named = isinstance(value, dict) and "train" in map(SPLIT_NAMES.get, map(str.lower, value))
    return named and all(key.lower() in SPLIT_NAMES for key in value)


def _numbered(value: Any) -> list[tuple[int, Any]]:  # noqa: ANN401
    return list(enumerate(_rows(value), 1))


def _rows(value: Any, depth: int = 0) -> list[Any]:  # noqa: ANN401
    """Find the rows in an object, in the ways that people and libraries write them."""
    if isinstance(value, list):
        return [as_row(item) for item in value]
    if not isinstance(value, dict) or not value:
        return []
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and data:
        if all(isinstance(row, list) and len(row) == len(columns) for row in data):
            return [dict(zip(map(str, columns), row, strict=True)) for row in data]
    inner = list(value.values())
    if all(isinstance(cells, dict) for cells in inner):
        return _from_objects(value, depth)
    for kind, read in ((list, _from_lists), (str, _from_texts)):
        if all(isinstance(cells, kind) for cells in inner):
            return read(value)  # type: ignore[no-any-return]
    return _wrapped(value, depth)


def _from_objects(value: dict[str, dict[str, Any]], depth: int) -> list[Any]:
    """Read rows or columns by their key, or the one table in an object's only field."""
    inner = list(value.values())
    if len(inner) == 1 and depth < DEEPEST and _holds_table(inner[0]):
        return _rows(inner[0], depth + 1)
    alike = set.intersection(*(set(cells) for cells in inner)) or inner[0].keys() >= {"0"}
    return _from_dicts(value) if alike else _wrapped(value, depth)


def _holds_table(value: dict[str, Any]) -> bool:
    """Tell whether one of an object's fields is a list of rows."""
    lists = (cells for cells in value.values() if isinstance(cells, list) and len(cells) > 1)
    return any(all(isinstance(cell, dict) for cell in cells) for cells in lists)


def _from_lists(value: dict[str, list[Any]]) -> list[Any]:
    """Read columns of one length, or the texts of each class."""
    inner = list(value.values())
    tables = [cells for cells in inner if cells and all(isinstance(cell, dict) for cell in cells)]
    if tables:
        return _rows(tables[0]) if len(tables) == 1 else [value]
    if len({len(cells) for cells in inner}) == 1 and not _names_classes(value):
        return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
    if len(inner) > 1 and all(map(names_a_role, value)):  # columns, of which one was cut short
        return [dict(zip(value, row, strict=True)) for row in zip_longest(*inner)]
    return [{"text": text, "label": name} for name, texts in value.items() for text in texts]


def _names_classes(value: dict[str, list[Any]]) -> bool:
    """Tell whether many lists of texts have names that no column has: then they are classes."""
    texts = all(isinstance(cell, str) for cells in value.values() for cell in cells)
    return texts and len(value) >= MANY_CLASSES and not any(map(names_a_role, value))


def _from_dicts(value: dict[str, dict[str, Any]]) -> list[Any]:
    """Read what pandas writes: rows by index, or columns of cells by index."""
    inner = list(value.values())
    by_index = all(str(key).isdigit() for cells in inner for key in cells)
    if by_index and inner[0] and not all(str(key).isdigit() for key in value):
        index = dict.fromkeys(key for cells in inner for key in cells)
        return [{name: cells.get(key) for name, cells in value.items()} for key in index]
    return inner


def _from_texts(value: dict[str, str]) -> list[Any]:
    """Read one row, whose keys are names, or a text for each of many texts."""
    keys = sum(len(key) > NAME_CHARACTERS or len(key.split()) > 3 for key in value)
    if len(value) < FEW_KEYS or 2 * keys < len(value):
        return [value]
    return [{"key": key, "value": text} for key, text in value.items()]


def _wrapped(value: dict[str, Any], depth: int) -> list[Any]:
    """Read the one table inside an object that says other things, too."""
    lists = [cells for cells in value.values() if isinstance(cells, list) and cells]
    tables = [cells for cells in lists if all(isinstance(cell, dict) for cell in cells)]
    tables.sort(key=len, reverse=True)
    if len(tables) == 1 or tables and len(tables[0]) > 2 * len(tables[1]):
        return _rows(tables[0])
    inside = [part for part in value.values() if isinstance(part, dict)]
    found = [rows for part in inside if len(rows := _rows(part, depth + 1)) > 1]
    return found[0] if depth < DEEPEST and not tables and len(found) == 1 else [value]
