"""Rows in JSON: lines, arrays, columns, dictionaries of splits."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from ststudio.data.names import names_a_role
from ststudio.data.tables import SPLIT_NAMES
from ststudio.errors import StudioError

Rows = Iterator[tuple[int, Any]]  # (line, dict), or (line, the reason why it is no row)

DECODER = json.JSONDecoder()
BROKEN = "it is not valid JSON"
TOO_DEEP = "it is nested too deeply"
NO_ROW = "it is neither an object nor a text"
SPACE = " \t\r\n"
LOOKED_AT = 20  # lines
NAME_CHARACTERS = 30  # of a key; longer ones are texts
FEW_KEYS = 5  # an object of so few texts is a row
DEEPEST = 3  # objects around the rows


def is_json_lines(text: str, named: bool) -> bool:
    """Tell whether at least half of the first lines are rows by themselves."""
    closed = "" if is_array(text) else ","  # in an array, rows with a comma are no lines
    lines = list(islice(_filled_lines(text), LOOKED_AT))
    # A line in quotes may as well be the only cell of a row, where the name does not tell.
    values = [_row(line, closed) if named or line[0] in "{[" else None for line in lines]
    if named and values and values[0] == NO_ROW:
        return True
    rows = sum(isinstance(value, dict) for value in values)
    # One line may as well be a whole file: an array, or an object around one.
    return len(values) > 1 and rows * 2 >= len(values)


def _filled_lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].strip()
        if line:
            yield line
        start = end + 1


def is_json(text: str) -> bool:
    """Tell whether the text begins with a JSON array or object, not with a row of cells."""
    start = text.lstrip()
    if start[:1] == "[":
        inner = start[1:].lstrip()
        return inner[:1] in ("{", "[", "]", '"')
    return start[:1] == "{" and start[1:].lstrip()[:1] in ('"', "}")


def read_json_lines(text: str) -> Rows:
    """Give the row of every line that is not empty."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _row(line)


def _row(line: str, closed: str = ",") -> Any:  # noqa: ANN401
    """Return the row in one line, or why there is none."""
    try:
        return _as_row(json.loads(line.strip().rstrip(closed)))
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return BROKEN


def _as_row(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return {"set": value}
        return {f"column{position}": item for position, item in enumerate(value, 1)}
    return NO_ROW


def is_array(text: str) -> bool:
    """Tell whether JSON is an array, whose rows are read one by one."""
    return text.lstrip()[:1] == "["


def parse_json(text: str, name: str, cut: bool) -> Any:  # noqa: ANN401
    """Return the value in a text, or the list of those that stand end to end; raise StudioError."""
    if cut:
        raise StudioError(f"{name} is too large to be read as one JSON object. Save it as JSONL.")
    try:
        values, position = [], _skip(text, 0, SPACE)
        while position < len(text):
            value, position = DECODER.raw_decode(text, position)
            values.append(value)
            position = _skip(text, position, SPACE + ",;")
    except RecursionError:
        raise StudioError(
            f"{name} is nested too deeply. Save it as JSONL, one row a line."
        ) from None
    except ValueError as error:
        raise StudioError(f"{name} is not valid JSON ({error}). Save it again.") from None
    return values[0] if len(values) == 1 else values


def read_array(text: str, name: str, cut: bool) -> Rows:
    """Give the elements of an array one by one, without holding them all; raise StudioError."""
    elements = _elements(text, len(text) - len(text.lstrip()), name, cut)
    first = next(elements, None)
    header = first[1] if first else None
    if not isinstance(header, list) or not header or not all(map(_is_name, header)):
        header = None
    for line, value in elements if header or not first else chain([first], elements):
        if header and isinstance(value, list) and len(value) == len(header):
            yield line, dict(zip(header, value, strict=True))
        else:
            yield line, _as_row(value)


def _is_name(cell: object) -> bool:
    """Tell whether the first of several arrays has a column's name for this."""
    return isinstance(cell, str) and len(cell) <= NAME_CHARACTERS and names_a_role(cell)


def _elements(text: str, start: int, name: str, cut: bool) -> Rows:
    position, line, counted = start + 1, 1 + text.count("\n", 0, start), start
    while True:
        position = _skip(text, position, SPACE + ",")
        if text[position : position + 1] == "]":
            return
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, position = DECODER.raw_decode(text, position)
        except RecursionError:
            raise StudioError(f"{name} is nested too deeply. Save it as JSONL.") from None
        except ValueError:
            if cut:
                return
            raise StudioError(
                f"{name} is not valid JSON: row or line {line:,} is broken. Mend it, or save the "
                "file as JSONL, where a broken line costs only itself."
            ) from None
        yield line, value


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position


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
        return [_as_row(item) for item in value]
    if not isinstance(value, dict) or not value:
        return []
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and data:
        if all(isinstance(row, list) and len(row) == len(columns) for row in data):
            return [dict(zip(map(str, columns), row, strict=True)) for row in data]
    inner = list(value.values())
    if all(isinstance(cells, dict) for cells in inner):
        alike = set.intersection(*(set(cells) for cells in inner)) or inner[0].keys() >= {"0"}
        return _from_dicts(value) if alike else _wrapped(value, depth)
    for kind, read in ((list, _from_lists), (str, _from_texts)):
        if all(isinstance(cells, kind) for cells in inner):
            return read(value)  # type: ignore[no-any-return]
    return _wrapped(value, depth)


def _from_lists(value: dict[str, list[Any]]) -> list[Any]:
    """Read columns of one length, or the texts of each class."""
    inner = list(value.values())
    tables = [cells for cells in inner if cells and all(isinstance(cell, dict) for cell in cells)]
    if tables:
        return _rows(tables[0]) if len(tables) == 1 else [value]
    if len({len(cells) for cells in inner}) == 1:
        return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
    return [{"text": text, "label": name} for name, texts in value.items() for text in texts]


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
