"""The points that moved most, and among whom they were before and are now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ststudio.compare.map_figure import named_groups

LEAST = 0.01  # of a cosine, in mean: less is nobody's story
Near = Mapping[str, Sequence[Sequence[tuple[int, float]]]]  # as compare/neighbourhood.py gives it


@dataclass(frozen=True)
class Moved:
    """A point that moved: among whom its neighbours in full space say that it was, and is."""

    row: int
    far: float  # how much its cosines with other texts changed, in mean
    before: str
    after: str
    kept: int  # of its neighbours
    of: int


def most_moved(layout: Mapping[str, Any], count: int) -> list[int]:
    """Return the rows of the points that moved farthest, the farthest first."""
    far = np.array(layout["moved"])
    order = np.argsort(-far, kind="stable")[:count]
    return [int(row) for row in order if far[row] >= LEAST]


def describe(
    layout: Mapping[str, Any], rows: Sequence[int], near: Near, labels: Sequence[str]
) -> list[Moved]:
    """Say of each row between whose labels it moved: those that most of its neighbours have."""
    far = layout["moved"]
    told = []
    for row, before, after in zip(rows, near["base"], near["tuned"], strict=True):
        stayed = {other for other, _ in before} & {other for other, _ in after}
        was, is_now = (_most([labels[other] for other, _ in side]) for side in (before, after))
        told.append(Moved(row, far[row], was, is_now, len(stayed), len(after)))
    return told


def _most(labels: Sequence[str]) -> str:
    counts = Counter(label for label in labels if label)
    return counts.most_common(1)[0][0] if counts else ""


def telling(groups: Sequence[str]) -> bool:
    """Tell whether the groups of a map's points say where a point is: two or more have a name."""
    return len(named_groups(groups)) > 1
