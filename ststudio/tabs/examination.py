"""What the doctor is asked, and what the session keeps of the answer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from ststudio.data.columns import addresses
from ststudio.data.doctor import diagnose
from ststudio.data.sources import open_source
from ststudio.data.uploads import accept_upload
from ststudio.errors import StudioError
from ststudio.runs.model_facts import diagnosis_json
from ststudio.tabs.session import Session

Json = dict[str, Any]


def examine(
    source: Json | None,
    file: Json | str | None = None,
    fixes: list[Json] | None = None,
    case: str | None = None,
    columns: dict[str, str] | None = None,
    label: dict[str, str] | None = None,
    base_model: str | dict[str, str] | None = None,
) -> tuple[Json, Json]:
    """Return the source, with the upload's id where a file was given, and its diagnosis."""
    if file is not None:
        path = file.get("path") if isinstance(file, dict) else file
        source = {"kind": "upload", "id": accept_upload(path, Path(get_upload_folder()))}
    if source is None:
        raise StudioError("Pick a dataset, name one of the Hub, or upload a file.")
    table = open_source(source, fixes=fixes or ())
    found = diagnose(table, fixes or (), case, columns, label)
    answer = {"upload": source["id"] if source.get("kind") == "upload" else None}
    return dict(source), {
        **answer,
        **diagnosis_json(found, base_model),
        "available": list(addresses(table)),
        "delimited": table.delimited,
    }


def fresh(session: Session, source: Json | None, file: str | None = None) -> Session:
    """Take a source that has not been looked at yet: nothing decided before counts for it."""
    source, found = examine(source, file)
    return replace(
        session, source=source, diagnosis=found, fixes=(), case=None, columns=None, label=None
    )


def again(session: Session, **decided: Any) -> Session:  # noqa: ANN401
    """Look again at the session's source, with what was just decided."""
    now = replace(session, **decided)
    _, found = examine(now.source, None, list(now.fixes), now.case, now.columns, now.label)
    return replace(now, diagnosis=found)
