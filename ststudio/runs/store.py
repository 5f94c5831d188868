"""The runs of this app: their ids, their owners' keys, and the folder that holds them all."""

import hashlib
import hmac
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.settings import get_settings

SCRATCH = ".scratch-"
ID = re.compile(r"[0-9a-f]{32}")  # 128 random bits: whoever has it may look


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class RunStore:
    """All runs below one folder."""

    folder: Path

    def create(self, recipe: dict[str, Any], facts: dict[str, Any]) -> tuple[Run, str]:
        """Make a new run and return it with its owner's key, which is kept only as a hash."""
        key = secrets.token_hex(16)
        run = Run(self.folder / secrets.token_hex(16))
        run.make(recipe, facts, _hash(key))
        return run, key

    def open(self, run_id: str) -> Run:
        """Find a run, raising StudioError where the id is none or the run is gone."""
        if not isinstance(run_id, str) or not ID.fullmatch(run_id):
            raise StudioError("A run's id is 32 hexadecimal digits. Copy it from the run's link.")
        run = Run(self.folder / run_id)
        if not run.exists:
            raise StudioError(
                f"There is no run {run_id} here. It may have expired; start a new one."
            )
        return run

    def owned(self, run_id: str, key: str) -> Run:
        """Find a run for its owner, raising StudioError for any other key."""
        run = self.open(run_id)
        if not isinstance(key, str) or not hmac.compare_digest(_hash(key), run.owner):
            raise StudioError(
                "Only the browser that started this run may stop, delete or push it: "
                "the owner key does not fit."
            )
        return run

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder beside the runs, from which files become a run's by rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=self.folder) as folder:
            yield Path(folder)

    def delete(self, run: Run) -> None:
        """Remove a run; the rename makes it vanish at once and as a whole."""
        trash = run.path.with_name(f".deleted-{run.id}-{secrets.token_hex(4)}")
        os.replace(run.path, trash)
        shutil.rmtree(trash, ignore_errors=True)

    def __iter__(self) -> Iterator[Run]:
        """Go through the runs, the oldest first."""
        if not self.folder.is_dir():
            return
        runs = [Run(path) for path in self.folder.iterdir() if ID.fullmatch(path.name)]
        yield from sorted(runs, key=lambda run: float(run.state.get("created", 0.0)))


def get_store() -> RunStore:
    """Return the store of this process."""
    return RunStore(get_settings().folder / "runs")
