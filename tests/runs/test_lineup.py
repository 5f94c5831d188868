"""A race at the door: what would end one racer is refused before anything is made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ststudio.errors import StudioError
from ststudio.fetch import ModelRef
from ststudio.runs.admission import start_run
from ststudio.runs.lineup import derive, fetch_models
from ststudio.runs.queue import get_queue
from ststudio.runs.store import RunStore
from ststudio.training.recipe import Recipe
from tests.conftest import Training
from tests.hub.server import Hub
from tests.runs.refusals import refused
from tests.training.samples import examples_of

SOURCE = {"kind": "builtin", "id": "sample-triplet"}
TWO = [{"loss": "MultipleNegativesRankingLoss"}, {"loss": "TripletLoss"}]


@pytest.fixture(autouse=True)
def queue_closed_in_the_end(training: Training) -> None:
    """Share the queue with the tests that train: it is closed when all are done."""


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"race": TWO, "max_seconds": 200}, "2 racers of 200 s each"),
        ({"race": [*TWO, {"loss": "CoSENTLoss"}]}, "CoSENTLoss does not read"),
        ({"race": [*TWO, TWO[0]]}, "Racers 1 and 3 are the same"),
        ({"race": [*TWO, {"base_model": "run:" + "0" * 32}]}, "There is no run"),
        ({"race": [*TWO, {"base_model": "../elsewhere"}]}, "not the id of a model"),
        ({"race": TWO[:1]}, "2 to 4 racers"),
    ],
)
def test_what_would_end_a_racer_is_refused_before_a_run_is_made(
    recipe: dict[str, Any], says: str
) -> None:
    refused({"source": SOURCE, **recipe}, says)


def test_a_race_on_too_few_dev_units_is_refused_with_what_mends_it() -> None:
    examples = examples_of("triplet")
    few = replace(examples, dev=examples.dev.slice(0, 30))
    base = ModelRef("a/b", "0" * 40, "cache", 0)
    recipe = Recipe(SOURCE, race=TWO)
    with pytest.raises(StudioError, match="30 different anchors here.*Add rows"):
        derive(recipe, [base, base], {}, few)
    assert derive(replace(recipe, race=None), [base], {}, few).loss  # alone, it trains


def test_a_race_is_admitted_whole() -> None:
    run, _, _ = start_run({"source": SOURCE, "race": TWO, "max_seconds": 5})
    get_queue().stop(run)
    assert [racer["loss"] for racer in run.recipe["race"]] == [racer["loss"] for racer in TWO]
    assert all(racer["base_model"]["revision"] for racer in run.recipe["race"])
    race = run.facts["race"]
    assert race["dev_units"] == 128
    assert [row["title"] for row in race["racers"]] == [racer["loss"] for racer in TWO]
    assert run.facts["loss"] == TWO[0]["loss"]


def test_every_base_model_is_here_before_the_worker_is_used(
    hub: Hub, training: Training, tmp_path: Path
) -> None:
    commit = "0" * 40
    refs = [ModelRef("sentence-transformers/all-MiniLM-L6-v2", commit, "packaged", 1),
            ModelRef("intfloat/e5-small-v2", "1" * 40, "hub", 1)]  # fmt: skip
    recipe = Recipe(SOURCE, race=[{}, {}])
    run, _ = RunStore(tmp_path).create(recipe.to_json(), {})
    with pytest.raises(StudioError):  # its weights are none: no racer starts
        fetch_models(refs, None, recipe, run, None)
    assert run.racer_dirs == []
    first = fetch_models([refs[0], refs[0]], None, recipe, run, None)
    assert run.racer_dirs == [first, first]
