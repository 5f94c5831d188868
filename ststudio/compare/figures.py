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


def verdict_figure(report: Mapping[str, Any], metric: str, units: str) -> go.Figure:
    """Draw both models' scores, and the interval of the change against the base's score.

    `metric` and `units` are names for people. Where the interval leaves the dotted line,
    fine-tuning made a difference.
    """
    baseline, score = report["baseline"], report["score"]
    low, high = (baseline + bound for bound in report["interval"])
    figure = go.Figure()
    bar = {"thickness": 3, "width": 8, "color": VERDICTS[report["verdict"]], "symmetric": False}
    for name, value, colour in (("base", baseline, BASE), ("fine-tuned", score, TUNED)):
        tuned = name == "fine-tuned"
        figure.add_scatter(
            x=[value],
            y=[name],
            mode="markers",
            name=name,
            marker={"size": 14, "color": colour},
            error_x={**bar, "array": [high - value], "arrayminus": [value - low]} if tuned else {},
            hovertemplate=f"{name}: {value:.4f}"
            + (f"<br>{_change(report)}" if tuned else "")
            + "<extra></extra>",
        )
    plain_layout(figure, 185)
    edge = 1.15 * max(high - baseline, baseline - low, abs(score - baseline), 0.01)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(
        range=[baseline - edge, baseline + edge],  # base in the middle: the side says it all
        zeroline=False,
        fixedrange=True,
        nticks=7,
        title={
            "text": f"{html.escape(metric)}<br>on {report['n']:,} test {units}"
            "<br>bar: 95 % interval of the change",
            "font": {"size": 12},
        },
    )
    figure.update_yaxes(fixedrange=True, showgrid=False, autorange="reversed", ticksuffix=" ")
    figure.add_vline(baseline, line={"color": INK, "width": 1, "dash": "dot"})
    return figure


def _change(report: Mapping[str, Any]) -> str:
    low, high = report["interval"]
    return f"change {report['delta']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"
