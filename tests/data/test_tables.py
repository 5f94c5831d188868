"""Files of every kind, read by the real reader process."""

import gzip
import io
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from ststudio.data.tables import Part, Table, open_table, read_file, read_parts
from ststudio.errors import StudioError

pytestmark = pytest.mark.usefixtures("folder")

Write = Callable[[str, str | bytes], Path]
ROWS = [{"question": "Is it open?", "answer": "Yes, till nine."}, {"question": "é", "answer": "ü"}]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and give its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rows(table: Table, split: str = "train") -> list[dict[str, Any]]:
    """Give the rows of a split."""
    found: list[dict[str, Any]] = table.splits[split].to_pylist()
    return found


def codes(table: Table) -> set[str]:
    """Give the codes of what was assumed."""
    return {code for code, _ in table.assumed}


def as_parquet(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401
    """Write a table into bytes."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


CSV = 'question,answer\nIs it open?,"Yes, till nine."\né,ü\n'
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
SAME_ROWS = {
    "comma.csv": CSV,
    "semicolon.csv": 'question;answer\nIs it open?;"Yes, till nine."\né;ü\n',
    "tab.tsv": "question\tanswer\nIs it open?\tYes, till nine.\né\tü\n",
    "bar.txt": "question|answer\nIs it open?|Yes, till nine.\né|ü\n",
    "crlf.csv": CSV.replace("\n", "\r\n"),
    "old-mac.csv": CSV.replace("\n", "\r"),
    "mark.csv": "\ufeff" + CSV,
    "utf-16.csv": CSV.encode("utf-16"),
    "utf-16-le.csv": CSV.encode("utf-16-le"),
    "latin-1.csv": CSV.encode("latin-1"),
    "empty-lines.csv": CSV.replace("\n", "\n\n"),
    "lines.jsonl": LINES,
    "lines.json": LINES,
    "array.json": json.dumps(ROWS, indent=2),
    "array-without-name": json.dumps(ROWS),
    "data.json": json.dumps({"version": "1", "data": ROWS}),
    "columns.json": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
    "pandas.json": json.dumps(
        {key: {str(n): row[key] for n, row in enumerate(ROWS)} for key in ROWS[0]}
    ),
    "index.json": json.dumps({str(n): row for n, row in enumerate(ROWS)}),
    "table.parquet": as_parquet(pa.Table.from_pylist(ROWS)),
    "parquet-called.csv": as_parquet(pa.Table.from_pylist(ROWS)),
    "csv-called.parquet": CSV,
    "json-called.csv": LINES,
    "csv-called.jsonl.csv": CSV,
    "packed.csv.gz": gzip.compress(CSV.encode()),
    "packed.jsonl.gz": gzip.compress(LINES.encode()),
    "packed.json.gz": gzip.compress(json.dumps(ROWS).encode()),
    "packed.parquet.gz": gzip.compress(as_parquet(pa.Table.from_pylist(ROWS))),
    "packed-without-name.csv": gzip.compress(CSV.encode()),
}


@pytest.mark.parametrize("name", SAME_ROWS)
def test_the_same_rows_come_out_of_every_format(name: str, write: Write) -> None:
    table = read_file(write(name, SAME_ROWS[name]), name)

    assert rows(table) == ROWS
    assert (table.read, table.rows, table.left_out) == (2, 2, ())


def test_what_was_assumed_is_said(write: Write) -> None:
    table = read_file(write("a.csv", "Große Frage;0,5\nKleine Frage;0,25\n".encode("cp1252")), "a")

    assert codes(table) == {"encoding_assumed", "delimiter_assumed", "header_assumed"}
    assert rows(table)[0] == {"column1": "Große Frage", "column2": "0,5"}


def test_quotes_newlines_and_inch_marks(write: Write) -> None:
    text = 'text,label\n"a ""quoted"" word\nand a new line",1\n5" disk, 2\n"never closed,3\nend,4\n'
    table = read_file(write("a.csv", text), "a.csv")

    assert rows(table) == [
        {"text": 'a "quoted" word\nand a new line', "label": 1},
        {"text": '5" disk', "label": 2},
        {"text": '"never closed', "label": 3},
        {"text": "end", "label": 4},
    ]


def test_rows_that_do_not_fit_are_counted_by_line(write: Write) -> None:
    text = 'a_text,b_text\n1 one,"two\nlines"\nonly one\nx,y,z\n,\nfine,too,\n'
    table = read_file(write("a.csv", text), "a.csv")

    assert [row["a_text"] for row in rows(table)] == ["1 one", "fine"]
    assert {left.reason: left.lines for left in table.left_out} == {
        "it has another number of cells than the header": (4, 5),
        "it is empty": (6,),
    }
    assert (table.read, table.rows) == (5, 2)
    assert "ragged_rows" in codes(table)


def test_numbers_and_truth_are_told_from_words(write: Write) -> None:
    text = "id,score,same,code,percent,text\n1,0.5,true,007,50%,NA\n2,1,False,008,60%,\n"
    table = read_file(write("a.csv", text), "a.csv")

    assert rows(table) == [
        {"id": 1, "score": 0.5, "same": True, "code": "007", "percent": "50%", "text": "NA"},
        {"id": 2, "score": 1.0, "same": False, "code": "008", "percent": "60%", "text": None},
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("text,text,,label\na,b,c,d\n", ["text", "text_2", "column3", "label"]),
        ("The cat sat down.\nA dog, too.\nNobody else came, though.\n", ["text"]),
        ("text\nThe cat, sat\nA dog, too, ran\nNobody came\n", ["text"]),
        ("premise,hypothesis\nA man, eats,food\nA,b\nB,c\n", ["premise", "hypothesis"]),
        ("a1,b1\nrow1,long text of this row,1.5\nrow2,another text of it,2.5\n",
         ["column1", "a1", "b1"]),
        ("What is it?,0\nWho was that?,1\n", ["column1", "column2"]),
    ],
)  # fmt: skip
def test_headers(text: str, names: list[str], write: Write) -> None:
    assert read_file(write("a.csv", text), "a.csv").splits["train"].schema.names == names


def test_nested_columns_become_dotted_names(write: Write) -> None:
    lines = [
        {"set": {"query": "q", "pos": ["p"], "neg": ["n", "m"]}, "vector": [0.1, 0.2], "n": None},
        {"set": {"query": "r", "pos": [], "neg": ["o"]}, "vector": [0.3, 0.4], "n": {"deep": [{}]}},
    ]
    table = read_file(write("a.jsonl", "\n".join(map(json.dumps, lines))), "a.jsonl")

    assert rows(table) == [
        {"set.query": "q", "set.pos": ["p"], "set.neg": ["n", "m"], "n": None, "n.deep": None},
        {"set.query": "r", "set.pos": [], "set.neg": ["o"], "n": None, "n.deep": ["{}"]},
    ]
    assert codes(table) == {"nested"}


def test_mixed_values_share_one_type(write: Write) -> None:
    lines = '{"a": 1, "b": 1, "c": "x", "d": 1}\n{"a": 0.5, "b": "two", "c": ["y"], "d": true}'
    table = read_file(write("a.jsonl", lines), "a.jsonl")

    assert rows(table) == [
        {"a": 1.0, "b": "1", "c": ["x"], "d": "1"},
        {"a": 0.5, "b": "two", "c": ["y"], "d": "true"},
    ]


def test_broken_lines_cost_only_themselves(write: Write) -> None:
    deep = '{"a":' * 60_000 + "1" + "}" * 60_000
    text = '{"a": "one"}\n{"a": "two"\n\n17\n["x", "y"]\n"plain"\n' + deep + '\n{"a": "three"}'
    table = read_file(write("a.jsonl", text), "a.jsonl")

    assert [row["a"] for row in rows(table)] == ["one", None, None, "three"]
    assert {left.reason: left.lines for left in table.left_out} == {
        "it is not valid JSON": (2,),
        "it is neither an object nor a text": (4,),
        "it is nested too deeply": (7,),
    }


def test_splits_inside_one_file(write: Write) -> None:
    splits = {"train": ROWS, "dev": ROWS[:1], "Test": [{"question": "x", "answer": "y"}]}
    table = read_file(write("a.json", json.dumps(splits)), "a.json")

    assert {name: len(rows(table, name)) for name in table.splits} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }


def test_class_names_travel_in_the_schema(write: Write) -> None:
    features = {
        "label": {"names": ["no", "yes"], "_type": "ClassLabel"},
        "meta": {"kind": {"names": ["a"], "_type": "ClassLabel"}},
        "text": {"dtype": "string", "_type": "Value"},
    }
    info = json.dumps({"info": {"features": features}})
    plain = pa.table({"text": ["t"], "label": [-1], "meta": [{"kind": 0}]})
    data = as_parquet(plain.replace_schema_metadata({"huggingface": info}))
    table = read_file(write("a.parquet", data), "a.parquet")

    assert table.class_names == {"label": ("no", "yes"), "meta.kind": ("a",)}
    assert rows(table) == [{"text": "t", "label": -1, "meta.kind": 0}]


def test_lone_surrogates_and_zero_bytes_are_taken_out(write: Write) -> None:
    table = read_file(write("a.jsonl", r'{"a": "x\ud800y\u0000z"}' + '\n{"a": "b"}'), "a.jsonl")

    assert rows(table)[0] == {"a": "xyz"}


def test_limits_are_met_and_said(write: Write, limits: Callable[..., None]) -> None:
    limits(ROWS=10, COLUMNS=3, CELL_CHARACTERS=5)
    row = json.dumps({"a": "abcdefgh", "b": 1, "c": 2, "d": 3, "e": 4})
    table = read_file(write("a.jsonl", (row + "\n") * 50), "a.jsonl")

    assert rows(table) == [{"a": "abcde", "b": 1, "c": 2}] * 10
    assert table.read == 10
    said = [sentence for code, sentence in table.assumed if code == "truncated_by_limit"]
    assert len(said) == 3


def test_text_beyond_the_budget_is_not_read(write: Write, limits: Callable[..., None]) -> None:
    limits(DECODED_BYTES=10_000)
    for name, text in {
        "a.csv": "text,label\n" + "some words,1\n" * 5_000,
        "a.jsonl": '{"text": "some words"}\n' * 5_000,
        "a.json": json.dumps([{"text": "some words"}] * 5_000),
    }.items():
        table = read_file(write(name, text), name)
        assert 100 < table.rows < 1_000 and "truncated_by_limit" in codes(table)
        assert set(table.splits["train"]["text"].to_pylist()) == {"some words"}


def test_held_out_splits_leave_room_for_train(
    write: Write, tmp_path: Path, limits: Callable[..., None]
) -> None:
    limits(ROWS=100)
    path = write("a.csv", "text,label\n" + "some words,1\n" * 500)
    parts = [Part(path, "a.csv", split) for split in ("train", "validation", "test")]
    table = read_parts(parts, tmp_path / "out")

    counted = {split: found.num_rows for split, found in table.splits.items()}
    assert counted == {"train": 50, "validation": 25, "test": 25}
    assert open_table(tmp_path / "out") == table


def bomb_parquet() -> bytes:
    """Give 4 GB of text in a few kilobytes: one long text, repeated by reference."""
    text = pa.array(["x" * 1_000_000])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 4_000, pa.int32()), text)
    return as_parquet(pa.table({"text": column}), compression="zstd")


def test_a_small_parquet_that_holds_gigabytes(write: Write) -> None:
    data = bomb_parquet()
    assert len(data) < 100_000
    started = time.monotonic()
    table = read_file(write("a.parquet", data), "a.parquet")

    assert time.monotonic() - started < 5
    assert set(table.splits["train"]["text"].to_pylist()) == {"x" * 4_000}
    assert table.rows == 4_000


def test_a_small_gzip_that_holds_gigabytes(write: Write) -> None:
    data = gzip.compress(b"text,label\n" + b"some words,1\n" * 20_000_000, 9)
    assert len(data) < 2_000_000
    started = time.monotonic()
    table = read_file(write("a.csv.gz", data), "a.csv.gz")

    assert time.monotonic() - started < 10
    assert table.rows == 20_000 and "truncated_by_limit" in codes(table)


RANDOM = random.Random(1)
REFUSED = {
    "empty.csv": (b"", "is empty"),
    "spaces.csv": (b" \n\n\t\n", "is empty"),
    "header-only.csv": (b"text,label\n", "no rows"),
    "nothing.jsonl": (b"\n\n", "is empty"),
    "empty-array.json": (b"[]", "no rows"),
    "empty-object.json": (b"{}", "no rows"),
    "no-objects.jsonl": (b"1\n2\n3\n", "no rows"),
    "broken.json": (b'[{"a": "b"}, {"a": ', "not valid JSON"),
    "broken-object.json": (b'{"a": "b"', "not valid JSON"),
    "deep.json": (b"[" * 60_000 + b"]" * 60_000, "nested too deeply"),
    "deep-object.json": (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, "nested too deeply"),
    "noise.csv": (RANDOM.randbytes(50_000), "no text"),
    "noise.parquet": (b"PAR1" + RANDOM.randbytes(50_000), "not a Parquet file"),
    "cut.parquet": (as_parquet(pa.Table.from_pylist(ROWS))[:300], "not a Parquet file"),
    "tail-lies.parquet": (
        as_parquet(pa.Table.from_pylist(ROWS))[:-8] + b"\xff\xff\xff\x7fPAR1",
        "not a Parquet file",
    ),
    "rowless.parquet": (as_parquet(pa.table({"a": pa.array([], pa.string())})), "no rows"),
    "pictures.parquet": (as_parquet(pa.table({"a": [{"bytes": b"x", "path": "p"}]})), "no rows"),
    "book.xlsx": (b"PK\x03\x04" + RANDOM.randbytes(500), "ZIP archive or an Excel"),
    "page.csv": (b"<!DOCTYPE html><html></html>", "web page"),
    "pickle.jsonl": (b"\x80\x04\x95" + RANDOM.randbytes(500), "pickle"),
    "cut.csv.gz": (gzip.compress(CSV.encode())[:-10], "damaged"),
    "twice.csv.gz": (gzip.compress(gzip.compress(CSV.encode())), "unpacks to"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files_are_refused_in_one_sentence(name: str, write: Write) -> None:
    content, words = REFUSED[name]
    started = time.monotonic()
    with pytest.raises(StudioError, match=words) as caught:
        read_file(write(name, content), name)
    assert time.monotonic() - started < 5
    assert name in str(caught.value) and len(str(caught.value)) < 300


def test_memory_is_limited_in_the_reader(write: Write) -> None:
    # Lists are not kept as dictionaries: these would be two gigabytes.
    text = pa.array(["x" * 1_000_000])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), text)
    lists = pa.ListArray.from_arrays(pa.array([0, 1_000, 2_000], pa.int32()), column)
    data = as_parquet(pa.table({"set": lists}), compression="zstd")
    with pytest.raises(StudioError, match="memory|could not be read|Parquet"):
        read_file(write("a.parquet", data), "a.parquet")


def test_reading_that_takes_too_long_is_ended(write: Write, limits: Callable[..., None]) -> None:
    limits(READ_SECONDS=0)
    with pytest.raises(StudioError, match="Use fewer rows"):
        read_file(write("a.csv", CSV), "a.csv")


def test_all_rounds_of_reading_share_one_time_limit(
    write: Write, limits: Callable[..., None], tmp_path: Path
) -> None:
    limits(READ_SECONDS=2, ROWS=1_000_000)
    path = write("a.jsonl", f"{LINES}\n" * 10_000)
    size = path.stat().st_size
    part = Part(path, "a.jsonl", size=2 * size, has=((0, size),))
    rounds: list[object] = []

    def fetch(missing: object) -> list[Part]:
        """Get nothing of what is missing, and cost nothing."""
        rounds.append(missing)
        return [part]

    with pytest.raises(StudioError, match="took over 2 s"):
        read_parts([part], tmp_path / "out", fetch=fetch)
    assert len(rounds) < 90
