"""Settings of a test's own: limits, and a folder that is gone afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ststudio.settings import get_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what the app writes inside the test's folder."""
    monkeypatch.setenv("STSTUDIO_DATA", str(tmp_path / "studio"))
    get_settings.cache_clear()
    return tmp_path / "studio"


@pytest.fixture
def limits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change settings by their names in capitals."""

    def change(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"STSTUDIO_{name}", str(value))
        get_settings.cache_clear()

    return change
