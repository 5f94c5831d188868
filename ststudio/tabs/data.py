"""The Data tab asks what there is, and shows what the loss will see."""

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from ststudio.compare.histograms import lengths_figure
from ststudio.data.catalog import CATALOG
from ststudio.data.doctor import diagnose as diagnose_table
from ststudio.data.examples import make_examples
from ststudio.data.sources import open_source
from ststudio.errors import StudioError
from ststudio.tabs import CLICK, explained, offered, picking, recipes
from ststudio.tabs.documented import publish
from ststudio.tabs.examination import examine
from ststudio.tabs.mending import build_findings, build_reading
from ststudio.tabs.session import Session
from ststudio.tabs.story import EMPTY, parts_words, story, table_html
from ststudio.tabs.visitor import visitor_token
from ststudio.training.recipe import Recipe


@explained
def catalog() -> list[dict[str, Any]]:
    """List the datasets offered, each with the source to hand to /diagnose and /start_run."""
    return [entry.to_json() for entry in CATALOG]


@explained
def diagnose(
    source: dict[str, Any] | None = None,
    file: dict[str, Any] | None = None,
    fixes: list[dict[str, Any]] | None = None,
    base_model: str | dict[str, str] | None = None,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Read a source or an uploaded file; say its case, its columns and what is wrong with it."""
    return examine(source, file, fixes, base_model, visitor_token(request))[1]


@explained
def download_parts(session: Session, request: gr.Request | None = None) -> str:
    """Pack train, dev and test as a run would use them, each as Parquet."""
    if session.source is None:
        raise StudioError("Pick a dataset first.")
    fixes = session.fixes
    table = open_source(session.source, visitor_token(request), fixes)
    found = diagnose_table(table, fixes)
    examples = make_examples(table, found, Recipe.seed, None)
    with tempfile.TemporaryDirectory(prefix="ststudio-") as folder:
        file = Path(folder) / "train-dev-test.zip"
        examples.pack(file)
        return offered(file)


def show(session: Session) -> tuple[Any, ...]:
    """Return story, table, lengths and parts, and whether there is anything to read differently."""
    picked = session.diagnosis is not None
    lengths = (session.diagnosis or {}).get("lengths")
    return (
        story(session),
        table_html(session),
        gr.update(value=lengths_figure(lengths) if lengths else None, visible=bool(lengths)),
        gr.update(visible=picked),
        gr.update(visible=session.ready),
        parts_words(session),
        gr.update(visible=session.ready),
    )


def build(session: gr.State) -> gr.Button:
    """Lay out the tab and wire it; return the button that leads on."""
    picking.build(session)
    recipes.build(session)
    words = gr.Markdown(EMPTY, elem_id="story")
    build_findings(session)
    preview = gr.HTML("", elem_id="preview")
    lengths = gr.Plot(show_label=False, visible=False, elem_id="lengths")
    with gr.Accordion("Read it differently", open=False, visible=False) as differently:
        build_reading(session)
    with gr.Accordion("Train, dev and test", open=False, visible=False) as parts:
        counts = gr.Markdown("")
        pack = gr.Button("Download the three parts as Parquet", size="sm")
        file = gr.DownloadButton("parts", elem_id="parts-file", elem_classes="packed")
    onward = gr.Button("Next: Fine-tune", variant="primary", visible=False)
    session.change(
        show,
        session,
        [words, preview, lengths, differently, parts, counts, onward],
        api_visibility="private",
    )
    pack.click(download_parts, session, file, api_visibility="private").success(
        None, js=CLICK.format(id="parts-file")
    )
    publish(catalog, "catalog")
    publish(diagnose, "diagnose")
    return onward
