"""Whatever bytes come in: a table within the limits or one sentence, soon, and nothing else."""

import time
from collections.abc import Iterator
from dataclasses import asdict

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ststudio.data.doctor import diagnose
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from ststudio.settings import get_settings
from tests.data.nasty import columns, delimited, jsons, parquets
from tests.data.reading import Reader, kept_reader

SECONDS = 2  # of computing: a busy machine is not the reader's fault
FILES = [*delimited.FILES, *columns.FILES, *jsons.FILES, *parquets.FILES]
SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".csv.gz")
SPECIAL = "abc ,;|\t\n\r\"'\\{}[]:#%-=0123.5é\u3042\x00\ufeff"
STARTS = (b"", b"PAR1", b"\x1f\x8b", b"{", b"[", b"\xff\xfe", b"text,label\n", b'{"a": "b"}\n')


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with kept_reader(tmp_path_factory.mktemp("hostile")) as kept:
        yield kept


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw a nasty file that is damaged in one to four places, and may have another's name."""
    nasty = draw(st.sampled_from(FILES))
    data = bytearray(nasty.data[:20_000])
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        end = start + draw(st.integers(0, 300))
        new = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=20),
                st.text(SPECIAL, max_size=20).map(lambda text: text.encode()),
                st.just(bytes(data[start:end]) * 3),
            )
        )
        data[start : draw(st.sampled_from([start, end]))] = new
    return bytes(data), draw(st.sampled_from([nasty.name, *SUFFIXES]))


MADE = st.tuples(
    st.tuples(
        st.sampled_from(STARTS),
        st.one_of(
            st.binary(max_size=400),
            st.text(SPECIAL, max_size=400).map(lambda text: text.encode()),
        ),
    ).map(b"".join),
    st.sampled_from(SUFFIXES),
)
ANY_FILE = st.one_of(MADE, mutated())


def examine(reader: Reader, data: bytes, name: str) -> None:
    """Read and diagnose one file, as the app does with an upload."""
    started = reader.worked()
    try:
        table = reader.read(data, name)
    except StudioError as error:
        assert str(error).strip().endswith((".", ")")) and len(str(error)) < 500
        return
    finally:
        assert reader.worked() - started < SECONDS
    check_limits(table)
    started = time.process_time()
    try:
        found = diagnose(table)
    except StudioError:
        return
    assert time.process_time() - started < SECONDS
    assert found.rows["kept"] + found.rows["left_out"] == found.rows["read"]
    for finding in found.findings:
        if finding.fix:
            try:
                diagnose(table, [asdict(finding.fix)])
            except StudioError as error:
                assert str(error)


def check_limits(table: Table) -> None:
    limits = get_settings()
    assert table.rows <= limits.rows
    for split in table.splits.values():
        assert split.num_columns <= limits.columns
        for column in split.columns:
            if pa.types.is_string(column.type):
                assert max((len(cell or "") for cell in column.to_pylist()), default=0) <= (
                    limits.cell_characters
                )


HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=100, deadline=None, suppress_health_check=HEALTH)
@given(file=ANY_FILE)
def test_any_file_gives_a_table_or_one_sentence(reader: Reader, file: tuple[bytes, str]) -> None:
    examine(reader, *file)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=2_000, deadline=None, suppress_health_check=HEALTH)
@given(file=ANY_FILE)
def test_two_thousand_files_give_tables_or_sentences(
    reader: Reader, file: tuple[bytes, str]
) -> None:
    examine(reader, *file)


MEGABYTE = 1 << 20
LONG = {
    "dashes.csv": b"a|b\n" + b"-" * MEGABYTE + b"x\n",
    "blanks.txt": b"a ||| b\n" + b" " * MEGABYTE + b"|||\n",
    "quotes.csv": b"a,b\n" + b",'" * (MEGABYTE // 2) + b"\n",
    "doubled-quotes.csv": b'a,b\n"' + b'""' * (MEGABYTE // 2) + b"\n",
    "open-quotes.csv": b'a,b\n"x\n' * (MEGABYTE // 8),
    "digits.csv": b"n\n" + b"1" * MEGABYTE + b"x\n",
    "backslashes.csv": b"a,b\n" + b'\\"  ' * (MEGABYTE // 4) + b"\n",
    "columns.csv": b",".join([b"some words here"] * 60_000) + b"\n",
    "brackets.csv": b"a,b\n" + b'"[' * 1_000 + b"\n",
    "cells-of-brackets.csv": b"a,b\n" + (b"[" * 1_900 + b"]" * 1_900 + b",x\n") * 200,
    "empty-lines.csv": b"\n" * MEGABYTE,
    "one-letter-lines.txt": b"a\n" * (MEGABYTE // 2),
    "comments.csv": b"# no\n" * (MEGABYTE // 5),
    "many-splits.json": b'{"a": ' * 900 + b"{}" + b"}" * 900,
}


@pytest.mark.parametrize("name", LONG)
def test_a_line_that_is_long_on_purpose_takes_no_longer(name: str, reader: Reader) -> None:
    started, before = reader.worked(), time.process_time()
    try:
        diagnose(reader.read(LONG[name], name))
    except StudioError:
        pass
    assert reader.worked() - started < 2 * SECONDS  # for a megabyte
    assert time.process_time() - before < SECONDS
