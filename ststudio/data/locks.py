"""One piece of work at a time for each key: the second visitor waits for the first one's result."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_guard = threading.Lock()
_locks: dict[str, threading.Lock] = {}
_waiting: Counter[str] = Counter()


@contextmanager
def only_one(key: str) -> Iterator[None]:
    """Hold the lock of a key, which exists as long as somebody wants it."""
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
        _waiting[key] += 1
    try:
        with lock:
            yield
    finally:
        with _guard:
            _waiting[key] -= 1
            if not _waiting[key]:
                del _locks[key], _waiting[key]
