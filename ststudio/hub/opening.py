"""Pushed models opened again, as jobs: each becomes a run to look at, which nobody owns."""

import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ststudio.errors import StudioError
from ststudio.fetch import Progress, download_model, resolve_model
from ststudio.hub.account import account_of
from ststudio.hub.pushed import Pushed, look_up
from ststudio.remote import HubAway
from ststudio.runs.lineup import base_facts
from ststudio.runs.model_facts import EARLIER_RUN
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.training.racers import public_name

State = Literal["running", "done", "failed"]
MOST_AT_ONCE = 4  # models on their way: each may have a gigabyte
MOST_REMEMBERED = 100  # jobs that have ended, whose outcome a page may still ask for

NOT_SHARED = "Its recipe starts from another run's model, which is not on the Hub"
BUILT = "It was built from layers, so what it was before training is not on the Hub"


@dataclass
class Job:
    """One model on its way."""

    name: str
    deadline: float
    state: State = "running"
    words: str = "Asking the Hub"
    share: float = 0.0
    run: str | None = None
    reason: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def tell(self, what: str) -> Progress:
        """Return what counts the bytes of one model; it raises StudioError where that is late."""

        def count(done: int, total: int) -> None:
            self.words = f"Fetching {what}, {done >> 20} of {total >> 20} MB"
            self.share = done / max(total, 1)
            if time.monotonic() > self.deadline:
                seconds = get_settings().push_seconds
                raise StudioError(f"That took more than {seconds} s. Try again in a while.")

        return count


@dataclass(frozen=True)
class Base:
    """The model that a pushed one started from, as far as it is to be had."""

    facts: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    note: str | None = None  # why it is not
    is_own: bool = False  # not everyone gets the same


_JOBS: dict[str, Job] = {}
_GUARD = threading.Lock()
_MAKING = threading.Lock()  # two who open the same model get the same run


def start_opening(name: str, token: str | None = None) -> str:
    """Begin to open a pushed model in the background; return the id of the job."""
    job = Job(name, time.monotonic() + get_settings().push_seconds)
    with _GUARD:
        if sum(other.state == "running" for other in _JOBS.values()) >= MOST_AT_ONCE:
            raise StudioError(
                f"{MOST_AT_ONCE} models are being fetched for others just now. Reload in a minute."
            )
        for old in [key for key, other in _JOBS.items() if other.state != "running"]:
            if len(_JOBS) >= MOST_REMEMBERED:
                del _JOBS[old]
        _JOBS[job.id] = job
    threading.Thread(target=_work, args=(job, token), daemon=True).start()
    return job.id


def opening_state(job_id: str) -> dict[str, Any]:
    """Say where opening stands: state, words, share, and last the run or the reason."""
    job = _JOBS.get(job_id)
    if job is None:
        return {"state": "failed", "reason": "The app was restarted meanwhile. Reload the page."}
    return {name: getattr(job, name) for name in ("state", "words", "share", "run", "reason")}


def _work(job: Job, token: str | None) -> None:
    try:
        job.run = _open(job, token).id
        job.state = "done"
    except StudioError as error:
        job.reason, job.state = str(error), "failed"
    except Exception as error:  # its text could hold what was sent: only its name is told
        job.reason = f"{job.name} could not be opened ({type(error).__name__}). Try again."
        job.state = "failed"


def open_pushed(name: str, token: str | None = None) -> Run:
    """Open a pushed model as a run to look at; raise StudioError where it is none."""
    return _open(Job(name, time.monotonic() + get_settings().push_seconds), token)


def _open(job: Job, token: str | None) -> Run:
    pushed = look_up(job.name, token)
    who = account_of(token).name if token else ""
    known = _opened_before(pushed, who)
    if known is not None:
        return known
    found = resolve_model({"id": pushed.id, "revision": pushed.revision}, token)
    with get_store().scratch() as scratch:
        model = scratch / "model"
        fetched = download_model(found, job.tell(pushed.id), token, model)
        if fetched != model:  # it is one that others train from
            shutil.copytree(fetched, model)
        base = _base(pushed, job, token)
        own = pushed.private or base.is_own
        opened = {"id": pushed.id, "revision": pushed.revision, "for": who if own else None}
        with _MAKING:
            return _opened_before(pushed, who) or _made(pushed, model, base, opened)


def _base(pushed: Pushed, job: Job, token: str | None) -> Base:
    """Fetch the base that the recipe names; where that is not to be had, say why."""
    named = pushed.recipe["base_model"]
    if pushed.recipe["modules"]:
        return Base(note=BUILT)
    if named == public_name(EARLIER_RUN):
        return Base(note=NOT_SHARED)
    try:
        found = resolve_model(named, token)
        folder = download_model(found, job.tell(f"its base, {found.id}"), token)
        return Base(base_facts(found), folder, is_own=found.private)
    except HubAway:
        raise
    except StudioError as error:
        return Base(note=f"Its base model could not be opened: {error}", is_own=True)


def _made(pushed: Pushed, model: Path, base: Base, opened: dict[str, Any]) -> Run:
    facts = pushed.facts | {"base_model": base.facts, "notes": [base.note] if base.note else []}
    # The key is thrown away: nobody stops, deletes or pushes what belongs to its author.
    run, _ = get_store().create(pushed.recipe, facts)
    run.write("report", pushed.report)
    run.write_opened(opened, model, base.folder)
    return run


def _opened_before(pushed: Pushed, who: str) -> Run | None:
    """Find the run of the same commit, where all in it is for everyone, or for this person."""
    for run in get_store():
        with suppress(OSError, ValueError):  # deleted meanwhile
            opened = run.opened or {}
            same = (opened.get("id"), opened.get("revision")) == (pushed.id, pushed.revision)
            if same and opened["for"] in (None, who) and run.ended:
                return run
    return None
