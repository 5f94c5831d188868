"""Python source from values: whatever these hold, none becomes code or ends its string."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 100  # of a line
INDENT = 4
SAID_CHARACTERS = 2_000  # of one comment


def literal(value: Any, indent: int = 0, taken: int = 0) -> str:
    """Return a JSON value as Python source, in one line where `taken` characters leave room.

    Raises TypeError for a value of any other kind, and for numbers that are none.
    """
    if isinstance(value, str):
        return _quoted(value)
    if value is None or (isinstance(value, bool | int | float) and math.isfinite(value)):
        return repr(value)
    if not isinstance(value, Mapping | list | tuple):
        raise TypeError(f"no literal can be made of {type(value).__name__}")
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    line = opening + ", ".join(_items(value, indent)) + closing
    if "\n" not in line and indent + taken + len(line) < WIDTH:
        return line
    deeper = " " * (indent + INDENT)
    items = "".join(f"{deeper}{item},\n" for item in _items(value, indent + INDENT))
    return f"{opening}\n{items}{' ' * indent}{closing}"


def _items(value: Mapping[str, Any] | Sequence[Any], indent: int) -> list[str]:
    if not isinstance(value, Mapping):
        return [literal(item, indent) for item in value]
    keys = [f"{literal(key)}: " for key in value]
    return [
        key + literal(item, indent, len(key))
        for key, item in zip(keys, value.values(), strict=True)
    ]


def _quoted(text: str) -> str:
    """Return a text in the quotes that need fewer escapes; what cannot be seen is escaped."""
    quote = '"' if text.count('"') <= text.count("'") else "'"
    signs = (f"\\{sign}" if sign == quote else repr(sign)[1:-1] for sign in text)
    # repr() puts an apostrophe between double quotes, and a double quote between apostrophes.
    return quote + "".join(signs) + quote


def comment(said: str) -> str:
    """Return a sentence as lines of comment."""
    seen = "".join(sign if sign.isprintable() else " " for sign in said[:SAID_CHARACTERS])
    # "# /// script" would begin a second block of metadata, which is refused as a whole.
    words = " ".join(seen.replace("///", "/ / /").split())
    lines = textwrap.wrap(words, WIDTH - 2, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def call(start: str, arguments: Iterable[str]) -> str:
    """Return a call, one argument a line where they do not fit beside each other."""
    given = list(arguments)
    line = f"{start}({', '.join(given)})"
    if "\n" not in line and len(line) <= WIDTH:
        return f"{line}\n"
    return f"{start}(\n" + "".join(f"    {argument},\n" for argument in given) + ")\n"


def named(values: Mapping[str, Any]) -> list[str]:
    """Return values as keyword arguments of a call that stands at the left edge."""
    return [f"{name}={literal(value, INDENT, len(name) + 1)}" for name, value in values.items()]


def imported(names: Iterable[str]) -> str:
    """Return import statements for dotted names; "module:name" is imported from its module."""
    whole = sorted({name for name in names if ":" not in name}, key=str.lower)
    parts: dict[str, set[str]] = {}
    for name in sorted({name for name in names if ":" in name}):
        module, _, part = name.partition(":")
        parts.setdefault(module, set()).add(part)
    lines = [f"import {name}\n" for name in whole]
    for module in sorted(parts, key=str.lower):
        # Classes and functions apart, as isort has it: constants, then classes, then the rest.
        found = sorted(parts[module], key=lambda part: (not part[0].isupper(), part))
        line = f"from {module} import {', '.join(found)}\n"
        if len(line) > WIDTH + 1:
            line = f"from {module} import (\n" + "".join(f"    {p},\n" for p in found) + ")\n"
        lines.append(line)
    return "".join(lines)


@dataclass
class Code:
    """Lines of a script, and what they import."""

    text: str = ""
    imports: set[str] = field(default_factory=set)

    def add(self, text: str, *imports: str) -> None:
        """Add lines, and the dotted names that they need."""
        self.text += text
        self.imports |= {*imports}
