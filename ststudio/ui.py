"""The page: one session, the tabs in order, and what a reload brings back."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs import QUIET, arriving, compare, data, header, push, train
from ststudio.tabs.arriving import LOAD, TABS, arrive, waiting_words
from ststudio.tabs.examination import again
from ststudio.tabs.page import Page
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.visitor import visitor_token

# What was picked and decided, by the session's names; no row of it.
PICKED = ("source", "fixes", "base_model", "modules", "lora", "given")


def browser_secret() -> str:
    """Return what encrypts the browser's own list of runs; it outlives a restart."""
    path: Path = get_settings().folder / "browser.secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def restore(
    session: Session, kept: dict[str, Any] | None, place: str | None, request: gr.Request
) -> Iterator[tuple[Session, Any]]:
    """Bring back this browser's runs and dataset, and do what the address asks for.

    Who reloads, or comes back from signing in, lands on the tab where that was; who comes back to a
    run under way lands beside it.
    """
    kept, token = (kept if isinstance(kept, dict) else {}), visitor_token(request)
    runs = [run for run in kept.get("runs", []) if _is_here(run)]
    ids = [run["run"] for run in runs]
    shown = kept.get("run") if kept.get("run") in ids else next(iter(ids), None)
    session = replace(session, runs=tuple(runs), run=shown)
    if words := waiting_words(request.query_params):
        yield replace(session, notice=words), gr.skip()
    session = _picked(session, kept.get("picked"), token)
    session, lands = arrive(session, request.query_params, token)
    if lands is None:
        run = shown_run(session)
        lands = "train" if run and not run.ended else ""
    lands = place if place in TABS else lands
    yield session, gr.Tabs(selected=lands) if lands else gr.skip()


def _picked(session: Session, picked: dict[str, Any] | None, token: str | None) -> Session:
    """Look again at what was picked; where that has expired, nothing is."""
    if not picked:
        return session
    with suppress(StudioError, TypeError, KeyError):  # or kept by another version of the page
        decided = {name: picked.get(name) for name in PICKED}
        decided |= {"fixes": tuple(picked["fixes"])}
        decided |= {"modules": tuple(picked["modules"]) if picked.get("modules") else None}
        return again(session, token, **decided)
    return session


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
    picked = {name: getattr(session, name) for name in PICKED} if session.source else None
    return {"runs": [*session.runs, *lost], "run": session.run, "picked": picked}


def build_ui() -> gr.Blocks:
    """Build the page without starting anything."""
    # What was packed for a download stays in Gradio's folder an hour; it may be anyone's model.
    with Page(title=header.TITLE, fill_width=False, delete_cache=(600, 3600)) as page:
        header.build()
        session = gr.State(Session())
        browser = gr.BrowserState({}, storage_key="ststudio", secret=browser_secret())
        place = gr.Textbox("", visible=False)  # the tab where one was, as the browser knows it
        notice, timer = arriving.build()
        with gr.Tabs() as tabs:
            with gr.Tab("Data", id="data"):
                to_train = data.build(session)
            with gr.Tab("Fine-tune", id="train"):
                train_timer, to_compare = train.build(session)
            with gr.Tab("Compare", id="compare") as compare_tab:
                to_push = compare.build(session, compare_tab, train_timer)
            with gr.Tab("Push", id="push") as push_tab:
                push.build(session, push_tab)
        for onward, name in ((to_train, "train"), (to_compare, "compare"), (to_push, "push")):
            onward.click(partial(gr.Tabs, selected=name), None, tabs, **QUIET)
        arriving.wire(session, tabs, notice, timer)
        page.load(restore, [session, browser, place], [session, tabs], js=LOAD, **QUIET)
        session.change(keep, [session, browser], browser, **QUIET)
    page.queue(max_size=200, default_concurrency_limit=8)
    return page
