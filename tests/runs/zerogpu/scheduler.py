"""The other end of `spaces`: ZeroGPU's scheduler on loopback, which grants, queues or refuses."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

GRANT = {"idle": False, "nvidiaIndex": 0, "nvidiaUUID": "GPU-x", "allowToken": "t"}


class Scheduler:
    """Answers /startup-report, /schedule, /allow and /release; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.quota_left: int | None = None  # seconds; None: enough
        self.busy = threading.Event()  # while it is set, who asks waits in line
        scheduler = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                url = urlsplit(self.path)
                scheduler.asked.append((url.path, dict(parse_qsl(url.query))))
                scheduler._answer(self, url.path)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _answer(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        if path != "/schedule":
            _send(handler, 200, {})
        elif self.quota_left is not None:
            wait = {"left": self.quota_left, "wait": "PT1H30M"}
            _send(handler, 429, wait, {"X-Approve-Result": "quota-exceeded"})
        elif self.busy.is_set():
            self._queue(handler)
        else:
            _send(handler, 200, GRANT)

    def _queue(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("X-Queuing-Reason", "node")
        handler.end_headers()
        while self.busy.is_set():
            handler.wfile.write(b"event: ping\n\n")
            handler.wfile.flush()
            time.sleep(0.2)
        time.sleep(0.2)  # an event a packet, as `spaces` reads them
        handler.wfile.write(f"event: succeeded\ndata: {json.dumps(GRANT)}\n\n".encode())

    def of(self, path: str) -> list[dict[str, str]]:
        """Return the parameters of every call of a path."""
        return [parameters for called, parameters in self.asked if called == path]

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: object,
    headers: dict[str, str] | None = None,
) -> None:
    content = json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"content-type": "application/json", **(headers or {})}.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
