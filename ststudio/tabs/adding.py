"""Texts to search that no run knows: pasted lines, a file, or a column of a dataset on the Hub."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ststudio.compare.corpora import (
    clean_texts,
    column_texts,
    keep_corpus,
    open_texts,
    text_columns,
)
from ststudio.data.findings import count
from ststudio.data.uploads import accept_upload
from ststudio.errors import StudioError
from ststudio.tabs import explained
from ststudio.tabs.documented import publish
from ststudio.tabs.visitor import visitor_token

Json = dict[str, Any]
OWN_TEXTS = "own"
TITLE_CHARACTERS = 40


@explained
def add_corpus(
    source: Json | None = None,
    file: Json | None = None,
    texts: list[str] | None = None,
    column: str | None = None,
    request: gr.Request | None = None,
) -> Json:
    """Keep texts to search: those given, or a column of a dataset, of an upload, or of a file.

    Returns {corpus, texts, column, columns, source, notes}; `corpus` goes into a search's scope.
    """
    return kept(source, file, texts, column, visitor_token(request))


def kept(
    source: Json | None,
    file: Json | str | None,
    texts: list[str] | None,
    column: str | None,
    token: str | None,
) -> Json:
    """Keep texts that came in one of three ways; raise StudioError where they came in none."""
    if sum(way is not None for way in (source, file, texts)) != 1:
        raise StudioError("Give one of: texts (a list), a file, or a source.")
    columns: list[str] = []
    if texts is not None:
        if not isinstance(texts, list):
            raise StudioError("texts is a list of texts.")
        cells: list[Any] = texts
    else:
        if file is not None:
            path = file.get("path") if isinstance(file, dict) else file
            source = {"kind": "upload", "id": accept_upload(path, Path(get_upload_folder()))}
        assert source is not None
        table = open_texts(source, token)
        columns = text_columns(table)
        column, cells = column_texts(table, column)
    clean, notes = clean_texts(cells)
    corpus = keep_corpus(clean)
    return {
        "corpus": corpus.id,
        "texts": len(clean),
        "column": column if columns else None,
        "columns": columns,
        "source": source,
        "notes": notes,
    }


@explained
def add_pasted(held: list[Json], text: str) -> tuple[Any, ...]:
    """Keep pasted lines, one text a line."""
    lines = (text or "").splitlines()
    return _shown(held, kept(None, None, lines, None, None), "Pasted")


@explained
def add_file(held: list[Json], file: str | None) -> tuple[Any, ...]:
    """Keep the texts of an uploaded file."""
    if file is None:
        raise StudioError("Choose a file first.")
    return _shown(held, kept(None, file, None, None, None), Path(file).name)


@explained
def add_hub(
    held: list[Json],
    name: str,
    subset: str,
    split: str,
    request: gr.Request | None = None,
) -> tuple[Any, ...]:
    """Keep the texts of a dataset on the Hub."""
    given = {"id": name, "subset": subset, "split": split}
    source = {key: text.strip() for key, text in given.items() if text and text.strip()}
    if "id" not in source:
        raise StudioError("Type a dataset's id first, such as owner/name.")
    found = kept({"kind": "hub", **source}, None, None, None, visitor_token(request))
    return _shown(held, found, source["id"])


@explained
def other_column(
    held: list[Json], column: str, request: gr.Request | None = None
) -> tuple[Any, ...]:
    """Take another column of what was added last."""
    if not held or not held[-1]["source"]:
        raise StudioError("Add a file or a dataset first.")
    last = held[-1]
    found = kept(last["source"], None, None, column, visitor_token(request))
    return _shown(held, found, last["title"])


def _shown(held: list[Json], found: Json, title: str) -> tuple[Any, ...]:
    """Return what was added, the dropdown with it picked, its columns, and what was left out."""
    found = {**found, "title": title}
    kept_before = [one for one in held if one["corpus"] != found["corpus"]]
    held = [*kept_before, found][-10:]
    choices = [("This run's texts", OWN_TEXTS), *((_named(one), one["corpus"]) for one in held)]
    columns = found["columns"]
    return (
        held,
        gr.update(choices=choices, value=found["corpus"]),
        gr.update(choices=columns, value=found["column"], visible=len(columns) > 1),
        ". ".join([f"{count(found['texts'], 'text')} to search", *found["notes"]]) + ".",
    )


def _named(found: Json) -> str:
    column = f", {found['column']}" if found["column"] else ""
    return f"{found['title'][:TITLE_CHARACTERS]}{column} ({count(found['texts'], 'text')})"


def build(corpus: gr.Dropdown) -> None:
    """Lay out the three ways and wire them; what was added is picked in the dropdown."""
    held = gr.State([])
    with gr.Tabs():
        with gr.Tab("Paste"):
            text = gr.Textbox(
                label="Texts, one a line",
                info="Up to 5 MB; more as a file.",
                lines=4,
                max_lines=12,
                elem_id="lines",
            )
            paste = gr.Button("Search in these lines", elem_id="use-lines")
        with gr.Tab("File"):
            file = gr.File(label="A table, or one text a line", type="filepath")
        with gr.Tab("Hub"):
            with gr.Row():
                name = gr.Textbox(label="Dataset", placeholder="owner/name", min_width=220)
                subset = gr.Textbox(label="Subset", info="Empty: the usual one.", min_width=160)
                split = gr.Textbox(label="Split", info="Empty: all.", min_width=160)
            look = gr.Button("Search in this dataset")
    column = gr.Dropdown([], label="Column", visible=False)
    words = gr.Markdown("")
    outputs = [held, corpus, column, words]
    for trigger, handler, inputs in (
        (paste.click, add_pasted, [held, text]),
        (file.upload, add_file, [held, file]),
        (look.click, add_hub, [held, name, subset, split]),
        (column.input, other_column, [held, column]),
    ):
        trigger(handler, inputs, outputs, api_visibility="private")
    publish(add_corpus, "add_corpus")
