"""Sizes of vectors as one plot: quality against megabytes per million texts."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from ststudio.compare.figures import plain_layout, room
from ststudio.palette import BASE, INK, TUNED

SYMBOLS = {"float32": "circle", "int8": "square", "binary": "diamond"}
LINES = {"base": ("base", BASE), "tuned": ("fine-tuned", TUNED)}
MEASURES = {True: "nDCG@10", False: "same ten hits as the whole vector"}


def size_figure(found: Mapping[str, Any]) -> go.Figure:
    """Draw every size of both models; `found` has the shape of compare/sizes.py's measure().

    Sizes of one precision are joined, and the sensible choice of each model has a ring.
    """
    figure = go.Figure()
    for who, (name, colour) in LINES.items():
        for precision, symbol in SYMBOLS.items():
            rows = [row for row in found["rows"] if row["precision"] == precision]
            line = go.Scatter(
                x=[row["mb"] for row in rows],
                y=[row["quality"][who] for row in rows],
                name=name,
                legendgroup=who,
                showlegend=precision == "float32",
                mode="lines+markers",
                line={"color": colour, "width": 1.5},
                marker={"symbol": symbol, "size": 9, "color": colour},
                customdata=[row["dims"] for row in rows],
                hovertemplate=(
                    f"{name}, %{{customdata}} dimensions, {precision}<br>%{{x:,}} MB per million "
                    "texts: %{y:.3f}<extra></extra>"
                ),
            )
            figure.add_trace(line)
        figure.add_trace(_ring(found["rows"][found["choice"][who]], who, colour))
    plain_layout(figure, 340)
    figure.update_xaxes(
        type="log",
        dtick=1,
        title_text="MB per million texts<br>● float32  ■ int8  ◆ binary",
        fixedrange=True,
    )
    values = [value for row in found["rows"] for value in row["quality"].values()]
    figure.update_yaxes(title_text=MEASURES[found["relevance"]], range=room(values))
    figure.update_yaxes(fixedrange=True)
    return figure


def _ring(row: Mapping[str, Any], who: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[row["mb"]],
        y=[row["quality"][who]],
        name="sensible",
        legendgroup="sensible",
        showlegend=who == "tuned",
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 20,
            "color": colour if who == "tuned" else INK,
            "line": {"width": 2.5},
        },
        hoverinfo="skip",
    )
