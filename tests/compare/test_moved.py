"""Which points moved most: those whose vectors did, whatever a picture makes of it."""

import numpy as np
import pytest

from ststudio.compare.moved import describe, most_moved, telling
from ststudio.compare.projection import Array
from ststudio.compare.trust import movements, nearest
from tests.compare.clouds import EACH, clusters, mirrored, unit


@pytest.fixture(scope="module")
def clustered() -> Array:
    """Return 480 unit vectors in six clusters."""
    return clusters()


def test_of_a_rotated_mirrored_copy_nothing_moved(clustered: Array) -> None:
    far = movements(clustered, mirrored(clustered))
    assert far.max() < 1e-5
    assert most_moved({"moved": far.round(4).tolist()}, 10) == []


def test_the_one_cluster_that_moved_is_the_one_listed_with_where_it_went(clustered: Array) -> None:
    changed = mirrored(clustered)
    towards = changed[4 * EACH : 5 * EACH].mean(axis=0)
    changed[:EACH] = unit(changed[:EACH] * 0.3 + 1.2 * towards)
    layout = {"moved": movements(clustered, changed).tolist()}
    labels = [f"cluster {row // EACH}" for row in range(len(clustered))]
    rows = most_moved(layout, EACH)
    assert {labels[row] for row in rows} == {"cluster 0"} and len(rows) == EACH
    near = {
        side: [
            list(zip(found.tolist(), scores.tolist(), strict=True))
            for found, scores in zip(*nearest(vectors, np.array(rows), 10), strict=True)
        ]
        for side, vectors in (("base", clustered), ("tuned", changed))
    }
    moved = describe(layout, rows, near, labels)
    assert [one.row for one in moved] == rows
    assert {one.before for one in moved} == {"cluster 0"}
    assert {one.after for one in moved} <= {"cluster 0", "cluster 4"}
    assert all(one.far > 0 and 0 <= one.kept <= one.of == 10 for one in moved)


def test_models_of_different_width_are_compared_too(clustered: Array) -> None:
    wider = np.pad(mirrored(clustered), ((0, 0), (0, 7)))
    assert movements(clustered, wider).max() < 1e-5
    assert movements(wider, clustered).max() < 1e-5


def test_groups_tell_where_a_text_is_where_two_are_large_enough() -> None:
    assert telling(["a"] * 9 + ["b"] * 9)
    assert not telling(["a"] * 18)
    assert not telling([f"only {row}" for row in range(18)])
