"""A race as one plot: one line a racer over its own seconds, the winner's thick."""

import json
from typing import Any

from ststudio.compare.races import race_figure
from ststudio.palette import GROUPS

LOG = [
    {"step": 1, "loss": 2.0, "seconds": 0.5, "racer": 0},
    {"step": 0, "metric": 0.5, "seconds": 1.0, "racer": 0},
    {"step": 9, "metric": 0.7, "seconds": 4.0, "racer": 0},
    {"step": 0, "metric": 0.5, "seconds": 1.1, "racer": 1},
    {"step": 9, "metric": 0.6, "seconds": 5.0, "racer": 1},
]


def rows(*won: bool) -> list[dict[str, Any]]:
    names = ("<b>A</b>", "B", "C")
    return [
        {"title": name, "won": here, "dev_best": 0.7 if here else 0.6, "out": None}
        for name, here in zip(names, won, strict=False)
    ]


def test_one_line_a_racer_from_its_own_start() -> None:
    figure = race_figure(LOG, rows(False, False, False), "Accuracy")
    assert [list(trace.x) for trace in figure.data] == [[0.0, 4.0], [0.0, 5.0], []]
    assert [list(trace.y) for trace in figure.data[:2]] == [[0.5, 0.7], [0.5, 0.6]]
    assert [trace.line.color for trace in figure.data] == list(GROUPS[:3])
    assert {trace.line.width for trace in figure.data} == {2}


def test_the_winners_line_is_the_thick_one_and_titles_are_text() -> None:
    figure = race_figure(LOG, rows(True, False), "Accuracy")
    assert [trace.line.width for trace in figure.data] == [5, 2]
    assert "<b>A" not in json.dumps(figure.to_plotly_json(), default=str)
    assert "won" in figure.data[0].name
