"""Files that visitors hand in: taken only from the upload folder, never kept past their rows."""

import hashlib
import os
import re
import secrets
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from ststudio.data.gather import UNPRINTABLE
from ststudio.data.locks import only_one
from ststudio.data.tables import AS_FOUND, Part, Reading, Table, open_table, read_parts
from ststudio.errors import StudioError
from ststudio.settings import MB, get_settings

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet")  # each also with .gz
UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
ORIGIN, NAME, FILE, TABLE, REASON = "origin", "name", "file", "table", "reason.txt"
PASTED = "pasted rows"
GONE = "This upload is no longer here. Upload the file again."
NOT_DELIMITED = (
    "Only rows of text between delimiters (CSV and its kin) can be read with another encoding, "
    "delimiter or header. Undo that fix."
)


def accept_upload(path: object, upload_folder: Path) -> str:
    """Take over a file from the upload folder and return its id; raise StudioError.

    The same path gives the same id for as long as the upload is kept.
    """
    resolved = _inside(path, upload_folder)
    origin = hashlib.sha256(str(resolved).encode()).hexdigest()
    with only_one(origin):
        if not resolved.exists():
            return _taken_before(origin)
        _check_name(resolved.name)
        return _take(resolved, origin)


def read_upload(path: object, upload_folder: Path, most: int) -> bytes:
    """Read a small file out of the upload folder and remove it; raise StudioError."""
    resolved = _inside(path, upload_folder)
    with _opened(resolved, most) as source:
        data = source.read(most + 1)
    resolved.unlink(missing_ok=True)
    return data


def _inside(path: object, upload_folder: Path) -> Path:
    """Resolve a path, links and all, and refuse what lies outside the upload folder."""
    refusal = StudioError("Only a file uploaded here can be read. Upload it first.")
    if not isinstance(path, str | Path) or not str(path):
        raise refusal
    try:
        resolved = Path(path).resolve()
        if not resolved.is_relative_to(upload_folder.resolve()) or resolved.is_dir():
            raise refusal
    except (OSError, ValueError, RuntimeError):
        raise refusal from None
    return resolved


def _check_name(name: str) -> None:
    if not name.lower().removesuffix(".gz").endswith(SUFFIXES):
        raise StudioError(
            f"{name[-80:]} is of a kind that is not read here. "
            f"Upload one of these: {', '.join(SUFFIXES)}."
        )


def _taken_before(origin: str) -> str:
    for folder in (get_settings().folder / "uploads").glob("*"):
        mark = folder / ORIGIN
        if mark.is_file() and mark.read_text(encoding="ascii") == origin:
            return folder.name
    raise StudioError(GONE)


def _opened(path: Path, most: int) -> BinaryIO:
    """Open a file, checking what is opened, not what was named."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise StudioError(GONE) from None
    source = os.fdopen(handle, "rb")
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise StudioError("Only a file uploaded here can be read. Upload it first.")
        if not status.st_size:
            raise StudioError(f"{path.name} is empty. Choose a file with rows in it.")
        if status.st_size > most:
            raise StudioError(
                f"{path.name} is larger than {most / MB:,.0f} MB. Upload fewer rows, or compress "
                "the file (.gz)."
            )
    except StudioError:
        source.close()
        raise
    return source


def _take(path: Path, origin: str) -> str:
    """Move a file into a folder of ours."""
    with _opened(path, get_settings().upload_bytes) as source:
        upload, folder = _new_folder()
        with (folder / FILE / _plain(path.name)).open("wb") as target:
            shutil.copyfileobj(source, target)
    (folder / ORIGIN).write_text(origin, encoding="ascii")
    (folder / NAME).write_text(_plain(path.name), encoding="utf-8")
    path.unlink(missing_ok=True)
    return upload


def name_of(upload: object) -> str:
    """Return what the visitor calls an upload's file, or an empty text where it is gone."""
    if not isinstance(upload, str) or not UPLOAD_ID.fullmatch(upload):
        return ""
    try:
        return (get_settings().folder / "uploads" / upload / NAME).read_text(encoding="utf-8")
    except OSError:
        return ""


def _new_folder() -> tuple[str, Path]:
    upload = secrets.token_hex(16)
    folder = get_settings().folder / "uploads" / upload
    (folder / FILE).mkdir(parents=True)
    return upload, folder


def _plain(name: str) -> str:
    return re.sub(r"[^\w .-]", "_", name)[-100:].lstrip(".") or "file"


def accept_paste(text: object) -> str:
    """Take over pasted rows as if they were a file, and return their upload's id."""
    if not isinstance(text, str) or not text.strip():
        raise StudioError("Paste a few rows first, one a line, with their names above.")
    content = UNPRINTABLE.sub("", text).encode()
    most = get_settings().upload_bytes
    if len(content) > most:
        raise StudioError(f"More than {most / MB:,.0f} MB were pasted. Upload them as a file.")
    upload, folder = _new_folder()
    (folder / FILE / PASTED).write_bytes(content)
    (folder / NAME).write_text(PASTED, encoding="utf-8")
    return upload


def open_upload(upload: object, reading: Reading = AS_FOUND) -> Table:
    """Read an upload, or open what was read of it before; raise StudioError.

    The file goes once it is read. Only text between delimiters stays as long as its rows do: its
    encoding, delimiter and header may have to be read otherwise.
    """
    if not isinstance(upload, str) or not UPLOAD_ID.fullmatch(upload):
        raise StudioError("An upload's id is what /diagnose returned as 'upload'.")
    folder = get_settings().folder / "uploads" / upload
    decided = hashlib.sha256(repr(reading).encode()).hexdigest()[:16]
    table = folder / (TABLE if reading == AS_FOUND else f"{TABLE}-{decided}")
    with only_one(upload):
        if not table.is_dir():
            _read(folder, table, reading)
    try:
        return open_table(table)
    except OSError:
        raise StudioError(GONE) from None


def _read(folder: Path, table: Path, reading: Reading) -> None:
    if (folder / REASON).is_file():
        raise StudioError((folder / REASON).read_text(encoding="utf-8"))
    files = sorted((folder / FILE).glob("*"))
    if not files:
        raise StudioError(GONE if not (folder / TABLE).is_dir() else NOT_DELIMITED)
    part = folder / f".{TABLE}"
    shutil.rmtree(part, ignore_errors=True)
    keep = False
    try:
        keep = read_parts([Part(files[0], files[0].name)], part, reading=reading).delimited
        part.rename(table)
    except StudioError as error:
        keep = reading != AS_FOUND  # another way of reading it may do
        if not keep:
            (folder / REASON).write_text(str(error), encoding="utf-8")
        raise
    finally:
        if not keep:
            shutil.rmtree(folder / FILE, ignore_errors=True)
