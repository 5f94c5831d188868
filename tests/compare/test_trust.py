"""How far a map can be trusted, and how much neighbourhoods changed."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from ststudio.compare.projection import Array, lay_out
from ststudio.compare.trust import measures, nearest, shared_neighbours, trustworthiness
from tests.compare.clouds import unit


@pytest.fixture(scope="module")
def vectors() -> Array:
    random = np.random.default_rng(5)
    return unit(np.repeat(random.normal(size=(4, 24)), 60, axis=0) + random.normal(size=(240, 24)))


@pytest.mark.parametrize("count", [1, 5, 10])
def test_trustworthiness_is_scikit_learns(vectors: Array, count: int) -> None:
    random = np.random.default_rng(1)
    for places in (lay_out(vectors, vectors, "pca")[0], random.normal(size=(len(vectors), 2))):
        expected = sklearn_trustworthiness(vectors, places, n_neighbors=count)
        assert trustworthiness(vectors, places, count) == pytest.approx(expected, abs=1e-6)


def test_a_picture_by_chance_is_half_trusted_and_a_true_one_wholly(vectors: Array) -> None:
    by_chance = np.random.default_rng(2).normal(size=(len(vectors), 2))
    assert trustworthiness(vectors, by_chance, 10) == pytest.approx(0.5, abs=0.05)
    flat = unit(np.c_[vectors[:, :2], np.zeros(len(vectors))])
    assert trustworthiness(flat, flat[:, :2], 10) == pytest.approx(1.0, abs=1e-4)


def test_measures_are_those_of_all_points_where_they_are_few(vectors: Array) -> None:
    changed = unit(vectors + 0.1 * np.random.default_rng(3).normal(size=vectors.shape))
    found = measures(vectors, changed, *lay_out(vectors, changed, "pca"))
    best = [np.argsort(-(v @ v.T) + 9 * np.eye(len(v)), axis=1)[:, :10] for v in (vectors, changed)]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(*best, strict=True)]
    assert found["neighbour_overlap"] == pytest.approx(np.mean(shared))
    assert set(found) == {"trustworthiness_base", "trustworthiness_tuned", "neighbour_overlap"}


def test_neighbours_of_a_turned_copy_are_shared_and_of_shuffled_rows_are_not(
    vectors: Array,
) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(24, 24)))
    turned = (vectors @ turn).astype(np.float32)
    assert shared_neighbours(vectors, turned) == pytest.approx(1.0, abs=0.01)
    shuffled = np.random.default_rng(4).permutation(vectors)
    assert shared_neighbours(vectors, shuffled) < 0.15


def test_the_nearest_are_others(vectors: Array) -> None:
    rows, scores = nearest(vectors, np.array([3, 9]), 10)
    assert 3 not in rows[0] and 9 not in rows[1]
    for row, found, cosines in zip((3, 9), rows, scores, strict=True):
        everyone = vectors @ vectors[row]
        everyone[row] = -1
        assert set(found) == set(np.argsort(-everyone)[:10])
        assert cosines == pytest.approx(everyone[found])
