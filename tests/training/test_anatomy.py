"""The anatomy of similarity counts every pair once, and its thresholds are the library's."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.training.anatomy import LISTED, TEXT_CHARACTERS, anatomy, compared, overlap
from ststudio.training.racers import FEWEST_DEV_UNITS
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of
from tests.training.tiny import tiny_model

KINDS = ("still", "broken", "mended")
Models = tuple[Remembered, Remembered]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def models(model: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> Models:
    other = tiny_model(tmp_path_factory.mktemp("other"), kind="mpnet")
    return Remembered(model), Remembered(other)


@pytest.mark.parametrize("case", ["triplet", "pair", "pair-score", "text-class"])
def test_every_pair_is_counted_once_in_each_histogram(case: str, models: Models) -> None:
    found = anatomy(CASES[case], examples_of(case), models)
    for name in ("base", "tuned"):
        for kind in ("together", "apart"):
            assert sum(found[name][kind]) == found["pairs"][kind]
            assert len(found[name][kind]) == len(found["edges"]) - 1
    counts = {kind: found["mistakes"][kind]["count"] for kind in KINDS}
    pairs = sum(found["pairs"].values())
    wrong = {
        "base": counts["still"] + counts["mended"],
        "tuned": counts["still"] + counts["broken"],
    }
    for name, count in wrong.items():
        assert found[name]["accuracy"] == pytest.approx(1 - count / pairs)
    assert found["chosen_on"] == "dev"
    assert json.loads(json.dumps(found)) == found


def test_the_same_model_twice_has_the_same_histograms_and_mends_nothing(models: Models) -> None:
    base = models[0]
    found = anatomy(CASES["triplet"], examples_of("triplet"), (base, base))
    assert found["base"] == found["tuned"]
    assert found["mistakes"]["broken"] == found["mistakes"]["mended"] == {"count": 0, "pairs": []}
    assert found["mistakes"]["still"]["count"] > 0


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_threshold_is_the_librarys(part: str, model: SentenceTransformer, models: Models) -> None:
    examples = examples_of("triplet")
    if part == "test":  # as where dev is too small
        examples = replace(examples, dev=examples.dev.slice(0, FEWEST_DEV_UNITS - 1))
    found = anatomy(CASES["triplet"], examples, models)
    assert found["chosen_on"] == part
    pairs = compared(CASES["triplet"], getattr(examples, part), examples, models)
    library = BinaryClassificationEvaluator(
        pairs.left, pairs.right, pairs.together.astype(int), similarity_fn_names=["cosine"]
    )(model)
    threshold = found["base"]["threshold"]
    assert threshold == pytest.approx(library["cosine_accuracy_threshold"], abs=1e-6)
    if part == "test":
        assert found["base"]["accuracy"] == pytest.approx(library["cosine_accuracy"], abs=1e-9)


def test_the_worst_stand_first(models: Models) -> None:
    found = anatomy(CASES["pair-score"], examples_of("pair-score"), models)
    for kind, model in (("still", "tuned"), ("broken", "tuned")):
        listed = found["mistakes"][kind]
        threshold = found[model]["threshold"]
        distances = [abs(pair[model] - threshold) for pair in listed["pairs"]]
        assert distances == pytest.approx(sorted(distances, reverse=True), abs=2e-4)
        assert len(listed["pairs"]) == min(listed["count"], LISTED)
        assert all((pair[model] < threshold) == pair["together"] for pair in listed["pairs"])


def test_of_too_few_pairs_of_a_kind_nothing_is_drawn(models: Models) -> None:
    examples = examples_of("pair-score")
    score = pa.array(np.full(examples.test.num_rows, 0.9))
    rows = examples.test.set_column(2, "score", score)
    found = anatomy(CASES["pair-score"], replace(examples, test=rows), models)
    assert found["pairs"]["apart"] == 0 and found["pairs"]["together"] > 100
    assert "edges" not in found and "mistakes" not in found


def test_without_dev_rows_thresholds_are_found_on_test(models: Models) -> None:
    examples = examples_of("text-class")
    found = anatomy(CASES["text-class"], replace(examples, dev=examples.dev.slice(0, 0)), models)
    assert found["chosen_on"] == "test"


def test_no_text_is_kept_but_what_is_tested_and_searched_and_none_whole_that_is_long(
    models: Models,
) -> None:
    examples = examples_of("pair")
    long = replace(examples, test=lengthened(examples))
    found = anatomy(CASES["pair"], long, models)
    listed = [pair for kind in KINDS for pair in found["mistakes"][kind]["pairs"]]
    texts = {text for pair in listed for text in (pair["left"], pair["right"])}
    assert max(map(len, texts)) == TEXT_CHARACTERS
    dev = {*examples.dev["anchor"].to_pylist(), *examples.dev["positive"].to_pylist()}
    assert not texts & dev


def lengthened(examples: Examples) -> pa.Table:
    positives = [f"{text} {'and so on ' * 60}" for text in examples.test["positive"].to_pylist()]
    return examples.test.set_column(1, "positive", pa.array(positives))


def test_the_overlap_is_the_least_sum_of_both_error_rates() -> None:
    together = np.array([True] * 4 + [False] * 4)
    apart = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    assert overlap(apart, together) == pytest.approx(0)
    assert overlap(np.full(8, 0.3), together) == pytest.approx(1)
    assert overlap(-apart, together) == pytest.approx(1)
    rng = np.random.default_rng(5)
    cosines, kinds = rng.normal(size=300).round(1), rng.random(300) < 0.4
    cosines[kinds] += 0.7
    sums = [
        (cosines[kinds] < cut).mean() + (cosines[~kinds] >= cut).mean()
        for cut in [*cosines, np.inf]
    ]
    assert overlap(cosines, kinds) == pytest.approx(min(sums))
