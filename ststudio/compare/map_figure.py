"""A map as a figure: every point once, on its way from the base to the fine-tuned model."""

import html
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ststudio.compare.figures import plain_layout, shown
from ststudio.palette import BASE, GRID, GROUPS, TUNED

Array = npt.NDArray[np.floating[Any]]

GROUP_CHARACTERS = 28  # of a legend's entry
GROUP_SHARE = 0.01  # of the points: a smaller group's colour would be lost in the crowd
STEPS = 8  # of the slider; a power of two, as plotly names every second step where it is narrow
STEPS_OF_MANY = 4  # each step carries every point once more: 10,000 points would weigh 1.2 MB
MANY_POINTS = 4_000


def mixed(side: float) -> str:
    """Return the colour between base (0) and fine-tuned (1)."""
    ends = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in (BASE, TUNED)]
    parts = [round(a + (b - a) * side) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{part:02X}" for part in parts)


def named_groups(groups: Sequence[str]) -> list[str]:
    """Return the groups worth a colour, the largest first; none where all are small."""
    counts = Counter(group for group in groups if group)
    least = max(2, GROUP_SHARE * len(groups))
    return [group for group, count in counts.most_common(len(GROUPS)) if count >= least]


@dataclass(frozen=True)
class Cloud:
    """Points of one colour: their rows in a map's points."""

    name: str
    rows: npt.NDArray[np.intp]
    colour: str | None  # None: grey to indigo, as the slider goes


def clouds(groups: Sequence[str]) -> list[Cloud]:
    """Part a map's points by group where some are worth a colour; the rest lies below them."""
    names = named_groups(groups)
    numbers = {name: number for number, name in enumerate(names)}
    members = np.array([numbers.get(group, -1) for group in groups])
    found = [
        Cloud(name, np.flatnonzero(members == number), GROUPS[number])
        for name, number in numbers.items()
    ]
    rest = Cloud("others" if names else "", np.flatnonzero(members == -1), BASE if names else None)
    return [rest, *found] if len(rest.rows) else found


def map_figure(layout: Mapping[str, Any], side: float = 1.0) -> go.Figure:
    """Draw a map (the shape of /map) with a slider from the base (0) to the fine-tuned (1).

    Every point is there once and moves along a straight line. The slider restyles, because
    gr.Plot drops plotly's frames.
    """
    points = layout["points"]
    parts = clouds([point["group"] for point in points])
    base, tuned = (
        np.array([point[name] for point in points], dtype=np.float32) for name in ("base", "tuned")
    )
    count = STEPS if len(points) <= MANY_POINTS else STEPS_OF_MANY
    active = round(min(max(float(side), 0.0), 1.0) * count)
    steps = [_place(parts, base, tuned, step / count) for step in range(count + 1)]
    texts = np.array([_hover(point) for point in points], dtype=object)
    figure = go.Figure()
    for number, part in enumerate(parts):
        figure.add_trace(
            go.Scattergl(
                x=steps[active]["x"][number],
                y=steps[active]["y"][number],
                name=html.escape(textwrap.shorten(part.name, GROUP_CHARACTERS, placeholder="…")),
                mode="markers",
                marker={
                    "size": 7 if len(points) <= MANY_POINTS else 4,
                    "color": steps[active]["marker.color"][number],
                    "opacity": 0.45 if part.name == "others" else 0.8,
                },
                customdata=texts[part.rows].tolist(),
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=part.name != "",
            )
        )
    return _map_layout(figure, np.concatenate([base, tuned]), steps, active)


def _place(parts: Sequence[Cloud], base: Array, tuned: Array, side: float) -> dict[str, list[Any]]:
    places = base + (tuned - base) * np.float32(side)
    return {
        "x": [places[part.rows, 0] for part in parts],
        "y": [places[part.rows, 1] for part in parts],
        "marker.color": [part.colour or mixed(side) for part in parts],
    }


def _hover(point: Mapping[str, Any]) -> str:
    group = f"<br><i>{shown(point['group'])}</i>" if point["group"] else ""
    moved = float(np.hypot(*np.subtract(point["tuned"], point["base"])))
    return f"{shown(point['text'])}{group}<br>moved {moved:.2f}"


def _map_layout(
    figure: go.Figure, places: Array, steps: Sequence[dict[str, list[Any]]], active: int
) -> go.Figure:
    last = len(steps) - 1
    labels = {0: "base", last: "tuned"}
    plain_layout(figure, 560)
    bare = {"visible": False, "zeroline": False}
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.04 * float((high - low).max())  # fixed ranges: nothing jumps while the points move
    figure.update_xaxes(range=[low[0] - room, high[0] + room], **bare)
    figure.update_yaxes(range=[low[1] - room, high[1] + room], scaleanchor="x", **bare)
    figure.update_layout(
        dragmode="pan",
        hovermode="closest",
        sliders=[
            {
                "active": active,
                "currentvalue": {"visible": False},
                "pad": {"t": 16, "l": 24, "r": 24},
                "bgcolor": BASE,
                "activebgcolor": TUNED,
                "bordercolor": GRID,
                "tickcolor": GRID,
                "steps": [
                    {"method": "restyle", "label": labels.get(number, " "), "args": [step]}
                    for number, step in enumerate(steps)
                ],
            }
        ],
    )
    return figure
