"""Texts grouped by their vectors, each group named by the words that are typical of it."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ststudio.compare.map_job import MODELS, read_points, replace
from ststudio.compare.points import read_vectors
from ststudio.compare.projection import SEED, Array

MOST_CLUSTERS = 9  # as many as there are colours
WORDS = 3  # in a name
WORD = r"(?u)\b[^\W\d_]{2,}\b"
VOCABULARY = 20_000
READ_CHARACTERS = 1_000  # of each text
NAME_CHARACTERS = 28


def clusters_file(embeddings: Path) -> Path:
    """Return where a run's clusters are kept."""
    return embeddings / "clusters.json"


def cluster_job(message: dict[str, Any]) -> bool:
    """Write clusters.json: for each model the clusters' names, and the cluster of each point."""
    os.nice(10)
    folder = Path(message["embeddings"])
    points, rows = read_points(folder)
    texts = [point["text"] for point in points]
    answer = {}
    for name in MODELS:
        vectors = read_vectors(folder / f"{name}.npy")[rows]
        members, centres = k_means(vectors)
        answer[name] = {
            "names": cluster_names(texts, vectors, members, centres),
            "of": members.tolist(),
        }
    replace(clusters_file(folder), json.dumps(answer).encode())
    return True


def k_means(vectors: Array) -> tuple[npt.NDArray[np.intp], Array]:
    """Return each row's cluster and the centres, by k-means on the [points, width] unit vectors.

    Few points make few clusters: the square root of half of them, at most nine.
    """
    from sklearn.cluster import KMeans

    count = min(MOST_CLUSTERS, max(2, round(math.sqrt(len(vectors) / 2))))
    count = min(count, len(np.unique(vectors, axis=0)))
    model = KMeans(count, n_init=2, max_iter=100, random_state=SEED).fit(vectors)
    return model.labels_.astype(np.intp), model.cluster_centers_


def cluster_names(
    texts: Sequence[str], vectors: Array, members: npt.NDArray[np.intp], centres: Array
) -> list[str]:
    """Name each cluster by its most typical words, or by the text at its centre without any."""
    words = typical_words(texts, members, len(centres))
    names: list[str] = []
    for number, found in enumerate(words):
        rows = np.flatnonzero(members == number)
        middle = texts[rows[np.argmax(vectors[rows] @ centres[number])]]
        name = " · ".join(found) or " ".join(middle.split())
        name = name if len(name) <= NAME_CHARACTERS else name[: NAME_CHARACTERS - 1] + "…"
        names.append(f"{name} ({number + 1})" if name in names else name)
    return names


def typical_words(
    texts: Sequence[str], members: npt.NDArray[np.intp], count: int
) -> list[list[str]]:
    """Return the words of the largest c-TF-IDF in each cluster (Grootendorst 2022)."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        stop_words="english", token_pattern=WORD, min_df=2, max_features=VOCABULARY, binary=True
    )
    try:
        found = counter.fit_transform([text[:READ_CHARACTERS] for text in texts])
    except ValueError:  # no word occurs twice: texts of one word, or a script without spaces
        return [[] for _ in range(count)]
    vocabulary = counter.get_feature_names_out()
    kinds = np.zeros((count, len(texts)), dtype=np.float32)
    kinds[members, np.arange(len(texts))] = 1
    counts = kinds @ found
    often = counts.sum(axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    weights = shares * np.log1p(counts.sum() / count / often)
    best = np.argsort(-weights, axis=1, kind="stable")[:, :WORDS]
    return [
        [str(vocabulary[column]) for column in row if counts[number, column] > 1]
        for number, row in enumerate(best)
    ]
