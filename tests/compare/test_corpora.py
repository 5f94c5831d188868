"""Corpora beside a run's own: what is kept of texts that people bring."""

from pathlib import Path

import pyarrow as pa
import pytest

from ststudio.compare.corpora import (
    clean_texts,
    column_texts,
    keep_corpus,
    open_corpus,
    open_texts,
    own_corpus,
    text_columns,
)
from ststudio.data.tables import Retrieval, Table
from ststudio.data.uploads import accept_upload
from ststudio.errors import StudioError
from ststudio.settings import get_settings
from tests.compare.conftest import ComparedRun


def test_texts_are_found_again_by_what_they_hold() -> None:
    first, again = keep_corpus(["one", "two"]), keep_corpus(["one", "two"])
    assert first == again == open_corpus(first.id)
    assert first.size == 2
    assert keep_corpus(["two", "one"]).id != first.id != keep_corpus(["onetwo"]).id


@pytest.mark.parametrize("corpus_id", [None, 3, "", "../runs", "0" * 63, "z" * 64])
def test_an_id_that_is_none_is_refused(corpus_id: object) -> None:
    with pytest.raises(StudioError, match="/add_corpus"):
        open_corpus(corpus_id)


def test_a_corpus_that_is_gone_is_told() -> None:
    with pytest.raises(StudioError, match="no longer here"):
        open_corpus("0" * 64)


def test_texts_are_cleaned_and_what_was_left_out_is_counted() -> None:
    limit = get_settings().corpus_texts
    given = [" a ", "a", "", "  ", None, "lone \ud800", "x" * 5_000]
    kept, notes = clean_texts([*given, *(f"text {n}" for n in range(limit))])
    assert kept[:2] == ["a", "lone ?"] and len(kept) == limit
    assert max(map(len, kept)) == 4_000
    assert notes == [
        "2 texts left out: empty",
        "1 text left out: met before",
        f"3 texts left out: beyond the limit of {limit:,}",
        "1 text cut after 4,000 characters",
    ]


def test_nothing_to_search_is_told() -> None:
    with pytest.raises(StudioError, match="no text in this"):
        clean_texts(["", "  ", None])


def table(**columns: list[object]) -> Table:
    return Table({"train": pa.table(columns)}, {}, 2)


def test_the_likeliest_column_comes_first_and_numbers_are_none() -> None:
    found = table(id=["a1", "a2"], long=["a long sentence", "another"], text=["b", "c"], n=[1, 2])
    assert text_columns(found) == ["text", "long", "id"]
    assert column_texts(found, None) == ("text", ["b", "c"])
    assert column_texts(found, "id") == ("id", ["a1", "a2"])
    with pytest.raises(StudioError, match="no column of texts called 'n'"):
        column_texts(found, "n")
    with pytest.raises(StudioError, match="holds texts"):
        text_columns(table(n=[1, 2]))


def test_all_splits_are_searched_and_of_a_retrieval_set_the_documents() -> None:
    rows = pa.table({"text": ["a"]})
    splits = {"train": rows, "test": pa.table({"text": ["b"]})}
    assert column_texts(Table(splits, {}, 2), None)[1] == ["a", "b"]
    documents = pa.table({"id": ["1"], "text": ["document"]})
    qrels = {"train": pa.table({"query-id": ["q"], "corpus-id": ["1"]})}
    asked = Table(qrels, {}, 1, retrieval=Retrieval(documents, documents, qrels))
    assert column_texts(asked, None) == ("text", ["document"])


def test_a_file_of_one_text_a_line_is_read(tmp_path: Path) -> None:
    lines = [f'Line {n}, "quoted", and; more' if n % 3 else f"Plain line {n}" for n in range(40)]
    for name, head, kept in (
        ("lines.txt", [], lines),
        ("column.csv", ["text"], lines),
        ("unknown.csv", ["Zq7"], ["Zq7", *lines]),  # one text too many is better than one lost
    ):
        (tmp_path / name).write_text("\n".join([*head, *lines]))
        upload = accept_upload(tmp_path / name, tmp_path)
        table = open_texts({"kind": "upload", "id": upload})
        assert column_texts(table, None)[1] == kept, name


def test_a_runs_own_corpus_is_kept_for_other_models_and_again_once_forgotten(
    compared: ComparedRun,
) -> None:
    points = compared.embeddings_dir / "points.parquet"
    corpus = own_corpus(points)
    assert corpus.size == 120 and own_corpus(points) == corpus
    for file in sorted(corpus.path.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    corpus.path.rmdir()
    assert own_corpus(points).size == 120
