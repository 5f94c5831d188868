"""How long one call to the Hub may go on without anything good: its client would for minutes."""

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import is_offline_mode
from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

from ststudio.settings import get_settings

AGAIN = frozenset({429, 500, 502, 503, 504})  # what the client repeats by itself, up to five times
RESET = re.compile(r"\bt=(\d+)")  # seconds, in a RateLimit header
TIMES = 2  # what the settings wait for one answer: with all pauses, a sentence within 30 seconds


class OutOfPatience(httpx2.HTTPError):
    """Nothing good came for too long; the client, which repeats time-outs, lets this one pass."""


class _Silence(threading.local):
    since: float = math.inf  # no call under way in this thread


_silence = _Silence()


def longest() -> float:
    """Return the seconds that a call may go on with nothing good."""
    return float(TIMES * get_settings().hub_seconds)


def left() -> float:
    """Return the seconds of patience that are left to the call under way."""
    return longest() - (time.monotonic() - _silence.since)


def heard() -> None:
    """Take note that something new has gone through: patience begins anew."""
    if _silence.since < math.inf:
        _silence.since = time.monotonic()


@contextmanager
def listening() -> Iterator[None]:
    """Be patient with one call, whatever requests it makes."""
    _silence.since = time.monotonic()
    try:
        yield
    finally:
        _silence.since = math.inf


def limit_wait(request: httpx2.Request) -> None:
    """Give a request its time-outs, for the Hub's client passes None to most; or refuse it."""
    if is_offline_mode():
        raise httpx2.ConnectError("HF_HUB_OFFLINE is set", request=request)
    remaining = left()
    if remaining <= 0:
        raise OutOfPatience("nothing good for too long")
    seconds = float(get_settings().hub_seconds)
    given = request.extensions.get("timeout") or {}
    parts = ("connect", "read", "write", "pool")
    request.extensions["timeout"] = {
        part: min(seconds if given.get(part) is None else given[part], remaining) for part in parts
    }


def limit_repeats(response: httpx2.Response) -> None:
    """Raise at once for what would be repeated beyond the end of patience."""
    if response.status_code < 400:
        heard()
    elif response.status_code in AGAIN and _wait(response) > left():
        response.read()
        hf_raise_for_status(response)


def _wait(response: httpx2.Response) -> float:
    """Return the seconds after which the client would ask again."""
    waits = [int(found) for found in RESET.findall(response.headers.get("RateLimit", ""))]
    asked = response.headers.get("Retry-After", "")
    if asked.isdigit():
        waits.append(int(asked))
    # Not told, it doubles its pauses: the next is about as long as all that went before.
    return float(max(waits)) if waits else longest() - left() + 1
