"""Search on the page: one query, two models, and how far each hit moved."""

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow.parquet as pq

from ststudio.compare.encoder import get_encoder
from ststudio.compare.scope import Scope, view
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import QUIET, REVISED, changed, explained, reranking, scoping
from ststudio.tabs.documented import publish
from ststudio.tabs.hits import TOP_K, hits_html, said
from ststudio.tabs.scoping import OWN, Chosen
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token

ANY = "any"  # class
# The hits stand above most of what one clicks on.
TO_THE_SEARCH = "() => document.querySelector('#query').scrollIntoView({block: 'nearest'})"
Shown = tuple[str, str, str, dict[str, Any]]
NOTHING: Shown = ("", "", "", {})  # what is shown before there is a query


@explained
def search(
    run: str,
    query: str,
    top_k: int = 10,
    scope: dict[str, Any] | None = None,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Rank texts for one query by two models; by default a run's corpus by base and fine-tuned.

    `scope`: any of corpus, left, right, contains, group, relevant, min_score.
    """
    return _found(run, query, top_k, Scope.from_json(scope), visitor_token(request))


def _found(
    run: str, query: object, top_k: object, scope: Scope, token: str | None
) -> dict[str, Any]:
    opened_run = get_store().open(run)
    return get_encoder().search(opened_run, query, top_k, view(opened_run, scope, token))


@explained
def compare_query(
    session: Session, chosen: Chosen, query: str, request: gr.Request | None = None
) -> Shown:
    """Search with both models; return what is to be said, the two columns, and what they show."""
    if not (query or "").strip():  # also where this page has only just come up, without a run
        return NOTHING
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its documents are searched.")
    try:
        found = _found(session.run, query, TOP_K, chosen.scope, visitor_token(request))
    except StudioError as error:  # said in place: who types is not to be shouted at
        return said(str(error)), "", "", {}
    words = ""
    if "searched" in found:
        words = said(f"Searched the first {found['searched']:,} of {found['texts']:,} texts.")
    left, right = (
        hits_html(found[key], who, query, title)
        for key, who, title in zip(("base", "tuned"), chosen.kinds, chosen.titles, strict=True)
    )
    return words, left, right, {"query": query.strip(), **found}


def look_at(row: list[str]) -> str:
    """Return the query that was clicked, which is searched as if it had been typed."""
    return row[-1]


def narrow(
    chosen: Chosen, contains: str, group: str | None, least: float, relevant: bool
) -> Chosen:
    """Show only those hits that the filters let through."""
    group = "" if group in (None, ANY) else str(group)
    return replace(
        chosen, contains=contains.strip(), group=group, min_score=least, relevant=relevant
    )


def suggestions(run: Run) -> list[list[str]]:
    """Return held-out queries that are worth a look."""
    found: list[str] = run.facts.get("suggestions", [])
    return [[query] for query in found]


@lru_cache(maxsize=16)
def groups_of(points_file: Path) -> list[str]:
    """Return the classes of what a run searches, none where it has no classes."""
    groups = pq.read_table(points_file, columns=["group"])["group"].unique().to_pylist()
    return sorted(group for group in groups if group)


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what the search shows when another run is opened, or none has a model."""
    tries = suggestions(run) if run else []
    groups = groups_of(run.embeddings_dir / "points.parquet") if run and run.has_texts else []
    return (
        "",
        gr.Dataset(samples=tries, visible=bool(tries)),
        "",
        gr.update(choices=[ANY, *groups], value=ANY, visible=bool(groups)),
        0.0,
        False,
        *NOTHING,
        *changed.opened(run),
        *scoping.opened(run),
        *reranking.opened(run),
    )


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the search and wire it; return what `opened` fills."""
    chosen = gr.State(OWN)
    query = gr.Textbox(
        label="Search",
        info="Type a word or a sentence; both models answer as you type.",
        max_lines=1,
        elem_id="query",
    )
    tries = gr.Dataset(
        components=["textbox"], samples=[], visible=False, label="Held-out queries to try"
    )
    filters = _build_filters()
    words = gr.HTML("", elem_id="search-words")
    with gr.Row():
        with gr.Column(min_width=300):
            base = gr.HTML("", elem_id="base-hits")
        with gr.Column(min_width=300):
            tuned = gr.HTML("", elem_id="tuned-hits")
    tables, listed = changed.build(session)
    embedding, offered = scoping.build(session, chosen)
    reranked = reranking.build(session, chosen, query)
    found = gr.State({})  # what is shown: {query, base: [hit], tuned: [hit]}; empty: nothing
    shown: list[Any] = [words, base, tuned, found]
    contains, group, least, relevant = filters
    narrowed = [contains.change, group.input, least.release, relevant.input]
    gr.on(narrowed, narrow, [chosen, *filters], chosen, trigger_mode="always_last", **QUIET)
    # A text that is pasted is a change, and no input.
    gr.on(
        [query.change, query.submit, chosen.change, embedding.change],
        compare_query,
        [session, chosen, query],
        shown,
        trigger_mode="always_last",
        **{**QUIET, "concurrency_limit": 4},
    )
    # What a cross-encoder said was said of another query, or of other texts.
    changed_above = [query.change, chosen.change]
    gr.on(changed_above, partial(reranking.opened, None), None, reranked, **QUIET)
    for table in (tries, *tables):
        table.click(look_at, table, query, **QUIET).then(None, js=TO_THE_SEARCH)
    publish(search, "search", concurrency_limit=4)
    return [query, tries, *filters, *shown, *listed, *offered, *reranked]


def _build_filters() -> tuple[gr.Textbox, gr.Dropdown, gr.Slider, gr.Checkbox]:
    with gr.Accordion("Filter", open=False), gr.Row():
        contains = gr.Textbox(label="Contains", max_lines=1, max_length=200, min_width=160)
        group = gr.Dropdown(
            [ANY], value=ANY, label="Class", visible=False, min_width=160, **REVISED
        )
        least = gr.Slider(0.0, 1.0, 0.0, step=0.01, label="Least score", min_width=160)
        relevant = gr.Checkbox(
            label="Only relevant", info="Known for held-out queries.", min_width=160
        )
    return contains, group, least, relevant
