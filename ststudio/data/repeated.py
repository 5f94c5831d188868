"""Texts that say nothing of their own: an attribution under every row, a copy of another column."""

import re
from collections.abc import Mapping
from os.path import commonprefix

import pyarrow as pa

LOOKED_AT = 300  # rows
COMPARED = 12  # columns, each with each
OTHERS = 2  # texts that a row is made of at least
FEW = 5  # rows whose texts may be alike by chance
NEARLY_ALL = 0.9  # of the rows
LONG = 12  # characters that begin or end nearly every text
WORDS_OWN = 3.0  # that a text has beside those, on average: names and numbers, no sentence
MOSTLY = 0.5  # of the rows
ALMOST_WHOLE = 0.8  # of the longer text
CHARACTERS = 2_000  # of a text
# Two letters of a script without blanks are about a word.
WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2}|[^\W\d_]{2,}")

Texts = Mapping[str, pa.ChunkedArray]  # by column


def attributions(texts: Texts) -> frozenset[str]:
    """Name the columns that say the same under every row, where two others say something."""
    # The first text stands above the others: what it begins with is an instruction.
    found = [name for name in list(texts)[1:] if _is_attribution(texts[name])]
    return frozenset(found if len(texts) - len(found) >= OTHERS else ())


def _is_attribution(values: pa.ChunkedArray) -> bool:
    """Tell whether nearly all texts begin or end alike, and hardly say anything else."""
    filled = values.slice(0, LOOKED_AT).drop_null().to_pylist()
    texts = [" ".join(text[:CHARACTERS].split()) for text in filled]
    if len(texts) <= FEW:
        return False
    start = _shared(texts)
    end = _shared([text[start:][::-1] for text in texts])
    if start + end < LONG:
        return False
    own = [len(WORD.findall(text[start : len(text) - end])) for text in texts]
    return sum(own) / len(own) <= WORDS_OWN


def _shared(texts: list[str]) -> int:
    """Return how many characters nearly all texts begin with in common."""
    middle = sorted(texts)[len(texts) // 2]  # it is one of them, if they are nearly all
    lengths = sorted(len(commonprefix([text, middle])) for text in texts)
    return lengths[int(len(texts) * (1 - NEARLY_ALL))]


def copies(texts: Texts) -> dict[str, frozenset[str]]:
    """Name for each column those that hold nearly the same text in most rows."""
    some = list(texts.items())[:COMPARED]
    looked = {name: values.slice(0, LOOKED_AT).to_pylist() for name, values in some}
    bare = {name: [_bare(text) for text in values] for name, values in looked.items()}
    return {
        name: frozenset(other for other in bare if other != name and _is_copy(own, bare[other]))
        for name, own in bare.items()
    }


def _bare(text: str | None) -> str:
    return "".join((text or "")[:CHARACTERS].split())


def _is_copy(ones: list[str], others: list[str]) -> bool:
    filled = [sorted(pair, key=len) for pair in zip(ones, others, strict=True) if all(pair)]
    same = [s in long and len(s) >= ALMOST_WHOLE * len(long) for s, long in filled]
    return sum(same) > max(FEW, MOSTLY * len(filled))
