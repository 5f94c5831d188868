import json
import threading
from pathlib import Path

import pytest

from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def test_a_run_is_found_by_its_id_and_owned_by_its_key(store: RunStore) -> None:
    run, key = store.create({"source": {}}, {"title": "t"})
    assert store.open(run.id) == run
    assert store.owned(run.id, key) == run
    assert run.state["state"] == "queued"


@pytest.mark.parametrize("run_id", ["", "../etc", "0" * 31, "0" * 32, "g" * 32, None, "A" * 32])
def test_an_unknown_id_is_explained(store: RunStore, run_id: str) -> None:
    with pytest.raises(StudioError):
        store.open(run_id)


@pytest.mark.parametrize("key", ["", "0" * 32, None, 5])
def test_a_wrong_key_owns_nothing(store: RunStore, key: str) -> None:
    run, _ = store.create({}, {})
    with pytest.raises(StudioError, match="owner key"):
        store.owned(run.id, key)


def test_the_key_is_nowhere_on_the_disk(store: RunStore) -> None:
    run, key = store.create({"source": {}}, {})
    for file in run.path.rglob("*"):
        assert key not in file.read_text(encoding="utf-8")


def test_a_reader_never_sees_half_a_state(store: RunStore) -> None:
    run, _ = store.create({}, {})
    done = threading.Event()

    def write() -> None:
        for step in range(300):
            run.update(step=step, padding="x" * 2_000)
        done.set()

    threading.Thread(target=write).start()
    while not done.is_set():
        assert run.state["state"] == "queued"
    assert run.state["step"] == 299


def test_a_log_line_still_being_written_is_left_for_later(store: RunStore) -> None:
    run, _ = store.create({}, {})
    run.append_log({"step": 1, "loss": 0.5})
    with (run.path / "log.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert run.log() == [{"step": 1, "loss": 0.5}]
    with (run.path / "log.jsonl").open("a") as file:
        file.write('ss": 0.4}\n')
    assert run.log(since=1) == [{"step": 2, "loss": 0.4}]


def test_a_deleted_run_is_gone_as_a_whole(store: RunStore) -> None:
    run, _ = store.create({}, {})
    store.delete(run)
    assert list(store) == []
    assert list(store.folder.iterdir()) == []


def test_runs_come_in_the_order_they_were_made(store: RunStore) -> None:
    made = [store.create({}, {})[0] for _ in range(3)]
    for number, run in enumerate(made):
        run.update(created=float(10 - number))
    assert [run.id for run in store] == [run.id for run in reversed(made)]


def test_facts_and_report_are_json(store: RunStore) -> None:
    run, _ = store.create({}, {"notes": ["a"]})
    run.add_notes(["b"])
    assert run.facts["notes"] == ["a", "b"]
    run.write("report", {"delta": 0.1})
    assert json.loads((run.path / "report.json").read_text()) == run.report
    assert Run(run.path).push is None
