"""The map on the page: every text a dot, under the base model and under the fine-tuned one."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gradio as gr

from ststudio.compare.encoder import get_encoder
from ststudio.compare.map_figure import map_figure
from ststudio.compare.maps import MAP_SECONDS, Stage, get_maps
from ststudio.compare.moved import describe, most_moved, telling
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import QUIET, explained
from ststudio.tabs.documented import publish
from ststudio.tabs.map_asking import ask, drawn_map, find, over_and_near, picked
from ststudio.tabs.map_colours import COLOURINGS, Shown, choices, cluster_labels
from ststudio.tabs.map_methods import FIRST, METHODS
from ststudio.tabs.map_stage import build_stage
from ststudio.tabs.map_story import moved_html, trust_words
from ststudio.tabs.progress import bar
from ststudio.tabs.session import Session, shown_run

MOVED = 10  # points that moved most, listed
CONTRACT = ("method", "points", "measures")
ABOUT = (
    "### The map\nEvery dot is a text, once: slide it from where the base model has it to where "
    "the fine-tuned model does. Click a dot to see its neighbours before and after."
)
# A click on what bears a row asks for the text in that row.
PICK = (
    "element.addEventListener('click', (event) => { const found = "
    "event.target.closest('[data-row]'); "
    "if (found) trigger('pick', { row: Number(found.dataset.row) }); });"
)
LISTS = """
li { padding: 6px 0; border-bottom: 1px solid var(--border-color-primary); }
li button { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow: hidden; width: 100%; padding: 0; margin: 0; border: 0; text-align: left;
  font-weight: 400; background: none !important; box-shadow: none !important;
  overflow-wrap: anywhere; color: var(--body-text-color); }
li button:hover { text-decoration: underline; }
li > div { font-size: .9em; color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
ol { list-style: decimal; padding-left: 1.6em; margin: 0; }
.own { border: 1px solid var(--border-color-primary); border-radius: 4px; padding: 0 6px; }
.sides { display: flex; flex-wrap: wrap; gap: 24px; }
.sides > div { flex: 1 1 260px; min-width: 0; }
"""


@explained
def embedding_map(run: str, method: str = "pca") -> dict[str, Any]:
    """Lay out a run's texts under both models, after aligned to before."""
    found = get_maps().layout(get_store().open(run), method)
    return {name: found[name] for name in CONTRACT}


@explained
def draw(
    session: Session,
    method: str,
    colour: str,
    asked: dict[str, Any] | None,
    drawn: str | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Lay the map out, telling how far that has come, and show it.

    Nothing may follow the picture: what a generator yields next is written by the page into the
    picture that it may not have drawn yet, and then there is none.
    """
    run = shown_run(session)
    if run is None or not run.has_texts:
        yield tuple(gr.skip() for _ in range(9))
        return
    kept = tuple(gr.skip() for _ in range(5))
    free, busy = gr.update(interactive=True), gr.update(interactive=False)
    hidden, visible = gr.update(visible=False), gr.update(visible=True)
    try:
        for news in get_maps().steps(run, METHODS[method].key):
            if isinstance(news, Stage):
                yield (
                    gr.update(value=_said(news, method), visible=True),
                    visible,
                    hidden,
                    busy,
                    *kept,
                )
                continue
            yield hidden, hidden, hidden, free, *_picture(run, method, colour, asked, news)
    except StudioError:
        back = gr.update(value=drawn or method, interactive=True)
        yield hidden, hidden, visible, back, *kept  # or the bar would stand there for ever
        raise


@explained
def first(ready: bool, session: Session, method: str, *settings: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Draw the map where its tab is open, and have it laid out by then where it is not yet."""
    if ready:  # a gr.Plot that is filled before its tab was ever open stays empty
        yield from draw(session, method, *settings)
        return
    yield tuple(gr.skip() for _ in range(9))
    run = shown_run(session)
    if run is not None and run.has_texts:
        with suppress(StudioError):  # told when it is drawn
            get_maps().layout(run, METHODS[method].key)


def _said(stage: Stage, method: str) -> str:
    of = "" if method == FIRST else f", {stage.seconds:.0f} of at most {MAP_SECONDS:.0f} seconds"
    return bar(f"{method}: {stage.words}{of}", stage.share)


def _picture(
    run: Run, method: str, colour: str, asked: dict[str, Any] | None, layout: dict[str, Any]
) -> tuple[Any, ...]:
    offered = choices(layout)
    shown = Shown(run, layout, (asked or {}).get("query"))
    over, _ = over_and_near(run, METHODS[method], layout, asked)
    return (
        map_figure(layout, COLOURINGS[colour].find(shown)),
        over,
        trust_words(layout["measures"], METHODS[method].caveat),
        gr.update(choices=offered),
        method,
    )


@explained
def list_movers(session: Session, drawn: str | None) -> str:
    """List what moved most in the map that is drawn."""
    if drawn is None:
        return ""
    run, _, layout = drawn_map(session, drawn)
    return movers(run, layout)


def movers(run: Run, layout: dict[str, Any]) -> str:
    """List the points that moved most, between classes or, without any, between clusters."""
    rows = most_moved(layout, MOVED)
    if not rows:
        return moved_html([], layout["points"], "", False)
    groups = [point["group"] for point in layout["points"]]
    classes = telling(groups)
    labels = groups if classes else cluster_labels(run, "tuned")
    moved = describe(layout, rows, get_encoder().neighbours(run, rows), labels)
    what = "the class" if classes else "the cluster (of the fine-tuned model's vectors)"
    return moved_html(moved, layout["points"], what, classes)


@explained
def recolour(session: Session, drawn: str | None, colour: str, asked: dict[str, Any] | None) -> Any:
    """Draw the same map in other colours."""
    run, _, layout = drawn_map(session, drawn)
    query = (asked or {}).get("query")
    colours = COLOURINGS[colour].find(Shown(run, layout, query))
    if not colours.labels and not len(colours.base) and COLOURINGS[colour].words:
        gr.Info(COLOURINGS[colour].words)
    return map_figure(layout, colours)


def put_back(drawn: str | None) -> tuple[Any, ...]:
    """Keep the map that was there when a slower one is no longer wanted."""
    hidden = gr.update(visible=False)
    return hidden, hidden, gr.update(value=drawn or FIRST, interactive=True)


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what the map shows when another run is opened: nothing, until it is drawn."""
    first = gr.update(value=FIRST, interactive=True)
    return run.id if run else None, first, "class", None, "", "", "", "", None, None, "", ""


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the map and wire it; return what `opened` fills."""
    gr.Markdown(ABOUT)
    ready, shown, asked, drawn = gr.State(False), gr.State(None), gr.State(None), gr.State(None)
    with gr.Row():
        method = gr.Radio(list(METHODS), value=FIRST, label="Laid out by", min_width=300)
        coloured = [(one.label, key) for key, one in COLOURINGS.items()]
        colour = gr.Radio(coloured, value="class", label="Coloured by", min_width=300)
    status = gr.HTML("", visible=False, elem_id="map-status")
    stop = gr.Button("Stop, and keep the map that is here", size="sm", visible=False)
    again = gr.Button("Draw the map again", size="sm", visible=False)
    stage, plot = build_stage()
    words = gr.HTML("", elem_id="map-words")
    with gr.Row(equal_height=True):
        query = gr.Textbox(
            label="Put a query into the map",
            info="Then Enter: amber star, lines to its ten nearest before (grey) and after.",
            max_lines=1,
            min_width=300,
            elem_id="map-query",
        )
        text = gr.Textbox(
            label="Look at one text",
            info="Some of its words, then Enter; or click its dot.",
            max_lines=1,
            min_width=300,
            elem_id="map-find",
        )
    near = gr.HTML("", js_on_load=PICK, css_template=LISTS, elem_id="map-near")
    with gr.Accordion("The texts that moved most", open=False):
        moved = gr.HTML("", js_on_load=PICK, css_template=LISTS, elem_id="map-moved")

    outputs = [status, stop, again, method, plot, stage, words, colour, drawn]
    inputs = [session, method, colour, asked, drawn]
    private: dict[str, Any] = {**QUIET, "concurrency_limit": 4}
    slow: list[Any] = [
        trigger(draw, inputs, outputs, **{**private, "concurrency_limit": 16})
        for trigger in (method.input, again.click)
    ]
    stage.ready(lambda: True, None, ready, **QUIET)
    for news in (ready.change, shown.change):
        news(first, [ready, *inputs], outputs, **private)
    drawn.change(list_movers, [session, drawn], moved, **private)
    # After the cancelling, or a last word of what was cancelled would stand there for ever.
    ended = stop.click(None, cancels=slow, **QUIET)
    ended.then(put_back, drawn, [status, stop, method], **QUIET)
    colour.input(recolour, [session, drawn, colour, asked], plot, **private)
    query.submit(ask, [session, drawn, query], [stage, near, asked, plot, colour], **private)
    text.submit(find, [session, drawn, text], [stage, near, asked], **private)
    for source in (stage, near, moved):
        source.pick(picked, [session, drawn], [stage, near, asked], **private)
    publish(embedding_map, "map", concurrency_limit=2)
    return [shown, method, colour, plot, stage, words, moved, near, asked, drawn, query, text]
