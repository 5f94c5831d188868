"""A child holds no secret, no network, and no longer than the app."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ststudio.child import ROOT, Child, ChildDied, child_environment, network_jail
from ststudio.errors import StudioError


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child("read", tmp_path)


def environment_of(child: Child) -> list[bytes]:
    """Return what the system says of a child's environment; none while it becomes another one."""
    file, found = Path(f"/proc/{child.process.pid}/environ"), b""
    deadline = time.monotonic() + 10
    while b"HF_HUB_OFFLINE" not in found:
        assert time.monotonic() < deadline
        found = file.read_bytes()
    return found.split(b"\0")


def test_a_childs_environment_holds_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    child = Child("read", tmp_path)
    environment = environment_of(child)
    child.kill()
    assert not any(b"secret" in entry for entry in environment)
    assert child_environment(tmp_path)["HF_HUB_OFFLINE"] == "1"


def test_a_child_keeps_the_limits_that_its_app_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STSTUDIO_RUN_SECONDS", "7200")
    monkeypatch.setenv("STSTUDIO_DATA", "/elsewhere")
    environment = child_environment(tmp_path)
    assert environment["STSTUDIO_RUN_SECONDS"] == "7200"
    assert "STSTUDIO_DATA" not in environment


def test_a_child_has_no_network_where_the_system_permits() -> None:
    if not network_jail():
        pytest.skip("this system forbids new network namespaces")
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    done = subprocess.run(
        [*network_jail(), sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stdout.strip() in ("['lo']", "[]")


def test_a_child_ends_when_the_app_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ststudio.child import Child\n"
        "child = Child('read', Path(sys.argv[1])); print(child.process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert app.stdout is not None
    pid = int(app.stdout.readline())
    time.sleep(0.5)
    app.send_signal(signal.SIGKILL)
    app.wait()
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists() and not _zombie(pid):
        assert time.monotonic() < deadline, "the child outlived the app"
        time.sleep(0.05)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def test_an_error_over_there_is_the_same_error_here(child: Child) -> None:
    with pytest.raises((StudioError, ChildDied)):
        child.ask({"path": "/nowhere"}, 30)
    child.kill()


def test_a_killed_child_is_told_apart_from_a_late_one(child: Child) -> None:
    os.kill(child.process.pid, signal.SIGKILL)
    with pytest.raises(ChildDied, match="killed"):
        child.receive(10)
    assert not child.alive


def test_a_late_answer_kills_the_child(child: Child) -> None:
    os.kill(child.process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        child.ask({}, 0.2)
    assert not child.alive


@pytest.mark.parametrize(("visible", "seen"), [(None, "0"), ("2,3", "2"), ("", ""), ("-1", "-1")])
def test_a_child_sees_one_gpu_so_that_no_batch_is_spread_over_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, seen: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    child = Child("read", tmp_path)
    environment = environment_of(child)
    child.kill()
    assert f"CUDA_VISIBLE_DEVICES={seen}".encode() in environment
