"""What metrics and units are called for people, and which of the metrics a page shows."""

from dataclasses import dataclass

from ststudio.data.cases import Case


@dataclass(frozen=True)
class Metric:
    """A metric, for people."""

    title: str
    meaning: str


METRICS = {
    "cosine_accuracy": Metric("Accuracy", "pairs told apart at the best threshold"),
    "cosine_f1": Metric("F1", "precision and recall at the best threshold"),
    "pearson_cosine": Metric("Pearson correlation", "of cosine and score, on a straight line"),
    "triplet_accuracy": Metric("Triplet accuracy", "a text of the class is nearer than another"),
    "cosine_ndcg@10": Metric("nDCG@10", "how high all right hits stand among ten"),
    "cosine_mrr@10": Metric("MRR@10", "how high the first right hit stands among ten"),
    "cosine_accuracy@1": Metric("Accuracy@1", "queries whose first hit is right"),
    "cosine_precision@10": Metric("Precision@10", "right ones among the first ten hits"),
    "cosine_recall@10": Metric("Recall@10", "what is right and stands among the first ten"),
}
HEADLINES = {
    "spearman_cosine": "cosines in the order of the scores",
    "cosine_ap": "similar pairs before those that are not",
    "cosine_ndcg@10": METRICS["cosine_ndcg@10"].meaning,
    "class_accuracy": "the nearest other test text has the same class",
    "cosine_accuracy": "the positive is nearer than the negative",
}

# Beside the headline, by evaluator. Of texts with a class there are more relevant ones than ten, so
# that their recall among the first ten says nothing.
_SEARCH = ("cosine_ndcg@10", "cosine_mrr@10", "cosine_accuracy@1", "cosine_recall@10")
SHOWN = {
    "EmbeddingSimilarityEvaluator": ("pearson_cosine", *_SEARCH),
    "BinaryClassificationEvaluator": ("cosine_accuracy", "cosine_f1", *_SEARCH),
    "InformationRetrievalEvaluator": _SEARCH,
    "NearestNeighbourEvaluator": ("triplet_accuracy", *_SEARCH[:3], "cosine_precision@10"),
    "TripletEvaluator": _SEARCH,
}
UNITS = {
    "InformationRetrievalEvaluator": "queries",
    "anchor": "anchors",
    "sentence1": "first sentences",
    "premise": "premises",
    "text": "texts",
}


def units_of(case: Case) -> str:
    """Return what the units of a case's headline are called, in the plural."""
    return UNITS.get(case.evaluator) or UNITS[case.unit]


def shown_metrics(case: Case) -> dict[str, Metric]:
    """Return what a page shows of a case's metrics, by the evaluator's names, headline first."""
    headline = Metric(case.metric_title, HEADLINES[case.metric])
    others = {name: METRICS[name] for name in SHOWN[case.evaluator]}
    return {case.metric: headline, **others, case.metric: headline}
