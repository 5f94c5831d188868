"""Maps of two models' embeddings: laid out in the plane, after aligned to before."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ststudio.errors import StudioError

Array = npt.NDArray[np.floating[Any]]

POINTS = 10_000  # more than this no browser moves smoothly and t-SNE takes minutes
FEWEST_POINTS = 5  # fewer have no neighbourhoods to speak of
SEED = 12
NEIGHBOURS = 10
SAMPLE = 1_000  # points whose neighbourhoods are measured: trustworthiness is quadratic in them
INNER_DIMENSIONS = 50  # what t-SNE and UMAP see, as t-SNE's authors advise
ROUNDING = 1e-5  # of unit vectors in float32, after a turn
TSNE_PATIENT_POINTS = 3_000  # beyond them half the steps: 10,000 points fit the time limit
DIGITS = 4  # of coordinates whose spread is 1: a hundredth of a pixel


def pca(vectors: Array, dimensions: int = 2) -> Array:
    """Project [points, width] vectors on their first principal components.

    Signs are fixed by the scores (the farthest point of each axis lies on its positive side), so
    that a rotated or mirrored copy has the same projection.
    """
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    scores = centred @ axes[:, ::-1][:, :dimensions]
    missing = dimensions - scores.shape[1]
    scores = np.pad(scores, ((0, 0), (0, missing))) if missing > 0 else scores
    farthest = np.abs(scores).argmax(axis=0)
    signs = np.sign(scores[farthest, np.arange(dimensions)])
    return np.asarray(scores * np.where(signs == 0, 1, signs))


def pca_layout(vectors: Array, start: Array | None) -> Array:
    """Lay out by PCA, which knows no start."""
    return pca(vectors)


def tsne_layout(vectors: Array, start: Array | None) -> Array:
    """Lay out by t-SNE: from PCA, or from a layout where every point only goes where it must.

    The first time it starts with a spread of 1e-4 (Kobak & Berens 2019). From a start the points
    are neither shrunk nor pressed together (no early exaggeration): both would bring chance back.
    """
    from sklearn.manifold import TSNE

    inner = pca(vectors, min(INNER_DIMENSIONS, vectors.shape[1]))
    few = len(vectors) <= TSNE_PATIENT_POINTS
    settings: dict[str, Any] = {"init": inner[:, :2] / _spread(inner[:, :2]) * 1e-4}
    settings["max_iter"] = 1_000 if few else 500
    if start is not None:
        rate = max(len(vectors) / 12, 10.0)  # Belkina et al. 2019
        settings = {"init": start, "early_exaggeration": 1.0, "learning_rate": rate}
        settings["max_iter"] = 500 if few else 300
    settings["init"] = settings["init"].astype(np.float32)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    model = TSNE(perplexity=perplexity, random_state=SEED, n_jobs=os.cpu_count(), **settings)
    return np.asarray(model.fit_transform(inner.astype(np.float32)), dtype=np.float64)


def umap_layout(vectors: Array, start: Array | None) -> Array:
    """Lay out by UMAP: from PCA, or from a layout with small steps, so that little is chance.

    With UMAP's own steps 5 % of 2,000 points ended half a spread apart in two runs on vectors
    that differed by rounding; with these a hundredth, and what did change still moved.
    """
    from umap import UMAP

    inner = pca(vectors, min(INNER_DIMENSIONS, vectors.shape[1]))
    settings: dict[str, Any] = {"init": inner[:, :2] * (10 / max(np.abs(inner).max(), 1e-12))}
    if start is not None:
        settings = {"init": start, "learning_rate": 0.02, "n_epochs": 200}
    settings["init"] = settings["init"].astype(np.float32)
    neighbours = min(15, len(vectors) - 1)
    # A seed gives the same picture each time, at the price of one thread.
    model = UMAP(n_neighbors=neighbours, random_state=SEED, n_jobs=1, **settings)
    return np.asarray(model.fit_transform(inner.astype(np.float32)), dtype=np.float64)


LAYOUTS: dict[str, Callable[[Array, Array | None], Array]] = {
    "pca": pca_layout,
    "tsne": tsne_layout,
    "umap": umap_layout,
}


def align(after: Array, before: Array) -> Array:
    """Move [points, 2] `after` onto `before` by translation, rotation, mirroring and scale.

    Orthogonal Procrustes (Schönemann 1966). The scale makes both spreads equal; the one of least
    squares would shrink a layout towards a dot the less it has in common with the other.
    """
    middle = before.mean(axis=0)
    target = before - middle
    moving = after - after.mean(axis=0)
    left, _, right = np.linalg.svd(moving.T @ target)
    spread = float(np.linalg.norm(moving))
    scale = float(np.linalg.norm(target)) / spread if spread > 0 else 0.0
    return np.asarray(scale * (moving @ (left @ right)) + middle)


def without_rounding(after: Array, before: Array) -> Array:
    """Return [points, width] `after`, turned onto `before`, its rows equal where they all but are.

    UMAP makes a picture's worth of difference out of the seventh digit.
    """
    if after.shape != before.shape:
        return after
    turned = align(after.astype(np.float64), before.astype(np.float64))
    same = np.abs(turned - before).max(axis=1) < ROUNDING
    return np.where(same[:, None], before, turned)


def lay_out(base: Array, tuned: Array, method: str) -> tuple[Array, Array]:
    """Lay out two models' vectors of the same points, both [points, 2], base with a spread of 1.

    t-SNE and UMAP first find the base layout and then start both models from it: what differs
    in the end is due to the vectors, and neither to the start nor to chance.
    """
    layout = LAYOUTS[method]
    before = layout(base, None)
    if method != "pca":
        before, after = layout(base, before), layout(without_rounding(tuned, base), before)
    else:
        after = layout(tuned, None)
    before = before - before.mean(axis=0)
    before = before / _spread(before)
    return before, align(after, before)


def _spread(layout: Array) -> float:
    return max(float(layout.std()), 1e-12)


def shared_neighbours(base: Array, tuned: Array) -> float:
    """Return the mean fraction, 0 to 1, of a point's 10 nearest neighbours that both models share.

    Neighbours are looked for among all points, by cosine in full space ([points, width] of unit
    length); points are a sample of at most 1,000.
    """
    asked = _sample(len(base))
    count = min(NEIGHBOURS, len(base) - 1)
    found = [_nearest(vectors, asked, count) for vectors in (base, tuned)]
    shared = [len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]
    return float(np.mean(shared)) / count


def measures(base: Array, tuned: Array, base_xy: Array, tuned_xy: Array) -> dict[str, float]:
    """Say how far each layout can be trusted, and how much the neighbourhoods changed.

    Trustworthiness (Venna & Kaski 2001) is 1 where neighbours in the picture are neighbours in
    full space, on a sample of at most 1,000 points.
    """
    from sklearn.manifold import trustworthiness

    kept = _sample(len(base))
    count = min(NEIGHBOURS, (len(kept) - 1) // 2)
    return {
        "trustworthiness_base": float(
            trustworthiness(base[kept], base_xy[kept], n_neighbors=count)
        ),
        "trustworthiness_tuned": float(
            trustworthiness(tuned[kept], tuned_xy[kept], n_neighbors=count)
        ),
        "neighbour_overlap": shared_neighbours(base, tuned),
    }


def _sample(points: int) -> npt.NDArray[np.intp]:
    if points <= SAMPLE:
        return np.arange(points)
    return np.sort(np.random.default_rng(SEED).choice(points, SAMPLE, replace=False))


def _nearest(vectors: Array, asked: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    scores = vectors[asked] @ vectors.T
    scores[np.arange(len(asked)), asked] = -np.inf  # nobody is his own neighbour
    return np.argpartition(-scores, count - 1, axis=1)[:, :count]


def read_vectors(file: Path) -> npt.NDArray[np.float32]:
    """Return a run's [points, width] vectors, raising StudioError where the model diverged."""
    vectors: npt.NDArray[np.float32] = np.load(file, allow_pickle=False)
    vectors = vectors.astype(np.float32, copy=False)
    if not np.isfinite(vectors).all():
        raise StudioError(
            "The model's vectors are not numbers: it diverged while it trained. "
            "Train again with a lower learning rate."
        )
    return vectors


def give_way() -> None:
    """Make this process, which is the map's own, the last in line for the cores."""
    os.nice(10)


def map_job(message: dict[str, Any]) -> bool:
    """Write map-<method>.json into the folder of a run's embeddings, whole or not at all."""
    import pyarrow.parquet as pq

    folder, method = Path(message["embeddings"]), message["method"]
    if method != "pca":
        give_way()
    table = pq.read_table(folder / "points.parquet", columns=["id", "text", "group"])
    rows = table.slice(0, POINTS).to_pylist()
    if len(rows) < FEWEST_POINTS:
        raise StudioError(
            f"A map needs at least {FEWEST_POINTS} texts and this run has {len(rows)}."
        )
    base, tuned = (read_vectors(folder / f"{name}.npy")[: len(rows)] for name in ("base", "tuned"))
    base_xy, tuned_xy = lay_out(base, tuned, method)
    places = zip(rows, base_xy.round(DIGITS).tolist(), tuned_xy.round(DIGITS).tolist(), strict=True)
    answer = {
        "method": method,
        "points": [{**row, "base": before, "tuned": after} for row, before, after in places],
        "measures": measures(base, tuned, base_xy, tuned_xy),
    }
    file = map_file(folder, method)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(json.dumps(answer), encoding="utf-8")
    os.replace(part, file)
    return True


def map_file(embeddings: Path, method: str) -> Path:
    """Return where a run's map is kept, so that a second look is instant."""
    return embeddings / f"map-{method}.json"
