"""Tables that were read of the Hub, kept: touched when used, forgotten by age and by bytes."""

import os
import shutil
from pathlib import Path

from ststudio.data.locks import only_one
from ststudio.data.tables import Table, open_table

DATASETS = "datasets"  # the folder of all of them
UNFINISHED = ".part-"  # before the name of a folder that is still written


def open_kept(folder: Path) -> Table | None:
    """Open a table that is kept and note that it is of use; None where there is none."""
    with only_one(str(folder)):
        if not folder.is_dir():
            return None
        return open_used(folder)


def open_used(folder: Path) -> Table:
    """Open a table that is there and note that it is of use; who calls holds its lock."""
    os.utime(folder)
    return open_table(folder)  # mapped: its rows outlive the folder


def kept_bytes(datasets: Path) -> int:
    """Count the bytes of all tables that are kept."""
    return sum(map(_size, _folders(datasets)))


def forget_tables(datasets: Path, before: float, most: int) -> None:
    """Forget what was last used before a time, then the longest unused down to so many bytes."""
    used = sorted((_used(folder), folder) for folder in _folders(datasets))
    left = kept_bytes(datasets)
    for when, folder in used:
        over = left > most and not folder.name.startswith(UNFINISHED)
        if when < before or over:
            left -= _forget(folder, when)


def _forget(folder: Path, when: float) -> int:
    """Delete a table unless it was used meanwhile, and return its bytes."""
    with only_one(str(folder)):
        size = _size(folder)
        if _used(folder) > when:
            return 0
        shutil.rmtree(folder, ignore_errors=True)
        return size


def _folders(datasets: Path) -> list[Path]:
    """Return the folder of each table: by repository, commit, and what was asked for."""
    return [path for path in datasets.glob("*/*/*") if path.is_dir()]


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0  # gone meanwhile


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size
        except OSError:
            continue  # gone meanwhile
    return total
