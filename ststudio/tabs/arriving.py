"""What an address asks for: a run to look at, a pushed model, a recipe; and what is said of it."""

import html
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.opening import open_pushed, opening_state, start_opening
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs import POLLED, explained
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar
from ststudio.tabs.recipes import taken_of_run
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token

TABS = ("data", "train", "compare", "push")
TICK_SECONDS = 0.7

# What the browser itself knows of where one was: the tab that was open when the page was left, by a
# reload or to sign in; and the address, of which the way back from there keeps the first word only.
LOAD = f"""(session, browser, place) => {{
  const search = location.search, store = window.sessionStorage;
  const back = store.getItem('ststudio-back');
  store.removeItem('ststudio-back');
  const [at, tab] = JSON.parse(store.getItem('ststudio-tab') || '["", ""]');
  if (back !== null && back !== search) {{ location.replace(location.pathname + back); }}
  else addEventListener('pagehide', () => {{
    const open = {list(TABS)}.find((id) => document.querySelector(
      `[role=tab][data-tab-id="${{id}}"][aria-selected="true"]`));
    store.setItem('ststudio-tab', JSON.stringify([location.search, open || '']));
  }});
  return [session, browser, at === (back ?? search) ? tab : ''];
}}"""
LEAVE = "() => { sessionStorage.setItem('ststudio-back', location.search); }"


def warned(sentence: str) -> str:
    """Return a sentence that stands at the top of the page."""
    return f'<div class="finding warning" role="status">{html.escape(sentence)}</div>'


def _look_at_run(session: Session, run_id: str, token: str | None) -> tuple[Session, str]:
    """Show a run to whoever has its link."""
    run = _found(run_id)
    if run.opened is not None:
        return replace(session, run=run.id), "compare"
    session = replace(session, run=run.id)
    if session.owner:
        return session, "train"
    words = (
        '<div class="finding" role="status"><b>You look at a run that was shared with you.</b> '
        "Search in it and compare as you like; only who started it can stop, delete or push it. "
        "For one of your own, pick data in the Data tab, or take its recipe over in the Push "
        "tab.</div>"
    )
    return replace(session, notice=words), "train"


def _found(run_id: str) -> Run:
    try:
        return get_store().open(run_id)
    except StudioError:
        raise StudioError(
            "The run of this link is not here. Runs are kept for "
            f"{get_settings().kept_hours} hours after their end, and this one has expired or was "
            "deleted, or the link is not whole. Ask for a new link, or for that of the pushed "
            "model, which lasts; or start a run of your own below."
        ) from None


def _open_model(session: Session, name: str, token: str | None) -> tuple[Session, str]:
    """Begin to fetch a pushed model; the page shows it when it is here."""
    return replace(session, opening=start_opening(name, token)), "compare"


def _take_recipe(session: Session, run_id: str, token: str | None) -> tuple[Session, str]:
    """Set the page up as another run was, unless a reload finds it so already."""
    run = _found(run_id)
    if session.source is not None and session.recipe_taken.endswith(run.id[:6]):
        return session, ""
    session = taken_of_run(session, run.id, token)
    return session, "train" if session.source else "data"


Arrival = Callable[[Session, str, str | None], tuple[Session, str]]
ARRIVALS: dict[str, Arrival] = {
    "run": _look_at_run,
    "model": _open_model,
    "recipe": _take_recipe,
}


def waiting_words(query: Mapping[str, str]) -> str:
    """Return what is said while what the address asks for may take a while."""
    return bar("Reading the data that the recipe names …", 0.0) if query.get("recipe") else ""


def arrive(
    session: Session, query: Mapping[str, str], token: str | None
) -> tuple[Session, str | None]:
    """Do what an address asks for; return the tab to land on, "" for the first, None for neither.

    What cannot be done is said at the top of the page, which is there all the same.
    """
    for name, do in ARRIVALS.items():
        asked = query.get(name)
        if asked:
            try:
                return do(session, asked, token)
            except StudioError as error:
                return replace(session, notice=warned(str(error))), ""
    return session, None


@explained
def open_model(model: str, request: gr.Request | None = None) -> dict[str, Any]:
    """Open a model that was pushed from ST Studio as a run to look at; wait until it is here."""
    run = open_pushed(model, visitor_token(request))
    return {"run": run.id, "model": run.opened, "report": run.report}


def follow(session: Session) -> tuple[Any, ...]:
    """Return the session, what is said, whether to ask again, and the tab when a model is here."""
    if session.opening is None:
        return gr.skip(), _said(session.notice), gr.Timer(active=False), gr.skip()
    state = opening_state(session.opening)
    if state["state"] == "running":
        said = bar(f"{state['words']} …", state["share"])
        return gr.skip(), _said(said), gr.Timer(active=True), gr.skip()
    ended = gr.Timer(active=False)
    if state["state"] == "failed":
        failed = replace(session, opening=None, notice=warned(state["reason"]))
        return failed, _said(failed.notice), ended, gr.skip()
    opened = replace(session, opening=None, run=state["run"], notice="")
    return opened, _said(""), ended, gr.Tabs(selected="compare")


def _said(words: str) -> Any:  # noqa: ANN401
    return gr.update(value=words, visible=bool(words))


def build() -> tuple[gr.HTML, gr.Timer]:
    """Lay out what is said at the top of the page."""
    notice = gr.HTML("", elem_id="notice", padding=False, visible=False)
    return notice, gr.Timer(TICK_SECONDS, active=False)


def wire(session: gr.State, tabs: gr.Tabs, notice: gr.HTML, timer: gr.Timer) -> None:
    """Follow the session with what is said, and a model on its way until it is here."""
    for trigger in (session.change, timer.tick):
        trigger(follow, session, [session, notice, timer, tabs], **POLLED)
    publish(open_model, "open_model")
