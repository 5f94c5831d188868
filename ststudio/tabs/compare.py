"""The Compare tab asks what changed."""

from typing import Any

import gradio as gr

from ststudio.hub.markdown import plain
from ststudio.remote import endpoint
from ststudio.runs.run import Run
from ststudio.tabs import POLLED, anatomy, headline, mapping, searching, sizing
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.verdict import verdict_words

EMPTY = (
    "### Nothing to compare yet\nWhen a run has finished in the **Fine-tune** tab, base and "
    "fine-tuned model can be searched and looked at here, side by side."
)

# What the tab is made of, from top to bottom: each builds itself, and clears itself for a new run.
OF_ROWS = (mapping, anatomy, sizing, headline)  # of which a run needs rows of its own
SECTIONS = (searching, *OF_ROWS)


def heading(run: Run) -> str:
    """Say what is searched."""
    if run.opened is not None:
        return opened_words(run)
    counts = run.facts.get("counts", {})
    notes = [note for note in run.facts.get("notes", []) if "document" in note]
    within = plain(notes[-1], 500) if notes else f"{counts.get('corpus', 0):,} documents."
    about = plain(run.facts.get("title", ""))
    return f"One question, two models, trained on **{about}**. {within}"


def opened_words(run: Run) -> str:
    """Say what a pushed model reports of itself, and how it can be tried."""
    opened = run.opened or {}
    return (
        f"## {plain(opened['id'])}\nOpened from the [Hub]({endpoint()}/{opened['id']}) at commit "
        f"{opened['revision'][:7]}. The figures are those that its repository holds: nothing was "
        "measured again here, and the rows it was trained and tested on did not come with it.\n\n"
        f"{verdict_words(run)}\n\n**Try it on texts of your own**: add them under *Other texts, "
        "other models*; then base and fine-tuned model search them side by side."
    )


def show(session: Session, seen: str) -> tuple[Any, ...]:
    """Open the tab for a run that has a model, and clear what an earlier run left."""
    run = shown_run(session)
    if run is None or not run.has_model:
        run, words, seen = None, gr.update(value=EMPTY, visible=True), ""
    elif seen == run.id:
        words = gr.skip()
    else:
        words = gr.update(value=heading(run), visible=True)
    newly = run if run and seen != run.id else None
    filled = [part for section in SECTIONS for part in section.opened(newly)]
    if newly is None:
        filled = [gr.skip() for _ in filled]
    return (
        words,
        gr.update(visible=run is not None),
        gr.update(visible=run is not None and run.has_texts),
        *filled,
        run.id if run else "",
    )


def build(session: gr.State, tab: gr.Tab, timer: gr.Timer) -> gr.Button:
    """Lay out the tab and wire it; return the button that leads on."""
    words = gr.Markdown(EMPTY)
    with gr.Column(visible=False) as body:
        parts = [*searching.build(session)]
        with gr.Column() as of_rows:
            parts += [part for section in OF_ROWS for part in section.build(session)]
        onward = gr.Button("Next: Push", variant="primary")
    seen = gr.State("")
    for trigger in (tab.select, timer.tick, session.change):
        trigger(show, [session, seen], [words, body, of_rows, *parts, seen], **POLLED)
    return onward
