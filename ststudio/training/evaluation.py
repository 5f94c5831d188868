"""Before and after on the same test rows: the library's evaluators, and evidence by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer import evaluation
from sentence_transformers.util import cos_sim
from sklearn.metrics import average_precision_score

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.training.remembered import Remembered
from ststudio.training.verdict import (
    Floats,
    Interval,
    bootstrap_mean,
    bootstrap_statistic,
    paired_proportions,
    verdict,
)

K = 10
Texts = list[str]


class NearestNeighbourEvaluator(BaseEvaluator):
    """Classify each text by its nearest other text, and judge one sampled triplet per text."""

    def __init__(self, texts: Texts, labels: Sequence[int], name: str = "") -> None:
        super().__init__()
        self.texts, self.labels, self.name = texts, np.asarray(labels), name
        self.primary_metric = "class_accuracy"

    def __call__(
        self,
        model: SentenceTransformer,
        output_path: str | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Return class_accuracy and triplet_accuracy, both from 0 to 1."""
        similarity = cosine(model.encode(self.texts), model.encode(self.texts))
        metrics = {
            "class_accuracy": float(neighbour_hits(similarity, self.labels).mean()),
            "triplet_accuracy": float(sampled_triplets(similarity, self.labels).mean()),
        }
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)
        return metrics


def cosine(left: Floats, right: Floats) -> Floats:
    """Return all cosines of vectors [n, d] and [m, d], shape [n, m]."""
    return cos_sim(np.asarray(left), np.asarray(right)).cpu().numpy().astype(np.float64)


def pairwise_cosine(left: Floats, right: Floats) -> Floats:
    """Return the cosine of each row of [n, d] with the same row of [n, d], shape [n]."""
    left, right = unit_rows(left), unit_rows(right)
    return np.einsum("nd,nd->n", left, right)


def unit_rows(vectors: Floats) -> Floats:
    """Return vectors [n, d] scaled to length 1; a zero vector stays zero."""
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12))


def neighbour_hits(similarity: Floats, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell for each text whether its nearest other text has its label; similarity is [n, n]."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    return np.asarray(labels[others.argmax(axis=1)] == labels)


def sampled_triplets(similarity: Floats, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Judge one triplet per text, its positive and negative drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    hits = []
    for row, label in enumerate(labels):
        same = np.flatnonzero(labels == label)
        same, other = same[same != row], np.flatnonzero(labels != label)
        if len(same) and len(other):
            hits.append(similarity[row, rng.choice(same)] > similarity[row, rng.choice(other)])
    return np.asarray(hits, dtype=bool) if hits else np.zeros(1, dtype=bool)


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
        first, second = (rows.column(index).to_pylist() for index in (0, min(1, rows.num_columns - 1)))
        doc = {text: f"d{number}" for number, text in enumerate(dict.fromkeys(second))}
        query = {text: f"q{number}" for number, text in enumerate(dict.fromkeys(first))}
        pairs = dict.fromkeys((query[a], doc[b]) for a, b in zip(first, second, strict=True))
        return cls(
            rows,
            pa.table({"id": list(doc.values()), "text": list(doc)}),
            pa.table({"id": list(query.values()), "text": list(query)}),
            pa.table({"query": [q for q, _ in pairs], "doc": [d for _, d in pairs]}),
        )

    def texts(self, column: int) -> Texts:
        """Return one input column's texts."""
        return list(self.rows.column(column).to_pylist())

    def labels(self) -> list[Any]:
        """Return the label column, which stands last."""
        return list(self.rows.column(self.rows.num_columns - 1).to_pylist())

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


@dataclass(frozen=True)
class Measure:
    """How one evaluator measures: the library's numbers, and the evidence for an interval."""

    build: Callable[[Part], BaseEvaluator]
    evidence: Callable[[Part, Remembered], Floats]  # one number per row or query
    interval: Callable[[Part, Floats, Floats], tuple[Interval, int]]  # and the number of units


def _triplets(part: Part) -> BaseEvaluator:
    columns = (part.texts(0), part.texts(1), part.texts(2))
    return evaluation.TripletEvaluator(*columns, similarity_fn_names=["cosine"])


def _triplet_hits(part: Part, model: Remembered) -> Floats:
    anchor = model.encode_query(part.texts(0))
    positive, negative = (model.encode_document(part.texts(index)) for index in (1, 2))
    hits = pairwise_cosine(anchor, positive) > pairwise_cosine(anchor, negative)
    return hits.astype(np.float64)


def _similarities(part: Part) -> BaseEvaluator:
    return evaluation.EmbeddingSimilarityEvaluator(
        part.texts(0), part.texts(1), _scores(part), similarity_fn_names=["cosine"]
    )


def _scores(part: Part) -> list[float]:
    """Return the scores; NLI's labels 0, 1, 2 run from entailment to contradiction."""
    labels = part.labels()
    if part.rows.column_names[-1] == "score":
        return labels
    return [1 - label / 2 for label in labels]


def _classification(part: Part) -> BaseEvaluator:
    return evaluation.BinaryClassificationEvaluator(
        part.texts(0), part.texts(1), part.labels(), similarity_fn_names=["cosine"]
    )


def _pair_cosines(part: Part, model: Remembered) -> Floats:
    return pairwise_cosine(model.encode(part.texts(0)), model.encode(part.texts(1)))


def _retrieval(part: Part) -> BaseEvaluator:
    queries, corpus, relevant = part.retrieval()
    return evaluation.InformationRetrievalEvaluator(
        queries, corpus, relevant, score_functions={"cosine": cos_sim}
    )


def ndcg(similarity: Floats, doc_ids: list[str], relevant: list[set[str]], k: int = K) -> Floats:
    """Return nDCG@k of each query (Järvelin and Kekäläinen 2002), binary relevance.

    `similarity` has shape [queries, documents]; ties are broken by document id, as
    sentence-transformers does.
    """
    by_id = np.argsort(np.asarray(doc_ids))
    discount = 1 / np.log2(np.arange(2, k + 2))
    gains = np.empty(len(relevant))
    for row, wanted in enumerate(relevant):
        top = by_id[np.argsort(-similarity[row, by_id], kind="stable")[:k]]
        hit = np.array([doc_ids[doc] in wanted for doc in top], dtype=float)
        gains[row] = (hit @ discount[: len(hit)]) / discount[: len(wanted)].sum()
    return gains


def _query_ndcg(part: Part, model: Remembered) -> Floats:
    queries, corpus, relevant = part.retrieval()
    similarity = cosine(
        model.encode_query(list(queries.values())), model.encode_document(list(corpus.values()))
    )
    return ndcg(similarity, list(corpus), [relevant[key] for key in queries])


def _classes(part: Part) -> BaseEvaluator:
    return NearestNeighbourEvaluator(part.texts(0), part.labels())


def _class_hits(part: Part, model: Remembered) -> Floats:
    vectors = model.encode(part.texts(0))
    hits = neighbour_hits(cosine(vectors, vectors), np.asarray(part.labels()))
    return hits.astype(np.float64)


def _units(part: Part) -> NDArray[np.int64]:
    """Number the rows by the distinct texts of the first column."""
    return np.unique(np.asarray(part.texts(0), dtype=object), return_inverse=True)[1].astype(np.int64)


def _hits_interval(part: Part, before: Floats, after: Floats) -> tuple[Interval, int]:
    units = _units(part)
    n = int(units.max()) + 1
    if n == len(units):
        return paired_proportions(before > 0.5, after > 0.5), n
    return bootstrap_mean(before, after, units), n


def _mean_interval(part: Part, before: Floats, after: Floats) -> tuple[Interval, int]:
    return bootstrap_mean(before, after, np.arange(len(before))), len(before)


def _rank_interval(part: Part, before: Floats, after: Floats) -> tuple[Interval, int]:
    units = _units(part)
    truth = np.asarray(_scores(part))
    return bootstrap_statistic(spearman, truth, before, after, units), int(units.max()) + 1


def _precision_interval(part: Part, before: Floats, after: Floats) -> tuple[Interval, int]:
    units = _units(part)
    truth = np.asarray(part.labels(), dtype=np.float64)
    interval = bootstrap_statistic(average_precision, truth, before, after, units)
    return interval, int(units.max()) + 1


def spearman(truth: Floats, cosines: Floats) -> float:
    """Return Spearman's rank correlation, NaN where one side is constant."""
    if np.ptp(truth) == 0 or np.ptp(cosines) == 0:
        return float("nan")
    return float(spearmanr(truth, cosines).statistic)


def average_precision(truth: Floats, cosines: Floats) -> float:
    """Return the average precision of cosines for labels 0/1, NaN where one class is missing."""
    return float(average_precision_score(truth, cosines)) if 0 < truth.sum() else float("nan")


MEASURES: dict[str, Measure] = {
    "TripletEvaluator": Measure(_triplets, _triplet_hits, _hits_interval),
    "InformationRetrievalEvaluator": Measure(_retrieval, _query_ndcg, _mean_interval),
    "EmbeddingSimilarityEvaluator": Measure(_similarities, _pair_cosines, _rank_interval),
    "BinaryClassificationEvaluator": Measure(_classification, _pair_cosines, _precision_interval),
    "NearestNeighbourEvaluator": Measure(_classes, _class_hits, _hits_interval),
}


def dev_evaluator(case: Case, rows: pa.Table) -> BaseEvaluator:
    """Build the case's evaluator on dev rows, for the live metric and the best checkpoint."""
    return MEASURES[case.evaluator].build(Part.of_pairs(rows))


def compare(
    case: Case, examples: Examples, base: Remembered, tuned: Remembered
) -> dict[str, Any]:
    """Measure both models on the test rows: score, baseline, delta, interval and verdict."""
    part = Part.of_test(examples)
    measure = MEASURES[case.evaluator]
    evaluator = measure.build(part)
    before, after = (_plain(evaluator(model)) for model in (base, tuned))
    evidence = [measure.evidence(part, model) for model in (base, tuned)]
    interval, n = measure.interval(part, *evidence)
    return {
        "metric": case.metric,
        "n": n,
        "baseline": before[case.metric],
        "score": after[case.metric],
        "delta": after[case.metric] - before[case.metric],
        "interval": list(interval),
        "verdict": verdict(interval, n),
        "metrics": {name: [before[name], after[name]] for name in before},
    }


def _plain(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}
