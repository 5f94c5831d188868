"""What the encoder process holds, and how it ranks."""

import os
from pathlib import Path

import numpy as np

from ststudio.compare.held import Memory
from ststudio.compare.search import best, rank, shown


def loader(loaded: list[str], size: int) -> Memory[str]:
    def load(path: Path) -> tuple[str, int]:
        loaded.append(path.name)
        return path.read_text(), size

    return Memory(100, load)


def written(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


def test_what_was_not_used_for_long_goes_first(tmp_path: Path) -> None:
    loaded: list[str] = []
    memory = loader(loaded, 50)
    first, second, third = written(tmp_path, "first", "second", "third")
    for path in (first, second, first, third, first, second):
        assert memory.get(path) == path.name
    assert loaded == ["first", "second", "third", "second"]


def test_one_thing_is_kept_however_large(tmp_path: Path) -> None:
    loaded: list[str] = []
    memory = loader(loaded, 1_000)
    (large,) = written(tmp_path, "large")
    assert memory.get(large) == memory.get(large) == "large"
    assert loaded == ["large"]


def test_what_changed_is_read_again_and_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    memory = loader([], 10)
    kept, other = written(tmp_path, "kept", "other")
    assert memory.get(kept) == "kept"
    kept.write_text("changed")
    os.utime(kept, ns=(1, 1))
    assert memory.get(kept) == "changed"
    kept.unlink()
    memory.get(other)
    assert list(memory.kept) == [(other,)]


def test_equal_scores_keep_the_order_of_the_corpus() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.9, -0.1], dtype=np.float32)
    assert best(scores, 9).tolist() == [1, 3, 0, 2, 4]
    assert [rank(scores, row) for row in range(5)] == [3, 1, 4, 2, 5]


def test_the_best_are_those_of_a_full_sort() -> None:
    scores = np.random.default_rng(0).integers(0, 60, 500).astype(np.float32)  # with many ties
    order = np.argsort(-scores, kind="stable")
    for count in (1, 10, 100, 500):
        assert best(scores, count).tolist() == order[:count].tolist()
    assert [rank(scores, row) for row in order] == list(range(1, 501))


def test_what_is_shown_passes_both_filters_and_keeps_its_place_among_all() -> None:
    scores = np.array([0.9, 0.2, 0.8, 0.7, 0.6], dtype=np.float32)
    allowed = np.array([False, True, True, False, True])
    assert shown(scores, None, None, 2).tolist() == [0, 2]
    assert shown(scores, allowed, None, 9).tolist() == [2, 4, 1]
    assert shown(scores, allowed, 0.5, 9).tolist() == [2, 4]
    assert shown(scores, None, 0.95, 9).tolist() == []
    assert [rank(scores, row) for row in (2, 4)] == [2, 4]
