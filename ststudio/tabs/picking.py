"""Where rows come from: the sample, a dataset of the Hub, a file, or what was pasted."""

import difflib
import html
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from ststudio.data.cases import CASES
from ststudio.data.catalog import CATALOG
from ststudio.data.hub_listing import SplitListing, list_dataset
from ststudio.data.uploads import accept_paste
from ststudio.errors import StudioError
from ststudio.settings import MB, get_settings
from ststudio.tabs import QUIET, explained
from ststudio.tabs.examination import fresh, glance
from ststudio.tabs.session import Session
from ststudio.tabs.story import limits
from ststudio.tabs.visitor import visitor_token

SAMPLE, HUB, FILE, PASTE = "Sample", "Hub", "My file", "Paste"  # all four fit on a phone
SAMPLES = {entry.id: entry for entry in CATALOG if entry.origin == "builtin"}
HUB_ENTRIES = {entry.title: entry for entry in CATALOG if entry.origin == "hub"}
EXAMPLE_ROWS = "question,answer\nMy badge does not open the door,Ask the desk to renew it\n…"


@explained
def pick_sample(session: Session, sample: str, request: gr.Request | None = None) -> Session:
    """Take one record of the sample."""
    return fresh(session, SAMPLES[sample].source, token=visitor_token(request))


@explained
def pick_hub(
    session: Session,
    name: str,
    subset: str | None,
    split: str | None,
    revision: str | None,
    request: gr.Request | None = None,
) -> Iterator[Session]:
    """Take a dataset of the Hub, one of the catalogue or any id: first rows first, then all."""
    source = _source_of(name)
    given = {"subset": subset, "split": split, "revision": revision}
    source |= {key: text.strip() for key, text in given.items() if text and text.strip()}
    token = visitor_token(request)
    yield glance(session, source, token)
    yield fresh(session, source, token=token)


def _source_of(name: str) -> dict[str, Any]:
    entry = HUB_ENTRIES.get((name or "").strip())
    source = dict(entry.source) if entry else {"kind": "hub", "id": (name or "").strip()}
    if not source["id"]:
        raise StudioError("Pick a dataset, or type its id, such as owner/name.")
    return source


def offer(
    name: str, revision: str | None, request: gr.Request | None = None
) -> tuple[Any, Any, str]:
    """List a dataset's subsets and splits, before anything of it is downloaded."""
    try:
        source = _source_of(name)
        wanted = (revision or "").strip() or None
        found = list_dataset(source["id"], wanted, visitor_token(request))
    except StudioError as error:
        return gr.update(choices=[]), gr.update(choices=[]), str(error) + _meant(name)
    names = [subset.name for subset in found.subsets]
    usual = next((s.name for s in found.subsets if s.is_default), names[0])
    chosen = source.get("subset") if source.get("subset") in names else usual
    subsets = [(_sized(s.name, s.splits), s.name) for s in found.subsets]
    splits = next(s.splits for s in found.subsets if s.name == chosen)
    licence = f", licence {found.licence}" if found.licence else ""
    # A run's link is for whoever has it, and a run shows rows.
    private = (
        ", not open to everyone: whoever has a run's link sees rows of it" if found.private else ""
    )
    words = (
        f"{found.id} at commit {found.revision[:7]}{licence}{private}. Nothing is downloaded yet."
    )
    return (
        gr.update(choices=subsets, value=None if source.get("qrels") else chosen),
        gr.update(choices=[(_sized(s.name, (s,)), s.name) for s in splits], value=None),
        html.escape(words),
    )


def _meant(name: str) -> str:
    """Return the catalogue's id that is most like a mistyped one, as a question."""
    known = [entry.source["id"] for entry in HUB_ENTRIES.values()]
    near = difflib.get_close_matches((name or "").strip(), known, n=1, cutoff=0.8)
    return f" Did you mean {near[0]}?" if near else ""


def _sized(name: str, splits: tuple[SplitListing, ...]) -> str:
    """Name a subset or split with its rows, where they are stated, and its bytes."""
    stated = [split.rows for split in splits if split.rows is not None]
    rows = f"{sum(stated):,} rows, " if len(stated) == len(splits) else ""
    return f"{name} ({rows}{sum(split.bytes for split in splits) / MB:,.1f} MB)"


@explained
def pick_file(session: Session, file: str | None, request: gr.Request | None = None) -> Session:
    """Take an uploaded file; with none any more, forget what was read of the last one."""
    if file is None:
        uploaded = (session.source or {}).get("kind") == "upload"
        return replace(session, source=None, diagnosis=None) if uploaded else session
    return fresh(session, None, file, visitor_token(request))


@explained
def pick_pasted(session: Session, text: str, request: gr.Request | None = None) -> Session:
    """Take pasted rows."""
    source = {"kind": "upload", "id": accept_paste(text)}
    return fresh(session, source, token=visitor_token(request))


def of_case(case: str | None) -> Any:  # noqa: ANN401
    """Offer the catalogue's datasets of one case, or all of them."""
    choices = [
        (f"{title} · {CASES[entry.case].title} · {entry.rows:,} rows", title)
        for title, entry in HUB_ENTRIES.items()
        if case in (None, "", entry.case)
    ]
    return gr.update(choices=choices)


def build(session: gr.State) -> None:
    """Lay out the four kinds of source and wire them."""
    with gr.Tabs():
        with gr.Tab(SAMPLE):
            gr.Markdown(
                "Made-up tickets and replies of a company's help desk, in the four cases of data. "
                f"Your own rows go in under **{FILE}** or **{PASTE}**."
            )
            samples = gr.Radio(
                [
                    (f"{CASES[entry.case].title}. {entry.about}", key)
                    for key, entry in SAMPLES.items()
                ],
                label="Pick a dataset",
            )
        with gr.Tab(HUB):
            _build_hub(session)
        with gr.Tab(FILE):
            file = gr.File(label="Your rows", file_count="single", type="filepath")
            gr.Markdown(limits(get_settings()))
        with gr.Tab(PASTE):
            text = gr.Textbox(
                label="Rows",
                info="From a spreadsheet, a CSV or JSON lines; names of the columns first.",
                placeholder=EXAMPLE_ROWS,
                lines=6,
                max_lines=16,
            )
            read = gr.Button("Read these rows", variant="primary")
    for trigger, handler, inputs in (
        (samples.input, pick_sample, [session, samples]),
        (file.upload, pick_file, [session, file]),
        (file.clear, pick_file, [session, file]),
        (read.click, pick_pasted, [session, text]),
    ):
        trigger(handler, inputs, session, api_visibility="private", show_progress="full")


def _build_hub(session: gr.State) -> None:
    with gr.Row():
        case = gr.Dropdown(
            [("any case", ""), *((known.title, key) for key, known in CASES.items())],
            value="",
            label="Show",
            scale=1,
            min_width=220,
        )
        name = gr.Dropdown(
            of_case(None)["choices"],
            label="Dataset",
            info="Search the catalogue by a word, or type any id (owner/name).",
            value="",
            allow_custom_value=True,
            scale=2,
            min_width=300,
        )
    with gr.Row():
        own: dict[str, Any] = {"allow_custom_value": True, "value": None, "min_width": 220}
        subset = gr.Dropdown([], label="Subset", info="Empty: the usual one.", **own)
        split = gr.Dropdown([], label="Split", info="Empty: all, each in its part.", **own)
        revision = gr.Textbox(label="Revision", info="Empty: the newest.", min_width=220)
    listed = gr.Markdown("")
    look = gr.Button("Look at it", variant="primary")
    case.input(of_case, case, name, **QUIET)
    for trigger in (name.input, revision.submit):
        trigger(offer, [name, revision], [subset, split, listed], **QUIET)
    look.click(
        pick_hub,
        [session, name, subset, split, revision],
        session,
        api_visibility="private",
        show_progress="full",
    )
