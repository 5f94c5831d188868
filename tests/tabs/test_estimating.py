"""The line before the click follows the settings, and promises nothing that is not known."""

import time

import pytest

from ststudio.runs.queue import get_queue
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs.estimating import MEASURING, UNKNOWN, estimate_words, show_estimate
from ststudio.tabs.picking import pick_sample
from ststudio.tabs.session import Session
from tests.conftest import Training
from tests.training.test_estimate import MACHINE

SETTINGS = (DEFAULT_MODEL, "TripletLoss", 40, 16, None, None, None)


@pytest.fixture(scope="module")
def picked() -> Session:
    return pick_sample(Session(), "sample-triplet")


def test_it_says_how_long_and_follows_the_settings(picked: Session) -> None:
    words = estimate_words(picked, MACHINE, *SETTINGS)
    assert words.startswith("About **") and "steps of training" in words
    base, loss, _, batch, *more = SETTINGS
    assert words != estimate_words(picked, MACHINE, base, loss, 10, batch, *more)
    assert words != estimate_words(picked, MACHINE, base, loss, 40, 64, *more)


def test_what_the_click_would_refuse_is_said_before_it(picked: Session) -> None:
    base, loss, _, batch, *more = SETTINGS
    assert "max_seconds" in estimate_words(picked, MACHINE, base, loss, 9_999, batch, *more)
    assert "not the id of a model" in estimate_words(
        picked, MACHINE, "../elsewhere", loss, 40, batch, *more
    )


def test_nothing_is_invented(picked: Session) -> None:
    assert estimate_words(Session(), MACHINE, *SETTINGS) == ""
    assert estimate_words(picked, None, *SETTINGS) == MEASURING
    assert picked.diagnosis is not None
    uncounted = Session(picked.source, {**picked.diagnosis, "lengths": None})
    assert estimate_words(uncounted, MACHINE, *SETTINGS) == UNKNOWN


def test_the_warm_worker_measures_this_machine_and_the_page_hears_of_it(
    picked: Session, training: Training
) -> None:
    deadline = time.monotonic() + 120
    while (machine := get_queue().machine()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert machine.shape.layers == 6 and machine.shape.hidden == 384
    assert 1e-7 < machine.train.token < 0.1 and machine.encode.token < machine.train.token
    assert 0 < machine.load < 60
    words, timer = show_estimate(picked, None, *SETTINGS)
    assert words.startswith("About **") and timer.active is False
