"""The Compare tab asks what changed."""

import html
from typing import Any

import gradio as gr

from ststudio.runs.run import Run
from ststudio.tabs import QUIET, anatomy, headline, mapping, searching, sizing
from ststudio.tabs.session import Session, shown_run

EMPTY = (
    "### Nothing to compare yet\nWhen a run has finished in the **Fine-tune** tab, base and "
    "fine-tuned model can be searched and looked at here, side by side."
)

# What the tab is made of, from top to bottom: each builds itself, and clears itself for a new run.
SECTIONS = (searching, mapping, anatomy, sizing, headline)


def heading(run: Run) -> str:
    """Say what is searched."""
    counts = run.facts.get("counts", {})
    notes = [note for note in run.facts.get("notes", []) if "document" in note]
    within = html.escape(notes[-1]) if notes else f"{counts.get('corpus', 0):,} documents."
    about = html.escape(str(run.facts.get("title", "")))
    return f"One question, two models, trained on **{about}**. {within}"


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
    return words, gr.update(visible=run is not None), *filled, run.id if run else ""


def build(session: gr.State, tab: gr.Tab, timer: gr.Timer) -> gr.Button:
    """Lay out the tab and wire it; return the button that leads on."""
    words = gr.Markdown(EMPTY)
    with gr.Column(visible=False) as body:
        parts = [part for section in SECTIONS for part in section.build(session)]
        onward = gr.Button("Next: Push", variant="primary")
    seen = gr.State("")
    for trigger in (tab.select, timer.tick, session.change):
        trigger(show, [session, seen], [words, body, *parts, seen], **QUIET)
    return onward
