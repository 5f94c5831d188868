"""Which pairs of a case's rows belong together and which do not, to look at their similarity."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.data.examples import Examples
from ststudio.training.evaluation import MEASURES
from ststudio.training.neighbours import unit_rows
from ststudio.training.parts import Part
from ststudio.training.remembered import Remembered

ALIKE, UNLIKE = 0.8, 0.5  # scores: at least, and below; what lies between is neither
QUERIES_AT_A_TIME = 256

Models = tuple[Remembered, Remembered]
Pair = tuple[str, str, bool]  # two texts, and whether they belong together


@dataclass(frozen=True)
class Pairing:
    """Which pairs of a case's rows belong together, and which do not."""

    pairs: Callable[[pa.Table, Examples, Models], list[Pair]]
    together: str  # in words, after "pairs of"
    apart: str
    asymmetric: bool = False  # the first text is embedded as a query, the second as a document


def _of_triplets(rows: pa.Table, _: Examples, __: Models) -> list[Pair]:
    anchors, positives, negatives = (column.to_pylist() for column in rows.columns[:3])
    return [
        *((anchor, positive, True) for anchor, positive in zip(anchors, positives, strict=True)),
        *((anchor, negative, False) for anchor, negative in zip(anchors, negatives, strict=True)),
    ]


def _of_positives(rows: pa.Table, examples: Examples, models: Models) -> list[Pair]:
    """Pair each anchor with its positives, and with what each model finds closest but for them.

    The closest by both: those of one model alone would flatter the other.
    """
    anchors, positives = (column.to_pylist() for column in rows.columns[:2])
    found = [(anchor, positive, True) for anchor, positive in zip(anchors, positives, strict=True)]
    answers = _answers(anchors, positives, examples)
    corpus = list(dict.fromkeys(examples.corpus["text"].to_pylist()))
    for model in models:
        closest = closest_wrong(model, answers, corpus)
        found += [(anchor, text, False) for anchor, text in closest.items()]
    return found


def _answers(anchors: list[str], positives: list[str], examples: Examples) -> dict[str, set[str]]:
    """Return the texts that answer each anchor: its positives, and what is relevant to it."""
    answers: dict[str, set[str]] = {}
    for anchor, positive in zip(anchors, positives, strict=True):
        answers.setdefault(anchor, set()).add(positive)
    queries, corpus, relevant = Part.of_test(examples).retrieval()
    for key, text in queries.items():
        if text in answers:
            answers[text] |= {corpus[doc] for doc in relevant[key]}
    return answers


def closest_wrong(
    model: Remembered, answers: dict[str, set[str]], corpus: list[str]
) -> dict[str, str]:
    """Return for each anchor the text of the corpus closest to it that does not answer it."""
    place = {text: number for number, text in enumerate(corpus)}
    documents = unit_rows(model.encode_document(corpus)).astype(np.float32)
    anchors, found = list(answers), {}
    for start in range(0, len(anchors), QUERIES_AT_A_TIME):
        some = anchors[start : start + QUERIES_AT_A_TIME]
        similarity = unit_rows(model.encode_query(some)).astype(np.float32) @ documents.T
        for row, anchor in zip(similarity, some, strict=True):
            row[[place[text] for text in answers[anchor] | {anchor} if text in place]] = -np.inf
            best = int(row.argmax())
            if np.isfinite(row[best]):
                found[anchor] = corpus[best]
    return found


def _of_scores(rows: pa.Table, _: Examples, __: Models) -> list[Pair]:
    evaluator: Any = MEASURES["EmbeddingSimilarityEvaluator"].build(Part.of_pairs(rows))
    texts = zip(evaluator.sentences1, evaluator.sentences2, evaluator.scores, strict=True)
    return [(a, b, score >= ALIKE) for a, b, score in texts if score >= ALIKE or score < UNLIKE]


def _of_labels(rows: pa.Table, _: Examples, __: Models) -> list[Pair]:
    left, right, labels = (column.to_pylist() for column in rows.columns[:3])
    return [(a, b, label == 1) for a, b, label in zip(left, right, labels, strict=True)]


def _of_classes(rows: pa.Table, _: Examples, __: Models) -> list[Pair]:
    """Pair each text with one of its class and with one of another, drawn at random."""
    rng = np.random.default_rng(0)
    texts, labels = rows.column(0).to_pylist(), rows.column(1).to_numpy()
    found = []
    for row, label in enumerate(labels):
        same, other = np.flatnonzero(labels == label), np.flatnonzero(labels != label)
        for group, together in ((same[same != row], True), (other, False)):
            if len(group):
                found.append((texts[row], texts[rng.choice(group)], together))
    return found


# By the case's evaluator, whose numbers these pairs explain.
PAIRINGS: dict[str, Pairing] = {
    "TripletEvaluator": Pairing(
        _of_triplets, "an anchor and its positive", "an anchor and its negative", True
    ),
    "InformationRetrievalEvaluator": Pairing(
        _of_positives,
        "an anchor and its positive",
        "an anchor and the document closest to it, for either model, that is not its answer",
        True,
    ),
    "EmbeddingSimilarityEvaluator": Pairing(
        _of_scores,
        f"two texts scored {ALIKE} or more",
        f"two texts scored below {UNLIKE}; those between are left out",
    ),
    "BinaryClassificationEvaluator": Pairing(
        _of_labels, "two texts labelled similar", "two texts labelled not similar"
    ),
    "NearestNeighbourEvaluator": Pairing(
        _of_classes,
        "a text and another of its class, drawn at random",
        "a text and one of another class, drawn at random",
    ),
}
