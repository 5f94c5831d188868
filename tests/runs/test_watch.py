"""When a run is ended from outside, told from its directory."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.runs.watch import Watch
from ststudio.settings import Settings


def run_of(folder: Path, silent: float, **state: Any) -> Run:
    """Return a run that trains and was last heard of so many seconds ago."""
    run, _ = RunStore(folder).create({"max_seconds": 300}, {})
    run.update(state="running", phase="training", step=7, **state)
    heard = time.time() - silent
    os.utime(run.path / "state.json", (heard, heard))
    return run


@pytest.mark.parametrize(
    ("past", "silent", "patience", "hung"),
    [
        (9, 9, 8, True),  # a loss that sleeps
        (7, 200, 8, False),  # its time is hardly over
        (9, 9, 40, False),  # its steps take 20 seconds each
        (60, 41, 40, True),
        (-100, 150, 8, False),  # a long step, but there is time
    ],
)
def test_past_its_time_a_run_may_be_silent_as_long_as_its_steps_are_long(
    tmp_path: Path, past: float, silent: float, patience: float, hung: bool
) -> None:
    run = run_of(tmp_path, silent, until=time.time() - past, patience=patience)
    reason = Watch(run, Settings()).reason()
    assert (reason is not None) == hung
    if reason:
        assert "Near step 7 training stood still" in reason


def test_a_stop_brings_the_end_of_its_time_forward(tmp_path: Path) -> None:
    run = run_of(tmp_path, 20, until=time.time() + 250, patience=8)
    watch = Watch(run, Settings())
    assert watch.reason() is None
    run.ask_to_stop()
    asked = time.time() - 9
    os.utime(run.path / "stop", (asked, asked))
    assert watch.reason() is not None


def test_a_line_in_the_log_is_a_sign_of_life(tmp_path: Path) -> None:
    run = run_of(tmp_path, 20, until=time.time() - 20, patience=8)
    run.append_log({"step": 8})
    assert Watch(run, Settings()).reason() is None


def test_measuring_has_no_steps_to_hang_in(tmp_path: Path) -> None:
    run = run_of(tmp_path, 20, until=time.time() - 20, patience=8)
    run.update(phase="measuring")
    assert Watch(run, Settings()).reason() is None
