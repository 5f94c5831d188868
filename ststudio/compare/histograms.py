"""Small histograms: token lengths by role, and how far negatives are from their anchors."""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ststudio.compare.figures import plain_layout
from ststudio.palette import BASE, INK, LOSS, TUNED


def lengths_figure(lengths: Mapping[str, Any]) -> go.Figure:
    """Draw how many tokens the texts of each role have, beside what the model reads of them.

    `lengths` has the shape of /diagnose: a limit, and by role counts and their edges.
    """
    roles, limit = lengths["roles"], lengths["limit"]
    titles = [html.escape(f"{role}{_cut(found['cut'])}") for role, found in roles.items()]
    figure = make_subplots(cols=max(len(roles), 1), subplot_titles=titles)
    for column, found in enumerate(roles.values(), start=1):
        edges = np.asarray(found["edges"])
        bar = go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=found["counts"],
            width=np.diff(edges),
            customdata=_spans(edges),
            hovertemplate="%{customdata} tokens: %{y} texts<extra></extra>",
            marker={
                "color": [BASE if limit is None or right <= limit else LOSS for right in edges[1:]]
            },
            showlegend=False,
        )
        figure.add_trace(bar, row=1, col=column)
        if limit is not None and limit <= edges[-1]:
            figure.add_vline(
                limit, row=1, col=column, line={"color": INK, "width": 1, "dash": "dot"}
            )
    plain_layout(figure, 160)
    figure.update_layout(bargap=0.05, margin={"l": 8, "r": 8, "t": 28, "b": 8})
    figure.update_annotations(font={"size": 13, "color": INK})
    figure.update_xaxes(fixedrange=True, rangemode="tozero", showgrid=False)
    figure.update_xaxes(title={"text": "tokens", "standoff": 2, "font": {"size": 12}})
    figure.update_yaxes(fixedrange=True, showticklabels=False)
    return figure


def _cut(share: float) -> str:
    return f" · {share:.0%} cut" if share >= 0.005 else ""


def _spans(edges: npt.NDArray[np.int_]) -> list[str]:
    """Name each bar's tokens; the last one holds whatever is longer."""
    spans = [f"{low + 1} to {high}" for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return [*spans[:-1], f"{edges[-2] + 1} or more"]


def margins_figure(found: Mapping[str, Any]) -> go.Figure:
    """Draw how much closer positives are than negatives, before mining and after.

    `found` has the shape of training/hardness.py's look(): edges, and counts before and after.
    """
    edges = np.asarray(found["edges"])
    names = ("their own negatives" if found["own"] else "random negatives", "mined negatives")
    figure = go.Figure()
    for name, counts, colour in zip(names, found["counts"], (BASE, TUNED), strict=True):
        bar = go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            name=name,
            marker={"color": colour, "opacity": 0.65},
            hovertemplate="%{x:.2f} closer: %{y} rows",
        )
        figure.add_trace(bar)
    plain_layout(figure, 260)
    figure.update_layout(barmode="overlay", bargap=0.0)
    figure.add_vline(0, line={"color": INK, "width": 1, "dash": "dot"})
    figure.update_xaxes(fixedrange=True, title_text="similarity of the positive minus the negative")
    figure.update_yaxes(fixedrange=True, title_text="rows")
    return figure
