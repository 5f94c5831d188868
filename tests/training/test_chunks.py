"""Chunks: every row once, at the least cost."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ststudio.training.chunks import chunks


@given(st.lists(st.integers(1, 12), min_size=1, max_size=9), st.integers(0, 60), st.integers(1, 2))
def test_chunks_hold_every_row_once_and_cost_the_least(
    lengths: list[int], overhead: int, power: int
) -> None:
    lengths.sort(reverse=True)

    def cost(cuts: list[int]) -> int:
        return sum(overhead + lengths[a] ** power * (b - a) for a, b in itertools.pairwise(cuts))

    found = chunks(lengths, overhead, power)
    assert [row for begin, end in found for row in range(begin, end)] == list(range(len(lengths)))
    within = range(1, len(lengths))
    ways = (cuts for size in range(len(lengths)) for cuts in itertools.combinations(within, size))
    least = min(cost([0, *cuts, len(lengths)]) for cuts in ways)
    assert cost([0, *(end for _, end in found)]) == least
