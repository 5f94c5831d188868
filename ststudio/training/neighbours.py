"""Cosines, and how well a text's nearest other text tells its class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.util import cos_sim

from ststudio.training.interval import Floats, Ints


class NearestNeighbourEvaluator(BaseEvaluator):
    """Classify each text by its nearest other text, and judge one sampled triplet per text."""

    def __init__(self, texts: list[str], labels: Sequence[int], name: str = "") -> None:
        super().__init__()
        self.texts, self.labels, self.name = texts, np.asarray(labels), name
        self.primary_metric = "class_accuracy"

    def __call__(
        self,
        model: Any,
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


def nearest_other(similarity: Floats) -> Ints:
    """Return for each text the place of the nearest other one; similarity is [n, n]."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    return others.argmax(axis=1).astype(np.int64)


def neighbour_hits(similarity: Floats, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell for each text whether its nearest other text has its label; similarity is [n, n]."""
    return np.asarray(labels[nearest_other(similarity)] == labels)


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
