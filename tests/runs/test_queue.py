"""Admission and order, with real children in place of nothing."""

import os
import signal
import subprocess
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest

from ststudio.errors import StudioError
from ststudio.runs.launch import CORES_TO_SPARE, ChildDoor
from ststudio.runs.queue import Queue
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.settings import Settings
from tests.conftest import wait

VISITOR: ContextVar[str | None] = ContextVar("visitor", default=None)


class SlowDoor:
    """Compute that ends when it is told to: for the order of the queue, not for training."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.visitors: dict[str, str | None] = {}
        self.closed = False

    def train(self, run: Run) -> None:
        self.visitors[run.id] = VISITOR.get()
        run.update(state="running")  # as in a child, an OSError where the run is gone already
        while run.path.exists() and not run.stopping and not self.closed:
            time.sleep(0.01)
        if run.path.exists():
            run.end("stopped")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def queue(store: RunStore, tmp_path: Path) -> Queue:
    queue = Queue(store, SlowDoor(), Settings(data=str(tmp_path), waiting_runs=2))
    queue.start()
    return queue


def submit(queue: Queue, fetched: Path | Exception = Path(".")) -> Run:
    run, _ = queue.store.create({"source": {}}, {})

    def fetch(run: Run) -> Path:
        if isinstance(fetched, Exception):
            raise fetched
        return fetched

    queue.submit(run, fetch)
    return run


def eventually(condition: object) -> None:
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_runs_and_the_others_see_their_position(queue: Queue) -> None:
    first = submit(queue)
    eventually(lambda: queue.position(first) == 0)
    second, third = submit(queue), submit(queue)
    assert (queue.position(second), queue.position(third)) == (1, 2)
    queue.stop(first)
    eventually(lambda: queue.position(second) == 0)
    assert queue.position(third) == 1
    queue.stop(second)
    queue.stop(third)
    wait(third, 10)
    assert queue.position(first) is None


def test_a_full_queue_refuses_with_a_sentence(queue: Queue) -> None:
    first = submit(queue)
    eventually(lambda: queue.position(first) == 0)
    submit(queue)
    submit(queue)
    with pytest.raises(StudioError, match="2 runs are waiting"):
        submit(queue)
    queue.close()


def test_a_waiting_run_that_is_stopped_ends_at_once(queue: Queue) -> None:
    first = submit(queue)
    eventually(lambda: queue.position(first) == 0)
    second = submit(queue)
    queue.stop(second)
    assert second.state["state"] == "stopped"
    assert queue.position(second) is None
    queue.close()


def test_a_base_model_that_cannot_be_fetched_fails_its_run_and_no_other(queue: Queue) -> None:
    bad = submit(queue, StudioError("There is no such model."))
    wait(bad, 10)
    assert "no such model" in bad.state["reason"]
    good = submit(queue)
    eventually(lambda: queue.position(good) == 0)
    queue.close()


def test_a_running_run_can_be_deleted(queue: Queue) -> None:
    run = submit(queue)
    eventually(lambda: queue.position(run) == 0)
    queue.delete(run)
    assert not run.path.exists()
    after = submit(queue)
    eventually(lambda: queue.position(after) == 0)
    queue.close()


def test_each_run_is_trained_in_the_context_of_who_asked_for_it(
    store: RunStore, tmp_path: Path
) -> None:
    door = SlowDoor(slots=2)
    queue = Queue(store, door, Settings(data=str(tmp_path)))
    queue.start()
    asked = {}
    for visitor in ("ada", "bob", "cy"):
        VISITOR.set(visitor)
        asked[submit(queue).id] = visitor
    VISITOR.set(None)
    eventually(lambda: len(door.visitors) == 2)  # two slots; the third waits
    for run in store:
        queue.stop(run)
        eventually(lambda run=run: run.ended)
    assert door.visitors.items() <= asked.items()
    queue.close()


def test_whatever_a_door_raises_the_next_run_goes_on(store: RunStore, tmp_path: Path) -> None:
    class BrokenDoor(SlowDoor):
        def train(self, run: Run) -> None:
            raise RuntimeError("broken")

    queue = Queue(store, BrokenDoor(), Settings(data=str(tmp_path)))
    queue.start()
    for run in (submit(queue), submit(queue)):
        assert wait(run, 10).state["reason"] == "The run could not go on (RuntimeError)."
    queue.close()


def test_what_a_crash_left_is_interrupted_or_queued_again(store: RunStore, tmp_path: Path) -> None:
    running, _ = store.create({}, {})
    running.update(state="running")
    waiting, _ = store.create({}, {})
    waiting.write_base(tmp_path)
    finished, _ = store.create({}, {})
    finished.end("finished")
    queue = Queue(store, SlowDoor(), Settings(data=str(tmp_path)))
    queue.start()
    assert running.state["state"] == "interrupted"
    assert finished.state["state"] == "finished"
    eventually(lambda: queue.position(waiting) == 0)
    queue.close()


def test_a_killed_worker_fails_its_run_with_the_reason_and_the_next_one_starts(
    tmp_path: Path, store: RunStore
) -> None:
    settings = Settings(data=str(tmp_path))
    door = ChildDoor(settings)
    run, _ = store.create({"max_seconds": 30}, {})
    door.warm()
    warm = door._warm
    assert warm is not None
    os.kill(warm.process.pid, signal.SIGSTOP)
    killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {warm.process.pid}"])
    started = time.monotonic()
    door.train(run)
    killer.wait()
    assert time.monotonic() - started < 10
    assert run.state["state"] == "failed"
    assert "killed" in run.state["reason"]
    assert door._warm is not None and door._warm.alive
    door.close()


def test_the_next_worker_takes_no_core_from_a_run(tmp_path: Path, store: RunStore) -> None:
    door = ChildDoor(Settings(data=str(tmp_path)))
    run, _ = store.create({"max_seconds": 30}, {})
    door.warm()
    first = door._warm
    assert first is not None
    os.kill(first.process.pid, signal.SIGSTOP)
    training = threading.Thread(target=door.train, args=[run])
    training.start()
    time.sleep(6)
    beside = door._warm
    first.kill()
    training.join()
    assert (beside is None) == (len(os.sched_getaffinity(0)) < CORES_TO_SPARE)
    assert door._warm is not None and door._warm is not first and door._warm.alive
    door.close()


@pytest.mark.parametrize(
    ("signs_until", "ends"),
    [
        (0.0, (3.0, 5.0)),
        pytest.param(60.0, (5.0, 8.0), marks=pytest.mark.slow),
    ],
)
def test_a_late_run_that_stands_still_is_ended_and_one_with_signs_of_life_gets_twice_the_time(
    tmp_path: Path, store: RunStore, signs_until: float, ends: tuple[float, float]
) -> None:
    door = ChildDoor(Settings(data=str(tmp_path), hard_stop_seconds=1), grace_seconds=1.0)
    run, _ = store.create({"max_seconds": 1}, {})
    door.warm()
    assert door._warm is not None
    os.kill(door._warm.process.pid, signal.SIGSTOP)
    started = time.monotonic()

    def live() -> None:
        while not run.ended and time.monotonic() - started < signs_until:
            os.utime(run.path / "state.json")
            time.sleep(0.2)

    life = threading.Thread(target=live)
    life.start()
    door.train(run)
    seconds = time.monotonic() - started
    life.join()
    assert ends[0] < seconds < ends[1]
    assert "No sign of life" in run.state["reason"]
    door.close()
