"""The door to compute on ZeroGPU: a fork of the app that holds a GPU for a declared time."""

import importlib
import math
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import spaces
from huggingface_hub import constants
from spaces.config import Config

from ststudio.child import Child, child_environment
from ststudio.runs.launch import POLL_SECONDS, attend
from ststudio.runs.run import Run
from ststudio.runs.watch import Watch
from ststudio.settings import Settings, get_settings
from ststudio.training.estimate import Machine
from ststudio.training.pace import measuring_budget
from ststudio.training.racers import total_seconds

LOADING_SECONDS = 10.0  # to start CUDA and load the model, before training's own time begins
KEPT = "Nothing of yours is lost: data and settings are still here."


def on_zero_gpu() -> bool:
    """Tell whether this Space borrows a GPU for each call."""
    return bool(Config.zero_gpu)


def lease_seconds(folder: str) -> int:
    """Estimate the seconds that the run in a folder will hold the GPU, which its quota must allow.

    spaces multiplies them by the hardware's own factor (1 on an H200, 1.5 on an RTX PRO 6000).
    """
    return declared_seconds(total_seconds(Run(Path(folder)).recipe))


def declared_seconds(training: float) -> int:
    """Return the seconds that a run of so many for training is allowed to hold the GPU."""
    training = min(training, get_settings().run_seconds)
    measuring = measuring_budget(training, seconds_gone=training)
    return math.ceil(LOADING_SECONDS + training + measuring)


def enter_lease(home: Path) -> None:
    """Take tokens and network from this process, a fork of the app, which has both."""
    home.mkdir(parents=True, exist_ok=True)
    environment = child_environment(home)
    os.environ.clear()
    os.environ.update(environment)
    constants.HF_HUB_OFFLINE = True  # read when it was imported, in the app


@spaces.GPU(duration=lease_seconds)
def train_leased(folder: str) -> None:
    """Train the run in a folder; everything passes by its directory.

    On ZeroGPU this runs in a fork of the app that serves other visitors later: it keeps nothing.
    """
    run = Run(Path(folder))
    enter_lease(get_settings().folder / "home")
    if run.stopping:
        run.end("stopped", "Stopped before it began; there is no model.")
        return
    from ststudio.training.train import train_job  # imported already, by ZeroDoor.warm

    run.update(worker=os.getpid())
    train_job({"run": folder, "leased": True})


def in_words(refusal: Exception) -> str:
    """Return what the platform answered, which it does by gr.Error."""
    title = getattr(refusal, "title", type(refusal).__name__)
    return f"{title}: {getattr(refusal, 'message', refusal)}"


class ZeroDoor:
    """Train runs in forks that hold a GPU; the platform orders them and charges each visitor."""

    # Whoever waits here grows the age of a quota token that expires, so that few should; the
    # platform has a queue of its own.
    slots = 4

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or get_settings()
        self._on_cpu = threading.Lock()  # one run at a time is measured there
        self._closed = False

    def warm(self) -> None:
        """Import the training code, so that no visitor's quota pays for it."""
        importlib.import_module("ststudio.training.train")

    def machine(self) -> Machine | None:
        """Return nothing: a GPU that is lent for a run has no pace before it."""
        return None

    def train(self, run: Run) -> None:
        """Wait for a GPU, train, and see to what is left of the run when it lost the GPU."""
        run.update(state="running", phase="waiting for a GPU")
        ended = threading.Event()
        hung: list[str] = []
        threading.Thread(target=self._watch, args=(run, ended, hung), daemon=True).start()
        answer = "the GPU's process ended without a result"
        try:
            train_leased(str(run.path))
        except Exception as refusal:  # of any kind: the platform's, the network's, pickle's
            answer = in_words(refusal)
        finally:
            ended.set()
        if self._closed or not run.path.exists() or run.ended:
            return
        if run.kept_file.exists():
            self._measure(run)
        elif "worker" in run.state:
            reason = f"The run lost its GPU before anything could be kept ({answer})."
            run.end("failed", hung[0] if hung else f"{reason} Train for fewer seconds.")
        else:
            run.end("failed", f"{answer.rstrip('. ')}. {KEPT}")

    def _watch(self, run: Run, ended: threading.Event, hung: list[str]) -> None:
        """End the fork when its run hangs or was deleted: the call itself cannot be cancelled."""
        watch = worker = None
        while not ended.wait(POLL_SECONDS):
            if watch is None and (worker := run.state.get("worker")):
                watch = Watch(run, self.settings)
            if watch is None or worker is None:
                continue  # waiting for a GPU
            reason = watch.reason() if run.path.exists() else "deleted"
            if reason or self._closed:
                hung.append(reason or "closed")
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                return

    def _measure(self, run: Run) -> None:
        """Measure what a lost lease left, in a child on the CPU."""
        run.update(phase="waiting to measure what was kept, on the CPU")
        with self._on_cpu:
            run.update(until=None)  # of the fork, whose time is over; this one trains no more
            child = Child("train", self.settings.folder / "home")
            try:
                attend(child, run, Watch(run, self.settings))
            finally:
                child.kill()

    def close(self) -> None:
        """End whatever trains, within half a second."""
        self._closed = True
