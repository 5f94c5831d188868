"""Retrieval sets read as pairs: each query beside the documents that answer it."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.judgements import as_ids, relevant_of
from ststudio.data.tables import LeftOut, Retrieval, Table

ANCHOR, POSITIVE = "queries.text", "corpus.text"


def with_pairs(table: Table) -> Table:
    """Return the table itself, or a retrieval set's judgements joined into rows of two texts."""
    table = replace(table, splits={name: _plain(split) for name, split in table.splits.items()})
    if table.retrieval is None:
        return table
    retrieval = table.retrieval
    splits = {}
    left = 0
    for name, judged in retrieval.qrels.items():
        splits[name] = _joined(retrieval, judged)
        left += judged.num_rows - splits[name].num_rows
    first = splits.pop("train", None)
    if first is None:  # only a test split was judged: everything is cut from it
        first = pa.concat_tables(splits.values())
        splits = {}
    read = sum(judged.num_rows for judged in retrieval.qrels.values())
    read += sum(lost.count for lost in table.left_out)
    left_out = (*table.left_out, LeftOut("judged irrelevant, or text missing", left, ()))
    return replace(
        table,
        splits={"train": first, **splits},
        read=read,
        left_out=left_out if left else table.left_out,
    )


def _plain(split: pa.Table) -> pa.Table:
    """Cast the kinds of string that readers differ in to the one that we compare."""
    for place, kind in enumerate(split.schema.types):
        if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
            name = split.schema.names[place]
            split = split.set_column(place, name, split[name].cast(pa.string()))
        if pa.types.is_large_list(kind):
            name = split.schema.names[place]
            split = split.set_column(place, name, split[name].cast(pa.list_(pa.string())))
    return split


def _joined(retrieval: Retrieval, judged: pa.Table) -> pa.Table:
    """Return the relevant pairs of a split, in the order of the judgements."""
    judged = relevant_of(judged)
    queries = _looked_up(retrieval.queries, as_ids(judged, "query-id"))
    documents = _looked_up(retrieval.corpus, as_ids(judged, "corpus-id"))
    pairs = pa.table({ANCHOR: queries, POSITIVE: documents})
    return pairs.filter(pc.and_(pc.is_valid(queries), pc.is_valid(documents)))


def _looked_up(texts: pa.Table, ids: pa.ChunkedArray) -> pa.ChunkedArray:
    keys = as_ids(texts, "id").combine_chunks()
    return texts["text"].take(pc.index_in(ids, keys))
