"""The sample deserves its name: its size, its variety, and nothing shared between its parts."""

import re

import pytest

from ststudio.data.builtin import BUILDERS, builtin_table, enrich, queries, topics
from ststudio.data.doctor import diagnose
from ststudio.data.examples import make_examples
from ststudio.errors import StudioError

WORDS = 6  # in a row that two texts may not share


@pytest.mark.parametrize("sample", BUILDERS)
def test_a_record_is_large_enough(sample: str) -> None:
    table = builtin_table(sample)
    sizes = {name: split.num_rows for name, split in table.splits.items()}
    assert sizes["train"] >= 350 and sizes["validation"] >= 50 and sizes["test"] >= 150
    assert all(len(split.column(0).unique()) >= 128 for split in table.splits.values())
    assert len(table.splits["test"].column(0).unique()) >= 150


def test_there_are_topics_enough_and_each_has_a_twin() -> None:
    found = topics()
    assert len(found) >= 60
    assert all(found[topic.near].near == key for key, topic in found.items())
    assert all(0.2 <= topic.closeness <= 0.5 for topic in found.values())


def test_no_text_is_written_twice() -> None:
    texts = [t for topic in topics().values() for t in topic.tickets + topic.replies]
    assert len(texts) == len({" ".join(text.lower().split()) for text in texts}) == 64 * 24


@pytest.mark.parametrize("sample", BUILDERS)
def test_no_test_wording_is_trained_on(sample: str) -> None:
    table = builtin_table(sample)
    runs: dict[str, set[tuple[str, ...]]] = {}
    for name, split in table.splits.items():
        texts = {t for column in split.columns for t in column.to_pylist() if isinstance(t, str)}
        runs[name] = {
            tuple(words[at : at + WORDS])
            for text in texts
            for words in [re.findall(r"\w+", text.lower())]
            for at in range(len(words) - WORDS + 1)
        }
    shared = runs["train"] & (runs["validation"] | runs["test"])
    assert len(shared) <= 5, shared


def test_forty_queries_name_articles_that_exist() -> None:
    assert len(queries()) >= 40
    for query in queries():
        for article in query["relevant"]:
            topic, number = article.split("/")
            assert int(number) < len(topics()[topic].articles)


@pytest.mark.parametrize("sample", BUILDERS)
def test_every_query_and_every_test_ticket_has_something_relevant(sample: str) -> None:
    table = builtin_table(sample)
    examples = enrich(make_examples(table, diagnose(table), 42, None))
    docs = set(examples.corpus.column("id").to_pylist())
    relevant = set(examples.relevant.column("doc").to_pylist())
    assert relevant <= docs
    asked = set(examples.queries.column("id").to_pylist())
    assert asked == set(examples.relevant.column("query").to_pylist())
    assert examples.dropped == {}


def test_an_unknown_sample_is_refused_with_the_list() -> None:
    with pytest.raises(StudioError, match="sample-pair-score"):
        builtin_table("sample-nli")
