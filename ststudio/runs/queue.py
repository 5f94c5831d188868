"""Admission and order: one run trains, a few wait, everyone sees their position."""

import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import cache
from pathlib import Path

from ststudio.errors import StudioError
from ststudio.runs.janitor import tidy
from ststudio.runs.launch import ChildDoor, Door
from ststudio.runs.lease import ZeroDoor, on_zero_gpu
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore, get_store
from ststudio.settings import Settings, get_settings
from ststudio.training.estimate import Machine

TIDY_SECONDS = 600.0


class Queue:
    """The runs that wait and the one that trains."""

    def __init__(self, store: RunStore, door: Door, settings: Settings) -> None:
        self.store, self.door, self.settings = store, door, settings
        self._changed = threading.Condition()
        self._waiting: list[Run] = []
        self._ready: set[str] = set()  # their base model lies on the disk
        self._running: dict[str, Run] = {}
        self._contexts: dict[str, Context] = {}  # of who asked: on ZeroGPU it holds whose quota
        self._closed = False

    def start(self) -> None:
        """Recover what a crash left, then serve runs on threads of their own."""
        for run in self.store:
            if run.ended:
                continue
            if run.state["state"] == "queued" and run.has_base:
                self._waiting.append(run)
                self._ready.add(run.id)
            else:
                run.end("interrupted", "The app was restarted while this run was under way.")
        for _ in range(self.door.slots):
            threading.Thread(target=self._serve, daemon=True).start()
        threading.Thread(target=self._tidy, daemon=True).start()

    def check(self) -> None:
        """Raise StudioError where no further run may wait."""
        if len(self._waiting) >= self.settings.waiting_runs:
            raise StudioError(
                f"{len(self._waiting)} runs are waiting already, which is the limit here. "
                "Try again in a few minutes, or duplicate the Space for a GPU of your own."
            )

    def submit(self, run: Run, fetch_base: Callable[[Run], Path]) -> int:
        """Queue a run whose base model is still to be fetched; return its position."""
        with self._changed:
            self.check()
            self._waiting.append(run)
            self._contexts[run.id] = copy_context()
        threading.Thread(target=self._prepare, args=(run, fetch_base), daemon=True).start()
        return self.position(run) or 1

    def _prepare(self, run: Run, fetch_base: Callable[[Run], Path]) -> None:
        try:
            run.write_base(fetch_base(run))
        except (
            Exception
        ) as error:  # whatever the network does, the run says so and the next goes on
            self._drop(run)
            reason = str(error) if isinstance(error, StudioError) else type(error).__name__
            run.end("failed", f"The base model could not be fetched: {reason}")
            return
        with self._changed:
            self._ready.add(run.id)
            self._changed.notify_all()  # the tidying thread waits here too

    def position(self, run: Run) -> int | None:
        """Return 0 while the run trains, 1 when it is next, None when it has ended."""
        if run.ended:
            return None
        if self._trains(run):
            return 0
        with self._changed:
            for place, waiting in enumerate(self._waiting, start=1):
                if waiting.id == run.id:
                    return place
        return None

    def _trains(self, run: Run) -> bool:
        with self._changed:
            return run.id in self._running

    def machine(self) -> Machine | None:
        """Return how fast this machine trains, None until it has been measured."""
        return self.door.machine()

    def stop(self, run: Run) -> None:
        """Stop a run: a waiting one ends at once, a training one keeps what it learned."""
        if run.ended:
            return
        run.ask_to_stop()
        if self._drop(run):
            run.end("stopped", "Stopped before it began; there is no model.")

    def delete(self, run: Run) -> None:
        """Remove a run; where it trains, the door ends what finds its directory gone."""
        self._drop(run)
        self.store.delete(run)

    def _drop(self, run: Run) -> bool:
        with self._changed:
            before = len(self._waiting)
            self._waiting = [waiting for waiting in self._waiting if waiting.id != run.id]
            self._ready.discard(run.id)
            if len(self._waiting) < before:
                self._contexts.pop(run.id, None)
            return len(self._waiting) < before

    def _next(self) -> tuple[Run, Context] | None:
        with self._changed:
            while not self._closed:
                for run in self._waiting:
                    if run.id in self._ready:
                        self._waiting.remove(run)
                        self._ready.discard(run.id)
                        self._running[run.id] = run
                        return run, self._contexts.pop(run.id, None) or copy_context()
                self._changed.wait()
        return None

    def _serve(self) -> None:
        while (found := self._next()) is not None:
            run, context = found
            try:
                context.run(self.door.train, run)
            except Exception as error:  # a full disk, a deleted directory: the next run goes on
                said = getattr(error, "strerror", None) or type(error).__name__
                with suppress(OSError):
                    if not run.ended:
                        run.end("failed", f"The run could not go on ({said}).")
            finally:
                with self._changed:
                    del self._running[run.id]

    def _tidy(self) -> None:
        while not self._closed:
            tidy(self.store, self.settings)
            with self._changed:
                self._changed.wait(TIDY_SECONDS)

    def close(self) -> None:
        """Stop serving and end every child."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.door.close()


@cache
def get_queue() -> Queue:
    """Return this process's queue, serving."""
    settings = get_settings()
    door = ZeroDoor(settings) if on_zero_gpu() else ChildDoor(settings)
    door.warm()
    queue = Queue(get_store(), door, settings)
    queue.start()
    return queue
