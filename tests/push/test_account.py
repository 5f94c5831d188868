"""Who is signed in, asked of a real client and a loopback Hub."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator

import pytest

from ststudio.errors import StudioError
from ststudio.hub.account import Account, owner_token, whoami
from ststudio.settings import get_settings
from tests.hub.server import Hub
from tests.push.conftest import ALICE, EXPIRED, FINE, READER

ACCOUNT = Account("alice", ("alice", "acme"))


def test_the_account_lists_what_may_be_written(hub: Hub) -> None:
    assert whoami(ALICE) == ACCOUNT
    assert whoami(FINE) == Account("alice", ("acme",))


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (EXPIRED, "does not accept this token"),
        ("hf_nobody", "does not accept this token"),
        ("two\nlines", "not a Hub token"),
        (READER, "may only read"),
        ("", "Sign in"),
        (None, "Sign in"),
    ],
)
def test_a_token_that_cannot_push_is_refused_in_a_sentence(
    hub: Hub, token: str | None, sentence: str
) -> None:
    with pytest.raises(StudioError, match=sentence) as refused:
        whoami(token)

    assert not token or token not in str(refused.value)


def test_a_hub_that_is_not_there_is_told_at_once(hub: Hub) -> None:
    hub.close()

    start = time.monotonic()
    with pytest.raises(StudioError, match="cannot be reached.*download the model"):
        whoami(ALICE)
    assert time.monotonic() - start < 15


@pytest.mark.parametrize(
    "fault",
    [
        {"hang_seconds": 60},
        {"status": 500, "times": None},
        {"status": 429, "retry_after": 300},
        {"reset": True, "times": None},
        {"truncate": True, "times": None},
    ],
)
def test_a_hub_that_fails_is_told_in_time(hub: Hub, fault: dict[str, int]) -> None:
    hub.fail("whoami", **fault)  # type: ignore[arg-type]

    start = time.monotonic()
    with pytest.raises(StudioError, match="Hub"):
        whoami(ALICE)
    assert time.monotonic() - start < 2 + get_settings().hub_seconds


def test_one_fault_is_overcome(hub: Hub) -> None:
    hub.fail("whoami", status=500)

    assert whoami(ALICE) == ACCOUNT


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("model", "alice/model"),
        (" my_model.v2 ", "alice/my_model.v2"),
        ("acme/model", "acme/model"),
    ],
)
def test_a_repository_lies_in_a_namespace_of_ones_own(name: str, full: str) -> None:
    assert ACCOUNT.repo_id(name) == full


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a--b", "a..b", "../a", "acme/", "/a", "a/b/c", "acme/-a", "a b", "é", "a.git", None]
    + ["x" * 97, 7],
)
def test_a_name_that_is_none_is_refused_with_what_is_allowed(name: object) -> None:
    with pytest.raises(StudioError, match="letters, digits.*alice/my-model"):
        ACCOUNT.repo_id(name)


def test_another_namespace_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(StudioError, match="may not write to lookers.*Allowed: alice, acme"):
        ACCOUNT.repo_id("lookers/model")


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget what was read from the environment."""
    for cached in (owner_token, get_settings):
        cached.cache_clear()
    yield
    for cached in (owner_token, get_settings):
        cached.cache_clear()


def test_the_owners_token_is_taken_out_of_the_environment(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)

    assert owner_token() == ALICE
    assert "HF_TOKEN" not in os.environ
    assert owner_token() == ALICE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STSTUDIO_HOST", "0.0.0.0"),
        ("STSTUDIO_HOST", ""),
        ("STSTUDIO_HOST", "studio.example.org"),
        ("SPACE_ID", "alice/studio"),
        ("GRADIO_SHARE", "True"),
    ],
)
def test_the_owners_token_signs_nobody_else_in(
    fresh: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    monkeypatch.setenv(name, value)

    with caplog.at_level(logging.WARNING):
        assert owner_token() is None
    assert "HF_TOKEN" not in os.environ
    assert "HF_TOKEN is ignored" in caplog.text
    assert ALICE not in caplog.text
