"""Files from the Hub: streamed, resumed once, checked against what was announced."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import get_session, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    hf_raise_for_status,
)

from ststudio.errors import StudioError
from ststudio.patience import heard
from ststudio.remote import LONGEST_WAIT, HubAway, Kind, RemoteFile, ask, credential, endpoint
from ststudio.settings import MB

PACKET = 1 << 20  # bytes
WHOLE_MOST = 64 * MB  # passed over, where parts of a file are not to be had


def download(
    kind: Kind,
    repo_id: str,
    revision: str,
    file: RemoteFile,
    target: Path,
    token: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Fetch one file at a pinned commit, resumed once, checked, in place when whole."""
    url = hf_hub_url(repo_id, file.path, repo_type=kind, revision=revision, endpoint=endpoint())
    headers = build_hf_headers(token=credential(token))
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    what = f"the {kind} {repo_id!r}"
    try:
        ask(lambda: _stream(url, headers, file, part, progress), what, patience=LONGEST_WAIT)
        if file.sha256 is not None and sha256(part) != file.sha256:
            raise HubAway(f"{file.path} of {what} arrived damaged. Try again.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def download_span(
    kind: Kind,
    repo_id: str,
    revision: str,
    file: RemoteFile,
    target: Path,
    span: tuple[int, int],
    token: str | None = None,
) -> None:
    """Fetch the bytes from `span[0]` up to `span[1]` into their place, resumed once."""
    url = hf_hub_url(repo_id, file.path, repo_type=kind, revision=revision, endpoint=endpoint())
    headers = build_hf_headers(token=credential(token))
    left = list(span)
    what = f"the {kind} {repo_id!r}"
    ask(lambda: _stream_span(url, headers, file, target, left), what, patience=LONGEST_WAIT)


def _stream_span(
    url: str, headers: dict[str, Any], file: RemoteFile, target: Path, left: list[int]
) -> None:
    """Write what is left of a span, moving its beginning on."""
    start, stop = left
    asked = {**headers, "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=asked) as response:
        hf_raise_for_status(response)
        skipped = 0
        if response.status_code != 206:  # some answer with the whole file
            if start > WHOLE_MOST:
                raise StudioError(
                    f"The Hub sends {file.path} only as a whole ({file.bytes / MB:,.0f} MB). "
                    "Choose a smaller subset, or upload a part of it."
                )
            skipped = start
        elif response.headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{file.bytes}":
            raise httpx2.RemoteProtocolError("not the bytes that were asked for")
        with target.open("r+b") as out:
            for packet in response.iter_bytes(PACKET):
                kept = packet[skipped:][: stop - left[0]]
                skipped -= min(skipped, len(packet))
                out.seek(left[0])
                left[0] += out.write(kept)
                heard()
                if left[0] == stop:
                    return
    raise httpx2.RemoteProtocolError("fewer bytes than announced")


def read_small(
    kind: Kind, repo_id: str, revision: str, file: RemoteFile, token: str | None = None
) -> bytes:
    """Return the content of one small file at a pinned commit."""
    url = hf_hub_url(repo_id, file.path, repo_type=kind, revision=revision, endpoint=endpoint())
    headers = build_hf_headers(token=credential(token))

    def get() -> bytes:
        response = get_session().get(url, headers=headers)
        hf_raise_for_status(response)
        if len(response.content) != file.bytes:
            raise httpx2.RemoteProtocolError("not the announced number of bytes")
        return response.content

    return ask(get, f"the {kind} {repo_id!r}")


def _stream(
    url: str,
    headers: dict[str, Any],
    file: RemoteFile,
    part: Path,
    progress: Callable[[int], None] | None,
) -> None:
    """Append what is missing of a file, raising httpx2.HTTPError where it does not fit."""
    have = part.stat().st_size if part.exists() else 0
    span = {"Range": f"bytes={have}-"} if have else {}
    # Unpacked by nobody on the way: the announced size is that of the bytes as they are stored.
    asked = {**headers, **span, "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=asked) as response:
        hf_raise_for_status(response)
        if response.status_code != 206:
            have = 0
        with part.open("ab" if have else "wb") as out:
            for packet in response.iter_bytes(PACKET):
                have += len(packet)
                if have > file.bytes:
                    raise httpx2.RemoteProtocolError("more bytes than announced")
                out.write(packet)
                heard()
                if progress is not None:
                    progress(have)
    if have != file.bytes:
        raise httpx2.RemoteProtocolError("fewer bytes than announced")


def sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
