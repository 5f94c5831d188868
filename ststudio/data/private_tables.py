"""Private tables, kept in memory for some minutes, and only for whom the Hub lets in."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from ststudio.data.locks import only_one
from ststudio.data.tables import Table
from ststudio.fetch import DatasetRef, check_admission

KEPT_SECONDS = 600  # as long as somebody mends rows: each click looks at them again
MOST = 6  # tables; their rows lie in memory, or in files that have no name any more

_tables: dict[str, Table] = {}
_guard = threading.Lock()


def read_private(
    ref: DatasetRef, key: str, token: str | None, read: Callable[[Path], Table]
) -> Table:
    """Return what was read of a private dataset shortly before, or read it; raise StudioError.

    The Hub is asked each time whether this visitor may read it.
    """
    check_admission(ref, token)
    with only_one(key):
        with _guard:
            known = _tables.get(key)
        if known is not None:
            return known
        with tempfile.TemporaryDirectory(prefix="ststudio-") as temporary:
            table = read(Path(temporary))  # mapped: outlives the folder
        _keep(key, table)
    return table


def _keep(key: str, table: Table) -> None:
    with _guard:
        while len(_tables) >= MOST:
            del _tables[next(iter(_tables))]
        _tables[key] = table
    timer = threading.Timer(KEPT_SECONDS, _forget, (key,))
    timer.daemon = True
    timer.start()


def _forget(key: str) -> None:
    with _guard:
        _tables.pop(key, None)
