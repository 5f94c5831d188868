"""The door to compute: a child process, one of which is kept warm."""

import os
import threading
import time
from contextlib import suppress
from typing import Any

from ststudio.child import Child, ChildDied
from ststudio.errors import StudioError
from ststudio.runs.store import Run
from ststudio.settings import Settings, get_settings
from ststudio.training.estimate import Machine
from ststudio.training.racers import total_seconds

GRACE_SECONDS = 45.0  # for loading and measuring beyond what the recipe's time suggests
POLL_SECONDS = 0.5
# A child that imports its libraries keeps a core busy for ten seconds. With fewer cores than this
# it would take them from the run, in the very steps by which the run's pace is measured.
CORES_TO_SPARE = 4


class ChildDoor:
    """Train runs one at a time, each in a child of its own that was warmed beforehand."""

    def __init__(
        self, settings: Settings | None = None, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self.settings = settings or get_settings()
        self.grace_seconds = grace_seconds
        self._home = self.settings.folder / "home"
        self._lock = threading.Lock()
        self._warm: Child | None = None
        self._busy: Child | None = None
        self._closed = False
        self._pace: dict[str, Any] | None = None

    def warm(self) -> None:
        """Start a child that imports its libraries and waits for its job."""
        with self._lock:
            if not self._closed and (self._warm is None or not self._warm.alive):
                self._warm = Child("train", self._home)
                with suppress(ChildDied):  # whoever trains learns it
                    self._warm.send({"pace": True})

    def machine(self) -> Machine | None:
        """Return how fast this machine is, None until a warm child has measured it."""
        with self._lock:
            if self._warm is not None:
                with suppress(TimeoutError, ChildDied, StudioError):
                    self._pace = self._warm.receive(0)["pace"] or self._pace
            return Machine.from_json(self._pace) if self._pace else None

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
            self._watch(child, run)
        finally:
            child.kill()
            with self._lock:
                self._busy = None
            self.warm()

    def _watch(self, child: Child, run: Run) -> None:
        deadline = time.monotonic() + self._longest(total_seconds(run.recipe))
        try:
            child.send({"run": str(run.path)})
            while True:
                try:
                    answer = child.receive(POLL_SECONDS)
                    if "pace" not in answer:
                        return
                    self._pace = answer["pace"] or self._pace
                except TimeoutError:
                    if time.monotonic() > deadline and self._silent(run, deadline):
                        child.kill()
                        run.end("failed", "No sign of life after the time limit; it was ended.")
                        return
        except ChildDied as death:
            if run.path.exists() and not run.ended:
                run.end("failed", f"{death} Nothing was kept. Try fewer or shorter rows.")

    def _longest(self, seconds: float) -> float:
        """Return the seconds after which a run is ended unless it shows signs of life."""
        return 1.5 * seconds + self.grace_seconds + self.settings.hard_stop_seconds

    def _silent(self, run: Run, deadline: float) -> bool:
        """Tell whether a late run stands still, or goes on for twice as long as it may."""
        still = time.time() - run.last_sign > self.settings.hard_stop_seconds
        return still or time.monotonic() > deadline + self._longest(0.0)

    def kill(self) -> None:
        """End the child that trains, if any."""
        with self._lock:
            if self._busy is not None:
                self._busy.kill()

    def close(self) -> None:
        """End the warm child and the busy one."""
        self.kill()
        with self._lock:
            self._closed = True
            if self._warm is not None:
                self._warm.kill()
                self._warm = None
