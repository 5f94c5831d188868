"""Each way a run can go wrong ends it with its reason, and the next one starts."""

import json
import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ststudio.child import Child
from ststudio.runs.launch import ChildDoor
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.settings import Settings
from tests.runs.faulty import slow_child, tiny_run
from tests.training.tiny import tiny_model

ENDLESS = {"max_steps": 100_000, "eval_steps": 100_000, "max_seconds": 200}
LOGGED = {"max_steps": 199, "eval_steps": 199, "max_seconds": 200}  # each of its steps


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder / "parts").save_pretrained(str(folder / "model"))
    return folder / "model"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("faults") / "runs")


@pytest.fixture(scope="module")
def door(store: RunStore) -> Iterator[ChildDoor]:
    """Return the door that every fault goes through: each one's next run starts."""
    door = ChildDoor(Settings(data=str(store.folder.parent)))
    door.warm()
    yield door
    door.close()


class Training:
    """A run under way on a thread."""

    def __init__(self, door: ChildDoor, run: Run) -> None:
        self.run, self.door = run, door
        self.thread = threading.Thread(target=door.train, args=[run])
        self.thread.start()

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 100
        while not condition():
            assert not self.run.ended, self.run.state
            assert time.monotonic() < deadline, self.run.state
            time.sleep(0.01)

    def worker(self) -> Child:
        self.until(lambda: self.run.state.get("step", 0) >= 1)
        assert self.door._busy is not None
        return self.door._busy

    def ended_within(self, seconds: float) -> str:
        """Return the reason of a failure that came in time and left no process behind."""
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        assert self.run.state["state"] == "failed", self.run.state
        assert self.door._warm is not None and self.door._warm.alive
        return str(self.run.state["reason"])


def next_one_finishes(door: ChildDoor, store: RunStore, base: Path) -> None:
    run = tiny_run(store, base, max_steps=2)
    door.train(run)
    assert run.state["state"] == "finished", run.state


@pytest.mark.slow
def test_a_worker_killed_while_it_trains(door: ChildDoor, store: RunStore, base: Path) -> None:
    training = Training(door, tiny_run(store, base, **ENDLESS))
    worker = training.worker()
    os.kill(worker.process.pid, signal.SIGKILL)
    assert "killed" in training.ended_within(10)
    assert not Path(f"/proc/{worker.process.pid}").exists()
    next_one_finishes(door, store, base)


@pytest.mark.slow
def test_a_worker_without_memory(door: ChildDoor, store: RunStore, base: Path) -> None:
    training = Training(door, tiny_run(store, base, **ENDLESS, per_device_train_batch_size=128))
    worker = training.worker()
    pid = worker.process.pid
    in_use = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (in_use // 2, in_use // 2))
    assert "memory" in training.ended_within(10)
    assert not Path(f"/proc/{pid}").exists()
    next_one_finishes(door, store, base)


@pytest.mark.slow
def test_a_panic_in_a_tokenizer(door: ChildDoor, store: RunStore, base: Path) -> None:
    broken = base.with_name("panics")
    shutil.copytree(base, broken)
    file = broken / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[GONE]", "type_id": 0}}],
        "pair": [{"SpecialToken": {"id": "[GONE]", "type_id": 0}}],
        "special_tokens": {},
    }
    file.write_text(json.dumps(tokenizer))
    config = broken / "tokenizer_config.json"  # a class that takes the file as it is
    named = {**json.loads(config.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
    config.write_text(json.dumps(named))
    training = Training(door, tiny_run(store, broken))
    assert "PanicException" in training.ended_within(60)
    next_one_finishes(door, store, base)


@pytest.mark.slow
def test_a_loss_that_sleeps_is_ended_within_ten_seconds_of_its_time(
    store: RunStore, base: Path
) -> None:
    door = ChildDoor(Settings(data=str(store.folder.parent)), make_child=slow_child(600, 3))
    door.warm()
    training = Training(door, tiny_run(store, base, **{**LOGGED, "max_seconds": 5}))
    worker = training.worker()
    left = float(training.run.state["until"]) - time.time()
    reason = training.ended_within(left + 10)
    assert "training stood still" in reason
    assert not Path(f"/proc/{worker.process.pid}").exists()
    door.close()


@pytest.mark.slow
def test_stop_during_a_step_that_sleeps_does_not_wait_for_the_time_limit(
    store: RunStore, base: Path
) -> None:
    door = ChildDoor(Settings(data=str(store.folder.parent)), make_child=slow_child(600, 3))
    door.warm()
    training = Training(door, tiny_run(store, base, **LOGGED))
    training.until(lambda: sum("loss" in entry for entry in training.run.log()) >= 2)
    training.run.ask_to_stop()
    assert "stood still" in training.ended_within(20)
    door.close()


@pytest.mark.slow
def test_stop_comes_within_one_step_and_keeps_what_was_learned(store: RunStore, base: Path) -> None:
    door = ChildDoor(Settings(data=str(store.folder.parent)), make_child=slow_child(0.5, 1))
    door.warm()
    run = tiny_run(store, base, **LOGGED)
    training = Training(door, run)

    def steps() -> list[int]:
        return [entry["step"] for entry in run.log() if "loss" in entry]

    training.until(lambda: len(steps()) >= 3)
    run.ask_to_stop()
    last = steps()[-1]
    training.thread.join(60)
    assert run.state["state"] == "stopped", run.state
    assert steps()[-1] <= last + 1
    assert [entry["step"] for entry in run.log() if "metric" in entry][-1] == steps()[-1]
    assert run.has_model and run.report is not None
    door.close()
