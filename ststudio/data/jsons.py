"""Rows in JSON: one a line, or the elements of an array."""

import ast
import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from ststudio.data.names import names_a_role
from ststudio.errors import StudioError

Rows = Iterator[tuple[int, Any]]  # (line, dict), or (line, the reason why it is no row)

DECODER = json.JSONDecoder()
BROKEN = "it is not valid JSON"
TOO_DEEP = "it is nested too deeply"
NO_ROW = "it is neither an object nor a text"
SPACE = " \t\r\n"
LOOKED_AT = 20  # lines
NAME_CHARACTERS = 30  # of a key; longer ones are texts


class BareArray(dict[str, Any]):
    """A row that was written as an array of texts, without a name."""


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
        return as_row(json.loads(line.strip().rstrip(closed)))
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return _printed(line) if line.lstrip()[:2] == "{'" else BROKEN


def _printed(line: str) -> Any:  # noqa: ANN401
    """Return the row that a line of Python printed: {'a': None}."""
    try:
        return as_row(ast.literal_eval(line.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError):
        return BROKEN
    except RecursionError:
        return TOO_DEEP


def as_row(value: object) -> Any:  # noqa: ANN401
    """Return a value as a row, or the reason why it is none."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return BareArray({"set": value})
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
            yield line, as_row(value)


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
