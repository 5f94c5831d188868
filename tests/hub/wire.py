"""HTTP as the Hub speaks it: one request in, one answer or one fault out."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.hub.faults import Fault, Faults
from tests.hub.people import Visitor
from tests.hub.store import Store

CHUNK_BYTES = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds


@dataclass
class Exchange:
    """What the log keeps of one request."""

    method: str
    path: str  # as sent, with its query
    authorized: bool  # an Authorization header was there
    user_agent: str = ""
    received: int = 0  # bytes of the request's body
    status: int = 0  # 0: no answer was sent
    sent: int = 0  # bytes of the answer's body


@dataclass(frozen=True)
class Call:
    """What a route is given."""

    store: Store
    visitor: Visitor | None
    query: Mapping[str, list[str]]
    headers: Message
    body: bytes = field(repr=False)

    def asks(self, name: str) -> bool:
        """Say whether a switch of the query is on."""
        return self.query.get(name, [""])[0].lower() in ("1", "true")

    def first(self, name: str, default: str = "") -> str:
        """Give one value of the query."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """What a route gives back."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """Answer with JSON."""
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(data).encode(), kind | dict(headers or {}))


class Refusal(Exception):
    """An error the Hub answers with, in its body and its headers."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> None:
        super().__init__(message)
        errors = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self.answer = Answer.of({"error": message} | body, status, errors | dict(headers or {}))


Respond = Callable[[str, str, Message, bytes], Answer]


class Server(ThreadingHTTPServer):
    """A threaded server on a random loopback port that can be torn down at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, respond: Respond, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond = respond
        self.faults = faults
        self.log: list[Exchange] = []
        self.open: set[socket.socket] = set()

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse new connections and cut those that are open."""
        self.faults.closing.set()
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive over many requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        """Serve until either side hangs up."""
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: tests read `Hub.requests`."""

    def _serve(self) -> None:
        body = self._read_body()
        exchange = Exchange(
            self.command,
            self.path,
            "authorization" in self.headers,
            self.headers.get("user-agent", ""),
            len(body),
        )
        self.server.log.append(exchange)
        fault = self.server.faults.strike(self.command, self.path)
        if fault is None:
            self._send(exchange, self._answer(body))
        else:
            self._spoil(exchange, fault, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def _answer(self, body: bytes) -> Answer:
        return self.server.respond(self.command, self.path, self.headers, body)

    def _spoil(self, exchange: Exchange, fault: Fault, body: bytes) -> None:
        if fault.whole:
            del self.headers["range"]
        broken = fault.reset or fault.status is not None
        answer = Answer(500)
        if fault.after or fault.truncate or not broken:
            answer = self._answer(body)
        if fault.truncate:
            self._send(exchange, answer, len(answer.body) // 2)
            self.close_connection = True
        if fault.reset:
            self._reset()
        elif fault.status is not None:
            error = {"error": fault.message()}
            self._send(exchange, Answer.of(error, fault.status, fault.headers()))
        elif not fault.truncate:
            self._send(exchange, answer)

    def _send(self, exchange: Exchange, answer: Answer, upto: int | None = None) -> None:
        exchange.status = answer.status
        self.send_response(answer.status)
        length = {"Content-Length": str(len(answer.body)), "X-Request-Id": f"Root=1-{uuid.uuid4()}"}
        for name, value in (length | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = memoryview(answer.body)[:upto]
        for start in range(0, len(body), CHUNK_BYTES):
            chunk = body[start : start + CHUNK_BYTES]
            exchange.sent += len(chunk)  # before the client can see it, so that tests do not race
            self.wfile.write(chunk)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.server.open.discard(self.connection)
        os.close(self.connection.detach())  # at once: a plain close waits for the files on top

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks())
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
