"""Vectors kept from run to run: the second run on the same data need not embed it by the base."""

import hashlib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MOST_BYTES = 500_000_000  # of the file; beyond it what was not used for longest goes
KEY_BYTES = 20
AT_A_TIME = 500  # keys in one question: SQLite takes at most 999 variables
WAIT_SECONDS = 5.0  # for another process that writes


def key_of(model: str, prompt: str, text: str) -> bytes:
    """Return the key of one vector: a model's fingerprint, what stood before the text, the text."""
    told = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in (model, prompt, text):
        data = part.encode()
        told.update(len(data).to_bytes(8, "big") + data)
    return told.digest()


class KeptVectors:
    """Vectors in one SQLite file, by their keys; texts themselves are not kept.

    It is a cache: whatever is wrong with the file, nothing is known and nothing fails.
    """

    def __init__(self, file: Path, most_bytes: int = MOST_BYTES) -> None:
        self.file, self.most_bytes = file, most_bytes

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return those vectors that are known."""
        found: dict[bytes, Vectors] = {}
        try:
            with self._opened() as database:
                for start in range(0, len(keys), AT_A_TIME):
                    some = keys[start : start + AT_A_TIME]
                    marks = ",".join("?" * len(some))
                    rows = database.execute(
                        f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some
                    )
                    found |= {key: np.frombuffer(vector, np.float32) for key, vector in rows}
                now = [(time.time(), key) for key in found]
                database.executemany("UPDATE vectors SET used = ? WHERE key = ?", now)
        except sqlite3.DatabaseError as error:
            self._mend(error)
            return {}
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors, and forget the least recently used where there are too many."""
        rows = [
            (key, np.ascontiguousarray(vector, dtype=np.float32).tobytes(), time.time())
            for key, vector in vectors.items()
        ]
        try:
            with self._opened() as database:
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
                if self._held(database) > self.most_bytes:
                    database.execute(
                        "DELETE FROM vectors WHERE key IN (SELECT key FROM vectors "
                        "ORDER BY used LIMIT (SELECT COUNT(*) / 2 FROM vectors))"
                    )
        except sqlite3.DatabaseError as error:
            self._mend(error)

    @staticmethod
    def _held(database: sqlite3.Connection) -> int:
        """Return the bytes in use, known without reading the rows."""
        pages, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def forget(self, before: float) -> None:
        """Drop what was not used since `before`, in seconds since the epoch, from the disk too."""
        if not self.file.exists():
            return
        try:
            with self._opened() as database:
                gone = database.execute("DELETE FROM vectors WHERE used < ?", (before,)).rowcount
            if gone:
                with self._opened() as database:
                    database.execute("VACUUM")
        except sqlite3.DatabaseError as error:
            self._mend(error)

    def _opened(self) -> "_Open":
        return _Open(self.file)

    def _mend(self, error: sqlite3.DatabaseError) -> None:
        """Begin anew where the file is broken; a full disk or a lock will pass."""
        if not isinstance(error, sqlite3.OperationalError):
            self.file.unlink(missing_ok=True)


class _Open:
    """An open file, committed and closed at the end of a block."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.database = sqlite3.connect(file, timeout=WAIT_SECONDS)

    def __enter__(self) -> sqlite3.Connection:
        try:
            self.database.execute(
                "CREATE TABLE IF NOT EXISTS vectors "
                "(key BLOB PRIMARY KEY, vector BLOB NOT NULL, used REAL NOT NULL)"
            )
        except sqlite3.Error:
            self.database.close()
            raise
        return self.database

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.database.commit()
        self.database.close()
