"""What an address asks for is done, or said in a sentence on a page that is there all the same."""

import time
from pathlib import Path

import pytest

from ststudio.runs.store import get_store
from ststudio.tabs.arriving import arrive, follow
from ststudio.tabs.session import Session
from tests.conftest import Training
from tests.hub.server import Hub


def test_a_run_is_shown_to_whoever_has_its_link() -> None:
    run, key = get_store().create({}, {"title": "pairs"})
    session, tab = arrive(Session(), {"run": run.id}, None)
    assert (session.run, session.owner, tab) == (run.id, False, "train")
    assert "shared with you" in session.notice
    mine, _ = arrive(Session().with_run(run.id, key, "pairs"), {"run": run.id}, None)
    assert mine.owner and mine.notice == ""


@pytest.mark.parametrize("asks", ["run", "recipe"])
@pytest.mark.parametrize("value", ["0" * 32, "../../etc/passwd", "<script>alert(1)</script>"])
def test_a_link_to_nothing_says_what_may_have_happened(asks: str, value: str) -> None:
    session, tab = arrive(Session(), {asks: value}, None)
    assert "is not here" in session.notice and "24 hours" in session.notice
    assert "script" not in session.notice
    assert session.run is None and tab == ""


def test_an_address_that_asks_for_nothing_changes_nothing() -> None:
    assert arrive(Session(), {"__theme": "dark", "run": ""}, None) == (Session(), None)


def test_a_model_that_cannot_be_opened_is_said(own_hub: Hub, tmp_path: Path) -> None:
    session, tab = arrive(Session(), {"model": "alice/<b>nothing</b>"}, None)
    assert session.opening and tab == "compare"
    deadline = time.monotonic() + 30
    while session.opening:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        changed = follow(session)[0]
        session = changed if isinstance(changed, Session) else session
    assert "is not the id of a model" in session.notice and "<b>" not in session.notice


def test_a_recipe_sets_the_page_up_once_and_a_reload_keeps_what_was_changed_since(
    training: Training,
) -> None:
    run = training.run("pair")
    session, tab = arrive(Session(), {"recipe": run.id}, None)
    assert tab == "train" and session.ready
    assert session.source and session.source["id"] == "sample-pair"
    assert arrive(session, {"recipe": run.id}, None) == (session, "")
