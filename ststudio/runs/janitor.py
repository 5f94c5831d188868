"""Forget what is old: runs, kept tables and corpora past their hours or over the quota."""

import shutil
import time
from pathlib import Path

from ststudio.compare.corpora import CORPORA, forget_corpora, kept_corpora_bytes
from ststudio.data.kept_tables import DATASETS, forget_tables, kept_bytes
from ststudio.data.unused import changed
from ststudio.runs.run import VECTORS
from ststudio.runs.store import SCRATCH, RunStore
from ststudio.settings import Settings
from ststudio.training.vectors import KeptVectors

# Kept tables, and corpora with their vectors, each take at most this part of the quota: they can
# be read, or embedded, again.
SHARE = 4


def tidy(store: RunStore, settings: Settings, now: float | None = None) -> list[str]:
    """Delete runs that expired or are over the quota, never a live one; return their ids."""
    now = time.time() if now is None else now
    before = now - 3600.0 * settings.kept_hours
    tables = settings.folder / DATASETS
    forget_tables(tables, before, settings.kept_bytes // SHARE)
    corpora = settings.folder / CORPORA
    forget_corpora(corpora, before, settings.kept_bytes // SHARE)
    gone: list[str] = []
    kept = []
    for run in store:
        if run.ended and run.expires(settings.kept_hours) < now:
            store.delete(run)
            gone.append(run.id)
        else:
            kept.append((run, run.size()))
    total = sum(size for _, size in kept) + kept_bytes(tables) + kept_corpora_bytes(corpora)
    for run, size in kept:  # the oldest first
        if total <= settings.kept_bytes:
            break
        if run.ended:
            store.delete(run)
            gone.append(run.id)
            total -= size
    _forget_uploads(settings.folder / "uploads", before)
    KeptVectors(store.folder / VECTORS).forget(before)
    _sweep_halves(store.folder, before)
    return gone


def _forget_uploads(folder: Path, before: float) -> None:
    if not folder.is_dir():
        return
    for upload in folder.iterdir():
        if upload.stat().st_mtime < before:
            shutil.rmtree(upload, ignore_errors=True)


def _sweep_halves(folder: Path, before: float) -> None:
    """Remove what a crash left of a deletion, or of a model that was to become a run."""
    if not folder.is_dir():
        return
    for path in folder.glob(".deleted-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{SCRATCH}*"):
        if changed(path) < before:
            shutil.rmtree(path, ignore_errors=True)
