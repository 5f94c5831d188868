"""Values in, plotly figures out: transparent, so that they stand on light and on dark pages."""

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ststudio.palette import BASE, CLEAR, GAIN, GRID, INK, LOSS, NOTE, NOTE_INK, TUNED

Array = npt.NDArray[np.floating[Any]]

HOVER_CHARACTERS = 120
HOVER_LINE = 48  # characters
VERDICTS = {"WIN": GAIN, "REGRESSION": LOSS, "MARGINAL": BASE}


def shown(text: str) -> str:
    """Return a row's text fit for plotly, which reads a little HTML: cut, escaped, in lines."""
    # plotly knows &amp;, &lt; and &gt;, shows &quot; as it is, and builds no attribute from text.
    short = " ".join(text.split())
    short = short if len(short) <= HOVER_CHARACTERS else short[: HOVER_CHARACTERS - 1] + "…"
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(short, HOVER_LINE))


def plain_layout(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the look that all share."""
    figure.update_layout(
        height=height,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"color": INK, "size": 13},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        modebar={
            "bgcolor": CLEAR,
            "color": INK,
            "activecolor": TUNED,
            "remove": ["select", "lasso", "autoscale"],
        },
        hoverlabel={"align": "left", "bgcolor": NOTE, "font": {"color": NOTE_INK}},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "itemsizing": "constant"},
        legend_bgcolor=CLEAR,
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    return figure


def loss_figure(log: Sequence[Mapping[str, Any]], metric: str = "held-out metric") -> go.Figure:
    """Draw the live log: loss on the left, the held-out metric on the right, steps below.

    Entries have `step` and, where it was measured, `loss` or `metric`; the metric of step 0 is
    the base model's and stays as a dotted line.
    """
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    for name, key, colour, mode in (
        ("loss", "loss", BASE, "lines"),
        (metric, "metric", TUNED, "lines+markers"),
    ):
        entries = [entry for entry in log if entry.get(key) is not None]
        trace = go.Scatter(
            x=[entry["step"] for entry in entries],
            y=[entry[key] for entry in entries],
            name=html.escape(name),
            mode=mode,
            line={"color": colour, "width": 2},
            hovertemplate="step %{x}: %{y:.4f}",
        )
        figure.add_trace(trace, secondary_y=key == "metric")
    plain_layout(figure, 320)
    figure.update_xaxes(title_text="step", rangemode="tozero")
    figure.update_yaxes(title_text="loss", rangemode="tozero", secondary_y=False)
    figure.update_yaxes(title_text=html.escape(metric), showgrid=False, secondary_y=True)
    figure.update_yaxes(range=room([e["metric"] for e in log if "metric" in e]), secondary_y=True)
    first = next((entry for entry in log if entry.get("metric") is not None), None)
    if first is not None and first["step"] == 0:
        figure.add_hline(
            first["metric"], line={"color": BASE, "dash": "dot", "width": 1}, secondary_y=True
        )
    return figure


def room(values: Sequence[float]) -> list[float] | None:
    """Return a range around the values, wide enough that noise does not look like a leap."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return None
    room = max(0.02, 0.15 * (max(known) - min(known)))
    return [min(known) - room, max(known) + room]


def verdict_figure(report: Mapping[str, Any]) -> go.Figure:
    """Draw the gain with its interval against zero."""
    low, high = report["interval"]
    delta = report["delta"]
    figure = go.Figure(
        go.Scatter(
            x=[delta],
            y=[""],
            mode="markers",
            marker={"size": 14, "color": VERDICTS[report["verdict"]]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - delta],
                "arrayminus": [delta - low],
                "thickness": 3,
                "width": 8,
                "color": VERDICTS[report["verdict"]],
            },
            hovertemplate=f"{delta:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}<extra></extra>",
            showlegend=False,
        )
    )
    plain_layout(figure, 130)
    edge = 1.25 * max(abs(low), abs(high), abs(delta), 0.01)
    figure.update_xaxes(
        range=[-edge, edge],  # zero in the middle: the side says it before the number does
        zeroline=False,
        tickformat="+.2~g",
        fixedrange=True,
        title_text=f"change of {html.escape(report['metric'])} on {report['n']:,} test units",
    )
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.add_vline(0, line={"color": INK, "width": 1, "dash": "dot"})
    return figure
