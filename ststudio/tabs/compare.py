"""The Compare tab asks what changed."""

import html
from typing import Any

import gradio as gr

from ststudio.compare.encoder import get_encoder
from ststudio.compare.figures import map_figure
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import QUIET, explained
from ststudio.tabs.session import Session, shown_run

TOP_K = 8
METHODS = {"PCA (at once)": "pca", "t-SNE": "tsne", "UMAP": "umap"}
MOVED = 5  # points that moved most, listed
EMPTY = (
    "### Nothing to compare yet\nWhen a run has finished in the **Fine-tune** tab, base and "
    "fine-tuned model can be searched and looked at here, side by side."
)


@explained
def search(run: str, query: str, top_k: int = 10) -> dict[str, Any]:
    """Rank a run's corpus for one query, by the base and by the fine-tuned model."""
    found: dict[str, Any] = get_encoder().search(get_store().open(run), query, top_k)
    return found


@explained
def embedding_map(run: str, method: str = "pca") -> dict[str, Any]:
    """Lay out a run's texts under both models, after aligned to before."""
    found: dict[str, Any] = get_encoder().map(get_store().open(run), method)
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


@explained
def draw(session: Session, method: str) -> tuple[Any, str]:
    """Return the map's figure and what is to be said of it."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its texts are drawn.")
    layout = embedding_map(session.run, METHODS[method])
    return map_figure(layout), map_words(layout)


def map_words(layout: dict[str, Any]) -> str:
    """Say how far the picture can be trusted, and which points moved most."""
    measures = layout["measures"]

    def moved(point: dict[str, Any]) -> float:
        (x0, y0), (x1, y1) = point["base"], point["tuned"]
        return float((x1 - x0) ** 2 + (y1 - y0) ** 2)

    most = sorted(layout["points"], key=moved, reverse=True)[:MOVED]
    listed = "".join(f"<li>{html.escape(point['text'][:160])}</li>" for point in most)
    return (
        "<p>Neighbours in the picture are neighbours in truth to "
        f"<b>{measures['trustworthiness_base']:.2f}</b> (base) and "
        f"<b>{measures['trustworthiness_tuned']:.2f}</b> (fine-tuned), where 1 is perfect. Each "
        f"text keeps <b>{measures['neighbour_overlap']:.0%}</b> of its ten nearest neighbours. "
        "Distances between far groups mean nothing.</p>"
        f"<details><summary>The texts that moved most</summary><ol>{listed}</ol></details>"
    )


def show(session: Session, seen: str) -> tuple[Any, ...]:
    """Open the tab for a run that has a model, and clear what an earlier run left."""
    run = shown_run(session)
    if run is None or not run.has_model:
        return gr.update(value=EMPTY, visible=True), gr.update(visible=False), *_kept(4), ""
    if seen == run.id:
        return gr.skip(), gr.update(visible=True), *_kept(4), seen
    choices = run.facts.get("suggestions", [])
    return (
        gr.update(value=heading(run), visible=True),
        gr.update(visible=True),
        gr.update(choices=choices, value=None),
        "",
        "",
        None,
        run.id,
    )


def _kept(count: int) -> tuple[Any, ...]:
    return tuple(gr.skip() for _ in range(count))


def heading(run: Run) -> str:
    """Say what is searched."""
    counts = run.facts.get("counts", {})
    notes = [note for note in run.facts.get("notes", []) if "document" in note]
    within = html.escape(notes[-1]) if notes else f"{counts.get('corpus', 0):,} documents."
    about = html.escape(str(run.facts.get("title", "")))
    return f"One question, two models, trained on **{about}**. {within}"


def build(session: gr.State, tab: gr.Tab, timer: gr.Timer) -> gr.Button:
    """Lay out the tab and wire it; return the button that leads on."""
    words = gr.Markdown(EMPTY)
    with gr.Column(visible=False) as body:
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
        gr.Markdown(
            "### The map\nEvery dot is a text. Slide from the base to the fine-tuned model."
        )
        with gr.Row(equal_height=True):
            method = gr.Radio(
                list(METHODS), value="PCA (at once)", label="Method", scale=4, min_width=300
            )
            redraw = gr.Button("Draw the map", scale=1, min_width=120)
        plot = gr.Plot(show_label=False, elem_id="map")
        caveat = gr.HTML("")
        onward = gr.Button("Next: Push", variant="primary")
    seen = gr.State("")

    shown = [words, body, query, base, tuned, plot, seen]
    for trigger in (tab.select, timer.tick, session.change):
        trigger(show, [session, seen], shown, **QUIET)
    ask: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 4}
    for trigger in (go.click, query.input):
        trigger(compare_query, [session, query], [base, tuned], **ask)
    for trigger in (redraw.click, method.input):
        trigger(draw, [session, method], [plot, caveat], **ask)
    gr.api(search, api_name="search", concurrency_limit=4)
    gr.api(embedding_map, api_name="map", concurrency_limit=2)
    return onward
