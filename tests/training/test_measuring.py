"""Measuring: what is embedded is what was announced, and what the time was counted for."""

from pathlib import Path

import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.runs.store import RunStore
from ststudio.training.measuring import Progress, _distinct, measure
from ststudio.training.remembered import Remembered
from tests.training.samples import examples_of
from tests.training.tiny import tiny_model


@pytest.fixture(scope="module", params=["text-class", "pair"])
def cut(request: pytest.FixtureRequest) -> Examples:
    """Return a case of the sample."""
    return examples_of(request.param)


def test_every_text_that_is_embedded_was_announced(tmp_path: Path, cut: Examples) -> None:
    run, _ = RunStore(tmp_path / "runs").create({}, {})
    models = Remembered(tiny_model(tmp_path / "one")), Remembered(tiny_model(tmp_path / "two"))
    measure(run, CASES[cut.case], cut, models)
    assert [len(model) for model in models] == [_distinct(cut)] * 2


def test_nothing_embedded_yet_is_no_pace(tmp_path: Path) -> None:
    run, _ = RunStore(tmp_path).create({}, {})
    told = Progress(run, 10)
    told.written -= 60  # a slow machine: long since anything was said
    told(0)
    assert "measured" not in run.state
    told(5)
    assert run.state["measured"] == 0.5
