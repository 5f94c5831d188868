"""The corpus of nasty files: each is read through the real reader and told for what it is."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.tables import Table
from ststudio.data.uploads import accept_upload, open_upload
from ststudio.errors import StudioError
from tests.data.nasty import Nasty, columns, delimited, jsons, parquets

pytestmark = pytest.mark.usefixtures("folder")

EVERY = [*delimited.FILES, *columns.FILES, *jsons.FILES, *parquets.FILES]
READ = [nasty for nasty in EVERY if not nasty.refused]
MOST_FIXES = 5  # in a row, to mend one file


def upload(nasty: Nasty, folder: Path) -> Table:
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
def test_a_nasty_file_is_read_as_an_expert_would(nasty: Nasty, tmp_path: Path) -> None:
    table = upload(nasty, tmp_path)
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
    nasty: Nasty, tmp_path: Path
) -> None:
    with pytest.raises(StudioError) as caught:
        upload(nasty, tmp_path)
    assert re.search(nasty.refused, str(caught.value))
    assert nasty.name in str(caught.value) and len(str(caught.value)) < 300
