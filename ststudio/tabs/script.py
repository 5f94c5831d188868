"""The run as a script: train.py, with the rows that it reads, to be run anywhere."""

import tempfile
from pathlib import Path

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.script_pack import NAME, zip_script
from ststudio.runs.store import get_store
from ststudio.tabs import CLICK, explained, offered
from ststudio.tabs.documented import publish
from ststudio.tabs.session import Session, shown_run
from ststudio.training.script import train_script

FILE_ID = "script-file"


@explained
def script(run: str) -> str:
    """Return train.py: the run as one script of sentence-transformers' own."""
    return train_script(get_store().open(run))


@explained
def download(session: Session) -> str:
    """Pack train.py and its rows; who only looks at another's run gets no rows, but the script."""
    run = shown_run(session)
    if run is None:
        raise StudioError("There is no run to write a script of yet. Finish a run first.")
    if session.owner:
        file = zip_script(run)
        try:
            return offered(file)
        finally:
            file.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="ststudio-") as folder:
        file = Path(folder) / NAME
        file.write_text(train_script(run), encoding="utf-8")
        return offered(file)


def build_script(session: gr.State) -> None:
    """Lay out the button that downloads the script, and wire it."""
    pack = gr.Button("Download the script (train.py)")
    file = gr.DownloadButton("script", elem_id=FILE_ID, elem_classes="packed")
    pack.click(download, session, file, api_visibility="private").success(
        None, js=CLICK.format(id=FILE_ID)
    )
    publish(script, "script", concurrency_limit=None)
