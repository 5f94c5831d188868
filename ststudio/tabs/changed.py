"""Held-out queries that changed most, better and worse, each one click from its results."""

from typing import Any

import gradio as gr

from ststudio.compare.changes import changes
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.documented import publish
from ststudio.tabs.session import Session

BETTER, WORSE = "Better", "Worse"
TO = "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}"


@explained
def changed_queries(run: str) -> dict[str, Any]:
    """List the test queries whose results changed most between base and fine-tuned model."""
    return changes(get_store().open(run))


@explained
def fill(session: Session) -> tuple[Any, ...]:
    """Show what changed most, better and worse."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its test queries are ranked.")
    return shown(changes(get_store().open(session.run)))


def shown(found: dict[str, Any]) -> tuple[Any, ...]:
    """Return a sentence and the two tables of what was found."""
    counts = found["counts"]
    if found["by"] == "overlap":
        words = (
            "Nothing says which texts answer these queries, so this is how many of the first "
            f"{counts['of']} texts both models have, on average {counts['mean']:.1f}. Whether a "
            "change is for the better is for you to judge."
        )
        rows = [[f"{row['shared']} of {counts['of']}", row["query"]] for row in found["apart"]]
        return words, _table(rows, "Fewest in common"), _table([], WORSE)
    judged = counts["better"] + counts["worse"] + counts["same"]
    words = (
        f"The first right answer stands higher for **{counts['better']:,}** of {judged:,} held-out "
        f"queries, lower for **{counts['worse']:,}**, and where it was for {counts['same']:,}."
    )
    if counts["unknown"]:
        words += f" For {counts['unknown']:,} more no right answer is among what is searched."
    better, worse = (
        [[f"{row['base_rank']:,}{TO}{row['tuned_rank']:,}", row["query"]] for row in found[name]]
        for name in ("better", "worse")
    )
    return words, _table(better, BETTER), _table(worse, WORSE)


def _table(rows: list[list[str]], label: str) -> gr.Dataset:
    return gr.Dataset(samples=rows, label=label, visible=bool(rows))


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what is shown when another run is opened: nothing, until it is asked for."""
    whole = gr.Accordion(open=False, visible=run is None or run.has_texts)
    return whole, "", _table([], BETTER), _table([], WORSE)


def build(session: gr.State) -> tuple[list[gr.Dataset], list[gr.components.Component]]:
    """Lay out the two tables; return them, and what `opened` fills."""
    with gr.Accordion("Queries that changed most", open=False, elem_id="changed") as whole:
        words = gr.Markdown("")
        with gr.Row():
            tables = [
                gr.Dataset(
                    components=["textbox", "textbox"],
                    headers=["rank", "query"],
                    samples=[],
                    label=label,
                    layout="table",
                    visible=False,
                    samples_per_page=10,
                    min_width=300,
                )
                for label in (BETTER, WORSE)
            ]
    whole.expand(fill, session, [words, *tables], api_visibility="private")
    publish(changed_queries, "changed")
    return tables, [whole, words, *tables]
