"""Folders that are kept for a while: what was not used for longest goes, by age and by bytes."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ststudio.data.locks import only_one

UNFINISHED = ".part-"  # before the name of a folder that is still written


def forget_unused(
    folders: Sequence[Path], used: Callable[[Path], float], before: float, most: int
) -> None:
    """Forget what was last used before a time, then the longest unused down to so many bytes.

    `used` returns when a folder was last used, in seconds since the epoch.
    """
    left = sum(map(size_of, folders))
    for when, folder in sorted((used(folder), folder) for folder in folders):
        over = left > most and not folder.name.startswith(UNFINISHED)
        if when < before or over:
            with only_one(str(folder)):
                if used(folder) <= when:  # else it was used meanwhile
                    left -= size_of(folder)
                    shutil.rmtree(folder, ignore_errors=True)


def changed(path: Path) -> float:
    """Return when a file or folder last changed, 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def size_of(folder: Path) -> int:
    """Count the bytes of all files in a folder; those that go meanwhile take none."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size
        except OSError:
            continue
    return total
