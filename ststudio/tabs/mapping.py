"""The map on the page: every text a dot, under the base model and under the fine-tuned one."""

import html
from typing import Any

import gradio as gr

from ststudio.compare.encoder import get_encoder
from ststudio.compare.map_figure import map_figure
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.session import Session

METHODS = {"PCA (at once)": "pca", "t-SNE": "tsne", "UMAP": "umap"}
MOVED = 5  # points that moved most, listed


@explained
def embedding_map(run: str, method: str = "pca") -> dict[str, Any]:
    """Lay out a run's texts under both models, after aligned to before."""
    found: dict[str, Any] = get_encoder().map(get_store().open(run), method)
    return found


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


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what the map shows when another run is opened: nothing, until it is drawn."""
    return None, ""


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the map and wire it; return what `opened` fills."""
    gr.Markdown("### The map\nEvery dot is a text. Slide from the base to the fine-tuned model.")
    with gr.Row(equal_height=True):
        method = gr.Radio(
            list(METHODS), value="PCA (at once)", label="Method", scale=4, min_width=300
        )
        redraw = gr.Button("Draw the map", scale=1, min_width=120)
    plot = gr.Plot(show_label=False, elem_id="map")
    caveat = gr.HTML("")
    for trigger in (redraw.click, method.input):
        trigger(
            draw,
            [session, method],
            [plot, caveat],
            api_visibility="private",
            concurrency_limit=4,
        )
    gr.api(embedding_map, api_name="map", concurrency_limit=2)
    return [plot, caveat]
