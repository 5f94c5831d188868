"""Judgements of a retrieval set: which texts they name, and how many name one not read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.tables import Retrieval

LOST = "judgements_lost"
ORDER = ("test", "validation", "train")  # what is measured on comes first
SOUGHT_SHARE = 2  # texts that are named take at most this part of the rows: the others distract


@dataclass(frozen=True)
class Named:
    """The ids that judgements name, the most wanted first."""

    documents: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()


def named_by(qrels: Mapping[str, pa.Table], rows: int) -> Named:
    """Return the texts that make the judgements whole, of which `rows` each may be read."""
    most = rows // SOUGHT_SHARE
    documents: dict[str, None] = {}
    queries: dict[str, None] = {}
    for query, document in _pairs(qrels):
        if len(documents) >= most or len(queries) >= most:
            break
        documents[document] = queries[query] = None
    return Named(tuple(documents), tuple(queries))


def _pairs(qrels: Mapping[str, pa.Table]) -> Iterator[tuple[str, str]]:
    for split in sorted(qrels, key=_place):
        relevant = _relevant(qrels[split])
        ids = (relevant[name].cast(pa.string()).to_pylist() for name in ("query-id", "corpus-id"))
        yield from zip(*ids, strict=True)


def _place(split: str) -> int:
    return ORDER.index(split) if split in ORDER else len(ORDER)


def _relevant(judged: pa.Table) -> pa.Table:
    if "score" not in judged.schema.names:
        return judged
    return judged.filter(pc.greater(judged["score"].cast(pa.float64()), 0))


def lost_judgements(found: Retrieval) -> Iterator[tuple[str, str]]:
    """Say how many judgements are lost, of a set of which not all could be read."""
    lost, held, every = 0, 0, 0
    for split, judged in found.qrels.items():
        relevant = _relevant(judged)
        whole = pc.and_(
            _in(relevant["corpus-id"], found.corpus), _in(relevant["query-id"], found.queries)
        )
        missing = relevant.num_rows - (pc.sum(whole).as_py() or 0)
        lost, every = lost + missing, every + relevant.num_rows
        held += missing if split != "train" else 0
    if lost:
        measured = f", {held:,} of them held out" if held else ""
        yield (
            LOST,
            f"{lost:,} of {every:,} judgements are lost{measured}: their texts are not among the "
            f"{found.corpus.num_rows:,} documents and {found.queries.num_rows:,} queries that "
            "could be read within the limits.",
        )


def _in(ids: pa.ChunkedArray, texts: pa.Table) -> pa.ChunkedArray:
    known = texts["id"].cast(pa.string()).combine_chunks()
    return pc.is_in(ids.cast(pa.string()), value_set=known)
