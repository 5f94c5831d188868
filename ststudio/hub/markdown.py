"""Text from data as Markdown that shows it as it is."""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence

CELL_CHARACTERS = 200

# Invisible characters that turn the reading order around; text from the data may hold them.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # categories of characters
TICKS = re.compile("`+")
# Also what would begin a list, and what some readers turn into links, emoji or people's names.
MARKUP = re.compile(r"(^[-+=]|[\\`*_\[\]#~$:@]|(?<=\d)[.)](?=\s)|(?<=[Ww]{3})\.)")


def one_line(value: object, limit: int = CELL_CHARACTERS) -> str:
    """Return a value as one line of printable text, cut to `limit` characters."""
    kept = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign
        for sign in str(value)[: 4 * limit]
        if sign not in BIDI
    )
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain(value: object, limit: int = CELL_CHARACTERS) -> str:
    """Return a value as Markdown that shows it as it is: no markup, HTML, link or cell border."""
    text = MARKUP.sub(r"\\\1", html.escape(one_line(value, limit), quote=False))
    return text.replace("|", "&#124;")  # tables are cut at pipes before anything else is read


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table of escaped cells."""
    lines = [head, *rows]
    cells = ["| " + " | ".join(plain(cell) or " " for cell in line) + " |" for line in lines]
    return "\n".join([cells[0], "|" + " --- |" * len(head), *cells[1:]])


def fenced(text: str, language: str = "") -> str:
    """Return a text as a block of code that nothing within it can end."""
    lines = [
        "".join(" " if unicodedata.category(sign) in UNPRINTED else sign for sign in line)
        for line in text.split("\n")
    ]
    longest = max(map(len, TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])
