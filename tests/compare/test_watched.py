"""A watched job: its answer, its failures in words, and that nothing of it is left behind."""

import os
from pathlib import Path

import pytest

from ststudio.compare.watched import Job, Sign, last, watched
from ststudio.errors import StudioError
from tests.compare.conftest import ComparedRun

SIZES = Job("sizes", "Measuring the sizes", seconds=100.0, advice="Take fewer texts.")


def message(run: ComparedRun) -> dict[str, object]:
    return {
        "embeddings": str(run.embeddings_dir),
        "examples": str(run.examples_dir),
        "trained": [64],
    }


def children() -> set[str]:
    """Return the processes that this one has started and that still run."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_signs_come_before_the_answer(compared: ComparedRun) -> None:
    *signs, found = watched(SIZES, message(compared))
    assert isinstance(found, dict) and found["rows"]
    shares = [sign.share for sign in signs if isinstance(sign, Sign)]
    assert len(shares) == len(signs) and shares == sorted(shares) and shares[0] == 0.0


def test_a_job_that_is_late_is_ended_and_says_what_to_do(compared: ComparedRun) -> None:
    before = children()
    late = Job("sizes", "Measuring the sizes", seconds=0.3, advice="Take fewer texts.")
    with pytest.raises(StudioError, match="took more than 0 seconds.*Take fewer texts"):
        last(watched(late, message(compared)))
    assert children() <= before


def test_a_job_that_dies_says_so(compared: ComparedRun, tmp_path: Path) -> None:
    lost = {**message(compared), "embeddings": str(tmp_path / "gone")}
    with pytest.raises(StudioError, match="Measuring the sizes failed, try again"):
        last(watched(SIZES, lost))


def test_who_stops_asking_ends_the_process_and_frees_the_place(compared: ComparedRun) -> None:
    before = children()
    asked = watched(SIZES, message(compared))
    next(asked), next(asked)
    assert children() - before
    asked.close()  # type: ignore[attr-defined]
    assert children() <= before
    assert last(watched(SIZES, message(compared)))["rows"]
