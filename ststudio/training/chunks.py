"""Ranges of texts of like length that cost least together."""

from collections.abc import Sequence


def chunks(lengths: Sequence[int], overhead: int, power: int = 1) -> list[tuple[int, int]]:
    """Split lengths in descending order into ranges [begin, end) that cost least together.

    A range costs `overhead` plus, for each of its texts, its longest length to a power. The best
    split is found by dynamic programming over the distinct lengths: texts of one length are never
    parted.
    """
    starts = [row for row, length in enumerate(lengths) if row == 0 or length != lengths[row - 1]]
    ends = [*starts[1:], len(lengths)]
    best, begins = [0.0], []  # of the first groups: least cost, and where their last range begins
    for end in ends:
        costs = [
            cost + overhead + lengths[start] ** power * (end - start)
            for cost, start in zip(best, starts, strict=False)
        ]
        cost = min(costs)
        best.append(cost)
        begins.append(costs.index(cost))
    ranges = []
    group = len(ends)
    while group:
        first = begins[group - 1]
        ranges.append((starts[first], ends[group - 1]))
        group = first
    return ranges[::-1]
