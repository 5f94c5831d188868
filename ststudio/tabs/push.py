"""The Push tab: take it with me."""

import html
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.package import propose_name, zip_model
from ststudio.hub.push import push as push_and_wait
from ststudio.hub.push import push_state, start_push
from ststudio.remote import endpoint
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import MB
from ststudio.signing_in import to_push
from ststudio.tabs import (
    CLICK,
    POLLED,
    QUIET,
    account,
    card_view,
    explained,
    jobs,
    offered,
    sharing,
)
from ststudio.tabs.account import full_name
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar
from ststudio.tabs.script import build_script
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.visitor import visitor_token

EMPTY = "### Nothing to take along yet\nA run that has finished can be pushed or downloaded here."

NAME = "Its name, without the owner."
OTHER = "It was pushed, but loading it back did not give the same vectors. Push it again."


@explained
def push(
    run: str,
    key: str,
    repo_name: str,
    private: bool = True,
    include_samples: bool = False,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Push a run's model to the Hub, wait until it is there, and check it."""
    found = get_store().owned(run, key)
    token = visitor_token(request)
    if token is None:
        raise StudioError(to_push())
    return push_and_wait(found, token, repo_name, private, include_samples)


@explained
def begin(
    session: Session,
    namespace: str | None,
    repo_name: str,
    private: bool,
    samples: bool,
    request: gr.Request,
) -> tuple[str, gr.Timer]:
    """Start the push; it goes on when the page is closed."""
    if session.run is None:
        raise StudioError("Finish a run first; then its model can be pushed.")
    token = visitor_token(request)
    if token is None:
        raise StudioError(to_push())
    found = get_store().owned(session.run, session.key)
    state = start_push(found, token, full_name(namespace, repo_name), private, samples)
    return push_html(state), gr.Timer(active=True)


def push_html(state: dict[str, Any] | None) -> str:
    """Say where a push stands."""
    if state is None:
        return ""
    if state["state"] == "failed":
        return f'<div class="finding error">{html.escape(state.get("reason") or "")}</div>'
    if state["state"] == "running":
        done, total = state.get("bytes") or 0, state.get("total") or 1
        words = f"{(state.get('stage') or 'pushing').capitalize()} …"
        if done:
            words += f" {done / MB:,.1f} of {total / MB:,.1f} MB"
        return bar(words, done / total)
    checked = html.escape(state.get("reason") or OTHER)
    if state.get("verified"):
        checked = "Loaded back from the Hub: it gives the same vectors."
    url = html.escape(state["url"], quote=True)
    name = html.escape(state.get("repo") or state["url"].split("/", 3)[-1])
    code = (
        "from sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("{name}")'
    )
    return (
        f'<div class="finding done"><b>Pushed.</b> <a href="{url}" target="_blank" '
        f'rel="noopener">{url}</a><br>{checked}</div><pre>{code}</pre>'
    )


@explained
def download(session: Session) -> str:
    """Pack the model, its card, recipe and report into one file."""
    run = shown_run(session)
    if run is None or not run.has_model:
        raise StudioError("There is no model to download yet. Finish a run first.")
    file = zip_model(run)
    try:
        return offered(file)
    finally:
        file.unlink(missing_ok=True)


@explained
def forget(session: Session, sure: bool) -> tuple[Session, bool]:
    """Delete the run that is shown."""
    if session.run is None:
        raise StudioError("There is no run to delete.")
    if not sure:
        raise StudioError("Tick the box first: a deleted run cannot be brought back.")
    get_queue().delete(get_store().owned(session.run, session.key))
    return session.without_run(session.run), False


def on_the_hub(run: Run) -> str:
    """Say of a pushed model that was opened where it is."""
    name = (run.opened or {})["id"]
    return (
        f"### On the Hub already\n[{name}]({endpoint()}/{name}) was opened from there. Only who "
        "may write to it can change it; a run that starts from it is yours to push: choose "
        f"`run:{run.id}` as the base model in the **Fine-tune** tab."
    )


def show(session: Session, seen: str, owner: str | None) -> tuple[Any, ...]:
    """Open the tab for a run with a model, and say where its push stands."""
    run = shown_run(session)
    if run is None or not run.has_model or not run.ended or run.opened:
        said = on_the_hub(run) if run and run.opened else EMPTY
        closed = gr.update(value=said, visible=True), gr.update(visible=False)
        kept = (gr.skip() for _ in range(4))
        owners = (gr.update(visible=session.owner) for _ in range(4))
        return *closed, *kept, *owners, gr.Timer(active=False), ""
    pushed = push_state(run)
    now = f"{run.id}:{pushed}"
    if now == seen:
        return *(gr.skip() for _ in range(11)), seen
    fresh, name = not seen.startswith(run.id), propose_name(run)
    return (
        gr.update(visible=False),
        gr.update(visible=True),
        name if fresh else gr.skip(),
        *(card_view.views(run, full_name(owner, name)) if fresh else (gr.skip(), gr.skip())),
        push_html(pushed),
        *(gr.update(visible=session.owner) for _ in range(4)),
        gr.Timer(active=pushed is not None and pushed["state"] == "running"),
        now,
    )


def build(session: gr.State, tab: gr.Tab) -> None:
    """Lay out the tab and wire it."""
    words = gr.Markdown(EMPTY)
    go = gr.Button("Push to the Hub", variant="primary", interactive=False, render=False)
    with gr.Column(visible=False) as body:
        with gr.Column() as mine:
            namespace = account.build(tab, go)
            with gr.Row():
                namespace.render()
                name = gr.Textbox(label="Repository", info=NAME, max_lines=1, min_width=280)
                with gr.Column():
                    private = gr.Checkbox(True, label="Private")
                    samples = gr.Checkbox(False, label="Show a few of my rows in the card")
        with gr.Row():
            go.render()
            pack = gr.Button("Download the model (zip)")
            file = gr.DownloadButton("model", elem_id="model-file", elem_classes="packed")
            card_view.build_report(session)
            build_script(session)
        state = gr.HTML("", elem_id="push-state")
        preview = card_view.build(session, namespace, name, samples)
        longer = jobs.build(session)
    share = sharing.build(session)
    with gr.Accordion("Delete this run", open=False, visible=False) as trash, gr.Row():
        sure = gr.Checkbox(False, label="Delete the model, the rows and the report for good")
        bin_it = gr.Button("Delete", variant="stop")
    seen, timer = gr.State(""), gr.Timer(1.0, active=False)
    for trigger in (tab.select, session.change, state.change):
        trigger(sharing.show, session, share, **QUIET)

    shown = [words, body, name, *preview, state, trash, longer, mine, go, timer, seen]
    for trigger in (tab.select, timer.tick, session.change):
        trigger(show, [session, seen, namespace], shown, **POLLED)
    go.click(
        begin,
        [session, namespace, name, private, samples],
        [state, timer],
        api_visibility="private",
        concurrency_limit=None,
    )
    pack.click(download, session, file, api_visibility="private").success(
        None, js=CLICK.format(id="model-file")
    )
    bin_it.click(forget, [session, sure], [session, sure], api_visibility="private")
    publish(push, "push", concurrency_limit=None)
