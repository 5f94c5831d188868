"""The guard in front of a real ASGI app, asked by a real client."""

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ststudio.guard import BODY_BYTES, Guard


async def echo(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("cut", 413)


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/{path:path}", echo, methods=["GET", "POST"])]
    return TestClient(Guard(Starlette(routes=routes), upload_bytes=10_000_000))


def test_an_own_request_passes_with_its_headers_set(client: TestClient) -> None:
    answer = client.post("/run", content=b"12", headers={"origin": "http://testserver"})
    assert (answer.status_code, answer.text) == (200, "2")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://testserver.evil.example",
        "https://huggingface.co",  # the frame around a Space sends the Space's own
    ],
)
def test_a_foreign_origin_changes_nothing(client: TestClient, origin: str) -> None:
    assert client.post("/run", headers={"origin": origin}).status_code == 403
    assert client.get("/run", headers={"origin": origin}).status_code == 200


def test_the_way_back_from_signing_in_is_let_through(client: TestClient) -> None:
    target = "/login/callback?_target_url=%2F%3Frun%3D1&code=c&state=s"
    for origin in ({}, {"origin": "https://huggingface.co"}, {"origin": "null"}):
        assert client.get(target, headers=origin).status_code == 200
        assert client.post(target, headers=origin).status_code == (403 if origin else 200)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=https://evil.example/x",
        "/proxy%3Dhttps://evil.example",
        "/gradio_api/file=http://169.254.169.254/",
        "/gradio_api/file=https%3A%2F%2Fevil.example",
        "/x?path=file=http://evil.example",
    ],
)
def test_the_server_fetches_no_address_for_a_visitor(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 403


def test_a_body_over_the_limit_is_refused_by_its_length(client: TestClient) -> None:
    assert client.post("/run", content=b"0" * (BODY_BYTES + 1)).status_code == 413
    assert client.post("/gradio_api/upload", content=b"0" * (BODY_BYTES + 1)).status_code == 200


def test_a_body_that_hides_its_length_is_cut(client: TestClient) -> None:
    def chunks() -> object:
        for _ in range(7):
            yield b"0" * 1_000_000

    assert client.post("/run", content=chunks()).status_code == 413  # type: ignore[arg-type]
