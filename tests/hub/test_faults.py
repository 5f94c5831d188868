"""What goes wrong on demand, as the clients see it."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
)

from tests.hub.conftest import WEIGHTS, client, download
from tests.hub.server import Hub


def test_errors_on_demand_reach_the_client_as_often_as_asked(hub: Hub) -> None:
    fault = hub.fail("GET /api/models/alice", status=500, times=2)
    for _ in range(2):
        with pytest.raises(HfHubHTTPError, match="500"):
            client(hub).model_info("alice/tiny")
    assert client(hub).model_info("alice/tiny").id == "alice/tiny"
    assert fault.hits == 2

    hub.fail(r"GET /api/who.*v2$", status=429, retry_after=7)
    with pytest.raises(HfHubHTTPError) as caught:
        client(hub).whoami()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"


def test_a_client_that_retries_waits_as_long_as_it_is_told(hub: Hub) -> None:
    hub.fail("GET /api/models/alice/tiny/tree", status=429, retry_after=0)
    start = time.monotonic()
    assert "README.md" in [f.path for f in client(hub).list_repo_tree("alice/tiny")]
    assert 1 <= time.monotonic() - start < 3  # the client adds a second


def test_a_reset_is_a_network_error_and_may_come_after_the_work(hub: Hub) -> None:
    hub.fail("POST /api/repos/create", reset=True)
    with pytest.raises(httpx2.TransportError):
        client(hub).create_repo("alice/new")
    assert ("model", "alice/new") not in hub.store.repos

    hub.fail("POST /api/repos/create", reset=True, after=True)
    with pytest.raises(httpx2.TransportError):
        client(hub).create_repo("alice/new")
    assert ("model", "alice/new") in hub.store.repos
    assert [request.status for request in hub.requests] == [0, 0]


def test_a_body_cut_short_is_fetched_again_by_the_client(hub: Hub, tmp_path: Path) -> None:
    hub.fail("GET /alice/tiny/resolve", truncate=True)
    assert download(hub, tmp_path) == WEIGHTS
    gets = [request for request in hub.requests if request.method == "GET"]
    assert [(get.status, get.sent) for get in gets] == [
        (200, len(WEIGHTS) // 2),
        (200, len(WEIGHTS)),  # it resumes by range only from multiples of 10 MB
    ]


def test_a_hang_outlasts_an_impatient_client_and_ends_with_the_hub(hub: Hub) -> None:
    hub.fail("whoami", hang_seconds=60)
    start = time.monotonic()
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{hub.url}/api/whoami-v2", timeout=0.2)
    hub.close()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{hub.url}/api/whoami-v2")
    assert time.monotonic() - start < 5
