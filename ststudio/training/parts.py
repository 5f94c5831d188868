"""The rows to measure on, in the terms of evaluators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.data.examples import Examples
from ststudio.training.interval import Ints

CLASS_TEXTS = 400  # embedded beside what a run searches: seconds for two models


@dataclass(frozen=True)
class Part:
    """The rows to measure on, as evaluators need them."""

    rows: pa.Table
    corpus: pa.Table
    queries: pa.Table
    relevant: pa.Table

    @classmethod
    def of_test(cls, examples: Examples) -> "Part":
        """Take the test rows with the run's own corpus.

        Where that answers no test row, and rows have classes, training texts are the corpus.
        """
        part = cls(examples.test, examples.corpus, examples.queries, examples.relevant)
        if not part.classified or part.retrieval()[0]:
            return part
        return cls(examples.test, *_class_corpus(examples))

    @classmethod
    def of_pairs(cls, rows: pa.Table) -> "Part":
        """Form a corpus from the rows themselves: what they call positive is relevant."""
        first, second = (
            rows.column(index).to_pylist() for index in (0, min(1, rows.num_columns - 1))
        )
        doc = {text: f"d{number}" for number, text in enumerate(dict.fromkeys(second))}
        query = {text: f"q{number}" for number, text in enumerate(dict.fromkeys(first))}
        pairs = dict.fromkeys((query[a], doc[b]) for a, b in zip(first, second, strict=True))
        return cls(
            rows,
            pa.table({"id": list(doc.values()), "text": list(doc)}),
            pa.table({"id": list(query.values()), "text": list(query)}),
            pa.table({"query": [q for q, _ in pairs], "doc": [d for _, d in pairs]}),
        )

    @property
    def classified(self) -> bool:
        """Tell whether the rows are texts with a class."""
        return self.rows.column_names == ["text", "label"]

    def texts(self, column: int) -> list[str]:
        """Return one input column's texts."""
        return list(self.rows.column(column).to_pylist())

    def labels(self) -> list[Any]:
        """Return the label column, which stands last."""
        return list(self.rows.column(self.rows.num_columns - 1).to_pylist())

    def units(self) -> Ints:
        """Give each row the number of its unit, counted from 0: that of its first text."""
        numbers = np.unique(np.asarray(self.texts(0), dtype=object), return_inverse=True)[1]
        return numbers.astype(np.int64)

    def retrieval(self) -> tuple[dict[str, str], dict[str, str], dict[str, set[str]]]:
        """Return queries, corpus and relevant documents by id, for the anchors of the rows."""
        anchors = set(self.texts(0))
        queries = {
            row["id"]: row["text"] for row in self.queries.to_pylist() if row["text"] in anchors
        }
        corpus = {row["id"]: row["text"] for row in self.corpus.to_pylist()}
        relevant: dict[str, set[str]] = {}
        for row in self.relevant.to_pylist():
            if row["query"] in queries and row["doc"] in corpus:
                relevant.setdefault(row["query"], set()).add(row["doc"])
        return {key: text for key, text in queries.items() if key in relevant}, corpus, relevant


def _class_corpus(examples: Examples) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Make a corpus of some training texts: relevant to a test text are those of its class."""
    chosen = np.random.default_rng(0).permutation(examples.train.num_rows)[:CLASS_TEXTS]
    taught, asked = examples.train.take(chosen).to_pylist(), examples.test.to_pylist()
    answers: dict[int, list[str]] = {}
    for number, row in enumerate(taught):
        answers.setdefault(row["label"], []).append(f"d{number}")
    pairs = [
        (f"q{number}", doc)
        for number, row in enumerate(asked)
        for doc in answers.get(row["label"], ())
    ]
    return (
        _table([(f"d{number}", row["text"]) for number, row in enumerate(taught)], "id", "text"),
        _table([(f"q{number}", row["text"]) for number, row in enumerate(asked)], "id", "text"),
        _table(pairs, "query", "doc"),
    )


def _table(rows: list[tuple[str, str]], *names: str) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})
