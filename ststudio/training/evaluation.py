"""Before and after on the same test rows: the library's evaluators, and evidence by row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer import evaluation
from sentence_transformers.util import cos_sim

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.training.classifier import classify
from ststudio.training.influence import average_precision, spearman
from ststudio.training.interval import Floats, Interval, Ints, paired_means
from ststudio.training.neighbours import (
    NearestNeighbourEvaluator,
    cosine,
    nearest_other,
    pairwise_cosine,
)
from ststudio.training.parts import Part
from ststudio.training.remembered import Remembered
from ststudio.training.verdict import verdict

K = 10


@dataclass(frozen=True)
class Measure:
    """How one evaluator measures: the library's numbers, and the evidence for an interval."""

    build: Callable[[Part], BaseEvaluator]
    evidence: Callable[[Part, Remembered], Floats]  # one number a row or query; their mean is it
    by_query: bool = False
    rests_on: Callable[[Part, Remembered], Ints] | None = (
        None  # another row that each row is judged by
    )


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


def _ranks(part: Part, model: Remembered) -> Floats:
    return spearman(np.asarray(_scores(part), dtype=np.float64), _pair_cosines(part, model))


def _precisions(part: Part, model: Remembered) -> Floats:
    labels = np.asarray(part.labels(), dtype=np.float64)
    return average_precision(labels, _pair_cosines(part, model))


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


def _neighbours(part: Part, model: Remembered) -> Ints:
    vectors = model.encode(part.texts(0))
    return nearest_other(cosine(vectors, vectors))


def _class_hits(part: Part, model: Remembered) -> Floats:
    labels = np.asarray(part.labels())
    return (labels[_neighbours(part, model)] == labels).astype(np.float64)


MEASURES: dict[str, Measure] = {
    "TripletEvaluator": Measure(_triplets, _triplet_hits),
    "InformationRetrievalEvaluator": Measure(_retrieval, _query_ndcg, by_query=True),
    "EmbeddingSimilarityEvaluator": Measure(_similarities, _ranks),
    "BinaryClassificationEvaluator": Measure(_classification, _precisions),
    "NearestNeighbourEvaluator": Measure(_classes, _class_hits, rests_on=_neighbours),
}


class EachTextOnce(BaseEvaluator):
    """Let an evaluator look at a model in training, for which each text is embedded once a look."""

    def __init__(self, evaluator: BaseEvaluator) -> None:
        super().__init__()
        self.evaluator: Any = evaluator  # its types know no model that remembers

    def __call__(self, model: Any, *where: Any, **when: Any) -> dict[str, float]:  # noqa: ANN401
        """Return the evaluator's metrics; the model's card learns at which step they were seen."""
        measured = self.evaluator(Remembered(model), *where, **when)
        assert isinstance(measured, dict)
        return measured


def dev_evaluator(case: Case, rows: pa.Table) -> BaseEvaluator:
    """Build the case's evaluator on dev rows, for the live metric and the best checkpoint."""
    return EachTextOnce(MEASURES[case.evaluator].build(Part.of_pairs(rows)))


def compare(case: Case, examples: Examples, base: Remembered, tuned: Remembered) -> dict[str, Any]:
    """Measure both models on the test rows: score, baseline, delta, interval and verdict.

    Beside the headline there are the other metrics of its evaluator, those of retrieval where a
    corpus can be formed, and a classifier's accuracy where the rows have classes.
    """
    part = Part.of_test(examples)
    measure = MEASURES[case.evaluator]
    before, after = (_metrics(_evaluators(measure, part), model) for model in (base, tuned))
    interval, n = _interval(measure, part, base, tuned)
    report = {
        "metric": case.metric,
        "n": n,
        "baseline": before[case.metric],
        "score": after[case.metric],
        "delta": after[case.metric] - before[case.metric],
        "interval": list(interval),
        "verdict": verdict(interval, n),
        "metrics": {name: [before[name], after[name]] for name in before},
    }
    classified = classify(part, examples.train, base, tuned)
    return report | ({"classifier": classified} if classified else {})


def _evaluators(measure: Measure, part: Part) -> list[BaseEvaluator]:
    """Build what measures a part, the headline's evaluator first."""
    searched = measure.build is not _retrieval and part.retrieval()[0]
    return [measure.build(part), *([_retrieval(part)] if searched else [])]


def _interval(
    measure: Measure, part: Part, base: Remembered, tuned: Remembered
) -> tuple[Interval, int]:
    """Return the interval of the headline's change, and the number of units it rests on."""
    before, after = (measure.evidence(part, model) for model in (base, tuned))
    units = np.arange(len(before)) if measure.by_query else part.units()
    nearest = [measure.rests_on(part, model) for model in (base, tuned)] if measure.rests_on else []
    return paired_means(before, after, units, nearest), int(units.max()) + 1


def _metrics(evaluators: list[BaseEvaluator], model: Any) -> dict[str, float]:
    """Return the metrics as plain floats; `model` has the face that evaluators use.

    A correlation is not defined where a model finds all pairs equally similar: it knows nothing of
    them, which is 0.
    """
    metrics: dict[str, float] = {}
    for evaluator in evaluators:
        measured = evaluator(model)
        assert isinstance(measured, dict)
        metrics |= {name: float(np.nan_to_num(value)) for name, value in measured.items()}
    return metrics
