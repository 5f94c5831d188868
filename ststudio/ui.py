"""The page: one session, the tabs in order, and what a reload brings back."""

import os
import secrets
import subprocess
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ststudio import palette
from ststudio.errors import StudioError
from ststudio.runs.lease import on_zero_gpu
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs import QUIET, compare, data, push, train
from ststudio.tabs.examination import again
from ststudio.tabs.page import Page
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.visitor import visitor_token

TITLE = "ST Studio"
HEAD = (
    "# ST Studio\nFine-tune a sentence-embedding model on your own data in about a minute, and "
    "see on rows it never trained on whether that helped."
)

def browser_secret() -> str:
    """Return what encrypts the browser's own list of runs; it outlives a restart."""
    path: Path = get_settings().folder / "browser.secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def restore(
    session: Session, kept: dict[str, Any] | None, request: gr.Request
) -> tuple[Session, Any]:
    """Bring back this browser's runs and dataset; `?run=` in the address opens a run to read.

    Who comes back to a run under way, or follows a link to one, lands beside it.
    """
    kept = kept if isinstance(kept, dict) else {}
    runs = [run for run in kept.get("runs", []) if _is_here(run)]
    asked = request.query_params.get("run")
    session = replace(session, runs=tuple(runs), run=asked or (runs[0]["run"] if runs else None))
    shown = shown_run(session)
    lands = gr.Tabs(selected="train") if shown and (asked or not shown.ended) else gr.skip()
    picked = kept.get("picked")
    if picked:
        with suppress(StudioError, TypeError):  # expired, or kept by another version of the page
            decided = {**picked, "fixes": tuple(picked["fixes"])}
            session = again(session, visitor_token(request), **decided)
    return session, lands


def _is_here(run: dict[str, Any]) -> bool:
    return (get_store().folder / str(run.get("run"))).is_dir()


def keep(session: Session, before: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the browser keeps: its runs' ids and keys, and what was picked; no row of it.

    A run that it knew stays as long as the run does: of two handlers at once the later one ends
    with a session that does not know of the earlier one's run, whose key nobody else has.
    """
    own = {run["run"] for run in session.runs}
    known = (before if isinstance(before, dict) else {}).get("runs", [])
    lost = [run for run in known if run.get("run") not in own and _is_here(run)]
    names = ("source", "fixes", "base_model")
    picked = {name: getattr(session, name) for name in names} if session.source else None
    return {"runs": [*session.runs, *lost], "picked": picked}


def build_ui() -> gr.Blocks:
    """Build the page without starting anything."""
    # What was packed for a download stays in Gradio's folder an hour; it may be anyone's model.
    with Page(title=TITLE, fill_width=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(HEAD)
        gr.Markdown(facts(), elem_id="facts")
        session = gr.State(Session())
        browser = gr.BrowserState({}, storage_key="ststudio", secret=browser_secret())
        with gr.Tabs() as tabs:
            with gr.Tab("Data", id="data"):
                to_train = data.build(session)
            with gr.Tab("Fine-tune", id="train"):
                timer, to_compare = train.build(session)
            with gr.Tab("Compare", id="compare") as compare_tab:
                to_push = compare.build(session, compare_tab, timer)
            with gr.Tab("Push", id="push") as push_tab:
                push.build(session, push_tab)
        for onward, place in ((to_train, "train"), (to_compare, "compare"), (to_push, "push")):
            onward.click(partial(gr.Tabs, selected=place), None, tabs, **QUIET)
        page.load(restore, [session, browser], [session, tabs], **QUIET)
        session.change(keep, [session, browser], browser, **QUIET)
    page.queue(max_size=200, default_concurrency_limit=8)
    return page
