"""Rows in JSON: lines, arrays, columns, dictionaries of splits."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ststudio.data.tables import SPLIT_NAMES
from ststudio.errors import StudioError

Rows = Iterator[tuple[int, Any]]  # (line, dict), or (line, the reason why it is no row)

DECODER = json.JSONDecoder()
BROKEN = "it is not valid JSON"
TOO_DEEP = "it is nested too deeply"
NO_ROW = "it is neither an object nor a text"
SPACE = " \t\r\n"
LOOKED_AT = 20  # lines


def is_json_lines(text: str) -> bool:
    """Tell whether at least half of the first lines are rows by themselves."""
    values = [_row(line) for line in islice(_filled_lines(text), LOOKED_AT)]
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


def _row(line: str) -> Any:  # noqa: ANN401
    """Return the row in one line, or why there is none."""
    try:
        return _as_row(json.loads(line))
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


def read_json(text: str, name: str, cut: bool) -> dict[str | None, Rows]:
    """Give the rows by split, None where the file names none; raise StudioError."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == "[":
        return {None: _elements(text, start, name, cut)}
    if cut:
        raise StudioError(f"{name} is too large to be read as one JSON object. Save it as JSONL.")
    try:
        return {split: iter(rows) for split, rows in _by_split(json.loads(text)).items()}
    except RecursionError:
        raise StudioError(
            f"{name} is nested too deeply. Save it as JSONL, one row a line."
        ) from None
    except ValueError as error:
        raise StudioError(f"{name} is not valid JSON ({error}). Save it again.") from None


def _elements(text: str, start: int, name: str, cut: bool) -> Rows:
    """Give the elements of an array one by one, without holding them all."""
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
        yield line, _as_row(value)


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position


def _by_split(value: Any) -> dict[str | None, list[tuple[int, Any]]]:  # noqa: ANN401
    """Find the rows in an object, in the ways that people and libraries write them."""
    if isinstance(value, dict) and value and all(str(k).lower() in SPLIT_NAMES for k in value):
        splits: dict[str | None, list[tuple[int, Any]]] = {}
        for key in sorted(value, key=lambda key: SPLIT_NAMES[key.lower()] == "train"):
            splits.setdefault(SPLIT_NAMES[key.lower()], []).extend(_numbered(value[key]))
        return splits
    return {None: _numbered(value)}


def _numbered(value: Any) -> list[tuple[int, Any]]:  # noqa: ANN401
    return list(enumerate(_rows(value), 1))


def _rows(value: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(value, list):
        return [_as_row(item) for item in value]
    if not isinstance(value, dict) or not value:
        return []
    inner = list(value.values())
    if all(isinstance(cells, list) for cells in inner) and _same_length(inner):
        if not any(isinstance(cell, dict) for cell in inner[0]):
            return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
    if all(isinstance(cells, dict) for cells in inner):
        return _from_dicts(value)
    lists = [cells for cells in inner if isinstance(cells, list) and cells]
    tables = [cells for cells in lists if all(isinstance(cell, dict) for cell in cells)]
    return _rows(tables[0]) if len(tables) == 1 else [value]


def _same_length(columns: list[list[Any]]) -> bool:
    return len({len(column) for column in columns}) == 1


def _from_dicts(value: dict[str, dict[str, Any]]) -> list[Any]:
    """Read what pandas writes: rows by index, or columns of cells by index."""
    inner = list(value.values())
    by_index = all(str(key).isdigit() for cells in inner for key in cells)
    if by_index and inner[0] and not all(str(key).isdigit() for key in value):
        index = dict.fromkeys(key for cells in inner for key in cells)
        return [{name: cells.get(key) for name, cells in value.items()} for key in index]
    return inner
