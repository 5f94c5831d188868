"""Vectors in clusters, and copies of them that are turned and mirrored."""

import numpy as np

from ststudio.compare.projection import Array

CLUSTERS, EACH, WIDTH = 6, 80, 32


def unit(vectors: Array) -> Array:
    """Return vectors scaled to length 1, in float32."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray((vectors / lengths).astype(np.float32))


def clusters() -> Array:
    """Return 480 unit vectors in six clusters."""
    random = np.random.default_rng(5)
    centres = np.repeat(random.normal(size=(CLUSTERS, WIDTH)), EACH, axis=0)
    return unit(centres + 0.35 * random.normal(size=centres.shape))


def mirrored(vectors: Array) -> Array:
    """Return a rotated and mirrored copy."""
    turn, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(WIDTH, WIDTH)))
    turn[:, 0] *= -np.sign(np.linalg.det(turn))
    assert abs(np.linalg.det(turn) + 1) < 1e-6
    return np.asarray((vectors @ turn).astype(np.float32))
