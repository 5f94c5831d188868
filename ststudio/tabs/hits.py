"""Hits as the page shows them: scores as bars, how far each moved, the words it shares."""

import html
from typing import Any

from ststudio.compare.shared_words import marked

TOP_K = 8


def movement(hit: dict[str, Any]) -> str:
    """Say how far a hit of the right-hand model moved, as HTML."""
    moved = hit["base_rank"] - hit["rank"]
    if hit["base_rank"] > TOP_K >= hit["rank"]:
        return f'<span class="up">new, from {hit["base_rank"]}</span>'
    if moved == 0:
        return '<span class="same">same</span>'
    word, sign = ("up", "▲") if moved > 0 else ("down", "▼")
    return f'<span class="{word}" title="was rank {hit["base_rank"]}">{sign}{abs(moved)}</span>'


def hits_html(
    hits: list[dict[str, Any]], who: str, query: str = "", title: str | None = None
) -> str:
    """Return one column of hits as HTML; every text of the data is escaped."""
    named = title or {"base": "Base", "tuned": "Fine-tuned"}[who]
    rows = "".join(_row(hit, query) for hit in hits)
    body = f"<ol>{rows}</ol>" if hits else "<p>No text passes the filter.</p>"
    return f'<div class="hits {who}"><h4>{html.escape(named)}</h4>{body}</div>'


def _row(hit: dict[str, Any], query: str) -> str:
    mark = ' <span class="relevant">relevant</span>' if hit["relevant"] else ""
    moved = " " + movement(hit) if "base_rank" in hit else ""
    width = max(0.0, min(hit["score"], 1.0)) * 100
    return (
        f'<li value="{hit["rank"]}">'
        f'<div class="text" tabindex="0">{marked(hit["text"], query)}</div>'
        f'<div class="facts"><span class="score"><i style="width:{width:.0f}%"></i></span>'
        f"{hit['score']:.3f}{moved}{mark}</div></li>"
    )


def said(words: str) -> str:
    """Return a sentence that stands where hits would."""
    return f'<div class="finding" role="status">{html.escape(words)}</div>'
