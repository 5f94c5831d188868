"""The map as a figure: what is drawn is what was laid out, and text is text."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from ststudio import palette
from ststudio.compare.map_figure import SYMBOLS, Colours, Focus, map_figure, overlay


def layout_of(count: int, text: str = "a text") -> dict[str, Any]:
    random = np.random.default_rng(0)
    points = [
        {
            "id": f"c{number}",
            "text": text,
            "group": "",
            "base": random.normal(size=2).round(4).tolist(),
            "tuned": random.normal(size=2).round(4).tolist(),
        }
        for number in range(count)
    ]
    return {"method": "pca", "points": points, "measures": {}, "moved": [0.25] * count}


def places(figure: go.Figure, end: int) -> dict[int, tuple[float, float]]:
    return {
        int(row): (round(float(x), 4), round(float(y), 4))
        for trace in figure.data
        for row, x, y in zip(
            trace.customdata, trace.meta[f"x{end}"], trace.meta[f"y{end}"], strict=True
        )
    }


@pytest.mark.parametrize(
    "colours",
    [
        Colours(),
        Colours(labels=["a"] * 9 + ["b"] * 9 + [""]),
        Colours(base=np.linspace(0, 1, 19).tolist(), tuned=np.linspace(1, 0, 19).tolist()),
    ],
    ids=["model", "labels", "scores"],
)
def test_every_point_goes_from_its_place_before_to_its_place_after(colours: Colours) -> None:
    layout = layout_of(19)
    figure = map_figure(layout, colours)
    for end, name in ((0, "base"), (1, "tuned")):
        wanted = {row: tuple(point[name]) for row, point in enumerate(layout["points"])}
        assert places(figure, end) == wanted
    for trace in figure.data:  # it is drawn as it is before
        assert np.array_equal(trace.x, trace.meta["x0"])


def test_hover_text_cannot_carry_markup() -> None:
    layout = layout_of(8, "<a href='javascript:x'>click</a>")
    figure = map_figure(layout, Colours(labels=["<i>g</i>"] * 8))
    for trace in figure.data:
        assert "<a" not in "".join(trace.text)
        assert "<i>g" not in "".join(trace.text)
        assert trace.name is None  # the page's own legend shows meta's name, as text
        assert trace.hovertemplate == "%{text}<extra></extra>"


def test_few_groups_have_colours_and_symbols_and_the_rest_is_grey() -> None:
    figure = map_figure(layout_of(15), Colours(labels=["b"] * 5 + ["a"] * 7 + [""] * 3))
    assert [trace.meta["name"] for trace in figure.data] == ["others", "a", "b"]
    assert [trace.marker.color for trace in figure.data] == [palette.BASE, *palette.GROUPS[:2]]
    assert [trace.marker.symbol for trace in figure.data[1:]] == list(SYMBOLS[:2])


def test_the_rest_says_how_many_groups_it_is() -> None:
    labels = [f"g{row % 40}" for row in range(4_000)]
    figure = map_figure(layout_of(4_000), Colours(labels=labels))
    assert figure.data[0].meta["name"] == "31 others"
    assert len(figure.data) == 10


def test_without_groups_the_colour_tells_the_model() -> None:
    for labels in ((), [f"only {number}" for number in range(20)]):
        (trace,) = map_figure(layout_of(20), Colours(labels=labels)).data
        if not labels:
            assert (trace.meta["color0"], trace.meta["color1"]) == (palette.BASE, palette.TUNED)
            assert trace.meta["name"] == ""


def test_scores_colour_both_ends_and_what_is_near_lies_on_top() -> None:
    random = np.random.default_rng(1)
    base, tuned = random.uniform(size=(2, 30)).round(4).tolist()
    (trace,) = map_figure(layout_of(30), Colours(base=base, tuned=tuned)).data
    for row, before, after in zip(
        trace.customdata, trace.meta["color0"], trace.meta["color1"], strict=True
    ):
        assert (before, after) == pytest.approx((base[row], tuned[row]))
    assert trace.customdata[-1] == int(np.argmax(np.maximum(base, tuned)))
    assert trace.marker.cmax == pytest.approx(max(base + tuned))
    assert f"cosine {base[int(trace.customdata[0])]:.2f} before" in trace.text[0]


def test_lines_lead_to_the_neighbours_of_either_model_wherever_the_points_are() -> None:
    layout = layout_of(12)
    over = overlay(layout, Focus("star", ([0.0, 0.0], [1.0, 1.0]), ([3, 4], [5])))
    assert [trace["mode"] for trace in over] == ["lines", "markers", "lines", "markers", "markers"]
    before, rings, after, _, star = over
    points = layout["points"]
    assert before["meta"]["x0"] == [
        0.0,
        points[3]["base"][0],
        None,
        0.0,
        points[4]["base"][0],
        None,
    ]
    assert before["meta"]["y1"][:2] == [1.0, points[3]["tuned"][1]]
    assert rings["meta"]["x1"] == [points[3]["tuned"][0], points[4]["tuned"][0]]
    assert len(after["x"]) == 3
    assert before["meta"]["opacity0"] > before["meta"]["opacity1"]
    assert after["meta"]["opacity0"] < after["meta"]["opacity1"]
    assert before["line"]["color"] == palette.BASE and after["line"]["color"] == palette.TUNED
    assert star["marker"]["color"] == palette.QUERY and star["meta"]["x1"] == [1.0]


def test_ten_thousand_points_stay_a_few_megabytes() -> None:
    layout = layout_of(10_000, "x" * 300)
    figure = map_figure(layout, Colours(labels=[f"g{row % 40}" for row in range(10_000)]))
    assert {type(trace) for trace in figure.data} == {go.Scattergl}
    assert len(figure.to_json()) < 4_000_000


def test_the_ground_shines_through() -> None:
    figure = map_figure(layout_of(3), Colours())
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == palette.CLEAR


LAB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
# Machado, Oliveira and Fernandes 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "no green": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "no blue": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def linear(colours: list[str]) -> Any:
    values = np.array([[int(c[at : at + 2], 16) / 255 for at in (1, 3, 5)] for c in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("eye", EYES)
def test_groups_are_told_apart_by_eyes_without_one_kind_of_cone(eye: str) -> None:
    seen = np.clip(linear([*palette.GROUPS, palette.BASE]) @ np.array(EYES[eye]).T, 0, 1)
    xyz = seen @ LAB.T / np.array([0.9505, 1.0, 1.0888])
    cubes = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack(
        [
            116 * cubes[:, 1] - 16,
            500 * (cubes[:, 0] - cubes[:, 1]),
            200 * (cubes[:, 1] - cubes[:, 2]),
        ],
        axis=1,
    )
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 99 * np.eye(len(lab))
    assert apart[:-1, :-1].min() > 20
    assert apart[-1].min() > 15  # the rest is fainter too


@pytest.mark.parametrize("ground", ["#FFFFFF", "#1E293B"])
def test_groups_stand_out_from_either_ground(ground: str) -> None:
    light = linear([*palette.GROUPS, ground]) @ LAB[1]
    pairs = [sorted((colour, light[-1])) for colour in light[:-1]]
    assert min((high + 0.05) / (low + 0.05) for low, high in pairs) > 1.85
