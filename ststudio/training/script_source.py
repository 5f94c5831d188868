"""The rows of a train.py from where they were published, if that can be told in a few lines.

Each line is tried here first, on the rows as they were read: only what gives the very rows of the
run is written. Everything else lies in files beside the script.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from ststudio.data import retold
from ststudio.data.cases import CASES
from ststudio.data.corpus import CORPUS_TEXTS
from ststudio.data.doctor import diagnose
from ststudio.data.examples import PARTS
from ststudio.data.findings import Diagnosis, Fix
from ststudio.data.hub_tables import kept_table
from ststudio.data.reshape import FIXES, parse_fixes
from ststudio.data.splits import DEV_UNITS, TEST_UNITS
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from ststudio.settings import get_settings
from ststudio.training import script_measures
from ststudio.training.export import Export
from ststudio.training.parts import Part
from ststudio.training.telling import Telling

OWN = (("test", "test", TEST_UNITS), ("validation", "dev", DEV_UNITS))  # split, part, most units
CLASSES_NAMED = 12  # more would fill a page
IN_LISTS = ("expand_lists", "sample_lists")  # they change rows while these are read


def told(export: Export) -> Telling | None:
    """Return how rows of the Hub become those of the run, None where files must hold them."""
    source, fixes = export.recipe.source, parse_fixes(export.recipe.fixes)
    if source.get("kind") != "hub" or source.get("qrels") or not all(map(_is_told, fixes)):
        return None
    table = kept_table(source)
    if table is None or table.assumed or table.delimited or export.run.taught_file.exists():
        return None
    try:
        read = _read(export, table, fixes)
    except StudioError:
        return None
    telling = _started(table, read)
    if telling is None:
        return None
    for fix in fixes:
        if step := FIXES[fix.code].retold:
            telling.apply(step, **fix.args)
    return telling if _are_the_runs(telling, export) else None


def _is_told(fix: Fix) -> bool:
    kind = FIXES[fix.code]
    if kind.stage in ("wish", "recipe"):
        return fix.code not in IN_LISTS
    return kind.retold is not None or fix.code == "drop_columns"


def _read(export: Export, table: Table, fixes: Sequence[Fix]) -> Diagnosis:
    """Read the table as the run did before it mended any row."""
    before = [fix for fix in fixes if FIXES[fix.code].stage != "rows"]
    if len(before) < len(fixes):
        return diagnose(table, before)
    return diagnose(table, before, export.recipe.case, export.recipe.columns, export.recipe.label)


def _started(table: Table, read: Diagnosis) -> Telling | None:
    """Take columns and labels as the script will; None where that takes more than names."""
    if read.case is None or read.prepared is None:
        return None
    columns = {read.columns[role]: role for role in CASES[read.case].columns}
    if read.label:
        columns[read.label.column] = {"class": "label"}.get(read.label.kind, "score")
    schema = table.splits["train"].schema
    roles = len(read.columns) + bool(read.label)
    if len(columns) < roles or not all(name in schema.names for name in columns):
        return None  # a column in two roles, or a place in a list
    if not all(pa.types.is_string(schema.field(read.columns[r]).type) for r in read.columns):
        return None
    frames = {
        split: rows.select(list(columns)).to_pandas().rename(columns=columns)
        for split, rows in table.splits.items()
    }
    telling = Telling(frames, columns)
    if read.label and read.label.kind == "class" and not _numbered(telling, read):
        return None
    telling.apply(retold.complete)
    return telling


def _numbered(telling: Telling, read: Diagnosis) -> bool:
    """Read the classes as the run did; tell whether that can be written."""
    assert read.prepared is not None
    numbers: dict[Any, int] = {}
    for split, rows in read.prepared.splits.items():
        raw = telling.frames[split]["label"].to_numpy()[rows["row"].to_numpy() - 1]
        numbers.update(zip(raw.tolist(), rows["label"].to_pylist(), strict=True))
    found = pd.concat([frame["label"] for frame in telling.frames.values()]).dropna().unique()
    if all(numbers.get(value) == value for value in found.tolist()):
        return True
    if all(isinstance(value, str) for value in found) and numbers == {
        name: number for number, name in enumerate(sorted(found))
    }:
        telling.apply(retold.sorted_classes)
        return True
    if len(numbers) > CLASSES_NAMED or not all(type(key) in (str, int) for key in numbers):
        return False
    telling.apply(retold.classes, numbers=numbers)
    return True


def _are_the_runs(telling: Telling, export: Export) -> bool:
    """Part the rows as the script will, and tell whether the run had the very same."""
    recipe = export.recipe
    places = telling.part(OWN, recipe.seed)
    if script_measures.searches(export):
        most = min(CORPUS_TEXTS, get_settings().corpus_texts)
        searched = Part.of_test(export.examples).retrieval()
        if not telling.search(places, recipe.seed, most, searched):
            return False
    if recipe.max_train_rows and len(places["train"][1]) > recipe.max_train_rows:
        telling.limit(places, recipe.seed, recipe.max_train_rows)
    if telling.classified:
        retold.drop_lonely(telling.frames, places)
        telling.note("drop_lonely(frames, places)\n", retold.drop_lonely)
    return all(
        telling.frames[split].iloc[taken].to_dict("records")
        == getattr(export.examples, part).to_pylist()
        for part, (split, taken) in places.items()
        if part in PARTS
    )
