"""Rows in a JSON object: by split, by column, by class or by key, and inside of other objects."""

import re
from collections.abc import Collection
from typing import Any

from ststudio.data.findings import quoted
from ststudio.data.jsons import NAME_CHARACTERS, Rows, as_row
from ststudio.data.names import hint, names_a_role
from ststudio.data.tables import SPLIT_NAMES
from ststudio.errors import StudioError

FEW_KEYS = 5  # an object of so few texts is a row
DEEPEST = 3  # objects around the rows
MANY_CLASSES = 4  # lists as long as each other: fewer may as well be columns,
MOST_COLUMNS = 8  # and so may as many,
FEW_TEXTS = 50  # unless they hold too few texts to be a table to learn from
LANGUAGE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?")  # its code: the same texts, translated
NAMED = 0.8  # strength of a name, before it speaks for a column
ASKED, ANSWERED = ("anchor", "sentence1", "premise", "text"), ("positive", "sentence2", "class")


WORDS = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


Assumed = list[tuple[str, str]]  # (finding code, sentence)


def rows_by_split(value: Any, assumed: Assumed) -> dict[str | None, Rows]:  # noqa: ANN401
    """Find the rows in a value by split, None where it names none; raise StudioError.

    What was guessed is added to `assumed`.
    """
    inner = list(value.values()) if isinstance(value, dict) else []
    named = _split_names(value)
    nested = [part for part in inner if _split_names(part)]
    if len(nested) == 1 and not named:
        return rows_by_split(nested[0], assumed)
    if not named:
        return {None: iter(_numbered(_rows(value, assumed)))}
    splits: dict[str | None, list[Any]] = {}
    for key in sorted(named, key=lambda key: named[key] == "train"):
        splits.setdefault(named[key], []).extend(_rows(value[key], assumed))
    splits["train"] += _beside(value, named)
    return {split: iter(_numbered(rows)) for split, rows in splits.items()}


def _split_names(value: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the split that each key with rows names; none where the rows have other names."""
    parts = value.items() if isinstance(value, dict) else ()
    holding = {key: part for key, part in parts if _may_hold_rows(part)}
    named = {key: split for key, part in holding.items() if (split := _split_of(key, part))}
    tables = all(isinstance(value[key], dict) or _is_table(value[key]) for key in named)
    told = len(named) == len(holding) or (len(set(named.values())) > 1 and tables)
    return named if told and "train" in named.values() else {}


def _may_hold_rows(part: Any) -> bool:  # noqa: ANN401
    if isinstance(part, dict):
        return len(part) >= FEW_KEYS or any(isinstance(each, list | dict) for each in part.values())
    return isinstance(part, list)


def _split_of(key: str, part: Any) -> str | None:  # noqa: ANN401
    """Return the split that a key names: "train", or "trainPairs" over rows of several cells."""
    if split := SPLIT_NAMES.get(key.lower()):
        return split
    words = [SPLIT_NAMES[word.lower()] for word in WORDS.split(key) if word.lower() in SPLIT_NAMES]
    return words[0] if len(words) == 1 and _is_table(part) else None


def _is_table(part: Any) -> bool:  # noqa: ANN401
    """Tell whether a value is a list of rows of several cells."""
    return isinstance(part, list) and bool(part) and all(map(_has_cells, part))


def _has_cells(row: Any) -> bool:  # noqa: ANN401
    texts = isinstance(row, list) and any(isinstance(cell, str) for cell in row)  # no vector
    return texts or isinstance(row, dict)


def _beside(value: dict[str, Any], taken: Collection[str]) -> list[str]:
    """Return why rows under other keys are left out, once for each of them."""
    others = {key: part for key, part in value.items() if key not in taken and _is_table(part)}
    instead = quoted([*taken])
    return [
        f'it stands under "{key}", and what was read stands under {instead}'
        for key, part in others.items()
        for _ in part
    ]


def _numbered(rows: list[Any]) -> list[tuple[int, Any]]:
    return list(enumerate(rows, 1))


def _rows(value: Any, assumed: Assumed, depth: int = 0) -> list[Any]:  # noqa: ANN401
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
        return _from_objects(value, assumed, depth)
    if all(isinstance(cells, list) for cells in inner):
        return _from_lists(value, assumed)
    if all(isinstance(cells, str) for cells in inner):
        return _from_texts(value)
    return _wrapped(value, assumed, depth)


def _from_objects(value: dict[str, dict[str, Any]], assumed: Assumed, depth: int) -> list[Any]:
    """Read rows or columns by their key, or the one table in an object's only field."""
    inner = list(value.values())
    if len(inner) == 1 and depth < DEEPEST and _holds_table(inner[0]):
        return _rows(inner[0], assumed, depth + 1)
    alike = set.intersection(*(set(cells) for cells in inner)) or inner[0].keys() >= {"0"}
    return _from_dicts(value) if alike else _wrapped(value, assumed, depth)


def _holds_table(value: dict[str, Any]) -> bool:
    """Tell whether one of an object's fields is a list of rows."""
    lists = (cells for cells in value.values() if isinstance(cells, list) and len(cells) > 1)
    return any(all(isinstance(cell, dict) for cell in cells) for cells in lists)


def _from_lists(value: dict[str, list[Any]], assumed: Assumed) -> list[Any]:
    """Read columns of one length, or the texts of each class."""
    inner = list(value.values())
    if any(cells and all(isinstance(cell, dict) for cell in cells) for cells in inner):
        return _wrapped(value, assumed, 0)
    if len({len(cells) for cells in inner}) == 1 and not _names_classes(value):
        return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
    _refuse_ragged(value)
    said = f"The names of the lists were taken as classes: {quoted([*value])}."
    assumed.append(
        ("classes_assumed", said + " If they are columns, save one object for each row.")
    )
    return [{"text": text, "label": name} for name, texts in value.items() for text in texts]


def _names_classes(value: dict[str, list[Any]]) -> bool:
    """Tell whether lists as long as each other are classes: many, or short, with names of none."""
    texts = all(isinstance(cell, str) for cells in value.values() for cell in cells)
    columns = any(map(names_a_role, value)) or all(map(LANGUAGE.fullmatch, value))
    short = len(next(iter(value.values()))) <= FEW_TEXTS
    many = len(value) > MOST_COLUMNS or (len(value) >= MANY_CLASSES and short)
    return texts and many and not columns


def _refuse_ragged(value: dict[str, list[Any]]) -> None:
    """Refuse lists whose names say that they are columns of one table, which they cannot be."""
    asked, answered = (
        next((key for key in value if any(hint(role, key) >= NAMED for role in roles)), "")
        for roles in (ASKED, ANSWERED)
    )
    if asked and answered and asked != answered:
        raise StudioError(
            f'"{asked}" holds {len(value[asked]):,} cells and "{answered}" '
            f"{len(value[answered]):,}, so nothing says which belong together. Make them equally "
            "long, or save one object for each row."
        )


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


def _wrapped(value: dict[str, Any], assumed: Assumed, depth: int) -> list[Any]:
    """Read the one table inside an object that says other things, too."""
    lists = {key: cells for key, cells in value.items() if isinstance(cells, list) and cells}
    tables = [key for key, cells in lists.items() if all(isinstance(cell, dict) for cell in cells)]
    tables.sort(key=lambda key: -len(lists[key]))
    if len(tables) == 1 or tables and len(lists[tables[0]]) > 2 * len(lists[tables[1]]):
        return [*_rows(lists[tables[0]], assumed), *_beside(value, tables[:1])]
    if tables or depth >= DEEPEST:
        return [value]
    found = []
    for part in (part for part in value.values() if isinstance(part, dict)):
        guessed: Assumed = []
        if len(rows := _rows(part, guessed, depth + 1)) > 1:
            found.append((rows, guessed))
    if len(found) != 1:
        return [value]
    assumed += found[0][1]
    return found[0][0]
