"""What a click on the watchdog's advice does to the session and to the fields of the tab."""

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
from gradio.exceptions import Error

from ststudio.runs.lineup import admissible
from ststudio.runs.store import get_store
from ststudio.tabs.mending import undo_fix
from ststudio.tabs.picking import pick_sample
from ststudio.tabs.session import Session
from ststudio.tabs.train import settings_of, suits
from ststudio.tabs.watching import can_follow, findings, follow, retyped, settled, shown_fields

SLOWER = {"code": "set_learning_rate", "args": {"learning_rate": 1e-5}}
HARDEST = {"code": "use_loss", "args": {"loss": "TripletLoss"}}
MNRL = "MultipleNegativesRankingLoss"


@pytest.fixture(scope="module")
def picked() -> Session:
    return pick_sample(Session(), "sample-triplet")


def skipped(value: Any) -> bool:
    return isinstance(value, dict) and value == gr.skip()


def test_advice_takes_the_place_of_earlier_advice_of_its_kind(picked: Session) -> None:
    other = {"code": "set_learning_rate", "args": {"learning_rate": 3e-5}}
    taken = follow(follow(follow(picked, other), HARDEST), SLOWER)
    assert taken.fixes == (HARDEST, SLOWER)
    recipe = admissible(taken.recipe())
    assert (recipe.learning_rate, recipe.loss) == (1e-5, "TripletLoss")


def test_advice_on_the_rows_is_applied_to_them(picked: Session) -> None:
    taken = follow(picked, {"code": "drop_same_texts", "args": {}})
    assert taken.fixes == ({"code": "drop_same_texts", "args": {}},)
    assert taken.ready


def test_without_a_dataset_or_with_a_fix_of_no_kind_there_is_a_sentence(picked: Session) -> None:
    with pytest.raises(Error, match="Data tab"):
        follow(Session(), SLOWER)
    with pytest.raises(Error, match="There is no fix"):
        follow(picked, {"code": "magic", "args": {}})


def test_the_fields_show_what_a_fix_sets_until_it_is_undone(picked: Session) -> None:
    taken = follow(picked, SLOWER)
    *_, rate, batch, epochs, now = settings_of(taken, MNRL, {})
    assert (rate, now) == (1e-5, {"learning_rate": 1e-5})
    assert skipped(batch) and skipped(epochs)
    *_, rate, batch, epochs, now = settings_of(taken, MNRL, now)
    assert skipped(rate)  # nothing new: what is typed meanwhile stays
    *_, rate, _, _, now = settings_of(undo_fix(taken, 0), MNRL, now)
    assert (rate, now) == (1e-4, {})


def test_the_loss_of_a_fix_is_chosen_and_given_back(picked: Session) -> None:
    taken = follow(picked, HARDEST)
    _, loss, *_, now = settings_of(taken, MNRL, {})
    assert loss["value"] == "TripletLoss"
    _, loss, *_ = settings_of(undo_fix(taken, 0), "TripletLoss", now)
    assert loss["value"] == MNRL


def test_a_rate_that_a_fix_set_outlives_the_choice_of_a_loss(picked: Session) -> None:
    assert suits(picked, "TripletLoss", None)[1] == 1e-4
    assert suits(follow(picked, SLOWER), "TripletLoss", None)[1] == 1e-5


def test_what_is_typed_takes_the_place_of_a_fix(picked: Session) -> None:
    taken = follow(follow(picked, SLOWER), HARDEST)
    session, left = retyped(taken, settled(taken), "learning_rate")
    assert session.fixes == (HARDEST,)
    assert left == {"loss": "TripletLoss"} == settled(session)
    assert all(map(skipped, shown_fields(settled(session), left, 1e-4)))
    assert all(map(skipped, retyped(session, left, "num_train_epochs")))


def test_advice_is_for_the_dataset_that_its_run_was_trained_on(picked: Session) -> None:
    source = {**picked.source, "revision": "abc"}  # type: ignore[dict-item]
    run, _ = get_store().create({"source": source}, {})
    run.append_log({"step": 8, "loss": 0.01})
    run.append_log({"step": 8, "finding": {"code": "too_easy", "fix": SLOWER}})
    session = replace(picked, run=run.id)
    assert findings(run) == [{"code": "too_easy", "fix": SLOWER}]
    assert can_follow(session, SLOWER)
    assert not can_follow(session, None)
    assert not can_follow(follow(session, SLOWER), SLOWER)
    assert not can_follow(pick_sample(session, "sample-pair"), SLOWER)
    assert not can_follow(replace(session, source=None), SLOWER)
    get_store().delete(run)
