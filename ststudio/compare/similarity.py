"""Histograms of the similarity of pairs that belong together and of others, before and after."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ststudio.compare.figures import plain_layout
from ststudio.palette import BASE, INK, TUNED

MODELS = (("base", "Base", BASE), ("tuned", "Fine-tuned", TUNED))
ROOM = 1.1  # of the highest bar
KINDS = (("together", "belong together"), ("apart", "do not"))


def similarity_figure(found: Mapping[str, Any]) -> go.Figure:
    """Draw both models' cosines below each other on the same axes, each with its threshold.

    `found` has the shape of training/anatomy.py's anatomy(): edges, and counts for each model.
    """
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.12)
    edges = np.asarray(found["edges"])
    for row, (model, name, colour) in enumerate(MODELS, start=1):
        for kind, said in KINDS:
            figure.add_trace(
                _bars(edges, found[model][kind], found["pairs"][kind], kind, said, colour),
                row=row,
                col=1,
            )
        threshold = found[model]["threshold"]
        figure.add_vline(threshold, row=row, col=1, line={"color": INK, "width": 2, "dash": "dash"})
        figure.add_annotation(
            x=0,
            y=1,
            xref="x domain",
            yref="y domain",
            text=f"<b>{name}</b>, threshold {threshold:.2f}",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            row=row,
            col=1,
        )
    plain_layout(figure, 340)
    figure.update_layout(barmode="overlay", bargap=0.0, showlegend=False)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 28, "b": 8})
    figure.update_annotations(font={"size": 13, "color": INK})
    figure.update_xaxes(fixedrange=True, range=[edges[0], edges[-1]])
    figure.update_xaxes(title_text="cosine similarity", row=2, col=1)
    # In a closed accordion plotly finds no range by itself, and would go on with 400 %.
    highest = max(max(trace.y) for trace in figure.data) or 1.0
    figure.update_yaxes(
        fixedrange=True, tickformat=".0%", matches="y", range=[0, ROOM * highest], nticks=4
    )
    return figure


def _bars(edges: Any, counts: Any, total: int, kind: str, said: str, colour: str) -> go.Bar:
    """Draw one kind's share of pairs in each bin: filled where they belong together."""
    filled = kind == "together"
    return go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=np.asarray(counts) / max(total, 1),
        width=np.diff(edges),
        customdata=counts,
        name=said,
        marker={
            "color": colour if filled else "rgba(0, 0, 0, 0)",
            "opacity": 0.75 if filled else 1.0,
            "line": {"color": colour if filled else INK, "width": 0 if filled else 1},
        },
        hovertemplate=f"%{{x:.2f}}: %{{customdata}} pairs that {said}<extra></extra>",
    )
