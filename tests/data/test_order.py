"""Order: swapped texts are told where texts can tell, and right ones never accused."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.data.catalog import CATALOG
from ststudio.data.doctor import diagnose
from ststudio.data.sources import open_source
from ststudio.data.tables import Table
from tests.data.made import REAL, REAL_SETS, Writer, make
from tests.data.seen import codes, find

Row = Callable[[int, Writer], tuple[str, str]]

SWAPPED: dict[str, tuple[Row, str]] = {
    "questions end with a mark": (lambda i, w: (w.say(20), w.ask()), "warning"),
    "questions without a mark": (lambda i, w: (w.say(20), "how does " + w.say(5)), "warning"),
    "a third are questions": (
        lambda i, w: (w.say(12), w.say(9) if i % 3 else w.ask(9)),
        "warning",
    ),
    "answers return": (lambda i, w: (f"{'A long one ' * 9}{i % 9}.", w.say(6)), "warning"),
    "answers are far longer": (lambda i, w: (w.say(60), w.say(6)), "info"),
}


def positions(row: Row) -> Table:
    """Make columns whose names say nothing."""
    return make(lambda i, w: dict(zip(("column_1", "column_2"), row(i, w), strict=True)), rows=200)


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_texts_are_said_and_swapped_back(name: str) -> None:
    row, level = SWAPPED[name]
    rows = positions(row)
    given = {"anchor": "column_1", "positive": "column_2"}
    found = diagnose(rows)
    if found.columns != given:  # the guess saw it at once
        found = diagnose(named(rows))
    finding = find(found, "swapped")
    assert (finding.level, finding.fix and finding.fix.code) == (level, "swap")
    mended = diagnose(named(rows), [asdict(finding.fix)])  # type: ignore[arg-type]
    assert "swapped" not in codes(mended)
    assert "swapped" not in codes(diagnose(named(rows, turned=True)))


def named(rows: Table, turned: bool = False) -> Table:
    """Name the columns as if they were in order, or were when turned round."""
    names = ["positive", "anchor"] if turned else ["anchor", "positive"]
    return Table({"train": rows.splits["train"].rename_columns(names)}, {}, rows.read)


def reversed_by_position(rows: Table) -> Table:
    """Return what a case's first two texts are, second first, in columns without names."""
    found = diagnose(rows).prepared
    assert found is not None
    one, two, *_ = CASES[found.case].columns
    splits = {
        name: pa.table({"column_1": split[two], "column_2": split[one]})
        for name, split in found.splits.items()
    }
    return Table(splits, {}, found.kept)


@pytest.mark.parametrize(
    "entry",
    [e for e in CATALOG if e.origin == "builtin" and e.case != "text-class"],
    ids=lambda e: e.id,
)
def test_the_sample_is_told_from_its_reverse(entry: Any) -> None:
    rows = open_source(entry.source)
    assert "swapped" not in codes(diagnose(rows))
    assert "swapped" in codes(diagnose(reversed_by_position(rows)))


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
@pytest.mark.parametrize("name", REAL_SETS)
def test_real_sets_as_they_are_raise_no_false_alarm(name: str) -> None:
    assert "swapped" not in codes(diagnose(REAL_SETS[name]()))


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
def test_real_sets_reversed_are_told_where_texts_can_tell() -> None:
    assert "swapped" in codes(diagnose(reversed_by_position(REAL_SETS["scifact"]())))
    snli = REAL_SETS["snli"]()
    turned = {
        name: split.rename_columns({"premise": "hypothesis", "hypothesis": "premise"})
        for name, split in snli.splits.items()
    }
    found = diagnose(Table(turned, snli.class_names, snli.read))
    assert find(found, "swapped").fix is not None
