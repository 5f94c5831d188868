"""Both models' histograms stand on the same axes, each with its threshold."""

from typing import Any

import pytest

from ststudio import palette
from ststudio.compare.similarity import similarity_figure


def found() -> dict[str, Any]:
    return {
        "pairs": {"together": 10, "apart": 20},
        "edges": [0.0, 0.25, 0.5, 0.75],
        "base": {"threshold": 0.4, "together": [1, 4, 5], "apart": [10, 8, 2]},
        "tuned": {"threshold": 0.3, "together": [0, 2, 8], "apart": [18, 2, 0]},
    }


def test_each_kind_is_a_share_of_its_own_pairs() -> None:
    figure = similarity_figure(found())
    shares = [list(trace.y) for trace in figure.data]
    assert shares == [[0.1, 0.4, 0.5], [0.5, 0.4, 0.1], [0.0, 0.2, 0.8], [0.9, 0.1, 0.0]]
    assert [list(trace.x) for trace in figure.data] == [[0.125, 0.375, 0.625]] * 4


def test_the_highest_bar_fills_its_plot_wherever_that_is_drawn_first() -> None:
    low, high = similarity_figure(found()).layout.yaxis.range
    assert low == 0 and 0.9 < high < 1.0


def test_base_is_grey_and_fine_tuned_the_accent() -> None:
    figure = similarity_figure(found())
    assert [trace.marker.color for trace in figure.data][::2] == [palette.BASE, palette.TUNED]


def test_both_share_their_axes_and_have_their_own_threshold() -> None:
    figure = similarity_figure(found())
    assert figure.layout.xaxis.matches == "x2" or figure.layout.xaxis2.matches == "x"
    assert figure.layout.yaxis2.matches == "y"
    assert [shape.x0 for shape in figure.layout.shapes] == [0.4, 0.3]
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["<b>Base</b>, threshold 0.40", "<b>Fine-tuned</b>, threshold 0.30"]


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_a_kind_without_pairs_is_drawn_as_nothing(kind: str) -> None:
    empty = found()
    empty["pairs"][kind] = 0
    for model in ("base", "tuned"):
        empty[model][kind] = [0, 0, 0]
    assert len(similarity_figure(empty).data) == 4
