"""The default run on the sample: under a minute and a win in every case, on two cores."""

import time

import pytest

from ststudio.runs.admission import start_run
from ststudio.runs.queue import get_queue
from ststudio.runs.run import VECTORS
from tests.conftest import wait


@pytest.mark.slow
@pytest.mark.parametrize("case", ["pair-score", "pair", "text-class", "triplet"])
def test_the_default_run_wins_within_a_minute(case: str) -> None:
    # A first visit: nothing is known from another case's run on the same texts.
    (get_queue().store.folder / VECTORS).unlink(missing_ok=True)
    time.sleep(15)  # the page has been open for a moment: a worker is warm
    started = time.monotonic()
    run = wait(start_run({"source": {"kind": "builtin", "id": f"sample-{case}"}})[0])
    seconds = time.monotonic() - started
    assert run.state["state"] == "finished", run.state
    report = run.report
    assert report is not None
    assert report["baseline"] <= 0.90
    assert (report["verdict"], seconds < 60) == ("WIN", True), (report, seconds)
