"""Corpora embedded as jobs of the app: one at a time, in a process of its own, until cancelled."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ststudio.child import Child, ChildDied
from ststudio.compare.corpora import KeptCorpus
from ststudio.compare.sides import Side
from ststudio.errors import StudioError
from ststudio.settings import get_settings

MOST_WAITING = 8
MOST_REMEMBERED = 100  # jobs that have ended, whose reason somebody may still ask for
POLL_SECONDS = 0.3
SILENT_SECONDS = 300.0  # without a text embedded: then its process is ended

State = Literal["none", "waiting", "running", "finished", "failed", "stopped"]


@dataclass
class Job:
    """One corpus and the models that embed it."""

    corpus: KeptCorpus
    sides: tuple[Side, ...]
    state: State = "waiting"
    reason: str | None = None
    asked_to_stop: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> int:
        """Return how many texts all its models have embedded."""
        return min(self.corpus.done(side) for side in self.sides)

    @property
    def active(self) -> bool:
        """Tell whether it has not ended yet."""
        return self.state in ("waiting", "running")


class Embedder:
    """All jobs of this app: they outlive the page that asked for them."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._guard = threading.Lock()
        self._works = False

    def start(self, corpus: KeptCorpus, sides: Sequence[Side]) -> None:
        """Embed a corpus by some models, unless that is done or under way."""
        key = _key(corpus, sides)
        with self._guard:
            known = self._jobs.get(key)
            if (known and known.active) or _is_done(corpus, sides):
                return
            if sum(job.active for job in self._jobs.values()) > MOST_WAITING:
                raise StudioError(
                    f"More than {MOST_WAITING} corpora wait to be embedded. Try again in a minute."
                )
            self._jobs.pop(key, None)  # the new one is the last in line
            self._jobs[key] = Job(corpus, tuple(sides))
            for old in [key for key, job in self._jobs.items() if not job.active]:
                if len(self._jobs) > MOST_REMEMBERED:
                    del self._jobs[old]
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, daemon=True).start()

    def stop(self, corpus: KeptCorpus, sides: Sequence[Side]) -> None:
        """Cancel a job; what it has embedded stays, and is searched."""
        job = self._jobs.get(_key(corpus, sides))
        if job is not None:
            job.asked_to_stop.set()
            if job.state == "waiting":
                job.state = "stopped"

    def state(self, corpus: KeptCorpus, sides: Sequence[Side]) -> dict[str, Any]:
        """Say where embedding stands: `state`, `done` and `total` texts, `reason`."""
        job = self._jobs.get(_key(corpus, sides))
        state: State = job.state if job else "none"
        if _is_done(corpus, sides):
            state = "finished"
        done = min(corpus.done(side) for side in sides)
        reason = job.reason if job else None
        return {"state": state, "done": done, "total": corpus.size, "reason": reason}

    def _work(self) -> None:
        """Do one job after the other, the longest waiting first, until none is left."""
        while True:
            with self._guard:
                job = next((job for job in self._jobs.values() if job.state == "waiting"), None)
                if job is None:
                    self._works = False
                    return
                job.state = "running"
            try:
                job.state = self._embed(job)
            except StudioError as error:
                job.reason, job.state = str(error), "failed"
            except Exception as error:  # the next job must come to its turn
                job.reason = f"Embedding failed ({type(error).__name__}). Try again."
                job.state = "failed"

    def _embed(self, job: Job) -> State:
        child = Child("embed", self.home or get_settings().folder / "home")
        seen, since = job.done, time.monotonic()
        try:
            child.send(_message(job))
            while not job.asked_to_stop.is_set():
                try:
                    child.receive(POLL_SECONDS)
                    return "finished"
                except TimeoutError:
                    if job.done > seen:
                        seen, since = job.done, time.monotonic()
                    if time.monotonic() - since > SILENT_SECONDS:
                        raise StudioError(
                            f"Nothing was embedded for {SILENT_SECONDS:.0f} seconds, so it was "
                            "ended. Try a smaller model."
                        ) from None
            return "stopped"
        except ChildDied as death:
            raise StudioError(
                f"Embedding broke off; what it had done is kept. Start it again. {death}"
            ) from None
        finally:
            child.kill()


def _key(corpus: KeptCorpus, sides: Sequence[Side]) -> tuple[str, ...]:
    return (corpus.id, *sorted({side.key for side in sides}))


def _is_done(corpus: KeptCorpus, sides: Sequence[Side]) -> bool:
    return all(corpus.done(side) == corpus.size for side in sides)


def _message(job: Job) -> dict[str, Any]:
    # One model on both sides embeds once, and one that has embedded all need not be loaded.
    left = [side for side in job.sides if job.corpus.done(side) < job.corpus.size]
    sides = {side.key: side for side in left}
    return {
        "texts": str(job.corpus.texts_file),
        "sides": [
            {
                "model": str(side.model),
                "prompt": side.document,
                "max_seq_length": side.max_seq_length,
                "vectors": str(job.corpus.vectors_file(side)),
                "progress": str(job.corpus.progress_file(side)),
            }
            for side in sides.values()
        ],
    }


_EMBEDDER = Embedder()


def get_embedder() -> Embedder:
    """Return the embedder of this process."""
    return _EMBEDDER
