"""A map as a figure: every point once, with its place under the base and the fine-tuned model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ststudio.compare.figures import plain_layout, shown
from ststudio.palette import BASE, GROUPS, QUERY, SCORES, TUNED

Array = npt.NDArray[np.floating[Any]]

HEIGHT = 560  # pixels
GROUP_SHARE = 0.01  # of the points: a smaller group's colour would be lost in the crowd
MANY_POINTS = 4_000
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")  # told apart without colour
FADED = 0.12  # opacity of the other model's neighbours


@dataclass(frozen=True)
class Colours:
    """What a map is coloured by: a label for each point, or its cosine under either model."""

    labels: Sequence[str] = ()  # "" for none; the empty tuple: the colour tells the model
    base: Sequence[float] = ()
    tuned: Sequence[float] = ()


@dataclass(frozen=True)
class Cloud:
    """Points of one colour: their rows in a map's points."""

    name: str
    rows: npt.NDArray[np.intp]
    number: int | None  # of its colour and symbol; None for the rest


def named_groups(groups: Sequence[str]) -> list[str]:
    """Return the groups worth a colour, the largest first; none where all are small."""
    counts = Counter(group for group in groups if group)
    least = max(2, GROUP_SHARE * len(groups))
    return [group for group, count in counts.most_common(len(GROUPS)) if count >= least]


def clouds(groups: Sequence[str]) -> list[Cloud]:
    """Part a map's points by group where some are worth a colour; the rest lies below them."""
    names = named_groups(groups)
    numbers = {name: number for number, name in enumerate(names)}
    members = np.array([numbers.get(group, -1) for group in groups])
    found = [
        Cloud(name, np.flatnonzero(members == number), number) for name, number in numbers.items()
    ]
    left = np.flatnonzero(members == -1)
    kinds = len({groups[int(row)] for row in left} - {""})
    rest = Cloud(f"{kinds} others" if kinds > 1 else "others" if names else "", left, None)
    return [rest, *found] if len(left) else found


def map_figure(layout: Mapping[str, Any], colours: Colours) -> go.Figure:
    """Draw a map (compare/map_job.py) as it is before; `meta` says where each point goes after.

    A trace's meta holds `name`, `x0`, `x1`, `y0`, `y1` and, where the colour changes on the way,
    `color0` and `color1`. The page moves the points (tabs/map_stage.js): gr.Plot drops plotly's
    frames, and its slider is deaf to the keyboard.
    """
    points = layout["points"]
    places = {
        name: np.array([point[name] for point in points], dtype=np.float32)
        for name in ("base", "tuned")
    }
    if len(colours.base):
        order = np.argsort(np.maximum(colours.base, colours.tuned), kind="stable")
        parts = [Cloud("", order, None)]  # what is near is drawn last
    else:
        parts = clouds(colours.labels or [""] * len(points))
    texts = np.array(_hover(layout, colours), dtype=object)
    figure = go.Figure()
    for part in parts:
        meta, marker = _ends(part, places), _marker(part, colours, len(points))
        if part.name == "":
            meta |= _changing(part, colours)
        trace = go.Scattergl(
            x=meta["x0"],
            y=meta["y0"],
            mode="markers",
            marker=marker,
            text=texts[part.rows].tolist(),
            customdata=part.rows.astype(np.int32),
            hovertemplate="%{text}<extra></extra>",
            meta=meta,
        )
        figure.add_trace(trace)
    return _framed(figure, np.concatenate(list(places.values())))


def _ends(part: Cloud, places: Mapping[str, Array]) -> dict[str, Any]:
    before, after = places["base"][part.rows], places["tuned"][part.rows]
    ends = {"x0": before[:, 0], "x1": after[:, 0], "y0": before[:, 1], "y1": after[:, 1]}
    return {"name": part.name, **{key: np.ascontiguousarray(end) for key, end in ends.items()}}


def _changing(part: Cloud, colours: Colours) -> dict[str, Any]:
    if not len(colours.base):
        return {"color0": BASE, "color1": TUNED}
    ends = (np.array(scores, dtype=np.float32)[part.rows] for scores in _scores(colours))
    return dict(zip(("color0", "color1"), ends, strict=True))


def _scores(colours: Colours) -> tuple[Sequence[float], Sequence[float]]:
    return colours.base, colours.tuned


def _marker(part: Cloud, colours: Colours, points: int) -> dict[str, Any]:
    size = 7 if points <= MANY_POINTS else 4
    if len(colours.base):
        scores = np.concatenate(_scores(colours))
        bar = {"orientation": "h", "y": -0.02, "yanchor": "top", "thickness": 10, "outlinewidth": 0}
        return {
            "size": size,
            "color": np.array(colours.base, dtype=np.float32)[part.rows],
            "colorscale": SCORES,
            "cmin": float(np.quantile(scores, 0.05)),  # a few strangers would take half the scale
            "cmax": float(scores.max()),
            "colorbar": {"title": {"text": "cosine with the query", "side": "top"}, **bar},
        }
    if part.number is None:
        return {"size": size, "color": BASE, "opacity": 0.45 if part.name else 0.8}
    symbol = SYMBOLS[part.number % len(SYMBOLS)]
    return {"size": size, "color": GROUPS[part.number], "opacity": 0.8, "symbol": symbol}


def _hover(layout: Mapping[str, Any], colours: Colours) -> list[str]:
    points = layout["points"]
    labels = colours.labels or [point["group"] for point in points]
    notes = [f"its cosines changed by {far:.2f}" for far in layout["moved"]]
    if len(colours.base):
        pairs = zip(*_scores(colours), strict=True)
        notes = [f"cosine {before:.2f} before, {after:.2f} after" for before, after in pairs]
    return [
        f"{shown(point['text'])}{f'<br><i>{shown(label)}</i>' if label else ''}<br>{note}"
        for point, label, note in zip(points, labels, notes, strict=True)
    ]


def _framed(figure: go.Figure, places: Array) -> go.Figure:
    plain_layout(figure, HEIGHT)
    bare = {"visible": False, "zeroline": False}
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.04 * float((high - low).max())  # fixed ranges: nothing jumps while the points move
    figure.update_xaxes(range=[low[0] - room, high[0] + room], **bare)
    figure.update_yaxes(range=[low[1] - room, high[1] + room], scaleanchor="x", **bare)
    return figure.update_layout(dragmode="pan", hovermode="closest", showlegend=False)


@dataclass(frozen=True)
class Focus:
    """What the map is asked about: its places, and its neighbours' rows, under both models."""

    symbol: str
    places: tuple[Sequence[float], Sequence[float]]  # base, tuned
    near: tuple[Sequence[int], Sequence[int]]


def overlay(layout: Mapping[str, Any], focus: Focus) -> list[dict[str, Any]]:
    """Return the traces over a map: what is asked about, and lines to its ten neighbours.

    The base model's neighbours are grey and fade on the way, the fine-tuned one's appear. Each
    trace's meta is as in map_figure, with `opacity0` and `opacity1`.
    """
    traces = []
    for side, colour in enumerate((BASE, TUNED)):
        rows = focus.near[side]
        ends = [
            [[*focus.places[end], *layout["points"][row][name]] for row in rows]
            for end, name in enumerate(("base", "tuned"))
        ]
        fades = (1.0, FADED) if side == 0 else (FADED, 1.0)
        lines = [[_line(end, axis) for axis in (0, 1)] for end in ends]
        rings = [[[row[2 + axis] for row in end] for axis in (0, 1)] for end in ends]
        traces.append(_over(lines, fades, mode="lines", line={"color": colour, "width": 1.5}))
        ring = {"symbol": "circle-open", "size": 12, "color": colour, "line": {"width": 2.5}}
        traces.append(_over(rings, fades, mode="markers", marker=ring))
    spot = [[[place[axis]] for axis in (0, 1)] for place in focus.places]
    edge = {"color": "#1E293B", "width": 1.5}
    marker = {"symbol": focus.symbol, "size": 18, "color": QUERY, "line": edge}
    return [*traces, _over(spot, (1.0, 1.0), mode="markers", marker=marker)]


def _line(end: Sequence[Sequence[float]], axis: int) -> list[float | None]:
    return [part for row in end for part in (row[axis], row[2 + axis], None)]


def _over(
    ends: Sequence[Sequence[Any]], fades: tuple[float, float], **looks: Any
) -> dict[str, Any]:
    (x0, y0), (x1, y1) = ends
    meta = {"x0": x0, "x1": x1, "y0": y0, "y1": y1, "opacity0": fades[0], "opacity1": fades[1]}
    common = {"type": "scattergl", "x": x0, "y": y0, "opacity": fades[0], "hoverinfo": "skip"}
    return {**common, **looks, "showlegend": False, "meta": meta}
