"""The Data tab asks what there is, and shows what the loss will see."""

import html
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ststudio.data.cases import CASES
from ststudio.data.catalog import CATALOG
from ststudio.data.doctor import diagnose as diagnose_table
from ststudio.data.reshape import describe, parse_fixes
from ststudio.data.sources import open_source
from ststudio.data.uploads import accept_upload
from ststudio.errors import StudioError
from ststudio.runs.model_facts import diagnosis_json
from ststudio.settings import get_settings
from ststudio.tabs import explained
from ststudio.tabs.session import Session
from ststudio.tabs.story import EMPTY, finding_html, limits, story, table_html

SAMPLE, HUB, FILE = "The sample", "A Hub dataset", "My own file"
SAMPLES = {entry.id: entry for entry in CATALOG if entry.origin == "builtin"}
HUB_ENTRIES = {entry.title: entry for entry in CATALOG if entry.origin == "hub"}


@explained
def catalog() -> list[dict[str, Any]]:
    """List the datasets offered, each with the source to hand to /diagnose and /start_run."""
    keys = ("id", "title", "case", "rows", "licence", "origin", "source")
    return [{key: entry.to_json()[key] for key in keys} for entry in CATALOG]


@explained
def diagnose(
    source: dict[str, Any] | None = None,
    file: dict[str, Any] | None = None,
    fixes: list[dict[str, Any]] | None = None,
    base_model: str | dict[str, str] | None = None,
) -> dict[str, Any]:
    """Read a source or an uploaded file; say its case, its columns and what is wrong with it."""
    return examine(source, file, fixes, base_model=base_model)[1]


def examine(
    source: dict[str, Any] | None,
    file: dict[str, Any] | str | None = None,
    fixes: list[dict[str, Any]] | None = None,
    case: str | None = None,
    columns: dict[str, str] | None = None,
    base_model: str | dict[str, str] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the source, with the upload's id where a file was given, and its diagnosis."""
    upload = None
    if file is not None:
        path = file.get("path") if isinstance(file, dict) else file
        upload = accept_upload(path, Path(get_upload_folder()))
        source = {"kind": "upload", "id": upload}
    if source is None:
        raise StudioError("Pick a dataset, name one of the Hub, or upload a file.")
    table = open_source(source)
    found = diagnose_table(table, fixes or (), case, columns)
    if source.get("kind") == "upload":
        upload = source["id"]
    return dict(source), {"upload": upload, **diagnosis_json(found, base_model)}


@explained
def pick_sample(session: Session, sample: str) -> Session:
    """Take one record of the sample."""
    return _picked(session, SAMPLES[sample].source)


@explained
def pick_hub(session: Session, name: str, subset: str, split: str, revision: str) -> Session:
    """Take a dataset of the Hub: one of the catalogue, or any id."""
    entry = HUB_ENTRIES.get((name or "").strip())
    source = dict(entry.source) if entry else {"kind": "hub", "id": (name or "").strip()}
    given = {"subset": subset, "split": split, "revision": revision}
    source |= {key: text.strip() for key, text in given.items() if text and text.strip()}
    if not source["id"]:
        raise StudioError("Pick a dataset, or type its id, such as owner/name.")
    return _picked(session, source)


@explained
def pick_file(session: Session, file: str | None) -> Session:
    """Take an uploaded file."""
    if file is None:
        return replace(session, source=None, diagnosis=None)
    source, diagnosis = examine(None, file)
    return _fresh(session, source, diagnosis)


def _picked(session: Session, source: dict[str, Any]) -> Session:
    source, diagnosis = examine(source)
    return _fresh(session, source, diagnosis)


def _fresh(session: Session, source: dict[str, Any], diagnosis: dict[str, Any]) -> Session:
    return replace(session, source=source, diagnosis=diagnosis, fixes=(), case=None, columns=None)


@explained
def apply_fix(session: Session, fix: dict[str, Any]) -> Session:
    """Add one fix to the chain and look again."""
    return _again(replace(session, fixes=(*session.fixes, fix)))


@explained
def undo_fix(session: Session) -> Session:
    """Take the last fix back."""
    return _again(replace(session, fixes=session.fixes[:-1]))


@explained
def overrule(session: Session, case: str | None, mapping: list[list[str]]) -> Session:
    """Read the columns as the visitor says."""
    columns = {role: column.strip() for role, column in mapping if column and column.strip()}
    changed = case is not None and session.diagnosis and case != session.diagnosis["case"]
    return _again(replace(session, case=case, columns=None if changed else columns or None))


def _again(session: Session) -> Session:
    fixes = list(session.fixes)
    _, diagnosis = examine(session.source, None, fixes, session.case, session.columns)
    return replace(session, diagnosis=diagnosis)


def mapping(session: Session) -> list[list[str]]:
    """Return role and column, for the table that reassigns them."""
    found = session.diagnosis
    return [[role, column] for role, column in found["columns"].items()] if found else []


def show(session: Session) -> tuple[Any, ...]:
    """Return story, table, mapping, case and what is visible, for the session."""
    found = session.diagnosis
    return (
        story(session),
        table_html(session),
        mapping(session),
        found["case"] if found else None,
        gr.update(visible=found is not None),
    )


def _findings(session: gr.State) -> None:
    """Draw the findings in order of harm, each fix a button."""

    @gr.render(inputs=session)
    def draw(now: Session) -> None:
        if now.diagnosis is None:
            return
        for finding in now.diagnosis["findings"]:
            with gr.Row(equal_height=True, elem_classes="finding-row"):
                gr.HTML(finding_html(finding), padding=False)
                if finding["fix"]:
                    _fix_button(finding["fix"], session)
        if now.fixes:
            done = "; ".join(describe(fix) for fix in parse_fixes(now.fixes))
            gr.HTML(f'<div class="finding done"><b>Done</b> {html.escape(done)}</div>')
            undo = gr.Button("Undo the last fix", size="sm", min_width=160)
            undo.click(undo_fix, session, session, api_visibility="private")


def _fix_button(fix: dict[str, Any], session: gr.State) -> None:
    words = describe(parse_fixes([fix])[0])
    button = gr.Button(words[:1].upper() + words[1:], size="sm", min_width=160, scale=0)
    button.click(apply_fix, [session, gr.State(fix)], session, api_visibility="private")


def build(session: gr.State) -> None:
    """Lay out the tab and wire it."""
    settings = get_settings()
    with gr.Tabs():
        with gr.Tab(SAMPLE):
            gr.Markdown(
                "Made-up tickets and replies of a company's help desk, in the four cases of data. "
                "Your own rows go in under **My own file**."
            )
            samples = gr.Radio(
                [
                    (f"{CASES[entry.case].title}. {entry.about}", key)
                    for key, entry in SAMPLES.items()
                ],
                label="Pick a dataset",
            )
        with gr.Tab(HUB):
            name = gr.Dropdown(
                [(f"{title} — {entry.case}", title) for title, entry in HUB_ENTRIES.items()],
                label="Dataset",
                info="Search the catalogue, or type any id (owner/name).",
                value="",
                allow_custom_value=True,
            )
            with gr.Row():
                subset = gr.Textbox(label="Subset", placeholder="as in the catalogue")
                split = gr.Textbox(label="Split", placeholder="all")
                revision = gr.Textbox(label="Revision", placeholder="newest")
            look = gr.Button("Look at it", variant="primary")
        with gr.Tab(FILE):
            file = gr.File(label="Your rows", file_count="single", type="filepath")
            gr.Markdown(limits(settings))

    words = gr.Markdown(EMPTY, elem_id="story")
    _findings(session)
    preview = gr.HTML("", elem_id="preview")
    with gr.Accordion("Read it differently", open=False, visible=False) as differently:
        case = gr.Dropdown(
            [(known.title, key) for key, known in CASES.items()], label="Case", interactive=True
        )
        columns = gr.Dataframe(
            headers=["role", "column"],
            datatype="str",
            type="array",
            label="Columns: the order of roles is what the loss reads",
            interactive=True,
        )
        reread = gr.Button("Read it like this")

    for trigger, handler, inputs in (
        (samples.input, pick_sample, [session, samples]),
        (look.click, pick_hub, [session, name, subset, split, revision]),
        (file.upload, pick_file, [session, file]),
        (reread.click, overrule, [session, case, columns]),
    ):
        trigger(handler, inputs, session, api_visibility="private", show_progress="full")
    session.change(
        show, session, [words, preview, columns, case, differently], api_visibility="private"
    )
    gr.api(catalog, api_name="catalog")
    gr.api(diagnose, api_name="diagnose")
