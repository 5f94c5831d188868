"""Search on the page: one query, two models, and how far each hit moved."""

import html
from typing import Any

import gradio as gr

from ststudio.compare.encoder import get_encoder
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained, reranking
from ststudio.tabs.session import Session

TOP_K = 8


@explained
def search(run: str, query: str, top_k: int = 10) -> dict[str, Any]:
    """Rank a run's corpus for one query, by the base and by the fine-tuned model."""
    found: dict[str, Any] = get_encoder().search(get_store().open(run), query, top_k)
    return found


def movement(hit: dict[str, Any]) -> str:
    """Say how far a hit of the fine-tuned model moved, as HTML."""
    moved = hit["base_rank"] - hit["rank"]
    if hit["base_rank"] > TOP_K:
        return f'<span class="up">new, from {hit["base_rank"]}</span>'
    if moved == 0:
        return '<span class="same">same</span>'
    word, sign = ("up", "▲") if moved > 0 else ("down", "▼")
    return f'<span class="{word}" title="was rank {hit["base_rank"]}">{sign}{abs(moved)}</span>'


def hits_html(hits: list[dict[str, Any]], who: str) -> str:
    """Return one column of hits as HTML; every text of the data is escaped."""
    title = {"base": "Base", "tuned": "Fine-tuned"}[who]
    rows = []
    for hit in hits:
        mark = ' <span class="relevant">relevant</span>' if hit["relevant"] else ""
        moved = " " + movement(hit) if who == "tuned" else ""
        width = max(0.0, min(hit["score"], 1.0)) * 100
        rows.append(
            f'<li><div class="text">{html.escape(hit["text"])}</div><div class="facts">'
            f'<span class="score"><i style="width:{width:.0f}%"></i></span>'
            f"{hit['score']:.3f}{moved}{mark}</div></li>"
        )
    return f'<div class="hits {who}"><h4>{title}</h4><ol>{"".join(rows)}</ol></div>'


@explained
def compare_query(session: Session, query: str) -> tuple[str, str]:
    """Search with both models and return the two columns."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its documents are searched.")
    found = search(session.run, query, TOP_K)
    return hits_html(found["base"], "base"), hits_html(found["tuned"], "tuned")


def suggestions(run: Run) -> list[str]:
    """Return held-out queries that are worth a look."""
    found: list[str] = run.facts.get("suggestions", [])
    return found


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what the search shows when another run is opened, or none has a model."""
    column = reranking.opened(run)
    return gr.update(choices=suggestions(run) if run else [], value=None), "", "", *column


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the search and wire it; return what `opened` fills."""
    with gr.Row(equal_height=True):
        query = gr.Dropdown(
            [],
            label="Search",
            info="Pick a held-out query or type your own, then Enter.",
            allow_custom_value=True,
            scale=4,
            min_width=300,
            elem_id="query",
        )
        go = gr.Button("Search", variant="primary", scale=1, min_width=120)
    with gr.Row():
        with gr.Column(min_width=300):
            base = gr.HTML("", elem_id="base-hits")
        with gr.Column(min_width=300):
            tuned = gr.HTML("", elem_id="tuned-hits")
    for trigger in (go.click, query.input):
        trigger(
            compare_query,
            [session, query],
            [base, tuned],
            api_visibility="private",
            concurrency_limit=4,
        )
    gr.api(search, api_name="search", concurrency_limit=4)
    return [query, base, tuned, *reranking.build(session, query)]
