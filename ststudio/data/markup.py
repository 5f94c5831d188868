"""Markup in texts: found, counted, and taken out with the text itself kept."""

import html
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.cases import CASES
from ststudio.data.findings import Finding, Fix, Level, count
from ststudio.data.rows import Masks, Rows
from ststudio.data.tables import Retrieval

WORTH_SAYING, WORTH_MENDING = 0.01, 0.05  # of the rows
SHOWN = 60  # characters of an example

# Tags by name: "a < b > c", "<unk>" and "<name@example.org>" are text.
_INLINE = (
    "a abbr b big cite code del em font i ins kbd label mark q s small span strike strong sub sup "
    "tt u var"
)
_BLOCK = (
    "article aside blockquote body br button center dd div dl dt figure footer form h1 h2 h3 h4 h5 "
    "h6 head header hr html iframe img input li link main meta nav ol p pre script section style "
    "svg table tbody td tfoot th thead title tr ul video"
)
_REST = r"""(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?>"""


def _tags(names: str) -> str:
    return rf"(?i)</?(?:{'|'.join(names.split())}){_REST}"


# What is replaced, and by what, in this order. RE2 takes linear time, whatever the text.
REPLACED = (
    (r"(?is)<(?:script|style)\b[^<>]*>.*?</(?:script|style)\s*>", " "),
    (r"(?is)<!--.*?-->|<!doctype[^<>]*>", " "),
    (_tags(_BLOCK), " "),
    (_tags(_INLINE), ""),
    (r"!?\[([^\[\]\n]*)\]\((?:https?://|www\.|/|\./|#|mailto:)[^()\s]*\)", r"\1"),
    (r"(?m)^\s*```[\w+-]*\s*$|```", ""),
    (r"\*\*([^*\s][^*\n]*)\*\*", r"\1"),
    (r"(?m)^#{1,6}\s+(\S)", r"\1"),
    (r"^\s*(?:https?://|www\.)\S+\s*$", ""),  # an address alone is no text to embed
)
ENTITY = r"&(?:[A-Za-z]{2,8}[0-9]{0,2}|#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5});"
ANY = "|".join(f"(?:{pattern})" for pattern in (*(p for p, _ in REPLACED), ENTITY))
GAPS = r"[ \t\x{00a0}]{2,}"


def check_markup(rows: Rows) -> Iterator[Finding]:
    """Say how many rows hold HTML, Markdown or a bare address, with an example."""
    masks = marked(rows)
    many = sum(int(mask.sum()) for mask in masks.values())
    share = many / max(1, rows.kept)
    if share >= WORTH_SAYING:
        said = (
            f"{count(many, 'row holds', 'rows hold')} HTML, Markdown or bare links ({share:.0%}), "
            f'as in "{_example(rows, masks)}". The model would read the marks as words.'
        )
        level: Level = "warning" if share >= WORTH_MENDING else "info"
        yield Finding(level, "markup", said, Fix("strip_markup"))


def marked(rows: Rows) -> Masks:
    """Mask rows any of whose texts holds markup."""
    return {
        name: np.logical_or.reduce([_holds(split[r]) for r in CASES[rows.case].columns])
        for name, split in rows.splits.items()
    }


def _holds(texts: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.match_substring_regex(texts, ANY).to_numpy(), bool)


def _example(rows: Rows, masks: Masks) -> str:
    name = next(name for name, mask in masks.items() if mask.any())
    split = rows.splits[name].filter(pa.array(masks[name])).slice(0, 1)
    texts = [text for r in CASES[rows.case].columns for text in split[r].to_pylist()]
    text = next(text for text in texts if _holds(pa.chunked_array([[text]]))[0])
    place = pc.find_substring_regex(pa.array([text]), ANY)[0].as_py()  # in bytes
    start = max(0, len(text.encode()[:place].decode(errors="ignore")) - SHOWN // 4)
    return text[start : start + SHOWN].strip() + ("…" if len(text) > start + SHOWN else "")


def strip_markup(rows: Rows) -> Rows:
    """Take markup out of the texts; rows that held nothing else are left out, counted."""
    roles = CASES[rows.case].columns
    changed = sum(int(mask.sum()) for mask in marked(rows).values())
    splits = {}
    for name, split in rows.splits.items():
        made = {role: stripped(split[role]) for role in roles}
        # A unit that is the text itself stays that.
        plain = split["unit"].equals(split[roles[0]])
        made |= {"unit": made[roles[0]]} if plain else {}
        for column, values in made.items():
            split = split.set_column(split.schema.names.index(column), column, values)
        splits[name] = split
    rows = replace(rows, splits=splits)
    empty = {
        name: np.logical_or.reduce([pc.equal(split[r], "").to_numpy() for r in roles])
        for name, split in splits.items()
    }
    said = f"Markup was taken out of {count(changed, 'row')}; the text itself was kept."
    rows = replace(rows, findings=(*rows.findings, Finding("info", "reshaped", said)))
    return rows.without(empty, "nothing but markup")


def strip_retrieval(retrieval: Retrieval) -> Retrieval:
    """Take markup out of a corpus and its queries, so that rows still name their texts."""
    tables = {}
    for name in ("corpus", "queries"):
        table: pa.Table = getattr(retrieval, name)
        place = table.schema.names.index("text")
        tables[name] = table.set_column(place, "text", stripped(table["text"]))
    return replace(retrieval, **tables)


def stripped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without markup; those that hold none stay as they are, null stays null."""
    holds = pc.fill_null(pc.match_substring_regex(texts, ANY), False)
    plain = texts.filter(holds)
    for pattern, replacement in REPLACED:
        plain = pc.replace_substring_regex(plain, pattern, replacement)
    plain = pa.array([html.unescape(text) for text in plain.to_pylist()], pa.string())
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, GAPS, " "))
    mask = holds.combine_chunks()
    mask = pa.concat_arrays(mask.chunks) if isinstance(mask, pa.ChunkedArray) else mask
    return pc.replace_with_mask(texts, mask, plain)
