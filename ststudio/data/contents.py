"""The content of a file that is not Parquet: unpacked, no more than allowed, of a known kind."""

import gzip
import io
import zlib
from collections.abc import Mapping, Sequence

from ststudio.data.gather import Gathering
from ststudio.data.partial import need, prefix_bytes, prefix_of
from ststudio.data.tables import Part
from ststudio.errors import StudioError

KINDS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a database",
    b"ARROW1": "an Arrow file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
    b"\x93NUMPY": "a NumPy array",
    b"\x7fELF": "a program",
    b"version https://git-lfs": "a Git LFS pointer, not the data",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<head": "a web page",
    b"<body": "a web page",
    b"<!--": "a web page",
    b"<?xml": "an XML file",
}
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
PIECE = 1 << 20  # bytes unpacked at once
ROW_BYTES = 128  # a guess at the first look
FIRST_LEAST, FIRST_MOST = 64 << 10, 2 << 20  # bytes of the first look; later ones add as much


def is_parquet(part: Part) -> bool:
    """Tell a Parquet file by its first bytes, or by its name while they are not here."""
    if not part.whole:
        return part.name.lower().endswith(".parquet")
    with part.path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def look_first(parts: Sequence[Part], limits: Mapping[str, int]) -> None:
    """Raise Missing for the beginnings of as many files as may be enough."""
    guess = min(max(limits["rows"] * ROW_BYTES, FIRST_LEAST), FIRST_MOST)
    left = min(guess, limits["decoded_bytes"] + 1)
    wanted = []
    for part in parts:
        if part.size is None or left <= 0:
            break
        if not part.has:
            wanted.append((part, [(0, min(part.size, max(left, FIRST_LEAST)))]))
        left -= max(prefix_bytes(part), min(part.size, left))
    need(wanted)


def look_further(part: Part, gathered: Gathering | None, limits: Mapping[str, int]) -> None:
    """Raise Missing for what it takes to get all rows that may be read, if there is more."""
    here, most = prefix_bytes(part), min(part.size or 0, limits["decoded_bytes"] + 1)
    if here >= most:
        return
    enough = 4 * here
    if gathered and gathered.rows:
        enough = int(here * 1.1 * (gathered.rows + gathered.rows_left) / gathered.rows)
    need([(part, [(here, min(most, max(enough, here + here // 4, here + FIRST_LEAST)))])])


def load(part: Part, most: int) -> bytes:
    """Return the content as far as it is here, unpacked, up to one byte more than allowed."""
    if part.whole:
        with part.path.open("rb") as file:
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            content = _unpack(file, part, most) if packed else file.read(most + 1)
    else:
        content = prefix_of(part)
        packed = content.startswith(GZIP)
        content = _unpack(io.BytesIO(content), part, most) if packed else content[: most + 1]
    if content.startswith(GZIP) or (content.startswith(PARQUET) and len(content) > most):
        raise StudioError(
            f"{part.name} unpacks to what cannot be read within {most / 1e6:,.0f} MB. "
            "Unpack it, and choose a smaller part."
        )
    return content


def _unpack(file: io.BufferedIOBase, part: Part, most: int) -> bytes:
    """Unpack as far as it goes: where only the beginning is here, the end is no damage."""
    content = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while piece := unpacked.read(min(PIECE, most + 1 - content.tell())):
                content.write(piece)
    except (OSError, EOFError, zlib.error):
        if part.whole or not content.tell():
            raise StudioError(f"{part.name} is damaged: it cannot be unpacked.") from None
    return content.getvalue()


def refuse_kind(content: bytes, name: str) -> None:
    """Raise StudioError for what is known to hold no rows that can be read."""
    start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind in KINDS.items():
        if start.lower().startswith(mark.lower()):
            raise StudioError(f"{name} is {kind}. Save the table in it as CSV, JSONL or Parquet.")
    if not content.strip(b"\x00\r\n\t "):
        raise StudioError(f"{name} is empty. Choose a file with rows in it.")
