"""Open a source of data: the sample, a dataset on the Hub, or an upload."""

from collections.abc import Mapping, Sequence
from typing import Any

from ststudio.data.builtin import builtin_table
from ststudio.data.findings import Fix
from ststudio.data.hub_tables import (
    Found,
    find_dataset,
    kept_table,
    open_hub,
    open_retrieval,
)
from ststudio.data.layouts import DEFAULT, QRELS, is_retrieval
from ststudio.data.reshape import fix_reading
from ststudio.data.tables import Table
from ststudio.data.uploads import accept_upload, open_upload
from ststudio.errors import StudioError
from ststudio.remote import COMMIT, check_id

__all__ = ["accept_upload", "open_source", "pin_source"]

KEYS = {
    "builtin": ("id",),
    "hub": ("id", "subset", "split", "revision", "qrels"),
    "upload": ("id",),
}
QRELS_KEYS = ("id", "split", "revision")
Fixes = Sequence[Mapping[str, Any] | Fix]


def open_source(source: object, token: str | None = None, fixes: Fixes = ()) -> Table:
    """Open a source as a table; raise StudioError, also for unknown keys and kinds.

    Of the fixes only those count that say how text is to be read; the doctor applies the others.
    """
    known = check_source(source)
    if known["kind"] == "builtin":
        return builtin_table(known["id"])
    reading = fix_reading(fixes)
    if known["kind"] == "upload":
        return open_upload(known["id"], reading)
    if known["qrels"]:
        return open_retrieval(known, token)
    kept = kept_table(known, reading)
    if kept is not None:
        return kept
    found = find_dataset(known, token)
    known = _with_qrels(known, found)
    if known["qrels"]:
        return open_retrieval(known, token)
    return open_hub(known, token, found, reading)


def pin_source(source: object, token: str | None = None) -> dict[str, Any]:
    """Return the source with every revision replaced by its commit."""
    known = check_source(source)
    if known["kind"] != "hub":
        return known
    if _is_pinned(known):
        return known
    found = find_dataset(known, token)
    pinned = _with_qrels(known, found) | {"revision": found[0].revision}
    if pinned["qrels"]:
        qrels = pinned["qrels"]
        pinned["qrels"] = qrels | {"revision": find_dataset(qrels, token)[0].revision}
    return pinned


def _is_pinned(known: Mapping[str, Any]) -> bool:
    """Tell whether commits are named, and nothing is left to find out about judgements."""
    repositories = (known, known["qrels"]) if known["qrels"] else (known,)
    named = all(COMMIT.fullmatch(each.get("revision") or "") for each in repositories)
    return named and (known["qrels"] is not None or kept_table(known) is not None)


def check_source(source: object) -> dict[str, Any]:
    """Return a source with all keys of its kind; raise StudioError with what is allowed."""
    kind = source.get("kind") if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping) or not isinstance(kind, str) or kind not in KEYS:
        raise StudioError(f"A source needs a kind: {', '.join(KEYS)}.")
    given = {key: value for key, value in source.items() if value not in (None, "", {})}
    _refuse_unknown(given, ("kind", *KEYS[kind]), f"A source of kind {kind!r}")
    if not isinstance(given.get("id"), str):
        raise StudioError(f"A source of kind {kind!r} needs an id.")
    known = {"kind": kind, **{key: given.get(key) for key in KEYS[kind]}}
    if kind == "hub":
        known["id"] = check_id(known["id"], "dataset")
        known["qrels"] = _check_qrels(given.get("qrels"))
        _check_texts(known, ("subset", "split", "revision"))
    return known


def _check_qrels(qrels: object) -> dict[str, Any] | None:
    if qrels is None:
        return None
    if not isinstance(qrels, Mapping):
        raise StudioError("A source's qrels are {id, split}.")
    _refuse_unknown(qrels, QRELS_KEYS, "A source's qrels")
    known = {"id": check_id(qrels.get("id"), "dataset"), "split": qrels.get("split") or None}
    if qrels.get("revision"):
        known["revision"] = qrels["revision"]
    _check_texts(known, ("split", "revision"))
    return known


def _refuse_unknown(given: Mapping[str, Any], allowed: tuple[str, ...], what: str) -> None:
    unknown = [key for key in given if key not in allowed]
    if unknown:
        raise StudioError(f"{what} has no {unknown[0]!r}. Allowed: {', '.join(allowed)}.")


def _check_texts(known: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if not isinstance(known.get(key), str | None):
            raise StudioError(f"A source's {key} is a name, not {known[key]!r}.")


def _with_qrels(source: dict[str, Any], found: Found) -> dict[str, Any]:
    """Name the judgements of a retrieval set that was asked for as a whole, where BEIR has them."""
    if source["qrels"] or source["subset"]:
        return source
    ref, subsets = found
    if not is_retrieval(subsets):
        return source
    names = {subset.name for subset in subsets}
    is_here = names & {DEFAULT, QRELS} or any(subset.is_default for subset in subsets)
    own = {"id": ref.id if is_here else f"{ref.id}-qrels", "split": source["split"]}
    return source | {"qrels": own, "split": None}
