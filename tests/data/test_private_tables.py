"""Private tables are kept for a while, few at a time, for whom the Hub lets in each time."""

from collections.abc import Iterator

import pytest

from ststudio.data.private_tables import MOST
from ststudio.data.sources import open_source
from ststudio.errors import StudioError
from tests.data.test_sources import LINES, downloads, from_hub
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub on which one person has many private datasets."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add_user("alice", "hf_alice")
        hub.add_user("bob", "hf_bob")
        for n in range(MOST + 1):
            hub.add_repo("dataset", f"alice/data{n}", {"train.jsonl": LINES}, private=True)
        yield hub


def test_the_last_few_are_kept(hub: Hub) -> None:
    for n in (*range(MOST + 1), MOST, 1):
        assert open_source(from_hub(f"alice/data{n}"), "hf_alice").rows == 20
    assert downloads(hub) == MOST + 1
    open_source(from_hub("alice/data0"), "hf_alice")
    assert downloads(hub) == MOST + 2


def test_another_commit_is_another_table(hub: Hub) -> None:
    open_source(from_hub("alice/data0"), "hf_alice")
    hub.add_repo("dataset", "alice/data0", {"train.jsonl": LINES + b'\n{"anchor": "new"}'})
    assert open_source(from_hub("alice/data0"), "hf_alice").rows == 21


def test_what_is_kept_is_not_for_others_even_by_its_commit(hub: Hub) -> None:
    open_source(from_hub("alice/data0"), "hf_alice")
    commit = hub.repo("dataset", "alice/data0").resolve().sha
    for token in ("hf_bob", None):
        with pytest.raises(StudioError, match="if it is private, sign in"):
            open_source(from_hub("alice/data0", revision=commit), token)
