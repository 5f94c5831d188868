"""The card as it will be, before it is pushed: as people will read it, beside its text."""

import tempfile
from pathlib import Path

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.card import body, card
from ststudio.hub.origins import NO_NAME
from ststudio.hub.report_page import report_page
from ststudio.remote import check_id
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import CLICK, QUIET, explained, offered
from ststudio.tabs.account import full_name
from ststudio.tabs.documented import publish
from ststudio.tabs.session import Session, shown_run


@explained
def card_text(run: str, include_samples: bool = False, repo_id: str = NO_NAME) -> str:
    """Return a run's model card as Markdown; rows of the data stand in it only when asked for."""
    return card(get_store().open(run), include_samples is True, _named(repo_id))


@explained
def report_text(run: str) -> str:
    """Return a run's report as one HTML file: no script, nothing fetched, no row of the data."""
    return report_page(get_store().open(run))


def views(run: Run, name: str = "", samples: bool = False) -> tuple[str, str]:
    """Return the card for people to read, and its whole text."""
    repo_id = _named(name)
    return body(run, samples, repo_id), card(run, samples, repo_id)


def _named(name: object) -> str:
    """Return a repository's id for the card's snippet; whose it will be is known at the push."""
    text = str(name or "").strip()
    try:
        return check_id(text if "/" in text else f"you/{text}", "model")
    except StudioError:
        return NO_NAME


def redraw(session: Session, owner: str | None, name: str, samples: bool) -> tuple[str, str]:
    """Show the card as it would be under this name, with rows or without."""
    run = shown_run(session)
    return views(run, full_name(owner, name), samples) if run else ("", "")


@explained
def download_report(session: Session) -> str:
    """Write the report into one file."""
    run = shown_run(session)
    if run is None or not run.has_model:
        raise StudioError("There is no report yet. Finish a run first.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(report_page(run), encoding="utf-8")
        return offered(file)


def build(
    session: gr.State, owner: gr.Dropdown, name: gr.Textbox, samples: gr.Checkbox
) -> tuple[gr.Markdown, gr.Code]:
    """Lay out the card in both shapes, drawn again when owner, name or samples change."""
    with gr.Accordion("The card as it will be", open=False, elem_id="card"), gr.Row():
        with gr.Column(min_width=320):
            # Text of the data is escaped in the card itself; what is left, Gradio sanitises.
            read = gr.Markdown("", max_height=640, container=True, elem_id="card-read")
        with gr.Column(min_width=320):
            text = gr.Code("", language="markdown", show_label=False, max_lines=32)
    for changed in (samples.input, owner.change, name.blur):
        changed(redraw, [session, owner, name, samples], [read, text], **QUIET)
    publish(card_text, "card")
    publish(report_text, "report")
    return read, text


def build_report(session: gr.State) -> None:
    """Lay out the button that packs the report, and the hidden one that hands it over."""
    pack = gr.Button("Download the report (html)")
    file = gr.DownloadButton("report", elem_id="report-file", elem_classes="packed")
    pack.click(download_report, session, file, api_visibility="private").success(
        None, js=CLICK.format(id="report-file")
    )
