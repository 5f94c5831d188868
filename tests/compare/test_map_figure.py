"""The map as a figure: what is drawn is what was laid out, and text is text."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from ststudio import palette
from ststudio.compare.map_figure import map_figure, mixed


def layout_of(groups: list[str], text: str = "a text") -> dict[str, Any]:
    random = np.random.default_rng(0)
    points = [
        {
            "id": f"c{number}",
            "text": text,
            "group": group,
            "base": random.normal(size=2).round(4).tolist(),
            "tuned": random.normal(size=2).round(4).tolist(),
        }
        for number, group in enumerate(groups)
    ]
    return {"method": "pca", "points": points, "measures": {}}


def drawn(figure: go.Figure) -> set[tuple[float, float]]:
    return {
        (round(float(x), 4), round(float(y), 4))
        for trace in figure.data
        for x, y in zip(trace.x, trace.y, strict=True)
    }


def given(layout: dict[str, Any], side: str) -> set[tuple[float, float]]:
    return {tuple(p[side]) for p in layout["points"]}


def test_hover_text_cannot_carry_markup() -> None:
    layout = layout_of(["<i>g</i>"] * 4, "<a href='javascript:x'>click</a>")
    for trace in map_figure(layout).data:
        assert "<a" not in "".join(trace.customdata)
        assert "<i>g" not in trace.name
        assert trace.hovertemplate == "%{customdata}<extra></extra>"


@pytest.mark.parametrize(("side", "name"), [(0.0, "base"), (1.0, "tuned")])
def test_the_slider_goes_from_base_to_fine_tuned(side: float, name: str) -> None:
    layout = layout_of(["a"] * 9 + ["b"] * 9 + [""])
    figure = map_figure(layout, side)
    assert drawn(figure) == given(layout, name)
    slider = figure.layout.sliders[0]
    assert slider.active == side * 8
    assert [slider.steps[0].label, slider.steps[-1].label] == ["base", "tuned"]
    last = slider.steps[-1].args[0]
    assert len(last["x"]) == len(figure.data)
    assert np.allclose(
        last["x"][-1], [p["tuned"][0] for p in layout["points"] if p["group"] == "b"]
    )


def test_few_groups_have_colours_and_the_rest_is_grey() -> None:
    figure = map_figure(layout_of(["b"] * 5 + ["a"] * 7 + [""] * 3))
    assert [trace.name for trace in figure.data] == ["others", "a", "b"]
    assert [trace.marker.color for trace in figure.data] == [palette.BASE, *palette.GROUPS[:2]]


def test_without_groups_the_colour_tells_the_model() -> None:
    layout = layout_of([f"only {number}" for number in range(20)])
    for side, colour in ((0.0, palette.BASE), (1.0, palette.TUNED), (7.0, palette.TUNED)):
        (trace,) = map_figure(layout, side).data
        assert trace.marker.color == colour
        assert not trace.showlegend
    assert mixed(0.5) not in {palette.BASE, palette.TUNED}


def test_ten_thousand_points_stay_a_few_megabytes() -> None:
    layout = layout_of([f"g{number % 40}" for number in range(10_000)], "x" * 300)
    figure = map_figure(layout)
    assert {type(trace) for trace in figure.data} == {go.Scattergl}
    assert len(figure.to_json()) < 4_000_000


def test_the_ground_shines_through() -> None:
    figure = map_figure(layout_of(["a", "b", "c"]))
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == palette.CLEAR
