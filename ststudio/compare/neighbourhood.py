"""Who is near whom in full space, before and after, and where in a map a query belongs."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ststudio.compare.map_job import MODELS, places_file, rows_file
from ststudio.compare.trust import NEIGHBOURS, nearest

Scores = npt.NDArray[np.float32]


def held(folder: Path, model: str) -> Scores:
    """Return a model's vectors of a map's points, paged in from the disk as they are read."""
    rows = np.load(rows_file(folder), allow_pickle=False)
    vectors: Scores = np.load(folder / f"{model}.npy", mmap_mode="r", allow_pickle=False)
    return vectors[: len(rows)] if rows[-1] + 1 == len(rows) else vectors[rows]


def neighbours_job(message: dict[str, Any]) -> dict[str, list[list[tuple[int, float]]]]:
    """Return for each asked row its ten nearest others, the nearest first, under both models.

    `rows` are rows of a map's points; neighbours are (row, cosine) in full space.
    """
    asked = np.array(message["rows"], dtype=np.intp)
    found = {}
    for model in MODELS:
        vectors = held(Path(message["embeddings"]), model)
        pairs = nearest(vectors, asked, min(NEIGHBOURS, len(vectors) - 1))
        found[model] = [_ordered(rows, scores) for rows, scores in zip(*pairs, strict=True)]
    return found


def _ordered(rows: npt.NDArray[np.intp], scores: Any) -> list[tuple[int, float]]:
    order = np.argsort(-scores, kind="stable")
    return [(int(rows[place]), round(float(scores[place]), 4)) for place in order]


def place(folder: Path, method: str, model: str, query: Scores) -> dict[str, Any]:
    """Return where a query's unit vector belongs in a map, its neighbours, and all cosines.

    In a PCA map by the same axes as every point; elsewhere at the mean of its ten nearest,
    weighted by how much closer they are than the eleventh.
    """
    vectors = held(folder, model)
    scores = vectors @ query
    order = np.argsort(-scores, kind="stable")[: NEIGHBOURS + 1]
    near = order[: min(NEIGHBOURS, len(vectors) - 1)]
    with np.load(places_file(folder, method), allow_pickle=False) as kept:
        places = kept[model]
        axes = kept[f"{model}_axes"] if f"{model}_axes" in kept else None
    if axes is not None:
        spot = np.append(query.astype(np.float64), 1.0) @ axes
    else:
        weights = scores[near] - scores[order[len(near)]] + 1e-6  # all alike: the plain mean
        spot = np.average(places[near], axis=0, weights=weights)
    return {
        "place": [round(float(number), 4) for number in spot],
        "near": [(int(row), round(float(scores[row]), 4)) for row in near],
        "scores": scores.astype(np.float64).round(4).tolist(),
    }
