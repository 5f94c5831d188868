"""A call to the Hub ends in time, whatever its client would repeat."""

import time

import httpx2
import pytest
from huggingface_hub import get_session
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    hf_raise_for_status,
    http_backoff,
)

from ststudio.errors import StudioError
from ststudio.patience import OutOfPatience, heard, left, listening, longest
from ststudio.remote import ask
from ststudio.settings import get_settings
from tests.hub.server import Hub

MODEL = "/api/models/alice/tiny"


@pytest.fixture
def url(own_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address that the client asks again and again, by itself."""
    own_hub.add_repo("model", "alice/tiny", {"README.md": b"# Tiny"})
    monkeypatch.setenv("STSTUDIO_HUB_SECONDS", "1")
    get_settings.cache_clear()
    return own_hub.url + MODEL


def repeated(url: str) -> httpx2.Response:
    response: httpx2.Response = http_backoff("GET", url)
    response.raise_for_status()
    return response


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 500}, "error .500. about it"),
        ({"status": 429, "retry_after": 3_600}, "asks to wait 3600 s"),
        ({"status": 503, "retry_after": 3_600}, "error .503."),
        ({"hang_seconds": 60}, "no answer for 2 s about it"),
        pytest.param({"reset": True}, "no answer for 2 s about it", marks=pytest.mark.slow),
        pytest.param({"truncate": True}, "no answer for 2 s about it", marks=pytest.mark.slow),
    ],
)
def test_what_the_client_repeats_for_minutes_ends_in_a_sentence(
    own_hub: Hub, url: str, fault: dict[str, int], sentence: str
) -> None:
    own_hub.fail(MODEL, **fault, times=None)  # type: ignore[arg-type]
    start = time.monotonic()
    with pytest.raises(StudioError, match=sentence):
        ask(lambda: repeated(url), "it")
    # With the default of 10 s for an answer no pause is longer than 8 s: 30 s in all.
    assert time.monotonic() - start < 5 * get_settings().hub_seconds


def test_a_fault_that_passes_is_overcome_by_the_client_itself(own_hub: Hub, url: str) -> None:
    fault = own_hub.fail(MODEL, status=500, times=1)
    assert ask(lambda: repeated(url), "it").status_code == 200
    assert fault.hits == 1


def test_what_goes_through_makes_patience_begin_anew() -> None:
    with listening():
        time.sleep(0.3)
        assert left() < longest() - 0.2
        heard()
        assert left() > longest() - 0.2
    heard()
    assert left() > longest()  # no call under way: nothing to be patient with


def test_outside_of_a_call_nothing_is_cut_short(own_hub: Hub, url: str) -> None:
    own_hub.fail(MODEL, status=500)
    assert get_session().get(url).status_code == 500


@pytest.mark.slow
def test_when_patience_is_over_no_request_is_made(own_hub: Hub, url: str) -> None:
    with listening():
        time.sleep(longest() + 0.05)
        with pytest.raises(OutOfPatience):
            get_session().get(url)
    assert own_hub.requests == []


def test_what_is_not_to_be_done_twice_is_asked_once(own_hub: Hub, url: str) -> None:
    for fault in ({"status": 500}, {"reset": True}):
        hit = own_hub.fail(MODEL, **fault, times=None)  # type: ignore[arg-type]
        with pytest.raises(StudioError):
            ask(lambda: get_session().get(url).raise_for_status(), "it", patience=0)
        assert hit.hits == 1
        own_hub.faults.clear()


def test_a_refusal_is_not_repeated(own_hub: Hub, url: str) -> None:
    hit = own_hub.fail(MODEL, status=403, times=None)
    with pytest.raises(StudioError, match="refuses access"):
        ask(lambda: hf_raise_for_status(http_backoff("GET", url)), "it")
    assert hit.hits == 1
