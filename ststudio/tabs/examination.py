"""What the doctor is asked, and what the session keeps of the answer."""

import html
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from ststudio.data.addresses import addresses
from ststudio.data.builtin import knowledge_size
from ststudio.data.catalog import title_of
from ststudio.data.corpus import expected_size
from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.first_rows import first_rows
from ststudio.data.frugal import NOT_SHOWN
from ststudio.data.sources import open_source
from ststudio.data.tables import Table
from ststudio.data.uploads import accept_upload
from ststudio.errors import StudioError
from ststudio.remote import HubAway
from ststudio.runs.model_facts import diagnosis_json
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs.session import Session

Json = dict[str, Any]
GLANCE_ROWS = 5


def examine(
    source: Json | None,
    file: Json | str | None = None,
    fixes: list[Json] | None = None,
    base_model: str | Json | None = None,
    token: str | None = None,
) -> tuple[Json, Json]:
    """Return the source, with the upload's id where a file was given, and its diagnosis."""
    if file is not None:
        path = file.get("path") if isinstance(file, dict) else file
        source = {"kind": "upload", "id": accept_upload(path, Path(get_upload_folder()))}
    if source is None:
        raise StudioError("Pick a dataset, name one of the Hub, or upload a file.")
    table = open_source(source, token, fixes or ())
    chosen = None if base_model in (None, DEFAULT_MODEL) else str(base_model)
    found = diagnose(table, fixes or (), base_model=chosen)
    answer = {"upload": source["id"] if source.get("kind") == "upload" else None}
    return dict(source), {
        **answer,
        **diagnosis_json(found, base_model, token),
        "available": list(addresses(table)),
        "delimited": table.delimited,
        "title": title_of(source),
        "class_names": list(found.prepared.class_names) if found.prepared else [],
        "corpus": _corpus_size(source, table, found),
    }


def _corpus_size(source: Json, table: Table, found: Diagnosis) -> int:
    if source["kind"] == "builtin":
        return knowledge_size()
    return expected_size(found.prepared, table.retrieval) if found.prepared else 0


def fresh(
    session: Session, source: Json | None, file: str | None = None, token: str | None = None
) -> Session:
    """Take a source that has not been looked at yet: nothing decided before counts for it."""
    source, found = examine(source, file, base_model=session.base_model, token=token)
    picked = replace(_forgotten(session), source=source, diagnosis=found)
    steps = (session.given or {}).get("steps")  # of a shared recipe, which waits for its rows
    if not steps:
        return picked
    try:
        return again(picked, token, fixes=tuple(steps))
    except StudioError as error:
        said = html.escape(f"The recipe's steps do not fit these rows: {error}")
        return replace(picked, notice=f'<div class="finding warning">{said}</div>')


def glance(session: Session, source: Json, token: str | None = None) -> Session:
    """Show a few rows of a dataset on the Hub as they are, before all that counts is fetched."""
    try:
        table = first_rows(source, token)
    except HubAway:
        raise
    except StudioError:  # whatever hides the first rows, reading all of them says it, or does it
        return _forgotten(session)
    rows = table.splits["train"].slice(0, GLANCE_ROWS).to_pylist()
    said = dict(table.assumed).get(NOT_SHOWN, "")
    return replace(_forgotten(session), glance=tuple(rows), glance_words=said)


def _forgotten(session: Session) -> Session:
    """Return the session without a dataset, and without what was decided about it."""
    return replace(session, source=None, diagnosis=None, glance=(), glance_words="", fixes=())


def again(session: Session, token: str | None = None, **decided: Any) -> Session:  # noqa: ANN401
    """Look again at the session's source, with what was just decided."""
    now = replace(session, **decided)
    _, found = examine(now.source, None, list(now.fixes), now.base_model, token)
    return replace(now, diagnosis=found)


def with_base(session: Session, base_model: str | None, token: str | None = None) -> Session:
    """Take another base model, and look at the data with its eyes."""
    fixes = tuple(fix for fix in session.fixes if fix["code"] != "use_base_model")
    chosen = (base_model or "").strip() or None
    if session.diagnosis is None:
        return replace(session, base_model=chosen)
    return again(session, token, fixes=fixes, base_model=chosen)
