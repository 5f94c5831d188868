"""Before and after on the same test rows: the library's evaluators, and evidence by row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer import evaluation
from sentence_transformers.util import cos_sim
from sklearn.metrics import average_precision_score

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.training.neighbours import (
    NearestNeighbourEvaluator,
    cosine,
    neighbour_hits,
    pairwise_cosine,
)
from ststudio.training.parts import Part
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
    # The library's types also admit pictures and sounds; a dict of texts is no subtype of that.
    queries, corpus, relevant = (dict[str, Any](known) for known in part.retrieval())
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
    """Give each row the number of its text in the first column, counted from 0."""
    numbers = np.unique(np.asarray(part.texts(0), dtype=object), return_inverse=True)[1]
    return numbers.astype(np.int64)


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


def compare(case: Case, examples: Examples, base: Remembered, tuned: Remembered) -> dict[str, Any]:
    """Measure both models on the test rows: score, baseline, delta, interval and verdict."""
    part = Part.of_test(examples)
    measure = MEASURES[case.evaluator]
    evaluator = measure.build(part)
    before, after = (_metrics(evaluator, model) for model in (base, tuned))
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


def _metrics(evaluator: BaseEvaluator, model: Any) -> dict[str, float]:
    """Return an evaluator's metrics as plain floats; `model` has the face that evaluators use."""
    metrics = evaluator(model)
    assert isinstance(metrics, dict)
    return {name: float(value) for name, value in metrics.items()}
