"""A dataset's name mistyped, and a file that is taken away again."""

from collections.abc import Iterator

import pytest

from ststudio.tabs.picking import offer, pick_file
from ststudio.tabs.session import Session
from tests.hub.server import Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a Hub that holds no dataset at all."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_a_name_like_one_of_the_catalogue_is_asked_for(hub: Hub) -> None:
    said = offer("sentence-transformers/stbs", None)[2]
    assert said.endswith("Did you mean sentence-transformers/stsb?")


def test_a_name_like_none_is_not_guessed_at(hub: Hub) -> None:
    assert "Did you mean" not in offer("someone/very-different", None)[2]


def test_a_file_that_is_taken_away_takes_its_report_along_and_no_other_s() -> None:
    told = {"case": "pair", "findings": []}
    uploaded = Session(source={"kind": "upload", "id": "0" * 32}, diagnosis=told)
    assert pick_file(uploaded, None) == Session()
    sample = Session(source={"kind": "builtin", "id": "sample-pair"}, diagnosis=told)
    assert pick_file(sample, None) == sample
