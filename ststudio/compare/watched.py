"""A job in a short-lived process: how far it has come, then its answer; it ends with the page."""

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ststudio.child import Child, ChildDied
from ststudio.errors import StudioError
from ststudio.runs.documents import read_json
from ststudio.settings import get_settings

POLL_SECONDS = 0.5
WAIT_SECONDS = 60.0  # for the job of somebody else
_ONE = threading.Lock()  # models and vectors take memory: one job at a time


@dataclass(frozen=True)
class Job:
    """A job that people wait for: its name in worker.JOBS, its limit, and how it is spoken of."""

    name: str
    doing: str  # "Looking for hard negatives"
    seconds: float  # for all of it, libraries and models included; then its process is ended
    advice: str  # what to do where that is too little


@dataclass(frozen=True)
class Sign:
    """How far a job has come, 0 to 1, and what it does just now."""

    share: float
    words: str = ""


def watched(job: Job, message: dict[str, Any]) -> Iterator[Sign | dict[str, Any]]:
    """Yield signs of a job, and last its answer; raise StudioError where it fails or is late.

    The job gets a file's path as `progress`, and writes [share, words] there. Whoever stops asking
    ends its process.
    """
    yield Sign(0.0)
    yield from _turn(job)
    try:
        with tempfile.TemporaryDirectory(prefix="ststudio-job-") as scratch:
            yield from _followed(job, message, Path(scratch) / "progress.json")
    finally:
        _ONE.release()


def last(signs: Iterator[Sign | dict[str, Any]]) -> dict[str, Any]:
    """Return a job's answer, for who does not care how far it has come."""
    *_, found = signs
    assert isinstance(found, dict)
    return found


def _turn(job: Job) -> Iterator[Sign]:
    """Wait for the job of somebody else; the lock is held when this ends."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not _ONE.acquire(timeout=POLL_SECONDS):
        if time.monotonic() > deadline:
            raise StudioError(
                f"{job.doing} has to wait: others have such work done just now. Try again in a "
                "minute."
            )
        yield Sign(0.0, "Waiting for another visitor's work")


def _followed(job: Job, message: dict[str, Any], progress: Path) -> Iterator[Sign | dict[str, Any]]:
    child = Child(job.name, get_settings().folder / "home")
    deadline = time.monotonic() + job.seconds
    try:
        child.send({**message, "progress": str(progress)})
        while time.monotonic() < deadline:
            try:
                yield child.receive(POLL_SECONDS)
                return
            except TimeoutError:
                yield Sign(*(read_json(progress) or (0.0,)))
        raise StudioError(
            f"{job.doing} took more than {job.seconds:.0f} seconds and was ended. {job.advice}"
        )
    except ChildDied as death:
        raise StudioError(f"{job.doing} failed, try again. {death}") from None
    finally:
        child.kill()  # also where the page was closed meanwhile
