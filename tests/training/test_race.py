"""A real race of tiny models: one that must lose, one that breaks, one that learns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.race import NOT_STARTED, Lane, Tuned, lanes, race
from ststudio.training.racers import derived_race, dev_units, lane, racers, titles
from ststudio.training.recipe import Recipe
from ststudio.training.train import train_job, tuned
from tests.training.samples import examples_of
from tests.training.tiny import tiny_model

PAIR = CASES["pair"]
LOSES = {"learning_rate": 1e-8}
BREAKS = {"learning_rate": 1e-3, "base_model": "tiny/broken"}
LEARNS = {"learning_rate": 5e-3}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    model = tiny_model(folder / "parts")
    model.save_pretrained(str(folder / "model"))
    next(model.parameters()).data.fill_(float("nan"))
    model.save_pretrained(str(folder / "broken"))
    return folder / "model"


def admitted(folder: Path, base: Path, field: list[dict[str, Any]], steps: int = 12) -> Run:
    """Make a race's run as admission does."""
    source = {"kind": "builtin", "id": "sample-pair"}
    asked = Recipe(source, max_steps=steps, eval_steps=steps // 2, max_seconds=60, race=field)
    recipe = derived_race(racers(asked), PAIR)
    rows = [
        {"title": title, "loss": racer.loss, "learning_rate": racer.learning_rate,
         "base_model": {"id": f"tiny/{number}", "revision": None, "origin": "hub"}}
        for number, (racer, title) in enumerate(
            zip(racers(recipe), titles(racers(recipe)), strict=True)
        )
    ]  # fmt: skip
    units = dev_units(examples_of("pair"))
    run, _ = RunStore(folder).create(
        recipe.to_json(), {"case": "pair", "race": {"dev_units": units, "racers": rows}}
    )
    folders = {"tiny/broken": base.with_name("broken")}
    run.write_racers([folders.get(str(racer.base_model), base) for racer in racers(recipe)])
    run.write_base(base)
    return run


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, base: Path, examples: Examples) -> Run:
    """Return a race that has been run, as a worker runs it."""
    run = admitted(tmp_path_factory.mktemp("runs"), base, [LOSES, BREAKS, LEARNS])
    examples.save(run.examples_dir)
    train_job({"run": str(run.path)})
    return run


def test_the_better_on_dev_wins_and_alone_is_measured_on_test(done: Run) -> None:
    assert done.state["state"] == "finished", done.state
    report = done.report
    assert report is not None and done.has_model
    loses, breaks, learns = report["race"]
    assert [row["won"] for row in (loses, breaks, learns)] == [False, False, True]
    assert learns["dev_best"] > learns["dev_baseline"] + 0.003
    assert loses["dev_best"] == pytest.approx(loses["dev_baseline"], abs=1e-3)
    assert loses["dev_baseline"] == learns["dev_baseline"]
    assert report["score"] != report["baseline"]
    assert done.vectors_file.stat().st_size > 0  # the base's vectors, for the next run
    assert report["n"] == len(examples_of("pair").test.column(0).unique())


def test_a_racer_that_breaks_is_out_with_its_reason_and_the_others_go_on(done: Run) -> None:
    _, breaks, learns = done.facts["race"]["racers"]
    assert "infinite or no number" in breaks["out"] and breaks["dev_best"] is None
    assert learns["out"] is None and learns["steps"] == 12


def test_the_run_is_the_winners_in_the_end(done: Run) -> None:
    assert done.recipe["learning_rate"] == LEARNS["learning_rate"]
    assert done.recipe["race"] is None
    assert done.facts["base_model"]["id"] == "tiny/2"
    Recipe.from_json(done.recipe)  # it can be started as it is


def test_every_entry_of_the_log_says_whose_it_is(done: Run) -> None:
    assert {entry.get("racer") for entry in done.log()} == {0, 1, 2}
    broken = [entry["finding"]["code"] for entry in lane(done.log(), 1) if "finding" in entry]
    assert broken == ["not_a_number"]
    first = [lane(done.log(), racer) for racer in (0, 2)]
    losses = [next(entry["loss"] for entry in own if entry["step"] == 1) for own in first]
    assert losses[0] == losses[1]  # the same rows in the same order, from the same weights


Tune = Callable[[Run, Recipe, Path], Tuned]


def tuner(examples: Examples, before: Callable[[Run], None] = lambda run: None) -> Tune:
    def tune(run: Run, recipe: Recipe, folder: Path) -> Tuned:
        before(run)
        return tuned(run, recipe, PAIR, examples, folder)

    return tune


def test_no_test_row_plays_a_part_in_the_choice(
    tmp_path: Path, base: Path, examples: Examples, done: Run
) -> None:
    run = admitted(tmp_path, base, [LOSES, LEARNS])
    unseen = replace(examples, test=examples.test.slice(0, 0))
    won = race(run, Recipe.from_json(run.recipe), tuner(unseen))
    assert won is not None and won.recipe.learning_rate == LEARNS["learning_rate"]
    with_test, without = done.facts["race"]["racers"][2], run.facts["race"]["racers"][1]
    assert without["dev_best"] == pytest.approx(with_test["dev_best"])


def test_a_stop_ends_the_race_with_the_best_so_far(
    tmp_path: Path, base: Path, examples: Examples
) -> None:
    run = admitted(tmp_path, base, [LEARNS, LOSES, {"learning_rate": 2e-3}])

    def stop_in_the_second(run: Run) -> None:
        assert isinstance(run, Lane)
        if run.racer == 1:
            run.ask_to_stop()

    won = race(run, Recipe.from_json(run.recipe), tuner(examples, stop_in_the_second))
    assert won is not None and won.stopped
    assert won.recipe.learning_rate == LEARNS["learning_rate"]
    rows = run.facts["race"]["racers"]
    assert [row["steps"] for row in rows[:2]] == [12, 1]
    assert rows[2]["out"] == NOT_STARTED


@pytest.mark.slow
def test_a_race_that_nobody_ends_says_why(tmp_path: Path, base: Path, examples: Examples) -> None:
    run = admitted(tmp_path, base, [BREAKS, {**BREAKS, "learning_rate": 2e-3}], steps=2)
    with pytest.raises(StudioError, match=r"No racer reached the end.*at 0.001: The loss.*0.002"):
        race(run, Recipe.from_json(run.recipe), tuner(examples))


def test_the_state_speaks_of_the_whole_race(tmp_path: Path, base: Path) -> None:
    run = admitted(tmp_path, base, [LOSES, LEARNS])
    first, last = lanes(run, Recipe.from_json(run.recipe))
    first.update(phase="training", training_seconds_left=5.0)
    assert run.state["phase"] == "racing 1 of 2: MultipleNegativesRankingLoss at 1e-08"
    assert run.state["training_seconds_left"] == 65.0
    last.update(phase="loading the model", training_seconds_left=5.0, step=3)
    assert run.state["training_seconds_left"] == 5.0 and run.state["step"] == 3
