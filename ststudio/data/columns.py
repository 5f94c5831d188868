"""What a column holds: its kind, told from values first and its name last."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.addresses import addresses, longest, take
from ststudio.data.ids import are_files, names_an_id
from ststudio.data.names import TEXT_ROLES, hint, names_a_text
from ststudio.data.repeated import attributions, copies
from ststudio.data.tables import Table
from ststudio.data.values import as_numbers

NONE: frozenset[str] = frozenset()
Kind = Literal["text", "number", "bool", "empty"]

LOOKED_AT = 4_000  # rows: enough to tell a kind, few enough to tell it at once
COMPARED = 500  # rows whose words are compared
LISTED = 300  # distinct values kept by name
HANDFUL = 8  # distinct words: classes, whatever their column is called
FEW = 3  # rows whose texts may all be the same by chance

PER_CENT = r"(?i)\d\s*(%|percent|pct)$"
SENTENCE = r"(\S+\s+){3,}\S*[.!?…]['\"”)]*$"
# Two words, or as much of a script that is written without spaces.
SPACED = r"\S\s+\S|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{6,}"
# No letter at all, or a day and a month beside a year.
WORDLESS = (
    r"^[^\p{L}]*$|^(\p{L}{3,9}\.?,? )?(\p{L}{3,9}\.? \d{1,2}|\d{1,2}\.? \p{L}{3,9})\b"
    r".{0,24}\b(19|20)\d{2}\b.{0,8}$"
)

# Beside these, a "score" counts the readers' votes.
FORUM = re.compile(
    r"(?i)((view|answer|comment|favou?rite|reply)_?count|num_?comments|(up|down)_?(vote)?s"
    r"|tags|subreddit)"
)


@dataclass(frozen=True)
class Column:
    """One column, or one part of a list column, as its values show it."""

    name: str
    kind: Kind
    rows: int  # looked at
    filled: int
    distinct: int
    characters: float = 0.0  # mean length
    spaced: float = 0.0  # share of texts of several words
    questions: float = 0.0  # share of texts that end with a question mark
    sentences: float = 0.0  # share of texts of several words that end as sentences do
    numeric: float = 0.0  # share of texts that are numbers
    low: float = 0.0
    high: float = 0.0
    whole: bool = False  # every number is a whole one
    values: tuple[str, ...] = ()  # the distinct ones, if they are few
    class_names: tuple[str, ...] = ()
    of_list: str = ""  # the list column that this is a part of
    holds_lists: bool = False
    is_votes: bool = False  # how a forum's readers liked a row
    alike: float = 0.0  # of a part: the words shared with the first part, 0 to 1
    per_cent: float = 0.0  # share of texts that end in a sign for it
    wordless: float = 0.0  # share of texts without a letter, or that are dates
    is_attribution: bool = False  # says the same under every row, beside two other texts
    copies: frozenset[str] = NONE  # columns that hold nearly the same texts

    @property
    def has_numbers(self) -> bool:
        """Tell whether the values are numbers, or texts that nearly all are."""
        return self.kind in ("number", "bool") or self.numeric >= 0.9

    @property
    def repeats(self) -> bool:
        """Tell whether the values return as those of a class do."""
        return 0 < self.distinct <= max(2, self.filled // 2)

    @property
    def is_constant(self) -> bool:
        """Tell whether the value is the same in every row."""
        return self.distinct == 1 and self.filled > FEW

    @cached_property
    def is_id(self) -> bool:
        """Tell whether the column numbers or names the rows instead of describing them."""
        telling = names_an_id(self.name)
        if self.kind == "text" and not self.has_numbers:
            wordless = self.spaced < 0.05
            coded = wordless and self.distinct == self.filled and self._codes
            files = wordless and are_files(self.values)
            named = self.characters < (25 if self.repeats else 12)  # people, as a rule
            return (telling and (wordless or named)) or coded or files
        counts_up = self.kind == "number" and self.whole and self.distinct == self.filled > 20
        return (telling and not self.class_names) or counts_up

    @property
    def _codes(self) -> bool:
        return bool(self.values) and all(re.search(r"\d|/|_", value) for value in self.values)

    @cached_property
    def prose(self) -> float:
        """Return how much the column looks like text to embed, 0 to 1."""
        if self.kind != "text" or self.has_numbers or not self.filled or self.is_id:
            return 0.0
        if self.is_constant or self.is_attribution or self._are_tags:
            return 0.0  # an instruction, a role, a remark
        if self.wordless > 0.9:
            return 0.0  # dates, times, telephone numbers
        if self._class_like and hint("class", self.name) >= 0.9:
            return 0.0
        likeness = 0.5 * self.spaced + 0.5 * min(1.0, self.characters / 20)
        likeness *= 0.3 if self._class_like else 1.0
        return (
            likeness * (0.5 + 0.5 * self.filled / self.rows) * (2 * self.filled >= self.rows or 0.5)
        )

    @property
    def _are_tags(self) -> bool:
        """Tell whether lists hold single words under a name that speaks for no text."""
        listed = self.holds_lists or bool(self.of_list)
        return listed and self.spaced < 0.2 and self.characters < 20 and self.named < 0.5

    @property
    def named(self) -> float:
        """Return how strongly the name speaks for any role that holds texts."""
        return max(hint(role, self.name) for role in (*TEXT_ROLES, "text"))

    def speaks_for(self, role: str) -> float:
        """Return how strongly the name speaks for a role, less so over names of classes."""
        return hint(role, self.name) * (0.3 if self._class_like else 1.0)

    @cached_property
    def _class_like(self) -> bool:
        """Tell whether the texts are names of classes, which a name or many returns show."""
        if not self.repeats or max(self.questions, self.sentences) > 0.3:
            return False
        if names_a_text(self.name) and (self.distinct > HANDFUL or self.characters > 20):
            return False
        often = self.distinct <= self.filled / 5 or hint("class", self.name) >= 0.9
        return self.characters < (60 if often else 30)


def look(table: Table) -> list[Column]:
    """Describe every column that a role could be given, from a spread of the training rows."""
    train = table.splits["train"]
    if train.num_rows > LOOKED_AT:
        train = train.take(np.linspace(0, train.num_rows - 1, LOOKED_AT).astype(np.int64))
    columns = []
    forum = any(FORUM.fullmatch(name.rpartition(".")[2]) for name in addresses(table))
    for name, address in addresses(table).items():
        names = table.class_names.get(address[0], ())
        of_list = address[0] if address[1] is not None and name != address[0] else ""
        column = _describe(name, take(train, address), tuple(names), of_list)
        several = address[1] is not None and longest(train[address[0]]) > 1
        votes = forum and column.whole and name.lower().rpartition(".")[2] == "score"
        column = replace(column, holds_lists=several, is_votes=votes)
        if of_list and address[1]:
            first, own = take(train, (of_list, 0)), take(train, address)
            column = replace(column, alike=shared_words(first, own))
        columns.append(column)
    prose = [column.name for column in columns if column.prose >= 0.4 and not column.of_list]
    texts = {name: take(train, addresses(table)[name]) for name in prose}
    below, same = attributions(texts), copies(texts)
    below -= {column.name for column in columns if column.named >= 0.5}
    return [
        replace(c, is_attribution=c.name in below, copies=same.get(c.name, NONE)) for c in columns
    ]


def shared_words(ones: pa.ChunkedArray, others: pa.ChunkedArray) -> float:
    """Return the mean Jaccard overlap of the words of two columns' first texts, 0 to 1."""
    pairs = zip(
        ones.slice(0, COMPARED).to_pylist(), others.slice(0, COMPARED).to_pylist(), strict=True
    )
    shares = []
    for one, other in pairs:
        a, b = set((one or "").lower().split()), set((other or "").lower().split())
        shares.append(len(a & b) / max(1, len(a | b)))
    return float(np.mean(shares)) if shares else 0.0


def _describe(
    name: str, values: pa.ChunkedArray, class_names: tuple[str, ...], of_list: str
) -> Column:
    rows = len(values)
    values = values.drop_null()
    texts = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if texts:
        values = values.filter(pc.not_equal(pc.utf8_trim_whitespace(values), ""))
    distinct = pc.unique(values)
    few = tuple(str(value) for value in distinct.to_pylist()) if len(distinct) <= LISTED else ()
    shared: dict[str, Any] = {"class_names": class_names, "of_list": of_list, "values": few}
    if not len(values) or not (texts or _is_number(values.type)):
        return Column(name, "empty", rows, 0, 0, of_list=of_list)
    numbers = as_numbers(values)
    numbers = numbers[~np.isnan(numbers)]
    if texts:
        shared |= _describe_text(values)
        shared["numeric"] = len(numbers) / len(values)
    if len(numbers):
        shared |= {"low": float(numbers.min()), "high": float(numbers.max())}
        shared["whole"] = bool((numbers == np.round(numbers)).all())
    kind: Kind = "text" if texts else "bool" if pa.types.is_boolean(values.type) else "number"
    return Column(name, kind, rows, len(values), len(distinct), **shared)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _describe_text(values: pa.ChunkedArray) -> dict[str, float]:
    trimmed = pc.utf8_trim_whitespace(values)
    return {
        "characters": float(pc.mean(pc.utf8_length(trimmed)).as_py()),
        "spaced": float(pc.mean(pc.match_substring_regex(trimmed, SPACED)).as_py()),
        "per_cent": float(pc.mean(pc.match_substring_regex(trimmed, PER_CENT)).as_py()),
        "wordless": float(pc.mean(pc.match_substring_regex(trimmed, WORDLESS)).as_py()),
        "sentences": float(pc.mean(pc.match_substring_regex(trimmed, SENTENCE)).as_py()),
        "questions": float(
            pc.mean(pc.match_substring_regex(trimmed, r"([?？؟]|か。|吗。)['\"”)]*$")).as_py()
        ),
    }
