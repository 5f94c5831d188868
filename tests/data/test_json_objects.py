"""JSON objects and arrays: what is no row is counted, and what was guessed is said."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ststudio.data.doctor import diagnose
from ststudio.data.retrieval import with_pairs
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.reading import Reader, kept_reader
from tests.data.seen import find

pytestmark = pytest.mark.usefixtures("folder")

PAIRS = [{"question": f"how do I {n}?", "answer": f"press {n}"} for n in range(60)]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with kept_reader(tmp_path_factory.mktemp("objects")) as kept:
        yield kept


def read(value: Any, reader: Reader) -> Table:  # noqa: ANN401
    """Read a value as one file."""
    return reader.read(json.dumps(value).encode(), "set.json")


def counted(table: Table) -> dict[str, int]:
    """Count the rows of each split."""
    return {split: rows.num_rows for split, rows in table.splits.items()}


@pytest.mark.parametrize("test_rows", [10, 30])
@pytest.mark.parametrize(
    "names", [("train", "test"), ("train_pairs", "test_pairs"), ("trainSet", "testSet")], ids=str
)
def test_splits_are_found_beside_what_is_no_row(
    names: tuple[str, str], test_rows: int, reader: Reader
) -> None:
    train, test = names
    split = {train: PAIRS[:30], test: PAIRS[-test_rows:]}
    table = read({"version": "1.0", "labels": ["a", "b"], **split}, reader)
    assert counted(table) == {"train": 30, "test": test_rows}
    assert table.left_out == ()


@pytest.mark.parametrize(
    "value",
    [
        {"data": PAIRS[:50], "unsure": PAIRS[50:]},
        {"version": 1, "data": PAIRS[:50], "unsure": PAIRS[50:]},
        {"train": PAIRS[:30], "test": PAIRS[30:50], "unsure": PAIRS[50:]},
    ],
)
def test_rows_under_other_names_are_counted_where_they_are_not_read(
    value: dict[str, Any], reader: Reader
) -> None:
    table = read(value, reader)
    assert (table.read, table.rows) == (60, 50)
    said = dict(table.assumed)["unreadable"]
    assert said.startswith("10 rows left out") and 'under "unsure"' in said


def test_a_class_called_train_names_no_split(reader: Reader) -> None:
    by_class = {"train": ["when does it leave"] * 9, "bus": ["is it late"] * 8}
    table = read(by_class, reader)
    assert set(table.splits["train"]["label"].to_pylist()) == {"train", "bus"}


TEXTS = [f"how do I open door number {n}" for n in range(120)]


def test_parallel_texts_are_columns_and_no_classes(reader: Reader) -> None:
    codes = ("en", "de", "fr", "es")
    for rows, names in ((20, codes), (120, codes), (120, ("english", "german", "french", "greek"))):
        table = read({name: TEXTS[:rows] for name in names}, reader)
        assert table.splits["train"].schema.names == [*names]
        assert table.assumed == ()


@pytest.mark.parametrize("sizes", [(9, 9, 9, 9), (9, 8, 7, 6)])
def test_it_is_said_where_names_of_lists_are_taken_as_classes(
    sizes: tuple[int, ...], reader: Reader
) -> None:
    names = ("hello", "goodbye", "opening hours", "doors")
    table = read({name: TEXTS[:size] for name, size in zip(names, sizes, strict=True)}, reader)
    assert set(table.splits["train"]["label"].to_pylist()) == set(names)
    assert '"hello", "goodbye"' in dict(table.assumed)["classes_assumed"]


@pytest.mark.parametrize("names", [("question", "answer"), ("text", "label"), ("query", "passage")])
def test_columns_of_unequal_length_are_refused(names: tuple[str, str], reader: Reader) -> None:
    with pytest.raises(StudioError, match=f'set.json .+"{names[0]}" holds 100 .+"{names[1]}" 99'):
        read({names[0]: TEXTS[:100], names[1]: TEXTS[:99]}, reader)


def test_lists_called_positive_and_negative_are_classes(reader: Reader) -> None:
    table = read({"positive": TEXTS[:100], "negative": TEXTS[:99]}, reader)
    assert table.rows == 199


QUERIES = {f"q{n}": f"how do I open door {n}" for n in range(40)}
DOCUMENTS = {f"d{n}": f"turn the handle of door {n}" for n in range(40)}
GRADES = ("1", "0", 1, 0, "2.5", True, None, "high", "nan")
RELEVANT = ("1", 1, "2.5", True)


@pytest.mark.parametrize("listed", [True, False])
def test_judgements_are_numbers_however_they_are_written(listed: bool, reader: Reader) -> None:
    grades = {f"q{n}": {f"d{n}": GRADES[n % len(GRADES)]} for n in range(36)}
    rows = [
        {"query-id": query, "corpus-id": document, "score": grade}
        for query, judged in grades.items()
        for document, grade in judged.items()
    ]
    qrels = rows if listed else grades
    table = read({"corpus": DOCUMENTS, "queries": QUERIES, "qrels": qrels}, reader)
    found = with_pairs(table)
    relevant = sum(GRADES[n % len(GRADES)] in RELEVANT for n in range(36))
    assert found.splits["train"].num_rows == relevant == 16
    assert found.read == 36 == relevant + sum(left.count for left in found.left_out)
    assert "12 rows left out" in dict(table.assumed)["unreadable"]


SEARCHES = [f"{how} {what}" for how in ("open", "lost", "loud") for what in TEXTS[:10]]
ANSWERED = [[SEARCHES[n % 30], f"press the button number {n} and wait for it"] for n in range(120)]


def test_it_is_said_where_a_text_of_bare_arrays_is_taken_as_a_class(reader: Reader) -> None:
    table = read(ANSWERED, reader)
    found = diagnose(table)
    said = find(found, "class_in_arrays")
    assert (found.case, found.columns) == ("text-class", {"text": "text"})
    assert "first text of each array" in said.message
    assert said.fix is not None
    pairs = diagnose(table, [said.fix])
    assert (pairs.case, pairs.columns) == ("pair", {"anchor": "query", "positive": "text"})
    assert find(pairs, "class_in_arrays").fix is None


@pytest.mark.parametrize(
    "value",
    [
        [{"set": row} for row in ANSWERED],
        {"train": ANSWERED, "test": [{"question": row[0], "answer": row[1]} for row in ANSWERED]},
        {"train": ANSWERED, "test": [[*row, "a third"] for row in ANSWERED]},
    ],
    ids=["named", "other columns held out", "other lengths held out"],
)
def test_only_bare_arrays_of_two_are_read_so(value: Any, reader: Reader) -> None:  # noqa: ANN401
    table = read(value, reader)
    assert table.splits["train"].schema.names == ["set"]
