"""Datasets on the Hub as tables: the bytes that matter, fetched and read once per commit."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ststudio.data.judgements import as_ids, lost_judgements, named_by, relevant_of
from ststudio.data.kept_tables import DATASETS, open_kept, open_used
from ststudio.data.layouts import Subset, choose_splits, choose_subset, find_subsets
from ststudio.data.locks import only_one
from ststudio.data.private_tables import read_private
from ststudio.data.supply import Supply
from ststudio.data.tables import (
    AS_FOUND,
    Reading,
    Retrieval,
    Table,
    read_parts,
    reading_limits,
)
from ststudio.data.unused import UNFINISHED
from ststudio.errors import StudioError
from ststudio.fetch import DatasetRef, resolve_dataset
from ststudio.remote import COMMIT, HubAway
from ststudio.settings import get_settings

CONVERTED = "refs/convert/parquet"  # the Hub's own conversion of what only a script could read
PACKED = 4  # the bytes fetched may be this many times what is kept of them
Source = Mapping[str, Any]
Found = tuple[DatasetRef, tuple[Subset, ...]]


def find_dataset(source: Source, token: str | None) -> Found:
    """Find a dataset's commit and subsets, where need be those of its converted branch."""
    ref = resolve_dataset(source["id"], source.get("revision"), token)
    subsets = find_subsets(ref)
    if subsets:
        if not any(
            file.bytes for each in subsets for part in each.splits.values() for file in part
        ):
            raise StudioError(f"The files of {ref.id} are empty. Choose another dataset.")
        return ref, subsets
    try:
        converted = resolve_dataset(ref.id, CONVERTED, token)
    except HubAway:
        raise
    except StudioError:
        raise _unreadable(ref) from None
    # The branch has the card of its own conversion, or none: its folders are what counts.
    subsets = find_subsets(replace(converted, card={}))
    if not subsets:
        raise _unreadable(ref)
    listed = len(ref.files)
    return replace(converted, card=ref.card, licence=ref.licence, listed_before=listed), subsets


def _unreadable(ref: DatasetRef) -> StudioError:
    paths = [file.path for file in ref.files if not file.path.startswith((".git", "README"))]
    if not paths:
        return StudioError(f"The dataset {ref.id!r} is empty. Choose another.")
    if any(path.endswith(".py") for path in paths):
        return StudioError(
            f"The dataset {ref.id!r} holds a loading script, which is not run here, and the Hub "
            "has no converted copy of it. Choose a copy in Parquet, CSV or JSONL, or upload one."
        )
    return StudioError(
        f"The dataset {ref.id!r} holds no Parquet, CSV, TSV, JSON or JSONL "
        f"(but {', '.join(paths[:3])}). Choose another, or upload its rows as a file."
    )


def kept_table(
    source: Source, reading: Reading = AS_FOUND, sought: Sequence[str] = ()
) -> Table | None:
    """Open what was read of this very commit before, without asking the Hub; it was public."""
    revision = source.get("revision") or ""
    folder = kept_folder(source["id"], revision, source, reading=reading, sought=sought)
    return open_kept(folder) if COMMIT.fullmatch(revision) else None


def open_hub(
    source: Source,
    token: str | None,
    found: Found | None = None,
    reading: Reading = AS_FOUND,
    sought: Sequence[str] = (),
) -> Table:
    """Open subset and splits of a dataset, which may have been found already.

    Where not all rows can be had, those whose ids are `sought` come first.
    """
    kept = kept_table(source, reading, sought)
    if kept is not None:
        return kept
    ref, subsets = found or find_dataset(source, token)
    splits = choose_splits(
        choose_subset(subsets, source["subset"], ref.id), source["split"], ref.id
    )
    kept_in = kept_folder(ref.id, ref.revision, source, reading=reading, sought=sought)

    def read(folder: Path) -> Table:
        """Fetch as many bytes as the rows need, and read them."""
        most = PACKED * get_settings().decoded_bytes
        supply = Supply(ref, splits, folder / "files", token, most)
        out = folder / "table"
        return read_parts(supply.parts, out, None, supply.fetch, reading, sought)

    return read_once(ref, kept_in, token, read)


def read_once(
    ref: DatasetRef, kept_in: Path, token: str | None, read: Callable[[Path], Table]
) -> Table:
    """Open what is kept, or read it into a folder's "table" and keep that, unless it is private."""
    if ref.private:
        return read_private(ref, str(kept_in), token, read)
    with only_one(str(kept_in)):
        if not kept_in.is_dir():
            kept_in.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=kept_in.parent) as temporary:
                read(Path(temporary))
                (Path(temporary) / "table").rename(kept_in)
        return open_used(kept_in)


def kept_folder(
    repo_id: str,
    revision: str,
    source: Source,
    limits: Mapping[str, int] | None = None,
    reading: Reading = AS_FOUND,
    sought: Sequence[str] = (),
) -> Path:
    """Return where the parsed table is kept: by what was asked for, and how it was to be read."""
    within = list((limits or reading_limits()).values())
    what = [source.get("subset"), source.get("split"), within, asdict(reading), list(sought)]
    asked = json.dumps(what)
    key = hashlib.sha256(asked.encode()).hexdigest()[:16]
    return get_settings().folder / DATASETS / repo_id.replace("/", "--") / revision / key


def open_retrieval(source: Source, token: str | None) -> Table:
    """Join corpus, queries and judgements, which BEIR keeps as subsets and in a sibling.

    Of a corpus that is too large to be read, the judged documents come first.
    """
    asked = dict(source) | {"qrels": None, "split": None}
    judged = open_hub({"kind": "hub", "subset": None, **source["qrels"]}, token)
    qrels = {split: _judgements(rows, source) for split, rows in judged.splits.items()}
    named = named_by(qrels, get_settings().rows)
    corpus = open_hub(asked | {"subset": "corpus"}, token, sought=named.documents)
    queries = open_hub(asked | {"subset": "queries"}, token, sought=named.queries)
    retrieval = Retrieval(
        corpus=_texts(corpus, f"The corpus of {source['id']}"),
        queries=_texts(queries, f"The queries of {source['id']}"),
        qrels=qrels,
    )
    said = [*_said(corpus, "the corpus"), *_said(queries, "the queries"), *judged.assumed]
    if any(code == "truncated_by_limit" for code, _ in said):  # else: they name what is not there
        said += lost_judgements(retrieval)
    assumed = tuple(dict.fromkeys(said))
    return replace(judged, splits=retrieval.qrels, assumed=assumed, retrieval=retrieval)


def _said(table: Table, what: str) -> Iterator[tuple[str, str]]:
    """Give what was assumed of a subset whose only split was read as if it were for training."""
    for code, sentence in table.assumed:
        yield code, sentence.replace(" rows of train ", f" rows of {what} ")


def _texts(table: Table, what: str) -> pa.Table:
    """Return ids and texts, a title before its text as BEIR does it."""
    rows = table.splits["train"]
    names = rows.schema.names
    key = next((name for name in ("_id", "id", "corpus-id", "query-id") if name in names), None)
    if key is None or "text" not in names:
        raise StudioError(f"{what} needs the columns _id and text; it has {', '.join(names)}.")
    texts = [text or "" for text in _column(rows, "text", what)]
    if "title" in names:
        titles = [title or "" for title in _column(rows, "title", what)]
        texts = [f"{title} {text}".strip() for title, text in zip(titles, texts, strict=True)]
    return pa.table({"id": as_ids(rows, key), "text": pa.array(texts, pa.string())})


def _column(rows: pa.Table, name: str, what: str) -> list[Any]:
    if pa.types.is_list(rows[name].type):
        raise StudioError(f"{what} has lists in its column {name}; it needs one text in each row.")
    return rows[name].cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _judgements(rows: pa.Table, source: Source) -> pa.Table:
    wanted = ("query-id", "corpus-id", "score")
    missing = [name for name in wanted if name not in rows.schema.names]
    if missing:
        raise StudioError(f"{source['qrels']['id']} has no column {missing[0]!r}, as qrels have.")
    ids = {name: as_ids(rows, name) for name in wanted[:2]}
    judged = pa.table({**ids, "score": rows["score"]})
    relevant_of(judged)  # raises before the corpus is fetched
    return judged
