"""Runs on ZeroGPU: the real `spaces` with its fork, pickling and queue, on a CPU."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from ststudio.runs.lease import in_words, lease_seconds, on_zero_gpu, train_leased
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from tests.conftest import wait
from tests.runs.zerogpu.scheduler import Scheduler
from tests.served import ROOT, App

SOURCE = {"kind": "builtin", "id": "sample-triplet"}
SHORT = {"source": SOURCE, "max_steps": 3, "eval_steps": 3, "max_seconds": 20}
LONG = {**SHORT, "max_steps": 200, "eval_steps": 2, "max_seconds": 60, "warmup_steps": 0}
PAYLOAD = base64.urlsafe_b64encode(json.dumps({"user": "ada"}).encode()).decode().rstrip("=")
TOKEN = f"head.{PAYLOAD}.signature"


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.close()


@pytest.fixture(scope="module")
def space(scheduler: Scheduler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return the app on a ZeroGPU Space, called by a visitor with a quota token."""
    zero = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": scheduler.url}
    app = App(tmp_path_factory.mktemp("space"), zero, "tests/runs/zerogpu/app.py")
    app.headers = {"x-ip-token": TOKEN}
    yield app
    app.close()
    for lease in scheduler.of("/allow"):  # a Space's container takes them with it
        with suppress(ProcessLookupError):
            os.kill(int(lease["pid"]), signal.SIGKILL)


def start(space: App, recipe: dict[str, Any]) -> Run:
    started = space.call("start_run", recipe=recipe)
    return RunStore(space.folder / "runs").open(started["run"])


def until(condition: Any, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def finished(space: App) -> Run:
    return wait(start(space, SHORT))


@pytest.mark.slow
def test_a_run_is_trained_in_a_fork_on_the_visitors_own_quota(
    space: App, scheduler: Scheduler, finished: Run
) -> None:
    run = finished
    assert run.state["state"] == "finished", run.state
    assert run.report is not None and run.has_model
    assert len(scheduler.of("/startup-report")) == 1
    asked = scheduler.of("/schedule")[-1]
    assert asked["token"] == TOKEN
    assert asked["durationSeconds"] == str(lease_seconds(str(run.path))) == "44"
    fork = int(scheduler.of("/allow")[-1]["pid"])
    assert fork == run.state["worker"] != space.process.pid
    until(lambda: scheduler.of("/release"), 10)
    assert scheduler.of("/release")[-1]["fail"] == "false"
    assert not list(run.path.glob("scratch"))


@pytest.mark.slow
def test_a_search_needs_no_gpu(space: App, scheduler: Scheduler, finished: Run) -> None:
    leases = len(scheduler.of("/schedule"))
    found = space.call("search", run=finished.id, query="my lamp is gone", top_k=3)
    assert len(found["tuned"]) == 3
    assert len(scheduler.of("/schedule")) == leases


@pytest.mark.slow
def test_a_quota_that_does_not_suffice_is_said_in_the_platforms_words(
    space: App, scheduler: Scheduler
) -> None:
    scheduler.quota_left = 20
    try:
        run = wait(start(space, SHORT))
    finally:
        scheduler.quota_left = None
    assert run.state["state"] == "failed"
    assert "(44s requested vs. 20s left). Try again in 1:30:00" in run.state["reason"]
    assert "Nothing of yours is lost" in run.state["reason"]


@pytest.mark.slow
def test_two_visitors_wait_for_a_gpu_at_once_and_see_it(space: App, scheduler: Scheduler) -> None:
    scheduler.busy.set()
    started = [space.call("start_run", recipe=SHORT) for _ in range(2)]
    runs = [RunStore(space.folder / "runs").open(one["run"]) for one in started]
    try:
        until(lambda: all(run.state.get("phase") == "waiting for a GPU" for run in runs))
        assert space.call("run_state", run=runs[1].id)["position"] == 0
        space.call("stop_run", run=runs[1].id, key=started[1]["key"])
    finally:
        scheduler.busy.clear()
    assert wait(runs[0]).state["state"] == "finished"
    assert wait(runs[1]).state["reason"] == "Stopped before it began; there is no model."


@pytest.mark.slow
def test_a_lease_that_ends_keeps_the_last_evaluated_model_and_measures_it(
    space: App, scheduler: Scheduler
) -> None:
    run = start(space, LONG)
    until(lambda: run.kept_file.exists())
    os.kill(run.state["worker"], signal.SIGKILL)  # as the platform does
    wait(run)
    assert (run.state["state"], run.state["reason"]) == ("finished", "lease_ended")
    assert run.has_model and run.report is not None
    assert 2 * 16 <= run.report["rows_used"] < 200 * 16
    base, tuned = (np.load(run.embeddings_dir / f"{name}.npy") for name in ("base", "tuned"))
    assert np.abs(base - tuned).max() > 1e-4  # it is no base model that was kept
    until(lambda: scheduler.of("/release")[-1]["fail"] == "true", 10)


@pytest.mark.slow
def test_a_lease_that_ends_before_anything_was_kept_says_so(space: App) -> None:
    run = start(space, {**LONG, "eval_steps": 200})
    until(lambda: run.state.get("step", 0) >= 1)
    os.kill(run.state["worker"], signal.SIGKILL)
    wait(run)
    assert run.state["state"] == "failed"
    assert "lost its GPU before anything could be kept" in run.state["reason"]


@pytest.mark.slow
def test_a_run_that_is_deleted_gives_its_gpu_back(space: App, scheduler: Scheduler) -> None:
    started = space.call("start_run", recipe=LONG)
    run = RunStore(space.folder / "runs").open(started["run"])
    until(lambda: run.state.get("step", 0) >= 1)
    released = len(scheduler.of("/release"))
    space.call("delete_run", run=run.id, key=started["key"])
    until(lambda: len(scheduler.of("/release")) > released, 10)
    assert not run.path.exists()


def test_the_fork_holds_no_token_and_asks_no_hub(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from ststudio.runs.lease import enter_lease\n"
        "import huggingface_hub\n"
        "enter_lease(Path(sys.argv[1]))\n"
        "assert 'secret' not in str(os.environ), os.environ\n"
        "try: huggingface_hub.model_info('bert-base-uncased')\n"
        "except Exception as error: print('HF_HUB_OFFLINE is set' in str(error))\n"
    )
    secrets = {"HF_TOKEN": "hf_secret", "OAUTH_CLIENT_SECRET": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "True", done.stdout + done.stderr


@pytest.mark.parametrize(("asked", "seconds"), [(5, 29), (40, 64), (300, 420)])
def test_a_lease_covers_loading_training_and_measuring(
    tmp_path: Path, asked: float, seconds: int
) -> None:
    run, _ = RunStore(tmp_path).create({"max_seconds": asked}, {})
    assert lease_seconds(str(run.path)) == seconds


def test_off_zerogpu_nothing_is_leased() -> None:
    assert not on_zero_gpu()
    assert not hasattr(train_leased, "zerogpu")


def test_a_refusal_is_said_with_its_title() -> None:
    refused = gr.Error("You have exceeded your quota.", title="ZeroGPU quota exceeded")
    assert in_words(refused) == "ZeroGPU quota exceeded: You have exceeded your quota."
    assert in_words(RuntimeError("no answer")) == "RuntimeError: no answer"
