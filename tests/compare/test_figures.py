"""Figures: what is drawn is what was given, and text is text."""

import plotly.graph_objects as go
import pytest

from ststudio import palette
from ststudio.compare.figures import loss_figure, shown, verdict_figure


def test_text_is_escaped_cut_and_put_in_lines() -> None:
    assert shown("<b>bold</b> & 'so'") == "&lt;b&gt;bold&lt;/b&gt; &amp; 'so'"
    long = shown("word " * 100)
    assert len(long.replace("<br>", " ")) <= 120
    assert long.endswith("…")
    assert shown("one\n\n two") == "one two"


LOG = [
    {"step": 0, "metric": 0.8},
    {"step": 1, "loss": 0.9, "grad_norm": 2.0},
    {"step": 2, "loss": 0.7, "metric": 0.85},
]


def test_loss_and_metric_share_the_steps() -> None:
    figure = loss_figure(LOG, "cosine_ndcg@10")
    loss, metric = figure.data
    assert (list(loss.x), list(loss.y)) == ([1, 2], [0.9, 0.7])
    assert (list(metric.x), list(metric.y)) == ([0, 2], [0.8, 0.85])
    assert (loss.yaxis, metric.yaxis) == ("y", "y2")
    assert figure.layout.shapes[0].y0 == 0.8  # the base model


def test_an_empty_log_is_an_empty_figure() -> None:
    figure = loss_figure([])
    assert [len(trace.x) for trace in figure.data] == [0, 0]
    assert not figure.layout.shapes


REPORT = {
    "n": 500,
    "baseline": 0.8,
    "score": 0.84,
    "delta": 0.04,
    "interval": [0.01, 0.09],
    "verdict": "WIN",
}


@pytest.mark.parametrize(
    ("verdict", "colour"),
    [("WIN", palette.GAIN), ("REGRESSION", palette.LOSS), ("MARGINAL", palette.BASE)],
)
def test_the_verdict_shows_both_scores_and_the_interval_against_the_base(
    verdict: str, colour: str
) -> None:
    figure = verdict_figure({**REPORT, "verdict": verdict}, "Triplet accuracy", "anchors")
    base, tuned = figure.data
    assert (base.x[0], tuned.x[0]) == (0.8, 0.84)
    assert (base.marker.color, tuned.marker.color) == (palette.BASE, palette.TUNED)
    assert tuned.error_x.color == colour
    assert tuned.x[0] - tuned.error_x.arrayminus[0] == pytest.approx(0.81)
    assert tuned.x[0] + tuned.error_x.array[0] == pytest.approx(0.89)
    assert figure.layout.shapes[0].x0 == 0.8
    assert "Triplet accuracy<br>on 500 test anchors" in figure.layout.xaxis.title.text


@pytest.mark.parametrize(
    "figure",
    [
        loss_figure(LOG),
        verdict_figure({**REPORT, "delta": 0, "interval": [0, 0]}, "Accuracy", "texts"),
    ],
)
def test_every_ground_shines_through(figure: go.Figure) -> None:
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == palette.CLEAR
    assert figure.layout.title.text is None  # gr.Plot would put 100 pixels above it
