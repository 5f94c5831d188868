"""Every fault at every call of a push: a sentence in time, nothing left, and then one commit."""

from __future__ import annotations

import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ststudio.errors import StudioError
from ststudio.hub.push import push, push_state
from ststudio.runs.run import Run
from ststudio.settings import get_settings
from tests.hub.server import Hub
from tests.push.conftest import ALICE, MakeRun
from tests.push.test_push import check_whole

MODEL = "/api/models/alice/model"
CALLS = {  # in the order of a clean push, as its record has them
    "whoami": r"GET /api/whoami-v2$",
    "create": r"POST /api/repos/create$",
    "look": rf"GET {MODEL}$",
    "preupload": rf"POST {MODEL}/preupload/main",
    "batch": r"POST /alice/model\.git/info/lfs/objects/batch$",
    "upload": r"PUT /lfs-storage/",
    "verify": r"POST /alice/model\.git/info/lfs/objects/verify$",
    "yaml": r"POST /api/validate-yaml$",
    "commit": rf"POST {MODEL}/commit/main",
    "list": rf"GET {MODEL}/revision/\w{{40}}",
    "load back": r"GET /alice/model/resolve/\w{40}/",
}
FOREVER: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429},
    "long Retry-After": {"status": 429, "retry_after": 3_600},
    "hang": {"hang_seconds": 120},
    "reset": {"reset": True},
    "truncated body": {"truncate": True},
    "expired token": {"status": 401},
    "no write right": {"status": 403},
}
ONCE: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "lost answer": {"reset": True, "after": True},
}
# One for each fault in the fast suite, at calls that differ in who repeats them.
FAST = {
    ("500", "preupload"),
    ("429", "create"),
    ("long Retry-After", "upload"),
    ("hang", "commit"),
    ("reset", "look"),
    ("truncated body", "batch"),
    ("expired token", "verify"),
    ("no write right", "commit"),
    ("lost answer", "commit"),
}
# The push gets there all the same: an upload's answer has no body to cut, and the second try finds
# that what was asked for has been done.
OVERCOME = {
    ("truncated body", "upload"),
    ("500", "verify"),
    ("429", "verify"),
    ("truncated body", "commit"),
}
SECONDS = 30


def grid(faults: dict[str, dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(
            fault,
            call,
            id=f"{fault}-{call}",
            marks=() if (fault, call) in FAST else pytest.mark.slow,
        )
        for fault in faults
        for call in CALLS
    ]


@pytest.fixture(autouse=True)
def impatient(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer 1 s where a person's app waits 10."""
    monkeypatch.setenv("STSTUDIO_HUB_SECONDS", "1")
    get_settings.cache_clear()


def left_behind() -> list[str]:
    """Return the threads that a push has left, the loopback Hub's own aside."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("push of")]


def test_the_calls_of_a_clean_push_are_these(hub: Hub, run: Run) -> None:
    push(run, ALICE, "model")

    made = []
    for request in hub.requests:
        target = f"{request.method} {request.path}"
        names = [name for name, match in CALLS.items() if re.match(match, target)]
        assert len(names) == 1, target
        made += names if names[0] not in made else []
    assert made == list(CALLS)


@pytest.mark.parametrize(("fault", "call"), grid(FOREVER))
def test_a_fault_is_told_in_time_and_the_push_repeated(
    hub: Hub, run: Run, fault: str, call: str
) -> None:
    armed = hub.fail(CALLS[call], **FOREVER[fault], times=None)
    start = time.monotonic()

    said = outcome(run)

    assert time.monotonic() - start < SECONDS
    assert armed.hits >= 1
    assert (said == "") == ((fault, call) in OVERCOME), said
    assert said == "" or (len(said) > 40 and said.endswith(".") and "Error" not in said), said
    assert left_behind() == []
    hub.faults.clear()
    assert push(run, ALICE, "model")["verified"]
    check_whole(hub, run, "alice/model")


@pytest.mark.parametrize(("fault", "call"), grid(ONCE))
def test_a_fault_that_passes_leads_to_one_whole_commit(
    hub: Hub, run: Run, fault: str, call: str
) -> None:
    hub.fail(CALLS[call], **ONCE[fault])

    if outcome(run):
        assert push(run, ALICE, "model")["verified"]

    assert left_behind() == []
    check_whole(hub, run, "alice/model")


def test_several_large_files_are_not_left_to_threads_that_go_on_for_minutes(
    hub: Hub, make_run: MakeRun, tiny_model: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "dense"
    shutil.copytree(tiny_model, whole)
    (whole / "2_Dense").mkdir()
    (whole / "2_Dense" / "model.safetensors").write_bytes(bytes(1_000))
    run = make_run(whole)
    hub.fail(CALLS["upload"], status=500, times=None)
    start, threads = time.monotonic(), threading.active_count()

    assert "error (500)" in outcome(run)

    assert time.monotonic() - start < 5
    assert threading.active_count() <= threads + 1  # a connection of the loopback Hub's


def outcome(run: Run) -> str:
    """Push, and return the sentence that tells what went wrong."""
    try:
        pushed = push(run, ALICE, "model")
    except StudioError as error:
        return str(error)
    state = push_state(run)
    assert state is not None
    assert pushed["verified"] == (state["reason"] is None)
    return state["reason"] or ""
