"""The files of a run's directory: JSON documents that are replaced as a whole."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]


class Kept(Protocol):
    """What has a directory of its own."""

    @property
    def path(self) -> Path:
        """Return the directory."""


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Replace a JSON file as a whole, so that a reader never sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    os.replace(name, path)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Return a JSON file's value, or None where there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


class Document:
    """One JSON document of a run: None where nobody wrote it, replaced as a whole."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.file = f"{name}.json"

    def __get__(self, run: Kept, owner: type | None = None) -> Json | None:
        found: Json | None = read_json(run.path / self.file)
        return found


def changed(path: Path) -> float:
    """Return when a file last changed, 0 where there is none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
