"""The section "Run it longer": its price before the click, what leaves, where the job stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ststudio.hub import flavors
from ststudio.runs.store import get_store
from ststudio.tabs.jobs import along_words, cost_words, job_html, machines, shown, unfold
from ststudio.tabs.session import Session
from tests.conftest import Training
from tests.hub.server import Hub

JOB = {
    "id": "a1",
    "namespace": "alice",
    "repo": "alice/<b>model",
    "data": None,
    "flavor": "t4-small",
    "minutes": 90,
    "dollars": 0.9,
    "url": 'https://hub.example/jobs/alice/a1"><script>',
    "stage": "RUNNING",
    "message": None,
}


@pytest.fixture
def hub(own_hub: Hub) -> Iterator[Hub]:
    flavors._listed.cache_clear()
    yield own_hub
    flavors._listed.cache_clear()


def test_the_most_it_may_cost_is_said_with_hardware_and_date(hub: Hub) -> None:
    words = cost_words("t4-small", 90)
    assert words.startswith("**At most $0.90**: 90 minutes of T4 small (4 vCPU, 15 GB, T4 16 GB)")
    assert "at $0.60 an hour, as the Hub lists it today, " in words
    assert cost_words(None, 90) == ""
    assert "no machine 'gone'" in cost_words("gone", 90)


def test_machines_are_listed_with_their_price_and_a_gpu_is_proposed(hub: Hub) -> None:
    choices, first = machines()
    assert [name for _, name in choices] == ["cpu-basic", "t4-small"]
    assert choices[1][0] == "T4 small · 4 vCPU, 15 GB, T4 16 GB · $0.60/h"
    assert first == "t4-small"


def test_what_leaves_this_machine_is_said_before_the_click(training: Training) -> None:
    words = along_words(training.run("pair"))
    assert "rows are pushed first" in words and "a private dataset beside the model" in words
    assert along_words(None) == ""


def test_without_the_hub_the_section_says_so_where_the_price_would_be(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    run, _ = get_store().create({"source": {}}, {"title": "Tickets"})
    machine, name, cost, *_ = unfold(Session(run=run.id), 60)
    assert "cannot be reached for the machines of Jobs" in cost and not machine.choices
    assert name.endswith("-long")


def test_opening_the_section_asks_for_prices_and_shows_a_job_under_way(hub: Hub) -> None:
    run, key = get_store().create({"source": {}}, {"title": "Tickets"})
    run.write("job", {**JOB, "repo": "alice/model", "url": "https://hub.example"})
    session = Session().with_run(run.id, key, "Tickets")
    _, name, cost, _, state, _, cancel, timer = unfold(session, 60)
    assert name.endswith("-Tickets-long") and "$0.60" in cost
    assert "Running" in state and cancel["visible"] and timer.active


def test_a_log_is_shown_once_there_is_one_and_an_ended_job_is_not_followed() -> None:
    _, log, cancel, timer = shown({**JOB, "log": ["one", "two"]})
    assert log["value"] == "one\ntwo" and log["visible"] and cancel["visible"] and timer.active
    _, log, cancel, timer = shown({**JOB, "stage": "ERROR", "log": []})
    assert not (log["visible"] or cancel["visible"] or timer.active)


@pytest.mark.parametrize(
    ("stage", "words", "ended"),
    [
        ("SCHEDULING", "Waiting for a machine", False),
        ("RUNNING", "Running", False),
        ("COMPLETED", "Done: the model is in its repository", True),
        ("CANCELED", "Cancelled", True),
        ("ERROR", "Failed; the log says why (out of &lt;memory&gt;)", True),
        ("PAUSED", "Paused", False),
    ],
)
def test_where_a_job_stands_is_said_and_nothing_of_it_is_markup(
    stage: str, words: str, ended: bool
) -> None:
    message = "out of <memory>" if stage == "ERROR" else None
    told = job_html({**JOB, "stage": stage, "message": message})
    assert f"{words}{'.' if ended else ' …'}</b>" in told and "90 minutes and $0.90 at" in told
    assert "<script" not in told and "<b>model" not in told
