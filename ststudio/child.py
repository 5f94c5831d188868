"""The app's side of a child process: no network, no tokens, gone when the app is gone."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from ststudio.errors import StudioError
from ststudio.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent

# `-I` ignores PYTHON* variables and keeps the working folder off the path; the package's root is
# put back by hand, because `-I -m` alone does not find it.
START = (
    "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('ststudio.worker', run_name='__main__', alter_sys=True)"
)

# What a child may inherit; everything else in the app's environment may hold a secret.
INHERITED = ("PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
# A child keeps the limits that the app admitted a run by; its folders it is told.
LIMITS = tuple(PREFIX + known.name.upper() for known in fields(Settings) if known.type is int)
INHERITED_PREFIXES = ("OMP_", "OPENBLAS_", "MKL_", "NVIDIA_")

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LC_ALL": "C.UTF-8",
    # Two processes share the cores: threads that spin while they wait cost each other ten times
    # the time (measured: 22 texts a second with spinning, 106 without, beside one busy core).
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
}


def child_environment(home: Path) -> dict[str, str]:
    """Return the small environment of a child, whose home is a folder of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in (*INHERITED, *LIMITS) or name.startswith(INHERITED_PREFIXES)
    }
    # The trainer spreads a model over every GPU it sees, thread by thread (DataParallel), and with
    # that changes batches, losses and what in-batch negatives are: so a child sees one.
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    folders = {"HOME": str(home), "NUMBA_CACHE_DIR": str(home / "numba")}
    return {**kept, **OFFLINE, **folders, "CUDA_VISIBLE_DEVICES": gpu}


@cache
def network_jail() -> tuple[str, ...]:
    """Return the command that takes the network away, or nothing where the system forbids it."""
    for command in (
        ("unshare", "--net"),
        ("unshare", "--user", "--map-current-user", "--net"),
    ):
        try:
            if subprocess.run([*command, "true"], capture_output=True, timeout=5).returncode == 0:
                return command
        except (OSError, subprocess.TimeoutExpired):
            continue
    return ()


class ChildDied(Exception):
    """Tell that a child ended, or was ended, without an answer."""


class Child:
    """One child process that answers JSON lines.

    Every message is answered by one line, in order: ``{"result": …}``, ``{"error": sentence}``
    (a StudioError over there) or ``{"crash": class name}``.
    """

    start = START

    def __init__(self, job: str, home: Path, *arguments: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.job = job
        self.process = subprocess.Popen(
            [*network_jail(), sys.executable, "-I", "-c", self.start, str(ROOT), job, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(home),
            cwd=home,
            start_new_session=True,  # a process group of its own: killed whole
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._answers.put(json.loads(line))
        self._answers.put(None)

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self.process.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        """Hand over one message without waiting, raising ChildDied where nobody reads."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):  # the pipe is broken, or closed by kill()
            raise ChildDied(f"The {self.job} process has ended.") from None

    def receive(self, seconds: float | None = None) -> Any:  # noqa: ANN401
        """Wait for one answer; raise StudioError, ChildDied, or TimeoutError after `seconds`."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"The {self.job} process took over {seconds:.0f} s.") from None
        if answer is None:
            self._answers.put(None)  # every later call learns it too
            raise ChildDied(f"The {self.job} process ended{self._how()}.")
        if "error" in answer:
            raise StudioError(answer["error"])
        if "crash" in answer:
            raise ChildDied(f"The {self.job} process failed ({answer['crash']}).")
        return answer["result"]

    def ask(self, message: dict[str, Any], seconds: float | None = None) -> Any:  # noqa: ANN401
        """Send one message and wait for its answer; kill the child when it is late."""
        with self._lock:
            self.send(message)
            try:
                return self.receive(seconds)
            except TimeoutError:
                self.kill()
                raise

    def _how(self) -> str:
        code = self.process.wait()
        if code == -signal.SIGKILL:
            return " (killed, perhaps for using too much memory)"
        return f" (signal {-code})" if code < 0 else f" (exit code {code})"

    def kill(self) -> None:
        """End the child and everything it started, at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


def ask_once(job: str, message: dict[str, Any], seconds: float, late: str, broken: str) -> Any:  # noqa: ANN401
    """Start a child for one question; raise StudioError with the sentence that fits its failure."""
    with tempfile.TemporaryDirectory(prefix="ststudio-") as home:
        child = Child(job, Path(home))
        try:
            return child.ask(message, seconds)
        except TimeoutError:
            raise StudioError(late) from None
        except ChildDied:
            raise StudioError(broken) from None
        finally:
            child.kill()
