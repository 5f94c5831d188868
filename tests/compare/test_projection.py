"""Maps: movement means that something changed."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from threadpoolctl import threadpool_limits

from ststudio.compare import projection
from ststudio.compare.encoder import Encoder
from ststudio.compare.projection import Array, align, lay_out, measures, pca, shared_neighbours
from ststudio.errors import StudioError
from tests.compare.conftest import ComparedRun

# UMAP compiles itself for half a minute in every new process.
METHODS = [
    pytest.param(name, marks=pytest.mark.slow) if name == "umap" else name
    for name in projection.LAYOUTS
]


CLUSTERS, EACH, WIDTH = 6, 80, 32


def unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray((vectors / lengths).astype(np.float32))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep OpenMP's threads from spinning against the rest of a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def clustered() -> Array:
    """Return 480 unit vectors in six clusters."""
    random = np.random.default_rng(5)
    centres = np.repeat(random.normal(size=(CLUSTERS, WIDTH)), EACH, axis=0)
    return unit(centres + 0.35 * random.normal(size=centres.shape))


def mirrored(vectors: Array) -> Array:
    """Return a rotated and mirrored copy."""
    turn, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(WIDTH, WIDTH)))
    turn[:, 0] *= -np.sign(np.linalg.det(turn))
    assert np.linalg.det(turn) == pytest.approx(-1)
    return np.asarray((vectors @ turn).astype(np.float32))


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


def test_measures_are_those_of_all_points_where_they_are_few(clustered: Array) -> None:
    changed = unit(clustered + 0.1 * np.random.default_rng(3).normal(size=clustered.shape))
    base_xy, tuned_xy = lay_out(clustered, changed, "pca")
    found = measures(clustered, changed, base_xy, tuned_xy)
    best = [
        np.argsort(-(v @ v.T) + 9 * np.eye(len(v)), axis=1)[:, :10] for v in (clustered, changed)
    ]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(*best, strict=True)]
    assert found["neighbour_overlap"] == pytest.approx(np.mean(shared))
    expected = trustworthiness(clustered, base_xy, n_neighbors=10)
    assert found["trustworthiness_base"] == pytest.approx(expected)
    assert 0 < found["trustworthiness_tuned"] <= 1


def test_neighbours_of_a_copy_are_shared(clustered: Array) -> None:
    assert shared_neighbours(clustered, mirrored(clustered)) == pytest.approx(1.0, abs=0.01)
    shuffled = np.random.default_rng(4).permutation(clustered)
    assert shared_neighbours(clustered, shuffled) < 0.15


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_laid_out_once_in_a_child_and_kept(
    encoder: Encoder, compared: ComparedRun, method: str
) -> None:
    layout = encoder.map(compared, method)
    assert layout["method"] == method
    assert [point["id"] for point in layout["points"]][:3] == ["t0", "t1", "c0"]
    assert set(layout["points"][0]) == {"id", "text", "group", "base", "tuned"}
    places = np.array([[point["base"], point["tuned"]] for point in layout["points"]])
    assert places.shape == (122, 2, 2)
    assert places.std(axis=(0, 2)) == pytest.approx([1, 1], abs=1e-3)
    assert set(layout["measures"]) == {
        "trustworthiness_base",
        "trustworthiness_tuned",
        "neighbour_overlap",
    }
    file = projection.map_file(compared.embeddings_dir, method)
    file.write_text(json.dumps({**layout, "kept": True}), encoding="utf-8")
    assert encoder.map(compared, method)["kept"]


@pytest.mark.parametrize("method", ["isomap", "../state", None, 3, ["pca"]])
def test_an_unknown_method_is_refused(
    encoder: Encoder, compared: ComparedRun, method: object
) -> None:
    with pytest.raises(StudioError, match="pca, tsne, umap"):
        encoder.map(compared, method)
