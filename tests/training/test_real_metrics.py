"""On seven real sets every headline is what the library's own evaluator says of the plain model."""

from dataclasses import replace

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import evaluation

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.shelf import packaged_model
from ststudio.training.bucketing import bucketed
from ststudio.training.evaluation import compare
from ststudio.training.remembered import Remembered
from tests.training.samples import real_examples

SETS = {
    "stsb": "pair-score",
    "QQP_triplets": "triplet",
    "snli": "triplet",
    "trec": "text-class",
    "banking77": "text-class",
    "sentence-compression": "pair",
    "scifact": "pair",
}


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    model = SentenceTransformer(str(packaged_model()), device="cpu")
    model.max_seq_length = 64  # the numbers agree at any length
    return model


def columns(examples: Examples) -> list[list[str]]:
    return [column.to_pylist() for column in examples.test.columns]


def spearman(examples: Examples, model: SentenceTransformer) -> float:
    return evaluation.EmbeddingSimilarityEvaluator(*columns(examples))(model)["spearman_cosine"]


def triplets(examples: Examples, model: SentenceTransformer) -> float:
    return evaluation.TripletEvaluator(*columns(examples))(model)["cosine_accuracy"]


def retrieval(examples: Examples, model: SentenceTransformer) -> dict[str, float]:
    asked = set(examples.test.column(0).to_pylist())
    queries = {row["id"]: row["text"] for row in examples.queries.to_pylist()}
    queries = {key: text for key, text in queries.items() if text in asked}
    relevant: dict[str, set[str]] = {}
    for row in examples.relevant.to_pylist():
        relevant.setdefault(row["query"], set()).add(row["doc"])
    corpus = {row["id"]: row["text"] for row in examples.corpus.to_pylist()}
    found: dict[str, float] = evaluation.InformationRetrievalEvaluator(queries, corpus, relevant)(
        model
    )
    return found


def ndcg(examples: Examples, model: SentenceTransformer) -> float:
    return retrieval(examples, model)["cosine_ndcg@10"]


def neighbours(examples: Examples, model: SentenceTransformer) -> float:
    """Ask for each text's two nearest: itself, which is not relevant, and its neighbour."""
    texts, labels = columns(examples)
    names = [str(number) for number in range(len(texts))]
    of_class: dict[int, set[str]] = {}
    for name, label in zip(names, labels, strict=True):
        of_class.setdefault(label, set()).add(name)
    relevant = {name: of_class[label] - {name} for name, label in zip(names, labels, strict=True)}
    corpus = dict(zip(names, texts, strict=True))
    found = evaluation.InformationRetrievalEvaluator(
        corpus, corpus, relevant, precision_recall_at_k=[2]
    )(model)
    return 2 * float(found["cosine_precision@2"])


TEST_ROWS = 300  # each is embedded several times
LIBRARY = {"pair-score": spearman, "triplet": triplets, "pair": ndcg, "text-class": neighbours}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_the_headline_and_retrieval_are_the_librarys(
    name: str, real_hub: dict[str, str], model: SentenceTransformer
) -> None:
    examples = real_examples(real_hub, name)
    examples = replace(examples, test=examples.test.slice(0, TEST_ROWS))
    case = CASES[examples.case]
    assert case.key == SETS[name]
    with bucketed(model):  # as a run measures
        known = Remembered(model)
        report = compare(case, examples, known, known)
    assert report["baseline"] == pytest.approx(LIBRARY[case.key](examples, model), abs=1e-6)
    searched = retrieval(examples, model)
    assert len(searched) > 10
    for metric, value in searched.items():
        # Two documents as good as equally near change places with the texts embedded beside them.
        assert report["metrics"][metric] == pytest.approx([value, value], abs=1e-3), metric
    assert report["n"] >= 100 and report["verdict"] == "MARGINAL"
