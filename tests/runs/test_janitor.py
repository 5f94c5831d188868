import os
import time
from pathlib import Path

import numpy as np

from ststudio.runs.janitor import tidy
from ststudio.runs.store import VECTORS, Run, RunStore
from ststudio.settings import Settings
from ststudio.training.vectors import KeptVectors

HOUR = 3600.0


def ended(store: RunStore, hours_ago: float, size: int = 10) -> Run:
    run, _ = store.create({}, {})
    (run.path / "weights").write_bytes(b"0" * size)
    now = time.time()
    run.update(state="finished", created=now - hours_ago * HOUR, finished=now - hours_ago * HOUR)
    return run


def test_a_run_past_its_hours_goes_and_a_younger_one_stays(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_hours=24)
    old, young = ended(store, 25), ended(store, 23)
    assert tidy(store, settings) == [old.id]
    assert [run.id for run in store] == [young.id]


def test_over_the_quota_the_oldest_finished_goes_first(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    oldest, middle, newest = (ended(store, hours, 100_000) for hours in (3, 2, 1))
    assert tidy(store, Settings(data=str(tmp_path), kept_bytes=250_000)) == [oldest.id]
    assert [run.id for run in store] == [middle.id, newest.id]


def test_a_live_run_is_never_deleted(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    run = ended(store, 100, 100_000)
    run.update(state="running")
    assert tidy(store, Settings(data=str(tmp_path), kept_bytes=1)) == []


def test_uploads_go_with_their_time_and_halves_of_a_deletion_are_swept(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path))
    old, young = tmp_path / "uploads" / "old", tmp_path / "uploads" / "young"
    half = store.folder / ".deleted-abc"
    for folder in (old, young, half):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    tidy(store, settings)
    assert not old.exists() and young.exists() and not half.exists()


def test_vectors_of_rows_go_when_their_rows_would(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_hours=24)
    kept = KeptVectors(store.folder / VECTORS)
    kept.put({b"key": np.ones(8, dtype=np.float32)})
    tidy(store, settings)
    assert kept.get([b"key"])
    tidy(store, settings, now=time.time() + 25 * HOUR)
    assert not kept.get([b"key"])
