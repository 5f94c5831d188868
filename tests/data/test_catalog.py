"""The datasets on offer: every row whole, known, and named."""

import pytest

from ststudio.data.cases import CASES
from ststudio.data.catalog import CATALOG, DatasetSource, title_of
from ststudio.data.sources import check_source, open_source

NAMED_IN_CASES_MD = {
    "sentence-transformers/stsb",
    "sentence-transformers/all-nli",
    "sentence-transformers/quora-duplicates",
    "stanfordnlp/snli",
    "embedding-data/sentence-compression",
    "sentence-transformers/natural-questions",
    "CogComp/trec",
    "PolyAI/banking77",
    "embedding-data/QQP_triplets",
    "BeIR/scifact",
}


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.id)
def test_every_entry_is_whole(entry: DatasetSource) -> None:
    assert entry.case in CASES
    assert entry.rows > 0 and entry.title and entry.licence and entry.about.endswith(".")
    assert check_source(entry.source) == entry.source
    assert title_of(entry.source) == entry.title
    assert set(entry.to_json()) == {"id", "title", "case", "rows", "licence", "origin", "source"}


def test_ids_are_distinct_and_all_are_there() -> None:
    ids = [entry.id for entry in CATALOG]
    assert len(set(ids)) == len(ids)
    assert {entry.source["id"] for entry in CATALOG} >= NAMED_IN_CASES_MD
    samples = ["sample-pair-score", "sample-pair", "sample-text-class", "sample-triplet"]
    assert ids[:4] == samples


@pytest.mark.parametrize("entry", CATALOG[:4], ids=lambda entry: entry.id)
def test_the_sample_opens_with_the_rows_it_promises(entry: DatasetSource) -> None:
    table = open_source(entry.source)
    assert set(table.splits) == {"train", "validation", "test"}
    assert entry.rows == pytest.approx(table.rows, rel=0.1)


def test_other_sources_have_a_name_too() -> None:
    assert title_of({"kind": "hub", "id": "someone/rows"}) == "someone/rows"
    assert title_of({"kind": "upload", "id": "0" * 32}) == "your file"
