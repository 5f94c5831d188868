"""Every limit and folder, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from ststudio.errors import StudioError

MB = 1_000_000
GB = 1_000 * MB
PREFIX = "STSTUDIO_"


@dataclass(frozen=True)
class Settings:
    """Limits and folders; each field is overridden by STSTUDIO_ and its name in capitals."""

    data: str = ""  # folder of runs, models and datasets; empty: chosen by default_folder()
    upload_bytes: int = 20 * MB
    rows: int = 20_000
    columns: int = 64
    cell_characters: int = 4_000
    decoded_bytes: int = 64 * MB
    corpus_texts: int = 20_000
    model_parameters: int = 150_000_000
    model_bytes: int = 1 * GB
    model_modules: int = 8
    run_seconds: int = 300  # of training; then a soft stop that keeps the model
    hard_stop_seconds: int = 30  # without a sign of life after the soft stop: the worker is killed
    waiting_runs: int = 8
    kept_hours: int = 24
    kept_bytes: int = 20 * GB
    read_seconds: int = 30  # for the reader process to parse one file
    hub_seconds: int = 10  # to connect, and between two packets
    push_seconds: int = 600
    viewer: str = "https://datasets-server.huggingface.co"  # first rows come from there; or ""
    host: str = field(default_factory=lambda: default_host())  # the address the server binds to

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings, raising StudioError for a value that is no number."""
        values: dict[str, str | int] = {}
        for known in fields(cls):
            name = PREFIX + known.name.upper()
            text = environment.get(name)
            if text is None:
                continue
            try:
                values[known.name] = int(text) if known.type is int else text
            except ValueError:
                raise StudioError(f"{name}={text!r} must be a whole number.") from None
        return cls(**values)  # type: ignore[arg-type]

    @property
    def folder(self) -> Path:
        """Return the folder that holds everything the app writes."""
        return Path(self.data) if self.data else default_folder()


def default_folder() -> Path:
    """Return a Space's mounted volume where there is one, else the user's cache folder."""
    volume = Path("/data")
    if "SPACE_ID" in os.environ and volume.is_dir() and os.access(volume, os.W_OK):
        return volume / "ststudio"
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "ststudio"


def default_host() -> str:
    """Return every address on a Space, whose router needs it, and loopback elsewhere."""
    return "0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1"  # noqa: S104


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings.from_environment()
