"""General English pairs, to see what a model forgets: of the STS benchmark, or hand-written."""

import csv
from collections.abc import Set
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PACKAGED = Path(__file__).parent / "builtin" / "general.csv"
HAND_WRITTEN = "hand-written"
STSB = "sentence-transformers/stsb"
FEWEST_PAIRS = 100  # with fewer no verdict could be given
MOST_KNOWN = 0.1  # of the benchmark's pairs; captions and headlines do turn up elsewhere


@dataclass(frozen=True)
class General:
    """Pairs of sentences about anything, each with its similarity from 0 to 1."""

    source: str  # HAND_WRITTEN, or a dataset's id on the Hub
    rows: pa.Table  # sentence1, sentence2, score; shuffled, so that any first few will do

    def texts(self) -> tuple[list[str], list[str]]:
        """Return the first and the second sentences."""
        return self.rows["sentence1"].to_pylist(), self.rows["sentence2"].to_pylist()

    def without(self, known: Set[str]) -> "General":
        """Leave out each pair with a sentence among the known ones."""
        kept = [known.isdisjoint(pair) for pair in zip(*self.texts(), strict=True)]
        return replace(self, rows=self.rows.filter(pa.array(kept, pa.bool_())))

    def first(self, pairs: int) -> "General":
        """Keep so many pairs."""
        return replace(self, rows=self.rows.slice(0, pairs))


@cache
def hand_written() -> General:
    """Return the pairs that ship with the app, written and scored for it."""
    with PACKAGED.open(encoding="utf-8", newline="") as file:
        rows = [{**row, "score": float(row["score"])} for row in csv.DictReader(file)]
    return General(HAND_WRITTEN, shuffled(pa.Table.from_pylist(rows)))


def shuffled(rows: pa.Table) -> pa.Table:
    """Put rows in a random order, the same one every time."""
    return rows.take(np.random.default_rng(0).permutation(rows.num_rows))


def general_pairs(file: Path, known: Set[str]) -> General:
    """Return pairs that share no sentence with a run, whose own texts are `known`.

    They are the benchmark's where `file` has them, and the hand-written ones otherwise or where
    the run knows so many of the benchmark's that its data is of that kind: it would not be general.
    """
    if file.exists():
        every = General(STSB, pq.read_table(file))
        found = every.without(known)
        if found.rows.num_rows >= (1 - MOST_KNOWN) * every.rows.num_rows:
            return found
    return hand_written().without(known)
