"""A classifier beside the nearest neighbour: the same texts, the test rows untouched by it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ststudio.data.examples import Examples
from ststudio.training.classifier import classify
from ststudio.training.parts import Part
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of


class Drawn(Remembered):
    """A model whose vectors are made of the texts' classes and of noise, larger in some places."""

    def __init__(self, signal: float) -> None:
        self.signal = signal
        self.embedded: set[str] = set()

    def encode_document(self, texts: Sequence[str], **_: Any) -> Any:
        """Embed "class-number"."""
        self.embedded |= set(texts)
        rows = []
        for text in texts:
            label, number = map(int, text.split("-"))
            noise = np.random.default_rng([label, number]).normal(size=96)
            noise[:4] = 0  # what the classes differ in is clear, but drowned by the rest
            noise[label] += self.signal
            rows.append(noise)
        return np.array(rows, dtype=np.float32)


def rows(first: int, many: int) -> pa.Table:
    texts = [f"{number % 4}-{number}" for number in range(first, first + many)]
    return pa.table({"text": texts, "label": [int(text[0]) for text in texts]})


@pytest.fixture
def classes() -> Examples:
    known = examples_of("text-class")
    train = rows(0, 400)
    texts = [*train["text"].to_pylist()[:300], *rows(900, 20)["text"].to_pylist()]
    answered = pa.table({"query": ["q"], "doc": ["d0"]})
    corpus = pa.table({"id": [f"d{n}" for n in range(320)], "text": texts, "group": [""] * 320})
    test = rows(1_000, 200)
    queries = pa.table({"id": ["q"], "text": test["text"].slice(0, 1)})
    return replace(known, train=train, test=test, corpus=corpus, queries=queries, relevant=answered)


def test_a_classifier_learns_from_the_training_texts_of_the_corpus(classes: Examples) -> None:
    base, tuned = Drawn(0.5), Drawn(2.5)
    found = classify(Part.of_test(classes), classes.train, base, tuned)
    assert found is not None
    assert (found["n"], found["texts"], found["of"]) == (200, 300, 400)
    asked = set(classes.test["text"].to_pylist())
    taught = set(classes.train["text"].to_pylist()[:300])
    assert base.embedded == tuned.embedded == asked | taught  # nothing of dev
    # Noise drowns what the classes differ in, but for a classifier, which learns to look there.
    assert found["accuracy"][1] > 0.9 > 0.8 > found["neighbour"][1]
    assert found["accuracy"][1] > found["accuracy"][0]
    low, high = found["interval"]
    assert 0 < low < found["accuracy"][1] - found["neighbour"][1] < high


def test_where_the_corpus_answers_no_test_row_it_is_made_of_training_texts(
    classes: Examples,
) -> None:
    knowledge = examples_of("text-class")  # whose corpus are articles and replies
    part = Part.of_test(knowledge)
    train = dict(zip(*(column.to_pylist() for column in knowledge.train.columns), strict=True))
    assert set(part.corpus["text"].to_pylist()) <= set(train)
    queries, corpus, relevant = part.retrieval()
    assert len(queries) == knowledge.test.num_rows
    asked = dict(zip(*(column.to_pylist() for column in knowledge.test.columns), strict=True))
    for key, docs in relevant.items():
        assert {train[corpus[doc]] for doc in docs} == {asked[queries[key]]}
    assert Part.of_test(classes).corpus is classes.corpus


def test_nothing_is_classified_without_classes_or_with_one(classes: Examples) -> None:
    model = Drawn(1.0)
    pairs = examples_of("pair")
    assert classify(Part.of_test(pairs), pairs.train, model, model) is None
    one = classes.train.filter(pa.compute.equal(classes.train["label"], 0))
    assert classify(Part.of_test(classes), one, model, model) is None
    assert model.embedded == set()
