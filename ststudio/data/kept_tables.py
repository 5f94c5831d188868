"""Tables that were read of the Hub, kept: touched when used, forgotten by age and by bytes."""

import os
from pathlib import Path

from ststudio.data.locks import only_one
from ststudio.data.tables import Table, open_table
from ststudio.data.unused import changed, forget_unused, size_of

DATASETS = "datasets"  # the folder of all of them


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
    return sum(map(size_of, _folders(datasets)))


def forget_tables(datasets: Path, before: float, most: int) -> None:
    """Forget tables that were last used before a time, and the longest unused over `most` bytes."""
    forget_unused(_folders(datasets), changed, before, most)


def _folders(datasets: Path) -> list[Path]:
    """Return the folder of each table: by repository, commit, and what was asked for."""
    return [path for path in datasets.glob("*/*/*") if path.is_dir()]
