"""Maps: movement means that something changed."""

from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ststudio.compare import projection
from ststudio.compare.projection import Array, affine, align, lay_out, pca
from tests.compare.clouds import CLUSTERS, EACH, WIDTH, clusters, mirrored, unit

# UMAP compiles itself for half a minute in every new process.
METHODS = [
    pytest.param(name, marks=pytest.mark.slow) if name == "umap" else name
    for name in projection.LAYOUTS
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep OpenMP's threads from spinning against the rest of a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def clustered() -> Array:
    """Return 480 unit vectors in six clusters."""
    return clusters()


def movement(layouts: tuple[Array, Array]) -> Array:
    return np.asarray(np.linalg.norm(layouts[1] - layouts[0], axis=1))


@pytest.mark.parametrize("method", METHODS)
def test_a_rotated_mirrored_copy_does_not_move(clustered: Array, method: str) -> None:
    assert movement(lay_out(clustered, mirrored(clustered), method)).max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_the_cluster_that_moved_is_the_one_that_moved_most(clustered: Array, method: str) -> None:
    changed = mirrored(clustered)
    towards = changed[4 * EACH : 5 * EACH].mean(axis=0)
    changed[:EACH] = unit(changed[:EACH] * 0.3 + 1.2 * towards)
    moved = movement(lay_out(clustered, changed, method)).reshape(CLUSTERS, EACH)
    medians = np.median(moved, axis=1)
    others = np.delete(medians, [0, 4])  # t-SNE and UMAP bring the two together from both sides
    assert medians[0] > 2 * others.max()
    assert medians[0] > (2 * medians[4] if method == "pca" else 0)


def test_align_undoes_shift_turn_mirror_and_scale() -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=(50, 2))
    mirror = np.array([[0.6, 0.8], [0.8, -0.6]])
    assert np.linalg.det(mirror) == pytest.approx(-1)
    assert np.allclose(align(3.0 * before @ mirror + [5, -7], before), before)


def test_align_does_not_shrink_what_has_nothing_in_common() -> None:
    random = np.random.default_rng(1)
    before, after = random.normal(size=(2, 400, 2))
    assert align(after, before).std() == pytest.approx(before.std(), rel=0.02)
    assert np.allclose(align(np.ones((400, 2)), before), before.mean(axis=0))


def test_pca_keeps_what_varies_most() -> None:
    random = np.random.default_rng(2)
    vectors = random.normal(size=(500, 20)) * np.linspace(9, 1, 20)
    centred = vectors - vectors.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(np.abs(pca(vectors)), np.abs((left * singular)[:, :2]))
    assert pca(vectors[:, :1]).shape == (500, 2)  # one dimension: the second stays empty


@pytest.mark.parametrize("width", [3, WIDTH])
def test_a_vector_goes_where_the_axes_put_the_points(clustered: Array, width: int) -> None:
    vectors = unit(clustered[:, :width])
    others = unit(vectors + 0.2 * np.random.default_rng(9).normal(size=vectors.shape))
    for known, places in zip((vectors, others), lay_out(vectors, others, "pca"), strict=True):
        axes = affine(known[:200], places[:200])
        found = np.c_[known, np.ones(len(known))] @ axes
        assert np.abs(found - places).max() < 1e-5


def test_few_points_of_many_dimensions_tell_their_axes_too(clustered: Array) -> None:
    few = clustered[::40]
    (places, _) = lay_out(few, few, "pca")
    assert np.abs(np.c_[few, np.ones(len(few))] @ affine(few, places) - places).max() < 1e-5
