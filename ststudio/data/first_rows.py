"""First rows without a download: from the dataset viewer, else from a few bytes of the files."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
from huggingface_hub import get_session
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from ststudio.data.hub_tables import find_dataset, kept_folder, read_once
from ststudio.data.layouts import CORPUS, Subset, choose_subset, is_retrieval, usual_splits
from ststudio.data.sources import check_source, open_source
from ststudio.data.supply import Supply
from ststudio.data.tables import Part, Table, read_parts, reading_limits
from ststudio.errors import StudioError
from ststudio.fetch import DatasetRef
from ststudio.remote import PUBLIC_HUB, credential, endpoint
from ststudio.settings import MB, Settings, get_settings

ROWS = 40  # of all splits together
TEXT_BYTES = 1 * MB
VIEWER_SECONDS = 3  # for all splits together: the files themselves are the other way
VIEWER_BYTES = 1 * MB  # the same; it cuts long cells
FETCHED_BYTES = 19 * MB // 10  # for all of it, so that nobody waits for first rows
LISTED_BYTES = 300  # of them, that the Hub's answer takes to name a file
LEAST_BYTES = MB // 2  # of files, however many there are


@dataclass(frozen=True)
class _Wanted:
    """What rows are shown of."""

    ref: DatasetRef
    subset: Subset
    splits: Mapping[str, str]  # the dataset's own names by the usual ones
    newest: bool  # no revision was named


def first_rows(source: object, token: str | None = None) -> Table:
    """Return some rows of a subset, all of its splits where the viewer shows them; or StudioError.

    Where only the files are there to be read, the table holds one split, called "train". Columns
    whose pages are too large for a first look are left out, which `assumed` says.
    """
    known = check_source(source)
    if known["kind"] != "hub":
        return open_source(known)
    ref, subsets = find_dataset(known, token)
    whole_set = CORPUS if is_retrieval(subsets) else None
    subset = choose_subset(subsets, known["subset"] or whole_set, ref.id)
    splits = usual_splits(subset, known["split"], ref.id)
    wanted = _Wanted(ref, subset, splits, newest=not known["revision"])
    shown = {"subset": subset.name, "split": known["split"]}
    kept_in = kept_folder(ref.id, ref.revision, shown, _limits())
    table = read_once(ref, kept_in, token, lambda folder: _read(wanted, folder, token))
    assumed = (said for said in table.assumed if said[0] != "truncated_by_limit")  # of course
    return replace(table, assumed=tuple(assumed))


def _limits() -> dict[str, int]:
    return reading_limits() | {"rows": ROWS, "decoded_bytes": TEXT_BYTES, "spread": 1}


def _read(wanted: _Wanted, folder: Path, token: str | None) -> Table:
    out = folder / "table"
    received: list[int] = []
    answers = list(_ask_viewer(wanted, folder, token, received))
    if answers:
        try:
            return read_parts(answers, out, _limits())
        except StudioError:
            pass  # not the viewer, or nothing to show: the files themselves may do better
    listed = len(wanted.ref.files) + wanted.ref.listed_before
    spent = LISTED_BYTES * listed + sum(received)
    most = max(FETCHED_BYTES - spent, LEAST_BYTES)
    files = {"train": wanted.subset.splits[wanted.splits["train"]]}
    supply = Supply(wanted.ref, files, folder / "files", token, most)
    return read_parts(supply.parts, out, _limits() | {"fetched_bytes": most}, supply.fetch)


def viewer_address() -> str:
    """Return the viewer's address; the public one knows nothing of other Hubs."""
    address = get_settings().viewer.rstrip("/")
    return "" if address == Settings.viewer and endpoint() != PUBLIC_HUB else address


def _ask_viewer(
    wanted: _Wanted, folder: Path, token: str | None, received: list[int]
) -> Iterator[Part]:
    """Give the answer for each split, train first, as far as they come in time.

    The bytes of every packet are noted in `received`, also of an answer that is of no use.
    """
    if not (address := viewer_address()):
        return
    headers = build_hf_headers(token=credential(token if wanted.ref.private else None))
    until = time.monotonic() + VIEWER_SECONDS
    commit = None if wanted.newest else wanted.ref.revision
    for usual, split in sorted(wanted.splits.items(), key=lambda names: names[0] != "train"):
        query = {"dataset": wanted.ref.id, "config": wanted.subset.name, "split": split}
        request = httpx2.Request("GET", f"{address}/first-rows", params=query, headers=headers)
        try:
            content = _answer(request, until, received, commit)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
            return
        part = Part(folder / f"{usual}.json", wanted.ref.id, usual, from_viewer=True)
        part.path.write_bytes(content)
        yield part


def _answer(
    request: httpx2.Request, until: float, received: list[int], commit: str | None
) -> bytes:
    """Return an answer as it came; raise ValueError where it is late, long, or of other rows."""
    request.headers["Accept-Encoding"] = "identity"  # so that what is counted is what is kept
    seconds = max(until - time.monotonic(), 0.1)
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    response = get_session().send(request, stream=True)
    content = b""
    try:
        response.raise_for_status()
        if commit and response.headers.get("X-Revision") != commit:
            raise ValueError("rows of another commit")
        for packet in response.iter_raw():
            content += packet
            received.append(len(packet))
            if sum(received) > VIEWER_BYTES or time.monotonic() > until:
                raise ValueError("too long")
    finally:
        response.close()
    return content
