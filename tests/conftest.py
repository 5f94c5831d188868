"""What every test shares: a folder of its own for the app's data, and no token."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before anything of ststudio is imported: settings and the Hub's libraries read it once.
_DATA = tempfile.TemporaryDirectory(prefix="ststudio-tests-")
os.environ["STSTUDIO_DATA"] = _DATA.name
os.environ.pop("HF_TOKEN", None)
os.environ["STSTUDIO_CORPUS_TEXTS"] = "600"  # all that answers a test, and embedded in seconds
# Several processes share two cores here: threads that spin while waiting would starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ststudio.runs.admission import start_run  # noqa: E402
from ststudio.runs.queue import get_queue  # noqa: E402
from ststudio.runs.run import Run  # noqa: E402
from ststudio.settings import get_settings  # noqa: E402
from tests.hub.server import Hub  # noqa: E402
from tests.served import App  # noqa: E402

A_FEW_STEPS = {"max_steps": 3, "eval_steps": 3, "max_seconds": 10}
TOKEN = "hf_loopback_writer"  # of the loopback Hub


# Whoever shares a served app or the session's runs is in one process; else each file has its own.
SHARED = {"app": "served", "training": "trained"}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group that each file's tests run in, where several processes share the work."""
    groups: dict[Path, str] = {}
    for item in items:
        for fixture, group in SHARED.items():
            if fixture in getattr(item, "fixturenames", ()):
                groups.setdefault(item.path, group)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups.get(item.path, str(item.path))))


def wait(run: Run, seconds: float = 240.0) -> Run:
    """Wait for a run's end and return it."""
    deadline = time.monotonic() + seconds
    while not run.ended:
        assert time.monotonic() < deadline, run.state
        time.sleep(0.1)
    return run


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Let no test see the settings of the one before; the first fixture of a test ends last."""
    yield
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real datasets, or skip."""
    folder = os.environ.get("STSTUDIO_REAL_DATA")
    if not folder:
        pytest.skip("STSTUDIO_REAL_DATA names no folder of real datasets")
    return Path(folder)


class Training:
    """Runs on the sample, one a case and session, trained by the real trainer."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[Run, str]] = {}

    def run(self, case: str, **recipe: Any) -> Run:
        """Return the case's run when it has ended."""
        if case not in self.done:
            source = {"kind": "builtin", "id": f"sample-{case}"}
            asked = {"source": source, "max_steps": 4, "eval_steps": 4, "max_seconds": 12}
            asked |= recipe
            run, key, _ = start_run(asked)
            self.done[case] = (run, key)
        return wait(self.done[case][0])

    def key(self, case: str) -> str:
        """Return the owner's key of the case's run."""
        return self.done[case][1]


@pytest.fixture(scope="session")
def training() -> Iterator[Training]:
    """Return the session's runs."""
    yield Training()
    get_queue().close()


@pytest.fixture
def own_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub with one person, and send the app there, with a folder of its own."""
    monkeypatch.setenv("STSTUDIO_DATA", str(tmp_path / "studio"))
    get_settings.cache_clear()
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add_user("alice", "hf_alice")
        yield hub


@pytest.fixture(scope="session")
def served_hub() -> Iterator[Hub]:
    """Return the Hub that the served app pushes to, with one person who may write."""
    with Hub() as hub:
        hub.add_user("ada", TOKEN)
        yield hub


@pytest.fixture(scope="session")
def app(served_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return the app, started as anyone would, shared by the tests that only visit it."""
    environment = {"HF_ENDPOINT": served_hub.url, "HF_TOKEN": TOKEN}
    app = App(tmp_path_factory.mktemp("app"), environment)
    yield app
    app.close()


@pytest.fixture(scope="session")
def served_run(app: App) -> dict[str, Any]:
    """Return a run that the served app has finished: id, key, and its last state."""
    source = next(row["source"] for row in app.call("catalog") if row["id"] == "sample-triplet")
    started = app.call("start_run", recipe={"source": source, **A_FEW_STEPS})
    ended = app.until(started["run"], "finished", "failed", "stopped", "interrupted")
    return {**started, "end": ended}
