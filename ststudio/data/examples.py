"""Examples: what a run learns from, is watched by, is measured on and searches."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.data.cases import CASES
from ststudio.data.corpus import build_search
from ststudio.data.findings import Diagnosis, count
from ststudio.data.reshape import fix_corpus
from ststudio.data.rows import Rows
from ststudio.data.splits import (
    DEV_UNITS,
    NEIGHBOURS,
    TEST_UNITS,
    TRAIN_UNITS,
    Parts,
    part,
    unit_numbers,
)
from ststudio.data.tables import Table
from ststudio.errors import StudioError

PARTS = ("train", "dev", "test")
TABLES = (*PARTS, "corpus", "queries", "relevant")


@dataclass(frozen=True)
class Examples:
    """Three parts that share no text, and the corpus that searches look through.

    The parts hold the case's columns in order, then score (0 to 1) or label (int). The corpus has
    what answers a query at its head, so that it may be cut anywhere behind that.
    """

    case: str
    train: pa.Table
    dev: pa.Table
    test: pa.Table
    corpus: pa.Table  # id, text, group (class, or "")
    queries: pa.Table  # id, text
    relevant: pa.Table  # query, doc (ids)
    dropped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()  # by label

    def save(self, folder: Path) -> None:
        """Write one Parquet file a table, and what was dropped."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            pq.write_table(getattr(self, name), folder / f"{name}.parquet", compression="zstd")
        facts = ("case", "dropped", "notes", "class_names")
        about = {name: getattr(self, name) for name in facts}
        (folder / "examples.json").write_text(json.dumps(about), encoding="utf-8")

    def pack(self, file: Path) -> None:
        """Write train, dev and test into one ZIP file, each as Parquet."""
        with zipfile.ZipFile(file, "w") as pack:
            for name in PARTS:
                with pack.open(f"{name}.parquet", "w") as part:
                    pq.write_table(getattr(self, name), part, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> "Examples":
        """Read what save() wrote."""
        about = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
        tables = {name: pq.read_table(folder / f"{name}.parquet") for name in TABLES}
        listed = {name: tuple(about.get(name, ())) for name in ("notes", "class_names")}
        return cls(about["case"], **tables, dropped=about["dropped"], **listed)


def make_examples(
    table: Table, diagnosis: Diagnosis, seed: int, max_train_rows: int | None
) -> Examples:
    """Make the three parts and the corpus; StudioError where a finding blocks or rows lack."""
    rows = diagnosis.prepared
    if diagnosis.errors or rows is None:
        raise StudioError(diagnosis.errors[0].message if diagnosis.errors else "Nothing was read.")
    parts = part(rows, seed)
    train, dropped = _limited(rows, parts, seed, max_train_rows)
    tables = {name: _plain(rows, *place) for name, place in parts.places.items()}
    _check(rows, parts, train)
    # From all training rows: a search means the same whatever max_train_rows says.
    retrieval = fix_corpus(table.retrieval, diagnosis.fixes)
    search = build_search(rows, tables, retrieval, seed)
    tables["train"] = _plain(rows, "train", train)
    return Examples(
        rows.case,
        tables["train"],
        tables["dev"],
        tables["test"],
        search.corpus,
        search.queries,
        search.relevant,
        dropped,
        (*_notes(rows, parts, len(train), dropped), *search.notes),
        rows.class_names,
    )


def _plain(rows: Rows, split: str, places: np.ndarray) -> pa.Table:
    """Take rows without unit and number: the trainer would learn from those columns, too."""
    label = [rows.label_name] if rows.label_name else []
    return rows.splits[split].select([*CASES[rows.case].columns, *label]).take(places)


def _limited(
    rows: Rows, parts: Parts, seed: int, max_train_rows: int | None
) -> tuple[np.ndarray, dict[str, int]]:
    """Cut the training rows to a limit at random, and drop the classes that this leaves alone.

    Dev and test do not depend on the limit: runs of different length stay comparable.
    """
    _, train = parts.places["train"]
    dropped = dict(parts.dropped)
    if max_train_rows is not None and len(train) > max_train_rows:
        rng = np.random.default_rng([seed, 1])
        dropped["train_limit"] = len(train) - max_train_rows
        train = np.sort(rng.permutation(train)[:max_train_rows])
    labels = rows.labels("train")
    if CASES[rows.case].columns == ("text",) and labels is not None and len(train):
        kept = np.bincount(labels[train])[labels[train]] >= NEIGHBOURS
        if not kept.all():
            dropped["rare_class"] = dropped.get("rare_class", 0) + int((~kept).sum())
        train = train[kept]
    return train, dropped


def _check(rows: Rows, parts: Parts, train: np.ndarray) -> None:
    units = len(np.unique(unit_numbers(rows, "train")[train]))
    if units < TRAIN_UNITS or not len(parts.places["test"][1]):
        raise StudioError(
            f"Only {count(units, 'different training text')} and "
            f"{count(len(parts.places['test'][1]), 'test row')} are left. At least {TRAIN_UNITS} "
            "training texts and some test rows are needed: add rows, or raise max_train_rows."
        )


def _notes(rows: Rows, parts: Parts, train: int, dropped: dict[str, int]) -> tuple[str, ...]:
    notes = []
    if parts.cut:
        notes.append(f"{' and '.join(parts.cut)} cut from train by {CASES[rows.case].unit}")
    if "over_limit" in dropped:
        notes.append(f"dev cut to {DEV_UNITS} and test to {TEST_UNITS} units")
    if "train_limit" in dropped:
        notes.append(f"{train:,} of {train + dropped['train_limit']:,} training rows used")
    if "leak" in dropped:
        notes.append(f"{count(dropped['leak'], 'row')} dropped that would leak into the test")
    if "rare_class" in dropped:
        notes.append(f"{count(dropped['rare_class'], 'row')} of too rare classes dropped")
    return tuple(notes)
