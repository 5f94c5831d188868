"""Files that hold no table, told from how they begin."""

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
    b"{\\rtf": "an RTF document",
}


def refuse_kind(content: bytes, name: str) -> None:
    """Raise StudioError for content that is known not to be a table."""
    start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind in KINDS.items():
        if start.lower().startswith(mark.lower()):
            raise StudioError(f"{name} is {kind}. Save the table in it as CSV, JSONL or Parquet.")
    if not content.strip(b"\x00\r\n\t "):
        raise StudioError(f"{name} is empty. Choose a file with rows in it.")
