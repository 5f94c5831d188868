"""Judgements of a retrieval set: which texts they name, and how many name one not read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.tables import Retrieval
from ststudio.errors import StudioError

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
        relevant = relevant_of(qrels[split])
        ids = (as_ids(relevant, name).to_pylist() for name in ("query-id", "corpus-id"))
        yield from zip(*ids, strict=True)


def _place(split: str) -> int:
    return ORDER.index(split) if split in ORDER else len(ORDER)


def relevant_of(judged: pa.Table) -> pa.Table:
    """Return the judgements that say relevant; raise StudioError where scores are no numbers."""
    if "score" not in judged.schema.names:
        return judged
    try:
        scores = judged["score"].cast(pa.float64())
    except pa.ArrowException:
        raise StudioError(
            f'The column "score" of the judgements holds {_first_wrong(judged["score"])}, which is '
            "no number. Write 1 for relevant, 0 for not."
        ) from None
    return judged.filter(pc.greater(scores, 0))


def _first_wrong(scores: pa.ChunkedArray) -> str:
    for value in pc.unique(scores).to_pylist() if pa.types.is_string(scores.type) else ():
        try:
            float(value or 0)
        except ValueError:
            return f'"{value[:30]}"'
    return str(scores.type)


def as_ids(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column of ids as text; raise StudioError where it holds anything else."""
    try:
        return rows[name].cast(pa.string())
    except pa.ArrowException:
        raise StudioError(
            f'The column "{name}" holds {rows[name].type}, where a retrieval set has one id in '
            "each row. Write one row for each id."
        ) from None


def lost_judgements(found: Retrieval) -> Iterator[tuple[str, str]]:
    """Say how many judgements are lost, of a set of which not all could be read."""
    lost, held, every = 0, 0, 0
    for split, judged in found.qrels.items():
        relevant = relevant_of(judged)
        whole = pc.and_(
            _in(as_ids(relevant, "corpus-id"), found.corpus),
            _in(as_ids(relevant, "query-id"), found.queries),
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
    return pc.is_in(ids, value_set=as_ids(texts, "id").combine_chunks())
