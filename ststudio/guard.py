"""ASGI middleware: who may ask, how much, and for what."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FREE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UPLOAD_PATHS = ("/gradio_api/upload",)
BODY_BYTES = 5_000_000  # of anything that is no upload
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # The Hub shows a Space inside its own page.
    (b"content-security-policy", b"frame-ancestors 'self' https://huggingface.co"),
)


class Guard:
    """Refuse foreign origins, oversized bodies and fetches of other addresses."""

    def __init__(self, app: ASGIApp, upload_bytes: int) -> None:
        self.app = app
        self.upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request, or pass it on with its headers set and its body counted."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        await self.app(scope, self._counted(scope, receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: dict[str, bytes]) -> tuple[int, str] | None:
        method = scope.get("method", "GET")
        origin = headers.get("origin", b"").decode("latin-1")
        changes = method not in FREE_METHODS or scope["type"] == "websocket"
        if changes and origin and not _is_own(origin, headers):
            return 403, "This page does not take requests from another site."
        if _reaches_out(scope):
            return 403, "This address is not served."
        length = headers.get("content-length", b"0")
        if not length.isdigit() or int(length) > self._most(scope):
            return 413, f"At most {self._most(scope) // 1_000_000} MB can be sent here."
        return None

    def _most(self, scope: Scope) -> int:
        if scope["path"].startswith(UPLOAD_PATHS):
            return self.upload_bytes + 100_000  # the multipart frame around the file
        return BODY_BYTES

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """Cut off a body that says no length, or a false one."""
        seen = 0
        most = self._most(scope)

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= most else {"type": "http.disconnect"}

        return counting


def _is_own(origin: str, headers: dict[str, bytes]) -> bool:
    """Tell whether an Origin is the host that was asked.

    Not the Hub's: it shows this page in a frame, whose origin is this page's own, and what comes
    back from its sign-in is a GET.
    """
    host = urlsplit(origin).netloc.lower()
    asked = {
        headers.get(name, b"").decode("latin-1").lower() for name in ("host", "x-forwarded-host")
    }
    return host in asked - {""}


def _reaches_out(scope: Scope) -> bool:
    """Tell whether the request would make the server fetch, or open, an address of its choice."""
    path = unquote(unquote(scope["path"])).lower()
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    asked = [path, *(value.lower() for values in query.values() for value in values)]
    return "/proxy=" in path or any(
        "file=http" in text or "file=//" in text or "file/http" in text for text in asked
    )


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return sending
