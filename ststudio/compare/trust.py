"""How far a map can be trusted, and how much the neighbourhoods changed, by full-space vectors."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ststudio.compare.projection import SEED, Array

NEIGHBOURS = 10
SAMPLE = 1_000  # points whose neighbourhoods are measured: trustworthiness is quadratic in them
LANDMARKS = 500  # points that are compared with every other point


def shared_neighbours(base: Array, tuned: Array) -> float:
    """Return the mean fraction, 0 to 1, of a point's 10 nearest neighbours that both models share.

    Neighbours are looked for among all points, by cosine in full space ([points, width] of unit
    length); points are a sample of at most 500.
    """
    asked = _sample(len(base), LANDMARKS)
    count = min(NEIGHBOURS, len(base) - 1)
    found = [nearest(vectors, asked, count)[0] for vectors in (base, tuned)]
    shared = [len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]
    return float(np.mean(shared)) / count


def trustworthiness(vectors: Array, places: Array, count: int) -> float:
    """Return 1 where each point's neighbours in the picture are its neighbours in full space.

    Venna & Kaski 2001: each of the `count` nearest in [points, 2] `places` that is not among the
    nearest by cosine costs its rank beyond them. scikit-learn's gives the same number, and takes
    a second to import.
    """
    points = len(vectors)
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    squares = (places**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * places @ places.T
    np.fill_diagonal(apart, np.inf)
    near = np.argpartition(apart, count - 1, axis=1)[:, :count]
    found = np.take_along_axis(scores, near, axis=1)
    ranks = np.stack([(scores > found[:, [k]]).sum(axis=1) + 1 for k in range(count)], axis=1)
    cost = np.maximum(ranks - count, 0).sum()
    return float(1 - cost * 2 / (points * count * (2 * points - 3 * count - 1)))


def movements(base: Array, tuned: Array) -> Array:
    """Return how far each point moved, [points]: how much its cosines with others changed, in mean.

    What changed alike for all pairs (a line through all cosines before and after) is left out. A
    model that only turned or mirrored its space moved nothing, and no alignment is needed, which
    would share one cluster's way out among all others. Others are a sample of 500.
    """
    asked = _sample(len(base), LANDMARKS)
    before, after = base @ base[asked].T, tuned @ tuned[asked].T
    slope, shift = _line(before, after)
    change: npt.NDArray[Any] = np.abs(after - slope * before - shift)
    return np.asarray(change.mean(axis=1), dtype=np.float64)


def _line(before: Array, after: Array) -> tuple[np.float32, np.float32]:
    spread = float(before.var())
    together = float(((before - before.mean()) * (after - after.mean())).mean())
    slope = together / spread if spread > 1e-12 else 1.0
    return np.float32(slope), np.float32(float(after.mean()) - slope * float(before.mean()))


def measures(base: Array, tuned: Array, base_xy: Array, tuned_xy: Array) -> dict[str, float]:
    """Say how far each layout can be trusted, and how much the neighbourhoods changed."""
    kept = _sample(len(base))
    count = min(NEIGHBOURS, (len(kept) - 1) // 2)
    return {
        "trustworthiness_base": trustworthiness(base[kept], base_xy[kept], count),
        "trustworthiness_tuned": trustworthiness(tuned[kept], tuned_xy[kept], count),
        "neighbour_overlap": shared_neighbours(base, tuned),
    }


def nearest(
    vectors: Array, asked: npt.NDArray[np.intp], count: int
) -> tuple[npt.NDArray[np.intp], Array]:
    """Return the rows and cosines of the nearest others of each asked row, in no order."""
    scores: npt.NDArray[Any] = vectors[asked] @ vectors.T
    scores[np.arange(len(asked)), asked] = -np.inf  # nobody is his own neighbour
    rows = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    return rows, np.take_along_axis(scores, rows, axis=1)


def _sample(points: int, most: int = SAMPLE) -> npt.NDArray[np.intp]:
    if points <= most:
        return np.arange(points)
    return np.sort(np.random.default_rng(SEED).choice(points, most, replace=False))
