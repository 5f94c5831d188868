"""The rows to measure on, in the terms of evaluators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.data.examples import Examples
from ststudio.training.interval import Ints


@dataclass(frozen=True)
class Part:
    """The rows to measure on, as evaluators need them."""

    rows: pa.Table
    corpus: pa.Table
    queries: pa.Table
    relevant: pa.Table

    @classmethod
    def of_test(cls, examples: Examples) -> "Part":
        """Take the test rows with the run's own corpus."""
        return cls(examples.test, examples.corpus, examples.queries, examples.relevant)

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
