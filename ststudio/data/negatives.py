"""How hard negatives are wanted, as a fix says it, and which texts never serve as one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ststudio.data.rows import text_keys
from ststudio.errors import StudioError

CODE = "mine_negatives"
# A negative is at least 5 % of the positive's similarity farther from the anchor: the margin with
# which NV-Retriever (arXiv 2407.15831) trained best; closer texts are mostly right answers.
RELATIVE_MARGIN = 0.05
MOST_SKIPPED = 100
STEPS = 3  # a shared answer (2 steps) makes the other's answers (3) likely right ones
# A text that stands in more pairs than this ("Yes.", "Thank you!") does not tell them alike.
MOST_PARTNERS = 50


@dataclass(frozen=True)
class Mining:
    """How hard negatives are mined; the names are those of mine_hard_negatives."""

    relative_margin: float = RELATIVE_MARGIN
    range_min: int = 0  # this many of the closest texts are passed over


def mine_negatives(
    recipe: dict[str, Any], relative_margin: float, range_min: int
) -> dict[str, Any]:
    """Check how negatives are wanted; the worker mines them, as the base model must embed texts."""
    if not 0 <= relative_margin <= 1:
        raise StudioError("relative_margin is a share of the positive's similarity, from 0 to 1.")
    if not 0 <= range_min <= MOST_SKIPPED:
        raise StudioError(f"range_min is a whole number from 0 to {MOST_SKIPPED}.")
    return recipe


def wanted(fixes: Sequence[Mapping[str, Any]]) -> Mining | None:
    """Return how a chain of fixes wants negatives mined, None where it does not."""
    asked = [fix.get("args") or {} for fix in fixes if fix["code"] == CODE]
    return Mining(**asked[-1]) if asked else None


class Kinship:
    """Which texts are too close to an anchor to be wrong for it, whatever a model thinks.

    Its own text, its positives, what shares a positive with it, and their positives; texts count
    as one that differ in case, punctuation and spacing only.
    """

    def __init__(self, anchors: pa.ChunkedArray, positives: pa.ChunkedArray) -> None:
        self._partners: dict[str, set[str]] = defaultdict(set)
        for one, other in zip(_keys(anchors), _keys(positives), strict=True):
            self._partners[one].add(other)
            self._partners[other].add(one)

    def of(self, anchor: str) -> set[str]:
        """Return the keys that are no negatives of the anchor with this key."""
        near, edge = {anchor}, {anchor}
        for step in range(STEPS):
            reached: set[str] = set()
            for text in edge:
                partners = self._partners.get(text, set())
                if step == 0 or len(partners) <= MOST_PARTNERS:
                    reached |= partners
            edge = reached - near
            near |= reached
        return near


def _keys(texts: pa.ChunkedArray) -> list[str]:
    keys: list[str] = text_keys(texts).to_pylist()
    return keys


def keys_of(texts: Sequence[str]) -> list[str]:
    """Return texts without what makes no difference to a reader."""
    return _keys(pa.chunked_array([pa.array(texts, pa.string())]))
