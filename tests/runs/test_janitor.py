import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from ststudio.compare.corpora import CORPORA
from ststudio.data.kept_tables import DATASETS, open_kept
from ststudio.data.tables import Table, save_table
from ststudio.runs.janitor import tidy
from ststudio.runs.run import VECTORS, Run
from ststudio.runs.store import RunStore
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


def kept_table(data: Path, name: str, hours_ago: float, rows: int = 1) -> Path:
    folder = data / DATASETS / "alice--data" / ("a" * 40) / name
    save_table(Table({"train": pa.table({"text": ["x" * 1_000] * rows})}, {}, rows), folder)
    used = time.time() - hours_ago * HOUR
    os.utime(folder, (used, used))
    return folder


def test_tables_of_the_hub_go_when_nobody_used_them_for_so_long(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_hours=24)
    old, used, young = (
        kept_table(tmp_path, name, h) for name, h in (("a", 25), ("b", 25), ("c", 1))
    )
    halfway = kept_table(tmp_path, ".part-x", 25)  # left by a crash
    assert open_kept(used) is not None
    tidy(store, settings)
    assert [folder.exists() for folder in (old, used, young, halfway)] == [False, True, True, False]
    assert open_kept(old) is None


def test_over_their_share_of_the_quota_the_tables_unused_longest_go(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_bytes=500_000)
    run = ended(store, 1, 380_000)
    older, newer = (kept_table(tmp_path, name, h, 100) for name, h in (("a", 2), ("b", 1)))
    opened = open_kept(older)
    os.utime(older, (0, time.time() - 2 * HOUR))
    assert tidy(store, settings) == []
    assert [older.exists(), newer.exists()] == [False, True]
    assert opened is not None and opened.splits["train"]["text"][99].as_py() == "x" * 1_000
    assert tidy(store, Settings(data=str(tmp_path), kept_bytes=430_000)) == [run.id]  # both count
    assert newer.exists()


def corpus(data: Path, name: str, hours_ago: float, size: int = 10) -> Path:
    folder = data / CORPORA / name
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "vectors.npy").write_bytes(b"0" * size)
    used = time.time() - hours_ago * HOUR
    os.utime(folder, (used, used))
    return folder


def test_corpora_go_when_nobody_searched_them_for_so_long(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_hours=24)
    old, young, embedded = (
        corpus(tmp_path, name, h) for name, h in (("a", 25), ("b", 1), ("c", 25))
    )
    (embedded / "model" / "progress.json").write_text("{}")  # a model is at it just now
    tidy(store, settings)
    assert [folder.exists() for folder in (old, young, embedded)] == [False, True, True]


def test_over_their_share_of_the_quota_the_corpora_unused_longest_go(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path), kept_bytes=400_000)
    older, newer = (corpus(tmp_path, name, h, 60_000) for name, h in (("a", 2), ("b", 1)))
    tidy(store, settings)
    assert [older.exists(), newer.exists()] == [False, True]


def test_what_a_crash_left_of_a_model_on_its_way_is_swept_in_time(tmp_path: Path) -> None:
    store, settings = RunStore(tmp_path / "runs"), Settings(data=str(tmp_path))
    with store.scratch() as live:
        left = live.with_name(f"{live.name}-left")
        left.mkdir()
        long_ago = time.time() - 25 * HOUR
        os.utime(left, (long_ago, long_ago))
        tidy(store, settings)
        assert live.is_dir() and not left.exists()
    assert not live.exists() and list(store) == []
