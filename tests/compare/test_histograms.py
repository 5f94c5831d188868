"""The histogram shows every text once, and what the model does not read in another colour."""

from typing import Any

import pytest

from ststudio import palette
from ststudio.compare.histograms import lengths_figure, margins_figure


def lengths(limit: int | None, cut: float = 0.25) -> dict[str, Any]:
    found = {"cut": cut, "counts": (30, 50, 20), "edges": (0, 10, 20, 30), "texts": 100}
    return {"model": "x/y", "limit": limit, "roles": {"anchor": found, "positive": found}}


def test_every_role_has_its_bars_at_one_height() -> None:
    figure = lengths_figure(lengths(20))
    assert [list(trace.y) for trace in figure.data] == [[30, 50, 20]] * 2
    assert [list(trace.x) for trace in figure.data] == [[5, 15, 25]] * 2
    assert figure.layout.height == 160
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["anchor · 25% cut", "positive · 25% cut"]


def test_what_is_not_read_stands_behind_the_line_in_another_colour() -> None:
    figure = lengths_figure(lengths(20))
    assert list(figure.data[0].marker.color) == [palette.BASE, palette.BASE, palette.LOSS]
    assert [shape.x0 for shape in figure.layout.shapes] == [20, 20]


@pytest.mark.parametrize("limit", [None, 512])
def test_a_limit_out_of_sight_draws_no_line(limit: int | None) -> None:
    figure = lengths_figure(lengths(limit, cut=0))
    assert len(figure.layout.shapes) == 0
    assert set(figure.data[0].marker.color) == {palette.BASE}
    assert [note.text for note in figure.layout.annotations] == ["anchor", "positive"]


def test_the_last_bar_holds_whatever_is_longer() -> None:
    assert list(lengths_figure(lengths(20)).data[0].customdata) == [
        "1 to 10", "11 to 20", "21 or more"
    ]  # fmt: skip


def test_names_are_text_and_no_markup() -> None:
    known = lengths(20)
    known["roles"] = {"<b>anchor</b>": known["roles"]["anchor"]}
    assert "<b>" not in lengths_figure(known).layout.annotations[0].text


def test_no_roles_draw_nothing() -> None:
    assert len(lengths_figure({"model": "x/y", "limit": None, "roles": {}}).data) == 0


def test_margins_before_and_after_share_their_bars() -> None:
    found = {"own": True, "edges": [-0.2, 0.0, 0.2, 0.4], "counts": [[1, 2, 7], [3, 6, 1]]}
    figure = margins_figure(found)
    assert [trace.name for trace in figure.data] == ["their own negatives", "mined negatives"]
    assert [list(trace.y) for trace in figure.data] == found["counts"]
    assert list(figure.data[0].x) == pytest.approx([-0.1, 0.1, 0.3])
    assert figure.layout.shapes[0].x0 == 0
