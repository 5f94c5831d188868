"""The door to compute: a child process, one of which is kept warm."""

import os
import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ststudio.child import Child, ChildDied
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.watch import GRACE_SECONDS, Watch
from ststudio.settings import Settings, get_settings
from ststudio.training.estimate import Machine

POLL_SECONDS = 0.5
# A child that imports its libraries keeps a core busy for ten seconds. With fewer cores than this
# it would take them from the run, in the very steps by which the run's pace is measured.
CORES_TO_SPARE = 4
PACES = 3  # last ones that count: one measured in a bad moment misleads the next run's estimate


class Door(Protocol):
    """What the queue needs to know of compute."""

    @property
    def slots(self) -> int:
        """Return how many runs may be handed over at a time."""

    def machine(self) -> Machine | None:
        """Return how fast runs are trained, None where it is not known."""

    def train(self, run: Run) -> None:
        """Train the run and return when it has ended, or is no longer there."""

    def close(self) -> None:
        """End whatever trains."""


def attend(
    child: Child, run: Run, watch: Watch, learn: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Hand the run to a child and wait for its end, however it ends.

    What the child had still to say of the machine's pace goes to `learn`.
    """
    try:
        child.send({"run": str(run.path)})
        while True:
            try:
                answer = child.receive(POLL_SECONDS)
                if learn is None or "pace" not in answer:
                    return
                learn(answer)
            except TimeoutError:
                if not run.path.exists():
                    return  # deleted
                if reason := watch.reason():
                    child.kill()
                    _fail(run, reason)
                    return
    except ChildDied as death:
        _fail(run, f"{death} Nothing was kept. Try fewer or shorter rows.")
    except StudioError as error:  # so little memory that the worker could not write its end
        _fail(run, str(error))


def _fail(run: Run, reason: str) -> None:
    if run.path.exists() and not run.ended:
        run.end("failed", reason)


def typical(paces: Collection[dict[str, Any]]) -> Machine | None:
    """Return the machine by the middle one of several measured paces, the slower of two."""
    by_speed = sorted(paces, key=lambda pace: pace["train"][-1][-1])
    return Machine.from_json(by_speed[len(by_speed) // 2]) if by_speed else None


class ChildDoor:
    """Train runs one at a time, each in a child of its own that was warmed beforehand."""

    slots = 1

    def __init__(
        self,
        settings: Settings | None = None,
        grace_seconds: float = GRACE_SECONDS,
        make_child: Callable[[str, Path], Child] = Child,
    ) -> None:
        self.settings = settings or get_settings()
        self.grace_seconds = grace_seconds
        self._make_child = make_child
        self._home = self.settings.folder / "home"
        self._lock = threading.Lock()
        self._warm: Child | None = None
        self._busy: Child | None = None
        self._closed = False
        self._paces: deque[dict[str, Any]] = deque(maxlen=PACES)

    def warm(self) -> None:
        """Start a child that imports its libraries and waits for its job."""
        with self._lock:
            if not self._closed and (self._warm is None or not self._warm.alive):
                self._warm = self._make_child("train", self._home)
                with suppress(ChildDied):  # whoever trains learns it
                    self._warm.send({"pace": True})

    def machine(self) -> Machine | None:
        """Return how fast this machine is, None until a warm child has measured it."""
        with self._lock:
            if self._warm is not None:
                with suppress(TimeoutError, ChildDied, StudioError):
                    self._learn(self._warm.receive(0))
            return typical(self._paces)

    def _learn(self, answer: dict[str, Any]) -> None:
        if answer["pace"]:
            self._paces.append(answer["pace"])

    def train(self, run: Run) -> None:
        """Hand the run to a child and wait for its end, however it ends."""
        self.warm()
        with self._lock:
            child, self._warm = self._warm, None
            self._busy = child
        if child is None:
            return  # closed: the next start goes on
        if len(os.sched_getaffinity(0)) >= CORES_TO_SPARE:
            self.warm()
        try:
            attend(child, run, Watch(run, self.settings, self.grace_seconds), self._learn)
        finally:
            child.kill()
            with self._lock:
                self._busy = None
            self.warm()

    def close(self) -> None:
        """End the warm child and the busy one."""
        with self._lock:
            self._closed = True
            for child in (self._busy, self._warm):
                if child is not None:
                    child.kill()
            self._warm = None
