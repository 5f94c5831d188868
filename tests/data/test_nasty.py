"""The corpus of nasty files: each is read by the real reader and told for what it is."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.examples import make_examples
from ststudio.data.tables import Table
from ststudio.data.uploads import accept_upload, open_upload
from ststudio.errors import StudioError
from tests.data.nasty import (
    Nasty,
    asides,
    beside,
    columns,
    delimited,
    exports,
    jsons,
    parquets,
    rivals,
)
from tests.data.reading import Reader, kept_reader

pytestmark = pytest.mark.usefixtures("folder")

EVERY = [
    *delimited.FILES,
    *columns.FILES,
    *jsons.FILES,
    *parquets.FILES,
    *exports.FILES,
    *rivals.FILES,
    *asides.FILES,
    *beside.FILES,
]
READ = [nasty for nasty in EVERY if not nasty.refused]
MOST_FIXES = 5  # in a row, to mend one file


UPLOADED = 12  # every twelfth file takes the whole way; the others share one reader process


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with kept_reader(tmp_path_factory.mktemp("nasty")) as kept:
        yield kept


def read(nasty: Nasty, reader: Reader, folder: Path) -> Table:
    taken = nasty.name.endswith((".csv", ".json", ".jsonl", ".txt", ".tsv", ".parquet", ".gz"))
    if nasty.data and taken and EVERY.index(nasty) % UPLOADED:
        return reader.read(nasty.data, nasty.name)
    path = folder / nasty.name
    path.write_bytes(nasty.data)
    return open_upload(accept_upload(path, folder))


def codes(found: Diagnosis, level: str = "") -> set[str]:
    return {finding.code for finding in found.findings if level in ("", finding.level)}


def mended(table: Table, found: Diagnosis) -> Diagnosis:
    """Apply the fixes of errors, one after the other, as a person would."""
    for _ in range(MOST_FIXES):
        fix = next((error.fix for error in found.errors if error.fix), None)
        if fix is None:
            break
        found = diagnose(table, [*map(asdict, found.fixes), asdict(fix)])
    return found


def test_the_corpus_is_large_and_every_name_is_one_file() -> None:
    assert len(EVERY) >= 70
    assert len({nasty.name for nasty in EVERY}) == len(EVERY)


@pytest.mark.parametrize("nasty", READ, ids=lambda nasty: nasty.name)
def test_a_nasty_file_is_read_as_an_expert_would(
    nasty: Nasty, reader: Reader, tmp_path: Path
) -> None:
    table = read(nasty, reader, tmp_path)
    found = diagnose(table)

    assert (found.case, found.columns if found.case else {}) == (nasty.case, nasty.columns)
    assert (found.label and found.label.column) == nasty.label
    assert (found.rows["read"], found.rows["kept"]) == (nasty.read, nasty.kept)
    assert found.rows["left_out"] == nasty.read - nasty.kept
    if nasty.lines is not None:
        assert tuple(found.rows["left_out_lines"]) == nasty.lines
    assert found.splits == (nasty.splits or {"train": nasty.kept})
    assert set(nasty.codes) <= codes(found)
    assert not set(nasty.never) & codes(found)
    assert codes(found, "error") == set(nasty.errors)
    assert codes(mended(table, found), "error") == set(nasty.stuck)
    if nasty.first:
        assert nasty.first.items() <= found.preview[0].items()
    assert all(finding.message.strip()[-1] in ".?" for finding in found.findings)


@pytest.mark.parametrize("nasty", [n for n in EVERY if n.refused], ids=lambda nasty: nasty.name)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(
    nasty: Nasty, reader: Reader, tmp_path: Path
) -> None:
    with pytest.raises(StudioError) as caught:
        read(nasty, reader, tmp_path)
    assert re.search(nasty.refused, str(caught.value))
    assert nasty.name in str(caught.value) and len(str(caught.value)) < 300


def test_a_retrieval_set_in_one_file_is_searched_in_its_own_corpus(tmp_path: Path) -> None:
    nasty = next(nasty for nasty in EVERY if nasty.name == "beir-with-splits.json")
    path = tmp_path / nasty.name
    path.write_bytes(nasty.data)
    table = open_upload(accept_upload(path, tmp_path))
    examples = make_examples(table, diagnose(table), seed=0, max_train_rows=None)
    assert examples.corpus.num_rows == 90
    assert set(examples.queries["text"].to_pylist()) == set(examples.test["anchor"].to_pylist())
