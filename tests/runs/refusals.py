"""What admission refuses: with its sentence, and before anything is made."""

from typing import Any

import pytest

from ststudio.errors import StudioError
from ststudio.runs.admission import start_run
from ststudio.runs.queue import get_queue


def refused(recipe: dict[str, Any], says: str) -> None:
    """Start a run that cannot be; fail where it is made, or the sentence is another."""
    before = len(list(get_queue().store))
    with pytest.raises(StudioError, match=says):
        start_run(recipe)
    assert len(list(get_queue().store)) == before
