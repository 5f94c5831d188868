"""Trainings that do not learn, by the real trainer on a tiny model: each shows its sign."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.live import Live
from ststudio.training.recipe import Recipe
from ststudio.training.train import fine_tune
from tests.training import samples
from tests.training.tiny import tiny_model

STEPS = 30
examples_of = cache(samples.examples_of)  # what several tests read and none changes


def trained(
    folder: Path, examples: Examples, steps: int = STEPS, broken: bool = False, **asked: Any
) -> Run:
    """Fine-tune a tiny model on examples, without dev, and return its run."""
    case = CASES[examples.case]
    recipe = Recipe({"kind": "builtin", "id": f"sample-{case.key}"}, max_steps=steps, **asked)
    recipe = recipe.derived(case)
    run, _ = RunStore(folder / "runs").create(recipe.to_json(), {})
    live = Live(run, case.metric, recipe, keeps_best=False)
    examples = replace(examples, dev=examples.dev.slice(0, 0))
    model = tiny_model(folder / "tiny")
    if broken:
        next(model[0].model.encoder.parameters()).data[0] = math.inf
    fine_tune(run, recipe, case, model, examples, live)
    return run


def codes(run: Run) -> list[str]:
    return [entry["finding"]["code"] for entry in run.log() if "finding" in entry]


def same_triplets() -> Examples:
    """Return the sample's triplets, their positives twice."""
    examples = examples_of("triplet")
    rows = examples.train
    return replace(examples, train=rows.set_column(2, "negative", rows["positive"]))


def classes(label: int | None = None) -> Examples:
    """Return the sample's texts with their classes, or all of one."""
    examples = examples_of("text-class")
    rows = examples.train
    if label is not None:
        one = pa.array([label] * rows.num_rows, pa.int64())
        rows = rows.set_column(1, "label", one)
    return replace(examples, train=rows)


def test_duplicates_hold_the_loss_at_its_margin(tmp_path: Path) -> None:
    asked = {"loss": "TripletLoss", "batch_sampler": "batch_sampler"}
    assert codes(trained(tmp_path, same_triplets(), 9, **asked)) == ["same_texts_compared"]


@pytest.mark.parametrize("loss", ["BatchHardTripletLoss", "BatchAllTripletLoss"])
def test_batches_of_one_class_are_named_at_the_first_step(tmp_path: Path, loss: str) -> None:
    run = trained(tmp_path, classes(label=3), 10, loss=loss, batch_sampler="batch_sampler")
    assert codes(run) == ["one_class_batches"]
    losses = [entry["loss"] for entry in run.log() if "loss" in entry]
    still = {"BatchHardTripletLoss": 0.3, "BatchAllTripletLoss": 0.0}[loss]
    assert losses == pytest.approx([still] * 10, abs=1e-4)


def test_batches_by_label_are_left_alone(tmp_path: Path) -> None:
    assert codes(trained(tmp_path, classes(), 10)) == []


def test_a_rate_of_nearly_nothing_is_too_low(tmp_path: Path) -> None:
    run = trained(tmp_path, examples_of("pair"), learning_rate=1e-8)
    assert codes(run) == ["rate_too_low"]


def test_a_rate_far_too_high_makes_all_texts_alike(tmp_path: Path) -> None:
    run = trained(tmp_path, examples_of("pair"), learning_rate=1.0)
    assert codes(run)[0] in ("collapsed", "rate_too_high", "alike_from_the_start")
    found = next(entry["finding"] for entry in run.log() if "finding" in entry)
    assert found["fix"] == {"code": "set_learning_rate", "args": {"learning_rate": 1e-4}}


def test_infinity_ends_the_training_and_leaves_its_fix(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Nothing was kept"):
        trained(tmp_path, examples_of("pair"), broken=True, learning_rate=1e-3)
    run = next(iter(RunStore(tmp_path / "runs")))
    assert codes(run) == ["not_a_number"]
    assert all(math.isfinite(entry["loss"] or 0.0) for entry in run.log() if "loss" in entry)


def test_weights_that_are_no_numbers_are_found_without_an_entry_in_the_log(tmp_path: Path) -> None:
    case = CASES["pair"]
    recipe = Recipe({"kind": "builtin", "id": "sample-pair"}).derived(case)
    run, _ = RunStore(tmp_path / "runs").create(recipe.to_json(), {})
    live = Live(run, case.metric, recipe, keeps_best=True)
    model = tiny_model(tmp_path / "tiny")
    live.check_whole(model, 7)
    assert codes(run) == []
    next(model.parameters()).data[0] = math.nan
    with pytest.raises(StudioError, match="step 7"):
        live.check_whole(model, 7)
    assert codes(run) == ["not_a_number"]
