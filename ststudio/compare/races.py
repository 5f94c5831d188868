"""A race as one plot: the dev metric over each racer's own seconds, the winner thick."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ststudio.compare.figures import plain_layout, room
from ststudio.palette import GROUPS
from ststudio.training.racers import lane, winner


def race_figure(
    log: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], metric: str
) -> go.Figure:
    """Draw the race so far, one line a racer; seconds count from each one's own start."""
    figure = go.Figure()
    best = winner(rows) if any(row.get("won") for row in rows) else None
    for number, row in enumerate(rows):
        looks = [entry for entry in lane(log, number) if entry.get("metric") is not None]
        won = number == best
        figure.add_trace(
            go.Scatter(
                # The baseline waits for the first step, which changes no weight: it is of 0.
                x=[entry["seconds"] if entry["step"] else 0.0 for entry in looks],
                y=[entry["metric"] for entry in looks],
                name=html.escape(f"{row['title']} (won)" if won else row["title"]),
                mode="lines+markers",
                line={"color": GROUPS[number % len(GROUPS)], "width": 5 if won else 2},
                marker={"size": 9 if won else 6},
                opacity=1.0 if won or best is None else 0.75,
                customdata=[entry["step"] for entry in looks],
                hovertemplate="%{x:.1f} s, step %{customdata}: %{y:.4f}",
            )
        )
    plain_layout(figure, 320)
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="seconds since the racer's start", rangemode="tozero")
    measured = [entry["metric"] for entry in log if entry.get("metric") is not None]
    figure.update_yaxes(title_text=f"{html.escape(metric)} on dev", range=room(measured))
    return figure
