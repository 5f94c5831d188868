"""A cross-encoder on the page: the best hits read again together with the query, and the cost."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from ststudio.compare.reranking import MOST_HITS, TOP_K, clean_hits, fetch, rerank
from ststudio.compare.scope import Scope, view
from ststudio.errors import StudioError
from ststudio.rerankers import DEFAULT_RERANKER
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.documented import publish
from ststudio.tabs.headline import duration
from ststudio.tabs.progress import bar
from ststudio.tabs.scoping import Chosen
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token

ABOUT = (
    "A cross-encoder reads the query and a text **together** and is often the better judge, but "
    "each pair is a pass of its own and nothing can be computed ahead. So it is used to rerank "
    "the few best hits. Here it reads those of the right column above, filters and all. "
    "[What cross-encoders are](https://www.sbert.net/examples/cross_encoder/applications/README.html)"
)


@explained
def rerank_hits(
    run: str,
    query: str,
    model: str = DEFAULT_RERANKER,
    top_k: int = TOP_K,
    scope: dict[str, Any] | None = None,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Rerank the best hits of the right model with a cross-encoder; say what that cost.

    `scope`: as in /search.
    """
    found, clean_k, token = get_store().open(run), clean_hits(top_k), visitor_token(request)
    searched = view(found, Scope.from_json(scope), token)
    name, folder = fetch(model, token)
    return {**rerank(found, query, folder, clean_k, searched), "model": name}


@explained
def rerank_query(
    session: Session,
    chosen: Chosen,
    query: str,
    model: str,
    top_k: float,
    request: gr.Request | None = None,
) -> Iterator[tuple[str, Any]]:
    """Rerank the hits of the query in the search box, and show them as a column."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its documents are searched.")
    run, count = get_store().open(session.run), clean_hits(top_k)
    if not query or not str(query).strip():
        raise StudioError("Type a query in the search box first: a word or a sentence.")
    token = visitor_token(request)
    searched = view(run, chosen.scope, token)
    try:
        yield bar(f"Fetching {model}, where it is not here yet", 0.1), gr.skip()
        name, folder = fetch(model, token)
        yield bar(f"Reading the query with each of {count} hits", 0.6), gr.skip()
        yield "", result_html({**rerank(run, query, folder, count, searched), "model": name})
    except StudioError:
        yield "", gr.skip()  # or the bar would stand there for ever
        raise


def result_html(found: Mapping[str, Any]) -> str:
    """Return the reranked hits as a column with their cost; every text of the data is escaped."""
    rows = []
    for hit in found["hits"]:
        mark = ' <span class="relevant">relevant</span>' if hit["relevant"] else ""
        rows.append(
            f'<li><div class="text" tabindex="0">{html.escape(hit["text"])}</div>'
            f'<div class="facts">score {hit["score"]:.3f} {movement(hit)}{mark}</div></li>'
        )
    return (
        f'<div class="hits crossed"><h4>Cross-encoder</h4><p>{_cost(found)}</p>'
        f"<ol>{''.join(rows)}</ol></div>"
    )


def movement(hit: Mapping[str, Any]) -> str:
    """Say how far a hit moved from where the right model had it, as HTML."""
    moved = hit["tuned_rank"] - hit["rank"]
    if moved == 0:
        return '<span class="same">same</span>'
    word, sign = ("up", "▲") if moved > 0 else ("down", "▼")
    return f'<span class="{word}" title="was rank {hit["tuned_rank"]}">{sign}{abs(moved)}</span>'


def _cost(found: Mapping[str, Any]) -> str:
    cost = found["cost"]
    return (
        f"{html.escape(found['model'])} read {cost['pairs']} pairs in {cost['ms']:,.0f} ms: "
        f"<b>{cost['ms_per_pair']:.1f} ms a pair</b>. All {cost['corpus']:,} texts that were "
        f"searched would take {duration(cost['corpus_seconds'])} for each query."
    )


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what is shown when another run is opened: nothing, until it is asked for."""
    return "", ""


def build(
    session: gr.State, chosen: gr.State, query: gr.components.Component
) -> list[gr.components.Component]:
    """Lay out the accordion below a search box and wire it; return what `opened` fills."""
    with gr.Accordion("Rerank with a cross-encoder", open=False):
        gr.Markdown(ABOUT)
        with gr.Row(equal_height=True):
            model = gr.Textbox(
                DEFAULT_RERANKER,
                label="Cross-encoder",
                info="Any on the Hub that gives one score; only safetensors are opened.",
                scale=3,
                min_width=280,
            )
            hits = gr.Slider(5, MOST_HITS, TOP_K, step=1, label="Hits", scale=2, min_width=200)
        go = gr.Button("Rerank with a cross-encoder", elem_id="rerank")
        progress = gr.HTML("", elem_id="rerank-progress")
        column = gr.HTML("", elem_id="crossed-hits")
    outputs: list[gr.components.Component] = [progress, column]
    go.click(
        rerank_query,
        [session, chosen, query, model, hits],
        outputs,
        api_visibility="private",
        show_progress="hidden",
    )
    publish(rerank_hits, "rerank")
    return outputs
