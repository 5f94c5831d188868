"""A dataset's name mistyped: what was probably meant is asked."""

from collections.abc import Iterator

import pytest

from ststudio.tabs.picking import offer
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
