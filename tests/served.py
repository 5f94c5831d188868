"""The app as a visitor meets it: `python app.py` in a process of its own, on loopback."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START_SECONDS = 120


class Refused(Exception):
    """A handler answered with an error: its sentence is the message."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class App:
    """A running app, called over plain HTTP as any client would."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, start: str = "app.py"
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.headers: dict[str, str] = {}  # of every call, beside its content's type
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "app.log"
        # Elsewhere than the data, as on a real machine: Gradio serves files of its own folder only.
        temporary = folder.with_name(f"{folder.name}-tmp")
        for made in (folder, temporary):
            made.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, start],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "STSTUDIO_DATA": str(folder),
                    "TMPDIR": str(temporary),
                    "GRADIO_SERVER_PORT": str(self.port),
                    **(environment or {}),
                },
            )
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def call(self, name: str, token: str | None = None, **parameters: Any) -> Any:
        """Call an endpoint by its parameters' names; raise Refused with a handler's sentence."""
        event = self._post(f"/gradio_api/call/v2/{name}", parameters, token)["event_id"]
        with urllib.request.urlopen(
            f"{self.url}/gradio_api/call/{name}/{event}", timeout=300
        ) as answer:
            kind = ""
            for line in answer.read().decode().splitlines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind in ("complete", "error"):
                    data = json.loads(line.removeprefix("data: "))
                    if kind == "error":
                        raise Refused(data["error"] if isinstance(data, dict) else str(data))
                    return data[0]
        raise AssertionError(f"/{name} gave no answer")

    def _post(self, path: str, body: Any, token: str | None = None) -> Any:
        signed = {"authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json", **self.headers, **signed},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file as a browser does and return the file's value."""
        frame = "ststudioboundary"
        head = (
            f'--{frame}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        request = urllib.request.Request(
            f"{self.url}/gradio_api/upload",
            data=head.encode() + content + f"\r\n--{frame}--\r\n".encode(),
            headers={"content-type": f"multipart/form-data; boundary={frame}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {"path": json.load(answer)[0], "meta": {"_type": "gradio.FileData"}}

    def until(self, run: str, *states: str, seconds: float = 240) -> dict[str, Any]:
        """Wait until a run is in one of the states."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.call("run_state", run=run)
            if state["state"] in states:
                return dict(state)
            assert time.monotonic() < deadline, state
            time.sleep(0.2)

    def memory(self) -> float:
        """Return the process's resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1000

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
