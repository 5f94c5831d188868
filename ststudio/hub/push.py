"""A push as a job of the app: it outlives the page, says where it stands, and ends in time."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ststudio.errors import StudioError
from ststudio.hub.account import whoami
from ststudio.hub.package import contents_of, propose_name, size, zip_model
from ststudio.hub.repository import Repository
from ststudio.remote import endpoint
from ststudio.runs.run import Run
from ststudio.settings import get_settings

__all__ = ["propose_name", "push", "push_state", "start_push", "wait", "zip_model"]

log = logging.getLogger(__name__)

SHOWN_EVERY = 0.5  # seconds between two writes of the progress

INTERRUPTED = "The app was restarted during the push. Push again: what arrived is not sent twice."


@dataclass(frozen=True)
class Wish:
    """What the visitor asks for."""

    repo_name: str
    private: bool
    include_samples: bool


@dataclass
class Job:
    """One push under way; the first to end it has the last word."""

    run: Run
    wish: Wish
    deadline: float
    state: dict[str, Any]
    thread: threading.Thread | None = None
    ended: bool = False
    read: dict[str, int] = field(default_factory=dict)  # bytes of each file that were sent
    shown: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def tell(self, **changes: Any) -> None:
        """Show where the push stands; raise StudioError where it should not go on."""
        with self.lock:
            self.check()
            self.state |= changes
            self._write()
            self.check()  # the run may have been deleted

    def check(self) -> None:
        """Raise StudioError where the push is late, or its run is gone."""
        self.expire()
        if self.ended:
            raise StudioError(str(self.state["reason"]))

    def count(self, path: str, position: int) -> None:
        """Take note of how far a file was read, and show it now and then."""
        self.read[path] = position
        self.check()
        if time.monotonic() - self.shown > SHOWN_EVERY:
            self.shown = time.monotonic()
            self.tell(bytes=min(sum(self.read.values()), self.state["total"]))

    def end(self, **outcome: Any) -> None:
        """Write the outcome, unless there is one already."""
        with self.lock:
            if not self.ended:
                self.ended = True
                self.state |= outcome
                self._write()

    def expire(self) -> None:
        """End a push that takes too long; its thread stops at its next step."""
        if time.monotonic() > self.deadline:
            seconds = get_settings().push_seconds
            reason = f"The push took more than {seconds} s and was ended. Push again, it goes on."
            self.end(state="failed", reason=reason)

    def _write(self) -> None:
        try:
            self.run.write("push", self.state)
        except FileNotFoundError:
            self.ended = True
            self.state["reason"] = "The run was deleted during the push."


_JOBS: dict[str, Job] = {}
_STARTING = threading.Lock()


def start_push(
    run: Run, token: str | None, repo_name: str, private: bool = True, include_samples: bool = False
) -> dict[str, Any]:
    """Start pushing in the background, or join the push that runs; return where it stands."""
    if not (run.has_model and run.ended):
        raise StudioError("This run has no fine-tuned model to push. Wait until it has finished.")
    # Whatever a caller sends that is neither true nor false: what is private stays private.
    wish = Wish(repo_name, private is not False, include_samples is True)
    with _STARTING:
        job = _JOBS.get(run.id)
        if job is None or job.ended:
            job = _job(run, wish)
            name = f"push of {run.id}"
            job.thread = threading.Thread(target=_work, args=(job, token), name=name, daemon=True)
            _JOBS[run.id] = job
            job.tell()
            job.thread.start()
    return dict(job.state)


def wait(run: Run, seconds: float) -> dict[str, Any] | None:
    """Wait for the push of a run, at most so long; return where it stands."""
    job = _JOBS.get(run.id)
    if job is not None and job.thread is not None:
        job.thread.join(max(0.0, min(seconds, job.deadline - time.monotonic() + 0.1)))
    return push_state(run)


def push(
    run: Run, token: str | None, repo_name: str, private: bool = True, include_samples: bool = False
) -> dict[str, Any]:
    """Push and wait for it: {url, commit, verified}; raise StudioError where it failed."""
    start_push(run, token, repo_name, private, include_samples)
    state = wait(run, get_settings().push_seconds + 1)
    if state is None or state["state"] != "done":
        raise StudioError((state or {}).get("reason") or "The run was deleted during the push.")
    return {key: state[key] for key in ("url", "commit", "verified")}


def push_state(run: Run) -> dict[str, Any] | None:
    """Return where the push stands; one that nobody carries on any more has failed."""
    job = _JOBS.get(run.id)
    if job is not None:
        job.expire()
    state = run.push
    if state and state["state"] == "running" and job is None and run.id not in _JOBS:
        return {**state, "state": "failed", "reason": INTERRUPTED}
    return state


def _job(run: Run, wish: Wish) -> Job:
    state = {
        "state": "running",
        "stage": "signing in",
        "bytes": 0,
        "total": 0,
        "repo": None,
        "url": None,
        "commit": None,
        "verified": None,
        "reason": None,
    }
    return Job(run, wish, time.monotonic() + get_settings().push_seconds, state)


def _work(job: Job, token: str | None) -> None:
    try:
        _push(job, token)
    except StudioError as error:
        job.end(state="failed", reason=str(error))
    except Exception as error:  # its text could hold what was sent: only its name is told
        if job.run.path.exists():
            log.error("A push failed unexpectedly (%s).", type(error).__name__)
        job.end(state="failed", reason=f"The push failed ({type(error).__name__}). Push again.")
    finally:
        with _STARTING:
            if _JOBS.get(job.run.id) is job:
                del _JOBS[job.run.id]


def _push(job: Job, token: str | None) -> None:
    run, wish = job.run, job.wish
    repo = Repository(whoami(token).repo_id(wish.repo_name), token)
    contents = contents_of(run, wish.include_samples, repo.id)
    total = sum(map(size, contents.values()))
    job.tell(stage="making the repository", repo=repo.id, total=total)
    repo.make(wish.private)
    job.tell(stage="uploading")
    commit = repo.update(contents, wish.private, job.count)
    url = f"{endpoint()}/{repo.id}"
    job.tell(stage="loading it back", bytes=total, url=url, commit=commit)
    try:
        verified, reason = repo.same_vectors(commit, contents, run.model_dir, job.check), None
    except StudioError as error:  # the model is there; only the proof is missing
        verified, reason = False, f"It is on the Hub, but could not be loaded back: {error}"
    job.end(state="done", stage="done", verified=verified, reason=reason)
