"""The sample data that ships with the app: one help desk, four cases of data.

Every text was written by hand, for this project. A topic has twelve tickets, the reply to each,
two articles, and a twin: another topic that is easily confused with it. Tickets and replies 1 to
6 are trained on, 7 and 8 are dev, 9 to 12 are test; articles and queries serve search alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from ststudio.data.examples import Examples
from ststudio.data.tables import Table
from ststudio.errors import StudioError

FOLDER = Path(__file__).parent
PARTS = {"train": range(0, 6), "validation": range(6, 8), "test": range(8, 12)}
OWN_REPLY = 1.0
SAME_AREA = 0.15  # the same system, another problem
TWIN_EVERY = 5  # each fifth scored pair is of twins, and scored as alike as their writer judged


@dataclass(frozen=True)
class Topic:
    """One problem of the help desk, and all that was written about it."""

    topic: str
    area: str
    title: str
    near: str  # its twin
    closeness: float  # how alike the twins are, 0 to 1, judged by the writer
    articles: list[str]
    tickets: list[str]
    replies: list[str]


@cache
def topics() -> dict[str, Topic]:
    """Return all topics by key, in the order of their areas."""
    areas = sorted(path for path in FOLDER.glob("*.json") if not path.stem.startswith("queries"))
    found = [Topic(**topic) for path in areas for topic in json.loads(path.read_text("utf-8"))]
    return {topic.topic: topic for topic in found}


@cache
def queries() -> list[dict[str, Any]]:
    """Return the search queries, each with the articles that answer it."""
    return [
        query
        for path in sorted(FOLDER.glob("queries-*.json"))
        for query in json.loads(path.read_text("utf-8"))
    ]


def _pairs(part: range) -> Iterator[dict[str, Any]]:
    for topic in topics().values():
        for item in part:
            yield {"anchor": topic.tickets[item], "positive": topic.replies[item]}


def _triplets(part: range) -> Iterator[dict[str, Any]]:
    for topic in topics().values():
        twin = topics()[topic.near]
        for item in part:
            # The twins' texts of one number were written to share words: each other negative is
            # of that kind, the rest are confusable by their topic alone.
            wrong = item if item % 2 else part[(item - part.start + 1) % len(part)]
            yield {
                "anchor": topic.tickets[item],
                "positive": topic.replies[item],
                "negative": twin.replies[wrong],
            }


def _texts(part: range) -> Iterator[dict[str, Any]]:
    for topic in topics().values():
        for item in part:
            yield {"text": topic.replies[item], "label": topic.area}


def _scored(part: range) -> Iterator[dict[str, Any]]:
    """Pair each ticket with the reply it got, and with one to another problem, or to its twin."""
    every = list(topics().values())
    for number, topic in enumerate(every):
        for item in part:
            other = every[(number + 7 * (item + 1)) % len(every)]
            score = SAME_AREA if other.area == topic.area else 0.0
            if (number + item) % TWIN_EVERY == 0:
                other, score = topics()[topic.near], topic.closeness
            wrong = part[(item - part.start + 1) % len(part)]
            for reply, how in ((topic.replies[item], OWN_REPLY), (other.replies[wrong], score)):
                yield {"sentence1": topic.tickets[item], "sentence2": reply, "score": how}


BUILDERS = {
    "sample-pair-score": _scored,
    "sample-pair": _pairs,
    "sample-text-class": _texts,
    "sample-triplet": _triplets,
}


def builtin_table(sample: str) -> Table:
    """Return one record of the sample as a table; raise StudioError for an unknown id."""
    builder = BUILDERS.get(sample)
    if builder is None:
        raise StudioError(f"There is no sample {sample!r}. Allowed: {', '.join(BUILDERS)}.")
    splits = {name: pa.Table.from_pylist(list(builder(part))) for name, part in PARTS.items()}
    return Table(
        splits=splits,
        class_names={},
        read=sum(table.num_rows for table in splits.values()),
        left_out=(),
    )


def enrich(examples: Examples) -> Examples:
    """Give a run on the sample its knowledge base to search, and the queries that come with it.

    Relevant to a ticket is the reply it got, to a query the articles that its writer named.
    """
    docs, asked = [], []
    for key, topic in topics().items():
        for number, text in enumerate(topic.articles):
            docs.append({"id": f"{key}/{number}", "text": text, "group": topic.area})
        for item in PARTS["test"]:
            reply = f"{key}/reply-{item}"
            docs.append({"id": reply, "text": topic.replies[item], "group": topic.area})
            asked.append((topic.tickets[item], [reply]))
    asked += [(query["text"], query["relevant"]) for query in queries()]
    relevant = [(f"q{number}", doc) for number, (_, wanted) in enumerate(asked) for doc in wanted]
    return replace(
        examples,
        corpus=pa.Table.from_pylist(docs),
        queries=pa.table(
            {"id": [f"q{n}" for n in range(len(asked))], "text": [text for text, _ in asked]}
        ),
        relevant=pa.table({"query": [q for q, _ in relevant], "doc": [d for _, d in relevant]}),
    )


def knowledge_size() -> int:
    """Count the texts of the knowledge base that a run on the sample searches."""
    return sum(len(topic.articles) + len(PARTS["test"]) for topic in topics().values())
