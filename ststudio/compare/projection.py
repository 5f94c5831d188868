"""Maps of two models' embeddings: laid out in the plane, after aligned to before."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Tell = Callable[[str, float], None]  # what is being done, and the share that is done

SEED = 12
SPANNING = 1_500  # points that span any space of vectors here
INNER_DIMENSIONS = 50  # what t-SNE and UMAP see, as t-SNE's authors advise
ROUNDING = 1e-5  # of unit vectors in float32, after a turn
PATIENT_POINTS = 3_000  # beyond them half the steps: 10,000 points fit the time limit


def pca(vectors: Array, dimensions: int = 2) -> Array:
    """Project [points, width] vectors on their first principal components.

    Signs are fixed by the scores (the farthest point of each axis lies on its positive side), so
    that a rotated or mirrored copy has the same projection.
    """
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    products = centred.astype(np.float32) if len(centred) > SPANNING else centred  # half the time
    _, axes = np.linalg.eigh((products.T @ products).astype(np.float64))  # ascending
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
    few = len(vectors) <= PATIENT_POINTS
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
    settings["n_epochs"] = 500 if len(vectors) <= PATIENT_POINTS else 200
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


def lay_out(
    base: Array, tuned: Array, method: str, tell: Tell = lambda words, share: None
) -> tuple[Array, Array]:
    """Lay out two models' vectors of the same points, both [points, 2], base with a spread of 1.

    t-SNE and UMAP first find the base layout and then start both models from it: what differs
    in the end is due to the vectors, and neither to the start nor to chance.
    """
    layout = LAYOUTS[method]
    tell("Laying out the base model's texts", 0.05)
    before = layout(base, None)
    if method == "pca":
        after = layout(tuned, None)
    else:
        tell("Letting the base model's texts come to rest", 0.4)
        start, before = before, layout(base, before)
        tell("Laying out the fine-tuned model's texts from the same start", 0.65)
        after = layout(without_rounding(tuned, base), start)
    before = before - before.mean(axis=0)
    before = before / _spread(before)
    return before, align(after, before)


def affine(vectors: Array, places: Array) -> Array:
    """Return [width + 1, 2], which takes a vector with a 1 behind it to its place in a PCA map.

    Such a map is linear, so that a sample of its points tells it exactly.
    """
    rows = np.random.default_rng(SEED).permutation(len(vectors))[:SPANNING]
    known, wanted = vectors[rows].astype(np.float64), places[rows]
    middle, centre = known.mean(axis=0), wanted.mean(axis=0)
    known, wanted = known - middle, wanted - centre
    axes = np.linalg.pinv(known.T @ known, rcond=1e-9, hermitian=True) @ (known.T @ wanted)
    return np.vstack([axes, centre - middle @ axes])


def _spread(layout: Array) -> float:
    return max(float(layout.std()), 1e-12)
