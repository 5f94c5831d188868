"""Hard negatives in the worker: wrong answers only, for training rows only."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.data.negatives import Kinship, Mining
from ststudio.errors import StudioError
from ststudio.runs.admission import start_run
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.shelf import packaged_model
from ststudio.training import hardness, models
from ststudio.training.hardness import look
from ststudio.training.live import Live
from ststudio.training.mining import Miner, harder, mine, taught_as, with_negatives
from ststudio.training.recipe import Recipe
from ststudio.training.train import fine_tune, tuned
from tests.conftest import wait
from tests.training.test_signs import examples_of
from tests.training.tiny import tiny_model

FIX = {"code": "mine_negatives", "args": {"relative_margin": 0.05, "range_min": 0}}
PAIRS = [
    ("How do I reset my password?", "Open the settings and choose a new password."),
    ("How do I reset my password?", "A link to a new password is sent by mail."),
    ("how do I reset my password", "Ask the help desk for a new password."),
    ("How do I reset my username?", "Your username is changed in the settings."),
    ("Where is the canteen?", "The canteen is on the ground floor."),
    ("Is there any food here?", "The canteen is on the ground floor."),
    ("Is there any food here?", "Lunch is served from noon."),
    ("Why does the printer jam?", "Damp paper makes the printer jam."),
]


@pytest.fixture(scope="module")
def miner() -> Miner:
    folder = packaged_model()
    if folder is None:
        pytest.skip("the packaged model is not installed")
    return Miner(models.load_model(folder).eval())


def pairs(rows: list[tuple[str, ...]] = PAIRS) -> pa.Table:  # type: ignore[assignment]
    names = ("anchor", "positive", "negative")[: len(rows[0])]
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def kin(rows: pa.Table) -> Kinship:
    return Kinship(rows["anchor"], rows["positive"])


def test_no_right_answer_becomes_a_negative(miner: Miner) -> None:
    rows = pairs()
    found = mine(miner, rows, kin(rows), Mining())
    of_password = {positive for anchor, positive in PAIRS if "password" in anchor}
    of_food = {positive for _, positive in PAIRS if "canteen" in positive or "Lunch" in positive}
    for (anchor, positive), negative in zip(PAIRS, found, strict=True):
        right = next((group for group in (of_password, of_food) if positive in group), {positive})
        assert negative is None or negative not in right, anchor
    assert sum(text is not None for text in found) >= 6
    assert found[0] == "Your username is changed in the settings."  # the hardest of the wrong


def test_a_negative_is_farther_than_the_positive_by_the_margin(miner: Miner) -> None:
    rows = pairs()
    for margin in (0.05, 0.5):
        found = mine(miner, rows, kin(rows), Mining(relative_margin=margin))
        got = [(a, p, n) for (a, p), n in zip(PAIRS, found, strict=True) if n]
        anchors, positives, negatives = (list(texts) for texts in zip(*got, strict=True))
        right, wrong = miner.cosines(anchors, positives), miner.cosines(anchors, negatives)
        assert (wrong <= right - margin * np.abs(right) + 1e-6).all()


def test_the_closest_texts_are_passed_over_where_that_is_asked(miner: Miner) -> None:
    rows = pairs()
    first = mine(miner, rows, kin(rows), Mining())
    later = mine(miner, rows, kin(rows), Mining(range_min=2))
    assert later[4] not in (None, first[4])


def test_a_triplet_takes_a_closer_negative_only(miner: Miner) -> None:
    easy, hard = "The weather is fine.", "The username cannot be reset."
    question, right = PAIRS[3]
    rows = pairs(
        [
            (question, right, easy),
            ("Where is my username kept?", "It is kept in the cellar.", hard),
            ("Can I reset my username?", "The username is reset by the help desk.", hard),
        ]
    )
    found = harder(miner, rows, kin(rows), Mining())
    assert found[0] not in (None, easy)
    assert found[2] is None  # its own is as hard as any


def test_without_a_wrong_answer_there_is_none(miner: Miner) -> None:
    rows = pairs([("a question", "one answer"), ("a question", "another answer")])
    assert mine(miner, rows, kin(rows), Mining()) == [None, None]


def short(case: str, rows: int = 120) -> Examples:
    """Return the sample of a case with a few training rows."""
    examples = examples_of(case)
    return replace(examples, train=examples.train.slice(0, rows))


def mined(folder: Path, examples: Examples, **asked: Any) -> tuple[Examples, Run, Recipe]:
    case = CASES[examples.case]
    recipe = Recipe({"kind": "builtin", "id": "sample-pair"}, fixes=[FIX], **asked).derived(case)
    run, _ = RunStore(folder / "runs").create(recipe.to_json(), {})
    packaged = packaged_model()
    assert packaged is not None
    taught, seconds = with_negatives(run, recipe, models.load_model(packaged), examples)
    assert seconds > 0
    return taught, run, recipe


@pytest.mark.slow
def test_pairs_learn_as_triplets_and_are_measured_as_pairs(tmp_path: Path) -> None:
    examples = short("pair")
    taught, run, recipe = mined(tmp_path, examples)
    assert taught.train.column_names == ["anchor", "positive", "negative"]
    assert (taught.case, taught.dev, taught.test, taught.corpus) == (
        "pair",
        examples.dev,
        examples.test,
        examples.corpus,
    )
    assert set(taught.train["negative"].to_pylist()) <= set(examples.train["positive"].to_pylist())
    (note,) = run.facts["notes"]
    left = examples.train.num_rows - taught.train.num_rows
    assert f"{taught.train.num_rows:,} rows" in note and f"{left:,} row" in note

    case = CASES["pair"]
    recipe = replace(recipe, max_steps=2, eval_steps=2, prompts={"positive": "passage: "})
    live = Live(run, case.metric, recipe, keeps_best=True)
    model = tiny_model(tmp_path / "model")
    model.prompts |= {"query": "", "document": "passage: "}
    trainer = fine_tune(run, recipe, case, model, taught, live)
    batch = next(iter(trainer.get_train_dataloader()))
    assert {name for name in batch if name.endswith("input_ids")} == {
        "anchor_input_ids",
        "positive_input_ids",
        "negative_input_ids",
    }
    assert trainer.args.prompts == {"positive": "passage: ", "negative": "passage: "}
    assert [entry for entry in run.log() if "metric" in entry]


@pytest.mark.slow
def test_what_a_lease_kept_of_a_mined_training_is_taken_over_without_mining_again(
    tmp_path: Path,
) -> None:
    examples = short("pair")
    recipe = Recipe(
        {"kind": "builtin", "id": "sample-pair"}, fixes=[FIX], max_steps=2, eval_steps=1
    ).derived(CASES["pair"])
    run, _ = RunStore(tmp_path / "runs").create(recipe.to_json(), {})
    packaged = packaged_model()
    assert packaged is not None
    first = tuned(run, recipe, CASES["pair"], examples, packaged, leased=True)
    again = tuned(run, recipe, CASES["pair"], examples, packaged)
    assert again.lost and again.steps > 0 and len(run.facts["notes"]) == 1
    for one, other in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert one.equal(other)


def test_triplets_keep_every_row(tmp_path: Path) -> None:
    examples = short("triplet")
    taught, run, _ = mined(tmp_path, examples)
    assert taught.train.num_rows == examples.train.num_rows
    assert taught.train.drop(["negative"]) == examples.train.drop(["negative"])
    assert taught.train["negative"] != examples.train["negative"]
    assert "the others keep theirs" in run.facts["notes"][0]


def test_too_few_rows_for_mining_are_trained_as_they_are(tmp_path: Path) -> None:
    few = short("pair", 12)
    taught, run, _ = mined(tmp_path, few)
    assert taught.train == few.train
    assert "trained without them" in run.facts["notes"][0]
    assert taught_as(CASES["pair"], taught.train) == CASES["pair"]


def test_little_time_mines_fewer_rows(tmp_path: Path) -> None:
    examples = short("pair")
    taught, run, _ = mined(tmp_path, examples, max_seconds=0.3, per_device_train_batch_size=2)
    assert taught.train.num_rows < 100
    assert "training rows of 120:" in run.facts["notes"][0]


def test_a_recipe_without_the_fix_is_left_alone(tmp_path: Path) -> None:
    examples = examples_of("pair")
    recipe = Recipe({"kind": "builtin", "id": "sample-pair"}).derived(CASES["pair"])
    run, _ = RunStore(tmp_path / "runs").create(recipe.to_json(), {})
    model = tiny_model(tmp_path / "tiny")
    assert with_negatives(run, recipe, model, examples) == (examples, 0.0)
    assert not run.facts


@pytest.mark.parametrize("case", ["pair-score", "text-class"])
def test_a_loss_that_reads_no_negatives_refuses_them(case: str) -> None:
    with pytest.raises(StudioError, match="reads no negatives"):
        start_run({"source": {"kind": "builtin", "id": f"sample-{case}"}, "fixes": [FIX]})


def test_mined_negatives_are_closer_than_random_ones(miner: Miner) -> None:
    rows = examples_of("pair").train.slice(0, 60)
    found = look(miner, rows, Mining(), seed=1)
    before, after = found["medians"]
    assert (found["rows"], found["own"]) == (60, False)
    assert 0 < after < before - 0.05
    assert [sum(counts) for counts in found["counts"]] == [found["found"]] * 2
    assert len(found["edges"]) == hardness.BARS + 1
    assert [set(row) for row in found["examples"]] == [
        {"anchor", "positive", "before", "after", "margins"}
    ] * hardness.SHOWN


def test_a_look_where_nothing_is_found_is_empty(miner: Miner) -> None:
    rows = pairs([("a question", "one answer"), ("a question", "another answer")])
    found = look(miner, rows, Mining(), seed=1)
    assert (found["found"], found["edges"], found["examples"]) == (0, [], [])


@pytest.mark.slow
def test_a_run_with_hard_negatives_reports_the_metric_of_its_own_case() -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    asked = {"source": source, "fixes": [FIX], "max_steps": 4, "eval_steps": 2, "max_seconds": 12}
    run = wait(start_run(asked)[0])
    assert run.state["state"] == "finished", run.state
    assert run.report is not None and run.report["metric"] == CASES["pair"].metric
    assert any("Hard negatives" in note for note in run.facts["notes"])
