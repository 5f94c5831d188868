"""The app's side of maps: each is laid out by a process of its own, followed, ended in time."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ststudio.child import Child, ChildDied
from ststudio.compare.clusters import clusters_file
from ststudio.compare.map_job import map_file, places_file, rows_file
from ststudio.compare.projection import LAYOUTS
from ststudio.compare.sides import Compared, check_compared
from ststudio.errors import StudioError
from ststudio.settings import get_settings

MAP_SECONDS = 120.0  # for t-SNE and UMAP; then their process is ended
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Stage:
    """How far a map has come: what is being done, the share that is done, seconds so far."""

    words: str
    share: float
    seconds: float


class Maps:
    """The door to the maps of runs, for any thread."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home
        # PCA and clusters take a second, t-SNE and UMAP a minute: one of each at a time.
        self._quick, self._slow = threading.Lock(), threading.Lock()

    def layout(self, run: Compared, method: object = "pca") -> dict[str, Any]:
        """Return both models' maps of a run's points, laid out once and then kept."""
        found: dict[str, Any] = list(self.steps(run, method))[-1]  # type: ignore[assignment]
        return found

    def steps(self, run: Compared, method: object = "pca") -> Iterator[Stage | dict[str, Any]]:
        """Yield how far the map has come, and last the map; who stops listening ends the work."""
        if not isinstance(method, str) or method not in LAYOUTS:
            allowed = ", ".join(LAYOUTS)
            raise StudioError(f"There is no map by {method!r}. Choose one of: {allowed}.")
        check_compared(run)
        lock = self._quick if method == "pca" else self._slow
        message = {"embeddings": str(run.embeddings_dir), "method": method}
        folder = run.embeddings_dir
        files = map_file(folder, method), places_file(folder, method), rows_file(folder)
        yield from self._made("map", message, files, lock)
        yield json.loads(files[0].read_bytes())

    def clusters(self, run: Compared) -> dict[str, dict[str, Any]]:
        """Return for `base` and `tuned` the clusters' `names`, and the cluster `of` each point."""
        check_compared(run)
        file = clusters_file(run.embeddings_dir)
        message = {"embeddings": str(run.embeddings_dir)}
        for _ in self._made("cluster", message, (file,), self._quick):
            pass
        found: dict[str, dict[str, Any]] = json.loads(file.read_bytes())
        return found

    def _made(
        self, job: str, message: dict[str, Any], files: tuple[Path, ...], lock: threading.Lock
    ) -> Iterator[Stage]:
        if all(file.exists() for file in files):
            return
        started = time.monotonic()
        while not lock.acquire(timeout=POLL_SECONDS):
            waited = time.monotonic() - started
            if waited > MAP_SECONDS:
                raise StudioError(
                    "Another map is being laid out. Try again in a minute, or use pca."
                )
            yield Stage("Waiting for another map", 0.0, waited)
        try:
            if not all(file.exists() for file in files):  # who held the lock may have made it
                yield from _followed(job, message, self.home or get_settings().folder / "encoder")
        finally:
            lock.release()


def _followed(job: str, message: dict[str, Any], home: Path) -> Iterator[Stage]:
    what = f"map by {message['method']}" if job == "map" else "grouping of the texts"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ststudio-map-") as scratch:
        progress = Path(scratch) / "progress.json"
        child = Child(job, home)
        try:
            child.send({**message, "progress": str(progress)})
            while (seconds := time.monotonic() - started) < MAP_SECONDS:
                try:
                    child.receive(POLL_SECONDS)
                    return
                except TimeoutError:
                    yield _stage(progress, seconds)
            raise StudioError(
                f"The {what} took more than {MAP_SECONDS:.0f} seconds and was ended. "
                "Use pca, or a run with fewer texts."
            )
        except ChildDied as death:
            raise StudioError(f"The {what} failed, try again. {death}") from None
        finally:
            child.kill()  # also where nobody listens any more


def _stage(progress: Path, seconds: float) -> Stage:
    words, share = json.loads(progress.read_bytes()) if progress.exists() else ("Starting", 0.0)
    return Stage(words, share, seconds)


_MAPS = Maps()


def get_maps() -> Maps:
    """Return the maps of this process."""
    return _MAPS
