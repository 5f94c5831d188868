"""Pairs that belong together and pairs that do not are what each case's rows say."""

import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.training.pairings import ALIKE, PAIRINGS, UNLIKE, closest_wrong
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of
from tests.training.tiny import tiny_model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Remembered, Remembered]:
    """Return two models that find different texts close."""
    folder = tmp_path_factory.mktemp("tiny")
    return (
        Remembered(tiny_model(folder / "a")),
        Remembered(tiny_model(folder / "b", kind="mpnet")),
    )


Models = tuple[Remembered, Remembered]


def test_every_evaluator_of_a_case_has_its_pairs() -> None:
    assert set(PAIRINGS) == {case.evaluator for case in CASES.values()}


def test_a_triplet_is_one_pair_of_each_kind(models: Models) -> None:
    examples = examples_of("triplet")
    pairs = PAIRINGS["TripletEvaluator"].pairs(examples.test, examples, models)
    row = examples.test.to_pylist()[0]
    assert len(pairs) == 2 * examples.test.num_rows
    assert (row["anchor"], row["positive"], True) in pairs
    assert (row["anchor"], row["negative"], False) in pairs


def test_what_is_scored_between_is_neither(models: Models) -> None:
    rows = pa.table(
        {"sentence1": list("abcde"), "sentence2": list("vwxyz"), "score": [1, ALIKE, 0.7, 0.5, 0.4]}
    )
    pairs = PAIRINGS["EmbeddingSimilarityEvaluator"].pairs(rows, examples_of("pair-score"), models)
    assert pairs == [("a", "v", True), ("b", "w", True), ("e", "z", False)]
    assert UNLIKE == 0.5


def test_of_nli_only_entailment_belongs_together(models: Models) -> None:
    rows = pa.table({"premise": list("abc"), "hypothesis": list("xyz"), "label": [0, 1, 2]})
    pairs = PAIRINGS["EmbeddingSimilarityEvaluator"].pairs(rows, examples_of("pair-score"), models)
    assert pairs == [("a", "x", True), ("c", "z", False)]


def test_labels_say_it_themselves(models: Models) -> None:
    rows = pa.table({"sentence1": list("ab"), "sentence2": list("xy"), "label": [0, 1]})
    pairs = PAIRINGS["BinaryClassificationEvaluator"].pairs(rows, examples_of("pair"), models)
    assert pairs == [("a", "x", False), ("b", "y", True)]


def test_each_text_of_a_class_meets_one_of_its_own_and_one_of_another(models: Models) -> None:
    examples = examples_of("text-class")
    pairs = PAIRINGS["NearestNeighbourEvaluator"].pairs(examples.test, examples, models)
    columns = (column.to_pylist() for column in examples.test.columns)
    label = dict(zip(*columns, strict=True))
    assert len(pairs) == 2 * examples.test.num_rows
    assert all((label[a] == label[b]) == together and a != b for a, b, together in pairs)
    assert pairs == PAIRINGS["NearestNeighbourEvaluator"].pairs(examples.test, examples, models)


def test_an_anchor_meets_what_either_model_finds_closest_and_never_an_answer(
    models: Models,
) -> None:
    examples = examples_of("pair")
    pairing = PAIRINGS["InformationRetrievalEvaluator"]
    pairs = pairing.pairs(examples.test, examples, models)
    apart = {(a, b) for a, b, together in pairs if not together}
    together = {(a, b) for a, b, together in pairs if together}
    assert not apart & together
    anchors = {a for a, _ in together}
    assert len(apart) > len(anchors) == len({a for a, _ in apart})  # they disagree on some
    other = pairing.pairs(examples.test, examples, models[::-1])
    assert set(other) == set(pairs)  # so that neither model is flattered
    dev = pairing.pairs(examples.dev, examples, models)
    answers = {a: b for a, b, together in dev if together}
    assert all(answers[a] != b for a, b, together in dev if not together)


def test_the_closest_is_found_within_the_corpus_but_for_the_answers(models: Models) -> None:
    corpus = ["my lamp is gone", "a lamp of mine got lost", "rain in the north"]
    answers = {"my lamp is gone": {"a lamp of mine got lost"}}
    assert closest_wrong(models[0], answers, corpus) == {"my lamp is gone": "rain in the north"}
    assert closest_wrong(models[0], answers, corpus[:2]) == {}
