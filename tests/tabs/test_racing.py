"""The race as the page shows it: what may start, who won and what that is worth."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gradio.exceptions import Error

from ststudio.runs.run import Run
from ststudio.runs.store import RunStore, get_store
from ststudio.tabs.picking import pick_sample
from ststudio.tabs.racing import (
    offered,
    race,
    race_table,
    race_words,
    recipe_of,
    show_race,
    use_winner,
)
from ststudio.tabs.session import Session

LOSSES = ["MultipleNegativesRankingLoss", "TripletLoss"]
MORE = (16, None, None, None, 42)


def row(loss: str, best: float | None, **more: Any) -> dict[str, Any]:
    model = {"id": "sentence-transformers/all-MiniLM-L6-v2"}
    return {"title": loss, "loss": loss, "base_model": model, "dev_baseline": 0.80,
            "dev_best": best, "out": None, "won": False, **more}  # fmt: skip


def a_run(store: RunStore, *rows: dict[str, Any], ended: bool = True) -> tuple[Run, str]:
    facts = {"case": "triplet", "race": {"dev_units": 200, "racers": list(rows)}}
    run, key = store.create({"source": {}}, facts)
    if ended:
        run.end("finished")
    return run, key


@pytest.fixture(scope="module")
def picked() -> Session:
    return pick_sample(Session(), "sample-triplet")


def test_two_to_four_racers_start_and_no_others(picked: Session) -> None:
    with pytest.raises(Error, match="makes 1 racers"):
        race(picked, None, LOSSES[:1], None, 5, "a/b", *MORE)
    with pytest.raises(Error, match="makes 6 racers"):
        race(picked, None, LOSSES, ["a/b", "a/c", "a/d"], 5, "a/b", *MORE)
    with pytest.raises(Error, match="Pick a dataset"):
        race(Session(), None, LOSSES, None, 5, "a/b", *MORE)
    with pytest.raises(Error, match="2 racers of 200 s"):
        race(picked, None, LOSSES, None, 200, "sentence-transformers/all-MiniLM-L6-v2", *MORE)


def test_advice_on_one_loss_is_not_for_all_racers(picked: Session) -> None:
    fixes = (
        {"code": "set_learning_rate", "args": {"learning_rate": 1e-5}},
        {"code": "set_max_seq_length", "args": {"tokens": 64}},
    )
    field = [{"loss": loss, "base_model": "a/b"} for loss in LOSSES]
    recipe = recipe_of(replace(picked, fixes=fixes), field, 5, tuple(MORE))
    assert [fix["code"] for fix in recipe["fixes"]] == ["set_max_seq_length"]
    assert recipe["race"] == field and recipe["base_model"] == "a/b"


def test_the_losses_of_the_case_are_offered_and_what_was_chosen_stays(picked: Session) -> None:
    losses, button, names = offered(picked, ())
    assert losses["choices"][0] == LOSSES[0] and len(losses["value"]) in (3, 4)
    assert button["interactive"]
    assert "value" not in offered(picked, names)[0]
    assert offered(Session(), names)[0]["value"] == []


def test_a_difference_within_noise_is_said_to_be_one(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    close, _ = a_run(store, row("A", 0.91, won=True), row("B", 0.90))
    assert "A won on dev" in race_words(close) and "within noise of each other" in race_words(close)
    clear, _ = a_run(store, row("A", 0.95, won=True), row("B", 0.81))
    assert "the difference is larger" in race_words(clear)
    assert "200 dev units one standard error is about 0.015" in race_words(clear)
    alone, _ = a_run(store, row("A", 0.95, won=True), row("B", None, out="Out of memory."))
    assert "no other racer was measured" in race_words(alone)
    worse, _ = a_run(store, row("A", 0.79, won=True), row("B", 0.70))
    assert "no racer improved it" in race_words(worse)
    assert "No winner" in race_words(a_run(store, row("A", None), row("B", None))[0])
    going, _ = a_run(store, row("A", None), row("B", None), ended=False)
    assert "test is not touched" in race_words(going)


def test_the_table_says_what_each_did_and_why_one_is_out(tmp_path: Path) -> None:
    rows = (row("A", 0.9, won=True), row("B", None, out="Out of memory."))
    run, _ = a_run(RunStore(tmp_path), *rows)
    run.append_log({"step": 0, "metric": 0.8, "seconds": 0.5, "racer": 0})
    run.append_log({"step": 7, "metric": 0.9, "seconds": 5.0, "racer": 0})
    first, second = race_table(run)
    assert first == ["A", "0.9000", "0.8000", "7", "5", "all-MiniLM-L6-v2", "won"]
    assert second[1:5] == ["–"] * 4 and second[6] == "Out of memory."


def test_the_winner_is_one_click_from_the_next_run(picked: Session) -> None:
    run, key = a_run(get_store(), row(LOSSES[0], 0.8), row(LOSSES[1], 0.9, won=True))
    session = picked.with_run(run.id, key, "a race")
    again, loss = use_winner(session)
    assert loss == "TripletLoss" and again.run == run.id
    words, plot, _, button, seen = show_race(session, "")
    assert words["visible"] and plot["visible"] and button["visible"]
    assert show_race(session, seen)[-1] == seen
    assert not show_race(picked, "")[0]["visible"]
    undecided, key = a_run(get_store(), row("A", 0.8), row("B", 0.9))
    with pytest.raises(Error, match="No race has been won"):
        use_winner(picked.with_run(undecided.id, key, "a race"))
